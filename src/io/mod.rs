//! The imperative shell: everything that touches the world outside the process.

pub mod clock;
pub mod files;
pub mod kafka;
