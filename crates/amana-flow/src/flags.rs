//! What egress reads from the store right before a send, whoever brings the bytes.

use crate::limits::LAST_LOOK;
use amana_channel::StopFlags;
use amana_core::{KillSwitches, LinkId};
use amana_store::{Answer, Flags, Store};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::time::timeout;

/// The kill switches and links of a store.
pub struct StoreFlags(Source);

enum Source {
    Store(Arc<dyn Store>),
    ReadOnly(Arc<dyn Flags>),
}

impl StoreFlags {
    /// Those of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Source::Store(store))
    }

    /// Those of a database that this process can only read, and has no key of.
    #[must_use]
    pub fn read_only(flags: Arc<dyn Flags>) -> Self {
        Self(Source::ReadOnly(flags))
    }
}

#[async_trait]
impl StopFlags for StoreFlags {
    async fn kills(&self) -> Option<KillSwitches> {
        match &self.0 {
            // Others may have this node's shards once its lease was not renewed for a while, and the database cannot
            // refuse a call to the platform.
            Source::Store(store) => answer(store.kills()).await.filter(|_| {
                let fresh = store.lease().is_fresh;
                if !fresh {
                    tracing::error!("this node's lease was not renewed for too long, so nothing is sent");
                }
                fresh
            }),
            Source::ReadOnly(flags) => answer(flags.kills()).await,
        }
    }

    async fn is_bound(&self, link: LinkId) -> Option<bool> {
        match &self.0 {
            Source::Store(store) => answer(store.is_link_active(link)).await,
            Source::ReadOnly(flags) => answer(flags.is_link_active(link)).await,
        }
    }
}

/// The answer, if it came in time.
pub(crate) async fn answer<T>(asked: impl Future<Output = Answer<T>>) -> Option<T> {
    match timeout(LAST_LOOK, asked).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::error!(%error, "what stops a send cannot be read, so nothing is sent");
            None
        }
        Err(_) => {
            tracing::error!("what stops a send cannot be read in time, so nothing is sent");
            None
        }
    }
}
