//! C2SP `signed-note`: a text with signature lines under it; and `tlog-cosignature`, a witness's signature on one.

use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::limits::{NOTE_MAX_BYTES, NOTE_MAX_SIGNATURES};
use crate::merkle::sha256;
use crate::{LogError, bytes};

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the note's text. The log's.
    Ed25519,
    /// Type 0x04: Ed25519 over a time and the note's text, `cosignature/v1`. A witness's.
    Cosignature,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// A key that notes are verified with. Its text form (`Display`, [`VerifierKey::parse`]) is
/// `name+keyid in hex+base64(type ‖ public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    kind: KeyKind,
    public: [u8; 32],
}

/// Whether a text can be a key's name: not empty, no space, no `+`, no control character.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl VerifierKey {
    /// The key of this name and Ed25519 public key.
    ///
    /// # Errors
    /// When the name is empty, or holds a space, a `+` or a control character.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<Self, LogError> {
        if !is_name(name) {
            return Err(LogError::Key { what: "its name is empty, or has a space or a `+` in it" });
        }
        let mut text = name.as_bytes().to_vec();
        text.extend([b'\n', kind.byte()]);
        text.extend(public);
        let [a, b, c, d, ..] = sha256(&text);
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes([a, b, c, d]), kind, public })
    }

    /// Reads the text form. A key has exactly one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let bad = |what| LogError::Key { what };
        let shape = || bad("it must be `name+keyid+key`");
        let (name, rest) = text.split_once('+').ok_or_else(shape)?;
        let (_, key) = rest.split_once('+').ok_or_else(shape)?;
        let key = bytes::from_base64(key).ok_or(bad("its last part is not base64"))?;
        let (kind, public) = key.split_first().ok_or_else(shape)?;
        let kind = match kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::Cosignature,
            _ => return Err(bad("its type is neither Ed25519 (1) nor a witness's (4)")),
        };
        let public = public.try_into().map_err(|_| bad("an Ed25519 key has 32 bytes"))?;
        let key = Self::new(name, kind, public)?;
        if key.to_string() == text { Ok(key) } else { Err(bad("its key id is not that of its name and key")) }
    }

    /// The key's name; a log's is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key id in signature lines.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The Ed25519 public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether `signature` is this key's over `text`.
    fn verify(&self, text: &str, signature: &[u8]) -> Option<Signed> {
        let public = UnparsedPublicKey::new(&ED25519, self.public);
        match self.kind {
            KeyKind::Ed25519 => {
                public.verify(text.as_bytes(), signature).ok().map(|()| Signed { time: None })
            }
            KeyKind::Cosignature => {
                let (time, signature) = bytes::number(signature)?;
                // The specification's bound.
                i64::try_from(time).ok()?;
                public
                    .verify(cosigned(time, text).as_bytes(), signature)
                    .ok()
                    .map(|()| Signed { time: Some(time) })
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend(self.public);
        write!(out, "{}+{:08x}+{}", self.name, self.id, bytes::to_base64(&key))
    }
}

/// What a witness signs: a time before the note's text.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A signature that was found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// When, in Unix seconds; only a witness says so.
    pub time: Option<u64>,
}

/// A signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key that is said to have signed.
    pub name: String,
    /// The id of that key.
    pub id: u32,
    /// The signature; a witness's begins with the time.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Reads one line, without its newline.
    fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let signature = bytes::from_base64(signature)?;
        let (id, bytes) = signature.split_first_chunk::<4>()?;
        let whole = is_name(name) && !bytes.is_empty();
        whole.then(|| Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signature = self.id.to_be_bytes().to_vec();
        signature.extend(&self.bytes);
        writeln!(out, "— {} {}", self.name, bytes::to_base64(&signature))
    }
}

