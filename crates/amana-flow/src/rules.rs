//! What is decided under besides a customer's consent: the agreement, the kill switches, the policy. They are the same
//! for everybody of an institution on a channel, so they are read once in a look at the store, not for each event of
//! it.

use crate::gateway::Gateway;
use amana_core::{Agreement, ChannelId, InstitutionId, KillSwitches};
use amana_gate::Policy;
use amana_store::{Answer, Link};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The rules between an institution and a channel, as they were read together.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) agreement: Option<Arc<Agreement>>,
    pub(crate) kills: Arc<KillSwitches>,
    pub(crate) policy: Arc<dyn Policy>,
}

/// The rules that were read in one look at the store. It ends with the look: what is set or lifted after that is seen
/// by the next one, and by the gate when a message leaves.
#[derive(Default)]
pub(crate) struct RulesRead(Mutex<Vec<(InstitutionId, ChannelId, Rules)>>);

impl Gateway {
    /// The rules for a link: those of this look, or read now.
    pub(crate) async fn rules(&self, link: &Link, read: &RulesRead) -> Answer<Rules> {
        let mut read = read.0.lock().await;
        let known =
            read.iter().find(|(bank, channel, _)| *bank == link.institution && *channel == link.channel);
        if let Some((_, _, rules)) = known {
            return Ok(rules.clone());
        }
        let rules = Rules {
            agreement: self.store.agreement(&link.institution, &link.channel).await?.map(Arc::new),
            kills: Arc::new(self.store.kills().await?),
            policy: self.policy_of(&link.institution).await?,
        };
        read.push((link.institution.clone(), link.channel.clone(), rules.clone()));
        Ok(rules)
    }
}
