//! Keys for data at rest: AES-256-GCM with a random nonce in front.
//!
//! AES-GCM does not commit to its key: a ciphertext can be made that opens under two. Where that would matter, at keys
//! that are wrapped under others, a tag in front names the key.

use amana_core::{Entropy, Purpose};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// A ciphertext that does not open: another key, another context, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes do not open under their key: another master key, or a damaged row")]
pub struct KeyError;

/// What kind of bytes a ciphertext holds: part of what is authenticated, so that the public [`DataKey::open`] is no way
/// around the gate even for the holder of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Domain {
    /// Anything that is not bank data.
    Open,
    /// A protected value at rest.
    Protected,
    /// The bytes of an outgoing message.
    Payload,
    /// Another key.
    Key,
    /// The key under which all others are.
    Root,
    /// What a notice did not say, for the page behind it.
    Page,
    /// What readings of an account found.
    Seen,
}

/// What stands before whatever [`DataKey::mac_in_gate`] authenticates. What [`DataKey::mac`] does begins with a part's
/// length, and no part is as long as this would say: so no public call makes or checks a MAC of the gate's.
const IN_GATE: [u8; 8] = [0xff; 8];

/// The length of the tag that commits a wrapped key to the key above it, in bytes.
const COMMIT_LEN: usize = 32;

impl Domain {
    fn of(self, context: &[u8]) -> Vec<u8> {
        [&[self as u8], context].concat()
    }
}

/// A 256-bit key, of a customer or of the deployment. It does not print, and is wiped when dropped.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new random key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(entropy.array())
    }

    fn aead(&self) -> Result<LessSafeKey, KeyError> {
        UnboundKey::new(&AES_256_GCM, self.0.as_ref()).map(LessSafeKey::new).map_err(|_| KeyError)
    }

    /// Encrypts: nonce ‖ ciphertext ‖ tag. `context` says what the bytes are and whose, and must be given again to open
    /// them, so that a row cannot be moved to another place.
    ///
    /// # Errors
    /// Never in practice: only when the cipher refuses the length.
    pub fn seal(&self, context: &[u8], plain: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, KeyError> {
        self.seal_as(Domain::Open, context, plain, entropy)
    }

    pub(crate) fn seal_as(
        &self,
        domain: Domain,
        context: &[u8],
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyError> {
        let context = domain.of(context);
        let nonce: [u8; NONCE_LEN] = entropy.array();
        let mut out = Vec::with_capacity(NONCE_LEN + plain.len() + 16);
        out.extend_from_slice(plain);
        self.aead()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&context), &mut out)
            .map_err(|_| KeyError)?;
        out.splice(0..0, nonce);
        Ok(out)
    }

    /// Decrypts what [`DataKey::seal`] made for the same context. What [`crate::Protected::seal`] or the outbox made
    /// does not open here, whatever the context.
    ///
    /// # Errors
    /// When key, context or bytes are not those.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.open_as(Domain::Open, context, sealed)
    }

    pub(crate) fn open_as(&self, domain: Domain, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let context = domain.of(context);
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(KeyError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyError)?;
        let mut rest = rest.to_vec();
        let plain =
            self.aead()?.open_in_place(nonce, Aad::from(&context), &mut rest).map_err(|_| KeyError)?.len();
        rest.truncate(plain);
        Ok(rest)
    }

    /// This key, encrypted under another (envelope encryption), with a tag in front that only that other key makes.
    ///
    /// # Errors
    /// As [`DataKey::seal`].
    pub fn wrap(&self, under: &Self, context: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, KeyError> {
        under.committed(Domain::Key, context, &self.0, entropy)
    }

    /// The key that [`DataKey::wrap`] encrypted.
    ///
    /// # Errors
    /// As [`DataKey::open`], when the tag is not this key's, or when what opens is not 32 bytes.
    pub fn unwrap_key(under: &Self, context: &[u8], wrapped: &[u8]) -> Result<Self, KeyError> {
        under.open_committed(Domain::Key, context, wrapped).map(Self)
    }

    /// A root key's bytes, encrypted under this master key. What is wrapped so opens as nothing else.
    ///
    /// # Errors
    /// As [`DataKey::seal`].
    pub fn wrap_root(
        &self,
        context: &[u8],
        root: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyError> {
        self.committed(Domain::Root, context, root, entropy)
    }

    /// The root key's bytes that [`DataKey::wrap_root`] encrypted.
    ///
    /// # Errors
    /// As [`DataKey::unwrap_key`].
    pub fn unwrap_root(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        self.open_committed(Domain::Root, context, wrapped)
    }

    fn committed(
        &self,
        domain: Domain,
        context: &[u8],
        key: &[u8; 32],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyError> {
        let mut out = self.mac(&commit_parts(domain, context)).to_vec();
        out.extend(self.seal_as(domain, context, key, entropy)?);
        Ok(out)
    }

    fn open_committed(
        &self,
        domain: Domain,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let (tag, sealed) = wrapped.split_at_checked(COMMIT_LEN).ok_or(KeyError)?;
        let tag: &[u8; COMMIT_LEN] = tag.try_into().map_err(|_| KeyError)?;
        if !self.verify_mac(&commit_parts(domain, context), tag) {
            return Err(KeyError);
        }
        let plain = Zeroizing::new(self.open_as(domain, context, sealed)?);
        <[u8; 32]>::try_from(plain.as_slice()).map(Zeroizing::new).map_err(|_| KeyError)
    }

    /// The customer's key for the data of one purpose: what is sealed for another does not open under it.
    #[must_use]
    pub fn for_purpose(&self, purpose: Purpose) -> Self {
        Self::new(self.mac(&[b"amana/purpose/v1", purpose.as_str().as_bytes()]))
    }

    /// HMAC-SHA256 under this key: for fingerprints and lookups that only the holder of the key can make.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac_after(&[], parts)
    }

    /// The same for the gate alone: of bank data, which nobody else may try guesses against, the holder of the key
    /// included.
    pub(crate) fn mac_in_gate(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac_after(&IN_GATE, parts)
    }

    fn mac_after(&self, before: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.0.as_ref());
        let mut context = ring::hmac::Context::with_key(&key);
        context.update(before);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// Whether `tag` is the [`DataKey::mac`] of these parts, in constant time.
    #[must_use]
    pub fn verify_mac(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        let message: Vec<u8> = parts
            .iter()
            .flat_map(|p| (p.len() as u64).to_be_bytes().into_iter().chain(p.iter().copied()))
            .collect();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.0.as_ref());
        ring::hmac::verify(&key, &message, tag).is_ok()
    }

    /// A key for one use, derived from this one.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        Self::new(self.mac(&[b"amana/derive/v1", label.as_bytes()]))
    }
}

