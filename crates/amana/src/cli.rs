//! The command line.

use amana_core::{ChannelId, Form, InstitutionId, Psid, Purpose};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use url::Url;

/// Amana brings banking into messaging apps: nothing leaves the bank without the customer's consent for that very
/// purpose, and everything that left can be proved.
#[derive(Debug, Parser)]
#[command(name = "amana", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try everything on this machine: a sandbox bank, a Messenger simulator and the gateway between them.
    ///
    /// All three speak real HTTP over loopback. The data stays in the data directory; starting again goes on where it
    /// was. Ctrl-C stops.
    Demo(Demo),
    /// Run the gateway.
    ///
    /// Ctrl-C or SIGTERM stops it: it takes nothing new, finishes what is begun for up to ten seconds, and ends. A
    /// second signal ends it at once. Nothing is lost either way.
    Serve(Serve),
    /// Bring the database to this version's schema. `serve` does it too; this is for doing it beforehand.
    Migrate(Configured),
    /// Check everything that the gateway needs, and say how to mend what is wrong. Exits with 1 if anything is.
    Doctor(Doctor),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Set up the Pages at the platform.
    #[command(subcommand)]
    Messenger(MessengerCommand),
    /// What each institution lets each Page carry: asked for, accepted in part, paused, ended.
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// Check, bring and look at an institution's own policy: rules in Cedar that narrow what may leave.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Stop what flows, at once, without stopping the gateway.
    ///
    /// It needs the database alone: no key, and of the configuration where the database is. Without a configuration
    /// file, say that with `AMANA_STORE__URL`.
    #[command(subcommand)]
    Kill(KillCommand),
    /// Look at alarms: messages on a Page that no receipt covers.
    #[command(subcommand)]
    Alarms(AlarmsCommand),
    /// List the processes that work on the database side by side, and how many of its 4,096 shards each has.
    Nodes(Configured),
    /// Look at messages and events that were given up, and try them again.
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Check the disclosure log: verify a bundle, rebuild the log, be a witness.
    #[command(subcommand)]
    Audit(crate::audit::AuditCommand),
    /// Change keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// See how long data is kept, and what was removed.
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Do what a customer asks for in person.
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Measure what this machine carries: decisions, the log, intake, chats, sending. Nothing that exists is touched.
    ///
    /// The load is open: what is due is due, whether the gateway keeps up or not, and waits are counted from then. All
    /// of it (load, gateway, a mock of the platform) is in this one process and over loopback HTTP. At the end every
    /// event must be accounted for; else the run is reported as failed, without a rate. Exits with 1 then.
    Bench(crate::bench::Bench),
    /// Run a sandbox alone, for trying `serve` against it.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Configured {
    /// The configuration file. `amana config default` prints one to begin with. Variables such as
    /// `AMANA_SERVER__LISTEN` override its keys.
    #[arg(long, value_name = "FILE", default_value = "amana.toml", env = "AMANA_CONFIG")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Run one part alone, with its own secrets and no others. The four find each other in `[roles] folder`.
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) role: Option<crate::roles::Role>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "./amana-data")]
    pub(crate) data_dir: PathBuf,
    /// The gateway's port on 127.0.0.1; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7600)]
    pub(crate) gateway_port: u16,
    /// The sandbox bank's port; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7601)]
    pub(crate) bank_port: u16,
    /// The Messenger simulator's port; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7602)]
    pub(crate) chat_port: u16,
    /// A bank's export of your own account, to be loaded as a customer: OFX 1.x, OFX 2.x, camt.053 or camt.054. May be
    /// given several times. The files stay on this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) statement: Vec<PathBuf>,
    /// The language of the chat page.
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub(crate) lang: Language,
    /// Print one line of JSON when ready, instead of text: `gateway`, `bank`, `chat`, `data_dir`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Forget an earlier demonstration in the data directory, and begin anew.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// How much is logged to standard error: a level or a filter.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: String,
}

