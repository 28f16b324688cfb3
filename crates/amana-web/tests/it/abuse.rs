//! Abuse cases whose control is the pages: what is asked for, what is loaded, who may look, and in which browser.
//! `docs/abuse-cases.md` says what each number is.

use crate::support::*;
use amana_core::{Form, Lang, Purpose};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use scraper::{Html, Selector};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn select(html: &str, selector: &str) -> Vec<BTreeMap<String, String>> {
    let html = Html::parse_document(html);
    let selector = Selector::parse(selector).expect("a selector");
    html.select(&selector)
        .map(|e| e.value().attrs().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
        .collect()
}

/// Every page that a person can come to, in both languages, as its HTML.
async fn all_pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        for path in [
            "/",
            "/privacy",
            "/privacy/accounts",
            "/privacy/verify",
            "/m",
            "/m/ready",
            "/link/done",
            "/nothing",
            "/link/start?t=x",
        ] {
            pages.push((format!("{path} {}", lang.tag()), browser.get(path).await.text()));
        }
        let token = world.token("t0").await;
        pages.push(("picker".into(), browser.get(&format!("/link/start?t={token}")).await.text()));
        pages.push(("consent".into(), browser.to_consent("t1").await.text()));
        pages.push(("consent with errors".into(), browser.post("/link/consent", &[]).await.text()));
        browser.link("t2").await;
        world.says("m1", "what's my balance?").await;
        world.pushes(&purchase("e1", "a1")).await;
        pages.push(("privacy".into(), browser.get("/privacy").await.text()));
        pages.push(("accounts".into(), browser.get("/privacy/accounts").await.text()));
    }
    pages
}

/// What is recorded is what was ticked: each subset of purposes, each form, no account by itself, nothing by default.
#[tokio::test]
async fn abuse_02_a_consent_holds_what_was_ticked_and_nothing_else() {
    let offered = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate, Purpose::BalanceUpdate];
    for (subset, form) in (1..8usize).zip([Form::Notice, Form::Summary, Form::Detail].into_iter().cycle()) {
        let world = World::new().await;
        let browser = Browser::new(&world, Lang::English);
        let page = browser.to_consent("t1").await;
        let text = page.text();
        assert_eq!(select(&text, "input[type=checkbox][checked]"), [], "nothing is ticked");
        let boxes: BTreeSet<String> =
            select(&text, "input[name=purpose]").into_iter().map(|b| b["value"].clone()).collect();
        assert_eq!(boxes, offered.iter().map(|p| p.as_str().to_owned()).collect(), "each purpose on its own");
        let wanted: Vec<Purpose> =
            offered.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1).map(|(_, p)| *p).collect();
        let notice = notice_of(&page);
        let forms: Vec<String> = wanted.iter().map(|p| format!("form.{p}")).collect();
        let mut fields = vec![("notice", notice.as_str()), ("lang", "en"), ("account", "a1"), ("days", "30")];
        for (purpose, name) in wanted.iter().zip(&forms) {
            fields.push(("purpose", purpose.as_str()));
            fields.push((name.as_str(), form.as_str()));
        }
        // A form for a purpose that was not ticked asks for nothing.
        fields.push(("form.SecurityAlert", "detail"));
        assert_eq!(browser.post("/link/consent", &fields).await.location(), "/link/done");
        let person = conversation();
        let link = world.gateway.store().links_of_conversation(&person).await.unwrap().remove(0);
        let consent = world.gateway.store().consent_of_link(link.shard, link.id).await.unwrap().expect("one");
        assert_eq!(consent.grants.keys().copied().collect::<Vec<_>>().len(), wanted.len());
        for (purpose, grant) in &consent.grants {
            assert!(wanted.contains(purpose) && grant.form == form, "{purpose}");
            assert_eq!(grant.accounts.iter().map(amana_core::AccountId::as_str).collect::<Vec<_>>(), ["a1"]);
            assert!(purpose.clusters().covers(grant.clusters), "{purpose}: no more data than it needs");
        }
    }
    // What the page does not offer cannot be asked for, and nothing is recorded.
    for wrong in ["BankOffer", "CustomerService", "Advertising", "SellDataToThirdParties", "*", ""] {
        let world = World::new().await;
        let browser = Browser::new(&world, Lang::English);
        let notice = notice_of(&browser.to_consent("t1").await);
        let form = format!("form.{wrong}");
        let fields = [
            ("notice", notice.as_str()),
            ("lang", "en"),
            ("account", "a1"),
            ("days", "30"),
            ("purpose", wrong),
            (form.as_str(), "detail"),
            ("purpose", "BalanceOnRequest"),
            ("form.BalanceOnRequest", "detail"),
        ];
        let answer = browser.post("/link/consent", &fields).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.status);
        assert!(world.gateway.store().links_of_conversation(&conversation()).await.unwrap().is_empty());
    }
}

