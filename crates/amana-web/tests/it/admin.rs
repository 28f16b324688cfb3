//! The administrators' API, held against its description.

use crate::support::{BANK, Browser, HARBOR, PERSON, World, conversation, message};
use amana_channel::SendError;
use amana_core::{Clock as _, Kill, KillScope, Lang, Purpose, PurposeScope, Secret};
use amana_store::{Command, InboxResult, InboxSource};
use amana_web::{AdminState, OPENAPI, admin_router, admin_routes};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tower::ServiceExt as _;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "1123456789abcdef0123456789abcdef";
const PAGE: &str = "1001";

struct Api {
    router: Router,
    document: Value,
}

impl Api {
    fn of(world: &World) -> Self {
        let users = [("omar", TOKEN), ("lina", OTHER)].map(|(id, token)| (id.to_owned(), Secret::new(token)));
        let page = conversation().channel;
        let personas = [("lina".to_owned(), [(page, "77".to_owned())].into())].into();
        let state = AdminState { gateway: world.gateway.clone(), users: users.into(), personas };
        Self { router: admin_router(state), document: serde_json::from_str(OPENAPI).expect("JSON") }
    }

    async fn raw(&self, request: Request<Body>) -> (StatusCode, String, Value) {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        assert_eq!(head.headers["cache-control"], "no-store");
        let media = head.headers.get("content-type").map_or("", |v| v.to_str().expect("text")).to_owned();
        let body = to_bytes(body, 1 << 20).await.expect("a body");
        (head.status, media, serde_json::from_slice(&body).expect("JSON"))
    }

    /// Asks, and holds the answer against the description.
    async fn ask(&self, method: &str, path: &str, media: &str, body: &str) -> (StatusCode, Value) {
        self.ask_as(TOKEN, method, path, media, body).await
    }

    async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        media: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            // Who acts follows from the token: what else a caller says of himself is nothing.
            .header("amana-actor", "somebody-else")
            .header("content-type", media)
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let (status, media, value) = self.raw(request).await;
        let described = self.described(method, path);
        let schema = described["responses"][status.as_str()]["content"][&media].get("schema");
        let schema =
            schema.unwrap_or_else(|| panic!("{method} {path}: {status} as {media} is not described"));
        if let Err(why) = self.fits(schema, &value) {
            panic!("{method} {path} {status}: {why}: {value}");
        }
        (status, value)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.ask("GET", path, "", "").await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.ask("POST", path, "application/json", &body.to_string()).await
    }

    /// The description of an operation, whatever stands in the path's places.
    fn described(&self, method: &str, path: &str) -> &Value {
        let paths = self.document["paths"].as_object().expect("paths");
        let fits = |pattern: &str| {
            let (a, b): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.starts_with('{') || *a == b)
        };
        let (_, item) = paths.iter().find(|(pattern, _)| fits(pattern)).expect("a described path");
        &item[&method.to_ascii_lowercase()]
    }

    /// So much of JSON Schema as the description uses.
    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.strip_prefix('#').expect("a local reference");
            return self.fits(self.document.pointer(pointer).ok_or(format!("no `{name}`"))?, value);
        }
        if let Some(all) = schema["oneOf"].as_array() {
            let fitting = all.iter().filter(|one| self.fits(one, value).is_ok()).count();
            return if fitting == 1 { Ok(()) } else { Err(format!("fits {fitting} of `oneOf`")) };
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{value} is not one of {words:?}"));
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if !types.is_empty() && !types.contains(&kind) {
            return Err(format!("{value} is {kind}, not {types:?}"));
        }
        if let Some(object) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !object.contains_key(name) {
                    return Err(format!("`{name}` is missing"));
                }
            }
            for (name, inner) in object {
                match schema["properties"].get(name) {
                    Some(known) => self.fits(known, inner).map_err(|why| format!("`{name}`: {why}"))?,
                    None if schema["additionalProperties"] == json!(false) => {
                        return Err(format!("`{name}` is not described"));
                    }
                    None => {}
                }
            }
        }
        if let (Some(all), Some(items)) = (value.as_array(), schema.get("items")) {
            all.iter().try_for_each(|one| self.fits(items, one))?;
        }
        Ok(())
    }
}

