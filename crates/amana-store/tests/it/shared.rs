//! A chat that is several customers', and one of them is erased: what is for those who stay waits on, under a key of
//! theirs; what is about the erased one's link, and what a human wrote while it was theirs, too, is over.

use crate::keeping::{begin, end_link, step};
use crate::outbox::{claim, disclose, finish};
use crate::place::{Place, custody_of, postgres_client};
use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_render::Encoding;
use amana_store::*;

/// The link of a customer to the chat of the first one, at a bank of its own.
pub(crate) fn link_here(n: u8) -> Command {
    let institution = id(["cedar-bank", "cedar-bank", "pine-bank", "elm-bank"][usize::from(n)]);
    Command::CreateLink(Link { institution, psid: conversation(1).psid, ..link(n, n, LinkState::Active) })
}

/// What is said there without bank data under this customer's key.
pub(crate) fn said_about(w: &World, n: u8, about: About, of: &Customer) -> Disclosure {
    let (content, encoding) = (Content::text("hello"), Encoding::MessengerUpdate);
    let to = address(1);
    let said = w.gate.plain(&content, &to, encoding, message(n), at(0), &of.key, &*w.entropy);
    let mut said = said.expect("a plain message");
    (said.row.under, said.row.about) = (Some((of.shard, of.id)), about);
    said
}

/// A human's words there, under this customer's key, on the record of these.
fn written(w: &World, n: u8, key: &Customer, of: &[&Customer]) -> Command {
    let subject = |of: &&Customer| TicketSubject {
        institution: of.institution.clone(),
        customer: of.id,
        link: LinkId::from_bytes(*of.id.as_bytes()),
        purpose: None,
    };
    let links: Vec<_> = of.iter().map(subject).collect();
    let (by, text, media, persona, last_inbound) = ("huda", "hello", None, None, at(0));
    let words = AgentWords { by, text, media, persona, last_inbound, links: &links };
    let within = Some(Encoding::MessengerReply);
    let made = w.gate.agent(words, within, &address(1), message(n), at(0), &key.key, &*w.entropy);
    let mut disclosure = made.expect("written");
    disclosure.row.under = Some((key.shard, key.id));
    let of_it = |of: &&Customer| {
        (of.shard, of.id, ReceiptDraft::of_agent(of.institution.clone(), &disclosure, by, at(0)))
    };
    let records = of.iter().map(of_it).collect();
    Command::WriteAsAgent { shard: conversation(1).shard(), disclosure, records, at: at(0) }
}

async fn row(w: &World, n: u8) -> OutboxEntry {
    w.store.outbox_entry(message(n)).await.expect("answers").expect("is there")
}

/// Whether a message is to whom it was, under this customer's key, and leaves with its ticket; and opens under no other
/// of these.
async fn is_under(w: &World, n: u8, of: &Customer, not: &[&Customer]) {
    let entry = row(w, n).await;
    assert_eq!(entry.row.under, Some((of.shard, of.id)), "{n}");
    assert_eq!(entry.row.recipient, address(1), "{n}");
    let deployment = w.store.keyring().deployment();
    for key in not.iter().map(|other| &*other.key).chain([deployment]) {
        assert!(w.gate.row_says(&entry.row, key, "hello").is_err(), "{n}");
    }
    let left = w.release(entry.row, &consent(1, 1, 1), &of.key).expect("leaves");
    assert!(String::from_utf8(left).expect("text").contains("hello"), "{n}");
}

async fn is_over(w: &World, n: u8, state: OutboxState) {
    let entry = row(w, n).await;
    assert_eq!((entry.state, entry.row.payload.len(), entry.row.under), (state, 0, None), "{n}");
    assert_ne!(entry.row.recipient, address(1), "{n}");
}

async fn count(w: &World, sql: &str) -> i64 {
    match &w.place {
        Place::Sqlite { .. } => {
            let conn = rusqlite::Connection::open(w.place.file()).expect("opens");
            conn.query_row(sql, [], |row| row.get(0)).expect("counts")
        }
        Place::Postgres { .. } => {
            let client = postgres_client(&w.place.url()).await;
            client.query_one(sql, &[]).await.expect("counts").get(0)
        }
    }
}

