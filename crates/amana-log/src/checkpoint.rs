//! C2SP `tlog-checkpoint`: what a log says of itself, as the text of a note.

use std::fmt;

use crate::merkle::Hash;
use crate::note::{LogSigner, Note};
use crate::{LogError, bytes};

/// A log's size and root. Extension lines are refused: nobody could audit what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key.
    pub origin: String,
    /// Its leaves.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a note: three lines.
    ///
    /// # Errors
    /// When it is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let bad = |what| LogError::Checkpoint { what };
        let mut lines = text.strip_suffix('\n').ok_or(bad("it must end with a newline"))?.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        if lines.next().is_some() {
            return Err(bad("it has more than three lines"));
        }
        let origin = origin.filter(|origin| !origin.is_empty()).ok_or(bad("the origin is missing"))?;
        let size = size.and_then(bytes::decimal).ok_or(bad("the second line is no size"))?;
        let root = root.and_then(bytes::hash_from_base64).ok_or(bad("the third line is no root"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Signs it as the log.
    ///
    /// # Errors
    /// When the origin is not the name of the signer's key.
    pub fn sign(&self, signer: &LogSigner) -> Result<Note, LogError> {
        if self.origin != signer.verifier().name() {
            return Err(LogError::Checkpoint { what: "the origin is not the name of the signing key" });
        }
        Ok(signer.sign(self.to_string()))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n{}\n{}\n", self.origin, self.size, bytes::to_base64(&self.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::EMPTY_ROOT;

    #[test]
    fn a_checkpoint_is_three_lines() {
        let root = bytes::to_base64(&EMPTY_ROOT);
        let good = format!("example.org/log\n9007199254740991\n{root}\n");
        assert_eq!(Checkpoint::parse(&good).unwrap().to_string(), good);
        for text in [
            format!("example.org/log\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("example.org/log\n01\n{root}\n"),
            format!("example.org/log\n+1\n{root}\n"),
            format!("example.org/log\n\n{root}\n"),
            format!("example.org/log\n9007199254740992\n{root}\n"),
            format!("example.org/log\n1\n{root}\nmore\n"),
            "example.org/log\n1\nAAAA\n".to_owned(),
            "example.org/log\n1\n".to_owned(),
            String::new(),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_log_signs_its_own_checkpoints_only() {
        let signer = LogSigner::new("example.org/log", &[1; 32]).unwrap();
        let mut checkpoint = Checkpoint { origin: "example.org/log".to_owned(), size: 0, root: EMPTY_ROOT };
        let note = checkpoint.sign(&signer).unwrap();
        assert!(note.signed_by(signer.verifier()).is_some());
        assert_eq!(Checkpoint::parse(note.text()).unwrap(), checkpoint);
        checkpoint.origin = "example.org/other".to_owned();
        assert!(checkpoint.sign(&signer).is_err());
    }
}
