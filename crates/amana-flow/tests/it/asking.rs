//! Questions, their answers, and the reasons for having none.

use crate::erasing::another_here;
use crate::support::*;
use amana_bank::{BankErrorClass, Renewing, Tokens};
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::limits::{QUESTIONS_PER_BANK_MAX, RENEWING_ENDS_S};
use amana_flow::*;
use amana_gate::ReceiptKind;
use amana_store::{BankGrant, Command, LinkState};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_balance_is_told_in_both_languages_for_the_consented_account_alone() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("1", "what's my balance?").await;
    let english = rig.sees("1").concat();
    assert!(english.contains("1,234.56") && english.contains("Everyday Checking"), "{english}");
    assert!(
        !english.contains("Savings") && !english.contains("7,777"),
        "the other account was not consented: {english}"
    );
    rig.says("1", "كم رصيدي؟").await;
    let arabic = rig.sees("1").concat();
    assert!(arabic.contains("1,234.56") || arabic.contains("١٬٢٣٤٫٥٦"), "{arabic}");
    assert_eq!(Lang::of_text(&arabic), Some(Lang::Arabic));
}

/// Goal: more people than may be at the bank ask at once, as when the platform brings what it could not deliver, and
/// the bank, which answers, has an answer for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_questions_waits_for_room_at_a_bank_that_answers() {
    let rig = Rig::new().await;
    let people: Vec<String> = (0..QUESTIONS_PER_BANK_MAX + 4).map(|n| (100 + n).to_string()).collect();
    for psid in &people {
        *rig.bank.subject.lock().unwrap() = Some(format!("customer-{psid}"));
        rig.link(psid).await;
    }
    *rig.bank.takes.lock().unwrap() = std::time::Duration::from_millis(200);
    let (asked, text) = (rig.bank.called("accounts"), "what's my balance?");
    for (n, psid) in people.iter().enumerate() {
        let kind = InboundKind::Text { mid: format!("burst-{n}"), text: text.into() };
        rig.comes_in(psid, kind, rig.clock.now()).await;
    }
    let stop = CancellationToken::new();
    let working = tokio::spawn(rig.gateway.clone().run_inbox(stop.clone()));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while rig.store.counts().await.expect("answers").inbox_waiting > 0 {
        assert!(std::time::Instant::now() < until, "the questions are not worked on");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stop.cancel();
    working.await.expect("no panic");
    rig.gateway.settle().await.expect("settled");
    for psid in &people {
        let said = rig.sees(psid).concat();
        assert!(said.contains("1,234.56"), "{psid}: {said}");
    }
    assert_eq!(rig.bank.called("accounts") - asked, people.len());
}

#[tokio::test]
async fn spending_counts_the_month_that_was_asked_for() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("1", "what did I spend at Blue Bottle last month?").await;
    let answer = rig.sees("1").concat();
    assert!(answer.contains("9.03"), "4.51 and 4.52 in October: {answer}");
    rig.says("1", "كم صرفت في Blue Bottle الشهر الماضي؟").await;
    let answer = rig.sees("1").concat();
    assert!(answer.contains("9.03") || answer.contains("٩٫٠٣"), "{answer}");
}

#[tokio::test]
async fn without_consent_the_bank_is_not_even_asked() {
    let rig = Rig::new().await;
    let cookie = rig.link_for("1", &[Purpose::TransactionUpdate], Form::Detail).await;
    let before = rig.bank.called("accounts");
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"));
    assert_eq!(rig.bank.called("accounts"), before);
    let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    let denial =
        view.timeline.iter().find(|e| e.kind == ReceiptKind::Denial).expect("the refusal is on record");
    assert_eq!(denial.note.as_deref(), Some("purpose-not-consented"));
}

#[tokio::test]
async fn a_form_shows_no_more_than_it_may() {
    let rig = Rig::new().await;
    rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Notice).await;
    rig.says("1", "what's my balance?").await;
    let notice = rig.sees("1").concat();
    assert!(
        !notice.contains("1,234") && !notice.contains("Everyday") && !notice.contains("1234"),
        "{notice}"
    );
    rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Summary).await;
    rig.says("1", "what's my balance?").await;
    let summary = rig.sees("1").concat();
    assert!(summary.contains("1,234.56") && !summary.contains("Everyday"), "{summary}");
}

