//! Policies of institutions: every document is kept, and the newest is what decides.

use crate::apply::{Applied, Refused, changed};
use crate::apply_log::rule_change;
use crate::db::{Db, Row, values};
use crate::limits::POLICY_BYTES_MAX;
use crate::{Answer, Outcome, StoreError, StoredPolicy};
use amana_core::InstitutionId;
use amana_core::ids::sha256;

pub(crate) async fn put_policy<D: Db>(db: &mut D, policy: &StoredPolicy) -> Applied {
    let hash = hex::encode(sha256(&[policy.document.as_bytes()]));
    if policy.document.len() > POLICY_BYTES_MAX || hash != policy.sha256 {
        return Err(Refused::Conflict("policy"));
    }
    let institution = policy.institution.as_str();
    let stored = newest(db, &policy.institution).await?.map_or(0, |(version, _)| version);
    if policy.version != stored.saturating_add(1) {
        return Err(Refused::Conflict("policy"));
    }
    let rows = db
        .run(
            "INSERT INTO policy (institution, version, sha256, document, accepted_how, uploaded_at, uploaded_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            values![
                institution,
                policy.version,
                hash,
                policy.document.as_str(),
                policy.accepted_how.as_str(),
                policy.uploaded_at,
                policy.uploaded_by.as_str()
            ],
        )
        .await?;
    changed(rows, "policy")?;
    // What is in force from now on is public, and its hash an entry of the log.
    rule_change(db, &policy.document, policy.uploaded_at).await?;
    Ok(Outcome::Changed)
}

/// Version and hash of the newest document.
pub(crate) async fn newest<D: Db>(db: &mut D, institution: &InstitutionId) -> Answer<Option<(u32, String)>> {
    let row = db
        .row(
            "SELECT version, sha256 FROM policy WHERE institution = $1 ORDER BY version DESC LIMIT 1",
            values![institution.as_str()],
        )
        .await?;
    row.map(|mut row| Ok((row.number()?, row.text()?))).transpose().map_err(StoreError::of_everybody)
}

pub(crate) async fn policy<D: Db>(
    db: &mut D,
    institution: &InstitutionId,
    version: u32,
) -> Answer<Option<StoredPolicy>> {
    let row = db
        .row(
            "SELECT version, sha256, document, accepted_how, uploaded_at, uploaded_by FROM policy \
             WHERE institution = $1 AND version = $2",
            values![institution.as_str(), version],
        )
        .await?;
    row.map(|row| read(institution, row)).transpose().map_err(StoreError::of_everybody)
}

pub(crate) async fn policies<D: Db>(db: &mut D, institution: &InstitutionId) -> Answer<Vec<StoredPolicy>> {
    let rows = db
        .rows(
            "SELECT version, sha256, document, accepted_how, uploaded_at, uploaded_by FROM policy \
             WHERE institution = $1 ORDER BY version DESC LIMIT $2",
            values![institution.as_str(), crate::limits::POLICIES_MAX],
        )
        .await?;
    rows.into_iter().map(|row| read(institution, row)).collect()
}

fn read(institution: &InstitutionId, mut row: Row) -> Answer<StoredPolicy> {
    Ok(StoredPolicy {
        institution: institution.clone(),
        version: row.number()?,
        sha256: row.text()?,
        document: row.text()?,
        accepted_how: row.text()?,
        uploaded_at: row.time()?,
        uploaded_by: row.text()?,
    })
}
