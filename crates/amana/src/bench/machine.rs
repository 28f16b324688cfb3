//! What the run cost the machine: processor time, memory, bytes to the disk; and how fast the disk makes things
//! durable. From `/proc`; elsewhere than on Linux what is not known is left out.

use crate::limits::{BENCH_SYNC_BYTES, BENCH_SYNC_TIME};
use anyhow::Context as _;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::time::Instant;

/// The unit of `/proc/self/stat`: it is 1/100 s to every program on Linux, whatever the kernel's own clock.
const TICKS_PER_S: f64 = 100.0;

/// The process's meters at an instant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meters {
    cpu_s: Option<f64>,
    written: Option<u64>,
}

/// What was spent between two instants.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Processor seconds.
    pub(crate) cpu_s: Option<f64>,
    /// Bytes that this process had written to the disk.
    pub(crate) written: Option<u64>,
    /// The most memory that it had at once, in bytes.
    pub(crate) memory: Option<u64>,
}

fn cpu_s() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold anything, in brackets.
    let mut rest = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (rest.next()?.parse().ok()?, rest.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_S)
}

/// The number after a name in one of `/proc`'s files of lines.
fn line(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim_start_matches(':').split_ascii_whitespace().next()?.parse().ok()
}

/// The memory of a process now, and the most that it had, in bytes.
pub(crate) fn memory_of(process: Option<u32>) -> (Option<u64>, Option<u64>) {
    let Some(process) = process else { return (None, None) };
    let status = format!("/proc/{process}/status");
    let bytes = |name| line(&status, name).map(|kb| kb * 1_024);
    (bytes("VmRSS"), bytes("VmHWM"))
}

impl Meters {
    /// As they stand now. The peak of memory counts from here on.
    pub(crate) fn read() -> Self {
        // 5: the highest use so far is forgotten. Where it may not be written the peak is the process's.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { cpu_s: cpu_s(), written: line("/proc/self/io", "write_bytes") }
    }

    /// What was spent since.
    pub(crate) fn spent(self) -> Spent {
        let written = line("/proc/self/io", "write_bytes").zip(self.written);
        Spent {
            cpu_s: cpu_s().zip(self.cpu_s).map(|(now, then)| now - then),
            written: written.map(|(now, then)| now.saturating_sub(then)),
            memory: line("/proc/self/status", "VmHWM").map(|kb| kb * 1_024),
        }
    }
}

/// How often a second one page can be written over and made durable, in this folder, now. Without it no figure of
/// durable work means anything: a shared disk's changes within minutes.
///
/// # Errors
/// When the disk cannot be written.
pub(crate) fn syncs_per_s(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("fdatasync");
    let page = vec![7u8; BENCH_SYNC_BYTES];
    let mut file = std::fs::File::create(&path).context("the disk cannot be measured")?;
    file.write_all(&page)?;
    file.sync_all()?;
    let (started, mut syncs) = (Instant::now(), 0u32);
    while started.elapsed() < BENCH_SYNC_TIME {
        file.rewind()?;
        file.write_all(&page)?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / started.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_count_what_is_spent() {
        let folder = tempfile::tempdir().expect("a folder");
        let before = Meters::read();
        assert!(syncs_per_s(folder.path()).expect("a disk") >= 1.0);
        let mut sum = 0u64;
        let started = Instant::now();
        while started.elapsed().as_millis() < 60 {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert!(sum != 0);
        let spent = before.spent();
        if cfg!(target_os = "linux") {
            assert!(spent.cpu_s.is_some_and(|s| s > 0.0), "{spent:?}");
            assert!(spent.memory.is_some_and(|bytes| bytes > 1_000_000), "{spent:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }
}
