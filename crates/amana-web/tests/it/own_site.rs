//! Abuse 10: whatever a page loads, asks or leads to is this site's. The pages are those that the router has, all of
//! them; what is served beside them (style sheet, icon, programs) is read, too.

use crate::abuse::{IN_APP, select};
use crate::notice::{noticed, told};
use crate::passkeys::{asked, challenge, enrolled, proves};
use crate::support::*;
use amana_core::{Clock as _, Lang};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use std::collections::{BTreeMap, BTreeSet};

const ORIGIN: &str = "https://gateway.example";

/// What an address answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// A page, with this status when all is well.
    Page(u16),
    /// A page only where something is wrong; else it leads on to an address that is listed here.
    Way,
    /// Something for programs, or part of a page.
    Data,
    /// A copy to keep; a page where there is none to give.
    File,
}

use Answers::{Data, File, Page, Way};

/// Every address that the router has. Whoever adds one says here what it answers with, and lets [`tour`] visit it.
const ADDRESSES: &[(&str, &str, Answers)] = &[
    ("GET", "/", Page(200)),
    ("POST", "/lang", Way),
    ("GET", "/link/start", Page(200)),
    ("GET", "/link/messenger", Page(200)),
    ("POST", "/link/elsewhere", Way),
    ("POST", "/link/begin", Way),
    ("GET", "/link/callback", Way),
    ("GET", "/link/consent", Page(200)),
    ("POST", "/link/consent", Way),
    ("POST", "/link/cancel", Way),
    ("GET", "/link/done", Page(200)),
    ("GET", "/link/renew", Page(200)),
    ("POST", "/link/renew", Way),
    ("GET", "/m", Page(200)),
    ("POST", "/m/open", Page(200)),
    ("GET", "/m/ready", Page(200)),
    ("POST", "/m/show", Page(200)),
    ("POST", "/m/passkey", Page(200)),
    ("POST", "/m/passkey/show", Page(200)),
    ("GET", "/privacy", Page(200)),
    ("GET", "/privacy/accounts", Page(200)),
    ("GET", "/privacy/bundle", File),
    ("GET", "/privacy/verify", Page(200)),
    ("POST", "/privacy/sign-in", Way),
    ("GET", "/privacy/consent/{file}", File),
    ("POST", "/privacy/revoke", Way),
    ("POST", "/privacy/renew", Way),
    ("GET", "/privacy/passkeys", Page(200)),
    ("POST", "/privacy/passkeys/begin", Page(200)),
    ("POST", "/privacy/passkeys/add", Way),
    ("POST", "/privacy/passkeys/remove", Way),
    ("GET", "/privacy/export", File),
    ("POST", "/privacy/erase", Page(200)),
    ("POST", "/privacy/leave", Way),
    ("GET", "/privacy/deletion/{code}", Page(200)),
    ("GET", "/webhooks/messenger", Data),
    ("POST", "/webhooks/messenger", Data),
    ("POST", "/webhooks/messenger/data-deletion", Data),
    ("POST", "/webhooks/messenger/deauthorise", Data),
    ("POST", "/events/{institution}", Data),
    ("POST", "/events/{institution}/notifications", Data),
    ("GET", "/healthz", Data),
    ("GET", "/readyz", Data),
    ("GET", "/metrics", Data),
    ("GET", "/log/{*path}", Data),
    ("GET", "/static/{file}", Data),
    ("GET", "/favicon.ico", Data),
    ("GET", "/robots.txt", Data),
];

