//! The words of Amana: ids, purposes, clusters, forms, agreements, consents, money, accounts, transactions, content.
//!
//! What is **not** here: no I/O, no database, no HTTP, no ambient clock or randomness, no wire format of a bank or of
//! a chat platform, and no way to release anything (that is `amana-gate`). This crate is what every other crate may
//! know, so it changes least and holds only what several of them need.

mod agreement;
mod bank;
mod clock;
mod consent;
mod consent_record;
mod content;
mod controller;
mod entropy;
mod event;
pub mod ids;
mod kill;
mod lang;
mod money;
mod request;
mod secret;
mod words;

pub use agreement::{
    Agreement, AgreementAct, AgreementEvent, AgreementFault, AgreementState, Terms, check_terms, within,
};
pub use bank::{Account, AccountKind, Direction, Page, Transaction, TransactionState};
pub use clock::{Clock, ManualClock, Timestamp, from_micros, micros};
pub use consent::{CONSENT_DAYS_MAX, Consent, ConsentError, ConsentState, Grant};
pub use consent_record::{
    BrokenRecord, CONSENT_EVENT_V, ConsentAct, ConsentBasis, ConsentEnd, ConsentEvent, ConsentRecord,
    Evidence, event_hash, no_event,
};
pub use content::{
    Action, Address, ApprovedForm, Card, CardLine, Content, MediaForm, MediaKind, ReceiptAddress,
    ReceiptForm, ReceiptItem, Rich, ThreadControl,
};
pub use controller::{Aggregator, Controller};
pub use entropy::{Entropy, SeededEntropy};
pub use event::{BankEvent, BankEventBody, BankEventKind};
pub use ids::{
    AccountId, AgreementId, ChannelId, ConsentId, ConversationId, CustomerId, EventKey, InstitutionId,
    LinkId, MessageId, Psid, Shard,
};
pub use kill::{Kill, KillScope, KillSwitches, PurposeScope, Stop};
pub use lang::Lang;
pub use money::{Currency, Money, MoneyError};
pub use request::{
    DataRequest, ProhibitedUse, REQUEST_BYTES_MAX, RequestDocument, RequestRefusal, RequestedPurpose,
    read_terms,
};
pub use secret::Secret;
pub use words::{Cluster, Clusters, Form, Purpose, UnknownWord};
