//! The rules, in the order in which they are tried: first what must never be mistaken for something else.

use super::beyond;
use super::lexicon as lex;
use super::slots;
use super::when::{self, When};
use super::words::{Set, Words};
use crate::Intent;
use crate::limits::{COMMAND_WORDS_MAX, TRANSACTIONS_DEFAULT, TRANSACTIONS_MAX};
use amana_core::{AccountKind, Lang};
use amana_render::Period;
use jiff::civil::Date;

/// Words up to which a text can be nothing but a change of language, and a greeting.
const SHORT: usize = 4;

/// What a text means, asked on a day.
pub(super) fn intent(text: &str, today: Date) -> Intent {
    let words = Words::of(text);
    if words.len() == 0 || words.has(&lex::TRICKS) {
        return Intent::Unknown;
    }
    if let Some(intent) = command(&words) {
        return intent;
    }
    let when = when::find(&words, today);
    beyond::checked(question(text, &words, when, today), &words, when.as_ref())
}

/// What a text means that changes nothing.
fn question(text: &str, words: &Words<'_>, when: Option<When>, today: Date) -> Intent {
    if words.has(&lex::PERSON) {
        return Intent::Person;
    }
    if let Some(intent) = spending(text, words, when.as_ref(), today) {
        return intent;
    }
    if words.has(&lex::PRIVACY) {
        return Intent::Privacy;
    }
    if is_order(words) {
        return Intent::Unsupported;
    }
    if words.len() <= SHORT
        && let Some(lang) = language(words)
    {
        return Intent::SwitchLanguage(lang);
    }
    if words.has(&lex::BALANCE) && !words.has(&lex::NOT_BALANCE) && !only_names_account(words) {
        return Intent::Balance { kind: kind(words) };
    }
    if words.has(&lex::TRANSACTIONS) {
        return transactions(text, words, when.as_ref());
    }
    if words.has(&lex::LINK) && (words.len() <= SHORT || words.has(&lex::LINK_WITH)) {
        return Intent::Link;
    }
    if words.has(&lex::LANGUAGE) {
        return language(words).map_or(Intent::ChooseLanguage, Intent::SwitchLanguage);
    }
    // "Savings?", "how much in checking".
    if (words.len() <= 2 || words.has(&lex::HOW_MUCH))
        && let Some(kind) = kind(words)
    {
        return Intent::Balance { kind: Some(kind) };
    }
    // "How much at Starbucks?": a sum, where nothing else was named.
    if names_place(words, when.as_ref())
        && let Some(merchant) = slots::merchant(text, words, when.as_ref(), None)
    {
        return spending_intent(Some(merchant), when.as_ref(), today);
    }
    if words.has(&lex::HELP) {
        return Intent::Help;
    }
    let short = |set: &Set| words.has(set) && (words.len() <= SHORT || words.only(&[set, &lex::FILLER]));
    if short(&lex::THANKS) {
        return Intent::Thanks;
    }
    if short(&lex::GREETING)
        || words.only(&[&lex::GREETING, &lex::FILLER, &lex::THANKS]) && words.has(&lex::GREETING)
    {
        return Intent::Greeting;
    }
    Intent::Unknown
}

/// "How much at": a place that is surely one, or one right after the question or its time. "How much is a dollar in
/// euros" names none.
fn names_place(words: &Words<'_>, when: Option<&When>) -> bool {
    const AT: [&str; 8] = ["on", "from", "for", "in", "with", "في", "علي", "من"];
    if words.words.iter().any(|w| ["at", "عند", "لدي"].contains(&w.norm.as_str())) {
        return words.has(&lex::HOW_MUCH);
    }
    let Some((at, len)) = words.find(&lex::HOW_MUCH) else { return false };
    let next = at + len;
    let next = when.filter(|w| w.covers(next)).map_or(next, |w| w.end);
    let word = words.at(next);
    AT.contains(&word) || word.starts_with('ب')
}

/// What changes something, or sounds as if it did.
fn command(words: &Words<'_>) -> Option<Intent> {
    if words.has(&lex::NEGATED) {
        return Some(Intent::Unknown);
    }
    if words.has(&lex::STOP_PAYMENT)
        || (words.has(&lex::CARD) && words.has(&lex::BLOCK) && !words.has(&lex::LOOKS))
    {
        return Some(Intent::Unsupported);
    }
    if words.has(&lex::IDENTITY) {
        return Some(Intent::Help);
    }
    if words.len() > COMMAND_WORDS_MAX {
        return None;
    }
    let asks = words.has(&lex::HYPOTHETICAL);
    let stops = words.has(&lex::STOP)
        || (words.has(&lex::STOP_ALONE) && words.only(&[&lex::STOP_ALONE, &lex::STOP_WITH]))
        || (asks && words.has(&lex::STOP_ALONE) && words.len() <= COMMAND_WORDS_MAX / 2);
    let wish = match (words.has(&lex::ERASE), words.has(&lex::UNLINK), stops) {
        // Asked once more before anything is deleted.
        (true, ..) => Intent::Erase { asked: None },
        (false, true, _) => Intent::Unlink,
        (false, false, true) => Intent::Stop,
        (false, false, false) => return None,
    };
    // A question about stopping is answered where it can be done, not by doing it.
    Some(if asks { Intent::Privacy } else { wish })
}

