//! What egress reads of a database by a connection of its own: the kill switches, and whether a link is active. It
//! needs no key, and writes nothing. And the kill switches for the operator, who turns them without a key, too: a stop
//! must not wait for whoever keeps the master key.

use crate::apply::{Applied, Refused, clear_kill, set_kill};
use crate::db::Backend;
use crate::open::{Place, place};
use crate::{Answer, OpenError, Outcome, StoreError, postgres, queries, queries_keep, sqlite};
use amana_core::{CustomerId, Kill, KillScope, KillSwitches, LinkId, Timestamp};
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

/// The kill switches of a store, for a process that has none of its keys.
#[async_trait]
pub trait Switches: Send + Sync {
    /// The kill switches that are on.
    async fn kills(&self) -> Answer<KillSwitches>;
    /// Turns one on; durable when it returns. On twice is once: whether it was off before.
    async fn set(&self, kill: Kill) -> Answer<bool>;
    /// Turns one off, the same way: whether it was on before.
    async fn clear(&self, scope: KillScope) -> Answer<bool>;
    /// Whether there is such a customer: a switch for another would stop nothing.
    async fn knows(&self, customer: CustomerId) -> Answer<bool>;
}

struct Writing<B>(B);

#[async_trait]
impl<B: Backend> Switches for Writing<B> {
    async fn kills(&self) -> Answer<KillSwitches> {
        self.0.read(|db| Box::pin(async move { queries::kills(db).await })).await
    }
    async fn set(&self, kill: Kill) -> Answer<bool> {
        self.0.read(move |db| Box::pin(async move { changed(set_kill(db, &kill).await) })).await
    }
    async fn clear(&self, scope: KillScope) -> Answer<bool> {
        self.0.read(move |db| Box::pin(async move { changed(clear_kill(db, &scope).await) })).await
    }
    async fn knows(&self, customer: CustomerId) -> Answer<bool> {
        let place = self.0.read(move |db| Box::pin(queries_keep::customer_place(db, customer))).await?;
        Ok(place.is_some_and(|place| place.erased_at.is_none()))
    }
}

fn changed(done: Applied) -> Answer<bool> {
    match done {
        Ok(outcome) => Ok(outcome == Outcome::Changed),
        Err(Refused::Store(error)) => Err(error),
        Err(Refused::Conflict(what)) => Err(StoreError::new(format!("a kill switch was refused: {what}"))),
    }
}

/// Opens the kill switches of the store at a URL of [`crate::open()`], which must be there with this version's schema.
///
/// # Errors
/// [`OpenError`], which says how to mend it.
pub async fn open_switches(url: &str, now: Timestamp) -> Result<Arc<dyn Switches>, OpenError> {
    match place(url)? {
        Place::Sqlite(path) => {
            let path = path.to_owned();
            let opened = tokio::task::spawn_blocking(move || sqlite::alone(&path, now)).await;
            let opened = opened.map_err(|_| StoreError::new("opening it was interrupted"))?;
            Ok(Arc::new(Writing(opened?)))
        }
        Place::Postgres(url) => Ok(Arc::new(Writing(postgres::alone(url, now).await?))),
    }
}
