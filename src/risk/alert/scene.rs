//! Owns what a judgement looks at.

use crate::base::{BaseUnits, Currency, Day, Money};
use crate::event::{Procedure, Scored, Segment};
use crate::risk::cover::{Carrying, Cover, Insurance, Terms};
use crate::risk::figures::Figures;
use crate::risk::ledger::{Invoice, InvoiceSlot, Ledger, PaymentSlot, Standing};
use crate::risk::params::AlertLevels;
use crate::risk::rates::Rates;
use crate::risk::score::{Evidence, Outlook};

/// One buyer as a judgement sees it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The clock's day.
    pub today: Day,
    /// The levels of the rules.
    pub levels: &'a AlertLevels,
    /// What the buyer owes.
    pub ledger: &'a Ledger,
    /// Its covers.
    pub insurance: Option<&'a Insurance>,
    /// What they carry.
    pub carrying: &'a Carrying,
    /// Its figures.
    pub figures: &'a Figures,
    /// Rates.
    pub rates: &'a Rates,
    /// The insolvency in force.
    pub insolvency: Option<(Procedure, Day)>,
    /// Whether the insurer knows the buyer by name.
    pub segment: Option<Segment>,
    /// Payments reversed since the last judgement.
    pub reversed: &'a [PaymentSlot],
    /// What the score is made of.
    pub evidence: Evidence<'a>,
    /// The score.
    pub scored: Scored,
    /// What its course comes to.
    pub outlook: Option<Outlook>,
}

impl<'a> Scene<'a> {
    /// The granted covers, with their place and terms.
    pub fn covers(&self) -> impl Iterator<Item = (usize, &'a Cover, &'a Terms)> + use<'a> {
        let covers = self.insurance.map_or(&[][..], Insurance::covers);
        covers.iter().enumerate().filter_map(|(place, cover)| Some((place, cover, cover.terms.as_deref()?)))
    }

    /// A granted cover by its id.
    #[must_use]
    pub fn cover(&self, id: &str) -> Option<(usize, &'a Cover, &'a Terms)> {
        self.covers().find(|(_, cover, _)| cover.id == id)
    }

    /// An amount of a cover in base currency; 0 while its currency has no rate.
    #[must_use]
    pub fn in_base(&self, amount: Money, currency: Currency) -> BaseUnits {
        self.rates.get(currency).map_or(BaseUnits::ZERO, |rate| BaseUnits::convert(amount.sum(), rate))
    }

    /// Days until the earliest unpaid invoice passes a cover's extension; negative once it has.
    #[must_use]
    pub fn days_to_stop(&self, terms: &Terms) -> Option<i32> {
        let extension = terms.max_extension_days?;
        let due = self.carrying.earliest_unpaid_due?;
        Some(due.plus(i32::from(extension)).since(self.today))
    }

    /// An unpaid invoice by its name.
    #[must_use]
    pub fn unpaid_invoice(&self, seller_id: &str, invoice_id: &str) -> Option<(InvoiceSlot, &'a Invoice, Standing)> {
        let documents = self.ledger.documents();
        let slot = documents.find_invoice(documents.find_seller(seller_id)?, invoice_id)?;
        let invoice = self.ledger.invoice(slot);
        let standing = invoice.standing().filter(|standing| !standing.residual.is_zero())?;
        Some((slot, invoice, standing))
    }
}
