//! The token endpoint: authorization code, refresh token and client credentials.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest;
use serde_json::{Value, json};

use super::metadata::{ACR, OFFLINE_ACCESS, OPENID, RAR_TYPE, sign_jwt};
use super::presented::{Binding, Presented, bind};
use super::{DPOP_NONCE, OAuthError, Params, client_auth, form, no_store};
use crate::app::{App, AtBank, Shared, sha256_hex};
use crate::bank::Bank;
use crate::brand::Brand;
use crate::config::ClientRegistration;
use crate::db::{Change, Db};
use crate::faults::{self, FaultKind, Struck};
use crate::limits;
use crate::notifications::SUBSCRIBE;
use crate::records::{Code, Consent, Revocation, Token, TokenUse, kind};

/// `POST …/token`.
pub(crate) async fn token(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    presented: Presented,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let other_subject = match faults::strike(&app, brand, faults::Place::Token, "/token").await {
        Struck::Answer(response) => return response,
        Struck::Distort(FaultKind::OtherSubject) => true,
        Struck::Distort(_) | Struck::No => false,
    };
    match answer(&app, brand, &presented, (&headers, &body), other_subject) {
        Ok(value) => {
            let mut response = (no_store(), Json(value)).into_response();
            // The next proof's nonce, so that the client need not be refused first (RFC 9449 §8.2).
            if app.config.dpop_nonces
                && !presented.proofs.is_empty()
                && let Ok(nonce) = HeaderValue::from_str(&app.proofs.nonce(app.now()))
            {
                response.headers_mut().insert(DPOP_NONCE.clone(), nonce);
            }
            response
        }
        Err(error) => error.into_response(),
    }
}

fn answer(
    app: &App,
    brand: &'static Brand,
    presented: &Presented,
    (headers, body): (&HeaderMap, &[u8]),
    other_subject: bool,
) -> Result<Value, OAuthError> {
    let params = form(headers, body)?;
    let client = client_auth::authenticate(app, brand, headers, &params, presented)?;
    let binding = bind(app, client, presented)?;
    let run = |bank: &mut Bank, db: &mut Db| {
        bank.prune(db, app.now())?;
        match params.need("grant_type")? {
            "authorization_code" => by_code(app, bank, db, (client, other_subject), &params, &binding),
            "refresh_token" => by_refresh(app, bank, db, (client, other_subject), &params, &binding),
            "client_credentials" => for_client(app, bank, db, client, &params, binding.clone()),
            _ => Err(OAuthError::new("unsupported_grant_type", "the grant type is not supported")),
        }
    };
    app.bank(brand, run).unwrap_or_else(|| Err(OAuthError::invalid_request("there is no such bank")))
}

