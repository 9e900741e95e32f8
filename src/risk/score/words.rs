//! Owns the words of a score: each reason with its measure, a sentence for a person, and what says so.

use super::card::{Card, Evidence};
use super::code::{Code, FIRST_OF_ACCOUNTS};
use crate::base::Day;
use crate::event::{EventName, Points, Reason, Scored};
use crate::risk::behaviour::WHOLE;
use crate::risk::ledger::Invoice;

/// Documents that a reason names.
const DOCUMENTS_MAX: usize = 3;

/// The reasons of a score, the weightiest first: their points add up to it. What is unknown comes last, without points.
#[must_use]
pub fn reasons(card: &Card, scored: &Scored, evidence: &Evidence<'_>) -> Vec<Reason> {
    let points = card.points(scored);
    let mut reasons: Vec<Reason> = Code::ALL
        .iter()
        .filter(|code| points[**code as usize] > Points::ZERO)
        .map(|code| reason(*code, points[*code as usize], card, evidence))
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points));
    reasons.extend(unknown(evidence));
    reasons
}

fn reason(code: Code, points: Points, card: &Card, evidence: &Evidence<'_>) -> Reason {
    let measure = card.measures[code as usize].unwrap_or_default();
    let (value, detail) = said(code, measure, evidence);
    let (events, documents) = sources(code, evidence);
    Reason { code: code.as_str(), points, value: Some(value), detail, events, documents }
}

/// The measure as a decimal, and a sentence with it.
fn said(code: Code, measure: i32, evidence: &Evidence<'_>) -> (String, String) {
    let decimal = |places: usize| fixed(measure, places);
    let percent = || fixed(measure, 1);
    let ratio = |what: &str| (fixed(measure, 4), format!("{what} {}", fixed(measure / 100, 2)));
    let share = |what: &str| (percent(), format!("{} % of invoices {what}", percent()));
    match code {
        Code::LateShare => paid(evidence, 0, "late"),
        Code::LateOver30 => paid(evidence, 1, "over 30 days late"),
        Code::UsualDelay => {
            let days = evidence.behaviour.usual_delay().unwrap_or_default();
            (
                fixed(days, 1),
                with_caution(evidence, format!("usually pays {}, no invoice counting for over 10 days", late(days))),
            )
        }
        Code::DaysBeyondTerms => {
            let days = evidence.behaviour.days_beyond_terms().unwrap_or_default();
            (fixed(days, 1), with_caution(evidence, format!("by amount, pays {}", late(days))))
        }
        Code::RecentDelay => {
            let days = evidence.behaviour.recent_delay().unwrap_or_default();
            (
                fixed(days, 1),
                with_caution(evidence, format!("lately pays {}, early ones counting as on time", late(days))),
            )
        }
        Code::BrokenHabit => {
            let days = evidence.behaviour.habit_days();
            (
                percent(),
                format!(
                    "{} % of what it pays in a month is open for longer than it ever took, over {days} days past due, or lost",
                    percent()
                ),
            )
        }
        Code::OverdueOld => share("are open over 60 days past due, or lost"),
        Code::DelayRising => {
            (decimal(1), format!("pays later and later: {} spreads beyond its own habit in sum", decimal(1)))
        }
        Code::PartialPayments => (percent(), format!("{} % of recent payments pay only a part", percent())),
        Code::ReversedPayments => {
            (decimal(3), format!("{} recent payments were reversed, the older ones counting less", decimal(3)))
        }
        Code::Disputes => share("are disputed"),
        Code::WrittenOff => share("were written off"),
        Code::Incidents => (measure.to_string(), incidents(evidence)),
        Code::Rating => (decimal(1), ratings(evidence)),
        Code::RatingFallen => (measure.to_string(), format!("a rating fell by {measure} within a year")),
        Code::Insolvency => {
            let (name, on) = evidence.insolvency.map_or(("", Day::MIN), |(procedure, on)| (procedure.as_str(), on));
            (name.to_owned(), format!("{name} opened on {on}"))
        }
        Code::ExposureGrowth => (decimal(3), format!("exposure is {} times its usual level", decimal(3))),
        Code::Utilisation => (decimal(3), format!("exposure is {} % of the limit", percent())),
        Code::SalesTrend => ratio("accounts: sales over the year before"),
        Code::RetainedEarnings => ratio("accounts: retained earnings over total assets"),
        Code::OperatingReturn => ratio("accounts: earnings before interest and tax over total assets"),
        Code::CurrentRatio => ratio("accounts: current assets over current liabilities"),
        Code::CashFlowToDebt => ratio("accounts: net income and depreciation over liabilities"),
        Code::DepreciationToDebt => ratio("accounts: depreciation over liabilities"),
        Code::IncomeToShortDebt => ratio("accounts: net income over current liabilities"),
        Code::CashRatio => ratio("accounts: cash over current liabilities"),
        Code::EquityToDebt => ratio("accounts: equity over liabilities"),
        Code::Leverage => ratio("accounts: liabilities over total assets"),
        Code::DebtService => ratio("accounts: earnings over financial expenses"),
    }
}

