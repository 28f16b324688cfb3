//! Linking: both ways in, and everything that must not work.

use crate::support::*;
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::*;
use amana_store::{LinkState, PlatformRequestKind};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_one_time_link_links_once_and_looking_costs_nothing() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    for _ in 0..3 {
        let offer = rig.gateway.link_offer(&entry).await.expect("an offer");
        assert_eq!(offer.institutions.len(), 1);
    }
    let bank = InstitutionId::new(BANK).unwrap();
    let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.expect("begun");
    assert!(matches!(rig.gateway.link_begin(&entry, &bank, Lang::English).await, Err(LinkError::Over)));
    assert!(matches!(rig.gateway.link_offer(&entry).await, Err(LinkError::Over)));

    let next = rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
    assert_eq!(next, Next::Consent);
    let none = BTreeSet::new();
    let (form, shown) = rig.gateway.consent_form(&begun.cookie, &none, |own| own).await.expect("a form");
    assert_eq!(form.accounts_sha256, hex::encode(shown.sha256()));
    let shown = shown.into_html();
    assert!(form.accounts.iter().all(|id| shown.contains(&format!("value=\"{id}\""))), "{shown}");
    assert_eq!((form.accounts.len(), form.purposes.len()), (2, 3));

    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1", "not-mine"]);
    rig.gateway.consent_give(&begun.cookie, &answer).await.expect("linked");
    assert!(
        matches!(rig.gateway.consent_give(&begun.cookie, &answer).await, Err(LinkError::Over)),
        "posted twice acts once"
    );

    let links = rig.store.links_of_conversation(&conversation("1")).await.unwrap();
    let consent = rig.store.consent_of_link(links[0].shard, links[0].id).await.unwrap().expect("a consent");
    let grant = &consent.grants[&Purpose::BalanceOnRequest];
    assert_eq!(
        grant.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(),
        ["a1"],
        "a foreign account is not taken"
    );
    assert!(!consent.grants.contains_key(&Purpose::TransactionUpdate), "what was not ticked is not granted");
}

#[tokio::test]
async fn a_link_is_over_in_time_and_a_bad_answer_is_refused() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    rig.clock.advance_s(601);
    assert!(matches!(rig.gateway.link_offer(&entry).await, Err(LinkError::Over)));
    let unknown = Entry::OneTime { token: "nonsense".into() };
    assert!(matches!(rig.gateway.link_offer(&unknown).await, Err(LinkError::Over)));

    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let bank = InstitutionId::new(BANK).unwrap();
    let other = InstitutionId::new("other").unwrap();
    assert!(matches!(
        rig.gateway.link_begin(&entry, &other, Lang::English).await,
        Err(LinkError::NoSuchInstitution)
    ));
    let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.expect("begun");
    let forged = amana_bank::Callback { state: Some("other".into()), ..rig.callback() };
    assert!(matches!(rig.gateway.link_callback(&begun.cookie, &forged).await, Err(LinkError::Over)));
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
    let mut answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    for days in [0, 366, -1, i64::MAX] {
        answer.days = days;
        assert!(
            matches!(rig.gateway.consent_give(&begun.cookie, &answer).await, Err(LinkError::Consent(_))),
            "{days}"
        );
    }
    let none = rig.answer(&[], Form::Detail, &["a1"]);
    assert!(matches!(rig.gateway.consent_give(&begun.cookie, &none).await, Err(LinkError::Consent(_))));
    let no_account = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &[]);
    assert!(matches!(rig.gateway.consent_give(&begun.cookie, &no_account).await, Err(LinkError::Consent(_))));
    answer.days = 365;
    rig.gateway.consent_give(&begun.cookie, &answer).await.expect("a year is allowed");
}

#[tokio::test]
async fn declining_at_the_bank_is_told_and_shares_nothing() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let begun = rig
        .gateway
        .link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English)
        .await
        .expect("begun");
    let callback = amana_bank::Callback { error: Some("access_denied".into()), code: None, ..rig.callback() };
    assert!(matches!(rig.gateway.link_callback(&begun.cookie, &callback).await, Err(LinkError::Declined)));
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.sees("1").len(), 1);
    assert!(rig.store.links_of_conversation(&conversation("1")).await.unwrap().is_empty());
}