fn by_code(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    (client, other_subject): (&ClientRegistration, bool),
    params: &Params,
    binding: &Binding,
) -> Result<Value, OAuthError> {
    let now = app.now();
    let hash = sha256_hex(params.need("code")?);
    let code = bank
        .codes
        .get(&hash)
        .filter(|code| code.client_id == client.client_id)
        .cloned()
        .ok_or_else(|| OAuthError::invalid_grant("the code is not known"))?;
    if code.used {
        // RFC 6749 §4.1.2: a code used twice may be stolen; what it gave is taken back. After a mere sign-in there is
        // nothing to take back: its token opens nothing.
        let revocation = Revocation {
            at: now,
            reason: "SECURITY_EVENT".to_owned(),
            other_reason: None,
            initiator: "DATA_PROVIDER".to_owned(),
        };
        if let Some(consent_id) = &code.consent_id {
            bank.end_consent(db, consent_id, &revocation)?;
        }
        return Err(OAuthError::invalid_grant("the code was used before; its tokens have been revoked"));
    }
    if code.expires <= now {
        return Err(OAuthError::invalid_grant("the code has expired"));
    }
    if params.need("redirect_uri")? != code.redirect_uri {
        return Err(OAuthError::invalid_grant(
            "`redirect_uri` differs from the one of the authorization request",
        ));
    }
    // FAPI 2.0 knows no code without one: a missing verifier is a wrong one.
    let verifier = params.get("code_verifier").unwrap_or_default();
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    if !well_formed || challenge != code.challenge {
        return Err(OAuthError::invalid_grant("`code_verifier` does not fit the challenge"));
    }
    if code.jkt.as_ref().is_some_and(|jkt| *binding != Binding::Dpop(jkt.clone())) {
        // RFC 9449 §10: the code is bound to the key of the authorization request.
        return Err(OAuthError::invalid_grant("the code is bound to another key than the proof's"));
    }
    let consent = match &code.consent_id {
        Some(id) => Some(active_consent(bank, id, now)?),
        None => None,
    };
    let mut used = code.clone();
    used.used = true;
    let mut changes = vec![Change::put(kind::CODE, bank.brand.id, &hash, &used)?];
    let refresh = code.scopes.contains(OFFLINE_ACCESS);
    let id_token = code.scopes.contains(OPENID).then(|| {
        let nonce = code.nonce.as_deref();
        let who = Who { client, customer: &code.customer_id, at: code.at, nonce, other_subject };
        id_token(app, bank, &who, &sha256_hex(&hash))
    });
    let answer = match &consent {
        Some(consent) => {
            let refresh = refresh.then_some(&code.scopes);
            let issue = Issue { consent, scopes: &code.scopes, refresh, binding, id_token };
            issue.make(app, bank, db, &mut changes)?
        }
        None => sign_in_token(app, bank, db, &mut changes, &code, binding, id_token)?,
    };
    bank.codes.insert(hash.clone(), used);
    Ok(answer)
}

/// Whom an ID token is about, and for whom.
struct Who<'a> {
    client: &'a ClientRegistration,
    customer: &'a str,
    /// When the customer signed in or consented.
    at: Timestamp,
    nonce: Option<&'a str>,
    /// It names somebody else: a fault on demand.
    other_subject: bool,
}

