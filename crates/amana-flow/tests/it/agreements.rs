//! Agreements: the lifecycle, and that it binds what was allowed before.

use crate::support::*;
use amana_core::*;
use amana_flow::*;
use std::collections::BTreeSet;

const BY: &str = "cli:omar";

fn pair() -> (InstitutionId, ChannelId) {
    (InstitutionId::new(BANK).unwrap(), conversation("1").channel)
}

fn request(purposes: &str) -> String {
    format!(
        "institution = \"{BANK}\"\nchannel = \"{PAGE}\"\nrequested_by = \"Example Messenger\"\n\
         contact = \"privacy@messenger.example\"\ncustomers = \"consenting\"\n{purposes}"
    )
}

fn purpose(purpose: &str, clusters: &str, form: &str) -> String {
    format!("[[purpose]]\npurpose = \"{purpose}\"\nclusters = [{clusters}]\nform = \"{form}\"\n")
}

fn both() -> String {
    request(
        &(purpose("BalanceOnRequest", "\"ACCOUNT_BASIC\", \"BALANCES\"", "detail")
            + &purpose("TransactionUpdate", "\"ACCOUNT_BASIC\", \"TRANSACTIONS\"", "detail")),
    )
}

async fn ask(rig: &Rig, document: &str) -> Result<Standing, AgreementError> {
    let offered = |i: &InstitutionId, c: &ChannelId| rig.gateway.offers(i, c);
    rig.gateway.agreements().request(document.as_bytes(), DocumentFormat::Toml, BY, &offered).await
}

async fn accept(rig: &Rig, accepted: Acceptance) -> Result<Agreement, AgreementError> {
    let (bank, page) = pair();
    rig.gateway.agreements().accept(&bank, &page, &accepted, BY, None).await
}

async fn purchase(rig: &Rig, id: &str, minor: i64) {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
}

#[tokio::test]
async fn an_agreement_is_asked_for_accepted_in_part_paused_and_ended_and_all_of_it_is_on_record() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let (bank, page) = pair();
    let agreements = rig.gateway.agreements();
    agreements.end(&bank, &page, BY, Some("contract ended")).await.expect("ended");
    assert!(matches!(accept(&rig, Acceptance::default()).await, Err(AgreementError::NotNow(_))));
    purchase(&rig, "t1", 450).await;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("1,234.56"), "ended: {said}");

    let standing = ask(&rig, &both()).await.expect("asked");
    let proposed = standing.agreement.expect("proposed");
    assert_eq!((proposed.state, proposed.terms.len()), (AgreementState::Proposed, 2));
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"), "asked for is not agreed");

    let only = Some(BTreeSet::from([Purpose::BalanceOnRequest]));
    let part = accept(&rig, Acceptance { only, form: Some(Form::Summary), ..Acceptance::default() })
        .await
        .expect("accepted");
    assert_eq!(part.state, AgreementState::Active);
    assert_eq!(part.terms.keys().collect::<Vec<_>>(), [&Purpose::BalanceOnRequest]);
    assert_eq!(part.terms[&Purpose::BalanceOnRequest].1, Form::Summary);
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
    purchase(&rig, "t2", 460).await;
    assert!(!rig.sees("1").concat().contains("4.60"), "what was not accepted does not flow");

    agreements.suspend(&bank, &page, BY, Some("incident 7")).await.expect("suspended");
    assert!(matches!(agreements.suspend(&bank, &page, BY, None).await, Err(AgreementError::NotNow(_))));
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234.56"), "paused");
    agreements.resume(&bank, &page, BY, None).await.expect("resumed");
    assert!(matches!(agreements.resume(&bank, &page, BY, None).await, Err(AgreementError::NotNow(_))));
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));

    let standing = agreements.standing(&bank, &page).await.expect("read");
    let acts: Vec<_> = standing.events.iter().map(|e| (e.act.as_str(), e.by.as_str())).collect();
    let by_hand = |act| (act, BY);
    assert_eq!(
        acts,
        [
            ("requested", "configuration"),
            ("accepted", "configuration"),
            by_hand("ended"),
            by_hand("requested"),
            by_hand("accepted"),
            by_hand("suspended"),
            by_hand("resumed"),
        ]
    );
    for event in &standing.events {
        let document = event.document.as_deref().expect("each has its document");
        assert_eq!(event.sha256, hex_of(document), "{:?}", event.act);
    }
    let asked = &standing.events[3];
    assert_eq!(asked.document.as_deref(), Some(both().as_str()), "the exact text");
    assert_eq!(standing.events[4].request_sha256.as_ref(), Some(&asked.sha256));
    assert_eq!(standing.events[5].note.as_deref(), Some("incident 7"));
    let versions: Vec<_> = standing.events.iter().map(|e| e.version).collect();
    assert_eq!(versions, (1..=7).map(Some).collect::<Vec<_>>());
    let now = standing.agreement.expect("one");
    assert_eq!((now.id, now.version), (proposed.id, 7), "one agreement from its request on");
}

