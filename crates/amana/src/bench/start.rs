//! How long a gateway needs from nothing until it works, and what it weighs at rest: a process of its own, over a
//! database in which so many customers are linked. The folder is left by one gateway, which is gone, and taken up by
//! another, as after a restart.

use super::platform::Ledger;
use super::report::{Account, Report};
use super::rig::{BANK, BENCH_SECRET, Person, Rig, Working, connect};
use super::{Plan, progress, runs};
use crate::ambient::OsEntropy;
use crate::bench::load::Waits;
use crate::bench::machine::{Spent, memory_of};
use crate::limits::{BENCH_LOOK, BENCH_REST, BENCH_START};
use amana_core::{CustomerId, Entropy as _, Timestamp};
use amana_gate::DataKey;
use amana_log::checkpoint::Checkpoint;
use amana_log::note::Note;
use amana_store::{Custody, CustodyError, Holder, Keys, Share};
use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command as Process};

/// A custody that keeps nothing but the root key: a share follows from its holder. A real one makes each share durable
/// by itself, which would take longer than all the rest of a million customers, and is not read at a start.
struct Derived {
    key: DataKey,
    root: PathBuf,
}

impl Derived {
    fn of(&self, holder: Holder) -> Share {
        let (kind, id) = match &holder {
            Holder::Customer(id) => (b"customer".as_slice(), id.as_bytes()),
            Holder::Job(id) => (b"job".as_slice(), id),
        };
        Share::new(self.key.mac(&[kind, id]))
    }
}

impl Custody for Derived {
    fn keep(&self, holder: Holder, _: &Share, _: Timestamp) -> Result<Share, CustodyError> {
        Ok(self.of(holder))
    }
    fn share(&self, holder: Holder) -> Result<Option<Share>, CustodyError> {
        Ok(Some(self.of(holder)))
    }
    fn destroy(&self, _: Holder, _: Timestamp) -> Result<(), CustodyError> {
        Err(CustodyError::Away("the bench erases nobody".to_owned()))
    }
    fn destroyed(&self, _: Option<CustomerId>) -> Result<Vec<CustomerId>, CustodyError> {
        Ok(Vec::new())
    }
    fn is_over(&self, _: [u8; 16]) -> Result<bool, CustodyError> {
        Ok(false)
    }
    fn old_jobs(&self, _: Timestamp) -> Result<Vec<[u8; 16]>, CustodyError> {
        Ok(Vec::new())
    }
    fn root(&self) -> Result<Option<Vec<u8>>, CustodyError> {
        match std::fs::read(&self.root) {
            Ok(wrapped) => Ok(Some(wrapped)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CustodyError::Away(error.to_string())),
        }
    }
    fn set_root(&self, expected: Option<&[u8]>, wrapped: &[u8]) -> Result<Vec<u8>, CustodyError> {
        let there = self.root()?;
        if there.as_deref() != expected {
            return there.ok_or_else(|| CustodyError::Away("the root key went".to_owned()));
        }
        std::fs::write(&self.root, wrapped).map_err(|error| CustodyError::Away(error.to_string()))?;
        Ok(wrapped.to_vec())
    }
}

fn keys(folder: &Path, master: [u8; 32]) -> Keys {
    let custody = Derived { key: DataKey::new(master), root: folder.join("root") };
    Keys::new(Arc::new(DataKey::new(master)), Arc::new(custody))
}

