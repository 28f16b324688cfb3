//! The authorization request: pushed (RFC 9126) or plain, checked before any page is shown.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::metadata::{ACR, OFFLINE_ACCESS, OPENID, RAR_TYPE};
use super::presented::Presented;
use super::{OAuthError, Params, client_auth, dpop, form, jar, no_store};
use crate::app::{App, AtBank, Shared, sha256_hex};
use crate::brand::Brand;
use crate::config::ClientRegistration;
use crate::db::Change;
use crate::limits;
use crate::records::{Ask, AuthRequest, Cluster, DurationType, Pushed, kind};

/// Names a consent, as FDX does in tokens.
const CONSENT_ID: &str = "fdxConsentId";

const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// `POST …/par`.
pub(crate) async fn par(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    presented: Presented,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let params = form(&headers, &body)?;
    let client = client_auth::authenticate(&app, brand, &headers, &params, &presented)?;
    if params.get("request_uri").is_some() {
        return Err(OAuthError::invalid_request("`request_uri` cannot be pushed"));
    }
    // Before anything is read from the request: a proof for a server without nonces costs nothing to ask for again.
    let proved = dpop::check(&app, &presented, None).map_err(|error| error.at_server(&app))?;
    let params = jar::unwrap(&app, brand, client, params)?;
    let redirect_uri = checked_redirect(client, &params)?;
    let mut request = check(&app, brand, client, redirect_uri, &params)?;
    request.jkt = match (params.get("dpop_jkt").map(str::to_owned), proved) {
        (Some(named), Some(proved)) if named != proved => {
            return Err(OAuthError::new("invalid_dpop_proof", "`dpop_jkt` is not the key of the proof"));
        }
        (named, proved) => proved.or(named),
    };
    let secret = app.secret();
    let hash = sha256_hex(&secret);
    let pushed = Pushed { request, expires: app.later(limits::PUSHED_REQUEST_LIFE_SECS) };
    let now = app.now();
    app.bank(brand, |bank, db| {
        bank.prune(db, now)?;
        db.commit(&[Change::put(kind::PUSHED, brand.id, &hash, &pushed)?])?;
        bank.pushed.insert(hash, pushed);
        Ok::<_, crate::Error>(())
    })
    .unwrap_or(Ok(()))?;
    let body = json!({
        "request_uri": format!("{REQUEST_URI_PREFIX}{secret}"),
        "expires_in": limits::PUSHED_REQUEST_LIFE_SECS,
    });
    Ok((StatusCode::CREATED, no_store(), Json(body)).into_response())
}

/// Why an authorization request does not lead to the sign-in page.
pub(crate) enum Refusal {
    /// Client or redirect URI cannot be trusted: tell the person, never redirect (RFC 6749 §4.1.2.1).
    Page(OAuthError),
    /// Tell the client.
    Redirect { redirect_uri: String, state: Option<String>, error: OAuthError },
}

/// Finds and checks the request that a browser brought to `…/authorize`. A pushed one comes with the hash of its name,
/// by which it is used up when the authorization ends: a customer may open the address twice.
pub(crate) fn resolve(
    app: &App,
    brand: &'static Brand,
    params: &Params,
) -> Result<(AuthRequest, Option<String>), Refusal> {
    let client_id = params.need("client_id").map_err(Refusal::Page)?;
    let client = app.client(client_id).ok_or_else(|| {
        Refusal::Page(OAuthError::new("invalid_client", "the application is not known to this bank"))
    })?;
    if let Some(uri) = params.get("request_uri") {
        // Whatever else stands beside it does not count (RFC 9126 §4, RFC 9101 §6.3).
        let (request, hash) = find_pushed(app, brand, client, uri).map_err(Refusal::Page)?;
        return Ok((request, Some(hash)));
    }
    let redirect_uri = checked_redirect(client, params).map_err(Refusal::Page)?;
    let state = params.get("state").map(str::to_owned);
    let to_client =
        |error| Refusal::Redirect { redirect_uri: redirect_uri.clone(), state: state.clone(), error };
    if app.config.pushed_only() || client.signed_requests {
        return Err(to_client(OAuthError::invalid_request(
            "this bank takes pushed authorization requests only",
        )));
    }
    if params.get("request").is_some() {
        let error = OAuthError::new("request_not_supported", "request objects are taken pushed only");
        return Err(to_client(error));
    }
    let mut request = check(app, brand, client, redirect_uri.clone(), params).map_err(to_client)?;
    request.jkt = params.get("dpop_jkt").map(str::to_owned);
    Ok((request, None))
}

