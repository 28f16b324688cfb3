//! What a notice did not say: sealed with it, and opened for its customer alone, while all that allowed it holds.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, RenderContext, Story, UpdateArgs};
use std::collections::BTreeSet;

const PAGE_URL: &str = "https://gateway.example/m";
const SAID: &str = "9,876,543.21";

struct Rig {
    gate: Gate,
    key: DataKey,
    entropy: SeededEntropy,
}

impl Rig {
    fn new() -> Self {
        let entropy = SeededEntropy::new(3);
        Self { gate: Gate::new(DataKey::new([5; 32])), key: DataKey::generate(&entropy), entropy }
    }

    fn disclose(&self, world: &World, open_url: Option<&str>, encoding: Encoding) -> Disclosure {
        let context = RenderContext { open_url: open_url.map(str::to_owned), ..context(world.now) };
        self.gate
            .disclose::<purpose::TransactionUpdate, _>(
                &world.facts(),
                &StandardPolicy,
                &Protected::new(world.subject.clone(), paid(987_654_321)),
                (&world.accounts, world.clusters),
                &world.recipient,
                &UpdateArgs { story: Story::New, account: None },
                &context,
                encoding,
                MessageId::from_bytes([4; 16]),
                &self.key,
                &self.entropy,
            )
            .expect("allowed")
    }

    fn notice(&self) -> (Disclosure, SealedPage) {
        let disclosure = self.disclose(&notices(), Some(PAGE_URL), Encoding::MessengerUpdate);
        let page = *disclosure.page.clone().expect("a page");
        (disclosure, page)
    }

    fn open(&self, page: &SealedPage, world: &World) -> Result<OpenedPage, Box<Refusal>> {
        self.gate.open_page(
            page,
            &world.subject,
            &world.recipient,
            &world.facts(),
            &StandardPolicy,
            &self.key,
        )
    }

    fn denied(&self, page: &SealedPage, world: &World) -> Denial {
        let refusal = self.open(page, world).err().expect("refused");
        assert_eq!(refusal.receipt.kind, ReceiptKind::Denial);
        assert_eq!(refusal.receipt.template.as_deref(), Some(refusal.denial.as_str()));
        refusal.denial
    }
}

/// A world in which the customer allows notices.
fn notices() -> World {
    let mut world = World::good();
    if let Some(consent) = &mut world.consent {
        consent.grants.values_mut().for_each(|grant| grant.form = Form::Notice);
    }
    world
}

#[test]
fn a_notice_leads_to_a_page_that_says_the_rest_to_its_customer() {
    let (rig, world) = (Rig::new(), notices());
    let (disclosure, page) = rig.notice();
    let row = disclosure.row;
    let body = rig.gate.release(row, &world.facts(), &StandardPolicy, &rig.key).expect("leaves").into_body();
    let body = String::from_utf8(body).expect("UTF-8");
    let token = body.split("/m#").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
    assert_eq!(ids::token_hash(token), page.hash, "the link's token is the page's");
    assert!(token.len() == 43 && !body.contains("543"), "256 bits, and nothing of the matter: {body}");
    assert_eq!(
        (page.message, page.link, page.basis.form),
        (MessageId::from_bytes([4; 16]), LinkId::from_bytes([8; 16]), Form::Notice)
    );
    for hidden in [SAID.as_bytes(), b"Blue Bottle"] {
        assert!(!page.sealed.windows(hidden.len()).any(|w| w == hidden));
    }
    let opened = rig.open(&page, &world).expect("opens");
    let hash = hex::encode(opened.shown.sha256());
    assert_eq!(
        (opened.receipt.kind, opened.receipt.form, opened.receipt.channel),
        (ReceiptKind::View, Some(Form::Detail), None),
        "a look, and nothing to the platform"
    );
    assert_eq!(opened.receipt.payload_sha256, Some(hash));
    assert_eq!(opened.receipt.purpose, Some(Purpose::TransactionUpdate));
    assert!(opened.receipt.consent.is_some() && opened.receipt.agreement.is_some());
    let html = opened.shown.into_html().replace(['\u{2066}', '\u{2068}', '\u{2069}'], "");
    assert!(html.contains(SAID) && html.contains("Blue Bottle"), "{html}");
    assert!(html.starts_with("<blockquote class=\"said\" lang=\"en\" dir=\"ltr\">"), "{html}");
}

