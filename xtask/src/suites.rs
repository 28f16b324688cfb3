//! `cargo xtask test`: everything that tests the product, in one command, on a machine that had nothing set up.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
    /// Instructions of the hot functions under valgrind, against those of the repository.
    Counts,
    /// Other people's clients and bots against the simulator and the sandbox bank, and our connector against another
    /// one's authorization server.
    Outside,
}

/// What every part needs.
pub(crate) const BUILD_NEEDS: [Need; 3] = [
    Need {
        what: "a C compiler (`cc`)",
        packages: &["gcc", "libc6-dev"],
        present: || machine::on_path("cc").is_some(),
    },
    // librdkafka is configured with both, though only its C is linked.
    Need {
        what: "a C++ compiler (`c++`)",
        packages: &["g++"],
        present: || machine::on_path("c++").is_some(),
    },
    Need { what: "`make`", packages: &["make"], present: || machine::on_path("make").is_some() },
];

/// What the verifiers in JavaScript need.
const NODE_NEED: Need =
    Need { what: "Node.js", packages: &["nodejs"], present: || machine::on_path("node").is_some() };

/// What the proofs over policies need. (The product itself goes without: it then checks policies more narrowly.)
const SOLVER_NEED: Need =
    Need { what: "the solver `cvc5`", packages: &["cvc5"], present: || machine::on_path("cvc5").is_some() };

/// What installs packages of JavaScript.
const NPM_NEED: Need =
    Need { what: "npm", packages: &["npm"], present: || machine::on_path("npm").is_some() };

/// The oldest Node.js with which every program in `outside/` runs. With an older one `oidc-provider` fails in its
/// middle, with a message about syntax or a missing function.
const OUTSIDE_NODE: (u32, u32) = (20, 12);

/// What the outside proofs need.
const OUTSIDE_NEEDS: [Need; 3] = [
    Need {
        what: "Node.js 20.12 or later (`node --version`; `oidc-provider` does not run with an older one)",
        packages: &["nodejs"],
        present: || machine::node_version().is_some_and(|version| version >= OUTSIDE_NODE),
    },
    NPM_NEED,
    Need {
        what: "Python 3 with `venv` and `pip` (`python3 -m venv`)",
        packages: &["python3", "python3-venv"],
        present: has_venv,
    },
];

fn has_venv() -> bool {
    Command::new("python3")
        .args(["-c", "import venv, ensurepip"])
        .output()
        .is_ok_and(|out| out.status.success())
}

/// What the browser story needs.
const BROWSER_NEEDS: [Need; 4] = [
    Need { what: "Chromium", packages: &["chromium"], present: || chromium().is_some() },
    NODE_NEED,
    NPM_NEED,
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
    if wants(Part::Counts) {
        needs.push(crate::counts::NEED);
    }
    if wants(Part::Outside) {
        needs.extend(OUTSIDE_NEEDS);
    }
    machine::ensure(&needs, stop)?;

    // Everything is built first, so that no test is timed beside a compiler.
    let mut jobs = Vec::new();
    let mut unprepared = Results::default();
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
    if wants(Part::Counts) {
        match crate::counts::prepare(workspace, stop) {
            // What is counted does not hang on what runs beside it.
            Ok(()) => jobs.push(Job::new("counts", || crate::counts::check(workspace, stop))),
            // All else is tried all the same.
            Err(error) => {
                println!("    FAILED: counts: {error:#}");
                unprepared.add(Results::failed_step("counts: could not be built", Duration::ZERO));
            }
        }
    }
    if wants(Part::Verifiers) {
        jobs.push(Job::new("verifiers", || {
            let step =
                Step::new("the verifiers over all vectors", ["node", "test.mjs"], limits::VERIFIERS_WAIT);
            let ended = step.folder(workspace.root().join("verifiers")).quiet().run(stop)?;
            Ok((results::script("verifiers", &ended.output, ended.success, ended.elapsed), ended))
        }));
    }
    // The build of all tests makes both programs, too; built by themselves they have other features, and with them
    // nearly every dependency would be built once more.
    let alone = !wants(Part::Unit);
    if alone
        && (wants(Part::Browser) || wants(Part::Outside))
        && let Some(unbuilt) = build_binary(workspace, &["--package", "amana"], stop)?
    {
        return Ok(unbuilt);
    }
    if alone
        && wants(Part::Outside)
        && let Some(unbuilt) =
            build_binary(workspace, &["--package", "amana-bank", "--example", "drive"], stop)?
    {
        return Ok(unbuilt);
    }
    if wants(Part::Browser) {
        install_packages(&workspace.root().join("e2e"), stop)?;
        jobs.push(Job::new("browser story", || browser(workspace, keep, stop)));
    }
    if wants(Part::Outside) {
        install_packages(&workspace.root().join("outside"), stop)?;
        let python = install_python(workspace, stop)?;
        for (name, script) in [
            ("Meta's SDK", &["sdk.py"] as &[&str]),
            ("schemathesis, a secret", &["openapi.py", "secret"]),
            ("schemathesis, DPoP", &["openapi.py", "dpop"]),
            ("schemathesis, mutual TLS", &["openapi.py", "mtls"]),
        ] {
            let mut words = vec![python.clone().into_os_string()];
            words.extend(script.iter().map(OsString::from));
            jobs.push(Job::new(format!("outside: {name}"), move || outside(workspace, words, stop)));
        }
        for script in ["clients.mjs", "bank.mjs", "connector.mjs"] {
            let words = vec!["node".into(), script.into()];
            jobs.push(Job::new(format!("outside: {script}"), move || outside(workspace, words, stop)));
        }
    }
    let results = jobs::run(jobs, &workspace.target().join(TIMES_FILE)).map(|mut results| {
        results.add(unprepared);
        results
    });
    if let Some(cluster) = cluster.filter(|_| keep)
        && let Some(folder) = cluster.stop_and_keep()
    {
        println!("    kept: PostgreSQL's data and log in {}", folder.display());
    }
    results
}

