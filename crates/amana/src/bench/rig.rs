//! What is measured: a gateway as `serve` makes it, on a new database, with linked customers, a bank that only pushes,
//! and the mock platform. Everything is spoken to over loopback HTTP.

use super::platform::{self, Ledger};
use super::published::Published;
use super::{Plan, progress};
use crate::ambient::{OsEntropy, SystemClock};
use crate::limits::{BENCH_CUSTOMERS_AT_ONCE, BENCH_DRAIN, BENCH_RETRY};
use crate::server;
use amana_bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, BankError, BankErrorClass, Callback, CheckError,
    CheckReport, GrantState, Granted, Pending, Tokens,
};
use amana_channel::webhook::app_secret_proof;
use amana_channel::{Messenger, MessengerConfig, PageConfig, PageToken, Timeouts};
use amana_chat::Rules;
use amana_core::{
    AccountId, AgreementState, ChannelId, Clock, Consent, ConsentBasis, ConsentEnd, ConsentId, ConsentState,
    Controller, ConversationId, CustomerId, Entropy, Form, Grant, InstitutionId, Lang, LinkId, Page, Psid,
    Purpose, Secret, Shard, Timestamp, Transaction,
};
use amana_flow::{ChannelConfig, Gateway, GatewayParts, Institution, LogParts, Reconcile};
use amana_gate::{DataKey, Protected, ReceiptDraft, Subject};
use amana_log::note::LogSigner;
use amana_log::tiles::{DirTiles, Fsync};
use amana_store::{Command, Conversation, Counts, InboxSource, Keys, Link, LinkState, MemoryCustody, Store};
use amana_web::WebState;
use anyhow::{Context as _, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The institution's name.
pub(crate) const BANK: &str = "bench-bank";
/// The number of the first Page.
const FIRST_PAGE: u32 = 1_001;
/// What the bank brings with its events, and with what the platform signs. Both are for this one run on loopback.
pub(crate) const BENCH_SECRET: &str = "a secret of the bench alone, which is worth nothing";

/// A bank that pushes events and answers nothing.
struct SilentBank(InstitutionId);

impl SilentBank {
    fn no<T>(&self) -> Result<T, BankError> {
        let class = BankErrorClass::Retry("the bench's bank answers nothing");
        Err(BankError { institution: self.0.clone(), interaction: None, class })
    }
}

#[async_trait::async_trait]
impl Bank for SilentBank {
    fn id(&self) -> &InstitutionId {
        &self.0
    }
    async fn begin(&self, _: &AuthorizeAsk) -> Result<Authorization, BankError> {
        self.no()
    }
    async fn complete(&self, _: &Pending, _: &Callback) -> Result<Granted, BankError> {
        self.no()
    }
    async fn refresh(&self, _: &Tokens) -> Result<Tokens, BankError> {
        self.no()
    }
    async fn accounts(&self, _: &Tokens, _: &Subject, _: Actor) -> Result<Accounts, BankError> {
        self.no()
    }
    async fn transactions(
        &self,
        _: &Tokens,
        _: &Subject,
        _: &AccountId,
        _: Timestamp,
        _: Timestamp,
        _: Actor,
    ) -> Result<Protected<Page<Transaction>>, BankError> {
        self.no()
    }
    async fn news(&self, _: &Tokens, _: &Subject, _: &amana_bank::Of) -> Result<amana_bank::News, BankError> {
        self.no()
    }
    async fn grant(&self, _: &Tokens, _: &Subject, _: Option<&str>) -> Result<GrantState, BankError> {
        self.no()
    }
    async fn revoke(&self, _: &Tokens, _: Option<&str>, _: amana_bank::TakenBack) -> Result<(), BankError> {
        self.no()
    }
    async fn revoke_refresh(&self, _: &amana_core::Secret) -> Result<(), BankError> {
        self.no()
    }
    async fn check(&self) -> Result<CheckReport, CheckError> {
        Ok(CheckReport::default())
    }
}

/// The nth customer: everything about them follows from the number, and from how many Pages there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    pub(crate) number: u32,
    pages: u16,
}

