//! Intake of banks' events from topics of a Kafka cluster, or of anything else that speaks its protocol.
//!
//! A record is read as a request of `POST /events/{institution}` is, and goes in by the same function: the same event
//! by HTTP and by a topic is one. Whose events a topic holds is configuration; the brokers say who may write to it.
//!
//! What is **not** here: no decision, no SQL, nothing that writes to a topic.
//!
//! Invariants:
//! - An offset is stored after the commit of what it stands for, never before. A crash between brings records again,
//!   and
//!   they are known by their keys.
//! - Records of a partition are brought in their order, one batch after the other, so those of one key stay in order.
//! - What cannot be read is set aside with its place and the reason, durably, and the partition goes on. What is in it
//!   is
//!   neither kept nor logged.
//! - While nothing can be made durable the partitions are paused: what is held is bounded by [`limits`].

mod batch;
mod consumer;
mod context;
mod error;
pub mod limits;
mod record;
mod source;

/// Whether this program speaks TLS to brokers, and SCRAM.
pub const HAS_TLS: bool = cfg!(feature = "tls");

pub use batch::Event;
pub use consumer::{Consumer, Intake};
pub use error::SourceError;
pub use record::{INSTITUTION_HEADER, Reason};
pub use source::{Login, Mechanism, Source, Tls};
