//! The pages with a bank and a chat that are not there: for looking at them and working on their design.
//! `cargo run -p amana-web --example show -- 8090`, then open what it prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a tool for development"
)]

#[path = "../tests/it/support.rs"]
mod support;

use serde_json::json;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
    let base = format!("http://{}/", listener.local_addr().expect("an address"));
    let world = support::World::at(&base, &format!("{base}link/callback?code=c&state=s")).await;
    for n in 1..=4 {
        let token = world.token(&format!("link-{n}")).await;
        println!("{base}link/start?t={token}");
    }
    let app = world.app.clone();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("serves") });
    // When somebody has linked: a question, a purchase, a purchase on an account that was not allowed.
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        world.gateway.settle().await.expect("settled");
        if world.gateway.store().counts().await.expect("counts").links_active > 0 {
            break;
        }
    }
    // Who allowed notices alone finds the rest on these pages.
    let behind = || {
        let said = world.channel.last.lock().expect("lock").clone();
        if let Some(link) = said.split('"').find(|text| text.contains("/m#")) {
            println!("{link}");
        }
    };
    world.says("m1", "what's my balance?").await;
    behind();
    world.pushes(&support::purchase("e1", "a1")).await;
    behind();
    world.pushes(&support::purchase("e2", "a2")).await;
    let mut deposit = support::purchase("e3", "a1");
    deposit["type"] = json!("bank.deposit.posted.v1");
    deposit["data"]["transaction"] = json!({"accountId": "a1", "transactionId": "e3", "amount": 2400, "status": "POSTED",
        "debitCreditMemo": "CREDIT", "description": "SALARY", "transactionTimestamp": support::NOW});
    world.pushes(&deposit).await;
    println!("the chat has spoken");
    serving.await.expect("serves");
}
