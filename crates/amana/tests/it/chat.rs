//! A person in the Messenger simulator, and the sandbox bank's till, by their control APIs; and linking, done by
//! hand as a person would in a browser.

use crate::browser::{Browser, Page, client, plain};
use crate::process::DOUBT;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long the chat may stay silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// One conversation.
pub(crate) struct Chat {
    client: Client,
    base: String,
    page: String,
    user: String,
}

impl Chat {
    /// The conversation of a user with a Page.
    pub(crate) fn new(base: &str, page: &str, user: &str) -> Self {
        Self { client: client(), base: base.to_owned(), page: page.to_owned(), user: user.to_owned() }
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        let url = format!("{}/control/users/{}/{what}", self.base, self.user);
        let answer = self.client.post(url).json(&body).send().await.expect("the simulator answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{what}: {body}");
        body
    }

    /// Writes.
    pub(crate) async fn say(&self, text: &str) {
        self.post("say", json!({"page": self.page, "text": text})).await;
    }

    /// Taps something; gives where the browser is sent, if it is.
    pub(crate) async fn tap(&self, kind: &str, payload: &str, title: &str) -> Option<String> {
        let body = json!({"page": self.page, "kind": kind, "payload": payload, "title": title});
        self.post("tap", body).await["open"].as_str().map(str::to_owned)
    }

