//! An institution's own policy: it binds with the next decision, at the send too, and stands in the receipts.

use crate::support::*;
use amana_core::*;
use amana_store::{Command, StoredPolicy, SubmitError};

async fn upload(rig: &Rig, document: &str) -> Result<(), SubmitError> {
    let institution = InstitutionId::new(BANK).unwrap();
    let now = rig.store.policy_version(&institution).await.unwrap();
    let stored = StoredPolicy {
        institution,
        version: now.map_or(1, |(version, _)| version + 1),
        sha256: hex::encode(ids::sha256(&[document.as_bytes()])),
        document: document.to_owned(),
        accepted_how: "proved".into(),
        uploaded_at: rig.clock.now(),
        uploaded_by: "cli:test".into(),
    };
    rig.store.submit(vec![Command::PutPolicy(stored)]).await.map(|_| ())
}

async fn purchase(rig: &Rig, id: &str, minor: i64) -> String {
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, id, None, minor)).await;
    rig.sees("1").concat()
}

#[tokio::test]
async fn a_policy_binds_with_the_next_decision() {
    let rig = Rig::new().await;
    rig.link("1").await;
    assert!(purchase(&rig, "t1", 410).await.contains("Blue Bottle"), "none of its own yet");
    upload(&rig, "summary").await.expect("stored");
    let said = purchase(&rig, "t2", 420).await;
    assert!(said.contains("4.20") && !said.contains("Blue Bottle"), "{said}");
    upload(&rig, "notice").await.expect("stored");
    let said = purchase(&rig, "t3", 430).await;
    assert!(!said.is_empty() && !said.contains("4.30"), "{said}");
    upload(&rig, "detail").await.expect("stored");
    assert!(purchase(&rig, "t4", 440).await.contains("Blue Bottle"));
    // It holds for questions, too.
    upload(&rig, "notice").await.expect("stored");
    rig.says("1", "What is my balance?").await;
    let said = rig.sees("1").concat();
    assert!(!said.is_empty() && !said.contains("95.50") && !said.contains("100.00"), "{said}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_lets_nothing_out() {
    let rig = Rig::new().await;
    rig.link("1").await;
    upload(&rig, "no policy at all").await.expect("stored");
    assert_eq!(purchase(&rig, "t1", 410).await, "");
    upload(&rig, "detail").await.expect("stored");
    assert!(purchase(&rig, "t2", 420).await.contains("Blue Bottle"), "mended without a restart");
}

#[tokio::test]
async fn what_waits_is_decided_again_under_the_policy_of_the_moment() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // Decided under the old policy, not sent yet.
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    assert_eq!(purchase(&rig, "t1", 450).await, "");
    upload(&rig, "notice").await.expect("stored");
    rig.clock.advance_s(3_600);
    rig.gateway.settle().await.unwrap();
    let said = rig.sees("1").concat();
    assert!(!said.contains("4.50") && !said.contains("Blue Bottle"), "{said}");
}

/// What waits for a customer is not lost because others do not allow it just when they are back: nobody was told of it.
#[tokio::test]
async fn news_that_waited_wait_on_while_a_policy_or_an_agreement_says_no() {
    let bank = InstitutionId::new(BANK).unwrap();
    for suspended in [false, true] {
        let rig = Rig::new().await;
        rig.link("1").await;
        rig.clock.advance_s(86_400);
        assert_eq!(purchase(&rig, "t1", 450).await, "");
        rig.pushes(rig.balance(10_000, 9_550)).await;
        let (agreements, page) = (rig.gateway.agreements(), conversation("1").channel);
        match suspended {
            true => drop(agreements.suspend(&bank, &page, "cli:test", None).await.expect("suspended")),
            false => upload(&rig, "no policy at all").await.expect("stored"),
        }
        rig.says("1", "hello").await;
        rig.clock.advance_s(60);
        rig.gateway.settle().await.expect("settled");
        let said = rig.sees("1").concat();
        assert!(!said.contains("4.50") && !said.contains("95.50"), "{said}");
        assert_eq!(rig.store.counts().await.unwrap().news_waiting, 2, "suspended: {suspended}");
        match suspended {
            true => drop(agreements.resume(&bank, &page, "cli:test", None).await.expect("resumed")),
            false => upload(&rig, "detail").await.expect("stored"),
        }
        rig.gateway.settle().await.expect("settled");
        let said = rig.sees("1").concat();
        assert!(said.contains("4.50") && said.contains("95.50"), "suspended: {suspended}: {said}");
        assert_eq!(rig.store.counts().await.unwrap().news_waiting, 0);
    }
}

/// What was never allowed in its time is on record at its end, once.
#[tokio::test]
async fn news_that_waited_until_they_are_too_old_are_on_record_as_refused() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.clock.advance_s(86_400);
    assert_eq!(purchase(&rig, "t1", 450).await, "");
    upload(&rig, "no policy at all").await.expect("stored");
    let link = rig.store.links_of_conversation(&conversation("1")).await.unwrap().remove(0);
    let denials = async || {
        let all = rig.store.receipts(link.shard, link.customer, 1, 100).await.unwrap();
        all.iter().filter(|r| String::from_utf8_lossy(&r.bytes).contains("\"denial\"")).count()
    };
    for _ in 0..7 {
        rig.says("1", "hello").await;
        rig.clock.advance_s(80_000);
        rig.gateway.settle().await.expect("settled");
    }
    assert_eq!(denials().await, 0, "not with each look");
    rig.says("1", "hello").await;
    rig.clock.advance_s(60_000);
    rig.gateway.settle().await.expect("settled");
    assert_eq!((denials().await, rig.store.counts().await.unwrap().news_waiting), (1, 0));
}

#[tokio::test]
async fn the_receipt_names_the_policy_that_was_asked() {
    let rig = Rig::new().await;
    rig.link("1").await;
    upload(&rig, "summary").await.expect("stored");
    purchase(&rig, "t1", 450).await;
    let bank = InstitutionId::new(BANK).unwrap();
    let (_, sha256) = rig.store.policy_version(&bank).await.unwrap().expect("a policy");
    let links = rig.store.links_of_conversation(&conversation("1")).await.unwrap();
    let receipts = rig.store.receipts(links[0].shard, links[0].customer, 1, 100).await.unwrap();
    let texts: Vec<String> =
        receipts.iter().map(|r| String::from_utf8(r.bytes.clone()).expect("text")).collect();
    assert!(texts.iter().any(|r| r.contains(r#""kind":"disclosure""#) && r.contains(&sha256)), "{texts:?}");
}
