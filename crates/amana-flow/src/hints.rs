//! A bank's notifications (FDX event notifications). They are asked for while there is a grant to hear of, and what
//! comes is a hint: it makes the look at a grant, or the reading for news, due now. What happened is read there, from
//! the bank. So a lost, late, doubled, reordered or invented notification changes nothing but when it is looked.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{
    HEARD_FOR_S, HINT_LOOK_AGAIN_S, HINT_POLL_AGAIN_S, HINTED_LINKS_MAX, HINTED_MAX, POLL_HEARD_MAX_S,
    POLL_HEARD_TIMES, SUBSCRIPTIONS_LOOK_S,
};
use amana_bank::{BankError, BankErrorClass, Hint, Prompt, Whose};
use amana_core::{EventKey, InstitutionId, Secret, Timestamp};
use amana_store::{Command, Link, LinkState, Outcome};
use std::sync::PoisonError;
use url::Url;

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hinted {
    /// It is looked at once.
    Taken,
    /// It came before.
    Duplicate,
    /// It concerns nobody here.
    Unmatched,
    /// It is of a kind that we have no use for.
    Ignored,
}

impl Hinted {
    /// A stable word for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Duplicate => "duplicate",
            Self::Unmatched => "unmatched",
            Self::Ignored => "ignored",
        }
    }
}

/// Whether a bank's notifications of news are known to come. It is kept in memory: a process that has just begun reads
/// as if none came.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Heard {
    /// When all our subscriptions to them were last known to be there.
    subscribed: Option<Timestamp>,
    /// When the last one came.
    news: Option<Timestamp>,
}

impl Gateway {
    /// How long to wait between two polls at a bank: longer while its notifications of news are known to come. Polling
    /// never stops for them: a notification may be lost.
    pub(crate) fn poll_wait(&self, institution: &InstitutionId, every_s: i64) -> i64 {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |at: Option<Timestamp>, seconds: i64| {
            at.is_some_and(|at| self.now().as_second().saturating_sub(at.as_second()) < seconds)
        };
        let known = heard.get(institution).is_some_and(|heard| {
            within(heard.subscribed, 2 * SUBSCRIPTIONS_LOOK_S) && within(heard.news, HEARD_FOR_S)
        });
        if known {
            every_s.saturating_mul(POLL_HEARD_TIMES).min(POLL_HEARD_MAX_S.max(every_s))
        } else {
            every_s
        }
    }

