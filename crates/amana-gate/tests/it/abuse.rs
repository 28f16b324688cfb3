//! Abuse cases whose control is the decision, and the one that asks what the gate's program could do at all.
//! `docs/abuse-cases.md` says what each number is.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::process::Command;

/// The parties of a world that may differ, each from a small set, so that most combinations are wrong.
#[derive(Debug, Clone)]
struct Parties {
    subject: u8,
    consented: u8,
    banks: [u8; 3],
    pages: [u8; 3],
    persons: [u8; 2],
}

fn parties() -> impl Strategy<Value = Parties> {
    (
        1u8..4,
        1u8..4,
        prop::array::uniform3(0u8..2),
        prop::array::uniform3(0u8..2),
        prop::array::uniform2(0u8..3),
    )
        .prop_map(|(subject, consented, banks, pages, persons)| Parties {
            subject,
            consented,
            banks,
            pages,
            persons,
        })
}

fn world(p: &Parties) -> World {
    let bank_of = |n: u8| bank(["cedar-bank", "palm-bank"][usize::from(n)]);
    let page_of = |n: u8| ["1001", "1002"][usize::from(n)];
    let person_of = |n: u8| ["24601", "24602", "24603"][usize::from(n)];
    let mut world = World::good();
    world.subject = Subject { institution: bank_of(p.banks[0]), customer: customer(p.subject) };
    world.recipient = to(page_of(p.pages[0]), person_of(p.persons[0]));
    let agreement = world.agreement.as_mut().expect("one");
    agreement.institution = bank_of(p.banks[1]);
    agreement.channel = ChannelId::new(page_of(p.pages[1])).expect("an id");
    let consent = world.consent.as_mut().expect("one");
    consent.institution = bank_of(p.banks[2]);
    consent.channel = ChannelId::new(page_of(p.pages[2])).expect("an id");
    consent.customer = customer(p.consented);
    consent.psid = Psid::new(person_of(p.persons[1])).expect("an id");
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whoever's data, whoever's consent, whoever's chat: a yes means that all three are one person's, at one bank, on
    /// one Page. What A allowed never carries what is B's.
    #[test]
    fn abuse_01_a_yes_means_that_subject_consent_and_chat_are_one_persons(p in parties()) {
        let world = world(&p);
        let same = p.subject == p.consented
            && p.banks.iter().all(|b| *b == p.banks[0])
            && p.pages.iter().all(|c| *c == p.pages[0])
            && p.persons[0] == p.persons[1];
        for purpose in [Purpose::TransactionUpdate, Purpose::BalanceOnRequest] {
            prop_assert_eq!(world.decide(purpose).is_ok(), same && purpose == Purpose::TransactionUpdate, "{:?}", p);
        }
    }

    /// A rule that tightens binds what was granted before: whatever the agreement's terms become, no answer is more
    /// open than they are.
    #[test]
    fn abuse_03_an_old_consent_gives_no_more_than_todays_agreement(
        kept in prop::collection::btree_set(0usize..9, 0..9), form in 0usize..3, state in 0usize..5,
    ) {
        let mut world = World::good();
        let agreement = world.agreement.as_mut().expect("one");
        let form = [Form::Notice, Form::Summary, Form::Detail][form];
        let kept: BTreeSet<Purpose> = kept.into_iter().filter_map(|i| Purpose::ALL.get(i).copied()).collect();
        agreement.terms.retain(|p, _| kept.contains(p));
        agreement.terms.values_mut().for_each(|term| term.1 = form);
        agreement.state = [
            AgreementState::Active, AgreementState::Proposed, AgreementState::Declined, AgreementState::Suspended,
            AgreementState::Terminated,
        ][state];
        let answer = world.decide(Purpose::TransactionUpdate);
        let allowed = state == 0 && kept.contains(&Purpose::TransactionUpdate);
        prop_assert_eq!(answer.ok(), allowed.then_some(form));
    }
}

/// Each switch stops what it is for, at the decision; and nothing else.
#[test]
fn abuse_05_every_kill_switch_stops_its_own() {
    let other_bank = bank("palm-bank");
    let other_page = ChannelId::new("1002").expect("an id");
    let own = [
        KillScope::All,
        KillScope::Institution(bank(BANK)),
        KillScope::Channel(ChannelId::new(PAGE).expect("an id")),
        KillScope::Customer(customer(1)),
    ];
    let others = [
        flow(Purpose::BalanceOnRequest, None, None),
        flow(Purpose::TransactionUpdate, Some("palm-bank"), None),
        flow(Purpose::TransactionUpdate, None, Some("1002")),
        KillScope::Institution(other_bank),
        KillScope::Channel(other_page),
        KillScope::Customer(customer(2)),
    ];
    for (scope, stops) in own.into_iter().map(|s| (s, true)).chain(others.into_iter().map(|s| (s, false))) {
        let mut world = World::good();
        world.kills.0.push(Kill { scope: scope.clone(), reason: "drill".into(), since: now() });
        let answer = world.decide(Purpose::TransactionUpdate);
        assert_eq!(answer == Err(Denial::Killed), stops, "{scope:?}: {answer:?}");
        assert_eq!(answer.is_ok(), !stops, "{scope:?}: {answer:?}");
    }
    // One purpose: of everybody, of a bank, on a page, of a bank on a page. The others go on.
    for (institution, channel) in
        [(None, None), (Some(BANK), None), (None, Some(PAGE)), (Some(BANK), Some(PAGE))]
    {
        for purpose in [Purpose::TransactionUpdate, Purpose::BalanceOnRequest] {
            let mut world = World::good();
            let scope = flow(purpose, institution, channel);
            world.kills.0.push(Kill { scope: scope.clone(), reason: "drill".into(), since: now() });
            for asked in [Purpose::TransactionUpdate, Purpose::BalanceOnRequest] {
                world.clusters = asked.clusters();
                let answer = world.decide(asked);
                let expected = if asked == purpose { Err(Denial::PurposeKilled) } else { Ok(Form::Detail) };
                assert_eq!(answer, expected, "{scope:?} {asked:?}");
            }
        }
    }
}

