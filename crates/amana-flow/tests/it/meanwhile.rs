//! What goes on while a channel does not: people who write and are not heard, messages that cannot be sent, texts that
//! the platform does not let out, a person who was promised and cannot be had. Nothing is lost silently.

use crate::support::*;
use amana_channel::messenger::INBOX_APP;
use amana_channel::webhook::{ChannelEvent, ChannelEventKind, Inbound, InboundKind, parse};
use amana_channel::{Heard, SendError};
use amana_core::*;
use amana_flow::{Reconcile, limits};
use amana_store::{AlarmKind, ChannelHealth};
use serde_json::json;

async fn alarms(rig: &Rig) -> Vec<AlarmKind> {
    let mut kinds: Vec<_> =
        rig.store.alarms(false, 20).await.expect("answers").iter().map(|alarm| alarm.kind).collect();
    kinds.sort_by_key(|kind| kind.as_str());
    kinds
}

async fn after(rig: &Rig, seconds: i64) {
    rig.clock.advance_s(seconds);
    rig.gateway.settle().await.expect("settled");
}

async fn asks_for_a_person(rig: &Rig, psid: &str) {
    let (mid, payload) = (Some(format!("tap-{}", rig.next())), Some("v1:person".to_owned()));
    rig.event(psid, InboundKind::Postback { mid, payload, title: None, referral: None }).await;
}

fn wrote(rig: &Rig, psid: &str, mid: &str, text: &str) -> Heard {
    let psid = Psid::new(psid).expect("an id");
    Heard { psid, mid: mid.to_owned(), text: Some(text.to_owned()), at: rig.clock.now() }
}

/// An hour without us: the platform has ended the subscription, and the first look after the start finds it.
#[tokio::test]
async fn what_people_wrote_while_the_gateway_was_down_is_heard_once() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    let by_webhook =
        Inbound::fetched(conversation("1"), "m-old".to_owned(), Some("help".to_owned()), rig.clock.now());
    rig.gateway.accept_chat(&[by_webhook]).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert!(!rig.sees("1").is_empty());
    let old = wrote(&rig, "1", "m-old", "help");
    rig.clock.advance_s(3_600);
    *rig.channel.heard.lock().unwrap() =
        vec![old, wrote(&rig, "1", "m-stop", "stop"), wrote(&rig, "2", "m-new", "hello")];
    *rig.channel.missed.lock().unwrap() = vec!["messages".into()];
    // The platform fails at first: it is fetched all the same.
    *rig.channel.heard_fails.lock().unwrap() = 1;
    rig.restart().await;
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    assert_eq!(alarms(&rig).await, [AlarmKind::Deaf], "people were not heard: also at the first look");
    assert!(!rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty(), "not yet");

    after(&rig, 60).await;
    assert!(
        rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty(),
        "`stop` was heard"
    );
    let said = rig.sees("1");
    assert_eq!(said.len(), 1, "what had been answered before is not answered again: {said:?}");
    assert!(!rig.sees("2").is_empty(), "also who was never seen before");
    assert_eq!(rig.store.counts().await.expect("answers").jobs_dead, 0);
}

/// The subscription is there again and nothing says any more that it was not: the fetch was durable before.
#[tokio::test]
async fn a_crash_once_the_platform_tells_us_again_loses_nothing() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    rig.sees("1");
    rig.clock.advance_s(3_600);
    *rig.channel.heard.lock().unwrap() = vec![wrote(&rig, "1", "m-stop", "stop")];
    *rig.channel.missed.lock().unwrap() = vec!["messages".into()];
    *rig.channel.listen_unanswered.lock().unwrap() = true;
    rig.gateway.look_after_channels().await;
    assert!(rig.channel.missed.lock().unwrap().is_empty(), "it was carried out");
    rig.restart().await;
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    assert!(rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty());
    assert_eq!(alarms(&rig).await, [AlarmKind::Deaf]);
}

