//! Owns the words of a scenario: a line to an event.
//!
//! `2026-01-10 invoice F-1 8400.00 EUR due 2026-02-10 order=O-1`: the day (and hour, if it matters), what happens, and
//! settings of the form `name=value` at the end. `@name` after the day names another buyer than the first. A decision on `it` is
//! about the buyer's last proposal, and a snooze names an alert by its kind.

use serde_json::{Map, Value, json};

/// The buyer where a line names none.
pub const BUYER: &str = "Reseller";
/// The time of day where a line gives none.
pub const HOUR: &str = "09:00";

/// What a line asks for.
pub enum Step {
    /// An event, as CloudEvents has it.
    Event(Value),
    /// The figures of every buyer at that time.
    Report {
        /// The time.
        at: String,
    },
}

/// Reads a line; `number` makes the event's id.
pub fn read(line: &str, number: usize) -> Result<Step, String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let day = take(&mut words).ok_or("an empty line")?;
    let hour = if words.first().is_some_and(|word| word.contains(':')) { take(&mut words) } else { None };
    let buyer = if words.first().is_some_and(|word| word.starts_with('@')) { take(&mut words) } else { None };
    let verb = take(&mut words).ok_or("no verb")?;
    let at = format!("{day}T{}:00Z", hour.unwrap_or(HOUR));
    if verb == "report" {
        return Ok(Step::Report { at });
    }
    let mut data = settings(&mut words)?;
    let kind = event(verb, &words, day, &mut data).ok_or_else(|| format!("{line:?} is not understood"))?;
    let subject = buyer.map_or(BUYER, |word| &word[1..]);
    Ok(Step::Event(json!({
        "specversion": "1.0", "id": format!("e{number}"), "source": "scenario", "type": kind, "time": at,
        "subject": subject, "data": data,
    })))
}

fn take<'a>(words: &mut Vec<&'a str>) -> Option<&'a str> {
    if words.is_empty() { None } else { Some(words.remove(0)) }
}

/// Takes the settings `name=value` off the end.
fn settings(words: &mut Vec<&str>) -> Result<Map<String, Value>, String> {
    let mut data = Map::new();
    while let Some((name, value)) = words.last().and_then(|word| word.split_once('=')) {
        let (field, value) = match name {
            "seller" | "order" | "policy" | "parent" => (format!("{name}_id"), json!(value)),
            "net" => ("net_amount".to_owned(), json!(value)),
            "issued" => ("issued_on".to_owned(), json!(value)),
            "term" => ("max_payment_term_days".to_owned(), days(value)?),
            "extension" => ("max_extension_days".to_owned(), days(value)?),
            "declare" => ("declare_within_days".to_owned(), days(value)?),
            "version" => ("version".to_owned(), days(value)?),
            _ => (name.to_owned(), json!(value)),
        };
        data.insert(field, value);
        words.pop();
    }
    Ok(data)
}

fn days(text: &str) -> Result<Value, String> {
    text.parse::<u32>().map(Value::from).map_err(|_| format!("{text:?} is no number of days"))
}

/// The type of a line, its fields filled in; `None` where the words make no sense.
fn event(verb: &str, words: &[&str], day: &str, data: &mut Map<String, Value>) -> Option<&'static str> {
    let mut set = |fields: &[(&str, &str)]| {
        for (name, value) in fields {
            data.entry(*name).or_insert_with(|| json!(value));
        }
    };
    Some(match (verb, words) {
        ("invoice", [id, amount, currency, "due", due]) => {
            set(&[("invoice_id", id), ("amount", amount), ("currency", currency), ("due_on", due), ("issued_on", day)]);
            "invoice.issued"
        }
        ("credit", [id, amount, "on", invoice]) => {
            set(&[("credit_note_id", id), ("amount", amount), ("invoice_id", invoice), ("credited_on", day)]);
            "invoice.credited"
        }
        ("cancel", [id]) => {
            set(&[("invoice_id", id)]);
            "invoice.cancelled"
        }
        ("write-off", [id]) => {
            set(&[("invoice_id", id)]);
            "invoice.written_off"
        }
        ("reschedule", [id, "to", due]) => {
            set(&[("invoice_id", id), ("due_on", due)]);
            "invoice.rescheduled"
        }
        ("dispute", [id]) => {
            set(&[("invoice_id", id)]);
            "invoice.disputed"
        }
        ("dispute-settled", [id]) => {
            set(&[("invoice_id", id)]);
            "invoice.dispute_settled"
        }
        ("order", [id, amount, currency]) => {
            set(&[("order_id", id), ("amount", amount), ("currency", currency)]);
            "order.placed"
        }
        ("hold", [id, amount, currency, "until", day, hour]) => {
            set(&[("order_id", id), ("amount", amount), ("currency", currency)]);
            data.insert("expires_at".to_owned(), json!(format!("{day}T{hour}:00Z")));
            "order.held"
        }
        ("order-cancelled", [id]) => {
            set(&[("order_id", id)]);
            "order.cancelled"
        }
        ("payment", [id, amount, currency, paid @ ..]) => {
            set(&[("payment_id", id), ("amount", amount), ("currency", currency), ("received_on", day)]);
            data.insert("allocations".to_owned(), allocations(paid)?);
            "payment.received"
        }
        ("allocation", [id, "of", payment, paid @ ..]) => {
            set(&[("allocation_id", id), ("payment_id", payment), ("allocated_on", day)]);
            data.insert("allocations".to_owned(), allocations(paid)?);
            "payment.allocated"
        }
        ("payment-reversed", [id]) => {
            set(&[("payment_id", id)]);
            "payment.reversed"
        }
        _ => return other_event(verb, words, day, data),
    })
}