async fn by_button(rig: &Rig, token: &str) -> Result<Linked, LinkError> {
    let entry = Entry::AccountLinking {
        channel: conversation("1").channel,
        token: token.into(),
        redirect_uri: "https://www.facebook.com/messenger/account_linking/?x=1".into(),
    };
    let begun = rig.gateway.link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English).await?;
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await?;
    rig.gateway
        .consent_give(&begun.cookie, &rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]))
        .await
}

fn code_of(linked: &Linked) -> String {
    let url = linked.redirect.as_ref().expect("back to the platform");
    assert!(
        url.as_str()
            .starts_with("https://www.facebook.com/messenger/account_linking/?x=1&authorization_code=")
    );
    url.query_pairs().find(|(k, _)| k == "authorization_code").expect("our code").1.into_owned()
}

#[tokio::test]
async fn the_platforms_button_links_only_when_the_platform_names_the_same_person() {
    let rig = Rig::new().await;
    rig.says("1", "hello").await;
    rig.channel.linking.lock().unwrap().insert("T1".into(), Psid::new("1").unwrap());
    let code = code_of(&by_button(&rig, "T1").await.expect("consented"));
    rig.sees("1");
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"), "a pending link answers nothing");

    rig.event("1", InboundKind::Linked { authorization_code: Some(code.clone()) }).await;
    assert!(rig.sees("1").concat().contains("Cedar Bank"));
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));

    // The code again, or from somebody else, does nothing.
    rig.event("1", InboundKind::Linked { authorization_code: Some(code.clone()) }).await;
    rig.event("2", InboundKind::Linked { authorization_code: Some(code) }).await;
    assert!(rig.sees("2").is_empty());
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
}

/// A forwarded button: somebody else consented, and the chat never confirmed it. It must have no say about them.
#[tokio::test]
async fn a_chat_that_never_confirmed_a_link_cannot_have_its_customer_deleted() {
    let rig = Rig::new().await;
    rig.link("2").await;
    let victim = rig.store.links_ever(&conversation("2")).await.unwrap().remove(0).customer;
    rig.channel.linking.lock().unwrap().insert("T1".into(), Psid::new("1").unwrap());
    by_button(&rig, "T1").await.expect("the same person consented");
    let waits = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    assert_eq!((waits.customer, waits.state), (victim, LinkState::Pending));
    let tries = || async {
        rig.says("1", "delete my data").await;
        let yes = format!("v1:erase:{}", rig.clock.now().as_second());
        let tap =
            InboundKind::QuickReply { mid: format!("y{}", rig.next()), payload: yes, text: "yes".into() };
        rig.event("1", tap).await;
        rig.platform_asks(PlatformRequestKind::Deletion, "app-1").await;
        assert!(rig.sees("1").concat().contains("Nothing about you is kept here"));
        assert!(rig.store.customer_place(victim).await.unwrap().is_some(), "nobody was deleted");
    };
    tries().await;
    rig.says("1", "stop").await;
    let ended = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    assert_eq!(ended.state, LinkState::Ended);
    rig.sees("1");
    tries().await;
    rig.says("2", "what's my balance?").await;
    assert!(rig.sees("2").concat().contains("1,234.56"), "the other chat is as before");
}

#[tokio::test]
async fn a_code_from_another_chat_ends_the_link() {
    let rig = Rig::new().await;
    rig.channel.linking.lock().unwrap().insert("T1".into(), Psid::new("1").unwrap());
    let code = code_of(&by_button(&rig, "T1").await.expect("consented"));
    rig.event("666", InboundKind::Linked { authorization_code: Some(code.clone()) }).await;
    rig.event("1", InboundKind::Linked { authorization_code: Some(code) }).await;
    for psid in ["1", "666"] {
        rig.sees(psid);
        rig.says(psid, "what's my balance?").await;
        assert!(!rig.sees(psid).concat().contains("1,234.56"));
    }
}

