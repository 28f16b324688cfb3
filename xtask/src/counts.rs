//! Instructions of the hot functions (`counts/`), counted under valgrind and held against those of the repository: a
//! regression of ten percent fails, whatever the machine is doing beside.
//!
//! A count depends on the compiler, the target and the valgrind that counted it, so each combination has its own in
//! `counts/counts.json`. `cargo xtask counts` writes those of this machine's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::limits;
use crate::machine::{self, Need};
use crate::results::{Results, Suite};
use crate::run::{Ended, Step};
use crate::stop::Stop;
use crate::workspace::Workspace;

/// What counts.
pub(crate) const NEED: Need = Need {
    what: "valgrind (it counts instructions)",
    packages: &["valgrind"],
    present: || machine::on_path("valgrind").is_some(),
};

/// The version of gungraun in `counts/Cargo.toml`: its runner must be the same.
const RUNNER_VERSION: &str = "0.20.0";
/// Where the counts are kept.
const FILE: &str = "counts/counts.json";

/// Instructions by function and case.
type Counts = BTreeMap<String, u64>;
/// The counts of each toolchain.
type Kept = BTreeMap<String, Counts>;

/// Installs the runner and builds what is counted.
///
/// # Errors
/// When either cannot be done, with the last lines of why.
pub(crate) fn prepare(workspace: &Workspace, stop: &Stop) -> Result<()> {
    runner(workspace, stop)?;
    let ended = bench(workspace, &["--no-run"]).run(stop)?;
    if !ended.success {
        bail!("what is counted does not build; the last lines:\n{}", ended.tail());
    }
    Ok(())
}

/// Counts, and compares with what is kept for this toolchain.
///
/// # Errors
/// When it cannot be counted.
pub(crate) fn check(workspace: &Workspace, stop: &Stop) -> Result<(Results, Ended)> {
    let (counted, ended) = count(workspace, stop)?;
    let toolchain = toolchain(workspace)?;
    let kept = read(&workspace.root().join(FILE))?;
    let Some(before) = kept.get(&toolchain) else {
        println!(
            "    counts: not compared: `{FILE}` has none of `{toolchain}`, only of {}; `cargo xtask counts` adds them",
            kept.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        );
        let suite = Suite {
            name: "counts".to_owned(),
            passed: 0,
            failed: 0,
            skipped: counted.len(),
            elapsed: ended.elapsed,
        };
        return Ok((Results { suites: vec![suite], failures: Vec::new() }, ended));
    };
    let failures = worse(before, &counted);
    for line in better(before, &counted) {
        println!("    counts: {line}");
    }
    let suite = Suite {
        name: "counts".to_owned(),
        passed: counted.len().saturating_sub(failures.len()),
        failed: failures.len(),
        skipped: 0,
        elapsed: ended.elapsed,
    };
    Ok((Results { suites: vec![suite], failures }, ended))
}

/// Counts, and writes it down as what this toolchain counts.
///
/// # Errors
/// When it cannot be counted or written.
pub(crate) fn write(workspace: &Workspace, stop: &Stop) -> Result<()> {
    machine::ensure(&[NEED], stop)?;
    prepare(workspace, stop)?;
    let (counted, _) = count(workspace, stop)?;
    let file = workspace.root().join(FILE);
    let (mut kept, toolchain) = (read(&file)?, toolchain(workspace)?);
    for (name, instructions) in &counted {
        println!("    {name:<24} {instructions:>12}");
    }
    println!("    of `{toolchain}`, into `{FILE}`");
    kept.insert(toolchain, counted);
    let text = serde_json::to_string_pretty(&kept).context("counts are numbers")?;
    std::fs::write(&file, format!("{text}\n")).with_context(|| format!("cannot write `{FILE}`"))
}

