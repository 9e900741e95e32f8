//! The codec: bytes to events, and events to bytes. Pure: no I/O, no clock.

pub mod decode;
pub mod encode;
pub mod report;
pub mod route;

mod envelope;
mod fields;
mod general;
#[cfg(test)]
mod properties;
mod scan;
mod types;

pub use decode::{DecodeRules, Header, Record, TopicRule, decode_record, decode_value};
pub use encode::encode_event;
pub use route::{Route, partition_of, route};
