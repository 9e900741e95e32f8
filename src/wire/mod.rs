//! The codec: bytes to events, and events to bytes. Pure: no I/O, no clock.

pub mod decode;
pub mod encode;
pub mod history;
pub mod outline;
pub mod output;
pub mod portfolio;
pub mod report;
pub mod route;
pub mod schema;
pub mod structured;
pub mod table;

mod envelope;
mod fields;
mod general;
mod scan;
mod types;

pub use decode::{DecodeRules, Header, Record, TopicRule, decode_record, decode_value};
pub use encode::encode_event;
pub use output::{OutputTopic, encode_effect, output_topic};
pub use route::{Route, partition_of, route};
pub use structured::structured_line;
