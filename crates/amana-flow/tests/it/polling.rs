//! A bank that pushes nothing is read for news: each fact is told once, whatever way it came.

use crate::support::*;
use amana_bank::{BankErrorClass, GrantStatus, Of};
use amana_core::*;
use amana_flow::Upkeep;
use amana_flow::limits::*;
use amana_store::Command;
use std::time::Duration;

const EVERY_S: i64 = 3_600;

/// A rig whose bank is read every hour.
async fn polled(calls: u32) -> Rig {
    let mut rig = Rig::new().await;
    *rig.bank.upkeep.lock().unwrap() =
        Upkeep { poll_every_s: Some(EVERY_S), poll_calls: calls, ..Upkeep::default() };
    *rig.bank.life_s.lock().unwrap() = 10_000_000;
    rig.restart().await;
    rig
}

/// Past the next poll, with the most jitter.
async fn next_poll(rig: &Rig) {
    rig.clock.advance_s(EVERY_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
}

/// A row that there is to read from now on.
fn there_is(rig: &Rig, kind: BankEventKind, id: &str, reference: Option<&str>, minor: i64) {
    let (event, body) = rig.transaction(kind, id, reference, minor);
    add(rig, event, &body);
}

fn add(rig: &Rig, event: BankEvent, body: &amana_gate::Unaddressed<BankEventBody>) {
    let subject = amana_gate::Subject {
        institution: event.institution.clone(),
        customer: CustomerId::from_bytes([0; 16]),
    };
    let body = body.about(subject).open_in_test().clone();
    let event = BankEvent { id: format!("read {}", event.id), subject: None, ..event };
    rig.bank.news.lock().unwrap().push((event, body));
}

fn told(rig: &Rig, what: &str) -> usize {
    rig.sees("1").iter().filter(|said| said.contains(what)).count()
}

#[tokio::test]
async fn what_is_new_at_a_bank_that_pushes_nothing_is_told_once() {
    use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P};
    let mut rig = polled(0).await;
    there_is(&rig, P, "old", None, 999);
    rig.clock.advance_s(1);
    rig.link("1").await;
    assert_eq!(told(&rig, "9.99"), 0, "what is there at the beginning is no news");
    next_poll(&rig).await;
    assert_eq!(told(&rig, "9.99"), 0);
    there_is(&rig, A, "a", None, 450);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "4.50"), 1);
    for _ in 0..3 {
        next_poll(&rig).await;
    }
    rig.restart().await;
    next_poll(&rig).await;
    assert_eq!(told(&rig, "4.50"), 0, "the same row again is nothing new, nor after a restart");
    // Booked later, under another id and the same amount: silent. With another amount: said.
    there_is(&rig, P, "p", Some("a"), 450);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "4.50"), 0);
    there_is(&rig, A, "tip", None, 2_000);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "20.00"), 1);
    there_is(&rig, P, "tip-posted", Some("tip"), 2_400);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "24.00"), 1);
    assert_eq!(rig.store.counts().await.unwrap().inbox_failed, 0);
}

/// A row of a purchase at a time.
fn bought(rig: &Rig, id: &str, minor: i64, at: Timestamp) {
    there_is(rig, BankEventKind::TransactionPosted, id, None, minor);
    let mut news = rig.bank.news.lock().unwrap();
    let (event, body) = news.last_mut().unwrap();
    event.occurred = at;
    if let BankEventBody::Transaction(row) = body {
        row.at = at;
    }
}

/// The bank calls all its rows by other ids.
fn renames(rig: &Rig, by: &str) {
    for (event, body) in rig.bank.news.lock().unwrap().iter_mut() {
        event.id.push_str(by);
        event.transaction_id.iter_mut().for_each(|id| id.push_str(by));
        if let BankEventBody::Transaction(row) = body {
            row.id.push_str(by);
        }
    }
}

