//! Intake of a bank's events: CloudEvents 1.0 over HTTP, one (`application/cloudevents+json`), many
//! (`application/cloudevents-batch+json`), or one in binary mode (attributes in `ce-` headers).
//!
//! The envelope is read strictly: an event without its attributes could not be told from another, so nothing of the
//! request is taken and the bank is told which event and which attribute. Whether the sender is the bank, and how large
//! a body may be, is the web layer's to check before.

use crate::fdx::{EventRow, balance_of_event, transaction_of_event};
use crate::limits::{EVENT_ATTRIBUTE_BYTES_MAX, EVENTS_MAX};
use amana_core::{
    AccountId, BankEvent, BankEventBody, BankEventKind, Currency, EventKey, InstitutionId, Timestamp,
    TransactionState,
};
use amana_gate::Unaddressed;
use serde_json::{Map, Value};

/// The media type of one event.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// The media type of a batch.
pub const BATCH: &str = "application/cloudevents-batch+json";

/// The types that are understood.
pub const EVENT_TYPES: &[&str] = &[
    "bank.transaction.authorised.v1",
    "bank.transaction.posted.v1",
    "bank.deposit.posted.v1",
    "bank.balance.changed.v1",
    "bank.transaction.reversed.v1",
];

/// What came of a request.
#[derive(Default)]
pub struct Intake {
    /// The events that are understood, in the order in which they came.
    pub events: Vec<(BankEvent, Unaddressed<BankEventBody>)>,
    /// How many had a type that is not understood; they are well-formed and were left out.
    pub ignored: usize,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("events", &self.events.len()).field("ignored", &self.ignored).finish()
    }
}

