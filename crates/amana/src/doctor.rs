//! `amana doctor`: everything that the gateway needs, checked from the outside in, each with how to mend it.

use crate::ambient::{OsEntropy, SystemClock};
use crate::config::{Settings, is_loopback};
use crate::policy::Trouble;
use crate::{agreement, gateway, keys, limits, operate, output, policy};
use amana_bank::Bank as _;
use amana_channel::TokenState;
use amana_core::{Clock as _, Timestamp};
use amana_store::{OpenError, OpenOptions};
use reqwest::header::DATE;
use serde::Serialize;
use std::sync::Arc;
use url::Url;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Good,
    Warning,
    Bad,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    state: State,
    what: String,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// What was found.
#[derive(Debug, Default)]
struct Findings(Vec<Line>);

impl Findings {
    fn good(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.0.push(Line { state: State::Good, what: what.into(), found: found.into(), mend: None });
    }
    fn warn(&mut self, what: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) {
        let mend = Some(mend.into());
        self.0.push(Line { state: State::Warning, what: what.into(), found: found.into(), mend });
    }
    fn bad(&mut self, what: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) {
        let mend = Some(mend.into());
        self.0.push(Line { state: State::Bad, what: what.into(), found: found.into(), mend });
    }

    /// Prints them. Whether nothing is bad.
    fn print(&self, json: bool) -> bool {
        let bad = self.0.iter().filter(|line| line.state == State::Bad).count();
        let warnings = self.0.iter().filter(|line| line.state == State::Warning).count();
        if json {
            let all = serde_json::json!({"good": bad == 0, "checks": self.0});
            output::line(&all.to_string());
        } else {
            for line in &self.0 {
                let mark = match line.state {
                    State::Good => "✓",
                    State::Warning => "!",
                    State::Bad => "✗",
                };
                output::line(&format!("{mark} {}: {}", line.what, line.found));
                if let Some(mend) = &line.mend {
                    output::line(&format!("    {mend}"));
                }
            }
            output::line(&match (bad, warnings) {
                (0, 0) => "everything is in order".to_owned(),
                (0, _) => format!("in order, with {warnings} warning(s)"),
                _ => format!("{bad} thing(s) to mend"),
            });
        }
        bad == 0
    }
}

/// A configuration that cannot be used, as the doctor says it.
pub(crate) fn bad_configuration(error: &crate::config::ConfigErrors, json: bool) {
    let mut findings = Findings::default();
    for problem in &error.0 {
        findings.bad(
            "configuration",
            problem.to_string(),
            "`amana config default` prints every key with what it means",
        );
    }
    findings.print(json);
}

/// Checks everything. Whether all is in order.
pub(crate) async fn doctor(settings: &Settings, json: bool) -> bool {
    let mut findings = Findings::default();
    findings.good(
        "configuration",
        format!("{} page(s), {} institution(s)", settings.messenger.pages.len(), settings.institutions.len()),
    );
    store(settings, &mut findings).await;
    match client(settings) {
        Ok(client) => {
            clock(settings, &client, &mut findings).await;
            own_address(settings, &client, &mut findings).await;
            logins(settings, &client, &mut findings).await;
        }
        Err(error) => findings.bad("http", error.to_string(), "install the package `ca-certificates`"),
    }
    match gateway::connectors(settings) {
        Ok(connectors) => {
            published_log(settings, &connectors, &mut findings).await;
            pages(settings, &connectors.messenger, &mut findings).await;
            for (id, bank) in &connectors.banks {
                institution(id.as_str(), bank, &mut findings).await;
            }
        }
        Err(errors) => {
            for problem in errors.0 {
                findings.bad("configuration", problem.to_string(), "correct it in the configuration file");
            }
        }
    }
    findings.print(json)
}

