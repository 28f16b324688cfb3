//! Reading a body within a bound, with an answer that the sender hears.

use crate::limits::DRAIN_BYTES_MAX;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than the bound.
    TooLarge,
    /// The connection broke.
    Broken,
}

/// Reads a body of at most `max` bytes. A larger one is read on and thrown away (to [`DRAIN_BYTES_MAX`]): a
/// sender that is still writing would see a broken connection instead of the answer.
pub(crate) async fn read(body: Body, max: usize) -> Result<Bytes, BodyError> {
    let mut stream = body.into_data_stream();
    let mut kept = BytesMut::new();
    let mut seen = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        seen = seen.saturating_add(chunk.len());
        if seen <= max {
            kept.extend_from_slice(&chunk);
        } else {
            kept.clear();
            if seen > DRAIN_BYTES_MAX {
                return Err(BodyError::TooLarge);
            }
        }
    }
    if seen > max { Err(BodyError::TooLarge) } else { Ok(kept.freeze()) }
}
