//! The privacy page's timeline: what it counts, what it narrows, and which chat each message went to.

use crate::support::Rig;

use amana_core::{BankEventKind, Purpose};
use amana_flow::{Looked, PurposeTotal, TimelineFilter};

/// Goal: a filter pages like the whole does, and the totals are those of the period, not of the page.
#[tokio::test]
async fn a_narrowed_timeline_pages_and_the_totals_count_all_of_it() {
    let rig = Rig::new().await;
    let cookie = rig.link("1").await;
    for i in 0..60 {
        rig.pushes(rig.transaction(BankEventKind::TransactionAuthorised, &format!("t{i}"), None, 450)).await;
    }
    rig.says("1", "what's my balance?").await;
    let filter = TimelineFilter {
        purpose: Some(Purpose::TransactionUpdate),
        kind: Some(Looked::Told),
        ..TimelineFilter::default()
    };
    let first = rig.gateway.privacy_part(&cookie, &filter).await.expect("the page");
    let next = TimelineFilter { before: first.older, ..filter };
    let second = rig.gateway.privacy_part(&cookie, &next).await.expect("the next page");
    assert_eq!((first.timeline.len(), second.timeline.len(), second.older), (50, 10, None));
    let both = || first.timeline.iter().chain(&second.timeline);
    assert!(both().all(|e| e.purpose == Some(Purpose::TransactionUpdate)));
    let told = |purpose, told| PurposeTotal { purpose, told, unknown: 0, refused: 0, open: 0 };
    let expected = [told(Purpose::BalanceOnRequest, 1), told(Purpose::TransactionUpdate, 60)];
    assert_eq!((&first.totals.purposes[..], first.totals.counted_from), (&expected[..], None));
    assert_eq!(first.totals, second.totals);

    let since = Some(rig.gateway.clock().now());
    rig.clock.advance_s(60);
    let later = TimelineFilter { since: Some(rig.gateway.clock().now()), ..TimelineFilter::default() };
    let view = rig.gateway.privacy_part(&cookie, &later).await.expect("the page");
    assert!(view.timeline.is_empty() && view.totals.purposes.is_empty());
    let view = rig.gateway.privacy_part(&cookie, &TimelineFilter { since, ..later }).await.expect("the page");
    assert_eq!(view.totals.purposes, expected);
}

/// Goal: with two chats each message says which one it went to, also after that link has ended.
#[tokio::test]
async fn each_message_names_its_chat() {
    let rig = Rig::new().await;
    rig.link("1").await;
    let linked = rig.gateway.clock().now();
    rig.says("1", "what's my balance?").await;
    rig.clock.advance_s(60);
    let cookie = rig.link("2").await;
    rig.says("2", "what's my balance?").await;
    rig.says("1", "stop").await;
    let view = rig.gateway.privacy_view(&cookie, None).await.expect("the page");
    let chats: Vec<_> = view.timeline.iter().filter_map(|e| e.chat.as_ref()).collect();
    assert_eq!((view.chats, chats.len()), (2, 2));
    assert!(chats[0].linked_at > linked && chats[0].ended_at.is_none(), "{chats:?}");
    assert!(chats[1].linked_at <= linked && chats[1].ended_at.is_some(), "{chats:?}");
}
