//! Discovery (RFC 8414, OpenID Connect Discovery) and the keys that sign ID tokens.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;
use ring::digest;
use serde_json::{Value, json};

use super::jwt::ALGORITHMS;
use crate::app::{App, AtBank, Shared};
use crate::brand::Brand;
use crate::records::Cluster;

/// Scopes of OpenID Connect that are served besides the clusters' own.
pub(crate) const OPENID: &str = "openid";
/// Asks for a refresh token.
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";
/// How customers are authenticated: by a password (OpenID Connect Core §2, `acr`).
pub(crate) const ACR: &str = "urn:amana:sandbox:password";
/// The one RAR type (FDX).
pub(crate) const RAR_TYPE: &str = "fdx_v1.0";

fn document(app: &App, brand: &Brand) -> Value {
    let issuer = app.issuer(brand);
    let config = &app.config;
    let mut scopes = vec![OPENID, OFFLINE_ACCESS];
    scopes.extend(Cluster::ALL.iter().map(|cluster| cluster.scope()));
    scopes.push(crate::notifications::SUBSCRIBE);
    let mut methods =
        if config.is_blue() { vec![] } else { vec!["client_secret_basic", "client_secret_post"] };
    methods.push("private_key_jwt");
    if config.mutual_tls.is_some() {
        methods.push("tls_client_auth");
    }
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "require_pushed_authorization_requests": config.pushed_only(),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "tls_client_certificate_bound_access_tokens": config.mutual_tls.is_some(),
        "authorization_details_types_supported": [RAR_TYPE],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce"],
        "acr_values_supported": [ACR],
        "ui_locales_supported": ["en", "ar"],
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported": ALGORITHMS,
        "request_uri_parameter_supported": false,
        "fdx_api_base_url": format!("{issuer}/fdx/v6"),
    });
    if let Some(object) = document.as_object_mut() {
        for endpoint in ["token", "revocation", "introspection"] {
            object.insert(format!("{endpoint}_endpoint_auth_methods_supported"), json!(methods));
            object
                .insert(format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), json!(ALGORITHMS));
        }
        if let Some(tls) = &config.mutual_tls {
            // RFC 8705 §5: where a client shows its certificate.
            let at = |name: &str| format!("{}/{}/{name}", tls.base_url, brand.id);
            let aliases = json!({
                "token_endpoint": at("token"),
                "pushed_authorization_request_endpoint": at("par"),
                "revocation_endpoint": at("revoke"),
                "introspection_endpoint": at("introspect"),
            });
            object.insert("mtls_endpoint_aliases".to_owned(), aliases);
            object.insert("fdx_api_mtls_base_url".to_owned(), json!(at("fdx/v6")));
        }
    }
    document
}

/// `GET …/.well-known/oauth-authorization-server` and `…/openid-configuration`.
pub(crate) async fn discovery(State(app): State<Shared>, AtBank(brand): AtBank) -> Json<Value> {
    Json(document(&app, brand))
}

/// `GET …/jwks` (RFC 7517).
pub(crate) async fn jwks(State(app): State<Shared>, AtBank(_): AtBank) -> Json<Value> {
    Json(json!({ "keys": [public_jwk(&app.signing_key)] }))
}

fn public_jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_encoded_point(false);
    let x = point.x().map(|x| URL_SAFE_NO_PAD.encode(x)).unwrap_or_default();
    let y = point.y().map(|y| URL_SAFE_NO_PAD.encode(y)).unwrap_or_default();
    let kid = key_id(key);
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y })
}

/// First characters of the public point's hash.
fn key_id(key: &SigningKey) -> String {
    let point = key.verifying_key().to_encoded_point(false);
    let hash = digest::digest(&digest::SHA256, point.as_bytes());
    URL_SAFE_NO_PAD.encode(hash).chars().take(16).collect()
}

/// A JWT over these claims, signed with ES256 (RFC 7518 §3.4).
pub(crate) fn sign_jwt(key: &SigningKey, claims: &Value) -> String {
    sign_jwt_as(key, key, claims)
}

/// The same with the key id of another key, which did not sign it.
pub(crate) fn sign_jwt_as(key: &SigningKey, named: &SigningKey, claims: &Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": key_id(named) });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature: p256::ecdsa::Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}
