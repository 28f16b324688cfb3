//! The linking pages: pick a bank, come back from it, consent.

use crate::WebState;
use crate::browser::{self, Fields};
use crate::consent::{Choices, ConsentPage, Wrong};
use crate::form;
use crate::in_app;
use crate::pages::{BankChoice, Elsewhere, Message, Picker};
use crate::respond::{link_error, page, page_with, see_other};
use crate::words::Words;
use amana_bank::Callback;
use amana_core::{AccountId, ChannelId, InstitutionId, Lang, Secret};
use amana_flow::{ConsentForm, Entry, LinkError, Next, OwnPage};
use amana_gate::Shown;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where the consent page is.
const CONSENT: &str = "/link/consent";

/// `GET /link/start?t=…`: the one-time link of the chat. It uses nothing up.
pub(crate) async fn start(
    State(state): State<Arc<WebState>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    pick(&state, &uri, &headers, one_time(&query)).await
}

/// `GET /link/messenger?page=…&account_linking_token=…&redirect_uri=…`: the platform's account-linking button.
pub(crate) async fn messenger(
    State(state): State<Arc<WebState>>,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    pick(&state, &uri, &headers, account_linking(&query)).await
}

fn one_time(fields: &Fields) -> Option<Entry> {
    Some(Entry::OneTime { token: fields.one("t")?.to_owned() })
}

fn account_linking(fields: &Fields) -> Option<Entry> {
    Some(Entry::AccountLinking {
        channel: ChannelId::new(fields.one("page")?).ok()?,
        token: fields.one("account_linking_token")?.to_owned(),
        redirect_uri: fields.one("redirect_uri")?.to_owned(),
    })
}

async fn pick(state: &WebState, uri: &Uri, headers: &HeaderMap, entry: Option<Entry>) -> Response {
    let back = browser::back(uri);
    if in_app::is_in_app(headers) {
        return way_out(state, Words::new(browser::lang(headers, None), back), entry);
    }
    let offer = match &entry {
        Some(entry) => state.gateway.link_offer(entry).await,
        None => Err(LinkError::Over),
    };
    let (offer, entry) = match (offer, entry) {
        (Ok(offer), Some(entry)) => (offer, entry),
        (Err(error), _) => return link_error(&error, Words::new(browser::lang(headers, None), back)),
        (Ok(_), None) => return link_error(&LinkError::Over, Words::new(browser::lang(headers, None), back)),
    };
    let w = Words::new(browser::lang(headers, Some(offer.lang)), back);
    let hidden = carried(w.lang, entry);
    let banks = choices(state, &offer.institutions, w.lang);
    page(StatusCode::OK, &Picker { w, person: offer.person, hidden, banks })
}

/// The fields by which a form carries an entry on.
fn carried(lang: Lang, entry: Entry) -> Vec<(&'static str, String)> {
    let mut hidden = vec![("lang", lang.tag().to_owned())];
    match entry {
        Entry::OneTime { token } => hidden.push(("t", token)),
        Entry::AccountLinking { channel, token, redirect_uri } => {
            hidden.push(("page", channel.as_str().to_owned()));
            hidden.push(("account_linking_token", token));
            hidden.push(("redirect_uri", redirect_uri));
        }
    }
    hidden
}

/// In a browser of the platform's: how to go on in one's own. Nobody was asked anything yet, and nothing is used up.
///
/// The platform's button is good in the platform's browser alone (what becomes of its redirect elsewhere is not
/// documented), so who came by it gets a one-time link first.
fn way_out(state: &WebState, w: Words, entry: Option<Entry>) -> Response {
    in_app::count();
    let (hidden, link) = match entry {
        None => return link_error(&LinkError::Over, w),
        Some(Entry::OneTime { token }) => {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("t", &token).finish();
            let href = format!("/link/start?{query}");
            let address = state.public_url.join(&href).map_or_else(|_| String::new(), |url| url.to_string());
            (Vec::new(), Some((address, href)))
        }
        Some(entry) => (carried(w.lang, entry), None),
    };
    page(StatusCode::OK, &Elsewhere { w, hidden, link })
}

