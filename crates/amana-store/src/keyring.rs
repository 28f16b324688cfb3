//! The keys of a deployment, from the top down.
//!
//! ```text
//! master key      a file, or a key management service; wraps the root key and does nothing else
//!  └ root key     random, kept wrapped in the custody
//!     ├ deployment, blind, ticket, jobs      derived
//!     └ institution key                      derived, one for each institution
//!        └ customer key                      random; opens with the institution key and the customer's share
//!           └ data key of a purpose          derived (`DataKey::for_purpose`)
//! ```

use crate::custody::{Custody, CustodyError, Holder, Share};
use amana_core::{AccountId, ConversationId, CustomerId, Entropy, EventKey, InstitutionId, Timestamp};
use amana_gate::{DataKey, KeyError};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why a master key did not wrap or unwrap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// It is not the key under which this was wrapped.
    #[error("it is another master key")]
    Wrong,
    /// It cannot be used now: who keeps it is away, refuses, or answers what is no key.
    #[error("{0}")]
    Away(String),
}

/// The key at the top. It wraps the root key, and nothing else: a key management service can stand here. It is used
/// when a store is opened, and not after.
pub trait MasterKey: Send + Sync {
    /// Encrypts the root key.
    ///
    /// # Errors
    /// When the key cannot be used now.
    fn wrap(&self, context: &[u8], root: &[u8; 32], entropy: &dyn Entropy)
    -> Result<Vec<u8>, MasterKeyError>;
    /// Opens what [`MasterKey::wrap`] made.
    ///
    /// # Errors
    /// When it was made under another master key, or the key cannot be used now.
    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, MasterKeyError>;
}

/// A master key whose bytes are at hand: those of a file.
impl MasterKey for DataKey {
    fn wrap(
        &self,
        context: &[u8],
        root: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, MasterKeyError> {
        self.wrap_root(context, root, entropy).map_err(|_| MasterKeyError::Wrong)
    }
    fn unwrap(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, MasterKeyError> {
        self.unwrap_root(context, wrapped).map_err(|_| MasterKeyError::Wrong)
    }
}

/// What the root key is wrapped for.
const ROOT: &[u8] = b"amana/root/v1";

/// What a store is opened with: the master key and the custody.
#[derive(Clone)]
pub struct Keys {
    /// The key at the top.
    pub master: Arc<dyn MasterKey>,
    /// Where the shares are.
    pub custody: Arc<dyn Custody>,
}

/// Why the root key does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// The custody has a root key of another master key.
    #[error("the master key is not the one of this key custody; give the key file that belongs to it")]
    WrongKey,
    /// The master key cannot be used now.
    #[error("the master key cannot be used: {0}")]
    Away(String),
    /// The custody.
    #[error(transparent)]
    Custody(#[from] CustodyError),
}

impl From<MasterKeyError> for RootError {
    fn from(error: MasterKeyError) -> Self {
        match error {
            MasterKeyError::Wrong => Self::WrongKey,
            MasterKeyError::Away(why) => Self::Away(why),
        }
    }
}

impl Keys {
    /// These keys.
    #[must_use]
    pub fn new(master: Arc<dyn MasterKey>, custody: Arc<dyn Custody>) -> Self {
        Self { master, custody }
    }

    /// The keyring under the custody's root key, which is made if there is none and `may_make` says so.
    ///
    /// # Errors
    /// [`RootError`]; `Ok(None)` where there is none.
    pub fn keyring(&self, may_make: bool, entropy: &dyn Entropy) -> Result<Option<Keyring>, RootError> {
        let wrapped = match self.custody.root()? {
            Some(wrapped) => wrapped,
            None if !may_make => return Ok(None),
            None => {
                let root = Zeroizing::new(entropy.array::<32>());
                let wrapped = wrap(&*self.master, &root, entropy)?;
                self.custody.set_root(None, &wrapped)?
            }
        };
        let root = self.master.unwrap(ROOT, &wrapped)?;
        Ok(Some(Keyring::new(&DataKey::new(*root))))
    }

    /// Puts another master key in the place of this one: the root key is wrapped anew, everything else stays as it is.
    ///
    /// # Errors
    /// [`RootError`], when this is not the custody's master key, or another process was faster; nothing changed then.
    pub fn rotate(&self, to: &dyn MasterKey, entropy: &dyn Entropy) -> Result<(), RootError> {
        let wrapped = self.custody.root()?.ok_or(RootError::WrongKey)?;
        let root = self.master.unwrap(ROOT, &wrapped)?;
        let anew = wrap(to, &root, entropy)?;
        if self.custody.set_root(Some(&wrapped), &anew)? != anew {
            return Err(RootError::WrongKey);
        }
        Ok(())
    }
}

/// Wraps a root key. What cannot be opened again is not kept.
fn wrap(master: &dyn MasterKey, root: &[u8; 32], entropy: &dyn Entropy) -> Result<Vec<u8>, RootError> {
    let wrapped = master.wrap(ROOT, root, entropy)?;
    if *master.unwrap(ROOT, &wrapped)? != *root {
        return Err(RootError::Away("it opens another key than the one that it wrapped".to_owned()));
    }
    Ok(wrapped)
}

/// Every key of the deployment that is not a customer's.
pub struct Keyring {
    root: DataKey,
    deployment: DataKey,
    blind: DataKey,
    ticket: DataKey,
    jobs: DataKey,
}

impl Keyring {
    /// The keys under this root key.
    #[must_use]
    pub fn new(root: &DataKey) -> Self {
        Self {
            root: root.derive("root"),
            deployment: root.derive("deployment"),
            blind: root.derive("blind"),
            ticket: root.derive("ticket"),
            jobs: root.derive("jobs"),
        }
    }

    /// The key for what belongs to no customer: the chat of somebody who is not linked, messages without bank data.
    #[must_use]
    pub fn deployment(&self) -> &DataKey {
        &self.deployment
    }

    /// The gate's key for tickets.
    #[must_use]
    pub fn ticket(&self) -> DataKey {
        self.ticket.derive("gate")
    }

    /// The seed of the key that signs the disclosure log's checkpoints.
    #[must_use]
    pub fn log_signing_seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.ticket.mac(&[b"amana/log-signer/v1"]))
    }

