//! Owns the words: why an alert was raised, and why it is over, with the figures that a person needs.

use std::fmt::Write;

use super::{Loss, OpenAlert, Scene, Subject};
use crate::base::money::grouped;
use crate::base::{BaseAmount, BaseUnits, Currency, Day, Sum};
use crate::event::{AlertKind, Points, Reason, Scored};
use crate::risk::cover::Terms;
use crate::risk::ledger::{Invoice, PaymentSlot, Standing};
use crate::risk::score::{self, Card};

/// Documents that a sentence lists by name before it counts the rest.
const NAMED_MAX: usize = 10;

/// Why an alert is raised or escalated.
pub fn reasons(scene: &Scene<'_>, alert: &OpenAlert) -> Vec<Reason> {
    let detail = match (alert.kind, &alert.subject) {
        (AlertKind::GradeWorsened | AlertKind::SuddenDeterioration, _) => return deterioration(scene, alert.kind),
        (AlertKind::InsolvencyOpened, _) => insolvency(scene),
        (AlertKind::LimitExceeded, _) => limit(scene),
        (AlertKind::UncoveredExposure, _) => uncovered(scene),
        (AlertKind::CoverStopAhead, Subject::Cover(cover)) => stop(scene, cover),
        (AlertKind::OverdueBeyondExtension, Subject::Cover(cover)) => {
            let mut reasons = vec![reason(alert.kind, stop(scene, cover))];
            reasons.extend(pending_orders(scene, cover));
            return reasons;
        }
        (AlertKind::DeclarationDue, Subject::InvoiceUnderCover(seller, invoice, cover)) => {
            declaration(scene, seller, invoice, cover)
        }
        (AlertKind::CoverExpiring, Subject::Cover(cover)) => expiring(scene, cover),
        (AlertKind::CoverLost, Subject::Cover(cover)) => lost(scene, cover, alert.loss),
        (AlertKind::PaymentReversed, Subject::Payment(seller, payment)) => payment_reversed(scene, seller, payment),
        _ => String::new(),
    };
    vec![reason(alert.kind, detail)]
}

/// Why an alert is over.
pub fn cleared(scene: &Scene<'_>, alert: &OpenAlert) -> Vec<Reason> {
    let exposure = || in_base(scene, scene.figures.exposure);
    let detail = match (alert.kind, &alert.subject) {
        (AlertKind::GradeWorsened | AlertKind::SuddenDeterioration, _) => {
            format!(
                "the score has calmed down, and stands at {} (grade {})",
                scene.scored.score,
                scene.scored.grade.as_str()
            )
        }
        (AlertKind::InsolvencyOpened, _) => "the insolvency procedure is closed".to_owned(),
        (AlertKind::LimitExceeded, _) => match scene.figures.limit.known() {
            Some(known) => format!("exposure of {} is within the limit of {}", exposure(), in_base(scene, known)),
            None => "the buyer has no limit any more".to_owned(),
        },
        (AlertKind::UncoveredExposure, _) => {
            let retained = scene.figures.retained(scene.carrying);
            format!("{} of {} exposure is retained", in_base(scene, retained), exposure())
        }
        (AlertKind::CoverStopAhead, Subject::Cover(cover)) => match scene.cover(cover) {
            Some((_, _, terms)) if scene.days_to_stop(terms).is_some_and(|days| days < 0) => {
                format!("the stop of cover {cover} has come")
            }
            _ => format!("no unpaid invoice is about to stop cover {cover}"),
        },
        (AlertKind::OverdueBeyondExtension, Subject::Cover(cover)) => {
            format!("no unpaid invoice is past the extension of cover {cover}")
        }
        (AlertKind::DeclarationDue, Subject::InvoiceUnderCover(seller, invoice, cover)) => {
            match scene.unpaid_invoice(seller, invoice) {
                Some(_) => format!("invoice {invoice} was declared under cover {cover}"),
                None => format!("invoice {invoice} is settled"),
            }
        }
        (AlertKind::CoverExpiring, Subject::Cover(cover)) => match scene.cover(cover) {
            Some((_, known, _)) if known.is_valid_on(scene.today) => {
                format!("cover {cover} no longer carries exposure that is about to lose it")
            }
            _ => format!("cover {cover} has ended"),
        },
        (AlertKind::CoverLost, Subject::Cover(cover)) => {
            format!("what cover {cover} carried is insured again or settled")
        }
        (AlertKind::PaymentReversed, Subject::Payment(_, payment)) => {
            format!("what payment {payment} had paid is settled")
        }
        _ => String::new(),
    };
    vec![reason(alert.kind, detail)]
}

