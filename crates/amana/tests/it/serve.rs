//! `serve` from a configuration file against the sandboxes run alone, and the operator's commands beside it.

use crate::browser::Browser;
use crate::chat::{Chat, Till, link, through_the_bank};
use crate::process::{CONTROLLER, Running, Said, amana, folder, run};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A gateway with its surroundings, each a process of its own.
pub(crate) struct World {
    pub(crate) config: PathBuf,
    secret: Option<&'static str>,
    gateway: Option<Running>,
    pub(crate) gateway_url: String,
    pub(crate) bank_url: String,
    pub(crate) chat_url: String,
    _bank: Running,
    _messenger: Running,
}

/// The key of an application that has no secret, as the connector's own tests use it.
const CLIENT_KEY: &str = include_str!("../../../amana-bank/tests/it/keys/p256.pem");

/// Its public half, as a bank is given it.
fn client_keys() -> String {
    let key = jsonwebtoken::EncodingKey::from_ec_pem(CLIENT_KEY.as_bytes()).expect("a key");
    let mut key =
        jsonwebtoken::jwk::Jwk::from_encoding_key(&key, jsonwebtoken::Algorithm::ES256).expect("a key");
    key.common.key_id = Some("k1".to_owned());
    serde_json::to_string(&jsonwebtoken::jwk::JwkSet { keys: vec![key] }).expect("JSON")
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a port").port()
}

impl World {
    pub(crate) fn start(folder: &Path) -> Self {
        let database = format!("sqlite:{}", folder.join("db").join("amana.sqlite").display());
        Self::start_with(folder, &database, "")
    }

    /// With this profile, against a bank that looks so, and no word of an agreement.
    pub(crate) fn start_as(folder: &Path, profile: &str) -> Self {
        let database = format!("sqlite:{}", folder.join("db").join("amana.sqlite").display());
        Self::start_of(folder, &database, "", Some(profile), None)
    }

    /// With a bank that pushes no events: it is read, as `upkeep` (in `[[institution]]`) says, and may notify.
    pub(crate) fn start_reading(folder: &Path, profile: Option<&str>, upkeep: &str) -> Self {
        let database = format!("sqlite:{}", folder.join("db").join("amana.sqlite").display());
        Self::start_of(folder, &database, "", profile, Some(upkeep))
    }

    /// `keys` stands in `[keys]`.
    pub(crate) fn start_with(folder: &Path, database: &str, keys: &str) -> Self {
        Self::start_of(folder, database, keys, None, None)
    }

