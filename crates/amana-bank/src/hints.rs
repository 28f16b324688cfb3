//! FDX's event notifications as they reach us (`POST /notifications`, FDX 6.6): what one of them is about. It is a hint
//! and never a fact: whoever gets it looks at the grant, or reads for news, and believes what is found there.

use crate::fdx::value;
use crate::limits::{EVENT_ATTRIBUTE_BYTES_MAX, HINT_ID_BYTES_MAX};
use amana_core::{AccountId, Timestamp};
use serde_json::Value;

/// What we ask to be told of (FDX `EventType`, with the category that each has).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Topic {
    /// A consent was taken back at the bank.
    ConsentRevoked,
    /// A consent was changed at the bank: FDX has no edit, but banks let customers take accounts out.
    ConsentUpdated,
    /// A consent ran out at the bank.
    ConsentExpired,
    /// A balance moved.
    Balance,
    /// Something else of an account is new: FDX has no type of its own for transactions.
    Custom,
}

impl Topic {
    /// How grants stand.
    pub const OF_GRANTS: &'static [Self] =
        &[Self::ConsentRevoked, Self::ConsentUpdated, Self::ConsentExpired];
    /// That there is something to read.
    pub const OF_NEWS: &'static [Self] = &[Self::Balance, Self::Custom];

    /// FDX's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConsentRevoked => "CONSENT_REVOKED",
            Self::ConsentUpdated => "CONSENT_UPDATED",
            Self::ConsentExpired => "CONSENT_EXPIRED",
            Self::Balance => "BALANCE",
            Self::Custom => "CUSTOM",
        }
    }

    /// FDX's `NotificationCategory` of the type.
    #[must_use]
    pub fn category(self) -> &'static str {
        if Self::OF_GRANTS.contains(&self) { "CONSENT" } else { "NEW_DATA" }
    }
}

/// Whom a notification concerns, as the bank names it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Whose {
    /// The grant of this id.
    Consent(String),
    /// Everybody who holds this account.
    Account(AccountId),
    /// The customer of this `sub`.
    Customer(String),
}

/// What to do because of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Prompt {
    /// Look how the grant stands.
    LookAtGrant,
    /// The same, and if the bank does not say how it stands, stop: FDX's publisher says that the grant is over, and to
    /// stop is the one thing that needs no second word.
    LookOrStop,
    /// Read for news.
    ReadNews,
}

/// A notification, as far as it is believed. What its content says has happened is not in it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hint {
    /// The bank's id of it; a redelivery has the same.
    pub id: String,
    /// When the bank sent it first.
    pub sent: Timestamp,
    /// What to do for whom; `None` if it is of a type, or about a thing, that we have no use for.
    pub about: Option<(Prompt, Whose)>,
}

impl std::fmt::Debug for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Ids of consents, accounts and customers are not for a log.
        f.debug_struct("Hint")
            .field("prompt", &self.about.as_ref().map(|(prompt, _)| prompt))
            .finish_non_exhaustive()
    }
}

/// A page of the notifications that the bank keeps for us (FDX `GET /notifications`).
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Missed {
    /// What could be read of it, as the bank orders it.
    pub hints: Vec<Hint>,
    /// The key of the page after it.
    pub next: Option<String>,
}

/// Why a notification was not taken. Nothing of its content is in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// Not a JSON object.
    #[error("the body must be a json object, an FDX Notification")]
    NotJson,
    /// It lacks what every notification has.
    #[error("`{0}` is missing or not as FDX has it")]
    Lacks(&'static str),
}

/// Reads a notification. What FDX requires of every one must be there; types and things that are not known, or not
/// used, are no error.
///
/// # Errors
/// When it is not JSON, or lacks `notificationId`, `type`, `category` or `sentOn`, or (of a type that is used) the id
/// of what it is about.
pub fn parse_hint(body: &[u8]) -> Result<Hint, HintError> {
    read_hint(&serde_json::from_slice(body).map_err(|_| HintError::NotJson)?)
}

