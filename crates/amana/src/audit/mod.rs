//! `amana audit`: everything that anyone can check of the disclosure log, and what an operator exports of it.

mod export;
pub(crate) mod http;
mod log;
mod verify;
mod witness;

use crate::cli::Configured;
use amana_core::Psid;
use clap::Subcommand;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Verify a customer's bundle: that it holds every receipt, and that the log holds each. Needs no configuration.
    ///
    /// Exits with 1 when the bundle is refused, and says by which rule of docs/disclosure-log.md; also when a part of
    /// it is missing.
    Verify {
        /// The bundle, as the privacy page gives it; `-` reads standard input. Of a bundle in parts all of them, in
        /// order.
        #[arg(value_name = "BUNDLE", required = true)]
        bundles: Vec<PathBuf>,
        /// The log's key from a place you trust. Without it the bundle's own is believed, which proves less.
        #[arg(long, value_name = "VKEY")]
        vkey: Option<String>,
        /// A policy file: which witnesses must have cosigned.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// A bundle (its last part) or a checkpoint that you saved earlier: the log must have grown from it, and of a
        /// bundle every receipt must be there again, under the same key.
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Rebuild the whole public log: every index and every root, from the tiles alone. Needs no configuration.
    ///
    /// Exits with 1 at the first thing that is wrong. No customer's data is needed, and none is seen.
    Log {
        /// The log's address, such as `https://amana.bank.example/log`.
        #[arg(long, value_name = "URL", required_unless_present = "dir", conflicts_with = "dir")]
        url: Option<url::Url>,
        /// A folder with the log's files, instead.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// The log's key from a place you trust.
        #[arg(long, value_name = "VKEY")]
        vkey: String,
        /// A policy file: which witnesses must have cosigned.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Where to keep what was checked: the next run goes on from there, and sees a rewritten log.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Be a witness (C2SP `tlog-witness`): cosign checkpoints that only grow. Anyone can run one.
    Witness {
        /// Where to listen.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7610")]
        listen: SocketAddr,
        /// The witness's name, such as `witness.example.org/amana`.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The log's key. May be given several times.
        #[arg(long, value_name = "VKEY", required = true)]
        log: Vec<String>,
        /// Where key and state are kept; made at the first start.
        #[arg(long, value_name = "DIR", default_value = "./amana-witness")]
        data_dir: PathBuf,
    },
    /// Hold the platform's own record of a thread ("download your information", JSON) against the receipts.
    ///
    /// For each message of the Page it is shown which receipt covers it, or that none does; what it says is not
    /// printed. Exits with 1 if one is not covered.
    Reconcile {
        #[command(flatten)]
        configured: Configured,
        /// The folder of the export, or of one thread in it.
        #[arg(long, value_name = "DIR")]
        export: PathBuf,
        /// The Page's name in the export; without it the thread's title.
        #[arg(long, value_name = "NAME")]
        page: Option<String>,
        /// Whose thread it is, by the page-scoped id. Without it, the person to whom most of its words were sent.
        #[arg(long, value_name = "PERSON")]
        person: Option<Psid>,
        /// Who looks, for the customer's record: your word, beside which your user number stands. `$USER` if not given.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: Option<String>,
        /// Print the result as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a customer's bundle, on their request. It is a view in their receipts.
    Export {
        #[command(flatten)]
        configured: Configured,
        /// The customer, `cus_…`.
        #[arg(long, value_name = "ID")]
        customer: String,
        /// The size of the checkpoint that the customer saved last.
        #[arg(long, value_name = "SIZE")]
        since: Option<u64>,
        /// Who looks, for the customer's record: your word, beside which your user number stands. `$USER` if not given.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: Option<String>,
        /// The file to write; standard output if it is not said. Of a bundle in parts the second is written to
        /// `FILE.2`, and so on, or each to a line.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the log's key, which verifiers and witnesses pin.
    Key(Configured),
}

/// Runs one of them.
///
/// # Errors
/// When what is given cannot be read or used.
pub(crate) async fn run(command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Verify { bundles, vkey, policy, since, json } => {
            verify::verify(&bundles, vkey, policy.as_deref(), since.as_deref(), json)
        }
        AuditCommand::Log { url, dir, vkey, policy, state, json } => {
            log::log(log::Ask { url, dir, vkey, policy, state, json }).await
        }
        AuditCommand::Witness { listen, name, log, data_dir } => {
            witness::witness(listen, &name, &log, &data_dir).await
        }
        AuditCommand::Reconcile { configured, export, page, person, by, json } => {
            let settings = crate::load_quietly(&configured)?;
            let asked = crate::audit_reconcile::Asked { page, person, by, json };
            let covered = crate::audit_reconcile::reconcile(&settings, &export, asked).await?;
            Ok(if covered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        AuditCommand::Key(configured) => export::key(&configured),
        AuditCommand::Export { configured, customer, since, out, by } => {
            export::export(&configured, &customer, since, out.as_deref(), by.as_deref()).await
        }
    }
}
