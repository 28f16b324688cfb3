//! The privacy page: what is allowed now, and every disclosure in the customer's words.

use crate::words::Words;
use amana_chat::Arg;
use amana_chat::format::{date, date_time};
use amana_core::{Purpose, Timestamp};
use amana_flow::{ConsentView, PrivacyView, TimelineEntry};
use amana_gate::ReceiptKind;
use amana_store::OutboxState;
use askama::Template;

/// The page of a customer who is signed in.
#[derive(Debug, Template)]
#[template(path = "privacy.html")]
pub(crate) struct PrivacyPage {
    w: Words,
    bank: String,
    csrf: String,
    status: Option<String>,
    active: Vec<ConsentCard>,
    ended: Vec<ConsentCard>,
    days: Vec<Day>,
    older: Option<u64>,
}

#[derive(Debug)]
struct ConsentCard {
    id: String,
    given: String,
    until: String,
    grants: Vec<GrantLine>,
}

#[derive(Debug)]
struct GrantLine {
    id: &'static str,
    name: String,
    form: String,
    accounts: String,
    stop_label: String,
}

#[derive(Debug)]
struct Day {
    label: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    seq: u64,
    class: &'static str,
    title: String,
    state: Option<(&'static str, String)>,
    said: Vec<String>,
    note: Option<String>,
    facts: Vec<(String, String)>,
    time: String,
    instant: String,
    receipt: String,
}

impl PrivacyPage {
    /// The page. `bank` is the institution's name in the page's language, `status` what was just done.
    pub(crate) fn new(
        w: Words,
        view: &PrivacyView,
        bank: String,
        status: Option<String>,
        now: Timestamp,
    ) -> Self {
        let card = |consent: &ConsentView| consent_card(&w, consent, now);
        let active = view.consents.iter().filter(|c| c.in_force).map(card).collect();
        let ended = view.consents.iter().filter(|c| !c.in_force).map(card).collect();
        let mut days: Vec<Day> = Vec::new();
        for entry in &view.timeline {
            let label = date(w.lang, entry.at, now);
            let shown = entry_of(&w, entry);
            match days.last_mut().filter(|day| day.label == label) {
                Some(day) => day.entries.push(shown),
                None => days.push(Day { label, entries: vec![shown] }),
            }
        }
        Self { bank, csrf: view.csrf.clone(), status, active, ended, days, older: view.older, w }
    }
}

fn consent_card(w: &Words, consent: &ConsentView, now: Timestamp) -> ConsentCard {
    let at = |id: &str, at: Timestamp| w.with(id, &[("at", Arg::Text(&bare(&date_time(w.lang, at, now))))]);
    let until = match (consent.in_force, consent.revoked_at) {
        (_, Some(revoked)) => at("privacy-ended-revoked", revoked),
        (true, None) => at("privacy-until", consent.expires_at),
        (false, None) => at("privacy-ended-expired", consent.expires_at),
    };
    ConsentCard {
        id: consent.id.to_string(),
        given: at("privacy-given", consent.granted_at),
        until,
        grants: consent
            .grants
            .iter()
            .map(|(purpose, form, accounts)| {
                let name = w.purpose(*purpose);
                GrantLine {
                    id: purpose.as_str(),
                    stop_label: w.with("privacy-stop-one-label", &[("purpose", Arg::Text(&name))]),
                    name,
                    form: w.form_short(*form),
                    accounts: w.count("privacy-accounts", *accounts),
                }
            })
            .collect(),
    }
}

/// A date without its inner isolates: Fluent isolates the whole.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect()
}

fn entry_of(w: &Words, entry: &TimelineEntry) -> Entry {
    let (class, title) = match entry.kind {
        ReceiptKind::Disclosure => ("disclosure", disclosure_title(entry)),
        ReceiptKind::Denial => ("denial", "entry-denial"),
        ReceiptKind::Consent => ("consent", "entry-consent"),
        ReceiptKind::Revocation => ("revocation", "entry-revocation"),
        ReceiptKind::Erasure => ("erasure", "entry-erasure"),
        ReceiptKind::View | ReceiptKind::Outcome => ("view", "entry-view"),
    };
    let disclosed = matches!(entry.kind, ReceiptKind::Disclosure | ReceiptKind::Denial);
    let mut facts = Vec::new();
    if let (true, Some(purpose)) = (disclosed, entry.purpose) {
        facts.push((w.t("entry-because"), because(w, purpose)));
    }
    if disclosed && !entry.clusters.is_empty() {
        let clusters: Vec<String> = entry.clusters.iter().map(|c| w.cluster(c)).collect();
        facts.push((w.t("entry-data"), w.list(&clusters)));
    }
    if let (ReceiptKind::Disclosure, Some(form)) = (entry.kind, entry.form) {
        facts.push((w.t("entry-form"), w.form_short(form)));
    }
    let seq = entry.seq.to_string();
    Entry {
        seq: entry.seq,
        class,
        title: w.t(title),
        state: entry.state.map(|state| state_badge(w, state)),
        said: entry.said.clone(),
        note: (entry.kind == ReceiptKind::Denial)
            .then(|| w.t(denial(entry.note.as_deref().unwrap_or_default()))),
        facts,
        time: entry.at.strftime("%H:%M UTC").to_string(),
        instant: entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        receipt: w.with("entry-receipt", &[("number", Arg::Text(&seq))]),
    }
}

fn disclosure_title(entry: &TimelineEntry) -> &'static str {
    match entry.state {
        _ if entry.said.is_empty() => "entry-disclosure-unread",
        Some(OutboxState::Pending | OutboxState::Held | OutboxState::Dead | OutboxState::Denied) => {
            "entry-planned"
        }
        // Being sent, maybe sent, sent: the platform may know it.
        Some(OutboxState::Sending | OutboxState::Unconfirmed | OutboxState::Sent) | None => {
            "entry-disclosure"
        }
    }
}

fn because(w: &Words, purpose: Purpose) -> String {
    w.t(&format!("because-{purpose}"))
}

fn state_badge(w: &Words, state: OutboxState) -> (&'static str, String) {
    let (class, id) = match state {
        OutboxState::Pending => ("warn", "state-pending"),
        OutboxState::Sending => ("warn", "state-sending"),
        OutboxState::Unconfirmed => ("warn", "state-unconfirmed"),
        OutboxState::Held => ("warn", "state-held"),
        OutboxState::Sent => ("good", "state-sent"),
        OutboxState::Dead => ("bad", "state-dead"),
        OutboxState::Denied => ("bad", "state-denied"),
    };
    (class, w.t(id))
}

/// The text of a denial's stable word ([`amana_gate::Denial::as_str`]).
fn denial(word: &str) -> &'static str {
    match word {
        "killed" => "denial-killed",
        "no-agreement" | "agreement-not-in-force" | "purpose-not-agreed" | "cluster-not-agreed" => {
            "denial-agreement"
        }
        "no-consent" => "denial-no-consent",
        "consent-revoked" => "denial-consent-revoked",
        "consent-expired" => "denial-consent-expired",
        "purpose-not-consented" => "denial-purpose",
        "account-not-consented" => "denial-account",
        "cluster-not-consented" => "denial-cluster",
        "recipient-not-subject" => "denial-recipient",
        "policy" => "denial-policy",
        "ticket-expired" => "denial-late",
        _ => "denial-other",
    }
}
