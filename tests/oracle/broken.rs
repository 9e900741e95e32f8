//! Owns what is wrong: lines that are refused, for every reason that a file can hold, and some that only look wrong.

use crate::dice::Dice;
use crate::spelling::{Event, Members, Value, attributes, data, date, object, text};

/// The limits of a record.
const BYTES_MAX: usize = 65_536;
const DEPTH_MAX: usize = 16;

/// Wrong where an id is wanted.
const IDS: &[&str] = &["\"\"", "7", "\"a\\u0000\"", "\"tab\\t\"", "\"\\u007f\"", "\"\\u0085\"", "[]", "true", "{}"];
const AMOUNTS: &[&str] = &[
    "0",
    "-1",
    "\"-0.01\"",
    "100000000000000.0001",
    "\"1e15\"",
    "0.00001",
    "\"1,5\"",
    "\" 1\"",
    "\"1 \"",
    "\"+1\"",
    "\"01\"",
    "\".5\"",
    "\"1.\"",
    "\"1e\"",
    "\"\"",
    "\"NaN\"",
    "\"Infinity\"",
    "true",
    "[]",
    "{}",
    "\"0x10\"",
    "\"1_000\"",
    "1e-5",
    "\"1e5000\"",
    "1e999999999999",
    "\"\\u0661\"",
    "\"1\\u0000\"",
    "0e9",
    "\"-0\"",
    "\"--1\"",
    "10000000000000000000000000000000000000000000000000000001e-40",
];
const DATES: &[&str] = &[
    "\"2025-02-30\"",
    "\"2025-2-03\"",
    "\"20250203\"",
    "\"1969-12-31\"",
    "\"2200-01-01\"",
    "\"2025-02-03T00:00:00Z\"",
    "20250203",
    "\"2025-02-03 \"",
    "\"\"",
    "\"2025-00-10\"",
    "\"2025-13-10\"",
    "\"2100-02-29\"",
    "\"\\u0662025-01-01\"",
    "\"+025-01-01\"",
    "\"2025-W05-1\"",
    "{}",
];
const CURRENCIES: &[&str] =
    &["\"EURO\"", "\"eur\"", "\"E1R\"", "\"EU\"", "978", "\"\\u00c9UR\"", "\"EUR \"", "[\"EUR\"]"];
const WHOLES: &[&str] = &["\"30\"", "30.5", "-1", "3651", "1e9", "1e-1", "\"\"", "true", "99999999999999999999", "[3]"];
const GRADES: &[&str] = &["0", "11", "\"3\"", "2.5", "-1", "1e2", "null1"];
const PERCENTS: &[&str] = &["100.0001", "-0.1", "50.00001", "\"90%\"", "1e3", "\"\"", "true", "-1e-4"];
const RATES: &[&str] = &[
    "0",
    "-1",
    "1000000000",
    "0.0000000000001",
    "\"1e9\"",
    "\"\"",
    "[1]",
    "1.0000000000001",
    "\"999999999.9999999999999\"",
];
const LISTS: &[&str] = &[
    "{}",
    "\"x\"",
    "[1]",
    "[{}]",
    "[null]",
    "[{\"invoice_id\":\"F1\"}]",
    "[{\"amount\":1}]",
    "[{\"invoice_id\":\"F1\",\"amount\":0}]",
    "[{\"invoice_id\":null,\"amount\":1}]",
    "[{\"invoice_id\":\"F1\",\"amount\":1,\"amount\":1}]",
    "[{\"invoice_id\":\"\",\"amount\":1}]",
    "[[]]",
    "false",
    "[{\"invoice_id\":\"F1\",\"amount\":1},{\"invoice_id\":2,\"amount\":1}]",
];
const TIMES: &[&str] = &[
    "2025-03-01",
    "2025-03-01T10:00:00",
    "2025-03-01 10:00:00Z",
    "2025-03-01T24:00:00Z",
    "2025-03-01T10:00:60Z",
    "2025-03-01T10:00:00.Z",
    "2025-03-01T10:00:00.1234567890Z",
    "2025-03-01T10:00:00+24:00",
    "2025-03-01T10:00:00+0100",
    "2025-03-01T10:00:00,5Z",
    "2025-02-29T10:00:00Z",
    "1969-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "",
    "now",
    "2025-03-01T10:00:00Z ",
    "2025-03-01T10:60:00Z",
    "2025-03-01T10:00:00+01:60",
    "2025-3-1T10:00:00Z",
];
/// No JSON text at all, whatever stands before.
const NO_JSON: &[&str] = &[
    "",
    " ",
    "nul",
    "[1,]",
    "{\"a\":1,}",
    "{'a':1}",
    "{\"a\" 1}",
    "{\"a\":01}",
    "{\"a\":+1}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":-}",
    "{\"a\":1e}",
    "{\"a\":NaN}",
    "{\"a\":Infinity}",
    "{\"a\":-Infinity}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u12\"}",
    "{\"a\":\"tab\there\"}",
    "{\"a\":\"open}",
    "{a:1}",
    "// comment",
    "{\"a\":1} {\"a\":1}",
    "{\"a\":0x10}",
    "{\"a\":tru}",
    "{\"a\":1}]",
    "]",
    "{\"a\":\"\\ud8\"}",
    "\u{FEFF}{}",
    "{\"a\":1\u{A0}}",
    "{\"a\":\u{0B}1}",
];
const NO_OBJECT: &[&str] = &["null", "[]", "\"text\"", "17", "true", "[{\"specversion\":\"1.0\"}]", "{}"];

