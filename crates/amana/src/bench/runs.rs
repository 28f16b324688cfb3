//! The measurements that need a gateway: what is offered, when it counts as done, and where every event is at the end.

use super::load::{Schedule, Waits, offer};
use super::machine::{self, Meters};
use super::platform::{Ledger, MARK};
use super::report::{Account, Report, count};
use super::rig::{Person, Rig, Working};
use super::{Plan, progress};
use crate::ambient::SystemClock;
use crate::limits::{BENCH_RETRY, BENCH_SAMPLE};
use amana_core::{Clock as _, InstitutionId};
use amana_gate::{ReceiptDraft, ReceiptKind, Recipient};
use amana_store::{Command, Counts, InboxSource, SubmitError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::Mutex;

pub(super) const DURABLE: &str = "SQLite, WAL, synchronous=FULL";

/// A gateway under load, and what was found before.
struct Run {
    rig: Arc<Rig>,
    schedule: Schedule,
    before: Counts,
    meters: Meters,
    syncs: f64,
    waits: Waits,
    /// Until a message was at the platform.
    arrivals: Waits,
}

impl Run {
    async fn begin(
        plan: &Plan,
        folder: &Path,
        name: &str,
        working: Working,
        events: u32,
    ) -> anyhow::Result<Self> {
        progress(plan.quiet, &format!("{name}: {} a second", plan.rate));
        let (waits, arrivals) = (Waits::new()?, Waits::new()?);
        let ledger = Ledger::new(arrivals.clone());
        let rig = Arc::new(Rig::new(plan, folder, ledger, working).await?);
        let syncs = machine::syncs_per_s(folder)?;
        let before = rig.counts().await?;
        let (meters, schedule) = (Meters::read(), Schedule::of(plan, events));
        Ok(Self { rig, schedule, before, meters, syncs, waits, arrivals })
    }

    async fn end(
        self,
        plan: &Plan,
        (name, folder): (&'static str, &Path),
        ended: Instant,
        mut account: Account,
        waited: &'static str,
    ) -> anyhow::Result<Report> {
        let spent = self.meters.spent();
        let took = ended.saturating_duration_since(self.schedule.due(0)).as_secs_f64();
        let mut waits = vec![(waited, self.waits)];
        if self.arrivals.count() > 0 {
            waits.push(("at the platform", self.arrivals));
        }
        let published = self.rig.published.all().await;
        // A measurement that records no receipt has no entry of the log.
        let has_entries = self.rig.counts().await?.receipts > self.before.receipts;
        if published.count() > 0 {
            waits.push(("from commit to published checkpoint", published));
        } else if has_entries {
            account.fault = account.fault.or(Some("not every entry of the log was published"));
        }
        // The last hold on the rig is this one: every sender has ended.
        if let Some(rig) = Arc::into_inner(self.rig) {
            rig.end().await;
        }
        Ok(Report {
            name,
            durability: DURABLE,
            customers: plan.customers,
            pages: plan.pages,
            offered: f64::from(plan.rate),
            achieved: count(account.offered) / took.max(f64::MIN_POSITIVE),
            seconds: took,
            waits,
            spent,
            rest: None,
            syncs: Some((self.syncs, machine::syncs_per_s(folder)?)),
            account,
            stages: Vec::new(),
        })
    }
}

fn person(plan: &Plan, n: u64) -> Person {
    plan.person(u32::try_from(n % u64::from(plan.customers.max(1))).unwrap_or(0))
}

/// Whether the customers looked at hold as many receipts as they must, one by one.
async fn sampled(rig: &Rig, plan: &Plan, expected: impl Fn(u32) -> u64) -> anyhow::Result<bool> {
    let step = usize::try_from(plan.customers / BENCH_SAMPLE + 1)?;
    for n in (0..plan.customers).step_by(step) {
        let (person, mut from, mut found) = (plan.person(n), 0, 0u64);
        loop {
            let page = rig.store.receipts(person.shard()?, person.customer(), from, 1_000).await?;
            let Some(last) = page.last() else { break };
            from = last.seq + 1;
            found += page.len() as u64;
        }
        if found != expected(n) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many of `total` numbers fall on a customer when they go round.
fn share(plan: &Plan, total: u64, n: u32) -> u64 {
    let customers = u64::from(plan.customers.max(1));
    total / customers + u64::from(total % customers > u64::from(n))
}

/// Receipts alone.
pub(super) async fn log(plan: &Plan, folder: &Path) -> anyhow::Result<Report> {
    let run = Run::begin(plan, folder, "log", Working::Keeping, 1).await?;
    let (rig, orders) = (run.rig.clone(), plan.clone());
    // The store takes many submissions at once: its writer makes them durable together.
    let senders = plan.connections.saturating_mul(8).clamp(1, 4_096);
    let receipt = ReceiptDraft {
        kind: ReceiptKind::Denial,
        institution: InstitutionId::new(super::rig::BANK)?,
        agreement: None,
        consent: None,
        purpose: None,
        clusters: amana_core::Clusters::default(),
        channel: None,
        recipient: Recipient::Customer,
        form: None,
        template: Some("bench".to_owned()),
        payload_sha256: Some("0".repeat(64)),
        policy_set_sha256: Some("0".repeat(64)),
        decided_at: SystemClock.now(),
    };
    let one = move |n, _| {
        let (rig, person, receipt) = (rig.clone(), person(&orders, n), receipt.clone());
        async move {
            let (shard, customer) = (person.shard()?, person.customer());
            let receipt = ReceiptDraft { decided_at: SystemClock.now(), ..receipt };
            loop {
                let record = Command::Record { shard, customer, receipt: receipt.clone() };
                match rig.store.submit(vec![record]).await {
                    Ok(_) => return Ok(()),
                    Err(SubmitError::Overloaded) => tokio::time::sleep(BENCH_RETRY).await,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    };
    offer(plan, run.schedule, senders, &run.waits, one).await?;
    let ended = Instant::now();
    let offered = run.schedule.total;
    let recorded = run.rig.counts().await?.receipts.saturating_sub(run.before.receipts);
    let each = sampled(&run.rig, plan, |n| 1 + share(plan, offered, n)).await?;
    let fault = (!each).then_some("a customer holds other receipts than were made");
    let account = Account { offered, recorded, fault, ..Account::default() };
    run.end(plan, ("log", folder), ended, account, "durable").await
}

/// One event as a bank's system writes it.
pub(super) fn event(person: Person, id: u64, mark: u64) -> String {
    let (account, subject, now) = (person.account(), person.subject(), SystemClock.now());
    let (whole, cents) = (id % 900 + 1, id % 100);
    format!(
        r#"{{"specversion":"1.0","id":"e-{id}","source":"https://bank.example/bench","type":"bank.transaction.authorised.v1","subject":"{account}","time":"{now}","datacontenttype":"application/json","data":{{"customerId":"{subject}","accountId":"{account}","currency":"USD","transaction":{{"accountId":"{account}","transactionId":"t-{id}","amount":{whole}.{cents:02},"debitCreditMemo":"DEBIT","status":"AUTHORIZATION","description":"CARD PURCHASE","transactionTimestamp":"{now}","transactionPayee":{{"merchantName":{{"name1":"{MARK}{mark}"}}}}}}}}}}"#
    )
}

/// A bank's batches, until everything is decided and durable.
pub(super) async fn intake(plan: &Plan, folder: &Path) -> anyhow::Result<Report> {
    let batch = u32::from(plan.batch.max(1));
    let run = Run::begin(plan, folder, "intake", Working::Deciding, batch).await?;
    let (rig, orders) = (run.rig.clone(), plan.clone());
    let (stored, changed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (told, changes) = (stored.clone(), changed.clone());
    let per_batch = u64::from(batch);
    let one = move |n: u64, sender| {
        let (rig, orders, told, changes) = (rig.clone(), orders.clone(), told.clone(), changes.clone());
        async move {
            let first = n * per_batch;
            let mut body = String::from("[");
            for id in first..first + per_batch {
                if id > first {
                    body.push(',');
                }
                body.push_str(&event(person(&orders, id), id, id));
                let every = u64::from(orders.change_every);
                if every > 0 && id % every == every - 1 {
                    // Each of them another customer's, so that the consent that is replaced is the first one.
                    let nth = changes.fetch_add(1, Ordering::Relaxed);
                    if nth < u64::from(orders.customers) {
                        rig.change_consent(person(&orders, nth), 0).await?;
                    }
                }
            }
            body.push(']');
            told.fetch_add(rig.push(sender, amana_bank::events::BATCH, body).await?, Ordering::Relaxed);
            Ok(())
        }
    };
    offer(plan, run.schedule, plan.connections.min(64), &run.waits, one).await?;
    let all = run.rig.decided(InboxSource::Bank).await?;
    let ended = Instant::now();
    let (offered, now) = (run.schedule.total * per_batch, run.rig.counts().await?);
    let changes = changed.load(Ordering::Relaxed).min(u64::from(plan.customers));
    let pending = (now.outbox_open + now.outbox_held).saturating_sub(run.before.outbox_open);
    let receipts = now.receipts.saturating_sub(run.before.receipts).saturating_sub(2 * changes);
    let denied = receipts.saturating_sub(pending);
    let expected = |n: u32| 1 + share(plan, offered, n) + if u64::from(n) < changes { 2 } else { 0 };
    let fault = if !all || now.inbox_failed > 0 {
        Some("not every event was decided")
    } else if stored.load(Ordering::Relaxed) != offered {
        Some("not every event was taken as new")
    } else if receipts < pending || !sampled(&run.rig, plan, expected).await? {
        Some("a customer holds other receipts than there were events")
    } else {
        None
    };
    let account = Account { offered, pending, denied, fault, ..Account::default() };
    run.end(plan, ("intake", folder), ended, account, "acknowledged").await
}

/// One counter for each customer: how many things of theirs have been sent. Held while one is under way, so that what
/// order is right is known.
fn counters(plan: &Plan) -> Arc<Vec<Mutex<u64>>> {
    Arc::new((0..plan.customers).map(|_| Mutex::new(0)).collect())
}

/// Which thing it is, and when it was due.
fn dues(schedule: Schedule, n: u64) -> (Instant, bool) {
    (schedule.due(n), schedule.timed(n))
}

/// A chat's words, and what is answered.
pub(super) async fn webhook(plan: &Plan, folder: &Path) -> anyhow::Result<Report> {
    let run = Run::begin(plan, folder, "webhook", Working::Sending, 1).await?;
    let (rig, orders, counters, schedule) = (run.rig.clone(), plan.clone(), counters(plan), run.schedule);
    let one = move |n: u64, sender| {
        let (rig, person, counters) = (rig.clone(), person(&orders, n), counters.clone());
        async move {
            let Some(counter) = counters.get(person.number as usize) else { return Ok(()) };
            let _turn = counter.lock().await;
            let (psid, page, ms) = (person.psid(), person.page()?, SystemClock.now().as_millisecond());
            let body = format!(
                r#"{{"object":"page","entry":[{{"id":"{page}","time":{ms},"messaging":[{{"sender":{{"id":"{psid}"}},"recipient":{{"id":"{page}"}},"timestamp":{ms},"message":{{"mid":"m_in_{n}","text":"help"}}}}]}}]}}"#
            );
            let (due, timed) = dues(schedule, n);
            rig.ledger.expect(&psid, None, due, timed);
            rig.hook(sender, body).await
        }
    };
    offer(plan, run.schedule, plan.connections, &run.waits, one).await?;
    finish_sending(run, plan, ("webhook", folder), 0, "acknowledged").await
}

/// A bank's single events, and what customers are sent.
pub(super) async fn send(plan: &Plan, folder: &Path) -> anyhow::Result<Report> {
    let run = Run::begin(plan, folder, "send", Working::Sending, 1).await?;
    let (rig, orders, counters, schedule) = (run.rig.clone(), plan.clone(), counters(plan), run.schedule);
    let one = move |n: u64, sender| {
        let (rig, person, counters) = (rig.clone(), person(&orders, n), counters.clone());
        async move {
            let Some(counter) = counters.get(person.number as usize) else { return Ok(()) };
            let mut turn = counter.lock().await;
            *turn += 1;
            let (due, timed) = dues(schedule, n);
            rig.ledger.expect(&person.psid(), Some(*turn), due, timed);
            let stored = rig.push(sender, amana_bank::events::STRUCTURED, event(person, n, *turn)).await?;
            anyhow::ensure!(stored == 1, "an event was not taken as new");
            Ok(())
        }
    };
    offer(plan, run.schedule, plan.connections, &run.waits, one).await?;
    // A disclosure's receipt and its outcome's.
    finish_sending(run, plan, ("send", folder), 2, "acknowledged").await
}

/// Waits for what is on its way, and looks where everything is. Each message has so many receipts.
async fn finish_sending(
    run: Run,
    plan: &Plan,
    place: (&'static str, &Path),
    receipts_each: u64,
    waited: &'static str,
) -> anyhow::Result<Report> {
    let offered = run.schedule.total;
    let all = run.rig.sent(offered).await?;
    let ended = Instant::now();
    let now = run.rig.counts().await?;
    let receipts = now.receipts.saturating_sub(run.before.receipts);
    let sent = run.rig.ledger.came();
    let expected = |n: u32| 1 + receipts_each * share(plan, offered, n);
    let fault = if let Some(fault) = run.rig.ledger.fault() {
        Some(fault)
    } else if now.inbox_failed > 0 || now.outbox_dead > 0 || now.outbox_held > 0 {
        Some("an event or a message was put aside")
    } else if !all {
        Some("not everything that was taken was sent")
    } else if receipts != receipts_each * sent || !sampled(&run.rig, plan, expected).await? {
        Some("a customer holds other receipts than there were messages")
    } else {
        None
    };
    let account = Account { offered, sent, fault, ..Account::default() };
    run.end(plan, place, ended, account, waited).await
}
