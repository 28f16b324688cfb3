//! `amana agreement …`: the institution's hand on what its channels may carry. The same acts as the API's.

use crate::ambient::{OsEntropy, SystemClock};
use crate::cli::{Act, AgreementCommand, Answer, Pair};
use crate::config::Settings;
use crate::who::acting;
use crate::{files, operate, output};
use amana_core::{Agreement, AgreementEvent, ChannelId, InstitutionId, REQUEST_BYTES_MAX};
use amana_flow::{
    Acceptance, AgreementError, Agreements, DocumentFormat, Standing, agreement_value, event_value,
    read_terms_document,
};
use amana_store::Store;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Runs a command.
///
/// # Errors
/// When it cannot be done, with why.
pub(crate) async fn run(settings: &Settings, command: AgreementCommand) -> anyhow::Result<()> {
    let store = operate::existing(settings).await?;
    let all = Agreements::new(&*store, &SystemClock, &OsEntropy);
    match command {
        AgreementCommand::List { json, .. } => list(&all, json).await,
        AgreementCommand::Request { file, by, json, .. } => {
            let (document, format) = document(&file)?;
            let offered = |institution: &InstitutionId, page: &ChannelId| offers(settings, institution, page);
            match all.request(&document, format, &acting(by.as_deref()), &offered).await {
                Ok(standing) => {
                    show(&standing, json);
                    Ok(())
                }
                Err(AgreementError::Refused(refusal)) => {
                    if json {
                        output::line(
                            &json!({"refused": refusal.as_str(), "why": refusal.to_string()}).to_string(),
                        );
                    }
                    bail!(
                        "the request is refused ({}): {refusal}. It is on record with its hash",
                        refusal.as_str()
                    )
                }
                Err(error) => Err(error.into()),
            }
        }
        AgreementCommand::Show { pair, json, .. } => {
            show(&all.standing(&pair.institution, &pair.page).await?, json);
            Ok(())
        }
        AgreementCommand::Accept { pair, only, form, terms, request, act, .. } => {
            let terms = match terms {
                None => None,
                Some(file) => {
                    let (document, format) = document(&file)?;
                    Some(read_terms_document(&document, format)?)
                }
            };
            let only = (!only.is_empty()).then(|| only.into_iter().collect());
            let accepted = Acceptance { only, form, terms, request };
            let Pair { institution, page } = &pair;
            let (by, note) = (acting(act.by.as_deref()), act.note.as_deref());
            let agreement = all.accept(institution, page, &accepted, &by, note).await?;
            done(&agreement, act.json);
            Ok(())
        }
        AgreementCommand::Decline { answer: Answer { pair, act, .. }, request } => {
            let Pair { institution, page } = &pair;
            let (by, note) = (acting(act.by.as_deref()), act.note.as_deref());
            let standing = all.decline(institution, page, request.as_deref(), &by, note).await?;
            show(&standing, act.json);
            Ok(())
        }
        AgreementCommand::Suspend(Answer { pair, act, .. }) => {
            let by = acting(act.by.as_deref());
            one(all.suspend(&pair.institution, &pair.page, &by, act.note.as_deref()).await, &act)
        }
        AgreementCommand::Resume(Answer { pair, act, .. }) => {
            let by = acting(act.by.as_deref());
            one(all.resume(&pair.institution, &pair.page, &by, act.note.as_deref()).await, &act)
        }
        AgreementCommand::End(Answer { pair, act, .. }) => {
            let by = acting(act.by.as_deref());
            one(all.end(&pair.institution, &pair.page, &by, act.note.as_deref()).await, &act)
        }
        AgreementCommand::History { pair, documents, json, .. } => {
            let standing = all.standing(&pair.institution, &pair.page).await?;
            if standing.events.is_empty() && !json {
                output::line("nothing was ever asked for or agreed between the two");
            }
            events(&standing.events, documents, json);
            Ok(())
        }
        AgreementCommand::Refused { json, .. } => {
            let refused = all.refused().await?;
            if refused.is_empty() && !json {
                output::line("no request was refused");
            }
            events(&refused, false, json);
            Ok(())
        }
    }
}

/// Whether the configuration offers an institution on a Page.
pub(crate) fn offers(settings: &Settings, institution: &InstitutionId, page: &ChannelId) -> bool {
    settings.institutions.iter().any(|i| i.id() == institution)
        && settings.messenger.pages.iter().any(|p| p.id == *page && p.institutions.contains(institution))
}

