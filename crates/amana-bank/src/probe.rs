//! Every reader of a bank's answers over any bytes: what the fuzz targets and `tests/it/fuzz.rs` run. Of what was read
//! nothing comes out, only the rule that does not hold.

use crate::connector::subject_of;
use crate::fdx::{calls, consents, list, read};
use crate::http::Answer;
use crate::limits;
use crate::oauth::answer::{self as oauth_answer, TokenAnswer};
use crate::oauth::discovery::{self, Place};
use crate::oauth::jose::{self, Claims};
use crate::profile::{Paging, Profile, Shape};
use crate::text::invisible;
use crate::tokens::{Pending, Tokens};
use amana_core::{AccountId, Currency, Timestamp, ids::FOREIGN_ID_BYTES_MAX};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;
use url::Url;

/// A rule that does not hold.
pub type Broken = &'static str;

/// The statuses that make a difference to a reader.
const STATUSES: [u16; 14] = [200, 204, 206, 302, 400, 401, 403, 404, 408, 409, 429, 500, 501, 503];

fn answer(status: u16, body: &[u8]) -> Answer {
    let mut headers = HeaderMap::new();
    // The same bytes as the one header that is read.
    if let Ok(value) = HeaderValue::from_bytes(body) {
        headers.insert(RETRY_AFTER, value);
    }
    Answer { status: StatusCode::from_u16(status).unwrap_or_default(), headers, body: body.to_vec() }
}

fn hold(holds: bool, rule: Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(rule) }
}

fn is_clean(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max && !text.chars().any(|c| c.is_control() || invisible(c))
}

fn is_id(text: &str) -> bool {
    text.len() <= FOREIGN_ID_BYTES_MAX && !text.chars().any(char::is_control)
}

/// The body of any call of the FDX API: lists with their next page, accounts, transactions, a consent, an error, and
/// what stands in an event.
///
/// # Errors
/// The rule that does not hold.
pub fn fdx(body: &[u8], now: Timestamp) -> Result<(), Broken> {
    for status in STATUSES {
        let answer = answer(status, body);
        let _ = calls::class_of(&answer, now);
        hold(
            answer.retry_after(now).is_none_or(|wait| wait <= limits::RETRY_AFTER_MAX),
            "a wait is bounded",
        )?;
    }
    let Some(value) = answer(200, body).json() else { return Ok(()) };
    let state = consents::grant_state(&value);
    hold(
        state.accounts.is_none_or(|accounts| accounts.len() <= limits::ACCOUNTS_MAX),
        "a grant's accounts are bounded",
    )?;
    pages(&value)?;
    let usd = Currency::from_code("USD").map_err(|_| "there is a dollar")?;
    row(&value, usd)?;
    for keys in [list::ACCOUNTS, list::TRANSACTIONS] {
        let mut rows = Vec::new();
        if list::take_rows(&value, keys, &mut rows).is_ok() {
            hold(rows.len() <= limits::ROWS_MAX + keys.len(), "a page's rows are bounded")?;
        }
        rows.iter().try_for_each(|value| row(value, usd))?;
    }
    Ok(())
}

/// The token goes where the next page is.
fn pages(value: &Value) -> Result<(), Broken> {
    let at = |text| Url::parse(text).map_err(|_| "the test's own address is one");
    let first = at("https://bank.example/fdx/v6/accounts?limit=200&resultType=details")?;
    let here = at("https://bank.example/fdx/v6/accounts?limit=200&pageKey=2")?;
    for paging in [Paging::Auto, Paging::PageKey, Paging::Link, Paging::Offset] {
        let Some(next) = list::next(value, paging) else { continue };
        let Ok(url) = list::follow(&first, &here, &next) else { continue };
        let same = url.origin() == first.origin() && url.username().is_empty() && url.password().is_none();
        hold(same, "the next page is on the bank's own origin")?;
    }
    Ok(())
}

