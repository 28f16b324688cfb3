//! Messages of which nobody knows whether they arrived: nothing that is said later makes them "not sent", and nothing
//! makes many of one.

use crate::support::*;
use amana_channel::webhook::{EchoWords, Inbound, InboundKind, message_key};
use amana_channel::{History, SaidThere, SendError};
use amana_core::*;
use amana_flow::PurposeTotal;
use amana_store::{Command, OutboxEntry, OutboxState};

/// A purchase whose message arrived without an answer, and without an echo in its time.
async fn in_doubt(rig: &Rig) -> MessageId {
    without_answer(rig, true).await
}

/// A purchase of 4.50 whose call got no answer, whether or not it arrived; its message.
async fn without_answer(rig: &Rig, arrived: bool) -> MessageId {
    let fate = if arrived { Fate::DeliverSilently } else { Fate::LoseSilently };
    rig.channel.fates.lock().unwrap().push(fate);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    let later_on = rig.clock.now().checked_add(std::time::Duration::from_secs(3_600)).unwrap();
    rig.store.outbox_heads(later_on, &[], 1).await.unwrap()[0].row.message
}

async fn entry(rig: &Rig, message: MessageId) -> OutboxEntry {
    rig.store.outbox_entry(message).await.expect("answers").expect("is there")
}

/// So long that a missing echo says something: the platform's webhooks come in meanwhile.
async fn later(rig: &Rig) {
    rig.hears(amana_flow::limits::DOOR_OPEN_S + 60).await;
    rig.gateway.settle().await.expect("settled");
}

/// What the customer's page says: is it unknown, and the numbers told, maybe told and refused.
async fn page(rig: &Rig, cookie: &str) -> (bool, (usize, usize, usize)) {
    let view = rig.gateway.privacy_view(cookie, None).await.expect("the page");
    let said = view.timeline.iter().find(|e| e.state.is_some()).expect("the disclosure");
    let PurposeTotal { told, unknown, refused, open, .. } = view.totals.purposes[0];
    assert_eq!(
        open,
        usize::from(told + unknown + refused == 0),
        "on its way until the record says what became of it"
    );
    (said.unknown, (told, unknown, refused))
}

/// The customer whose chat it is, also when the link is over.
async fn place(rig: &Rig) -> (Shard, CustomerId) {
    let links = rig.store.links_of_conversation(&conversation("1")).await.expect("answers");
    links.first().map(|link| (link.shard, link.customer)).expect("a link")
}

/// The words of all outcomes and denials, in order.
async fn outcomes(rig: &Rig) -> Vec<String> {
    words(rig, place(rig).await).await
}

async fn words(rig: &Rig, (shard, customer): (Shard, CustomerId)) -> Vec<String> {
    let receipts = rig.store.receipts(shard, customer, 1, 100).await.expect("answers");
    let read = receipts.iter().map(|r| serde_json::from_slice::<serde_json::Value>(&r.bytes).expect("JSON"));
    read.filter(|r| ["outcome", "denial"].contains(&r["kind"].as_str().unwrap_or_default()))
        .map(|r| format!("{} {}", r["kind"].as_str().unwrap(), r["template"].as_str().unwrap()))
        .collect()
}

async fn echo(rig: &Rig, message: MessageId) {
    let kind = InboundKind::Echo {
        mid: format!("m_{message}"),
        metadata: Some(message),
        app_id: None,
        words: EchoWords::default(),
    };
    rig.event("1", kind).await;
}

/// The consent ends while a message is in doubt: it may be at the platform, so nobody says that it was stopped.
#[tokio::test]
async fn what_may_have_arrived_is_never_said_to_be_stopped_and_its_echo_corrects_the_record() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let message = in_doubt(&rig).await;
    let place = place(&rig).await;
    rig.says("1", "stop").await;
    later(&rig).await;
    let denied = entry(&rig, message).await;
    assert_eq!((denied.state, denied.doubtful), (OutboxState::Denied, true));
    assert_eq!(
        words(&rig, place).await,
        ["outcome unknown"],
        "no denial, which would say that it was not said"
    );
    assert_eq!(page(&rig, &cookie).await, (true, (0, 1, 0)));
    echo(&rig, message).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sent);
    assert_eq!(words(&rig, place).await, ["outcome unknown", "outcome sent"]);
    assert_eq!(page(&rig, &cookie).await, (false, (1, 0, 0)), "counted once");
    assert!(rig.store.alarms(false, 10).await.unwrap().is_empty());
}

