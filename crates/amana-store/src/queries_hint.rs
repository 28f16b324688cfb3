//! Whom a bank's notification concerns.

use crate::Answer;
use crate::db::{Db, values};
use crate::queries::{link_columns, read_links};
use crate::rows::Link;
use crate::vault::Vault;
use amana_core::InstitutionId;

pub(crate) async fn links_of_bank_consent<D: Db>(
    db: &mut D,
    vault: &Vault,
    institution: &InstitutionId,
    id: &str,
) -> Answer<Vec<Link>> {
    let rows = db
        .rows(
            concat!(
                "SELECT ",
                link_columns!(),
                " JOIN bank_consent b ON b.shard = l.shard AND b.link = l.id \
                 WHERE b.institution = $1 AND b.consent = $2 AND l.state < 2 ORDER BY l.position"
            ),
            values![institution.as_str(), vault.keyring().blind_bank_consent(institution, id)],
        )
        .await?;
    read_links(vault, rows)
}

pub(crate) async fn has_bank_consents<D: Db>(db: &mut D, institution: &InstitutionId) -> Answer<bool> {
    let row = db
        .row("SELECT shard FROM bank_consent WHERE institution = $1 LIMIT 1", values![institution.as_str()])
        .await?;
    Ok(row.is_some())
}
