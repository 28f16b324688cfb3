//! Subscribing a page, writing its profile, and looking at how it stands.

use crate::graph::{Answer, Graph, PAGE, page};
use amana_channel::messenger::FIELDS;
use amana_channel::{Profile, SendError, SetupError, TokenState};
use amana_core::{Action, ChannelId, Lang};
use serde_json::{Value, json};

fn menu(title: &str) -> Vec<Action> {
    vec![
        Action::Postback { title: title.to_owned(), payload: "v1:balance".to_owned() },
        Action::Url { title: "Privacy".to_owned(), url: "https://bank.example/privacy".to_owned() },
    ]
}

fn profile() -> Profile {
    Profile {
        get_started_payload: "v1:start".to_owned(),
        greeting: vec![(Lang::English, "Welcome".to_owned()), (Lang::Arabic, "أهلا بك".to_owned())],
        menu: vec![(Lang::English, menu("Balance")), (Lang::Arabic, menu("الرصيد"))],
        ice_breakers: vec![(Lang::English, vec![("How?".to_owned(), "v1:help".to_owned())])],
        account_linking_url: Some("https://bank.example/link".to_owned()),
        public_url: Some("https://bank.example/".to_owned()),
    }
}

/// The profile as the platform gives it back: with defaults, another order, a slash.
fn as_stored() -> Value {
    let entries = |title: &str| {
        json!([
            {"type": "postback", "title": title, "payload": "v1:balance"},
            {"type": "web_url", "title": "Privacy", "url": "https://bank.example/privacy", "webview_height_ratio": "full"},
        ])
    };
    json!({
        "get_started": {"payload": "v1:start"},
        "greeting": [{"locale": "ar_AR", "text": "أهلا بك"}, {"locale": "default", "text": "Welcome"}],
        "persistent_menu": [
            {"locale": "ar_AR", "composer_input_disabled": false, "call_to_actions": entries("الرصيد")},
            {"locale": "default", "composer_input_disabled": false, "call_to_actions": entries("Balance")},
        ],
        "ice_breakers": [{"locale": "default", "call_to_actions": [{"question": "How?", "payload": "v1:help"}]}],
        "account_linking_url": "https://bank.example/link",
        "whitelisted_domains": ["https://bank.example/"],
    })
}

fn apps(fields: &[&str]) -> Answer {
    Answer::ok(&json!({"data": [
        {"id": "1", "name": "Another app", "subscribed_fields": ["feed"]},
        {"id": 4242, "name": "Ours", "subscribed_fields": fields},
    ]}))
}

#[tokio::test]
async fn a_new_page_gets_everything_in_four_calls() {
    let graph = Graph::start().await;
    graph.then(Answer::ok(&json!({"data": []})));
    graph.then(Answer::ok(&json!({"success": "true"})));
    graph.then(Answer::ok(&json!({"data": []})));
    graph.then(Answer::ok(&json!({"result": "success"})));
    let report = graph.messenger().setup(&page(), &profile()).await.expect("set up");
    assert_eq!(report.subscribed, FIELDS);
    assert_eq!(report.written.len(), 6);

    let asked = graph.asked();
    let seen: Vec<_> = asked.iter().map(|a| (a.method.as_str(), a.path.as_str())).collect();
    let (apps, profile) = ("/v26.0/1001/subscribed_apps", "/v26.0/1001/messenger_profile");
    assert_eq!(seen, [("GET", apps), ("POST", apps), ("GET", profile), ("POST", profile)]);
    let fields = &asked[1].query["subscribed_fields"];
    for field in ["messages", "messaging_account_linking", "standby", "message_echoes"] {
        assert!(fields.split(',').any(|f| f == field), "{fields}");
    }
    assert!(!fields.contains("response_feedback"));
    let written = asked[3].json();
    assert_eq!(written["get_started"], json!({"payload": "v1:start"}));
    assert_eq!(written["greeting"][1], json!({"locale": "ar_AR", "text": "أهلا بك"}));
    let locales: Vec<_> = [0, 1].map(|i| written["persistent_menu"][i]["locale"].clone()).into();
    assert_eq!(locales, ["default", "ar_AR"]);
    assert_eq!(written["persistent_menu"][1]["call_to_actions"][0]["title"], "الرصيد");
    assert_eq!(written["whitelisted_domains"], json!(["https://bank.example"]));
}

#[tokio::test]
async fn a_page_that_is_set_up_is_only_read() {
    let graph = Graph::start().await;
    graph.then(apps(FIELDS));
    graph.then(Answer::ok(&json!({"data": [as_stored()]})));
    let report = graph.messenger().setup(&page(), &profile()).await.expect("set up");
    assert!(report.subscribed.is_empty() && report.written.is_empty(), "{report:?}");
    assert!(graph.asked().iter().all(|a| a.method == "GET"));
}

