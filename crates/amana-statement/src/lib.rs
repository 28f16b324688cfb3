//! Reads the files in which banks hand a person their own statements.
//!
//! [`parse`] takes the bytes of one file and gives all statements in it, or one error that says where the file
//! is broken, what is wrong there and what to do. It is all or nothing: a file that is broken on its last line
//! gives no statement at all.
//!
//! | format | module | read as |
//! |---|---|---|
//! | OFX 1.0.2 to 1.6 (SGML) | `ofx` | by the tolerant tokenizer in `sgml` |
//! | OFX 2.0 to 2.3 (XML) | `ofx` | by the same tokenizer, since banks write it as loosely |
//! | ISO 20022 camt.053.001.02 and later | `camt` | as well-formed XML, in `xml` |
//! | ISO 20022 camt.054.001.02 and later | `camt` | the same; entries have the same shape |
//!
//! **What is not here:** no I/O, no clock, no randomness; no QIF, CSV, MT940 or camt.052; nothing of investment
//! accounts; no matching of one statement with another, and no check that balances and transactions add up
//! (banks export pages and periods that do not). Signs are the bank's: nothing is flipped because it looks odd.
//!
//! The file is foreign: every bound is a constant in [`limits`], a document type declaration is refused, and
//! no input makes the parser panic (held by property tests and by the target in `fuzz/`).

mod amount;
mod camt;
mod date;
mod detect;
mod encoding;
mod error;
mod error_ar;
pub mod limits;
mod model;
mod ofx;
mod sgml;
mod text;
mod tree;
mod xml;

pub use error::{ErrorKind, LooksLike, StatementError, XmlFault};
pub use model::{Account, AccountKind, Balance, Format, Statement, Status, Transaction};

/// Reads all statements of one file. The format and the character encoding are found from the content.
///
/// Statements come in the order of the file, and so do the transactions of each. A file may hold several
/// statements, also of the same account (camt pages a long one); each is given on its own.
///
/// # Errors
/// The first thing wrong with the file, with its line and column where these are known. Nothing is returned
/// of a file that is broken anywhere.
pub fn parse(bytes: &[u8]) -> Result<Vec<Statement>, StatementError> {
    if bytes.len() > limits::FILE_MAX_BYTES {
        return Err(StatementError::whole_file(ErrorKind::FileTooLarge));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StatementError::whole_file(ErrorKind::Empty));
    }
    let text = encoding::decode(bytes)?;
    match detect::detect(&text)? {
        detect::Family::Ofx { version } => {
            ofx::statements(&sgml::read(&text, version == Format::Ofx1)?, version)
        }
        detect::Family::Xml => camt::statements(&xml::read(&text)?),
    }
}
