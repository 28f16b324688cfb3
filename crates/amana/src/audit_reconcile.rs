//! `amana audit reconcile`: a thread as the platform itself exports it ("download your information", JSON), held
//! against the receipts. For each message of the Page it is shown what covers it, or that nothing does.
//!
//! The export names neither our ids nor the platform's: a message is found by its words and its time. What it says is
//! never printed.

use crate::ambient::SystemClock;
use crate::config::Settings;
use crate::exported::{self, Sending, Told};
use crate::{gateway, limits, operate, output};
use amana_core::{Clock as _, ConversationId, CustomerId, MessageId, Psid, Shard, Timestamp, micros};
use amana_gate::{DataKey, Denial, Gate, ReceiptKind};
use amana_store::{OutboxEntry, OutboxState, PlainKey, Store, StoredReceipt};
use anyhow::{Context as _, bail};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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

/// The threads of an export in which the Page said something, each oldest first. A thread is a folder.
fn threads(folder: &Path, page: Option<&str>) -> anyhow::Result<Vec<Vec<Told>>> {
    let mut paths = Vec::new();
    files(folder, 0, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        bail!(
            "no `message_1.json` is below `{}`: give the folder of an export in JSON, or of a thread in it",
            folder.display()
        );
    }
    let (mut threads, mut senders) = (BTreeMap::<&Path, Vec<Told>>::new(), BTreeSet::<String>::new());
    for path in &paths {
        let text = crate::files::read_text(path, limits::EXPORT_BYTES_MAX)
            .map_err(|why| anyhow::anyhow!("the file `{}` {why}", path.display()))?;
        let thread = exported::thread(&text, page).map_err(|line| {
            anyhow::anyhow!("the file `{}` is not a thread of an export: line {line}", path.display())
        })?;
        threads.entry(path.parent().unwrap_or(path)).or_default().extend(thread.told);
        senders.extend(thread.senders);
    }
    if threads.len() > 1 && page.is_none() {
        // Each would be taken for the Page's, after whoever it is named: a friend's, too.
        bail!(
            "there are {} threads in it: give the Page's name with `--page`, or the folder of its thread",
            threads.len()
        );
    }
    let mut threads: Vec<_> = threads.into_values().filter(|told| !told.is_empty()).collect();
    if threads.is_empty() {
        let names: Vec<_> = senders.iter().map(String::as_str).take(10).collect();
        bail!(
            "no message of the Page is in it: give the Page's name with `--page`; the senders are: {}",
            names.join(", ")
        );
    }
    threads.iter_mut().for_each(|told| told.sort_by_key(|told| told.at_ms));
    Ok(threads)
}

/// What covers a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cover {
    /// A disclosure with this receipt.
    Receipt(Found),
    /// What a human of the institution wrote: the gateway does not know what it holds, and who wrote it is in this
    /// receipt.
    Words(Found),
    /// What a human of the institution wrote, and stands on nobody's record.
    WordsUnrecorded { message: MessageId },
    /// A message of ours without bank data: it has no receipt, and needs none.
    Plain { message: MessageId },
    /// A disclosure whose receipt cannot be found: it should be there.
    NoReceipt { message: MessageId },
    /// The export has no words for it (a picture, a message that was taken back), and this message of ours to that
    /// person went out then. Its time alone covers nothing.
    TimeAlone { message: MessageId },
    /// Nothing.
    Nothing,
}

/// A receipt of a message that is in the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    message: MessageId,
    customer: CustomerId,
    recorded: Recorded,
    /// Whether record and row allow that the message is at the platform.
    may_be_there: bool,
}

impl Found {
    fn new(entry: &OutboxEntry, customer: CustomerId, recorded: Recorded) -> Self {
        let may_be_there = recorded.may_be_there(entry.state, entry.doubtful);
        Self { message: entry.row.message, customer, recorded, may_be_there }
    }

