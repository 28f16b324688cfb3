//! The part of the suite that is about running for years: holding, recovering, sweeping, what operators look at.

use crate::disclosure_log::place;
use crate::outbox::{claim, disclose, echo, finish, heads, messages, sent};
use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_render::Encoding;
use amana_store::*;

const DAY: i64 = 86_400;

async fn entry(w: &World, n: u8) -> OutboxEntry {
    w.store.outbox_entry(message(n)).await.expect("answers").expect("is there")
}

async fn inbound(w: &World, n: u8, second: i64) {
    let conversation = Conversation {
        id: conversation(n),
        lang: Lang::English,
        lang_chosen: false,
        last_inbound_at: Some(at(second)),
        welcomed_at: None,
        elsewhere: None,
    };
    w.one(Command::PutConversation(conversation)).await;
}

pub(crate) async fn newest_receipts_come_first(w: &World) {
    w.customer(1).await;
    for _ in 0..5 {
        w.one(Command::Record {
            shard: Shard(1),
            customer: customer_id(1),
            receipt: draft(ReceiptKind::View),
        })
        .await;
    }
    let all = w.chain(1).await;
    let page = |before, limit| w.store.receipts_before(Shard(1), customer_id(1), before, limit);
    let seqs = |page: &[StoredReceipt]| page.iter().map(|r| r.seq).collect::<Vec<_>>();
    let newest = page(None, 2).await.expect("answers");
    assert_eq!(seqs(&newest), [5, 4]);
    assert_eq!(newest[0], all[4], "decrypted");
    assert_eq!(seqs(&page(Some(4), 10).await.expect("answers")), [3, 2, 1]);
    assert_eq!(seqs(&page(Some(u64::MAX), 1).await.expect("answers")), [5]);
    assert!(page(Some(1), 10).await.expect("answers").is_empty());
    let nobody = w.store.receipts_before(Shard(1), customer_id(2), None, 9).await.expect("answers");
    assert!(nobody.is_empty());
}

pub(crate) fn aside_record(first: i64, last: i64, second: i64) -> AsideRecords {
    let (source, topic, reason) = ("cedar".into(), "cedar.events".into(), "the body is not json".into());
    AsideRecords { source, topic, partition: 3, first, last, reason, at: at(second) }
}

pub(crate) async fn records_set_aside_are_noted_once(w: &World) {
    let (early, longer, later) = (aside_record(7, 9, 1), aside_record(7, 12, 2), aside_record(20, 20, 3));
    assert_eq!(w.one(Command::SetAside(early.clone())).await, Outcome::Changed);
    // What is read again after a crash is the same, or goes further.
    assert_eq!(w.one(Command::SetAside(early.clone())).await, Outcome::Unchanged);
    assert_eq!(w.one(Command::SetAside(longer)).await, Outcome::Changed);
    assert_eq!(w.one(Command::SetAside(early.clone())).await, Outcome::Unchanged);
    assert_eq!(w.one(Command::SetAside(later.clone())).await, Outcome::Changed);
    let kept = AsideRecords { last: 12, ..early.clone() };
    assert_eq!(w.store.aside(10).await.expect("answers"), [later.clone(), kept.clone()]);
    assert_eq!(w.store.aside(1).await.expect("answers"), [later]);
    // Upside down, or with a reason that is no reason.
    for wrong in
        [AsideRecords { last: 6, ..early.clone() }, AsideRecords { reason: "x".repeat(600), ..early }]
    {
        assert!(w.store.submit(vec![Command::SetAside(wrong)]).await.is_err());
    }
    // They go with the events that were given up.
    let keep = Retention { failed_event_days: 0, ..Retention::default() };
    w.one(Command::Sweep { now: at(2), keep }).await;
    assert_eq!(w.store.aside(10).await.expect("answers").len(), 1);
}

