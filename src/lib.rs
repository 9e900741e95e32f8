//! vigie (French: the lookout), a streaming trade-credit risk monitor.

pub mod base;
pub mod cli;
pub mod event;
pub mod io;
pub mod risk;
pub mod wire;
