//! From settings to a running gateway. `serve` and `demo` both come through here; nothing here knows a sandbox.

use crate::ambient::{OsEntropy, SystemClock};
use crate::audit::http::WitnessHttp;
use crate::config::{Agreed, ConfigErrors, LogFiles, Problem, Settings, Source};
use crate::keys;
use crate::lifecycle::Stop;
use crate::server;
use crate::telemetry;
use amana_bank::{Bank, FdxBank, HttpClientOptions};
use amana_channel::{Channel, Messenger, MessengerConfig, PageConfig, Profile, Timeouts};
use amana_chat::Rules;
use amana_core::{AgreementState, Clock, Entropy, Form, InstitutionId, Lang};
use amana_flow::{ChannelConfig, Gateway, GatewayParts, Institution, LogParts, Tiles, Witnesses};
use amana_log::note::LogSigner;
use amana_log::policy::Policy;
use amana_log::tiles::{DirTiles, Fsync};
use amana_object::ObjectTiles;
use amana_store::{Keyring, OpenOptions, Store};
use amana_web::{AdminState, WebState};
use anyhow::{Context as _, bail};
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The connectors: one per institution, and the platform's.
pub(crate) struct Connectors {
    pub(crate) banks: BTreeMap<InstitutionId, Arc<FdxBank>>,
    pub(crate) messenger: Arc<Messenger>,
}

/// What the gate speaks to: banks and platform, in this process or behind sockets.
pub(crate) struct Sides {
    pub(crate) banks: BTreeMap<InstitutionId, Arc<dyn Bank>>,
    pub(crate) channel: Arc<dyn Channel>,
}

impl Connectors {
    pub(crate) fn sides(&self) -> Sides {
        let bank = |(id, bank): (&InstitutionId, &Arc<FdxBank>)| (id.clone(), bank.clone() as Arc<dyn Bank>);
        Sides { banks: self.banks.iter().map(bank).collect(), channel: self.messenger.clone() }
    }
}

/// Builds the connectors. Nothing is asked of the network.
///
/// # Errors
/// Everything that they refuse in the configuration, at once.
pub(crate) fn connectors(settings: &Settings) -> Result<Connectors, ConfigErrors> {
    let (banks, messenger) = (banks(settings), messenger(settings));
    match (banks, messenger) {
        (Ok(banks), Ok(messenger)) => Ok(Connectors { banks, messenger: Arc::new(messenger) }),
        (banks, messenger) => {
            let problems = [banks.err(), messenger.err()].into_iter().flatten().flat_map(|errors| errors.0);
            Err(ConfigErrors(problems.collect()))
        }
    }
}

fn problem(key: &str, what: String) -> Problem {
    Problem { source: Source::File("the configuration".to_owned()), key: key.to_owned(), what }
}

/// The banks' connectors. Nothing is asked of the network.
///
/// # Errors
/// Everything that they refuse in the configuration, at once.
pub(crate) fn banks(settings: &Settings) -> Result<BTreeMap<InstitutionId, Arc<FdxBank>>, ConfigErrors> {
    let mut problems = Vec::new();
    let mut banks = BTreeMap::new();
    for institution in &settings.institutions {
        let id = institution.id().clone();
        let connector = &institution.connector;
        // What the operator wrote down themselves needs no leave: a bank whose own addresses are on this machine is a
        // trial.
        let on_this_machine = crate::config::is_loopback(&connector.api_url)
            && url::Url::parse(&connector.issuer).is_ok_and(|issuer| crate::config::is_loopback(&issuer));
        let options = HttpClientOptions {
            allow_private_addresses: settings.allow_private_addresses || on_this_machine,
            ..HttpClientOptions::default()
        };
        let bank = FdxBank::new(connector.clone(), options, Arc::new(SystemClock), Arc::new(OsEntropy));
        match bank {
            Ok(bank) => {
                banks.insert(id, Arc::new(bank));
            }
            Err(e) => problems.push(problem("", e.to_string())),
        }
    }
    if problems.is_empty() { Ok(banks) } else { Err(ConfigErrors(problems)) }
}

