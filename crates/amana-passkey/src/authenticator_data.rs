//! The authenticator data (§6.1): for which site, who was there, the counter, and a new credential.

use crate::cbor::{self, Value};
use crate::error::PasskeyError;
use crate::key::PublicKey;
use crate::limits::{AUTHENTICATOR_DATA_BYTES_MAX, CREDENTIAL_ID_BYTES_MAX};

const BAD: PasskeyError = PasskeyError::Malformed("authenticator data");

/// The flags (§6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const MAY_BE_COPIED: u8 = 0x08;
const COPIED: u8 = 0x10;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// What the authenticator says.
#[derive(Debug)]
pub(crate) struct AuthenticatorData<'a> {
    /// SHA-256 of the id of the site.
    pub(crate) site: &'a [u8],
    pub(crate) present: bool,
    pub(crate) verified: bool,
    pub(crate) may_be_copied: bool,
    pub(crate) counter: u32,
    /// A new credential: its id and its key.
    pub(crate) made: Option<(&'a [u8], PublicKey)>,
}

impl<'a> AuthenticatorData<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, PasskeyError> {
        if bytes.len() > AUTHENTICATOR_DATA_BYTES_MAX {
            return Err(PasskeyError::TooLarge("authenticator data"));
        }
        let (site, rest) = bytes.split_at_checked(32).ok_or(BAD)?;
        let (flags, rest) = rest.split_first().ok_or(BAD)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(BAD)?;
        let is = |flag| flags & flag != 0;
        // What cannot be copied was not copied.
        if is(COPIED) && !is(MAY_BE_COPIED) {
            return Err(BAD);
        }
        let (made, rest) = if is(CREDENTIAL) { Self::credential(rest)? } else { (None, rest) };
        let rest = if is(EXTENSIONS) {
            let (Value::Map(_), rest) = cbor::first(rest)? else { return Err(BAD) };
            rest
        } else {
            rest
        };
        if !rest.is_empty() {
            return Err(BAD);
        }
        Ok(Self {
            site,
            present: is(PRESENT),
            verified: is(VERIFIED),
            may_be_copied: is(MAY_BE_COPIED),
            counter: u32::from_be_bytes(*counter),
            made,
        })
    }

    /// The new credential (§6.5.2). The kind of authenticator, which stands first, is not looked at.
    #[expect(clippy::type_complexity, reason = "the two of a pair, once")]
    fn credential(bytes: &'a [u8]) -> Result<(Option<(&'a [u8], PublicKey)>, &'a [u8]), PasskeyError> {
        let (_kind, rest) = bytes.split_at_checked(16).ok_or(BAD)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(BAD)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > CREDENTIAL_ID_BYTES_MAX {
            return Err(PasskeyError::TooLarge("credential's id"));
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(BAD)?;
        if id.is_empty() {
            return Err(PasskeyError::NoCredential);
        }
        let (key, rest) = cbor::first(rest)?;
        Ok((Some((id, PublicKey::read(&key)?)), rest))
    }
}
