//! Our subscriptions to banks' notifications: asked for while there is a grant to hear of, looked after, ended with the
//! last one. Each is on its own: one that a bank refuses, or does not end, holds no other up.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::jobs::Step;
use crate::limits::{
    NOTIFICATION_PAGES_MAX, NOTIFICATIONS_FETCH_S, SUBSCRIPTION_RETRY_MAX_S, SUBSCRIPTION_TIME,
    SUBSCRIPTIONS_ENDING_MAX, SUBSCRIPTIONS_LOOK_S,
};
use amana_bank::{BankErrorClass, Topic, UNANSWERED};
use amana_core::{CustomerId, InstitutionId, Shard};
use amana_store::{Command, Job, JobKind, SubmitError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// What an institution's job knows of our subscriptions there. No customer is in it.
#[derive(Default, Serialize, Deserialize)]
struct Subscriptions {
    institution: String,
    #[serde(default)]
    have: BTreeMap<Topic, Have>,
    /// The ids of those that are to be ended.
    #[serde(default)]
    ending: Vec<String>,
    /// What failed, by its name, and how often in a row.
    #[serde(default)]
    failing: BTreeMap<String, Failing>,
    /// Calls in a row to which the bank did not answer at all.
    #[serde(default)]
    away: u32,
    /// When its list of notifications was last read to its end, in Unix seconds.
    #[serde(default)]
    fetched: i64,
    /// The key of the page that is read next, or once more since it may have grown.
    #[serde(default)]
    page: Option<String>,
    /// The last notification that was read of it.
    #[serde(default)]
    read: Option<String>,
    /// Pages that were turned in this reading.
    #[serde(default)]
    turned: u32,
}

#[derive(Serialize, Deserialize)]
struct Have {
    id: String,
    callback: String,
    /// When it was last known to be there, in Unix seconds.
    seen: i64,
}

/// Something that a bank refuses.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Failing {
    times: u32,
    /// When it was tried last, and when it is tried again, in Unix seconds.
    tried: i64,
    again: i64,
}

/// A thing to do about subscriptions: one call at the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Make(Topic),
    Look(Topic),
    Fetch,
    End(String),
}

impl Act {
    /// The name under which it fails.
    fn name(&self) -> String {
        match self {
            Self::Make(topic) => format!("make {}", topic.as_str()),
            Self::Look(topic) => format!("look {}", topic.as_str()),
            Self::Fetch => "fetch".to_owned(),
            Self::End(id) => format!("end {id}"),
        }
    }
}

/// The id of an institution's job.
fn subscriptions_id(institution: &InstitutionId) -> [u8; 16] {
    crate::poll::job_id(b"notification subscriptions", institution.as_str().as_bytes())
}

impl Subscriptions {
    /// What is not wanted (any more) is to be ended.
    fn give_up(&mut self, wanted: &[Topic], callback: &str) {
        let unwanted =
            |(topic, have): &(&Topic, &mut Have)| have.callback != callback || !wanted.contains(topic);
        let gone: Vec<Topic> = self.have.iter_mut().filter(unwanted).map(|(topic, _)| *topic).collect();
        self.ending.extend(gone.iter().filter_map(|topic| self.have.remove(topic)).map(|have| have.id));
        let more = self.ending.len().saturating_sub(SUBSCRIPTIONS_ENDING_MAX);
        self.ending.drain(..more);
    }

    /// All there is to do, what matters most first, and when each is due, in Unix seconds.
    fn acts(&self, wanted: &[Topic], fetch_every_s: i64, (now, started): (i64, i64)) -> Vec<(Act, i64)> {
        let mut acts: Vec<(Act, i64)> = Vec::new();
        for topic in wanted {
            acts.push(match self.have.get(topic) {
                None => (Act::Make(*topic), now),
                Some(have) => (Act::Look(*topic), have.seen.saturating_add(SUBSCRIPTIONS_LOOK_S)),
            });
        }
        if !self.have.is_empty() {
            // What was published while nobody listened, and given up by a bank that called in vain, is read at once.
            let due = self.fetched.saturating_add(fetch_every_s);
            acts.push((Act::Fetch, if self.fetched < started { due.min(now) } else { due }));
        }
        acts.extend(self.ending.iter().map(|id| (Act::End(id.clone()), now)));
        acts
    }

    /// When something may be tried: it rests after it failed, unless that was before `started`, since the configuration
    /// may have been mended.
    fn rests_until(&self, act: &Act, started: i64) -> i64 {
        let failing = self.failing.get(&act.name()).filter(|failing| failing.tried >= started);
        failing.map_or(i64::MIN, |failing| failing.again)
    }
}

