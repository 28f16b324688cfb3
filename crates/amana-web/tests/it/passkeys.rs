//! Passkeys: made after the bank's login alone, and good for the page behind a notice alone. The authenticator is in
//! software, its keys and signatures are real.

use crate::authenticator::{Authenticator, VERIFIED};
use crate::notice::{noticed, told, words};
use crate::pages::check;
use crate::support::*;
use amana_core::{Kill, KillScope, Lang};
use amana_passkey::{Assertion, Registration};
use amana_store::Command;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const HERE: &str = "/privacy/passkeys";
const SITE: &str = "gateway.example";
const ORIGIN: &str = "https://gateway.example";

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a page asks the browser with.
pub(crate) fn asked(page: &Answer, name: &str) -> String {
    let html = scraper::Html::parse_document(&page.text());
    let selector = scraper::Selector::parse("form#passkey").expect("a selector");
    let form = html.select(&selector).next().expect("the form");
    form.value().attr(&format!("data-{name}")).expect("what is asked").to_owned()
}

pub(crate) fn challenge(page: &Answer) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(asked(page, "challenge")).expect("base64url")
}

async fn signs_in(browser: &Browser<'_>, to: &str) -> String {
    browser.post("/privacy/sign-in", &[("institution", BANK), ("to", to)]).await;
    browser.get("/link/callback?code=c&state=s").await.location().to_owned()
}

/// Sends a new passkey as the page's program does.
async fn adds(browser: &Browser<'_>, csrf: &str, made: &Registration, unlisted: &str) -> Answer {
    let (client, object) = (text(&made.client_data), text(&made.attestation));
    let fields = [("csrf", csrf), ("client", client.as_str()), ("made", &object), ("unlisted", unlisted)];
    browser.post("/privacy/passkeys/add", &fields).await
}

