//! The [`Store`] over any engine: submissions go to the writer, queries to a connection that only reads.

use crate::db::Backend;
use crate::fence::Fence;
use crate::vault::Vault;
use crate::writer::Submission;
use crate::{
    Alarm, Answer, AsideRecords, BankGrant, BookRow, ChannelQueue, ChannelState, Command, ConsentCount,
    Conversation, Counts, Customer, CustomerPlace, FailedEvent, Holder, InboxRow, InboxSource, Job,
    JobOutcome, JobWork, KeptBack, KeptOf, KeptPage, Keyring, KnownEvent, Lease, Link, LogHead, LogSegment,
    NewCustomerKey, Node, OutboxEntry, Outcome, Passkey, PlatformRequest, Retention, RetentionReport,
    Session, ShardView, Store, StoreError, StoredPolicy, StoredReceipt, StoredText, Story, SubmitError,
    Token, Waiting, apply_agent, apply_alarm, apply_aside, apply_page, apply_passkey, apply_policy,
    apply_waiting, node, queries, queries_hint, queries_inbox, queries_jobs, queries_keep, queries_log,
};
use amana_core::{
    AccountId, Agreement, AgreementEvent, ChannelId, Consent, ConsentId, ConsentRecord, ConversationId,
    CustomerId, EventKey, InstitutionId, KillSwitches, LinkId, MessageId, Shard, Timestamp,
};
use amana_log::CustomerKey;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// A store on an engine.
pub(crate) struct Engine<B> {
    pub(crate) backend: B,
    pub(crate) vault: Arc<Vault>,
    pub(crate) writer: mpsc::Sender<Submission>,
    pub(crate) retention: Retention,
    /// Which node this is, where there may be several.
    pub(crate) fence: Arc<Fence>,
}

/// Runs a query of [`queries`] on the engine; the names are moved into it.
macro_rules! ask {
    ($store:expr, $query:ident($($argument:expr),*)) => { ask!($store, queries::$query($($argument),*)) };
    ($store:expr, $module:ident::$query:ident($($argument:expr),*)) => {
        $store.backend.read(move |db| Box::pin(async move { $module::$query(db, $($argument),*).await })).await
    };
}

/// The same for a look at a few rows by their keys.
macro_rules! look {
    ($store:expr, $query:ident($($argument:expr),*)) => { look!($store, queries::$query($($argument),*)) };
    ($store:expr, $module:ident::$query:ident($($argument:expr),*)) => {
        $store.backend.look(move |db| Box::pin(async move { $module::$query(db, $($argument),*).await })).await
    };
}

#[async_trait]
impl<B: Backend> Store for Engine<B> {
    async fn submit(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, SubmitError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        // What a job was for is over with it: its key too. A crash in between leaves a share of a job that is nowhere,
        // which is looked for (`forget_lost_jobs`).
        let over: Vec<[u8; 16]> = commands.iter().filter_map(ended_job).collect();
        let outcomes = self.write(commands).await?;
        if let Err(error) = self.forget_jobs(over).await {
            tracing::warn!(%error, "a job's key is destroyed later");
        }
        Ok(outcomes)
    }