async fn list(all: &Agreements<'_>, json: bool) -> anyhow::Result<()> {
    let agreements = all.list().await?;
    if json {
        let values: Vec<Value> = agreements.iter().map(agreement_value).collect();
        output::line(&json!({ "agreements": values }).to_string());
        return Ok(());
    }
    if agreements.is_empty() {
        output::line("no agreement yet, so nothing flows: `amana agreement request FILE` begins one");
    }
    for agreement in &agreements {
        output::line(&line(agreement));
    }
    Ok(())
}

/// One agreement in one line.
fn line(agreement: &Agreement) -> String {
    let terms: Vec<String> =
        agreement.terms.iter().map(|(purpose, (_, form))| format!("{purpose}={form}")).collect();
    format!(
        "{} page:{} {} version {} since {} {}",
        agreement.institution,
        agreement.channel,
        agreement.state.as_str(),
        agreement.version,
        agreement.changed_at,
        terms.join(" ")
    )
}

fn one(result: Result<Agreement, AgreementError>, act: &Act) -> anyhow::Result<()> {
    done(&result?, act.json);
    Ok(())
}

fn done(agreement: &Agreement, json: bool) {
    output::line(&if json { agreement_value(agreement).to_string() } else { line(agreement) });
}

fn show(standing: &Standing, json: bool) {
    if json {
        let value = json!({
            "agreement": standing.agreement.as_ref().map(agreement_value),
            "open_request": standing.open.as_ref().map(|event| event_value(event, true)),
        });
        output::line(&value.to_string());
        return;
    }
    match &standing.agreement {
        None => output::line("no agreement: nothing flows"),
        Some(agreement) => {
            output::line(&line(agreement));
            for (purpose, (clusters, form)) in &agreement.terms {
                let clusters: Vec<&str> = clusters.iter().map(amana_core::Cluster::as_str).collect();
                output::line(&format!("  {purpose}: {} as {form}", clusters.join(", ")));
            }
        }
    }
    if let Some(request) = &standing.open {
        output::line(&format!(
            "an open request of {} by `{}` (sha256 {}):",
            request.at,
            request.note.as_deref().unwrap_or("unknown"),
            request.sha256
        ));
        for text in request.document.as_deref().unwrap_or_default().lines() {
            output::line(&format!("  {text}"));
        }
        output::line("answer with `amana agreement accept` or `decline`");
    }
}

fn events(events: &[AgreementEvent], documents: bool, json: bool) {
    if json {
        let values: Vec<Value> = events.iter().map(|event| event_value(event, documents)).collect();
        output::line(&json!({ "events": values }).to_string());
        return;
    }
    for event in events {
        let version = event.version.map(|version| format!(" version {version}")).unwrap_or_default();
        let note = event.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        output::line(&format!(
            "{} {}{version} by {} sha256 {}{note}",
            event.at,
            event.act.as_str(),
            event.by,
            event.sha256
        ));
        if documents && let Some(document) = &event.document {
            for text in document.lines() {
                output::line(&format!("  {text}"));
            }
        }
    }
}

/// A document and its format, by its name.
fn document(file: &Path) -> anyhow::Result<(Vec<u8>, DocumentFormat)> {
    let toml = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    let json = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let format = if toml { DocumentFormat::Toml } else { DocumentFormat::Json };
    if !toml && !json {
        bail!("`{}` must end in `.json` or `.toml`", file.display());
    }
    // One byte more than allowed, so that what is too large is refused as that, and on record.
    let bytes = files::read_bytes(file, REQUEST_BYTES_MAX as u64 + 1)
        .map_err(|why| anyhow::anyhow!("`{}` {why}", file.display()))
        .context("the document")?;
    Ok((bytes, format))
}

/// Whether anybody may still have to agree: for the doctor, the pairs between which nothing flows.
pub(crate) async fn not_in_force(
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Vec<(InstitutionId, ChannelId, &'static str)>> {
    let mut out = Vec::new();
    for page in &settings.messenger.pages {
        for institution in &page.institutions {
            let state = store.agreement(institution, &page.id).await?.map(|agreement| agreement.state);
            if state != Some(amana_core::AgreementState::Active) {
                out.push((
                    institution.clone(),
                    page.id.clone(),
                    state.map_or("not asked for", |s| s.as_str()),
                ));
            }
        }
    }
    Ok(out)
}
