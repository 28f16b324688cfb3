//! A policy can only narrow: over generated policies and requests.

use crate::support::{World, account, at, bank};
use amana_core::*;
use amana_gate::{Policy as _, StandardPolicy};
use amana_policy::CedarPolicy;
use cedar_policy::{Authorizer, Decision, Entities, EntityUid, PolicySet, Request, Schema};
use proptest::prelude::*;

/// Conditions that people might write, good and bad; some can fail.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("context.weekday > 3".to_owned()),
        Just("context.recipient_is_subject".to_owned()),
        Just("context.killed".to_owned()),
        Just("context.consent.revoked".to_owned()),
        Just("context.consent.purposes.contains(principal)".to_owned()),
        Just("context.now < context.consent.expires".to_owned()),
        Just("context.now == context.consent.given".to_owned()),
        Just("context.now - context.consent.given > 86400".to_owned()),
        (1_793_000_000i64..1_800_000_000).prop_map(|at| format!("context.now < {at}")),
        Just("context.now + 9223372036854775000 > 0".to_owned()),
        Just("decimal(\"1.0\").lessThan(decimal(\"2.0\"))".to_owned()),
        (0..1440u32).prop_map(|m| format!("context.minute_of_day < {m}")),
        (0..4u32).prop_map(|n| format!("context.sensitivity >= {n}")),
        prop::sample::select(Form::ALL).prop_map(|f| format!("resource == Form::\"{f}\"")),
        prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal == Purpose::\"{p}\"")),
        prop::sample::select(Cluster::ALL)
            .prop_map(|c| format!("context.clusters.contains(Cluster::\"{c}\")")),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

fn one_policy() -> impl Strategy<Value = String> {
    let principal = prop_oneof![
        3 => Just("principal".to_owned()),
        1 => prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal == Purpose::\"{p}\"")),
        1 => prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal in Purpose::\"{p}\"")),
        1 => Just("principal is Purpose".to_owned()),
        1 => prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal is Purpose in Purpose::\"{p}\"")),
    ];
    let resource = prop_oneof![
        3 => Just("resource".to_owned()),
        1 => prop::sample::select(Form::ALL).prop_map(|f| format!("resource == Form::\"{f}\"")),
        1 => prop::sample::select(Form::ALL).prop_map(|f| format!("resource in Form::\"{f}\"")),
        1 => prop::sample::select(Form::ALL).prop_map(|f| format!("resource is Form in Form::\"{f}\"")),
    ];
    let effect = prop_oneof![Just("permit"), Just("forbid")];
    let clause = prop_oneof![Just("when"), Just("unless")];
    // Comparisons that stand first, before what may fail: those that are false end the condition there.
    let first = prop_oneof![
        prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal == Purpose::\"{p}\" && ")),
        prop::sample::select(Purpose::ALL).prop_map(|p| format!("Purpose::\"{p}\" == principal && ")),
        prop::sample::select(Form::ALL).prop_map(|f| format!("resource == Form::\"{f}\" && ")),
        prop::sample::select(Form::ALL).prop_map(|f| format!("!(resource == Form::\"{f}\") && ")),
        prop::sample::select(Purpose::ALL).prop_map(|p| format!("principal == Purpose::\"{p}\" || ")),
        (0..1440u32).prop_map(|m| format!("context.minute_of_day < {m} && ")),
    ];
    let firsts = prop::collection::vec(first, 0..3).prop_map(|firsts| firsts.concat());
    let action = prop_oneof![
        Just("action == Action::\"disclose\""),
        Just("action"),
        Just("action in [Action::\"disclose\"]")
    ];
    (effect, principal, action, resource, (clause, firsts, condition(), any::<bool>())).prop_map(
        |(e, p, a, r, (w, firsts, c, apart))| {
            // Two clauses are read one after the other, as if joined by `&&`.
            let before = if apart { format!("when {{ {firsts}true }} ") } else { String::new() };
            let firsts = if apart { "" } else { &firsts };
            format!("{e} ({p}, {a}, {r}) {before}{w} {{ {firsts}{c} }};\n")
        },
    )
}

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(one_policy(), 0..6).prop_map(|policies| policies.concat())
}

/// A world in which each thing may be amiss.
fn world() -> impl Strategy<Value = (World, Purpose, Form)> {
    (
        prop::sample::subsequence(Purpose::ALL, 0..=Purpose::ALL.len()),
        prop::sample::select(Form::ALL),
        any::<[bool; 4]>(),
        1_793_000_000i64..1_800_000_000,
        prop::sample::select(Purpose::ALL),
        prop::sample::select(Form::ALL),
        prop::sample::subsequence(Cluster::ALL, 0..=Cluster::ALL.len()),
    )
        .prop_map(|(chosen, granted, amiss, second, purpose, form, clusters)| {
            let mut world = World::good();
            world.now = Timestamp::from_second(second).expect("an instant");
            world.clusters = clusters.into_iter().collect();
            if let Some(consent) = &mut world.consent {
                let grant = |p: &Purpose| Grant {
                    accounts: [account("a1")].into(),
                    clusters: p.clusters(),
                    form: granted,
                };
                consent.grants = chosen.iter().map(|p| (*p, grant(p))).collect();
                consent.expires_at = at("2026-12-15T00:00:00Z");
                if amiss[0] {
                    consent.state = ConsentState::Revoked;
                }
                if amiss[1] {
                    consent.psid = Psid::new("666").expect("an id");
                }
            }
            if amiss[2] {
                let scope = KillScope::Institution(bank());
                world.kills.0.push(Kill { scope, reason: "test".into(), since: world.now });
            }
            if amiss[3] {
                world.consent = None;
            }
            (world, purpose, form)
        })
}