fn reason(kind: AlertKind, detail: String) -> Reason {
    Reason::rule(kind.as_str(), detail)
}

/// What the course of the score is, and then what the score is made of: those points add up to it.
fn deterioration(scene: &Scene<'_>, kind: AlertKind) -> Vec<Reason> {
    let Scored { score, grade, .. } = scene.scored;
    let (previous, before) = scene.outlook.map_or((grade, score), |outlook| (outlook.previous, outlook.previous_score));
    let detail = match kind {
        AlertKind::GradeWorsened => {
            format!("grade {} after {}: the score rose from {before} to {score}", grade.as_str(), previous.as_str())
        }
        _ => format!("sudden signs of trouble: the score rose from {before} to {score}"),
    };
    let mut reasons = vec![reason(kind, detail)];
    reasons.extend(score::reasons(&Card::reckon(&scene.evidence), &scene.scored, &scene.evidence));
    reasons.retain(|reason| reason.points > Points::ZERO || reason.code == kind.as_str());
    reasons
}

fn insolvency(scene: &Scene<'_>) -> String {
    scene.insolvency.map_or_else(String::new, |(procedure, on)| format!("{} opened on {on}", procedure.as_str()))
}

fn limit(scene: &Scene<'_>) -> String {
    let exposure = in_base(scene, scene.figures.exposure);
    let Some(limit) = scene.figures.limit.known() else { return String::new() };
    match scene.figures.exposure.ratio(limit) {
        Some(ratio) => {
            format!("exposure of {exposure} is {} of the limit of {}", per_cent(ratio), in_base(scene, limit))
        }
        None => format!("exposure of {exposure} stands against a limit of 0"),
    }
}

fn uncovered(scene: &Scene<'_>) -> String {
    let retained = scene.figures.retained(scene.carrying);
    let share = retained.ratio(scene.figures.exposure).map_or_else(String::new, per_cent);
    format!("{} of {} exposure ({share}) is retained", in_base(scene, retained), in_base(scene, scene.figures.exposure))
}

/// "invoice F-12 of 8,400.00 EUR is 61 days overdue; cover K-3 stops at 60"
fn stop(scene: &Scene<'_>, cover: &str) -> String {
    let extension = scene.cover(cover).and_then(|(_, _, terms)| terms.max_extension_days).unwrap_or_default();
    let earliest = scene.ledger.unpaid().min_by_key(|(_, invoice, _)| invoice.due_on());
    let Some((_, invoice, standing)) = earliest else { return String::new() };
    let overdue = overdue(invoice.due_on(), scene.today);
    format!("{} is {overdue}; cover {cover} stops at {extension}", named(scene, invoice, &standing))
}

fn pending_orders(scene: &Scene<'_>, cover: &str) -> Option<Reason> {
    let (_, _, terms) = scene.cover(cover)?;
    let documents = scene.ledger.documents();
    let touched = |seller: &str, order: &str| {
        (terms.seller_id.is_empty() || terms.seller_id == seller)
            && terms.order_id.as_ref().is_none_or(|only| only == order)
    };
    let mut orders: Vec<(&str, String)> = documents
        .orders
        .iter()
        .filter(|order| touched(documents.seller_id(order.seller), &order.id))
        .filter_map(|order| {
            let (currency, pending) = order.pending().filter(|(_, pending)| !pending.is_zero())?;
            Some((order.id.as_str(), format!("{} of {}", order.id, money(pending, currency))))
        })
        .collect();
    orders.sort();
    let names = list(orders.into_iter().map(|(_, text)| text).collect());
    (!names.is_empty()).then(|| Reason::rule("pending_orders", format!("would ship uninsured: order {names}")))
}

fn declaration(scene: &Scene<'_>, seller: &str, invoice: &str, cover: &str) -> String {
    let (Some((_, invoice, standing)), Some((_, _, terms))) =
        (scene.unpaid_invoice(seller, invoice), scene.cover(cover))
    else {
        return String::new();
    };
    let by = terms.declare_by(invoice.due_on()).map_or_else(String::new, |day| day.to_string());
    let overdue = overdue(invoice.due_on(), scene.today);
    format!("{} is {overdue}; declare it under {} by {by}", named(scene, invoice, &standing), cover_name(cover, terms))
}