    fn heard_of_news(&self, institution: &InstitutionId) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.entry(institution.clone()).or_default().news = Some(self.now());
    }

    /// A poll found news of which no notification had told: they are not known to come (any more).
    pub(crate) fn not_heard(&self, institution: &InstitutionId) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = heard.get_mut(institution) {
            heard.news = None;
        }
    }

    /// Whether all our subscriptions to a bank's notifications of news are there.
    pub(crate) fn subscribed_to_news(&self, institution: &InstitutionId, all: bool) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.entry(institution.clone()).or_default().subscribed = all.then(|| self.now());
    }

    /// Whether a notification made a job due within so many seconds.
    pub(crate) fn was_hinted(&self, job: [u8; 16], within_s: i64) -> bool {
        let hinted = self.hinted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |at: &Timestamp| self.now().as_second().saturating_sub(at.as_second());
        hinted.get(&job).is_some_and(|at| since(at) < within_s)
    }

    /// Where a bank notifies us.
    #[must_use]
    pub fn notification_url(&self, institution: &InstitutionId) -> Option<Url> {
        self.page(&format!("events/{institution}/notifications"))
    }

    /// Whether whoever shows this token may notify us in this bank's name.
    ///
    /// # Errors
    /// As the bank's connector says: transient when the bank's keys cannot be read now; anything else is a *no*.
    pub async fn is_publisher(&self, institution: &InstitutionId, token: &Secret) -> Result<(), BankError> {
        let no = |what| BankError {
            institution: institution.clone(),
            interaction: None,
            class: BankErrorClass::OurRequest(what),
        };
        let known = self.institution(institution).map_err(|_| no("the institution is not configured"))?;
        let url = self.notification_url(institution).filter(|_| known.upkeep.notifications);
        let url = url.ok_or_else(|| no("the institution's profile has no notifications"))?;
        known.bank.publisher(token, &url).await
    }

    /// Takes a bank's notification for a hint. When it returns, what follows from it is durable.
    ///
    /// # Errors
    /// When the store does not take it; then the bank must deliver again.
    pub async fn accept_hint(&self, institution: &InstitutionId, hint: &Hint) -> Result<Hinted, FlowError> {
        let Some((prompt, whose)) = &hint.about else { return Ok(Hinted::Ignored) };
        if *prompt == Prompt::ReadNews {
            self.heard_of_news(institution);
        }
        let mut commands = Vec::new();
        for link in self.links_of(institution, whose).await?.into_iter().take(HINTED_LINKS_MAX) {
            let name = format!("hint\0{}\0{}", link.id, hint.id);
            let key = EventKey::new(Some(hint.sent), institution.as_str(), &name);
            let (job, spacing) = match prompt {
                Prompt::LookAtGrant | Prompt::LookOrStop => {
                    (crate::grant_look::look_id(link.id), HINT_LOOK_AGAIN_S)
                }
                Prompt::ReadNews => (crate::poll::poll_id(link.id), HINT_POLL_AGAIN_S),
            };
            // In the job, so that whichever process looks knows it, and durable before it is acknowledged: it will not
            // be said again. A word that is not new is not believed: a look may have found since that it was wrong.
            let over = *prompt == Prompt::LookOrStop && link.state != LinkState::Ended;
            let body = over.then(|| crate::grant_look::look_body(link.id, true));
            // Another node's may be running, too.
            let running = self.working.lock().unwrap_or_else(PoisonError::into_inner).contains(&job)
                || self.shards.enter(link.shard).is_none();
            commands.push(Command::Hint {
                shard: link.shard,
                lane: Self::lane_of_link(&link),
                key: self.store.keyring().event_key(&key),
                received_at: self.now(),
                job,
                running,
                body,
                at: self.hint_due(job, spacing),
            });
        }
        if commands.is_empty() {
            return Ok(Hinted::Unmatched);
        }
        let outcomes = self.store.submit(commands).await?;
        let known = outcomes.iter().all(|outcome| *outcome == Outcome::Duplicate);
        Ok(if known { Hinted::Duplicate } else { Hinted::Taken })
    }

    /// The links that a notification concerns.
    async fn links_of(&self, institution: &InstitutionId, whose: &Whose) -> Result<Vec<Link>, FlowError> {
        Ok(match whose {
            Whose::Consent(id) => self.store.links_of_bank_consent(institution, id).await?,
            Whose::Account(id) => self.store.links_of_account(institution, id).await?,
            Whose::Customer(subject) => {
                let blind = self.store.keyring().blind(institution, subject);
                match self.store.customer_by_subject(institution, &blind).await? {
                    Some(customer) => self.store.links_of_customer(customer.shard, customer.id).await?,
                    None => Vec::new(),
                }
            }
        })
    }

    /// When a job is due that a notification hastens: now, but no sooner than so long after the last time that one did.
    /// A bank that notifies of every row must not make us ask for every row.
    fn hint_due(&self, job: [u8; 16], spacing_s: i64) -> Timestamp {
        let now = self.now();
        let mut hinted = self.hinted.lock().unwrap_or_else(PoisonError::into_inner);
        if hinted.len() >= HINTED_MAX {
            let longest = HINT_LOOK_AGAIN_S.max(HINT_POLL_AGAIN_S);
            hinted.retain(|_, at| at.as_second().saturating_add(longest) > now.as_second());
        }
        if hinted.len() >= HINTED_MAX {
            hinted.clear();
        }
        let due = match hinted.get(&job) {
            // Planned already.
            Some(at) if *at > now => *at,
            Some(at) => at.saturating_add(jiff::SignedDuration::from_secs(spacing_s)).unwrap_or(now).max(now),
            None => now,
        };
        hinted.insert(job, due);
        due
    }
}
