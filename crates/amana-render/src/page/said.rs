//! What was said in the chat, for the person it was said to.

use super::Fragment;
use super::html::Html;
use crate::messenger::decode_for_display;

/// The words of a message, read back from the exact bytes: every line, as the platform was told. `None` if the bytes
/// are not of an encoding of ours, or say nothing.
#[must_use]
pub fn said(bytes: &[u8]) -> Option<Fragment> {
    let said = decode_for_display(bytes)?;
    let card = said.lines.into_iter().map(|(title, subtitle)| match subtitle.as_str() {
        "" => title,
        subtitle => format!("{title} · {subtitle}"),
    });
    let lines: Vec<String> =
        said.text.lines().map(str::to_owned).chain(card).filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return None;
    }
    let mut html = Html::new();
    html.markup("<blockquote class=\"said\">");
    for line in &lines {
        html.markup("<p dir=\"auto\">").text(line).markup("</p>");
    }
    html.markup("</blockquote>");
    Some(Fragment { html: html.finish(), lines })
}