/// Why a request was not taken. Nothing of its content is in the message, so it can be answered and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// None of the media types.
    #[error(
        "the content type must be `{STRUCTURED}` or `{BATCH}` (or any json with `ce-` headers), or `application/xml` \
         for camt.054"
    )]
    ContentType,
    /// Not UTF-8 JSON.
    #[error("the body is not json (line {line}, column {column})")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The JSON is not an object or not an array.
    #[error("the body must be {0}")]
    Shape(&'static str),
    /// Too many events.
    #[error("the batch has {count} events; at most {EVENTS_MAX} are taken at a time")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A camt.054 file is wrong; none of it was taken.
    #[error("{}{what}; nothing of the file was taken", place(*.line, *.column))]
    File {
        /// The line, from 1; `None` if it is about the whole file.
        line: Option<u32>,
        /// The column in characters, from 1.
        column: Option<u32>,
        /// What is wrong, and with which element.
        what: String,
    },
    /// One event is wrong; none of the request was taken.
    #[error("event {index}: `{attribute}` {what}; no event of the request was taken")]
    Event {
        /// Which one, from 0.
        index: usize,
        /// Which attribute or field.
        attribute: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

fn place(line: Option<u32>, column: Option<u32>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

/// The key under which an event is stored once: the same on every redelivery.
#[must_use]
pub fn event_key(event: &BankEvent) -> EventKey {
    EventKey::new(Some(event.occurred), event.institution.as_str(), &event.id)
}

/// Reads the events of a request in structured or batched mode. `content_type` is the header's value, parameters
/// included. An event's [`BankEvent::id`] becomes its `source` and `id` with a space between: only both together name
/// an event (CloudEvents 1.0 §3.1.1), and a source has no spaces.
///
/// # Errors
/// When the body is not what the content type says, or any of its events lacks something; then nothing is taken.
pub fn parse_events(
    institution: &InstitutionId,
    content_type: &str,
    body: &[u8],
) -> Result<Intake, IntakeError> {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut intake = Intake::default();
    match media.as_str() {
        STRUCTURED => {
            let event = json(body)?;
            let event = event.as_object().ok_or(IntakeError::Shape("one json object"))?;
            take(institution, 0, event, &mut intake)?;
        }
        BATCH => {
            let batch = json(body)?;
            let batch = batch.as_array().ok_or(IntakeError::Shape("a json array of objects"))?;
            if batch.len() > EVENTS_MAX {
                return Err(IntakeError::TooMany { count: batch.len() });
            }
            for (index, event) in batch.iter().enumerate() {
                let event = event.as_object().ok_or_else(|| wrong(index, "", "is not a json object"))?;
                take(institution, index, event, &mut intake)?;
            }
        }
        _ => return Err(IntakeError::ContentType),
    }
    Ok(intake)
}

/// Reads one event in binary mode: `attributes` are the headers that begin with `ce-`, without that, and the body is
/// its data.
///
/// # Errors
/// As [`parse_events`].
pub fn parse_binary_event(
    institution: &InstitutionId,
    content_type: &str,
    attributes: &[(&str, &str)],
    body: &[u8],
) -> Result<Intake, IntakeError> {
    if !is_json(content_type) {
        return Err(IntakeError::ContentType);
    }
    let mut event: Map<String, Value> =
        attributes.iter().map(|(k, v)| (k.to_ascii_lowercase(), Value::String((*v).to_owned()))).collect();
    event.insert("data".to_owned(), json(body)?);
    let mut intake = Intake::default();
    take(institution, 0, &event, &mut intake)?;
    Ok(intake)
}

fn json(body: &[u8]) -> Result<Value, IntakeError> {
    serde_json::from_slice(body).map_err(|e| IntakeError::NotJson { line: e.line(), column: e.column() })
}

fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media == "application/json" || (media.ends_with("+json") && !media.starts_with("application/cloudevents"))
}

fn wrong(index: usize, attribute: impl Into<String>, what: &'static str) -> IntakeError {
    let attribute = attribute.into();
    IntakeError::Event {
        index,
        attribute: if attribute.is_empty() { "event".to_owned() } else { attribute },
        what,
    }
}

fn take(
    institution: &InstitutionId,
    index: usize,
    event: &Map<String, Value>,
    intake: &mut Intake,
) -> Result<(), IntakeError> {
    let required = |name: &str| match event.get(name) {
        None | Some(Value::Null) => Err(wrong(index, name, "is missing")),
        Some(Value::String(text)) if text.is_empty() => Err(wrong(index, name, "is empty")),
        Some(Value::String(text)) if text.len() > EVENT_ATTRIBUTE_BYTES_MAX => {
            Err(wrong(index, name, "is too long"))
        }
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(wrong(index, name, "holds a control character"))
        }
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(wrong(index, name, "is not a string")),
    };
    if required("specversion")? != "1.0" {
        return Err(wrong(index, "specversion", "must be `1.0`"));
    }
    let id = required("id")?;
    let source = required("source")?;
    if source.contains(char::is_whitespace) {
        return Err(wrong(index, "source", "is not a uri reference"));
    }
    let kind = required("type")?;
    // `time` is optional in CloudEvents; here it is the part of the key that never changes on redelivery.
    let occurred: Timestamp =
        required("time")?.parse().map_err(|_| wrong(index, "time", "is not an rfc 3339 date-time"))?;
    if let Some(media) = event.get("datacontenttype").filter(|m| !m.is_null())
        && !media.as_str().is_some_and(is_json)
    {
        return Err(wrong(index, "datacontenttype", "must be `application/json`"));
    }
    let Some((kind, state)) = known(kind) else {
        intake.ignored += 1;
        return Ok(());
    };
    let data = match event.get("data") {
        Some(Value::Object(data)) => data,
        Some(_) => return Err(wrong(index, "data", "is not a json object")),
        None => return Err(wrong(index, "data", "is missing")),
    };
    let in_data = |field: &str| wrong(index, format!("data.{field}"), "is missing or cannot be read");
    let account = data
        .get("accountId")
        .and_then(Value::as_str)
        .and_then(|id| AccountId::new(id).ok())
        .ok_or_else(|| in_data("accountId"))?;
    let subject = match data.get("customerId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if !id.is_empty() && id.len() <= 255 && !id.chars().any(char::is_control) => {
            Some(id.clone())
        }
        Some(_) => return Err(in_data("customerId")),
    };
    let currency = match data.get("currency") {
        None | Some(Value::Null) => None,
        Some(code) => Some(
            code.as_str()
                .and_then(|code| Currency::from_code(code).ok())
                .ok_or_else(|| in_data("currency"))?,
        ),
    };
    let (body, transaction_id, reference_id) = match state {
        Some(state) => {
            let row = data.get("transaction").ok_or_else(|| in_data("transaction"))?;
            let about = EventRow { account: &account, currency, state };
            let transaction = transaction_of_event(row, &about).map_err(in_data)?;
            let (id, reference) = (transaction.id.clone(), transaction.reference_id.clone());
            (BankEventBody::Transaction(transaction), Some(id), reference)
        }
        None => {
            let row = data.get("balance").ok_or_else(|| in_data("balance"))?;
            let mut balance = balance_of_event(row, &account, currency).map_err(in_data)?;
            balance.as_of = balance.as_of.or(Some(occurred));
            (BankEventBody::Balance(balance), None, None)
        }
    };
    intake.events.push((
        BankEvent {
            institution: institution.clone(),
            id: format!("{source} {id}"),
            occurred,
            account,
            subject,
            kind,
            transaction_id,
            reference_id,
        },
        Unaddressed::new(body),
    ));
    Ok(())
}

/// The kind of a type, and the state that it gives a transaction (`None`: it is about a balance).
fn known(kind: &str) -> Option<(BankEventKind, Option<TransactionState>)> {
    match kind {
        "bank.transaction.authorised.v1" => {
            Some((BankEventKind::TransactionAuthorised, Some(TransactionState::Pending)))
        }
        "bank.transaction.posted.v1" | "bank.deposit.posted.v1" => {
            Some((BankEventKind::TransactionPosted, Some(TransactionState::Posted)))
        }
        "bank.transaction.reversed.v1" => {
            Some((BankEventKind::TransactionReversed, Some(TransactionState::Reversed)))
        }
        "bank.balance.changed.v1" => Some((BankEventKind::BalanceChanged, None)),
        _ => None,
    }
}
