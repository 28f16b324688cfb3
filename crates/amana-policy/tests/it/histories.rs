//! The decision with policies in Cedar over generated lives (`amana-gate/tests/it/lives.rs`): policies are made as
//! plain rules, printed as Cedar for the real one, and read by a reference that knows neither Cedar nor the gate.

use crate::lives::*;
use amana_core::*;
use amana_gate::{Ask, Facts, Subject, decide};
use amana_policy::CedarPolicy;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Lives that are decided once each.
const LIVES: u64 = 1_000_000;
/// Lives that are decided under one set of policies.
const PER_SET: u64 = 500;
/// Threads, each with its own lives.
const THREADS: u64 = 4;
/// The minute of the day, and the day of the week (1 is Monday), at which the lives' days begin: a Friday, at eight.
const FIRST: (usize, usize) = (480, 5);

/// One condition of a rule.
#[derive(Debug, Clone, Copy)]
enum If {
    Always,
    Before(usize),
    FromOn(usize),
    OnDay(usize),
    NotOnDay(usize),
    Asks(usize),
    Sensitive(usize),
    Purpose(usize),
    NotForm(usize),
    Allowed(usize),
    /// Calculates with instants, so that no answer is kept.
    OlderThanDays(usize),
    LessThanDaysLeft(usize),
}

/// A rule that forbids, as a bank's officer would say it: for this purpose (or all), this form (or all), if all of
/// these.
#[derive(Debug, Clone)]
struct Rule {
    purpose: Option<usize>,
    form: Option<usize>,
    conditions: Vec<If>,
}

/// The moment and the person's consent, in numbers.
struct Moment {
    minute: usize,
    weekday: usize,
    /// Minutes since the consent was given, and until it ends.
    age: usize,
    left: usize,
    allowed: Vec<usize>,
}

// ---------------------------------------------------------------------------------------------------------------------
// The reference.

fn holds(condition: If, q: &Question, form: usize, m: &Moment) -> bool {
    // Account and deliveries 1, balances and transfers 2, transactions and orders 3.
    let sensitive = |least| {
        let weight = |c: &Cluster| match c.as_str() {
            "TRANSACTIONS" | "ORDERS" => 3,
            "BALANCES" | "TRANSFERS" => 2,
            _ => 1,
        };
        Cluster::ALL.iter().filter(|c| q.kinds & (1 << **c as usize) != 0).any(|c| weight(c) >= least)
    };
    match condition {
        If::Always => true,
        If::Before(minute) => m.minute < minute,
        If::FromOn(minute) => m.minute >= minute,
        If::OnDay(day) => m.weekday == day,
        If::NotOnDay(day) => m.weekday != day,
        If::Asks(cluster) => q.kinds & (1 << cluster) != 0,
        If::Sensitive(least) => least == 0 || sensitive(least),
        If::Purpose(purpose) => q.purpose == purpose,
        If::NotForm(other) => form != other,
        If::Allowed(purpose) => m.allowed.contains(&purpose),
        If::OlderThanDays(days) => m.age > days * 1_440,
        If::LessThanDaysLeft(days) => m.left < days * 1_440,
    }
}

/// The most open form, at most this one, that no rule forbids.
fn left_open(rules: &[Rule], most: usize, q: &Question, m: &Moment) -> Option<usize> {
    (0..=most).rev().find(|form| {
        !rules.iter().any(|rule| {
            rule.purpose.is_none_or(|purpose| purpose == q.purpose)
                && rule.form.is_none_or(|only| only == *form)
                && rule.conditions.iter().all(|condition| holds(*condition, q, *form, m))
        })
    })
}

// ---------------------------------------------------------------------------------------------------------------------
// The same as Cedar.

fn in_cedar(condition: If) -> String {
    let purpose = |n: usize| format!("Purpose::\"{}\"", Purpose::ALL[n]);
    match condition {
        If::Always => "true".to_owned(),
        If::Before(minute) => format!("context.minute_of_day < {minute}"),
        If::FromOn(minute) => format!("!(context.minute_of_day < {minute})"),
        If::OnDay(day) => format!("context.weekday == {day}"),
        If::NotOnDay(day) => format!("context.weekday != {day}"),
        If::Asks(cluster) => format!("context.clusters.contains(Cluster::\"{}\")", Cluster::ALL[cluster]),
        If::Sensitive(least) => format!("context.sensitivity >= {least}"),
        If::Purpose(n) => format!("principal == {}", purpose(n)),
        If::NotForm(form) => format!("resource != Form::\"{}\"", Form::ALL[form]),
        If::Allowed(n) => format!("context.consent.purposes.contains({})", purpose(n)),
        If::OlderThanDays(days) => format!("context.now - context.consent.given > {}", days * 86_400),
        If::LessThanDaysLeft(days) => format!("context.consent.expires - context.now < {}", days * 86_400),
    }
}

fn document(rules: &[Rule]) -> String {
    let mut text = amana_policy::DEFAULT.to_owned();
    for rule in rules {
        let principal =
            rule.purpose.map_or_else(String::new, |n| format!(" == Purpose::\"{}\"", Purpose::ALL[n]));
        let resource = rule.form.map_or_else(String::new, |n| format!(" == Form::\"{}\"", Form::ALL[n]));
        let conditions: Vec<String> = rule.conditions.iter().map(|c| in_cedar(*c)).collect();
        writeln!(
            text,
            "forbid (principal{principal}, action == Action::\"disclose\", resource{resource}) when {{ {} }};",
            conditions.join(" && ")
        )
        .expect("text");
    }
    text
}

