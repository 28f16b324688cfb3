//! Every documented limit of what goes out: kept at the bound, and one past it refused, with the limit in the error and
//! nothing on the wire. (Receipts have more cases in `forms.rs`.)

use crate::graph::{Answer, Graph, address, message_id, page};
use amana_channel::{Profile, SetupError};
use amana_core::*;
use amana_render::Encoding;
use serde_json::json;
use std::time::Duration;

fn x(n: usize) -> String {
    // Two bytes each: limits count characters.
    "ش".repeat(n)
}

fn postback(title: usize, payload: usize) -> Action {
    Action::Postback { title: x(title), payload: "p".repeat(payload) }
}

fn text(n: usize) -> Content {
    Content::text(x(n))
}

fn buttons(n: usize) -> Content {
    Content { buttons: vec![postback(1, 1); n], ..text(1) }
}

fn url(bytes: usize) -> String {
    let begin = "https://bank.example/";
    format!("{begin}{}", "u".repeat(bytes - begin.len()))
}

fn approved(name: &str, gap: usize, payloads: usize, payload: usize) -> Content {
    let form = ApprovedForm {
        name: name.to_owned(),
        lang: Lang::Arabic,
        body: vec![x(gap)],
        payloads: vec!["p".repeat(payload); payloads],
    };
    Content { rich: Some(Rich::Approved(form)), ..Content::default() }
}

fn media(id: usize, buttons: usize) -> Content {
    let form = MediaForm { media: MediaKind::Video, attachment_id: "7".repeat(id) };
    Content { rich: Some(Rich::Media(form)), buttons: vec![postback(1, 1); buttons], ..Content::default() }
}

#[test]
fn a_message_is_kept_at_each_limit_and_refused_one_past_it() {
    let plain = Encoding::MessengerUpdate;
    let utility = Encoding::MessengerUtility;
    let to_link = |url: String| Content { buttons: vec![Action::LinkAccount { url }], ..text(1) };
    let to_page = |url: String| Content { buttons: vec![Action::Url { title: x(1), url }], ..text(1) };
    let persona = |n: usize| Content { persona: Some("7".repeat(n)), ..text(1) };
    let pass = |n: usize| Content { thread: Some(ThreadControl::Pass("7".repeat(n))), ..text(1) };
    let suggest = |n: usize| Content { suggestions: vec![postback(1, 1); n], ..text(1) };
    let one_suggestion = |title, payload| Content { suggestions: vec![postback(title, payload)], ..text(1) };
    let one_button = |title, payload| Content { buttons: vec![postback(title, payload)], ..text(1) };
    let cases = [
        ("text", plain, text(1_999), text(2_000), "1999"),
        (
            "text of a button template",
            plain,
            Content { buttons: vec![postback(1, 1)], ..text(640) },
            Content { buttons: vec![postback(1, 1)], ..text(641) },
            "640",
        ),
        ("buttons", plain, buttons(3), buttons(4), "at most 3 buttons"),
        ("title of a button", plain, one_button(20, 1), one_button(21, 1), "at most 20"),
        ("title of a button, at least", plain, one_button(1, 1), one_button(0, 1), "not empty"),
        ("payload of a button", plain, one_button(1, 1_000), one_button(1, 1_001), "at most 1000"),
        ("quick replies", plain, suggest(13), suggest(14), "at most 13 quick replies"),
        ("title of a quick reply", plain, one_suggestion(20, 1), one_suggestion(21, 1), "at most 20"),
        (
            "payload of a quick reply",
            plain,
            one_suggestion(1, 1_000),
            one_suggestion(1, 1_001),
            "at most 1000",
        ),
        ("url of a button", plain, to_page(url(2_048)), to_page(url(2_049)), "2048"),
        ("url of a log-in button", plain, to_link(url(2_048)), to_link(url(2_049)), "2048"),
        (
            "https of a log-in button",
            plain,
            to_link(url(40)),
            to_link("http://bank.example/".into()),
            "https",
        ),
        ("persona", plain, persona(64), persona(65), "1 to 64"),
        ("app of a hand-over", plain, pass(64), pass(65), "1 to 64"),
        ("attachment", plain, media(64, 1), media(65, 1), "1 to 64"),
        ("buttons of a media template", plain, media(1, 3), media(1, 4), "at most 3 buttons"),
        (
            "gap of an approved text",
            utility,
            approved("n", 120, 1, 1),
            approved("n", 121, 1, 1),
            "at most 120",
        ),
        (
            "buttons of an approved text",
            utility,
            approved("n", 1, 3, 1),
            approved("n", 1, 4, 1),
            "at most 3 buttons",
        ),
        (
            "payload of an approved text",
            utility,
            approved("n", 1, 1, 1_000),
            approved("n", 1, 1, 1_001),
            "at most 1000",
        ),
        (
            "name of an approved text",
            utility,
            approved("a_1", 1, 1, 1),
            approved("A_1", 1, 1, 1),
            "small letters",
        ),
    ];
    for (name, encoding, at, past, limit) in cases {
        let encode = |content| encoding.encode(content, &address(), message_id());
        assert!(encode(&at).is_ok(), "{name}: {:?}", encode(&at));
        let error = encode(&past).expect_err(name).to_string();
        assert!(error.contains(limit), "{name}: {error}");
        assert!(
            !error.contains('ش') && !error.contains("uuuu"),
            "{name}: the error quotes what was to be said"
        );
    }
    // A list that does not fit a generic template (10 elements, 80 characters) is said as text: nothing is cut.
    let list = |lines: usize, title: usize, subtitle: usize| {
        let line = CardLine { title: x(title), subtitle: x(subtitle) };
        let content = Content { card: Some(Card { lines: vec![line; lines] }), ..Content::default() };
        let bytes = plain.encode(&content, &address(), message_id()).expect("fits");
        String::from_utf8(bytes).expect("UTF-8").contains("generic")
    };
    assert!(list(10, 80, 80));
    assert!(!list(11, 1, 1) && !list(1, 81, 1) && !list(1, 1, 81) && !list(1, 1, 0));
}