/// What got worse by more than the limit, and what is not known.
fn worse(before: &Counts, now: &Counts) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, now) in now {
        match before.get(name) {
            None => failures.push(format!(
                "counts {name}: none is kept (now {now} instructions); `cargo xtask counts` writes it down"
            )),
            Some(before) if more_than_allowed(*before, *now) => failures.push(format!(
                "counts {name}: {now} instructions, {} % more than the {before} of `{FILE}`; make it cheaper, or say in \
                 the commit why it must cost more and write it down with `cargo xtask counts`",
                percent(*before, *now)
            )),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    failures.extend(gone.map(|name| format!("counts {name}: it is in `{FILE}` and was not counted")));
    failures
}

/// What got cheaper by more than the limit: as long as it is not written down it may get worse again unseen.
fn better(before: &Counts, now: &Counts) -> Vec<String> {
    let cheaper = |(name, now): (&String, &u64)| {
        let before = before.get(name).filter(|before| more_than_allowed(*now, **before))?;
        Some(format!("{name}: {now} instructions, {before} before: write it down with `cargo xtask counts`"))
    };
    now.iter().filter_map(cheaper).collect()
}

fn more_than_allowed(before: u64, now: u64) -> bool {
    now.saturating_mul(100) > before.saturating_mul(100 + limits::COUNTS_WORSE_PERCENT_MAX)
}

fn percent(before: u64, now: u64) -> u64 {
    now.saturating_sub(before).saturating_mul(100) / before.max(1)
}

/// `cargo bench` in `counts/`, which builds in a folder of its own.
fn bench(workspace: &Workspace, more: &[&str]) -> Step {
    let mut env = workspace.cargo_env();
    let target = workspace.target().join("counts");
    // The benches look for their runner on the path. (Its own variable would be built into them.)
    let tools = runner_path(workspace).parent().map(Path::to_owned).unwrap_or_default();
    let before = crate::env("PATH").unwrap_or_default();
    env.insert("PATH".to_owned(), format!("{}:{before}", tools.display()));
    env.insert("GUNGRAUN_HOME".to_owned(), home(workspace).display().to_string());
    env.insert("CARGO_TARGET_DIR".to_owned(), target.display().to_string());
    let mut words = vec![workspace.cargo().as_os_str().to_owned()];
    words.extend(["bench", "--locked"].iter().chain(more).map(Into::into));
    let title = format!("cargo bench --locked {} (counts/)", more.join(" "));
    Step::new(title, words, limits::UNIT_WAIT).folder(workspace.root().join("counts")).env(&env).quiet()
}

/// Where callgrind's files go.
fn home(workspace: &Workspace) -> PathBuf {
    workspace.target().join("counts/gungraun")
}

fn count(workspace: &Workspace, stop: &Stop) -> Result<(Counts, Ended)> {
    let home = home(workspace);
    if home.exists() {
        std::fs::remove_dir_all(&home).context("cannot clear target/counts/gungraun")?;
    }
    let ended = bench(workspace, &[]).run(stop)?;
    if !ended.success {
        bail!("the counting failed; its last lines:\n{}", ended.tail());
    }
    let mut counts = Counts::new();
    collect(&home, &mut counts)?;
    if counts.is_empty() {
        bail!("gungraun left no counts in target/counts/gungraun; its last lines:\n{}", ended.tail());
    }
    Ok((counts, ended))
}

/// Reads every `callgrind.FUNCTION.CASE.out` below a folder.
fn collect(folder: &Path, counts: &mut Counts) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry.context("an entry of a folder")?.path();
        if path.is_dir() {
            collect(&path, counts)?;
            continue;
        }
        let name = path.file_name().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let Some(name) = name.strip_prefix("callgrind.").and_then(|rest| rest.strip_suffix(".out")) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).context("callgrind's output is no text")?;
        let instructions = instructions(&text)
            .with_context(|| format!("`{}` has no `summary:` of instructions", path.display()))?;
        counts.insert(name.to_owned(), instructions);
    }
    Ok(())
}

/// The first event of a profile's summary: `Ir`, by the `events:` line before it.
fn instructions(profile: &str) -> Option<u64> {
    let of = |key: &str| profile.lines().find_map(|line| line.strip_prefix(key));
    let place = of("events:")?.split_whitespace().position(|event| event == "Ir")?;
    of("summary:").or_else(|| of("totals:"))?.split_whitespace().nth(place)?.parse().ok()
}