fn spending(text: &str, words: &Words<'_>, when: Option<&When>, today: Date) -> Option<Intent> {
    if words.has(&lex::MUST_PAY) {
        return None;
    }
    let spent = words.find(&lex::SPENT);
    let verb = spent.or_else(|| words.find(&lex::SPEND))?;
    let asked = words.has(&lex::ASKS) || (spent.is_some() && (when.is_some() || verb.0 <= 1));
    // "pay", "buy" and the like are orders unless the question is about a sum that was.
    let past = spent.is_some()
        || ((words.has(&lex::HOW_MUCH) || words.has(&lex::ASKS)) && !order_first(words) && !buys(words));
    if !(asked && past) {
        return None;
    }
    let merchant = slots::merchant(text, words, when, Some(verb));
    Some(spending_intent(merchant, when, today))
}

/// "What did I buy" without a shop asks for the list, not for a sum; "can I buy" asks for something else.
fn buys(words: &Words<'_>) -> bool {
    !words.has(&lex::HOW_MUCH) && words.has(&lex::TRANSACTIONS)
}

fn order_first(words: &Words<'_>) -> bool {
    let polite =
        ["please", "pls", "can", "you", "could", "i", "want", "to", "would", "like", "id", "need", "my"];
    let first = (0..words.len()).find(|i| !polite.contains(&words.at(*i)));
    first.is_some_and(|i| {
        (words.phrase_at(&lex::ORDER, i).is_some() || words.phrase_at(&lex::SPEND, i).is_some())
            && words.phrase_at(&lex::SPENT, i).is_none()
            && !words.has(&lex::HOW_MUCH)
    })
}

fn spending_intent(merchant: Option<String>, when: Option<&When>, today: Date) -> Intent {
    let period = when.map_or_else(|| Period::default_at(today), |w| w.period);
    Intent::Spending { merchant, period }
}

fn is_order(words: &Words<'_>) -> bool {
    if !words.has(&lex::ORDER) {
        return false;
    }
    if words.has(&lex::LOOKS) && !order_first(words) {
        return false;
    }
    let asks_for_answer = words.has(&lex::SEND_ME)
        && !words.words.iter().any(|w| w.norm.starts_with(|c: char| c.is_ascii_digit()))
        && (words.has(&lex::BALANCE)
            || words.has(&lex::TRANSACTIONS)
            || words.has(&lex::LINK)
            || words.has(&lex::HELP));
    !asks_for_answer
}

fn language(words: &Words<'_>) -> Option<Lang> {
    match (words.has(&lex::ARABIC), words.has(&lex::ENGLISH)) {
        (true, false) => Some(Lang::Arabic),
        (false, true) => Some(Lang::English),
        _ => None,
    }
}

/// "My account" alone can be anything; beside a word for transactions or linking it only says where.
fn only_names_account(words: &Words<'_>) -> bool {
    let names = ["account", "accounts", "حسابي", "حساباتي", "بحسابي"];
    let named = words.words.iter().any(|w| names.contains(&w.norm.as_str()));
    let balance_word = words.words.iter().any(|w| {
        ["balance", "balances", "bal", "money", "owe", "left"].contains(&w.norm.as_str())
            || w.norm.contains("رصيد")
    });
    let question = words.has(&lex::HOW_MUCH);
    named
        && !balance_word
        && !question
        && (words.has(&lex::TRANSACTIONS) || words.has(&lex::LINK) || words.has(&lex::HELP))
}

fn kind(words: &Words<'_>) -> Option<AccountKind> {
    let kinds: [(&Set, AccountKind); 4] = [
        (&lex::SAVINGS, AccountKind::Savings),
        (&lex::CHECKING, AccountKind::Checking),
        (&lex::LOAN, AccountKind::Loan),
        (&lex::CREDIT, AccountKind::CreditCard),
    ];
    let named: Vec<AccountKind> = kinds.iter().filter(|(set, _)| words.has(set)).map(|(_, k)| *k).collect();
    match named.as_slice() {
        [one] => Some(*one),
        // "debit card", "credit card loan": the first is the better one; "savings and checking": both, so none.
        [AccountKind::Checking | AccountKind::Loan, AccountKind::CreditCard]
            if !words.has(&Set::new("and")) =>
        {
            named.first().copied()
        }
        _ => None,
    }
}

fn transactions(text: &str, words: &Words<'_>, when: Option<&When>) -> Intent {
    let number = (0..words.len())
        .filter(|i| when.is_none_or(|w| !w.covers(*i)))
        .find_map(|i| when::number(words.at(i)).filter(|n| (1..=100).contains(n)));
    let merchant = slots::merchant(text, words, when, None);
    let limit = if let Some(n) = number {
        n.min(TRANSACTIONS_MAX)
    } else if words.has(&lex::TWO) {
        2
    } else if words.has(&lex::ONE) && when.is_none() {
        1
    } else if when.is_some() || merchant.is_some() {
        TRANSACTIONS_MAX
    } else {
        TRANSACTIONS_DEFAULT
    };
    Intent::Transactions { limit, merchant, period: when.map(|w| w.period) }
}
