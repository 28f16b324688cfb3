//! The proof: the policies become a question for the solver cvc5, which either shows that no request can be permitted
//! beyond the guardrail, or names one.

use crate::accept::{DEFAULT, GUARDRAIL, Solver};
use crate::error::Rejected;
use crate::limits::{COUNTEREXAMPLE_BYTES_MAX, QUESTION_TIME_MAX};
use crate::policy::CedarPolicy;
use amana_core::InstitutionId;
use cedar_policy::{Authorizer, Context, Decision, Effect, Policy, PolicySet, Request, RequestEnv};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet};
use tokio::process::Command;

/// What was proved beside the safety.
pub(crate) struct Proved {
    /// No request at all is permitted.
    pub(crate) stops_all: bool,
}

/// Asks the solver. `None` where the program is not installed.
pub(crate) async fn prove(
    institution: &InstitutionId,
    policy: &CedarPolicy,
    solver: &Solver,
) -> Result<Option<Proved>, Rejected> {
    let mut command = Command::new(&solver.program);
    command
        .args(["--lang", "smt"])
        .arg(format!("--tlimit-per={}", QUESTION_TIME_MAX.as_millis()))
        .arg(format!("--tlimit={}", solver.time.as_millis()))
        .kill_on_drop(true);
    let process = match LocalSolver::from_command(&mut command) {
        Ok(process) => process,
        Err(cedar_policy_symcc::err::SolverError::Io(error))
            if error.kind() == std::io::ErrorKind::NotFound =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Rejected::Solver(format!("it does not start: {error}"))),
    };
    let compiler = CedarSymCompiler::new(process).map_err(unsettled)?;
    // Dropped at the end of its time, the solver is killed.
    tokio::time::timeout(solver.time, settle(institution, policy, compiler))
        .await
        .map_err(|_| Rejected::Solver(format!("it took longer than {:?}", solver.time)))?
        .map(Some)
}

async fn settle(
    institution: &InstitutionId,
    policy: &CedarPolicy,
    mut compiler: CedarSymCompiler<LocalSolver>,
) -> Result<Proved, Rejected> {
    let guardrail = CedarPolicy::parse(institution, GUARDRAIL)?;
    let mut stops_all = true;
    for env in policy.schema.request_envs() {
        let compile =
            |set: &PolicySet| CompiledPolicySet::compile(set, &env, &policy.schema).map_err(unsettled);
        let rail = compile(&guardrail.policies)?;
        known_answers(institution, &mut compiler, &env, policy, &rail).await?;

        // Without a permit nothing is permitted, and there is no question.
        if policy.policies.policies().any(|one| one.effect() == Effect::Permit) {
            let set = compile(&policy.policies)?;
            let wider =
                compiler.check_implies_with_counterexample_opt(&set, &rail).await.map_err(unsettled)?;
            if let Some(found) = wider {
                return Err(too_wide(policy, &guardrail, &found.request, &found.entities));
            }
            stops_all &= compiler.check_always_denies_opt(&set).await.map_err(unsettled)?;
        }
        for one in policy.policies.policies() {
            never_fails(&mut compiler, one, &env, policy).await?;
        }
    }
    Ok(Proved { stops_all })
}

async fn never_fails(
    compiler: &mut CedarSymCompiler<LocalSolver>,
    one: &Policy,
    env: &RequestEnv,
    policy: &CedarPolicy,
) -> Result<(), Rejected> {
    let compiled = CompiledPolicy::compile(one, env, &policy.schema).map_err(unsettled)?;
    let fails = compiler.check_never_errors_with_counterexample_opt(&compiled).await.map_err(unsettled)?;
    match fails {
        None => Ok(()),
        Some(found) => {
            Err(Rejected::CanFail { policy: one.id().to_string(), counterexample: told(&found.request) })
        }
    }
}

/// Two questions whose answers are known: a program that is no solver, or answers everything alike, is found out.
async fn known_answers(
    institution: &InstitutionId,
    compiler: &mut CedarSymCompiler<LocalSolver>,
    env: &RequestEnv,
    policy: &CedarPolicy,
    rail: &CompiledPolicySet,
) -> Result<(), Rejected> {
    let all = CedarPolicy::parse(institution, "permit (principal, action, resource);")?;
    let standard = CedarPolicy::parse(institution, DEFAULT)?;
    let compile = |set: &PolicySet| CompiledPolicySet::compile(set, env, &policy.schema).map_err(unsettled);
    let wide = compiler
        .check_implies_with_counterexample_opt(&compile(&all.policies)?, rail)
        .await
        .map_err(unsettled)?;
    let safe = compiler.check_implies_opt(&compile(&standard.policies)?, rail).await.map_err(unsettled)?;
    if wide.is_none() || !safe {
        return Err(Rejected::Solver("it answers questions wrongly whose answers are known".to_owned()));
    }
    Ok(())
}

fn too_wide(
    policy: &CedarPolicy,
    guardrail: &CedarPolicy,
    request: &Request,
    entities: &cedar_policy::Entities,
) -> Rejected {
    let ask = |set: &PolicySet| Authorizer::new().is_authorized(request, set, entities);
    let (own, rail) = (ask(&policy.policies), ask(&guardrail.policies));
    // The request is put to Cedar itself: what the solver claims must be so.
    if own.decision() != Decision::Allow || rail.decision() != Decision::Deny {
        return Rejected::Solver("its counterexample is none".to_owned());
    }
    let mut permitted_by: Vec<String> = own.diagnostics().reason().map(ToString::to_string).collect();
    permitted_by.sort_unstable();
    Rejected::TooWide { permitted_by, counterexample: told(request) }
}

/// A request in lines, one for each fact. The solver made it up: it holds nobody's data.
fn told(request: &Request) -> String {
    let mut lines = vec![
        format!("  purpose: {}", request.principal().map_or_else(String::new, ToString::to_string)),
        format!("  form: {}", request.resource().map_or_else(String::new, ToString::to_string)),
    ];
    let facts = request.context().map(facts).unwrap_or_default();
    lines.extend(facts);
    let mut text = lines.join("\n");
    if text.len() > COUNTEREXAMPLE_BYTES_MAX {
        let mut end = COUNTEREXAMPLE_BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

fn facts(context: &Context) -> Vec<String> {
    let names = [
        "consent",
        "recipient_is_subject",
        "killed",
        "now",
        "minute_of_day",
        "weekday",
        "clusters",
        "sensitivity",
        "channel",
        "institution",
    ];
    names.iter().filter_map(|name| Some(format!("  {name}: {}", context.get(name)?))).collect()
}

fn unsettled(error: impl std::fmt::Display) -> Rejected {
    Rejected::Solver(error.to_string())
}