/// Previews, scanners and impatient thumbs open links, some send forms: a link still works afterwards, once.
#[tokio::test]
async fn abuse_12_a_crawler_uses_no_link_up() {
    const CRAWLERS: &[&str] = &[
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "facebookcatalog/1.0",
        "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0.1938.76 Safari/537.36",
        "BarracudaURLScanner/1.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) HeadlessChrome/126.0.0.0 Safari/537.36",
        "",
    ];
    let world = World::new().await;
    let token = world.token("t1").await;
    let path = format!("/link/start?t={token}");
    let person = Browser::new(&world, Lang::English);
    let page = person.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    for agent in CRAWLERS {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for _ in 0..3 {
                let request = Request::builder().method(method.clone()).uri(&path);
                let answer =
                    world.send(request.header(header::USER_AGENT, *agent).body(Body::empty()).unwrap()).await;
                assert!(!answer.status.is_server_error());
                assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{agent}: no session is made");
                if method == Method::GET {
                    assert_eq!(
                        answer.body, page.body,
                        "{agent}: the page is the same for everybody, each time"
                    );
                }
            }
        }
        // A scanner that posts to the address itself, and to what the page's forms lead to, from nowhere or elsewhere.
        for (to, body) in [
            (path.as_str(), String::new()),
            ("/link/consent", "purpose=BalanceOnRequest&account=a1".to_owned()),
            ("/link/cancel", String::new()),
            ("/privacy/revoke", "consent=x".to_owned()),
        ] {
            let request = Request::post(to)
                .header(header::USER_AGENT, *agent)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(body));
            let answer = world.send(request.unwrap()).await;
            assert!(answer.status.is_client_error(), "{agent} {to}: {}", answer.status);
        }
    }
    // Even one that goes on to the bank's sign-in has only begun: it is the bank that asks who it is, and the token is
    // used up by a begin alone.
    person.link("t2").await;
    let begun = person.post("/link/begin", &[("t", "t1"), ("institution", BANK), ("lang", "en")]).await;
    assert!(begun.location().starts_with("https://bank.example/"), "the link still works: {}", begun.text());
    let again = person.post("/link/begin", &[("t", "t1"), ("institution", BANK), ("lang", "en")]).await;
    assert_eq!(again.status, StatusCode::GONE, "and works once");
}

/// `User-Agent`s of browsers inside Meta's apps.
pub(crate) const IN_APP: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/MessengerForiOS;FBAV/465.0.0.38.103;FBBV/611234567;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBID/phone;FBLC/en_US;FBOP/5;FBRV/0]",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A.240205.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 [FB_IAB/Orca-Android;FBAV/465.0.0.51.108;]",
    "Mozilla/5.0 (Linux; Android 13; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/468.0.0.52.75;IABMV/1;]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/20G75 [FBAN/FBIOS;FBAV/430.0.0.23.113;FBBV/520434355;FBDV/iPhone12,1;FBMD/iPhone;FBSN/iOS;FBSV/16.6;FBSS/2;FBCR/;FBID/phone;FBLC/ar_AR;FBOP/80]",
    "Mozilla/5.0 (Linux; Android 9; SM-J730G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/115.0.5790.166 Mobile Safari/537.36 [FBAN/EMA;FBLC/ar_AR;FBAV/360.0.0.10.110;]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 330.0.3.29.109 (iPhone13,2; iOS 17_4; en_US; en; scale=3.00; 1170x2532; 594325354)",
    "Mozilla/5.0 (Linux; Android 12; 2201117TG Build/SKQ1; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.82 Mobile Safari/537.36 Instagram 328.0.0.42.90 Android (31/12; 440dpi; 1080x2174; Xiaomi; spes; qcom; en_GB; 590000000)",
    "Mozilla/5.0 (Linux; Android 14; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.0.0 Mobile Safari/537.36 Barcelona 334.0.0.33.103 Android",
    "Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/MessengerLiteForiOS;FBAV/438.1.0.32.119;FBDV/iPad13,1;FBMD/iPad;FBSN/iPadOS;FBSV/17.2]",
    "WhatsApp/2.24.11.77 i",
    "Mozilla/5.0 (Linux; Android 11; wv) AppleWebKit/537.36 Chrome/103.0 Mobile Safari/537.36 WhatsApp/2.23.20.0",
    "mozilla/5.0 (iphone) applewebkit/605.1.15 mobile/15e148 [fban/messengerforios;fbav/400.0]",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 musical_ly_34.5.0 JsSdk/2.0 NetType/WIFI BytedanceWebview/d8a21c6",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Safari Line/14.5.0",
    "Mozilla/5.0 (Linux; Android 13; wv) AppleWebKit/537.36 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0.42",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.29.6301",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Snapchat/12.80.0.41",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A.230803.041; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0.6367.82 Mobile Safari/537.36 Telegram-Android/11.3.4 (Google Pixel 8; Android 14; SDK 34; HIGH)",
];