/// A policy that fails is a no, and one that says more than it was asked opens nothing.
#[test]
fn abuse_08_a_policy_that_fails_denies_and_none_can_widen() {
    struct Says(Option<Form>);
    impl Policy for Says {
        fn allows(&self, _: &PolicyRequest<'_>) -> Option<Form> {
            self.0
        }
        fn set_sha256(&self) -> &str {
            "00"
        }
    }
    for consented in [Form::Notice, Form::Summary, Form::Detail] {
        let mut world = World::good();
        let grants = &mut world.consent.as_mut().expect("one").grants;
        grants.get_mut(&Purpose::TransactionUpdate).expect("a grant").form = consented;
        let ask = Ask {
            subject: &world.subject,
            recipient: &world.recipient,
            accounts: &world.accounts,
            clusters: world.clusters,
        };
        let says = |form| decide(Purpose::TransactionUpdate, &ask, &world.facts(), &Says(form));
        assert_eq!(says(None), Err(Denial::Policy));
        for form in [Form::Notice, Form::Summary, Form::Detail] {
            assert_eq!(says(Some(form)), Ok(form.min(consented)));
        }
    }
}

/// An authority, or anybody else who is not the customer, is no recipient, and there is no purpose under which it could
/// be one: what is not on the lists cannot be asked for, and what is asked for goes to the subject alone.
#[test]
fn abuse_28_there_is_no_purpose_and_no_recipient_for_an_authority() {
    for word in ["LegalCompliance", "Subpoena", "Authority", "LawEnforcement", "Investigation", "Audit", ""] {
        assert!(word.parse::<Purpose>().is_err(), "{word}");
    }
    let mut world = World::good();
    for person in ["police", "24602", "agent:1"] {
        world.recipient = to(PAGE, person);
        for purpose in Purpose::ALL {
            world.clusters = purpose.clusters();
            assert_eq!(world.decide(*purpose), Err(Denial::RecipientNotSubject), "{purpose} to {person}");
        }
    }
}

/// The crates between a bank's value and its receipt can reach no network: nothing that they are linked with opens a
/// socket.
#[test]
fn abuse_26_the_gate_is_linked_with_nothing_that_speaks_to_a_network() {
    const SPEAK: &[&str] = &[
        "tokio",
        "mio",
        "socket2",
        "hyper",
        "hyper-util",
        "reqwest",
        "h2",
        "quinn",
        "rustls",
        "native-tls",
        "openssl",
        "curl",
        "ureq",
        "isahc",
        "async-std",
        "smol",
        "async-io",
        "axum",
        "tonic",
        "tungstenite",
        "trust-dns-resolver",
        "hickory-resolver",
        "postgres",
        "tokio-postgres",
        "rusqlite",
        "nix",
        "rustix",
        "libloading",
    ];
    for name in ["amana-core", "amana-gate", "amana-log", "amana-chat"] {
        let out = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--format",
                "{p}",
                "-p",
                name,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let tree = String::from_utf8_lossy(&out.stdout).into_owned();
        let linked: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(linked.contains(name) && linked.len() > 3, "{tree}");
        let speaks: Vec<_> = linked.iter().filter(|name| SPEAK.contains(name)).collect();
        assert!(speaks.is_empty(), "{name} is linked with {speaks:?}");
    }
}

/// The gate does its work in a place without any network. Where the system lets nobody make such a place this fails:
/// nothing was shown. (The whole gate process: `abuse_26_the_gate_process_carries_the_story_without_a_network` in
/// `amana`.)
#[test]
fn abuse_26_the_gate_works_where_there_is_no_network() {
    let program = std::env::current_exe().expect("a program");
    let inside = |arguments: &[&str]| {
        Command::new("unshare").args(["--net", "--map-root-user"]).args(arguments).output()
    };
    let empty = inside(&["cat", "/proc/net/dev"]).expect("`unshare` is there (util-linux)");
    let said = String::from_utf8_lossy(&empty.stderr);
    assert!(empty.status.success(), "no network namespace can be made here, so nothing is shown: {said}");
    let devices = String::from_utf8_lossy(&empty.stdout).lines().filter(|l| l.contains(':')).count();
    assert_eq!(devices, 1, "a loopback that is down, and nothing else");
    let program = program.to_str().expect("a path");
    let out = inside(&[program, "--exact", "tickets::what_was_decided_leaves_and_its_receipt_says_so"]);
    let out = out.expect("runs");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}
