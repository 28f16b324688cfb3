//! The privacy page.

use crate::support::{BANK, Browser, HARBOR, PAGE, PERSON, World, conversation, purchase, value_of};
use amana_core::{
    Clock as _, Cluster, Clusters, ConversationId, Form, Kill, KillScope, Lang, Purpose, PurposeScope,
};
use amana_flow::Acceptance;
use amana_store::{AlarmKind, Claim, Command, Sighting};
use axum::http::StatusCode;

/// Beginning costs a bank or the platform a call, and anybody may begin.
#[tokio::test]
async fn so_many_may_begin_at_once_and_then_so_many_a_second() {
    use amana_web::limits::{BEGIN_BURST, BEGIN_RATE_PER_S};
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::Arabic);
    let sign_in = async || {
        let fields = [("institution", BANK), ("to", "privacy"), ("lang", "ar")];
        browser.post("/privacy/sign-in", &fields).await
    };
    for _ in 0..BEGIN_BURST {
        assert_eq!(sign_in().await.status, StatusCode::SEE_OTHER);
    }
    let refused = [
        sign_in().await,
        browser.post("/link/begin", &[("t", "unknown"), ("institution", BANK)]).await,
        browser.get("/link/messenger?page=1001&account_linking_token=x&redirect_uri=y").await,
    ];
    for answer in refused {
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
        assert!(answer.text().contains("لحظة من فضلك") && answer.text().contains("dir=\"rtl\""));
    }
    // What asks nobody is not held up.
    assert_eq!(browser.get("/privacy").await.status, StatusCode::OK);
    assert_eq!(browser.get("/link/start?t=unknown").await.status, StatusCode::GONE);
    assert_eq!(browser.get("/link/begin").await.status, StatusCode::METHOD_NOT_ALLOWED);

    world.clock.advance_s(1);
    for _ in 0..BEGIN_RATE_PER_S {
        assert_eq!(sign_in().await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(sign_in().await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn it_lists_what_was_said_why_and_in_which_form() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    world.says("m1", "what's my balance?").await;
    world.pushes(&purchase("e1", "a1")).await;
    // Nobody asked for news of this account: nothing is kept, and nothing is listed.
    assert_eq!(world.pushes(&purchase("e2", "a2")).await.json()["unmatched"], 1);
    let page = browser.get("/privacy").await.text();
    for part in [
        "Messenger was told:",
        "4.51",
        "Blue Bottle Coffee",
        "2,480.15",
        "because you asked for your balance",
        "because you asked for your payments and deposits",
        "Transaction data",
        "all the details",
        "Taken by Messenger",
        "You gave your consent",
        "10:00 UTC",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("Blue Bottle Coffee").count(), 1);
    let newest = page.find("Blue Bottle Coffee").expect("there");
    assert!(newest < page.find("You gave your consent").expect("there"), "newest first");
}

#[tokio::test]
async fn one_purpose_stops_and_then_all_of_it() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let page = browser.get("/privacy").await.text();
    let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));

    // A form that is not ours, another's consent, and a purpose that is none: nothing changes.
    let forged = [("csrf", "x"), ("consent", consent.as_str())];
    assert_eq!(browser.post("/privacy/revoke", &forged).await.status, StatusCode::GONE);
    let others = [("csrf", csrf.as_str()), ("consent", "con_00000000000000000000000000000000")];
    assert_eq!(browser.post("/privacy/revoke", &others).await.status, StatusCode::GONE);
    let odd = [("csrf", csrf.as_str()), ("consent", consent.as_str()), ("purpose", "Everything")];
    assert_eq!(browser.post("/privacy/revoke", &odd).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.get("/privacy").await.text().contains(&consent));

    let one = [("csrf", csrf.as_str()), ("consent", consent.as_str()), ("purpose", "BalanceOnRequest")];
    assert_eq!(browser.post("/privacy/revoke", &one).await.location(), "/privacy?done=one");
    let page = browser.get("/privacy?done=one").await.text();
    assert!(page.contains("What you took back will not be sent again"));
    let rest = value_of(&page, "consent");
    assert_ne!(rest, consent);
    assert!(page.contains("You took a part of your consent back"), "{page}");
    assert!(page.contains("Your consent goes on for what you did not take back"), "{page}");

    let forged = browser.get("/privacy?done=all").await.text();
    assert!(
        !forged.contains("none of your data will be sent"),
        "a link that somebody sent does not claim what is not so"
    );
    let all = [("csrf", csrf.as_str()), ("consent", rest.as_str())];
    assert_eq!(browser.post("/privacy/revoke", &all).await.location(), "/privacy?done=all");
    // Twice is once.
    assert_eq!(browser.post("/privacy/revoke", &all).await.location(), "/privacy?done=all");
    let page = browser.get("/privacy?done=all").await.text();
    assert!(
        page.contains("none of your data will be sent") && page.contains("You allow nothing at the moment.")
    );
    assert!(page.contains("You took your consent back") && page.contains("Earlier consents"));
    let pushed = world.pushes(&purchase("e1", "a1")).await;
    assert_eq!(pushed.json()["stored"], 0, "no link holds the account any more");
    assert!(!browser.get("/privacy").await.text().contains("Blue Bottle"));
}