/// The same of a notification that is a row of the bank's list.
pub(crate) fn read_hint(body: &Value) -> Result<Hint, HintError> {
    if !body.is_object() {
        return Err(HintError::NotJson);
    }
    let text = |name: &'static str| {
        value::text(body, name)
            .filter(|text| !text.is_empty() && text.len() <= EVENT_ATTRIBUTE_BYTES_MAX)
            .ok_or(HintError::Lacks(name))
    };
    let (id, kind, category) = (text("notificationId")?, text("type")?, text("category")?);
    let sent = value::instant(body, "sentOn").ok_or(HintError::Lacks("sentOn"))?;
    let prompt = match (category.as_str(), kind.as_str()) {
        // A grant that is new is known from its own authorization.
        (_, "CONSENT_GRANTED") => None,
        (_, "CONSENT_REVOKED" | "CONSENT_EXPIRED") => Some(Prompt::LookOrStop),
        ("CONSENT", _) | (_, "CONSENT_UPDATED") => Some(Prompt::LookAtGrant),
        ("NEW_DATA", _) | (_, "BALANCE") => Some(Prompt::ReadNews),
        _ => None,
    };
    let Some(prompt) = prompt else { return Ok(Hint { id, sent, about: None }) };
    let lacks = HintError::Lacks("notificationPayload");
    let payload = body.get("notificationPayload").filter(|payload| payload.is_object()).ok_or(lacks)?;
    let whom = value::text(payload, "id").filter(|id| !id.is_empty() && id.len() <= HINT_ID_BYTES_MAX);
    let whom = whom.ok_or(HintError::Lacks("notificationPayload.id"))?;
    let whose = match value::word(payload, "idType").as_deref() {
        Some("CONSENT") => Some(Whose::Consent(whom)),
        Some("ACCOUNT") => AccountId::new(whom).ok().map(Whose::Account),
        Some("CUSTOMER") => Some(Whose::Customer(whom)),
        // FDX makes the type of the id optional; of a consent's notification there is no doubt.
        None if prompt != Prompt::ReadNews => Some(Whose::Consent(whom)),
        _ => None,
    };
    Ok(Hint { id, sent, about: whose.map(|whose| (prompt, whose)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Option<(Prompt, Whose)>, HintError> {
        parse_hint(body.to_string().as_bytes()).map(|hint| hint.about)
    }

    fn of(kind: &str, category: &str, id_type: &str) -> Value {
        json!({
            "notificationId": "n-1", "type": kind, "category": category, "sentOn": "2026-11-24T10:00:00Z",
            "publisher": { "name": "A bank", "type": "DATA_PROVIDER" },
            "notificationPayload": { "id": "x-1", "idType": id_type, "event": { "status": "ACTIVE" } },
        })
    }

    #[test]
    fn what_is_to_be_done_follows_from_type_and_thing_and_never_from_what_it_claims() {
        let consent = || Whose::Consent("x-1".to_owned());
        for (kind, prompt) in [
            ("CONSENT_REVOKED", Prompt::LookOrStop),
            ("CONSENT_EXPIRED", Prompt::LookOrStop),
            ("CONSENT_UPDATED", Prompt::LookAtGrant),
            ("CONSENT_OF_TOMORROW", Prompt::LookAtGrant),
        ] {
            let about = read(&of(kind, "CONSENT", "CONSENT"));
            assert_eq!(about.map(|about| about == Some((prompt, consent()))), Ok(true), "{kind}");
        }
        let account = Whose::Account(AccountId::new("x-1").expect("an id"));
        for kind in ["BALANCE", "SERVICE", "CUSTOM", "TRANSACTION"] {
            let about = read(&of(kind, "NEW_DATA", "ACCOUNT"));
            let wanted = Some((Prompt::ReadNews, account.clone()));
            assert_eq!(about.map(|about| about == wanted), Ok(true), "{kind}");
        }
        let customer = Some((Prompt::ReadNews, Whose::Customer("x-1".to_owned())));
        assert!(read(&of("BALANCE", "NEW_DATA", "CUSTOMER")) == Ok(customer));
        let mut untyped = of("CONSENT_REVOKED", "CONSENT", "CONSENT");
        untyped["notificationPayload"].as_object_mut().expect("an object").remove("idType");
        assert!(read(&untyped) == Ok(Some((Prompt::LookOrStop, consent()))));
    }

    #[test]
    fn what_is_not_known_or_not_used_is_no_error() {
        for (kind, category, thing) in [
            ("CONSENT_GRANTED", "CONSENT", "CONSENT"),
            ("PLANNED_OUTAGE", "MAINTENANCE", "MAINTENANCE"),
            ("ACCOUNT_TAKEOVER", "FRAUD", "CUSTOMER"),
            ("TAN_REVOKED", "TOKENIZED_ACCOUNT_NUMBER", "TOKENIZED_ACCOUNT_NUMBER"),
            ("SOMETHING_NEW", "SOMETHING_ELSE", "A_THING"),
            ("BALANCE", "NEW_DATA", "PARTY"),
            ("BALANCE", "NEW_DATA", "A_THING"),
        ] {
            assert!(read(&of(kind, category, thing)) == Ok(None), "{kind} {category} {thing}");
        }
    }

    #[test]
    fn what_every_notification_has_must_be_there() {
        assert!(parse_hint(b"[]") == Err(HintError::NotJson));
        assert!(parse_hint(b"{\"notificationId\": \0") == Err(HintError::NotJson));
        for name in ["notificationId", "type", "category", "sentOn", "notificationPayload"] {
            for wrong in [None, Some(json!("")), Some(json!(["x"]))] {
                let mut body = of("CONSENT_REVOKED", "CONSENT", "CONSENT");
                match wrong {
                    None => body.as_object_mut().expect("an object").remove(name),
                    Some(value) => body.as_object_mut().expect("an object").insert(name.to_owned(), value),
                };
                assert!(read(&body) == Err(HintError::Lacks(name)), "{name}");
            }
        }
        let mut long = of("CONSENT_REVOKED", "CONSENT", "CONSENT");
        long["notificationPayload"]["id"] = json!("x".repeat(HINT_ID_BYTES_MAX + 1));
        assert!(read(&long) == Err(HintError::Lacks("notificationPayload.id")));
        let said = format!("{:?}", parse_hint(of("BALANCE", "NEW_DATA", "ACCOUNT").to_string().as_bytes()));
        assert!(!said.contains("x-1"), "{said}");
    }
}
