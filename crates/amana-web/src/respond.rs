//! Answers: pages, problems (RFC 9457), and what each error of the flows becomes.

use crate::limits::{RETRY_BUSY_S, RETRY_STORE_S};
use crate::pages::Message;
use crate::words::Words;
use amana_bank::BankErrorClass;
use amana_channel::{LinkingError, SendError};
use amana_flow::{FlowError, LinkError};
use amana_gate::Shown;
use amana_store::SubmitError;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A page. A template that cannot be rendered is a mistake of ours, and the reader gets a bare 500.
pub(crate) fn page<T: Template>(status: StatusCode, template: &T) -> Response {
    match template.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Where a template leaves room for what the gate shows. It cannot come from a text: those are escaped.
const SHOWN_HERE: &str = "<!--shown-->";

/// A page with what the gate shows to the subject: the first piece in the first place that the template leaves for one,
/// and so on. This is the one place where what is shown is taken out, straight into the answer. With more or fewer
/// pieces than places the reader gets a bare 500.
pub(crate) fn page_with<T: Template>(
    status: StatusCode,
    template: &T,
    shown: impl IntoIterator<Item = Shown>,
) -> Response {
    let frame = match template.render() {
        Ok(frame) => frame,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut shown = shown.into_iter();
    let mut parts = frame.split(SHOWN_HERE);
    let mut html = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some(piece) = shown.next() else {
            tracing::error!("a page has more places than pieces to show");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        html.push_str(&piece.into_html());
        html.push_str(part);
    }
    if shown.next().is_some() {
        tracing::error!("a page has fewer places than pieces to show");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// See other: the browser goes on with GET.
pub(crate) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A problem for a machine, RFC 9457. `detail` is fixed words and places, never content.
pub(crate) fn problem(status: StatusCode, detail: &str, more: Value) -> Response {
    let mut body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// The answer to a sender whose events could not be made durable: come again, nothing is lost.
pub(crate) fn not_stored(error: &FlowError) -> Response {
    let (status, retry_s) = match error {
        FlowError::Submit(SubmitError::Overloaded) => (StatusCode::SERVICE_UNAVAILABLE, RETRY_BUSY_S),
        FlowError::Submit(_) | FlowError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, RETRY_STORE_S),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, RETRY_STORE_S),
    };
    tracing::error!(%error, "events could not be stored; the sender is asked to deliver again");
    let mut response = problem(status, "the events are not stored: deliver them again", Value::Null);
    response.headers_mut().insert(header::RETRY_AFTER, retry_s.into());
    response
}

/// The answer to a sender whose body found no room: come again.
pub(crate) fn no_room() -> Response {
    let mut response = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "too much is being read at once: deliver again",
        Value::Null,
    );
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_BUSY_S.into());
    response
}

/// A page that says what happened and what to do.
pub(crate) fn say(words: Words, status: StatusCode, what: &str, again: bool) -> Response {
    let mut texts = vec![words.t(&format!("error-{what}"))];
    if again {
        texts.push(words.t("error-again"));
    }
    let links = vec![("/".to_owned(), words.t("error-home"))];
    let heading = words.t(&format!("error-{what}-heading"));
    page(status, &Message { heading, texts, links, good: false, w: words })
}

/// What an error of the linking flows becomes: by what the person can do.
pub(crate) fn link_error(error: &LinkError, words: Words) -> Response {
    let (status, what, again) = match error {
        LinkError::Over => (StatusCode::GONE, "over", true),
        LinkError::Platform(LinkingError::Call(
            SendError::Transient { .. }
            | SendError::NoWay { .. }
            | SendError::Throttled { .. }
            | SendError::ThrottledApp { .. }
            | SendError::Ambiguous { .. },
        )) => (StatusCode::SERVICE_UNAVAILABLE, "platform", true),
        LinkError::Platform(_) => (StatusCode::GONE, "platform", true),
        LinkError::ForeignRedirect => (StatusCode::BAD_REQUEST, "foreign", false),
        LinkError::NoSuchInstitution => (StatusCode::NOT_FOUND, "institution", true),
        LinkError::Declined => (StatusCode::OK, "declined", false),
        LinkError::Bank(bank) => match bank.class {
            BankErrorClass::Wait { .. } | BankErrorClass::Retry(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "bank", false)
            }
            _ => (StatusCode::BAD_GATEWAY, "bank", false),
        },
        LinkError::Stopped => (StatusCode::FORBIDDEN, "stopped", false),
        LinkError::NotLinked => (StatusCode::FORBIDDEN, "not-linked", true),
        LinkError::Consent(_) => (StatusCode::UNPROCESSABLE_ENTITY, "consent", false),
        LinkError::NoAccounts => (StatusCode::CONFLICT, "no-accounts", true),
        LinkError::PageOver => (StatusCode::GONE, "page-over", false),
        LinkError::PageOfAnother => (StatusCode::FORBIDDEN, "page-another", false),
        LinkError::Passkey(_) => (StatusCode::FORBIDDEN, "passkey", false),
        LinkError::Flow(FlowError::Store(_) | FlowError::Submit(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "busy", false)
        }
        LinkError::Flow(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", false),
    };
    if status.is_server_error() {
        tracing::error!(%error, "a page could not be answered");
    }
    let mut response = say(words, status, what, again);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_STORE_S.into());
    }
    response
}
