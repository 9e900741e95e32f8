//! Whom to tell: which alerts are open, and what a judgement makes of them: raised once, escalated only upwards, cleared once.

mod explain;
mod rules;
mod scene;

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

pub use scene::Scene;

use crate::base::Day;
use crate::event::{AlertKind, Reason, Severity};

/// What an alert is one per.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
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
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct OpenAlert {
    kind: AlertKind,
    subject: Subject,
    severity: Severity,
    /// What was lost, of `cover_lost`.
    loss: Option<Loss>,
    /// Its id, the same from raising to clearing.
    id: u128,
    /// Whether it is to be left in peace.
    snooze: Option<Snooze>,
}

/// An alert left in peace: it clears, and does not escalate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Snooze {
    /// The day at whose start it may escalate again.
    until: Day,
    /// How bad it would have got meanwhile, where that is seen only at the time.
    held_back: Option<Severity>,
}

/// What was lost when a cover was cut, in 10^-4 base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
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
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
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

    /// The days until which open alerts are left in peace.
    pub fn snoozed_until(&self) -> impl Iterator<Item = Day> {
        self.open.iter().filter_map(|alert| alert.snooze.map(|snooze| snooze.until))
    }

    /// Leaves an open alert in peace until a day; `false`: no such alert is open.
    pub fn snooze(&mut self, id: &str, until: Day) -> bool {
        let found = self.open.iter_mut().find(|alert| format!("{:032x}", alert.id) == id);
        found.is_some_and(|alert| {
            let held_back = alert.snooze.and_then(|snooze| snooze.held_back);
            alert.snooze = Some(Snooze { until, held_back });
            true
        })
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
            let (alert, severity) = hold_back(scene, alert, severity);
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
    let alert = OpenAlert { kind, subject, severity, loss, id, snooze: None };
    told.push(Told { turn: Turn::Raised, id, kind, severity, reasons: explain::reasons(scene, &alert) });
    alert
}

/// While it is snoozed an alert gets no worse; what was held back is heard when the snooze is over.
fn hold_back(scene: &Scene<'_>, mut alert: OpenAlert, severity: Option<Severity>) -> (OpenAlert, Option<Severity>) {
    let Some(snooze) = &mut alert.snooze else { return (alert, severity) };
    if scene.today < snooze.until {
        // A cut is seen when it is made; every other rule sees at any time how bad it is.
        if alert.kind == AlertKind::CoverLost {
            snooze.held_back = snooze.held_back.max(severity);
        }
        let held = severity.map(|severity| severity.min(alert.severity));
        return (alert, held);
    }
    let severity = severity.map(|severity| snooze.held_back.map_or(severity, |held_back| held_back.max(severity)));
    alert.snooze = None;
    (alert, severity)
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
