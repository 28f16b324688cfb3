//! What is logged of a call: by its interaction id the bank finds it in its own log, and nothing of a customer is said.

use crate::fake::{Knobs, account, bench, say, start, subject};
use amana_bank::{Actor, Bank as _};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// What was logged, to be looked at.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Goal: each call to the API, whatever came of it, is a line with the interaction id that went out, the actor and the
/// status; the customer's account and token are in none. (Each test has a thread of its own, and so has its log.)
#[tokio::test]
async fn each_call_is_logged_by_the_interaction_id_that_the_bank_was_sent() {
    let log = Log::default();
    let to = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG);
    let _here = tracing::subscriber::set_default(to.with_writer(log.clone()).finish());
    let b = bench(Knobs::default(), |seen| {
        if seen.path.contains("/transactions") {
            return say(503, "");
        }
        let currency = json!({ "currencyCode": "USD" });
        let row = json!({ "accountCategory": "DEPOSIT_ACCOUNT", "accountId": "acc-secret-1", "currency": currency });
        say(200, json!({ "accounts": [row] }))
    })
    .await;
    let tokens = b.tokens();
    b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
    let to = start().checked_add(Duration::from_secs(60)).unwrap();
    let failed = b
        .bank
        .transactions(&tokens, &subject(), &account("acc-secret-1"), start(), to, Actor::Batch)
        .await
        .map(|_| ())
        .unwrap_err();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let calls = b.fake.calls();
    assert!(calls.len() >= 2, "{}", calls.len());
    for call in &calls {
        let id = call.headers["x-fapi-interaction-id"].to_str().unwrap();
        let actor = call.headers["fdx-api-actor-type"].to_str().unwrap();
        let status = if call.path.contains("/transactions") { 503 } else { 200 };
        let line = logged.lines().find(|line| line.contains("a bank was asked") && line.contains(id));
        let line = line.unwrap_or_else(|| panic!("no line of {id} in:\n{logged}"));
        assert!(line.contains("INFO") && line.contains(&format!("status={status}")), "{line}");
        assert!(line.contains(&format!("actor=\"{actor}\"")), "{line}");
    }
    // The error that the caller gets names the same call.
    assert!(logged.contains(&format!("interaction {}", failed.interaction.unwrap())), "{logged}");
    assert!(!logged.contains("acc-secret-1") && !logged.contains(tokens.access.expose()), "{logged}");
}
