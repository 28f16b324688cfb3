//! A human of the institution answers in a chat: who it was is on the customer's record, and nothing automatic can.

use crate::support::*;
use amana_channel::messenger::INBOX_APP;
use amana_channel::webhook::{Handover, InboundKind};
use amana_core::*;
use amana_flow::*;
use amana_store::{Command, OutboxState};

fn reply(text: &str) -> AgentReply {
    AgentReply { by: "api:huda".into(), text: text.into(), media: None, persona: Some("77".into()) }
}

async fn writes(rig: &Rig, text: &str) -> Result<MessageId, AgentError> {
    let message = rig.gateway.agent_replies(&conversation("1"), &reply(text)).await;
    rig.gateway.settle().await.expect("settled");
    message
}

async fn receipts(rig: &Rig) -> Vec<String> {
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let receipts = rig.store.receipts(link.shard, link.customer, 0, 100).await.unwrap();
    receipts.iter().map(|r| String::from_utf8_lossy(&r.bytes).into_owned()).collect()
}

#[tokio::test]
async fn abuse_23_a_human_answers_with_the_tag_outside_the_window_alone_and_stands_on_the_record() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let before = receipts(&rig).await.len();
    writes(&rig, " I look into it. ").await.expect("within the window");
    let last = || rig.channel.last.lock().unwrap().clone();
    assert!(
        last().contains(r#""messaging_type":"RESPONSE""#) && !last().contains("HUMAN_AGENT"),
        "{}",
        last()
    );
    assert!(last().contains(r#""persona_id":"77""#), "{}", last());
    assert_eq!(rig.sees("1"), ["I look into it."]);
    rig.clock.advance_s(5 * 86_400);
    writes(&rig, "It was our error.").await.expect("within seven days");
    assert!(last().contains(r#""tag":"HUMAN_AGENT""#), "{}", last());
    assert_eq!(rig.sees("1"), ["It was our error."]);

    let receipts = receipts(&rig).await;
    let written: Vec<&String> =
        receipts.iter().skip(before).filter(|r| r.contains(r#""template":"agent-wrote""#)).collect();
    assert_eq!(written.len(), 2, "{receipts:#?}");
    for receipt in written {
        assert!(receipt.contains(r#""recipient":"agent:api:huda""#), "{receipt}");
        assert!(!receipt.contains("error") && !receipt.contains("look into"), "{receipt}");
    }
    let hash = hex::encode(amana_core::ids::sha256(&[last().as_bytes()]));
    let (wrote, outcome) = (&receipts[receipts.len() - 2], receipts.last().unwrap());
    assert!(wrote.contains(&hash), "the hash of the very bytes: {wrote}");
    // What became of it is on the same record, as of any message.
    assert!(outcome.contains(r#""kind":"outcome""#) && outcome.contains(r#""template":"sent""#), "{outcome}");
    assert!(outcome.contains(&hash) && outcome.contains(r#""recipient":"agent:api:huda""#), "{outcome}");
    let sent = receipts.iter().skip(before).filter(|r| r.contains(r#""kind":"outcome""#)).count();
    assert_eq!(sent, 2, "{receipts:#?}");
}

/// A picture of the bank's own: a human's own act as words are, with the same rules and on the same record.
#[tokio::test]
async fn abuse_23_a_picture_that_a_human_sends_obeys_the_rules_of_their_words() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let picture = |id: &str| {
        let media = MediaForm { media: MediaKind::Image, attachment_id: id.into() };
        AgentReply { media: Some(media), ..reply("") }
    };
    let sends = async |reply: &AgentReply| {
        let message = rig.gateway.agent_replies(&conversation("1"), reply).await;
        rig.gateway.settle().await.expect("settled");
        message
    };
    let last = || rig.channel.last.lock().unwrap().clone();
    sends(&picture("4711")).await.expect("within the window");
    assert!(last().contains(r#""attachment_id":"4711""#) && !last().contains("HUMAN_AGENT"), "{}", last());
    rig.clock.advance_s(5 * 86_400);
    sends(&picture("4712")).await.expect("within seven days");
    assert!(last().contains(r#""attachment_id":"4712""#), "{}", last());
    assert!(last().contains(r#""tag":"HUMAN_AGENT""#), "{}", last());
    let hash = hex::encode(amana_core::ids::sha256(&[last().as_bytes()]));
    let receipts = receipts(&rig).await;
    let (wrote, outcome) = (&receipts[receipts.len() - 2], receipts.last().unwrap());
    for (receipt, what) in [(wrote, "agent-wrote"), (outcome, "sent")] {
        assert!(receipt.contains(&format!(r#""template":"{what}""#)), "{receipt}");
        assert!(receipt.contains(&hash) && receipt.contains(r#""recipient":"agent:api:huda""#), "{receipt}");
    }
    // With words, which the platform would not show, and under what is no number of the platform's.
    let with_words = AgentReply { text: "look".into(), ..picture("4711") };
    for bad in [with_words, picture("47 11"), picture("")] {
        assert!(matches!(sends(&bad).await, Err(AgentError::Text)), "{bad:?}");
    }
    rig.clock.advance_s(3 * 86_400);
    assert!(matches!(sends(&picture("4711")).await, Err(AgentError::Away)));
}

#[tokio::test]
async fn nobody_writes_where_none_may() {
    let rig = Rig::new().await;
    rig.link("1").await;
    for text in ["", "  ", &"x".repeat(2_000)] {
        assert!(matches!(writes(&rig, text).await, Err(AgentError::Text)), "{text:?}");
    }
    let persona = AgentReply { persona: Some("7 7".into()), ..reply("hello") };
    let to = conversation("1");
    assert!(matches!(rig.gateway.agent_replies(&to, &persona).await, Err(AgentError::Text)));
    for by in ["", "a\nb"] {
        let who = AgentReply { by: by.into(), ..reply("hello") };
        assert!(matches!(rig.gateway.agent_replies(&to, &who).await, Err(AgentError::Who)));
    }
    let stranger = rig.gateway.agent_replies(&conversation("nobody"), &reply("hello")).await;
    assert!(matches!(stranger, Err(AgentError::Unknown)));
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
    assert!(matches!(writes(&rig, "hello").await, Err(AgentError::Killed)));
    rig.store.submit(vec![Command::ClearKill(KillScope::All)]).await.unwrap();
    let pass = Handover::Passed { from: None, to: Some(INBOX_APP.into()), metadata: None };
    rig.event("1", InboundKind::Handover(pass)).await;
    assert!(matches!(writes(&rig, "hello").await, Err(AgentError::Elsewhere)));
    rig.clock.advance_s(7 * 86_400);
    assert!(matches!(writes(&rig, "hello").await, Err(AgentError::Away)));
    assert!(rig.sees("1").is_empty());
    assert!(!receipts(&rig).await.iter().any(|r| r.contains("agent-wrote")), "nothing was written");
}

/// Whatever becomes of it is on the record: refused for good, and in doubt and then settled by its echo.
#[tokio::test]
async fn what_became_of_a_humans_words_is_on_the_record_whatever_it_was() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let refused = amana_channel::SendError::Permanent { code: 100, sub: None };
    *rig.channel.error.lock().unwrap() = Some(refused);
    writes(&rig, "hello").await.expect("written");
    let last = receipts(&rig).await.pop().expect("one");
    assert!(last.contains(r#""template":"dead:permanent""#) && last.contains("agent:api:huda"), "{last}");

    *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::Ambiguous { what: "a test" });
    let message = writes(&rig, "hello again").await.expect("written");
    assert!(receipts(&rig).await.pop().expect("one").contains("agent-wrote"), "not known yet");
    *rig.channel.error.lock().unwrap() = None;
    let mid = format!("m_{message}");
    let words = amana_channel::webhook::EchoWords(vec!["hello again".into()]);
    let kind = InboundKind::Echo { mid, metadata: Some(message), app_id: Some("4242".into()), words };
    rig.event("1", kind).await;
    let last = receipts(&rig).await.pop().expect("one");
    assert!(last.contains(r#""kind":"outcome""#) && last.contains(r#""template":"sent""#), "{last}");
    // A message that nobody of the bank wrote has no such receipt.
    let before = receipts(&rig).await.len();
    rig.says("1", "help").await;
    assert_eq!(receipts(&rig).await.len(), before);
}

/// What an echo brings back is the message's id: by it alone the receipts are found, of an answer with bank data and
/// of a human's words.
#[tokio::test]
async fn an_echos_metadata_finds_its_receipts() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // As an operator has it: from the bytes that the platform was given, which it gives back in the echo.
    let metadata = || {
        let sent = rig.channel.last.lock().unwrap().clone();
        let sent: serde_json::Value = serde_json::from_str(&sent).expect("JSON");
        sent["message"]["metadata"].as_str().expect("metadata").parse::<MessageId>().expect("our id")
    };
    rig.says("1", "balance").await;
    let answer = metadata();
    let row = rig.store.outbox_entry(answer).await.unwrap().expect("the row of this id");
    let basis = row.row.basis.expect("has bank data");
    let found =
        rig.store.receipts_of_message(row.customer_shard, basis.customer, 0, answer).await.expect("answers");
    let kinds: Vec<String> = found
        .iter()
        .map(|r| serde_json::from_slice::<serde_json::Value>(&r.bytes).expect("JSON"))
        .map(|r| r["kind"].as_str().expect("a kind").to_owned())
        .collect();
    assert_eq!(kinds, ["disclosure", "outcome"], "what was told, and what became of it");

    let written = writes(&rig, "I look into it.").await.expect("written");
    assert_eq!(metadata(), written);
    let words = rig.store.receipts_of_words(written).await.expect("answers");
    let [(customer, receipt)] = words.as_slice() else { panic!("one customer has this chat: {words:?}") };
    assert_eq!(*customer, basis.customer);
    assert_eq!(receipt.message, Some(written));
    assert!(String::from_utf8_lossy(&receipt.bytes).contains("agent-wrote"));
}

/// The review for human agents is a thing of its own: without it these words are put aside, and everything else goes
/// on.
#[tokio::test]
async fn without_the_review_for_humans_nothing_else_stops() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(5 * 86_400);
    let refused = amana_channel::SendError::NotAllowed { code: 10, sub: None };
    *rig.channel.error.lock().unwrap() = Some(refused);
    writes(&rig, "hello").await.expect("written");
    *rig.channel.error.lock().unwrap() = None;
    assert!(receipts(&rig).await.pop().expect("one").contains("dead:not-allowed"));
    assert!(rig.store.channel_states().await.unwrap().is_empty(), "the channel stands well");
    let alarms = rig.store.alarms(false, 9).await.unwrap();
    assert_eq!(
        alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(),
        [amana_store::AlarmKind::NotAllowed]
    );
    rig.says("1", "help").await;
    assert!(!rig.sees("1").is_empty(), "it is answered at once");
}

/// What was written in time and could not be sent is not sent when its time is over.
#[tokio::test]
async fn no_attempt_is_made_after_the_seventh_day() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(6 * 86_400 + 80_000);
    *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
    writes(&rig, "hello").await.expect("in time");
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(7_200);
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty());
}

/// What a human wrote and could not be sent yet waits while a switch is on for whose chat it is, and is not sent once
/// the chat is not theirs any more, or another's, too.
#[tokio::test]
async fn abuse_23_a_humans_words_that_wait_obey_the_switches_and_end_with_the_link() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let waits = async |psid: &str, text: &str| {
        *rig.channel.error.lock().unwrap() = Some(amana_channel::SendError::TokenDead);
        let message = rig.gateway.agent_replies(&conversation(psid), &reply(text)).await.expect("written");
        rig.gateway.settle().await.expect("settled");
        *rig.channel.error.lock().unwrap() = None;
        message
    };
    let goes_on = async || {
        rig.clock.advance_s(120);
        rig.gateway.settle().await.expect("settled");
    };
    let state = async |message| rig.store.outbox_entry(message).await.unwrap().expect("there").state;
    let recorded = async |what: &str| {
        let receipts = rig.store.receipts(link.shard, link.customer, 0, 100).await.unwrap();
        receipts.iter().any(|receipt| String::from_utf8_lossy(&receipt.bytes).contains(what))
    };

    for scope in [KillScope::Customer(link.customer), KillScope::Institution(link.institution.clone())] {
        let message = waits("1", "a word").await;
        let kill = Kill { scope: scope.clone(), reason: "drill".into(), since: rig.clock.now() };
        rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
        goes_on().await;
        assert!(rig.sees("1").is_empty(), "{scope:?}");
        rig.store.submit(vec![Command::ClearKill(scope)]).await.unwrap();
        goes_on().await;
        assert_eq!(rig.sees("1"), ["a word"]);
        assert_eq!(state(message).await, OutboxState::Sent);
    }

    // Another bank's customer, or the same person anew: the words were not written to them.
    rig.says("2", "help").await;
    rig.sees("2");
    let early = waits("2", "link your bank").await;
    goes_on().await;
    assert_eq!((rig.sees("2"), state(early).await), (vec!["link your bank".into()], OutboxState::Sent));
    let token = rig.link_token("2").await;
    let early = waits("2", "your card is blocked").await;
    let begun = rig
        .gateway
        .link_begin(&Entry::OneTime { token }, &InstitutionId::new(BANK).unwrap(), Lang::English)
        .await;
    let begun = begun.expect("begun");
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    rig.gateway.consent_give(&begun.cookie, &answer).await.expect("linked");
    goes_on().await;
    assert!(!rig.sees("2").join("\n").contains("blocked"));
    assert_eq!(state(early).await, OutboxState::Denied);

    // "Stop", and everything erased: nothing more is sent.
    let message = waits("1", "another word").await;
    rig.says("1", "stop").await;
    goes_on().await;
    assert!(!rig.sees("1").join("\n").contains("another word"));
    assert_eq!(state(message).await, OutboxState::Denied);
    assert!(recorded(r#""template":"denied:links-changed""#).await);
    rig.link("1").await;
    let customer = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0).customer;
    let message = waits("1", "the last word").await;
    rig.gateway.erase_customer(customer).await.expect("erased");
    goes_on().await;
    assert!(!rig.sees("1").join("\n").contains("last word"));
    assert_eq!(state(message).await, OutboxState::Denied);
}
