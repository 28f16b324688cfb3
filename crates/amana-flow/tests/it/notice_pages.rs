//! The page behind a notice, from the chat to the look: who it is comes first, and one look is all there is.
#![allow(clippy::needless_pass_by_value, reason = "a page is read once")]

use crate::support::*;
use amana_core::*;
use amana_flow::{LinkError, Next, NoticePage, Opening, OwnPage};
use amana_gate::ReceiptKind;
use amana_store::Command;

const FOR: &[Purpose] = &[Purpose::BalanceOnRequest, Purpose::TransactionUpdate];

impl Rig {
    /// The token behind `#` in the last message.
    fn notice_token(&self) -> String {
        let body = self.channel.last.lock().expect("lock").clone();
        let rest = body.split("https://gateway.example/m#").nth(1).expect("a link to the page");
        rest.split('"').next().expect("a token").to_owned()
    }

    /// A linked customer with a notice of a purchase; their cookie of the privacy page, and the notice's token.
    async fn noticed(&self) -> (String, String) {
        let cookie = self.link_for("1", FOR, Form::Notice).await;
        (cookie, self.purchase("t1").await)
    }

    async fn purchase(&self, id: &str) -> String {
        self.pushes(self.transaction(BankEventKind::TransactionAuthorised, id, None, 451)).await;
        assert_eq!(self.sees("1").len(), 1);
        self.notice_token()
    }

    async fn open(&self, token: &str, cookie: Option<&str>) -> Result<NoticePage, LinkError> {
        match self.gateway.notice_open(token, cookie, Lang::English).await? {
            Opening::Shown(page) => Ok(*page),
            Opening::SignIn(_) => panic!("signed in already"),
        }
    }

    /// Begins to open without a session: the cookie with which the browser is back from the bank.
    async fn signed_in_for(&self, token: &str) -> String {
        let opening = self.gateway.notice_open(token, None, Lang::English).await.expect("begun");
        let Opening::SignIn(begun) = opening else { panic!("nobody is signed in") };
        let next = self.gateway.link_callback(&begun.cookie, &self.callback()).await.expect("back");
        let Next::SignedIn { cookie, page: OwnPage::Notice } = next else { panic!("{next:?}") };
        cookie
    }
}

fn words(page: NoticePage) -> String {
    plain(&page.said.into_html())
}

fn over(outcome: Result<NoticePage, LinkError>) -> bool {
    matches!(outcome, Err(LinkError::PageOver))
}

#[tokio::test]
async fn the_banks_login_comes_first_and_the_look_is_a_receipt_and_the_only_one() {
    let rig = Rig::new().await;
    let (own, token) = rig.noticed().await;
    // Whoever begins, and as often as they like: nothing is used up before somebody has signed in.
    for _ in 0..3 {
        assert!(matches!(
            rig.gateway.notice_open(&token, Some("nobody"), Lang::Arabic).await,
            Ok(Opening::SignIn(_))
        ));
    }
    let cookie = rig.signed_in_for(&token).await;
    let ready = rig.gateway.notice_ready(&cookie).await.expect("back from the bank");
    let again = rig.gateway.notice_ready(&cookie).await.expect("looking at the page before uses nothing up");
    assert_eq!(ready.csrf, again.csrf);
    assert!(matches!(rig.gateway.notice_show(&cookie, "forged").await, Err(LinkError::Over)));
    let page = rig.gateway.notice_show(&cookie, &ready.csrf).await.expect("the page");
    let (look, notice) = (page.receipt, page.notice_receipt);
    let hash = hex::encode(page.said.sha256());
    let said = words(page);
    assert!(said.contains("$4.51") && said.contains("Blue Bottle"), "{said}");

    let timeline = rig.gateway.privacy_view(&cookie, None).await.expect("the page").timeline;
    assert_eq!((timeline[0].seq, timeline[0].kind), (look, ReceiptKind::View));
    assert_eq!(timeline[0].note.as_deref(), Some("sealed-page"));
    assert_eq!(timeline[0].purpose, Some(Purpose::TransactionUpdate));
    assert_eq!((timeline[1].seq, timeline[1].kind), (notice, ReceiptKind::Disclosure));
    assert_eq!(timeline[1].form, Some(Form::Notice));
    let customer = rig.store.links_of_conversation(&conversation("1")).await.expect("answers")[0].clone();
    let receipts = rig.store.receipts(customer.shard, customer.customer, look, 1).await.expect("answers");
    let receipt: serde_json::Value = serde_json::from_slice(&receipts[0].bytes).expect("JSON");
    assert_eq!(receipt["payload_sha256"], hash, "it says which page was shown");
    assert!(receipt["channel"].is_null() && receipt["consent"].is_object(), "{receipt}");

    // A second look, by whatever door.
    assert!(over(rig.gateway.notice_show(&cookie, &ready.csrf).await));
    assert!(over(rig.open(&token, Some(&own)).await));
    assert!(matches!(rig.gateway.notice_open(&token, None, Lang::English).await, Err(LinkError::PageOver)));
    assert!(over(rig.open("not a token", Some(&own)).await));
    // Who is signed in already needs no second login.
    let next = rig.purchase("t2").await;
    assert!(words(rig.open(&next, Some(&own)).await.expect("the page")).contains("$4.51"));
}

