//! The chat page: what is served, in which language, with which headers; reset.

use serde_json::json;

use crate::support::{PAGE, Rig};

#[tokio::test]
async fn the_page_has_its_language_from_the_start() {
    let rig = Rig::new().await;
    let get = async |path: &str| rig.client.get(format!("{}{path}", rig.base)).send().await.unwrap();
    let page = get(&format!("/chat?page={PAGE}&user=amal")).await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
    assert!(page.text().await.unwrap().contains(r#"<html lang="en" dir="ltr">"#));
    let arabic = get(&format!("/chat?page={PAGE}&user=amal&lang=ar")).await.text().await.unwrap();
    assert!(arabic.contains(r#"<html lang="ar" dir="rtl">"#));
    assert!(get("/chat?user=amal").await.text().await.unwrap().contains(r#"dir="rtl""#), "the choice stays");
    assert_eq!(get("/chat?page=9").await.status(), 404);
    assert_eq!(get(&format!("/chat?user={}", "x".repeat(65))).await.status(), 404);
    for asset in [
        "app.js",
        "app.css",
        "words.js",
        "bubbles.js",
        "panel.js",
        "control.js",
        "verbs.js",
        "control.css",
        "person.svg",
    ] {
        assert_eq!(get(&format!("/chat/{asset}")).await.status(), 200, "{asset}");
    }
    let moved = get(&format!("/m/{PAGE}")).await;
    assert_eq!(moved.headers()["location"].to_str().unwrap(), format!("/chat?page={PAGE}"));
}

#[tokio::test]
async fn the_greeting_follows_the_language() {
    let rig = Rig::new().await;
    let profile = json!({"get_started": {"payload": "GS"}, "greeting": [
        {"locale": "default", "text": "Hi {{user_first_name}}"}, {"locale": "ar_AR", "text": "أهلًا {{user_first_name}}"}]});
    assert_eq!(rig.graph("POST", "me/messenger_profile", Some(profile)).await.0, 200);
    let path = format!("/chat/api/thread?page={PAGE}&user=amal");
    assert_eq!(rig.get(&path).await["greeting"], "Hi \u{2068}amal\u{2069}");
    rig.post("/chat/api/locale", json!({"user": "amal", "locale": "ar_AR"})).await;
    assert_eq!(rig.get(&path).await["greeting"], "أهلًا \u{2068}amal\u{2069}");
    let tap =
        json!({"page": PAGE, "user": "amal", "kind": "get_started", "payload": "GS", "title": "Get started"});
    assert!(rig.post("/chat/api/tap", tap).await["mid"].is_string());
    let hook = rig.wait(1, |i| i["postback"].is_object()).await.remove(0);
    assert_eq!(hook.item()["postback"]["payload"], "GS");
}

#[tokio::test]
async fn every_word_is_in_both_languages() {
    let words = include_str!("../../static/words.js");
    let keys = |block: &str| {
        let mut keys: Vec<_> =
            block.lines().filter_map(|l| l.trim().split_once(": \"")).map(|(k, _)| k.to_owned()).collect();
        keys.sort();
        keys
    };
    let (english, arabic) = words.split_once("\n  ar: {").unwrap();
    assert!(keys(english).len() > 50);
    assert_eq!(keys(english), keys(arabic));
    let used = [
        include_str!("../../static/chat.html"),
        include_str!("../../static/chat.js"),
        include_str!("../../static/bubbles.js"),
        include_str!("../../static/panel.js"),
        include_str!("../../static/control.js"),
        include_str!("../../static/verbs.js"),
    ];
    for source in used {
        for part in source
            .split("word(\"")
            .skip(1)
            .chain(source.split("data-word=\"").skip(1))
            .chain(source.split("data-label=\"").skip(1))
        {
            let word = part.split('"').next().unwrap();
            assert!(keys(english).iter().any(|k| k == word), "`{word}` is in neither list");
        }
    }
}

#[tokio::test]
async fn reset_forgets() {
    let rig = Rig::new().await;
    let psid = rig.say("amal", "hi").await;
    rig.send(&psid, json!({"text": "x"})).await;
    rig.idle().await;
    rig.post("/control/clock", json!({"advance_s": 100})).await;
    rig.post("/control/reset", json!({})).await;
    let thread = rig.thread("amal").await;
    assert_eq!((&thread["psid"], &thread["messages"]), (&json!(psid), &json!([])));
    assert_eq!(rig.get("/control/sends").await, json!([]));
    assert_eq!(rig.get("/control/clock").await["offset_s"], 0);
    assert_eq!(rig.send(&psid, json!({"text": "x"})).await.1["error"]["error_subcode"], 2_018_001);
    rig.post("/control/reset", json!({"all": true})).await;
    assert!(rig.get(&format!("/control/threads/{PAGE}/amal")).await["error"].is_string());
}

/// Goal: nothing of the control API is out of the panel's reach: every call, every act, every switch.
#[tokio::test]
async fn the_panel_reaches_every_call_of_the_control_api() {
    let verbs = include_str!("../../static/verbs.js");
    let routes =
        concat!(include_str!("../../src/control/mod.rs"), include_str!("../../src/control/platform.rs"));
    let mut calls = 0;
    for route in routes.lines().filter_map(|line| line.split_once("\"/control/")) {
        let (path, how) = route.1.split_once('"').unwrap();
        let path = path.replace("{name}", "");
        assert!(verbs.contains(&format!("\"{path}")), "no call of {path}");
        calls += usize::from(how.contains("post("));
    }
    assert!(calls >= 15, "{calls} calls were found");
    let acts =
        include_str!("../../src/acts.rs").split_once("enum Act {").unwrap().1.split_once("\n}").unwrap().0;
    let names = acts
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase));
    for name in names.filter_map(|line| line.split_whitespace().next()) {
        let snake: String = name.char_indices().fold(String::new(), |mut out, (i, c)| {
            if c.is_uppercase() && i > 0 {
                out.push('_');
            }
            out.extend(c.to_lowercase());
            out
        });
        assert!(verbs.contains(&format!("kind: \"{snake}\"")), "no act {snake}");
    }
    let rig = Rig::new().await;
    for (name, _) in rig.get("/control/faults").await.as_object().unwrap() {
        assert!(verbs.contains(&format!("{name}:")), "no switch {name}");
    }
}