/// The share of settled invoices that were late, as it was measured: what few of them count for is weighed with caution.
fn paid(evidence: &Evidence<'_>, which: usize, how: &str) -> (String, String) {
    let (late, settled) = (evidence.behaviour.late()[which], evidence.behaviour.settled().max(1));
    let share = fixed((late * 1000 / settled) as i32, 1);
    let said = with_caution(evidence, format!("{share} % of invoices are paid {how}"));
    (share, said)
}

/// Says that few payments are known, where that is so.
fn with_caution(evidence: &Evidence<'_>, said: String) -> String {
    const FEW: i64 = 10 * WHOLE;
    let few = evidence.behaviour.settled() < FEW;
    if few { format!("{said}; few payments count, so they are taken with caution") } else { said }
}

fn late(tenths: i32) -> String {
    match tenths {
        ..0 => format!("{} days before the due date", fixed(-tenths, 1)),
        0 => "on the due date".to_owned(),
        1.. => format!("{} days after the due date", fixed(tenths, 1)),
    }
}

fn incidents(evidence: &Evidence<'_>) -> String {
    let incidents = evidence.signals.map_or(&[][..], |signals| signals.incidents());
    let named = incidents
        .iter()
        .rev()
        .take(DOCUMENTS_MAX)
        .map(|incident| format!("{} on {}", incident.kind.as_str(), incident.on));
    format!("{} reported: {}", incidents.len(), named.collect::<Vec<_>>().join(", "))
}

fn ratings(evidence: &Evidence<'_>) -> String {
    let agencies = evidence.signals.map_or(&[][..], |signals| signals.agencies());
    let mut worst: Vec<_> = agencies.iter().collect();
    worst.sort_by_key(|agency| std::cmp::Reverse(agency.latest().value().grade));
    let named = worst.iter().take(DOCUMENTS_MAX).map(|agency| {
        let rating = agency.latest();
        format!("{} by {} on {}", rating.value().grade, agency.name, rating.time().day())
    });
    format!("rated {} (1 is best, 10 in default)", named.collect::<Vec<_>>().join(", "))
}

