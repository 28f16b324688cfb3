//! `amana audit reconcile`: a thread as the platform itself exports it ("download your information", JSON), held
//! against the receipts. For each message of the Page it is shown what covers it, or that nothing does.
//!
//! The export names neither our ids nor the platform's: a message is found by its words and its time. What it says is
//! never printed.

use crate::ambient::SystemClock;
use crate::config::Settings;
use crate::exported::{self, Sending, Told};
use crate::{limits, operate, output};
use amana_core::{Clock as _, CustomerId, MessageId, Shard, Timestamp, micros};
use amana_gate::{DataKey, Gate, ReceiptKind};
use amana_store::{OutboxEntry, OutboxState, Store};
use anyhow::{Context as _, bail};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of threads below a folder.
fn files(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        // A link is not followed: it may lead out of the export.
        if kind.is_dir() && depth < limits::EXPORT_DEPTH_MAX {
            files(&path, depth + 1, found)?;
        } else if kind.is_file() && name.starts_with("message_") && name.ends_with(".json") {
            if found.len() >= limits::EXPORT_FILES_MAX {
                bail!(
                    "there are more than {} message files: give the folder of one thread",
                    limits::EXPORT_FILES_MAX
                );
            }
            found.push(path);
        }
    }
    Ok(())
}

/// What the Page said in an export, oldest first.
fn told(folder: &Path, page: Option<&str>) -> anyhow::Result<Vec<Told>> {
    let mut paths = Vec::new();
    files(folder, 0, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        bail!(
            "no `message_1.json` is below `{}`: give the folder of an export in JSON, or of a thread in it",
            folder.display()
        );
    }
    let (mut all, mut senders) = (Vec::new(), BTreeSet::<String>::new());
    for path in &paths {
        let text = crate::files::read_text(path, limits::EXPORT_BYTES_MAX)
            .map_err(|why| anyhow::anyhow!("the file `{}` {why}", path.display()))?;
        let thread = exported::thread(&text, page).map_err(|line| {
            anyhow::anyhow!("the file `{}` is not a thread of an export: line {line}", path.display())
        })?;
        all.extend(thread.told);
        senders.extend(thread.senders);
    }
    if all.is_empty() {
        let names: Vec<_> = senders.iter().map(String::as_str).take(10).collect();
        bail!(
            "no message of the Page is in it: give the Page's name with `--page`; the senders are: {}",
            names.join(", ")
        );
    }
    all.sort_by_key(|told| told.at_ms);
    Ok(all)
}

/// What covers a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cover {
    /// A disclosure with this receipt.
    Receipt { message: MessageId, customer: CustomerId, seq: u64 },
    /// A message of ours without bank data: it has no receipt, and needs none.
    Plain { message: MessageId },
    /// A disclosure whose receipt cannot be found: it should be there.
    NoReceipt { message: MessageId },
    /// Nothing.
    Nothing,
}

/// Whether a row may be the message that was told at this time, and how far off it is.
fn distance_ms(entry: &OutboxEntry, at_ms: i64) -> Option<i64> {
    let ms = |at: Timestamp| micros(at) / 1_000;
    let row = Sending {
        sent_ms: entry.sent_at.map(ms),
        // In doubt, or given up after it.
        tried: entry.attempts > 0 && entry.state != OutboxState::Denied,
        created_ms: ms(entry.created_at),
        expires_ms: ms(entry.row.expires_at),
    };
    row.distance_ms(at_ms, limits::EXPORT_TOLERANCE_S * 1_000)
}

