//! The bank has the last word on a grant, and is asked for it.

use crate::support::*;
use amana_bank::{Actor, BankErrorClass, Doubt, GrantStatus, TakenBack, UNREACHED};
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::limits::{
    GRANT_LOOK_AGAIN_S, GRANT_LOOK_S, GRANT_LOOKS_AT_ONCE_MAX, ONCE_ENDS_S, SHARED_GRANT_WAIT_S,
};
use amana_flow::{Entry, Upkeep};
use amana_store::{Link, LinkState};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A cycle with the most jitter.
async fn cycle(rig: &Rig) {
    rig.clock.advance_s(GRANT_LOOK_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
}

async fn link_of(rig: &Rig, psid: &str) -> Link {
    rig.store.links_ever(&conversation(psid)).await.unwrap().remove(0)
}

async fn ended(rig: &Rig, psid: &str) -> Option<ConsentEnd> {
    let link = link_of(rig, psid).await;
    let consent = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    let record = rig.store.consent_record(link.shard, link.customer, consent.id).await.unwrap();
    record.expect("a record").ended().map(|(_, why)| why)
}

/// Revoked at the bank is revoked here within one cycle, across a restart; the customer hears of it once.
#[tokio::test]
async fn what_is_revoked_at_the_bank_ends_here_within_one_cycle() {
    for (status, why, words) in [
        (GrantStatus::Revoked, ConsentEnd::AtBank, "Cedar Bank says"),
        (GrantStatus::Expired, ConsentEnd::Expired, "The time of what you allowed at Cedar Bank is over"),
    ] {
        let mut rig = Rig::new().await;
        rig.link("1").await;
        rig.sees("1");
        *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
        for looks in 1..4 {
            cycle(&rig).await;
            assert_eq!(rig.bank.called("grant"), looks, "one look in a cycle");
        }
        assert_eq!(ended(&rig, "1").await, None);
        assert!(rig.sees("1").is_empty(), "a good grant is no news");

        rig.restart().await;
        *rig.bank.grant.lock().unwrap() = status;
        cycle(&rig).await;
        assert_eq!(ended(&rig, "1").await, Some(why));
        let link = link_of(&rig, "1").await;
        assert_eq!(link.state, LinkState::Ended);
        assert!(rig.store.bank_grant(link.shard, link.id).await.unwrap().is_none(), "no token is left");
        let said = rig.sees("1");
        assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
        let (looks, asked) = (rig.bank.called("grant"), rig.bank.called("accounts"));
        rig.says("1", "what's my balance?").await;
        assert!(!rig.sees("1").concat().contains("1,234.56"));
        cycle(&rig).await;
        assert_eq!((rig.bank.called("grant"), rig.bank.called("accounts")), (looks, asked), "nothing more");
    }
}

/// At a bank without such a call a refresh token that is refused says it.
#[tokio::test]
async fn a_refused_refresh_means_that_the_grant_is_over() {
    let rig = Rig::new().await;
    rig.link("1").await;
    cycle(&rig).await;
    assert_eq!((ended(&rig, "1").await, rig.bank.called("refresh")), (None, 1));
    *rig.bank.invalid_grant.lock().unwrap() = true;
    cycle(&rig).await;
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank));
}

