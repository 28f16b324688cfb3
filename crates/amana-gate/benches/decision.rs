//! What the decision costs without an institution's policy: `cargo bench -p amana-gate`.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    dead_code
)]

#[path = "../tests/it/support.rs"]
mod support;

use amana_core::*;
use amana_gate::*;
use amana_render::{BalanceArgs, Encoding};
use std::hint::black_box;
use std::time::Instant;
use support::*;

/// Decisions in one reading of the clock.
const BATCH: u32 = 1_000;
/// Readings.
const BATCHES: usize = 500;

/// Nanoseconds for one, at the middle and at the 99th of a hundred batches.
fn measure(mut one: impl FnMut()) -> (u128, u128) {
    for _ in 0..BATCH {
        one();
    }
    let mut times: Vec<u128> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BATCH {
                one();
            }
            start.elapsed().as_nanos() / u128::from(BATCH)
        })
        .collect();
    times.sort_unstable();
    (times[BATCHES / 2], times[BATCHES * 99 / 100])
}

fn main() {
    let decide = |name: &str, world: &World, expected: Result<Form, Denial>| {
        assert_eq!(world.decide(Purpose::TransactionUpdate), expected);
        let (p50, p99) = measure(|| {
            let _ = black_box(black_box(world).decide(black_box(Purpose::TransactionUpdate)));
        });
        println!("{name:<44} p50 {p50:>6} ns   p99 {p99:>6} ns");
    };
    decide("yes: one account", &World::good(), Ok(Form::Detail));
    let mut wide = World::good();
    let accounts: Vec<AccountId> = (0..20).map(|i| account(&format!("account-number-{i}"))).collect();
    let grant = wide.consent.as_mut().unwrap().grants.get_mut(&Purpose::TransactionUpdate).unwrap();
    grant.accounts = accounts.iter().cloned().collect();
    wide.accounts = accounts;
    decide("yes: twenty accounts", &wide, Ok(Form::Detail));
    let mut killed = wide;
    for i in 0..20 {
        let scope = KillScope::Institution(bank(&format!("bank-{i}")));
        killed.kills.0.push(Kill { scope, reason: String::new(), since: now() });
    }
    decide("yes: twenty accounts, twenty switches of others", &killed, Ok(Form::Detail));
    killed.kills.0.push(Kill { scope: KillScope::All, reason: String::new(), since: now() });
    decide("no: killed", &killed, Err(Denial::Killed));
    let mut revoked = World::good();
    revoked.consent.as_mut().unwrap().state = ConsentState::Revoked;
    decide("no: revoked", &revoked, Err(Denial::ConsentRevoked));

    // For comparison: all that a disclosure does (decide, render, encode, seal, sign the row), and a release.
    let gate = Gate::new(DataKey::new([5; 32]));
    let entropy = SeededEntropy::new(3);
    let key = DataKey::generate(&entropy);
    let world = World { clusters: Purpose::BalanceOnRequest.clusters(), ..World::good() };
    let data = Protected::new(
        world.subject.clone(),
        vec![Account {
            id: account("a1"),
            name: "Everyday Checking".into(),
            last_four: Some("1234".into()),
            kind: AccountKind::Checking,
            current: Some(Money::new(123_456, Currency::from_code("USD").expect("a currency"))),
            available: None,
            as_of: Some(now()),
        }],
    );
    let context = context(world.now);
    let disclose = || {
        gate.disclose::<purpose::BalanceOnRequest, _>(
            &world.facts(),
            &StandardPolicy,
            &data,
            (&world.accounts, world.clusters),
            &world.recipient,
            &BalanceArgs::default(),
            &context,
            Encoding::MessengerReply,
            MessageId::from_bytes([4; 16]),
            &key,
            &entropy,
        )
        .expect("allowed")
    };
    let (p50, p99) = measure(|| drop(black_box(disclose())));
    println!("{:<44} p50 {p50:>6} ns   p99 {p99:>6} ns", "disclose: a balance, in words and sealed");
    let row = disclose().row;
    let (p50, p99) = measure(|| {
        drop(black_box(gate.release(row.clone(), &world.facts(), &StandardPolicy, &key).expect("leaves")));
    });
    println!(
        "{:<44} p50 {p50:>6} ns   p99 {p99:>6} ns",
        "release: decided again, opened, egress ticket signed"
    );
}