/// The platform's client.
///
/// # Errors
/// What it refuses in the configuration.
pub(crate) fn messenger(settings: &Settings) -> Result<Messenger, ConfigErrors> {
    let platform = &settings.messenger;
    let made = Messenger::new(MessengerConfig {
        graph_url: platform.graph_url.clone(),
        graph_version: platform.graph_version.clone(),
        app_id: platform.app_id.clone(),
        app: platform.app.clone(),
        pages: platform
            .pages
            .iter()
            .map(|page| PageConfig {
                id: page.id.clone(),
                token: page.token.clone(),
                proof: page.proof.clone(),
            })
            .collect(),
        timeouts: Timeouts::default(),
    });
    made.map_err(|e| ConfigErrors(vec![problem(e.key, e.what)]))
}

/// Opens the store, and runs missing migrations.
///
/// # Errors
/// When the key or the store cannot be opened, with how to mend it.
async fn store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let keys = keys::keys(settings, true)?;
    let options = OpenOptions { auto_migrate: true, retention: settings.retention };
    let url = settings.store_url.expose();
    Ok(amana_store::open_with(url, keys, Arc::new(OsEntropy), Arc::new(SystemClock), options).await?)
}

/// What people see of our Pages before and beside the messages.
pub(crate) fn profile(settings: &Settings, page: &amana_core::ChannelId) -> Profile {
    let (english, arabic) = (amana_chat::profile(Lang::English), amana_chat::profile(Lang::Arabic));
    let linking = settings.public_url.join("link/messenger").ok().map(|mut url| {
        url.query_pairs_mut().append_pair("page", page.as_str());
        url.to_string()
    });
    Profile {
        get_started_payload: english.get_started,
        greeting: vec![(Lang::English, english.greeting), (Lang::Arabic, arabic.greeting)],
        menu: vec![(Lang::English, english.menu), (Lang::Arabic, arabic.menu)],
        ice_breakers: vec![(Lang::English, english.ice_breakers), (Lang::Arabic, arabic.ice_breakers)],
        account_linking_url: linking,
        public_url: Some(settings.public_url.to_string()),
    }
}

/// Brings the agreements in the store to what the configuration says. Those that it has no more are suspended.
async fn agree(gateway: &Gateway, settings: &Settings) -> anyhow::Result<()> {
    let mut wanted = BTreeSet::new();
    for page in &settings.messenger.pages {
        for institution in settings.institutions.iter().filter(|i| page.institutions.contains(i.id())) {
            wanted.insert((institution.id().clone(), page.id.clone()));
            let (state, form) = match institution.agreement {
                Agreed::ByHand => continue,
                Agreed::UpTo(form) => (AgreementState::Active, form),
                Agreed::Declined => (AgreementState::Declined, Form::Notice),
            };
            if gateway.agreed_by_hand(institution.id(), &page.id).await? {
                tracing::info!(
                    institution = %institution.id(), channel = %page.id,
                    "somebody acted on this agreement: theirs is the last word, not the configuration's"
                );
                continue;
            }
            gateway.ensure_agreement(institution.id(), &page.id, state, form).await?;
        }
    }
    for old in gateway.store().agreements().await? {
        let gone = !wanted.contains(&(old.institution.clone(), old.channel.clone()));
        if gone && old.state == AgreementState::Active {
            tracing::warn!(institution = %old.institution, channel = %old.channel, "not configured any more: its agreement is suspended");
            let form = old.terms.values().map(|(_, form)| *form).max().unwrap_or(Form::Notice);
            gateway.ensure_agreement(&old.institution, &old.channel, AgreementState::Suspended, form).await?;
        }
    }
    Ok(())
}

/// What signs the log's checkpoints: it follows from the master key, so there is no second secret to lose.
///
/// # Errors
/// When the log's name cannot be a signer's.
pub(crate) fn log_signer(settings: &Settings, keyring: &Keyring) -> anyhow::Result<LogSigner> {
    LogSigner::new(&settings.disclosure_log.origin, &keyring.log_signing_seed())
        .context("`disclosure_log.origin`")
}

