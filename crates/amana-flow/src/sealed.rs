//! The bytes of inbox rows: what is encrypted under which key.

use crate::error::FlowError;
use crate::gateway::Gateway;
use amana_channel::webhook::Inbound;
use amana_core::{BankEvent, BankEventBody, ConversationId, CustomerId, EventKey, LinkId, Shard};
use amana_gate::{Protected, Subject, Unaddressed};
use amana_store::{Customer, InboxRow, Link};
use zeroize::Zeroizing;

/// A bank's event as its inbox row holds it: customer and link in clear (random ids of ours, needed to find the key),
/// then the envelope under the customer's key, and the protected body under that of the purpose which the event serves.
const HEAD: usize = 32;

/// How a chat's row begins: under whose key the rest is.
const STRANGER: u8 = 0;
/// See [`STRANGER`]; then come the customer's shard and id.
const CUSTOMER: u8 = 1;
/// What could not be read, as it came, under the deployment's key: nobody knows whose it is.
const UNREAD: u8 = 2;

impl Gateway {
    /// The event of somebody who is linked is under that customer's key: with it goes what they wrote. Of several
    /// links, the oldest one's. The event of a stranger is under the deployment's key.
    pub(crate) async fn seal_chat(&self, inbound: &Inbound, key: &EventKey) -> Result<Vec<u8>, FlowError> {
        let plain = serde_json::to_vec(inbound).map_err(|_| FlowError::Unreadable("event"))?;
        let plain = Zeroizing::new(plain);
        let context = chat_context(&key.0);
        let Some(customer) = self.customer_in(&inbound.conversation).await? else {
            let sealed = self.store.keyring().deployment().seal(&context, &plain, &*self.entropy)?;
            return Ok([&[STRANGER], sealed.as_slice()].concat());
        };
        let sealed = customer.key.seal(&context, &plain, &*self.entropy)?;
        let shard = customer.shard.0.to_be_bytes();
        Ok([&[CUSTOMER], shard.as_slice(), customer.id.as_bytes(), &sealed].concat())
    }