/// The rows that were or may have been sent while the thread went on.
async fn rows(store: &Arc<dyn Store>, told: &[Told]) -> anyhow::Result<Vec<OutboxEntry>> {
    let ends = told.first().zip(told.last());
    let Some((first, last)) = ends else { return Ok(Vec::new()) };
    let edge = |ms: i64, by_s: i64| {
        amana_core::from_micros(ms.saturating_add(by_s.saturating_mul(1_000)).saturating_mul(1_000))
    };
    let from = edge(first.at_ms, -limits::EXPORT_TOLERANCE_S - amana_gate::TICKET_HOURS * 3_600);
    let to = edge(last.at_ms, limits::EXPORT_TOLERANCE_S);
    let (mut after, mut kept) = ((Shard(0), -1), Vec::new());
    loop {
        let page = store.outbox_between(after, from, to, limits::EXPORT_ROWS).await?;
        let Some(end) = page.last() else { return Ok(kept) };
        after = (end.shard, end.position);
        // Only what is near a message of the thread is kept; the rest is other people's.
        kept.extend(
            page.into_iter().filter(|entry| told.iter().any(|t| distance_ms(entry, t.at_ms).is_some())),
        );
        if kept.len() > limits::EXPORT_ROWS_MAX {
            bail!(
                "more than {} messages were sent in that time: give the folder of one thread",
                limits::EXPORT_ROWS_MAX
            );
        }
    }
}

/// `amana audit reconcile`. Answers whether every message is covered.
///
/// # Errors
/// When the export or the store cannot be read.
pub(crate) async fn reconcile(
    settings: &Settings,
    folder: &Path,
    page: Option<&str>,
    as_json: bool,
) -> anyhow::Result<bool> {
    let told = told(folder, page)?;
    let store = operate::existing(settings).await?;
    let gate = Gate::new(store.keyring().ticket());
    let rows = rows(&store, &told).await?;
    let mut keys: HashMap<CustomerId, Option<Arc<DataKey>>> = HashMap::new();
    let mut used: HashSet<MessageId> = HashSet::new();
    let mut unreadable: HashSet<MessageId> = HashSet::new();
    let mut all_covered = true;
    let mut report = Vec::new();
    for told in &told {
        let mut near: Vec<_> = rows
            .iter()
            .filter(|entry| !used.contains(&entry.row.message))
            .filter_map(|entry| Some((distance_ms(entry, told.at_ms)?, entry)))
            .collect();
        near.sort_by_key(|(off, entry)| (*off, entry.position));
        let mut found = None;
        for (_, entry) in &near {
            let entry: &OutboxEntry = entry;
            let says = match (&told.text, &entry.row.basis) {
                // A picture or a card without words in the export: its time is all there is.
                (None, _) => true,
                (Some(text), None) => says(&gate, entry, store.keyring().deployment(), text, &mut unreadable),
                (Some(text), Some(basis)) => {
                    let key = match keys.get(&basis.customer) {
                        Some(key) => key.clone(),
                        None => {
                            let customer =
                                store.customer(entry.customer_shard, basis.customer).await.ok().flatten();
                            keys.entry(basis.customer).or_insert(customer.map(|c| c.key)).clone()
                        }
                    };
                    key.is_some_and(|key| says(&gate, entry, &key, text, &mut unreadable))
                }
            };
            if says {
                found = Some(entry);
                break;
            }
        }
        // The text of a message without bank data is not kept once it is sent: its time is all there is, and it
        // explains one message.
        let wordless =
            near.iter().map(|(_, entry)| *entry).find(|e| e.row.basis.is_none() && e.row.payload.is_empty());
        let cover = match found.or(wordless) {
            Some(entry) => {
                used.insert(entry.row.message);
                cover(&store, entry).await?
            }
            None => Cover::Nothing,
        };
        all_covered &= matches!(cover, Cover::Receipt { .. } | Cover::Plain { .. });
        report.push((told.at_ms, told.text.is_some(), cover));
    }
    show(&report, unreadable.len(), as_json)?;
    Ok(all_covered)
}

fn says(
    gate: &Gate,
    entry: &OutboxEntry,
    key: &DataKey,
    text: &str,
    unreadable: &mut HashSet<MessageId>,
) -> bool {
    gate.row_says(&entry.row, key, text).unwrap_or_else(|_| {
        unreadable.insert(entry.row.message);
        false
    })
}

