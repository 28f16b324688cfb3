//! What costs processor time alone: the steps from a bank's bytes to a sealed message, each apart and on one thread,
//! then the whole of a disclosure at a rate.

use super::load::{Schedule, Waits, offer};
use super::machine::Meters;
use super::report::{Account, Report, count};
use super::{Plan, progress};
use crate::ambient::{OsEntropy, SystemClock};
use crate::limits::{BENCH_STAGE_ROUNDS, BENCH_STAGE_WARM};
use amana_core::{
    AccountId, Address, Agreement, AgreementId, AgreementState, BankEventBody, ChannelId, Clock as _,
    Consent, ConsentId, ConsentState, CustomerId, Direction, Form, Grant, InstitutionId, KillSwitches, Lang,
    LinkId, MessageId, Money, Psid, Purpose, Timestamp, Transaction, TransactionState,
};
use amana_gate::{
    Ask, DataKey, Disclosure, Facts, Gate, Protected, StandardPolicy, Subject, decide, purpose,
};
use amana_log::CustomerKey;
use amana_render::{Encoding, RenderContext, Story, UpdateArgs};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// One customer, as the gate sees them.
struct World {
    gate: Gate,
    key: DataKey,
    subject: Subject,
    recipient: Address,
    accounts: [AccountId; 1],
    agreement: Agreement,
    consent: Consent,
    kills: KillSwitches,
    context: RenderContext,
    event: Protected<BankEventBody>,
}

fn world(now: Timestamp) -> anyhow::Result<World> {
    let (institution, channel) = (InstitutionId::new("bench-bank")?, ChannelId::new("1001")?);
    let (customer, psid) = (CustomerId::from_bytes([1; 16]), Psid::new("7000000001")?);
    let subject = Subject { institution: institution.clone(), customer };
    let account = AccountId::new("account-1")?;
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
        amount: Money::new(1_250, amana_core::Currency::from_code("USD").context("a currency")?),
        merchant: Some("Shop 1".to_owned()),
        description: "CARD PURCHASE".to_owned(),
        at: now,
    });
    Ok(World {
        gate: Gate::new(DataKey::generate(&OsEntropy)),
        key: DataKey::generate(&OsEntropy),
        recipient: Address { channel: channel.clone(), psid: psid.clone() },
        accounts: [account],
        agreement: Agreement {
            id: AgreementId::new(&SystemClock, &OsEntropy),
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
            expires_at: now.checked_add(std::time::Duration::from_secs(86_400))?,
            state: ConsentState::Active,
            revoked_at: None,
        },
        kills: KillSwitches::default(),
        context: RenderContext {
            lang: Lang::English,
            institution_name: "Bench Bank".to_owned(),
            now,
            open_url: Some("https://bench.example/m".to_owned()),
        },
        event: Protected::new(subject.clone(), event),
        subject,
    })
}

impl World {
    fn facts(&self, now: Timestamp) -> Facts<'_> {
        Facts { agreement: Some(&self.agreement), consent: Some(&self.consent), kills: &self.kills, now }
    }

    fn decide(&self, now: Timestamp) -> bool {
        let clusters = Purpose::TransactionUpdate.clusters();
        let ask =
            Ask { subject: &self.subject, recipient: &self.recipient, accounts: &self.accounts, clusters };
        decide(Purpose::TransactionUpdate, &ask, &self.facts(now), &StandardPolicy).is_ok()
    }

    fn disclose(&self, now: Timestamp) -> anyhow::Result<Disclosure> {
        let disclosed = self.gate.disclose::<purpose::TransactionUpdate, _>(
            &self.facts(now),
            &StandardPolicy,
            &self.event,
            (&self.accounts, Purpose::TransactionUpdate.clusters()),
            &self.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &self.context,
            Encoding::MessengerUpdate,
            MessageId::new(&SystemClock, &OsEntropy),
            &self.key,
            &OsEntropy,
        );
        disclosed.map_err(|refusal| anyhow::anyhow!("the gate refused: {}", refusal.denial.as_str()))
    }
}

/// Microseconds for one, on this thread.
fn each<T>(mut one: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    for _ in 0..BENCH_STAGE_WARM {
        black_box(one()?);
    }
    let started = Instant::now();
    for _ in 0..BENCH_STAGE_ROUNDS {
        black_box(one()?);
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / f64::from(BENCH_STAGE_ROUNDS))
}

fn stages(world: &World, now: Timestamp) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let bank = &world.subject.institution;
    let one = super::runs::event(super::rig::Person::new(1, 1), 1, 1);
    let batch = format!("[{}]", vec![one; 100].join(","));
    let parse = each(|| Ok(amana_bank::parse_events(bank, amana_bank::events::BATCH, batch.as_bytes())?))?;
    let decided = each(|| Ok(black_box(world).decide(now)))?;
    let disclosed = each(|| world.disclose(now))?;
    let disclosure = world.disclose(now)?;
    let draft = disclosure.receipt.context("a disclosure has a receipt")?;
    let receipt = each(|| Ok(draft.seal(7, [1; 32], (1, 7))))?;
    let bytes = draft.seal(7, [1; 32], (1, 7)).bytes;
    let log_key = CustomerKey::new(&[7; 32]);
    let entry = each(|| Ok(log_key.entry(1, 7, &bytes).leaf_hash()))?;
    let seal = each(|| Ok(world.key.seal(b"receipt", &bytes, &OsEntropy)?))?;
    let row = disclosure.row;
    let release = each(|| {
        let released = world.gate.release(row.clone(), &world.facts(now), &StandardPolicy, &world.key);
        released.map_err(|denial| anyhow::anyhow!("the gate refused: {}", denial.as_str()))
    })?;
    Ok(vec![
        ("parse an event of a batch", parse / 100.0),
        ("decide", decided),
        ("decide, put into words, encode, seal, MAC", disclosed),
        ("write and hash a receipt", receipt),
        ("its log entry: label, commitment, leaf hash", entry),
        ("seal a receipt under the customer's key", seal),
        ("release: decide again, open, sign (Ed25519)", release),
    ])
}

/// Measures.
///
/// # Errors
/// When the gate refuses what it must allow.
pub(super) async fn run(plan: &Plan, _: &Path) -> anyhow::Result<Report> {
    progress(plan.quiet, &format!("decide: {} a second", plan.rate));
    let now = SystemClock.now();
    let world = Arc::new(world(now)?);
    let stages = stages(&world, now)?;
    let waits = Waits::new()?;
    let (meters, schedule) = (Meters::read(), Schedule::of(plan, 1));
    let one = move |_, _| {
        let world = world.clone();
        async move { world.disclose(SystemClock.now()).map(|done| drop(black_box(done))) }
    };
    offer(plan, schedule, 1, &waits, one).await?;
    let took = schedule.due(0).elapsed().as_secs_f64();
    // Whatever the gate refused ended the run above.
    let account = Account { offered: schedule.total, recorded: schedule.total, ..Account::default() };
    Ok(Report {
        name: "decide",
        durability: "nothing is kept",
        customers: 1,
        pages: 1,
        offered: f64::from(plan.rate),
        achieved: count(account.offered) / took.max(f64::MIN_POSITIVE),
        seconds: took,
        waits: vec![("done", waits)],
        spent: meters.spent(),
        rest: None,
        syncs: None,
        account,
        stages,
    })
}
