//! Customers who cannot be told now: away, or in somebody else's hands; and channels that do not stand well.

use crate::support::*;
use amana_channel::messenger::INBOX_APP;
use amana_channel::webhook::{
    ChannelEvent, ChannelEventKind, Handover, Inbound, InboundKind, ReactionAction, Referral,
};
use amana_channel::{SendError, ThreadOwner};
use amana_core::*;
use amana_flow::*;
use amana_store::{AlarmKind, ChannelHealth, Command, Elsewhere, PlatformRequestKind};
use std::sync::Arc;

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

async fn about(rig: &Rig, kind: ChannelEventKind) {
    let event = ChannelEvent {
        channel: conversation("1").channel,
        at: rig.clock.now(),
        key: EventKey::new(None, PAGE, &rig.next().to_string()),
        kind,
    };
    rig.gateway.accept_channel(&[event]).await.expect("accepted");
}

async fn approve(rig: &Rig, status: &str) {
    for language in ["en", "ar"] {
        let kind = ChannelEventKind::TemplateStatus {
            status: status.into(),
            name: "amana_news_1".into(),
            language: language.into(),
            reason: None,
        };
        about(rig, kind).await;
    }
}

async fn tap(rig: &Rig, payload: &str) {
    let (mid, payload) = (Some(format!("tap-{}", rig.next())), Some(payload.to_owned()));
    rig.event("1", InboundKind::Postback { mid, payload, title: None, referral: None }).await;
}

async fn settle_after(rig: &Rig, seconds: i64) {
    rig.clock.advance_s(seconds);
    rig.gateway.settle().await.expect("settled");
}

fn handover(kind: Handover) -> InboundKind {
    InboundKind::Handover(kind)
}

fn waiting(rig: &Rig) -> impl Future<Output = u64> {
    let store = rig.store.clone();
    async move { store.counts().await.expect("answers").news_waiting }
}