/// The nth Page.
fn page(n: u32) -> anyhow::Result<ChannelId> {
    Ok(ChannelId::new((FIRST_PAGE + n).to_string())?)
}

impl Plan {
    /// The nth customer.
    pub(crate) fn person(&self, number: u32) -> Person {
        Person::new(number, self.pages)
    }
}

impl Person {
    pub(crate) fn new(number: u32, pages: u16) -> Self {
        Self { number, pages }
    }
    fn bytes(self, kind: u8) -> [u8; 16] {
        let mut bytes = [kind; 16];
        let (front, _) = bytes.split_at_mut(4);
        front.copy_from_slice(&self.number.to_be_bytes());
        bytes
    }
    pub(crate) fn customer(self) -> CustomerId {
        CustomerId::from_bytes(self.bytes(1))
    }
    fn link(self) -> LinkId {
        LinkId::from_bytes(self.bytes(2))
    }
    /// The consent after so many changes.
    fn consent(self, changes: u32) -> ConsentId {
        let mut bytes = self.bytes(3);
        let (_, back) = bytes.split_at_mut(12);
        back.copy_from_slice(&changes.to_be_bytes());
        ConsentId::from_bytes(bytes)
    }
    pub(crate) fn psid(self) -> String {
        format!("{}", 7_000_000_000u64 + u64::from(self.number))
    }
    pub(crate) fn account(self) -> String {
        format!("account-{}", self.number)
    }
    pub(crate) fn subject(self) -> String {
        format!("customer-{}", self.number)
    }
    pub(crate) fn page(self) -> anyhow::Result<ChannelId> {
        page(self.number % u32::from(self.pages.max(1)))
    }
    fn conversation(self) -> anyhow::Result<ConversationId> {
        Ok(ConversationId { channel: self.page()?, psid: Psid::new(self.psid())? })
    }
    pub(crate) fn shard(self) -> anyhow::Result<Shard> {
        Ok(self.conversation()?.shard())
    }
}

/// What runs beside the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Working {
    /// The store and the keeper of the log: nothing is decided.
    Keeping,
    /// Events are decided.
    Deciding,
    /// And what was decided is sent.
    Sending,
}

/// The gateway under load.
pub(crate) struct Rig {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ledger: Arc<Ledger>,
    /// From an entry's commit to the signed checkpoint that holds it.
    pub(crate) published: Published,
    pub(crate) at: SocketAddr,
    doors: Vec<Mutex<Option<SendRequest<Full<Bytes>>>>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// A consent to everything that the gateway serves.
fn consent(person: Person, changes: u32, now: Timestamp) -> anyhow::Result<Consent> {
    let accounts = BTreeSet::from([AccountId::new(person.account())?]);
    let grants = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BalanceUpdate]
        .into_iter()
        .map(|p| (p, Grant { accounts: accounts.clone(), clusters: p.clusters(), form: Form::Detail }))
        .collect();
    Ok(Consent {
        id: person.consent(changes),
        customer: person.customer(),
        link: person.link(),
        institution: InstitutionId::new(BANK)?,
        channel: person.page()?,
        psid: Psid::new(person.psid())?,
        grants,
        lang: Lang::English,
        notice_sha256: hex::encode(amana_core::ids::sha256(&[b"the bench's notice"])),
        granted_at: now,
        expires_at: now.checked_add(std::time::Duration::from_secs(90 * 86_400))?,
        state: ConsentState::Active,
        revoked_at: None,
    })
}

fn granting(person: Person, changes: u32, now: Timestamp) -> anyhow::Result<Command> {
    let consent = consent(person, changes, now)?;
    let basis = ConsentBasis {
        controller: Controller { name: "Bench Bank".to_owned(), ..Controller::default() },
        recipient: "Messenger".to_owned(),
        notice: None,
        lookback_days: 365,
        evidence: None,
        replaces: (changes > 0).then(|| person.consent(changes - 1)),
        aggregator: None,
    };
    Ok(Command::GrantConsent {
        shard: person.shard()?,
        receipt: ReceiptDraft::of_consent_given(&consent, None, now),
        basis: Box::new(basis),
        consent,
    })
}

