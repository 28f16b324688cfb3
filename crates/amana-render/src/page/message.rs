//! What a notice did not say, for the page behind it.

use super::Fragment;
use super::html::Html;
use amana_core::{Content, Lang};

/// The words of a message, line by line, as the chat would have shown them. Buttons are left out: they are the chat's.
#[must_use]
pub fn message_lines(content: &Content) -> Vec<String> {
    let card = content.card.iter().flat_map(|card| &card.lines).map(|line| match line.subtitle.as_str() {
        "" => line.title.clone(),
        subtitle => format!("{} · {subtitle}", line.title),
    });
    content.text.lines().map(str::to_owned).chain(card).filter(|line| !line.trim().is_empty()).collect()
}

/// The lines as a piece of a page. They were said in `lang`, whatever language the page around them has.
#[must_use]
pub fn message(lines: Vec<String>, lang: Lang) -> Fragment {
    let mut html = Html::new();
    html.markup("<blockquote class=\"said\" lang=\"").text(lang.tag()).markup("\" dir=\"").text(lang.dir());
    html.markup("\">");
    for line in &lines {
        html.markup("<p dir=\"auto\">").text(line).markup("</p>");
    }
    html.markup("</blockquote>");
    Fragment { html: html.finish(), lines }
}
