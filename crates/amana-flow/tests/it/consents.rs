//! The consent over its life: its record, its receipt, the reminder, its end, and the bank that hears of it.

use crate::support::*;
use amana_channel::SendError;
use amana_channel::webhook::InboundKind;
use amana_core::*;
use amana_flow::limits::{GRANT_LOOK_S, REFRESH_ENDS_EARLY_S};
use amana_flow::*;
use amana_store::limits::ENDED_MESSAGE_DAYS;
use amana_store::{DataKind, JobKind, LinkState};
use std::collections::BTreeSet;

const DAY: i64 = 86_400;

async fn view(rig: &Rig, cookie: &str) -> PrivacyView {
    rig.gateway.privacy_view(cookie, None).await.expect("signed in")
}

async fn record(rig: &Rig, psid: &str) -> ConsentRecord {
    let links = rig.store.links_ever(&conversation(psid)).await.unwrap();
    let link = links.first().expect("a link");
    let consent = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    rig.store.consent_record(link.shard, link.customer, consent.id).await.unwrap().expect("a record")
}

async fn days(rig: &Rig, days: i64) {
    for _ in 0..days {
        rig.clock.advance_s(DAY);
        rig.gateway.settle().await.unwrap();
    }
}

#[tokio::test]
async fn a_record_says_who_proved_what_to_whom_and_its_events_are_chained() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let given = record(&rig, "1").await;
    let basis = given.basis().expect("a basis");
    assert_eq!(basis.evidence.as_ref(), Some(&evidence()), "the bank's word, never the chat's");
    assert_eq!(basis.controller.name, "Cedar Bank");
    assert_eq!(basis.lookback_days, 365);
    let ConsentAct::Given { notice_sha256, lang, .. } = &given.events[0].act else { panic!("given") };
    assert_eq!((notice_sha256, *lang), (&given.consent.notice_sha256, Lang::English));

    // One purpose is taken back: the old record ends, a new one goes on from it.
    let id = view(&rig, &cookie).await.consents[0].id;
    let csrf = view(&rig, &cookie).await.csrf;
    rig.gateway.privacy_revoke(&cookie, &csrf, id, Some(Purpose::BalanceUpdate)).await.expect("stopped");
    let next = record(&rig, "1").await;
    assert_ne!(next.consent.id, given.consent.id);
    assert_eq!(next.basis().and_then(|b| b.replaces), Some(given.consent.id));
    assert_eq!(next.basis().and_then(|b| b.evidence.clone()), Some(evidence()));
    let consent = &given.consent;
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let old = rig.store.consent_record(link.shard, consent.customer, consent.id).await.unwrap().unwrap();
    assert_eq!(old.ended().map(|(_, why)| why), Some(ConsentEnd::Replaced));
    assert_eq!(old.events[0], given.events[0]);

    rig.says("1", "stop").await;
    assert_eq!(record(&rig, "1").await.ended().map(|(_, why)| why), Some(ConsentEnd::Withdrawn));
}

/// Every `dpv:` term and every key and value of a document.
fn terms(value: &serde_json::Value, out: &mut BTreeSet<String>) {
    let mut take = |text: &str| {
        if let Some(term) = text.strip_prefix("dpv:") {
            out.insert(term.to_owned());
        }
    };
    match value {
        serde_json::Value::String(text) => take(text),
        serde_json::Value::Array(all) => all.iter().for_each(|value| terms(value, out)),
        serde_json::Value::Object(all) => {
            for (key, value) in all {
                if let Some(term) = key.strip_prefix("dpv:") {
                    out.insert(term.to_owned());
                }
                terms(value, out);
            }
        }
        _ => {}
    }
}

