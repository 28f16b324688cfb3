//! The keys of credentials: three kinds of COSE key (RFC 9052 §7, RFC 9053 §7, RFC 8230 §4), and their signatures.

use crate::cbor::Value;
use crate::error::PasskeyError;
use crate::limits::{RSA_BYTES, SIGNATURE_BYTES_MAX};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};

/// The algorithms that are offered to authenticators, the dearest first: ES256, EdDSA, RS256. The last is for devices
/// whose security chip knows nothing else (Windows Hello).
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// The public key of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicKey {
    /// ECDSA on P-256 with SHA-256: the point, uncompressed.
    Es256(Vec<u8>),
    /// Ed25519.
    EdDsa(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 {
        /// The modulus, big-endian.
        n: Vec<u8>,
        /// The exponent, big-endian.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a COSE key: of one of our algorithms, and with exactly its members (§6.5.1.1).
    pub(crate) fn read(value: &Value<'_>) -> Result<Self, PasskeyError> {
        let is = |value: &Value<'_>, number| {
            if value == &Value::Int(number) { Ok(()) } else { Err(PasskeyError::Key) }
        };
        let bytes = |value: &Value<'_>, sizes: std::ops::RangeInclusive<usize>| {
            let bytes = value.bytes()?;
            if sizes.contains(&bytes.len()) { Ok(bytes.to_vec()) } else { Err(PasskeyError::Key) }
        };
        if let Ok([kind, algorithm, curve, x, y]) = value.numbered([1, 3, -1, -2, -3]) {
            is(kind, 2)?;
            is(algorithm, ES256)?;
            is(curve, 1)?;
            return Ok(Self::Es256([vec![4], bytes(x, 32..=32)?, bytes(y, 32..=32)?].concat()));
        }
        let [kind, algorithm, first, second] =
            value.numbered([1, 3, -1, -2]).map_err(|_| PasskeyError::Key)?;
        if algorithm == &Value::Int(EDDSA) {
            is(kind, 1)?;
            is(first, 6)?;
            return Ok(Self::EdDsa(bytes(second, 32..=32)?));
        }
        is(kind, 3)?;
        is(algorithm, RS256)?;
        let (n, e) = (bytes(first, RSA_BYTES)?, bytes(second, 1..=4)?);
        let good = n.first() != Some(&0) && e.first() != Some(&0);
        if good { Ok(Self::Rs256 { n, e }) } else { Err(PasskeyError::Key) }
    }

    /// Its algorithm's number (IANA COSE Algorithms).
    pub(crate) fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::EdDsa(_) => EDDSA,
            Self::Rs256 { .. } => RS256,
        }
    }

    /// Verifies a signature (§6.5.5). A point that is not on its curve verifies nothing.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), PasskeyError> {
        if signature.len() > SIGNATURE_BYTES_MAX {
            return Err(PasskeyError::TooLarge("signature"));
        }
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.map_err(|_| PasskeyError::Signature)
    }
}
