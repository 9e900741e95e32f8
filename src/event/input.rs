//! Owns the inbound events: every type of the contract with its fields, declared once.
//!
//! The declaration makes the struct, the table that schemas and checks are drawn from, and the two halves of a codec.

use super::field::{
    Allocation, Country, FieldKind, FieldReader, FieldSpec, FieldWriter, Id, IncidentKind, Layer, Presence, Procedure,
    Segment, named,
};
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};

named! {
    /// The input topics: the home of each type, by which Kafka's access lists tell who may write what.
    Topic {
        /// Invoices and orders.
        Invoices = "invoices",
        /// Payments.
        Payments = "payments",
        /// Ratings, accounts, insolvencies, incidents, descriptions.
        Signals = "signals",
        /// Credit limits and covers.
        Limits = "limits",
        /// Arbiters' decisions.
        Decisions = "decisions",
        /// Rates of currencies.
        FxRates = "fx-rates",
    }
}

/// One inbound event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// When it happened.
    pub time: Instant,
    /// The event's own id.
    pub id: &'a str,
    /// Who sent it.
    pub source: &'a str,
    /// The buyer; "" on `fx.rate` and `clock.tick`, which have none.
    pub subject: &'a str,
    /// What happened.
    pub body: Body<'a>,
}

/// What the contract says of one inbound type.
#[derive(Debug, Clone, Copy)]
pub struct TypeSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its home topic; `None`: any topic.
    pub topic: Option<Topic>,
    /// Its fields.
    pub fields: &'static [FieldSpec],
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// Whether it is about one buyer.
    pub has_buyer: bool,
}

/// The Rust type that holds a field kind.
macro_rules! holds {
    (id) => { Id<'a> };
    (seller) => { &'a str };
    (text) => { &'a str };
    (amount) => { Money };
    (amount_or_zero) => { Money };
    (signed_amount) => { SignedMoney };
    (date) => { Day };
    (instant) => { Instant };
    (currency) => { Currency };
    (percent) => { Percent };
    (rate) => { Rate };
    (share) => { u32 };
    (days) => { u16 };
    (grade) => { u8 };
    (version) => { u32 };
    (country) => { Country };
    (layer) => { Layer };
    (segment) => { Segment };
    (procedure) => { Procedure };
    (incident_kind) => { IncidentKind };
    (allocations) => { &'a [Allocation<'a>] };
    (some_allocations) => { &'a [Allocation<'a>] };
}

macro_rules! presence_type {
    (needed, $type:ty) => { $type };
    (optional, $type:ty) => { Option<$type> };
    (defaulted, $type:ty) => { $type };
}

macro_rules! presence {
    (needed) => {
        Presence::Needed
    };
    (optional) => {
        Presence::Optional
    };
    (defaulted) => {
        Presence::Optional
    };
}

macro_rules! read_field {
    (needed, $method:ident, $reader:ident, $index:ident) => {
        $reader.$method($index)?.ok_or_else(|| $reader.missing($index))?
    };
    (optional, $method:ident, $reader:ident, $index:ident) => {
        $reader.$method($index)?
    };
    (defaulted, $method:ident, $reader:ident, $index:ident) => {
        $reader.$method($index)?.unwrap_or_default()
    };
}

macro_rules! write_field {
    (needed, $method:ident, $writer:ident, $name:expr, $value:expr) => {
        $writer.$method($name, $value)
    };
    (optional, $method:ident, $writer:ident, $name:expr, $value:expr) => {
        if let Some(value) = $value {
            $writer.$method($name, value)
        }
    };
    (defaulted, $method:ident, $writer:ident, $name:expr, $value:expr) => {
        if !$value.is_empty() {
            $writer.$method($name, $value)
        }
    };
}

macro_rules! input_types {
    ($(
        #[doc = $doc:literal]
        $variant:ident [$($life:lifetime)?] $name:literal $topic:expr, $has_buyer:literal {
            $( #[doc = $field_doc:literal] $field:ident: $presence:ident $method:ident $kind:ident, )*
        }
    )*) => {
        $(
            #[doc = $doc]
            #[derive(Debug, Clone, Copy, PartialEq)]
            pub struct $variant $(<$life>)? {
                $( #[doc = $field_doc] pub $field: presence_type!($presence, holds!($method)), )*
            }

            impl<'a> $variant $(<$life>)? {
                /// What the contract says of this type.
                pub const SPEC: TypeSpec = TypeSpec {
                    name: $name,
                    topic: $topic,
                    fields: &[$( FieldSpec {
                        name: stringify!($field),
                        presence: presence!($presence),
                        kind: FieldKind::$kind,
                        doc: $field_doc.trim_ascii(),
                    }, )*],
                    doc: $doc.trim_ascii(),
                    has_buyer: $has_buyer,
                };

                #[allow(unused_variables, unused_mut, unused_assignments)]
                fn read<R: FieldReader<'a>>(reader: &mut R) -> Result<Self, R::Error> {
                    let mut index = 0;
                    $( let $field = read_field!($presence, $method, reader, index); index += 1; )*
                    Ok($variant { $($field),* })
                }

                #[allow(unused_variables)]
                fn write<W: FieldWriter<'a>>(&self, writer: &mut W) {
                    $( write_field!($presence, $method, writer, stringify!($field), self.$field); )*
                }
            }
        )*

        /// What happened, by type.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Body<'a> { $( #[doc = $doc] $variant($variant $(<$life>)?), )* }

        impl<'a> Body<'a> {
            /// Every inbound type of the contract, in its order.
            pub const SPECS: &'static [TypeSpec] = &[$($variant::SPEC),*];

            /// Reads the type that stands at `place` in [`Body::SPECS`].
            ///
            /// # Errors
            /// When a field is missing or is not of its kind.
            ///
            /// # Panics
            /// When `place` is beyond the table.
            pub fn read<R: FieldReader<'a>>(place: usize, reader: &mut R) -> Result<Body<'a>, R::Error> {
                const READERS: usize = Body::SPECS.len();
                let mut at = 0;
                $( if place == at { return Ok(Body::$variant($variant::read(reader)?)); } at += 1; )*
                panic!("type {place} of {READERS}, {at} readers")
            }

            /// Hands over the fields that are there, in the order of the table.
            pub fn write<W: FieldWriter<'a>>(&self, writer: &mut W) {
                match self { $( Body::$variant(body) => body.write(writer), )* }
            }

            /// What the contract says of this type.
            #[must_use]
            pub const fn spec(&self) -> &'static TypeSpec {
                match self { $( Body::$variant(_) => &$variant::SPEC, )* }
            }
        }
    };
}

