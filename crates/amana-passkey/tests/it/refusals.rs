//! Everything that is not taken: one change at a time to what would be.

use crate::authenticator::*;
use crate::{CHALLENGE, HANDLE, ORIGIN, SITE, site};
use amana_passkey::{Assertion, Credential, PasskeyError, Registration};

fn refused(what: &str, wanted: PasskeyError, change: impl Fn(&mut Authenticator)) {
    let mut own = Authenticator::new(SITE, ORIGIN);
    let credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
    change(&mut own);
    let got = site().authenticate(&CHALLENGE, HANDLE, &credential, &own.get(&CHALLENGE));
    assert_eq!(got, Err(wanted), "a proof: {what}");
}

fn both(what: &str, wanted: PasskeyError, change: impl Fn(&mut Authenticator)) {
    refused(what, wanted, &change);
    let mut own = Authenticator::new(SITE, ORIGIN);
    change(&mut own);
    assert_eq!(site().register(&CHALLENGE, &own.create(&CHALLENGE)), Err(wanted), "a credential: {what}");
}

/// What holds for both acts.
#[test]
fn another_place_another_person_another_question() {
    let other_origin = PasskeyError::OtherOrigin;
    for origin in [
        "https://evil.example",
        "http://gateway.example",
        "https://gateway.example:8443",
        "https://gateway.example/",
        "https://sub.gateway.example",
        "null",
        "",
    ] {
        both(origin, other_origin, |own| own.origin = origin.into());
    }
    both("in a frame of another site", other_origin, |own| {
        own.more = ",\"topOrigin\":\"https://evil.example\"".into();
    });
    both("another site's", PasskeyError::OtherSite, |own| own.site = "evil.example".into());
    both("nobody there", PasskeyError::NobodyThere, |own| own.flags &= !PRESENT);
    both("without verifying who", PasskeyError::NotVerified, |own| own.flags &= !VERIFIED);
    both("a copy of what cannot be copied", PasskeyError::Malformed("authenticator data"), |own| {
        own.flags = PRESENT | VERIFIED | COPIED;
    });
    for twice in
        [",\"origin\":\"https://gateway.example\"", ",\"challenge\":\"x\"", ",\"type\":\"webauthn.get\""]
    {
        both(twice, PasskeyError::Malformed("client data"), |own| own.more = twice.into());
    }
    let long = format!(",\"x\":\"{}\"", "x".repeat(5_000));
    both("far too long", PasskeyError::TooLarge("client data"), |own| own.more.clone_from(&long));
}

/// `crossOrigin` alone, from browsers that do not say whose frame.
#[test]
fn in_a_frame_of_another_site() {
    let own = Authenticator::new(SITE, ORIGIN);
    let credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
    let mut answer = own.get_as(&CHALLENGE, "webauthn.get");
    let framed = String::from_utf8(answer.client_data).expect("text").replace("false", "true");
    answer.client_data = framed.into_bytes();
    answer.signature = own.sign(
        &[
            &answer.authenticator_data,
            ring::digest::digest(&ring::digest::SHA256, &answer.client_data).as_ref(),
        ]
        .concat(),
    );
    assert_eq!(site().authenticate(&CHALLENGE, HANDLE, &credential, &answer), Err(PasskeyError::OtherOrigin));
}

/// A proof, and what is wrong with it.
#[test]
fn a_proof_that_is_none() {
    type Change = fn(&mut Assertion, &mut Credential);
    let cases: [(&str, PasskeyError, Change); 12] = [
        ("a tampered signature", PasskeyError::Signature, |a, _| {
            if let Some(last) = a.signature.last_mut() {
                *last ^= 1;
            }
        }),
        ("no signature", PasskeyError::Signature, |a, _| a.signature.clear()),
        ("far too long a signature", PasskeyError::TooLarge("signature"), |a, _| a.signature = vec![0; 600]),
        ("a tampered counter", PasskeyError::Signature, |a, _| a.authenticator_data[36] ^= 0x10),
        ("a byte more", PasskeyError::Malformed("authenticator data"), |a, _| a.authenticator_data.push(0)),
        ("a byte less", PasskeyError::Malformed("authenticator data"), |a, _| {
            a.authenticator_data.pop();
        }),
        ("another credential", PasskeyError::OtherCredential, |a, _| a.id.push(0)),
        ("another person's", PasskeyError::OtherUser, |a, _| a.user_handle = Some(b"somebody".to_vec())),
        ("nobody's", PasskeyError::OtherUser, |a, _| a.user_handle = Some(Vec::new())),
        ("a counter that went back", PasskeyError::Counter, |_, c| c.counter = 5),
        ("a counter that stood still", PasskeyError::Counter, |_, c| c.counter = 1),
        ("one that could be copied and cannot", PasskeyError::OtherCredential, |_, c| {
            c.may_be_copied = false;
        }),
    ];
    for (what, wanted, change) in cases {
        let mut own = Authenticator::new(SITE, ORIGIN);
        let mut credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
        let mut answer = own.get(&CHALLENGE);
        assert_eq!(site().authenticate(&CHALLENGE, HANDLE, &credential, &answer), Ok(1));
        change(&mut answer, &mut credential);
        assert_eq!(site().authenticate(&CHALLENGE, HANDLE, &credential, &answer), Err(wanted), "{what}");
    }
}