/// A line that is (nearly always) refused, made of an event that would be accepted.
pub fn line(model: &Event, base: &str, future_ns: i64, dice: &mut Dice) -> Vec<u8> {
    match dice.below(20) {
        0 | 1 => dice.pick(NO_JSON).as_bytes().to_vec(),
        2 => dice.pick(NO_OBJECT).as_bytes().to_vec(),
        3 => cut(whole(model, dice).into_bytes(), dice),
        4 => not_text(whole(model, dice).into_bytes(), dice),
        5 | 6 => broken_attribute(model, dice),
        7 => sized(model, dice),
        8 => nested(model, dice),
        9 => unknown_type(model, dice),
        10..=12 => missing_field(model, dice),
        13..=16 => invalid_field(model, base, dice),
        17 => contradictory(model, dice),
        18 => twice(model, dice),
        _ => {
            let ahead = Event { time_ns: future_ns + dice.between(0, 3) * 86_400_000_000_000, ..model.clone() };
            whole(&ahead, dice).into_bytes()
        }
    }
}

fn whole(event: &Event, dice: &mut Dice) -> String {
    crate::spelling::line(event, dice)
}

fn with_data(model: &Event, members: Members, dice: &mut Dice) -> Vec<u8> {
    let data = object(members, dice);
    let attributes = attributes(model, data, dice);
    object(attributes, dice).into_bytes()
}

/// Ends before its end, or goes on after it.
fn cut(mut line: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    match dice.below(3) {
        0 => line.extend_from_slice(dice.pick(&["}", "{}", ",", "x", "\0"]).as_bytes()),
        _ => line.truncate(1 + dice.below(line.len() - 1)),
    }
    line
}

/// Bytes that are no UTF-8, or half of a surrogate pair.
fn not_text(line: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let bad: &[u8] = match dice.below(7) {
        0 => b"\xff",
        1 => b"\xc0\x80",
        2 => b"\xed\xa0\x80",
        3 => b"\xf4\x90\x80\x80",
        4 => b"\\ud800",
        5 => b"\\udc00\\ud800",
        _ => b"\\uD83D\\u0041",
    };
    let inside = if dice.chance(50) { "{\"x\":\"\"," } else { "{\"\":0," };
    let quote = inside.rfind("\"\"").map_or(0, |at| at + 1);
    [&inside.as_bytes()[..quote], bad, &inside.as_bytes()[quote..], &line[1..]].concat()
}