async fn store(settings: &Settings, findings: &mut Findings) {
    let url = settings.store_url.expose();
    if let Some(path) = keys::sqlite_path(url).filter(|path| !path.exists()) {
        findings.warn(
            "store",
            format!("the database `{}` is not there yet", path.display()),
            "`amana serve` or `amana migrate` makes it",
        );
        return;
    }
    if let Err(error) = operate::key_is_there(settings) {
        findings.bad("keys", format!("{error:#}"), "see `[keys]` in the configuration");
        return;
    }
    let Ok(keys) = keys::keys(settings, false) else { return };
    findings.good("keys", "master key and custody are there");
    let options = OpenOptions { auto_migrate: false, retention: settings.retention };
    match amana_store::open_with(url, keys, Arc::new(OsEntropy), Arc::new(SystemClock), options).await {
        Ok(store) => {
            findings.good("store", "opens, its schema is this version's");
            match store.writable().await {
                Ok(()) => findings.good("store", "can be written"),
                Err(error) => findings.bad("store", error.to_string(), "check free space and permissions"),
            }
            match store.counts().await {
                Ok(counts) if counts.outbox_dead + counts.inbox_failed + counts.jobs_dead > 0 => findings
                    .warn(
                        "queues",
                        format!(
                            "{} message(s), {} event(s) and {} job(s) were given up",
                            counts.outbox_dead, counts.inbox_failed, counts.jobs_dead
                        ),
                        "`amana dead list` shows the messages and events",
                    ),
                Ok(counts) => {
                    let waiting = counts.inbox_waiting + counts.outbox_open;
                    findings.good(
                        "queues",
                        format!(
                            "{waiting} waiting, {} held, {} news for people who are away, none given up",
                            counts.outbox_held, counts.news_waiting
                        ),
                    );
                }
                Err(error) => findings.bad("queues", error.to_string(), "check the database"),
            }
            match store.channel_states().await {
                Ok(states) => {
                    for state in states {
                        findings.warn(
                            "sending",
                            format!(
                                "page {}: {} since {}",
                                state.channel,
                                state.health.as_str(),
                                operate::at(state.since)
                            ),
                            "`amana messenger status` says what to do, and until when what waits can still be sent",
                        );
                    }
                }
                Err(error) => findings.bad("sending", error.to_string(), "check the database"),
            }
            match store.alarms(false, amana_store::limits::ALARMS_LISTED_MAX).await {
                Ok(alarms) if !alarms.is_empty() => findings.warn(
                    "alarms",
                    format!("{} open: messages on a Page that no receipt covers", alarms.len()),
                    "`amana alarms list` shows them",
                ),
                Ok(_) => {}
                Err(error) => findings.bad("alarms", error.to_string(), "check the database"),
            }
            match store.kills().await {
                Ok(kills) if !kills.0.is_empty() => findings.warn(
                    "kill switches",
                    format!("{} on: something does not flow", kills.0.len()),
                    "`amana kill list` shows them",
                ),
                Ok(_) => {}
                Err(error) => findings.bad("kill switches", error.to_string(), "check the database"),
            }
            match agreement::not_in_force(settings, &store).await {
                Ok(pairs) => {
                    for (institution, page, state) in pairs {
                        findings.warn(
                            format!("agreement of {institution} for page {page}"),
                            format!("{state}: nothing flows"),
                            format!("see `amana agreement show {institution} {page}`; `docs/agreements.md` says how one is made"),
                        );
                    }
                }
                Err(error) => findings.bad("agreements", error.to_string(), "check the database"),
            }
            match policy::troubles(settings, &*store).await {
                Ok(troubles) => {
                    for (institution, trouble) in troubles {
                        let name = format!("policy of {institution}");
                        match trouble {
                            Trouble::Unreadable(why) => findings.bad(
                                name,
                                format!("it cannot be read, so nothing leaves: {why}"),
                                format!("bring one that can, with `amana policy upload {institution} FILE`"),
                            ),
                            Trouble::NotProved => findings.warn(
                                name,
                                "it was accepted by the simple check, without a proof".to_owned(),
                                format!(
                                    "install `cvc5`, then `amana policy check {institution} FILE` proves it"
                                ),
                            ),
                        }
                    }
                }
                Err(error) => findings.bad("policies", error.to_string(), "check the database"),
            }
        }
        Err(error @ OpenError::Pending { .. }) => {
            findings.bad("store", error.to_string(), "run `amana migrate`");
        }
        Err(error) => findings.bad("store", error.to_string(), "correct `[store] url` or the database"),
    }
}

/// Whether what is published of the disclosure log is what this database made. Where there is no database yet, or it
/// does not open, that was said before.
async fn published_log(settings: &Settings, connectors: &gateway::Connectors, findings: &mut Findings) {
    if operate::existing(settings).await.is_err() {
        return;
    }
    match gateway::made(settings, connectors.sides()).await {
        Ok(gateway) => match gateway.check_published_log().await {
            Ok(()) => findings.good("disclosure log", "what is published is this database's"),
            Err(error) => findings.bad(
                "disclosure log",
                error.to_string(),
                "the gateway does not start before this is mended",
            ),
        },
        Err(error) => findings.bad("disclosure log", format!("{error:#}"), "see `[disclosure_log]`"),
    }
}

