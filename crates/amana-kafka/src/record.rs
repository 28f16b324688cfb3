//! One record: read as over HTTP, or a reason to set it aside.

use crate::limits::RECORD_BYTES_MAX;
use amana_bank::events::STRUCTURED;
use amana_bank::{Intake, IntakeError, is_xml, parse_binary_event, parse_events, parse_notification};
use amana_core::InstitutionId;
use rdkafka::message::{Headers as _, Message};

/// The header that says whose event a record is: the institution's id.
pub const INSTITUTION_HEADER: &str = "institution";

/// Why a record was set aside. Nothing of its content is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It has no value.
    #[error("the record is empty")]
    Empty,
    /// It is too large.
    #[error("the record has {0} bytes; at most {RECORD_BYTES_MAX} are read")]
    TooLarge(usize),
    /// It names no institution of its source, or none though there are several.
    #[error("the record's header `{INSTITUTION_HEADER}` names no institution of this source")]
    UnknownBank,
    /// It is not what its content type says.
    #[error("{0}")]
    Shape(IntakeError),
    /// Stored rows of whom it is about do not open.
    #[error("stored rows of a customer whom it is about cannot be read")]
    Damage,
}

impl Reason {
    /// Its word in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge(_) => "too-large",
            Self::UnknownBank => "unknown-bank",
            Self::Shape(_) => "shape",
            Self::Damage => "damage",
        }
    }
}

/// Reads a record by the Kafka protocol binding of CloudEvents 1.0: structured (the header `content-type` begins with
/// `application/cloudevents`, or there is none), binary (headers that begin with `ce_`), and beyond it a batch, and
/// camt.054 as `application/xml`.
///
/// # Errors
/// Why it is to be set aside; then nothing of it was taken.
pub(crate) fn read(record: &impl Message, institutions: &[InstitutionId]) -> Result<Intake, Reason> {
    let payload = record.payload().filter(|payload| !payload.is_empty()).ok_or(Reason::Empty)?;
    if payload.len() > RECORD_BYTES_MAX {
        return Err(Reason::TooLarge(payload.len()));
    }
    let (mut media, mut named, mut attributes) = (None, None, Vec::new());
    if let Some(headers) = record.headers() {
        for header in headers.iter() {
            let Some(value) = header.value.and_then(|value| std::str::from_utf8(value).ok()) else {
                continue;
            };
            match header.key {
                INSTITUTION_HEADER => named = Some(value),
                key if key.eq_ignore_ascii_case("content-type") => media = Some(value),
                key => attributes.extend(key.strip_prefix("ce_").map(|name| (name, value))),
            }
        }
    }
    let institution = match (named, institutions) {
        (None, [only]) => only,
        (None, _) => return Err(Reason::UnknownBank),
        (Some(named), all) => all.iter().find(|id| id.as_str() == named).ok_or(Reason::UnknownBank)?,
    };
    let media = media.unwrap_or(STRUCTURED);
    let structured = media.trim_start().to_ascii_lowercase().starts_with("application/cloudevents");
    let intake = if is_xml(media) && attributes.is_empty() {
        parse_notification(institution, payload)
    } else if attributes.is_empty() || structured {
        parse_events(institution, media, payload)
    } else {
        parse_binary_event(institution, media, &attributes, payload)
    };
    intake.map_err(Reason::Shape)
}
