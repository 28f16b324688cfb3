//! What the machine has, and how to get what it lacks: finds programs, and installs Debian packages where it may.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::limits;
use crate::run::{Env, Step};
use crate::stop::Stop;

/// The program `name` on `PATH`, if there is one.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = crate::env("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Whether `file` exists and may be executed by someone.
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The numeric user this process runs as.
pub(crate) fn user_id() -> Result<u32> {
    number_printed_by("id", &["-u"])
}

/// The numeric user and group of the account `name`, if the machine has it.
pub(crate) fn account(name: &str) -> Option<(u32, u32)> {
    let user = number_printed_by("id", &["-u", name]).ok()?;
    let group = number_printed_by("id", &["-g", name]).ok()?;
    Some((user, group))
}

fn number_printed_by(program: &str, arguments: &[&str]) -> Result<u32> {
    let out =
        Command::new(program).args(arguments).output().with_context(|| format!("cannot run `{program}`"))?;
    if !out.status.success() {
        bail!("`{program} {}` failed", arguments.join(" "));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    text.trim().parse().with_context(|| format!("`{program}` printed `{}`, not a number", text.trim()))
}

/// The version of the `node` on `PATH`, its first two numbers.
pub(crate) fn node_version() -> Option<(u32, u32)> {
    let out = Command::new("node").arg("--version").output().ok().filter(|out| out.status.success())?;
    read_node_version(&String::from_utf8_lossy(&out.stdout))
}

fn read_node_version(printed: &str) -> Option<(u32, u32)> {
    let mut numbers = printed.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// One thing the tests need from the machine.
pub(crate) struct Need {
    /// What it is, for the person: `a PostgreSQL server`.
    pub(crate) what: &'static str,
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
    /// Whether the machine has it now.
    pub(crate) present: fn() -> bool,
}

/// Makes sure that the machine has all of `needs`: installs the missing ones with apt-get when it may.
///
/// # Errors
/// When something is missing and cannot be installed: the message names each missing thing and the command that
/// installs it. Nothing is ever skipped because a program is not there.
pub(crate) fn ensure(needs: &[Need], stop: &Stop) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ");
    let mut packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    let by_hand = format!(
        "missing: {names}\n  install with: apt-get install {}   (as root; other systems: the same programs from \
         their own packages)",
        packages.join(" ")
    );

    if on_path("apt-get").is_none() {
        bail!("{by_hand}\n  not installed here because this machine has no apt-get");
    }
    let Some(prefix) = root_prefix()? else {
        bail!("{by_hand}\n  not installed here because this user is not root and may not use `sudo -n`");
    };
    println!("==> missing: {names}; installing {}", packages.join(" "));
    let apt = |title: &str, arguments: &[&str]| -> Result<()> {
        let mut words: Vec<OsString> = prefix.iter().map(OsString::from).collect();
        // `env` carries the variable through sudo, which drops the caller's environment.
        words.extend(
            ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"]
                .iter()
                .map(OsString::from),
        );
        words.extend(arguments.iter().map(OsString::from));
        let ended = Step::new(title, words, limits::INSTALL_WAIT).env(&Env::new()).quiet().run(stop)?;
        if !ended.success {
            bail!("{title} failed; its last lines:\n{}\n{by_hand}", ended.tail());
        }
        Ok(())
    };
    apt("apt-get update", &["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(&packages);
    apt("apt-get install", &arguments)?;

    let still: Vec<&str> = missing.iter().filter(|need| !(need.present)()).map(|need| need.what).collect();
    if !still.is_empty() {
        bail!(
            "apt-get installed {} but still missing: {}\n  this system's packages are too old, or others stand before \
             them on PATH",
            packages.join(" "),
            still.join(", ")
        );
    }
    Ok(())
}

/// The words to put before a command so that it runs as root: none for root, `sudo -n` where that works without a
/// password, and `None` where it cannot be done.
fn root_prefix() -> Result<Option<Vec<String>>> {
    if user_id()? == 0 {
        return Ok(Some(Vec::new()));
    }
    if on_path("sudo").is_some() {
        let allowed = Command::new("sudo").args(["-n", "true"]).output().context("cannot run `sudo`")?;
        if allowed.status.success() {
            return Ok(Some(vec!["sudo".to_owned(), "-n".to_owned()]));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::read_node_version;

    #[test]
    fn versions_of_node_are_read_and_ordered() {
        assert_eq!(read_node_version("v20.12.2\n"), Some((20, 12)));
        assert!(
            read_node_version("v18.20.4") < Some((20, 12)) && read_node_version("v20.9.0") < Some((20, 12))
        );
        assert!(read_node_version("v22.0.0-pre") > Some((20, 12)));
        for not in ["", "20.12.2", "v20", "vx.y", "node: command not found"] {
            assert_eq!(read_node_version(not), None, "{not}");
        }
    }
}
