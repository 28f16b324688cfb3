//! Who may call the consent API under FAPI 2.0: the client with a token of its own (FDX: client credentials).

use super::*;

#[tokio::test]
async fn a_customers_token_does_not_reach_consents_and_the_clients_own_does() {
    let bank = blue().await;
    let client = first(&bank);
    let tokens = client.tokens().await;
    let customers = tokens["access_token"].as_str().unwrap();
    let own = client.own_token().await;
    let id = tokens["grant_id"].as_str().unwrap();
    let search = format!("/consents?customerId={}", id_claims(&tokens)["sub"].as_str().unwrap());
    let one = format!("/consents/{id}");
    let revocation = format!("/consents/{id}/revocation");
    let reason = json!({ "reason": "USER_ACTION", "initiator": "INDIVIDUAL" });
    let calls: [(&str, &str, Option<&Value>); 4] = [
        ("GET", &search, None),
        ("GET", &one, None),
        ("PUT", &revocation, Some(&reason)),
        ("GET", &revocation, None),
    ];
    for (method, path, body) in calls {
        let refused = client.call(method, path, customers, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (StatusCode::FORBIDDEN, &json!("403")), "{path}");
    }
    assert_eq!(client.read(&tokens).await, StatusCode::OK, "nothing was revoked");
    // Another client's own token does not find them.
    let stranger = second(&bank);
    let strangers = stranger.own_token().await;
    assert_eq!(stranger.call("GET", &one, &strangers, None).await.status, StatusCode::NOT_FOUND);
    for (method, path, body) in calls {
        client.call(method, path, &own, body).await.ok();
    }
    assert_eq!(client.read(&tokens).await, StatusCode::UNAUTHORIZED, "the token died with its consent");
}
