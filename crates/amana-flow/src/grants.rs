//! The bank's tokens: stored before they are used, refreshed by one at a time.

use crate::gateway::Gateway;
use amana_bank::{BankError, BankErrorClass, Tokens};
use amana_core::CustomerId;
use amana_store::{BankGrant, Command, Link, SubmitError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A lock for each customer whose tokens are being refreshed: a second refresh of a rotating token would end the grant.
#[derive(Default)]
pub(crate) struct Refreshing(Mutex<HashMap<CustomerId, Weak<tokio::sync::Mutex<()>>>>);

impl Refreshing {
    fn of(&self, customer: CustomerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&customer).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(customer, Arc::downgrade(&lock));
        lock
    }
}

impl Gateway {
    /// Tokens that are good for a call now. `rejected` are tokens that the bank has just refused: an access token may end
    /// before its time, so they are refreshed once before the customer is asked to link again.
    ///
    /// # Errors
    /// As the bank answers a refresh; `RelinkNeeded` when there are no tokens.
    pub(crate) async fn tokens(&self, link: &Link, rejected: Option<&Tokens>) -> Result<Tokens, BankError> {
        let error = |class| BankError { institution: link.institution.clone(), interaction: None, class };
        let store = |_| error(BankErrorClass::Retry("the store is away"));
        let lock = self.refreshing.of(link.customer);
        let _one_at_a_time = lock.lock().await;

        let grant = self.store.bank_grant(link.shard, link.customer).await.map_err(store)?;
        let grant = grant.ok_or_else(|| error(BankErrorClass::RelinkNeeded("no tokens are stored")))?;
        let tokens = Tokens::from_bytes(&grant.tokens)
            .map_err(|_| error(BankErrorClass::RelinkNeeded("the stored tokens cannot be read")))?;
        let refused = rejected.is_some_and(|rejected| rejected.access == tokens.access);
        if !refused && !tokens.stale(self.now(), crate::limits::TOKEN_MARGIN_S) {
            return Ok(tokens);
        }

        let institution = self
            .institution(&link.institution)
            .map_err(|_| error(BankErrorClass::OurRequest("the institution is not configured")))?;
        let fresh = institution.bank.refresh(&tokens).await?;
        let put = Command::PutBankGrant {
            expected: grant.version,
            grant: BankGrant { tokens: fresh.to_bytes(), at: self.now(), ..grant },
        };
        match self.store.submit(vec![put]).await {
            Ok(_) => Ok(fresh),
            // Another node refreshed in between: its tokens are the ones that are stored.
            Err(SubmitError::Conflict { .. }) => {
                let stored = self.store.bank_grant(link.shard, link.customer).await.map_err(store)?;
                stored
                    .and_then(|grant| Tokens::from_bytes(&grant.tokens).ok())
                    .ok_or_else(|| error(BankErrorClass::RelinkNeeded("the tokens are gone")))
            }
            Err(_) => Err(error(BankErrorClass::Retry("the store is away"))),
        }
    }
}
