//! Owns the naive twin: it keeps every event that counted and reckons a report row from all of them, by the letter of the
//! contract. Slow and obvious, it shares nothing with the code that it is there to check but the vocabulary.

mod holding;

use std::collections::BTreeMap;

use ethnum::I256;

use crate::base::amount::RATIO_MAX;
use crate::base::{Cents, Currency, Day, Instant, Rate};
use crate::event::input::{CoverGranted, InvoiceIssued, OrderHeld, OrderPlaced, PaymentAllocated, PaymentReceived};
use crate::event::{Allocation, Body, Event, Id, Layer, Procedure, ReportRow, Scored};

/// What the twin makes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Applied,
    /// The same document is known.
    Duplicate,
    /// Another document of this name is known.
    Conflict,
    /// A decision on a proposal: the ledger alone has none.
    NotOpen,
}

/// All that was said to a shard which forgets nothing.
#[derive(Debug)]
pub struct Twin<'a> {
    base: Currency,
    rates: Said<'a>,
    buyers: BTreeMap<&'a str, Said<'a>>,
    clock: Option<Instant>,
    /// Holds that were granted, with their buyer.
    granted: Vec<(&'a str, OrderHeld<'a>)>,
    /// Whether each hold was granted, in the order in which they were asked for.
    decisions: Vec<bool>,
}

impl<'a> Twin<'a> {
    /// A twin that knows nothing yet.
    #[must_use]
    pub fn new(base: Currency) -> Twin<'a> {
        let (granted, decisions) = (Vec::new(), Vec::new());
        Twin { base, rates: Said::default(), buyers: BTreeMap::new(), clock: None, granted, decisions }
    }

    /// Keeps an event, if it counts.
    pub fn apply(&mut self, event: Event<'a>) -> Verdict {
        match event.body {
            Body::FxRate(_) => {
                self.rates.events.push(event);
                return Verdict::Applied;
            }
            Body::ClockTick(_) => {}
            Body::ProposalApproved(_) | Body::ProposalRejected(_) => {
                self.clock = self.clock.max(Some(event.time));
                return Verdict::NotOpen;
            }
            _ => {
                if let Some(known) = self.buyers.get(event.subject).and_then(|said| said.document_like(&event.body)) {
                    return if same_content(known, &event.body) { Verdict::Duplicate } else { Verdict::Conflict };
                }
                if let Body::OrderHeld(said) = event.body {
                    self.clock = self.clock.max(Some(event.time));
                    self.decide(event.subject, said);
                }
                self.buyers.entry(event.subject).or_default().events.push(event);
            }
        }
        self.clock = self.clock.max(Some(event.time));
        Verdict::Applied
    }

    /// The greatest time of what counted.
    #[must_use]
    pub fn clock(&self) -> Option<Instant> {
        self.clock
    }

    /// The report, aged to `as_of`.
    #[must_use]
    pub fn report(&self, as_of: Day) -> Vec<ReportRow> {
        self.buyers.iter().map(|(buyer_id, said)| self.row(buyer_id, said, as_of)).collect()
    }

    fn rate(&self, currency: Currency) -> Option<Rate> {
        if currency == self.base {
            return Some(Rate::ONE);
        }
        self.rates.latest(|body| match body {
            Body::FxRate(said) if said.currency == currency => Some(said.rate),
            _ => None,
        })
    }

    fn row(&self, buyer_id: &str, said: &Said<'a>, as_of: Day) -> ReportRow {
        let debts: Vec<Debt<'a>> = said.invoices().map(|invoice| Debt::new(invoice, said)).collect();
        let open: Vec<&Debt<'a>> = debts.iter().filter(|debt| debt.open > 0).collect();
        let mut purse = Purse { twin: self, missing: false };
        let outstanding = purse.total(debts.iter().map(|debt| (debt.said.currency, debt.open)));
        let written_off = purse.total(debts.iter().map(|debt| (debt.said.currency, debt.residual - debt.open)));
        let not_absorbed = debts.iter().map(|debt| (debt.said.currency, debt.credits - debt.billed + debt.residual));
        let paid = said.payments_standing().map(|payment| (payment.currency, units(payment.amount)));
        let unapplied = purse.total(not_absorbed.chain(paid));
        let orders = said.orders().chain(self.held(buyer_id, said));
        let orders = purse.total(orders.map(|order| (order.currency, pending(order, said, &debts))));
        let exposure = or_zero(outstanding - unapplied) + orders;
        let limit = said.limit().and_then(|(amount, currency)| purse.convert(currency, amount));

        let late = |debt: &&Debt<'a>| as_of.since(debt.due);
        let mut between = |from: i32, to: i32| {
            let chosen = open.iter().filter(|debt| (from..=to).contains(&late(debt)));
            purse.total(chosen.map(|debt| (debt.said.currency, debt.open)))
        };
        let not_due = between(i32::MIN, 0);
        let overdue = [between(1, 30), between(31, 60), between(61, 90), between(91, i32::MAX)];
        let disputed = open.iter().filter(|debt| debt.disputed).map(|debt| (debt.said.currency, debt.open));
        let disputed = purse.total(disputed);

        let covers: Vec<Cover<'a>> = said.covers().map(|cover| Cover::new(cover, said)).collect();
        for cover in &covers {
            purse.convert(cover.said.currency, units(cover.said.amount));
        }
        let insured = insure(self, said, &debts, &covers, unapplied);
        ReportRow {
            buyer_id: buyer_id.to_owned(),
            as_of,
            currency: self.base,
            outstanding: cents(outstanding),
            not_due: cents(not_due),
            overdue: overdue.map(cents),
            oldest_overdue_days: open.iter().map(late).fold(0, i32::max),
            disputed: cents(disputed),
            written_off: cents(written_off),
            unapplied: cents(unapplied),
            orders: cents(orders),
            exposure: cents(exposure),
            limit: limit.map(cents),
            utilisation: limit.filter(|limit| *limit != 0).map(|limit| ratio(exposure, limit)),
            insured_single_risk: cents(insured.of(Layer::SingleRisk)),
            insured_primary: cents(insured.of(Layer::Primary)),
            insured_top_up: cents(insured.of(Layer::TopUp)),
            indemnifiable: cents(insured.indemnifiable),
            retained: cents(or_zero(exposure - insured.indemnifiable)),
            open_invoices: open.len(),
            fx_missing: purse.missing,
            scored: Scored::HEALTHY,
        }
    }
}

