//! `…/authorize` and the sign-in page.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::consent;
use super::text::{Lang, fill};
use super::{
    BROWSER_COOKIE, Form, Frame, SESSION_COOKIE, cookie, error, go, html, language, query, set_cookie,
};
use crate::app::{App, AtBank, Shared, sha256_hex};
use crate::bank::Bank;
use crate::brand::Brand;
use crate::db::{Change, Db};
use crate::error::Error;
use crate::limits;
use crate::oauth::request::{Refusal, resolve};
use crate::oauth::{OAuthError, Params};
use crate::records::{AuthRequest, Interaction, Session, kind};

/// The password of every made-up or imported customer. It protects nothing: this is a sandbox.
pub(crate) const PASSWORD: &str = "demo";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    title: String,
    action: String,
    form_token: String,
    username: String,
    problem: Option<&'static str>,
    /// User name and name of each customer.
    customers: Vec<(String, String)>,
    password: &'static str,
}

/// `GET …/authorize`.
pub(crate) async fn authorize(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    start(&app, brand, &headers, uri.query().unwrap_or_default().as_bytes())
}

/// `POST …/authorize` (OpenID Connect Core §3.1.2.1 wants both methods).
pub(crate) async fn authorize_post(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    start(&app, brand, &headers, &body)
}

fn start(app: &App, brand: &'static Brand, headers: &HeaderMap, encoded: &[u8]) -> Response {
    let refuse = |params: &Params, problem: OAuthError| {
        let lang = language(params, params.get("ui_locales"), headers);
        let detail = format!("{}: {}", problem.code, problem.description);
        error(brand, lang, StatusCode::BAD_REQUEST, lang.text().error_request, Some(detail))
    };
    let params = match Params::parse(encoded) {
        Ok(params) => params,
        Err(problem) => return refuse(&Params::default(), problem),
    };
    let (request, pushed) = match resolve(app, brand, &params) {
        Ok(found) => found,
        Err(Refusal::Page(problem)) => return refuse(&params, problem),
        Err(Refusal::Redirect { redirect_uri, state, error }) => {
            let fields = [("error", error.code), ("error_description", error.description.as_str())];
            return go(&callback(app, brand, &redirect_uri, state.as_deref(), &fields));
        }
    };
    let now = app.now();
    let session = cookie(headers, SESSION_COOKIE).map(sha256_hex);
    let signed_in = session.filter(|_| !request.prompt_login).and_then(|hash| {
        let session = app.bank(brand, |bank, _| bank.sessions.get(&hash).cloned()).flatten()?;
        (session.expires > now).then_some(session.customer_id)
    });
    if let (Some(customer_id), true) = (&signed_in, request.is_sign_in_only()) {
        return match consent::signed_in(app, brand, &request, customer_id, None, pushed.as_deref()) {
            Ok(Some(to)) => go(&to),
            Ok(None) => expired(brand, language(&params, None, headers)),
            Err(problem) => not_stored(brand, language(&params, None, headers), &problem),
        };
    }
    if request.prompt_none {
        let code = if signed_in.is_some() { "consent_required" } else { "login_required" };
        if let Some(hash) = &pushed
            && let Some(Err(problem)) = app.bank(brand, |bank, db| use_up(bank, db, hash))
        {
            return not_stored(brand, language(&params, None, headers), &problem);
        }
        let fields = [("error", code), ("error_description", "the customer has to be asked")];
        return go(&callback(app, brand, &request.redirect_uri, request.state.as_deref(), &fields));
    }
    let browser = cookie(headers, BROWSER_COOKIE).map_or_else(|| app.secret(), str::to_owned);
    let next = if signed_in.is_some() { "consent" } else { "login" };
    let id = app.secret();
    let hash = sha256_hex(&id);
    let interaction = Interaction {
        request,
        pushed,
        browser: sha256_hex(&browser),
        expires: app.later(limits::INTERACTION_LIFE_SECS),
        attempts: 0,
        customer_id: signed_in,
    };
    let stored = app.bank(brand, |bank, db| {
        bank.prune(db, now)?;
        db.commit(&[Change::put(kind::INTERACTION, brand.id, &hash, &interaction)?])?;
        bank.interactions.insert(hash, interaction);
        Ok::<_, Error>(())
    });
    if let Some(Err(problem)) = stored {
        return not_stored(brand, language(&params, None, headers), &problem);
    }
    let mut response = go(&format!("/{}/{next}?i={id}", brand.id));
    set_cookie(app, brand, &mut response, BROWSER_COOKIE, &browser);
    response
}

