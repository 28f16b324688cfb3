//! Erasure from the page to the last row: what ends, what stays, crashes on the way, and copies that are put back.
//! (Yesterday's database and yesterday's custody: abuse case 22, too.)

use crate::support::*;
use amana_bank::BankErrorClass;
use amana_channel::webhook::{Inbound, InboundKind};
use amana_core::*;
use amana_flow::limits::ERASE_ASKED_S;
use amana_flow::*;
use amana_gate::{About, DataKey};
use amana_log::audit::audit;
use amana_log::bundle::{Bundle, Trust, verify};
use amana_log::checkpoint::Checkpoint;
use amana_log::note::{LogSigner, Note, VerifierKey};
use amana_log::tiles::MemoryTiles;
use amana_store::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// Customers `customer-1` and `customer-2` in the chats `1` and `2`, each with an answer; their pages' cookies.
async fn two(rig: &Rig) -> [String; 2] {
    let mut cookies = Vec::new();
    for psid in ["1", "2"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        cookies.push(rig.link(psid).await);
        rig.says(psid, "what's my balance?").await;
        assert!(rig.sees(psid).concat().contains("1,234.56"));
    }
    cookies.try_into().unwrap()
}

pub(crate) async fn link(store: &Arc<dyn Store>, psid: &str) -> Link {
    store.links_of_conversation(&conversation(psid)).await.expect("answers").remove(0)
}

fn vkey() -> VerifierKey {
    LogSigner::new("gateway.example/log", &[7; 32]).expect("a signer").verifier().clone()
}

fn pinned() -> Trust {
    Trust { vkey: Some(vkey().to_string()), ..Trust::default() }
}

fn checkpoint(bundle: &str) -> Checkpoint {
    let note = Bundle::parse(bundle).expect("a bundle").checkpoint;
    Checkpoint::parse(Note::parse(&note).expect("a note").text()).expect("a checkpoint")
}

#[tokio::test]
async fn who_is_erased_from_the_page_is_gone_and_the_log_and_all_others_stay() {
    let mut rig = Rig::new().await;
    let tiles = Arc::new(MemoryTiles::new());
    rig.with_log(LogParts { tiles: tiles.clone(), ..log_parts() });
    let [mine, others] = two(&rig).await;
    let gone = link(&rig.store, "1").await;
    let saved = rig.gateway.bundle(&mine, BundleAsk::default()).await.expect("a bundle").json;
    let saved_by_other = rig.gateway.bundle(&others, BundleAsk::default()).await.expect("a bundle").json;
    let receipts = rig.store.receipts(gone.shard, gone.customer, 1, 100).await.expect("answers").len();

    // On the way: a message that was not taken, something that the chat wrote, something that the bank pushed.
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 45_678)).await;
    let inbound = Inbound {
        conversation: conversation("1"),
        at: rig.clock.now(),
        key: EventKey::new(None, PAGE, "waits"),
        kind: InboundKind::Text { mid: "mid-waits".into(), text: "what's my balance?".into() },
    };
    rig.gateway.accept_chat(&[inbound]).await.expect("accepted");
    // The first of the two is decided as it comes; the second comes when the person is not there, and waits.
    let event = |id| rig.transaction(BankEventKind::TransactionAuthorised, id, None, 56_789);
    rig.gateway.accept_bank(&[event("t2")]).await.expect("accepted");
    rig.clock.advance_s(86_400);
    rig.gateway.accept_bank(&[event("t3")]).await.expect("accepted");
    rig.clock.advance_s(-86_400);
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.outbox_open, counts.inbox_waiting), (2, 2));
    let revocations = rig.bank.called("revoke");
    let asked_of_the_bank = rig.bank.called("accounts");

    // Two steps, and neither works for a stranger, without the form's word, or late.
    let csrf = rig.gateway.privacy_view(&mine, None).await.expect("a page").csrf;
    let over = |result: Result<(), LinkError>| assert!(matches!(result, Err(LinkError::Over)), "{result:?}");
    over(rig.gateway.privacy_erase_ask("no cookie", &csrf).await.map(|_| ()));
    over(rig.gateway.privacy_erase_ask(&mine, "guessed").await.map(|_| ()));
    over(rig.gateway.privacy_erase_ask(&others, &csrf).await.map(|_| ()));
    over(rig.gateway.privacy_erase(&mine, &csrf, "").await);
    let late = rig.gateway.privacy_erase_ask(&mine, &csrf).await.expect("asked");
    rig.clock.advance_s(ERASE_ASKED_S);
    over(rig.gateway.privacy_erase(&mine, &csrf, &late).await);
    let word = rig.gateway.privacy_erase_ask(&mine, &csrf).await.expect("asked");
    over(rig.gateway.privacy_erase(&mine, &csrf, &late).await);
    over(rig.gateway.privacy_erase(&mine, "guessed", &word).await);
    over(rig.gateway.privacy_erase(&others, &csrf, &word).await);
    assert!(rig.gateway.privacy_view(&mine, None).await.is_ok(), "nothing is erased yet");
    rig.gateway.privacy_erase(&mine, &csrf, &word).await.expect("erased");
    over(rig.gateway.privacy_erase(&mine, &csrf, &word).await);

    // Nothing is left of the customer, already now.
    let (shard, id) = (gone.shard, gone.customer);
    assert!(rig.store.customer_place(id).await.unwrap().is_none());
    assert!(rig.store.links_ever(&conversation("1")).await.unwrap().is_empty());
    assert!(rig.store.consents(shard, id).await.unwrap().is_empty());
    assert!(rig.store.receipts(shard, id, 1, 100).await.unwrap().is_empty());
    assert!(rig.store.stories(shard, id, None, 9).await.unwrap().is_empty());
    assert!(rig.store.log_key(shard, id).await.unwrap().is_none());
    assert_eq!(rig.store.erased(None, 9).await.unwrap(), [id]);
    for page in [rig.gateway.privacy_view(&mine, None).await.is_ok(), rig.gateway.export(&mine).await.is_ok()]
    {
        assert!(!page, "signed in nowhere");
    }
    assert!(rig.gateway.accounts_view(&mine, |own| own).await.is_err());

    // What was on the way ends: no bank data, no question to the bank, nothing that is put aside; the bank is told
    // once.
    rig.clock.advance_s(600);
    rig.gateway.settle().await.expect("settled");
    let said = rig.sees("1").join("\n");
    assert!(said.contains("Cedar Bank") && !said.contains("456.78") && !said.contains("567.89"), "{said}");
    assert!(!said.contains("1,234.56"), "{said}");
    assert_eq!(rig.bank.called("revoke"), revocations + 1);
    assert_eq!(rig.bank.called("accounts"), asked_of_the_bank);
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!(
        (counts.inbox_waiting, counts.inbox_failed, counts.outbox_open, counts.jobs_dead),
        (0, 0, 0, 0)
    );

    // The other one is as before, and so is the log: it has grown by the last receipts, and everything verifies.
    let since = checkpoint(&saved_by_other);
    let bundle = rig.gateway.bundle(&others, BundleAsk::since(since.size)).await.expect("a bundle").json;
    let trust = Trust { since: Some((since.size, since.root).into()), ..pinned() };
    let good = verify(&bundle, &trust).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!((good.kinds["disclosure"], good.since), (1, Some(since.size)));
    let report = audit(&tiles, &vkey(), None, None, |_, _| ()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(report.state.size, good.size);
    // What the erased one saved before verifies as it did: it is theirs, and needs nobody.
    let theirs = verify(&saved, &pinned()).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(theirs.receipts, u64::try_from(receipts).unwrap());

    // Whom the bank names so is a new customer, in the same chat, and from the beginning.
    *rig.bank.subject.lock().unwrap() = Some("customer-1".into());
    let again = rig.link("1").await;
    let link = link(&rig.store, "1").await;
    assert_ne!(link.customer, id);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    let view = rig.gateway.privacy_view(&again, None).await.expect("a page");
    assert!(view.timeline.iter().all(|entry| entry.seq <= 3), "nothing of before");
    let bundle = rig.gateway.bundle(&again, BundleAsk::default()).await.expect("a bundle").json;
    assert!(verify(&bundle, &pinned()).is_ok());
}

