//! What an ISO 20022 camt.053 or camt.054 document says.
//!
//! The versions differ in few places that are read here: `Sts` holds its code itself or in `Cd`, a party's name
//! stands under `Pty` from version 8 on, and `TxDtls` has its own amount and sign from version 3 on. All shapes are
//! read in all versions.

use crate::amount::{self, Notation, Unit};
use crate::date::{self, When};
use crate::error::{ErrorKind, StatementError, shown};
use crate::limits;
use crate::model::{Account, AccountKind, Balance, Format, Statement, Status, Transaction};
use crate::tree::{Doc, El};

/// All statements of a file, in its order.
pub(crate) fn statements(doc: &Doc<'_>) -> Result<Vec<Statement>, StatementError> {
    let mut out = Vec::new();
    let mut room = limits::TRANSACTIONS_MAX_COUNT;
    let mut message_seen = false;
    // At any depth: the document often comes in an envelope with a header.
    for document in doc.all("Document") {
        check_version(document)?;
        for message in document.children() {
            let (format, statement_name) = if message.is("BkToCstmrStmt") {
                (Format::Camt053, "Stmt")
            } else if message.is("BkToCstmrDbtCdtNtfctn") {
                (Format::Camt054, "Ntfctn")
            } else {
                let name =
                    if message.is("BkToCstmrAcctRpt") { "camt.052".to_owned() } else { message.name() };
                return Err(message.error(ErrorKind::UnsupportedMessage { name }));
            };
            message_seen = true;
            for el in message.children_named(statement_name) {
                out.push(statement(el, format, &mut room)?);
            }
        }
    }
    if !out.is_empty() {
        return Ok(out);
    }
    Err(StatementError::whole_file(if message_seen {
        ErrorKind::NoStatement
    } else {
        ErrorKind::UnknownFormat { looks_like: crate::LooksLike::OtherXml }
    }))
}

/// Refuses versions with another shape. Without a namespace the elements speak for themselves.
fn check_version(document: El<'_>) -> Result<(), StatementError> {
    for namespace in document.namespaces() {
        let Some((_, message)) = namespace.split_once("iso:std:iso:20022:tech:xsd:") else { continue };
        let version = ["camt.053.001.", "camt.054.001."].iter().find_map(|p| message.strip_prefix(p));
        let version: Option<u32> = version.and_then(|v| v.parse().ok());
        if !version.is_some_and(|v| (limits::CAMT_VERSION_MIN..=limits::CAMT_VERSION_MAX).contains(&v)) {
            return Err(document.error(ErrorKind::UnsupportedMessage { name: shown(message) }));
        }
    }
    Ok(())
}

fn statement(el: El<'_>, format: Format, room: &mut usize) -> Result<Statement, StatementError> {
    let account_el = el.at("Acct").ok_or_else(|| missing(el, "Acct"))?;
    let number = match account_el.text_at("Id/IBAN")? {
        Some(iban) => iban.replace(' ', ""),
        None => {
            account_el.required("Id/Othr/Id").map_err(|_| missing(account_el, "Id/IBAN or Id/Othr/Id"))?.1
        }
    };
    let unit = account_unit(el, account_el)?;
    let created = match el.at("CreDtTm") {
        Some(created) => when(created)?,
        None => None,
    };
    let mut transactions = Vec::new();
    for entry in el.children_named("Ntry") {
        read_entry(entry, created, room, &mut transactions)?;
    }
    Ok(Statement {
        format,
        institution_name: account_el.text_at("Svcr/FinInstnId/Nm")?,
        account: Account { number, kind: account_kind(account_el)?, currency: unit.code.to_owned() },
        opening_balance: balance(el, unit, &["OPBD", "PRCD"])?,
        ledger_balance: balance(el, unit, &["CLBD", "ITBD"])?,
        available_balance: balance(el, unit, &["CLAV", "ITAV"])?,
        transactions,
    })
}

fn missing(parent: El<'_>, element: &'static str) -> StatementError {
    parent.error(ErrorKind::Missing { parent: parent.name(), element })
}

/// `Acct/Ccy` is optional; without it the first balance, then the first entry says the currency.
fn account_unit(el: El<'_>, account: El<'_>) -> Result<Unit, StatementError> {
    if let Some(code_el) = account.at("Ccy")
        && let Some(code) = code_el.text()?
    {
        return amount::unit(code_el, &code);
    }
    let first = el.at("Bal/Amt").or_else(|| el.at("Ntry/Amt")).ok_or_else(|| missing(account, "Ccy"))?;
    amount_unit(first)
}

