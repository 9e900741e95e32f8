//! Who bears it: a buyer's covers, and what they carry of its open invoices.

mod carry;

use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;

pub use carry::{Carried, Carrying, Insured, Uninsured};

use super::fact::Fact;
use super::ledger::{InvoiceSlot, Known};
use crate::base::{BaseUnits, Currency, Day, Money, Percent};
use crate::event::input::{CoverAmended, CoverDeclared, CoverGranted, CoverWithdrawn};
use crate::event::{Event, Layer};

/// All covers of a buyer, granted or only referred to, in the order in which they are used: by layer, first day, id.
#[derive(Debug, Clone, Default, BorshSerialize, BorshDeserialize)]
pub struct Insurance {
    covers: Vec<Cover>,
}

/// One cover.
#[derive(Debug, Clone, BorshSerialize, BorshDeserialize)]
pub struct Cover {
    /// Its id.
    pub id: CompactString,
    /// What was granted; `None` until the grant itself arrives.
    pub terms: Option<Box<Terms>>,
    /// Amounts in force from a day on, by that day.
    amounts: Vec<(Day, Fact<Money>)>,
    withdrawn: Option<Fact<Day>>,
    /// Invoices declared to its insurer.
    pub declared: BTreeSet<InvoiceSlot>,
    /// What it carried at the last judgement, in 10^-4 base units.
    taken: i128,
    /// What it carried at the last judgement of the day before, in 10^-4 base units.
    carried_before: i128,
    /// What it had in force at the last judgement, in its currency.
    force_before: Option<Money>,
}

/// What a `cover.granted` says.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Terms {
    /// The layer.
    pub layer: Layer,
    /// The insured entity; "" for every seller.
    pub seller_id: CompactString,
    /// What it insures at most, before any amendment.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
    /// The insured share.
    pub insured_pct: Percent,
    /// The first day of issue that it insures.
    pub valid_from: Day,
    /// The last, as granted.
    pub valid_to: Option<Day>,
    /// The order that it insures.
    pub order_id: Option<CompactString>,
    /// The longest payment term that it insures.
    pub max_payment_term_days: Option<u16>,
    /// How long an invoice may be overdue before new shipments are uninsured.
    pub max_extension_days: Option<u16>,
    /// How long after that an overdue invoice must be declared.
    pub declare_within_days: Option<u16>,
    /// The insurer.
    pub insurer: Option<CompactString>,
    /// The policy.
    pub policy_id: Option<CompactString>,
}

impl Terms {
    fn new(said: &CoverGranted<'_>) -> Terms {
        Terms {
            layer: said.layer,
            seller_id: said.seller_id.into(),
            amount: said.amount,
            currency: said.currency,
            insured_pct: said.insured_pct,
            valid_from: said.valid_from,
            valid_to: said.valid_to,
            order_id: said.order_id.map(|id| id.as_str().into()),
            max_payment_term_days: said.max_payment_term_days,
            max_extension_days: said.max_extension_days,
            declare_within_days: said.declare_within_days,
            insurer: said.insurer.map(Into::into),
            policy_id: said.policy_id.map(Into::into),
        }
    }

    /// The last day on which an invoice overdue since `due` (as invoiced) must be declared, if it must.
    #[must_use]
    pub fn declare_by(&self, due: Day) -> Option<Day> {
        let within = self.declare_within_days?;
        Some(due.plus(i32::from(self.max_extension_days.unwrap_or(0)) + i32::from(within)))
    }
}

impl Insurance {
    /// The covers, in the order in which they are used; those not granted yet come first.
    #[must_use]
    pub fn covers(&self) -> &[Cover] {
        &self.covers
    }

    /// The cover of this id.
    #[must_use]
    pub fn cover(&self, id: &str) -> Option<&Cover> {
        self.covers.iter().find(|cover| cover.id == id)
    }

    /// Whether a grant is known already.
    #[must_use]
    pub fn known(&self, said: &CoverGranted<'_>) -> Known {
        let known = self.cover(said.cover_id.as_str()).and_then(|cover| cover.terms.as_deref());
        Known::compare(known, &&Terms::new(said))
    }

    /// A cover is granted, which was not known yet.
    pub fn grant(&mut self, said: &CoverGranted<'_>) {
        self.cover_mut(said.cover_id.as_str()).terms = Some(Box::new(Terms::new(said)));
        self.covers.sort_by(|a, b| a.use_order().cmp(&b.use_order()));
    }

    /// A cover's amount changes for what is shipped from a day on.
    pub fn amend(&mut self, event: &Event<'_>, said: &CoverAmended<'_>) {
        let amounts = &mut self.cover_mut(said.cover_id.as_str()).amounts;
        match amounts.binary_search_by_key(&said.effective_on, |(on, _)| *on) {
            Ok(at) => amounts[at].1.update(event, said.amount),
            Err(at) => amounts.insert(at, (said.effective_on, Fact::new(event, said.amount))),
        }
    }

