//! `amana messenger setup | status | templates | thread | persona | attach`: how the Pages stand at the platform, and
//! in the store.

use crate::ambient::{OsEntropy, SystemClock};
use crate::cli::ThreadAct;
use crate::config::Settings;
use crate::who::acting;
use crate::{gateway, limits, operate, output};
use amana_channel::limits::UPLOAD_BYTES_MAX;
use amana_channel::messenger::{INBOX_APP, Upload};
use amana_channel::{
    AppWebhook, ApprovedText, Area, Messenger, PageStatus, SendError, SetupError, SetupReport, ThreadOwner,
    TokenState,
};
use amana_core::{Address, ChannelId, Clock as _, ConversationId, MediaForm, MediaKind, Psid};
use amana_flow::{AgentReply, Desk};
use amana_store::{ChannelHealth, ChannelQueue, Command, Store, StoredText};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A page at the platform and in the store.
struct Standing {
    platform: PageStatus,
    /// `None`: there is no store to ask, or it does not answer.
    health: Option<ChannelHealth>,
    queue: Option<ChannelQueue>,
}

/// `amana messenger setup`.
///
/// # Errors
/// When a Page could not be set up as a whole; the others are all the same.
pub(crate) async fn set_up(settings: &Settings) -> anyhow::Result<()> {
    let messenger = gateway::messenger(settings)?;
    let store = operate::existing(settings).await.ok();
    let mut failed = 0_usize;
    for page in settings.messenger.pages.iter().map(|page| &page.id) {
        output::line(&format!("page {page}"));
        let mut whole = true;
        match messenger.setup(page, &gateway::profile(settings, page)).await {
            Ok(report) if report.subscribed.is_empty() && report.written.is_empty() => {
                output::line("  webhooks and profile: was set up already");
            }
            Ok(SetupReport { subscribed, written }) => {
                for (what, names) in [("subscribed", subscribed), ("wrote", written)] {
                    if !names.is_empty() {
                        output::line(&format!("  {what}: {}", names.join(", ")));
                    }
                }
            }
            Err(error) => {
                whole = false;
                output::line(&format!("  webhooks and profile: {error}"));
            }
        }
        match messenger.bring_templates(page).await {
            Ok(texts) => {
                keep(store.as_ref(), page, &texts).await;
                texts.iter().for_each(|text| output::line(&format!("  template {}", template(text))));
            }
            Err(error) => {
                whole = false;
                output::line(&format!("  templates: {error}"));
            }
        }
        if !whole {
            failed += 1;
            let platform = messenger.status(page, None).await;
            if platform.token != TokenState::Valid {
                output::line(&format!("  token: {}", token(&platform.token)));
            }
            missing_permissions(&platform).iter().for_each(|line| output::line(line));
        }
    }
    if failed > 0 {
        bail!("{failed} of {} pages could not be set up as a whole", settings.messenger.pages.len());
    }
    Ok(())
}

/// A line for each area that is closed to us, with the permission that opens it.
fn missing_permissions(platform: &PageStatus) -> Vec<String> {
    let line = |(area, why): &(Area, String)| {
        format!("  missing: {}: {why}; the permission `{}` grants it", area.as_str(), area.permission())
    };
    platform.closed.iter().map(line).collect()
}

/// `amana messenger status`. Answers whether all is well.
///
/// # Errors
/// When the client cannot be made.
pub(crate) async fn status(settings: &Settings, as_json: bool) -> anyhow::Result<bool> {
    let messenger = gateway::messenger(settings)?;
    // Before the first start there is no store; the platform can be looked at all the same.
    let store = operate::existing(settings).await.ok();
    let webhook = messenger.app_webhook(&settings.messenger.app_secret).await;
    let callback = settings.public_url.join("webhooks/messenger").map(String::from).unwrap_or_default();
    let mut good = webhook.as_ref().is_ok_and(|webhook| hears(webhook, &callback));
    if !as_json {
        output::line(&format!("app {}", settings.messenger.app_id));
        output::line(&format!("  webhook: {}", webhook_line(&webhook, &callback)));
    }
    let mut rows = Vec::new();
    for page in &settings.messenger.pages {
        let standing = standing(settings, &messenger, store.as_ref(), &page.id).await;
        good &= standing.platform.is_good() && standing.health.is_none_or(|h| h == ChannelHealth::Good);
        if as_json {
            rows.push(row(&standing, &webhook, &callback));
        } else {
            lines(&standing).iter().for_each(|line| output::line(line));
        }
    }
    if as_json {
        output::line(&serde_json::to_string_pretty(&rows)?);
    }
    Ok(good)
}

