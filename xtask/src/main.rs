//! The repository's own commands: `cargo xtask test`, `tidy`, `ci`, `counts` and `pg`.
//!
//! Every convention that can be checked by a command is one (see `docs/testing.md`). Not here: anything that the
//! product needs at run time.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program talks on its streams")]

mod binaries;
mod ci;
mod counts;
mod jobs;
mod limits;
mod machine;
mod pg;
mod results;
mod run;
mod stop;
mod suites;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::results::Results;
use crate::stop::Stop;
use crate::suites::Part;
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Amana's own commands", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test: cargo's on both stores, the verifiers, then the whole story in a browser. Installs what is
    /// missing.
    Test {
        /// Run only this part.
        #[arg(long)]
        only: Option<Part>,
        /// Leave PostgreSQL's data and the demo's data directory for inspection.
        #[arg(long)]
        keep: bool,
    },
    /// Check the house rules that the compiler does not: arrows between crates, catalogues, sides, lengths, words.
    Tidy {
        /// First wrap comments that are too long; look at the change before you commit it.
        #[arg(long)]
        fix: bool,
    },
    /// All that a change must pass: format, tidy, clippy, test.
    Ci,
    /// Count the instructions of the hot functions and write them down as what this toolchain counts.
    Counts,
    /// Start a throw-away PostgreSQL cluster, print its URL, and stop it on Ctrl-C.
    Pg {
        /// Also write the URL to this file.
        #[arg(long, value_name = "FILE")]
        url_file: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match work(&Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does the task; false when something that was checked failed.
fn work(task: &Task) -> Result<bool> {
    let stop = Stop::watch()?;
    match task {
        Task::Test { only, keep } => Ok(close(&suites::run(&Workspace::find()?, *only, *keep, &stop)?)),
        Task::Tidy { fix } => {
            let workspace = Workspace::find()?;
            if *fix {
                for path in tidy::fix(workspace.root())? {
                    println!("    wrapped: {path}");
                }
            }
            Ok(ci::tidy(&workspace)?.failed() == 0)
        }
        Task::Ci => Ok(close(&ci::run(&Workspace::find()?, &stop)?)),
        Task::Counts => counts::write(&Workspace::find()?, &stop).map(|()| true),
        Task::Pg { url_file } => serve_pg(url_file.as_ref(), &stop).map(|()| true),
    }
}

/// Prints the closing table; true when nothing failed.
fn close(results: &Results) -> bool {
    println!("{}", results.table());
    results.failed() == 0
}

fn serve_pg(url_file: Option<&PathBuf>, stop: &Stop) -> Result<()> {
    machine::ensure(&[pg::NEED], stop)?;
    println!("==> starting PostgreSQL");
    let mut cluster = pg::Cluster::start(stop)?;
    if let Some(file) = url_file {
        std::fs::write(file, format!("{}\n", cluster.url()))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    println!("AMANA_TEST_POSTGRES_URL={}", cluster.url());
    println!("    process {}; Ctrl-C stops it and removes its data", cluster.process_id());
    while !stop.asked() {
        if cluster.gone() {
            bail!("PostgreSQL ended by itself");
        }
        std::thread::sleep(limits::POLL);
    }
    println!("    stopping PostgreSQL");
    Ok(())
}

/// One environment variable of the person who runs the command. The rest of the code takes values, not variables.
#[expect(clippy::disallowed_methods, reason = "this is the program's edge, where the environment is read")]
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