#[tokio::test]
async fn the_entrance_asks_the_bank_who_it_is() {
    let world = World::new().await;
    Browser::new(&world, Lang::English).link("t1").await;
    let browser = Browser::new(&world, Lang::English);
    let page = browser.get("/privacy").await.text();
    assert!(
        page.contains("Sign in with <bdi>Cedar Bank</bdi>")
            && page.contains("Sign in with <bdi>Harbor Savings</bdi>")
    );
    let fields = [("to", "accounts"), ("institution", BANK), ("lang", "en")];
    assert_eq!(browser.post("/privacy/sign-in", &fields).await.location(), "https://bank.example/authorize");
    let before = browser.cookies();
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/privacy/accounts");
    assert_ne!(browser.cookies(), before, "new rights, new cookie");
    let accounts = browser.get("/privacy/accounts").await.text();
    assert!(
        accounts.contains("Everyday Checking") && accounts.contains("Your accounts at <bdi>Cedar Bank</bdi>")
    );
    let page = browser.get("/privacy").await.text();
    assert!(page.contains("What <bdi>Cedar Bank</bdi> shared with Messenger"));
    assert!(page.contains("You looked at your accounts"), "the look is a receipt");

    // The language of the session follows the switch; signing out ends it everywhere.
    assert_eq!(browser.post("/lang", &[("lang", "ar"), ("back", "/privacy")]).await.location(), "/privacy");
    assert!(browser.get("/privacy").await.text().contains("ما شاركه <bdi>بنك الأرز</bdi> مع ماسنجر"));
    let cookies = browser.cookies();
    assert_eq!(browser.post("/privacy/leave", &[]).await.location(), "/privacy?done=left");
    browser.bring(cookies);
    assert!(browser.get("/privacy").await.text().contains("تسجيل الدخول لدى بنكك"));
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    assert!(browser.get("/privacy").await.text().contains("Cedar Bank"));
    world.clock.advance_s(1_801);
    let page = browser.get("/privacy").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("Cedar Bank</bdi> shared"));
}

#[tokio::test]
async fn with_two_banks_each_page_is_about_its_own() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    browser.link_with(HARBOR, "t2").await;
    assert!(browser.get("/privacy").await.text().contains("What <bdi>Harbor Savings</bdi> shared"));
    world.pushes(&purchase("e1", "a1")).await;
    assert!(!browser.get("/privacy").await.text().contains("Blue Bottle"));
}

