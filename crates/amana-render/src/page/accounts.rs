//! The page behind a notice: balances and the latest transactions.

use super::Fragment;
use super::html::Html;
use crate::catalogue::texts;
use crate::format::{clean, date, masked, money};
use crate::limits::PAGE_ROWS_MAX;
use crate::say::kind;
use amana_core::{
    Account, AccountId, AccountKind, Direction, Lang, Page, Timestamp, Transaction, TransactionState,
};
use amana_pure::latest;

/// Each account with its balances and its latest transactions. An account without a page of its own could not be read,
/// and it says so, as one does whose page is not the whole.
#[must_use]
pub fn accounts(
    accounts: &[Account],
    pages: &[(&AccountId, &Page<Transaction>)],
    lang: Lang,
    now: Timestamp,
) -> Fragment {
    let mut out = Both { html: Html::new(), lines: Vec::new(), lang, now };
    for (i, account) in accounts.iter().enumerate() {
        let page = pages.iter().find(|(id, _)| **id == account.id).map(|(_, page)| *page);
        out.account(i + 1, account, page);
    }
    Fragment { html: out.html.finish(), lines: out.lines }
}

/// The page under way, as HTML and as lines.
struct Both {
    html: Html,
    lines: Vec<String>,
    lang: Lang,
    now: Timestamp,
}

impl Both {
    fn t(&self, id: &str) -> String {
        texts().text(self.lang, id, &[])
    }

    fn account(&mut self, number: usize, account: &Account, page: Option<&Page<Transaction>>) {
        let name = match clean(&account.name) {
            empty if empty.is_empty() => kind(self.lang, account.kind),
            name => name,
        };
        let number = number.to_string();
        let last = account.last_four.as_deref().map(masked);
        self.html
            .markup("<section class=\"section card\" aria-labelledby=\"account-")
            .text(&number)
            .markup("\">\n<h2 id=\"account-")
            .text(&number)
            .markup("\"><bdi>")
            .text(&name)
            .markup("</bdi>");
        if let Some(last) = &last {
            self.html.markup(" <bdi dir=\"ltr\">").text(last).markup("</bdi>");
        }
        self.html.markup("</h2>\n");
        self.lines.push(format!("{name} {}", last.unwrap_or_default()).trim_end().to_owned());
        self.balances(account);
        let rows = page.map(|page| latest(page, PAGE_ROWS_MAX)).unwrap_or_default();
        if !rows.is_empty() {
            self.rows(&rows);
        }
        match page {
            None => self.note("accounts-unread"),
            Some(page) if page.truncated => self.note("accounts-partial"),
            Some(_) if rows.is_empty() => self.note("accounts-quiet"),
            Some(_) => {}
        }
        self.html.markup("</section>\n");
    }

    fn note(&mut self, id: &str) {
        let note = self.t(id);
        self.html.markup("<p class=\"quiet\">").text(&note).markup("</p>\n");
        if id != "accounts-quiet" {
            self.lines.push(note);
        }
    }

    fn balances(&mut self, account: &Account) {
        let owed = matches!(account.kind, AccountKind::CreditCard | AccountKind::Loan);
        let current = self.t(if owed { "accounts-owed" } else { "accounts-booked" });
        let balances = [(current, account.current), (self.t("accounts-available"), account.available)];
        self.html.markup("<dl class=\"facts-row\">");
        for (term, amount) in balances {
            let Some(amount) = amount.map(|amount| money(self.lang, amount)) else { continue };
            self.html.markup("<div><dt>").text(&term).markup("</dt><dd><bdi>").text(&amount);
            self.html.markup("</bdi></dd></div>");
            self.lines.push(format!("{term} {amount}"));
        }
        self.html.markup("</dl>\n");
    }

    fn rows(&mut self, rows: &[&Transaction]) {
        let [caption, when, what, amount] =
            ["accounts-latest", "accounts-when", "accounts-what", "accounts-amount"].map(|id| self.t(id));
        self.html
            .markup("<table class=\"rows\">\n<caption class=\"sr\">")
            .text(&caption)
            .markup("</caption>\n<thead class=\"sr\"><tr><th scope=\"col\">")
            .text(&when)
            .markup("</th><th scope=\"col\">")
            .text(&what)
            .markup("</th><th scope=\"col\">")
            .text(&amount)
            .markup("</th></tr></thead>\n<tbody>\n");
        for row in rows {
            self.row(row);
        }
        self.html.markup("</tbody>\n</table>\n");
    }

    fn row(&mut self, t: &Transaction) {
        let day = date(self.lang, t.at, self.now);
        let what = clean(t.merchant.as_deref().unwrap_or(&t.description));
        let amount = match t.direction {
            Direction::In => format!("+{}", money(self.lang, t.amount)),
            Direction::Out | Direction::Memo => money(self.lang, t.amount),
        };
        self.html
            .markup("<tr><td class=\"meta\"><bdi>")
            .text(&day)
            .markup("</bdi></td><td><bdi>")
            .text(&what)
            .markup("</bdi>");
        let mut line = format!("{day} {what} {amount}");
        if t.state == TransactionState::Pending {
            let pending = self.t("accounts-pending");
            self.html.markup(" <span class=\"badge wait\">").text(&pending).markup("</span>");
            line.push(' ');
            line.push_str(&pending);
        }
        self.html.markup("</td><td class=\"amount\"><bdi dir=\"ltr\">").text(&amount);
        self.html.markup("</bdi></td></tr>\n");
        self.lines.push(line);
    }
}