/// The record has what a button said, and that there is a picture; what came by a webhook before is known again.
#[tokio::test]
async fn taps_and_pictures_of_an_outage_are_understood_by_what_the_record_has_of_them() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("1", "hello").await;
    rig.sees("1");
    let tap = json!({"mid": "m-tap", "title": "Help", "payload": "v1:help"});
    let at = rig.clock.now().as_millisecond();
    let item = json!({"sender": {"id": "1"}, "recipient": {"id": PAGE}, "timestamp": at, "postback": tap});
    let body = json!({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": [item]}]});
    let body = body.to_string();
    let by_webhook = parse(body.as_bytes()).expect("a webhook").events;
    rig.gateway.accept_chat(&by_webhook).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("1").len(), 1);
    let picture = Heard { text: None, ..wrote(&rig, "1", "m-picture", "") };
    *rig.channel.heard.lock().unwrap() =
        vec![wrote(&rig, "1", "m-tap", "Help"), picture, wrote(&rig, "1", "m-late", "Help")];
    *rig.channel.missed.lock().unwrap() = vec!["messaging_postbacks".into()];
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    let said = rig.sees("1");
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("I can only read text"), "{said:?}");
    // Its webhook comes late, after all.
    let late = body.replace("m-tap", "m-late");
    rig.gateway.accept_chat(&parse(late.as_bytes()).expect("a webhook").events).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn a_page_on_which_nobody_ever_wrote_was_only_not_set_up_yet() {
    let rig = Rig::new().await;
    *rig.channel.missed.lock().unwrap() = vec!["messages".into()];
    rig.gateway.look_after_channels().await;
    assert_eq!(alarms(&rig).await, []);
}

/// What people in the inbox are told meanwhile is not ours.
#[tokio::test]
async fn what_was_said_to_people_is_not_answered_when_it_is_fetched() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    let to = Some(INBOX_APP.to_owned());
    let passed = amana_channel::webhook::Handover::Passed { from: None, to, metadata: None };
    rig.event("1", InboundKind::Handover(passed)).await;
    rig.clock.advance_s(60);
    *rig.channel.heard.lock().unwrap() = vec![wrote(&rig, "1", "m-desk", "help")];
    *rig.channel.missed.lock().unwrap() = vec!["messages".into()];
    rig.gateway.look_after_channels().await;
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn a_text_that_cannot_be_used_is_an_alarm() {
    let rig = Rig::new().await;
    let status = async |status: &str| {
        let kind = ChannelEventKind::TemplateStatus {
            status: status.into(),
            name: "amana_news_1".into(),
            language: "ar".into(),
            reason: None,
        };
        let key = EventKey::new(None, "test", status);
        let event = ChannelEvent { channel: conversation("1").channel, at: rig.clock.now(), key, kind };
        rig.gateway.accept_channel(&[event]).await.expect("accepted");
    };
    status("PENDING").await;
    status("APPROVED").await;
    assert_eq!(alarms(&rig).await, []);
    for bad in ["REJECTED", "PAUSED", "DISABLED", "DISABLED"] {
        status(bad).await;
    }
    assert_eq!(alarms(&rig).await, [AlarmKind::TemplateUnusable; 3], "one for each word");
    // One that is never decided on is one too.
    status("PENDING").await;
    rig.clock.advance_s(3_600);
    status("PENDING").await;
    assert_eq!(alarms(&rig).await.len(), 3);
    rig.clock.advance_s(86_400);
    status("PENDING").await;
    assert_eq!(alarms(&rig).await.len(), 4);
}

/// The customer was told that a person comes: that outlives a restart and a dead token, and is an operator's business
/// when it takes long.
#[tokio::test]
async fn a_person_who_was_promised_comes_in_the_end() {
    let allowed = Reconcile { allowed_apps: [INBOX_APP.to_owned()].into(), ..Reconcile::default() };
    let rig = Rig::with(allowed).await;
    *rig.channel.pass_error.lock().unwrap() = Some(SendError::TokenDead);
    asks_for_a_person(&rig, "1").await;
    assert!(!rig.sees("1").is_empty());
    after(&rig, 40).await;
    assert_eq!(alarms(&rig).await, []);
    for _ in 0..5 {
        after(&rig, 1_200).await;
    }
    assert_eq!(alarms(&rig).await, [AlarmKind::ThreadRequested]);
    *rig.channel.pass_error.lock().unwrap() = None;
    after(&rig, 1_200).await;
    assert_eq!(*rig.channel.passed.lock().unwrap(), ["1"]);

    // What the platform refuses for good is not tried on.
    *rig.channel.pass_error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    asks_for_a_person(&rig, "2").await;
    after(&rig, 40).await;
    assert_eq!(alarms(&rig).await, [AlarmKind::ThreadRequested; 2]);
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!(counts.jobs_dead, 0);
}