pub(crate) async fn failed_events_can_be_replayed(w: &World) {
    for n in [1, 2, 3] {
        w.one(Command::Accept(event(1, n))).await;
    }
    let fail = |row: &InboxRow| Command::FinishInbox {
        shard: row.shard,
        position: row.position,
        result: InboxResult::Failed { reason: "unreadable".into() },
    };
    let mut failed = Vec::new();
    for _ in 0..2 {
        let head = waiting(&w.store, 0, 1).await.remove(0);
        w.one(fail(&head)).await;
        failed.push(head);
    }
    let listed = w.store.inbox_failed(10).await.expect("answers");
    let expected = |row: &InboxRow| FailedEvent {
        shard: row.shard,
        position: row.position,
        source: InboxSource::Bank,
        reason: "unreadable".into(),
        attempts: 1,
        received_at: row.received_at,
    };
    assert_eq!(listed, [expected(&failed[1]), expected(&failed[0])], "newest first");
    assert_eq!(w.store.inbox_failed(1).await.expect("answers").len(), 1);
    let replay = |row: &InboxRow| Command::ReplayInbox { shard: row.shard, position: row.position };
    assert_eq!(w.one(replay(&failed[0])).await, Outcome::Changed);
    assert_eq!(w.refused(vec![replay(&failed[0])]).await, (0, "inbox event"), "it waits already");
    let third = waiting(&w.store, 0, 10).await;
    assert_eq!(third, [failed[0].clone()], "as it came: body, no attempts, before the third");
    w.one(Command::FinishInbox { shard: Shard(1), position: third[0].position, result: InboxResult::Done })
        .await;
    assert_eq!(w.refused(vec![replay(&failed[0])]).await, (0, "inbox event"), "it is done");
    let unknown = Command::ReplayInbox { shard: Shard(9), position: failed[1].position };
    assert_eq!(w.refused(vec![unknown]).await, (0, "inbox event"));
    assert_eq!(w.store.counts().await.expect("answers").inbox_failed, 1);
}

pub(crate) async fn the_platform_and_the_banks_have_heads_of_their_own(w: &World) {
    for (lane, n) in [(1, 1), (1, 2), (3, 3), (2, 4), (2, 5)] {
        w.one(Command::Accept(event(lane, n))).await;
    }
    let of = |source, limit| w.store.inbox_heads(at(0), source, limit);
    let keys = |rows: Vec<InboxRow>| rows.iter().map(|row| row.key.0[0]).collect::<Vec<_>>();
    assert_eq!(keys(of(InboxSource::Bank, 10).await.expect("answers")), [1, 3]);
    assert_eq!(keys(of(InboxSource::Bank, 1).await.expect("answers")), [1]);
    assert_eq!(keys(of(InboxSource::Chat, 1).await.expect("answers")), [4], "not hidden behind the bank\'s");
}

pub(crate) async fn paused_channels_are_left_out(w: &World) {
    let key = w.store.keyring().deployment();
    // Ids that a careless comparison would take for one another.
    for (n, channel) in [(1, "1001"), (2, "100"), (3, "1001,1002"), (4, "10_1"), (5, "%")] {
        let to = Address { channel: id(channel), psid: id("p") };
        let bytes = Encoding::MessengerUpdate;
        let plain = w.gate.plain(&Content::text("x"), &to, bytes, message(n), at(0), key, &*w.entropy);
        w.one(disclose(0, plain.expect("a plain message"), 10 - i64::from(n))).await;
    }
    let not = |paused: &[&str]| {
        let paused: Vec<ChannelId> = paused.iter().map(|channel| id(channel)).collect();
        let store = std::sync::Arc::clone(&w.store);
        async move { messages(&store.outbox_heads(at(20), &paused, 10).await.expect("answers")) }
    };
    assert_eq!(not(&[]).await, [5, 4, 3, 2, 1], "by when they were due");
    assert_eq!(not(&["1001"]).await, [5, 4, 3, 2]);
    assert_eq!(not(&["100", "%"]).await, [4, 3, 1]);
    assert_eq!(not(&["9", "1001,1002", "10_1", "1001"]).await, [5, 2]);
}

