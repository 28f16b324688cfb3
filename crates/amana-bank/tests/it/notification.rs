//! Intake of ISO 20022 camt.054.

use crate::fake::{institution, open, subject};
use amana_bank::{IntakeError, event_key, parse_notification};
use amana_core::BankEventKind;
use proptest::prelude::*;

fn entry(reference: &str, amount: &str, sign: &str, status: &str, more: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"USD\">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{more}<Sts><Cd>{status}</Cd></Sts>\
         <BookgDt><Dt>2026-11-24</Dt></BookgDt>{reference}<NtryDtls><TxDtls><RltdPties><Cdtr><Pty><Nm>Blue Bottle</Nm>\
         </Pty></Cdtr></RltdPties><RmtInf><Ustrd>Coffee</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
}

fn file(entries: &[String]) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn><GrpHdr>\
         <MsgId>1</MsgId><CreDtTm>2026-11-24T10:00:00Z</CreDtTm></GrpHdr><Ntfctn><Id>1</Id><Acct><Id><Othr><Id>chk</Id>\
         </Othr></Id><Ccy>USD</Ccy></Acct>{}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>",
        entries.concat()
    )
}

fn own(reference: &str) -> String {
    format!("<AcctSvcrRef>{reference}</AcctSvcrRef>")
}

#[test]
fn a_notification_becomes_the_same_events() {
    let text = file(&[
        entry(&own("t1"), "4.50", "DBIT", "PDNG", ""),
        entry(&own("t1"), "4.50", "DBIT", "BOOK", ""),
        entry(&own("t2"), "4.50", "CRDT", "BOOK", "<RvslInd>true</RvslInd>"),
    ]);
    let intake = parse_notification(&institution(), text.as_bytes()).unwrap();
    let kinds: Vec<BankEventKind> = intake.events.iter().map(|(event, _)| event.kind).collect();
    assert_eq!(
        kinds,
        [
            BankEventKind::TransactionAuthorised,
            BankEventKind::TransactionPosted,
            BankEventKind::TransactionReversed
        ]
    );
    let (event, body) = &intake.events[1];
    assert_eq!((event.account.as_str(), event.transaction_id.as_deref()), ("chk", Some("t1")));
    let body = open(&body.about(subject()));
    let said = &body["transaction"];
    assert_eq!(said["amount"]["minor"], 450);
    assert_eq!((said["direction"].as_str(), said["state"].as_str()), (Some("out"), Some("posted")));
    assert_eq!(
        (said["merchant"].as_str(), said["description"].as_str()),
        (Some("Blue Bottle"), Some("Coffee"))
    );
    assert_eq!(event.occurred.to_string(), "2026-11-24T00:00:00Z");
    // The same file brings the same events, and each row is one of its own.
    let again = parse_notification(&institution(), text.as_bytes()).unwrap();
    let keys = |intake: &amana_bank::Intake| -> Vec<[u8; 32]> {
        intake.events.iter().map(|(event, _)| event_key(event).0).collect()
    };
    assert_eq!(keys(&again), keys(&intake));
    assert_eq!(keys(&intake).into_iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
}

/// A number that begins anew with each file names no transaction: two files' first entries are two.
#[test]
fn an_entrys_number_is_no_transactions_id() {
    let numbered = |amount| {
        let text = file(&[entry("<NtryRef>1</NtryRef>", amount, "DBIT", "BOOK", "")]);
        let mut intake = parse_notification(&institution(), text.as_bytes()).unwrap();
        intake.events.remove(0).0.transaction_id.unwrap()
    };
    assert_ne!(numbered("4.50"), numbered("5.50"));
    assert_eq!(numbered("4.50"), numbered("4.50"));
}

#[test]
fn a_bad_file_is_refused_with_its_place_and_nothing_that_stood_there() {
    let read = |text: &str| match parse_notification(&institution(), text.as_bytes()) {
        Err(error) => error,
        Ok(intake) => panic!("{text} was taken: {intake:?}"),
    };
    let good = file(&[entry(&own("t1"), "4.50", "DBIT", "BOOK", "")]);
    let error = read(&good.replace(">4.50<", ">\nsecret-value<"));
    assert!(matches!(&error, IntakeError::File { line: Some(1), column: Some(_), .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.starts_with("line 1, column ") && said.contains("`Amt`"), "{said}");
    assert!(!said.contains("secret-value"), "{said}");
    assert!(said.ends_with("nothing of the file was taken"), "{said}");
    let statement = good
        .replace("camt.054", "camt.053")
        .replace("BkToCstmrDbtCdtNtfctn", "BkToCstmrStmt")
        .replace("Ntfctn", "Stmt");
    assert!(read(&statement).to_string().contains("only notifications (camt.054)"));
    assert!(read(&good[..good.len() - 30]).to_string().contains("line 1"));
    assert!(read("").to_string().contains("empty"));
    let account = good.replace(">chk<", &format!(">{}<", "c".repeat(300)));
    assert!(read(&account).to_string().contains("`Acct/Id`"));
    let many = file(&vec![entry(&own("t"), "1.00", "DBIT", "BOOK", ""); 1_001]);
    assert_eq!(read(&many), IntakeError::TooMany { count: 1_001 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever stands in the file, it is taken or refused.
    #[test]
    fn nothing_in_a_file_panics(at in 0usize..700, with in "[<>/&a-z0-9. -]{0,6}") {
        let mut text = file(&[entry(&own("t1"), "4.50", "DBIT", "BOOK", "")]);
        let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        text.insert_str(at, &with);
        let _ = parse_notification(&institution(), text.as_bytes());
    }
}
