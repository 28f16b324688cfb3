//! Sealing and opening what is stored: the keyring with its randomness, and the customers' unwrapped keys.

use crate::custody::{Custody, CustodyError, Holder};
use crate::keyring::OpenKeyError;
use crate::limits::CUSTOMER_KEYS_KEPT;
use crate::{JobWork, Keyring, StoreError};
use amana_core::{CustomerId, Entropy, InstitutionId, Timestamp};
use amana_gate::DataKey;
use amana_log::CustomerKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The keys of the deployment, in use.
pub(crate) struct Vault {
    keyring: Keyring,
    custody: Arc<dyn Custody>,
    entropy: Arc<dyn Entropy>,
    kept: Mutex<Kept<DataKey>>,
    log_keys: Mutex<Kept<CustomerKey>>,
}

/// The key of a customer who is not stored yet: wrapped for [`crate::Command::CreateCustomer`], and opened for what is
/// sealed under it in the same commit.
pub struct NewCustomerKey {
    /// As it is stored.
    pub wrapped: Vec<u8>,
    /// As it is used.
    pub key: Arc<DataKey>,
}

/// A key with the wrapped form that it came from: a customer whose making was rolled back and made anew has another.
type Unwrapped<K> = (Vec<u8>, Arc<K>);

/// Least recently used keys go first, a generation at a time: constant work, at most `CUSTOMER_KEYS_KEPT` keys.
struct Kept<K> {
    young: HashMap<CustomerId, Unwrapped<K>>,
    old: HashMap<CustomerId, Unwrapped<K>>,
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K> Kept<K> {
    fn get(&mut self, id: CustomerId, wrapped: &[u8]) -> Option<Arc<K>> {
        if let Some((from, key)) = self.young.get(&id) {
            return (from == wrapped).then(|| Arc::clone(key));
        }
        let (from, key) = self.old.remove(&id)?;
        if from != wrapped {
            return None;
        }
        self.put(id, from, Arc::clone(&key));
        Some(key)
    }

    fn forget(&mut self, id: CustomerId) {
        self.young.remove(&id);
        self.old.remove(&id);
    }

    fn put(&mut self, id: CustomerId, wrapped: Vec<u8>, key: Arc<K>) {
        if self.young.len() >= CUSTOMER_KEYS_KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, (wrapped, key));
    }
}

impl From<CustodyError> for StoreError {
    fn from(error: CustodyError) -> Self {
        Self::new(error.to_string())
    }
}

fn closed() -> StoreError {
    StoreError::damaged("stored bytes do not open under their key: another master key, or a damaged row")
}

impl Vault {
    pub(crate) fn new(keyring: Keyring, custody: Arc<dyn Custody>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keyring, custody, entropy, kept: Mutex::default(), log_keys: Mutex::default() }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn custody(&self) -> &dyn Custody {
        &*self.custody
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A fresh customer key, or `None` for an id that was erased. It blocks.
    pub(crate) fn new_customer_key(
        &self,
        institution: &InstitutionId,
        id: CustomerId,
        at: Timestamp,
    ) -> Result<Option<NewCustomerKey>, StoreError> {
        let wrapped = match self.keyring.new_customer_key(&*self.custody, institution, id, at, &*self.entropy)
        {
            Ok(wrapped) => wrapped,
            Err(CustodyError::Destroyed) => return Ok(None),
            Err(error @ CustodyError::Away(_)) => return Err(error.into()),
        };
        // Opened as it will be when it is stored: what does not open then is not sealed now. There is none when the id
        // was erased in between.
        let key = self.find_customer_key(id, &wrapped)?;
        Ok(key.map(|key| NewCustomerKey { wrapped, key }))
    }

    /// Destroys a customer's share and forgets the key: from here on nothing opens it. It blocks.
    pub(crate) fn destroy(&self, id: CustomerId, at: Timestamp) -> Result<(), StoreError> {
        self.custody.destroy(Holder::Customer(id), at)?;
        self.forget(id);
        Ok(())
    }

    /// Forgets a customer's opened keys.
    pub(crate) fn forget(&self, id: CustomerId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).forget(id);
        self.log_keys.lock().unwrap_or_else(PoisonError::into_inner).forget(id);
    }

    /// Seals what a job needs under a key of its own. It blocks.
    pub(crate) fn seal_job(
        &self,
        id: [u8; 16],
        context: &[u8],
        plain: &[u8],
        at: Timestamp,
    ) -> Result<Vec<u8>, StoreError> {
        let share = self.custody.keep(Holder::Job(id), &Zeroizing::new(self.entropy.array()), at)?;
        self.seal(&self.keyring.job_key(id, &share), context, plain)
    }

    /// Opens what a job needs, or says why there is no key for it. It blocks.
    pub(crate) fn open_job(
        &self,
        id: [u8; 16],
        context: &[u8],
        sealed: &[u8],
    ) -> Result<JobWork, StoreError> {
        match self.custody.share(Holder::Job(id))? {
            Some(share) => open(&self.keyring.job_key(id, &share), context, sealed).map(JobWork::Open),
            None if self.custody.is_over(id)? => Ok(JobWork::Over),
            None => Ok(JobWork::Lost),
        }
    }

    /// A customer's key, from its wrapped form. It may block when the key is first used.
    pub(crate) fn customer_key(&self, id: CustomerId, wrapped: &[u8]) -> Result<Arc<DataKey>, StoreError> {
        let erased = || StoreError::damaged("the customer was erased: there is no key any more");
        self.find_customer_key(id, wrapped)?.ok_or_else(erased)
    }

