//! What was spent, and what only changed the customer's own pockets.

use amana_core::{AccountId, Currency, Direction, Money, Transaction, TransactionState};
use amana_pure::{spent, totals};

/// A booked payment of `minor` at a shop, from one of the customer's accounts, so many hours after the others.
fn row(id: &str, account: &str, minor: i64, merchant: &str, hour: i64) -> Transaction {
    Transaction {
        id: id.to_owned(),
        reference_id: None,
        account: AccountId::new(account).expect("an id"),
        state: TransactionState::Posted,
        direction: Direction::Out,
        amount: money(minor, "USD"),
        merchant: Some(merchant.to_owned()).filter(|name| !name.is_empty()),
        description: merchant.to_owned(),
        at: jiff::Timestamp::from_second(1_790_000_000 + hour * 3_600).expect("an instant"),
    }
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, Currency::from_code(code).expect("a currency"))
}

fn came(row: Transaction) -> Transaction {
    Transaction { direction: Direction::In, ..row }
}

fn of(row: Transaction, earlier: &str) -> Transaction {
    Transaction { reference_id: Some(earlier.to_owned()), ..row }
}

fn reversed(row: Transaction) -> Transaction {
    Transaction { state: TransactionState::Reversed, ..row }
}

/// Of each currency: what went out and what came back, and how many of each.
fn sums(rows: &[Transaction], without_own: bool) -> (Vec<(i64, i64, usize, usize)>, usize) {
    let rows: Vec<&Transaction> = rows.iter().collect();
    let spent = spent(&rows, without_own);
    if !without_own {
        assert_eq!((&spent.totals, spent.own), (&totals(&rows), 0));
    }
    let each = spent.totals.iter().map(|t| (t.out.minor, t.refunded.minor, t.count, t.refunds)).collect();
    (each, spent.own)
}

#[test]
fn an_authorization_and_its_posting_are_one_payment_and_what_was_undone_is_none() {
    let pending = Transaction { state: TransactionState::Pending, ..row("p", "a", 1_000, "Blue Bottle", 0) };
    assert_eq!(sums(std::slice::from_ref(&pending), false).0, [(1_000, 0, 1, 0)], "pending counts");
    let posted = of(row("q", "a", 1_200, "Blue Bottle", 1), "p");
    assert_eq!(
        sums(&[pending.clone(), posted.clone()], false).0,
        [(1_200, 0, 1, 0)],
        "its posting is in its place"
    );
    assert_eq!(sums(&[of(posted, "unknown")], false).0, [(1_200, 0, 1, 0)]);
    assert_eq!(sums(&[reversed(row("r", "a", 5, "Lyft", 0))], false).0, []);
    let undone = came(reversed(of(row("r", "a", 1_000, "Blue Bottle", 2), "p")));
    assert_eq!(sums(&[pending.clone(), undone], false).0, [], "both sides of what was undone");
    let memo = Transaction { direction: Direction::Memo, ..row("m", "a", 7, "Lyft", 0) };
    assert_eq!(sums(&[pending, memo], false).0, [(1_000, 0, 1, 0)]);
}