/// What the router's text has: method and address.
fn routes() -> BTreeSet<(String, String)> {
    let text = include_str!("../../src/lib.rs");
    let (_, text) = text.split_once("pub fn router(").expect("the router");
    let (text, _) = text.split_once("\n}").expect("its end");
    for other in [".nest(", ".route_service(", ".nest_service(", ".fallback_service("] {
        assert!(!text.contains(other), "the router has a `{other}…)`, which this test cannot read");
    }
    let mut routes = BTreeSet::new();
    for route in text.split(".route(").skip(1) {
        let (path, rest) = match route.trim_start().strip_prefix('"') {
            Some(path) => path.split_once('"').expect("a path"),
            None => ("/m", route.strip_prefix("notice_page::HERE").expect("an address that is read here")),
        };
        let before = routes.len();
        for (method, word) in [("GET", "get("), ("POST", "post(")] {
            // The word alone, and not the end of another.
            let called = rest.match_indices(word).any(|(at, _)| {
                !rest
                    .get(..at)
                    .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            });
            if called {
                routes.insert((method.to_owned(), path.to_owned()));
            }
        }
        assert!(routes.len() > before, "{path}: no method that this test knows");
        for other in ["any(", "put(", "patch(", "delete(", "on(", "_service("] {
            assert!(!rest.contains(other), "{path}: `{other}…)`");
        }
    }
    routes
}

/// Something that is there, or could be, for each address of the router, without its first stroke.
pub(crate) fn paths() -> Vec<String> {
    let paths: BTreeSet<String> = routes().into_iter().map(|(_, path)| filled(&path)).collect();
    assert!(paths.len() > 40 && paths.iter().all(|path| !path.contains('{')), "{paths:?}");
    paths.iter().map(|path| path.trim_start_matches('/').to_owned()).collect()
}

fn filled(path: &str) -> String {
    let path = path.replace("{institution}", "cedar-bank").replace("{*path}", "checkpoint");
    path.replace("{file}", "all.json").replace("{code}", "all")
}

/// Which of the list's addresses a request was for.
fn listed(method: &Method, path: &str) -> Option<(&'static str, Answers)> {
    ADDRESSES
        .iter()
        .find(|(of, route, _)| *of == method.as_str() && fits(route, path))
        .map(|(_, r, a)| (*r, *a))
}

fn fits(route: &str, path: &str) -> bool {
    if let Some(folder) = route.strip_suffix("{*path}") {
        return path.starts_with(folder);
    }
    let (of, parts) = (route.split('/'), path.split('/'));
    of.clone().count() == parts.clone().count()
        && of.zip(parts).all(|(of, part)| of.starts_with('{') || of == part)
}

/// Every address as a stranger, or as whoever has such a browser, finds it.
async fn visit_all(browser: &Browser<'_>) {
    let cookies = browser.cookies();
    for (method, route, _) in ADDRESSES {
        // It ends what is visited: last.
        if *route == "/privacy/leave" {
            continue;
        }
        // Whatever an answer takes away, the next address is visited as the first was.
        browser.bring(cookies.clone());
        match *method {
            "GET" => browser.get(&filled(route)).await,
            _ => browser.post(&filled(route), &[]).await,
        };
    }
    browser.bring(cookies);
    browser.get("/nothing").await;
    browser.get("/privacy?for=TransactionUpdate&kind=told&days=30").await;
    browser.post("/privacy/leave", &[]).await;
}

