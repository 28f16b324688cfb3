//! From layers to settings: each key is read, checked and given its type.

mod client;
mod controller;
mod disclosure_log;
mod kafka;
mod traces;

use super::layers::{Layers, Source};
use super::schema::STORE_KINDS;
use super::{
    Admin, Agreed, Institution, Log, Messenger, Names, Page, Problem, Problems, Roles, Settings, Switchboard,
};
use crate::files::read_text;
use crate::limits::{
    ADMIN_TOKEN_BYTES_MIN, ADMIN_USER_BYTES_MAX, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN,
    SECRET_FILE_BYTES_MAX,
};
use crate::roles::Role;
use amana_bank::limits::POLLING_MINUTES_MAX;
use amana_bank::profile::{Notifications, RevocationBy};
use amana_bank::{InstitutionConfig, Profile};
use amana_channel::{AppCredentials, PageToken};
use amana_core::{ChannelId, Form, InstitutionId, Secret};
use amana_flow::{OnUnknown, Reconcile, Upkeep};
use amana_store::Retention;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use toml::Value;
use url::Url;

/// Reads the settings. `None`, or any problem, means that they cannot be used.
pub(super) fn read(
    layers: &Layers,
    main: &Source,
    problems: &mut Problems,
    role: Option<Role>,
) -> Option<Settings> {
    let values = layers.flat(problems);
    let mut r = Reader { layers, main, values, problems, role };
    let listen = r.parsed("server.listen", "an address and a port, such as `127.0.0.1:7600`");
    let public_url = r.public_url();
    let allow_private_addresses = r.switch("server.allow_private_addresses");
    let store_url = r.store_url();
    let (master_key_file, master_key_command) = r.master_key(store_url.as_ref());
    let disclosure_log = public_url.as_ref().and_then(|url| r.disclosure_log(url, store_url.as_ref()));
    let custody_file = r.text("keys.custody_file").map(PathBuf::from);
    let retention = r.retention();
    let institutions = r.institutions();
    let messenger = r.messenger(&institutions);
    let kafka = r.kafka(&institutions, allow_private_addresses);
    let admin = r.admin();
    let roles = r.roles();
    let reconcile = r.reconcile();
    let traces = r.traces(allow_private_addresses);
    let log = r.log();
    Some(Settings {
        listen: listen?,
        public_url: public_url?,
        allow_private_addresses,
        store_url: store_url?,
        master_key_file,
        master_key_command,
        disclosure_log: disclosure_log?,
        custody_file,
        retention: retention?,
        messenger: messenger?,
        institutions: institutions.into_iter().collect::<Option<Vec<_>>>()?,
        kafka: kafka?,
        admin: admin?,
        roles: roles?,
        reconcile: reconcile?,
        traces: traces?,
        log: log?,
    })
}

/// Reads what the kill switches need. `None`: where the database is cannot be read.
pub(super) fn switchboard(layers: &Layers, main: &Source, problems: &mut Problems) -> Option<Switchboard> {
    let values = layers.flat(problems);
    let mut r = Reader { layers, main, values, problems, role: None };
    let store_url = r.store_url()?;
    let ids = |list: &str| -> Vec<Option<String>> {
        (0..r.blocks(list)).map(|index| r.text(&format!("{list}[{index}].id"))).collect()
    };
    let (institutions, pages) = (ids("institution"), ids("messenger.page"));
    let banks_of = |(index, id): (usize, &Option<String>)| {
        let banks = r.list(&format!("messenger.page[{index}].institutions")).unwrap_or_default();
        Some((id.clone()?, banks.into_iter().collect()))
    };
    let names = Names {
        whole: institutions.iter().chain(&pages).all(Option::is_some),
        pages: pages.iter().enumerate().filter_map(banks_of).collect(),
        institutions: institutions.into_iter().flatten().collect(),
    };
    let json = r.text("log.format").as_deref() == Some("json");
    let log = Log { json, level: "warn".to_owned() };
    Some(Switchboard { store_url, names, passed_over: Problems::new(), log })
}

