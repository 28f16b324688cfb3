//! Which part of the gateway a process is, and whose secrets are whose.

use clap::ValueEnum;
use std::fmt;

/// Which part of the gateway a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Speaks to the banks: holds the client keys.
    Connector,
    /// Decides, keeps and signs: holds the master key and the database.
    Gate,
    /// Speaks to the platform: holds the Pages' tokens.
    Egress,
    /// The public port: holds no secret.
    Web,
}

impl Role {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Gate => "gate",
            Self::Egress => "egress",
            Self::Web => "web",
        }
    }

    /// Its name among services.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Connector => "amana-connector",
            Self::Gate => "amana-gate",
            Self::Egress => "amana-egress",
            Self::Web => "amana-web",
        }
    }

    /// Whether this role reads the secret at a key such as `messenger.page[].token`. Whatever is not named here, the
    /// gate has.
    pub(crate) fn reads(self, pattern: &str) -> bool {
        match pattern {
            "messenger.page[].token"
            | "messenger.page[].proof"
            | "messenger.app_token"
            | "messenger.app_proof"
            | "roles.flags_url" => self == Self::Egress,
            "institution[].client_secret"
            | "institution[].private_key_file"
            | "institution[].certificate_key_file" => self == Self::Connector,
            // Every process brings its own spans away.
            "traces.token" => true,
            _ => self == Self::Gate,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