fn amount_unit(amount_el: El<'_>) -> Result<Unit, StatementError> {
    let code = amount_el.attribute("Ccy").ok_or_else(|| missing(amount_el, "@Ccy"))?;
    amount::unit(amount_el, &code)
}

/// ISO 20022 external code set `ExternalCashAccountType1Code`.
fn account_kind(account: El<'_>) -> Result<AccountKind, StatementError> {
    Ok(match account.text_at("Tp/Cd")?.as_deref() {
        Some("CACC" | "SLRY" | "TRAN" | "TRAS") => AccountKind::Checking,
        Some("SVGS" | "LLSV" | "ONDP" | "MOMA") => AccountKind::Savings,
        _ => AccountKind::Other,
    })
}

/// The balance of the first of these codes that is there; of several with the same code, the latest.
fn balance(statement: El<'_>, account: Unit, codes: &[&str]) -> Result<Option<Balance>, StatementError> {
    let mut found: Option<(usize, Balance)> = None;
    for el in statement.children_named("Bal") {
        let Some(code) = el.text_at("Tp/CdOrPrtry/Cd")? else { continue };
        let Some(rank) = codes.iter().position(|c| *c == code) else { continue };
        let amount_el = el.at("Amt").ok_or_else(|| missing(el, "Amt"))?;
        let unit = amount_unit(amount_el)?;
        if unit != account {
            let (expected, found) = (account.code.to_owned(), unit.code.to_owned());
            return Err(amount_el.error(ErrorKind::CurrencyMismatch { expected, found }));
        }
        let minor = signed(el, amount_el, unit, is_credit(el)?)?;
        let date_el = el.at("Dt").ok_or_else(|| missing(el, "Dt"))?;
        let When { date, time } = when(date_el)?.ok_or_else(|| missing(el, "Dt"))?;
        let better = match found {
            None => true,
            Some((other, _)) if other != rank => rank < other,
            Some((_, other)) => (date, time) > (other.as_of, other.time),
        };
        if better {
            found = Some((rank, Balance { minor, as_of: date, time }));
        }
    }
    Ok(found.map(|(_, balance)| balance))
}

/// A date choice (`Dt/Dt` or `Dt/DtTm`) or a plain date element.
fn when(el: El<'_>) -> Result<Option<When>, StatementError> {
    let leaf = el.at("Dt").or_else(|| el.at("DtTm")).unwrap_or(el);
    leaf.text()?.map(|value| date::iso(leaf, &value)).transpose()
}

fn when_at(el: El<'_>, name: &str) -> Result<Option<When>, StatementError> {
    el.at(name).map_or(Ok(None), when)
}

fn is_credit(el: El<'_>) -> Result<bool, StatementError> {
    let (indicator, value) = el.required("CdtDbtInd")?;
    match value.as_str() {
        "CRDT" => Ok(true),
        "DBIT" => Ok(false),
        _ => Err(not_a_code(indicator, &value, "`CRDT`, `DBIT`")),
    }
}

fn not_a_code(el: El<'_>, value: &str, expected: &'static str) -> StatementError {
    el.error(ErrorKind::NotACode { element: el.name(), value: shown(value), expected })
}

/// An amount is written without a sign; the indicator beside it has that.
fn signed(parent: El<'_>, amount_el: El<'_>, unit: Unit, credit: bool) -> Result<i64, StatementError> {
    let value = amount_el.text()?.ok_or_else(|| missing(parent, "Amt"))?;
    let minor = amount::minor(amount_el, &value, unit, Notation::Iso)?;
    Ok(if credit { minor } else { -minor })
}

/// Of an entry, what its transactions share.
struct Entry<'d> {
    el: El<'d>,
    id: Option<String>,
    booked: When,
    value_date: Option<jiff::civil::Date>,
    minor: i64,
    unit: Unit,
    credit: bool,
    reversal: bool,
    status: Status,
}

