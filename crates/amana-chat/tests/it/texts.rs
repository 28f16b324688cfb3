//! Every text in both languages, and the limits of a chat.

use crate::now;
use amana_chat::{Intent, chat, limits, plain, profile};
use amana_core::{Action, Content, Form, Lang, Purpose};
use amana_render::{Arg, texts};

/// Every plain message.
fn every_message(lang: Lang) -> Vec<Content> {
    let (link, page) = ("https://gw.example/link", Some("https://gw.example/l/abc"));
    let allowed: Vec<_> = Purpose::ALL
        .iter()
        .map(|p| (*p, Form::Summary))
        .chain([(Purpose::BankOffer, Form::Notice), (Purpose::BankOffer, Form::Detail)])
        .collect();
    let mut all = vec![
        plain::welcome(lang, "Chase"),
        plain::greeting(lang),
        plain::ask_to_link(lang, link, page),
        plain::linked(lang, "Chase", &allowed, now(), now()),
        plain::link_failed(lang, "Chase"),
        plain::link_cancelled(lang),
        plain::relink_needed(lang, "Chase", link, page),
        plain::accounts_gone(lang, "Chase", link, page),
        plain::help(lang),
        plain::not_understood(lang),
        plain::corrected_late(lang),
        plain::unsupported_request(lang),
        plain::unsupported_attachment(lang),
        plain::privacy(lang, "https://gw.example/p"),
        plain::privacy_not_linked(lang),
        plain::stopped(lang, "Chase"),
        plain::and_there(lang, plain::stopped(lang, "Chase"), "Chase"),
        plain::ended_at_bank(lang, "Chase"),
        plain::ended_by_time(lang, "Chase", "https://chat.example/link/renew?t=x"),
        plain::unlinked(lang, "Chase"),
        plain::nothing_to_stop(lang),
        plain::erase_ask(lang, "Chase", 1_795_514_400),
        plain::erased(lang, "Chase"),
        plain::nothing_to_erase(lang),
        plain::no_news(lang),
        plain::not_offered(lang, "Chase"),
        plain::bank_unreachable(lang, "Chase", &Intent::recent(3)),
        plain::choose_language(lang),
        plain::language_set(lang),
        plain::updates_paused(lang, "Chase"),
        plain::person(lang, "Chase"),
        plain::thanks(lang),
    ];
    all.extend(Purpose::ALL.iter().map(|p| plain::purpose_paused(lang, *p, "Chase")));
    all.extend(Purpose::ALL.iter().map(|p| plain::not_allowed(lang, *p, Some("https://gw.example/c"))));
    all
}