/// A bank that calls the same rows by other ids tells nothing new, whether it knows times or only days. What is new
/// among them is told, also a second purchase that says the same as the first; and of a bank that knows only days one
/// that says the same as another that went.
#[tokio::test]
async fn rows_under_other_ids_are_not_told_again() {
    for only_days in [false, true] {
        let rig = polled(0).await;
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let day = Timestamp::from_second((rig.clock.now().as_second() / 86_400 + 1) * 86_400).unwrap();
        let at = |n: u64| if only_days { day } else { day + Duration::from_secs(7 + n * 1_000) };
        // From before the consent, which is no news under any name.
        bought(&rig, "old", 999, day - hours(20));
        rig.link("1").await;
        rig.clock.advance_s(2 * 86_400);
        rig.says("1", "hello").await;
        for (n, minor) in [(1, 4_200), (2, 5_300), (3, 6_400)] {
            bought(&rig, &format!("t{n}"), minor, at(n));
        }
        next_poll(&rig).await;
        assert_eq!(told(&rig, "53.00"), 1, "{only_days}");
        renames(&rig, "-x");
        next_poll(&rig).await;
        assert!(rig.sees("1").is_empty(), "{only_days}");
        renames(&rig, "-y");
        bought(&rig, "again", 4_200, at(1));
        bought(&rig, "new", 7_500, at(4));
        next_poll(&rig).await;
        let said = rig.sees("1").concat();
        let times = |what| said.matches(what).count();
        assert_eq!((times("42.00"), times("75.00")), (1, 1), "{only_days}: {said}");
        assert_eq!((times("53.00"), times("64.00"), times("9.99")), (0, 0, 0), "{only_days}: {said}");
        // One goes, and one comes that says the same: where there is only the day, it may be another.
        rig.bank.news.lock().unwrap().retain(|(event, _)| !event.id.contains("t2"));
        bought(&rig, "other", 5_300, at(2));
        next_poll(&rig).await;
        assert_eq!(told(&rig, "53.00"), usize::from(only_days), "{only_days}");
    }
}

/// A row that appears days late, within the overlap, is found; each window begins ten days before the end of the last.
#[tokio::test]
async fn windows_overlap_so_that_late_rows_are_found() {
    let rig = polled(0).await;
    rig.link("1").await;
    for _ in 0..96 {
        next_poll(&rig).await;
    }
    let (mut event, body) = rig.transaction(BankEventKind::TransactionPosted, "late", None, 1_234);
    event.occurred = rig.clock.now().checked_sub(Duration::from_secs(3 * 86_400)).unwrap();
    add(&rig, event, &body);
    rig.says("1", "hello").await;
    rig.sees("1");
    next_poll(&rig).await;
    assert_eq!(told(&rig, "12.34"), 1);
    let asked = rig.bank.asked.lock().unwrap();
    let windows: Vec<(i64, i64)> = asked
        .iter()
        .filter_map(|of| match of {
            Of::Transactions { from, to, .. } => Some((from.as_second(), to.as_second())),
            Of::Balances => None,
        })
        .collect();
    for pair in windows.windows(2) {
        let now_before = pair[0].1 - 86_400;
        assert_eq!(pair[1].0, now_before - POLL_OVERLAP_S, "from the end of what was read, less the overlap");
    }
    assert!(windows.len() > 90);
}

/// A switch puts reading off, and what came about meanwhile is read and told afterwards, once, if it is still news:
/// nothing of it was decided, so nothing is on record as refused.
#[tokio::test]
async fn what_comes_about_while_a_switch_is_on_is_told_afterwards() {
    use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P};
    let bank = InstitutionId::new(BANK).unwrap();
    let purpose = Purpose::TransactionUpdate;
    let purpose = KillScope::Purpose(PurposeScope { purpose, institution: None, channel: None });
    for scope in [purpose, KillScope::Institution(bank), KillScope::All] {
        let rig = polled(0).await;
        let balance = |minor| {
            rig.bank.news.lock().unwrap().retain(|(event, _)| event.kind != BankEventKind::BalanceChanged);
            let (event, body) = rig.balance(minor, minor);
            add(&rig, event, &body);
        };
        balance(10_000);
        rig.link("1").await;
        next_poll(&rig).await;
        rig.sees("1");
        let kill = Kill { scope: scope.clone(), reason: "drill".into(), since: rig.clock.now() };
        rig.store.submit(vec![Command::SetKill(kill)]).await.unwrap();
        there_is(&rig, P, "old", None, 440);
        rig.clock.advance_s((EVENT_AGE_DAYS_MAX + 1) * 86_400);
        rig.gateway.settle().await.unwrap();
        there_is(&rig, A, "a", None, 450);
        there_is(&rig, P, "p", Some("a"), 450);
        there_is(&rig, P, "b", None, 460);
        for minor in [9_500, 9_000] {
            balance(minor);
            next_poll(&rig).await;
        }
        assert!(!rig.sees("1").concat().contains("4.50"), "{scope:?}");
        rig.store.submit(vec![Command::ClearKill(scope.clone())]).await.unwrap();
        rig.says("1", "hello").await;
        for _ in 0..2 {
            next_poll(&rig).await;
        }
        let said = rig.sees("1").concat();
        let times = ["4.40", "4.50", "4.60"].map(|amount| said.matches(amount).count());
        assert_eq!(times, [0, 1, 1], "{scope:?}: {said}");
        // The balance of another purpose flowed meanwhile, and waited for its customer; else only the last one is news.
        assert_eq!(
            (said.matches("95.00").count(), said.matches("90.00").count()),
            (0, 1),
            "{scope:?}: {said}"
        );
        let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
        let receipts = rig.store.receipts(link.shard, link.customer, 0, 100).await.unwrap();
        let refused =
            receipts.iter().filter(|r| String::from_utf8_lossy(&r.bytes).contains("killed")).count();
        assert_eq!(refused, 0, "{scope:?}");
    }
}

