//! Messages that hold no bank data. Everything they say comes from the catalogue; what is put in is a bank's public
//! name, a link of ours, or what the customer has just allowed.

use crate::catalogue::chat;
use crate::intent::Intent;
use amana_core::{Action, Content, Form, Lang, Purpose, Timestamp};
pub use amana_render::suggestions;
use amana_render::{Arg, format, texts};

fn text(lang: Lang, id: &str, args: &[(&str, Arg<'_>)]) -> String {
    format::bubble(lang, chat().text(lang, id, args))
}

fn simple(lang: Lang, id: &str) -> Content {
    Content { text: text(lang, id, &[]), suggestions: suggestions(lang), ..Content::default() }
}

fn about_bank(lang: Lang, id: &str, bank: &str) -> Content {
    let bank = format::clean(bank);
    Content { text: text(lang, id, &[("bank", Arg::Text(&bank))]), ..Content::default() }
}

fn postback(lang: Lang, id: &str, intent: &Intent) -> Action {
    Action::Postback { title: chat().text(lang, id, &[]), payload: intent.payload() }
}

fn help_reply(lang: Lang) -> Action {
    Action::Postback { title: texts().text(lang, "quick-help", &[]), payload: Intent::Help.payload() }
}

fn url(lang: Lang, id: &str, url: &str) -> Action {
    Action::Url { title: chat().text(lang, id, &[]), url: url.to_owned() }
}

/// The quick replies for someone who has no link yet: link, help, language.
#[must_use]
pub fn suggestions_unlinked(lang: Lang) -> Vec<Action> {
    vec![postback(lang, "quick-link", &Intent::Link), help_reply(lang), other_language(lang)]
}

/// The quick reply that switches to the other language, said in that language.
fn other_language(lang: Lang) -> Action {
    let to = if lang == Lang::English { Lang::Arabic } else { Lang::English };
    postback(to, "language-name", &Intent::SwitchLanguage(to))
}

/// The first message: who speaks, that it is a machine, what stays private. `page` is the name of the page or bank.
#[must_use]
pub fn welcome(lang: Lang, page: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "welcome", page) }
}

/// "Hello" from someone whose bank is linked.
#[must_use]
pub fn greeting(lang: Lang) -> Content {
    simple(lang, "greeting")
}

/// Asks to link: Messenger's own linking at `account_link_url`, and where given the one-time link that also works on
/// a computer.
#[must_use]
pub fn ask_to_link(lang: Lang, account_link_url: &str, one_time_url: Option<&str>) -> Content {
    Content {
        text: text(lang, "link-ask", &[]),
        buttons: link_buttons(lang, account_link_url, one_time_url),
        ..Content::default()
    }
}

fn link_buttons(lang: Lang, account_link_url: &str, one_time_url: Option<&str>) -> Vec<Action> {
    let mut buttons = vec![Action::LinkAccount { url: account_link_url.to_owned() }];
    buttons.extend(one_time_url.map(|u| url(lang, "button-link-page", u)));
    buttons
}

/// Linked: what was allowed, in words, and until when.
#[must_use]
pub fn linked(
    lang: Lang,
    bank: &str,
    allowed: &[(Purpose, Form)],
    until: Timestamp,
    now: Timestamp,
) -> Content {
    let bank = format::clean(bank);
    let until = format::date(lang, until, now);
    let mut lines = vec![text(lang, "linked", &[("bank", Arg::Text(&bank))])];
    for (purpose, form) in allowed {
        let (purpose, form) = (purpose_name(lang, *purpose), form_name(lang, *form));
        lines.push(text(
            lang,
            "linked-line",
            &[("purpose", Arg::Text(&purpose)), ("form", Arg::Text(&form))],
        ));
    }
    lines.push(text(lang, "linked-until", &[("until", Arg::Text(&until))]));
    Content { text: lines.join("\n"), suggestions: suggestions(lang), ..Content::default() }
}

/// A purpose in words, such as "your balance when you ask".
#[must_use]
pub fn purpose_name(lang: Lang, purpose: Purpose) -> String {
    chat().text(lang, &format!("purpose-{purpose}"), &[])
}

/// A form in words, such as "amounts only".
#[must_use]
pub fn form_name(lang: Lang, form: Form) -> String {
    chat().text(lang, &format!("form-{form}"), &[])
}

