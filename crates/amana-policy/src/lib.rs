//! An institution's own policies, in Cedar, behind [`amana_gate::Policy`]: with it the gate lets out less, never more.
//!
//! ```text
//! document ─ accept ─▶ proved to permit no more than the guardrail ─▶ stored
//! document ─ CedarPolicy::parse ─▶ asked at every decision and every send, form by form
//! ```
//!
//! Cedar fails open in three ways; each is closed here and has its test (`tests/it/traps.rs`):
//! - a policy that fails is skipped, also a `forbid`: any error in an answer makes it *no*;
//! - a purpose that no entity stands for is in no group, so a `forbid` on a group passes it: purposes, forms, clusters,
//!   channels and institutions are closed enumerations, and policies and requests are validated against the schema;
//! - a permit on a node of a hierarchy permits all below it: there is no hierarchy, only leaves.
//!
//! What is **not** here: no I/O but the solver's process in [`accept`], no clock, no store, nothing of a customer but
//! what the decision turns on (a policy cannot be about a person). The gate checks agreement, consent, recipient and
//! kill switches itself, in code, before it asks a policy.

mod accept;
mod error;
pub mod limits;
mod memo;
mod policy;
mod proof;
mod question;
mod schema;
mod slice;
mod syntax;

pub use accept::{Accepted, DEFAULT, GUARDRAIL, How, Solver, accept};
pub use error::{Fault, PolicyError, Rejected};
pub use policy::{Asked, CedarPolicy, Explanation};
pub use schema::SCHEMA;
