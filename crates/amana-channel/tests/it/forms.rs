//! Forms of the platform's own: what they become, and every limit that is checked before anything is sent.

use crate::graph::Answer;
use crate::graph::{Graph, address, message_id, page, released};
use amana_channel::{Channel as _, People, Rest, ThreadOwner, messenger::INBOX_APP};
use amana_core::*;
use amana_render::Encoding;
use amana_render::messenger::decode_for_display;
use amana_render::messenger::utility::news;
use serde_json::{Value, json};
use std::time::Duration;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::from_code("USD").expect("a currency"))
}

pub(crate) fn receipt() -> ReceiptForm {
    let item = ReceiptItem {
        title: "Beans".to_owned(),
        subtitle: Some("1 kg".to_owned()),
        quantity: Some(2),
        price: usd(5_000),
        image_url: None,
    };
    ReceiptForm {
        recipient_name: "Amal".to_owned(),
        order_number: "A-1".to_owned(),
        payment_method: "Savings ••1234".to_owned(),
        merchant_name: Some("Blue Bottle".to_owned()),
        ordered_at: Some("2026-11-24T10:00:00Z".parse().expect("instant")),
        order_url: Some("https://bank.example/o".to_owned()),
        items: vec![item],
        address: Some(ReceiptAddress {
            street_1: "1 Main".to_owned(),
            street_2: None,
            city: "Amman".to_owned(),
            postal_code: "11118".to_owned(),
            state: "AM".to_owned(),
            country: "JO".to_owned(),
        }),
        total: usd(5_614),
        subtotal: Some(usd(7_500)),
        shipping: Some(usd(495)),
        tax: Some(usd(619)),
        adjustments: vec![("New customer".to_owned(), usd(-3_000))],
    }
}

pub(crate) fn content(rich: Rich) -> Content {
    Content { rich: Some(rich), ..Content::default() }
}

fn encoded(content: &Content, encoding: Encoding) -> Result<Value, String> {
    let bytes = encoding.encode(content, &address(), message_id()).map_err(|e| e.limit)?;
    Ok(serde_json::from_slice(&bytes).expect("json"))
}

#[test]
fn a_receipt_is_whole_and_reads_back() {
    let message = content(Rich::Receipt(Box::new(receipt())));
    let call = encoded(&message, Encoding::MessengerReply).expect("encodable");
    let payload = &call["message"]["attachment"]["payload"];
    assert_eq!(payload["template_type"], "receipt");
    // As they are written: 75.00 is not 75.
    let summary = |name: &str| payload["summary"][name].to_string();
    let amounts = ["shipping_cost", "subtotal", "total_cost", "total_tax"].map(summary);
    assert_eq!(amounts.join(" "), "4.95 75.00 56.14 6.19");
    assert_eq!(payload["timestamp"], "1795514400");
    assert_eq!(payload["adjustments"][0]["amount"].to_string(), "-30.00");
    assert_eq!(payload["elements"][0]["currency"], "USD");
    assert_eq!(call["message"]["metadata"], message_id().to_string());
    let bytes = Encoding::MessengerReply.encode(&message, &address(), message_id()).expect("encodable");
    let said = decode_for_display(&bytes).expect("ours");
    assert_eq!(said.text, "Blue Bottle · A-1 · 56.14 USD");
    assert_eq!(said.lines, [("Beans".to_owned(), "1 kg · 50.00".to_owned())]);
}

