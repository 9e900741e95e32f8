//! Owns the outbound effects: what a shard has to say, as plain data, before any format.

use super::field::named;
use super::row::{BuyerProfile, CoverRow, Further, MonthEnd, ReportRow, SellerRow};
use super::score::{Grade, Reason, Scored};
use crate::base::{Cents, Currency, Instant, Money};

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
    /// A lower limit is proposed.
    LimitReductionProposed(Box<ProposalNotice>),
    /// A proposal is no longer open.
    LimitReductionClosed(ProposalClosing),
    /// Whether room is kept for an order.
    OrderHoldDecided(Box<HoldDecision>),
    /// The buyer's figures, in full.
    ExposureUpdated(Box<ExposureUpdate>),
    /// The buyer's score is another: for a history of scores, which no topic carries.
    ScoreChanged(Scored),
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
            EffectBody::LimitReductionProposed(_) => "limit.reduction_proposed",
            EffectBody::LimitReductionClosed(_) => "limit.reduction_closed",
            EffectBody::OrderHoldDecided(_) => "order.hold_decided",
            EffectBody::ExposureUpdated(_) => "exposure.updated",
            EffectBody::ScoreChanged(_) => "score.changed",
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
        /// The buyer's grade is worse than the one it had settled at.
        GradeWorsened = "grade_worsened",
        /// The buyer pays much later than it used to, or has stopped paying.
        SuddenDeterioration = "sudden_deterioration",
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

/// An alert as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertNotice {
    /// The alert, the same from raising to clearing.
    pub alert_id: String,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters now; when it is cleared, how much it mattered last.
    pub severity: Severity,
    /// The buyer's score.
    pub scored: Scored,
    /// The grade that the buyer had settled at before, where the alert is about grades.
    pub previous_grade: Option<Grade>,
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
        /// A proposal was applied without asking.
        Auto = "auto",
        /// A proposal was approved.
        Approved = "approved",
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
    /// The proposal that it follows.
    pub proposal_id: Option<String>,
    /// Who decided it; two of them where four eyes were needed, joined by a comma.
    pub decided_by: Option<String>,
}

named! {
    /// Who decides on a proposal.
    ProposalMode {
        /// It is applied without asking.
        Auto = "auto",
        /// An arbiter decides.
        Review = "review",
    }
}

/// A lower limit, proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalNotice {
    /// The proposal, the same in all its versions.
    pub proposal_id: String,
    /// From 1 on; a decision names the one that it is about.
    pub version: u32,
    /// The limit now.
    pub current_limit: LimitAmount,
    /// The limit proposed, in the currency of the one now.
    pub proposed_limit: Money,
    /// Who decides.
    pub mode: ProposalMode,
    /// Whether two people must approve it.
    pub approvals_needed: u8,
    /// The buyer's score.
    pub scored: Scored,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The buyer's figures.
    pub exposure: Box<ReportRow>,
    /// What could be lost, net of cover, up to the limit now, in the base currency.
    pub at_risk_before: Cents,
    /// The same up to the limit proposed.
    pub at_risk_after: Cents,
    /// What the cut would be expected to save: probability of default x loss given default x what is no longer at risk.
    pub expected_loss_avoided: Cents,
    /// The margin on sales that the cut would be expected to cost.
    pub margin_lost: Cents,
    /// From when on the limit would hold if it were approved at once.
    pub effective_at: Instant,
    /// When it expires.
    pub expires_at: Instant,
}

named! {
    /// What became of a proposal.
    ProposalOutcome {
        /// It was applied without asking.
        Applied = "applied",
        /// It was approved, as it stood or amended.
        Approved = "approved",
        /// It was rejected.
        Rejected = "rejected",
        /// What it was about has changed.
        Superseded = "superseded",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

/// A proposal that is no longer open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalClosing {
    /// The proposal.
    pub proposal_id: String,
    /// Its last version.
    pub version: u32,
    /// What became of it.
    pub outcome: ProposalOutcome,
    /// Who decided, where somebody did.
    pub decided_by: Option<String>,
    /// Why, in the words of whoever decided.
    pub reason: Option<String>,
}

named! {
    /// What stands in the way of a hold.
    HoldObstacleCode {
        /// The order was placed already: it counts, and there is nothing to hold.
        AlreadyPlaced = "already_placed",
        /// The order was cancelled.
        Cancelled = "cancelled",
        /// The hold would be over already.
        Expired = "expired",
        /// An insolvency procedure that bars cover is in force.
        Insolvency = "insolvency",
        /// An unpaid invoice has stopped a cover: what ships now is uninsured.
        StopShipment = "stop_shipment",
        /// A currency has no rate, so that nobody can say whether the order fits.
        FxMissing = "fx_missing",
        /// The buyer has no limit.
        NoLimit = "no_limit",
        /// With the order the exposure would pass the limit.
        OverLimit = "over_limit",
    }
}

/// One thing that stands in the way of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldObstacle {
    /// What it is.
    pub code: HoldObstacleCode,
    /// The same in a sentence.
    pub detail: String,
}

/// The answer to an `order.held`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldDecision {
    /// The order.
    pub order_id: String,
    /// Its seller; "" for none.
    pub seller_id: String,
    /// Its amount.
    pub amount: Money,
    /// Its currency.
    pub currency: Currency,
    /// The limit less the exposure, before this order; `None` without a limit that is known in the base currency.
    pub headroom: Option<Cents>,
    /// The limit in the base currency.
    pub limit: Option<Cents>,
    /// The exposure before this order.
    pub exposure: Cents,
    /// What stands in the way; nothing: room is kept.
    pub why: Vec<HoldObstacle>,
    /// When the hold ends, or would have.
    pub expires_at: Instant,
}

impl HoldDecision {
    /// Whether room is kept for the order.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.why.is_empty()
    }
}

/// A buyer's figures, in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposureUpdate {
    /// The report row.
    pub row: ReportRow,
    /// Speed of payment and expected loss.
    pub further: Further,
    /// Who the buyer is.
    pub profile: BuyerProfile,
    /// What its score is made of, and what is unknown.
    pub reasons: Vec<Reason>,
    /// The row's figures by seller, in order of the seller's id.
    pub sellers: Vec<SellerRow>,
    /// The buyer's covers, in the order in which they are used.
    pub covers: Vec<CoverRow>,
    /// Month ends, the oldest first, at most 24.
    pub month_ends: Vec<MonthEnd>,
}
