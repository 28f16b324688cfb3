//! What can be wrong with a file.

use std::fmt;

use crate::limits;

/// What is wrong with the file, and where.
///
/// `Display` is for the person whose file it is and shows the wrong value where that is an amount, a date or a
/// code; [`StatementError::arabic`] is the same in Arabic, [`StatementError::for_log`] leaves the value out.
/// Names, texts and account numbers are in none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementError {
    /// Line in the decoded file, from 1; `None` if it is about the whole file.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The kinds of error. Element names are those of the format, and the values are shortened to
/// [`limits::SHOWN_MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is longer than [`limits::FILE_MAX_BYTES`].
    #[error("the file is larger than {} MiB; export a shorter period", limits::FILE_MAX_BYTES / 1024 / 1024)]
    FileTooLarge,
    /// Nothing but white space.
    #[error("the file is empty; export it again")]
    Empty,
    /// Neither OFX nor camt.
    #[error(
        "this is {looks_like}, not a statement in OFX or camt.053; choose `OFX`, `QFX`, `Quicken`, `Money` or `camt.053` in the bank's export"
    )]
    UnknownFormat {
        /// What it seems to be instead.
        looks_like: LooksLike,
    },
    /// ISO 20022, but another message or version.
    #[error("the message `{name}` is not read; export camt.053 or camt.054, version 001.02 to 001.13")]
    UnsupportedMessage {
        /// The message as the file names it.
        name: String,
    },
    /// The declared encoding does not exist, and the text needs one.
    #[error("the encoding `{label}` is not known; save the file as UTF-8")]
    UnknownEncoding {
        /// The label as declared.
        label: String,
    },
    /// Bytes that the encoding does not have.
    #[error(
        "there are bytes that are not {encoding}; correct the declared encoding or save the file as UTF-8"
    )]
    NotInEncoding {
        /// The encoding that was tried.
        encoding: &'static str,
    },
    /// A document type declaration; refused since it can define entities that grow without end.
    #[error("a document type declaration (`<!DOCTYPE`) is refused; remove it")]
    DoctypeRefused,
    /// A tag that does not end, or has no valid name.
    #[error("a tag that begins here is malformed; close it with `>`, or write a `<` in a text as `&lt;`")]
    MalformedTag,
    /// XML syntax, in the words of the problem.
    #[error("the XML is broken: {fault}; export the file again")]
    XmlSyntax {
        /// What is wrong.
        fault: XmlFault,
    },
    /// An element is still open where it must have ended. Positioned at its opening.
    #[error("`{element}` is opened here and never closed; the file may be cut off, so export it again")]
    Unclosed {
        /// The element.
        element: String,
    },
    /// An end tag without its start tag.
    #[error("`{element}` is closed here but was not open; remove the tag or export the file again")]
    UnexpectedClose {
        /// The element.
        element: String,
    },
    /// A transaction in a place where the format has none; leaving it out would lose it.
    #[error("`{element}` stands outside a list of transactions; export the file again")]
    Misplaced {
        /// The element.
        element: String,
    },
    /// An element behind the end of the document.
    #[error("`{element}` stands outside `OFX`; remove it or export the file again")]
    OutsideRoot {
        /// The element.
        element: String,
    },
    /// Text where only elements may stand.
    #[error("there is text in `{element}`, where only elements may stand; remove it")]
    UnexpectedText {
        /// The element.
        element: String,
    },
    /// An entity that XML does not define.
    #[error("the entity `&{name};` is not defined; write the character itself, and `&` as `&amp;`")]
    UnknownEntity {
        /// The entity's name.
        name: String,
    },
    /// Deeper than [`limits::NESTING_MAX_DEPTH`].
    #[error("elements are nested deeper than {}; export the file again", limits::NESTING_MAX_DEPTH)]
    TooDeep,
    /// More than [`limits::ELEMENTS_MAX_COUNT`].
    #[error("there are more than {} elements; export a shorter period", limits::ELEMENTS_MAX_COUNT)]
    TooManyElements,
    /// More than [`limits::TRANSACTIONS_MAX_COUNT`].
    #[error("there are more than {} transactions; export a shorter period", limits::TRANSACTIONS_MAX_COUNT)]
    TooManyTransactions,
    /// A text longer than [`limits::TEXT_MAX_BYTES`].
    #[error("`{element}` is longer than {} bytes; shorten it", limits::TEXT_MAX_BYTES)]
    TextTooLong {
        /// The element.
        element: String,
    },
    /// A required element is missing or empty. Positioned at its parent.
    #[error("`{parent}` has no `{element}`, or an empty one; export the file again or add it")]
    Missing {
        /// The element that must hold it.
        parent: String,
        /// What is missing, as a path.
        element: &'static str,
    },
    /// Not a number as the format writes amounts.
    #[error("`{element}` is `{value}`, not an amount; write it like `{example}`")]
    NotAnAmount {
        /// The element.
        element: String,
        /// What it says.
        value: String,
        /// How the format writes one.
        example: &'static str,
    },
    /// `1,234` in a currency with decimals: 1.234 or 1234?
    #[error(
        "`{element}` is `{value}`, which can mean two amounts; write it with its decimals, like `1234.00`"
    )]
    AmbiguousAmount {
        /// The element.
        element: String,
        /// What it says.
        value: String,
    },
    /// More decimals than the currency has.
    #[error(
        "`{element}` is `{value}`, but {currency} has {exponent} decimals; correct the amount or the currency"
    )]
    TooManyDecimals {
        /// The element.
        element: String,
        /// What it says.
        value: String,
        /// ISO 4217 code.
        currency: String,
        /// How many decimals the currency has.
        exponent: u16,
    },
    /// More than `i64` minor units.
    #[error("`{element}` is `{value}`, larger than any amount that is read; correct it")]
    AmountTooLarge {
        /// The element.
        element: String,
        /// What it says.
        value: String,
    },
    /// Not a date of the format, or not a day that exists.
    #[error("`{element}` is `{value}`, not a date; write it like `{example}`")]
    NotADate {
        /// The element.
        element: String,
        /// What it says.
        value: String,
        /// How the format writes one.
        example: &'static str,
    },
    /// Not an ISO 4217 code of a currency with minor units.
    #[error("`{element}` is `{value}`, not an ISO 4217 currency; write it like `USD`")]
    NotACurrency {
        /// The element.
        element: String,
        /// What it says.
        value: String,
    },
    /// A balance in another currency than the account.
    #[error("the balance is in {found} but the account in {expected}; correct one of them")]
    CurrencyMismatch {
        /// The account's.
        expected: String,
        /// The balance's.
        found: String,
    },
    /// Not one of the values the format allows.
    #[error("`{element}` is `{value}`, not one of {expected}; correct it")]
    NotACode {
        /// The element.
        element: String,
        /// What it says.
        value: String,
        /// What it may say.
        expected: &'static str,
    },
    /// The file holds the bank's refusal instead of a statement (OFX `STATUS` with severity `ERROR`).
    #[error("the bank answered with error `{code}` instead of a statement; download it again later")]
    BankRefused {
        /// OFX status code.
        code: String,
    },
    /// The right format, but no statement in it.
    #[error("there is no bank or credit-card statement in the file; investment accounts are not read")]
    NoStatement,
}