#[tokio::test]
async fn who_is_away_hears_once_that_there_is_news_and_the_rest_as_one_message() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    approve(&rig, "APPROVED").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 450).await;
    let said = rig.sees("1");
    assert!(
        said.len() == 1 && said[0].contains("There is news about your account at Cedar Bank"),
        "{said:?}"
    );
    assert!(!said[0].contains("4.50") && !said[0].contains("Blue Bottle"), "{said:?}");
    let last = rig.channel.last.lock().unwrap().clone();
    assert!(last.contains(r#""messaging_type":"UTILITY""#) && !last.contains("4.50"), "{last}");
    purchase(&rig, "t2", 460).await;
    rig.pushes(rig.balance(10_000, 9_550)).await;
    assert!(rig.sees("1").is_empty(), "told once that there is something");
    assert_eq!(waiting(&rig).await, 3);

    tap(&rig, "v1:news").await;
    let said = rig.sees("1");
    assert_eq!(said.len(), 2, "one message for each purpose, and no other: {said:?}");
    let purchases = said.iter().find(|text| text.contains("4.50")).expect("the purchases");
    assert!(
        purchases.contains("4.60") && purchases.contains("there were 2 things at Cedar Bank"),
        "{said:?}"
    );
    assert!(purchases.find("4.50") < purchases.find("4.60"), "oldest first");
    assert!(said.iter().any(|text| text.contains("95.50")));
    assert_eq!(waiting(&rig).await, 0);
    // Each of the three messages has its receipt, and what was said is in it.
    assert!(rig.gateway.privacy_view(&cookie, None).await.is_err(), "the browser's session is over by now");
    let customer = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let receipts = rig.store.receipts(customer.shard, customer.customer, 0, 100).await.unwrap();
    let texts: Vec<String> =
        receipts.iter().map(|r| String::from_utf8_lossy(&r.bytes).into_owned()).collect();
    let disclosed = |template: &str, form: &str| {
        let (template, form) = (format!("\"template\":\"{template}\""), format!("\"form\":\"{form}\""));
        texts.iter().filter(|t| t.contains(&template) && t.contains(&form)).count()
    };
    assert_eq!(disclosed("update", "notice"), 1, "{texts:#?}");
    assert_eq!(disclosed("updates", "detail"), 1, "{texts:#?}");
    assert_eq!(disclosed("update", "detail"), 1, "the balance alone: {texts:#?}");
    tap(&rig, "v1:news").await;
    assert!(rig.sees("1").concat().contains("nothing new"));
}

#[tokio::test]
async fn a_notice_comes_again_after_a_day_at_the_earliest_and_only_while_it_is_approved() {
    let rig = Rig::new().await;
    rig.link("1").await;
    approve(&rig, "PENDING").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").is_empty(), "not approved: nothing at all");
    approve(&rig, "APPROVED").await;
    purchase(&rig, "t2", 460).await;
    assert_eq!(rig.sees("1").len(), 1);
    rig.clock.advance_s(80_000);
    purchase(&rig, "t3", 470).await;
    assert!(rig.sees("1").is_empty());
    rig.clock.advance_s(10_000);
    purchase(&rig, "t4", 480).await;
    assert_eq!(rig.sees("1").len(), 1);
    approve(&rig, "PAUSED").await;
    rig.clock.advance_s(90_000);
    purchase(&rig, "t5", 490).await;
    assert!(rig.sees("1").is_empty());
    rig.says("1", "hello").await;
    let said = rig.sees("1");
    assert_eq!(said.len(), 2, "the answer, and all five as one: {said:?}");
    for amount in ["4.50", "4.60", "4.70", "4.80", "4.90"] {
        assert!(said.concat().contains(amount), "{amount}");
    }
}

#[tokio::test]
async fn a_story_that_went_on_meanwhile_is_told_as_it_ended() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 2_000).await;
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 2_400)).await;
    purchase(&rig, "t2", 999).await;
    rig.pushes(rig.transaction(BankEventKind::TransactionReversed, "r2", Some("t2"), 999)).await;
    assert_eq!(waiting(&rig).await, 2, "newer news take the place of older ones");
    rig.says("1", "hello").await;
    let said = rig.sees("1").concat();
    assert!(
        said.contains("24.00") && !said.contains("20.00"),
        "never heard of: the final amount alone: {said}"
    );
    assert_eq!(said.matches("9.99").count(), 1, "{said}");
}

#[tokio::test]
async fn what_is_taken_back_meanwhile_is_not_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 450).await;
    rig.says("1", "stop").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50"), "{said}");
    assert_eq!(waiting(&rig).await, 0, "with the link goes what waits on it");
    // Too old to be news.
    rig.link("1").await;
    rig.sees("1");
    rig.clock.advance_s(86_400);
    purchase(&rig, "t2", 470).await;
    rig.clock.advance_s(8 * 86_400);
    rig.says("1", "hello").await;
    assert!(!rig.sees("1").concat().contains("4.70"));
}