#[tokio::test]
async fn an_answer_that_the_chat_may_not_show_waits_on_its_page() {
    let rig = Rig::new().await;
    let own = rig.link_for("1", FOR, Form::Notice).await;
    rig.says("1", "what's my balance?").await;
    assert!(!rig.sees("1").concat().contains("1,234"));
    let page = rig.open(&rig.notice_token(), Some(&own)).await.expect("the page");
    assert_eq!(page.institution, "Cedar Bank");
    assert!(words(page).contains("1,234.56"));
}

/// Somebody else with a good login at the same bank: nothing is shown, nothing used up, nothing on the owner's record.
#[tokio::test]
async fn another_customers_token_opens_nothing() {
    let rig = Rig::new().await;
    let (own, token) = rig.noticed().await;
    *rig.bank.subject.lock().expect("lock") = Some("customer-2".into());
    let other = rig.link_for("2", FOR, Form::Notice).await;
    let before = rig.gateway.privacy_view(&own, None).await.expect("the page").timeline.len();
    assert!(matches!(rig.open(&token, Some(&other)).await, Err(LinkError::PageOfAnother)));
    let signed_in = rig.signed_in_for(&token).await;
    let ready = rig.gateway.notice_ready(&signed_in).await.expect("signed in, as somebody");
    let shown = rig.gateway.notice_show(&signed_in, &ready.csrf).await;
    assert!(matches!(shown, Err(LinkError::PageOfAnother)));
    assert_eq!(rig.gateway.privacy_view(&own, None).await.expect("the page").timeline.len(), before);
    assert!(words(rig.open(&token, Some(&own)).await.expect("the owner's")).contains("$4.51"));
}

#[tokio::test]
async fn every_step_has_its_time() {
    let rig = Rig::new().await;
    let (_, token) = rig.noticed().await;
    // Begun and left lying.
    let opening = rig.gateway.notice_open(&token, None, Lang::English).await.expect("begun");
    let Opening::SignIn(begun) = opening else { panic!("nobody is signed in") };
    rig.clock.advance_s(301);
    assert!(matches!(rig.gateway.link_callback(&begun.cookie, &rig.callback()).await, Err(LinkError::Over)));
    // Signed in and left lying: the session goes on, the page does not open by it.
    let cookie = rig.signed_in_for(&token).await;
    let ready = rig.gateway.notice_ready(&cookie).await.expect("in time");
    rig.clock.advance_s(301);
    assert!(matches!(rig.gateway.notice_ready(&cookie).await, Err(LinkError::Over)));
    assert!(matches!(rig.gateway.notice_show(&cookie, &ready.csrf).await, Err(LinkError::Over)));
    assert!(rig.gateway.privacy_view(&cookie, None).await.is_ok());
    // The page itself: seven days after it was decided.
    rig.clock.advance_s(7 * 86_400 - 602 - 1);
    rig.signed_in_for(&token).await;
    rig.clock.advance_s(1);
    assert!(matches!(rig.gateway.notice_open(&token, None, Lang::English).await, Err(LinkError::PageOver)));
}

/// The page is decided anew: a pause says no and uses nothing up, an end of the consent ends it.
#[tokio::test]
async fn what_may_not_be_said_any_more_is_not_shown() {
    let rig = Rig::new().await;
    let (own, token) = rig.noticed().await;
    let kill = Kill { scope: KillScope::All, reason: "drill".into(), since: rig.clock.now() };
    rig.store.submit(vec![Command::SetKill(kill)]).await.expect("kept");
    assert!(over(rig.open(&token, Some(&own)).await));
    let timeline = rig.gateway.privacy_view(&own, None).await.expect("the page").timeline;
    assert_eq!((timeline[0].kind, timeline[0].note.as_deref()), (ReceiptKind::Denial, Some("killed")));
    rig.store.submit(vec![Command::ClearKill(KillScope::All)]).await.expect("kept");
    assert!(rig.open(&token, Some(&own)).await.is_ok());

    let next = rig.purchase("t2").await;
    rig.says("1", "stop").await;
    assert!(over(rig.open(&next, Some(&own)).await));
    let hash = amana_core::ids::token_hash(&next);
    assert!(rig.store.sealed_page(&hash).await.expect("answers").is_none(), "nothing of it is kept");
}

/// What is said in detail needs no page.
#[tokio::test]
async fn there_is_a_page_behind_notices_alone() {
    let rig = Rig::new().await;
    rig.link("1").await;
    rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, "t1", None, 451)).await;
    assert_eq!(rig.sees("1").len(), 1);
    assert!(!rig.channel.last.lock().expect("lock").contains("/m#"));
}
