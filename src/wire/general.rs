//! Owns the general reader of JSON, on `serde_json`: it reads what the fast one leaves, and names the errors.

use bumpalo::Bump;
use bumpalo::collections::Vec;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::Value;

/// Reads a whole text as one JSON value. Every string in it is unescaped, so a lone surrogate shows wherever it stands;
/// numbers keep their text, whatever their size.
///
/// # Errors
/// A sentence, when the text is not JSON.
pub fn read<'a>(text: &'a str, scratch: &'a Bump) -> Result<Value<'a>, String> {
    let raw = serde_json::from_str(text).map_err(|error| format!("The value is not JSON: {error}."))?;
    // The syntax is right by now: only what an escape stands for can be wrong.
    value(raw, scratch).map_err(|_| "A string in the value holds half of a surrogate pair.".to_owned())
}

/// Opens up one level of a value whose syntax was checked.
fn value<'a>(raw: &'a RawValue, scratch: &'a Bump) -> Result<Value<'a>, serde_json::Error> {
    let text = raw.get();
    let mut json = serde_json::Deserializer::from_str(text);
    Ok(match text.as_bytes().first() {
        Some(b'{') => Value::Object(json.deserialize_map(Members(scratch))?),
        Some(b'[') => Value::List(json.deserialize_seq(Items(scratch))?),
        Some(b'"') => Value::Text(json.deserialize_str(Text(scratch))?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(text),
    })
}

struct Members<'a>(&'a Bump);

impl<'a> Visitor<'a> for Members<'a> {
    type Value = &'a [(&'a str, Value<'a>)];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new_in(self.0);
        while let Some(name) = map.next_key_seed(Text(self.0))? {
            let raw: &'a RawValue = map.next_value()?;
            members.push((name, value(raw, self.0).map_err(serde::de::Error::custom)?));
        }
        Ok(members.into_bump_slice())
    }
}

struct Items<'a>(&'a Bump);

impl<'a> Visitor<'a> for Items<'a> {
    type Value = &'a [Value<'a>];

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new_in(self.0);
        while let Some(raw) = list.next_element::<&'a RawValue>()? {
            items.push(value(raw, self.0).map_err(serde::de::Error::custom)?);
        }
        Ok(items.into_bump_slice())
    }
}

/// A string: borrowed where it has no escape.
struct Text<'a>(&'a Bump);

impl<'a> Visitor<'a> for Text<'a> {
    type Value = &'a str;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<&'a str, E> {
        Ok(text)
    }

    fn visit_str<E>(self, text: &str) -> Result<&'a str, E> {
        Ok(self.0.alloc_str(text))
    }
}

impl<'a> DeserializeSeed<'a> for Text<'a> {
    type Value = &'a str;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<&'a str, D::Error> {
        deserializer.deserialize_str(self)
    }
}
