//! The client and the webhook reader against the simulator of the platform, both directions over HTTP. The
//! simulator knows Meta's protocol and nothing of ours, so what the two agree on is not only our own opinion.

use crate::forms::{content, receipt};
use crate::graph::{PAGE, TOKEN, config, page, released, released_as, released_of_agent};
use amana_channel::messenger::{INBOX_APP, Upload};
use amana_channel::webhook::{
    Inbound, InboundKind, opens_window, parse, verify_signature, verify_subscription,
};
use amana_channel::{Channel, History, LinkingError, Messenger, Profile, SendError, ThreadOwner, Timeouts};
use amana_core::{
    Action, Address, Card, CardLine, Content, Lang, MediaForm, MediaKind, Psid, Rich, Secret, ThreadControl,
};
use amana_render::Encoding;
use amana_render::messenger::utility::news;
use amana_sandbox_messenger as sandbox;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::get;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const USER: &str = "amal";
const WAIT: Duration = Duration::from_secs(10);

/// Different bytes each time, the same in each run.
struct Counted(AtomicU64);

impl sandbox::Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            let block = amana_core::ids::sha256(&[&n.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

struct Rig {
    base: String,
    http: reqwest::Client,
    channel: Messenger,
    inbox: Arc<Mutex<Vec<Inbound>>>,
    stop: CancellationToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Rig {
    async fn start() -> Self {
        let inbox: Arc<Mutex<Vec<Inbound>>> = Arc::default();
        let hooks = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let callback = format!("http://{}/webhooks/messenger", hooks.local_addr().expect("address"));
        let into = Arc::clone(&inbox);
        let receiver = axum::Router::new().route(
            "/webhooks/messenger",
            get(handshake).post(move |headers, body| {
                let into = Arc::clone(&into);
                async move { receive(&into, &headers, &body) }
            }),
        );
        tokio::spawn(async move { axum::serve(hooks, receiver).await });

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("address"));
        let pages = vec![sandbox::PageConfig::new(PAGE, "Bank", TOKEN)];
        let own = base.parse().expect("url");
        let mut platform = sandbox::MessengerConfig::new(own, "4242", "APPSECRET", pages);
        platform.webhook_url = Some(callback.parse().expect("url"));
        platform.verify_token = "verify".to_owned();
        platform.require_appsecret_proof = true;
        let start = std::time::Instant::now();
        // Any instant will do; it only has to go on.
        let clock = Arc::new(move || {
            amana_core::from_micros(
                1_764_000_000_000_000 + i64::try_from(start.elapsed().as_micros()).expect("short"),
            )
        });
        let stop = CancellationToken::new();
        let entropy = Arc::new(Counted(AtomicU64::new(0)));
        tokio::spawn(sandbox::serve(listener, platform, clock, entropy, stop.clone()));

        let timeouts = Timeouts { connect: Duration::from_secs(2), call: WAIT };
        let ours = amana_channel::MessengerConfig { timeouts, ..config(&base) };
        let channel = Messenger::new(ours).expect("a configuration");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(WAIT);
        let http = http.tls_certs_only([]).build().expect("a client");
        let rig = Self { base, http, channel, inbox, stop };
        rig.channel.setup(&page(), &profile()).await.expect("the page is set up");
        rig
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/control/{path}", self.base);
        let call = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        let answer = call.send().await.expect("an answer");
        let text = answer.text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"))
    }

    async fn thread(&self) -> Value {
        let url = format!("{}/control/threads/{PAGE}/{USER}", self.base);
        let answer = self.http.get(url).send().await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("a body")).expect("json")
    }

    /// The person writes; gives back who it is, as the webhook says.
    async fn say(&self, text: &str) -> Address {
        self.control(&format!("users/{USER}/say"), json!({"page": PAGE, "text": text})).await;
        let event = self.wait(|e| matches!(&e.kind, InboundKind::Text { text: t, .. } if t == text)).await;
        assert!(opens_window(&event.kind));
        Address { channel: event.conversation.channel, psid: event.conversation.psid }
    }

    async fn tap(&self, kind: &str, payload: &str, title: &str) -> Value {
        let body = json!({"page": PAGE, "kind": kind, "payload": payload, "title": title});
        self.control(&format!("users/{USER}/tap"), body).await
    }

    async fn wait(&self, wanted: impl Fn(&Inbound) -> bool) -> Inbound {
        let found = tokio::time::timeout(WAIT, async {
            loop {
                let found = self.inbox.lock().expect("lock").iter().find(|e| wanted(e)).cloned();
                match found {
                    Some(event) => return event,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("no such event in {:#?}", self.inbox.lock().expect("lock")))
    }
}

/// A request to delete names a person by the app's id: the simulator, as the platform, tells the app alone whose chat
/// that is.
#[tokio::test]
async fn whose_chat_a_request_to_delete_is_about_is_told_to_the_app() {
    let rig = Rig::start().await;
    let person = rig.say("hello").await;
    let asid = rig.thread().await["asid"].as_str().expect("an id").to_owned();
    let found = rig.channel.people(&asid).await.expect("asked");
    assert_eq!((found.known, found.untold), (vec![person], vec![]));
    assert_eq!(rig.channel.people("1").await.expect("asked").known, vec![], "nobody's");
    // Without the app's credentials nobody is told, and that is said.
    let alone = amana_channel::MessengerConfig { app: None, ..config(&rig.base) };
    let found = Messenger::new(alone).expect("a client").people(&asid).await.expect("asked");
    assert_eq!((found.known, found.untold), (vec![], vec![page()]));
}

async fn handshake(uri: Uri) -> Result<String, StatusCode> {
    verify_subscription(&Secret::new("verify"), uri.query().unwrap_or_default())
        .map(|verified| verified.challenge)
        .map_err(|_| StatusCode::FORBIDDEN)
}

fn receive(inbox: &Mutex<Vec<Inbound>>, headers: &HeaderMap, body: &Bytes) -> StatusCode {
    let header = headers.get("x-hub-signature-256").and_then(|v| v.to_str().ok());
    if verify_signature(&Secret::new("APPSECRET"), body, header).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let parsed = parse(body).expect("a webhook");
    assert!(parsed.faults.is_empty() && parsed.ignored == 0, "{parsed:?}");
    inbox.lock().expect("lock").extend(parsed.events);
    StatusCode::OK
}

fn profile() -> Profile {
    let menu =
        |title: &str| vec![Action::Postback { title: title.to_owned(), payload: "v1:balance".to_owned() }];
    Profile {
        get_started_payload: "v1:start".to_owned(),
        greeting: vec![(Lang::English, "Welcome".to_owned()), (Lang::Arabic, "أهلا بك".to_owned())],
        menu: vec![(Lang::English, menu("Balance")), (Lang::Arabic, menu("الرصيد"))],
        ice_breakers: vec![(Lang::English, vec![("How?".to_owned(), "v1:help".to_owned())])],
        account_linking_url: Some("http://127.0.0.1:9/link".to_owned()),
        public_url: Some("http://127.0.0.1:9".to_owned()),
    }
}

#[tokio::test]
async fn a_page_is_set_up_once_and_found_good() {
    let rig = Rig::start().await;
    let again = rig.channel.setup(&page(), &profile()).await.expect("set up");
    assert!(again.subscribed.is_empty() && again.written.is_empty(), "{again:?}");
    let status = rig.channel.status(&page(), Some(&profile())).await;
    assert!(status.is_good(), "{status:?}");
    assert_eq!(status.name.as_deref(), Some("Bank"));
}

#[tokio::test]
async fn a_question_is_answered_and_the_echo_names_our_message() {
    let rig = Rig::start().await;
    let to = rig.say("كم رصيدي؟ 😀 / \"x\"").await;
    assert_eq!(rig.channel.mark_seen(&to).await, Ok(()));
    assert_eq!(rig.channel.typing(&to, true).await, Ok(()));
    assert_eq!(rig.channel.locale(&to).await, Some(Lang::English));

    let line =
        |title: &str| CardLine { title: title.to_owned(), subtitle: "\u{2068}$5.00\u{2069}".to_owned() };
    let card = || Some(Card { lines: vec![line("Checking"), line("Savings")] });
    let postback = |title: &str| Action::Postback { title: title.to_owned(), payload: format!("v1:{title}") };
    let open = Action::Url { title: "Open".to_owned(), url: "http://127.0.0.1:9/privacy".to_owned() };
    let link = Action::LinkAccount { url: "http://127.0.0.1:9/link".to_owned() };
    for content in [
        Content::text("رصيدك"),
        Content { suggestions: vec![postback("Help"); 13], ..Content::text("t") },
        Content { buttons: vec![postback("Balance"), open, link], ..Content::text("t".repeat(640)) },
        Content { card: card(), ..Content::default() },
        Content { card: card(), buttons: vec![postback("More")], ..Content::text("Accounts") },
        Content { card: card(), suggestions: vec![postback("Help")], ..Content::text("Accounts") },
        Content { buttons: vec![Action::UnlinkAccount], ..Content::text("Unlink?") },
        Content::text("س".repeat(1999)),
    ] {
        let message = released(&content, &to);
        let ours = message.message();
        let sent = rig.channel.send(message).await.expect("the platform takes what we encode");
        let echo = rig.wait(|e| matches!(&e.kind, InboundKind::Echo { mid, .. } if *mid == sent.mid)).await;
        let InboundKind::Echo { metadata, app_id, words, .. } = &echo.kind else { panic!("an echo") };
        assert_eq!((*metadata, app_id.as_deref()), (Some(ours), Some("4242")));
        let texts = [content.text.as_str()].into_iter().filter(|text| !text.is_empty());
        let lines = content.card.iter().flat_map(|card| &card.lines).flat_map(|l| [&*l.title, &*l.subtitle]);
        for text in texts.chain(lines) {
            assert!(words.0.join("\n").contains(text), "what it says is what was sent: {text}");
        }
        assert_eq!(echo.conversation.psid, to.psid);
    }

    rig.tap("quick_reply", "v1:Help", "Help").await;
    rig.wait(|e| matches!(&e.kind, InboundKind::QuickReply { payload, .. } if payload == "v1:Help")).await;
    rig.tap("postback", "v1:Balance", "Balance").await;
    rig.wait(|e| matches!(&e.kind, InboundKind::Postback { payload: Some(p), .. } if p == "v1:Balance"))
        .await;
    rig.control(&format!("users/{USER}/read"), json!({"page": PAGE})).await;
    rig.wait(|e| matches!(e.kind, InboundKind::Read { .. })).await;
    rig.wait(|e| matches!(e.kind, InboundKind::Delivery { .. })).await;
}

#[tokio::test]
async fn a_duplicated_webhook_has_the_same_key() {
    let rig = Rig::start().await;
    rig.control("faults", json!({"duplicate": true})).await;
    rig.say("twice").await;
    let twice = || {
        let inbox = rig.inbox.lock().expect("lock");
        let of = |e: &&Inbound| matches!(&e.kind, InboundKind::Text { text, .. } if text == "twice");
        inbox.iter().filter(of).map(|e| e.key).collect::<Vec<_>>()
    };
    let deadline = std::time::Instant::now() + WAIT;
    while twice().len() < 2 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let keys = twice();
    assert!(keys.len() >= 2 && keys.iter().all(|k| *k == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn the_platform_s_refusals_have_their_class() {
    let rig = Rig::start().await;
    let to = rig.say("hi").await;
    let send = || rig.channel.send(released(&Content::text("hello"), &to));

    let nobody = Address { psid: Psid::new("99999999999999999").expect("id"), ..to.clone() };
    let refused = rig.channel.send(released(&Content::text("hello"), &nobody)).await;
    assert_eq!(refused, Err(SendError::Permanent { code: 100, sub: Some(2_018_001) }));

    rig.control("faults", json!({"fail_next": {"code": 613, "times": 1}})).await;
    assert!(matches!(send().await, Err(SendError::Throttled { .. })));

    // Carried out, but the answer is lost: it must not look like a failure that may be repeated.
    let before = rig.thread().await["messages"].as_array().map_or(0, Vec::len);
    rig.control("faults", json!({"drop_connection_next": 1})).await;
    let lost = send().await;
    assert!(matches!(lost, Err(SendError::Ambiguous { .. })), "{lost:?}");
    let after = rig.thread().await["messages"].as_array().map_or(0, Vec::len);
    assert_eq!(after, before + 1, "it was sent once");

    rig.control("clock", json!({"advance_s": 25 * 3600})).await;
    assert_eq!(send().await, Err(SendError::WindowClosed));
    rig.say("again").await;
    assert!(send().await.is_ok());

    rig.control("faults", json!({"token_dead": true})).await;
    assert_eq!(send().await, Err(SendError::TokenDead));
    let status = rig.channel.status(&page(), None).await;
    assert_eq!(status.token, amana_channel::TokenState::Dead);
}

#[tokio::test]
async fn an_account_is_linked_and_unlinked() {
    let rig = Rig::start().await;
    let to = rig.say("link").await;
    let link = Action::LinkAccount { url: "http://127.0.0.1:9/link?from=chat".to_owned() };
    let content = Content { buttons: vec![link], ..Content::text("Link your bank") };
    rig.channel.send(released(&content, &to)).await.expect("sent");

    let opened = rig.tap("account_link", "", "").await;
    let opened = opened["open"].as_str().expect("a link").to_owned();
    let opened = match opened.strip_prefix("http://127.0.0.1:9/") {
        Some(_) => opened,
        // The chat page leads there.
        None => {
            let answer = follow(&rig, &opened).await;
            answer.headers()["location"].to_str().expect("location").to_owned()
        }
    };
    let opened: url::Url = opened.parse().expect("url");
    let query: BTreeMap<_, _> = opened.query_pairs().into_owned().collect();
    let token = &query["account_linking_token"];
    assert_eq!(rig.channel.linking_recipient(&page(), token).await, Ok(to.psid.clone()));
    assert_eq!(rig.channel.linking_recipient(&page(), "wrong").await, Err(LinkingError::BadToken));

    let back = format!("{}&authorization_code=C-1", query["redirect_uri"]);
    assert!(follow(&rig, &back).await.status().is_success());
    let code = Some("C-1".to_owned());
    rig.wait(|e| e.kind == InboundKind::Linked { authorization_code: code.clone() }).await;
    assert_eq!(rig.channel.linking_recipient(&page(), token).await, Err(LinkingError::BadToken));
    assert_eq!(rig.channel.unlink(&to).await, Ok(()));
    rig.wait(|e| e.kind == InboundKind::Unlinked).await;
}

async fn follow(rig: &Rig, url: &str) -> reqwest::Response {
    let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", rig.base) };
    rig.http.get(url).send().await.expect("an answer")
}

/// Every form of the platform's own: a receipt, a picture that it has, an approved text, and a human's words.
#[tokio::test]
async fn every_form_is_taken_within_the_window_and_two_outside_of_it() {
    let rig = Rig::start().await;
    let to = rig.say("hi").await;
    let reply = |content: &Content| rig.channel.send(released_as(content, &to, Encoding::MessengerReply));
    reply(&content(Rich::Receipt(Box::new(receipt())))).await.expect("a receipt");

    let mut media = Vec::new();
    for (kind, upload) in [
        (MediaKind::Image, Upload::Url("https://bank.example/card.png")),
        (MediaKind::Image, Upload::File(b"\x89PNG\r\n\x1a\n\r\n--and more")),
        (MediaKind::Video, Upload::Url("https://bank.example/welcome.mp4")),
        (MediaKind::Video, Upload::File(b"\0\0\0\x20ftypmp42....")),
    ] {
        let now = amana_core::from_micros(1_764_000_000_000_000);
        let saved = rig.channel.attach(&page(), kind, upload, now).await.expect("taken");
        assert_eq!(saved.until, amana_core::from_micros(1_764_000_000_000_000 + 90 * 86_400_000_000));
        let shown = MediaForm { media: kind, attachment_id: saved.id };
        reply(&content(Rich::Media(shown.clone()))).await.expect("a picture or film");
        media.push(shown);
    }
    for attachment_id in ["404404".to_owned(), media[2].attachment_id.clone()] {
        let shown = MediaForm { media: MediaKind::Image, attachment_id };
        let refused = reply(&content(Rich::Media(shown))).await;
        assert!(
            matches!(refused, Err(SendError::Permanent { code: 100, sub: Some(2_018_074) })),
            "one it has not, and a film that is called a picture: {refused:?}"
        );
    }
    // What only the platform can measure it names, and so do we.
    for (sub, words) in [
        (2_018_008, "could not fetch the file"),
        (2_018_109, "larger than the platform takes"),
        (2_018_294, "within 75 seconds"),
    ] {
        rig.control("faults", json!({"media_error": sub})).await;
        let upload = Upload::Url("https://bank.example/large.mp4");
        let now = amana_core::from_micros(0);
        let refused = rig.channel.attach(&page(), MediaKind::Video, upload, now).await;
        let refused = refused.expect_err("not taken").to_string();
        assert!(refused.contains(words), "{refused}");
    }
    rig.control("faults", json!({"media_error": 0})).await;

    // A persona: made once, found again, sent under, and not after it is removed.
    let picture = "https://bank.example/huda.png";
    let huda = rig.channel.persona(&page(), "Huda", picture).await.expect("made");
    assert_eq!(rig.channel.persona(&page(), "Huda", picture).await.expect("there").id, huda.id);
    let all = rig.channel.personas(&page()).await.expect("listed");
    assert_eq!(all.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Huda"]);
    let under = Content { persona: Some(huda.id.clone()), ..Content::text("I am Huda") };
    reply(&under).await.expect("sent under it");

    for brought in rig.channel.bring_templates(&page()).await.expect("brought") {
        assert!(["APPROVED", "PENDING"].contains(&&*brought.status), "{brought:?}");
    }
    rig.control("clock", json!({"advance_s": 25 * 3600})).await;
    assert_eq!(reply(&Content::text("free words")).await, Err(SendError::WindowClosed));
    for lang in [Lang::English, Lang::Arabic] {
        let approved = content(Rich::Approved(news(lang, "Cedar Bank")));
        let sent = rig.channel.send(released_as(&approved, &to, Encoding::MessengerUtility)).await;
        sent.unwrap_or_else(|error| panic!("an approved text in {lang:?}: {error}"));
    }
    let agent = || rig.channel.send(released_of_agent("It was our error", &to, &huda.id));
    agent().await.expect("a human's words, for seven days");
    let thread = rig.thread().await;
    let last = thread["messages"].as_array().and_then(|m| m.last()).expect("a message").to_string();
    assert!(last.contains("It was our error"), "{last}");
    rig.control("clock", json!({"advance_s": 6 * 86_400})).await;
    assert_eq!(agent().await, Err(SendError::WindowClosed), "the eighth day");

    // An id lives for ninety days, and not a day longer.
    let first = || reply(&content(Rich::Media(media[0].clone())));
    rig.control("clock", json!({"advance_s": 82 * 86_400})).await;
    rig.say("once more").await;
    first().await.expect("on the eighty-ninth day");
    rig.control("clock", json!({"advance_s": 86_400 + 3_600})).await;
    rig.say("back").await;
    assert!(matches!(first().await, Err(SendError::Permanent { code: 100, sub: Some(2_018_074) })));
    rig.channel.remove_persona(&page(), &huda.id).await.expect("removed");
    assert!(matches!(reply(&under).await, Err(SendError::Permanent { code: 100, .. })));
}

/// Conversation Routing with a default app: each verb, and what the platform then says and lets through.
#[tokio::test]
async fn control_is_passed_taken_asked_for_extended_and_let_go() {
    let rig = Rig::start().await;
    rig.control(&format!("pages/{PAGE}"), json!({"default_app": "4242"})).await;
    let to = rig.say("hi").await;
    let owner = || rig.channel.owner(&to);
    let is = |app: &str| {
        let app = app.to_owned();
        move |owner: &ThreadOwner| matches!(owner, ThreadOwner::Owned { app: Some(of), .. } if *of == app)
    };
    let send = |text: &str| {
        let message = released(&Content::text(text), &to);
        rig.channel.send(message)
    };
    assert!(owner().await.is_ok_and(|owner| is("4242")(&owner)), "who hears first has it");
    rig.channel.extend_thread(&to, Duration::from_secs(3 * 86_400)).await.expect("extended");

    rig.channel.pass_to_people(&to).await.expect("passed");
    assert!(owner().await.is_ok_and(|owner| is(INBOX_APP)(&owner)));
    assert_eq!(send("mine?").await, Err(SendError::NotThreadOwner));
    rig.channel.request_thread(&to, Some("please")).await.expect("asked for");
    rig.channel.take_back(&to).await.expect("the default app takes it");
    send("mine").await.expect("ours again");
    rig.channel.release_thread(&to).await.expect("let go");
    assert_eq!(owner().await, Ok(ThreadOwner::Nobody));
    // The default app may write in an idle thread, and hands it on with the message itself.
    let handing =
        Content { thread: Some(ThreadControl::Pass(INBOX_APP.into())), ..Content::text("to people") };
    rig.channel.send(released_as(&handing, &to, Encoding::MessengerReply)).await.expect("sent and passed");
    assert!(owner().await.is_ok_and(|owner| is(INBOX_APP)(&owner)));
    // *Done* in the inbox comes without a word to us: only asking tells.
    rig.control(&format!("users/{USER}/inbox"), json!({"do": "done", "page": PAGE})).await;
    assert_eq!(owner().await, Ok(ThreadOwner::Nobody));

    // Without a default app nobody can take.
    rig.control(&format!("pages/{PAGE}"), json!({"default_app": ""})).await;
    assert!(matches!(rig.channel.take_back(&to).await, Err(SendError::Permanent { code: 27, .. })));
}

/// Goal: also in a conversation in which much was said since, what is there is told, and that it is all of it: of what
/// is behind the newest twenty the ids. What does not reach back is not told at all.
#[tokio::test]
async fn what_was_said_is_told_however_much_was_said_since() {
    let rig = Rig::start().await;
    let to = rig.say("before").await;
    let now = |thread: &Value, place: usize| {
        let at = thread["messages"][place]["at_ms"].as_i64().expect("a time");
        amana_core::from_micros(at * 1_000)
    };
    // The platform tells whole seconds.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let ours = rig.channel.send(released(&Content::text("ours"), &to)).await.expect("sent").mid;
    // What has buttons is told in part, as a template of the platform's own kind.
    let buttons = vec![Action::Postback { title: "Details".into(), payload: "v1:more".into() }];
    let content = Content { buttons, ..Content::text("with a button") };
    let card = rig.channel.send(released(&content, &to)).await.expect("sent").mid;
    let at = now(&rig.thread().await, 1);
    let pace = async |a_second: u32| {
        rig.control("settings", json!({"conversations_per_s": a_second})).await;
    };
    pace(0).await;
    let History::Said(said) = rig.channel.said_since(&to, at).await.expect("an answer") else {
        panic!("told")
    };
    let words: Vec<_> = said.iter().map(|one| (one.mid.as_str(), one.words.0.join("|"), one.whole)).collect();
    assert_eq!(words[0], (card.as_str(), "with a button|Details".to_owned(), false));
    assert_eq!(words[1], (ours.as_str(), "ours".to_owned(), true));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    pace(2).await;
    for n in 0..30 {
        rig.control(&format!("users/{USER}/say"), json!({"page": PAGE, "text": format!("and {n}")})).await;
    }
    let thread = rig.thread().await;
    let since = now(&thread, 1);
    let said = rig.channel.said_since(&to, since).await.expect("an answer");
    let History::Said(said) = said else { panic!("all of it is told: {said:?}") };
    let of = |n: usize| thread["messages"][n]["mid"].as_str().expect("an id").to_owned();
    // Of the newest twenty it is told that they are the person's; of the other ten and ours nothing but ids.
    let mut expected: Vec<String> = (1..=12).map(of).collect();
    expected.reverse();
    assert_eq!(said.iter().map(|one| one.mid.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(expected.last(), Some(&ours));
    assert!(said.iter().all(|one| one.words.0.is_empty()));

    pace(0).await;
    for n in 0..540 {
        rig.control(&format!("users/{USER}/say"), json!({"page": PAGE, "text": format!("again {n}")})).await;
    }
    assert_eq!(rig.channel.said_since(&to, since).await, Ok(History::Untold), "it has an end");
}

/// What people did while we were not told, as the platform's record has it: what a button said, that there is a
/// picture, a message in its last words, and nothing that was taken back.
#[tokio::test]
async fn what_people_did_meanwhile_is_told_as_far_as_the_record_goes() {
    let rig = Rig::start().await;
    let who = rig.say("hello").await;
    let since = rig.wait(|event| matches!(event.kind, InboundKind::Text { .. })).await.at;
    assert_eq!(rig.channel.unheard(&page()).await.expect("told"), Vec::<String>::new());
    let act = async |act: Value| rig.control(&format!("users/{USER}/act"), act).await;
    rig.tap("postback", "v1:balance", "My balance").await;
    act(json!({"kind": "attachment", "page": PAGE, "type": "image", "url": "https://x.example/a.png"})).await;
    act(json!({"kind": "sticker", "page": PAGE, "sticker_id": 369_239_263_222_822_u64})).await;
    let said = async |text: &str| {
        let made = rig.control(&format!("users/{USER}/say"), json!({"page": PAGE, "text": text})).await;
        made["mid"].as_str().expect("an id").to_owned()
    };
    let mid = said("balance").await;
    act(json!({"kind": "edit", "page": PAGE, "mid": mid, "text": "stop"})).await;
    let gone = said("not this").await;
    act(json!({"kind": "unsend", "page": PAGE, "mid": gone})).await;

    let threads = rig.channel.talked_since(&page(), since).await.expect("told").expect("known");
    let [thread] = threads.try_into().expect("one conversation");
    rig.control("settings", json!({"conversations_per_s": 0})).await;
    let heard = rig.channel.heard_in(&page(), &thread, since).await.expect("told");
    assert!(heard.iter().all(|one| one.psid == who.psid));
    let texts: Vec<_> = heard.iter().map(|one| one.text.as_deref()).collect();
    assert_eq!(texts, [Some("hello"), Some("My balance"), None, None, Some("stop")]);
    // The webhook of the tap has the same key as what is fetched of it.
    let tap = rig.wait(|event| matches!(event.kind, InboundKind::Postback { .. })).await;
    let kept = &heard[1];
    let fetched = Inbound::fetched(tap.conversation.clone(), kept.mid.clone(), kept.text.clone(), kept.at);
    assert_eq!(fetched.key, tap.key);
    // And the edit comes as the client understands it.
    let edit = rig.wait(|event| matches!(event.kind, InboundKind::Edited { .. })).await;
    assert_eq!(edit.kind, InboundKind::Edited { mid, text: "stop".into(), edits: 1 });
}
