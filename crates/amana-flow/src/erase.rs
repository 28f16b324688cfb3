//! Erasure: everything about a customer ends, and holds against a copy of the database that is put back.
//!
//! ```text
//! one commit     consents revoked, links ended, the bank's revocations queued, the last receipt, the job that goes on;
//!                what waits for their chats is over, or another customer's to whom the chat belongs as well
//! then           the share of the customer's key is destroyed, outside of the database
//! then           the rows are removed, a bounded number at a time
//! ```
//! The commit makes it certain, the destroyed share makes it hold, the removal only tidies up. A crash anywhere is
//! finished by the job; a database from before is finished off at the start ([`Gateway::finish_erasures`]).

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::{
    CONFLICT_TRIES, ERASE_ASKED_S, ERASURES_AT_ONCE, IDLE_LOOK_ROWS, LOST_JOB_AGE_S, PRIVACY_SESSION_S,
};
use crate::session::{Browser, SignedIn};
use amana_chat::plain;
use amana_core::{ConsentEnd, ConversationId, CustomerId, InstitutionId, Lang, Shard, Timestamp};
use amana_gate::{ReceiptDraft, ReceiptKind, Recipient};
use amana_store::{Command, CustomerPlace, Job, JobKind, Link, LinkState, Outcome, SubmitError};
use std::collections::{BTreeMap, HashSet};
use tokio_util::sync::CancellationToken;

/// How an erasure went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// Consents were taken back, the bank is told, and there is a last receipt.
    Whole,
    /// Something stored did not open: key and rows are gone all the same. Of grants that did not open the bank could
    /// not be told, and there is no last receipt.
    Unread,
}

impl Gateway {
    /// The first of two steps on the privacy page: the word that the second must bring, good for
    /// [`ERASE_ASKED_S`] seconds. Nothing is erased yet.
    ///
    /// # Errors
    /// When the session is over, or the form is not ours.
    pub async fn privacy_erase_ask(&self, cookie: &str, csrf: &str) -> Result<String, LinkError> {
        let viewer = self.viewer_of_form(cookie, csrf).await?;
        let word = self.secret_text();
        let until = self.after(ERASE_ASKED_S);
        let viewer = SignedIn { erase: Some((word.clone(), until)), ..viewer };
        let keep = self.keep_browser(cookie, &Browser::Customer(viewer), PRIVACY_SESSION_S)?;
        self.store.submit(vec![keep]).await?;
        Ok(word)
    }

    /// The second step: erases the customer who is signed in, and signs the browser out. When it returns, nothing that
    /// was stored about them opens any more.
    ///
    /// # Errors
    /// When the session is over, the form is not ours or its word not the one that was given, or the store fails: then
    /// nothing was erased, or the rest follows by itself.
    pub async fn privacy_erase(&self, cookie: &str, csrf: &str, word: &str) -> Result<(), LinkError> {
        let viewer = self.viewer_of_form(cookie, csrf).await?;
        let asked = viewer.erase.as_ref().is_some_and(|(asked, until)| asked == word && self.now() < *until);
        if !asked {
            return Err(LinkError::Over);
        }
        let SignedIn { customer, shard, institution, lang, .. } = viewer;
        let place = CustomerPlace { id: customer, shard, institution, erased_at: None };
        self.erase(&place, Some(lang), Some(cookie)).await
    }

    /// What a person is answered who wants everything deleted. First the question whether really; on a yes that comes
    /// soon, the commands with which the erasure of everybody begins who was ever linked in this chat: they are certain
    /// with the event's own commit, and their jobs do the rest. The chat is enough, as it is for the platform's own
    /// request: whoever has it could take everything back, and gains nothing by what is deleted.
    pub(crate) async fn erase_from_chat(
        &self,
        chat: &ConversationId,
        lang: Lang,
        asked: Option<i64>,
    ) -> Result<Vec<Command>, FlowError> {
        let mut places = BTreeMap::new();
        // A chat that never confirmed a link has no say about its customer: the link may have been somebody else's.
        for link in self.store.links_ever(chat).await?.into_iter().filter(Link::was_confirmed) {
            let place = self.store.customer_place(link.customer).await?;
            if let Some(place) = place.filter(|place| place.erased_at.is_none()) {
                places.insert(link.customer, (place, link));
            }
        }
        if places.is_empty() {
            // What was kept of the chat itself goes all the same.
            let said = self.say(chat, &plain::nothing_to_erase(lang), true).await?;
            return Ok(vec![said, self.forget_command(chat, false)]);
        }
        let banks = self.names(places.values().map(|(_, link)| link), lang);
        let now = self.now().as_second();
        if !asked.is_some_and(|at| (0..ERASE_ASKED_S).contains(&now.saturating_sub(at))) {
            let (named, ask): (Vec<&Link>, _) =
                (places.values().map(|(_, link)| link).collect(), plain::erase_ask(lang, &banks, now));
            return Ok(vec![self.say_of_all(&named, chat, &ask, true).await?]);
        }
        let (mut commands, mut said) = (Vec::new(), Vec::new());
        for (place, _) in places.values() {
            match self.erasing(place, Some(lang), Some(chat)).await {
                Ok((erasing, told)) => {
                    commands.extend(erasing);
                    said.extend(told);
                }
                // Of whom something does not open any more is removed unread.
                Err(error) if error.is_damage() => commands.push(self.erase_job(place)),
                Err(error) => return Err(error),
            }
        }
        commands.extend(said);
        commands.push(self.say_farewell(chat, &plain::erased(lang, &banks), true)?);
        commands.push(self.forget_command(chat, false));
        Ok(commands)
    }

