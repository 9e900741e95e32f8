//! Owns the reading of the fields of `data`: each by its kind, as the contract's tables say.

use bumpalo::Bump;
use bumpalo::collections::Vec;

use super::envelope::Value;
use crate::base::decimal::{parse_scaled, parse_share};
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};
use crate::event::{
    Allocation, Body, Country, FieldKind, FieldReader, FieldSpec, Id, IncidentKind, Layer, Presence, Procedure,
    Refusal, RefusalCode, Segment,
};

/// The most fields that a type has.
const FIELDS_MAX: usize = 16;

const _: () = {
    let mut place = 0;
    while place < Body::SPECS.len() {
        assert!(Body::SPECS[place].fields.len() <= FIELDS_MAX, "a type has more fields than there is room for");
        place += 1;
    }
};

/// Decimals that a share (0 to 1) keeps.
const SHARE_PLACES: u32 = 9;

/// The fields of one record, each at its place in the type's table.
pub struct Fields<'a> {
    specs: &'static [FieldSpec],
    values: [Value<'a>; FIELDS_MAX],
    twice: Option<usize>,
    scratch: &'a Bump,
}

/// Why a field cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldError {
    /// It is needed, and is absent or null.
    Missing,
    /// It is not of its kind.
    Invalid(usize),
}

impl<'a> Fields<'a> {
    /// Puts the members of `data` at their places; those that the type does not have are ignored, and of one that is
    /// given twice the last counts.
    #[inline]
    pub fn place(specs: &'static [FieldSpec], members: &[(&'a str, Value<'a>)], scratch: &'a Bump) -> Fields<'a> {
        let mut fields = Fields { specs, values: [Value::Null; FIELDS_MAX], twice: None, scratch };
        let mut seen = 0_u32;
        let mut expected = 0;
        for (name, value) in members {
            let Some(index) = find(specs, name, expected) else { continue };
            if seen & (1 << index) != 0 {
                fields.twice = Some(index);
            }
            seen |= 1 << index;
            fields.values[index] = *value;
            expected = index + 1;
        }
        fields
    }

    /// A field that was given twice, if one was.
    pub const fn twice(&self) -> Option<usize> {
        self.twice
    }

    /// The first needed field that is absent, and the needed kind.
    pub fn first_missing(&self) -> Option<usize> {
        let missing = |(index, spec): &(usize, &FieldSpec)| {
            let needed = spec.presence == Presence::Needed || self.is_needed_here(spec.name);
            needed && self.values[*index] == Value::Null
        };
        self.specs.iter().enumerate().find(missing).map(|(index, _)| index)
    }

    /// Whether another field's value makes this one needed: the order of a `single_risk` cover.
    fn is_needed_here(&self, name: &str) -> bool {
        let is_single_risk = |spec: &FieldSpec, value: &Value<'_>| {
            spec.kind == FieldKind::Layer && *value == Value::Text(Layer::SingleRisk.as_str())
        };
        name == "order_id" && self.specs.iter().zip(&self.values).any(|(spec, value)| is_single_risk(spec, value))
    }

    /// The refusal for a field that is needed and absent.
    pub fn refuse_missing(&self, index: usize) -> Refusal {
        let FieldSpec { name, kind, .. } = self.specs[index];
        Refusal::new(RefusalCode::MissingField, format!("data.{name} is missing: it should be {}.", rule(kind)))
    }

    /// The refusal for a field that was given twice.
    pub fn refuse_twice(&self, index: usize) -> Refusal {
        let name = self.specs[index].name;
        Refusal::new(RefusalCode::InvalidField, format!("data.{name} is given twice: it should be there once."))
    }

    /// The refusal for a field that is not of its kind.
    pub fn refuse_invalid(&self, index: usize) -> Refusal {
        let FieldSpec { name, kind, .. } = self.specs[index];
        let shown = self.values[index].shown();
        Refusal::new(RefusalCode::InvalidField, format!("data.{name} should be {}, and is {shown}.", rule(kind)))
    }

    /// Reads a field as a string of some form.
    #[inline]
    fn string<T>(&self, index: usize, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<Option<T>, FieldError> {
        match self.values[index] {
            Value::Null => Ok(None),
            Value::Text(text) => parse(text).map(Some).ok_or(FieldError::Invalid(index)),
            _ => Err(FieldError::Invalid(index)),
        }
    }

    /// Reads a field as a decimal, in a string or not.
    #[inline]
    fn decimal<T, E>(
        &self,
        index: usize,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Result<Option<T>, FieldError> {
        match self.values[index] {
            Value::Null => Ok(None),
            Value::Text(text) | Value::Number(text) => parse(text).map(Some).map_err(|_| FieldError::Invalid(index)),
            _ => Err(FieldError::Invalid(index)),
        }
    }

    /// Reads a field as a whole number, never in a string.
    #[inline]
    fn whole(&self, index: usize, min: i128, max: i128) -> Result<Option<i128>, FieldError> {
        match self.values[index] {
            Value::Null => Ok(None),
            Value::Number(text) => match parse_scaled(text, 0) {
                Ok(value) if (min..=max).contains(&value) => Ok(Some(value)),
                _ => Err(FieldError::Invalid(index)),
            },
            _ => Err(FieldError::Invalid(index)),
        }
    }

    fn allocation_list(&self, index: usize) -> Result<Option<&'a [Allocation<'a>]>, FieldError> {
        let items = match self.values[index] {
            Value::Null => return Ok(None),
            Value::List(items) => items,
            _ => return Err(FieldError::Invalid(index)),
        };
        let mut allocations = Vec::with_capacity_in(items.len(), self.scratch);
        for item in items {
            allocations.push(allocation(item).ok_or(FieldError::Invalid(index))?);
        }
        Ok(Some(allocations.into_bump_slice()))
    }
}

