//! Owns the way from invoices to events, in the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use xxhash_rust::xxh3::xxh3_128;

use super::map::Map;
use super::row::{Invoice, Outcome};
use crate::base::{Currency, Day, Instant, Money};
use crate::event::input::{
    BuyerDescribed, FxRate, IncidentReported, InvoiceCancelled, InvoiceCredited, InvoiceIssued, InvoiceWrittenOff,
    PaymentReceived,
};
use crate::event::{Allocation, Body, Event, Id, IncidentKind};

/// The most days overdue that an incident can tell.
const DAYS_MAX: i32 = 3650;

/// What an invoice's row tells, in the order in which it is told where the day is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Described,
    Issued,
    Ended,
    Credited,
}

/// When which row tells what. Its order is the order of the events: by time, then as in the extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    day: Day,
    row: u32,
    step: Step,
}

/// Hands over every event of the invoices, earliest first; rates of the map come before all others.
///
/// # Errors
/// The first of `take`.
pub fn tell<E>(invoices: &[Invoice], map: &Map, mut take: impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
    let moments = moments(invoices);
    let source = format!("urn:vigie:import:{}", map.name);
    let at = |day: Day| day.start().plus_nanos(map.time_of_day_ns);
    if let Some(first) = moments.first() {
        let used: BTreeSet<Currency> = invoices.iter().map(|invoice| invoice.currency).collect();
        for (currency, rate) in map.rates.iter().filter(|(currency, _)| used.contains(currency)) {
            let id = joined(&["fx.rate", currency.as_str(), &first.day.to_string()]);
            let body = Body::FxRate(FxRate { currency: *currency, rate: *rate });
            take(&Event { time: at(first.day), id: &id, source: &source, subject: "", body })?;
        }
    }
    for moment in moments {
        Teller { invoice: &invoices[moment.row as usize], time: at(moment.day), source: &source }
            .tell(moment.step, &mut take)?;
    }
    Ok(())
}

fn moments(invoices: &[Invoice]) -> Vec<Moment> {
    let mut moments = Vec::with_capacity(invoices.len() * 2);
    for (row, invoice) in invoices.iter().enumerate() {
        let row = u32::try_from(row).expect("rows are limited");
        moments.push(Moment { day: invoice.issued_on, row, step: Step::Issued });
        if let Some(day) = ended_on(invoice) {
            moments.push(Moment { day, row, step: Step::Ended });
        }
        if let Outcome::Paid { on, credited, .. } = invoice.outcome
            && credited != Money::ZERO
        {
            moments.push(Moment { day: on, row, step: Step::Credited });
        }
    }
    moments.extend(names(invoices));
    moments.sort_unstable();
    moments
}

/// The day on which something happened to the invoice after its issue.
fn ended_on(invoice: &Invoice) -> Option<Day> {
    match invoice.outcome {
        Outcome::Open => None,
        Outcome::Paid { on, .. }
        | Outcome::Cancelled { on }
        | Outcome::WrittenOff { on }
        | Outcome::Protested { on } => Some(on),
        // An instrument that is withdrawn before it is due says nothing of how the buyer pays.
        Outcome::Lapsed { on } => (on > invoice.due_on).then_some(on),
    }
}

/// The rows that tell a new name of their buyer. Of several names on one day the last in the extract counts.
fn names(invoices: &[Invoice]) -> Vec<Moment> {
    let mut by_day: BTreeMap<(&str, Day), u32> = BTreeMap::new();
    for (row, invoice) in invoices.iter().enumerate().filter(|(_, invoice)| !invoice.name.is_empty()) {
        by_day.insert((&invoice.buyer, invoice.issued_on), u32::try_from(row).expect("rows are limited"));
    }
    let mut last: Option<&Invoice> = None;
    let mut moments = Vec::new();
    for ((_, day), row) in by_day {
        let invoice = &invoices[row as usize];
        if last.is_none_or(|last| (&last.buyer, &last.name) != (&invoice.buyer, &invoice.name)) {
            moments.push(Moment { day, row, step: Step::Described });
        }
        last = Some(invoice);
    }
    moments
}

/// Tells one row's events.
struct Teller<'a> {
    invoice: &'a Invoice,
    time: Instant,
    source: &'a str,
}