pub(crate) async fn attempts_that_do_not_count(w: &World) {
    w.one(Command::Accept(event(1, 1))).await;
    for (counts, attempts) in [(false, 0), (true, 1), (false, 1)] {
        let head = waiting(&w.store, 0, 1).await.remove(0);
        let result = InboxResult::Retry { not_before: at(0), counts };
        w.one(Command::FinishInbox { shard: head.shard, position: head.position, result }).await;
        assert_eq!(waiting(&w.store, 0, 1).await[0].attempts, attempts);
    }
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    let retry = |counts| finish(1, Delivery::Retry { due_at: at(0), counts });
    w.one(retry(false)).await;
    assert_eq!(entry(w, 1).await.attempts, 0, "never below none");
    for (counts, attempts) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
        w.one(claim(1, OutboxState::Pending, 60)).await;
        w.one(retry(counts)).await;
        assert_eq!(entry(w, 1).await.attempts, attempts);
    }
}

pub(crate) async fn a_message_is_not_held_if_the_customer_wrote_meanwhile(w: &World) {
    // What was seen, what is there by then, and whether it is held.
    let cases = [
        (None, None, true),
        (None, Some(5), false),
        (Some(5), None, true),
        (Some(5), Some(5), true),
        (Some(5), Some(4), true),
        (Some(5), Some(6), false),
    ];
    for (n, (seen, stored, held)) in (1u8..).zip(cases) {
        if let Some(second) = stored {
            inbound(w, n, second).await;
        } else if n == 1 {
            // A record without a time, beside no record at all.
            w.one(Command::SetLang { conversation: conversation(n), lang: Lang::Arabic }).await;
        }
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 500)).await;
        w.one(finish(n, Delivery::Held { seen: seen.map(at) })).await;
        let entry = entry(w, n).await;
        let expected = if held { OutboxState::Held } else { OutboxState::Pending };
        assert_eq!(entry.state, expected, "{seen:?} {stored:?}");
        if !held {
            assert_eq!(entry.due_at, at(50), "when it was found");
        }
    }
    assert_eq!(w.refused(vec![finish(99, Delivery::Held { seen: None })]).await, (0, "message"));
    // Against a customer who writes at the same time, on another connection: it is never left behind.
    let other = w.another().await;
    for round in 0..20u8 {
        let n = 100 + round;
        inbound(w, n, 0).await;
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 500)).await;
        let write = vec![
            Command::PutConversation(Conversation {
                id: conversation(n),
                lang: Lang::English,
                lang_chosen: false,
                last_inbound_at: Some(at(1)),
                welcomed_at: None,
                elsewhere: None,
            }),
            Command::OpenWindow { conversation: conversation(n) },
        ];
        let (wrote, held) = tokio::join!(
            other.submit(write),
            w.store.submit(vec![finish(n, Delivery::Held { seen: Some(at(0)) })])
        );
        wrote.expect("kept");
        held.expect("kept");
        assert_eq!(entry(w, n).await.state, OutboxState::Pending);
    }
}

pub(crate) async fn what_is_behind_a_held_message_is_held(w: &World) {
    for n in [1, 2, 3] {
        w.one(disclose(0, w.plain(1, n), i64::from(n))).await;
    }
    w.one(disclose(0, w.plain(2, 9), 0)).await;
    w.one(claim(1, OutboxState::Pending, 500)).await;
    w.one(finish(1, Delivery::Held { seen: None })).await;
    w.one(disclose(0, w.plain(1, 4), 4)).await;
    for n in 1..=4 {
        assert_eq!(entry(w, n).await.state, OutboxState::Held, "{n}");
    }
    assert_eq!(heads(w, 10_000).await, [9], "another conversation goes on");
    let counts = w.store.counts().await.expect("answers");
    assert_eq!((counts.outbox_open, counts.outbox_held), (1, 4));
    w.one(Command::OpenWindow { conversation: conversation(1) }).await;
    for n in 1..=4 {
        let entry = entry(w, n).await;
        assert_eq!((entry.state, entry.due_at <= at(4)), (OutboxState::Pending, true), "due at once");
    }
    for n in 1..=4 {
        assert_eq!(heads(w, 4).await, [9, n], "in order");
        w.one(finish(n, sent())).await;
    }
    w.one(disclose(0, w.plain(1, 5), 0)).await;
    assert_eq!(entry(w, 5).await.state, OutboxState::Pending, "nothing is held any more");
}