/// Goal: neither in doubt twice nor a refusal by the platform afterwards says that it could not be sent.
#[tokio::test]
async fn what_may_have_arrived_and_is_given_up_is_unknown_until_its_echo_comes() {
    for error in [None, Some(SendError::Permanent { code: 100, sub: None })] {
        let rig = Rig::new().await;
        let cookie = rig.link("1").await;
        let message = in_doubt(&rig).await;
        match error {
            Some(error) => *rig.channel.error.lock().unwrap() = Some(error),
            None => rig.channel.fates.lock().unwrap().push(Fate::LoseSilently),
        }
        later(&rig).await;
        let dead = entry(&rig, message).await;
        assert_eq!((dead.state, dead.doubtful), (OutboxState::Dead, true));
        assert_eq!(outcomes(&rig).await, ["outcome unknown"]);
        assert_eq!(page(&rig, &cookie).await, (true, (0, 1, 0)));
        echo(&rig, message).await;
        assert_eq!(outcomes(&rig).await, ["outcome unknown", "outcome sent"]);
        assert_eq!(page(&rig, &cookie).await, (false, (1, 0, 0)));
    }
}

/// Goal: however often a kill switch, a throttle, a dead token or a closed window comes between, the bytes leave twice
/// at the most where no echo comes, and the row is never one that was surely not sent.
#[tokio::test]
async fn no_drill_and_no_throttle_makes_many_of_one_message() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let message = in_doubt(&rig).await;
    assert_eq!(page(&rig, &cookie).await, (false, (0, 0, 0)), "not \"nothing was told\"");
    rig.channel.fates.lock().unwrap().extend([Fate::DeliverSilently; 9]);
    for round in 0..6 {
        let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
        rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
        later(&rig).await;
        let now = entry(&rig, message).await;
        let open = now.state == OutboxState::Unconfirmed;
        assert!(now.doubtful && (open || now.state == OutboxState::Dead), "{round}: {:?}", now.state);
        rig.store.submit(vec![Command::ClearKill(KillScope::All)]).await.unwrap();
        for error in
            [SendError::Throttled { retry_after: std::time::Duration::from_secs(30) }, SendError::TokenDead]
        {
            *rig.channel.error.lock().unwrap() = Some(error);
            later(&rig).await;
            assert!(
                [OutboxState::Unconfirmed, OutboxState::Dead].contains(&entry(&rig, message).await.state)
            );
        }
        *rig.channel.error.lock().unwrap() = None;
        later(&rig).await;
    }
    let now = entry(&rig, message).await;
    assert_eq!((now.state, now.reason.as_deref()), (OutboxState::Dead, Some("unconfirmed")));
    assert_eq!(rig.sees("1").len(), 2);
}