/// Browsers of people's own, and what fetches pages for nobody.
const OWN: &[&str] = &[
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
];

/// What a notice did not say to the platform is not shown in the platform's own browser, signed in or not.
#[tokio::test]
async fn abuse_13_own_pages_are_not_shown_in_the_platforms_browsers() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let browser = Browser::new(&world, lang);
        browser.link("t1").await;
        world.says("m1", "what's my balance?").await;
        let cookies: Vec<String> = browser.cookies().iter().map(|(k, v)| format!("{k}={v}")).collect();
        let open = |method: Method, path: &str, name: header::HeaderName, value: &str| {
            Request::builder()
                .method(method)
                .uri(path)
                .header(header::COOKIE, cookies.join("; "))
                .header(header::ACCEPT_LANGUAGE, lang.tag())
                .header("sec-fetch-site", "same-origin")
                .header(name, value)
                .body(Body::empty())
                .expect("a request")
        };
        let paths = [
            "/privacy",
            "/privacy/accounts",
            "/privacy/verify",
            "/privacy?before=1",
            "/privacy/whatever-comes",
        ];
        let requested = header::HeaderName::from_static("x-requested-with");
        for (name, value) in IN_APP.iter().map(|agent| (header::USER_AGENT, *agent)).chain(
            [
                "com.facebook.orca",
                "com.facebook.katana",
                "com.instagram.android",
                "com.whatsapp",
                "org.telegram.messenger",
            ]
            .map(|a| (requested.clone(), a)),
        ) {
            for path in paths {
                let answer = world.send(open(Method::GET, path, name.clone(), value)).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} in {value}");
                crate::pages::check(&answer, lang, "in an app");
                let text = answer.text();
                assert!(text.contains("https://gateway.example/privacy"), "it says where to go: {text}");
                for shown in ["2,480.15", "Everyday", "1234", "٢", "before"] {
                    assert!(!text.contains(shown), "{path} in {value} shows {shown}");
                }
            }
            // Nobody begins a sign-in there either.
            let answer = world.send(open(Method::POST, "/privacy/sign-in", name.clone(), value)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert!(answer.headers.get(header::SET_COOKIE).is_none());
        }
        for agent in OWN {
            let answer = world.send(open(Method::GET, "/privacy/accounts", header::USER_AGENT, agent)).await;
            assert_eq!(answer.status, StatusCode::OK, "{agent}");
            assert!(answer.text().contains("Everyday Checking"), "{agent}");
        }
    }
}

