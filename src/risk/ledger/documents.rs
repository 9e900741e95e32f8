//! Owns a buyer's documents and the index by which each is found from its name (kind, seller, id).

use borsh::{BorshDeserialize, BorshSerialize};
use compact_str::CompactString;
use hashbrown::HashTable;

use super::invoice::Invoice;
use super::order::{Incident, Order};
use super::payment::{CreditNote, LaterAllocation, Payment, Share};
use super::slots::{AllocationSlot, CreditNoteSlot, IncidentSlot, InvoiceSlot, OrderSlot, PaymentSlot, SellerNumber};
use crate::base::Sum;
use crate::base::hash::hash_key;
use crate::risk::shard::ahead::touch;

/// What the index can find. The number is part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    Seller,
    Invoice,
    CreditNote,
    Payment,
    Allocation,
    Order,
    Incident,
}

/// A kind (3 bits) and a place in its list (29 bits), and the hash of its name: so that neither a growing index nor a search
/// looks at documents of another name.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: u32,
    hash: u32,
}

/// Documents of one kind that a buyer can have.
const PLACES_MAX: usize = 1 << 29;

impl Entry {
    fn new(kind: Kind, place: usize, hash: u32) -> Entry {
        assert!(place < PLACES_MAX, "a buyer has under {PLACES_MAX} documents of a kind");
        Entry { at: (kind as u32) << 29 | place as u32, hash }
    }

    fn kind(self) -> u32 {
        self.at >> 29
    }

    fn place(self) -> usize {
        (self.at & (PLACES_MAX as u32 - 1)) as usize
    }

    /// The hash that the index goes by.
    fn spread(&self) -> u64 {
        spread(self.hash)
    }
}

/// All documents of a buyer, known or only referred to.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
#[borsh(init = settle_in)]
pub struct Documents {
    /// Sellers, as they came up.
    pub sellers: Vec<CompactString>,
    /// Invoices.
    pub invoices: Vec<Invoice>,
    /// Credit notes.
    pub credit_notes: Vec<CreditNote>,
    /// Payments.
    pub payments: Vec<Payment>,
    /// Allocations made after their payment.
    pub allocations: Vec<LaterAllocation>,
    /// Orders.
    pub orders: Vec<Order>,
    /// Incidents.
    pub incidents: Vec<Incident>,
    #[borsh(skip)]
    index: HashTable<Entry>,
}

/// The index takes places from the lower end of a hash, and a tag from its upper end.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The part of a key beside the id: kind and seller.
fn space(kind: u32, seller: Option<SellerNumber>) -> u64 {
    u64::from(kind) << 32 | seller.map_or(0, |seller| seller.index() as u64 + 1)
}

/// Appends to a list that grows by a third: closed documents stay for long, and a doubled list wastes up to a half.
fn push<T>(list: &mut Vec<T>, item: T) -> usize {
    const STEP_MIN: usize = 4;
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 3).max(STEP_MIN));
    }
    list.push(item);
    list.len() - 1
}

macro_rules! documents_of_sellers {
    ($($kind:ident $slot:ident $list:ident $document:ident $find:ident $add:ident;)*) => {
        $(
            /// Where the document of this name is.
            #[must_use]
            pub fn $find(&self, seller: SellerNumber, id: &str) -> Option<$slot> {
                self.find(Kind::$kind, Some(seller), id).map($slot::at)
            }

            /// Adds a document that is not there yet.
            pub fn $add(&mut self, document: $document) -> $slot {
                let place = push(&mut self.$list, document);
                self.enter(Kind::$kind, place);
                $slot::at(place)
            }
        )*
    };
}

impl Documents {
    documents_of_sellers! {
        Invoice InvoiceSlot invoices Invoice find_invoice add_invoice;
        CreditNote CreditNoteSlot credit_notes CreditNote find_credit_note add_credit_note;
        Payment PaymentSlot payments Payment find_payment add_payment;
        Allocation AllocationSlot allocations LaterAllocation find_allocation add_allocation;
        Order OrderSlot orders Order find_order add_order;
    }

    /// The number of a seller, if a document named it before.
    #[must_use]
    pub fn find_seller(&self, id: &str) -> Option<SellerNumber> {
        if self.sellers.first().is_some_and(|first| first == id) {
            return Some(SellerNumber::at(0));
        }
        self.find(Kind::Seller, None, id).map(SellerNumber::at)
    }

    /// The number of a seller.
    pub fn seller(&mut self, id: &str) -> SellerNumber {
        self.find_seller(id).unwrap_or_else(|| {
            self.sellers.reserve_exact(usize::from(self.sellers.len() < 2));
            self.sellers.push(id.into());
            self.enter(Kind::Seller, self.sellers.len() - 1);
            SellerNumber::at(self.sellers.len() - 1)
        })
    }

    /// The id of a seller.
    #[must_use]
    pub fn seller_id(&self, seller: SellerNumber) -> &str {
        &self.sellers[seller.index()]
    }

    /// Where the incident of this name is.
    #[must_use]
    pub fn find_incident(&self, id: &str) -> Option<IncidentSlot> {
        self.find(Kind::Incident, None, id).map(IncidentSlot::at)
    }

