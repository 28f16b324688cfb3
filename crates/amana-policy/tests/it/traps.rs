//! The three ways in which Cedar fails open. Each is first shown on bare Cedar, then the wrapper is shown to deny.

use crate::support::{World, bank, default_and, policy};
use amana_core::{Form, Purpose};
use amana_gate::Policy as _;
use amana_policy::{CedarPolicy, PolicyError};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
    Schema,
};
use std::collections::HashSet;
use std::str::FromStr as _;

fn uid(text: &str) -> EntityUid {
    text.parse().expect("an entity")
}

fn bare(purpose: &str, policies: &str, context: Context, entities: &Entities) -> (Decision, usize) {
    let request =
        Request::new(uid(purpose), uid("Action::\"disclose\""), uid("Form::\"detail\""), context, None)
            .expect("without a schema all goes");
    let set = PolicySet::from_str(policies).expect("policies");
    let response = Authorizer::new().is_authorized(&request, &set, entities);
    (response.decision(), response.diagnostics().errors().count())
}

fn faults(text: &str) -> String {
    match CedarPolicy::parse(&bank(), text) {
        Err(error @ PolicyError::Invalid(_)) => error.to_string(),
        other => panic!("expected faults, got {other:?}"),
    }
}

/// Trap 1: a `forbid` that fails is skipped.
#[test]
fn abuse_08_a_forbid_that_fails_denies() {
    // Bare: the context says `killd`, so `context.killed` is not there, the forbid fails, and all is allowed.
    let context =
        Context::from_pairs([("killd".to_owned(), RestrictedExpression::new_bool(true))]).expect("a context");
    let text = "permit (principal, action, resource);\nforbid (principal, action, resource) when { context.killed };";
    let (decision, errors) = bare("Purpose::\"BankOffer\"", text, context, &Entities::empty());
    assert_eq!((decision, errors), (Decision::Allow, 1), "the trap is still there");

    // Ours: a policy that reads what is not in the schema does not load …
    let said = faults(&default_and("forbid (principal, action, resource) when { context.killd };"));
    assert!(said.contains("killd"), "{said}");
    // … and one that fails while it is evaluated, which no schema excludes, makes the whole answer *no*.
    let failing = "forbid (principal, action, resource) when { context.now + 9223372036854775807 < 0 };";
    let text = default_and(failing);
    let world = World::good();
    let request = world.request(Purpose::TransactionUpdate, Form::Detail);
    let ours = policy(&text);
    assert_eq!(ours.allows(&request), None);
    let told = ours.explain(&request);
    assert_eq!(told.asked.len(), 1, "no stricter form is tried after a failure: {told:?}");
    assert_eq!(told.asked[0].errors, 1);
    // Without the failing rule the same request is allowed: it is the failure that denies.
    assert_eq!(policy(amana_policy::DEFAULT).allows(&request), Some(Form::Detail));
}

/// A `permit` that fails beside another one that does not is no less a failure.
#[test]
fn abuse_08_a_permit_that_fails_denies_too() {
    let text =
        default_and("permit (principal, action, resource) when { context.now * 9223372036854775807 > 0 };");
    let world = World::good();
    assert_eq!(policy(&text).allows(&world.request(Purpose::BankOffer, Form::Notice)), None);
}

/// Trap 2: `principal in Group` is silently false where the entity is not loaded.
#[test]
fn abuse_08_a_forbid_on_an_unknown_group_does_not_load() {
    // Bare: `TargetedAdvertising` is not in the store, so it is not in `Marketing`, without any error.
    let text = "permit (principal, action, resource);\nforbid (principal in Purpose::\"Marketing\", action, resource);";
    let (decision, errors) =
        bare("Purpose::\"TargetedAdvertising\"", text, Context::empty(), &Entities::empty());
    assert_eq!((decision, errors), (Decision::Allow, 0), "the trap is still there");

    // Ours: neither word exists.
    let said = faults(&default_and("forbid (principal in Purpose::\"Marketing\", action, resource);"));
    assert!(said.contains("Marketing"), "{said}");
    let said = faults(&default_and(
        "forbid (principal, action, resource) when { principal in Purpose::\"Marketing\" };",
    ));
    assert!(said.contains("Marketing"), "{said}");
    let schema = Schema::from_cedarschema_str(amana_policy::SCHEMA).expect("our schema").0;
    let request = Request::new(
        uid("Purpose::\"TargetedAdvertising\""),
        uid("Action::\"disclose\""),
        uid("Form::\"detail\""),
        Context::empty(),
        Some(&schema),
    );
    let said = request.expect_err("no such purpose").to_string();
    assert!(said.contains("TargetedAdvertising"), "{said}");
}

/// Trap 3: in the vocabulary's own hierarchy `SellDataToThirdParties` lies below `ServiceProvision`.
#[test]
fn abuse_07_a_permit_on_an_inner_node_does_not_load() {
    // Bare: with the hierarchy loaded, a permit for services permits the sale of data.
    let below =
        |uid_text: &str, parent: &str| Entity::new_no_attrs(uid(uid_text), HashSet::from([uid(parent)]));
    let entities = Entities::from_entities(
        [
            below("Purpose::\"SellDataToThirdParties\"", "Purpose::\"SellProducts\""),
            below("Purpose::\"SellProducts\"", "Purpose::\"ServiceProvision\""),
        ],
        None,
    )
    .expect("entities");
    let text = "permit (principal in Purpose::\"ServiceProvision\", action, resource);";
    let (decision, errors) = bare("Purpose::\"SellDataToThirdParties\"", text, Context::empty(), &entities);
    assert_eq!((decision, errors), (Decision::Allow, 0), "the trap is still there");

    // Ours: there are leaves only, and no hierarchy to load.
    for word in ["ServiceProvision", "SellProducts", "SellDataToThirdParties", "Advertising", "Profiling"] {
        let said = faults(&format!("permit (principal in Purpose::\"{word}\", action, resource);"));
        assert!(said.contains(word), "{said}");
        let said = faults(&format!("permit (principal == Purpose::\"{word}\", action, resource);"));
        assert!(said.contains(word), "{said}");
    }
    // `in` on a leaf is the leaf itself, nothing more.
    let leaf = default_and("forbid (principal in Purpose::\"BankOffer\", action, resource);");
    let world = World::good();
    assert_eq!(policy(&leaf).allows(&world.request(Purpose::BankOffer, Form::Notice)), None);
    assert_eq!(
        policy(&leaf).allows(&world.request(Purpose::TransactionUpdate, Form::Detail)),
        Some(Form::Detail)
    );
}
