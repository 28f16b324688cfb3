//! Where the repository is, which cargo to use, and where it builds.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::Env;

/// The workspace that this program belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
    cargo: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds it: cargo tells a program that it runs where its manifest is.
    pub(crate) fn find() -> Result<Self> {
        let manifest =
            crate::env("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").to_owned());
        let root = Path::new(&manifest).parent().context("xtask's folder has no parent")?.to_owned();
        if !root.join("Cargo.lock").is_file() {
            bail!("`{}` is not the repository; run `cargo xtask` inside it", root.display());
        }
        let cargo = PathBuf::from(crate::env("CARGO").unwrap_or_else(|| "cargo".to_owned()));
        let out = Command::new(&cargo)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("cannot run `cargo metadata`")?;
        if !out.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        let metadata: serde_json::Value =
            serde_json::from_slice(&out.stdout).context("`cargo metadata` printed what is not JSON")?;
        let target = metadata
            .get("target_directory")
            .and_then(serde_json::Value::as_str)
            .context("`cargo metadata` names no target directory")?;
        Ok(Self { root, cargo, target: PathBuf::from(target) })
    }

    /// The repository's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo(&self) -> &Path {
        &self.cargo
    }

    /// Where cargo builds.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Settings under which cargo's output can be read.
    pub(crate) fn cargo_env(&self) -> Env {
        Env::from([
            ("CARGO_TERM_COLOR".to_owned(), "never".to_owned()),
            ("CARGO_TERM_QUIET".to_owned(), "false".to_owned()),
            ("CARGO_TERM_PROGRESS_WHEN".to_owned(), "never".to_owned()),
            ("RUST_BACKTRACE".to_owned(), "1".to_owned()),
        ])
    }
}
