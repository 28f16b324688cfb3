//! What a client must survive, on demand, and life that goes on.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::util::{Running, json_of, start, start_with};

async fn access(bank: &Running) -> String {
    bank.link(&bank.ask(), &[0, 1, 2]).await["access_token"].as_str().unwrap().to_owned()
}

async fn fault(bank: &Running, kind: &str) {
    assert_eq!(bank.control("fault", json!({ "kind": "none" })).await.0, StatusCode::OK);
    assert_eq!(bank.control("fault", json!({ "kind": kind })).await.0, StatusCode::OK);
}

fn ids(body: &Value, list: &str, id: &str) -> Vec<String> {
    body[list].as_array().unwrap().iter().map(|row| row[id].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_partial_doubled_or_renamed_while_the_fault_lasts() {
    let bank = start().await;
    let token = access(&bank).await;
    let accounts = bank.get_ok(&token, &bank.fdx("/accounts?resultType=details")).await;
    let all = ids(&accounts, "accounts", "accountId");
    let path = format!("/accounts/{}/transactions?startDate=2025-11-01&endDate=2026-11-30&limit=20", all[0]);
    let plain = bank.get_ok(&token, &bank.fdx(&path)).await;
    let before = ids(&plain, "transactions", "transactionId");
    assert_eq!(before.len(), 20);

    fault(&bank, "partial").await;
    let response = bank.get(&token, &bank.fdx("/accounts?resultType=details")).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let rows = json_of(response).await["accounts"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].get("error").is_none() && rows[1]["error"]["code"] == "704");
    assert_eq!(rows[1]["accountId"], all[1].as_str());
    assert!(rows[1].get("currentBalance").is_none());
    let response = bank.get(&token, &bank.fdx(&path)).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(ids(&json_of(response).await, "transactions", "transactionId"), before[..10]);

    fault(&bank, "duplicates").await;
    let twice = ids(&bank.get_ok(&token, &bank.fdx(&path)).await, "transactions", "transactionId");
    assert_eq!(twice, before.iter().flat_map(|id| [id.clone(), id.clone()]).collect::<Vec<_>>());

    fault(&bank, "changed_ids").await;
    let renamed = bank.get_ok(&token, &bank.fdx(&path)).await;
    let other = ids(&renamed, "transactions", "transactionId");
    assert!(other.iter().zip(&before).all(|(new, old)| new != old));
    assert_eq!(renamed["transactions"][0]["amount"], plain["transactions"][0]["amount"]);
    assert_eq!(ids(&bank.get_ok(&token, &bank.fdx(&path)).await, "transactions", "transactionId"), other);

    fault(&bank, "none").await;
    assert_eq!(ids(&bank.get_ok(&token, &bank.fdx(&path)).await, "transactions", "transactionId"), before);
}

#[tokio::test]
async fn every_fault_happens_where_it_can_and_nowhere_else() {
    let bank = start().await;
    let (api, token, sent) = ("fdx", "token", "notifications");
    let places: [(&str, &[&str]); 13] = [
        ("too_many_requests", &[api, token]),
        ("unavailable", &[api, token]),
        ("server_error", &[api, token]),
        ("unauthorized", &[api, token]),
        ("slow", &[api, token, sent]),
        ("nonsense", &[api, token, sent]),
        ("partial", &[api]),
        ("duplicates", &[api, sent]),
        ("changed_ids", &[api]),
        ("other_subject", &[token]),
        ("reordered", &[sent]),
        ("forged", &[sent]),
        ("misdirected", &[sent]),
    ];
    for (kind, own) in places {
        for place in [api, token, sent] {
            let (status, _) = bank.control("fault", json!({ "kind": kind, "place": place })).await;
            let wanted = if own.contains(&place) { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            assert_eq!(status, wanted, "{kind} at {place}");
        }
    }
}

#[tokio::test]
async fn a_refresh_brings_an_id_token_of_the_same_person_but_for_a_fault() {
    let bank = start().await;
    let linked = bank.link(&bank.ask(), &[0]).await;
    let claims = |answer: &Value| -> Value {
        let part = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let first = claims(&linked);
    let token = linked["refresh_token"].as_str().unwrap();
    bank.clock.forward(600);
    let again =
        async || claims(&bank.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await.1);
    let fresh = again().await;
    for same in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(fresh[same], first[same], "{same}");
    }
    assert_ne!(fresh["iat"], first["iat"]);
    assert!(fresh.get("nonce").is_none());
    bank.control("fault", json!({ "kind": "other_subject", "place": "token", "times": 1 })).await;
    assert_ne!(again().await["sub"], first["sub"]);
    assert_eq!(again().await["sub"], first["sub"]);
}

#[tokio::test]
async fn a_consent_that_runs_out_takes_its_tokens_along_and_is_found_as_expired() {
    let bank = start().await;
    let linked = bank.link(&bank.ask(), &[0]).await;
    let token = linked["access_token"].as_str().unwrap();
    let own = |token: String| {
        let bank = &bank;
        async move { bank.token(&[("grant_type", "refresh_token"), ("refresh_token", &token)]).await }
    };
    let customer = bank.get_ok(token, &bank.fdx("/customers/current")).await["customerId"].clone();
    let search = format!("/consents?customerId={}", customer.as_str().unwrap());
    let (_, client) = bank.token(&[("grant_type", "client_credentials")]).await;
    let client = client["access_token"].as_str().unwrap();
    let found = bank.get_ok(client, &bank.fdx(&search)).await;
    assert_eq!(found["consentGrants"][0]["id"], linked["grant_id"]);
    assert_eq!(found["consentGrants"][0]["status"], "ACTIVE");

    let (status, _) = bank.control("expire", json!({ "customer": "nobody" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, said) = bank.control("expire", json!({ "customer": "layla" })).await;
    assert_eq!(said["expired"], 1);
    let response = bank.get(token, &bank.fdx("/accounts")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(json_of(response).await["code"], "602");
    let (status, refused) = own(linked["refresh_token"].as_str().unwrap().to_owned()).await;
    assert_eq!((status, refused["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    let count = |wanted: &'static str| {
        let (bank, search) = (&bank, &search);
        async move {
            let url = bank.fdx(&format!("{search}&status={wanted}"));
            bank.get_ok(client, &url).await["consentGrants"].as_array().unwrap().len()
        }
    };
    assert_eq!((count("ACTIVE").await, count("EXPIRED").await, count("REVOKED").await), (0, 1, 0));
    let (_, again) = bank.control("expire", json!({ "customer": "layla" })).await;
    assert_eq!(again["expired"], 0);
}

#[tokio::test]
async fn a_search_finds_the_clients_own_consents_and_with_a_customers_token_that_one() {
    let bank = start().await;
    let first = bank.link(&bank.ask(), &[0]).await;
    let second = bank.link(&bank.ask(), &[1]).await;
    let token = first["access_token"].as_str().unwrap();
    let customer = bank.get_ok(token, &bank.fdx("/customers/current")).await["customerId"].clone();
    let url = bank.fdx(&format!("/consents?customerId={}", customer.as_str().unwrap()));
    let own = bank.get_ok(token, &url).await;
    assert_eq!(ids(&own, "consentGrants", "id"), [first["grant_id"].as_str().unwrap()]);
    let (_, client) = bank.token(&[("grant_type", "client_credentials")]).await;
    let all = bank.get_ok(client["access_token"].as_str().unwrap(), &url).await;
    let mut all = ids(&all, "consentGrants", "id");
    all.sort();
    let mut wanted: Vec<String> =
        [&first, &second].map(|linked| linked["grant_id"].as_str().unwrap().to_owned()).into();
    wanted.sort();
    assert_eq!(all, wanted);
    for wrong in ["/consents", "/consents?customerId=x&status=PENDING"] {
        assert_eq!(bank.get(token, &bank.fdx(wrong)).await.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn who_holds_an_account_is_told_under_its_own_cluster_only() {
    let bank = start().await;
    let token = access(&bank).await;
    let id = bank.accounts(&token).await[0]["accountId"].as_str().unwrap().to_owned();
    let path = format!("/accounts/{id}/contact");
    assert_eq!(bank.get(&token, &bank.fdx(&path)).await.status(), StatusCode::FORBIDDEN);
    let mut ask = bank.ask();
    ask.insert("scope", "fdx:accountbasic:read fdx:customercontact:read".to_owned());
    let linked = bank.link(&ask, &[0, 1, 2]).await;
    let token = linked["access_token"].as_str().unwrap();
    let contact = bank.get_ok(token, &bank.fdx(&path)).await;
    assert_eq!(contact["holders"][0]["name"]["first"], "Layla");
}

#[tokio::test]
async fn life_goes_on_faster_with_holds_that_are_booked() {
    // A month of life in about half a minute.
    let bank = start_with(|config| config.speed_up = Some(100_000)).await;
    let token = access(&bank).await;
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen.clear();
        for account in bank.accounts(&token).await {
            let id = account["accountId"].as_str().unwrap();
            let url = bank.fdx(&format!("/accounts/{id}/transactions?limit=500"));
            let body = bank.get_ok(&token, &url).await;
            seen.extend(body["transactions"].as_array().unwrap().iter().cloned());
        }
        seen.retain(|txn| txn["transactionId"].as_str().unwrap().starts_with("txn_h"));
        let booked = seen.iter().any(|txn| txn.get("referenceTransactionId").is_some());
        let held = seen.iter().any(|txn| txn["status"] == "AUTHORIZATION");
        if booked && held && seen.len() > 10 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("20 seconds, and this is all that happened: {seen:?}");
}