/// What a custody can be told to fail at.
#[derive(Default)]
pub(crate) struct Faults {
    /// To destroy a customer's share: there the process "ends".
    destroys: AtomicBool,
    /// To find this customer's share.
    pub(crate) lost: Mutex<Option<CustomerId>>,
    /// To answer for this customer's share.
    refused: Mutex<Option<CustomerId>>,
    /// To answer for any customer's share.
    pub(crate) away: AtomicBool,
    /// To keep the next job's share before it is told to go on: once, saying first that it has come there.
    holds: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>,
}

struct Faulty(SqliteCustody, Arc<Faults>);

impl Custody for Faulty {
    fn keep(&self, holder: Holder, fresh: &Share, at: Timestamp) -> Result<Share, CustodyError> {
        if matches!(holder, Holder::Job(_))
            && let Some((here, go)) = self.1.holds.lock().unwrap().take()
        {
            here.send(()).unwrap();
            go.recv().unwrap();
        }
        self.0.keep(holder, fresh, at)
    }
    fn share(&self, holder: Holder) -> Result<Option<Share>, CustodyError> {
        match (holder, *self.1.lost.lock().unwrap()) {
            (Holder::Customer(_), _) if self.1.away.load(Ordering::SeqCst) => {
                Err(CustodyError::Away("a test".into()))
            }
            (Holder::Customer(id), _) if Some(id) == *self.1.refused.lock().unwrap() => {
                Err(CustodyError::Away("a test".into()))
            }
            (Holder::Customer(id), Some(lost)) if id == lost => Ok(None),
            _ => self.0.share(holder),
        }
    }
    fn destroy(&self, holder: Holder, at: Timestamp) -> Result<(), CustodyError> {
        match holder {
            Holder::Customer(_) if self.1.destroys.load(Ordering::SeqCst) => {
                Err(CustodyError::Away("a test".into()))
            }
            _ => self.0.destroy(holder, at),
        }
    }
    fn destroyed(&self, after: Option<CustomerId>) -> Result<Vec<CustomerId>, CustodyError> {
        self.0.destroyed(after)
    }
    fn is_over(&self, job: [u8; 16]) -> Result<bool, CustodyError> {
        self.0.is_over(job)
    }
    fn old_jobs(&self, before: Timestamp) -> Result<Vec<[u8; 16]>, CustodyError> {
        self.0.old_jobs(before)
    }
    fn root(&self) -> Result<Option<Vec<u8>>, CustodyError> {
        self.0.root()
    }
    fn set_root(&self, expected: Option<&[u8]>, wrapped: &[u8]) -> Result<Vec<u8>, CustodyError> {
        self.0.set_root(expected, wrapped)
    }
}