    /// An institution's key.
    fn institution(&self, institution: &InstitutionId) -> DataKey {
        self.root.derive(&format!("institution/{institution}"))
    }

    /// A lookup value for the bank's own id of a customer: useless without the key, unlike a plain hash.
    #[must_use]
    pub fn blind(&self, institution: &InstitutionId, subject: &str) -> [u8; 32] {
        self.institution(institution).mac(&[b"blind subject", subject.as_bytes()])
    }

    /// A lookup value for an account.
    #[must_use]
    pub fn blind_account(&self, institution: &InstitutionId, account: &AccountId) -> [u8; 32] {
        self.institution(institution).mac(&[b"blind account", account.as_str().as_bytes()])
    }

    /// A lookup value for an authenticator's own id of a passkey.
    #[must_use]
    pub fn blind_passkey(&self, id: &[u8]) -> [u8; 32] {
        self.blind.mac(&[b"passkey", id])
    }

    /// A lookup value for a consent by the bank's id of it.
    #[must_use]
    pub fn blind_bank_consent(&self, institution: &InstitutionId, id: &str) -> [u8; 32] {
        self.institution(institution).mac(&[b"blind bank consent", id.as_bytes()])
    }

    /// A lookup value for a person on a channel.
    #[must_use]
    pub fn blind_person(&self, conversation: &ConversationId) -> [u8; 32] {
        let (channel, psid) = (conversation.channel.as_str(), conversation.psid.as_str());
        self.blind.mac(&[b"person", channel.as_bytes(), psid.as_bytes()])
    }

    /// The lane of a conversation's events.
    #[must_use]
    pub fn lane(&self, conversation: &ConversationId) -> [u8; 32] {
        let (channel, psid) = (conversation.channel.as_str(), conversation.psid.as_str());
        self.blind.mac(&[b"lane", channel.as_bytes(), psid.as_bytes()])
    }

    /// An event's key as it is stored: its time in front stays, so that inserts stay local; the rest, a hash that could
    /// be guessed, becomes one that only we can make.
    #[must_use]
    pub fn event_key(&self, key: &EventKey) -> EventKey {
        const TIME: usize = 6;
        let mut out = key.0;
        let mac = self.blind.mac(&[b"event", &key.0]);
        out.iter_mut().skip(TIME).zip(mac).for_each(|(to, from)| *to = from);
        EventKey(out)
    }

    fn customer_above(&self, institution: &InstitutionId, id: CustomerId, share: &Share) -> DataKey {
        let key = self.institution(institution);
        DataKey::new(key.mac(&[b"customer", id.as_bytes(), share.as_slice()]))
    }

