//! Documents: what is refused, with its place and what to do; what the shipped ones mean.

use crate::support::{NOTICE_ONLY, QUIET_NIGHTS, World, at, bank, default_and, policy};
use amana_core::ids::sha256;
use amana_core::{
    Cluster, Clusters, ConsentState, Form, InstitutionId, Kill, KillScope, Psid, Purpose, PurposeScope,
    Timestamp,
};
use amana_gate::{Denial, Policy as _, StandardPolicy};
use amana_policy::limits::{DOCUMENT_BYTES_MAX, POLICIES_MAX};
use amana_policy::{CedarPolicy, DEFAULT, PolicyError};

fn refused(text: &str) -> PolicyError {
    CedarPolicy::parse(&bank(), text).expect_err("not a policy")
}

#[test]
fn a_fault_has_its_line_and_column_and_says_what_to_do() {
    let PolicyError::Invalid(faults) =
        refused("\n// first\nforbid (principal, action, resource)\nwhen { context.wekday == 7 };")
    else {
        panic!("faults");
    };
    assert_eq!((faults[0].line, faults[0].column), (4, 8), "{faults:?}");
    assert!(faults[0].to_string().contains("line 4, column 8: "), "{}", faults[0]);
    assert!(faults[0].to_string().contains("weekday"), "it proposes the word that is meant: {}", faults[0]);

    let PolicyError::Invalid(faults) = refused("permit (principal, action, resource)\nwhen { true ") else {
        panic!("faults");
    };
    assert_eq!(faults[0].line, 2, "{faults:?}");

    // A column is counted in characters, not bytes.
    let PolicyError::Invalid(faults) =
        refused("/* ميزان */ forbid (principal == Purpose::\"Ads\", action, resource);")
    else {
        panic!("faults");
    };
    assert_eq!(faults[0].line, 1);
    assert!(faults[0].column < 45, "{faults:?}");
}

#[test]
fn several_faults_are_told_at_once() {
    let two = "forbid (principal == Purpose::\"Ads\", action, resource);\nforbid (principal, action, resource == Form::\"all\");";
    let PolicyError::Invalid(faults) = refused(two) else { panic!("faults") };
    assert_eq!(
        faults.iter().map(|f| f.line).collect::<std::collections::BTreeSet<_>>(),
        [1, 2].into(),
        "{faults:?}"
    );
}

#[test]
fn types_are_checked_strictly() {
    for text in [
        "forbid (principal, action, resource) when { context.now == \"noon\" };",
        "forbid (principal, action, resource) when { context.clusters.contains(Purpose::\"BankOffer\") };",
        "forbid (principal, action == Action::\"sell\", resource);",
        "forbid (principal, action, resource) when { context.institution == Institution::\"other-bank\" };",
        "forbid (principal, action, resource) when { context.channel == ChannelKind::\"pigeon\" };",
        "forbid (principal, action, resource) when { principal.owner == 1 };",
    ] {
        let answer = CedarPolicy::parse(&bank(), text);
        assert!(matches!(answer, Err(PolicyError::Invalid(_))), "{text}: {answer:?}");
    }
}

#[test]
fn what_can_never_apply_or_only_looks_right_is_a_fault() {
    for text in [
        "forbid (principal, action, resource) when { principal == Form::\"detail\" };",
        "forbid (principal, action, resource) when { false };",
        // A Cyrillic letter among Latin ones.
        "forbid (principal, action, resource) when { \"d\u{0435}tail\" == \"detail\" };",
    ] {
        let answer = CedarPolicy::parse(&bank(), text);
        assert!(matches!(answer, Err(PolicyError::Invalid(_))), "{text}: {answer:?}");
    }
}

#[test]
fn a_document_is_bounded() {
    let long = format!("{DEFAULT}{}", " ".repeat(DOCUMENT_BYTES_MAX));
    assert_eq!(refused(&long), PolicyError::TooLong(long.len()));
    let many = "forbid (principal, action, resource);\n".repeat(POLICIES_MAX + 1);
    assert_eq!(refused(&many), PolicyError::TooMany(POLICIES_MAX + 1));
    let most = "forbid (principal, action, resource);\n".repeat(POLICIES_MAX);
    assert!(CedarPolicy::parse(&bank(), &most).is_ok());
}

#[test]
fn names_are_unique_and_templates_refused() {
    let twice =
        "@id(\"a\") forbid (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);";
    assert_eq!(refused(twice), PolicyError::SameId("a".into()));
    assert_eq!(refused("@id(\"\") forbid (principal, action, resource);"), PolicyError::BadId);
    assert_eq!(refused("@id(\"a\\nb\") forbid (principal, action, resource);"), PolicyError::BadId);
    // A name that takes the place of one that Cedar gives.
    let shadow =
        "forbid (principal, action, resource);\n@id(\"policy0\") forbid (principal, action, resource);";
    assert!(matches!(refused(shadow), PolicyError::SameId(_)));
    assert!(matches!(
        refused("permit (principal == ?principal, action, resource);"),
        PolicyError::Template(_)
    ));
}

#[test]
fn the_hash_is_that_of_the_exact_text() {
    assert_eq!(policy(DEFAULT).set_sha256(), hex::encode(sha256(&[DEFAULT.as_bytes()])));
    assert_ne!(policy(DEFAULT).set_sha256(), policy(&format!("{DEFAULT}\n")).set_sha256());
    assert_eq!(policy(DEFAULT).document(), DEFAULT);
}

