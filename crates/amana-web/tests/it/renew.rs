//! Renewal: from the privacy page, over a page that says what goes on, to the bank and back.

use crate::pages::check;
use crate::support::{Browser, World, value_of};
use amana_core::Lang;
use axum::http::StatusCode;

const DAY: i64 = 86_400;

/// Signed in to the privacy page, sixty-one days after linking for ninety.
pub(crate) async fn near_the_end(world: &World, lang: Lang) -> Browser<'_> {
    let browser = Browser::new(world, lang);
    browser.post("/lang", &[("lang", lang.tag()), ("back", "/")]).await;
    browser.link("t1").await;
    let early = browser.get("/privacy").await.text();
    assert!(!early.contains("/privacy/renew"), "there is nothing to renew yet");
    world.clock.advance_s(61 * DAY);
    sign_in(&browser, lang).await;
    browser
}

async fn sign_in(browser: &Browser<'_>, lang: Lang) {
    let fields = [("institution", "cedar-bank"), ("to", "privacy"), ("lang", lang.tag())];
    browser.post("/privacy/sign-in", &fields).await;
    assert_eq!(browser.get("/link/callback?code=c&state=s").await.location(), "/privacy");
}

#[tokio::test]
async fn a_consent_near_its_end_is_renewed_from_the_privacy_page() {
    for lang in Lang::ALL.iter().copied() {
        let world = World::new().await;
        let browser = near_the_end(&world, lang).await;
        let page = browser.get("/privacy").await;
        check(&page, lang, "privacy, near the end");
        assert!(page.text().contains("/privacy/renew"), "{}", page.text());
        let (csrf, consent) = (value_of(&page.text(), "csrf"), value_of(&page.text(), "consent"));
        let forged = browser.post("/privacy/renew", &[("csrf", "x"), ("consent", &consent)]).await;
        assert_eq!(forged.status, StatusCode::GONE);
        let to = browser.post("/privacy/renew", &[("csrf", &csrf), ("consent", &consent)]).await;
        let path = to.location().strip_prefix("https://gateway.example").expect("a page of ours").to_owned();
        assert!(path.starts_with("/link/renew?t="), "{path}");
        // A look uses nothing up; the page says what goes on.
        for _ in 0..3 {
            let page = browser.get(&path).await;
            check(&page, lang, "renew");
            assert!(page.text().contains(if lang == Lang::Arabic {
                "بنك الأرز"
            } else {
                "Cedar Bank"
            }));
        }
        let page = browser.get(&path).await.text();
        let hidden = ["t", "bank", "notice"].map(|name| (name, value_of(&page, name)));
        let mut fields: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("lang", lang.tag()));
        // What was not read is not recorded.
        let mut unread = fields.clone();
        unread.retain(|(name, _)| *name != "notice");
        assert!(browser.post("/link/renew", &unread).await.location().starts_with("/link/renew?t="));
        let begun = browser.post("/link/renew", &fields).await;
        assert!(begun.location().starts_with("https://bank.example/"), "{}", begun.location());
        let back = browser.get("/link/callback?code=c&state=s").await;
        assert_eq!(back.location(), "/privacy?done=renewed");
        let page = browser.get("/privacy?done=renewed").await;
        check(&page, lang, "privacy, renewed");
        assert!(!page.text().contains("/privacy/renew"), "it is far from its end again");
        // Nobody took anything back.
        let (anew, earlier, back) = match lang {
            Lang::Arabic => ("منحتَ موافقتك من جديد", "انتهت موافقتك السابقة", "تراجعتَ"),
            Lang::English => ("You gave your consent anew", "Your earlier consent ended", "back"),
        };
        let text = page.text();
        let entries =
            text.split("<ol class=\"timeline\">").nth(1).and_then(|rest| rest.split("</section>").next());
        let entries = entries.expect("a timeline");
        assert!(entries.contains(anew) && entries.contains(earlier), "{entries}");
        assert!(!entries.contains(back), "{entries}");
        assert_ne!(value_of(&page.text(), "consent"), consent);
        assert_eq!(browser.get(&path).await.status, StatusCode::GONE, "its address is used up");
    }
}

/// Over: the privacy page offers it among what has ended, for a while.
#[tokio::test]
async fn one_that_is_over_is_renewed_for_a_month() {
    let world = World::new().await;
    let browser = near_the_end(&world, Lang::English).await;
    world.clock.advance_s(30 * DAY);
    world.gateway.settle().await.expect("settled");
    sign_in(&browser, Lang::English).await;
    let page = browser.get("/privacy").await.text();
    assert!(page.contains("/privacy/renew"), "{page}");
    assert!(
        page.contains("Your consent ended by itself: its time was over")
            && page.contains("Ended by itself on")
    );
    assert!(!page.contains("You took your consent back") && !page.contains("Taken back"), "{page}");
    world.clock.advance_s(30 * DAY);
    sign_in(&browser, Lang::English).await;
    assert!(!browser.get("/privacy").await.text().contains("/privacy/renew"));
}

/// In a browser of the platform's: the way out, and nothing of what goes on.
#[tokio::test]
async fn the_platforms_browser_is_shown_the_way_out() {
    let world = World::new().await;
    let request = axum::http::Request::get("/link/renew?t=abc&bank=cedar-bank")
        .header("user-agent", "Mozilla/5.0 [FBAN/MessengerForiOS;FBAV/1.0]")
        .body(axum::body::Body::empty())
        .expect("a request");
    let answer = world.send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.text().contains("/link/renew?t=abc&#38;bank=cedar-bank")
            || answer.text().contains("t=abc&amp;bank")
    );
}