/// Another process on the same files: it shares no memory, and no randomness, with those before it.
async fn process(rig: &Rig, folder: &Path, faults: &Arc<Faults>) -> Arc<Gateway> {
    process_with(rig, folder, faults, Reconcile::default()).await
}

/// The same, told what to do about messages of others.
pub(crate) async fn process_with(
    rig: &Rig,
    folder: &Path,
    faults: &Arc<Faults>,
    reconcile: Reconcile,
) -> Arc<Gateway> {
    static ROUND: AtomicU64 = AtomicU64::new(1_000);
    let entropy = Arc::new(SeededEntropy::new(ROUND.fetch_add(1, Ordering::Relaxed)));
    let custody = SqliteCustody::open(&folder.join("custody.sqlite"), true).expect("a custody");
    let keys = Keys::new(Arc::new(DataKey::new([1; 32])), Arc::new(Faulty(custody, faults.clone())));
    let url = format!("sqlite:{}", folder.join("amana.sqlite").display());
    let store = amana_store::open(&url, keys, entropy.clone(), rig.clock.clone()).await.expect("a store");
    let with = (log_parts(), reconcile);
    build_with(store, &rig.bank, rig.channel.clone(), rig.clock.clone(), entropy, with)
}

/// Killed after each of the three steps, and between the removals: the next start finishes it, whether the start itself
/// or the job comes first.
#[tokio::test]
async fn an_erasure_that_was_interrupted_is_finished_at_the_next_start() {
    for stop in ["committed", "destroyed", "some rows removed"] {
        for job_first in [false, true] {
            let what = format!("{stop}, job first: {job_first}");
            let rig = Rig::new().await;
            let [mine, others] = two(&rig).await;
            let gone = link(&rig.store, "1").await;
            let (shard, id) = (gone.shard, gone.customer);
            let revocations = rig.bank.called("revoke");
            let faults = Arc::new(Faults::default());
            faults.destroys.store(true, Ordering::SeqCst);
            let first = process(&rig, rig.folder.path(), &faults).await;
            let failed = first.erase_customer(id).await;
            assert!(failed.is_err(), "{what}: it says that it is not done");
            let place = rig.store.customer_place(id).await.unwrap().expect("the row is there");
            assert!(place.erased_at.is_some(), "{what}: from the commit on it is certain");
            // From here on there is no such customer, in any process.
            assert!(rig.gateway.privacy_view(&mine, None).await.is_err(), "{what}");
            let inbound = Inbound {
                conversation: conversation("1"),
                at: rig.clock.now(),
                key: EventKey::new(None, PAGE, "meanwhile"),
                kind: InboundKind::Text { mid: "meanwhile".into(), text: "what's my balance?".into() },
            };
            first.accept_chat(&[inbound]).await.expect("accepted");
            first.settle().await.expect("settled");
            assert!(!rig.sees("1").concat().contains("1,234.56"), "{what}");
            assert!(
                rig.store.customer_place(id).await.unwrap().is_some(),
                "{what}: the job cannot go on either"
            );
            if stop != "committed" {
                rig.store.destroy_customer_key(id, rig.clock.now()).await.expect("destroyed");
            }
            if stop == "some rows removed" {
                let step = Command::Erase { shard, customer: id, at: rig.clock.now() };
                assert_eq!(rig.store.submit(vec![step]).await.expect("kept"), [Outcome::Changed]);
            }
            drop(first);

            faults.destroys.store(false, Ordering::SeqCst);
            let next = process(&rig, rig.folder.path(), &faults).await;
            // The job failed once, and was put off.
            rig.clock.advance_s(600);
            if job_first {
                next.settle().await.expect("settled");
            }
            next.finish_erasures().await.expect("finished");
            next.settle().await.expect("settled");
            let store = next.store();
            assert!(store.customer_place(id).await.unwrap().is_none(), "{what}");
            assert_eq!(store.erased(None, 9).await.unwrap(), [id], "{what}");
            assert_eq!(store.destroyed_keys(None).await.unwrap(), [id], "{what}");
            assert_eq!(rig.bank.called("revoke"), revocations + 1, "{what}: the bank is told once");
            let counts = store.counts().await.expect("answers");
            assert_eq!((counts.jobs_dead, counts.outbox_dead), (0, 0), "{what}");
            assert!(next.privacy_view(&others, None).await.is_ok(), "{what}: others stay");
            assert_eq!(next.finish_erasures().await.expect("finished"), 0, "{what}: nothing is left to do");
        }
    }
}

