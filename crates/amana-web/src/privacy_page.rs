//! The privacy page: what is allowed now, and every disclosure in the customer's words.

use crate::limits::PERIODS_DAYS;
use crate::words::Words;
use amana_core::{ConsentEnd, Purpose, Timestamp};
use amana_flow::limits::{RENEW_AFTER_S, RENEW_BEFORE_S};
use amana_flow::{
    ChatView, ConsentView, LastTold, Looked, Paused, PrivacyView, TimelineEntry, TimelineFilter, Told,
};
use amana_gate::{ReceiptDraft, ReceiptKind};
use amana_render::Arg;
use amana_render::format::{date, date_time};
use amana_store::OutboxState;
use askama::Template;
use std::time::Duration;

/// What of the timeline was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// The period in days; `None` for all of it.
    pub(crate) days: Option<u32>,
    pub(crate) filter: TimelineFilter,
}

impl Asked {
    fn narrowed(&self) -> bool {
        self.days.is_some() || self.filter.purpose.is_some() || self.filter.kind.is_some()
    }

    /// The address of the timeline with this filter, from a receipt on.
    fn address(&self, before: Option<u64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(purpose) = self.filter.purpose {
            query.append_pair("for", purpose.as_str());
        }
        if let Some(kind) = self.filter.kind {
            query.append_pair("kind", kind.as_str());
        }
        if let Some(days) = self.days {
            query.append_pair("days", &days.to_string());
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        match query.finish() {
            none if none.is_empty() => "/privacy#timeline".to_owned(),
            query => format!("/privacy?{query}#timeline"),
        }
    }
}

/// The page of a customer who is signed in. Without `Debug`: it may hold their key.
#[derive(Template)]
#[template(path = "privacy.html")]
pub(crate) struct PrivacyPage {
    w: Words,
    bank: String,
    csrf: String,
    status: Option<String>,
    active: Vec<ConsentCard>,
    ended: Vec<ConsentCard>,
    filters: Vec<Filter>,
    narrowed: bool,
    totals: Vec<TotalLine>,
    totals_note: Option<String>,
    days: Vec<Day>,
    older: Option<String>,
    newest: Option<String>,
    key: Option<String>,
}

#[derive(Debug)]
struct ConsentCard {
    id: String,
    given: String,
    until: String,
    save_label: String,
    /// Whether it can be renewed now.
    renew: bool,
    grants: Vec<GrantLine>,
    /// Who gives, who receives, and when last: what a dashboard of permissions shows.
    parties: Vec<(String, String)>,
    /// Why nothing of it is told now.
    paused: Option<String>,
}

#[derive(Debug)]
struct GrantLine {
    id: &'static str,
    name: String,
    form: String,
    accounts: String,
    /// The kinds of data, as chips.
    clusters: Vec<String>,
    stop_label: String,
    /// That it is not told now, where the rest is, or not all that is allowed.
    paused: Option<String>,
}

/// A list to choose from: its name in the address, and each choice with whether it is chosen.
#[derive(Debug)]
struct Filter {
    name: &'static str,
    label: String,
    choices: Vec<(String, String, bool)>,
}

#[derive(Debug)]
struct TotalLine {
    name: String,
    /// What was told, what may have been told, what was refused.
    counts: String,
    address: String,
    label: String,
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
    glyph: &'static str,
    title: String,
    state: Option<(&'static str, String)>,
    /// Whether what was said is shown here.
    said: bool,
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
        asked: &Asked,
        bank: String,
        status: Option<String>,
        now: Timestamp,
    ) -> Self {
        let card = |consent: &ConsentView| consent_card(&w, consent, &bank, now);
        let active = view.consents.iter().filter(|c| c.in_force).map(card).collect();
        let ended = view.consents.iter().filter(|c| !c.in_force).map(card).collect();
        let mut days: Vec<Day> = Vec::new();
        for entry in &view.timeline {
            let label = day_label(&w, entry.at, now);
            let shown = entry_of(&w, view, entry, now);
            match days.last_mut().filter(|day| day.label == label) {
                Some(day) => day.entries.push(shown),
                None => days.push(Day { label, entries: vec![shown] }),
            }
        }
        Self {
            bank,
            csrf: view.csrf.clone(),
            status,
            active,
            ended,
            filters: filters(&w, view, asked),
            narrowed: asked.narrowed(),
            totals: totals(&w, view, asked),
            totals_note: view
                .totals
                .counted_from
                .map(|seq| w.with("privacy-totals-some", &[("number", Arg::Text(&seq.to_string()))])),
            days,
            older: view.older.map(|before| asked.address(Some(before))),
            newest: asked.filter.before.map(|_| asked.address(None)),
            key: None,
            w,
        }
    }