fn expiring(scene: &Scene<'_>, cover: &str) -> String {
    let Some((place, known, terms)) = scene.cover(cover) else { return String::new() };
    let end = known.valid_to().map_or_else(String::new, |day| day.to_string());
    let taken = in_base(scene, scene.carrying.covers[place].taken.amount());
    format!("{} ends on {end} and carries {taken}", cover_name(cover, terms))
}

fn lost(scene: &Scene<'_>, cover: &str, loss: Option<Loss>) -> String {
    let (Some((_, known, terms)), Some(loss)) = (scene.cover(cover), loss) else { return String::new() };
    let carried = in_base(scene, BaseUnits::from_units(loss.carried).amount());
    let name = cover_name(cover, terms);
    match (known.withdrawn_since(scene.today), known.amendment_on(scene.today)) {
        (Some(from), _) => format!("{name} carried {carried} and is withdrawn from {from} on"),
        (None, Some((from, amount))) => {
            let amount = money(amount.sum(), terms.currency);
            format!("{name} carried {carried} and is cut to {amount} from {from} on")
        }
        (None, None) => String::new(),
    }
}

fn payment_reversed(scene: &Scene<'_>, seller: &str, payment: &str) -> String {
    let documents = scene.ledger.documents();
    let found = documents.find_seller(seller).and_then(|seller| documents.find_payment(seller, payment));
    let Some(slot): Option<PaymentSlot> = found else { return String::new() };
    let known = &documents.payments[slot.index()];
    let amount = known.currency.map_or_else(String::new, |currency| money(known.amount.sum(), currency));
    let invoices = documents.invoices_of(slot);
    let open = invoices.iter().filter_map(|slot| {
        let invoice = scene.ledger.invoice(*slot);
        let standing = invoice.standing().filter(|standing| !standing.residual.is_zero())?;
        Some(format!("{} of {}", invoice.id, money(standing.residual, standing.currency)))
    });
    let names = list(open.collect());
    match names.is_empty() {
        true => format!("payment {payment} of {amount} was reversed"),
        false => format!("payment {payment} of {amount} was reversed; unpaid again: invoice {names}"),
    }
}

/// "invoice F-12 of 8,400.00 EUR", or with its seller where the buyer has several.
fn named(scene: &Scene<'_>, invoice: &Invoice, standing: &Standing) -> String {
    let documents = scene.ledger.documents();
    let amount = money(standing.residual, standing.currency);
    match documents.sellers.len() {
        1 => format!("invoice {} of {amount}", invoice.id),
        _ => match documents.seller_id(invoice.seller) {
            "" => format!("invoice {} of {amount}", invoice.id),
            seller => format!("invoice {} ({seller}) of {amount}", invoice.id),
        },
    }
}

fn cover_name(cover: &str, terms: &Terms) -> String {
    match &terms.insurer {
        Some(insurer) => format!("cover {cover} ({insurer})"),
        None => format!("cover {cover}"),
    }
}

fn overdue(due: Day, today: Day) -> String {
    match today.since(due) {
        1 => "1 day overdue".to_owned(),
        days @ 2.. => format!("{days} days overdue"),
        _ => format!("due on {due}"),
    }
}

fn money(amount: Sum, currency: Currency) -> String {
    format!("{} {currency}", grouped(amount.units()))
}

fn in_base(scene: &Scene<'_>, amount: BaseAmount) -> String {
    money(Sum::from_units(amount.cents().0 * 100), scene.rates.base())
}

/// A ratio in 10^-4 as per cent, with a decimal where there is one: "120 %", "97.5 %".
fn per_cent(ratio: i128) -> String {
    let tenths = crate::base::decimal::divide_half_even(ratio, 10);
    match tenths % 10 {
        0 => format!("{} %", tenths / 10),
        tenth => format!("{}.{tenth} %", tenths / 10),
    }
}

/// Names with commas, the first [`NAMED_MAX`] of them, and how many more there are.
fn list(names: Vec<String>) -> String {
    let mut text = names[..names.len().min(NAMED_MAX)].join(", ");
    if names.len() > NAMED_MAX {
        let _ = write!(text, " and {} more", names.len() - NAMED_MAX);
    }
    text
}