/// Ends a pushed request of which nothing came.
fn use_up(bank: &mut Bank, db: &mut Db, hash: &str) -> Result<(), Error> {
    db.commit(&[Change::delete(kind::PUSHED, bank.brand.id, hash)])?;
    bank.pushed.remove(hash);
    Ok(())
}

fn expired(brand: &'static Brand, lang: Lang) -> Response {
    error(brand, lang, StatusCode::BAD_REQUEST, lang.text().error_expired, None)
}

fn not_stored(brand: &'static Brand, lang: Lang, problem: &Error) -> Response {
    tracing::error!(error = %problem, "the bank's state could not be written");
    error(brand, lang, StatusCode::INTERNAL_SERVER_ERROR, lang.text().error_store, None)
}

/// The client's redirect URI with an answer: fields, `state` as it came, `iss` (RFC 9207).
pub(crate) fn callback(
    app: &App,
    brand: &Brand,
    redirect_uri: &str,
    state: Option<&str>,
    fields: &[(&str, &str)],
) -> String {
    let issuer = app.issuer(brand);
    let Ok(mut url) = url::Url::parse(redirect_uri) else { return redirect_uri.to_owned() };
    {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in fields {
            pairs.append_pair(name, value);
        }
        if let Some(state) = state {
            pairs.append_pair("state", state);
        }
        pairs.append_pair("iss", &issuer);
    }
    url.into()
}

/// An interaction that this browser started and that has not run out.
pub(crate) struct Ongoing {
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) browser: String,
    pub(crate) interaction: Interaction,
    pub(crate) lang: Lang,
}

impl Ongoing {
    /// Finds it by the address' `i` and the browser's cookie, or gives the page that says it is gone.
    pub(crate) fn find(
        app: &App,
        brand: &'static Brand,
        headers: &HeaderMap,
        params: &Params,
    ) -> Result<Self, Box<Response>> {
        let found = || {
            let id = params.get("i")?;
            let hash = sha256_hex(id);
            let browser = cookie(headers, BROWSER_COOKIE)?;
            let now = app.now();
            let interaction = app.bank(brand, |bank, _| bank.interactions.get(&hash).cloned()).flatten()?;
            (interaction.browser == sha256_hex(browser) && interaction.expires > now)
                .then(|| (id.to_owned(), hash, browser.to_owned(), interaction))
        };
        match found() {
            Some((id, hash, browser, interaction)) => {
                let lang = language(params, interaction.request.ui_locales.as_deref(), headers);
                Ok(Self { id, hash, browser, interaction, lang })
            }
            None => {
                let lang = language(params, None, headers);
                Err(Box::new(error(brand, lang, StatusCode::BAD_REQUEST, lang.text().error_expired, None)))
            }
        }
    }

    pub(crate) fn request(&self) -> &AuthRequest {
        &self.interaction.request
    }

    /// Name of the client for the page.
    pub(crate) fn client_name(&self, app: &App) -> String {
        app.client(&self.request().client_id).map_or_else(
            || self.request().client_id.clone(),
            |client| if self.lang.is_arabic() { client.name_ar.clone() } else { client.name.clone() },
        )
    }

    /// Path of a page of this interaction, in the page's language if it was switched.
    pub(crate) fn path(&self, brand: &Brand, page: &str) -> String {
        format!("/{}/{page}?i={}", brand.id, self.id)
    }
}

