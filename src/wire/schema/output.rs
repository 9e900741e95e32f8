//! Owns the schemas of the outbound types, as the encoder of effects writes them.

use serde_json::{Map, Value, json};

use super::kinds::{self, one_of};
use super::{DIALECT, output_examples, schema_id};
use crate::event::{
    AlertKind, Grade, HoldObstacleCode, Layer, LimitChangeCause, ProposalMode, ProposalOutcome, Segment, Severity,
};

/// What the contract says of one outbound type.
pub struct OutputSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its topic, without a prefix.
    pub topic: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// The fields of its `data`.
    fields: fn() -> Vec<Field>,
    /// The example of its `data`.
    example: fn() -> Value,
}

/// Every outbound type.
pub const TYPES: &[OutputSpec] = &[
    OutputSpec {
        name: "alert.raised",
        topic: "alerts",
        doc: "Something needs a person's eye.",
        fields: alert,
        example: output_examples::alert_raised,
    },
    OutputSpec {
        name: "alert.escalated",
        topic: "alerts",
        doc: "An alert that is raised got worse; its severity only ever rises.",
        fields: alert,
        example: output_examples::alert_escalated,
    },
    OutputSpec {
        name: "alert.cleared",
        topic: "alerts",
        doc: "An alert is over; it is cleared once, at another level than it was raised at.",
        fields: alert,
        example: output_examples::alert_cleared,
    },
    OutputSpec {
        name: "limit.reduction_proposed",
        topic: "limit-proposals",
        doc: "A lower limit is proposed, or proposed anew in a later version; one proposal is open per buyer.",
        fields: proposal,
        example: output_examples::limit_reduction_proposed,
    },
    OutputSpec {
        name: "limit.reduction_closed",
        topic: "limit-proposals",
        doc: "A proposal is no longer open.",
        fields: closing,
        example: output_examples::limit_reduction_closed,
    },
    OutputSpec {
        name: "limit.changed",
        topic: "limit-changes",
        doc: "The buyer's credit limit is another: for those who ship.",
        fields: limit_change,
        example: output_examples::limit_changed,
    },
    OutputSpec {
        name: "order.hold_decided",
        topic: "order-decisions",
        doc: "Whether an order that was to be held fits under the limit: if so, room is kept for it.",
        fields: hold_decision,
        example: output_examples::order_hold_decided,
    },
    OutputSpec {
        name: "exposure.updated",
        topic: "exposures",
        doc: "The buyer's figures in full; the latest per buyer stays on its topic.",
        fields: exposure_update,
        example: output_examples::exposure_updated,
    },
];