    /// Adds an incident that is not there yet.
    pub fn add_incident(&mut self, incident: Incident) -> IncidentSlot {
        let place = push(&mut self.incidents, incident);
        self.enter(Kind::Incident, place);
        IncidentSlot::at(place)
    }

    /// The invoice of this name, made as referred to where it is not there yet.
    pub fn invoice(&mut self, seller: SellerNumber, id: &str) -> InvoiceSlot {
        self.find_invoice(seller, id).unwrap_or_else(|| self.add_invoice(Invoice::referred(id, seller)))
    }

    /// The payment of this name, made as referred to where it is not there yet.
    pub fn payment(&mut self, seller: SellerNumber, id: &str) -> PaymentSlot {
        self.find_payment(seller, id).unwrap_or_else(|| self.add_payment(Payment::referred(id, seller)))
    }

    /// The order of this name, made as referred to where it is not there yet.
    pub fn order(&mut self, seller: SellerNumber, id: &str) -> OrderSlot {
        self.find_order(seller, id).unwrap_or_else(|| self.add_order(Order::referred(id, seller)))
    }

    /// Every share of a payment: its own, and those of the allocations made later.
    fn shares_of(&self, payment: PaymentSlot) -> impl Iterator<Item = &Share> {
        let payment = &self.payments[payment.index()];
        let mut next = payment.last_allocation;
        let later = std::iter::from_fn(move || {
            let later = &self.allocations[next?.index()];
            next = later.earlier;
            Some(&later.shares)
        });
        payment.shares.iter().chain(later.flatten())
    }

    /// What of a payment is allocated, all in all.
    #[must_use]
    pub fn allocated_of(&self, payment: PaymentSlot) -> Sum {
        self.shares_of(payment).map(|share| share.amount.sum()).sum()
    }

    /// The invoices that a payment was allocated to, each once.
    #[must_use]
    pub fn invoices_of(&self, payment: PaymentSlot) -> Vec<InvoiceSlot> {
        let mut invoices: Vec<InvoiceSlot> = self.shares_of(payment).map(|share| share.invoice).collect();
        invoices.sort_unstable();
        invoices.dedup();
        invoices
    }

    /// Documents were restored: gives back the room that reading them took beyond them, and builds the index.
    fn settle_in(&mut self) {
        self.invoices.shrink_to_fit();
        self.credit_notes.shrink_to_fit();
        self.payments.shrink_to_fit();
        self.allocations.shrink_to_fit();
        self.orders.shrink_to_fit();
        self.incidents.shrink_to_fit();
        self.reindex();
    }

    /// Builds the index anew, after documents were taken out.
    pub fn reindex(&mut self) {
        let lists = [
            (Kind::Seller, self.sellers.len()),
            (Kind::Invoice, self.invoices.len()),
            (Kind::CreditNote, self.credit_notes.len()),
            (Kind::Payment, self.payments.len()),
            (Kind::Allocation, self.allocations.len()),
            (Kind::Order, self.orders.len()),
            (Kind::Incident, self.incidents.len()),
        ];
        self.index = HashTable::with_capacity(lists.iter().map(|(_, len)| len).sum());
        for (kind, len) in lists {
            (0..len).for_each(|place| self.enter(kind, place));
        }
    }

    #[inline]
    fn find(&self, kind: Kind, seller: Option<SellerNumber>, id: &str) -> Option<usize> {
        let wanted = space(kind as u32, seller);
        let hash = hash_key(wanted, id) as u32;
        let is_it = |entry: &Entry| {
            entry.hash == hash && entry.kind() == kind as u32 && self.key(entry.kind(), entry.place()) == (wanted, id)
        };
        self.index.find(spread(hash), is_it).map(|entry| entry.place())
    }

    /// Fetches where the index looks for an invoice.
    pub fn touch_invoice_index(&self, seller: SellerNumber, id: &str) {
        self.touch_index(Kind::Invoice, seller, id);
    }

    /// Fetches where the index looks for a payment.
    pub fn touch_payment_index(&self, seller: SellerNumber, id: &str) {
        self.touch_index(Kind::Payment, seller, id);
    }

    fn touch_index(&self, kind: Kind, seller: SellerNumber, id: &str) {
        let hash = hash_key(space(kind as u32, Some(seller)), id) as u32;
        touch(self.index.iter_hash(spread(hash)).next().map_or(0, |entry| entry.at));
    }

    fn enter(&mut self, kind: Kind, place: usize) {
        let (space, id) = self.key(kind as u32, place);
        let entry = Entry::new(kind, place, hash_key(space, id) as u32);
        self.index.insert_unique(entry.spread(), entry, Entry::spread);
    }

    /// The name of an entry.
    #[inline]
    fn key(&self, kind: u32, place: usize) -> (u64, &str) {
        let (seller, id) = match kind {
            0 => (None, &self.sellers[place]),
            1 => (Some(self.invoices[place].seller), &self.invoices[place].id),
            2 => (Some(self.credit_notes[place].seller), &self.credit_notes[place].id),
            3 => (Some(self.payments[place].seller), &self.payments[place].id),
            4 => (Some(self.allocations[place].seller), &self.allocations[place].id),
            5 => (Some(self.orders[place].seller), &self.orders[place].id),
            _ => (None, &self.incidents[place].id),
        };
        (space(kind, seller), id)
    }
}