/// A language of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English.
    En,
    /// Arabic.
    Ar,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Print the checks as one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the default configuration: every key with what it means.
    Default,
    /// Check a configuration without using it. Everything wrong is said at once.
    Check(Configured),
}

#[derive(Debug, Subcommand)]
pub(crate) enum MessengerCommand {
    /// Subscribe each Page's events, write its profile (greeting, menu, account linking) and bring the texts that the
    /// platform approves beforehand. Only what differs is written, so it may be run at any time. Where something cannot
    /// be done, it names the permission that is missing.
    Setup(Configured),
    /// Print a Page's `appsecret_proof`, made of its token and the app's secret: what the egress role is given in place
    /// of the secret, as `[[messenger.page]] proof_file`. Make it anew with each new token or secret.
    Proof {
        /// The Page's id; `app` for the app's own token (`app_token_file`).
        #[arg(value_name = "PAGE")]
        page: ChannelId,
        #[command(flatten)]
        configured: Configured,
    },
    /// Show how each Page stands: token, webhooks, profile, templates, what waits and why; and for what is missing, the
    /// permission that grants it. Exits with 1 if anything is.
    Status {
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bring the texts to the platform that it approves beforehand (utility templates, English and Arabic), and show
    /// how they stand. Exits with 1 while one is not approved.
    Templates {
        #[command(flatten)]
        configured: Configured,
        /// Only show how they stand.
        #[arg(long)]
        look: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at who has a conversation, or change it: between the gateway, the Page's inbox and other apps.
    Thread {
        /// What to do.
        #[arg(value_enum)]
        act: ThreadAct,
        /// The Page's id.
        #[arg(value_name = "PAGE")]
        page: ChannelId,
        /// The person's page-scoped id.
        #[arg(value_name = "PERSON")]
        person: Psid,
        /// The app to pass to; the Page's inbox if not given.
        #[arg(long, value_name = "APP")]
        to: Option<String>,
        /// For how many hours to extend: at most 168 (7 days).
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        hours: u64,
        /// What to reply; standard input if not given, so that it stands in no list of processes.
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// Reply with a picture of the bank's own instead of words: the id that `amana messenger attach` printed.
        #[arg(long, value_name = "ID", conflicts_with = "text")]
        attachment: Option<String>,
        /// The attachment is a film, not a picture.
        #[arg(long, requires = "attachment")]
        video: bool,
        /// As whom to reply: the id of a persona of the Page. Not needed where the configuration gives one to whoever
        /// `--by` names.
        #[arg(long, value_name = "ID")]
        persona: Option<String>,
        /// Who replies, for the customer's record: your word for it.
        #[arg(long, env = "USER", value_name = "NAME")]
        by: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
    /// The persona of a Page with this name, made if there is none: one for each person who answers. Without a name,
    /// all that there are.
    Persona {
        /// The Page's id.
        #[arg(value_name = "PAGE")]
        page: ChannelId,
        /// Its name, as customers see it; at most 50 characters.
        #[arg(long, requires = "picture")]
        name: Option<String>,
        /// The address of its picture (https).
        #[arg(long, value_name = "URL")]
        picture: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
    /// Bring a picture or a film of the bank's own to a Page, to be sent in media templates; prints the id under which
    /// the platform keeps it, and until when: 90 days. Never anything of a customer's: what is brought so is asked no
    /// consent for and stands in no receipt. Twice the same gives two ids.
    Attach {
        /// The Page's id.
        #[arg(value_name = "PAGE")]
        page: ChannelId,
        /// The file: a PNG, JPEG or GIF, or with `--video` an MP4, MOV or WebM; at most 25 MB. Its name is not told.
        #[arg(long, value_name = "PATH", required_unless_present = "url", conflicts_with = "url")]
        file: Option<PathBuf>,
        /// Its public address (https), from which the platform fetches it: a picture of at most 8 MB within 10 seconds,
        /// a film of at most 25 MB within 75.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// It is a film, not a picture.
        #[arg(long)]
        video: bool,
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What can be done with a conversation's control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThreadAct {
    /// Show who has it.
    Owner,
    /// Give it to another app.
    Pass,
    /// Take it (as the Page's default app).
    Take,
    /// Ask the owner for it.
    Request,
    /// Give it back.
    Release,
    /// Keep it for longer.
    Extend,
    /// Answer in it, in your own words.
    Reply,
}

impl MessengerCommand {
    /// Where its configuration is.
    pub(crate) fn configured(&self) -> &Configured {
        match self {
            Self::Setup(configured)
            | Self::Status { configured, .. }
            | Self::Templates { configured, .. }
            | Self::Thread { configured, .. }
            | Self::Persona { configured, .. }
            | Self::Attach { configured, .. }
            | Self::Proof { configured, .. } => configured,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgreementCommand {
    /// List every agreement, its newest version.
    List {
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take in a platform's request for data (JSON or TOML). What may never be agreed is refused, and on record.
    Request {
        /// The request.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
        /// Who does it, for the history: your word, beside which your user number stands. `$USER` if not given.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show an agreement and the request that waits for an answer.
    Show {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Accept what was asked for, whole or in part; or change what was accepted, within what was asked for. A tighter
    /// agreement binds consents that were given before, at once; a looser one never widens them.
    Accept {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        configured: Configured,
        /// These purposes alone, with commas between them.
        #[arg(long, value_name = "PURPOSES", value_delimiter = ',')]
        only: Vec<Purpose>,
        /// No more open than this: `notice`, `summary` or `detail`.
        #[arg(long, value_name = "FORM")]
        form: Option<Form>,
        /// Exactly the terms of this file (JSON or TOML: `purpose` blocks as in a request).
        #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "form"])]
        terms: Option<PathBuf>,
        /// The SHA-256 of the request that is meant, as `show` says it. Where another came meanwhile, nothing is
        /// accepted.
        #[arg(long, value_name = "SHA256")]
        request: Option<String>,
        #[command(flatten)]
        act: Act,
    },
    /// Say no to a request. An agreement that stands goes on as it is.
    Decline {
        #[command(flatten)]
        answer: Answer,
        /// The SHA-256 of the request that is meant, as `show` says it. Where another came meanwhile, nothing is
        /// declined.
        #[arg(long, value_name = "SHA256")]
        request: Option<String>,
    },
    /// Pause an agreement: nothing flows under it from now on.
    Suspend(Answer),
    /// Let a suspended agreement go on.
    Resume(Answer),
    /// End an agreement for good. To begin again, the platform asks again.
    End(Answer),
    /// List what was done to an agreement, oldest first: when, what, by whom, and the hash of the document.
    History {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        configured: Configured,
        /// Print the documents, too.
        #[arg(long)]
        documents: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the requests that were refused where they were read, newest first: for a use that no agreement can have,
    /// without a purpose, for everybody's data.
    Refused {
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the policy of an institution that has none of its own: a file to begin with.
    Default,
    /// Print the schema: every word that a policy can use.
    Schema,
    /// Check a policy without using it. Exits with 1 if it would not be accepted, and says why: with line and column,
    /// or with a request that it would wrongly allow.
    Check {
        /// Whose policy it would be.
        #[arg(value_name = "INSTITUTION")]
        institution: InstitutionId,
        /// The policy, in Cedar.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The solver for the proof.
        #[arg(long, value_name = "PROGRAM", default_value = "cvc5")]
        solver: PathBuf,
    },
    /// Make a policy the institution's own, if it is accepted. It binds from the next decision on, also for messages
    /// that wait, without a restart; its hash becomes an entry of the disclosure log.
    Upload {
        /// Whose policy.
        #[arg(value_name = "INSTITUTION")]
        institution: InstitutionId,
        /// The policy, in Cedar.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
        /// The solver for the proof.
        #[arg(long, value_name = "PROGRAM", default_value = "cvc5")]
        solver: PathBuf,
        /// Who does it, for the history: your word, beside which your user number stands. `$USER` if not given.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the policy in force, exactly as it was brought; or an earlier version.
    Show {
        /// Whose policy.
        #[arg(value_name = "INSTITUTION")]
        institution: InstitutionId,
        /// The version of this number instead of the newest.
        #[arg(long, value_name = "N")]
        number: Option<u32>,
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the versions of a policy, newest first: when, by whom, how it was accepted, and its hash.
    History {
        /// Whose policy.
        #[arg(value_name = "INSTITUTION")]
        institution: InstitutionId,
        #[command(flatten)]
        configured: Configured,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl PolicyCommand {
    /// Where its configuration is, if it needs one.
    pub(crate) fn configured(&self) -> Option<&Configured> {
        match self {
            Self::Default | Self::Schema | Self::Check { .. } => None,
            Self::Upload { configured, .. }
            | Self::Show { configured, .. }
            | Self::History { configured, .. } => Some(configured),
        }
    }
}

impl AgreementCommand {
    /// Where its configuration is.
    pub(crate) fn configured(&self) -> &Configured {
        match self {
            Self::List { configured, .. }
            | Self::Request { configured, .. }
            | Self::Show { configured, .. }
            | Self::Accept { configured, .. }
            | Self::History { configured, .. }
            | Self::Refused { configured, .. }
            | Self::Decline { answer: Answer { configured, .. }, .. }
            | Self::Suspend(Answer { configured, .. })
            | Self::Resume(Answer { configured, .. })
            | Self::End(Answer { configured, .. }) => configured,
        }
    }
}

/// Between whom.
#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The institution's id.
    #[arg(value_name = "INSTITUTION")]
    pub(crate) institution: InstitutionId,
    /// The Page's id.
    #[arg(value_name = "PAGE")]
    pub(crate) page: ChannelId,
}

/// An act of the institution.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) pair: Pair,
    #[command(flatten)]
    pub(crate) configured: Configured,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// What goes with every act.
#[derive(Debug, Args)]
pub(crate) struct Act {
    /// Who does it, for the history: your word, beside which your user number stands. `$USER` if not given.
    #[arg(long, value_name = "NAME", env = "USER")]
    pub(crate) by: Option<String>,
    /// Why, for the history.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KillCommand {
    /// Turn a kill switch on. It works at the next send, also while `serve` runs.
    On {
        #[command(flatten)]
        configured: Configured,
        /// What to stop: `all`, `institution:ID`, `channel:ID`, `customer:ID`, or `purpose:PURPOSE` (such as
        /// `purpose:TransactionUpdate`), everywhere or with `,institution:ID` or `,channel:ID` behind it or both.
        #[arg(long, value_name = "SCOPE")]
        scope: String,
        /// Why, for the list.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Also for an institution or a Page that the configuration does not have (any more).
        #[arg(long)]
        anyway: bool,
    },
    /// Turn a kill switch off.
    Off {
        #[command(flatten)]
        configured: Configured,
        /// Which: as given to `on`.
        #[arg(long, value_name = "SCOPE")]
        scope: String,
    },
    /// List the switches that are on.
    List(Configured),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlarmsCommand {
    /// List the alarms that nobody has closed, newest first: id, when, Page, why, the app that sent it, the platform's
    /// message id. Exits with 1 if there are any.
    List {
        #[command(flatten)]
        configured: Configured,
        /// Closed ones, too.
        #[arg(long)]
        all: bool,
        /// Print one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Close one, when it is known what it was. A kill switch that it turned on stays on. Whoever's chat it was has a
    /// receipt of it, and reads who closed it.
    Close {
        /// Its id, as `list` prints it.
        #[arg(value_name = "ALARM")]
        alarm: String,
        /// Who closes it.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List what was given up, newest first: messages and events with id, when, attempts, why; and records of topics
    /// that could not be read, with their places. Never what they say.
    List(Configured),
    /// Try one again. The gate decides anew: what is not allowed any more is not sent.
    Replay {
        /// The message's id, `msg_…`, or the event's, `event:SHARD/PLACE`, as `list` prints them.
        #[arg(value_name = "MESSAGE")]
        message: String,
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Put another master key in the place of the present one. The gateway may run; it reads the key at its start.
    Rotate {
        #[command(flatten)]
        configured: Configured,
        /// The file with the new key: 64 hexadecimal digits. It is made if it is not there.
        #[arg(long, value_name = "FILE", required_unless_present = "new_command")]
        new: Option<PathBuf>,
        /// Or the program, with its arguments, that wraps and unwraps with a key that somebody else keeps (a key
        /// management service, an HSM): `keys.master_key_command`, docs/keys.md. Must come last.
        #[arg(long, value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true, conflicts_with = "new")]
        new_command: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Print, for each kind of data: for how many days it is kept, how much there is, from when the oldest is, and what
    /// was removed.
    Report(Configured),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// Say the id of a customer, by which `erase`, `kill` and `audit export` know them. Nothing else about them is
    /// shown.
    Find {
        /// The institution, with `--subject`.
        #[arg(long, value_name = "ID", requires = "subject")]
        institution: Option<amana_core::InstitutionId>,
        /// Who they are at the institution: the `sub` of its sign-in. `-` reads it from standard input, so that it
        /// stands in no list of processes.
        #[arg(long, value_name = "SUB", requires = "institution")]
        subject: Option<String>,
        /// The Page's id, with `--person`: whoever was ever linked in that chat.
        #[arg(long, value_name = "PAGE", requires = "person", conflicts_with = "institution")]
        page: Option<ChannelId>,
        /// The person's page-scoped id.
        #[arg(long, value_name = "PERSON", requires = "page")]
        person: Option<Psid>,
        #[command(flatten)]
        configured: Configured,
    },
    /// Erase a customer: take back every consent and the bank's grants, and destroy the keys. It cannot be undone, and
    /// holds against a restored backup of the database.
    Erase {
        /// The customer's id, `cus_…`: `amana customer find` says it.
        #[arg(value_name = "CUSTOMER")]
        customer: amana_core::CustomerId,
        #[command(flatten)]
        configured: Configured,
        /// Do it. Without it, it is only said what would be done.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// The sandbox bank: three institutions with OAuth 2.0 and FDX, their customers, and a till at which things happen.
    ///
    /// It prints one line of JSON when it listens. Every route is described at `/openapi.json` there; pages for people
    /// are at `/INSTITUTION/` and `/INSTITUTION/till`. `POST /INSTITUTION/control/fault` makes it misbehave:
    /// `{"kind":"…"}` with
    /// `too_many_requests`, `unavailable`, `slow`, `server_error`, `nonsense`, `unauthorized`, `partial`, `duplicates`,
    /// `changed_ids`, or `none` to end it all; with `"place":"token"` the token endpoint (there also `other_subject`),
    /// with
    /// `"place":"notifications"` what the bank sends. `…/control/expire` lets a customer's consents run out.
    Bank(SandboxBank),
    /// The Messenger simulator: the Graph API, webhooks, and a chat page.
    Messenger(SandboxMessenger),
}

/// The sandbox bank's security profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxSecurity {
    Green,
    Blue,
}

/// What the sandbox bank binds tokens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxBinding {
    Nothing,
    Dpop,
    Mtls,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxBank {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7601)]
    pub(crate) port: u16,
    /// Where its state is kept.
    #[arg(long, value_name = "DIR", default_value = "./amana-data/bank")]
    pub(crate) data_dir: PathBuf,
    /// Seed of the made-up customers and their year of history; counts when the data directory is new.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Let the made-up customers live on while the bank runs, so many times faster than real: salary, rent, groceries,
    /// purchases abroad, refunds. 1440 makes a day of a minute. Without it things happen only at the till.
    #[arg(long, value_name = "TIMES")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(amana_sandbox_bank::limits::SPEED_UP_MAX)))]
    pub(crate) speed_up: Option<u32>,
    /// A bank's export of your own account, to be loaded as the customer `me` of every institution: OFX 1.x, OFX 2.x,
    /// camt.053 or camt.054. May be given several times. The files stay on this machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) statement: Vec<PathBuf>,
    /// An application that proves itself with a secret, under `green` alone: `ID=SECRET`. May be given several times.
    /// Without any application there is `amana`: under `green` with the secret `sandbox-secret`, under `blue` with a
    /// private key that is made in the data directory.
    #[arg(long, value_name = "ID=SECRET")]
    pub(crate) client: Vec<String>,
    /// An application that proves itself with a key (`private_key_jwt`): `ID=FILE`, the file being its JWKS. May be
    /// given several times.
    #[arg(long, value_name = "ID=FILE")]
    pub(crate) client_keys: Vec<String>,
    /// An application that proves itself with a certificate (`tls_client_auth`): `ID=NAME`, a DNS name in the
    /// certificate. May be given several times.
    #[arg(long, value_name = "ID=NAME", requires = "tls_certificate")]
    pub(crate) client_certificate: Vec<String>,
    /// The security profile: `green` is OAuth 2.0, `blue` is FAPI 2.0 (pushed requests, keys or certificates, bound
    /// tokens). Without it: `blue`, unless `--client` or the `--profile` of a bank that is not so asks for `green`.
    #[arg(long, value_enum, value_name = "PROFILE")]
    pub(crate) security: Option<SandboxSecurity>,
    /// What the tokens of applications with a key are bound to; those with a certificate have theirs bound to it.
    /// Without it: nothing under `green`, `dpop` under `blue`.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) bind: Option<SandboxBinding>,
    /// Applications with a key must sign their authorization requests (RFC 9101).
    #[arg(long)]
    pub(crate) signed_requests: bool,
    /// A second address, over TLS, for applications with certificates: its certificate chain (PEM), a file.
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "client_authorities"])]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key (PEM), a file.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The authorities whose client certificates are taken (PEM), a file.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) client_authorities: Option<PathBuf>,
    /// Its port on 127.0.0.1; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7604, requires = "tls_certificate")]
    pub(crate) tls_port: u16,
    /// Where the applications' browsers come back to. May be given several times.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7600/link/callback")]
    pub(crate) redirect_uri: Vec<String>,
    /// Where events are pushed; the institution's id is put behind it. Without it none are.
    #[arg(long, value_name = "URL", requires = "event_token")]
    pub(crate) event_url: Option<Url>,
    /// The token that goes with the events.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) event_token: Option<String>,
    /// Send events in batches.
    #[arg(long)]
    pub(crate) event_batches: bool,
    /// Accept pushed authorization requests only.
    #[arg(long)]
    pub(crate) require_par: bool,
    /// Give a new refresh token with every refresh.
    #[arg(long)]
    pub(crate) rotate_refresh_tokens: bool,
    /// Look as the bank of this provider profile does (`docs/connect-a-bank.md`); its own switches come first.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SandboxMessenger {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 7602)]
    pub(crate) port: u16,
    /// Where its state is kept; without it, in memory only.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The app's webhook.
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<Url>,
    /// The app's number.
    #[arg(long, value_name = "DIGITS", default_value = crate::sandbox::APP_ID)]
    pub(crate) app_id: String,
    /// The app's secret.
    #[arg(long, value_name = "SECRET", default_value = "sandbox-app-secret")]
    pub(crate) app_secret: String,
    /// The word of the webhook's registration.
    #[arg(long, value_name = "WORD", default_value = "sandbox-verify-token")]
    pub(crate) verify_token: String,
    /// A Page: `ID=TOKEN`, or `ID=TOKEN=NAME`. May be given several times.
    #[arg(long, value_name = "ID=TOKEN[=NAME]", default_value = "1000=sandbox-page-token=Amana")]
    pub(crate) page: Vec<String>,
    /// Refuse calls without `appsecret_proof`.
    #[arg(long)]
    pub(crate) require_proof: bool,
    /// Draw every id from this number, so that runs repeat.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}
