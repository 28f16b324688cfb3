//! What a bank's notification needs: whose link a consent at the bank is, and that a hint is taken once.

use crate::world::*;
use amana_core::*;
use amana_store::*;

fn put(link: u8, bank_consent: Option<&str>, expected: i64) -> Command {
    let bank_consent = bank_consent.map(str::to_owned);
    let link = LinkId::from_bytes([link; 16]);
    Command::PutBankGrant { grant: BankGrant { link, bank_consent, ..grant(1, b"tokens") }, expected }
}

async fn found(w: &World, institution: &str, consent: &str) -> Vec<LinkId> {
    let links = w.store.links_of_bank_consent(&id(institution), consent).await.expect("answers");
    links.into_iter().map(|link| link.id).collect()
}

pub(crate) async fn a_consent_at_the_bank_leads_to_its_links(w: &World) {
    let [one, two] = [1u8, 2].map(|n| LinkId::from_bytes([n; 16]));
    let cedar: InstitutionId = id("cedar-bank");
    w.customer(1).await;
    w.one(Command::CreateLink(link(1, 1, LinkState::Active))).await;
    w.one(Command::CreateLink(link(2, 1, LinkState::Pending))).await;
    assert!(!w.store.has_bank_consents(&cedar).await.expect("answers"));
    w.one(put(1, Some("consent-a"), 0)).await;
    assert!(w.store.has_bank_consents(&cedar).await.expect("answers"));
    assert_eq!(found(w, "cedar-bank", "consent-a").await, [one]);
    assert!(found(w, "cedar-bank", "consent").await.is_empty(), "the whole id");
    assert!(found(w, "other-bank", "consent-a").await.is_empty(), "an id of another bank is another consent");
    // A bank with one grant for all of a person's links, and one that names several with spaces between.
    w.one(put(2, Some("consent-a consent-b"), 0)).await;
    assert_eq!(found(w, "cedar-bank", "consent-a").await, [one, two]);
    assert_eq!(found(w, "cedar-bank", "consent-b").await, [two]);
    // A refresh keeps it; a renewal puts another in its place; a write that is refused changes nothing.
    w.one(put(1, Some("consent-a"), 1)).await;
    assert_eq!(w.refused(vec![put(1, Some("consent-z"), 1)]).await, (0, "bank grant"));
    assert_eq!(found(w, "cedar-bank", "consent-a").await, [one, two]);
    w.one(put(1, Some("consent-c"), 2)).await;
    assert_eq!(found(w, "cedar-bank", "consent-a").await, [two]);
    assert_eq!(found(w, "cedar-bank", "consent-c").await, [one]);
    // Gone with the grant, and an ended link is nobody's.
    let drop_it = Command::DropBankGrant { shard: Shard(1), link: one, expected: 3 };
    w.one(drop_it).await;
    assert!(found(w, "cedar-bank", "consent-c").await.is_empty());
    let end = Command::SetLink {
        shard: Shard(1),
        id: two,
        from: LinkState::Pending,
        to: LinkState::Ended,
        at: at(9),
    };
    w.one(end).await;
    assert!(found(w, "cedar-bank", "consent-b").await.is_empty());
    w.one(Command::DropBankGrant { shard: Shard(1), link: two, expected: 1 }).await;
    assert!(!w.store.has_bank_consents(&cedar).await.expect("answers"));
}