fn id_token(app: &App, bank: &Bank, who: &Who<'_>, jti: &str) -> String {
    let now = app.now();
    let other = bank.customers.keys().find(|id| who.other_subject && *id != who.customer);
    let mut claims = json!({
        "iss": app.issuer(bank.brand),
        "sub": other.map_or(who.customer, String::as_str),
        "aud": who.client.client_id,
        "iat": now.as_second(),
        "exp": now.as_second().saturating_add(limits::ID_TOKEN_LIFE_SECS),
        "auth_time": who.at.as_second(),
        "acr": ACR,
        "amr": ["pwd"],
        "jti": jti,
    });
    if let (Some(nonce), Some(claims)) = (who.nonce, claims.as_object_mut()) {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    sign_jwt(&app.signing_key, &claims)
}

fn by_refresh(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    (client, other_subject): (&ClientRegistration, bool),
    params: &Params,
    binding: &Binding,
) -> Result<Value, OAuthError> {
    let now = app.now();
    let hash = sha256_hex(params.need("refresh_token")?);
    let unknown = || OAuthError::invalid_grant("the refresh token is not known, or its consent has ended");
    let token = bank
        .tokens
        .get(&hash)
        .filter(|token| token.client_id == client.client_id && token.expires.is_none_or(|end| now < end))
        .cloned()
        .ok_or_else(unknown)?;
    let consent_id = token.consent_id.clone().ok_or_else(unknown)?;
    match token.usage {
        TokenUse::Refresh => {}
        TokenUse::Rotated => {
            let revocation = Revocation {
                at: now,
                reason: "SECURITY_EVENT".to_owned(),
                other_reason: None,
                initiator: "DATA_PROVIDER".to_owned(),
            };
            bank.end_consent(db, &consent_id, &revocation)?;
            return Err(OAuthError::invalid_grant(
                "the refresh token was replaced before; the consent has been ended",
            ));
        }
        TokenUse::Access | TokenUse::Client => return Err(unknown()),
    }
    let consent = active_consent(bank, &consent_id, now)?;
    let scopes = match params.get("scope") {
        None => token.scopes.clone(),
        Some(text) => {
            let asked: BTreeSet<String> =
                text.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
            if !asked.is_subset(&token.scopes) {
                return Err(OAuthError::new("invalid_scope", "more is asked for than was granted"));
            }
            asked
        }
    };
    let rotate = app.config.rotates();
    let mut changes = Vec::new();
    let mut rotated = token.clone();
    if rotate {
        rotated.usage = TokenUse::Rotated;
        changes.push(Change::put(kind::TOKEN, bank.brand.id, &hash, &rotated)?);
    }
    // OpenID Connect Core §12.2: of the same person and sign-in, without the nonce.
    let wanted = scopes.contains(OPENID) || app.config.id_token_opens();
    let id_token = wanted.then(|| {
        let (customer, at) = (&consent.customer_id, consent.created);
        let who = Who { client, customer, at, nonce: None, other_subject };
        id_token(app, bank, &who, &sha256_hex(&app.secret()))
    });
    let refresh = rotate.then_some(&token.scopes);
    let issue = Issue { consent: &consent, scopes: &scopes, refresh, binding, id_token };
    let answer = issue.make(app, bank, db, &mut changes)?;
    if rotate {
        bank.tokens.insert(hash, rotated);
    }
    Ok(answer)
}

/// A token of the client's own, for its consents, its subscriptions and the bank's state; no customer data.
fn for_client(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    client: &ClientRegistration,
    params: &Params,
    binding: Binding,
) -> Result<Value, OAuthError> {
    let scopes: BTreeSet<String> =
        params.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if scopes.iter().any(|scope| scope != SUBSCRIBE) {
        return Err(OAuthError::new(
            "invalid_scope",
            "client credentials carry no scope for data at this bank",
        ));
    }
    let scope = (!scopes.is_empty()).then_some(SUBSCRIBE);
    let secret = app.secret();
    let token = Token {
        usage: TokenUse::Client,
        client_id: client.client_id.clone(),
        consent_id: None,
        scopes,
        expires: Some(app.later(limits::ACCESS_TOKEN_LIFE_SECS)),
        binding,
    };
    let token_type = token.binding.token_type();
    let hash = sha256_hex(&secret);
    db.commit(&[Change::put(kind::TOKEN, bank.brand.id, &hash, &token)?])?;
    bank.tokens.insert(hash, token);
    let mut answer = json!({
        "access_token": secret,
        "token_type": token_type,
        "expires_in": limits::ACCESS_TOKEN_LIFE_SECS,
    });
    if let (Some(scope), Some(answer)) = (scope, answer.as_object_mut()) {
        answer.insert("scope".to_owned(), json!(scope));
    }
    Ok(answer)
}

/// The access token of a mere sign-in: RFC 6749 wants one, it opens nothing.
fn sign_in_token(
    app: &App,
    bank: &mut Bank,
    db: &mut Db,
    changes: &mut Vec<Change>,
    code: &Code,
    binding: &Binding,
    id_token: Option<String>,
) -> Result<Value, OAuthError> {
    let secret = app.secret();
    let token = Token {
        usage: TokenUse::Access,
        client_id: code.client_id.clone(),
        consent_id: None,
        scopes: code.scopes.clone(),
        expires: Some(app.later(limits::ACCESS_TOKEN_LIFE_SECS)),
        binding: binding.clone(),
    };
    let hash = sha256_hex(&secret);
    changes.push(Change::put(kind::TOKEN, bank.brand.id, &hash, &token)?);
    db.commit(changes)?;
    bank.tokens.insert(hash, token);
    let mut answer = json!({
        "access_token": secret,
        "token_type": binding.token_type(),
        "expires_in": limits::ACCESS_TOKEN_LIFE_SECS,
        "scope": OPENID,
    });
    if let (Some(id_token), Some(object)) = (id_token, answer.as_object_mut()) {
        object.insert("id_token".to_owned(), json!(id_token));
    }
    Ok(answer)
}

fn active_consent(bank: &Bank, id: &str, now: Timestamp) -> Result<Consent, OAuthError> {
    bank.consents
        .get(id)
        .filter(|consent| consent.is_active(now))
        .cloned()
        .ok_or_else(|| OAuthError::invalid_grant("the consent has ended"))
}

/// What is to be issued under a consent.
struct Issue<'a> {
    consent: &'a Consent,
    scopes: &'a BTreeSet<String>,
    /// The scopes of a refresh token, if one is to be made.
    refresh: Option<&'a BTreeSet<String>>,
    binding: &'a Binding,
    /// The ID token that goes with them.
    id_token: Option<String>,
}

