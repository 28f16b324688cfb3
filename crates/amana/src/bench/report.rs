//! What a measurement says: a table for people, one document for programs.

use super::load::Waits;
use super::machine::Spent;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The share of waits, and what it is called.
const SHARES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];

/// Where every event is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Events offered, those of the warm-up too.
    pub(crate) offered: u64,
    /// Taken by the platform, with the receipt of it.
    pub(crate) sent: u64,
    /// Durable in the outbox, with a receipt.
    pub(crate) pending: u64,
    /// Refused, with a receipt.
    pub(crate) denied: u64,
    /// Kept as receipts alone.
    pub(crate) recorded: u64,
    /// Why it does not add up, if anything else than the numbers says so.
    pub(crate) fault: Option<&'static str>,
}

impl Account {
    /// Whether every event is in one place, once.
    pub(crate) fn adds_up(&self) -> bool {
        self.fault.is_none()
            && self.sent + self.pending + self.denied + self.recorded == self.offered
            && self.offered > 0
    }
}

/// One measurement.
pub(crate) struct Report {
    pub(crate) name: &'static str,
    /// Whether, and how, what it counts was durable.
    pub(crate) durability: &'static str,
    pub(crate) customers: u32,
    /// Over how many Pages their chats are spread.
    pub(crate) pages: u16,
    /// Events offered per second; 0 where it is no rate that is measured.
    pub(crate) offered: f64,
    /// Events per second that were done, from the first timed one until the last was done.
    pub(crate) achieved: f64,
    /// The seconds of that.
    pub(crate) seconds: f64,
    /// Each kind of wait: what is waited for, and how long.
    pub(crate) waits: Vec<(&'static str, Waits)>,
    pub(crate) spent: Spent,
    /// Memory while nothing was asked of it, in bytes, where that is measured.
    pub(crate) rest: Option<u64>,
    /// Syncs per second before and after.
    pub(crate) syncs: Option<(f64, f64)>,
    pub(crate) account: Account,
    /// Microseconds of one step, on one thread.
    pub(crate) stages: Vec<(&'static str, f64)>,
}

impl Report {
    /// Whether it is one: everything is accounted for.
    pub(crate) fn is_good(&self) -> bool {
        self.account.adds_up()
    }

    fn per_million(&self) -> Option<f64> {
        self.spent.cpu_s.filter(|_| self.account.offered > 0).map(|s| s * 1e6 / count(self.account.offered))
    }

    fn written_each(&self) -> Option<f64> {
        self.spent
            .written
            .filter(|_| self.account.offered > 0)
            .map(|b| count(b) / count(self.account.offered))
    }

    /// For programs. Where something was lost there is no rate in it.
    pub(crate) fn document(&self) -> Value {
        let waits: serde_json::Map<String, Value> = self
            .waits
            .iter()
            .map(|(name, waits)| {
                let shares: serde_json::Map<String, Value> = SHARES
                    .iter()
                    .map(|(share, at)| ((*share).to_owned(), json!(waits.quantile(*at))))
                    .chain([("count".to_owned(), json!(waits.count()))])
                    .collect();
                ((*name).to_owned(), Value::Object(shares))
            })
            .collect();
        let stages: serde_json::Map<String, Value> =
            self.stages.iter().map(|(name, us)| ((*name).to_owned(), json!(us))).collect();
        let good = self.is_good();
        let rate = |value: Value| if good && self.offered > 0.0 { value } else { Value::Null };
        json!({
            "name": self.name,
            "good": good,
            "fault": self.account.fault,
            "durability": self.durability,
            "customers": self.customers,
            "pages": self.pages,
            "offered_per_s": self.offered,
            "achieved_per_s": rate(json!(self.achieved)),
            "seconds": self.seconds,
            "waits_us": rate(Value::Object(waits)),
            "cpu_s_per_million": rate(json!(self.per_million())),
            "memory_peak_bytes": self.spent.memory,
            "memory_at_rest_bytes": self.rest,
            "written_bytes_per_update": rate(json!(self.written_each())),
            "fdatasync_per_s": self.syncs.map(|(before, after)| json!({"before": before, "after": after})),
            "account": {
                "offered": self.account.offered, "sent": self.account.sent, "pending": self.account.pending,
                "denied": self.account.denied, "recorded": self.account.recorded,
            },
            "stages_us": stages,
        })
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        let Account { offered, sent, pending, denied, recorded, fault } = self.account;
        let _ = writeln!(
            out,
            "\n{} ({} customers, Pages: {}; {})",
            self.name, self.customers, self.pages, self.durability
        );
        if !self.is_good() {
            let why = fault.unwrap_or("not every event is in one place, once");
            let _ = writeln!(out, "  FAILED: {why}. There is no rate at which something was lost.");
        } else if self.offered > 0.0 {
            let _ = writeln!(
                out,
                "  offered {:.0}/s, done {:.0}/s over {:.1} s",
                self.offered, self.achieved, self.seconds
            );
            for (name, waits) in &self.waits {
                let shares: Vec<String> = SHARES
                    .iter()
                    .map(|(share, at)| format!("{share} {}", span(waits.quantile(*at))))
                    .collect();
                let _ = writeln!(out, "  {name}: {}", shares.join(", "));
            }
        }
        for (name, us) in &self.stages {
            let _ = writeln!(out, "  {name:<46} {us:>8.2} µs");
        }
        let known =
            |value: Option<f64>, unit: &str| value.map_or("unknown".to_owned(), |v| format!("{v:.1} {unit}"));
        let memory = known(self.spent.memory.map(|bytes| count(bytes) / 1e6), "MB");
        if let Some(bytes) = self.rest {
            let _ = writeln!(out, "  memory at rest {:.1} MB, at most {memory}", count(bytes) / 1e6);
        } else {
            let _ = writeln!(
                out,
                "  processor {} for 10^6; memory at most {memory}; written {} for each",
                known(self.per_million(), "s"),
                known(self.written_each(), "bytes"),
            );
        }
        if let Some((before, after)) = self.syncs {
            let _ = writeln!(out, "  fdatasync of 4 kB beside it: {before:.0}/s before, {after:.0}/s after");
        }
        let _ = writeln!(
            out,
            "  accounted for: {offered} offered = {sent} sent + {pending} pending + {denied} denied + {recorded} recorded"
        );
        out
    }
}

/// Microseconds, readable.
fn span(us: u64) -> String {
    if us < 10_000 { format!("{us} µs") } else { format!("{} ms", us / 1_000) }
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^53")]
pub(crate) fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report(account: Account) -> Report {
        let waits = Waits::new().expect("bounds");
        waits.add(Duration::from_millis(3));
        Report {
            name: "log",
            durability: "none",
            customers: 1,
            pages: 1,
            offered: 10.0,
            achieved: 9.0,
            seconds: 1.0,
            waits: vec![("durable", waits)],
            spent: Spent { cpu_s: Some(0.5), written: Some(1_000), memory: Some(2_000_000) },
            rest: None,
            syncs: None,
            account,
            stages: Vec::new(),
        }
    }

    #[test]
    fn where_one_event_is_lost_or_doubled_there_is_no_rate() {
        let good = Account { offered: 10, sent: 7, pending: 1, denied: 2, ..Account::default() };
        assert!(report(good).is_good());
        let document = report(good).document();
        assert_eq!(document["achieved_per_s"], 9.0);
        assert_eq!(document["cpu_s_per_million"], 50_000.0);
        for bad in [
            Account { sent: 6, ..good },
            Account { sent: 8, ..good },
            Account { fault: Some("a message came twice"), ..good },
            Account::default(),
        ] {
            let report = report(bad);
            assert!(!report.is_good());
            assert!(report.document()["achieved_per_s"].is_null());
            assert!(report.document()["waits_us"].is_null());
            assert!(!report.table().contains("done 9/s"), "{}", report.table());
            assert!(report.table().contains("FAILED"));
        }
    }
}
