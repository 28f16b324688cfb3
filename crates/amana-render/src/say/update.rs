//! Updates that the bank pushed.

use super::{Render, RenderContext, balances, kind, notice, say};
use crate::catalogue::{Arg, texts};
use crate::format;
use amana_core::{Account, AccountKind, BankEventBody, Content, Direction, Transaction, TransactionState};

/// Where in its story an update stands. A pending transaction and its posting are one story to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Story {
    /// The customer hears of it for the first time.
    New,
    /// It was told, and the amount has changed since (a tip, a fuel pump).
    Changed,
    /// It was told, and is undone.
    Reversed,
    /// It was told as pending, and is booked.
    Posted,
}

/// An account as an update may name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLabel {
    /// The name the customer knows.
    pub name: String,
    /// At most the last four digits.
    pub last_four: Option<String>,
}

/// What an update needs to know beside the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateArgs {
    /// Where in its story it stands.
    pub story: Story,
    /// The account, where it is known; said in detail only.
    pub account: Option<AccountLabel>,
}

/// Updates: an authorised, booked, changed or undone transaction, a deposit, a balance.
impl Render for UpdateArgs {
    type Data = BankEventBody;
    const TEMPLATE: &'static str = "update";

    fn notice(ctx: &RenderContext) -> Content {
        notice(ctx, "update-notice")
    }

    fn summary(&self, body: &BankEventBody, ctx: &RenderContext) -> Content {
        let text = match body {
            BankEventBody::Transaction(t) => transaction(t, self, ctx, None),
            BankEventBody::Balance(a) => {
                let kind = kind(ctx.lang, a.kind);
                balance(a, &kind, ctx)
            }
        };
        Content::text(text)
    }

    fn detail(&self, body: &BankEventBody, ctx: &RenderContext) -> Content {
        let text = match body {
            BankEventBody::Transaction(t) => {
                let shop = t.merchant.as_deref().map(format::clean).filter(|m| !m.is_empty());
                let mut text = transaction(t, self, ctx, shop.as_deref());
                let note = format::clean(&t.description);
                if shop.is_none() && !note.is_empty() {
                    text.push('\n');
                    text.push_str(&say(ctx, "update-note", &[("text", Arg::Text(&note))]));
                }
                if let Some(account) = &self.account {
                    text.push('\n');
                    text.push_str(&say(
                        ctx,
                        "update-account",
                        &[("account", Arg::Text(&label(account, ctx)))],
                    ));
                }
                text
            }
            BankEventBody::Balance(a) => {
                let own = AccountLabel { name: a.name.clone(), last_four: a.last_four.clone() };
                let account = self.account.as_ref().unwrap_or(&own);
                let named = !format::clean(&account.name).is_empty() || account.last_four.is_some();
                let label = if named { label(account, ctx) } else { kind(ctx.lang, a.kind) };
                balance(a, &label, ctx)
            }
        };
        Content::text(text)
    }
}

fn transaction(t: &Transaction, args: &UpdateArgs, ctx: &RenderContext, shop: Option<&str>) -> String {
    let amount = format::money(ctx.lang, t.amount);
    let story = if t.state == TransactionState::Reversed { Story::Reversed } else { args.story };
    let what = match (story, t.direction) {
        (_, Direction::Memo) => "memo",
        // The bank sends the counter-entry, so what was undone went the other way: money in undoes a payment.
        (Story::Reversed, Direction::In) => "reversed-payment",
        (Story::Reversed, Direction::Out) => "reversed-deposit",
        (Story::Changed, Direction::Out) => "changed-out",
        (Story::Changed, Direction::In) => "changed-in",
        (Story::Posted, Direction::Out) => "posted-out",
        (Story::Posted, Direction::In) => "posted-in",
        (Story::New, Direction::Out) if t.state == TransactionState::Pending => "pending-out",
        (Story::New, Direction::In) if t.state == TransactionState::Pending => "pending-in",
        (Story::New, Direction::Out) => "new-out",
        (Story::New, Direction::In) => "new-in",
    };
    let bank = format::clean(&ctx.institution_name);
    let mut with = vec![("amount", Arg::Text(&amount)), ("bank", Arg::Text(&bank))];
    let id = match shop {
        Some(shop) => {
            with.push(("merchant", Arg::Text(shop)));
            format!("update-{what}-shop")
        }
        None => format!("update-{what}"),
    };
    say(ctx, &id, &with)
}

fn balance(account: &Account, label: &str, ctx: &RenderContext) -> String {
    let bank = format::clean(&ctx.institution_name);
    // On a card what changed is what is left; what is owed may be the same as before.
    if account.kind == AccountKind::CreditCard
        && let Some(available) = account.available
    {
        let available = format::money(ctx.lang, available);
        let owed = account.current.map(|m| format::money(ctx.lang, m));
        let mut with = vec![
            ("account", Arg::Text(label)),
            ("bank", Arg::Text(&bank)),
            ("available", Arg::Text(&available)),
        ];
        with.extend(owed.as_deref().map(|owed| ("owed", Arg::Text(owed))));
        let id = if owed.is_some() { "update-balance-card" } else { "update-balance-card-left" };
        return say(ctx, id, &with);
    }
    let owed = matches!(account.kind, AccountKind::CreditCard | AccountKind::Loan);
    let id = if owed { "update-balance-owed" } else { "update-balance" };
    let amounts = balances::amounts(account, ctx.lang);
    let args = [("account", Arg::Text(label)), ("amounts", Arg::Text(&amounts)), ("bank", Arg::Text(&bank))];
    say(ctx, id, &args)
}

fn label(account: &AccountLabel, ctx: &RenderContext) -> String {
    let name = match format::clean(&account.name) {
        empty if empty.is_empty() => texts().text(ctx.lang, "account", &[]),
        name => name,
    };
    match account.last_four.as_deref() {
        Some(four) if !four.is_empty() => format!("{name} {}", format::masked(four)),
        _ => name,
    }
}