    /// The same, with `None` where the share was destroyed.
    fn find_customer_key(&self, id: CustomerId, wrapped: &[u8]) -> Result<Option<Arc<DataKey>>, StoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.get(id, wrapped) {
            return Ok(Some(key));
        }
        let key = match self.keyring.customer_key(&*self.custody, id, wrapped) {
            Ok(Some(key)) => Arc::new(key),
            Ok(None) => return Ok(None),
            Err(OpenKeyError::Key(_)) => return Err(closed()),
            Err(OpenKeyError::Custody(error)) => return Err(error.into()),
        };
        kept.put(id, wrapped.to_vec(), Arc::clone(&key));
        Ok(Some(key))
    }

    /// A fresh key for a customer's entries in the log, sealed under the customer's key.
    pub(crate) fn new_log_key(&self, key: &DataKey, id: CustomerId) -> Result<Vec<u8>, StoreError> {
        let fresh = Zeroizing::new(self.entropy.array::<32>());
        self.seal(key, &log_key_context(id), fresh.as_ref())
    }

    /// The key of a customer's entries in the log, from its sealed form.
    pub(crate) fn log_key(
        &self,
        key: &DataKey,
        id: CustomerId,
        sealed: &[u8],
    ) -> Result<Arc<CustomerKey>, StoreError> {
        let mut kept = self.log_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log_key) = kept.get(id, sealed) {
            return Ok(log_key);
        }
        let bytes = Zeroizing::new(open(key, &log_key_context(id), sealed)?);
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| closed())?;
        let log_key = Arc::new(CustomerKey::new(&bytes));
        kept.put(id, sealed.to_vec(), Arc::clone(&log_key));
        Ok(log_key)
    }

    pub(crate) fn seal(&self, key: &DataKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        key.seal(context, plain, &*self.entropy).map_err(|_| closed())
    }
}

/// Opens what [`Vault::seal`] sealed.
pub(crate) fn open(key: &DataKey, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    key.open(context, sealed).map_err(|_| closed())
}

fn log_key_context(id: CustomerId) -> Vec<u8> {
    context("log key", &[id.as_bytes()])
}

/// Where a sealed value belongs: it opens nowhere else.
pub(crate) fn context(what: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = what.as_bytes().to_vec();
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryCustody;
    use amana_core::{SeededEntropy, from_micros};

    #[test]
    fn keys_are_kept_bounded_and_never_for_another_wrapped_form() {
        let ring = || Keyring::new(&DataKey::new([1; 32]));
        let custody = Arc::new(MemoryCustody::default());
        let vault =
            Vault::new(ring(), Arc::clone(&custody) as Arc<dyn Custody>, Arc::new(SeededEntropy::new(1)));
        let bank = InstitutionId::new("bank").expect("an id");
        let made = |id| vault.new_customer_key(&bank, id, from_micros(0)).expect("answers").expect("a key");
        let make = |id| made(id).wrapped;
        let id = CustomerId::from_bytes([1; 16]);
        let (first, wrapped_anew) = (made(id), make(id));
        let wrapped = first.wrapped;
        let mac = |key: &DataKey| key.mac(&[b"x"]);
        let direct = |wrapped: &[u8]| {
            let key = ring().customer_key(&*custody, id, wrapped).expect("opens").expect("is there");
            mac(&key)
        };
        assert_ne!(direct(&wrapped), direct(&wrapped_anew));
        assert_eq!(mac(&first.key), direct(&wrapped), "given opened as it is stored");
        assert_eq!(mac(&vault.customer_key(id, &wrapped).expect("unwraps")), direct(&wrapped));
        assert_eq!(mac(&vault.customer_key(id, &wrapped_anew).expect("unwraps")), direct(&wrapped_anew));
        for n in 0..u32::try_from(CUSTOMER_KEYS_KEPT).expect("small") + 10 {
            let mut bytes = [2; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            let other = CustomerId::from_bytes(bytes);
            vault.customer_key(other, &make(other)).expect("unwraps");
        }
        // Another process destroys the share: what is open here is forgotten only when it is told so.
        let other = CustomerId::from_bytes([3; 16]);
        let wrapped_other = make(other);
        vault.customer_key(other, &wrapped_other).expect("unwraps");
        custody.destroy(Holder::Customer(other), from_micros(0)).expect("destroyed");
        assert!(vault.customer_key(other, &wrapped_other).is_ok());
        vault.forget(other);
        assert!(vault.customer_key(other, &wrapped_other).is_err());
        let kept = vault.kept.lock().expect("lock");
        assert!(kept.young.len() + kept.old.len() <= CUSTOMER_KEYS_KEPT);
        drop(kept);
        assert!(
            vault.customer_key(CustomerId::from_bytes([9; 16]), &wrapped).is_err(),
            "bound to its customer"
        );
        let job = [8; 16];
        let sealed = vault.seal_job(job, b"c", b"tokens", from_micros(0)).expect("seals");
        let opens = |vault: &Vault| vault.open_job(job, b"c", &sealed).expect("answers");
        assert_eq!(opens(&vault), JobWork::Open(b"tokens".to_vec()));
        custody.destroy(Holder::Job(job), from_micros(1)).expect("destroyed");
        assert_eq!(opens(&vault), JobWork::Over);
        let another = Arc::new(MemoryCustody::default());
        let another = Vault::new(ring(), another, Arc::new(SeededEntropy::new(2)));
        assert_eq!(opens(&another), JobWork::Lost, "a custody that never had it");

        vault.customer_key(id, &wrapped).expect("unwraps");
        vault.destroy(id, from_micros(2)).expect("destroyed");
        assert!(vault.customer_key(id, &wrapped).err().is_some_and(|error| error.is_damage()));
        assert!(vault.new_customer_key(&bank, id, from_micros(3)).expect("answers").is_none());
    }
}
