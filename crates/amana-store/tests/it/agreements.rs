//! Agreements, what was done to them, and how many consents there are.

use crate::world::*;
use amana_core::*;
use amana_gate::*;
use amana_store::*;

pub(crate) async fn agreements_count_their_versions(w: &World) {
    assert!(w.store.agreement(&id("cedar-bank"), &id("1001")).await.expect("answers").is_none());
    let accepted = |agreement| agreed(AgreementAct::Accepted, agreement);
    assert_eq!(w.refused(vec![accepted(agreement(2))]).await, (0, "agreement"));
    w.one(accepted(agreement(1))).await;
    assert_eq!(w.refused(vec![accepted(agreement(1))]).await, (0, "agreement"));
    let suspended = Agreement { state: AgreementState::Suspended, ..agreement(2) };
    w.one(agreed(AgreementAct::Suspended, suspended.clone())).await;
    let other = Agreement { channel: id("2002"), ..agreement(1) };
    w.one(accepted(other.clone())).await;
    let asked = w.store.agreement(&id("cedar-bank"), &id("1001")).await.expect("answers");
    assert_eq!(asked.as_ref(), Some(&suspended));
    assert_eq!(w.store.agreements().await.expect("answers"), [suspended, other]);
}

pub(crate) async fn every_act_on_an_agreement_is_kept(w: &World) {
    let alone = |event| Command::PutAgreement { event, agreement: None };
    // What is no agreement is not recorded as one, whatever it is called.
    let bad = [
        Agreement { terms: Terms::new(), ..agreement(1) },
        Agreement {
            terms: Terms::from([(Purpose::BalanceOnRequest, (Clusters::all(), Form::Notice))]),
            ..agreement(1)
        },
    ];
    for agreement in bad {
        assert_eq!(w.refused(vec![agreed(AgreementAct::Accepted, agreement)]).await, (0, "agreement"));
    }
    // Neither is a version of something else, or an act that must make one and makes none.
    let event = AgreementEvent { version: Some(1), ..asked(AgreementAct::Accepted, 1) };
    let elsewhere = Agreement { institution: id("other-bank"), ..agreement(1) };
    let foreign = Command::PutAgreement { event: event.clone(), agreement: Some(elsewhere) };
    assert_eq!(w.refused(vec![foreign]).await, (0, "agreement"));
    let forged = AgreementEvent { sha256: "0".repeat(64), ..event.clone() };
    let forged = Command::PutAgreement { event: forged, agreement: Some(agreement(1)) };
    assert_eq!(w.refused(vec![forged]).await, (0, "agreement"), "the hash of another document");
    let later = AgreementEvent { version: Some(2), ..event };
    let other = Command::PutAgreement { event: later, agreement: Some(agreement(1)) };
    assert_eq!(w.refused(vec![other]).await, (0, "agreement"));
    for act in [AgreementAct::Accepted, AgreementAct::Suspended, AgreementAct::Resumed, AgreementAct::Ended] {
        assert_eq!(w.refused(vec![alone(asked(act, 1))]).await, (0, "agreement"), "{act:?}");
    }
    assert_eq!(w.refused(vec![agreed(AgreementAct::Refused, agreement(1))]).await, (0, "agreement"));

    let request = asked(AgreementAct::Requested, 1);
    w.one(alone(request.clone())).await;
    // A yes or a no to anything but the newest request answers nothing: it came after somebody looked.
    let answer = |act, request: Option<&AgreementEvent>| {
        let request_sha256 = request.map(|request| request.sha256.clone());
        AgreementEvent { version: Some(1), request_sha256, ..asked(act, 1) }
    };
    let accepted = |request| {
        let event = answer(AgreementAct::Accepted, request);
        Command::PutAgreement { event, agreement: Some(agreement(1)) }
    };
    let declined =
        |request| alone(AgreementEvent { version: None, ..answer(AgreementAct::Declined, request) });
    let newer = asked(AgreementAct::Requested, 6);
    w.one(alone(newer.clone())).await;
    for meant in [None, Some(&request)] {
        assert_eq!(w.refused(vec![accepted(meant)]).await, (0, "agreement"), "{meant:?}");
        assert_eq!(w.refused(vec![declined(meant)]).await, (0, "agreement"), "{meant:?}");
    }
    w.one(accepted(Some(&newer))).await;
    let refused = |n| AgreementEvent {
        institution: None,
        channel: None,
        note: Some("advertising".into()),
        ..asked(AgreementAct::Refused, n)
    };
    let named = asked(AgreementAct::Refused, 4);
    for event in [refused(2), named.clone(), refused(3)] {
        w.one(alone(event)).await;
    }
    let no = asked(AgreementAct::Declined, 5);
    w.one(alone(no.clone())).await;

    let events = w.store.agreement_events(&id("cedar-bank"), &id("1001")).await.expect("answers");
    let acts: Vec<_> = events.iter().map(|event| event.act).collect();
    use AgreementAct::{Accepted, Declined, Refused, Requested};
    assert_eq!(acts, [Requested, Requested, Accepted, Refused, Declined], "oldest first");
    assert_eq!((&events[0], &events[3], &events[4]), (&request, &named, &no), "exactly as recorded");
    assert_eq!(events[2].version, Some(1));
    // What holds is a rule of the log, under the hash that the history has; what is only asked for is none.
    let rule = async |event: &AgreementEvent| {
        let document = event.document.as_deref().expect("a document");
        w.store.log_rule(&ids::sha256(&[document.as_bytes()])).await.expect("answers")
    };
    assert_eq!(rule(&events[2]).await, events[2].document);
    let asked_again = asked(AgreementAct::Requested, 9);
    let proposed = Agreement { state: AgreementState::Proposed, ..agreement(2) };
    let event = AgreementEvent { version: Some(2), ..asked_again.clone() };
    w.one(Command::PutAgreement { event, agreement: Some(proposed) }).await;
    assert_eq!(rule(&asked_again).await, None);
    let other = w.store.agreement_events(&id("other-bank"), &id("1001")).await.expect("answers");
    assert!(other.is_empty());
    let all = w.store.refused_requests(10).await.expect("answers");
    assert_eq!(all, [refused(3), named, refused(2)], "newest first, whomever they named");
    assert_eq!(w.store.refused_requests(1).await.expect("answers"), [refused(3)]);
}

