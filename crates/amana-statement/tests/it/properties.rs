//! No input makes the parser panic, no part of a file passes for the whole, and what is written is read.

use amana_statement::{Status, parse};
use proptest::prelude::*;

use crate::fixtures::files;

fn good_files() -> Vec<Vec<u8>> {
    files("good").iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A file that is cut off anywhere gives an error, unless only padding is missing. All or nothing rests on this.
#[test]
fn a_cut_file_is_never_read() {
    for path in files("good") {
        let bytes = std::fs::read(&path).unwrap();
        // Two documents in one file: cut between them, the first is whole.
        if path.ends_with("ofx-two-documents.ofx") {
            continue;
        }
        let whole = parse(&bytes).unwrap();
        for end in 0..bytes.len() {
            if let Ok(read) = parse(&bytes[..end]) {
                let rest = &bytes[end..];
                let padding = rest.iter().all(|b| matches!(b, b'\r' | b'\n' | 0 | 0x1a));
                assert!(padding, "{} cut at {end} of {}", path.display(), bytes.len());
                assert_eq!(read, whole);
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Set(usize, u8),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Insert(usize, Vec<u8>),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let snippet = prop_oneof![
        Just(b"<".to_vec()),
        Just(b">".to_vec()),
        Just(b"&".to_vec()),
        Just(b"</STMTTRN>".to_vec()),
        Just(b"<STMTTRN>".to_vec()),
        Just(b"<![CDATA[".to_vec()),
        Just(b"<!--".to_vec()),
        Just(b"<?".to_vec()),
        Just(b"<A/>".to_vec()),
        Just(b"[-".to_vec()),
        Just(b",".to_vec()),
        Just("\u{660}\u{202e}é".as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<usize>(), 1..200usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (any::<usize>(), 1..400usize, any::<usize>())
            .prop_map(|(at, length, to)| Mutation::Copy(at, length, to)),
        (any::<usize>(), snippet).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
    ]
}

fn apply(bytes: &mut Vec<u8>, mutation: Mutation) {
    if bytes.is_empty() {
        return;
    }
    let len = bytes.len();
    match mutation {
        Mutation::Set(at, byte) => bytes[at % len] = byte,
        Mutation::Remove(at, length) => {
            let at = at % len;
            bytes.drain(at..(at + length).min(len));
        }
        Mutation::Copy(at, length, to) => {
            let at = at % len;
            let piece = bytes[at..(at + length).min(len)].to_vec();
            let to = to % len;
            bytes.splice(to..to, piece);
        }
        Mutation::Insert(at, piece) => {
            let at = at % len;
            bytes.splice(at..at, piece);
        }
    }
}

/// An error can be shown in each way, and says where it is if it says anything.
fn check(bytes: &[u8]) {
    match parse(bytes) {
        Ok(statements) => {
            assert!(!statements.is_empty());
            for statement in statements {
                let keys = statement.keys();
                let unique: std::collections::HashSet<_> = keys.iter().collect();
                assert_eq!(unique.len(), statement.transactions.len());
            }
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(!error.for_log().is_empty());
            assert!(!error.arabic().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn arbitrary_tags_do_not_panic(text in "(<OFX>|<Document>)?(</?[A-Z]{1,3}>|</?STMTRS>|</?STMTTRN>|</?OFX>|[a-z&;<>0-9 ]{0,5}){0,40}") {
        check(text.as_bytes());
    }

    #[test]
    fn mutated_files_do_not_panic(
        which in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut files = good_files();
        let mut bytes = files.swap_remove(which.index(files.len()));
        for mutation in mutations {
            apply(&mut bytes, mutation);
        }
        check(&bytes);
    }
}

#[derive(Debug, Clone)]
struct Written {
    minor: i64,
    day: i8,
    name: String,
    id: String,
    pending: bool,
}

fn written() -> impl Strategy<Value = Written> {
    let name = "[A-Za-z&<>'\"ء-ي][A-Za-z &<>'\"ء-ي0-9]{0,20}[A-Za-z0-9ء-ي]";
    (-1_000_000_000_000i64..1_000_000_000_000, 1i8..=28, name, "[A-Z0-9]{1,12}", any::<bool>()).prop_map(
        |(minor, day, name, id, pending)| {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            Written { minor, day, name, id, pending }
        },
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

fn as_ofx(all: &[Written], closed: bool) -> String {
    let mut text =
        "OFXHEADER:100\n\n<OFX><STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><ACCTID>1</BANKACCTFROM>"
            .to_owned();
    for (list, entry, pending) in [("BANKTRANLIST", "STMTTRN", false), ("BANKTRANLISTP", "STMTTRNP", true)] {
        text += &format!("<{list}>\n");
        for t in all.iter().filter(|t| t.pending == pending) {
            let mut leaf = |name: &str, value: &str| {
                text += &format!("<{name}>{value}");
                if closed {
                    text += &format!("</{name}>");
                }
                text += "\n";
            };
            leaf(entry, "");
            leaf("DTPOSTED", &format!("202603{:02}", t.day));
            leaf("TRNAMT", &decimal(t.minor));
            leaf("FITID", &t.id);
            leaf("NAME", &escape(&t.name));
            text += &format!("</{entry}>");
        }
        text += &format!("</{list}>");
    }
    // `leaf` has closed the aggregate at once.
    let text = if closed {
        text.replace("<STMTTRN></STMTTRN>", "<STMTTRN>").replace("<STMTTRNP></STMTTRNP>", "<STMTTRNP>")
    } else {
        text
    };
    text + "</STMTRS></STMTTRNRS></OFX>"
}

fn as_camt(all: &[Written]) -> String {
    let mut text = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Acct><Id><Othr><Id>1</Id></Othr></Id><Ccy>USD</Ccy></Acct>"#.to_owned();
    for t in all {
        let amount = decimal(t.minor.abs());
        let (sign, role) = if t.minor < 0 { ("DBIT", "Cdtr") } else { ("CRDT", "Dbtr") };
        let status = if t.pending { "PDNG" } else { "BOOK" };
        text += &format!(
            "<Ntry><Amt Ccy=\"USD\">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-03-{:02}</Dt></BookgDt><AcctSvcrRef>{}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><{role}><Pty><Nm>{}</Nm></Pty></{role}></RltdPties></TxDtls></NtryDtls></Ntry>",
            t.day,
            t.id,
            escape(&t.name),
        );
    }
    text + "</Stmt></BkToCstmrStmt></Document>"
}

fn read_back(text: &str) -> Vec<(i64, i8, String, String, bool)> {
    let statements = parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(statements.len(), 1);
    let read = statements[0].transactions.iter().map(|t| {
        let pending = t.status == Status::Pending;
        (t.minor, t.booked.day(), t.name.clone().unwrap(), t.id.clone().unwrap(), pending)
    });
    read.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(all in prop::collection::vec(written(), 0..12)) {
        let mut expected: Vec<_> =
            all.iter().map(|t| (t.minor, t.day, t.name.clone(), t.id.clone(), t.pending)).collect();
        prop_assert_eq!(&read_back(&as_camt(&all)), &expected);
        // OFX has the pending ones in a list of their own, behind.
        expected.sort_by_key(|t| t.4);
        prop_assert_eq!(&read_back(&as_ofx(&all, false)), &expected);
        prop_assert_eq!(&read_back(&as_ofx(&all, true)), &expected);
    }
}
