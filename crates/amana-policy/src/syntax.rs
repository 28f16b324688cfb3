//! The check without a solver: it follows the text of each policy, and refuses what it does not follow.
//!
//! A `permit` must hold, joined by `&&`, every condition of the guardrail as it is written there. Whatever else it says
//! can then only narrow, and a `forbid` always does. Nothing may be used that can fail: no arithmetic, no conversion.

use crate::accept::GUARDRAIL;
use crate::error::Rejected;
use crate::policy::CedarPolicy;
use amana_core::InstitutionId;
use cedar_policy::pst::{BinaryOp, Clause, Effect, Expr, Template, UnaryOp, Var};

/// Whether every policy is seen to be safe.
pub(crate) fn check(institution: &InstitutionId, policy: &CedarPolicy) -> Result<(), Rejected> {
    let guardrail = conditions(institution)?;
    for one in policy.policies.policies() {
        let not_seen = |why: String| Rejected::NotSeenSafe { policy: one.id().to_string(), why };
        let tree = one.to_pst().map_err(|error| not_seen(error.to_string()))?;
        let body = tree.body();
        for clause in body.clauses() {
            let (Clause::When(expr) | Clause::Unless(expr)) = clause;
            cannot_fail(expr).map_err(&not_seen)?;
        }
        if body.effect == Effect::Permit {
            let own = conjuncts(body);
            if let Some(missing) = guardrail.iter().find(|condition| !own.contains(condition)) {
                return Err(not_seen(format!(
                    "its `when` does not hold the condition `{missing}` of the default policy, joined by `&&`"
                )));
            }
        }
    }
    Ok(())
}

/// The guardrail's conditions, but the list of purposes: the schema has no other ones, and a test holds both lists
/// together.
fn conditions(institution: &InstitutionId) -> Result<Vec<Expr>, Rejected> {
    let rail = CedarPolicy::parse(institution, GUARDRAIL)?;
    let broken = || Rejected::Solver("the guardrail cannot be read".to_owned());
    let one = rail.policies.policies().next().ok_or_else(broken)?;
    let tree = one.to_pst().map_err(|_| broken())?;
    let conditions: Vec<Expr> =
        conjuncts(tree.body()).into_iter().filter(|expr| !is_list_of_purposes(expr)).cloned().collect();
    if conditions.is_empty() { Err(broken()) } else { Ok(conditions) }
}

fn is_list_of_purposes(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op: BinaryOp::Contains, left, right }
        if matches!(**left, Expr::Set(_)) && matches!(**right, Expr::Var(Var::Principal)))
}

/// What must all be true for the policy to apply, as far as it is joined by `&&`.
fn conjuncts(body: &Template) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut open: Vec<&Expr> = body
        .clauses()
        .iter()
        .filter_map(|clause| match clause {
            Clause::When(expr) => Some(&**expr),
            Clause::Unless(_) => None,
        })
        .collect();
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryOp { op: BinaryOp::And, left, right } => open.extend([&**left, &**right]),
            other => found.push(other),
        }
    }
    found
}

/// Whether no part of the expression can fail. The schema has no optional attribute, and validation is strict, so an
/// attribute is always there and of its type.
fn cannot_fail(expr: &Expr) -> Result<(), String> {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr {
            Expr::Literal(_) | Expr::Var(_) => {}
            Expr::UnaryOp { op: UnaryOp::Not | UnaryOp::IsEmpty, expr }
            | Expr::GetAttr { expr, .. }
            | Expr::HasAttr { expr, .. }
            | Expr::Like { expr, .. }
            | Expr::Is { expr, in_expr: None, .. } => open.push(expr),
            Expr::BinaryOp {
                op:
                    BinaryOp::Eq
                    | BinaryOp::NotEq
                    | BinaryOp::Less
                    | BinaryOp::LessEq
                    | BinaryOp::Greater
                    | BinaryOp::GreaterEq
                    | BinaryOp::And
                    | BinaryOp::Or
                    | BinaryOp::In
                    | BinaryOp::Contains
                    | BinaryOp::ContainsAll
                    | BinaryOp::ContainsAny,
                left,
                right,
            } => open.extend([&**left, &**right]),
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                open.extend([&**cond, &**then_expr, &**else_expr]);
            }
            Expr::Set(items) => open.extend(items.iter().map(|item| &**item)),
            Expr::Record(fields) => open.extend(fields.values().map(|field| &**field)),
            other => return Err(format!("it uses `{other}`, which the simple check does not follow")),
        }
    }
    Ok(())
}
