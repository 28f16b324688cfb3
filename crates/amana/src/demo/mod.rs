//! `amana demo`: sandbox bank, Messenger simulator and gateway in one process, over real loopback HTTP.
//!
//! The gateway is `serve`'s, from a configuration made in memory; what makes it a demonstration is only the addresses.
//! It is one process. Four of them (`serve --role`) have their secrets in files of their own, whose whole point is that
//! nobody has all of them, and the demonstration has made all of them: it would show nothing that
//! `crates/amana/tests/it/roles.rs` does not, which carries the same story through the four.

mod state;
pub(crate) mod statement;

use crate::ambient::OsEntropy;
use crate::cli::{Demo, Language};
use crate::config::{self, Log, Settings};
use crate::lifecycle::Stop;
use crate::sandbox::{clock, loopback, registration};
use crate::serve::bind;
use crate::{gateway, limits, output, telemetry};
use amana_channel::{Messenger, SetupError};
use amana_sandbox_bank::brand::{self, Brand};
use amana_sandbox_bank::{BankConfig, EventMode, EventTarget, SandboxBank, Security};
use amana_sandbox_messenger::{MessengerConfig, PageConfig};
use amana_store::OpenError;
use anyhow::{Context as _, bail};
use serde_json::json;
use state::{SHARED_PAGE, State};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use toml::{Table, Value};
use url::Url;

/// Our id at the sandbox bank.
const CLIENT_ID: &str = "amana";

/// The three listeners, bound before anybody is told an address.
struct Places {
    gateway: TcpListener,
    bank: TcpListener,
    chat: TcpListener,
    gateway_url: String,
    bank_url: String,
    chat_url: String,
}

impl Places {
    async fn bind(args: &Demo) -> anyhow::Result<Self> {
        let gateway = bind(loopback(args.gateway_port), "choose another with --gateway-port").await?;
        let bank = bind(loopback(args.bank_port), "choose another with --bank-port").await?;
        let chat = bind(loopback(args.chat_port), "choose another with --chat-port").await?;
        let url = |listener: &TcpListener| listener.local_addr().map(|address| format!("http://{address}"));
        let (bank_url, chat_url) = (url(&bank)?, url(&chat)?);
        // By its name: browsers have no passkeys at an address of numbers.
        let gateway_url = format!("http://localhost:{}", gateway.local_addr()?.port());
        Ok(Self { gateway, bank, chat, gateway_url, bank_url, chat_url })
    }
}

/// Runs the demonstration until a signal.
///
/// # Errors
/// A taken port, a broken statement, a data directory that cannot be used, or a part that fails.
pub(crate) async fn demo(args: Demo) -> anyhow::Result<()> {
    let folder = args.data_dir.clone();
    run(args).await.map_err(|error| mend(error, &folder))
}

/// How a demonstration's own data is mended: nothing in it is worth keeping, so it may begin anew.
fn mend(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    use amana_sandbox_bank::Error as Bank;
    use amana_sandbox_messenger::Error as Chat;
    let folder = folder.display();
    let in_use = || {
        format!(
            "the data directory `{folder}` is in use by another demonstration: stop that one, or choose another \
             directory with `--data-dir` (`--fresh` begins anew, once nothing uses it)"
        )
    };
    let other_version = || {
        format!(
            "the data directory `{folder}` was made by another version of amana, or is damaged: `--fresh` begins anew"
        )
    };
    let bank = error.downcast_ref::<Bank>();
    let chat = error.downcast_ref::<Chat>();
    let store = error.downcast_ref::<OpenError>();
    // SQLite's own word for a file that another process has taken.
    if (bank.is_some() || chat.is_some()) && format!("{error:#}").contains("is locked") {
        return error.context(in_use());
    }
    if matches!(bank, Some(Bank::State(_) | Bank::Record { .. }))
        || matches!(chat, Some(Chat::Store(_) | Chat::Document { .. }))
        || matches!(store, Some(OpenError::Changed { .. } | OpenError::Newer { .. } | OpenError::WrongKey))
    {
        return error.context(other_version());
    }
    error
}

