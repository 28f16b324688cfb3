//! An institution's front page, and the list of institutions.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::sign_in::PASSWORD;
use super::text::{Lang, Text};
use super::{Frame, html, language, query};
use crate::app::{AtBank, Shared};
use crate::brand::{self, Brand};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    customers: Vec<(String, String)>,
    password: &'static str,
}

/// `GET /{bank}/`.
pub(crate) async fn home(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let lang = language(&query(&uri), None, &headers);
    let customers = app
        .bank(brand, |bank, _| {
            let arabic = lang.is_arabic();
            bank.customers_in_order()
                .iter()
                .map(|customer| (customer.username.clone(), customer.name_in(arabic)))
                .collect()
        })
        .unwrap_or_default();
    let frame = Frame::new(brand, lang, &format!("/{}/", brand.id));
    html(StatusCode::OK, &HomePage { frame, customers, password: PASSWORD })
}

#[derive(Template)]
#[template(path = "banks.html")]
struct BanksPage {
    lang: Lang,
    t: &'static Text,
    other: &'static Text,
    banks: Vec<&'static Brand>,
}

/// `GET /`.
pub(crate) async fn banks(State(app): State<Shared>, headers: HeaderMap, uri: Uri) -> Response {
    let lang = language(&query(&uri), None, &headers);
    let banks = app.wake.keys().filter_map(|id| brand::find(id)).collect();
    html(StatusCode::OK, &BanksPage { lang, t: lang.text(), other: lang.other().text(), banks })
}
