//! What an OFX document says (OFX 1.6 and 2.3, §11: banking).

use std::collections::HashSet;

use crate::amount::{self, Notation, Unit};
use crate::date::{self, When};
use crate::error::{ErrorKind, StatementError, shown};
use crate::limits;
use crate::model::{Account, AccountKind, Balance, Format, Statement, Status, Transaction};
use crate::tree::{Doc, El};

/// All statements of a file, in its order.
pub(crate) fn statements(doc: &Doc<'_>, format: Format) -> Result<Vec<Statement>, StatementError> {
    let mut out = Vec::new();
    // Counted first, so that a file that is too long costs little.
    let mut all = doc.roots().flat_map(El::all_in_root).filter(|el| entry_status(*el).is_some());
    if let Some(el) = all.nth(limits::TRANSACTIONS_MAX_COUNT) {
        return Err(el.error(ErrorKind::TooManyTransactions));
    }
    for root in doc.roots() {
        let signon = root.at("SIGNONMSGSRSV1/SONRS");
        let institution = institution_name(signon)?;
        let as_of_default = signon.and_then(|s| s.at("DTSERVER"));
        let mut read_count = 0;
        // Found by name at any depth: banks put credit-card statements among the bank messages and the reverse.
        for el in root.all_in_root() {
            let card = if el.is("STMTRS") {
                false
            } else if el.is("CCSTMTRS") {
                true
            } else {
                // A refusal of one account next to statements of others is an error too: whoever loads the file
                // would take the account for loaded.
                let response = el.is("STMTTRNRS") || el.is("CCSTMTTRNRS");
                if response && el.at("STMTRS").or_else(|| el.at("CCSTMTRS")).is_none() {
                    refuse_error_status(el)?;
                }
                continue;
            };
            let reader = Reader { format, institution: &institution, as_of_default, card };
            out.push(reader.read(el, &mut read_count)?);
        }
        refuse_lost_transactions(root, read_count)?;
        if out.is_empty()
            && let Some(signon) = signon
        {
            refuse_error_status(signon)?;
        }
    }
    if out.is_empty() { Err(StatementError::whole_file(ErrorKind::NoStatement)) } else { Ok(out) }
}

/// The transactions of one statement: most have one list, some none, some their transactions without a list.
fn entries(statement: El<'_>) -> impl Iterator<Item = (El<'_>, Status)> {
    let lists = statement.children().filter(|c| c.is("BANKTRANLIST") || c.is("BANKTRANLISTP"));
    std::iter::once(statement)
        .chain(lists)
        .flat_map(El::children)
        .filter_map(|el| Some((el, entry_status(el)?)))
}

fn entry_status(el: El<'_>) -> Option<Status> {
    if el.is("STMTTRN") {
        Some(Status::Booked)
    } else if el.is("STMTTRNP") {
        Some(Status::Pending)
    } else {
        None
    }
}

/// All or nothing: every transaction of the file must have been among those that were read.
fn refuse_lost_transactions(root: El<'_>, read_count: usize) -> Result<(), StatementError> {
    let all = || root.all_in_root().filter(|el| entry_status(*el).is_some());
    // Investment accounts wrap theirs, and are not read.
    let investment = || root.all_in_root().filter(|el| el.is("INVBANKTRAN")).flat_map(El::children);
    let of_investment = investment().filter(|el| entry_status(*el).is_some()).count();
    if all().count() == read_count + of_investment {
        return Ok(());
    }
    let statements = root.all_in_root().filter(|el| el.is("STMTRS") || el.is("CCSTMTRS"));
    let read = statements.flat_map(entries).map(|(el, _)| el);
    let known: HashSet<u32> = read.chain(investment()).map(El::identity).collect();
    match all().find(|el| !known.contains(&el.identity())) {
        Some(lost) => Err(lost.error(ErrorKind::Misplaced { element: lost.name() })),
        None => Ok(()),
    }
}

fn institution_name(signon: Option<El<'_>>) -> Result<Option<String>, StatementError> {
    let Some(signon) = signon else { return Ok(None) };
    match signon.text_at("FI/ORG")? {
        Some(name) => Ok(Some(name)),
        None => signon.text_at("INTU.ORG"),
    }
}