#[test]
fn every_limit_of_a_form_is_named() {
    let kwd = Currency::from_code("KWD").expect("a currency");
    let long = "x".repeat(201);
    let of = |change: &dyn Fn(&mut ReceiptForm)| {
        let mut form = receipt();
        change(&mut form);
        encoded(&content(Rich::Receipt(Box::new(form))), Encoding::MessengerReply)
    };
    let cases: Vec<(Result<Value, String>, &str)> = vec![
        (of(&|f| f.recipient_name.clear()), "the recipient's name of a receipt is not empty"),
        (
            of(&|f| f.order_number = long.clone()),
            "the order number of a receipt has at most 200 characters, this one has 201",
        ),
        (of(&|f| f.items = vec![f.items[0].clone(); 101]), "a receipt has at most 100 items"),
        (of(&|f| f.items[0].title = " ".into()), "the title of a receipt's item is not empty"),
        (of(&|f| f.items[0].image_url = Some("http://x.example/i".into())), "the url of a button is https"),
        (of(&|f| f.items[0].price = Money::new(1, kwd)), "the amounts of a receipt are all in its currency"),
        (of(&|f| f.adjustments = vec![("x".into(), usd(1)); 21]), "a receipt has at most 20 adjustments"),
        (of(&|f| f.order_url = Some("http://x.example".into())), "the url of a button is https"),
        (
            of(&|f| f.address.as_mut().unwrap().country = "Jordan".into()),
            "the country of a receipt's address is two capital letters",
        ),
        (of(&|f| f.address.as_mut().unwrap().city.clear()), "the city of a receipt's address is not empty"),
    ];
    for (result, limit) in cases {
        assert!(result.as_ref().is_err_and(|e| e.starts_with(limit)), "{limit}: {result:?}");
    }
    let thousandths = |minor| {
        let mut form = receipt();
        form.total = Money::new(minor, kwd);
        (form.subtotal, form.shipping, form.tax) = (None, None, None);
        form.items.clear();
        form.adjustments.clear();
        encoded(&content(Rich::Receipt(Box::new(form))), Encoding::MessengerReply)
    };
    assert_eq!(
        thousandths(12_340).expect("fits")["message"]["attachment"]["payload"]["summary"]["total_cost"]
            .to_string(),
        "12.34"
    );
    assert_eq!(
        thousandths(12_345).expect_err("three places"),
        "an amount of a receipt has at most two decimal places"
    );
    let mut buttons = content(Rich::Receipt(Box::new(receipt())));
    buttons.buttons = vec![Action::UnlinkAccount];
    assert_eq!(
        encoded(&buttons, Encoding::MessengerReply).expect_err("no buttons"),
        "a receipt has no buttons"
    );
}

#[test]
fn a_picture_a_persona_and_a_hand_over() {
    let media = MediaForm { media: MediaKind::Image, attachment_id: "1745504518999123".to_owned() };
    let mut message = content(Rich::Media(media.clone()));
    message.buttons = vec![Action::Postback { title: "More".into(), payload: "v1:help".into() }];
    message.persona = Some("77".into());
    message.thread = Some(ThreadControl::Pass(INBOX_APP.into()));
    let call = encoded(&message, Encoding::MessengerReply).expect("encodable");
    let element = &call["message"]["attachment"]["payload"]["elements"][0];
    assert_eq!(
        (&element["media_type"], &element["attachment_id"]),
        (&json!("image"), &json!("1745504518999123"))
    );
    assert_eq!(element["buttons"][0]["type"], "postback");
    assert_eq!(call["persona_id"], "77");
    assert_eq!(call["thread_control"], json!({"control_type": "pass", "app_id": INBOX_APP}));
    message.thread = Some(ThreadControl::Release);
    let call = encoded(&message, Encoding::MessengerReply).expect("encodable");
    assert_eq!(call["thread_control"], json!({"control_type": "release"}));
    for broken in [
        Content { persona: Some("7 7".into()), ..message.clone() },
        Content { thread: Some(ThreadControl::Pass(String::new())), ..message.clone() },
        content(Rich::Media(MediaForm { attachment_id: "../x".into(), ..media.clone() })),
    ] {
        assert!(encoded(&broken, Encoding::MessengerReply).expect_err("an id").contains("letters, digits"));
    }
    message.buttons = vec![message.buttons[0].clone(); 4];
    assert_eq!(encoded(&message, Encoding::MessengerReply).expect_err("too many"), "at most 3 buttons");
}

