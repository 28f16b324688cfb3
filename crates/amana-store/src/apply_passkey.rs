//! Customers' passkeys: kept sealed, each once, with every use counted.

use crate::apply::{Applied, Refused, bounded, changed, customer_key};
use crate::db::{Db, values};
use crate::limits::PASSKEYS_MAX;
use crate::vault::{Vault, context, open};
use crate::{Answer, Passkey};
use amana_core::{CustomerId, Shard};

/// Where a passkey is sealed to. The count is in it: what was before the last use does not open in its place.
fn passkey_context(id: &[u8; 16], uses: i64) -> Vec<u8> {
    context("passkey", &[id, &uses.to_be_bytes()])
}

pub(crate) async fn put<D: Db>(db: &mut D, vault: &Vault, passkey: &Passkey) -> Applied {
    bounded(&passkey.credential)?;
    let Passkey { shard, customer, id, hash, credential, .. } = passkey;
    let key = customer_key(db, vault, *shard, *customer).await?;
    let there = db
        .row("SELECT count(*) FROM passkey WHERE shard = $1 AND customer = $2", values![*shard, *customer])
        .await?;
    let there = there.map_or(Ok(0), |mut row| row.int())?;
    if there >= PASSKEYS_MAX {
        return Err(Refused::Conflict("number of passkeys"));
    }
    let rows = db
        .run(
            "INSERT INTO passkey (shard, customer, id, hash, uses, sealed) VALUES ($1, $2, $3, $4, 0, $5) \
             ON CONFLICT DO NOTHING",
            values![*shard, *customer, *id, *hash, vault.seal(&key, &passkey_context(id, 0), credential)?],
        )
        .await?;
    changed(rows, "passkey")
}

pub(crate) async fn used<D: Db>(db: &mut D, vault: &Vault, passkey: &Passkey) -> Applied {
    bounded(&passkey.credential)?;
    let Passkey { shard, customer, id, uses, credential, .. } = passkey;
    let key = customer_key(db, vault, *shard, *customer).await?;
    let next = uses.checked_add(1).ok_or(Refused::Conflict("passkey"))?;
    let rows = db
        .run(
            "UPDATE passkey SET uses = $1, sealed = $2 WHERE shard = $3 AND customer = $4 AND id = $5 AND uses = $6",
            values![
                next,
                vault.seal(&key, &passkey_context(id, next), credential)?,
                *shard,
                *customer,
                *id,
                *uses
            ],
        )
        .await?;
    changed(rows, "passkey")
}

pub(crate) async fn forget<D: Db>(
    db: &mut D,
    (shard, customer): (Shard, CustomerId),
    id: [u8; 16],
) -> Applied {
    let rows = db
        .run(
            "DELETE FROM passkey WHERE shard = $1 AND customer = $2 AND id = $3",
            values![shard, customer, id],
        )
        .await?;
    changed(rows, "passkey")
}

/// All of a customer's, in no order that means anything.
pub(crate) async fn of_customer<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, customer): (Shard, CustomerId),
) -> Answer<Vec<Passkey>> {
    let rows = db
        .rows(
            "SELECT p.id, p.hash, p.uses, p.sealed, k.wrapped_key FROM passkey p JOIN customer k \
             ON k.shard = p.shard AND k.id = p.customer AND k.erased_at IS NULL \
             WHERE p.shard = $1 AND p.customer = $2 ORDER BY p.id",
            values![shard, customer],
        )
        .await?;
    rows.into_iter()
        .map(|mut row| {
            let (id, hash, uses, sealed) = (row.array()?, row.array()?, row.int()?, row.bytes()?);
            let key = vault.customer_key(customer, &row.bytes()?)?;
            let credential = open(&key, &passkey_context(&id, uses), &sealed)?;
            Ok(Passkey { shard, customer, id, hash, uses, credential })
        })
        .collect()
}
