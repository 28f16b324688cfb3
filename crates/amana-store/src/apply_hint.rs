//! What a bank's notification needs: to whose link a bank's consent belongs, and that a hint is taken once.

use crate::apply::{Applied, put_done};
use crate::command::NewInbox;
use crate::db::{Db, values};
use crate::limits::BANK_CONSENTS_MAX;
use crate::rows::{BankGrant, InboxSource};
use crate::vault::Vault;
use crate::{Outcome, StoreError};
use amana_core::{EventKey, InstitutionId, LinkId, Shard, Timestamp};

/// A hint whose key is kept; the job that it hastens, and to when.
pub(crate) struct Hint<'a> {
    pub(crate) shard: Shard,
    pub(crate) lane: [u8; 32],
    pub(crate) key: EventKey,
    pub(crate) received_at: Timestamp,
    pub(crate) job: [u8; 16],
    pub(crate) running: bool,
    pub(crate) at: Timestamp,
    pub(crate) body: Option<&'a [u8]>,
}

pub(crate) async fn hint<D: Db>(db: &mut D, hint: &Hint<'_>) -> Applied {
    let event = NewInbox {
        shard: hint.shard,
        lane: hint.lane,
        key: hint.key,
        source: InboxSource::Bank,
        body: Vec::new(),
        received_at: hint.received_at,
    };
    if put_done(db, &event).await? == 0 {
        return Ok(Outcome::Duplicate);
    }
    // What a job that is being worked on writes as it ends finds its own time changed, and leaves this one.
    if let Some(body) = hint.body {
        db.run(
            "UPDATE job SET due_at = $1, body = $2 WHERE id = $3 AND state = 0",
            values![hint.at, body, hint.job],
        )
        .await?;
        return Ok(Outcome::Changed);
    }
    db.run(
        "UPDATE job SET due_at = $1 WHERE id = $2 AND state = 0 AND (due_at > $1 OR CAST($3 AS BIGINT) = 1)",
        values![hint.at, hint.job, hint.running],
    )
    .await?;
    Ok(Outcome::Changed)
}

/// The ids under which the bank knows a link's grant are findable, blinded, from here on; and no others of it.
pub(crate) async fn index<D: Db>(db: &mut D, vault: &Vault, grant: &BankGrant) -> Result<(), StoreError> {
    forget(db, grant.shard, grant.link).await?;
    let Some(ids) = &grant.bank_consent else { return Ok(()) };
    let row = db
        .row(
            "SELECT institution FROM customer WHERE shard = $1 AND id = $2",
            values![grant.shard, grant.customer],
        )
        .await?;
    let Some(mut row) = row else { return Ok(()) };
    let institution = InstitutionId::new(row.text()?)
        .map_err(|_| StoreError::damaged("a customer's institution is not an id"))?;
    // Some banks name several grants, with spaces between.
    for id in ids.split_whitespace().take(BANK_CONSENTS_MAX) {
        db.run(
            "INSERT INTO bank_consent (institution, consent, shard, link) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            values![
                institution.as_str(),
                vault.keyring().blind_bank_consent(&institution, id),
                grant.shard,
                grant.link
            ],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn forget<D: Db>(db: &mut D, shard: Shard, link: LinkId) -> Result<(), StoreError> {
    db.run("DELETE FROM bank_consent WHERE shard = $1 AND link = $2", values![shard, link]).await?;
    Ok(())
}
