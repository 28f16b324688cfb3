//! Statements as text to compare with.

use std::fmt::Write as _;

use amana_statement::{Balance, Statement};

fn balance(name: &str, balance: Option<Balance>, out: &mut String) {
    if let Some(b) = balance {
        let time = b.time.map_or(String::new(), |t| format!(" at {t}"));
        writeln!(out, "  {name} {} on {}{time}", b.minor, b.as_of).unwrap();
    }
}

/// One line per statement, balance and transaction; absent values are left out.
pub(crate) fn show(statements: &[Statement]) -> String {
    let mut out = String::new();
    for s in statements {
        let institution = s.institution_name.as_deref().unwrap_or("-");
        let a = &s.account;
        writeln!(out, "{:?} [{institution}] {} {:?} {}", s.format, a.number, a.kind, a.currency).unwrap();
        balance("opening", s.opening_balance, &mut out);
        balance("ledger", s.ledger_balance, &mut out);
        balance("available", s.available_balance, &mut out);
        for (t, key) in s.transactions.iter().zip(s.keys()) {
            write!(out, "  {} {} {}", t.booked, t.minor, t.currency).unwrap();
            if t.id.as_ref() == Some(&key) {
                write!(out, " id={key}").unwrap();
            } else {
                write!(out, " id={} key={key}", t.id.as_deref().unwrap_or("-")).unwrap();
            }
            if let Some(time) = t.time {
                write!(out, " time={time}").unwrap();
            }
            if let Some(date) = t.value_date {
                write!(out, " value={date}").unwrap();
            }
            write!(out, " {:?}", t.status).unwrap();
            if t.reversal {
                write!(out, " reversal").unwrap();
            }
            for (label, text) in
                [("name", &t.name), ("memo", &t.memo), ("code", &t.code), ("reference", &t.reference)]
            {
                if let Some(text) = text {
                    write!(out, " {label}=[{text}]").unwrap();
                }
            }
            out.push('\n');
        }
    }
    out
}