/// The runner, installed into the target folder in the version that the benches need.
fn runner(workspace: &Workspace, stop: &Stop) -> Result<()> {
    let (root, runner) = (workspace.target().join("tools"), runner_path(workspace));
    let version = Command::new(&runner).arg("--version").output().ok().filter(|out| out.status.success());
    if version.is_some_and(|out| String::from_utf8_lossy(&out.stdout).contains(RUNNER_VERSION)) {
        return Ok(());
    }
    let version = format!("={RUNNER_VERSION}");
    let mut words = vec![workspace.cargo().as_os_str().to_owned()];
    words.extend(["install", "gungraun-runner", "--locked", "--version", &version, "--root"].map(Into::into));
    words.push(root.into());
    let title = format!("cargo install gungraun-runner {RUNNER_VERSION} (target/tools/)");
    let ended = Step::new(title, words, limits::INSTALL_WAIT).quiet().run(stop)?;
    if !ended.success {
        bail!(
            "the counts need gungraun-runner {RUNNER_VERSION}, which could not be installed; the last lines:\n{}",
            ended.tail()
        );
    }
    Ok(())
}

fn runner_path(workspace: &Workspace) -> PathBuf {
    workspace.target().join("tools/bin/gungraun-runner")
}

/// What the counts depend on: compiler, target and valgrind.
fn toolchain(workspace: &Workspace) -> Result<String> {
    let said = |program: &Path, argument: &str| -> Result<String> {
        let out = Command::new(program).arg(argument).current_dir(workspace.root()).output();
        let out = out.with_context(|| format!("cannot run `{}`", program.display()))?;
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let rustc = workspace.cargo().with_file_name("rustc");
    let rustc = if machine::is_program(&rustc) { rustc } else { PathBuf::from("rustc") };
    let compiler = said(&rustc, "-vV")?;
    let of = |key: &str| compiler.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let (release, host) = of("release:").zip(of("host:")).context("`rustc -vV` names no release and host")?;
    let valgrind = said(Path::new("valgrind"), "--version")?;
    Ok(format!("rustc {release}, {host}, {}", valgrind.trim()))
}

fn read(file: &Path) -> Result<Kept> {
    if !file.exists() {
        return Ok(Kept::new());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{FILE}`"))?;
    serde_json::from_str(&text).with_context(|| format!("`{FILE}` is not what `cargo xtask counts` writes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> Counts {
        of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    /// Goal: a little more is allowed, a tenth is the limit, and what is new or gone is said.
    #[test]
    fn a_regression_of_more_than_a_tenth_fails() {
        let before = counts(&[("decide.allowed", 1_000), ("seal.receipt", 1_000), ("parse.of_100", 1_000)]);
        let same = counts(&[("decide.allowed", 1_100), ("seal.receipt", 950), ("parse.of_100", 1_000)]);
        assert!(worse(&before, &same).is_empty());
        assert!(better(&before, &same).is_empty());
        let now = counts(&[("decide.allowed", 1_101), ("seal.receipt", 900), ("append.of_1000", 5)]);
        let failures = worse(&before, &now);
        assert_eq!(failures.len(), 3, "{failures:?}");
        assert!(failures.iter().any(|line| line.contains("append.of_1000: none is kept")));
        assert!(failures.iter().any(|line| line.contains("decide.allowed: 1101 instructions, 10 % more")));
        assert!(failures.iter().any(|line| line.contains("parse.of_100: it is in")));
        assert_eq!(better(&before, &now).len(), 1);
    }

    /// Goal: the count is the event `Ir`, wherever it stands.
    #[test]
    fn reads_a_profile() {
        let profile = "version: 1\ncreator: callgrind\nevents: Ir Dr Dw\nsummary: 4711 12 3\n";
        assert_eq!(instructions(profile), Some(4_711));
        assert_eq!(instructions("events: Dr Ir\ntotals: 1 22\n"), Some(22));
        assert_eq!(instructions("events: Dr\nsummary: 1\n"), None);
        assert_eq!(instructions(""), None);
    }
}
