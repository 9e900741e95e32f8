//! Owns JSON written piece by piece into a buffer: names, numbers, decimals, lists, escaped text.

use std::io::Write;

use crate::base::{Cents, Day, Money, Percent};

/// Writes JSON piece by piece. A member ends without a comma; what follows brings its own.
pub(super) struct Json<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl Json<'_> {
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a vector takes every byte");
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
        self.write(format_args!("\"{day}\""));
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
                self.write(format_args!("\"{sign}{}.{:0places$}\"", magnitude / scale, magnitude % scale));
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

/// Appends `text` as a JSON string, escaped as the grammar asks and no further.
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut written = 0;
    out.push(b'"');
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        if short == 0 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}
