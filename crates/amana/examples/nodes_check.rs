//! Checks what a Messenger simulator got against what was bought: `nodes_check RECORD SIMULATOR_URL`.
//!
//! A program apart from the gateway and from the test that kills it: it knows the till's record and the platform's
//! (`GET /control/sends`), and nothing of a database. RECORD has a line `chat CUSTOMER PSID` for each linked chat, and
//! a line `bought CUSTOMER $AMOUNT` for each purchase, in order. Each chat must have been told each purchase of its
//! customer once, in that order. Ends with 1 if not.

#![allow(clippy::print_stdout, reason = "a command-line program talks on its streams")]

use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let (Some(record), Some(simulator)) = (arguments.next(), arguments.next()) else {
        bail!("give RECORD and SIMULATOR_URL");
    };
    let (mut chats, mut bought) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    for line in std::fs::read_to_string(&record).context("the record cannot be read")?.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["chat", customer, psid] => chats.push((customer.to_owned(), psid.to_owned())),
            ["bought", customer, amount] => {
                bought.entry(customer.to_owned()).or_default().push(amount.to_owned());
            }
            _ => bail!("not a line of a record: `{line}`"),
        }
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    // In the order in which the platform took them.
    let mut sends: Vec<serde_json::Value> = Vec::new();
    loop {
        let url = format!("{simulator}/control/sends?after={}", sends.len());
        let answer: serde_json::Value = client.get(url).send().await?.error_for_status()?.json().await?;
        let more = answer.as_array().context("not a list of sends")?;
        if more.is_empty() {
            break;
        }
        sends.extend(more.iter().cloned());
    }
    let (mut told, mut wrong) = (0, Vec::new());
    for (customer, psid) in &chats {
        let said: String = sends
            .iter()
            .filter(|send| send["psid"] == **psid)
            .map(|send| plain(&send["request"].to_string()))
            .filter(|text| text.contains("Corner Shop"))
            .collect::<Vec<_>>()
            .join("\n");
        let mut before = 0;
        for amount in bought.get(customer).into_iter().flatten() {
            let places: Vec<usize> = said
                .match_indices(amount.as_str())
                .map(|(place, _)| place)
                // `$1.01` is not `$1.010`; amounts have two digits behind the point.
                .filter(|place| !said[place + amount.len()..].starts_with(|c: char| c.is_ascii_digit()))
                .collect();
            match places[..] {
                [place] if place >= before => (before, told) = (place, told + 1),
                [_] => wrong.push(format!("{psid} ({customer}): {amount} was told after a later one")),
                [] => wrong.push(format!("{psid} ({customer}): {amount} was never told")),
                _ => wrong.push(format!("{psid} ({customer}): {amount} was told {} times", places.len())),
            }
        }
    }
    for line in &wrong {
        println!("WRONG: {line}");
    }
    let purchases: usize = bought.values().map(Vec::len).sum();
    println!(
        "{purchases} purchases, {} chats, {} sends: {told} told once and in order, {} wrong",
        chats.len(),
        sends.len(),
        wrong.len()
    );
    Ok(if wrong.is_empty() && told > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Without the marks that isolate amounts (U+2066 to U+2069), as they stand in JSON or as characters.
fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for mark in ["2066", "2067", "2068", "2069"] {
        text = text.replace(&format!("\\u{mark}"), "");
    }
    text.chars().filter(|c| !('\u{2066}'..='\u{2069}').contains(c)).collect()
}
