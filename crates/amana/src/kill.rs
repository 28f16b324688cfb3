//! `amana kill`: what flows is stopped by hand. It needs the database alone: who is in a hurry must not have to find
//! the master key first, nor mend a configuration with which `serve` would not start.

use crate::ambient::SystemClock;
use crate::cli::{Configured, KillCommand};
use crate::config::{self, Switchboard};
use crate::operate::url_of_existing;
use crate::{limits, output, telemetry};
use amana_core::{Clock as _, Kill, KillScope, Purpose, PurposeScope};
use amana_store::Switches;
use anyhow::{Context as _, bail};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `amana kill …`.
///
/// # Errors
/// When it is not said where the database is, the scope is none or names nothing that is configured, or the store
/// cannot be read or written.
pub(crate) async fn run(command: KillCommand) -> anyhow::Result<()> {
    match command {
        KillCommand::On { configured, scope, reason, anyway } => {
            on(&board(&configured)?, &scope, &reason, anyway).await
        }
        KillCommand::Off { configured, scope } => off(&board(&configured)?, &scope).await,
        KillCommand::List(configured) => list(&board(&configured)?).await,
    }
}

fn board(configured: &Configured) -> anyhow::Result<Switchboard> {
    let board = config::load_switchboard(&configured.config, config::variables())?;
    telemetry::log(&board.log)?;
    Ok(board)
}

/// What a scope can be.
const HELP: &str = "it must be `all`, `institution:ID`, `channel:ID`, `customer:ID` or `purpose:PURPOSE`, that with \
                    `,institution:ID` or `,channel:ID` behind it or both";

/// A scope as it is written on the command line.
fn scope(text: &str) -> anyhow::Result<KillScope> {
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "all" if id.is_empty() => Ok(KillScope::All),
        "institution" => Ok(KillScope::Institution(id.parse().context(HELP)?)),
        "channel" => Ok(KillScope::Channel(id.parse().context(HELP)?)),
        "customer" => Ok(KillScope::Customer(id.parse().context(HELP)?)),
        "purpose" => Ok(KillScope::Purpose(flow(id)?)),
        _ => bail!("`{}` is not a scope: {HELP}", text.chars().take(80).collect::<String>()),
    }
}

/// A purpose, perhaps of one institution or on one Page. (No id of either that a configuration takes holds a comma.)
fn flow(text: &str) -> anyhow::Result<PurposeScope> {
    let mut parts = text.split(',');
    let purpose: Purpose = parts.next().unwrap_or_default().parse().context(HELP)?;
    let mut flow = PurposeScope { purpose, institution: None, channel: None };
    for part in parts {
        match part.split_once(':') {
            Some(("institution", id)) if flow.institution.is_none() => {
                flow.institution = Some(id.parse().context(HELP)?);
            }
            Some(("channel", id)) if flow.channel.is_none() => flow.channel = Some(id.parse().context(HELP)?),
            _ => bail!("`{}` is not a scope: {HELP}", text.chars().take(80).collect::<String>()),
        }
    }
    Ok(flow)
}

fn written(scope: &KillScope) -> String {
    match scope {
        KillScope::All => "all".to_owned(),
        KillScope::Institution(id) => format!("institution:{id}"),
        KillScope::Channel(id) => format!("channel:{id}"),
        KillScope::Customer(id) => format!("customer:{id}"),
        KillScope::Purpose(PurposeScope { purpose, institution, channel }) => {
            let institution = institution.iter().map(|id| format!(",institution:{id}"));
            let channel = channel.iter().map(|id| format!(",channel:{id}"));
            format!("purpose:{purpose}{}", institution.chain(channel).collect::<String>())
        }
    }
}

/// Whether what the scope names is configured, as far as that can be known: a slip in an id would stop nothing.
fn check_names(board: &Switchboard, scope: &KillScope) -> anyhow::Result<()> {
    let Some(names) = &board.names else {
        tracing::warn!("the configuration cannot be read, so the ids in the scope are not checked");
        return Ok(());
    };
    let known = |what: &str, id: &str, known: &BTreeSet<String>| {
        if !known.contains(id) {
            bail!(
                "no {what} `{id}` is configured: a switch for it would stop nothing; with `--anyway` it is turned on \
                 all the same"
            );
        }
        Ok(())
    };
    let (institution, channel) = match scope {
        KillScope::Institution(id) => (Some(id), None),
        KillScope::Channel(id) => (None, Some(id)),
        KillScope::Purpose(of) => (of.institution.as_ref(), of.channel.as_ref()),
        KillScope::All | KillScope::Customer(_) => (None, None),
    };
    institution.map_or(Ok(()), |id| known("institution", id.as_str(), &names.institutions))?;
    channel.map_or(Ok(()), |id| known("Page", id.as_str(), &names.pages))
}

async fn on(board: &Switchboard, text: &str, reason: &str, anyway: bool) -> anyhow::Result<()> {
    let scope = scope(text)?;
    if !anyway {
        check_names(board, &scope)?;
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > limits::REASON_CHARS_MAX {
        bail!("the reason must have 1 to {} characters", limits::REASON_CHARS_MAX);
    }
    let kill = Kill { scope: scope.clone(), reason: reason.to_owned(), since: SystemClock.now() };
    switches(board).await?.set(kill).await?;
    output::line(&format!("on: {}. It works at the next send.", written(&scope)));
    Ok(())
}

async fn off(board: &Switchboard, text: &str) -> anyhow::Result<()> {
    let scope = scope(text)?;
    if !switches(board).await?.clear(scope.clone()).await? {
        bail!("the switch `{}` is not on; `amana kill list` shows those that are", written(&scope));
    }
    output::line(&format!("off: {}", written(&scope)));
    Ok(())
}

async fn list(board: &Switchboard) -> anyhow::Result<()> {
    let kills = switches(board).await?.kills().await?.0;
    if kills.is_empty() {
        output::line("no kill switch is on");
    }
    for kill in kills {
        output::line(&format!("{} since {}: {}", written(&kill.scope), kill.since, kill.reason));
    }
    Ok(())
}

/// The kill switches of the store, if it is there already.
async fn switches(board: &Switchboard) -> anyhow::Result<Arc<dyn Switches>> {
    let url = url_of_existing(&board.store_url)?;
    Ok(amana_store::open_switches(url, SystemClock.now()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in [
            "all",
            "institution:cedar-bank",
            "channel:1000",
            "customer:cus_00000000000000000000000000000001",
            "purpose:TransactionUpdate",
            "purpose:TransactionUpdate,institution:cedar-bank",
            "purpose:TransactionUpdate,channel:1000",
            "purpose:TransactionUpdate,institution:cedar-bank,channel:1000",
        ] {
            assert_eq!(written(&scope(text).expect("a scope")), text);
        }
        let turned = "purpose:BankOffer,channel:1000,institution:cedar-bank";
        let same = "purpose:BankOffer,institution:cedar-bank,channel:1000";
        assert_eq!(scope(turned).expect("a scope"), scope(same).expect("a scope"));
        for text in [
            "",
            "all:x",
            "institution",
            "institution:",
            "customer:5",
            "everything",
            "page:1",
            "purpose",
            "purpose:",
            "purpose:Advertising",
            "purpose:BankOffer,",
            "purpose:BankOffer,institution:",
            "purpose:BankOffer,customer:5",
            "purpose:BankOffer,channel:1,channel:2",
        ] {
            let error = format!("{:#}", scope(text).expect_err("not a scope"));
            assert!(error.contains("`institution:ID`"), "{text}: {error}");
        }
    }
}