/// Linking leads to the bank's password and to the names of accounts: in the platform's browser nothing of it is shown
/// or begun, and who comes there is given a way out that works, by either entrance.
#[tokio::test]
async fn abuse_13_linking_goes_on_outside_the_platforms_browsers() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        // Somebody who stands before the consent page, so that there is something to see.
        let browser = Browser::new(&world, lang);
        assert!(browser.to_consent("t1").await.text().contains("Everyday Checking"));
        let cookies: Vec<String> = browser.cookies().iter().map(|(k, v)| format!("{k}={v}")).collect();
        let in_app = |method: Method, path: &str, fields: &[(&str, &str)], agent: &str| {
            Request::builder()
                .method(method)
                .uri(path)
                .header(header::COOKIE, cookies.join("; "))
                .header(header::ACCEPT_LANGUAGE, lang.tag())
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::USER_AGENT, agent)
                .body(Body::from(
                    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish(),
                ))
                .expect("a request")
        };
        let token = world.token("t2").await;
        let own = format!("/link/start?t={token}");
        let entry = [
            ("page", PAGE),
            ("account_linking_token", PLATFORM_TOKEN),
            ("redirect_uri", "https://www.facebook.com/messenger_platform/account_linking/?x=y"),
        ];
        let button = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(entry).finish();
        let button = format!("/link/messenger?{button}");
        let begin = [("t", token.as_str()), ("institution", BANK), ("lang", "en")];
        for agent in IN_APP {
            for (method, path, fields) in [
                (Method::POST, "/link/begin", &begin[..]),
                (Method::GET, "/link/callback?code=c&state=s", &[]),
                (Method::GET, "/link/consent", &[]),
                (Method::POST, "/link/consent", &[("purpose", "BalanceOnRequest"), ("account", "a1")]),
                (Method::POST, "/link/cancel", &[]),
                (Method::GET, "/link/done", &[]),
                (Method::GET, "/link/whatever-comes", &[]),
            ] {
                let answer = world.send(in_app(method, path, fields, agent)).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} in {agent}");
                crate::pages::check(&answer, lang, "linking in an app");
                assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{path} in {agent}");
            }
            for path in [own.as_str(), button.as_str()] {
                let answer = world.send(in_app(Method::GET, path, &[], agent)).await;
                assert_eq!(answer.status, StatusCode::OK, "{path} in {agent}");
                crate::pages::check(&answer, lang, "the way out");
                assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{path} in {agent}");
                // Neither a bank nor an account nor the person is named.
                for shown in ["Cedar", "الأرز", "Everyday", "1234", "Sam"] {
                    assert!(!answer.text().contains(shown), "{path} in {agent} shows {shown}");
                }
            }
        }
        // The one-time link is the way out itself, and still good in a browser of one's own.
        let way = world.send(in_app(Method::GET, &own, &[], IN_APP[0])).await.text();
        assert!(way.contains(&format!("https://gateway.example{own}")), "{way}");
        assert_eq!(Browser::new(&world, lang).get(&own).await.status, StatusCode::OK);
        // By the button: the form asks for one, and leads to the way out, which is good outside, too.
        let asked = world.send(in_app(Method::GET, &button, &[], IN_APP[0])).await.text();
        for (name, value) in entry {
            assert_eq!(crate::support::value_of(&asked, name), value);
        }
        let made = world.send(in_app(Method::POST, "/link/elsewhere", &entry, IN_APP[0])).await;
        let link = made.location().strip_prefix("https://gateway.example").expect("ours").to_owned();
        let way = world.send(in_app(Method::GET, &link, &[], IN_APP[0])).await;
        assert!(way.status == StatusCode::OK && way.text().contains(&link), "{}", way.text());
        let outside = Browser::new(&world, lang);
        let picker = outside.get(&link).await;
        assert!(picker.status == StatusCode::OK && picker.text().contains(&format!("value=\"{BANK}\"")));
        let fresh = crate::support::value_of(&picker.text(), "t");
        let begun =
            outside.post("/link/begin", &[("t", &fresh), ("institution", BANK), ("lang", "en")]).await;
        assert!(begun.location().starts_with("https://bank.example/"), "{}", begun.text());
        // Nobody gets a link by a token that the platform does not know, nor a second one by the first.
        for fields in [
            &[entry[0], ("account_linking_token", "wrong"), entry[2]][..],
            &[entry[0], entry[1], ("redirect_uri", "https://evil.example/")],
            &[("t", token.as_str())],
        ] {
            let refused = world.send(in_app(Method::POST, "/link/elsewhere", fields, IN_APP[0])).await;
            assert!(refused.status.is_client_error(), "{fields:?}: {}", refused.status);
            assert!(refused.headers.get(header::LOCATION).is_none());
        }
    }
}

