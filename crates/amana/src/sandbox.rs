//! The sandboxes alone: `amana sandbox bank` and `amana sandbox messenger`.

use crate::ambient::{OsEntropy, SystemClock};
use crate::cli::{
    Language, SandboxBank as BankArgs, SandboxBinding, SandboxMessenger as MessengerArgs, SandboxSecurity,
};
use crate::demo::statement;
use crate::files;
use crate::lifecycle::Stop;
use crate::serve::bind;
use crate::{limits, output};
use amana_core::Clock as _;
use amana_sandbox_bank::{
    BankConfig, ClientAuth, ClientRegistration, EventMode, EventTarget, Front, MutualTls, SandboxBank,
    Security, SenderConstraint,
};
use amana_sandbox_messenger::{MessengerConfig, PageConfig};
use anyhow::Context as _;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;

/// The simulated app's number.
pub(crate) const APP_ID: &str = "1900000000000001";

/// A port of this machine.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The clock as the sandboxes take it.
pub(crate) fn clock() -> Arc<dyn Fn() -> jiff::Timestamp + Send + Sync> {
    Arc::new(|| SystemClock.now())
}

/// An application as the sandbox bank's consent page names it.
pub(crate) fn registration(client_id: &str, secret: &str, redirect_uris: Vec<String>) -> ClientRegistration {
    ClientRegistration {
        client_id: client_id.to_owned(),
        name: "Amana".to_owned(),
        name_ar: "أمانة".to_owned(),
        auth: ClientAuth::SecretBasic(secret.to_owned()),
        redirect_uris,
        sender: SenderConstraint::None,
        signed_requests: false,
    }
}

/// Runs the sandbox bank until a signal. Prints one line of JSON when it listens.
///
/// # Errors
/// When a flag, the port or the data directory cannot be used.
pub(crate) async fn bank(args: BankArgs) -> anyhow::Result<()> {
    let stop = Stop::on_signals(limits::DEMO_DRAIN).context("signals cannot be heard")?;
    let listener = bind(loopback(args.port), "choose another with `--port`").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let statement = statement::read(&args.statement, Language::En)?;
    let mut config = BankConfig::new(&base, &args.data_dir);
    config.seed = args.seed;
    config.speed_up = args.speed_up;
    config.security = match args.security {
        SandboxSecurity::Green => Security::Green,
        SandboxSecurity::Blue => Security::Blue,
    };
    config.front = args.profile.as_deref().map(Front::built_in).transpose()?;
    config.clients = clients(&args)?;
    let tls = match &args.tls_certificate {
        Some(certificate) => Some(mutual_tls(&args, certificate, &mut config).await?),
        None => None,
    };
    let first = config.clients.first().map(|client| client.client_id.clone()).unwrap_or_default();
    let brands = amana_sandbox_bank::brand::all();
    if let (Some(url), Some(token)) = (&args.event_url, &args.event_token) {
        for brand in brands {
            let target = EventTarget {
                url: format!("{}/{}", url.as_str().trim_end_matches('/'), brand.id),
                token: token.clone(),
                client_id: first.clone(),
                mode: if args.event_batches { EventMode::Batched } else { EventMode::Single },
            };
            config.event_targets.insert(brand.id.to_owned(), target);
        }
    }
    config.require_par = args.require_par;
    config.rotate_refresh_tokens = args.rotate_refresh_tokens;
    let api = config.front.as_ref().map_or("fdx/v6".to_owned(), |front| front.api.base.clone());
    let api_url = |id: &str| format!("{base}/{id}/{api}").trim_end_matches('/').to_owned();
    let provider = config.front.as_ref().map(|front| front.api.provider.clone()).filter(|id| !id.is_empty());
    let institutions: Vec<_> = brands
        .iter()
        .map(|b| {
            let mut one = json!({"id": b.id, "name": b.name, "issuer": format!("{base}/{}", b.id), "api_url": api_url(b.id)});
            if let (Some(id), Some(one)) = (&provider, one.as_object_mut()) {
                one.insert("provider_id".to_owned(), json!(id));
            }
            one
        })
        .collect();
    let bank = SandboxBank::open(config, clock(), Arc::new(OsEntropy))?;
    if let Some(read) = &statement {
        for brand in brands {
            bank.import_customer(brand.id, &read.customer)?;
        }
    }
    let served = bank.run(listener, stop.soft.clone());
    let served_tls = async {
        match tls {
            Some(listener) => bank.run_mutual_tls(listener, stop.soft.clone()).await,
            None => std::future::pending().await,
        }
    };
    output::line(&json!({"bank": base, "institutions": institutions}).to_string());
    tokio::select! {
        served = served => Ok(served?),
        served = served_tls => Ok(served?),
        () = stop.hard.cancelled() => Ok(()),
    }
}

