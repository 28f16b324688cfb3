//! `demo --statement`: a person's own export becomes a customer; a broken one loads nothing.

use crate::chat::{Chat, Till, link};
use crate::process::{Demo, amana, amana_says, folder, run};
use std::path::Path;

/// An OFX 1.x export as banks write it: no end tags, and a comma where there should be a point only in the broken one.
fn ofx(amount: &str) -> String {
    let head = "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\nCOMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n";
    format!(
        "{head}<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD\r\n\
         <BANKACCTFROM><BANKID>121000248<ACCTID>4415550123<ACCTTYPE>CHECKING</BANKACCTFROM>\r\n\
         <BANKTRANLIST><DTSTART>20261001<DTEND>20261031\r\n\
         <STMTTRN><TRNTYPE>POS<DTPOSTED>20261012<TRNAMT>{amount}<FITID>900<NAME>HARDWARE STORE</STMTTRN>\r\n\
         </BANKTRANLIST><LEDGERBAL><BALAMT>1234.56<DTASOF>20261031</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\r\n"
    )
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ones_own_export_becomes_a_customer() {
    let (keep, data) = folder();
    let file = written(keep.path(), "export.qfx", &ofx("-45.67"));
    let demo = Demo::start(&data, [0; 3], &["--statement", &file]);
    let chat = Chat::new(&demo.chat, "1000", "you");
    link(&chat, "cedar-bank", "me", "detail").await;
    chat.hears(0, "is linked").await;
    let balance = chat.ask("what is my balance?", "1,234.56").await;
    assert!(balance.contains("Cedar Bank"), "{balance}");

    // Again, and without it, each time at other ports: customer, link and consent stay as they are. It is stopped, not
    // killed: after a kill a message on its way would wait for its echo first.
    demo.process.interrupt();
    for (more, balance) in [(&["--statement", &file] as &[&str], "1,234.56"), (&[], "1,244.81")] {
        let demo = Demo::start(&data, [0; 3], more);
        let chat = Chat::new(&demo.chat, "1000", "you");
        chat.ask("what is my balance?", balance).await;
        let before = chat.said().await.len();
        // A deposit, as the export holds no card.
        let till = Till::new(&demo.bank, "cedar-bank");
        till.act("deposit", serde_json::json!({"customer": "me", "amount": "10.25"})).await;
        chat.hears(before, "10.25").await;
        demo.process.interrupt();
    }
}

#[test]
fn it_says_how_to_sign_in() {
    let (keep, data) = folder();
    let file = written(keep.path(), "export.qfx", &ofx("-45.67"));
    let mut command = amana();
    command
        .args([
            "demo",
            "--gateway-port",
            "0",
            "--bank-port",
            "0",
            "--chat-port",
            "0",
            "--statement",
            &file,
            "--data-dir",
        ])
        .arg(&data);
    let mut process = crate::process::Running::start(command);
    let lines: Vec<String> = (0..6).map(|_| process.line()).collect();
    assert!(
        lines[5].contains("1 account(s), 1 transactions at Cedar Bank") && lines[5].contains("`me`"),
        "{lines:?}"
    );
}

#[test]
fn a_broken_file_is_named_with_its_line_and_nothing_is_loaded() {
    let (keep, data) = folder();
    let good = written(keep.path(), "good.ofx", &ofx("-45.67"));
    let broken = written(keep.path(), "broken.ofx", &ofx("-45,6,7"));
    let data_dir = data.display().to_string();
    let begin =
        ["demo", "--gateway-port", "0", "--bank-port", "0", "--chat-port", "0", "--data-dir", &data_dir];
    let with = |files: &[&str], more: &[&str]| {
        let mut command = amana();
        command.args(begin).args(more);
        for file in files {
            command.arg("--statement").arg(file);
        }
        run(command)
    };
    let said = with(&[&good, &broken], &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("broken.ofx: line 14") && said.err.contains("TRNAMT"), "{}", said.err);
    assert!(said.err.contains("nothing was loaded") && !data.exists(), "{}", said.err);

    let said = with(&[&broken], &["--lang", "ar"]);
    assert!(said.err.contains("السطر 14"), "{}", said.err);

    let said = amana_says(&["demo", "--statement", "nowhere.ofx", "--data-dir", &data_dir]);
    assert!(said.code == Some(1) && said.err.contains("nowhere.ofx: cannot be read"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_or_too_large_is_not_read() {
    let (keep, data) = folder();
    let large = keep.path().join("large.ofx");
    // A file with a hole: no disk space is taken.
    let file = std::fs::File::create(&large).expect("a file");
    file.set_len(u64::try_from(amana_statement::limits::FILE_MAX_BYTES).expect("a number") + (1 << 40))
        .expect("its length");
    let large = large.display().to_string();
    let place = data.display().to_string();
    let says = |statement: &str| {
        amana_says(&["demo", "--data-dir", &place, "--statement", statement, "--gateway-port", "0"])
    };
    for not_a_file in ["/dev/zero", "/dev/tty", keep.path().to_str().expect("text")] {
        let said = says(not_a_file);
        assert!(said.code == Some(1) && said.err.contains("is not a regular file"), "{}", said.err);
    }
    let said = says(&large);
    assert!(said.code == Some(1) && said.err.contains("large"), "{}", said.err);
    assert!(!data.exists());
}

/// Goal: the bank alone takes an export, too, at every institution, and a broken one stops it before it begins.
#[tokio::test]
async fn the_sandbox_bank_alone_takes_an_export() {
    let (keep, data) = folder();
    let file = written(keep.path(), "export.qfx", &ofx("-45.67"));
    let begin = |file: &str| {
        let mut command = amana();
        command.args(["sandbox", "bank", "--port", "0", "--seed", "7", "--speed-up", "1440"]);
        command.args(["--statement", file, "--data-dir"]).arg(&data);
        command
    };
    let broken = written(keep.path(), "broken.ofx", &ofx("-45,6,7"));
    let said = run(begin(&broken));
    assert!(said.code == Some(1) && said.err.contains("broken.ofx: line 14"), "{}", said.err);
    assert!(!data.exists());
    let mut bank = crate::process::Running::start(begin(&file));
    let said = bank.json();
    // Nobody named an application: it is FAPI 2.0's, with a key for the one there is.
    assert_eq!(said["client"]["id"], "amana");
    let key = said["client"]["private_key_file"].as_str().expect("a file");
    assert!(std::fs::read_to_string(key).expect("the key").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    for institution in said["institutions"].as_array().expect("institutions") {
        let url = format!("{}/till?c=me", institution["issuer"].as_str().expect("a url"));
        let till = crate::browser::Browser::new().open(&url).await.html;
        assert!(till.contains("HARDWARE STORE"), "{till}");
    }
}