/// What the platform keeps of the conversation decides where no echo comes and nobody else is heard: what is there is
/// not sent again, what is not there is, and at once; what may be there is left to an operator.
#[tokio::test]
async fn the_platform_is_asked_before_anything_is_sent_again() {
    let said = |mid: &str, words: &[&str]| {
        let words = EchoWords(words.iter().map(|word| (*word).to_owned()).collect());
        SaidThere { mid: mid.to_owned(), words, whole: true }
    };
    for (arrived, there, seen, state, outcome) in [
        // Its own words.
        (true, "own", 1, OutboxState::Sent, Some("outcome sent")),
        // Nothing, and then it goes through.
        (false, "nothing", 1, OutboxState::Sent, Some("outcome sent")),
        // Another's words are not it.
        (false, "other", 1, OutboxState::Sent, Some("outcome sent")),
        // Something without words.
        (true, "card", 1, OutboxState::Dead, Some("outcome unknown")),
        // A part of its words is it, a part of other words may be it all the same.
        (true, "own card", 1, OutboxState::Sent, Some("outcome sent")),
        (true, "other card", 1, OutboxState::Dead, Some("outcome unknown")),
    ] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let message = without_answer(&rig, arrived).await;
        let own = rig.channel.last.lock().unwrap().clone();
        let own: serde_json::Value = serde_json::from_str(&own).expect("JSON");
        let own = own["message"]["text"].as_str().unwrap_or("Blue Bottle Coffee").to_owned();
        *rig.channel.there.lock().unwrap() = Ok(History::Said(match there {
            "own" => vec![said("m_there", &[&own])],
            "other" => vec![said("m_else", &["the branch closes at five today"])],
            "card" => vec![said("m_card", &[])],
            "own card" => vec![SaidThere { whole: false, ..said("m_there", &[&own]) }],
            "other card" => vec![SaidThere { whole: false, ..said("m_card", &["You pai…"]) }],
            _ => Vec::new(),
        }));
        rig.clock.advance_s(70);
        rig.gateway.settle().await.expect("settled");
        if state == OutboxState::Dead {
            assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed, "{there}");
            rig.clock.advance_s(amana_flow::limits::ECHO_LOST_S);
            rig.gateway.settle().await.expect("settled");
        }
        let now = entry(&rig, message).await;
        assert_eq!(now.state, state, "{there}: {:?}", now.reason);
        assert_eq!(rig.sees("1").len(), seen, "{there}");
        assert_eq!(outcomes(&rig).await, outcome.as_slice(), "{there}");
        assert!(rig.store.alarms(false, 10).await.unwrap().is_empty(), "{there}");
    }
}

/// An echo after the switch: what comes behind it goes on when the switch is off, and it is not sent again.
#[tokio::test]
async fn an_echo_while_a_switch_is_on_settles_the_message() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let message = in_doubt(&rig).await;
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
    later(&rig).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed);
    echo(&rig, message).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sent);
    rig.store.submit(vec![Command::ClearKill(KillScope::All)]).await.unwrap();
    later(&rig).await;
    assert_eq!(rig.sees("1").len(), 1);
    assert_eq!(page(&rig, &cookie).await, (false, (1, 0, 0)));
}

/// The window closes while a message is in doubt and the customer never comes back: its ticket ends, and it is unknown.
#[tokio::test]
async fn what_is_in_doubt_when_the_window_closes_is_held_and_ends_as_unknown() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.clock.advance_s(86_400 - 3_600 - 30);
    let message = in_doubt(&rig).await;
    rig.clock.advance_s(3_700);
    rig.gateway.settle().await.expect("settled");
    assert_eq!(entry(&rig, message).await.state, OutboxState::Held);
    assert!(page_is_unknown(&rig, &cookie).await.is_none_or(|unknown| unknown), "while the session lasts");
    rig.clock.advance_s((amana_gate::NEWS_TICKET_HOURS + 1) * 3_600);
    let sweep = Command::Sweep { now: rig.clock.now(), keep: amana_store::Retention::default() };
    rig.store.submit(vec![sweep]).await.unwrap();
    rig.gateway.settle().await.unwrap();
    let over = entry(&rig, message).await;
    assert_eq!((over.state, over.reason.as_deref()), (OutboxState::Denied, Some("ticket-expired")));
    assert_eq!(outcomes(&rig).await, ["outcome unknown"]);
    assert_eq!(rig.sees("1").len(), 1, "and was not sent again");
}

async fn page_is_unknown(rig: &Rig, cookie: &str) -> Option<bool> {
    let view = rig.gateway.privacy_view(cookie, None).await.ok()?;
    view.timeline.iter().find(|e| e.state.is_some()).map(|e| e.unknown)
}

/// Whoever sends our id to somebody else does not make our message one that was sent.
#[tokio::test]
async fn an_echo_in_another_chat_settles_nothing() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let message = in_doubt(&rig).await;
    let kind = InboundKind::Echo {
        mid: "m_x".into(),
        metadata: Some(message),
        app_id: None,
        words: EchoWords::default(),
    };
    rig.event("2", kind).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed);
    assert_eq!(rig.store.alarms(false, 10).await.unwrap().len(), 1);
    echo(&rig, message).await;
    assert_eq!(entry(&rig, message).await.state, OutboxState::Sent);
}

