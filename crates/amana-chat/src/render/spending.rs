//! What was spent: a sum for each currency, of purchases less refunds.

use super::{answer_notice, own, say};
use crate::catalogue::{Arg, chat};
use crate::filter::Filter;
use crate::format;
use crate::limits::MATCHED_NAMES_MAX;
use crate::period::Period;
use crate::plain::suggestions;
use amana_core::{AccountId, Content, Currency, Direction, Lang, Money, Page, Transaction, TransactionState};
use amana_gate::{RenderContext, Renderer};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingArgs {
    /// The shop, as the customer wrote it; `None`: everywhere.
    pub merchant: Option<String>,
    /// The time.
    pub period: Period,
}

/// Spending: the sums, what they count, and what they may lack.
pub const SPENDING: Renderer<Page<Transaction>, SpendingArgs> =
    Renderer { template: "spending", notice: answer_notice, summary, detail };

/// The sum in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Purchases and payments out, never negative.
    pub out: Money,
    /// Refunds, never negative.
    pub refunded: Money,
    /// How many payments out.
    pub count: usize,
    /// How many refunds.
    pub refunds: usize,
}

impl Total {
    /// What was spent after refunds; negative if more came back.
    #[must_use]
    pub fn net(&self) -> Money {
        Money::new(self.out.minor.saturating_sub(self.refunded.minor), self.out.currency)
    }
}

/// The sums of a page for each currency, the most used first.
///
/// Counted: money out, pending or booked. Not counted: what was undone, an authorization whose posting is there too,
/// memo lines, and money that came and is no refund. Money that came is a refund if it refers to a payment of the page
/// or comes from a shop that was paid on it; so salary is none.
#[must_use]
pub fn totals(rows: &[&Transaction]) -> Vec<Total> {
    tally(rows, false).0
}

/// The sums, and how many payments stayed the customer's own and are not in them (none unless `without_own`).
fn tally(rows: &[&Transaction], without_own: bool) -> (Vec<Total>, usize) {
    let by_id: HashMap<&str, &Transaction> = rows.iter().map(|t| (t.id.as_str(), *t)).collect();
    let mut gone: HashSet<&str> = HashSet::new();
    let mut refunds: HashSet<&str> = HashSet::new();
    for t in rows {
        if t.state == TransactionState::Reversed {
            gone.insert(&t.id);
        }
        let Some(earlier) = t.reference_id.as_deref().and_then(|id| by_id.get(id)) else { continue };
        if t.state == TransactionState::Reversed || t.direction == earlier.direction {
            gone.insert(&earlier.id);
        } else if t.direction == Direction::In {
            refunds.insert(&t.id);
        }
    }
    let mut counted: Vec<&Transaction> =
        rows.iter().copied().filter(|t| !gone.contains(t.id.as_str())).collect();
    let mut left_out = 0;
    if without_own {
        // A shop pays back to the account that paid it; a transfer arrives on another.
        let bought: HashSet<(&AccountId, String)> = counted
            .iter()
            .filter(|t| t.direction == Direction::Out)
            .filter_map(|t| Some((&t.account, shop(t)?)))
            .collect();
        let own = own::own(&counted, |t| {
            refunds.contains(t.id.as_str()) || shop(t).is_some_and(|s| bought.contains(&(&t.account, s)))
        });
        left_out = counted
            .iter()
            .enumerate()
            .filter(|(i, t)| t.direction == Direction::Out && own.contains(i))
            .count();
        counted = counted.into_iter().enumerate().filter(|(i, _)| !own.contains(i)).map(|(_, t)| t).collect();
    }
    let paid: HashSet<String> =
        counted.iter().filter(|t| t.direction == Direction::Out).filter_map(|t| shop(t)).collect();

    let mut totals: Vec<Total> = Vec::new();
    for t in counted {
        let refund = t.direction == Direction::In
            && (refunds.contains(t.id.as_str()) || shop(t).is_some_and(|s| paid.contains(&s)));
        if t.direction != Direction::Out && !refund {
            continue;
        }
        let at = totals.iter().position(|total| total.out.currency == t.amount.currency);
        let at = at.unwrap_or_else(|| {
            totals.push(empty(t.amount.currency));
            totals.len() - 1
        });
        let Some(total) = totals.get_mut(at) else { continue };
        let (sum, count) = if refund {
            (&mut total.refunded, &mut total.refunds)
        } else {
            (&mut total.out, &mut total.count)
        };
        sum.minor = sum.minor.saturating_add(t.amount.minor);
        *count += 1;
    }
    totals.sort_by_key(|t| std::cmp::Reverse(t.count + t.refunds));
    (totals, left_out)
}

fn empty(currency: Currency) -> Total {
    let zero = Money::new(0, currency);
    Total { out: zero, refunded: zero, count: 0, refunds: 0 }
}

fn shop(t: &Transaction) -> Option<String> {
    t.merchant.as_deref().map(crate::understand::normalise).filter(|s| !s.is_empty())
}

fn summary(page: &Page<Transaction>, args: &SpendingArgs, ctx: &RenderContext) -> Content {
    answer(page, args, ctx, false)
}

fn detail(page: &Page<Transaction>, args: &SpendingArgs, ctx: &RenderContext) -> Content {
    answer(page, args, ctx, true)
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
    let (totals, left_out) = tally(&rows, wanted.is_none());
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
    if left_out > 0 {
        lines.push(say(ctx, "spending-own", &[]));
    }
    if page.truncated {
        lines.push(say(ctx, "spending-truncated", &[]));
    }
    Content { text: lines.join("\n"), suggestions: suggestions(ctx.lang), ..Content::default() }
}

/// "$42.10 and €3.00".
fn sums(totals: &[Total], lang: Lang) -> String {
    let and = chat().text(lang, "list-and", &[]);
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
