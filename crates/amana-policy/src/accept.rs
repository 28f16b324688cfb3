//! Whether a document may become an institution's policy: it must be proved to permit no more than the guardrail.

use crate::error::Rejected;
use crate::limits::PROOF_TIME_MAX;
use crate::policy::CedarPolicy;
use crate::{proof, syntax};
use amana_core::InstitutionId;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The widest that any policy may be, as a policy.
pub const GUARDRAIL: &str = include_str!("../policies/guardrail.cedar");
/// The policy of an institution that has written none.
pub const DEFAULT: &str = include_str!("../policies/default.cedar");

/// How it was seen that a document is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// The solver proved it, for every request that the schema allows.
    Proved,
    /// No solver is installed; the simple check followed every rule. It refuses much that a proof would accept.
    Syntactic,
}

impl How {
    /// A stable word for tables and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Syntactic => "syntactic",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A document that may become an institution's policy.
#[derive(Debug)]
pub struct Accepted {
    /// The policy.
    pub policy: CedarPolicy,
    /// How it was seen that it is safe.
    pub how: How,
    /// Whether it is known to let nothing leave at all: allowed, and rarely meant.
    pub stops_all: bool,
}

/// The solver's program, and how long it may take.
#[derive(Debug, Clone)]
pub struct Solver {
    pub(crate) program: PathBuf,
    pub(crate) time: Duration,
}

impl Solver {
    /// The program at this path, or of this name on the `PATH`. It may take [`PROOF_TIME_MAX`] for one document.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), time: PROOF_TIME_MAX }
    }

    /// The same with less time.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { time: time.min(PROOF_TIME_MAX), ..self }
    }
}

impl Default for Solver {
    /// `cvc5`, on the `PATH`.
    fn default() -> Self {
        Self::new("cvc5")
    }
}

/// Reads a document and decides whether it may become the institution's policy: all that it permits, the guardrail
/// permits too, and none of its policies can fail. Where the solver is not installed, a conservative check of the text
/// decides, and [`Accepted::how`] says so.
///
/// # Errors
/// When the document is no policy, permits too much (with a request that shows it), can fail (likewise), or nothing
/// could be settled: then it is not accepted.
pub async fn accept(
    institution: &InstitutionId,
    document: &str,
    solver: &Solver,
) -> Result<Accepted, Rejected> {
    let policy = CedarPolicy::parse(institution, document)?;
    match proof::prove(institution, &policy, solver).await? {
        Some(proof::Proved { stops_all }) => Ok(Accepted { policy, how: How::Proved, stops_all }),
        None => {
            syntax::check(institution, &policy)?;
            let stops_all = policy.policies.policies().all(|p| p.effect() == cedar_policy::Effect::Forbid);
            Ok(Accepted { policy, how: How::Syntactic, stops_all })
        }
    }
}