    /// What it is not covered for.
    fn fault(&self) -> &'static str {
        match (self.may_be_there, &self.recorded.outcome) {
            (true, _) => "",
            (false, Some(_)) => "NOT COVERED: the record says that it was not sent: ",
            (false, None) => "NOT COVERED: it was given up, and the record does not say what became of it: ",
        }
    }

    fn outcome(&self) -> &str {
        self.recorded.outcome.as_deref().unwrap_or("no outcome yet")
    }
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
    let from = edge(first.at_ms, -limits::EXPORT_TOLERANCE_S - amana_gate::NEWS_TICKET_HOURS * 3_600);
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

/// Whether rows say texts; what is opened for it stays in the gate.
struct Words<'a> {
    store: &'a Arc<dyn Store>,
    gate: Gate,
    keys: HashMap<CustomerId, Option<Arc<DataKey>>>,
    unreadable: HashSet<MessageId>,
}

impl Words<'_> {
    /// # Errors
    /// When the store cannot be read now: that says nothing of the row.
    async fn says(&mut self, entry: &OutboxEntry, text: &str) -> anyhow::Result<bool> {
        let key = match &entry.row.basis {
            // The bytes of a message without bank data go once it is sent.
            None if entry.row.payload.is_empty() => return Ok(self.gate.row_said(&entry.row, text)),
            // Of one who was erased meanwhile nobody can know.
            None => {
                let Some(key) = PlainKey::of_row(&**self.store, &entry.row).await? else {
                    return Ok(self.readable(entry, Err(Denial::Unreadable)));
                };
                let read = self.gate.row_says(&entry.row, &key, text);
                return Ok(self.readable(entry, read));
            }
            Some(basis) => match self.keys.get(&basis.customer) {
                Some(key) => key.clone(),
                None => {
                    let customer = self.store.customer(entry.customer_shard, basis.customer).await?;
                    self.keys.entry(basis.customer).or_insert(customer.map(|c| c.key)).clone()
                }
            },
        };
        let Some(key) = key else { return Ok(self.readable(entry, Err(Denial::Unreadable))) };
        let read = self.gate.row_says(&entry.row, &key, text);
        Ok(self.readable(entry, read))
    }

    fn readable(&mut self, entry: &OutboxEntry, read: Result<bool, Denial>) -> bool {
        read.unwrap_or_else(|_| {
            self.unreadable.insert(entry.row.message);
            false
        })
    }
}

/// Rows that may be the message that was told at this time, the nearest first.
fn near<'a>(rows: &'a [OutboxEntry], at_ms: i64, used: &HashSet<MessageId>) -> Vec<&'a OutboxEntry> {
    let mut near: Vec<_> = rows
        .iter()
        .filter(|entry| !used.contains(&entry.row.message))
        .filter_map(|entry| Some((distance_ms(entry, at_ms)?, entry)))
        .collect();
    near.sort_by_key(|(off, entry)| (*off, entry.position));
    near.into_iter().map(|(_, entry)| entry).collect()
}

/// Whose thread it is: the person to whom most of its words were sent. The export does not name them, and what was said
/// to somebody else covers nothing. `None` where nothing of it was ever said by us. People are told apart by keyed
/// hashes: of a message without bank data no more of whom it was for is kept.
async fn person(
    words: &mut Words<'_>,
    rows: &[OutboxEntry],
    told: &[Told],
) -> anyhow::Result<Option<[u8; 32]>> {
    let mut votes: Vec<([u8; 32], usize)> = Vec::new();
    let nobody = HashSet::new();
    for told in told {
        let Some(text) = &told.text else { continue };
        let mut heard: Vec<[u8; 32]> = Vec::new();
        for entry in near(rows, told.at_ms, &nobody) {
            if !heard.contains(&entry.person) && words.says(entry, text).await? {
                heard.push(entry.person);
            }
        }
        for who in heard {
            match votes.iter_mut().find(|(other, _)| *other == who) {
                Some((_, count)) => *count += 1,
                None => votes.push((who, 1)),
            }
        }
    }
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    match votes.as_slice() {
        [(_, most), (_, second), ..] if most == second => bail!(
            "the thread could be that of more than one person, who were told the same: say whose it is with `--person`, the \
             page-scoped id"
        ),
        [(who, _), ..] => Ok(Some(*who)),
        [] => Ok(None),
    }
}

