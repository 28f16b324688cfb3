//! From bytes to text, in the face of headers that say one encoding and bytes that are in another.
//!
//! The bytes win where they speak: a byte order mark, the zero bytes of UTF-16, and text that is valid UTF-8 (that
//! single-byte text beyond ASCII happens to be valid UTF-8 practically does not occur). Only then does the
//! declaration count.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, WINDOWS_1256};

use crate::detect;
use crate::error::{ErrorKind, StatementError, shown};

/// How far into the file a header is looked for, in bytes.
const HEAD_MAX_BYTES: usize = 4096;

pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, StatementError> {
    detect::refuse_other_formats(bytes)?;
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(bytes.get(mark..).unwrap_or_default(), encoding);
    }
    match bytes {
        [0, low, ..] if *low != 0 => return decode_as(bytes, UTF_16BE),
        [high, 0, ..] if *high != 0 => return decode_as(bytes, UTF_16LE),
        _ => {}
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let head: String =
        bytes.iter().take(HEAD_MAX_BYTES).map(|&b| if b.is_ascii() { b as char } else { '?' }).collect();
    let upper = head.to_ascii_uppercase();
    let ofx = upper.contains("<OFX") || upper.contains("OFXHEADER");
    if !ofx && !head.contains('<') {
        return Err(detect::unknown());
    }
    match declared(&head)? {
        // Not UTF-8 (see above), whatever the header says.
        Some(encoding) if encoding != UTF_8 && !is_utf16(encoding) => decode_as(bytes, encoding),
        // OFX names the language of its texts; that tells which of the Windows code pages a bank has.
        _ if ofx && (upper.contains("<LANGUAGE>ARA") || upper.contains("<LANGUAGE>AR<")) => {
            decode_as(bytes, WINDOWS_1256)
        }
        _ if ofx => decode_as(bytes, WINDOWS_1252),
        // XML without a declaration is UTF-8, and guessing another one would garble names.
        _ => decode_as(bytes, UTF_8),
    }
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

fn decode_as<'b>(bytes: &'b [u8], encoding: &'static Encoding) -> Result<Cow<'b, str>, StatementError> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    let kind = ErrorKind::NotInEncoding { encoding: encoding.name() };
    if encoding == UTF_8
        && let Err(error) = std::str::from_utf8(bytes)
        && let Some(Ok(valid)) = bytes.get(..error.valid_up_to()).map(std::str::from_utf8)
    {
        return Err(StatementError::at(valid, valid.len(), kind));
    }
    Err(StatementError::whole_file(kind))
}

/// The encoding that the OFX header or the XML declaration names; `None` if it names none, or leaves it open.
fn declared(head: &str) -> Result<Option<&'static Encoding>, StatementError> {
    let label = if head.to_ascii_uppercase().contains("OFXHEADER:") {
        // OFX 1.6 §2.2.1: ENCODING says how many bytes, CHARSET which page.
        match header_value(head, "CHARSET") {
            Some(charset) if !is_open(&charset) => charset,
            _ => match header_value(head, "ENCODING") {
                Some(encoding) if !is_open(&encoding) => encoding,
                _ => return Ok(None),
            },
        }
    } else {
        match xml_encoding(head) {
            Some(label) => label,
            None => return Ok(None),
        }
    };
    let known = match label.to_ascii_uppercase().as_str() {
        // OFX writes bare numbers for Windows and ISO pages, and IANA's alias for the universal set.
        "65001" | "UTF8" | "CSUNICODE" | "UNICODE" => Some(UTF_8),
        number if number.bytes().all(|b| b.is_ascii_digit()) => {
            Encoding::for_label(format!("windows-{number}").as_bytes())
        }
        part if part.starts_with("8859-") => Encoding::for_label(format!("iso-{part}").as_bytes()),
        part if part.starts_with("CP") => {
            Encoding::for_label(format!("windows-{}", part.get(2..).unwrap_or("")).as_bytes())
        }
        other => Encoding::for_label(other.as_bytes()),
    };
    let unknown = || StatementError::whole_file(ErrorKind::UnknownEncoding { label: shown(&label) });
    known.map(Some).ok_or_else(unknown)
}

/// Labels that name no page.
fn is_open(label: &str) -> bool {
    ["NONE", "", "USASCII", "US-ASCII", "ASCII"].iter().any(|open| open.eq_ignore_ascii_case(label))
}

/// A value of the OFX 1 header. Banks also write the whole header on one line without anything in between
/// (`…CHARSET:1252COMPRESSION:NONE…`), so a value ends at white space or at the next key.
fn header_value(head: &str, key: &str) -> Option<String> {
    const KEYS: [&str; 9] = [
        "OFXHEADER:",
        "DATA:",
        "VERSION:",
        "SECURITY:",
        "ENCODING:",
        "CHARSET:",
        "COMPRESSION:",
        "OLDFILEUID:",
        "NEWFILEUID:",
    ];
    let upper = head.to_ascii_uppercase();
    let upper = upper.split('<').next().unwrap_or("");
    let start = upper.find(&format!("{key}:"))? + key.len() + 1;
    let value = upper.get(start..)?.trim_start_matches([' ', '\t']);
    let value = value.split(char::is_whitespace).next().unwrap_or("");
    let end = KEYS.iter().filter_map(|next| value.find(next)).min().unwrap_or(value.len());
    Some(value.get(..end)?.to_owned())
}

fn xml_encoding(head: &str) -> Option<String> {
    let declaration = head.split_once("<?xml")?.1.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(label, _)| label.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_as_banks_write_them() {
        let ofx =
            |charset: &str| declared(&format!("OFXHEADER:100\nENCODING:USASCII\nCHARSET:{charset}\n\n<OFX>"));
        assert_eq!(ofx("1252").unwrap(), Some(WINDOWS_1252));
        assert_eq!(ofx("1256").unwrap(), Some(WINDOWS_1256));
        assert_eq!(ofx("8859-1").unwrap(), Some(WINDOWS_1252), "the web's reading of Latin-1");
        assert_eq!(ofx("ISO-8859-6").unwrap().map(Encoding::name), Some("ISO-8859-6"));
        assert_eq!(ofx("cp1256").unwrap(), Some(WINDOWS_1256));
        assert_eq!(ofx("NONE").unwrap(), None);
        assert!(ofx("KLINGON").is_err());
        let line = "OFXHEADER:100DATA:OFXSGMLVERSION:102ENCODING:USASCIICHARSET:1256COMPRESSION:NONE<OFX>";
        assert_eq!(declared(line).unwrap(), Some(WINDOWS_1256));
        assert_eq!(declared("<?xml version='1.0' encoding = 'windows-1252'?>").unwrap(), Some(WINDOWS_1252));
        assert_eq!(declared("<Document>").unwrap(), None);
    }
}