fn hex_of(text: &str) -> String {
    ids::sha256(&[text.as_bytes()]).iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn what_may_never_be_asked_for_is_refused_and_only_its_hash_is_kept() {
    let rig = Rig::new().await;
    let (bank, page) = pair();
    let before = rig.gateway.agreements().standing(&bank, &page).await.unwrap();
    let documents = [
        (request(""), "no-purpose"),
        (request(&purpose("TargetedAdvertising", "\"TRANSACTIONS\"", "detail")), "advertising"),
        (request(&purpose("Profiling", "\"TRANSACTIONS\"", "detail")), "profiling"),
        (request(&purpose("SellDataToThirdParties", "\"TRANSACTIONS\"", "detail")), "sale"),
        (request(&purpose("model training", "\"TRANSACTIONS\"", "detail")), "model-training"),
        (request(&purpose("TransactionUpdate", "\"*\"", "detail")), "all-customers"),
        (both().replace("consenting", "all"), "all-customers"),
        (
            request(&purpose("TransactionUpdate", "\"TRANSACTIONS\"", "detail")) + "resale = true\n",
            "unreadable",
        ),
        ("not a request at all".to_owned(), "unreadable"),
        ("x".repeat(70_000), "too-large"),
    ];
    for (document, why) in &documents {
        match ask(&rig, document).await {
            Err(AgreementError::Refused(refusal)) => assert_eq!(refusal.as_str(), *why, "{document:.200}"),
            other => panic!("{document:.200}: {other:?}"),
        }
    }
    let refused = rig.gateway.agreements().refused().await.unwrap();
    assert_eq!(refused.len(), documents.len());
    for (event, (document, why)) in refused.iter().rev().zip(&documents) {
        assert_eq!(event.sha256, hex_of(document));
        assert_eq!((event.note.as_deref(), &event.document), (Some(*why), &None));
        assert_eq!(event.by, BY);
    }
    let after = rig.gateway.agreements().standing(&bank, &page).await.unwrap();
    assert_eq!(after.agreement, before.agreement, "the agreement that stands is not touched");
    assert_eq!(after.open, None);
    // A bank that is not offered there is nobody to ask; nothing is recorded.
    let elsewhere = both().replace(BANK, "other-bank");
    assert!(matches!(ask(&rig, &elsewhere).await, Err(AgreementError::NotConfigured(..))));
    assert_eq!(rig.gateway.agreements().refused().await.unwrap().len(), documents.len());
}

#[tokio::test]
async fn a_wider_request_changes_nothing_until_it_is_answered_and_no_acceptance_goes_beyond_one() {
    let rig = Rig::new().await;
    let (bank, page) = pair();
    let agreements = rig.gateway.agreements();
    let before = agreements.standing(&bank, &page).await.unwrap().agreement.expect("one");
    let wider = request(&purpose("BankOffer", "", "notice"));
    let standing = ask(&rig, &wider).await.expect("asked");
    assert_eq!(standing.agreement.as_ref(), Some(&before), "what stands goes on");
    assert!(standing.open.is_some());
    // Not one that came since somebody looked.
    let another = agreements.decline(&bank, &page, Some(&"0".repeat(64)), BY, None).await;
    assert!(matches!(another, Err(AgreementError::NotNow(why)) if why.contains("look anew")));
    let open = agreements.standing(&bank, &page).await.expect("answers").open.expect("is open still");
    let meant = Some(&*open.sha256);
    let standing = agreements.decline(&bank, &page, meant, BY, Some("no offers")).await.expect("declined");
    assert_eq!(
        (standing.agreement.as_ref(), &standing.open),
        (Some(&before), &None),
        "a no to more is no end"
    );
    assert!(matches!(agreements.decline(&bank, &page, None, BY, None).await, Err(AgreementError::NotNow(_))));

    let offer = Terms::from([(Purpose::BankOffer, (Clusters::default(), Form::Notice))]);
    let beyond = accept(&rig, Acceptance { terms: Some(offer), ..Acceptance::default() }).await;
    assert!(matches!(beyond, Err(AgreementError::Terms(_))), "it was declined");
    let only = Some(BTreeSet::from([Purpose::BankOffer]));
    assert!(matches!(
        accept(&rig, Acceptance { only, ..Acceptance::default() }).await,
        Err(AgreementError::Terms(_))
    ));
    let none = Some(BTreeSet::new());
    assert!(matches!(
        accept(&rig, Acceptance { only: none, ..Acceptance::default() }).await,
        Err(AgreementError::Terms(_))
    ));
    for by in ["", "a\nb"] {
        assert!(matches!(
            agreements.suspend(&bank, &page, by, None).await,
            Err(AgreementError::BadText("by"))
        ));
    }
    let note = "x".repeat(501);
    assert!(matches!(
        agreements.suspend(&bank, &page, BY, Some(&note)).await,
        Err(AgreementError::BadText("note"))
    ));
    assert_eq!(agreements.standing(&bank, &page).await.unwrap().agreement, Some(before));
}

#[tokio::test]
async fn tightening_binds_old_consents_at_once_also_what_already_waits() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // Decided under the old terms, not sent yet.
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    purchase(&rig, "t1", 450).await;
    accept(&rig, Acceptance { form: Some(Form::Notice), ..Acceptance::default() }).await.expect("tightened");
    rig.clock.advance_s(3_600);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("Blue"), "what waited is decided again: {said}");
    purchase(&rig, "t2", 460).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && !said[0].contains("4.60") && !said[0].contains("Blue"), "{said:?}");

    let only = Some(BTreeSet::from([Purpose::BalanceOnRequest]));
    accept(&rig, Acceptance { only, ..Acceptance::default() }).await.expect("tightened");
    purchase(&rig, "t3", 470).await;
    assert!(rig.sees("1").is_empty(), "the purpose is gone");
}