/// What waited and was never said is not "changed" later, and what is booked for it is not silent: whether the customer
/// ended the link, took the purpose back or was away for too long, and whatever the bank calls it then.
#[tokio::test]
async fn what_was_never_told_is_new_when_more_comes_of_it() {
    for (how, reference, minor) in [
        ("stop", Some("t1"), 470),
        ("stop", None, 450),
        ("purpose", Some("t1"), 470),
        ("purpose", None, 450),
        ("old", Some("t1"), 470),
    ] {
        let rig = Rig::new().await;
        let cookie = rig.link("1").await;
        let owner = async |app: Option<&str>| {
            let since = rig.clock.now();
            let elsewhere = app.map(|app| Elsewhere { app: Some(app.into()), since });
            let owner = Command::SetOwner { conversation: conversation("1"), elsewhere, said_at: since };
            rig.store.submit(vec![owner]).await.expect("set");
        };
        if how == "purpose" {
            rig.clock.advance_s(60);
            owner(Some("99")).await;
        } else {
            rig.clock.advance_s(86_400);
        }
        purchase(&rig, "t1", 450).await;
        assert_eq!(waiting(&rig).await, 1);
        match how {
            "stop" => rig.says("1", "stop").await,
            "old" => rig.clock.advance_s(8 * 86_400),
            _ => {
                let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
                let (id, purpose) = (view.consents[0].id, Some(Purpose::TransactionUpdate));
                rig.gateway.privacy_revoke(&cookie, &view.csrf, id, purpose).await.expect("taken back");
                rig.clock.advance_s(60);
                owner(None).await;
            }
        }
        rig.says("1", "hello").await;
        assert!(!rig.sees("1").concat().contains("4.50"), "{how}");
        assert_eq!(waiting(&rig).await, 0, "{how}");
        if how != "old" {
            rig.says("1", "stop").await;
            rig.link("1").await;
        }
        rig.sees("1");
        rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", reference, minor)).await;
        let said = rig.sees("1").concat();
        let amount = format!("4.{}", minor - 400);
        assert!(said.contains(&amount) && !said.contains("has changed"), "{how} {reference:?}: {said}");
    }
}

#[tokio::test]
async fn a_kill_switch_keeps_what_waits() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 450).await;
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![amana_store::Command::SetKill(kill)]).await.unwrap();
    rig.says("1", "hello").await;
    assert_eq!(waiting(&rig).await, 1);
    rig.store.submit(vec![amana_store::Command::ClearKill(KillScope::All)]).await.unwrap();
    settle_after(&rig, 90).await;
    assert!(rig.sees("1").concat().contains("4.50"));
}

#[tokio::test]
async fn while_somebody_else_has_the_conversation_we_are_silent_and_nothing_is_lost() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let inbox = || Some(INBOX_APP.to_owned());
    let taken = Handover::Taken { from: Some("4242".into()), to: inbox(), metadata: None };
    rig.event("1", InboundKind::Standby(Box::new(handover(taken)))).await;
    let text = InboundKind::Text { mid: "m-human".into(), text: "what's my balance?".into() };
    rig.event("1", InboundKind::Standby(Box::new(text))).await;
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").is_empty());
    assert_eq!(waiting(&rig).await, 1);
    let queue = rig.store.channel_queue(&conversation("1").channel).await.unwrap();
    assert_eq!((queue.elsewhere, queue.waiting), (1, 1));
    settle_after(&rig, 3_600).await;
    assert!(rig.sees("1").is_empty());
    // Given back to nobody in particular.
    rig.event("1", handover(Handover::Passed { from: inbox(), to: None, metadata: None })).await;
    assert!(rig.sees("1").concat().contains("4.50"));

    // Without a word of who has it: the platform refuses, and it is tried again after a while.
    *rig.channel.error.lock().unwrap() = Some(SendError::NotThreadOwner);
    purchase(&rig, "t2", 460).await;
    *rig.channel.error.lock().unwrap() = None;
    settle_after(&rig, 90).await;
    assert!(rig.sees("1").is_empty(), "not tried yet");
    settle_after(&rig, 700).await;
    assert!(rig.sees("1").concat().contains("4.60"));

    // Nobody ever gives it back: it is over after a day.
    let passed = Handover::Passed { from: None, to: inbox(), metadata: None };
    rig.event("1", handover(passed)).await;
    rig.clock.advance_s(3_600);
    let text = InboundKind::Text { mid: "m-human-2".into(), text: "thanks".into() };
    rig.event("1", InboundKind::Standby(Box::new(text))).await;
    purchase(&rig, "t3", 470).await;
    assert!(rig.sees("1").is_empty());
    // A person's act that comes to us as ours says that it is ours.
    rig.says("1", "hello").await;
    assert!(rig.sees("1").concat().contains("4.70"));
}

