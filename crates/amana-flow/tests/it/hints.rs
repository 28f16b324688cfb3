//! A bank's notifications are asked for while there is a grant, and are hints: they say when to look, never what is so.

use crate::support::*;
use amana_bank::{BankErrorClass, GrantStatus, Hint, Prompt, Topic, Whose};
use amana_core::*;
use amana_flow::limits::*;
use amana_flow::{Hinted, Upkeep};
use amana_gate::ReceiptKind;

const EVERY_S: i64 = 3_600;

/// A rig whose bank notifies, and is read every hour.
async fn notified() -> Rig {
    let mut rig = Rig::new().await;
    *rig.bank.upkeep.lock().unwrap() =
        Upkeep { poll_every_s: Some(EVERY_S), notifications: true, ..Upkeep::default() };
    *rig.bank.life_s.lock().unwrap() = 10_000_000;
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    rig.gateway.settle().await.unwrap();
    rig
}

fn bank() -> InstitutionId {
    InstitutionId::new(BANK).unwrap()
}

async fn hint(rig: &Rig, id: &str, prompt: Prompt, whose: Whose) -> Hinted {
    let hint = Hint { id: id.to_owned(), sent: rig.clock.now(), about: Some((prompt, whose)) };
    let hinted = rig.gateway.accept_hint(&bank(), &hint).await.unwrap();
    rig.gateway.settle().await.unwrap();
    hinted
}

fn consent(number: u8) -> Whose {
    Whose::Consent(format!("grant-{number}"))
}

fn topics(rig: &Rig) -> Vec<Topic> {
    let mut topics: Vec<Topic> =
        rig.bank.subscriptions.lock().unwrap().values().map(|(topic, _)| *topic).collect();
    topics.sort();
    topics
}

#[tokio::test]
async fn the_first_grant_subscribes_and_the_end_of_the_last_one_unsubscribes() {
    let rig = notified().await;
    assert!(topics(&rig).is_empty(), "without a grant there is nothing to hear of");
    rig.link("1").await;
    let all: Vec<Topic> = Topic::OF_GRANTS.iter().chain(Topic::OF_NEWS).copied().collect();
    assert_eq!(topics(&rig), all);
    let callback = format!("https://gateway.example/events/{BANK}/notifications");
    assert!(rig.bank.subscriptions.lock().unwrap().values().all(|(_, url)| *url == callback));
    // A second link needs no more, and one that ends takes nothing away from the other.
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("2").await;
    let made = rig.bank.called("subscribe");
    rig.says("1", "stop").await;
    assert_eq!((topics(&rig).len(), rig.bank.called("subscribe")), (all.len(), made));
    rig.says("2", "stop").await;
    assert!(topics(&rig).is_empty(), "the last grant is gone");
    // It begins anew.
    rig.link("2").await;
    assert_eq!(topics(&rig), all);
}

