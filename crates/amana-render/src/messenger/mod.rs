//! The wire form of a Messenger message: content into the bytes of one Send API call, and those bytes read back.

mod display;
mod encode;

pub use display::{Said, decode_for_display};
pub use encode::{encode, encode_reply, is_loopback, is_page_url};
