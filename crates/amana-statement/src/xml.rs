//! Well-formed XML (camt) into the element tree.

use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::Event;

use crate::error::{ErrorKind, StatementError, XmlFault, shown};
use crate::tree::{Builder, Doc};

/// Reads the whole text. Document type declarations and entities other than the five of XML are refused, so there
/// is nothing that could grow.
pub(crate) fn read(text: &str) -> Result<Doc<'_>, StatementError> {
    let mut reader = Reader::from_str(text);
    let mut tree = Builder::new(text, false);
    loop {
        let start = position(reader.buffer_position());
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let at = position(reader.error_position());
                return Err(StatementError::at(text, at, describe(error)));
            }
        };
        let end = position(reader.buffer_position());
        let fail = |kind| Err(StatementError::at(text, start, kind));
        match event {
            Event::Start(tag) => tree.start(start + 1, tag.name().0.len(), end)?,
            Event::Empty(tag) => {
                // The slash counts as content start, so that the tag's text (attributes) ends before it.
                tree.start(start + 1, tag.name().0.len(), end.saturating_sub(1))?;
                tree.end(end.saturating_sub(1));
            }
            // The reader has compared the names.
            Event::End(_) => tree.end(start),
            Event::DocType(_) => return fail(ErrorKind::DoctypeRefused),
            Event::GeneralRef(entity) => {
                let name = entity.into_inner();
                let defined = match name.strip_prefix('#') {
                    Some(number) => is_character(number),
                    None => matches!(&*name, "amp" | "lt" | "gt" | "quot" | "apos"),
                };
                if !defined {
                    return fail(ErrorKind::UnknownEntity { name: shown(&name) });
                }
            }
            Event::Text(content) if tree.depth() == 0 && !content.trim_matches(is_padding).is_empty() => {
                return fail(ErrorKind::UnexpectedText { element: "the file".to_owned() });
            }
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(innermost) = tree.depth().checked_sub(1) {
        let kind = ErrorKind::Unclosed { element: shown(tree.open_name(innermost)) };
        return Err(StatementError::at(text, tree.open_position(innermost), kind));
    }
    Ok(tree.finish())
}

/// What may stand around the outermost element: white space, and what old systems pad or end files with.
pub(crate) fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\0' | '\u{1a}' | '\u{feff}')
}

fn position(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

fn is_character(number: &str) -> bool {
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    code.is_ok_and(|code| code != 0 && char::from_u32(code).is_some())
}

fn describe(error: Error) -> ErrorKind {
    let fault = match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            XmlFault::Mismatched { expected: shown(&expected), found: shown(&found) }
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(name)) => {
            return ErrorKind::UnexpectedClose { element: shown(&name) };
        }
        Error::IllFormed(IllFormedError::UnclosedReference) => XmlFault::BareAmpersand,
        Error::Syntax(SyntaxError::UnclosedComment) => XmlFault::UnclosedComment,
        Error::Syntax(SyntaxError::UnclosedCData) => XmlFault::UnclosedCdata,
        Error::Syntax(SyntaxError::UnclosedDoctype) => return ErrorKind::DoctypeRefused,
        Error::Syntax(_) => return ErrorKind::MalformedTag,
        _ => XmlFault::NotWellFormed,
    };
    ErrorKind::XmlSyntax { fault }
}