/// Prohibited purposes of DPV 2.2, with all that is above each.
const PROHIBITED: &[(&str, &[&str])] = &[
    ("TargetedAdvertising", &["PersonalisedAdvertising", "Advertising", "Marketing", "Purpose"]),
    ("PoliticalCampaign", &["Advertising", "Marketing", "Purpose"]),
    ("SocialMediaMarketing", &["Marketing", "Purpose"]),
    ("PublicRelations", &["Marketing", "Purpose"]),
    ("SellDataToThirdParties", &["SellProducts", "ServiceProvision", "Purpose"]),
    ("SellInsightsFromData", &["SellProducts", "ServiceProvision", "Purpose"]),
    ("SellProductsToDataSubject", &["SellProducts", "ServiceProvision", "Purpose"]),
    ("ServiceUsageAnalytics", &["ServiceProvision", "Purpose"]),
    (
        "ProvideProductRecommendations",
        &[
            "ProvidePersonalisedRecommendations",
            "ServicePersonalisation",
            "ServiceProvision",
            "Personalisation",
            "Purpose",
        ],
    ),
    ("PersonalisedBenefits", &["ServicePersonalisation", "ServiceProvision", "Personalisation", "Purpose"]),
    (
        "ImproveExistingProductsAndServices",
        &["OptimisationForController", "ServiceOptimisation", "ServiceProvision", "Purpose"],
    ),
    ("ResearchAndDevelopment", &["Purpose"]),
];

#[tokio::test]
async fn a_receipt_is_in_the_vocabularys_terms_and_needs_no_network() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    let id = view(&rig, &cookie).await.consents[0].id;
    let read = async || -> serde_json::Value {
        let bytes = rig.gateway.consent_receipt(&cookie, id).await.expect("a receipt");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let receipt = read().await;
    let mut used = BTreeSet::new();
    terms(&receipt, &mut used);
    for term in &used {
        let known = DPV_TERMS.contains(&term.as_str()) || DPV_PURPOSES.contains(&term.as_str());
        assert!(known, "`dpv:{term}` is not on the list");
    }
    assert!(receipt["@context"].is_object(), "the context is within: {}", receipt["@context"]);
    assert_eq!(receipt["@context"]["dpv"], "https://w3id.org/dpv#");
    assert_eq!(receipt["dct:conformsTo"], "https://w3id.org/dpv/schema/dpv-27560#receipt");
    // What 27560 calls mandatory.
    for field in [
        "/@id",
        "/dct:source/dpv:hasIdentifier",
        "/dct:source/dct:conformsTo",
        "/dct:language",
        "/dpv:hasNotice/0/dpv:hasIdentifier",
        "/dpv:hasEntity/this:customer/dpv:hasIdentifier",
        "/dpv:hasEntity/this:controller/dpv:hasName",
        "/dpv:hasEntity/this:platform/dpv:hasName",
        "/dpv:hasProcess/0/dpv:hasPurpose/0",
        "/dpv:hasProcess/0/dpv:hasPersonalData/0",
        "/dpv:hasProcess/0/dpv:hasLegalBasis/0",
        "/dpv:hasConsentControl/0/dpv:isExercisedAt/0",
        "/dpv:hasConsentStatus/0/dpv:isIndicatedAtTime",
        "/dpv:hasConsentStatus/0/dpv:hasDuration/rdf:value",
    ] {
        let value = receipt.pointer(field).unwrap_or_else(|| panic!("`{field}` is missing"));
        assert!(value.as_str().is_some_and(|text| !text.is_empty()), "`{field}` is {value}");
    }
    // Of the controller: what its configuration said when the consent was given, word for word.
    for (field, said) in [
        ("/dpv:hasEntity/this:controller/dpv:hasName", "Cedar Bank"),
        ("/dpv:hasEntity/this:controller/dpv:hasAddress", "1 Cedar Street, Springfield"),
        ("/dpv:hasEntity/this:controller/dpv:hasContact", "privacy@cedar.example"),
        ("/dpv:hasEntity/this:controller/dpv:hasJurisdiction", "US-CA"),
        ("/dpv:hasNotice/1/dpv:hasLocation", "https://cedar.example/privacy"),
        ("/dpv:hasProcess/0/dpv:hasStorageCondition/0/dpv:hasLocation", "Oregon"),
        ("/dpv:hasProcess/0/dpv:hasStorageCondition/1/dpv:hasDuration", "7 years after its end"),
        ("/dpv:hasProcess/2/dpv:hasStorageCondition/0/dpv:hasLocation", "Oregon"),
        ("/dpv:hasProcess/2/dpv:hasStorageCondition/1/dpv:hasDuration", "7 years after its end"),
        ("/dpv:hasProcess/2/dpv:hasJurisdiction", "US-CA"),
    ] {
        assert_eq!(receipt.pointer(field).and_then(|value| value.as_str()), Some(said), "`{field}`");
    }
    assert_eq!(receipt["dpv:hasProcess"].as_array().map(Vec::len), Some(3), "one for each purpose");
    assert_eq!(receipt["dpv:hasConsentStatus"][0]["@type"][0], "dpv:ConsentGiven");
    assert_eq!(receipt["amana:evidence"]["acr"], "urn:bank:two-factors");
    let text = receipt.to_string();
    assert!(!text.contains("customer-1"), "not the bank's own id of the person");
    assert_eq!(receipt["amana:channel-binding"]["amana:person-blind-index"].as_str().map(str::len), Some(64));

    rig.says("1", "stop").await;
    assert_eq!(read().await["dpv:hasConsentStatus"][1]["@type"][0], "dpv:ConsentWithdrawn");

    // Another customer's receipt is nobody's here.
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    let other = rig.link("2").await;
    assert!(matches!(rig.gateway.consent_receipt(&other, id).await, Err(LinkError::Over)));
    assert!(matches!(rig.gateway.consent_receipt("nonsense", id).await, Err(LinkError::Over)));
}

