//! A bank's notifications (FDX event notifications). They are asked for while there is a grant to hear of, and what
//! comes is a hint: it makes the look at a grant, or the reading for news, due now. What happened is read there, from
//! the bank. So a lost, late, doubled, reordered or invented notification changes nothing but when it is looked.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{
    HINT_LOOK_AGAIN_S, HINT_POLL_AGAIN_S, HINTED_LINKS_MAX, HINTED_MAX, SUBSCRIPTION_RETRY_MAX_S,
    SUBSCRIPTION_TIME, SUBSCRIPTIONS_LOOK_S,
};
use amana_bank::{BankError, BankErrorClass, Hint, Prompt, Topic, Whose};
use amana_core::{CustomerId, EventKey, InstitutionId, Secret, Shard, Timestamp};
use amana_store::{Command, Job, JobKind, Link, Outcome, SubmitError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// What an institution's job knows of our subscriptions there. No customer is in it.
#[derive(Default, Serialize, Deserialize)]
struct Subscriptions {
    institution: String,
    #[serde(default)]
    have: BTreeMap<Topic, Have>,
    /// Calls in a row that failed.
    #[serde(default)]
    failures: u32,
}

#[derive(Serialize, Deserialize)]
struct Have {
    id: String,
    callback: String,
    /// When it was last known to be there, in Unix seconds.
    seen: i64,
}

/// The next thing to do about subscriptions.
enum Act {
    Drop(Topic),
    Make(Topic),
    Look(Topic),
}

/// The id of an institution's job.
fn subscriptions_id(institution: &InstitutionId) -> [u8; 16] {
    crate::poll::job_id(b"notification subscriptions", institution.as_str().as_bytes())
}

impl Gateway {
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
        let mut commands = Vec::new();
        for link in self.links_of(institution, whose).await?.into_iter().take(HINTED_LINKS_MAX) {
            let name = format!("hint\0{}\0{}", link.id, hint.id);
            let key = EventKey::new(Some(hint.sent), institution.as_str(), &name);
            let (job, spacing) = match prompt {
                Prompt::LookAtGrant => (crate::grant_look::look_id(link.id), HINT_LOOK_AGAIN_S),
                Prompt::ReadNews => (crate::poll::poll_id(link.id), HINT_POLL_AGAIN_S),
            };
            let running = self.working.lock().unwrap_or_else(PoisonError::into_inner).contains(&job);
            commands.push(Command::Hint {
                shard: link.shard,
                lane: Self::lane_of_link(&link),
                key: self.store.keyring().event_key(&key),
                received_at: self.now(),
                job,
                running,
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

    /// The command that has an institution's subscriptions looked after now, where it notifies at all: a grant came or
    /// went.
    pub(crate) fn subscriptions_due(&self, institution: &InstitutionId) -> Option<Command> {
        let known = self.institution(institution).ok()?;
        let (id, at) = (subscriptions_id(institution), self.now());
        known.upkeep.notifications.then_some(Command::HastenJob { id, at })
    }

    /// Queues the jobs that look after our subscriptions, one for each institution that notifies; those that are there
    /// are due now, since the configuration may have changed. [`Gateway::run_jobs`] does it as it begins.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_after_subscriptions(&self) -> Result<(), FlowError> {
        for (institution, known) in &self.institutions {
            let (id, now) = (subscriptions_id(institution), self.now());
            if known.upkeep.notifications {
                let body = Subscriptions { institution: institution.to_string(), ..Subscriptions::default() };
                let job = Job {
                    id,
                    shard: Shard(0),
                    // Nobody's.
                    customer: CustomerId::from_bytes([0; 16]),
                    kind: JobKind::Subscriptions,
                    body: serde_json::to_vec(&body).map_err(|_| FlowError::Unreadable("job"))?,
                    due_at: now,
                    attempts: 0,
                };
                match self.store.submit(vec![Command::Enqueue(job)]).await {
                    Ok(_) => continue,
                    Err(SubmitError::Conflict { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.store.submit(vec![Command::HastenJob { id, at: now }]).await?;
        }
        Ok(())
    }

    /// One step of looking after an institution's subscriptions: one call at the bank, durable before the next one.
    pub(crate) async fn subscriptions(&self, job: &Job) -> Result<Step, FlowError> {
        let mut known: Subscriptions =
            serde_json::from_slice(&job.body).map_err(|_| FlowError::Unreadable("job"))?;
        let later = |at, known: &Subscriptions| {
            let body = serde_json::to_vec(known).map_err(|_| FlowError::Unreadable("job"))?;
            Ok(Step::GoOn(at, body, Vec::new()))
        };
        let Ok(id) = InstitutionId::new(known.institution.clone()) else { return Ok(Step::Done) };
        // Taken out of the configuration: nobody can be asked. It may come back.
        let Ok(institution) = self.institution(&id) else {
            return later(self.after_about(SUBSCRIPTIONS_LOOK_S), &known);
        };
        let url = self.notification_url(&id).filter(|_| institution.upkeep.notifications);
        let wanted = url.is_some() && self.store.has_bank_consents(&id).await?;
        let callback = url.as_ref().map(Url::to_string).unwrap_or_default();
        let news = institution.upkeep.poll_every_s.is_some();
        let topics = || {
            let news = Topic::OF_NEWS.iter().filter(move |_| news);
            Topic::OF_GRANTS.iter().chain(news).copied().filter(move |_| wanted)
        };
        let now = self.now().as_second();
        let stale = |have: &Have| now.saturating_sub(have.seen) >= SUBSCRIPTIONS_LOOK_S;
        let unwanted = known
            .have
            .iter()
            .find(|(topic, have)| have.callback != callback || !topics().any(|wanted| wanted == **topic));
        let act = unwanted
            .map(|(topic, _)| Act::Drop(*topic))
            .or_else(|| topics().find(|topic| !known.have.contains_key(topic)).map(Act::Make))
            .or_else(|| known.have.iter().find(|(_, have)| stale(have)).map(|(topic, _)| Act::Look(*topic)));
        let Some(act) = act else {
            if !institution.upkeep.notifications {
                return Ok(Step::Done);
            }
            return later(self.after_about(SUBSCRIPTIONS_LOOK_S), &known);
        };
        let done = tokio::time::timeout(SUBSCRIPTION_TIME, self.act(&id, &act, &mut known, &callback));
        match done.await.unwrap_or(Err(BankErrorClass::Retry("it did not answer in time"))) {
            Ok(()) => {
                known.failures = 0;
                later(self.now(), &known)
            }
            Err(class) => {
                metrics::counter!("amana_subscription_errors_total", "class" => class.as_str()).increment(1);
                if known.failures == 0 {
                    tracing::warn!(institution = %id, %class, "a bank does not take our subscription to its \
                        notifications; its grants are looked at and its news read all the same");
                }
                known.failures = known.failures.saturating_add(1);
                // From half a minute on: nobody waits.
                let waits = known.failures.saturating_add(4);
                later(self.wait_before(waits, SUBSCRIPTION_RETRY_MAX_S), &known)
            }
        }
    }

    async fn act(
        &self,
        id: &InstitutionId,
        act: &Act,
        known: &mut Subscriptions,
        callback: &str,
    ) -> Result<(), BankErrorClass> {
        let gone = BankErrorClass::OurRequest("the institution is not configured");
        let bank = &self.institution(id).map_err(|_| gone)?.bank;
        let seen = self.now().as_second();
        match act {
            Act::Drop(topic) => {
                if let Some(have) = known.have.get(topic) {
                    bank.unsubscribe(&have.id).await.map_err(|error| error.class)?;
                    known.have.remove(topic);
                    tracing::info!(institution = %id, topic = topic.as_str(), "a bank's notifications were ended");
                }
            }
            Act::Make(topic) => {
                let url = Url::parse(callback)
                    .map_err(|_| BankErrorClass::OurRequest("our own address is not a url"))?;
                let sub = bank.subscribe(*topic, &url).await.map_err(|error| error.class)?;
                known.have.insert(*topic, Have { id: sub, callback: callback.to_owned(), seen });
                tracing::info!(institution = %id, topic = topic.as_str(), "a bank's notifications are subscribed to");
            }
            Act::Look(topic) => {
                if let Some(have) = known.have.get_mut(topic) {
                    if bank.subscribed(&have.id).await.map_err(|error| error.class)? {
                        have.seen = seen;
                    } else {
                        known.have.remove(topic);
                    }
                }
            }
        }
        Ok(())
    }
}