    /// The page with the customer's key, which was asked for.
    pub(crate) fn with_key(self, key: Option<String>) -> Self {
        Self { key, ..self }
    }
}

fn day_label(w: &Words, at: Timestamp, now: Timestamp) -> String {
    let label = bare(&date(w.lang, at, now));
    let yesterday = now.checked_sub(Duration::from_secs(86_400)).unwrap_or(now);
    let is = |day: Timestamp| bare(&date(w.lang, day, now)) == label;
    let id = if is(now) {
        "privacy-today"
    } else if is(yesterday) {
        "privacy-yesterday"
    } else {
        return label;
    };
    w.with(id, &[("date", Arg::Text(&label))])
}

/// The three lists. Of purposes only those that the customer met: the others would find nothing.
fn filters(w: &Words, view: &PrivacyView, asked: &Asked) -> Vec<Filter> {
    let met = |purpose: &&Purpose| {
        asked.filter.purpose == Some(**purpose)
            || view.totals.purposes.iter().any(|t| t.purpose == **purpose)
            || view.consents.iter().any(|c| c.grants.iter().any(|(p, ..)| p == *purpose))
    };
    let mut purposes =
        vec![(String::new(), w.t("privacy-filter-all-purposes"), asked.filter.purpose.is_none())];
    purposes.extend(
        Purpose::ALL
            .iter()
            .filter(met)
            .map(|p| (p.as_str().to_owned(), w.purpose(*p), asked.filter.purpose == Some(*p))),
    );
    let mut kinds = vec![(String::new(), w.t("privacy-filter-all-kinds"), asked.filter.kind.is_none())];
    kinds.extend(Looked::ALL.iter().map(|kind| {
        let word = kind.as_str();
        (word.to_owned(), w.t(&format!("privacy-filter-{word}")), asked.filter.kind == Some(*kind))
    }));
    let mut periods = vec![(String::new(), w.t("privacy-filter-always"), asked.days.is_none())];
    periods.extend(PERIODS_DAYS.iter().map(|days| {
        let label = w.count("privacy-filter-days", usize::try_from(*days).unwrap_or_default());
        (days.to_string(), label, asked.days == Some(*days))
    }));
    vec![
        Filter { name: "for", label: w.t("privacy-filter-purpose"), choices: purposes },
        Filter { name: "kind", label: w.t("privacy-filter-kind"), choices: kinds },
        Filter { name: "days", label: w.t("privacy-filter-period"), choices: periods },
    ]
}

fn totals(w: &Words, view: &PrivacyView, asked: &Asked) -> Vec<TotalLine> {
    let one = |total: &amana_flow::PurposeTotal| {
        let name = w.purpose(total.purpose);
        let filter =
            TimelineFilter { purpose: Some(total.purpose), before: None, kind: None, ..asked.filter };
        // Not "nothing", where something may have been.
        let told = (total.told > 0 || total.unknown + total.open == 0)
            .then(|| w.count("privacy-totals-told", total.told));
        let some = |id, count| (count > 0).then(|| w.count(id, count));
        let rest = [
            some("privacy-totals-open", total.open),
            some("privacy-totals-unknown", total.unknown),
            some("privacy-totals-refused", total.refused),
        ];
        TotalLine {
            counts: told.into_iter().chain(rest.into_iter().flatten()).collect::<Vec<_>>().join(" · "),
            address: Asked { filter, ..*asked }.address(None),
            label: w.with("privacy-totals-link", &[("purpose", Arg::Text(&name))]),
            name,
        }
    };
    view.totals.purposes.iter().map(one).collect()
}

fn consent_card(w: &Words, consent: &ConsentView, bank: &str, now: Timestamp) -> ConsentCard {
    let at = |id: &str, at: Timestamp| when(w, id, at, now);
    let until = match (consent.in_force, consent.ended) {
        (_, Some((ended, Some(why)))) => at(&format!("privacy-ended-{}", why.as_str()), ended),
        (_, Some((ended, None))) => at("privacy-ended-unsaid", ended),
        (true, None) => at("privacy-until", consent.expires_at),
        (false, None) => at("privacy-ended-expired", consent.expires_at),
    };
    let last = match consent.last_told {
        Some(LastTold::At(at)) => bare(&date_time(w.lang, at, now)),
        Some(LastTold::NotLately) => w.t("privacy-last-not-lately"),
        None => w.t("privacy-last-never"),
    };
    let through = consent.aggregator.iter().map(|it| (w.t("privacy-through"), it.name_in(w.lang).to_owned()));
    ConsentCard {
        id: consent.id.to_string(),
        given: at("privacy-given", consent.granted_at),
        save_label: at("privacy-consent-save-label", consent.granted_at),
        paused: consent.paused.map(|why| match why {
            Paused::Switch => w.t("privacy-paused-switch"),
            Paused::Agreement => w.t("privacy-paused-agreement"),
            Paused::Unreadable => w.t("privacy-paused-unreadable"),
        }),
        until,
        renew: can_be_renewed(consent, now),
        parties: std::iter::once((w.t("privacy-from"), bank.to_owned()))
            .chain(through)
            .chain([(w.t("privacy-to"), w.t("privacy-platform")), (w.t("privacy-last"), last)])
            .collect(),
        grants: consent
            .grants
            .iter()
            .map(|(purpose, form, clusters, accounts)| {
                let name = w.purpose(*purpose);
                GrantLine {
                    id: purpose.as_str(),
                    stop_label: w.with("privacy-stop-one-label", &[("purpose", Arg::Text(&name))]),
                    name,
                    form: w.form_short(*form),
                    accounts: w.count("privacy-accounts", *accounts),
                    clusters: clusters.iter().map(|cluster| w.cluster(cluster)).collect(),
                    paused: match consent.paused {
                        Some(_) => None,
                        None if consent.switched_off.contains(purpose) => {
                            Some(w.t("privacy-paused-purpose-switch"))
                        }
                        None if consent.not_carried.contains(purpose) => Some(w.t("privacy-paused-purpose")),
                        None => consent
                            .less
                            .get(purpose)
                            .map(|form| w.with("privacy-less", &[("form", Arg::Text(&w.form_short(*form)))])),
                    },
                }
            })
            .collect(),
    }
}

/// Whether the page offers to renew a consent; whether it can be is asked when somebody does. One that was taken back
/// is linked anew.
fn can_be_renewed(consent: &ConsentView, now: Timestamp) -> bool {
    let (now, ends) = (now.as_second(), consent.expires_at.as_second());
    let over = consent.ended.is_none_or(|(_, why)| why == Some(ConsentEnd::Expired));
    (consent.in_force && now >= ends - RENEW_BEFORE_S)
        || (!consent.in_force && over && (ends..ends.saturating_add(RENEW_AFTER_S)).contains(&now))
}

/// A text about an instant.
fn when(w: &Words, id: &str, at: Timestamp, now: Timestamp) -> String {
    w.with(id, &[("at", Arg::Text(&bare(&date_time(w.lang, at, now))))])
}

/// A date without its inner isolates: Fluent isolates the whole.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect()
}

