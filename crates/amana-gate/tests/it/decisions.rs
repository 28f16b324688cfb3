//! The decision against a table of everything that must make it no, and against a naive model over generated worlds.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use proptest::prelude::*;

type Change = fn(&mut World);

#[test]
fn every_missing_yes_is_a_no() {
    let cases: &[(&str, Change, Denial)] = &[
        ("no agreement", |w| w.agreement = None, Denial::NoAgreement),
        (
            "declined",
            |w| w.agreement.as_mut().unwrap().state = AgreementState::Declined,
            Denial::AgreementNotInForce,
        ),
        (
            "suspended",
            |w| w.agreement.as_mut().unwrap().state = AgreementState::Suspended,
            Denial::AgreementNotInForce,
        ),
        (
            "another bank's agreement",
            |w| w.agreement.as_mut().unwrap().institution = bank("x"),
            Denial::AgreementNotInForce,
        ),
        (
            "purpose not agreed",
            |w| {
                w.agreement.as_mut().unwrap().terms.remove(&Purpose::TransactionUpdate);
            },
            Denial::PurposeNotAgreed,
        ),
        (
            "cluster beyond the purpose",
            |w| w.clusters = w.clusters.with(Cluster::Transfers),
            Denial::ClusterNotAgreed,
        ),
        ("no consent", |w| w.consent = None, Denial::NoConsent),
        ("revoked", |w| w.consent.as_mut().unwrap().state = ConsentState::Revoked, Denial::ConsentRevoked),
        ("expired", |w| w.now = at("2027-01-01T00:00:00Z"), Denial::ConsentExpired),
        ("not begun", |w| w.now = at("2026-10-01T00:00:00Z"), Denial::ConsentExpired),
        (
            "purpose not consented",
            |w| {
                w.consent.as_mut().unwrap().grants.remove(&Purpose::TransactionUpdate);
            },
            Denial::PurposeNotConsented,
        ),
        ("no account named", |w| w.accounts.clear(), Denial::AccountNotConsented),
        ("another account", |w| w.accounts.push(account("a2")), Denial::AccountNotConsented),
        (
            "cluster not consented",
            |w| {
                w.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().clusters =
                    Clusters::default();
            },
            Denial::ClusterNotConsented,
        ),
        ("another person's chat", |w| w.recipient = to(PAGE, "999"), Denial::RecipientNotSubject),
        ("another customer's data", |w| w.subject.customer = customer(2), Denial::RecipientNotSubject),
        (
            "another page",
            |w| {
                w.recipient = to("1002", PSID);
                w.agreement.as_mut().unwrap().channel = ChannelId::new("1002").unwrap();
            },
            Denial::RecipientNotSubject,
        ),
    ];
    assert_eq!(World::good().decide(Purpose::TransactionUpdate), Ok(Form::Detail));
    for (name, change, denial) in cases {
        let mut world = World::good();
        change(&mut world);
        assert_eq!(world.decide(Purpose::TransactionUpdate), Err(*denial), "{name}");
    }
    for scope in [
        KillScope::All,
        KillScope::Institution(bank(BANK)),
        KillScope::Channel(ChannelId::new(PAGE).unwrap()),
        KillScope::Customer(customer(1)),
    ] {
        let mut world = World::good();
        world.kills.0.push(Kill { scope, reason: "drill".into(), since: now() });
        assert_eq!(world.decide(Purpose::TransactionUpdate), Err(Denial::Killed));
    }
    let mut world = World::good();
    let scope = flow(Purpose::TransactionUpdate, None, None);
    world.kills.0.push(Kill { scope, reason: "drill".into(), since: now() });
    assert_eq!(world.decide(Purpose::TransactionUpdate), Err(Denial::PurposeKilled));
    world.kills.0.push(Kill { scope: KillScope::All, reason: "drill".into(), since: now() });
    assert_eq!(world.decide(Purpose::TransactionUpdate), Err(Denial::Killed), "the widest is said");
    let mut world = World::good();
    world.kills.0.push(Kill {
        scope: KillScope::Customer(customer(2)),
        reason: "other".into(),
        since: now(),
    });
    assert_eq!(
        world.decide(Purpose::TransactionUpdate),
        Ok(Form::Detail),
        "another's switch stops nobody else"
    );
}