fn row(value: &Value, usd: Currency) -> Result<(), Broken> {
    let about = AccountId::new("acc-1").map_err(|_| "the test's own id is one")?;
    for shape in [Shape::Auto, Shape::Wrapped, Shape::Flat] {
        for default in [None, Some(usd)] {
            if let Ok(row) = read::account(value, shape, default) {
                account(&row.account)?;
                let moneys = [row.account.current, row.account.available];
                let same = |money: &amana_core::Money| Some(money.currency) == row.currency;
                hold(moneys.iter().flatten().all(same), "a balance is in its account's currency")?;
            }
        }
        if let Ok(row) = read::transaction(value, shape, &about, usd) {
            transaction(&row.transaction, &about)?;
        }
    }
    let _ = read::time_of_unreadable(value);
    for currency in [None, Some(usd)] {
        let state = amana_core::TransactionState::Pending;
        let event = read::EventRow { account: &about, currency, state };
        if let Ok(read) = read::transaction_of_event(value, &event) {
            transaction(&read, &about)?;
            hold(read.state == state, "an event's kind says how its transaction stands")?;
        }
        if let Ok(read) = read::balance_of_event(value, &about, currency) {
            account(&read)?;
            hold(read.id == about, "a balance is of the event's account")?;
            hold(read.current.is_some() || read.available.is_some(), "a balance has an amount")?;
        }
    }
    Ok(())
}

fn account(account: &amana_core::Account) -> Result<(), Broken> {
    hold(is_clean(&account.name, limits::NAME_CHARS_MAX), "an account's name is clean")?;
    let digits = |last: &String| (1..=4).contains(&last.len()) && last.bytes().all(|b| b.is_ascii_digit());
    hold(account.last_four.as_ref().is_none_or(digits), "at most four digits of a number")
}

fn transaction(read: &amana_core::Transaction, about: &AccountId) -> Result<(), Broken> {
    hold(read.amount.minor >= 0, "an amount has its sign in its direction")?;
    hold(is_clean(&read.description, limits::DESCRIPTION_CHARS_MAX), "a description is clean")?;
    let merchant = read.merchant.as_deref();
    hold(merchant.is_none_or(|name| is_clean(name, limits::NAME_CHARS_MAX)), "a merchant is clean")?;
    hold(is_id(&read.id) && read.reference_id.as_deref().is_none_or(is_id), "an id is one")?;
    hold(read.account == *about, "a transaction is of the account that was asked for")
}

/// The answers of an authorization server: tokens, pushed requests, errors, metadata; and what is kept of them.
///
/// # Errors
/// The rule that does not hold.
pub fn oauth(body: &[u8], now: Timestamp) -> Result<(), Broken> {
    for status in STATUSES {
        let answer = answer(status, body);
        let _ = oauth_answer::class_of(&answer, now);
        for bound in [false, true] {
            let names = ["grant_id".to_owned(), "fdxConsentId".to_owned()];
            let Ok(token) = TokenAnswer::read(&answer, bound, &names, now) else { continue };
            hold(answer.status.is_success(), "an error answer has no tokens")?;
            tokens(&token, now)?;
        }
    }
    if let Ok(uri) = oauth_answer::request_uri(&answer(201, body)) {
        hold(!uri.is_empty() && uri.len() <= limits::TOKEN_BYTES_MAX, "a request uri is bounded")?;
    }
    for name in Profile::names() {
        let profile = Profile::built_in("cedar-bank", name).map_err(|_| "a built-in profile is there")?;
        let issuer = "https://bank.example/cedar";
        let Place::Found(metadata) = discovery::read(&answer(200, body), issuer) else { break };
        hold(metadata.issuer == issuer, "the metadata are the issuer's")?;
        let Ok(metadata) = discovery::accept(*metadata, &profile.oauth) else { continue };
        let more = [
            Some(&metadata.authorization_endpoint),
            Some(&metadata.token_endpoint),
            metadata.pushed_authorization_request_endpoint.as_ref(),
            metadata.revocation_endpoint.as_ref(),
            metadata.jwks_uri.as_ref(),
        ];
        hold(more.into_iter().flatten().all(|url| url.scheme() == "https"), "no step down from TLS")?;
    }
    if let Ok(tokens) = Tokens::from_bytes(body) {
        hold(Tokens::from_bytes(&tokens.to_bytes()) == Ok(tokens), "stored tokens are read as they were")?;
    }
    if let Ok(pending) = serde_json::from_slice::<Pending>(body) {
        let again = serde_json::to_vec(&pending).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        hold(again == Some(pending), "a pending authorization is read as it was")?;
    }
    Ok(())
}

