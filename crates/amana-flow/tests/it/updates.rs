//! Updates: who hears what, and who does not.

use crate::support::*;
use amana_channel::StopFlags as _;
use amana_core::*;
use amana_flow::*;
use amana_store::Command;

#[tokio::test]
async fn a_purchase_is_told_once_and_its_posting_is_the_same_story() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let authorised = || rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450);
    assert_eq!(rig.pushes(authorised()).await.stored, 1);
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("4.50") && said[0].contains("Blue Bottle"), "{said:?}");
    assert_eq!(rig.pushes(authorised()).await, Accepted { stored: 0, duplicates: 1, unmatched: 0 });
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p1", Some("t1"), 450)).await;
    assert!(rig.sees("1").is_empty(), "posted as authorised is no news");

    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t2", None, 2_000)).await;
    rig.sees("1");
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p2", Some("t2"), 2_400)).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("24.00"), "a tip is news: {said:?}");

    // Out of order: the posting first; the authorization that comes after it is old.
    rig.pushes(rig.transaction(BankEventKind::TransactionPosted, "p3", Some("t3"), 700)).await;
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t3", None, 700)).await;
    assert_eq!(rig.sees("1").len(), 1);
}

#[tokio::test]
async fn a_balance_is_told_when_what_can_be_spent_changes_and_not_again_when_the_purchase_is_booked() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let push = |current, available| rig.pushes(rig.balance(current, available));
    push(10_000, 9_550).await;
    assert!(rig.sees("1").concat().contains("95.50"));
    rig.clock.advance_s(60);
    push(9_550, 9_550).await;
    assert!(rig.sees("1").is_empty(), "booked: nothing new to say");
    rig.clock.advance_s(60);
    let late = rig.balance(9_000, 9_000);
    rig.clock.advance_s(60);
    push(8_000, 8_000).await;
    assert_eq!(rig.sees("1").len(), 1);
    rig.pushes(late).await;
    assert!(rig.sees("1").is_empty(), "a balance that a newer one has overtaken");
}

#[tokio::test]
async fn nobody_elses_event_and_no_unlinked_account_is_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let (mut event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450);
    event.account = account("unknown");
    assert_eq!(rig.pushes((event.clone(), body)).await.unmatched, 1);
    // An account that the bank shared but the customer did not choose.
    let (mut event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t2", None, 450);
    event.account = account("a2");
    rig.pushes((event, body)).await;
    // The same account, another holder.
    let (mut event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t3", None, 450);
    event.subject = Some("customer-2".into());
    rig.pushes((event, body)).await;
    // Another bank's event about an account of the same name.
    let (mut event, body) = rig.transaction(BankEventKind::TransactionAuthorised, "t4", None, 450);
    event.institution = InstitutionId::new("other-bank").unwrap();
    assert_eq!(rig.pushes((event, body)).await.unmatched, 1);
    assert_eq!(rig.sees("1"), Vec::<String>::new());
}

#[tokio::test]
async fn one_customer_in_two_chats_hears_it_in_both_and_each_chat_ends_alone() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.link("2").await;
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").concat().contains("4.50") && rig.sees("2").concat().contains("4.50"));
    rig.says("1", "stop").await;
    rig.sees("1");
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t2", None, 460)).await;
    assert!(rig.sees("1").is_empty());
    assert!(rig.sees("2").concat().contains("4.60"));
    rig.says("2", "what's my balance?").await;
    assert!(rig.sees("2").concat().contains("1,234.56"), "the other chat's tokens are its own");
}

/// The page was drawn when both chats were linked; the one whose consent its button names has stopped since.
#[tokio::test]
async fn stop_everything_on_an_old_page_stops_what_is_left() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.link("2").await;
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    let (first, second) = (view.consents[0].id, view.consents[1].id);
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let consents = rig.store.consents(link.shard, link.customer).await.unwrap();
    let stale = consents.into_iter().find(|c| c.link == link.id).expect("its consent").id;
    assert!([first, second].contains(&stale));
    rig.says("1", "stop").await;
    rig.sees("1");
    rig.gateway.privacy_revoke(&cookie, &view.csrf, stale, None).await.expect("stopped");
    rig.gateway.settle().await.unwrap();
    let left = rig.store.links_of_conversation(&conversation("2")).await.unwrap();
    assert!(left.is_empty() && rig.sees("2").len() == 1 && rig.sees("1").is_empty());
    rig.gateway.privacy_revoke(&cookie, &view.csrf, stale, None).await.expect("twice is once");
}