/// Reads signature lines as a witness answers them.
///
/// # Errors
/// When a line is no signature line, or there are more than [`NOTE_MAX_SIGNATURES`].
pub fn parse_signatures(lines: &str) -> Result<Vec<Signature>, LogError> {
    let bad = |what| Err(LogError::Note { what });
    let Some(inner) = lines.strip_suffix('\n') else {
        return bad("it must end with signature lines, each with its newline");
    };
    let mut signatures = Vec::new();
    for line in inner.split('\n') {
        match Signature::parse(line) {
            Some(_) if signatures.len() >= NOTE_MAX_SIGNATURES => return bad("it has too many signatures"),
            Some(signature) => signatures.push(signature),
            None => return bad("a line is no signature line (`— name base64`)"),
        }
    }
    Ok(signatures)
}

/// A text with signatures. Nobody has checked these yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note. The text is divided from the signatures by its last empty line.
    ///
    /// # Errors
    /// When it is no note, or longer than [`NOTE_MAX_BYTES`].
    pub fn parse(note: &str) -> Result<Self, LogError> {
        let bad = |what| LogError::Note { what };
        if note.len() > NOTE_MAX_BYTES {
            return Err(bad("it is too long"));
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(bad("it has a control character"));
        }
        let divide = note.rfind("\n\n").ok_or(bad("no empty line divides text and signatures"))?;
        let text = note.get(..=divide).unwrap_or_default();
        let signatures = parse_signatures(note.get(divide + 2..).unwrap_or_default())?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Whether `key` signed the text. Each line with the name and id of a log's key must be good; of a witness's, one.
    #[must_use]
    pub fn signed_by(&self, key: &VerifierKey) -> Option<Signed> {
        let lines = self.signatures.iter().filter(|line| line.name == key.name && line.id == key.id);
        let mut signed = lines.map(|line| key.verify(&self.text, &line.bytes));
        match key.kind {
            KeyKind::Ed25519 => signed.next().flatten().filter(|_| signed.all(|line| line.is_some())),
            KeyKind::Cosignature => signed.find_map(|line| line),
        }
    }

    /// Adds a signature if `key` made it over this text, in place of an older one by the same key; whether it did.
    pub fn add(&mut self, signature: &Signature, key: &VerifierKey) -> bool {
        let same = |line: &Signature| line.name == key.name && line.id == key.id;
        if !same(signature) || key.verify(&self.text, &signature.bytes).is_none() {
            return false;
        }
        self.signatures.retain(|line| !same(line));
        self.signatures.push(signature.clone());
        true
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(out))
    }
}

/// A key that signs. Without `Debug` and `Clone`.
struct Signer {
    key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, LogError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| LogError::Key { what: "the seed makes no Ed25519 key" })?;
        let public = pair.public_key().as_ref().try_into();
        let public = public.map_err(|_| LogError::Key { what: "an Ed25519 key has 32 bytes" })?;
        Ok(Self { key: VerifierKey::new(name, kind, public)?, pair })
    }

    fn line(&self, before: &[u8], message: &str) -> Signature {
        let mut bytes = before.to_vec();
        bytes.extend(self.pair.sign(message.as_bytes()).as_ref());
        Signature { name: self.key.name.clone(), id: self.key.id, bytes }
    }
}

/// The log's signing key. It signs checkpoints of its own log alone: [`crate::checkpoint::Checkpoint::sign`].
pub struct LogSigner(Signer);

impl LogSigner {
    /// The key of a 32-byte secret seed; `origin` names the log.
    ///
    /// # Errors
    /// When `origin` cannot be a key's name.
    pub fn new(origin: &str, seed: &[u8; 32]) -> Result<Self, LogError> {
        Signer::new(origin, KeyKind::Ed25519, seed).map(Self)
    }

    /// What others verify with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.key
    }

    pub(crate) fn sign(&self, text: String) -> Note {
        let signatures = vec![self.0.line(&[], &text)];
        Note { text, signatures }
    }
}

/// A witness's key.
pub struct Cosigner(Signer);

