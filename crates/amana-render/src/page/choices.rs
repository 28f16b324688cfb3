//! The accounts on the consent page, each with a box to tick.

use super::Fragment;
use super::html::Html;
use crate::catalogue::texts;
use crate::format::{clean, masked};
use crate::say::kind;
use amana_core::{Account, AccountId, Lang};
use std::collections::BTreeSet;

/// The accounts of a customer to choose from: a checkbox `account` for each, with the bank's id as its value; those in
/// `chosen` are ticked. The lines are the same whatever is ticked, so that their hash says what was offered.
#[must_use]
pub fn choices(accounts: &[Account], chosen: &BTreeSet<AccountId>, lang: Lang) -> Fragment {
    let mut html = Html::new();
    let mut lines = Vec::with_capacity(accounts.len());
    if accounts.is_empty() {
        html.markup("<p>").text(&texts().text(lang, "consent-accounts-none", &[])).markup("</p>");
    }
    for account in accounts {
        let name = clean(&account.name);
        let kind = kind(lang, account.kind);
        let last = account.last_four.as_deref().map(masked);
        html.markup("<label class=\"tick\"><input type=\"checkbox\" name=\"account\" value=\"")
            .text(account.id.as_str())
            .markup(if chosen.contains(&account.id) { "\" checked>" } else { "\">" })
            .markup(" <span><strong><bdi>")
            .text(&name)
            .markup("</bdi></strong> ");
        if let Some(last) = &last {
            html.markup("<bdi dir=\"ltr\">").text(last).markup("</bdi>");
        }
        html.markup("<span class=\"tick-why\">").text(&kind).markup("</span></span></label>\n");
        lines.push(format!("[ ] {name} {} {kind}", last.as_deref().unwrap_or_default()));
    }
    Fragment { html: html.finish(), lines }
}
