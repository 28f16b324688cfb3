//! Bundles of random deployments verify, and each of their characters matters.

use amana_log::bundle::{Bundle, Rule, Trust, verify};
use proptest::prelude::*;
use serde_json::Value;

use crate::world::World;

/// What happens in a deployment.
#[derive(Clone, Debug)]
enum Step {
    Disclose(usize),
    Rule,
    Checkpoint,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize).prop_map(Step::Disclose),
        1 => Just(Step::Rule),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::End),
    ]
}

fn play(steps: &[Step]) -> World {
    let mut world = World::new(4);
    for step in steps {
        match step {
            Step::Disclose(customer) => world.disclose(*customer),
            Step::Rule => world.rule(b"a policy"),
            Step::Checkpoint => drop(world.checkpoint()),
            Step::End => world.end_segment(),
        }
    }
    world.checkpoint();
    world
}

/// Every place in a JSON value that can be changed.
fn leaves(value: &Value, path: &mut Vec<String>, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            path.push(name.clone());
            leaves(value, path, all);
            path.pop();
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(place, value)| {
            path.push(place.to_string());
            leaves(value, path, all);
            path.pop();
        }),
        _ => all.push(format!("/{}", path.join("/"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn honest_bundles_verify(steps in proptest::collection::vec(step(), 0..60), pick: prop::sample::Index) {
        let world = play(&steps);
        let (old, _) = world.checkpoints[pick.index(world.checkpoints.len())];
        for customer in 0..4 {
            let bundle = world.bundle(customer, Some(old)).to_json().unwrap();
            let since = Some((old, world.root(old)).into());
            let trust = Trust { vkey: Some(world.vkey()), since, ..Trust::default() };
            let verified = verify(&bundle, &trust).unwrap();
            prop_assert_eq!(verified.receipts, world.customers[customer].receipts.len() as u64);
            prop_assert_eq!(verified.size, world.writer.size());
            prop_assert!(verified.key_pinned);
            prop_assert_eq!(verified.since, Some(old));
            // Another customer's key opens nothing of it.
            let mut other = Bundle::parse(&bundle).unwrap();
            other.key = world.customers[(customer + 1) % 4].key;
            let refused = verify(&other.to_json().unwrap(), &trust);
            prop_assert!(verified.receipts == 0 || refused.unwrap_err().rule == Rule::Inclusion);
        }
    }

    /// One character or number changed anywhere, and the bundle is refused.
    #[test]
    fn everything_in_a_bundle_matters(
        steps in proptest::collection::vec(step(), 5..40),
        place: prop::sample::Index,
        at: prop::sample::Index,
        with in "[A-Za-z0-9]",
    ) {
        let mut world = play(&steps);
        world.cosign(3);
        let old = world.checkpoints[0].0;
        let trust = Trust { vkey: Some(world.vkey()), policy: Some(world.parsed_policy("all")), ..Trust::default() };
        let text = world.bundle(0, Some(old)).to_json().unwrap();
        prop_assert!(verify(&text, &trust).is_ok());
        let mut bundle: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        leaves(&bundle, &mut Vec::new(), &mut all);
        let path = place.get(&all);
        let value = bundle.pointer_mut(path).unwrap();
        match value {
            Value::String(text) => {
                let mut chars: Vec<char> = text.chars().collect();
                let at = at.index(chars.len());
                let new = with.chars().next().unwrap();
                prop_assume!(chars[at] != new);
                chars[at] = new;
                *text = chars.into_iter().collect();
            }
            Value::Number(number) => *value = Value::from(number.as_u64().unwrap() + 1),
            _ => prop_assume!(false),
        }
        prop_assert!(verify(&bundle.to_string(), &trust).is_err(), "{} was changed", path);
    }

    #[test]
    fn no_text_panics(text in ".{0,200}", depth in 0..5000_usize) {
        let trust = Trust::default();
        prop_assert_eq!(verify(&text, &trust).unwrap_err().rule, Rule::Format);
        prop_assert_eq!(verify(&"[".repeat(depth), &trust).unwrap_err().rule, Rule::Format);
    }
}
