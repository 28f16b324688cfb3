//! The decision over generated lives: what was agreed, allowed, taken back, stopped and asked, in any order, against a
//! reference that is written in plain words over the list of what happened, and knows nothing of the gate's types.

use crate::support::*;
use amana_core::*;
use amana_gate::*;
use amana_render::{Encoding, Story, UpdateArgs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Lives that are decided once each.
const LIVES: u64 = 1_000_000;
/// Lives in which a message is made at one moment and sent at another.
const SENDS: u64 = 20_000;
/// Threads, each with its own lives.
const THREADS: u64 = 4;

/// Small numbers: SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number below `n`.
    fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.roll() % n).expect("small")
    }
    /// True once in `n`.
    fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What happened, in numbers. Two banks, two pages, two people (each with a chat of the same number), three accounts,
// nine purposes, six kinds of data as bits, three forms (0 is the least open).

/// What a bank agreed, or a person allowed, for one purpose.
#[derive(Debug, Clone, Copy)]
struct Grant3 {
    purpose: usize,
    /// Accounts as bits; a bank's agreement names none.
    accounts: usize,
    kinds: usize,
    form: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Copy)]
enum Scope {
    All,
    Bank(usize),
    Page(usize),
    Person(usize),
}

#[derive(Debug, Clone)]
enum What {
    Agreed { bank: usize, page: usize, terms: Vec<Grant3> },
    Declined { bank: usize, page: usize },
    Suspended { bank: usize, page: usize },
    Resumed { bank: usize, page: usize },
    Ended { bank: usize, page: usize },
    Allowed { person: usize, bank: usize, page: usize, chat: usize, days: usize, grants: Vec<Grant3> },
    TakenBack { person: usize, bank: usize, page: usize },
    Stopped(Scope),
    Released(Scope),
}

/// What happened, by day, in order.
type Life = Vec<(usize, What)>;

#[derive(Debug, Clone)]
struct Question {
    person: usize,
    bank: usize,
    page: usize,
    chat: usize,
    purpose: usize,
    accounts: usize,
    kinds: usize,
    /// What the bank's own policy would show at most; `None`: nothing.
    policy: Option<usize>,
}

/// The kinds of data of the purposes, written down here once more on purpose.
fn kinds_of(purpose: usize) -> usize {
    let words: &[&str] = match Purpose::ALL[purpose] {
        Purpose::BalanceOnRequest | Purpose::BalanceUpdate => &["ACCOUNT_BASIC", "BALANCES"],
        Purpose::TransactionUpdate => &["ACCOUNT_BASIC", "TRANSACTIONS"],
        _ => return Purpose::ALL[purpose].clusters().iter().map(|c| 1 << c as usize).sum(),
    };
    words
        .iter()
        .filter_map(|word| Cluster::ALL.iter().find(|c| c.as_str() == *word))
        .map(|c| 1 << *c as usize)
        .sum()
}

// ---------------------------------------------------------------------------------------------------------------------
// The reference.

/// What may be seen, if anything: the form.
fn may_be_seen(life: &Life, today: usize, q: &Question) -> Option<usize> {
    let so_far = || life.iter().filter(|(day, _)| *day <= today).map(|(_, what)| what);

    // Whatever the operators stopped and did not let go again is stopped.
    for scope in [Scope::All, Scope::Bank(q.bank), Scope::Page(q.page), Scope::Person(q.person)] {
        let last = so_far().rfind(|what| matches!(what, What::Stopped(s) | What::Released(s) if *s == scope));
        if matches!(last, Some(What::Stopped(_))) {
            return None;
        }
    }

    // What this bank agreed with this page last. A refusal or an end undoes it until the next agreement; a pause until
    // it is resumed.
    let mut agreed: Option<&Vec<Grant3>> = None;
    let mut paused = false;
    for what in so_far() {
        match what {
            What::Agreed { bank, page, terms } if (*bank, *page) == (q.bank, q.page) => {
                (agreed, paused) = (Some(terms), false);
            }
            What::Declined { bank, page } | What::Ended { bank, page }
                if (*bank, *page) == (q.bank, q.page) =>
            {
                agreed = None;
            }
            What::Suspended { bank, page } if (*bank, *page) == (q.bank, q.page) => paused = true,
            What::Resumed { bank, page } if (*bank, *page) == (q.bank, q.page) => paused = false,
            _ => {}
        }
    }
    let agreed = agreed.filter(|_| !paused)?.iter().find(|grant| grant.purpose == q.purpose)?;

    // The last word of the person to this bank about this page.
    let last = life.iter().filter(|(day, _)| *day <= today).rfind(|(_, what)| match what {
        What::Allowed { person, bank, page, .. } | What::TakenBack { person, bank, page } => {
            (*person, *bank, *page) == (q.person, q.bank, q.page)
        }
        _ => false,
    })?;
    let (day, What::Allowed { chat, days, grants, .. }) = last else { return None };
    if *chat != q.chat || today >= day + days {
        return None;
    }
    let allowed = grants.iter().find(|grant| grant.purpose == q.purpose)?;

    // Data is of accounts, all of them allowed; of kinds that both agreed to, and that the purpose needs at all.
    let accounts_named = q.accounts != 0 || q.kinds == 0;
    let accounts_allowed = q.accounts & !allowed.accounts == 0;
    let kinds_allowed = q.kinds & !(agreed.kinds & allowed.kinds & kinds_of(q.purpose)) == 0;
    if !(accounts_named && accounts_allowed && kinds_allowed) {
        return None;
    }
    // The least open of what everybody says.
    Some(agreed.form.min(allowed.form).min(q.policy?))
}