    async fn at_one_moment<'a>(&'a self, work: Pin<Box<dyn Future<Output = ()> + Send + 'a>>) -> Answer<()> {
        self.backend.at_one_moment(work).await
    }
    async fn conversation(&self, id: &ConversationId) -> Answer<Option<Conversation>> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        look!(self, conversation(&vault, &id))
    }
    async fn links_of_conversation(&self, id: &ConversationId) -> Answer<Vec<Link>> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        look!(self, links_of_conversation(&vault, &id))
    }
    async fn links_of_customer(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Link>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, links_of_customer(&vault, shard, customer))
    }
    async fn links_ever(&self, id: &ConversationId) -> Answer<Vec<Link>> {
        let (vault, id) = (Arc::clone(&self.vault), id.clone());
        ask!(self, links_ever(&vault, &id))
    }
    async fn links_ever_of_customer(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Link>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, links_ever_of_customer(&vault, shard, customer))
    }
    async fn links_of_account(&self, institution: &InstitutionId, account: &AccountId) -> Answer<Vec<Link>> {
        let (vault, institution, account) = (Arc::clone(&self.vault), institution.clone(), account.clone());
        look!(self, links_of_account(&vault, &institution, &account))
    }
    async fn links_of_bank_consent(&self, institution: &InstitutionId, id: &str) -> Answer<Vec<Link>> {
        let (vault, institution, id) = (Arc::clone(&self.vault), institution.clone(), id.to_owned());
        look!(self, queries_hint::links_of_bank_consent(&vault, &institution, &id))
    }
    async fn has_bank_consents(&self, institution: &InstitutionId) -> Answer<bool> {
        let institution = institution.clone();
        look!(self, queries_hint::has_bank_consents(&institution))
    }
    async fn link(&self, shard: Shard, id: LinkId) -> Answer<Option<Link>> {
        let vault = Arc::clone(&self.vault);
        look!(self, link(&vault, shard, id))
    }
    async fn is_link_active(&self, id: LinkId) -> Answer<bool> {
        look!(self, is_link_active(id))
    }
    async fn link_by_code(&self, code_hash: &[u8; 32]) -> Answer<Option<Link>> {
        let (vault, code_hash) = (Arc::clone(&self.vault), *code_hash);
        ask!(self, link_by_code(&vault, code_hash))
    }
    async fn customer(&self, shard: Shard, id: CustomerId) -> Answer<Option<Customer>> {
        let vault = Arc::clone(&self.vault);
        look!(self, customer(&vault, shard, id))
    }
    async fn customer_by_subject(
        &self,
        institution: &InstitutionId,
        subject: &[u8; 32],
    ) -> Answer<Option<Customer>> {
        let (vault, institution, subject) = (Arc::clone(&self.vault), institution.clone(), *subject);
        look!(self, customer_by_subject(&vault, &institution, subject))
    }
    async fn consents(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Consent>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, consents(&vault, shard, customer))
    }
    async fn consent_record(
        &self,
        shard: Shard,
        customer: CustomerId,
        consent: ConsentId,
    ) -> Answer<Option<ConsentRecord>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, consent_record(&vault, (shard, customer), consent))
    }
    async fn consent_of_link(&self, shard: Shard, link: LinkId) -> Answer<Option<Consent>> {
        let vault = Arc::clone(&self.vault);
        look!(self, consent_of_link(&vault, shard, link))
    }
    async fn agreement(&self, institution: &InstitutionId, channel: &ChannelId) -> Answer<Option<Agreement>> {
        let (institution, channel) = (institution.clone(), channel.clone());
        look!(self, agreement(&institution, &channel))
    }
    async fn agreements(&self) -> Answer<Vec<Agreement>> {
        ask!(self, agreements())
    }
    async fn agreement_events(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
    ) -> Answer<Vec<AgreementEvent>> {
        let (institution, channel) = (institution.clone(), channel.clone());
        ask!(self, agreement_events(&institution, &channel))
    }
    async fn refused_requests(&self, limit: usize) -> Answer<Vec<AgreementEvent>> {
        ask!(self, refused_requests(limit))
    }
    async fn policy_version(&self, institution: &InstitutionId) -> Answer<Option<(u32, String)>> {
        let institution = institution.clone();
        look!(self, apply_policy::newest(&institution))
    }
    async fn policy(&self, institution: &InstitutionId, version: u32) -> Answer<Option<StoredPolicy>> {
        let institution = institution.clone();
        ask!(self, apply_policy::policy(&institution, version))
    }
    async fn policies(&self, institution: &InstitutionId) -> Answer<Vec<StoredPolicy>> {
        let institution = institution.clone();
        ask!(self, apply_policy::policies(&institution))
    }
    async fn consent_counts(&self) -> Answer<Vec<ConsentCount>> {
        ask!(self, consent_counts())
    }
    async fn kills(&self) -> Answer<KillSwitches> {
        look!(self, kills())
    }

    async fn inbox_heads(&self, now: Timestamp, source: InboxSource, limit: usize) -> Answer<Vec<InboxRow>> {
        let node = self.fence.node_or_all();
        ask!(self, inbox_heads(node, (now, source), limit))
    }
    async fn inbox_look(&self, shard: Shard, key: &EventKey, lane: &[u8; 32]) -> Answer<(bool, bool)> {
        let (key, lane) = (*key, *lane);
        look!(self, inbox_look(shard, key, lane))
    }
    async fn inbox_known(&self, shard: Shard, keys: &[EventKey]) -> Answer<BTreeMap<EventKey, KnownEvent>> {
        let keys = keys.to_vec();
        look!(self, queries_inbox::inbox_known(shard, &keys))
    }
    async fn inbox_failed(&self, limit: usize) -> Answer<Vec<FailedEvent>> {
        ask!(self, inbox_failed(limit))
    }
    async fn outbox_heads(
        &self,
        now: Timestamp,
        paused: &[ChannelId],
        limit: usize,
    ) -> Answer<Vec<OutboxEntry>> {
        let (vault, paused) = (Arc::clone(&self.vault), paused.to_vec());
        let node = self.fence.node_or_all();
        ask!(self, outbox_heads(&vault, node, (now, &paused), limit))
    }
    async fn outbox_between(
        &self,
        after: (Shard, i64),
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Answer<Vec<OutboxEntry>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, outbox_between(&vault, after, (from, to), limit))
    }
    async fn outbox_entry(&self, message: MessageId) -> Answer<Option<OutboxEntry>> {
        let vault = Arc::clone(&self.vault);
        look!(self, outbox_entry(&vault, message))
    }
    async fn dead_letters(&self, limit: usize) -> Answer<Vec<OutboxEntry>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, dead_letters(&vault, limit))
    }
    async fn receipts(
        &self,
        shard: Shard,
        customer: CustomerId,
        from: u64,
        limit: usize,
    ) -> Answer<Vec<StoredReceipt>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, receipts(&vault, (shard, customer), from, limit))
    }
    async fn receipts_of_message(
        &self,
        shard: Shard,
        customer: CustomerId,
        after: u64,
        message: MessageId,
    ) -> Answer<Vec<StoredReceipt>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, queries_log::receipts_of_message(&vault, (shard, customer), after, message))
    }
    async fn receipts_of_words(&self, message: MessageId) -> Answer<Vec<(CustomerId, StoredReceipt)>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, apply_agent::receipts_of_words(&vault, message))
    }
    async fn receipts_before(
        &self,
        shard: Shard,
        customer: CustomerId,
        before: Option<u64>,
        limit: usize,
    ) -> Answer<Vec<StoredReceipt>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, receipts_before(&vault, (shard, customer), before, limit))
    }

    async fn log_head(&self) -> Answer<LogHead> {
        ask!(self, queries_log::log_head())
    }
    async fn log_entries(&self, from: u64, limit: usize) -> Answer<Vec<Vec<u8>>> {
        ask!(self, queries_log::log_entries(from, limit))
    }
    async fn log_checkpoint(&self) -> Answer<Option<(u64, String)>> {
        ask!(self, queries_log::log_checkpoint())
    }
    async fn log_segments(&self, from: u64) -> Answer<Vec<LogSegment>> {
        ask!(self, queries_log::log_segments(from))
    }
    async fn log_rule(&self, sha256: &[u8; 32]) -> Answer<Option<String>> {
        let sha256 = *sha256;
        ask!(self, queries_log::log_rule(sha256))
    }
    async fn log_key(&self, shard: Shard, customer: CustomerId) -> Answer<Option<Arc<CustomerKey>>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, queries_log::log_key(&vault, (shard, customer)))
    }

    async fn story(&self, shard: Shard, customer: CustomerId, key: &[u8; 32]) -> Answer<Option<Story>> {
        let key = *key;
        look!(self, story((shard, customer), key))
    }
    async fn stories(
        &self,
        shard: Shard,
        customer: CustomerId,
        after: Option<[u8; 32]>,
        limit: usize,
    ) -> Answer<Vec<Story>> {
        ask!(self, stories((shard, customer), after, limit))
    }
    async fn book(&self, shard: Shard, customer: CustomerId, key: &[u8; 32]) -> Answer<Option<BookRow>> {
        let key = *key;
        look!(self, book((shard, customer), key))
    }
    async fn bank_grant(&self, shard: Shard, link: LinkId) -> Answer<Option<BankGrant>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, bank_grant(&vault, shard, link))
    }
    async fn token(&self, hash: &[u8; 32]) -> Answer<Option<Token>> {
        let (vault, hash) = (Arc::clone(&self.vault), *hash);
        ask!(self, token(&vault, hash))
    }
    async fn sealed_page(&self, hash: &[u8; 32]) -> Answer<Option<KeptPage>> {
        let (vault, hash) = (Arc::clone(&self.vault), *hash);
        ask!(self, apply_page::kept(&vault, hash))
    }
    async fn passkeys(&self, shard: Shard, customer: CustomerId) -> Answer<Vec<Passkey>> {
        let vault = Arc::clone(&self.vault);
        ask!(self, apply_passkey::of_customer(&vault, (shard, customer)))
    }
    async fn session(&self, hash: &[u8; 32], now: Timestamp) -> Answer<Option<Session>> {
        let (vault, hash) = (Arc::clone(&self.vault), *hash);
        ask!(self, session(&vault, hash, now))
    }
    async fn jobs_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>> {
        let node = self.fence.node_or_all();
        ask!(self, queries_jobs::jobs_due(node, now, limit))
    }
    async fn grant_looks_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>> {
        let node = self.fence.node_or_all();
        ask!(self, queries_jobs::grant_looks_due(node, now, limit))
    }
    async fn polls_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<Job>> {
        let node = self.fence.node_or_all();
        ask!(self, queries_jobs::polls_due(node, now, limit))
    }

    async fn alarms(&self, closed_too: bool, limit: usize) -> Answer<Vec<Alarm>> {
        ask!(self, alarms(closed_too, limit))
    }
    async fn aside(&self, limit: usize) -> Answer<Vec<AsideRecords>> {
        ask!(self, apply_aside::aside(limit))
    }
    async fn deliveries_overdue(&self, now: Timestamp, limit: usize) -> Answer<Vec<(ChannelId, String)>> {
        ask!(self, overdue(now, limit))
    }
    async fn waiting(&self, shard: Shard, link: LinkId) -> Answer<Vec<Waiting>> {
        let vault = Arc::clone(&self.vault);
        look!(self, apply_waiting::of_link(&vault, shard, link))
    }
    async fn waiting_reachable(
        &self,
        since: Option<Timestamp>,
        elsewhere_since: Timestamp,
        after: i64,
        limit: usize,
    ) -> Answer<Vec<(Shard, LinkId, i64)>> {
        let node = self.fence.node_or_all();
        ask!(self, apply_waiting::reachable(node, (since, elsewhere_since, after), limit))
    }
    async fn waiting_elsewhere(
        &self,
        elsewhere_since: Timestamp,
        limit: usize,
    ) -> Answer<Vec<(Shard, LinkId)>> {
        let node = self.fence.node_or_all();
        ask!(self, apply_waiting::waiting_elsewhere(node, elsewhere_since, limit))
    }
    async fn known_mids(&self, channel: &ChannelId, mids: &[String]) -> Answer<Vec<String>> {
        let (channel, mids) = (channel.clone(), mids.to_vec());
        ask!(self, apply_alarm::known(&channel, &mids))
    }
    async fn known_events(&self, shard: Shard, keys: &[EventKey]) -> Answer<Vec<EventKey>> {
        let keys = keys.to_vec();
        ask!(self, apply_alarm::known_events(shard, &keys))
    }
    async fn kept_back(&self, conversation: &ConversationId) -> Answer<KeptBack> {
        let (conversation, vault) = (conversation.clone(), Arc::clone(&self.vault));
        ask!(self, apply_waiting::kept_back(&vault, &conversation))
    }
    async fn channel_states(&self) -> Answer<Vec<ChannelState>> {
        ask!(self, apply_waiting::channel_states())
    }
    async fn channel_queue(&self, channel: &ChannelId) -> Answer<ChannelQueue> {
        let channel = channel.clone();
        ask!(self, apply_waiting::channel_queue(&channel))
    }
    async fn last_heard(&self, channel: &ChannelId) -> Answer<Option<Timestamp>> {
        let channel = channel.clone();
        ask!(self, apply_waiting::last_heard(&channel))
    }
    async fn approved_texts(&self, channel: &ChannelId) -> Answer<Vec<StoredText>> {
        let channel = channel.clone();
        ask!(self, apply_waiting::texts(&channel))
    }
    async fn platform_request(&self, code: &[u8; 16]) -> Answer<Option<PlatformRequest>> {
        let code = *code;
        ask!(self, apply_waiting::request(code))
    }
    async fn counts(&self) -> Answer<Counts> {
        ask!(self, counts())
    }
    fn writer_waiting(&self) -> usize {
        self.writer.max_capacity().saturating_sub(self.writer.capacity())
    }
    async fn writable(&self) -> Answer<()> {
        match self.write(Vec::new()).await {
            Ok(_) => Ok(()),
            Err(SubmitError::Store(error)) => Err(error),
            Err(error @ (SubmitError::Overloaded | SubmitError::Conflict { .. })) => {
                Err(StoreError::new(error.to_string()))
            }
        }
    }
    async fn join_nodes(&self, name: &str) -> Answer<Option<i64>> {
        let (name, at) = (name.to_owned(), tokio::time::Instant::now());
        let node = ask!(self, node::join(&name))?;
        if let Some(node) = node {
            self.fence.join(node, at);
        }
        Ok(node)
    }
    fn lease(&self) -> Lease {
        self.fence.lease()
    }
    async fn is_leased(&self) -> Answer<bool> {
        let node = self.fence.node_or_all();
        if node == 0 {
            return Ok(true);
        }
        ask!(self, node::lives(node))
    }
    async fn forget_erased(&self, since: Timestamp) -> Answer<usize> {
        let erased: Vec<CustomerId> = ask!(self, queries_keep::erased_since(since))?;
        for id in &erased {
            self.vault.forget(*id);
        }
        Ok(erased.len())
    }
    async fn shards(&self) -> Answer<ShardView> {
        let node = self.fence.node_or_all();
        ask!(self, node::shards(node))
    }
    async fn nodes(&self) -> Answer<Vec<Node>> {
        ask!(self, node::nodes())
    }
    fn keyring(&self) -> &Keyring {
        self.vault.keyring()
    }
    fn retention(&self) -> &Retention {
        &self.retention
    }

    async fn new_customer_key(
        &self,
        institution: &InstitutionId,
        id: CustomerId,
        at: Timestamp,
    ) -> Answer<Option<NewCustomerKey>> {
        let (vault, institution) = (Arc::clone(&self.vault), institution.clone());
        blocking(move || vault.new_customer_key(&institution, id, at)).await
    }
    async fn destroy_customer_key(&self, id: CustomerId, at: Timestamp) -> Answer<()> {
        let vault = Arc::clone(&self.vault);
        blocking(move || vault.destroy(id, at)).await
    }
    async fn destroyed_keys(&self, after: Option<CustomerId>) -> Answer<Vec<CustomerId>> {
        let vault = Arc::clone(&self.vault);
        blocking(move || Ok(vault.custody().destroyed(after)?)).await
    }
    async fn seal_job(&self, id: [u8; 16], context: &[u8], plain: &[u8], at: Timestamp) -> Answer<Vec<u8>> {
        let (vault, context) = (Arc::clone(&self.vault), context.to_vec());
        let plain = Zeroizing::new(plain.to_vec());
        blocking(move || vault.seal_job(id, &context, &plain, at)).await
    }
    async fn open_job(&self, id: [u8; 16], context: &[u8], sealed: &[u8]) -> Answer<JobWork> {
        let (vault, context, sealed) = (Arc::clone(&self.vault), context.to_vec(), sealed.to_vec());
        blocking(move || vault.open_job(id, &context, &sealed)).await
    }
    async fn forget_lost_jobs(&self, before: Timestamp) -> Answer<usize> {
        let vault = Arc::clone(&self.vault);
        let old = blocking(move || Ok(vault.custody().old_jobs(before)?)).await?;
        let mut lost = Vec::new();
        for id in old {
            if !ask!(self, queries_keep::job_is_there(id))? {
                lost.push(id);
            }
        }
        let count = lost.len();
        self.forget_jobs(lost).await?;
        Ok(count)
    }
    async fn customer_place(&self, id: CustomerId) -> Answer<Option<CustomerPlace>> {
        ask!(self, queries_keep::customer_place(id))
    }
    async fn customers_idle(
        &self,
        before: Timestamp,
        after: Option<(Shard, CustomerId)>,
        limit: usize,
    ) -> Answer<Vec<CustomerPlace>> {
        ask!(self, queries_keep::customers_idle(before, after, limit))
    }
    async fn erased(&self, after: Option<CustomerId>, limit: usize) -> Answer<Vec<CustomerId>> {
        ask!(self, queries_keep::erased(after, limit))
    }
    async fn kept_of(&self, shard: Shard, customer: CustomerId) -> Answer<KeptOf> {
        ask!(self, queries_keep::kept_of((shard, customer)))
    }
    async fn retention_report(&self) -> Answer<RetentionReport> {
        ask!(self, queries_keep::retention_report())
    }
}

/// Work that may block: the key custody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let work = tokio::task::spawn_blocking(work).await;
    work.map_err(|_| StoreError::new("the key custody was interrupted"))?
}

/// The job that a command ends for good.
fn ended_job(command: &Command) -> Option<[u8; 16]> {
    match command {
        Command::FinishJob { id, outcome: JobOutcome::Done } | Command::CancelJob { id } => Some(*id),
        _ => None,
    }
}

impl<B> Engine<B> {
    async fn forget_jobs(&self, ids: Vec<[u8; 16]>) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let vault = Arc::clone(&self.vault);
        blocking(move || {
            // Of a job it is remembered that its share is over, not when: the time is not needed.
            ids.into_iter()
                .try_for_each(|id| vault.custody().destroy(Holder::Job(id), Timestamp::UNIX_EPOCH))
                .map_err(StoreError::from)
        })
        .await
    }

    /// Hands commands to the writer and waits for their commit. No command at all is an empty transaction.
    async fn write(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let gone = || SubmitError::Store(StoreError::new("its writer has stopped; restart the process"));
        self.writer.try_send(Submission { commands, reply }).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::Overloaded,
            TrySendError::Closed(_) => gone(),
        })?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}