fn login_page(
    app: &App,
    brand: &'static Brand,
    ongoing: &Ongoing,
    status: StatusCode,
    username: &str,
    problem: Option<&'static str>,
) -> Response {
    let here = ongoing.path(brand, "login");
    let frame = Frame::new(brand, ongoing.lang, &here);
    let customers = app
        .bank(brand, |bank, _| {
            let customers = bank.customers_in_order();
            let arabic = ongoing.lang.is_arabic();
            customers.iter().map(|customer| (customer.username.clone(), customer.name_in(arabic))).collect()
        })
        .unwrap_or_default();
    let page = LoginPage {
        title: fill(frame.t.sign_in_for, &ongoing.client_name(app)),
        action: format!("{here}&lang={}", ongoing.lang.code()),
        form_token: app.form_token(&ongoing.browser, &format!("login {}", ongoing.id)),
        username: username.to_owned(),
        problem,
        customers,
        password: PASSWORD,
        frame,
    };
    html(status, &page)
}

/// `GET …/login`.
pub(crate) async fn login(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match Ongoing::find(&app, brand, &headers, &query(&uri)) {
        Ok(ongoing) => login_page(&app, brand, &ongoing, StatusCode::OK, "", None),
        Err(response) => *response,
    }
}

/// `POST …/login`.
pub(crate) async fn login_post(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let ongoing = match Ongoing::find(&app, brand, &headers, &query(&uri)) {
        Ok(ongoing) => ongoing,
        Err(response) => return *response,
    };
    let text = ongoing.lang.text();
    let form = Form::parse(&body);
    let purpose = format!("login {}", ongoing.id);
    if !app.form_token_ok(&ongoing.browser, &purpose, form.get("form_token").unwrap_or_default()) {
        return error(brand, ongoing.lang, StatusCode::FORBIDDEN, text.error_form, None);
    }
    if ongoing.interaction.attempts >= limits::LOGIN_ATTEMPTS {
        return error(brand, ongoing.lang, StatusCode::TOO_MANY_REQUESTS, text.too_many_attempts, None);
    }
    let username = form.get("username").unwrap_or_default().to_lowercase();
    let right_password = form.get("password") == Some(PASSWORD);
    let secret = app.secret();
    let now = app.now();
    let signed_in = app.bank(brand, |bank, db| {
        let mut interaction = ongoing.interaction.clone();
        let customer = bank.customer_by_username(&username).filter(|_| right_password).map(|c| c.id.clone());
        let mut changes = Vec::new();
        let mut session = None;
        if let Some(customer_id) = &customer {
            interaction.customer_id = Some(customer_id.clone());
            let made =
                Session { customer_id: customer_id.clone(), expires: app.later(limits::SESSION_LIFE_SECS) };
            let hash = sha256_hex(&secret);
            changes.push(Change::put(kind::SESSION, brand.id, &hash, &made)?);
            session = Some((hash, made));
        } else {
            interaction.attempts = interaction.attempts.saturating_add(1);
        }
        changes.push(Change::put(kind::INTERACTION, brand.id, &ongoing.hash, &interaction)?);
        bank.prune(db, now)?;
        db.commit(&changes)?;
        bank.interactions.insert(ongoing.hash.clone(), interaction);
        bank.sessions.extend(session);
        Ok::<_, Error>(customer)
    });
    match signed_in {
        Some(Ok(Some(customer_id))) => {
            let next = if ongoing.request().is_sign_in_only() {
                let pushed = ongoing.interaction.pushed.as_deref();
                let hash = Some(ongoing.hash.as_str());
                match consent::signed_in(&app, brand, ongoing.request(), &customer_id, hash, pushed) {
                    Ok(Some(to)) => to,
                    Ok(None) => return expired(brand, ongoing.lang),
                    Err(problem) => return not_stored(brand, ongoing.lang, &problem),
                }
            } else {
                format!("{}&lang={}", ongoing.path(brand, "consent"), ongoing.lang.code())
            };
            let mut response = go(&next);
            set_cookie(&app, brand, &mut response, SESSION_COOKIE, &secret);
            response
        }
        Some(Ok(None)) => {
            login_page(&app, brand, &ongoing, StatusCode::UNAUTHORIZED, &username, Some(text.wrong_password))
        }
        _ => error(brand, ongoing.lang, StatusCode::INTERNAL_SERVER_ERROR, text.error_store, None),
    }
}
