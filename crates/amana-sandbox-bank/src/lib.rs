//! A sandbox bank over real HTTP: several institutions in one process, each with an OAuth 2.0 authorization server, an
//! FDX 6.4 data API with FDX 6.6's consent, notification and meta APIs, its own sign-in, consent and till pages, and a
//! pusher of CloudEvents.
//!
//! It is as strict as what it stands for (PKCE, exact redirect URIs, single use, consent checked on every request), and
//! it knows protocol types only: nothing here knows the gateway. By default it is as strict as FAPI 2.0
//! ([`Security::Blue`]). Not in it: TLS but for clients with certificates (put it behind a proxy), money movement,
//! rewards, images of checks.
//!
//! Time and randomness come from the caller. Everything that was given or made to happen (consents, tokens,
//! purchases, imported customers, events on their way out) survives a kill at any instant; made-up history is made
//! again from its seed.

mod app;
mod bank;
pub mod brand;
pub mod config;
mod control;
mod control_consents;
mod db;
mod error;
mod events;
mod faults;
mod fdx;
mod front;
mod generator;
mod import;
pub mod limits;
mod live;
mod merchants;
mod model;
mod money;
mod notifications;
mod oauth;
mod openapi;
mod pages;
mod pdf;
mod prng;
mod publish;
mod push;
mod records;
mod server;
mod statements;
mod teller;
mod tls;

use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::{
    BankConfig, ClientAuth, ClientRegistration, Clock, Entropy, EventMode, EventTarget, MutualTls, Security,
    SenderConstraint,
};
pub use error::Error;
pub use front::{Front, FrontApi, FrontOAuth, FrontPar, GrantId};
pub use import::{ImportOutcome, ImportedAccount, ImportedCustomer, ImportedTransaction};
pub use model::AccountKind;

/// An opened sandbox bank. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct SandboxBank {
    app: app::Shared,
}

impl SandboxBank {
    /// Opens the data directory and makes the demonstration customers' history up to the clock's now.
    ///
    /// # Errors
    /// [`Error::Config`] for a configuration that contradicts itself; [`Error::DataDir`], [`Error::State`] and
    /// [`Error::Record`] for a data directory that cannot be used, also when another process uses it.
    pub fn open(config: BankConfig, clock: Clock, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        Ok(Self { app: app::App::open(config, clock, entropy)? })
    }

    /// Loads a person's own statement as a customer of an institution: all of it or, with an error, nothing. Doing it
    /// again changes nothing; accounts are told apart by their number.
    ///
    /// # Errors
    /// [`Error::Import`] with what is wrong with the customer; [`Error::State`] if it could not be stored.
    pub fn import_customer(
        &self,
        institution: &str,
        customer: &ImportedCustomer,
    ) -> Result<ImportOutcome, Error> {
        import::import(&self.app, institution, customer)
    }

    /// Serves until the token is cancelled; then takes no new connections and lets open requests finish for
    /// [`limits::DRAIN`].
    ///
    /// # Errors
    /// [`Error::Listen`] if the listener fails.
    pub async fn run(&self, listener: TcpListener, shutdown: CancellationToken) -> Result<(), Error> {
        let mut pushers = tokio::task::JoinSet::new();
        for (institution, target) in &self.app.config.event_targets {
            if let Some(brand) = brand::find(institution) {
                pushers.spawn(push::run(self.app.clone(), brand, target.clone(), shutdown.clone()));
            }
        }
        for id in self.app.wake.keys() {
            if let Some(brand) = brand::find(id) {
                pushers.spawn(publish::run(self.app.clone(), brand, shutdown.clone()));
            }
        }
        if let Some(speed_up) = self.app.config.speed_up {
            for id in self.app.wake.keys() {
                if let Some(brand) = brand::find(id) {
                    pushers.spawn(live::run(self.app.clone(), brand, speed_up, shutdown.clone()));
                }
            }
        }
        self.serve_on(listener, shutdown).await?;
        pushers.shutdown().await;
        Ok(())
    }

    /// Serves the same bank to clients with certificates, over TLS, at [`BankConfig::mutual_tls`]; besides
    /// [`Self::run`].
    ///
    /// # Errors
    /// [`Error::Config`] if there is no such configuration or its certificates cannot be used; [`Error::Listen`] if the
    /// listener fails.
    pub async fn run_mutual_tls(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let Some(tls) = &self.app.config.mutual_tls else {
            return Err(Error::Config("`mutual_tls` is not configured".to_owned()));
        };
        self.serve_on(tls::TlsListener::new(listener, tls)?, shutdown).await
    }

    async fn serve_on<L>(&self, listener: L, shutdown: CancellationToken) -> Result<(), Error>
    where
        L: axum::serve::Listener,
        L::Addr: std::fmt::Debug,
        tls::Peer: for<'a> Connected<IncomingStream<'a, L>>,
    {
        let service = server::router(self.app.clone()).into_make_service_with_connect_info::<tls::Peer>();
        let serving =
            axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let drained = async {
            shutdown.cancelled().await;
            tokio::time::sleep(limits::DRAIN).await;
        };
        tokio::select! {
            served = serving.into_future() => served?,
            () = drained => tracing::info!("connections still open at the end of the drain were closed"),
        }
        Ok(())
    }
}

/// Opens a sandbox bank and serves it until `shutdown`.
///
/// # Errors
/// Those of [`SandboxBank::open`] and [`SandboxBank::run`].
pub async fn serve(
    listener: TcpListener,
    config: BankConfig,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    SandboxBank::open(config, clock, entropy)?.run(listener, shutdown).await
}
