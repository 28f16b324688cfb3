//! Consents: asked for before, given once, for as long as they say; their tokens go with them.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::util::{Browser, Running, callback, json_of, start};

fn request(duration: Value) -> Value {
    let mut request = json!({
        "lookbackPeriod": 90,
        "resources": [
            { "resourceType": "ACCOUNT", "resourceId": "any", "dataClusters": ["ACCOUNT_BASIC", "BALANCES"] },
        ],
    });
    for (name, value) in duration.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

fn asking(bank: &Running, detail: Value) -> BTreeMap<&'static str, String> {
    let mut ask = bank.ask();
    ask.insert("authorization_details", json!([detail]).to_string());
    ask
}

fn naming(bank: &Running, id: &Value) -> BTreeMap<&'static str, String> {
    asking(bank, json!({ "type": "fdx_v1.0", "fdxConsentId": id }))
}

async fn own_token(bank: &Running) -> String {
    let (_, own) = bank.token(&[("grant_type", "client_credentials")]).await;
    own["access_token"].as_str().unwrap().to_owned()
}

async fn post(bank: &Running, token: &str, body: &Value) -> (StatusCode, Value) {
    let request = bank.http.post(bank.fdx("/consents")).bearer_auth(token);
    let request = request.header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a");
    let response = request.body(body.to_string()).send().await.unwrap();
    (response.status(), json_of(response).await)
}

async fn refresh(bank: &Running, linked: &Value) -> Value {
    let token = linked["refresh_token"].as_str().unwrap();
    bank.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await.1
}

#[tokio::test]
async fn a_consent_that_was_asked_for_before_is_given_once_under_its_own_id() {
    let bank = start().await;
    let own = own_token(&bank).await;
    let wanted = request(json!({ "durationType": "TIME_BOUND", "durationPeriod": 30 }));
    let (status, asked) = post(&bank, &own, &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{asked}");
    let url = bank.fdx(&format!("/consents/{}", asked["id"].as_str().unwrap()));
    assert_eq!(bank.get_ok(&own, &url).await, asked);
    assert!(asked.get("status").is_none(), "nobody has given it: {asked}");
    let revocation = format!("{url}/revocation");
    assert_eq!(bank.get_ok(&own, &revocation).await, json!({ "revocations": [] }));
    let early = bank.http.put(&revocation).bearer_auth(&own).body(r#"{"reason":"OTHER"}"#);
    let early = early.header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a");
    assert_eq!(early.send().await.unwrap().status(), StatusCode::CONFLICT);

    let ask = naming(&bank, &asked["id"]);
    let linked = bank.link(&ask, &[0]).await;
    assert_eq!(linked["grant_id"], asked["id"]);
    let given = bank.get_ok(&own, &url).await;
    assert_eq!((&given["status"], &given["durationPeriod"]), (&json!("ACTIVE"), &json!(30)));
    assert_eq!(given["lookbackPeriod"], 90);
    assert_eq!(given["resources"][0]["dataClusters"], json!(["ACCOUNT_BASIC", "BALANCES"]));
    // A second time it is none.
    let again = Browser::new(&bank).authorize(&ask).await;
    let back = callback(&crate::util::location(&again));
    assert_eq!(back["error"], "invalid_authorization_details");
}

#[tokio::test]
async fn a_consent_is_asked_for_by_the_client_itself_and_waits_for_an_hour() {
    let bank = start().await;
    let linked = bank.link(&bank.ask(), &[0]).await;
    let own = own_token(&bank).await;
    let right = request(json!({ "durationType": "ONE_TIME" }));
    let (status, _) = post(&bank, linked["access_token"].as_str().unwrap(), &right).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "a customer's token");
    for wrong in [
        json!([]),
        json!({ "durationType": "ONE_TIME" }),
        request(json!({})),
        request(json!({ "durationType": "TIME_BOUND" })),
        request(json!({ "durationType": "TIME_BOUND", "durationPeriod": 366 })),
        request(json!({ "durationType": "ONE_TIME", "lookbackPeriod": 0 })),
        request(json!({ "durationType": "ONE_TIME", "customerId": 7 })),
        request(json!({ "durationType": "ONE_TIME", "durationPeriod": 366 })),
        request(json!({ "durationType": "ONE_TIME", "resources": [{ "resourceType": "ACCOUNT",
            "dataClusters": [] }] })),
        request(json!({ "durationType": "ONE_TIME", "resources": [{ "resourceType": "ACCOUNT",
            "resourceId": 7, "dataClusters": ["BALANCES"] }] })),
        request(json!({ "durationType": "ONE_TIME", "resources": [{ "resourceType": "ACCOUNT",
            "dataClusters": ["TAX"] }] })),
    ] {
        let (status, body) = post(&bank, &own, &wrong).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("401")), "{wrong}");
    }
    let (_, asked) = post(&bank, &own, &right).await;
    bank.clock.forward(3_601);
    let own = own_token(&bank).await;
    let gone = bank.get(&own, &bank.fdx(&format!("/consents/{}", asked["id"].as_str().unwrap()))).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_else_gives_a_consent_that_names_its_customer() {
    let bank = start().await;
    let own = own_token(&bank).await;
    let first = bank.link(&bank.ask(), &[0]).await;
    let customer =
        bank.get_ok(first["access_token"].as_str().unwrap(), &bank.fdx("/customers/current")).await;
    let wanted = request(json!({ "durationType": "ONE_TIME", "customerId": customer["customerId"] }));
    let (_, asked) = post(&bank, &own, &wanted).await;
    let ask = naming(&bank, &asked["id"]);
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&ask, "omar").await;
    let accounts = page.all("input[name=account]", "value");
    let back = callback(&browser.decide(&page, "allow", &[&accounts[0]]).await);
    assert_eq!(back["error"], "access_denied");
    // Layla is asked still.
    assert_eq!(bank.link(&ask, &[0]).await["grant_id"], asked["id"]);
}

