//! Configuration: layers, then every key checked, then one typed value. All that is wrong is said at once.

mod layers;
mod read;
mod schema;

pub(crate) use layers::Source;
pub(crate) use read::is_loopback;

use crate::roles::Role;
use amana_bank::InstitutionConfig;
use amana_channel::{AppCredentials, PageToken};
use amana_core::{ChannelId, Controller, Form, InstitutionId, Secret};
use amana_flow::{Reconcile, Upkeep};
use amana_store::Retention;
use layers::Layers;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use url::Url;

/// The commented default: the first layer, and the documentation.
pub(crate) const DEFAULT: &str = include_str!("../../config.default.toml");
/// How the names of variables that override keys begin.
pub(crate) const VARIABLE_PREFIX: &str = "AMANA_";

/// Something wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it was set.
    pub(crate) source: Source,
    /// The key, such as `messenger.page[0].token`; empty when it is about the whole source.
    pub(crate) key: String,
    /// What is wrong and what to do.
    pub(crate) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.source, self.what)
        } else {
            write!(f, "{}: `{}` {}", self.source, self.key, self.what)
        }
    }
}

type Problems = Vec<Problem>;

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigErrors(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where the world sees us; its path is `/`.
    pub(crate) public_url: Url,
    /// Whether banks may be on private addresses.
    pub(crate) allow_private_addresses: bool,
    /// The store's URL, which may hold a password.
    pub(crate) store_url: Secret,
    /// The master key's file, if it was named.
    pub(crate) master_key_file: Option<PathBuf>,
    /// The program, with its arguments, that wraps with a master key that somebody else keeps; empty if there is none.
    pub(crate) master_key_command: Vec<String>,
    /// The disclosure log.
    pub(crate) disclosure_log: DisclosureLog,
    /// The key custody's file, if it was named.
    pub(crate) custody_file: Option<PathBuf>,
    /// How long each kind of data is kept.
    pub(crate) retention: Retention,
    /// The platform.
    pub(crate) messenger: Messenger,
    /// The institutions.
    pub(crate) institutions: Vec<Institution>,
    /// Topics that hold banks' events.
    pub(crate) kafka: Vec<amana_kafka::Source>,
    /// The administrators' API, if it is on.
    pub(crate) admin: Option<Admin>,
    /// How the gateway is spread over processes.
    pub(crate) roles: Roles,
    /// What is done about messages of others on our Pages.
    pub(crate) reconcile: Reconcile,
    /// Where spans go, if anywhere.
    pub(crate) traces: Option<crate::traces::Traces>,
    /// The log.
    pub(crate) log: Log,
}

/// `[disclosure_log]`.
#[derive(Debug, Clone)]
pub(crate) struct DisclosureLog {
    /// The log's name in checkpoints.
    pub(crate) origin: String,
    /// Where its public files are written.
    pub(crate) files: LogFiles,
    /// Who must have cosigned a checkpoint before it is published.
    pub(crate) witness_policy_file: Option<PathBuf>,
}

/// Where the log's public files are.
#[derive(Debug, Clone)]
pub(crate) enum LogFiles {
    /// In a folder; beside a SQLite database if it is not said.
    Folder(Option<PathBuf>),
    /// In an object store.
    Bucket(amana_object::Access),
}

/// `[roles]`.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    /// Where the processes find each other.
    pub(crate) folder: PathBuf,
    /// By which egress reads the kill switches; the store's own if it is not given.
    pub(crate) flags_url: Option<Secret>,
    /// The gate's verifying key, if it is pinned.
    pub(crate) egress_key: Option<[u8; 32]>,
    /// Whether each role is a Unix user of its own.
    pub(crate) separate_users: bool,
    /// The key that connector and gate share; in the folder if it is not said.
    pub(crate) link_key_file: Option<PathBuf>,
}

/// `[messenger]`.
#[derive(Debug, Clone)]
pub(crate) struct Messenger {
    pub(crate) graph_url: Url,
    pub(crate) graph_version: String,
    pub(crate) app_id: String,
    pub(crate) app_secret: Secret,
    /// The app's own token, where this process may have one.
    pub(crate) app: Option<AppCredentials>,
    /// Whether that is one of the configuration's, not what its secret makes.
    pub(crate) app_token_given: bool,
    pub(crate) verify_token: Secret,
    pub(crate) redirect_hosts: BTreeSet<String>,
    pub(crate) pages: Vec<Page>,
}

