//! The pages behind notices: kept with the notice and its receipt, opened once, gone with the link or their time.

use crate::outbox::disclose;
use crate::world::*;
use amana_core::*;
use amana_gate::SealedPage;
use amana_store::*;

const LIFE_S: i64 = 7 * 86_400;

/// A linked customer with a notice that leads to a page; the receipt's number with it.
async fn noticed(w: &World, n: u8) -> (SealedPage, u64) {
    let customer = match w.store.customer(Shard(u16::from(n)), customer_id(n)).await.expect("answers") {
        Some(customer) => customer,
        None => w.customer(n).await,
    };
    let notice = w.notice(&customer, &consent(n, n, n), n);
    let page = *notice.page.clone().expect("a page");
    let Outcome::Receipt(seq) = w.one(disclose(u16::from(n), notice, 0)).await else { panic!("a receipt") };
    (page, seq)
}

async fn linked(w: &World, n: u8) -> (SealedPage, u64) {
    w.customer(n).await;
    w.one(Command::CreateLink(link(n, n, LinkState::Active))).await;
    noticed(w, n).await
}

pub(crate) async fn a_page_is_kept_with_its_receipt_and_opened_once(w: &World) {
    let (page, seq) = linked(w, 1).await;
    let kept = w.store.sealed_page(&page.hash).await.expect("answers").expect("is there");
    assert_eq!((kept.shard, kept.receipt, kept.opened_at), (Shard(1), seq, None));
    assert_eq!(kept.page, page, "every field comes back");
    assert_eq!(w.chain(1).await.last().map(|r| (r.seq, r.message)), Some((seq, Some(page.message))));
    assert!(w.store.sealed_page(&[0; 32]).await.expect("answers").is_none());

    let open = |second| Command::OpenPage { hash: page.hash, now: at(second) };
    let unknown = Command::OpenPage { hash: [0; 32], now: at(1) };
    assert_eq!(w.refused(vec![unknown]).await, (0, "sealed page"));
    assert_eq!(w.refused(vec![open(LIFE_S)]).await, (0, "sealed page"), "its time is over");
    // Looks that come at once: one wins, and a look whose receipt cannot be recorded opens nothing.
    let nobody = Command::Record {
        shard: Shard(9),
        customer: customer_id(9),
        receipt: draft(amana_gate::ReceiptKind::View),
    };
    assert_eq!(w.refused(vec![open(1), nobody]).await, (1, "customer"));
    let (a, b) = tokio::join!(w.store.submit(vec![open(2)]), w.store.submit(vec![open(2)]));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    assert_eq!(w.refused(vec![open(3)]).await, (0, "sealed page"));
    let kept = w.store.sealed_page(&page.hash).await.expect("answers").expect("that it was opened is known");
    assert_eq!((kept.opened_at, kept.page.sealed.len()), (Some(at(2)), 0), "and what it said is gone");
}

pub(crate) async fn a_page_goes_with_its_link_and_by_its_time(w: &World) {
    let (mine, _) = linked(w, 1).await;
    let (others, _) = linked(w, 2).await;
    let ended = Command::SetLink {
        shard: Shard(1),
        id: LinkId::from_bytes([1; 16]),
        from: LinkState::Active,
        to: LinkState::Ended,
        at: at(5),
    };
    w.one(ended).await;
    assert!(w.store.sealed_page(&mine.hash).await.expect("answers").is_none());
    // A notice that was decided before, and is committed after.
    let customer = w.store.customer(Shard(1), customer_id(1)).await.expect("answers").expect("is there");
    let late = w.notice(&customer, &consent(1, 1, 1), 9);
    let hash = late.page.as_ref().expect("a page").hash;
    w.one(disclose(1, late, 6)).await;
    assert!(w.store.sealed_page(&hash).await.expect("answers").is_none(), "nothing is kept for nobody");

    let report = |report: RetentionReport| {
        let holding =
            report.holdings.into_iter().find(|h| h.kind == DataKind::SealedPage).expect("every kind");
        (holding.rows, holding.oldest, holding.removed_total)
    };
    let told = w.store.retention_report().await.expect("answers");
    assert_eq!(report(told), (1, Some(at(LIFE_S)), 0));
    w.one(Command::Sweep { now: at(LIFE_S - 1), keep: forever() }).await;
    assert!(w.store.sealed_page(&others.hash).await.expect("answers").is_some());
    w.one(Command::Sweep { now: at(LIFE_S), keep: forever() }).await;
    assert!(w.store.sealed_page(&others.hash).await.expect("answers").is_none());
    assert_eq!(report(w.store.retention_report().await.expect("answers")), (0, None, 1));
}
