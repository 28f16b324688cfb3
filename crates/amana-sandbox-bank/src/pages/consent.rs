//! The bank's consent page: who asks, for what, which accounts, how long.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::sign_in::{Ongoing, callback};
use super::text::fill;
use super::{Form, Frame, error, go, html, query};
use crate::app::{App, AtBank, Shared, sha256_hex};
use crate::bank::Bank;
use crate::brand::Brand;
use crate::db::Change;
use crate::error::Error;
use crate::generator::day_of;
use crate::limits;
use crate::oauth::metadata::{OFFLINE_ACCESS, OPENID};
use crate::records::{AuthRequest, Cluster, Code, Consent, DurationType, kind};

struct AccountRow {
    id: String,
    name: &'static str,
    number: String,
    label: &'static str,
    balance: String,
    currency: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage {
    frame: Frame,
    title: String,
    lead: String,
    customer: String,
    other_login: String,
    action: String,
    form_token: String,
    clusters: Vec<(&'static str, &'static str)>,
    accounts: Vec<AccountRow>,
    until: String,
    history: Option<String>,
    problem: Option<&'static str>,
}

fn consent_page(
    app: &App,
    brand: &'static Brand,
    ongoing: &Ongoing,
    customer_id: &str,
    ticked: &BTreeSet<String>,
    problem: Option<&'static str>,
) -> Response {
    let here = ongoing.path(brand, "consent");
    let lang = ongoing.lang;
    let frame = Frame::new(brand, lang, &here);
    let request = ongoing.request();
    let client = ongoing.client_name(app);
    let text = frame.t;
    let shown = app.bank(brand, |bank, _| {
        let customer = bank.customers.get(customer_id)?;
        let rows = bank.accounts_of(customer).into_iter().map(|account| {
            let ledger = account.balances().ledger_minor;
            let deposit = account.kind.is_deposit();
            AccountRow {
                id: account.id.clone(),
                name: account.product_in(lang.is_arabic()),
                number: account.last_digits.clone(),
                label: if deposit { text.balance } else { text.owed },
                balance: account.currency.grouped(if deposit { ledger } else { ledger.saturating_neg() }),
                currency: account.currency.code().to_owned(),
                ticked: ticked.contains(&account.id),
            }
        });
        Some((customer.name_in(lang.is_arabic()), rows.collect::<Vec<_>>()))
    });
    let Some((customer, accounts)) = shown.flatten() else {
        return error(brand, lang, StatusCode::BAD_REQUEST, text.error_expired, None);
    };
    let end = app.later(request.duration_days.saturating_mul(86_400));
    let until = match request.duration_type {
        DurationType::OneTime => text.once.to_owned(),
        DurationType::Persistent | DurationType::TimeBound => fill(text.until, &lang.date(day_of(end))),
    };
    let history = request
        .clusters
        .contains(&Cluster::Transactions)
        .then(|| fill(text.history, &request.lookback_days.to_string()));
    let page = ConsentPage {
        title: fill(text.consent_title, &client),
        lead: fill(text.consent_lead, &client),
        customer,
        other_login: format!("{}&lang={}", ongoing.path(brand, "login"), lang.code()),
        action: format!("{here}&lang={}", lang.code()),
        form_token: app.form_token(&ongoing.browser, &format!("consent {}", ongoing.id)),
        clusters: request.clusters.iter().map(|cluster| text.cluster(*cluster)).collect(),
        accounts,
        until,
        history,
        problem,
        frame,
    };
    html(if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page)
}

/// `GET …/consent`.
pub(crate) async fn consent(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let ongoing = match Ongoing::find(&app, brand, &headers, &query(&uri)) {
        Ok(ongoing) => ongoing,
        Err(response) => return *response,
    };
    match &ongoing.interaction.customer_id {
        Some(customer_id) => consent_page(&app, brand, &ongoing, customer_id, &BTreeSet::new(), None),
        None => go(&ongoing.path(brand, "login")),
    }
}

/// `POST …/consent`: the answer, taken once.
pub(crate) async fn consent_post(
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
    let purpose = format!("consent {}", ongoing.id);
    if !app.form_token_ok(&ongoing.browser, &purpose, form.get("form_token").unwrap_or_default()) {
        return error(brand, ongoing.lang, StatusCode::FORBIDDEN, text.error_form, None);
    }
    let Some(customer_id) = ongoing.interaction.customer_id.clone() else {
        return go(&ongoing.path(brand, "login"));
    };
    let allowed = form.get("decision") == Some("allow");
    let own: BTreeSet<String> = app
        .bank(brand, |bank, _| bank.customers.get(&customer_id).map(|customer| customer.account_ids.clone()))
        .flatten()
        .unwrap_or_default()
        .into_iter()
        .collect();
    let ticked: BTreeSet<String> =
        form.all("account").map(str::to_owned).filter(|id| own.contains(id)).collect();
    if allowed && ticked.is_empty() {
        return consent_page(&app, brand, &ongoing, &customer_id, &ticked, Some(text.pick_one));
    }
    match decide(&app, brand, &ongoing, &customer_id, allowed.then_some(ticked)) {
        Ok(Some(to)) => go(&to),
        Ok(None) => error(brand, ongoing.lang, StatusCode::BAD_REQUEST, text.error_expired, None),
        Err(problem) => {
            tracing::error!(error = %problem, "a consent could not be stored");
            error(brand, ongoing.lang, StatusCode::INTERNAL_SERVER_ERROR, text.error_store, None)
        }
    }
}

/// Ends a mere sign-in with a code that stands for who the customer is and for nothing else. `None` if the pushed
/// request was used up meanwhile.
pub(super) fn signed_in(
    app: &App,
    brand: &'static Brand,
    request: &AuthRequest,
    customer_id: &str,
    interaction: Option<&str>,
    pushed: Option<&str>,
) -> Result<Option<String>, Error> {
    let secret = app.secret();
    let hash = sha256_hex(&secret);
    let code = Code {
        consent_id: None,
        customer_id: customer_id.to_owned(),
        at: app.now(),
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        scopes: request.scopes.clone(),
        expires: app.later(app.config.code_secs()),
        used: false,
        jkt: request.jkt.clone(),
    };
    let made = app.bank(brand, |bank, db| {
        if pushed.is_some_and(|hash| !bank.pushed.contains_key(hash)) {
            return Ok(false);
        }
        let mut changes = vec![Change::put(kind::CODE, brand.id, &hash, &code)?];
        changes.extend(interaction.map(|hash| Change::delete(kind::INTERACTION, brand.id, hash)));
        changes.extend(pushed.map(|hash| Change::delete(kind::PUSHED, brand.id, hash)));
        db.commit(&changes)?;
        bank.codes.insert(hash, code);
        if let Some(interaction) = interaction {
            bank.interactions.remove(interaction);
        }
        if let Some(pushed) = pushed {
            bank.pushed.remove(pushed);
        }
        Ok::<_, Error>(true)
    });
    let to = || callback(app, brand, &request.redirect_uri, request.state.as_deref(), &[("code", &secret)]);
    Ok(made.unwrap_or(Ok(false))?.then(to))
}

/// Forgets an interaction and its pushed request.
fn end(bank: &mut Bank, ongoing: &Ongoing) {
    bank.interactions.remove(&ongoing.hash);
    if let Some(pushed) = &ongoing.interaction.pushed {
        bank.pushed.remove(pushed);
    }
}

/// Ends the interaction with a consent and a code, or with a denial. `None` if it was ended meanwhile.
fn decide(
    app: &App,
    brand: &'static Brand,
    ongoing: &Ongoing,
    customer_id: &str,
    accounts: Option<BTreeSet<String>>,
) -> Result<Option<String>, Error> {
    let request = ongoing.request();
    let now = app.now();
    let answer = |fields: &[(&str, &str)]| {
        Some(callback(app, brand, &request.redirect_uri, request.state.as_deref(), fields))
    };
    app.bank(brand, |bank, db| {
        // A pushed request is good for one answer, in however many windows it was opened (RFC 9126 §4).
        let pushed = ongoing.interaction.pushed.as_deref();
        if !bank.interactions.contains_key(&ongoing.hash)
            || pushed.is_some_and(|hash| !bank.pushed.contains_key(hash))
        {
            return Ok(None);
        }
        let mut changes = vec![Change::delete(kind::INTERACTION, brand.id, &ongoing.hash)];
        changes.extend(pushed.map(|hash| Change::delete(kind::PUSHED, brand.id, hash)));
        // A consent that was asked for before is given once, and by no other customer than the one it names.
        let requested = request.requested.as_ref();
        let waits = |id: &String| bank.requested.get(id).is_some_and(|asked| asked.expires > now);
        if requested.is_some_and(|(id, _)| !waits(id)) {
            return Ok(None);
        }
        let of_another = requested
            .and_then(|(_, customer)| customer.as_deref())
            .is_some_and(|customer| customer != customer_id);
        let Some(account_ids) = accounts.filter(|_| !of_another) else {
            db.commit(&changes)?;
            end(bank, ongoing);
            let fields =
                [("error", "access_denied"), ("error_description", "the customer does not allow it")];
            return Ok(answer(&fields));
        };
        let days = request.duration_days.clamp(1, limits::CONSENT_DAYS_MAX);
        let consent = Consent {
            id: requested.map_or_else(|| app.uuid(), |(id, _)| id.clone()),
            client_id: request.client_id.clone(),
            customer_id: customer_id.to_owned(),
            account_ids,
            clusters: request.clusters.clone(),
            without: BTreeMap::new(),
            duration_type: request.duration_type,
            duration_days: days,
            lookback_days: request.lookback_days,
            created: now,
            expires: match request.duration_type {
                DurationType::OneTime => app.later(limits::ONE_TIME_LIFE_SECS),
                DurationType::Persistent | DurationType::TimeBound => app.later(days.saturating_mul(86_400)),
            },
            revoked: None,
        };
        // Scopes without a granted cluster are not granted; what is read once needs no refresh token.
        let once = consent.duration_type == DurationType::OneTime;
        let granted = |scope: &String| {
            scope == OPENID
                || (scope == OFFLINE_ACCESS && !once)
                || Cluster::by_scope(scope).is_some_and(|cluster| consent.clusters.contains(&cluster))
        };
        let secret = app.secret();
        let code = Code {
            consent_id: Some(consent.id.clone()),
            customer_id: customer_id.to_owned(),
            at: now,
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            scopes: request.scopes.iter().filter(|scope| granted(scope)).cloned().collect(),
            expires: app.later(app.config.code_secs()),
            used: false,
            jkt: request.jkt.clone(),
        };
        let hash = sha256_hex(&secret);
        changes.extend(requested.map(|(id, _)| Change::delete(kind::REQUESTED, brand.id, id)));
        changes.push(Change::put(kind::CONSENT, brand.id, &consent.id, &consent)?);
        changes.push(Change::put(kind::CODE, brand.id, &hash, &code)?);
        db.commit(&changes)?;
        end(bank, ongoing);
        if let Some((id, _)) = requested {
            bank.requested.remove(id);
        }
        bank.consents.insert(consent.id.clone(), consent);
        bank.codes.insert(hash, code);
        Ok(answer(&[("code", &secret)]))
    })
    .unwrap_or(Ok(None))
}
