//! Content to Send API bytes: shapes, limits, and properties over any content.

use amana_core::{
    Action, Address, Card, CardLine, ChannelId, Content, ManualClock, MessageId, Psid, SeededEntropy,
};
use amana_render::limits::messenger as limits;
use amana_render::messenger::{Said, decode_for_display, encode, encode_reply};
use proptest::prelude::*;
use serde_json::{Value, json};

const PERSON: &str = "24601246012460124";

fn address() -> Address {
    Address { channel: ChannelId::new("1001").expect("id"), psid: Psid::new(PERSON).expect("id") }
}

fn message_id() -> MessageId {
    MessageId::from_bytes(*b"0123456789abcdef")
}

fn nth_message(n: u64) -> MessageId {
    let clock = ManualClock::at("2026-11-24T10:00:00Z".parse().expect("instant"));
    MessageId::new(&clock, &SeededEntropy::new(n))
}

fn postback(title: &str) -> Action {
    Action::Postback { title: title.to_owned(), payload: "v1:x".to_owned() }
}

fn url(url: &str) -> Action {
    Action::Url { title: "Open".to_owned(), url: url.to_owned() }
}

fn card(lines: &[(&str, &str)]) -> Option<Card> {
    let line = |(title, subtitle): &(&str, &str)| CardLine {
        title: (*title).to_owned(),
        subtitle: (*subtitle).to_owned(),
    };
    Some(Card { lines: lines.iter().map(line).collect() })
}

fn sent(content: &Content) -> Value {
    let bytes = encode(content, &address(), message_id()).expect("encodable");
    let value: Value = serde_json::from_slice(&bytes).expect("json");
    assert_eq!(value["recipient"], json!({"id": PERSON}));
    assert_eq!(value["message"]["metadata"], json!(message_id().to_string()));
    let mut message = value["message"].clone();
    message.as_object_mut().expect("object").remove("metadata");
    message
}

fn refusal(content: &Content) -> String {
    encode(content, &address(), message_id()).expect_err("a refusal").to_string()
}

#[test]
fn each_content_has_its_shape() {
    let text = Content::text("كم رصيدي؟ \u{2068}$5.00\u{2069} \"x\"");
    assert_eq!(sent(&text), json!({"text": text.text}));

    let with_buttons = Content {
        text: "Pick".to_owned(),
        buttons: vec![
            postback("Balance"),
            url("https://bank.example/p?x=1"),
            Action::LinkAccount { url: "https://bank.example/link".to_owned() },
        ],
        suggestions: vec![postback("Help")],
        ..Content::default()
    };
    let expected = json!({
        "attachment": {"type": "template", "payload": {"template_type": "button", "text": "Pick", "buttons": [
            {"type": "postback", "title": "Balance", "payload": "v1:x"},
            {"type": "web_url", "title": "Open", "url": "https://bank.example/p?x=1", "webview_share_button": "hide"},
            {"type": "account_link", "url": "https://bank.example/link"},
        ]}},
        "quick_replies": [{"content_type": "text", "title": "Help", "payload": "v1:x"}],
    });
    assert_eq!(sent(&with_buttons), expected);

    let unlink = Content { buttons: vec![Action::UnlinkAccount], ..Content::text("Unlink?") };
    assert_eq!(sent(&unlink)["attachment"]["payload"]["buttons"], json!([{"type": "account_unlink"}]));

    let lines = [("Checking ••1234", "$5.00"), ("Savings", "$7.00")];
    let only_card = Content { card: card(&lines), buttons: vec![postback("More")], ..Content::default() };
    let expected = json!({"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [
        {"title": "Checking ••1234", "subtitle": "$5.00",
         "buttons": [{"type": "postback", "title": "More", "payload": "v1:x"}]},
        {"title": "Savings", "subtitle": "$7.00"},
    ]}}});
    assert_eq!(sent(&only_card), expected);

    let led = Content { text: "Your accounts".to_owned(), ..only_card };
    let elements = &sent(&led)["attachment"]["payload"]["elements"];
    assert_eq!(elements[0]["title"], "Your accounts");
    assert!(elements[0]["buttons"].is_array() && elements[0].get("subtitle").is_none());
    assert_eq!(elements.as_array().map(Vec::len), Some(3));

    let list = Content { text: "Your accounts".to_owned(), card: card(&lines), ..Content::default() };
    assert_eq!(sent(&list), json!({"text": "Your accounts\n\nChecking ••1234\n$5.00\n\nSavings\n$7.00"}));

    let empty_card = Content { card: card(&[]), ..Content::text("none") };
    assert_eq!(sent(&empty_card), json!({"text": "none"}));
}