#[tokio::test]
async fn who_asks_for_a_person_is_passed_to_the_inbox_after_the_echo() {
    let allowed = Reconcile { allowed_apps: [INBOX_APP.to_owned()].into(), ..Reconcile::default() };
    let rig = Rig::with(allowed).await;
    rig.link("1").await;
    tap(&rig, "v1:person").await;
    assert_eq!(rig.sees("1").len(), 1);
    assert!(rig.channel.passed.lock().unwrap().is_empty(), "its echo would go astray");
    settle_after(&rig, 6).await;
    assert_eq!(*rig.channel.passed.lock().unwrap(), ["1"]);
    purchase(&rig, "t1", 450).await;
    assert!(rig.sees("1").is_empty(), "it is theirs now");
    // Where the inbox is not to answer, nothing is passed.
    let rig = Rig::new().await;
    tap(&rig, "v1:person").await;
    settle_after(&rig, 60).await;
    assert!(rig.channel.passed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_channel_that_does_not_stand_well_is_seen_and_mends_by_itself() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let channel = conversation("1").channel;
    let states = || async {
        rig.store.channel_states().await.unwrap().into_iter().map(|s| s.health).collect::<Vec<_>>()
    };
    for (error, health, alarm) in [
        (SendError::TokenDead, ChannelHealth::TokenDead, Some(AlarmKind::TokenDead)),
        (SendError::PageBlocked, ChannelHealth::Blocked, Some(AlarmKind::ChannelBlocked)),
        (
            SendError::NotAllowed { code: 200, sub: None },
            ChannelHealth::NotAllowed,
            Some(AlarmKind::NotAllowed),
        ),
        (SendError::NoWay { what: "a test" }, ChannelHealth::NoWay, None),
        (
            SendError::Throttled { retry_after: std::time::Duration::from_secs(30) },
            ChannelHealth::Throttled,
            None,
        ),
    ] {
        let before = rig.store.alarms(false, 100).await.unwrap().len();
        *rig.channel.error.lock().unwrap() = Some(error);
        purchase(&rig, &format!("t-{health:?}"), 450).await;
        assert_eq!(states().await, [health]);
        settle_after(&rig, 80).await;
        let alarms = rig.store.alarms(false, 100).await.unwrap();
        assert_eq!(alarms.len() - before, usize::from(alarm.is_some()), "one alarm for one trouble");
        if let Some(kind) = alarm {
            assert!(alarms.iter().any(|a| a.kind == kind && a.channel == channel));
        }
        *rig.channel.error.lock().unwrap() = None;
        settle_after(&rig, 80).await;
        assert!(states().await.is_empty());
        assert_eq!(rig.sees("1").len(), 1, "nothing lost");
    }
    // The platform's own word.
    let enforce = |action: &str| ChannelEventKind::PolicyEnforcement { action: action.into(), reason: None };
    about(&rig, enforce("warning")).await;
    assert_eq!(states().await, [ChannelHealth::Warned]);
    purchase(&rig, "t-warned", 451).await;
    assert_eq!((states().await, rig.sees("1").len()), (vec![ChannelHealth::Warned], 1), "a warning stays");
    about(&rig, enforce("block")).await;
    purchase(&rig, "t-blocked", 452).await;
    assert!(rig.sees("1").is_empty(), "the channel rests");
    about(&rig, enforce("unblock")).await;
    rig.gateway.settle().await.unwrap();
    assert_eq!((states().await, rig.sees("1").len()), (vec![], 1));
    let kinds: Vec<_> = rig.store.alarms(false, 100).await.unwrap().into_iter().map(|a| a.kind).collect();
    assert!(kinds.contains(&AlarmKind::ChannelWarned) && kinds.contains(&AlarmKind::ChannelBlocked));
}

/// The share of the app is every Page's: all rest, also those whose own calls said nothing; and all go on. A limit of
/// one Page is that Page's alone.
#[tokio::test]
async fn a_limit_of_the_app_rests_every_page_and_one_of_a_page_that_page() {
    let retry_after = std::time::Duration::from_secs(30);
    for (whole, error) in
        [(true, SendError::ThrottledApp { retry_after }), (false, SendError::Throttled { retry_after })]
    {
        let rig = Rig::new().await;
        rig.link("1").await;
        let other = ConversationId {
            channel: ChannelId::new("1002").expect("an id"),
            psid: Psid::new("7").expect("an id"),
        };
        let gateway = build_on(
            &[PAGE, other.channel.as_str()],
            rig.store.clone(),
            &rig.bank,
            rig.channel.clone(),
            rig.clock.clone(),
            Arc::new(SeededEntropy::new(12)),
            (log_parts(), Reconcile::default()),
        );
        *rig.channel.error.lock().unwrap() = Some(error);
        let news = rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450);
        gateway.accept_bank(&[news]).await.expect("accepted");
        gateway.settle().await.expect("settled");
        *rig.channel.error.lock().unwrap() = None;
        let asks = Inbound {
            conversation: other.clone(),
            at: rig.clock.now(),
            key: EventKey::new(None, other.channel.as_str(), "1"),
            kind: InboundKind::Text { mid: "m_1".into(), text: "help".into() },
        };
        gateway.accept_chat(&[asks]).await.expect("accepted");
        rig.clock.advance_s(20);
        gateway.settle().await.expect("settled");
        assert!(rig.sees("1").is_empty(), "as long as it was told");
        assert_eq!(rig.sees("7").is_empty(), whole, "the other Page");
        rig.clock.advance_s(40);
        gateway.settle().await.expect("settled");
        assert_eq!((rig.sees("1").len(), rig.sees("7").is_empty()), (1, !whole));
        assert!(rig.store.channel_states().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_blocked_us_is_told_when_they_come_back() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.channel.error.lock().unwrap() = Some(SendError::Unreachable);
    purchase(&rig, "t1", 450).await;
    *rig.channel.error.lock().unwrap() = None;
    let channel = conversation("1").channel;
    assert_eq!(rig.store.channel_queue(&channel).await.unwrap().unreachable, 1);
    settle_after(&rig, 3_600).await;
    assert!(rig.sees("1").is_empty());
    rig.says("1", "hello").await;
    assert!(rig.sees("1").concat().contains("4.50"));
    assert_eq!(rig.store.channel_queue(&channel).await.unwrap().unreachable, 0);
}

/// Whatever keeps messages back, what came meanwhile is one message when it is over, and none of it is lost.
#[tokio::test]
async fn who_could_not_be_told_for_long_is_not_told_in_a_hail_of_messages() {
    for error in [
        SendError::Unreachable,
        SendError::WindowClosed,
        SendError::TokenDead,
        SendError::PageBlocked,
        SendError::NotAllowed { code: 10, sub: None },
        SendError::NoWay { what: "a test" },
    ] {
        let rig = Rig::new().await;
        rig.link("1").await;
        *rig.channel.error.lock().unwrap() = Some(error.clone());
        for n in 1..=6 {
            purchase(&rig, &format!("t{n}"), 400 + n).await;
        }
        // Long after a dozen attempts would be used up.
        for _ in 0..40 {
            settle_after(&rig, 90).await;
        }
        assert!(rig.sees("1").is_empty());
        let counts = rig.store.counts().await.unwrap();
        assert_eq!((counts.outbox_dead, counts.news_waiting), (0, 5), "{error}: {counts:?}");
        *rig.channel.error.lock().unwrap() = None;
        match error {
            SendError::WindowClosed | SendError::Unreachable => rig.says("1", "hello").await,
            _ => settle_after(&rig, 90).await,
        }
        settle_after(&rig, 1).await;
        let said = rig.sees("1");
        let news: Vec<&String> = said.iter().filter(|text| text.contains("4.0")).collect();
        assert_eq!(news.len(), 2, "{error}: the one that was tried, and the rest as one: {said:?}");
        let all = news[1].clone();
        assert!((2..=6).all(|n| all.contains(&format!("4.0{n}"))), "{error}: {all}");
        assert!(news[0].contains("4.01"), "{error}: in order: {said:?}");
    }
}

#[tokio::test]
async fn what_a_platform_asks_for_is_done_and_can_be_looked_up() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let gone = rig.platform_asks(PlatformRequestKind::Deauthorisation, "app-1").await;
    assert!(rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty());
    rig.link("1").await;
    let customer = rig.store.links_of_conversation(&conversation("1")).await.unwrap()[0].customer;
    let answer = rig.platform_asks(PlatformRequestKind::Deletion, "app-1").await;
    assert!(answer.url.ends_with(&format!("/privacy/deletion/{}", answer.code)), "{answer:?}");
    assert_ne!(gone.code, answer.code);
    let request = rig.gateway.platform_request(&answer.code).await.unwrap().expect("on record");
    assert_eq!((request.kind, request.chats), (PlatformRequestKind::Deletion, 1));
    assert!(request.done_at.is_some());
    assert_eq!(rig.store.customer_place(customer).await.unwrap(), None, "erased");
    // Whom the platform does not tell, and codes of nobody's.
    let nobody = rig.platform_asks(PlatformRequestKind::Deletion, "218471").await;
    assert_eq!(rig.gateway.platform_request(&nobody.code).await.unwrap().unwrap().chats, 0);
    for code in ["", "zz", "00000000000000000000000000000000"] {
        assert_eq!(rig.gateway.platform_request(code).await.unwrap(), None);
    }
}

/// What is no word to us, or is older than what is known, says nothing of whose the conversation is.
#[tokio::test]
async fn a_reaction_or_a_late_word_gives_nothing_back_and_takes_nothing() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let inbox = || Some(INBOX_APP.to_owned());
    rig.clock.advance_s(60);
    rig.event("1", handover(Handover::Passed { from: Some("4242".into()), to: inbox(), metadata: None }))
        .await;
    purchase(&rig, "t1", 450).await;
    let reaction = InboundKind::Reaction {
        mid: "m-ours".into(),
        action: ReactionAction::React,
        reaction: Some("love".into()),
        emoji: None,
    };
    rig.event("1", reaction).await;
    let referral = Referral { reference: Some("x".into()), source: None, ad_id: None };
    rig.event("1", InboundKind::Referral(referral)).await;
    let postback =
        InboundKind::Postback { mid: Some("theirs".into()), payload: None, title: None, referral: None };
    rig.event("1", postback).await;
    assert!(rig.sees("1").is_empty(), "people have it still");
    assert_eq!(waiting(&rig).await, 1);

    // The word that it is ours again overtakes the one that another app took it before.
    let at = rig.clock.now();
    rig.clock.advance_s(30);
    rig.event("1", handover(Handover::Passed { from: inbox(), to: Some("4242".into()), metadata: None }))
        .await;
    settle_after(&rig, 90).await;
    assert!(rig.sees("1").concat().contains("4.50"));
    let late = handover(Handover::Taken { from: Some("4242".into()), to: inbox(), metadata: None });
    rig.event_at("1", late, at).await;
    purchase(&rig, "t2", 460).await;
    assert!(rig.sees("1").concat().contains("4.60"), "an older word changes nothing");
}