#[tokio::test]
async fn a_link_that_the_platform_never_confirms_ends_and_leaves_the_old_one_alone() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.channel.linking.lock().unwrap().insert("T1".into(), Psid::new("1").unwrap());
    let code = code_of(&by_button(&rig, "T1").await.expect("consented"));
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"), "the old link goes on meanwhile");
    let before = rig.bank.called("revoke");
    rig.clock.advance_s(901);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), before + 1, "the grant of the unconfirmed one is taken back");
    rig.event("1", InboundKind::Linked { authorization_code: Some(code) }).await;
    assert_eq!(rig.store.links_of_conversation(&conversation("1")).await.unwrap().len(), 1);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
}

#[tokio::test]
async fn where_the_bank_names_nobody_joint_holders_stay_apart() {
    let rig = Rig::new().await;
    *rig.bank.subject.lock().unwrap() = None;
    let (one, two) = (rig.link("1").await, rig.link("2").await);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    let timeline = rig.gateway.privacy_view(&two, None).await.unwrap().timeline;
    assert_eq!(timeline.len(), 1, "the other holder sees their own consent and nothing of the first");
    assert_eq!(rig.gateway.privacy_view(&one, None).await.unwrap().timeline.len(), 2);
    // An event that names a person is about both of them, as far as anybody can tell: they hold the account.
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(rig.sees("1").concat().contains("4.50") && rig.sees("2").concat().contains("4.50"));
}

#[tokio::test]
async fn the_linking_pages_say_whose_chat_it_is() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let offer = rig.gateway.link_offer(&entry).await.expect("an offer");
    assert_eq!(offer.person.as_deref(), Some("Sam H."));
}

#[tokio::test]
async fn a_callback_loaded_three_times_redeems_the_code_once() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let bank = InstitutionId::new(BANK).unwrap();
    let begun = rig.gateway.link_begin(&entry, &bank, Lang::English).await.expect("begun");
    let callback = rig.callback();
    let load = || rig.gateway.link_callback(&begun.cookie, &callback);
    let (one, two, three) = tokio::join!(load(), load(), load());
    assert!([one, two, three].iter().all(|next| matches!(next, Ok(Next::Consent))));
    assert_eq!(load().await.expect("and once more"), Next::Consent);
    assert_eq!(rig.bank.called("complete"), 1);
}

#[tokio::test]
async fn where_a_bank_keeps_one_grant_a_new_link_survives_the_end_of_the_old_one() {
    let rig = Rig::new().await;
    *rig.bank.one_grant.lock().unwrap() = true;
    rig.link("1").await;
    rig.link("1").await;
    assert_eq!(rig.bank.called("revoke"), 0, "the same grant lives on under the new link");
    rig.says("1", "stop").await;
    assert_eq!(rig.bank.called("revoke"), 1, "and goes with it");
}

#[tokio::test]
async fn a_foreign_redirect_or_a_bad_platform_token_is_refused() {
    let rig = Rig::new().await;
    rig.channel.linking.lock().unwrap().insert("T1".into(), Psid::new("1").unwrap());
    assert!(matches!(by_button(&rig, "T2").await, Err(LinkError::Platform(_))));
    for uri in [
        "https://evil.example/",
        "http://www.facebook.com/",
        "https://www.facebook.com@evil.example/",
        "https://user@www.facebook.com/",
        "https://www.facebook.com:444/",
        "javascript:alert(1)",
        "",
    ] {
        let entry = Entry::AccountLinking {
            channel: conversation("1").channel,
            token: "T1".into(),
            redirect_uri: uri.into(),
        };
        assert!(matches!(rig.gateway.link_offer(&entry).await, Err(LinkError::ForeignRedirect)), "{uri}");
    }
}

#[tokio::test]
async fn linking_again_replaces_and_leaves_one_consent() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.link_for("1", &[Purpose::BalanceOnRequest], Form::Summary).await;
    let links = rig.store.links_of_conversation(&conversation("1")).await.unwrap();
    assert_eq!(links.len(), 1);
    let consents = rig.store.consents(links[0].shard, links[0].customer).await.unwrap();
    assert_eq!(consents.iter().filter(|c| c.state == ConsentState::Active).count(), 1);
    assert_eq!(consents.len(), 2, "the old one stays on record");
}
