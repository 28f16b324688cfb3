//! Profile, subscriptions, objects.

use serde_json::{Value, json};

use crate::support::{APP_ID, FIELDS, OTHER, PAGE, Rig, SECRET, TOKEN};

#[tokio::test]
async fn messenger_profile() {
    let rig = Rig::new().await;
    rig.post("/control/settings", json!({"profile_per_10min": 0})).await;
    let post = async |body: Value| rig.graph("POST", "me/messenger_profile", Some(body)).await;
    assert_eq!(
        rig.graph("GET", "me/messenger_profile?fields=get_started", None).await.1,
        json!({"data": []})
    );
    let menu = json!([{"locale": "default", "call_to_actions": [{"type": "postback", "title": "Balance", "payload": "B"}]}]);
    assert_eq!(post(json!({"persistent_menu": menu})).await.0, 400, "needs Get Started");
    assert_eq!(
        post(json!({"get_started": {"payload": "GS"}, "persistent_menu": menu})).await.1["result"],
        "success"
    );
    assert_eq!(post(json!({"greeting": [{"locale": "ar_AR", "text": "x"}]})).await.0, 400, "needs a default");
    assert_eq!(post(json!({"greeting": [{"locale": "default", "text": "x".repeat(161)}]})).await.0, 400);
    for bad in ["https://127.0.0.1/", "https://intranet/", "https://a.localhost/"] {
        assert_eq!(post(json!({"whitelisted_domains": [bad]})).await.0, 400, "{bad}");
    }
    assert_eq!(post(json!({"colour": "red"})).await.0, 400);
    let breakers = |n: usize| {
        json!({"ice_breakers": [{"locale": "default",
        "call_to_actions": vec![json!({"question": "q", "payload": "p"}); n]}]})
    };
    assert_eq!(post(breakers(4)).await.0, 200);
    assert_eq!(post(breakers(5)).await.0, 400);

    let (_, got) = rig.graph("GET", "me/messenger_profile?fields=GET_STARTED,persistent_menu", None).await;
    assert_eq!(got["data"][0]["get_started"]["payload"], "GS");
    assert!(got["data"][0]["persistent_menu"].is_array() && got["data"][0]["ice_breakers"].is_null());
    assert_eq!(
        rig.graph("DELETE", r#"me/messenger_profile?fields=["GET_STARTED"]"#, None).await.0,
        400,
        "menu needs it"
    );
    let both = r#"me/messenger_profile?fields=["GET_STARTED","PERSISTENT_MENU"]"#;
    assert_eq!(rig.graph("DELETE", both, None).await.1["result"], "success");
    assert_eq!(
        rig.graph("GET", "me/messenger_profile?fields=get_started", None).await.1,
        json!({"data": []})
    );
}

#[tokio::test]
async fn page_subscription_in_every_encoding() {
    let rig = Rig::new().await;
    let (_, before) = rig.graph("GET", "me/subscribed_apps", None).await;
    assert_eq!(before["data"][0]["subscribed_fields"].as_array().unwrap().len(), FIELDS.split(',').count());
    let fields = async || {
        let (_, body) = rig.graph("GET", &format!("{PAGE}/subscribed_apps"), None).await;
        body["data"][0]["subscribed_fields"].clone()
    };
    rig.graph("POST", "me/subscribed_apps?subscribed_fields=messages,%20message_echoes", None).await;
    assert_eq!(fields().await, json!(["message_echoes", "messages"]));
    rig.graph("POST", "me/subscribed_apps", Some(json!({"subscribed_fields": ["messages"]}))).await;
    assert_eq!(fields().await, json!(["messages"]));
    let url = format!("{}/v26.0/me/subscribed_apps?access_token={TOKEN}", rig.base);
    let form = [("subscribed_fields", r#"["messages","messaging_postbacks"]"#)];
    assert_eq!(rig.client.post(url).form(&form).send().await.unwrap().status(), 200);
    assert_eq!(fields().await, json!(["messages", "messaging_postbacks"]));
    assert_eq!(rig.graph("POST", "me/subscribed_apps?subscribed_fields=mesages", None).await.0, 400);
    rig.graph("DELETE", "me/subscribed_apps", None).await;
    assert_eq!(rig.graph("GET", "me/subscribed_apps", None).await.1, json!({"data": []}));
}

#[tokio::test]
async fn app_subscription_verifies_the_callback() {
    let rig = Rig::new().await;
    let callback = rig.get("/control/webhooks").await["callback"].as_str().unwrap().to_owned();
    let url = format!("{}/v26.0/{APP_ID}/subscriptions", rig.base);
    let token = format!("{APP_ID}|{SECRET}");
    let post = async |verify: &str, fields: &str, token: &str| {
        let form = [
            ("object", "page"),
            ("callback_url", callback.as_str()),
            ("verify_token", verify),
            ("fields", fields),
        ];
        let response =
            rig.client.post(&url).query(&[("access_token", token)]).form(&form).send().await.unwrap();
        response.json::<Value>().await.unwrap()
    };
    assert_eq!(post("wrong", "messages", &token).await["error"]["code"], 2_200);
    assert_eq!(post("verify-me", "messages", TOKEN).await["error"]["code"], 15);
    assert_eq!(post("verify-me", "messages", &token).await["success"], true);
    let got: Value =
        rig.client.get(&url).query(&[("access_token", &token)]).send().await.unwrap().json().await.unwrap();
    assert_eq!(got["data"][0]["callback_url"], callback.as_str());
    assert_eq!(got["data"][0]["fields"], json!([{"name": "messages", "version": "v26.0"}]));

    // The app's own list limits what the page's list lets through.
    let psid = rig.say("amal", "hi").await;
    rig.send(&psid, json!({"text": "no echo"})).await;
    rig.idle().await;
    assert_eq!(rig.hooks().len(), 1);
}

#[tokio::test]
async fn objects_and_tokens() {
    let rig = Rig::new().await;
    let psid = rig.say("you", "hi").await;
    let (_, page) = rig.graph("GET", &format!("{PAGE}?fields=id,name"), None).await;
    assert_eq!(page, json!({"id": PAGE, "name": "Meridian Bank"}));
    let (_, person) = rig.graph("GET", &format!("{psid}?fields=first_name,locale"), None).await;
    assert_eq!(person, json!({"id": psid, "first_name": "Sam", "locale": "en_US"}));
    rig.post("/control/users/you/locale", json!({"locale": "ar_AR"})).await;
    let (_, person) = rig.graph("GET", &format!("{psid}?fields=first_name,locale"), None).await;
    assert_eq!(person, json!({"id": psid, "first_name": "سامي", "locale": "ar_AR"}));
    assert_eq!(rig.graph("GET", "99999999999999999?fields=name", None).await.1["error"]["error_subcode"], 33);
    assert_eq!(rig.graph("GET", OTHER, None).await.1["error"]["error_subcode"], 33);

    let (_, owner) = rig.graph("GET", &format!("me/thread_owner?recipient={psid}"), None).await;
    assert_eq!(owner["data"][0]["thread_owner"]["app_id"], APP_ID);
    rig.post("/control/clock", json!({"advance_s": 90_000})).await;
    let (_, owner) = rig.graph("GET", &format!("me/thread_owner?recipient={psid}"), None).await;
    assert_eq!(owner, json!({"data": []}), "idle");

    let (_, debug) = rig.graph("GET", &format!("debug_token?input_token={TOKEN}"), None).await;
    assert_eq!((&debug["data"]["is_valid"], &debug["data"]["profile_id"]), (&json!(true), &json!(PAGE)));
    let (_, debug) = rig.graph("GET", "debug_token?input_token=wrong", None).await;
    assert_eq!((&debug["data"]["is_valid"], &debug["data"]["error"]["code"]), (&json!(false), &json!(190)));
    let recipient = json!({"recipient": {"phone_number": "+15550100"}, "message": {"text": "a"}});
    let (_, body) = rig.graph("POST", "me/messages", Some(recipient)).await;
    assert!(body["error"]["message"].as_str().unwrap().contains("not built"), "{body}");
}

#[tokio::test]
async fn nonsense_gets_a_clear_error() {
    let rig = Rig::new().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let url = format!("{}/v26.0/me/messages?access_token={TOKEN}", rig.base);
        let response = rig.client.post(url).header("content-type", kind).body(body).send().await.unwrap();
        response.status().as_u16()
    };
    assert_eq!(send("application/json", b"{".to_vec()).await, 400);
    assert_eq!(send("application/json", b"[1]".to_vec()).await, 400);
    assert_eq!(send("application/json", vec![0xff, 0xfe]).await, 400);
    assert_eq!(send("image/png", vec![1, 2, 3]).await, 400);
    assert_eq!(send("application/json", vec![b' '; (1 << 20) + 1]).await, 413);
    let (status, _) = rig.graph("GET", "?ids=1,2", None).await;
    assert_eq!(status, 400, "root multi-get is gone since October 2026");
}