/// Goes to every page, by the ways that lead there, in one language.
async fn tour(lang: Lang) -> Vec<World> {
    let mut worlds = Vec::new();
    // Nobody, then somebody who is linked and signed in, to whom something was told.
    let world = World::new().await;
    let browser = Browser::new(&world, lang);
    visit_all(&browser).await;
    let token = world.token("t0").await;
    browser.get(&format!("/link/start?t={token}")).await;
    browser.to_consent("t1").await;
    browser.post("/link/consent", &[]).await;
    browser.link("t2").await;
    world.says("m1", "what's my balance?").await;
    world.pushes(&purchase("e1", "a1")).await;
    let csrf = value_of(&browser.get("/privacy").await.text(), "csrf");
    browser.post("/privacy/erase", &[("csrf", &csrf)]).await;
    visit_all(&browser).await;
    // By the platform's button, in the platform's browser and outside.
    let redirect = "https://www.facebook.com/messenger_platform/account_linking/?x=y";
    let entry = [("page", PAGE), ("account_linking_token", PLATFORM_TOKEN), ("redirect_uri", redirect)];
    let button = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(entry).finish();
    browser.get(&format!("/link/messenger?{button}")).await;
    for path in [
        format!("/link/messenger?{button}"),
        format!("/link/start?t={token}"),
        "/m".into(),
        "/privacy".into(),
        "/link/consent".into(),
    ] {
        let request = Request::get(path).header(header::USER_AGENT, IN_APP[0]);
        let request = request.header(header::ACCEPT_LANGUAGE, lang.tag()).body(Body::empty());
        world.send(request.expect("a request")).await;
    }
    // The platform's word that somebody is to be deleted.
    let now = world.clock.now().as_second();
    let signed = crate::platform::signed(APP_SECRET, now);
    let request =
        crate::platform::post("/webhooks/messenger/data-deletion", format!("signed_request={signed}"));
    let code = world.send(request).await.json()["confirmation_code"].as_str().expect("a code").to_owned();
    browser.get(&format!("/privacy/deletion/{code}")).await;
    worlds.push(world);

    // The page behind a notice: by the bank's login, by who is signed in, and by a passkey.
    let world = World::new().await;
    let (own, token) = noticed(&world, lang).await;
    let browser = Browser::new(&world, lang);
    browser.post("/m/open", &[("t", &token), ("lang", lang.tag())]).await;
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/m/ready");
    let csrf = value_of(&browser.get("/m/ready").await.text(), "csrf");
    browser.post("/m/show", &[("csrf", &csrf)]).await;
    let token = told(&world, "e2").await;
    own.post("/m/open", &[("t", &token)]).await;
    let mut device = enrolled(&own, "").await;
    own.get("/privacy/passkeys?done=added").await;
    let token = told(&world, "e3").await;
    let another = Browser::new(&world, lang);
    let page = another.post("/m/passkey", &[("t", &token), ("lang", lang.tag())]).await;
    assert_eq!(asked(&page, "act"), "get");
    proves(&another, &device.get(&challenge(&page))).await;
    visit_all(&own).await;
    worlds.push(world);

    // A consent near its end.
    let world = World::new().await;
    let browser = crate::renew::near_the_end(&world, lang).await;
    let page = browser.get("/privacy").await.text();
    let (csrf, consent) = (value_of(&page, "csrf"), value_of(&page, "consent"));
    let to = browser.post("/privacy/renew", &[("csrf", &csrf), ("consent", &consent)]).await;
    browser.get(to.location().strip_prefix(ORIGIN).expect("a page of ours")).await;
    visit_all(&browser).await;
    worlds.push(world);
    worlds
}

/// Whether an address stays here.
fn is_own(address: &str) -> bool {
    let here = address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\");
    here || address.starts_with('#') || address.strip_prefix(ORIGIN).is_some_and(|rest| rest.starts_with('/'))
}

/// What is not this site's in a page, by its HTML.
fn strangers_in_page(html: &str) -> Vec<String> {
    const LEADING: &[&str] = &[
        "src",
        "href",
        "xlink:href",
        "action",
        "formaction",
        "data",
        "poster",
        "ping",
        "cite",
        "background",
        "manifest",
        "longdesc",
        "usemap",
        "classid",
        "codebase",
        "profile",
        "srcset",
        "imagesrcset",
        "archive",
    ];
    let mut found = Vec::new();
    for attributes in select(html, "*") {
        for (name, value) in &attributes {
            let leads = LEADING.contains(&name.as_str());
            let set = name.ends_with("srcset");
            if leads && (set || !is_own(value)) {
                found.push(format!("{name}={value}"));
            }
            // A program of ours may take it for an address.
            if name.starts_with("data-") && (value.contains("://") || value.starts_with("//")) {
                found.push(format!("{name}={value}"));
            }
            if name.starts_with("on") || name == "style" || name == "srcdoc" {
                found.push(format!("{name}={value} is a program or a style within the page"));
            }
        }
    }
    let never = "iframe, frame, object, embed, applet, portal, base, style, script:not([src]), \
        script:not([integrity]), link[rel=stylesheet]:not([href^='/static/']), link[rel*=prefetch], \
        link[rel*=preconnect], link[rel*=prerender], link[rel*=preload]:not([href^='/static/']), meta[http-equiv]";
    found.extend(select(html, never).into_iter().map(|attributes| format!("an element with {attributes:?}")));
    found
}