#[test]
fn the_answer_names_the_policies_that_decided() {
    let world = World::good();
    let told = policy(NOTICE_ONLY).explain(&world.request(Purpose::TransactionUpdate, Form::Detail));
    assert_eq!(told.form, Some(Form::Notice));
    let asked: Vec<_> = told.asked.iter().map(|a| (a.form, a.allowed, a.determining.join(","))).collect();
    assert_eq!(
        asked,
        [
            (Form::Detail, false, "card-purchases-notice-only".to_owned()),
            (Form::Summary, false, "card-purchases-notice-only".to_owned()),
            (Form::Notice, true, "as-consented".to_owned()),
        ]
    );
    assert_eq!(
        policy(NOTICE_ONLY).ids(),
        ["as-consented", "balances-summary-at-most", "card-purchases-notice-only"]
    );
}

fn of_purpose(purpose: Purpose, since: Timestamp) -> Kill {
    let scope = KillScope::Purpose(PurposeScope { purpose, institution: Some(bank()), channel: None });
    Kill { scope, reason: "test".into(), since }
}

/// The default policy says exactly what the gate does without one, with each single thing amiss.
#[test]
fn the_default_policy_is_the_standard_policy_in_words() {
    let ours = policy(DEFAULT);
    type Change = (&'static str, fn(&mut World));
    let changes: [Change; 11] = [
        ("nothing", |_| ()),
        ("killed", |w| {
            w.kills.0.push(Kill { scope: KillScope::All, reason: "test".into(), since: w.now });
        }),
        ("killed for the purpose", |w| w.kills.0.push(of_purpose(Purpose::TransactionUpdate, w.now))),
        ("killed for another", |w| w.kills.0.push(of_purpose(Purpose::BalanceUpdate, w.now))),
        ("other chat", |w| w.recipient.psid = Psid::new("666").expect("an id")),
        ("revoked", |w| w.consent.iter_mut().for_each(|c| c.state = ConsentState::Revoked)),
        ("over", |w| w.now = at("2027-01-01T00:00:00Z")),
        ("almost over", |w| w.now = at("2026-12-31T23:59:58Z")),
        ("not begun", |w| w.now = at("2026-10-31T23:59:59Z")),
        ("no consent", |w| w.consent = None),
        ("purpose not chosen", |w| {
            w.consent.iter_mut().for_each(|c| {
                c.grants.remove(&Purpose::TransactionUpdate);
            });
        }),
    ];
    for (name, change) in changes {
        let mut world = World::good();
        change(&mut world);
        for purpose in [Purpose::TransactionUpdate, Purpose::SecurityAlert] {
            let standard = world.decide(purpose, &StandardPolicy);
            assert_eq!(world.decide(purpose, &ours), standard, "{name}, {purpose}");
            // Asked alone, without the gate's own checks before it, it says no to the same things.
            let alone = ours.allows(&world.request(purpose, Form::Detail));
            assert_eq!(alone, standard.ok(), "{name}, {purpose}");
        }
    }
}

/// A policy answers for its own institution only.
#[test]
fn another_institutions_policy_says_no() {
    let world = World::good();
    let other =
        CedarPolicy::parse(&InstitutionId::new("other-bank").expect("an id"), DEFAULT).expect("a policy");
    assert_eq!(other.allows(&world.request(Purpose::TransactionUpdate, Form::Detail)), None);
    assert_eq!(world.decide(Purpose::TransactionUpdate, &other), Err(Denial::Policy));
}

#[test]
fn notice_only_narrows_purchases_and_balances() {
    let (world, ours) = (World::good(), policy(NOTICE_ONLY));
    assert_eq!(world.decide(Purpose::TransactionUpdate, &ours), Ok(Form::Notice));
    let balances = World { clusters: Clusters::of(&[Cluster::Balances]), ..World::good() };
    assert_eq!(balances.decide(Purpose::BalanceOnRequest, &ours), Ok(Form::Summary));
}

#[test]
fn quiet_nights_begin_at_22_and_end_at_7() {
    let ours = policy(QUIET_NIGHTS);
    for (time, form) in [
        ("21:59:59", Form::Detail),
        ("22:00:00", Form::Summary),
        ("23:59:59", Form::Summary),
        ("00:00:00", Form::Summary),
        ("06:59:59", Form::Summary),
        ("07:00:00", Form::Detail),
    ] {
        let world = World { now: at(&format!("2026-11-24T{time}Z")), ..World::good() };
        assert_eq!(world.decide(Purpose::TransactionUpdate, &ours), Ok(form), "{time}");
    }
}

#[test]
fn what_a_policy_can_see_is_what_it_says() {
    for (rule, stops) in [
        ("context.weekday == 2", true),
        ("context.weekday == 3", false),
        ("context.minute_of_day == 600", true),
        ("context.sensitivity == 3", true),
        ("context.clusters.contains(Cluster::\"TRANSACTIONS\")", true),
        ("context.clusters.contains(Cluster::\"BALANCES\")", false),
        ("context.institution == Institution::\"cedar-bank\"", true),
        ("context.channel == ChannelKind::\"messenger\"", true),
        (
            "context.consent.purposes.containsAll([Purpose::\"BankOffer\", Purpose::\"TransactionUpdate\"])",
            true,
        ),
        ("context.consent.purposes.contains(Purpose::\"SecurityAlert\")", false),
        ("context.consent.expires - context.now < 86400 * 30", false),
        ("context.consent.expires - context.now < 86400 * 60", true),
    ] {
        let text = default_and(&format!("forbid (principal, action, resource) when {{ {rule} }};"));
        let answer = World::good().decide(Purpose::TransactionUpdate, &policy(&text));
        assert_eq!(answer, if stops { Err(Denial::Policy) } else { Ok(Form::Detail) }, "{rule}");
    }
}