/// The place of a name; fields that come in the order of the table cost one comparison each.
#[inline]
fn find(specs: &[FieldSpec], name: &str, expected: usize) -> Option<usize> {
    let (before, after) = specs.split_at(expected.min(specs.len()));
    let behind = after.iter().position(|spec| spec.name == name).map(|index| before.len() + index);
    behind.or_else(|| before.iter().position(|spec| spec.name == name))
}

fn allocation<'a>(item: &Value<'a>) -> Option<Allocation<'a>> {
    let Value::Object(members) = item else { return None };
    let (mut invoice_id, mut amount) = (None, None);
    for (name, value) in *members {
        let slot = match *name {
            "invoice_id" => &mut invoice_id,
            "amount" => &mut amount,
            _ => continue,
        };
        if slot.replace(*value).is_some() {
            return None;
        }
    }
    let Some(Value::Text(invoice_id)) = invoice_id else { return None };
    let Some(Value::Text(amount) | Value::Number(amount)) = amount else { return None };
    Some(Allocation { invoice_id: Id::parse(invoice_id)?, amount: Money::parse(amount).ok()? })
}

impl<'a> FieldReader<'a> for Fields<'a> {
    type Error = FieldError;

    #[inline]
    fn id(&mut self, index: usize) -> Result<Option<Id<'a>>, FieldError> {
        self.string(index, Id::parse)
    }

    #[inline]
    fn seller(&mut self, index: usize) -> Result<Option<&'a str>, FieldError> {
        self.string(index, |text| if text.is_empty() { Some("") } else { Id::parse(text).map(Id::as_str) })
    }

    fn text(&mut self, index: usize) -> Result<Option<&'a str>, FieldError> {
        self.string(index, Some)
    }

    #[inline]
    fn amount(&mut self, index: usize) -> Result<Option<Money>, FieldError> {
        self.decimal(index, Money::parse)
    }

    fn amount_or_zero(&mut self, index: usize) -> Result<Option<Money>, FieldError> {
        self.decimal(index, Money::parse_or_zero)
    }

    fn signed_amount(&mut self, index: usize) -> Result<Option<SignedMoney>, FieldError> {
        self.decimal(index, SignedMoney::parse)
    }

    #[inline]
    fn date(&mut self, index: usize) -> Result<Option<Day>, FieldError> {
        self.string(index, Day::parse)
    }

    fn instant(&mut self, index: usize) -> Result<Option<Instant>, FieldError> {
        self.string(index, Instant::parse)
    }

    #[inline]
    fn currency(&mut self, index: usize) -> Result<Option<Currency>, FieldError> {
        self.string(index, Currency::parse)
    }

    fn percent(&mut self, index: usize) -> Result<Option<Percent>, FieldError> {
        self.decimal(index, Percent::parse)
    }

    fn rate(&mut self, index: usize) -> Result<Option<Rate>, FieldError> {
        self.decimal(index, Rate::parse)
    }

    fn share(&mut self, index: usize) -> Result<Option<u32>, FieldError> {
        self.decimal(index, |text| parse_share(text, SHARE_PLACES).map(|share| share as u32))
    }

    fn days(&mut self, index: usize) -> Result<Option<u16>, FieldError> {
        Ok(self.whole(index, 0, 3650)?.map(|days| days as u16))
    }

    fn grade(&mut self, index: usize) -> Result<Option<u8>, FieldError> {
        Ok(self.whole(index, 1, 10)?.map(|grade| grade as u8))
    }

    fn version(&mut self, index: usize) -> Result<Option<u32>, FieldError> {
        Ok(self.whole(index, 1, 1_000_000_000)?.map(|version| version as u32))
    }

    fn country(&mut self, index: usize) -> Result<Option<Country>, FieldError> {
        self.string(index, Country::parse)
    }

    fn layer(&mut self, index: usize) -> Result<Option<Layer>, FieldError> {
        self.string(index, Layer::parse)
    }

    fn segment(&mut self, index: usize) -> Result<Option<Segment>, FieldError> {
        self.string(index, Segment::parse)
    }

    fn procedure(&mut self, index: usize) -> Result<Option<Procedure>, FieldError> {
        self.string(index, Procedure::parse)
    }

    fn incident_kind(&mut self, index: usize) -> Result<Option<IncidentKind>, FieldError> {
        self.string(index, IncidentKind::parse)
    }

    /// An empty list is the same as none.
    fn allocations(&mut self, index: usize) -> Result<Option<&'a [Allocation<'a>]>, FieldError> {
        Ok(self.allocation_list(index)?.filter(|list| !list.is_empty()))
    }

    fn some_allocations(&mut self, index: usize) -> Result<Option<&'a [Allocation<'a>]>, FieldError> {
        match self.allocation_list(index)? {
            Some([]) => Err(FieldError::Invalid(index)),
            list => Ok(list),
        }
    }

    fn missing(&self, _index: usize) -> FieldError {
        FieldError::Missing
    }
}

