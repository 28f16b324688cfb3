//! The OpenAPI document and the routes say the same.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::util::start;

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

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else_is() {
    let bank = start().await;
    let document: Value =
        bank.http.get(format!("{}/openapi.json", bank.base)).send().await.unwrap().json().await.unwrap();
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