fn copy(from: &Path, to: &Path, beginning: &str) {
    for file in std::fs::read_dir(from).unwrap().map(|f| f.unwrap()) {
        if file.file_name().to_string_lossy().starts_with(beginning) {
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

/// Yesterday's database under today's custody: what comes for the erased one before the start has cleaned up is
/// answered with nothing; afterwards the others go on, and the log, which goes on from the copy, proves what they have.
#[tokio::test]
async fn on_yesterdays_database_the_erased_are_erased_again_and_the_others_go_on() {
    let rig = Rig::new().await;
    let [mine, others] = two(&rig).await;
    let gone = link(&rig.store, "1").await;
    let yesterday = tempfile::tempdir().unwrap();
    copy(rig.folder.path(), yesterday.path(), "amana.sqlite");
    assert_eq!(rig.gateway.erase_customer(gone.customer).await.expect("erased"), Some(Erased::Whole));
    assert_eq!(rig.gateway.erase_customer(gone.customer).await.expect("answers"), None, "once");
    rig.gateway.settle().await.expect("settled");
    rig.sees("1");
    copy(rig.folder.path(), yesterday.path(), "custody.sqlite");

    let revocations = rig.bank.called("revoke");
    let never = Arc::new(Faults::default());
    let again = process(&rig, yesterday.path(), &never).await;
    let store = again.store();
    assert!(store.customer_place(gone.customer).await.unwrap().is_some(), "the rows are back");
    let event = rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 45_678);
    // Whatever comes of it, nothing does for the erased one.
    let _ = again.accept_bank(&[event]).await;
    again.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty());
    assert!(again.privacy_view(&mine, None).await.is_err());

    assert_eq!(again.finish_erasures().await.expect("finished"), 1);
    assert!(store.customer_place(gone.customer).await.unwrap().is_none());
    assert_eq!(again.finish_erasures().await.expect("finished"), 0);
    again.settle().await.expect("settled");
    assert_eq!(rig.bank.called("revoke"), revocations, "the bank was told before");
    let inbound = |n: &str, psid: &str| Inbound {
        conversation: conversation(psid),
        at: rig.clock.now(),
        key: EventKey::new(None, PAGE, n),
        kind: InboundKind::Text { mid: n.into(), text: "what's my balance?".into() },
    };
    again.accept_chat(&[inbound("x1", "1"), inbound("x2", "2")]).await.expect("accepted");
    again.settle().await.expect("settled");
    assert!(!rig.sees("1").concat().contains("1,234.56"));
    assert!(rig.sees("2").concat().contains("1,234.56"));
    let bundle = again.bundle(&others, BundleAsk::default()).await.expect("a bundle").json;
    let good = verify(&bundle, &pinned()).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(good.kinds["disclosure"], 2);
}

/// What waits for a chat without bank data, a human's words among it, is under the key of the customer whose chat it
/// is: on yesterday's database no key that remains opens text or recipient, and nothing of it is sent.
#[tokio::test]
async fn what_waited_for_the_erased_opens_on_yesterdays_database_with_no_key_that_remains() {
    let rig = Rig::new().await;
    two(&rig).await;
    let (gone, other) = (link(&rig.store, "1").await, link(&rig.store, "2").await);
    *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
    let words =
        AgentReply { by: "api:huda".into(), text: "your card is here".into(), media: None, persona: None };
    let words = rig.gateway.agent_replies(&conversation("1"), &words).await.expect("written");
    rig.says("1", "help").await;
    let (from, to) = (Timestamp::UNIX_EPOCH, rig.clock.now());
    let rows = rig.store.outbox_between((Shard(0), 0), from, to, 1_000).await.expect("answers");
    let person = rig.store.outbox_entry(words).await.unwrap().expect("there").person;
    let waiting: Vec<MessageId> = rows
        .iter()
        .filter(|entry| entry.person == person && entry.state == OutboxState::Pending)
        .map(|entry| entry.row.message)
        .collect();
    assert!(waiting.len() > 1 && waiting.contains(&words), "{waiting:?}");

    let gate = amana_gate::Gate::new(rig.store.keyring().ticket());
    let opens = async |store: &Arc<dyn Store>| {
        let others = store.customer(other.shard, other.customer).await.unwrap().expect("stays").key;
        // Of the erased one there is none after the erasure.
        let own = store.customer(gone.shard, gone.customer).await.ok().flatten().map(|customer| customer.key);
        let mut opened = Vec::new();
        for message in &waiting {
            let entry = store.outbox_entry(*message).await.expect("answers").expect("is there");
            let by = |key: &DataKey| gate.row_says(&entry.row, key, "x").is_ok();
            let keys = [by(store.keyring().deployment()), by(&others), own.as_deref().is_some_and(by)];
            opened.push((entry.row.recipient.psid.as_str() == "1", keys));
        }
        opened
    };
    let before = opens(&rig.store).await;
    assert!(before.iter().all(|opened| *opened == (true, [false, false, true])), "{before:?}");

    let yesterday = tempfile::tempdir().unwrap();
    copy(rig.folder.path(), yesterday.path(), "amana.sqlite");
    assert_eq!(rig.gateway.erase_customer(gone.customer).await.expect("erased"), Some(Erased::Whole));
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(120);
    rig.gateway.settle().await.expect("settled");
    let farewell = rig.sees("1");
    assert_eq!(farewell.len(), 1, "that all is erased, and nothing of what waited: {farewell:?}");
    copy(rig.folder.path(), yesterday.path(), "custody.sqlite");

    let again = process(&rig, yesterday.path(), &Arc::new(Faults::default())).await;
    let after = opens(again.store()).await;
    assert!(after.iter().all(|opened| *opened == (false, [false; 3])), "{after:?}");
    again.finish_erasures().await.expect("finished");
    again.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty(), "nothing that waited then is sent");
    for message in &waiting {
        let entry = again.store().outbox_entry(*message).await.unwrap().expect("an empty row");
        assert_eq!((entry.state, entry.row.payload.len(), entry.row.under), (OutboxState::Denied, 0, None));
    }
}

/// Another bank's customer who is linked in this chat after everybody else there.
pub(crate) async fn another_here(rig: &Rig, psid: &str) -> Link {
    let (bank, at) = (InstitutionId::new("pine-bank").unwrap(), rig.clock.now());
    let (shard, customer) = (Shard(9), CustomerId::from_bytes([0xfe; 16]));
    let key = rig.store.new_customer_key(&bank, customer, at).await.expect("answers").expect("a key");
    let ConversationId { channel, psid } = conversation(psid);
    let made = Link {
        id: LinkId::from_bytes([0xff; 16]),
        shard,
        customer,
        institution: bank.clone(),
        channel,
        psid,
        accounts: [account("p1")].into(),
        state: LinkState::Active,
        code_hash: None,
        created_at: at,
        ended_at: None,
    };
    let (subject, wrapped_key) = ([9; 32], key.wrapped);
    let create = Command::CreateCustomer { shard, id: customer, institution: bank, subject, wrapped_key, at };
    rig.store.submit(vec![create, Command::CreateLink(made.clone())]).await.expect("linked");
    made
}

