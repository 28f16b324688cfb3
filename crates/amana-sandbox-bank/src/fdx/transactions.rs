//! `GET /accounts/{accountId}/transactions` (searchForAccountTransactions), newest first.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Consented, FdxError, Query, entity, images, paging};
use crate::app::Shared;
use crate::generator::instant;
use crate::limits;
use crate::model::Txn;
use crate::oauth::Params;
use crate::records::{Cluster, Consent};

const DAY_MINUTES: i64 = 24 * 60;

/// From the first instant, included, to the last, excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    pub(super) fn holds(self, at: Timestamp) -> bool {
        at >= self.from && at < self.until
    }
}

fn bad_date(what: &str) -> FdxError {
    FdxError::new(StatusCode::BAD_REQUEST, "702", what)
}

fn bad_range(what: &str) -> FdxError {
    FdxError::new(StatusCode::BAD_REQUEST, "703", what)
}

/// The window that the query names, if it names one.
pub(super) fn named_window(params: &Params) -> Result<Option<Window>, FdxError> {
    let times = pair(params, "startTime", "endTime", |text| {
        text.parse::<Timestamp>().map_err(|_| bad_date("`startTime` and `endTime` must be RFC 3339 instants"))
    })?;
    let dates = pair(params, "startDate", "endDate", |text| {
        text.parse::<Date>().map_err(|_| bad_date("`startDate` and `endDate` must be YYYY-MM-DD"))
    })?;
    let window = match (times, dates) {
        (Some(_), Some(_)) => return Err(bad_range("give either times or dates, not both")),
        (None, None) => return Ok(None),
        (Some((from, last)), None) => {
            if from > last {
                return Err(bad_range("the start is after the end"));
            }
            // The end is included: its smallest unit is the nanosecond.
            Window { from, until: last.checked_add(SignedDuration::from_nanos(1)).unwrap_or(last) }
        }
        (None, Some((from, last))) => {
            if from > last {
                return Err(bad_range("the start is after the end"));
            }
            let out_of_time = || bad_date("the date is out of range");
            Window {
                from: instant(from, 0).ok_or_else(out_of_time)?,
                until: instant(last, DAY_MINUTES).ok_or_else(out_of_time)?,
            }
        }
    };
    Ok(Some(window))
}

/// The window that the query names; without dates the last seven days. Never further back than the consent.
pub(super) fn window(params: &Params, now: Timestamp, consent: &Consent) -> Result<Window, FdxError> {
    let Some(window) = named_window(params)? else {
        let days = SignedDuration::from_hours(24 * limits::TRANSACTIONS_WINDOW_DAYS);
        let from = now.checked_sub(days).unwrap_or(now);
        return Ok(Window { from: from.max(consent.reaches_back_to()), until: Timestamp::MAX });
    };
    let earliest = consent.reaches_back_to();
    if window.until <= earliest {
        return Err(bad_range("the range lies before the consent's look-back period"));
    }
    Ok(Window { from: window.from.max(earliest), until: window.until })
}

/// Both parameters or neither.
fn pair<T>(
    params: &Params,
    first: &'static str,
    second: &'static str,
    read: impl Fn(&str) -> Result<T, FdxError>,
) -> Result<Option<(T, T)>, FdxError> {
    match (params.get(first), params.get(second)) {
        (None, None) => Ok(None),
        (Some(a), Some(b)) => Ok(Some((read(a)?, read(b)?))),
        _ => Err(bad_range(&format!("`{first}` and `{second}` go together"))),
    }
}

/// The handler.
pub(crate) async fn list(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    consented.need_any(&[Cluster::Transactions])?;
    consented.need_of(&account_id, &[Cluster::Transactions])?;
    let limit = paging::limit(&params)?;
    let asked = window(&params, app.now(), &consented.consent)?;
    // The key carries the window of the first page, so that the default window does not move between pages.
    let (window, after) = match params.get("pageKey") {
        None => (asked, None),
        Some(key) => {
            let [from, until, at, id] = paging::parts::<4>(key)?;
            let time = |text: &str| text.parse::<Timestamp>().map_err(|_| paging::wrong_key());
            let from = time(&from)?.max(consented.consent.reaches_back_to());
            (Window { from, until: time(&until)? }, Some((time(&at)?, id)))
        }
    };
    let base = format!("{}/fdx/v6/accounts/{account_id}/transactions", app.issuer(consented.brand));
    app.bank(consented.brand, |bank, _| {
        let account = bank.accounts.get(&account_id)?;
        let mut inside: Vec<_> = account.visible().filter(|txn| window.holds(txn.at)).collect();
        inside.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
        let total = inside.len();
        let skip = after.as_ref().map_or(0, |(at, id)| {
            inside.partition_point(|txn| (txn.at, txn.id.as_str()) >= (*at, id.as_str()))
        });
        let rest = inside.get(skip..).unwrap_or_default();
        let page = rest.get(..limit.min(rest.len())).unwrap_or_default();
        let next = page.last().filter(|_| rest.len() > page.len()).map(|last| {
            let (from, until, at) = (window.from.to_string(), window.until.to_string(), last.at.to_string());
            let key = paging::key(&[&from, &until, &at, &last.id]);
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for name in ["startTime", "endTime", "startDate", "endDate", "limit"] {
                if let Some(value) = params.get(name) {
                    query.append_pair(name, value);
                }
            }
            let query = query.append_pair("pageKey", &key).finish();
            (key, format!("{base}?{query}"))
        });
        let images = consented.consent.clusters_of(&account_id).contains(&Cluster::Images);
        let row = |txn: &&Txn| {
            let mut row = entity::transaction(account, txn);
            if let (true, Some(image), Some(row)) = (images, images::id_of(txn), row.as_object_mut()) {
                row.insert("imageIds".to_owned(), json!([image]));
            }
            row
        };
        let rows = page.iter().map(row).collect();
        Some(Json(paging::body("transactions", rows, total, next)))
    })
    .flatten()
    .ok_or_else(FdxError::account_not_found)
}