fn refuse_error_status(response: El<'_>) -> Result<(), StatementError> {
    let Some(status) = response.at("STATUS") else { return Ok(()) };
    if !status.text_at("SEVERITY")?.is_some_and(|s| s.eq_ignore_ascii_case("ERROR")) {
        return Ok(());
    }
    let code = status.text_at("CODE")?.unwrap_or_else(|| "?".to_owned());
    Err(status.error(ErrorKind::BankRefused { code: shown(&code) }))
}

/// What is the same for all statements of a document.
struct Reader<'a> {
    format: Format,
    institution: &'a Option<String>,
    as_of_default: Option<El<'a>>,
    card: bool,
}

impl Reader<'_> {
    fn read(&self, el: El<'_>, read_count: &mut usize) -> Result<Statement, StatementError> {
        let unit = account_unit(el)?;
        let from = if self.card { "CCACCTFROM" } else { "BANKACCTFROM" };
        let from = el.at(from).ok_or_else(|| {
            let element = if self.card { "CCACCTFROM" } else { "BANKACCTFROM" };
            el.error(ErrorKind::Missing { parent: el.name(), element })
        })?;
        let (_, number) = from.required("ACCTID")?;
        let kind = if self.card {
            AccountKind::CreditCard
        } else {
            account_kind(from.text_at("ACCTTYPE")?.as_deref().unwrap_or(""))
        };
        let mut transactions = Corrections::default();
        for (entry, status) in entries(el) {
            *read_count += 1;
            transactions.add(entry, transaction(entry, unit, status)?)?;
        }
        Ok(Statement {
            format: self.format,
            institution_name: self.institution.clone(),
            account: Account { number, kind, currency: unit.code.to_owned() },
            opening_balance: None,
            ledger_balance: self.balance(el, "LEDGERBAL", unit)?,
            available_balance: self.balance(el, "AVAILBAL", unit)?,
            transactions: transactions.finish(),
        })
    }

    fn balance(&self, statement: El<'_>, name: &str, unit: Unit) -> Result<Option<Balance>, StatementError> {
        let Some(el) = statement.at(name) else { return Ok(None) };
        // Some banks write the aggregate even when they have no such balance.
        let Some(amount_el) = el.at("BALAMT") else { return Ok(None) };
        let Some(value) = amount_el.text()? else { return Ok(None) };
        let minor = amount::minor(amount_el, &value, unit, Notation::Ofx)?;
        let places = [el.at("DTASOF"), statement.at("BANKTRANLIST/DTEND"), self.as_of_default];
        for place in places.into_iter().flatten() {
            if let Some(When { date, time }) = date_unless_zero(place)? {
                return Ok(Some(Balance { minor, as_of: date, time }));
            }
        }
        Err(el.error(ErrorKind::Missing { parent: el.name(), element: "DTASOF" }))
    }
}

/// `CURDEF` is required but left out or empty in some exports, which name the currency in every transaction instead.
/// They must all name the same one: then the amounts are in it, whichever aggregate the bank took for it.
fn account_unit(el: El<'_>) -> Result<Unit, StatementError> {
    if el.text_at("CURDEF")?.is_none() {
        let mut all: Option<Unit> = None;
        for (entry, _) in entries(el) {
            match (all, named_unit(entry)?) {
                (None, Some(unit)) => all = Some(unit),
                (Some(known), Some(unit)) if known == unit => {}
                _ => {
                    all = None;
                    break;
                }
            }
        }
        if let Some(unit) = all {
            return Ok(unit);
        }
    }
    let (currency_el, currency) = el.required("CURDEF")?;
    amount::unit(currency_el, &currency)
}

/// The currency that a transaction names, if it names one.
fn named_unit(entry: El<'_>) -> Result<Option<Unit>, StatementError> {
    for path in ["CURRENCY/CURSYM", "ORIGCURRENCY/CURSYM"] {
        if let Some(code_el) = entry.at(path)
            && let Some(code) = code_el.text()?
        {
            return amount::unit(code_el, &code).map(Some);
        }
    }
    Ok(None)
}

