//! The wire form of a Messenger message: content into the bytes of one Send API call, and those bytes read back.

mod display;
mod encode;
mod rich;
pub mod utility;

pub use display::{Said, decode_for_display};
pub(crate) use encode::encode_human_agent;
pub use encode::{encode, encode_reply, encode_utility, is_loopback, is_page_url};
pub use rich::template_locale;