/// Linking did not work; nothing was shared.
#[must_use]
pub fn link_failed(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "link-failed", bank) }
}

/// The customer broke linking off; nothing was shared.
#[must_use]
pub fn link_cancelled(lang: Lang) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..simple(lang, "link-cancelled") }
}

/// The bank wants the customer to sign in again.
#[must_use]
pub fn relink_needed(lang: Lang, bank: &str, account_link_url: &str, one_time_url: Option<&str>) -> Content {
    Content {
        buttons: link_buttons(lang, account_link_url, one_time_url),
        ..about_bank(lang, "relink", bank)
    }
}

/// The bank does not know the allowed accounts any more; linking again, others can be chosen.
#[must_use]
pub fn accounts_gone(lang: Lang, bank: &str, account_link_url: &str, one_time_url: Option<&str>) -> Content {
    Content {
        buttons: link_buttons(lang, account_link_url, one_time_url),
        ..about_bank(lang, "accounts-gone", bank)
    }
}

/// What was allowed goes on.
#[must_use]
pub fn renewed(lang: Lang, bank: &str, until: Timestamp, now: Timestamp) -> Content {
    let (bank, until) = (format::clean(bank), format::date(lang, until, now));
    Content {
        text: text(lang, "renewed", &[("bank", Arg::Text(&bank)), ("until", Arg::Text(&until))]),
        suggestions: suggestions(lang),
        ..Content::default()
    }
}

/// What was allowed ends soon; with the way to allow it again.
#[must_use]
pub fn ends_soon(lang: Lang, bank: &str, until: Timestamp, now: Timestamp, renew_url: &str) -> Content {
    let (bank, until) = (format::clean(bank), format::date(lang, until, now));
    Content {
        text: text(lang, "ends-soon", &[("bank", Arg::Text(&bank)), ("until", Arg::Text(&until))]),
        buttons: vec![url(lang, "button-renew", renew_url)],
        ..Content::default()
    }
}

/// What can be asked, with examples.
#[must_use]
pub fn help(lang: Lang) -> Content {
    let mut content = simple(lang, "help");
    content.suggestions.push(other_language(lang));
    content
}

/// The text was not understood.
#[must_use]
pub fn not_understood(lang: Lang) -> Content {
    simple(lang, "not-understood")
}

/// What was corrected is answered already; nothing was done.
#[must_use]
pub fn corrected_late(lang: Lang) -> Content {
    simple(lang, "corrected-late")
}

/// Something of a bank that Amana does not do, such as sending money; nothing was done.
#[must_use]
pub fn unsupported_request(lang: Lang) -> Content {
    simple(lang, "unsupported-request")
}

/// A picture, a voice message, a sticker: not read.
#[must_use]
pub fn unsupported_attachment(lang: Lang) -> Content {
    simple(lang, "unsupported-attachment")
}

/// Where every disclosure is listed: the one-time link to the customer's privacy page.
#[must_use]
pub fn privacy(lang: Lang, privacy_url: &str) -> Content {
    Content {
        text: text(lang, "privacy", &[]),
        buttons: vec![url(lang, "button-privacy", privacy_url)],
        ..Content::default()
    }
}

/// Someone without a link asks about privacy: there is nothing that could have been shared.
#[must_use]
pub fn privacy_not_linked(lang: Lang) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..simple(lang, "privacy-not-linked") }
}

/// Stopped: consents are taken back, nothing more comes.
#[must_use]
pub fn stopped(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "stopped", bank) }
}

/// The same as `content`, and that only the customer can take it back at these banks, on their own pages.
#[must_use]
pub fn and_there(lang: Lang, mut content: Content, banks: &str) -> Content {
    content.text = format!("{}\n\n{}", content.text, about_bank(lang, "stop-there-too", banks).text);
    content
}

/// The bank ended it, or the customer did so at the bank.
#[must_use]
pub fn ended_at_bank(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "ended-at-bank", bank) }
}

/// The time of what was allowed is over; with the way to allow it again.
#[must_use]
pub fn ended_by_time(lang: Lang, bank: &str, renew_url: &str) -> Content {
    Content { buttons: vec![url(lang, "button-renew", renew_url)], ..about_bank(lang, "ended-by-time", bank) }
}

