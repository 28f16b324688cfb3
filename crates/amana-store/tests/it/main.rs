//! The store's tests: one suite for both engines, what only one of them can show, a random comparison with a model, and
//! a process that is killed.

mod crash;
mod model;
mod place;
mod postgres;
mod schema;
mod sqlite;
mod suite;
mod world;
