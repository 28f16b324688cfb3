//! From the gate's request to Cedar's: built once per decision, validated against the schema.

use crate::error::PolicyError;
use crate::limits::KINDS_OF_CONTEXT_MAX;
use crate::memo::bits;
use crate::schema::{entity, sensitivity};
use amana_core::{Cluster, Clusters, Consent, ConsentState, Form, InstitutionId, Purpose, Timestamp};
use amana_gate::PolicyRequest;
use cedar_policy::{EntityUid, Request, Schema, validate_scope_variables};
use cedar_policy_core::ast::{self, EntityUIDEntry, Value};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// The words as entities and values, made once per policy set and held against the schema then.
#[derive(Debug)]
pub(crate) struct Words {
    purposes: Vec<EntityUid>,
    forms: Vec<EntityUid>,
    action: EntityUid,
    purpose_values: Vec<Value>,
    cluster_values: Vec<Value>,
    messenger: Value,
    institution: Value,
    /// Kinds of contexts that were held against the schema, by the bits of their clusters and purposes.
    valid: Mutex<HashSet<(u64, u64)>>,
}

/// Everything of a request but purpose and form; of the purpose alone whether it is stopped.
pub(crate) type Context = ast::Context;

/// What a request's context says, before it is put into Cedar's values. Instants are in seconds.
pub(crate) struct Facts<'a> {
    pub(crate) consent: &'a Consent,
    pub(crate) recipient_is_subject: bool,
    pub(crate) killed: bool,
    pub(crate) revoked: bool,
    pub(crate) given: i64,
    pub(crate) expires: i64,
    pub(crate) now: i64,
    pub(crate) minute_of_day: i64,
    pub(crate) weekday: i64,
}

impl<'a> Facts<'a> {
    /// What the policy is told. `None` without a consent.
    pub(crate) fn of(request: &PolicyRequest<'a>) -> Option<Self> {
        let PolicyRequest { ask, facts, .. } = request;
        let consent = facts.consent?;
        let (minute_of_day, weekday) = minute_and_weekday(facts.now);
        Some(Self {
            consent,
            recipient_is_subject: is_subject(request, consent),
            killed: facts
                .kills
                .stop(
                    &ask.subject.institution,
                    &ask.recipient.channel,
                    ask.subject.customer,
                    Some(request.purpose),
                )
                .is_some(),
            revoked: consent.state == ConsentState::Revoked,
            given: consent.granted_at.as_second(),
            expires: consent.expires_at.as_second(),
            now: facts.now.as_second(),
            minute_of_day,
            weekday,
        })
    }
}

impl Words {
    /// # Errors
    /// When the schema does not know one of them.
    pub(crate) fn new(institution: &InstitutionId, schema: &Schema) -> Result<Self, PolicyError> {
        let purposes: Vec<EntityUid> =
            Purpose::ALL.iter().map(|p| entity("Purpose", p.as_str())).collect::<Result<_, _>>()?;
        let forms: Vec<EntityUid> =
            Form::ALL.iter().map(|f| entity("Form", f.as_str())).collect::<Result<_, _>>()?;
        let action = entity("Action", "disclose")?;
        for purpose in &purposes {
            for form in &forms {
                validate_scope_variables(purpose, &action, form, schema)
                    .map_err(|error| PolicyError::Schema(error.to_string()))?;
            }
        }
        let clusters = Cluster::ALL.iter().map(|c| entity("Cluster", c.as_str()));
        Ok(Self {
            purpose_values: purposes.iter().map(value).collect(),
            cluster_values: clusters.map(|uid| uid.map(|uid| value(&uid))).collect::<Result<_, _>>()?,
            messenger: value(&entity("ChannelKind", "messenger")?),
            institution: value(&entity("Institution", institution.as_str())?),
            purposes,
            forms,
            action,
            valid: Mutex::default(),
        })
    }

    pub(crate) fn purpose(&self, purpose: Purpose) -> Option<&EntityUid> {
        self.purposes.get(purpose as usize)
    }

    pub(crate) fn form(&self, form: Form) -> Option<&EntityUid> {
        self.forms.get(form as usize)
    }