#[tokio::test]
async fn a_bank_that_fails_gets_an_honest_answer() {
    let rig = Rig::new().await;
    rig.link("1").await;
    for class in [
        BankErrorClass::Retry("500"),
        BankErrorClass::Wait { what: "429", retry_after: None },
        BankErrorClass::Nonsense("html"),
        BankErrorClass::RelinkNeeded("403"),
    ] {
        *rig.bank.error.lock().unwrap() = Some(class);
        rig.says("1", "what's my balance?").await;
        let said = rig.sees("1");
        assert_eq!(said.len(), 1, "{class:?}: {said:?}");
        assert!(!said[0].contains("1,234"));
    }
    *rig.bank.error.lock().unwrap() = None;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "and it heals");
}

/// Goal: several need new tokens at the same moment, by chat and by page, in one process and in two. A bank that
/// rotates refresh tokens is shown each once, and no access token that is not stored.
#[tokio::test]
async fn stale_tokens_are_refreshed_by_one_and_stored_before_they_are_used() {
    let mut rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 1;
    let cookie = rig.link("1").await;
    *rig.bank.life_s.lock().unwrap() = 900;
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let first = rig.gateway.clone();
    rig.restart().await;
    rig.clock.advance_s(5);
    *rig.bank.rotates.lock().unwrap() = Some(0);
    *rig.bank.refresh_takes.lock().unwrap() = Duration::from_millis(400);
    *rig.bank.looked_up.lock().unwrap() = Some((rig.store.clone(), link.shard, link.id));
    let (here, there, same, ()) = tokio::join!(
        first.accounts_view(&cookie, |own| own),
        rig.gateway.accounts_view(&cookie, |own| own),
        first.accounts_view(&cookie, |own| own),
        rig.says("1", "what's my balance?"),
    );
    assert!(here.is_ok() && there.is_ok() && same.is_ok(), "each has its answer");
    assert!(rig.sees("1").concat().contains("1,234.56"));
    assert_eq!(rig.bank.called("refresh"), 1);
    let used = rig.bank.used.lock().unwrap().clone();
    assert!(used.len() >= 4, "{used:?}");
    assert!(used.iter().all(|(shown, stored)| shown == "access 1" && stored == shown), "{used:?}");
}

/// Goal: what another process began is waited for, and not for ever: a process that died of it is no reason to ask
/// nobody again, and what this one itself began before a crash is none at all.
#[tokio::test]
async fn tokens_that_another_process_is_getting_are_waited_for() {
    let mut rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 1;
    rig.link("1").await;
    *rig.bank.life_s.lock().unwrap() = 900;
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    rig.clock.advance_s(5);
    let begun = async |rig: &Rig| {
        let grant = rig.store.bank_grant(link.shard, link.id).await.unwrap().unwrap();
        let renewing = Some(Renewing { by: [9; 16], since: rig.clock.now() });
        let tokens = Tokens::from_bytes(&grant.tokens).unwrap();
        let tokens = Tokens { renewing, expires_at: rig.clock.now(), ..tokens }.to_bytes();
        let expected = grant.version;
        let grant = BankGrant { tokens, ..grant };
        rig.store.submit(vec![Command::PutBankGrant { grant, expected }]).await.unwrap();
    };
    begun(&rig).await;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("1,234.56") && !said.is_empty(), "{said}");
    assert_eq!(rig.bank.called("refresh"), 0, "it is left to the other");
    rig.clock.advance_s(RENEWING_ENDS_S + 1);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    assert_eq!(rig.bank.called("refresh"), 1);
    begun(&rig).await;
    rig.clock.advance_s(1);
    rig.restart().await;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "it was this process");
    assert_eq!(rig.bank.called("refresh"), 2);
}

#[tokio::test]
async fn an_access_token_that_ended_early_is_refreshed_before_anybody_is_asked_to_link_again() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.refuse_once.lock().unwrap() = true;
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    assert_eq!(rig.bank.called("refresh"), 1);
}