/// Words of the timeline in one language.
struct Timeline {
    /// Told, asked, gave, looked.
    lines: [&'static str; 4],
    nothing: &'static str,
    told_once: &'static str,
    question: &'static str,
}

const TIMELINES: [(Lang, Timeline); 2] = [
    (
        Lang::English,
        Timeline {
            lines: [
                "because you asked for your payments",
                "because you asked for your balance",
                "You gave your consent",
                "You looked at your accounts",
            ],
            nothing: "Nothing matches.",
            told_once: "Messenger was told once",
            question: "what's my balance?",
        },
    ),
    (
        Lang::Arabic,
        Timeline {
            lines: ["لأنك طلبتَ معرفة مدفوعاتك", "لأنك سألتَ عن رصيدك", "منحتَ موافقتك", "اطّلعتَ على حساباتك"],
            nothing: "لا يوجد ما يطابق.",
            told_once: "قيل لماسنجر مرة واحدة",
            question: "كم رصيدي؟",
        },
    ),
];

/// Plain forms narrow the timeline; what an address asks for that is no choice of the page narrows nothing.
#[tokio::test]
async fn the_timeline_is_narrowed_by_purpose_kind_and_time() {
    for (lang, words) in TIMELINES {
        narrowed(lang, &words).await;
    }
}

async fn narrowed(lang: Lang, words: &Timeline) {
    let world = World::new().await;
    let browser = Browser::new(&world, lang);
    browser.link("t1").await;
    world.says("m1", words.question).await;
    world.pushes(&purchase("e1", "a1")).await;
    browser.get("/privacy/accounts").await;
    let [told, asked, gave, looked] = words.lines;
    for (query, shown) in [
        ("", &words.lines[..]),
        ("?for=TransactionUpdate", &[told][..]),
        ("?for=BalanceOnRequest&kind=told&days=7", &[asked][..]),
        ("?kind=told", &[told, asked][..]),
        ("?kind=consents", &[gave][..]),
        ("?kind=looks", &[looked][..]),
        ("?kind=refused", &[][..]),
        ("?for=&kind=&days=", &words.lines[..]),
        ("?for=Everything&kind=x&days=8&before=y", &words.lines[..]),
    ] {
        let page = browser.get(&format!("/privacy{query}")).await.text();
        for text in words.lines {
            assert_eq!(page.contains(text), shown.contains(&text), "{lang:?} {query}: {text}");
        }
        assert_eq!(page.contains(words.nothing), shown.is_empty(), "{lang:?} {query}");
        // The totals are of the time, whatever else is narrowed.
        assert_eq!(page.matches(words.told_once).count(), 2, "{lang:?} {query}");
    }
    let page = browser.get("/privacy?kind=told&days=7").await.text();
    for chosen in ["<option value=\"told\" selected>", "<option value=\"7\" selected>"] {
        assert!(page.contains(chosen), "{chosen}");
    }
    assert!(page.contains("/privacy?for=TransactionUpdate&#38;days=7#timeline"), "{page}");

    world.clock.advance_s(8 * 86_400);
    let later = Browser::new(&world, lang);
    later.post("/privacy/sign-in", &[("to", "privacy"), ("institution", BANK), ("lang", lang.tag())]).await;
    later.get("/link/callback?code=c&state=s").await;
    let page = later.get("/privacy?days=7").await.text();
    assert!(page.contains(words.nothing) && !page.contains(words.told_once), "{page}");
    let page = later.get("/privacy?days=30").await.text();
    assert!(page.contains(told) && page.contains(words.told_once));
}

/// A page with a program: that file alone may run, by its address and by its hash.
#[tokio::test]
async fn the_verifier_is_the_only_program() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    let answer = browser.get("/privacy/verify").await;
    assert_eq!(answer.status, StatusCode::OK, "a stranger may check a file");
    let page = answer.text();
    let after = |text: &str, mark: &str| {
        text.split(mark).nth(1).and_then(|rest| rest.split('"').next()).expect("there").to_owned()
    };
    assert_eq!(page.matches("<script").count(), 1);
    let (path, integrity) = (after(&page, "<script type=\"module\" src=\""), after(&page, "integrity=\""));
    let csp = answer.header("content-security-policy");
    assert!(csp.starts_with("default-src 'none';"), "{csp}");
    assert!(csp.contains(&format!("script-src https://gateway.example{path};")), "{csp}");
    assert!(csp.contains("connect-src 'self';") && !csp.contains("unsafe"), "{csp}");

