//! What the hot functions are counted on: one customer, one bank's batch, one log. All of it is made of fixed bytes, so
//! that two runs of one program count the same.

#![allow(clippy::expect_used, reason = "what is fixed here is right, or nothing can be counted")]

use amana_core::{
    AccountId, Address, Agreement, AgreementId, AgreementState, BankEventBody, ChannelId, Consent, ConsentId,
    ConsentState, Currency, CustomerId, Direction, Form, Grant, InstitutionId, KillSwitches, Lang, LinkId,
    ManualClock, MessageId, Money, Psid, Purpose, SeededEntropy, Timestamp, Transaction, TransactionState,
};
use amana_gate::{
    Ask, DataKey, Disclosure, Facts, Gate, Protected, ReceiptDraft, StandardPolicy, Subject, decide, purpose,
};
use amana_log::CustomerKey;
use amana_render::{Encoding, RenderContext, Story, UpdateArgs};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Events in the batch.
pub const BATCH: u32 = 100;
/// Leaves that are appended to the tree.
pub const LEAVES: u32 = 1_000;

/// A bank's batch, as it comes over HTTP.
#[must_use]
pub fn batch() -> (InstitutionId, Vec<u8>) {
    let mut body = String::from("[");
    for id in 0..BATCH {
        let comma = if id > 0 { "," } else { "" };
        let (whole, cents) = (id % 900 + 1, id % 100);
        write!(
            body,
            r#"{comma}{{"specversion":"1.0","id":"e-{id}","source":"https://bank.example/core","type":"bank.transaction.authorised.v1","time":"2026-11-24T10:00:00Z","datacontenttype":"application/json","data":{{"customerId":"s-{id}","accountId":"account-{id}","currency":"USD","transaction":{{"accountId":"account-{id}","transactionId":"t-{id}","amount":{whole}.{cents:02},"debitCreditMemo":"DEBIT","status":"AUTHORIZATION","description":"CARD PURCHASE","transactionTimestamp":"2026-11-24T10:00:00Z","transactionPayee":{{"merchantName":{{"name1":"Shop {id}"}}}}}}}}}}"#
        )
        .expect("a string takes it");
    }
    body.push(']');
    (InstitutionId::new("counted-bank").expect("an id"), body.into_bytes())
}

/// One customer, as the gate sees them.
pub struct World {
    gate: Gate,
    /// The customer's key.
    pub key: DataKey,
    /// Where random bytes come from: always the same.
    pub entropy: SeededEntropy,
    /// The key of the customer's entries in the log.
    pub log_key: CustomerKey,
    subject: Subject,
    recipient: Address,
    accounts: [AccountId; 1],
    agreement: Agreement,
    consent: Consent,
    kills: KillSwitches,
    context: RenderContext,
    event: Protected<BankEventBody>,
    now: Timestamp,
}

/// The customer, who consented to all that is asked.
#[must_use]
pub fn world() -> World {
    let now: Timestamp = "2026-11-24T10:00:00Z".parse().expect("a time");
    let entropy = SeededEntropy::new(7);
    let institution = InstitutionId::new("counted-bank").expect("an id");
    let channel = ChannelId::new("1001").expect("an id");
    let (customer, psid) = (CustomerId::from_bytes([1; 16]), Psid::new("7000000001").expect("an id"));
    let subject = Subject { institution: institution.clone(), customer };
    let account = AccountId::new("account-1").expect("an id");
    let purpose = Purpose::TransactionUpdate;
    let grant = Grant {
        accounts: BTreeSet::from([account.clone()]),
        clusters: purpose.clusters(),
        form: Form::Detail,
    };
    let event = BankEventBody::Transaction(Transaction {
        id: "t-1".to_owned(),
        reference_id: None,
        account: account.clone(),
        state: TransactionState::Pending,
        direction: Direction::Out,
        amount: Money::new(1_250, Currency::from_code("USD").expect("a currency")),
        merchant: Some("Shop 1".to_owned()),
        description: "CARD PURCHASE".to_owned(),
        at: now,
    });
    World {
        gate: Gate::new(DataKey::generate(&entropy)),
        key: DataKey::generate(&entropy),
        log_key: CustomerKey::new(&[7; 32]),
        recipient: Address { channel: channel.clone(), psid: psid.clone() },
        accounts: [account],
        agreement: Agreement {
            id: AgreementId::new(&ManualClock::at(now), &entropy),
            institution: institution.clone(),
            channel: channel.clone(),
            state: AgreementState::Active,
            terms: BTreeMap::from([(purpose, (purpose.clusters(), Form::Detail))]),
            version: 1,
            changed_at: now,
        },
        consent: Consent {
            id: ConsentId::from_bytes([3; 16]),
            customer,
            link: LinkId::from_bytes([2; 16]),
            institution,
            channel,
            psid,
            grants: BTreeMap::from([(purpose, grant)]),
            lang: Lang::English,
            notice_sha256: "0".repeat(64),
            granted_at: now,
            expires_at: now.checked_add(std::time::Duration::from_secs(86_400)).expect("a time"),
            state: ConsentState::Active,
            revoked_at: None,
        },
        kills: KillSwitches::default(),
        context: RenderContext {
            lang: Lang::English,
            institution_name: "Counted Bank".to_owned(),
            now,
            open_url: Some("https://counted.example/m".to_owned()),
        },
        event: Protected::new(subject.clone(), event),
        entropy,
        subject,
        now,
    }
}

impl World {
    fn facts(&self) -> Facts<'_> {
        Facts {
            agreement: Some(&self.agreement),
            consent: Some(&self.consent),
            kills: &self.kills,
            now: self.now,
        }
    }

    /// Whether the gate allows it.
    #[must_use]
    pub fn decide(&self) -> bool {
        let clusters = Purpose::TransactionUpdate.clusters();
        let ask =
            Ask { subject: &self.subject, recipient: &self.recipient, accounts: &self.accounts, clusters };
        decide(Purpose::TransactionUpdate, &ask, &self.facts(), &StandardPolicy).is_ok()
    }

    /// The gate's whole work for one event: it decides, puts into words, encodes, seals, signs the ticket.
    #[must_use]
    pub fn disclose(&self) -> Disclosure {
        let disclosed = self.gate.disclose::<purpose::TransactionUpdate, _>(
            &self.facts(),
            &StandardPolicy,
            &self.event,
            (&self.accounts, Purpose::TransactionUpdate.clusters()),
            &self.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &self.context,
            Encoding::MessengerUpdate,
            MessageId::from_bytes([9; 16]),
            &self.key,
            &self.entropy,
        );
        disclosed.map_err(|refusal| refusal.denial).expect("it is allowed")
    }

    /// The receipt of a disclosure, before it has its place.
    #[must_use]
    pub fn receipt(&self) -> ReceiptDraft {
        self.disclose().receipt.expect("a disclosure has a receipt")
    }
}
