//! `amana bench`: what this machine carries, measured on the real code.
//!
//! ```text
//! load (open loop: what is due when) ─▶ HTTP ─▶ web ─▶ flow ─▶ store ─▶ (send, webhook) a mock Send API over HTTP
//! ```
//!
//! The load generator, the gateway and the mock share this process, so its processor time is that of all three. Waits
//! are counted from the instant at which a request was *due*, whatever kept it from being sent: a gateway that stalls
//! cannot hide it by slowing the load down. A run in which an event is not accounted for is a failure, never a rate.
//!
//! What is **not** here: the gateway's own code. A figure is only worth something if it is that of what is shipped.

mod decide;
mod load;
mod machine;
mod platform;
mod published;
mod report;
mod rig;
mod runs;
mod start;

use crate::output;
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What `amana bench` is told.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What is measured.
    #[arg(value_enum)]
    pub(crate) what: What,
    /// Events offered per second, whether they are kept up with or not. Each measurement has its own default. Offer
    /// more than the machine carries to see what it carries.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) rate: Option<u32>,
    /// For how long, in seconds, after warming up. Below ten seconds figures tell ratios of two, not of a tenth.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// Warm up for so long before, in seconds; what happens then is accounted for and not timed.
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub(crate) warm_up: u32,
    /// Linked customers, each with a chat, an account and a consent. They are made before anything is timed.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) customers: u32,
    /// Pages over which the chats are spread. The gateway sends at most 250 messages a second for one Page, as the
    /// platform takes 300, whatever the machine. If nothing is said, `webhook` and `send` have a Page for each 200 of
    /// the rate, and the others one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) pages: Option<u16>,
    /// Requests that are on their way at once, at most.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) connections: u16,
    /// Events in one request of `intake`.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) batch: u16,
    /// Of so many events of `intake`, one comes with a consent that is replaced by another; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) change_every: u32,
    /// Where the database is made, in a folder of its own that is removed at the end. It should be on the disk that
    /// the gateway will use.
    #[arg(long, value_name = "DIR", default_value = "./amana-bench")]
    pub(crate) dir: PathBuf,
    /// A folder of `start` is taken up again: what that runs itself.
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub(crate) again: Option<PathBuf>,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// In memory, on one thread: parse an event, decide, put into words, seal, hash, sign; each apart, then all of a
    /// disclosure at the rate.
    Decide,
    /// Receipts into the store and the disclosure log, durable, one in each submission.
    Log,
    /// A bank's events in `CloudEvents` batches over HTTP, until each is decided and durable as receipt, log entry and
    /// sealed message. Nothing is sent.
    Intake,
    /// A chat's webhooks over HTTP: signature, durable, 200; then the answer at the mock platform.
    Webhook,
    /// A bank's single events over HTTP, each until its message is at the mock platform, in order, with its outcome.
    Send,
    /// A process of its own over a database with the linked customers, as after a restart: how long until it is ready,
    /// and its memory. Offers no load.
    Start,
    /// All of them, one after the other.
    All,
}

impl What {
    /// What it is called in reports and folders.
    fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Log => "log",
            Self::Intake => "intake",
            Self::Webhook => "webhook",
            Self::Send => "send",
            Self::Start => "start",
            Self::All => "all",
        }
    }

    /// Over how many Pages the chats are spread if nothing else is said.
    fn pages(self, rate: u32) -> u16 {
        match self {
            Self::Webhook | Self::Send => {
                u16::try_from(rate.div_ceil(A_PAGES_RATE)).map_or(1_000, |n| n.clamp(1, 1_000))
            }
            Self::Decide | Self::Log | Self::Intake | Self::Start | Self::All => 1,
        }
    }

    /// Events per second that are offered if nothing else is said: what a small machine keeps up with.
    fn rate(self) -> u32 {
        match self {
            Self::Decide => 20_000,
            Self::Log => 5_000,
            // `start` offers nothing.
            Self::Intake | Self::Start | Self::All => 1_000,
            Self::Webhook | Self::Send => 200,
        }
    }
}

/// How many messages a second a Page is to take where nothing else is said: fewer than the gateway sends for one, so
/// that it is the machine that is measured.
const A_PAGES_RATE: u32 = 200;

/// One measurement's orders.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    rate: u32,
    seconds: u32,
    warm_up: u32,
    customers: u32,
    pages: u16,
    connections: u16,
    batch: u16,
    change_every: u32,
    quiet: bool,
}

/// Measures, and says what came of it. Fails where something was lost.
///
/// # Errors
/// When a part cannot be made, or a request is refused.
pub(crate) async fn bench(args: &Bench) -> anyhow::Result<ExitCode> {
    let all = [What::Decide, What::Log, What::Intake, What::Webhook, What::Send, What::Start];
    let todo: Vec<What> =
        all.into_iter().filter(|what| args.what == What::All || args.what == *what).collect();
    let mut good = true;
    let mut documents = Vec::new();
    for what in todo {
        let rate = args.rate.unwrap_or(what.rate());
        let plan = Plan {
            rate,
            seconds: args.seconds,
            warm_up: args.warm_up,
            customers: args.customers,
            pages: args.pages.unwrap_or(what.pages(rate)),
            connections: args.connections,
            batch: args.batch,
            change_every: args.change_every,
            quiet: args.json,
        };
        if let Some(folder) = &args.again {
            start::again(&plan, folder).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let report = in_folder(&args.dir, what, &plan).await?;
        good &= report.is_good();
        if args.json {
            documents.push(report.document());
        } else {
            output::text(&report.table());
        }
    }
    if args.json {
        let document = serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "runs": documents });
        output::line(&document.to_string());
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One measurement, in a new folder that is gone afterwards.
async fn in_folder(dir: &Path, what: What, plan: &Plan) -> anyhow::Result<Report> {
    let name = format!("{}-{}", what.name(), crate::ambient::OsEntropy::hex::<6>());
    let folder = dir.join(name);
    std::fs::create_dir_all(&folder).with_context(|| {
        format!("the folder `{}` cannot be made: choose another with `--dir`", folder.display())
    })?;
    let report = match what {
        What::Decide | What::All => decide::run(plan, &folder).await,
        What::Log => runs::log(plan, &folder).await,
        What::Intake => runs::intake(plan, &folder).await,
        What::Webhook => runs::webhook(plan, &folder).await,
        What::Send => runs::send(plan, &folder).await,
        What::Start => start::run(plan, &folder).await,
    };
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, "the bench's folder stays behind");
    }
    report
}

/// A line of progress on standard error, unless one document is wanted.
fn progress(quiet: bool, text: &str) {
    use std::io::Write as _;
    if !quiet {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// A span of whole seconds.
fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}