/// Links the customers, leaves, and measures who comes after.
pub(super) async fn run(plan: &Plan, folder: &Path) -> anyhow::Result<Report> {
    progress(plan.quiet, "start");
    let mut master = [0; 32];
    OsEntropy.fill(&mut master);
    let ledger = Ledger::new(Waits::new()?);
    let rig = Rig::on(keys(folder, master), plan, folder, ledger, Working::Keeping).await?;
    let before = rig.counts().await?.receipts;
    all_published(rig.at, before).await?;
    rig.end().await;

    let began = Instant::now();
    let mut child = Process::new(std::env::current_exe()?)
        .args(["bench", "start", "--pages", &plan.pages.to_string(), "--again"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the gateway's process cannot be started")?;
    let measured = measure(&mut child, &hex::encode(master), began).await;
    // It ends when nobody speaks to it any more.
    drop(child.stdin.take());
    let ended = tokio::time::timeout(BENCH_START, child.wait()).await.context("it does not end")??;
    let (stages, rest, peak) = measured?;
    let account = Account {
        offered: 1,
        pending: 1,
        fault: (!ended.success()).then_some("the gateway's process failed"),
        ..Account::default()
    };
    let seconds = stages.iter().map(|(_, us)| us / 1e6).fold(0.0, f64::max);
    progress(plan.quiet, &format!("  {before} receipts were there"));
    Ok(Report {
        name: "start",
        durability: runs::DURABLE,
        customers: plan.customers,
        pages: plan.pages,
        offered: 0.0,
        achieved: 0.0,
        seconds,
        waits: Vec::new(),
        spent: Spent { cpu_s: None, written: None, memory: peak },
        rest,
        syncs: None,
        account,
        stages,
    })
}

/// Waits until the log has so many receipts in it for everybody to read, as a gateway leaves it that worked for a
/// while.
async fn all_published(at: SocketAddr, receipts: u64) -> anyhow::Result<()> {
    let (mut door, connection) = connect(at).await?;
    tokio::spawn(connection);
    let began = Instant::now();
    while size(&mut door).await? < receipts {
        anyhow::ensure!(began.elapsed() < BENCH_START, "it publishes nothing");
        tokio::time::sleep(BENCH_LOOK).await;
    }
    Ok(())
}

/// The times since it began, the memory at rest and the most of it.
type Measured = (Vec<(&'static str, f64)>, Option<u64>, Option<u64>);

async fn measure(child: &mut Child, master: &str, began: Instant) -> anyhow::Result<Measured> {
    let mut orders = child.stdin.take().context("no way to speak to it")?;
    orders.write_all(format!("{master}\n").as_bytes()).await?;
    child.stdin = Some(orders);
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().context("no way to hear it")?);
    tokio::time::timeout(BENCH_START, lines.read_line(&mut said)).await.context("it says nothing")??;
    let at: SocketAddr = said.trim().parse().context("it did not say where it listens")?;
    let (mut door, connection) = connect(at).await?;
    tokio::spawn(connection);
    let since = |began: Instant| began.elapsed().as_secs_f64() * 1e6;
    while ask(&mut door, "/readyz", None).await?.0 != 200 {
        anyhow::ensure!(began.elapsed() < BENCH_START, "it is never ready");
        tokio::time::sleep(BENCH_LOOK).await;
    }
    let ready = since(began);
    let published = size(&mut door).await?;
    // One event of a bank, until it is durable; then until the log that everybody can read has it.
    let event = runs::event(Person::new(0, 1), 1, 1);
    let (status, answer) = ask(&mut door, &format!("/events/{BANK}"), Some(event)).await?;
    let stored: serde_json::Value = serde_json::from_slice(&answer)?;
    anyhow::ensure!(
        status == 202 && stored.get("stored").and_then(serde_json::Value::as_u64) == Some(1),
        "the first event was answered {status}: {stored}"
    );
    let durable = since(began);
    while size(&mut door).await? <= published {
        anyhow::ensure!(began.elapsed() < BENCH_START, "it publishes nothing");
        tokio::time::sleep(BENCH_LOOK).await;
    }
    let seen = since(began);
    tokio::time::sleep(BENCH_REST).await;
    let (rest, peak) = memory_of(child.id());
    let stages = vec![
        ("ready for events, after", ready),
        ("the first event durable, after", durable),
        ("its receipt in a published checkpoint, after", seen),
    ];
    Ok((stages, rest, peak))
}

/// A question to the gateway, with a bank's event or without; status and answer.
async fn ask(
    door: &mut SendRequest<Full<Bytes>>,
    path: &str,
    event: Option<String>,
) -> anyhow::Result<(u16, Bytes)> {
    door.ready().await?;
    let mut request = hyper::Request::get(path).header("host", "bench.example");
    if event.is_some() {
        request = request
            .method("POST")
            .header("authorization", format!("Bearer {BENCH_SECRET}"))
            .header("content-type", amana_bank::events::STRUCTURED);
    }
    let answer = door.send_request(request.body(Full::new(Bytes::from(event.unwrap_or_default())))?).await?;
    Ok((answer.status().as_u16(), answer.into_body().collect().await?.to_bytes()))
}

/// How much of the log is published; nothing before the first checkpoint.
async fn size(door: &mut SendRequest<Full<Bytes>>) -> anyhow::Result<u64> {
    let (status, file) = ask(door, "/log/checkpoint", None).await?;
    if status == 404 {
        return Ok(0);
    }
    anyhow::ensure!(status == 200, "the checkpoint was answered {status}");
    let note = Note::parse(std::str::from_utf8(&file)?)?;
    Ok(Checkpoint::parse(note.text())?.size)
}

/// The process that is measured: takes up a folder, says where it listens, and works until nobody speaks to it.
///
/// # Errors
/// When the folder is not one of [`run`]'s, or a part cannot be made.
pub(super) async fn again(plan: &Plan, folder: &Path) -> anyhow::Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin());
    let mut line = String::new();
    orders.read_line(&mut line).await?;
    let mut master = [0; 32];
    hex::decode_to_slice(line.trim(), &mut master)
        .context("a key is expected on standard input: `--again` is for the bench's own use")?;
    // Nobody is made, and no load is offered from here.
    let plan = Plan { customers: 0, connections: 0, quiet: true, ..plan.clone() };
    let ledger = Ledger::new(Waits::new()?);
    let rig = Rig::on(keys(folder, master), &plan, folder, ledger, Working::Sending).await?;
    crate::output::line(&rig.at.to_string());
    let _ = orders.read_to_end(&mut Vec::new()).await;
    rig.end().await;
    Ok(())
}
