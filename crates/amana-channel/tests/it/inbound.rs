//! Every kind of event and every quirk of the platform. `inbound.json` holds the items; here are the
//! envelopes.

use crate::graph::{PAGE, PERSON};
use amana_channel::limits;
use amana_channel::webhook::{ChannelEventKind, Inbound, InboundKind, Parsed, opens_window, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

const AT: i64 = 1_764_000_000_000;

fn webhook(entries: &Value) -> Parsed {
    parse(json!({"object": "page", "entry": entries}).to_string().as_bytes()).expect("a webhook")
}

fn item(mut what: Value) -> Value {
    let item = what.as_object_mut().expect("object");
    for (key, value) in
        [("sender", json!({"id": PERSON})), ("recipient", json!({"id": PAGE})), ("timestamp", json!(AT))]
    {
        item.entry(key).or_insert(value);
    }
    what
}

fn in_array(array: &str, items: &[Value]) -> Parsed {
    webhook(&json!([{"id": PAGE, "time": AT, array: items}]))
}

fn one(array: &str, what: Value) -> Inbound {
    let parsed = in_array(array, &[item(what)]);
    assert_eq!(parsed.faults, vec![]);
    let [event] = parsed.events.try_into().expect("one event");
    event
}

fn text(mid: &str) -> Value {
    item(json!({"message": {"mid": mid, "text": "hi"}}))
}

#[test]
fn every_case_of_the_table() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("inbound.json")).expect("a list of cases");
    assert!(cases.len() >= 40);
    for case in cases {
        let name = case["name"].as_str().expect("name");
        let mut what = case["item"].clone();
        if case["echo"] == true {
            what["sender"] = json!({"id": PAGE});
            what["recipient"] = json!({"id": PERSON});
        }
        if let Some(timestamp) = case.get("timestamp") {
            what["timestamp"] = timestamp.clone();
        }
        // The array's name must not matter: hand-over events come in `messaging`.
        for array in ["messaging", "messaging_handovers", "something_new"] {
            let event = one(array, what.clone());
            assert_eq!(serde_json::to_value(&event.kind).expect("json"), case["kind"], "{name}");
            assert_eq!(opens_window(&event.kind), case["opens"] == true, "{name}");
            assert_eq!(event.conversation.channel.as_str(), PAGE, "{name}");
            assert_eq!(event.conversation.psid.as_str(), PERSON, "{name}");
            assert_eq!(event.at.as_millisecond(), AT, "{name}");

            stored_is(&event, name);
        }
        let standby = one("standby", what);
        let InboundKind::Standby(inner) = &standby.kind else { panic!("{name} is not on standby") };
        assert_eq!(serde_json::to_value(inner).expect("json"), case["kind"], "{name}");
        assert_eq!(opens_window(&standby.kind), case["opens"] == true, "{name}");
        stored_is(&standby, name);
    }
}

/// The durable inbox gives back what was put in, but what an echo says, which is not kept.
fn stored_is(event: &Inbound, name: &str) {
    fn forget(kind: &mut InboundKind) {
        match kind {
            InboundKind::Standby(inner) => forget(inner),
            InboundKind::Echo { words, .. } => words.0.clear(),
            _ => {}
        }
    }
    let stored = serde_json::to_vec(event).expect("json");
    let mut event = event.clone();
    forget(&mut event.kind);
    assert_eq!(serde_json::from_slice::<Inbound>(&stored).expect("json"), event, "{name}");
}

#[test]
fn ids_are_strings_or_numbers_of_any_length() {
    let body = r#"{"object":"page","entry":[{"id":1001,"time":1764000000000,"messaging":[
        {"sender":{"id":123456789012345678901},"recipient":{"id":1001},"message":{"mid":"m_1","text":"hi"}}]}]}"#;
    let parsed = parse(body.as_bytes()).expect("a webhook");
    assert_eq!(parsed.events[0].conversation.psid.as_str(), "123456789012345678901");
    assert_eq!(parsed.events[0].conversation.channel.as_str(), PAGE);
    assert_eq!(parsed.events[0].at.as_millisecond(), AT, "the entry's time stands in");
}

