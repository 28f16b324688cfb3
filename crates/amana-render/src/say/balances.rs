//! Balances on request.

use super::{Render, RenderContext, answer_notice, card, kind, say};
use crate::catalogue::{Arg, texts};
use crate::format;
use crate::suggest::suggestions;
use amana_core::{Account, AccountKind, Content, Lang};

/// What the answer needs to know beside the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BalanceArgs {
    /// The kind that was asked about, so that the answer can say that there is none.
    pub kind: Option<AccountKind>,
    /// Whether an account that the customer allowed could not be read just now, so that the answer can say so.
    pub incomplete: bool,
}

impl BalanceArgs {
    /// An answer of every allowed account, about a kind or (`None`) about all.
    #[must_use]
    pub fn new(kind: Option<AccountKind>) -> Self {
        Self { kind, incomplete: false }
    }
}

/// Balances: a line for each account.
impl Render for BalanceArgs {
    type Data = Vec<Account>;
    const TEMPLATE: &'static str = "balances";

    fn notice(ctx: &RenderContext) -> Content {
        answer_notice(ctx)
    }

    fn summary(&self, accounts: &Vec<Account>, ctx: &RenderContext) -> Content {
        answer(accounts, self, ctx, |account, ctx| kind(ctx.lang, account.kind))
    }

    fn detail(&self, accounts: &Vec<Account>, ctx: &RenderContext) -> Content {
        answer(accounts, self, ctx, |account, ctx| {
            label(ctx.lang, &account.name, account.last_four.as_deref(), account.kind)
        })
    }
}

fn answer(
    accounts: &[Account],
    args: &BalanceArgs,
    ctx: &RenderContext,
    title: fn(&Account, &RenderContext) -> String,
) -> Content {
    let bank = format::clean(&ctx.institution_name);
    let none_of_kind = args.kind.is_some_and(|k| accounts.iter().all(|a| a.kind != k));
    let mut text = if accounts.is_empty() {
        say(ctx, "balances-none", &[("bank", Arg::Text(&bank))])
    } else {
        let id = if none_of_kind { "balances-other-kind" } else { "balances-intro" };
        say(ctx, id, &[("bank", Arg::Text(&bank)), ("count", Arg::Count(accounts.len()))])
    };
    if args.incomplete {
        text.push('\n');
        text.push_str(&say(ctx, "balances-incomplete", &[("bank", Arg::Text(&bank))]));
    }
    // The oldest instant is true of all: never claim that a balance is fresher than it is.
    if let Some(at) = accounts.iter().filter_map(|a| a.as_of).min() {
        let at = format::date_time(ctx.lang, at, ctx.now);
        text.push('\n');
        text.push_str(&say(ctx, "balances-as-of", &[("at", Arg::Text(&at))]));
    }
    if accounts.len() > crate::limits::CARD_LINES_MAX {
        text.push('\n');
        text.push_str(&say(ctx, "more-on-page", &[]));
    }
    Content {
        text,
        card: card(ctx, accounts.iter().map(|a| (title(a, ctx), amounts(a, ctx.lang)))),
        suggestions: suggestions(ctx.lang),
        ..Content::default()
    }
}

/// What an account holds or owes, in words.
pub(super) fn amounts(account: &Account, lang: Lang) -> String {
    let text = |id: &str, args: &[(&str, Arg<'_>)]| texts().text(lang, id, args);
    let owed = matches!(account.kind, AccountKind::CreditCard | AccountKind::Loan);
    let current = account.current.map(|m| format::money(lang, m));
    let available = account.available.map(|m| format::money(lang, m));
    match (current.as_deref(), available.as_deref()) {
        (Some(c), Some(a)) if owed => {
            text("amount-owed-available", &[("owed", Arg::Text(c)), ("available", Arg::Text(a))])
        }
        (Some(c), None) if owed => text("amount-owed", &[("owed", Arg::Text(c))]),
        (None, Some(a)) if owed => text("amount-available", &[("available", Arg::Text(a))]),
        (Some(c), Some(a)) if account.current != account.available => {
            text("amount-available-current", &[("available", Arg::Text(a)), ("current", Arg::Text(c))])
        }
        (_, Some(a)) => text("amount-available", &[("available", Arg::Text(a))]),
        (Some(c), None) => text("amount-current", &[("current", Arg::Text(c))]),
        (None, None) => text("amount-unknown", &[]),
    }
}

/// An account's name and masked number: `Everyday Checking ••1234`; its kind if it has no name.
fn label(lang: Lang, name: &str, last_four: Option<&str>, of: AccountKind) -> String {
    let name = if format::clean(name).is_empty() { kind(lang, of) } else { format::name(name) };
    match last_four {
        Some(four) if !four.is_empty() => format!("{name} {}", format::masked(four)),
        _ => name,
    }
}