/// Whether the app's events come to us, all of them.
fn hears(webhook: &AppWebhook, callback: &str) -> bool {
    webhook.active && webhook.missing_fields.is_empty() && webhook.callback.as_deref() == Some(callback)
}

fn webhook_line(webhook: &Result<AppWebhook, SendError>, callback: &str) -> String {
    let mend = "set it in the app's dashboard (Messenger, Webhooks)";
    match webhook {
        Err(error) => {
            format!(
                "could not be read: {error}; it is asked with the app's own token: check `app_id` and `app_secret`"
            )
        }
        Ok(AppWebhook { callback: None, .. }) => {
            format!("none, so nothing of any page is heard: {mend} to {callback}")
        }
        Ok(AppWebhook { callback: Some(there), active, missing_fields }) => {
            let mut line = shown(there);
            if there != callback {
                line += &format!(", which is not this gateway's, {callback}: {mend}");
            }
            if !active {
                line += ", switched off: the platform does not call it";
            }
            if missing_fields.is_empty() {
                line += ", all fields subscribed";
            } else {
                line += &format!(", the app has not subscribed: {} ({mend})", missing_fields.join(", "));
            }
            line
        }
    }
}

async fn standing(
    settings: &Settings,
    messenger: &Messenger,
    store: Option<&Arc<dyn Store>>,
    page: &ChannelId,
) -> Standing {
    let platform = messenger.status(page, Some(&gateway::profile(settings, page))).await;
    let mut health = None;
    let mut queue = None;
    if let Some(store) = store {
        if let Ok(states) = store.channel_states().await {
            let there = states.iter().find(|s| s.channel == *page);
            health = Some(there.map_or(ChannelHealth::Good, |state| state.health));
        }
        queue = store.channel_queue(page).await.ok();
    }
    Standing { platform, health, queue }
}

fn lines(standing: &Standing) -> Vec<String> {
    let Standing { platform, health, queue } = standing;
    let name = platform.name.as_deref().map(|name| format!(" ({})", shown(name))).unwrap_or_default();
    let mut lines = vec![format!("page {}{name}", platform.page)];
    lines.push(format!("  token: {}", token(&platform.token)));
    // Of a page whose token does not work the platform tells nothing; what is not known is not called good or bad.
    let unread = match platform.token {
        TokenState::Valid => "could not be read",
        _ => "not known: the platform tells nothing to this token",
    };
    let list = |missing: Option<&Vec<&str>>, fine: &str, bad: &str| match missing {
        None => unread.to_owned(),
        Some(missing) if missing.is_empty() => fine.to_owned(),
        Some(missing) => format!("{bad}: {} (`amana messenger setup` mends it)", missing.join(", ")),
    };
    lines.push(format!(
        "  webhooks: {}",
        list(platform.missing_fields.as_ref(), "all subscribed", "not subscribed")
    ));
    lines.push(format!(
        "  profile: {}",
        list(platform.profile_differs.as_ref(), "as it should be", "differs")
    ));
    match &platform.templates {
        None => lines.push(format!("  templates: {unread}")),
        Some(texts) => lines.extend(texts.iter().map(|text| format!("  template {}", template(text)))),
    }
    lines.extend(missing_permissions(platform));
    match (health, &platform.token) {
        (Some(health), _) => lines.push(format!("  sending: {}", health_line(*health))),
        (None, TokenState::Valid) => lines.push("  sending: not tried yet, there is no store".to_owned()),
        (None, _) => lines.push("  sending: not possible with this token; there is no store yet".to_owned()),
    }
    match queue {
        None => lines.push("  waiting: not known, there is no store yet (`amana serve` makes it)".to_owned()),
        Some(queue) => {
            lines.push(format!(
                "  waiting: {} to be sent, {} for the person's window ({} of persons who receive nothing), {} news; {} conversations with another app",
                queue.open, queue.held, queue.unreachable, queue.waiting, queue.elsewhere
            ));
            lines.extend(until(queue, *health, &platform.token));
        }
    }
    lines
}