fn entry_of(w: &Words, view: &PrivacyView, entry: &TimelineEntry, now: Timestamp) -> Entry {
    let (class, glyph, title) = match entry.kind {
        ReceiptKind::Disclosure => ("disclosure", GLYPH_SAID, disclosure_title(entry)),
        ReceiptKind::Denial => ("denial", GLYPH_REFUSED, "entry-denial"),
        ReceiptKind::Consent => ("consent", GLYPH_CONSENT, consent_title(entry)),
        ReceiptKind::Revocation => ("revocation", GLYPH_STOP, end_title(entry)),
        ReceiptKind::Erasure if deleted(entry).is_some() => ("erasure", GLYPH_STOP, "entry-deleted"),
        ReceiptKind::Erasure => ("erasure", GLYPH_STOP, "entry-erasure"),
        ReceiptKind::Sighting => match sighted(entry) {
            Sighted::Stranger => ("denial", GLYPH_REFUSED, "entry-stranger"),
            Sighted::Allowed(_) => ("view", GLYPH_LOOK, "entry-allowed-app"),
            Sighted::Agent => ("view", GLYPH_SAID, "entry-agent-wrote"),
            Sighted::Closed => ("view", GLYPH_CONSENT, "entry-alarm-closed"),
        },
        ReceiptKind::View | ReceiptKind::Outcome => ("view", GLYPH_LOOK, look_title(entry)),
    };
    let seq = entry.seq.to_string();
    Entry {
        seq: entry.seq,
        class,
        glyph,
        title: w.t(title),
        state: entry
            .state
            .map(|state| if entry.unknown { ("warn", w.t("state-unknown")) } else { state_badge(w, state) }),
        said: entry.said.is_some(),
        note: match (entry.kind, entry.purpose) {
            (ReceiptKind::Disclosure, Some(purpose)) => Some(w.t(&format!("because-{purpose}"))),
            (ReceiptKind::Sighting, _) => match sighted(entry) {
                Sighted::Stranger => Some(w.t("entry-stranger-note")),
                Sighted::Allowed(_) => Some(w.t("entry-allowed-app-note")),
                Sighted::Agent => Some(w.t("entry-agent-wrote-note")),
                Sighted::Closed => None,
            },
            (ReceiptKind::Erasure, _) => deleted(entry).map(|counts| {
                let counts: Vec<String> = counts.iter().map(|(id, count)| w.count(id, *count)).collect();
                w.list(&counts)
            }),
            (ReceiptKind::Denial, _) => Some(w.t(denial(entry.note.as_deref().unwrap_or_default()))),
            _ => None,
        },
        facts: facts(w, view, entry, now),
        time: entry.at.strftime("%H:%M UTC").to_string(),
        instant: entry.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        receipt: w.with("entry-receipt", &[("number", Arg::Text(&seq))]),
    }
}

