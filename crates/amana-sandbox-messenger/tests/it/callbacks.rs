//! The privacy callbacks, and the person's app-scoped id.

use std::sync::{Arc, Mutex};

use axum::Form;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::{APP_ID, PAGE, Rig, SECRET};

/// Goal: the callback brings a signed request that verifies, and a bad answer is called so.
#[tokio::test]
async fn data_deletion_and_deauthorize() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    let got: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let into = Arc::clone(&got);
    let app = axum::Router::new()
        .route(
            "/delete",
            post(move |Form(form): Form<std::collections::HashMap<String, String>>| {
                into.lock().unwrap().push(form["signed_request"].clone());
                let answer = json!({"url": "https://bank.example/status?id=C1", "confirmation_code": "C1"});
                std::future::ready(axum::Json(answer))
            }),
        )
        .route("/gone", post(|| async { "thanks" }));
    tokio::spawn(async move { axum::serve(listener, app).await });

    rig.post("/control/settings", json!({"data_deletion_url": format!("{url}/delete")})).await;
    let answered = rig.post("/control/users/amal/data_deletion", json!({})).await;
    assert_eq!((&answered["status"], &answered["problems"]), (&json!(200), &json!([])), "{answered}");
    assert_eq!(answered["answer"]["confirmation_code"], "C1");
    let signed = got.lock().unwrap()[0].clone();
    let (signature, payload) = signed.split_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, payload.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(payload["algorithm"], "HMAC-SHA256");
    assert!(payload["expires"].as_i64() > payload["issued_at"].as_i64());
    let asid = rig.thread("amal").await["asid"].clone();
    assert_eq!(payload["user_id"], asid);
    assert_ne!(asid, json!(psid), "another name than in the chat");

    let bad = rig.post("/control/users/amal/data_deletion", json!({"url": format!("{url}/gone")})).await;
    assert_eq!(bad["problems"].as_array().unwrap().len(), 2, "{bad}");
    let away = rig.post("/control/users/amal/deauthorize", json!({"url": format!("{url}/gone")})).await;
    assert_eq!(away["problems"], json!([]));
    let nowhere = rig.post("/control/users/amal/deauthorize", json!({})).await;
    assert!(nowhere["error"].as_str().unwrap().contains("deauthorize_url"));

    let url = format!("{}/v26.0/{}/ids_for_pages", rig.base, asid.as_str().unwrap());
    let token = format!("{APP_ID}|{SECRET}");
    let ids: Value =
        rig.client.get(url).query(&[("access_token", &token)]).send().await.unwrap().json().await.unwrap();
    assert_eq!((&ids["data"][0]["id"], &ids["data"][0]["page"]["id"]), (&json!(psid), &json!(PAGE)));
}
