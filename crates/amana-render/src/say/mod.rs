//! How bank data is said in a chat, in the three forms.

mod balances;
mod spending;
mod transactions;
mod update;
mod updates;

pub use balances::BalanceArgs;
pub use spending::SpendingArgs;
pub use transactions::TransactionsArgs;
pub use update::{AccountLabel, Story, UpdateArgs};
pub use updates::UpdatesArgs;

use crate::catalogue::{Arg, texts};
use crate::format;
use crate::limits::CARD_LINES_MAX;
use crate::messenger::utility;
use amana_core::{Action, Card, CardLine, Content, Lang, Rich, Timestamp};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::BalanceArgs {}
    impl Sealed for super::SpendingArgs {}
    impl Sealed for super::TransactionsArgs {}
    impl Sealed for super::UpdateArgs {}
    impl Sealed for super::UpdatesArgs {}
}

/// How one kind of bank data is said: what was asked decides it. Sealed: the gate takes these and no others.
pub trait Render: sealed::Sealed {
    /// The data.
    type Data;
    /// The name of the template, for receipts.
    const TEMPLATE: &'static str;
    /// "Something new, open it here". It is given no data at all, so it cannot show any.
    fn notice(ctx: &RenderContext) -> Content;
    /// The fact and the amount.
    fn summary(&self, data: &Self::Data, ctx: &RenderContext) -> Content;
    /// All that the purpose needs.
    fn detail(&self, data: &Self::Data, ctx: &RenderContext) -> Content;
}

/// What rendering may know beside the data.
#[derive(Debug, Clone)]
pub struct RenderContext {
    /// The customer's language.
    pub lang: Lang,
    /// The institution's name in that language.
    pub institution_name: String,
    /// Now.
    pub now: Timestamp,
    /// The page where the rest can be read. A notice carries it, with what the gate adds to it: the token of this very
    /// message.
    pub open_url: Option<String>,
}

/// A text of the catalogue as a bubble.
fn say(ctx: &RenderContext, id: &str, args: &[(&str, Arg<'_>)]) -> String {
    format::bubble(ctx.lang, texts().text(ctx.lang, id, args))
}

/// A notice: that there is something, and where to read it.
fn notice(ctx: &RenderContext, id: &str) -> Content {
    let bank = format::clean(&ctx.institution_name);
    let button = texts().text(ctx.lang, "button-open", &[]);
    let args = [("bank", Arg::Text(&bank)), ("button", Arg::Text(&button))];
    // For a person who has been away: what the platform lets through then. It says the same.
    let approved = Rich::Approved(utility::news(ctx.lang, &ctx.institution_name));
    let text = say(ctx, id, &args);
    Content { text, buttons: open(ctx), rich: Some(approved), ..Content::default() }
}

/// The notice instead of an answer: where the customer can look for themselves, behind the bank's sign-in.
fn answer_notice(ctx: &RenderContext) -> Content {
    notice(ctx, if ctx.open_url.is_some() { "answer-notice" } else { "answer-notice-no-page" })
}

/// The button to the page where the rest can be read, if there is one.
fn open(ctx: &RenderContext) -> Vec<Action> {
    let title = || texts().text(ctx.lang, "button-open", &[]);
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

/// The name of a kind of account.
pub(crate) fn kind(lang: Lang, kind: amana_core::AccountKind) -> String {
    use amana_core::AccountKind;
    let id = match kind {
        AccountKind::Checking => "kind-checking",
        AccountKind::Savings => "kind-savings",
        AccountKind::CreditCard => "kind-credit-card",
        AccountKind::Loan => "kind-loan",
        AccountKind::Other => "kind-other",
    };
    texts().text(lang, id, &[])
}