pub(crate) async fn consents_are_counted(w: &World) {
    assert!(w.store.consent_counts().await.expect("answers").is_empty());
    for n in [1, 2] {
        w.customer(n).await;
        w.one(Command::CreateLink(link(n, n, LinkState::Active))).await;
        let consent = consent(n, n, n);
        let receipt = ReceiptDraft::of_consent_given(&consent, None, at(1));
        w.one(Command::GrantConsent { shard: Shard(u16::from(n)), consent, basis: basis(), receipt }).await;
    }
    let given = consent(1, 1, 1);
    let receipt = ReceiptDraft::of_consent_end(&given, ConsentEnd::Withdrawn, at(2));
    w.one(Command::RevokeConsent {
        shard: Shard(1),
        customer: given.customer,
        consent: given.id,
        why: ConsentEnd::Withdrawn,
        at: at(2),
        receipt,
    })
    .await;
    let counts = w.store.consent_counts().await.expect("answers");
    let (institution, channel) = (id("cedar-bank"), id("1001"));
    assert_eq!(counts, [ConsentCount { institution, channel, active: 1, ended: 1 }]);
}

pub(crate) async fn a_consents_events_are_chained_and_kept(w: &World) {
    let given = consent(9, 1, 1);
    w.customer(1).await;
    let read = async |n: u8| {
        let id = ConsentId::from_bytes([n; 16]);
        w.store.consent_record(Shard(1), customer_id(1), id).await.expect("answers")
    };
    assert!(read(9).await.is_none());
    let receipt = ReceiptDraft::of_consent_given(&given, None, at(1));
    let grant = Command::GrantConsent { shard: Shard(1), consent: given.clone(), basis: basis(), receipt };
    w.one(grant).await;
    let record = read(9).await.expect("is there");
    assert_eq!((&record.consent, record.state(), record.ended()), (&given, ConsentState::Active, None));
    assert_eq!(record.basis(), Some(&*basis()));
    let first = record.events[0].clone();
    assert_eq!((first.number, first.at, first.prev.as_str()), (1, given.granted_at, "0".repeat(64).as_str()));
    let ConsentAct::Given { notice_sha256, lang, .. } = &first.act else { panic!("given: {first:?}") };
    assert_eq!((notice_sha256, *lang), (&given.notice_sha256, Lang::Arabic));

    let receipt = ReceiptDraft::of_consent_end(&given, ConsentEnd::Expired, at(7));
    let (customer, consent, why) = (given.customer, given.id, ConsentEnd::Expired);
    w.one(Command::RevokeConsent { shard: Shard(1), customer, consent, why, at: at(7), receipt }).await;
    let ended = read(9).await.expect("is there");
    assert_eq!(ended.events[0], first, "nothing that was written changes");
    assert_eq!(ended.ended(), Some((at(7), ConsentEnd::Expired)));
    assert_eq!((ended.events[1].number, &ended.events[1].prev), (2, &record.head));
    assert_eq!(ended.consent.state, ConsentState::Revoked, "the fold of the events is where it stands");
    let elsewhere = w.store.consent_record(Shard(1), customer_id(2), given.id).await.expect("answers");
    assert!(elsewhere.is_none(), "not another customer's");
}