/// Where nothing is sent: when the first of what waits is over. It is not sent any more then, nor again by hand.
fn until(queue: &ChannelQueue, health: Option<ChannelHealth>, token: &TokenState) -> Option<String> {
    let stopped = *token != TokenState::Valid || health.is_some_and(ChannelHealth::is_stopped);
    let first = queue.expires_at.filter(|_| stopped)?;
    Some(format!(
        "  what waits goes out if this is mended before {}: then the first of it is over",
        operate::at(first)
    ))
}

fn token(state: &TokenState) -> String {
    match state {
        TokenState::Valid => "good".to_owned(),
        TokenState::OtherPage(id) => format!("of another page, {}: put this page's own", shown(id)),
        TokenState::Dead => {
            "no longer valid: make a new one (permissions `pages_messaging`, `pages_manage_metadata`) and restart; \
             what waits is kept meanwhile, for its time"
                .to_owned()
        }
        TokenState::NotTried(why) => format!("could not be tried: {why}"),
    }
}

fn health_line(health: ChannelHealth) -> String {
    let mend = match health {
        ChannelHealth::Good => return "good".to_owned(),
        ChannelHealth::Throttled => "it rests for a while, and goes on by itself",
        ChannelHealth::Warned => "the platform warned the page: look into its support inbox",
        ChannelHealth::Blocked => {
            "the platform keeps the page from sending: look into its support inbox; it is tried again by itself"
        }
        ChannelHealth::TokenDead => "make a new token and restart",
        ChannelHealth::NotAllowed => "the app may not send: grant it `pages_messaging` and switch it live",
        ChannelHealth::NoWay => "there is no way to the platform; it is tried again by itself",
    };
    format!("{} ({mend})", health.as_str())
}

fn template(text: &ApprovedText) -> String {
    let reason = text.reason.as_deref().map(|reason| format!(" ({})", shown(reason))).unwrap_or_default();
    let mend = match text.status.as_str() {
        "MISSING" => ": `amana messenger templates` brings it",
        _ => "",
    };
    format!("{} {}: {}{reason}{mend}", text.name, text.lang.tag(), shown(&text.status).to_lowercase())
}

