//! What a person deletes in the chat: a message of their own, and everything about them.

use crate::erasing::{another_here, help, waits};
use crate::support::*;
use amana_channel::SendError;
use amana_channel::webhook::{Inbound, InboundKind, parse};
use amana_core::*;
use amana_flow::limits::ERASE_ASKED_S;
use amana_flow::*;
use amana_gate::About;
use amana_store::*;
use serde_json::{Value, json};

/// As the platform's webhook brings them.
fn inbound(items: &[Value]) -> Vec<Inbound> {
    let items: Vec<Value> = items
        .iter()
        .map(|item| json!({"sender": {"id": "1"}, "recipient": {"id": PAGE}, "timestamp": 1_795_514_400_000_i64, "message": item}))
        .collect();
    let body =
        json!({"object": "page", "entry": [{"id": PAGE, "time": 1_795_514_400_000_i64, "messaging": items}]});
    parse(body.to_string().as_bytes()).expect("a webhook").events
}

#[tokio::test]
async fn a_message_that_was_deleted_is_read_by_nobody_whenever_the_deletion_comes() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.sees("1");
    let asked = json!({"mid": "m_1", "text": "what is my balance?"});
    let deleted = json!({"mid": "m_1", "is_deleted": true});
    let calls = rig.bank.called("accounts");
    // In one delivery; the deletion first (the platform keeps no order after failures); and again, all of it.
    for (name, first, then) in
        [("m_1", &asked, &deleted), ("m_2", &deleted, &asked), ("m_1", &asked, &deleted)]
    {
        let named = |item: &Value| {
            let mut item = item.clone();
            item["mid"] = json!(name);
            item
        };
        rig.gateway.accept_chat(&inbound(&[named(first)])).await.expect("accepted");
        rig.gateway.accept_chat(&inbound(&[named(then)])).await.expect("accepted");
        rig.gateway.settle().await.expect("settled");
    }
    assert!(rig.sees("1").is_empty(), "nothing is answered");
    assert_eq!(rig.bank.called("accounts"), calls, "and nothing asked of the bank");
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.inbox_waiting, counts.inbox_failed), (0, 0));

    // What was not deleted goes on, and what was answered already stays answered.
    let other = json!({"mid": "m_3", "text": "what is my balance?"});
    rig.gateway.accept_chat(&inbound(&[other])).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").concat().contains("1,234.56"));
    let late = json!({"mid": "m_3", "is_deleted": true});
    rig.gateway.accept_chat(&inbound(&[late])).await.expect("accepted");
    rig.gateway.settle().await.expect("settled");
    assert!(rig.sees("1").is_empty());
}

async fn yes(rig: &Rig, psid: &str) -> String {
    rig.says(psid, "delete my data").await;
    let question = rig.sees(psid).concat();
    assert!(question.contains("cannot be undone") && question.contains("Cedar Bank"), "{question}");
    format!("v1:erase:{}", rig.clock.now().as_second())
}

async fn taps(rig: &Rig, psid: &str, payload: &str) -> String {
    let tap = InboundKind::QuickReply {
        mid: format!("tap{}", rig.next()),
        payload: payload.into(),
        text: "Yes, delete it all".into(),
    };
    rig.event(psid, tap).await;
    plain(&rig.sees(psid).concat())
}

#[tokio::test]
async fn who_is_known_by_a_chat_alone_has_everything_deleted_from_the_chat() {
    let rig = Rig::new().await;
    for psid in ["1", "2"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(psid).await;
        rig.says(psid, "what's my balance?").await;
        assert!(rig.sees(psid).concat().contains("1,234.56"));
    }
    let links = |psid: &'static str| {
        let store = rig.store.clone();
        async move { store.links_ever(&conversation(psid)).await.expect("answers") }
    };
    let mine = links("1").await.remove(0);
    let revocations = rig.bank.called("revoke");

    // The wish alone deletes nothing, nor does a yes that comes too late, from the future or from nowhere.
    let late = yes(&rig, "1").await;
    rig.clock.advance_s(ERASE_ASKED_S);
    let future = format!("v1:erase:{}", rig.clock.now().as_second() + 60);
    for payload in [&*late, &*future, "v1:erase", "v1:erase:0"] {
        let said = taps(&rig, "1", payload).await;
        assert!(said.contains("Delete it all?"), "{payload}: asked anew: {said}");
    }
    assert_eq!(links("1").await.len(), 1);
    assert!(rig.store.customer_place(mine.customer).await.unwrap().is_some());

    let good = yes(&rig, "1").await;
    let said = taps(&rig, "1", &good).await;
    assert!(said.contains("Done. Everything that was kept about you"), "{said}");
    assert!(rig.store.customer_place(mine.customer).await.unwrap().is_none());
    assert!(links("1").await.is_empty());
    assert!(rig.store.receipts(mine.shard, mine.customer, 1, 9).await.unwrap().is_empty());
    assert_eq!(rig.store.erased(None, 9).await.unwrap(), [mine.customer]);
    assert_eq!(rig.bank.called("revoke"), revocations + 1, "the bank is told");
    let counts = rig.store.counts().await.expect("answers");
    assert_eq!((counts.inbox_failed, counts.jobs_dead), (0, 0));

    // There is nobody any more; the other one is as before.
    assert!(taps(&rig, "1", &good).await.contains("Nothing about you is kept here"));
    rig.says("2", "what's my balance?").await;
    assert!(rig.sees("2").concat().contains("1,234.56"));
}

