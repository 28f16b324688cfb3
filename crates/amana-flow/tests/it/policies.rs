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
