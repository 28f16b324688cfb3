//! Every bound of this crate, with its reason.

use std::time::Duration;

/// The largest policy document, in bytes. A rule with its comment has about 400; thirty of them have 12 KiB.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// The most policies in one set. Every policy that can apply costs about 1 µs in each decision whose
/// answer is not kept.
pub const POLICIES_MAX: usize = 30;
/// The most answers that are kept for one policy set, about 100 bytes each; then the table begins anew. An institution
/// with three forms, nine purposes and a few habits of consent has some hundreds, in each minute if its policy has
/// hours.
pub const MEMO_ENTRIES_MAX: usize = 4096;
/// The longest `@id` of a policy, in bytes: it stands in answers for operators.
pub const POLICY_ID_BYTES_MAX: usize = 64;
/// The most faults that are told of one document: who has more has another problem.
pub const FAULTS_MAX: usize = 20;
/// How long the solver may take for all of an upload's questions. A set of thirty takes less than a second; a rule that
/// the solver cannot settle in this time is not accepted.
pub const PROOF_TIME_MAX: Duration = Duration::from_secs(20);
/// How long the solver may take for one question.
pub const QUESTION_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest counterexample that is shown, in bytes. The schema's values are small; this is for a solver gone wild.
pub const COUNTEREXAMPLE_BYTES_MAX: usize = 4 * 1024;
/// Kinds of contexts (which clusters, which purposes) that are held against the schema once for each policy set: what
/// comes after is held against it each time. Sixteen bytes each.
pub const KINDS_OF_CONTEXT_MAX: usize = 4_096;
