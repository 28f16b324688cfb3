//! What can be wrong with a policy document.

use crate::limits::{DOCUMENT_BYTES_MAX, POLICIES_MAX, POLICY_ID_BYTES_MAX};
use std::fmt;

/// One fault in a document, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; 0 where the fault is in no one place.
    pub line: usize,
    /// The column, from 1, in characters; 0 where the fault is in no one place.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do, where it is known.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        f.write_str(&self.what)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// Why a text is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More bytes than [`DOCUMENT_BYTES_MAX`].
    #[error(
        "the policy document has {0} bytes, and {DOCUMENT_BYTES_MAX} are the most: shorten its comments, or join rules"
    )]
    TooLong(usize),
    /// More policies than [`POLICIES_MAX`].
    #[error(
        "the policy document has {0} policies, and {POLICIES_MAX} are the most: join rules with `||` in one `when`"
    )]
    TooMany(usize),
    /// It holds a template, which only a program could fill in.
    #[error(
        "the policy document has the template `{0}`: write the rule with its values instead of `?principal` or `?resource`"
    )]
    Template(String),
    /// Two policies with one name.
    #[error("two policies have the id `{0}`: give each `@id(\"…\")` once")]
    SameId(String),
    /// A name that could not be shown.
    #[error(
        "the id of a policy is too long or empty: `@id(\"…\")` takes 1 to {POLICY_ID_BYTES_MAX} bytes of letters, digits, `-`, `_` and `.`"
    )]
    BadId,
    /// It does not parse, or says something that the schema does not know.
    #[error("the policy document is not valid:{}", list(.0))]
    Invalid(Vec<Fault>),
    /// Our own schema does not load for this institution.
    #[error("the policy schema does not load for this institution: {0}")]
    Schema(String),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

/// Why a document is not accepted as an institution's policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is no policy at all.
    #[error(transparent)]
    Invalid(#[from] PolicyError),
    /// It would permit something that no policy may: here is one such request.
    #[error(
        "the policy permits what no policy may, for instance:\n{counterexample}\n  permitted by: {}; add the conditions of the \
         default policy to its `when` (`amana policy default` prints it)",
        permitted_by.join(", ")
    )]
    TooWide {
        /// The policies that permit it.
        permitted_by: Vec<String>,
        /// The request, a line for each fact.
        counterexample: String,
    },
    /// One of its policies can fail, and what fails decides nothing: here is one such request.
    #[error(
        "the policy `{policy}` fails on some requests, for instance:\n{counterexample}\n  avoid arithmetic and conversions that can fail"
    )]
    CanFail {
        /// The policy.
        policy: String,
        /// The request, a line for each fact.
        counterexample: String,
    },
    /// No solver is installed, and the conservative check cannot see that it is safe.
    #[error(
        "the policy `{policy}` cannot be accepted without a proof: {why}; install the program `cvc5` for a proof, or write it \
         so that the simple check can follow"
    )]
    NotSeenSafe {
        /// The policy.
        policy: String,
        /// What the check does not follow.
        why: String,
    },
    /// The solver gave no answer that can be used.
    #[error("the solver `cvc5` could not settle it: {0}; nothing was accepted")]
    Solver(String),
}