#[test]
fn a_card_that_does_not_fit_becomes_text() {
    let many = vec![("a", "b"); 11];
    let long = "x".repeat(81);
    for lines in [many.as_slice(), &[(long.as_str(), "b")], &[("a", long.as_str())], &[("a", "")]] {
        let content = Content { card: card(lines), ..Content::default() };
        assert!(sent(&content)["text"].as_str().expect("text").starts_with(lines[0].0));
    }
    // Ten lines and a leading element are eleven.
    let content =
        Content { card: card(&vec![("a", "b"); 10]), buttons: vec![postback("x")], ..Content::text("t") };
    assert_eq!(sent(&content)["attachment"]["payload"]["template_type"], "button");
    let too_long = Content { card: card(&vec![(long.as_str(), "b"); 30]), ..Content::default() };
    assert!(refusal(&too_long).contains("1999"));
}

#[test]
fn each_limit_is_named() {
    let text = |n: usize| Content::text("س".repeat(n));
    sent(&text(1999));
    assert_eq!(refusal(&text(2000)), "a text has at most 1999 characters, this one has 2000");
    let buttons = |n: usize, title: &str| Content { buttons: vec![postback(title); n], ..text(640) };
    sent(&buttons(3, &"t".repeat(20)));
    assert!(refusal(&buttons(4, "t")).contains("at most 3 buttons"));
    assert!(refusal(&buttons(1, &"t".repeat(21))).contains("at most 20 characters, this one has 21"));
    assert!(refusal(&buttons(1, " ")).contains("not empty"));
    let long = Content { text: "x".repeat(641), ..buttons(1, "t") };
    assert_eq!(refusal(&long), "a text with buttons has at most 640 characters, this one has 641");
    let quick = |n: usize| Content { suggestions: vec![postback("t"); n], ..text(1) };
    sent(&quick(13));
    assert!(refusal(&quick(14)).contains("at most 13 quick replies"));
    let not_postback = Content { suggestions: vec![Action::UnlinkAccount], ..text(1) };
    assert_eq!(refusal(&not_postback), "a quick reply is a postback");
    let payload = |n: usize| Content {
        buttons: vec![Action::Postback { title: "t".to_owned(), payload: "p".repeat(n) }],
        ..text(1)
    };
    sent(&payload(1000));
    assert!(refusal(&payload(1001)).contains("at most 1000"));
    assert!(refusal(&payload(0)).contains("not empty"));
    for empty in [
        Content::default(),
        Content::text(" \n"),
        Content { buttons: vec![postback("t")], ..Content::default() },
    ] {
        assert_eq!(refusal(&empty), "a message has a text or a card");
    }
    // A refusal never quotes what was to be said.
    assert!(!refusal(&text(2000)).contains('س'));
}

#[test]
fn only_pages_over_https_or_on_this_machine_are_linked() {
    let with = |address: &str| Content { buttons: vec![url(address)], ..Content::text("t") };
    for good in
        ["https://bank.example/a?b=c#d", "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:1/"]
    {
        sent(&with(good));
    }
    let long = format!("https://bank.example/{}", "x".repeat(2048));
    for bad in [
        "",
        "bank.example",
        "http://bank.example",
        "http://10.0.0.1/",
        "javascript:alert(1)",
        "ftp://bank.example",
        "https://user:pw@bank.example",
        "https://bank.example/a b",
        " https://bank.example",
        &long,
    ] {
        assert!(refusal(&with(bad)).contains("https"), "{bad}");
        let link =
            Content { buttons: vec![Action::LinkAccount { url: bad.to_owned() }], ..Content::text("t") };
        assert!(refusal(&link).contains("https"), "{bad}");
    }
}

