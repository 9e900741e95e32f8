//! The vocabulary of everything else: money, currencies, days and instants. Nothing here knows a buyer or an event.

pub mod amount;
pub mod currency;
pub mod decimal;
pub mod hash;
pub mod money;
pub mod stored;
pub mod time;

pub use amount::{BaseAmount, BaseUnits, Cents};
pub use currency::{Currency, Percent, Rate};
pub use money::{Money, SignedMoney, StoredSum, Sum};
pub use time::{Day, Instant};
