//! Bytes to events and effects to bytes; report rows.

pub mod report;
