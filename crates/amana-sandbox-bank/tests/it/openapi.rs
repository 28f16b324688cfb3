//! The OpenAPI document and the routes say the same.

use std::collections::BTreeSet;

use amana_sandbox_bank::{ClientAuth, ClientRegistration, MutualTls, SenderConstraint};
use serde_json::{Value, json};

use crate::util::{Running, start, start_with};

const ROUTES: &str = include_str!("../../src/server.rs");
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Every `.route(path, method(…)…)` of the source, as `METHOD path`. Fallbacks (a path with `{*rest}`) are no routes.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for call in ROUTES.split(".route(").skip(1) {
        let path = call.split('"').nth(1).unwrap();
        if path.contains("{*") {
            continue;
        }
        // The handlers stand between the path and the end of the call, which the next line of the chain begins.
        let handlers = call.split("\n        .").next().unwrap().rsplit_once('"').unwrap().1;
        let before = found.len();
        for method in METHODS {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                found.insert(format!("{method} {path}"));
            }
        }
        assert!(found.len() > before, "a route without a method that this test knows: {path}");
    }
    found
}

async fn document(bank: &Running) -> Value {
    bank.http.get(format!("{}/openapi.json", bank.base)).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else_is() {
    let bank = start().await;
    let document = document(&bank).await;
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert(format!("{method} {path}"));
        }
    }
    assert!(described.len() > 40);
    let routes = routes();
    let missing: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty(), "openapi.json lacks {missing:?}");
    assert!(invented.is_empty(), "openapi.json describes {invented:?}, which server.rs has not");
}

/// The document says what the clients of this very bank must show: who builds one from it sends what is asked for.
#[tokio::test]
async fn each_operation_asks_for_what_the_clients_must_show() {
    let bank = start_with(|config| {
        config.mutual_tls = Some(MutualTls {
            base_url: "https://localhost:1".to_owned(),
            certificate_pem: String::new(),
            key_pem: String::new(),
            client_authorities_pem: String::new(),
        });
        let known = config.clients.remove(0);
        config.clients.clear();
        for (auth, sender) in [
            (ClientAuth::SecretBasic("s".to_owned()), SenderConstraint::None),
            (ClientAuth::SecretPost("s".to_owned()), SenderConstraint::Dpop),
            (ClientAuth::Tls("amana.example".to_owned()), SenderConstraint::Mtls),
            (ClientAuth::SecretBasic("t".to_owned()), SenderConstraint::None),
        ] {
            let client_id = format!("{}-{}", auth.method(), config.clients.len());
            config.clients.push(ClientRegistration { client_id, auth, sender, ..known.clone() });
        }
    })
    .await;
    let document = document(&bank).await;
    let security = |pointer: &str| document.pointer(pointer).unwrap().clone();
    assert_eq!(
        security("/paths/~1{bank}~1fdx~1v6~1accounts/get/security"),
        json!([{"token": []}, {"boundToken": [], "proof": []}, {"token": [], "certificate": []}])
    );
    assert_eq!(
        security("/paths/~1{bank}~1par/post/security"),
        json!([{"client": []}, {"assertion": []}, {"certificate": []}])
    );
    assert_eq!(security("/paths/~1{bank}~1login/get/security"), json!([]), "a page asks for nothing");
    let schemes = security("/components/securitySchemes");
    for alternative in security("/paths/~1{bank}~1token/post/security").as_array().unwrap() {
        assert!(alternative.as_object().unwrap().keys().all(|name| schemes.get(name).is_some()));
    }
}