#[test]
fn an_approved_text_goes_alone_and_nothing_else_goes_outside() {
    let form = news(Lang::Arabic, "بنك الأرز");
    let mut message = content(Rich::Approved(form.clone()));
    message.text = "beside it".to_owned();
    message.suggestions = vec![Action::Postback { title: "x".into(), payload: "y".into() }];
    let call = encoded(&message, Encoding::MessengerUtility).expect("encodable");
    assert_eq!(call["messaging_type"], "UTILITY");
    assert_eq!(
        call["message"],
        json!({
            "template": {"name": "amana_news_1", "language": {"code": "ar"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "بنك الأرز"}]},
                {"type": "buttons", "parameters": [{"type": "POSTBACK", "payload": "v1:news"}]}]},
            "metadata": message_id().to_string(),
        })
    );
    let bytes = Encoding::MessengerUtility.encode(&message, &address(), message_id()).expect("encodable");
    let said = decode_for_display(&bytes).expect("ours");
    assert!(said.text.contains("بنك الأرز") && said.buttons.len() == 1, "{said:?}");
    // In the window the same content is a text like others.
    let call = encoded(&message, Encoding::MessengerUpdate).expect("encodable");
    assert_eq!((&call["message"]["text"], &call["message"]["template"]), (&json!("beside it"), &Value::Null));

    assert!(encoded(&Content::text("free words"), Encoding::MessengerUtility).is_err());
    let long = ApprovedForm { body: vec!["x".repeat(121)], ..form.clone() };
    let lines = ApprovedForm { body: vec!["a\nb".to_owned()], ..form.clone() };
    let many = ApprovedForm { payloads: vec!["p".to_owned(); 4], ..form.clone() };
    let name = ApprovedForm { name: "News!".to_owned(), ..form };
    for (form, limit) in
        [(long, "at most 120"), (lines, "on one line"), (many, "at most 3 buttons"), (name, "small letters")]
    {
        let error = encoded(&content(Rich::Approved(form)), Encoding::MessengerUtility).expect_err(limit);
        assert!(error.contains(limit), "{error}");
    }
    assert_eq!(Encoding::MessengerUtility.most_open(), Form::Notice);
    assert!(Encoding::MessengerUtility.passes_window() && !Encoding::MessengerUpdate.passes_window());
}

#[tokio::test]
async fn routing_calls_are_as_documented() {
    let graph = Graph::start().await;
    let (messenger, to) = (graph.messenger(), address());
    for _ in 0..5 {
        graph.then(Answer::ok(&json!({"success": true})));
    }
    messenger.pass_thread(&to, INBOX_APP, Some("please")).await.expect("passed");
    messenger.take_thread(&to, None).await.expect("taken");
    messenger.request_thread(&to, None).await.expect("asked");
    messenger.release_thread(&to).await.expect("released");
    messenger.extend_thread(&to, Duration::from_secs(7 * 86_400)).await.expect("extended");
    graph.then(Answer::ok(&json!({"data": []})));
    assert_eq!(messenger.thread_owner(&to).await, Ok(ThreadOwner::Nobody));
    graph.then(Answer::ok(
        &json!({"data": [{"thread_owner": {"app_id": 4242, "expiration": 1_764_000_000}}]}),
    ));
    let until = Timestamp::from_second(1_764_000_000).ok();
    let owner = messenger.thread_owner(&to).await;
    assert_eq!(owner, Ok(ThreadOwner::Owned { app: Some("4242".into()), until }));
    graph.then(Answer::error(27, None));
    assert!(messenger.take_thread(&to, None).await.is_err());
    let asked = graph.asked();
    let seen: Vec<_> = asked.iter().map(|a| a.path.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(
        seen[..6],
        [
            "pass_thread_control",
            "take_thread_control",
            "request_thread_control",
            "release_thread_control",
            "extend_thread_control",
            "thread_owner"
        ]
    );
    let recipient = json!({"id": to.psid});
    assert_eq!(
        asked[0].json(),
        json!({"recipient": recipient, "target_app_id": INBOX_APP, "metadata": "please"})
    );
    assert_eq!(asked[4].json(), json!({"recipient": recipient, "duration": 604_800}));
    assert_eq!(asked[5].query["recipient"], to.psid.as_str());
}

#[tokio::test]
async fn a_persona_is_made_once_per_agent() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    graph.then(Answer::ok(&json!({"data": []})));
    graph.then(Answer::ok(&json!({"id": 77})));
    let made = messenger.persona(&page(), "Huda", "https://bank.example/huda.png").await.expect("made");
    graph.then(Answer::ok(
        &json!({"data": [{"id": "77", "name": "Huda", "profile_picture_url": "https://cdn.example/x"}]}),
    ));
    let again = messenger.persona(&page(), " Huda ", "https://bank.example/huda.png").await.expect("there");
    assert_eq!((made.id.as_str(), again.id.as_str()), ("77", "77"));
    assert_eq!(graph.asked().len(), 3);
    for (name, picture) in
        [("", "https://x.example/p"), (&*"x".repeat(51), "https://x.example/p"), ("x", "http://x.example/p")]
    {
        assert!(messenger.persona(&page(), name, picture).await.is_err());
    }
    assert!(messenger.remove_persona(&page(), "../1001").await.is_err());
    assert_eq!(graph.asked().len(), 3, "nothing was called");
    graph.then(Answer::ok(&json!({"success": true})));
    messenger.remove_persona(&page(), "77").await.expect("removed");
    assert_eq!(graph.asked()[3].path, "/v26.0/77");
}

