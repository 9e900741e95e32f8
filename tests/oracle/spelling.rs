//! Owns how an event is spelled: the same content as JSON in any of the ways that the contract allows.

use chrono::{DateTime, NaiveDate};

use crate::dice::Dice;

/// Money is kept in 1/10,000.
pub const MONEY_PLACES: u32 = 4;
/// Fields that are optional somewhere: null is absent, and where a type does not have the field it is ignored.
const OPTIONAL: &[&str] = &[
    "seller_id",
    "net_amount",
    "order_id",
    "reason",
    "expected_on",
    "decided_by",
    "valid_to",
    "max_payment_term_days",
    "max_extension_days",
    "declare_within_days",
    "insurer",
    "policy_id",
    "name",
    "pd",
    "ebit",
    "days_overdue",
];
const UNKNOWN: &[&str] = &[
    r#"1e999999"#,
    r#"-0.0"#,
    r#"123456789012345678901234567890123456789012345678901234567890"#,
    r#""\u0000\u001f\ud83d\ude00 [[[[[[[[[[[[[[[[[[[[ \" ]""#,
    r#"{"a":[{"b":[[]]}],"a":null}"#,
    r#"[1,"2",null,true,{}]"#,
    r#"null"#,
    r#""""#,
    r#"[[[[[[[[[[[[]]]]]]]]]]]]"#,
];

#[derive(Clone, PartialEq)]
pub enum Value {
    Text(String),
    /// So many units of 10^-places; spelled as a number or a string.
    Decimal(i128, u32),
    /// Spelled as a number only.
    Whole(i64),
    /// In any order.
    Allocations(Vec<(String, i128)>),
    /// JSON as it stands.
    Raw(String),
}

impl Value {
    pub fn money(units: i128) -> Value {
        Value::Decimal(units, MONEY_PLACES)
    }