/// The applications that the flags name.
fn clients(args: &BankArgs) -> anyhow::Result<Vec<ClientRegistration>> {
    let bound = match (args.bind, args.security) {
        (None, SandboxSecurity::Green) | (Some(SandboxBinding::Nothing), _) => SenderConstraint::None,
        (None, SandboxSecurity::Blue) | (Some(SandboxBinding::Dpop), _) => SenderConstraint::Dpop,
        (Some(SandboxBinding::Mtls), _) => SenderConstraint::Mtls,
    };
    let pair = |text: &str, flag: &str| {
        text.split_once('=')
            .filter(|(id, value)| !id.is_empty() && !value.is_empty())
            .map(|(id, value)| (id.to_owned(), value.to_owned()))
            .with_context(|| format!("`{flag}` must have the form `ID=…`, as `{flag} --help` shows"))
    };
    let mut clients = Vec::new();
    for text in &args.client {
        let (id, secret) = pair(text, "--client")?;
        clients.push(registration(&id, &secret, args.redirect_uri.clone()));
    }
    for text in &args.client_keys {
        let (id, file) = pair(text, "--client-keys")?;
        let keys =
            files::read_text(Path::new(&file), limits::SECRET_FILE_BYTES_MAX).map_err(anyhow::Error::msg)?;
        let keys =
            serde_json::from_str(&keys).with_context(|| format!("`{file}` is not a JWKS (RFC 7517)"))?;
        clients.push(ClientRegistration {
            auth: ClientAuth::PrivateKeyJwt(keys),
            sender: bound,
            signed_requests: args.signed_requests,
            ..registration(&id, "", args.redirect_uri.clone())
        });
    }
    for text in &args.client_certificate {
        let (id, name) = pair(text, "--client-certificate")?;
        clients.push(ClientRegistration {
            auth: ClientAuth::Tls(name),
            sender: SenderConstraint::Mtls,
            ..registration(&id, "", args.redirect_uri.clone())
        });
    }
    if clients.is_empty() {
        clients.push(registration("amana", "sandbox-secret", args.redirect_uri.clone()));
    }
    Ok(clients)
}

/// The listener for applications with certificates.
async fn mutual_tls(
    args: &BankArgs,
    certificate: &Path,
    config: &mut BankConfig,
) -> anyhow::Result<TcpListener> {
    let listener = bind(loopback(args.tls_port), "choose another with `--tls-port`").await?;
    let read =
        |file: &Path| files::read_text(file, limits::SECRET_FILE_BYTES_MAX).map_err(anyhow::Error::msg);
    let (Some(key), Some(authorities)) = (&args.tls_key, &args.client_authorities) else {
        anyhow::bail!("`--tls-certificate` needs `--tls-key` and `--client-authorities`");
    };
    config.mutual_tls = Some(MutualTls {
        base_url: format!("https://localhost:{}", listener.local_addr()?.port()),
        certificate_pem: read(certificate)?,
        key_pem: read(key)?,
        client_authorities_pem: read(authorities)?,
    });
    Ok(listener)
}

/// Runs the Messenger simulator until a signal. Prints one line of JSON when it listens.
///
/// # Errors
/// When a flag, the port or the data directory cannot be used.
pub(crate) async fn messenger(args: MessengerArgs) -> anyhow::Result<()> {
    let stop = Stop::on_signals(limits::DEMO_DRAIN).context("signals cannot be heard")?;
    let listener = bind(loopback(args.port), "choose another with `--port`").await?;
    let base: Url = format!("http://{}/", listener.local_addr()?).parse()?;
    let mut pages = Vec::new();
    for page in &args.page {
        let mut parts = page.splitn(3, '=');
        let (Some(id), Some(token)) = (parts.next(), parts.next()) else {
            anyhow::bail!("`--page` must be `ID=TOKEN` or `ID=TOKEN=NAME`");
        };
        pages.push(PageConfig::new(id, parts.next().unwrap_or(id), token));
    }
    let mut config = MessengerConfig::new(base.clone(), args.app_id, args.app_secret, pages);
    config.data_dir = args.data_dir;
    config.verify_token = args.verify_token;
    config.webhook_url = args.webhook;
    config.require_appsecret_proof = args.require_proof;
    config.seed = args.seed;
    let chat = base.join("chat")?;
    let served =
        amana_sandbox_messenger::serve(listener, config, clock(), Arc::new(OsEntropy), stop.soft.clone());
    output::line(&json!({"graph_url": base.as_str(), "chat": chat.as_str()}).to_string());
    tokio::select! {
        served = served => Ok(served?),
        () = stop.hard.cancelled() => Ok(()),
    }
}
