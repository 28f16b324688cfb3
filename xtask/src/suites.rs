//! `cargo xtask test`: everything that tests the product, in one command, on a machine that had nothing set up.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::binaries;
use crate::jobs::{self, Job};
use crate::limits;
use crate::machine::{self, Need};
use crate::pg::{self, Cluster};
use crate::results::{self, Results};
use crate::run::{Ended, Env, Step};
use crate::stop::Stop;
use crate::workspace::Workspace;

/// The variable that tells the store's tests where PostgreSQL is.
const PG_VARIABLE: &str = "AMANA_TEST_POSTGRES_URL";
/// Where the times of the last run are kept, in the target folder: what takes longest begins first.
const TIMES_FILE: &str = "test-times";

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// `cargo test --workspace`: unit, property, conformance on both stores, end to end over HTTP.
    Unit,
    /// The two verifiers in JavaScript over all test vectors, and against each other.
    Verifiers,
    /// The whole story in a headless browser, in English and Arabic, with accessibility checks.
    Browser,
}

/// What every part needs.
const BUILD_NEEDS: [Need; 1] = [Need {
    what: "a C compiler (`cc`)",
    packages: &["gcc", "libc6-dev"],
    present: || machine::on_path("cc").is_some(),
}];

/// What the verifiers in JavaScript need.
const NODE_NEED: Need =
    Need { what: "Node.js", packages: &["nodejs"], present: || machine::on_path("node").is_some() };

/// What the proofs over policies need. (The product itself goes without: it then checks policies more narrowly.)
const SOLVER_NEED: Need =
    Need { what: "the solver `cvc5`", packages: &["cvc5"], present: || machine::on_path("cvc5").is_some() };

/// What the browser story needs.
const BROWSER_NEEDS: [Need; 4] = [
    Need { what: "Chromium", packages: &["chromium"], present: || chromium().is_some() },
    NODE_NEED,
    Need { what: "npm", packages: &["npm"], present: || machine::on_path("npm").is_some() },
    Need {
        what: "a font with Arabic letters (`fc-list :lang=ar`)",
        packages: &["fontconfig", "fonts-noto-core"],
        present: has_arabic_font,
    },
];

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
        .iter()
        .find_map(|name| machine::on_path(name))
}

fn has_arabic_font() -> bool {
    Command::new("fc-list")
        .arg(":lang=ar")
        .output()
        .is_ok_and(|out| out.status.success() && !out.stdout.is_empty())
}