/// People who are done let go of a conversation without a word to us: the platform is asked.
#[tokio::test]
async fn what_waits_for_a_conversation_of_others_asks_after_it_and_takes_it_back_in_time() {
    let four_hours = Some(std::time::Duration::from_secs(4 * 3_600));
    let allowed = [INBOX_APP.to_owned()].into();
    let rig =
        Rig::with(Reconcile { allowed_apps: allowed, take_back_after: four_hours, ..Reconcile::default() })
            .await;
    rig.link("1").await;
    let says = |owner| *rig.channel.owner.lock().unwrap() = owner;
    let asked = || *rig.channel.owner_asked.lock().unwrap();
    let theirs = || Ok(ThreadOwner::Owned { app: Some(INBOX_APP.into()), until: None });
    says(theirs());
    let pass = || handover(Handover::Passed { from: None, to: Some(INBOX_APP.into()), metadata: None });
    rig.event("1", pass()).await;
    assert_eq!(asked(), 0, "nothing waits, so nothing is asked");
    purchase(&rig, "t1", 450).await;
    assert_eq!((asked(), rig.sees("1").len()), (1, 0));
    settle_after(&rig, 60).await;
    assert_eq!(asked(), 1, "not at each look");
    // *Done*.
    says(Ok(ThreadOwner::Nobody));
    settle_after(&rig, 900).await;
    assert!(rig.sees("1").concat().contains("4.50"));

    // They are not done, and nobody says anything any more.
    rig.event("1", pass()).await;
    says(theirs());
    purchase(&rig, "t2", 460).await;
    settle_after(&rig, 3 * 3_600).await;
    rig.event("1", InboundKind::Standby(Box::new(InboundKind::Read { watermark: rig.clock.now() }))).await;
    assert!(rig.sees("1").is_empty() && rig.channel.taken.lock().unwrap().is_empty());
    settle_after(&rig, 3_700).await;
    assert_eq!(*rig.channel.taken.lock().unwrap(), ["1"], "that something was read is no sign of people");
    assert!(rig.sees("1").concat().contains("4.60"));
    // What the platform does not tell leaves everything as it is.
    rig.event("1", pass()).await;
    says(Err(SendError::Transient { what: "a test" }));
    purchase(&rig, "t3", 470).await;
    settle_after(&rig, 6 * 3_600).await;
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn who_asks_for_a_conversation_gets_it_or_is_an_alarm() {
    let allowed = Reconcile { allowed_apps: [INBOX_APP.to_owned()].into(), ..Reconcile::default() };
    let rig = Rig::with(allowed).await;
    let request = |by: &str| handover(Handover::Requested { by: Some(by.to_owned()), metadata: None });
    rig.event("1", request(INBOX_APP)).await;
    assert_eq!(*rig.channel.passed.lock().unwrap(), ["1"]);
    assert!(rig.store.alarms(false, 10).await.unwrap().is_empty());
    rig.event("1", request("777")).await;
    let alarms = rig.store.alarms(false, 10).await.unwrap();
    assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::ThreadRequested]);
    assert_eq!(rig.channel.passed.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_person_says_is_marked_as_seen_and_what_goes_to_others_is_not() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    let marked = rig.channel.marked.clone();
    let seen = async || {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        marked.lock().unwrap().len()
    };
    assert_eq!(seen().await, 1);
    let text = InboundKind::Text { mid: "m-human".into(), text: "are you there?".into() };
    rig.event("1", InboundKind::Standby(Box::new(text))).await;
    assert_eq!(seen().await, 1);
}

/// What the platform enforces is told again with another time, and in any order.
#[tokio::test]
async fn an_enforcement_that_comes_again_or_late_changes_nothing() {
    let rig = Rig::new().await;
    let channel = conversation("1").channel;
    let policy = |action: &str| ChannelEventKind::PolicyEnforcement {
        action: action.into(),
        reason: Some("spam".into()),
    };
    let start = rig.clock.now();
    about(&rig, policy("block")).await;
    rig.clock.advance_s(30);
    about(&rig, policy("block")).await;
    assert_eq!(rig.store.alarms(false, 10).await.unwrap().len(), 1, "one alarm");
    rig.clock.advance_s(30);
    about(&rig, policy("unblock")).await;
    let late = ChannelEvent {
        channel: channel.clone(),
        at: start,
        key: EventKey::new(None, PAGE, "late"),
        kind: policy("block"),
    };
    rig.gateway.accept_channel(&[late]).await.expect("accepted");
    assert!(rig.store.channel_states().await.unwrap().is_empty(), "it is older than what is known");
}
