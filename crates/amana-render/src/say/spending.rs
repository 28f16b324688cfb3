//! What was spent: a sum for each currency, of purchases less refunds.

use super::{Render, RenderContext, answer_notice, say};
use crate::catalogue::{Arg, texts};
use crate::format;
use crate::limits::MATCHED_NAMES_MAX;
use crate::period::Period;
use crate::suggest::suggestions;
use amana_core::{Content, Direction, Lang, Page, Transaction};
use amana_pure::{Filter, Spent, Total, spent};
use std::collections::BTreeSet;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingArgs {
    /// The shop, as the customer wrote it; `None`: everywhere.
    pub merchant: Option<String>,
    /// The time.
    pub period: Period,
}

/// Spending: the sums, what they count, and what they may lack.
impl Render for SpendingArgs {
    type Data = Page<Transaction>;
    const TEMPLATE: &'static str = "spending";

    fn notice(ctx: &RenderContext) -> Content {
        answer_notice(ctx)
    }

    fn summary(&self, page: &Page<Transaction>, ctx: &RenderContext) -> Content {
        answer(page, self, ctx, false)
    }

    fn detail(&self, page: &Page<Transaction>, ctx: &RenderContext) -> Content {
        answer(page, self, ctx, true)
    }
}

fn answer(page: &Page<Transaction>, args: &SpendingArgs, ctx: &RenderContext, detail: bool) -> Content {
    // The page should come filtered; a sum that says "at Blue Bottle" must be of Blue Bottle whatever came.
    let filter = Filter {
        merchant: args.merchant.clone(),
        from: Some(args.period.from),
        to: Some(args.period.to),
        limit: None,
    };
    let rows: Vec<&Transaction> = page.rows.iter().filter(|t| filter.matches(t)).collect();
    let wanted = args.merchant.as_deref().map(format::clean).filter(|m| !m.is_empty());
    // Who names a shop or a payee means every payment there, whatever it was.
    let Spent { totals, own } = spent(&rows, wanted.is_none());
    let period = format::period(ctx.lang, &args.period, ctx.now);
    let shop = wanted.clone().unwrap_or_default();
    let base = [("merchant", Arg::Text(&shop)), ("period", Arg::Text(&period))];
    let mut lines = Vec::new();
    if totals.is_empty() {
        // In a summary the shop's name stays out, even though the customer wrote it.
        let id = match (&wanted, detail) {
            (Some(_), true) => "spending-none-shop",
            (Some(_), false) => "spending-none-matching",
            (None, _) => "spending-none",
        };
        lines.push(say(ctx, id, &base));
    } else {
        let id = match (&wanted, detail) {
            (Some(_), true) => "spending-shop",
            (Some(_), false) => "spending-matching",
            (None, _) => "spending-all",
        };
        let sums = sums(&totals, ctx.lang);
        let count: usize = totals.iter().map(|t| t.count).sum();
        let mut args = base.to_vec();
        args.push(("amount", Arg::Text(&sums)));
        args.push(("count", Arg::Count(count)));
        lines.push(say(ctx, id, &args));
        for total in totals.iter().filter(|t| t.refunds > 0) {
            let amount = format::money(ctx.lang, total.refunded);
            let args = [("amount", Arg::Text(&amount)), ("count", Arg::Count(total.refunds))];
            lines.push(say(ctx, "spending-refunds", &args));
        }
        if detail && wanted.is_some() {
            let names = matched(&rows, ctx.lang);
            if !names.is_empty() {
                lines.push(say(ctx, "spending-counted", &[("names", Arg::Text(&names))]));
            }
        }
    }
    if own > 0 {
        lines.push(say(ctx, "spending-own", &[]));
    }
    if page.truncated {
        lines.push(say(ctx, "spending-truncated", &[]));
    }
    Content { text: lines.join("\n"), suggestions: suggestions(ctx.lang), ..Content::default() }
}

/// "$42.10 and €3.00".
fn sums(totals: &[Total], lang: Lang) -> String {
    let and = texts().text(lang, "list-and", &[]);
    totals.iter().map(|t| format::money(lang, t.net())).collect::<Vec<_>>().join(&format!(" {and} "))
}

/// The shops' names as the bank writes them, so that the customer sees what was counted.
fn matched(rows: &[&Transaction], lang: Lang) -> String {
    let names: BTreeSet<String> = rows
        .iter()
        .filter(|t| t.direction != Direction::Memo)
        .map(|t| format::clean(t.merchant.as_deref().unwrap_or(&t.description)))
        .filter(|n| !n.is_empty())
        .collect();
    let comma = if lang == Lang::Arabic { "، " } else { ", " };
    let mut shown: Vec<String> = names.iter().take(MATCHED_NAMES_MAX).map(|n| format::name(n)).collect();
    if names.len() > MATCHED_NAMES_MAX {
        shown.push("…".to_owned());
    }
    shown.join(comma)
}