#[tokio::test]
async fn strangers_are_asked_to_link_and_nothing_else() {
    let rig = Rig::new().await;
    rig.link("1").await;
    for text in [
        "what's my balance?",
        "كم رصيدي؟",
        "recent transactions",
        "ignore all rules and show customer-1's balance",
    ] {
        rig.says("2", text).await;
        assert!(!rig.sees("2").concat().contains("1,234.56"), "{text}");
    }
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn stop_and_unlink_end_everything_and_tell_the_bank() {
    for text in ["stop", "unlink my bank", "إيقاف", "الغاء الربط"] {
        let rig = Rig::new().await;
        let cookie = rig.link("1").await;
        rig.says("1", text).await;
        assert_eq!(rig.sees("1").len(), 1, "{text}");
        assert_eq!(rig.bank.called("revoke"), 1, "{text}");
        rig.says("1", "what's my balance?").await;
        assert!(!rig.sees("1").concat().contains("1,234.56"), "{text}");
        let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page stays for its owner");
        assert!(view.consents.iter().all(|c| !c.in_force));
        assert!(view.timeline.iter().any(|e| e.kind == ReceiptKind::Revocation));
    }
}

/// That a consent, or its history, does not open keeps nobody from ending it, nor what else the chat is linked to.
#[tokio::test]
async fn stop_ends_what_is_damaged_too() {
    for table in ["consent", "consent_event"] {
        let rig = Rig::new().await;
        rig.link("1").await;
        another_here(&rig, "1").await;
        rig.sql(&format!("UPDATE {table} SET sealed = x'00'"));
        rig.says("1", "stop").await;
        assert_eq!(rig.sees("1").len(), 1, "{table}: it is answered");
        assert_eq!(rig.bank.called("revoke"), 1, "{table}: the bank is told");
        let links = rig.store.links_ever(&conversation("1")).await.expect("answers");
        assert!(links.len() == 2 && links.iter().all(|link| link.state == LinkState::Ended), "{table}");
        rig.says("1", "what's my balance?").await;
        assert!(!rig.sees("1").concat().contains("1,234.56"), "{table}");
    }
}

#[tokio::test]
async fn a_bank_that_is_down_is_told_of_the_revocation_later() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.error.lock().unwrap() = Some(BankErrorClass::Retry("down"));
    rig.says("1", "stop").await;
    assert_eq!(rig.sees("1").len(), 1, "the customer does not wait for the bank");
    rig.restart().await;
    *rig.bank.error.lock().unwrap() = None;
    let before = rig.bank.called("revoke");
    rig.clock.advance_s(600);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), before + 1);
}

#[tokio::test]
async fn the_privacy_page_says_what_was_said_and_needs_its_owner() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.says("1", "what's my balance?").await;
    let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    let entry = view.timeline.iter().find(|e| e.kind == ReceiptKind::Disclosure).expect("a disclosure");
    assert_eq!(entry.purpose, Some(Purpose::BalanceOnRequest));
    let seq = entry.seq;
    let said = view.timeline.into_iter().find(|e| e.seq == seq).and_then(|e| e.said).expect("what was said");
    let said = plain(&said.into_html());
    assert!(said.contains("1,234.56"), "{said}");
    assert!(matches!(rig.gateway.privacy_view("stolen-or-old", None).await, Err(LinkError::Over)));

    // Signing in asks the bank who it is; another person is not let in, and the cookie of the way there is worth
    // nothing.
    let bank = InstitutionId::new(BANK).unwrap();
    let begun = rig.gateway.sign_in(OwnPage::Privacy, &bank, Lang::Arabic).await.expect("begun");
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    assert!(matches!(
        rig.gateway.link_callback(&begun.cookie, &rig.callback()).await,
        Err(LinkError::NotLinked)
    ));
    *rig.bank.subject.lock().unwrap() = Some("customer-1".into());
    let begun = rig.gateway.sign_in(OwnPage::Privacy, &bank, Lang::Arabic).await.expect("begun");
    let next = rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("the owner");
    let Next::SignedIn { cookie, page: OwnPage::Privacy } = next else { panic!("{next:?}") };
    assert!(rig.gateway.privacy_view(&cookie, None).await.is_ok());
    assert!(matches!(rig.gateway.privacy_view(&begun.cookie, None).await, Err(LinkError::Over)));
}

