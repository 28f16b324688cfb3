//! Renewal: the page that says what would go on, and the way to the bank.

use crate::WebState;
use crate::browser::{self, Fields};
use crate::consent::aggregator;
use crate::form;
use crate::in_app;
use crate::pages::Elsewhere;
use crate::respond::{link_error, page, see_other};
use crate::words::Words;
use amana_core::{ConsentId, InstitutionId};
use amana_flow::limits::LOOKBACK_DAYS;
use amana_flow::{LinkError, RenewalForm};
use amana_render::Arg;
use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use std::sync::Arc;

/// The page.
#[derive(Debug, Template)]
#[template(path = "renew.html")]
struct RenewPage {
    w: Words,
    bank: String,
    /// Through whom the bank is read, and what they do.
    aggregator: Option<String>,
    person: Option<String>,
    /// What would go on: name, and what of it is said how.
    purposes: Vec<(String, String)>,
    length: String,
    history: String,
    hidden: Vec<(&'static str, String)>,
}

/// What an address or a form says of a renewal.
fn asked(fields: &Fields) -> Option<(String, InstitutionId)> {
    Some((fields.one("t")?.to_owned(), InstitutionId::new(fields.one("bank")?).ok()?))
}

/// Each purpose with its data, form and accounts.
fn lines(w: &Words, form: &RenewalForm) -> Vec<(String, String)> {
    form.purposes
        .iter()
        .map(|(purpose, clusters, how, accounts)| {
            let clusters: Vec<String> = clusters.iter().map(|cluster| w.cluster(cluster)).collect();
            let parts = [w.list(&clusters), w.form_short(*how), w.count("privacy-accounts", *accounts)];
            (w.purpose(*purpose), parts.join(" · "))
        })
        .collect()
}

fn count(w: &Words, id: &str, days: i64) -> String {
    w.count(id, usize::try_from(days).unwrap_or_default())
}

/// The notice as plain text: every sentence of the page that says what is allowed. It is what the consent records.
fn notice(w: &Words, form: &RenewalForm) -> String {
    let bank = |id: &str| w.with(id, &[("bank", Arg::Text(&form.institution))]);
    let mut said = vec![bank("renew-heading"), w.t("renew-lead")];
    for (name, how) in lines(w, form) {
        said.extend([name, how]);
    }
    said.push(count(w, "renew-length", form.days));
    said.push(count(w, "consent-history", i64::from(LOOKBACK_DAYS)));
    for id in ["consent-sees-one", "consent-sees-two", "consent-sees-three", "consent-use", "consent-certify"]
    {
        said.push(bank(id));
    }
    said.extend(aggregator(w, &form.institution, form.aggregator.as_deref()));
    said.extend([w.t("done-stop"), bank("renew-go"), w.t("renew-not")]);
    said.join("\n")
}

/// `GET /link/renew?t=…&bank=…`: what would go on. It uses nothing up.
pub(crate) async fn show(
    State(state): State<Arc<WebState>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let back = browser::back(&uri);
    let words = || Words::new(browser::lang(&headers, None), back.clone());
    let Some((token, bank)) = asked(&fields) else { return link_error(&LinkError::Over, words()) };
    if in_app::is_in_app(&headers) {
        in_app::count();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("t", &token)
            .append_pair("bank", bank.as_str())
            .finish();
        let href = format!("/link/renew?{query}");
        let address = state.public_url.join(&href).map_or_else(|_| String::new(), |url| url.to_string());
        let link = Some((address, href));
        return page(StatusCode::OK, &Elsewhere { w: words(), hidden: Vec::new(), link });
    }
    let lang = |own| browser::lang(&headers, Some(own));
    match state.gateway.renewal_form(&token, &bank, lang).await {
        Ok(form) => {
            let w = Words::new(form.lang, back);
            let hidden = vec![
                ("lang", form.lang.tag().to_owned()),
                ("t", token),
                ("bank", bank.as_str().to_owned()),
                ("notice", hash(&notice(&w, &form))),
            ];
            let page_of = RenewPage {
                bank: form.institution.clone(),
                aggregator: aggregator(&w, &form.institution, form.aggregator.as_deref()),
                person: form.person.clone(),
                purposes: lines(&w, &form),
                length: count(&w, "renew-length", form.days),
                history: count(&w, "consent-history", i64::from(LOOKBACK_DAYS)),
                hidden,
                w,
            };
            page(StatusCode::OK, &page_of)
        }
        Err(error) => link_error(&error, words()),
    }
}

fn hash(notice: &str) -> String {
    hex::encode(amana_core::ids::sha256(&[notice.as_bytes()]))
}

/// `POST /link/renew`: to the bank. What is recorded is what was read: if it has changed, the page is shown anew.
pub(crate) async fn begin(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let words = || Words::new(lang, "/");
    let Some((token, bank)) = asked(&fields) else { return link_error(&LinkError::Over, words()) };
    let form = match state.gateway.renewal_form(&token, &bank, |_| lang).await {
        Ok(form) => form,
        Err(error) => return link_error(&error, words()),
    };
    let notice = notice(&words(), &form);
    if fields.one("notice") != Some(hash(&notice).as_str()) {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("t", &token)
            .append_pair("bank", bank.as_str())
            .finish();
        return see_other(&format!("/link/renew?{query}"));
    }
    match state.gateway.renewal_begin(&token, &bank, lang, notice).await {
        Ok(begun) => {
            let mut response = see_other(begun.url.as_str());
            browser::set_session(&state, &mut response, &begun.cookie);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => link_error(&error, words()),
    }
}

/// `POST /privacy/renew`: from the privacy page to the page that renews.
pub(crate) async fn from_privacy(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let words = Words::new(browser::lang(&headers, None), "/privacy");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    let Some(consent) = fields.one("consent").and_then(|id| id.parse::<ConsentId>().ok()) else {
        return link_error(&LinkError::Over, words);
    };
    let csrf = fields.one("csrf").unwrap_or_default();
    match state.gateway.privacy_renew(cookie, csrf, consent).await {
        Ok(url) => see_other(&url),
        Err(error) => link_error(&error, words),
    }
}
