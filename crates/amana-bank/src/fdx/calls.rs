//! The calls: headers, errors, and what becomes of the rows.

use super::budget::Payer;
use super::list::{ACCOUNTS, Rows, TRANSACTIONS};
use super::{read, value};
use crate::bank::Actor;
use crate::connector::{Failure, FdxBank};
use crate::error::{BankErrorClass, NO_DATA};
use crate::http::Answer;
use crate::limits;
use crate::oauth::answer::PROOF_REFUSED;
use crate::oauth::challenged;
use crate::profile::{Bearer, DateParams, InteractionEcho, Paths};
use crate::tokens::Tokens;
use amana_core::{Account, AccountId, Currency, Page, Timestamp, Transaction};
use reqwest::Method;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use url::Url;

pub(crate) const INTERACTION_HEADER: &str = "x-fapi-interaction-id";
const ACTOR_HEADER: &str = "fdx-api-actor-type";

/// One call: where to, with what, for whom.
pub(crate) struct Call<'a> {
    pub(crate) url: Url,
    pub(crate) tokens: &'a Tokens,
    pub(crate) actor: Actor,
    /// Whose connection pays for it; `None` for a call that must always be possible.
    pub(crate) payer: Option<Payer>,
}

/// A good answer.
pub(crate) struct Body {
    /// The body; `None` for an empty answer (204).
    pub(crate) value: Option<Value>,
    /// Whether the bank says that this is not all of it (206).
    pub(crate) partial: bool,
}

/// The currencies of accounts that were read: FDX transactions have none of their own.
#[derive(Default)]
pub(crate) struct Currencies(Mutex<HashMap<AccountId, Currency>>);

impl Currencies {
    fn get(&self, account: &AccountId) -> Option<Currency> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(account).copied()
    }

    fn put(&self, account: &AccountId, currency: Currency) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.len() >= limits::CURRENCIES_REMEMBERED_MAX {
            known.clear();
        }
        known.insert(account.clone(), currency);
    }
}

