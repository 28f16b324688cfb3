//! Misbehaviour on demand: what a client must survive, switched on by the control API.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::app::App;
use crate::brand::Brand;
use crate::limits;
use crate::prng::stable_id;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// 429 with `Retry-After`.
    TooManyRequests,
    /// 503, planned maintenance.
    Unavailable,
    /// The right answer, late.
    Slow,
    /// 500.
    ServerError,
    /// 200 with a body that is not what it says.
    Nonsense,
    /// 401, as if the token had ended.
    Unauthorized,
    /// 206: of a list the second half is missing; the last account that is there carries an error instead of data.
    Partial,
    /// Every row of a list stands there twice.
    Duplicates,
    /// Transactions are listed under other ids than before, in this answer and whenever the same fault strikes.
    ChangedIds,
    /// The ID token is of another customer (OpenID Connect Core §12.2 has the client notice, at a refresh).
    OtherSubject,
    /// The next two notifications are sent in each other's place.
    Reordered,
    /// A notification is signed by somebody else's key.
    Forged,
    /// A notification is about another consent or account than the one that something happened to.
    Misdirected,
    /// No fault: clears all.
    None,
}

impl FaultKind {
    /// Whether it can happen there.
    pub(crate) fn strikes(self, place: Place) -> bool {
        match self {
            Self::None | Self::Slow | Self::Nonsense => true,
            Self::Duplicates => place != Place::Token,
            Self::TooManyRequests | Self::Unavailable | Self::ServerError | Self::Unauthorized => {
                place != Place::Notifications
            }
            Self::Partial | Self::ChangedIds => place == Place::Fdx,
            Self::OtherSubject => place == Place::Token,
            Self::Reordered | Self::Forged | Self::Misdirected => place == Place::Notifications,
        }
    }
}

/// Which part misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// The FDX API.
    #[default]
    Fdx,
    /// The token endpoint.
    Token,
    /// What the bank notifies of: `slow` is late, `duplicates` comes twice.
    Notifications,
}

/// One fault that is switched on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    #[serde(default)]
    pub(crate) place: Place,
    /// Requests it strikes before it goes away; absent = until cleared.
    #[serde(default, deserialize_with = "whole")]
    pub(crate) times: Option<u32>,
    /// `Retry-After` in seconds, for 429 and 503.
    #[serde(default, deserialize_with = "whole")]
    pub(crate) retry_after: Option<u32>,
    /// Delay in milliseconds, for `slow`.
    #[serde(default, deserialize_with = "delay")]
    pub(crate) ms: Option<u64>,
    /// Only paths that contain this.
    pub(crate) path: Option<String>,
}

/// A whole number, also where it is written `3.0`, which in JSON is the same.
pub(crate) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(from)? else { return Ok(None) };
    let text = number.to_string();
    let digits = text.split_once('.').map_or(text.as_str(), |(whole, rest)| {
        if rest.bytes().all(|digit| digit == b'0') { whole } else { "" }
    });
    let whole = digits.parse::<u64>().ok().and_then(|whole| T::try_from(whole).ok());
    whole.map(Some).ok_or_else(|| D::Error::custom("a whole number is expected that is not too large"))
}

fn delay<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let ms: Option<u64> = whole(from)?;
    if ms.is_some_and(|ms| Duration::from_millis(ms) > limits::SLOW_MAX) {
        return Err(D::Error::custom(format!("`ms` may be {} at most", limits::SLOW_MAX.as_millis())));
    }
    Ok(ms)
}

/// What a fault makes of a request.
pub(crate) enum Struck {
    /// Answer as usual (perhaps after a delay).
    No,
    /// Answer this.
    Answer(Response),
    /// Answer as usual, but for this: a list of the API goes through [`distort`].
    Distort(FaultKind),
}

/// Applies the first fault that fits.
pub(crate) async fn strike(app: &App, brand: &'static Brand, place: Place, path: &str) -> Struck {
    struck(app, brand, place, path).await.unwrap_or(Struck::No)
}

async fn struck(app: &App, brand: &'static Brand, place: Place, path: &str) -> Option<Struck> {
    let fault = app.bank(brand, |bank, _| {
        let at = bank.faults.iter().position(|fault| {
            fault.place == place && fault.path.as_deref().is_none_or(|part| path.contains(part))
        })?;
        let fault = bank.faults.get_mut(at)?;
        let struck = fault.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                bank.faults.remove(at);
            }
        }
        Some(struck)
    })??;
    let (status, code, message) = match fault.kind {
        // The others strike what the bank sends by itself.
        FaultKind::None | FaultKind::Reordered | FaultKind::Forged | FaultKind::Misdirected => return None,
        FaultKind::Slow => {
            let delay = Duration::from_millis(fault.ms.unwrap_or(1_000));
            tokio::time::sleep(delay).await;
            return None;
        }
        FaultKind::Nonsense => {
            return Some(Struck::Answer(
                ([(header::CONTENT_TYPE, "application/json")], "<html>\u{0}{\"accounts\": [{]")
                    .into_response(),
            ));
        }
        kind @ (FaultKind::Partial
        | FaultKind::Duplicates
        | FaultKind::ChangedIds
        | FaultKind::OtherSubject) => return Some(Struck::Distort(kind)),
        FaultKind::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "1207", "too many requests"),
        FaultKind::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "503", "the bank is under planned maintenance")
        }
        FaultKind::ServerError => {
            (StatusCode::INTERNAL_SERVER_ERROR, "500", "the bank had an internal error")
        }
        FaultKind::Unauthorized => (StatusCode::UNAUTHORIZED, "603", "authentication failed"),
    };
    let mut response = (status, axum::Json(json!({ "code": code, "message": message }))).into_response();
    match fault.kind {
        FaultKind::TooManyRequests | FaultKind::Unavailable => {
            let seconds = fault.retry_after.unwrap_or(1).to_string();
            if let Ok(value) = HeaderValue::from_str(&seconds) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
        }
        FaultKind::Unauthorized => {
            let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        _ => {}
    }
    Some(Struck::Answer(response))
}

/// An answer of the API as these faults leave it. What is no list, or no JSON, stays as it is.
pub(crate) async fn distort(kind: FaultKind, response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, limits::FRONT_BODY_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, bytes.into());
    };
    let mut changed = false;
    for name in ["accounts", "transactions"] {
        let Some(rows) = body.get_mut(name).and_then(Value::as_array_mut) else { continue };
        changed = true;
        match kind {
            FaultKind::Partial => {
                rows.truncate(rows.len().div_ceil(2));
                if let (Some(last), "accounts") = (rows.last_mut(), name) {
                    *last = json!({
                        "accountId": last.get("accountId"),
                        "accountCategory": last.get("accountCategory"),
                        "error": { "code": "704", "message": "the account's system does not answer" },
                    });
                }
                parts.status = StatusCode::PARTIAL_CONTENT;
            }
            FaultKind::Duplicates => *rows = rows.iter().flat_map(|row| [row.clone(), row.clone()]).collect(),
            FaultKind::ChangedIds => rows.iter_mut().for_each(change_id),
            _ => {}
        }
    }
    if !changed {
        return Response::from_parts(parts, bytes.into());
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.to_string().into())
}

fn change_id(row: &mut Value) {
    if let Some(Value::String(id)) = row.get_mut("transactionId") {
        *id = stable_id("txn_c", &[id.as_str()]);
    }
}