async fn run(args: Demo) -> anyhow::Result<()> {
    telemetry::log(&Log { json: false, level: args.log.clone() })?;
    let read = statement::read(&args.statement, args.lang)?;
    let places = Places::bind(&args).await?;
    if args.fresh {
        state::forget(&args.data_dir)?;
    }
    let state = State::of(&args.data_dir)?;
    let settings = config::from_table(gateway_table(&args.data_dir, &state, &places), "the demonstration")?;
    let connectors = gateway::connectors(&settings)?;
    let stop = Stop::on_signals(limits::DEMO_DRAIN).context("signals cannot be heard")?;

    let bank_config = bank_config(&args.data_dir, &state, &places);
    // A year of history for every customer is made here.
    let bank = tokio::task::spawn_blocking(|| SandboxBank::open(bank_config, clock(), Arc::new(OsEntropy)))
        .await
        .context("the sandbox bank did not open")??;
    let mut notes = Vec::new();
    if let Some(read) = &read {
        notes.push(import(&bank, read)?);
    }

    let (gateway_url, bank_url, chat_url) =
        (places.gateway_url.clone(), places.bank_url.clone(), places.chat_url.clone());
    let chat_config = chat_config(&args.data_dir, &state, &places)?;
    let mut parts: JoinSet<anyhow::Result<()>> = JoinSet::new();
    // Bank and platform outlast the gateway: what it is sending when it is told to stop gets its answer.
    let around = CancellationToken::new();
    let until = around.clone();
    parts.spawn(async move { Ok(bank.run(places.bank, until).await?) });
    let until = around.clone();
    parts.spawn(async move {
        Ok(amana_sandbox_messenger::serve(places.chat, chat_config, clock(), Arc::new(OsEntropy), until)
            .await?)
    });
    let ready = gateway::prepare(&settings, &connectors, telemetry::recorder()?).await?;
    let all = stop.clone();
    parts.spawn(async move {
        let ended = gateway::run(ready, places.gateway, all).await;
        around.cancel();
        ended
    });

    let greeting = async {
        set_up_pages(&connectors.messenger, &settings).await?;
        let chat = format!("{chat_url}/chat?lang={}", if args.lang == Language::Ar { "ar" } else { "en" });
        if args.json {
            let data_dir = args.data_dir.display().to_string();
            let ready =
                json!({"gateway": gateway_url, "bank": bank_url, "chat": chat_url, "data_dir": data_dir});
            output::line(&ready.to_string());
        } else {
            output::line(&what_to_try(&args, &chat, &gateway_url, &bank_url, &notes));
        }
        anyhow::Ok(())
    };
    let mut failed = None;
    tokio::select! {
        said = greeting => if let Err(error) = said {
            failed = Some(error);
            stop.soft.cancel();
        },
        () = stop.soft.cancelled() => {}
    }
    loop {
        tokio::select! {
            ended = parts.join_next() => match ended {
                None => break,
                Some(Ok(Ok(()))) if stop.soft.is_cancelled() => tracing::debug!(left = parts.len(), "a part ended"),
                Some(ended) => {
                    let error = match ended {
                        Ok(Ok(())) => anyhow::anyhow!("a part of the demonstration ended by itself"),
                        Ok(Err(error)) => error,
                        Err(error) => anyhow::anyhow!("a part of the demonstration failed: {error}"),
                    };
                    failed.get_or_insert(error);
                    stop.soft.cancel();
                }
            },
            // Chat pages in browsers keep their connections open; nobody waits for them.
            () = stop.hard.cancelled() => {
                parts.abort_all();
                break;
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The gateway's configuration, as its file would say it.
fn gateway_table(folder: &Path, state: &State, places: &Places) -> Table {
    let text = |text: &str| Value::String(text.to_owned());
    let table = |entries: Vec<(&str, Value)>| -> Table {
        entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    };
    let brands = brand::all();
    let host = places.chat_url.trim_start_matches("http://");
    let page = |id: &str, institutions: Vec<&Brand>| {
        Value::Table(table(vec![
            ("id", text(id)),
            ("token", text(state.page_tokens.get(id).map_or("", String::as_str))),
            ("institutions", Value::Array(institutions.iter().map(|b| text(b.id)).collect())),
        ]))
    };
    let mut pages = vec![page(SHARED_PAGE, brands.iter().collect())];
    pages.extend(brands.iter().enumerate().map(|(index, b)| page(&state::own_page(index), vec![b])));
    let institutions = brands.iter().map(|b| {
        Value::Table(table(vec![
            ("id", text(b.id)),
            ("name", text(b.name)),
            ("name_ar", text(b.name_ar)),
            ("profile", text("fdx")),
            ("issuer", Value::String(format!("{}/{}", places.bank_url, b.id))),
            ("api_url", Value::String(format!("{}/{}/fdx/v6", places.bank_url, b.id))),
            ("client_id", text(CLIENT_ID)),
            ("client_secret", text(&state.client_secret)),
            ("event_token", text(state.event_tokens.get(b.id).map_or("", String::as_str))),
            // Asked for and accepted at the first start, by the same acts as anybody's.
            ("agreement", text("detail")),
            ("legal_name", Value::String(format!("{}, a sandbox", b.name))),
            ("address", text("127.0.0.1, this machine")),
            ("contact", Value::String(format!("privacy@{}.example", b.id))),
            ("jurisdiction", text("US")),
            (
                "retention",
                text("Until you delete the demonstration's data directory. No transactions are kept."),
            ),
            ("storage", text("This machine")),
            ("privacy_notice", Value::String(format!("https://{}.example/privacy", b.id))),
        ]))
    });
    let address = places.gateway.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
    table(vec![
        (
            "server",
            Value::Table(table(vec![
                ("listen", text(&address)),
                ("public_url", text(&places.gateway_url)),
                ("allow_private_addresses", Value::Boolean(true)),
            ])),
        ),
        (
            "store",
            Value::Table(table(vec![(
                "url",
                Value::String(format!("sqlite:{}", folder.join("amana.sqlite").display())),
            )])),
        ),
        (
            "messenger",
            Value::Table(table(vec![
                ("graph_url", text(&places.chat_url)),
                ("app_id", text(&state.app_id)),
                ("app_secret", text(&state.app_secret)),
                ("verify_token", text(&state.verify_token)),
                ("redirect_hosts", Value::Array(vec![text(host)])),
                ("page", Value::Array(pages)),
            ])),
        ),
        // The log keeps its name when a demonstration goes on at other ports.
        ("disclosure_log", Value::Table(table(vec![("origin", text("amana-demo/log"))]))),
        ("institution", Value::Array(institutions.collect())),
    ])
}

fn bank_config(folder: &Path, state: &State, places: &Places) -> BankConfig {
    let mut config = BankConfig::new(&places.bank_url, folder.join("bank"));
    config.security = Security::Green;
    let callback = format!("{}/link/callback", places.gateway_url);
    config.clients.push(registration(CLIENT_ID, &state.client_secret, vec![callback]));
    for b in brand::all() {
        let target = EventTarget {
            url: format!("{}/events/{}", places.gateway_url, b.id),
            token: state.event_tokens.get(b.id).cloned().unwrap_or_default(),
            client_id: CLIENT_ID.to_owned(),
            mode: EventMode::Single,
        };
        config.event_targets.insert(b.id.to_owned(), target);
    }
    config
}

fn chat_config(folder: &Path, state: &State, places: &Places) -> anyhow::Result<MessengerConfig> {
    let token = |page: &str| state.page_tokens.get(page).cloned().unwrap_or_default();
    let mut pages = vec![PageConfig::new(SHARED_PAGE, "Amana", token(SHARED_PAGE))];
    for (index, b) in brand::all().iter().enumerate() {
        let id = state::own_page(index);
        let mut page = PageConfig::new(&id, b.name, token(&id));
        page.colour = Some(b.colour.to_owned());
        pages.push(page);
    }
    let base: Url = places.chat_url.parse()?;
    let mut config = MessengerConfig::new(base, &state.app_id, &state.app_secret, pages);
    config.data_dir = Some(folder.join("messenger"));
    config.verify_token.clone_from(&state.verify_token);
    config.webhook_url = Some(format!("{}/webhooks/messenger", places.gateway_url).parse()?);
    Ok(config)
}

/// Sets the Pages up, as `amana messenger setup` does. The simulator may need a moment to answer.
async fn set_up_pages(messenger: &Messenger, settings: &Settings) -> anyhow::Result<()> {
    let all = async {
        for page in &settings.messenger.pages {
            let profile = gateway::profile(settings, &page.id);
            loop {
                match messenger.setup(&page.id, &profile).await {
                    Ok(_) => break,
                    Err(SetupError::Call(error)) if error.may_retry() => {
                        tokio::time::sleep(limits::START_POLL).await;
                    }
                    Err(error) => bail!("the Page `{}` cannot be set up: {error}", page.id),
                }
            }
        }
        Ok(())
    };
    tokio::time::timeout(limits::START_WAIT, all).await.context("the Messenger simulator does not answer")?
}

/// Loads the statements' customer at the first bank. Gives a line about it.
fn import(bank: &SandboxBank, read: &statement::Read) -> anyhow::Result<String> {
    let Some(first) = brand::all().first() else { bail!("there is no institution") };
    let outcome = bank.import_customer(first.id, &read.customer)?;
    let mut line = format!(
        "Your statement: {} account(s), {} transactions at {}. Sign in there as `{}`, password `demo`.",
        outcome.accounts,
        outcome.transactions,
        first.name,
        statement::USERNAME
    );
    if read.pending + read.foreign > 0 {
        line.push_str(&format!(" Left out: {} pending, {} in another currency.", read.pending, read.foreign));
    }
    Ok(line)
}

fn what_to_try(args: &Demo, chat: &str, gateway: &str, bank: &str, notes: &[String]) -> String {
    let first = brand::all().first().map_or("", |b| b.id);
    let data_dir = args.data_dir.display();
    let mut lines = vec![
        format!("Amana runs at {gateway}; its data is in {data_dir}. Ctrl-C stops, starting again goes on."),
        format!(
            "1. Open the chat    {chat}  say \"hi\", tap Log in, sign in as `layla`, password `demo`; choose \"All the details\" / «كل التفاصيل» when asked how much, to see amounts in the chat."
        ),
        "2. Ask              \"what is my balance?\"  \"كم رصيدي؟\"  \"what did I spend last month?\""
            .to_owned(),
        format!("3. Buy something    {bank}/{first}/till  and see it arrive in the chat."),
        format!(
            "4. Your privacy     say \"my privacy\" in the chat: every disclosure, and a stop button ({gateway}/privacy)."
        ),
    ];
    if args.lang == Language::Ar {
        lines.push("بالعربية: افتح المحادثة، واكتب «مرحبا»، ثم اربط مصرفك واختر «كل التفاصيل» لترى المبالغ في المحادثة، واسأل «كم رصيدي؟».".to_owned());
    }
    lines.extend(notes.iter().cloned());
    lines.join("\n")
}