pub(crate) async fn a_hint_is_taken_once_and_hastens_its_job(w: &World) {
    let poll = Job { kind: JobKind::Poll, due_at: at(100), ..job(6) };
    w.one(Command::Enqueue(poll)).await;
    let hint = |key: u8, second| Command::Hint {
        shard: Shard(1),
        lane: [1; 32],
        key: EventKey([key; 32]),
        received_at: at(second),
        job: [6; 16],
        running: false,
        at: at(second),
        body: None,
    };
    assert_eq!(w.one(hint(1, 50)).await, Outcome::Changed);
    let due = async |second| w.store.polls_due(at(second), 10).await.expect("answers").len();
    assert_eq!((due(49).await, due(50).await), (0, 1));
    assert_eq!(w.one(hint(1, 10)).await, Outcome::Duplicate);
    assert_eq!(due(49).await, 0, "the same again hastens nothing");
    assert_eq!(w.one(hint(2, 70)).await, Outcome::Changed);
    assert_eq!(due(50).await, 1, "and none puts it off");
    // It is being worked on, and has read what there was: it is due once more, whatever it writes as it ends.
    let Command::Hint { shard, lane, received_at, job, .. } = hint(4, 75) else { panic!("a hint") };
    let key = EventKey([4; 32]);
    w.one(Command::Hint { shard, lane, key, received_at, job, running: true, at: at(75), body: None }).await;
    w.one(Command::ContinueJob { id: job, was: at(50), at: at(4_000), body: vec![1] }).await;
    assert_eq!((due(74).await, due(75).await), (0, 1));
    // What a look must know of stands in its body, and it is due, whatever it writes as it ends; once.
    w.one(Command::Enqueue(Job { kind: JobKind::LookAtGrant, due_at: at(75), ..crate::world::job(7) })).await;
    let word = |key, second| Command::Hint {
        shard: Shard(1),
        lane: [1; 32],
        key: EventKey([key; 32]),
        received_at: at(second),
        job: [7; 16],
        running: false,
        at: at(second),
        body: Some(vec![key]),
    };
    assert_eq!(w.one(word(5, 80)).await, Outcome::Changed);
    w.one(Command::ContinueJob { id: [7; 16], was: at(75), at: at(4_000), body: vec![1] }).await;
    assert_eq!(w.one(word(5, 90)).await, Outcome::Duplicate);
    let looks = w.store.grant_looks_due(at(80), 10).await.expect("answers");
    assert_eq!(looks.iter().map(|job| &job.body[..]).collect::<Vec<_>>(), [[5]]);
    assert!(w.store.inbox_heads(at(200), InboxSource::Bank, 10).await.expect("answers").is_empty());
    // Without its job it is known all the same.
    w.one(Command::CancelJob { id: [6; 16] }).await;
    assert_eq!(w.one(hint(3, 80)).await, Outcome::Changed);
    assert_eq!(w.one(hint(3, 80)).await, Outcome::Duplicate);
}

/// What a hint makes of a look's body is there for whoever looks next, also when the look that was being worked on
/// writes its own as it ends; a hint that is known changes nothing.
pub(crate) async fn a_hint_can_leave_its_word_with_the_look(w: &World) {
    let look = Job { kind: JobKind::LookAtGrant, due_at: at(100), ..job(7) };
    w.one(Command::Enqueue(look)).await;
    let hint = |key: u8, second, running, body: &[u8]| Command::Hint {
        shard: Shard(1),
        lane: [1; 32],
        key: EventKey([key; 32]),
        received_at: at(second),
        job: [7; 16],
        running,
        at: at(second),
        body: Some(body.to_vec()),
    };
    let body = async || {
        let due = w.store.grant_looks_due(Timestamp::MAX, 10).await.expect("answers");
        due.into_iter().map(|job| job.body).collect::<Vec<_>>()
    };
    let go_on = |was, next, body: &[u8]| Command::ContinueJob {
        id: [7; 16],
        was: at(was),
        at: at(next),
        body: body.to_vec(),
    };
    w.one(hint(21, 50, false, b"word")).await;
    assert_eq!(body().await, [b"word"]);
    assert_eq!(w.one(hint(21, 50, false, b"again")).await, Outcome::Duplicate);
    assert_eq!(body().await, [b"word"]);
    w.one(go_on(50, 100, b"done")).await;
    assert_eq!(body().await, [b"done"]);
    w.one(hint(22, 60, true, b"late")).await;
    w.one(go_on(100, 4_000, b"over")).await;
    assert_eq!(body().await, [b"late"], "it was said while the look was being worked on");
    w.one(Command::CancelJob { id: [7; 16] }).await;
}