fn commit_parts(domain: Domain, context: &[u8]) -> [&[u8]; 3] {
    let domain: &[u8] = match domain {
        Domain::Root => b"root",
        _ => b"key",
    };
    [b"amana/commit/v1", domain, context]
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::SeededEntropy;

    #[test]
    fn bytes_open_only_under_their_key_and_context() {
        let entropy = SeededEntropy::new(7);
        let (a, b) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
        let sealed = a.seal(b"row 1", b"42.10", &entropy).expect("seals");
        assert_eq!(a.open(b"row 1", &sealed).as_deref(), Ok(b"42.10".as_slice()));
        assert_eq!(a.open(b"row 2", &sealed), Err(KeyError));
        assert_eq!(b.open(b"row 1", &sealed), Err(KeyError));
        assert_eq!(a.open(b"row 1", &sealed[..20]), Err(KeyError));
        assert_eq!(a.open(b"row 1", b""), Err(KeyError));
        let wrapped = a.wrap(&b, b"customer", &entropy).expect("wraps");
        let again = DataKey::unwrap_key(&b, b"customer", &wrapped).expect("unwraps");
        assert_eq!(again.mac(&[b"x"]), a.mac(&[b"x"]));
        assert_eq!(b.open(b"customer", &wrapped), Err(KeyError), "a wrapped key is not read, only unwrapped");
        assert!(
            a.verify_mac(&[b"ab", b"c"], &a.mac(&[b"ab", b"c"])) && !b.verify_mac(&[b"x"], &a.mac(&[b"x"]))
        );
        assert_ne!(a.mac(&[b"ab", b"c"]), a.mac(&[b"a", b"bc"]), "parts are delimited");
    }

    /// Abuse case 6: security data does not become an advertisement.
    #[test]
    fn abuse_06_what_is_sealed_for_one_purpose_opens_for_no_other() {
        let entropy = SeededEntropy::new(9);
        let customer = DataKey::generate(&entropy);
        for sealed_for in Purpose::ALL {
            let sealed = customer.for_purpose(*sealed_for).seal(b"row", b"42.10", &entropy).expect("seals");
            assert_eq!(customer.open(b"row", &sealed), Err(KeyError), "nor under the customer's key itself");
            for purpose in Purpose::ALL {
                let opened = customer.for_purpose(*purpose).open(b"row", &sealed);
                assert_eq!(opened.is_ok(), purpose == sealed_for, "{sealed_for} opened for {purpose}");
            }
        }
    }

    /// Goal: whoever holds a key cannot make the gate's MACs with it, however the parts are cut.
    #[test]
    fn a_mac_of_the_gates_is_no_mac_of_anybody_elses() {
        let key = DataKey::generate(&SeededEntropy::new(8));
        let inside = key.mac_in_gate(&[b"told", b"42.10"]);
        assert_eq!(inside, key.mac_in_gate(&[b"told", b"42.10"]));
        let in_gate: &[u8] = &IN_GATE;
        let framed = [&4_u64.to_be_bytes(), b"told".as_slice(), &5_u64.to_be_bytes(), b"42.10"].concat();
        let attempts: [&[&[u8]]; 6] = [
            &[b"told", b"42.10"],
            &[in_gate, b"told", b"42.10"],
            &[in_gate, &framed],
            &[&[in_gate, &framed].concat()],
            &[&framed],
            &[],
        ];
        for parts in attempts {
            assert_ne!(key.mac(parts), inside, "{parts:?}");
            assert!(!key.verify_mac(parts, &inside), "{parts:?}");
        }
        for derived in [key.derive("told"), key.for_purpose(Purpose::TransactionUpdate)] {
            assert_ne!(derived.mac(&[b"told", b"42.10"]), inside);
        }
    }

    #[test]
    fn a_wrapped_key_names_the_key_above_it() {
        let entropy = SeededEntropy::new(10);
        let (key, above, other) =
            (DataKey::generate(&entropy), DataKey::generate(&entropy), DataKey::generate(&entropy));
        let wrapped = key.wrap(&above, b"c", &entropy).expect("wraps");
        // The ciphertext is good, and the tag is another key's: as if the ciphertext opened under both.
        let mut forged = key.wrap(&other, b"c", &entropy).expect("wraps");
        forged.truncate(COMMIT_LEN);
        forged.extend_from_slice(&wrapped[COMMIT_LEN..]);
        assert!(DataKey::unwrap_key(&above, b"c", &wrapped).is_ok());
        assert!(DataKey::unwrap_key(&above, b"c", &forged).is_err());
        assert!(DataKey::unwrap_key(&above, b"c", &wrapped[..COMMIT_LEN]).is_err());
        // The tag is of this place and this kind of key.
        let elsewhere = key.wrap(&above, b"d", &entropy).expect("wraps");
        let as_root = above.wrap_root(b"c", &[7; 32], &entropy).expect("wraps");
        assert_ne!(wrapped[..COMMIT_LEN], elsewhere[..COMMIT_LEN]);
        assert_ne!(wrapped[..COMMIT_LEN], as_root[..COMMIT_LEN]);
        // A root is no customer's key, and the other way round.
        assert!(above.unwrap_root(b"c", &wrapped).is_err());
        let root = above.wrap_root(b"r", &[7; 32], &entropy).expect("wraps");
        assert_eq!(above.unwrap_root(b"r", &root).as_deref(), Ok(&[7; 32]));
        assert!(DataKey::unwrap_key(&above, b"r", &root).is_err());
        assert!(above.unwrap_root(b"x", &root).is_err());
    }
}
