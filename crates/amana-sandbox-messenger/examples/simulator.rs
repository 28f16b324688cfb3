//! Runs the simulator alone on a port of 127.0.0.1, with two pages: `cargo run -p amana-sandbox-messenger
//! --example simulator -- 8480 http://127.0.0.1:9000/webhooks/messenger`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;

use amana_sandbox_messenger::{Entropy, MessengerConfig, PageConfig, serve};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_util::sync::CancellationToken;

struct Os(SystemRandom);

impl Entropy for Os {
    fn fill(&self, buf: &mut [u8]) {
        // The system's random source fails only on a machine that cannot run anything else either.
        let _ = self.0.fill(buf);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().unwrap_or_else(|| "8480".to_owned()).parse()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base = format!("http://{}/", listener.local_addr()?);
    let pages = vec![
        PageConfig::new("100100", "Meridian Bank", "meridian-token"),
        PageConfig::new("100200", "Cedar Credit Union", "cedar-token"),
        PageConfig::new("100300", "بنك النخيل", "palm-token"),
    ];
    let mut config = MessengerConfig::new(base.parse()?, "1900000000000001", "app-secret", pages);
    config.webhook_url = args.next().map(|url| url.parse()).transpose()?;
    config.verify_token = "verify".to_owned();
    config.data_dir = args.next().map(Into::into);
    println!("chat: {base}chat");
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            let _ = tokio::signal::ctrl_c().await;
            stop.cancel();
        }
    });
    serve(listener, config, Arc::new(jiff::Timestamp::now), Arc::new(Os(SystemRandom::new())), stop).await?;
    Ok(())
}
