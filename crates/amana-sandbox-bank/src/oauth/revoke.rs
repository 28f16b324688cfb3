//! Token revocation (RFC 7009).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::presented::Presented;
use super::{OAuthError, client_auth, form};
use crate::app::{AtBank, Shared, sha256_hex};
use crate::db::Change;
use crate::records::{Revocation, TokenUse, kind};

/// `POST …/revoke`: an access token ends alone; a refresh token takes its consent with it (RFC 7009 §2.1), for
/// without it the client could not use the consent any more. Unknown tokens are answered with 200 (§2.2).
pub(crate) async fn revoke(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    presented: Presented,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, OAuthError> {
    let params = form(&headers, &body)?;
    let client = client_auth::authenticate(&app, brand, &headers, &params, &presented)?;
    let hash = sha256_hex(params.need("token")?);
    let now = app.now();
    let done = app.bank(brand, |bank, db| {
        let token = bank.tokens.get(&hash).filter(|token| token.client_id == client.client_id).cloned();
        let Some(token) = token else { return Ok(()) };
        match (token.usage, token.consent_id) {
            (TokenUse::Refresh | TokenUse::Rotated, Some(consent_id)) => {
                let revocation = Revocation {
                    at: now,
                    reason: "USER_ACTION".to_owned(),
                    other_reason: None,
                    initiator: "DATA_RECIPIENT".to_owned(),
                };
                bank.end_consent(db, &consent_id, &revocation)?;
            }
            _ => {
                db.commit(&[Change::delete(kind::TOKEN, brand.id, &hash)])?;
                bank.tokens.remove(&hash);
            }
        }
        Ok::<_, OAuthError>(())
    });
    done.unwrap_or(Ok(()))?;
    Ok(StatusCode::OK)
}
