//! How fast the log is, and that it stays so: `cargo run --release -p amana-log --example log_bench [ENTRIES]`.
//!
//! One thread. A receipt of 640 bytes for one of 10,000 customers is given its label, blinding, commitment, entry, leaf
//! hash and place in the tree; every 20,000 entries there is a checkpoint (index, index entry, root, tiles into a
//! folder); a segment ends after 2^20 entries. ENTRIES is 10^7 where nothing is given. Times are the processor's
//! (`/proc`), so that what else the machine does is not counted; the kernel's part of writing files is.

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::error::Error;
use std::time::Duration;

use amana_log::index::SegmentIndex;
use amana_log::merkle::sha256;
use amana_log::tiles::{DirTiles, Fsync, TreeWriter};
use amana_log::{CustomerKey, Entry, IndexLeaf};

const CUSTOMERS: u64 = 10_000;
const PER_CHECKPOINT: u64 = 20_000;
const SEGMENT: u64 = 1 << 20;
const RECEIPT_BYTES: usize = 640;

/// A stopwatch of the processor time that this process, which has one thread, has had.
struct Watch(Duration);

impl Watch {
    fn start() -> Self {
        Self(Self::now())
    }

    fn now() -> Duration {
        let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
        let nanoseconds = text.split_whitespace().next().and_then(|number| number.parse().ok());
        Duration::from_nanos(nanoseconds.unwrap_or(0))
    }

    fn elapsed(&self) -> Duration {
        Self::now().saturating_sub(self.0)
    }
}

/// Memory of this process in MB, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn per(total: Duration, count: u64) -> f64 {
    total.as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The whole work for one receipt.
fn receipt(keys: &[[u8; 32]], number: u64, bytes: &mut [u8], segment: u64) -> Entry {
    for (to, from) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    let customer = usize::try_from(number * 7919 % CUSTOMERS).unwrap_or(0);
    // As the store does: the key comes as bytes and is taken in for this receipt.
    let key = CustomerKey::new(keys.get(customer).unwrap_or(&[0; 32]));
    key.entry(segment, number / CUSTOMERS + 1, bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(10_000_000), |number| number.parse())?;
    let keys: Vec<[u8; 32]> = (0..CUSTOMERS).map(|number| sha256(&number.to_be_bytes())).collect();
    let mut bytes = vec![b'x'; RECEIPT_BYTES];

    println!(
        "appending, nothing written (label, blinding, commitment, entry, leaf hash, tree, tiles in memory)"
    );
    let memory = amana_log::tiles::MemoryTiles::new();
    let mut writer = TreeWriter::open(&memory, 0)?;
    let start = Watch::start();
    let count = 1_000_000;
    for number in 0..count {
        writer.append(&receipt(&keys, number, &mut bytes, 0));
    }
    let took = start.elapsed();
    println!("  {count} entries: {:.2} us each, {:.0} a second", per(took, count), 1e6 / per(took, count));
    drop(writer);

    let folder = tempfile::tempdir()?;
    let dir = DirTiles::new(folder.path(), Fsync::Never);
    let mut writer = TreeWriter::open(&dir, 0)?;
    let mut index = SegmentIndex::new(0, 0);
    let (mut appending, mut batch) = (Duration::ZERO, Vec::new());
    let mut checkpoints: Vec<Duration> = Vec::new();
    let (mut report, mut number, mut reported) = (10_000, 0, 0);
    println!(
        "\nfrom 10^4 entries on, a checkpoint every {PER_CHECKPOINT} entries into a folder, segments of 2^20"
    );
    println!(
        "| entries | append, us | checkpoint median, ms | longest, ms | tiles, us per entry | all in all, us per entry | memory, MB |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut writing = Duration::ZERO;
    let (mut from, mut ends) = (Watch::start(), Vec::new());
    while number < entries {
        let until = (number + PER_CHECKPOINT).min(report);
        let start = Watch::start();
        let before = number;
        while number < until {
            let entry = receipt(&keys, number, &mut bytes, index.segment());
            let log_index = writer.append(&entry);
            if let Entry::Receipt { label, .. } = entry {
                batch.push(IndexLeaf { label, log_index });
            }
            number += 1;
        }
        appending += start.elapsed();
        let start = Watch::start();
        index.add(std::mem::take(&mut batch))?;
        let entry = index.entry(writer.size())?;
        let last = writer.append(&Entry::Index(entry));
        let computed = start.elapsed();
        writer.flush()?;
        std::hint::black_box(writer.root());
        writing += start.elapsed().saturating_sub(computed);
        if number - before == PER_CHECKPOINT {
            checkpoints.push(start.elapsed());
        }
        if entry.covered >= SEGMENT {
            let start = Watch::start();
            let next = SegmentIndex::new(index.segment() + 1, last + 1);
            std::mem::replace(&mut index, next).into_tree().write_tiles(&dir)?;
            ends.push(start.elapsed());
        }
        if number == report {
            checkpoints.sort_unstable();
            let middle = checkpoints.get(checkpoints.len() / 2).copied().unwrap_or_default();
            let longest = checkpoints.last().copied().unwrap_or_default();
            println!(
                "| {number} | {:.2} | {:.0} | {:.0} | {:.2} | {:.2} | {} |",
                per(appending, number - reported),
                middle.as_secs_f64() * 1e3,
                longest.as_secs_f64() * 1e3,
                per(writing, number - reported),
                per(from.elapsed(), number - reported),
                resident()
            );
            (appending, writing, from, reported) = (Duration::ZERO, Duration::ZERO, Watch::start(), number);
            checkpoints.clear();
            report = if number < 1_000_000 { number * 10 } else { number + 1_000_000 };
        }
    }
    if let Some(longest) = ends.iter().max() {
        let (count, longest) = (ends.len(), longest.as_secs_f64());
        println!("ending a segment (index tree and its tiles): {count} times, at most {longest:.2} s");
    }

    println!("\na segment's index of 2^20 receipts");
    let mut index = SegmentIndex::new(0, 0);
    let (mut adding, mut rooting) = (Duration::ZERO, Duration::ZERO);
    for round in 0..SEGMENT / 16_384 {
        let log_indexes = round * 16_384..(round + 1) * 16_384;
        let batch =
            log_indexes.map(|log_index| IndexLeaf { label: sha256(&log_index.to_be_bytes()), log_index });
        let batch: Vec<IndexLeaf> = batch.collect();
        let start = Watch::start();
        index.add(batch)?;
        adding = start.elapsed();
        let start = Watch::start();
        std::hint::black_box(index.root());
        rooting = start.elapsed();
    }
    println!("  the last 16,384 merged in: {:.1} ms", adding.as_secs_f64() * 1e3);
    println!("  root of {} leaves: {:.1} ms", index.size(), rooting.as_secs_f64() * 1e3);
    let start = Watch::start();
    let tree = index.tree(SEGMENT);
    println!("  the whole tree, for proofs: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Watch::start();
    let proofs: u64 = 100_000;
    let mut found = 0;
    for number in 0..proofs {
        found += u64::from(tree.absence(&sha256(&[b"q", &number.to_be_bytes()[..]].concat()))?.is_some());
    }
    println!("  a proof of absence: {:.1} us ({found} of {proofs} absent)", per(start.elapsed(), proofs));
    let start = Watch::start();
    tree.write_tiles(DirTiles::new(folder.path().join("index"), Fsync::Never))?;
    println!("  its tiles written: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
