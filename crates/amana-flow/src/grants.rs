//! The bank's tokens: stored before they are used, refreshed by one at a time. Within a process a lock sees to that;
//! between processes, what is written beside the tokens before the bank is asked ([`Renewing`]).

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::grant_look::Narrowed;
use crate::jobs::TakenBackGrant;
use crate::limits::{
    CONFLICT_TRIES, FINISH_TRIES_MAX, ONCE_ENDS_S, OTHERS_TOKENS_WAIT, POLL_EVERY, RENEWING_ENDS_S,
    STORE_PAUSE,
};
use amana_bank::{BankError, BankErrorClass, Doubt, NOT_THEIRS, Once, Renewing, Tokens};
use amana_core::{ConsentEnd, CustomerId, Entropy};
use amana_store::{BankGrant, Command, Link, SubmitError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A lock for each customer whose tokens are being refreshed: a second refresh of a rotating token would end the grant.
pub(crate) struct Refreshing {
    /// How this process is told from others.
    me: [u8; 16],
    locks: Mutex<HashMap<CustomerId, Weak<tokio::sync::Mutex<()>>>>,
}

impl Refreshing {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self { me: entropy.array(), locks: Mutex::default() }
    }

    fn of(&self, customer: CustomerId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Whether another process is getting new ones for these tokens.
    fn others_renew(&self, tokens: &Tokens) -> bool {
        tokens.renewing.is_some_and(|Renewing { by, since }| {
            let over = self.now().as_second().saturating_sub(since.as_second()) > RENEWING_ENDS_S;
            // Where this is the only process, what stands there from before it began is its own, of before a crash.
            let was_me = self.store.lease().node.is_none() && since <= self.started;
            by != self.refreshing.me && !over && !was_me
        })
    }

    async fn good_tokens(&self, link: &Link, rejected: Option<&Tokens>) -> Result<Tokens, BankError> {
        let error = |class| BankError { institution: link.institution.clone(), interaction: None, class };
        let store = |_| error(BankErrorClass::Retry("the store is away"));
        let lock = self.refreshing.of(link.customer);
        let _one_at_a_time = lock.lock().await;

        let none = || error(BankErrorClass::RelinkNeeded("no tokens are stored"));
        let unreadable = |_| error(BankErrorClass::RelinkNeeded("the stored tokens cannot be read"));
        let read = || async {
            let grant = self.store.bank_grant(link.shard, link.id).await.map_err(store)?;
            let Some(grant) = grant else { return Ok(None) };
            // The link pays for what is asked with them.
            let tokens = Tokens::from_bytes(&grant.tokens).map_err(unreadable)?;
            Ok(Some((Tokens { connection: Some(link.id), ..tokens }, grant)))
        };
        // What another process stored may be as doubtful as what this one gets.
        let proved = |tokens: Tokens| match tokens.doubt {
            Doubt::None => Ok(tokens),
            Doubt::Unproved => Err(error(BankErrorClass::Retry("nothing proves whose the new tokens are"))),
            Doubt::NotTheirs => Err(error(BankErrorClass::RelinkNeeded(NOT_THEIRS))),
        };
        let renewing =
            |tokens: &Tokens, renewing: Option<Renewing>| Tokens { renewing, ..tokens.clone() }.to_bytes();

        let (mut waited, since) = (false, tokio::time::Instant::now());
        // Either they are good, or it is written down that this process gets new ones.
        let (bank, tokens, mut grant) = loop {
            let (tokens, grant) = read().await?.ok_or_else(none)?;
            let refused = rejected.is_some_and(|rejected| rejected.access == tokens.access);
            let doubted = tokens.doubt != Doubt::None;
            if tokens.doubt == Doubt::NotTheirs
                || !refused && !doubted && !tokens.stale(self.now(), crate::limits::TOKEN_MARGIN_S)
            {
                return proved(tokens);
            }
            if self.others_renew(&tokens) {
                if since.elapsed() >= OTHERS_TOKENS_WAIT {
                    return Err(error(BankErrorClass::Retry("another process is getting new tokens")));
                }
                waited = true;
                tokio::time::sleep(POLL_EVERY / 2).await;
                continue;
            }
            if waited && doubted {
                return proved(tokens);
            }
            let bank = match self.institution(&link.institution) {
                Ok(institution) => &institution.bank,
                Err(_) => return Err(error(BankErrorClass::OurRequest("the institution is not configured"))),
            };
            let mine = Renewing { by: self.refreshing.me, since: self.now() };
            let (expected, version) = (grant.version, grant.version.saturating_add(1));
            let grant = BankGrant { tokens: renewing(&tokens, Some(mine)), version, ..grant };
            match self.store.submit(vec![Command::PutBankGrant { expected, grant: grant.clone() }]).await {
                Ok(_) => break (bank, tokens, grant),
                // Another process was faster, or the link was ended.
                Err(SubmitError::Conflict { .. }) if since.elapsed() < OTHERS_TOKENS_WAIT => {}
                Err(_) => return Err(error(BankErrorClass::Retry("the store is away"))),
            }
        };

        let mut fresh = match bank.refresh(&tokens).await {
            Ok(fresh) => Tokens { connection: Some(link.id), once: tokens.once, ..fresh },
            Err(refusal) => {
                // Nobody is to wait for it. Where this fails, who waits does so until its time is over.
                let expected = grant.version;
                let grant = BankGrant { tokens: renewing(&tokens, None), ..grant };
                match self.store.submit(vec![Command::PutBankGrant { expected, grant }]).await {
                    Ok(_) => {}
                    Err(SubmitError::Conflict { .. }) => {
                        // Perhaps the customer allowed it anew meanwhile.
                        let now = read().await?.map(|(now, _)| now);
                        if let Some(now) = now.filter(|now| now.access != tokens.access) {
                            return proved(now);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(link = %link.id, %error, "tokens could not be marked as free to be renewed");
                    }
                }
                return Err(refusal);
            }
        };
        let bank_consent = grant.bank_consent.clone();
        grant = BankGrant { tokens: fresh.to_bytes(), at: self.now(), ..grant };
        // The bank has given new tokens, and the old ones may be spent: they are not given up because the store is
        // busy.
        for attempt in 1.. {
            let expected = grant.version;
            match self.store.submit(vec![Command::PutBankGrant { expected, grant: grant.clone() }]).await {
                Ok(_) => break,
                Err(SubmitError::Conflict { .. }) => {
                    let Some((now, changed)) = read().await? else {
                        // The link was ended, and these must not live on.
                        self.revoke_orphan(link, &grant.tokens, bank_consent.as_deref()).await;
                        return Err(none());
                    };
                    if now.renewing.is_none_or(|renewing| renewing.by != self.refreshing.me) {
                        // The customer allowed it anew, and those tokens hold.
                        return proved(now);
                    }
                    // What changed is beside them: the one reading was used up.
                    fresh.once = now.once;
                    grant = BankGrant { tokens: fresh.to_bytes(), at: self.now(), ..changed };
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
