//! A value from a bank: closed to everyone but the gate.

use crate::key::{DataKey, Domain, KeyError};
use amana_core::{BankEventBody, CustomerId, Entropy, InstitutionId};
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

/// A value from a bank about one customer.
///
/// It has no `Debug`, `Display`, `Clone`, `Serialize`, `PartialEq`, `Deref` or accessor. Transformations take a plain
/// `fn` pointer, not a closure, so that they cannot capture somewhere to put the value.
#[must_use]
pub struct Protected<T> {
    value: T,
    subject: Subject,
}

/// A value that a bank pushed before we know which customer it is about. As closed as [`Protected`].
#[must_use]
pub struct Unaddressed<T>(T);

impl<T> Unaddressed<T> {
    /// Closes a value as it is parsed.
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T: Clone> Unaddressed<T> {
    /// The value as data of one customer. An account with two holders gives each their own.
    pub fn about(&self, subject: Subject) -> Protected<T> {
        Protected { value: self.0.clone(), subject }
    }
}

impl<T> Protected<T> {
    /// Closes a value that was fetched for one customer. Closing is harmless; only the gate opens.
    pub fn new(subject: Subject, value: T) -> Self {
        Self { value, subject }
    }

    /// Whose it is.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// A pure transformation; the result is as closed.
    pub fn map<U>(self, f: fn(T) -> U) -> Protected<U> {
        Protected { value: f(self.value), subject: self.subject }
    }

    /// A pure transformation with arguments (a question's merchant, a period); the result is as closed.
    pub fn map_with<A, U>(self, args: &A, f: fn(T, &A) -> U) -> Protected<U> {
        Protected { value: f(self.value, args), subject: self.subject }
    }

    /// Several values of one subject as one; `None` when there is none, or when they are not all about the same person.
    #[must_use]
    pub fn collect(values: Vec<Self>) -> Option<Protected<Vec<T>>> {
        let subject = values.first()?.subject.clone();
        if values.iter().any(|v| v.subject != subject) {
            return None;
        }
        Some(Protected { value: values.into_iter().map(|v| v.value).collect(), subject })
    }

    pub(crate) fn open(&self) -> &T {
        &self.value
    }
}

impl<T: Serialize> Protected<T> {
    /// The value at rest: encrypted under the customer's key. `context` says which row it is for.
    ///
    /// # Errors
    /// When it cannot be serialised or encrypted.
    pub fn seal(&self, key: &DataKey, context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, KeyError> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&self.value).map_err(|_| KeyError)?);
        key.seal_as(Domain::Protected, context, &plain, entropy)
    }
}

impl<T: DeserializeOwned> Protected<T> {
    /// The value that [`Protected::seal`] put to rest, still closed.
    ///
    /// # Errors
    /// When key, context or bytes are not those.
    pub fn unseal(subject: Subject, key: &DataKey, context: &[u8], sealed: &[u8]) -> Result<Self, KeyError> {
        let plain = zeroize::Zeroizing::new(key.open_as(Domain::Protected, context, sealed)?);
        Ok(Self { value: serde_json::from_slice(&plain).map_err(|_| KeyError)?, subject })
    }
}

impl Protected<BankEventBody> {
    /// A keyed fingerprint of what a customer would be told (amount, currency, direction, merchant): equal fingerprints
    /// mean that there is nothing new to say. Without the customer's key it says nothing.
    #[must_use]
    pub fn fingerprint(&self, key: &DataKey) -> [u8; 32] {
        match &self.value {
            BankEventBody::Transaction(t) => key.mac(&[
                b"transaction",
                &t.amount.minor.to_be_bytes(),
                t.amount.currency.code().as_bytes(),
                &[t.direction as u8],
            ]),
            BankEventBody::Balance(a) => {
                // What can be spent is what a person goes by: it changes with the authorization, and not again when the
                // purchase is booked. Where the bank does not say it, the booked balance has to do.
                let told = a.available.or(a.current);
                let minor = told.map_or([0; 8], |m| m.minor.to_be_bytes());
                key.mac(&[b"balance", a.id.as_str().as_bytes(), &[u8::from(told.is_some())], &minor])
            }
        }
    }
}