/// Somebody has the customer's chat account and every link in it, and is not the customer at the bank: no page shows
/// anything. (The chat itself answers whoever holds it: that is the residual risk, bounded by the form.)
#[tokio::test]
async fn abuse_14_a_stolen_chat_opens_no_page() {
    let world = World::new().await;
    let customer = Browser::new(&world, Lang::English);
    customer.link("t1").await;
    world.says("m1", "what's my balance?").await;
    world.says("m2", "my privacy").await;
    let own = customer.get("/privacy").await.text();
    assert!(own.contains("2,480.15"), "the customer sees it: {own}");

    let thief = Browser::new(&world, Lang::English);
    for path in
        ["/privacy", "/privacy/accounts", "/link/consent", "/link/done", "/link/callback?code=c&state=s"]
    {
        let text = thief.get(path).await.text();
        for shown in ["2,480.15", "Everyday Checking", "••1234", "19,100"] {
            assert!(!text.contains(shown), "{path} shows {shown}");
        }
    }
    // At the bank the thief is somebody else, or nobody.
    let begun =
        thief.post("/privacy/sign-in", &[("institution", BANK), ("to", "accounts"), ("lang", "en")]).await;
    assert!(begun.location().starts_with("https://bank.example/"));
    *world.bank.subject.lock().expect("lock") = "somebody-else".into();
    let back = thief.get("/link/callback?code=c&state=s").await;
    let page = if back.status == StatusCode::SEE_OTHER { thief.get(back.location()).await } else { back };
    let text = page.text();
    assert!(!text.contains("2,480.15") && !text.contains("Everyday Checking"), "{text}");
    // Nor does the thief's own sign-in change what the customer has.
    let page = customer.get("/privacy").await;
    assert_eq!(page.text().contains("2,480.15"), own.contains("2,480.15"));
    // A guessed or an old cookie is nobody's.
    thief.bring(BTreeMap::from([("__Host-amana".to_owned(), "x".repeat(43))]));
    assert!(!thief.get("/privacy").await.text().contains("2,480.15"));
}

/// No page of the gateway has a place to type anything: who asks for a password, a number or a code is not us.
#[tokio::test]
async fn abuse_15_no_page_asks_for_anything_to_be_typed() {
    const CHOSEN: &[&str] = &["hidden", "checkbox", "radio", "submit", "button"];
    for (what, html) in all_pages().await {
        for input in select(&html, "input") {
            let kind = input.get("type").map_or("text", String::as_str);
            // The verifier reads a bundle and a log's public key; neither has a name, so no form can send them.
            let verifier = what.starts_with("/privacy/verify")
                && !input.contains_key("name")
                && (kind == "file" || input.get("id").is_some_and(|id| id == "vkey"));
            assert!(CHOSEN.contains(&kind) || verifier, "{what} has a field `{kind}`: {input:?}");
        }
        assert_eq!(select(&html, "textarea, [contenteditable]"), [], "{what}");
        let typed = select(
            &html,
            "form[action] input[autocomplete]:not([type=hidden]), form[action] input[type=text]",
        );
        assert_eq!(typed, [], "{what}");
        for form in select(&html, "form[action]") {
            assert!(form["action"].starts_with('/'), "{what}: a form leads to {}", form["action"]);
        }
    }
    // The same of the templates themselves, whatever page they make.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for file in std::fs::read_dir(folder).expect("templates").map(|f| f.expect("a file").path()) {
        let text = std::fs::read_to_string(&file).expect("a template").to_lowercase();
        for word in [
            "type=\"password\"",
            "type=\"tel\"",
            "type=\"email\"",
            "type=\"number\"",
            "inputmode",
            "one-time-code",
            "cc-number",
        ] {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

/// There is no address that gives more than one customer's data, and none that gives any without a session: of those
/// that the router has, and of those that somebody would try.
#[tokio::test]
async fn abuse_21_no_route_exports_anything_in_bulk() {
    let world = World::new().await;
    let browser = Browser::new(&world, Lang::English);
    browser.link("t1").await;
    world.says("m1", "what's my balance?").await;
    world.pushes(&purchase("e1", "a1")).await;
    let guesses = [
        "",
        "privacy",
        "privacy/accounts",
        "privacy/export",
        "metrics",
        "healthz",
        "readyz",
        "log/checkpoint",
        "log/",
        "export",
        "api",
        "api/customers",
        "customers",
        "admin",
        "admin/customers",
        "accounts",
        "transactions",
        "users",
        "dump",
        "backup",
        "v1/transactions",
        "graphql",
        "aggregate",
        "analytics",
        "events/cedar-bank",
        "webhooks/messenger",
        "receipts",
        "consents",
        "static/",
        "debug",
        "debug/vars",
        ".env",
        "amana.sqlite",
    ];
    for path in guesses.map(str::to_owned).into_iter().chain(crate::own_site::paths()) {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let request = Request::builder().method(method.clone()).uri(format!("/{path}"));
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            for shown in ["2,480.15", "248015", "4.51", "Blue Bottle", "Everyday", "customer-1", PERSON] {
                assert!(!text.contains(shown), "{method} /{path} gives {shown}");
            }
        }
    }
}
