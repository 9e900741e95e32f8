//! Owns the reckoning of cover: which open invoice is eligible under which cover, and how much each cover takes.
//!
//! One walk over the buyer's unpaid invoices, in the contract's order, with the covers inside: since what a cover takes of
//! an invoice depends only on what it took of earlier ones, and on what earlier covers took of this one, that gives what
//! the contract's order (cover by cover) gives.

use super::{Cover, Insurance, Terms};
use crate::base::{BaseAmount, BaseUnits, Day, Money, Rate};
use crate::event::Layer;
use crate::risk::ledger::{Arrears, Invoice, InvoiceSlot, Ledger, SellerNumber, Standing};
use crate::risk::rates::Rates;

/// What a buyer's covers carry.
#[derive(Debug, Default)]
pub struct Carrying {
    /// What each cover carries, in the order of [`Insurance::covers`].
    pub covers: Vec<Carried>,
    /// Which invoice is insured under which cover.
    pub insured: Vec<Insured>,
    /// What of which invoice no cover takes, where that is anything.
    pub uninsured: Vec<Uninsured>,
    /// What single-risk, primary and top-up covers take together.
    pub by_layer: [BaseUnits; 3],
    /// What the insurers would pay.
    pub indemnifiable: BaseAmount,
    /// The earliest due date, as invoiced, of the unpaid invoices.
    pub earliest_unpaid_due: Option<Day>,
}

/// What one cover carries.
#[derive(Debug, Clone, Copy, Default)]
pub struct Carried {
    /// What it takes of open invoices.
    pub taken: BaseUnits,
}

/// What one cover takes of one invoice.
#[derive(Debug, Clone, Copy)]
pub struct Insured {
    /// The cover, by its place in [`Insurance::covers`].
    pub cover: usize,
    /// The invoice.
    pub invoice: InvoiceSlot,
    /// How much.
    pub taken: BaseUnits,
    /// The last day on which the invoice must be declared under the cover, if it must.
    pub declare_by: Option<Day>,
}

/// What of an invoice no cover takes.
#[derive(Debug, Clone, Copy)]
pub struct Uninsured {
    /// The day of issue.
    pub issued_on: Day,
    /// How much.
    pub amount: BaseUnits,
}

/// A cover made ready for one walk.
struct Ready<'a> {
    cover: &'a Cover,
    terms: &'a Terms,
    place: usize,
    rate: Option<Rate>,
    ends: Day,
    seller: Sellers,
    /// The amount in base currency, where no amendment makes it depend on the day.
    fixed: Option<BaseUnits>,
    taken: BaseUnits,
}

/// Whose invoices a cover insures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sellers {
    Every,
    Only(SellerNumber),
    /// One of whom the buyer has no document.
    Unknown,
}

/// What bars or admits a buyer's invoices whatever the cover.
struct Grounds<'a> {
    ledger: &'a Ledger,
    arrears: Option<&'a Arrears>,
    /// The earliest due date of what is still unpaid.
    unpaid_since: Day,
    /// The first day of issue that an insolvency in force bars.
    barred_from: Option<Day>,
}

impl Carrying {
    /// Nothing is carried: the buyer has no cover.
    pub fn clear(&mut self) {
        self.covers.clear();
        self.insured.clear();
        self.uninsured.clear();
        self.by_layer = [BaseUnits::ZERO; 3];
        self.indemnifiable = BaseAmount::ZERO;
        self.earliest_unpaid_due = None;
    }

    /// Nothing is carried, by any of the buyer's covers.
    pub fn carry_nothing(&mut self, insurance: &Insurance) {
        self.clear();
        self.covers.resize(insurance.covers.len(), Carried::default());
    }

    /// Reckons what the covers carry. `unapplied` is the buyer's unapplied cash in base currency; `barred_from` the day on
    /// which an insolvency in force was opened.
    pub fn reckon(
        &mut self,
        insurance: &Insurance,
        ledger: &mut Ledger,
        rates: &Rates,
        unapplied: BaseAmount,
        barred_from: Option<Day>,
    ) {
        self.carry_nothing(insurance);
        ledger.refresh_arrears();
        let ledger = &*ledger;
        self.earliest_unpaid_due = ledger.earliest_unpaid_due();
        let Some((first, last)) = ledger.unpaid_issue_days() else { return };
        let covers = insurance.covers.iter().enumerate();
        let ready = covers.filter_map(|(place, cover)| Ready::new(place, cover, ledger, rates));
        // Covers of other times, which a buyer of many years has many of, are left out of the walk.
        let mut ready: Vec<Ready<'_>> =
            ready.filter(|ready| ready.terms.valid_from <= last && first <= ready.ends).collect();
        let grounds = Grounds {
            ledger,
            arrears: ledger.arrears(),
            unpaid_since: self.earliest_unpaid_due.unwrap_or(Day::MAX),
            barred_from,
        };
        let mut cash = unapplied.rounded().or_zero();
        for (slot, invoice, standing) in ledger.unpaid() {
            let rate = rates.get(standing.currency);
            let open = rate.map_or(BaseUnits::ZERO, |rate| BaseUnits::convert(standing.open, rate));
            let off = cash.min(open);
            cash -= off;
            let (net, amount) = invoice.net_share();
            let insurable = (open - off).share(net.units(), amount.units());
            if insurable > BaseUnits::ZERO {
                self.insure(&mut ready, &grounds, slot, invoice, &standing, insurable);
            }
        }
        for cover in &ready {
            self.covers[cover.place].taken = cover.taken;
        }
    }

