//! The part of the suite that is about outgoing messages: tickets, order, holding back, echoes, dead letters.

use crate::place::custody_of;
use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_store::*;

pub(crate) fn disclose(shard: u16, disclosure: Disclosure, due: i64) -> Command {
    Command::Disclose { shard: Shard(shard), disclosure, at: at(due) }
}

pub(crate) async fn what_the_gate_ticketed_comes_back_and_leaves(w: &World) {
    let customer = w.customer(1).await;
    let consent = consent(1, 1, 1);
    let disclosure = w.disclosure(&customer, &consent, 5);
    let row = disclosure.row.clone();
    assert_eq!(w.one(disclose(1, disclosure, 3)).await, Outcome::Receipt(1));
    assert!(w.store.outbox_heads(at(2), &[], 10).await.expect("answers").is_empty(), "not due");
    let heads = w.store.outbox_heads(at(3), &[], 10).await.expect("answers");
    assert_eq!(heads.len(), 1);
    let entry = &heads[0];
    assert_eq!(entry.row, row, "every field comes back");
    assert_eq!((entry.shard, entry.customer_shard), (conversation(1).shard(), Shard(1)));
    assert_eq!((entry.state, entry.due_at, entry.created_at), (OutboxState::Pending, at(3), at(3)));
    assert_eq!((entry.attempts, &entry.mid, &entry.reason, entry.sent_at), (0, &None, &None, None));
    assert_eq!(w.store.outbox_entry(message(5)).await.expect("answers").as_ref(), Some(entry));
    let body = w.release(entry.row.clone(), &consent, &customer.key).expect("leaves");
    let body = String::from_utf8(body).expect("UTF-8");
    assert!(body.contains("42.10") && body.contains("MARKER"), "{body}");
    let receipts = w.chain(1).await;
    assert_eq!(receipts[0].message, Some(message(5)));
    assert!(String::from_utf8_lossy(&receipts[0].bytes).contains(&hex::encode(row.payload_sha256)));
    // The same message again: no second row, and no receipt either.
    let again = w.disclosure(&customer, &consent, 5);
    assert_eq!(w.refused(vec![disclose(1, again, 3)]).await, (0, "message"));
    assert_eq!(w.chain(1).await.len(), 1);
    // A message without bank data has no receipt.
    let plain = w.plain(1, 6);
    assert_eq!(w.one(disclose(1, plain, 3)).await, Outcome::Changed);
    let entry = w.store.outbox_entry(message(6)).await.expect("answers").expect("is there");
    let key = w.store.keyring().deployment();
    let body = w.release(entry.row, &consent, key).expect("leaves");
    assert!(String::from_utf8_lossy(&body).contains(r#""text":"hello""#));
}

pub(crate) async fn one_flipped_byte_and_it_does_not_leave(w: &World) {
    let customer = w.customer(1).await;
    let consent = consent(1, 1, 1);
    let flip = |bytes: &[u8], index: usize| {
        let mut bytes = bytes.to_vec();
        bytes[index] ^= 1;
        bytes
    };
    let columns = ["payload", "ticket", "expires_at", "channel", "sealed_basis", "customer"];
    for (n, column) in (1u8..).zip(columns) {
        w.one(disclose(1, w.disclosure(&customer, &consent, n), 0)).await;
        let row = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there").row;
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let value = match column {
            "payload" => w.place.bytes(&flip(&row.payload, 20)),
            "ticket" => w.place.bytes(&flip(&row.ticket, 31)),
            "expires_at" => (micros(row.expires_at) ^ 1).to_string(),
            "channel" => text("1000"),
            // A basis that does not open, and none where there was one: the ticket vouches for it.
            "sealed_basis" => w.place.bytes(&[7; 60]),
            _ => "NULL".to_owned(),
        };
        let at_row = format!("WHERE message = {}", w.place.bytes(message(n).as_bytes()));
        w.place.sql(&format!("UPDATE outbox SET {column} = {value} {at_row}")).await;
        let damaged = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there").row;
        assert_ne!(damaged, row, "{column} was changed");
        let denial = w.release(damaged, &consent, &customer.key).expect_err(column);
        assert!(matches!(denial, Denial::BadTicket | Denial::Unreadable), "{column}: {denial}");
        w.place.sql(&format!("UPDATE outbox SET state = 6 {at_row}")).await;
    }
    // Recipient and hash of a message without bank data that do not open, are not there or are another message's are
    // nobody's, and nobody has a ticket.
    w.one(disclose(0, w.plain(3, 50), 0)).await;
    let of_another = format!(
        "(SELECT o.sealed_to FROM outbox o WHERE o.message = {})",
        w.place.bytes(message(50).as_bytes())
    );
    for (n, value) in [(51, of_another), (52, w.place.bytes(&[7; 60])), (53, "NULL".to_owned())] {
        w.one(disclose(0, w.plain(3, n), 0)).await;
        let at_row = format!("WHERE message = {}", w.place.bytes(message(n).as_bytes()));
        w.place.sql(&format!("UPDATE outbox SET sealed_to = {value} {at_row}")).await;
        let damaged = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there").row;
        assert_eq!(
            (damaged.recipient.psid.as_str(), damaged.payload_sha256),
            ("unreadable", [0; 32]),
            "{value}"
        );
        assert_eq!(w.release(damaged, &consent, w.store.keyring().deployment()), Err(Denial::BadTicket));
    }
    // A sealed receipt that was moved or changed does not open.
    w.place.sql("UPDATE receipt SET seq = 1000 WHERE seq = 1").await;
    assert!(w.store.receipts(Shard(1), customer_id(1), 1000, 1).await.is_err());
}

pub(crate) async fn a_custody_that_is_away_is_waited_for_and_a_lost_key_is_an_alarm(w: &World) {
    let customer = w.customer(1).await;
    w.one(disclose(1, w.disclosure(&customer, &consent(1, 1, 1), 1), 0)).await;
    w.one(disclose(0, w.plain(3, 2), 0)).await;
    w.one(claim(1, OutboxState::Pending, 10)).await;
    let [create, again] = [w.create_customer(7).await, w.create_customer(7).await];
    let custody = |sql: &str| {
        let file = rusqlite::Connection::open(custody_of(&w.place.url())).expect("opens");
        file.execute_batch(sql).expect("runs");
    };
    // No key is in memory, and none can be had.
    let store = w.another().await;
    custody("ALTER TABLE share RENAME TO away");
    let first = async |limit| messages(&store.outbox_heads(at(20), &[], limit).await.expect("answers"));
    let heads = async || first(9).await;
    assert_eq!(heads().await, [2], "it is left out, and others go");
    w.one(disclose(0, w.plain(4, 3), 15)).await;
    assert_eq!(first(2).await, [2, 3], "also those behind it");
    assert!(store.outbox_entry(message(1)).await.is_err_and(|error| !error.is_damage()));
    assert!(store.outbox_between((Shard(0), -1), at(0), at(9), 9).await.is_err(), "nothing is left out");
    let settle = || echo(1, 1, "m-1", 15);
    assert!(store.submit(vec![settle()]).await.is_err(), "nor settled without its receipt");
    let made = store.submit(vec![create]).await;
    assert!(matches!(&made, Err(SubmitError::Store(error)) if !error.is_damage()), "{made:?}");
    custody("ALTER TABLE away RENAME TO share");
    assert_eq!(heads().await, [2, 1, 3]);
    assert_eq!(store.submit(vec![again]).await.expect("made"), [Outcome::Changed]);
    // The share is lost: the row is nobody's any more, and its echo settles it with an alarm.
    custody("DELETE FROM share");
    let store = w.another().await;
    let entry = async || store.outbox_entry(message(1)).await.expect("answers").expect("is there");
    let lost = entry().await;
    assert_eq!((lost.row.basis, lost.closed), (None, Some(customer_id(1))));
    assert_eq!(store.submit(vec![settle()]).await.expect("kept"), [Outcome::Unchanged]);
    assert_eq!(entry().await.state, OutboxState::Sent);
    let alarms = store.alarms(false, 9).await.expect("answers");
    assert_eq!(alarms.iter().map(|a| a.kind).collect::<Vec<_>>(), [AlarmKind::Unrecorded]);
}

pub(crate) async fn a_disclosure_without_its_receipt_is_refused(w: &World) {
    let customer = w.customer(1).await;
    let mut bare = w.disclosure(&customer, &consent(1, 1, 1), 1);
    bare.receipt = None;
    assert_eq!(w.refused(vec![disclose(1, bare, 0)]).await, (0, "receipt"));
    let mut odd = w.plain(1, 2);
    odd.receipt = Some(draft(ReceiptKind::Disclosure));
    assert_eq!(w.refused(vec![disclose(1, odd, 0)]).await, (0, "receipt"));
    let misplaced = w.disclosure(&customer, &consent(1, 1, 1), 3);
    assert_eq!(w.refused(vec![disclose(2, misplaced, 0)]).await, (0, "customer"), "not in that shard");
    assert_eq!(w.store.counts().await.expect("answers"), Counts::default());
}

pub(crate) fn messages(entries: &[OutboxEntry]) -> Vec<u8> {
    entries.iter().map(|entry| entry.row.message.as_bytes()[0]).collect()
}

pub(crate) async fn heads(w: &World, second: i64) -> Vec<u8> {
    messages(&w.store.outbox_heads(at(second), &[], 100).await.expect("answers"))
}

pub(crate) fn claim(n: u8, from: OutboxState, until: i64) -> Command {
    Command::ClaimOutbox { message: message(n), from, until: at(until) }
}

pub(crate) fn finish(n: u8, delivery: Delivery) -> Command {
    Command::FinishOutbox { message: message(n), delivery, receipt: None, at: at(50) }
}

pub(crate) fn sent() -> Delivery {
    Delivery::Sent { mid: "m_1".into() }
}

pub(crate) async fn conversations_send_in_order(w: &World) {
    for (conversation, n) in [(1, 30), (1, 10), (2, 40), (1, 20)] {
        w.one(disclose(0, w.plain(conversation, n), 0)).await;
    }
    assert_eq!(heads(w, 0).await, [30, 40], "the oldest of each conversation");
    assert_eq!(messages(&w.store.outbox_heads(at(0), &[], 1).await.expect("answers")), [30]);
    w.one(claim(30, OutboxState::Pending, 60)).await;
    assert_eq!(heads(w, 0).await, [40], "what is being sent keeps the next back");
    assert_eq!(w.refused(vec![claim(30, OutboxState::Pending, 60)]).await, (0, "message"), "claimed once");
    w.one(finish(30, Delivery::Retry { due_at: at(10), counts: true })).await;
    assert_eq!(heads(w, 9).await, [40], "what is put off keeps the next back too");
    assert_eq!(heads(w, 10).await, [40, 30], "by when they were due");
    w.one(claim(30, OutboxState::Pending, 60)).await;
    w.one(finish(30, sent())).await;
    assert_eq!(heads(w, 10).await, [10, 40]);
    let entry = w.store.outbox_entry(message(30)).await.expect("answers").expect("is there");
    assert_eq!(
        (entry.state, entry.mid.as_deref(), entry.sent_at),
        (OutboxState::Sent, Some("m_1"), Some(at(50)))
    );
    assert_eq!(entry.attempts, 2);
    assert_eq!(
        entry.row.payload,
        w.store.outbox_entry(message(30)).await.expect("answers").expect("row").row.payload
    );
    w.one(finish(10, Delivery::Denied { reason: "consent-revoked".into() })).await;
    assert_eq!(heads(w, 10).await, [40, 20], "a denied one lets the next pass");
    let entry = w.store.outbox_entry(message(10)).await.expect("answers").expect("is there");
    assert_eq!((entry.state, entry.reason.as_deref()), (OutboxState::Denied, Some("consent-revoked")));
    assert_eq!(w.store.outbox_entry(message(99)).await.expect("answers"), None);
}

pub(crate) async fn a_claim_that_was_interrupted_comes_back(w: &World) {
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(disclose(0, w.plain(1, 2), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    assert!(heads(w, 59).await.is_empty());
    let back = w.store.outbox_heads(at(60), &[], 10).await.expect("answers");
    assert_eq!((messages(&back), back[0].state), (vec![1], OutboxState::Sending));
    w.one(claim(1, OutboxState::Sending, 90)).await;
    assert!(heads(w, 89).await.is_empty());
    w.one(finish(1, Delivery::Unconfirmed { until: at(200) })).await;
    assert!(heads(w, 199).await.is_empty(), "it waits for an echo");
    let back = w.store.outbox_heads(at(200), &[], 10).await.expect("answers");
    assert_eq!((messages(&back), back[0].state), (vec![1], OutboxState::Unconfirmed));
    w.one(claim(1, OutboxState::Unconfirmed, 260)).await;
    w.one(finish(1, sent())).await;
    assert_eq!(heads(w, 200).await, [2]);
}

pub(crate) async fn held_messages_wait_for_the_customer(w: &World) {
    for (conversation, n) in [(1, 1), (1, 2), (2, 3)] {
        w.one(disclose(0, w.plain(conversation, n), 0)).await;
    }
    for n in [1, 3] {
        w.one(claim(n, OutboxState::Pending, 60)).await;
        w.one(finish(n, Delivery::Held { seen: None })).await;
    }
    assert!(heads(w, 10_000).await.is_empty(), "a held one is never due and keeps the rest back");
    assert_eq!(w.store.counts().await.expect("answers").outbox_held, 3, "with it the later one");
    let open = |n| Command::OpenWindow { conversation: conversation(n) };
    assert_eq!(w.one(open(1)).await, Outcome::Changed);
    assert_eq!(w.one(open(1)).await, Outcome::Unchanged);
    assert_eq!(w.one(open(7)).await, Outcome::Unchanged);
    assert_eq!(heads(w, 0).await, [1], "due at once");
    let counts = w.store.counts().await.expect("answers");
    assert_eq!((counts.outbox_open, counts.outbox_held, counts.outbox_dead), (2, 1, 0));
    w.one(finish(3, Delivery::Dead { reason: "blocked".into() })).await;
    assert_eq!(w.one(open(2)).await, Outcome::Unchanged);
}

/// The platform shows a message that bears this one's id, in this person's chat.
pub(crate) fn echo(n: u8, person: u8, mid: &str, second: i64) -> Command {
    let ConversationId { channel, psid } = conversation(person);
    let claim = Claim::Message { message: message(n), app_id: Some("7".into()), odd: None };
    let psid = Some(psid);
    Command::Sighted(Sighting { channel, psid, mid: mid.into(), claim, kill: false, at: at(second) })
}

pub(crate) async fn an_echo_settles_what_was_unclear(w: &World) {
    let state = async |n| {
        let entry = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there");
        (entry.state, entry.mid, entry.sent_at)
    };
    let settled = |n: u8| (OutboxState::Sent, Some(format!("m_{n}")), Some(at(70)));
    let echo = |n: u8| echo(n, n, &format!("m_{n}"), 70);
    for n in 1..=3 {
        w.one(disclose(0, w.plain(n, n), 0)).await;
    }
    w.one(claim(1, OutboxState::Pending, 60)).await;
    for _ in 0..2 {
        assert_eq!(w.one(echo(1)).await, Outcome::Unchanged);
        assert_eq!(state(1).await, settled(1));
    }
    w.one(claim(2, OutboxState::Pending, 60)).await;
    w.one(finish(2, Delivery::Unconfirmed { until: at(100) })).await;
    w.one(echo(2)).await;
    assert_eq!(state(2).await, settled(2));
    // The answer that comes after the echo finds it done.
    assert_eq!(w.refused(vec![finish(1, sent())]).await, (0, "message"));
    w.one(claim(3, OutboxState::Pending, 60)).await;
    w.one(finish(3, Delivery::Sent { mid: String::new() })).await;
    assert_eq!(state(3).await.0, OutboxState::Sent);
    assert_eq!(state(3).await.1, None, "a platform that gives no id");
}

/// An echo says that a message arrived also where we had given it up; but only of the person to whom it went, on the
/// channel on which it went, and only if it was tried.
pub(crate) async fn an_echo_corrects_what_was_thought_of_a_message(w: &World) {
    let state = async |n| w.store.outbox_entry(message(n)).await.expect("answers").expect("is there").state;
    let ends = [
        Delivery::Dead { reason: "permanent".into() },
        Delivery::Denied { reason: "no-consent".into() },
        Delivery::Retry { due_at: at(90), counts: false },
        Delivery::Held { seen: None },
    ];
    let after = [OutboxState::Dead, OutboxState::Denied, OutboxState::Unconfirmed, OutboxState::Held];
    for (n, (end, after)) in (1u8..).zip(ends.into_iter().zip(after)) {
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 60)).await;
        w.one(finish(n, Delivery::Unconfirmed { until: at(60) })).await;
        w.one(claim(n, OutboxState::Unconfirmed, 60)).await;
        w.one(finish(n, end)).await;
        assert_eq!(state(n).await, after);
        let stranger = echo(n, n + 1, &format!("m_other_{n}"), 70);
        assert_eq!(w.one(stranger).await, Outcome::Changed, "an alarm");
        let mut elsewhere = echo(n, n, &format!("m_page_{n}"), 70);
        if let Command::Sighted(sighting) = &mut elsewhere {
            sighting.channel = id("2002");
        }
        assert_eq!(w.one(elsewhere).await, Outcome::Changed, "an alarm");
        assert_eq!(state(n).await, after, "and nothing is settled by it");
        assert_eq!(w.one(echo(n, n, &format!("m_{n}"), 70)).await, Outcome::Unchanged);
        assert_eq!(state(n).await, OutboxState::Sent);
    }
    // What was denied before anything left was sent by nobody here.
    w.one(disclose(0, w.plain(9, 9), 0)).await;
    w.one(claim(9, OutboxState::Pending, 60)).await;
    w.one(finish(9, Delivery::Denied { reason: "no-consent".into() })).await;
    assert_eq!(w.one(echo(9, 9, "m_9", 70)).await, Outcome::Changed, "an alarm");
    assert_eq!(state(9).await, OutboxState::Denied);
}

/// From the first attempt that may have arrived on, nothing makes a message one of which it is known that it was not
/// sent.
pub(crate) async fn a_doubt_stays(w: &World) {
    let entry = async |n| w.store.outbox_entry(message(n)).await.expect("answers").expect("is there");
    let retry = || Delivery::Retry { due_at: at(80), counts: false };
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(finish(1, retry())).await;
    assert_eq!(
        (entry(1).await.state, entry(1).await.doubtful),
        (OutboxState::Pending, false),
        "surely not sent"
    );
    // A claim that ended without a word.
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(claim(1, OutboxState::Sending, 90)).await;
    w.one(finish(1, retry())).await;
    let now = entry(1).await;
    assert_eq!(
        (now.state, now.doubtful, now.due_at, now.attempts),
        (OutboxState::Unconfirmed, true, at(80), 1)
    );
    w.one(claim(1, OutboxState::Unconfirmed, 90)).await;
    w.one(finish(1, Delivery::Held { seen: None })).await;
    assert_eq!((entry(1).await.state, entry(1).await.doubtful), (OutboxState::Held, true));
    w.one(Command::OpenWindow { conversation: conversation(1) }).await;
    assert_eq!(entry(1).await.state, OutboxState::Unconfirmed);
    w.one(finish(1, Delivery::Dead { reason: "permanent".into() })).await;
    assert_eq!((entry(1).await.state, entry(1).await.doubtful), (OutboxState::Dead, true));
    w.one(Command::ReplayDead { message: message(1), due_at: at(99) }).await;
    let now = entry(1).await;
    assert_eq!((now.state, now.doubtful, now.attempts), (OutboxState::Unconfirmed, true, 1));
    assert_eq!(w.one(echo(1, 1, "m_late", 70)).await, Outcome::Unchanged, "the echo of an attempt before");
    assert_eq!(entry(1).await.state, OutboxState::Sent);
    // A restart in the middle of a send, and a ticket that ends while it is held.
    w.one(disclose(0, w.plain(2, 2), 0)).await;
    w.one(claim(2, OutboxState::Pending, 60)).await;
    w.one(Command::RecoverOutbox { until: at(100) }).await;
    w.one(finish(2, Delivery::Held { seen: None })).await;
    let after = 80 * 3_600;
    w.one(Command::Sweep { now: at(after), keep: Retention::default() }).await;
    let now = entry(2).await;
    assert_eq!(
        (now.state, now.due_at, now.reason),
        (OutboxState::Unconfirmed, at(after), None),
        "egress ends it"
    );
}

pub(crate) async fn what_is_over_stays_over(w: &World) {
    let customer = w.customer(1).await;
    let over = [sent(), Delivery::Dead { reason: "x".into() }, Delivery::Denied { reason: "x".into() }];
    let states = [OutboxState::Sent, OutboxState::Dead, OutboxState::Denied];
    for (n, (delivery, state)) in (1u8..).zip(over.into_iter().zip(states)) {
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(finish(n, delivery)).await;
        assert_eq!(w.refused(vec![finish(n, sent())]).await, (0, "message"));
        assert_eq!(w.refused(vec![claim(n, state, 60)]).await, (0, "message"));
    }
    assert_eq!(w.refused(vec![finish(99, sent())]).await, (0, "message"));
    assert_eq!(w.refused(vec![claim(99, OutboxState::Pending, 60)]).await, (0, "message"));
    // The outcome's receipt is one commit with the outcome.
    let consent = consent(1, 1, 1);
    w.one(disclose(1, w.disclosure(&customer, &consent, 9), 0)).await;
    let row = w.store.outbox_entry(message(9)).await.expect("answers").expect("is there").row;
    let outcome = || {
        let basis = row.basis.as_ref().expect("bank data");
        let receipt = ReceiptDraft::of_outcome(&row, basis, "sent", at(50));
        Command::FinishOutbox {
            message: message(9),
            delivery: sent(),
            receipt: Some((Shard(1), customer.id, receipt)),
            at: at(50),
        }
    };
    assert_eq!(w.one(outcome()).await, Outcome::Receipt(2));
    assert_eq!(w.refused(vec![outcome()]).await, (0, "message"));
    let receipts = w.chain(1).await;
    assert_eq!(receipts.iter().map(|r| r.message).collect::<Vec<_>>(), [Some(message(9)); 2]);
}

pub(crate) async fn dead_letters_can_be_replayed(w: &World) {
    for n in [1, 2] {
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 60)).await;
        w.one(finish(n, Delivery::Dead { reason: "refused".into() })).await;
    }
    let dead = w.store.dead_letters(10).await.expect("answers");
    assert_eq!((messages(&dead), dead[0].reason.as_deref()), (vec![2, 1], Some("refused")), "newest first");
    assert_eq!(messages(&w.store.dead_letters(1).await.expect("answers")), [2]);
    assert_eq!(w.store.counts().await.expect("answers").outbox_dead, 2);
    let replay = |n| Command::ReplayDead { message: message(n), due_at: at(80) };
    w.one(replay(1)).await;
    assert_eq!(w.refused(vec![replay(1)]).await, (0, "message"));
    assert_eq!(w.refused(vec![replay(99)]).await, (0, "message"));
    assert!(heads(w, 79).await.is_empty());
    let back = w.store.outbox_heads(at(80), &[], 10).await.expect("answers");
    assert_eq!((messages(&back), back[0].attempts, &back[0].reason), (vec![1], 0, &None));
    // Out of date, it would only be refused and be seen by nobody any more: it stays on the list.
    let late = Command::ReplayDead { message: message(2), due_at: at(91 * 86_400) };
    assert_eq!(w.refused(vec![late]).await, (0, "message"));
    assert_eq!(messages(&w.store.dead_letters(10).await.expect("answers")), [2]);
}
