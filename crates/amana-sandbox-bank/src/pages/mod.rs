//! The bank's own pages: sign-in, consent, till. They work without JavaScript, in English and Arabic.

pub(crate) mod consent;
pub(crate) mod home;
pub(crate) mod sign_in;
pub(crate) mod text;
pub(crate) mod till;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::app::{App, AtBank, Shared};
use crate::brand::{self, Brand};
use crate::oauth::Params;
use text::{Lang, Text};

const BROWSER_COOKIE: &str = "sandbox_browser";
const SESSION_COOKIE: &str = "sandbox_session";
const STYLE: &str = include_str!("../../assets/bank.css");

/// What the frame of every page needs.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) t: &'static Text,
    pub(crate) brand: &'static Brand,
    pub(crate) name: &'static str,
    pub(crate) tagline: &'static str,
    /// Address of this page in the other language.
    pub(crate) switch: String,
    pub(crate) other: &'static Text,
}

impl Frame {
    /// `here` is the page's path and query without `lang`.
    pub(crate) fn new(brand: &'static Brand, lang: Lang, here: &str) -> Self {
        let joint = if here.contains('?') { '&' } else { '?' };
        Self {
            lang,
            t: lang.text(),
            brand,
            name: brand.name_in(lang.is_arabic()),
            tagline: brand.tagline_in(lang.is_arabic()),
            switch: format!("{here}{joint}lang={}", lang.other().code()),
            other: lang.other().text(),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    message: &'static str,
    detail: Option<String>,
}

/// Renders a page.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(body) => (status, [(header::CACHE_CONTROL, "no-store")], Html(body)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Language of a page: the switch (`lang`), else the request's own wish, else the browser's, else English.
pub(crate) fn language(params: &Params, ui_locales: Option<&str>, headers: &HeaderMap) -> Lang {
    let accepted = || {
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(Lang::from_accept)
    };
    params
        .get("lang")
        .and_then(Lang::from_tag)
        .or_else(|| ui_locales.and_then(Lang::from_locales))
        .or_else(accepted)
        .unwrap_or(Lang::En)
}

/// Parameters of a page's address; a malformed query counts as none.
pub(crate) fn query(uri: &axum::http::Uri) -> Params {
    Params::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default()
}

/// An error page.
pub(crate) fn error(
    brand: &'static Brand,
    lang: Lang,
    status: StatusCode,
    message: &'static str,
    detail: Option<String>,
) -> Response {
    let frame = Frame::new(brand, lang, &format!("/{}/", brand.id));
    html(status, &ErrorPage { frame, message, detail })
}

/// The page of an address that names no institution.
pub(crate) fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        "there is no such page / \u{644}\u{627} \u{62a}\u{648}\u{62c}\u{62f} \u{635}\u{641}\u{62d}\u{629}\n",
    )
        .into_response()
}

/// The page of an unknown address below an institution.
pub(crate) async fn no_page(AtBank(brand): AtBank, headers: HeaderMap, uri: axum::http::Uri) -> Response {
    let lang = language(&query(&uri), None, &headers);
    error(brand, lang, StatusCode::NOT_FOUND, lang.text().error_missing, None)
}

/// A cookie of the request.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Sets a cookie of this institution's pages, out of reach of scripts.
pub(crate) fn set_cookie(app: &App, brand: &Brand, response: &mut Response, name: &str, value: &str) {
    let secure = if app.is_https() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/{}; HttpOnly; SameSite=Lax{secure}", brand.id);
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Redirects with GET (303).
pub(crate) fn go(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// A form as pairs; names may repeat (ticked accounts).
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// `GET …/assets/bank.css`: the one style sheet, with the institution's colours.
pub(crate) async fn style(AtBank(brand): AtBank) -> Response {
    style_sheet(brand)
}

/// `GET /assets/bank.css`, for the page that lists the institutions.
pub(crate) async fn neutral_style(State(app): State<Shared>) -> Response {
    app.wake.keys().next().and_then(|id| brand::find(id)).map_or_else(not_found, style_sheet)
}

fn style_sheet(brand: &'static Brand) -> Response {
    let colours = format!(
        ":root{{--brand:{};--brand-dark:{};--brand-tint:{}}}\n",
        brand.colour, brand.colour_dark, brand.colour_tint
    );
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, colours + STYLE).into_response()
}
