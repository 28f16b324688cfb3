//! Understanding, from `tests/cases/*.tsv`.

use crate::now;
use amana_chat::{Intent, Rules, Understand, limits};
use amana_core::Lang;
use amana_render::Period;
use proptest::prelude::*;

fn period(p: &Period) -> String {
    let dates = format!("{}..{}", p.from, p.to);
    let names = [
        ("today", "2026-11-23..2026-11-24"),
        ("yesterday", "2026-11-22..2026-11-23"),
        ("this-week", "2026-11-22..2026-11-24"),
        ("last-week", "2026-11-15..2026-11-22"),
        ("this-month", "2026-11-01..2026-11-24"),
        ("last-month", "2026-10-01..2026-11-01"),
        ("this-year", "2026-01-01..2026-11-24"),
        ("last-year", "2025-01-01..2026-01-01"),
        ("default", "2026-10-25..2026-11-24"),
    ];
    names.iter().find(|(_, d)| *d == dates).map_or(dates, |(n, _)| (*n).to_owned())
}

/// An intent as a case writes it.
fn written(intent: &Intent) -> String {
    let word = match intent {
        Intent::Greeting => "greeting".to_owned(),
        Intent::Spending { .. } => "spending".to_owned(),
        other => other.payload().trim_start_matches("v1:").to_owned(),
    };
    match intent {
        Intent::Spending { merchant, period: p } => {
            format!("{word}\t{}\t{}", merchant.as_deref().unwrap_or("-"), period(p))
        }
        Intent::Transactions { merchant, period: p, .. } => {
            let p = p.as_ref().map_or_else(|| "-".to_owned(), period);
            format!("{word}\t{}\t{p}", merchant.as_deref().unwrap_or("-"))
        }
        _ => word,
    }
}

fn check(file: &str, lang: Lang) {
    let cases: Vec<&str> = file.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    assert!(cases.len() >= 120, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (text, want) = case.split_once('\t').expect("a tab");
        let got = written(&Rules.understand(text, lang, now()).intent);
        if got != want.trim_end() {
            wrong.push(format!("{text}\n    want {want}\n    got  {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn english_is_understood() {
    check(include_str!("../cases/en.tsv"), Lang::English);
}

#[test]
fn arabic_is_understood() {
    check(include_str!("../cases/ar.tsv"), Lang::Arabic);
}

#[test]
fn the_language_is_that_of_the_text() {
    let lang = |text: &str, own| Rules.understand(text, own, now()).lang;
    assert_eq!(lang("كم رصيدي؟", Lang::English), Lang::Arabic);
    assert_eq!(lang("balance", Lang::Arabic), Lang::English);
    assert_eq!(lang("👍 12", Lang::Arabic), Lang::Arabic);
}

#[test]
fn long_texts_change_nothing() {
    let long = format!("{} unlink", "word ".repeat(40));
    assert_eq!(Rules.understand(&long, Lang::English, now()).intent, Intent::Unknown);
    let huge = "كم ".repeat(1_000_000);
    let _ = Rules.understand(&huge, Lang::Arabic, now());
}

#[test]
fn payloads_round_trip_and_hold_no_merchant() {
    for text in [
        "hi",
        "help",
        "link",
        "balance",
        "savings balance",
        "last 3 transactions",
        "privacy",
        "stop",
        "unlink",
        "arabic",
        "language",
        "thanks",
        "agent",
        "block my card",
    ] {
        let intent = Rules.understand(text, Lang::English, now()).intent;
        assert_ne!(intent, Intent::Unknown, "{text}");
        assert_eq!(Intent::from_payload(&intent.payload()), intent, "{text}");
    }
    let asked = Rules.understand("how much at Blue Bottle last month", Lang::English, now()).intent;
    let payload = asked.payload();
    assert_eq!(payload, "v1:spending:last-month:2026-10-01:2026-11-01");
    let Intent::Spending { merchant: None, period: p } = Intent::from_payload(&payload) else {
        panic!("{payload}")
    };
    assert_eq!(period(&p), "last-month");
    for bad in [
        "",
        "v1:",
        "v2:balance",
        "balance",
        "v1:balance:gold",
        "v1:recent:x",
        "v1:recent:1:2",
        "v1:spending:today:b:c",
        "v1:spending:today:2026-11-02:2026-11-01",
        "v1:unlink:now",
        "v1:lang:fr",
        "v1:help:a:b:c:d",
    ] {
        assert_eq!(Intent::from_payload(bad), Intent::Unknown, "{bad}");
    }
    assert_eq!(Intent::from_payload("v1:recent:9999"), Intent::recent(limits::TRANSACTIONS_MAX));
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>(), payload in any::<String>()) {
        let _ = Rules.understand(&text, Lang::English, now());
        let _ = Intent::from_payload(&payload);
        let _ = Intent::from_payload(&format!("v1:{payload}"));
    }

    #[test]
    fn whatever_is_written_slots_stay_in_their_bounds(
        words in prop::collection::vec(prop::sample::select(vec![
            "how", "much", "did", "I", "spend", "at", "since", "last", "999", "weeks", "ago", "May", "2025-13-40", "\u{202E}evil",
            "كم", "صرفت", "في", "شهر", "٩٩٩", "من", "إلى", "بين", "و", "«", "\"", "آخر", "سنة", "0", "31", "February", "transactions",
        ]), 0..30),
    ) {
        let intent = Rules.understand(&words.join(" "), Lang::English, now()).intent;
        prop_assert!(!matches!(intent, Intent::Stop | Intent::Unlink | Intent::SwitchLanguage(_)));
        let (merchant, period) = match &intent {
            Intent::Spending { merchant, period } => (merchant.clone(), Some(*period)),
            Intent::Transactions { merchant, period, limit } => {
                prop_assert!((1..=limits::TRANSACTIONS_MAX).contains(limit));
                (merchant.clone(), *period)
            }
            _ => (None, None),
        };
        if let Some(p) = period {
            prop_assert!(p.from < p.to && p.to.to_string().as_str() <= "2026-11-24", "{:?}", p);
        }
        if let Some(m) = merchant {
            let clean = !m.contains('\u{202E}');
            prop_assert!(clean && m.chars().count() <= limits::MERCHANT_CHARS_MAX);
        }
    }
}