/// Banks that do not know a date write zeros.
fn date_unless_zero(el: El<'_>) -> Result<Option<When>, StatementError> {
    match el.text()? {
        Some(value) if !value.starts_with("00000000") => date::ofx(el, &value).map(Some),
        _ => Ok(None),
    }
}

fn account_kind(accttype: &str) -> AccountKind {
    match accttype.to_ascii_uppercase().as_str() {
        "CHECKING" => AccountKind::Checking,
        "SAVINGS" | "MONEYMRKT" => AccountKind::Savings,
        _ => AccountKind::Other,
    }
}

/// One `STMTTRN` (§11.4.4.1) or `STMTTRNP` (§11.4.5.1).
fn transaction(el: El<'_>, account: Unit, status: Status) -> Result<Transaction, StatementError> {
    // `CURRENCY`: the amount is in it. `ORIGCURRENCY`: the amount has been converted already (§5.2).
    let unit = match el.at("CURRENCY") {
        Some(currency) => {
            let (code_el, code) = currency.required("CURSYM")?;
            amount::unit(code_el, &code)?
        }
        None => account,
    };
    let (amount_el, value) = el.required("TRNAMT")?;
    let minor = amount::minor(amount_el, &value, unit, Notation::Ofx)?;
    let (date_el, value) = match status {
        Status::Pending if el.at("DTPOSTED").is_none() => el.required("DTTRAN")?,
        _ => el.required("DTPOSTED")?,
    };
    let booked = date::ofx(date_el, &value)?;
    let value_date = match el.at("DTAVAIL") {
        Some(available) => date_unless_zero(available)?.map(|w| w.date),
        None => None,
    };
    let reference = match el.text_at("CHECKNUM")? {
        Some(number) => Some(number),
        None => el.text_at("REFNUM")?,
    };
    Ok(Transaction {
        id: el.text_at("FITID")?,
        id_lasts: true,
        booked: booked.date,
        time: booked.time,
        value_date,
        minor,
        currency: unit.code.to_owned(),
        status,
        reversal: false,
        name: name(el)?,
        memo: el.text_at("MEMO")?,
        code: el.text_at("TRNTYPE")?.map(|c| c.to_ascii_uppercase()),
        reference,
    })
}

/// `NAME` is cut at 32 characters; where `EXTDNAME` carries on from it, that is the whole name.
fn name(el: El<'_>) -> Result<Option<String>, StatementError> {
    let short = match el.text_at("NAME")? {
        Some(name) => Some(name),
        None => el.text_at("PAYEE/NAME")?,
    };
    let long = el.text_at("EXTDNAME")?;
    Ok(match (short, long) {
        (Some(short), Some(long)) if long.starts_with(short.as_str()) => Some(long),
        (Some(short), _) => Some(short),
        (None, long) => long,
    })
}

/// Transactions, with those left out that a later one replaces or deletes (`CORRECTFITID`, §11.4.4.1).
#[derive(Default)]
struct Corrections {
    transactions: Vec<Transaction>,
    gone: HashSet<String>,
}

impl Corrections {
    fn add(&mut self, el: El<'_>, transaction: Transaction) -> Result<(), StatementError> {
        let Some(corrected) = el.text_at("CORRECTFITID")? else {
            self.transactions.push(transaction);
            return Ok(());
        };
        let (action_el, action) = el.required("CORRECTACTION")?;
        match action.to_ascii_uppercase().as_str() {
            // A replacement may carry the id of what it replaces; then only the earlier ones go.
            "REPLACE" if transaction.id.as_ref() == Some(&corrected) => {
                self.transactions.retain(|t| t.id.as_ref() != Some(&corrected));
                self.transactions.push(transaction);
            }
            "REPLACE" => {
                self.gone.insert(corrected);
                self.transactions.push(transaction);
            }
            "DELETE" => {
                self.gone.insert(corrected);
            }
            _ => {
                let (element, value) = (action_el.name(), shown(&action));
                let expected = "`REPLACE`, `DELETE`";
                return Err(action_el.error(ErrorKind::NotACode { element, value, expected }));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Transaction> {
        let gone = self.gone;
        if !gone.is_empty() {
            self.transactions.retain(|t| t.id.as_ref().is_none_or(|id| !gone.contains(id)));
        }
        self.transactions
    }
}