#[test]
fn batches_keep_order_and_pages_apart() {
    let entries = json!([
        {"id": PAGE, "time": AT, "messaging": [text("m_1"), text("m_2")]},
        {"id": "2002", "time": AT, "messaging": [text("m_3")]},
        {"id": PAGE, "time": AT, "hop_context": [{"app_id": 5, "metadata": ""}], "messaging": [text("m_4")]},
    ]);
    let parsed = webhook(&entries);
    let seen: Vec<_> = parsed
        .events
        .iter()
        .map(|e| match &e.kind {
            InboundKind::Text { mid, .. } => (e.conversation.channel.as_str(), mid.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [(PAGE, "m_1"), (PAGE, "m_2"), ("2002", "m_3"), (PAGE, "m_4")]);
    assert_eq!((parsed.ignored, parsed.faults.len()), (0, 0));
}

#[test]
fn a_broken_item_never_loses_its_neighbours() {
    let long = "x".repeat(limits::SHORT_TEXT_BYTES_MAX + 1);
    for (broken, place) in [
        (json!(5), ""),
        (json!(null), ""),
        (item(json!({"message": {"text": "no mid"}})), ".message.mid"),
        (item(json!({"message": {"mid": "", "text": "x"}})), ".message.mid"),
        (item(json!({"message": {"mid": "m".repeat(600), "text": "x"}})), ".message.mid"),
        (item(json!({"sender": {}, "message": {"mid": "m", "text": "x"}})), ".sender.id"),
        (item(json!({"sender": {"id": "a\u{7}b"}, "message": {"mid": "m", "text": "x"}})), ".sender.id"),
        (
            item(json!({"sender": {"id": "9".repeat(300)}, "message": {"mid": "m", "text": "x"}})),
            ".sender.id",
        ),
        (item(json!({"delivery": {"watermark": "soon"}})), ".delivery.watermark"),
        (item(json!({"read": {}})), ".read.watermark"),
        (item(json!({"account_linking": {"status": "maybe"}})), ".account_linking.status"),
        (item(json!({"reaction": {"mid": "m", "action": "hug"}})), ".reaction.action"),
        (item(json!({"postback": {"mid": "m", "payload": long}})), ".postback.payload"),
    ] {
        let parsed = in_array("messaging", &[text("m_1"), broken.clone(), text("m_2")]);
        assert_eq!(parsed.events.len(), 2, "{broken}");
        assert_eq!((parsed.ignored, parsed.faults.len()), (1, 1), "{broken}");
        assert_eq!(parsed.faults[0].place, format!("entry[0].messaging[1]{place}"));
    }
    let parsed = webhook(
        &json!([5, {"time": AT, "messaging": [text("m_1")]}, {"id": PAGE, "messaging": [text("m_2")]}]),
    );
    assert_eq!(parsed.events.len(), 2, "an entry without id takes it from its items");
    assert_eq!(parsed.faults.len(), 1);
}

#[test]
fn broken_text_is_mended() {
    let body = br#"{"object":"page","entry":[{"id":"1001","time":1764000000000,"messaging":[
        {"sender":{"id":"2"},"message":{"mid":"m_1","text":"cut \ud83d"}},
        {"sender":{"id":"2"},"message":{"mid":"m_2","text":"whole \ud83d\ude00 \\ud83d"}}]}]}"#;
    let parsed = parse(body).expect("a webhook");
    let texts: Vec<_> = parsed.events.iter().map(|e| &e.kind).collect();
    assert_eq!(texts[0], &InboundKind::Text { mid: "m_1".to_owned(), text: "cut \u{fffd}".to_owned() });
    assert_eq!(texts[1], &InboundKind::Text { mid: "m_2".to_owned(), text: "whole 😀 \\ud83d".to_owned() });
    let mut bytes = text("m_1").to_string().into_bytes();
    let at = bytes.windows(2).position(|w| w == b"hi").expect("the text");
    bytes[at] = 0xff;
    let body = [br#"{"object":"page","entry":[{"id":"1","messaging":["#.as_slice(), &bytes, b"]}]}"].concat();
    assert_eq!(parse(&body).expect("a webhook").events.len(), 1);
}

