//! The bank's tokens: stored before they are used, refreshed by one at a time.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::grant_look::Narrowed;
use crate::jobs::TakenBackGrant;
use crate::limits::{
    CONFLICT_TRIES, FINISH_TRIES_MAX, ONCE_ENDS_S, OTHERS_TOKENS_WAIT, POLL_EVERY, STORE_PAUSE,
};
use amana_bank::{BankError, BankErrorClass, Doubt, NOT_THEIRS, Once, Tokens};
use amana_core::{ConsentEnd, CustomerId};
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

fn used_up(link: &Link) -> BankError {
    let class = BankErrorClass::RelinkNeeded("it was allowed for one reading");
    BankError { institution: link.institution.clone(), interaction: None, class }
}

impl Gateway {
    /// Tokens that are good for a call now. `rejected` are tokens that the bank has just refused: an access token may
    /// end before its time, so they are refreshed once before the customer is asked to link again.
    ///
    /// # Errors
    /// As the bank answers a refresh; `RelinkNeeded` when there are no tokens, and when it took the customer for
    /// another ([`NOT_THEIRS`]: the grant is over); `Retry` when nothing proves whose the new tokens are.
    pub(crate) async fn tokens(&self, link: &Link, rejected: Option<&Tokens>) -> Result<Tokens, BankError> {
        let away = || BankError {
            institution: link.institution.clone(),
            interaction: None,
            class: BankErrorClass::Retry("the gateway is stopping"),
        };
        // In a task of its own: a question that runs out of time must not leave a refresh half done, its old token
        // spent and its new one forgotten.
        let gateway = self.me.upgrade().ok_or_else(away)?;
        let (of, rejected) = (link.clone(), rejected.cloned());
        let task = tokio::spawn(async move { gateway.good_tokens(&of, rejected.as_ref()).await });
        task.await.map_err(|_| away())?
    }

    /// Tokens with which the customer's data may be read now. Those of a grant for one reading (FDX `durationType:
    /// ONE_TIME`) are given out once: that it is used up is durable before the bank is asked, so that neither a second
    /// asker nor a restart reads again. What then fails is not made up for: the customer is told, and allows it anew.
    ///
    /// # Errors
    /// As [`Gateway::tokens`]; `RelinkNeeded` when the one reading has been, `Retry` when the store is away.
    pub(crate) async fn tokens_to_read(&self, link: &Link) -> Result<Tokens, BankError> {
        let tokens = self.tokens(link, None).await?;
        match tokens.once {
            Once::Not => Ok(tokens),
            Once::Unread => self.use_up(link).await,
            Once::Read => Err(used_up(link)),
        }
    }