/// A bank that takes one customer for another: nothing is read with what it gave, the link ends whoever hears of it
/// first, and both refresh tokens are taken back: the customer's own, which the bank may not have spent on a stranger's
/// answer, and the one that came with it.
#[tokio::test]
async fn another_persons_tokens_end_the_link_and_both_refresh_tokens_are_taken_back() {
    for by_question in [false, true] {
        let rig = Rig::new().await;
        *rig.bank.life_s.lock().unwrap() = 259_200;
        rig.link("1").await;
        *rig.bank.doubt.lock().unwrap() = Doubt::NotTheirs;
        let read = rig.bank.called("accounts");
        if by_question {
            *rig.bank.refuse_once.lock().unwrap() = true;
            rig.says("1", "what's my balance?").await;
            assert_eq!(rig.bank.called("accounts"), read + 1, "only the one that the bank refused");
        } else {
            cycle(&rig).await;
        }
        let said = rig.sees("1").concat();
        assert!(!said.contains("1,234.56"), "{said}");
        assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank), "{said}");
        cycle(&rig).await;
        assert_eq!(rig.bank.called("refresh"), 1, "and it is not asked again");
        let taken: BTreeSet<_> =
            rig.bank.taken_back.lock().unwrap().iter().map(|(token, _)| token.clone()).collect();
        assert_eq!(taken, BTreeSet::from(["refresh 1".to_owned(), "rotated 1".to_owned()]));
    }
}

/// Where the grant lives on under another link, only what is another person's is taken back: the customer's own goes
/// with that link.
#[tokio::test]
async fn another_persons_token_is_taken_back_where_the_own_grant_lives_on() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    *rig.bank.one_grant.lock().unwrap() = true;
    rig.link("1").await;
    rig.link("2").await;
    *rig.bank.doubt.lock().unwrap() = Doubt::NotTheirs;
    *rig.bank.refuse_once.lock().unwrap() = true;
    rig.says("1", "what's my balance?").await;
    rig.gateway.settle().await.unwrap();
    assert_eq!((ended(&rig, "1").await, ended(&rig, "2").await), (Some(ConsentEnd::AtBank), None));
    assert_eq!(*rig.bank.taken_alone.lock().unwrap(), ["rotated 1"]);
    assert_eq!(*rig.bank.taken_back.lock().unwrap(), [], "no token of the grant that lives on");
}

/// New tokens of which nothing proves whose they are: they are not used and end nothing, and the next ones are asked
/// for with the refresh token that came with them, since the one before may be spent.
#[tokio::test]
async fn tokens_that_nothing_proves_are_not_used_and_the_rotated_one_is_not_lost() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    rig.link("1").await;
    *rig.bank.doubt.lock().unwrap() = Doubt::Unproved;
    *rig.bank.refuse_once.lock().unwrap() = true;
    for _ in 0..2 {
        rig.says("1", "what's my balance?").await;
        let said = rig.sees("1").concat();
        assert!(said.contains("does not answer"), "{said}");
        assert_eq!(ended(&rig, "1").await, None);
    }
    *rig.bank.doubt.lock().unwrap() = Doubt::None;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "the bank is right again, and so is the answer");
    assert_eq!(*rig.bank.shown.lock().unwrap(), ["refresh 1", "rotated 1", "rotated 2"]);
}

/// No answer, a word that is not known, and an address where nothing is end nothing: only a clear word does.
#[tokio::test]
async fn what_the_bank_does_not_clearly_say_ends_nothing() {
    let rig = Rig::new().await;
    rig.link("1").await;
    for error in [
        BankErrorClass::Retry("a test"),
        BankErrorClass::Wait { what: "a test", retry_after: None },
        BankErrorClass::RelinkNeeded("403"),
        BankErrorClass::Nonsense("a test"),
        BankErrorClass::OurRequest("a test"),
    ] {
        *rig.bank.error.lock().unwrap() = Some(error);
        cycle(&rig).await;
        assert_eq!(ended(&rig, "1").await, None, "{error}");
    }
    *rig.bank.error.lock().unwrap() = None;
    for status in [GrantStatus::Unknown, GrantStatus::Missing] {
        *rig.bank.grant.lock().unwrap() = status;
        cycle(&rig).await;
        assert_eq!(ended(&rig, "1").await, None, "{status:?}");
    }
    assert_eq!(rig.store.counts().await.unwrap().jobs_dead, 0);
    // With a refused refresh the address where nothing is means what it seems to mean.
    *rig.bank.invalid_grant.lock().unwrap() = true;
    cycle(&rig).await;
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank));
}