#[test]
fn events_of_the_page_have_no_person() {
    for name in ["policy_enforcement", "policy-enforcement"] {
        let about =
            json!({"recipient": {"id": PAGE}, "timestamp": AT, name: {"action": "BLOCK", "reason": "spam"}});
        let parsed = in_array("messaging", &[about]);
        let [event] = parsed.channel_events.try_into().expect("one event");
        let kind = ChannelEventKind::PolicyEnforcement {
            action: "block".to_owned(),
            reason: Some("spam".to_owned()),
        };
        assert_eq!((event.kind, event.channel.as_str()), (kind, PAGE));
        assert_eq!((parsed.events.len(), parsed.ignored), (0, 0));
    }
    let parsed = webhook(&json!([{"id": PAGE, "time": AT, "changes": [
        {"field": "message_context", "value": {"event": "APPROVED"}}, {"field": "feed", "value": {}}, 5]}]));
    let kinds: Vec<_> = parsed.channel_events.iter().map(|e| &e.kind).collect();
    let unknown = |key: &str| ChannelEventKind::Unknown { keys: vec![key.to_owned()] };
    assert_eq!(kinds, [&unknown("message_context"), &unknown("feed")]);
    assert_eq!((parsed.ignored, parsed.faults.len()), (3, 1));
    assert_ne!(parsed.channel_events[0].key, parsed.channel_events[1].key);

    let roles = json!({"recipient": {"id": PAGE}, "timestamp": AT, "app_roles": {"1": ["primary_receiver"]}});
    let plugin = item(json!({"sender": {"user_ref": "U"}, "message": {"mid": "m_1", "text": "hi"}}));
    let parsed = in_array("messaging", &[roles, plugin]);
    assert_eq!((parsed.channel_events.len(), parsed.events.len(), parsed.ignored), (2, 0, 1));
    assert_eq!(parsed.channel_events[0].kind, ChannelEventKind::AppRoles { apps: vec!["1".to_owned()] });
    let stored = serde_json::to_vec(&parsed.channel_events).expect("json");
    assert_eq!(serde_json::from_slice::<Vec<_>>(&stored).ok(), Some(parsed.channel_events));
}

/// Section 1.5, last rows; both names of section 14.
#[test]
fn a_template_is_approved_rejected_or_broken() {
    let value = |event: &str| {
        json!({"event": event, "message_template_id": 7, "message_template_name": "amana_news_1",
            "message_template_language": "ar", "reason": "NONE"})
    };
    let changes = json!([
        {"field": "message_template_status_update", "value": value("APPROVED")},
        {"field": "messenger_template_status_update", "value": value("rejected")},
        {"field": "message_template_status_update", "value": {"event": "APPROVED"}},
        {"field": "message_template_status_update", "value": "APPROVED"},
    ]);
    let parsed = webhook(&json!([{"id": PAGE, "time": AT, "changes": changes}]));
    let status = |word: &str| ChannelEventKind::TemplateStatus {
        status: word.to_owned(),
        name: "amana_news_1".to_owned(),
        language: "ar".to_owned(),
        reason: None,
    };
    let kinds: Vec<_> = parsed.channel_events.iter().map(|e| e.kind.clone()).collect();
    assert_eq!(kinds, [status("APPROVED"), status("REJECTED")]);
    let places: Vec<_> = parsed.faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(places, ["entry[0].changes[2].value.message_template_name", "entry[0].changes[3].value"]);
}

/// The keys of section 1.6: a redelivery, with its new timestamp, has the same; another event never has.
#[test]
fn a_redelivery_has_the_same_key_and_nothing_else_has() {
    let key_at = |what: &Value, at: i64| {
        let mut what = what.clone();
        what["timestamp"] = json!(at);
        one("messaging", what).key
    };
    let same = [
        json!({"message": {"mid": "m_1", "text": "hi"}}),
        json!({"message": {"mid": "m_1", "is_deleted": true}}),
        json!({"message": {"mid": "m_1", "is_echo": true}, "sender": {"id": PAGE}, "recipient": {"id": PERSON}}),
        json!({"message": {"mid": "m_2", "text": "hi"}}),
        json!({"postback": {"mid": "m_3", "payload": "p"}}),
        json!({"message_edit": {"mid": "m_1", "text": "x", "num_edit": 1}}),
        json!({"message_edit": {"mid": "m_1", "text": "x", "num_edit": 2}}),
        json!({"account_linking": {"status": "linked", "authorization_code": "A"}}),
        json!({"account_linking": {"status": "linked", "authorization_code": "B"}}),
        json!({"delivery": {"watermark": AT, "mids": ["m_1"]}}),
        json!({"delivery": {"watermark": AT + 1}}),
        json!({"read": {"watermark": AT}}),
        json!({"read": {"watermark": AT + 1}}),
        json!({"read": {"watermark": AT}, "sender": {"id": "3"}}),
    ];
    let dated = [
        json!({"reaction": {"mid": "m_1", "action": "react", "emoji": "x"}}),
        json!({"reaction": {"mid": "m_1", "action": "unreact", "emoji": "x"}}),
        json!({"reaction": {"mid": "m_1", "action": "react", "emoji": "y"}}),
        json!({"account_linking": {"status": "unlinked"}}),
        json!({"pass_thread_control": {"new_owner_app_id": 1}}),
        json!({"pass_thread_control": {"new_owner_app_id": 2}}),
        json!({"take_thread_control": {"new_owner_app_id": 1}}),
        json!({"postback": {"payload": "p"}}),
    ];
    let mut all = Vec::new();
    for what in &same {
        assert_eq!(key_at(what, AT), key_at(what, AT + 5000), "{what}");
        all.push(key_at(what, AT));
    }
    for what in &dated {
        assert_eq!(key_at(what, AT), key_at(what, AT), "{what}");
        assert_ne!(key_at(what, AT), key_at(what, AT + 5000), "{what}");
        all.push(key_at(what, AT));
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "two different events have one key");

    // The platform's record shows a tap as a message with its id: fetched there, it is the same event.
    let tap = one("messaging", json!({"postback": {"mid": "m_1", "title": "Help", "payload": "p"}}));
    let kept = Inbound::fetched(tap.conversation.clone(), "m_1".into(), Some("Help".into()), tap.at);
    assert_eq!(kept.key, tap.key);
    // The same message id on another page is another event.
    let elsewhere = webhook(&json!([{"id": "2002", "messaging": [item(same[0].clone())]}]));
    assert_ne!(elsewhere.events[0].key, key_at(&same[0], AT));
    // And the same message seen on standby is the same event.
    assert_eq!(one("standby", same[0].clone()).key, key_at(&same[0], AT));
}