    pub fn date(day: i32) -> Value {
        Value::Text(date(day))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

/// An event before it is spelled.
#[derive(Clone)]
pub struct Event {
    pub id: String,
    pub source: String,
    pub kind: String,
    pub time_ns: i64,
    pub subject: Option<Value>,
    pub data: Vec<(String, Value)>,
}

/// The members of a JSON object, each already spelled: what is wrong in a record is made wrong here.
pub type Members = Vec<(String, String)>;

pub fn date(day: i32) -> String {
    NaiveDate::from_epoch_days(day).unwrap().to_string()
}

/// An event as one line, without its end.
pub fn line(event: &Event, dice: &mut Dice) -> String {
    let data = data(event, dice);
    let data = object(data, dice);
    let attributes = attributes(event, data, dice);
    object(attributes, dice)
}

/// The members of `data`, with some that are null or unknown.
pub fn data(event: &Event, dice: &mut Dice) -> Members {
    let mut members: Members = event.data.iter().map(|(name, v)| (name.clone(), value(v, dice))).collect();
    for name in OPTIONAL {
        if dice.chance(4) && !members.iter().any(|(known, _)| known == name) {
            members.push(((*name).to_owned(), "null".to_owned()));
        }
    }
    for _ in 0..2 {
        if dice.chance(6) {
            members.push(("x_unknown".to_owned(), dice.pick(UNKNOWN).to_owned()));
        }
    }
    dice.shuffle(&mut members);
    members
}

/// The attributes of the event, with some that are unknown.
pub fn attributes(event: &Event, data: String, dice: &mut Dice) -> Members {
    let version = if dice.chance(85) { "1.0" } else { dice.pick(&["1.1", "1.99", "1.00"]) };
    let mut members = vec![
        ("specversion".to_owned(), text(version, dice)),
        ("id".to_owned(), text(&event.id, dice)),
        ("source".to_owned(), text(&event.source, dice)),
        ("type".to_owned(), text(&event.kind, dice)),
        ("time".to_owned(), format!("\"{}\"", time(event.time_ns, dice))),
        ("data".to_owned(), data),
    ];
    if let Some(subject) = &event.subject {
        members.push(("subject".to_owned(), value(subject, dice)));
    }
    for _ in 0..2 {
        if dice.chance(5) {
            members.push(("traceparent".to_owned(), dice.pick(UNKNOWN).to_owned()));
        }
    }
    if dice.chance(20) {
        dice.shuffle(&mut members);
    }
    members
}

pub fn object(members: Members, dice: &mut Dice) -> String {
    let (colon, comma) = dice.pick(&[(":", ","), (":", ","), (":", ","), (": ", ", "), (" :\t", "  ,")]);
    let spelled: Vec<String> =
        members.iter().map(|(name, value)| format!("{}{colon}{value}", text(name, dice))).collect();
    format!("{{{}}}", spelled.join(comma))
}

pub fn value(value: &Value, dice: &mut Dice) -> String {
    match value {
        Value::Text(content) => text(content, dice),
        Value::Decimal(units, places) => {
            let spelled = decimal(*units, *places, dice);
            if dice.chance(50) { format!("\"{spelled}\"") } else { spelled }
        }
        Value::Whole(number) => match dice.below(8) {
            0 => format!("{number}.0"),
            1 => format!("{number}0e-1"),
            2 if number % 10 == 0 => format!("{}E1", number / 10),
            _ => number.to_string(),
        },
        Value::Allocations(list) => {
            let mut list = list.clone();
            dice.shuffle(&mut list);
            let items: Vec<String> = list.iter().map(|(invoice, amount)| allocation(invoice, *amount, dice)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Raw(json) => json.clone(),
    }
}

fn allocation(invoice: &str, amount: i128, dice: &mut Dice) -> String {
    let mut members =
        vec![("invoice_id".to_owned(), text(invoice, dice)), ("amount".to_owned(), value(&Value::money(amount), dice))];
    if dice.chance(5) {
        members.push(("note".to_owned(), dice.pick(UNKNOWN).to_owned()));
    }
    dice.shuffle(&mut members);
    object(members, dice)
}

/// A decimal in any spelling of JSON's grammar: `10`, `10.0`, `1e1`, `100000e-4`.
pub fn decimal(units: i128, places: u32, dice: &mut Dice) -> String {
    let scale = 10_i128.pow(places);
    let sign = if units < 0 || (units == 0 && dice.chance(10)) { "-" } else { "" };
    let magnitude = units.abs();
    let fraction = format!("{:0width$}", magnitude % scale, width = places as usize);
    let fraction = fraction.trim_end_matches('0');
    let whole = magnitude / scale;
    match dice.below(12) {
        0 => format!("{sign}{magnitude}e-{places}"),
        1 => format!("{sign}{whole}.{fraction}{}", "0".repeat(1 + dice.below(6))),
        2 => format!("{sign}{magnitude}.000E-0{places}"),
        3 => {
            let digits = magnitude.to_string();
            let (first, rest) = digits.split_at(1);
            let exponent = digits.len() as i64 - 1 - i64::from(places);
            let plus = if exponent >= 0 { "+" } else { "" };
            format!("{sign}{first}.{rest}0e{plus}{exponent}")
        }
        4 if dice.chance(20) => format!("{sign}{magnitude}{}e-{}", "0".repeat(40), places + 40),
        5 if dice.chance(20) => {
            format!("{sign}0.{}{magnitude}e{}", "0".repeat(40), 40 + magnitude_digits(magnitude, places))
        }
        _ if fraction.is_empty() => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

/// How far the point of `0.<digits>` has to move to give `digits` units of 10^-places.
fn magnitude_digits(magnitude: i128, places: u32) -> i64 {
    magnitude.to_string().len() as i64 - i64::from(places)
}

/// A string, with escapes where they are needed and here and there where they are not.
pub fn text(content: &str, dice: &mut Dice) -> String {
    let is_lively = dice.chance(8);
    let mut spelled = String::from("\"");
    for c in content.chars() {
        let is_escaped = is_lively && dice.chance(40);
        match c {
            '"' | '\\' if !is_escaped => spelled.extend(['\\', c]),
            '/' if is_escaped && dice.chance(50) => spelled.push_str("\\/"),
            '\n' if !is_escaped => spelled.push_str("\\n"),
            _ if is_escaped || (c as u32) < 32 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let upper = dice.chance(50);
                    spelled.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
                }
            }
            _ => spelled.push(c),
        }
    }
    spelled.push('"');
    spelled
}

/// An instant at any offset, with as many fraction digits as it takes, or more.
pub fn time(time_ns: i64, dice: &mut Dice) -> String {
    let offset_minutes: i64 = dice.pick(&[0, 0, 0, 0, 0, 0, 60, -300, 345, 1439, -1439]);
    let local = DateTime::from_timestamp_nanos(time_ns + offset_minutes * 60_000_000_000);
    let nanos = format!("{:09}", local.timestamp_subsec_nanos());
    let kept = nanos.trim_end_matches('0').len();
    let kept = if dice.chance(15) { dice.between(kept as i64, 9) as usize } else { kept };
    let fraction = if kept == 0 { String::new() } else { format!(".{}", &nanos[..kept]) };
    let zone = match offset_minutes {
        0 => dice.pick(&["Z", "Z", "Z", "z", "+00:00", "-00:00"]).to_owned(),
        _ => {
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", offset_minutes.abs() / 60, offset_minutes.abs() % 60)
        }
    };
    let t = if dice.chance(5) { 't' } else { 'T' };
    format!("{}{t}{}{fraction}{zone}", local.format("%Y-%m-%d"), local.format("%H:%M:%S"))
}