#[tokio::test]
async fn only_what_differs_is_written_and_nothing_of_others_is_lost() {
    let graph = Graph::start().await;
    graph.then(apps(&["feed", "messages"]));
    graph.then(Answer::ok(&json!({"success": true})));
    let mut stored = as_stored();
    stored["greeting"][0]["text"] = json!("قديم");
    stored["whitelisted_domains"] = json!(["https://shop.example/"]);
    graph.then(Answer::ok(&json!({"data": [stored]})));
    graph.then(Answer::ok(&json!({"result": "success"})));
    let report = graph.messenger().setup(&page(), &profile()).await.expect("set up");
    assert_eq!(report.written, ["greeting", "whitelisted_domains"]);
    assert_eq!(report.subscribed.len(), FIELDS.len() - 1);
    let asked = graph.asked();
    assert!(asked[1].query["subscribed_fields"].starts_with("feed,messages,"));
    let written = asked[3].json();
    assert_eq!(written.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(written["whitelisted_domains"], json!(["https://shop.example", "https://bank.example"]));
}

#[tokio::test]
async fn a_profile_beyond_the_limits_is_refused_before_any_call() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let long = |n| "x".repeat(n);
    let english = |text: String| vec![(Lang::English, text)];
    let entry = |action| vec![(Lang::English, vec![action])];
    for (bad, key) in [
        (Profile { get_started_payload: String::new(), ..profile() }, "get_started"),
        (Profile { greeting: english(long(161)), ..profile() }, "greeting"),
        (Profile { greeting: english(String::new()), ..profile() }, "greeting"),
        (Profile { greeting: vec![(Lang::Arabic, "أهلا".to_owned())], ..profile() }, "greeting"),
        (Profile { menu: vec![(Lang::English, vec![])], ..profile() }, "persistent_menu"),
        (
            Profile { menu: vec![(Lang::English, vec![menu("x").remove(0); 21])], ..profile() },
            "persistent_menu",
        ),
        (Profile { menu: vec![(Lang::English, menu(&long(31)))], ..profile() }, "persistent_menu"),
        (Profile { menu: entry(Action::UnlinkAccount), ..profile() }, "persistent_menu"),
        (
            Profile {
                menu: entry(Action::Url { title: "t".to_owned(), url: "http://x.y".to_owned() }),
                ..profile()
            },
            "persistent_menu",
        ),
        (
            Profile { account_linking_url: Some("http://bank.example".to_owned()), ..profile() },
            "account_linking_url",
        ),
    ] {
        match messenger.setup(&page(), &bad).await {
            Err(SetupError::Profile(problem)) => assert_eq!(problem.key, key),
            other => panic!("{key}: {other:?}"),
        }
    }
    assert!(graph.asked().is_empty());
}

#[tokio::test]
async fn on_loopback_nothing_is_whitelisted() {
    let graph = Graph::start().await;
    graph.then(apps(FIELDS));
    graph.then(Answer::ok(&json!({"data": [as_stored()]})));
    let local = Profile {
        public_url: Some("http://127.0.0.1:8080".to_owned()),
        account_linking_url: Some("http://127.0.0.1:8080/link".to_owned()),
        ..profile()
    };
    graph.then(Answer::ok(&json!({"result": "success"})));
    let report = graph.messenger().setup(&page(), &local).await.expect("set up");
    assert_eq!(report.written, ["account_linking_url"]);
}

#[tokio::test]
async fn a_failing_setup_says_how() {
    let graph = Graph::start().await;
    graph.then(Answer::error(190, None));
    let failed = graph.messenger().setup(&page(), &profile()).await;
    assert_eq!(failed, Err(SetupError::Call(SendError::TokenDead)));
    let nobody = ChannelId::new("9").expect("id");
    let failed = graph.messenger().setup(&nobody, &profile()).await;
    assert_eq!(failed, Err(SetupError::Call(SendError::UnknownChannel)));
}

#[tokio::test]
async fn the_status_of_a_page_is_told_without_changing_it() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    graph.then(Answer::ok(&json!({"id": PAGE, "name": "Bank"})));
    graph.then(apps(FIELDS));
    graph.then(Answer::ok(&json!({"data": [as_stored()]})));
    let good = messenger.status(&page(), Some(&profile())).await;
    assert!(good.is_good(), "{good:?}");
    assert_eq!(good.name.as_deref(), Some("Bank"));

    graph.then(Answer::new(200, r#"{"id":1001,"name":"Bank"}"#));
    graph.then(apps(&["messages"]));
    graph.then(Answer::ok(&json!({"data": []})));
    let bare = messenger.status(&page(), Some(&profile())).await;
    assert_eq!(bare.token, TokenState::Valid);
    assert_eq!(bare.missing_fields.as_ref().map(Vec::len), Some(FIELDS.len() - 1));
    assert_eq!(bare.profile_differs.as_ref().map(Vec::len), Some(6));
    assert!(!bare.is_good());

    graph.then(Answer::ok(&json!({"id": "77"})));
    assert_eq!(messenger.status(&page(), None).await.token, TokenState::OtherPage("77".to_owned()));
    graph.then(Answer::error(190, Some(463)));
    let dead = messenger.status(&page(), None).await;
    assert_eq!(
        (dead.token.clone(), dead.missing_fields.clone(), dead.is_good()),
        (TokenState::Dead, None, false)
    );
    graph.then(Answer::new(500, "oops"));
    assert!(matches!(messenger.status(&page(), None).await.token, TokenState::NotTried(_)));
    let nobody = ChannelId::new("9").expect("id");
    assert!(matches!(messenger.status(&nobody, None).await.token, TokenState::NotTried(_)));
    assert!(graph.asked().iter().all(|a| a.method == "GET"));
}

/// Whoever subscribes the app's fields by hand does it by this page.
#[test]
fn the_page_for_operators_names_every_field() {
    let page = include_str!("../../../../docs/connect-a-page.md");
    let subscribed = page.split_once("- subscribes ").and_then(|(_, after)| after.split_once("- writes "));
    let (named, _) = subscribed.expect("what `setup` subscribes");
    for field in FIELDS {
        assert!(named.contains(&format!("`{field}`")), "{field}");
    }
}
