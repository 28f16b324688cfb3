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
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;

/// The simulated app's number.
pub(crate) const APP_ID: &str = "1900000000000001";

/// What stands around a private key in PEM.
const KIND: &str = "PRIVATE KEY";

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
    let security = security(&args);
    config.security = match security {
        SandboxSecurity::Green => Security::Green,
        SandboxSecurity::Blue => Security::Blue,
    };
    config.front = args.profile.as_deref().map(Front::built_in).transpose()?;
    config.clients = clients(&args, security)?;
    let key_file = match (config.clients.is_empty(), security) {
        (false, _) => None,
        (true, SandboxSecurity::Green) => {
            config.clients.push(registration("amana", "sandbox-secret", args.redirect_uri.clone()));
            None
        }
        (true, SandboxSecurity::Blue) => {
            let (client, file) = own_client(&args)?;
            config.clients.push(client);
            Some(file)
        }
    };
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
    let mut said = json!({"bank": base, "institutions": institutions});
    if let (Some(file), Some(said)) = (&key_file, said.as_object_mut()) {
        said.insert("client".to_owned(), json!({"id": "amana", "private_key_file": file}));
    }
    output::line(&said.to_string());
    tokio::select! {
        served = served => Ok(served?),
        served = served_tls => Ok(served?),
        () = stop.hard.cancelled() => Ok(()),
    }
}

/// The profile that the flags ask for. A bank is FAPI 2.0's unless somebody wants what that does not allow.
fn security(args: &BankArgs) -> SandboxSecurity {
    let green = !args.client.is_empty() || args.profile.as_deref().is_some_and(|name| name != "fdx-blue");
    args.security.unwrap_or(if green { SandboxSecurity::Green } else { SandboxSecurity::Blue })
}

/// The application of who names none, under Blue: with a private key in the data directory, made at the first start.
fn own_client(args: &BankArgs) -> anyhow::Result<(ClientRegistration, PathBuf)> {
    let file = args.data_dir.join("client.key.pem");
    if !file.exists() {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("a key cannot be made: the system gives no randomness"))?;
        let body = STANDARD.encode(pkcs8.as_ref());
        let lines: Vec<&str> = (0..body.len()).step_by(64).filter_map(|at| body.get(at..)).collect();
        let lines: Vec<&str> = lines.iter().map(|rest| rest.get(..64).unwrap_or(rest)).collect();
        let pem = format!("-----BEGIN {KIND}-----\n{}\n-----END {KIND}-----\n", lines.join("\n"));
        files::make_private_folder(&args.data_dir)?;
        files::write_private(&file, pem.as_bytes())
            .with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    let pem = files::read_text(&file, limits::SECRET_FILE_BYTES_MAX).map_err(anyhow::Error::msg)?;
    let key = EncodingKey::from_ec_pem(pem.as_bytes())
        .ok()
        .and_then(|key| Jwk::from_encoding_key(&key, Algorithm::ES256).ok())
        .with_context(|| {
            format!("`{}` holds no private key on P-256; delete it, and another one is made", file.display())
        })?;
    let client = ClientRegistration {
        auth: ClientAuth::PrivateKeyJwt(serde_json::from_value(json!({"keys": [key]}))?),
        sender: match args.bind {
            Some(SandboxBinding::Mtls) => SenderConstraint::Mtls,
            _ => SenderConstraint::Dpop,
        },
        signed_requests: args.signed_requests,
        ..registration("amana", "", args.redirect_uri.clone())
    };
    Ok((client, file))
}

/// The applications that the flags name.
fn clients(args: &BankArgs, security: SandboxSecurity) -> anyhow::Result<Vec<ClientRegistration>> {
    let bound = match (args.bind, security) {
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
