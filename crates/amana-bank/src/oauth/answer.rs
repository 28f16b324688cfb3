//! What a token endpoint says, and what its errors mean.

use crate::error::BankErrorClass;
use crate::http::Answer;
use crate::limits;
use amana_core::{Secret, Timestamp};
use serde_json::Value;

/// Why a proof of possession may be refused although it is right.
pub(crate) const PROOF_REFUSED: &str =
    "the dpop proof is missing or refused: check this machine's clock and the profile's `senders`";

/// A token endpoint's answer, read tolerantly.
pub(crate) struct TokenAnswer {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    pub(crate) expires_at: Timestamp,
    /// When the refresh token ends, if the server says so: no standard has a word for it, two are in use.
    pub(crate) refresh_ends: Option<Timestamp>,
    pub(crate) scope: Option<String>,
    /// The server's id of the grant, under the first of the names that the profile gives.
    pub(crate) grant_id: Option<String>,
}

impl TokenAnswer {
    /// Reads it. `bound`: whether a proof was sent (RFC 9449), so that the token must be bound to its key: a server
    /// that gives a bearer token instead has not understood, and what it gave could be used by whoever finds it.
    pub(crate) fn read(
        answer: &Answer,
        bound: bool,
        grant_ids: &[String],
        now: Timestamp,
    ) -> Result<Self, BankErrorClass> {
        if !answer.status.is_success() {
            return Err(class_of(answer, now));
        }
        let body = answer.json().ok_or(BankErrorClass::Nonsense("the token answer is not json"))?;
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .filter(|t| !t.is_empty() && t.len() <= limits::TOKEN_BYTES_MAX)
        };
        let access = text("access_token")
            .filter(|token| token.bytes().all(|b| b.is_ascii_graphic()))
            .ok_or(BankErrorClass::Nonsense("the token answer has no usable access token"))?;
        // RFC 6749 §5.1 requires the type; a missing one is taken for what nearly all mean.
        let kind = text("token_type").unwrap_or("bearer");
        if bound && !kind.eq_ignore_ascii_case("dpop") {
            return Err(BankErrorClass::Nonsense("the access token is not bound to the key of its request"));
        }
        if !bound && !kind.eq_ignore_ascii_case("bearer") {
            return Err(BankErrorClass::Nonsense("the access token is not a bearer token"));
        }
        let seconds = |name: &str| {
            let value = body.get(name)?;
            value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|seconds| *seconds > 0)
        };
        let in_s = |seconds| now.checked_add(jiff::SignedDuration::from_secs(seconds)).ok();
        let lives =
            seconds("expires_in").unwrap_or(limits::TOKEN_LIFE_DEFAULT_SECS).min(limits::TOKEN_LIFE_MAX_SECS);
        Ok(Self {
            access: Secret::new(access),
            refresh: text("refresh_token").map(Secret::new),
            id_token: text("id_token").map(Secret::new),
            expires_at: in_s(lives).unwrap_or(now),
            // 0 stands for one that has no end (Keycloak, for `offline_access`).
            refresh_ends: ["refresh_token_expires_in", "refresh_expires_in"]
                .into_iter()
                .find_map(seconds)
                .and_then(in_s),
            scope: text("scope").map(str::to_owned),
            grant_id: grant_ids.iter().find_map(|name| text(name)).and_then(grant_id),
        })
    }
}

/// The `request_uri` of a pushed request's answer (RFC 9126 §2.2).
pub(crate) fn request_uri(answer: &Answer) -> Result<String, BankErrorClass> {
    let body = answer.json();
    body.as_ref()
        .and_then(|body| body.get("request_uri")?.as_str())
        .filter(|uri| !uri.is_empty() && uri.len() <= limits::TOKEN_BYTES_MAX)
        .map(str::to_owned)
        .ok_or(BankErrorClass::Nonsense("the pushed request's answer has no `request_uri`"))
}

