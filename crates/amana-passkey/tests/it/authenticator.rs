//! An authenticator and its browser, in software: real keys, real signatures, and a place to lie at every step.
//!
//! The tests of `amana-web` take this file in, too.

#![allow(dead_code, reason = "each test binary uses its own part")]

use amana_passkey::{Assertion, Registration};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};

/// Flags of the authenticator data.
pub(crate) const PRESENT: u8 = 0x01;
pub(crate) const VERIFIED: u8 = 0x04;
pub(crate) const MAY_BE_COPIED: u8 = 0x08;
pub(crate) const COPIED: u8 = 0x10;
pub(crate) const CREDENTIAL: u8 = 0x40;
pub(crate) const EXTENSIONS: u8 = 0x80;

/// The secret part of a credential.
pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// An authenticator with one credential.
pub(crate) struct Authenticator {
    pub(crate) signer: Signer,
    pub(crate) id: Vec<u8>,
    pub(crate) counter: u32,
    /// What it writes of who was there; the flag of a new credential comes by itself.
    pub(crate) flags: u8,
    /// The site that it believes to be at.
    pub(crate) site: String,
    pub(crate) user_handle: Option<Vec<u8>>,
    /// The browser's part.
    pub(crate) origin: String,
    /// Members that the browser adds to the client data, as they stand there.
    pub(crate) more: String,
}

impl Authenticator {
    pub(crate) fn new(site: &str, origin: &str) -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &rng);
        Self::with(Signer::Es256(pair.expect("a key")), site, origin)
    }

    pub(crate) fn ed25519(site: &str, origin: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::with(Signer::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key")), site, origin)
    }

    /// With a key of RSA, from its PKCS #8 in PEM.
    pub(crate) fn rsa(pem: &str, site: &str, origin: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let pkcs8 = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
        Self::with(Signer::Rs256(RsaKeyPair::from_pkcs8(&pkcs8).expect("a key")), site, origin)
    }

    pub(crate) fn with(signer: Signer, site: &str, origin: &str) -> Self {
        let mut id = vec![0; 32];
        ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut id).expect("randomness");
        Self {
            signer,
            id,
            counter: 0,
            flags: PRESENT | VERIFIED | MAY_BE_COPIED | COPIED,
            site: site.to_owned(),
            user_handle: None,
            origin: origin.to_owned(),
            more: String::new(),
        }
    }

    pub(crate) fn client_data(&self, act: &str, challenge: &[u8]) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        format!(
            "{{\"type\":\"{act}\",\"challenge\":\"{challenge}\",\"origin\":\"{}\",\"crossOrigin\":false{}}}",
            self.origin, self.more
        )
        .into_bytes()
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let site = digest(&SHA256, self.site.as_bytes());
        [site.as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    pub(crate) fn cose(&self) -> Vec<u8> {
        match &self.signer {
            Signer::Es256(pair) => {
                let point = pair.public_key().as_ref();
                map(&[
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), bytes(&point[1..33])),
                    (int(-3), bytes(&point[33..])),
                ])
            }
            Signer::EdDsa(pair) => map(&[
                (int(1), int(1)),
                (int(3), int(-8)),
                (int(-1), int(6)),
                (int(-2), bytes(pair.public_key().as_ref())),
            ]),
            Signer::Rs256(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                map(&[(int(1), int(3)), (int(3), int(-257)), (int(-1), bytes(&n)), (int(-2), bytes(&e))])
            }
        }
    }

    /// The authenticator data of a new credential, with this key in it.
    pub(crate) fn made(&self, cose: &[u8]) -> Vec<u8> {
        let length = u16::try_from(self.id.len()).expect("an id");
        let kind = [7; 16];
        [&self.head(self.flags | CREDENTIAL), kind.as_slice(), &length.to_be_bytes(), &self.id, cose].concat()
    }

    /// `navigator.credentials.create`.
    pub(crate) fn create(&self, challenge: &[u8]) -> Registration {
        self.create_from(challenge, &self.made(&self.cose()))
    }

    /// The same around this authenticator data.
    pub(crate) fn create_from(&self, challenge: &[u8], data: &[u8]) -> Registration {
        Registration {
            client_data: self.client_data("webauthn.create", challenge),
            attestation: attestation("none", &map(&[]), data),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.signer {
            Signer::Es256(pair) => pair.sign(&rng, message).expect("a signature").as_ref().to_vec(),
            Signer::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature).expect("a signature");
                signature
            }
        }
    }

    /// `navigator.credentials.get`; it counts.
    pub(crate) fn get(&mut self, challenge: &[u8]) -> Assertion {
        self.counter += 1;
        self.get_as(challenge, "webauthn.get")
    }

    /// The same for another act, without counting.
    pub(crate) fn get_as(&self, challenge: &[u8], act: &str) -> Assertion {
        let client_data = self.client_data(act, challenge);
        let authenticator_data = self.head(self.flags);
        let signature = self.sign(&[&authenticator_data, digest(&SHA256, &client_data).as_ref()].concat());
        Assertion {
            id: self.id.clone(),
            client_data,
            authenticator_data,
            signature,
            user_handle: self.user_handle.clone(),
        }
    }
}

/// An attestation object.
pub(crate) fn attestation(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    map(&[
        (text("fmt"), text(format)),
        (text("attStmt"), statement.to_vec()),
        (text("authData"), bytes(data)),
    ])
}

fn head(kind: u8, number: u64) -> Vec<u8> {
    let kind = kind << 5;
    let wide = number.to_be_bytes();
    match number {
        0..24 => vec![kind | wide[7]],
        24..0x100 => vec![kind | 24, wide[7]],
        0x100..0x1_0000 => [&[kind | 25], &wide[6..]].concat(),
        _ => [&[kind | 26], &wide[4..]].concat(),
    }
}

pub(crate) fn int(number: i64) -> Vec<u8> {
    let (kind, number) = if number < 0 { (1, -1 - number) } else { (0, number) };
    head(kind, u64::try_from(number).expect("not negative"))
}

pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
    [head(2, bytes.len() as u64), bytes.to_vec()].concat()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

pub(crate) fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let body = entries.iter().flat_map(|(key, value)| key.iter().chain(value).copied());
    head(5, entries.len() as u64).into_iter().chain(body).collect()
}