/// Of whom something does not open, the job does it as a whole: the links that still open are ended, of which the bank
/// hears, and what is said to a chat that is another customer's, too, stays for that one.
#[tokio::test]
async fn who_does_not_open_and_is_deleted_from_the_chat_ends_what_opens_and_leaves_what_is_the_others() {
    let rig = Rig::new().await;
    *rig.bank.subject.lock().unwrap() = Some("customer-1".into());
    for psid in ["1", "3"] {
        rig.link(psid).await;
    }
    let [damaged, opens] = ["1", "3"]
        .map(async |psid| rig.store.links_ever(&conversation(psid)).await.expect("answers").remove(0));
    let (damaged, opens) = (damaged.await, opens.await);
    assert_eq!(damaged.customer, opens.customer);
    let stays = another_here(&rig, "3").await;
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    rig.says("3", "help").await;
    let hex: String = damaged.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    rig.sql(&format!("UPDATE bank_grant SET sealed = x'00' WHERE link = x'{hex}'"));

    let revocations = rig.bank.called("revoke");
    rig.says("1", "delete my data").await;
    taps(&rig, "1", &format!("v1:erase:{}", rig.clock.now().as_second())).await;
    assert!(rig.store.customer_place(damaged.customer).await.unwrap().is_none(), "gone all the same");
    let waiting = waits(&rig).await;
    let kept = waiting.iter().find(|entry| entry.row.recipient.psid.as_str() == "3").expect("waits on");
    assert_eq!(kept.row.under, Some((stays.shard, stays.customer)));
    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(120);
    rig.gateway.settle().await.expect("settled");
    assert_eq!(rig.sees("3"), [help()]);
    assert_eq!(rig.bank.called("revoke"), revocations + 1, "of the link that opened the bank is told");
}

/// A consent that does not open, or its history, is no reason to leave the bank out, nor to tell the chat nothing.
#[tokio::test]
async fn what_a_consent_says_is_not_needed_to_delete_everything() {
    for table in ["consent", "consent_event"] {
        let rig = Rig::new().await;
        rig.link("1").await;
        let link = rig.store.links_ever(&conversation("1")).await.expect("answers").remove(0);
        rig.sql(&format!("UPDATE {table} SET sealed = x'00'"));
        let good = yes(&rig, "1").await;
        let said = taps(&rig, "1", &good).await;
        assert!(said.contains("Done. Everything that was kept about you"), "{table}: {said}");
        assert!(rig.store.customer_place(link.customer).await.unwrap().is_none(), "{table}");
        assert_eq!(rig.bank.called("revoke"), 1, "{table}");
    }
}

/// What names a link is under the deployment's key where the customer's does not open at that moment, and nothing says
/// whose link it is: it goes with the first of the chat's customers who is erased.
#[tokio::test]
async fn what_names_a_link_under_nobodys_key_goes_with_the_first_of_the_chat() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    let gone = rig.store.links_ever(&conversation("1")).await.expect("answers").remove(0);
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    // The customer's row does not read; the link does.
    rig.sql("UPDATE customer SET institution = ''");
    rig.restart().await;
    rig.says("1", "stop").await;
    rig.sql("UPDATE customer SET institution = 'cedar-bank'");
    let [stopped] = waits(&rig).await.try_into().unwrap_or_else(|rows: Vec<_>| panic!("{}", rows.len()));
    assert_eq!((stopped.row.under, stopped.row.about), (None, About::Links));

    another_here(&rig, "1").await;
    assert_eq!(rig.gateway.erase_customer(gone.customer).await.expect("erased"), Some(Erased::Whole));
    let row = rig.store.outbox_entry(stopped.row.message).await.unwrap().expect("an empty row");
    assert_eq!((row.state, row.row.payload.len()), (OutboxState::Denied, 0));
}

