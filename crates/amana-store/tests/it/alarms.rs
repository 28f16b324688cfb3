//! Reconciliation, inside the commit: what covers a message at the platform, and what raises an alarm.

use crate::outbox::{claim, disclose, echo, finish};
use crate::world::*;
use amana_core::*;
use amana_gate::ReceiptKind;
use amana_store::limits::DELIVERY_WAIT_S;
use amana_store::*;

fn seen(mid: &str, claim: Claim, second: i64) -> Command {
    let ConversationId { channel, psid } = conversation(1);
    let psid = Some(psid);
    Command::Sighted(Sighting { channel, psid, mid: mid.into(), claim, kill: false, at: at(second) })
}

async fn kinds(w: &World) -> Vec<(String, AlarmKind)> {
    let mut all: Vec<_> =
        w.store.alarms(false, 10).await.expect("answers").into_iter().map(|a| (a.mid, a.kind)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

pub(crate) async fn a_message_is_covered_by_its_row_alone(w: &World) {
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    // Decided and not sent: nobody can have seen it.
    assert_eq!(w.one(echo(1, 1, "m-early", 1)).await, Outcome::Changed);
    w.one(claim(1, OutboxState::Pending, 60)).await;
    // While it is being sent the echo may be first, and twice.
    assert_eq!(w.one(echo(1, 1, "m-1", 2)).await, Outcome::Unchanged);
    assert_eq!(w.one(echo(1, 1, "m-1", 2)).await, Outcome::Unchanged);
    // The answer of our call finds the row sent by then.
    assert_eq!(w.refused(vec![finish(1, Delivery::Sent { mid: "m-1".into() })]).await, (0, "message"));
    assert_eq!(w.one(echo(1, 1, "m-1", 3)).await, Outcome::Unchanged);
    // Once was all: who copies the id is found out, as is who sends it to another.
    assert_eq!(w.one(echo(1, 1, "m-copy", 4)).await, Outcome::Changed);
    assert_eq!(w.one(echo(1, 2, "m-else", 4)).await, Outcome::Changed);
    assert_eq!(w.one(echo(77, 1, "m-none", 4)).await, Outcome::Changed);
    assert_eq!(w.one(echo(77, 1, "m-none", 9)).await, Outcome::Unchanged, "one message, one alarm");
    assert_eq!(
        kinds(w).await,
        [
            ("m-copy".into(), AlarmKind::TooMany),
            ("m-early".into(), AlarmKind::NeverSent),
            ("m-else".into(), AlarmKind::OtherRecipient),
            ("m-none".into(), AlarmKind::UnknownMessage),
        ]
    );
    let alarm = w
        .store
        .alarms(false, 10)
        .await
        .expect("answers")
        .into_iter()
        .find(|a| a.mid == "m-copy")
        .expect("it");
    assert_eq!((alarm.message, alarm.app_id.as_deref(), alarm.at), (Some(message(1)), Some("7"), at(4)));
    assert_eq!(w.store.counts().await.expect("answers").alarms_open, 4);

    let close = Command::CloseAlarm { id: alarm.id, by: "omar".into(), at: at(20) };
    w.one(close).await;
    assert_eq!(
        w.refused(vec![Command::CloseAlarm { id: alarm.id, by: "omar".into(), at: at(21) }]).await,
        (0, "alarm")
    );
    assert_eq!(w.store.alarms(false, 10).await.expect("answers").len(), 3);
    assert_eq!(w.store.alarms(true, 10).await.expect("answers").len(), 4);
    assert_eq!(w.store.alarms(true, 1).await.expect("answers").len(), 1);
}

pub(crate) async fn an_attempt_in_doubt_may_be_seen_twice(w: &World) {
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    w.one(finish(1, Delivery::Unconfirmed { until: at(70) })).await;
    w.one(claim(1, OutboxState::Unconfirmed, 130)).await;
    w.one(finish(1, Delivery::Sent { mid: "m-2".into() })).await;
    // Both arrived after all.
    assert_eq!(w.one(echo(1, 1, "m-1", 80)).await, Outcome::Unchanged);
    assert_eq!(w.one(echo(1, 1, "m-2", 81)).await, Outcome::Unchanged);
    assert_eq!(w.one(echo(1, 1, "m-3", 82)).await, Outcome::Changed);
    assert_eq!(kinds(w).await, [("m-3".into(), AlarmKind::TooMany)]);

    // So too where the first echo settled it.
    w.one(disclose(0, w.plain(4, 4), 0)).await;
    w.one(claim(4, OutboxState::Pending, 60)).await;
    w.one(finish(4, Delivery::Unconfirmed { until: at(70) })).await;
    w.one(claim(4, OutboxState::Unconfirmed, 130)).await;
    assert_eq!(w.one(echo(4, 4, "m-41", 80)).await, Outcome::Unchanged);
    assert_eq!(w.one(echo(4, 4, "m-42", 81)).await, Outcome::Unchanged);

    // What was denied was claimed, and not sent.
    w.one(disclose(0, w.plain(2, 2), 0)).await;
    w.one(claim(2, OutboxState::Pending, 60)).await;
    w.one(finish(2, Delivery::Denied { reason: "no-consent".into() })).await;
    assert_eq!(w.one(echo(2, 2, "m-4", 90)).await, Outcome::Changed);
    // An operator's replay begins anew.
    w.one(disclose(0, w.plain(3, 3), 0)).await;
    w.one(claim(3, OutboxState::Pending, 60)).await;
    w.one(finish(3, Delivery::Dead { reason: "unconfirmed".into() })).await;
    w.one(Command::ReplayDead { message: message(3), due_at: at(92) }).await;
    w.one(claim(3, OutboxState::Pending, 160)).await;
    assert_eq!(w.one(echo(3, 3, "m-6", 93)).await, Outcome::Unchanged);
    assert_eq!(w.one(echo(3, 3, "m-7", 94)).await, Outcome::Changed, "once more than we tried");
}

pub(crate) async fn what_others_send_is_explained_or_an_alarm(w: &World) {
    let foreign = |kind, app: &str| Claim::Unexplained { kind, app_id: Some(app.into()) };
    assert_eq!(w.one(seen("m-desk", Claim::Explained { app_id: "11".into() }, 1)).await, Outcome::Unchanged);
    assert_eq!(w.one(seen("m-app", foreign(AlarmKind::OtherApp, "99"), 1)).await, Outcome::Changed);
    assert_eq!(
        w.one(seen("m-desk", foreign(AlarmKind::OtherApp, "99"), 2)).await,
        Outcome::Unchanged,
        "known"
    );
    assert!(w.store.kills().await.expect("answers").0.is_empty());
    let channel = conversation(1).channel;
    let claim = foreign(AlarmKind::NoMetadata, "7");
    let with_kill = || {
        Command::Sighted(Sighting {
            channel: channel.clone(),
            psid: None,
            mid: "m-us".into(),
            claim: claim.clone(),
            kill: true,
            at: at(3),
        })
    };
    assert_eq!(w.one(with_kill()).await, Outcome::Changed);
    let kills = w.store.kills().await.expect("answers").0;
    assert_eq!((kills.len(), &kills[0].scope), (1, &KillScope::Channel(channel.clone())));
    assert!(kills[0].reason.contains("no-metadata"), "{}", kills[0].reason);
    // Turned off by an operator, a redelivery of the same webhook does not turn it on again.
    w.one(Command::ClearKill(KillScope::Channel(channel.clone()))).await;
    assert_eq!(w.one(with_kill()).await, Outcome::Unchanged);
    assert!(w.store.kills().await.expect("answers").0.is_empty());
}

/// What is not of ours in a chat is on record for whoever's chat it is, and for nobody else: what it is, that it was
/// looked into and by whom, nothing of what it said.
pub(crate) async fn who_has_the_chat_is_told_of_what_others_sent(w: &World) {
    let one = w.customer(1).await;
    w.customer(2).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    w.one(Command::CreateLink(link(2, 2, LinkState::Pending))).await;
    let words = async |n| {
        let chain = w.chain(n).await;
        let read = |r: &StoredReceipt| serde_json::from_slice::<serde_json::Value>(&r.bytes).expect("JSON");
        let text = |v: &serde_json::Value| v.as_str().expect("text").to_owned();
        chain
            .iter()
            .map(read)
            .map(|r| [text(&r["kind"]), text(&r["template"]), text(&r["recipient"])])
            .collect::<Vec<_>>()
    };
    let foreign = |kind| Claim::Unexplained { kind, app_id: Some("99".into()) };
    let allowed = || Claim::Explained { app_id: "11".into() };
    for _ in 0..2 {
        w.one(seen("m-1", foreign(AlarmKind::OtherApp), 1)).await;
        w.one(seen("m-2", allowed(), 2)).await;
    }
    // A delivery says whose chat it was; what nothing names is an alarm later, without saying so again.
    w.one(seen("m-3", Claim::Delivered, 3)).await;
    let overdue = Sighting {
        channel: conversation(1).channel,
        psid: None,
        mid: "m-3".into(),
        claim: Claim::Unexplained { kind: AlarmKind::UnknownDelivery, app_id: None },
        kill: false,
        at: at(300),
    };
    assert_eq!(w.one(Command::Sighted(overdue)).await, Outcome::Changed);
    // Words that are not ours, under an id of ours.
    w.one(disclose(0, w.plain(1, 1), 0)).await;
    w.one(claim(1, OutboxState::Pending, 60)).await;
    let odd = |kind| Claim::Message { message: message(1), app_id: None, odd: Some(kind) };
    assert_eq!(w.one(seen("m-4", odd(AlarmKind::OtherWords), 4)).await, Outcome::Changed);
    let state = w.store.outbox_entry(message(1)).await.expect("answers").expect("is there").state;
    assert_eq!(state, OutboxState::Sending, "nothing is settled by it");
    let seen_by = |what: &str| ["sighting".to_owned(), what.to_owned(), "customer".to_owned()];
    let mut expected = vec![
        seen_by("other-app"),
        seen_by("allowed-app:11"),
        seen_by("unknown-delivery"),
        seen_by("other-words"),
    ];
    assert_eq!(words(1).await, expected);
    assert!(words(2).await.is_empty(), "another chat, and one that is not proved to be theirs");

    let alarms = w.store.alarms(false, 10).await.expect("answers");
    let first = alarms.iter().find(|alarm| alarm.mid == "m-1").expect("it").id;
    w.one(Command::CloseAlarm { id: first, by: "omar".into(), at: at(400) }).await;
    expected.push(["sighting", "closed", "agent:omar"].map(str::to_owned));
    assert_eq!(words(1).await, expected);
    let closed = w.store.alarms(true, 10).await.expect("answers").into_iter().find(|a| a.id == first);
    assert_eq!(closed.expect("it").closed_by.as_deref(), Some("omar"));
    // Who was erased meanwhile has no receipt any more, and the alarm can still be closed.
    let end = |from| Command::SetLink {
        shard: Shard(1),
        id: LinkId::from_bytes([1; 16]),
        from,
        to: LinkState::Ended,
        at: at(401),
    };
    w.one(end(LinkState::Active)).await;
    let (shard, customer, receipt) = (Shard(1), one.id, draft(ReceiptKind::Erasure));
    w.one(Command::BeginErasure { shard, customer, at: at(402), receipt }).await;
    let last = alarms.iter().find(|alarm| alarm.mid == "m-4").expect("it").id;
    assert_eq!(
        w.one(Command::CloseAlarm { id: last, by: "omar".into(), at: at(403) }).await,
        Outcome::Changed
    );
}

pub(crate) async fn a_delivery_that_nothing_names_is_an_alarm_after_a_while(w: &World) {
    for (n, mid) in [(1, "m-1"), (2, "m-2"), (3, "m-3")] {
        w.one(disclose(0, w.plain(n, n), 0)).await;
        w.one(claim(n, OutboxState::Pending, 60)).await;
        if n == 1 {
            w.one(finish(n, Delivery::Sent { mid: mid.into() })).await;
        }
        assert_eq!(w.one(seen(mid, Claim::Delivered, 10)).await, Outcome::Unchanged);
    }
    assert_eq!(w.one(seen("m-thief", Claim::Delivered, 10)).await, Outcome::Unchanged);
    let overdue = async |second| w.store.deliveries_overdue(at(second), 10).await.expect("answers");
    assert!(overdue(10 + DELIVERY_WAIT_S - 1).await.is_empty(), "not yet");
    // The answer of our call names the second meanwhile, an echo the third.
    w.one(finish(2, Delivery::Sent { mid: "m-2".into() })).await;
    w.one(echo(3, 3, "m-3", 20)).await;
    let found = overdue(10 + DELIVERY_WAIT_S).await;
    assert_eq!(found, [(conversation(1).channel, "m-thief".to_owned())]);
    let claim = Claim::Unexplained { kind: AlarmKind::UnknownDelivery, app_id: None };
    assert_eq!(w.one(seen("m-thief", claim, 200)).await, Outcome::Changed);
    assert!(overdue(9_999).await.is_empty());
    assert_eq!(kinds(w).await, [("m-thief".into(), AlarmKind::UnknownDelivery)]);
    // The sweep takes what is explained, and after a month everything; the alarm stays.
    assert_eq!(w.one(Command::Sweep { now: at(300), keep: Retention::default() }).await, Outcome::Changed);
    let month = 31 * 86_400;
    assert_eq!(w.one(Command::Sweep { now: at(month), keep: Retention::default() }).await, Outcome::Changed);
    assert_eq!(w.store.alarms(false, 10).await.expect("answers").len(), 1);
}

pub(crate) async fn switches_are_turned_without_a_key(w: &World) {
    let switches = open_switches(&w.place.url(), at(0)).await.expect("opens");
    let kill = |reason: &str| Kill { scope: KillScope::All, reason: reason.into(), since: at(1) };
    assert!(switches.set(kill("drill")).await.expect("set"));
    assert!(!switches.set(kill("again")).await.expect("answers"), "on twice is once");
    // The store beside it, which holds a connection of its own, sees it at once, and the other way round.
    assert_eq!(w.store.kills().await.expect("answers").0, [kill("drill")]);
    w.one(Command::ClearKill(KillScope::All)).await;
    assert!(switches.kills().await.expect("answers").0.is_empty());
    assert!(!switches.clear(KillScope::All).await.expect("answers"));
    w.one(Command::SetKill(kill("more"))).await;
    assert!(switches.clear(KillScope::All).await.expect("cleared"));
    assert!(w.store.kills().await.expect("answers").0.is_empty());
    let customer = w.customer(1).await;
    assert!(switches.knows(customer.id).await.expect("answers"));
    assert!(!switches.knows(CustomerId::from_bytes([0xee; 16])).await.expect("answers"));
}

pub(crate) async fn flags_are_read_without_a_key(w: &World) {
    let flags = open_flags(&w.place.url()).expect("opens");
    assert!(flags.kills().await.expect("answers").0.is_empty());
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: at(1) };
    w.one(Command::SetKill(kill.clone())).await;
    assert_eq!(flags.kills().await.expect("answers").0, [kill]);
    w.customer(1).await;
    let active = link(1, 1, LinkState::Active);
    assert!(!flags.is_link_active(active.id).await.expect("answers"));
    w.one(Command::CreateLink(active.clone())).await;
    assert!(flags.is_link_active(active.id).await.expect("answers"));
    let end = Command::SetLink {
        shard: Shard(1),
        id: active.id,
        from: LinkState::Active,
        to: LinkState::Ended,
        at: at(2),
    };
    w.one(end).await;
    assert!(!flags.is_link_active(active.id).await.expect("answers"));
}

pub(crate) async fn the_outbox_is_read_in_pages_between_two_instants(w: &World) {
    for n in 1..=5 {
        w.one(disclose(0, w.plain(n, n), i64::from(n))).await;
    }
    let between = async |after, from, to, limit| {
        let page = w.store.outbox_between(after, at(from), at(to), limit).await.expect("answers");
        page.into_iter().map(|entry| (entry.shard, entry.position)).collect::<Vec<_>>()
    };
    let begin = (Shard(0), -1);
    let all = between(begin, 2, 4, 10).await;
    assert_eq!(all.len(), 3);
    assert!(all.is_sorted(), "{all:?}");
    let first = between(begin, 2, 4, 2).await;
    assert_eq!((&first[..], &between(first[1], 2, 4, 2).await[..]), (&all[..2], &all[2..]));
    assert!(between(all[2], 2, 4, 2).await.is_empty());
}

/// Goal: each switch is on and off by itself, also those of one purpose that differ in a bank or a page alone.
pub(crate) async fn kill_switches(w: &World) {
    let flow = |purpose, institution: Option<&str>, channel: Option<&str>| {
        let (institution, channel) = (institution.map(id), channel.map(id));
        KillScope::Purpose(PurposeScope { purpose, institution, channel })
    };
    let scopes = [
        KillScope::All,
        KillScope::Institution(id("cedar-bank")),
        KillScope::Channel(id("1001")),
        KillScope::Customer(customer_id(1)),
        flow(Purpose::TransactionUpdate, None, None),
        flow(Purpose::BalanceUpdate, None, None),
        flow(Purpose::TransactionUpdate, Some("cedar-bank"), None),
        flow(Purpose::TransactionUpdate, None, Some("1001")),
        flow(Purpose::TransactionUpdate, Some("cedar-bank"), Some("1001")),
    ];
    for (n, scope) in (0..).zip(scopes.clone()) {
        let kill = Kill { scope, reason: "drill".into(), since: at(n) };
        assert_eq!(w.one(Command::SetKill(kill.clone())).await, Outcome::Changed);
        let again = Kill { reason: "again".into(), ..kill };
        assert_eq!(w.one(Command::SetKill(again)).await, Outcome::Unchanged);
    }
    let on = w.store.kills().await.expect("answers");
    assert_eq!(on.0.iter().map(|k| k.scope.clone()).collect::<Vec<_>>(), scopes);
    assert!(on.0.iter().all(|k| k.reason == "drill"));
    for scope in scopes {
        assert_eq!(w.one(Command::ClearKill(scope.clone())).await, Outcome::Changed);
        assert_eq!(w.one(Command::ClearKill(scope)).await, Outcome::Unchanged);
    }
    assert_eq!(w.store.kills().await.expect("answers"), KillSwitches::default());
}