#[tokio::test]
async fn what_is_paused_stays_paused_whatever_is_accepted_meanwhile() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let (bank, page) = pair();
    let agreements = rig.gateway.agreements();
    agreements.suspend(&bank, &page, BY, Some("incident 7")).await.expect("suspended");
    let tighter = || Acceptance { form: Some(Form::Summary), ..Acceptance::default() };
    assert_eq!(accept(&rig, tighter()).await.expect("tightened").state, AgreementState::Suspended);
    ask(&rig, &both()).await.expect("asked for anew");
    assert_eq!(accept(&rig, tighter()).await.expect("accepted").state, AgreementState::Suspended);
    purchase(&rig, "t1", 450).await;
    rig.says("1", "what's my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("1,234.56"), "still paused: {said}");
    let now = agreements.resume(&bank, &page, BY, None).await.expect("resumed");
    assert_eq!((now.state, now.terms[&Purpose::BalanceOnRequest].1), (AgreementState::Active, Form::Summary));
    rig.says("1", "what's my balance?").await;
    assert!(rig.sees("1").concat().contains("1,234.56"));
}

#[tokio::test]
async fn a_request_that_came_since_somebody_looked_is_not_accepted_unseen() {
    let rig = Rig::new().await;
    let (bank, page) = pair();
    let agreements = rig.gateway.agreements();
    agreements.end(&bank, &page, BY, None).await.expect("ended");
    let little = request(&purpose("BalanceOnRequest", "\"BALANCES\"", "notice"));
    let seen = ask(&rig, &little).await.expect("asked").open.expect("open");
    let meanwhile = ask(&rig, &both()).await.expect("asked for more").open.expect("open");
    let meant =
        |event: &AgreementEvent| Acceptance { request: Some(event.sha256.clone()), ..Acceptance::default() };
    assert!(matches!(accept(&rig, meant(&seen)).await, Err(AgreementError::NotNow(_))));
    let standing = agreements.standing(&bank, &page).await.expect("read");
    assert_eq!(standing.agreement.map(|a| a.state), Some(AgreementState::Proposed));
    assert_eq!(standing.open.as_ref(), Some(&meanwhile), "it waits for its answer");
    let agreed = accept(&rig, meant(&meanwhile)).await.expect("accepted");
    assert_eq!((agreed.state, agreed.terms.len()), (AgreementState::Active, 2));
}