#[tokio::test]
async fn templates_are_brought_once_and_asked_after() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let of = |name: &str, lang: &str, status: &str| json!({"name": name, "language": lang, "status": status, "rejected_reason": "NONE"});
    let row = |lang: &str, status: &str| of("amana_news_1", lang, status);
    let ends = || {
        let row = |lang: &str| of("amana_ends_1", lang, "APPROVED");
        Answer::ok(&json!({"data": [row("en_US"), row("ar")]}))
    };
    graph.then(Answer::ok(&json!({"data": [row("en_US", "APPROVED"), row("fr", "APPROVED")]})));
    graph.then(ends());
    graph.then(Answer::ok(&json!({"id": 1, "status": "PENDING", "category": "UTILITY"})));
    graph.then(Answer::ok(&json!({"data": [row("en", "APPROVED"), row("ar", "REJECTED")]})));
    graph.then(ends());
    let have = messenger.bring_templates(&page()).await.expect("brought");
    let seen: Vec<_> = have.iter().map(|t| (t.lang, t.approved, t.status.as_str())).collect();
    let good = |lang| (lang, true, "APPROVED");
    let refused = (Lang::Arabic, false, "REJECTED");
    assert_eq!(seen, [good(Lang::English), refused, good(Lang::English), good(Lang::Arabic)]);
    let brought = graph.asked()[2].json();
    assert_eq!(
        (&brought["name"], &brought["language"], &brought["category"]),
        (&json!("amana_news_1"), &json!("ar"), &json!("UTILITY"))
    );
    assert_eq!(brought["components"][0]["example"]["body_text"][0].as_array().map(Vec::len), Some(1));
    assert!(brought["components"][1]["buttons"][0].get("example").is_none());
    // Rejected: the same words are not brought again.
    for _ in 0..2 {
        graph.then(Answer::ok(&json!({"data": [row("en", "APPROVED"), row("ar", "REJECTED")]})));
        graph.then(ends());
    }
    messenger.bring_templates(&page()).await.expect("nothing to bring");
    assert!(graph.asked()[3..].iter().all(|asked| asked.method == "GET"));
}

#[tokio::test]
async fn a_page_that_is_nearly_used_up_rests() {
    let graph = Graph::start().await;
    let answer = Answer::ok(&json!({"recipient_id": "1", "message_id": "m_1"}));
    graph.then(answer.header("x-app-usage", r#"{"call_count":95,"total_time":2,"total_cputime":2}"#));
    let sent = graph.messenger().send(released(&Content::text("hi"), &address())).await.expect("sent");
    let rest = Rest { time: amana_channel::limits::USAGE_REST, whole_app: true };
    assert_eq!(sent.rest, Some(rest));
}

#[tokio::test]
async fn people_are_found_by_the_apps_id_or_nobody_is() {
    let graph = Graph::start().await;
    graph.then(Answer::ok(&json!({"data": [
        {"id": "5", "page": {"id": "1001"}}, {"id": "6", "page": {"id": "2002"}}, {"page": {"id": "1001"}}]})));
    let found = graph.messenger().people("218471").await.expect("asked");
    assert_eq!(found.known.iter().map(|a| a.psid.as_str()).collect::<Vec<_>>(), ["5"]);
    assert!(found.untold.is_empty(), "{found:?}");
    let asked = graph.asked().remove(0);
    assert_eq!((asked.path.as_str(), asked.query["page"].as_str()), ("/v26.0/218471/ids_for_pages", "1001"));
    assert_eq!(asked.headers["authorization"], "Bearer 4242|APPSECRET", "the app's own, not the page's");
    // Nobody is known there: that is an answer. A refusal, or nonsense, is none, and must not pass for it.
    graph.then(Answer::ok(&json!({"data": []})));
    assert_eq!(graph.messenger().people("218471").await, Ok(People::default()));
    let untold = People { known: vec![], untold: vec![address().channel] };
    for refused in [Answer::error(100, Some(33)), Answer::error(200, None), Answer::ok(&json!({"x": 1}))] {
        graph.then(refused);
        assert_eq!(graph.messenger().people("218471").await.as_ref(), Ok(&untold));
    }
    assert_eq!(graph.messenger().people("../me").await, Ok(People::default()));
    assert_eq!(graph.asked().len(), 5);
}