/// At the bank there is less in what the customer allowed (accounts, or kinds of data of one); so there is here.
#[must_use]
pub fn narrowed_at_bank(lang: Lang, bank: &str) -> Content {
    about_bank(lang, "narrowed-at-bank", bank)
}

/// Unlinked: the link is gone, and with it every consent.
#[must_use]
pub fn unlinked(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "unlinked", bank) }
}

/// Whether really everything is to be deleted: the yes is good for a while from `now`, in Unix seconds.
#[must_use]
pub fn erase_ask(lang: Lang, bank: &str, now: i64) -> Content {
    let yes = postback(lang, "quick-erase", &Intent::Erase { asked: Some(now) });
    let look = postback(lang, "menu-privacy", &Intent::Privacy);
    Content { suggestions: vec![yes, look], ..about_bank(lang, "erase-ask", bank) }
}

/// Everything is deleted.
#[must_use]
pub fn erased(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..about_bank(lang, "erased", bank) }
}

/// There is nobody to delete.
#[must_use]
pub fn nothing_to_erase(lang: Lang) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..simple(lang, "nothing-to-erase") }
}

/// Nothing waits for the customer.
#[must_use]
pub fn no_news(lang: Lang) -> Content {
    simple(lang, "no-news")
}

/// There was nothing to stop or unlink.
#[must_use]
pub fn nothing_to_stop(lang: Lang) -> Content {
    Content { suggestions: suggestions_unlinked(lang), ..simple(lang, "nothing-to-stop") }
}

/// The consent does not cover what was asked; `change_url` leads to where it can be changed.
#[must_use]
pub fn not_allowed(lang: Lang, purpose: Purpose, change_url: Option<&str>) -> Content {
    let purpose = purpose_name(lang, purpose);
    Content {
        text: text(lang, "not-allowed", &[("purpose", Arg::Text(&purpose))]),
        buttons: change_url.map(|u| url(lang, "button-change", u)).into_iter().collect(),
        suggestions: suggestions(lang),
        ..Content::default()
    }
}

/// The bank itself does not allow what was asked in this chat: a matter of the agreement, not of the consent.
#[must_use]
pub fn not_offered(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions(lang), ..about_bank(lang, "not-offered", bank) }
}

/// The bank does not answer at the moment; with a button to ask again.
#[must_use]
pub fn bank_unreachable(lang: Lang, bank: &str, again: &Intent) -> Content {
    Content {
        suggestions: vec![postback(lang, "quick-again", again), help_reply(lang)],
        ..about_bank(lang, "bank-unreachable", bank)
    }
}

/// Which language? The question is asked in both.
#[must_use]
pub fn choose_language(lang: Lang) -> Content {
    Content {
        text: text(lang, "language-choose", &[]),
        suggestions: Lang::ALL
            .iter()
            .map(|l| postback(*l, "language-name", &Intent::SwitchLanguage(*l)))
            .collect(),
        ..Content::default()
    }
}

/// The language was switched (`lang` is the new one).
#[must_use]
pub fn language_set(lang: Lang) -> Content {
    simple(lang, "language-set")
}

/// Sharing is paused (by the bank or by us). No word about later: what happens meanwhile is not told afterwards.
#[must_use]
pub fn updates_paused(lang: Lang, bank: &str) -> Content {
    about_bank(lang, "updates-paused", bank)
}

/// Sharing is paused for one purpose; what else was allowed goes on.
#[must_use]
pub fn purpose_paused(lang: Lang, purpose: Purpose, bank: &str) -> Content {
    let purpose = purpose_name(lang, purpose);
    let values = [("purpose", Arg::Text(&purpose)), ("bank", Arg::Text(bank))];
    Content {
        text: text(lang, "purpose-paused", &values),
        suggestions: suggestions(lang),
        ..Content::default()
    }
}

/// The customer wants a human: how to reach one.
#[must_use]
pub fn person(lang: Lang, bank: &str) -> Content {
    Content { suggestions: suggestions(lang), ..about_bank(lang, "person", bank) }
}

/// "You are welcome."
#[must_use]
pub fn thanks(lang: Lang) -> Content {
    simple(lang, "thanks")
}