impl Issue<'_> {
    /// Makes the tokens; commits them with `changes`; describes them as RFC 6749 §5.1, FDX and RFC 9396 §7 want.
    fn make(
        &self,
        app: &App,
        bank: &mut Bank,
        db: &mut Db,
        changes: &mut Vec<Change>,
    ) -> Result<Value, OAuthError> {
        let consent = self.consent;
        // No token outlives its consent.
        let end = app.later(app.config.access_secs()).min(consent.expires);
        let scope = self.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
        let mut made = Vec::new();
        let mut make = |secret: &str, usage: TokenUse, scopes: &BTreeSet<String>, expires| {
            let token = Token {
                usage,
                client_id: consent.client_id.clone(),
                consent_id: Some(consent.id.clone()),
                scopes: scopes.clone(),
                expires,
                binding: self.binding.clone(),
            };
            made.push((sha256_hex(secret), token));
        };
        let access = if app.config.claims_consent() {
            // RFC 9068 with FDX's claim for the consent.
            let claims = json!({
                "iss": app.issuer(bank.brand),
                "sub": consent.customer_id,
                "aud": consent.client_id,
                "client_id": consent.client_id,
                "iat": app.now().as_second(),
                "exp": end.as_second(),
                "scope": scope,
                "fdxConsentId": consent.id,
                "jti": app.secret(),
            });
            sign_jwt(&app.signing_key, &claims)
        } else {
            app.secret()
        };
        match &self.id_token {
            Some(id_token) if app.config.id_token_opens() => {
                make(id_token, TokenUse::Access, self.scopes, Some(end));
            }
            _ => make(&access, TokenUse::Access, self.scopes, Some(end)),
        }
        let refresh = self.refresh.map(|scopes| {
            let secret = app.secret();
            let ends = app.config.refresh_secs().map(|secs| app.later(secs).min(consent.expires));
            make(&secret, TokenUse::Refresh, scopes, ends);
            secret
        });
        for (hash, token) in &made {
            changes.push(Change::put(kind::TOKEN, bank.brand.id, hash, token)?);
        }
        db.commit(changes)?;
        bank.tokens.extend(made);
        let mut answer = json!({
            "access_token": access,
            "token_type": self.binding.token_type(),
            "expires_in": end.as_second().saturating_sub(app.now().as_second()),
            "scope": scope,
            "grant_id": consent.id,
            "fdxConsentId": consent.id,
            "authorization_details": granted_details(consent),
        });
        if let (Some(refresh), Some(object)) = (refresh, answer.as_object_mut()) {
            object.insert("refresh_token".to_owned(), json!(refresh));
        }
        if let (Some(id_token), Some(object)) = (&self.id_token, answer.as_object_mut()) {
            object.insert("id_token".to_owned(), json!(id_token));
        }
        Ok(answer)
    }
}

/// What was granted, in the shape of what was asked.
fn granted_details(consent: &Consent) -> Value {
    json!([{
        "type": RAR_TYPE,
        "fdxConsentId": consent.id,
        "consentRequest": {
            "durationType": consent.duration_type.name(),
            "durationPeriod": consent.duration_days,
            "lookbackPeriod": consent.lookback_days,
            "resources": crate::fdx::consents::resources(consent),
        },
    }])
}