input_types! {
    /// An invoice was issued to the buyer.
    InvoiceIssued ['a] "invoice.issued" Some(Topic::Invoices), true {
        /// The seller, who numbers documents apart from others.
        seller_id: defaulted seller Seller,
        /// The invoice.
        invoice_id: needed id Id,
        /// What is to be paid, tax included.
        amount: needed amount Amount,
        /// The amount without tax, at most the amount: what cover reckons with.
        net_amount: optional amount Amount,
        /// The invoice's currency.
        currency: needed currency Currency,
        /// The day of issue.
        issued_on: needed date Date,
        /// The day by which it is to be paid, not before the day of issue.
        due_on: needed date Date,
        /// The order that it bills.
        order_id: optional id Id,
    }
    /// A credit note reduces an invoice.
    InvoiceCredited ['a] "invoice.credited" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice that is credited; may arrive later.
        invoice_id: needed id Id,
        /// The credit note.
        credit_note_id: needed id Id,
        /// What is credited, in the invoice's currency.
        amount: needed amount Amount,
        /// The day of the credit note.
        credited_on: needed date Date,
    }
    /// An invoice was cancelled, as if never issued; holds for ever.
    InvoiceCancelled ['a] "invoice.cancelled" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice; may arrive later.
        invoice_id: needed id Id,
    }
    /// What is left of an invoice was written off; holds for ever.
    InvoiceWrittenOff ['a] "invoice.written_off" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice; may arrive later.
        invoice_id: needed id Id,
        /// Why.
        reason: optional text Text,
    }
    /// An invoice got another due date; the policy's clock stays with the first.
    InvoiceRescheduled ['a] "invoice.rescheduled" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice; may arrive later.
        invoice_id: needed id Id,
        /// The new due date.
        due_on: needed date Date,
    }
    /// The buyer disputes an invoice: no cover until it is settled.
    InvoiceDisputed ['a] "invoice.disputed" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice; may arrive later.
        invoice_id: needed id Id,
        /// Why.
        reason: optional text Text,
    }
    /// A dispute on an invoice was settled.
    InvoiceDisputeSettled ['a] "invoice.dispute_settled" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The invoice; may arrive later.
        invoice_id: needed id Id,
    }
    /// The buyer placed an order.
    OrderPlaced ['a] "order.placed" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The order.
        order_id: needed id Id,
        /// Its amount.
        amount: needed amount Amount,
        /// Its currency.
        currency: needed currency Currency,
        /// The day on which it is expected to be billed.
        expected_on: optional date Date,
    }
    /// An order was cancelled; holds for ever.
    OrderCancelled ['a] "order.cancelled" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The order; may arrive later.
        order_id: needed id Id,
    }
    /// Asks whether an order fits under the buyer's limit; if so, room is kept for it until it is placed, cancelled or expired.
    OrderHeld ['a] "order.held" Some(Topic::Invoices), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The order; may be placed later.
        order_id: needed id Id,
        /// Its amount.
        amount: needed amount Amount,
        /// Its currency.
        currency: needed currency Currency,
        /// When the hold ends, unless the order is placed or cancelled before.
        expires_at: needed instant Instant,
    }
    /// A payment came in, allocated to invoices or not.
    PaymentReceived ['a] "payment.received" Some(Topic::Payments), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The payment.
        payment_id: needed id Id,
        /// Its amount.
        amount: needed amount Amount,
        /// Its currency.
        currency: needed currency Currency,
        /// The day on which it was received.
        received_on: needed date Date,
        /// Which invoices it pays; invoices may arrive later.
        allocations: optional allocations Allocations,
    }
    /// A payment was allocated, or allocated further, after it came in.
    PaymentAllocated ['a] "payment.allocated" Some(Topic::Payments), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The payment; may arrive later.
        payment_id: needed id Id,
        /// This allocation.
        allocation_id: needed id Id,
        /// The day of the allocation.
        allocated_on: needed date Date,
        /// Which invoices it pays; at least one.
        allocations: needed some_allocations SomeAllocations,
    }
    /// A payment was reversed (bounced, recalled): with its allocations as if never made; holds for ever.
    PaymentReversed ['a] "payment.reversed" Some(Topic::Payments), true {
        /// The seller.
        seller_id: defaulted seller Seller,
        /// The payment; may arrive later.
        payment_id: needed id Id,
        /// Why.
        reason: optional text Text,
    }
    /// The buyer's credit limit was set.
    LimitSet ['a] "limit.set" Some(Topic::Limits), true {
        /// The limit; 0 is allowed.
        amount: needed amount_or_zero AmountOrZero,
        /// Its currency.
        currency: needed currency Currency,
        /// Why.
        reason: optional text Text,
        /// Who decided it.
        decided_by: optional text Text,
    }
    /// The buyer's credit limit was removed: there is none.
    LimitRemoved [] "limit.removed" Some(Topic::Limits), true {
    }
    /// An insurer granted cover on the buyer.
    CoverGranted ['a] "cover.granted" Some(Topic::Limits), true {
        /// The insured entity: with one, the cover is for that seller's invoices only.
        seller_id: defaulted seller Seller,
        /// The cover.
        cover_id: needed id Id,
        /// Its layer.
        layer: needed layer Layer,
        /// What it insures at most.
        amount: needed amount Amount,
        /// Its currency.
        currency: needed currency Currency,
        /// The insured share.
        insured_pct: needed percent Percent,
        /// The first day of issue that it insures.
        valid_from: needed date Date,
        /// The last day of issue that it insures, not before the first.
        valid_to: optional date Date,
        /// The order that it insures; needed for `single_risk`.
        order_id: optional id Id,
        /// The longest payment term that it insures.
        max_payment_term_days: optional days Days,
        /// How long an invoice may be overdue before new shipments are uninsured.
        max_extension_days: optional days Days,
        /// How long after that an overdue invoice must be declared.
        declare_within_days: optional days Days,
        /// The insurer.
        insurer: optional text Text,
        /// The policy.
        policy_id: optional text Text,
    }
    /// A cover's amount changes for what is shipped from a day on.
    CoverAmended ['a] "cover.amended" Some(Topic::Limits), true {
        /// The cover; may be granted later.
        cover_id: needed id Id,
        /// The new amount; 0 is allowed.
        amount: needed amount_or_zero AmountOrZero,
        /// The first day of issue that it holds for.
        effective_on: needed date Date,
    }
    /// A cover ends for what is shipped from a day on.
    CoverWithdrawn ['a] "cover.withdrawn" Some(Topic::Limits), true {
        /// The cover; may be granted later.
        cover_id: needed id Id,
        /// The first day of issue that is no longer insured.
        effective_on: needed date Date,
    }
    /// An overdue invoice was declared to the insurer of a cover; holds for ever.
    CoverDeclared ['a] "cover.declared" Some(Topic::Limits), true {
        /// The cover.
        cover_id: needed id Id,
        /// The seller of the invoice.
        seller_id: defaulted seller Seller,
        /// The invoice.
        invoice_id: needed id Id,
        /// The day on which it was declared.
        declared_on: needed date Date,
    }
    /// Who the buyer is.
    BuyerDescribed ['a] "buyer.described" Some(Topic::Signals), true {
        /// Name, for people.
        name: optional text Text,
        /// ISO 3166 alpha-2.
        country: optional country Country,
        /// Whether the insurer knows the buyer by name.
        segment: optional segment Segment,
        /// The group that the buyer belongs to.
        parent_id: optional id Id,
        /// Its sector.
        sector: optional text Text,
    }
    /// An agency rated the buyer.
    RatingChanged ['a] "rating.changed" Some(Topic::Signals), true {
        /// The agency.
        agency: needed id Id,
        /// 1 (best) to 10 (in default).
        grade: needed grade Grade,
        /// The probability of default, 0 to 1.
        pd: optional share Share,
    }
    /// The buyer's accounts were published.
    FinancialsPublished [] "financials.published" Some(Topic::Signals), true {
        /// The last day of the period.
        period_end: needed date Date,
        /// The currency of the figures.
        currency: needed currency Currency,
        /// Total assets.
        total_assets: optional signed_amount SignedAmount,
        /// Current assets.
        current_assets: optional signed_amount SignedAmount,
        /// Current liabilities.
        current_liabilities: optional signed_amount SignedAmount,
        /// Total liabilities.
        total_liabilities: optional signed_amount SignedAmount,
        /// Retained earnings.
        retained_earnings: optional signed_amount SignedAmount,
        /// Earnings before interest and tax.
        ebit: optional signed_amount SignedAmount,
        /// Book equity.
        equity: optional signed_amount SignedAmount,
        /// Sales of the period.
        sales: optional signed_amount SignedAmount,
        /// Net income of the period.
        net_income: optional signed_amount SignedAmount,
        /// Cash.
        cash: optional signed_amount SignedAmount,
        /// Inventory.
        inventory: optional signed_amount SignedAmount,
        /// Depreciation of the period.
        depreciation: optional signed_amount SignedAmount,
        /// Financial expenses of the period.
        financial_expenses: optional signed_amount SignedAmount,
    }
    /// An insolvency procedure was opened.
    InsolvencyOpened [] "insolvency.opened" Some(Topic::Signals), true {
        /// Its kind.
        procedure: needed procedure Procedure,
        /// The day on which it was opened.
        opened_on: needed date Date,
    }
    /// The insolvency procedure was closed.
    InsolvencyClosed [] "insolvency.closed" Some(Topic::Signals), true {
        /// The day on which it was closed.
        closed_on: needed date Date,
    }
    /// A bank, a court or a bureau reported an incident.
    IncidentReported ['a] "incident.reported" Some(Topic::Signals), true {
        /// The incident.
        incident_id: needed id Id,
        /// Its kind.
        kind: needed incident_kind IncidentKind,
        /// The amount at stake.
        amount: optional amount Amount,
        /// Its currency.
        currency: optional currency Currency,
        /// How long it was overdue.
        days_overdue: optional days Days,
    }
    /// An arbiter approved a proposal, as it stands or amended.
    ProposalApproved ['a] "proposal.approved" Some(Topic::Decisions), true {
        /// The proposal.
        proposal_id: needed id Id,
        /// The version that was decided on.
        version: needed version Version,
        /// Who decided.
        decided_by: needed id Id,
        /// The limit, where the arbiter amends the proposed one.
        amount: optional amount_or_zero AmountOrZero,
        /// Why.
        reason: optional text Text,
    }
    /// An arbiter rejected a proposal.
    ProposalRejected ['a] "proposal.rejected" Some(Topic::Decisions), true {
        /// The proposal.
        proposal_id: needed id Id,
        /// The version that was decided on.
        version: needed version Version,
        /// Who decided.
        decided_by: needed id Id,
        /// Why.
        reason: optional text Text,
    }
    /// An arbiter wants to hear no more of an alert for a while: it does not escalate until then.
    AlertSnoozed ['a] "alert.snoozed" Some(Topic::Decisions), true {
        /// The alert.
        alert_id: needed id Id,
        /// The day on which it may speak again.
        until: needed date Date,
        /// Who decided.
        decided_by: needed id Id,
    }
    /// The rate of a currency; its sender writes one copy to each partition.
    FxRate [] "fx.rate" Some(Topic::FxRates), false {
        /// The currency; never the base currency.
        currency: needed currency Currency,
        /// Base units for one unit of it.
        rate: needed rate Rate,
    }
    /// Moves the clock of its shard; its sender writes one copy to each partition.
    ClockTick [] "clock.tick" None, false {
    }
}