/// How it is asked.
pub(crate) struct Asked {
    /// The Page's name in the export.
    pub(crate) page: Option<String>,
    /// Whose thread it is.
    pub(crate) person: Option<Psid>,
    /// Who asks.
    pub(crate) by: Option<String>,
    /// Whether the result is JSON.
    pub(crate) json: bool,
}

/// `amana audit reconcile`. Answers whether every message is covered.
///
/// # Errors
/// When the export or the store cannot be read, or it cannot be said whose thread it is.
pub(crate) async fn reconcile(settings: &Settings, folder: &Path, asked: Asked) -> anyhow::Result<bool> {
    let threads = threads(folder, asked.page.as_deref())?;
    operate::existing(settings).await?;
    let gateway = gateway::made(settings, gateway::connectors(settings)?.sides()).await?;
    let store = gateway.store().clone();
    let by = crate::who::acting(asked.by.as_deref());
    let gate = Gate::new(store.keyring().ticket());
    let mut words = Words { store: &store, gate, keys: HashMap::new(), unreadable: HashSet::new() };
    let mut report = Vec::new();
    for told in &threads {
        let mut rows = rows(&store, told).await?;
        match &asked.person {
            Some(psid) => rows.retain(|entry| {
                let channel = entry.row.recipient.channel.clone();
                let chat = ConversationId { channel, psid: psid.clone() };
                entry.person == store.keyring().blind_person(&chat)
            }),
            None => match person(&mut words, &rows, told).await? {
                Some(who) => rows.retain(|entry| entry.person == who),
                None => rows.clear(),
            },
        }
        // Whose messages are opened for it sees that somebody looked, before anything is said.
        let looked: BTreeSet<_> =
            rows.iter().filter_map(|entry| Some(entry.row.basis.as_ref()?.customer)).collect();
        for customer in looked {
            if let Some(place) = store.customer_place(customer).await? {
                gateway.record_reconciliation(&place, by.clone()).await?;
            }
        }
        let (mut used, mut records) = (HashSet::new(), HashMap::new());
        for told in told {
            let near = near(&rows, told.at_ms, &used);
            let mut found = None;
            if let Some(text) = &told.text {
                for entry in &near {
                    if words.says(entry, text).await? {
                        found = Some(*entry);
                        break;
                    }
                }
            }
            let cover = match (found, &told.text, near.first()) {
                (Some(entry), ..) => cover(&store, entry, &mut records).await?,
                (None, None, Some(entry)) => Cover::TimeAlone { message: entry.row.message },
                (None, ..) => Cover::Nothing,
            };
            if let Some(entry) = found {
                used.insert(entry.row.message);
            }
            report.push((told.at_ms, cover));
        }
    }
    report.sort_by_key(|(at_ms, _)| *at_ms);
    show(&report, words.unreadable.len(), asked.json)?;
    Ok(report.iter().all(|(_, cover)| cover.covers()))
}

/// A disclosure as a customer's record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    /// The number of its receipt.
    seq: u64,
    /// The word of its outcome, where there is one.
    outcome: Option<String>,
}

impl Recorded {
    /// Whether the message may be at the platform. Without a word of what became of it, the row says whether that is
    /// still open: what could not be recorded is no receipt that it went well.
    fn may_be_there(&self, state: OutboxState, doubtful: bool) -> bool {
        match self.outcome.as_deref() {
            Some(word) => word == SENT || word == UNKNOWN,
            None => doubtful || !matches!(state, OutboxState::Dead | OutboxState::Denied),
        }
    }
}

/// The disclosures of a customer, by their messages.
type Record = HashMap<MessageId, Recorded>;