/// Everything that was said of one buyer, in the order of arrival.
#[derive(Debug, Default)]
struct Said<'a> {
    events: Vec<Event<'a>>,
}

impl<'a> Said<'a> {
    fn bodies(&self) -> impl Iterator<Item = Body<'a>> {
        self.events.iter().map(|event| event.body)
    }

    /// The known document of the same kind and name.
    fn document_like(&self, body: &Body<'a>) -> Option<Body<'a>> {
        let name = document_name(body)?;
        self.bodies().find(|known| document_name(known) == Some(name))
    }

    /// Whether something was ever said.
    fn ever(&self, said: impl Fn(&Body<'a>) -> bool) -> bool {
        self.bodies().any(|body| said(&body))
    }

    /// Of all that was said of one thing, what has the greatest (time, id, source); of equals, the first to arrive.
    fn latest<T>(&self, said: impl Fn(&Body<'a>) -> Option<T>) -> Option<T> {
        let mut latest = None;
        for event in &self.events {
            let at = (event.time, event.id.as_bytes(), event.source.as_bytes());
            if let Some(value) = said(&event.body)
                && latest.as_ref().is_none_or(|(known, _)| *known < at)
            {
                latest = Some((at, value));
            }
        }
        latest.map(|(_, value)| value)
    }

    fn invoices(&self) -> impl Iterator<Item = InvoiceIssued<'a>> {
        self.bodies().filter_map(|body| if let Body::InvoiceIssued(said) = body { Some(said) } else { None })
    }

    fn orders(&self) -> impl Iterator<Item = OrderPlaced<'a>> {
        self.bodies().filter_map(|body| if let Body::OrderPlaced(said) = body { Some(said) } else { None })
    }

    fn covers(&self) -> impl Iterator<Item = CoverGranted<'a>> {
        self.bodies().filter_map(|body| if let Body::CoverGranted(said) = body { Some(said) } else { None })
    }

    fn later_allocations(&self) -> impl Iterator<Item = PaymentAllocated<'a>> {
        self.bodies().filter_map(|body| if let Body::PaymentAllocated(said) = body { Some(said) } else { None })
    }

    /// Payments that are not reversed.
    fn payments_standing(&self) -> impl Iterator<Item = PaymentReceived<'a>> {
        let payments =
            self.bodies().filter_map(|body| if let Body::PaymentReceived(said) = body { Some(said) } else { None });
        payments.filter(|payment| {
            let name = (payment.seller_id, payment.payment_id);
            !self.ever(|body| matches!(body, Body::PaymentReversed(said) if (said.seller_id, said.payment_id) == name))
        })
    }

    fn limit(&self) -> Option<(i128, Currency)> {
        let said = |body: &Body<'a>| match body {
            Body::LimitSet(said) => Some(Some((units(said.amount), said.currency))),
            Body::LimitRemoved(_) => Some(None),
            _ => None,
        };
        self.latest(said).flatten()
    }

    /// The day on which the insolvency in force that bars cover was opened.
    fn barred_from(&self) -> Option<Day> {
        let said = |body: &Body<'a>| match body {
            Body::InsolvencyOpened(said) if said.procedure == Procedure::Conciliation => Some(None),
            Body::InsolvencyOpened(said) => Some(Some(said.opened_on)),
            Body::InsolvencyClosed(_) => Some(None),
            _ => None,
        };
        self.latest(said).flatten()
    }
}