/// Where the platform may see more there is nothing left to say; an approved text has no room for a link.
#[test]
fn only_a_notice_with_a_link_has_a_page() {
    let rig = Rig::new();
    let update = Encoding::MessengerUpdate;
    assert!(rig.disclose(&World::good(), Some(PAGE_URL), update).page.is_none(), "in detail");
    assert!(rig.disclose(&notices(), None, update).page.is_none(), "no page to lead to");
    assert!(rig.disclose(&notices(), Some(PAGE_URL), Encoding::MessengerUtility).page.is_none());
    assert!(rig.disclose(&notices(), Some(PAGE_URL), Encoding::MessengerReply).page.is_some());
    let (one, other) = (rig.notice().1, rig.notice().1);
    assert_ne!(one.hash, other.hash, "each has its own");
}

#[test]
fn it_opens_for_nobody_else_and_only_while_everything_allows_it() {
    let (rig, page) = (Rig::new(), Rig::new().notice().1);
    let changed = |change: &dyn Fn(&mut World)| {
        let mut world = notices();
        change(&mut world);
        world
    };
    let (one_second, life) = (std::time::Duration::from_secs(1), SEALED_PAGE_LIFE);
    let last = changed(&|w| w.now = now().checked_add(life - one_second).expect("an instant"));
    assert!(rig.open(&page, &last).is_ok(), "until the last second");
    type Change = Box<dyn Fn(&mut World)>;
    let cases: Vec<(Change, Denial)> = vec![
        (Box::new(|w| w.subject.customer = customer(2)), Denial::RecipientNotSubject),
        (Box::new(|w| w.subject.institution = bank("other")), Denial::RecipientNotSubject),
        (Box::new(|w| w.recipient = to(PAGE, "5")), Denial::RecipientNotSubject),
        (Box::new(move |w| w.now = now().checked_add(life).expect("an instant")), Denial::TicketExpired),
        (Box::new(|w| w.consent = None), Denial::NoConsent),
        (
            Box::new(|w| w.consent.as_mut().expect("one").state = ConsentState::Revoked),
            Denial::ConsentRevoked,
        ),
        (Box::new(|w| w.consent.as_mut().expect("one").expires_at = now()), Denial::ConsentExpired),
        (
            Box::new(|w| drop(w.consent.as_mut().expect("one").grants.remove(&Purpose::TransactionUpdate))),
            Denial::PurposeNotConsented,
        ),
        (
            Box::new(|w| {
                let grants = &mut w.consent.as_mut().expect("one").grants;
                grants.values_mut().for_each(|g| g.accounts = BTreeSet::from([account("a2")]));
            }),
            Denial::AccountNotConsented,
        ),
        (
            Box::new(|w| w.agreement.as_mut().expect("one").state = AgreementState::Suspended),
            Denial::AgreementNotInForce,
        ),
        (
            Box::new(|w| {
                w.kills.0.push(Kill {
                    scope: KillScope::Customer(customer(1)),
                    reason: "x".into(),
                    since: now(),
                });
            }),
            Denial::Killed,
        ),
        (
            Box::new(|w| {
                let scope = flow(Purpose::TransactionUpdate, Some(BANK), None);
                w.kills.0.push(Kill { scope, reason: "x".into(), since: now() });
            }),
            Denial::PurposeKilled,
        ),
    ];
    for (change, denial) in cases {
        assert_eq!(rig.denied(&page, &changed(&*change)), denial);
    }
    assert!(rig.open(&page, &notices()).is_ok(), "a refusal uses nothing up");
}

/// A row that somebody changed, another customer's key, and the door for other things open nothing.
#[test]
fn a_changed_row_does_not_open() {
    let (rig, world) = (Rig::new(), notices());
    let page = rig.notice().1;
    let mut rows = vec![
        SealedPage { hash: [0; 32], ..page.clone() },
        SealedPage { message: MessageId::from_bytes([5; 16]), ..page.clone() },
        SealedPage { link: LinkId::from_bytes([9; 16]), ..page.clone() },
        SealedPage {
            expires_at: page.expires_at.checked_add(SEALED_PAGE_LIFE).expect("later"),
            ..page.clone()
        },
        SealedPage { sealed: Vec::new(), ..page.clone() },
    ];
    let mut other = page.clone();
    other.basis.purpose = Purpose::BalanceOnRequest;
    other.basis.clusters = Clusters::of(&[Cluster::Balances]);
    rows.push(other);
    for at in [0, 20, page.sealed.len() - 1] {
        let mut row = page.clone();
        row.sealed[at] ^= 1;
        rows.push(row);
    }
    for row in rows {
        assert_eq!(rig.denied(&row, &world), Denial::Unreadable);
    }
    let stranger = Rig { key: DataKey::new([6; 32]), ..Rig::new() };
    assert_eq!(stranger.denied(&page, &world), Denial::Unreadable);
    let key = rig.key.for_purpose(Purpose::TransactionUpdate);
    assert!(key.open(b"sealed page", &page.sealed).is_err(), "nor by the door for what is no bank data");
}