impl FdxBank {
    /// A URL below the API's base; every segment is escaped.
    pub(crate) fn api(&self, segments: &[&str]) -> Url {
        let mut url = self.config.api_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// A URL of the profile's paths.
    fn path(&self, path: &str, account: &str) -> Url {
        let provider = self.config.provider_id.as_deref().unwrap_or_default();
        self.api(&Paths::segments(path, provider, account))
    }

    pub(crate) fn new_interaction(&self) -> String {
        uuid::Builder::from_random_bytes(self.entropy.array()).into_uuid().to_string()
    }

    /// One request with the connection's token, in the dress of the standard.
    pub(crate) async fn call(
        &self,
        (method, url): (Method, &Url),
        call: &Call<'_>,
        interaction: &str,
        body: Option<&Value>,
    ) -> Result<Answer, BankErrorClass> {
        let (token, key) = match (self.config.profile.api.bearer, &call.tokens.id_token) {
            (Bearer::IdToken, Some(id_token)) => (id_token, None),
            _ => (&call.tokens.access, call.tokens.dpop.as_ref()),
        };
        self.oauth
            .call((method, url), token, key, |request| self.dressed(request, interaction, call.actor, body))
            .await
    }

    /// A request in the dress of the standard.
    pub(crate) fn dressed(
        &self,
        request: reqwest::RequestBuilder,
        interaction: &str,
        actor: Actor,
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let mut request = request
            .header(reqwest::header::ACCEPT, "application/json")
            .header(INTERACTION_HEADER, interaction)
            .header(ACTOR_HEADER, actor.as_str());
        for (name, value) in &self.config.profile.api.extra_headers {
            request = request.header(name, value);
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// GET, as JSON. The interaction id comes along.
    pub(crate) async fn get_json(&self, call: &Call<'_>, url: &Url) -> Result<(Body, String), Failure> {
        if let Some(payer) = call.payer {
            self.spending.take(self.config.profile.api.budget, payer, call.actor, self.clock.now())?;
        }
        let interaction = self.new_interaction();
        let failed = |class| Failure { class, interaction: Some(interaction.clone()) };
        let answer = self.call((Method::GET, url), call, &interaction, None).await.map_err(failed)?;
        self.note(&answer, &interaction, call.actor);
        if !answer.status.is_success() {
            return Err(failed(class_of(&answer, self.clock.now())));
        }
        if answer.status.as_u16() == 204 {
            return Ok((Body { value: None, partial: false }, interaction));
        }
        let value =
            answer.json().ok_or_else(|| failed(BankErrorClass::Nonsense("the answer is not json")))?;
        Ok((Body { value: Some(value), partial: answer.status.as_u16() == 206 }, interaction))
    }

    /// Writes a call down: by its interaction id the bank finds it in its own log. The address would name an account.
    pub(crate) fn note(&self, answer: &Answer, interaction: &str, actor: Actor) {
        tracing::info!(
            institution = %self.config.id,
            interaction,
            actor = actor.as_str(),
            status = answer.status.as_u16(),
            "a bank was asked: interaction {interaction}"
        );
        let expected = self.config.profile.api.interaction_id_echo == InteractionEcho::Expected;
        if expected && !is_echoed(&answer.headers, interaction) {
            metrics::counter!("amana_bank_echo_missing_total", "institution" => self.config.id.to_string())
                .increment(1);
            tracing::debug!(institution = %self.config.id, interaction, "the bank did not echo interaction {interaction}");
        }
    }

    fn default_currency(&self) -> Option<Currency> {
        self.config.profile.api.default_currency.as_deref().and_then(|code| Currency::from_code(code).ok())
    }

    /// Every account that the grant shows, and how many rows or balances were left out.
    pub(crate) async fn read_accounts(
        &self,
        tokens: &Tokens,
        payer: Payer,
        actor: Actor,
    ) -> Result<(Vec<Account>, usize), Failure> {
        let mut url = self.path(&self.config.profile.api.paths.accounts, "");
        url.query_pairs_mut().append_pair("resultType", "details");
        let call = Call { url: self.with_limit(url), tokens, actor, payer: Some(payer) };
        let list = self.list(&call, ACCOUNTS).await?;
        let mut accounts = Vec::new();
        let mut known = HashSet::new();
        let mut skipped = 0;
        for row in &list.rows {
            if accounts.len() == limits::ACCOUNTS_MAX {
                skipped += 1;
                continue;
            }
            match read::account(row, self.config.profile.api.shape, self.default_currency()) {
                Ok(row) => {
                    skipped += row.unreadable;
                    if let Some(currency) = row.currency {
                        self.currencies.put(&row.account.id, currency);
                    }
                    if known.insert(row.account.id.clone()) {
                        accounts.push(row.account);
                    }
                }
                Err(value::Unreadable) => skipped += 1,
            }
        }
        if list.truncated && skipped == 0 {
            // The list has no end that we saw, or the bank calls it partial.
            skipped = 1;
        }
        if skipped > 0 {
            tracing::warn!(institution = %self.config.id, skipped, "left out {skipped} unreadable accounts or balances");
        }
        Ok((accounts, skipped))
    }

    /// The account's transactions in a period, the newest first. `truncated` also when one of them could not be read.
    pub(crate) async fn read_transactions(
        &self,
        tokens: &Tokens,
        account: &AccountId,
        (from, to): (Timestamp, Timestamp),
        payer: Payer,
        actor: Actor,
    ) -> Result<Page<Transaction>, Failure> {
        let (rows, truncated) = self.read_rows(tokens, account, (from, to), payer, actor).await?;
        let mut rows: Vec<Transaction> = rows.into_iter().map(|row| row.transaction).collect();
        rows.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
        Ok(Page { rows, truncated })
    }

    /// The same as rows, with when each was booked, in the bank's order.
    pub(crate) async fn read_rows(
        &self,
        tokens: &Tokens,
        account: &AccountId,
        (from, to): (Timestamp, Timestamp),
        payer: Payer,
        actor: Actor,
    ) -> Result<(Vec<read::TransactionRow>, bool), Failure> {
        // What the bank does not tell of is not asked for, and the answer is not called the whole.
        let begins = self.config.profile.api.history.begins(self.clock.now());
        let cut = begins.is_some_and(|begins| from < begins);
        let from = begins.map_or(from, |begins| from.max(begins));
        if from >= to {
            return Ok((Vec::new(), cut));
        }
        let currency = self.currency_of(tokens, account, payer, actor).await?;
        let mut url = self.path(&self.config.profile.api.paths.transactions, account.as_str());
        self.add_period(&mut url, from, to);
        let call = Call { url: self.with_limit(url), tokens, actor, payer: Some(payer) };
        let list = match self.list(&call, TRANSACTIONS).await {
            // Nothing in that time is an answer, whatever a bank's status calls it.
            Err(Failure { class: BankErrorClass::Gone(NO_DATA), .. }) => {
                Rows { rows: Vec::new(), truncated: false }
            }
            list => list?,
        };
        let mut rows = Vec::with_capacity(list.rows.len());
        let mut known = HashSet::new();
        let (mut skipped, mut missing) = (0usize, false);
        // A bank may ignore the dates, or know only whole days.
        let inside = |at: Timestamp| from <= at && at < to;
        for row in &list.rows {
            match read::transaction(row, self.config.profile.api.shape, account, currency) {
                Ok(row) => {
                    if (inside(row.transaction.at) || row.posted.is_some_and(inside))
                        && known.insert(row.transaction.id.clone())
                    {
                        rows.push(row);
                    }
                }
                Err(value::Unreadable) => {
                    skipped += 1;
                    // A sum without it must not pass for the whole, unless it is known to be of another time.
                    missing |= read::time_of_unreadable(row).is_none_or(inside);
                }
            }
        }
        if skipped > 0 {
            tracing::warn!(institution = %self.config.id, skipped, "left out {skipped} unreadable transactions");
        }
        Ok((rows, list.truncated || missing || cut))
    }

    /// The account's currency: remembered, or asked for.
    async fn currency_of(
        &self,
        tokens: &Tokens,
        account: &AccountId,
        payer: Payer,
        actor: Actor,
    ) -> Result<Currency, Failure> {
        if let Some(currency) = self.currencies.get(account) {
            return Ok(currency);
        }
        let path = &self.config.profile.api.paths.account;
        if path.is_empty() {
            return self.currency_by_list(tokens, account, payer, actor).await;
        }
        let call = Call { url: self.path(path, account.as_str()), tokens, actor, payer: Some(payer) };
        let none = || BankErrorClass::Nonsense("an account has no currency, and the profile has no default");
        match self.get_json(&call, &call.url).await {
            Ok((Body { value: Some(body), .. }, interaction)) => {
                let api = &self.config.profile.api;
                let currency = read::account(&body, api.shape, self.default_currency())
                    .ok()
                    .and_then(|row| row.currency)
                    .ok_or_else(|| Failure { class: none(), interaction: Some(interaction) })?;
                self.currencies.put(account, currency);
                Ok(currency)
            }
            // A bank without this call has the list.
            Ok((Body { value: None, .. }, _)) => self.currency_by_list(tokens, account, payer, actor).await,
            Err(f) if matches!(f.class, BankErrorClass::OurRequest(_)) => {
                self.currency_by_list(tokens, account, payer, actor).await
            }
            Err(f) => Err(f),
        }
    }

    async fn currency_by_list(
        &self,
        tokens: &Tokens,
        account: &AccountId,
        payer: Payer,
        actor: Actor,
    ) -> Result<Currency, Failure> {
        self.read_accounts(tokens, payer, actor).await?;
        self.currencies
            .get(account)
            .ok_or_else(|| BankErrorClass::Gone("the account is not among those of the grant").into())
    }

    fn with_limit(&self, mut url: Url) -> Url {
        let rows = self.config.profile.api.page_rows.min(limits::PAGE_ROWS);
        if rows > 0 {
            url.query_pairs_mut().append_pair("limit", &rows.to_string());
        }
        url
    }

    /// Both ends, always: without them a bank gives its last seven days.
    fn add_period(&self, url: &mut Url, from: Timestamp, to: Timestamp) {
        let dates = self.config.profile.api.date_params;
        let mut query = url.query_pairs_mut();
        if matches!(dates, DateParams::Time | DateParams::Both) {
            query.append_pair("startTime", &from.to_string()).append_pair("endTime", &to.to_string());
        }
        if matches!(dates, DateParams::Date | DateParams::Both) {
            let day = |at: Timestamp| jiff::tz::TimeZone::UTC.to_datetime(at).date().to_string();
            // The last day is inclusive, the end of the period is not.
            let last = to.checked_sub(jiff::SignedDuration::from_nanos(1)).unwrap_or(to);
            query.append_pair("startDate", &day(from)).append_pair("endDate", &day(last));
        }
    }
}

/// Whether an answer gives back the interaction id of its request (FAPI: any case of a UUID is the same).
pub(crate) fn is_echoed(headers: &reqwest::header::HeaderMap, interaction: &str) -> bool {
    let echoed = headers.get(INTERACTION_HEADER).and_then(|value| value.to_str().ok());
    echoed.is_some_and(|echoed| echoed.eq_ignore_ascii_case(interaction))
}

/// What an error answer of the API means: the status is the last word, FDX's code (a string or a number) refines it.
pub(crate) fn class_of(answer: &Answer, now: Timestamp) -> BankErrorClass {
    use BankErrorClass as C;
    let status = answer.status.as_u16();
    let code = answer.json().and_then(|body| value::text(&body, "code")).unwrap_or_default();
    let wait = |what| C::Wait { what, retry_after: answer.retry_after(now) };
    match (status, code.trim()) {
        (429, _) | (400..=499, "1207") => wait("too many requests"),
        (503, _) => wait("the bank is closed for maintenance"),
        // The token may be good: asking the customer to link again would not mend a clock.
        (401, _)
            if ["invalid_dpop_proof", "use_dpop_nonce"].iter().any(|error| challenged(answer, error)) =>
        {
            C::OurRequest(PROOF_REFUSED)
        }
        (401, _) => C::RelinkNeeded("the token is not accepted"),
        (501, "1106") => C::OurRequest("this version of fdx is not supported"),
        (500..=599, _) => C::Retry("the bank's service fails"),
        (300..=399, _) => C::Nonsense("the api redirects"),
        (408 | 425, _) => C::Retry("the bank gave up waiting"),
        (400..=499, "1300") => wait("the bank is still preparing it"),
        (400..=499, "602" | "603") => C::RelinkNeeded("the customer has not authorised this"),
        (400..=499, "701") => C::Gone("the account is not known"),
        (400..=499, "705") => C::Gone("the account is closed"),
        (400..=499, "1107") => C::Gone(NO_DATA),
        (400..=499, "702" | "703") => C::OurRequest("the period is not accepted"),
        (400..=499, "704") => C::OurRequest("the account's type does not have this"),
        (403, _) => C::RelinkNeeded("access is forbidden"),
        (404 | 410, _) => C::Gone("it is not there"),
        (400..=499, _) => C::OurRequest("the request is refused"),
        _ => C::Nonsense("an unexpected status"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    #[test]
    fn an_interaction_id_is_given_back_or_it_is_not() {
        let id = "7f6b3f5e-0b9f-4b9a-9d52-0a5a3f3a8f11";
        let echoed = |value: Option<&str>| {
            let mut headers = reqwest::header::HeaderMap::new();
            if let Some(value) = value {
                headers.insert(INTERACTION_HEADER, value.parse().expect("a header"));
            }
            is_echoed(&headers, id)
        };
        assert!(echoed(Some(id)) && echoed(Some(&id.to_uppercase())));
        assert!(!echoed(None) && !echoed(Some("")) && !echoed(Some(&id.replace('7', "8"))));
    }

    #[test]
    fn errors_by_status_and_code() {
        let class = |status, body: &str| {
            class_of(
                &Answer {
                    status: StatusCode::from_u16(status).expect("a status"),
                    headers: reqwest::header::HeaderMap::new(),
                    body: body.as_bytes().to_vec(),
                },
                "2026-11-24T10:00:00Z".parse().expect("instant"),
            )
            .as_str()
        };
        for (status, body, expected) in [
            (401, r#"{"code":"603"}"#, "relink-needed"),
            (401, r#"{"error":"error","message":"x","code":401}"#, "relink-needed"),
            (403, r#"{"code":602}"#, "relink-needed"),
            (404, r#"{"code":"701"}"#, "gone"),
            (400, r#"{"code":701}"#, "gone"),
            (409, r#"{"code":"705"}"#, "gone"),
            (404, r#"{"code":1107}"#, "gone"),
            (400, r#"{"code":"703"}"#, "our-request"),
            (400, r#"{"error":"Validation failed","details":[]}"#, "our-request"),
            (422, r#"{"code":"704"}"#, "our-request"),
            (429, "", "wait"),
            (503, r#"{"code":503}"#, "wait"),
            (400, r#"{"code":"1207"}"#, "wait"),
            (500, "<html>oops</html>", "retry"),
            (500, r#"{"code":"603"}"#, "retry"),
            (502, "", "retry"),
            (302, "", "nonsense"),
        ] {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
    }
}
