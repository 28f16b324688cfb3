//! The pages behind notices: kept with the notice, opened once.

use crate::apply::{Applied, Refused, bounded, changed};
use crate::db::{Db, values};
use crate::vault::{Vault, context, open as unseal};
use crate::{Answer, KeptPage, StoreError};
use amana_core::{CustomerId, LinkId, MessageId, Shard, Timestamp};
use amana_gate::{Basis, DataKey, SealedPage};

/// Where the basis of a page is sealed to.
fn page_context(hash: &[u8; 32]) -> Vec<u8> {
    context("page basis", &[hash])
}

/// Keeps a page with the number of its notice's receipt. Of a link that has ended meanwhile nothing is kept.
pub(crate) async fn put<D: Db>(
    db: &mut D,
    vault: &Vault,
    (shard, key): (Shard, &DataKey),
    page: &SealedPage,
    seq: u64,
) -> Result<(), Refused> {
    bounded(&page.sealed)?;
    let basis = serde_json::to_vec(&page.basis)
        .map_err(|_| StoreError::new("the basis of a page cannot be written as JSON"))?;
    let seq = i64::try_from(seq).map_err(|_| StoreError::new("a receipt number is too large"))?;
    db.run(
        "INSERT INTO sealed_page (hash, shard, customer, link, message, receipt_seq, sealed_basis, sealed, expires_at) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 \
         WHERE EXISTS (SELECT 1 FROM link l WHERE l.shard = $2 AND l.id = $4 AND l.customer = $3 AND l.state = 1)",
        values![
            page.hash,
            shard,
            page.basis.customer,
            page.link,
            page.message,
            seq,
            vault.seal(key, &page_context(&page.hash), &basis)?,
            page.sealed.as_slice(),
            page.expires_at
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn open<D: Db>(db: &mut D, hash: [u8; 32], now: Timestamp) -> Applied {
    let rows = db
        .run(
            "UPDATE sealed_page SET opened_at = $1, sealed = $3 \
             WHERE hash = $2 AND opened_at IS NULL AND expires_at > $1",
            values![now, hash, Vec::new()],
        )
        .await?;
    changed(rows, "sealed page")
}

pub(crate) async fn drop_of_link<D: Db>(db: &mut D, shard: Shard, link: LinkId) -> Result<(), StoreError> {
    db.run(
        "DELETE FROM sealed_page WHERE shard = $1 AND link = $2 \
         AND customer = (SELECT l.customer FROM link l WHERE l.shard = $1 AND l.id = $2)",
        values![shard, link],
    )
    .await
    .map(|_| ())
}

/// The page of a token's hash, opened or not.
pub(crate) async fn kept<D: Db>(db: &mut D, vault: &Vault, hash: [u8; 32]) -> Answer<Option<KeptPage>> {
    let row = db
        .row(
            "SELECT p.shard, p.customer, p.link, p.message, p.receipt_seq, p.sealed_basis, p.sealed, p.expires_at, \
             p.opened_at, k.wrapped_key FROM sealed_page p JOIN customer k \
             ON k.shard = p.shard AND k.id = p.customer AND k.erased_at IS NULL WHERE p.hash = $1",
            values![hash],
        )
        .await?;
    let Some(mut row) = row else { return Ok(None) };
    let (shard, customer) = (row.shard()?, CustomerId::from_bytes(row.array()?));
    let (link, message) = (LinkId::from_bytes(row.array()?), MessageId::from_bytes(row.array()?));
    let (receipt, basis, sealed) = (row.number()?, row.bytes()?, row.bytes()?);
    let (expires_at, opened_at) = (row.time()?, row.opt_time()?);
    let key = vault.customer_key(customer, &row.bytes()?)?;
    let basis: Basis = serde_json::from_slice(&unseal(&key, &page_context(&hash), &basis)?)
        .map_err(|_| StoreError::damaged("the basis of a page cannot be read"))?;
    let page = SealedPage { hash, message, link, basis, sealed, expires_at };
    Ok(Some(KeptPage { shard, page, receipt, opened_at }))
}
