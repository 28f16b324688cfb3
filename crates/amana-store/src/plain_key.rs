//! Under whose key a message without bank data is: of somebody who is linked, under theirs, so that an erasure holds
//! for it too, also against a copy of the database; of nobody, under the deployment's.

use crate::{Answer, Link, LinkState, Store};
use amana_core::{CustomerId, Shard};
use amana_gate::{DataKey, Disclosure, OutboxRow};
use std::ops::Deref;
use std::sync::Arc;

/// The key of a message without bank data, with whose it is.
pub struct PlainKey<'a> {
    of: Option<(Shard, CustomerId)>,
    key: Of<'a>,
}

enum Of<'a> {
    Deployment(&'a DataKey),
    Customer(Arc<DataKey>),
}

impl<'a> PlainKey<'a> {
    /// The deployment's key: for whoever is not linked, and for what must outlive a customer.
    #[must_use]
    pub fn deployment(store: &'a dyn Store) -> Self {
        Self { of: None, key: Of::Deployment(store.keyring().deployment()) }
    }

    /// The key of what is said in a chat with these links: of the customer of the oldest active one, else the
    /// deployment's.
    ///
    /// # Errors
    /// When the store cannot answer, or the customer's key does not open.
    pub async fn of_chat(store: &'a dyn Store, links: &[Link]) -> Answer<Self> {
        let active = links.iter().filter(|link| link.state == LinkState::Active);
        match active.min_by_key(|link| link.id) {
            Some(link) => Self::of_link(store, link).await,
            None => Ok(Self::deployment(store)),
        }
    }

    /// The key of what is said about a link, whose customer has confirmed it: the customer's. Where there is no such
    /// customer any more it is the deployment's; of one who is not there yet it is [`PlainKey::of_new`].
    ///
    /// # Errors
    /// As [`PlainKey::of_chat`].
    pub async fn of_link(store: &'a dyn Store, link: &Link) -> Answer<Self> {
        let of = (link.shard, link.customer);
        Ok(match store.customer(of.0, of.1).await? {
            Some(customer) => Self { of: Some(of), key: Of::Customer(customer.key) },
            None => Self::deployment(store),
        })
    }

    /// The key of what is said about a link to a customer who comes to be in the same commit: theirs, as
    /// [`Store::new_customer_key`] gave it. The command that makes them is before the message's.
    #[must_use]
    pub fn of_new(place: (Shard, CustomerId), key: Arc<DataKey>) -> Self {
        Self { of: Some(place), key: Of::Customer(key) }
    }

    /// The key under which a row without a basis is. `None` when the customer was erased: nothing opens it any more.
    ///
    /// # Errors
    /// As [`PlainKey::of_chat`].
    pub async fn of_row(store: &'a dyn Store, row: &OutboxRow) -> Answer<Option<Self>> {
        let Some((shard, id)) = row.under else { return Ok(Some(Self::deployment(store))) };
        let customer = store.customer(shard, id).await?;
        Ok(customer.map(|customer| Self { of: row.under, key: Of::Customer(customer.key) }))
    }

    /// Whether it is a customer's, so that its name says whose link is meant.
    #[must_use]
    pub fn is_a_customers(&self) -> bool {
        self.of.is_some()
    }

    /// Writes onto a message that was sealed under this key whose key it is.
    pub fn name_in(&self, mut disclosure: Disclosure) -> Disclosure {
        disclosure.row.under = self.of;
        disclosure
    }
}

impl Deref for PlainKey<'_> {
    type Target = DataKey;
    fn deref(&self) -> &DataKey {
        match &self.key {
            Of::Deployment(key) => key,
            Of::Customer(key) => key,
        }
    }
}