    /// The context of a request. `None` where anything is amiss.
    ///
    /// It is made of values and not of expressions, since Cedar would evaluate those for each request: that alone took
    /// longer than the answer.
    pub(crate) fn context(&self, clusters: Clusters, facts: &Facts<'_>) -> Option<Context> {
        let sensitivity = sensitivity(clusters);
        let purposes: Option<Vec<Value>> =
            facts.consent.grants.keys().map(|p| self.purpose_values.get(*p as usize).cloned()).collect();
        let clusters: Option<Vec<Value>> =
            clusters.iter().map(|c| self.cluster_values.get(c as usize).cloned()).collect();
        let consent_record = [
            ("purposes", Value::set(purposes?, None)),
            ("given", facts.given.into()),
            ("expires", facts.expires.into()),
            ("revoked", facts.revoked.into()),
        ];
        let facts = [
            ("institution", self.institution.clone()),
            ("channel", self.messenger.clone()),
            ("clusters", Value::set(clusters?, None)),
            ("sensitivity", sensitivity.into()),
            ("recipient_is_subject", facts.recipient_is_subject.into()),
            ("killed", facts.killed.into()),
            ("consent", Value::record(consent_record, None)),
            ("now", facts.now.into()),
            ("minute_of_day", facts.minute_of_day.into()),
            ("weekday", facts.weekday.into()),
        ];
        Some(Context::Value(Arc::new(facts.into_iter().map(|(name, value)| (name.into(), value)).collect())))
    }

    pub(crate) fn action(&self) -> &EntityUid {
        &self.action
    }

    /// The question for one form. Purpose, action and form were held against the schema when the words were made; the
    /// context is by [`Words::is_valid`].
    pub(crate) fn question(&self, purpose: Purpose, form: Form, context: Context) -> Option<ast::Request> {
        let known = |uid: &EntityUid| EntityUIDEntry::known(uid.as_ref().clone(), None);
        let (purpose, form) = (known(self.purpose(purpose)?), known(self.form(form)?));
        Some(ast::Request::new_unchecked(purpose, known(&self.action), form, Some(context)))
    }

    /// Whether the context is what the schema says. Its type turns on the two sets in it alone, since all else is a
    /// number, a truth or an entity that was held against the schema before: so one of each kind is enough.
    pub(crate) fn is_valid(
        &self,
        request: &PolicyRequest<'_>,
        facts: &Facts<'_>,
        context: &Context,
        schema: &Schema,
    ) -> bool {
        let kind = bits(request.ask.clusters.iter().map(|cluster| cluster as usize))
            .zip(bits(facts.consent.grants.keys().map(|purpose| *purpose as usize)));
        // A table that somebody panicked over is not read.
        let known = |kind| self.valid.lock().is_ok_and(|valid| valid.contains(&kind));
        if kind.is_some_and(known) {
            return true;
        }
        let form = Form::Notice;
        let valid = self.question(request.purpose, form, context.clone()).is_some_and(|question| {
            let question = Request::from(question);
            question.context().is_some_and(|context| context.validate(schema, &self.action).is_ok())
        });
        if valid
            && let Some(kind) = kind
            && let Ok(mut table) = self.valid.lock()
            && table.len() < KINDS_OF_CONTEXT_MAX
        {
            table.insert(kind);
        }
        valid
    }
}

fn value(uid: &EntityUid) -> Value {
    ast::EntityUID::clone(uid.as_ref()).into()
}

/// Whether who would get it is whom the consent of this very customer names.
fn is_subject(request: &PolicyRequest<'_>, consent: &Consent) -> bool {
    let ask = &request.ask;
    consent.customer == ask.subject.customer
        && consent.institution == ask.subject.institution
        && consent.channel == ask.recipient.channel
        && consent.psid == ask.recipient.psid
}

/// The minute of the day and the day of the week (1 Monday), UTC. 1 January 1970 was a Thursday.
fn minute_and_weekday(now: Timestamp) -> (i64, i64) {
    let second = now.as_second();
    (second.rem_euclid(86_400) / 60, (second.div_euclid(86_400) + 3).rem_euclid(7) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_and_days_are_those_of_the_calendar() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", (0, 4)),
            ("1969-12-31T23:59:59Z", (1439, 3)),
            ("2026-11-23T22:00:30Z", (1320, 1)),
            ("2026-11-29T06:59:59.999Z", (419, 7)),
        ] {
            assert_eq!(minute_and_weekday(text.parse().expect("an instant")), expected, "{text}");
        }
    }
}