/// What a certificate of deletion says was deleted; `None` of an erasure of everything.
fn deleted(entry: &TimelineEntry) -> Option<Vec<(&'static str, usize)>> {
    let counts = entry.note.as_deref()?.strip_prefix(ReceiptDraft::DELETED)?;
    let read = |one: &str| {
        let (kind, count) = one.split_once('=')?;
        let id = match kind {
            "message" => "entry-deleted-messages",
            "book" => "entry-deleted-books",
            _ => return None,
        };
        Some((id, count.parse().ok()?))
    };
    Some(counts.split(',').filter_map(read).collect())
}

/// Of what a sighting is: an alarm, unless its word says otherwise.
enum Sighted<'a> {
    Stranger,
    Allowed(&'a str),
    Agent,
    Closed,
}

fn sighted(entry: &TimelineEntry) -> Sighted<'_> {
    match entry.note.as_deref().unwrap_or_default() {
        "closed" => Sighted::Closed,
        ReceiptDraft::AGENT_WROTE => Sighted::Agent,
        word => word.strip_prefix("allowed-app:").map_or(Sighted::Stranger, Sighted::Allowed),
    }
}

/// What is known of an entry, as terms and texts.
fn facts(w: &Words, view: &PrivacyView, entry: &TimelineEntry, now: Timestamp) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |term: &str, text: String| facts.push((w.t(term), text));
    if let (ReceiptKind::Denial, Some(purpose)) = (entry.kind, entry.purpose) {
        fact("entry-purpose", w.purpose(purpose));
    }
    if let (ReceiptKind::Consent | ReceiptKind::Revocation, Some(id)) = (entry.kind, entry.consent)
        && let Some(consent) = view.consents.iter().find(|c| c.id == id)
    {
        let purposes: Vec<String> = consent.grants.iter().map(|(p, ..)| w.purpose(*p)).collect();
        fact("entry-consent-for", w.list(&purposes));
    }
    if let Some(agent) = &entry.agent {
        fact("entry-agent", agent.clone());
    }
    if let (ReceiptKind::Sighting, Sighted::Allowed(app)) = (entry.kind, sighted(entry)) {
        fact("entry-app", app.to_owned());
    }
    let data = matches!(entry.kind, ReceiptKind::Disclosure | ReceiptKind::Denial | ReceiptKind::View);
    if data && !entry.clusters.is_empty() {
        let clusters: Vec<String> = entry.clusters.iter().map(|c| w.cluster(c)).collect();
        fact("entry-data", w.list(&clusters));
    }
    if let (ReceiptKind::Disclosure, Some(form)) = (entry.kind, entry.form) {
        fact("entry-form", w.form_short(form));
    }
    if let Some(chat) = &entry.chat {
        fact("entry-chat", chat_name(w, view, chat, now));
    }
    facts
}