/// The same facts by push and by poll, either first: each is told once.
#[tokio::test]
async fn push_and_poll_together_tell_once() {
    use BankEventKind::{TransactionAuthorised as A, TransactionPosted as P};
    for pushed_first in [true, false] {
        let rig = polled(0).await;
        rig.link("1").await;
        let facts = [(A, "a", None, 450), (P, "p", Some("a"), 450), (P, "d", None, 70_000)];
        for (kind, id, reference, minor) in facts {
            let pushed = rig.transaction(kind, id, reference, minor);
            if pushed_first {
                rig.pushes(pushed).await;
                there_is(&rig, kind, id, reference, minor);
                next_poll(&rig).await;
            } else {
                there_is(&rig, kind, id, reference, minor);
                next_poll(&rig).await;
                rig.pushes(pushed).await;
            }
        }
        let said = rig.sees("1");
        assert_eq!(said.iter().filter(|s| s.contains("4.50")).count(), 1, "{pushed_first}: {said:?}");
        assert_eq!(said.iter().filter(|s| s.contains("700.00")).count(), 1, "{pushed_first}: {said:?}");
    }
}

/// A balance is news when it changes, each time, and the first one is where it begins.
#[tokio::test]
async fn a_balance_that_changes_is_told_and_one_that_does_not_is_not() {
    let rig = polled(0).await;
    let stands_at = |minor| {
        rig.bank.news.lock().unwrap().clear();
        let (event, body) = rig.balance(minor, minor);
        add(&rig, event, &body);
    };
    stands_at(10_000);
    rig.link("1").await;
    next_poll(&rig).await;
    assert_eq!(told(&rig, "100.00"), 0);
    stands_at(9_000);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "90.00"), 1);
    stands_at(9_000);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "90.00"), 0);
    stands_at(10_000);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "100.00"), 1, "back to where it was is a change");
}

/// Only what may be told is read: no purpose of updates, an agreement that is gone, a consent that is over.
#[tokio::test]
async fn a_link_without_the_purpose_or_the_right_is_not_read() {
    let read = |rig: &Rig| rig.bank.called("news balances") + rig.bank.called("news transactions");
    let rig = polled(0).await;
    rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Detail).await;
    next_poll(&rig).await;
    assert_eq!(read(&rig), 0);

    let rig = polled(0).await;
    rig.link_for("1", &[Purpose::BalanceUpdate], Form::Detail).await;
    next_poll(&rig).await;
    assert!(rig.bank.called("news balances") > 0 && rig.bank.called("news transactions") == 0);

    let rig = polled(0).await;
    rig.link("1").await;
    let before = read(&rig);
    let (bank, page) = (InstitutionId::new(BANK).unwrap(), conversation("1").channel);
    rig.gateway.agreements().suspend(&bank, &page, "cli:a-test", None).await.unwrap();
    next_poll(&rig).await;
    assert_eq!(read(&rig), before, "an agreement that is paused");

    let rig = polled(0).await;
    rig.link("1").await;
    let before = read(&rig);
    rig.says("1", "stop").await;
    for _ in 0..3 {
        next_poll(&rig).await;
    }
    assert_eq!(read(&rig), before, "a consent that was taken back");
    assert!(rig.store.polls_due(Timestamp::MAX, 10).await.unwrap().is_empty(), "and nothing is left to do");

    // Revoked at the bank, a second link goes on.
    let rig = polled(0).await;
    for psid in ["1", "2"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(psid).await;
    }
    rig.says("1", "stop").await;
    there_is(&rig, BankEventKind::TransactionPosted, "t", None, 4_200);
    next_poll(&rig).await;
    assert_eq!(rig.sees("1").concat().matches("42.00").count(), 0);
    assert_eq!(rig.sees("2").concat().matches("42.00").count(), 1, "somebody else's end blocks nothing");
}