fn broken_attribute(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let data = object(data(model, dice), dice);
    let mut members = attributes(model, data, dice);
    let place = dice.below(members.len());
    let (name, value) = members[place].clone();
    match dice.below(4) {
        0 => {
            members.remove(place);
        }
        1 => members.push((name, value)),
        _ => {
            let wrong = match name.as_str() {
                "specversion" => {
                    dice.pick(&["\"2.0\"", "\"0.3\"", "\"1\"", "\"1.\"", "\"1.0.0\"", "1.0", "\"\"", "null"])
                }
                "time" => return retimed(members, place, dice),
                "data" => dice.pick(&["null", "[]", "\"{}\"", "0", "false"]),
                "subject" => return resubjected(members, place, dice),
                _ => dice.pick(&["\"\"", "null", "5", "[]", "{}", "false"]),
            };
            members[place].1 = wrong.to_owned();
        }
    }
    object(members, dice).into_bytes()
}

fn retimed(mut members: Members, place: usize, dice: &mut Dice) -> Vec<u8> {
    members[place].1 = if dice.chance(15) { "1740823200".to_owned() } else { format!("\"{}\"", dice.pick(TIMES)) };
    object(members, dice).into_bytes()
}

fn resubjected(mut members: Members, place: usize, dice: &mut Dice) -> Vec<u8> {
    members[place].1 = if dice.chance(30) { too_long(dice) } else { dice.pick(IDS).to_owned() };
    object(members, dice).into_bytes()
}

/// An id of 129 bytes.
fn too_long(dice: &mut Dice) -> String {
    let long = if dice.chance(50) { "x".repeat(129) } else { format!("{}x", "é".repeat(64)) };
    text(&long, &mut Dice::new(1, 1))
}

/// At the limit of size, one under it (accepted) or over it.
fn sized(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let mut line = whole(model, dice).into_bytes();
    let target = BYTES_MAX + dice.below(3) - 1;
    match dice.below(8) {
        0 => {
            line.splice(1..1, format!("\"x\":\"{}\",", "y".repeat(target - line.len() - 7)).into_bytes()).for_each(drop)
        }
        1 => line.resize(target, b' '),
        _ => {}
    }
    line
}

/// At the limit of nesting (accepted) or over it, in JSON or not, inside strings or out.
fn nested(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let line = whole(model, dice).into_bytes();
    let depth = DEPTH_MAX - 1 + dice.below(2);
    let (open, close) = if dice.chance(50) { ("[", "]") } else { ("{\"a\":", "}") };
    let middle = if open == "[" { "" } else { "1" };
    let nest = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
    match dice.below(5) {
        0 => "[".repeat(DEPTH_MAX + dice.below(2)).into_bytes(),
        1 => format!("\"{}\"", "[".repeat(40)).into_bytes(),
        2 => format!("{{\"a\\\"\":\"\\\\\",{}", "[".repeat(depth)).into_bytes(),
        _ => [b"{\"nest\":", nest.as_bytes(), b",", &line[1..]].concat(),
    }
}

fn unknown_type(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let kind = match dice.below(6) {
        0 => model.kind.to_uppercase(),
        1 => format!("{} ", model.kind),
        2 => format!("{}s", model.kind),
        3 => "exposure.updated".to_owned(),
        4 => "alert.raised".to_owned(),
        _ => "\u{0}".to_owned(),
    };
    whole(&Event { kind, ..model.clone() }, dice).into_bytes()
}

/// A field is absent or null; now and then another is wrong as well, and for `single_risk` the order is needed.
fn missing_field(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let mut members = data(model, dice);
    members.retain(|(name, _)| name != "seller_id");
    if members.is_empty() {
        return whole(model, dice).into_bytes();
    }
    if let Some(layer) = members.iter_mut().find(|(name, _)| name == "layer").filter(|_| dice.chance(20)) {
        layer.1 = "\"single_risk\"".to_owned();
        members.retain(|(name, _)| name != "order_id");
    }
    let place = dice.below(members.len());
    if dice.chance(50) {
        members[place].1 = "null".to_owned();
    } else {
        members.remove(place);
    }
    if dice.chance(20) && !members.is_empty() {
        let other = dice.below(members.len());
        members[other].1 = "{}".to_owned();
    }
    with_data(model, members, dice)
}