#[test]
fn no_purpose_of_ours_is_or_means_a_prohibited_one() {
    for purpose in Purpose::ALL {
        let term = purpose.dpv_term().strip_prefix("https://w3id.org/dpv#").expect("a DPV term");
        assert!(DPV_PURPOSES.contains(&term), "{purpose}: `{term}`");
        for (prohibited, above) in PROHIBITED {
            assert!(term != *prohibited && !above.contains(&term), "{purpose} would mean `{prohibited}`");
        }
    }
}

#[tokio::test]
async fn a_reminder_comes_once_thirty_days_before_the_end_in_the_customers_language() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.says("1", "العربية").await;
    rig.sees("1");
    days(&rig, 59).await;
    assert!(rig.sees("1").is_empty(), "not yet");
    rig.says("1", "مرحبا").await;
    rig.sees("1");
    rig.clock.advance_s(DAY - 1_000);
    rig.says("1", "مرحبا").await;
    rig.sees("1");
    rig.clock.advance_s(1_000);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("ينتهي") && said[0].contains("بنك الأرز"), "{said:?}");
    let body = rig.channel.last.lock().unwrap().clone();
    assert!(body.contains("link/renew?t="), "with the way to renew it: {body}");
    days(&rig, 5).await;
    rig.says("1", "مرحبا").await;
    let again: Vec<_> = rig.sees("1").into_iter().filter(|said| said.contains("تلقائي")).collect();
    assert!(again.is_empty(), "once: {again:?}");
}

/// What the platform says of the reminder's text, in both languages.
async fn reminders_text_is(rig: &Rig, status: &str) {
    let text = |lang: &Lang| {
        amana_store::Command::PutApprovedText(amana_store::StoredText {
            channel: conversation("1").channel,
            name: "amana_ends_1".into(),
            lang: *lang,
            status: status.into(),
            reason: None,
            at: rig.clock.now(),
        })
    };
    rig.store.submit(Lang::ALL.iter().map(text).collect()).await.unwrap();
}