/// What waits, in order.
pub(crate) async fn waits(rig: &Rig) -> Vec<OutboxEntry> {
    let (from, to) = (Timestamp::UNIX_EPOCH, rig.clock.now());
    let rows = rig.store.outbox_between((Shard(0), 0), from, to, 1_000).await.expect("answers");
    rows.into_iter().filter(|entry| entry.state == OutboxState::Pending).collect()
}

pub(crate) fn help() -> String {
    plain(&amana_chat::plain::help(Lang::English).text)
}

/// A chat of two banks' customers, and one of them is erased, also by a process that ends right after the commit: what
/// was said to the conversation is sent under the other's key, with that key alone from the commit on; the question
/// that names both, and what a human wrote while it was both's, are over and on the other's record. On yesterday's
/// database nothing opens what waited, and none of it is sent once more.
#[tokio::test]
async fn what_waits_for_a_chat_of_two_customers_is_sent_when_one_of_them_is_erased() {
    for crash in [false, true] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let (gone, stays) = (link(&rig.store, "1").await, another_here(&rig, "1").await);
        *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
        rig.says("1", "help").await;
        rig.says("1", "delete my data").await;
        let (by, text) = ("api:huda".into(), "your card is here".into());
        let words = AgentReply { by, text, media: None, persona: None };
        rig.gateway.agent_replies(&conversation("1"), &words).await.expect("written");
        let waiting = waits(&rig).await;
        let about = waiting.iter().map(|entry| (entry.row.about, entry.row.under));
        let first = Some((gone.shard, gone.customer));
        assert_eq!(
            about.collect::<Vec<_>>(),
            [(About::Chat, first), (About::Links, first), (About::Link, first)],
            "{crash}"
        );

        let yesterday = tempfile::tempdir().unwrap();
        copy(rig.folder.path(), yesterday.path(), "amana.sqlite");
        let faults = Arc::new(Faults::default());
        faults.destroys.store(crash, Ordering::SeqCst);
        let other = process(&rig, rig.folder.path(), &faults).await;
        assert_eq!(other.erase_customer(gone.customer).await.is_ok(), !crash);
        let kept = other.store().outbox_entry(waiting[0].row.message).await.unwrap().expect("is there");
        assert_eq!(kept.row.under, Some((stays.shard, stays.customer)), "{crash}");
        assert_eq!((kept.state, kept.row.recipient.psid.as_str()), (OutboxState::Pending, "1"), "{crash}");
        *rig.channel.error.lock().unwrap() = None;
        rig.clock.advance_s(120);
        other.settle().await.expect("settled");
        let said = rig.sees("1");
        assert_eq!(said.len(), 2, "{crash}: {said:?}");
        assert_eq!(said[0], help(), "{crash}");
        assert!(said[1].contains("Cedar Bank"), "{crash}: that all is erased there: {said:?}");
        let receipts = rig.store.receipts(stays.shard, stays.customer, 1, 100).await.expect("answers");
        let receipts: Vec<_> = receipts.iter().map(|r| String::from_utf8_lossy(&r.bytes)).collect();
        let became: Vec<_> = receipts.iter().filter(|receipt| receipt.contains("agent:api:huda")).collect();
        assert_eq!(became.len(), 2, "{crash}: {receipts:#?}");
        assert!(became[1].contains(r#""template":"denied:erased""#), "{crash}: {receipts:#?}");
        faults.destroys.store(false, Ordering::SeqCst);
        rig.clock.advance_s(600);
        other.settle().await.expect("settled");
        assert!(other.store().customer_place(gone.customer).await.unwrap().is_none(), "{crash}");
        assert!(rig.sees("1").is_empty(), "{crash}: once");

        copy(rig.folder.path(), yesterday.path(), "custody.sqlite");
        let again = process(&rig, yesterday.path(), &Arc::new(Faults::default())).await;
        let gate = amana_gate::Gate::new(again.store().keyring().ticket());
        let remains = again.store().customer(stays.shard, stays.customer).await.unwrap().expect("stays").key;
        for entry in &waiting {
            let entry = again.store().outbox_entry(entry.row.message).await.unwrap().expect("is back");
            assert_ne!(entry.row.recipient.psid.as_str(), "1", "{crash}");
            for key in [again.store().keyring().deployment(), &remains] {
                assert!(gate.row_says(&entry.row, key, "x").is_err(), "{crash}");
            }
        }
        again.finish_erasures().await.expect("finished");
        again.settle().await.expect("settled");
        assert!(rig.sees("1").is_empty(), "{crash}");
    }
}

/// What names banks whose links end, or whose customers are to be erased, is about those links: of the one there is, or
/// of several; what names none is about the chat.
#[tokio::test]
async fn what_names_a_link_is_about_it() {
    for shared in [false, true] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let first = link(&rig.store, "1").await;
        if shared {
            another_here(&rig, "1").await;
        }
        *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
        for text in ["thanks", "delete my data", "stop"] {
            rig.says("1", text).await;
        }
        let waiting = waits(&rig).await;
        assert!(waiting.iter().all(|entry| entry.row.under == Some((first.shard, first.customer))));
        let about = waiting.iter().map(|entry| entry.row.about).collect::<Vec<_>>();
        let links = if shared { About::Links } else { About::Link };
        assert_eq!(about, [About::Chat, links, links], "shared: {shared}");
    }
}