fn client(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(limits::CHECK_CONNECT)
        .timeout(limits::CHECK_CALL)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("amana-doctor/", env!("CARGO_PKG_VERSION")));
    // A machine without root certificates can still speak plain http to a sandbox.
    let plain = settings.public_url.scheme() == "http"
        && settings.messenger.graph_url.scheme() == "http"
        && settings.institutions.iter().all(|i| i.connector.issuer.starts_with("http:"));
    if plain { builder.tls_certs_only([]).build() } else { builder.build() }
}

/// A failed call in a few words, without its address.
fn trouble(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        error.to_string()
    };
    let mut deeper: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(cause) = deeper {
        if cause.source().is_none() {
            text.push_str(&format!(" ({cause})"));
        }
        deeper = cause.source();
    }
    text
}

/// Compares this machine's clock with what others say.
async fn clock(settings: &Settings, client: &reqwest::Client, findings: &mut Findings) {
    let graph = ("the graph url".to_owned(), settings.messenger.graph_url.clone());
    let issuers = settings.institutions.iter().filter_map(|i| {
        let url = Url::parse(&i.connector.issuer).ok()?;
        Some((format!("institution {}", i.id()), url))
    });
    for (who, url) in std::iter::once(graph).chain(issuers) {
        let what = format!("clock against {who}");
        let answer = match client.get(url).send().await {
            Ok(answer) => answer,
            Err(error) => {
                findings.bad(what, trouble(error), "check the address, and that it can be reached from here");
                continue;
            }
        };
        let now = SystemClock.now();
        let said = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
        let Some(said) = said else {
            findings.warn(what, "it tells no time", "nothing to do: this clock was not compared with it");
            continue;
        };
        let off = now.as_second().saturating_sub(said.as_second());
        if off.abs() <= limits::CLOCK_OFF_S_MAX {
            findings.good(what, format!("{off} s apart"));
        } else {
            let mend = "set this machine's clock by NTP: tokens, windows and signatures depend on it";
            findings.bad(what, format!("{off} s apart"), mend);
        }
    }
}

/// An HTTP date (RFC 9110 §5.6.7, the preferred form).
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// Reaches ourselves as the world does.
async fn own_address(settings: &Settings, client: &reqwest::Client, findings: &mut Findings) {
    if is_loopback(&settings.public_url) {
        findings.warn(
            "public url",
            format!("`{}` is this machine only", settings.public_url),
            "for real customers set `[server] public_url` to the address that the platform and people reach",
        );
    }
    let (Ok(health), Ok(mut hook)) =
        (settings.public_url.join("healthz"), settings.public_url.join("webhooks/messenger"))
    else {
        return;
    };
    match client.get(health).send().await {
        Ok(answer) if answer.status().is_success() => {
            findings.good("health", "this gateway answers at its public url");
        }
        Ok(answer) => {
            let found = format!("`/healthz` answers {}", answer.status().as_u16());
            findings.bad(
                "health",
                found,
                "check what stands in front: it must pass everything on to `[server] listen`",
            );
            return;
        }
        Err(error) => {
            let mend = "start `amana serve`, and check name, certificate and proxy of `[server] public_url`";
            findings.bad("health", format!("the public url: {}", trouble(error)), mend);
            return;
        }
    }
    let challenge = OsEntropy::hex::<8>();
    hook.query_pairs_mut()
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.verify_token", settings.messenger.verify_token.expose())
        .append_pair("hub.challenge", &challenge);
    match client.get(hook).send().await {
        Ok(answer) if answer.status().is_success() => match bounded(answer).await {
            Ok(body) if body == challenge.as_bytes() => {
                findings.good("webhook", "the registration's handshake works");
            }
            _ => findings.bad(
                "webhook",
                "something else answers at `/webhooks/messenger`",
                "check what stands in front: it must pass the query and the answer on unchanged",
            ),
        },
        Ok(answer) => findings.bad(
            "webhook",
            format!("the handshake is answered with {}", answer.status().as_u16()),
            "the running gateway has another `verify_token`: restart it with this configuration",
        ),
        Err(error) => findings.bad("webhook", trouble(error), "check that `amana serve` runs"),
    }
}

/// Browsers let our form lead only to the origins that the page's policy names: the banks' logins must be among them.
async fn logins(settings: &Settings, client: &reqwest::Client, findings: &mut Findings) {
    let allowed = gateway::form_origins(settings);
    for institution in &settings.institutions {
        let Some(endpoint) = authorization_endpoint(&institution.connector.issuer, client).await else {
            continue;
        };
        let origin = endpoint.origin().ascii_serialization();
        if !allowed.contains(&origin) {
            findings.bad(
                format!("institution {}, login", institution.id()),
                format!("it begins on `{origin}`, and browsers would not go there from our page"),
                format!("add `login_origins = [\"{origin}\"]` to the institution, and the login's other origins if it has any"),
            );
        }
    }
}

