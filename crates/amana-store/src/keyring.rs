//! The deployment's keys: one master key outside the database, one key per customer wrapped under it inside.

use amana_core::{CustomerId, Entropy, InstitutionId};
use amana_gate::{DataKey, KeyError};

/// Every key of the deployment, derived from the master key or wrapped under it.
pub struct Keyring {
    customers: DataKey,
    deployment: DataKey,
    blind: DataKey,
    ticket: DataKey,
}

impl Keyring {
    /// The keys of this master key. The master key itself is not kept.
    #[must_use]
    pub fn new(master: &DataKey) -> Self {
        Self {
            customers: master.derive("customers"),
            deployment: master.derive("deployment"),
            blind: master.derive("blind"),
            ticket: master.derive("ticket"),
        }
    }

    /// The key for what belongs to no customer yet: chat text, browser sessions.
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

    /// A lookup value for the bank's own id of a customer: useless without the key, unlike a plain hash.
    #[must_use]
    pub fn blind(&self, institution: &InstitutionId, subject: &str) -> [u8; 32] {
        self.blind.mac(&[b"subject", institution.as_str().as_bytes(), subject.as_bytes()])
    }

    /// A fresh key for a new customer: the key and its wrapped form.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn new_customer_key(
        &self,
        id: CustomerId,
        entropy: &dyn Entropy,
    ) -> Result<(DataKey, Vec<u8>), KeyError> {
        let key = DataKey::generate(entropy);
        let wrapped = key.wrap(&self.customers, &context(id), entropy)?;
        Ok((key, wrapped))
    }

    /// A customer's key.
    ///
    /// # Errors
    /// When it was wrapped under another master key, or is damaged.
    pub fn customer_key(&self, id: CustomerId, wrapped: &[u8]) -> Result<DataKey, KeyError> {
        DataKey::unwrap_key(&self.customers, &context(id), wrapped)
    }
}

fn context(id: CustomerId) -> Vec<u8> {
    [b"customer key".as_slice(), id.as_bytes()].concat()
}