/// What a style sheet loads.
fn loads_of_style(css: &str) -> Vec<String> {
    let css = without(css, "/*", "*/").to_ascii_lowercase();
    let words = [
        "url(",
        "@import",
        "image(",
        "image-set(",
        "src(",
        "@font-face",
        "@namespace",
        "expression(",
        "//",
        "\\",
    ];
    let lines = css.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The lines of a program that name an address, load something, ask somebody, or lead somewhere.
fn reaches_of_program(js: &str) -> Vec<String> {
    const WORDS: &[&str] = &[
        "http",
        "//",
        "\\x2f",
        "\\u002f",
        "fetch",
        "xmlhttprequest",
        "websocket",
        "eventsource",
        "sendbeacon",
        "webtransport",
        "rtcpeer",
        "new url",
        "import(",
        "import ",
        "importscripts",
        "worker",
        "new image",
        "new audio",
        "createelement",
        "innerhtml",
        "outerhtml",
        "insertadjacent",
        "document.write",
        "setattribute",
        ".src",
        ".href",
        ".action",
        ".cookie",
        "window.open",
        "location.assign",
        "location.replace",
        "location =",
        "eval(",
        "function(",
        "navigator.",
        "postmessage",
        ".submit(",
        ".style",
        "fontface",
        "atob",
        "fromcharcode",
    ];
    let uncommented = without(js, "/*", "*/");
    let lines = uncommented.lines().map(str::trim).filter(|line| !line.starts_with("//")).map(without_remark);
    let lines = lines.filter(|line| WORDS.iter().any(|word| line.to_ascii_lowercase().contains(word)));
    lines.map(str::to_owned).collect()
}

/// A line of a program without the remark at its end. What stands within quotes is no remark.
fn without_remark(line: &str) -> &str {
    let Some((code, _)) = line.split_once(" // ") else { return line };
    let quoted = ['"', '\'', '`'].iter().any(|quote| code.matches(*quote).count() % 2 == 1);
    if quoted { line } else { code.trim_end() }
}

/// A text without what stands between two marks.
fn without(text: &str, begin: &str, end: &str) -> String {
    let mut parts = text.split(begin);
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(end).map_or("", |(_, after)| after));
    }
    rest
}

/// What the policy of an answer lets in that is not this site's. Where a form leads is told in so many words.
fn gaps_in_policy(policy: &str, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for directive in policy.split(';').map(str::trim) {
        let mut words = directive.split_whitespace();
        said.insert(words.next().unwrap_or_default(), words.collect());
    }
    for (name, sources) in &said {
        for source in sources {
            let good = match *name {
                "form-action" => {
                    ["'self'", "https://bank.example", "https://www.facebook.com"].contains(source)
                }
                "require-trusted-types-for" => *source == "'script'",
                "script-src" => {
                    source.starts_with("https://gateway.example/static/") && source.ends_with(".js")
                }
                "connect-src" | "style-src" | "img-src" | "font-src" => ["'self'", "'none'"].contains(source),
                "default-src" | "frame-ancestors" | "base-uri" | "trusted-types" => *source == "'none'",
                _ => false,
            };
            if !good {
                found.push(format!("{name} {source}"));
            }
        }
    }
    for needed in ["default-src", "form-action", "frame-ancestors", "base-uri"] {
        if !said.contains_key(needed) {
            found.push(format!("no {needed}"));
        }
    }
    // A program runs on its own page alone, and the page of no program lets none run.
    let programs = said.get("script-src").map_or(0, Vec::len);
    let there = select(page, "script").len();
    if programs > 1 || there != programs {
        found.push(format!("{there} programs in the page, {programs} in its policy"));
    }
    found
}

