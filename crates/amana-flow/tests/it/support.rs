//! A gateway on a real SQLite store, with a bank and a channel that a test can steer.

pub(crate) use crate::fake_channel::{FakeChannel, Fate};
use crate::form_policy::read_policy;
use amana_bank::*;
use amana_channel::webhook::{Inbound, InboundKind};
use amana_channel::{Channel, History, ThreadOwner};
use amana_chat::Rules;
use amana_core::*;
use amana_flow::*;
use amana_gate::{DataKey, Protected, Subject, Unaddressed};
use amana_log::note::LogSigner;
use amana_log::tiles::MemoryTiles;
use amana_store::{Keys, PlatformRequestKind, SqliteCustody, Store};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const BANK: &str = "cedar-bank";
pub(crate) const PAGE: &str = "1001";

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("USD").expect("a currency"))
}

pub(crate) fn account(id: &str) -> AccountId {
    AccountId::new(id).expect("an id")
}

pub(crate) fn conversation(psid: &str) -> ConversationId {
    ConversationId { channel: ChannelId::new(PAGE).expect("an id"), psid: Psid::new(psid).expect("an id") }
}

/// Where a grant is kept.
pub(crate) type GrantAt = (Arc<dyn Store>, Shard, LinkId);

/// A bank of one customer, `subject`, with two accounts.
pub(crate) struct FakeBank {
    id: InstitutionId,
    clock: Arc<dyn Clock>,
    /// Who signs in next.
    pub(crate) subject: Mutex<Option<String>>,
    pub(crate) error: Mutex<Option<BankErrorClass>>,
    pub(crate) calls: Mutex<Vec<&'static str>>,
    pub(crate) life_s: Mutex<i64>,
    /// One grant for a person and an application, whatever happens, instead of one each time.
    pub(crate) one_grant: Mutex<bool>,
    /// The next data call finds its access token ended.
    pub(crate) refuse_once: Mutex<bool>,
    /// The id of the checking account.
    pub(crate) checking: Mutex<String>,
    /// How the bank says that a grant stands.
    pub(crate) grant: Mutex<GrantStatus>,
    /// Why no account can be read.
    pub(crate) no_accounts: Mutex<Option<BankErrorClass>>,
    /// When it says that the grant ends.
    pub(crate) ends: Mutex<Option<Timestamp>>,
    /// The accounts that it says the grant holds.
    pub(crate) held: Mutex<Option<Vec<AccountId>>>,
    /// What kinds of data it says that it holds of an account.
    pub(crate) clusters: Mutex<BTreeMap<AccountId, Clusters>>,
    /// How the gateway that is built next keeps its links up.
    pub(crate) upkeep: Mutex<Upkeep>,
    /// What there is to read for news.
    pub(crate) news: Mutex<Vec<(BankEvent, BankEventBody)>>,
    /// What was read for news.
    pub(crate) asked: Mutex<Vec<Of>>,
    /// Its lists are not whole.
    pub(crate) partial: Mutex<bool>,
    /// Why no news can be read.
    pub(crate) no_news: Mutex<Option<BankErrorClass>>,
    /// How many calls a reading for news takes.
    pub(crate) pages: Mutex<u32>,
    /// It tells no ids of grants.
    pub(crate) nameless: Mutex<bool>,
    /// How long it takes to say what accounts there are.
    pub(crate) takes: Mutex<Duration>,
    /// What was taken back, by the refresh token, and why.
    pub(crate) taken_back: Mutex<Vec<(String, TakenBack)>>,
    /// Refresh tokens that were taken back, and nothing else with them.
    pub(crate) taken_alone: Mutex<Vec<String>>,
    /// Rows of its list of accounts that could not be read.
    pub(crate) skipped: Mutex<usize>,
    /// Accounts whose transactions cannot be read, and why.
    pub(crate) failing: Mutex<BTreeMap<&'static str, BankErrorClass>>,
    /// A look at a grant gets no answer.
    pub(crate) hangs: Mutex<bool>,
    /// No refresh token is taken any more.
    pub(crate) invalid_grant: Mutex<bool>,
    /// What a refresh gives is not to be used, but for its refresh token.
    pub(crate) doubt: Mutex<amana_bank::Doubt>,
    /// The refresh tokens that were shown.
    pub(crate) shown: Mutex<Vec<String>>,
    /// Each refresh gives a new refresh token, and one that was shown before ends the grant: how many it gave.
    pub(crate) rotates: Mutex<Option<u32>>,
    /// How long a refresh takes.
    pub(crate) refresh_takes: Mutex<Duration>,
    /// The grant that is looked up in the store when accounts are read, and of each reading what was shown and what
    /// was stored at that moment.
    pub(crate) looked_up: Mutex<Option<GrantAt>>,
    pub(crate) used: Mutex<Vec<(String, String)>>,
    /// Our subscriptions to its notifications: of what, and where to.
    pub(crate) subscriptions: Mutex<BTreeMap<String, (Topic, String)>>,
    /// Why it takes none.
    pub(crate) no_subscriptions: Mutex<Option<BankErrorClass>>,
    /// Of these it takes none.
    pub(crate) refused: Mutex<Vec<Topic>>,
    /// It ends none.
    pub(crate) ends_none: Mutex<bool>,
    /// A grant is for one reading.
    pub(crate) once: Mutex<bool>,
    /// When the refresh tokens that it gives end.
    pub(crate) refresh_ends: Mutex<Option<Timestamp>>,
    /// The notifications that it keeps.
    pub(crate) kept: Mutex<Vec<amana_bank::Hint>>,
}

