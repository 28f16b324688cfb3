//! An institution's policy as it is now: the newest document in the store, read once and asked until it changes.

use crate::gateway::Gateway;
use amana_core::ids::sha256;
use amana_core::{Form, InstitutionId};
use amana_gate::{Policy, PolicyRequest, StandardPolicy};
use amana_store::Answer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Turns an institution's stored document into its policy. An error is for the operator's log: nothing is allowed then.
pub type ReadPolicy = fn(&InstitutionId, &str) -> Result<Arc<dyn Policy>, String>;

/// The policies in force that were read; each knows its document by its hash.
pub(crate) struct Policies {
    read: ReadPolicy,
    kept: Mutex<HashMap<InstitutionId, Arc<dyn Policy>>>,
}

impl Policies {
    pub(crate) fn new(read: ReadPolicy) -> Self {
        Self { read, kept: Mutex::default() }
    }

    fn kept(&self, institution: &InstitutionId, hash: &str) -> Option<Arc<dyn Policy>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(institution).filter(|policy| policy.set_sha256() == hash).cloned()
    }
}

/// A document that cannot be read allows nothing.
struct Unreadable {
    sha256: String,
}

impl Policy for Unreadable {
    fn allows(&self, _: &PolicyRequest<'_>) -> Option<Form> {
        None
    }
    fn set_sha256(&self) -> &str {
        &self.sha256
    }
}

impl Gateway {
    /// The institution's policy now. The version is asked of the store each time, so a new document binds with the next
    /// decision, also for what waits in the outbox. One answer serves one decision: its hash goes into the receipt.
    pub(crate) async fn policy_of(&self, institution: &InstitutionId) -> Answer<Arc<dyn Policy>> {
        let Some((version, hash)) = self.store.policy_version(institution).await? else {
            return Ok(Arc::new(StandardPolicy));
        };
        if let Some(policy) = self.policies.kept(institution, &hash) {
            return Ok(policy);
        }
        let stored = self.store.policy(institution, version).await?;
        let read = match &stored {
            None => Err("it is gone".to_owned()),
            Some(stored) if hex::encode(sha256(&[stored.document.as_bytes()])) != hash => {
                Err("its text is not that of its hash".to_owned())
            }
            Some(stored) => (self.policies.read)(institution, &stored.document),
        };
        let policy = read.unwrap_or_else(|why| {
            tracing::error!(%institution, version, why, "the policy cannot be read, so nothing is allowed under it");
            Arc::new(Unreadable { sha256: hash })
        });
        tracing::info!(%institution, version, sha256 = policy.set_sha256(), "a policy is in force");
        let mut kept = self.policies.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(institution.clone(), Arc::clone(&policy));
        Ok(policy)
    }
}