/// What a field of a kind should be, to end a sentence with.
pub const fn rule(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Id => "a string of 1 to 128 bytes without control characters",
        FieldKind::Seller => "a string of at most 128 bytes without control characters",
        FieldKind::Text => "a string",
        FieldKind::Amount => "a decimal over 0, at most 10^14, with at most 4 decimals",
        FieldKind::AmountOrZero => "a decimal from 0 to 10^14 with at most 4 decimals",
        FieldKind::SignedAmount => "a decimal from -10^18 to 10^18 with at most 4 decimals",
        FieldKind::Date => "a calendar day YYYY-MM-DD from 1970-01-01 to 2199-12-31",
        FieldKind::Instant => {
            "an RFC 3339 instant with an offset, of 1970 to 2199, with up to 9 fraction digits and no second 60"
        }
        FieldKind::Currency => "three letters A to Z",
        FieldKind::Percent => "a decimal from 0 to 100 with at most 4 decimals",
        FieldKind::Rate => "a decimal over 0 and under 10^9 with at most 12 decimals",
        FieldKind::Share => "a decimal from 0 to 1",
        FieldKind::Days => "a whole number from 0 to 3650, not in a string",
        FieldKind::Grade => "a whole number from 1 to 10, not in a string",
        FieldKind::Version => "a whole number from 1 to 10^9, not in a string",
        FieldKind::Country => "two letters A to Z (ISO 3166 alpha-2)",
        FieldKind::Layer => "primary, top_up or single_risk",
        FieldKind::Segment => "named or unnamed",
        FieldKind::Procedure => "conciliation, safeguard, receivership or liquidation",
        FieldKind::IncidentKind => "unpaid, rejected_payment, protest or litigation",
        FieldKind::Allocations => "a list of objects, each with one invoice_id and one amount over 0",
        FieldKind::SomeAllocations => "a list of at least one object, each with one invoice_id and one amount over 0",
    }
}