/// Runs the chosen part, or all; returns the rows of the closing table.
///
/// # Errors
/// When something is missing that cannot be installed, when a server does not start, and when the person asked to stop.
/// Failed tests are no error here: they are in the rows.
pub(crate) fn run(workspace: &Workspace, only: Option<Part>, keep: bool, stop: &Stop) -> Result<Results> {
    let wants = |part: Part| only.is_none_or(|chosen| chosen == part);
    let mut needs: Vec<Need> = BUILD_NEEDS.into();
    if wants(Part::Unit) {
        needs.extend([pg::NEED, SOLVER_NEED]);
    }
    if only == Some(Part::Verifiers) {
        needs.push(NODE_NEED);
    }
    if wants(Part::Browser) {
        needs.extend(BROWSER_NEEDS);
    }
    machine::ensure(&needs, stop)?;

    // Everything is built first, so that no test is timed beside a compiler.
    let mut jobs = Vec::new();
    let mut cluster = None;
    if wants(Part::Unit) {
        let binaries = match binaries::build(workspace, stop)? {
            Ok(binaries) => binaries,
            Err(unbuilt) => return Ok(unbuilt),
        };
        println!("==> starting a throw-away PostgreSQL");
        let started = Cluster::start(stop)?;
        let mut env = workspace.cargo_env();
        env.insert(PG_VARIABLE.to_owned(), started.url().to_owned());
        cluster = Some(started);
        for binary in binaries {
            let step = binary.step(workspace, &env);
            let name = binary.name();
            jobs.push(Job::new(name.clone(), move || {
                let ended = step.run(stop)?;
                Ok((results::binary(&binary, &ended.output, ended.success, ended.elapsed), ended))
            }));
        }
        let words =
            [workspace.cargo().as_os_str(), "test".as_ref(), "--workspace".as_ref(), "--doc".as_ref()];
        let step =
            Step::new("documentation", words, limits::UNIT_WAIT).folder(workspace.root()).env(&env).quiet();
        jobs.push(Job::new("documentation", move || {
            let ended = step.run(stop)?;
            Ok((results::cargo(&ended.output, ended.success, ended.elapsed), ended))
        }));
    }
    if wants(Part::Verifiers) {
        jobs.push(Job::new("verifiers", || {
            let step =
                Step::new("the verifiers over all vectors", ["node", "test.mjs"], limits::VERIFIERS_WAIT);
            let ended = step.folder(workspace.root().join("verifiers")).quiet().run(stop)?;
            Ok((results::script("verifiers", &ended.output, ended.success, ended.elapsed), ended))
        }));
    }
    if wants(Part::Browser) {
        if let Some(unbuilt) = prepare_browser(workspace, stop)? {
            return Ok(unbuilt);
        }
        jobs.push(Job::new("browser story", || browser(workspace, keep, stop)));
    }
    let results = jobs::run(jobs, &workspace.target().join(TIMES_FILE));
    if let Some(cluster) = cluster.filter(|_| keep)
        && let Some(folder) = cluster.stop_and_keep()
    {
        println!("    kept: PostgreSQL's data and log in {}", folder.display());
    }
    results
}

/// Builds the binary and installs the packages that the story drives; the rows of the failure where that fails.
fn prepare_browser(workspace: &Workspace, stop: &Stop) -> Result<Option<Results>> {
    let built = Step::new(
        "cargo build --package amana",
        [workspace.cargo().as_os_str(), "build".as_ref(), "--package".as_ref(), "amana".as_ref()],
        limits::UNIT_WAIT,
    )
    .folder(workspace.root())
    .env(&workspace.cargo_env())
    .run(stop)?;
    if !built.success {
        return Ok(Some(Results::failed_step("browser story: build", built.elapsed)));
    }
    install_packages(&workspace.root().join("e2e"), stop)?;
    Ok(None)
}

fn browser(workspace: &Workspace, keep: bool, stop: &Stop) -> Result<(Results, Ended)> {
    let mut env = Env::new();
    let binary = workspace.target().join("debug/amana");
    env.insert("AMANA_BIN".to_owned(), binary.display().to_string());
    let chromium = chromium().context("Chromium was here a moment ago and is gone")?;
    env.insert("CHROMIUM".to_owned(), chromium.display().to_string());
    if keep {
        env.insert("AMANA_E2E_KEEP".to_owned(), "1".to_owned());
    }
    let title = "the story in a browser, English and Arabic";
    let step = Step::new(title, ["node", "story.mjs"], limits::BROWSER_WAIT);
    let ended = step.folder(workspace.root().join("e2e")).env(&env).quiet().run(stop)?;
    Ok((results::script("browser story", &ended.output, ended.success, ended.elapsed), ended))
}

/// `npm ci`, unless the packages of this very lock file are installed.
fn install_packages(folder: &Path, stop: &Stop) -> Result<()> {
    let lock =
        std::fs::read(folder.join("package-lock.json")).context("cannot read e2e/package-lock.json")?;
    let installed = folder.join("node_modules/.installed-from");
    if std::fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(());
    }
    let ended = Step::new(
        "npm ci (e2e/)",
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        limits::INSTALL_WAIT,
    )
    .folder(folder)
    .quiet()
    .run(stop)?;
    if !ended.success {
        bail!("`npm ci` failed in e2e/; its last lines:\n{}", ended.tail());
    }
    std::fs::write(&installed, lock).context("cannot write in e2e/node_modules")
}