/// Who is away hears of the end, too: on the day, once, in their language, by a text that the platform approved and
/// that names the bank and the day alone. Its button leads to the renewal.
#[tokio::test]
async fn who_is_away_is_reminded_on_time_by_an_approved_text_and_once() {
    let rig = Rig::new().await;
    for (psid, subject) in [("1", "customer-1"), ("2", "customer-2")] {
        *rig.bank.subject.lock().unwrap() = Some(subject.into());
        rig.link(psid).await;
    }
    rig.says("1", "العربية").await;
    rig.sees("1");
    rig.sees("2");
    reminders_text_is(&rig, "APPROVED").await;
    let mut told = Vec::new();
    for day in 1..=75 {
        rig.clock.advance_s(DAY);
        rig.gateway.settle().await.unwrap();
        for psid in ["1", "2"] {
            told.extend(rig.sees(psid).into_iter().map(|said| (day, psid, said)));
        }
    }
    told.sort_by_key(|(_, psid, _)| *psid);
    let [(60, "1", arabic), (60, "2", english)] = told.as_slice() else {
        panic!("once, on the day: {told:?}")
    };
    assert!(arabic.contains("ينتهي ما سمحت به") && arabic.contains("بنك الأرز"), "{arabic}");
    assert!(
        english.contains("What you allowed for your account at Cedar Bank ends by itself on"),
        "{english}"
    );
    let body = rig.channel.last.lock().unwrap().clone();
    assert!(body.contains(r#""messaging_type":"UTILITY""#) && body.contains("amana_ends_1"), "{body}");
    assert!(!body.contains("http") && !body.contains("1234"), "neither an address nor an account: {body}");

    // The tap opens the window, and its answer is the way to go on. The reminder does not come a second time with it.
    let tap = |payload: &str| InboundKind::Postback {
        mid: Some("tap".into()),
        payload: Some(payload.to_owned()),
        title: None,
        referral: None,
    };
    rig.event("2", tap("v1:renew")).await;
    let said = rig.sees("2");
    assert!(said.len() == 1 && said[0].contains("ends by itself"), "{said:?}");
    let body = rig.channel.last.lock().unwrap().clone();
    assert!(body.contains("link/renew?t="), "{body}");
    rig.clock.advance_s(2 * 3_600);
    rig.gateway.settle().await.unwrap();
    assert!(rig.sees("2").is_empty(), "once");
    // Of a consent that is not near its end there is nothing to renew, and of none there is a bank to link.
    rig.link("3").await;
    rig.event("3", tap("v1:renew")).await;
    assert!(rig.sees("3").concat().contains("privacy"), "the page where it stands");
    rig.says("2", "stop").await;
    rig.sees("2");
    let again = InboundKind::Postback {
        mid: Some("tap again".into()),
        payload: Some("v1:renew".into()),
        title: None,
        referral: None,
    };
    rig.event("2", again).await;
    let body = rig.channel.last.lock().unwrap().clone();
    assert!(rig.sees("2").len() == 1 && body.contains("link/start?t="), "to link: {body}");
}

/// What the platform does not take was not told: it waits for the window as without an approved text.
#[tokio::test]
async fn an_approved_reminder_that_the_platform_refuses_waits_for_the_window() {
    let rig = Rig::new().await;
    rig.link("1").await;
    reminders_text_is(&rig, "APPROVED").await;
    days(&rig, 59).await;
    *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    days(&rig, 4).await;
    assert!(rig.sees("1").is_empty());
    assert_eq!(rig.store.dead_letters(10).await.unwrap().len(), 1, "tried once");
    *rig.channel.error.lock().unwrap() = None;
    days(&rig, 2).await;
    assert!(rig.sees("1").is_empty(), "the same words would be refused again");
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.clock.advance_s(3_700);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("ends by itself"), "{said:?}");
    days(&rig, 3).await;
    assert!(rig.sees("1").is_empty(), "once");
}

/// What may have arrived is not said again, as with any message.
#[tokio::test]
async fn an_approved_reminder_that_may_have_arrived_is_not_said_again() {
    let rig = Rig::new().await;
    rig.link("1").await;
    reminders_text_is(&rig, "APPROVED").await;
    days(&rig, 59).await;
    *rig.channel.error.lock().unwrap() = Some(SendError::Permanent { code: 100, sub: None });
    for _ in 0..96 {
        rig.clock.advance_s(1_800);
        rig.gateway.settle().await.unwrap();
        if !rig.store.dead_letters(10).await.unwrap().is_empty() {
            break;
        }
    }
    // As after an attempt of which nothing was heard.
    rig.sql("UPDATE outbox SET doubtful = 1 WHERE state = 5");
    *rig.channel.error.lock().unwrap() = None;
    days(&rig, 4).await;
    assert!(rig.sees("1").is_empty());
    rig.says("1", "hello").await;
    rig.sees("1");
    for _ in 0..3 {
        rig.clock.advance_s(3_700);
        rig.gateway.settle().await.unwrap();
    }
    assert!(rig.sees("1").is_empty(), "once");
}

#[tokio::test]
async fn without_an_approved_text_a_reminder_waits_for_the_window_and_is_not_for_what_ended_meanwhile() {
    let rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.subject.lock().unwrap() = Some("customer-2".into());
    rig.link("2").await;
    reminders_text_is(&rig, "PENDING").await;
    days(&rig, 70).await;
    assert!(rig.sees("1").is_empty() && rig.sees("2").is_empty(), "the windows are closed");
    assert_eq!(
        rig.store.counts().await.unwrap().outbox_held,
        0,
        "it is not held, where it would grow too old"
    );
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.says("2", "stop").await;
    rig.sees("2");
    rig.clock.advance_s(3_700);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1");
    assert!(said.len() == 1 && said[0].contains("ends by itself"), "{said:?}");
    assert!(rig.sees("2").is_empty(), "taken back: there is nothing to remind of");
    days(&rig, 3).await;
    assert!(rig.sees("1").is_empty(), "once");
}

#[tokio::test]
async fn a_short_consent_has_no_reminder() {
    let rig = Rig::new().await;
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let begun =
        rig.gateway.link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English).await.unwrap();
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.unwrap();
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    rig.gateway.consent_give(&begun.cookie, &ConsentAnswer { days: 30, ..answer }).await.unwrap();
    let far = rig.clock.now().checked_add(std::time::Duration::from_secs(400 * 86_400)).unwrap();
    let jobs = rig.store.jobs_due(far, 10).await.unwrap();
    assert!(jobs.iter().all(|job| job.kind != JobKind::RemindConsent) && !jobs.is_empty());
}