    /// Who sent a form of their own pages.
    pub(crate) async fn viewer_of_form(&self, cookie: &str, csrf: &str) -> Result<SignedIn, LinkError> {
        match self.browser(cookie).await? {
            Browser::Customer(viewer) if viewer.csrf == csrf => Ok(viewer),
            _ => Err(LinkError::Over),
        }
    }

    /// Erases a customer by the id alone: for the operator. `None` if there is no such customer (any more).
    ///
    /// # Errors
    /// When the store fails: then nothing was erased, or the rest follows by itself.
    pub async fn erase_customer(&self, customer: CustomerId) -> Result<Option<Erased>, LinkError> {
        match self.store.customer_place(customer).await? {
            None => Ok(None),
            Some(place) if place.erased_at.is_some() => {
                self.finish_erasure(place.shard, customer).await?;
                Ok(Some(Erased::Whole))
            }
            Some(place) => self.erase_or_remove(&place).await.map(Some),
        }
    }

    /// Erases a customer; of whom something does not open any more (a damaged row, a share of the key that was lost
    /// with its custody) is removed unread. Nobody is kept for ever because of one row.
    async fn erase_or_remove(&self, place: &CustomerPlace) -> Result<Erased, LinkError> {
        match self.erase(place, None, None).await {
            Ok(()) => Ok(Erased::Whole),
            Err(LinkError::Flow(error)) if error.is_damage() => {
                self.remove_unread(place).await?;
                Ok(Erased::Unread)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a customer of whom something does not open any more: what does open is ended first, and what is for
    /// another customer stays.
    async fn remove_unread(&self, place: &CustomerPlace) -> Result<(), FlowError> {
        tracing::warn!("a customer is erased of whom something does not open any more");
        self.end_what_opens(place).await?;
        self.leave_words(place).await?;
        self.finish_erasure(place.shard, place.id).await
    }

    /// What the job does: an erasure that began goes on. One that could not begin in the chat, since something of them
    /// did not open, is done here as a whole.
    pub(crate) async fn erase_by_job(&self, job: &Job) -> Result<(), FlowError> {
        match self.store.customer_place(job.customer).await? {
            Some(place) if place.erased_at.is_none() => self.remove_unread(&place).await,
            _ => self.finish_erasure(job.shard, job.customer).await,
        }
    }

    /// What waits for a chat that is another customer's, too, stays for that one.
    async fn leave_words(&self, place: &CustomerPlace) -> Result<(), FlowError> {
        let leave = Command::LeaveWords { shard: place.shard, customer: place.id };
        match self.store.submit(vec![leave]).await {
            // What is damaged goes with the rows.
            Err(SubmitError::Store(error)) if error.is_damage() => Ok(()),
            left => left.map(|_| ()).map_err(FlowError::from),
        }
    }

    /// Ends each link that still opens, each in a commit of its own, so that the bank is told of those.
    async fn end_what_opens(&self, place: &CustomerPlace) -> Result<(), FlowError> {
        let links = match self.store.links_of_customer(place.shard, place.id).await {
            Ok(links) => links,
            Err(error) if error.is_damage() => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for link in links {
            for attempt in 1.. {
                let commands = match self.end_link(&link, ConsentEnd::Withdrawn, self.now()).await {
                    Ok(commands) => commands,
                    Err(error) if error.is_damage() => break,
                    Err(error) => return Err(error),
                };
                match self.store.submit(commands).await {
                    Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                    // What else is damaged goes with the rows.
                    Ok(_) | Err(SubmitError::Conflict { .. }) => break,
                    Err(SubmitError::Store(error)) if error.is_damage() => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.jobs_filled.notify_one();
        Ok(())
    }

    async fn erase(
        &self,
        place: &CustomerPlace,
        lang: Option<Lang>,
        cookie: Option<&str>,
    ) -> Result<(), LinkError> {
        let (shard, customer) = (place.shard, place.id);
        for attempt in 1.. {
            let mut commands: Vec<Command> = cookie.map(Self::take_browser).into_iter().collect();
            let (erasing, said) = self.erasing(place, lang, None).await?;
            commands.extend(erasing.into_iter().chain(said));
            match self.store.submit(commands).await {
                // Posted twice: the first one does it.
                Err(SubmitError::Conflict { what: "session", .. }) => return Err(LinkError::Over),
                // Something changed a consent or its tokens at the same moment: once more, from what holds now.
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    break;
                }
            }
        }
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
        // Done here and now, so that who asked for it can be told that it is done. The job is for a crash.
        self.finish_erasure(shard, customer).await?;
        Ok(())
    }

    /// The commands with which an erasure begins, and from which on it is certain; and those that say so in the chats,
    /// which come after all of the former: each beginning ends whatever else waits for their chats. `asker` is the chat
    /// that hears of it from the caller.
    async fn erasing(
        &self,
        place: &CustomerPlace,
        lang: Option<Lang>,
        asker: Option<&ConversationId>,
    ) -> Result<(Vec<Command>, Vec<Command>), FlowError> {
        let (shard, customer, now) = (place.shard, place.id, self.now());
        let (mut commands, mut said) = (Vec::new(), Vec::new());
        for link in self.store.links_of_customer(shard, customer).await? {
            commands.extend(self.end_link(&link, ConsentEnd::Withdrawn, now).await?);
            // The chat hears that it is over, also where it was asked for elsewhere, by whoever it was.
            if asker != Some(&link.conversation())
                && link.state == LinkState::Active
                && let Ok(institution) = self.institution(&link.institution)
            {
                let chat = self.store.conversation(&link.conversation()).await?;
                let lang = lang.or(chat.map(|c| c.lang)).unwrap_or_default();
                let erased = plain::erased(lang, institution.name_in(lang));
                said.push(self.say_farewell(&link.conversation(), &erased, false)?);
            }
            // Nor is anything kept of the chat itself, unless another bank is linked there.
            if asker != Some(&link.conversation()) {
                said.push(self.forget_command(&link.conversation(), false));
            }
        }
        let receipt = erasure_receipt(&place.institution, now);
        commands.push(Command::BeginErasure { shard, customer, at: now, receipt });
        commands.push(self.erase_job(place));
        Ok((commands, said))
    }

    /// The job that destroys the key and removes the rows.
    fn erase_job(&self, place: &CustomerPlace) -> Command {
        let (shard, customer, due_at) = (place.shard, place.id, self.now());
        let (id, kind, body) = (self.entropy.array(), JobKind::Erase, Vec::new());
        Command::Enqueue(Job { id, shard, customer, kind, body, due_at, attempts: 0 })
    }

    /// Destroys the share of the key, then removes the rows. Twice is once.
    pub(crate) async fn finish_erasure(&self, shard: Shard, customer: CustomerId) -> Result<(), FlowError> {
        self.store.destroy_customer_key(customer, self.now()).await?;
        loop {
            let step = Command::Erase { shard, customer, at: self.now() };
            let outcomes = self.store.submit(vec![step]).await?;
            if outcomes != [Outcome::Changed] {
                return Ok(());
            }
        }
    }

    /// At the start, before anything else works: customers whose keys were destroyed, and who are in the database all
    /// the same because an older copy of it was put back, are erased to the end; and where an older key custody was put
    /// back, the keys of those who were erased are destroyed again. Answers how many had to be.
    ///
    /// # Errors
    /// When the store or the custody fails. The gateway must not start then.
    pub async fn finish_erasures(&self) -> Result<usize, FlowError> {
        let mut destroyed: HashSet<CustomerId> = HashSet::new();
        let mut after = None;
        loop {
            let page = self.store.destroyed_keys(after).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            destroyed.extend(page);
        }
        let mut finished = 0;
        let mut after = None;
        loop {
            let page = self.store.erased(after, ERASURES_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for customer in page {
                if destroyed.insert(customer) {
                    self.store.destroy_customer_key(customer, self.now()).await?;
                    finished += 1;
                }
            }
        }
        for customer in destroyed {
            if let Some(place) = self.store.customer_place(customer).await? {
                self.finish_erasure(place.shard, customer).await?;
                finished += 1;
            }
        }
        self.store.forget_lost_jobs(self.before(LOST_JOB_AGE_S)).await?;
        if finished > 0 {
            tracing::warn!(finished, "erasures were finished that a restored copy had undone");
        }
        Ok(finished)
    }

    /// Erases customers who have had no link for as long as the store keeps them, until told to stop; how many. One who
    /// cannot be erased now keeps nobody else.
    pub(crate) async fn erase_idle(&self, stop: &CancellationToken) -> Result<usize, LinkError> {
        let before = self.before(self.store.retention().customer_days.saturating_mul(86_400));
        let (mut count, mut after) = (0, None);
        loop {
            let idle = self.store.customers_idle(before, after, IDLE_LOOK_ROWS).await?;
            if idle.is_empty() {
                return Ok(count);
            }
            for place in idle {
                if stop.is_cancelled() || !self.shards.keeps_cell() {
                    return Ok(count);
                }
                after = Some((place.shard, place.id));
                match self.erase_or_remove(&place).await {
                    Ok(_) => count += 1,
                    Err(error) => {
                        tracing::warn!(%error, "a customer's time is over, and they could not be erased");
                    }
                }
            }
        }
    }

    fn before(&self, seconds: i64) -> Timestamp {
        let seconds = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        self.now().checked_sub(seconds).unwrap_or(Timestamp::MIN)
    }
}

/// The customer's last receipt.
fn erasure_receipt(institution: &InstitutionId, at: Timestamp) -> ReceiptDraft {
    ReceiptDraft::bare(ReceiptKind::Erasure, institution.clone(), Recipient::Customer, at)
}
