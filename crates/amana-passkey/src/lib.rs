//! Passkeys: reads and verifies what a browser brings, after W3C Web Authentication Level 3.
//!
//! A browser makes a credential ([`RelyingParty::register`], §7.1) and later proves that it has it
//! ([`RelyingParty::authenticate`], §7.2). Both are pure: bytes in, an answer or one [`PasskeyError`] out.
//!
//! | read | module |
//! |---|---|
//! | the client data (§5.8.1): for which act, which challenge, which origin | `client_data` |
//! | the authenticator data (§6.1): for which site, who was there, the counter | `authenticator_data` |
//! | the attestation object (§6.5) and the credential's key (RFC 9052 §7): CBOR as CTAP 2 writes it | `cbor`, `key` |
//!
//! **What is not here:** no I/O, no clock, no randomness, no store. The caller makes the challenge, uses it up, and
//! knows whose page it was made for; it keeps the [`Credential`] and its counter, and decides who may make one.
//!
//! Narrower than the standard where the standard leaves a choice: the person must have been verified by the
//! authenticator (`uv`), never from inside another site's frame, and a counter that does not grow is a refusal.
//! Attestation is not asked for, and what comes unasked proves nothing here: only `none`, and a credential's own
//! signature, are taken.
//!
//! Why not a library: one of the two that are kept draws its challenge from a source of its own and brings fifty
//! crates with it, among them candidates of releases, under a licence that `deny.toml` keeps out of the product; the
//! other has one author, and draws its challenge itself, too. What is needed, without attestation, is small.

mod authenticator_data;
mod cbor;
mod client_data;
mod error;
mod key;
pub mod limits;

pub use error::PasskeyError;
pub use key::{ALGORITHMS, PublicKey};

use crate::authenticator_data::AuthenticatorData;
use crate::cbor::Value;
use crate::client_data::Act;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The site for which passkeys are made: its id and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

/// A credential as it is kept. Without secrets: who has it can verify, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The authenticator's name for it, at most [`limits::CREDENTIAL_ID_BYTES_MAX`] bytes.
    pub id: Vec<u8>,
    /// What its signatures are verified with.
    pub key: PublicKey,
    /// How often it has signed, as far as its authenticator counts; 0 where it does not.
    pub counter: u32,
    /// Whether it may be copied to other devices of its owner (§6.1.3); it never changes.
    pub may_be_copied: bool,
}

/// What `navigator.credentials.create` brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// `response.clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `response.attestationObject`.
    pub attestation: Vec<u8>,
}

/// What `navigator.credentials.get` brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assertion {
    /// `rawId`.
    pub id: Vec<u8>,
    /// `response.clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `response.authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `response.signature`.
    pub signature: Vec<u8>,
    /// `response.userHandle`, if there was one.
    pub user_handle: Option<Vec<u8>>,
}

impl RelyingParty {
    /// The site at an address. `None` where browsers offer no passkeys: at an address of numbers, and without HTTPS
    /// on any machine but one's own (§5.1.3, "effective domain"; Secure Contexts §3.1).
    #[must_use]
    pub fn at(url: &Url) -> Option<Self> {
        let Host::Domain(domain) = url.host()? else { return None };
        let own_machine = domain == "localhost" || domain.ends_with(".localhost");
        let offered = url.scheme() == "https" || (url.scheme() == "http" && own_machine);
        offered.then(|| Self { id: domain.to_owned(), origin: url.origin().ascii_serialization() })
    }

    /// Its id (`rp.id`, `rpId`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads a new credential (§7.1). It proves nothing about who made it: that is for the caller to know.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn register(&self, challenge: &[u8], answer: &Registration) -> Result<Credential, PasskeyError> {
        client_data::check(&answer.client_data, Act::Create, challenge, &self.origin)?;
        if answer.attestation.len() > limits::ATTESTATION_BYTES_MAX {
            return Err(PasskeyError::TooLarge("attestation object"));
        }
        let object = cbor::whole(&answer.attestation)?;
        let [format, statement, data] = object.fields(["fmt", "attStmt", "authData"])?;
        let data = data.bytes()?;
        let read = AuthenticatorData::read(data)?;
        self.is_ours(&read)?;
        let (id, key) = read.made.ok_or(PasskeyError::NoCredential)?;
        match format.text()? {
            "none" if statement.is_empty_map() => {}
            // A credential that speaks for itself alone: browsers leave that in place (§5.1.3, "none").
            "packed" => {
                let [algorithm, signature] = statement.fields(["alg", "sig"])?;
                if algorithm != &Value::Int(key.algorithm()) {
                    return Err(PasskeyError::Attestation);
                }
                key.verify(&signed(data, &answer.client_data), signature.bytes()?)?;
            }
            _ => return Err(PasskeyError::Attestation),
        }
        Ok(Credential { id: id.to_vec(), key, counter: read.counter, may_be_copied: read.may_be_copied })
    }

    /// Verifies that whoever answers has the credential (§7.2); gives the counter to keep. `user_handle` is what the
    /// credential was made under.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn authenticate(
        &self,
        challenge: &[u8],
        user_handle: &[u8],
        credential: &Credential,
        answer: &Assertion,
    ) -> Result<u32, PasskeyError> {
        if answer.id != credential.id {
            return Err(PasskeyError::OtherCredential);
        }
        if answer.user_handle.as_deref().is_some_and(|handle| handle != user_handle) {
            return Err(PasskeyError::OtherUser);
        }
        client_data::check(&answer.client_data, Act::Get, challenge, &self.origin)?;
        let read = AuthenticatorData::read(&answer.authenticator_data)?;
        self.is_ours(&read)?;
        if read.made.is_some() {
            return Err(PasskeyError::Malformed("authenticator data"));
        }
        if read.may_be_copied != credential.may_be_copied {
            return Err(PasskeyError::OtherCredential);
        }
        credential.key.verify(&signed(&answer.authenticator_data, &answer.client_data), &answer.signature)?;
        // An authenticator that counts has counted since; one that has gone back was copied (§6.1.1).
        if (read.counter, credential.counter) != (0, 0) && read.counter <= credential.counter {
            return Err(PasskeyError::Counter);
        }
        Ok(read.counter)
    }

    fn is_ours(&self, read: &AuthenticatorData<'_>) -> Result<(), PasskeyError> {
        if read.site != digest(&SHA256, self.id.as_bytes()).as_ref() {
            return Err(PasskeyError::OtherSite);
        }
        if !read.present {
            return Err(PasskeyError::NobodyThere);
        }
        if !read.verified {
            return Err(PasskeyError::NotVerified);
        }
        Ok(())
    }
}

/// What an authenticator signs (§6.3.3): its own data, and the hash of the browser's.
fn signed(authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [authenticator_data, digest(&SHA256, client_data).as_ref()].concat()
}