/// A bank whose refresh tokens live thirty days: no consent is for longer, its end is told a week before and is not
/// taken for a revocation, and it is renewed as another one.
#[tokio::test]
async fn a_consent_ends_before_the_refresh_token_does_and_the_customer_is_told() {
    let mut rig = Rig::new().await;
    *rig.bank.upkeep.lock().unwrap() = amana_flow::Upkeep { refresh_days: Some(30), ..Default::default() };
    rig.restart().await;
    rig.link("1").await;
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let consent = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    let life = consent.expires_at.as_second() - consent.granted_at.as_second();
    assert_eq!(life, 30 * DAY - REFRESH_ENDS_EARLY_S, "the form said ninety days");
    let mut reminded = Vec::new();
    for day in 1..=31 {
        rig.clock.advance_s(DAY);
        rig.says("1", "hello").await;
        for said in rig.sees("1") {
            if said.contains("ends by itself on") {
                reminded.push(day);
            }
            assert!(!said.contains("Cedar Bank says"), "day {day}: {said}");
        }
    }
    assert_eq!(reminded, [23], "a week before, once");
    let record = rig.store.consent_record(link.shard, link.customer, consent.id).await.unwrap().unwrap();
    assert_eq!(record.ended().map(|(_, why)| why), Some(ConsentEnd::Expired));
}

