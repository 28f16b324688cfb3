//! Reading a body within a bound, with an answer that the sender hears.

use crate::limits::DRAIN_BYTES_MAX;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use std::ops::Deref;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Larger than the bound.
    TooLarge,
    /// Other bodies took all the room that there is.
    NoRoom,
    /// The connection broke.
    Broken,
}

/// A body, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    bytes: Bytes,
    _room: Option<SemaphorePermit<'a>>,
}

impl Deref for Kept<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a body of at most `max` bytes, each of which takes a permit of `room` as it comes (what is announced and not
/// sent takes none). A larger one, or one without room, is read on and thrown away (to [`DRAIN_BYTES_MAX`]): a
/// sender that is still writing would see a broken connection instead of the answer.
pub(crate) async fn read(body: Body, max: usize, room: &Semaphore) -> Result<Kept<'_>, BodyError> {
    let mut stream = body.into_data_stream();
    let mut kept = BytesMut::new();
    let mut taken: Option<SemaphorePermit<'_>> = None;
    let mut refused = None;
    let mut seen = 0usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        seen = seen.saturating_add(chunk.len());
        if refused.is_none() {
            let more = u32::try_from(chunk.len()).ok().and_then(|len| room.try_acquire_many(len).ok());
            refused = match more {
                _ if seen > max => Some(BodyError::TooLarge),
                None => Some(BodyError::NoRoom),
                Some(more) => {
                    match &mut taken {
                        Some(taken) => taken.merge(more),
                        None => taken = Some(more),
                    }
                    kept.extend_from_slice(&chunk);
                    None
                }
            };
        }
        if refused.is_some() {
            kept = BytesMut::new();
            taken = None;
            if seen > DRAIN_BYTES_MAX {
                break;
            }
        }
    }
    refused.map_or_else(|| Ok(Kept { bytes: kept.freeze(), _room: taken }), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: &[&'static [u8]]) -> Body {
        let chunks: Vec<Result<Bytes, std::io::Error>> =
            chunks.iter().map(|c| Ok(Bytes::from_static(c))).collect();
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_body_holds_its_room_until_it_is_dropped_and_a_refused_one_holds_none() {
        let room = Semaphore::new(6);
        let first = read(body(&[b"ab", b"cd"]), 4, &room).await.expect("read");
        assert_eq!((&*first, room.available_permits()), (&b"abcd"[..], 2));
        let second = read(body(&[b"ab", b"c"]), 4, &room).await;
        assert_eq!((second.err(), room.available_permits()), (Some(BodyError::NoRoom), 2));
        drop(first);
        assert_eq!(room.available_permits(), 6);
        let large = read(body(&[b"abcd", b"e"]), 4, &room).await;
        assert_eq!((large.err(), room.available_permits()), (Some(BodyError::TooLarge), 6));
    }
}
