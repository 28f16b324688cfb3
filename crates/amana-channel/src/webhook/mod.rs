//! What Messenger posts to us: signature, subscription handshake, events (messenger reference, section 1).

mod event;
mod loose;
mod parse;
mod read;
mod signature;
mod signed_request;

pub use event::{
    ChannelEvent, ChannelEventKind, EchoWords, Handover, Inbound, InboundKind, ReactionAction, Referral,
    TopicWish, opens_window,
};
pub use parse::{KeptItem, Parsed, WebhookError, parse};
pub use read::{edit_keys, message_key};
pub use signature::{
    SignatureError, SubscriptionError, Verified, app_secret_proof, verify_signature, verify_subscription,
};
pub use signed_request::{SignedRequest, SignedRequestError, verify_signed_request};