/// What the person wrote, as the platform brings it; answers the ids.
async fn writes(rig: &Rig, psid: &str, count: usize) -> Vec<String> {
    let mut mids = Vec::new();
    for _ in 0..count {
        let mid = format!("m_person_{}", rig.next());
        let inbound = Inbound {
            conversation: conversation(psid),
            at: rig.clock.now(),
            key: message_key(&mid, &conversation(psid).channel),
            kind: InboundKind::Text { mid: mid.clone(), text: "help".into() },
        };
        rig.gateway.accept_chat(&[inbound]).await.expect("accepted");
        mids.push(mid);
    }
    rig.gateway.settle().await.expect("settled");
    mids
}

fn bare(mid: &str) -> SaidThere {
    SaidThere { mid: mid.to_owned(), words: EchoWords::default(), whole: false }
}

/// Goal: where the platform has it and does not say so, no number of webhooks, of the page or of the conversation, says
/// that an echo is missing: a message is not sent twice because its echo is very late. Nor is it lost to doubt while
/// the platform cannot be asked.
#[tokio::test]
async fn what_the_platform_does_not_tell_is_never_sent_again() {
    let away = [SendError::TokenDead, SendError::Transient { what: "x" }, SendError::NoWay { what: "x" }];
    let refused = Err(SendError::Permanent { code: 100, sub: None });
    let answers = away.map(Err).into_iter().chain([refused, Ok(History::Untold)]);
    for answer in answers {
        let may_be_asked_later =
            matches!(&answer, Err(error) if !matches!(error, SendError::Permanent { .. }));
        let rig = Rig::new().await;
        rig.link("1").await;
        *rig.channel.there.lock().unwrap() = answer.clone();
        let message = in_doubt(&rig).await;
        rig.says("2", "hello").await;
        for _ in 0..30 {
            rig.clock.advance_s(60);
            rig.event("2", InboundKind::Read { watermark: rig.clock.now() }).await;
            writes(&rig, "1", 1).await;
        }
        assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed, "{answer:?}");
        let purchases = rig.sees("1").into_iter().filter(|said| said.contains("4.50")).count();
        assert_eq!(purchases, 1, "{answer:?}");
        rig.clock.advance_s(amana_flow::limits::ECHO_LOST_S);
        rig.gateway.settle().await.expect("settled");
        let now = entry(&rig, message).await;
        if may_be_asked_later {
            assert_eq!(now.state, OutboxState::Unconfirmed, "{answer:?}");
            echo(&rig, message).await;
            assert_eq!(entry(&rig, message).await.state, OutboxState::Sent, "{answer:?}");
        } else {
            assert_eq!((now.state, now.reason.as_deref()), (OutboxState::Dead, Some("unconfirmed")));
            assert_eq!(outcomes(&rig).await[..1], ["outcome unknown"]);
        }
        let again = rig.sees("1").into_iter().any(|said| said.contains("4.50"));
        assert!(!again, "{answer:?}");
    }
}

/// Goal: what is behind the newest messages is known by its id: what the person said came to us, so it hides nothing;
/// what did not come in, and is not on record, may be the message, until its echo says so.
#[tokio::test]
async fn what_a_person_said_since_hides_nothing_and_what_nobody_knows_may_be_it() {
    for arrived in [false, true] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let message = without_answer(&rig, arrived).await;
        let mut there: Vec<SaidThere> = writes(&rig, "1", 25).await.iter().map(|mid| bare(mid)).collect();
        if arrived {
            there.push(bare(&format!("m_{message}")));
        }
        *rig.channel.there.lock().unwrap() = Ok(History::Said(there));
        for _ in 0..10 {
            rig.hears(60).await;
            rig.gateway.settle().await.expect("settled");
        }
        if arrived {
            assert_eq!(entry(&rig, message).await.state, OutboxState::Unconfirmed, "it may be there");
            echo(&rig, message).await;
        }
        assert_eq!(entry(&rig, message).await.state, OutboxState::Sent, "{arrived}");
        rig.hears(60).await;
        let told = rig.sees("1").into_iter().filter(|said| said.contains("4.50")).count();
        assert_eq!(told, 1, "{arrived}");
    }
}