/// What does not open of the erased one keeps nothing from the other: also who is removed unread leaves it.
#[tokio::test]
async fn who_is_removed_unread_leaves_what_waits_for_the_other_customer_of_a_chat() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let (gone, stays) = (link(&rig.store, "1").await, another_here(&rig, "1").await);
    *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
    rig.says("1", "help").await;
    rig.sql("UPDATE bank_grant SET sealed = x'00'");
    let erased = rig.gateway.erase_customer(gone.customer).await.expect("erased");
    assert_eq!(erased, Some(Erased::Unread));
    let [kept] = waits(&rig).await.try_into().unwrap_or_else(|rows: Vec<_>| panic!("{}", rows.len()));
    assert_eq!(kept.row.under, Some((stays.shard, stays.customer)));
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(120);
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1"), [help()]);
}

/// The erasure comes while the message is looked at, under the key that it was read with: it is read anew, asked after
/// anew, and sent once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_over_while_it_is_looked_at_is_sent_once() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let gone = link(&rig.store, "1").await;
    another_here(&rig, "1").await;
    rig.channel.fates.lock().unwrap().push(Fate::LoseSilently);
    rig.says("1", "help").await;
    *rig.channel.there.lock().unwrap() = Ok(amana_channel::History::Said(Vec::new()));
    let eraser = rig.gateway.clone();
    let (done, erased) = mpsc::channel();
    let erases = async move {
        done.send(eraser.erase_customer(gone.customer).await.expect("erased")).unwrap();
    };
    let now = tokio::runtime::Handle::current();
    *rig.channel.while_asked.lock().unwrap() =
        Some(Box::new(move || tokio::task::block_in_place(|| now.block_on(erases))));
    for _ in 0..5 {
        rig.clock.advance_s(600);
        rig.gateway.settle().await.expect("settled");
    }
    assert_eq!(erased.try_recv(), Ok(Some(Erased::Whole)), "while it was looked at");
    let said = rig.sees("1");
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], help());
}

/// That a chat is linked is said under the key of the customer who comes to be with the link, not under the
/// deployment's, nor under that of who was linked in the chat before: after their erasure nothing opens it.
#[tokio::test]
async fn that_a_new_customer_is_linked_is_under_the_key_that_they_get() {
    for linked_before in [false, true] {
        let rig = Rig::new().await;
        if linked_before {
            *rig.bank.subject.lock().unwrap() = Some("customer-before".into());
            rig.link("1").await;
        }
        *rig.bank.subject.lock().unwrap() = Some("customer-new".into());
        let cookie = at_the_consent_page(&rig, "1").await;
        let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
        rig.gateway.consent_give(&cookie, &answer).await.expect("linked");
        let made = link(&rig.store, "1").await;

        let (from, to) = (Timestamp::UNIX_EPOCH, rig.clock.now());
        let rows = rig.store.outbox_between((Shard(0), 0), from, to, 1_000).await.expect("answers");
        let unsent: Vec<_> = rows.iter().filter(|entry| entry.state == OutboxState::Pending).collect();
        let [said] = unsent.as_slice() else { panic!("one message waits: {}", unsent.len()) };
        assert_eq!(said.row.under, Some((made.shard, made.customer)), "linked before: {linked_before}");
        assert_eq!(said.row.recipient.psid.as_str(), "1");
        let gate = amana_gate::Gate::new(rig.store.keyring().ticket());
        let own = rig.store.customer(made.shard, made.customer).await.unwrap().expect("is there").key;
        assert!(gate.row_says(&said.row, &own, "x").is_ok());
        assert!(gate.row_says(&said.row, rig.store.keyring().deployment(), "x").is_err());

        // The database of before the erasure, with the keys that remain after it.
        let yesterday = tempfile::tempdir().unwrap();
        copy(rig.folder.path(), yesterday.path(), "amana.sqlite");
        assert_eq!(rig.gateway.erase_customer(made.customer).await.expect("erased"), Some(Erased::Whole));
        copy(rig.folder.path(), yesterday.path(), "custody.sqlite");
        rig.gateway.settle().await.expect("settled");
        let told = rig.sees("1");
        assert_eq!(told.len(), 1, "that all is erased, and not that they are linked: {told:?}");

        let again = process(&rig, yesterday.path(), &Arc::new(Faults::default())).await;
        let entry = again.store().outbox_entry(said.row.message).await.expect("answers").expect("is there");
        assert!(!entry.row.payload.is_empty() && entry.row.recipient.psid.as_str() != "1");
        assert!(gate.row_says(&entry.row, again.store().keyring().deployment(), "x").is_err());
        again.finish_erasures().await.expect("finished");
        again.settle().await.expect("settled");
        assert!(rig.sees("1").is_empty(), "nothing that waited then is sent");
    }
}

