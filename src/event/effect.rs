//! Owns the outbound effects: what a shard has to say, as plain data, before any format.

use super::field::named;
use super::row::{BuyerProfile, CoverRow, MonthEnd, ReportRow, SellerRow};
use crate::base::{Currency, Instant, Money};

/// One thing to tell the world about a buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The buyer.
    pub buyer_id: String,
    /// The shard's clock at the judgement that made it.
    pub at: Instant,
    /// Its number among the buyer's effects, from 1 on.
    pub sequence: u64,
    /// What brought it about.
    pub caused_by: Cause,
    /// The version of the params that it was judged by.
    pub params_version: u32,
    /// What to tell.
    pub body: EffectBody,
}

/// What brought an effect about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Time alone.
    Clock,
    /// The buyer's last event of the instant.
    Event {
        /// Who sent it.
        source: String,
        /// Its id.
        id: String,
    },
}

/// What to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectBody {
    /// Something needs a person's eye.
    AlertRaised(AlertNotice),
    /// It got worse.
    AlertEscalated(AlertNotice),
    /// It is over.
    AlertCleared(AlertNotice),
    /// The buyer's limit is another.
    LimitChanged(LimitChange),
    /// The buyer's figures, in full.
    ExposureUpdated(Box<ExposureUpdate>),
}

impl EffectBody {
    /// Its type on the wire.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            EffectBody::AlertRaised(_) => "alert.raised",
            EffectBody::AlertEscalated(_) => "alert.escalated",
            EffectBody::AlertCleared(_) => "alert.cleared",
            EffectBody::LimitChanged(_) => "limit.changed",
            EffectBody::ExposureUpdated(_) => "exposure.updated",
        }
    }
}

named! {
    /// What an alert is about, in the order in which a judgement looks at them.
    AlertKind {
        /// An insolvency procedure is in force.
        InsolvencyOpened = "insolvency_opened",
        /// Exposure is over the limit.
        LimitExceeded = "limit_exceeded",
        /// An unpaid invoice will soon stop a cover.
        CoverStopAhead = "cover_stop_ahead",
        /// An unpaid invoice has stopped a cover.
        OverdueBeyondExtension = "overdue_beyond_extension",
        /// An overdue invoice must soon be declared to an insurer.
        DeclarationDue = "declaration_due",
        /// A cover that carries exposure ends soon.
        CoverExpiring = "cover_expiring",
        /// A cover was cut below what it carried.
        CoverLost = "cover_lost",
        /// Too much stays with the seller.
        UncoveredExposure = "uncovered_exposure",
        /// A payment was reversed.
        PaymentReversed = "payment_reversed",
    }
}

named! {
    /// How much an alert matters.
    Severity {
        /// Good to know.
        Info = "info",
        /// Look at it.
        Warning = "warning",
        /// Act.
        Critical = "critical",
    }
}

/// One reason of an alert, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable code.
    pub code: &'static str,
    /// Points of the score that it stands for; 0 where a rule alone speaks.
    pub points: u32,
    /// A sentence for a person.
    pub detail: String,
}

/// An alert as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertNotice {
    /// The alert, the same from raising to clearing.
    pub alert_id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters now; when it is cleared, how much it mattered last.
    pub severity: Severity,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The buyer's figures.
    pub exposure: Box<ReportRow>,
}

/// A limit with its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub struct LimitAmount {
    /// The limit; 0 lets nothing through.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
}

named! {
    /// What changed a limit.
    LimitChangeCause {
        /// It was set from outside.
        Set = "set",
        /// It was removed from outside.
        Removed = "removed",
    }
}

/// A changed limit, for those who ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitChange {
    /// The limit before; `None`: there was none.
    pub old_limit: Option<LimitAmount>,
    /// The limit now; `None`: there is none.
    pub new_limit: Option<LimitAmount>,
    /// From when on it holds.
    pub effective_at: Instant,
    /// What changed it.
    pub cause: LimitChangeCause,
    /// Who decided it.
    pub decided_by: Option<String>,
}

/// A buyer's figures, in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposureUpdate {
    /// The report row.
    pub row: ReportRow,
    /// Who the buyer is.
    pub profile: BuyerProfile,
    /// The row's figures by seller, in order of the seller's id.
    pub sellers: Vec<SellerRow>,
    /// The buyer's covers, in the order in which they are used.
    pub covers: Vec<CoverRow>,
    /// Month ends, the oldest first, at most 24.
    pub month_ends: Vec<MonthEnd>,
}