    fn start_of(
        folder: &Path,
        database: &str,
        keys: &str,
        profile: Option<&str>,
        reading: Option<&str>,
    ) -> Self {
        let port = free_port();
        let gateway_url = format!("http://127.0.0.1:{port}");
        let mut command = amana();
        command.args(["sandbox", "bank", "--port", "0"]);
        // The strict profile knows no secrets.
        let secret = if profile == Some("fdx-blue") {
            let (key, keys) = (folder.join("client.pem"), folder.join("client.jwks"));
            std::fs::write(&key, CLIENT_KEY).expect("written");
            std::fs::write(&keys, client_keys()).expect("written");
            command.arg("--client-keys").arg(format!("gw={}", keys.display()));
            format!("private_key_file = \"{}\"\nprivate_key_id = \"k1\"", key.display())
        } else {
            command.args(["--client", "gw=client-secret-1", "--rotate-refresh-tokens"]);
            "client_secret = \"set from outside\"".to_owned()
        };
        command.arg("--redirect-uri").arg(format!("{gateway_url}/link/callback"));
        if reading.is_none() {
            command.arg("--event-url").arg(format!("{gateway_url}/events"));
            command.args(["--event-token", "event-token-1", "--event-batches"]);
        }
        command.arg("--data-dir").arg(folder.join("bank"));
        if let Some(profile) = profile {
            command.args(["--profile", profile]);
        }
        let mut bank = Running::start(command);
        let said = bank.json();
        let bank_url = said["bank"].as_str().expect("a url").to_owned();
        let institutions = said["institutions"].as_array().expect("institutions");
        let harbor = institutions.iter().find(|one| one["id"] == "harbor-bank").expect("the bank");
        let api_url = harbor["api_url"].as_str().expect("a url").to_owned();
        // A profile with a form of its own begins with that.
        let own = profile == Some("chase") || reading.is_some_and(|more| more.contains("agreement"));
        let agreement = if own { "" } else { "agreement = \"detail\"" };
        let provider = harbor["provider_id"].as_str().map(|id| format!("provider_id = \"{id}\""));
        let provider = provider.unwrap_or_default();
        let profile = profile.unwrap_or("fdx");
        let upkeep = reading.unwrap_or("event_token = \"event-token-1\"");
        let mut command = amana();
        command.args([
            "sandbox",
            "messenger",
            "--port",
            "0",
            "--page",
            "55=page-token-1=Harbor",
            "--require-proof",
        ]);
        command.arg("--webhook").arg(format!("{gateway_url}/webhooks/messenger"));
        let mut messenger = Running::start(command);
        let graph = messenger.json()["graph_url"].as_str().expect("a url").to_owned();
        let chat_url = graph.trim_end_matches('/').to_owned();
        let host = chat_url.trim_start_matches("http://").to_owned();
        std::fs::write(folder.join("page_token"), "page-token-1\n").expect("written");
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "{gateway_url}"
allow_private_addresses = true
[store]
url = "{database}"
[keys]
{keys}
[messenger]
graph_url = "{chat_url}"
app_id = "1900000000000001"
app_secret = "sandbox-app-secret"
verify_token = "sandbox-verify-token"
redirect_hosts = ["{host}"]
[[messenger.page]]
id = "55"
token_file = "{token}"
institutions = ["harbor-bank"]
[[institution]]
id = "harbor-bank"
name = "Harbor Bank"
name_ar = "بنك المرفأ"
profile = "{profile}"
issuer = "{bank_url}/harbor-bank"
api_url = "{api_url}"
client_id = "gw"
{provider}
{agreement}
{CONTROLLER}
{secret}
{upkeep}
[log]
format = "json"
"#,
            token = folder.join("page_token").display(),
        );
        let config = folder.join("amana.toml");
        std::fs::write(&config, text).expect("written");
        let secret = secret.starts_with("client_secret").then_some("client-secret-1");
        Self {
            config,
            secret,
            gateway: None,
            gateway_url,
            bank_url,
            chat_url,
            _bank: bank,
            _messenger: messenger,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> std::process::Command {
        self.command_with(arguments, &[])
    }

    /// The same, with arguments that must come last.
    pub(crate) fn command_with(&self, arguments: &[&str], last: &[&str]) -> std::process::Command {
        let mut command = amana();
        command.args(arguments).arg("--config").arg(&self.config).args(last);
        if let Some(secret) = self.secret {
            command.env("AMANA_INSTITUTION__HARBOR_BANK__CLIENT_SECRET", secret);
        }
        command
    }

    pub(crate) fn says(&self, arguments: &[&str]) -> Said {
        run(self.command(arguments))
    }

    /// Changes the configuration's file: what stands there, and what shall stand in its place.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.config).expect("read");
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {text}");
        std::fs::write(&self.config, text.replace(from, to)).expect("written");
    }

    /// What the gateway has logged.
    pub(crate) fn log(&self) -> String {
        self.gateway.as_ref().expect("it runs").log()
    }

    /// Stops the gateway, as an operator does.
    pub(crate) fn stop(&mut self) {
        let (status, _) = self.gateway.take().expect("it runs").interrupt();
        assert!(status.success(), "{status}");
    }

    /// Kills the gateway without a word.
    pub(crate) fn kill(&mut self) {
        self.gateway.take().expect("it runs").kill();
    }