/// `POST /link/elsewhere`: a one-time link for who came by the platform's button in the platform's browser.
pub(crate) async fn elsewhere(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let made = match account_linking(&fields) {
        Some(entry) => state.gateway.link_elsewhere(&entry).await,
        None => Err(LinkError::Over),
    };
    match made {
        Ok(url) => {
            let mut response = see_other(&url);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => link_error(&error, Words::new(lang, "/")),
    }
}

/// The banks of an offer, named in the page's language.
fn choices(state: &WebState, offered: &[(InstitutionId, String)], lang: Lang) -> Vec<BankChoice> {
    offered
        .iter()
        .map(|(id, name)| {
            let name = state.gateway.institutions().get(id).map_or(name.as_str(), |i| i.name_in(lang));
            BankChoice::new(id, name)
        })
        .collect()
}

/// `POST /link/begin`: to the bank.
pub(crate) async fn begin(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let lang = fields.lang().unwrap_or_else(|| browser::lang(&headers, None));
    let words = Words::new(lang, "/");
    let Some(entry) = one_time(&fields).or_else(|| account_linking(&fields)) else {
        return link_error(&LinkError::Over, words);
    };
    let Some(institution) = fields.one("institution").and_then(|id| InstitutionId::new(id).ok()) else {
        return link_error(&LinkError::NoSuchInstitution, words);
    };
    match state.gateway.link_begin(&entry, &institution, lang).await {
        Ok(begun) => {
            let mut response = see_other(begun.url.as_str());
            browser::set_session(&state, &mut response, &begun.cookie);
            browser::hint_lang(&state, &mut response, lang);
            response
        }
        Err(error) => link_error(&error, words),
    }
}

/// `GET /link/callback`: the browser is back from the bank.
pub(crate) async fn callback(
    State(state): State<Arc<WebState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let words = Words::new(browser::lang(&headers, None), "/");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    let query = Fields::parse(query.unwrap_or_default().as_bytes());
    // A parameter that comes twice makes the answer void (RFC 6749 §3.1).
    if ["code", "state", "iss", "error"].iter().any(|name| query.all(name).count() > 1) {
        return link_error(&LinkError::Over, words);
    }
    let text = |name: &str| query.one(name).map(str::to_owned);
    let callback = Callback {
        code: query.one("code").map(Secret::new),
        state: text("state"),
        iss: text("iss"),
        error: text("error"),
        error_description: text("error_description"),
    };
    match state.gateway.link_callback(cookie, &callback).await {
        Ok(Next::Consent) => see_other(CONSENT),
        Ok(Next::Renewed { cookie }) => {
            let mut response = see_other("/privacy?done=renewed");
            browser::set_session(&state, &mut response, &cookie);
            response
        }
        Ok(Next::SignedIn { cookie, page }) => {
            let mut response = see_other(match page {
                OwnPage::Privacy => "/privacy",
                OwnPage::Accounts => "/privacy/accounts",
                OwnPage::Notice => "/m/ready",
                OwnPage::Passkeys => "/privacy/passkeys",
            });
            browser::set_session(&state, &mut response, &cookie);
            response
        }
        Err(error) => {
            let declined = matches!(error, LinkError::Declined);
            let mut response = link_error(&error, words);
            if declined {
                browser::clear_session(&state, &mut response);
            }
            response
        }
    }
}

/// The form of the browser's session, in the page's language, and the accounts to choose from as they are shown.
async fn consent_form(
    state: &WebState,
    headers: &HeaderMap,
    lang: Option<Lang>,
    chosen: &BTreeSet<AccountId>,
) -> Result<(ConsentForm, Shown), LinkError> {
    let cookie = browser::session(state, headers).ok_or(LinkError::Over)?;
    let lang = |own| lang.unwrap_or_else(|| browser::lang(headers, Some(own)));
    state.gateway.consent_form(cookie, chosen, lang).await
}

/// The consent page. Where nothing is offered there is no account to show either.
fn consent_page(
    status: StatusCode,
    form: &ConsentForm,
    shown: Shown,
    choices: &Choices,
    wrong: Vec<Wrong>,
) -> Response {
    let frame = ConsentPage::new(form, CONSENT, choices, wrong);
    page_with(status, &frame, Some(shown).filter(|_| !form.purposes.is_empty()))
}

/// `GET /link/consent`.
pub(crate) async fn consent(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    match consent_form(&state, &headers, None, &BTreeSet::new()).await {
        Ok((form, shown)) => consent_page(StatusCode::OK, &form, shown, &Choices::default(), Vec::new()),
        Err(error) => link_error(&error, Words::new(browser::lang(&headers, None), "/")),
    }
}

/// `POST /link/consent`: the customer allows.
pub(crate) async fn consent_give(State(state): State<Arc<WebState>>, request: Request) -> Response {
    let (headers, fields) = match form(request).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let words = Words::new(fields.lang().unwrap_or_else(|| browser::lang(&headers, None)), "/");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    let choices = Choices::read(&fields);
    let (form, shown) = match consent_form(&state, &headers, fields.lang(), &choices.accounts).await {
        Ok(form) => form,
        Err(error) => return link_error(&error, words),
    };
    let answer = match choices.check(&form) {
        Ok(answer) => answer,
        Err(wrong) => {
            return consent_page(StatusCode::UNPROCESSABLE_ENTITY, &form, shown, &choices, wrong);
        }
    };
    match state.gateway.consent_give(cookie, &answer).await {
        Ok(linked) => {
            let mut response = see_other(linked.redirect.as_ref().map_or("/link/done", |url| url.as_str()));
            browser::set_session(&state, &mut response, &linked.cookie);
            response
        }
        Err(error) => link_error(&error, words),
    }
}

/// `POST /link/cancel`: the customer does not allow.
pub(crate) async fn cancel(State(state): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    let words = Words::new(browser::lang(&headers, None), "/");
    let Some(cookie) = browser::session(&state, &headers) else { return link_error(&LinkError::Over, words) };
    match state.gateway.consent_cancel(cookie).await {
        Ok(()) => {
            let mut response = link_error(&LinkError::Declined, words);
            browser::clear_session(&state, &mut response);
            response
        }
        Err(error) => link_error(&error, words),
    }
}

/// `GET /link/done`.
pub(crate) async fn done(uri: Uri, headers: HeaderMap) -> Response {
    let w = Words::new(browser::lang(&headers, None), browser::back(&uri));
    let done = Message {
        heading: w.t("done-heading"),
        texts: vec![w.t("done-lead"), w.t("done-stop")],
        links: vec![("/privacy".to_owned(), w.t("done-privacy"))],
        good: true,
        w,
    };
    page(StatusCode::OK, &done)
}