impl FakeBank {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            id: InstitutionId::new(BANK).expect("an id"),
            clock,
            subject: Mutex::new(Some("customer-1".into())),
            error: Mutex::default(),
            calls: Mutex::default(),
            life_s: Mutex::new(900),
            one_grant: Mutex::new(false),
            refuse_once: Mutex::new(false),
            checking: Mutex::new("a1".into()),
            grant: Mutex::default(),
            no_accounts: Mutex::default(),
            ends: Mutex::default(),
            held: Mutex::default(),
            clusters: Mutex::default(),
            upkeep: Mutex::default(),
            news: Mutex::default(),
            asked: Mutex::default(),
            partial: Mutex::default(),
            no_news: Mutex::default(),
            pages: Mutex::new(1),
            nameless: Mutex::new(false),
            takes: Mutex::default(),
            taken_back: Mutex::default(),
            taken_alone: Mutex::default(),
            skipped: Mutex::default(),
            failing: Mutex::default(),
            hangs: Mutex::new(false),
            invalid_grant: Mutex::new(false),
            doubt: Mutex::default(),
            shown: Mutex::default(),
            rotates: Mutex::default(),
            refresh_takes: Mutex::default(),
            looked_up: Mutex::default(),
            used: Mutex::default(),
            subscriptions: Mutex::default(),
            no_subscriptions: Mutex::default(),
            refused: Mutex::default(),
            ends_none: Mutex::new(false),
            kept: Mutex::default(),
            once: Mutex::new(false),
            refresh_ends: Mutex::default(),
        }
    }

    fn call(&self, what: &'static str) -> Result<(), BankError> {
        self.calls.lock().expect("lock").push(what);
        match *self.error.lock().expect("lock") {
            Some(class) => Err(BankError { institution: self.id.clone(), interaction: None, class }),
            None => Ok(()),
        }
    }

    fn read_of(&self, account: &AccountId) -> Result<(), BankError> {
        match self.failing.lock().expect("lock").get(account.as_str()) {
            Some(class) => Err(BankError { institution: self.id.clone(), interaction: None, class: *class }),
            None => Ok(()),
        }
    }

    pub(crate) fn called(&self, what: &str) -> usize {
        self.calls.lock().expect("lock").iter().filter(|c| **c == what).count()
    }

    fn tokens(&self) -> Tokens {
        let life = Duration::from_secs(self.life_s.lock().expect("lock").unsigned_abs());
        Tokens {
            access: Secret::new("access"),
            refresh: Some(Secret::new(format!("refresh {}", self.called("complete")))),
            id_token: None,
            expires_at: self.clock.now().checked_add(life).expect("an instant"),
            refresh_ends: *self.refresh_ends.lock().expect("lock"),
            scope: None,
            subject_sha256: None,
            dpop: None,
            connection: None,
            once: amana_bank::Once::Not,
            doubt: amana_bank::Doubt::None,
            own_refresh: None,
            renewing: None,
        }
    }
}