/// How the disclosure log is kept: its folder, its signer, its witnesses.
fn log_parts(settings: &Settings, keyring: &Keyring) -> anyhow::Result<LogParts> {
    let beside = || keys::sqlite_path(settings.store_url.expose()).map(|path| path.with_file_name("log"));
    let tiles: Tiles = match &settings.disclosure_log.files {
        LogFiles::Folder(dir) => {
            let dir = dir.clone().or_else(beside);
            let dir = dir.context("`disclosure_log.dir` is missing: it must be given with PostgreSQL")?;
            // What is not on disk yet after a crash is written again from the database.
            Arc::new(DirTiles::new(dir, Fsync::Never))
        }
        LogFiles::Bucket(access) => Arc::new(ObjectTiles::new(access).context("`disclosure_log.bucket`")?),
    };
    let witnesses = match &settings.disclosure_log.witness_policy_file {
        None => None,
        Some(path) => {
            let text = crate::files::read_text(path, crate::limits::SECRET_FILE_BYTES_MAX)
                .map_err(|why| anyhow::anyhow!("the witness policy `{}` {why}", path.display()))?;
            let policy =
                Policy::parse(&text).with_context(|| format!("the witness policy `{}`", path.display()))?;
            let tls =
                policy.witnesses().iter().any(|w| w.url.as_deref().is_some_and(|u| u.starts_with("https:")));
            let client = WitnessHttp::new(tls).context("no http client can be made for the witnesses")?;
            Some(Witnesses { policy, client: Arc::new(client) })
        }
    };
    Ok(LogParts {
        signer: log_signer(settings, keyring)?,
        tiles,
        witnesses,
        segment_entries: amana_flow::limits::SEGMENT_ENTRIES,
        segment_seconds: amana_flow::limits::SEGMENT_SECONDS,
    })
}

/// A gateway that is ready to run.
pub(crate) struct Ready {
    gateway: Arc<Gateway>,
    router: axum::Router,
    /// The administrators' API with its listener, if it is on.
    admin: Option<(TcpListener, axum::Router)>,
    /// Topics that bring events; each is a member of its group from here on.
    topics: Vec<amana_kafka::Consumer>,
    handle: PrometheusHandle,
    /// As operators read it among the nodes.
    name: String,
    /// On SQLite: the lock of the one process that works on it.
    alone: Option<std::fs::File>,
}

/// On SQLite, a lock that this process alone has until it ends, however it ends: events, messages and jobs of one file
/// are one process's. (Several nodes need PostgreSQL; the short commands take no lock.)
fn alone(settings: &Settings) -> anyhow::Result<Option<std::fs::File>> {
    let Some(path) = keys::sqlite_path(settings.store_url.expose()) else { return Ok(None) };
    let path = format!("{}.serving", path.display());
    let folder = std::path::Path::new(&path).parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.exists()) {
        crate::files::make_private_folder(folder)
            .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    }
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| format!("the lock `{path}` cannot be opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => bail!(
            "another `amana serve` works on this SQLite database (it holds `{path}`): stop it; several at once need \
             PostgreSQL"
        ),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("the lock `{path}` cannot be taken"))
        }
    }
}

/// Opens the store and joins the parts of a gateway, without running it.
///
/// # Errors
/// When a part cannot be made, with how to mend it.
pub(crate) async fn made(settings: &Settings, sides: Sides) -> anyhow::Result<Arc<Gateway>> {
    let store = store(settings).await?;
    let mut institutions = BTreeMap::new();
    for institution in &settings.institutions {
        let Some(bank) = sides.banks.get(institution.id()).cloned() else { continue };
        let (name, name_ar) = (institution.connector.name.clone(), institution.name_ar.clone());
        institutions.insert(
            institution.id().clone(),
            Institution::new(name, name_ar, bank)
                .with_controller(institution.controller.clone())
                .with_aggregator(institution.connector.profile.aggregator.clone())
                .with_upkeep(institution.upkeep),
        );
    }
    let channels = settings
        .messenger
        .pages
        .iter()
        .map(|page| (page.id.clone(), ChannelConfig { institutions: page.institutions.clone() }))
        .collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let log = log_parts(settings, store.keyring())?;
    Ok(Gateway::new(GatewayParts {
        store,
        log,
        channel: sides.channel,
        read_policy: crate::policy::read,
        institutions,
        channels,
        understand: Box::new(Rules),
        clock,
        entropy,
        public_url: settings.public_url.clone(),
        redirect_hosts: redirect_hosts(settings),
        own_app: Some(settings.messenger.app_id.clone()),
        reconcile: settings.reconcile.clone(),
    }))
}