pub(crate) async fn an_echo_records_the_outcome(w: &World) {
    let customer = w.customer(1).await;
    let consent = consent(1, 1, 1);
    for n in [1, 2] {
        w.one(disclose(1, w.disclosure(&customer, &consent, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 60)).await;
    }
    w.one(echo(1, 1, "m_1", 70)).await;
    w.one(echo(1, 1, "m_1", 71)).await;
    w.one(finish(2, Delivery::Unconfirmed { until: at(100) })).await;
    w.one(echo(2, 1, "m_2", 70)).await;
    let receipts = w.chain(1).await;
    assert_eq!(receipts.len(), 4, "once for each");
    for (receipt, n) in receipts[2..].iter().zip([1, 2]) {
        let row = entry(w, n).await.row;
        let basis = row.basis.as_ref().expect("bank data");
        let expected = ReceiptDraft::of_outcome(&row, basis, "sent", at(70));
        let before = &receipts[usize::try_from(receipt.seq).expect("small") - 2];
        let sealed = expected.seal(receipt.seq, ids::sha256(&[&before.bytes]), place(receipt));
        assert_eq!((&receipt.bytes, receipt.message), (&sealed.bytes, Some(message(n))));
    }
    // A message without bank data has none.
    w.one(disclose(0, w.plain(5, 5), 0)).await;
    w.one(claim(5, OutboxState::Pending, 60)).await;
    w.one(echo(5, 5, "m_5", 70)).await;
    assert_eq!(entry(w, 5).await.state, OutboxState::Sent);
    assert_eq!(w.store.counts().await.expect("answers").receipts, 4);
    // Their ids are known from then on, of this channel alone.
    let (row, mids) = (entry(w, 1).await.row, ["m_1", "m_9", "m_2"].map(str::to_owned));
    let known = w.store.known_mids(&row.recipient.channel, &mids).await.expect("answers");
    assert_eq!(known, ["m_1", "m_2"]);
    let elsewhere = ChannelId::new("another").expect("an id");
    assert_eq!(w.store.known_mids(&elsewhere, &mids).await.expect("answers"), Vec::<String>::new());
}

pub(crate) async fn after_a_restart_echoes_come_first(w: &World) {
    let recover = |until| Command::RecoverOutbox { until: at(until) };
    assert_eq!(w.one(recover(100)).await, Outcome::Unchanged);
    for n in 1..=5 {
        w.one(disclose(0, w.plain(n, n), 0)).await;
    }
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(claim(2, OutboxState::Pending, 60)).await;
    w.one(finish(2, Delivery::Unconfirmed { until: at(300) })).await;
    w.one(finish(3, Delivery::Held { seen: None })).await;
    w.one(finish(4, sent())).await;
    assert_eq!(w.one(recover(100)).await, Outcome::Changed);
    let mut all = Vec::new();
    for n in 1..=5 {
        let entry = entry(w, n).await;
        all.push((entry.state, entry.due_at, entry.attempts));
    }
    let expected = [
        (OutboxState::Unconfirmed, at(100), 1),
        (OutboxState::Unconfirmed, at(300), 1),
        (OutboxState::Held, at(0), 0),
        (OutboxState::Sent, at(0), 0),
        (OutboxState::Pending, at(0), 0),
    ];
    assert_eq!(all, expected);
    assert_eq!(heads(w, 99).await, [5]);
    assert_eq!(heads(w, 100).await, [5, 1]);
}

pub(crate) async fn one_active_link(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    let create = |n, customer, state| {
        // Whoever of the two customers: it is the same chat.
        Command::CreateLink(Link { psid: id("psid-1"), ..link(n, customer, state) })
    };
    let set = |n, from, to| Command::SetLink {
        shard: Shard(1),
        id: LinkId::from_bytes([n; 16]),
        from,
        to,
        at: at(9),
    };
    w.one(create(1, 1, LinkState::Active)).await;
    assert_eq!(w.refused(vec![create(2, 1, LinkState::Active)]).await, (0, "link"));
    assert_eq!(
        w.refused(vec![create(2, 2, LinkState::Active)]).await,
        (0, "link"),
        "another customer\'s too"
    );
    w.one(create(2, 1, LinkState::Pending)).await;
    assert_eq!(w.refused(vec![set(2, LinkState::Pending, LinkState::Active)]).await, (0, "link"));
    assert_eq!(
        w.one(set(1, LinkState::Active, LinkState::Active)).await,
        Outcome::Changed,
        "itself is no other"
    );
    // The old one ended and the new one active, in one commit.
    let swap =
        vec![set(1, LinkState::Active, LinkState::Ended), set(2, LinkState::Pending, LinkState::Active)];
    w.store.submit(swap).await.expect("kept");
    for elsewhere in [
        Link { institution: id("other-bank"), psid: id("psid-1"), ..link(3, 1, LinkState::Active) },
        Link { channel: id("2002"), psid: id("psid-1"), ..link(4, 1, LinkState::Active) },
        Link { psid: id("psid-9"), ..link(5, 1, LinkState::Active) },
    ] {
        w.one(Command::CreateLink(elsewhere)).await;
    }
    // Of two that become active at the same time, on two connections, one does.
    let other = w.another().await;
    for round in 0..10u8 {
        let (a, b) = (100 + 2 * round, 101 + 2 * round);
        for n in [a, b] {
            let psid = id(&format!("race-{round}"));
            w.one(Command::CreateLink(Link { psid, ..link(n, 1, LinkState::Pending) })).await;
        }
        let (first, second) = tokio::join!(
            w.store.submit(vec![set(a, LinkState::Pending, LinkState::Active)]),
            other.submit(vec![set(b, LinkState::Pending, LinkState::Active)])
        );
        let lost = match (first, second) {
            (Ok(_), lost) | (lost, Ok(_)) => lost,
            both => panic!("{both:?}"),
        };
        assert_eq!(conflict(lost), (0, "link"));
    }
}

pub(crate) async fn links_of_a_customer_and_of_a_conversation(w: &World) {
    w.customer(1).await;
    w.customer(2).await;
    let ids = |links: Vec<Link>| links.iter().map(|l| l.id.as_bytes()[0]).collect::<Vec<_>>();
    for (n, customer, psid) in [(9, 1, "psid-1"), (8, 1, "psid-7"), (7, 2, "psid-1"), (6, 1, "psid-1")] {
        let made = Link { psid: id(psid), ..link(n, customer, LinkState::Pending) };
        w.one(Command::CreateLink(made)).await;
    }
    let end = |n: u8| Command::SetLink {
        shard: Shard(1),
        id: LinkId::from_bytes([n; 16]),
        from: LinkState::Pending,
        to: LinkState::Ended,
        at: at(9),
    };
    w.one(end(9)).await;
    assert_eq!(ids(w.store.links_of_customer(Shard(1), customer_id(1)).await.expect("answers")), [8, 6]);
    assert_eq!(ids(w.store.links_of_customer(Shard(2), customer_id(2)).await.expect("answers")), [7]);
    assert!(w.store.links_of_customer(Shard(2), customer_id(1)).await.expect("answers").is_empty());
    assert_eq!(ids(w.store.links_of_conversation(&conversation(1)).await.expect("answers")), [7, 6]);
    let ever = w.store.links_ever(&conversation(1)).await.expect("answers");
    assert_eq!((ever[2].state, ever[2].ended_at), (LinkState::Ended, Some(at(9))));
    assert_eq!(ever[2].accounts, link(9, 1, LinkState::Ended).accounts);
    assert_eq!(ids(ever), [6, 7, 9], "newest first, with those that ended");
    // No more than a page shows.
    for n in 20..=130 {
        w.one(Command::CreateLink(link(n, 1, LinkState::Pending))).await;
    }
    let ever = ids(w.store.links_ever(&conversation(1)).await.expect("answers"));
    assert_eq!(ever, (31..=130).rev().collect::<Vec<_>>());
}

pub(crate) async fn a_sweep_removes_what_is_over(w: &World) {
    let sweep = |second| Command::Sweep { now: at(second), keep: Retention::default() };
    assert_eq!(w.one(sweep(0)).await, Outcome::Unchanged);
    let session =
        |n: u8, end| Command::PutSession(Session { hash: [n; 32], body: vec![n], expires_at: at(end) });
    let told = |n: u8, second| {
        Command::PutStory(Story {
            shard: Shard(1),
            customer: customer_id(1),
            key: [n; 32],
            state: StoryState::Posted,
            told: Told::from_stored([n; 32]),
            at: at(second),
            by: None,
        })
    };
    w.customer(1).await;
    let setup = vec![
        Command::PutToken(token(1)),
        Command::PutToken(Token { expires_at: at(601), ..token(2) }),
        session(1, 600),
        session(2, 601),
        told(1, 0),
        told(2, 1),
        Command::Accept(event(1, 1)),
        Command::Accept(event(2, 2)),
        Command::Accept(event(3, 3)),
        Command::Accept(event(4, 5)),
    ];
    w.store.submit(setup).await.expect("kept");
    let results = [InboxResult::Done, InboxResult::Done, InboxResult::Failed { reason: "x".into() }];
    for (row, result) in waiting(&w.store, 0, 3).await.iter().zip(results) {
        w.one(Command::FinishInbox { shard: row.shard, position: row.position, result }).await;
    }
    assert_eq!(w.one(sweep(599)).await, Outcome::Unchanged);
    assert_eq!(w.one(sweep(600)).await, Outcome::Changed);
    assert_eq!(w.one(sweep(600)).await, Outcome::Unchanged);
    assert!(w.store.token(&[1; 32]).await.expect("answers").is_none());
    assert!(w.store.token(&[2; 32]).await.expect("answers").is_some());
    assert_eq!(w.refused(vec![Command::TakeSession { hash: [1; 32] }]).await, (0, "session"));
    w.one(Command::TakeSession { hash: [2; 32] }).await;
    w.one(Command::Sweep { now: at(601), keep: Retention::default() }).await;
    // Keys of events that are done, 30 days after they came.
    let month = limits::INBOX_KEY_DAYS * DAY;
    assert_eq!(w.one(sweep(month + 1)).await, Outcome::Unchanged, "not before");
    assert_eq!(w.one(sweep(month + 2)).await, Outcome::Changed);
    assert_eq!(
        w.one(Command::Accept(event(2, 2))).await,
        Outcome::Duplicate,
        "the second came a second later"
    );
    assert_eq!(w.one(Command::Accept(event(1, 1))).await, Outcome::Changed, "forgotten");
    w.one(sweep(month + 3)).await;
    let left = || async {
        let counts = w.store.counts().await.expect("answers");
        (counts.inbox_waiting, counts.inbox_failed)
    };
    assert_eq!(left().await, (2, 1), "what failed is kept as long");
    w.one(sweep(month * 2)).await;
    assert_eq!(left().await, (2, 0), "what waits stays");
    // Stories, after a year and more.
    let years = limits::STORY_DAYS * DAY;
    let story = |n: u8| async move {
        w.store.story(Shard(1), customer_id(1), &[n; 32]).await.expect("answers").is_some()
    };
    assert!(story(1).await && story(2).await);
    assert_eq!(w.one(sweep(years)).await, Outcome::Unchanged);
    assert_eq!(w.one(sweep(years + 1)).await, Outcome::Changed);
    assert!(!story(1).await && story(2).await);
}

pub(crate) async fn a_sweep_is_bounded(w: &World) {
    w.customer(1).await;
    // One more of each than a sweep takes.
    let mut commands = Vec::new();
    for n in 0..=limits::SWEEP_ROWS {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&n.to_be_bytes());
        commands.push(Command::PutToken(Token { hash, expires_at: at(n), ..token(1) }));
        commands.push(Command::PutStory(Story {
            shard: Shard(1),
            customer: customer_id(1),
            key: hash,
            state: StoryState::Posted,
            told: Told::from_stored([0; 32]),
            at: at(n),
            by: None,
        }));
    }
    w.store.submit(commands).await.expect("kept");
    let mut last = [0; 32];
    last[..8].copy_from_slice(&limits::SWEEP_ROWS.to_be_bytes());
    let left = || async {
        let token = w.store.token(&last).await.expect("answers").is_some();
        (token, w.store.story(Shard(1), customer_id(1), &last).await.expect("answers").is_some())
    };
    let sweep = || Command::Sweep { now: at(1_000 * DAY), keep: Retention::default() };
    assert_eq!(w.one(sweep()).await, Outcome::More, "who sweeps is told that it was not all");
    assert_eq!(left().await, (true, true), "the newest of each");
    assert!(w.store.token(&[0; 32]).await.expect("answers").is_none());
    assert!(w.store.story(Shard(1), customer_id(1), &[0; 32]).await.expect("answers").is_none());
    assert_eq!(w.one(sweep()).await, Outcome::Changed);
    assert_eq!(left().await, (false, false));
    assert_eq!(w.one(sweep()).await, Outcome::Unchanged);
}