/// Builds a program that the story or the outside proofs start; the rows of the failure where that fails.
fn build_binary(workspace: &Workspace, which: &[&str], stop: &Stop) -> Result<Option<Results>> {
    let title = format!("cargo build {}", which.join(" "));
    let mut words = vec![workspace.cargo().as_os_str().to_owned(), "build".into()];
    words.extend(which.iter().map(OsString::from));
    let built = Step::new(title.as_str(), words, limits::UNIT_WAIT)
        .folder(workspace.root())
        .env(&workspace.cargo_env())
        .run(stop)?;
    Ok((!built.success).then(|| Results::failed_step(&format!("`{title}`"), built.elapsed)))
}

/// One script of `outside/` against servers of its own.
fn outside(workspace: &Workspace, words: Vec<OsString>, stop: &Stop) -> Result<(Results, Ended)> {
    let mut env = Env::new();
    env.insert("AMANA_BIN".to_owned(), workspace.target().join("debug/amana").display().to_string());
    let drive = workspace.target().join("debug/examples/drive");
    env.insert("AMANA_DRIVE".to_owned(), drive.display().to_string());
    let script: Vec<_> = words.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let title = format!("outside: {}", script.join(" "));
    let step = Step::new(title, words, limits::OUTSIDE_WAIT);
    let ended = step.folder(workspace.root().join("outside")).env(&env).quiet().run(stop)?;
    Ok((results::script("outside", &ended.output, ended.success, ended.elapsed), ended))
}

/// A Python environment in the target folder with the packages of `outside/requirements.txt`, unless the packages of
/// this very file are installed; gives its interpreter.
fn install_python(workspace: &Workspace, stop: &Stop) -> Result<PathBuf> {
    let list = workspace.root().join("outside/requirements.txt");
    let wanted = std::fs::read(&list).context("cannot read outside/requirements.txt")?;
    let folder = workspace.target().join("outside/venv");
    let python = folder.join("bin/python");
    let installed = folder.join(".installed-from");
    if std::fs::read(&installed).is_ok_and(|from| from == wanted) && machine::is_program(&python) {
        return Ok(python);
    }
    let run = |title: &str, words: Vec<OsString>| {
        let ended = Step::new(title, words, limits::INSTALL_WAIT).quiet().run(stop)?;
        if !ended.success {
            bail!("`{title}` failed; its last lines:\n{}", ended.tail());
        }
        Ok(())
    };
    run(
        "python3 -m venv (target/outside/)",
        vec!["python3".into(), "-m".into(), "venv".into(), "--clear".into(), folder.into()],
    )?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    let mut words = vec![python.clone().into_os_string()];
    words.extend(pip.map(OsString::from));
    words.push(list.into());
    run("pip install (outside/requirements.txt)", words)?;
    std::fs::write(&installed, wanted).context("cannot write in target/outside")?;
    Ok(python)
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
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let lock = std::fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("cannot read {name}/package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-from");
    if std::fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(());
    }
    let ended = Step::new(
        format!("npm ci ({name}/)"),
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        limits::INSTALL_WAIT,
    )
    .folder(folder)
    .quiet()
    .run(stop)?;
    if !ended.success {
        bail!("`npm ci` failed in {name}/; its last lines:\n{}", ended.tail());
    }
    std::fs::write(&installed, lock).with_context(|| format!("cannot write in {name}/node_modules"))
}
