//! The bytes of inbox rows: what is encrypted under which key.

use crate::error::FlowError;
use crate::gateway::Gateway;
use amana_channel::webhook::Inbound;
use amana_core::{BankEvent, BankEventBody, CustomerId, LinkId, Shard};
use amana_gate::{Protected, Subject, Unaddressed};
use amana_store::{Customer, InboxRow, Link};

/// A bank's event as its inbox row holds it: customer and link in clear (random ids of ours, needed to find the key),
/// then the envelope under the customer's key, and the protected body under that of the purpose which the event serves.
const HEAD: usize = 32;

impl Gateway {
    pub(crate) fn seal_chat(&self, inbound: &Inbound) -> Result<Vec<u8>, FlowError> {
        let plain = serde_json::to_vec(inbound).map_err(|_| FlowError::Unreadable("event"))?;
        Ok(self.store.keyring().deployment().seal(&chat_context(&inbound.key.0), &plain, &*self.entropy)?)
    }

    pub(crate) fn open_chat(&self, row: &InboxRow) -> Result<Inbound, FlowError> {
        let plain = self.store.keyring().deployment().open(&chat_context(&row.key.0), &row.body)?;
        serde_json::from_slice(&plain).map_err(|_| FlowError::Unreadable("event"))
    }

    pub(crate) fn seal_bank(
        &self,
        customer: &Customer,
        link: &Link,
        event: &BankEvent,
        body: &Unaddressed<BankEventBody>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, FlowError> {
        let subject = Subject { institution: link.institution.clone(), customer: customer.id };
        let envelope = serde_json::to_vec(event).map_err(|_| FlowError::Unreadable("event"))?;
        let envelope = customer.key.seal(&envelope_context(key), &envelope, &*self.entropy)?;
        let purpose_key = customer.key.for_purpose(crate::update::purpose_of(event.kind));
        let data = body.about(subject).seal(&purpose_key, &data_context(key), &*self.entropy)?;
        let length = u32::try_from(envelope.len()).map_err(|_| FlowError::Unreadable("event"))?;
        Ok([customer.id.as_bytes().as_slice(), link.id.as_bytes(), &length.to_be_bytes(), &envelope, &data]
            .concat())
    }

    /// Opens a bank's row, and reads the customer and the link that it is about. `None` when either is gone.
    pub(crate) async fn open_bank(&self, row: &InboxRow) -> Result<Option<BankWork>, FlowError> {
        let unreadable = || FlowError::Unreadable("event");
        let (head, rest) = row.body.split_at_checked(HEAD).ok_or_else(unreadable)?;
        let (customer, link) = head.split_at_checked(16).ok_or_else(unreadable)?;
        let customer = CustomerId::from_bytes(customer.try_into().map_err(|_| unreadable())?);
        let link = LinkId::from_bytes(link.try_into().map_err(|_| unreadable())?);
        let Some(customer) = self.store.customer(row.shard, customer).await? else { return Ok(None) };
        let Some(link) = self.store.link(row.shard, link).await? else { return Ok(None) };
        let (length, rest) = rest.split_at_checked(4).ok_or_else(unreadable)?;
        let length = u32::from_be_bytes(length.try_into().map_err(|_| unreadable())?);
        let (envelope, data) = rest.split_at_checked(length as usize).ok_or_else(unreadable)?;
        let envelope = customer.key.open(&envelope_context(&row.key.0), envelope)?;
        let event: BankEvent = serde_json::from_slice(&envelope).map_err(|_| unreadable())?;
        let subject = Subject { institution: link.institution.clone(), customer: customer.id };
        let purpose_key = customer.key.for_purpose(crate::update::purpose_of(event.kind));
        let body = Protected::unseal(subject, &purpose_key, &data_context(&row.key.0), data)?;
        Ok(Some(BankWork { customer, link, event, body }))
    }

    pub(crate) async fn customer_of(&self, shard: Shard, id: CustomerId) -> Result<Customer, FlowError> {
        self.store.customer(shard, id).await?.ok_or(FlowError::Unreadable("customer"))
    }
}

/// A bank's event, with whom it concerns.
pub(crate) struct BankWork {
    pub(crate) customer: Customer,
    pub(crate) link: Link,
    pub(crate) event: BankEvent,
    pub(crate) body: Protected<BankEventBody>,
}

fn chat_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox chat".as_slice(), key].concat()
}

fn envelope_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox bank envelope".as_slice(), key].concat()
}

fn data_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox bank data".as_slice(), key].concat()
}
