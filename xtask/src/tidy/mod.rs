//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy checks.
//!
//! Each rule is a function from text to findings, so that it is tested on small inputs; only this file reads the
//! disk. A finding always names file and line.

mod abuse;
mod arrows;
mod closed;
mod css;
mod fluent;
mod linked;
mod modules;
mod named;
mod rust;
mod scale;
mod text;
mod wrap;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::limits;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A file of the repository that holds text.
pub(crate) struct Source {
    /// The path from the repository's root, with `/`.
    path: String,
    /// Its content.
    text: String,
}

/// Checks every rule over the repository at `root`; returns how many files were read, and the findings in order.
///
/// # Errors
/// When `git` or `cargo metadata` cannot be run, or a listed file cannot be read.
pub(crate) fn check(root: &Path, cargo: &Path) -> Result<(usize, Vec<Finding>)> {
    let mut findings = Vec::new();
    let sources = read_sources(root, &mut findings)?;
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    for source in &sources {
        findings.extend(text::check(source));
        match source.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => findings.extend(rust::check(source).into_iter().chain(closed::check(source))),
            Some("toml") => findings.extend(closed::check_manifest(source)),
            Some("css") => findings.extend(css::check(source)),
            _ => {}
        }
    }
    findings.extend(modules::check(&sources));
    findings.extend(named::check(&sources));
    findings.extend(abuse::check(&sources));
    findings.extend(fluent::check(&sources));
    findings.extend(scale::check(&sources));
    findings.extend(arrows::check(&arrows::read(root, cargo)?));
    findings.extend(linked::check(root, cargo)?);
    findings.sort();
    findings.dedup();
    Ok((paths.len(), findings))
}

/// Mends what can be mended without thinking: wraps comments that are too long. Returns the files that changed.
///
/// # Errors
/// When `git` cannot be run, or a file cannot be read or written.
pub(crate) fn fix(root: &Path) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    for source in read_sources(root, &mut Vec::new())?.iter().filter(|source| source.path.ends_with(".rs")) {
        if let Some(text) = wrap::comments(&source.text, limits::LINE_CHARS_MAX) {
            std::fs::write(root.join(&source.path), text)
                .with_context(|| format!("cannot write `{}`", source.path))?;
            changed.push(source.path.clone());
        }
    }
    Ok(changed)
}

/// The files that git tracks or would track, less the binary ones.
fn read_sources(root: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Source>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run `git`, which lists the files to check")?;
    if !listed.status.success() {
        bail!("`git ls-files` failed: {}", String::from_utf8_lossy(&listed.stderr).trim());
    }
    let mut sources = Vec::new();
    let names = String::from_utf8(listed.stdout).context("a file name in the repository is not UTF-8")?;
    let unique: BTreeSet<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    for path in unique {
        let full: PathBuf = root.join(path);
        // Listed but deleted in the working tree, a link, or a submodule: nothing to read.
        let Ok(data) = std::fs::symlink_metadata(&full) else { continue };
        if !data.is_file() {
            continue;
        }
        let is_source = [".rs", ".css", ".ftl", ".toml", ".md"].iter().any(|end| path.ends_with(end));
        if data.len() > limits::FILE_BYTES_MAX {
            if is_source {
                findings.push(Finding::new(path, 1, format!("larger than {} bytes", limits::FILE_BYTES_MAX)));
            }
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("cannot read `{path}`"))?;
        match String::from_utf8(bytes) {
            Ok(text) => sources.push(Source { path: path.to_owned(), text }),
            Err(_) if is_source => findings.push(Finding::new(path, 1, "is not UTF-8")),
            // Test data in old encodings, pictures and fonts.
            Err(_) => {}
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a finding reads as editors and terminals link it.
    #[test]
    fn findings_print_as_file_line_message() {
        assert_eq!(Finding::new("a/b.rs", 7, "too long").to_string(), "a/b.rs:7: too long");
    }

    /// Goal: this repository keeps to every rule, also for whoever runs its tests alone: who may depend on whom, who
    /// may open a value, who may read a platform's token.
    #[test]
    fn this_repository_keeps_to_every_rule() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        let (files, findings) = check(root, Path::new(env!("CARGO"))).expect("can be checked");
        assert!(files > 500, "{files} files");
        assert!(findings.is_empty(), "{}", findings.iter().map(|f| format!("{f}\n")).collect::<String>());
    }
}
