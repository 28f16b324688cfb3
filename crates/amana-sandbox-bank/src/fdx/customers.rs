//! The customer behind the consent, and who holds an account. Each field under its own cluster: name, address,
//! telephone and e-mail are CUSTOMER_CONTACT's, the date of birth is CUSTOMER_PERSONAL's.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{Consented, FdxError, Query, paging};
use crate::app::Shared;
use crate::bank::Bank;
use crate::model::Customer;
use crate::money::Currency;
use crate::prng::Prng;
use crate::records::Cluster;

fn not_found() -> FdxError {
    FdxError::new(StatusCode::NOT_FOUND, "601", "customer not found")
}

/// Where a made-up customer can be reached: nowhere. The domain is reserved (RFC 2606), the telephone numbers are kept
/// for fiction. Of somebody who was loaded from a statement the bank knows no address.
fn reached_at(bank: &Bank, customer: &Customer) -> Map<String, Value> {
    let mut out = Map::new();
    if customer.imported {
        return out;
    }
    let mut rng = Prng::labelled(&[&customer.id, "contact"]);
    let dollars = bank.accounts_of(customer).first().is_none_or(|account| account.currency == Currency::USD);
    let house = rng.range(1, 199);
    let (address, telephone) = if dollars {
        let address = json!({ "line1": format!("{house} Example Street"), "city": "Springfield", "region": "IL",
            "postalCode": "62701", "country": "US", "type": "HOME", "primary": true });
        let number = format!("217555{:04}", rng.range(100, 199));
        (address, json!({ "type": "PERSONAL", "country": "1", "number": number, "primary": true }))
    } else {
        let address = json!({ "line1": format!("Block 4, House {house}"), "city": "Kuwait City",
            "country": "KW", "type": "HOME", "primary": true });
        let number = format!("000{:05}", rng.range(0, 99_999));
        (address, json!({ "type": "PERSONAL", "country": "965", "number": number, "primary": true }))
    };
    out.insert("emails".to_owned(), json!([format!("{}@example.com", customer.username)]));
    out.insert("addresses".to_owned(), json!([address]));
    out.insert("telephones".to_owned(), json!([telephone]));
    out
}

fn born(customer: &Customer) -> Option<Date> {
    let mut rng = Prng::labelled(&[&customer.id, "born"]);
    let year = i16::try_from(rng.range(1_955, 2_004)).ok()?;
    let (month, day) = (i8::try_from(rng.range(1, 12)).ok()?, i8::try_from(rng.range(1, 28)).ok()?);
    Date::new(year, month, day).ok().filter(|_| !customer.imported)
}

/// What these clusters tell of a person.
fn person(customer: &Customer, clusters: &BTreeSet<Cluster>) -> Map<String, Value> {
    let mut out = Map::new();
    if clusters.contains(&Cluster::CustomerContact) {
        out.insert("name".to_owned(), json!({ "first": customer.first, "last": customer.last }));
    }
    if clusters.contains(&Cluster::CustomerPersonal)
        && let Some(date) = born(customer)
    {
        out.insert("dateOfBirth".to_owned(), json!(date));
    }
    out
}

/// The consent's customer. The identifier needs no cluster: the token stands for them.
fn current(app: &Shared, consented: &Consented) -> Result<Value, FdxError> {
    let consent = &consented.consent;
    app.bank(consented.brand, |bank, _| {
        let customer = bank.customers.get(&consent.customer_id)?;
        let mut out = person(customer, &consent.clusters);
        out.insert("customerId".to_owned(), json!(customer.id));
        out.insert("type".to_owned(), json!("CONSUMER"));
        if consent.clusters.contains(&Cluster::CustomerContact) {
            out.append(&mut reached_at(bank, customer));
            let own = consent.account_ids.iter();
            let own = own.filter(|id| consent.clusters_of(id).contains(&Cluster::CustomerContact));
            let accounts: Vec<Value> =
                own.map(|id| json!({ "accountId": id, "relationship": "PRIMARY" })).collect();
            out.insert("accounts".to_owned(), json!(accounts));
        }
        Some(Value::Object(out))
    })
    .flatten()
    .ok_or_else(not_found)
}

/// `GET /customers/current` (getCustomerInfo).
pub(crate) async fn me(State(app): State<Shared>, consented: Consented) -> Result<Json<Value>, FdxError> {
    current(&app, &consented).map(Json)
}

/// `GET /customers` (getCustomers): a consent has one.
pub(crate) async fn list(
    State(app): State<Shared>,
    consented: Consented,
    Query(params): Query,
) -> Result<Json<Value>, FdxError> {
    let rows = vec![current(&app, &consented)?];
    let base = format!("{}/fdx/v6/customers", app.issuer(consented.brand));
    paging::list("customers", rows, &params, (&base, &[])).map(Json)
}

/// `GET /customers/{customerId}` (getCustomer): nobody but the consent's own.
pub(crate) async fn one(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    if id != consented.consent.customer_id {
        return Err(not_found());
    }
    current(&app, &consented).map(Json)
}

/// `GET /accounts/{accountId}/contact` (getAccountContact): who holds it.
pub(crate) async fn contact(
    State(app): State<Shared>,
    consented: Consented,
    Path((_, account_id)): Path<(String, String)>,
) -> Result<Json<Value>, FdxError> {
    consented.need_of(&account_id, &[Cluster::CustomerContact, Cluster::CustomerPersonal])?;
    let clusters = consented.consent.clusters_of(&account_id);
    app.bank(consented.brand, |bank, _| {
        let customer = bank.customers.get(&bank.accounts.get(&account_id)?.customer_id)?;
        let mut holder = person(customer, &clusters);
        holder.insert("relationship".to_owned(), json!("PRIMARY"));
        let mut out = Map::new();
        if clusters.contains(&Cluster::CustomerContact) {
            out = reached_at(bank, customer);
        }
        out.insert("holders".to_owned(), json!([holder]));
        Some(Json(Value::Object(out)))
    })
    .flatten()
    .ok_or_else(FdxError::account_not_found)
}