#[test]
fn a_body_that_is_no_webhook_says_what_is_wrong() {
    for (body, place, what) in [
        ("", "$", "not JSON"),
        ("{\"object\":\"page\",\n\"entry\":[", "$", "line 2"),
        ("[]", "$", "expected a JSON object"),
        ("{}", "object", "expected `page`"),
        (r#"{"object":"instagram","entry":[]}"#, "object", "expected `page`"),
        (r#"{"object":"page"}"#, "entry", "expected a list"),
        (r#"{"object":"page","entry":{}}"#, "entry", "expected a list"),
    ] {
        let error = parse(body.as_bytes()).expect_err("no webhook");
        assert_eq!(error.place, place, "{body}");
        assert!(error.what.contains(what), "{error}");
    }
    let large = vec![b' '; limits::WEBHOOK_BODY_BYTES_MAX + 1];
    assert!(parse(&large).expect_err("too large").what.contains("larger"));
    let deep = format!("{{\"object\":\"page\",\"entry\":{}", "[".repeat(100_000));
    assert!(parse(deep.as_bytes()).is_err());
    assert_eq!(parse(br#"{"object":"page","entry":[]}"#), Ok(Parsed::default()));
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        "[a-z_]{0,6}",
        proptest::sample::select(vec![
            "object",
            "page",
            "entry",
            "messaging",
            "standby",
            "changes",
            "sender",
            "recipient",
            "id",
            "timestamp",
            "message",
            "mid",
            "text",
            "is_echo",
            "quick_reply",
            "payload",
            "attachments",
            "type",
            "postback",
            "delivery",
            "watermark",
            "mids",
            "reaction",
            "action",
            "react",
            "account_linking",
            "status",
            "linked",
            "field",
            "time",
            "read",
            "pass_thread_control",
            "policy_enforcement",
            "$serde_json::private::Number",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The table, read once.
fn cases() -> &'static [Value] {
    static CASES: std::sync::LazyLock<Vec<Value>> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("inbound.json")).expect("a list of cases")
    });
    &CASES
}

/// One step from a good item: a key goes, a value is of another kind, a text is cut or doubled.
fn mutate(value: &mut Value, steps: &mut impl Iterator<Item = u8>) {
    let Some(step) = steps.next() else { return };
    match value {
        Value::Object(map) if !map.is_empty() && step > 20 => {
            let at = usize::from(step) % map.len();
            let key = map.keys().nth(at).expect("a key").clone();
            match step % 5 {
                0 => drop(map.remove(&key)),
                1 => drop(map.insert(key, Value::Null)),
                _ => mutate(&mut map[&key], steps),
            }
        }
        Value::Array(items) if !items.is_empty() && step > 20 => {
            let at = usize::from(step) % items.len();
            match step % 4 {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => mutate(&mut items[at], steps),
            }
        }
        other => {
            *other = match (step % 8, &*other) {
                (0, Value::String(text)) if text.len() < 100 => json!(text.repeat(500)),
                (1, Value::String(text)) => json!(text.chars().take(1).collect::<String>()),
                (2, Value::Number(n)) => json!(n.to_string()),
                (3, Value::String(text)) => json!(text.parse::<i64>().unwrap_or(-1)),
                (4, _) => json!([other.clone()]),
                (5, _) => json!({ "id": other.clone() }),
                (6, _) => json!(true),
                _ => Value::Null,
            };
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Every fixture, some steps away from itself: it is read or refused, and its neighbour comes through.
    #[test]
    fn a_fixture_that_is_changed_never_loses_its_neighbour(
        which in any::<proptest::sample::Index>(),
        standby in any::<bool>(),
        steps in proptest::collection::vec(any::<u8>(), 1..24),
    ) {
        let mut what = item(which.get(cases())["item"].clone());
        let mut steps = steps.into_iter();
        mutate(&mut what, &mut steps);
        mutate(&mut what, &mut steps);
        let array = if standby { "standby" } else { "messaging" };
        let parsed = in_array(array, &[what.clone(), text("m_good")]);
        let good = parsed.events.iter().filter(|event| match &event.kind {
            InboundKind::Text { mid, .. } => mid == "m_good",
            InboundKind::Standby(inner) => matches!(&**inner, InboundKind::Text { mid, .. } if mid == "m_good"),
            _ => false,
        });
        prop_assert_eq!(good.count(), 1, "{}", what);
        // Nothing is dropped without a trace: it is an event, an event of the page, or a fault.
        let seen = parsed.events.len() + parsed.channel_events.len() + parsed.faults.len();
        prop_assert_eq!(seen, 2, "{}", what);
        for fault in &parsed.faults {
            prop_assert!(fault.to_string().len() < 400, "a fault holds no content");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes);
    }

    /// Any JSON in the envelope: nothing fails badly, each item is counted once, and the good neighbour is
    /// there.
    #[test]
    fn any_item_leaves_its_neighbour_alone(what in any_json()) {
        let body = json!({"object": "page", "entry": [what, {"id": PAGE, "time": AT, "messaging": [what, text("m_good")]}]});
        let Ok(parsed) = parse(body.to_string().as_bytes()) else {
            // Only a number that is none can spoil the whole.
            prop_assert!(body.to_string().contains("private::Number"));
            return Ok(());
        };
        let good = parsed.events.iter().filter(|e| matches!(&e.kind, InboundKind::Text { mid, .. } if mid == "m_good"));
        prop_assert_eq!(good.count(), 1);
        for event in &parsed.events {
            let stored = serde_json::to_vec(event).expect("json");
            prop_assert_eq!(&serde_json::from_slice::<Inbound>(&stored).expect("json"), event);
        }
    }

    /// Any text comes through whole.
    #[test]
    fn any_text_comes_through(words in "\\PC{1,200}") {
        prop_assume!(!words.trim().is_empty());
        let event = one("messaging", json!({"message": {"mid": "m_1", "text": words.clone()}}));
        prop_assert_eq!(event.kind, InboundKind::Text { mid: "m_1".to_owned(), text: words });
    }
}

/// Whatever a page can be subscribed to, whether this version has a word for it or not: as an item and as a change it
/// is taken in or kept, and its neighbour is read.
#[test]
fn every_field_that_can_be_subscribed_is_taken_or_kept() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/messenger/enums.json");
    let enums: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the shared data")).expect("JSON");
    let fields = enums["pagesubscribed_apps_subscribed_fields_enum_param"].as_array().expect("a list");
    assert!(fields.len() > 100, "{}", fields.len());
    for field in fields {
        let field = field.as_str().expect("a name");
        let odd = item(json!({field: {"x": 1, "mid": "m_odd"}}));
        for entry in [
            json!({"id": PAGE, "time": AT, "messaging": [odd, text("m_ok")]}),
            json!({"id": PAGE, "time": AT, "standby": [odd, text("m_ok")]}),
            json!({"id": PAGE, "time": AT, "messaging": [text("m_ok")], "changes": [{"field": field, "value": {"x": 1}}]}),
        ] {
            let parsed = webhook(&json!([entry]));
            let is_ok = |event: &Inbound| match &event.kind {
                InboundKind::Standby(inner) => matches!(&**inner, InboundKind::Text { .. }),
                kind => matches!(kind, InboundKind::Text { .. }),
            };
            assert!(parsed.events.iter().any(is_ok), "{field}: its neighbour is read");
            let taken = parsed.events.len() + parsed.channel_events.len() + parsed.faults.len();
            assert!(taken >= 2, "{field}: it is taken, or named as a fault");
            let known = parsed.ignored == 0;
            assert!(known || !parsed.kept.is_empty(), "{field}: what means nothing to this version is kept");
        }
    }
}