#[async_trait]
impl Bank for FakeBank {
    fn id(&self) -> &InstitutionId {
        &self.id
    }
    async fn begin(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankError> {
        self.call("begin")?;
        let pending: Pending = serde_json::from_value(serde_json::json!({
            "state": "s", "verifier": "v", "nonce": "n", "redirect_uri": ask.redirect_uri.as_str(),
            "issuer": "https://bank.example", "login_only": ask.login_only,
        }))
        .expect("the stored form of a pending authorization");
        Ok(Authorization { url: "https://bank.example/authorize".parse().expect("a url"), pending })
    }
    async fn complete(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankError> {
        self.call("complete")?;
        let error = |class| BankError { institution: self.id.clone(), interaction: None, class };
        if callback.state.as_deref() != Some(pending.state()) {
            return Err(error(BankErrorClass::BadCallback("state")));
        }
        if callback.error.is_some() {
            return Err(error(BankErrorClass::Declined("access_denied")));
        }
        let subject = self.subject.lock().expect("lock").clone();
        let grant = if *self.one_grant.lock().expect("lock") { 0 } else { self.called("complete") };
        Ok(Granted {
            tokens: self.tokens(),
            subject,
            bank_consent: (!*self.nameless.lock().expect("lock")).then(|| format!("grant-{grant}")),
            evidence: Some(evidence()),
        })
    }
    async fn refresh(&self, old: &Tokens) -> Result<Tokens, BankError> {
        self.call("refresh")?;
        let shown = old.refresh.as_ref().expect("a refresh token").expose().to_owned();
        let spent = self.shown.lock().expect("lock").contains(&shown);
        self.shown.lock().expect("lock").push(shown);
        let takes = *self.refresh_takes.lock().expect("lock");
        tokio::time::sleep(takes).await;
        if let Some(given) = &mut *self.rotates.lock().expect("lock") {
            if spent {
                let class = BankErrorClass::RelinkNeeded("invalid_grant");
                return Err(BankError { institution: self.id.clone(), interaction: None, class });
            }
            *given += 1;
            let (access, refresh) = (format!("access {given}"), format!("rotated {given}"));
            return Ok(Tokens {
                access: Secret::new(access),
                refresh: Some(Secret::new(refresh)),
                ..self.tokens()
            });
        }
        if *self.invalid_grant.lock().expect("lock") {
            let class = BankErrorClass::RelinkNeeded("invalid_grant");
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        let doubt = *self.doubt.lock().expect("lock");
        if doubt != amana_bank::Doubt::None {
            let rotated = Secret::new(format!("rotated {}", self.called("refresh")));
            return Ok(old.doubted(doubt, Some(rotated), old.refresh_ends));
        }
        Ok(self.tokens())
    }
    async fn accounts(&self, tokens: &Tokens, subject: &Subject, _: Actor) -> Result<Accounts, BankError> {
        self.call("accounts")?;
        let looked_up = self.looked_up.lock().expect("lock").clone();
        if let Some((store, shard, link)) = looked_up {
            let grant = store.bank_grant(shard, link).await.expect("answers").expect("a grant");
            let stored = Tokens::from_bytes(&grant.tokens).expect("tokens");
            let both = (tokens.access.expose().to_owned(), stored.access.expose().to_owned());
            self.used.lock().expect("lock").push(both);
        }
        let takes = *self.takes.lock().expect("lock");
        tokio::time::sleep(takes).await;
        if let Some(class) = *self.no_accounts.lock().expect("lock") {
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        if std::mem::take(&mut *self.refuse_once.lock().expect("lock")) {
            let class = BankErrorClass::RelinkNeeded("401");
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        let make = |id: &str, name: &str, kind, minor| Account {
            id: account(id),
            name: name.into(),
            last_four: Some("1234".into()),
            kind,
            current: Some(usd(minor)),
            available: Some(usd(minor)),
            as_of: None,
        };
        let rows = vec![
            make(&self.checking.lock().expect("lock"), "Everyday Checking", AccountKind::Checking, 123_456),
            make("a2", "Rainy Day Savings", AccountKind::Savings, 777_700),
        ];
        let ids = rows.iter().map(|a| a.id.clone()).collect();
        Ok(Accounts {
            ids,
            data: Protected::new(subject.clone(), rows),
            skipped: *self.skipped.lock().expect("lock"),
        })
    }
    async fn transactions(
        &self,
        _: &Tokens,
        subject: &Subject,
        id: &AccountId,
        from: Timestamp,
        to: Timestamp,
        _: Actor,
    ) -> Result<Protected<Page<Transaction>>, BankError> {
        self.call("transactions")?;
        self.read_of(id)?;
        let rows: Vec<Transaction> = ["2026-11-20T09:00:00Z", "2026-10-12T09:00:00Z", "2026-10-03T09:00:00Z"]
            .iter()
            .enumerate()
            .map(|(i, at)| Transaction {
                id: format!("t{i}"),
                reference_id: None,
                account: id.clone(),
                state: TransactionState::Posted,
                direction: Direction::Out,
                amount: usd(450 + i64::try_from(i).expect("small")),
                merchant: Some("Blue Bottle Coffee".into()),
                description: "BLUE BOTTLE".into(),
                at: at.parse().expect("an instant"),
            })
            .filter(|t| t.at >= from && t.at < to)
            .collect();
        Ok(Protected::new(subject.clone(), Page { rows, truncated: false }))
    }
    async fn news(&self, _: &Tokens, subject: &Subject, of: &Of) -> Result<News, BankError> {
        let what = match of {
            Of::Balances => "news balances",
            Of::Transactions { .. } => "news transactions",
        };
        self.call(what)?;
        self.asked.lock().expect("lock").push(of.clone());
        if let Some(class) = *self.no_news.lock().expect("lock") {
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        if let Of::Transactions { account, .. } = of {
            self.read_of(account)?;
        }
        let rows = self.news.lock().expect("lock").clone();
        let events = rows.into_iter().filter(|(event, _)| match of {
            Of::Balances => event.kind == BankEventKind::BalanceChanged,
            Of::Transactions { account, from, to } => {
                event.kind != BankEventKind::BalanceChanged
                    && event.account == *account
                    && (*from..*to).contains(&event.occurred)
            }
        });
        let events = events.map(|(event, body)| (event, Protected::new(subject.clone(), body))).collect();
        let calls = *self.pages.lock().expect("lock");
        Ok(News { events, whole: !*self.partial.lock().expect("lock"), calls })
    }
    async fn grant(&self, tokens: &Tokens, _: &Subject, _: Option<&str>) -> Result<GrantState, BankError> {
        self.call(if tokens.connection.is_some() { "grant" } else { "grant of a new link" })?;
        if *self.hangs.lock().expect("lock") {
            std::future::pending::<()>().await;
        }
        let accounts = self.held.lock().expect("lock").clone();
        let clusters = self.clusters.lock().expect("lock").clone();
        let expires = *self.ends.lock().expect("lock");
        let status = *self.grant.lock().expect("lock");
        let once = *self.once.lock().expect("lock");
        Ok(GrantState { accounts, clusters, expires, once, ..GrantState::only(status) })
    }

    async fn revoke(&self, tokens: &Tokens, _: Option<&str>, why: TakenBack) -> Result<(), BankError> {
        self.call("revoke")?;
        let all: Vec<_> = tokens.own_refresh.iter().chain(&tokens.refresh).collect();
        assert!(!all.is_empty(), "there is something to take back");
        for token in all {
            self.taken_back.lock().expect("lock").push((token.expose().to_owned(), why));
        }
        Ok(())
    }
    async fn revoke_refresh(&self, refresh: &Secret) -> Result<(), BankError> {
        self.call("revoke one token")?;
        self.taken_alone.lock().expect("lock").push(refresh.expose().to_owned());
        Ok(())
    }
    async fn subscribe(&self, topic: Topic, callback: &url::Url) -> Result<String, BankError> {
        self.call("subscribe")?;
        if let Some(class) = *self.no_subscriptions.lock().expect("lock") {
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        if self.refused.lock().expect("lock").contains(&topic) {
            let class = BankErrorClass::OurRequest("this type is not known");
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        let id = format!("sub-{}", self.called("subscribe"));
        self.subscriptions.lock().expect("lock").insert(id.clone(), (topic, callback.to_string()));
        Ok(id)
    }
    async fn subscribed(&self, id: &str) -> Result<bool, BankError> {
        self.call("subscribed")?;
        Ok(self.subscriptions.lock().expect("lock").contains_key(id))
    }
    async fn unsubscribe(&self, id: &str) -> Result<(), BankError> {
        self.call("unsubscribe")?;
        if *self.ends_none.lock().expect("lock") {
            let class = BankErrorClass::Retry("the bank's service fails");
            return Err(BankError { institution: self.id.clone(), interaction: None, class });
        }
        self.subscriptions.lock().expect("lock").remove(id);
        Ok(())
    }
    /// Two in a page; the key is the place of the first one.
    async fn missed(&self, page: Option<&str>) -> Result<amana_bank::Missed, BankError> {
        self.call("missed")?;
        let kept = self.kept.lock().expect("lock");
        let at: usize = page.map_or(0, |page| page.parse().expect("a key of ours"));
        let hints = kept.iter().skip(at).take(2).cloned().collect();
        Ok(amana_bank::Missed { hints, next: (kept.len() > at + 2).then(|| (at + 2).to_string()) })
    }
    async fn check(&self) -> Result<CheckReport, CheckError> {
        Ok(CheckReport::default())
    }
}

/// The text without the characters that isolate directions.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')).collect()
}

pub(crate) struct Rig {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bank: Arc<FakeBank>,
    pub(crate) channel: Arc<FakeChannel>,
    pub(crate) clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
    pub(crate) folder: tempfile::TempDir,
    counter: Mutex<u64>,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::on(false).await
    }

    /// On a platform that is bare of all that can be lacking, or not.
    pub(crate) async fn on(bare: bool) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z".parse().expect("an instant")));
        let entropy = Arc::new(SeededEntropy::new(11));
        let folder = tempfile::tempdir().expect("a folder");
        let bank = Arc::new(FakeBank::new(clock.clone()));
        let channel = Arc::new(FakeChannel {
            seen: Mutex::default(),
            last: Mutex::default(),
            panics: Mutex::new(false),
            fates: Mutex::default(),
            error: Mutex::default(),
            errors_of: Mutex::default(),
            rest: Mutex::default(),
            linking: Mutex::default(),
            approved: Mutex::default(),
            there: Mutex::new(Ok(History::Unkept)),
            passed: Mutex::default(),
            pass_error: Mutex::default(),
            missed: Mutex::default(),
            listen_unanswered: Mutex::default(),
            heard: Mutex::default(),
            heard_fails: Mutex::default(),
            meanwhile: Mutex::default(),
            while_asked: Mutex::default(),
            owner: Mutex::new(Ok(ThreadOwner::Owned { app: None, until: None })),
            owner_asked: Mutex::default(),
            taken: Mutex::default(),
            take_back_error: Mutex::default(),
            bare,
            lacking: Mutex::default(),
            marked: Arc::default(),
        });
        let store = open(folder.path(), entropy.clone(), clock.clone()).await;
        let gateway = build(store.clone(), &bank, channel.clone(), clock.clone(), entropy.clone());
        gateway
            .ensure_agreement(&bank.id, &conversation("1").channel, AgreementState::Active, Form::Detail)
            .await
            .expect("an agreement");
        Self { gateway, store, bank, channel, clock, entropy, folder, counter: Mutex::new(0) }
    }

    /// The same store with another gateway over it, whose log is kept so.
    pub(crate) fn with_log(&mut self, log: LogParts) {
        self.gateway = build_with(
            self.store.clone(),
            &self.bank,
            self.channel.clone(),
            self.clock.clone(),
            self.entropy.clone(),
            (log, Reconcile::default()),
        );
    }

    /// The same, told what to do about messages of others.
    pub(crate) async fn with(reconcile: Reconcile) -> Self {
        let mut rig = Self::new().await;
        rig.gateway = build_with(
            rig.store.clone(),
            &rig.bank,
            rig.channel.clone(),
            rig.clock.clone(),
            rig.entropy.clone(),
            (log_parts(), reconcile),
        );
        rig
    }

    /// The process ends without a word and starts again on the same store.
    pub(crate) async fn restart(&mut self) {
        self.store = open(self.folder.path(), self.entropy.clone(), self.clock.clone()).await;
        self.gateway = build(
            self.store.clone(),
            &self.bank,
            self.channel.clone(),
            self.clock.clone(),
            self.entropy.clone(),
        );
    }

    /// What somebody does who can write the database.
    pub(crate) fn sql(&self, sql: &str) {
        sql_in(self.folder.path(), sql);
    }

    pub(crate) fn next(&self) -> u64 {
        let mut counter = self.counter.lock().expect("lock");
        *counter += 1;
        *counter
    }

    pub(crate) async fn event(&self, psid: &str, kind: InboundKind) {
        self.event_at(psid, kind, self.clock.now()).await;
    }

    /// The same, of when the platform says that it is.
    pub(crate) async fn event_at(&self, psid: &str, kind: InboundKind, at: Timestamp) {
        self.comes_in(psid, kind, at).await;
        self.gateway.settle().await.expect("settled");
    }

    /// The same, and nothing is done about it yet.
    pub(crate) async fn comes_in(&self, psid: &str, kind: InboundKind, at: Timestamp) {
        let n = self.next();
        let inbound = Inbound {
            conversation: conversation(psid),
            at,
            key: EventKey::new(None, PAGE, &n.to_string()),
            kind,
        };
        self.gateway.accept_chat(&[inbound]).await.expect("accepted");
    }

    /// So many minutes pass, while the platform's webhooks come in.
    pub(crate) async fn hears(&self, seconds: i64) {
        for _ in 0..seconds / 60 {
            self.event("1", InboundKind::Read { watermark: self.clock.now() }).await;
            self.clock.advance_s(60);
        }
        self.event("1", InboundKind::Read { watermark: self.clock.now() }).await;
    }

    pub(crate) async fn says(&self, psid: &str, text: &str) {
        self.event(psid, InboundKind::Text { mid: format!("mid{}", self.next()), text: text.into() }).await;
    }

    /// What a person has seen since the last look.
    pub(crate) fn sees(&self, psid: &str) -> Vec<String> {
        let mut seen = self.channel.seen.lock().expect("lock");
        let (mine, others) =
            std::mem::take(&mut *seen).into_iter().partition::<Vec<_>, _>(|(p, ..)| p == psid);
        *seen = others;
        mine.into_iter().map(|(_, text, _)| text).collect()
    }

    /// The platform asks for something in a person's name, and what can be done now is done.
    pub(crate) async fn platform_asks(&self, kind: PlatformRequestKind, app_scoped: &str) -> PlatformAnswer {
        let answer = self.gateway.on_platform_request(kind, app_scoped).await.expect("taken");
        self.gateway.settle().await.expect("settled");
        answer
    }

    /// The one-time linking token that the chat would show.
    pub(crate) async fn link_token(&self, psid: &str) -> String {
        self.says(psid, "link my bank").await;
        self.sees(psid);
        let body = self.channel.last.lock().expect("lock").clone();
        let after = body.split("?t=").nth(1).expect("a one-time link");
        after.split('"').next().expect("a token").to_owned()
    }

    pub(crate) fn callback(&self) -> Callback {
        Callback { code: Some(Secret::new("code")), state: Some("s".into()), ..Callback::default() }
    }

    pub(crate) fn answer(&self, purposes: &[Purpose], form: Form, accounts: &[&str]) -> ConsentAnswer {
        ConsentAnswer {
            purposes: purposes.iter().map(|p| (*p, form)).collect(),
            accounts: accounts.iter().map(|a| account(a)).collect(),
            days: 90,
            lang: Lang::English,
            notice: "the text that was shown".into(),
        }
    }

    /// Links a person's chat, for everything offered, on account `a1`, in detail. Gives the privacy page's cookie.
    pub(crate) async fn link(&self, psid: &str) -> String {
        self.link_for(
            psid,
            &[Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BalanceUpdate],
            Form::Detail,
        )
        .await
    }

    /// The same on both accounts.
    pub(crate) async fn link_both(&self, psid: &str) -> String {
        let entry = Entry::OneTime { token: self.link_token(psid).await };
        let begun = self.gateway.link_begin(&entry, &self.bank.id, Lang::English).await.expect("begun");
        self.gateway.link_callback(&begun.cookie, &self.callback()).await.expect("back");
        let purposes = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BalanceUpdate];
        let answer = self.answer(&purposes, Form::Detail, &["a1", "a2"]);
        let linked = self.gateway.consent_give(&begun.cookie, &answer).await.expect("linked");
        self.gateway.settle().await.expect("settled");
        self.sees(psid);
        linked.cookie
    }

    pub(crate) async fn link_for(&self, psid: &str, purposes: &[Purpose], form: Form) -> String {
        let entry = Entry::OneTime { token: self.link_token(psid).await };
        let begun = self.gateway.link_begin(&entry, &self.bank.id, Lang::English).await.expect("begun");
        let next = self.gateway.link_callback(&begun.cookie, &self.callback()).await.expect("back");
        assert_eq!(next, Next::Consent);
        let checking = self.bank.checking.lock().expect("lock").clone();
        let linked = self
            .gateway
            .consent_give(&begun.cookie, &self.answer(purposes, form, &[&checking]))
            .await
            .expect("linked");
        self.gateway.settle().await.expect("settled");
        let said = self.sees(psid);
        assert!(
            said.last().is_some_and(|s| s.contains("Cedar Bank")),
            "the chat says that it is linked: {said:?}"
        );
        linked.cookie
    }

    pub(crate) fn transaction(
        &self,
        kind: BankEventKind,
        id: &str,
        reference: Option<&str>,
        minor: i64,
    ) -> (BankEvent, Unaddressed<BankEventBody>) {
        let at = self.clock.now();
        let event = BankEvent {
            institution: self.bank.id.clone(),
            id: format!("{kind:?}-{id}"),
            occurred: at,
            account: account("a1"),
            subject: Some("customer-1".into()),
            kind,
            transaction_id: Some(id.into()),
            reference_id: reference.map(Into::into),
        };
        let body = BankEventBody::Transaction(Transaction {
            id: id.into(),
            reference_id: reference.map(Into::into),
            account: account("a1"),
            state: match kind {
                BankEventKind::TransactionAuthorised => TransactionState::Pending,
                BankEventKind::TransactionReversed => TransactionState::Reversed,
                _ => TransactionState::Posted,
            },
            direction: Direction::Out,
            amount: usd(minor),
            merchant: Some("Blue Bottle Coffee".into()),
            description: "BLUE BOTTLE".into(),
            at,
        });
        (event, Unaddressed::new(body))
    }

    pub(crate) fn balance(&self, current: i64, available: i64) -> (BankEvent, Unaddressed<BankEventBody>) {
        let event = BankEvent {
            institution: self.bank.id.clone(),
            id: format!("balance-{}", self.next()),
            occurred: self.clock.now(),
            account: account("a1"),
            subject: None,
            kind: BankEventKind::BalanceChanged,
            transaction_id: None,
            reference_id: None,
        };
        let body = BankEventBody::Balance(Account {
            id: account("a1"),
            name: "Everyday Checking".into(),
            last_four: Some("1234".into()),
            kind: AccountKind::Checking,
            current: Some(usd(current)),
            available: Some(usd(available)),
            as_of: Some(self.clock.now()),
        });
        (event, Unaddressed::new(body))
    }

    pub(crate) async fn pushes(&self, event: (BankEvent, Unaddressed<BankEventBody>)) -> Accepted {
        let accepted = self.gateway.accept_bank(&[event]).await.expect("accepted");
        self.gateway.settle().await.expect("settled");
        accepted
    }
}

pub(crate) fn sql_in(folder: &Path, sql: &str) {
    let database = rusqlite::Connection::open(folder.join("amana.sqlite")).expect("opens");
    database.busy_timeout(Duration::from_secs(5)).expect("is set");
    database.execute_batch(sql).expect("runs");
}

pub(crate) async fn open(folder: &Path, entropy: Arc<dyn Entropy>, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
    let url = format!("sqlite:{}", folder.join("amana.sqlite").display());
    let custody = SqliteCustody::open(&folder.join("custody.sqlite"), true).expect("a custody");
    let keys = Keys::new(Arc::new(DataKey::new([1; 32])), Arc::new(custody));
    amana_store::open(&url, keys, entropy, clock).await.expect("a store")
}

pub(crate) fn build(
    store: Arc<dyn Store>,
    bank: &Arc<FakeBank>,
    channel: Arc<dyn Channel>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Arc<Gateway> {
    build_with(store, bank, channel, clock, entropy, (log_parts(), Reconcile::default()))
}

/// A log in memory, with segments that a test does not fill.
pub(crate) fn log_parts() -> LogParts {
    LogParts {
        signer: LogSigner::new("gateway.example/log", &[7; 32]).expect("a signer"),
        tiles: Arc::new(MemoryTiles::new()),
        witnesses: None,
        segment_entries: 1 << 20,
        segment_seconds: 86_400,
    }
}

pub(crate) fn build_with(
    store: Arc<dyn Store>,
    bank: &Arc<FakeBank>,
    channel: Arc<dyn Channel>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    rest: (LogParts, Reconcile),
) -> Arc<Gateway> {
    build_on(&[PAGE], store, bank, channel, clock, entropy, rest)
}

/// The same with several pages.
pub(crate) fn build_on(
    pages: &[&str],
    store: Arc<dyn Store>,
    bank: &Arc<FakeBank>,
    channel: Arc<dyn Channel>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    (log, reconcile): (LogParts, Reconcile),
) -> Arc<Gateway> {
    let serves = |page: &&str| {
        let config = ChannelConfig { institutions: vec![bank.id.clone()] };
        (ChannelId::new(*page).expect("an id"), config)
    };
    let upkeep = *bank.upkeep.lock().expect("lock");
    let institution = Institution::new("Cedar Bank".into(), "بنك الأرز".into(), bank.clone())
        .with_upkeep(upkeep)
        .with_controller(cedar());
    Gateway::new(GatewayParts {
        store,
        log,
        channel,
        read_policy,
        institutions: BTreeMap::from([(bank.id.clone(), institution)]),
        channels: pages.iter().map(serves).collect(),
        understand: Box::new(Rules),
        clock,
        entropy,
        public_url: "https://gateway.example/".parse().expect("a url"),
        redirect_hosts: BTreeSet::from(["www.facebook.com".to_owned()]),
        own_app: Some("4242".to_owned()),
        reconcile,
    })
}

/// Who answers for the bank's consents: all that a full record names, as the configuration makes sure.
pub(crate) fn cedar() -> Controller {
    Controller {
        name: "Cedar Bank".into(),
        address: Some("1 Cedar Street, Springfield".into()),
        contact: Some("privacy@cedar.example".into()),
        jurisdiction: Some("US-CA".into()),
        retention: Some("7 years after its end".into()),
        storage: Some("Oregon".into()),
        privacy_notice: Some("https://cedar.example/privacy".into()),
    }
}

/// What the bank's ID token says of the sign-in.
pub(crate) fn evidence() -> Evidence {
    Evidence {
        issuer: "https://bank.example".into(),
        auth_time: "2026-11-24T09:59:30Z".parse().ok(),
        acr: Some("urn:bank:two-factors".into()),
        amr: vec!["pwd".into(), "otp".into()],
        jti_sha256: Some("1".repeat(64)),
        token_sha256: "2".repeat(64),
    }
}