/// Whatever goes wrong at the bank, nothing is lost, nothing is told twice, and nothing is given up.
#[tokio::test]
async fn faults_put_news_off_and_lose_none() {
    for error in [
        BankErrorClass::Wait { what: "a test", retry_after: Some(Duration::from_secs(7_000)) },
        BankErrorClass::Retry("a test"),
        BankErrorClass::Nonsense("a test"),
        BankErrorClass::OurRequest("a test"),
        BankErrorClass::RelinkNeeded("a test"),
        BankErrorClass::Gone("a test"),
    ] {
        let rig = polled(0).await;
        rig.link("1").await;
        *rig.bank.error.lock().unwrap() = Some(error);
        there_is(&rig, BankEventKind::TransactionPosted, "t", None, 4_200);
        for _ in 0..3 {
            next_poll(&rig).await;
        }
        assert_eq!(told(&rig, "42.00"), 0, "{error}");
        *rig.bank.error.lock().unwrap() = None;
        for _ in 0..3 {
            next_poll(&rig).await;
        }
        assert_eq!(told(&rig, "42.00"), 1, "{error}");
        let counts = rig.store.counts().await.unwrap();
        assert_eq!((counts.jobs_dead, counts.inbox_failed), (0, 0), "{error}");
    }
    // A wait that the bank asks for is kept.
    let rig = polled(0).await;
    rig.link("1").await;
    let wait = Some(Duration::from_secs(20_000));
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Wait { what: "a test", retry_after: wait });
    next_poll(&rig).await;
    let asked = rig.bank.called("news balances");
    for _ in 0..4 {
        next_poll(&rig).await;
    }
    assert_eq!(rig.bank.called("news balances"), asked);
    // A list that is not whole: what it has is told, and the window does not move on over the rest.
    let rig = polled(0).await;
    rig.link("1").await;
    *rig.bank.partial.lock().unwrap() = true;
    there_is(&rig, BankEventKind::TransactionPosted, "t", None, 4_200);
    next_poll(&rig).await;
    next_poll(&rig).await;
    assert_eq!(told(&rig, "42.00"), 1);
    let first = |rig: &Rig| {
        let asked = rig.bank.asked.lock().unwrap();
        let from = asked.iter().rev().find_map(|of| match of {
            Of::Transactions { from, .. } => Some(from.as_second()),
            Of::Balances => None,
        });
        from.unwrap()
    };
    let stood = first(&rig);
    next_poll(&rig).await;
    assert_eq!(first(&rig), stood);
    *rig.bank.partial.lock().unwrap() = false;
    next_poll(&rig).await;
    next_poll(&rig).await;
    assert!(first(&rig) > stood);
    assert_eq!(told(&rig, "42.00"), 0);
}

