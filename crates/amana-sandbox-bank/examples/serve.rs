//! Serves the sandbox bank alone, on loopback, for looking at its pages:
//! `cargo run -p amana-sandbox-bank --example serve -- 7301 DATA_DIR`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;

use amana_sandbox_bank::{BankConfig, ClientAuth, ClientRegistration, Security, SenderConstraint, serve};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("first argument: port")?.parse()?;
    let data_dir = arguments.next().ok_or("second argument: data directory")?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let mut config = BankConfig::new(&base, data_dir);
    config.security = Security::Green;
    config.clients.push(ClientRegistration {
        client_id: "amana".to_owned(),
        name: "Amana".to_owned(),
        name_ar: "أمانة".to_owned(),
        auth: ClientAuth::SecretBasic("secret".to_owned()),
        redirect_uris: vec!["http://127.0.0.1:9/callback".to_owned()],
        sender: SenderConstraint::None,
        signed_requests: false,
    });
    println!("{base}/");
    let entropy = |out: &mut [u8]| {
        for chunk in out.chunks_mut(16) {
            let bytes = uuid::Uuid::new_v4().into_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
    };
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    serve(listener, config, Arc::new(jiff::Timestamp::now), Arc::new(entropy), shutdown).await?;
    Ok(())
}
