//! Abuse case 22 on both engines: whoever was erased does not come back with a copy of the database, nor with one of
//! the key custody. (With the gateway that starts on them, on SQLite: `amana-flow`.)

use crate::keeping::{begin, end_link, step, with_everything};
use crate::outbox::disclose;
use crate::place::Place;
use crate::shared::said_about;
use crate::world::*;
use amana_core::*;
use amana_gate::{About, DataKey};
use amana_store::*;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_22_on_sqlite() {
    an_erased_customer_does_not_come_back(World::on(Place::sqlite()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_22_on_postgres() {
    an_erased_customer_does_not_come_back(World::on(Place::postgres().await).await).await;
}

/// Whether a message still says to whom it goes, and which of these keys opens it.
async fn opens(w: &World, n: u8, keys: &[Arc<DataKey>]) -> (bool, Vec<bool>) {
    let entry = w.store.outbox_entry(message(n)).await.expect("answers").expect("is there");
    let ours = w.store.keyring().deployment();
    let by = |key: &DataKey| w.gate.row_says(&entry.row, key, "hello") == Ok(true);
    let opened = std::iter::once(ours).chain(keys.iter().map(|key| &**key)).map(by).collect();
    (entry.row.recipient == address(1), opened)
}

async fn an_erased_customer_does_not_come_back(w: World) {
    for n in [1, 2] {
        with_everything(&w, n).await;
    }
    // Another bank's customer in the same chat.
    let (institution, psid) = (id("pine-bank"), conversation(1).psid);
    w.one(Command::CreateLink(Link { institution, psid, ..link(12, 2, LinkState::Active) })).await;
    let customer = async |n: u8| w.store.customer(Shard(u16::from(n)), customer_id(n)).await;
    let [gone, stays] = [1, 2].map(customer);
    let (gone, stays) =
        (gone.await.expect("answers").expect("one"), stays.await.expect("answers").expect("two"));
    w.one(disclose(0, said_about(&w, 60, About::Link, &gone), 0)).await;
    w.one(disclose(0, said_about(&w, 61, About::Chat, &stays), 0)).await;
    w.one(disclose(0, said_about(&w, 62, About::Chat, &gone), 0)).await;
    let keys = [Arc::clone(&gone.key), Arc::clone(&stays.key)];
    assert_eq!(opens(&w, 60, &keys).await, (true, vec![false, true, false]));
    assert_eq!(opens(&w, 61, &keys).await, (true, vec![false, false, true]));
    assert_eq!(opens(&w, 62, &keys).await, (true, vec![false, true, false]));

    // Yesterday ends: nobody has the database open while it is copied.
    let World { place, clock, entropy, store, gate } = w;
    drop(store);
    let yesterday = place.copy().await;
    let store = open_at(&place.url(), MASTER, &entropy, &clock).await.expect("opens");
    let w = World { place, clock, entropy, store, gate };
    w.store.submit(vec![end_link(1, 80), begin(1)]).await.expect("begun");
    let denied = w.store.outbox_entry(message(60)).await.expect("answers").expect("an empty row");
    assert_eq!((denied.state, denied.row.payload.len(), denied.row.under), (OutboxState::Denied, 0, None));
    for n in [61, 62] {
        let opened = opens(&w, n, &keys).await;
        assert_eq!(opened, (true, vec![false, false, true]), "{n}: the other's words stay");
    }
    w.store.destroy_customer_key(gone.id, at(80)).await.expect("destroyed");
    while w.one(step(1, 84)).await == Outcome::Changed {}
    assert!(w.store.customer_place(gone.id).await.expect("answers").is_none());

    // Yesterday's database with today's custody: the rows are back, and none opens.
    let (shard, today) = (gone.shard, keys_of(&w.place));
    let (entropy, clock) =
        (Arc::clone(&w.entropy) as Arc<dyn Entropy>, Arc::clone(&w.clock) as Arc<dyn Clock>);
    let store = open(&yesterday.url(), today, entropy, clock).await.expect("opens");
    let again = World {
        place: yesterday,
        clock: Arc::clone(&w.clock),
        entropy: Arc::clone(&w.entropy),
        gate: amana_gate::Gate::new(store.keyring().ticket()),
        store,
    };
    let store = &again.store;
    assert!(store.customer_place(gone.id).await.expect("answers").is_some(), "the rows are back");
    let opened = |what: &str, found: bool| assert!(!found, "{what} of the erased customer opens");
    opened("the key", matches!(store.customer(shard, gone.id).await, Ok(Some(_))));
    opened("a link", store.links_of_customer(shard, gone.id).await.is_ok_and(|l| !l.is_empty()));
    opened("a receipt", store.receipts(shard, gone.id, 1, 100).await.is_ok_and(|r| !r.is_empty()));
    opened("a consent", store.consents(shard, gone.id).await.is_ok_and(|c| !c.is_empty()));
    opened("a token", matches!(store.bank_grant(shard, LinkId::from_bytes([1; 16])).await, Ok(Some(_))));
    opened("the log's key", matches!(store.log_key(shard, gone.id).await, Ok(Some(_))));
    let others = store.customer(stays.shard, stays.id).await.expect("answers").expect("stays").key;
    let remain = [Arc::clone(&others)];
    for n in [60, 62] {
        let opened = opens(&again, n, &remain).await;
        assert_eq!(opened, (false, vec![false, false]), "{n}: no key that remains opens it");
    }
    assert_eq!(opens(&again, 61, &remain).await, (true, vec![false, true]));

    // What the start does: it learns of them from the custody, and removes the rows.
    assert_eq!(store.destroyed_keys(None).await.expect("answers"), [gone.id]);
    while again.one(step(1, 90)).await == Outcome::Changed {}
    assert!(store.customer_place(gone.id).await.expect("answers").is_none());
    assert!(store.links_ever_of_customer(shard, gone.id).await.expect("answers").is_empty());
    assert!(!store.receipts(stays.shard, stays.id, 1, 100).await.expect("answers").is_empty(), "others stay");

    // Today's database with yesterday's custody: the share is there, until the start asks the database.
    let World { place: yesterday, store, .. } = again;
    drop(store);
    let share = |keys: &Keys| keys.custody.share(Holder::Customer(gone.id)).expect("answers");
    let then = keys_of(&yesterday);
    assert!(share(&then).is_some());
    let (entropy, clock) =
        (Arc::clone(&w.entropy) as Arc<dyn Entropy>, Arc::clone(&w.clock) as Arc<dyn Clock>);
    let store = open(&w.place.url(), then.clone(), entropy, clock).await.expect("opens");
    assert_eq!(store.erased(None, 10).await.expect("answers"), [gone.id]);
    store.destroy_customer_key(gone.id, at(95)).await.expect("destroyed");
    assert!(share(&then).is_none());
    drop(store);
    yesterday.close().await;
    w.close().await;
}

/// The master key with the custody of a place.
fn keys_of(place: &Place) -> Keys {
    keys(&place.url(), MASTER)
}
