//! The vectors of bounds and of what a text may be made of: where verifiers would differ if each had its own.

use amana_log::merkle::EMPTY_ROOT;
use amana_log::note::Cosigner;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use crate::vectors::{Vector, cosigned, small, vector};
use crate::world::{base64, seed};

/// Adds lines to the bundle's checkpoint.
fn lines(bundle: &mut Value, lines: impl IntoIterator<Item = String>) {
    let note = bundle["checkpoint"].as_str().unwrap();
    let added: String = lines.into_iter().map(|line| line + "\n").collect();
    bundle["checkpoint"] = json!(format!("{note}{added}"));
}

/// A signature line of somebody whom nobody knows.
fn stranger(name: &str) -> String {
    format!("— {name} AAAAAAAAAAA=")
}

/// A policy file with as many names as are asked for: the log, one witness, and groups of groups.
fn names(count: usize) -> String {
    let world = cosigned(2);
    let plain = world.policy("2");
    let (head, _) = plain.split_once("group ").unwrap();
    let before = head.lines().filter(|line| line.starts_with("log ") || line.starts_with("witness ")).count();
    let mut text = head.to_owned();
    let mut member = "w1".to_owned();
    for number in before..count {
        text += &format!("group g{number} 1 {member}\n");
        member = format!("g{number}");
    }
    text + &format!("quorum {member}\n")
}

pub(crate) fn vectors() -> Vec<Vector> {
    let (small, two) = (small(), cosigned(2));
    let plain = |name, expect, about| vector(name, expect, about, &small.bundle(0, None));
    // A witness whose clock says what it should not.
    let late = |time: u64| {
        let name = "witness.example/w1";
        let note = small.bundle(0, None).checkpoint;
        let (text, _) = note.split_once("\n\n").unwrap();
        let key = Ed25519KeyPair::from_seed_unchecked(&seed(name)).unwrap();
        let signed = key.sign(format!("cosignature/v1\ntime {time}\n{text}\n").as_bytes());
        let id = Cosigner::new(name, &seed(name)).unwrap().verifier().id();
        let bytes = [&id.to_be_bytes()[..], &time.to_be_bytes(), signed.as_ref()].concat();
        format!("— {name} {}", base64(&bytes))
    };
    let comment = |bytes: usize| {
        let policy = two.policy("2");
        format!("#{}\n{policy}", "x".repeat(bytes - policy.len() - 2))
    };
    vec![
        plain("signatures-64", "ok", "Sixty-four signature lines.")
            .with(|bundle| lines(bundle, (1..64).map(|n| stranger(&format!("n{n}"))))),
        plain("signatures-65", "signature", "Sixty-five signature lines.")
            .with(|bundle| lines(bundle, (1..65).map(|n| stranger(&format!("n{n}"))))),
        plain("note-too-long", "signature", "The checkpoint is longer than 128 KiB.")
            .with(|bundle| lines(bundle, [stranger(&"n".repeat(128 * 1024))])),
        plain("name-next-line", "signature", "A name with U+0085, a blank and a control character.")
            .with(|bundle| lines(bundle, [stranger("a\u{85}b")])),
        plain("name-delete", "signature", "A name with U+007F, a control character.")
            .with(|bundle| lines(bundle, [stranger("a\u{7f}b")])),
        plain("name-no-break-space", "signature", "A name with U+00A0, a blank.")
            .with(|bundle| lines(bundle, [stranger("a\u{a0}b")])),
        plain("name-zero-width", "ok", "A name with U+FEFF, which is no blank.")
            .with(|bundle| lines(bundle, [stranger("a\u{feff}b")])),
        plain("byte-order-mark", "format", "A byte order mark before the bundle.")
            .with_text(|text| format!("\u{feff}{text}")),
        plain(
            "since-own-empty",
            "consistency",
            "The verifier's own copy is of the empty log, and nothing proves it.",
        )
        .since(0, EMPTY_ROOT),
        vector("policy-too-long", "witness", "A policy file of a byte more.", &two.bundle(0, None))
            .policy(comment(128 * 1024 + 1)),
        vector("policy-256-names", "ok", "A policy file with 256 names.", &two.bundle(0, None))
            .policy(names(256)),
        vector("policy-257-names", "witness", "A policy file with 257 names.", &two.bundle(0, None))
            .policy(names(257)),
        plain("cosigned-late", "ok", "A cosignature of the last second that one can name.")
            .with(|bundle| lines(bundle, [late((1 << 63) - 1)]))
            .policy(two.policy("any")),
        plain("cosigned-too-late", "witness", "A cosignature of a second later.")
            .with(|bundle| lines(bundle, [late(1 << 63)]))
            .policy(two.policy("any")),
    ]
}

/// The longest policy file that is taken; as a file among the vectors it would weigh more than all the others.
#[test]
fn a_policy_file_may_have_128_kib() {
    let world = cosigned(2);
    let policy = world.policy("2");
    let long = format!("#{}\n{policy}", "x".repeat(128 * 1024 - policy.len() - 2));
    assert_eq!(long.len(), 128 * 1024);
    vector("", "ok", "", &world.bundle(0, None)).policy(long).judged().unwrap();
}