    /// The thread as it is.
    pub(crate) async fn thread(&self) -> Value {
        let url = format!("{}/control/threads/{}/{}", self.base, self.page, self.user);
        self.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    /// The person's page-scoped id.
    pub(crate) async fn psid(&self) -> String {
        self.thread().await["psid"].as_str().expect("an id").to_owned()
    }

    /// Every message of the Page, oldest first, as the person reads it.
    pub(crate) async fn said(&self) -> Vec<String> {
        let thread = self.thread().await;
        let messages = thread["messages"].as_array().cloned().unwrap_or_default();
        messages.iter().filter(|m| m["from"] == "page").map(|m| words(&m["body"])).collect()
    }

    /// The answer: what the Page says after `before` messages, once it holds `needle`.
    pub(crate) async fn hears(&self, before: usize, needle: &str) -> String {
        self.hears_within(before, needle, PATIENCE).await
    }

    /// The same after a kill: what was on its way then is in doubt, and holds the conversation for as long as [`DOUBT`]
    /// says.
    pub(crate) async fn hears_after_a_kill(&self, before: usize, needle: &str) -> String {
        self.hears_within(before, needle, DOUBT).await
    }

    pub(crate) async fn hears_within(&self, before: usize, needle: &str, patience: Duration) -> String {
        let until = Instant::now() + patience;
        loop {
            let said = self.said().await;
            if let Some(found) = said.iter().skip(before).find(|message| message.contains(needle)) {
                return found.clone();
            }
            assert!(Instant::now() < until, "`{needle}` did not come; came: {:#?}", said.get(before..));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes, and waits for an answer that holds `needle`.
    pub(crate) async fn ask(&self, text: &str, needle: &str) -> String {
        let before = self.said().await.len();
        self.say(text).await;
        self.hears(before, needle).await
    }

    /// The addresses of the buttons that open a page of ours with this path, the newest first.
    pub(crate) async fn addresses(&self, path: &str) -> Vec<String> {
        let thread = self.thread().await;
        let messages = thread["messages"].as_array().cloned().unwrap_or_default();
        let found = messages.iter().rev().filter_map(|message| {
            let buttons = message["body"]["attachment"]["payload"]["buttons"].as_array()?;
            let url =
                buttons.iter().find_map(|button| button["url"].as_str().filter(|u| u.contains(path)))?;
            Some(url.to_owned())
        });
        found.collect()
    }

    /// The newest of them.
    pub(crate) async fn address(&self, path: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(url) = self.addresses(path).await.into_iter().next() {
                return url;
            }
            assert!(Instant::now() < until, "no button to `{path}` came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends that the platform accepted, with their times.
    pub(crate) async fn sends(&self) -> Vec<Value> {
        let url = format!("{}/control/sends", self.base);
        self.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }
}

/// All that a message says: texts, titles, cards, and the buttons behind.
fn words(body: &Value) -> String {
    let mut out = Vec::new();
    gather(body, &mut out);
    plain(&out.join(" "))
}

fn gather(value: &Value, out: &mut Vec<String>) {
    const SAID: &[&str] = &["text", "title", "subtitle", "recipient_name", "merchant_name"];
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if SAID.contains(&key.as_str()) => out.push(text.clone()),
                    Value::Object(_) | Value::Array(_) => gather(value, out),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, out)),
        _ => {}
    }
}

/// The sandbox bank's till.
pub(crate) struct Till {
    client: Client,
    base: String,
}

impl Till {
    /// The till of an institution.
    pub(crate) fn new(bank: &str, institution: &str) -> Self {
        Self { client: client(), base: format!("{bank}/{institution}/control") }
    }

    /// Does something at the till.
    pub(crate) async fn act(&self, what: &str, body: Value) -> Value {
        let answer =
            self.client.post(format!("{}/{what}", self.base)).json(&body).send().await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{what}: {body}");
        body
    }

    /// Buys something with the customer's card. Gives the transaction's id.
    pub(crate) async fn buy(&self, customer: &str, merchant: &str, amount: &str) -> String {
        let body = json!({"customer": customer, "merchant": merchant, "amount": amount});
        let done = self.act("purchase", body).await;
        done["transactionId"].as_str().expect("an id").to_owned()
    }

    /// What was pushed.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let answer = self.client.get(format!("{}/events", self.base)).send().await.expect("an answer");
        let body: Value = answer.json().await.expect("JSON");
        body["events"].as_array().cloned().unwrap_or_default()
    }
}

/// Signs in at the bank and shares every account, from wherever a page leads there. Gives the page after it.
pub(crate) async fn through_the_bank(browser: &mut Browser, mut page: Page, username: &str) -> Page {
    let login = page.form("/login").set("username", username).set("password", "demo");
    page = browser.submit(&page, login).await;
    // A bank that knows the consent already asks for nothing more.
    if page.forms("/consent").is_empty() || page.url.path().ends_with("/link/consent") {
        return page;
    }
    assert_eq!(page.ticked(), 0, "the bank ticks no account");
    let mut consent = page.form("/consent").with("decision", "allow");
    for account in page.values("account") {
        consent = consent.with("account", &account);
    }
    browser.submit(&page, consent).await
}

/// Links: from the picker, through the bank, to the consent page, which allows every purpose in this form. Gives
/// the last page.
pub(crate) async fn link_from(
    browser: &mut Browser,
    picker: Page,
    institution: &str,
    username: &str,
    form: &str,
) -> Page {
    let choice = picker.form("/link/begin").with("institution", institution);
    let login = browser.submit(&picker, choice).await;
    let page = through_the_bank(browser, login, username).await;
    allow(browser, page, form).await
}

/// Allows everything on the consent page, in this form.
pub(crate) async fn allow(browser: &mut Browser, page: Page, form: &str) -> Page {
    assert!(page.url.path().ends_with("/link/consent"), "{}: {}", page.url, page.text());
    assert_eq!(page.ticked(), 0, "nothing is ticked before the person ticks it");
    let mut consent = page.form("/link/consent");
    for purpose in page.values("purpose") {
        consent = consent.set(&format!("form.{purpose}"), form).with("purpose", &purpose);
    }
    for account in page.values("account") {
        consent = consent.with("account", &account);
    }
    browser.submit(&page, consent).await
}

/// Links by the one-time link of the chat.
pub(crate) async fn link(chat: &Chat, institution: &str, username: &str, form: &str) -> Page {
    chat.say("link my bank").await;
    let address = chat.address("/link/start?").await;
    let mut browser = Browser::new();
    // Whoever looks at the address before (a preview, a scanner) uses nothing up.
    for _ in 0..2 {
        assert!(Browser::new().open(&address).await.status.is_success());
    }
    let picker = browser.open(&address).await;
    link_from(&mut browser, picker, institution, username, form).await
}