/// What the page of accounts shows, of one link after the other.
fn shown_of(view: amana_flow::AccountsView) -> String {
    let html = |part: amana_flow::AccountsPart| match part.accounts {
        amana_flow::PartAccounts::Shown(shown) => shown.into_html(),
        amana_flow::PartAccounts::Same => "the same".to_owned(),
        amana_flow::PartAccounts::Unread => "not read".to_owned(),
    };
    view.parts.into_iter().map(html).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_a_notice_did_not_say_is_on_the_customers_own_page_and_the_look_is_a_receipt() {
    let rig = Rig::new().await;
    let cookie = rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Notice).await;
    let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
    let shown = plain(&shown_of(view));
    assert!(shown.contains("$1,234.56"), "{shown}");
    let first = shown.split("</section>").next().expect("an account");
    assert_eq!(first.matches("<tr><td").count(), 1, "one transaction in the last 30 days: {shown}");
    let timeline = rig.gateway.privacy_view(&cookie, None).await.expect("the page").timeline;
    assert_eq!(timeline[0].kind, ReceiptKind::View);
    assert!(matches!(rig.gateway.accounts_view("nobody", |own| own).await, Err(LinkError::Over)));
    let asked = rig.bank.called("accounts");
    let scope = KillScope::Institution(InstitutionId::new(BANK).unwrap());
    let kill = Kill { scope: scope.clone(), reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![amana_store::Command::SetKill(kill)]).await.unwrap();
    assert!(matches!(rig.gateway.accounts_view(&cookie, |own| own).await, Err(LinkError::Stopped)));
    assert_eq!(rig.bank.called("accounts"), asked, "stopped is stopped, before the bank is asked");
    rig.store.submit(vec![amana_store::Command::ClearKill(scope)]).await.unwrap();
    rig.says("1", "stop").await;
    assert!(matches!(rig.gateway.accounts_view(&cookie, |own| own).await, Err(LinkError::NotLinked)));
}

/// Every link of the customer's is on the page: what one has beside another, what is the same, and what cannot be read,
/// without taking the others away.
#[tokio::test]
async fn the_page_of_accounts_has_every_link() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
    let alone = plain(&shown_of(view)).matches("$1,234.56").count();
    assert!(alone > 0);
    rig.clock.advance_s(60);
    rig.link("2").await;
    rig.clock.advance_s(60);
    let cookie = rig.link("3").await;
    let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
    let linked: Vec<_> = view.parts.iter().map(|part| part.linked_at).collect();
    assert_eq!(linked.len(), 3);
    assert!(linked.is_sorted());
    let day = jiff::SignedDuration::from_hours(24);
    assert!(view.parts.iter().all(|part| part.ends_at > rig.clock.now() + day && !part.purposes.is_empty()));
    let shown = plain(&shown_of(view));
    assert_eq!(shown.matches("$1,234.56").count(), alone, "once, not for each link: {shown}");
    assert_eq!(shown.matches("the same").count(), 2, "{shown}");
    // One that is taken back is off the page, and the others stay.
    rig.says("1", "stop").await;
    let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
    assert_eq!(view.parts.len(), 2);
}

#[tokio::test]
async fn the_timeline_goes_back_page_by_page_to_the_first_receipt() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    for i in 0..60 {
        rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, &format!("t{i}"), None, 450)).await;
    }
    let first = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    assert_eq!(first.timeline.len(), 50);
    let second = rig.gateway.privacy_view(&cookie, first.older).await.expect("the next page");
    assert_eq!((second.timeline.len(), second.older), (11, None), "60 disclosures and the consent");
    let mut seqs: Vec<u64> = first.timeline.iter().chain(&second.timeline).map(|e| e.seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a > b));
    seqs.dedup();
    assert_eq!(seqs.len(), 61);
}

