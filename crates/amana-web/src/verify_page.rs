//! `/privacy/verify`: a page with a program. It checks a customer's bundle in the customer's own browser.
//!
//! The program is `verifiers/browser/verify.js`, as it stands in the repository; it may fetch from this site and
//! nothing else ([`crate::guard`]). Every sentence that it can show stands in the page, hidden until it is true.

use crate::browser;
use crate::guard::Scripted;
use crate::respond::page;
use crate::words::Words;
use crate::{WebState, assets};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;

/// The states of the page, each with what its seal shows.
const VERDICTS: &[(&str, &str)] = &[
    ("idle", "M22 17.5a5 5 0 1 0 .01 0m3.6 8.6 4.9 4.9"),
    ("busy", "M17 24h.1m6.9 0h.1m6.9 0h.1"),
    ("good", "m17.5 24.5 4.6 4.6 8.6-9.4"),
    ("bad", "m19 19 10 10m0-10-10 10"),
    ("another", "M24 16.5v9m0 5.8v.2"),
    ("part", "M17 24h.1m6.9 0h.1m6.9 0h.1"),
    ("stranger", "M24 17a3.2 3.2 0 1 0 .01 0m-5.5 13.6c.8-7 10.2-7 11 0"),
    ("offline", "M24 16.5v9m0 5.8v.2"),
    ("nofile", "M20 16h5.5l3.5 3.5V32h-9z"),
    ("unsupported", "M24 16.5v9m0 5.8v.2"),
];

/// The rules, in the order in which they are applied, and whether one may have had nothing to look at.
const RULES: &[(&str, bool)] = &[
    ("format", false),
    ("key", true),
    ("signature", false),
    ("witness", true),
    ("consistency", true),
    ("memory", true),
    ("index", false),
    ("freshness", false),
    ("chain", false),
    ("inclusion", false),
    ("absence", false),
];

/// What receipts record, as the program counts it.
const KINDS: &[&str] =
    &["disclosure", "outcome", "denial", "consent", "revocation", "view", "erasure", "sighting", "other"];

#[derive(Debug)]
struct Verdict {
    when: &'static str,
    glyph: &'static str,
    heading: String,
    text: String,
}

#[derive(Debug)]
struct RuleLine {
    id: &'static str,
    title: String,
    good: String,
    bad: String,
    skip: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    w: Words,
    script: String,
    integrity: String,
    sha256: String,
    verdicts: Vec<Verdict>,
    rules: Vec<RuleLine>,
    marks: Vec<(&'static str, String)>,
    kinds: Vec<(&'static str, String)>,
    proves: Vec<String>,
    proves_not: Vec<String>,
}

impl VerifyPage {
    fn new(w: Words) -> Self {
        let verdicts = VERDICTS
            .iter()
            .map(|(when, glyph)| Verdict {
                when,
                glyph,
                heading: w.t(&format!("verify-{when}-heading")),
                text: w.t(&format!("verify-{when}")),
            })
            .collect();
        let rules = RULES
            .iter()
            .map(|(id, may_skip)| RuleLine {
                id,
                title: w.t(&format!("rule-{id}")),
                good: w.t(&format!("rule-{id}-good")),
                bad: w.t(&format!("rule-{id}-bad")),
                skip: may_skip.then(|| w.t(&format!("rule-{id}-skip"))),
            })
            .collect();
        let texts = |ids: &[&str]| ids.iter().map(|id| w.t(id)).collect();
        let script = assets::verifier();
        Self {
            script: script.path.clone(),
            integrity: script.integrity(),
            sha256: script.sha256(),
            verdicts,
            rules,
            marks: ["good", "bad", "skip", "open"].map(|mark| (mark, w.t(&format!("rule-{mark}")))).into(),
            kinds: KINDS.iter().map(|kind| (*kind, w.t(&format!("verify-kind-{kind}")))).collect(),
            proves: texts(&["verify-proves-one", "verify-proves-two", "verify-proves-three"]),
            proves_not: texts(&[
                "verify-proves-not-one",
                "verify-proves-not-two",
                "verify-proves-not-three",
                "verify-proves-not-four",
            ]),
            w,
        }
    }
}

/// `GET /privacy/verify`: open to everybody, since a saved bundle can be checked without signing in.
pub(crate) async fn show(State(_): State<Arc<WebState>>, headers: HeaderMap) -> Response {
    let words = Words::new(browser::lang(&headers, None), "/privacy/verify");
    let mut response = page(StatusCode::OK, &VerifyPage::new(words));
    response.extensions_mut().insert(Scripted::Verifier);
    response
}