/// Signs in and adds a passkey; the authenticator that has it.
pub(crate) async fn enrolled(browser: &Browser<'_>, unlisted: &str) -> Authenticator {
    assert_eq!(signs_in(browser, "passkeys").await, HERE);
    let csrf = value_of(&browser.get(HERE).await.text(), "csrf");
    let page = browser.post("/privacy/passkeys/begin", &[("csrf", &csrf)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let mut own = Authenticator::new(SITE, ORIGIN);
    own.user_handle = Some(URL_SAFE_NO_PAD.decode(asked(&page, "user")).expect("base64url"));
    let added = adds(browser, &csrf, &own.create(&challenge(&page)), unlisted).await;
    assert_eq!(added.location(), "/privacy/passkeys?done=added");
    own
}

async fn begins(browser: &Browser<'_>, token: &str) -> Answer {
    let page = browser.post("/m/passkey", &[("t", token), ("lang", "en")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    page
}

/// Sends a proof as the page's program does.
pub(crate) async fn proves(browser: &Browser<'_>, answer: &Assertion) -> Answer {
    let user = answer.user_handle.as_deref().map(text).unwrap_or_default();
    let (id, client) = (text(&answer.id), text(&answer.client_data));
    let (data, signature) = (text(&answer.authenticator_data), text(&answer.signature));
    let fields =
        [("id", &id), ("client", &client), ("data", &data), ("signature", &signature), ("user", &user)];
    browser.post("/m/passkey/show", &fields.map(|(name, value)| (name, value.as_str()))).await
}

/// From the bank's login to a page that a passkey opens, in both languages.
#[tokio::test]
async fn a_passkey_opens_the_page_in_place_of_the_banks_login() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let (own, token) = noticed(&world, lang).await;
        let before = own.get(HERE).await;
        check(&before, lang, "passkeys, signed in a while ago");
        assert!(before.text().contains("action=\"/privacy/sign-in\""), "the bank's login first");
        let mut device = enrolled(&own, "").await;
        let list = own.get("/privacy/passkeys?done=added").await;
        check(&list, lang, "passkeys, one");
        assert!(list.text().contains("action=\"/privacy/passkeys/remove\""));
        assert_eq!(device.user_handle.as_ref().map(Vec::len), Some(32));

        // Another browser, in which nobody is signed in: the bank is not asked.
        let browser = Browser::new(&world, lang);
        assert!(browser.get("/m").await.text().contains("formaction=\"/m/passkey\""));
        let page = browser.post("/m/passkey", &[("t", &token), ("lang", lang.tag())]).await;
        check(&page, lang, "asked for a passkey");
        assert_eq!(asked(&page, "site"), SITE);
        assert_eq!(asked(&page, "credentials"), "", "a device that keeps a list needs no name");
        assert!(page.header("content-security-policy").contains("connect-src 'none'"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let proof = device.get(&challenge(&page));
        let shown = proves(&browser, &proof).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        check(&shown, lang, "shown by a passkey");
        assert!(words(&shown).contains("4.51") && words(&shown).contains("Blue Bottle"));
        assert!(!shown.header("content-security-policy").contains("script-src"), "no program beside it");
        assert!(browser.cookies().keys().all(|name| !name.contains("amana") || name.contains("lang")));

        // It signed nobody in, and nothing opens a second time.
        assert!(browser.get("/privacy").await.text().contains("action=\"/privacy/sign-in\""));
        assert_eq!(proves(&browser, &proof).await.status, StatusCode::GONE);
        assert_eq!(browser.post("/m/passkey", &[("t", &token)]).await.status, StatusCode::GONE);

        // Everything is on the customer's record, and in what they take along.
        let timeline = words(&own.get("/privacy?kind=looks").await);
        let (look, added) = match lang {
            Lang::English => ("You opened a message", "A passkey was added"),
            Lang::Arabic => ("فتحت رسالة", "أُضيف مفتاح مرور"),
        };
        assert!(timeline.contains(look) && timeline.contains(added), "{timeline}");
        let export = own.get("/privacy/export").await.json();
        assert_eq!(export["passkeys"][0]["credential_id"], text(&device.id));
        assert_eq!(export["passkeys"][0]["signatures_counted"], 1);
        assert_eq!(export["passkeys"][0]["last_used_at"], NOW);

        // Removed, it opens nothing.
        let page = own.get(HERE).await.text();
        let (csrf, id) = (value_of(&page, "csrf"), value_of(&page, "id"));
        assert_eq!(
            own.post("/privacy/passkeys/remove", &[("csrf", "forged"), ("id", &id)]).await.status,
            StatusCode::GONE
        );
        let removed = own.post("/privacy/passkeys/remove", &[("csrf", &csrf), ("id", &id)]).await;
        assert_eq!(removed.location(), "/privacy/passkeys?done=removed");
        check(&own.get("/privacy/passkeys?done=removed").await, lang, "passkeys, removed");
        let next = told(&world, "e2").await;
        let page = browser.post("/m/passkey", &[("t", &next), ("lang", lang.tag())]).await;
        let proof = device.get(&challenge(&page));
        let refused = proves(&browser, &proof).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        check(&refused, lang, "a passkey that was removed");
        assert_eq!(own.post("/m/open", &[("t", &next)]).await.status, StatusCode::OK, "not used up");
    }
}

/// Everything that does not open a page, each with a challenge of its own; nothing of it uses the page up.
#[tokio::test]
async fn abuse_16_no_other_passkey_and_no_other_answer_opens_the_page() {
    let world = World::new().await;
    *world.bank.subject.lock().expect("lock") = "customer-2".into();
    let other = Browser::new(&world, Lang::English);
    other.link("t0").await;
    let mut others = enrolled(&other, "").await;
    *world.bank.subject.lock().expect("lock") = "customer-1".into();
    let (own, token) = noticed(&world, Lang::English).await;
    let mut device = enrolled(&own, "").await;
    let browser = Browser::new(&world, Lang::English);
    let denied = |what: &str, answer: &Answer, status| {
        assert_eq!(answer.status, status, "{what}");
        assert!(!words(answer).contains("4.51"), "{what}");
    };

    type Lie = fn(&mut Authenticator);
    let lies: [(&str, Lie); 8] = [
        ("another origin", |d| d.origin = "https://gateway.example.evil.example".into()),
        ("in a frame of another site", |d| d.more = ",\"topOrigin\":\"https://evil.example\"".into()),
        ("another site's", |d| d.site = "evil.example".into()),
        ("nobody verified", |d| d.flags &= !VERIFIED),
        ("another person's name", |d| d.user_handle = Some(vec![1; 32])),
        ("another's key under this id", |d| {
            let stranger = Authenticator::new(SITE, ORIGIN);
            d.signer = stranger.signer;
        }),
        ("an id that nobody knows", |d| d.id = vec![7; 32]),
        ("another origin's scheme", |d| d.origin = "http://gateway.example".into()),
    ];
    for (what, lie) in lies {
        // Each lies for itself: the device as it is, with one thing changed and put back.
        let kept = (device.origin.clone(), device.more.clone(), device.site.clone(), device.flags);
        let (handle, id) = (device.user_handle.clone(), device.id.clone());
        let page = begins(&browser, &token).await;
        let honest = device.get(&challenge(&page));
        let mut liar = Authenticator::new(SITE, ORIGIN);
        std::mem::swap(&mut liar, &mut device);
        let signer_is_kept = what != "another's key under this id";
        lie(&mut liar);
        let answer = liar.get(&challenge(&page));
        denied(what, &proves(&browser, &answer).await, StatusCode::FORBIDDEN);
        denied(what, &proves(&browser, &honest).await, StatusCode::GONE);
        if !signer_is_kept {
            // That key is gone for this test; a new passkey goes on.
            device = enrolled(&own, "").await;
            continue;
        }
        (liar.origin, liar.more, liar.site, liar.flags) = kept;
        (liar.user_handle, liar.id) = (handle, id);
        device = liar;
    }

    let page = begins(&browser, &token).await;
    denied(
        "another customer's",
        &proves(&browser, &others.get(&challenge(&page))).await,
        StatusCode::FORBIDDEN,
    );
    let page = begins(&browser, &token).await;
    let mut tampered = device.get(&challenge(&page));
    if let Some(last) = tampered.signature.last_mut() {
        *last ^= 1;
    }
    denied("a tampered signature", &proves(&browser, &tampered).await, StatusCode::FORBIDDEN);
    let page = begins(&browser, &token).await;
    let early = device.get(&challenge(&page));
    begins(&browser, &token).await;
    denied("the challenge before", &proves(&browser, &early).await, StatusCode::FORBIDDEN);
    denied(
        "without a session",
        &proves(&Browser::new(&world, Lang::English), &early).await,
        StatusCode::GONE,
    );

    // A challenge that was given out for another page, brought to this one.
    let second = told(&world, "e2").await;
    let (first_page, second_page) =
        (Browser::new(&world, Lang::English), Browser::new(&world, Lang::English));
    let for_first = device.get(&challenge(&begins(&first_page, &token).await));
    let for_second = device.get(&challenge(&begins(&second_page, &second).await));
    denied("another page's challenge", &proves(&second_page, &for_first).await, StatusCode::FORBIDDEN);
    let shown = proves(&first_page, &for_second).await;
    denied("and the reverse", &shown, StatusCode::FORBIDDEN);

    // A challenge has its time.
    let page = begins(&browser, &token).await;
    world.clock.advance_s(301);
    denied("late", &proves(&browser, &device.get(&challenge(&page))).await, StatusCode::GONE);

    let page = begins(&browser, &token).await;
    let shown = proves(&browser, &device.get(&challenge(&page))).await;
    assert!(words(&shown).contains("$4.51"), "nothing was used up: {}", shown.text());
    // A copy of the device, from before it was used.
    device.counter = 0;
    let page = begins(&browser, &second).await;
    denied(
        "a counter that went back",
        &proves(&browser, &device.get(&challenge(&page))).await,
        StatusCode::FORBIDDEN,
    );
}

/// A passkey is proved, and the gate still says no: paused, and taken back.
#[tokio::test]
async fn what_may_not_be_said_any_more_is_not_shown_to_a_passkey_either() {
    let world = World::new().await;
    let (own, token) = noticed(&world, Lang::English).await;
    let mut device = enrolled(&own, "").await;
    let browser = Browser::new(&world, Lang::English);
    let kill =
        Kill { scope: KillScope::All, reason: "drill".into(), since: NOW.parse().expect("an instant") };
    world.gateway.store().submit(vec![Command::SetKill(kill)]).await.expect("kept");
    let proof = device.get(&challenge(&begins(&browser, &token).await));
    let paused = proves(&browser, &proof).await;
    assert_eq!(paused.status, StatusCode::GONE);
    assert!(!words(&paused).contains("4.51"));
    let clear = Command::ClearKill(KillScope::All);
    world.gateway.store().submit(vec![clear]).await.expect("kept");
    let refusals = words(&own.get("/privacy?kind=refused").await);
    assert!(refusals.contains("Messenger was not told"), "the refusal is on record: {refusals}");
    let proof = device.get(&challenge(&begins(&browser, &token).await));
    let shown = proves(&browser, &proof).await;
    assert!(words(&shown).contains("$4.51"), "a pause uses nothing up: {}", shown.text());

    let next = told(&world, "e2").await;
    let page = begins(&browser, &next).await;
    world.says("m9", "stop").await;
    let late = proves(&browser, &device.get(&challenge(&page))).await;
    assert_eq!(late.status, StatusCode::GONE, "taken back between the challenge and its answer");
    assert!(!words(&late).contains("4.51"));
}

/// Issue 3, point 6: a stolen page session without the passkey.
#[tokio::test]
async fn theft_of_a_page_session_without_the_passkey_opens_nothing_and_adds_none() {
    let world = World::new().await;
    let (own, token) = noticed(&world, Lang::English).await;
    let mut device = enrolled(&own, "").await;

    // The session in which a passkey was asked for: it knows the challenge, and opens nothing without its answer.
    let browser = Browser::new(&world, Lang::English);
    let page = begins(&browser, &token).await;
    let thief = Browser::new(&world, Lang::English);
    thief.bring(browser.cookies());
    assert_eq!(thief.get("/m/ready").await.status, StatusCode::GONE);
    assert_eq!(thief.post("/m/show", &[("csrf", "")]).await.status, StatusCode::GONE);
    for own_page in ["/privacy", "/privacy/accounts", HERE] {
        let entrance = thief.get(own_page).await.text();
        assert!(entrance.contains("action=\"/privacy/sign-in\"") && !entrance.contains("csrf"), "{own_page}");
    }
    let guess = Authenticator::new(SITE, ORIGIN).get(&challenge(&page));
    assert_eq!(proves(&thief, &guess).await.status, StatusCode::FORBIDDEN);
    // The guess cost the session, not the page.
    assert_eq!(proves(&browser, &device.get(&challenge(&page))).await.status, StatusCode::GONE);

    // The session of somebody who is signed in: it adds a passkey for ten minutes after the bank's login and not later.
    let csrf = value_of(&own.get(HERE).await.text(), "csrf");
    let begun = own.post("/privacy/passkeys/begin", &[("csrf", &csrf)]).await;
    thief.bring(own.cookies());
    world.clock.advance_s(600);
    let again = thief.post("/privacy/passkeys/begin", &[("csrf", &csrf)]).await;
    assert_eq!(again.location(), HERE);
    assert!(thief.get(HERE).await.text().contains("value=\"passkeys\""), "the bank's login first");
    let made = Authenticator::new(SITE, ORIGIN).create(&challenge(&begun));
    assert_eq!(adds(&thief, &csrf, &made, "").await.status, StatusCode::GONE, "what was begun is over");
    assert_eq!(own.get(HERE).await.text().matches("/privacy/passkeys/remove").count(), 1);
}

/// What a browser may bring for a new passkey, and may not: a challenge is good once, a passkey is kept once.
#[tokio::test]
async fn a_new_passkey_is_taken_once_and_only_if_it_is_one() {
    let world = World::new().await;
    let (own, token) = noticed(&world, Lang::English).await;
    let device = enrolled(&own, "1").await;
    let csrf = value_of(&own.get(HERE).await.text(), "csrf");
    let begin = async || own.post("/privacy/passkeys/begin", &[("csrf", &csrf)]).await;

    let page = begin().await;
    check(&page, Lang::English, "making a passkey");
    assert_eq!(asked(&page, "credentials"), text(&device.id), "not twice on one device");
    let second = Authenticator::new(SITE, ORIGIN).create(&challenge(&page));
    assert_eq!(adds(&own, "forged", &second, "").await.status, StatusCode::GONE);
    assert_eq!(adds(&own, &csrf, &second, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(adds(&own, &csrf, &second, "").await.status, StatusCode::GONE, "the challenge is used up");
    let again = device.create(&challenge(&begin().await));
    assert_eq!(adds(&own, &csrf, &again, "").await.status, StatusCode::GONE, "known already");
    let mut elsewhere = Authenticator::new(SITE, ORIGIN);
    elsewhere.origin = "https://evil.example".into();
    let foreign = elsewhere.create(&challenge(&begin().await));
    let refused = adds(&own, &csrf, &foreign, "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    check(&refused, Lang::English, "no passkey");
    begin().await;
    assert_eq!(adds(&own, &csrf, &Registration::default(), "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(own.get(HERE).await.text().matches("/privacy/passkeys/remove").count(), 2);

    // One whose device keeps no list is named; the other is not.
    let browser = Browser::new(&world, Lang::English);
    assert_eq!(asked(&begins(&browser, &token).await, "credentials"), text(&device.id));
    let foreign = own.post_from("cross-site", "/m/passkey", &[("t", &token)]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "a form of another site");
    // Who is signed in needs neither.
    let shown = own.post("/m/passkey", &[("t", &token)]).await;
    assert!(words(&shown).contains("$4.51"), "{}", shown.text());
}

/// At an address of numbers browsers have no passkeys: nothing is offered, and the bank's login is there.
#[tokio::test]
async fn where_browsers_have_no_passkeys_none_are_offered() {
    let world = World::at("http://127.0.0.1:8080/", "https://bank.example/authorize").await;
    let page = world.get("/m").await.text();
    assert!(page.contains("action=\"/m/open\"") && !page.contains("passkey"), "{page}");
    let own = Browser::new(&world, Lang::English);
    own.link("t1").await;
    signs_in(&own, "passkeys").await;
    let page = own.get(HERE).await;
    check(&page, Lang::English, "no passkeys here");
    assert!(!page.text().contains("/privacy/passkeys/begin"));
    let csrf = value_of(&own.get("/privacy").await.text(), "csrf");
    assert_eq!(own.post("/privacy/passkeys/begin", &[("csrf", &csrf)]).await.location(), HERE);
    assert_eq!(own.post("/m/passkey", &[("t", "x")]).await.status, StatusCode::GONE);
}

/// One small program, by its address and its hash; it may fetch nothing.
#[tokio::test]
async fn its_program_is_one_readable_file_that_fetches_nothing() {
    let world = World::new().await;
    let (_, token) = noticed(&world, Lang::English).await;
    let answer = begins(&Browser::new(&world, Lang::English), &token).await;
    has_one_readable_program(&world, &answer, include_str!("../../assets/passkey.js"), 70).await;
}
