//! Questions about data that Amana cannot answer: amounts, superlatives, averages, income, yes or no. They sound like
//! those that it can; an answer to another question would show data that nobody asked for.

use super::lexicon as lex;
use super::when::{self, When};
use super::words::Words;
use crate::Intent;

/// Units after a number that make it a time rather than an amount.
const UNITS: &[&str] = &[
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "hour",
    "hours",
    "يوم",
    "يوما",
    "ايام",
    "اسبوع",
    "اسابيع",
    "شهر",
    "شهرا",
    "اشهر",
    "شهور",
    "سنه",
    "سنوات",
    "سنين",
    "ساعه",
    "ساعات",
];
/// "Each day" in one word. Not in the lexicon: with a typing error they are "two days".
const EACH: &[&str] = &["daily", "weekly", "يوميا", "اسبوعيا", "شهريا", "سنويا"];
/// What may stand between "how much" and "did I pay": money, in other words. Anything else is what was paid for.
const MONEY: &[&str] =
    &["money", "cash", "in", "total", "of", "my", "did", "do", "have", "has", "ive", "i", "was", "is"];

/// The intent, or [`Intent::Unsupported`] if the words ask for something else than its answer.
pub(super) fn checked(intent: Intent, words: &Words<'_>, when: Option<&When>) -> Intent {
    let other = match intent {
        Intent::Transactions { .. } | Intent::Spending { .. } => {
            words.has(&lex::INCOME)
                || words.has(&lex::ONE_WAY)
                || words.has(&lex::SUPERLATIVE)
                || words.has(&lex::GROUPED)
                || words.words.iter().any(|w| EACH.contains(&w.norm.as_str()))
                || amount(words, when)
                || yes_or_no(words)
                || paid_for(words)
        }
        // "How much money did I make" is no question about a balance.
        Intent::Balance { .. } => words.has(&lex::INCOME),
        _ => false,
    };
    if other { Intent::Unsupported } else { intent }
}

/// Whether an amount is named: "over 50", "50 dollars", "$50".
fn amount(words: &Words<'_>, when: Option<&When>) -> bool {
    let is_amount = |i: usize| {
        let number =
            words.at(i).starts_with(|c: char| c.is_ascii_digit()) || when::number(words.at(i)).is_some();
        number && when.is_none_or(|w| !w.covers(i)) && !UNITS.contains(&words.at(i + 1))
    };
    (0..words.len()).any(|i| {
        words.phrase_at(&lex::COMPARED, i).is_some_and(|len| is_amount(i + len))
            || (is_amount(i) && words.phrase_at(&lex::CURRENCY, i + 1).is_some())
    }) || words
        .chunks
        .iter()
        .any(|c| c.contains(['$', '€', '£', '﷼']) && c.contains(|c: char| c.is_numeric()))
}

/// "Did I pay rent this month": the answer is yes or no, and a sum is neither.
fn yes_or_no(words: &Words<'_>) -> bool {
    words.has(&lex::YES_OR_NO) && !words.has(&lex::HOW_MUCH) && !words.has(&lex::WHAT)
}

/// "How much rent did I pay": what was paid for is no shop, and everything that was paid is no answer.
fn paid_for(words: &Words<'_>) -> bool {
    (0..words.len()).any(|i| {
        let next = words.at(i + 2);
        words.at(i) == "how"
            && words.at(i + 1) == "much"
            && !MONEY.contains(&next)
            && ["did", "do", "have"].contains(&words.at(i + 3))
            && words.at(i + 4) == "i"
    })
}