async fn removed(w: &World, n: u8) {
    w.store.destroy_customer_key(customer_id(n), at(80)).await.expect("destroyed");
    while w.one(step(n, 84)).await == Outcome::Changed {}
    assert!(w.store.customer_place(customer_id(n)).await.expect("answers").is_none());
}

/// Goal: when one of two customers of a chat is erased, what waits there for both stays for the other, whatever its
/// state, in the commit with which the erasure begins; what is the erased one's is over in it.
pub(crate) async fn an_erasure_leaves_what_is_for_the_other_customer_of_a_chat(w: &World) {
    let (gone, stays) = (w.customer(1).await, w.customer(2).await);
    for n in [1, 2] {
        w.one(link_here(n)).await;
    }
    w.one(Command::PutToken(Token { expires_at: at(600), ..token(1) })).await;
    // What is said to the conversation: it waits, is held, is on its way, is in doubt, and was given up.
    for n in [11, 13, 14, 15] {
        w.one(disclose(0, said_about(w, n, About::Chat, &gone), 0)).await;
    }
    for n in [13, 14, 15] {
        w.one(claim(n, OutboxState::Pending, 60)).await;
    }
    w.one(finish(14, Delivery::Unconfirmed { until: at(60) })).await;
    w.one(finish(15, Delivery::Dead { reason: "blocked".into() })).await;
    // About the erased one's link, about the links of both, and the other's own; one that was damaged.
    w.one(disclose(0, said_about(w, 21, About::Link, &gone), 0)).await;
    w.one(disclose(0, said_about(w, 22, About::Links, &gone), 0)).await;
    w.one(disclose(0, said_about(w, 23, About::Links, &stays), 0)).await;
    w.one(disclose(0, said_about(w, 24, About::Link, &stays), 0)).await;
    w.one(disclose(0, said_about(w, 25, About::Chat, &stays), 0)).await;
    w.one(disclose(0, said_about(w, 26, About::Chat, &gone), 0)).await;
    w.place
        .sql(&format!(
            "UPDATE outbox SET payload = {} WHERE message = {}",
            w.place.bytes(&[7; 60]),
            w.place.bytes(message(26).as_bytes())
        ))
        .await;
    w.one(disclose(0, w.plain(1, 27), 0)).await;
    w.one(disclose(0, said_about(w, 28, About::Link, &stays), 0)).await;
    w.one(claim(28, OutboxState::Pending, 60)).await;
    w.one(finish(28, Delivery::Dead { reason: "blocked".into() })).await;
    w.one(written(w, 31, &gone, &[&gone, &stays])).await;
    // What comes after a held one is held too, so this is the last.
    w.one(disclose(0, said_about(w, 12, About::Chat, &gone), 0)).await;
    w.one(claim(12, OutboxState::Pending, 60)).await;
    w.one(finish(12, Delivery::Held { seen: None })).await;
    let [before, doubtful] = [11, 14].map(async |n| row(w, n).await);
    let (before, doubtful) = (before.await, doubtful.await);

    w.store.submit(vec![end_link(1, 80), begin(1)]).await.expect("begun");
    for n in [11, 12, 13, 14, 15, 24, 25, 28] {
        is_under(w, n, &stays, &[&gone]).await;
    }
    let states = [(11, OutboxState::Pending), (12, OutboxState::Held), (13, OutboxState::Sending)];
    for (n, state) in states.into_iter().chain([(14, OutboxState::Unconfirmed), (15, OutboxState::Dead)]) {
        assert_eq!(row(w, n).await.state, state, "{n}");
    }
    for n in [21, 22, 23, 26, 31] {
        is_over(w, n, OutboxState::Denied).await;
    }
    // It is the same message, in its place, with its ticket and what was tried.
    let after = row(w, 11).await;
    let same = |entry: &OutboxEntry| {
        let OutboxRow { said, ticket, payload_sha256, expires_at, about, .. } = entry.row.clone();
        let when = (entry.position, entry.due_at, entry.attempts, entry.doubtful, entry.created_at);
        (entry.shard, when, said, ticket, payload_sha256, expires_at, about)
    };
    assert_eq!(same(&after), same(&before));
    assert_eq!(same(&row(w, 14).await), same(&doubtful));
    assert_eq!(row(w, 27).await.state, OutboxState::Pending, "what is nobody's is still the chat's");
    // What became of what a human wrote is on the record of the one who stays.
    let receipts = w.chain(2).await;
    let texts: Vec<_> = receipts.iter().map(|r| String::from_utf8_lossy(&r.bytes).into_owned()).collect();
    let [wrote, outcome] = texts.as_slice() else { panic!("two receipts: {texts:#?}") };
    assert!(wrote.contains(r#""template":"agent-wrote""#), "{wrote}");
    assert!(outcome.contains(r#""template":"denied:erased""#), "{outcome}");

    removed(w, 1).await;
    let gones = w.place.bytes(gone.id.as_bytes());
    assert_eq!(count(w, &format!("SELECT count(*) FROM outbox WHERE key_of = {gones}")).await, 0);
    for n in [11, 12, 13, 14, 15, 24, 25, 28] {
        is_under(w, n, &stays, &[&gone]).await;
    }
    assert_eq!(count(w, "SELECT count(*) FROM token").await, 1, "messages that stay lead there");
    // What was on its way ends as it does, and what was given up is sent once more if an operator says so.
    w.one(finish(13, Delivery::Sent { mid: "m-13".into() })).await;
    is_over(w, 13, OutboxState::Sent).await;
    w.one(Command::ReplayDead { message: message(15), due_at: at(90) }).await;
    is_under(w, 15, &stays, &[&gone]).await;

    // With the last of the chat's customers everything goes.
    w.store.submit(vec![end_link(2, 85), begin(2)]).await.expect("begun");
    removed(w, 2).await;
    for n in [11, 12, 15, 24, 25, 27] {
        is_over(w, n, OutboxState::Denied).await;
    }
    is_over(w, 14, OutboxState::Dead).await;
    assert_eq!(count(w, "SELECT count(*) FROM outbox WHERE length(payload) > 0").await, 0);
    assert_eq!(count(w, "SELECT count(*) FROM token").await, 0);
}

/// Goal: what a human wrote in a chat of two customers goes with the first of them who is erased, whoever's key it is
/// under, while it waits, is in doubt, and after it was given up; what was written before the chat was theirs, too,
/// stays.
pub(crate) async fn a_humans_words_under_the_others_key_go_with_who_is_erased(w: &World) {
    let (stays, gone) = (w.customer(1).await, w.customer(2).await);
    w.one(link_here(1)).await;
    w.one(written(w, 41, &stays, &[&stays])).await;
    w.one(link_here(2)).await;
    for n in [31, 32, 33] {
        w.one(written(w, n, &stays, &[&stays, &gone])).await;
    }
    for n in [32, 33] {
        w.one(claim(n, OutboxState::Pending, 60)).await;
    }
    w.one(finish(32, Delivery::Dead { reason: "blocked".into() })).await;
    w.one(finish(33, Delivery::Unconfirmed { until: at(60) })).await;

    w.store.submit(vec![end_link(2, 80), begin(2)]).await.expect("begun");
    is_over(w, 31, OutboxState::Denied).await;
    is_over(w, 33, OutboxState::Dead).await;
    assert_eq!(row(w, 41).await.row.under, Some((stays.shard, stays.id)), "it was never theirs");
    let receipts = w.chain(1).await;
    let denied = |of: &StoredReceipt| String::from_utf8_lossy(&of.bytes).contains("denied:erased");
    let told = receipts.iter().filter(|of| of.message == Some(message(31)) && denied(of)).count();
    assert_eq!(told, 1, "who stays has it on record");

    removed(w, 2).await;
    is_over(w, 32, OutboxState::Dead).await;
    let kept = row(w, 41).await;
    assert_eq!((kept.state, kept.row.recipient), (OutboxState::Pending, address(1)));
    assert!(!kept.row.payload.is_empty());
}

/// Goal: of a chat of which everybody is erased in one commit nothing stays, and a link that is over or was never
/// confirmed keeps nothing.
pub(crate) async fn a_chat_of_which_everybody_is_erased_keeps_nothing(w: &World) {
    let (first, _) = (w.customer(1).await, w.customer(2).await);
    w.customer(3).await;
    for n in [1, 2, 3] {
        w.one(link_here(n)).await;
    }
    w.one(disclose(0, said_about(w, 11, About::Chat, &first), 0)).await;
    w.one(end_link(3, 70)).await;
    w.store.submit(vec![end_link(1, 80), begin(1), end_link(2, 80), begin(2)]).await.expect("begun");
    is_over(w, 11, OutboxState::Denied).await;

    let (fourth, psid) = (w.customer(4).await, conversation(1).psid);
    w.one(Command::CreateLink(Link { psid: psid.clone(), ..link(4, 4, LinkState::Active) })).await;
    w.customer(5).await;
    let institution = id("pine-bank");
    w.one(Command::CreateLink(Link { institution, psid, ..link(5, 5, LinkState::Pending) })).await;
    w.one(disclose(0, said_about(w, 12, About::Chat, &fourth), 0)).await;
    w.store.submit(vec![end_link(4, 80), begin(4)]).await.expect("begun");
    is_over(w, 12, OutboxState::Denied).await;
}

/// Goal: who keeps it is the one of the oldest link whose key opens; where none does it goes; where it cannot be known
/// now, nothing has begun.
pub(crate) async fn what_stays_of_a_chat_goes_to_the_oldest_link_whose_key_opens(w: &World) {
    let (gone, _) = (w.customer(1).await, w.customer(2).await);
    let third = w.customer(3).await;
    for n in [1, 2, 3] {
        w.one(link_here(n)).await;
    }
    for n in [11, 12] {
        w.one(disclose(0, said_about(w, n, About::Chat, &gone), 0)).await;
    }
    let custody = |sql: &str| {
        let file = rusqlite::Connection::open(custody_of(&w.place.url())).expect("opens");
        file.execute_batch(sql).expect("runs");
    };
    // No key is in memory, and none can be had.
    let store = w.another().await;
    custody("ALTER TABLE share RENAME TO away");
    let leave = || Command::LeaveWords { shard: Shard(1), customer: customer_id(1) };
    let away = store.submit(vec![leave()]).await;
    assert!(matches!(&away, Err(SubmitError::Store(error)) if !error.is_damage()), "{away:?}");
    is_under(w, 11, &gone, &[&third]).await;
    custody("ALTER TABLE away RENAME TO share");
    // The second one's is lost. For one who is removed unread there is a command of its own; twice is once.
    w.store.destroy_customer_key(customer_id(2), at(60)).await.expect("destroyed");
    let store = w.another().await;
    for _ in 0..2 {
        assert_eq!(store.submit(vec![leave()]).await.expect("kept"), [Outcome::Changed]);
        for n in [11, 12] {
            is_under(w, n, &third, &[&gone]).await;
        }
    }
    // Of a customer whose key is lost nothing can go over.
    w.store.destroy_customer_key(third.id, at(60)).await.expect("destroyed");
    let store = w.another().await;
    let leave = Command::LeaveWords { shard: third.shard, customer: third.id };
    assert_eq!(store.submit(vec![leave]).await.expect("kept"), [Outcome::Changed]);
    // Nor to one whose key is lost.
    let first = Command::LeaveWords { shard: gone.shard, customer: gone.id };
    w.one(disclose(0, said_about(w, 13, About::Chat, &gone), 0)).await;
    assert_eq!(store.submit(vec![first]).await.expect("kept"), [Outcome::Changed]);
    is_under(w, 13, &gone, &[&third]).await;
    store.submit(vec![end_link(1, 80), begin(1)]).await.expect("begun");
    is_over(w, 13, OutboxState::Denied).await;
}
