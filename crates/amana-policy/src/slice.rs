//! What of a policy set can say something about a purpose and a form: cut once, when the set is read.

use crate::error::PolicyError;
use crate::question::Words;
use crate::schema::place;
use amana_core::{Form, Purpose};
use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicySet, PrincipalConstraint, ResourceConstraint,
};
use cedar_policy_core::ast::{self, BinaryOp, Expr, ExprKind, Literal, SlotEnv, ValueKind, Var};
use cedar_policy_core::evaluator::Evaluator;
use std::sync::Arc;

/// The policies of one purpose and form.
pub(crate) struct Slice {
    set: PolicySet,
    rules: Vec<Rule>,
}

/// A policy that may apply.
struct Rule {
    permits: bool,
    /// What is left to hold of scope and conditions; nothing where it applies as it is.
    condition: Option<Arc<Expr>>,
}

impl Slice {
    /// The same as policies.
    pub(crate) fn set(&self) -> &PolicySet {
        &self.set
    }

    /// Whether some permit applies and no forbid does. `None` when a policy fails: that is a *no* to the whole,
    /// so every one is evaluated, also when another one has decided.
    pub(crate) fn allows(&self, evaluator: &Evaluator<'_>) -> Option<bool> {
        // There are no templates, so there is nothing to put into slots.
        let slots = SlotEnv::new();
        let (mut permitted, mut forbidden) = (false, false);
        for rule in &self.rules {
            let applies = match &rule.condition {
                Some(condition) => match evaluator.interpret(condition, &slots).ok()?.value {
                    ValueKind::Lit(Literal::Bool(applies)) => applies,
                    _ => return None,
                },
                None => true,
            };
            if rule.permits {
                permitted |= applies;
            } else {
                forbidden |= applies;
            }
        }
        Some(permitted && !forbidden)
    }
}

/// Where the slice of a purpose and a form is.
pub(crate) fn slice_of(purpose: Purpose, form: Form) -> usize {
    place(purpose) * Form::ALL.len() + form as usize
}

/// For each purpose and form, the policies that can apply to it. What their scope excludes, or what their condition
/// excludes before it reads anything else, can neither decide nor fail.
///
/// # Errors
/// When Cedar does not take its own policies.
pub(crate) fn slices(policies: &PolicySet, words: &Words) -> Result<Vec<Slice>, PolicyError> {
    let mut slices = Vec::with_capacity(Purpose::ALL.len() * Form::ALL.len());
    let unknown = || PolicyError::Schema("a word of the schema is missing".to_owned());
    for purpose in Purpose::ALL {
        for form in Form::ALL {
            let purpose = words.purpose(*purpose).ok_or_else(unknown)?;
            let form = words.form(*form).ok_or_else(unknown)?;
            let some: Vec<&Policy> = policies.policies().filter(|p| can_apply(p, purpose, form)).collect();
            let rules = some.iter().map(|policy| rule(policy, words)).collect();
            let set = PolicySet::from_policies(some.into_iter().cloned())
                .map_err(|e| PolicyError::Schema(e.to_string()))?;
            slices.push(Slice { set, rules });
        }
    }
    Ok(slices)
}

fn rule(policy: &Policy, words: &Words) -> Rule {
    let inner: &ast::Policy = policy.as_ref();
    // A slice has answered a scope that names one purpose and form, or any. One that asks for a type is left to Cedar.
    let of_words = matches!(
        policy.principal_constraint(),
        PrincipalConstraint::Any | PrincipalConstraint::Eq(_) | PrincipalConstraint::In(_)
    ) && matches!(
        policy.resource_constraint(),
        ResourceConstraint::Any | ResourceConstraint::Eq(_) | ResourceConstraint::In(_)
    );
    // The action is left to hold; there is one alone.
    let of_action = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => uid == *words.action(),
        ActionConstraint::In(uids) => uids.contains(words.action()),
    };
    let condition = if of_words && of_action {
        inner.non_scope_constraints_arc().cloned()
    } else {
        Some(Arc::new(inner.condition()))
    };
    Rule { permits: policy.effect() == Effect::Permit, condition }
}

fn can_apply(policy: &Policy, purpose: &EntityUid, form: &EntityUid) -> bool {
    let inner: &ast::Policy = policy.as_ref();
    may(purpose, policy.principal_constraint().into())
        && may(form, policy.resource_constraint().into())
        && !inner.non_scope_constraints().is_some_and(|condition| begins_false(condition, purpose, form))
}

/// Whether the condition says first, joined by `&&`, that principal or resource is another one. Cedar reads from left
/// and goes no further than a *no*, so what follows cannot fail either.
fn begins_false(condition: &Expr, purpose: &EntityUid, form: &EntityUid) -> bool {
    let mut ahead = vec![condition];
    while let Some(expr) = ahead.pop() {
        if let ExprKind::And { left, right } = expr.expr_kind() {
            ahead.extend([&**right, &**left]);
            continue;
        }
        match is_about(expr, purpose, form) {
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
    }
    false
}

/// What a comparison of principal or resource with a literal comes to. `None`: it is something else.
fn is_about(expr: &Expr, purpose: &EntityUid, form: &EntityUid) -> Option<bool> {
    let ExprKind::BinaryApp { op: BinaryOp::Eq, arg1, arg2 } = expr.expr_kind() else { return None };
    let ((ExprKind::Var(var), ExprKind::Lit(Literal::EntityUID(uid)))
    | (ExprKind::Lit(Literal::EntityUID(uid)), ExprKind::Var(var))) = (arg1.expr_kind(), arg2.expr_kind())
    else {
        return None;
    };
    let is = match var {
        Var::Principal => purpose,
        Var::Resource => form,
        Var::Action | Var::Context => return None,
    };
    let is: &ast::EntityUID = is.as_ref();
    Some(**uid == *is)
}

/// What a scope says of principal or resource, as far as it excludes: these entities have no parents, so `in` is `==`.
enum Scope {
    Only(EntityUid),
    Open,
}

impl From<PrincipalConstraint> for Scope {
    fn from(constraint: PrincipalConstraint) -> Self {
        match constraint {
            PrincipalConstraint::Eq(uid)
            | PrincipalConstraint::In(uid)
            | PrincipalConstraint::IsIn(_, uid) => Self::Only(uid),
            PrincipalConstraint::Any | PrincipalConstraint::Is(_) => Self::Open,
        }
    }
}

impl From<ResourceConstraint> for Scope {
    fn from(constraint: ResourceConstraint) -> Self {
        match constraint {
            ResourceConstraint::Eq(uid) | ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
                Self::Only(uid)
            }
            ResourceConstraint::Any | ResourceConstraint::Is(_) => Self::Open,
        }
    }
}

fn may(uid: &EntityUid, scope: Scope) -> bool {
    match scope {
        Scope::Only(only) => *uid == only,
        Scope::Open => true,
    }
}
