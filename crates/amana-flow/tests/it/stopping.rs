//! Abuse case 5: one purpose is stopped, of a bank, and nothing else is: not the bank's other purposes, nor the words
//! that hold no data. Nothing is read for it, nothing said, nothing shown, and nothing waits behind it.

use crate::support::*;
use amana_channel::SendError;
use amana_core::*;
use amana_flow::{LinkError, Upkeep};
use amana_gate::{ReceiptKind, TicketError};
use amana_store::{Command, StoredText};

fn flow(purpose: Purpose, institution: Option<&str>, channel: Option<&str>) -> KillScope {
    let institution = institution.map(|id| InstitutionId::new(id).unwrap());
    let channel = channel.map(|id| ChannelId::new(id).unwrap());
    KillScope::Purpose(PurposeScope { purpose, institution, channel })
}

async fn stop(rig: &Rig, scope: &KillScope) {
    let kill = Kill { scope: scope.clone(), reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
}

async fn go_on(rig: &Rig, scope: &KillScope) {
    rig.store.submit(vec![Command::ClearKill(scope.clone())]).await.unwrap();
}

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

/// How many refusals of a stopped purpose are on record, of this purpose, and how many of any other kind.
async fn refusals(rig: &Rig, cookie: &str, purpose: Purpose) -> (usize, usize) {
    let timeline = rig.gateway.privacy_view(cookie, None).await.expect("the page").timeline;
    let denied: Vec<_> = timeline.iter().filter(|entry| entry.kind == ReceiptKind::Denial).collect();
    let of = |entry: &&&amana_flow::TimelineEntry| {
        entry.note.as_deref() == Some("purpose-killed") && entry.purpose == Some(purpose)
    };
    let those = denied.iter().filter(of).count();
    (those, denied.len() - those)
}

#[tokio::test]
async fn abuse_05_a_stopped_purpose_is_neither_read_nor_said_and_the_others_flow() {
    use Purpose::{BalanceOnRequest, TransactionUpdate};
    let page = conversation("1").channel;
    for (institution, channel) in
        [(None, None), (Some(BANK), None), (None, Some(page.as_str())), (Some(BANK), Some(page.as_str()))]
    {
        let rig = Rig::new().await;
        let cookie = rig.link("1").await;
        let scope = flow(TransactionUpdate, institution, channel);
        stop(&rig, &scope).await;
        let read = rig.bank.called("transactions");
        rig.says("1", "show my transactions").await;
        let said = rig.sees("1").concat();
        assert!(said.contains("paused") && said.contains("your transactions"), "{said}");
        assert_eq!(rig.bank.called("transactions"), read, "the bank is not asked: {scope:?}");
        purchase(&rig, "t1", 451).await;
        assert_eq!(rig.sees("1"), Vec::<String>::new(), "{scope:?}");
        assert_eq!(refusals(&rig, &cookie, TransactionUpdate).await, (2, 0));
        // What else was allowed goes on, in the same chat.
        rig.says("1", "what's my balance?").await;
        assert!(rig.sees("1").concat().contains("1,234.56"));
        rig.pushes(rig.balance(9_900, 9_900)).await;
        assert!(rig.sees("1").concat().contains("99.00"));
        rig.says("1", "help").await;
        assert_eq!(rig.sees("1").len(), 1);
        go_on(&rig, &scope).await;
        purchase(&rig, "t2", 452).await;
        assert!(rig.sees("1").concat().contains("4.52"));
        let again = flow(BalanceOnRequest, institution, channel);
        stop(&rig, &again).await;
        let read = rig.bank.called("accounts");
        rig.says("1", "what's my balance?").await;
        assert!(!rig.sees("1").concat().contains("1,234.56"));
        assert_eq!(rig.bank.called("accounts"), read);
    }
}

#[tokio::test]
async fn abuse_05_a_switch_of_a_purpose_elsewhere_stops_nothing_here() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    for scope in [
        flow(Purpose::TransactionUpdate, Some("another-bank"), None),
        flow(Purpose::TransactionUpdate, None, Some("999")),
        flow(Purpose::SecurityAlert, None, None),
    ] {
        stop(&rig, &scope).await;
    }
    purchase(&rig, "t1", 451).await;
    assert!(rig.sees("1").concat().contains("4.51"));
    rig.says("1", "show my transactions").await;
    assert!(rig.sees("1").concat().contains("Blue Bottle"));
    assert_eq!(refusals(&rig, &cookie, Purpose::TransactionUpdate).await, (0, 0));
}

/// What waits of a stopped purpose would hold up the whole chat, if it waited on: it ends, on record.
#[tokio::test]
async fn abuse_05_what_waits_of_a_stopped_purpose_ends_and_holds_nothing_up() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    purchase(&rig, "t1", 451).await;
    let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
    stop(&rig, &scope).await;
    rig.says("1", "what's my balance?").await;
    rig.clock.advance_s(61);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(said.contains("1,234.56") && !said.contains("4.51"), "{said}");
    assert_eq!(refusals(&rig, &cookie, Purpose::TransactionUpdate).await, (1, 0));
    go_on(&rig, &scope).await;
    rig.clock.advance_s(61);
    rig.gateway.settle().await.unwrap();
    assert!(!rig.sees("1").concat().contains("4.51"));
}