    /// A cover ends for what is shipped from a day on.
    pub fn withdraw(&mut self, event: &Event<'_>, said: &CoverWithdrawn<'_>) {
        match &mut self.cover_mut(said.cover_id.as_str()).withdrawn {
            Some(fact) => fact.update(event, said.effective_on),
            slot => *slot = Some(Fact::new(event, said.effective_on)),
        }
    }

    /// An invoice was declared to a cover's insurer.
    pub fn declare(&mut self, said: &CoverDeclared<'_>, invoice: InvoiceSlot) {
        self.cover_mut(said.cover_id.as_str()).declared.insert(invoice);
    }

    /// A day begins: what covers carried at the last judgement is what they carried the day before.
    pub fn begin_day(&mut self) {
        for cover in &mut self.covers {
            cover.carried_before = cover.taken;
        }
    }

    /// Keeps what each cover carries and has in force at this judgement.
    pub fn note_judged(&mut self, carrying: &Carrying, today: Day) {
        for (cover, carried) in self.covers.iter_mut().zip(&carrying.covers) {
            cover.taken = carried.taken.units();
            cover.force_before = cover.terms.is_some().then(|| cover.force_on(today));
        }
    }

    /// Invoices moved to other places.
    pub fn move_invoices(&mut self, place: impl Fn(InvoiceSlot) -> Option<InvoiceSlot>) {
        for cover in &mut self.covers {
            cover.declared = cover.declared.iter().filter_map(|slot| place(*slot)).collect();
        }
    }

    /// What is wrong with restored covers, if anything is: they name an invoice beyond so many.
    #[must_use]
    pub fn flaw(&self, invoices: usize) -> Option<&'static str> {
        let mut declared = self.covers.iter().flat_map(|cover| &cover.declared);
        declared.any(|slot| slot.index() >= invoices).then_some("a cover names an invoice that is not there")
    }

    fn cover_mut(&mut self, id: &str) -> &mut Cover {
        let place = self.covers.iter().position(|cover| cover.id == id).unwrap_or_else(|| {
            self.covers.insert(0, Cover::referred(id));
            0
        });
        &mut self.covers[place]
    }
}

impl Cover {
    fn referred(id: &str) -> Cover {
        Cover {
            id: id.into(),
            terms: None,
            amounts: Vec::new(),
            withdrawn: None,
            declared: BTreeSet::new(),
            taken: 0,
            carried_before: 0,
            force_before: None,
        }
    }

    fn use_order(&self) -> (Option<(Layer, Day)>, &str) {
        (self.terms.as_ref().map(|terms| (terms.layer, terms.valid_from)), &self.id)
    }

    /// The last day of issue that it insures: as granted, or the day before its withdrawal where that is earlier.
    #[must_use]
    pub fn valid_to(&self) -> Option<Day> {
        let granted = self.terms.as_ref().and_then(|terms| terms.valid_to);
        let withdrawn = self.withdrawn_from().map(|day| day.plus(-1));
        granted.into_iter().chain(withdrawn).min()
    }

    /// The first day of issue that a withdrawal takes out.
    #[must_use]
    pub fn withdrawn_from(&self) -> Option<Day> {
        self.withdrawn.as_ref().map(|fact| *fact.value())
    }

    /// The day since when it has been withdrawn, as of a day; a withdrawal after its own end takes nothing out.
    #[must_use]
    pub fn withdrawn_since(&self, today: Day) -> Option<Day> {
        let end = self.terms.as_ref().and_then(|terms| terms.valid_to);
        self.withdrawn_from().filter(|from| *from <= today && end.is_none_or(|end| *from <= end))
    }

    /// What it has in force on a day for what is shipped then, its own end aside: nothing once it is withdrawn.
    #[must_use]
    pub fn force_on(&self, day: Day) -> Money {
        if self.withdrawn_since(day).is_some() { Money::ZERO } else { self.amount_on(day) }
    }

    /// What it had in force at the last judgement; `None`: it was not granted then.
    #[must_use]
    pub fn force_before(&self) -> Option<Money> {
        self.force_before
    }

    /// Whether it insures what is issued on `day`, as far as its own dates say.
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        let started = self.terms.as_ref().is_some_and(|terms| terms.valid_from <= day);
        started && self.valid_to().is_none_or(|end| day <= end)
    }

    /// The amount in force on a day: the one amended last before or on it, or the granted one.
    #[must_use]
    #[inline]
    pub fn amount_on(&self, day: Day) -> Money {
        let granted = self.terms.as_ref().map_or(Money::ZERO, |terms| terms.amount);
        self.amendment_on(day).map_or(granted, |(_, amount)| amount)
    }

    /// The amendment in force on a day, with the day it came into force.
    #[must_use]
    pub fn amendment_on(&self, day: Day) -> Option<(Day, Money)> {
        self.amounts.iter().rev().find(|(on, _)| *on <= day).map(|(on, fact)| (*on, *fact.value()))
    }

    /// The days on which an amendment comes into force.
    pub fn amendment_days(&self) -> impl Iterator<Item = Day> {
        self.amounts.iter().map(|(on, _)| *on)
    }

    /// What it carried at the last judgement of the day before.
    #[must_use]
    pub fn carried_before(&self) -> BaseUnits {
        BaseUnits::from_units(self.carried_before)
    }
}