fn row(standing: &Standing, webhook: &Result<AppWebhook, SendError>, callback: &str) -> Value {
    let Standing { platform, health, queue } = standing;
    json!({
        "page": platform.page, "name": platform.name, "token": token(&platform.token),
        "missing_fields": platform.missing_fields, "profile_differs": platform.profile_differs,
        "templates": platform.templates,
        "missing_permissions": platform.closed.iter().map(|(area, why)| json!({
            "area": area.as_str(), "permission": area.permission(), "why": why,
        })).collect::<Vec<_>>(),
        "app_webhook": match webhook {
            Ok(there) => json!({
                "callback": there.callback, "expected": callback, "active": there.active,
                "missing_fields": there.missing_fields,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        },
        "sending": health.map(ChannelHealth::as_str),
        "waiting": queue.map(|queue| json!({
            "open": queue.open, "held": queue.held, "unreachable": queue.unreachable, "news": queue.waiting,
            "elsewhere": queue.elsewhere, "expires_at": queue.expires_at,
        })),
    })
}

/// `amana messenger templates`. Answers whether all are approved.
///
/// # Errors
/// When a page's texts could be neither brought nor read.
pub(crate) async fn templates(settings: &Settings, look: bool, as_json: bool) -> anyhow::Result<bool> {
    let messenger = gateway::messenger(settings)?;
    let store = operate::existing(settings).await.ok();
    let (mut good, mut failed) = (true, 0_usize);
    let mut rows = Vec::new();
    for page in settings.messenger.pages.iter().map(|page| &page.id) {
        let texts = if look {
            messenger.templates(page).await.map_err(anyhow::Error::from)
        } else {
            messenger.bring_templates(page).await.map_err(anyhow::Error::from)
        };
        match texts {
            Err(error) => {
                failed += 1;
                output::line(&format!(
                    "page {page}: {error}; the permission `{}` grants it",
                    amana_channel::Area::Templates.permission()
                ));
            }
            Ok(texts) => {
                good &= texts.iter().all(|text| text.approved);
                keep(store.as_ref(), page, &texts).await;
                if as_json {
                    rows.push(json!({ "page": page, "templates": texts }));
                } else {
                    texts.iter().for_each(|text| output::line(&format!("page {page}: {}", template(text))));
                }
            }
        }
    }
    if as_json {
        output::line(&serde_json::to_string_pretty(&rows)?);
    }
    if failed > 0 {
        bail!("{failed} of {} pages have no templates", settings.messenger.pages.len());
    }
    Ok(good)
}

/// A gateway that runs on the same store need not ask again.
async fn keep(store: Option<&Arc<dyn Store>>, page: &ChannelId, texts: &[ApprovedText]) {
    let Some(store) = store else { return };
    let commands = texts
        .iter()
        .map(|text| {
            Command::PutApprovedText(StoredText {
                channel: page.clone(),
                name: text.name.clone(),
                lang: text.lang,
                status: text.status.clone(),
                reason: text.reason.clone(),
                at: SystemClock.now(),
            })
        })
        .collect();
    if let Err(error) = store.submit(commands).await {
        tracing::warn!(%error, "how the texts stand could not be kept; the gateway asks by itself");
    }
}

/// `amana messenger thread`.
///
/// # Errors
/// When the platform refuses.
pub(crate) async fn thread(
    settings: &Settings,
    act: ThreadAct,
    (page, person): (&ChannelId, &Psid),
    to: Option<&str>,
    hours: u64,
) -> anyhow::Result<()> {
    let messenger = gateway::messenger(settings)?;
    let of = Address { channel: page.clone(), psid: person.clone() };
    let done: Result<(), SetupError> = match act {
        // It goes through the store, not to the platform.
        ThreadAct::Reply => bail!("a reply has its own way"),
        ThreadAct::Owner => {
            let said = match messenger.thread_owner(&of).await? {
                ThreadOwner::Nobody => {
                    "nobody: the conversation is idle, or the page has no default app".to_owned()
                }
                ThreadOwner::Owned { app, until } => {
                    let app =
                        app.map_or_else(|| "another app".to_owned(), |app| format!("app {}", shown(&app)));
                    let until = until.map(|at| format!(" until {}", operate::at(at))).unwrap_or_default();
                    format!("{app}{until}")
                }
            };
            output::line(&said);
            return Ok(());
        }
        ThreadAct::Pass => {
            messenger.pass_thread(&of, to.unwrap_or(INBOX_APP), None).await.map_err(Into::into)
        }
        ThreadAct::Take => messenger.take_thread(&of, None).await.map_err(Into::into),
        ThreadAct::Request => messenger.request_thread(&of, None).await.map_err(Into::into),
        ThreadAct::Release => messenger.release_thread(&of).await.map_err(Into::into),
        ThreadAct::Extend => {
            messenger.extend_thread(&of, Duration::from_secs(hours.saturating_mul(3_600))).await
        }
    };
    done?;
    output::line("done");
    Ok(())
}

/// What a human writes, as the command line gives it.
pub(crate) struct Reply {
    pub(crate) text: Option<String>,
    pub(crate) media: Option<MediaForm>,
    pub(crate) persona: Option<String>,
    pub(crate) by: Option<String>,
}

/// `amana messenger thread reply`: into the outbox, which the gateway that runs on the store sends.
///
/// # Errors
/// When it may not be written now, with why.
pub(crate) async fn reply(
    settings: &Settings,
    page: ChannelId,
    person: Psid,
    Reply { text, media, persona, by }: Reply,
) -> anyhow::Result<()> {
    if !settings.messenger.pages.iter().any(|known| known.id == page) {
        bail!("page {page} is not in the configuration");
    }
    let text = match text {
        Some(text) => text,
        None if media.is_some() => String::new(),
        None => {
            let mut text = String::new();
            std::io::stdin().lock().take(limits::REPLY_BYTES_MAX).read_to_string(&mut text)?;
            text
        }
    };
    let store = operate::existing(settings).await?;
    let (window, within) = (amana_channel::messenger::window(), amana_channel::messenger::encoding(true));
    let desk = Desk::new(&*store, &SystemClock, &OsEntropy, window, within);
    let persona = under_which(settings, &page, by.as_deref(), persona)?;
    let words = AgentReply { by: acting(by.as_deref()), text, media, persona };
    let message = desk.reply(&ConversationId { channel: page, psid: person }, &words).await?;
    output::line(&format!(
        "{message} is in the outbox; who wrote stands on the customer's record as {}",
        words.by
    ));
    Ok(())
}

/// The persona under which somebody writes on a page: theirs, if the configuration gives them one there (as for the
/// administrators' API), so that nobody shows one name to the customer and another to the record.
fn under_which(
    settings: &Settings,
    page: &ChannelId,
    by: Option<&str>,
    given: Option<String>,
) -> anyhow::Result<Option<String>> {
    let name = by.unwrap_or_default().trim();
    let own = settings.admin.as_ref().and_then(|admin| admin.personas.get(name)?.get(page));
    match (own, given) {
        (Some(own), Some(given)) if *own != given => bail!(
            "`{name}` writes on page {page} as persona {own} (`personas` of their `[[admin.user]]` in the configuration), \
             not as {given}: leave `--persona` out"
        ),
        (Some(own), _) => Ok(Some(own.clone())),
        (None, given) => Ok(given),
    }
}

/// `amana messenger persona`.
///
/// # Errors
/// When name or picture break a limit, or the platform refuses.
pub(crate) async fn persona(
    settings: &Settings,
    page: &ChannelId,
    made: Option<(&str, &str)>,
) -> anyhow::Result<()> {
    let messenger = gateway::messenger(settings)?;
    let all = match made {
        Some((name, picture)) => vec![messenger.persona(page, name, picture).await?],
        None => messenger.personas(page).await?,
    };
    for persona in all {
        output::line(&format!("{page}:{} {}", shown(&persona.id), shown(&persona.name)));
    }
    Ok(())
}

/// Where what is brought comes from, as the command line gives it: one of the two.
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    pub(crate) url: Option<String>,
}

/// `amana messenger attach`.
///
/// # Errors
/// When there is no such file, it breaks a limit (nothing was sent then), or the platform refuses.
pub(crate) async fn attach(
    settings: &Settings,
    page: &ChannelId,
    media: MediaKind,
    from: &Source,
    as_json: bool,
) -> anyhow::Result<()> {
    let messenger = gateway::messenger(settings)?;
    let now = SystemClock.now();
    let saved = match from {
        Source { file: Some(file), .. } => {
            let bytes = read_upload(file).with_context(|| format!("`{}`", file.display()))?;
            messenger.attach(page, media, Upload::File(&bytes), now).await?
        }
        Source { url: Some(url), .. } => messenger.attach(page, media, Upload::Url(url), now).await?,
        Source { .. } => bail!("give `--file` or `--url`"),
    };
    if as_json {
        let row = json!({ "page": page, "media": media, "id": saved.id, "until": operate::at(saved.until) });
        output::line(&serde_json::to_string_pretty(&row)?);
    } else {
        output::line(&format!("{} until {}", saved.id, operate::at(saved.until)));
    }
    Ok(())
}

/// The file, as far as one byte more than the platform takes: the client says what is wrong with that.
fn read_upload(path: &Path) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(UPLOAD_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The platform's texts, on one line.
fn shown(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '?' } else { c }).collect()
}