/// Yesterday's custody has no share of who linked since: their key is lost, and with it everything. They are told
/// nothing wrong, stand in nobody's way, and are erased by the operator, after which they can link again.
#[tokio::test]
async fn who_linked_after_the_copy_of_the_custody_is_lost_and_can_begin_anew() {
    let rig = Rig::new().await;
    let yesterday = tempfile::tempdir().unwrap();
    copy(rig.folder.path(), yesterday.path(), "custody.sqlite");
    let [mine, _] = two(&rig).await;
    let lost = link(&rig.store, "1").await;
    copy(rig.folder.path(), yesterday.path(), "amana.sqlite");

    let never = Arc::new(Faults::default());
    let again = process(&rig, yesterday.path(), &never).await;
    assert_eq!(again.finish_erasures().await.expect("starts"), 0);
    let asks = |psid: &str| Inbound {
        conversation: conversation(psid),
        at: rig.clock.now(),
        key: EventKey::new(None, PAGE, psid),
        kind: InboundKind::Text { mid: psid.into(), text: "what's my balance?".into() },
    };
    again.accept_chat(&[asks("1")]).await.expect("accepted");
    again.settle().await.expect("settled");
    assert!(!rig.sees("1").concat().contains("1,234.56"));
    assert!(again.privacy_view(&mine, None).await.is_err());
    assert_eq!(again.erase_customer(lost.customer).await.expect("erased"), Some(Erased::Unread));
    assert!(again.store().customer_place(lost.customer).await.unwrap().is_none());
    assert_eq!(again.erase_customer(lost.customer).await.expect("answers"), None);

    // As new, on the same files.
    *rig.bank.subject.lock().unwrap() = Some("customer-1".into());
    let token = Inbound {
        kind: InboundKind::Text { mid: "x2".into(), text: "link my bank".into() },
        key: EventKey::new(None, PAGE, "x2"),
        ..asks("1")
    };
    again.accept_chat(&[token]).await.expect("accepted");
    again.settle().await.expect("settled");
    let body = rig.channel.last.lock().unwrap().clone();
    let token = body.split("?t=").nth(1).and_then(|rest| rest.split('"').next()).expect("a one-time link");
    let entry = Entry::OneTime { token: token.to_owned() };
    let begun = again.link_begin(&entry, &lost.institution, Lang::English).await.expect("begun");
    again.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    again.consent_give(&begun.cookie, &answer).await.expect("linked");
    assert_ne!(link(again.store(), "1").await.customer, lost.customer);
}

/// Of many customers without a link for long, one whose rows do not open holds up none of the others.
#[tokio::test]
async fn customers_whose_time_is_over_are_erased_whatever_one_of_them_is_like() {
    let rig = Rig::new().await;
    let mut ids = Vec::new();
    for psid in ["1", "2", "3"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(psid).await;
        ids.push(link(&rig.store, psid).await.customer);
        if psid != "3" {
            rig.says(psid, "stop").await;
            rig.sees(psid);
        }
    }
    // The first one's share is lost, and nobody erased them.
    let faults = Arc::new(Faults { lost: Mutex::new(Some(ids[0])), ..Faults::default() });
    let again = process(&rig, rig.folder.path(), &faults).await;
    rig.clock.advance_s(rig.store.retention().customer_days * 86_400 + 1);
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(again.clone().run_jobs(stop.clone()));
    let mut erased = Vec::new();
    for _ in 0..500 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        erased = again.store().erased(None, 9).await.expect("answers");
        if erased.len() == 2 {
            break;
        }
    }
    stop.cancel();
    running.await.expect("ends");
    let mut expected = vec![ids[0], ids[1]];
    expected.sort();
    assert_eq!(erased, expected, "and who has a link stays");
}

/// However much is over at once: none of it waits for the next minute, nobody for the next hour, and nobody for one who
/// cannot be erased now.
#[tokio::test]
async fn what_is_over_goes_however_much_it_is() {
    let rig = Rig::new().await;
    // More than one look erases, also without the one who cannot be.
    let many = amana_flow::limits::IDLE_LOOK_ROWS + 2;
    let mut places = BTreeSet::new();
    for n in 1..=many {
        let psid = n.to_string();
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(&psid).await;
        let Link { shard, customer, .. } = link(&rig.store, &psid).await;
        places.insert((shard, customer));
        rig.says(&psid, "stop").await;
    }
    rig.clock.advance_s(rig.store.retention().customer_days * 86_400 + 1);
    // Whom the first look finds first.
    let first = places.first().expect("one").1;
    let faults = Arc::new(Faults { refused: Mutex::new(Some(first)), ..Faults::default() });
    let again = process(&rig, rig.folder.path(), &faults).await;
    // More than two sweeps take.
    let rows = 2 * amana_store::limits::SWEEP_ROWS + 1;
    rig.sql(&format!(
        "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {rows}) \
         INSERT INTO session (hash, sealed, expires_at) SELECT CAST(printf('%032d', n) AS BLOB), X'00', n FROM g"
    ));
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(again.run_jobs(stop.clone()));
    let left = async || {
        let report = rig.store.retention_report().await.expect("answers");
        let sessions = report.holdings.iter().find(|h| h.kind == DataKind::Session).expect("every kind").rows;
        (sessions, many - rig.store.erased(None, 99).await.expect("answers").len())
    };
    for _ in 0..1_500 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if left().await == (0, 1) {
            break;
        }
    }
    stop.cancel();
    running.await.expect("ends");
    assert_eq!(left().await, (0, 1));
    assert!(!rig.store.erased(None, 99).await.expect("answers").contains(&first));
}