fn find_pushed(
    app: &App,
    brand: &'static Brand,
    client: &ClientRegistration,
    uri: &str,
) -> Result<(AuthRequest, String), OAuthError> {
    let gone =
        || OAuthError::new("invalid_request_uri", "the `request_uri` is not known, has expired or was used");
    let hash = sha256_hex(uri.strip_prefix(REQUEST_URI_PREFIX).ok_or_else(gone)?);
    let now = app.now();
    app.bank(brand, |bank, _| bank.pushed.get(&hash).cloned())
        .flatten()
        .filter(|pushed| pushed.request.client_id == client.client_id && pushed.expires > now)
        .map(|pushed| (pushed.request, hash))
        .ok_or_else(gone)
}

fn checked_redirect(client: &ClientRegistration, params: &Params) -> Result<String, OAuthError> {
    let uri = params.need("redirect_uri")?;
    if client.redirect_uris.iter().any(|registered| registered == uri) {
        Ok(uri.to_owned())
    } else {
        Err(OAuthError::invalid_request(
            "`redirect_uri` is not registered for this client, character for character",
        ))
    }
}

fn check(
    app: &App,
    brand: &'static Brand,
    client: &ClientRegistration,
    redirect_uri: String,
    params: &Params,
) -> Result<AuthRequest, OAuthError> {
    if params.need("response_type")? != "code" {
        return Err(OAuthError::new("unsupported_response_type", "`response_type` must be `code`"));
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(OAuthError::invalid_request("`response_mode` must be `query`"));
    }
    let challenge = params.get("code_challenge").ok_or_else(|| {
        OAuthError::invalid_request("`code_challenge` is missing: PKCE with S256 is required (RFC 7636)")
    })?;
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OAuthError::invalid_request("`code_challenge_method` must be `S256`"));
    }
    if challenge.len() != 43
        || !challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    {
        return Err(OAuthError::invalid_request("`code_challenge` is not a base64url SHA-256"));
    }
    let scopes = check_scopes(params.get("scope").unwrap_or_default())?;
    let allowed: BTreeSet<Cluster> = scopes.iter().filter_map(|scope| Cluster::by_scope(scope)).collect();
    let (ask, requested) = match params.get("authorization_details") {
        Some(text) => check_details(app, brand, client, text, &allowed)?,
        None => (
            Ask {
                clusters: allowed,
                duration_type: DurationType::TimeBound,
                duration_days: limits::CONSENT_DAYS_DEFAULT,
                lookback_days: limits::LOOKBACK_DAYS_DEFAULT,
            },
            None,
        ),
    };
    let sign_in_only =
        scopes.len() == 1 && scopes.contains(OPENID) && params.get("authorization_details").is_none();
    if ask.clusters.is_empty() && !sign_in_only {
        return Err(OAuthError::new(
            "invalid_scope",
            "no data is asked for: name at least one `fdx:…:read` scope, or `openid` alone for signing in",
        ));
    }
    let prompt: BTreeSet<&str> = params.get("prompt").unwrap_or_default().split(' ').collect();
    if prompt.contains("none") && prompt.len() > 1 {
        return Err(OAuthError::invalid_request("`prompt` cannot be `none` and something else"));
    }
    check_claims(params.get("claims"))?;
    Ok(AuthRequest {
        client_id: client.client_id.clone(),
        redirect_uri,
        scopes,
        state: params.get("state").map(str::to_owned),
        challenge: challenge.to_owned(),
        nonce: params.get("nonce").map(str::to_owned),
        ui_locales: params.get("ui_locales").map(str::to_owned),
        clusters: ask.clusters,
        duration_type: ask.duration_type,
        duration_days: ask.duration_days,
        lookback_days: ask.lookback_days,
        prompt_none: prompt.contains("none"),
        prompt_login: prompt.contains("login"),
        jkt: None,
        requested,
    })
}

/// An `acr` that is asked for as essential (OpenID Connect Core §5.5.1.1) is ours, or the sign-in fails. Other claims
/// are not served on demand, which the metadata say, and are ignored.
fn check_claims(text: Option<&str>) -> Result<(), OAuthError> {
    let Some(text) = text else { return Ok(()) };
    let claims: Value =
        serde_json::from_str(text).map_err(|_| OAuthError::invalid_request("`claims` is not JSON"))?;
    let acr = claims.pointer("/id_token/acr").unwrap_or(&Value::Null);
    if acr.get("essential") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    let one = acr.get("value").into_iter();
    let mut wanted = one.chain(acr.get("values").and_then(Value::as_array).into_iter().flatten()).peekable();
    if wanted.peek().is_none() || wanted.any(|value| value.as_str() == Some(ACR)) {
        Ok(())
    } else {
        Err(OAuthError::new("access_denied", "this bank signs its customers in with a password only"))
    }
}

