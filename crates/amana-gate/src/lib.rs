//! The gate: the one door through which a bank's data can leave.
//!
//! ```text
//! Protected<T> ─ disclose::<P> ─▶ Disclosure ─ store: one durable commit ─▶ OutboxRow ─ release ─▶ Released
//! ```
//!
//! What is **not** here: no I/O, no clock, no randomness, no database, no HTTP, no text of a message. What is done with
//! a value, how it is said and into which bytes is below this crate (`amana-pure`, `amana-render`), as closed lists: no
//! caller can bring a function that would see a value. No purpose for advertising, profiling or sale: such a purpose
//! has no type and so cannot be named.
//!
//! Invariants:
//! - A [`Protected`] value cannot be printed, compared, cloned, serialised or borrowed from outside this crate; at rest
//!   it exists only as ciphertext ([`Protected::seal`]). A page shows it as [`Shown`], which is as closed. Whether it
//!   is what was told or read before is answered from [`Told`] and [`Seen`], which fit no guess of anybody else's.
//! - The answer is *deny* unless every party says yes, at the decision and again at the moment of sending.
//! - [`Released`] is made by [`Gate::release`] alone, from a row whose ticket is good, and cannot be copied or sent
//!   twice. Where bytes leave, [`TicketGuard`] believes the gate's signature and nothing else, once.

mod agent;
mod decision;
mod key;
mod limits;
mod protected;
pub mod purpose;
mod receipt;
mod release;
mod sealed_page;
mod seen;
mod shown;
mod ticket;
mod told;
mod transform;
mod words;

pub use agent::AgentWords;
pub use decision::{Ask, Denial, Facts, Policy, PolicyRequest, StandardPolicy, decide};
pub use key::{DataKey, KeyError};
pub use limits::{EGRESS_BODY_BYTES_MAX, EGRESS_TICKET_LIFE, SEALED_PAGE_LIFE};
pub use protected::{BankData, Protected, Subject, Unaddressed};
pub use receipt::{ReceiptDraft, ReceiptKind, Recipient, SealedReceipt};
pub use release::{
    About, Basis, Disclosure, Gate, NEWS_TICKET_HOURS, OutboxRow, Refusal, Released, TICKET_HOURS,
    reseal_plain,
};
pub use sealed_page::{OpenedPage, SealedPage};
pub use seen::{ReadHow, ReadNews, ReadRow, Seen, Unseen};
pub use shown::Shown;
pub use ticket::{EgressFrame, EgressTicket, TicketError, TicketGuard, TicketSubject};
pub use told::Told;
pub use transform::{Advance, Again};