/// Takes a receipt into the record: a disclosure's, which was there before the bytes left, or what became of it. The
/// later word corrects the earlier, and none corrects that it was sent. A receipt that cannot be understood might be
/// the word that counts: nothing is said then.
fn take_in(record: &mut Record, receipt: &StoredReceipt) -> anyhow::Result<()> {
    #[derive(serde::Deserialize)]
    struct Read {
        kind: ReceiptKind,
        template: Option<String>,
    }
    let Some(message) = receipt.message else { return Ok(()) };
    let read = serde_json::from_slice(&receipt.bytes);
    let Read { kind, template } =
        read.map_err(|_| anyhow::anyhow!("receipt {} of {message} cannot be understood", receipt.seq))?;
    let word = match kind {
        ReceiptKind::Disclosure => {
            record.entry(message).or_insert(Recorded { seq: receipt.seq, outcome: None });
            return Ok(());
        }
        ReceiptKind::Outcome => template,
        ReceiptKind::Denial => Some(format!("denied:{}", template.unwrap_or_default())),
        _ => return Ok(()),
    };
    if let Some(known) = record.get_mut(&message).filter(|known| known.outcome.as_deref() != Some(SENT)) {
        known.outcome = word;
    }
    Ok(())
}

/// The words of outcomes that go with a message which is at the platform.
const SENT: &str = "sent";
const UNKNOWN: &str = "unknown";

/// The receipt of the disclosure in a row.
async fn cover(
    store: &Arc<dyn Store>,
    entry: &OutboxEntry,
    records: &mut HashMap<CustomerId, Record>,
) -> anyhow::Result<Cover> {
    let message = entry.row.message;
    if entry.row.agent.is_some() {
        return cover_of_words(store, entry).await;
    }
    let Some(basis) = &entry.row.basis else { return Ok(Cover::Plain { message }) };
    let customer = basis.customer;
    if let Entry::Vacant(place) = records.entry(customer) {
        let (mut record, mut from) = (Record::new(), 1);
        loop {
            let page = store.receipts(entry.customer_shard, customer, from, limits::EXPORT_ROWS).await?;
            let Some(last) = page.last() else { break };
            from = last.seq + 1;
            for receipt in &page {
                take_in(&mut record, receipt)?;
            }
        }
        place.insert(record);
    }
    Ok(match records.get(&customer).and_then(|record| record.get(&message)) {
        Some(recorded) => Cover::Receipt(Found::new(entry, customer, recorded.clone())),
        None => Cover::NoReceipt { message },
    })
}

/// The receipt that a human wrote it, with what became of it. Of a chat of several customers each has one: any of them
/// that says that it may be at the platform covers it.
async fn cover_of_words(store: &Arc<dyn Store>, entry: &OutboxEntry) -> anyhow::Result<Cover> {
    let message = entry.row.message;
    let mut cover = Cover::WordsUnrecorded { message };
    for (customer, written) in store.receipts_of_words(message).await? {
        let Some(place) = store.customer_place(customer).await? else { continue };
        let recorded = Recorded { seq: written.seq, outcome: None };
        let mut record = Record::from([(message, recorded)]);
        for later in store.receipts_of_message(place.shard, customer, written.seq, message).await? {
            take_in(&mut record, &later)?;
        }
        let Some(recorded) = record.remove(&message) else { continue };
        cover = Cover::Words(Found::new(entry, customer, recorded));
        if cover.covers() {
            break;
        }
    }
    Ok(cover)
}

impl Cover {
    /// Whether there is nothing to ask about the message any more.
    fn covers(&self) -> bool {
        match self {
            Self::Receipt(found) | Self::Words(found) => found.may_be_there,
            Self::Plain { .. } => true,
            _ => false,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Receipt(found) => match (found.may_be_there, &found.recorded.outcome) {
                (true, _) => "receipt",
                (false, Some(_)) => "receipt-says-not-sent",
                (false, None) => "receipt-without-outcome",
            },
            Self::Words(found) => match (found.may_be_there, &found.recorded.outcome) {
                (true, _) => "human-words",
                (false, Some(_)) => "human-words-not-sent",
                (false, None) => "human-words-without-outcome",
            },
            Self::WordsUnrecorded { .. } => "human-words-unrecorded",
            Self::Plain { .. } => "no-bank-data",
            Self::NoReceipt { .. } => "no-receipt",
            Self::TimeAlone { .. } => "time-alone",
            Self::Nothing => "nothing",
        }
    }
}