async fn make_person(store: &dyn Store, person: Person, now: Timestamp) -> anyhow::Result<[Command; 4]> {
    let bank = InstitutionId::new(BANK)?;
    let made = store.new_customer_key(&bank, person.customer(), now).await?;
    let conversation = person.conversation()?;
    Ok([
        Command::CreateCustomer {
            shard: person.shard()?,
            id: person.customer(),
            subject: store.keyring().blind(&bank, &person.subject()),
            institution: bank.clone(),
            wrapped_key: made.context("a customer's key was not made")?.wrapped,
            at: now,
        },
        Command::CreateLink(Link {
            id: person.link(),
            shard: person.shard()?,
            customer: person.customer(),
            institution: bank,
            channel: conversation.channel.clone(),
            psid: conversation.psid.clone(),
            accounts: BTreeSet::from([AccountId::new(person.account())?]),
            state: LinkState::Active,
            code_hash: None,
            created_at: now,
            ended_at: None,
        }),
        Command::PutConversation(Conversation {
            id: conversation,
            lang: Lang::English,
            lang_chosen: true,
            last_inbound_at: Some(now),
            welcomed_at: Some(now),
            elsewhere: None,
        }),
        granting(person, 0, now)?,
    ])
}

async fn populate(store: &Arc<dyn Store>, plan: &Plan) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut first = 0;
    while first < plan.customers {
        let last = first.saturating_add(BENCH_CUSTOMERS_AT_ONCE).min(plan.customers);
        let mut commands = Vec::new();
        for n in first..last {
            commands.extend(make_person(&**store, plan.person(n), SystemClock.now()).await?);
        }
        store.submit(commands).await?;
        if last / 100_000 > first / 100_000 {
            progress(plan.quiet, &format!("  {last} customers are linked"));
        }
        first = last;
    }
    let took = started.elapsed().as_secs_f64();
    progress(plan.quiet, &format!("  {} customers linked in {took:.1} s", plan.customers));
    Ok(())
}

/// A connection to the gateway, and what must run for it.
///
/// # Errors
/// When nobody listens there.
pub(crate) async fn connect(
    at: SocketAddr,
) -> anyhow::Result<(SendRequest<Full<Bytes>>, Connection<TokioIo<TcpStream>, Full<Bytes>>)> {
    let stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    Ok(hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?)
}