#[test]
fn every_id_renders_in_both_languages_with_every_number() {
    for lang in Lang::ALL {
        for (catalogue, id) in [chat(), texts()].iter().flat_map(|c| c.ids(*lang).map(move |id| (c, id))) {
            for n in [0, 1, 2, 3, 10, 11, 99, 100, 102, 103] {
                let names = [
                    "amount",
                    "bank",
                    "merchant",
                    "period",
                    "day",
                    "month",
                    "year",
                    "from",
                    "to",
                    "at",
                    "owed",
                    "available",
                    "current",
                    "names",
                    "text",
                    "account",
                    "amounts",
                    "purpose",
                    "form",
                    "until",
                    "button",
                ];
                let mut args: Vec<(&str, Arg<'_>)> = names.iter().map(|n| (*n, Arg::Text("§"))).collect();
                args.push(("count", Arg::Count(n)));
                let text = catalogue.text(*lang, id, &args);
                assert!(!text.is_empty() && text != id, "{id}");
                assert!(!text.contains(['{', '}', '$']), "{id} lacks an argument: {text}");
                assert!(!text.contains("\u{2068}{"), "{id}");
                if *lang == Lang::Arabic && !["language-choose", "menu-language"].contains(&id) {
                    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
                    let arabic = text.chars().filter(|c| ('\u{0600}'..='\u{06FF}').contains(c)).count();
                    assert!(arabic > latin || arabic == 0 && latin == 0, "{id} is not Arabic: {text}");
                }
            }
        }
    }
}

#[test]
fn arabic_has_its_six_plurals() {
    let say = |n| {
        let text = texts().text(Lang::Arabic, "period-days", &[("count", Arg::Count(n))]);
        text.replace(['\u{2068}', '\u{2069}'], "")
    };
    assert_eq!(
        [0, 1, 2, 3, 11, 100].map(say),
        ["خلال اليوم", "خلال آخر يوم", "خلال آخر يومين", "خلال آخر 3 أيام", "خلال آخر 11 يومًا", "خلال آخر 100 يوم"]
    );
}

#[test]
fn messages_keep_the_limits_of_a_chat() {
    for lang in Lang::ALL {
        for content in every_message(*lang) {
            assert!(!content.text.is_empty() && content.text.chars().count() <= 1_000, "{content:?}");
            assert!(!content.text.contains(['{', '}']) && content.text.contains(' '), "{content:?}");
            assert!(content.buttons.len() <= 3 && content.suggestions.len() <= 13);
            for action in content.buttons.iter().chain(&content.suggestions) {
                match action {
                    Action::Postback { title, payload } => {
                        assert!((1..=limits::TITLE_CHARS_MAX).contains(&title.chars().count()), "{title}");
                        assert_ne!(Intent::from_payload(payload), Intent::Unknown, "{payload}");
                        assert!(payload.len() <= limits::PAYLOAD_BYTES_MAX);
                    }
                    Action::Url { title, url } => {
                        assert!((1..=limits::TITLE_CHARS_MAX).contains(&title.chars().count()), "{title}");
                        assert!(url.starts_with("https://"));
                    }
                    Action::LinkAccount { url } => assert!(url.starts_with("https://")),
                    Action::UnlinkAccount => {}
                }
            }
            assert!(content.suggestions.iter().all(|a| matches!(a, Action::Postback { .. })));
            if *lang == Lang::Arabic {
                let first = content.text.chars().next();
                assert!(
                    first == Some('\u{200F}') || Lang::of_text(&content.text) == Some(Lang::Arabic),
                    "{content:?}"
                );
            }
        }
    }
}

/// What is offered below an answer is written where bank data is rendered, and read here.
#[test]
fn what_is_suggested_is_understood() {
    for lang in Lang::ALL {
        let meant: Vec<Intent> = plain::suggestions(*lang)
            .iter()
            .map(|action| match action {
                Action::Postback { payload, .. } => Intent::from_payload(payload),
                other => panic!("{other:?}"),
            })
            .collect();
        let recent = Intent::recent(limits::TRANSACTIONS_DEFAULT);
        assert_eq!(meant, [Intent::Balance { kind: None }, recent, Intent::Help, Intent::Privacy]);
    }
}

#[test]
fn the_welcome_says_that_it_is_a_machine() {
    assert!(plain::welcome(Lang::English, "Chase").text.contains("automated assistant"));
    assert!(plain::welcome(Lang::Arabic, "Chase").text.contains("مساعد آلي"));
}

/// What happens while sharing is paused is not told later, so nothing may promise it.
#[test]
fn a_pause_promises_nothing() {
    let bare = |lang| plain::updates_paused(lang, "Chase").text.replace(['\u{2068}', '\u{2069}'], "");
    assert_eq!(
        bare(Lang::English),
        "Sharing from Chase is paused at the moment. Nothing is sent while it is."
    );
    assert_eq!(bare(Lang::Arabic), "المشاركة من Chase متوقفة في الوقت الحالي، ولا يُرسل شيء ما دامت كذلك.");
}

/// Of one purpose: which, and nothing of the others.
#[test]
fn a_pause_of_one_purpose_names_it() {
    let bare = |lang| {
        let said = plain::purpose_paused(lang, Purpose::BalanceOnRequest, "Chase");
        said.text.replace(['\u{2068}', '\u{2069}'], "")
    };
    assert_eq!(
        bare(Lang::English),
        "This is paused for Chase at the moment: your balance when you ask. Nothing was shared."
    );
    assert_eq!(bare(Lang::Arabic), "هذا من Chase متوقف في الوقت الحالي: رصيدك عند سؤالك. لم تتم مشاركة شيء.");
}

#[test]
fn the_profile_keeps_its_limits() {
    for lang in Lang::ALL {
        let profile = profile(*lang);
        assert!(
            (1..=limits::GREETING_CHARS_MAX).contains(&profile.greeting.chars().count()),
            "{}",
            profile.greeting
        );
        assert_eq!(Intent::from_payload(&profile.get_started), Intent::Greeting);
        assert!((1..=20).contains(&profile.menu.len()));
        for entry in &profile.menu {
            let Action::Postback { title, payload } = entry else { panic!("{entry:?}") };
            assert!((1..=limits::MENU_TITLE_CHARS_MAX).contains(&title.chars().count()), "{title}");
            assert_ne!(Intent::from_payload(payload), Intent::Unknown);
        }
    }
}