    /// Takes the one reading that a grant is for. In the same commit the link's end is set, here and at the bank, for
    /// as soon as the answer has had the time to leave, whatever becomes of the reading.
    async fn use_up(&self, link: &Link) -> Result<Tokens, BankError> {
        // A refresh that waits for its answer would find the row changed, and its new tokens lost.
        let lock = self.refreshing.of(link.customer);
        let _one_at_a_time = lock.lock().await;
        let away = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "the one reading of a grant could not be recorded: it is not read");
            let class = BankErrorClass::Retry("the store is away");
            BankError { institution: link.institution.clone(), interaction: None, class }
        };
        for _ in 0..CONFLICT_TRIES {
            let grant = self.store.bank_grant(link.shard, link.id).await.map_err(|error| away(&error))?;
            let stored = grant.and_then(|grant| Some((Tokens::from_bytes(&grant.tokens).ok()?, grant)));
            let Some((tokens, grant)) = stored.filter(|(tokens, _)| tokens.once == Once::Unread) else {
                return Err(used_up(link));
            };
            let soon = Some(self.after(ONCE_ENDS_S));
            let narrowed =
                self.narrowing(link, None, soon, self.now()).await.map_err(|error| away(&error))?;
            let mut commands = match narrowed {
                Narrowed::Same => Vec::new(),
                Narrowed::Less(commands) => commands,
                Narrowed::Over(_) => return Err(used_up(link)),
            };
            let used = Tokens { once: Once::Read, connection: Some(link.id), ..tokens };
            let (expected, tokens) = (grant.version, used.to_bytes());
            commands.push(Command::PutBankGrant { expected, grant: BankGrant { tokens, ..grant } });
            match self.store.submit(commands).await {
                Ok(_) => return Ok(used),
                // Somebody else took it, another node renewed the tokens, or the consent was changed.
                Err(SubmitError::Conflict { .. }) => {}
                Err(error) => return Err(away(&error)),
            }
        }
        Err(away(&"it changes all the time"))
    }

    /// What a failed reading means to who asked: of a grant for one reading there is no other try.
    pub(crate) async fn as_used_up(&self, link: &Link, error: BankError) -> BankError {
        let grant = self.store.bank_grant(link.shard, link.id).await.ok().flatten();
        let tokens = grant.and_then(|grant| Tokens::from_bytes(&grant.tokens).ok());
        let used = tokens.is_some_and(|tokens| tokens.once == Once::Read);
        if used && !error.class.ends_grant() { used_up(link) } else { error }
    }

    /// Whether a link's grant is for one reading: then there is nothing to read for news, and nothing to renew.
    pub(crate) async fn is_once(&self, link: &Link) -> Result<bool, FlowError> {
        let grant = self.store.bank_grant(link.shard, link.id).await?;
        let tokens = grant.and_then(|grant| Tokens::from_bytes(&grant.tokens).ok());
        Ok(tokens.is_some_and(|tokens| tokens.once != Once::Not))
    }

    async fn good_tokens(&self, link: &Link, rejected: Option<&Tokens>) -> Result<Tokens, BankError> {
        let error = |class| BankError { institution: link.institution.clone(), interaction: None, class };
        let store = |_| error(BankErrorClass::Retry("the store is away"));
        let lock = self.refreshing.of(link.customer);
        let _one_at_a_time = lock.lock().await;

        let read = || async { self.store.bank_grant(link.shard, link.id).await.map_err(store) };
        let none = || error(BankErrorClass::RelinkNeeded("no tokens are stored"));
        let unreadable = |_| error(BankErrorClass::RelinkNeeded("the stored tokens cannot be read"));
        let grant = read().await?.ok_or_else(none)?;
        // The link pays for what is asked with them.
        let of_link = |bytes: &[u8]| {
            let tokens = Tokens::from_bytes(bytes).map_err(unreadable)?;
            Ok(Tokens { connection: Some(link.id), ..tokens })
        };
        let tokens = of_link(&grant.tokens)?;
        if tokens.doubt == Doubt::NotTheirs {
            return Err(error(BankErrorClass::RelinkNeeded(NOT_THEIRS)));
        }
        let refused = rejected.is_some_and(|rejected| rejected.access == tokens.access);
        // What another node stored may be as doubtful as what this one gets.
        let proved = |tokens: Tokens| match tokens.doubt {
            Doubt::None => Ok(tokens),
            Doubt::Unproved => Err(error(BankErrorClass::Retry("nothing proves whose the new tokens are"))),
            Doubt::NotTheirs => Err(error(BankErrorClass::RelinkNeeded(NOT_THEIRS))),
        };
        let doubted = tokens.doubt == Doubt::Unproved;
        if !refused && !doubted && !tokens.stale(self.now(), crate::limits::TOKEN_MARGIN_S) {
            return Ok(tokens);
        }

        let institution = self
            .institution(&link.institution)
            .map_err(|_| error(BankErrorClass::OurRequest("the institution is not configured")))?;
        let fresh = match institution.bank.refresh(&tokens).await {
            Ok(fresh) => Tokens { connection: Some(link.id), once: tokens.once, ..fresh },
            Err(refusal) => {
                // Perhaps another node was faster, and what we showed was spent: what it got is stored in a moment.
                let since = tokio::time::Instant::now();
                loop {
                    let now = read().await?.ok_or_else(none)?;
                    if now.version != grant.version {
                        return proved(of_link(&now.tokens)?);
                    }
                    if self.store.lease().node.is_none() || since.elapsed() >= OTHERS_TOKENS_WAIT {
                        return Err(refusal);
                    }
                    tokio::time::sleep(POLL_EVERY / 2).await;
                }
            }
        };
        let (expected, bank_consent) = (grant.version, grant.bank_consent.clone());
        let grant = BankGrant { tokens: fresh.to_bytes(), at: self.now(), ..grant };
        // The bank has given new tokens, and the old ones may be spent: they are not given up because the store is
        // busy.
        for attempt in 1.. {
            match self.store.submit(vec![Command::PutBankGrant { expected, grant: grant.clone() }]).await {
                Ok(_) => break,
                // Changed meanwhile: another node's tokens hold, or the link was ended and these must not live on.
                Err(SubmitError::Conflict { .. }) => {
                    let now = read().await?;
                    if now.is_none() {
                        self.revoke_orphan(link, &grant.tokens, bank_consent.as_deref()).await;
                    }
                    return proved(of_link(&now.ok_or_else(none)?.tokens)?);
                }
                Err(_) if attempt < FINISH_TRIES_MAX => tokio::time::sleep(STORE_PAUSE).await,
                Err(_) => return Err(error(BankErrorClass::Retry("the store is away"))),
            }
        }
        // Only now: whatever the answer is worth, its refresh token is what the grant can be taken back by.
        if fresh.doubt == Doubt::NotTheirs {
            metrics::counter!("amana_bank_mistaken_identity_total").increment(1);
            tracing::error!(institution = %link.institution, "a bank takes one customer for another: the link ends");
        } else if fresh.doubt == Doubt::Unproved {
            metrics::counter!("amana_bank_unproved_tokens_total").increment(1);
            tracing::warn!(institution = %link.institution, "nothing proves whose new tokens are: they are not used");
        }
        proved(fresh)
    }

    async fn revoke_orphan(&self, link: &Link, tokens: &[u8], bank_consent: Option<&str>) {
        let whose = (link.shard, link.customer);
        let what = TakenBackGrant { tokens, bank_consent, why: ConsentEnd::Withdrawn };
        let stored = match self.revocation(whose, &link.institution, what, self.now()).await {
            Ok((_, command)) => self.store.submit(vec![command]).await.map(|_| ()).map_err(FlowError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::error!(link = %link.id, %error, "tokens of an ended link could not be queued for revocation");
        }
    }
}
