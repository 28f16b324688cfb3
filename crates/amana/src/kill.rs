//! `amana kill`: what flows is stopped by hand. It needs the database alone: who is in a hurry must not have to find
//! the master key first, nor mend a configuration with which `serve` would not start.

use crate::ambient::SystemClock;
use crate::cli::{Configured, KillCommand};
use crate::config::{self, Names, Switchboard};
use crate::operate::url_of_existing;
use crate::{limits, output, telemetry};
use amana_core::{Clock as _, Kill, KillScope, Purpose, PurposeScope};
use amana_flow::OFFERED_PURPOSES;
use amana_store::Switches;
use anyhow::{Context as _, bail};
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
    let board = config::load_switchboard(&configured.config, config::environment())?;
    telemetry::log(&board.log)?;
    for problem in &board.passed_over {
        tracing::warn!("passed over: {problem}");
    }
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
fn check_names(names: &Names, scope: &KillScope) -> anyhow::Result<()> {
    let known = |what: &str, id: &str, is_known: bool| {
        if !is_known && names.whole {
            bail!(
                "no {what} `{id}` is in the configuration as it is now; if it is no slip (a gateway that was started \
                 before a change of the file still has what it had), `--anyway` turns the switch on"
            );
        } else if !is_known {
            tracing::warn!(
                "not all of the configuration can be read, so whether there is a {what} `{id}` is not checked"
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
    institution
        .map_or(Ok(()), |id| known("institution", id.as_str(), names.institutions.contains(id.as_str())))?;
    channel.map_or(Ok(()), |id| known("Page", id.as_str(), names.pages.contains_key(id.as_str())))
}

/// Says of a switch that stops nothing, as far as one can see, that it does not.
async fn warn_if_idle(names: &Names, scope: &KillScope, switches: &dyn Switches) {
    match scope {
        KillScope::Customer(id) if switches.knows(*id).await.is_ok_and(|known| !known) => {
            tracing::warn!("there is no customer `{id}` in this database: the switch stops nothing");
        }
        KillScope::Purpose(PurposeScope { purpose, .. }) if !OFFERED_PURPOSES.contains(purpose) => {
            let told =
                OFFERED_PURPOSES.iter().map(|purpose| purpose.as_str()).collect::<Vec<_>>().join("`, `");
            tracing::warn!(
                "nothing is told for `{purpose}` (only for `{told}`; what a human writes has no purpose): the switch \
                 stops nothing"
            );
        }
        KillScope::Purpose(PurposeScope { institution: Some(bank), channel: Some(page), .. }) => {
            let banks = names.pages.get(page.as_str()).filter(|_| names.whole);
            if banks.is_some_and(|banks| !banks.contains(bank.as_str())) {
                tracing::warn!(
                    "the Page `{page}` has no `{bank}` in the configuration as it is now: the switch stops nothing, \
                     unless a gateway was started before a change"
                );
            }
        }
        _ => {}
    }
}

async fn on(board: &Switchboard, text: &str, reason: &str, anyway: bool) -> anyhow::Result<()> {
    let scope = scope(text)?;
    if !anyway {
        check_names(&board.names, &scope)?;
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > limits::REASON_CHARS_MAX {
        bail!("the reason must have 1 to {} characters", limits::REASON_CHARS_MAX);
    }
    let kill = Kill { scope: scope.clone(), reason: reason.to_owned(), since: SystemClock.now() };
    let switches = switches(board).await?;
    switches.set(kill).await?;
    output::line(&format!("on: {}, in {}. It works at the next send.", written(&scope), place(board)));
    // It is on already: what is said of it besides does not hold it up.
    warn_if_idle(&board.names, &scope, &*switches).await;
    Ok(())
}

async fn off(board: &Switchboard, text: &str) -> anyhow::Result<()> {
    let scope = scope(text)?;
    if !switches(board).await?.clear(scope.clone()).await? {
        bail!(
            "the switch `{}` is not on in {}; `amana kill list` shows those that are",
            written(&scope),
            place(board)
        );
    }
    output::line(&format!("off: {}, in {}", written(&scope), place(board)));
    Ok(())
}

async fn list(board: &Switchboard) -> anyhow::Result<()> {
    let kills = switches(board).await?.kills().await?.0;
    output::line(&format!("in {}:", place(board)));
    if kills.is_empty() {
        output::line("no kill switch is on");
    }
    for kill in kills {
        output::line(&format!("{} since {}: {}", written(&kill.scope), kill.since, kill.reason));
    }
    Ok(())
}

/// Which database it is. A switch in another than the gateway's stops nothing, and only who reads this can tell.
fn place(board: &Switchboard) -> String {
    amana_store::shown(board.store_url.expose())
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
