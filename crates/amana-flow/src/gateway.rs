//! The gateway: everything the flows need, gathered once.

use crate::agreement::{Acceptance, AgreementError, Agreements, DocumentFormat};
use crate::disclosure_log::{LogKeeper, LogParts};
use crate::doubt::Doubts;
use crate::error::FlowError;
use crate::flags::StoreFlags;
use crate::limits::{QUESTIONS_PER_BANK_MAX, QUESTIONS_WAITING_MAX, REFRESH_ENDS_EARLY_S};
use crate::policy::{Policies, ReadPolicy};
use crate::reconcile::Reconcile;
use crate::rules::{Rules, RulesRead};
use amana_bank::{Bank, Tokens};
use amana_channel::{Channel, Egress};
use amana_chat::Understand;
use amana_core::{
    Address, Aggregator, Agreement, AgreementAct, AgreementEvent, AgreementState, ChannelId, Clock, Clusters,
    Consent, Content, Controller, ConversationId, Entropy, Form, InstitutionId, KillSwitches, Lang,
    MessageId, Purpose, Shard, Terms, Timestamp,
};
use amana_gate::{About, Facts, Gate, Policy, TicketGuard};
use amana_render::{Encoding, RenderContext};
use amana_store::{Answer, ChannelHealth, Command, Link, PlainKey, Store, SubmitError, Token};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use url::Url;

/// How a link to an institution is kept up with what happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upkeep {
    /// How often a link is read for news, in seconds, at a bank that pushes nothing.
    pub poll_every_s: Option<i64>,
    /// The calls a day of one connection that reading for news may take, so that they are spread; 0 is no bound.
    pub poll_calls: u32,
    /// Whether the bank notifies (FDX event notifications), and is asked to.
    pub notifications: bool,
    /// Whether it keeps its notifications until we fetch them, as one does that cannot call us.
    pub fetched: bool,
    /// Whether the bank keeps one grant for a person and an application, whatever number of links there is.
    pub one_grant_per_person: bool,
    /// How many days after the linking the bank's refresh token ends, where that is before the grant does.
    pub refresh_days: Option<u32>,
    /// Whether only the customer can take a grant back, on the bank's own pages.
    pub revoked_there_alone: bool,
}

/// An institution as the flows know it.
pub struct Institution {
    /// Its English name.
    pub name_en: String,
    /// Its Arabic name.
    pub name_ar: String,
    /// The connector.
    pub bank: Arc<dyn Bank>,
    /// Who answers for its customers' consents.
    pub controller: Controller,
    /// The data aggregator through which it is read, if it is.
    pub(crate) aggregator: Option<Aggregator>,
    /// How its links are kept up.
    pub(crate) upkeep: Upkeep,
    /// Room for questions at the bank.
    pub(crate) questions: Semaphore,
    /// Room for those that are at the bank and those that wait for that.
    pub(crate) asking: Semaphore,
}

impl Institution {
    /// An institution with these names.
    #[must_use]
    pub fn new(name_en: String, name_ar: String, bank: Arc<dyn Bank>) -> Self {
        let questions = Semaphore::new(QUESTIONS_PER_BANK_MAX);
        let asking = Semaphore::new(QUESTIONS_PER_BANK_MAX + QUESTIONS_WAITING_MAX);
        let controller = Controller { name: name_en.clone(), ..Controller::default() };
        let (upkeep, aggregator) = (Upkeep::default(), None);
        Self { name_en, name_ar, bank, controller, aggregator, upkeep, questions, asking }
    }

    /// The same with who answers for consents, for their records.
    #[must_use]
    pub fn with_controller(mut self, controller: Controller) -> Self {
        self.controller = controller;
        self
    }

    /// The same with the data aggregator through which it is read.
    #[must_use]
    pub fn with_aggregator(mut self, aggregator: Option<Aggregator>) -> Self {
        self.aggregator = aggregator;
        self
    }

    /// The aggregator's name in a language, if there is one.
    pub(crate) fn aggregator_in(&self, lang: Lang) -> Option<String> {
        self.aggregator.as_ref().map(|aggregator| aggregator.name_in(lang).to_owned())
    }

    /// The same with how its links are kept up; they are not read for news otherwise.
    #[must_use]
    pub fn with_upkeep(mut self, upkeep: Upkeep) -> Self {
        self.upkeep = upkeep;
        self
    }

