//! Sealing and opening what is stored: the keyring with its randomness, and the customers' unwrapped keys.

use crate::limits::CUSTOMER_KEYS_KEPT;
use crate::{Keyring, StoreError};
use amana_core::{CustomerId, Entropy};
use amana_gate::DataKey;
use amana_log::CustomerKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The keys of the deployment, in use.
pub(crate) struct Vault {
    keyring: Keyring,
    entropy: Arc<dyn Entropy>,
    kept: Mutex<Kept<DataKey>>,
    log_keys: Mutex<Kept<CustomerKey>>,
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

    fn put(&mut self, id: CustomerId, wrapped: Vec<u8>, key: Arc<K>) {
        if self.young.len() >= CUSTOMER_KEYS_KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, (wrapped, key));
    }
}

fn closed() -> StoreError {
    StoreError::damaged("stored bytes do not open under their key: another master key, or a damaged row")
}

impl Vault {
    pub(crate) fn new(keyring: Keyring, entropy: Arc<dyn Entropy>) -> Self {
        Self { keyring, entropy, kept: Mutex::default(), log_keys: Mutex::default() }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// A customer's key, from its wrapped form.
    pub(crate) fn customer_key(&self, id: CustomerId, wrapped: &[u8]) -> Result<Arc<DataKey>, StoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.get(id, wrapped) {
            return Ok(key);
        }
        let key = Arc::new(self.keyring.customer_key(id, wrapped).map_err(|_| closed())?);
        kept.put(id, wrapped.to_vec(), Arc::clone(&key));
        Ok(key)
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
    use amana_core::SeededEntropy;

    #[test]
    fn keys_are_kept_bounded_and_never_for_another_wrapped_form() {
        let entropy = Arc::new(SeededEntropy::new(1));
        let vault =
            Vault::new(Keyring::new(&DataKey::new([1; 32])), Arc::clone(&entropy) as Arc<dyn Entropy>);
        let id = CustomerId::from_bytes([1; 16]);
        let (first, wrapped) = vault.keyring().new_customer_key(id, &*entropy).expect("key");
        let (second, wrapped_anew) = vault.keyring().new_customer_key(id, &*entropy).expect("key");
        let mac = |key: &DataKey| key.mac(&[b"x"]);
        assert_eq!(mac(&vault.customer_key(id, &wrapped).expect("unwraps")), mac(&first));
        assert_eq!(mac(&vault.customer_key(id, &wrapped_anew).expect("unwraps")), mac(&second));
        for n in 0..u32::try_from(CUSTOMER_KEYS_KEPT).expect("small") + 10 {
            let mut bytes = [2; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            let other = CustomerId::from_bytes(bytes);
            let (_, wrapped) = vault.keyring().new_customer_key(other, &*entropy).expect("key");
            vault.customer_key(other, &wrapped).expect("unwraps");
        }
        let kept = vault.kept.lock().expect("lock");
        assert!(kept.young.len() + kept.old.len() <= CUSTOMER_KEYS_KEPT);
        drop(kept);
        assert!(
            vault.customer_key(CustomerId::from_bytes([9; 16]), &wrapped).is_err(),
            "bound to its customer"
        );
    }
}
