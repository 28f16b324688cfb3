//! Receipt, row and page that the store commits together are of one decision.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, RenderContext, Story, UpdateArgs};

type Change = fn(&mut Disclosure);

/// A notice with the page behind it, as the gate makes it.
fn made() -> Disclosure {
    let entropy = SeededEntropy::new(3);
    let (gate, key) = (Gate::new(DataKey::new([5; 32])), DataKey::generate(&entropy));
    let mut world = World::good();
    if let Some(consent) = &mut world.consent {
        consent.grants.values_mut().for_each(|grant| grant.form = Form::Notice);
    }
    let open_url = Some("https://gateway.example/m".to_owned());
    let context = RenderContext { open_url, ..context(world.now) };
    gate.disclose::<purpose::TransactionUpdate, _>(
        &world.facts(),
        &StandardPolicy,
        &Protected::new(world.subject.clone(), paid(4_210)),
        (&world.accounts, world.clusters),
        &world.recipient,
        &UpdateArgs { story: Story::New, account: None },
        &context,
        Encoding::MessengerUpdate,
        MessageId::from_bytes([4; 16]),
        &key,
        &entropy,
    )
    .expect("allowed")
}

fn receipt(disclosure: &mut Disclosure) -> &mut ReceiptDraft {
    disclosure.receipt.as_mut().expect("a receipt")
}

fn page(disclosure: &mut Disclosure) -> &mut SealedPage {
    disclosure.page.as_mut().expect("a page")
}

/// Goal: whatever one of the three says otherwise than the others, it is not one decision.
#[test]
fn a_disclosure_is_of_one_decision_in_every_field() {
    assert!(made().page.is_some() && made().is_consistent());
    let changes: [(&str, Change); 25] = [
        ("kind", |d| receipt(d).kind = ReceiptKind::View),
        ("bytes", |d| receipt(d).payload_sha256 = Some("0".repeat(64))),
        ("no hash", |d| receipt(d).payload_sha256 = Some("x".into())),
        ("no bytes", |d| receipt(d).payload_sha256 = None),
        ("institution", |d| receipt(d).institution = bank("other")),
        ("purpose", |d| receipt(d).purpose = Some(Purpose::BankOffer)),
        ("form", |d| receipt(d).form = Some(Form::Detail)),
        ("kinds of data", |d| receipt(d).clusters = Clusters::default()),
        ("another consent", |d| {
            receipt(d).consent.as_mut().expect("one").0 = ConsentId::from_bytes([9; 16]);
        }),
        ("no consent", |d| receipt(d).consent = None),
        ("channel", |d| receipt(d).channel = Some(ChannelId::new("1002").expect("an id"))),
        ("recipient", |d| receipt(d).recipient = Recipient::Agent("huda".into())),
        ("page of another message", |d| page(d).message = MessageId::from_bytes([5; 16])),
        ("page of another customer", |d| page(d).basis.customer = customer(2)),
        ("page of another institution", |d| page(d).basis.institution = bank("other")),
        ("page for another purpose", |d| page(d).basis.purpose = Purpose::BankOffer),
        ("page about other accounts", |d| page(d).basis.accounts.clear()),
        ("page of other kinds of data", |d| page(d).basis.clusters = Clusters::default()),
        ("page of another form", |d| page(d).basis.form = Form::Detail),
        ("page by another consent", |d| page(d).basis.consent = ConsentId::from_bytes([9; 16])),
        ("no receipt", |d| d.receipt = None),
        ("no basis", |d| d.row.basis = None),
        ("a human's", |d| d.row.agent = Some([0; 32])),
        ("another key", |d| d.row.under = Some((Shard(1), customer(2)))),
        ("about the chat alone", |d| d.row.about = About::Chat),
    ];
    for (what, change) in changes {
        let mut disclosure = made();
        change(&mut disclosure);
        assert!(!disclosure.is_consistent(), "{what}");
    }
    assert!(Disclosure { page: None, ..made() }.is_consistent(), "a page is not needed");
    let plain = |page| {
        let mut made = made();
        made.row.basis = None;
        Disclosure { receipt: None, page, ..made }
    };
    assert!(plain(None).is_consistent());
    assert!(!plain(made().page).is_consistent(), "a page is of bank data");
}