// ---------------------------------------------------------------------------------------------------------------------
// Lives.

fn grants(dice: &mut Dice, wide: bool) -> Vec<Grant3> {
    let mut grants = Vec::new();
    for purpose in 0..Purpose::ALL.len() {
        if dice.one_in(if wide { 12 } else { 5 }) {
            continue;
        }
        // Mostly what the purpose needs; now and then less, or what it does not need.
        let kinds = match dice.below(12) {
            0 => dice.below(64),
            1 => kinds_of(purpose) & dice.below(64),
            _ => kinds_of(purpose),
        };
        let accounts = if dice.one_in(5) { dice.below(8) } else { 7 };
        grants.push(Grant3 { purpose, accounts, kinds, form: 2 - dice.below(4) % 3 });
    }
    grants
}

fn scope(dice: &mut Dice) -> Scope {
    match dice.below(7) {
        0 => Scope::All,
        1 | 2 => Scope::Bank(dice.below(2)),
        3 | 4 => Scope::Page(dice.below(2)),
        _ => Scope::Person(dice.below(2)),
    }
}

/// A life, mostly of person 0 with bank 0 on page 0.
fn life(dice: &mut Dice) -> Life {
    let other = |dice: &mut Dice| usize::from(dice.one_in(4));
    let mut life = Life::new();
    let mut day = 0;
    if !dice.one_in(16) {
        life.push((day, What::Agreed { bank: 0, page: 0, terms: grants(dice, true) }));
    }
    if !dice.one_in(16) {
        let (days, grants) = (5 + dice.below(60), grants(dice, true));
        life.push((day, What::Allowed { person: 0, bank: 0, page: 0, chat: 0, days, grants }));
    }
    for _ in 0..dice.below(5) {
        day += dice.below(5);
        let (bank, page, person) = (other(dice), other(dice), other(dice));
        life.push((
            day,
            match dice.below(16) {
                0 | 1 => What::Agreed { bank, page, terms: grants(dice, false) },
                2 => What::Declined { bank, page },
                3 => What::Suspended { bank, page },
                4 | 5 => What::Resumed { bank, page },
                6 => What::Ended { bank, page },
                7..=9 => {
                    let chat = if dice.one_in(4) { dice.below(2) } else { person };
                    let (days, grants) = (1 + dice.below(40), grants(dice, false));
                    What::Allowed { person, bank, page, chat, days, grants }
                }
                10 | 11 => What::TakenBack { person, bank, page },
                12 => What::Stopped(scope(dice)),
                _ => What::Released(scope(dice)),
            },
        ));
    }
    life
}

fn question(dice: &mut Dice) -> Question {
    let other = |dice: &mut Dice| usize::from(dice.one_in(16));
    let purpose = dice.below(Purpose::ALL.len() as u64);
    let kinds = match dice.below(12) {
        0 => dice.below(64),
        1 => 0,
        2 => kinds_of(purpose) & dice.below(64),
        _ => kinds_of(purpose),
    };
    let person = other(dice);
    Question {
        person,
        bank: other(dice),
        page: other(dice),
        chat: if dice.one_in(16) { 1 - person } else { person },
        purpose,
        accounts: if dice.one_in(3) { dice.below(8) } else { 1 },
        kinds,
        policy: match dice.below(12) {
            0 => None,
            1 => Some(0),
            2 => Some(1),
            _ => Some(2),
        },
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The same for the gate: what a store would answer when it is asked, in the gate's own types.

struct Names {
    banks: [InstitutionId; 2],
    pages: [ChannelId; 2],
    chats: [Psid; 2],
    accounts: [AccountId; 3],
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    banks: [bank("cedar"), bank("meridian")],
    pages: ["1001", "1002"].map(|page| ChannelId::new(page).expect("an id")),
    chats: ["77", "88"].map(|chat| Psid::new(chat).expect("an id")),
    accounts: ["a", "b", "c"].map(account),
});

fn clusters(bits: usize) -> Clusters {
    Cluster::ALL.iter().copied().filter(|c| bits & (1 << *c as usize) != 0).collect()
}

fn accounts(bits: usize) -> impl Iterator<Item = AccountId> {
    NAMES.accounts.iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|(_, id)| id.clone())
}