/// For hours the platform says "try again": nothing is given up, and the order holds.
#[tokio::test]
async fn an_error_that_passes_is_waited_out_in_order() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    *rig.channel.error.lock().unwrap() = Some(SendError::Transient { what: "a test" });
    rig.says("1", "help").await;
    rig.says("1", "thanks").await;
    for _ in 0..60 {
        after(&rig, 180).await;
    }
    assert!(rig.store.dead_letters(9).await.expect("answers").is_empty());
    *rig.channel.error.lock().unwrap() = None;
    after(&rig, 400).await;
    after(&rig, 400).await;
    let waited = rig.sees("1");
    rig.says("1", "help").await;
    let help = rig.sees("1");
    assert!(waited.len() >= 2 && waited[0] == help[0], "{waited:?}");
}

/// A page that cannot send says so a day before the first message is lost.
#[tokio::test]
async fn that_what_waits_is_soon_over_is_said_before() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    rig.says("1", "help").await;
    let queue = rig.store.channel_queue(&conversation("1").channel).await.expect("answers");
    assert!(queue.expires_at.is_some_and(|at| at > rig.clock.now()), "{queue:?}");
    let kinds = async || {
        rig.gateway.look_after_channels().await;
        // The look itself finds the token well again; the next send does not.
        rig.gateway.settle().await.expect("settled");
        alarms(&rig).await.contains(&AlarmKind::WaitingExpires)
    };
    assert!(!kinds().await);
    // The person goes on writing, so that it is the token alone that holds the answers up.
    for hours in [20, 20, 10] {
        rig.clock.advance_s(hours * 3_600);
        rig.says("1", "help").await;
    }
    assert!(kinds().await);
}

/// So does one whose messages are held, because the person's window closed meanwhile: they end as well.
#[tokio::test]
async fn that_what_is_held_is_soon_over_is_said_before() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    rig.says("1", "help").await;
    for hours in [20, 20] {
        rig.clock.advance_s(hours * 3_600);
        rig.gateway.settle().await.expect("settled");
        rig.gateway.look_after_channels().await;
    }
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.outbox_open, counts.outbox_held), (0, 1), "all of it is held");
    assert!(!alarms(&rig).await.contains(&AlarmKind::WaitingExpires));
    rig.clock.advance_s(10 * 3_600);
    rig.gateway.look_after_channels().await;
    assert!(alarms(&rig).await.contains(&AlarmKind::WaitingExpires));
}

/// Goal: that there is no way to the platform is seen where nobody writes, and a channel that goes on, by a look or by
/// a send, is asked soon whether it still hears everything.
#[tokio::test]
async fn a_way_that_is_gone_is_seen_and_what_ended_meanwhile_is_found_soon() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    let looks_after = async |seconds: i64| {
        rig.clock.advance_s(seconds * 5 / 4 + 1);
        rig.gateway.look_after_channels().await;
        rig.store.channel_states().await.expect("answers").first().map_or(ChannelHealth::Good, |of| of.health)
    };
    let error = |error| *rig.channel.error.lock().unwrap() = error;
    let deaf = || *rig.channel.missed.lock().unwrap() = vec!["messages".into()];
    let hears = || rig.channel.missed.lock().unwrap().is_empty();
    assert_eq!(looks_after(0).await, ChannelHealth::Good);
    error(Some(SendError::NoWay { what: "a test" }));
    assert_eq!(looks_after(limits::CHANNEL_LOOK_S).await, ChannelHealth::NoWay);
    error(None);
    deaf();
    assert_eq!(looks_after(limits::NO_WAY_PAUSE_S).await, ChannelHealth::Good);
    assert!(hears());
    assert_eq!(alarms(&rig).await, [AlarmKind::Deaf]);

    rig.gateway.settle().await.expect("settled");
    error(Some(SendError::TokenDead));
    rig.says("1", "help").await;
    deaf();
    assert_eq!(looks_after(0).await, ChannelHealth::TokenDead, "and it is not time to look");
    error(None);
    rig.clock.advance_s(limits::PAGE_PAUSE_S * 5 / 4 + 1);
    rig.gateway.settle().await.expect("settled");
    assert!(!rig.sees("1").is_empty(), "it was sent");
    // The last look set the next one, with its quarter at random; it is sooner now by so much.
    let spread = limits::CHANNEL_LOOK_S / 4;
    assert_eq!(looks_after(limits::CHANNEL_LOOK_AGAIN_S + spread).await, ChannelHealth::Good);
    assert!(hears(), "the look was soon");
}
