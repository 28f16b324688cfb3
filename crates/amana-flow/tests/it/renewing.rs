//! What was allowed goes on with one tap, for the same person and the same accounts.

use crate::support::*;
use amana_bank::BankErrorClass;
use amana_core::*;
use amana_flow::limits::*;
use amana_flow::{LinkError, Next};
use amana_store::{Link, LinkState};

const DAY: i64 = 86_400;

fn bank() -> InstitutionId {
    InstitutionId::new(BANK).expect("an id")
}

async fn newest(rig: &Rig) -> (Link, Consent) {
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let consent = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    (link, consent)
}

/// The token behind the reminder's button.
async fn reminded(rig: &Rig) -> String {
    rig.clock.advance_s(60 * DAY + 1);
    rig.says("1", "hello").await;
    rig.clock.advance_s(REMIND_LOOK_S * 2);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert_eq!(said.iter().filter(|s| s.contains("ends by itself")).count(), 1, "{said:?}");
    let body = rig.channel.last.lock().unwrap().clone();
    let after = body.split("/link/renew?t=").nth(1).expect("one button leads to the renewal");
    after.split(['&', '"', '\\']).next().expect("a token").to_owned()
}

async fn renew(rig: &Rig, token: &str) -> Result<Next, LinkError> {
    let begun = rig.gateway.renewal_begin(token, &bank(), Lang::English, "what was shown".into()).await?;
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await
}

#[tokio::test]
async fn one_tap_renews_the_same_link_with_the_same_accounts() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    rig.link("1").await;
    let (before, old) = newest(&rig).await;
    let too_early = rig.gateway.renewal_form("no token", &bank(), |lang| lang).await;
    assert!(matches!(too_early, Err(LinkError::Over)));
    let token = reminded(&rig).await;
    // It lasts long, and links nobody else's account to the chat.
    let entry = amana_flow::Entry::OneTime { token: token.clone() };
    assert!(matches!(rig.gateway.link_offer(&entry).await, Err(LinkError::Over)));
    let form = rig.gateway.renewal_form(&token, &bank(), |lang| lang).await.unwrap();
    assert_eq!((form.purposes.len(), form.days, form.institution.as_str()), (3, 90, "Cedar Bank"));

    let revoked = rig.bank.called("revoke");
    let next = renew(&rig, &token).await.unwrap();
    let Next::Renewed { cookie } = next else { panic!("{next:?}") };
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("goes on until"), "{said:?}");
    let (link, consent) = newest(&rig).await;
    assert_eq!((link.id, link.state, link.accounts.clone()), (before.id, LinkState::Active, before.accounts));
    assert_eq!(consent.grants, old.grants, "the same purposes, forms and accounts");
    assert_eq!(
        consent.expires_at.as_second() - consent.granted_at.as_second(),
        90 * DAY,
        "for as long as before"
    );
    assert_ne!(consent.id, old.id);
    let record = rig.store.consent_record(link.shard, link.customer, old.id).await.unwrap().unwrap();
    assert_eq!(record.ended().map(|(_, why)| why), Some(ConsentEnd::Renewed));
    let record = rig.store.consent_record(link.shard, link.customer, consent.id).await.unwrap().unwrap();
    let basis = record.basis().expect("a basis");
    assert_eq!((basis.replaces, basis.notice.as_deref()), (Some(old.id), Some("what was shown")));
    assert_eq!(basis.evidence, Some(evidence()), "they proved anew who they are");
    assert_eq!(
        rig.bank.called("revoke"),
        revoked + 1,
        "the grant that was replaced is taken back, and no other"
    );
    let grant = rig.store.bank_grant(link.shard, link.id).await.unwrap().expect("tokens");
    assert_eq!(grant.bank_consent.as_deref(), Some("grant-2"));
    assert!(rig.gateway.privacy_part(&cookie, &Default::default()).await.is_ok(), "signed in");
    // The button is used up.
    assert!(matches!(renew(&rig, &token).await, Err(LinkError::Over)));
    // Past the first end it goes on; the new end is the end.
    rig.clock.advance_s(45 * DAY);
    rig.gateway.settle().await.unwrap();
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    rig.clock.advance_s(46 * DAY);
    rig.gateway.settle().await.unwrap();
    assert_eq!(newest(&rig).await.0.state, LinkState::Ended);
}

