//! The consent page: what it shows, the exact text that is hashed, and what a form answers.

use crate::browser::Fields;
use crate::limits::{CONSENT_DAYS, CONSENT_DAYS_DEFAULT};
use crate::words::Words;
use amana_core::{AccountId, CONSENT_DAYS_MAX, Form, Purpose};
use amana_flow::limits::LOOKBACK_DAYS;
use amana_flow::{ConsentAnswer, ConsentForm, PurposeChoice};
use amana_render::Arg;
use askama::Template;
use std::collections::{BTreeMap, BTreeSet};

/// The page.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    w: Words,
    bank: String,
    /// Through whom the bank is read, and what they do.
    aggregator: Option<String>,
    /// Whose chat it is.
    person: Option<String>,
    notice: String,
    purposes: Vec<PurposeView>,
    days: Vec<DaysView>,
    /// That it cannot be for longer than the longest of these, where that is the bank's doing.
    days_max: Option<String>,
    errors: Vec<Wrong>,
}

#[derive(Debug)]
struct PurposeView {
    id: &'static str,
    name: String,
    why: String,
    forms: Vec<FormView>,
    chosen: bool,
}

#[derive(Debug)]
struct FormView {
    id: &'static str,
    name: String,
    example: Option<String>,
    chosen: bool,
}

#[derive(Debug)]
struct DaysView {
    value: i64,
    label: String,
    chosen: bool,
}

/// Something to look at again: the part of the page, and the text's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) text: &'static str,
}

/// What a form said. What exists nowhere is remembered as such: nothing is recorded of a form that holds it.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    purposes: BTreeSet<Purpose>,
    forms: BTreeMap<Purpose, Form>,
    pub(crate) accounts: BTreeSet<AccountId>,
    days: Option<i64>,
    notice: String,
    /// There is a purpose, or an account, that is none.
    unknown: bool,
    /// There is a form of disclosure, or one of a purpose, that is none.
    unknown_form: bool,
}

impl Choices {
    /// Reads a posted form.
    pub(crate) fn read(fields: &Fields) -> Self {
        Self {
            unknown: fields.all("purpose").any(|word| word.parse::<Purpose>().is_err())
                || fields.all("account").any(|id| AccountId::new(id).is_err()),
            unknown_form: fields
                .under("form.")
                .any(|(purpose, form)| purpose.parse::<Purpose>().is_err() || form.parse::<Form>().is_err()),
            purposes: fields.all("purpose").filter_map(|word| word.parse().ok()).collect(),
            forms: Purpose::ALL
                .iter()
                .filter_map(|p| Some((*p, fields.one(&format!("form.{p}"))?.parse().ok()?)))
                .collect(),
            accounts: fields.all("account").filter_map(|id| AccountId::new(id).ok()).collect(),
            days: fields.one("days").and_then(|days| days.parse().ok()),
            notice: fields.one("notice").unwrap_or_default().to_owned(),
        }
    }

    /// What was chosen, if it can be recorded.
    ///
    /// # Errors
    /// All that has to be looked at again.
    pub(crate) fn check(&self, form: &ConsentForm) -> Result<ConsentAnswer, Vec<Wrong>> {
        let notice = notice_text(form);
        let mut wrong = Vec::new();
        let offered = |purpose: &Purpose| form.purposes.iter().any(|p| p.purpose == *purpose);
        let shared = |account: &AccountId| form.accounts.contains(account);
        let foreign = !self.purposes.iter().all(offered) || !self.accounts.iter().all(shared);
        if self.notice != hash(&notice) || self.unknown || foreign {
            // What would be recorded is not what was read, or not all that was posted.
            wrong.push(Wrong { field: "purposes", text: "consent-error-changed" });
        }
        let chosen: Vec<&PurposeChoice> =
            form.purposes.iter().filter(|p| self.purposes.contains(&p.purpose)).collect();
        if chosen.is_empty() {
            wrong.push(Wrong { field: "purposes", text: "consent-error-purpose" });
        }
        let purposes: Vec<(Purpose, Form)> = chosen
            .iter()
            .filter_map(|p| Some((p.purpose, *self.forms.get(&p.purpose).filter(|f| **f <= p.form_max)?)))
            .collect();
        if purposes.len() < chosen.len() || self.unknown_form {
            wrong.push(Wrong { field: "purposes", text: "consent-error-form" });
        }
        let accounts: Vec<AccountId> =
            form.accounts.iter().filter(|id| self.accounts.contains(id)).cloned().collect();
        if accounts.is_empty() {
            wrong.push(Wrong { field: "accounts", text: "consent-error-account" });
        }
        match self.days.filter(|days| offered_days(form).any(|offered| offered == *days)) {
            Some(days) if wrong.is_empty() => {
                Ok(ConsentAnswer { purposes, accounts, days, lang: form.lang, notice })
            }
            Some(_) => Err(wrong),
            None => {
                wrong.push(Wrong { field: "days", text: "consent-error-days" });
                Err(wrong)
            }
        }
    }
}

impl ConsentPage {
    /// The page, with what was chosen before (nothing, the first time) and what has to be looked at again.
    pub(crate) fn new(form: &ConsentForm, back: &str, choices: &Choices, errors: Vec<Wrong>) -> Self {
        let w = Words::new(form.lang, back);
        let most = days_max(form);
        let chosen = choices.days.filter(|days| offered_days(form).any(|offered| offered == *days));
        let days = chosen.unwrap_or_else(|| CONSENT_DAYS_DEFAULT.min(most));
        Self {
            bank: form.institution.clone(),
            aggregator: aggregator(&w, &form.institution, form.aggregator.as_deref()),
            person: form.person.clone(),
            notice: hash(&notice_text(form)),
            purposes: form.purposes.iter().map(|p| purpose_view(&w, p, choices)).collect(),
            days: offered_days(form)
                .map(|d| DaysView { value: d, label: days_label(&w, d), chosen: d == days })
                .collect(),
            days_max: days_bound(&w, form),
            errors,
            w,
        }
    }

