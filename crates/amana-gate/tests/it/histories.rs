//! The decision over generated lives: what was agreed, allowed, taken back, stopped and asked, in any order, against a
//! reference that is written in plain words over the list of what happened, and knows nothing of the gate's types
//! (`lives.rs`, which `amana-policy` asks with policies in Cedar).

use crate::lives::*;
use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, Story, UpdateArgs};
use std::collections::{BTreeMap, BTreeSet};

/// Lives that are decided once each.
const LIVES: u64 = 1_000_000;
/// Lives in which a message is made at one moment and sent at another.
const SENDS: u64 = 20_000;
/// Threads, each with its own lives.
const THREADS: u64 = 4;

/// A bank's policy that shows at most a form.
struct AtMost(Option<Form>);

impl Policy for AtMost {
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        // More open than what was asked about must not help.
        self.0.filter(|form| *form <= request.form).or_else(|| self.0.map(|_| Form::Detail))
    }
    fn set_sha256(&self) -> &'static str {
        ""
    }
}

struct Asked {
    subject: Subject,
    recipient: Address,
    accounts: Vec<AccountId>,
    clusters: Clusters,
    policy: AtMost,
}

impl Asked {
    fn of(q: &Question) -> Self {
        Self {
            subject: Subject { institution: NAMES.banks[q.bank].clone(), customer: person(q.person) },
            recipient: Address { channel: NAMES.pages[q.page].clone(), psid: NAMES.chats[q.chat].clone() },
            accounts: accounts(q.accounts).collect(),
            clusters: clusters(q.kinds),
            policy: AtMost(q.policy.map(|form| Form::ALL[form])),
        }
    }
}

fn decided(today: usize, q: &Question, record: &Record) -> Result<Form, Denial> {
    let asked = Asked::of(q);
    let facts = Facts {
        agreement: record.agreement.as_ref(),
        consent: record.consent.as_ref(),
        kills: &record.kills,
        now: on_day(today),
    };
    let ask = Ask {
        subject: &asked.subject,
        recipient: &asked.recipient,
        accounts: &asked.accounts,
        clusters: asked.clusters,
    };
    decide(Purpose::ALL[q.purpose], &ask, &facts, &asked.policy)
}

/// Runs lives on some threads and adds up what each of them counted.
fn in_parallel(
    seed: u64,
    lives: u64,
    one: fn(&mut Dice, &mut BTreeMap<&'static str, u64>),
) -> BTreeMap<&'static str, u64> {
    let run = |thread: u64| {
        let mut dice = Dice(seed ^ (thread << 32));
        let mut counted = BTreeMap::new();
        for _ in 0..lives / THREADS {
            one(&mut dice, &mut counted);
        }
        counted
    };
    let mut all = BTreeMap::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        for thread in running {
            for (what, count) in thread.join().expect("agrees") {
                *all.entry(what).or_default() += count;
            }
        }
    });
    all
}

/// With the agreement or the consent of others on the desk it is always no.
fn somebody_elses_papers(
    dice: &mut Dice,
    life: &Life,
    today: usize,
    q: &Question,
    own: Record,
    counted: &mut BTreeMap<&'static str, u64>,
) {
    let others =
        [(1 - q.person, q.bank, q.page), (q.person, 1 - q.bank, q.page), (q.person, q.bank, 1 - q.page)];
    let others = record(life, today, others[dice.below(3)]);
    let mixed = match dice.below(3) {
        0 => Record { agreement: own.agreement, ..others },
        1 => Record { consent: own.consent, ..others },
        _ => others,
    };
    let (bank, page) = (&NAMES.banks[q.bank], &NAMES.pages[q.page]);
    let agreed = mixed.agreement.as_ref().is_some_and(|a| (&a.institution, &a.channel) == (bank, page));
    let allowed = mixed
        .consent
        .as_ref()
        .is_some_and(|c| (c.customer, &c.institution, &c.channel) == (person(q.person), bank, page));
    if !(agreed && allowed) {
        assert!(decided(today, q, &mixed).is_err(), "another's papers: {q:?}\n{life:#?}");
        *counted.entry("mixed up").or_insert(0) += 1;
    }
}

#[test]
fn the_decision_agrees_with_plain_words_over_a_million_lives() {
    let counted = in_parallel(1, LIVES, |dice, counted| {
        let (life, q) = (life(dice), question(dice));
        let today = dice.below(25);
        let expected = may_be_seen(&life, today, &q);
        let desk = record(&life, today, (q.person, q.bank, q.page));
        let found = decided(today, &q, &desk);
        assert_eq!(
            found.ok(),
            expected.map(|form| Form::ALL[form]),
            "{found:?} on day {today}: {q:?}\n{life:#?}"
        );
        *counted.entry(found.map_or_else(Denial::as_str, Form::as_str)).or_insert(0) += 1;
        if dice.one_in(8) {
            somebody_elses_papers(dice, &life, today, &q, desk, counted);
        }
    });
    // Lives in which hardly anything is allowed, or everything, would say little.
    let yes: u64 = ["notice", "summary", "detail"].iter().filter_map(|form| counted.get(form)).sum();
    assert!((LIVES / 10..LIVES / 2).contains(&yes), "{counted:?}");
    for reason in [
        "killed",
        "purpose-killed",
        "no-agreement",
        "agreement-not-in-force",
        "purpose-not-agreed",
        "cluster-not-agreed",
        "no-consent",
        "consent-revoked",
        "consent-expired",
        "purpose-not-consented",
        "account-not-consented",
        "cluster-not-consented",
        "recipient-not-subject",
        "policy",
        "notice",
        "summary",
        "detail",
        "mixed up",
    ] {
        assert!(counted.get(reason).is_some_and(|n| *n > LIVES / 1_000), "{reason}: {counted:?}");
    }
}