/// A bank that is away is left alone for a while: one link's look finds it out, the others' are put off unasked.
#[tokio::test]
async fn a_bank_that_is_away_is_not_asked_for_each_of_its_links() {
    let rig = Rig::new().await;
    for psid in ["1", "2", "3"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        *rig.bank.life_s.lock().unwrap() = 100_000;
        rig.link(psid).await;
    }
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry(UNREACHED));
    cycle(&rig).await;
    assert_eq!(rig.bank.called("grant"), 1);
    *rig.bank.error.lock().unwrap() = None;
    rig.clock.advance_s(GRANT_LOOK_AGAIN_S * 5 / 4 + 1);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("grant"), 4, "and all three when it is back, long before the cycle is over");
}

/// What fails for one link is not the bank's fault, and what fails for two may be.
#[tokio::test]
async fn a_bank_that_fails_for_one_link_is_asked_for_the_next() {
    let rig = Rig::new().await;
    for psid in ["1", "2", "3", "4"] {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        *rig.bank.life_s.lock().unwrap() = 100_000;
        rig.link(psid).await;
    }
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
    cycle(&rig).await;
    assert_eq!(rig.bank.called("grant"), 2);
}

/// Where tokens live for days and the bank has no call that says how a grant stands, a refused renewal says it, and it
/// is asked for within a cycle.
#[tokio::test]
async fn tokens_that_live_for_days_hide_no_end() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    rig.link("1").await;
    cycle(&rig).await;
    assert_eq!((ended(&rig, "1").await, rig.bank.called("refresh")), (None, 1));
    *rig.bank.invalid_grant.lock().unwrap() = true;
    cycle(&rig).await;
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank));
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("Cedar Bank says"), "{said:?}");
}

/// A bank that says how a grant stands is not asked for tokens that nobody needs.
#[tokio::test]
async fn tokens_are_not_renewed_where_the_bank_says_how_a_grant_stands() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    rig.link("1").await;
    cycle(&rig).await;
    assert_eq!((rig.bank.called("grant"), rig.bank.called("refresh")), (1, 0));
}

/// Whoever finds out first that the bank knows the grant no more ends it: a question does, in the commit of its answer.
#[tokio::test]
async fn a_question_finds_out_that_the_grant_is_over() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    let cookie = rig.link("1").await;
    *rig.bank.invalid_grant.lock().unwrap() = true;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "the token is good, and the bank takes it");
    *rig.bank.refuse_once.lock().unwrap() = true;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(said.contains("asks you to sign in again"), "{said}");
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank));
    assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_err());

    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 259_200;
    let cookie = rig.link("1").await;
    *rig.bank.invalid_grant.lock().unwrap() = true;
    *rig.bank.refuse_once.lock().unwrap() = true;
    assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_err());
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::AtBank), "so does the page of accounts");
}

/// Where the bank tells no ids of grants, one link's tokens are taken back though another link of the same customer
/// lives on; only a bank of which the profile says that it has one grant for both is not told before the last one ends.
#[tokio::test]
async fn tokens_without_an_id_of_a_grant_are_taken_back_at_once() {
    let taken = |rig: &Rig| rig.bank.taken_back.lock().unwrap().clone();
    let mut rig = Rig::new().await;
    for one_grant_per_person in [false, true] {
        rig.bank.taken_back.lock().unwrap().clear();
        rig.bank.calls.lock().unwrap().clear();
        *rig.bank.nameless.lock().unwrap() = true;
        *rig.bank.upkeep.lock().unwrap() = Upkeep { one_grant_per_person, ..Upkeep::default() };
        rig.restart().await;
        for psid in ["1", "2"] {
            rig.link(psid).await;
        }
        rig.says("1", "stop").await;
        if one_grant_per_person {
            rig.clock.advance_s(SHARED_GRANT_WAIT_S + 1);
            rig.gateway.settle().await.unwrap();
            assert_eq!(taken(&rig), [], "the other one lives on it");
        } else {
            assert_eq!(taken(&rig), [("refresh 1".to_owned(), TakenBack::BY_CUSTOMER)]);
        }
        rig.says("2", "stop").await;
        rig.clock.advance_s(SHARED_GRANT_WAIT_S + 1);
        rig.gateway.settle().await.unwrap();
        assert_eq!(taken(&rig).len(), 2);
    }
}