/// Back from the bank with a grant, on the consent page of another chat of the same customer: the browser's cookie.
async fn at_the_consent_page(rig: &Rig, psid: &str) -> String {
    let entry = Entry::OneTime { token: rig.link_token(psid).await };
    let bank = InstitutionId::new(BANK).unwrap();
    let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.expect("begun");
    assert_eq!(rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back"), Next::Consent);
    begun.cookie
}

/// Every job that waits, whenever it is due.
async fn jobs(store: &Arc<dyn Store>) -> Vec<JobKind> {
    let jobs = store.jobs_due("2100-01-01T00:00:00Z".parse().unwrap(), 100).await.expect("answers");
    jobs.into_iter().map(|job| job.kind).collect()
}

/// The customer gives a consent in another chat just when the erasure has looked which links there are: that link's
/// grant is taken back at the bank with the others, and no job of theirs stays.
#[tokio::test]
async fn a_link_that_is_made_during_an_erasure_leaves_no_grant_at_the_bank() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let id = link(&rig.store, "1").await.customer;
    let cookie = at_the_consent_page(&rig, "2").await;
    let waiting = jobs(&rig.store).await;
    for kind in [JobKind::RevokeAtBank, JobKind::EndLink, JobKind::RemindConsent] {
        assert!(waiting.contains(&kind), "{waiting:?}");
    }
    let revocations = rig.bank.called("revoke");

    let faults = Arc::new(Faults::default());
    let other = process(&rig, rig.folder.path(), &faults).await;
    let (here, came) = mpsc::channel();
    let (go, held) = mpsc::channel();
    *faults.holds.lock().unwrap() = Some((here, held));
    let eraser = other.clone();
    let erasing = tokio::spawn(async move { eraser.erase_customer(id).await });
    tokio::task::spawn_blocking(move || came.recv_timeout(std::time::Duration::from_secs(60)))
        .await
        .unwrap()
        .expect("the erasure comes to the bank's revocation");
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    rig.gateway.consent_give(&cookie, &answer).await.expect("linked");
    assert_eq!(link(&rig.store, "2").await.customer, id, "the same customer");
    go.send(()).unwrap();
    assert_eq!(erasing.await.unwrap().expect("erased"), Some(Erased::Whole));

    other.settle().await.expect("settled");
    assert_eq!(rig.bank.called("revoke"), revocations + 2, "the bank is told of both grants");
    assert!(other.store().customer_place(id).await.unwrap().is_none());
    for psid in ["1", "2"] {
        assert!(other.store().links_ever(&conversation(psid)).await.unwrap().is_empty());
    }
    assert_eq!(jobs(other.store()).await, [], "neither a reminder nor an end is left of them");
}

/// A customer is erased, or is being erased, while another chat of theirs waits at the consent page: nothing is linked
/// any more, and the grant is taken back when the page's time is over.
#[tokio::test]
async fn a_consent_after_an_erasure_makes_no_link_and_its_grant_is_taken_back() {
    for finished in [true, false] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let id = link(&rig.store, "1").await.customer;
        let cookie = at_the_consent_page(&rig, "2").await;
        let revocations = rig.bank.called("revoke");
        let faults = Arc::new(Faults::default());
        faults.destroys.store(!finished, Ordering::SeqCst);
        let other = process(&rig, rig.folder.path(), &faults).await;
        assert_eq!(other.erase_customer(id).await.is_ok(), finished);

        let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
        let given = rig.gateway.consent_give(&cookie, &answer).await;
        // While it is under way the page is told that it cannot be done now; afterwards, that it is over.
        assert!(
            given.is_err() && (!finished || matches!(given, Err(LinkError::Over))),
            "{finished}: {given:?}"
        );
        assert!(rig.store.links_ever(&conversation("2")).await.unwrap().is_empty(), "{finished}");
        faults.destroys.store(false, Ordering::SeqCst);
        rig.clock.advance_s(1_801);
        other.settle().await.expect("settled");
        assert_eq!(rig.bank.called("revoke"), revocations + 2, "{finished}: both grants end");
        assert!(other.store().customer_place(id).await.unwrap().is_none(), "{finished}");
        assert_eq!(jobs(other.store()).await, [], "{finished}");
    }
}

/// A revocation waits while the bank is away. Under yesterday's custody it cannot be read: it is put aside, counted,
/// and not called done. On yesterday's database it is done already, and not said twice.
#[tokio::test]
async fn a_waiting_revocation_that_a_restored_custody_lost_is_never_called_done() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let yesterday = tempfile::tempdir().unwrap();
    copy(rig.folder.path(), yesterday.path(), "custody.sqlite");
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
    rig.says("1", "stop").await;
    assert_eq!(jobs(&rig.store).await.iter().filter(|kind| **kind == JobKind::RevokeAtBank).count(), 1);
    copy(rig.folder.path(), yesterday.path(), "amana.sqlite");
    let later = tempfile::tempdir().unwrap();
    copy(rig.folder.path(), later.path(), "amana.sqlite");
    *rig.bank.error.lock().unwrap() = None;
    rig.clock.advance_s(600);
    let told = rig.bank.called("revoke");

    let never = Arc::new(Faults::default());
    let again = process(&rig, yesterday.path(), &never).await;
    again.finish_erasures().await.expect("starts");
    again.settle().await.expect("settled");
    assert_eq!(again.store().counts().await.expect("answers").jobs_dead, 1, "somebody must know");
    assert_eq!(rig.bank.called("revoke"), told, "the bank cannot be told");

    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.bank.called("revoke"), told + 1);
    copy(rig.folder.path(), later.path(), "custody.sqlite");
    let again = process(&rig, later.path(), &never).await;
    again.settle().await.expect("settled");
    assert_eq!(again.store().counts().await.expect("answers").jobs_dead, 0);
    assert!(!jobs(again.store()).await.contains(&JobKind::RevokeAtBank));
    assert_eq!(rig.bank.called("revoke"), told + 1, "not twice");
}