#[test]
fn the_strictest_form_wins() {
    for (agreed, allowed) in
        [(Form::Notice, Form::Detail), (Form::Summary, Form::Summary), (Form::Detail, Form::Notice)]
    {
        let mut world = World::good();
        world.agreement.as_mut().unwrap().terms.get_mut(&Purpose::TransactionUpdate).unwrap().1 = agreed;
        world.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap().form = allowed;
        assert_eq!(world.decide(Purpose::TransactionUpdate), Ok(agreed.min(allowed)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// A naive model says yes exactly when the decision does: a conjunction written as a list.
    #[test]
    fn agrees_with_a_naive_model(
        has_agreement in prop::bool::weighted(0.9),
        state in prop_oneof![
            3 => Just(AgreementState::Active),
            1 => Just(AgreementState::Declined),
            1 => Just(AgreementState::Suspended),
        ],
        has_consent in prop::bool::weighted(0.9),
        revoked in prop::bool::weighted(0.2),
        day in 0u64..120,
        purpose in prop::sample::select(Purpose::ALL.to_vec()),
        cluster_bits in 0usize..64,
        other_account in prop::bool::weighted(0.2),
        other_psid in prop::bool::weighted(0.2),
        other_customer in prop::bool::weighted(0.2),
        kill in 0u8..16,
        stopped in prop::sample::select(Purpose::ALL.to_vec()),
    ) {
        let mut world = World::good();
        world.now = at("2026-10-20T00:00:00Z").checked_add(std::time::Duration::from_secs(day * 86_400)).unwrap();
        let chosen = Cluster::ALL.iter().enumerate().filter(|(i, _)| cluster_bits & (1 << i) != 0);
        world.clusters = chosen.map(|(_, c)| *c).collect();
        if let Some(a) = world.agreement.as_mut() { a.state = state; }
        if !has_agreement { world.agreement = None; }
        if revoked { world.consent.as_mut().unwrap().state = ConsentState::Revoked; }
        if !has_consent { world.consent = None; }
        if other_account { world.accounts.push(account("a2")); }
        if other_psid { world.recipient = to(PAGE, "999"); }
        if other_customer { world.subject.customer = customer(2); }
        let scope = match kill {
            0 => Some(KillScope::All),
            1 => Some(KillScope::Institution(bank(BANK))),
            2 => Some(KillScope::Channel(ChannelId::new(PAGE).unwrap())),
            3 => Some(KillScope::Customer(customer(2))),
            4 => Some(flow(stopped, None, None)),
            5 => Some(flow(stopped, Some(BANK), Some(PAGE))),
            6 => Some(flow(stopped, Some("palm-bank"), Some(PAGE))),
            _ => None,
        };
        world.kills.0.extend(scope.map(|scope| Kill { scope, reason: String::new(), since: now() }));

        let consented = [Purpose::BalanceOnRequest, Purpose::TransactionUpdate].contains(&purpose);
        let inside = world.now >= at("2026-11-01T00:00:00Z") && world.now < at("2027-01-01T00:00:00Z");
        let expected = [
            has_agreement && state == AgreementState::Active,
            has_consent && !revoked && inside && consented,
            world.clusters.iter().all(|c| purpose.clusters().contains(c)),
            !other_account && !other_psid && !other_customer,
            kill > 5 || (kill == 3 && !other_customer) || (kill > 3 && stopped != purpose),
        ]
        .iter()
        .all(|yes| *yes);
        prop_assert_eq!(world.decide(purpose).is_ok(), expected, "{:?}", world.decide(purpose));
    }
}
