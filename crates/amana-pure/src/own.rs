//! Money that only changed pockets: transfers between the customer's own accounts, and what was paid to their card.

use crate::limits::{ACCOUNT_WORD_REACH, OWN_TRANSFER_SECONDS_MAX};
use crate::normalise;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{Direction, Transaction};

/// What banks write for a payment to one's own card, wherever it stands in the text. "Card payment" alone is not among
/// them: elsewhere it is a purchase by card.
const CARD_PAYMENT: &[&str] = &[
    "payment thank you",
    "thank you for your payment",
    "credit card autopay",
    "credit crd autopay",
    "credit card bill payment",
    "payment to credit card",
    "سداد بطاقة الائتمان",
    "سداد البطاقة الائتمانية",
    "شكرا لسدادكم",
];
/// The same, but only as the last words: "credit card payment to a shop" is a purchase.
const CARD_PAYMENT_LAST: &[&str] = &["credit card payment", "credit card pmt"];
/// A transfer that is between own accounts by its own words.
const BETWEEN: &[&str] =
    &["transfer between accounts", "transfer between my accounts", "تحويل بين حساباتي", "تحويل بين الحسابات"];
/// Which way a transfer went, if an account of [`ACCOUNT`] follows: for money out, then for money in. "Transfer from
/// checking to Ali" is money out, so the other word says nothing.
const TO: &[&str] = &["transfer to", "tfr to", "xfer to", "تحويل إلى", "تحويل الى"];
const FROM: &[&str] = &["transfer from", "tfr from", "xfer from", "تحويل من"];
/// Words that name a kind of one's own account; a bare "account" may be anybody's.
const ACCOUNT: &[&str] = &[
    "savings",
    "saving",
    "sav",
    "checking",
    "chequing",
    "chk",
    "own account",
    "my account",
    "credit card",
    "حسابي",
    "حساب التوفير",
    "الحساب الجاري",
    "توفير",
];
/// Income that is nobody's transfer, even where it equals a payment.
const INCOME: &[&str] = &[
    "salary",
    "payroll",
    "wages",
    "pension",
    "direct dep",
    "direct deposit",
    "راتب",
    "الراتب",
    "رواتب",
    "معاش",
];

/// The places of the rows that are no spending: by what the bank wrote, and debits that came in again as an equal
/// credit on another account within [`OWN_TRANSFER_SECONDS_MAX`], with those credits. A credit pairs once. A refund (as
/// `refund` says), and income by its name, pair with nothing.
pub(super) fn own(rows: &[&Transaction], refund: impl Fn(&Transaction) -> bool) -> BTreeSet<usize> {
    let texts: Vec<String> = rows.iter().map(|t| words_of(t)).collect();
    let worded = |i: usize, t: &Transaction| texts.get(i).is_some_and(|text| says_own(text, t.direction));
    let income = |i: usize| texts.get(i).is_some_and(|text| INCOME.iter().any(|w| has(text, w)));

    let mut left_out: BTreeSet<usize> =
        rows.iter().enumerate().filter(|(i, t)| worded(*i, t)).map(|(i, _)| i).collect();
    let mut credits: BTreeMap<(i64, &str), Vec<(usize, &Transaction)>> = BTreeMap::new();
    for (i, t) in rows.iter().enumerate() {
        if t.direction == Direction::In && !income(i) && !refund(t) {
            let key = (t.amount.minor, t.amount.currency.code());
            credits.entry(key).or_default().push((i, t));
        }
    }
    let mut debits: Vec<(usize, &&Transaction)> =
        rows.iter().enumerate().filter(|(_, t)| t.direction == Direction::Out).collect();
    // What is a transfer by its words takes its credit first, so that the credit does not excuse a purchase.
    debits.sort_by_key(|(i, t)| (!left_out.contains(i), t.at));
    for (i, debit) in debits {
        let Some(equal) = credits.get_mut(&(debit.amount.minor, debit.amount.currency.code())) else {
            continue;
        };
        let apart = |t: &Transaction| t.at.as_second().saturating_sub(debit.at.as_second()).saturating_abs();
        let nearest = equal
            .iter()
            .enumerate()
            .filter(|(_, (_, t))| t.account != debit.account && apart(t) <= OWN_TRANSFER_SECONDS_MAX)
            .min_by_key(|(_, (_, t))| apart(t))
            .map(|(at, _)| at);
        if let Some(at) = nearest {
            let (credit, _) = equal.swap_remove(at);
            left_out.extend([i, credit]);
        }
    }
    left_out
}

/// What the bank wrote, normalised, with a space at each end so that phrases are found as whole words.
fn words_of(t: &Transaction) -> String {
    let (merchant, line) = (normalise(t.merchant.as_deref().unwrap_or_default()), normalise(&t.description));
    format!(" {merchant} | {line} ")
}