    /// When what the bank has just given ends: its grant, if it says of one, or before that the tokens that keep it up,
    /// as their answer or the profile says. `None`: nobody says.
    pub(crate) fn grant_ends(
        &self,
        grant: Option<Timestamp>,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let life = self.upkeep.refresh_days.map(|days| i64::from(days).saturating_mul(86_400));
        let by_profile = life.and_then(|life| now.checked_add(jiff::SignedDuration::from_secs(life)).ok());
        let tokens = tokens.refresh_ends.into_iter().chain(by_profile).min().map(ends_with_tokens);
        // One that ends before anybody could agree is a mistake of the bank's, or of a clock's.
        tokens.filter(|ends| *ends > now).into_iter().chain(grant).min()
    }

    /// Its name in a language.
    #[must_use]
    pub fn name_in(&self, lang: Lang) -> &str {
        match lang {
            Lang::English => &self.name_en,
            Lang::Arabic => &self.name_ar,
        }
    }
}

/// When a consent ends that is kept up by tokens which end then.
pub(crate) fn ends_with_tokens(ends: Timestamp) -> Timestamp {
    ends.saturating_sub(jiff::SignedDuration::from_secs(REFRESH_ENDS_EARLY_S)).unwrap_or(ends)
}

/// A channel as the flows know it.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// The institutions that are offered on it, in the order of showing.
    pub institutions: Vec<InstitutionId>,
}

/// What a gateway is made of.
pub struct GatewayParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The chat platform.
    pub channel: Arc<dyn Channel>,
    /// How a stored policy document is read.
    pub read_policy: ReadPolicy,
    /// The institutions.
    pub institutions: BTreeMap<InstitutionId, Institution>,
    /// The channels.
    pub channels: BTreeMap<ChannelId, ChannelConfig>,
    /// What a text means.
    pub understand: Box<dyn Understand>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where our pages are.
    pub public_url: Url,
    /// How the disclosure log is kept.
    pub log: LogParts,
    /// Hosts (`host` or `host:port`) to which an account-linking redirect may go: the platform's own.
    pub redirect_hosts: BTreeSet<String>,
    /// Our app's id at the platform, as echoes name it.
    pub own_app: Option<String>,
    /// Who else may send on our Pages, and what happens when somebody does who may not.
    pub reconcile: Reconcile,
}

/// What was given up, and may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// A message.
    Message(MessageId),
    /// An event, by its place in the inbox.
    Event(Shard, i64),
}

/// The gateway.
pub struct Gateway {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) institutions: BTreeMap<InstitutionId, Institution>,
    pub(crate) channels: BTreeMap<ChannelId, ChannelConfig>,
    pub(crate) understand: Box<dyn Understand>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) public_url: Url,
    /// For which site passkeys are; `None` where browsers have none.
    pub(crate) passkey_site: Option<amana_passkey::RelyingParty>,
    /// When this process began.
    pub(crate) started: Timestamp,
    pub(crate) redirect_hosts: BTreeSet<String>,
    pub(crate) own_app: Option<String>,
    pub(crate) reconcile: Reconcile,
    pub(crate) gate: Gate,
    pub(crate) log: LogKeeper,
    pub(crate) policies: Policies,
    pub(crate) refreshing: crate::grants::Refreshing,
    /// Lanes of banks in which an event is under way.
    pub(crate) lanes: Arc<crate::direct::Lanes>,
    /// The shards that this process works on.
    pub(crate) shards: Arc<crate::nodes::Shards>,
    /// Whether shards are being given back.
    pub(crate) giving: AtomicBool,
    pub(crate) chat_filled: Notify,
    pub(crate) bank_filled: Notify,
    pub(crate) outbox_filled: Notify,
    pub(crate) jobs_filled: Notify,
    /// Banks that failed while nobody waited, and whether they are left alone.
    pub(crate) resting: Mutex<HashMap<InstitutionId, crate::grant_look::Failing>>,
    /// When jobs were last hastened by a bank's notification.
    pub(crate) hinted: Mutex<HashMap<[u8; 16], Timestamp>>,
    /// Whether banks' notifications of news are known to come.
    pub(crate) heard: Mutex<HashMap<InstitutionId, crate::hints::Heard>>,
    /// The jobs that are being worked on.
    pub(crate) working: Mutex<HashSet<[u8; 16]>>,
    /// After which position the next look for news that can be told goes on: links that cannot be told (stopped, or
    /// their lane busy) hold up nobody behind them.
    pub(crate) news_after: AtomicI64,
    /// Channels whose token is dead or which the platform restricts, and until when they rest.
    pub(crate) paused: Mutex<HashMap<ChannelId, Timestamp>>,
    /// How channels stand, as it was last written down; `None` until it was read.
    pub(crate) health: tokio::sync::Mutex<Option<HashMap<ChannelId, ChannelHealth>>>,
    /// Conversations that are passed to people once the echo of a message is here.
    /// Texts on which a platform has not decided, and since when we see it so.
    pub(crate) texts_pending: Mutex<HashMap<(ChannelId, String), Timestamp>>,
    pub(crate) passing: Mutex<HashMap<MessageId, crate::passing::Passing>>,
    /// When the platform last enforced a policy on a channel, as it says.
    pub(crate) enforced: Mutex<HashMap<ChannelId, Timestamp>>,
    /// Of what this version does not know: the names, and how many were kept on which day.
    pub(crate) unknown_kept: Mutex<HashMap<String, (i64, u32)>>,
    /// When the platform is next asked whose a conversation is.
    pub(crate) owners_due: Mutex<HashMap<ConversationId, Timestamp>>,
    /// Room for marking messages as seen.
    pub(crate) seen_room: Arc<tokio::sync::Semaphore>,
    /// From when on each channel's platform may be asked again what was said in a conversation.
    pub(crate) look_there_at: Mutex<HashMap<ChannelId, Timestamp>>,
    /// When each channel is to be looked after again.
    pub(crate) looked_after: Mutex<HashMap<ChannelId, Timestamp>>,
    /// When an echo of ours last came, per channel: whether a missing one proves anything.
    pub(crate) echoed: Mutex<HashMap<ChannelId, Timestamp>>,
    /// Whether the platform's webhooks reach us, and which messages wait for an echo that none may bring.
    pub(crate) doubts: Mutex<Doubts>,
    /// Itself, for work that must outlive who asked for it.
    pub(crate) me: Weak<Self>,
}