/// Which chat: its date tells it from others. The platform is not asked for a name, so that it does not learn of the
/// look.
fn chat_name(w: &Words, view: &PrivacyView, chat: &ChatView, now: Timestamp) -> String {
    match chat.ended_at {
        Some(_) => when(w, "entry-chat-ended", chat.linked_at, now),
        None if view.chats > 1 => when(w, "entry-chat-linked", chat.linked_at, now),
        None => w.t("entry-chat-one"),
    }
}

const GLYPH_SAID: &str = "M3.5 5.5A1.5 1.5 0 0 1 5 4h10a1.5 1.5 0 0 1 1.5 1.5v7A1.5 1.5 0 0 1 15 14H9l-4 3v-3a1.5 1.5 0 0 1-1.5-1.5z";
const GLYPH_REFUSED: &str =
    "M10 3.2 4.2 5.4v4.1c0 3.6 2.4 6 5.8 7.3 3.4-1.3 5.8-3.7 5.8-7.3V5.4zM7.8 8l4.4 4.4m0-4.4-4.4 4.4";
const GLYPH_CONSENT: &str = "m4.5 10.5 3.7 3.8 7.5-8.6";
const GLYPH_STOP: &str = "M5 5l10 10m0-10L5 15";
const GLYPH_LOOK: &str = "M2.8 10c3-5.6 11.4-5.6 14.4 0-3 5.6-11.4 5.6-14.4 0zM10 7.7a2.3 2.3 0 1 0 .01 0";

fn disclosure_title(entry: &TimelineEntry) -> &'static str {
    match (entry.told, entry.said.is_some()) {
        (Told::Yes, true) => "entry-disclosure",
        (Told::Yes, false) => "entry-disclosure-unread",
        (Told::Maybe, true) => "entry-maybe",
        (Told::Maybe, false) => "entry-maybe-unread",
        (Told::No, true) => "entry-planned",
        (Told::No, false) => "entry-planned-unread",
    }
}

/// Why a consent ended, where its receipt says it.
fn why(entry: &TimelineEntry) -> Option<ConsentEnd> {
    ConsentEnd::ALL.iter().copied().find(|why| entry.note.as_deref() == Some(why.as_str()))
}

fn consent_title(entry: &TimelineEntry) -> &'static str {
    match why(entry) {
        Some(ConsentEnd::Renewed) => "entry-consent-renewed",
        Some(ConsentEnd::Replaced) => "entry-consent-rest",
        Some(ConsentEnd::AtBank) => "entry-consent-narrowed",
        _ => "entry-consent",
    }
}

fn end_title(entry: &TimelineEntry) -> &'static str {
    match why(entry) {
        Some(ConsentEnd::Withdrawn) => "entry-ended-withdrawn",
        Some(ConsentEnd::Replaced) => "entry-ended-replaced",
        Some(ConsentEnd::Renewed) => "entry-ended-renewed",
        Some(ConsentEnd::Expired) => "entry-ended-expired",
        Some(ConsentEnd::Unconfirmed) => "entry-ended-unconfirmed",
        Some(ConsentEnd::AtBank) => "entry-ended-at-bank",
        None => "entry-ended",
    }
}

fn look_title(entry: &TimelineEntry) -> &'static str {
    match (&entry.agent, entry.note.as_deref()) {
        (Some(_), _) => "entry-view-agent",
        (None, Some("export")) => "entry-view-export",
        (None, Some("bundle")) => "entry-view-bundle",
        (None, Some("sealed-page")) => "entry-view-page",
        (None, Some("passkey-added")) => "entry-view-passkey-added",
        (None, Some("passkey-removed")) => "entry-view-passkey-removed",
        (None, _) => "entry-view",
    }
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
        "purpose-killed" => "denial-purpose-killed",
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