/// What names a document: its type, its seller where sellers number it apart, and its id.
fn document_name<'a>(body: &Body<'a>) -> Option<(&'static str, &'a str, Id<'a>)> {
    let (seller, id) = match body {
        Body::InvoiceIssued(said) => (said.seller_id, said.invoice_id),
        Body::InvoiceCredited(said) => (said.seller_id, said.credit_note_id),
        Body::PaymentReceived(said) => (said.seller_id, said.payment_id),
        Body::PaymentAllocated(said) => (said.seller_id, said.allocation_id),
        Body::OrderPlaced(said) => (said.seller_id, said.order_id),
        Body::OrderHeld(said) => (said.seller_id, said.order_id),
        Body::CoverGranted(said) => ("", said.cover_id),
        Body::IncidentReported(said) => ("", said.incident_id),
        _ => return None,
    };
    Some((body.spec().name, seller, id))
}

/// Whether two documents of one name say the same, the order of allocations aside.
fn same_content(known: Body<'_>, said: &Body<'_>) -> bool {
    match (known, *said) {
        (Body::PaymentReceived(a), Body::PaymentReceived(b)) => {
            sorted(a.allocations.unwrap_or_default()) == sorted(b.allocations.unwrap_or_default())
                && PaymentReceived { allocations: None, ..a } == PaymentReceived { allocations: None, ..b }
        }
        (Body::PaymentAllocated(a), Body::PaymentAllocated(b)) => {
            sorted(a.allocations) == sorted(b.allocations)
                && PaymentAllocated { allocations: &[], ..a } == PaymentAllocated { allocations: &[], ..b }
        }
        (a, b) => a == b,
    }
}

/// What bears the buyer's debt: an invoice with everything that befell it. Amounts are in 10^-4 of its currency.
#[derive(Debug)]
struct Debt<'a> {
    said: InvoiceIssued<'a>,
    cancelled: bool,
    billed: i128,
    credits: i128,
    residual: i128,
    open: i128,
    /// As rescheduled.
    due: Day,
    disputed: bool,
    /// The day on which it was settled; `None` while a residual is left.
    settled_on: Option<Day>,
}