/// `[[messenger.page]]`.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) id: ChannelId,
    pub(crate) token: PageToken,
    /// What goes with the token to the platform. Empty for a role that does not speak to it.
    pub(crate) proof: Secret,
    /// Whether the proof that is kept for the egress role is there and good. `None` if none is kept.
    pub(crate) kept_proof: Option<bool>,
    pub(crate) institutions: Vec<InstitutionId>,
}

/// `[[institution]]`.
#[derive(Debug, Clone)]
pub(crate) struct Institution {
    pub(crate) name_ar: String,
    pub(crate) connector: InstitutionConfig,
    pub(crate) login_origins: Vec<String>,
    pub(crate) event_token: Option<Secret>,
    /// How its links are kept up.
    pub(crate) upkeep: Upkeep,
    /// What it agrees to by this configuration.
    pub(crate) agreement: Agreed,
    /// Who answers for its customers' consents.
    pub(crate) controller: Controller,
}

impl Institution {
    /// Its id.
    pub(crate) fn id(&self) -> &InstitutionId {
        &self.connector.id
    }
}

/// What an institution agrees to by the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreed {
    /// Nothing: its agreements are made with `amana agreement` or over the API.
    ByHand,
    /// No: declined.
    Declined,
    /// Up to this form.
    UpTo(Form),
}

/// `[admin]`.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) listen: SocketAddr,
    /// Who may call, by the token that each has alone.
    pub(crate) users: BTreeMap<String, Secret>,
    /// As whom they write in the chats of a page.
    pub(crate) personas: BTreeMap<String, BTreeMap<ChannelId, String>>,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) json: bool,
    pub(crate) level: String,
}

/// What `amana kill` needs of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Switchboard {
    /// The store's URL, which may hold a password.
    pub(crate) store_url: Secret,
    /// The names that a switch may have.
    pub(crate) names: Names,
    /// What was not understood, and has nothing to do with where the database is.
    pub(crate) passed_over: Vec<Problem>,
    /// The log, which says only what is wrong.
    pub(crate) log: Log,
}

/// The ids of the configuration's blocks, as they are written.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Whether everything was understood: else there may be others.
    pub(crate) whole: bool,
    /// Of the institutions.
    pub(crate) institutions: BTreeSet<String>,
    /// Of the Pages, with the institutions of each.
    pub(crate) pages: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the configuration: the default, the file, then the variables.
///
/// # Errors
/// Everything that is wrong, at once.
pub(crate) fn load(
    path: &Path,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Settings, ConfigErrors> {
    load_for(None, path, variables)
}

/// The same for one role: the secrets of the others are not read, and where they could be read here, that is an error.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_for(
    role: Option<Role>,
    path: &Path,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Settings, ConfigErrors> {
    let source = Source::File(path.display().to_string());
    of_text(&text_of(path, &source)?, &source, variables, role)
}

/// Reads of the configuration what the kill switches need, and nothing else: whatever is wrong with the rest does not
/// keep a hand from the tap. With the database's URL in the environment no file is needed either.
///
/// # Errors
/// When it does not say where the database is, or a slip may hide what it says of it.
pub(crate) fn load_switchboard(
    path: &Path,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Switchboard, ConfigErrors> {
    let source = Source::File(path.display().to_string());
    let table = text_of(path, &source).and_then(|text| table_of(&text, &source));
    switchboard(table, &source, &environment.collect())
}

fn text_of(path: &Path, source: &Source) -> Result<String, ConfigErrors> {
    crate::files::read_text(path, crate::limits::CONFIG_BYTES_MAX).map_err(|why| {
        let what = format!("{why}; `amana config default` prints one to begin with");
        ConfigErrors(vec![Problem { source: source.clone(), key: String::new(), what }])
    })
}

fn table_of(text: &str, source: &Source) -> Result<toml::Table, ConfigErrors> {
    toml::from_str(text).map_err(|error| {
        let (source, key) = (source.clone(), String::new());
        ConfigErrors(vec![Problem { source, key, what: of_toml(&error, text) }])
    })
}

/// Settings of a file's text.
///
/// # Errors
/// As [`load`].
pub(crate) fn of_text(
    text: &str,
    source: &Source,
    variables: impl Iterator<Item = (String, String)>,
    role: Option<Role>,
) -> Result<Settings, ConfigErrors> {
    settle(table_of(text, source)?, source, variables, role)
}

/// Settings of a table that was made in memory, as if it had stood in a file of this name.
///
/// # Errors
/// As [`load`].
pub(crate) fn from_table(table: toml::Table, name: &str) -> Result<Settings, ConfigErrors> {
    settle(table, &Source::File(name.to_owned()), std::iter::empty(), None)
}

/// The variables of this process that override keys: those with two underscores between the parts.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    environment().filter(|(name, _)| is_ours(name))
}

/// Every variable of this process.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
}