#[tokio::test]
async fn what_is_over_can_be_renewed_for_a_while_and_what_was_taken_back_cannot() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    rig.link("1").await;
    let (before, old) = newest(&rig).await;
    let token = reminded(&rig).await;
    rig.clock.advance_s(31 * DAY);
    rig.gateway.settle().await.unwrap();
    assert_eq!(newest(&rig).await.0.state, LinkState::Ended);
    assert!(matches!(renew(&rig, &token).await, Ok(Next::Renewed { .. })));
    rig.gateway.settle().await.unwrap();
    rig.sees("1");
    let (link, consent) = newest(&rig).await;
    assert!(link.id != before.id && link.state == LinkState::Active && link.customer == before.customer);
    assert_eq!(consent.grants, old.grants, "its mapping is kept");
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));

    // Stopped by the customer, within the same month: the button of the reminder does nothing any more.
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    rig.link("1").await;
    let token = reminded(&rig).await;
    rig.says("1", "stop").await;
    assert!(matches!(renew(&rig, &token).await, Err(LinkError::Over)));

    // Long over.
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    rig.link("1").await;
    let token = reminded(&rig).await;
    rig.clock.advance_s(31 * DAY + RENEW_AFTER_S);
    rig.gateway.settle().await.unwrap();
    assert!(matches!(renew(&rig, &token).await, Err(LinkError::Over)));
}

/// Somebody else who follows the button, accounts that are all gone, a bank that is away, a stop in between: nothing is
/// renewed, and the new grant is taken back.
#[tokio::test]
async fn nobody_else_renews_and_a_grant_that_is_not_wanted_is_taken_back() {
    for wrong in ["person", "nameless", "accounts", "away", "stopped"] {
        let rig = Rig::new().await;
        *rig.bank.life_s.lock().unwrap() = 100_000_000;
        rig.link("1").await;
        let (_, old) = newest(&rig).await;
        let token = reminded(&rig).await;
        let begun =
            rig.gateway.renewal_begin(&token, &bank(), Lang::English, "shown".into()).await.expect("begun");
        let revoked = rig.bank.called("revoke");
        match wrong {
            "person" => *rig.bank.subject.lock().unwrap() = Some("customer-2".into()),
            "nameless" => *rig.bank.subject.lock().unwrap() = None,
            "accounts" => *rig.bank.checking.lock().unwrap() = "b9".into(),
            "stopped" => rig.says("1", "stop").await,
            _ => {}
        }
        if wrong == "away" {
            *rig.bank.no_accounts.lock().unwrap() = Some(BankErrorClass::Retry("a test"));
        }
        let failed = rig.gateway.link_callback(&begun.cookie, &rig.callback()).await;
        assert!(failed.is_err(), "{wrong}: {failed:?}");
        rig.gateway.settle().await.unwrap();
        let (link, consent) = newest(&rig).await;
        assert_eq!(consent.id, old.id, "{wrong}");
        let more = if wrong == "stopped" { 2 } else { 1 };
        assert_eq!(rig.bank.called("revoke"), revoked + more, "{wrong}: the new grant is taken back");
        assert_eq!(link.state == LinkState::Active, wrong != "stopped", "{wrong}");
    }
}

/// A grant with fewer accounts renews what is left; one account that was not chosen before is not added.
#[tokio::test]
async fn a_renewal_never_widens() {
    let rig = Rig::new().await;
    *rig.bank.life_s.lock().unwrap() = 100_000_000;
    rig.link("1").await;
    let token = reminded(&rig).await;
    let page = conversation("1").channel;
    let narrower =
        Terms::from([(Purpose::BalanceOnRequest, (Purpose::BalanceOnRequest.clusters(), Form::Notice))]);
    let accepted = amana_flow::Acceptance { terms: Some(narrower), ..Default::default() };
    rig.gateway.agreements().accept(&bank(), &page, &accepted, "cli:a-test", None).await.expect("accepted");
    assert!(matches!(renew(&rig, &token).await, Ok(Next::Renewed { .. })));
    let (_, consent) = newest(&rig).await;
    let kept: Vec<_> = consent.grants.iter().map(|(p, g)| (*p, g.form, g.accounts.len())).collect();
    assert_eq!(kept, [(Purpose::BalanceOnRequest, Form::Notice, 1)], "within the agreement as it is now");
}
