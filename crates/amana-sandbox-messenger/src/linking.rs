//! The browser's way back from account linking (messenger reference 5, steps 5 and 6).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use tokio::sync::oneshot;

use crate::actions::note;
use crate::hub::{Hub, NewEvent};
use crate::limits;

/// How a linking ended, for the page the person lands on.
#[derive(Clone, Copy)]
enum Outcome {
    Linked,
    Failed,
    Aborted,
    Expired,
}

/// `GET /messenger/account_linking?account_linking_token=T[&authorization_code=C]`: Meta's return address.
///
/// Unlike a link on the bank's side this GET does act, because Meta's does: the token is single-use, and a code is
/// needed. Without a code the linking failed.
pub(crate) async fn come_back(
    State(hub): State<Arc<Hub>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let token = query.get("account_linking_token").map(String::as_str).unwrap_or_default();
    let taken = hub.with(|inner, hub| {
        let now = hub.now_ms(inner);
        inner.data.link_tokens.remove(token).filter(|t| t.expires_ms > now)
    });
    let Ok(Some(taken)) = taken else { return page(&hub, Outcome::Expired, "en_US", None) };
    let key = taken.key;
    let outcome = match query.get("authorization_code").filter(|c| !c.is_empty()) {
        None => {
            let _ = hub.with(|inner, hub| note(inner, hub, &key, "link_failed"));
            Outcome::Failed
        }
        Some(code) => link(&hub, &key, code).await,
    };
    let locale = hub
        .with(|inner, _| inner.data.users.get(&key.user).map(|u| u.locale.clone()))
        .ok()
        .flatten()
        .unwrap_or_default();
    page(&hub, outcome, &locale, Some(&key))
}

async fn link(hub: &Arc<Hub>, key: &crate::model::ThreadKey, code: &str) -> Outcome {
    let (sender, receiver) = oneshot::channel();
    let seq = hub.with(|inner, hub| {
        let psid = inner.data.threads.get(key)?.psid.clone();
        let item = json!({
            "sender": {"id": psid}, "recipient": {"id": key.page},
            "account_linking": {"status": "linked", "authorization_code": code},
        });
        let mut event = NewEvent::new(key, "messaging_account_linking", item);
        event.once = true;
        event.wait = Some(sender);
        inner.push_event(hub, event)
    });
    let seq = seq.ok().flatten();
    let answered = match seq {
        // An app that does not listen cannot answer 200.
        None => false,
        Some(_) => {
            let wait = hub.config.webhook_timeout + limits::LINK_WAIT_EXTRA;
            matches!(tokio::time::timeout(wait, receiver).await, Ok(Ok(true)))
        }
    };
    let _ = hub.with(|inner, hub| {
        if let Some(seq) = seq.filter(|_| !answered) {
            inner.data.waiters.remove(&seq);
            inner.drop_event(key, seq);
        }
        if let Some(thread) = inner.data.threads.get_mut(key) {
            thread.linked |= answered;
        }
        inner.save_thread(key);
        note(inner, hub, key, if answered { "linked" } else { "link_aborted" });
    });
    if answered { Outcome::Linked } else { Outcome::Aborted }
}

fn page(hub: &Hub, outcome: Outcome, locale: &str, key: Option<&crate::model::ThreadKey>) -> Response {
    let arabic = locale.starts_with("ar");
    let (status, title, text) = match (outcome, arabic) {
        (Outcome::Linked, false) => (
            StatusCode::OK,
            "You’re logged in",
            "Your account is linked to this chat. You can close this tab.",
        ),
        (Outcome::Linked, true) => {
            (StatusCode::OK, "تم تسجيل الدخول", "تم ربط حسابك بهذه المحادثة. يمكنك إغلاق هذه الصفحة.")
        }
        (Outcome::Failed, false) => (
            StatusCode::OK,
            "Login was not completed",
            "Nothing was linked. You can close this tab and try again.",
        ),
        (Outcome::Failed, true) => (
            StatusCode::OK,
            "لم يكتمل تسجيل الدخول",
            "لم يُربط أي حساب. يمكنك إغلاق هذه الصفحة والمحاولة من جديد.",
        ),
        (Outcome::Aborted, false) => (
            StatusCode::BAD_GATEWAY,
            "The link was aborted",
            "The business did not answer, so nothing was linked. Try again from the chat.",
        ),
        (Outcome::Aborted, true) => (
            StatusCode::BAD_GATEWAY,
            "أُلغي الربط",
            "لم يستجب النشاط التجاري، فلم يُربط أي حساب. حاول من جديد من المحادثة.",
        ),
        (Outcome::Expired, false) => (
            StatusCode::GONE,
            "This login has expired",
            "A login must be finished within five minutes, once. Tap “Log in” in the chat again.",
        ),
        (Outcome::Expired, true) => (
            StatusCode::GONE,
            "انتهت صلاحية تسجيل الدخول",
            "يجب إكمال تسجيل الدخول مرة واحدة خلال خمس دقائق. اضغط «تسجيل الدخول» في المحادثة من جديد.",
        ),
    };
    let (lang, dir, back) = if arabic {
        ("ar", "rtl", "العودة إلى المحادثة")
    } else {
        ("en", "ltr", "Back to the chat")
    };
    let mut href = hub.config.public_base_url.join("/chat").map_or_else(|_| "/chat".to_owned(), String::from);
    if let Some(key) = key {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("page", &key.page)
            .append_pair("user", &key.user)
            .finish();
        href.push('?');
        href.push_str(&query);
    }
    let href = href.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let mark = if matches!(outcome, Outcome::Linked) { "ok" } else { "no" };
    let html = format!(
        r#"<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/chat/app.css"></head>
<body class="landing"><main><div class="mark {mark}" aria-hidden="true"></div><h1>{title}</h1><p>{text}</p>
<a class="landing-back" href="{href}">{back}</a></main></body></html>"#
    );
    (status, crate::chat::page_headers(), Html(html)).into_response()
}
