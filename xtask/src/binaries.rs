//! The workspace's test programs: built by cargo in one go, run side by side. Cargo runs them one after the other, and
//! most of them wait for something.

use std::path::PathBuf;

use anyhow::Result;

use crate::limits;
use crate::results::{self, Results};
use crate::run::{Env, Step};
use crate::stop::Stop;
use crate::workspace::Workspace;

/// A test program that cargo has built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// `amana-gate`.
    pub(crate) package: String,
    /// `src/lib.rs`, `tests/it/main.rs`.
    pub(crate) target: String,
    program: PathBuf,
}

impl Binary {
    /// `amana-gate tests/it/main.rs`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.package, self.target)
    }

    /// Runs it as `cargo test` would: in its package's folder, with cargo's variables.
    pub(crate) fn step(&self, workspace: &Workspace, env: &Env) -> Step {
        let member =
            if self.package == "xtask" { "xtask".to_owned() } else { format!("crates/{}", self.package) };
        let folder = workspace.root().join(member);
        let cargo = Env::from([
            ("CARGO".to_owned(), workspace.cargo().display().to_string()),
            ("CARGO_MANIFEST_DIR".to_owned(), folder.display().to_string()),
            ("CARGO_PKG_NAME".to_owned(), self.package.clone()),
        ]);
        let program = workspace.root().join(&self.program);
        Step::new(self.name(), [program], limits::BINARY_WAIT).folder(folder).env(env).env(&cargo).quiet()
    }
}

/// Builds every test program; the rows of the failure where that fails.
///
/// # Errors
/// When cargo cannot be run, and when the person asked to stop.
pub(crate) fn build(workspace: &Workspace, stop: &Stop) -> Result<Result<Vec<Binary>, Results>> {
    let words = [workspace.cargo().as_os_str(), "test".as_ref(), "--workspace".as_ref(), "--no-run".as_ref()];
    let step = Step::new("cargo test --workspace --no-run", words, limits::UNIT_WAIT);
    let ended = step.folder(workspace.root()).env(&workspace.cargo_env()).run(stop)?;
    let binaries = built(&ended.output);
    if !ended.success || binaries.is_empty() {
        return Ok(Err(results::cargo(&ended.output, false, ended.elapsed)));
    }
    Ok(Ok(binaries))
}

/// Reads cargo's lines `Executable unittests src/lib.rs (target/debug/deps/amana_gate-0123456789abcdef)`.
fn built(output: &str) -> Vec<Binary> {
    let mut package = String::new();
    let mut found = Vec::new();
    for line in output.lines() {
        let Some((target, program)) = line
            .trim()
            .strip_prefix("Executable ")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|rest| rest.rsplit_once(" ("))
        else {
            continue;
        };
        let target = match target.strip_prefix("unittests ") {
            // Every package begins with its unit tests, and only their binary bears the package's name.
            Some(root) => {
                package = results::package_of(program);
                root
            }
            None => target,
        };
        found.push(Binary { package: package.clone(), target: target.to_owned(), program: program.into() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each program is found with its package, whose name only the unit tests' program bears.
    #[test]
    fn reads_what_cargo_built() {
        let output = "   Compiling amana-gate v0.1.0\n\
            \x20 Executable unittests src/lib.rs (target/debug/deps/amana_gate-0123456789abcdef)\n\
            \x20 Executable tests/it/main.rs (target/debug/deps/it-fedcba9876543210)\n";
        let names: Vec<_> = built(output).iter().map(Binary::name).collect();
        assert_eq!(names, ["amana-gate src/lib.rs", "amana-gate tests/it/main.rs"]);
    }
}
