//! `amana serve`, and binding ports with a clear word when one is taken.

use crate::config::Settings;
use crate::gateway;
use crate::lifecycle::Stop;
use crate::roles::Role;
#[cfg(unix)]
use crate::roles::{self, folder::Folder};
use crate::{limits, telemetry};
use anyhow::Context as _;
use std::net::SocketAddr;
#[cfg(unix)]
use std::sync::Arc;
use tokio::net::TcpListener;

/// Listens at an address.
///
/// # Errors
/// A taken port or one that is not allowed, with `how` to choose another.
pub(crate) async fn bind(address: SocketAddr, how: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("port {} is taken (by another program): stop it, or {how}", address.port())
        }
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("port {} may not be used by this user: {how}, above 1023", address.port())
        }
        std::io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("`{}` is not an address of this machine: {how}", address.ip())
        }
        _ => anyhow::anyhow!("cannot listen on `{address}` ({}): {how}", crate::files::plain(&error)),
    })
}

/// Serves until a signal.
///
/// # Errors
/// When a part cannot be made or fails.
pub(crate) async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let stop = Stop::on_signals(limits::DRAIN).context("signals cannot be heard")?;
    let connectors = gateway::connectors(settings)?;
    let listener = bind(settings.listen, "choose another with `[server] listen`").await?;
    let ready = gateway::prepare(settings, &connectors, telemetry::recorder()?).await?;
    let address = listener.local_addr()?;
    tracing::info!(
        %address, public_url = %settings.public_url, pages = settings.messenger.pages.len(),
        institutions = settings.institutions.len(), "amana serves"
    );
    gateway::run(ready, listener, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Serves one part of the gateway until a signal: `amana serve --role`.
///
/// # Errors
/// When the part cannot be made or fails.
#[cfg(unix)]
pub(crate) async fn serve_role(settings: &Settings, role: Role) -> anyhow::Result<()> {
    let stop = Stop::on_signals(limits::DRAIN).context("signals cannot be heard")?;
    let folder = Folder::open(&settings.roles)?;
    match role {
        Role::Connector => roles::connector::run(settings, &folder, stop).await?,
        Role::Egress => roles::egress::run(settings, &folder, stop).await?,
        Role::Web => roles::web::run(settings, &folder, stop).await?,
        Role::Gate => {
            let banks = roles::connector::RemoteBank::all(settings, &folder)?;
            let sides =
                gateway::Sides { banks, channel: Arc::new(roles::egress::RemoteChannel::new(&folder)) };
            let ready = gateway::prepare_of(settings, sides, telemetry::recorder()?).await?;
            let key = ready.egress_key().context("the gate has no key for tickets")?;
            folder.put_egress_key(key)?;
            let listener = folder.listen(Role::Gate).await?;
            tracing::info!(egress_key = hex::encode(key), "amana gate serves");
            gateway::run(ready, listener, stop).await?;
        }
    }
    tracing::info!(%role, "stopped");
    Ok(())
}

/// Roles need Unix sockets.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) async fn serve_role(_: &Settings, _: Role) -> anyhow::Result<()> {
    anyhow::bail!("roles need Unix sockets, which this system has not: run `amana serve` without `--role`")
}