impl<'a> Debt<'a> {
    fn new(invoice: InvoiceIssued<'a>, said: &Said<'a>) -> Debt<'a> {
        let name = (invoice.seller_id, invoice.invoice_id);
        let cancelled =
            said.ever(|body| matches!(body, Body::InvoiceCancelled(said) if (said.seller_id, said.invoice_id) == name));
        let lost = said
            .ever(|body| matches!(body, Body::InvoiceWrittenOff(said) if (said.seller_id, said.invoice_id) == name));
        let (credits, allocated) = (credits_of(&invoice, said), allocated_to(&invoice, said));
        let sum = |parts: &[(i128, Day)]| parts.iter().map(|(amount, _)| amount).sum::<i128>();
        let billed = if cancelled { 0 } else { units(invoice.amount) };
        let counted_credits = if cancelled { 0 } else { sum(&credits) };
        let residual = (billed - counted_credits - sum(&allocated)).max(0);
        let last = credits.iter().chain(&allocated).map(|(_, on)| *on).max();
        let due = said.latest(|body| match body {
            Body::InvoiceRescheduled(said) if (said.seller_id, said.invoice_id) == name => Some(said.due_on),
            _ => None,
        });
        let disputed = said.latest(|body| match body {
            Body::InvoiceDisputed(said) if (said.seller_id, said.invoice_id) == name => Some(true),
            Body::InvoiceDisputeSettled(said) if (said.seller_id, said.invoice_id) == name => Some(false),
            _ => None,
        });
        Debt {
            said: invoice,
            cancelled,
            billed,
            credits: counted_credits,
            residual,
            open: if lost { 0 } else { residual },
            due: due.unwrap_or(invoice.due_on),
            disputed: disputed.unwrap_or(false),
            settled_on: if residual > 0 { None } else { last },
        }
    }

    /// Whether it was unpaid on a day and by then overdue, as invoiced, by more than so many days.
    fn was_late_on(&self, day: Day, days: u16) -> bool {
        let unpaid = !self.cancelled && self.settled_on.is_none_or(|on| on >= day);
        unpaid && day.since(self.said.due_on) > i32::from(days)
    }

    fn name(&self) -> (&'a str, Id<'a>) {
        (self.said.seller_id, self.said.invoice_id)
    }
}

/// The credit notes of an invoice: amounts and days.
fn credits_of<'a>(invoice: &InvoiceIssued<'a>, said: &Said<'a>) -> Vec<(i128, Day)> {
    let name = (invoice.seller_id, invoice.invoice_id);
    let credit = |body| match body {
        Body::InvoiceCredited(note) if (note.seller_id, note.invoice_id) == name => {
            Some((units(note.amount), note.credited_on))
        }
        _ => None,
    };
    said.bodies().filter_map(credit).collect()
}

/// What payments that stand, of the invoice's seller and currency, bring it: amounts and days.
fn allocated_to<'a>(invoice: &InvoiceIssued<'a>, said: &Said<'a>) -> Vec<(i128, Day)> {
    let mut parts = Vec::new();
    let mut add = |shares: &[Allocation<'_>], on: Day| {
        let own = shares.iter().filter(|share| share.invoice_id == invoice.invoice_id);
        parts.extend(own.map(|share| (units(share.amount), on)));
    };
    for payment in said.payments_standing() {
        if payment.seller_id != invoice.seller_id || payment.currency != invoice.currency {
            continue;
        }
        add(payment.allocations.unwrap_or_default(), payment.received_on);
        for later in said.later_allocations() {
            if (later.seller_id, later.payment_id) == (payment.seller_id, payment.payment_id) {
                add(later.allocations, later.allocated_on);
            }
        }
    }
    parts
}

/// What of an order is not yet billed.
fn pending(order: OrderPlaced<'_>, said: &Said<'_>, debts: &[Debt<'_>]) -> i128 {
    let name = (order.seller_id, order.order_id);
    if said.ever(|body| matches!(body, Body::OrderCancelled(said) if (said.seller_id, said.order_id) == name)) {
        return 0;
    }
    let of_it = |debt: &&Debt<'_>| {
        (debt.said.seller_id, debt.said.order_id, debt.said.currency) == (name.0, Some(name.1), order.currency)
    };
    let billed: i128 = debts.iter().filter(of_it).map(|debt| debt.billed).sum();
    (units(order.amount) - billed).max(0)
}