/// What each program has that could reach anywhere, line by line. Why it stays here is said beside it.
const REACHES: &[(&str, &[&str])] = &[
    // Where the reader is already, and what the form of this very page leads to.
    (
        "notice",
        &[
            "address.href = location.href;",
            "address.firstElementChild.textContent = location.href;",
            "document.querySelector('form[action^=\"/lang\"]').action = whole ? `/lang#${token}` : \"/lang\";",
        ],
    ),
    // The browser's own authenticator, and the one form of the page.
    (
        "passkey",
        &[
            "const bytes = (text) => Uint8Array.from(atob(text.replaceAll(\"-\", \"+\").replaceAll(\"_\", \"/\")), (c) => c.charCodeAt(0));",
            "btoa(String.fromCharCode(...new Uint8Array(buffer ?? []))).replaceAll(\"+\", \"-\").replaceAll(\"/\", \"_\").replaceAll(\"=\", \"\");",
            "const made = await navigator.credentials.create({ publicKey: {",
            "const proof = await navigator.credentials.get({ publicKey: {",
            "form.submit();",
        ],
    ),
    // The bundle of whoever is signed in, at the address that the page has as `data-bundle`.
    (
        "verify",
        &[
            "for (const byte of bytes) binary += String.fromCharCode(byte);",
            "binary = atob(text);",
            "const get = (address) => fetch(address, { credentials: \"same-origin\", cache: \"no-store\", redirect: \"error\" });",
            "if (result.ok && result.more) one(\"#next-part\").href = `${one(\"#mine\").dataset.bundle}?${placeOf(result)}`;",
        ],
    ),
];

/// Everything that a page loads, and everywhere it leads, is this site; the policy forbids the rest; and no page of the
/// router is left out, whether somebody is signed in or not.
#[tokio::test]
async fn abuse_10_pages_load_nothing_from_anybody_else() {
    let stated: BTreeSet<(String, String)> =
        ADDRESSES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes(), stated, "the router and the list of what its addresses answer with differ");
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for lang in Lang::ALL.iter().copied() {
        let mut visited = BTreeSet::new();
        let mut pages = 0;
        for world in tour(lang).await {
            let answered = std::mem::take(&mut *world.answered.lock().expect("lock"));
            for (method, path, answer) in answered {
                let status = answer.status.as_u16();
                let what = format!("{method} {path} ({status})");
                let route = listed(&method, &path);
                let is_page = answer.header("content-type").starts_with("text/html");
                let html = if is_page { answer.text() } else { String::new() };
                assert_eq!(
                    gaps_in_policy(answer.header("content-security-policy"), &html),
                    [""; 0],
                    "{what}"
                );
                visited.extend(route.map(|(route, _)| (method.to_string(), route, status)));
                // What is not there is a page that says so.
                if let (Some((_, Data)), true, ..400) = (route, is_page, status) {
                    panic!("{what} is listed as no page");
                }
                if !is_page {
                    continue;
                }
                pages += 1;
                assert_eq!(strangers_in_page(&html), [""; 0], "{what}");
                for file in select(&html, "link[href], script[src], img[src]") {
                    let path = file.get("href").or(file.get("src")).expect("an address").clone();
                    if path.starts_with("/static/") {
                        let text = world.get(&path).await;
                        assert_eq!(text.status, StatusCode::OK, "{path}");
                        files.insert(path, text.text());
                    }
                }
                if let Some(bundle) = select(&html, "[data-bundle]").first() {
                    assert_eq!(bundle["data-bundle"], "/privacy/bundle", "what the verifier fetches");
                }
            }
        }
        for (method, route, answers) in ADDRESSES {
            let seen: Vec<u16> = visited
                .iter()
                .filter(|(m, r, _)| m == method && r == route)
                .map(|(_, _, status)| *status)
                .collect();
            assert!(!seen.is_empty(), "{method} {route} was not visited");
            if let Page(good) = answers {
                assert!(seen.contains(good), "{method} {route}: the page itself was not seen, only {seen:?}");
            }
        }
        assert!(pages > 100, "{pages} pages");
    }
    // What is served beside the pages.
    let named = |stem: &str, end: &str| {
        let begin = format!("/static/{stem}.");
        let found: Vec<&String> =
            files.iter().filter(|(p, _)| p.starts_with(&begin) && p.ends_with(end)).map(|(_, t)| t).collect();
        let [text] = found.as_slice() else { panic!("one {stem}{end}: {:?}", files.keys()) };
        (*text).clone()
    };
    assert_eq!(files.len(), 2 + REACHES.len(), "{:?}", files.keys());
    assert_eq!(loads_of_style(&named("web", ".css")), [""; 0]);
    let icon = named("icon", ".svg").replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for word in ["http", "href", "url(", "<script", "<style", "<image", "<use", "<foreignObject"] {
        assert!(!icon.contains(word), "the icon has {word}");
    }
    for (program, reaches) in REACHES {
        assert_eq!(
            reaches_of_program(&named(program, ".js")),
            *reaches,
            "{program}.js reaches further than is said"
        );
    }
}