/// How XML can be broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XmlFault {
    /// An end tag of another element than the open one.
    Mismatched {
        /// The element that is open.
        expected: String,
        /// The element that is closed.
        found: String,
    },
    /// An `&` that begins no entity.
    BareAmpersand,
    /// A comment without its end.
    UnclosedComment,
    /// A CDATA section without its end.
    UnclosedCdata,
    /// Anything else.
    NotWellFormed,
}

impl fmt::Display for XmlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatched { expected, found } => {
                write!(f, "`{found}` is closed where `{expected}` should be")
            }
            Self::BareAmpersand => f.write_str("an `&` begins no entity (write it as `&amp;`)"),
            Self::UnclosedComment => f.write_str("a comment does not end"),
            Self::UnclosedCdata => f.write_str("a CDATA section does not end"),
            Self::NotWellFormed => f.write_str("it is not well-formed"),
        }
    }
}

/// What a file of another format seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooksLike {
    /// `%PDF`.
    Pdf,
    /// A ZIP archive (also XLSX, ODS).
    Zip,
    /// Compressed with gzip.
    Gzip,
    /// A page of the bank's site.
    WebPage,
    /// Quicken's older text format.
    Qif,
    /// SWIFT MT940.
    Mt940,
    /// XML of another kind.
    OtherXml,
    /// Anything else.
    Unknown,
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LooksLike::Pdf => "a PDF",
            LooksLike::Zip => "a ZIP archive or spreadsheet",
            LooksLike::Gzip => "a gzip archive",
            LooksLike::WebPage => "a web page",
            LooksLike::Qif => "a QIF file",
            LooksLike::Mt940 => "a SWIFT MT940 file",
            LooksLike::OtherXml => "XML of another kind",
            LooksLike::Unknown => "something unknown",
        })
    }
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.kind),
            (Some(line), None) => write!(f, "line {line}: {}", self.kind),
            _ => write!(f, "{}", self.kind),
        }
    }
}