fn profile() -> Profile {
    Profile {
        get_started_payload: "v1:start".to_owned(),
        greeting: vec![(Lang::English, x(1)), (Lang::Arabic, x(1))],
        menu: vec![(Lang::English, vec![postback(1, 1)]), (Lang::Arabic, vec![postback(1, 1)])],
        ice_breakers: vec![(Lang::English, vec![(x(1), x(1))]), (Lang::Arabic, vec![(x(1), x(1))])],
        account_linking_url: Some(url(40)),
        public_url: Some("https://bank.example/".to_owned()),
    }
}

#[tokio::test]
async fn a_profile_is_kept_at_each_limit_and_refused_one_past_it() {
    type Change = Box<dyn Fn(&mut Profile, usize)>;
    let arabic = 1;
    let cases: Vec<(&str, Change, usize, usize)> = vec![
        ("payload", Box::new(|p, n| p.get_started_payload = "p".repeat(n)), 1_000, 1),
        ("greeting", Box::new(move |p, n| p.greeting[arabic].1 = x(n)), 160, 1),
        ("menu", Box::new(move |p, n| p.menu[arabic].1 = vec![postback(1, 1); n]), 20, 1),
        ("title", Box::new(move |p, n| p.menu[arabic].1 = vec![postback(n, 1)]), 30, 1),
        ("payload", Box::new(move |p, n| p.menu[arabic].1 = vec![postback(1, n)]), 1_000, 1),
        ("ice breakers", Box::new(move |p, n| p.ice_breakers[arabic].1 = vec![(x(1), x(1)); n]), 4, 1),
        ("question", Box::new(move |p, n| p.ice_breakers[arabic].1 = vec![(x(n), x(1))]), 80, 1),
        ("payload", Box::new(move |p, n| p.ice_breakers[arabic].1 = vec![(x(1), "p".repeat(n))]), 1_000, 1),
        ("https", Box::new(|p, n| p.account_linking_url = Some(url(n))), 2_048, 40),
    ];
    for (word, change, most, least) in cases {
        for (n, good) in [(most, true), (least, true), (most + 1, false)] {
            let graph = Graph::start().await;
            if good {
                for answer in [
                    json!({"data": []}),
                    json!({"success": true}),
                    json!({"data": []}),
                    json!({"result": "success"}),
                ] {
                    graph.then(Answer::ok(&answer));
                }
            }
            let mut wanted = profile();
            change(&mut wanted, n);
            match graph.messenger().setup(&page(), &wanted).await {
                Ok(_) => assert!(good, "{word}: {n} is one too many"),
                Err(SetupError::Profile(problem)) => {
                    assert!(!good && problem.to_string().contains(word), "{word} {n}: {problem}");
                    assert!(graph.asked().is_empty(), "{word}: nothing was called");
                }
                Err(other) => panic!("{word} {n}: {other}"),
            }
        }
    }
    // Fifty domains with others' on the list.
    for (others, good) in [(49, true), (50, false)] {
        let graph = Graph::start().await;
        let domains: Vec<String> = (0..others).map(|n| format!("https://d{n}.example/")).collect();
        let have = json!({"data": [{"whitelisted_domains": domains}]});
        for answer in [json!({"data": []}), json!({"success": true}), have, json!({"result": "success"})] {
            graph.then(Answer::ok(&answer));
        }
        let done = graph.messenger().setup(&page(), &profile()).await;
        assert_eq!(done.is_ok(), good, "{done:?}");
        assert_eq!(
            graph.asked().iter().filter(|a| a.path.ends_with("messenger_profile")).count(),
            1 + usize::from(good)
        );
    }
}

#[tokio::test]
async fn personas_and_hand_overs_are_kept_at_their_limits() {
    let picture = "https://bank.example/p.png";
    for (n, good) in [(50, true), (51, false), (0, false)] {
        let graph = Graph::start().await;
        graph.then(Answer::ok(&json!({"data": []})));
        graph.then(Answer::ok(&json!({"id": "77"})));
        let made = graph.messenger().persona(&page(), &x(n), picture).await;
        assert_eq!((made.is_ok(), graph.asked().len()), (good, if good { 2 } else { 0 }), "{n}: {made:?}");
    }
    // A note is ours, and for people: it is cut.
    let graph = Graph::start().await;
    graph.then(Answer::ok(&json!({"success": true})));
    graph.messenger().pass_thread(&address(), "55", Some(&x(1_000))).await.expect("passed");
    assert_eq!(graph.asked()[0].json()["metadata"].as_str().map(|note| note.chars().count()), Some(999));
    // Longer than it may be is refused, with the limit, and nothing is called.
    let graph = Graph::start().await;
    for time in [7 * 86_400 + 1, 0] {
        let refused = graph.messenger().extend_thread(&address(), Duration::from_secs(time)).await;
        assert!(refused.expect_err("refused").to_string().contains("168 hours"));
    }
    assert!(graph.asked().is_empty());
}