/// The authorization endpoint as the metadata say it (RFC 8414 §3.1, `OpenID Connect` Discovery §4), if there are any.
async fn authorization_endpoint(issuer: &str, client: &reqwest::Client) -> Option<Url> {
    let issuer = Url::parse(issuer).ok()?;
    let path = issuer.path().trim_end_matches('/');
    let places = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("{path}/.well-known/oauth-authorization-server"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    for place in places {
        let answer = client.get(issuer.join(&place).ok()?).send().await.ok()?;
        if answer.status().is_success() {
            let metadata: serde_json::Value = serde_json::from_slice(&bounded(answer).await.ok()?).ok()?;
            return Url::parse(metadata.get("authorization_endpoint")?.as_str()?).ok();
        }
    }
    None
}

async fn bounded(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > limits::CHECK_BYTES_MAX {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn pages(settings: &Settings, messenger: &amana_channel::Messenger, findings: &mut Findings) {
    for page in &settings.messenger.pages {
        let what = format!("page {}", page.id);
        if page.kept_proof == Some(false) {
            let mend = format!("write what `amana messenger proof {}` prints into `proof_file`", page.id);
            findings.bad(&what, "the proof that is kept for egress does not fit token and app secret", &mend);
        }
        let status = messenger.status(&page.id, Some(&gateway::profile(settings, &page.id))).await;
        match &status.token {
            TokenState::Valid => {
                let name = status.name.as_deref().unwrap_or("without a name");
                findings.good(&what, format!("its token works (`{name}`)"));
            }
            TokenState::OtherPage(other) => {
                let mend = "put the token of this Page into `token`, or correct `id`";
                findings.bad(&what, format!("its token is of page `{other}`"), mend);
                continue;
            }
            TokenState::Dead => {
                let mend = "issue a new page token and put it into `token`";
                findings.bad(&what, "its token is not valid any more", mend);
                continue;
            }
            TokenState::NotTried(why) => {
                let mend = if bad_argument(why) {
                    "check `[messenger] app_secret` first: code 100 is what a wrong `appsecret_proof` gets, which is \
                     made with it; then the page's `token`, `graph_url` and `graph_version`"
                } else {
                    "check `[messenger] graph_url` and `graph_version`"
                };
                findings.bad(&what, why.clone(), mend);
                continue;
            }
        }
        let mend = "run `amana messenger setup`";
        match status.missing_fields {
            Some(missing) if missing.is_empty() => findings.good(&what, "all its events are subscribed"),
            Some(missing) => findings.bad(&what, format!("not subscribed: {}", missing.join(", ")), mend),
            None => findings.bad(&what, "its subscription cannot be read", "check the token's permissions"),
        }
        match status.profile_differs {
            Some(differs) if differs.is_empty() => findings.good(&what, "its profile is as it should be"),
            Some(differs) => {
                findings.bad(&what, format!("its profile differs: {}", differs.join(", ")), mend);
            }
            None => findings.bad(&what, "its profile cannot be read", "check the token's permissions"),
        }
    }
}

/// Whether the platform called an argument of the call wrong (Graph's code 100).
fn bad_argument(why: &str) -> bool {
    why.split("(code ").skip(1).any(|rest| rest.split(|c: char| !c.is_ascii_digit()).next() == Some("100"))
}

async fn institution(id: &str, bank: &amana_bank::FdxBank, findings: &mut Findings) {
    let what = format!("institution {id}");
    let (checked, failed) = match bank.check().await {
        Ok(report) => (report.checked, None),
        Err(error) => (error.checked, Some((error.what, error.mend))),
    };
    for item in checked {
        let what = format!("{what}, {}", item.what);
        match item.warning {
            None => findings.good(what, item.found),
            Some(warning) => findings.warn(what, item.found, warning),
        }
    }
    if let Some((found, mend)) = failed {
        findings.bad(what, found, mend);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_100_is_told_from_others() {
        let says = |code, sub| bad_argument(&amana_channel::SendError::Permanent { code, sub }.to_string());
        assert!(says(100, None) && says(100, Some(33)));
        assert!(!says(1_001, None) && !says(10, Some(100)) && !says(10, None) && !bad_argument(""));
    }

    #[test]
    fn http_dates_are_read() {
        let at = http_date("Tue, 24 Nov 2026 10:00:00 GMT").expect("a date");
        assert_eq!(at.to_string(), "2026-11-24T10:00:00Z");
        assert!(http_date("yesterday").is_none());
    }
}
