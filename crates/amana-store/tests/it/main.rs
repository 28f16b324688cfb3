//! The store's tests: one suite for both engines, what only one of them can show, a random comparison with a model,
//! and a process that is killed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, helpers too"
)]

mod agreements;
mod alarms;
mod crash;
mod disclosure_log;
mod exact;
mod heads;
mod hints;
mod keeping;
mod kept;
mod model;
mod model_commands;
mod nodes;
mod outbox;
mod pages;
mod passkeys;
mod place;
mod policies;
mod postgres;
mod schema;
mod shard;
mod shared;
mod sql;
mod sqlite;
mod suite;
mod upkeep;
mod waiting;
mod world;
mod yesterday;