    fn insure(
        &mut self,
        covers: &mut [Ready<'_>],
        grounds: &Grounds<'_>,
        slot: InvoiceSlot,
        invoice: &Invoice,
        standing: &Standing,
        insurable: BaseUnits,
    ) {
        let mut left = insurable;
        let mut follows_primary = false;
        let (issued_on, due_on) = (invoice.issued_on(), invoice.due_on());
        for cover in covers {
            if left == BaseUnits::ZERO {
                break;
            }
            let follows = cover.terms.layer != Layer::TopUp || follows_primary;
            if !follows || !grounds.admit(cover, invoice, standing) {
                continue;
            }
            if cover.terms.layer == Layer::Primary && cover.cover.amount_on(issued_on) > Money::ZERO {
                follows_primary = true;
            }
            let take = left.min(cover.amount_on(issued_on) - cover.taken);
            if take > BaseUnits::ZERO {
                left -= take;
                cover.taken += take;
                self.by_layer[cover.terms.layer as usize] += take;
                self.indemnifiable += take.percentage(cover.terms.insured_pct);
                let declare_by = cover.terms.declare_by(due_on);
                self.insured.push(Insured { cover: cover.place, invoice: slot, taken: take, declare_by });
            }
        }
        if left > BaseUnits::ZERO {
            self.uninsured.push(Uninsured { issued_on, amount: left });
        }
    }
}

impl<'a> Ready<'a> {
    fn new(place: usize, cover: &'a Cover, ledger: &Ledger, rates: &Rates) -> Option<Ready<'a>> {
        let terms = cover.terms.as_deref()?;
        let rate = rates.get(terms.currency);
        let fixed = cover.amendment_days().next().is_none().then(|| in_base(terms.amount, rate));
        let ends = cover.valid_to().unwrap_or(Day::MAX);
        let seller = match terms.seller_id.as_str() {
            "" => Sellers::Every,
            id => ledger.documents().find_seller(id).map_or(Sellers::Unknown, Sellers::Only),
        };
        Some(Ready { cover, terms, place, rate, ends, seller, fixed, taken: BaseUnits::ZERO })
    }

    fn amount_on(&self, day: Day) -> BaseUnits {
        self.fixed.unwrap_or_else(|| in_base(self.cover.amount_on(day), self.rate))
    }
}

impl Grounds<'_> {
    /// Whether an invoice is eligible under a cover, but for a top-up's need of a primary.
    #[inline]
    fn admit(&self, cover: &Ready<'_>, invoice: &Invoice, standing: &Standing) -> bool {
        let (terms, issued_on) = (cover.terms, invoice.issued_on());
        let in_time = terms.valid_from <= issued_on && issued_on <= cover.ends;
        let short_enough = |days: u16| invoice.due_on().since(issued_on) <= i32::from(days);
        in_time
            && (cover.seller == Sellers::Every || cover.seller == Sellers::Only(invoice.seller))
            && (terms.layer != Layer::SingleRisk || self.bills(invoice, terms))
            && !standing.disputed
            && self.barred_from.is_none_or(|opened_on| issued_on < opened_on)
            && terms.max_payment_term_days.is_none_or(short_enough)
            && terms.max_extension_days.is_none_or(|days| !self.stopped(issued_on, i32::from(days)))
    }

    /// Whether something else of the buyer was unpaid and overdue by more than the extension on the day of issue. The
    /// invoice itself never is: it is not due before its own issue.
    fn stopped(&self, issued_on: Day, extension_days: i32) -> bool {
        let unpaid_since = self.unpaid_since;
        (unpaid_since != Day::MAX && issued_on.since(unpaid_since) > extension_days)
            || self.arrears.is_some_and(|arrears| arrears.was_late(issued_on, extension_days))
    }

    fn bills(&self, invoice: &Invoice, terms: &Terms) -> bool {
        let billed = invoice.order().map(|order| &self.ledger.documents().orders[order.index()].id);
        billed.is_some() && billed == terms.order_id.as_ref()
    }
}

fn in_base(amount: Money, rate: Option<Rate>) -> BaseUnits {
    rate.map_or(BaseUnits::ZERO, |rate| BaseUnits::convert(amount.sum(), rate))
}
