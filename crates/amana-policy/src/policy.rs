//! A policy set in force: read once, asked at every decision and every send.

use crate::error::{Fault, PolicyError};
use crate::limits::{DOCUMENT_BYTES_MAX, FAULTS_MAX, POLICIES_MAX, POLICY_ID_BYTES_MAX};
use crate::memo::Memo;
use crate::question::{Context, Facts, Words};
use crate::schema::{FORMS, schema};
use crate::slice::{Slice, slice_of, slices};
use amana_core::ids::sha256;
use amana_core::{Form, InstitutionId};
use amana_gate::{Policy, PolicyRequest};
use cedar_policy::{Authorizer, Decision, Entities, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use std::collections::BTreeSet;
use std::str::FromStr as _;

/// An institution's policies, parsed and validated. Whether they are safe is another question: [`crate::accept`].
pub struct CedarPolicy {
    institution: InstitutionId,
    document: String,
    sha256: String,
    pub(crate) schema: Schema,
    pub(crate) policies: PolicySet,
    words: Words,
    /// For each purpose and form the policies that can say something: the others would cost the same.
    slices: Vec<Slice>,
    entities: Entities,
    authorizer: Authorizer,
    memo: Memo,
}

/// What was asked for one form, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The form.
    pub form: Form,
    /// Whether it may leave in this form.
    pub allowed: bool,
    /// The policies that decided: the permits that allowed it, or the forbids that stopped it. Empty when no policy
    /// permits it.
    pub determining: Vec<String>,
    /// How many policies failed. Any makes the answer *no*.
    pub errors: usize,
}

/// An answer with its reasons, for operators; the gate needs only the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The most open form that is allowed.
    pub form: Option<Form>,
    /// What was asked, in order. Empty when there is nothing to ask about: no consent, or another institution's data.
    pub asked: Vec<Asked>,
}