    pub(crate) async fn serve(&mut self) {
        self.gateway = Some(Running::start(self.command(&["serve"])));
        let client = crate::browser::client();
        for _ in 0..600 {
            if client
                .get(format!("{}/readyz", self.gateway_url))
                .send()
                .await
                .is_ok_and(|a| a.status().is_success())
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not serve: {}", self.gateway.as_ref().expect("a process").log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_doctor_and_the_operators_commands() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());

    // A command that looks makes nothing.
    let said = world.says(&["kill", "list"]);
    assert!(said.code == Some(1) && said.err.contains("is not there yet"), "{}", said.err);
    assert!(!keep.path().join("db").exists());
    // Before anything runs the doctor says what is missing, and exits with 1.
    let said = world.says(&["doctor"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("✗ health") && said.out.contains("start `amana serve`"), "{}", said.out);
    assert!(
        said.out.contains("✗ page 55: not subscribed") && said.out.contains("amana messenger setup"),
        "{}",
        said.out
    );

    let said = world.says(&["migrate"]);
    assert!(said.code == Some(0) && said.out.contains("from schema 0 to"), "{}{}", said.out, said.err);
    let said = world.says(&["migrate"]);
    assert!(said.out.contains("already"), "{}", said.out);
    let said = world.says(&["kill", "list"]);
    let database = keep.path().join("db").join("amana.sqlite");
    let expected = format!("in sqlite:{}:\nno kill switch is on", database.display());
    assert_eq!(said.out.trim(), expected, "{}", said.err);

    world.serve().await;
    let said = world.says(&["messenger", "setup"]);
    assert!(said.code == Some(0) && said.out.contains("persistent_menu"), "{}{}", said.out, said.err);
    let said = world.says(&["messenger", "setup"]);
    assert!(said.out.contains("was set up already"), "{}", said.out);

    let said = world.says(&["doctor"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(!said.out.contains('✗') && said.out.contains("✓ webhook"), "{}", said.out);
    for secret in
        ["client-secret-1", "page-token-1", "event-token-1", "sandbox-app-secret", "sandbox-verify-token"]
    {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "`{secret}` is shown");
    }
    let said = world.says(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(report["good"], true);

    let said = world.says(&["agreement", "list"]);
    assert!(said.out.starts_with("harbor-bank page:55 active version 2"), "{}", said.out);

    // The customer's side, with events in batches and rotating refresh tokens.
    let chat = Chat::new(&world.chat_url, "55", "you");
    let done = link(&chat, "harbor-bank", "sam", "detail").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "59.99").await;

    // A kill switch works while `serve` runs.
    let said = world.says(&["kill", "on", "--scope", "institution:harbor-bank", "--reason", "a drill"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = world.says(&["kill", "list"]);
    assert!(
        said.out.contains("institution:harbor-bank since") && said.out.contains("a drill"),
        "{}",
        said.out
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "61.01").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!chat.said().await.iter().skip(before).any(|m| m.contains("61.01")));
    let said = world.says(&["doctor"]);
    assert!(said.code == Some(0) && said.out.contains("! kill switches: 1 on"), "{}", said.out);
    assert_eq!(world.says(&["kill", "off", "--scope", "institution:harbor-bank"]).code, Some(0));
    let said = world.says(&["kill", "off", "--scope", "institution:harbor-bank"]);
    assert!(said.code == Some(1) && said.err.contains("is not on"), "{}", said.err);
    let said = world.says(&["kill", "on", "--scope", "institution:nobody", "--reason", "x"]);
    assert!(said.code == Some(1) && said.err.contains("no institution `nobody`"), "{}", said.err);
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "62.02").await;
    chat.hears(before, "62.02").await;

    a_policy_binds_while_serve_runs(keep.path(), &world, &chat, &till).await;

    let said = world.says(&["dead", "list"]);
    assert_eq!((said.code, said.out.trim()), (Some(0), "nothing was given up"));
    let said = world.says(&["dead", "replay", "msg_00000000000000000000000000000000"]);
    assert!(said.code == Some(1) && said.err.contains("is not a message that was given up"), "{}", said.err);

    for place in ["event:1/2", "event:x"] {
        let said = world.says(&["dead", "replay", place]);
        assert!(said.code == Some(1) && said.err.contains("amana dead list"), "{}", said.err);
    }

    // Metrics count what waits.
    let client = crate::browser::client();
    let mut metrics = String::new();
    for _ in 0..100 {
        let answer = client.get(format!("{}/metrics", world.gateway_url)).send().await.expect("metrics");
        metrics = answer.text().await.expect("text");
        if metrics.contains("amana_links_active 1") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(metrics.contains("amana_links_active 1") && metrics.contains("amana_store_up 1"), "{metrics}");

    // The log is JSON, and holds nothing protected.
    let gateway = world.gateway.take().expect("a process");
    let log = gateway.log();
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    }
    for secret in
        ["59.99", "Amazon", "client-secret-1", "page-token-1", "event-token-1", "sandbox-app-secret"]
    {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
    let (status, took) = gateway.interrupt();
    assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
}

/// Goal: a message that the platform refuses for good stands in `dead list`; when the reason is gone, `dead replay` has
/// it sent, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_listed_and_sent_again_by_hand() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let fails = async |next: serde_json::Value| {
        let url = format!("{}/control/faults", world.chat_url);
        let answer = crate::browser::client().post(url).json(&serde_json::json!({"fail_next": next})).send();
        assert!(answer.await.expect("an answer").status().is_success());
    };
    let chat = Chat::new(&world.chat_url, "55", "you");
    // Many, since marks of having seen and of typing are calls, too.
    fails(serde_json::json!({"code": 100, "times": 1_000})).await;
    chat.say("help").await;
    let mut said = world.says(&["dead", "list"]);
    for _ in 0..300 {
        if said.out.contains("msg_") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        said = world.says(&["dead", "list"]);
    }
    assert_eq!(said.code, Some(0), "{}", said.err);
    let letter = said.out.lines().find(|line| line.starts_with("msg_")).expect("a message that was given up");
    assert!(letter.contains("page:55") && letter.contains("after 1 attempt(s): permanent"), "{letter}");
    assert_eq!(chat.said().await, Vec::<String>::new());
    let message = letter.split(' ').next().expect("an id").to_owned();

    fails(serde_json::Value::Null).await;
    let said = world.says(&["dead", "replay", &message]);
    assert!(said.code == Some(0) && said.out.contains("is sent again"), "{}{}", said.out, said.err);
    chat.hears(0, "").await;
    let again = world.says(&["dead", "replay", &message]);
    assert!(
        again.code == Some(1) && again.err.contains("is not a message that was given up"),
        "{}",
        again.err
    );
    let left = world.says(&["dead", "list"]);
    assert!(left.code == Some(0) && !left.out.contains(&message), "{}", left.out);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(chat.said().await.len(), 1, "once");
}

async fn a_policy_binds_while_serve_runs(folder: &Path, world: &World, chat: &Chat, till: &Till) {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let said = world.says(&["policy", "show", "harbor-bank"]);
    assert!(said.code == Some(1) && said.err.contains("has no policy of its own"), "{}", said.err);
    let said = world.says(&["policy", "history", "harbor-bank"]);
    assert!(said.code == Some(0) && said.out.contains("no policy of its own"), "{}", said.err);

    // A policy that would let out what was not agreed is not accepted, and does not come into force.
    let default = crate::process::amana_says(&["policy", "default"]).out;
    let wide = file("wide.cedar", "permit (principal, action, resource);");
    let said = world.says(&["policy", "upload", "harbor-bank", &wide, "--by", "omar"]);
    assert!(said.code == Some(1) && said.err.contains("permits what no policy may"), "{}", said.err);
    let said = world.says(&["policy", "upload", "nobody", &file("default.cedar", &default)]);
    assert!(
        said.code == Some(1) && said.err.contains("not an institution of the configuration"),
        "{}",
        said.err
    );

    let narrow = format!(
        "{default}\n@id(\"quiet\") forbid (principal == Purpose::\"TransactionUpdate\", action, resource) unless \
         {{ resource == Form::\"notice\" }};\n"
    );
    let path = file("narrow.cedar", &narrow);
    let said = world.says(&["policy", "upload", "harbor-bank", &path, "--by", "omar"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("harbor-bank version 1 since")
            && said.out.contains("by cli:omar (uid ")
            && said.out.contains(") proved "),
        "{}",
        said.out
    );
    let said = world.says(&["policy", "upload", "harbor-bank", &path]);
    assert!(said.code == Some(0) && said.out.contains("in force already"), "{}{}", said.out, said.err);
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "63.03").await;
    chat.hears(before, "Harbor Bank").await;
    let heard = chat.said().await.split_off(before).concat();
    assert!(!heard.contains("63.03") && !heard.contains("Amazon"), "{heard}");

    // Back to the default, again without a restart; the history has both.
    let said = world.says(&["policy", "upload", "harbor-bank", &file("default.cedar", &default), "--json"]);
    let stored: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&stored["version"], &stored["accepted_how"]), (&2.into(), &"proved".into()));
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "64.04").await;
    chat.hears(before, "64.04").await;
    let said = world.says(&["policy", "history", "harbor-bank"]);
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    assert!(said.out.starts_with("harbor-bank version 2"), "{}", said.out);
    assert_eq!(world.says(&["policy", "show", "harbor-bank", "--number", "1"]).out, narrow);
    let said = world.says(&["policy", "show", "harbor-bank", "--number", "3"]);
    assert!(said.code == Some(1) && said.err.contains("no version 3"), "{}", said.err);
    // Without the solver the text alone is checked, and the doctor says so until a proof comes.
    let said = world.says(&["policy", "upload", "harbor-bank", &path, "--solver", "/nonexistent/cvc5"]);
    assert!(said.code == Some(0) && said.out.contains("syntactic"), "{}{}", said.out, said.err);
    let said = world.says(&["doctor"]);
    assert!(said.out.contains("! policy of harbor-bank") && said.out.contains("cvc5"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_or_taken_is_said() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    // A second gateway on the same port.
    let said = world.says(&["serve"]);
    assert!(said.code == Some(1) && said.err.contains("is taken (by another program)"), "{}", said.err);
    world.gateway.take().expect("a process").interrupt();

    // The key is lost, then another one.
    let key = keep.path().join("db").join("master.key");
    let good = std::fs::read_to_string(&key).expect("a key");
    std::fs::remove_file(&key).expect("removed");
    let said = world.says(&["serve"]);
    assert!(said.code == Some(1) && said.err.contains("put the file back from the backup"), "{}", said.err);
    std::fs::write(&key, "00".repeat(32)).expect("written");
    let said = world.says(&["doctor"]);
    assert!(said.code == Some(1) && said.out.contains("the master key is not the one"), "{}", said.out);
    std::fs::write(&key, "short").expect("written");
    let said = world.says(&["serve"]);
    assert!(said.code == Some(1) && said.err.contains("64 hexadecimal digits"), "{}", said.err);
    std::fs::write(&key, good).expect("written");
    world.serve().await;

    // A wrong app secret: the platform says only that an argument is wrong.
    let text = std::fs::read_to_string(&world.config).expect("a file");
    std::fs::write(&world.config, text.replace("\"sandbox-app-secret\"", "\"another-app-secret\""))
        .expect("written");
    let said = world.says(&["doctor"]);
    assert!(said.code == Some(1) && said.out.contains("(code 100"), "{}", said.out);
    assert!(said.out.contains("check `[messenger] app_secret` first"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agreement_is_made_by_hand_and_over_the_api_while_serve_runs() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let text = std::fs::read_to_string(&world.config).expect("a file");
    let admin = format!(
        "[admin]\nlisten = \"127.0.0.1:{port}\"\n[[admin.user]]\nid = \"omar\"\ntoken = \"{TOKEN}\"\n[log]"
    );
    let text = text.replace("agreement = \"detail\"\n", "").replace("[log]", &admin);
    std::fs::write(&world.config, text).expect("written");
    world.serve().await;
    let said = world.says(&["agreement", "list"]);
    assert!(said.out.starts_with("no agreement yet, so nothing flows"), "{}", said.out);
    let said = world.says(&["doctor"]);
    assert!(said.out.contains("agreement of harbor-bank for page 55: not asked for"), "{}", said.out);

    let file = |name: &str, purpose: &str| {
        let path = keep.path().join(name);
        let text = format!(
            "institution = \"harbor-bank\"\nchannel = \"55\"\nrequested_by = \"Example\"\n[[purpose]]\n\
             purpose = \"{purpose}\"\nclusters = [\"ACCOUNT_BASIC\", \"BALANCES\"]\nform = \"detail\"\n"
        );
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let said = world.says(&["agreement", "request", &file("ads.toml", "Advertising"), "--by", "omar"]);
    assert!(said.code == Some(1) && said.err.contains("refused (advertising)"), "{}{}", said.out, said.err);
    let said = world.says(&["agreement", "refused"]);
    assert!(
        said.out.contains("refused by cli:omar (uid ") && said.out.contains(": advertising"),
        "{}",
        said.out
    );
    let said = world.says(&["agreement", "request", &file("ask.toml", "BalanceOnRequest"), "--json"]);
    let asked: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(asked["agreement"]["state"], "proposed", "{}", said.err);
    let said = world.says(&["agreement", "show", "harbor-bank", "55"]);
    assert!(said.out.contains("proposed") && said.out.contains("an open request"), "{}", said.out);
    let accept = ["agreement", "accept", "harbor-bank", "55", "--form", "summary", "--note", "pilot"];
    let of_request = |sha256: &str| world.says(&[&accept[..], &["--request", sha256]].concat());
    let said = of_request(&"0".repeat(64));
    assert!(said.code == Some(1) && said.err.contains("not the one that stands"), "{}", said.err);
    let decline = ["agreement", "decline", "harbor-bank", "55", "--request", &"0".repeat(64)];
    let said = world.says(&decline);
    assert!(said.code == Some(1) && said.err.contains("not the one that stands"), "{}", said.err);
    let said = of_request(asked["open_request"]["sha256"].as_str().expect("a hash"));
    assert!(
        said.code == Some(0) && said.out.contains("BalanceOnRequest=summary"),
        "{}{}",
        said.out,
        said.err
    );

    let api = format!("http://127.0.0.1:{port}/admin");
    let client = crate::browser::client();
    let answer = client.get(format!("{api}/agreements")).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let paths = "agreements/harbor-bank/55";
    let suspend =
        client.post(format!("{api}/{paths}/suspend")).bearer_auth(TOKEN).header("amana-actor", "lina");
    assert_eq!(suspend.send().await.expect("an answer").status(), 200);
    let said = world.says(&["agreement", "resume", "harbor-bank", "55", "--by", "omar"]);
    assert!(said.code == Some(0) && said.out.contains(" active version 4 "), "{}{}", said.out, said.err);
    let said = world.says(&["agreement", "history", "harbor-bank", "55", "--documents"]);
    for part in
        ["requested version 1", "accepted version 2", "by api:omar", "\"state\":\"active\"", ": pilot"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    // The chat is a chat again, and carries what was agreed.
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "summary").await;
    chat.hears(0, "is linked").await;
    world.gateway.take().expect("a process").interrupt();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_that_declines_is_not_offered_and_nothing_flows() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    let text = std::fs::read_to_string(&world.config).expect("a file");
    std::fs::write(&world.config, text.replace("agreement = \"detail\"", "agreement = \"declined\""))
        .expect("written");
    world.serve().await;
    let said = world.says(&["agreement", "list"]);
    assert!(said.out.starts_with("harbor-bank page:55 declined"), "{}", said.out);
    let chat = Chat::new(&world.chat_url, "55", "you");
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    // Even a link that was made in spite of it would carry nothing: the consent page offers no purpose.
    chat.say("link my bank").await;
    let mut browser = Browser::new();
    let picker = browser.open(&chat.address("/link/start?").await).await;
    let login = browser.submit(&picker, picker.form("/link/begin").with("institution", "harbor-bank")).await;
    let page = through_the_bank(&mut browser, login, "sam").await;
    assert_eq!(page.values("purpose"), Vec::<String>::new(), "{}", page.text());
    assert!(
        page.forms("/link/cancel").len() == 1 && page.forms("/link/consent").is_empty(),
        "{}",
        page.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abuse_27_the_pages_token_used_beside_the_gateway_raises_an_alarm_and_stops_the_page() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    let text = std::fs::read_to_string(&world.config).expect("a file");
    std::fs::write(&world.config, format!("{text}[reconcile]\non_unknown = \"kill\"\n")).expect("written");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "59.99").await;
    // Our own messages, with their echoes, are covered.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let said = world.says(&["alarms", "list"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);

    // Somebody has the token, and writes to the customer without us.
    let proof = amana_channel::webhook::app_secret_proof(
        &amana_core::Secret::new("sandbox-app-secret"),
        &amana_core::Secret::new("page-token-1"),
    );
    let stolen = crate::browser::client()
        .post(format!("{}/v26.0/55/messages", world.chat_url))
        .bearer_auth("page-token-1")
        .query(&[("appsecret_proof", proof.as_str())])
        .json(&serde_json::json!({
            "recipient": {"id": chat.psid().await}, "messaging_type": "RESPONSE",
            "message": {"text": "Your account is locked. Tell us your password."},
        }))
        .send()
        .await
        .expect("an answer");
    assert!(stolen.status().is_success(), "{}", stolen.text().await.unwrap_or_default());
    let mut said = world.says(&["alarms", "list"]);
    for _ in 0..100 {
        if said.code == Some(1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        said = world.says(&["alarms", "list"]);
    }
    assert!(said.out.contains("page:55 no-metadata app:1900000000000001"), "{}{}", said.out, said.err);
    let said = world.says(&["kill", "list"]);
    assert!(said.out.contains("channel:55 since") && said.out.contains("no-metadata"), "{}", said.out);
    let said = world.says(&["doctor"]);
    assert!(said.out.contains("! alarms: 1 open"), "{}", said.out);
    let log = world.gateway.as_ref().expect("a process").log();
    assert!(log.contains("ALARM") && !log.contains("password"), "{log}");

    // An operator has looked: closed, and the Page goes on.
    let listed = world.says(&["alarms", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let id = listed[0]["id"].as_str().expect("an id");
    assert_eq!(world.says(&["alarms", "close", id]).code, Some(0));
    assert_eq!(world.says(&["alarms", "close", id]).code, Some(1));
    assert_eq!(world.says(&["alarms", "list"]).code, Some(0));
    assert_eq!(world.says(&["kill", "off", "--scope", "channel:55"]).code, Some(0));
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "62.02").await;
    chat.hears(before, "62.02").await;
}

/// A text as the platform writes it into an export: each byte of its UTF-8 as a character of Latin-1.
fn as_exported(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platforms_export_of_a_thread_is_held_against_the_receipts() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "59.99").await;
    chat.ask("كم رصيدي؟", "بنك المرفأ").await;

    // The thread as the platform would hand it to the customer. A card has its first words, a template its text.
    let thread = chat.thread().await;
    let mut exported = Vec::new();
    for message in thread["messages"].as_array().expect("messages") {
        let (body, ours) = (&message["body"], message["from"] == "page");
        let payload = &body["attachment"]["payload"];
        let said = [&body["text"], &payload["text"], &payload["elements"][0]["title"]];
        let text = said.iter().find_map(|text| text.as_str()).unwrap_or_default();
        let sender = if ours { "Harbor – بنك" } else { "Sam Hill" };
        exported.push(serde_json::json!({
            "sender_name": as_exported(sender), "timestamp_ms": message["at_ms"], "content": as_exported(text),
            "is_geoblocked_for_viewer": false,
        }));
    }
    let inbox = keep.path().join("export/your_facebook_activity/messages/inbox/harbor_10001");
    std::fs::create_dir_all(&inbox).expect("folders");
    let write = |messages: &[serde_json::Value]| {
        let json = serde_json::json!({
            "participants": [{"name": "Sam Hill"}, {"name": as_exported("Harbor – بنك")}],
            "messages": messages, "title": as_exported("Harbor – بنك"), "thread_path": "inbox/harbor_10001",
        });
        std::fs::write(inbox.join("message_1.json"), json.to_string()).expect("written");
    };
    write(&exported);
    let export = keep.path().join("export").display().to_string();
    let said = world.says(&["audit", "reconcile", "--export", &export]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.out.contains("receipt ") && said.out.contains("no bank data"), "{}", said.out);
    assert!(said.out.contains(", sent\n"), "with what became of it: {}", said.out);
    assert!(
        said.out.contains(", 0 not covered, 0 undecided") && !said.out.contains("59.99"),
        "what it says is not printed"
    );

    // Without its words a message is one of ours by its time alone, which is no proof of anything.
    let mut wordless = exported.clone();
    let one = wordless.iter_mut().rev().find(|m| m["sender_name"] != "Sam Hill").expect("one of ours");
    one.as_object_mut().expect("an object").remove("content");
    write(&wordless);
    let said = world.says(&["audit", "reconcile", "--export", &export]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(
        said.out.contains(", 0 not covered, 1 undecided") && said.out.contains("UNDECIDED"),
        "{}",
        said.out
    );

    // The same words a second time, an amount that we never said, and something at a time when we said nothing.
    let page = |text: &str, ms: i64| serde_json::json!({"sender_name": as_exported("Harbor – بنك"), "timestamp_ms": ms, "content": as_exported(text)});
    let last = exported.iter().rev().find(|m| m["sender_name"] != "Sam Hill").expect("one of ours").clone();
    let now = last["timestamp_ms"].as_i64().expect("a time");
    exported.extend([last, page("You paid 60.00 USD", now), page("hello", now + 86_400_000)]);
    // What somebody else was told covers nothing here, nor does a message of that moment whose words are gone.
    let other = Chat::new(&world.chat_url, "55", "omar");
    other.ask("what can you do?", "balance").await;
    let theirs = other.thread().await;
    let theirs = theirs["messages"].as_array().expect("messages").iter().rev().find(|m| m["from"] == "page");
    let theirs = theirs.expect("an answer");
    let text = theirs["body"]["text"].as_str().expect("a text");
    let at = theirs["at_ms"].as_i64().expect("a time");
    let typed = page("Your balance is 4,210 USD", at);
    let wordless = serde_json::json!({"sender_name": as_exported("Harbor – بنك"), "timestamp_ms": at});
    exported.extend([page(text, at), typed, wordless]);
    write(&exported);
    let said = world.says(&["audit", "reconcile", "--export", &export, "--json"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&report["not_covered"], &report["undecided"]), (&6.into(), &0.into()), "{report}");
    let said = world.says(&["audit", "reconcile", "--export", &export, "--person", "nobody", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        report["not_covered"].as_u64(),
        report["messages"].as_array().map(|m| m.len() as u64),
        "{report}"
    );
    let said = world.says(&["audit", "reconcile", "--export", &export, "--page", "Nobody"]);
    assert!(said.code == Some(1) && said.err.contains("Sam Hill"), "{}", said.err);

    // A human's words are covered where they arrived, and not where the record says that they were given up.
    let psid = chat.psid().await;
    let writes = |text: &str| {
        let said = world.says(&["messenger", "thread", "reply", "55", &psid, "--text", text, "--by", "huda"]);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    };
    let before = chat.said().await.len();
    writes("Huda looks into it.");
    chat.hears(before, "Huda looks into it.").await;
    let fault = serde_json::json!({"fail_next": {"code": 100, "times": 1_000}});
    let fails = crate::browser::client().post(format!("{}/control/faults", world.chat_url)).json(&fault);
    assert!(fails.send().await.expect("an answer").status().is_success());
    writes("It is done.");
    for _ in 0..300 {
        if world.says(&["dead", "list"]).out.contains("msg_") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let thread = chat.thread().await;
    let now = thread["messages"].as_array().and_then(|all| all.last()).expect("a message")["at_ms"].clone();
    let now = now.as_i64().expect("a time");
    write(&[page("Huda looks into it.", now), page("It is done.", now + 1_000)]);
    let said = world.says(&["audit", "reconcile", "--export", &export, "--json"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let [arrived, given_up] = [0, 1].map(|n| report["messages"][n].clone());
    assert_eq!((&arrived["by"], &arrived["outcome"]), (&"human-words".into(), &"sent".into()), "{report}");
    assert_eq!(
        (&given_up["by"], &given_up["outcome"], &given_up["covered"]),
        (&"human-words-not-sent".into(), &"dead:permanent".into(), &false.into()),
        "{report}"
    );
    let said = world.says(&["audit", "reconcile", "--export", &export]);
    assert!(
        said.out.contains("NOT COVERED: the record says that it was not sent: a human's words"),
        "{}",
        said.out
    );
}

/// Where the tests find a PostgreSQL server on which they may create databases.
pub(crate) const POSTGRES_URL: &str = "AMANA_TEST_POSTGRES_URL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_serves_as_well_and_over_a_restart() {
    let Ok(admin) = std::env::var(POSTGRES_URL) else {
        panic!("{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster");
    };
    let name = format!("amana_serve_{}", std::process::id());
    sql(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    sql(&admin, &format!("CREATE DATABASE {name}")).await;
    let (server, _) = admin.rsplit_once('/').expect("a url with a database");
    let (keep, _) = folder();
    let key = keep.path().join("master.key");
    std::fs::write(&key, "5a".repeat(32)).expect("written");
    let log = keep.path().join("log");
    let keys =
        format!("master_key_file = \"{}\"\n[disclosure_log]\ndir = \"{}\"", key.display(), log.display());
    let mut world = World::start_with(keep.path(), &format!("{server}/{name}"), &keys);
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let till = Till::new(&world.bank_url, "harbor-bank");
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "59.99").await;

    world.gateway.take().expect("a process").kill();
    let before = chat.said().await.len();
    till.buy("sam", "Amazon.com", "60.01").await;
    world.serve().await;
    chat.hears_after_a_kill(before, "60.01").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let said = world.says(&["doctor"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    world.gateway.take().expect("a process").interrupt();
    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

pub(crate) async fn sql(url: &str, text: &str) {
    try_sql(url, text).await.expect("done");
}

pub(crate) async fn try_sql(url: &str, text: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL");
    let connection = tokio::spawn(connection);
    let done = client.batch_execute(text).await;
    drop(client);
    connection.await.expect("ended").expect("ended well");
    done
}
