//! What comes in and what goes out, as plain data: inbound events, refusals, outbound effects. No bytes, no formats.

pub mod effect;
pub mod field;
pub mod input;
pub mod refusal;
pub mod row;
pub mod score;

pub use effect::{
    AlertKind, AlertNotice, Cause, Effect, EffectBody, ExposureUpdate, HoldDecision, HoldObstacle, HoldObstacleCode,
    LimitAmount, LimitChange, LimitChangeCause, ProposalClosing, ProposalMode, ProposalNotice, ProposalOutcome,
    Severity,
};
pub use field::{
    Allocation, Country, FieldKind, FieldReader, FieldSpec, FieldWriter, Id, IncidentKind, Layer, Presence, Procedure,
    Segment,
};
pub use input::{Body, Event, Topic, TypeSpec};
pub use refusal::{Refusal, RefusalCode};
pub use row::{BuyerProfile, CoverRow, Further, MonthEnd, ReportLine, ReportRow, SellerRow, TenthDays};
pub use score::{EventName, Grade, Points, Reason, Scored};
