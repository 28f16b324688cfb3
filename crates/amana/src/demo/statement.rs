//! A person's own bank exports as a customer of the sandbox bank.

use crate::cli::Language;
use amana_sandbox_bank::{AccountKind, ImportedAccount, ImportedCustomer, ImportedTransaction};
use amana_statement::limits::FILE_MAX_BYTES;
use amana_statement::{Statement, Status};
use anyhow::{Context as _, bail};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The name with which the customer signs in.
pub(crate) const USERNAME: &str = "me";

/// What was read, and what could not be taken along.
pub(crate) struct Read {
    pub(crate) customer: ImportedCustomer,
    /// Transactions that are only announced.
    pub(crate) pending: usize,
    /// Transactions in another currency than their account's.
    pub(crate) foreign: usize,
}

/// Reads all files. `None` if there are none.
///
/// # Errors
/// The first file that is broken, with line and reason. Nothing is loaded then.
pub(crate) fn read(files: &[PathBuf], lang: Language) -> anyhow::Result<Option<Read>> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut statements = Vec::new();
    let mut broken = Vec::new();
    for path in files {
        let bytes = content(path, lang)?;
        match amana_statement::parse(&bytes) {
            Ok(read) => statements.extend(read),
            Err(error) => {
                // The log must not hold what stands in the file; the person's own terminal may.
                tracing::debug!(error = error.for_log(), "a statement was refused");
                let what = if lang == Language::Ar { error.arabic() } else { error.to_string() };
                broken.push(format!("{}: {what}", path.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("{}\nnothing was loaded: mend the file, or leave it out", broken.join("\n"));
    }
    join(&statements).map(Some)
}

/// A file's bytes: one more than is allowed at most, which the parser then says in the person's language.
fn content(path: &Path, lang: Language) -> anyhow::Result<Vec<u8>> {
    let unreadable = |e: std::io::Error| {
        anyhow::anyhow!("{}: cannot be read ({})", path.display(), crate::files::plain(&e))
    };
    // Before it is opened: opening a pipe waits for its other end, and reading a device may never end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        let what = match lang {
            Language::Ar => "ليس ملفًا عاديًا؛ أعطِ ملف كشف الحساب الذي صدّره مصرفك",
            Language::En => "is not a regular file; give the file that your bank exported",
        };
        bail!("{}: {what}", path.display());
    }
    let most = u64::try_from(FILE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(bytes)
}

/// One account as several statements tell of it.
#[derive(Default)]
struct Parts {
    kind: Option<AccountKind>,
    currency: String,
    /// The newest balance, with its day.
    ledger: Option<(Date, i64)>,
    available: Option<(Date, i64)>,
    /// The earliest opening balance.
    opening: Option<(Date, i64)>,
    transactions: BTreeMap<String, ImportedTransaction>,
    seen: BTreeSet<(String, Date, i64)>,
}

fn join(statements: &[Statement]) -> anyhow::Result<Read> {
    let mut accounts: BTreeMap<String, Parts> = BTreeMap::new();
    let (mut pending, mut foreign) = (0, 0);
    for statement in statements {
        let number = statement.account.number.clone();
        let parts = accounts.entry(number).or_default();
        if !parts.currency.is_empty() && parts.currency != statement.account.currency {
            bail!(
                "two statements of one account are in `{}` and `{}`: leave one of them out",
                parts.currency,
                statement.account.currency
            );
        }
        parts.currency.clone_from(&statement.account.currency);
        parts.kind = Some(match statement.account.kind {
            amana_statement::AccountKind::Savings => AccountKind::Savings,
            amana_statement::AccountKind::CreditCard => AccountKind::CreditCard,
            amana_statement::AccountKind::Checking | amana_statement::AccountKind::Other => {
                AccountKind::Checking
            }
        });
        let newest = |old: Option<(Date, i64)>, new: Option<amana_statement::Balance>| match (old, new) {
            (Some(old), Some(new)) if old.0 > new.as_of => Some(old),
            (old, None) => old,
            (_, Some(new)) => Some((new.as_of, new.minor)),
        };
        parts.ledger = newest(parts.ledger, statement.ledger_balance);
        parts.available = newest(parts.available, statement.available_balance);
        parts.opening = match (parts.opening, statement.opening_balance) {
            (Some(old), Some(new)) if new.as_of >= old.0 => Some(old),
            (old, None) => old,
            (_, Some(new)) => Some((new.as_of, new.minor)),
        };
        for (key, transaction) in statement.keys().into_iter().zip(&statement.transactions) {
            if transaction.status == Status::Pending {
                pending += 1;
            } else if transaction.currency != statement.account.currency {
                foreign += 1;
            } else if parts.seen.insert((key.clone(), transaction.booked, transaction.minor)) {
                let taken = parts.transactions.contains_key(&key);
                // Banks give an identifier twice; the day and the amount tell the two apart, also the next time.
                let id =
                    if taken { format!("{key}@{}/{}", transaction.booked, transaction.minor) } else { key };
                let text = [&transaction.memo, &transaction.name].into_iter().flatten().next();
                parts.transactions.insert(
                    id.clone(),
                    ImportedTransaction {
                        id: Some(id),
                        posted: transaction.booked,
                        amount_minor: transaction.minor,
                        description: text.cloned().unwrap_or_else(|| "—".to_owned()),
                        merchant: transaction.name.clone(),
                    },
                );
            }
        }
    }
    let accounts = accounts
        .into_iter()
        .map(|(number, parts)| {
            let moved: i64 = parts
                .transactions
                .values()
                .try_fold(0_i64, |sum, t| sum.checked_add(t.amount_minor))
                .context("the transactions of an account add up to more than can be counted")?;
            let opened = parts.opening.map_or(0, |(_, minor)| minor);
            Ok(ImportedAccount {
                number,
                kind: parts.kind.unwrap_or(AccountKind::Checking),
                currency: parts.currency,
                ledger_balance_minor: parts.ledger.map_or(opened.saturating_add(moved), |(_, minor)| minor),
                available_minor: parts.available.map(|(_, minor)| minor),
                transactions: parts.transactions.into_values().collect(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    if accounts.is_empty() {
        bail!("the files hold no account: export a statement of an account");
    }
    let customer =
        ImportedCustomer { username: USERNAME.to_owned(), display_name: "Me".to_owned(), accounts };
    Ok(Read { customer, pending, foreign })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ofx(number: &str, ledger: &str, rows: &[(&str, &str, &str)]) -> Vec<Statement> {
        let rows: String = rows
            .iter()
            .map(|(id, day, amount)| {
                format!("<STMTTRN><TRNTYPE>POS<DTPOSTED>{day}<TRNAMT>{amount}<FITID>{id}<NAME>SHOP</STMTTRN>")
            })
            .collect();
        let text = format!(
            "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\nCOMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n\
             <OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>{number}<ACCTTYPE>CHECKING</BANKACCTFROM>\
             <BANKTRANLIST><DTSTART>20260101<DTEND>20260201>{rows}</BANKTRANLIST><LEDGERBAL><BALAMT>{ledger}<DTASOF>20260201</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
        );
        amana_statement::parse(text.as_bytes()).expect("a statement")
    }

    #[test]
    fn statements_of_one_account_are_joined_without_duplicates() {
        let mut all = ofx("111", "50.00", &[("a", "20260101", "-5.00"), ("b", "20260102", "-6.00")]);
        // The months overlap in `b`; and the bank uses `a` again for something else.
        all.extend(ofx("111", "50.00", &[("b", "20260102", "-6.00"), ("a", "20260110", "-7.00")]));
        all.extend(ofx("222", "1.00", &[("a", "20260101", "1.00")]));
        let read = join(&all).expect("joined");
        let counts: Vec<usize> = read.customer.accounts.iter().map(|a| a.transactions.len()).collect();
        assert_eq!(counts, [3, 1]);
        assert_eq!(read.customer.accounts[0].ledger_balance_minor, 5_000);
        let again = join(&all).expect("joined");
        assert_eq!(read.customer, again.customer);
    }
}