impl CedarPolicy {
    /// Reads a policy document: parses it, names each policy by its `@id`, and holds every word against the schema.
    ///
    /// # Errors
    /// When it is too long, has too many policies, does not parse, or says what the schema does not know. Faults have
    /// line and column.
    pub fn parse(institution: &InstitutionId, document: &str) -> Result<Self, PolicyError> {
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(PolicyError::TooLong(document.len()));
        }
        let schema = schema(institution)?;
        let parsed = PolicySet::from_str(document).map_err(|errors| {
            PolicyError::Invalid(errors.iter().take(FAULTS_MAX).map(|e| fault(document, e)).collect())
        })?;
        if let Some(template) = parsed.templates().next() {
            return Err(PolicyError::Template(template.id().to_string()));
        }
        let count = parsed.policies().count();
        if count > POLICIES_MAX {
            return Err(PolicyError::TooMany(count));
        }
        let policies = named(&parsed)?;
        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        // A warning is a fault as well: a rule that can never apply, or letters that only look like others.
        if !result.validation_passed_without_warnings() {
            let errors = result.validation_errors().map(|e| fault(document, e));
            let warnings = result.validation_warnings().map(|w| fault(document, w));
            return Err(PolicyError::Invalid(errors.chain(warnings).take(FAULTS_MAX).collect()));
        }
        let words = Words::new(institution, &schema)?;
        let entities =
            Entities::from_entities([], Some(&schema)).map_err(|e| PolicyError::Schema(e.to_string()))?;
        let slices = slices(&policies, &words)?;
        let memo = Memo::new(&policies);
        Ok(Self {
            institution: institution.clone(),
            document: document.to_owned(),
            sha256: hex::encode(sha256(&[document.as_bytes()])),
            schema,
            policies,
            words,
            slices,
            entities,
            authorizer: Authorizer::new(),
            memo,
        })
    }

    /// The exact text.
    #[must_use]
    pub fn document(&self) -> &str {
        &self.document
    }

    /// The ids of its policies, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.policies.policies().map(|p| p.id().to_string()).collect();
        ids.sort_unstable();
        ids
    }

    /// The answer with its reasons: which form, and for each form that was asked which policies decided.
    #[must_use]
    pub fn explain(&self, request: &PolicyRequest<'_>) -> Explanation {
        let mut asked = Vec::with_capacity(FORMS.len());
        let form = self.ask(request, |one| asked.push(one));
        Explanation { form, asked }
    }

    /// The answer as it is without those that were kept: what the first question of its kind gets, and costs.
    #[must_use]
    pub fn anew(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        if request.ask.subject.institution != self.institution {
            return None;
        }
        self.evaluate(request, &Facts::of(request)?)
    }

    /// Asks for the forms from the most open that agreement and consent leave to the strictest, and takes the first
    /// that is allowed. This is Cedar's own evaluator over the slice's conditions; [`CedarPolicy::explain`] asks its
    /// authorizer, and a test holds the two together.
    fn evaluate(&self, request: &PolicyRequest<'_>, facts: &Facts<'_>) -> Option<Form> {
        let context = self.context(request, facts)?;
        for form in FORMS.into_iter().filter(|form| *form <= request.form) {
            let question = self.words.question(request.purpose, form, context.clone())?;
            let evaluator = Evaluator::new(question, self.entities.as_ref(), Extensions::all_available());
            if self.slices.get(slice_of(request.purpose, form))?.allows(&evaluator)? {
                return Some(form);
            }
        }
        None
    }

    /// The same with Cedar's authorizer, telling what it said of each form.
    fn ask(&self, request: &PolicyRequest<'_>, mut told: impl FnMut(Asked)) -> Option<Form> {
        if request.ask.subject.institution != self.institution {
            return None;
        }
        let context = self.context(request, &Facts::of(request)?)?;
        for form in FORMS.into_iter().filter(|form| *form <= request.form) {
            let question = self.words.question(request.purpose, form, context.clone())?.into();
            let slice = self.slices.get(slice_of(request.purpose, form))?;
            let response = self.authorizer.is_authorized(&question, slice.set(), &self.entities);
            let errors = response.diagnostics().errors().count();
            // Cedar skips a policy that fails, also a `forbid`: so a failure anywhere is a *no* to the whole question.
            let allowed = response.decision() == Decision::Allow && errors == 0;
            told(Asked {
                form,
                allowed,
                determining: response.diagnostics().reason().map(ToString::to_string).collect(),
                errors,
            });
            if allowed {
                return Some(form);
            }
            if errors > 0 {
                return None;
            }
        }
        None
    }

    /// What all forms of a question share, held against the schema.
    fn context(&self, request: &PolicyRequest<'_>, facts: &Facts<'_>) -> Option<Context> {
        let context = self.words.context(request.ask.clusters, facts)?;
        self.words.is_valid(request, facts, &context, &self.schema).then_some(context)
    }
}

impl Policy for CedarPolicy {
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        if request.ask.subject.institution != self.institution {
            return None;
        }
        let facts = Facts::of(request)?;
        let Some(key) = self.memo.key(request.purpose, request.form, request.ask.clusters, &facts) else {
            return self.evaluate(request, &facts);
        };
        if let Some(answer) = self.memo.get(&key) {
            return answer;
        }
        let answer = self.evaluate(request, &facts);
        self.memo.put(key, answer);
        answer
    }

    fn set_sha256(&self) -> &str {
        &self.sha256
    }
}

impl std::fmt::Debug for CedarPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CedarPolicy").field("sha256", &self.sha256).field("ids", &self.ids()).finish()
    }
}

/// The same policies, each named by its `@id` where it has one (and else by its place, as Cedar does).
fn named(parsed: &PolicySet) -> Result<PolicySet, PolicyError> {
    let mut seen = BTreeSet::new();
    let mut policies = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
        let well_formed = (1..=POLICY_ID_BYTES_MAX).contains(&id.len())
            && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !well_formed {
            return Err(PolicyError::BadId);
        }
        if !seen.insert(id.clone()) {
            return Err(PolicyError::SameId(id));
        }
        let policy = policy.new_id(PolicyId::new(&id));
        policies.add(policy).map_err(|_| PolicyError::SameId(id))?;
    }
    Ok(policies)
}

/// A diagnostic of Cedar's with line and column, and its help.
pub(crate) fn fault(document: &str, error: &dyn miette::Diagnostic) -> Fault {
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let before = at.and_then(|at| document.get(..at));
    let (line, column) = before.map_or((0, 0), |before| {
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).map_or(0, |text| text.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    });
    Fault { line, column, what: error.to_string(), help: error.help().map(|help| help.to_string()) }
}
