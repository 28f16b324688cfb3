//! What may become a policy: by proof, where every test needs the program cvc5 (`cargo xtask test` installs it), and by
//! the simple check.

use crate::support::{NOTICE_ONLY, QUIET_NIGHTS, bank, default_and};
use amana_core::Purpose;
use amana_policy::{Accepted, DEFAULT, GUARDRAIL, How, Rejected, Solver, accept};

async fn proved(text: &str) -> Result<Accepted, Rejected> {
    let answer = accept(&bank(), text, &Solver::default()).await;
    if let Ok(accepted) = &answer {
        assert_eq!(
            accepted.how,
            How::Proved,
            "the program `cvc5` is missing: `apt-get install cvc5`, or run `cargo xtask test`, which does it"
        );
    }
    answer
}

async fn seen(text: &str) -> Result<Accepted, Rejected> {
    let answer = accept(&bank(), text, &Solver::new("/nonexistent/cvc5")).await;
    assert!(answer.as_ref().map_or(true, |accepted| accepted.how == How::Syntactic));
    answer
}

/// The default policy's conditions but one.
fn without(condition: &str) -> String {
    let shorter: String = DEFAULT
        .lines()
        .filter(|line| !line.trim().trim_end_matches(" &&").eq(condition))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_ne!(shorter.lines().count(), DEFAULT.lines().count(), "`{condition}` is in the default policy");
    // The last condition has no `&&` behind it.
    shorter.replace("&&\n};", "\n};")
}

