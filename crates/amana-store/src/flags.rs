//! What egress reads of a database by a connection of its own: the kill switches, and whether a link is active. It
//! needs no key, and writes nothing.

use crate::db::Backend;
use crate::open::{Place, place};
use crate::{Answer, OpenError, postgres, queries, sqlite};
use amana_core::{KillSwitches, LinkId};
use async_trait::async_trait;
use std::sync::Arc;

/// The readable part of a store, for a process that has none of its keys.
#[async_trait]
pub trait Flags: Send + Sync {
    /// The kill switches that are on.
    async fn kills(&self) -> Answer<KillSwitches>;
    /// Whether this link is active: whether it binds its customer to its conversation now.
    async fn is_link_active(&self, id: LinkId) -> Answer<bool>;
}

struct ReadOnly<B>(B);

#[async_trait]
impl<B: Backend> Flags for ReadOnly<B> {
    async fn kills(&self) -> Answer<KillSwitches> {
        self.0.read(|db| Box::pin(async move { queries::kills(db).await })).await
    }
    async fn is_link_active(&self, id: LinkId) -> Answer<bool> {
        self.0.read(move |db| Box::pin(async move { queries::is_link_active(db, id).await })).await
    }
}

/// Opens the flags of the store at a URL of [`crate::open()`]. With PostgreSQL, a user that may `SELECT` from `kill`
/// and
/// `link` is enough. Nothing is asked of the database yet.
///
/// # Errors
/// When the URL is none, or the client cannot be made.
pub fn open_flags(url: &str) -> Result<Arc<dyn Flags>, OpenError> {
    match place(url)? {
        Place::Sqlite(path) => Ok(Arc::new(ReadOnly(sqlite::readers(path)))),
        Place::Postgres(url) => Ok(Arc::new(ReadOnly(postgres::readers(url)?))),
    }
}
