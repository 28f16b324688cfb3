//! The monthly statements of an account, made from its books: what was booked in a month that is over.

use jiff::civil::Date;

use crate::generator::day_of;
use crate::limits;
use crate::model::{Account, Txn, TxnState};
use crate::prng::stable_id;

/// One statement. Amounts are the holder's view, as in the books.
pub(crate) struct Statement<'a> {
    pub(crate) id: String,
    pub(crate) first: Date,
    /// Its date: the last day of the month.
    pub(crate) last: Date,
    pub(crate) opening_minor: i64,
    pub(crate) closing_minor: i64,
    /// In the order of booking.
    pub(crate) txns: Vec<(Date, &'a Txn)>,
}

/// All statements of the account until the day before this one, oldest first.
pub(crate) fn of(account: &Account, today: Date) -> Vec<Statement<'_>> {
    let mut booked: Vec<(Date, &Txn)> = account
        .txns
        .iter()
        .filter(|txn| txn.state == TxnState::Posted)
        .map(|txn| (day_of(txn.posted_at.unwrap_or(txn.at)), txn))
        .collect();
    booked.sort_by(|a, b| (a.0, a.1.at, &a.1.id).cmp(&(b.0, b.1.at, &b.1.id)));
    let mut statements = Vec::new();
    let Some((begin, _)) = booked.first() else { return statements };
    let mut first = begin.first_of_month();
    let mut opening_minor = account.opening_minor;
    let mut rest = booked.into_iter().peekable();
    while first.last_of_month() < today && statements.len() < limits::STATEMENTS_MAX {
        let last = first.last_of_month();
        let mut txns = Vec::new();
        while let Some(txn) = rest.next_if(|(day, _)| *day <= last) {
            txns.push(txn);
        }
        let moved = txns.iter().fold(0_i64, |sum, (_, txn)| sum.saturating_add(txn.amount_minor));
        let closing_minor = opening_minor.saturating_add(moved);
        let id = stable_id("stm_", &[&account.id, &last.to_string()]);
        statements.push(Statement { id, first, last, opening_minor, closing_minor, txns });
        opening_minor = closing_minor;
        let Ok(next) = last.tomorrow() else { break };
        first = next;
    }
    statements
}

/// What the holder of a card owes by its last statement.
pub(crate) struct Bill {
    pub(crate) statement_date: Date,
    pub(crate) due: Date,
    pub(crate) balance_minor: i64,
    pub(crate) minimum_minor: i64,
    pub(crate) last_payment: Option<(Date, i64)>,
}

/// The bill of a card's last statement; none before there is one.
pub(crate) fn bill(account: &Account, today: Date) -> Option<Bill> {
    let statements = of(account, today);
    let last = statements.last()?;
    let owed = last.closing_minor.saturating_neg().max(0);
    let due = last.last.checked_add(jiff::Span::new().days(limits::BILL_DAYS)).ok()?;
    let paid = account.txns.iter().rev().find(|txn| {
        txn.state == TxnState::Posted && txn.kind == crate::model::TxnKind::Payment && txn.amount_minor > 0
    });
    // Two in a hundred, and no less than 25 (or all that is owed).
    let least = 25_i64.saturating_mul(10_i64.saturating_pow(account.currency.exponent()));
    Some(Bill {
        statement_date: last.last,
        due,
        balance_minor: owed,
        minimum_minor: (owed / 50).max(least).min(owed),
        last_payment: paid.map(|txn| (day_of(txn.posted_at.unwrap_or(txn.at)), txn.amount_minor)),
    })
}

/// A statement's lines, as they stand in its document.
pub(crate) fn lines(bank: &str, account: &Account, statement: &Statement<'_>) -> Vec<String> {
    let money = |minor: i64| format!("{:>16} {}", account.currency.grouped(minor), account.currency.code());
    let mut lines = vec![
        bank.to_owned(),
        format!("Statement of {} {}", account.product, account.number_display()),
        format!("From {} to {}", statement.first, statement.last),
        String::new(),
        format!("{:<54}{}", "Balance before", money(statement.opening_minor)),
        String::new(),
    ];
    for (day, txn) in &statement.txns {
        let what: String = txn.description.chars().take(40).collect();
        lines.push(format!("{day}  {what:<42}{}", money(txn.amount_minor)));
    }
    lines.push(String::new());
    lines.push(format!("{:<54}{}", "Balance after", money(statement.closing_minor)));
    lines.push(String::new());
    lines.push("Made up by a sandbox: nobody's money.".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::{PERSONAS, generate, instant};

    #[test]
    fn statements_follow_on_each_other_and_add_up_to_the_books() {
        let first = Date::constant(2025, 11, 24);
        let today = Date::constant(2026, 12, 1);
        let now = instant(today, 60).unwrap();
        for account in generate(&PERSONAS[0], "cedar-bank", 1, first, now).accounts {
            let all = of(&account, today);
            // Savings move first in December.
            assert!((12..=13).contains(&all.len()), "{}: to November 2026", all.len());
            assert_eq!(all[0].opening_minor, account.opening_minor);
            for (one, next) in all.iter().zip(all.iter().skip(1)) {
                assert_eq!(
                    (one.closing_minor, one.last.tomorrow().unwrap()),
                    (next.opening_minor, next.first)
                );
            }
            let listed: usize = all.iter().map(|one| one.txns.len()).sum();
            let booked = |txn: &&Txn| {
                txn.state == TxnState::Posted && txn.posted_at.is_some_and(|at| day_of(at) < today)
            };
            assert_eq!(listed, account.txns.iter().filter(booked).count(), "each movement once");
            let sum: i64 = account.txns.iter().filter(booked).map(|txn| txn.amount_minor).sum();
            assert_eq!(all.last().unwrap().closing_minor, account.opening_minor + sum);
        }
    }
}
