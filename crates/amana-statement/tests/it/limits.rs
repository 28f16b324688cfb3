//! Each limit, from both sides where that is cheap.

use amana_statement::{ErrorKind, limits, parse};

fn ofx(transactions: usize, memo: &str) -> String {
    let mut text = "<OFX><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>".to_owned();
    for _ in 0..transactions {
        text.push_str("<STMTTRN><DTPOSTED>20260301<TRNAMT>1");
        text.push_str(memo);
        text.push_str("</STMTTRN>");
    }
    text.push_str("</BANKTRANLIST></STMTRS></OFX>");
    text
}

fn kind(text: &str) -> ErrorKind {
    parse(text.as_bytes()).unwrap_err().kind
}

#[test]
fn file_size() {
    let mut bytes = ofx(1, "").into_bytes();
    bytes.resize(limits::FILE_MAX_BYTES, b' ');
    assert_eq!(parse(&bytes).unwrap().len(), 1);
    bytes.push(b' ');
    assert_eq!(parse(&bytes).unwrap_err().kind, ErrorKind::FileTooLarge);
}

#[test]
fn transactions() {
    // Too many in two statements that each have few enough.
    let half = ofx(limits::TRANSACTIONS_MAX_COUNT / 2 + 1, "");
    assert_eq!(kind(&(half.clone() + &half)), ErrorKind::TooManyTransactions);
}

#[test]
fn text_length() {
    let memo = |length: usize| format!("<MEMO>{}", "m".repeat(length));
    let read = parse(ofx(1, &memo(limits::TEXT_MAX_BYTES)).as_bytes()).unwrap();
    assert_eq!(read[0].transactions[0].memo.as_ref().unwrap().len(), limits::TEXT_MAX_BYTES);
    let element = "MEMO".to_owned();
    assert_eq!(kind(&ofx(1, &memo(limits::TEXT_MAX_BYTES + 1))), ErrorKind::TextTooLong { element });
}

#[test]
fn nesting_in_sgml() {
    let deep = |depth: usize| "<X>".repeat(depth) + &"</X>".repeat(depth);
    // OFX, STMTRS, BANKTRANLIST and STMTTRN are around it.
    assert!(parse(ofx(1, &deep(limits::NESTING_MAX_DEPTH - 4)).as_bytes()).is_ok());
    assert_eq!(kind(&ofx(1, &deep(limits::NESTING_MAX_DEPTH - 3))), ErrorKind::TooDeep);
}

#[test]
fn elements() {
    assert_eq!(kind(&ofx(1, &"<X/>".repeat(limits::ELEMENTS_MAX_COUNT))), ErrorKind::TooManyElements);
}

/// The entity bomb that everybody tries.
#[test]
fn entities_do_not_grow() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>&b;</BkToCstmrStmt></Document>"#;
    assert_eq!(kind(bomb), ErrorKind::DoctypeRefused);
    let external = r#"<OFX><!DOCTYPE OFX SYSTEM "file:///etc/passwd"></OFX>"#;
    assert_eq!(kind(external), ErrorKind::DoctypeRefused);
}
