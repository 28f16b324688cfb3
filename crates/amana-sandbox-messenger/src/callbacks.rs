//! The two privacy callbacks of an app: data deletion and deauthorisation (messenger reference 8). Both name a person
//! by the app-scoped id, in a `signed_request`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::hub::Hub;
use crate::model::LogEntry;

/// How the app answered a callback, and what Meta would not like about it.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Answered {
    asid: String,
    signed_request: String,
    status: Option<u16>,
    answer: Value,
    problems: Vec<String>,
}

/// `b64url(signature).b64url(payload)`, the signature over the encoded payload.
pub(crate) fn signed_request(app_secret: &str, payload: &Value) -> String {
    let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    let tag = hmac::sign(&key, payload.as_bytes());
    format!("{}.{payload}", URL_SAFE_NO_PAD.encode(tag))
}

/// Posts the callback for a person to `url`.
///
/// # Errors
/// What cannot be done: no address, no such person.
pub(crate) async fn post(
    hub: &Arc<Hub>,
    user: &str,
    deletion: bool,
    url: Option<String>,
) -> Result<Answered, String> {
    let found = hub.with(|inner, hub| {
        let settings = &inner.data.settings;
        let known = if deletion { &settings.data_deletion_url } else { &settings.deauthorize_url };
        let url = url.or_else(|| known.clone());
        let asid = inner.user(hub, user).map(|user| user.asid.clone());
        (url, asid, hub.now_ms(inner), inner.data.settings.webhook_timeout_ms)
    });
    let (url, asid, now, timeout_ms) = found.map_err(|error| error.to_string())?;
    let setting = if deletion { "data_deletion_url" } else { "deauthorize_url" };
    let url = url.ok_or_else(|| format!("neither `url` nor the setting `{setting}` is given"))?;
    let asid = asid.ok_or_else(|| "the user name cannot be one".to_owned())?;
    let issued_at = now / 1_000;
    let mut payload = json!({"user_id": asid, "algorithm": "HMAC-SHA256", "issued_at": issued_at});
    if deletion && let Value::Object(map) = &mut payload {
        map.insert("expires".to_owned(), json!(issued_at + 3_600));
    }
    let signed = signed_request(&hub.config.app_secret, &payload);
    let started = Instant::now();
    let answer = hub
        .http
        .post(&url)
        .timeout(Duration::from_millis(timeout_ms))
        .form(&[("signed_request", &signed)])
        .send()
        .await;
    let (status, body) = match answer {
        Ok(response) => {
            let status = response.status().as_u16();
            (Some(status), response.bytes().await.unwrap_or_default())
        }
        Err(_) => (None, axum::body::Bytes::new()),
    };
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let problems = problems(deletion, status, &answer);
    let line = LogEntry {
        n: 0,
        at_ms: now,
        kind: "callback",
        page: String::new(),
        user: user.to_owned(),
        title: if deletion { "data_deletion" } else { "deauthorize" }.to_owned(),
        status,
        attempt: None,
        took_ms: u64::try_from(started.elapsed().as_millis()).ok(),
        note: (!problems.is_empty()).then(|| problems.join("; ")),
    };
    hub.with(|inner, _| inner.log(line)).map_err(|error| error.to_string())?;
    Ok(Answered { asid, signed_request: signed, status, answer, problems })
}

fn problems(deletion: bool, status: Option<u16>, answer: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if status != Some(200) {
        out.push("the answer is not 200".to_owned());
    }
    if !deletion {
        return out;
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    match text("url").map(url::Url::parse) {
        Some(Ok(url)) if matches!(url.scheme(), "https" | "http") => {}
        _ => out.push("`url` is missing, or no address".to_owned()),
    }
    if text("confirmation_code").is_none() {
        out.push("`confirmation_code` is missing".to_owned());
    }
    out
}