/// Limits, covers and signals.
fn other_event(verb: &str, words: &[&str], day: &str, data: &mut Map<String, Value>) -> Option<&'static str> {
    let mut set = |fields: &[(&str, &str)]| {
        for (name, value) in fields {
            data.entry(*name).or_insert_with(|| json!(value));
        }
    };
    Some(match (verb, words) {
        ("limit", ["none"]) => "limit.removed",
        ("limit", [amount, currency]) => {
            set(&[("amount", amount), ("currency", currency)]);
            "limit.set"
        }
        ("cover", [id, layer, amount, currency, "at", percent, "%", "from", from, until @ ..]) => {
            set(&[("cover_id", id), ("layer", layer), ("amount", amount), ("currency", currency)]);
            set(&[("insured_pct", percent), ("valid_from", from)]);
            match until {
                [] => {}
                ["to", to] => set(&[("valid_to", to)]),
                _ => return None,
            }
            "cover.granted"
        }
        ("cover-amended", [id, "to", amount, "from", from]) => {
            set(&[("cover_id", id), ("amount", amount), ("effective_on", from)]);
            "cover.amended"
        }
        ("cover-withdrawn", [id, "from", from]) => {
            set(&[("cover_id", id), ("effective_on", from)]);
            "cover.withdrawn"
        }
        ("declared", [invoice, "under", id]) => {
            set(&[("invoice_id", invoice), ("cover_id", id), ("declared_on", day)]);
            "cover.declared"
        }
        ("buyer", []) => "buyer.described",
        ("insolvency", [procedure]) => {
            set(&[("procedure", procedure), ("opened_on", day)]);
            "insolvency.opened"
        }
        ("insolvency-closed", []) => {
            set(&[("closed_on", day)]);
            "insolvency.closed"
        }
        ("rating", [grade, "by", agency]) => {
            set(&[("agency", agency)]);
            data.insert("grade".to_owned(), days(grade).ok()?);
            "rating.changed"
        }
        ("incident", [id, kind]) => {
            set(&[("incident_id", id), ("kind", kind)]);
            "incident.reported"
        }
        ("approve" | "reject", [id, "by", who]) => {
            set(&[("proposal_id", id), ("decided_by", who)]);
            data.entry("version").or_insert_with(|| json!(1));
            if verb == "approve" { "proposal.approved" } else { "proposal.rejected" }
        }
        ("snooze", [id, "until", until, "by", who]) => {
            set(&[("alert_id", id), ("until", until), ("decided_by", who)]);
            "alert.snoozed"
        }
        ("rate", [currency, rate]) => {
            set(&[("currency", currency), ("rate", rate)]);
            "fx.rate"
        }
        ("clock", []) => "clock.tick",
        _ => return None,
    })
}

/// `for F-1 100.00 and F-2 50.00`; nothing where nothing is allocated.
fn allocations(words: &[&str]) -> Option<Value> {
    let mut list = Vec::new();
    for chunk in words.chunks(3) {
        let [join, invoice, amount] = chunk else { return None };
        if *join != (if list.is_empty() { "for" } else { "and" }) {
            return None;
        }
        list.push(json!({"invoice_id": invoice, "amount": amount}));
    }
    Some(Value::from(list))
}