/// What looks for strangers finds them: one of each kind.
#[test]
fn abuse_10_what_looks_for_strangers_finds_them() {
    for bad in [
        "<img src=https://pixel.example/1>",
        "<img src=//pixel.example/1>",
        "<img srcset='https://pixel.example/1 2x'>",
        "<a href='https://gateway.example.evil.example/'>x</a>",
        "<a href=/ ping=https://pixel.example/>x</a>",
        "<form action='https://pixel.example/'></form>",
        "<button formaction='//pixel.example'>x</button>",
        "<p onclick='x()'>x</p>",
        "<p style='background: url(//pixel.example)'>x</p>",
        "<style>@import '//pixel.example'</style>",
        "<script>x()</script>",
        "<script src=/static/x.js></script>",
        "<iframe srcdoc=x></iframe>",
        "<link rel=preconnect href=/>",
        "<meta http-equiv=refresh content='0;url=//pixel.example'>",
        "<video poster=https://pixel.example/></video>",
        "<p data-bundle=https://pixel.example/>x</p>",
        "<a href='javascript:x()'>x</a>",
        "<svg><image xlink:href='https://pixel.example/'/></svg>",
        "<base href=/x>",
    ] {
        assert!(!strangers_in_page(bad).is_empty(), "{bad}");
    }
    assert_eq!(strangers_in_page("<a href=/privacy>x</a><a href='#x'>x</a><img src=/static/x.svg>"), [""; 0]);
    for bad in
        ["a { background: url(/x) }", "@import 'x';", "a { background: image-set('x' 1x) }", "@font-face {}"]
    {
        assert!(!loads_of_style(bad).is_empty(), "{bad}");
    }
    assert_eq!(loads_of_style("/* see url(x) */ a { color: red }"), [""; 0]);
    for bad in [
        "fetch('/x')",
        "new WebSocket(x)",
        "navigator.sendBeacon('/x')",
        "x = new URL(y)",
        "import('/x')",
        "import x from './y.js'",
        "const x = 'https://pixel.example'; // ours",
        "x.src = y",
        "document.createElement('img')",
        "/* fine */ location = x",
        "const x = 'of // ' + fetch(y)",
    ] {
        assert!(!reaches_of_program(bad).is_empty(), "{bad}");
    }
    assert_eq!(reaches_of_program("// see https://www.w3.org\nconst x = 1; // not a fetch"), [""; 0]);
    let policy = |more: &str| {
        format!("default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'{more}")
    };
    assert_eq!(gaps_in_policy(&policy("; style-src 'self'"), "<p>x</p>"), [""; 0]);
    for more in [
        "; img-src https://pixel.example",
        "; img-src *",
        "; img-src data:",
        "; style-src 'unsafe-inline'",
        "; script-src 'self'",
        "; script-src https://pixel.example/x.js",
        "; connect-src https://pixel.example",
        "; form-action https://pixel.example",
        "; frame-src 'self'",
        "; script-src https://gateway.example/static/x.js",
    ] {
        assert!(!gaps_in_policy(&policy(more), "<p>x</p>").is_empty(), "{more}");
    }
    assert!(!gaps_in_policy("", "").is_empty());
}
