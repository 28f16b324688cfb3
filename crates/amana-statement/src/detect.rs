//! Which format a file is in, from its content.

use crate::error::{ErrorKind, LooksLike, StatementError};
use crate::model::Format;
use crate::xml::is_padding;

pub(crate) enum Family {
    Ofx { version: Format },
    Xml,
}

/// Recognises what people choose by mistake, before anything is decoded.
pub(crate) fn refuse_other_formats(bytes: &[u8]) -> Result<(), StatementError> {
    let start = bytes.trim_ascii_start();
    let begins = |prefix: &str| {
        start.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let looks_like = if begins("%PDF") {
        LooksLike::Pdf
    } else if begins("PK\x03\x04") {
        LooksLike::Zip
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        LooksLike::Gzip
    } else if begins("<!DOCTYPE html") || begins("<html") {
        LooksLike::WebPage
    } else if begins("!Type:") || begins("!Account") || begins("!Option:") {
        LooksLike::Qif
    } else if begins("{1:") || begins(":20:") {
        LooksLike::Mt940
    } else {
        return Ok(());
    };
    Err(StatementError::whole_file(ErrorKind::UnknownFormat { looks_like }))
}

/// A file of which nothing is known.
pub(crate) fn unknown() -> StatementError {
    StatementError::whole_file(ErrorKind::UnknownFormat { looks_like: LooksLike::Unknown })
}

/// Looks at what stands before the first element, and at that element's name.
pub(crate) fn detect(text: &str) -> Result<Family, StatementError> {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or("");
        let tag = rest.find('<').ok_or_else(unknown)?;
        at += tag;
        let marked = rest.get(tag..).unwrap_or("");
        let end = if marked.starts_with("<?") {
            "?>"
        } else if marked.starts_with("<!--") {
            "-->"
        } else if marked.starts_with("<!") {
            return Err(StatementError::at(text, at, ErrorKind::DoctypeRefused));
        } else {
            let name: String = marked
                .chars()
                .skip(1)
                .take_while(|c| !matches!(c, '>' | '/' | '<') && !c.is_whitespace())
                .take(64)
                .collect();
            let before = text.get(..at).unwrap_or("");
            if name.eq_ignore_ascii_case("OFX") {
                let xml = before.contains("<?") || before.contains("OFXHEADER=");
                return Ok(Family::Ofx { version: if xml { Format::Ofx2 } else { Format::Ofx1 } });
            }
            let header_only = before.trim_start_matches(is_padding);
            return if header_only.is_empty() || header_only.starts_with('<') {
                Ok(Family::Xml)
            } else {
                Err(unknown())
            };
        };
        match marked.find(end) {
            Some(length) => at += length + end.len(),
            None => return Err(StatementError::at(text, at, ErrorKind::MalformedTag)),
        }
    }
}
