//! The till: the page on which a demonstration makes things happen.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::text::Text;
use super::{BROWSER_COOKIE, Form, Frame, cookie, error, go, html, language, query, set_cookie};
use crate::app::{App, AtBank, Shared};
use crate::bank::Bank;
use crate::brand::Brand;
use crate::limits;
use crate::model::{Account, AccountKind, TxnState};
use crate::money::Currency;
use crate::records::EventStatus;
use crate::teller::{self, Refused, Where};

/// Shops on the page, with prices in US cents.
const CHIPS: [(&str, i64); 6] = [
    ("Blue Bottle Coffee", 450),
    ("Trader Joe's", 3_675),
    ("Careem", 1_240),
    ("مطعم بيت الشامي", 2_800),
    ("Amazon.com", 5_999),
    ("Café de Flore Paris", 1_870),
];
const SALARY_CENTS: i64 = 270_000;
const PURPOSE: &str = "till";

struct ChipRow {
    index: usize,
    name: &'static str,
    price: String,
    first: bool,
}

struct AccountRow {
    id: String,
    name: &'static str,
    number: String,
    balance: String,
    available: String,
    currency: String,
    chosen: bool,
}

struct TxnRow {
    id: String,
    name: String,
    when: String,
    amount: String,
    currency: String,
    credit: bool,
    pending: bool,
}

#[derive(Template)]
#[template(path = "till.html")]
struct TillPage {
    frame: Frame,
    action: String,
    form_token: String,
    /// User name, name, chosen.
    customers: Vec<(String, String, bool)>,
    customer: String,
    account: String,
    accounts: Vec<AccountRow>,
    chips: Vec<ChipRow>,
    currency: String,
    rows: Vec<TxnRow>,
    delivered: usize,
    waiting: usize,
    told: bool,
    done: Option<&'static str>,
    failed: Option<&'static str>,
}

fn price(cents: i64, currency: Currency) -> i64 {
    let minor = Currency::USD.convert(cents, currency).unwrap_or(cents);
    if currency.exponent() == 3 { minor / 5 * 5 } else { minor }
}

/// What the last button said, by its word in the address.
fn outcome(text: &Text, word: &str) -> (Option<&'static str>, Option<&'static str>) {
    match word {
        "buy" => (Some(text.done_buy), None),
        "post" => (Some(text.done_post), None),
        "salary" => (Some(text.done_salary), None),
        "refund" => (Some(text.done_refund), None),
        "reverse" => (Some(text.done_reverse), None),
        "funds" => (None, Some(text.fail_funds)),
        "amount" => (None, Some(text.fail_amount)),
        "shop" => (None, Some(text.fail_shop)),
        "state" => (None, Some(text.fail_state)),
        "missing" => (None, Some(text.fail_missing)),
        "store" => (None, Some(text.error_store)),
        _ => (None, None),
    }
}

/// `GET …/till`.
pub(crate) async fn till(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let params = query(&uri);
    let lang = language(&params, None, &headers);
    let browser = cookie(&headers, BROWSER_COOKIE).map_or_else(|| app.secret(), str::to_owned);
    let arabic = lang.is_arabic();
    let page = app.bank(brand, |bank, _| {
        let customer = params
            .get("c")
            .and_then(|username| bank.customer_by_username(username))
            .or_else(|| bank.customer_by_username("layla"))
            .or_else(|| bank.customers.values().next())?;
        let own = bank.accounts_of(customer);
        let chosen = own
            .iter()
            .find(|account| params.get("a") == Some(account.id.as_str()))
            .or_else(|| own.iter().find(|account| account.kind == AccountKind::CreditCard))
            .or_else(|| own.first())?;
        let here = format!("/{}/till?c={}&a={}", brand.id, customer.username, chosen.id);
        let frame = Frame::new(brand, lang, &here);
        let (done, failed) = outcome(frame.t, params.get("said").unwrap_or_default());
        let count = |status| bank.events.values().filter(|event| event.status == status).count();
        let customers = bank.customers_in_order();
        Some(TillPage {
            action: format!("/{}/till?lang={}", brand.id, lang.code()),
            form_token: app.form_token(&browser, PURPOSE),
            customers: customers
                .iter()
                .map(|other| (other.username.clone(), other.name_in(arabic), other.id == customer.id))
                .collect(),
            customer: customer.username.clone(),
            account: chosen.id.clone(),
            accounts: own.iter().map(|account| account_row(account, chosen, arabic)).collect(),
            chips: chips(chosen.currency),
            currency: chosen.currency.code().to_owned(),
            rows: rows(chosen),
            delivered: count(EventStatus::Delivered),
            waiting: count(EventStatus::Waiting),
            told: is_told(&app, bank, chosen),
            done,
            failed,
            frame,
        })
    });
    let Some(page) = page.flatten() else {
        return error(brand, lang, StatusCode::NOT_FOUND, lang.text().error_missing, None);
    };
    let mut response = html(StatusCode::OK, &page);
    set_cookie(&app, brand, &mut response, BROWSER_COOKIE, &browser);
    response
}

fn is_told(app: &App, bank: &Bank, account: &Account) -> bool {
    let now = app.now();
    bank.consents.values().any(|consent| consent.is_active(now) && consent.account_ids.contains(&account.id))
}

