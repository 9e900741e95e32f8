//! The read model: what people look at, made of the output topics, and of decisions for what no output tells. Pure but for its
//! maps: it does no I/O, reads no clock, and any number of threads may ask it while others feed it.

pub mod alert;
pub mod buyer;
pub mod check;
pub mod decision;
pub mod limit;
pub mod model;
pub mod page;
pub mod proposal;
#[cfg(test)]
pub(crate) mod samples;
pub mod told;
pub mod totals;

pub use alert::{Alert, AlertState};
pub use buyer::{Buyer, BuyerRow};
pub use check::{CheckRules, OrderCheck, OrderQuestion, Standing};
pub use decision::{Approval, Decided, Decision};
pub use limit::LimitView;
pub use model::{Change, Fed, HoldDecided, ReadModel};
pub use page::{Page, PageError, PageRequest};
pub use proposal::{Proposal, ProposalState};
pub use told::NotTold;