/// The same where no profile knows it and the token answer says it: the page offers no longer, and a refresh whose
/// answer says less narrows what was given. Seconds of difference are none.
#[tokio::test]
async fn what_a_token_answer_says_of_its_refresh_token_bounds_the_consent() {
    let rig = Rig::new().await;
    let in_s = |seconds: i64| {
        Some(rig.clock.now().checked_add(std::time::Duration::from_secs(seconds.unsigned_abs())).unwrap())
    };
    *rig.bank.refresh_ends.lock().unwrap() = in_s(40 * DAY);
    let entry = Entry::OneTime { token: rig.link_token("1").await };
    let begun =
        rig.gateway.link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English).await.unwrap();
    rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.unwrap();
    let (form, _) = rig.gateway.consent_form(&begun.cookie, &Default::default(), |lang| lang).await.unwrap();
    assert_eq!(form.days_max, Some(40));
    let answer = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1"]);
    rig.gateway.consent_give(&begun.cookie, &ConsentAnswer { days: 365, ..answer }).await.unwrap();
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let consent = async || rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("a consent");
    let given = consent().await;
    assert_eq!(given.expires_at.as_second() - given.granted_at.as_second(), 40 * DAY - REFRESH_ENDS_EARLY_S);
    // A look renews the tokens. A few seconds less than before is no other end.
    let looked = async |ends| {
        *rig.bank.refresh_ends.lock().unwrap() = ends;
        rig.clock.advance_s(2 * GRANT_LOOK_S);
        rig.gateway.settle().await.unwrap();
        consent().await
    };
    let same = looked(in_s(40 * DAY - 5)).await;
    assert_eq!((same.id, same.expires_at), (given.id, given.expires_at));
    let ends = in_s(10 * DAY);
    let less = looked(ends).await;
    assert_eq!(less.expires_at.as_second(), ends.unwrap().as_second() - REFRESH_ENDS_EARLY_S);
    let again = looked(ends).await;
    assert_eq!(again.id, less.id, "once");
}

/// The end of what was allowed starts a clock: a month later what was said is gone, with what was remembered of it, and
/// the receipts stay. In another chat it goes on, and so it does in a chat that is linked anew.
#[tokio::test]
async fn what_was_said_goes_a_month_after_its_consent_and_the_evidence_stays() {
    let rig = Rig::new().await;
    for psid in ["1", "2", "3"] {
        rig.link(psid).await;
        rig.says(psid, "what's my balance?").await;
        assert!(rig.sees(psid).concat().contains("1,234.56"));
    }
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    let receipts = async || rig.store.receipts(link.shard, link.customer, 0, 200).await.unwrap().len();
    let kept = async || {
        let report = rig.store.retention_report().await.unwrap();
        report.holdings.iter().find(|holding| holding.kind == DataKind::Message).unwrap().rows
    };
    for psid in ["1", "3"] {
        rig.says(psid, "stop").await;
        rig.sees(psid);
    }
    rig.link("3").await;
    let (before, evidence) = (kept().await, receipts().await);
    assert!(before >= 3 && evidence >= 3, "{before} {evidence}");
    let days = ENDED_MESSAGE_DAYS * DAY;
    rig.clock.advance_s(days - 60);
    rig.gateway.settle().await.unwrap();
    assert_eq!(kept().await, before, "a day too early");
    rig.clock.advance_s(120);
    rig.gateway.settle().await.unwrap();
    assert_eq!(kept().await, before - 1, "of the chat that ended alone");
    assert!(receipts().await > evidence, "none of them went");
    let certificates = async || {
        let all = rig.store.receipts(link.shard, link.customer, 0, 200).await.unwrap();
        let read =
            all.iter().map(|receipt| serde_json::from_slice::<serde_json::Value>(&receipt.bytes).unwrap());
        read.filter(|receipt| receipt["kind"] == "erasure").collect::<Vec<_>>()
    };
    // The certificate of it, once: of which consent, which kinds and how many. Nothing was deleted in the other chats.
    let certified = certificates().await;
    let ended = rig.store.consent_of_link(link.shard, link.id).await.unwrap().expect("the consent");
    assert_eq!(certified.len(), 1, "{certified:?}");
    assert_eq!(certified[0]["template"], "deleted:message=1");
    assert_eq!(certified[0]["consent"]["id"], ended.id.to_string());
    rig.says("2", "stop").await;
    rig.clock.advance_s(days + 60);
    rig.gateway.settle().await.unwrap();
    assert_eq!(kept().await, 1, "the one of the chat that goes on");
}

