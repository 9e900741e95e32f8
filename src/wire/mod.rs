//! Bytes to events and effects to bytes: pure codecs, no I/O.

pub mod output;

pub use output::{OutputTopic, encode_effect, output_topic};