#[test]
fn the_guardrail_names_exactly_our_purposes() {
    let (_, rest) = GUARDRAIL.split_once('[').expect("a list");
    let (list, _) = rest.split_once(']').expect("its end");
    let named: Vec<&str> = list.split(',').filter_map(|word| word.split('"').nth(1)).collect();
    assert_eq!(named, Purpose::ALL.iter().map(|p| p.as_str()).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_shipped_policies_are_proved_and_seen() {
    for text in [DEFAULT, NOTICE_ONLY, QUIET_NIGHTS] {
        assert!(!proved(text).await.expect("proved").stops_all);
        assert!(!seen(text).await.expect("seen").stops_all);
    }
    proved(GUARDRAIL).await.expect("the guardrail implies itself");
}

#[tokio::test]
async fn abuse_09_a_tampered_policy_has_a_counterexample() {
    let offers =
        default_and("@id(\"offers\") permit (principal == Purpose::\"BankOffer\", action, resource);");
    let Err(Rejected::TooWide { permitted_by, counterexample }) = proved(&offers).await else {
        panic!("accepted offers without consent");
    };
    assert_eq!(permitted_by, ["offers"]);
    assert!(counterexample.contains("purpose: Purpose::\"BankOffer\""), "{counterexample}");
    assert!(counterexample.contains("consent: ") && counterexample.contains("killed: "), "{counterexample}");

    let Err(Rejected::TooWide { permitted_by, .. }) = proved("permit (principal, action, resource);").await
    else {
        panic!("accepted everything");
    };
    assert_eq!(permitted_by, ["policy0"]);
}

/// Each condition of the default policy is needed: a policy without it is refused, by proof and by the simple check.
#[tokio::test]
async fn abuse_09_every_condition_is_needed() {
    for condition in [
        "context.recipient_is_subject",
        "!context.killed",
        "context.consent.purposes.contains(principal)",
        "!context.consent.revoked",
        "context.consent.given <= context.now",
        "context.now < context.consent.expires",
    ] {
        let text = without(condition);
        assert!(matches!(proved(&text).await, Err(Rejected::TooWide { .. })), "{condition}");
        let Err(Rejected::NotSeenSafe { policy, why }) = seen(&text).await else {
            panic!("seen safe without {condition}");
        };
        assert_eq!(policy, "as-consented");
        assert!(why.contains(condition), "{why}");
    }
}

/// Weaker conditions are no conditions.
#[tokio::test]
async fn a_condition_joined_by_or_is_none() {
    for text in [
        DEFAULT.replace(
            "context.recipient_is_subject &&",
            "(context.recipient_is_subject || context.now > 0) &&",
        ),
        DEFAULT.replace("!context.killed &&", "(!context.killed || context.weekday == 1) &&"),
        DEFAULT.replace("when {", "unless {"),
        DEFAULT.replace("context.now < context.consent.expires", "context.now <= context.consent.expires"),
    ] {
        assert!(matches!(proved(&text).await, Err(Rejected::TooWide { .. })), "{text}");
        assert!(matches!(seen(&text).await, Err(Rejected::NotSeenSafe { .. })), "{text}");
    }
}

#[tokio::test]
async fn a_policy_that_can_fail_is_refused() {
    for (rule, proof_accepts) in [
        ("context.now + 3600 > context.consent.expires", false),
        ("context.now * 2 == 7", false),
        ("-context.now < 0", false),
        // Within bounds nothing can fail, and the proof sees it. The simple check does not.
        (
            "context.minute_of_day >= 0 && context.minute_of_day < 1440 && context.minute_of_day + 240 > 1320",
            true,
        ),
        // A conversion of a constant cannot fail.
        ("decimal(\"1.5\").lessThan(decimal(\"2.0\"))", true),
    ] {
        let text =
            default_and(&format!("@id(\"odd\") forbid (principal, action, resource) when {{ {rule} }};"));
        match proved(&text).await {
            Ok(_) => assert!(proof_accepts, "{rule}"),
            Err(Rejected::CanFail { policy, counterexample }) => {
                assert!(!proof_accepts, "{rule}");
                assert_eq!(policy, "odd");
                assert!(counterexample.contains("now: "), "{counterexample}");
            }
            Err(other) => panic!("{rule}: {other}"),
        }
        let Err(Rejected::NotSeenSafe { policy, .. }) = seen(&text).await else {
            panic!("seen safe: {rule}")
        };
        assert_eq!(policy, "odd", "{rule}");
    }
}

/// The proof understands what the text does not show.
#[tokio::test]
async fn a_proof_accepts_more_than_the_simple_check() {
    let wordy = DEFAULT.replace("!context.killed", "(if context.killed then false else true)");
    proved(&wordy).await.expect("the same in other words");
    assert!(matches!(seen(&wordy).await, Err(Rejected::NotSeenSafe { .. })));

    let repaired = "permit (principal, action, resource);\n\
        forbid (principal, action, resource) unless { context.recipient_is_subject && !context.killed && \
        context.consent.purposes.contains(principal) && !context.consent.revoked && \
        context.consent.given <= context.now && context.now < context.consent.expires };";
    proved(repaired).await.expect("a permit that a forbid narrows enough");
    assert!(matches!(seen(repaired).await, Err(Rejected::NotSeenSafe { .. })));
}

#[tokio::test]
async fn a_policy_that_stops_all_is_told() {
    for text in ["", "forbid (principal, action, resource);"] {
        assert!(proved(text).await.expect("safe").stops_all);
        assert!(seen(text).await.expect("safe").stops_all);
    }
    let contrary =
        default_and("forbid (principal, action, resource) when { context.now > 0 || context.now <= 0 };");
    assert!(proved(&contrary).await.expect("safe").stops_all);
}

#[tokio::test]
async fn thirty_policies_are_proved_in_time() {
    let more: String = (0..29)
        .map(|n| {
            let purpose = Purpose::ALL[n % Purpose::ALL.len()];
            format!("forbid (principal == Purpose::\"{purpose}\", action, resource) when {{ context.minute_of_day < {n} && context.clusters.contains(Cluster::\"ORDERS\") }};\n")
        })
        .collect();
    let started = std::time::Instant::now();
    proved(&default_and(&more)).await.expect("proved");
    println!("30 policies proved in {:?}", started.elapsed());
}

#[tokio::test]
async fn what_is_no_policy_is_refused_before_any_proof() {
    assert!(matches!(proved("permit everything;").await, Err(Rejected::Invalid(_))));
    assert!(matches!(
        proved("permit (principal == Purpose::\"TargetedAdvertising\", action, resource);").await,
        Err(Rejected::Invalid(_))
    ));
}