/// Whether a phrase occurs as whole words.
fn has(text: &str, phrase: &str) -> bool {
    text.contains(&format!(" {} ", normalise(phrase)))
}

/// Whether the words say that the money stayed the customer's own.
fn says_own(text: &str, direction: Direction) -> bool {
    let which = match direction {
        Direction::Out => TO,
        Direction::In => FROM,
        Direction::Memo => return false,
    };
    CARD_PAYMENT.iter().chain(BETWEEN).any(|p| has(text, p))
        || text.split('|').any(|part| {
            CARD_PAYMENT_LAST.iter().any(|p| part.trim_end().ends_with(&format!(" {p}")))
                || which.iter().any(|p| {
                    part.split_once(&format!(" {} ", normalise(p))).is_some_and(|(_, rest)| {
                        let near: Vec<&str> = rest.split_whitespace().take(ACCOUNT_WORD_REACH).collect();
                        let near = format!(" {} ", near.join(" "));
                        ACCOUNT.iter().any(|a| has(&near, a))
                    })
                })
        })
}

#[cfg(test)]
mod tests {
    use super::{own, says_own, words_of};
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::vec::Vec;
    use amana_core::{AccountId, Currency, Direction, Money, Transaction, TransactionState};
    use proptest::prelude::*;

    fn row(account: &str, direction: Direction, minor: i64, hour: i64, text: &str) -> Transaction {
        Transaction {
            id: format!("{account}-{hour}-{minor}"),
            reference_id: None,
            account: AccountId::new(account).expect("an id"),
            state: TransactionState::Posted,
            direction,
            amount: Money::new(minor, Currency::from_code("USD").expect("a currency")),
            merchant: Some(text.to_owned()),
            description: text.to_owned(),
            at: jiff::Timestamp::from_second(1_790_000_000 + hour * 3_600).expect("an instant"),
        }
    }

    #[test]
    fn words_are_read_with_caution() {
        let says = |text, direction| says_own(&words_of(&row("a", direction, 1, 0, text)), direction);
        for text in [
            "PAYMENT THANK YOU - WEB",
            "Transfer to Goal Savings",
            "Online Transfer to SAV ...1234",
            "ONLINE CREDIT CARD PAYMENT",
            "Transfer between my accounts",
            "تحويل إلى حساب التوفير",
            "سداد بطاقة الائتمان",
            "تحويل بين حساباتي",
        ] {
            assert!(says(text, Direction::Out), "{text}");
        }
        assert!(says("Transfer from Everyday Checking", Direction::In));
        for text in [
            "Transfer to Ali Hassan",
            "Transfer to account 1234 of Ali",
            "Transfer from Checking to Ali Hassan",
            "CARD PAYMENT TO TESCO",
            "Credit card payment to Tesco",
            "Savings Mart",
            "Rent, thank you",
            "تحويل من حسابي إلى علي",
            "تحويل إلى علي",
            "",
        ] {
            assert!(!says(text, Direction::Out), "{text}");
        }
        assert!(!says("Transfer to Goal Savings", Direction::Memo));
    }

    proptest! {
        /// Pairing takes no more debits than there are credits, takes as many credits as debits, and only pairs what
        /// is equal and on two accounts.
        #[test]
        fn a_credit_excuses_one_debit(
            rows in proptest::collection::vec((0usize..3, any::<bool>(), 1i64..4, 0i64..200), 0..40)
        ) {
            let rows: Vec<Transaction> = rows
                .into_iter()
                .map(|(account, out, minor, hour)| {
                    let direction = if out { Direction::Out } else { Direction::In };
                    row(["a", "b", "c"][account], direction, minor, hour, "Shop")
                })
                .collect();
            let rows: Vec<&Transaction> = rows.iter().collect();
            let left_out = own(&rows, |_| false);
            let of = |direction, minor| {
                let all = rows.iter().enumerate();
                let all = all.filter(move |(_, t)| t.direction == direction && t.amount.minor == minor);
                let taken = all.clone().filter(|(i, _)| left_out.contains(i)).count();
                (taken, all.count())
            };
            for minor in 1..4 {
                let (debits, credits) = (of(Direction::Out, minor), of(Direction::In, minor));
                prop_assert_eq!(debits.0, credits.0);
                prop_assert!(debits.0 <= credits.1);
            }
            for i in &left_out {
                prop_assert!(rows.iter().any(|t| t.amount == rows[*i].amount
                    && t.direction != rows[*i].direction
                    && t.account != rows[*i].account
                    && (t.at.as_second() - rows[*i].at.as_second()).abs() <= 3 * 86_400));
            }
            prop_assert!(own(&rows, |_| true).is_empty());
        }
    }
}