fn person(number: usize) -> CustomerId {
    CustomerId::from_bytes([u8::try_from(number + 1).expect("small"); 16])
}

fn on_day(day: usize) -> Timestamp {
    from_micros(1_800_000_000_000_000 + i64::try_from(day).expect("small") * 86_400_000_000)
}

fn kill_scope(scope: Scope) -> KillScope {
    match scope {
        Scope::All => KillScope::All,
        Scope::Bank(bank) => KillScope::Institution(NAMES.banks[bank].clone()),
        Scope::Page(page) => KillScope::Channel(NAMES.pages[page].clone()),
        Scope::Person(number) => KillScope::Customer(person(number)),
    }
}

/// What is on record at the end of a day: of the agreement of a bank and a page, of a person's consent to them, of the
/// switches.
struct Record {
    agreement: Option<Agreement>,
    consent: Option<Consent>,
    kills: KillSwitches,
}

fn record(life: &Life, today: usize, (number, bank, page): (usize, usize, usize)) -> Record {
    let past: Vec<&(usize, What)> = life.iter().filter(|(day, _)| *day <= today).collect();
    let mut record = Record { agreement: None, consent: None, kills: KillSwitches::default() };
    let agreed = past.iter().rposition(
        |(_, what)| matches!(what, What::Agreed { bank: b, page: p, .. } if (*b, *p) == (bank, page)),
    );
    if let Some((at, (day, What::Agreed { terms, .. }))) = agreed.map(|at| (at, past[at])) {
        let terms = terms.iter().map(|g| (Purpose::ALL[g.purpose], (clusters(g.kinds), Form::ALL[g.form])));
        let mut agreement = Agreement {
            id: AgreementId::from_bytes([9; 16]),
            institution: NAMES.banks[bank].clone(),
            channel: NAMES.pages[page].clone(),
            state: AgreementState::Active,
            terms: terms.collect(),
            version: 1,
            changed_at: on_day(*day),
        };
        for (_, what) in past.iter().skip(at) {
            let (What::Declined { bank: b, page: p }
            | What::Suspended { bank: b, page: p }
            | What::Resumed { bank: b, page: p }
            | What::Ended { bank: b, page: p }) = what
            else {
                continue;
            };
            agreement.state = match (what, agreement.state) {
                _ if (*b, *p) != (bank, page) => agreement.state,
                (What::Declined { .. }, _) => AgreementState::Declined,
                (What::Ended { .. }, _) => AgreementState::Terminated,
                (What::Suspended { .. }, AgreementState::Active) => AgreementState::Suspended,
                (What::Resumed { .. }, AgreementState::Suspended) => AgreementState::Active,
                (_, state) => state,
            };
        }
        record.agreement = Some(agreement);
    }
    let theirs = |what: &What| {
        matches!(what, What::Allowed { person: n, bank: b, page: p, .. }
            if (*n, *b, *p) == (number, bank, page))
    };
    let allowed = past.iter().rposition(|(_, what)| theirs(what));
    if let Some((at, (day, What::Allowed { chat, days, grants, .. }))) = allowed.map(|at| (at, past[at])) {
        let grant = |g: &Grant3| Grant {
            accounts: accounts(g.accounts).collect(),
            clusters: clusters(g.kinds),
            form: Form::ALL[g.form],
        };
        let back = past.iter().skip(at).find_map(|(day, what)| match what {
            What::TakenBack { person: n, bank: b, page: p } if (*n, *b, *p) == (number, bank, page) => {
                Some(day)
            }
            _ => None,
        });
        record.consent = Some(Consent {
            id: ConsentId::from_bytes([7; 16]),
            customer: person(number),
            link: LinkId::from_bytes([8; 16]),
            institution: NAMES.banks[bank].clone(),
            channel: NAMES.pages[page].clone(),
            psid: NAMES.chats[*chat].clone(),
            grants: grants.iter().map(|g| (Purpose::ALL[g.purpose], grant(g))).collect(),
            lang: Lang::English,
            notice_sha256: String::new(),
            granted_at: on_day(*day),
            expires_at: on_day(day + days),
            state: if back.is_some() { ConsentState::Revoked } else { ConsentState::Active },
            revoked_at: back.map(|day| on_day(*day)),
        });
    }
    for (day, what) in past {
        match what {
            What::Stopped(scope) => {
                let scope = kill_scope(*scope);
                record.kills.0.push(Kill { scope, reason: String::new(), since: on_day(*day) });
            }
            What::Released(scope) => {
                let scope = kill_scope(*scope);
                record.kills.0.retain(|kill| kill.scope != scope);
            }
            _ => {}
        }
    }
    record
}

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
    let paused = [agreed(0), allowed(1), (2, What::Suspended { bank: 0, page: 0 })];
    assert_eq!((see(&paused, 1), see(&paused, 2)), (Some(1), None));
    let names: BTreeSet<_> = NAMES.accounts.iter().collect();
    assert_eq!(names.len(), 3);
}