fn is_ours(variable: &str) -> bool {
    variable.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| rest.contains("__"))
}

fn settle(
    table: toml::Table,
    source: &Source,
    variables: impl Iterator<Item = (String, String)>,
    role: Option<Role>,
) -> Result<Settings, ConfigErrors> {
    let mut problems = Problems::new();
    let layers = laid(table, source, variables, &mut problems);
    let settings = read::read(&layers, source, &mut problems, role);
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(ConfigErrors(problems)),
    }
}

fn laid(
    table: toml::Table,
    source: &Source,
    variables: impl Iterator<Item = (String, String)>,
    problems: &mut Problems,
) -> Layers {
    let mut layers = Layers::default();
    // The default file is TOML: a test holds it.
    layers.lay(toml::from_str(DEFAULT).unwrap_or_default(), &Source::Default);
    layers.lay(table, source);
    // Sorted, so that places are filled from the first on.
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    for (name, value) in variables {
        layers.lay_variable(&name, &value, problems);
    }
    layers
}

fn switchboard(
    table: Result<toml::Table, ConfigErrors>,
    source: &Source,
    environment: &BTreeMap<String, String>,
) -> Result<Switchboard, ConfigErrors> {
    let (table, mut problems) = match table {
        Ok(table) => (table, Problems::new()),
        Err(unread) => (toml::Table::new(), unread.0),
    };
    let may_mean_the_store = |variable: &str| {
        let value = environment.get(variable).cloned().map(toml::Value::String);
        schema::may_mean_the_store(&layers::path_of(variable).replace("__", "."), value.as_ref())
    };
    // Those that are not ours, but may have been meant to be: `AMANA_STORE_URL`, `amana_store__url`.
    let alike = |name: &&String| name.to_ascii_lowercase().starts_with("amana") && may_mean_the_store(name);
    problems.extend(environment.keys().filter(|name| !is_ours(name)).filter(alike).map(|name| Problem {
        source: Source::Variable(name.clone()),
        key: String::new(),
        what: "overrides no key; if the database is meant, it is AMANA_STORE__URL, else unset it".to_owned(),
    }));
    let ours = environment.clone().into_iter().filter(|(name, _)| is_ours(name));
    let layers = laid(table, source, ours, &mut problems);
    let board = read::switchboard(&layers, source, &mut problems);
    let of_store = |problem: &Problem| match &problem.source {
        Source::Variable(name) if problem.key.is_empty() => may_mean_the_store(name),
        _ => schema::may_mean_the_store(&problem.key, layers.value(&problem.key)),
    };
    // Where nobody says where the database is, anything that is not understood may have been meant to: a switch in
    // another database would stop nothing.
    let said = layers.source("store.url") != Source::Default;
    // What a variable says holds, whatever the file meant to say.
    let by_variable = matches!(layers.source("store.url"), Source::Variable(_));
    let passes = |problem: &Problem| match problem.source {
        Source::Variable(_) => !of_store(problem),
        _ => by_variable || !of_store(problem),
    };
    match board {
        Some(mut board) if problems.iter().all(|problem| said && passes(problem)) => {
            board.names.whole &= problems.is_empty();
            board.passed_over = problems;
            Ok(board)
        }
        _ => {
            if said {
                problems.retain(of_store);
            } else {
                let what = "is not given, and what is wrong here may have been meant to: give it, or the variable \
                            AMANA_STORE__URL";
                problems.push(Problem {
                    source: source.clone(),
                    key: "store.url".to_owned(),
                    what: what.to_owned(),
                });
            }
            Err(ConfigErrors(problems))
        }
    }
}

/// A syntax error with its line; what stands there is not repeated, as it may be a secret.
fn of_toml(error: &toml::de::Error, text: &str) -> String {
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.lines().count().max(1));
    let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}it is not TOML: {}", error.message().replace('\n', "; "))
}

#[cfg(test)]
mod tests;