/// A granted cover with everything that was said of it.
#[derive(Debug)]
struct Cover<'a> {
    said: CoverGranted<'a>,
    valid_to: Option<Day>,
    /// Amendments by their first day: the amount from then on.
    amended: BTreeMap<Day, i128>,
}

impl<'a> Cover<'a> {
    fn new(cover: CoverGranted<'a>, said: &Said<'a>) -> Cover<'a> {
        let withdrawn = said.latest(|body| match body {
            Body::CoverWithdrawn(said) if said.cover_id == cover.cover_id => Some(said.effective_on.plus(-1)),
            _ => None,
        });
        let mut amended = BTreeMap::new();
        for body in said.bodies() {
            let Body::CoverAmended(first) = body else { continue };
            if first.cover_id != cover.cover_id {
                continue;
            }
            let amount = said.latest(|body| match body {
                Body::CoverAmended(said)
                    if (said.cover_id, said.effective_on) == (first.cover_id, first.effective_on) =>
                {
                    Some(units(said.amount))
                }
                _ => None,
            });
            amended.extend(amount.map(|amount| (first.effective_on, amount)));
        }
        Cover { said: cover, valid_to: cover.valid_to.into_iter().chain(withdrawn).min(), amended }
    }

    /// The amount in force on a day, in 10^-4 of its currency.
    fn amount_on(&self, day: Day) -> i128 {
        self.amended.range(..=day).next_back().map_or(units(self.said.amount), |(_, amount)| *amount)
    }
}

/// What covers take, in base currency.
struct Insured {
    by_layer: BTreeMap<Layer, I256>,
    indemnifiable: I256,
}

impl Insured {
    fn of(&self, layer: Layer) -> I256 {
        self.by_layer.get(&layer).copied().unwrap_or(I256::ZERO)
    }
}

/// Section 5 of the contract: layer by layer, cover by cover, invoice by invoice.
fn insure<'a>(twin: &Twin<'a>, said: &Said<'a>, debts: &[Debt<'a>], covers: &[Cover<'a>], unapplied: I256) -> Insured {
    let in_base = |amount: i128, currency: Currency| {
        twin.rate(currency).map_or(I256::ZERO, |rate| four_decimals(product(amount, rate)))
    };
    let mut open: Vec<&Debt<'a>> = debts.iter().filter(|debt| debt.open > 0).collect();
    open.sort_by_key(|debt| (debt.said.issued_on, debt.said.seller_id, debt.said.invoice_id));
    let mut cash = or_zero(four_decimals(unapplied));
    let mut uninsured = Vec::new();
    for debt in &open {
        let open_base = in_base(debt.open, debt.said.currency);
        let off_cash = cash.min(open_base);
        cash -= off_cash;
        let (net, amount) = (debt.said.net_amount.unwrap_or(debt.said.amount), debt.said.amount);
        let insurable = (open_base - off_cash) * I256::from(units(net));
        uninsured.push(half_even(insurable, I256::from(units(amount)) * FOUR_DECIMALS) * FOUR_DECIMALS);
    }
    let mut insured = Insured { by_layer: BTreeMap::new(), indemnifiable: I256::ZERO };
    let mut in_order: Vec<&Cover<'a>> = covers.iter().collect();
    in_order.sort_by_key(|cover| (cover.said.layer, cover.said.valid_from, cover.said.cover_id));
    let grounds = Grounds { debts, covers, barred_from: said.barred_from() };
    for cover in in_order {
        let mut taken = I256::ZERO;
        for (debt, uninsured) in open.iter().zip(&mut uninsured) {
            let left = in_base(cover.amount_on(debt.said.issued_on), cover.said.currency) - taken;
            let take = or_zero(left.min(*uninsured));
            if take > 0 && grounds.admit(debt, cover) {
                *uninsured -= take;
                taken += take;
                // Ten thousandths of a per cent: a million of them are the whole.
                insured.indemnifiable += take / 1_000_000 * I256::from(cover.said.insured_pct.scaled());
            }
        }
        *insured.by_layer.entry(cover.said.layer).or_insert(I256::ZERO) += taken;
    }
    insured
}

