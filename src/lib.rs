//! vigie (French: the lookout), a streaming trade-credit risk monitor.

pub mod base;
pub mod cli;
pub mod event;
pub mod io;
pub mod risk;
pub mod runtime;
pub mod sim;
pub mod wire;
pub mod workload;