fn account_row(account: &Account, chosen: &Account, arabic: bool) -> AccountRow {
    let balances = account.balances();
    let shown = if account.kind.is_deposit() {
        balances.ledger_minor
    } else {
        balances.ledger_minor.saturating_neg()
    };
    AccountRow {
        id: account.id.clone(),
        name: account.product_in(arabic),
        number: account.last_digits.clone(),
        balance: account.currency.grouped(shown),
        available: account.currency.grouped(balances.available_minor),
        currency: account.currency.code().to_owned(),
        chosen: account.id == chosen.id,
    }
}

fn chips(currency: Currency) -> Vec<ChipRow> {
    CHIPS
        .iter()
        .enumerate()
        .map(|(index, (name, cents))| ChipRow {
            index,
            name,
            price: currency.grouped(price(*cents, currency)),
            first: index == 0,
        })
        .collect()
}

fn rows(account: &Account) -> Vec<TxnRow> {
    account
        .visible()
        .rev()
        .take(limits::TILL_ROWS)
        .map(|txn| TxnRow {
            id: txn.id.clone(),
            name: txn.merchant.clone().unwrap_or_else(|| txn.description.clone()),
            when: txn.at.strftime("%Y-%m-%d %H:%M").to_string(),
            amount: account.currency.grouped(txn.amount_minor.saturating_abs()),
            currency: account.currency.code().to_owned(),
            credit: txn.amount_minor > 0,
            pending: txn.state == TxnState::Pending,
        })
        .collect()
}

/// `POST …/till`: does it and shows the page again.
pub(crate) async fn till_post(
    State(app): State<Shared>,
    AtBank(brand): AtBank,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let params = query(&uri);
    let lang = language(&params, None, &headers);
    let form = Form::parse(&body);
    let browser = cookie(&headers, BROWSER_COOKIE).unwrap_or_default();
    if !app.form_token_ok(browser, PURPOSE, form.get("form_token").unwrap_or_default()) {
        return error(brand, lang, StatusCode::FORBIDDEN, lang.text().error_form, None);
    }
    let said = match act(&app, brand, &form) {
        Ok(word) => word,
        Err(Refused::NoFunds) => "funds",
        Err(Refused::Amount(_) | Refused::Currency) => "amount",
        Err(Refused::Merchant) => "shop",
        Err(Refused::State) => "state",
        Err(Refused::NoCustomer | Refused::NoAccount | Refused::NoTransaction) => "missing",
        Err(Refused::Store(problem)) => {
            tracing::error!(error = %problem, "the till could not store");
            "store"
        }
    };
    let to = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("c", form.get("customer").unwrap_or_default())
        .append_pair("a", form.get("account").unwrap_or_default())
        .append_pair("said", said)
        .append_pair("lang", lang.code())
        .finish();
    go(&format!("/{}/till?{to}", brand.id))
}

fn act(app: &App, brand: &'static Brand, form: &Form) -> Result<&'static str, Refused> {
    let customer = form.get("customer").ok_or(Refused::NoCustomer)?;
    let account_id = form.get("account").ok_or(Refused::NoAccount)?;
    let at = Where { customer, account_id: Some(account_id), or_kind: AccountKind::CreditCard };
    let currency = app
        .bank(brand, |bank, _| bank.accounts.get(account_id).map(|account| account.currency))
        .flatten()
        .ok_or(Refused::NoAccount)?;
    let chip =
        form.get("chip").and_then(|index| index.parse::<usize>().ok()).and_then(|index| CHIPS.get(index));
    let shop = form.get("shop").or(chip.map(|(name, _)| *name)).ok_or(Refused::Merchant);
    // A price belongs to its chip; a shop written by hand needs its amount written too.
    let listed = chip
        .filter(|_| form.get("shop").is_none())
        .map(|(_, cents)| currency.decimal(price(*cents, currency)));
    let amount = form.get("amount").map(str::to_owned).or(listed);
    let no_amount = || Refused::Amount("the amount is missing".to_owned());
    match form.get("do").unwrap_or_default() {
        "buy" => {
            teller::purchase(app, brand, &at, shop?, &amount.ok_or_else(no_amount)?, None).map(|_| "buy")
        }
        "refund" => teller::refund(app, brand, &at, shop?, &amount.ok_or_else(no_amount)?).map(|_| "refund"),
        "salary" => {
            let at = Where { customer, account_id: None, or_kind: AccountKind::Checking };
            let paid_in = app
                .bank(brand, |bank, _| {
                    let own = bank.accounts_of(bank.customer_by_username(customer)?);
                    own.iter()
                        .find(|a| a.kind == AccountKind::Checking)
                        .or_else(|| own.first())
                        .map(|a| a.currency)
                })
                .flatten()
                .ok_or(Refused::NoAccount)?;
            let pay = paid_in.decimal(price(SALARY_CENTS, paid_in));
            teller::deposit(app, brand, &at, "NORTHWIND LABS PAYROLL", &pay, true).map(|_| "salary")
        }
        "post" => {
            let id = form.get("transaction").ok_or(Refused::NoTransaction)?;
            teller::post(app, brand, id, form.get("final")).map(|_| "post")
        }
        "reverse" => {
            let id = form.get("transaction").ok_or(Refused::NoTransaction)?;
            teller::reverse(app, brand, id).map(|_| "reverse")
        }
        _ => Err(Refused::State),
    }
}
