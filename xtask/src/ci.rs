//! `cargo xtask ci`: all that a change must pass, every check run even when an earlier one failed, so that one run
//! tells all there is to mend.

use std::time::Instant;

use anyhow::Result;

use crate::limits;
use crate::machine;
use crate::results::{Results, Suite};
use crate::run::{Step, seconds};
use crate::stop::Stop;
use crate::suites;
use crate::tidy;
use crate::workspace::Workspace;

/// Runs format, clippy, tidy, the licence and ban check where it is installed, and all tests.
///
/// # Errors
/// Only when a check could not be run at all. What it found is in the rows.
pub(crate) fn run(workspace: &Workspace, stop: &Stop) -> Result<Results> {
    crate::machine::ensure(&suites::BUILD_NEEDS, stop)?;
    let mut results = Results::default();
    let cargo = |name: &str, arguments: &[&str]| -> Result<Results> {
        let mut words = vec![workspace.cargo().as_os_str().to_owned()];
        words.extend(arguments.iter().map(Into::into));
        let step = Step::new(format!("cargo {}", arguments.join(" ")), words, limits::UNIT_WAIT);
        let ended = step.folder(workspace.root()).env(&workspace.cargo_env()).run(stop)?;
        if ended.output.contains("is not installed for the toolchain") {
            println!("    install with: rustup component add rustfmt clippy");
        }
        Ok(Results {
            suites: vec![Suite::step(name, ended.success, ended.elapsed)],
            failures: if ended.success { Vec::new() } else { vec![format!("{name}: see above")] },
        })
    };
    results.add(cargo("format", &["fmt", "--all", "--check"])?);
    results.add(tidy(workspace)?);
    results.add(cargo("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?);
    if machine::on_path("cargo-deny").is_some() {
        results.add(cargo("deny", &["deny", "--offline", "check", "bans", "licenses", "sources"])?);
    } else {
        // The one ban that matters most, a second TLS stack, is checked by tidy as well.
        println!("==> cargo deny: not run, because cargo-deny is not installed");
    }
    results.add(suites::run(workspace, None, false, stop)?);
    Ok(results)
}

/// Runs `tidy` and prints what it found; one row.
///
/// # Errors
/// When the repository cannot be read.
pub(crate) fn tidy(workspace: &Workspace) -> Result<Results> {
    println!("==> tidy");
    let started = Instant::now();
    let (files, findings) = tidy::check(workspace.root(), workspace.cargo())?;
    for finding in &findings {
        println!("{finding}");
    }
    let good = findings.is_empty();
    let word = if good { "ok" } else { "FAILED" };
    println!("    {word}: {files} files, {} findings ({})", findings.len(), seconds(started.elapsed()));
    Ok(Results {
        suites: vec![Suite::step("tidy", good, started.elapsed())],
        failures: findings.iter().map(|finding| format!("tidy: {finding}")).collect(),
    })
}
