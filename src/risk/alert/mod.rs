//! Whom to tell: which alerts are open, and what a judgement makes of them: raised once, escalated only upwards, cleared once.

mod explain;
mod rules;
mod scene;

use borsh::BorshSerialize;
use compact_str::CompactString;

pub use scene::Scene;

use crate::base::Day;
use crate::event::{AlertKind, Reason, Severity};

/// What an alert is one per.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
pub enum Subject {
    /// The buyer.
    Buyer,
    /// A cover of the buyer.
    Cover(CompactString),
    /// An invoice under a cover: seller, invoice, cover.
    InvoiceUnderCover(CompactString, CompactString, CompactString),
    /// A payment: seller, payment.
    Payment(CompactString, CompactString),
}

/// An open alert.
#[derive(Debug, Clone, BorshSerialize)]
pub struct OpenAlert {
    kind: AlertKind,
    subject: Subject,
    severity: Severity,
    /// What was lost, of `cover_lost`.
    loss: Option<Loss>,
    /// Its id, the same from raising to clearing.
    id: u128,
}

/// What was lost when a cover was cut, in 10^-4 base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize)]
struct Loss {
    /// What the cover carried the day before.
    carried: i128,
    /// What of it a cut that reaches back took away at once.
    dropped: i128,
    /// The day on which it was lost.
    on: Day,
}

/// A condition that holds at its raising level.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    kind: AlertKind,
    subject: Subject,
    severity: Severity,
    loss: Option<Loss>,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was raised.
    Raised,
    /// It got worse.
    Escalated,
    /// It is over.
    Cleared,
}

/// An alert to tell about.
#[derive(Debug)]
pub struct Told {
    /// What became of it.
    pub turn: Turn,
    /// Its id.
    pub id: u128,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters now, or mattered last.
    pub severity: Severity,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// The open alerts of a buyer.
#[derive(Debug, Default, BorshSerialize)]
pub struct Alerts {
    /// In order of kind and subject.
    open: Vec<OpenAlert>,
}

impl Alerts {
    /// The open alerts' kinds and severities.
    pub fn open(&self) -> impl Iterator<Item = (AlertKind, Severity)> {
        self.open.iter().map(|alert| (alert.kind, alert.severity))
    }

    /// What open alerts of a kind are one per.
    pub fn open_of(&self, kind: AlertKind) -> impl Iterator<Item = &Subject> {
        self.open.iter().filter(move |alert| alert.kind == kind).map(|alert| &alert.subject)
    }

    /// Judges every rule on a scene, in order of kind and subject. `new_id` gives the id of an alert about to be raised.
    pub fn judge(&mut self, scene: &Scene<'_>, mut new_id: impl FnMut(AlertKind, &Subject) -> u128) -> Vec<Told> {
        let mut findings = rules::findings(scene);
        if findings.is_empty() && self.open.is_empty() {
            return Vec::new();
        }
        findings.sort_by(|a, b| (a.kind, &a.subject).cmp(&(b.kind, &b.subject)));
        let mut told = Vec::new();
        let mut kept: Vec<OpenAlert> = Vec::with_capacity(self.open.len() + findings.len());
        let mut found = findings.into_iter().peekable();
        for alert in std::mem::take(&mut self.open) {
            while let Some(finding) =
                found.next_if(|finding| (finding.kind, &finding.subject) < (alert.kind, &alert.subject))
            {
                kept.push(raise(scene, finding, &mut new_id, &mut told));
            }
            let finding = found.next_if(|finding| finding.kind == alert.kind && finding.subject == alert.subject);
            let severity = match finding {
                Some(finding) => Some(finding.severity),
                None => rules::severity_still(scene, &alert),
            };
            kept.extend(carry_on(scene, alert, severity, &mut told));
        }
        kept.extend(found.map(|finding| raise(scene, finding, &mut new_id, &mut told)));
        kept.shrink_to_fit();
        self.open = kept;
        told
    }
}

fn raise(
    scene: &Scene<'_>,
    finding: Finding,
    new_id: &mut impl FnMut(AlertKind, &Subject) -> u128,
    told: &mut Vec<Told>,
) -> OpenAlert {
    let id = new_id(finding.kind, &finding.subject);
    let Finding { kind, subject, severity, loss } = finding;
    let alert = OpenAlert { kind, subject, severity, loss, id };
    told.push(Told { turn: Turn::Raised, id, kind, severity, reasons: explain::reasons(scene, &alert) });
    alert
}

/// Escalates an alert, leaves it as it is, or clears it where its severity is none.
fn carry_on(
    scene: &Scene<'_>,
    mut alert: OpenAlert,
    severity: Option<Severity>,
    told: &mut Vec<Told>,
) -> Option<OpenAlert> {
    let (turn, severity) = match severity {
        None => (Turn::Cleared, alert.severity),
        Some(severity) if severity > alert.severity => (Turn::Escalated, severity),
        Some(_) => return Some(alert),
    };
    alert.severity = severity;
    let reasons = match turn {
        Turn::Cleared => explain::cleared(scene, &alert),
        Turn::Raised | Turn::Escalated => explain::reasons(scene, &alert),
    };
    told.push(Told { turn, id: alert.id, kind: alert.kind, severity, reasons });
    (turn != Turn::Cleared).then_some(alert)
}