impl Rig {
    /// Makes and starts all of it.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub(crate) async fn new(
        plan: &Plan,
        folder: &Path,
        ledger: Arc<Ledger>,
        working: Working,
    ) -> anyhow::Result<Self> {
        // The custody is asked once for each customer and process, never per message: here it is in memory.
        let keys = Keys::new(Arc::new(DataKey::generate(&OsEntropy)), Arc::new(MemoryCustody::default()));
        Self::on(keys, plan, folder, ledger, working).await
    }

    /// The same under keys that outlive it.
    ///
    /// # Errors
    /// When a part cannot be made.
    pub(crate) async fn on(
        keys: Keys,
        plan: &Plan,
        folder: &Path,
        ledger: Arc<Ledger>,
        working: Working,
    ) -> anyhow::Result<Self> {
        let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
            (Arc::new(SystemClock), Arc::new(OsEntropy));
        let url = format!("sqlite:{}", folder.join("amana.sqlite").display());
        let store = amana_store::open(&url, keys, entropy.clone(), clock.clone()).await?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let platform = TcpListener::bind(("127.0.0.1", 0)).await?;
        let graph = format!("http://{}/", platform.local_addr()?);
        let mock = platform::router(ledger.clone());
        tasks.spawn(server::serve(platform, mock, stop.clone(), server::Bounds::default()));
        let secret = Secret::new(BENCH_SECRET);
        let pages = (0..u32::from(plan.pages)).map(page).collect::<anyhow::Result<Vec<_>>>()?;
        let with_token = |id: &ChannelId| {
            let token = PageToken::new(Secret::new("bench"));
            PageConfig { id: id.clone(), proof: token.proof(&secret), token }
        };
        let channel = Messenger::new(MessengerConfig {
            graph_url: graph.parse()?,
            graph_version: "v26.0".to_owned(),
            app_id: "1".to_owned(),
            app: None,
            pages: pages.iter().map(with_token).collect(),
            timeouts: Timeouts::default(),
        })
        .map_err(|e| anyhow::anyhow!("the client of the platform: {}", e.what))?;
        let bank = InstitutionId::new(BANK)?;
        let institution =
            Institution::new("Bench Bank".into(), "بنك التجربة".into(), Arc::new(SilentBank(bank.clone())));
        let log = LogParts {
            signer: LogSigner::new("bench.example/log", &store.keyring().log_signing_seed())?,
            tiles: Arc::new(DirTiles::new(folder.join("log"), Fsync::Never)),
            witnesses: None,
            segment_entries: amana_flow::limits::SEGMENT_ENTRIES,
            segment_seconds: amana_flow::limits::SEGMENT_SECONDS,
        };
        let carries = || ChannelConfig { institutions: vec![bank.clone()] };
        let gateway = Gateway::new(GatewayParts {
            store: store.clone(),
            channel: Arc::new(channel),
            read_policy: crate::policy::read,
            institutions: BTreeMap::from([(bank.clone(), institution)]),
            channels: pages.iter().map(|page| (page.clone(), carries())).collect(),
            understand: Box::new(Rules),
            clock,
            entropy,
            public_url: "https://bench.example/".parse()?,
            log,
            redirect_hosts: BTreeSet::new(),
            own_app: Some("1".to_owned()),
            reconcile: Reconcile::default(),
        });
        for page in &pages {
            gateway.ensure_agreement(&bank, page, AgreementState::Active, Form::Detail).await?;
        }
        populate(&store, plan).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let router = amana_web::router(WebState {
            gateway: gateway.clone(),
            app_secret: secret.clone(),
            verify_token: secret.clone(),
            event_tokens: BTreeMap::from([(bank, secret)]),
            secure_cookies: true,
            public_url: "https://bench.example/".parse()?,
            metrics: Box::new(String::new),
            form_action_origins: Vec::new(),
        });
        tasks.spawn(server::serve(listener, router, stop.clone(), server::Bounds::default()));
        tasks.spawn(gateway.clone().run_log(stop.clone()));
        if working != Working::Keeping {
            tasks.spawn(gateway.clone().run_inbox(stop.clone()));
        }
        if working == Working::Sending {
            tasks.spawn(gateway.clone().run_outbox(stop.clone()));
        }
        let published = Published::watch(store.clone(), gateway.clone(), &tasks, stop.clone())?;
        let doors = (0..plan.connections).map(|_| Mutex::default()).collect();
        Ok(Self { store, ledger, published, at, doors, stop, tasks })
    }

    /// Posts a body on the sender's own connection, again where the gateway says that it should come later; the answer.
    ///
    /// # Errors
    /// When it is refused otherwise.
    async fn post(
        &self,
        sender: u16,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> anyhow::Result<Bytes> {
        let door = self.doors.get(usize::from(sender)).context("a sender without a connection")?;
        let mut door = door.lock().await;
        loop {
            let mut open = door.take();
            if let Some(kept) = &mut open
                && kept.ready().await.is_err()
            {
                open = None;
            }
            let mut open = match open {
                Some(open) => open,
                None => {
                    let (open, connection) = connect(self.at).await?;
                    self.tasks.spawn(connection);
                    open
                }
            };
            let mut request = hyper::Request::post(path).header("host", "bench.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = open.send_request(request.body(Full::new(body.clone()))?).await?;
            let status = answer.status();
            let answer = answer.into_body().collect().await?.to_bytes();
            *door = Some(open);
            if status.is_success() {
                return Ok(answer);
            }
            if status.as_u16() != 503 && status.as_u16() != 429 {
                bail!("the gateway answered {status}: {}", String::from_utf8_lossy(&answer));
            }
            tokio::time::sleep(BENCH_RETRY).await;
        }
    }

    /// A request with a bank's events; how many are new and durable.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn push(&self, sender: u16, media: &str, body: String) -> anyhow::Result<u64> {
        let bearer = format!("Bearer {BENCH_SECRET}");
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        let path = format!("/events/{BANK}");
        let answer = self.post(sender, &path, &headers, &Bytes::from(body)).await?;
        let answer: serde_json::Value = serde_json::from_slice(&answer)?;
        answer.get("stored").and_then(serde_json::Value::as_u64).context("the answer does not count")
    }

    /// A webhook of the platform, signed.
    ///
    /// # Errors
    /// When it is refused.
    pub(crate) async fn hook(&self, sender: u16, body: String) -> anyhow::Result<()> {
        // The signature is the same HMAC as a token's proof: of a text, under the app's secret.
        let signature =
            format!("sha256={}", app_secret_proof(&Secret::new(BENCH_SECRET), &Secret::new(body.as_str())));
        let headers = [("x-hub-signature-256", signature.as_str()), ("content-type", "application/json")];
        self.post(sender, "/webhooks/messenger", &headers, &Bytes::from(body)).await.map(|_| ())
    }

    /// Replaces a customer's consent by another of the same content, in one commit. Two receipts.
    ///
    /// # Errors
    /// When the store refuses.
    pub(crate) async fn change_consent(&self, person: Person, changes: u32) -> anyhow::Result<()> {
        let now = SystemClock.now();
        let before = consent(person, changes, now)?;
        let revoke = Command::RevokeConsent {
            shard: person.shard()?,
            customer: person.customer(),
            consent: before.id,
            why: ConsentEnd::Replaced,
            at: now,
            receipt: ReceiptDraft::of_consent_end(&before, ConsentEnd::Replaced, now),
        };
        self.store.submit(vec![revoke, granting(person, changes + 1, now)?]).await?;
        Ok(())
    }

    /// Waits until no event waits to be decided, and tells whether that came: as long as there is progress.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn decided(&self, source: InboxSource) -> anyhow::Result<bool> {
        let (mut fewest, mut moved, mut counted) = (u64::MAX, Instant::now(), None);
        while moved.elapsed() < BENCH_DRAIN {
            let later = SystemClock.now().checked_add(BENCH_DRAIN)?;
            if self.store.inbox_heads(later, source, 1).await?.is_empty() {
                return Ok(true);
            }
            // Counting is work too, which is not what is measured: once in a while.
            if counted.is_none_or(|at: Instant| at.elapsed() > BENCH_DRAIN / 30) {
                let waiting = self.counts().await?.inbox_waiting;
                counted = Some(Instant::now());
                if waiting < fewest {
                    (fewest, moved) = (waiting, Instant::now());
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(false)
    }

    /// Waits until so many messages came and none is on its way, and tells whether that came.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn sent(&self, messages: u64) -> anyhow::Result<bool> {
        let (mut last, mut moved) = (0, Instant::now());
        while moved.elapsed() < BENCH_DRAIN && self.ledger.came() < messages {
            if self.ledger.came() > last {
                (last, moved) = (self.ledger.came(), Instant::now());
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let began = Instant::now();
        while began.elapsed() < BENCH_DRAIN {
            if self.store.counts().await?.outbox_open == 0 {
                return Ok(self.ledger.came() == messages);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    /// What waits and what was received.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn counts(&self) -> anyhow::Result<Counts> {
        Ok(self.store.counts().await?)
    }

    /// Stops everything, and waits for it.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.doors.into_iter().for_each(drop);
        self.tasks.close();
        let _ = tokio::time::timeout(crate::limits::DRAIN, self.tasks.wait()).await;
    }
}