#[test]
fn a_refund_refers_to_a_payment_or_comes_from_a_shop_that_was_paid() {
    let paid = row("p", "a", 2_000, "Blue Bottle", 0);
    let refers = of(came(row("r", "a", 300, "Somebody Else", 5)), "p");
    assert_eq!(sums(&[paid.clone(), refers], false).0, [(2_000, 300, 1, 1)]);
    let by_shop = came(row("s", "b", 250, "BLUE BOTTLE", 5));
    assert_eq!(sums(&[paid.clone(), by_shop.clone()], false).0, [(2_000, 250, 1, 1)]);
    assert_eq!(sums(&[by_shop], false).0, [], "nothing was paid there");
    for salary in [came(row("t", "a", 9_000, "Employer", 5)), came(row("u", "a", 9_000, "", 5))] {
        let nameless = row("n", "a", 10, "", 1);
        assert_eq!(sums(&[paid.clone(), nameless, salary], false).0, [(2_010, 0, 2, 0)], "no refund");
    }
    // What is taken back of money that came is a payment like any other.
    let salary = came(row("t", "a", 9_000, "Employer", 1));
    let back = of(row("v", "a", 40, "Somebody", 9), "t");
    assert_eq!(sums(&[salary, back], false).0, [(40, 0, 1, 0)]);
    let more = Transaction { amount: money(500, "EUR"), ..row("e", "a", 0, "Kiosk", 0) };
    let refund = came(row("w", "a", 2_500, "Blue Bottle", 5));
    let rows = [more.clone(), paid, refund.clone()];
    assert_eq!(sums(&rows, false).0, [(2_000, 2_500, 1, 1), (500, 0, 1, 0)], "the most used first");
    let net: Vec<i64> = totals(&rows.iter().collect::<Vec<_>>()).iter().map(|t| t.net().minor).collect();
    assert_eq!(net, [-500, 500]);
    let euros = (0..3).map(|n| Transaction { id: format!("e{n}"), ..more.clone() });
    let rows: Vec<Transaction> = rows.into_iter().skip(1).chain(euros).collect();
    assert_eq!(
        sums(&rows, false).0,
        [(1_500, 0, 3, 0), (2_000, 2_500, 1, 1)],
        "payments and refunds are uses alike"
    );
}

#[test]
fn money_that_changed_pockets_is_no_spending() {
    let paid = row("p", "a", 2_000, "Blue Bottle", 0);
    let out = row("o", "a", 7_000, "Online", 1);
    let arrives = came(row("i", "b", 7_000, "Deposit", 30));
    let rows = [paid.clone(), out.clone(), arrives.clone()];
    assert_eq!(sums(&rows, true), (vec![(2_000, 0, 1, 0)], 1));
    assert_eq!(sums(&rows, false).0, [(9_000, 0, 2, 0)], "unless it is asked for");
    let both = |one: &Transaction| sums(&[out.clone(), one.clone()], true);
    let own_account = Transaction { account: out.account.clone(), ..arrives.clone() };
    assert_eq!(both(&own_account), (vec![(7_000, 0, 1, 0)], 0), "it came to the account that it left");
    let late = came(row("i", "b", 7_000, "Deposit", 74));
    assert_eq!(both(&late), (vec![(7_000, 0, 1, 0)], 0), "more than three days later");
    let other = came(row("i", "b", 7_001, "Deposit", 2));
    assert_eq!(both(&other), (vec![(7_000, 0, 1, 0)], 0), "another amount");
    let salary = came(row("i", "b", 7_000, "ACME PAYROLL", 2));
    assert_eq!(both(&salary), (vec![(7_000, 0, 1, 0)], 0), "income excuses nothing");
    let worded = row("o", "a", 90, "Transfer to Goal Savings", 1);
    assert_eq!(sums(&[worded, paid], true), (vec![(2_000, 0, 1, 0)], 1), "by its own words");
}

#[test]
fn a_refund_and_a_transfers_credit_excuse_no_purchase() {
    // A shop pays back to the account that paid it: that is no transfer from another account.
    let paid = row("p", "a", 2_000, "Blue Bottle", 0);
    let back = came(row("r", "a", 2_000, "Blue Bottle", 2));
    let others = row("o", "b", 2_000, "Rent", 1);
    let rows = [paid.clone(), back.clone(), others.clone()];
    assert_eq!(sums(&rows, true), (vec![(4_000, 2_000, 2, 1)], 0));
    let refers = of(came(row("r", "c", 2_000, "Somebody", 2)), "p");
    assert_eq!(sums(&[paid.clone(), refers, others.clone()], true), (vec![(4_000, 2_000, 2, 1)], 0));
    // From a shop that was paid from another account it may as well be a transfer.
    let elsewhere = came(row("r", "c", 2_000, "Blue Bottle", 2));
    assert_eq!(sums(&[paid, elsewhere], true), (vec![], 1));
    // The transfer that says so takes the credit, however near the purchase is.
    let bought = row("q", "a", 500, "Lyft", 9);
    let transfer = row("t", "a", 500, "Transfer to Goal Savings", 1);
    let credit = came(row("i", "b", 500, "Deposit", 9));
    assert_eq!(sums(&[bought, transfer, credit], true), (vec![(500, 0, 1, 0)], 1));
}