fn read_entry(
    el: El<'_>,
    created: Option<When>,
    room: &mut usize,
    out: &mut Vec<Transaction>,
) -> Result<(), StatementError> {
    let Some(status) = status(el)? else { return Ok(()) };
    let amount_el = el.at("Amt").ok_or_else(|| missing(el, "Amt"))?;
    let unit = amount_unit(amount_el)?;
    // `RvslInd` only says that the entry undoes an earlier one of the other sign; `CdtDbtInd` is already the sign
    // of this entry. Turning it round is the classic mistake.
    let reversal = match el.at("RvslInd") {
        Some(indicator) => match indicator.text()?.as_deref() {
            Some("true" | "1") => true,
            Some("false" | "0") | None => false,
            Some(other) => return Err(not_a_code(indicator, other, "`true`, `false`")),
        },
        None => false,
    };
    let credit = is_credit(el)?;
    let value_date = when_at(el, "ValDt")?;
    let booked = match when_at(el, "BookgDt")? {
        Some(booked) => booked,
        // What is pending may have no booking date yet.
        None => {
            let day = value_date.or(created).ok_or_else(|| missing(el, "BookgDt"))?;
            When { date: day.date, time: None }
        }
    };
    let id = match el.text_at("AcctSvcrRef")? {
        Some(id) => Some(id),
        None => el.text_at("NtryRef")?,
    };
    let minor = signed(el, amount_el, unit, credit)?;
    let value_date = value_date.map(|w| w.date);
    let entry = Entry { el, id, booked, value_date, minor, unit, credit, reversal, status };

    let details: Vec<El<'_>> =
        el.children_named("NtryDtls").flat_map(|group| group.children_named("TxDtls")).collect();
    let parts = entry.parts(&details)?;
    let count = parts.as_ref().map_or(1, Vec::len);
    *room = room.checked_sub(count).ok_or_else(|| el.error(ErrorKind::TooManyTransactions))?;
    match (parts, details.as_slice()) {
        (Some(parts), _) => {
            for (n, (detail, minor)) in parts.into_iter().enumerate() {
                out.push(entry.part(n + 1, detail, minor)?);
            }
        }
        (None, [only]) => out.push(entry.whole(Some(*only))?),
        (None, _) => out.push(entry.whole(None)?),
    }
    Ok(())
}

/// `None` for an entry that is only information and touches no balance.
fn status(el: El<'_>) -> Result<Option<Status>, StatementError> {
    let sts = el.at("Sts").ok_or_else(|| missing(el, "Sts"))?;
    let code_el = sts.at("Cd").unwrap_or(sts);
    match code_el.text()?.as_deref() {
        Some("BOOK") => Ok(Some(Status::Booked)),
        Some("PDNG" | "FUTR") => Ok(Some(Status::Pending)),
        Some("INFO") => Ok(None),
        Some(other) => Err(not_a_code(code_el, other, "`BOOK`, `PDNG`, `FUTR`, `INFO`")),
        None => Err(missing(el, "Sts")),
    }
}