/// A message is made on one day and sent on another, and life goes on in between: what leaves is what plain words allow
/// on both days, in no more open a form than on the second.
#[test]
fn what_is_sent_agrees_with_plain_words_on_both_days() {
    let counted = in_parallel(2, SENDS, |dice, counted| {
        let life = life(dice);
        let q = Question { purpose: 2, ..question(dice) };
        assert_eq!(Purpose::ALL[2], Purpose::TransactionUpdate);
        // Most messages are sent while more happens: the day of the making is one of the life's first.
        let made = dice.below(6);
        let sent = made + dice.below(8);
        let gate = Gate::new(DataKey::new([5; 32]));
        let (key, entropy) = (DataKey::new([6; 32]), SeededEntropy::new(dice.roll()));
        let asked = Asked::of(&q);
        let first = record(&life, made, (q.person, q.bank, q.page));
        let now = on_day(made);
        let made_of = gate.disclose::<purpose::TransactionUpdate, _>(
            &Facts {
                agreement: first.agreement.as_ref(),
                consent: first.consent.as_ref(),
                kills: &first.kills,
                now,
            },
            &asked.policy,
            &Protected::new(asked.subject.clone(), paid(4_210)),
            (&asked.accounts, asked.clusters),
            &asked.recipient,
            &UpdateArgs { story: Story::New, account: None },
            &context(now),
            Encoding::MessengerUpdate,
            MessageId::from_bytes([4; 16]),
            &key,
            &entropy,
        );
        let then = may_be_seen(&life, made, &q);
        assert_eq!(made_of.is_ok(), then.is_some(), "{q:?}\n{life:#?}");
        let (Ok(disclosure), Some(then)) = (made_of, then) else { return };
        let second = record(&life, sent, (q.person, q.bank, q.page));
        let now = on_day(sent);
        let left = gate.release(
            disclosure.row,
            &Facts {
                agreement: second.agreement.as_ref(),
                consent: second.consent.as_ref(),
                kills: &second.kills,
                now,
            },
            &asked.policy,
            &key,
        );
        // News keep six days.
        let in_time = sent < made + 6;
        let still = in_time && may_be_seen(&life, sent, &q).is_some_and(|form| form >= then);
        assert_eq!(left.is_ok(), still, "made on {made}, sent on {sent}: {q:?}\n{life:#?}");
        let word = match left {
            Ok(released) => {
                let body = String::from_utf8(released.into_body()).expect("UTF-8");
                // A notice holds no data, a summary no name.
                assert_eq!(body.contains("42.10"), then > 0, "{body}");
                assert_eq!(body.contains("Blue Bottle"), then > 1, "{body}");
                "left"
            }
            Err(_) if !in_time => "too late",
            Err(_) => "not any more",
        };
        *counted.entry(word).or_insert(0) += 1;
    });
    for word in ["left", "too late", "not any more"] {
        assert!(counted.get(word).is_some_and(|n| *n > SENDS / 200), "{word}: {counted:?}");
    }
}

/// The reference itself, on lives short enough to see: it must be able to say both.
#[test]
fn the_reference_says_what_anybody_would() {
    let all = |form| {
        (0..9).map(|purpose| Grant3 { purpose, accounts: 7, kinds: kinds_of(purpose), form }).collect()
    };
    let agreed = |day| (day, What::Agreed { bank: 0, page: 0, terms: all(2) });
    let allowed =
        |day| (day, What::Allowed { person: 0, bank: 0, page: 0, chat: 0, days: 10, grants: all(1) });
    let q = Question {
        person: 0,
        bank: 0,
        page: 0,
        chat: 0,
        purpose: 0,
        accounts: 1,
        kinds: kinds_of(0),
        policy: Some(2),
    };
    let see = |life: &[(usize, What)], day| may_be_seen(&life.to_vec(), day, &q);
    assert_eq!(see(&[], 0), None);
    assert_eq!(see(&[agreed(0)], 0), None);
    assert_eq!(see(&[agreed(0), allowed(1)], 0), None, "not yet");
    assert_eq!(see(&[agreed(0), allowed(1)], 1), Some(1));
    assert_eq!(see(&[agreed(0), allowed(1)], 10), Some(1));
    assert_eq!(see(&[agreed(0), allowed(1)], 11), None, "over");
    let stopped = [agreed(0), allowed(1), (2, What::Stopped(Scope::Person(0)))];
    assert_eq!((see(&stopped, 1), see(&stopped, 2)), (Some(1), None));
    let flow = |purpose, bank, page| {
        let scope = Scope::Flow { purpose, bank, page };
        see(&[agreed(0), allowed(1), (2, What::Stopped(scope))], 2)
    };
    assert_eq!((flow(0, None, None), flow(0, Some(0), None), flow(0, Some(0), Some(0))), (None, None, None));
    assert_eq!(
        (flow(1, None, None), flow(0, Some(1), None), flow(0, Some(0), Some(1))),
        (Some(1), Some(1), Some(1))
    );
    let paused = [agreed(0), allowed(1), (2, What::Suspended { bank: 0, page: 0 })];
    assert_eq!((see(&paused, 1), see(&paused, 2)), (Some(1), None));
    let names: BTreeSet<_> = NAMES.accounts.iter().collect();
    assert_eq!(names.len(), 3);
}