impl Teller<'_> {
    fn tell<E>(&self, step: Step, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        match step {
            Step::Described => self.described(take),
            Step::Issued => self.issued(take),
            Step::Ended => self.ended(take),
            Step::Credited => self.credited(take),
        }
    }

    fn send<E>(&self, body: Body<'_>, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let Invoice { buyer, seller, document, .. } = self.invoice;
        let id = match body {
            Body::BuyerDescribed(_) => joined(&[body.spec().name, buyer, &self.time.day().to_string()]),
            _ => joined(&[body.spec().name, buyer, seller, document]),
        };
        take(&Event { time: self.time, id: &id, source: self.source, subject: buyer, body })
    }

    fn described<E>(&self, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let name = Some(self.invoice.name.as_str());
        let body = BuyerDescribed { name, country: None, segment: None, parent_id: None, sector: None };
        self.send(Body::BuyerDescribed(body), take)
    }

    fn issued<E>(&self, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let invoice = self.invoice;
        let body = InvoiceIssued {
            seller_id: &invoice.seller,
            invoice_id: self.document(),
            amount: invoice.amount,
            net_amount: invoice.net_amount,
            currency: invoice.currency,
            issued_on: invoice.issued_on,
            due_on: invoice.due_on,
            order_id: None,
        };
        self.send(Body::InvoiceIssued(body), take)
    }

    fn ended<E>(&self, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let (seller_id, invoice_id) = (self.invoice.seller.as_str(), self.document());
        match self.invoice.outcome {
            Outcome::Open => Ok(()),
            Outcome::Paid { on, paid, allocated, .. } => {
                let allocations = [Allocation { invoice_id, amount: allocated }];
                let body = PaymentReceived {
                    seller_id,
                    payment_id: invoice_id,
                    amount: paid,
                    currency: self.invoice.currency,
                    received_on: on,
                    allocations: Some(&allocations),
                };
                self.send(Body::PaymentReceived(body), take)
            }
            Outcome::Cancelled { .. } => {
                self.send(Body::InvoiceCancelled(InvoiceCancelled { seller_id, invoice_id }), take)
            }
            Outcome::WrittenOff { .. } => {
                self.send(Body::InvoiceWrittenOff(InvoiceWrittenOff { seller_id, invoice_id, reason: None }), take)
            }
            Outcome::Protested { on } => self.incident(IncidentKind::Protest, on, take),
            Outcome::Lapsed { on } => self.incident(IncidentKind::Unpaid, on, take),
        }
    }

    fn incident<E>(
        &self,
        kind: IncidentKind,
        on: Day,
        take: &mut impl FnMut(&Event<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let invoice = self.invoice;
        // Incidents of a buyer have no seller of their own, so the seller is part of the name.
        let incident_id = joined(&[&invoice.seller, &invoice.document]);
        let overdue = on.since(invoice.due_on).clamp(0, DAYS_MAX);
        let body = IncidentReported {
            incident_id: Id::parse(&incident_id).expect("joined ids make an id"),
            kind,
            amount: Some(invoice.amount),
            currency: Some(invoice.currency),
            days_overdue: u16::try_from(overdue).ok(),
        };
        self.send(Body::IncidentReported(body), take)
    }

    fn credited<E>(&self, take: &mut impl FnMut(&Event<'_>) -> Result<(), E>) -> Result<(), E> {
        let Outcome::Paid { on, credited, .. } = self.invoice.outcome else { return Ok(()) };
        let body = InvoiceCredited {
            seller_id: &self.invoice.seller,
            invoice_id: self.document(),
            credit_note_id: self.document(),
            amount: credited,
            credited_on: on,
        };
        self.send(Body::InvoiceCredited(body), take)
    }

    fn document(&self) -> Id<'_> {
        Id::parse(&self.invoice.document).expect("a row is taken only with ids")
    }
}

/// One id of several parts, empty ones left out: joined by ':', or their hash where that is too long or would not tell
/// where a part ends.
pub fn joined(parts: &[&str]) -> CompactString {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let plain = parts.join(":");
    if plain.len() <= Id::BYTES_MAX && !parts.iter().any(|part| part.contains(':')) {
        return plain.into();
    }
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    compact_str::format_compact!("{:032x}", xxh3_128(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_id_tells_its_parts_apart_and_is_never_too_long() {
        assert_eq!(joined(&["invoice.issued", "B1", "", "7"]), "invoice.issued:B1:7");
        assert_ne!(joined(&["a:b", "c"]), joined(&["a", "b:c"]));
        let long = "x".repeat(Id::BYTES_MAX);
        assert_eq!(joined(&[&long]), long);
        assert_eq!(joined(&["y", &long]).len(), 32);
        assert_ne!(joined(&["y", &long]), joined(&["z", &long]));
    }
}
