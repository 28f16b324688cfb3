//! Theft: what somebody can and cannot do with a stolen database, a stolen page session, or a stolen link. (The
//! compromised adapter is tested where it lives: `amana-channel` and the processes of `amana`.)

use crate::support::*;
use amana_core::*;
use amana_flow::*;
use amana_gate::{DataKey, Denial, Facts, Gate, StandardPolicy};
use amana_store::{Keyring, Keys, MemoryCustody, OpenError, SqliteCustody};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The bytes of a folder's files.
fn bytes(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).expect("a file")).collect()
}

#[tokio::test]
async fn theft_of_the_database_without_its_key_shows_no_data_and_sends_nothing() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // Something waits to be sent, something was sent, and the bank's tokens are there.
    rig.says("1", "what's my balance?").await;
    rig.channel.fates.lock().unwrap().push(Fate::Fail);
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 45_678)).await;
    let waiting = rig.store.outbox_heads(Timestamp::MAX, &[], 10).await.expect("answers");
    assert_eq!(waiting.len(), 1);

    // The whole folder, as a thief takes it: the key's file is kept apart.
    let stolen = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(rig.folder.path()).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            std::fs::copy(entry.path(), stolen.path().join(entry.file_name())).expect("copied");
        }
    }
    // Cannot: read what the bank said, what was said, or the tokens.
    let all = bytes(stolen.path());
    assert!(all.windows(4).any(|w| w == b"1001"), "the copy is the database: the Page's id is in it");
    for secret in [
        "456.78",
        "45678",
        "1,234.56",
        "123456",
        "Blue Bottle",
        "Everyday",
        "refresh",
        "grant-",
        "customer-1",
    ] {
        let found = all.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "`{secret}` is readable in the stolen database");
    }
    // Cannot: open it as a store of their own.
    let url = format!("sqlite:{}", stolen.path().join("amana.sqlite").display());
    let thiefs = DataKey::new([0x66; 32]);
    let (entropy, clock) = (Arc::new(SeededEntropy::new(5)), rig.clock.clone());
    let theirs = Keys::new(Arc::new(DataKey::new([0x66; 32])), Arc::new(MemoryCustody::default()));
    let opened = amana_store::open(&url, theirs, entropy, clock).await;
    assert!(matches!(opened.map(|_| ()), Err(OpenError::NoRoot)), "the database alone");
    // Nor with the key custody beside it: its root key is under the master key.
    let custody = SqliteCustody::open(&stolen.path().join("custody.sqlite"), false).expect("copied");
    let theirs = Keys::new(Arc::new(DataKey::new([0x66; 32])), Arc::new(custody));
    let (entropy, clock) = (Arc::new(SeededEntropy::new(5)), rig.clock.clone());
    let opened = amana_store::open(&url, theirs, entropy, clock).await;
    assert!(matches!(opened.map(|_| ()), Err(OpenError::WrongKey)), "the database with its custody");
    // Cannot: make a ticket for what waits, with a gate of their own.
    let gate = Gate::new(Keyring::new(&thiefs).ticket());
    let kills = KillSwitches::default();
    let facts = Facts { agreement: None, consent: None, kills: &kills, now: rig.clock.now() };
    let released = gate.release(waiting[0].row.clone(), &facts, &StandardPolicy, &thiefs);
    assert_eq!(released.map(|_| ()).err(), Some(Denial::BadTicket));
    // Can: see who is a customer of which bank in which chat. The threat model says so.
    assert!(all.windows(BANK.len()).any(|w| w == BANK.as_bytes()));
}

#[tokio::test]
async fn theft_of_a_page_session_looks_for_half_an_hour_and_moves_nothing() {
    let rig = Rig::new().await;
    let stolen = rig.link("1").await;
    // Can, until it ends: see what was said and what is there now.
    let view = rig.gateway.privacy_view(&stolen, None).await.expect("a live session");
    assert!(!view.timeline.is_empty());
    // Cannot: consent to anything, or link a chat of their own. That needs the bank's sign-in.
    let more = rig.answer(&[Purpose::BalanceOnRequest], Form::Detail, &["a1", "a2"]);
    assert!(rig.gateway.consent_give(&stolen, &more).await.is_err(), "no wider consent");
    assert!(rig.gateway.consent_form(&stolen, &BTreeSet::new(), |own| own).await.is_err());
    assert!(rig.gateway.link_callback(&stolen, &rig.callback()).await.is_err());
    // Cannot: stop anything without the page's own form token.
    let id = view.consents[0].id;
    assert!(rig.gateway.privacy_revoke(&stolen, "guessed", id, None).await.is_err());
    // Cannot: make it last. Looking does not prolong it.
    rig.clock.advance_s(limits::PRIVACY_SESSION_S - 1);
    rig.gateway.privacy_view(&stolen, None).await.expect("just before its end");
    rig.clock.advance_s(2);
    assert!(rig.gateway.privacy_view(&stolen, None).await.is_err(), "over");
    assert!(rig.gateway.accounts_view(&stolen, |own| own).await.is_err(), "over");
}

#[tokio::test]
async fn theft_of_the_chat_or_of_a_link_without_the_banks_sign_in_opens_no_page() {
    let rig = Rig::new().await;
    rig.link("1").await;
    // A one-time link from the chat, and the cookie that it gives: before the bank has said who comes.
    let entry = Entry::OneTime { token: rig.link_token("2").await };
    let begun = rig
        .gateway
        .link_begin(&entry, &InstitutionId::new(BANK).unwrap(), Lang::English)
        .await
        .expect("begun");
    assert!(rig.gateway.privacy_view(&begun.cookie, None).await.is_err());
    assert!(rig.gateway.accounts_view(&begun.cookie, |own| own).await.is_err());
    assert!(rig.gateway.consent_form(&begun.cookie, &BTreeSet::new(), |own| own).await.is_err());
    // The bank says that it is somebody else: their own page opens, not the customer's.
    *rig.bank.subject.lock().unwrap() = Some("customer-9".into());
    let next = rig.gateway.link_callback(&begun.cookie, &rig.callback()).await.expect("back");
    assert_eq!(next, Next::Consent);
    assert!(
        rig.gateway.privacy_view(&begun.cookie, None).await.is_err(),
        "a linking session shows no timeline"
    );
}