/// Cedar without our wrapper: the schema, and the whole set without slices.
struct Plain {
    schema: Schema,
    set: PolicySet,
}

impl Plain {
    fn new(text: &str) -> Self {
        let schema = amana_policy::SCHEMA.replacen("\"INSTITUTION\"", "\"cedar-bank\"", 1);
        Self {
            schema: Schema::from_cedarschema_str(&schema).expect("our schema").0,
            set: text.parse().expect("policies"),
        }
    }

    fn allows(&self, world: &World, purpose: Purpose, most: Form) -> Option<Form> {
        let context = context(world, &self.schema)?;
        for form in [Form::Detail, Form::Summary, Form::Notice].into_iter().filter(|f| *f <= most) {
            let uid = |text: String| text.parse::<EntityUid>().expect("an entity");
            let request = Request::new(
                uid(format!("Purpose::\"{purpose}\"")),
                uid("Action::\"disclose\"".to_owned()),
                uid(format!("Form::\"{form}\"")),
                context.clone(),
                Some(&self.schema),
            )
            .expect("a request");
            let response = Authorizer::new().is_authorized(&request, &self.set, &Entities::empty());
            // A policy that a slice leaves out cannot fail: its scope, or what its condition says first, is false
            // before anything that can fail is read.
            if response.diagnostics().errors().next().is_some() {
                return None;
            }
            if response.decision() == Decision::Allow {
                return Some(form);
            }
        }
        None
    }
}

/// The context, written out once more from the schema's words, by JSON.
fn context(world: &World, schema: &Schema) -> Option<cedar_policy::Context> {
    let consent = world.consent.as_ref()?;
    let entity = |kind: &str, id: &str| serde_json::json!({ "__entity": { "type": kind, "id": id } });
    let sensitivity = world
        .clusters
        .iter()
        .map(|c| match c.as_str() {
            "TRANSACTIONS" | "ORDERS" => 3,
            "BALANCES" | "TRANSFERS" => 2,
            _ => 1,
        })
        .max()
        .unwrap_or(0);
    let time = jiff::tz::TimeZone::UTC.to_datetime(world.now);
    let json = serde_json::json!({
        "institution": entity("Institution", "cedar-bank"),
        "channel": entity("ChannelKind", "messenger"),
        "clusters": world.clusters.iter().map(|c| entity("Cluster", c.as_str())).collect::<Vec<_>>(),
        "sensitivity": sensitivity,
        "recipient_is_subject": consent.psid == world.recipient.psid,
        "killed": !world.kills.0.is_empty(),
        "consent": {
            "purposes": consent.grants.keys().map(|p| entity("Purpose", p.as_str())).collect::<Vec<_>>(),
            "given": consent.granted_at.as_second(),
            "expires": consent.expires_at.as_second(),
            "revoked": consent.state == ConsentState::Revoked,
        },
        "now": world.now.as_second(),
        "minute_of_day": i64::from(time.hour()) * 60 + i64::from(time.minute()),
        "weekday": time.weekday().to_monday_one_offset(),
    });
    let action: EntityUid = "Action::\"disclose\"".parse().expect("an action");
    Some(cedar_policy::Context::from_json_value(json, Some((schema, &action))).expect("a context"))
}

proptest! {
    // Reading a set is what costs here, so each is asked about many worlds.
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// No policy gives a form more open than what agreement and consent leave; with the gate around it, none says yes
    /// where the standard policy says no. And our slices and shared context change nothing: Cedar asked plainly, with a
    /// context made another way, says the same.
    #[test]
    fn a_policy_only_narrows_and_is_cedars_own(
        text in document(),
        worlds in prop::collection::vec(world(), 12),
    ) {
        // A generated rule that can never apply is refused as a document.
        let Ok(ours) = CedarPolicy::parse(&bank(), &text) else { return Err(TestCaseError::reject("no policy")) };
        let plain = Plain::new(&text);
        // Twice, since an answer that was kept must be what a new one would be; and once more with a little of the
        // world changed, so that neighbours in the table are not taken for each other.
        let moved = |(world, purpose, form): &(World, Purpose, Form), seconds| {
            let mut world = world.clone();
            world.now = Timestamp::from_second(world.now.as_second() + seconds).expect("an instant");
            (world, *purpose, *form)
        };
        let later: Vec<_> = [1, 60, 86_400, 40 * 86_400]
            .into_iter()
            .flat_map(|seconds| worlds.iter().map(move |world| moved(world, seconds)))
            .collect();
        for (world, purpose, form) in worlds.iter().chain(&worlds).chain(&later).cloned() {
            let request = world.request(purpose, form);
            let allowed = ours.allows(&request);
            prop_assert!(allowed.is_none_or(|allowed| allowed <= form));
            match (world.decide(purpose, &ours), world.decide(purpose, &StandardPolicy)) {
                (Ok(narrow), Ok(standard)) => prop_assert!(narrow <= standard),
                (Ok(form), Err(denial)) => prop_assert!(false, "{form} where the gate says {denial}"),
                (Err(_), _) => {}
            }
            prop_assert_eq!(allowed, plain.allows(&world, purpose, form));
            prop_assert_eq!(ours.anew(&request), allowed);
            prop_assert_eq!(ours.explain(&request).form, allowed);
        }
    }
}