/// A switch that only the last look sees, after the gate said yes, holds the chat up for a moment, not for as long as
/// one that keeps what waits.
#[tokio::test]
async fn what_only_the_last_look_stops_is_decided_anew_at_once() {
    for (scope, ends) in [(flow(Purpose::TransactionUpdate, None, None), true), (KillScope::All, false)] {
        let rig = Rig::new().await;
        let cookie = rig.link("1").await;
        let killed = SendError::Refused { why: TicketError::Killed };
        *rig.channel.error.lock().unwrap() = Some(killed);
        purchase(&rig, "t1", 451).await;
        *rig.channel.error.lock().unwrap() = None;
        stop(&rig, &scope).await;
        rig.says("1", "what's my balance?").await;
        rig.clock.advance_s(1);
        rig.gateway.settle().await.unwrap();
        let said = rig.sees("1").concat();
        assert_eq!((said.contains("1,234.56"), said.contains("4.51")), (ends, false), "{scope:?}: {said}");
        let (purpose, _) = refusals(&rig, &cookie, Purpose::TransactionUpdate).await;
        assert_eq!(purpose, usize::from(ends));
        // One that keeps what waits is not asked every second.
        go_on(&rig, &scope).await;
        rig.clock.advance_s(1);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.sees("1"), Vec::<String>::new(), "{scope:?}");
        rig.clock.advance_s(61);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.sees("1").concat().contains("4.51"), !ends, "{scope:?}");
    }
}

/// Turns the switch of a purpose on, until what waits of it has ended.
async fn stopped_and_on(rig: &Rig, purpose: Purpose) {
    let scope = flow(purpose, Some(BANK), None);
    stop(rig, &scope).await;
    rig.clock.advance_s(90);
    rig.gateway.settle().await.unwrap();
    assert!(!rig.sees("1").concat().contains("4.50"));
    assert_eq!(rig.store.counts().await.unwrap().outbox_open, 0, "over");
    go_on(rig, &scope).await;
}

/// Nobody heard of what the switch ended: whatever the bank calls what comes of it afterwards, it is told as new, also
/// where the message would have told several things at once.
#[tokio::test]
async fn what_a_switch_ended_is_new_when_more_comes_of_it() {
    for (id, reference, minor) in
        [("p1", Some("t1"), 450), ("p1", Some("t1"), 470), ("p1", None, 450), ("t1", None, 450)]
    {
        for waited in [false, true] {
            let rig = Rig::new().await;
            rig.link("1").await;
            if waited {
                rig.clock.advance_s(86_400);
                purchase(&rig, "t0", 999).await;
            }
            *rig.channel.error.lock().unwrap() = Some(SendError::Transient { what: "a test" });
            purchase(&rig, "t1", 450).await;
            if waited {
                rig.says("1", "hello").await;
            }
            *rig.channel.error.lock().unwrap() = None;
            stopped_and_on(&rig, Purpose::TransactionUpdate).await;
            rig.pushes(rig.transaction(BankEventKind::TransactionPosted, id, reference, minor)).await;
            let said = rig.sees("1").concat();
            let amount = format!("4.{}", minor - 400);
            let what = format!("{id} {reference:?} {minor} {waited}: {said}");
            assert!(said.contains(&amount) && !said.contains("has changed"), "{what}");
            // And once, also where the bank says it in another event.
            let (event, body) = rig.transaction(BankEventKind::TransactionPosted, id, reference, minor);
            rig.pushes((BankEvent { id: format!("{} again", event.id), ..event }, body)).await;
            assert!(rig.sees("1").is_empty(), "{what}");
        }
    }
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.balance(450, 450)).await;
    stopped_and_on(&rig, Purpose::BalanceUpdate).await;
    rig.pushes(rig.balance(450, 450)).await;
    assert!(rig.sees("1").concat().contains("4.50"));
}

/// What may have arrived was told.
#[tokio::test]
async fn what_a_switch_ended_in_doubt_stays_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::LoseSilently);
    purchase(&rig, "t1", 450).await;
    let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
    stop(&rig, &scope).await;
    rig.hears(1_800).await;
    assert_eq!(rig.store.counts().await.unwrap().outbox_open, 0, "over");
    go_on(&rig, &scope).await;
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 450)).await;
    assert!(!rig.sees("1").concat().contains("4.50"));
}

/// What is given up can be replayed, so it counts as told.
#[tokio::test]
async fn what_is_given_up_counts_as_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    for (id, minor) in [("t1", 450), ("t2", 460)] {
        purchase(&rig, id, minor).await;
    }
    assert_eq!(rig.store.counts().await.unwrap().outbox_dead, 2);
    *rig.channel.error.lock().unwrap() = None;
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 450)).await;
    assert_eq!(rig.sees("1"), Vec::<String>::new());
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p2", Some("t2"), 470)).await;
    let said = rig.sees("1").concat();
    assert!(said.contains("4.70") && said.contains("has changed"), "{said}");
}

