//! How many durable disclosures a second, each with its receipt, its entry in the log and its outbox row in one commit:
//! `disclosures URL [TASKS] [COUNT] [CUSTOMERS]`. Writes into the database it is given, which should be new. It prints
//! a line for each stretch between 10,000, 20,000, 50,000, 100,000, … entries in the log (and from 2,000,000 on for
//! each million), so that one long run shows whether the rate stays as the log grows.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use amana_core::{
    AccountId, Address, ChannelId, Clock, Cluster, Clusters, ConsentId, Content, CustomerId, Form,
    InstitutionId, ManualClock, MessageId, Psid, Purpose, SeededEntropy, Shard, Timestamp,
};
use amana_gate::{Basis, DataKey, Disclosure, Gate, OutboxRow, ReceiptDraft, ReceiptKind, Recipient};
use amana_render::Encoding;
use amana_store::{Command, Keys, SqliteCustody, Store, SubmitError, open};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Failure = Box<dyn Error + Send + Sync>;

/// About what a receipt template weighs on the platform's API.
struct Rig {
    store: Arc<dyn Store>,
    gate: Gate,
    key: DataKey,
    entropy: SeededEntropy,
    institution: InstitutionId,
    channel: ChannelId,
    at: Timestamp,
}

fn customer(n: u64) -> CustomerId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    CustomerId::from_bytes(bytes)
}

fn shard(n: u64) -> Shard {
    Shard(u16::try_from(n % 4096).unwrap_or(0))
}

impl Rig {
    async fn make_customer(&self, n: u64) -> Result<(), Failure> {
        let made = self.store.new_customer_key(&self.institution, customer(n), self.at).await?;
        let wrapped_key = made.ok_or("an erased customer")?.wrapped;
        let mut subject = [9; 32];
        subject[..8].copy_from_slice(&n.to_be_bytes());
        let create = Command::CreateCustomer {
            shard: shard(n),
            id: customer(n),
            institution: self.institution.clone(),
            subject,
            wrapped_key,
            at: self.at,
        };
        self.store.submit(vec![create]).await?;
        Ok(())
    }

    fn disclosure(&self, n: u64, who: u64) -> Result<Command, Failure> {
        let mut id = [3; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let message = MessageId::from_bytes(id);
        let to = Address { channel: self.channel.clone(), psid: Psid::new(format!("{who}"))? };
        let content = Content::text("a card payment");
        let plain = self.gate.plain(
            &content,
            &to,
            Encoding::MessengerUpdate,
            message,
            self.at,
            &self.key,
            &self.entropy,
        )?;
        let basis = Basis {
            customer: customer(who),
            institution: self.institution.clone(),
            purpose: Purpose::TransactionUpdate,
            accounts: vec![AccountId::new("acc-1")?],
            clusters: Clusters::of(&[Cluster::Transactions]),
            form: Form::Detail,
            consent: ConsentId::from_bytes([5; 16]),
        };
        let receipt = ReceiptDraft {
            kind: ReceiptKind::Disclosure,
            institution: self.institution.clone(),
            agreement: None,
            consent: Some((basis.consent, "0".repeat(64))),
            purpose: Some(basis.purpose),
            clusters: basis.clusters,
            channel: Some(self.channel.clone()),
            recipient: Recipient::Customer,
            form: Some(Form::Detail),
            template: Some("update".into()),
            payload_sha256: Some(hex::encode(plain.row.payload_sha256)),
            policy_set_sha256: Some("0".repeat(64)),
            decided_at: self.at,
        };
        let row = OutboxRow { basis: Some(basis), ..plain.row };
        let disclosure = Disclosure { receipt: Some(receipt), row, page: None };
        Ok(Command::Disclose { shard: shard(who), disclosure, at: self.at })
    }
}

/// The next number of entries after which the rate is said: 1, 2 and 5 of each power of ten from 10,000 on, and each
/// million.
fn next_mark(entries: u64) -> u64 {
    if entries >= 1_000_000 {
        return (entries / 1_000_000 + 1) * 1_000_000;
    }
    let mut power = 10_000;
    loop {
        for mark in [power, 2 * power, 5 * power] {
            if mark > entries {
                return mark;
            }
        }
        power *= 10;
    }
}

/// The share, in thousandths, of the sorted waits.
fn quantile(waits: &[Duration], share: usize) -> Duration {
    waits.get(waits.len() * share / 1000).copied().unwrap_or_default()
}

/// The memory of this process, in MB; 0 where the system does not say.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or_default() * 1_024 / 1_000_000
}

