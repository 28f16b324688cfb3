//! The two acts with every kind of key, and where there are passkeys at all.

use crate::authenticator::*;
use crate::{CHALLENGE, HANDLE, ORIGIN, SITE, site};
use amana_passkey::RelyingParty;
use ring::digest::{SHA256, digest};

fn each() -> Vec<Authenticator> {
    let rsa = include_str!("../../../amana-bank/tests/it/keys/rsa.pem");
    vec![
        Authenticator::new(SITE, ORIGIN),
        Authenticator::ed25519(SITE, ORIGIN),
        Authenticator::rsa(rsa, SITE, ORIGIN),
    ]
}

/// A credential is made, and proved again and again; the counter is the authenticator's.
#[test]
fn each_kind_of_key_is_made_and_proved() {
    for mut own in each() {
        own.user_handle = Some(HANDLE.to_vec());
        let mut credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
        assert_eq!((credential.id.as_slice(), credential.counter), (own.id.as_slice(), 0));
        assert!(credential.may_be_copied);
        for count in 1..4 {
            let challenge = [count; 32];
            let counter = site().authenticate(&challenge, HANDLE, &credential, &own.get(&challenge));
            assert_eq!(counter, Ok(u32::from(count)));
            credential.counter = counter.expect("a counter");
        }
    }
}

/// An authenticator that does not count, as most of those whose credentials are copied; and one that names nobody.
#[test]
fn one_that_does_not_count_is_taken() {
    let own = Authenticator::new(SITE, ORIGIN);
    let credential = site().register(&CHALLENGE, &own.create(&CHALLENGE)).expect("made");
    for _ in 0..2 {
        let answer = own.get_as(&CHALLENGE, "webauthn.get");
        assert_eq!(site().authenticate(&CHALLENGE, HANDLE, &credential, &answer), Ok(0));
    }
}

/// What authenticators and browsers may add.
#[test]
fn extensions_and_members_that_nobody_knows_are_left_alone() {
    let mut own = Authenticator::new(SITE, ORIGIN);
    own.flags |= EXTENSIONS;
    own.more =
        ",\"other_keys_can_be_added_here\":\"do not compare clientDataJSON against a template\"".into();
    let data = [own.made(&own.cose()), map(&[(text("credProtect"), int(2))])].concat();
    let credential = site().register(&CHALLENGE, &own.create_from(&CHALLENGE, &data)).expect("made");
    own.flags &= !EXTENSIONS;
    assert!(site().authenticate(&CHALLENGE, HANDLE, &credential, &own.get(&CHALLENGE)).is_ok());
}

/// Browsers leave a credential's own attestation in place though none was asked for; it must be good.
#[test]
fn a_credentials_own_attestation_is_verified() {
    for own in each() {
        let (data, mut made) = (own.made(&own.cose()), own.create(&CHALLENGE));
        let signed = [&data, digest(&SHA256, &made.client_data).as_ref()].concat();
        let algorithm = match own.signer {
            Signer::Es256(_) => -7,
            Signer::EdDsa(_) => -8,
            Signer::Rs256(_) => -257,
        };
        let statement =
            |signature: &[u8]| map(&[(text("alg"), int(algorithm)), (text("sig"), bytes(signature))]);
        made.attestation = attestation("packed", &statement(&own.sign(&signed)), &data);
        assert!(site().register(&CHALLENGE, &made).is_ok());
        made.attestation = attestation("packed", &statement(&own.sign(b"something else")), &data);
        assert!(site().register(&CHALLENGE, &made).is_err());
    }
}

/// Where browsers have none, nothing is offered.
#[test]
fn there_are_passkeys_at_names_and_with_https_alone() {
    let at = |url: &str| RelyingParty::at(&url.parse().expect("an address")).map(|site| site.id().to_owned());
    assert_eq!(at("https://bank.example/amana/"), Some("bank.example".to_owned()));
    assert_eq!(at("http://localhost:8080/"), Some("localhost".to_owned()));
    for none in ["http://bank.example/", "https://127.0.0.1/", "http://127.0.0.1:8080/", "https://[::1]/"] {
        assert_eq!(at(none), None, "{none}");
    }
}