// ---------------------------------------------------------------------------------------------------------------------
// Policies and moments by chance.

fn rules(dice: &mut Dice) -> Vec<Rule> {
    let purposes = Purpose::ALL.len() as u64;
    (0..dice.below(8))
        .map(|_| {
            let purpose = dice.one_in(2).then(|| dice.below(purposes));
            let form = dice.one_in(2).then(|| dice.below(3));
            // A condition that its own scope makes impossible is refused as a document; so is the same said twice.
            let conditions = (0..1 + dice.below(3))
                .map(|_| match dice.below(12) {
                    0 => If::Before(dice.below(1_440)),
                    1 => If::FromOn(dice.below(1_440)),
                    2 => If::OnDay(1 + dice.below(7)),
                    3 => If::NotOnDay(1 + dice.below(7)),
                    4 => If::Asks(dice.below(6)),
                    5 => If::Sensitive(dice.below(4)),
                    6 if purpose.is_none() => If::Purpose(dice.below(purposes)),
                    7 if form.is_none() => If::NotForm(dice.below(3)),
                    8 => If::Allowed(dice.below(purposes)),
                    9 if dice.one_in(4) => If::OlderThanDays(dice.below(12)),
                    10 if dice.one_in(4) => If::LessThanDaysLeft(dice.below(30)),
                    _ => If::Always,
                })
                .collect();
            Rule { purpose, form, conditions }
        })
        .collect()
}

/// What the person allowed last, as it is at this minute of this day of the life. There is one: it was decided on.
fn moment(life: &Life, today: usize, minutes: usize, q: &Question) -> Moment {
    let theirs = life.iter().filter(|(day, _)| *day <= today).rev().find_map(|(day, what)| match what {
        What::Allowed { person, bank, page, days, grants, .. }
            if (*person, *bank, *page) == (q.person, q.bank, q.page) =>
        {
            Some((*day, *days, grants.iter().map(|grant| grant.purpose).collect()))
        }
        _ => None,
    });
    let (given, days, allowed) = theirs.expect("something was allowed");
    Moment {
        minute: FIRST.0 + minutes,
        weekday: (FIRST.1 - 1 + today) % 7 + 1,
        age: (today - given) * 1_440 + minutes,
        left: (given + days - today) * 1_440 - minutes,
        allowed,
    }
}

/// One set of policies, and the lives under it; what was counted.
fn under_one_set(dice: &mut Dice, counted: &mut BTreeMap<&'static str, u64>) {
    let mut one = || {
        let rules = rules(dice);
        CedarPolicy::parse(&NAMES.banks[0], &document(&rules)).ok().map(|policy| (rules, policy))
    };
    let (rules, policy) = (0..50).find_map(|_| one()).expect("most sets are documents");
    for _ in 0..PER_SET {
        let (life, q) = (life(dice), question(dice));
        let q = Question { policy: Some(2), ..q };
        // Until midnight, so that the day is the same.
        let (today, minutes) = (dice.below(25), dice.below(1_440 - 480));
        let agreed = may_be_seen(&life, today, &q);
        let expected = agreed
            .filter(|_| q.bank == 0)
            .and_then(|most| left_open(&rules, most, &q, &moment(&life, today, minutes, &q)));
        let desk = record(&life, today, (q.person, q.bank, q.page));
        let now = on_day(today).as_second() + i64::try_from(minutes * 60).expect("small");
        let found = decide(
            Purpose::ALL[q.purpose],
            &Ask {
                subject: &Subject { institution: NAMES.banks[q.bank].clone(), customer: person(q.person) },
                recipient: &Address {
                    channel: NAMES.pages[q.page].clone(),
                    psid: NAMES.chats[q.chat].clone(),
                },
                accounts: &accounts(q.accounts).collect::<Vec<_>>(),
                clusters: clusters(q.kinds),
            },
            &Facts {
                agreement: desk.agreement.as_ref(),
                consent: desk.consent.as_ref(),
                kills: &desk.kills,
                now: Timestamp::from_second(now).expect("an instant"),
            },
            &policy,
        );
        assert_eq!(
            found.ok(),
            expected.map(|form| Form::ALL[form]),
            "{found:?} on day {today}, {minutes} minutes: {q:?}\n{rules:#?}\n{life:#?}"
        );
        let word = match (agreed, expected) {
            (None, _) => "not agreed or allowed",
            (Some(_), None) if q.bank != 0 => "another bank's policy",
            (Some(_), None) => "forbidden",
            (Some(most), Some(form)) if form < most => "narrowed",
            _ => "as allowed",
        };
        *counted.entry(word).or_insert(0) += 1;
    }
}

#[test]
fn cedar_agrees_with_plain_words_over_a_million_lives() {
    let run = |thread: u64| {
        let mut dice = Dice(7 ^ (thread << 32));
        let mut counted = BTreeMap::new();
        for _ in 0..LIVES / THREADS / PER_SET {
            under_one_set(&mut dice, &mut counted);
        }
        counted
    };
    let mut all = BTreeMap::<&str, u64>::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        for thread in running {
            for (what, count) in thread.join().expect("agrees") {
                *all.entry(what).or_default() += count;
            }
        }
    });
    assert_eq!(all.values().sum::<u64>(), LIVES);
    assert!(all.contains_key("another bank's policy"), "{all:?}");
    for word in ["not agreed or allowed", "forbidden", "narrowed", "as allowed"] {
        assert!(all.get(word).is_some_and(|n| *n > LIVES / 200), "{word}: {all:?}");
    }
}