    /// The customer of the oldest link of a conversation. One whose rows do not open is nobody: what others wrote in
    /// the same delivery must be taken in.
    async fn customer_in(&self, conversation: &ConversationId) -> Result<Option<Customer>, FlowError> {
        let look = async {
            let links = self.store.links_of_conversation(conversation).await?;
            let Some(link) = links.first() else { return Ok(None) };
            self.store.customer(link.shard, link.customer).await
        };
        match look.await {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a chat's event is kept as a stranger's");
                Ok(None)
            }
            answer => Ok(answer?),
        }
    }

    /// What could not be read, as it came.
    pub(crate) fn seal_unread(&self, raw: &[u8], key: &EventKey) -> Result<Vec<u8>, FlowError> {
        let sealed = self.store.keyring().deployment().seal(&unread_context(&key.0), raw, &*self.entropy)?;
        Ok([&[UNREAD], sealed.as_slice()].concat())
    }

    /// What could not be read when it came; `None` where a row is something else.
    pub(crate) fn open_unread(&self, row: &InboxRow) -> Result<Option<Zeroizing<Vec<u8>>>, FlowError> {
        let Some((&UNREAD, sealed)) = row.body.split_first() else { return Ok(None) };
        let raw = self.store.keyring().deployment().open(&unread_context(&row.key.0), sealed)?;
        Ok(Some(Zeroizing::new(raw)))
    }

    /// Opens a chat's row. `None` when the customer under whose key it is was erased.
    pub(crate) async fn open_chat(&self, row: &InboxRow) -> Result<Option<Inbound>, FlowError> {
        self.open_chat_body(&row.key, &row.body).await
    }

    /// The same of the bytes alone.
    pub(crate) async fn open_chat_body(
        &self,
        key: &EventKey,
        body: &[u8],
    ) -> Result<Option<Inbound>, FlowError> {
        let unreadable = || FlowError::Unreadable("event");
        let context = chat_context(&key.0);
        let (kind, rest) = body.split_first().ok_or_else(unreadable)?;
        let plain = match *kind {
            STRANGER => self.store.keyring().deployment().open(&context, rest)?,
            CUSTOMER => {
                let (shard, rest) = rest.split_at_checked(2).ok_or_else(unreadable)?;
                let (id, sealed) = rest.split_at_checked(16).ok_or_else(unreadable)?;
                let shard = Shard(u16::from_be_bytes(shard.try_into().map_err(|_| unreadable())?));
                let id = CustomerId::from_bytes(id.try_into().map_err(|_| unreadable())?);
                let Some(customer) = self.store.customer(shard, id).await? else { return Ok(None) };
                customer.key.open(&context, sealed)?
            }
            _ => return Err(unreadable()),
        };
        serde_json::from_slice(&Zeroizing::new(plain)).map(Some).map_err(|_| unreadable())
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
        self.seal_event(customer, link, event, &body.about(subject), key)
    }

    /// The same of an event whose customer is known.
    pub(crate) fn seal_event(
        &self,
        customer: &Customer,
        link: &Link,
        event: &BankEvent,
        body: &Protected<BankEventBody>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, FlowError> {
        let envelope = serde_json::to_vec(event).map_err(|_| FlowError::Unreadable("event"))?;
        let envelope = customer.key.seal(&envelope_context(key), &envelope, &*self.entropy)?;
        let purpose_key = customer.key.for_purpose(crate::update::purpose_of(event.kind));
        let data = body.seal(&purpose_key, &data_context(key), &*self.entropy)?;
        let length = u32::try_from(envelope.len()).map_err(|_| FlowError::Unreadable("event"))?;
        Ok([customer.id.as_bytes().as_slice(), link.id.as_bytes(), &length.to_be_bytes(), &envelope, &data]
            .concat())
    }

    /// Opens a bank's row, and reads the customer and the link that it is about. `None` when either is gone.
    pub(crate) async fn open_bank(&self, row: &InboxRow) -> Result<Option<BankWork>, FlowError> {
        self.open_bank_body(row.shard, &row.key, &row.body).await
    }

    /// The same of the bytes alone, which news that wait keep.
    pub(crate) async fn open_bank_body(
        &self,
        shard: Shard,
        key: &EventKey,
        body: &[u8],
    ) -> Result<Option<BankWork>, FlowError> {
        let unreadable = || FlowError::Unreadable("event");
        let (head, rest) = body.split_at_checked(HEAD).ok_or_else(unreadable)?;
        let (customer, link) = head.split_at_checked(16).ok_or_else(unreadable)?;
        let customer = CustomerId::from_bytes(customer.try_into().map_err(|_| unreadable())?);
        let link = LinkId::from_bytes(link.try_into().map_err(|_| unreadable())?);
        let Some(customer) = self.store.customer(shard, customer).await? else { return Ok(None) };
        let Some(link) = self.store.link(shard, link).await? else { return Ok(None) };
        let (length, rest) = rest.split_at_checked(4).ok_or_else(unreadable)?;
        let length = u32::from_be_bytes(length.try_into().map_err(|_| unreadable())?);
        let (envelope, data) = rest.split_at_checked(length as usize).ok_or_else(unreadable)?;
        let envelope = customer.key.open(&envelope_context(&key.0), envelope)?;
        let event: BankEvent = serde_json::from_slice(&envelope).map_err(|_| unreadable())?;
        let subject = Subject { institution: link.institution.clone(), customer: customer.id };
        let purpose_key = customer.key.for_purpose(crate::update::purpose_of(event.kind));
        let body = Protected::unseal(subject, &purpose_key, &data_context(&key.0), data)?;
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

fn unread_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox unread".as_slice(), key].concat()
}

fn envelope_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox bank envelope".as_slice(), key].concat()
}

fn data_context(key: &[u8; 32]) -> Vec<u8> {
    [b"inbox bank data".as_slice(), key].concat()
}
