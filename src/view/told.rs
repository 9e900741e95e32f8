//! Owns reading an output event: its head, and the small parts that its data are made of.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::base::decimal::{parse_scaled, push_fixed};
use crate::base::{Cents, Day, Instant};
use crate::event::{Points, TenthDays};

/// A record on an output topic is none that vigie wrote: it is left out, and said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no output of vigie: {0}")]
pub struct NotTold(pub String);

impl From<serde_json::Error> for NotTold {
    fn from(error: serde_json::Error) -> NotTold {
        NotTold(error.to_string())
    }
}

/// The head of an output event, with its data unread.
#[derive(Debug, Deserialize)]
pub(super) struct Told<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) type_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) subject: Cow<'a, str>,
    pub(super) time: At,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
}

/// An instant in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct At(pub Instant);

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = Date)]
pub struct On(pub Day);

/// Money with 2 decimals, as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, ToSchema)]
#[schema(value_type = String, pattern = "^-?[0-9]+[.][0-9]{2}$", example = "300000.00")]
pub struct MoneyText(pub Cents);

/// A ratio with 4 decimals, as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RatioText(pub(super) i128);

/// Days to a tenth, as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TenthText(pub(super) TenthDays);

/// Points of a score, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = f64, minimum = 0, maximum = 100)]
pub struct PointsNumber(pub Points);

/// Reads a string by `parse`.
struct Text<T> {
    what: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! text {
    ($type:ident, $what:literal, $parse:expr) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_str(Text { what: $what, parse: $parse })
            }
        }
    };
}

text!(At, "an instant in RFC 3339", |text| Instant::parse(text).map(At));
text!(On, "a calendar day", |text| Day::parse(text).map(On));
text!(MoneyText, "money as a string with 2 decimals", |text| parse_scaled(text, 2)
    .ok()
    .map(|cents| MoneyText(Cents(cents))));
text!(RatioText, "a ratio as a string with 4 decimals", |text| parse_scaled(text, 4).ok().map(RatioText));
text!(TenthText, "days to a tenth as a string", |text| {
    let tenths = i32::try_from(parse_scaled(text, 1).ok()?).ok()?;
    Some(TenthText(TenthDays(tenths)))
});

impl<'de> Deserialize<'de> for PointsNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PointsNumber, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?.to_string();
        let text = number.strip_suffix(".0").unwrap_or(&number);
        let points = Points::parse(text).filter(|points| *points <= Points::MAX);
        points.map(PointsNumber).ok_or_else(|| de::Error::custom(format!("{text} are no points of a score")))
    }
}

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for On {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for MoneyText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&money(self.0))
    }
}

impl Serialize for PointsNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quarters = self.0.quarters();
        match quarters % Points::PARTS {
            0 => serializer.serialize_u16(quarters / Points::PARTS),
            _ => serializer.serialize_f64(f64::from(quarters) / f64::from(Points::PARTS)),
        }
    }
}

/// Cents as money with 2 decimals.
pub(super) fn money(cents: Cents) -> String {
    let mut out = String::new();
    push_fixed(&mut out, cents.0, 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_output_are_read_as_they_were_written() {
        let money: MoneyText = serde_json::from_str("\"-12.30\"").expect("money");
        assert_eq!((money.0.0, serde_json::to_string(&money).expect("told")), (-1230, "\"-12.30\"".to_owned()));
        for (text, quarters) in [("30.5", 122), ("0", 0), ("100", 400), ("40.75", 163), ("12.0", 48)] {
            let points: PointsNumber = serde_json::from_str(text).expect("points");
            assert_eq!(points.0.quarters(), quarters, "{text}");
        }
        assert_eq!(serde_json::to_string(&PointsNumber(Points::from_quarters(122))).expect("told"), "30.5");
        assert!(serde_json::from_str::<PointsNumber>("101").is_err());
        assert!(serde_json::from_str::<MoneyText>("12.3").is_err());
        assert!(serde_json::from_str::<MoneyText>("\"0.001\"").is_err());
    }
}
