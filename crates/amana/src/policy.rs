//! `amana policy …`: an institution's own policy, in Cedar: checked, brought, shown.

use crate::ambient::SystemClock;
use crate::cli::PolicyCommand;
use crate::config::Settings;
use crate::who::acting;
use crate::{files, operate, output};
use amana_core::{Clock as _, InstitutionId};
use amana_gate::Policy;
use amana_policy::limits::DOCUMENT_BYTES_MAX;
use amana_policy::{Accepted, CedarPolicy, DEFAULT, How, SCHEMA, Solver, accept};
use amana_store::{Command, Store, StoredPolicy, SubmitError};
use anyhow::bail;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// How the gateway reads a stored policy document. (Whether it is safe was asked before it was stored.)
pub(crate) fn read(institution: &InstitutionId, document: &str) -> Result<Arc<dyn Policy>, String> {
    let policy = CedarPolicy::parse(institution, document).map_err(|error| error.to_string())?;
    Ok(Arc::new(policy))
}

/// Runs a command that needs no configuration; gives back any other.
///
/// # Errors
/// When a document is not accepted, with why.
pub(crate) async fn run_alone(command: PolicyCommand) -> anyhow::Result<Option<PolicyCommand>> {
    match command {
        PolicyCommand::Default => output::line(DEFAULT.trim_end()),
        PolicyCommand::Schema => output::line(SCHEMA.trim_end()),
        PolicyCommand::Check { institution, file, solver } => {
            let accepted = accepted(&institution, &file, &solver).await?;
            output::line(&format!("the policy is accepted: {}", how(&accepted)));
            output::line(&format!("sha256 {}", accepted.policy.set_sha256()));
            output::line(&format!("policies: {}", accepted.policy.ids().join(", ")));
        }
        other => return Ok(Some(other)),
    }
    Ok(None)
}

/// Runs a command on the store.
///
/// # Errors
/// When it cannot be done, with why.
pub(crate) async fn run(settings: &Settings, command: PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Default | PolicyCommand::Schema | PolicyCommand::Check { .. } => Ok(()),
        PolicyCommand::Upload { institution, file, solver, by, json, .. } => {
            let accepted = accepted(&institution, &file, &solver).await?;
            if !settings.institutions.iter().any(|i| *i.id() == institution) {
                bail!("`{institution}` is not an institution of the configuration");
            }
            let store = operate::existing(settings).await?;
            upload(&*store, &institution, accepted, &acting(by.as_deref()), json).await
        }
        PolicyCommand::Show { institution, number, json, .. } => {
            let store = operate::existing(settings).await?;
            let version = match number {
                Some(version) => Some(version),
                None => store.policy_version(&institution).await?.map(|(version, _)| version),
            };
            let Some(version) = version else {
                bail!(
                    "`{institution}` has no policy of its own, so agreement and consent alone decide; `amana policy \
                     default` prints what that means, to begin with"
                );
            };
            let Some(stored) = store.policy(&institution, version).await? else {
                bail!("`{institution}` has no version {version} of its policy; see `amana policy history`");
            };
            if json {
                let mut value = value(&stored);
                if let Value::Object(fields) = &mut value {
                    fields.insert("document".to_owned(), stored.document.into());
                }
                output::line(&value.to_string());
            } else {
                output::text(&stored.document);
            }
            Ok(())
        }
        PolicyCommand::History { institution, json, .. } => {
            let versions = operate::existing(settings).await?.policies(&institution).await?;
            if json {
                let values: Vec<Value> = versions.iter().map(value).collect();
                output::line(&json!({ "policies": values }).to_string());
                return Ok(());
            }
            if versions.is_empty() {
                output::line("no policy of its own: agreement and consent alone decide");
            }
            for stored in &versions {
                output::line(&line(stored));
            }
            Ok(())
        }
    }
}