/// What the bank lost is made again; a bank that takes none is asked again later, and less and less often.
#[tokio::test]
async fn subscriptions_are_looked_after() {
    let mut rig = notified().await;
    rig.link("1").await;
    let first = rig.bank.subscriptions.lock().unwrap().pop_first().unwrap();
    rig.clock.advance_s(SUBSCRIPTIONS_LOOK_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    let now = rig.bank.subscriptions.lock().unwrap().clone();
    assert_eq!(now.len(), 5);
    assert!(!now.contains_key(&first.0), "another one in its place");
    // No polls: nothing to be told of news. No notifications: none at all.
    for (poll_every_s, notifications, left) in [(None, true, 3), (Some(EVERY_S), false, 0)] {
        *rig.bank.upkeep.lock().unwrap() = Upkeep { poll_every_s, notifications, ..Upkeep::default() };
        rig.restart().await;
        rig.gateway.look_after_subscriptions().await.unwrap();
        rig.gateway.settle().await.unwrap();
        assert_eq!(topics(&rig).len(), left);
    }
    *rig.bank.upkeep.lock().unwrap() = Upkeep { notifications: true, ..Upkeep::default() };
    *rig.bank.no_subscriptions.lock().unwrap() = Some(BankErrorClass::OurRequest("404"));
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    let before = rig.bank.called("subscribe");
    for _ in 0..24 {
        rig.gateway.settle().await.unwrap();
        rig.clock.advance_s(3_600);
    }
    // Three, each on its own.
    let asked = rig.bank.called("subscribe") - before;
    assert!((6..=42).contains(&asked), "{asked}");
    *rig.bank.no_subscriptions.lock().unwrap() = None;
    rig.clock.advance_s(SUBSCRIPTION_RETRY_MAX_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(topics(&rig).len(), 3);
}

/// A type that a bank does not have, and one that it does not end, hold nothing else up.
#[tokio::test]
async fn each_subscription_is_on_its_own() {
    let mut rig = notified().await;
    *rig.bank.refused.lock().unwrap() = vec![Topic::ConsentRevoked, Topic::Custom];
    rig.link("1").await;
    assert_eq!(topics(&rig), [Topic::ConsentUpdated, Topic::ConsentExpired, Topic::Balance]);
    // It lost one of the others while those are refused again and again: that one is made anew all the same.
    rig.bank.subscriptions.lock().unwrap().pop_first();
    rig.clock.advance_s(SUBSCRIPTIONS_LOOK_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(topics(&rig).len(), 3);
    // News are not read any more, and it does not end what was for them; the rest goes on, also what is new.
    *rig.bank.ends_none.lock().unwrap() = true;
    *rig.bank.refused.lock().unwrap() = vec![Topic::Custom];
    *rig.bank.upkeep.lock().unwrap() = Upkeep { notifications: true, ..Upkeep::default() };
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    rig.clock.advance_s(SUBSCRIPTION_RETRY_MAX_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    let all = [Topic::ConsentRevoked, Topic::ConsentUpdated, Topic::ConsentExpired, Topic::Balance];
    assert_eq!(topics(&rig), all);
    assert!(rig.bank.called("unsubscribe") < 10, "not in a circle");
    // It ends it when it can.
    *rig.bank.ends_none.lock().unwrap() = false;
    rig.clock.advance_s(SUBSCRIPTION_RETRY_MAX_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(topics(&rig), Topic::OF_GRANTS);
}

/// A bank that cannot call us is asked for what it keeps, every minute; one that can is asked now and then for what got
/// lost. What comes twice, on whichever way, is one.
#[tokio::test]
async fn notifications_that_did_not_reach_us_are_fetched() {
    let mut rig = notified().await;
    *rig.bank.upkeep.lock().unwrap() =
        Upkeep { notifications: true, fetched: true, poll_every_s: Some(EVERY_S), ..Upkeep::default() };
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    rig.link("1").await;
    let looks = rig.bank.called("grant");
    let of = |id: &str, number| Hint {
        id: id.to_owned(),
        sent: rig.clock.now(),
        about: Some((Prompt::LookAtGrant, consent(number))),
    };
    // Three pages, of which one alone is of ours.
    rig.bank.kept.lock().unwrap().extend((0..4).map(|n| of(&format!("theirs-{n}"), 9)));
    rig.bank.kept.lock().unwrap().push(of("ours", 1));
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    for _ in 0..5 {
        rig.clock.advance_s(NOTIFICATIONS_FETCH_S * 5 / 4 + 1);
        rig.gateway.settle().await.unwrap();
    }
    assert_eq!(rig.bank.called("grant"), looks + 1, "once, though the last page is read each time");
    let ours = rig.bank.kept.lock().unwrap().last().unwrap().clone();
    assert_eq!(rig.gateway.accept_hint(&bank(), &ours).await.unwrap(), Hinted::Duplicate, "pushed, too");
    *rig.bank.grant.lock().unwrap() = GrantStatus::Revoked;
    rig.bank.kept.lock().unwrap().push(of("over", 1));
    rig.clock.advance_s(NOTIFICATIONS_FETCH_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").concat().contains("what you allowed there was taken back"));
    // Without a grant there is nothing to fetch.
    let fetched = rig.bank.called("missed");
    rig.clock.advance_s(86_400);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("missed"), fetched);

    // One that calls us.
    let rig = notified().await;
    rig.link("1").await;
    let (fetched, looks) = (rig.bank.called("missed"), rig.bank.called("grant"));
    rig.bank.kept.lock().unwrap().push(of("lost", 1));
    rig.clock.advance_s(SUBSCRIPTIONS_LOOK_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("missed"), fetched + 1);
    assert!(rig.bank.called("grant") > looks);
}

/// The publisher's signed word that a grant is over is enough where the bank itself does not say how it stands, and
/// only there.
#[tokio::test]
async fn a_bank_that_does_not_say_is_taken_at_its_publishers_word() {
    let over = "what you allowed there was taken back";
    // It says that the grant stands: the word was wrong, and is forgotten.
    let rig = notified().await;
    rig.link("1").await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    let sent = rig.clock.now();
    hint(&rig, "n-1", Prompt::LookOrStop, consent(1)).await;
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("the bank's service fails"));
    rig.clock.advance_s(2 * GRANT_LOOK_S);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
    // Nor is it believed when it comes once more.
    let again = Hint { id: "n-1".to_owned(), sent, about: Some((Prompt::LookOrStop, consent(1))) };
    assert_eq!(rig.gateway.accept_hint(&bank(), &again).await.unwrap(), Hinted::Duplicate);
    rig.clock.advance_s(2 * GRANT_LOOK_S);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
    // It does not answer: another's word would not do, the publisher's does.
    assert_eq!(hint(&rig, "n-2", Prompt::LookAtGrant, consent(1)).await, Hinted::Taken);
    assert!(rig.sees("1").is_empty());
    rig.clock.advance_s(HINT_LOOK_AGAIN_S);
    assert_eq!(hint(&rig, "n-3", Prompt::LookOrStop, consent(1)).await, Hinted::Taken);
    assert_eq!(rig.sees("1").concat().matches(over).count(), 1);
    // The same of one that answers and says nothing of the grant.
    let rig = notified().await;
    rig.link("1").await;
    assert_eq!(hint(&rig, "n-1", Prompt::LookAtGrant, consent(1)).await, Hinted::Taken);
    assert!(rig.sees("1").is_empty());
    rig.clock.advance_s(HINT_LOOK_AGAIN_S);
    assert_eq!(hint(&rig, "n-2", Prompt::LookOrStop, consent(1)).await, Hinted::Taken);
    assert_eq!(rig.sees("1").concat().matches(over).count(), 1);
}

/// A publisher's last word, acknowledged, outlives the process that heard it: nobody says it again. One that was heard
/// and contradicted by the bank does not.
#[tokio::test]
async fn a_publishers_word_outlives_a_restart() {
    let over = "what you allowed there was taken back";
    for (state, told) in [(GrantStatus::Unknown, 1), (GrantStatus::Active, 0)] {
        let mut rig = notified().await;
        rig.link("1").await;
        *rig.bank.grant.lock().unwrap() = state;
        let (id, sent) = ("n-1".to_owned(), rig.clock.now());
        let word = Hint { id, sent, about: Some((Prompt::LookOrStop, consent(1))) };
        assert_eq!(rig.gateway.accept_hint(&bank(), &word).await.unwrap(), Hinted::Taken);
        // It dies before it looks, and the bank, which had its answer or not, says it again or not.
        rig.restart().await;
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.sees("1").concat().matches(over).count(), told, "{state:?}");
        let again = rig.gateway.accept_hint(&bank(), &word).await.unwrap();
        assert!(matches!(again, Hinted::Duplicate | Hinted::Unmatched), "{again:?}");
        // What the bank contradicted is not remembered by a later process either.
        *rig.bank.grant.lock().unwrap() = GrantStatus::Unknown;
        rig.restart().await;
        rig.clock.advance_s(2 * GRANT_LOOK_S);
        rig.gateway.settle().await.unwrap();
        assert!(rig.sees("1").is_empty(), "{state:?}");
    }
}

/// What a bank published while we were away, and does not deliver any more, is fetched as we begin, not hours later;
/// what it delivers all the same is known.
#[tokio::test]
async fn what_was_published_while_we_were_away_is_read_as_we_begin() {
    let mut rig = notified().await;
    rig.link("1").await;
    rig.clock.advance_s(60);
    *rig.bank.grant.lock().unwrap() = GrantStatus::Revoked;
    let (id, sent) = ("n-1".to_owned(), rig.clock.now());
    let word = Hint { id, sent, about: Some((Prompt::LookAtGrant, consent(1))) };
    rig.bank.kept.lock().unwrap().push(word.clone());
    rig.clock.advance_s(60);
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert_eq!(said.matches("what you allowed there was taken back").count(), 1, "{said}");
    rig.gateway.accept_hint(&bank(), &word).await.unwrap();
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
    // It is read once as we begin, and then as before.
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    rig.link("1").await;
    rig.clock.advance_s(60);
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    let fetched = rig.bank.called("missed");
    for _ in 0..3 {
        rig.clock.advance_s(60);
        rig.gateway.settle().await.unwrap();
    }
    assert_eq!(rig.bank.called("missed"), fetched + 1);
}

#[tokio::test]
async fn revoked_at_the_bank_is_over_here_at_once_and_the_customer_hears_it_once() {
    let rig = notified().await;
    let cookie = rig.link("1").await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Revoked;
    assert_eq!(hint(&rig, "n-1", Prompt::LookAtGrant, consent(1)).await, Hinted::Taken);
    let said = rig.sees("1");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("Cedar Bank says that what you allowed there was taken back"), "{said:?}");
    // The timeline does not say that the customer did it.
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    let why: Vec<_> = view
        .timeline
        .iter()
        .filter(|e| e.kind == ReceiptKind::Revocation)
        .map(|e| e.note.as_deref())
        .collect();
    assert_eq!(why, [Some(ConsentEnd::AtBank.as_str())]);
    // Late ones, and what the hour brings, find nothing.
    assert_eq!(hint(&rig, "n-2", Prompt::LookAtGrant, consent(1)).await, Hinted::Unmatched);
    rig.clock.advance_s(2 * GRANT_LOOK_S);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
}

/// Whatever a notification claims, the bank's own answer decides: a forged, doubled or misdirected one ends nothing.
#[tokio::test]
async fn a_notification_is_not_believed() {
    let rig = notified().await;
    rig.link("1").await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    let looks = rig.bank.called("grant");
    assert_eq!(hint(&rig, "n-1", Prompt::LookAtGrant, consent(1)).await, Hinted::Taken);
    assert_eq!(rig.bank.called("grant"), looks + 1);
    assert_eq!(hint(&rig, "n-1", Prompt::LookAtGrant, consent(1)).await, Hinted::Duplicate);
    assert_eq!(rig.bank.called("grant"), looks + 1, "the same again is not looked at again");
    for nobody in [
        Whose::Consent("grant-9".into()),
        Whose::Consent("GRANT-1".into()),
        Whose::Account(account("not-ours")),
        Whose::Customer("nobody".into()),
    ] {
        assert_eq!(hint(&rig, "n-2", Prompt::LookAtGrant, nobody).await, Hinted::Unmatched);
    }
    let unknown = Hint { id: "n-3".into(), sent: rig.clock.now(), about: None };
    assert_eq!(rig.gateway.accept_hint(&bank(), &unknown).await.unwrap(), Hinted::Ignored);
    assert_eq!(rig.bank.called("grant"), looks + 1);
    assert!(rig.sees("1").is_empty());
    // Another institution's notification of the same ids concerns nobody here.
    let theirs =
        Hint { id: "n-4".into(), sent: rig.clock.now(), about: Some((Prompt::LookAtGrant, consent(1))) };
    let other = InstitutionId::new("other-bank").unwrap();
    assert_eq!(rig.gateway.accept_hint(&other, &theirs).await.unwrap(), Hinted::Unmatched);
}

/// News are told in seconds, not within the hour; a chatty bank does not make us ask for each of its rows.
#[tokio::test]
async fn news_are_read_when_the_bank_says_that_there_are_some() {
    let rig = notified().await;
    rig.link("1").await;
    let (event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t", None, 4_200);
    let subject = amana_gate::Subject { institution: bank(), customer: CustomerId::from_bytes([0; 16]) };
    let body = body.about(subject).open_in_test().clone();
    rig.bank.news.lock().unwrap().push((BankEvent { subject: None, ..event }, body));
    rig.clock.advance_s(HINT_POLL_AGAIN_S);
    assert_eq!(hint(&rig, "n-1", Prompt::ReadNews, Whose::Account(account("a1"))).await, Hinted::Taken);
    assert_eq!(rig.sees("1").concat().matches("42.00").count(), 1);
    let read = rig.bank.called("news transactions");
    for n in 0..50 {
        let whose =
            if n % 2 == 0 { Whose::Account(account("a1")) } else { Whose::Customer("customer-1".into()) };
        assert_eq!(hint(&rig, &format!("burst-{n}"), Prompt::ReadNews, whose).await, Hinted::Taken);
    }
    assert_eq!(rig.bank.called("news transactions"), read, "a minute has not passed");
    rig.clock.advance_s(HINT_POLL_AGAIN_S + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("news transactions"), read + 1, "then once for all of them");
    assert!(rig.sees("1").is_empty());
    // Who may not be told is not read, whatever is notified.
    rig.says("1", "stop").await;
    rig.sees("1");
    rig.clock.advance_s(HINT_POLL_AGAIN_S + 1);
    assert_eq!(hint(&rig, "n-9", Prompt::ReadNews, Whose::Account(account("a1"))).await, Hinted::Unmatched);
}

/// While notifications of news are known to come, it is polled less often: never not at all, and as often as before as
/// soon as a poll finds what none told of.
#[tokio::test]
async fn polls_are_fewer_while_notifications_come_and_never_stop() {
    let rig = notified().await;
    rig.link("1").await;
    let polls_of_a_day = async || {
        let before = rig.bank.called("news transactions");
        for _ in 0..24 {
            rig.clock.advance_s(3_600);
            rig.gateway.settle().await.unwrap();
        }
        rig.bank.called("news transactions") - before
    };
    let alone = polls_of_a_day().await;
    assert!((10..=24).contains(&alone), "{alone}");
    assert_eq!(hint(&rig, "n-1", Prompt::ReadNews, Whose::Account(account("a1"))).await, Hinted::Taken);
    let heard = polls_of_a_day().await;
    assert!((4..=7).contains(&heard), "{heard}");
    // A day without any: they are not known to come.
    let again = polls_of_a_day().await;
    assert!((10..=24).contains(&again), "{again}");
    // They come, and then one does not.
    hint(&rig, "n-2", Prompt::ReadNews, Whose::Account(account("a1"))).await;
    let (event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t", None, 4_200);
    let subject = amana_gate::Subject { institution: bank(), customer: CustomerId::from_bytes([0; 16]) };
    let body = body.about(subject).open_in_test().clone();
    rig.bank.news.lock().unwrap().push((BankEvent { subject: None, ..event }, body));
    let missed = polls_of_a_day().await;
    assert!((8..=22).contains(&missed), "{missed}");
}

/// A consent whose time is over, or which ended at the bank, is said once: now, or when the chat can be written to
/// again.
#[tokio::test]
async fn the_end_of_a_consent_is_said_once_within_the_window_or_when_it_opens() {
    let over = "The time of what you allowed at Cedar Bank is over";
    let rig = notified().await;
    rig.link("1").await;
    let days = |n: i64| n * 86_400;
    rig.clock.advance_s(days(90) - 3_600);
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.clock.advance_s(3_601);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").iter().filter(|said| said.contains(over)).count(), 1);

    // The window is closed: nothing is sent, and nothing waits with a ticket that would be over first.
    let rig = notified().await;
    rig.link("1").await;
    rig.clock.advance_s(days(90) + 1);
    rig.gateway.settle().await.unwrap();
    rig.clock.advance_s(days(4));
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.clock.advance_s(REMIND_LOOK_S + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").iter().filter(|said| said.contains(over)).count(), 1);
    rig.clock.advance_s(2 * REMIND_LOOK_S);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty(), "once");

    // Who has linked the bank again knows.
    let rig = notified().await;
    rig.link("1").await;
    rig.clock.advance_s(days(2));
    *rig.bank.grant.lock().unwrap() = GrantStatus::Revoked;
    hint(&rig, "n-1", Prompt::LookAtGrant, consent(1)).await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    rig.link("1").await;
    rig.clock.advance_s(REMIND_LOOK_S + 1);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").is_empty());
}

/// A bank's list that goes on and on does not keep us busy: it goes on the next time, from where it was left.
#[tokio::test]
async fn a_list_without_an_end_rests() {
    let mut rig = notified().await;
    *rig.bank.upkeep.lock().unwrap() =
        Upkeep { notifications: true, fetched: true, poll_every_s: Some(EVERY_S), ..Upkeep::default() };
    rig.restart().await;
    rig.gateway.look_after_subscriptions().await.unwrap();
    rig.link("1").await;
    let theirs = |n: u32| Hint {
        id: format!("theirs-{n}"),
        sent: rig.clock.now(),
        about: Some((Prompt::LookAtGrant, consent(9))),
    };
    // Two on a page.
    let pages = NOTIFICATION_PAGES_MAX + 10;
    rig.bank.kept.lock().unwrap().extend((0..2 * pages).map(theirs));
    let before = rig.bank.called("missed");
    let mut read = Vec::new();
    for _ in 0..3 {
        rig.clock.advance_s(NOTIFICATIONS_FETCH_S * 5 / 4 + 1);
        rig.gateway.settle().await.unwrap();
        read.push(rig.bank.called("missed") - before);
    }
    let (most, all) = (usize::try_from(NOTIFICATION_PAGES_MAX).unwrap(), usize::try_from(pages).unwrap());
    assert_eq!(read, [most, all, all + 1], "the last page is read again");
}
