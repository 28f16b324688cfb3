//! `amana messenger setup | status | templates | thread | persona | attach`, as somebody who connects a Page for the
//! first time.

use crate::browser::client;
use crate::process::folder;
use crate::serve::World;
use serde_json::{Value, json};

async fn control(world: &World, path: &str, body: Value) {
    let url = format!("{}/control/{path}", world.chat_url);
    let answer = client().post(url).json(&body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_set_up_and_what_is_missing_is_named_with_its_permission() {
    let (keep, _) = folder();
    let world = World::start(keep.path());
    let holds = |text: &str, words: &[&str]| {
        for word in words {
            assert!(text.contains(word), "`{word}` is not in:\n{text}");
        }
    };

    // Nothing is there yet: each line says so, and what mends it.
    let said = world.says(&["messenger", "status"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let mend = "(`amana messenger setup` mends it)";
    holds(
        &said.out,
        &["page 55 (Harbor)", "token: good", "webhooks: not subscribed: messages", "profile: differs", mend],
    );
    holds(
        &said.out,
        &["amana_news_1 en: missing: `amana messenger templates` brings it", "amana_news_1 ar: missing"],
    );

    // There is no store yet, and nothing is made up about it. The app's own webhook is seen, whose it is and of what.
    holds(&said.out, &["app 1900000000000001", "webhook: ", "sending: not tried yet", "waiting: not known"]);

    // A token without permissions: what cannot be done names the one that it lacks.
    control(&world, "pages/55", json!({"denied": ["pages_utility_messaging"]})).await;
    let said = world.says(&["messenger", "setup"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    holds(
        &said.out,
        &[
            "subscribed: messages,",
            "wrote: get_started,",
            "the permission `pages_utility_messaging` grants it",
        ],
    );
    holds(&said.err, &["1 of 1 pages could not be set up as a whole"]);
    let said = world.says(&["messenger", "templates"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    holds(&said.out, &["the permission `pages_utility_messaging` grants it"]);
    control(&world, "pages/55", json!({"denied": ["pages_manage_metadata"]})).await;
    let said = world.says(&["messenger", "setup"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    holds(
        &said.out,
        &["the permission `pages_manage_metadata` grants it", "template amana_news_1 ar: approved"],
    );

    // What sending needs is seen, too, though nothing is sent.
    control(&world, "pages/55", json!({"denied": ["pages_messaging"]})).await;
    let said = world.says(&["messenger", "status"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    holds(&said.out, &["missing: messaging:", "the permission `pages_messaging` grants it"]);

    // With all of them it is whole, and once more it changes nothing.
    control(&world, "pages/55", json!({"denied": []})).await;
    let said = world.says(&["messenger", "setup"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    holds(
        &said.out,
        &["was set up already", "template amana_news_1 en: approved", "template amana_news_1 ar: approved"],
    );
    let said = world.says(&["messenger", "status"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    holds(
        &said.out,
        &["token: good", "webhooks: all subscribed", "profile: as it should be", "sending: not tried yet"],
    );

    // What the review says is shown, and in JSON, too.
    let rejected = json!({"status": "REJECTED", "reason": "INCORRECT_PARAMS", "language": "ar"});
    control(&world, "templates/55/amana_news_1", rejected).await;
    let said = world.says(&["messenger", "templates", "--look", "--json"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    let rows: Value = serde_json::from_str(&said.out).expect("JSON");
    let arabic = &rows[0]["templates"].as_array().expect("a list")[1];
    assert_eq!((&arabic["status"], &arabic["reason"]), (&json!("REJECTED"), &json!("INCORRECT_PARAMS")));
    let said = world.says(&["messenger", "status"]);
    assert_eq!(said.code, Some(1), "a text that cannot be used is not well: {}", said.out);

    // A dead token, and the token of another page.
    control(&world, "pages/55", json!({"token": "password_changed"})).await;
    for command in [&["messenger", "status"][..], &["messenger", "setup"]] {
        let said = world.says(command);
        assert_eq!(said.code, Some(1), "{}", said.out);
        holds(&said.out, &["no longer valid", "what waits is kept meanwhile, for its time"]);
        if command == ["messenger", "status"] {
            // What the token cannot ask is called unknown, and what is known without it is said.
            holds(&said.out, &["webhook: http", "all fields subscribed"]);
            holds(
                &said.out,
                &["webhooks: not known: the platform tells nothing to this token", "sending: not possible"],
            );
        }
        assert!(!said.out.contains("page-token-1") && !said.err.contains("page-token-1"));
    }
}

/// The conversation of a person, as the platform has it.
async fn thread(world: &World) -> Value {
    let url = format!("{}/control/threads/55/amal", world.chat_url);
    client().get(url).send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_handed_round_and_a_human_answers_in_it() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    let world = world;
    let does = |arguments: &[&str]| {
        let said = world.says(&[&["messenger"], arguments].concat());
        (said.code, format!("{}{}", said.out, said.err))
    };
    assert_eq!(does(&["setup"]).0, Some(0));
    control(&world, "users/amal/say", json!({"page": "55", "text": "hello"})).await;
    let psid = thread(&world).await["psid"].as_str().expect("an id").to_owned();
    let of = |act: &'static str| ["thread", act, "55", psid.as_str()];

    // Without a default app a conversation of the last day cannot be given away, and nobody can take it.
    assert_eq!(does(&of("owner")).0, Some(0));
    assert_eq!((does(&of("pass")).0, does(&of("take")).0), (Some(1), Some(1)));
    assert_eq!(does(&of("request")).0, Some(1));
    control(&world, "pages/55", json!({"default_app": "1900000000000001"})).await;
    let (code, said) = does(&of("pass"));
    assert!(code == Some(0) && said.contains("done"), "{said}");
    let (_, said) = does(&of("owner"));
    assert!(said.contains("app 263902037430900"), "{said}");
    // Asked for, it is the owner's still; taken and given back, it is nobody's.
    let (code, said) = does(&of("request"));
    assert!(code == Some(0) && said.contains("done"), "{said}");
    let url = format!("{}/control/log", world.chat_url);
    let log: Value = client().get(url).send().await.expect("an answer").json().await.expect("JSON");
    assert!(log.to_string().contains("request_thread_control by 1900000000000001"), "{log}");
    assert!(does(&of("owner")).1.contains("app 263902037430900"));
    let take = || {
        let (code, said) = does(&of("take"));
        assert!(code == Some(0) && said.contains("done"), "{said}");
        let (_, said) = does(&of("owner"));
        assert!(said.contains("app 1900000000000001"), "{said}");
    };
    take();
    let (code, said) = does(&of("release"));
    assert!(code == Some(0) && said.contains("done"), "{said}");
    let (_, said) = does(&of("owner"));
    assert!(said.contains("nobody: the conversation is idle"), "{said}");
    take();

    let (code, said) = does(&[&of("extend")[..], &["--hours", "168"]].concat());
    assert!(code == Some(0) && said.contains("done"), "{said}");
    let (code, said) = does(&[&of("extend")[..], &["--hours", "169"]].concat());
    assert!(code == Some(1) && said.contains("at most 7 days (168 hours)"), "{said}");

    let (code, made) =
        does(&["persona", "55", "--name", "Huda", "--picture", "https://bank.example/huda.png"]);
    assert!(code == Some(0) && made.starts_with("55:") && made.contains("Huda"), "{made}");
    let (_, all) = does(&["persona", "55"]);
    assert_eq!(all, made);
    let persona = made.trim_start_matches("55:").split(' ').next().expect("an id").to_owned();
    let reply = |psid: &str| {
        let arguments = ["thread", "reply", "55", psid, "--text", "I look into it", "--persona", &persona];
        does(&arguments)
    };
    let (code, said) = reply("99999");
    assert!(code == Some(1) && said.contains("no person of this id"), "{said}");
    // The gateway that runs on the same store sends it, once it has worked off what the person wrote.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let (code, said) = reply(&psid);
        if code == Some(0) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{said}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    while !thread(&world).await["messages"].to_string().contains("I look into it") {
        assert!(std::time::Instant::now() < deadline, "it does not come");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Whoever has a persona on this page in the configuration writes under it, and under no other.
    let plain = std::fs::read_to_string(&world.config).expect("a file");
    let admin = format!(
        "[admin]\nlisten = \"127.0.0.1:7609\"\n[[admin.user]]\nid = \"huda\"\n\
         token = \"a-token-of-hudas-own-with-32-characters\"\npersonas = [\"55:{persona}\"]\n[log]"
    );
    std::fs::write(&world.config, plain.replace("[log]", &admin)).expect("written");
    let writes = |text: &str, more: &[&str]| {
        does(&[&["thread", "reply", "55", &psid, "--text", text, "--by", "huda"], more].concat())
    };
    let (code, said) = writes("as another", &["--persona", "77"]);
    assert!(
        code == Some(1) && said.contains(&format!("`huda` writes on page 55 as persona {persona}")),
        "{said}"
    );
    for (text, more) in [("as herself", &[][..]), ("as she says herself", &["--persona", &persona][..])] {
        let (code, said) = writes(text, more);
        assert!(code == Some(0) && said.contains("cli:huda"), "{said}");
        let sent = loop {
            let sends = crate::chat::Chat::new(&world.chat_url, "55", "amal").sends().await;
            let found = sends.into_iter().find(|send| send.to_string().contains(&format!("\"{text}\"")));
            if let Some(sent) = found {
                break sent;
            }
            assert!(std::time::Instant::now() < deadline, "{text}: it does not come");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        assert!(sent.to_string().contains(&persona), "{sent}");
    }
    std::fs::write(&world.config, plain).expect("written");
    assert!(!thread(&world).await.to_string().contains("as another"));
    // A picture of the bank's, under the id that bringing it gave.
    let picture = keep.path().join("card.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n and more").expect("written");
    let (code, brought) = does(&["attach", "55", "--file", picture.to_str().expect("a path"), "--json"]);
    assert_eq!(code, Some(0), "{brought}");
    let brought: Value = serde_json::from_str(&brought).expect("JSON");
    let id = brought["id"].as_str().expect("an id").to_owned();
    let (code, said) = does(&["thread", "reply", "55", &psid, "--attachment", &id]);
    assert!(code == Some(0) && said.contains("is in the outbox"), "{said}");
    let shown = || async {
        let thread = thread(&world).await;
        let messages = thread["messages"].as_array().expect("messages").clone();
        let ours = messages.into_iter().filter(|one| one["from"] == "page");
        ours.map(|one| one["body"]["attachment"]["payload"].clone())
            .find(|payload| payload["template_type"] == "media")
    };
    let payload = loop {
        if let Some(payload) = shown().await {
            break payload;
        }
        assert!(std::time::Instant::now() < deadline, "the picture does not come");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    let element = &payload["elements"][0];
    assert_eq!(
        (&element["attachment_id"], &element["media_type"]),
        (&json!(id), &json!("image")),
        "{payload}"
    );
    let (code, said) = does(&["thread", "reply", "55", &psid, "--attachment", &id, "--text", "look"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = does(&["thread", "reply", "55", &psid, "--attachment", "no id"]);
    assert!(code == Some(1) && said.contains("the platform's numbers of them"), "{said}");
    // The platform's echo of it is explained.
    let said = world.says(&["alarms", "list"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

/// Goal: an operator brings the bank's picture, by file and by address, and is told its id and until when it holds;
/// what is no picture does not leave, and what the platform refuses is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_of_the_bank_is_brought_and_nothing_that_is_none() {
    let (keep, _) = folder();
    let world = World::start(keep.path());
    let does = |arguments: &[&str]| {
        let said = world.says(&[&["messenger", "attach", "55"], arguments].concat());
        (said.code, said.out, said.err)
    };
    let picture = keep.path().join("card.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n and more").expect("written");
    let picture = picture.to_str().expect("a path");
    let (code, out, err) = does(&["--file", picture, "--json"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let saved: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&saved["page"], &saved["media"]), (&json!("55"), &json!("image")));
    let digits = saved["id"].as_str().expect("an id");
    assert!(digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty(), "{out}");
    let until: jiff::Timestamp = saved["until"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
    let left = until.duration_since(jiff::Timestamp::now()).as_hours();
    assert!((89 * 24..=90 * 24).contains(&left), "{left} hours");
    let (code, out, err) = does(&["--url", "https://bank.example/welcome.mp4", "--video"]);
    assert!(code == Some(0) && out.contains(" until 20") && out.trim_end().ends_with('Z'), "{out}{err}");
    let token = keep.path().join("a-token");
    std::fs::write(&token, "EAABwzLixnjYBO").expect("written");
    let (code, _, err) = does(&["--file", token.to_str().expect("a path")]);
    assert!(code == Some(1) && err.contains("the file is no picture: a PNG, JPEG or GIF is"), "{err}");
    let (code, _, err) = does(&["--file", "/nowhere.png"]);
    assert!(code == Some(1) && err.contains("`/nowhere.png`"), "{err}");
    let (code, _, err) = does(&["--url", "http://bank.example/a.png"]);
    assert!(code == Some(1) && err.contains("is an https url"), "{err}");
    assert_eq!(
        (does(&[]).0, does(&["--url", "https://b.example/a.png", "--file", picture]).0),
        (Some(2), Some(2))
    );
    control(&world, "faults", json!({"media_error": 2_018_109})).await;
    let (code, _, err) = does(&["--url", "https://bank.example/large.png"]);
    assert!(code == Some(1) && err.contains("the attachment is larger than the platform takes"), "{err}");
}
