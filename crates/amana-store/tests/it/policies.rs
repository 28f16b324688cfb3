//! Policies of institutions.

use crate::world::*;
use amana_core::*;
use amana_store::limits::POLICY_BYTES_MAX;
use amana_store::*;

fn policy(version: u32, document: &str) -> StoredPolicy {
    StoredPolicy {
        institution: id("cedar-bank"),
        version,
        sha256: hex::encode(ids::sha256(&[document.as_bytes()])),
        document: document.to_owned(),
        accepted_how: "proved".into(),
        uploaded_at: at(i64::from(version)),
        uploaded_by: "cli:test".into(),
    }
}

pub(crate) async fn policies_count_their_versions(w: &World) {
    let bank = id("cedar-bank");
    assert_eq!(w.store.policy_version(&bank).await.expect("answers"), None);
    assert_eq!(w.store.policy(&bank, 1).await.expect("answers"), None);
    let (first, second) = (policy(1, "permit … ميزان"), policy(2, "forbid …"));
    assert_eq!(w.refused(vec![Command::PutPolicy(second.clone())]).await, (0, "policy"), "one is missing");
    w.one(Command::PutPolicy(first.clone())).await;
    assert_eq!(w.refused(vec![Command::PutPolicy(first.clone())]).await, (0, "policy"), "it is there");
    // A hash that is another text's, and a text that is too long.
    let forged = StoredPolicy { document: "permit all".into(), ..second.clone() };
    assert_eq!(w.refused(vec![Command::PutPolicy(forged)]).await, (0, "policy"));
    let long = policy(2, &"x".repeat(POLICY_BYTES_MAX + 1));
    assert_eq!(w.refused(vec![Command::PutPolicy(long)]).await, (0, "policy"));
    w.one(Command::PutPolicy(second.clone())).await;
    let other = StoredPolicy { institution: id("other-bank"), ..policy(1, "theirs") };
    w.one(Command::PutPolicy(other.clone())).await;

    let newest = w.store.policy_version(&bank).await.expect("answers");
    assert_eq!(newest, Some((2, second.sha256.clone())));
    assert_eq!(w.store.policy(&bank, 1).await.expect("answers"), Some(first.clone()));
    assert_eq!(w.store.policies(&bank).await.expect("answers"), [second.clone(), first.clone()]);
    assert_eq!(w.store.policies(&id("other-bank")).await.expect("answers"), [other]);
    // Each is a rule change in the log.
    for stored in [&first, &second] {
        let hash = ids::sha256(&[stored.document.as_bytes()]);
        assert_eq!(w.store.log_rule(&hash).await.expect("answers").as_ref(), Some(&stored.document));
    }
}