impl Cosigner {
    /// The key of a 32-byte secret seed. One seed belongs to one name: a cosignature does not say the name.
    ///
    /// # Errors
    /// When `name` cannot be a key's name.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, LogError> {
        Signer::new(name, KeyKind::Cosignature, seed).map(Self)
    }

    /// What others verify with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.key
    }

    /// Says: at `unix` (seconds) this was the largest tree of its log that I have seen, and it grew from all that I
    /// saw before. Who calls it has checked that: see [`crate::witness`].
    pub(crate) fn cosign(&self, text: &str, unix: u64) -> Signature {
        self.0.line(&unix.to_be_bytes(), &cosigned(unix, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the note of Go's `sumdb/note` package documentation, which all implementations check against.
    const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_of_another_implementation_is_good() {
        let key = VerifierKey::parse(GO_KEY).unwrap();
        assert_eq!((key.name(), key.id(), key.kind()), ("PeterNeumann", 0xc74f_20a3, KeyKind::Ed25519));
        assert_eq!(key.to_string(), GO_KEY);
        let note = Note::parse(GO_NOTE).unwrap();
        assert_eq!(note.signed_by(&key), Some(Signed { time: None }));
        assert_eq!(note.to_string(), GO_NOTE);
        let edited = Note::parse(&GO_NOTE.replace("think", "thank")).unwrap();
        assert_eq!(edited.signed_by(&key), None);
        let other = Note::parse(&GO_NOTE.replace("— Peter", "— Pater")).unwrap();
        assert_eq!(other.signed_by(&key), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+BRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
            "PeterNeumann+c74f20a3+",
        ] {
            assert!(VerifierKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let good = "a\n\n— n AAAAAQI=\n";
        assert!(Note::parse(good).is_ok());
        for text in [
            "",
            "\n",
            "a\n\n",
            "a\n— n AAAAAQI=\n",
            "a\n\n— n AAAAAQI=",
            "a\n\n— n AAAAAQI=\n\n",
            "a\n\n- n AAAAAQI=\n",
            "a\n\n— n AAAAAQ==\n",
            "a\n\n— n AAAAAQJ=\n",
            "a\n\n—  AAAAAQI=\n",
            "a\n\n— n+ AAAAAQI=\n",
            "a\tb\n\n— n AAAAAQI=\n",
            "a\r\n\r\n— n AAAAAQI=\r\n",
        ] {
            assert!(Note::parse(text).is_err(), "{text:?}");
        }
        let many = "— n AAAAAQI=\n".repeat(NOTE_MAX_SIGNATURES);
        assert!(Note::parse(&format!("a\n\n{many}")).is_ok());
        assert!(Note::parse(&format!("a\n\n{many}— n AAAAAQI=\n")).is_err());
    }

    #[test]
    fn a_witness_signs_with_its_time() {
        let log = LogSigner::new("example.org/log", &[1; 32]).unwrap();
        let witness = Cosigner::new("example.org/witness", &[2; 32]).unwrap();
        let mut note = log.sign("example.org/log\n0\nroot\n".to_owned());
        let signature = witness.cosign(note.text(), 1_679_315_147);
        assert!(note.add(&signature, witness.verifier()));
        assert!(!note.add(&signature, log.verifier()));
        assert!(note.add(&witness.cosign(note.text(), 1_679_315_148), witness.verifier()));
        let note = Note::parse(&note.to_string()).unwrap();
        assert_eq!(note.signatures().len(), 2);
        assert_eq!(note.signed_by(witness.verifier()), Some(Signed { time: Some(1_679_315_148) }));
        assert!(note.signed_by(log.verifier()).is_some());
        // The witness's key is no log's key, although both are Ed25519.
        let public = *witness.verifier().public();
        let same = VerifierKey::new("example.org/witness", KeyKind::Ed25519, public).unwrap();
        assert!(note.signed_by(&same).is_none());
    }
}
