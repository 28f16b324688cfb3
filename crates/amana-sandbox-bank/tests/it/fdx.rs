//! The data API.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::util::{Running, basic, json_of, start};

async fn access(bank: &Running, pick: &[usize]) -> String {
    bank.link(&bank.ask(), pick).await["access_token"].as_str().unwrap().to_owned()
}

async fn code_of(bank: &Running, token: &str, path: &str) -> (u16, String) {
    let response = bank.get(token, &bank.fdx(path)).await;
    let status = response.status().as_u16();
    (status, json_of(response).await["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn accounts_are_flat_exact_and_only_the_consented_ones() {
    let bank = start().await;
    let token = access(&bank, &[0, 2]).await;
    let light = bank.get_ok(&token, &bank.fdx("/accounts")).await;
    assert!(
        light["accounts"].as_array().unwrap().iter().all(|account| account.get("currentBalance").is_none())
    );
    let accounts = bank.accounts(&token).await;
    let categories: BTreeSet<&str> =
        accounts.iter().map(|a| a["accountCategory"].as_str().unwrap()).collect();
    assert_eq!(categories, BTreeSet::from(["DEPOSIT_ACCOUNT", "LOC_ACCOUNT"]));
    for account in &accounts {
        assert_eq!(account["currency"]["currencyCode"], "USD");
        let balance = account["currentBalance"].to_string();
        assert_eq!(balance.split_once('.').unwrap().1.len(), 2, "{balance}");
        assert!(account.get("creditLine").is_none(), "ACCOUNT_DETAILED was not granted");
        let id = account["accountId"].as_str().unwrap();
        let single = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{id}"))).await;
        assert_eq!(single["currentBalance"], account["currentBalance"]);
    }
    // The savings account exists, but not for this consent.
    let all = access(&bank, &[0, 1, 2]).await;
    let savings =
        bank.accounts(&all).await.iter().find(|a| a["accountType"] == "SAVINGS").unwrap()["accountId"]
            .clone();
    let savings = savings.as_str().unwrap();
    assert_eq!(code_of(&bank, &token, &format!("/accounts/{savings}")).await, (404, "701".to_owned()));
    assert_eq!(
        code_of(&bank, &token, &format!("/accounts/{savings}/transactions")).await,
        (404, "701".to_owned())
    );
    // Page by page.
    let first = bank.get_ok(&all, &bank.fdx("/accounts?limit=2")).await;
    let rest = bank.get_ok(&all, first["links"]["next"]["href"].as_str().unwrap()).await;
    assert_eq!(
        (first["accounts"].as_array().unwrap().len(), rest["accounts"].as_array().unwrap().len()),
        (2, 1)
    );
    assert!(rest["page"].get("nextPageKey").is_none());
}

#[tokio::test]
async fn headers_and_tokens_are_checked() {
    let bank = start().await;
    let token = access(&bank, &[0]).await;
    let url = bank.fdx("/accounts");
    let without = bank.http.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(without.status(), StatusCode::BAD_REQUEST);
    let id = "0b2f5f0e-9c3a-4a53-9f0a-000000000001";
    let odd =
        bank.http.get(&url).bearer_auth(&token).header("x-fapi-interaction-id", "1").send().await.unwrap();
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    let anonymous = bank.http.get(&url).header("x-fapi-interaction-id", id).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(anonymous.headers()["x-fapi-interaction-id"], id);
    assert!(anonymous.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(json_of(anonymous).await["code"], "603");
    for scheme in ["Basic abc", "Bearer", "Bearer nonsense"] {
        let request = bank.http.get(&url).header("x-fapi-interaction-id", id).header("authorization", scheme);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{scheme}");
    }
    // A token of one institution is none at another.
    let other = url.replace("cedar-bank", "harbor-bank");
    assert_eq!(bank.get(&token, &other).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(code_of(&bank, &token, "/nothing").await, (404, "1107".to_owned()));
    let request = bank.http.delete(&url).bearer_auth(&token).header("x-fapi-interaction-id", id);
    assert_eq!(json_of(request.send().await.unwrap()).await["code"], "1206");
}

#[tokio::test]
async fn fields_follow_the_clusters() {
    let bank = start().await;
    let mut ask = bank.ask();
    ask.insert("scope", "fdx:accountbasic:read".to_owned());
    let basic_only = bank.link(&ask, &[0]).await["access_token"].as_str().unwrap().to_owned();
    let account = &bank.accounts(&basic_only).await[0];
    for field in ["currentBalance", "availableBalance", "balanceAsOf"] {
        assert!(account.get(field).is_none(), "{field} without BALANCES");
    }
    let id = account["accountId"].as_str().unwrap();
    assert_eq!(
        code_of(&bank, &basic_only, &format!("/accounts/{id}/transactions")).await,
        (403, "403".to_owned())
    );
    assert!(bank.get_ok(&basic_only, &bank.fdx("/customers/current")).await.get("name").is_none());
    ask.insert("scope", "fdx:accountdetailed:read fdx:customercontact:read".to_owned());
    let detailed = bank.link(&ask, &[2]).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bank.accounts(&detailed).await[0]["creditLine"].to_string(), "10000.00");
    assert_eq!(bank.get_ok(&detailed, &bank.fdx("/customers/current")).await["name"]["first"], "Layla");
    ask.insert("scope", "fdx:transactions:read".to_owned());
    let transactions = bank.link(&ask, &[2]).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(code_of(&bank, &transactions, "/accounts").await, (403, "403".to_owned()));
}

#[tokio::test]
async fn pages_hold_every_transaction_once() {
    let bank = start().await;
    let token = access(&bank, &[2]).await;
    let id = bank.accounts(&token).await[0]["accountId"].as_str().unwrap().to_owned();
    let whole = bank
        .get_ok(
            &token,
            &bank.fdx(&format!(
                "/accounts/{id}/transactions?startDate=2025-11-01&endDate=2026-11-30&limit=500"
            )),
        )
        .await;
    let total = whole["page"]["totalElements"].as_u64().unwrap();
    assert!(total > 300, "{total}");
    let mut url = bank.fdx(&format!(
        "/accounts/{id}/transactions?startTime=2025-11-01T00:00:00Z&endTime=2026-11-30T00:00:00Z&limit=37"
    ));
    let mut seen = BTreeSet::new();
    let mut last = String::from("~");
    let mut pages = 0;
    loop {
        let body = bank.get_ok(&token, &url).await;
        pages += 1;
        for row in body["transactions"].as_array().unwrap() {
            assert!(seen.insert(row["transactionId"].as_str().unwrap().to_owned()), "a row came twice");
            let at = row["transactionTimestamp"].as_str().unwrap().to_owned();
            assert!(at <= last, "not newest first");
            last = at;
            let amount = row["amount"].to_string();
            assert!(!amount.starts_with('-') && amount.contains('.'), "{amount}");
        }
        match body["links"]["next"]["href"].as_str() {
            Some(next) => {
                assert!(next.contains(body["page"]["nextPageKey"].as_str().unwrap()));
                url = next.to_owned();
            }
            None => break,
        }
    }
    assert_eq!(seen.len() as u64, total);
    assert_eq!(pages, total.div_ceil(37));
    for wrong in ["limit=0", "limit=-1", "limit=x", "pageKey=nonsense", "limit=1&limit=2"] {
        let (status, code) = code_of(&bank, &token, &format!("/accounts/{id}/transactions?{wrong}")).await;
        assert_eq!((status, code.as_str()), (400, "401"), "{wrong}");
    }
}

#[tokio::test]
async fn dates_are_checked_and_default_to_a_week() {
    let bank = start().await;
    let token = access(&bank, &[2]).await;
    let id = bank.accounts(&token).await[0]["accountId"].as_str().unwrap().to_owned();
    let path = |query: &str| format!("/accounts/{id}/transactions?{query}");
    for (query, code) in [
        ("startDate=2026-11-01", "703"),
        ("startDate=", "401"),
        ("startDate=2026-11-01&endDate=", "401"),
        ("endTime=2026-11-01T00:00:00Z", "703"),
        ("startDate=2026-11-02&endDate=2026-11-01", "703"),
        ("startTime=2026-11-02T00:00:00Z&endTime=2026-11-01T00:00:00Z", "703"),
        (
            "startDate=2026-11-01&endDate=2026-11-02&startTime=2026-11-01T00:00:00Z&endTime=2026-11-02T00:00:00Z",
            "703",
        ),
        ("startDate=2001-01-01&endDate=2001-02-01", "703"),
        ("startDate=01.11.2026&endDate=2026-11-02", "702"),
        ("startDate=2026-02-30&endDate=2026-11-02", "702"),
        ("startTime=yesterday&endTime=2026-11-01T00:00:00Z", "702"),
    ] {
        assert_eq!(code_of(&bank, &token, &path(query)).await, (400, code.to_owned()), "{query}");
    }
    let week = bank.get_ok(&token, &bank.fdx(&path(""))).await;
    let rows = week["transactions"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["transactionTimestamp"].as_str().unwrap() >= "2026-11-17T15:30:00Z"));
    // Ends are included.
    let at = rows[0]["transactionTimestamp"].as_str().unwrap();
    let exact = bank.get_ok(&token, &bank.fdx(&path(&format!("startTime={at}&endTime={at}")))).await;
    assert_eq!(exact["transactions"][0]["transactionId"], rows[0]["transactionId"]);
    let day = &at[..10];
    let day = bank.get_ok(&token, &bank.fdx(&path(&format!("startDate={day}&endDate={day}")))).await;
    assert!(day["transactions"].as_array().unwrap().contains(&rows[0]));
}

#[tokio::test]
async fn a_purchase_is_pending_then_posts_under_another_id() {
    let bank = start().await;
    let token = access(&bank, &[2]).await;
    let before = bank.accounts(&token).await[0].clone();
    let id = before["accountId"].as_str().unwrap();
    let (status, bought) = bank
        .control("purchase", json!({ "customer": "layla", "merchant": "Blue Bottle Coffee", "amount": 4.50 }))
        .await;
    assert_eq!(status, StatusCode::OK, "{bought}");
    let list = bank.fdx(&format!("/accounts/{id}/transactions"));
    let row = bank.get_ok(&token, &list).await["transactions"][0].clone();
    assert_eq!(row["transactionId"], bought["transactionId"]);
    assert_eq!(row["status"], "AUTHORIZATION");
    assert_eq!(row["debitCreditMemo"], "DEBIT");
    assert_eq!(row["amount"].to_string(), "4.50");
    assert_eq!(row["transactionPayee"]["merchantName"]["name1"], "Blue Bottle Coffee");
    assert_eq!(row["categoryCode"], "5814");
    let held = bank.accounts(&token).await[0].clone();
    assert_eq!(held["currentBalance"], before["currentBalance"]);
    assert_eq!(cents(&before["availableCredit"]) - cents(&held["availableCredit"]), 450);
    // It posts with a tip.
    let (_, posted) =
        bank.control("post", json!({ "transactionId": bought["transactionId"], "amount": "5.40" })).await;
    let row = bank.get_ok(&token, &list).await["transactions"][0].clone();
    assert_eq!(row["transactionId"], posted["transactionId"]);
    assert_ne!(posted["transactionId"], bought["transactionId"]);
    assert_eq!(row["referenceTransactionId"], bought["transactionId"]);
    assert_eq!((row["status"].as_str(), row["amount"].to_string()), (Some("POSTED"), "5.40".to_owned()));
    let after = bank.accounts(&token).await[0].clone();
    assert_eq!(cents(&after["currentBalance"]) - cents(&before["currentBalance"]), 540);
    assert_eq!(
        bank.control("post", json!({ "transactionId": bought["transactionId"] })).await.0,
        StatusCode::CONFLICT
    );
    // And is taken back, once.
    let (_, reversed) = bank.control("reverse", json!({ "transactionId": posted["transactionId"] })).await;
    assert_eq!(reversed["referenceTransactionId"], posted["transactionId"]);
    assert_eq!(bank.accounts(&token).await[0]["currentBalance"], before["currentBalance"]);
    assert_eq!(
        bank.control("reverse", json!({ "transactionId": posted["transactionId"] })).await.0,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn the_till_refuses_what_is_wrong() {
    let bank = start().await;
    for (what, body, status) in [
        ("purchase", json!({ "customer": "nobody", "merchant": "X", "amount": 1 }), 404),
        ("purchase", json!({ "customer": "layla", "merchant": " ", "amount": 1 }), 400),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": 0 }), 400),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": 1.005 }), 400),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": "1e6" }), 400),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": 999_999 }), 409),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": 1, "currency": "XTS" }), 400),
        ("purchase", json!({ "customer": "layla", "merchant": "X", "amount": 1, "colour": "red" }), 422),
        ("post", json!({ "transactionId": "none" }), 404),
        ("redeliver", json!({ "last": 1 }), 404),
    ] {
        assert_eq!(bank.control(what, body.clone()).await.0.as_u16(), status, "{what} {body}");
    }
    let form =
        bank.http.post(bank.url("/control/purchase")).form(&[("customer", "layla")]).send().await.unwrap();
    assert_eq!(form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn three_decimal_places_and_purchases_abroad() {
    let bank = start().await;
    let (_, deposit) = bank.control("deposit", json!({ "customer": "noura", "amount": "12.345" })).await;
    let (status, bought) = bank.control("purchase", json!({ "customer": "noura", "merchant": "Café de Flore Paris", "amount": "10.00", "currency": "EUR" })).await;
    assert_eq!(status, StatusCode::OK, "{bought}");
    let mut browser = crate::util::Browser::new(&bank);
    let page = browser.sign_in(&bank.ask(), "noura").await;
    let accounts = page.all("input[name=account]", "value");
    let chosen: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let back = crate::util::callback(&browser.decide(&page, "allow", &chosen).await);
    let token = bank.exchange(&back["code"]).await.1["access_token"].as_str().unwrap().to_owned();
    for account in bank.accounts(&token).await {
        assert_eq!(account["currency"]["currencyCode"], "KWD");
        assert_eq!(account["currentBalance"].to_string().split_once('.').unwrap().1.len(), 3);
    }
    let newest = async |account: &Value| {
        bank.get_ok(&token, &bank.fdx(&format!("/accounts/{}/transactions", account.as_str().unwrap()))).await
            ["transactions"][0]
            .clone()
    };
    assert_eq!(newest(&deposit["accountId"]).await["amount"].to_string(), "12.345");
    let row = newest(&bought["accountId"]).await;
    assert_eq!(row["foreignCurrency"], "EUR");
    assert_eq!(row["foreignAmount"].to_string(), "10.00");
    assert_eq!(row["amount"].to_string(), "3.323");
}

#[tokio::test]
async fn a_revoked_consent_ends_everything_at_once() {
    let bank = start().await;
    let answer = bank.link(&bank.ask(), &[0]).await;
    let (token, consent) = (answer["access_token"].as_str().unwrap(), answer["grant_id"].as_str().unwrap());
    let (_, own) = bank.token(&[("grant_type", "client_credentials")]).await;
    let own = own["access_token"].as_str().unwrap();
    let url = bank.fdx(&format!("/consents/{consent}/revocation"));
    let revoke = async |token: &str, body: Value| {
        let request = bank
            .http
            .put(&url)
            .bearer_auth(token)
            .header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a");
        request
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap()
            .status()
    };
    let right = json!({ "reason": "USER_ACTION", "initiator": "INDIVIDUAL" });
    assert_eq!(revoke(own, json!({ "reason": "BOREDOM" })).await, StatusCode::BAD_REQUEST);
    // A client's own token reaches consents, not customers' data; another grant's token does not reach this consent.
    assert_eq!(bank.get(own, &bank.fdx("/accounts")).await.status(), StatusCode::FORBIDDEN);
    let other = access(&bank, &[1]).await;
    assert_eq!(revoke(&other, right.clone()).await, StatusCode::NOT_FOUND);
    assert_eq!(revoke(token, right.clone()).await, StatusCode::NO_CONTENT);
    assert_eq!(bank.get(token, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
    let refresh = answer["refresh_token"].as_str().unwrap();
    let (_, refreshed) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(refreshed["error"], "invalid_grant");
    assert_eq!(revoke(own, right).await, StatusCode::CONFLICT);
    let grant = bank.get_ok(own, &bank.fdx(&format!("/consents/{consent}"))).await;
    assert_eq!(grant["status"], "REVOKED");
    let history = bank.get_ok(own, &url).await;
    assert_eq!(history["revocations"][0]["initiator"], "INDIVIDUAL");
    assert_eq!(bank.get_ok(own, &bank.fdx("/availability")).await["availability"][0]["status"], "ALIVE");
    assert_eq!(bank.get_ok(own, &bank.fdx("/capability")).await["fdxVersions"], json!(["V6.4.0", "V6.6.0"]));
}

#[tokio::test]
async fn a_consent_runs_out() {
    let bank = start().await;
    let answer = bank.link(&bank.ask(), &[0]).await;
    bank.clock.forward(366 * 86_400);
    let refresh = answer["refresh_token"].as_str().unwrap();
    let (_, refreshed) = bank.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
    assert_eq!(refreshed["error"], "invalid_grant");
}

#[tokio::test]
async fn faults_strike_and_go_away() {
    let bank = start().await;
    let token = access(&bank, &[0]).await;
    let url = bank.fdx("/accounts");
    for (kind, status) in
        [("too_many_requests", 429), ("unavailable", 503), ("server_error", 500), ("unauthorized", 401)]
    {
        let (ok, _) = bank.control("fault", json!({ "kind": kind, "times": 1, "retryAfter": 7 })).await;
        assert_eq!(ok, StatusCode::OK);
        let response = bank.get(&token, &url).await;
        assert_eq!(response.status().as_u16(), status);
        assert!(response.headers().contains_key("x-fapi-interaction-id"));
        if matches!(status, 429 | 503) {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert_eq!(bank.get(&token, &url).await.status(), StatusCode::OK);
    }
    bank.control("fault", json!({ "kind": "nonsense", "path": "/transactions" })).await;
    assert!(bank.get(&token, &url).await.json::<Value>().await.is_ok());
    let id = bank.accounts(&token).await[0]["accountId"].as_str().unwrap().to_owned();
    let list = bank.fdx(&format!("/accounts/{id}/transactions"));
    assert!(bank.get(&token, &list).await.json::<Value>().await.is_err());
    bank.control("fault", json!({ "kind": "none" })).await;
    assert!(bank.get(&token, &list).await.json::<Value>().await.is_ok());
    bank.control("fault", json!({ "kind": "slow", "ms": 300, "times": 1 })).await;
    let begun = std::time::Instant::now();
    bank.get_ok(&token, &url).await;
    assert!(begun.elapsed().as_millis() >= 300);
    bank.control("fault", json!({ "kind": "unavailable", "place": "token", "times": 1 })).await;
    let response = bank
        .http
        .post(bank.url("/token"))
        .header("authorization", basic())
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// An amount with two places, in its hundredths.
fn cents(value: &Value) -> i64 {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

#[tokio::test]
async fn numbers_of_a_fault_are_whole_however_they_are_written_and_in_bounds() {
    let bank = start().await;
    let fault = |what: Value| async { bank.control("fault", what).await.0 };
    assert_eq!(fault(json!({ "kind": "slow", "times": 2.0, "ms": 1 })).await, StatusCode::OK);
    for wrong in [json!(1.5), json!(-1), json!(120_001), json!("1"), json!(1e30)] {
        let status = fault(json!({ "kind": "slow", "ms": wrong })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}