/// What is known when a decision is made.
pub(crate) struct Gathered {
    pub(crate) agreement: Option<Arc<Agreement>>,
    pub(crate) consent: Option<Consent>,
    pub(crate) kills: Arc<KillSwitches>,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) now: Timestamp,
}

impl Gathered {
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            agreement: self.agreement.as_deref(),
            consent: self.consent.as_ref(),
            kills: &self.kills,
            now: self.now,
        }
    }
}

impl Gateway {
    /// A gateway of these parts.
    #[must_use]
    pub fn new(parts: GatewayParts) -> Arc<Self> {
        let gate = Gate::new(parts.store.keyring().ticket());
        // Without a key the guard believes nobody, as the gate then signs nothing.
        let now = parts.clock.now();
        let guard = TicketGuard::new(gate.egress_key().unwrap_or_default(), now);
        let flags = Arc::new(StoreFlags::new(parts.store.clone()));
        let channel = Arc::new(Egress::new(guard, flags, parts.clock.clone(), parts.channel));
        let refreshing = crate::grants::Refreshing::new(&*parts.entropy);
        Arc::new_cyclic(|me| Self {
            store: parts.store,
            channel,
            institutions: parts.institutions,
            channels: parts.channels,
            understand: parts.understand,
            clock: parts.clock,
            entropy: parts.entropy,
            passkey_site: amana_passkey::RelyingParty::at(&parts.public_url),
            public_url: parts.public_url,
            started: now,
            redirect_hosts: parts.redirect_hosts,
            own_app: parts.own_app,
            reconcile: parts.reconcile,
            gate,
            log: LogKeeper::new(parts.log),
            policies: Policies::new(parts.read_policy),
            refreshing,
            lanes: Arc::default(),
            shards: Arc::default(),
            giving: AtomicBool::new(false),
            chat_filled: Notify::new(),
            bank_filled: Notify::new(),
            outbox_filled: Notify::new(),
            jobs_filled: Notify::new(),
            resting: Mutex::default(),
            hinted: Mutex::default(),
            heard: Mutex::default(),
            working: Mutex::default(),
            news_after: AtomicI64::new(0),
            paused: Mutex::default(),
            health: tokio::sync::Mutex::default(),
            texts_pending: Mutex::default(),
            passing: Mutex::default(),
            enforced: Mutex::default(),
            unknown_kept: Mutex::default(),
            owners_due: Mutex::default(),
            seen_room: Arc::new(tokio::sync::Semaphore::new(crate::limits::SEEN_AT_ONCE_MAX)),
            look_there_at: Mutex::default(),
            looked_after: Mutex::default(),
            echoed: Mutex::default(),
            doubts: Mutex::new(Doubts::new(now)),
            me: me.clone(),
        })
    }