fn tokens(token: &TokenAnswer, now: Timestamp) -> Result<(), Broken> {
    let bounded = |secret: &amana_core::Secret| {
        !secret.expose().is_empty() && secret.expose().len() <= limits::TOKEN_BYTES_MAX
    };
    let all = [Some(&token.access), token.refresh.as_ref(), token.id_token.as_ref()];
    hold(all.into_iter().flatten().all(bounded), "tokens are bounded")?;
    hold(token.access.expose().bytes().all(|b| b.is_ascii_graphic()), "an access token fits into a header")?;
    let life = token.expires_at.as_second().saturating_sub(now.as_second());
    hold((1..=limits::TOKEN_LIFE_MAX_SECS).contains(&life), "a token's life is bounded")?;
    let consent = token.grant_id.as_deref();
    hold(
        consent.is_none_or(|id| !id.is_empty() && !id.chars().any(char::is_control)),
        "a consent's id is one",
    )
}

/// An ID token under a key set: whatever verifies says exactly what the genuine claims say. Then the bytes as claims
/// whose signature is good: what is believed of them is for this client, of this issuer, and in force.
///
/// # Errors
/// The rule that does not hold.
pub fn id_token(keys: &[u8], token: &[u8], genuine: &[u8], now: Timestamp) -> Result<(), Broken> {
    if let (Ok(keys), Ok(token)) = (jose::key_set(&answer(200, keys)), std::str::from_utf8(token)) {
        hold(keys.len() <= limits::JWKS_KEYS_MAX, "keys are bounded")?;
        if let Ok(header) = jose::header(token, &crate::profile::token_algorithms())
            && let Some(claims) = jose::try_keys(&keys, header.alg, header.kid.as_deref(), token)
        {
            let genuine = serde_json::from_slice::<Claims>(genuine).ok();
            hold(genuine == Some(claims), "no changed token is believed")?;
        }
    }
    let Ok(claims) = serde_json::from_slice::<Claims>(token) else { return Ok(()) };
    let (issuer, client, nonce) = ("https://bank.example/cedar", "gateway", "n-1");
    if jose::check_id_token(&claims, issuer, client, Some(nonce), now).is_ok() {
        let says = |name, expected| jose::text(&claims, name) == Some(expected);
        hold(says("iss", issuer) && says("nonce", nonce), "who is believed answers us")?;
        let for_us = match claims.get("aud") {
            Some(Value::String(one)) => one == client,
            Some(Value::Array(all)) => all.iter().any(|one| one == client),
            _ => false,
        };
        hold(for_us, "a token for another client is not believed")?;
        hold(jose::in_time(&claims, now), "a token that is over is not believed")?;
    }
    let subject = subject_of(&claims);
    hold(
        subject.is_none_or(|sub| !sub.is_empty() && sub.len() <= 255 && !sub.chars().any(char::is_control)),
        "a subject is one",
    )?;
    let evidence = jose::evidence(&claims, issuer, "token");
    let short = |text: &String| text.chars().count() <= limits::CLAIM_CHARS_MAX;
    hold(
        evidence.amr.len() <= limits::AMR_MAX
            && evidence.amr.iter().all(short)
            && evidence.acr.as_ref().is_none_or(short),
        "the evidence of a sign-in is bounded",
    )
}
