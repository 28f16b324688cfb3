//! A store with a clock, randomness and a gate, and short ways to make what commands need.

use crate::disclosure_log::place;
use crate::place::{Place, custody_of};
use amana_core::*;
use amana_gate::*;
use amana_render::{BalanceArgs, Encoding, RenderContext};
use amana_store::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Gate,
}

pub(crate) const MASTER: [u8; 32] = [7; 32];

pub(crate) fn at(second: i64) -> Timestamp {
    from_micros(1_800_000_000_000_000 + second * 1_000_000 + 123_456)
}

/// The master key with the custody that goes with the database.
pub(crate) fn keys(url: &str, master: [u8; 32]) -> Keys {
    let custody = SqliteCustody::open(&custody_of(url), true).expect("a custody");
    Keys::new(Arc::new(DataKey::new(master)), Arc::new(custody))
}

pub(crate) async fn open_at(
    url: &str,
    master: [u8; 32],
    entropy: &Arc<SeededEntropy>,
    clock: &Arc<ManualClock>,
) -> Result<Arc<dyn Store>, OpenError> {
    open(url, keys(url, master), Arc::clone(entropy) as Arc<dyn Entropy>, Arc::clone(clock) as Arc<dyn Clock>)
        .await
}

pub(crate) fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("a foreign id")
}

pub(crate) fn conversation(n: u8) -> ConversationId {
    ConversationId { channel: id("1001"), psid: id(&format!("psid-{n}")) }
}

pub(crate) fn address(n: u8) -> Address {
    let ConversationId { channel, psid } = conversation(n);
    Address { channel, psid }
}

pub(crate) fn customer_id(n: u8) -> CustomerId {
    CustomerId::from_bytes([n; 16])
}

pub(crate) fn message(n: u8) -> MessageId {
    MessageId::from_bytes([n; 16])
}

pub(crate) fn event(lane: u8, n: u8) -> NewInbox {
    NewInbox {
        shard: Shard(u16::from(lane)),
        lane: [lane; 32],
        key: EventKey([n; 32]),
        source: if lane.is_multiple_of(2) { InboxSource::Chat } else { InboxSource::Bank },
        body: vec![n; 40],
        received_at: at(i64::from(n)),
    }
}

pub(crate) fn draft(kind: ReceiptKind) -> ReceiptDraft {
    ReceiptDraft {
        kind,
        institution: id("cedar-bank"),
        agreement: None,
        consent: None,
        purpose: Some(Purpose::BalanceOnRequest),
        clusters: Clusters::of(&[Cluster::Balances]),
        channel: Some(id("1001")),
        recipient: Recipient::Customer,
        form: None,
        template: Some("no-consent".into()),
        payload_sha256: None,
        policy_set_sha256: None,
        decided_at: at(0),
    }
}

pub(crate) fn link(n: u8, customer: u8, state: LinkState) -> Link {
    Link {
        id: LinkId::from_bytes([n; 16]),
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        institution: id("cedar-bank"),
        channel: id("1001"),
        psid: id(&format!("psid-{customer}")),
        accounts: BTreeSet::from([id("acc-1"), id(&format!("acc-{customer}"))]),
        state,
        code_hash: (state == LinkState::Pending).then_some([n; 32]),
        created_at: at(0),
        ended_at: None,
    }
}

pub(crate) fn consent(n: u8, customer: u8, link: u8) -> Consent {
    Consent {
        id: ConsentId::from_bytes([n; 16]),
        customer: customer_id(customer),
        link: LinkId::from_bytes([link; 16]),
        institution: id("cedar-bank"),
        channel: id("1001"),
        psid: id(&format!("psid-{customer}")),
        grants: BTreeMap::from([(
            Purpose::BalanceOnRequest,
            Grant {
                accounts: BTreeSet::from([id("acc-1")]),
                clusters: Clusters::of(&[Cluster::Balances]),
                form: Form::Detail,
            },
        )]),
        lang: Lang::Arabic,
        notice_sha256: "00".repeat(32),
        granted_at: at(0),
        expires_at: at(90 * 86_400),
        state: ConsentState::Active,
        revoked_at: None,
    }
}

/// What was known when a consent was given.
pub(crate) fn basis() -> Box<ConsentBasis> {
    Box::new(ConsentBasis {
        controller: Controller { name: "Cedar Bank MARKER".into(), ..Controller::default() },
        recipient: "a platform".into(),
        notice: Some("MARKER: what was shown".into()),
        lookback_days: 365,
        evidence: None,
        replaces: None,
        aggregator: None,
    })
}

pub(crate) fn agreement(version: u32) -> Agreement {
    Agreement {
        id: AgreementId::from_bytes([1; 16]),
        institution: id("cedar-bank"),
        channel: id("1001"),
        state: AgreementState::Active,
        terms: BTreeMap::from([(
            Purpose::BalanceOnRequest,
            (Clusters::of(&[Cluster::Balances]), Form::Detail),
        )]),
        version,
        changed_at: at(i64::from(version)),
    }
}