impl<'d> Entry<'d> {
    /// The transactions of a batch with their amounts, if there are several, each has an amount in the entry's
    /// currency, and they add up to the entry. Otherwise the entry stays one: its amount is the one that was booked.
    fn parts(&self, details: &[El<'d>]) -> Result<Option<Vec<(El<'d>, i64)>>, StatementError> {
        if details.len() < 2 {
            return Ok(None);
        }
        let mut parts = Vec::with_capacity(details.len());
        let mut sum: i64 = 0;
        for &detail in details {
            let amounts = ["Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt"];
            let own = amounts.iter().filter_map(|path| detail.at(path));
            let Some(amount_el) =
                own.into_iter().find(|a| a.attribute("Ccy").as_deref() == Some(self.unit.code))
            else {
                return Ok(None);
            };
            let credit = if detail.at("CdtDbtInd").is_some() { is_credit(detail)? } else { self.credit };
            let minor = signed(detail, amount_el, self.unit, credit)?;
            let Some(next) = sum.checked_add(minor) else { return Ok(None) };
            sum = next;
            parts.push((detail, minor));
        }
        Ok((sum == self.minor).then_some(parts))
    }

    /// The whole entry, with the details of its only transaction if it has just one.
    fn whole(&self, detail: Option<El<'d>>) -> Result<Transaction, StatementError> {
        let mut transaction = self.describe(detail, self.minor)?;
        transaction.id.clone_from(&self.id);
        transaction.id_lasts = self.el.at("AcctSvcrRef").is_some();
        // A reference of the bank is better than the entry's number, which restarts with each statement.
        if self.el.at("AcctSvcrRef").is_none()
            && let Some(detail) = detail
            && let Some(id) = detail.text_at("Refs/AcctSvcrRef")?
        {
            transaction.id = Some(id);
            transaction.id_lasts = true;
        }
        Ok(transaction)
    }

    /// The n-th transaction of a batch, from 1.
    fn part(&self, n: usize, detail: El<'d>, minor: i64) -> Result<Transaction, StatementError> {
        let mut transaction = self.describe(Some(detail), minor)?;
        let own = detail.text_at("Refs/AcctSvcrRef")?.filter(|own| self.id.as_ref() != Some(own));
        transaction.id_lasts = own.is_some() || self.el.at("AcctSvcrRef").is_some();
        transaction.id = own.or_else(|| self.id.as_ref().map(|entry| format!("{entry}/{n}")));
        Ok(transaction)
    }

    fn describe(&self, detail: Option<El<'d>>, minor: i64) -> Result<Transaction, StatementError> {
        let code = match detail.map(bank_code).transpose()?.flatten() {
            Some(code) => Some(code),
            None => bank_code(self.el)?,
        };
        let (mut name, mut memo, mut reference) = (None, None, None);
        if let Some(detail) = detail {
            // The parties keep the roles of the original payment, also in its reversal.
            name = counterparty(detail, (minor >= 0) != self.reversal)?;
            memo = remittance(detail)?;
            if memo.is_none() {
                memo = detail.text_at("AddtlTxInf")?;
            }
            reference = self::reference(detail)?;
        }
        if memo.is_none() {
            memo = self.el.text_at("AddtlNtryInf")?;
        }
        if reference.is_none() && detail.is_none() {
            reference = self.el.text_at("NtryDtls/Btch/PmtInfId")?;
        }
        Ok(Transaction {
            id: None,
            id_lasts: false,
            booked: self.booked.date,
            time: self.booked.time,
            value_date: self.value_date,
            minor,
            currency: self.unit.code.to_owned(),
            status: self.status,
            reversal: self.reversal,
            name,
            memo,
            code,
            reference,
        })
    }
}

/// `BkTxCd`: the ISO code as domain-family-subfamily, else the bank's own.
fn bank_code(el: El<'_>) -> Result<Option<String>, StatementError> {
    let Some(code) = el.at("BkTxCd") else { return Ok(None) };
    let parts =
        [code.text_at("Domn/Cd")?, code.text_at("Domn/Fmly/Cd")?, code.text_at("Domn/Fmly/SubFmlyCd")?];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { code.text_at("Prtry/Cd") } else { Ok(Some(parts.join("-"))) }
}

/// Who paid (of money that came in) or was paid (of money that went out).
fn counterparty(detail: El<'_>, incoming: bool) -> Result<Option<String>, StatementError> {
    let Some(parties) = detail.at("RltdPties") else { return Ok(None) };
    let roles = if incoming { ["Dbtr", "UltmtDbtr"] } else { ["Cdtr", "UltmtCdtr"] };
    for role in roles {
        let Some(party) = parties.at(role) else { continue };
        for path in ["Nm", "Pty/Nm", "Agt/FinInstnId/Nm"] {
            if let Some(name) = party.text_at(path)? {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

/// The unstructured remittance information, its lines joined.
fn remittance(detail: El<'_>) -> Result<Option<String>, StatementError> {
    let Some(remittance) = detail.at("RmtInf") else { return Ok(None) };
    let mut joined = String::new();
    for line in remittance.children_named("Ustrd") {
        let Some(text) = line.text()? else { continue };
        if joined.len() + text.len() > limits::TEXT_MAX_BYTES {
            return Err(line.error(ErrorKind::TextTooLong { element: line.name() }));
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(&text);
    }
    Ok(if joined.is_empty() { None } else { Some(joined) })
}

/// End-to-end id (unless it says that there is none), creditor's reference, cheque number, transaction ids.
fn reference(detail: El<'_>) -> Result<Option<String>, StatementError> {
    let places = [
        "Refs/EndToEndId",
        "RmtInf/Strd/CdtrRefInf/Ref",
        "Refs/ChqNb",
        "Refs/TxId",
        "Refs/UETR",
        "Refs/InstrId",
    ];
    for place in places {
        if let Some(value) = detail.text_at(place)?
            && value != "NOTPROVIDED"
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
