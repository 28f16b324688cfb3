//! What is put on the wire, and that nothing else is.

use crate::graph::{self, Answer, Graph, PAGE, PERSON, TOKEN, address, message_id, page, released};
use amana_channel::{Channel, LinkingError, Messenger, PageConfig, SendError, Sent, Timeouts};
use amana_core::{Address, ChannelId, Content, Lang, Psid, Secret};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_send_has_the_token_in_a_header_and_the_proof_in_the_query() {
    let graph = Graph::start().await;
    let sent = graph.messenger().send(released(&Content::text("hello"), &address())).await;
    assert_eq!(sent, Ok(Sent { mid: "m_1".to_owned(), rest: None }));
    let [asked] = graph.asked().try_into().expect("one call");
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v26.0/1001/messages"));
    assert_eq!(asked.headers["authorization"], "Bearer PAGETOKEN");
    assert!(asked.headers["authorization"].to_str().is_ok());
    assert_eq!(asked.headers["content-type"], "application/json");
    // The vector that two independent clients put on the wire.
    let proof = "543b6bc33cf8757f08c5664154a9762d4db96767364c99392e418970a245fa55";
    assert_eq!(asked.query.get("appsecret_proof").map(String::as_str), Some(proof));
    assert!(!asked.raw_query.contains(TOKEN), "the token is in the url");
    assert_eq!(asked.query.len(), 1);
    let expected = json!({
        "recipient": {"id": PERSON}, "messaging_type": "UPDATE",
        "message": {"text": "hello", "metadata": message_id().to_string()},
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn sender_actions_and_unlinking_are_calls_of_their_own() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    for _ in 0..3 {
        graph.then(Answer::ok(&json!({"recipient_id": PERSON})));
    }
    graph.then(Answer::ok(&json!({"result": "unlink account success"})));
    assert_eq!(messenger.typing(&address(), true).await, Ok(()));
    assert_eq!(messenger.typing(&address(), false).await, Ok(()));
    assert_eq!(messenger.mark_seen(&address()).await, Ok(()));
    assert_eq!(messenger.unlink(&address()).await, Ok(()));
    let asked = graph.asked();
    for (asked, action) in asked.iter().zip(["typing_on", "typing_off", "mark_seen"]) {
        assert_eq!(asked.path, "/v26.0/1001/messages");
        assert_eq!(asked.json(), json!({"recipient": {"id": PERSON}, "sender_action": action}));
    }
    assert_eq!(asked[3].path, "/v26.0/me/unlink_accounts");
    assert_eq!(asked[3].json(), json!({"psid": PERSON}));
    assert!(asked.iter().all(|a| a.query.contains_key("appsecret_proof")));
}

#[tokio::test]
async fn a_linking_token_names_a_person_of_this_page_only() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    graph.then(Answer::ok(&json!({"id": PAGE, "recipient": PERSON})));
    assert_eq!(messenger.linking_recipient(&page(), "T&x=1").await, Ok(Psid::new(PERSON).expect("id")));
    let asked = graph.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/v26.0/me"));
    assert_eq!(asked.query["fields"], "recipient");
    assert_eq!(asked.query["account_linking_token"], "T&x=1");
    assert!(!asked.query.contains_key("x"));

    // Ids as numbers, beyond what a double can hold.
    graph.then(Answer::new(200, r#"{"id":1001,"recipient":24601246012460124}"#));
    assert_eq!(messenger.linking_recipient(&page(), "T").await.map(|p| p.to_string()).as_deref(), Ok(PERSON));
    graph.then(Answer::ok(&json!({"id": "1002", "recipient": PERSON})));
    assert_eq!(messenger.linking_recipient(&page(), "T").await, Err(LinkingError::Unclear));
    graph.then(Answer::ok(&json!({"id": PAGE})));
    assert_eq!(messenger.linking_recipient(&page(), "T").await, Err(LinkingError::Unclear));
    graph.then(Answer::error(10_303, None));
    assert_eq!(messenger.linking_recipient(&page(), "T").await, Err(LinkingError::BadToken));
    graph.then(Answer::error(190, Some(460)));
    assert_eq!(
        messenger.linking_recipient(&page(), "T").await,
        Err(LinkingError::Call(SendError::TokenDead))
    );

    let calls = graph.asked().len();
    for bad in ["", "a\nb", "x".repeat(5000).as_str()] {
        assert_eq!(messenger.linking_recipient(&page(), bad).await, Err(LinkingError::BadToken));
    }
    assert_eq!(graph.asked().len(), calls, "nonsense was sent on");
}

#[tokio::test]
async fn a_locale_is_a_guess_and_never_an_error() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    for (answer, lang) in [
        (Answer::ok(&json!({"locale": "ar_AR", "id": PERSON})), Some(Lang::Arabic)),
        (Answer::ok(&json!({"locale": "en_GB"})), Some(Lang::English)),
        (Answer::ok(&json!({"locale": "fr_FR"})), None),
        (Answer::ok(&json!({})), None),
        (Answer::ok(&json!({"locale": 7})), None),
        (Answer::error(2_018_247, None), None),
        (Answer::new(500, "oops"), None),
    ] {
        graph.then(answer);
        assert_eq!(messenger.locale(&address()).await, lang);
    }
    assert_eq!(graph.asked()[0].path, format!("/v26.0/{PERSON}"));
    let calls = graph.asked().len();
    for odd in ["..", "1/../../x", "1?x=1", "%2e%2e"] {
        let of = Address { channel: page(), psid: Psid::new(odd).expect("id") };
        assert_eq!(messenger.locale(&of).await, None);
    }
    assert_eq!(graph.asked().len(), calls, "an odd id became part of a path");
}

#[tokio::test]
async fn an_unknown_page_is_refused_before_any_call() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let to = Address { channel: ChannelId::new("9999").expect("id"), ..address() };
    let sent = messenger.send(released(&Content::text("hello"), &to)).await;
    assert_eq!(sent, Err(SendError::UnknownChannel));
    assert_eq!(messenger.linking_recipient(&to.channel, "T").await, Err(SendError::UnknownChannel.into()));
    assert!(graph.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (graph, elsewhere) = (Graph::start().await, Graph::start().await);
    graph.then(Answer::new(307, "").header("location", format!("{}/v26.0/1001/messages", elsewhere.url)));
    let sent = graph.messenger().send(released(&Content::text("hello"), &address())).await;
    assert!(matches!(sent, Err(SendError::NoWay { .. })), "{sent:?}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_base_path_is_kept() {
    let graph = Graph::start().await;
    let messenger = graph::messenger(&format!("{}/proxy/", graph.url));
    messenger.send(released(&Content::text("hello"), &address())).await.expect("sent");
    assert_eq!(graph.asked()[0].path, "/proxy/v26.0/1001/messages");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_names_its_key() {
    let good = || graph::config("http://127.0.0.1:1");
    let key = |config| Messenger::new(config).map_err(|problem| problem.key).map(|_| ()).err();
    assert_eq!(key(good()), None);
    for url in
        ["http://graph.example", "ftp://127.0.0.1", "https://u:p@graph.example", "https://graph.example/?a=b"]
    {
        let config = amana_channel::MessengerConfig { graph_url: url.parse().expect("url"), ..good() };
        assert_eq!(key(config), Some("messenger.graph_url"), "{url}");
    }
    for version in ["", "26.0", "v26", "v26.x", "v26.0/../x"] {
        let config = amana_channel::MessengerConfig { graph_version: version.to_owned(), ..good() };
        assert_eq!(key(config), Some("messenger.graph_version"), "{version}");
    }
    assert_eq!(
        key(amana_channel::MessengerConfig { app_id: String::new(), ..good() }),
        Some("messenger.app_id")
    );
    let page_with = graph::page_config;
    for proof in ["", "APPSECRET", "0g"] {
        let without = PageConfig { proof: Secret::new(proof), ..page_with("a") };
        let config = amana_channel::MessengerConfig { pages: vec![without], ..good() };
        assert_eq!(key(config), Some("messenger.page.proof"));
    }
    for token in ["", " ", "a\nb"] {
        let config = amana_channel::MessengerConfig { pages: vec![page_with(token)], ..good() };
        assert_eq!(key(config), Some("messenger.page.token"));
    }
    let twice = amana_channel::MessengerConfig { pages: vec![page_with("a"), page_with("b")], ..good() };
    assert_eq!(key(twice), Some("messenger.page.id"));
    let zero = Timeouts { connect: Duration::ZERO, call: Duration::from_secs(1) };
    assert_eq!(key(amana_channel::MessengerConfig { timeouts: zero, ..good() }), Some("messenger.timeouts"));
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let config = graph::config("http://127.0.0.1:1");
    let printed = format!("{config:?} {:?}", graph::messenger("http://127.0.0.1:1"));
    assert!(!printed.contains(TOKEN) && !printed.contains("APPSECRET"), "{printed}");
}