/// A grant's id, if it can be one (several stand with spaces between).
pub(crate) fn grant_id(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= 1024 && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// What an error answer of the authorization server means.
pub(crate) fn class_of(answer: &Answer, now: Timestamp) -> BankErrorClass {
    let status = answer.status;
    if status.as_u16() == 429 || status.as_u16() == 503 {
        return BankErrorClass::Wait {
            what: if status.as_u16() == 429 { "too many requests" } else { "the server is closed" },
            retry_after: answer.retry_after(now),
        };
    }
    if status.is_redirection() {
        return BankErrorClass::Nonsense("the server redirects a request that cannot be redirected");
    }
    if status.is_server_error() {
        return BankErrorClass::Retry("the authorization server fails");
    }
    let body = answer.json();
    match body.as_ref().and_then(|b| b.get("error")).and_then(Value::as_str) {
        Some(code) => class_of_code(code),
        None if status.as_u16() == 401 => BankErrorClass::OurRequest("client authentication is refused"),
        None if status.is_client_error() => BankErrorClass::OurRequest("the authorization server refuses it"),
        None => BankErrorClass::Nonsense("the authorization server answers with an unexpected status"),
    }
}

/// What a standard error code of OAuth means. Only codes that are known become words: a bank's text is never repeated.
pub(crate) fn class_of_code(code: &str) -> BankErrorClass {
    use BankErrorClass as C;
    match code {
        "invalid_grant" => C::RelinkNeeded("invalid_grant"),
        "access_denied" => C::Declined("access_denied"),
        "login_required" => C::Declined("login_required"),
        "consent_required" => C::Declined("consent_required"),
        "interaction_required" => C::Declined("interaction_required"),
        "account_selection_required" => C::Declined("account_selection_required"),
        "temporarily_unavailable" => {
            C::Wait { what: "the authorization server is not available", retry_after: None }
        }
        "server_error" => C::Retry("the authorization server fails"),
        "invalid_client" => C::OurRequest("invalid_client"),
        "unauthorized_client" => C::OurRequest("unauthorized_client"),
        "invalid_request" => C::OurRequest("invalid_request"),
        "invalid_request_uri" => C::OurRequest("invalid_request_uri"),
        "invalid_scope" => C::OurRequest("invalid_scope"),
        "invalid_target" => C::OurRequest("invalid_target"),
        "invalid_authorization_details" => C::OurRequest("invalid_authorization_details"),
        "invalid_redirect_uri" => C::OurRequest("invalid_redirect_uri"),
        "unsupported_grant_type" => C::OurRequest("unsupported_grant_type"),
        "unsupported_response_type" => C::OurRequest("unsupported_response_type"),
        "unsupported_token_type" => C::OurRequest("unsupported_token_type"),
        "invalid_token" => C::RelinkNeeded("invalid_token"),
        "invalid_dpop_proof" => C::OurRequest(PROOF_REFUSED),
        "use_dpop_nonce" => C::OurRequest("the server asks for a dpop nonce again and again"),
        "invalid_request_object" => C::OurRequest("invalid_request_object"),
        "request_not_supported" => C::OurRequest("request_not_supported"),
        _ => C::OurRequest("an error code that is not standard"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().expect("instant")
    }

    #[test]
    fn token_answers_are_read_tolerantly_but_not_believed_blindly() {
        let names = ["grant_id", "grantId"].map(str::to_owned);
        let read = |body: &str| TokenAnswer::read(&answer(200, body), false, &names, now());
        let good = read(r#"{"access_token":"a","token_type":"bEaReR","expires_in":"900","grantId":"c1"}"#)
            .expect("readable");
        assert_eq!(good.expires_at.as_second() - now().as_second(), 900);
        assert_eq!(good.grant_id.as_deref(), Some("c1"));
        let silent = read(r#"{"access_token":"a"}"#).expect("expires_in is not required");
        assert_eq!(silent.expires_at.as_second() - now().as_second(), limits::TOKEN_LIFE_DEFAULT_SECS);
        assert!(read(r#"{"access_token":"a","expires_in":9e99}"#).is_ok());
        let refresh = |word: &str| {
            let read = read(&format!(r#"{{"access_token":"a",{word}}}"#)).expect("readable");
            read.refresh_ends.map(|ends| ends.as_second() - now().as_second())
        };
        assert_eq!(refresh(r#""refresh_token_expires_in":2592000"#), Some(2_592_000));
        assert_eq!(refresh(r#""refresh_expires_in":"1800""#), Some(1_800));
        for none in ["0", "-1", "null", "9e99", "9223372036854775807", "\"soon\""] {
            assert_eq!(refresh(&format!(r#""refresh_token_expires_in":{none}"#)), None, "{none}");
        }
        for bad in [
            "<html>",
            "[]",
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            r#"{"access_token":7}"#,
        ] {
            assert!(matches!(read(bad), Err(BankErrorClass::Nonsense(_))), "{bad}");
        }
        let bound = |body: &str| TokenAnswer::read(&answer(200, body), true, &names, now());
        assert!(bound(r#"{"access_token":"a","token_type":"dpop"}"#).is_ok());
        for bearer in [r#"{"access_token":"a","token_type":"Bearer"}"#, r#"{"access_token":"a"}"#] {
            assert!(matches!(bound(bearer), Err(BankErrorClass::Nonsense(_))), "{bearer}");
        }
    }

    #[test]
    fn errors_become_classes_and_never_repeat_the_bank() {
        let class = |status, body: &str| class_of(&answer(status, body), now());
        assert!(matches!(class(400, r#"{"error":"invalid_grant"}"#), BankErrorClass::RelinkNeeded(_)));
        assert!(matches!(
            class(401, r#"{"error":"invalid_client"}"#),
            BankErrorClass::OurRequest("invalid_client")
        ));
        assert!(matches!(class(500, "<html>"), BankErrorClass::Retry(_)));
        assert!(matches!(class(503, ""), BankErrorClass::Wait { .. }));
        assert!(matches!(class(302, ""), BankErrorClass::Nonsense(_)));
        let odd = class(400, r#"{"error":"Layla's card 4111 is closed"}"#).to_string();
        assert!(!odd.contains("Layla") && !odd.contains("4111"), "{odd}");
    }
}
