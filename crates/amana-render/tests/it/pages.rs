//! Fragments of our own pages.

use crate::now;
use crate::rendering::{account, tx};
use amana_core::{AccountKind, Direction, Lang, Page, TransactionState};
use amana_render::page::{accounts, choices, said};
use std::collections::BTreeSet;

fn plain(html: &str) -> String {
    html.replace(['\u{2066}', '\u{2068}', '\u{2069}'], "")
}

#[test]
fn accounts_are_shown_with_their_balances_and_latest_rows() {
    let all = [account("a", AccountKind::Checking), account("b", AccountKind::CreditCard)];
    let mut rows: Vec<_> = (1..=12)
        .map(|i| tx(&format!("{i}"), &format!("Shop {i}"), 100 * i, "2026-11-01T00:00:00Z"))
        .collect();
    rows[11].at = now();
    rows[11].direction = Direction::In;
    rows[11].state = TransactionState::Pending;
    let page = Page { rows, truncated: false };
    let quiet = Page { rows: Vec::new(), truncated: false };
    let both = [(&all[0].id, &page), (&all[1].id, &quiet)];
    let shown = accounts(&all, &both, Lang::English, now());
    let html = plain(&shown.html);
    assert_eq!(html.matches("<section").count(), 2);
    assert_eq!(html.matches("<tr><td").count(), 10, "the newest ten");
    assert!(html.contains("<dt>Booked</dt><dd><bdi>$1,234.56</bdi></dd>"), "{html}");
    assert!(html.contains("<dt>You owe</dt>"), "a card's balance is owed");
    let newest = "<tr><td class=\"meta\"><bdi>Nov 23</bdi></td><td><bdi>Shop 12</bdi> \
                  <span class=\"badge wait\">pending</span></td><td class=\"amount\"><bdi dir=\"ltr\">+$12.00</bdi>";
    assert!(html.contains(newest), "{html}");
    assert!(html.contains("Nothing moved in the last 30 days.") && !html.contains("just now"), "{html}");
    assert_eq!(plain(&shown.lines[0]), "Everyday Money ••6789");
    assert_eq!(plain(&shown.lines[3]), "Nov 23 Shop 12 +$12.00 pending");
    assert!(plain(&accounts(&all, &[], Lang::Arabic, now()).html).contains("المستحق عليك"));
}

/// What could not be read must not look like an account on which nothing moved.
#[test]
fn an_account_that_could_not_be_read_says_so() {
    let all = [account("a", AccountKind::Checking), account("b", AccountKind::CreditCard)];
    let part = Page { rows: Vec::new(), truncated: true };
    let shown = accounts(&all, &[(&all[1].id, &part)], Lang::English, now());
    assert!(!shown.html.contains("Nothing moved"), "{}", shown.html);
    let [unread, partial] = [
        "The bank could not show the transactions of this account just now.",
        "Some transactions of this account could not be read just now.",
    ];
    let place = |what| shown.html.find(what).unwrap_or_else(|| panic!("{what}: {}", shown.html));
    assert!(place(unread) < place(partial), "each with its account");
    assert!(shown.lines.iter().any(|line| line == unread), "{:?}", shown.lines);
}

#[test]
fn what_came_from_a_bank_stays_text() {
    let mut hostile = account("a", AccountKind::Checking);
    hostile.name = "<script>alert('1')</script>\u{202E}\"".to_owned();
    hostile.last_four = Some("<b>4".to_owned());
    let mut row = tx("1", "</td><img src=x onerror=\"y\">", 100, "2026-11-01T00:00:00Z");
    row.merchant = Some("</td><img src=x onerror=\"y\">".to_owned());
    let page = Page { rows: vec![row], truncated: false };
    let all = [hostile];
    for html in [
        accounts(&all, &[(&all[0].id, &page)], Lang::English, now()).html,
        choices(&all, &BTreeSet::new(), Lang::English).html,
    ] {
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(!html.contains('\u{202E}') && html.contains("&lt;script&gt;"), "{html}");
    }
}

#[test]
fn the_choices_say_the_same_whatever_is_ticked() {
    let all = [account("a", AccountKind::Checking), account("b", AccountKind::Savings)];
    let none = choices(&all, &BTreeSet::new(), Lang::English);
    let one = choices(&all, &BTreeSet::from([all[1].id.clone()]), Lang::English);
    assert_eq!(none.lines, one.lines);
    assert_eq!((none.html.matches("checked").count(), one.html.matches("checked").count()), (0, 1));
    assert!(one.html.contains("name=\"account\" value=\"b\" checked>"), "{}", one.html);
    assert_eq!(plain(&none.lines[0]), "[ ] Everyday Money ••6789 Checking");
    assert!(choices(&[], &BTreeSet::new(), Lang::English).html.contains("Your bank shared no account."));
}

#[test]
fn what_was_said_is_read_back_line_by_line() {
    let bytes = br#"{"recipient":{"id":"1"},"message":{"text":"You paid <$4.50>\n\nat Blue Bottle"}}"#;
    let shown = said(bytes).expect("ours");
    assert_eq!(shown.lines, ["You paid <$4.50>", "at Blue Bottle"]);
    assert_eq!(
        shown.html,
        "<blockquote class=\"said\"><p dir=\"auto\">You paid &lt;$4.50&gt;</p>\
         <p dir=\"auto\">at Blue Bottle</p></blockquote>"
    );
    assert!(said(b"{}").is_none() && said(b"not ours").is_none());
}