/// A bank that fails from the moment of the linking on: what comes about until it can be read is told, what was there
/// before the consent is not.
#[tokio::test]
async fn what_comes_about_before_the_first_reading_that_succeeds_is_told() {
    use BankEventKind::TransactionPosted as P;
    let row = |rig: &Rig, id: &str, minor, at: Timestamp| {
        let (mut event, body) = rig.transaction(P, id, None, minor);
        event.occurred = at;
        add(rig, event, &body);
    };
    let s = Duration::from_secs;
    for error in [
        BankErrorClass::Retry("a test"),
        BankErrorClass::Retry(amana_bank::UNREACHED),
        BankErrorClass::Wait { what: "a test", retry_after: None },
        BankErrorClass::Gone("a test"),
        BankErrorClass::RelinkNeeded("a test"),
    ] {
        let rig = polled(0).await;
        *rig.bank.no_news.lock().unwrap() = Some(error);
        rig.clock.advance_s(60);
        row(&rig, "old", 999, rig.clock.now() - s(30));
        rig.link("1").await;
        let linked = rig.clock.now();
        rig.clock.advance_s(7_200);
        row(&rig, "new", 4_200, rig.clock.now());
        // The bank knows only days: this one may have come about after the consent.
        let midnight = Timestamp::from_second(linked.as_second() / 86_400 * 86_400).unwrap();
        row(&rig, "today", 5_300, midnight);
        row(&rig, "at once", 7_500, Timestamp::from_second(linked.as_second()).unwrap());
        row(&rig, "yesterday", 6_400, midnight - s(86_400));
        next_poll(&rig).await;
        *rig.bank.no_news.lock().unwrap() = None;
        for _ in 0..2 {
            next_poll(&rig).await;
        }
        let said = rig.sees("1").concat();
        let times = |what| said.matches(what).count();
        assert_eq!((times("42.00"), times("53.00"), times("75.00")), (1, 1, 1), "{error}: {said}");
        assert_eq!((times("9.99"), times("64.00")), (0, 0), "{error}: {said}");
    }
    // One that is read from long after its consent on begins then.
    let mut rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 10_000_000;
    rig.link("1").await;
    rig.clock.advance_s(POLL_FIRST_S + 60);
    row(&rig, "unread", 4_200, rig.clock.now() - s(3_600));
    *rig.bank.upkeep.lock().unwrap() = Upkeep { poll_every_s: Some(EVERY_S), ..Upkeep::default() };
    rig.restart().await;
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.clock.advance_s(POLL_IDLE_S * 5 / 4);
    rig.says("1", "hello").await;
    next_poll(&rig).await;
    assert!(rig.bank.called("news transactions") > 0);
    assert_eq!(told(&rig, "42.00"), 0);
}

/// One account that the bank cannot show keeps neither the others of its link nor other people's links from being read.
#[tokio::test]
async fn one_account_that_fails_starves_nobody() {
    let rig = polled(0).await;
    rig.link_both("1").await;
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("2").await;
    rig.bank.failing.lock().unwrap().insert("a1", BankErrorClass::Retry("a test"));
    let (mut event, body) = rig.transaction(BankEventKind::TransactionPosted, "t", None, 4_200);
    event.account = account("a2");
    add(&rig, event, &body);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "42.00"), 1, "the other account of the link");
    rig.bank.failing.lock().unwrap().clear();
    there_is(&rig, BankEventKind::TransactionPosted, "u", None, 5_300);
    next_poll(&rig).await;
    assert_eq!(told(&rig, "53.00"), 1, "and the one that failed once it can be read");
}

/// A poll that is told that the grant is over ends it, and does not wait for the look.
#[tokio::test]
async fn a_poll_finds_out_that_the_grant_is_over() {
    let rig = polled(0).await;
    rig.link("1").await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    *rig.bank.invalid_grant.lock().unwrap() = true;
    *rig.bank.no_news.lock().unwrap() = Some(BankErrorClass::RelinkNeeded("401"));
    next_poll(&rig).await;
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    assert_eq!(link.state, amana_store::LinkState::Ended);
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("Cedar Bank says"), "{said:?}");
    assert!(rig.store.polls_due(Timestamp::MAX, 10).await.unwrap().is_empty(), "nothing is left to do");
}

/// More news than one poll takes in are taken in by the next ones, soon.
#[tokio::test]
async fn many_news_come_in_turns() {
    let rig = polled(0).await;
    rig.link_for("1", &[Purpose::TransactionUpdate], Form::Detail).await;
    for n in 0..POLL_NEWS_MAX + 50 {
        there_is(&rig, BankEventKind::TransactionPosted, &format!("t{n}"), None, 100_000 + n as i64 * 1_000);
    }
    next_poll(&rig).await;
    rig.clock.advance_s(POLL_SOON_S * 2);
    rig.gateway.settle().await.unwrap();
    let counts = rig.store.counts().await.unwrap();
    assert_eq!(counts.inbox_waiting, 0);
    rig.clock.advance_s(60);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    for n in [0, POLL_NEWS_MAX - 1, POLL_NEWS_MAX, POLL_NEWS_MAX + 49] {
        let amount = format!(",{:03}.00", (100_000 + n as i64 * 1_000) / 100 % 1_000);
        assert!(said.contains(&amount), "{n}: {amount}");
    }
}

