//! Owns an alert as the read model has it: from its raising to its clearing, as last told.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::buyer::named;
use super::told::{At, MoneyText, NotTold, On, PointsNumber, Told};
use crate::base::Cents;
use crate::event::{AlertKind, Severity};

/// Whether an alert is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It is.
    Open,
    /// It is over.
    Cleared,
}

/// An alert.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Alert {
    /// Its id, the same from raising to clearing.
    pub alert_id: String,
    /// The buyer.
    pub buyer_id: String,
    /// The buyer's name, where it is known.
    pub buyer_name: Option<String>,
    /// What it is about.
    pub kind: &'static str,
    /// How much it matters now; once it is cleared, how much it mattered last.
    #[serde(serialize_with = "severity")]
    #[schema(value_type = String, example = "warning")]
    pub severity: Severity,
    /// Whether it is open.
    pub state: AlertState,
    /// When it was raised.
    pub raised_at: At,
    /// When it was raised, escalated or cleared last.
    pub changed_at: At,
    /// The buyer's score.
    pub score: PointsNumber,
    /// Its grade.
    pub grade: String,
    /// The grade that it had settled at before, where the alert is about grades.
    pub previous_grade: Option<String>,
    /// Why: code, points, value, detail, events and documents of each reason.
    #[schema(value_type = Vec<Object>)]
    pub reasons: Box<RawValue>,
    /// The buyer's figures.
    #[schema(value_type = Object)]
    pub exposure: Box<RawValue>,
    /// What brought the last change about: an event's source and id, or `clock`.
    #[schema(value_type = serde_json::Value)]
    pub caused_by: Box<RawValue>,
    /// The day until which it stays silent, where an arbiter said so.
    pub snoozed_until: Option<On>,
    /// Who said so.
    pub snoozed_by: Option<String>,
    /// The version of the params that it was judged by.
    pub params_version: u32,
    /// Exposure, for sorting.
    #[serde(skip)]
    pub(super) exposure_amount: MoneyText,
}

/// A severity by its name.
pub(super) fn severity<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.as_str())
}

#[derive(Deserialize)]
struct Data {
    alert_id: String,
    kind: String,
    severity: String,
    score: PointsNumber,
    grade: String,
    previous_grade: Option<String>,
    reasons: Box<RawValue>,
    exposure: Box<RawValue>,
    caused_by: Box<RawValue>,
    params_version: u32,
}

impl Alert {
    /// The buyer's exposure when it was told.
    #[must_use]
    pub fn exposure_cents(&self) -> Cents {
        self.exposure_amount.0
    }
}

/// What of the figures is looked at.
#[derive(Deserialize)]
pub(super) struct Figures {
    pub(super) exposure: MoneyText,
}

impl Alert {
    /// Reads an `alert.raised`, `alert.escalated` or `alert.cleared`; when it was raised is that of `before`, where it is known.
    pub(super) fn told(
        event: &Told<'_>,
        state: AlertState,
        before: impl Fn(&str) -> Option<At>,
    ) -> Result<Alert, NotTold> {
        let data: Data = serde_json::from_str(event.data.get())?;
        let figures: Figures = serde_json::from_str(data.exposure.get())?;
        Ok(Alert {
            raised_at: before(&data.alert_id).unwrap_or(event.time),
            alert_id: data.alert_id,
            buyer_id: event.subject.clone().into_owned(),
            buyer_name: None,
            kind: named("kind of alert", &data.kind, AlertKind::parse)?.as_str(),
            severity: named("severity", &data.severity, Severity::parse)?,
            state,
            changed_at: event.time,
            score: data.score,
            grade: data.grade,
            previous_grade: data.previous_grade,
            reasons: data.reasons,
            exposure: data.exposure,
            caused_by: data.caused_by,
            snoozed_until: None,
            snoozed_by: None,
            params_version: data.params_version,
            exposure_amount: figures.exposure,
        })
    }
}
