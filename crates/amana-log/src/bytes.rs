//! Fixed-size fields at the front of bytes, base64, decimals: the few things that all formats here share.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits::{HASH_BYTES, TREE_MAX_LEAVES};
use crate::merkle::Hash;

/// The first 32 bytes, and the rest.
pub(crate) fn hash(bytes: &[u8]) -> Option<(Hash, &[u8])> {
    let (hash, rest) = bytes.split_first_chunk::<HASH_BYTES>()?;
    Some((*hash, rest))
}

/// The first 8 bytes as a big-endian number, and the rest.
pub(crate) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), rest))
}

/// Standard base64 with padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Strict standard base64: padded, canonical, nothing else between.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A hash in strict base64.
pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    from_base64(text)?.try_into().ok()
}

/// A decimal number as the C2SP formats write it: no sign, no leading zero, at most [`TREE_MAX_LEAVES`].
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|number| plain && *number <= TREE_MAX_LEAVES)
}