fn check_scopes(text: &str) -> Result<BTreeSet<String>, OAuthError> {
    let mut scopes = BTreeSet::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if scope != OPENID && scope != OFFLINE_ACCESS && Cluster::by_scope(scope).is_none() {
            return Err(OAuthError::new("invalid_scope", "a scope is not served by this bank"));
        }
        scopes.insert(scope.to_owned());
    }
    Ok(scopes)
}

/// The id of a consent that was asked for before, and the only customer who may give it.
type OfBefore = Option<(String, Option<String>)>;

/// Reads `authorization_details` (RFC 9396): one FDX `consentRequest`, or the id of one that this client has put to
/// `POST /consents` before. FDX does not say how that is named; it is named as FDX names it in tokens.
fn check_details(
    app: &App,
    brand: &'static Brand,
    client: &ClientRegistration,
    text: &str,
    allowed: &BTreeSet<Cluster>,
) -> Result<(Ask, OfBefore), OAuthError> {
    let wrong = |what: &str| OAuthError::new("invalid_authorization_details", what);
    let value: Value =
        serde_json::from_str(text).map_err(|_| wrong("`authorization_details` is not JSON"))?;
    let items = value.as_array().ok_or_else(|| wrong("`authorization_details` is not an array"))?;
    let [item] = items.as_slice() else { return Err(wrong("exactly one authorization detail is taken")) };
    if item.get("type").and_then(Value::as_str) != Some(RAR_TYPE) {
        return Err(wrong("the authorization detail's type must be `fdx_v1.0`"));
    }
    let (ask, requested) = match (item.get("consentRequest"), item.get(CONSENT_ID)) {
        (Some(request), None) => (consent_request(request).map_err(|what| wrong(&what))?, None),
        (None, Some(id)) => {
            let id = id.as_str().unwrap_or_default();
            let now = app.now();
            let found = app
                .bank(brand, |bank, _| bank.requested.get(id).cloned())
                .flatten()
                .filter(|asked| asked.client_id == client.client_id && asked.expires > now)
                .ok_or_else(|| wrong("`fdxConsentId` is no consent that this client has asked for"))?;
            (found.ask, Some((id.to_owned(), found.customer_id)))
        }
        _ => return Err(wrong("either `consentRequest` or `fdxConsentId` is needed")),
    };
    // FDX Security Model: the scopes asked for must match the consent request.
    if !ask.clusters.is_subset(allowed) {
        return Err(wrong("a data cluster is asked for whose scope is not"));
    }
    Ok((ask, requested))
}

/// Reads an FDX ConsentRequest; otherwise says what is wrong with it.
pub(crate) fn consent_request(consent: &Value) -> Result<Ask, String> {
    let duration_type = match consent.get("durationType").and_then(Value::as_str) {
        Some("ONE_TIME") => DurationType::OneTime,
        Some("PERSISTENT") => DurationType::Persistent,
        Some("TIME_BOUND") => DurationType::TimeBound,
        _ => return Err("`durationType` must be ONE_TIME, PERSISTENT or TIME_BOUND".to_owned()),
    };
    let days = |name: &str| match consent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .filter(|days| *days > 0)
            .map(Some)
            .ok_or_else(|| format!("`{name}` must be a whole number of days")),
    };
    let duration_days = match (duration_type, days("durationPeriod")?) {
        (DurationType::TimeBound, None) => {
            return Err("`durationPeriod` is needed with TIME_BOUND".to_owned());
        }
        (_, Some(days)) if days > limits::CONSENT_DAYS_MAX => {
            return Err("`durationPeriod` may be 365 days at most".to_owned());
        }
        (DurationType::TimeBound, Some(days)) => days,
        (DurationType::OneTime, _) => 1,
        (DurationType::Persistent, _) => limits::CONSENT_DAYS_MAX,
    };
    let lookback_days = days("lookbackPeriod")?.unwrap_or(limits::LOOKBACK_DAYS_DEFAULT);
    let resources = consent
        .get("resources")
        .and_then(Value::as_array)
        .filter(|resources| !resources.is_empty())
        .ok_or("`resources` is missing or empty")?;
    let mut clusters = BTreeSet::new();
    for resource in resources {
        if !matches!(resource.get("resourceType").and_then(Value::as_str), Some("ACCOUNT" | "CUSTOMER")) {
            return Err("`resourceType` must be ACCOUNT or CUSTOMER".to_owned());
        }
        if resource.get("resourceId").is_some_and(|id| !id.is_string()) {
            return Err("`resourceId` is not one".to_owned());
        }
        let names = resource
            .get("dataClusters")
            .and_then(Value::as_array)
            .filter(|names| !names.is_empty())
            .ok_or("`dataClusters` is missing or empty")?;
        for name in names {
            let cluster = name.as_str().and_then(Cluster::by_name);
            clusters.insert(cluster.ok_or("a data cluster is not served by this bank")?);
        }
    }
    Ok(Ask { clusters, duration_type, duration_days, lookback_days })
}