/// The bank is told the truth: whether the customer took it back, and whether anybody waits.
#[tokio::test]
async fn the_bank_is_told_who_took_a_grant_back() {
    let rig = Rig::new().await;
    let last = || rig.bank.taken_back.lock().unwrap().last().map(|(_, why)| *why);
    rig.link("1").await;
    rig.says("1", "stop").await;
    assert_eq!(last(), Some(TakenBack::BY_CUSTOMER));
    rig.link("1").await;
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
    rig.says("1", "stop").await;
    *rig.bank.error.lock().unwrap() = None;
    rig.clock.advance_s(1_000);
    rig.gateway.settle().await.unwrap();
    assert_eq!(last(), Some(TakenBack { by_customer: true, actor: Actor::Batch }), "nobody waits any more");
    rig.link("1").await;
    rig.clock.advance_s(91 * 86_400);
    rig.gateway.settle().await.unwrap();
    assert_eq!(last(), Some(TakenBack { by_customer: false, actor: Actor::Batch }), "its time was over");
}

/// What the bank grants for less time than the customer gave is held for that time: from the beginning, and when the
/// bank shortens it later; the customer hears of it.
#[tokio::test]
async fn a_consent_ends_when_the_banks_grant_does() {
    let consent = async |rig: &Rig| {
        let link = link_of(rig, "1").await;
        rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent")
    };
    let in_days =
        |rig: &Rig, days: u64| Some(rig.clock.now().checked_add(Duration::from_secs(days * 86_400)).unwrap());
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    let (longer, shorter) = (in_days(&rig, 300), in_days(&rig, 60));
    *rig.bank.ends.lock().unwrap() = shorter;
    rig.link("1").await;
    assert_eq!(Some(consent(&rig).await.expires_at), shorter, "of the ninety days that were given");
    *rig.bank.ends.lock().unwrap() = longer;
    cycle(&rig).await;
    assert_eq!(Some(consent(&rig).await.expires_at), shorter, "a bank cannot make it longer");
    let sooner = in_days(&rig, 40);
    *rig.bank.ends.lock().unwrap() = sooner;
    cycle(&rig).await;
    let shortened = consent(&rig).await;
    assert!(Some(shortened.expires_at) == sooner && shortened.state == ConsentState::Active);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "it goes on till then");
    // One reminder, thirty days before the end as it is now.
    let mut reminded = Vec::new();
    for day in 0..42 {
        rig.clock.advance_s(86_400);
        rig.says("1", "hello").await;
        rig.gateway.settle().await.unwrap();
        reminded.extend(rig.sees("1").iter().filter(|said| said.contains("ends by itself on")).map(|_| day));
    }
    assert!(matches!(reminded[..], [8..=11, ..]), "{reminded:?}");
    assert_eq!(reminded.len(), 1, "{reminded:?}");
    assert_eq!(link_of(&rig, "1").await.state, LinkState::Ended);
    assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::Expired));
}

