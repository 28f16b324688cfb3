//! How many durable events a second: `throughput URL [TASKS] [SECONDS]`. Writes into the database it is given.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use amana_core::{Clock, EventKey, ManualClock, SeededEntropy, Shard, Timestamp};
use amana_gate::DataKey;
use amana_store::{Command, InboxSource, Keys, MemoryCustody, NewInbox, Outcome, open};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("give `sqlite:PATH` or `postgres://…`")?;
    let tasks: u16 = arguments.next().map_or(Ok(64), |n| n.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |n| n.parse())?;
    let begin: Timestamp = "2026-11-24T10:00:00Z".parse()?;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(begin));
    let keys = Keys::new(Arc::new(DataKey::new([1; 32])), Arc::new(MemoryCustody::default()));
    let store = open(&url, keys, Arc::new(SeededEntropy::new(1)), clock).await?;
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let mut running = Vec::new();
    for task in 0..tasks {
        let store = Arc::clone(&store);
        running.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while Instant::now() < until {
                let sent = Instant::now();
                let at = begin + sent.duration_since(started);
                let key = EventKey::new(Some(at), "throughput", &format!("{task}-{}", waits.len()));
                let event = NewInbox {
                    shard: Shard(task % 4096),
                    lane: [0; 32],
                    key,
                    source: InboxSource::Bank,
                    body: vec![0; 200],
                    received_at: at,
                };
                let outcomes = store.submit(vec![Command::Accept(event)]).await?;
                if outcomes == [Outcome::Changed] {
                    waits.push(sent.elapsed());
                }
            }
            Ok::<_, amana_store::SubmitError>(waits)
        }));
    }
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await??);
    }
    let took = started.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 1000).copied().unwrap_or_default();
    println!(
        "{} events in {took:.1} s from {tasks} tasks; waited {:?} at the median, {:?} at 99 %",
        waits.len(),
        at(500),
        at(990)
    );
    Ok(())
}