    let program = world.get(&path).await;
    assert_eq!(program.status, StatusCode::OK);
    assert!(program.header("content-type").starts_with("text/javascript"));
    let source = include_str!("../../../../verifiers/browser/verify.js");
    assert_eq!(program.text(), source, "what runs is what can be read");
    let hash = ring::digest::digest(&ring::digest::SHA256, source.as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(page.contains(&hex) && integrity.starts_with("sha256-"), "{integrity}");
    assert!(path.contains(&hex[..16]), "{path}");
    // Every rule of the program has its words, in its order.
    let order: Vec<&str> =
        page.split("data-rule=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let named = source.split("export const RULES = [").nth(1).and_then(|rest| rest.split(']').next());
    let rules: Vec<&str> = named.expect("the list").split('"').skip(1).step_by(2).collect();
    assert_eq!(order, rules);
}

#[tokio::test]
async fn the_key_is_shown_to_its_owner_who_asks() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let (text, asked) = ("The key to your receipts", "/privacy?key=show");
    assert!(!browser.get("/privacy").await.text().contains(text));
    let page = browser.get(asked).await.text();
    let key = page.split("<code class=\"hash\" dir=\"ltr\">").nth(1).and_then(|rest| rest.split('<').next());
    assert_eq!(key.map(|key| (key.len(), key.ends_with('='))), Some((44, true)), "{page}");
    assert_eq!(browser.get(asked).await.text().matches(key.expect("there")).count(), 1, "it stays the same");
    assert!(!Browser::new(&world, Lang::English).get(asked).await.text().contains(text));
}

/// The proof is a file of the customer who is signed in, and that they fetched it is a receipt in it.
#[tokio::test]
async fn the_proof_is_saved_by_its_owner_alone() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let answer = browser.get("/privacy/bundle").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"amana-proof.json\"");
    let bundle = answer.json();
    let receipts = |bundle: &serde_json::Value| bundle["receipts"].as_array().map(Vec::len);
    assert_eq!(
        (receipts(&bundle), &bundle["since"]),
        (Some(2), &serde_json::Value::Null),
        "consent, and this look"
    );
    let page = browser.get("/privacy?key=show").await.text();
    assert!(page.contains(bundle["key"].as_str().expect("a key")) && page.contains("You fetched your proof"));

    // From a saved checkpoint on, with the proof that it is continued; nonsense is none.
    let size: u64 = bundle["checkpoint"]
        .as_str()
        .and_then(|note| note.lines().nth(1))
        .expect("a size")
        .parse()
        .expect("it");
    let next = browser.get(&format!("/privacy/bundle?since={size}")).await.json();
    assert_eq!((receipts(&next), next["since"]["size"].as_u64()), (Some(3), Some(size)));
    let odd = browser.get("/privacy/bundle?since=-1").await.json();
    assert_eq!((receipts(&odd), &odd["since"]), (Some(4), &serde_json::Value::Null));

    let stranger = Browser::new(&world, Lang::English).get("/privacy/bundle").await;
    assert_eq!(stranger.status, StatusCode::GONE);
    assert!(!stranger.text().contains("receipts\":"));
}

/// What a dashboard of permissions shows (FDX UX 3.0, the screens of SAMA and of the UAE): `docs/regulation.md`, R29.
#[tokio::test]
async fn the_dashboard_says_who_what_to_whom_until_when_and_when_last() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    let card = |page: &str| {
        let start = page.find("consent-card").expect("a consent");
        page[start..].split("</ul>").next().expect("its end").to_owned()
    };
    let before = card(&browser.get("/privacy").await.text());
    for text in [
        "<dt>From</dt><dd><bdi>Cedar Bank</bdi></dd>",
        "<dt>To</dt><dd><bdi>Messenger (Meta), in your own chat</bdi></dd>",
        "<dt>Last told</dt><dd><bdi>Nothing yet</bdi></dd>",
        "Given",
        "Ends by itself on",
        "all the details · one account",
        "Account balances",
        "Transaction data",
    ] {
        assert!(before.contains(text), "{text}: {before}");
    }
    world.clock.advance_s(86_400);
    world.says("m1", "what's my balance?").await;
    let later = Browser::new(&world, Lang::English);
    later.post("/privacy/sign-in", &[("to", "privacy"), ("institution", BANK), ("lang", "en")]).await;
    later.get("/link/callback?code=c&state=s").await;
    let page = later.get("/privacy").await.text();
    let after = card(&page);
    assert!(!after.contains("Nothing yet") && after.contains("<dt>Last told</dt>"), "{after}");
    assert!(!page.contains("Earlier consents"));
    let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));
    later.post("/privacy/revoke", &[("csrf", &csrf), ("consent", &consent)]).await;
    let page = later.get("/privacy").await.text();
    assert!(page.contains("Earlier consents") && page.contains("Taken back"), "current above, history below");
}

