//! Owns the findings as JSON, for machines.

use serde_json::{Value, json};

use super::Told;
use super::findings::{Flagging, Row, SetFindings, Worth};
use super::warning::Warned;
use crate::event::{LimitChangeCause, ProposalOutcome, Severity};

/// The findings as JSON. What is not known is null; money is in whole and decimal units of the base currency.
#[must_use]
pub fn json_of(told: &Told<'_>) -> Value {
    let super::Told { findings, gathered, .. } = told;
    let counts = &gathered.counts;
    let cases = findings.cases;
    let flagging = match findings.flagging {
        Flagging::AsAlerts => "as_alerts",
        Flagging::AsCameTrue => "as_came_true",
    };
    json!({
        "label": gathered.plan.label.to_string(),
        "horizon_days": gathered.plan.horizon,
        "min_history": gathered.plan.min_history,
        "base": told.base.as_str(),
        "end": gathered.end.to_string(),
        "events": { "applied": counts.applied, "duplicate": counts.duplicate, "refused": counts.refused },
        "buyers": findings.buyers,
        "buyer_months": findings.buyer_months,
        "cases": {
            "positive": cases.positive,
            "negative": cases.negative,
            "unknown": cases.unknown,
            "dropped": cases.dropped,
            "without_history": counts.without_history,
        },
        "flagging": flagging,
        "measures": findings.rows.iter().map(row).collect::<Vec<_>>(),
        "sets": findings.sets.iter().zip(&told.versions).map(|(set, version)| of_set(set, *version)).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let ranking = row.ranking.as_ref();
    json!({
        "name": row.name,
        "set": row.set,
        "auc": ranking.and_then(|ranking| ranking.auc()),
        "auc_without_largest": row.auc_without_largest,
        "average_precision": ranking.and_then(|ranking| ranking.average_precision()),
        "flagged": row.flagged,
        "precision": row.hits.map(|hits| hits.precision),
        "recall": row.hits.map(|hits| hits.recall),
        "warned": warned(&row.warned),
        "per_1000_a_month": row.per_1000_a_month,
    })
}

fn warned(warned: &Warned) -> Value {
    json!({
        "befallen": warned.befallen,
        "warned_share": warned.share(),
        "early_share": warned.early_share(),
        "lead_days_quartiles": warned.lead_quartiles(),
        "from_onset_days_quartiles": warned.onset_quartiles(),
    })
}

fn of_set(set: &SetFindings, version: u32) -> Value {
    let alerts = set.alerts.iter().map(|(kind, by)| {
        let by_severity = Severity::ALL.iter().map(|severity| (severity.as_str(), by[*severity as usize]));
        (kind.as_str().to_owned(), by_severity.map(|(name, count)| (name.to_owned(), json!(count))).collect())
    });
    let closed =
        ProposalOutcome::ALL.iter().map(|outcome| (outcome.as_str().to_owned(), json!(set.closed[*outcome as usize])));
    let causes = LimitChangeCause::ALL;
    let changed = causes.iter().map(|cause| (cause.as_str().to_owned(), json!(set.limits.by_cause[*cause as usize])));
    json!({
        "version": version,
        "alerts": Value::Object(alerts.collect()),
        "warnings": set.worth.iter().map(worth).collect::<Vec<_>>(),
        "proposals": {
            "count": set.proposals.count,
            "cut": set.proposals.cut_units as f64 / 1e4,
            "in_other_currencies": set.proposals.foreign,
            "expected_loss_avoided": set.proposals.expected_loss_avoided_cents as f64 / 1e2,
            "margin_lost": set.proposals.margin_lost_cents as f64 / 1e2,
            "closed": Value::Object(closed.collect()),
        },
        "limits": {
            "changed": Value::Object(changed.collect()),
            "cut_by_proposals": set.limits.cut_units as f64 / 1e4,
        },
    })
}

fn worth(worth: &Worth) -> Value {
    let known = worth.known.iter().map(|(pattern, of)| (pattern.clone(), warned(of)));
    json!({
        "name": worth.warning.name(),
        "raised": worth.raised,
        "per_1000_a_month": worth.per_1000_a_month,
        "false_per_1000_a_month": worth.false_per_1000_a_month,
        "precision": worth.followed.and_then(|followed| followed.share()),
        "warned": worth.warned.as_ref().map(warned),
        "known": Value::Object(known.collect()),
    })
}
