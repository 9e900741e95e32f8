//! Owns the way from an event to bytes: one compact structured CloudEvent.

use std::io::Write;

use crate::base::currency::RATE_PLACES;
use crate::base::decimal::push_fixed;
use crate::base::money::MONEY_PLACES;
use crate::base::{Currency, Day, Instant, Money, Percent, Rate, SignedMoney};
use crate::event::{Allocation, Country, Event, FieldWriter, Id, IncidentKind, Layer, Procedure, Segment};

/// Decimals that money is written with at least.
const MONEY_DECIMALS_MIN: usize = 2;
/// Decimals that a share (0 to 1) keeps.
const SHARE_PLACES: u32 = 9;

/// Appends the event as one line of JSON, without a line end. Decimals go into strings: money as "8400.00", with more
/// decimals only where it takes them.
pub fn encode_event(event: &Event<'_>, out: &mut Vec<u8>) {
    let spec = event.body.spec();
    out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":");
    push_text(out, event.id);
    out.extend_from_slice(b",\"source\":");
    push_text(out, event.source);
    out.extend_from_slice(b",\"type\":");
    push_text(out, spec.name);
    out.extend_from_slice(b",\"time\":");
    push_shown(out, event.time);
    if spec.has_buyer {
        out.extend_from_slice(b",\"subject\":");
        push_text(out, event.subject);
    }
    out.extend_from_slice(b",\"data\":{");
    event.body.write(&mut Members { out, number: 0 });
    out.extend_from_slice(b"}}");
}

/// Appends a text as a JSON string.
pub fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends something whose words need no escapes as a JSON string.
fn push_shown(out: &mut Vec<u8>, shown: impl std::fmt::Display) {
    write!(out, "\"{shown}\"").expect("memory takes every write");
}

/// Appends an integer of `10^-places` units as a decimal in a JSON string, with as few decimals as are exact and at least
/// `decimals_min`.
fn push_decimal(out: &mut Vec<u8>, value: i128, places: u32, decimals_min: usize) {
    let mut text = String::with_capacity(40);
    push_fixed(&mut text, value, places as usize);
    let whole = text.len() - places as usize;
    let kept = text.trim_end_matches('0').len().max(whole + decimals_min);
    let kept = if decimals_min == 0 && kept == whole { whole - 1 } else { kept };
    push_text(out, &text[..kept]);
}

struct Members<'o> {
    out: &'o mut Vec<u8>,
    number: usize,
}

impl Members<'_> {
    /// Begins a member.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if self.number > 0 {
            self.out.push(b',');
        }
        self.number += 1;
        push_text(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn money(&mut self, name: &str, units: i128) {
        push_decimal(self.name(name), units, MONEY_PLACES, MONEY_DECIMALS_MIN);
    }

    fn whole(&mut self, name: &str, value: u32) {
        write!(self.name(name), "{value}").expect("memory takes every write");
    }
}

impl<'a> FieldWriter<'a> for Members<'_> {
    fn id(&mut self, name: &'static str, value: Id<'a>) {
        push_text(self.name(name), value.as_str());
    }

    fn seller(&mut self, name: &'static str, value: &'a str) {
        push_text(self.name(name), value);
    }

    fn text(&mut self, name: &'static str, value: &'a str) {
        push_text(self.name(name), value);
    }

    fn amount(&mut self, name: &'static str, value: Money) {
        self.money(name, i128::from(value.units()));
    }

    fn amount_or_zero(&mut self, name: &'static str, value: Money) {
        self.money(name, i128::from(value.units()));
    }

    fn signed_amount(&mut self, name: &'static str, value: SignedMoney) {
        self.money(name, value.units());
    }

    fn date(&mut self, name: &'static str, value: Day) {
        push_shown(self.name(name), value);
    }

    fn instant(&mut self, name: &'static str, value: Instant) {
        push_shown(self.name(name), value);
    }

    fn currency(&mut self, name: &'static str, value: Currency) {
        push_shown(self.name(name), value);
    }

    fn percent(&mut self, name: &'static str, value: Percent) {
        push_decimal(self.name(name), i128::from(value.scaled()), Percent::PLACES, 0);
    }

    fn rate(&mut self, name: &'static str, value: Rate) {
        push_decimal(self.name(name), value.scaled(), RATE_PLACES, 0);
    }

    fn share(&mut self, name: &'static str, value: u32) {
        push_decimal(self.name(name), i128::from(value), SHARE_PLACES, 0);
    }

    fn days(&mut self, name: &'static str, value: u16) {
        self.whole(name, value.into());
    }

    fn grade(&mut self, name: &'static str, value: u8) {
        self.whole(name, value.into());
    }

    fn version(&mut self, name: &'static str, value: u32) {
        self.whole(name, value);
    }

    fn country(&mut self, name: &'static str, value: Country) {
        push_text(self.name(name), value.as_str());
    }

    fn layer(&mut self, name: &'static str, value: Layer) {
        push_text(self.name(name), value.as_str());
    }

    fn segment(&mut self, name: &'static str, value: Segment) {
        push_text(self.name(name), value.as_str());
    }

    fn procedure(&mut self, name: &'static str, value: Procedure) {
        push_text(self.name(name), value.as_str());
    }

    fn incident_kind(&mut self, name: &'static str, value: IncidentKind) {
        push_text(self.name(name), value.as_str());
    }

    fn allocations(&mut self, name: &'static str, value: &'a [Allocation<'a>]) {
        let out = self.name(name);
        out.push(b'[');
        for (place, allocation) in value.iter().enumerate() {
            out.extend_from_slice(if place == 0 { b"{" } else { b",{" });
            let mut members = Members { out, number: 0 };
            members.id("invoice_id", allocation.invoice_id);
            members.amount("amount", allocation.amount);
            out.push(b'}');
        }
        out.push(b']');
    }

    fn some_allocations(&mut self, name: &'static str, value: &'a [Allocation<'a>]) {
        self.allocations(name, value);
    }
}