/// What is allowed and not told all the same, because somebody else says no, is not shown as if it were told.
#[tokio::test]
async fn what_is_allowed_and_not_carried_now_is_said_in_both_languages() {
    for (lang, [switch, agreement, purpose]) in [
        (
            Lang::English,
            [
                "switched off for safety",
                "your bank does not let Messenger carry it",
                "Not told at the moment",
            ],
        ),
        (Lang::Arabic, ["معطّلة حفاظًا على السلامة", "لا يسمح بنكك لماسنجر بحمله", "لا يُنقل هذا في الوقت الحالي"]),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        let said = async || {
            let page = browser.get("/privacy").await.text();
            let card = page.split("consent-card").nth(1).and_then(|rest| rest.split("</ul>").next());
            let card = card.expect("a consent");
            [switch, agreement, purpose].map(|text| card.matches(text).count())
        };
        let (bank, page) = (BANK.parse().expect("an id"), conversation().channel);
        let agreements = world.gateway.agreements();
        assert_eq!(said().await, [0, 0, 0]);
        let only = Some([Purpose::BalanceOnRequest].into());
        let less = Acceptance { only, ..Acceptance::default() };
        agreements.accept(&bank, &page, &less, "cli:omar", None).await.expect("less");
        assert_eq!(said().await, [0, 1, 1], "of one purpose");
        agreements.suspend(&bank, &page, "cli:omar", None).await.expect("suspended");
        assert_eq!(said().await, [0, 1, 0], "of all of it");
        let kill = Kill { scope: KillScope::All, reason: "a drill".into(), since: world.clock.now() };
        world.gateway.store().submit(vec![Command::SetKill(kill)]).await.expect("kept");
        assert_eq!(said().await, [1, 0, 0], "whoever stops it for safety comes first");
        world.gateway.store().submit(vec![Command::ClearKill(KillScope::All)]).await.expect("kept");
        agreements.resume(&bank, &page, "cli:omar", None).await.expect("resumed");
        agreements.accept(&bank, &page, &Acceptance::default(), "cli:omar", None).await.expect("all of it");
        assert_eq!(said().await, [0, 0, 0]);
    }
}

/// The card shows what the customer allows, whatever the bank lets be carried; and beside it, where that is less, what
/// is told now.
#[tokio::test]
async fn where_the_bank_lets_less_be_carried_than_is_allowed_both_are_shown() {
    for (lang, words) in [
        (
            Lang::English,
            [
                "all the details",
                "Told at the moment: \u{2068}amounts, without names",
                "Not told at the moment",
            ],
        ),
        (
            Lang::Arabic,
            [
                "كل التفاصيل",
                "ما يُنقل في الوقت الحالي: \u{2068}المبالغ دون أسماء",
                "لا يُنقل هذا في الوقت الحالي",
            ],
        ),
    ] {
        allowed_and_told(lang, words).await;
    }
}

async fn allowed_and_told(lang: Lang, words: [&str; 3]) {
    let world = World::new().await;
    let browser = Browser::new(&world, lang);
    browser.link("t1").await;
    let said = async || {
        let page = browser.get("/privacy").await.text();
        let card = page.split("consent-card").nth(1).and_then(|rest| rest.split("</ul>").next());
        let card = card.expect("a consent");
        words.map(|text| card.matches(text).count())
    };
    let (bank, page) = (BANK.parse().expect("an id"), conversation().channel);
    let agreements = world.gateway.agreements();
    let all = said().await;
    let [allowed, 0, 0] = all else { panic!("in detail: {all:?}") };
    assert!(allowed > 1, "{all:?}");
    let less = Acceptance { form: Some(Form::Summary), ..Acceptance::default() };
    agreements.accept(&bank, &page, &less, "cli:omar", None).await.expect("less");
    assert_eq!(said().await, [allowed, allowed, 0], "in a form that says less");
    // The gate lets nothing out for a purpose of which a kind of data is left out.
    let needs = Purpose::TransactionUpdate.clusters();
    let least = [
        (Purpose::TransactionUpdate, (needs, Form::Detail)),
        (Purpose::BalanceOnRequest, (Clusters::of(&[Cluster::Balances]), Form::Detail)),
    ]
    .into();
    let less = Acceptance { terms: Some(least), ..Acceptance::default() };
    agreements.accept(&bank, &page, &less, "cli:omar", None).await.expect("less");
    assert_eq!(said().await, [allowed, 0, allowed - 1], "one purpose, and the rest is not told");
    agreements.accept(&bank, &page, &Acceptance::default(), "cli:omar", None).await.expect("all of it");
    assert_eq!(said().await, all);
}

