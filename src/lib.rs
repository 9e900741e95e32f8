//! vigie (French: the lookout), a streaming trade-credit risk monitor: events about buyers in, exact exposure, cover and
//! alerts out.
//!
//! This page is a tour, in reading order: each layer needs only those before it. `README.md` says what the program does,
//! `ARCHITECTURE.md` why it is built so, and a test (`tests/tidy.rs`) holds which layer may name which.
//!
//! # 1. The words: [`base`] and [`event`]
//!
//! [`base`] has what everything is reckoned in: [`base::Money`] of one document and [`base::Sum`] of many, in 1/10,000
//! units; [`base::BaseAmount`], exact products of sums and rates; [`base::Day`] and [`base::Instant`]. No float is among
//! them.
//!
//! [`event`] has what can be said. An [`event::Event`] says what happened to a buyer, in a [`event::Body`] for each type;
//! the same table of fields makes the types, the decoder and the schemas. An [`event::Effect`] is what the engine has to
//! say in turn, and an [`event::Refusal`] why a record does not count.
//!
//! # 2. The core: [`risk`]
//!
//! Start at [`risk::Shard::apply`]: one event in, effects out, and an outcome ([`risk::Outcome`]). It cannot fail, wait
//! or read a clock; the event's time moves the clock, and what falls due on the way happens first. A shard hands the
//! event to its [`risk::buyer::Buyer`], and has the buyer judged once its instant is over. The parts of a buyer answer
//! one question each, and each knows only those before it:
//!
//! - [`risk::ledger`]: what is owed? [`risk::ledger::Ledger`] takes documents in any order; an
//!   [`risk::ledger::Invoice`] has a [`risk::ledger::Standing`], which is all that the totals count of it.
//! - [`risk::behaviour`]: how do they pay? [`risk::behaviour::Behaviour`] measures, in sums that fade; [`risk::signals`] keeps
//!   what others say.
//! - [`risk::score`]: how bad, and why? [`risk::score::Card`] turns measures into points that add up, [`risk::score::Course`]
//!   says whether it has got worse.
//! - [`risk::cover`]: who bears it? [`risk::cover::Carrying`] is one walk over the unpaid invoices, with all covers.
//! - [`risk::alert`]: whom to tell? Rules find what holds now; [`risk::alert::Alerts`] raises, escalates and clears.
//! - [`risk::proposal`]: what to do? A [`risk::proposal::Case`] calls for a lower limit or does not;
//!   [`risk::proposal::Proposals`] is the life of the one that is open.
//! - [`risk::deadlines`]: when must somebody look again, though nothing happens?
//!
//! What changes results, and nothing else, is in [`risk::Params`].
//!
//! # 3. The bytes: [`wire`]
//!
//! [`wire::decode_value`] reads an event and borrows from the record; the first check that fails, in the contract's
//! order, names the refusal. [`wire::encode_effect`] writes what goes out, [`wire::report`] the report's formats,
//! [`wire::schema`] the published description of it all, and [`wire::partition_of`] says to which shard a buyer belongs.
//!
//! # 4. The turn: [`runtime`]
//!
//! [`runtime::Worker::turn`] polls a [`runtime::Batch`], makes it [`runtime::Applied`], and [`runtime::Committed`] once
//! its outputs and positions are in the log together. [`runtime::Log`] is all that it asks of a log.
//!
//! # 5. A world to run it in: [`sim`] and [`workload`]
//!
//! [`sim::EmbeddedLog`] is a log in memory with Kafka's rules of transactions; replays run on it. [`sim::naive`] is the
//! slow and obvious twin that tests hold the core against. [`sim::Simulation`] runs services on that log under faults.
//! [`workload::Workload`] is a made-up portfolio that lives from day to day.
//!
//! # 6. What people look at: [`view`]
//!
//! [`view::ReadModel::feed`] takes the records of the output topics, and answers with [`view::Buyer`], [`view::Alert`] and
//! [`view::Proposal`] in [`view::Page`]s; [`view::check::check`] says of an order whether it fits. [`io::http::api`] puts all of it
//! under paths, and [`io::http::guard`] says who may ask.
//!
//! # 7. The outside: [`io`] and [`cli`]
//!
//! [`io`] opens files and reads the clocks; nothing before it does. [`cli`] has a file for each command and wires the
//! rest together; the binary calls [`cli::main`].

pub mod base;
pub mod cli;
pub mod event;
pub mod io;
pub mod risk;
pub mod runtime;
pub mod sim;
pub mod view;
pub mod wire;
pub mod workload;