#[tokio::test]
async fn stop_everything_stops_every_chat_of_the_customer() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.link("2").await;
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    rig.gateway.privacy_revoke(&cookie, &view.csrf, view.consents[0].id, None).await.expect("stopped");
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").len() == 1 && rig.sees("2").len() == 1, "both chats are told");
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").is_empty() && rig.sees("2").is_empty());
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    assert!(view.consents.iter().all(|c| !c.in_force));
}

#[tokio::test]
async fn what_no_consent_names_is_not_even_kept() {
    let rig = Rig::new().await;
    let cookie = rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Detail).await;
    let accepted = rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert_eq!(accepted, Accepted { stored: 0, duplicates: 0, unmatched: 1 });
    assert_eq!(rig.gateway.privacy_view(&cookie, None).await.unwrap().timeline.len(), 1, "the consent alone");
}

#[tokio::test]
async fn stopping_one_purpose_lets_what_is_still_allowed_go() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    let id = view.consents[0].id;
    rig.gateway
        .privacy_revoke(&cookie, &view.csrf, id, Some(Purpose::BalanceOnRequest))
        .await
        .expect("stopped");
    rig.clock.advance_s(60);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("1").concat().contains("4.50"));
}

#[tokio::test]
async fn revoked_between_decision_and_send_does_not_leave() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    // Put into the outbox, not sent: the channel fails for now.
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").is_empty());
    let view = rig.gateway.privacy_view(&cookie, None).await.unwrap();
    rig.gateway.privacy_revoke(&cookie, &view.csrf, view.consents[0].id, None).await.expect("revoked");
    rig.clock.advance_s(3_600);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert!(!said.concat().contains("4.50"), "{said:?}");
    assert_eq!(said.len(), 1, "only the confirmation that it is stopped");
}

#[tokio::test]
async fn a_kill_switch_or_a_suspended_agreement_stops_at_once() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let kill = Kill {
        scope: KillScope::Institution(InstitutionId::new(BANK).unwrap()),
        reason: "drill".into(),
        since: rig.clock.now(),
    };
    rig.store.submit(vec![Command::SetKill(kill.clone())]).await.unwrap();
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("1,234.56"));
    rig.store.submit(vec![Command::ClearKill(kill.scope)]).await.unwrap();
    let channel = conversation("1").channel;
    let bank = InstitutionId::new(BANK).unwrap();
    rig.gateway.ensure_agreement(&bank, &channel, AgreementState::Suspended, Form::Detail).await.unwrap();
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t2", None, 450)).await;
    assert!(!rig.sees("1").concat().contains("4.50"));
    // Tightened: the old consent is bound at once.
    rig.gateway.ensure_agreement(&bank, &channel, AgreementState::Active, Form::Notice).await.unwrap();
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t3", None, 450)).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && !said[0].contains("4.50") && !said[0].contains("Blue"), "{said:?}");
}

#[tokio::test]
async fn an_expired_consent_stops_by_itself() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(91 * 86_400);
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("1,234.56"), "{said}");
}

#[tokio::test]
async fn an_old_event_is_not_news() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let event = rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450);
    rig.clock.advance_s(8 * 86_400);
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.pushes(event).await;
    assert!(rig.sees("1").is_empty());
}

#[tokio::test]
async fn abuse_16_what_waits_for_one_person_does_not_reach_the_next_one_of_the_same_chat() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // Decided, and not sent: the channel fails for now.
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").is_empty());
    // The page-scoped id is somebody else's from now on (recycled, merged, a borrowed phone).
    let old = rig.store.links_of_conversation(&conversation("1")).await.unwrap()[0].clone();
    let flags = StoreFlags::new(rig.store.clone());
    assert_eq!(flags.is_bound(old.id).await, Some(true));
    rig.says("1", "unlink my bank").await;
    assert_eq!(flags.is_bound(old.id).await, Some(false), "egress sees it by itself");
    rig.clock.advance_s(60);
    rig.gateway.settle().await.unwrap();
    assert!(!rig.sees("1").concat().contains("4.50"));
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("1").await;
    rig.clock.advance_s(3_600);
    rig.gateway.settle().await.unwrap();
    assert!(!rig.sees("1").concat().contains("4.50"), "the new person sees nothing of the old one");
    assert_eq!(flags.is_bound(old.id).await, Some(false), "a new link does not make an old ticket good");
}
