//! Account linking as a browser and an app live it.

use serde_json::json;
use url::Url;

use crate::support::{PAGE, Rig, TOKEN};

/// Sends a Log In button, taps it, and returns what the browser opens: the token and the address back.
async fn tap_login(rig: &Rig) -> (String, String) {
    let psid = rig.say("amal", "link").await;
    let attachment = json!({"type": "template", "payload": {"template_type": "button", "text": "Link",
        "buttons": [{"type": "account_link", "url": "https://gateway.example/link?from=chat"}]}});
    assert_eq!(rig.send(&psid, json!({ "attachment": attachment })).await.0, 200);
    rig.idle().await;
    let url = format!("{}/chat/link?page={PAGE}&user=amal", rig.base);
    let opened = rig.client.get(url).send().await.unwrap();
    assert_eq!(opened.status(), 303);
    let location: Url = opened.headers()["location"].to_str().unwrap().parse().unwrap();
    assert_eq!((location.host_str(), location.path()), (Some("gateway.example"), "/link"));
    let query: std::collections::HashMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!(query["from"], "chat", "the button's own query stays");
    let back = query["redirect_uri"].clone();
    assert!(back.starts_with(&rig.base) && back.contains('?'), "{back}");
    (query["account_linking_token"].clone(), back)
}

async fn resolve(rig: &Rig, token: &str) -> (u16, serde_json::Value) {
    rig.graph("GET", &format!("me?fields=recipient&account_linking_token={token}"), None).await
}

#[tokio::test]
async fn linked_when_the_app_answers() {
    let rig = Rig::new().await;
    let (token, back) = tap_login(&rig).await;
    let psid = rig.psid("amal").await;
    assert_eq!(resolve(&rig, &token).await, (200, json!({"id": PAGE, "recipient": psid})));
    let page = rig.client.get(format!("{back}&authorization_code=C-1")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let hook = rig.wait(1, |i| i["account_linking"].is_object()).await.remove(0);
    assert_eq!(hook.item()["account_linking"], json!({"status": "linked", "authorization_code": "C-1"}));
    assert_eq!(hook.item()["sender"]["id"], psid);
    assert_eq!(rig.thread("amal").await["linked"], true);

    // The token is single-use.
    let again = rig.client.get(format!("{back}&authorization_code=C-1")).send().await.unwrap();
    assert_eq!(again.status(), 410);
    assert_eq!(resolve(&rig, &token).await.1["error"]["code"], 10_303);

    let (_, body) = rig.graph("POST", "me/unlink_accounts", Some(json!({"psid": psid}))).await;
    assert_eq!(body["result"], "unlink account success");
    rig.wait(1, |i| i["account_linking"]["status"] == "unlinked").await;
    assert_eq!(rig.thread("amal").await["linked"], false);
}

#[tokio::test]
async fn aborted_when_the_app_does_not_answer_200() {
    let rig = Rig::new().await;
    let (_, back) = tap_login(&rig).await;
    rig.answer_with(500);
    let page = rig.client.get(format!("{back}&authorization_code=C-2")).send().await.unwrap();
    assert_eq!(page.status(), 502);
    rig.idle().await;
    let hooks = rig.hooks();
    let tried = hooks.iter().filter(|h| h.item()["account_linking"].is_object()).count();
    assert_eq!(tried, 1, "a link is not tried again");
    let thread = rig.thread("amal").await;
    assert_eq!(thread["linked"], false);
    assert_eq!(thread["messages"].as_array().unwrap().last().unwrap()["body"]["system"], "link_aborted");
}

#[tokio::test]
async fn failed_without_a_code_and_expired_after_five_minutes() {
    let rig = Rig::new().await;
    let (_, back) = tap_login(&rig).await;
    assert_eq!(rig.client.get(&back).send().await.unwrap().status(), 200);
    let thread = rig.thread("amal").await;
    assert_eq!(thread["messages"].as_array().unwrap().last().unwrap()["body"]["system"], "link_failed");

    let (token, back) = tap_login(&rig).await;
    rig.post("/control/clock", json!({"advance_s": 301})).await;
    assert_eq!(resolve(&rig, &token).await.1["error"]["code"], 10_303);
    let late = rig.client.get(format!("{back}&authorization_code=C")).send().await.unwrap();
    assert_eq!(late.status(), 410);
    assert!(!rig.hooks().iter().any(|h| h.item()["account_linking"].is_object()));
    assert_eq!(resolve(&rig, "nonsense").await.1["error"]["code"], 10_303);
}

#[tokio::test]
async fn the_token_of_one_page_is_nothing_on_another() {
    let rig = Rig::new().await;
    let (token, _) = tap_login(&rig).await;
    let url = format!("{}/v26.0/me?fields=recipient&account_linking_token={token}", rig.base);
    let other: serde_json::Value =
        rig.client.get(url).bearer_auth("token-1002").send().await.unwrap().json().await.unwrap();
    assert_eq!(other["error"]["code"], 10_303);
    assert_eq!(resolve(&rig, &token).await.0, 200);
    assert!(!rig.thread("amal").await.to_string().contains(TOKEN));
}
