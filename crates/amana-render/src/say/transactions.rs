//! Transactions on request.

use super::{Render, RenderContext, answer_notice, card, say};
use crate::catalogue::{Arg, texts};
use crate::format;
use crate::period::Period;
use crate::suggest::suggestions;
use amana_core::{Content, Direction, Lang, Money, Page, Transaction, TransactionState};

/// What the answer needs to know beside the transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransactionsArgs {
    /// The shop that was asked about, as the customer wrote it.
    pub merchant: Option<String>,
    /// The time that was asked about.
    pub period: Option<Period>,
}

/// Transactions, newest first, a line for each. The page comes filtered.
impl Render for TransactionsArgs {
    type Data = Page<Transaction>;
    const TEMPLATE: &'static str = "transactions";

    fn notice(ctx: &RenderContext) -> Content {
        answer_notice(ctx)
    }

    fn summary(&self, page: &Page<Transaction>, ctx: &RenderContext) -> Content {
        let none = Self { merchant: None, period: self.period };
        answer(page, &none, ctx, |t, ctx| (kind(t, ctx.lang), signed(t, ctx.lang)))
    }

    fn detail(&self, page: &Page<Transaction>, ctx: &RenderContext) -> Content {
        answer(page, self, ctx, |t, ctx| {
            let amount = signed(t, ctx.lang);
            let day = format::date(ctx.lang, t.at, ctx.now);
            let args = [("amount", Arg::Text(&amount)), ("day", Arg::Text(&day))];
            let id = match t.state {
                TransactionState::Pending => "row-pending",
                TransactionState::Posted => "row-posted",
                TransactionState::Reversed => "row-reversed",
            };
            (title(t, ctx.lang), texts().text(ctx.lang, id, &args))
        })
    }
}

fn answer(
    page: &Page<Transaction>,
    args: &TransactionsArgs,
    ctx: &RenderContext,
    line: fn(&Transaction, &RenderContext) -> (String, String),
) -> Content {
    let bank = format::clean(&ctx.institution_name);
    let shop = args.merchant.as_deref().map(format::clean).unwrap_or_default();
    let period = args.period.map(|p| format::period(ctx.lang, &p, ctx.now)).unwrap_or_default();
    let which = match (shop.is_empty(), period.is_empty()) {
        (true, true) => "",
        (false, true) => "-shop",
        (true, false) => "-period",
        (false, false) => "-shop-period",
    };
    let id = if page.rows.is_empty() { "transactions-none" } else { "transactions-intro" };
    let count = page.rows.len().min(crate::limits::CARD_LINES_MAX);
    let mut text = say(
        ctx,
        &format!("{id}{which}"),
        &[
            ("bank", Arg::Text(&bank)),
            ("merchant", Arg::Text(&shop)),
            ("period", Arg::Text(&period)),
            ("count", Arg::Count(count)),
        ],
    );
    if page.truncated {
        text.push('\n');
        text.push_str(&say(ctx, "truncated-list", &[]));
    }
    Content {
        text,
        card: card(ctx, page.rows.iter().map(|t| line(t, ctx))),
        suggestions: suggestions(ctx.lang),
        ..Content::default()
    }
}

/// The amount with the sign that the customer's balance sees.
fn signed(t: &Transaction, lang: Lang) -> String {
    let minor = match t.direction {
        Direction::Out => t.amount.minor.saturating_neg(),
        Direction::In | Direction::Memo => t.amount.minor,
    };
    format::money(lang, Money::new(minor, t.amount.currency))
}

/// What kind of movement it was, without where and with whom.
fn kind(t: &Transaction, lang: Lang) -> String {
    let id = match (t.state, t.direction) {
        (TransactionState::Reversed, _) => "move-reversed",
        (_, Direction::Out) => "move-out",
        (_, Direction::In) => "move-in",
        (_, Direction::Memo) => "move-memo",
    };
    texts().text(lang, id, &[])
}

/// The shop or payer; the bank's line if there is none; the kind if there is neither.
fn title(t: &Transaction, lang: Lang) -> String {
    let shop = t.merchant.as_deref().map(format::clean).filter(|m| !m.is_empty());
    match shop.unwrap_or_else(|| format::clean(&t.description)) {
        empty if empty.is_empty() => kind(t, lang),
        name => format::name(&name),
    }
}
