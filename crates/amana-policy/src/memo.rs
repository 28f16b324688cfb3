//! Answers that were given already.
//!
//! A policy is a function of the request's words, and these are few: purposes, forms, clusters and switches are closed
//! lists. Only instants are not. Nearly every policy asks of them in which order they are (`context.now <
//! context.consent.expires`), and then the order is all that its answer can depend on. So one look at the text, when a
//! set is read, says whether an answer may be kept, and under which key. A set that does anything else with an instant
//! (a calculation, a comparison with a number) is evaluated each time.
//!
//! An answer is kept for one set: a new version is another [`crate::CedarPolicy`] with a table of its own.

use crate::limits::MEMO_ENTRIES_MAX;
use crate::question::Facts;
use amana_core::{Clusters, Form, Purpose};
use cedar_policy::PolicySet;
use cedar_policy::pst::{BinaryOp, Clause, Expr, Var};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The answers of one policy set, as far as they may be kept.
pub(crate) struct Memo {
    reads: Option<Reads>,
    table: Mutex<BTreeMap<Key, Option<Form>>>,
}

/// What of the clock the set reads, beside the order of instants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Reads {
    minute_of_day: bool,
    weekday: bool,
}

/// Everything that an answer of the set can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    purpose: Purpose,
    form: Form,
    clusters: u64,
    purposes: u64,
    revoked: bool,
    recipient_is_subject: bool,
    killed: bool,
    /// `now` to `given`, `now` to `expires`, `given` to `expires`.
    order: [Ordering; 3],
    /// 0 where the set does not read it.
    minute_of_day: i64,
    weekday: i64,
}

impl Memo {
    pub(crate) fn new(policies: &PolicySet) -> Self {
        Self { reads: reads(policies), table: Mutex::default() }
    }

    /// Under what an answer may be kept. `None` if it may not.
    pub(crate) fn key(&self, purpose: Purpose, form: Form, clusters: Clusters, facts: &Facts) -> Option<Key> {
        let reads = self.reads?;
        Some(Key {
            purpose,
            form,
            clusters: bits(clusters.iter().map(|cluster| cluster as usize))?,
            purposes: bits(facts.consent.grants.keys().map(|purpose| *purpose as usize))?,
            revoked: facts.revoked,
            recipient_is_subject: facts.recipient_is_subject,
            killed: facts.killed,
            order: [
                facts.now.cmp(&facts.given),
                facts.now.cmp(&facts.expires),
                facts.given.cmp(&facts.expires),
            ],
            minute_of_day: if reads.minute_of_day { facts.minute_of_day } else { 0 },
            weekday: if reads.weekday { facts.weekday } else { 0 },
        })
    }

    /// The answer that was given under this key.
    pub(crate) fn get(&self, key: &Key) -> Option<Option<Form>> {
        // A table that somebody panicked over is not read: the set is evaluated.
        self.table.lock().ok()?.get(key).copied()
    }

    pub(crate) fn put(&self, key: Key, answer: Option<Form>) {
        if let Ok(mut table) = self.table.lock() {
            if table.len() >= MEMO_ENTRIES_MAX {
                table.clear();
            }
            table.insert(key, answer);
        }
    }
}

/// A bit for each place. `None` if there is none for one.
pub(crate) fn bits(mut places: impl Iterator<Item = usize>) -> Option<u64> {
    places.try_fold(0_u64, |all, place| Some(all | 1_u64.checked_shl(u32::try_from(place).ok()?)?))
}

/// What the policies read of the clock. `None` if an answer can depend on an instant in another way than its order.
fn reads(policies: &PolicySet) -> Option<Reads> {
    let mut reads = Reads::default();
    for policy in policies.policies() {
        let tree = policy.to_pst().ok()?;
        for clause in tree.body().clauses() {
            let (Clause::When(expr) | Clause::Unless(expr)) = clause;
            follow(expr, &mut reads)?;
        }
    }
    Some(reads)
}