/// What makes an invoice eligible under a cover.
struct Grounds<'d, 'a> {
    debts: &'d [Debt<'a>],
    covers: &'d [Cover<'a>],
    barred_from: Option<Day>,
}

impl<'a> Grounds<'_, 'a> {
    /// The rules of the contract, by its numbers.
    fn admit(&self, debt: &Debt<'a>, cover: &Cover<'a>) -> bool {
        let (terms, issued_on) = (&cover.said, debt.said.issued_on);
        let stopped = |days: u16| {
            self.debts.iter().any(|other| other.name() != debt.name() && other.was_late_on(issued_on, days))
        };
        let term = debt.said.due_on.since(issued_on);
        let one = terms.valid_from <= issued_on && cover.valid_to.is_none_or(|end| issued_on <= end);
        let two = !debt.disputed;
        let three = terms.max_payment_term_days.is_none_or(|days| term <= i32::from(days));
        let four = !terms.max_extension_days.is_some_and(stopped);
        let five = self.barred_from.is_none_or(|opened_on| opened_on > issued_on);
        let six = terms.seller_id.is_empty() || terms.seller_id == debt.said.seller_id;
        let seven = match terms.layer {
            Layer::Primary => true,
            Layer::SingleRisk => debt.said.order_id.is_some() && debt.said.order_id == terms.order_id,
            Layer::TopUp => self.covers.iter().any(|primary| {
                primary.said.layer == Layer::Primary && primary.amount_on(issued_on) > 0 && self.admit(debt, primary)
            }),
        };
        one && two && three && four && five && six && seven
    }
}

/// Converts to base currency and notes what cannot be converted.
struct Purse<'t, 'a> {
    twin: &'t Twin<'a>,
    missing: bool,
}

impl Purse<'_, '_> {
    /// The sum in base currency, each currency summed on its own first.
    fn total(&mut self, parts: impl Iterator<Item = (Currency, i128)>) -> I256 {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (currency, amount) in parts {
            *sums.entry(currency).or_default() += amount;
        }
        let converted = sums.into_iter().filter_map(|(currency, sum)| self.convert(currency, sum));
        converted.fold(I256::ZERO, |total, part| total + part)
    }

    fn convert(&mut self, currency: Currency, amount: i128) -> Option<I256> {
        let rate = self.twin.rate(currency);
        self.missing |= rate.is_none() && amount != 0;
        rate.map(|rate| product(amount, rate))
    }
}

/// Two decimals, and four, in amounts of 10^-16 units.
const TWO_DECIMALS: I256 = I256::new(100_000_000_000_000);
const FOUR_DECIMALS: I256 = I256::new(1_000_000_000_000);

/// In 10^-4.
fn units(amount: crate::base::Money) -> i128 {
    i128::from(amount.units())
}

/// 10^-4 units times a rate in 10^-12: 10^-16, exact.
fn product(amount: i128, rate: Rate) -> I256 {
    I256::from(amount) * I256::from(rate.scaled())
}

fn or_zero(amount: I256) -> I256 {
    amount.max(I256::ZERO)
}

fn four_decimals(amount: I256) -> I256 {
    half_even(amount, FOUR_DECIMALS) * FOUR_DECIMALS
}

fn cents(amount: I256) -> Cents {
    Cents(i128::try_from(half_even(amount, TWO_DECIMALS)).expect("what buyers owe fits 128 bits of cents"))
}

/// In 10^-4. What has over 38 digits stays at the last number of 38.
fn ratio(amount: I256, whole: I256) -> i128 {
    half_even(amount * 10_000, whole).min(I256::new(RATIO_MAX)).as_i128()
}

/// The nearest whole quotient, and of two that are as near the even one.
fn half_even(value: I256, divisor: I256) -> I256 {
    let (below, rest) = (value.div_euclid(divisor), value.rem_euclid(divisor));
    let is_even = below.rem_euclid(I256::new(2)) == 0;
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => below,
        std::cmp::Ordering::Equal if is_even => below,
        _ => below + 1,
    }
}

fn sorted<'a>(shares: &[Allocation<'a>]) -> Vec<Allocation<'a>> {
    let mut shares = shares.to_vec();
    shares.sort();
    shares
}