/// An act of an institution, and the version that the agreement gets by it.
pub(crate) fn agreed(act: AgreementAct, agreement: Agreement) -> Command {
    let event = AgreementEvent { version: Some(agreement.version), ..asked(act, agreement.version) };
    let (institution, channel) = (Some(agreement.institution.clone()), Some(agreement.channel.clone()));
    Command::PutAgreement {
        event: AgreementEvent { institution, channel, ..event },
        agreement: Some(agreement),
    }
}

/// An act that leaves the agreement as it is.
pub(crate) fn asked(act: AgreementAct, n: u32) -> AgreementEvent {
    AgreementEvent {
        act,
        institution: Some(id("cedar-bank")),
        channel: Some(id("1001")),
        by: "cli:omar".into(),
        at: at(i64::from(n)),
        document: (act != AgreementAct::Refused).then(|| format!("document {n}")),
        sha256: event_hash(format!("document {n}").as_bytes()),
        request_sha256: None,
        note: None,
        version: None,
    }
}

pub(crate) fn grant(customer: u8, tokens: &[u8]) -> BankGrant {
    BankGrant {
        shard: Shard(u16::from(customer)),
        customer: customer_id(customer),
        link: LinkId::from_bytes([customer; 16]),
        version: 0,
        tokens: tokens.to_vec(),
        bank_consent: Some("bank-consent-MARKER".into()),
        at: at(1),
    }
}

pub(crate) fn token(n: u8) -> Token {
    Token { hash: [n; 32], conversation: conversation(n), expires_at: at(600), consumed_at: None }
}

pub(crate) fn job(n: u8) -> Job {
    Job {
        id: [n; 16],
        shard: Shard(1),
        customer: customer_id(1),
        kind: JobKind::RevokeAtBank,
        body: vec![n; 9],
        due_at: at(i64::from(n)),
        attempts: 0,
    }
}

impl World {
    pub(crate) async fn on(place: Place) -> Self {
        let clock = Arc::new(ManualClock::at(at(0)));
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = open_at(&place.url(), MASTER, &entropy, &clock).await.expect("opens");
        let gate = Gate::new(store.keyring().ticket());
        Self { place, clock, entropy, store, gate }
    }

    /// Another store on the same database.
    pub(crate) async fn another(&self) -> Arc<dyn Store> {
        open_at(&self.place.url(), MASTER, &self.entropy, &self.clock).await.expect("opens")
    }

    pub(crate) async fn close(self) {
        drop(self.store);
        self.place.close().await;
    }

    pub(crate) async fn one(&self, command: Command) -> Outcome {
        let outcomes = self.store.submit(vec![command]).await.expect("is kept");
        assert_eq!(outcomes.len(), 1);
        outcomes.into_iter().next().expect("one")
    }

    pub(crate) async fn refused(&self, commands: Vec<Command>) -> (usize, &'static str) {
        conflict(self.store.submit(commands).await)
    }

    pub(crate) async fn wrapped_key(&self, id_: CustomerId) -> Vec<u8> {
        let made = self.store.new_customer_key(&id("cedar-bank"), id_, at(0)).await;
        made.expect("answers").expect("a key").wrapped
    }

    pub(crate) async fn create_customer(&self, n: u8) -> Command {
        let id_ = customer_id(n);
        let wrapped_key = self.wrapped_key(id_).await;
        Command::CreateCustomer {
            shard: Shard(u16::from(n)),
            id: id_,
            institution: id("cedar-bank"),
            subject: [n; 32],
            wrapped_key,
            at: at(0),
        }
    }

    pub(crate) async fn customer(&self, n: u8) -> Customer {
        assert_eq!(self.one(self.create_customer(n).await).await, Outcome::Changed);
        self.store.customer(Shard(u16::from(n)), customer_id(n)).await.expect("answers").expect("is there")
    }

    /// A message without bank data.
    pub(crate) fn plain(&self, conversation: u8, n: u8) -> Disclosure {
        let key = self.store.keyring().deployment();
        self.gate
            .plain(
                &Content::text("hello"),
                &address(conversation),
                Encoding::MessengerUpdate,
                message(n),
                at(0),
                key,
                &*self.entropy,
            )
            .expect("a plain message")
    }

    /// A message with bank data of this customer.
    pub(crate) fn disclosure(&self, customer: &Customer, consent: &Consent, n: u8) -> Disclosure {
        self.disclosure_with(customer, consent, n, None)
    }

    /// A notice of this customer's bank data, and the page behind it.
    pub(crate) fn notice(&self, customer: &Customer, consent: &Consent, n: u8) -> Disclosure {
        let mut consent = consent.clone();
        consent.grants.values_mut().for_each(|grant| grant.form = Form::Notice);
        self.disclosure_with(customer, &consent, n, Some("https://gateway.example/m".into()))
    }