#[tokio::test]
async fn loosening_never_widens_an_old_consent() {
    let rig = Rig::new().await;
    let only = || Some(BTreeSet::from([Purpose::TransactionUpdate, Purpose::BalanceOnRequest]));
    accept(&rig, Acceptance { only: only(), form: Some(Form::Notice), ..Acceptance::default() })
        .await
        .expect("narrow");
    // Everything is ticked, with all the details; the agreement lets less be recorded.
    rig.link("1").await;
    accept(&rig, Acceptance::default()).await.expect("loosened: all purposes, all details");
    purchase(&rig, "t1", 450).await;
    let said = rig.sees("1");
    assert!(said.len() == 1 && !said[0].contains("4.50") && !said[0].contains("Blue"), "{said:?}");
    assert_eq!(rig.pushes(rig.balance(10_000, 9_550)).await.stored, 0, "a purpose that came later");
    assert!(rig.sees("1").is_empty());
    // Who consents anew has the new terms.
    rig.link("1").await;
    purchase(&rig, "t2", 460).await;
    assert!(rig.sees("1").concat().contains("4.60"));
}

#[tokio::test]
async fn the_configuration_makes_its_agreements_once_and_sees_who_acted_by_hand() {
    let rig = Rig::new().await;
    let (bank, page) = pair();
    let count = async || rig.gateway.agreements().standing(&bank, &page).await.unwrap().events.len();
    assert_eq!(count().await, 2, "asked for and accepted");
    let ensure = async |state, form| rig.gateway.ensure_agreement(&bank, &page, state, form).await.unwrap();
    ensure(AgreementState::Active, Form::Detail).await;
    assert_eq!(count().await, 2, "nothing to do");
    ensure(AgreementState::Active, Form::Notice).await;
    ensure(AgreementState::Declined, Form::Notice).await;
    ensure(AgreementState::Declined, Form::Notice).await;
    let state = async || rig.store.agreement(&bank, &page).await.unwrap().unwrap().state;
    assert_eq!((count().await, state().await), (4, AgreementState::Terminated));
    ensure(AgreementState::Active, Form::Detail).await;
    assert_eq!((count().await, state().await), (6, AgreementState::Active), "asked for again");
    ensure(AgreementState::Suspended, Form::Detail).await;
    assert_eq!((count().await, state().await), (7, AgreementState::Suspended), "its page was taken out");
    ensure(AgreementState::Active, Form::Notice).await;
    assert_eq!((count().await, state().await), (9, AgreementState::Active), "and put in again, with less");
    assert!(!rig.gateway.agreed_by_hand(&bank, &page).await.unwrap());
    rig.gateway.agreements().suspend(&bank, &page, BY, None).await.unwrap();
    assert!(rig.gateway.agreed_by_hand(&bank, &page).await.unwrap());
}
