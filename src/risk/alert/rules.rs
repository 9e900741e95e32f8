//! Owns the rules: what raises each kind of alert, how severely, and how long it then holds.

use super::{Finding, Loss, OpenAlert, Scene, Subject};
use crate::base::{BaseAmount, BaseUnits, Rate, Sum};
use crate::event::{AlertKind, Layer, Procedure, Segment, Severity};
use crate::risk::cover::{Cover, Terms};
use crate::risk::figures::Limit;

/// Everything that holds at its raising level.
pub fn findings(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let buyer = |kind, severity| Finding { kind, subject: Subject::Buyer, severity, loss: None };
    found.extend(insolvency(scene).map(|severity| buyer(AlertKind::InsolvencyOpened, severity)));
    found.extend(limit(scene).map(|severity| buyer(AlertKind::LimitExceeded, severity)));
    found.extend(uncovered(scene).map(|severity| buyer(AlertKind::UncoveredExposure, severity)));
    for (place, cover, terms) in scene.covers() {
        let subject = || Subject::Cover(cover.id.clone());
        let on_cover = |kind, severity| Finding { kind, subject: subject(), severity, loss: None };
        found.extend(stop(scene, cover, terms).map(|(kind, severity)| on_cover(kind, severity)));
        found.extend(expiring(scene, place, cover).map(|severity| on_cover(AlertKind::CoverExpiring, severity)));
        found.extend(
            lost(scene, place, cover, terms)
                .map(|(severity, loss)| Finding { loss: Some(loss), ..on_cover(AlertKind::CoverLost, severity) }),
        );
    }
    declarations(scene, &mut found);
    found.extend(scene.outlook.map(|outlook| buyer(outlook.kind, outlook.severity)));
    let documents = scene.ledger.documents();
    found.extend(scene.reversed.iter().map(|slot| {
        let payment = &documents.payments[slot.index()];
        let subject = Subject::Payment(documents.seller_id(payment.seller).into(), payment.id.clone());
        Finding { kind: AlertKind::PaymentReversed, subject, severity: Severity::Warning, loss: None }
    }));
    found
}

/// How severe an open alert is while its raising level is not reached; `None`: it is over.
pub fn severity_still(scene: &Scene<'_>, alert: &OpenAlert) -> Option<Severity> {
    let holds = match (&alert.kind, &alert.subject) {
        (AlertKind::LimitExceeded, _) => limit_still(scene),
        (AlertKind::UncoveredExposure, _) => uncovered_still(scene),
        (AlertKind::OverdueBeyondExtension, Subject::Cover(cover)) => {
            scene.cover(cover).and_then(|(_, _, terms)| scene.days_to_stop(terms)).is_some_and(|days| days < 0)
        }
        (AlertKind::CoverLost, Subject::Cover(cover)) => {
            let (place, cover, terms) = scene.cover(cover)?;
            alert.loss.is_some_and(|loss| still_lost(scene, place, cover, terms, &loss))
        }
        (AlertKind::DeclarationDue, Subject::InvoiceUnderCover(seller, invoice, cover)) => {
            let (_, cover, terms) = scene.cover(cover)?;
            let (slot, invoice, _) = scene.unpaid_invoice(seller, invoice)?;
            if cover.declared.contains(&slot) {
                return None;
            }
            let days_left = terms.declare_by(invoice.due_on())?.since(scene.today);
            return Some(declaration_severity(scene, days_left));
        }
        (AlertKind::PaymentReversed, Subject::Payment(seller, payment)) => payment_still(scene, seller, payment),
        // The others are over as soon as they do not hold.
        _ => false,
    };
    holds.then_some(alert.severity)
}

fn insolvency(scene: &Scene<'_>) -> Option<Severity> {
    scene.insolvency.map(|(procedure, _)| match procedure {
        Procedure::Conciliation => Severity::Warning,
        Procedure::Safeguard | Procedure::Receivership | Procedure::Liquidation => Severity::Critical,
    })
}

fn limit(scene: &Scene<'_>) -> Option<Severity> {
    let (levels, exposure) = (scene.levels, scene.figures.exposure);
    let limit = scene.figures.limit.known()?;
    if exposure <= limit {
        None
    } else if limit.is_zero() || exposure.is_over(levels.limit_critical_pct, limit) {
        Some(Severity::Critical)
    } else if exposure.is_over(levels.limit_warning_pct, limit) {
        Some(Severity::Warning)
    } else {
        Some(Severity::Info)
    }
}

fn limit_still(scene: &Scene<'_>) -> bool {
    match scene.figures.limit {
        Limit::None => false,
        // Nobody can say that it is over.
        Limit::Unknown => true,
        Limit::Known(limit) => scene.figures.exposure.is_over(scene.levels.limit_clear_pct, limit),
    }
}

/// A cover in force today whose stop is ahead, or has come.
fn stop(scene: &Scene<'_>, cover: &Cover, terms: &Terms) -> Option<(AlertKind, Severity)> {
    let days_left = scene.days_to_stop(terms)?;
    if days_left > i32::from(scene.levels.stop_ahead_days) || !cover.is_valid_on(scene.today) {
        return None;
    }
    Some(match days_left {
        ..0 => (AlertKind::OverdueBeyondExtension, Severity::Critical),
        0.. => (AlertKind::CoverStopAhead, Severity::Warning),
    })
}