fn show(report: &[(i64, Cover)], unreadable: usize, as_json: bool) -> anyhow::Result<()> {
    let at = |ms: i64| operate::at(amana_core::from_micros(ms.saturating_mul(1_000)));
    let undecided = report.iter().filter(|(_, c)| matches!(c, Cover::TimeAlone { .. })).count();
    let missing = report.iter().filter(|(_, c)| !c.covers()).count() - undecided;
    if as_json {
        let rows: Vec<_> = report
            .iter()
            .map(|(ms, cover)| {
                let found = match cover {
                    Cover::Receipt(found) | Cover::Words(found) => Some(found),
                    _ => None,
                };
                let message = match cover {
                    Cover::Receipt(found) | Cover::Words(found) => Some(found.message),
                    Cover::Plain { message }
                    | Cover::WordsUnrecorded { message }
                    | Cover::NoReceipt { message }
                    | Cover::TimeAlone { message } => Some(*message),
                    Cover::Nothing => None,
                };
                let outcome = found.and_then(|found| found.recorded.outcome.as_deref());
                let (customer, receipt) = (found.map(|f| f.customer), found.map(|f| f.recorded.seq));
                serde_json::json!({
                    "at": at(*ms), "covered": cover.covers(), "by": cover.word(), "message": message, "customer": customer,
                    "receipt": receipt, "outcome": outcome,
                })
            })
            .collect();
        let whole = serde_json::json!({
            "messages": rows, "not_covered": missing, "undecided": undecided, "unreadable": unreadable,
            "at": operate::at(SystemClock.now()),
        });
        output::line(&serde_json::to_string_pretty(&whole)?);
        return Ok(());
    }
    for (ms, cover) in report {
        let line = match cover {
            Cover::Receipt(found) => {
                let (Found { message, customer, .. }, seq) = (found, found.recorded.seq);
                format!("{}receipt {seq} of {customer}, {message}, {}", found.fault(), found.outcome())
            }
            Cover::Words(found) => {
                let (Found { message, customer, .. }, seq) = (found, found.recorded.seq);
                let (fault, outcome) = (found.fault(), found.outcome());
                format!("{fault}a human's words, receipt {seq} of {customer}, {message}, {outcome}")
            }
            Cover::WordsUnrecorded { message } => format!(
                "NOT COVERED: {message} is a human's words, and on nobody's record: nobody had linked the chat, or whose it was is erased"
            ),
            Cover::Plain { message } => format!("no bank data, {message}"),
            Cover::NoReceipt { message } => format!("NOT COVERED: {message} has bank data and no receipt"),
            Cover::TimeAlone { message } => format!(
                "UNDECIDED: the export has no words for it; {message} went to this person then, which covers nothing"
            ),
            Cover::Nothing => "NOT COVERED: nothing of ours to this person says this then".to_owned(),
        };
        output::line(&format!("{} {line}", at(*ms)));
    }
    output::line(&format!(
        "{} messages of the Page, {missing} not covered, {undecided} undecided",
        report.len()
    ));
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

    /// A message that is at the platform, and of which the record says that it was not sent, is not as recorded.
    #[test]
    fn what_the_record_says_was_not_sent_is_covered_by_no_receipt() {
        let (message, customer) = (MessageId::from_bytes([7; 16]), CustomerId::from_bytes([1; 16]));
        let receipt = |seq: u64, kind: &str, template: &str| StoredReceipt {
            seq,
            bytes: serde_json::json!({"kind": kind, "template": template}).to_string().into_bytes(),
            message: Some(message),
            log_index: 0,
        };
        let outcome = |later: &[(&str, &str)]| {
            let mut record = Record::new();
            // What became of a message that was never disclosed makes no receipt of it.
            take_in(&mut record, &receipt(1, "outcome", "sent")).expect("understood");
            assert_eq!(record, Record::new());
            take_in(&mut record, &receipt(2, "disclosure", "balance")).expect("understood");
            for ((kind, word), seq) in later.iter().zip(3..) {
                take_in(&mut record, &receipt(seq, kind, word)).expect("understood");
            }
            let recorded = record.remove(&message).expect("it is on record");
            assert_eq!(recorded.seq, 2);
            let may_be_there = recorded.may_be_there(OutboxState::Sending, false);
            let cover = Cover::Receipt(Found { message, customer, recorded, may_be_there });
            (cover.covers(), cover.word())
        };
        let (good, bad) = ((true, "receipt"), (false, "receipt-says-not-sent"));
        for later in [
            &[][..],
            &[("outcome", "sent")],
            &[("outcome", "unknown")],
            // It was seen later: the record was corrected.
            &[("outcome", "dead:expired"), ("outcome", "sent")],
            &[("outcome", "sent"), ("denial", "killed")],
            &[("view", "dead:expired")],
        ] {
            assert_eq!(outcome(later), good, "{later:?}");
        }
        for later in [
            &[("outcome", "dead:blocked")][..],
            &[("denial", "killed")],
            &[("outcome", "unknown"), ("outcome", "dead:expired")],
        ] {
            assert_eq!(outcome(later), bad, "{later:?}");
        }
    }

    /// A word that cannot be read may be the one that counts.
    #[test]
    fn a_receipt_that_cannot_be_understood_is_an_error() {
        let message = MessageId::from_bytes([7; 16]);
        let receipt =
            |bytes: &[u8], message| StoredReceipt { seq: 3, bytes: bytes.to_vec(), message, log_index: 0 };
        for bytes in [&b"{"[..], br#"{"kind":"hearsay","template":null}"#, b"[]"] {
            let mut record = Record::from([(message, Recorded { seq: 1, outcome: None })]);
            let error = take_in(&mut record, &receipt(bytes, Some(message))).expect_err("not understood");
            assert!(error.to_string().contains("receipt 3"), "{error}");
            assert!(take_in(&mut record, &receipt(bytes, None)).is_ok(), "about no message");
        }
    }

    /// Where the record has no word of what became of a message, the row in hand says whether that is still open.
    #[test]
    fn what_has_no_outcome_is_covered_while_that_is_open() {
        let none = Recorded { seq: 2, outcome: None };
        for state in [
            OutboxState::Pending,
            OutboxState::Sending,
            OutboxState::Unconfirmed,
            OutboxState::Held,
            OutboxState::Sent,
        ] {
            assert!(none.may_be_there(state, false), "{state:?}");
        }
        for state in [OutboxState::Dead, OutboxState::Denied] {
            assert!(!none.may_be_there(state, false), "{state:?}");
            assert!(none.may_be_there(state, true), "in doubt: {state:?}");
        }
        let (message, customer) = (MessageId::from_bytes([7; 16]), CustomerId::from_bytes([1; 16]));
        let found = Found { message, customer, recorded: none, may_be_there: false };
        let covers = [Cover::Words(found.clone()), Cover::Receipt(found)];
        assert_eq!(
            covers.map(|cover| cover.word()),
            ["human-words-without-outcome", "receipt-without-outcome"]
        );
    }

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
        let all = threads(folder.path(), None).expect("reads");
        assert_eq!(
            all,
            [[Told { at_ms: 1_000, text: Some("first".into()) }, Told { at_ms: 3_000, text: None }]]
        );
        assert_eq!(threads(folder.path(), Some("Sam")).expect("reads").concat().len(), 1);
        // A friend's thread in the same export is nobody's business.
        let friend = thread.with_file_name("lee_2");
        std::fs::create_dir_all(&friend).expect("a folder");
        let lee = serde_json::json!({"title": "Lee", "messages": [
            {"sender_name": "Lee", "timestamp_ms": 4_000, "content": "hi"}]});
        std::fs::write(friend.join("message_1.json"), lee.to_string()).expect("written");
        let error = threads(folder.path(), None).expect_err("whose?").to_string();
        assert!(error.contains("2 threads") && error.contains("--page"), "{error}");
        assert_eq!(threads(folder.path(), Some("Harbor")).expect("reads"), all);
        let error = threads(folder.path(), Some("Nobody")).expect_err("nobody").to_string();
        assert!(error.contains("Harbor, Lee, Sam"), "{error}");
        write(3, serde_json::json!({"messages": 5}));
        assert!(
            threads(folder.path(), Some("Harbor"))
                .expect_err("broken")
                .to_string()
                .contains("message_3.json")
        );
    }
}
