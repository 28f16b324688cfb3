//! Which accounts and transactions are meant.

use amana_core::{
    Account, AccountId, AccountKind, Currency, Direction, Money, Page, Transaction, TransactionState,
};
use amana_pure::{Filter, filter_accounts, filter_kind, filter_transactions, latest, merge};
use std::collections::BTreeSet;

fn account(id: &str, kind: AccountKind) -> Account {
    Account {
        id: AccountId::new(id).expect("an id"),
        name: "Everyday Money".to_owned(),
        last_four: None,
        kind,
        current: None,
        available: None,
        as_of: None,
    }
}

fn tx(id: &str, merchant: &str, minor: i64, at: &str) -> Transaction {
    Transaction {
        id: id.to_owned(),
        reference_id: None,
        account: AccountId::new("a").expect("an id"),
        state: TransactionState::Posted,
        direction: Direction::Out,
        amount: Money::new(minor, Currency::from_code("USD").expect("a currency")),
        merchant: Some(merchant.to_owned()),
        description: format!("POS {merchant}"),
        at: at.parse().expect("an instant"),
    }
}

#[test]
fn accounts_outside_the_consent_go() {
    let accounts = vec![account("a", AccountKind::Checking), account("b", AccountKind::Savings)];
    let ids: BTreeSet<_> = [accounts[1].id.clone()].into();
    let kept = filter_accounts(accounts.clone(), &ids);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].kind, AccountKind::Savings);
    assert_eq!(filter_accounts(accounts.clone(), &BTreeSet::new()), []);
    assert_eq!(filter_kind(accounts.clone(), &Some(AccountKind::Checking)), accounts[..1]);
    assert_eq!(filter_kind(accounts.clone(), &Some(AccountKind::Loan)).len(), 2, "none of the kind: all");
    assert_eq!(filter_kind(accounts.clone(), &None).len(), 2);
    let one = vec![accounts[0].clone()];
    assert_eq!(filter_kind(one.clone(), &Some(AccountKind::Savings)), one, "the only one is of another kind");
}

/// A shop is found by its name as the bank tells it, or else by the line of the statement.
#[test]
fn a_shop_is_found_by_its_name_or_by_the_line() {
    let named =
        Transaction { description: "CARD 0042".to_owned(), ..tx("1", "Lyft", 900, "2026-10-15T00:00:00Z") };
    let line = Transaction { merchant: None, ..tx("2", "Lyft", 900, "2026-10-15T00:00:00Z") };
    let neither = Transaction { merchant: None, ..named.clone() };
    let filter = Filter { merchant: Some("lyft".to_owned()), ..Filter::default() };
    assert!(filter.matches(&named) && filter.matches(&line) && !filter.matches(&neither));
}

#[test]
fn transactions_are_filtered_by_shop_day_and_number() {
    let rows = vec![
        tx("1", "Blue Bottle Coffee", 450, "2026-10-01T00:00:00Z"),
        tx("2", "Blue Bottle Coffee", 500, "2026-10-31T23:59:59Z"),
        tx("3", "Blue Bottle Coffee", 550, "2026-11-01T00:00:00Z"),
        tx("4", "Lyft", 900, "2026-10-15T00:00:00Z"),
    ];
    let filter = |merchant: Option<&str>, limit| Filter {
        merchant: merchant.map(str::to_owned),
        from: Some("2026-10-01".parse().unwrap()),
        to: Some("2026-11-01".parse().unwrap()),
        limit,
    };
    let ids = |f: &Filter| {
        let page = filter_transactions(Page { rows: rows.clone(), truncated: true }, f);
        assert!(page.truncated);
        page.rows.iter().map(|t| t.id.clone()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(ids(&filter(Some("blue bottle"), None)), "2,1");
    assert_eq!(ids(&filter(Some("بلو بوتل"), None)), "2,1");
    assert_eq!(ids(&filter(None, Some(2))), "2,4");
    assert_eq!(ids(&Filter::default()), "3,2,4,1");
    let two = merge(vec![
        Page { rows: rows[..2].to_vec(), truncated: false },
        Page { rows: rows[2..].to_vec(), truncated: true },
    ]);
    assert!(two.truncated);
    assert_eq!(two.rows.iter().map(|t| t.id.as_str()).collect::<String>(), "3241");
    assert_eq!(latest(&two, 2).iter().map(|t| t.id.as_str()).collect::<String>(), "32");
}