/// `None` at whatever is not understood.
fn follow(expr: &Expr, reads: &mut Reads) -> Option<()> {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Literal(_) | Expr::Var(Var::Principal | Var::Action | Var::Resource) => {}
            Expr::BinaryOp {
                op:
                    BinaryOp::Eq
                    | BinaryOp::NotEq
                    | BinaryOp::Less
                    | BinaryOp::LessEq
                    | BinaryOp::Greater
                    | BinaryOp::GreaterEq,
                left,
                right,
            } if is_instant(left) && is_instant(right) => {}
            Expr::BinaryOp { left, right, .. } => open.extend([&**left, &**right]),
            Expr::GetAttr { expr: of, attr } => match (&**of, attr.as_str()) {
                (Expr::Var(Var::Context), "minute_of_day") => reads.minute_of_day = true,
                (Expr::Var(Var::Context), "weekday") => reads.weekday = true,
                (
                    Expr::Var(Var::Context),
                    "institution"
                    | "channel"
                    | "clusters"
                    | "sensitivity"
                    | "recipient_is_subject"
                    | "killed",
                ) => {}
                (of, "purposes" | "revoked") if is_consent(of) => {}
                _ => return None,
            },
            Expr::UnaryOp { expr, .. } => open.push(expr),
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                open.extend([&**cond, &**then_expr, &**else_expr]);
            }
            Expr::Set(items) => open.extend(items.iter().map(|item| &**item)),
            // Among them the context as a whole.
            _ => return None,
        }
    }
    Some(())
}

fn is_consent(expr: &Expr) -> bool {
    matches!(expr, Expr::GetAttr { expr, attr } if attr == "consent" && matches!(**expr, Expr::Var(Var::Context)))
}

/// `context.now`, `context.consent.given`, `context.consent.expires`.
fn is_instant(expr: &Expr) -> bool {
    let Expr::GetAttr { expr: of, attr } = expr else { return false };
    match attr.as_str() {
        "now" => matches!(**of, Expr::Var(Var::Context)),
        "given" | "expires" => is_consent(of),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;

    fn of(condition: &str) -> Option<Reads> {
        let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
        reads(&PolicySet::from_str(&text).expect("a policy"))
    }

    /// Goal: an answer is kept only where the order of instants is all that is read of them.
    #[test]
    fn what_an_answer_may_depend_on_is_seen() {
        let reads = |minute_of_day, weekday| Some(Reads { minute_of_day, weekday });
        for (condition, expected) in [
            ("context.now < context.consent.expires && !context.killed", reads(false, false)),
            (
                "if context.consent.given == context.now then context.sensitivity + 1 > 2 else true",
                reads(false, false),
            ),
            ("context.minute_of_day * 2 > 700", reads(true, false)),
            ("[6, 7].contains(context.weekday) || context.consent.purposes.isEmpty()", reads(false, true)),
            (
                "principal == Purpose::\"BankOffer\" && context.weekday == context.minute_of_day",
                reads(true, true),
            ),
            ("context.now > 1800000000", None),
            ("context.now - context.consent.given > 86400", None),
            ("context.now < context.consent.expires + 1", None),
            ("[context.now].contains(context.consent.given)", None),
            ("if true then context.now == context.now else context.consent.given == 3", None),
            ("context == {}", None),
            ("context.consent == {}", None),
            ("context.consent has given", None),
            ("{ at: context.now }.at < context.consent.given", None),
            ("context.a_new_word", None),
            ("context.consent.a_new_word", None),
        ] {
            assert_eq!(of(condition), expected, "{condition}");
        }
        assert_eq!(of(&format!("context.killed && ({})", "context.now == 3")), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let memo = Memo::new(&PolicySet::new());
        let key = |minute_of_day| Key {
            purpose: Purpose::BankOffer,
            form: Form::Notice,
            clusters: 0,
            purposes: 0,
            revoked: false,
            recipient_is_subject: true,
            killed: false,
            order: [Ordering::Less; 3],
            minute_of_day,
            weekday: 0,
        };
        for minute in 0..i64::try_from(MEMO_ENTRIES_MAX).expect("small") * 3 {
            memo.put(key(minute), Some(Form::Notice));
            assert_eq!(memo.get(&key(minute)), Some(Some(Form::Notice)));
            assert!(memo.table.lock().expect("whole").len() <= MEMO_ENTRIES_MAX);
        }
    }
}