impl Gateway {
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
        let upkeep = institution.upkeep;
        let url = self.notification_url(&id).filter(|_| upkeep.notifications);
        let anybody = url.is_some() && self.store.has_bank_consents(&id).await?;
        let callback = url.as_ref().map(Url::to_string).unwrap_or_default();
        let of_news = Topic::OF_NEWS.iter().filter(|_| upkeep.poll_every_s.is_some());
        let wanted: Vec<Topic> =
            Topic::OF_GRANTS.iter().chain(of_news).copied().filter(|_| anybody).collect();
        known.give_up(&wanted, &callback);
        let fetch_every_s = if upkeep.fetched { NOTIFICATIONS_FETCH_S } else { SUBSCRIPTIONS_LOOK_S };
        let (now, started) = (self.now().as_second(), self.started.as_second());
        let acts = known.acts(&wanted, fetch_every_s, (now, started));
        known.failing.retain(|name, _| acts.iter().any(|(act, _)| act.name() == *name));
        self.subscribed_to_news(
            &id,
            wanted.len() > Topic::OF_GRANTS.len()
                && wanted.iter().all(|topic| known.have.contains_key(topic)),
        );
        let due = |(act, due): &(Act, i64)| known.rests_until(act, started).max(*due);
        let Some(act) = acts.iter().find(|act| due(act) <= now).map(|(act, _)| act.clone()) else {
            if acts.is_empty() && !upkeep.notifications {
                return Ok(Step::Done);
            }
            let next = acts.iter().map(due).min().unwrap_or(i64::MAX);
            let wait = next.saturating_sub(now).clamp(1, SUBSCRIPTIONS_LOOK_S);
            return later(self.after_about(wait), &known);
        };
        let done = tokio::time::timeout(SUBSCRIPTION_TIME, self.act(&id, &act, &mut known, &callback));
        let Err(class) = done.await.unwrap_or(Err(BankErrorClass::Retry(UNANSWERED))) else {
            known.away = 0;
            known.failing.remove(&act.name());
            return later(self.now(), &known);
        };
        metrics::counter!("amana_subscription_errors_total", "class" => class.as_str()).increment(1);
        // From half a minute on: nobody waits.
        let wait = |times: u32| self.wait_before(times.saturating_add(4), SUBSCRIPTION_RETRY_MAX_S);
        if class.is_away() {
            known.away = known.away.saturating_add(1);
            return later(wait(known.away), &known);
        }
        known.away = 0;
        let failing = known.failing.entry(act.name()).or_insert(Failing { times: 0, tried: now, again: now });
        if failing.times == 0 {
            tracing::warn!(institution = %id, ?act, %class, "a bank does not do what its notifications need; its \
                grants are looked at and its news read all the same");
        }
        failing.times = failing.times.saturating_add(1);
        (failing.tried, failing.again) = (now, wait(failing.times).as_second());
        later(self.now(), &known)
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
            Act::End(sub) => {
                bank.unsubscribe(sub).await.map_err(|error| error.class)?;
                known.ending.retain(|ending| ending != sub);
                tracing::info!(institution = %id, "a bank's notifications were ended");
            }
            Act::Make(topic) => {
                let url = Url::parse(callback)
                    .map_err(|_| BankErrorClass::OurRequest("our own address is not a url"))?;
                let sub = bank.subscribe(*topic, &url).await.map_err(|error| error.class)?;
                // A bank that has it still gives it again: then it is not to be ended.
                known.ending.retain(|ending| *ending != sub);
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
            Act::Fetch => {
                let page = known.page.clone();
                let missed = match bank.missed(page.as_deref()).await {
                    Ok(missed) => missed,
                    Err(error) => {
                        // Perhaps the key of the page is too old: the next time from the beginning.
                        (known.page, known.read) = (None, None);
                        return Err(error.class);
                    }
                };
                let read = |hint: &amana_bank::Hint| Some(&hint.id) == known.read.as_ref();
                let new = missed.hints.iter().rposition(read).map_or(0, |last| last.saturating_add(1));
                for hint in missed.hints.iter().skip(new) {
                    let hinted = self.accept_hint(id, hint).await;
                    let hinted = hinted.map_err(|_| BankErrorClass::Retry("the store is away"))?;
                    metrics::counter!("amana_notifications_total", "result" => hinted.as_str()).increment(1);
                }
                match missed.next {
                    Some(next) => {
                        (known.page, known.read) = (Some(next), None);
                        known.turned = known.turned.saturating_add(1);
                        // A list without an end, or in a circle, must not keep us busy: it goes on the next time.
                        if known.turned >= NOTIFICATION_PAGES_MAX {
                            (known.turned, known.fetched) = (0, seen);
                        }
                    }
                    // The last page is read again: it may grow.
                    None => {
                        (known.turned, known.fetched) = (0, seen);
                        known.read = missed.hints.last().map(|last| last.id.clone());
                    }
                }
            }
        }
        Ok(())
    }
}