fn request(purpose: &str, clusters: &[&str]) -> Value {
    json!({
        "institution": BANK, "channel": PAGE, "requested_by": "Example Messenger", "customers": "consenting",
        "purpose": [{ "purpose": purpose, "clusters": clusters, "form": "detail" }],
    })
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|v| v.starts_with("3.1.")));
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys().filter(|key| *key != "parameters") {
            described.insert((method.clone(), path.clone()));
        }
    }
    let routes: BTreeSet<_> =
        admin_routes().into_iter().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described, routes);
    // The words of the lists are the code's.
    let words = |name: &str| document["components"]["schemas"][name]["enum"].clone();
    assert_eq!(words("Purpose"), json!(amana_core::Purpose::ALL));
    assert_eq!(words("Cluster"), json!(amana_core::Cluster::ALL));
    assert_eq!(words("Form"), json!(amana_core::Form::ALL));
}

#[tokio::test]
async fn who_does_not_bring_the_token_learns_nothing() {
    let world = World::new().await;
    let api = Api::of(&world);
    let paths = admin_routes().into_iter().chain([("get", "/admin/nothing"), ("post", "/")]);
    for (method, path) in paths {
        let path = path.replace("{institution}", BANK).replace("{channel}", PAGE);
        for brought in ["", "Bearer ", "Bearer x", "Basic 0123456789abcdef0123456789abcdef"] {
            let request = Request::builder()
                .method(method.to_ascii_uppercase().as_str())
                .uri(&path)
                .header("authorization", brought)
                .body(Body::empty())
                .expect("a request");
            let (status, media, _) = api.raw(request).await;
            assert_eq!(
                (status, media.as_str()),
                (StatusCode::UNAUTHORIZED, "application/problem+json"),
                "{path}"
            );
        }
    }
    let state = world.gateway.agreements().list().await.expect("read");
    assert!(state.iter().all(|a| a.state == amana_core::AgreementState::Active), "nothing was done");
}