    /// A fresh customer key, wrapped; its share is in the custody, durably, when this returns. It blocks.
    ///
    /// # Errors
    /// `Err(None)` when the cipher fails.
    pub(crate) fn new_customer_key(
        &self,
        custody: &dyn Custody,
        institution: &InstitutionId,
        id: CustomerId,
        at: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CustodyError> {
        let share = custody.keep(Holder::Customer(id), &Zeroizing::new(entropy.array()), at)?;
        let above = self.customer_above(institution, id, &share);
        let name = institution.as_str().as_bytes();
        let cipher = || CustodyError::Away("the cipher refused a key".to_owned());
        let length = u16::try_from(name.len()).map_err(|_| cipher())?;
        let wrapped = DataKey::generate(entropy).wrap(&above, &context(id), entropy).map_err(|_| cipher())?;
        // The institution is in front: it says which key is above.
        Ok([&length.to_be_bytes(), name, &wrapped].concat())
    }

    /// A customer's key. `Ok(None)` when its share was destroyed. It may block.
    ///
    /// # Errors
    /// When it was wrapped under other keys, or is damaged; [`CustodyError`] inside when the custody is away.
    pub(crate) fn customer_key(
        &self,
        custody: &dyn Custody,
        id: CustomerId,
        wrapped: &[u8],
    ) -> Result<Option<DataKey>, OpenKeyError> {
        let (length, rest) = wrapped.split_at_checked(2).ok_or(KeyError)?;
        let length = length.try_into().map(u16::from_be_bytes).map_err(|_| KeyError)?;
        let (name, wrapped) = rest.split_at_checked(usize::from(length)).ok_or(KeyError)?;
        let name = std::str::from_utf8(name).map_err(|_| KeyError)?;
        let institution = InstitutionId::new(name).map_err(|_| KeyError)?;
        let Some(share) = custody.share(Holder::Customer(id))? else { return Ok(None) };
        let above = self.customer_above(&institution, id, &share);
        Ok(Some(DataKey::unwrap_key(&above, &context(id), wrapped)?))
    }

    /// The key of a job that must outlive the customer's.
    pub(crate) fn job_key(&self, id: [u8; 16], share: &Share) -> DataKey {
        DataKey::new(self.jobs.mac(&[b"job", &id, share.as_slice()]))
    }
}

/// Why a customer's key does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenKeyError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Custody(#[from] CustodyError),
}

fn context(id: CustomerId) -> Vec<u8> {
    [b"customer key".as_slice(), id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custody::MemoryCustody;
    use amana_core::{SeededEntropy, from_micros};

    fn keys(master: u8, custody: &Arc<MemoryCustody>) -> Keys {
        Keys::new(Arc::new(DataKey::new([master; 32])), Arc::clone(custody) as Arc<dyn Custody>)
    }

    #[test]
    fn another_master_key_takes_the_place_of_the_first() {
        let (custody, entropy) = (Arc::new(MemoryCustody::default()), SeededEntropy::new(1));
        let (old, new) = (keys(1, &custody), keys(2, &custody));
        assert!(old.keyring(false, &entropy).expect("answers").is_none());
        let blind = |keys: &Keys| {
            let ring = keys.keyring(true, &entropy)?.expect("a keyring");
            Ok::<_, RootError>(ring.blind(&InstitutionId::new("bank").expect("id"), "x"))
        };
        let before = blind(&old).expect("opens");
        assert_eq!(blind(&new), Err(RootError::WrongKey));
        assert_eq!(new.rotate(&DataKey::new([3; 32]), &entropy), Err(RootError::WrongKey));
        old.rotate(&DataKey::new([2; 32]), &entropy).expect("rotated");
        assert_eq!(blind(&new), Ok(before), "nothing but the top has changed");
        assert_eq!(blind(&old), Err(RootError::WrongKey));
    }

    #[test]
    fn a_customers_key_needs_institution_customer_and_share() {
        let (custody, entropy) = (MemoryCustody::default(), SeededEntropy::new(2));
        let ring = Keyring::new(&DataKey::new([1; 32]));
        let (bank, other) =
            (InstitutionId::new("bank").expect("id"), InstitutionId::new("kanb").expect("id"));
        let (a, b) = (CustomerId::from_bytes([1; 16]), CustomerId::from_bytes([2; 16]));
        let make = |id| ring.new_customer_key(&custody, &bank, id, from_micros(0), &entropy).expect("made");
        let (wrapped, of_b) = (make(a), make(b));
        assert!(matches!(ring.customer_key(&custody, a, &wrapped), Ok(Some(_))));
        let named_anew =
            [&wrapped[..2], other.as_str().as_bytes(), &wrapped[2 + bank.as_str().len()..]].concat();
        for bad in [named_anew, of_b, wrapped[..40].to_vec(), Vec::new()] {
            assert!(matches!(ring.customer_key(&custody, a, &bad), Err(OpenKeyError::Key(_))));
        }
        let stranger = Keyring::new(&DataKey::new([2; 32]));
        assert!(stranger.customer_key(&custody, a, &wrapped).is_err());
        custody.destroy(Holder::Customer(a), from_micros(1)).expect("destroyed");
        assert!(matches!(ring.customer_key(&custody, a, &wrapped), Ok(None)));
        assert!(matches!(ring.customer_key(&custody, b, &make(b)), Ok(Some(_))));
    }

    #[test]
    fn stored_event_keys_keep_their_time_and_tell_nothing_else() {
        let ring = Keyring::new(&DataKey::new([1; 32]));
        let key = EventKey::new(Some(from_micros(1_700_000_000_000_000)), "bank", "1");
        let stored = ring.event_key(&key);
        assert_eq!(stored.0[..6], key.0[..6]);
        assert_ne!(stored.0[6..], key.0[6..]);
        assert_eq!(stored, ring.event_key(&key));
        assert_ne!(stored, Keyring::new(&DataKey::new([2; 32])).event_key(&key));
    }
}