#[tokio::test]
async fn a_consent_lasts_as_its_type_says_and_its_tokens_no_longer() {
    let bank = start().await;
    let day = 86_400;
    let cases = [
        (json!({ "durationType": "ONE_TIME" }), 960),
        (json!({ "durationType": "TIME_BOUND", "durationPeriod": 30 }), 30 * day),
        (json!({ "durationType": "PERSISTENT" }), 365 * day),
    ];
    for (duration, life) in cases {
        let detail = json!({ "type": "fdx_v1.0", "consentRequest": request(duration.clone()) });
        let began = bank.clock.now();
        let linked = bank.link(&asking(&bank, detail), &[0]).await;
        let own = own_token(&bank).await;
        let consent = bank.fdx(&format!("/consents/{}", linked["grant_id"].as_str().unwrap()));
        let grant = bank.get_ok(&own, &consent).await;
        let end: jiff::Timestamp = grant["expirationTime"].as_str().unwrap().parse().unwrap();
        assert_eq!(end.as_second() - began.as_second(), life, "{duration}");
        assert_eq!(grant["durationType"], duration["durationType"]);
        assert_eq!(grant.get("durationPeriod"), duration.get("durationPeriod"));
        // Read once: no second access token.
        let once = duration["durationType"] == "ONE_TIME";
        assert_eq!(linked.get("refresh_token").is_none(), once, "{duration}");
        let last = if once {
            linked["access_token"].clone()
        } else {
            bank.clock.forward(life - 10);
            let fresh = refresh(&bank, &linked).await;
            assert_eq!(fresh["expires_in"], 10, "no longer than the consent");
            fresh["access_token"].clone()
        };
        let last = last.as_str().unwrap();
        bank.get_ok(last, &bank.fdx("/accounts")).await;
        bank.clock.forward(if once { life } else { 10 });
        assert_eq!(bank.get(last, &bank.fdx("/accounts")).await.status(), StatusCode::UNAUTHORIZED);
        if !once {
            assert_eq!(refresh(&bank, &linked).await["error"], "invalid_grant", "{duration}");
        }
        let own = own_token(&bank).await;
        assert_eq!(bank.get_ok(&own, &consent).await["status"], "EXPIRED");
    }
}
