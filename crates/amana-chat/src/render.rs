//! How bank data is said: one [`amana_gate::Renderer`] for each kind, in the three forms. The gate alone calls them.

mod balances;
mod own;
mod spending;
mod transactions;
mod update;

pub use balances::{BALANCES, BalanceArgs};
pub use spending::{SPENDING, SpendingArgs, Total, totals};
pub use transactions::{TRANSACTIONS, TransactionsArgs};
pub use update::{AccountLabel, Story, UPDATE, UpdateArgs};

use crate::catalogue::{Arg, chat};
use crate::format;
use crate::limits::CARD_LINES_MAX;
use amana_core::{Action, Card, CardLine, Content};
use amana_gate::RenderContext;

/// A text of the catalogue as a bubble.
fn say(ctx: &RenderContext, id: &str, args: &[(&str, Arg<'_>)]) -> String {
    format::bubble(ctx.lang, chat().text(ctx.lang, id, args))
}

/// A notice: that there is something, and where to read it. It is given no data.
fn notice(ctx: &RenderContext, id: &str) -> Content {
    let bank = format::clean(&ctx.institution_name);
    let button = chat().text(ctx.lang, "button-open", &[]);
    let args = [("bank", Arg::Text(&bank)), ("button", Arg::Text(&button))];
    Content { text: say(ctx, id, &args), buttons: open(ctx), ..Content::default() }
}

/// The notice instead of an answer: where the customer can look for themselves, behind the bank's sign-in.
fn answer_notice(ctx: &RenderContext) -> Content {
    notice(ctx, if ctx.open_url.is_some() { "answer-notice" } else { "answer-notice-no-page" })
}

/// The button to the page where the rest can be read, if there is one.
fn open(ctx: &RenderContext) -> Vec<Action> {
    let title = || chat().text(ctx.lang, "button-open", &[]);
    ctx.open_url.iter().map(|url| Action::Url { title: title(), url: url.clone() }).collect()
}

/// A card of the first lines that a channel shows; none if there are none.
fn card(ctx: &RenderContext, lines: impl IntoIterator<Item = (String, String)>) -> Option<Card> {
    let lines: Vec<CardLine> = lines
        .into_iter()
        .take(CARD_LINES_MAX)
        .map(|(title, subtitle)| CardLine {
            title: format::bubble(ctx.lang, title),
            subtitle: if subtitle.is_empty() { subtitle } else { format::bubble(ctx.lang, subtitle) },
        })
        .collect();
    (!lines.is_empty()).then_some(Card { lines })
}