    fn disclosure_with(
        &self,
        customer: &Customer,
        consent: &Consent,
        n: u8,
        open_url: Option<String>,
    ) -> Disclosure {
        let subject = Subject { institution: customer.institution.clone(), customer: customer.id };
        let agreement = agreement(1);
        let kills = KillSwitches::default();
        let facts = Facts { agreement: Some(&agreement), consent: Some(consent), kills: &kills, now: at(0) };
        let account = Account {
            id: id("acc-1"),
            name: "MARKER".into(),
            last_four: None,
            kind: AccountKind::Checking,
            current: Some(Money::new(4_210, Currency::from_code("USD").expect("a currency"))),
            available: None,
            as_of: None,
        };
        let context =
            RenderContext { lang: Lang::English, institution_name: "Cedar".into(), now: at(0), open_url };
        let about = (&[id::<AccountId>("acc-1")][..], Clusters::of(&[Cluster::Balances]));
        let to = Address { channel: consent.channel.clone(), psid: consent.psid.clone() };
        self.gate
            .disclose::<purpose::BalanceOnRequest, _>(
                &facts,
                &StandardPolicy,
                &Protected::new(subject, vec![account]),
                about,
                &to,
                &BalanceArgs::default(),
                &context,
                Encoding::MessengerReply,
                message(n),
                &customer.key,
                &*self.entropy,
            )
            .expect("allowed")
    }

    /// What the gate says to a row from the outbox.
    pub(crate) fn release(
        &self,
        row: OutboxRow,
        consent: &Consent,
        key: &DataKey,
    ) -> Result<Vec<u8>, Denial> {
        let agreement = agreement(1);
        let kills = KillSwitches::default();
        let facts = Facts { agreement: Some(&agreement), consent: Some(consent), kills: &kills, now: at(1) };
        self.gate.release(row, &facts, &StandardPolicy, key).map(Released::into_body)
    }

    /// A customer's receipts, after checking that they have no gaps and are chained.
    pub(crate) async fn chain(&self, customer: u8) -> Vec<StoredReceipt> {
        let receipts = self
            .store
            .receipts(Shard(u16::from(customer)), customer_id(customer), 0, 10_000)
            .await
            .expect("answers");
        check_chain(&receipts, 1, [0; 32]);
        self.check_entries(customer, &receipts).await;
        receipts
    }

    /// Asserts that each receipt's entry stands in the log where the receipt says.
    async fn check_entries(&self, customer: u8, receipts: &[StoredReceipt]) {
        let key = self.store.log_key(Shard(u16::from(customer)), customer_id(customer)).await;
        let Some(key) = key.expect("answers") else { return assert!(receipts.is_empty()) };
        let mut last = (0, 0);
        for receipt in receipts {
            let (segment, n) = place(receipt);
            let expected = if segment == last.0 { last.1 + 1 } else { 1 };
            assert!(segment >= last.0 && n == expected, "{n} follows {last:?} in segment {segment}");
            last = (segment, n);
            let entry = self.store.log_entries(receipt.log_index, 1).await.expect("answers");
            assert_eq!(
                entry,
                [key.entry(segment, n, &receipt.bytes).encode().as_ref()],
                "receipt {}",
                receipt.seq
            );
        }
    }
}

/// Asserts that numbers have no gaps from `first` on and that each receipt names the hash of the one before; answers
/// the last hash.
pub(crate) fn check_chain(receipts: &[StoredReceipt], first: u64, before: [u8; 32]) -> [u8; 32] {
    let mut previous = before;
    for (receipt, number) in receipts.iter().zip(first..) {
        assert_eq!(receipt.seq, number, "a gap");
        let wire: serde_json::Value = serde_json::from_slice(&receipt.bytes).expect("JSON");
        assert_eq!(wire["seq"].as_u64(), Some(number));
        let expected = base64(&previous);
        assert_eq!(wire["prev"].as_str(), Some(expected.as_str()), "the chain forks at {number}");
        previous = ids::sha256(&[&receipt.bytes]);
    }
    previous
}

fn base64(bytes: &[u8; 32]) -> String {
    // What `ReceiptDraft::seal` writes for these bytes, read back: the tests need no encoder of their own.
    let sealed = draft(ReceiptKind::View).seal(1, *bytes, (0, 1));
    let wire: serde_json::Value = serde_json::from_slice(&sealed.bytes).expect("JSON");
    wire["prev"].as_str().expect("a text").to_owned()
}

/// The heads of both sources, in the order of their positions.
pub(crate) async fn waiting(store: &Arc<dyn Store>, second: i64, limit: usize) -> Vec<InboxRow> {
    let mut rows = Vec::new();
    for source in [InboxSource::Chat, InboxSource::Bank] {
        rows.extend(store.inbox_heads(at(second), source, limit).await.expect("answers"));
    }
    rows.sort_by_key(|row| row.position);
    rows.truncate(limit);
    rows
}

pub(crate) fn conflict<T: std::fmt::Debug>(answer: Result<T, SubmitError>) -> (usize, &'static str) {
    match answer {
        Err(SubmitError::Conflict { index, what }) => (index, what),
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// The model knows what a sweep does to tokens, sessions, keys of events and stories; the rest is kept, and has cases
/// of its own in the suite.
pub(crate) fn forever() -> Retention {
    const DAYS: i64 = 36_500;
    Retention {
        failed_event_days: DAYS,
        message_days: DAYS,
        ended_message_days: DAYS,
        plain_message_days: DAYS,
        conversation_days: DAYS,
        dead_job_days: DAYS,
        ..Retention::default()
    }
}