/// More looks than there are slots hang at the bank, and a revocation still goes out.
#[tokio::test]
async fn looks_that_hang_keep_nothing_else_from_being_done() {
    let rig = Rig::new().await;
    let people: Vec<String> = (0..GRANT_LOOKS_AT_ONCE_MAX + 2).map(|n| n.to_string()).collect();
    for psid in &people {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        *rig.bank.life_s.lock().unwrap() = 100_000;
        rig.link(psid).await;
    }
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
    rig.says("0", "stop").await;
    let tried = rig.bank.called("revoke");
    *rig.bank.error.lock().unwrap() = None;
    *rig.bank.hangs.lock().unwrap() = true;
    rig.clock.advance_s(GRANT_LOOK_S * 5 / 4 + 1);
    let stop = CancellationToken::new();
    let jobs = tokio::spawn(rig.gateway.clone().run_jobs(stop.clone()));
    for _ in 0..600 {
        if rig.bank.called("revoke") > tried && rig.bank.called("grant") == GRANT_LOOKS_AT_ONCE_MAX {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(rig.bank.called("revoke"), tried + 1, "the bank heard of the revocation");
    assert_eq!(rig.bank.called("grant"), GRANT_LOOKS_AT_ONCE_MAX, "as many looks as there are slots");
    jobs.abort();
}

/// A grant for one reading (FDX `ONE_TIME`) is read once, by whichever door, and ends, here and at the bank: it is not
/// read for news, and nobody is asked to renew it.
#[tokio::test]
async fn a_grant_for_one_reading_is_read_once_and_ends() {
    for by_page in [false, true] {
        let mut rig = Rig::new().await;
        *rig.bank.upkeep.lock().unwrap() = Upkeep { poll_every_s: Some(3_600), ..Upkeep::default() };
        rig.restart().await;
        *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
        *rig.bank.once.lock().unwrap() = true;
        let cookie = rig.link("1").await;
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.bank.called("news transactions") + rig.bank.called("news balances"), 0, "not polled");
        if by_page {
            assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_ok());
            assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_err(), "once");
        } else {
            rig.says("1", "what's my balance?").await;
            assert!(rig.sees("1").concat().contains("1,234.56"), "the answer leaves");
        }
        let asked = rig.bank.called("accounts");
        rig.says("1", "what's my balance?").await;
        let said = rig.sees("1").concat();
        assert!(!said.contains("1,234.56"), "{said}");
        assert_eq!(rig.bank.called("accounts"), asked, "nothing is read any more");
        assert!(rig.bank.taken_back.lock().unwrap().is_empty());
        rig.clock.advance_s(ONCE_ENDS_S + 1);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.bank.taken_back.lock().unwrap().len(), 1, "the bank is told");
        let said = rig.sees("1");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("The time of what you allowed at Cedar Bank is over"), "{said:?}");
    }
}

/// Linking lists the accounts for the customer to choose from, as often as the page is looked at. That is not the one
/// reading: the question that it was given for is answered.
#[tokio::test]
async fn linking_does_not_use_a_grant_for_one_reading_up() {
    let rig = Rig::new().await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    *rig.bank.once.lock().unwrap() = true;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let begun =
        rig.gateway.link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English).await.unwrap();
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.unwrap();
    for _ in 0..3 {
        assert!(rig.gateway.consent_form(&begun.cookie, &BTreeSet::new(), |lang| lang).await.is_ok());
    }
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    rig.gateway.consent_give(&begun.cookie, &answer).await.unwrap();
    rig.gateway.settle().await.unwrap();
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "the one reading");
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"), "and no other");
}

/// Asked at the same moment by several, in one process and in two, by chat and by page, a grant for one reading is read
/// once.
#[tokio::test]
async fn of_several_who_ask_at_once_one_reads() {
    let mut rig = Rig::new().await;
    let (mut pages_read, mut chats_read) = (0, 0);
    for round in 0..6_u64 {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{round}"));
        *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
        *rig.bank.once.lock().unwrap() = true;
        let psid = round.to_string();
        let cookie = rig.link(&psid).await;
        let first = rig.gateway.clone();
        rig.restart().await;
        let (asked, paged) = (rig.bank.called("accounts"), rig.bank.called("transactions"));
        *rig.bank.takes.lock().unwrap() = Duration::from_millis(50);
        let (here, there, same, ()) = tokio::join!(
            first.accounts_view(&cookie, |own| own),
            rig.gateway.accounts_view(&cookie, |own| own),
            first.accounts_view(&cookie, |own| own),
            rig.says(&psid, "what's my balance?"),
        );
        *rig.bank.takes.lock().unwrap() = Duration::ZERO;
        let answers = usize::from(rig.sees(&psid).concat().contains("1,234.56"));
        let pages = [here.is_ok(), there.is_ok(), same.is_ok()].iter().filter(|ok| **ok).count();
        assert_eq!(pages + answers, 1, "one of them has it");
        assert_eq!(rig.bank.called("accounts"), asked + 1, "and the bank was asked by one");
        assert!(rig.bank.called("transactions") <= paged + 2, "for each account once");
        (pages_read, chats_read) = (pages_read + pages, chats_read + answers);
        rig.clock.advance_s(ONCE_ENDS_S + 1);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.bank.taken_back.lock().unwrap().len(), pages_read + chats_read, "each ends");
    }
}

