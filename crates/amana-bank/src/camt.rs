//! Intake of ISO 20022 camt.054 (bank-to-customer debit/credit notification): the events of a file, in the words of
//! those that come as CloudEvents. Who sends it is the web layer's to check, as there.
//!
//! An account is known by `Acct/Id` as the FDX API of the same bank calls it. A transaction is known by the bank's own
//! reference (`AcctSvcrRef`), so that what came by another way under that id is not told again; without one it is known
//! by what it says.

use crate::events::{Intake, IntakeError};
use crate::limits::{DESCRIPTION_CHARS_MAX, EVENTS_MAX, NAME_CHARS_MAX};
use crate::text::clean;
use amana_core::ids::{FOREIGN_ID_BYTES_MAX, sha256};
use amana_core::{
    AccountId, BankEvent, BankEventBody, BankEventKind, Currency, Direction, InstitutionId, Money, Timestamp,
    Transaction, TransactionState,
};
use amana_gate::Unaddressed;
use amana_statement::{Format, Statement, StatementError, Status};

/// The media types of a notification.
const XML: [&str; 2] = ["application/xml", "text/xml"];

/// Whether a content type is that of a notification.
#[must_use]
pub fn is_xml(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    XML.contains(&media.as_str())
}

/// Reads the events of a camt.054 file, in its order. An event's id is made of all that it says: the same file brings
/// the same events.
///
/// # Errors
/// The first thing wrong with the file, and where; then nothing of it is taken.
pub fn parse_notification(institution: &InstitutionId, file: &[u8]) -> Result<Intake, IntakeError> {
    let statements = amana_statement::parse(file).map_err(|error| of_file(&error))?;
    if statements.iter().any(|statement| statement.format != Format::Camt054) {
        let what = "it is a statement; only notifications (camt.054) are taken here".to_owned();
        return Err(IntakeError::File { line: None, column: None, what });
    }
    let count: usize = statements.iter().map(|statement| statement.transactions.len()).sum();
    if count > EVENTS_MAX {
        return Err(IntakeError::TooMany { count });
    }
    let mut intake = Intake::default();
    for statement in &statements {
        take(institution, statement, &mut intake)?;
    }
    Ok(intake)
}

/// The message has the place and the element, and nothing that stood there.
fn of_file(error: &StatementError) -> IntakeError {
    let placeless = StatementError { line: None, column: None, kind: error.kind.clone() };
    IntakeError::File { line: error.line, column: error.column, what: placeless.for_log() }
}

fn take(institution: &InstitutionId, statement: &Statement, intake: &mut Intake) -> Result<(), IntakeError> {
    for (key, row) in statement.keys().into_iter().zip(&statement.transactions) {
        let index = intake.events.len();
        let wrong =
            |attribute: &str, what| IntakeError::Event { index, attribute: attribute.to_owned(), what };
        let account = AccountId::new(statement.account.number.as_str())
            .map_err(|_| wrong("Acct/Id", "cannot be an account's id"))?;
        let currency = Currency::from_code(&row.currency)
            .map_err(|_| wrong("Amt/@Ccy", "is not a currency that is known"))?;
        let day = jiff::tz::TimeZone::UTC.to_timestamp(row.booked.at(0, 0, 0, 0));
        let occurred = match row.time {
            Some(time) => time,
            None => day.map_err(|_| wrong("BookgDt", "is not a day that can be"))?,
        };
        let (kind, state) = match (row.reversal, row.status) {
            (true, _) => (BankEventKind::TransactionReversed, TransactionState::Reversed),
            (false, Status::Booked) => (BankEventKind::TransactionPosted, TransactionState::Posted),
            (false, Status::Pending) => (BankEventKind::TransactionAuthorised, TransactionState::Pending),
        };
        let text = |text: &Option<String>, most| text.as_deref().map(|text| clean(text, most));
        let description = text(&row.memo, DESCRIPTION_CHARS_MAX).unwrap_or_default();
        let name = text(&row.name, NAME_CHARS_MAX).filter(|name| !name.is_empty());
        let merchant =
            name.or_else(|| Some(clean(&description, NAME_CHARS_MAX)).filter(|name| !name.is_empty()));
        let said = digest(&account, occurred, &key, row);
        // A number that begins anew with each file names nothing.
        let id = match &row.id {
            Some(id) if row.id_lasts && id.len() <= FOREIGN_ID_BYTES_MAX => id.clone(),
            _ => format!("camt:{said}"),
        };
        let transaction = Transaction {
            id: id.clone(),
            reference_id: None,
            account: account.clone(),
            state,
            direction: if row.minor < 0 { Direction::Out } else { Direction::In },
            amount: Money::new(row.minor.saturating_abs(), currency),
            merchant,
            description,
            at: occurred,
        };
        let event = BankEvent {
            institution: institution.clone(),
            id: format!("camt.054 {said}"),
            occurred,
            account,
            subject: None,
            kind,
            transaction_id: Some(id),
            reference_id: None,
        };
        intake.events.push((event, Unaddressed::new(BankEventBody::Transaction(transaction))));
    }
    Ok(())
}

/// What a row says, in a word that shows none of it.
fn digest(account: &AccountId, at: Timestamp, key: &str, row: &amana_statement::Transaction) -> String {
    let [minor, at] = [row.minor.to_string(), at.to_string()];
    let (status, reversal) = (format!("{:?}", row.status), row.reversal.to_string());
    let parts = [
        account.as_str(),
        key,
        &minor,
        &row.currency,
        &at,
        &status,
        &reversal,
        row.name.as_deref().unwrap_or_default(),
        row.memo.as_deref().unwrap_or_default(),
        row.reference.as_deref().unwrap_or_default(),
    ];
    // The length before each part: moving text from one to the next is another row.
    let framed: Vec<u8> =
        parts.iter().flat_map(|p| (p.len() as u64).to_be_bytes().into_iter().chain(p.bytes())).collect();
    sha256(&[&framed]).iter().take(16).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