/// An answer to what was asked before, to something else, or with another's key.
#[test]
fn an_answer_to_something_else() {
    let mut own = Authenticator::new(SITE, ORIGIN);
    let credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
    let verify = |answer: &Assertion| site().authenticate(&CHALLENGE, HANDLE, &credential, answer);
    assert_eq!(verify(&own.get(&[8; 32])), Err(PasskeyError::OtherChallenge));
    assert_eq!(verify(&own.get(&[])), Err(PasskeyError::OtherChallenge));
    assert_eq!(verify(&own.get_as(&CHALLENGE, "webauthn.create")), Err(PasskeyError::OtherAct));
    assert_eq!(verify(&own.get_as(&CHALLENGE, "payment.get")), Err(PasskeyError::OtherAct));
    let mut made = own.create(&CHALLENGE);
    made.client_data = own.client_data("webauthn.get", &CHALLENGE);
    assert_eq!(site().register(&CHALLENGE, &made), Err(PasskeyError::OtherAct));
    assert_eq!(site().register(&[8; 32], &own.create(&CHALLENGE)), Err(PasskeyError::OtherChallenge));

    let mut other = Authenticator::new(SITE, ORIGIN);
    other.id.clone_from(&own.id);
    assert_eq!(verify(&other.get(&CHALLENGE)), Err(PasskeyError::Signature), "another's key under its id");
}

/// A key that is none of those that were offered, or in another shape.
#[test]
fn a_key_that_is_none() {
    let own = Authenticator::new(SITE, ORIGIN);
    let x = bytes(&[1; 32]);
    let (kind, algorithm, curve) = ((int(1), int(2)), (int(3), int(-7)), (int(-1), int(1)));
    let keys = [
        map(&[
            kind.clone(),
            (int(3), int(-35)),
            (int(-1), int(2)),
            (int(-2), x.clone()),
            (int(-3), x.clone()),
        ]),
        map(&[
            kind.clone(),
            algorithm.clone(),
            (int(-1), int(2)),
            (int(-2), x.clone()),
            (int(-3), x.clone()),
        ]),
        map(&[
            kind.clone(),
            algorithm.clone(),
            curve.clone(),
            (int(-2), bytes(&[1; 31])),
            (int(-3), x.clone()),
        ]),
        // A compressed point.
        map(&[kind.clone(), algorithm.clone(), curve.clone(), (int(-2), x.clone()), (int(-3), vec![0xf5])]),
        // A key in RSA's shape that is too short, and one with zeros before it.
        map(&[
            (int(1), int(3)),
            (int(3), int(-257)),
            (int(-1), bytes(&[1; 128])),
            (int(-2), bytes(&[1, 0, 1])),
        ]),
        map(&[
            (int(1), int(3)),
            (int(3), int(-257)),
            (int(-1), bytes(&[0; 256])),
            (int(-2), bytes(&[1, 0, 1])),
        ]),
        // Members that a credential's key must not have.
        map(&[kind, algorithm, curve, (int(-2), x.clone()), (int(-3), x), (int(4), int(1))]),
        map(&[]),
    ];
    for (at, key) in keys.iter().enumerate() {
        let got = site().register(&CHALLENGE, &own.create_from(&CHALLENGE, &own.made(key)));
        assert!(got.is_err(), "key {at}: {got:?}");
    }
}

/// A new credential that is none, or brings what was not asked for.
#[test]
fn a_credential_that_is_none() {
    let own = Authenticator::new(SITE, ORIGIN);
    let verify = |made: &Registration| site().register(&CHALLENGE, made);
    let proof = own.get_as(&CHALLENGE, "webauthn.get");
    let bare = own.create_from(&CHALLENGE, &proof.authenticator_data);
    assert_eq!(verify(&bare), Err(PasskeyError::NoCredential));
    let mut nameless = Authenticator::new(SITE, ORIGIN);
    nameless.id.clear();
    assert_eq!(verify(&nameless.create(&CHALLENGE)), Err(PasskeyError::NoCredential));
    nameless.id = vec![1; 1_024];
    assert_eq!(verify(&nameless.create(&CHALLENGE)), Err(PasskeyError::TooLarge("credential's id")));
    let data = own.made(&own.cose());
    for (format, statement) in [
        ("fido-u2f", map(&[(text("sig"), bytes(&[1])), (text("x5c"), vec![0x80])])),
        ("none", map(&[(text("sig"), bytes(&[1]))])),
        ("android-safetynet", map(&[])),
        ("packed", map(&[])),
        ("packed", map(&[(text("alg"), int(-7)), (text("sig"), bytes(&[1])), (text("x5c"), vec![0x80])])),
        ("packed", map(&[(text("alg"), int(-8)), (text("sig"), bytes(&[1]))])),
    ] {
        let mut made = own.create(&CHALLENGE);
        made.attestation = attestation(format, &statement, &data);
        assert!(verify(&made).is_err(), "{format}");
    }
    let mut made = own.create(&CHALLENGE);
    made.attestation.push(0);
    assert_eq!(verify(&made), Err(PasskeyError::Malformed("CBOR")));
    made.attestation = vec![0; 9_000];
    assert_eq!(verify(&made), Err(PasskeyError::TooLarge("attestation object")));
}