/// Rules that do not open stop what is sent, and nothing of the page: it can be read, and all of it be stopped.
#[tokio::test]
async fn rules_that_do_not_open_leave_the_page() {
    for (lang, said) in [
        (Lang::English, "what your bank has set could not be read"),
        (Lang::Arabic, "تعذّرت قراءة ما حدّده بنكك"),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        assert!(!browser.get("/privacy").await.text().contains(said));
        let file = world.folder.path().join("amana.sqlite");
        let other = rusqlite::Connection::open(file).expect("opens");
        other
            .execute("INSERT INTO kill VALUES ('{\"scope\":\"of tomorrow\"}', 'a drill', 0)", [])
            .expect("a row");
        let answer = browser.get("/privacy").await;
        let page = answer.text();
        assert!(page.contains(said), "{page}");
        let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));
        browser.post("/privacy/revoke", &[("csrf", &csrf), ("consent", &consent)]).await;
        let consents = browser.get("/privacy/export").await.json()["consents"].clone();
        assert_eq!(consents[0]["consent"]["state"], "revoked", "{consents}");
    }
}

/// The text itself, not only its hash: the customer's copy, and three years later the evidence (R24, R27).
#[tokio::test]
async fn the_text_that_was_shown_is_kept_and_exported() {
    for (lang, title, history) in [
        (Lang::English, "What may", "at most the last"),
        (Lang::Arabic, "ما الذي يشاركه", "نطلب من بنكك ما يخص آخر"),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        let export = browser.get("/privacy/export").await.json();
        let given = &export["consents"][0];
        let event = given["events"][0].to_string();
        let notice = find(&given["events"][0], "notice").expect("the text").to_owned();
        let hash = hex::encode(ring::digest::digest(&ring::digest::SHA256, notice.as_bytes()));
        assert!(event.contains(&hash), "its hash is what the consent names: {event}");
        assert_eq!(given["consent"]["notice_sha256"], hash.as_str());
        assert!(notice.starts_with(title) && notice.contains(history), "{notice}");
    }
}

/// The consent page, as the notice: how far back the bank is asked (SAMA's screens).
#[tokio::test]
async fn the_consent_page_says_how_far_back_it_goes() {
    for (lang, text) in [(Lang::English, "365"), (Lang::Arabic, "365")] {
        let world = World::new().await;
        let page = Browser::new(&world, lang).to_consent("t1").await.text();
        let before = if lang == Lang::English { "at most the last" } else { "ما يخص آخر" };
        let said: String = page.split(before).nth(1).expect("how far").chars().take(30).collect();
        assert!(said.contains(text), "{said}");
    }
}

/// The consent page certifies what a third party must (12 CFR 1033.401(b), .411(b)), in both languages, and it is in
/// the notice whose hash a consent names and whose text its record keeps.
#[tokio::test]
async fn the_consent_page_certifies_what_a_third_party_must() {
    for (lang, words) in [
        (Lang::English, ["certifies", "uses it for nothing else", "deletes it soon after"]),
        (Lang::Arabic, ["يتعهد", "ولا يستخدمه لغير ذلك", "ويحذفه بُعيد"]),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        let page = browser.to_consent("t1").await.text();
        browser.link("t2").await;
        let export = browser.get("/privacy/export").await.json();
        let kept = find(&export["consents"][0]["events"][0], "notice").expect("the text");
        for word in words {
            assert!(page.contains(word) && kept.contains(word), "`{word}`: {page} {kept}");
        }
    }
}