impl std::error::Error for StatementError {}

impl StatementError {
    pub(crate) fn whole_file(kind: ErrorKind) -> Self {
        Self { line: None, column: None, kind }
    }

    /// An error at a byte position of the decoded text.
    pub(crate) fn at(text: &str, position: usize, kind: ErrorKind) -> Self {
        let (line, column) = line_and_column(text, position);
        Self { line: Some(line), column: Some(column), kind }
    }

    /// The message with the position and without the value that was wrong, fit for a log.
    #[must_use]
    pub fn for_log(&self) -> String {
        let mut hidden = self.clone();
        match &mut hidden.kind {
            ErrorKind::NotAnAmount { value, .. }
            | ErrorKind::AmbiguousAmount { value, .. }
            | ErrorKind::TooManyDecimals { value, .. }
            | ErrorKind::AmountTooLarge { value, .. }
            | ErrorKind::NotADate { value, .. }
            | ErrorKind::NotACurrency { value, .. }
            | ErrorKind::NotACode { value, .. }
            | ErrorKind::UnknownEntity { name: value }
            | ErrorKind::UnsupportedMessage { name: value }
            | ErrorKind::BankRefused { code: value }
            | ErrorKind::UnknownEncoding { label: value } => *value = "…".to_owned(),
            _ => {}
        }
        hidden.to_string()
    }
}

/// Shortens a value for a message and takes out what would break a line or turn the writing direction.
pub(crate) fn shown(value: &str) -> String {
    let clean = |c: char| if c.is_control() || crate::text::is_bidi_control(c) || c == '`' { '?' } else { c };
    let mut out: String = value.chars().take(limits::SHOWN_MAX_CHARS).map(clean).collect();
    if value.chars().nth(limits::SHOWN_MAX_CHARS).is_some() {
        out.push('…');
    }
    out
}

/// Line and column (both from 1, the column in characters) of a byte position. Line ends are LF, CRLF and CR.
fn line_and_column(text: &str, position: usize) -> (u32, u32) {
    let mut line: u32 = 1;
    let mut column: u32 = 1;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        if at >= position {
            break;
        }
        match c {
            '\n' if before == '\r' => {}
            '\n' | '\r' => {
                line = line.saturating_add(1);
                column = 1;
            }
            _ => column = column.saturating_add(1),
        }
        before = c;
    }
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_every_kind_of_line_end() {
        let text = "a\r\nb\rc\ndé!";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, text.find('b').unwrap()), (2, 1));
        assert_eq!(line_and_column(text, text.find('c').unwrap()), (3, 1));
        assert_eq!(line_and_column(text, text.find('!').unwrap()), (4, 3));
    }

    #[test]
    fn shown_values_are_short_and_on_one_line() {
        assert_eq!(shown("12,3,4"), "12,3,4");
        assert_eq!(shown("a\nb\u{202e}c`"), "a?b?c?");
        assert_eq!(shown(&"9".repeat(40)).chars().count(), limits::SHOWN_MAX_CHARS + 1);
    }

    #[test]
    fn a_log_line_does_not_show_the_value() {
        let error = StatementError {
            line: Some(42),
            column: Some(9),
            kind: ErrorKind::NotAnAmount {
                element: "TRNAMT".to_owned(),
                value: "12,3,4".to_owned(),
                example: "-1234.56",
            },
        };
        assert_eq!(
            error.to_string(),
            "line 42, column 9: `TRNAMT` is `12,3,4`, not an amount; write it like `-1234.56`"
        );
        assert!(!error.for_log().contains("12,3,4"));
        assert!(error.for_log().contains("line 42"));
    }
}