async fn upload(
    store: &dyn Store,
    institution: &InstitutionId,
    accepted: Accepted,
    by: &str,
    json: bool,
) -> anyhow::Result<()> {
    let now = store.policy_version(institution).await?;
    if now.as_ref().is_some_and(|(_, sha256)| sha256 == accepted.policy.set_sha256()) {
        output::line("this very document is in force already; nothing was changed");
        return Ok(());
    }
    let stored = StoredPolicy {
        institution: institution.clone(),
        version: now.map_or(1, |(version, _)| version.saturating_add(1)),
        sha256: accepted.policy.set_sha256().to_owned(),
        document: accepted.policy.document().to_owned(),
        accepted_how: accepted.how.as_str().to_owned(),
        uploaded_at: SystemClock.now(),
        uploaded_by: by.to_owned(),
    };
    match store.submit(vec![Command::PutPolicy(stored.clone())]).await {
        Ok(_) => {}
        Err(SubmitError::Conflict { .. }) => {
            bail!(
                "somebody brought another version at the same moment: look at `amana policy history`, then try again"
            )
        }
        Err(error) => return Err(error.into()),
    }
    if json {
        output::line(&value(&stored).to_string());
    } else {
        output::line(&line(&stored));
        output::line(&format!("in force from the next decision on: {}", how(&accepted)));
    }
    Ok(())
}

async fn accepted(institution: &InstitutionId, file: &Path, solver: &Path) -> anyhow::Result<Accepted> {
    // One byte more than allowed, so that what is too long is told as that.
    let document = files::read_text(file, DOCUMENT_BYTES_MAX as u64 + 1)
        .map_err(|why| anyhow::anyhow!("`{}` {why}", file.display()))?;
    Ok(accept(institution, &document, &Solver::new(solver)).await?)
}

fn how(accepted: &Accepted) -> String {
    let how = match accepted.how {
        How::Proved => "proved to allow nothing that no policy may, and never to fail",
        How::Syntactic => {
            "by the simple check of its text, since the solver is not installed (`apt-get install cvc5` brings it)"
        }
    };
    let stops = if accepted.stops_all { ". WARNING: it lets nothing leave at all" } else { "" };
    format!("{how}{stops}")
}

fn line(stored: &StoredPolicy) -> String {
    format!(
        "{} version {} since {} by {} {} sha256 {}",
        stored.institution,
        stored.version,
        stored.uploaded_at,
        stored.uploaded_by,
        stored.accepted_how,
        stored.sha256
    )
}

fn value(stored: &StoredPolicy) -> Value {
    json!({
        "institution": stored.institution,
        "version": stored.version,
        "sha256": stored.sha256,
        "accepted_how": stored.accepted_how,
        "uploaded_at": stored.uploaded_at.to_string(),
        "uploaded_by": stored.uploaded_by,
    })
}

/// For the doctor: the institutions whose policy in force cannot be read (so that nothing leaves), and those whose
/// policy was accepted without a proof.
pub(crate) async fn troubles(
    settings: &Settings,
    store: &dyn Store,
) -> anyhow::Result<Vec<(InstitutionId, Trouble)>> {
    let mut troubles = Vec::new();
    for institution in settings.institutions.iter().map(crate::config::Institution::id) {
        let Some((version, _)) = store.policy_version(institution).await? else { continue };
        let stored = store.policy(institution, version).await?;
        let Some(stored) = stored else { continue };
        if let Err(why) = CedarPolicy::parse(institution, &stored.document) {
            troubles.push((institution.clone(), Trouble::Unreadable(why.to_string())));
        } else if stored.accepted_how != How::Proved.as_str() {
            troubles.push((institution.clone(), Trouble::NotProved));
        }
    }
    Ok(troubles)
}

/// What may be wrong with a policy in force.
pub(crate) enum Trouble {
    /// It cannot be read, with why.
    Unreadable(String),
    /// It was accepted by the simple check.
    NotProved,
}