/// Whatever comes of the one reading, and when, there is no other: not after a crash in its midst, after an answer that
/// came too late, or after one that was none. The customer hears that it is over, and allows it anew.
#[tokio::test]
async fn a_reading_that_failed_is_not_made_again() {
    for crash in [true, false] {
        let mut rig = Rig::new().await;
        *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
        *rig.bank.once.lock().unwrap() = true;
        let cookie = rig.link("1").await;
        let asked = rig.bank.called("accounts");
        if crash {
            *rig.bank.takes.lock().unwrap() = Duration::from_secs(3_600);
            let kind = InboundKind::Text { mid: "mid-crash".into(), text: "what's my balance?".into() };
            rig.comes_in("1", kind, rig.clock.now()).await;
            let gateway = rig.gateway.clone();
            let working = tokio::spawn(async move { gateway.settle().await });
            while rig.bank.called("accounts") == asked {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            working.abort();
            assert!(working.await.is_err());
            *rig.bank.takes.lock().unwrap() = Duration::ZERO;
            rig.restart().await;
            rig.gateway.settle().await.unwrap();
        } else {
            *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
            rig.says("1", "what's my balance?").await;
            *rig.bank.error.lock().unwrap() = None;
        }
        let said = rig.sees("1").concat();
        assert!(said.contains("asks you to sign in again"), "{crash}: {said}");
        assert!(rig.gateway.accounts_view(&cookie, |own| own).await.is_err());
        rig.says("1", "what's my balance?").await;
        assert!(!rig.sees("1").concat().contains("1,234.56"));
        assert_eq!(rig.bank.called("accounts"), asked + 1, "{crash}: asked once");
        rig.clock.advance_s(ONCE_ENDS_S + 1);
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.bank.taken_back.lock().unwrap().len(), 1, "{crash}: the bank is told");
        assert_eq!(ended(&rig, "1").await, Some(ConsentEnd::Expired));
        assert!(rig.sees("1").concat().contains("The time of what you allowed at Cedar Bank is over"));
    }
}

/// A token that ended early is renewed within the one reading: the bank gave nothing for it.
#[tokio::test]
async fn a_token_that_ended_early_does_not_cost_the_one_reading() {
    let rig = Rig::new().await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    *rig.bank.once.lock().unwrap() = true;
    rig.link("1").await;
    *rig.bank.refuse_once.lock().unwrap() = true;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
}

/// One that is not used ends by its time, without a word of renewing.
#[tokio::test]
async fn a_grant_for_one_reading_is_not_offered_for_renewal() {
    let rig = Rig::new().await;
    *rig.bank.grant.lock().unwrap() = GrantStatus::Active;
    *rig.bank.once.lock().unwrap() = true;
    rig.link("1").await;
    rig.sees("1");
    // The window is open again and again, over the day of the reminder and to the end.
    for _ in 0..89 {
        rig.clock.advance_s(86_400);
        rig.says("1", "hello").await;
        rig.gateway.settle().await.unwrap();
        let said = rig.sees("1").concat();
        assert!(!said.contains("ends by itself on"), "{said}");
    }
}