fn declarations(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let Some(insurance) = scene.insurance else { return };
    let documents = scene.ledger.documents();
    for insured in &scene.carrying.insured {
        let Some(days_left) = insured.declare_by.map(|day| day.since(scene.today)) else { continue };
        if days_left > i32::from(scene.levels.declaration_ahead_days) {
            continue;
        }
        let cover = &insurance.covers()[insured.cover];
        if cover.declared.contains(&insured.invoice) {
            continue;
        }
        let invoice = scene.ledger.invoice(insured.invoice);
        let seller = documents.seller_id(invoice.seller).into();
        found.push(Finding {
            kind: AlertKind::DeclarationDue,
            subject: Subject::InvoiceUnderCover(seller, invoice.id.clone(), cover.id.clone()),
            severity: declaration_severity(scene, days_left),
            loss: None,
        });
    }
}

fn declaration_severity(scene: &Scene<'_>, days_left: i32) -> Severity {
    let critical = days_left <= i32::from(scene.levels.declaration_critical_days);
    if critical { Severity::Critical } else { Severity::Warning }
}

fn expiring(scene: &Scene<'_>, place: usize, cover: &Cover) -> Option<Severity> {
    let days_left = cover.valid_to()?.since(scene.today);
    let carries = scene.carrying.covers[place].taken > BaseUnits::ZERO;
    let soon = (0..=i32::from(scene.levels.expiring_ahead_days)).contains(&days_left);
    let very_soon = days_left <= i32::from(scene.levels.expiring_warning_days);
    (carries && soon).then_some(if very_soon { Severity::Warning } else { Severity::Info })
}

/// A cover that a cut, new since the last judgement, leaves with less than it carried the day before.
fn lost(scene: &Scene<'_>, place: usize, cover: &Cover, terms: &Terms) -> Option<(Severity, Loss)> {
    let force = cover.force_on(scene.today);
    let (carried, left) = (cover.carried_before(), scene.in_base(force, terms.currency));
    if cover.force_before().is_none_or(|before| force >= before) || left >= carried {
        return None;
    }
    let cut_on = cover.withdrawn_since(scene.today).or(cover.amendment_on(scene.today).map(|(on, _)| on));
    let dropped = match cut_on.is_some_and(|on| on < scene.today) {
        true => (carried - scene.carrying.covers[place].taken).or_zero(),
        false => BaseUnits::ZERO,
    };
    let loss = Loss { carried: carried.units(), dropped: dropped.units(), on: scene.today };
    let critical = (carried - left).amount().is_over(scene.levels.lost_critical_pct, carried.amount());
    let severity = if critical { Severity::Critical } else { Severity::Warning };
    still_lost(scene, place, cover, terms, &loss).then_some((severity, loss))
}

/// Whether a cover still carries more than it and the free room of others like it could take now, or something that it
/// dropped at once is still open and not insured.
fn still_lost(scene: &Scene<'_>, place: usize, cover: &Cover, terms: &Terms, loss: &Loss) -> bool {
    let carrying = scene.carrying;
    let own = scene.in_base(cover.force_on(scene.today), terms.currency);
    let alike = |of: &Terms| {
        let any_seller = of.seller_id.is_empty() || of.seller_id == terms.seller_id;
        of.layer == terms.layer && any_seller && (of.layer != Layer::SingleRisk || of.order_id == terms.order_id)
    };
    let others = scene.covers().filter(|(at, other, of)| *at != place && alike(of) && other.is_valid_on(scene.today));
    let room = others.fold(own, |sum, (at, other, of)| {
        sum + (scene.in_base(other.amount_on(scene.today), of.currency) - carrying.covers[at].taken).or_zero()
    });
    let dropped_is_open = || carrying.uninsured.iter().any(|uninsured| uninsured.issued_on <= loss.on);
    carrying.covers[place].taken > room || (loss.dropped > 0 && dropped_is_open())
}

fn uncovered(scene: &Scene<'_>) -> Option<Severity> {
    let levels = scene.levels;
    let (retained, exposure) = (scene.figures.retained(scene.carrying), scene.figures.exposure);
    let named = scene.segment == Some(Segment::Named);
    let raised = named && retained > whole(levels.uncovered_amount) && retained.is_over(levels.uncovered_pct, exposure);
    raised.then(|| match retained > whole(levels.uncovered_critical_amount) {
        true => Severity::Critical,
        false => Severity::Warning,
    })
}

fn uncovered_still(scene: &Scene<'_>) -> bool {
    let levels = scene.levels;
    let (retained, exposure) = (scene.figures.retained(scene.carrying), scene.figures.exposure);
    let clear_pct = levels.uncovered_clear_pct;
    let under_amount = retained.is_under(&[clear_pct], whole(levels.uncovered_amount));
    let under_share = retained.is_under(&[clear_pct, levels.uncovered_pct], exposure);
    scene.segment == Some(Segment::Named) && !under_amount && !under_share
}

fn payment_still(scene: &Scene<'_>, seller_id: &str, payment_id: &str) -> bool {
    let documents = scene.ledger.documents();
    let slot = documents.find_seller(seller_id).and_then(|seller| documents.find_payment(seller, payment_id));
    let Some(slot) = slot else { return false };
    let unpaid = |slot| scene.ledger.invoice(slot).standing().is_some_and(|standing| !standing.residual.is_zero());
    documents.invoices_of(slot).into_iter().any(unpaid)
}

/// Whole units of the base currency.
fn whole(units: u64) -> BaseAmount {
    BaseAmount::convert(Sum::from_units(i128::from(units) * i128::from(crate::base::money::UNIT)), Rate::ONE)
}
