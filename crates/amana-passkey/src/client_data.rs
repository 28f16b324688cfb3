//! The client data (§5.8.1): what the browser says that it was asked, and by whom.

use crate::error::PasskeyError;
use crate::limits::CLIENT_DATA_BYTES_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What was asked of the browser.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Create,
    Get,
}

/// What is read of it. Members that are not known are left alone, as the standard wants it; one that comes twice is an
/// error.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    act: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

pub(crate) fn check(raw: &[u8], act: Act, challenge: &[u8], origin: &str) -> Result<(), PasskeyError> {
    if raw.len() > CLIENT_DATA_BYTES_MAX {
        return Err(PasskeyError::TooLarge("client data"));
    }
    let said: ClientData = serde_json::from_slice(raw).map_err(|_| PasskeyError::Malformed("client data"))?;
    let wanted = match act {
        Act::Create => "webauthn.create",
        Act::Get => "webauthn.get",
    };
    if said.act != wanted {
        return Err(PasskeyError::OtherAct);
    }
    if said.challenge != URL_SAFE_NO_PAD.encode(challenge) {
        return Err(PasskeyError::OtherChallenge);
    }
    let framed = said.cross_origin == Some(true) || said.top_origin.is_some();
    if said.origin != origin || framed {
        return Err(PasskeyError::OtherOrigin);
    }
    Ok(())
}