/// The schema of a type.
pub fn schema(spec: &OutputSpec) -> Value {
    let mut fields = (spec.fields)();
    fields.push(("caused_by", cause(), "What brought it about: the buyer's last event of the instant, or the clock."));
    fields.push(("params_version", count(), "The version of the params that it was judged by."));
    let mut subject = kinds::id();
    subject["description"] = "The buyer's id, which is the record's key too.".into();
    let envelope = object(vec![
        ("specversion", json!({ "const": "1.0" }), "The version of CloudEvents."),
        ("id", json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" }), "The same input gives the same id."),
        ("source", json!({ "const": "vigie" }), "Who sends it."),
        ("type", json!({ "const": spec.name }), spec.doc),
        ("subject", subject, "The buyer's id, which is the record's key too."),
        ("time", instant(), "The clock at the judgement."),
        ("datacontenttype", json!({ "const": "application/json" }), "What data is."),
        ("data", object(fields), "What it tells."),
    ]);
    let mut schema = json!({
        "$schema": DIALECT,
        "$id": schema_id(spec.name),
        "title": spec.name,
        "description": format!("{} It goes to the topic {}.", spec.doc, spec.topic)
    });
    let parts = schema.as_object_mut().expect("a schema is an object");
    parts.extend(envelope.as_object().expect("a schema is an object").clone());
    parts.insert("examples".to_owned(), json!([output_examples::event(spec.name, &(spec.example)())]));
    parts.insert("$defs".to_owned(), definitions());
    schema
}

/// Name, schema, meaning.
type Field = (&'static str, Value, &'static str);

/// The one field that stands only where it says something: all others are always there.
const OPTIONAL: &str = "old_currency";

/// An object in which every field stands; more may come with later versions.
fn object(fields: Vec<Field>) -> Value {
    let names: Vec<&str> = fields.iter().map(|field| field.0).filter(|name| *name != OPTIONAL).collect();
    let mut properties = Map::new();
    for (name, mut schema, doc) in fields {
        schema["description"] = doc.into();
        properties.insert(name.to_owned(), schema);
    }
    json!({ "type": "object", "required": names, "properties": properties })
}

fn list(item: Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn nullable(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn money() -> Value {
    json!({ "$ref": "#/$defs/money" })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn date() -> Value {
    json!({ "type": "string", "format": "date", "pattern": kinds::DATE })
}

fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn currency() -> Value {
    json!({ "type": "string", "pattern": "^[A-Z]{3}$" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// Points of a score: quarters are exact in every format of numbers.
fn score() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.25 })
}

fn grade() -> Value {
    one_of(Grade::ALL.iter().map(|member| member.as_str()))
}

/// An amount of a document, in its own currency.
fn amount() -> Value {
    json!({ "type": "string", "pattern": r"^[0-9]+\.([0-9]{2}|[0-9]{4})$" })
}

/// Days to a tenth.
fn days() -> Value {
    json!({ "type": ["string", "null"], "pattern": r"^-?[0-9]+\.[0-9]$" })
}

fn definitions() -> Value {
    json!({
        "money": {
            "type": "string",
            "pattern": r"^-?[0-9]+\.[0-9]{2}$",
            "description": "An amount in the base currency, rounded half-even to 2 decimals."
        }
    })
}

fn event_name() -> Value {
    object(vec![("source", text(), "Who sent the event."), ("id", text(), "The event's id.")])
}

fn cause() -> Value {
    json!({ "anyOf": [{ "const": "clock" }, event_name()] })
}

fn reason() -> Value {
    object(vec![
        ("code", text(), "A stable code."),
        ("points", score(), "Points of the score that it stands for; 0 where a rule alone speaks."),
        ("value", nullable(text()), "What was measured, as a decimal or a name; null where a rule alone speaks."),
        ("detail", text(), "A sentence for a person."),
        ("events", list(event_name()), "The events that say so: ratings, accounts, insolvencies."),
        ("documents", list(text()), "The documents that say so, by their id: invoices, payments, incidents."),
    ])
}

fn alert() -> Vec<Field> {
    let kind = one_of(AlertKind::ALL.iter().map(|member| member.as_str()));
    let severity = one_of(Severity::ALL.iter().map(|member| member.as_str()));
    vec![
        ("alert_id", text(), "The alert, the same from raising to clearing."),
        ("kind", kind, "What it is about."),
        ("severity", severity, "How much it matters now; when it is cleared, how much it mattered last."),
        ("score", score(), "The buyer's score, from 0 (healthy) to 100 (failing)."),
        ("grade", grade(), "The score's grade, from A (healthy) to F (failing)."),
        (
            "previous_grade",
            nullable(grade()),
            "The grade that the buyer had settled at before; null where the alert is not about grades.",
        ),
        ("reasons", list(reason()), "Why."),
        ("exposure", figures(), "The buyer's figures: the report row's money."),
    ]
}

/// The report row's money.
fn figures() -> Value {
    object([ageing(), standing(), insured()].concat())
}

fn proposal() -> Vec<Field> {
    let mode = one_of(ProposalMode::ALL.iter().map(|member| member.as_str()));
    let version = json!({ "type": "integer", "minimum": 1 });
    vec![
        ("proposal_id", text(), "The proposal, the same in all its versions."),
        ("version", version, "From 1 on; a decision names the one that it is about."),
        ("current_limit", amount(), "The limit now."),
        ("proposed_limit", amount(), "The limit proposed, lower than the one now."),
        ("currency", currency(), "The currency of both limits."),
        ("mode", mode, "Who decides: nobody (it is applied at once), or an arbiter."),
        ("approvals_needed", count(), "How many people must approve it, each with a decision of their own."),
        ("score", score(), "The buyer's score, from 0 (healthy) to 100 (failing)."),
        ("grade", grade(), "The score's grade, from A (healthy) to F (failing)."),
        ("reasons", list(reason()), "Why."),
        ("exposure", figures(), "The buyer's figures: the report row's money."),
        ("at_risk_before", money(), "What could be lost, net of cover, up to the limit now."),
        ("at_risk_after", money(), "The same up to the limit proposed."),
        ("expected_loss_avoided", money(), "Probability of default x loss given default x what is no longer at risk."),
        ("margin_lost", money(), "The margin on sales that the cut is expected to cost."),
        ("effective_at", instant(), "From when on the limit would hold if it were approved at once."),
        ("expires_at", instant(), "When it expires undecided."),
    ]
}

fn closing() -> Vec<Field> {
    let outcome = one_of(ProposalOutcome::ALL.iter().map(|member| member.as_str()));
    let version = json!({ "type": "integer", "minimum": 1 });
    vec![
        ("proposal_id", text(), "The proposal."),
        ("version", version, "Its last version."),
        ("outcome", outcome, "What became of it; a later fact supersedes it."),
        ("decided_by", nullable(text()), "Who decided, joined by a comma where two had to; null where nobody did."),
        ("reason", nullable(text()), "Why, in the words of whoever decided."),
    ]
}

fn limit_change() -> Vec<Field> {
    let limit = || nullable(amount());
    let cause = one_of(LimitChangeCause::ALL.iter().map(|member| member.as_str()));
    vec![
        ("old_limit", limit(), "The limit before; null: there was none."),
        ("new_limit", limit(), "The limit now; null: there is none."),
        ("currency", nullable(currency()), "The currency of the limit now, or of the old one where there is none now."),
        (OPTIONAL, currency(), "The old limit's currency, where it is another."),
        ("effective_at", instant(), "From when on it holds."),
        ("cause", cause, "What changed it."),
        ("proposal_id", nullable(text()), "The proposal that it follows; null where it follows none."),
        ("decided_by", nullable(text()), "Who decided it, joined by a comma where two had to."),
    ]
}

fn hold_decision() -> Vec<Field> {
    let obstacle = object(vec![
        ("code", one_of(HoldObstacleCode::ALL.iter().map(|member| member.as_str())), "A stable code."),
        ("detail", text(), "A sentence for a person."),
    ]);
    let granted = json!({ "type": "boolean" });
    vec![
        ("order_id", text(), "The order."),
        ("seller_id", text(), "Its seller; \"\" for none."),
        ("granted", granted, "Whether room is kept for it; without that it leaves no trace in the exposure."),
        ("amount", amount(), "Its amount."),
        ("currency", currency(), "Its currency."),
        (
            "headroom",
            nullable(money()),
            "The limit less the exposure, before this order; negative: it is passed already. Null without a limit in base currency.",
        ),
        ("limit", nullable(money()), "The limit; null when there is none, or while its currency has no rate."),
        ("exposure", money(), "Outstanding less unapplied, plus orders and earlier holds: before this order."),
        ("why", list(obstacle), "What stands in the way; empty where room is kept."),
        (
            "expires_at",
            instant(),
            "When the hold ends, unless the order is placed or cancelled before; or when it would have.",
        ),
    ]
}

fn exposure_update() -> Vec<Field> {
    let segment = one_of(Segment::ALL.iter().map(|member| member.as_str()));
    let country = json!({ "type": "string", "pattern": "^[A-Z]{2}$" });
    let mut fields = vec![
        ("buyer_id", kinds::id(), "The buyer."),
        ("as_of", date(), "The day that ageing is reckoned to."),
        ("currency", currency(), "The base currency."),
    ];
    fields.extend(ageing());
    fields.push(("oldest_overdue_days", count(), "Days that the oldest open invoice is overdue; 0 when none is."));
    fields.extend(standing());
    let ratio = json!({ "type": ["string", "null"], "pattern": r"^[0-9]+\.[0-9]{4}$" });
    fields.push(("utilisation", ratio, "Exposure over limit, to 4 decimals; null without a limit or with limit 0."));
    fields.extend(insured());
    fields.extend([
        ("open_invoices", count(), "Invoices with something open."),
        ("fx_missing", json!({ "type": "boolean" }), "Whether something not zero was left out for want of a rate."),
        ("name", nullable(text()), "The buyer's name."),
        ("country", nullable(country), "ISO 3166 alpha-2."),
        ("segment", nullable(segment), "Whether the insurer knows the buyer by name."),
        ("sector", nullable(text()), "The buyer's sector."),
        ("parent_id", nullable(text()), "The group that the buyer belongs to."),
        ("score", score(), "The buyer's score, from 0 (healthy) to 100 (failing)."),
        ("slow", score(), "Its sub-score for late payment."),
        ("fail", score(), "Its sub-score for failure."),
        ("grade", grade(), "The score's grade, from A (healthy) to F (failing)."),
        (
            "days_beyond_terms",
            days(),
            "By amount, of what was paid in a year and is overdue; negative: early. Null: nothing.",
        ),
        ("dso", days(), "Days sales outstanding: receivable x 90 / sales of 90 days; null without sales."),
        ("dso_countback", days(), "The same by counting back months of sales; null where nothing is owed."),
        ("average_days_delinquent", days(), "What of dso is for want of payment on time; null without sales."),
        ("expected_loss", money(), "Probability of default x loss given default x retained."),
        ("reasons", list(reason()), "What the score is made of, and what is unknown."),
        (
            "sellers",
            list(seller()),
            "Subtotals per seller, in order of the seller's id; of more than 1000, those with most outstanding.",
        ),
        ("covers", list(cover()), "The buyer's covers, in the order in which they are used."),
        ("month_ends", list(month_end()), "The last 24 month ends at most, the oldest first."),
    ]);
    fields
}

fn ageing() -> Vec<Field> {
    vec![
        ("outstanding", money(), "What is open."),
        ("not_due", money(), "Open and not yet due."),
        ("overdue_1_30", money(), "Open and overdue by 1 to 30 days."),
        ("overdue_31_60", money(), "Open and overdue by 31 to 60 days."),
        ("overdue_61_90", money(), "Open and overdue by 61 to 90 days."),
        ("overdue_over_90", money(), "Open and overdue by more than 90 days."),
    ]
}

fn standing() -> Vec<Field> {
    vec![
        ("disputed", money(), "Open amount of disputed invoices, whatever their age."),
        ("written_off", money(), "What was left of invoices that were written off."),
        ("unapplied", money(), "Paid or credited and not absorbed by an invoice."),
        ("orders", money(), "Orders placed and not billed."),
        ("exposure", money(), "Outstanding less unapplied, plus orders."),
        ("limit", nullable(money()), "The limit; null when there is none, or while its currency has no rate."),
    ]
}

fn insured() -> Vec<Field> {
    vec![
        ("insured_single_risk", money(), "Taken by single-risk covers."),
        ("insured_primary", money(), "Taken by primary covers."),
        ("insured_top_up", money(), "Taken by top-up covers."),
        ("indemnifiable", money(), "What the insurers would pay."),
        ("retained", money(), "What would stay with the seller."),
    ]
}

fn seller() -> Value {
    object(vec![
        ("seller_id", text(), "The seller; \"\" for none."),
        ("outstanding", money(), "What is open to this seller."),
        ("overdue", money(), "Of it, what is overdue."),
        ("open_invoices", count(), "Invoices with something open."),
    ])
}

fn cover() -> Value {
    let layer = one_of(Layer::ALL.iter().map(|member| member.as_str()));
    let percent = json!({ "type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,4})?$" });
    object(vec![
        ("cover_id", text(), "The cover."),
        ("layer", layer, "Its layer."),
        ("amount", nullable(money()), "The amount in force today; null while its currency has no rate."),
        ("taken", money(), "What it carries of open invoices."),
        ("insured_pct", percent, "The insured share, in per cent."),
        ("valid_from", date(), "The first day of issue that it insures."),
        ("valid_to", nullable(date()), "The last, a withdrawal included."),
        ("order_id", nullable(text()), "The order that it insures."),
        ("max_payment_term_days", nullable(count()), "The longest payment term that it insures."),
        ("stopped_since", nullable(date()), "The first day whose shipments an overdue invoice leaves uninsured."),
    ])
}

fn month_end() -> Value {
    object(vec![
        ("day", date(), "The last day of the month."),
        ("exposure", money(), "Exposure at its end."),
        ("overdue", money(), "Overdue at its end."),
        ("score", score(), "The score at its end."),
    ])
}