/// A day's calls are spread over the day.
#[tokio::test]
async fn the_budget_is_spread_over_the_day() {
    let rig = polled(8).await;
    rig.link("1").await;
    let before = rig.bank.called("news balances") + rig.bank.called("news transactions");
    for _ in 0..24 {
        rig.clock.advance_s(3_600);
        rig.gateway.settle().await.unwrap();
    }
    let calls = rig.bank.called("news balances") + rig.bank.called("news transactions") - before;
    assert!((6..=8).contains(&calls), "{calls}");
}

/// A list of many pages takes many calls, and they are spread.
#[tokio::test]
async fn the_calls_that_a_poll_really_made_are_spread_over_the_day() {
    let rig = polled(24).await;
    *rig.bank.pages.lock().unwrap() = 4;
    rig.link("1").await;
    let before = rig.bank.called("news balances") + rig.bank.called("news transactions");
    for _ in 0..24 {
        rig.clock.advance_s(3_600);
        rig.gateway.settle().await.unwrap();
    }
    let calls = 4 * (rig.bank.called("news balances") + rig.bank.called("news transactions") - before);
    assert!((16..=24).contains(&calls), "{calls}");
}

/// A grant that holds fewer accounts at the bank holds fewer here, within one cycle; the last one gone, the link ends.
#[tokio::test]
async fn a_grant_narrowed_at_the_bank_is_narrowed_here() {
    let rig = Rig::new().await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    *rig.bank.life_s.lock().unwrap() = 10_000_000;
    let entry = amana_flow::Entry::OneTime { token: rig.link_token("1").await };
    let bank = InstitutionId::new(BANK).unwrap();
    let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.unwrap();
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.unwrap();
    let both =
        rig.answer(&[Purpose::BalanceOnRequest, Purpose::TransactionUpdate], Form::Detail, &["a1", "a2"]);
    rig.gateway.consent_give(&begun.cookie, &both).await.unwrap();
    rig.gateway.settle().await.unwrap();
    rig.sees("1");
    let cycle = async || {
        rig.clock.advance_s(GRANT_LOOK_S * 5 / 4 + 1);
        rig.gateway.settle().await.unwrap();
    };
    // A grant that names no account, or every one of ours, changes nothing.
    let hold = |accounts: Option<&[&str]>| {
        *rig.bank.held.lock().unwrap() = accounts.map(|ids| ids.iter().map(|id| account(id)).collect());
    };
    for held in [None, Some(&[][..]), Some(&["a1", "a2", "a3"][..])] {
        hold(held);
        cycle().await;
        assert!(rig.sees("1").is_empty(), "{held:?}");
    }
    // Every account under another name: the bank's own list has the word, and it has them.
    hold(Some(&["x1", "x2"]));
    cycle().await;
    assert!(rig.sees("1").is_empty());

    hold(Some(&["a1"]));
    cycle().await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("share less"), "{said:?}");
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let consent = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    assert!(consent.state == ConsentState::Active && consent.grants.len() == 2);
    assert!(consent.grants.values().all(|g| g.accounts.iter().eq([&account("a1")])), "{consent:?}");
    let all = rig.store.consents(link.shard, link.customer).await.unwrap();
    let old = all.iter().find(|c| c.id != consent.id).expect("the one before");
    let record = rig.store.consent_record(link.shard, link.customer, old.id).await.unwrap().unwrap();
    assert_eq!(record.ended().map(|(_, why)| why), Some(ConsentEnd::AtBank));
    assert_eq!(consent.expires_at, old.expires_at, "until the same day");
    // An account of which the bank holds no transactions any more goes on with its balances.
    let only = |clusters: &[Cluster]| {
        rig.bank.clusters.lock().unwrap().insert(account("a1"), Clusters::of(clusters));
    };
    only(&[Cluster::Balances, Cluster::Transactions, Cluster::AccountBasic]);
    cycle().await;
    assert!(rig.sees("1").is_empty(), "more than is needed");
    only(&[Cluster::AccountBasic, Cluster::Balances]);
    cycle().await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("share less"), "{said:?}");
    let narrower = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    assert!(narrower.grants.keys().eq([&Purpose::BalanceOnRequest]), "{narrower:?}");
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(said.contains("1,234.56") && !said.contains("7,777.00"), "{said}");
    cycle().await;
    assert!(rig.sees("1").is_empty(), "said once");
    // Nothing of ours is left.
    *rig.bank.checking.lock().unwrap() = "b7".into();
    hold(Some(&["b7"]));
    cycle().await;
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    assert_eq!(link.state, amana_store::LinkState::Ended);
}