    /// The store, for health and metrics.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The key by which egress checks this gateway's tickets; it is public.
    #[must_use]
    pub fn egress_key(&self) -> Option<[u8; 32]> {
        self.gate.egress_key()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The institutions.
    #[must_use]
    pub fn institutions(&self) -> &BTreeMap<InstitutionId, Institution> {
        &self.institutions
    }

    /// The channels.
    #[must_use]
    pub fn channels(&self) -> &BTreeMap<ChannelId, ChannelConfig> {
        &self.channels
    }

    /// The agreements, and what can be done to them.
    #[must_use]
    pub fn agreements(&self) -> Agreements<'_> {
        Agreements::new(&*self.store, &*self.clock, &*self.entropy)
    }

    /// Whether an institution is offered on a channel.
    #[must_use]
    pub fn offers(&self, institution: &InstitutionId, channel: &ChannelId) -> bool {
        self.institutions.contains_key(institution)
            && self.channels.get(channel).is_some_and(|c| c.institutions.contains(institution))
    }

    /// Brings the agreement between an institution and a channel to what the configuration says, by the same acts as
    /// anybody's: asked for, accepted up to `form`, declined, suspended. A tightened one binds old consents at once.
    ///
    /// # Errors
    /// When an act cannot be done, or the store fails.
    pub async fn ensure_agreement(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        state: AgreementState,
        form: Form,
    ) -> Result<(), AgreementError> {
        let agreements = self.agreements();
        let by = crate::agreement::CONFIGURATION;
        let now = self.store.agreement(institution, channel).await?;
        let stands = now.as_ref().filter(|agreement| agreement.state.stands());
        let ask = async {
            let document = crate::agreement::configured_request(institution, channel, OFFERED_PURPOSES);
            agreements.request(document.as_bytes(), DocumentFormat::Json, by, &|_, _| true).await
        };
        match state {
            AgreementState::Active => {
                let wanted: Terms = OFFERED_PURPOSES.iter().map(|p| (*p, (p.clusters(), form))).collect();
                if stands.is_none() {
                    ask.await?;
                }
                if stands.is_none_or(|a| a.terms != wanted) {
                    let accepted = Acceptance { terms: Some(wanted), ..Acceptance::default() };
                    agreements.accept(institution, channel, &accepted, by, None).await?;
                }
                if stands.is_some_and(|a| a.state == AgreementState::Suspended) {
                    agreements.resume(institution, channel, by, None).await?;
                }
            }
            AgreementState::Suspended => {
                if stands.is_some_and(|a| a.state == AgreementState::Active) {
                    agreements.suspend(institution, channel, by, None).await?;
                }
            }
            AgreementState::Declined | AgreementState::Terminated => {
                if stands.is_some() {
                    agreements.end(institution, channel, by, None).await?;
                } else if now.as_ref().is_none_or(|a| a.state == AgreementState::Proposed) {
                    if now.is_none() {
                        ask.await?;
                    }
                    agreements.decline(institution, channel, None, by, None).await?;
                }
            }
            AgreementState::Proposed => {
                if now.is_none() {
                    ask.await?;
                }
            }
        }
        Ok(())
    }