/// Where only the customer can take a grant back, they hear so from us, and our job ends.
#[tokio::test]
async fn who_must_stop_at_the_bank_too_is_told_so() {
    for (alone, lang, there) in
        [(true, "en", "only from you"), (true, "ar", "إلا بطلب منك"), (false, "en", "only from you")]
    {
        let mut rig = Rig::new().await;
        *rig.bank.upkeep.lock().unwrap() =
            amana_flow::Upkeep { revoked_there_alone: alone, ..Default::default() };
        rig.restart().await;
        rig.link("1").await;
        if lang == "ar" {
            rig.says("1", "العربية").await;
            rig.sees("1");
        }
        rig.says("1", "stop").await;
        let said = rig.sees("1").concat();
        assert_eq!(said.contains(there), alone, "{said}");
        assert_eq!(rig.store.counts().await.unwrap().jobs_dead, 0);
    }
}

#[tokio::test]
async fn when_its_time_is_over_everything_stops_and_the_bank_is_told() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // Waits in the outbox when the time comes.
    rig.clock.advance_s(90 * DAY - 1_800);
    rig.says("1", "hello").await;
    rig.sees("1");
    rig.channel.fates.lock().unwrap().extend([Fate::Fail; 3]);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    rig.clock.advance_s(1_801);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), 1, "the grant at the bank is taken back");
    let asked = rig.bank.called("accounts");
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t2", None, 460)).await;
    rig.says("1", "what's my balance?").await;
    rig.clock.advance_s(600);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("4.60") && !said.contains("1,234.56"), "{said}");
    assert_eq!(rig.bank.called("accounts"), asked, "the bank is not even asked");
    let link = rig.store.links_ever(&conversation("1")).await.unwrap().remove(0);
    assert_eq!(link.state, LinkState::Ended);
    assert!(rig.store.bank_grant(link.shard, link.id).await.unwrap().is_none(), "no token is left");
    assert_eq!(record(&rig, "1").await.ended().map(|(_, why)| why), Some(ConsentEnd::Expired));
}

#[tokio::test]
async fn a_bank_that_is_down_for_days_hears_of_the_revocation_also_over_restarts() {
    let mut rig = Rig::new().await;
    rig.link("1").await;
    *rig.bank.error.lock().unwrap() = Some(amana_bank::BankErrorClass::Retry("a test"));
    rig.says("1", "stop").await;
    let mut tries = rig.bank.called("revoke");
    assert!(tries >= 1, "it was tried at once");
    for day in 0..9 {
        for _ in 0..24 {
            rig.clock.advance_s(3_600);
            rig.gateway.settle().await.unwrap();
        }
        let now = rig.bank.called("revoke");
        assert!(now >= tries + 20, "day {day}: tried all the time");
        tries = now;
        if day % 3 == 1 {
            rig.restart().await;
        }
    }
    assert_eq!(rig.store.counts().await.unwrap().jobs_dead, 0);
    // Nothing flows meanwhile: whether the bank has heard of it makes no difference here.
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 450)).await;
    assert!(!rig.sees("1").concat().contains("4.50"));

    *rig.bank.error.lock().unwrap() = None;
    rig.clock.advance_s(1_200);
    rig.gateway.settle().await.unwrap();
    assert_eq!(rig.bank.called("revoke"), tries + 1, "the bank is back, and hears of it");
    days(&rig, 2).await;
    assert_eq!(rig.bank.called("revoke"), tries + 1, "once");
}