/// A posting that waits behind a purchase of which nobody heard is told as new, and so is what comes of that.
#[tokio::test]
async fn what_waits_behind_what_a_switch_ended_is_new() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.channel.error.lock().unwrap() = Some(SendError::TokenDead);
    purchase(&rig, "t1", 450).await;
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 470)).await;
    assert_eq!(rig.store.counts().await.unwrap().news_waiting, 1);
    *rig.channel.error.lock().unwrap() = None;
    stopped_and_on(&rig, Purpose::TransactionUpdate).await;
    rig.clock.advance_s(61);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(said.contains("4.70") && !said.contains("has changed"), "{said}");
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 470)).await;
    assert!(rig.sees("1").is_empty(), "told");
}

/// A notice that a switch ended told nobody anything: it keeps no other purpose's notice away.
#[tokio::test]
async fn a_notice_that_a_switch_ended_does_not_count() {
    let rig = Rig::new().await;
    rig.link("1").await;
    for language in ["en", "ar"] {
        let text = StoredText {
            channel: conversation("1").channel,
            name: "amana_news_1".into(),
            lang: if language == "en" { Lang::English } else { Lang::Arabic },
            status: "APPROVED".into(),
            reason: None,
            at: rig.clock.now(),
        };
        rig.store.submit(vec![Command::PutApprovedText(text)]).await.unwrap();
    }
    rig.clock.advance_s(86_400);
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    purchase(&rig, "t1", 450).await;
    let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
    stop(&rig, &scope).await;
    rig.clock.advance_s(61);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1"), Vec::<String>::new());
    rig.pushes(rig.balance(9_900, 9_900)).await;
    assert!(rig.sees("1").concat().contains("There is news"));
    rig.pushes(rig.balance(9_800, 9_800)).await;
    assert_eq!(rig.sees("1"), Vec::<String>::new(), "once a day");
}

/// News that wait for their customer wait on, and those of other purposes do not.
#[tokio::test]
async fn abuse_05_news_of_a_stopped_purpose_wait_while_the_others_are_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    purchase(&rig, "t1", 451).await;
    rig.pushes(rig.balance(9_900, 9_900)).await;
    let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
    stop(&rig, &scope).await;
    rig.says("1", "hello").await;
    rig.clock.advance_s(90);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(said.contains("99.00") && !said.contains("4.51"), "{said}");
    assert_eq!(rig.store.counts().await.unwrap().news_waiting, 1);
    go_on(&rig, &scope).await;
    rig.clock.advance_s(90);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").concat().contains("4.51"));
}

/// A bank that pushes nothing is read for the purposes that flow, and for the stopped one not at all.
#[tokio::test]
async fn abuse_05_a_bank_is_not_polled_for_a_stopped_purpose() {
    let mut rig = Rig::new().await;
    *rig.bank.upkeep.lock().unwrap() = Upkeep { poll_every_s: Some(3_600), ..Upkeep::default() };
    *rig.bank.life_s.lock().unwrap() = 10_000_000;
    rig.restart().await;
    rig.link("1").await;
    let polled = async |rig: &Rig| {
        let before = ["news transactions", "news balances"].map(|what| rig.bank.called(what));
        rig.clock.advance_s(4_501);
        rig.gateway.settle().await.unwrap();
        let after = ["news transactions", "news balances"].map(|what| rig.bank.called(what));
        [after[0] > before[0], after[1] > before[1]]
    };
    assert_eq!(polled(&rig).await, [true, true]);
    let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
    stop(&rig, &scope).await;
    assert_eq!(polled(&rig).await, [false, true]);
    let other = flow(Purpose::BalanceUpdate, None, None);
    stop(&rig, &other).await;
    assert_eq!(polled(&rig).await, [false, false]);
    go_on(&rig, &scope).await;
    assert_eq!(polled(&rig).await, [true, false]);
}

/// The page of accounts is for no purpose: it is there while the bank's grant is still for any.
#[tokio::test]
async fn abuse_05_the_page_of_accounts_is_stopped_with_the_last_purpose() {
    let rig = Rig::new().await;
    let purposes = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate];
    let cookie = rig.link_for("1", &purposes, Form::Detail).await;
    let scopes = purposes.map(|purpose| flow(purpose, Some(BANK), None));
    stop(&rig, &scopes[0]).await;
    assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_ok());
    stop(&rig, &scopes[1]).await;
    let asked = rig.bank.called("accounts");
    assert!(matches!(rig.gateway.accounts_view(&cookie, |own| own).await, Err(LinkError::Stopped)));
    assert_eq!(rig.bank.called("accounts"), asked);
    go_on(&rig, &scopes[0]).await;
    assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_ok());
}