pub(crate) async fn a_sweep_ends_messages_whose_ticket_is_over(w: &World) {
    for n in 1..=6 {
        w.one(disclose(0, w.plain(n, n), 0)).await;
    }
    w.one(finish(1, Delivery::Held { seen: None })).await;
    w.one(claim(2, OutboxState::Pending, 60)).await;
    w.one(claim(3, OutboxState::Pending, 60)).await;
    w.one(finish(3, Delivery::Unconfirmed { until: at(70) })).await;
    w.one(finish(4, sent())).await;
    w.one(finish(5, Delivery::Denied { reason: "killed".into() })).await;
    let over = entry(w, 6).await.row.expires_at;
    assert_eq!(
        w.one(Command::Sweep { now: over, keep: Retention::default() }).await,
        Outcome::Unchanged,
        "not yet"
    );
    let later = from_micros(micros(over) + 1);
    assert_eq!(w.one(Command::Sweep { now: later, keep: Retention::default() }).await, Outcome::Changed);
    assert_eq!(w.one(Command::Sweep { now: later, keep: Retention::default() }).await, Outcome::Unchanged);
    let mut states = Vec::new();
    for n in 1..=6 {
        let entry = entry(w, n).await;
        states.push((entry.state, entry.reason));
    }
    let expired = || (OutboxState::Dead, Some("expired".to_owned()));
    let expected = [
        expired(),
        (OutboxState::Sending, None),
        (OutboxState::Unconfirmed, None),
        (OutboxState::Sent, None),
        (OutboxState::Denied, Some("killed".to_owned())),
        expired(),
    ];
    assert_eq!(states, expected);
    assert_eq!(messages(&w.store.dead_letters(9).await.expect("answers")), [6, 1]);
}