    /// Whether anybody but the configuration acted on the agreement between the two. Then theirs is the last word.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn agreed_by_hand(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
    ) -> Result<bool, AgreementError> {
        let events = self.store.agreement_events(institution, channel).await?;
        let by_hand = |event: &AgreementEvent| {
            event.act != AgreementAct::Refused && event.by != crate::agreement::CONFIGURATION
        };
        Ok(events.iter().any(by_hand))
    }

    /// Has a message or an event that was given up tried again, if the gate still allows it.
    ///
    /// # Errors
    /// [`SubmitError::Conflict`] when it was not given up; else when the store fails.
    pub async fn try_again(&self, what: GivenUp) -> Result<(), SubmitError> {
        let command = match what {
            GivenUp::Message(message) => Command::ReplayDead { message, due_at: self.now() },
            GivenUp::Event(shard, position) => Command::ReplayInbox { shard, position },
        };
        self.store.submit(vec![command]).await?;
        self.chat_filled.notify_one();
        self.bank_filled.notify_one();
        self.outbox_filled.notify_one();
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes how long a stage took, for the operator.
    pub(crate) fn note_time(&self, stage: &'static str, since: Timestamp) {
        let took = self.now().duration_since(since).as_secs_f64().max(0.0);
        metrics::histogram!("amana_stage_seconds", "stage" => stage).record(took);
    }

    pub(crate) fn after(&self, seconds: i64) -> Timestamp {
        self.now()
            .checked_add(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
            .unwrap_or(Timestamp::MAX)
    }

    /// The wait before attempt `attempts + 1`: doubling from [`crate::limits::RETRY_BASE_S`], with up to a quarter of
    /// jitter.
    pub(crate) fn backoff(&self, attempts: u32) -> Timestamp {
        self.wait_before(attempts, crate::limits::RETRY_MAX_S)
    }

    /// The same for a job, whose waits grow longer.
    pub(crate) fn job_backoff(&self, attempts: u32) -> Timestamp {
        self.wait_before(attempts, crate::limits::JOB_RETRY_MAX_S)
    }

    pub(crate) fn wait_before(&self, attempts: u32, longest_s: i64) -> Timestamp {
        self.after_about(crate::limits::RETRY_BASE_S.saturating_mul(1i64 << attempts.min(20)).min(longest_s))
    }

    /// So many seconds from now and up to a quarter more, so that what failed together does not come back together.
    pub(crate) fn after_about(&self, base: i64) -> Timestamp {
        let jitter_ms =
            u64::from(u16::from_be_bytes(self.entropy.array())) * u64::try_from(base).unwrap_or(1) * 250
                / u64::from(u16::MAX);
        self.after(base).checked_add(Duration::from_millis(jitter_ms)).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn institution(&self, id: &InstitutionId) -> Result<&Institution, FlowError> {
        self.institutions.get(id).ok_or(FlowError::NotConfigured("institution"))
    }

    /// Reads agreement, consent, kill switches and policy afresh.
    pub(crate) async fn gather(&self, link: &Link) -> Answer<Gathered> {
        self.gather_in(link, &RulesRead::default()).await
    }

    /// The same, with the rules of a look that is under way. The consent is read afresh.
    pub(crate) async fn gather_in(&self, link: &Link, read: &RulesRead) -> Answer<Gathered> {
        let Rules { agreement, kills, policy } = self.rules(link, read).await?;
        let consent = self.store.consent_of_link(link.shard, link.id).await?;
        Ok(Gathered { agreement, consent, kills, policy, now: self.now() })
    }

    pub(crate) fn message_id(&self) -> MessageId {
        MessageId::new(&*self.clock, &*self.entropy)
    }

    pub(crate) fn render_context(&self, institution: &Institution, lang: Lang) -> RenderContext {
        RenderContext {
            lang,
            institution_name: institution.name_in(lang).to_owned(),
            now: self.now(),
            open_url: self.page("m").map(|url| url.to_string()),
        }
    }

    /// A message of ours that holds no bank data and names no link, as a command. `reply` says that it answers the
    /// person. It is under the key of the customer whose chat it is ([`PlainKey::of_chat`]), and stays for the others
    /// there when that one is erased. Where the key does not open it is the deployment's: who asks for help, or to be
    /// erased, is answered all the same.
    pub(crate) async fn say(
        &self,
        to: &ConversationId,
        content: &Content,
        reply: bool,
    ) -> Result<Command, FlowError> {
        self.say_about(About::Chat, to, content, reply).await
    }

    /// The same where these links, all in that chat, are named: what waits goes with the first of their customers who
    /// is erased.
    pub(crate) async fn say_of_all(
        &self,
        links: &[&Link],
        to: &ConversationId,
        content: &Content,
        reply: bool,
    ) -> Result<Command, FlowError> {
        match links {
            // A chat that has not confirmed a link has no say about its customer, nor they about what it is told.
            [link] if link.was_confirmed() => self.say_of(link, content, reply).await,
            _ => self.say_about(About::Links, to, content, reply).await,
        }
    }

    async fn say_about(
        &self,
        about: About,
        to: &ConversationId,
        content: &Content,
        reply: bool,
    ) -> Result<Command, FlowError> {
        let key = async {
            let links = self.store.links_of_conversation(to).await?;
            PlainKey::of_chat(&*self.store, &links).await
        };
        let key = self.unless_closed(key.await)?;
        self.say_under((&key, about), to, content, self.channel.encoding(reply))
    }

    /// The same about one link, in its chat: under its customer's key, also when it has just ended. Where that does not
    /// open nothing says whose link it is, and it goes with the first of the chat's customers.
    pub(crate) async fn say_of(
        &self,
        link: &Link,
        content: &Content,
        reply: bool,
    ) -> Result<Command, FlowError> {
        self.say_as(link, content, self.channel.encoding(reply)).await
    }

    /// The same in bytes of a kind that is chosen.
    pub(crate) async fn say_as(
        &self,
        link: &Link,
        content: &Content,
        encoding: Encoding,
    ) -> Result<Command, FlowError> {
        let key = self.unless_closed(PlainKey::of_link(&*self.store, link).await)?;
        let about = if key.is_a_customers() { About::Link } else { About::Links };
        self.say_under((&key, about), &link.conversation(), content, encoding)
    }

    /// The same where it must outlive the customer: that they are erased.
    pub(crate) fn say_farewell(
        &self,
        to: &ConversationId,
        content: &Content,
        reply: bool,
    ) -> Result<Command, FlowError> {
        let key = PlainKey::deployment(&*self.store);
        self.say_under((&key, About::Chat), to, content, self.channel.encoding(reply))
    }

    fn unless_closed<'a>(&'a self, key: Answer<PlainKey<'a>>) -> Answer<PlainKey<'a>> {
        match key {
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a chat's message is kept as a stranger's");
                Ok(PlainKey::deployment(&*self.store))
            }
            key => key,
        }
    }

    /// The same under a key that is chosen, about what is said.
    pub(crate) fn say_under(
        &self,
        (key, about): (&PlainKey<'_>, About),
        to: &ConversationId,
        content: &Content,
        encoding: Encoding,
    ) -> Result<Command, FlowError> {
        let recipient = Address { channel: to.channel.clone(), psid: to.psid.clone() };
        let mut disclosure = self
            .gate
            .plain(content, &recipient, encoding, self.message_id(), self.now(), key, &*self.entropy)
            .map_err(FlowError::Plain)?;
        disclosure.row.about = about;
        Ok(Command::Disclose { shard: to.shard(), disclosure: key.name_in(disclosure), at: self.now() })
    }

    /// A page of ours.
    pub(crate) fn page(&self, path: &str) -> Option<Url> {
        self.public_url.join(path).ok()
    }

    /// A new one-time link to the linking page: the address for the message, and the command that makes it good.
    pub(crate) fn one_time_link(&self, conversation: &ConversationId) -> (String, Command) {
        let token = self.secret_text();
        let url = self.page("link/start").map_or_else(String::new, |mut url| {
            url.query_pairs_mut().append_pair("t", &token);
            url.to_string()
        });
        let row = Token {
            hash: amana_core::ids::token_hash(&token),
            conversation: conversation.clone(),
            expires_at: self.after(crate::limits::TOKEN_LIFE_S),
            consumed_at: None,
        };
        (url, Command::PutToken(row))
    }

    /// The address of the privacy page. It carries no secret: the bank's own sign-in says who comes.
    pub(crate) fn privacy_url(&self) -> String {
        self.page("privacy").map_or_else(String::new, |url| url.to_string())
    }

    /// 256 random bits as text for a URL or a cookie.
    pub(crate) fn secret_text(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.entropy.array::<32>())
    }

    /// The address of the account-linking page for a channel; the platform adds its own parameters.
    pub(crate) fn account_linking_url(&self, channel: &ChannelId) -> String {
        self.page("link/messenger").map_or_else(String::new, |mut url| {
            url.query_pairs_mut().append_pair("page", channel.as_str());
            url.to_string()
        })
    }

    pub(crate) fn lane_of_conversation(&self, conversation: &ConversationId) -> [u8; 32] {
        self.store.keyring().lane(conversation)
    }

    pub(crate) fn lane_of_link(link: &Link) -> [u8; 32] {
        amana_core::ids::sha256(&[b"lane/bank", link.id.as_bytes()])
    }
}

/// The purposes that the gateway serves today, in the order in which the consent page shows them. (Receipts,
/// deliveries, security alerts, service, offers and transfers come with their own flows.)
pub const OFFERED_PURPOSES: &[Purpose] =
    &[Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BalanceUpdate];

/// The clusters that the offered purposes need together: what a bank is asked for.
pub(crate) fn offered_clusters() -> Clusters {
    OFFERED_PURPOSES.iter().fold(Clusters::default(), |all, p| all.union(p.clusters()))
}

pub(crate) fn shard_context(what: &str, shard: Shard, id: &[u8]) -> Vec<u8> {
    [what.as_bytes(), &shard.0.to_be_bytes(), id].concat()
}