struct Reader<'a> {
    layers: &'a Layers,
    /// The file, for what is missing.
    main: &'a Source,
    values: BTreeMap<String, Value>,
    problems: &'a mut Problems,
    /// For whom it is read: what is another's is not.
    role: Option<Role>,
}

impl Reader<'_> {
    fn wrong(&mut self, key: &str, what: impl Into<String>) {
        let source = self.layers.source(key);
        self.problems.push(Problem { source, key: key.to_owned(), what: what.into() });
    }

    fn missing(&mut self, key: &str, what: &str) {
        let source = self.main.clone();
        self.problems.push(Problem { source, key: key.to_owned(), what: format!("is missing: {what}") });
    }

    /// A text, if it is there and not empty.
    fn text(&self, key: &str) -> Option<String> {
        self.values.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
    }

    fn needed(&mut self, key: &str, what: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_none() && !self.said(key) {
            self.missing(key, what);
        }
        text
    }

    /// The master key's file, or the command of who keeps it: one of them, and with PostgreSQL not none.
    fn master_key(&mut self, store_url: Option<&Secret>) -> (Option<PathBuf>, Vec<String>) {
        let file = self.text("keys.master_key_file").map(PathBuf::from);
        let command = self.list("keys.master_key_command").unwrap_or_default();
        let postgres = store_url.is_some_and(|url| url.expose().starts_with("postgres"));
        match (&file, command.is_empty()) {
            (Some(_), false) => self.wrong(
                "keys.master_key_command",
                "and `keys.master_key_file` are both given: there is one master key; take the line of the other out",
            ),
            (None, true) if postgres => self.missing(
                "keys.master_key_file",
                "it must be given with PostgreSQL (`openssl rand -hex 32` makes one), or `keys.master_key_command`",
            ),
            (None, false) if postgres && self.text("keys.custody_file").is_none() => self.missing(
                "keys.custody_file",
                "with PostgreSQL and `keys.master_key_command` there is no file beside which it could be",
            ),
            _ => {}
        }
        (file, command)
    }

    /// Whether something is said about the key already.
    fn said(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key == key)
    }

    fn list(&self, key: &str) -> Option<Vec<String>> {
        let items = self.values.get(key)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    fn switch(&self, key: &str) -> bool {
        self.values.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    fn parsed<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        let text = self.needed(key, &format!("give {expected}"))?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.wrong(key, format!("is `{}`; it must be {expected}", shown(&text)));
        }
        parsed
    }

    fn id<T>(&mut self, key: &str, what: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.needed(key, what)?;
        text.parse().map_err(|e: T::Err| self.wrong(key, format!("is refused: {e}"))).ok()
    }

    /// A secret, given here or in a file.
    fn secret(&mut self, key: &str) -> Option<Secret> {
        if self.is_anothers(key) {
            return Some(Secret::new(""));
        }
        let file_key = format!("{key}_file");
        let (here, file) = (self.text(key), self.text(&file_key));
        match (here, file) {
            (Some(_), Some(_)) => {
                self.wrong(&file_key, format!("is given beside `{key}`: take one of them away"));
                None
            }
            (Some(secret), None) => Some(Secret::new(secret)),
            (None, Some(file)) => self.secret_file(&file_key, Path::new(&file)),
            (None, None) => None,
        }
    }

    /// Whether a secret is not for the role that reads. Where it could be read all the same, that is a problem.
    fn is_anothers(&mut self, key: &str) -> bool {
        let Some(role) = self.role.filter(|role| !role.reads(&pattern(key))) else { return false };
        if self.text(key).is_some() {
            let what = format!(
                "is not for the {role} role, which can read it here: give it as `…_file` that only its own role can read"
            );
            self.wrong(key, what);
        }
        true
    }

    fn secret_file(&mut self, key: &str, path: &Path) -> Option<Secret> {
        match read_text(path, SECRET_FILE_BYTES_MAX) {
            Ok(text) if text.trim().is_empty() => {
                self.wrong(
                    key,
                    format!("names `{}`, which is empty: write the secret into it", path.display()),
                );
                None
            }
            Ok(text) => Some(Secret::new(text.trim())),
            Err(why) => {
                self.wrong(key, format!("names `{}`, which {why}", path.display()));
                None
            }
        }
    }

    fn needed_secret(&mut self, key: &str, what: &str) -> Option<Secret> {
        let secret = self.secret(key);
        if secret.is_none() && !self.said(key) && !self.said(&format!("{key}_file")) {
            let leaf = key.rsplit('.').next().unwrap_or(key);
            self.missing(key, &format!("{what}; give it here, as `{leaf}_file`, or in the environment"));
        }
        secret
    }

    fn public_url(&mut self) -> Option<Url> {
        const KEY: &str = "server.public_url";
        let mut url: Url = self.parsed(KEY, "an http or https URL, such as `https://chat.bank.example`")?;
        let problem = if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            "must be an http or https URL with a host"
        } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            "must have no path, query or fragment: the pages are at its root"
        } else if !url.username().is_empty() || url.password().is_some() {
            "must have no user name or password"
        } else if url.scheme() == "http" && !is_loopback(&url) {
            "must be https: sign-in pages and cookies travel over it (plain http only on this machine)"
        } else {
            url.set_path("/");
            return Some(url);
        };
        self.wrong(KEY, problem);
        None
    }

    fn store_url(&mut self) -> Option<Secret> {
        const KEY: &str = "store.url";
        if let Some(role) = self.role.filter(|role| *role != Role::Gate) {
            let url = self.text(KEY).unwrap_or_default();
            if Url::parse(&url).is_ok_and(|url| url.password().is_some()) {
                self.wrong(KEY, format!("holds a password, which is not for the {role} role: give it to the gate alone, in its environment"));
            }
            return Some(Secret::new(url));
        }
        let url = self.needed(KEY, "give `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")?;
        let known = STORE_KINDS.iter().any(|kind| url.starts_with(kind));
        if !known || url == "sqlite:" {
            // The rest may hold a password.
            let scheme: String = url.split(':').next().unwrap_or_default().chars().take(32).collect();
            self.wrong(
                KEY,
                format!(
                    "begins with `{scheme}`; it must be `sqlite:PATH` or `postgres://USER@HOST/DATABASE`"
                ),
            );
            return None;
        }
        Some(Secret::new(url))
    }

    fn blocks(&self, list: &str) -> usize {
        let prefix = format!("{list}[");
        self.values
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix)?.split(']').next()?.parse::<usize>().ok())
            .max()
            .map_or(0, |last| last + 1)
    }

    fn messenger(&mut self, institutions: &[Option<Institution>]) -> Option<Messenger> {
        let graph_url = self.parsed("messenger.graph_url", "a URL, such as `https://graph.facebook.com`");
        let graph_version = self.needed("messenger.graph_version", "give a version, such as `v26.0`");
        let app_id = self.needed("messenger.app_id", "the app's number from its dashboard");
        let app_secret = self.needed_secret("messenger.app_secret", "the app's secret from its dashboard");
        let verify_token = self.needed_secret(
            "messenger.verify_token",
            "any long random word, the same as in the app's dashboard",
        );
        let hosts = self.list("messenger.redirect_hosts").unwrap_or_default();
        for host in &hosts {
            if !Url::parse(&format!("https://{host}/"))
                .is_ok_and(|url| url.path() == "/" && url.username().is_empty())
            {
                self.wrong(
                    "messenger.redirect_hosts",
                    format!("holds `{}`; each must be `host` or `host:port`", shown(host)),
                );
            }
        }
        let known: BTreeSet<InstitutionId> = institutions.iter().flatten().map(|i| i.id().clone()).collect();
        let all_known = institutions.iter().all(Option::is_some);
        let mut pages = Vec::new();
        let count = self.blocks("messenger.page");
        if count == 0 {
            self.missing("messenger.page", "add a `[[messenger.page]]` block for each Page");
        }
        for index in 0..count {
            pages.push(self.page(index, &known, all_known, app_secret.as_ref()));
        }
        self.twice("messenger.page", count);
        let app = self.app(app_id.as_deref(), app_secret.as_ref());
        let app_token_given =
            ["messenger.app_token", "messenger.app_token_file"].iter().any(|key| self.text(key).is_some());
        Some(Messenger {
            app,
            app_token_given,
            graph_url: graph_url?,
            graph_version: graph_version?,
            app_id: app_id?,
            app_secret: app_secret?,
            verify_token: verify_token?,
            redirect_hosts: hosts.into_iter().collect(),
            pages: pages.into_iter().collect::<Option<_>>()?,
        })
    }

    fn page(
        &mut self,
        index: usize,
        known: &BTreeSet<InstitutionId>,
        all_known: bool,
        app_secret: Option<&Secret>,
    ) -> Option<Page> {
        let key = |name: &str| format!("messenger.page[{index}].{name}");
        let id = self.id(&key("id"), "the Page's id");
        let token = self.needed_secret(&key("token"), "the Page's access token").map(PageToken::new);
        let (proof, kept_proof) = self.proof(&key("proof"), token.as_ref(), app_secret);
        let offered = self.list(&key("institutions")).unwrap_or_default();
        if offered.is_empty() && !self.said(&key("institutions")) {
            self.missing(&key("institutions"), "name the institutions that are offered on the Page");
        }
        let mut institutions = Vec::new();
        for name in &offered {
            match InstitutionId::new(name.clone()) {
                Ok(id) if known.contains(&id) => institutions.push(id),
                // With a broken block it is not known which are there; its own problem is said already.
                _ if !all_known => {}
                _ => self.wrong(
                    &key("institutions"),
                    format!("names `{}`, and no `[[institution]]` has this id", shown(name)),
                ),
            }
        }
        Some(Page { id: id?, token: token?, proof: proof?, kept_proof, institutions })
    }

    /// The app's own token. Its secret makes one; the egress role, which has not, is given another.
    fn app(&mut self, app_id: Option<&str>, app_secret: Option<&Secret>) -> Option<AppCredentials> {
        const TOKEN: &str = "messenger.app_token";
        const PROOF: &str = "messenger.app_proof";
        let token = self.secret(TOKEN).map(PageToken::new);
        match self.role {
            Some(Role::Egress) => match (token, self.secret(PROOF)) {
                (Some(token), Some(proof)) => Some(AppCredentials::new(token, proof)),
                (None, None) => None,
                (given, _) => {
                    let (lacks, has) = if given.is_some() { (PROOF, TOKEN) } else { (TOKEN, PROOF) };
                    if !self.said(&format!("{has}_file")) && !self.said(&format!("{lacks}_file")) {
                        self.missing(lacks, &format!("it goes with `{has}`: give both or neither"));
                    }
                    None
                }
            },
            Some(_) => {
                self.secret(PROOF);
                None
            }
            None => {
                let secret = app_secret?;
                Some(match token {
                    Some(token) => {
                        let proof = token.proof(secret);
                        AppCredentials::new(token, proof)
                    }
                    None => AppCredentials::of_secret(app_id?, secret),
                })
            }
        }
    }

    /// What goes with a Page's token. Whoever has the app's secret makes it; the egress role, which has not, reads it.
    fn proof(
        &mut self,
        key: &str,
        token: Option<&PageToken>,
        app_secret: Option<&Secret>,
    ) -> (Option<Secret>, Option<bool>) {
        match self.role {
            Some(Role::Egress) => {
                let what = "what `amana messenger proof` prints for this Page: egress has no app secret to make it of";
                (self.needed_secret(key, what), None)
            }
            Some(_) => (self.secret(key), None),
            None => {
                let made = token.zip(app_secret).map(|(token, secret)| token.proof(secret));
                // It is not read from there, and may be made only now.
                let file = self.text(&format!("{key}_file"));
                let kept = match (self.text(key), file) {
                    (None, None) => None,
                    (Some(here), _) => Some(here),
                    (None, Some(file)) => {
                        Some(read_text(Path::new(&file), SECRET_FILE_BYTES_MAX).unwrap_or_default())
                    }
                };
                let good = kept.zip(made.as_ref()).map(|(kept, made)| kept.trim() == made.expose());
                (made, good)
            }
        }
    }

    fn institutions(&mut self) -> Vec<Option<Institution>> {
        let count = self.blocks("institution");
        if count == 0 {
            self.missing("institution", "add an `[[institution]]` block for each bank");
        }
        let all = (0..count).map(|index| self.institution(index)).collect();
        self.twice("institution", count);
        all
    }

    /// Two blocks with the same id.
    fn twice(&mut self, list: &str, count: usize) {
        let mut seen = BTreeSet::new();
        for index in 0..count {
            let key = format!("{list}[{index}].id");
            if let Some(id) = self.text(&key)
                && !seen.insert(id.clone())
            {
                self.wrong(&key, format!("is `{}` as in an earlier block: one block for each", shown(&id)));
            }
        }
    }

    fn institution(&mut self, index: usize) -> Option<Institution> {
        let key = |name: &str| format!("institution[{index}].{name}");
        let id: Option<InstitutionId> = self.institution_id(&key("id"));
        let name = self.needed(&key("name"), "the name that customers know");
        let name_ar = self.text(&key("name_ar"));
        let shown_id = id.as_ref().map_or("?", InstitutionId::as_str).to_owned();
        let profile = self.profile((&key("profile"), &key("profile_file")), &shown_id);
        let issuer = self.needed(&key("issuer"), "the authorization server's issuer, as its metadata say it");
        if let Some(issuer) = &issuer
            && Url::parse(issuer).is_err()
        {
            self.wrong(&key("issuer"), format!("is `{}`; it must be a URL", shown(issuer)));
        }
        let api_url = self
            .parsed(&key("api_url"), "the base of the FDX API, such as `https://api.bank.example/fdx/v6`");
        let client_id = self.needed(&key("client_id"), "our id at the bank");
        let client = self.client(index, profile.as_ref());
        let event_token = self.secret(&key("event_token"));
        let agreement =
            self.agreement(&key("agreement"), profile.as_ref().and_then(|profile| profile.agreement));
        let polling = self.polling(&key("polling_minutes"));
        let provider_id = self.text(&key("provider_id"));
        let login_origins = self.origins(&key("login_origins"));
        let controller = self.controller(index, name.as_deref());
        let name = name?;
        let (client, profile) = (client?, profile?);
        let upkeep = upkeep(&profile, event_token.is_some(), polling?);
        Some(Institution {
            name_ar: name_ar.unwrap_or_else(|| name.clone()),
            connector: InstitutionConfig {
                id: id?,
                name,
                profile,
                issuer: issuer?,
                api_url: api_url?,
                provider_id,
                client_id: client_id?,
                client_auth: client.auth,
                signing_key: client.signing_key,
                sender: client.sender,
                tls: client.tls,
            },
            login_origins: login_origins?,
            event_token,
            upkeep,
            agreement: agreement?,
            controller: controller?,
        })
    }

    /// The profile that is built in under a name, or one of the operator's own in a file, which is named as it is.
    fn profile(&mut self, (key, file_key): (&str, &str), institution: &str) -> Option<Profile> {
        let Some(file) = self.text(file_key) else {
            let name = self.text(key).unwrap_or_else(|| "fdx".to_owned());
            return Profile::built_in(institution, &name)
                .map_err(|e| self.wrong(key, format!("is refused: {e}")))
                .ok();
        };
        if self.text(key).is_some() {
            self.wrong(file_key, format!("is given beside `{key}`: give one of them"));
            return None;
        }
        let path = Path::new(&file);
        let read = std::fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"));
        let name = path.file_stem().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let parsed =
            read.and_then(|text| Profile::parse(name, &text).map_err(|e| format!("is refused: {e}")));
        parsed.map_err(|what| self.wrong(file_key, what)).ok()
    }

    /// How often links are read for news, in minutes; within, `None` leaves it to the profile.
    #[expect(clippy::option_option, reason = "the outer one is a problem that was written down")]
    fn polling(&mut self, key: &str) -> Option<Option<u32>> {
        let Some(value) = self.values.get(key) else { return Some(None) };
        let minutes = value.as_integer().and_then(|minutes| u32::try_from(minutes).ok());
        let good = minutes.filter(|minutes| *minutes <= POLLING_MINUTES_MAX);
        if good.is_none() && !self.said(key) {
            self.wrong(key, format!("must be a number of minutes from 0 (never) to {POLLING_MINUTES_MAX}"));
        }
        good.map(Some)
    }

    /// An institution's id stands in a path, so it is a plain word.
    fn institution_id(&mut self, key: &str) -> Option<InstitutionId> {
        let text = self.needed(key, "a short word for the bank, such as `cedar-bank`")?;
        let plain =
            text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !plain {
            self.wrong(
                key,
                format!("is `{}`; it must be up to 64 letters, digits, `-`, `_` or `.`", shown(&text)),
            );
            return None;
        }
        InstitutionId::new(text).ok()
    }

    /// `most` is what the profile's bank agrees to at most: also what a deployment begins with that says nothing.
    fn agreement(&mut self, key: &str, most: Option<Form>) -> Option<Agreed> {
        match self.text(key).as_deref() {
            None => Some(most.map_or(Agreed::ByHand, Agreed::UpTo)),
            Some("declined") => Some(Agreed::Declined),
            Some(word) => match word.parse() {
                Ok(form) if most.is_some_and(|most| form > most) => {
                    let most = most.map_or("", Form::as_str);
                    let what = format!(
                        "is `{form}`, and the profile's bank agrees to `{most}` at most: say that, or let it agree \
                         to more with `amana agreement`"
                    );
                    self.wrong(key, what);
                    None
                }
                Ok(form) => Some(Agreed::UpTo(form)),
                Err(_) => {
                    let what = format!(
                        "is `{}`; it must be `detail`, `summary`, `notice` or `declined`",
                        shown(word)
                    );
                    self.wrong(key, what);
                    None
                }
            },
        }
    }

    /// The outer `None` is a problem, the inner one an API that is off.
    #[expect(clippy::option_option, reason = "read once, at the top")]
    fn admin(&mut self) -> Option<Option<Admin>> {
        let count = self.blocks("admin.user");
        if self.role.is_some_and(|role| role != Role::Gate) {
            for index in 0..count {
                self.is_anothers(&format!("admin.user[{index}].token"));
            }
            return Some(None);
        }
        if self.text("admin.listen").is_none() {
            return Some(None);
        }
        let listen = self.parsed("admin.listen", "an address and a port, such as `127.0.0.1:7609`");
        if count == 0 {
            self.missing(
                "admin.user",
                "add an `[[admin.user]]` block for each person or program that may call",
            );
        }
        let users: Vec<_> = (0..count).map(|index| self.admin_user(index)).collect();
        self.twice("admin.user", count);
        let mut seen = BTreeMap::new();
        let mut personas = BTreeMap::new();
        for (index, (id, token)) in users.into_iter().enumerate().filter_map(|(n, user)| Some((n, user?))) {
            // Who did it would be said of the wrong one.
            if seen.values().any(|other: &Secret| other.expose() == token.expose()) {
                let what = "is that of an earlier block, too: each has one of their own";
                self.wrong(&format!("admin.user[{index}].token"), what);
                return None;
            }
            personas.insert(id.clone(), self.personas(&format!("admin.user[{index}].personas")));
            seen.insert(id, token);
        }
        if seen.is_empty() { None } else { Some(Some(Admin { listen: listen?, users: seen, personas })) }
    }

    /// Personas as `PAGE:PERSONA`, one for each page.
    fn personas(&mut self, key: &str) -> BTreeMap<ChannelId, String> {
        let mut personas = BTreeMap::new();
        for item in self.list(key).unwrap_or_default() {
            let pair = item.split_once(':').and_then(|(page, persona)| {
                let plain = !persona.is_empty() && persona.bytes().all(|b| b.is_ascii_digit());
                plain.then_some((ChannelId::new(page).ok()?, persona.to_owned()))
            });
            match pair {
                Some((page, persona)) if !personas.contains_key(&page) => {
                    personas.insert(page, persona);
                }
                _ => {
                    let what =
                        format!("holds `{}`; each must be `PAGE:PERSONA`, one for a page", shown(&item));
                    self.wrong(key, what);
                }
            }
        }
        personas
    }

    /// One who may call the administrators' API: the name that stands in the history, and the token that proves it.
    fn admin_user(&mut self, index: usize) -> Option<(String, Secret)> {
        let key = |name: &str| format!("admin.user[{index}].{name}");
        let id = self.needed(&key("id"), "the name under which their acts stand in the history")?;
        let plain = id.len() <= ADMIN_USER_BYTES_MAX
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b));
        if !plain {
            let what = format!("must be up to {ADMIN_USER_BYTES_MAX} letters, digits, `-`, `_`, `.` or `@`");
            self.wrong(&key("id"), what);
            return None;
        }
        let token = self.needed_secret(&key("token"), "`openssl rand -hex 32` makes one")?;
        if token.expose().len() < ADMIN_TOKEN_BYTES_MIN {
            self.wrong(&key("token"), format!("must have {ADMIN_TOKEN_BYTES_MIN} characters or more"));
            return None;
        }
        Some((id, token))
    }

    fn origins(&mut self, key: &str) -> Option<Vec<String>> {
        let mut out = Vec::new();
        for item in self.list(key).unwrap_or_default() {
            match Url::parse(&item) {
                Ok(url) if url.has_host() && url.path() == "/" && url.query().is_none() => {
                    out.push(url.origin().ascii_serialization());
                }
                _ => {
                    let what = format!(
                        "holds `{}`; each must be an origin such as `https://login.bank.example`",
                        shown(&item)
                    );
                    self.wrong(key, what);
                    return None;
                }
            }
        }
        Some(out)
    }

    fn roles(&mut self) -> Option<Roles> {
        const KEY: &str = "roles.egress_key";
        let folder = self.needed("roles.folder", "a folder that only this user may enter")?;
        let egress_key = match self.text(KEY) {
            None => None,
            Some(text) => {
                let mut key = [0; 32];
                if hex::decode_to_slice(text.trim(), &mut key).is_err() {
                    self.wrong(KEY, "must be 64 hexadecimal digits, as the gate's log says them");
                    return None;
                }
                Some(key)
            }
        };
        let flags_url = if self.role == Some(Role::Egress) { self.secret("roles.flags_url") } else { None };
        let separate_users = self.switch("roles.separate_users");
        let link_key_file = self.text("roles.link_key_file").map(PathBuf::from);
        if separate_users {
            let link = matches!(self.role, Some(Role::Gate | Role::Connector));
            if link && link_key_file.is_none() {
                self.missing(
                    "roles.link_key_file",
                    "with `separate_users` a file that the users of connector and gate alone can read",
                );
            }
            if self.role == Some(Role::Egress) && egress_key.is_none() {
                self.missing(KEY, "with `separate_users` it must be given, as the gate's log says it");
            }
        }
        Some(Roles { folder: PathBuf::from(folder), flags_url, egress_key, separate_users, link_key_file })
    }

    fn reconcile(&mut self) -> Option<Reconcile> {
        const APPS: &str = "reconcile.allowed_apps";
        let on_unknown = match self.text("reconcile.on_unknown").as_deref() {
            Some("alarm") => OnUnknown::Alarm,
            Some("kill") => OnUnknown::Kill,
            other => {
                let what = format!("is `{}`; it must be `alarm` or `kill`", shown(other.unwrap_or_default()));
                self.wrong("reconcile.on_unknown", what);
                return None;
            }
        };
        let allowed_apps = self.list(APPS).unwrap_or_default();
        for app in &allowed_apps {
            if app.is_empty() || !app.bytes().all(|b| b.is_ascii_digit()) {
                self.wrong(APPS, format!("holds `{}`; each must be an app's number", shown(app)));
            }
        }
        let take_back_after = self.take_back_after()?;
        Some(Reconcile { on_unknown, allowed_apps: allowed_apps.into_iter().collect(), take_back_after })
    }

    /// `None` if it is wrong; `Some(None)`: never.
    #[expect(clippy::option_option, reason = "wrong, never, after so long")]
    fn take_back_after(&mut self) -> Option<Option<Duration>> {
        const KEY: &str = "reconcile.take_back_hours";
        let hours = self.values.get(KEY).and_then(Value::as_integer);
        let hours = hours.and_then(|hours| u64::try_from(hours).ok()).filter(|hours| *hours <= 24);
        if hours.is_none() && !self.said(KEY) {
            self.wrong(KEY, "must be a number of hours from 0 (never) to 24");
        }
        hours.map(|hours| (hours > 0).then(|| Duration::from_secs(hours * 3_600)))
    }

    /// A number of days.
    fn days(&mut self, name: &str) -> Option<i64> {
        let key = format!("retention.{name}");
        let days = self.values.get(&key).and_then(Value::as_integer);
        let good = days.filter(|days| (RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(days));
        if good.is_none() && !self.said(&key) {
            let what = format!("must be a number of days from {RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX}");
            self.wrong(&key, what);
        }
        good
    }

    fn retention(&mut self) -> Option<Retention> {
        let (event_key_days, failed_event_days) =
            (self.days("event_key_days"), self.days("failed_event_days"));
        let (message_days, plain_message_days) = (self.days("message_days"), self.days("plain_message_days"));
        let ended_message_days = self.days("ended_message_days");
        let (story_days, conversation_days) = (self.days("story_days"), self.days("conversation_days"));
        let (dead_job_days, customer_days) = (self.days("dead_job_days"), self.days("customer_days"));
        Some(Retention {
            event_key_days: event_key_days?,
            failed_event_days: failed_event_days?,
            message_days: message_days?,
            ended_message_days: ended_message_days?,
            plain_message_days: plain_message_days?,
            story_days: story_days?,
            conversation_days: conversation_days?,
            dead_job_days: dead_job_days?,
            customer_days: customer_days?,
        })
    }

    fn log(&mut self) -> Option<Log> {
        let json = match self.text("log.format").as_deref() {
            Some("json") => Some(true),
            Some("text") => Some(false),
            other => {
                let what = format!("is `{}`; it must be `text` or `json`", shown(other.unwrap_or_default()));
                self.wrong("log.format", what);
                None
            }
        };
        let level = self.needed("log.level", "give a level, such as `info`")?;
        if let Err(e) = tracing_subscriber::EnvFilter::try_new(&level) {
            self.wrong("log.level", format!("is `{}`, which is no level and no filter ({e})", shown(&level)));
            return None;
        }
        Some(Log { json: json?, level })
    }
}

/// A key with its places taken out: `messenger.page[].token` of `messenger.page[0].token`.
fn pattern(key: &str) -> String {
    let mut inside = false;
    key.chars()
        .filter(|c| {
            inside = (inside || *c == '[') && *c != ']';
            !inside || *c == '['
        })
        .collect()
}

/// Whether a URL is of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A value for a message: short, on one line.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() || c == '`' { '?' } else { c }).collect()
}

/// How an institution's links are kept up. One that pushes is read only where the configuration says so.
fn upkeep(profile: &Profile, pushes: bool, minutes: Option<u32>) -> Upkeep {
    let api = &profile.api;
    let minutes = minutes.unwrap_or(if pushes { 0 } else { api.polling_minutes });
    // The looks at the grant are not paid from it.
    let poll_calls = api.budget.batch_calls;
    Upkeep {
        poll_every_s: (minutes > 0).then(|| i64::from(minutes) * 60),
        poll_calls,
        notifications: api.notifications != Notifications::None,
        fetched: api.notifications == Notifications::FdxPull,
        one_grant_per_person: profile.oauth.one_grant_per_person,
        refresh_days: profile.oauth.refresh_days,
        revoked_there_alone: profile.oauth.revocation == RevocationBy::Portal,
    }
}