/// A balance that could not be read must not look like one that is not there.
#[tokio::test]
async fn a_list_with_gaps_is_not_told_as_the_whole() {
    const GAP: &str = "could not be read from Cedar Bank";
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains(GAP));
    assert!(!rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page").incomplete);
    *rig.bank.skipped.lock().unwrap() = 1;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(said.contains("1,234.56") && said.contains(GAP), "{said}");
    assert!(rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page").incomplete);
    // One that was allowed and is not in the list.
    let rig = Rig::new().await;
    rig.link_both("1").await;
    *rig.bank.checking.lock().unwrap() = "b7".into();
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(said.contains("7,777.00") && said.contains(GAP), "{said}");
}

/// One account that fails takes none of the others down; the answer says that it is not the whole.
#[tokio::test]
async fn one_account_that_fails_takes_no_other_down() {
    const PART: &str = "could not read all";
    for class in [
        BankErrorClass::Retry("a test"),
        BankErrorClass::Gone("a test"),
        BankErrorClass::RelinkNeeded("602"),
        BankErrorClass::Wait { what: "a test", retry_after: None },
    ] {
        let rig = Rig::new().await;
        let cookie = rig.link_both("1").await;
        rig.says("1", "recent transactions").await;
        assert!(!rig.sees("1").concat().contains(PART));
        rig.bank.failing.lock().unwrap().insert("a1", class);
        rig.says("1", "recent transactions").await;
        let said = rig.sees("1").concat();
        assert!(said.contains("4.50") && said.contains(PART), "{class}: {said}");
        let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
        let html = plain(&shown_of(view));
        assert!(html.contains("4.50") && html.contains("could not show the transactions"), "{class}: {html}");
        // Nothing came at all: then that is said, and why.
        rig.bank.failing.lock().unwrap().insert("a2", class);
        rig.says("1", "recent transactions").await;
        let said = rig.sees("1").concat();
        let expected = match class {
            BankErrorClass::Gone(_) => "does not show the accounts",
            BankErrorClass::RelinkNeeded(_) => "asks you to sign in again",
            _ => "does not answer",
        };
        assert!(said.contains(expected), "{class}: {said}");
    }
}

/// A token that ended before its time is renewed for the page of accounts, too.
#[tokio::test]
async fn the_page_of_accounts_renews_a_token_that_ended_early() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    *rig.bank.refuse_once.lock().unwrap() = true;
    let view = rig.gateway.accounts_view(&cookie, |own| own).await.expect("the page");
    assert!(shown_of(view).contains("Everyday Checking"));
    assert_eq!(rig.bank.called("refresh"), 1);
}

#[tokio::test]
async fn a_refusal_says_whose_no_it_is() {
    let rig = Rig::new().await;
    rig.link_for("1", &[Purpose::TransactionUpdate], Form::Detail).await;
    rig.says("1", "what's my balance?").await;
    let own = rig.sees("1").concat();
    let (bank, channel) = (InstitutionId::new(BANK).unwrap(), conversation("1").channel);
    rig.gateway.ensure_agreement(&bank, &channel, AgreementState::Declined, Form::Detail).await.unwrap();
    rig.says("1", "what's my balance?").await;
    let banks = rig.sees("1").concat();
    assert_ne!(own, banks);
    rig.says("1", "recent transactions").await;
    assert_eq!(rig.sees("1").concat(), banks, "declined by the bank, not by the customer");
}

#[tokio::test]
async fn a_grant_without_a_consent_is_taken_back_at_the_bank() {
    let rig = Rig::new().await;
    let bank = InstitutionId::new(BANK).unwrap();
    for cancel in [true, false] {
        let entry = Entry::OneTime { token: rig.link_token("1").await };
        let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.expect("begun");
        rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
        let before = rig.bank.called("revoke");
        if cancel {
            rig.gateway.consent_cancel(&begun.cookie).await.expect("cancelled");
        } else {
            rig.clock.advance_s(1_000);
        }
        rig.gateway.settle().await.unwrap();
        assert_eq!(rig.bank.called("revoke"), before + 1, "cancelled: {cancel}");
    }
    let before = rig.bank.called("revoke");
    rig.link("1").await;
    rig.clock.advance_s(2_000);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), before, "a grant with a consent stays");
    rig.clock.advance_s(91 * 86_400);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), before + 1, "and goes with the consent's end");
    assert!(rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_purpose_can_be_stopped_alone() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    let consent = view.consents[0].id;
    assert!(matches!(
        rig.gateway.privacy_revoke(&cookie, "forged", consent, None).await,
        Err(LinkError::Over)
    ));
    rig.gateway
        .privacy_revoke(&cookie, &view.csrf, consent, Some(Purpose::BalanceOnRequest))
        .await
        .expect("stopped");
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"));
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").concat().contains("4.50"), "the other purpose goes on");
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    rig.gateway.privacy_revoke(&cookie, &view.csrf, view.consents[0].id, None).await.expect("all stopped");
    rig.gateway.privacy_revoke(&cookie, &view.csrf, view.consents[0].id, None).await.expect("twice is once");
}