/// The events and the documents that a reason rests on.
fn sources(code: Code, evidence: &Evidence<'_>) -> (Vec<EventName>, Vec<String>) {
    let event = |(source, id): (&str, &str)| EventName { source: source.to_owned(), id: id.to_owned() };
    let signals = evidence.signals;
    match code {
        Code::Rating | Code::RatingFallen => {
            let agencies = signals.map_or(&[][..], |signals| signals.agencies());
            (agencies.iter().map(|agency| event(agency.latest().name())).collect(), Vec::new())
        }
        Code::Incidents => {
            let incidents = signals.map_or(&[][..], |signals| signals.incidents());
            (Vec::new(), incidents.iter().rev().map(|incident| incident.id.to_string()).collect())
        }
        Code::Insolvency => (evidence.insolvency_event.map(event).into_iter().collect(), Vec::new()),
        Code::Utilisation | Code::ExposureGrowth => (Vec::new(), Vec::new()),
        code if code >= FIRST_OF_ACCOUNTS => {
            (signals.into_iter().flat_map(|signals| signals.accounts().events()).map(event).collect(), Vec::new())
        }
        Code::BrokenHabit | Code::OverdueOld => (Vec::new(), overdue(evidence)),
        Code::Disputes => (Vec::new(), matching(evidence, |_, standing| standing.disputed && !standing.open.is_zero())),
        Code::WrittenOff => (Vec::new(), matching(evidence, |_, standing| standing.open != standing.residual)),
        _ => {
            let mut documents = paid_late(evidence);
            documents.extend(overdue(evidence));
            (Vec::new(), documents)
        }
    }
}

/// The open invoices that are the longest past due.
fn overdue(evidence: &Evidence<'_>) -> Vec<String> {
    let mut open: Vec<(Day, &str)> = evidence
        .ledger
        .unpaid()
        .filter(|(_, _, standing)| !standing.open.is_zero() && standing.due < evidence.today)
        .map(|(_, invoice, standing)| (standing.due, invoice.id.as_str()))
        .collect();
    open.sort_unstable();
    open.into_iter().take(DOCUMENTS_MAX).map(|(_, id)| id.to_owned()).collect()
}

/// The invoices that were settled late last.
fn paid_late(evidence: &Evidence<'_>) -> Vec<String> {
    let invoices = &evidence.ledger.documents().invoices;
    let mut late: Vec<(Day, &str)> = invoices
        .iter()
        .filter_map(|invoice| {
            let standing = invoice.standing()?;
            let settled_on = standing.settled_on.filter(|on| *on > standing.due)?;
            Some((settled_on, invoice.id.as_str()))
        })
        .collect();
    late.sort_unstable_by(|a, b| b.cmp(a));
    late.into_iter().take(DOCUMENTS_MAX).map(|(_, id)| id.to_owned()).collect()
}

fn matching(evidence: &Evidence<'_>, which: impl Fn(&Invoice, &crate::risk::ledger::Standing) -> bool) -> Vec<String> {
    let unpaid = evidence.ledger.unpaid().filter(|(_, invoice, standing)| which(invoice, standing));
    unpaid.take(DOCUMENTS_MAX).map(|(_, invoice, _)| invoice.id.to_string()).collect()
}

/// What nothing is known of.
fn unknown(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut unknown = Vec::new();
    if evidence.behaviour.payments() == 0 {
        unknown.push(Reason::rule("payments_unknown", "no payment of an invoice is known".to_owned()));
    }
    if evidence.signals.is_none_or(|signals| signals.agencies().is_empty()) {
        unknown.push(Reason::rule("rating_unknown", "no agency's rating is known".to_owned()));
    }
    match evidence.signals.and_then(|signals| signals.accounts().period_end().zip(Some(signals.accounts()))) {
        None => unknown.push(Reason::rule("accounts_unknown", "no accounts are known".to_owned())),
        Some((period_end, accounts)) => {
            let altman = accounts.altman();
            let value = altman.map(|altman| fixed(altman, 4));
            let detail = altman.map_or_else(
                || format!("Altman's Z'' is unknown: the accounts of {period_end} lack figures"),
                |altman| {
                    format!(
                        "Altman's Z'' is {} by the accounts of {period_end} (under 1.1 distress, over 2.6 safe)",
                        fixed(altman / 100, 2)
                    )
                },
            );
            unknown.push(Reason { value, ..Reason::rule("altman_z", detail) });
        }
    }
    unknown
}

/// An integer of 10^-`places` as a decimal.
fn fixed(value: i32, places: usize) -> String {
    let mut text = String::new();
    crate::base::decimal::push_fixed(&mut text, value.into(), places);
    text
}