#[tokio::test]
async fn an_agreement_lives_over_the_api() {
    let world = World::new().await;
    let api = Api::of(&world);
    let at = format!("/admin/agreements/{BANK}/{PAGE}");
    let (_, all) = api.get("/admin/agreements").await;
    assert_eq!(all["agreements"].as_array().map(Vec::len), Some(2));
    assert_eq!(api.get(&at).await.1["agreement"]["state"], "active");
    assert_eq!(api.get("/admin/openapi.json").await.0, StatusCode::OK);

    let (status, ended) = api.post(&format!("{at}/end"), json!({ "note": "contract ended" })).await;
    assert_eq!((status, &ended["state"]), (StatusCode::OK, &json!("terminated")));
    assert_eq!(api.post(&format!("{at}/resume"), json!({})).await.0, StatusCode::CONFLICT);
    let balance = request("BalanceOnRequest", &["ACCOUNT_BASIC", "BALANCES"]);
    let (status, standing) = api.post("/admin/requests", balance).await;
    assert_eq!((status, &standing["agreement"]["state"]), (StatusCode::CREATED, &json!("proposed")));
    assert_eq!(standing["open_request"]["by"], "api:omar");
    let beyond = json!({ "only": ["BankOffer"] });
    assert_eq!(api.post(&format!("{at}/accept"), beyond).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let another = json!({ "request_sha256": "0".repeat(64) });
    assert_eq!(api.post(&format!("{at}/accept"), another.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(api.post(&format!("{at}/decline"), another.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(api.post(&format!("{at}/suspend"), another).await.0, StatusCode::BAD_REQUEST);
    let terms = json!({ "form": "notice" });
    assert_eq!(api.post(&format!("{at}/decline"), terms).await.0, StatusCode::BAD_REQUEST);
    let meant = json!({ "form": "notice", "request_sha256": standing["open_request"]["sha256"] });
    let (_, accepted) = api.post(&format!("{at}/accept"), meant).await;
    assert_eq!(accepted["terms"][0]["form"], "notice");
    let exact = json!([{ "purpose": "BalanceOnRequest", "clusters": ["BALANCES"], "form": "summary" }]);
    let (_, accepted) = api.post(&format!("{at}/accept"), json!({ "terms": exact })).await;
    assert_eq!(accepted["terms"], exact);
    assert_eq!(api.post(&format!("{at}/suspend"), json!({})).await.1["state"], "suspended");
    // Another one with a token of their own: who did it follows from the token, whatever the caller says of himself.
    let resumed = api.ask_as(OTHER, "POST", &format!("{at}/resume"), "application/json", "{}").await;
    assert_eq!(resumed.1["state"], "active");
    let (_, history) = api.get(&format!("{at}/history")).await;
    let by: Vec<_> = history["events"].as_array().expect("a list").iter().map(|e| e["by"].clone()).collect();
    assert_eq!(by.iter().filter(|by| **by == "api:lina").count(), 1, "{by:?}");
    assert!(by.iter().all(|by| by != "api:somebody-else"), "{by:?}");
    let wider = request("BankOffer", &[]);
    assert_eq!(api.post("/admin/requests", wider).await.0, StatusCode::CREATED);
    let (_, declined) = api.post(&format!("{at}/decline"), json!({ "note": "no offers" })).await;
    assert_eq!(
        (&declined["agreement"]["state"], &declined["open_request"]),
        (&json!("active"), &Value::Null)
    );

    let (_, history) = api.get(&format!("{at}/history")).await;
    let acts: Vec<_> =
        history["events"].as_array().expect("a list").iter().map(|e| e["act"].clone()).collect();
    assert_eq!(
        json!(acts),
        json!([
            "requested",
            "accepted",
            "ended",
            "requested",
            "accepted",
            "accepted",
            "suspended",
            "resumed",
            "requested",
            "declined"
        ])
    );

    // What does not exist, and what is not understood.
    assert_eq!(api.get(&format!("/admin/agreements/nobody/{PAGE}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.post(&format!("{at}/accept"), json!({ "all": true })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(api.post(&format!("{at}/end"), json!({ "form": "detail" })).await.0, StatusCode::BAD_REQUEST);
    let note = json!({ "note": "x".repeat(501) });
    assert_eq!(api.post(&format!("{at}/suspend"), note).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn refusals_kills_and_counts() {
    let world = World::new().await;
    let api = Api::of(&world);
    let advertising = request("TargetedAdvertising", &["TRANSACTIONS"]);
    let (status, problem) = api.post("/admin/requests", advertising).await;
    assert_eq!((status, &problem["refused"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("advertising")));
    let toml = format!("institution = \"{BANK}\"\nchannel = \"{PAGE}\"\nrequested_by = \"x\"\n");
    let (status, problem) = api.ask("POST", "/admin/requests", "application/toml", &toml).await;
    assert_eq!((status, &problem["refused"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("no-purpose")));
    let (status, _) = api.ask("POST", "/admin/requests", "text/plain", &toml).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, _) = api.ask("POST", "/admin/requests", "application/json", &" ".repeat(70_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut elsewhere = request("BalanceOnRequest", &["BALANCES"]);
    elsewhere["institution"] = json!("nobody");
    assert_eq!(api.post("/admin/requests", elsewhere).await.0, StatusCode::NOT_FOUND);
    let (_, refused) = api.get("/admin/requests/refused").await;
    assert_eq!(refused["events"].as_array().map(Vec::len), Some(2));
    assert!(
        !refused.to_string().contains("TargetedAdvertising"),
        "what may not be asked for is not repeated"
    );

    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let (_, counts) = api.get("/admin/consents/counts").await;
    assert_eq!(
        counts,
        json!({ "consents": [{ "institution": BANK, "channel": PAGE, "active": 1, "ended": 0 }] })
    );

    let customer = amana_core::CustomerId::from_bytes([7; 16]);
    let bank = KillScope::Institution(HARBOR.parse().expect("an id"));
    let flow = KillScope::Purpose(PurposeScope {
        purpose: Purpose::TransactionUpdate,
        institution: Some(HARBOR.parse().expect("an id")),
        channel: None,
    });
    for (scope, reason) in
        [(bank, "a drill"), (KillScope::Customer(customer), "Mrs. Example called"), (flow, "wrong amounts")]
    {
        let kill = Kill { scope, reason: reason.into(), since: world.clock.now() };
        world.gateway.store().submit(vec![Command::SetKill(kill)]).await.expect("kept");
    }
    let (_, kills) = api.get("/admin/kills").await;
    let listed = kills["kills"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    let flow = listed.iter().find(|kill| kill["scope"] == "purpose").expect("that of the purpose");
    let since = world.clock.now();
    assert_eq!(
        *flow,
        json!({
            "scope": "purpose", "id": null, "purpose": "TransactionUpdate", "institution": HARBOR,
            "channel": null, "reason": "wrong amounts", "since": since,
        })
    );
    let text = kills.to_string();
    assert!(text.contains("a drill") && !text.contains("Example") && !text.contains(&customer.to_string()));
}

#[tokio::test]
async fn what_was_given_up_is_listed_without_a_word_of_it_and_tried_again() {
    let world = World::new().await;
    let api = Api::of(&world);
    let nothing = json!({ "messages": [], "messages_in_all": 0, "events": [], "events_in_all": 0 });
    assert_eq!(api.get("/admin/dead").await, (StatusCode::OK, nothing.clone()));

    // An event that could not be processed.
    let (store, now) = (world.gateway.store(), world.clock.now());
    assert_eq!(world.webhook(message("m1", "hello")).await.status, StatusCode::OK);
    let [row] = store.inbox_heads(now, InboxSource::Chat, 9).await.expect("heads").try_into().expect("one");
    let result = InboxResult::Failed { reason: "cannot be read".into() };
    let fail = Command::FinishInbox { shard: row.shard, position: row.position, result };
    store.submit(vec![fail]).await.expect("kept");
    // A message that the platform refused for good.
    *world.channel.error.lock().expect("lock") = Some(SendError::Permanent { code: 100, sub: None });
    world.says("m2", "help").await;
    *world.channel.error.lock().expect("lock") = None;

    let (_, dead) = api.get("/admin/dead").await;
    assert_eq!((&dead["events_in_all"], &dead["events"][0]["source"]), (&json!(1), &json!("chat")));
    assert_eq!(dead["events"][0]["reason"], "cannot be read");
    let messages = dead["messages"].as_array().expect("a list").clone();
    assert!(!messages.is_empty() && dead["messages_in_all"] == json!(messages.len()), "{dead}");
    let text = dead.to_string();
    assert!(!text.contains(PERSON) && !text.contains("hello") && !text.contains("help"), "{text}");

    for bad in [json!({}), json!({ "id": 7 }), json!({ "id": "event:x/1" }), json!({ "id": "x", "y": 1 })] {
        assert_eq!(api.post("/admin/dead/replay", bad).await.0, StatusCode::BAD_REQUEST);
    }
    let unknown = json!({ "id": "event:1/999999" });
    assert_eq!(api.post("/admin/dead/replay", unknown).await.0, StatusCode::NOT_FOUND);
    for one in messages.iter().chain(dead["events"].as_array().expect("a list")) {
        let again = json!({ "id": one["id"] });
        assert_eq!(api.post("/admin/dead/replay", again.clone()).await.0, StatusCode::ACCEPTED);
        assert_eq!(
            api.post("/admin/dead/replay", again).await.0,
            StatusCode::NOT_FOUND,
            "it is not given up now"
        );
    }
    world.gateway.settle().await.expect("settled");
    assert_eq!(api.get("/admin/dead").await, (StatusCode::OK, nothing));
}

/// A human answers in a chat: as who they are by their token, and under their own persona.
#[tokio::test]
async fn a_human_answers_in_a_chat_and_only_in_one_that_there_is() {
    let world = World::new().await;
    let api = Api::of(&world);
    let to = conversation();
    let body = |text: &str| json!({ "channel": to.channel, "person": to.psid, "text": text }).to_string();
    let post = async |body: &str| api.ask_as(OTHER, "POST", "/admin/replies", "application/json", body).await;
    assert_eq!(post(&body("hello")).await.0, StatusCode::NOT_FOUND, "nobody ever wrote");
    for bad in ["", "{}", r#"{"channel":"1","person":"2","text":"x","by":"omar"}"#] {
        assert_eq!(post(bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    world.says("m-agent", "hello").await;
    assert_eq!(post(&body(" ")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, answer) = post(&body("I look into it")).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    world.gateway.settle().await.expect("settled");
    let last = world.channel.last.lock().expect("lock").clone();
    assert!(last.contains("I look into it") && last.contains(r#""persona_id":"77""#), "{last}");
    let (status, _) = api.ask("POST", "/admin/replies", "application/json", &body("and I, omar")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    world.gateway.settle().await.expect("settled");
    let last = world.channel.last.lock().expect("lock").clone();
    assert!(
        last.contains("and I, omar") && !last.contains("persona_id"),
        "no persona of somebody else's: {last}"
    );
    world.clock.advance_s(8 * 86_400);
    assert_eq!(post(&body("still there?")).await.0, StatusCode::CONFLICT);
}
