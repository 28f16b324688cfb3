//! The operator's short commands: migrate, nodes, proof, dead letters.

use crate::ambient::{OsEntropy, SystemClock};
use crate::config::Settings;
use crate::{keys, limits, output};
use amana_core::{ChannelId, Clock as _, MessageId, Secret, Shard, Timestamp};
use amana_store::{Command, Counts, InboxSource, OpenOptions, Store, SubmitError};
use anyhow::{Context as _, bail};
use std::sync::Arc;

/// `amana migrate`.
///
/// # Errors
/// When the database cannot be brought to this version's schema.
pub(crate) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    // A database without its key would look like one whose key was lost.
    keys::keys(settings, true)?.keyring(true, &OsEntropy)?;
    let report = amana_store::migrate(settings.store_url.expose(), &SystemClock).await?;
    if report.applied.is_empty() {
        output::line(&format!("the database has schema {} already", report.to));
    } else {
        let steps = report.applied.join(", ");
        output::line(&format!("the database went from schema {} to {}: {steps}", report.from, report.to));
    }
    Ok(())
}

/// `amana nodes`.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn nodes(settings: &Settings) -> anyhow::Result<()> {
    let store = existing(settings).await?;
    let nodes = store.nodes().await?;
    if nodes.is_empty() {
        output::line("no node works on this database, or it is SQLite, which has one process");
        return Ok(());
    }
    for node in nodes {
        let stands = match (node.ended_at, node.fenced) {
            (Some(at), true) => format!("ended by others at {at}: it did not renew its lease"),
            (Some(at), false) => format!("stopped at {at}"),
            (None, _) if node.left_us < 0 => "late: its shards are taken over".to_owned(),
            (None, _) => format!("{} shards", node.shards),
        };
        output::line(&format!("{}  {}  since {}  {stands}", node.id, node.name, node.began_at));
    }
    let free = store.shards().await?.free;
    if free > 0 {
        output::line(&format!("{free} shards are nobody's"));
    }
    Ok(())
}

/// `amana messenger proof`.
///
/// # Errors
/// When there is no such Page, or the app has no token of its own.
pub(crate) fn proof(settings: &Settings, page: &ChannelId) -> anyhow::Result<()> {
    if page.as_str() == "app" {
        let Some(app) = settings.messenger.app.as_ref().filter(|_| settings.messenger.app_token_given) else {
            bail!("give the app's token first, as `[messenger] app_token_file` (docs/connect-a-page.md)");
        };
        output::line(app.proof().expose());
        return Ok(());
    }
    let Some(page) = settings.messenger.pages.iter().find(|one| one.id == *page) else {
        bail!("no `[[messenger.page]]` has the id `{page}`");
    };
    output::line(page.proof.expose());
    Ok(())
}

/// `amana dead list`.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn dead(settings: &Settings) -> anyhow::Result<()> {
    let store = existing(settings).await?;
    let letters = store.dead_letters(limits::DEAD_LISTED_MAX).await?;
    let Counts { outbox_dead, .. } = store.counts().await?;
    let events = store.inbox_failed(limits::DEAD_LISTED_MAX).await?;
    let aside = store.aside(limits::DEAD_LISTED_MAX).await?;
    if letters.is_empty() && events.is_empty() && aside.is_empty() {
        output::line("nothing was given up");
    }
    for event in events {
        let source = match event.source {
            InboxSource::Chat => "the chat",
            InboxSource::Bank => "a bank",
        };
        output::line(&format!(
            "event:{}/{} of {source} {} after {} attempt(s): {}",
            event.shard.0,
            event.position,
            at(event.received_at),
            event.attempts,
            event.reason
        ));
    }
    for records in aside {
        let offsets = if records.first == records.last {
            records.first.to_string()
        } else {
            format!("{} to {}", records.first, records.last)
        };
        output::line(&format!(
            "kafka:{} topic {} partition {} offset {offsets} {}: {}",
            records.source,
            records.topic,
            records.partition,
            at(records.at),
            records.reason
        ));
    }
    let listed = letters.len() as u64;
    for letter in letters {
        output::line(&format!(
            "{} page:{} {} after {} attempt(s): {}",
            letter.row.message,
            letter.row.recipient.channel,
            at(letter.created_at),
            letter.attempts,
            letter.reason.as_deref().unwrap_or("unknown")
        ));
    }
    if outbox_dead > listed {
        output::line(&format!("… and {} older ones", outbox_dead - listed));
    }
    Ok(())
}

/// An instant for a list, to the second.
pub(crate) fn at(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `amana dead replay`.
///
/// # Errors
/// When the message is not a dead one, or the store cannot be written.
pub(crate) async fn replay(settings: &Settings, message: &str) -> anyhow::Result<()> {
    if let Some(place) = message.strip_prefix("event:") {
        return replay_event(settings, place).await;
    }
    let message: MessageId = message.parse().context("give an id as `amana dead list` prints it")?;
    let store = existing(settings).await?;
    match store.submit(vec![Command::ReplayDead { message, due_at: SystemClock.now() }]).await {
        Ok(_) => {
            output::line(&format!(
                "{message} is sent again by the running gateway, if the gate still allows it"
            ));
            Ok(())
        }
        Err(SubmitError::Conflict { .. }) => {
            bail!(
                "`{message}` is not a message that was given up, or is out of date (`expired`); `amana dead list` shows \
                 those that were"
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// The store's URL, if it is there already.
///
/// # Errors
/// When it is a file that is not there.
pub(crate) fn url_of_existing(url: &Secret) -> anyhow::Result<&str> {
    let url = url.expose();
    if let Some(path) = keys::sqlite_path(url).filter(|path| !path.exists()) {
        bail!("the database `{}` is not there yet: `amana serve` makes it", path.display());
    }
    Ok(url)
}

/// The store, if it is there already: a command that looks at it makes none.
pub(crate) async fn existing(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let url = url_of_existing(&settings.store_url)?;
    let options = OpenOptions { auto_migrate: false, retention: settings.retention };
    Ok(amana_store::open_with(
        url,
        keys::keys(settings, false)?,
        Arc::new(OsEntropy),
        Arc::new(SystemClock),
        options,
    )
    .await?)
}

/// An event that was given up is processed again.
async fn replay_event(settings: &Settings, place: &str) -> anyhow::Result<()> {
    let parsed = place
        .split_once('/')
        .and_then(|(shard, position)| Some((Shard(shard.parse().ok()?), position.parse::<i64>().ok()?)));
    let (shard, position) =
        parsed.context("give an event as `amana dead list` prints it, `event:SHARD/PLACE`")?;
    let command = Command::ReplayInbox { shard, position };
    match existing(settings).await?.submit(vec![command]).await {
        Ok(_) => {
            output::line(&format!("event:{place} is processed again by the running gateway"));
            Ok(())
        }
        Err(SubmitError::Conflict { .. }) => {
            bail!(
                "`event:{place}` is not an event that was given up; `amana dead list` shows those that were"
            )
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks that the keys are there without making any, for commands that only look.
///
/// # Errors
/// As [`keys::keys`].
pub(crate) fn key_is_there(settings: &Settings) -> anyhow::Result<()> {
    keys::keys(settings, false).map(|_| ())
}
