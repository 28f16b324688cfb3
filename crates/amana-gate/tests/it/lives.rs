//! Generated lives of agreements, consents, revocations and switches, a reference in plain words, and the same lives as
//! what a store would answer. The gate's tests and the policy crate's ask with them.

use amana_core::*;
use std::sync::LazyLock;

/// Small numbers: SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.roll() % n).expect("small")
    }
    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.roll().is_multiple_of(n)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What happened, in numbers. Two banks, two pages, two people (each with a chat of the same number), three accounts,
// nine purposes, six kinds of data as bits, three forms (0 is the least open).

/// What a bank agreed, or a person allowed, for one purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant3 {
    pub(crate) purpose: usize,
    /// Accounts as bits; a bank's agreement names none.
    pub(crate) accounts: usize,
    pub(crate) kinds: usize,
    pub(crate) form: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Copy)]
pub(crate) enum Scope {
    All,
    Bank(usize),
    Page(usize),
    Person(usize),
    /// One purpose: of a bank or of all, on a page or on all.
    Flow {
        purpose: usize,
        bank: Option<usize>,
        page: Option<usize>,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum What {
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
pub(crate) type Life = Vec<(usize, What)>;

#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) person: usize,
    pub(crate) bank: usize,
    pub(crate) page: usize,
    pub(crate) chat: usize,
    pub(crate) purpose: usize,
    pub(crate) accounts: usize,
    pub(crate) kinds: usize,
    /// What the bank's own policy would show at most; `None`: nothing.
    pub(crate) policy: Option<usize>,
}

/// The kinds of data of the purposes, written down here once more on purpose.
pub(crate) fn kinds_of(purpose: usize) -> usize {
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
pub(crate) fn may_be_seen(life: &Life, today: usize, q: &Question) -> Option<usize> {
    let so_far = || life.iter().filter(|(day, _)| *day <= today).map(|(_, what)| what);

    // Whatever the operators stopped and did not let go again is stopped.
    let purpose = q.purpose;
    for scope in [
        Scope::All,
        Scope::Bank(q.bank),
        Scope::Page(q.page),
        Scope::Person(q.person),
        Scope::Flow { purpose, bank: None, page: None },
        Scope::Flow { purpose, bank: Some(q.bank), page: None },
        Scope::Flow { purpose, bank: None, page: Some(q.page) },
        Scope::Flow { purpose, bank: Some(q.bank), page: Some(q.page) },
    ] {
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

pub(crate) fn grants(dice: &mut Dice, wide: bool) -> Vec<Grant3> {
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

pub(crate) fn scope(dice: &mut Dice) -> Scope {
    let one_or_all = |dice: &mut Dice| (!dice.one_in(2)).then(|| dice.below(2));
    match dice.below(11) {
        0 => Scope::All,
        1 | 2 => Scope::Bank(dice.below(2)),
        3 | 4 => Scope::Page(dice.below(2)),
        5 | 6 => Scope::Person(dice.below(2)),
        _ => Scope::Flow {
            purpose: dice.below(Purpose::ALL.len() as u64),
            bank: one_or_all(dice),
            page: one_or_all(dice),
        },
    }
}

/// A life, mostly of person 0 with bank 0 on page 0.
pub(crate) fn life(dice: &mut Dice) -> Life {
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

pub(crate) fn question(dice: &mut Dice) -> Question {
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

pub(crate) struct Names {
    pub(crate) banks: [InstitutionId; 2],
    pub(crate) pages: [ChannelId; 2],
    pub(crate) chats: [Psid; 2],
    pub(crate) accounts: [AccountId; 3],
}

pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    banks: ["cedar", "meridian"].map(|bank| InstitutionId::new(bank).expect("an id")),
    pages: ["1001", "1002"].map(|page| ChannelId::new(page).expect("an id")),
    chats: ["77", "88"].map(|chat| Psid::new(chat).expect("an id")),
    accounts: ["a", "b", "c"].map(|account| AccountId::new(account).expect("an id")),
});

pub(crate) fn clusters(bits: usize) -> Clusters {
    Cluster::ALL.iter().copied().filter(|c| bits & (1 << *c as usize) != 0).collect()
}

pub(crate) fn accounts(bits: usize) -> impl Iterator<Item = AccountId> {
    NAMES.accounts.iter().enumerate().filter(move |(i, _)| bits & (1 << i) != 0).map(|(_, id)| id.clone())
}

pub(crate) fn person(number: usize) -> CustomerId {
    CustomerId::from_bytes([u8::try_from(number + 1).expect("small"); 16])
}

pub(crate) fn on_day(day: usize) -> Timestamp {
    from_micros(1_800_000_000_000_000 + i64::try_from(day).expect("small") * 86_400_000_000)
}

pub(crate) fn kill_scope(scope: Scope) -> KillScope {
    match scope {
        Scope::All => KillScope::All,
        Scope::Bank(bank) => KillScope::Institution(NAMES.banks[bank].clone()),
        Scope::Page(page) => KillScope::Channel(NAMES.pages[page].clone()),
        Scope::Person(number) => KillScope::Customer(person(number)),
        Scope::Flow { purpose, bank, page } => KillScope::Purpose(PurposeScope {
            purpose: Purpose::ALL[purpose],
            institution: bank.map(|bank| NAMES.banks[bank].clone()),
            channel: page.map(|page| NAMES.pages[page].clone()),
        }),
    }
}

/// What is on record at the end of a day: of the agreement of a bank and a page, of a person's consent to them, of the
/// switches.
pub(crate) struct Record {
    pub(crate) agreement: Option<Agreement>,
    pub(crate) consent: Option<Consent>,
    pub(crate) kills: KillSwitches,
}

pub(crate) fn record(life: &Life, today: usize, (number, bank, page): (usize, usize, usize)) -> Record {
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