#[test]
fn an_answer_and_an_update_differ_in_their_type_alone() {
    let content = Content::text("t");
    let update = encode(&content, &address(), message_id()).expect("encodable");
    let reply = encode_reply(&content, &address(), message_id()).expect("encodable");
    let (update, reply) =
        (String::from_utf8(update).expect("utf-8"), String::from_utf8(reply).expect("utf-8"));
    assert!(update.contains(r#""messaging_type":"UPDATE""#));
    assert_eq!(update.replace("UPDATE", "RESPONSE"), reply);
}

#[test]
fn what_was_said_is_read_back() {
    let said = |content: &Content| {
        decode_for_display(&encode(content, &address(), message_id()).expect("encodable"))
            .expect("our own bytes")
    };
    let lines = [("Checking", "$5.00"), ("Savings", "$7.00")];
    let content = Content {
        text: "Accounts".to_owned(),
        card: card(&lines),
        buttons: vec![postback("More"), Action::UnlinkAccount],
        suggestions: vec![postback("Help")],
        ..Content::default()
    };
    let expected = Said {
        text: "Accounts".to_owned(),
        lines: lines.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        buttons: vec!["More".to_owned(), "Help".to_owned()],
    };
    assert_eq!(said(&content), expected);
    assert_eq!(said(&Content::text("t")).text, "t");
    let buttons = Content { buttons: vec![postback("More")], ..Content::text("t") };
    assert_eq!((said(&buttons).text.as_str(), said(&buttons).buttons.len()), ("t", 1));
    for foreign in [b"".as_slice(), b"{}", b"[]", b"{\"message\":{}}", b"\xff", br#"{"message":{"text":5}}"#]
    {
        assert_eq!(decode_for_display(foreign), None);
    }
}

/// Texts around a limit, mostly below it: three in four fit, so that whole messages do, too.
fn around(limit: usize) -> impl Strategy<Value = String> {
    let length = prop_oneof![30 => 1..=limit, 1 => limit + 1..limit + 9, 1 => Just(0)];
    prop_oneof![
        length.prop_map(|n| "ع".repeat(n)),
        proptest::collection::vec(any::<char>(), 1..=limit.min(60))
            .prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn any_postback() -> impl Strategy<Value = Action> {
    (around(20), around(1000)).prop_map(|(title, payload)| Action::Postback { title, payload })
}

fn any_action() -> impl Strategy<Value = Action> {
    let https = around(20).prop_map(|title| Action::Url { title, url: "https://bank.example/p".to_owned() });
    prop_oneof![
        8 => any_postback(),
        8 => https,
        1 => (around(20), around(40)).prop_map(|(title, url)| Action::Url { title, url }),
        4 => Just(Action::LinkAccount { url: "https://bank.example/l".to_owned() }),
        4 => Just(Action::UnlinkAccount),
    ]
}

fn any_content() -> impl Strategy<Value = Content> {
    let line = (around(80), around(80)).prop_map(|(title, subtitle)| CardLine { title, subtitle });
    let card = proptest::option::of(proptest::collection::vec(line, 0..12).prop_map(|lines| Card { lines }));
    let text = prop_oneof![Just(String::new()), around(80), around(640), around(1999)];
    let suggestion = prop_oneof![40 => any_postback(), 1 => any_action()];
    let buttons = prop_oneof![Just(Vec::new()), proptest::collection::vec(any_action(), 1..5)];
    let suggestions = prop_oneof![Just(Vec::new()), proptest::collection::vec(suggestion, 1..15)];
    (text, card, buttons, suggestions).prop_map(|(text, card, buttons, suggestions)| Content {
        text,
        card,
        buttons,
        suggestions,
        ..Content::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever goes in: either a refusal, or valid JSON within every limit, the same each time.
    #[test]
    fn any_content_is_refused_or_within_the_limits(content in any_content(), n in 0u64..9) {
        let message = nth_message(n);
        let Ok(bytes) = encode(&content, &address(), message) else { return Ok(()) };
        prop_assert_eq!(&bytes, &encode(&content, &address(), message).expect("the same again"));
        prop_assert!(decode_for_display(&bytes).is_some());
        let value: Value = serde_json::from_slice(&bytes).expect("json");
        let message = &value["message"];
        let chars = |v: &Value| v.as_str().map_or(0, |s| s.chars().count());
        prop_assert!(message.get("text").is_some() != message.get("attachment").is_some());
        prop_assert!(chars(&message["text"]) <= limits::TEXT_CHARS_MAX);
        prop_assert!(chars(&message["metadata"]) < 1000);
        let quick = message["quick_replies"].as_array().map(Vec::as_slice).unwrap_or_default();
        prop_assert!(quick.len() <= limits::QUICK_REPLIES_MAX);
        for reply in quick {
            prop_assert!((1..=20).contains(&chars(&reply["title"])) && (1..=1000).contains(&chars(&reply["payload"])));
        }
        let template = &message["attachment"]["payload"];
        prop_assert!(chars(&template["text"]) <= limits::BUTTON_TEXT_CHARS_MAX);
        let elements = template["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        prop_assert!(elements.len() <= limits::ELEMENTS_MAX);
        for element in elements {
            prop_assert!((1..=80).contains(&chars(&element["title"])));
            prop_assert!(chars(&element["subtitle"]) <= 80);
            prop_assert!(element.get("subtitle").is_some() || element.get("buttons").is_some());
        }
        let lists = elements.iter().map(|e| &e["buttons"]).chain([&template["buttons"]]);
        for buttons in lists.filter_map(Value::as_array) {
            prop_assert!((1..=3).contains(&buttons.len()));
            for button in buttons {
                prop_assert!(chars(&button["title"]) <= 20 && chars(&button["payload"]) <= 1000);
            }
        }
    }

    #[test]
    fn reading_back_never_fails_badly(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_for_display(&bytes);
    }
}
