//! What both engines can do, as one small trait: the commands and queries above it are written once.
//!
//! Statements are in the subset that both engines read: numbered parameters `$1`, `ON CONFLICT DO NOTHING`,
//! `RETURNING`, partial indexes, 64-bit integers, text and bytes; no server time, no server randomness, no triggers.

use crate::StoreError;
use crate::kept::Kept;
use amana_core::{
    AgreementId, ConsentId, CustomerId, LinkId, MessageId, Shard, Timestamp, from_micros, micros,
};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

/// A value in a statement, which borrows it where it can, or in a row, which owns it. Ids, hashes and keys lie in it: a
/// statement of the writer has up to twenty values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
    Id([u8; 16]),
    Hash([u8; 32]),
}

/// The parameters of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}
pub(crate) use values;

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}
impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(Cow::Owned(value))
    }
}
impl<const N: usize> From<[u8; N]> for Value<'_> {
    fn from(value: [u8; N]) -> Self {
        let bytes = value.as_slice();
        if let Ok(id) = bytes.try_into() {
            Self::Id(id)
        } else if let Ok(hash) = bytes.try_into() {
            Self::Hash(hash)
        } else {
            Self::Blob(Cow::Owned(bytes.to_vec()))
        }
    }
}
impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(micros(value))
    }
}
impl From<Shard> for Value<'_> {
    fn from(value: Shard) -> Self {
        Self::Int(i64::from(value.0))
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
macro_rules! id_values {
    ($($id:ident),+) => { $(
        impl From<$id> for Value<'_> {
            fn from(value: $id) -> Self {
                Self::Id(*value.as_bytes())
            }
        }
    )+ };
}
id_values!(AgreementId, ConsentId, CustomerId, LinkId, MessageId);

/// A row, read column after column in the order of the statement.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value<'static>>);

fn damaged() -> StoreError {
    StoreError::damaged(
        "a stored row is not as it was written: the database was changed from outside, or is damaged",
    )
}

impl Row {
    pub(crate) fn new(values: Vec<Value<'static>>) -> Self {
        Self(values.into_iter())
    }
    fn value(&mut self) -> Result<Value<'static>, StoreError> {
        self.0.next().ok_or_else(damaged)
    }
    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(damaged)
    }
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        match self.value()? {
            Value::Int(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            Value::Text(_) | Value::Blob(_) | Value::Id(_) | Value::Hash(_) => Err(damaged()),
        }
    }
    /// An integer that must fit (a count, a number, a shard).
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        T::try_from(self.int()?).map_err(|_| damaged())
    }
    pub(crate) fn opt_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        self.opt_int()?.map(|value| T::try_from(value).map_err(|_| damaged())).transpose()
    }
    /// A stored code and what it means.
    pub(crate) fn code<T>(&mut self, meaning: fn(i64) -> Option<T>) -> Result<T, StoreError> {
        meaning(self.int()?).ok_or_else(damaged)
    }
    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }
    pub(crate) fn shard(&mut self) -> Result<Shard, StoreError> {
        self.number().map(Shard)
    }
    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(from_micros)
    }
    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(from_micros))
    }
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.opt_text()?.ok_or_else(damaged)
    }
    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.value()? {
            Value::Text(value) => Ok(Some(value.into_owned())),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Blob(_) | Value::Id(_) | Value::Hash(_) => Err(damaged()),
        }
    }
    /// A text that must parse (a foreign id).
    pub(crate) fn parsed<T: FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|_| damaged())
    }
    /// A text of JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(|_| damaged())
    }
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.opt_bytes()?.ok_or_else(damaged)
    }
    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.value()? {
            Value::Blob(value) => Ok(Some(value.into_owned())),
            Value::Id(value) => Ok(Some(value.to_vec())),
            Value::Hash(value) => Ok(Some(value.to_vec())),
            Value::Null => Ok(None),
            Value::Int(_) | Value::Text(_) => Err(damaged()),
        }
    }
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.bytes()?.try_into().map_err(|_| damaged())
    }
    pub(crate) fn opt_array<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        self.opt_bytes()?.map(|bytes| bytes.try_into().map_err(|_| damaged())).transpose()
    }
}

/// The kinds of position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Inbox,
    Outbox,
    Link,
    Consent,
}

impl Counter {
    pub(crate) const ALL: [Self; 4] = [Self::Inbox, Self::Outbox, Self::Link, Self::Consent];
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Link => "link",
            Self::Consent => "consent",
        }
    }
}

/// A statement that reads rows which nobody else may change before the end of the transaction. On SQLite whoever writes
/// is the only one.
macro_rules! locking {
    ($db:ty, $sql:expr) => {
        if <$db as $crate::db::Db>::LOCKS_ROWS { concat!($sql, " FOR NO KEY UPDATE") } else { $sql }
    };
}
pub(crate) use locking;

/// A statement that removes or changes rows of a table with positions: `(shard, position)` where that is the key, else
/// `position`. (SQLite does not use a key of one column to find pairs.)
macro_rules! by_position {
    ($db:ty, $before:literal, $after:literal) => {
        if <$db as $crate::db::Db>::POSITION_IS_KEY {
            concat!($before, "position IN (SELECT position", $after)
        } else {
            concat!($before, "(shard, position) IN (SELECT shard, position", $after)
        }
    };
}
pub(crate) use by_position;

/// One connection.
pub(crate) trait Db: Send {
    /// Whether rows have to be locked against other writers.
    const LOCKS_ROWS: bool;
    /// Whether rows of inbox and outbox have their position as their key. Where a database may be spread over machines
    /// the shard is before it.
    const POSITION_IS_KEY: bool;
    /// What the writer's transaction keeps in memory; empty on a connection that reads.
    fn kept(&mut self) -> &mut Kept;
    /// Runs a statement that answers no rows; how many rows it changed.
    fn run(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
    /// Runs a statement that answers rows.
    fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
    /// The next number of a counter. Numbers may be skipped, never repeated.
    fn next(&mut self, counter: Counter) -> impl Future<Output = Result<i64, StoreError>> + Send;
    /// Runs a statement that answers at most one row.
    fn row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send {
        async move { Ok(self.rows(sql, values).await?.into_iter().next()) }
    }
}

/// A future on the heap, as a reader's closure answers it.
pub(crate) type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Work on the heap, as [`crate::Store::at_one_moment`] takes it.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// An engine: how to read from it. Writing goes through [`crate::writer`].
pub(crate) trait Backend: Send + Sync + 'static {
    type Conn: Db + 'static;
    /// Runs a query on a connection of the engine's own choice; it sees every submission that was answered before.
    fn read<T, F>(&self, query: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Self::Conn) -> Reading<'a, T> + Send + 'static;
    /// The same for a look at a few rows by their keys: where the engine is in this process it is not worth a thread's
    /// waking.
    fn look<T, F>(&self, query: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Self::Conn) -> Reading<'a, T> + Send + 'static,
    {
        self.read(query)
    }
    /// Runs work whose queries are answered as of one moment, where the engine gains by it.
    fn at_one_moment(&self, work: Work<'_>) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            work.await;
            Ok(())
        }
    }
}
