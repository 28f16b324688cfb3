//! A value from a bank: closed to everyone but the gate.

use crate::key::{DataKey, Domain, KeyError};
use amana_core::{Account, BankEventBody, CustomerId, Entropy, InstitutionId, Page, Transaction};
use amana_pure::Book;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Whose data it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// At which institution.
    pub institution: InstitutionId,
    /// Who.
    pub customer: CustomerId,
}

mod sealed {
    pub trait Sealed {}
}

/// What a bank can say of a customer: a closed list. Sealed, so that no type of somebody else's is ever made from what
/// was sealed, cloned or written out in here; its code would see the value.
pub trait BankData: sealed::Sealed + Clone + Serialize + DeserializeOwned {}

macro_rules! bank_data {
    ($($data:ty),+ $(,)?) => { $(
        impl sealed::Sealed for $data {}
        impl BankData for $data {}
    )+ };
}

bank_data!(Vec<Account>, Page<Transaction>, BankEventBody, Vec<BankEventBody>, Book);

/// A value from a bank about one customer.
///
/// It has no `Debug`, `Display`, `Clone`, `Serialize`, `PartialEq`, `Deref` or accessor. Its transformations are in
/// this crate (`transform.rs`), made of the pure functions of `amana-pure`; nobody can bring another.
#[must_use]
pub struct Protected<T: BankData> {
    value: T,
    subject: Subject,
}

/// A value that a bank pushed before we know which customer it is about. As closed as [`Protected`].
#[must_use]
pub struct Unaddressed<T: BankData>(T);

impl<T: BankData> Unaddressed<T> {
    /// Closes a value as it is parsed; as [`Protected::new`], for what a bank said.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value as data of one customer. An account with two holders gives each their own.
    pub fn about(&self, subject: Subject) -> Protected<T> {
        Protected { value: self.0.clone(), subject }
    }
}

impl<T: BankData> Protected<T> {
    /// Closes a value that was fetched for one customer. Only the gate opens it. For what a bank said: a value that
    /// somebody made up could be held against a customer's ([`Protected::is_told`]), so `cargo xtask tidy` finds every
    /// other place that closes one.
    pub fn new(subject: Subject, value: T) -> Self {
        Self { value, subject }
    }

    /// Whose it is.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn open(&self) -> &T {
        &self.value
    }

    pub(crate) fn open_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// The value for a viewer, if it is theirs.
    pub(crate) fn open_for(&self, viewer: &Subject) -> Option<&T> {
        (self.subject == *viewer).then_some(&self.value)
    }

    /// A pure transformation; the result is as closed. For this crate alone: a function that anybody could bring could
    /// keep what it sees.
    pub(crate) fn map<U: BankData>(self, f: impl FnOnce(T) -> U) -> Protected<U> {
        Protected { value: f(self.value), subject: self.subject }
    }

    /// Values of one subject as one, by the function; `None` when there is none, or when they are not all about the
    /// same person.
    pub(crate) fn join<U: BankData>(values: Vec<Self>, f: impl FnOnce(Vec<T>) -> U) -> Option<Protected<U>> {
        let subject = values.first()?.subject.clone();
        if values.iter().any(|v| v.subject != subject) {
            return None;
        }
        Some(Protected { value: f(values.into_iter().map(|v| v.value).collect()), subject })
    }

    /// The value at rest: encrypted under the customer's key. `context` says which row it is for.
    ///
    /// # Errors
    /// When it cannot be serialised or encrypted.
    pub fn seal(&self, key: &DataKey, context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, KeyError> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&self.value).map_err(|_| KeyError)?);
        key.seal_as(Domain::Protected, context, &plain, entropy)
    }

    /// The value that [`Protected::seal`] put to rest, still closed.
    ///
    /// # Errors
    /// When key, context or bytes are not those.
    pub fn unseal(subject: Subject, key: &DataKey, context: &[u8], sealed: &[u8]) -> Result<Self, KeyError> {
        let plain = zeroize::Zeroizing::new(key.open_as(Domain::Protected, context, sealed)?);
        Ok(Self { value: serde_json::from_slice(&plain).map_err(|_| KeyError)?, subject })
    }

    /// The value, for a test of what was closed. Only with the feature `open-in-tests`, which `cargo xtask tidy` allows
    /// in `[dev-dependencies]` alone: no program that is built for use has this door.
    #[cfg(feature = "open-in-tests")]
    pub fn open_in_test(&self) -> &T {
        &self.value
    }
}

impl Protected<Page<Transaction>> {
    /// No transactions, of a list that is not whole: where a reading failed.
    pub fn cut_off(subject: Subject) -> Self {
        Self { value: Page { rows: Vec::new(), truncated: true }, subject }
    }
}

impl Protected<Book> {
    /// A customer's book, in which nothing stands yet.
    pub fn begun(subject: Subject) -> Self {
        Self { value: Book::default(), subject }
    }
}