/// The first text of this name, however deep.
fn find<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    match value {
        serde_json::Value::Object(fields) => fields
            .get(name)
            .and_then(serde_json::Value::as_str)
            .or_else(|| fields.values().find_map(|field| find(field, name))),
        serde_json::Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

/// What may have arrived is said to be unknown, in both languages, and not that it could not be sent.
#[tokio::test]
async fn a_message_that_may_have_arrived_is_shown_as_unknown() {
    for (lang, title, unknown, counted, not_sent) in [
        (
            Lang::English,
            "Messenger may have been told:",
            "It is not known whether Messenger has it",
            "of one message it is not known",
            ["Could not be sent", "Stopped before it left", "Messenger was told nothing"],
        ),
        (
            Lang::Arabic,
            "ربما قيل لماسنجر:",
            "لا يُعرف هل هي عند ماسنجر",
            "رسالة واحدة لا يُعرف هل وصلت",
            ["تعذّر الإرسال", "مُنع قبل خروجه", "لم يُقل لماسنجر شيء"],
        ),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        *world.channel.error.lock().unwrap() = Some(amana_channel::SendError::Ambiguous { what: "a test" });
        world.pushes(&purchase("e1", "a1")).await;
        *world.channel.error.lock().unwrap() =
            Some(amana_channel::SendError::Permanent { code: 100, sub: None });
        // Webhooks come in, and its echo is not among them.
        for n in 0..4i64 {
            world.clock.advance_s(60);
            let at = 1_795_514_400_000i64 + n;
            let read = serde_json::json!({"object": "page", "entry": [{"id": PAGE, "time": at, "messaging": [{
                "sender": {"id": PERSON}, "recipient": {"id": PAGE}, "timestamp": at,
                "read": {"watermark": at}}]}]});
            assert_eq!(world.webhook(read.to_string()).await.status, StatusCode::OK);
            world.gateway.settle().await.expect("settled");
        }
        let page = browser.get("/privacy").await.text();
        for part in [title, unknown, counted, "Blue Bottle Coffee"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for part in not_sent {
            assert!(!page.contains(part), "{part}: {page}");
        }
        let export = browser.get("/privacy/export").await.text();
        assert!(export.contains("\"state\":\"unknown\""), "{export}");
    }
}

/// When the words are gone, the receipts still say what became of a message: one that never left is not "told".
#[tokio::test]
async fn what_never_left_is_not_said_to_have_been_told_when_its_words_are_gone() {
    for (lang, told, maybe, meant, counted) in [
        (
            Lang::English,
            "Messenger was told something whose words cannot be shown any more.",
            "Messenger may have been told something whose words cannot be shown any more.",
            "Something was meant for Messenger whose words cannot be shown any more.",
            "told once",
        ),
        (
            Lang::Arabic,
            "قيل لماسنجر شيء لم يعد عرض نصه ممكنًا.",
            "ربما قيل لماسنجر شيء لم يعد عرض نصه ممكنًا.",
            "كان هناك شيء مُعَدّ لماسنجر لم يعد عرض نصه ممكنًا.",
            "",
        ),
    ] {
        let world = World::new().await;
        Browser::new(&world, lang).link("t1").await;
        let fails = |error| *world.channel.error.lock().unwrap() = error;
        world.pushes(&purchase("e1", "a1")).await;
        world.gateway.settle().await.expect("settled");
        fails(Some(amana_channel::SendError::Permanent { code: 100, sub: None }));
        world.pushes(&purchase("e2", "a1")).await;
        world.gateway.settle().await.expect("settled");
        fails(Some(amana_channel::SendError::Ambiguous { what: "a test" }));
        world.pushes(&purchase("e3", "a1")).await;
        world.gateway.settle().await.expect("settled");
        fails(Some(amana_channel::SendError::Permanent { code: 100, sub: None }));
        world.clock.advance_s(3 * 86_400);
        world.gateway.settle().await.expect("settled");
        let keep = amana_store::Retention { message_days: 1, ..amana_store::Retention::default() };
        world.clock.advance_s(3 * 86_400);
        let sweep = Command::Sweep { now: world.clock.now(), keep };
        world.gateway.store().submit(vec![sweep]).await.expect("swept");

        let later = Browser::new(&world, lang);
        let fields = [("institution", BANK), ("to", "privacy"), ("lang", lang.tag())];
        later.post("/privacy/sign-in", &fields).await;
        later.get("/link/callback?code=c&state=s").await;
        let page = later.get("/privacy").await.text();
        assert!(!page.contains("Blue Bottle"), "the words are gone");
        for (text, times) in [(told, 1), (maybe, 1), (meant, 1)] {
            // The Arabic for "told" is a part of the one for "may have been told".
            let found = page.matches(text).count()
                - usize::from(text == told)
                    * page.matches(maybe).count().min(1)
                    * usize::from(maybe.contains(told));
            assert_eq!(found, times, "{text}: {page}");
        }
        assert!(page.contains(counted), "{page}");
    }
}

/// A message in the chat that is not of ours is on the page of whoever's chat it is, with who looked into it, in both
/// languages.
#[tokio::test]
async fn what_others_wrote_in_the_chat_is_shown() {
    for (lang, stranger, note, allowed, closed) in [
        (
            Lang::English,
            "A message in your chat that we did not send",
            "If it asked you for anything, do not do it.",
            "Somebody wrote to you in the chat by hand",
            "A message that we did not send was looked into",
        ),
        (
            Lang::Arabic,
            "رسالة في محادثتك لم نرسلها نحن",
            "إن طلبت منك شيئًا فلا تفعله.",
            "كتب لك شخص في المحادثة بنفسه",
            "نُظر في رسالة لم نرسلها نحن",
        ),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        let store = world.gateway.store();
        let now = world.clock.now();
        let sighted = |mid: &str, claim| {
            let ConversationId { channel, psid } = conversation();
            let psid = Some(psid);
            Command::Sighted(Sighting { channel, psid, mid: mid.into(), claim, kill: false, at: now })
        };
        let thief = Claim::Unexplained { kind: AlarmKind::NoMetadata, app_id: None };
        store.submit(vec![sighted("m_thief", thief)]).await.expect("kept");
        let desk = Claim::Explained { app_id: "263902037430900".into() };
        store.submit(vec![sighted("m_desk", desk)]).await.expect("kept");
        let id = store.alarms(false, 1).await.expect("answers")[0].id;
        let close = Command::CloseAlarm { id, by: "cli:omar".into(), at: now };
        store.submit(vec![close]).await.expect("closed");
        let page = browser.get("/privacy").await.text();
        for part in [stranger, note, allowed, closed, "263902037430900", "cli:omar"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let others = browser.get("/privacy?kind=others").await.text();
        assert!(others.contains(stranger) && others.contains(allowed));
    }
}

/// A month after a consent's end what was said under it is deleted, and the page shows the certificate of that, with
/// what it was and how much.
#[tokio::test]
async fn the_certificate_of_a_deletion_is_shown_in_both_languages() {
    for (lang, title, counted) in [
        (Lang::English, "What was kept for a consent that has ended was deleted", "one message"),
        (Lang::Arabic, "حُذف ما كان محفوظًا لموافقة انتهت", "رسالة واحدة"),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        world.pushes(&purchase("e1", "a1")).await;
        world.gateway.settle().await.expect("settled");
        let page = browser.get("/privacy").await.text();
        let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));
        let all = [("csrf", csrf.as_str()), ("consent", consent.as_str())];
        assert_eq!(browser.post("/privacy/revoke", &all).await.location(), "/privacy?done=all");
        let page = browser.get("/privacy").await.text();
        assert!(page.contains("Blue Bottle") && !page.contains(title), "not yet: {page}");

        world.clock.advance_s(31 * 86_400);
        world.gateway.settle().await.expect("settled");
        let later = Browser::new(&world, lang);
        let fields = [("institution", BANK), ("to", "privacy"), ("lang", lang.tag())];
        later.post("/privacy/sign-in", &fields).await;
        later.get("/link/callback?code=c&state=s").await;
        let page = later.get("/privacy").await.text();
        assert_eq!(page.matches(title).count(), 1, "{page}");
        assert!(page.contains(counted) && !page.contains("Blue Bottle"), "{page}");
    }
}

/// What a switch of one purpose kept back stands there in plain words, in the page's language.
#[tokio::test]
async fn what_a_stopped_purpose_kept_back_is_said_in_both_languages() {
    for (lang, said, now) in [
        (
            Lang::English,
            "This kind of sharing was switched off for safety.",
            "Not told at the moment: this kind of sharing is switched off for safety.",
        ),
        (
            Lang::Arabic,
            "كان هذا النوع من المشاركة معطّلًا حفاظًا على السلامة.",
            "لا يُنقل هذا في الوقت الحالي: هذا النوع من المشاركة معطّل حفاظًا على السلامة.",
        ),
    ] {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        let purpose = Purpose::TransactionUpdate;
        let scope = KillScope::Purpose(PurposeScope { purpose, institution: None, channel: None });
        let kill = Kill { scope, reason: "drill".into(), since: world.clock.now() };
        world.gateway.store().submit(vec![Command::SetKill(kill)]).await.expect("kept");
        world.pushes(&purchase("e1", "a1")).await;
        world.says("m1", "what's my balance?").await;
        let page = browser.get("/privacy").await.text();
        assert!(page.contains(said) && page.contains("2,480.15") && !page.contains("4.51"), "{page}");
        assert_eq!(page.matches(now).count(), 1, "at that purpose alone: {page}");
    }
}
