//! Why a passkey is not taken.

/// What is not as it must be. For logs and counters: a person hears only that it did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// What cannot be read.
    #[error("the {0} of a passkey cannot be read")]
    Malformed(&'static str),
    /// What is larger than any that a browser makes.
    #[error("the {0} of a passkey is too large")]
    TooLarge(&'static str),
    /// Made for another act: a credential where a proof was asked for, or the reverse.
    #[error("the passkey's answer is to another question")]
    OtherAct,
    /// Not the challenge that was given out.
    #[error("the passkey's answer is to another challenge")]
    OtherChallenge,
    /// Made on another site, or inside another site's frame.
    #[error("the passkey's answer comes from another origin")]
    OtherOrigin,
    /// Made for another site.
    #[error("the passkey belongs to another site")]
    OtherSite,
    /// Nobody touched the authenticator.
    #[error("nobody was there to use the passkey")]
    NobodyThere,
    /// The authenticator did not make sure who touched it.
    #[error("the passkey was used without verifying who uses it")]
    NotVerified,
    /// An attestation that was not asked for and proves nothing here.
    #[error("the new passkey brings an attestation that is not taken")]
    Attestation,
    /// A new credential without the credential.
    #[error("the new passkey has no credential in it")]
    NoCredential,
    /// An algorithm that was not offered, or a key that is none.
    #[error("the new passkey's key is of no kind that is taken")]
    Key,
    /// Another credential than the one that is asked for.
    #[error("another passkey answered")]
    OtherCredential,
    /// Made for another person.
    #[error("the passkey belongs to another person")]
    OtherUser,
    /// The signature.
    #[error("the passkey's signature is not good")]
    Signature,
    /// The counter did not grow: somebody may have a copy.
    #[error("the passkey's counter went back")]
    Counter,
}

impl PasskeyError {
    /// A word for a counter's label.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::TooLarge(_) => "too-large",
            Self::OtherAct => "other-act",
            Self::OtherChallenge => "other-challenge",
            Self::OtherOrigin => "other-origin",
            Self::OtherSite => "other-site",
            Self::NobodyThere => "nobody-there",
            Self::NotVerified => "not-verified",
            Self::Attestation => "attestation",
            Self::NoCredential => "no-credential",
            Self::Key => "key",
            Self::OtherCredential => "other-credential",
            Self::OtherUser => "other-user",
            Self::Signature => "signature",
            Self::Counter => "counter",
        }
    }
}