fn invalid_field(model: &Event, base: &str, dice: &mut Dice) -> Vec<u8> {
    let mut members = data(model, dice);
    if members.is_empty() {
        return whole(model, dice).into_bytes();
    }
    let place = dice.below(members.len());
    let (name, value) = &mut members[place];
    if dice.chance(4) {
        value.replace_range(.., dice.pick(&["{}", "[[]]", "-1"]));
        return with_data(model, members, dice);
    }
    let wrong = match name.as_str() {
        "amount" if model.kind == "limit.set" || model.kind == "cover.amended" => dice.pick(AMOUNTS),
        "amount" | "net_amount" => dice.pick(AMOUNTS),
        "currency" if model.kind == "fx.rate" && dice.chance(40) => {
            return rate_of_base(members, place, base, model, dice);
        }
        "currency" => dice.pick(CURRENCIES),
        "insured_pct" => dice.pick(PERCENTS),
        "rate" => dice.pick(RATES),
        "pd" => dice.pick(&["1.1", "-0.1", "\"\"", "true", "\"1e1\"", "1.000000000000000000000000000000001"]),
        "grade" => dice.pick(GRADES),
        "version" => dice.pick(&["0", "1000000001", "\"1\"", "1.5"]),
        "allocations" if model.kind == "payment.allocated" && dice.chance(20) => "[]",
        "allocations" => dice.pick(LISTS),
        "layer" | "procedure" | "kind" | "segment" => dice.pick(&["\"Primary\"", "\"\"", "1", "\"top-up\"", "[]"]),
        "country" => dice.pick(&["\"fr\"", "\"FRA\"", "\"\"", "33", "\"F\""]),
        "name" | "sector" | "insurer" | "policy_id" | "reason" => dice.pick(&["5", "[]", "true", "1.0"]),
        name if name.ends_with("_on") || name.starts_with("valid_") || name == "period_end" => dice.pick(DATES),
        name if name.ends_with("_days") || name == "days_overdue" => dice.pick(WHOLES),
        name if name.ends_with("_id") || name == "agency" || name == "decided_by" => {
            if dice.chance(25) {
                value.clone_from(&too_long(dice));
                return with_data(model, members, dice);
            }
            dice.pick(IDS)
        }
        _ => dice.pick(&["\"1e19\"", "1000000000000000000.0001", "0.00001", "\"\"", "false"]),
    };
    *value = wrong.to_owned();
    with_data(model, members, dice)
}

fn rate_of_base(mut members: Members, place: usize, base: &str, model: &Event, dice: &mut Dice) -> Vec<u8> {
    members[place].1 = format!("\"{base}\"");
    with_data(model, members, dice)
}

/// Fields that are right alone and wrong together.
fn contradictory(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let mut event = model.clone();
    let early = Value::Text(date(dice.between(0, 15_000) as i32));
    let amount = event.data.iter().find(|(name, _)| name == "amount").map(|(_, amount)| amount.clone());
    match (event.kind.as_str(), amount) {
        ("invoice.issued", Some(Value::Decimal(units, places))) if dice.chance(60) => {
            event.data.retain(|(name, _)| name != "net_amount");
            event.data.push(("net_amount".to_owned(), Value::Decimal(units + dice.between(0, 1) as i128, places)));
        }
        _ => {
            let later = event.data.iter_mut().filter(|(name, _)| name == "due_on" || name == "valid_to");
            later.for_each(|(_, value)| *value = early.clone());
        }
    }
    whole(&event, dice).into_bytes()
}

/// A field of the table given twice, with the same value or another.
fn twice(model: &Event, dice: &mut Dice) -> Vec<u8> {
    let mut members = data(model, dice);
    members.retain(|(_, value)| value != "null");
    if let Some((name, value)) = members.first().cloned() {
        members.push((name, value));
    }
    with_data(model, members, dice)
}
