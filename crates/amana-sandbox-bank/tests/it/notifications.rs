//! FDX event notifications: who may subscribe, what is sent to whom, how the bank proves itself, and what goes wrong on
//! demand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::util::{Received, Receiver, Running, start_with};

const SCOPE: &str = "fdx:notifications:subscribe";

/// A bank whose client listens at this receiver.
async fn start_for(receiver: &Receiver) -> Running {
    let url = receiver.url.clone();
    start_with(|config| config.clients.iter_mut().for_each(|client| client.redirect_uris.push(url.clone())))
        .await
}

async fn own_token(bank: &Running, scope: Option<&str>) -> String {
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(scope.map(|scope| ("scope", scope)));
    let (status, body) = bank.token(&form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body.get("scope").and_then(Value::as_str), scope);
    body["access_token"].as_str().unwrap().to_owned()
}

async fn call(bank: &Running, token: &str, method: Method, path: &str, body: Option<Value>) -> Response {
    let request = bank
        .http
        .request(method, bank.fdx(path))
        .bearer_auth(token)
        .header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a");
    match body {
        Some(body) => request.json(&body),
        None => request,
    }
    .send()
    .await
    .unwrap()
}

fn wanted(kind: &str, category: &str, url: &str) -> Value {
    let subscriber = json!({ "name": "Amana", "type": "DATA_RECIPIENT" });
    json!({ "type": kind, "category": category, "callbackUrl": url, "subscriber": subscriber })
}

async fn subscribe(bank: &Running, token: &str, kind: &str, url: &str) -> String {
    let category = if kind.starts_with("CONSENT") { "CONSENT" } else { "NEW_DATA" };
    let body = wanted(kind, category, url);
    let made = call(bank, token, Method::POST, "/notification-subscriptions", Some(body)).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    made.json::<Value>().await.unwrap()["subscriptionId"].as_str().unwrap().to_owned()
}