impl Ready {
    /// The key by which egress checks this gateway's tickets.
    pub(crate) fn egress_key(&self) -> Option<[u8; 32]> {
        self.gateway.egress_key()
    }
}

/// Opens the store, sets the agreements, and joins the parts.
///
/// # Errors
/// When a part cannot be made, with how to mend it.
pub(crate) async fn prepare(
    settings: &Settings,
    connectors: &Connectors,
    handle: PrometheusHandle,
) -> anyhow::Result<Ready> {
    prepare_of(settings, connectors.sides(), handle).await
}

/// The same of these banks and this channel, in this process or behind sockets.
///
/// # Errors
/// As [`prepare`].
pub(crate) async fn prepare_of(
    settings: &Settings,
    sides: Sides,
    handle: PrometheusHandle,
) -> anyhow::Result<Ready> {
    let alone = alone(settings)?;
    let gateway = made(settings, sides).await?;
    // Before anything works: an older copy of the database would fork the log, and what it brought back goes again.
    gateway.check_published_log().await?;
    gateway.finish_erasures().await.context("erasures cannot be finished")?;
    agree(&gateway, settings).await.context("the agreements cannot be stored")?;
    let router = amana_web::router(web_state(settings, gateway.clone(), handle.clone()));
    let admin = admin(settings, &gateway).await?;
    let mut topics = Vec::new();
    for source in &settings.kafka {
        topics.push(amana_kafka::Consumer::new(source.clone(), Arc::new(SystemClock))?);
    }
    let name = format!("{} (process {})", settings.listen, std::process::id());
    Ok(Ready { gateway, router, admin, topics, handle, name, alone })
}

/// The administrators' API, on a listener of its own.
async fn admin(
    settings: &Settings,
    gateway: &Arc<Gateway>,
) -> anyhow::Result<Option<(TcpListener, axum::Router)>> {
    let Some(admin) = &settings.admin else { return Ok(None) };
    if !admin.listen.ip().is_loopback() {
        tracing::warn!(address = %admin.listen, "the administrators' API speaks plain http to other machines: put a proxy that ends TLS in front");
    }
    let listener = crate::serve::bind(admin.listen, "choose another with `[admin] listen`").await?;
    tracing::info!(address = %listener.local_addr()?, "the administrators' API is on");
    let state =
        AdminState { gateway: gateway.clone(), users: admin.users.clone(), personas: admin.personas.clone() };
    Ok(Some((listener, amana_web::admin_router(state))))
}

