//! The use cases: link, ask, update, revoke, send. Here the parts meet; clock, randomness, store, banks and channel
//! come in as arguments, so that the whole runs in a test under a clock of its own.
//!
//! ```text
//! webhook ─▶ intake ─▶ inbox ─▶ worker ─▶ chat ─▶ answer ─┐
//! bank    ─▶ intake ─▶ inbox ─▶ worker ─▶ update ─────────┴─▶ gate ─▶ outbox ─▶ egress ─▶ channel
//! ```
//!
//! What is **not** here: no HTTP server, no SQL, no wire format, no text. Nothing here can open a `Protected` value.
//!
//! Invariants:
//! - An event is acknowledged only when it is in the inbox; its effects and its end are one submission, so that a crash
//!   anywhere repeats work, never effects.
//! - A bank is asked only after the gate's decision would allow to release what it answers.
//! - Before bytes leave, the row is durably marked as leaving; after a crash an echo decides, not hope.

mod agent;
mod agreement;
mod answer;
mod book;
mod bundle;
mod catch_up;
mod channel_health;
mod chat;
mod consent_receipt;
mod direct;
mod disclosure_log;
mod doubt;
mod edits;
mod egress;
mod ended;
mod erase;
mod error;
mod export;
mod flags;
mod gateway;
mod grant_look;
mod grants;
mod hints;
mod intake;
mod jobs;
pub mod limits;
mod link;
mod news;
mod nodes;
mod notice_page;
mod owner;
mod passing;
mod passkey;
mod platform;
mod policy;
mod poll;
mod privacy;
mod reconcile;
mod renew;
mod retention;
mod revoke;
mod rules;
mod sealed;
mod session;
mod subscriptions;
mod timeline;
mod unread;
mod update;
mod worker;

pub use agent::{AgentError, AgentReply, Desk};
pub use agreement::{
    Acceptance, AgreementError, Agreements, DocumentFormat, Standing, agreement_document, agreement_value,
    event_value, read_terms_document,
};
pub use bundle::{BundleAsk, BundlePart};
pub use consent_receipt::{DPV_PURPOSES, DPV_TERMS};
pub use disclosure_log::{LogFile, LogParts, Tiles, WitnessClient, Witnesses};
pub use erase::Erased;
pub use error::{FlowError, LinkError};
pub use export::Export;
pub use flags::StoreFlags;
pub use gateway::{ChannelConfig, Gateway, GatewayParts, GivenUp, Institution, OFFERED_PURPOSES, Upkeep};
pub use hints::Hinted;
pub use intake::Accepted;
pub use link::{Begun, ConsentAnswer, ConsentForm, Entry, LinkOffer, Linked, Next, OwnPage, PurposeChoice};
pub use nodes::NodeEnd;
pub use notice_page::{NoticePage, Opening, Ready};
pub use passkey::{PasskeyAsk, PasskeyOpening, PasskeyView, PasskeysView};
pub use platform::PlatformAnswer;
pub use policy::ReadPolicy;
pub use privacy::{
    AccountsPart, AccountsView, ChatView, ConsentView, PartAccounts, Paused, PrivacyView, TimelineEntry, Told,
};
pub use reconcile::{OnUnknown, Reconcile};
pub use renew::RenewalForm;
pub use timeline::{LastTold, Looked, PurposeTotal, TimelineFilter, Totals};
