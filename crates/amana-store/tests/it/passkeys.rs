//! Customers' passkeys: each is kept once, and every use of one is counted.

use crate::place::{Place, postgres_client};
use crate::world::*;
use amana_core::*;
use amana_store::*;

/// The `p`th passkey of customer `n`.
pub(crate) fn passkey(n: u8, p: u8) -> Passkey {
    Passkey {
        shard: Shard(u16::from(n)),
        customer: customer_id(n),
        id: [p; 16],
        hash: [p; 32],
        uses: 0,
        credential: vec![p; 77],
    }
}

async fn of(w: &World, n: u8) -> Vec<Passkey> {
    w.store.passkeys(Shard(u16::from(n)), customer_id(n)).await.expect("answers")
}

pub(crate) async fn passkeys_are_kept_once_and_every_use_is_counted(w: &World) {
    assert_eq!(w.refused(vec![Command::PutPasskey(passkey(1, 1))]).await, (0, "customer"));
    for n in [1, 2] {
        w.customer(n).await;
    }
    w.one(Command::PutPasskey(passkey(1, 1))).await;
    w.one(Command::PutPasskey(passkey(1, 2))).await;
    w.one(Command::PutPasskey(passkey(2, 3))).await;
    assert_eq!(of(w, 1).await, [passkey(1, 1), passkey(1, 2)], "every field comes back");
    // The same authenticator's, whoever brings it.
    for n in [1, 2] {
        let again = Passkey { id: [9; 16], ..passkey(n, 1) };
        assert_eq!(w.refused(vec![Command::PutPasskey(again)]).await, (0, "passkey"));
    }

    // Of two uses at once one wins; what is not theirs, or not there, is not used.
    let used = |uses, credential: &[u8]| Command::UsePasskey {
        passkey: Passkey { uses, credential: credential.to_vec(), ..passkey(1, 1) },
    };
    let (a, b) = tokio::join!(w.store.submit(vec![used(0, b"a")]), w.store.submit(vec![used(0, b"b")]));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    w.one(used(1, b"later")).await;
    assert_eq!(w.refused(vec![used(1, b"stale")]).await, (0, "passkey"));
    let kept = of(w, 1).await;
    assert_eq!((kept[0].uses, kept[0].credential.as_slice()), (2, b"later".as_slice()));
    assert_eq!(kept[1], passkey(1, 2));
    let others = Command::UsePasskey { passkey: Passkey { id: [3; 16], ..passkey(1, 3) } };
    assert_eq!(w.refused(vec![others]).await, (0, "passkey"));

    let forget = |n: u8, p: u8| Command::DropPasskey {
        shard: Shard(u16::from(n)),
        customer: customer_id(n),
        id: [p; 16],
    };
    assert_eq!(w.refused(vec![forget(2, 1)]).await, (0, "passkey"), "another's");
    w.one(forget(1, 1)).await;
    assert_eq!(w.refused(vec![forget(1, 1)]).await, (0, "passkey"));
    assert_eq!(w.refused(vec![used(2, b"gone")]).await, (0, "passkey"));
    assert_eq!(of(w, 1).await, [passkey(1, 2)]);
    assert_eq!(of(w, 2).await, [passkey(2, 3)]);

    // As many as there may be.
    for p in 100..100 + u8::try_from(limits::PASSKEYS_MAX).expect("few") - 1 {
        w.one(Command::PutPasskey(passkey(1, p))).await;
    }
    assert_eq!(w.refused(vec![Command::PutPasskey(passkey(1, 99))]).await, (0, "number of passkeys"));
    w.one(Command::PutPasskey(passkey(2, 99))).await;
}

/// An older row that somebody with the database puts back: the counter that a copied authenticator would need.
pub(crate) async fn a_passkey_put_back_does_not_open(w: &World) {
    w.customer(1).await;
    w.one(Command::PutPasskey(passkey(1, 1))).await;
    w.one(Command::UsePasskey { passkey: passkey(1, 1) }).await;
    let back = "UPDATE passkey SET uses = 0";
    match &w.place {
        Place::Sqlite { .. } => {
            rusqlite::Connection::open(w.place.file()).expect("opens").execute(back, []).expect("changed");
        }
        Place::Postgres { .. } => {
            postgres_client(&w.place.url()).await.execute(back, &[]).await.expect("changed");
        }
    }
    let outcome = w.store.passkeys(Shard(1), customer_id(1)).await;
    assert!(outcome.is_err_and(|error| error.is_damage()));
}
