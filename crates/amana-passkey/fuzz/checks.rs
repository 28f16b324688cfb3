//! What must hold of any bytes: run by the fuzz targets beside this file, and by `cargo test` (`tests/it/fuzz.rs`).
#![allow(dead_code, clippy::expect_used, reason = "each target uses one; a check fails by panicking")]

use amana_passkey::{Assertion, Credential, Registration, RelyingParty, limits};
use ring::digest::{SHA256, digest};

const SITE: &str = "gateway.example";
const CHALLENGE: &[u8] = b"a challenge of thirty-two bytes ";
/// The same as a browser writes it.
const CHALLENGE_TEXT: &str = "YSBjaGFsbGVuZ2Ugb2YgdGhpcnR5LXR3byBieXRlcyA";
/// A point of P-256: its generator.
const X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
const Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

fn site() -> RelyingParty {
    RelyingParty::at(&"https://gateway.example/".parse().expect("an address")).expect("a site")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |text: &[u8]| u8::from_str_radix(std::str::from_utf8(text).expect("ascii"), 16).expect("hex");
    hex.as_bytes().chunks(2).map(digit).collect()
}

/// What a browser writes of an act.
pub(crate) fn of_browser(act: &str) -> Vec<u8> {
    format!(
        r#"{{"type":"{act}","challenge":"{CHALLENGE_TEXT}","origin":"https://{SITE}","crossOrigin":false}}"#
    )
    .into_bytes()
}

/// What an authenticator says of a new credential.
pub(crate) fn made() -> Vec<u8> {
    let key =
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], &*bytes(X), &[0x22, 0x58, 32], &*bytes(Y)].concat();
    let hash = digest(&SHA256, SITE.as_bytes());
    [hash.as_ref(), &[0x45, 0, 0, 0, 0], &[0; 16], &[0, 4], b"an-i", &key].concat()
}

/// An attestation object of format `none` around what an authenticator says.
pub(crate) fn object(authenticator_data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(authenticator_data.len()).unwrap_or(u16::MAX);
    // As CTAP 2 writes it: no longer than it must be.
    let head = match length {
        0..24 => vec![0x40 | length.to_be_bytes()[1]],
        24..256 => vec![0x58, length.to_be_bytes()[1]],
        _ => [&[0x59], length.to_be_bytes().as_slice()].concat(),
    };
    [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".as_slice(), &head, authenticator_data].concat()
}

/// A credential that is taken is bounded, and is kept and read again as it is.
fn is_whole(credential: &Credential) {
    assert!(!credential.id.is_empty() && credential.id.len() <= limits::CREDENTIAL_ID_BYTES_MAX);
    let kept = serde_json::to_vec(credential).expect("json");
    assert!(serde_json::from_slice::<Credential>(&kept).expect("as it was kept") == *credential);
}

fn registered(client_data: &[u8], attestation: &[u8]) -> Option<Credential> {
    let answer = Registration { client_data: client_data.to_vec(), attestation: attestation.to_vec() };
    let credential = site().register(CHALLENGE, &answer).ok()?;
    is_whole(&credential);
    Some(credential)
}

/// Any bytes as an attestation object: CBOR with a key in it. What is taken names this site.
pub(crate) fn cbor(bytes: &[u8]) {
    if registered(&of_browser("webauthn.create"), bytes).is_some() {
        let hash = digest(&SHA256, SITE.as_bytes());
        assert!(bytes.windows(32).any(|part| part == hash.as_ref()));
    }
}

/// Any bytes as what an authenticator says, of a new credential and of one that is shown. No signature is made here, so
/// nothing that is shown is believed.
pub(crate) fn authenticator_data(bytes: &[u8]) {
    let taken = registered(&of_browser("webauthn.create"), &object(bytes));
    if let Some(credential) = &taken {
        assert!(bytes.starts_with(digest(&SHA256, SITE.as_bytes()).as_ref()));
        assert!(
            bytes.get(32).is_some_and(|flags| flags & 0x45 == 0x45),
            "present, verified, with a credential"
        );
        assert!(bytes.windows(credential.id.len()).any(|part| part == credential.id));
    }
    let credential =
        registered(&of_browser("webauthn.create"), &object(&made())).expect("the good one is taken");
    let shown = Assertion {
        id: credential.id.clone(),
        client_data: of_browser("webauthn.get"),
        authenticator_data: bytes.to_vec(),
        signature: bytes.to_vec(),
        user_handle: None,
    };
    assert!(site().authenticate(CHALLENGE, b"handle", &credential, &shown).is_err());
}

/// Any bytes as what a browser says: taken is only this challenge, at this origin, for this act.
pub(crate) fn client_data(bytes: &[u8]) {
    if registered(bytes, &object(&made())).is_some() {
        let said: serde_json::Value = serde_json::from_slice(bytes).expect("what is taken is json");
        assert!(said["type"] == "webauthn.create" && said["challenge"] == CHALLENGE_TEXT);
        assert!(said["origin"] == "https://gateway.example" && said["crossOrigin"] != true);
    }
}