/// Nobody's customer: who only ever wrote, and then wants nothing kept, by the platform's form or in the chat.
#[tokio::test]
async fn of_a_chat_that_was_never_linked_nothing_is_kept_either() {
    let rig = Rig::new().await;
    let chat = || async { rig.store.conversation(&conversation("1")).await.expect("answers") };
    for way in ["platform", "chat"] {
        *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
        rig.says("1", "hello").await;
        *rig.channel.error.lock().unwrap() = None;
        // A letter that could not be sent, and something that this version does not know.
        let item = json!({"object": "page", "entry": [{"id": PAGE, "time": 1, "messaging": [
            {"sender": {"id": "1"}, "recipient": {"id": PAGE}, "timestamp": 1_795_514_400_000_i64, "novel": way}]}]});
        let kept = parse(item.to_string().as_bytes()).expect("a webhook").kept;
        rig.gateway.accept_unread(&kept).await.expect("kept");
        rig.gateway.settle().await.expect("settled");
        let letters = rig.store.dead_letters(9).await.expect("answers");
        assert!(letters.iter().any(|letter| !letter.row.payload.is_empty()), "{way}");
        assert_eq!(rig.store.inbox_failed(9).await.expect("answers").len(), 1, "{way}");
        assert!(chat().await.is_some_and(|chat| chat.welcomed_at.is_some()), "{way}");

        if way == "platform" {
            let kind = PlatformRequestKind::Deletion;
            rig.platform_asks(kind, "app-1").await;
            assert_eq!(chat().await, None);
        } else {
            rig.says("1", "delete my data").await;
            assert!(rig.sees("1").concat().contains("has been deleted just now"));
            let left = chat().await.expect("until the sweep: the answer needed it");
            assert_eq!((left.lang_chosen, left.welcomed_at), (false, None));
        }
        for letter in rig.store.dead_letters(9).await.expect("answers") {
            assert!(letter.row.payload.is_empty(), "{way}: {letter:?}");
        }
        assert!(rig.store.inbox_failed(9).await.expect("answers").is_empty(), "{way}");
    }
}

/// Where the platform does not tell whose chat it is, nobody is told that it is done.
#[tokio::test]
async fn a_deletion_of_which_the_platform_does_not_tell_whose_it_is_is_an_alarm() {
    let rig = Rig::new().await;
    let answer = rig.platform_asks(PlatformRequestKind::Deletion, "refused").await;
    let request = rig.gateway.platform_request(&answer.code).await.unwrap().expect("on record");
    assert_eq!((request.chats, request.untold, request.done_at), (0, 1, None));
    let alarms = rig.store.alarms(false, 9).await.expect("answers");
    assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::DeletionUntold]);
}

/// The platform that asks says nothing for hours of whose chat it is about: the request is on record all the while, an
/// operator hears of it after an hour, and it is done when the platform answers.
#[tokio::test]
async fn a_deletion_outlives_an_outage_and_a_restart() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    let customer = rig.store.links_of_conversation(&conversation("1")).await.unwrap()[0].customer;
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    let answer = rig.platform_asks(PlatformRequestKind::Deletion, "app-1").await;
    let alarms = async |rig: &Rig| {
        let alarms = rig.store.alarms(false, 9).await.expect("answers");
        alarms.iter().filter(|alarm| alarm.kind == AlarmKind::DeletionLate).count()
    };
    assert_eq!(alarms(&rig).await, 0);
    rig.restart().await;
    for _ in 0..3 {
        rig.clock.advance_s(1_500);
        rig.gateway.settle().await.expect("settled");
    }
    assert_eq!(alarms(&rig).await, 1, "once, after an hour");
    let request = rig.gateway.platform_request(&answer.code).await.unwrap().expect("on record");
    assert_eq!((request.chats, request.done_at), (0, None));
    assert!(rig.store.customer_place(customer).await.unwrap().is_some(), "not yet");

    *rig.channel.error.lock().unwrap() = None;
    rig.clock.advance_s(1_500);
    rig.gateway.settle().await.expect("settled");
    let request = rig.gateway.platform_request(&answer.code).await.unwrap().expect("on record");
    assert!(request.chats == 1 && request.done_at.is_some(), "{request:?}");
    assert_eq!(rig.store.customer_place(customer).await.unwrap(), None, "erased");
    assert_eq!(rig.store.counts().await.expect("answers").jobs_dead, 0);
}

/// Stopped yesterday, deleted today: the customer of an ended link is still the chat's.
#[tokio::test]
async fn who_stopped_can_still_have_everything_deleted() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("1", "stop").await;
    rig.sees("1");
    let mine = rig.store.links_ever(&conversation("1")).await.expect("answers").remove(0);
    let good = yes(&rig, "1").await;
    taps(&rig, "1", &good).await;
    assert!(rig.store.customer_place(mine.customer).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_and_nothing_else() {
    let rig = Rig::new().await;
    *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    rig.says("1", "hello").await;
    let letters = rig.store.dead_letters(9).await.expect("answers");
    assert!(!letters.is_empty(), "given up");
    let message = letters[0].row.message;
    *rig.channel.error.lock().unwrap() = None;
    rig.gateway.try_again(GivenUp::Message(message)).await.expect("again");
    rig.gateway.settle().await.expect("settled");
    assert!(!rig.sees("1").is_empty(), "and now it arrives");
    for nothing in [GivenUp::Message(message), GivenUp::Event(conversation("1").shard(), 1)] {
        let again = rig.gateway.try_again(nothing).await;
        assert!(matches!(again, Err(SubmitError::Conflict { .. })), "{again:?}");
    }
}