/// The receipt of the disclosure in a row.
async fn cover(store: &Arc<dyn Store>, entry: &OutboxEntry) -> anyhow::Result<Cover> {
    let message = entry.row.message;
    let Some(basis) = &entry.row.basis else { return Ok(Cover::Plain { message }) };
    let mut from = 1;
    loop {
        let page = store.receipts(entry.customer_shard, basis.customer, from, limits::EXPORT_ROWS).await?;
        let Some(last) = page.last() else { return Ok(Cover::NoReceipt { message }) };
        from = last.seq + 1;
        // The disclosure's, not its outcome's: that which was there before the bytes left.
        let kind = |bytes: &[u8]| {
            let receipt: serde_json::Value = serde_json::from_slice(bytes).ok()?;
            serde_json::from_value::<ReceiptKind>(receipt.get("kind")?.clone()).ok()
        };
        let own = page
            .iter()
            .find(|r| r.message == Some(message) && kind(&r.bytes) == Some(ReceiptKind::Disclosure));
        if let Some(receipt) = own {
            return Ok(Cover::Receipt { message, customer: basis.customer, seq: receipt.seq });
        }
    }
}

fn show(report: &[(i64, bool, Cover)], unreadable: usize, as_json: bool) -> anyhow::Result<()> {
    let at = |ms: i64| operate::at(amana_core::from_micros(ms.saturating_mul(1_000)));
    let missing =
        report.iter().filter(|(_, _, c)| matches!(c, Cover::Nothing | Cover::NoReceipt { .. })).count();
    if as_json {
        let rows: Vec<_> = report
            .iter()
            .map(|(ms, by_words, cover)| {
                let (covered, message, customer, receipt) = match cover {
                    Cover::Receipt { message, customer, seq } => (true, Some(message), Some(customer), Some(seq)),
                    Cover::Plain { message } => (true, Some(message), None, None),
                    Cover::NoReceipt { message } => (false, Some(message), None, None),
                    Cover::Nothing => (false, None, None, None),
                };
                serde_json::json!({
                    "at": at(*ms), "covered": covered, "by_words": by_words, "message": message, "customer": customer,
                    "receipt": receipt,
                })
            })
            .collect();
        let whole = serde_json::json!({
            "messages": rows, "not_covered": missing, "unreadable": unreadable, "at": operate::at(SystemClock.now()),
        });
        output::line(&serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    for (ms, by_words, cover) in report {
        let by = if *by_words { "" } else { " (by its time alone: the export has no words for it)" };
        let line = match cover {
            Cover::Receipt { message, customer, seq } => {
                format!("receipt {seq} of {customer}, {message}{by}")
            }
            Cover::Plain { message } => format!("no bank data, {message}{by}"),
            Cover::NoReceipt { message } => format!("NOT COVERED: {message} has bank data and no receipt"),
            Cover::Nothing => "NOT COVERED: nothing of ours says this then".to_owned(),
        };
        output::line(&format!("{} {line}", at(*ms)));
    }
    output::line(&format!("{} messages of the Page, {missing} not covered", report.len()));
    if unreadable > 0 {
        output::line(&format!(
            "{unreadable} messages of ours from that time cannot be read any more (erased, or past their time of keeping)"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_other_side_of_the_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let thread = folder.path().join("your_facebook_activity/messages/inbox/harbor_1");
        std::fs::create_dir_all(&thread).expect("folders");
        let write = |n: u8, json: serde_json::Value| {
            std::fs::write(thread.join(format!("message_{n}.json")), json.to_string()).expect("written");
        };
        write(
            2,
            serde_json::json!({"title": "Harbor", "messages": [
            {"sender_name": "Harbor", "timestamp_ms": 1_000, "content": "first", "is_geoblocked_for_viewer": false}]}),
        );
        write(
            1,
            serde_json::json!({"title": "Harbor", "participants": [{"name": "Sam"}, {"name": "Harbor"}], "messages": [
            {"sender_name": "Harbor", "timestamp_ms": 3_000},
            {"sender_name": "Sam", "timestamp_ms": 2_000, "content": "hello"}]}),
        );
        let all = told(folder.path(), None).expect("reads");
        assert_eq!(
            all,
            [Told { at_ms: 1_000, text: Some("first".into()) }, Told { at_ms: 3_000, text: None }]
        );
        assert_eq!(told(folder.path(), Some("Sam")).expect("reads").len(), 1);
        let error = told(folder.path(), Some("Nobody")).expect_err("nobody").to_string();
        assert!(error.contains("Harbor, Sam"), "{error}");
        write(3, serde_json::json!({"messages": 5}));
        assert!(told(folder.path(), None).expect_err("broken").to_string().contains("message_3.json"));
    }
}
