//! The gateway as four processes, each with its own secrets, joined by Unix sockets in a private folder.
//!
//! ```text
//! internet ─▶ web ─▶ gate.sock ─▶ GATE ─▶ connector.sock ─▶ connector ─▶ banks
//!                                  │ └──▶ egress.sock    ─▶ egress    ─▶ the platform
//!                               database ◀── kill switches, links (read only) ──┘
//! ```
//!
//! | role | has | has not |
//! |---|---|---|
//! | web | the public port | any secret |
//! | gate | master key, database, app secret (checks webhooks), event tokens | the Page's token, the bank's client keys |
//! | connector | the bank's client keys; the key that seals data for the gate | master key, database, Page's token |
//! | egress | the Page's token and the proof that goes with it; the gate's verifying key | master key, bank's keys, app secret, any way to sign |

#[cfg(unix)]
pub(crate) mod connector;
#[cfg(unix)]
pub(crate) mod egress;
#[cfg(unix)]
pub(crate) mod folder;
#[cfg(unix)]
mod peer;
#[cfg(unix)]
pub(crate) mod web;
#[cfg(unix)]
mod wire;

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

    /// Whether this role reads the secret at a key such as `messenger.page[].token`. Whatever is not named here, the
    /// gate has.
    pub(crate) fn reads(self, pattern: &str) -> bool {
        match pattern {
            "messenger.page[].token" | "messenger.page[].proof" | "roles.flags_url" => self == Self::Egress,
            "institution[].client_secret"
            | "institution[].private_key_file"
            | "institution[].certificate_key_file" => self == Self::Connector,
            _ => self == Self::Gate,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
