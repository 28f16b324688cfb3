//! What a decision with a Cedar policy costs: `cargo bench -p amana-policy`. Figures: docs/benchmarks.md.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a program for the terminal"
)]

use amana_core::*;
use amana_gate::{Ask, Facts, Policy, PolicyRequest, StandardPolicy, Subject, decide};
use amana_policy::CedarPolicy;
use hdrhistogram::Histogram;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

const ROUNDS: usize = 20_000;
const DEFAULT: &str = include_str!("../policies/default.cedar");

/// The default policy and `more` forbids: `scoped` ones name their purpose in the scope, as people write them; the
/// others have all in the condition, so that every one must be evaluated.
fn document(more: usize, scoped: bool) -> String {
    let mut text = DEFAULT.to_owned();
    for n in 0..more {
        let purpose = Purpose::ALL[n % Purpose::ALL.len()];
        if scoped {
            writeln!(text, "forbid (principal == Purpose::\"{purpose}\", action, resource) when {{ context.minute_of_day == {} }};", 1500 + n)
        } else {
            writeln!(text, "forbid (principal, action, resource) when {{ principal == Purpose::\"TransactionUpdate\" && context.minute_of_day == {} }};", 1500 + n)
        }
        .expect("written");
    }
    text
}

/// A policy that keeps no answer: what the first decision of its kind costs.
struct Evaluated<'a>(&'a CedarPolicy);

impl Policy for Evaluated<'_> {
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        self.0.anew(request)
    }

    fn set_sha256(&self) -> &str {
        self.0.set_sha256()
    }
}

fn measure(name: &str, mut f: impl FnMut()) {
    let mut times = Histogram::<u64>::new_with_bounds(1, 10_000_000_000, 3).expect("a histogram");
    for _ in 0..ROUNDS / 10 {
        f();
    }
    for _ in 0..ROUNDS {
        let start = Instant::now();
        f();
        times.saturating_record(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    let at = |q| times.value_at_quantile(q) as f64 / 1000.0;
    println!("{name:<58} p50 {:>8.2} µs   p99 {:>8.2} µs", at(0.5), at(0.99));
}

fn main() {
    let bank = InstitutionId::new("cedar-bank").expect("an id");
    let page = ChannelId::new("1001").expect("an id");
    let psid = Psid::new("24601").expect("an id");
    let account = AccountId::new("a1").expect("an id");
    let customer = CustomerId::from_bytes([1; 16]);
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let agreement = Agreement {
        id: AgreementId::from_bytes([9; 16]),
        institution: bank.clone(),
        channel: page.clone(),
        state: AgreementState::Active,
        terms: Purpose::ALL.iter().map(|p| (*p, (p.clusters(), Form::Detail))).collect(),
        version: 1,
        changed_at: at("2026-11-01T00:00:00Z"),
    };
    let grant = |p: Purpose| Grant {
        accounts: BTreeSet::from([account.clone()]),
        clusters: p.clusters(),
        form: Form::Detail,
    };
    let chosen = [Purpose::BalanceOnRequest, Purpose::BalanceUpdate, Purpose::TransactionUpdate];
    let consent = Consent {
        id: ConsentId::from_bytes([7; 16]),
        customer,
        link: LinkId::from_bytes([8; 16]),
        institution: bank.clone(),
        channel: page.clone(),
        psid: psid.clone(),
        grants: chosen.iter().map(|p| (*p, grant(*p))).collect(),
        lang: Lang::English,
        notice_sha256: "00".into(),
        granted_at: at("2026-11-01T00:00:00Z"),
        expires_at: at("2027-10-01T00:00:00Z"),
        state: ConsentState::Active,
        revoked_at: None,
    };
    let kills = KillSwitches::default();
    let facts = Facts {
        agreement: Some(&agreement),
        consent: Some(&consent),
        kills: &kills,
        now: at("2026-11-24T10:00:00Z"),
    };
    let subject = Subject { institution: bank.clone(), customer };
    let recipient = Address { channel: page, psid };
    let accounts = [account.clone()];
    let ask = Ask {
        subject: &subject,
        recipient: &recipient,
        accounts: &accounts,
        clusters: Purpose::TransactionUpdate.clusters(),
    };
    let run = |policy: &dyn Policy| decide(Purpose::TransactionUpdate, &ask, &facts, policy);

    measure("decide, standard policy (no Cedar)", || {
        assert!(run(&StandardPolicy).is_ok());
    });
    for (name, text) in [
        ("decide, the default policy (1)", document(0, true)),
        ("decide, 6 policies, scoped", document(5, true)),
        ("decide, 30 policies, scoped", document(29, true)),
        ("decide, 6 policies, all evaluated", document(5, false)),
        ("decide, 30 policies, all evaluated", document(29, false)),
        (
            "decide, notice only (three forms asked)",
            include_str!("../policies/example-notice-only.cedar").to_owned(),
        ),
        ("decide, quiet nights", include_str!("../policies/example-quiet-nights.cedar").to_owned()),
    ] {
        let policy = CedarPolicy::parse(&bank, &text).expect("a policy");
        measure(name, || {
            assert!(run(&policy).is_ok());
        });
        measure("  the same, evaluated anew", || {
            assert!(run(&Evaluated(&policy)).is_ok());
        });
    }
    // Life: customers who chose differently, and time that goes on by two seconds with each decision.
    let quiet = format!(
        "{}{}",
        document(25, false),
        "forbid (principal, action, resource == Form::\"detail\") when { context.minute_of_day >= 1320 || context.minute_of_day < 420 };"
    );
    for (name, text) in [
        ("30 policies, all evaluated; 64 kinds of consents, time goes on", document(29, false)),
        ("27 policies, all evaluated, hours; the same", quiet),
    ] {
        let policy = CedarPolicy::parse(&bank, &text).expect("a policy");
        let kinds: Vec<Consent> = (0..64_usize)
            .map(|n| {
                let mut consent = consent.clone();
                let others = Purpose::ALL.iter().enumerate().filter(|(at, _)| n >> (at % 6) & 1 == 1);
                consent.grants.extend(others.map(|(_, p)| (*p, grant(*p))));
                consent
            })
            .collect();
        let mut round = 0_usize;
        measure(name, || {
            round += 1;
            let now = facts.now.as_second() + i64::try_from(round * 2).expect("small");
            let now = Timestamp::from_second(now).expect("an instant");
            let facts = Facts { consent: kinds.get(round % kinds.len()), now, ..facts };
            assert!(decide(Purpose::TransactionUpdate, &ask, &facts, &policy).is_ok());
        });
    }
    let text = document(29, true);
    let start = Instant::now();
    let times: u32 = 50;
    for _ in 0..times {
        assert!(CedarPolicy::parse(&bank, &text).is_ok());
    }
    println!("read and validate 30 policies: {:?}", start.elapsed() / times);
}