    fn history(&self) -> String {
        history(&self.w)
    }

    fn error_at(&self, field: &str) -> Option<String> {
        self.errors.iter().find(|e| e.field == field).map(|e| self.w.t(e.text))
    }
}

fn purpose_view(w: &Words, choice: &PurposeChoice, choices: &Choices) -> PurposeView {
    let purpose = choice.purpose;
    let offered: Vec<Form> = Form::ALL.iter().copied().filter(|f| *f <= choice.form_max).collect();
    // The least open form stands chosen: whoever looks no further shows Messenger the least.
    let form = choices.forms.get(&purpose).copied().filter(|f| offered.contains(f)).unwrap_or(Form::Notice);
    PurposeView {
        id: purpose.as_str(),
        name: w.purpose(purpose),
        why: why(w, choice),
        forms: offered
            .into_iter()
            .map(|f| FormView {
                id: f.as_str(),
                name: w.t(&format!("form-{f}")),
                example: w.example(purpose, f),
                chosen: f == form,
            })
            .collect(),
        chosen: choices.purposes.contains(&purpose),
    }
}

/// The purpose's sentence: to do what we need which data.
fn why(w: &Words, choice: &PurposeChoice) -> String {
    let clusters: Vec<String> = choice.clusters.iter().map(|c| w.cluster(c)).collect();
    w.with(&format!("why-{}", choice.purpose), &[("data", Arg::Text(&w.list(&clusters)))])
}

/// Who the data aggregator is, what it does, and that it is bound as the bank is (12 CFR 1033.431).
pub(crate) fn aggregator(w: &Words, bank: &str, name: Option<&str>) -> Option<String> {
    Some(w.with("consent-aggregator", &[("bank", Arg::Text(bank)), ("aggregator", Arg::Text(name?))]))
}

/// For how many days it can be at most.
fn days_max(form: &ConsentForm) -> i64 {
    form.days_max.unwrap_or(CONSENT_DAYS_MAX).clamp(1, CONSENT_DAYS_MAX)
}

/// For how many days it is offered: what the bank does not keep up so long is not.
fn offered_days(form: &ConsentForm) -> impl Iterator<Item = i64> {
    let most = days_max(form);
    CONSENT_DAYS.into_iter().filter(move |days| *days < most).chain([most])
}

/// That the bank keeps it up for less than a year.
fn days_bound(w: &Words, form: &ConsentForm) -> Option<String> {
    let most = usize::try_from(form.days_max?).unwrap_or(1);
    Some(w.with("consent-days-bank", &[("bank", Arg::Text(&form.institution)), ("count", Arg::Count(most))]))
}

fn days_label(w: &Words, days: i64) -> String {
    if days == 365 {
        w.t("consent-days-year")
    } else {
        w.count("consent-days-option", usize::try_from(days).unwrap_or(0))
    }
}

/// How far back the bank is asked to show.
fn history(w: &Words) -> String {
    w.count("consent-history", usize::try_from(LOOKBACK_DAYS).unwrap_or(usize::MAX))
}

fn hash(notice: &str) -> String {
    hex::encode(amana_core::ids::sha256(&[notice.as_bytes()]))
}

/// The notice as plain text: every sentence of the consent page, in its order and language, one to a line, and for the
/// accounts the hash of how they were shown. Its SHA-256 is what a consent records, and the page carries the hash, so
/// that what is recorded is what was read. It is made of the catalogue and the form alone, so the same form in the same
/// language gives the same bytes.
#[must_use]
pub fn notice_text(form: &ConsentForm) -> String {
    let w = Words::new(form.lang, "/");
    let bank = |id: &str| w.with(id, &[("bank", Arg::Text(&form.institution))]);
    let mut lines = vec![
        bank("consent-heading"),
        w.t("consent-lead"),
        w.t("consent-purposes"),
        w.t("consent-purposes-hint"),
    ];
    for choice in &form.purposes {
        let purpose = choice.purpose;
        lines.push(format!("[ ] {}", w.purpose(purpose)));
        lines.push(why(&w, choice));
        lines.push(w.t("consent-form"));
        for f in Form::ALL.iter().filter(|f| **f <= choice.form_max) {
            lines.push(format!("( ) {}", w.t(&format!("form-{f}"))));
            if let Some(example) = w.example(purpose, *f) {
                lines.push(format!("{} {example}", w.t("example")));
            }
        }
    }
    lines.push(w.t("consent-accounts"));
    lines.push(w.t("consent-accounts-hint"));
    // The accounts themselves are the gate's to show; their hash says here which were offered.
    lines.push(format!("[ ] sha256:{}", form.accounts_sha256));
    lines.push(w.t("consent-days"));
    lines.extend(offered_days(form).map(|days| format!("( ) {}", days_label(&w, days))));
    lines.extend(days_bound(&w, form));
    lines.push(w.t("consent-days-hint"));
    lines.push(history(&w));
    for id in ["consent-sees", "consent-sees-one", "consent-sees-two", "consent-sees-three"] {
        lines.push(bank(id));
    }
    for id in ["consent-not", "consent-not-one", "consent-not-two", "consent-not-three"] {
        lines.push(w.t(id));
    }
    lines.extend([bank("consent-use"), bank("consent-certify")]);
    lines.extend(aggregator(&w, &form.institution, form.aggregator.as_deref()));
    lines.extend([w.t("consent-refuse"), w.t("consent-allow"), w.t("consent-refuse-hint")]);
    lines.join("\n")
}