/// Where account linking may send a browser back to: what is configured, and the platform itself.
fn redirect_hosts(settings: &Settings) -> BTreeSet<String> {
    let graph = &settings.messenger.graph_url;
    let platform = graph.host_str().map(|host| match graph.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    settings.messenger.redirect_hosts.iter().cloned().chain(platform).collect()
}

fn web_state(settings: &Settings, gateway: Arc<Gateway>, handle: PrometheusHandle) -> WebState {
    let event_tokens =
        settings.institutions.iter().filter_map(|i| Some((i.id().clone(), i.event_token.clone()?))).collect();
    WebState {
        gateway,
        app_secret: settings.messenger.app_secret.clone(),
        verify_token: settings.messenger.verify_token.clone(),
        event_tokens,
        secure_cookies: settings.public_url.scheme() == "https",
        public_url: settings.public_url.clone(),
        metrics: Box::new(move || handle.render()),
        form_action_origins: form_origins(settings),
    }
}

/// Where a form of ours may end: the banks' sign-in pages and the platform's way back (browsers hold a form's redirects
/// to the page's policy).
pub(crate) fn form_origins(settings: &Settings) -> Vec<String> {
    let issuers = settings
        .institutions
        .iter()
        .filter_map(|i| url::Url::parse(&i.connector.issuer).ok())
        .map(|issuer| issuer.origin().ascii_serialization());
    let logins = settings.institutions.iter().flat_map(|i| i.login_origins.clone());
    let hosts = redirect_hosts(settings).into_iter().map(|host| {
        let local =
            url::Url::parse(&format!("http://{host}/")).is_ok_and(|url| crate::config::is_loopback(&url));
        format!("{}://{host}", if local { "http" } else { "https" })
    });
    issuers.chain(logins).chain(hosts).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Runs until stopped. A worker that ends by itself stops the rest, and is an error: half a gateway is none.
///
/// # Errors
/// When a part fails.
pub(crate) async fn run<L: server::Accept>(ready: Ready, listener: L, stop: Stop) -> anyhow::Result<()> {
    let Ready { gateway, router, admin, topics, handle, name, alone } = ready;
    gateway.join_nodes(&name).await?;
    let mut parts: JoinSet<(&str, std::io::Result<()>)> = JoinSet::new();
    let soft = stop.soft.clone();
    parts.spawn(async move {
        server::serve(listener, router, soft, server::Bounds::default()).await;
        ("server", Ok(()))
    });
    if let Some((listener, router)) = admin {
        let soft = stop.soft.clone();
        parts.spawn(async move {
            server::serve(listener, router, soft, server::Bounds::default()).await;
            ("administrators' api", Ok(()))
        });
    }
    for topic in topics {
        let (intake, soft) = (gateway.clone(), stop.soft.clone());
        parts.spawn(async move {
            topic.run(&*intake, soft).await;
            ("intake from topics", Ok(()))
        });
    }
    let (worker, soft) = (gateway.clone(), stop.soft.clone());
    parts.spawn(async move {
        worker.run_inbox(soft).await;
        ("inbox", Ok(()))
    });
    let (worker, soft) = (gateway.clone(), stop.soft.clone());
    parts.spawn(async move {
        worker.run_outbox(soft).await;
        ("outbox", Ok(()))
    });
    let (keeper, soft) = (gateway.clone(), stop.soft.clone());
    parts.spawn(async move {
        keeper.run_log(soft).await;
        ("disclosure log", Ok(()))
    });
    let (worker, soft) = (gateway.clone(), stop.soft.clone());
    parts.spawn(async move {
        worker.run_jobs(soft).await;
        ("jobs", Ok(()))
    });
    let (store, soft) = (gateway.store().clone(), stop.soft.clone());
    parts.spawn(async move {
        telemetry::keep_gauges(store, handle, soft).await;
        ("gauges", Ok(()))
    });
    let mut failed = None;
    let (node, over, soft) = (gateway.clone(), CancellationToken::new(), stop.soft.clone());
    let mut lease = tokio::spawn(node.run_node(soft, over.clone()));
    loop {
        tokio::select! {
            // What this process has begun is no longer its own, and none of it can become durable.
            ended = &mut lease => {
                failed = Some(match ended {
                    Ok(_) => "others ended this node, because its lease was not renewed in time; start it again".to_owned(),
                    Err(_) => "the node's lease panicked".to_owned(),
                });
                stop.soft.cancel();
                parts.abort_all();
                bail!("the gateway stopped: {}", failed.unwrap_or_default());
            }
            ended = parts.join_next() => match ended {
                None => break,
                Some(Ok((part, Ok(())))) if stop.soft.is_cancelled() => tracing::debug!(part, "ended"),
                Some(Ok((part, result))) => {
                    let why = result.err().map_or_else(|| "ended by itself".to_owned(), |e| e.to_string());
                    failed.get_or_insert(format!("the {part} {why}"));
                    stop.soft.cancel();
                }
                Some(Err(error)) => {
                    let how = if error.is_panic() { "panicked" } else { "was cut off" };
                    failed.get_or_insert(format!("a part {how}"));
                    stop.soft.cancel();
                }
            },
            () = stop.hard.cancelled() => {
                tracing::warn!(left = parts.len(), "stopped before everything was finished; it goes on at the next start");
                parts.abort_all();
                lease.abort();
                break;
            }
        }
    }
    // Only what ended by itself leaves nothing under way: else the lease runs out.
    if !stop.hard.is_cancelled() {
        over.cancel();
        let _ = lease.await;
    }
    drop(alone);
    match failed {
        Some(why) => bail!("the gateway stopped: {why}"),
        None => Ok(()),
    }
}