fn claims(token: &str) -> Value {
    let claims = token.strip_prefix("Bearer ").unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn types(got: &[Received]) -> Vec<&str> {
    got.iter().map(|one| one.body["type"].as_str().unwrap()).collect()
}

async fn fault(bank: &Running, kind: &str) {
    let fault = json!({ "kind": kind, "place": "notifications", "times": 1, "ms": 5_000 });
    assert_eq!(bank.control("fault", fault).await.0, StatusCode::OK, "{kind}");
}

#[tokio::test]
async fn subscriptions_are_the_clients_own_and_need_its_own_token() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    let linked = bank.link(&bank.ask(), &[0]).await;
    let customers = linked["access_token"].as_str().unwrap().to_owned();
    let path = "/notification-subscriptions";
    let body = || Some(wanted("CONSENT_REVOKED", "CONSENT", &receiver.url));
    for token in [customers, own_token(&bank, None).await] {
        let refused = call(&bank, &token, Method::POST, path, body()).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            call(&bank, &token, Method::GET, "/notifications", None).await.status(),
            StatusCode::FORBIDDEN
        );
    }
    let (status, said) =
        bank.token(&[("grant_type", "client_credentials"), ("scope", "fdx:balances:read")]).await;
    assert_eq!((status, said["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_scope")));
    let token = own_token(&bank, Some(SCOPE)).await;
    let url = &receiver.url;
    for wrong in [
        json!([]),
        json!({}),
        wanted("CONSENT_GRANTED", "CONSENT", url),
        wanted("BALANCE", "CONSENT", url),
        wanted("CONSENT_REVOKED", "CONSENT", "https://elsewhere.example/events"),
        wanted("CONSENT_REVOKED", "CONSENT", "ftp://127.0.0.1/x"),
        wanted("CONSENT_REVOKED", "CONSENT", &format!("{url}#x")),
    ] {
        let refused = call(&bank, &token, Method::POST, path, Some(wrong.clone())).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    let id = subscribe(&bank, &token, "CONSENT_REVOKED", url).await;
    assert_eq!(subscribe(&bank, &token, "CONSENT_REVOKED", url).await, id, "the same again is the same");
    let one = format!("{path}/{id}");
    let shown: Value = call(&bank, &token, Method::GET, &one, None).await.json().await.unwrap();
    assert_eq!(shown["category"], "CONSENT");
    assert_eq!(shown["subscriber"]["name"], "Amana");
    // Another client finds nothing.
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
        ("client_id", "poster"),
        ("client_secret", "posted"),
    ];
    let other = bank.http.post(bank.url("/token")).form(&form).send().await.unwrap();
    let other = other.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(call(&bank, &other, method, &one, None).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(call(&bank, &token, Method::DELETE, &one, None).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(call(&bank, &token, Method::GET, &one, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_happens_to_a_consent_is_told_to_its_client_by_the_bank_itself_and_survives_a_kill() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    let token = own_token(&bank, Some(SCOPE)).await;
    for kind in ["CONSENT_REVOKED", "CONSENT_UPDATED", "CONSENT_EXPIRED"] {
        subscribe(&bank, &token, kind, &receiver.url).await;
    }
    let linked = bank.link(&bank.ask(), &[0, 1]).await;
    let keep = bank.accounts(linked["access_token"].as_str().unwrap()).await[0]["accountId"].clone();
    bank.control("consents/narrow", json!({ "customer": "layla", "keep": [keep] })).await;
    let got = receiver.wait_for(1).await;
    assert_eq!(types(&got), ["CONSENT_UPDATED"]);
    let told = &got[0].body;
    assert_eq!(told["notificationPayload"]["id"], linked["grant_id"]);
    assert_eq!(told["notificationPayload"]["idType"], "CONSENT");
    assert_eq!(told["publisher"]["type"], "DATA_PROVIDER");
    let proof = claims(&got[0].authorization);
    assert_eq!(
        (proof["iss"].as_str(), proof["sub"].as_str()),
        (Some(bank.issuer.as_str()), proof["iss"].as_str())
    );
    assert_eq!(proof["aud"], receiver.url.as_str());
    assert_eq!(proof["scope"], "fdx:notifications:publish");
    assert!(proof["exp"].as_i64().unwrap() - proof["iat"].as_i64().unwrap() <= 60);

    // Not taken, then killed: after the restart it comes again, the same but for the proof.
    receiver.answers.lock().unwrap().extend([503; 50]);
    bank.control("consents/revoke", json!({ "customer": "layla" })).await;
    let before = receiver.wait_for(2).await.remove(1);
    let bank = bank.restart(|_| {}).await;
    receiver.answers.lock().unwrap().clear();
    bank.clock.forward(120);
    let again = receiver.wait_for(3).await.remove(2);
    assert_eq!(again.body, before.body);
    assert_eq!(again.body["type"], "CONSENT_REVOKED");
    assert_eq!(again.body["notificationPayload"]["event"]["status"], "REVOKED");
    assert_ne!(claims(&again.authorization)["jti"], claims(&before.authorization)["jti"]);

    // By itself, when its time comes; told once, and to be fetched as well.
    let linked = bank.link(&bank.ask(), &[0]).await;
    bank.clock.forward(365 * 86_400 + 60);
    let got = receiver.wait_for(4).await;
    assert_eq!(got[3].body["type"], "CONSENT_EXPIRED");
    assert_eq!(got[3].body["notificationPayload"]["id"], linked["grant_id"]);
    let token = own_token(&bank, Some(SCOPE)).await;
    let list = async |query: String| -> Value {
        let page = call(&bank, &token, Method::GET, &format!("/notifications{query}"), None).await;
        assert_eq!(page.status(), StatusCode::OK);
        page.json().await.unwrap()
    };
    let all = list(String::new()).await;
    assert_eq!(all["notifications"].as_array().unwrap().len(), 3);
    let first = list("?limit=2".into()).await;
    let key = first["page"]["nextPageKey"].as_str().unwrap();
    let rest = list(format!("?limit=2&pageKey={key}")).await;
    assert_eq!(rest["notifications"], json!([all["notifications"][2]]));
    assert!(rest["page"].get("nextPageKey").is_none());
}

#[tokio::test]
async fn what_is_new_of_an_account_is_told_under_a_consent_alone_and_without_what_it_is() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    let token = own_token(&bank, Some(SCOPE)).await;
    subscribe(&bank, &token, "BALANCE", &receiver.url).await;
    subscribe(&bank, &token, "CUSTOM", &receiver.url).await;
    let buy = json!({ "customer": "layla", "merchant": "Blue Bottle Coffee", "amount": "4.51" });
    bank.control("purchase", buy.clone()).await;
    bank.link(&bank.ask(), &[2]).await;
    let (_, bought) = bank.control("purchase", buy.clone()).await;
    let got = receiver.wait_for(2).await;
    assert_eq!(types(&got), ["CUSTOM", "BALANCE"], "nothing of before the consent");
    for one in &got {
        assert_eq!(one.body["notificationPayload"]["id"], bought["accountId"]);
        assert_eq!(one.body["category"], "NEW_DATA");
        let text = one.body.to_string();
        for said in ["4.51", "Blue", "4.5"] {
            assert!(!text.contains(said), "{text}");
        }
    }
    // What waits when the consent ends does not go.
    receiver.answers.lock().unwrap().extend([503; 200]);
    bank.control("purchase", buy.clone()).await;
    receiver.wait_for(4).await;
    bank.control("consents/revoke", json!({ "customer": "layla" })).await;
    receiver.answers.lock().unwrap().clear();
    let count = receiver.got().len();
    bank.clock.forward(120);
    let dropped = || async {
        let said = bank.http.get(bank.url("/control/notifications")).send().await.unwrap();
        let said: Value = said.json().await.unwrap();
        said["notifications"].as_array().unwrap().iter().filter(|one| one["status"] == "dropped").count()
    };
    for _ in 0..200 {
        if dropped().await == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!((dropped().await, receiver.got().len()), (2, count));
}

#[tokio::test]
async fn notifications_can_go_wrong_on_demand() {
    let receiver = Receiver::start().await;
    let bank = start_for(&receiver).await;
    let token = own_token(&bank, Some(SCOPE)).await;
    subscribe(&bank, &token, "CUSTOM", &receiver.url).await;
    bank.link(&bank.ask(), &[2]).await;
    let buy = || bank.control("purchase", json!({ "customer": "layla", "merchant": "A", "amount": "1" }));
    let ids = |got: &[Received]| -> Vec<Value> {
        got.iter().map(|one| one.body["notificationId"].clone()).collect()
    };

    fault(&bank, "duplicates").await;
    buy().await;
    let got = ids(&receiver.wait_for(2).await);
    assert_eq!(got[0], got[1]);
    fault(&bank, "reordered").await;
    buy().await;
    buy().await;
    let got = receiver.wait_for(4).await;
    let said = bank.http.get(bank.url("/control/notifications")).send().await.unwrap();
    let said: Value = said.json().await.unwrap();
    let made = [&said["notifications"][1]["id"], &said["notifications"][0]["id"]];
    assert_eq!(ids(&got[2..]).iter().collect::<Vec<_>>(), [made[1], made[0]]);
    fault(&bank, "forged").await;
    buy().await;
    receiver.wait_for(5).await;
    fault(&bank, "misdirected").await;
    let (_, bought) = buy().await;
    let got = receiver.wait_for(6).await;
    assert_ne!(got[5].body["notificationPayload"]["id"], bought["accountId"]);
    fault(&bank, "nonsense").await;
    buy().await;
    assert_eq!(receiver.wait_for(7).await[6].body, Value::Null);
    fault(&bank, "slow").await;
    buy().await;
    for _ in 0..200 {
        if receiver.got().len() == 8 {
            break;
        }
        bank.clock.forward(6);
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let keys: Value = bank.http.get(bank.url("/jwks")).send().await.unwrap().json().await.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys).unwrap();
    let signed = |one: &Received| {
        let token = one.authorization.strip_prefix("Bearer ").unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let key = jsonwebtoken::DecodingKey::from_jwk(&keys.keys[0]).unwrap();
        jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
    };
    let signed: Vec<bool> = receiver.got().iter().map(signed).collect();
    assert_eq!(signed, [true, true, true, true, false, true, true, true]);
    // What is of answers is not of notifications, and the other way round.
    for (kind, place) in [("partial", "notifications"), ("forged", "fdx")] {
        let (status, _) = bank.control("fault", json!({ "kind": kind, "place": place })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{kind} at {place}");
    }
}