/// A line of the curve, each time that the log has grown by so much; what is left makes the last one. The waits of a
/// line are forgotten after it, so that the memory is the store's.
async fn curve(
    mut done: tokio::sync::mpsc::UnboundedReceiver<Duration>,
    before: u64,
    customers: u64,
) -> Result<(), Failure> {
    let (mut since, mut began) = (Vec::new(), Instant::now());
    let (mut entries, mut mark) = (before, next_mark(before));
    loop {
        let wait = done.recv().await;
        if let Some(wait) = wait {
            since.push(wait);
            entries += 1;
        }
        if entries == mark || (wait.is_none() && !since.is_empty()) {
            let took = began.elapsed().as_secs_f64();
            let many = f64::from(u32::try_from(since.len())?);
            since.sort_unstable();
            println!(
                "{entries:>10} entries, {customers} customers: {:.0} a second; waited {:?} at the median, {:?} at 99 %; \
                 memory {} MB",
                many / took,
                quantile(&since, 500),
                quantile(&since, 990),
                memory()
            );
            since.clear();
            (began, mark) = (Instant::now(), next_mark(entries));
        }
        if wait.is_none() {
            return Ok(());
        }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("give `sqlite:PATH` or `postgres://…`")?;
    let tasks: u64 = arguments.next().map_or(Ok(256), |n| n.parse())?;
    let count: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let customers: u64 = arguments.next().map_or(Ok(1_000), |n| n.parse())?;
    let at: Timestamp = "2026-11-25T10:00:00Z".parse()?;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(at));
    let beside = format!("{}.custody", url.strip_prefix("sqlite:").unwrap_or("disclosures"));
    let custody = SqliteCustody::open(Path::new(&beside), true)?;
    let keys = Keys::new(Arc::new(DataKey::new([1; 32])), Arc::new(custody));
    let store = open(&url, keys, Arc::new(SeededEntropy::new(1)), clock).await?;
    let rig = Arc::new(Rig {
        gate: Gate::new(store.keyring().ticket()),
        store,
        key: DataKey::new([2; 32]),
        entropy: SeededEntropy::new(3),
        institution: InstitutionId::new("cedar-bank")?,
        channel: ChannelId::new("1000")?,
        at,
    });
    let before = rig.store.log_head().await?.size;
    for n in 0..customers {
        // Those of an earlier run are there already.
        if before == 0 {
            rig.make_customer(n).await?;
        }
    }
    let next = Arc::new(AtomicU64::new(before));
    let started = Instant::now();
    let (say, done) = tokio::sync::mpsc::unbounded_channel();
    let curve = tokio::spawn(curve(done, before, customers));
    let mut running = Vec::new();
    for _ in 0..tasks {
        let (rig, next, say) = (Arc::clone(&rig), Arc::clone(&next), say.clone());
        running.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= before + count {
                    return Ok::<_, Failure>(());
                }
                let command = rig.disclosure(n, n % customers)?;
                let sent = Instant::now();
                match rig.store.submit(vec![command]).await {
                    Ok(_) => say.send(sent.elapsed())?,
                    Err(SubmitError::Overloaded) => tokio::task::yield_now().await,
                    Err(error) => return Err(error.into()),
                }
            }
        }));
    }
    drop(say);
    for task in running {
        task.await??;
    }
    let took = started.elapsed().as_secs_f64();
    curve.await??;
    println!(
        "{before} entries before, {customers} customers; {count} disclosures in {took:.2} s: {:.0} a second",
        f64::from(u32::try_from(count)?) / took
    );
    Ok(())
}
