//! Owns JSON written piece by piece into a buffer: names, numbers, decimals, lists, escaped text.

use std::io::Write;

use crate::base::time::SECOND_NS;
use crate::base::{Cents, Day, Instant, Money, Percent};
use crate::event::Points;
use crate::wire::scan::end_of_plain;

/// Writes JSON piece by piece. A member ends without a comma; what follows brings its own.
pub(super) struct Json<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl Json<'_> {
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// What is written by its own words: for what is rare, since it takes several times as long.
    pub(super) fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a vector takes every byte");
    }

    /// A whole number.
    pub(super) fn whole(&mut self, value: impl Into<i64>) {
        let value = value.into();
        if value < 0 {
            self.raw("-");
        }
        self.digits(value.unsigned_abs(), 1);
    }

    /// A whole number with a name before it.
    pub(super) fn count(&mut self, name: &str, value: impl Into<i64>) {
        self.raw(name);
        self.whole(value);
    }

    /// Digits with zeros before them, at least `places` of them.
    fn digits(&mut self, mut value: u64, places: usize) {
        let mut digits = [b'0'; DIGITS_MAX];
        let mut start = digits.len();
        while value > 0 {
            start -= 1;
            digits[start] = b'0' + (value % 10) as u8;
            value /= 10;
        }
        self.out.extend_from_slice(&digits[start.min(DIGITS_MAX - places)..]);
    }

    /// A number as 32 hexadecimal digits.
    pub(super) fn hex(&mut self, value: u128) {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(value.to_be_bytes()) {
            pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        self.out.extend_from_slice(&digits);
    }

    pub(super) fn points(&mut self, name: &str, points: Points) {
        self.raw(name);
        let quarters = points.quarters();
        self.whole(quarters / 4);
        self.raw(["", ".25", ".5", ".75"][(quarters % 4) as usize]);
    }

    /// A text that needs no escaping, in quotes.
    pub(super) fn quoted(&mut self, text: &str) {
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    pub(super) fn name(&mut self, name: &str, text: &str) {
        self.raw(name);
        self.quoted(text);
    }

    pub(super) fn day(&mut self, day: Day) {
        self.raw("\"");
        self.bare_day(day);
        self.raw("\"");
    }

    fn bare_day(&mut self, day: Day) {
        let (year, month, day_of_month) = day.calendar();
        let Ok(year) = u64::try_from(year) else { return self.write(format_args!("{day}")) };
        self.digits(year, 4);
        self.raw("-");
        self.digits(month.into(), 2);
        self.raw("-");
        self.digits(day_of_month.into(), 2);
    }

    /// RFC 3339 in UTC with as many fraction digits as it takes, in steps of three.
    pub(super) fn instant(&mut self, name: &str, instant: Instant) {
        let day = instant.day();
        let rest = (instant.nanos() - day.start().nanos()).unsigned_abs();
        let (seconds, nanos) = (rest / SECOND_NS.unsigned_abs(), rest % SECOND_NS.unsigned_abs());
        self.raw(name);
        self.raw("\"");
        self.bare_day(day);
        for (before, part) in [("T", seconds / 3600), (":", seconds / 60 % 60), (":", seconds % 60)] {
            self.raw(before);
            self.digits(part, 2);
        }
        if nanos > 0 {
            let (fraction, places) = match nanos {
                _ if nanos % 1_000_000 == 0 => (nanos / 1_000_000, 3),
                _ if nanos % 1_000 == 0 => (nanos / 1_000, 6),
                _ => (nanos, 9),
            };
            self.raw(".");
            self.digits(fraction, places);
        }
        self.raw("Z\"");
    }

    pub(super) fn cents(&mut self, name: &str, cents: Cents) {
        self.raw(name);
        self.fixed(cents.0, 2);
    }

    /// An amount of a document: 2 decimals, or 4 where 2 would round.
    pub(super) fn money(&mut self, money: Money) {
        let units = i128::from(money.units());
        if units % 100 == 0 { self.fixed(units / 100, 2) } else { self.fixed(units, 4) }
    }

    /// A percentage with as many decimals as it takes: "90", "87.5".
    pub(super) fn percent(&mut self, percent: Percent) {
        self.raw("\"");
        let (whole, mut decimals) = (percent.scaled() / 10_000, percent.scaled() % 10_000);
        self.write(format_args!("{whole}"));
        if decimals > 0 {
            let mut places = Percent::PLACES as usize;
            while decimals % 10 == 0 {
                decimals /= 10;
                places -= 1;
            }
            self.write(format_args!(".{decimals:0places$}"));
        }
        self.raw("\"");
    }

    /// An integer of 10^-`places` units as a decimal in quotes, with all its decimals.
    pub(super) fn fixed(&mut self, value: i128, places: usize) {
        let scale = 10_u128.pow(places as u32);
        let (sign, magnitude) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        // Nearly every figure fits 64 bits, which divide many times faster than 128.
        match u64::try_from(magnitude) {
            Ok(magnitude) => {
                let scale = scale as u64;
                self.raw("\"");
                self.raw(sign);
                self.digits(magnitude / scale, 1);
                self.raw(".");
                self.digits(magnitude % scale, places);
                self.raw("\"");
            }
            Err(_) => self.write(format_args!("\"{sign}{}.{:0places$}\"", magnitude / scale, magnitude % scale)),
        }
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.raw("null"),
        }
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.raw("[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]");
    }

    /// Any text as a JSON string.
    pub(super) fn string(&mut self, text: &str) {
        push_json_string(self.out, text);
    }
}

/// The digits of the largest number of 64 bits.
const DIGITS_MAX: usize = 20;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` as a JSON string, escaped as the grammar asks and no further.
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = end_of_plain(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(byte) = rest.get(plain) else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]),
        }
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Json { out: &mut out });
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_written_by_hand_is_what_the_formatter_writes() {
        let mut number = 1_u64;
        for step in 0..2_000_i64 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = number.cast_signed() >> (step % 64);
            assert_eq!(written(|json| json.whole(value)), value.to_string());
            let wide = u128::from(number) << (step % 64);
            assert_eq!(written(|json| json.hex(wide)), format!("{wide:032x}"));
            let unit = [1, 1_000, 1_000_000, SECOND_NS][(step % 4) as usize];
            let instant = Instant::from_nanos(value / unit * unit);
            assert_eq!(written(|json| json.instant("", instant)), format!("\"{instant}\""));
            assert_eq!(written(|json| json.day(instant.day())), format!("\"{}\"", instant.day()));
            let points = Points::from_quarters((number >> 55) as u16);
            assert_eq!(written(|json| json.points("", points)), points.to_string());
            let (sign, magnitude) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
            let decimal = format!("\"{sign}{}.{:04}\"", magnitude / 10_000, magnitude % 10_000);
            assert_eq!(written(|json| json.fixed(value.into(), 4)), decimal);
        }
        assert_eq!(written(|json| json.whole(i64::MIN)), i64::MIN.to_string());
    }
}
