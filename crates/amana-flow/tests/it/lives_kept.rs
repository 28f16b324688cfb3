//! Generated lives (`amana-gate/tests/it/lives.rs`) through the product: each act by the code that does it, on a real
//! store, read back by what the gateway reads with, decided, and held against the reference in plain words.

use crate::lives::*;
use crate::support::open;
use amana_core::*;
use amana_flow::*;
use amana_gate::{Ask, Denial, Facts, Policy, PolicyRequest, ReceiptDraft, Subject, decide};
use amana_store::{Command, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Lives of a run, unless `AMANA_LIVES` says another number.
const LIVES: u64 = 2_000;
/// Lives that are written side by side, so that they share commits.
const AT_ONCE: u64 = 200;
/// Questions that are asked at the end of a life.
const QUESTIONS: usize = 8;

/// A bank's policy that shows at most a form.
struct AtMost(Option<Form>);

impl Policy for AtMost {
    fn allows(&self, request: &PolicyRequest<'_>) -> Option<Form> {
        self.0.map(|form| form.min(request.form))
    }
    fn set_sha256(&self) -> &'static str {
        ""
    }
}

/// A life's own banks, pages and customers: no other life's switch or agreement is about them.
#[derive(Clone, Copy)]
struct Own(u64);

impl Own {
    fn bank(self, bank: usize) -> InstitutionId {
        InstitutionId::new(format!("bank-{}-{bank}", self.0)).expect("an id")
    }
    fn page(self, page: usize) -> ChannelId {
        ChannelId::new(format!("{}00{page}", self.0 + 1)).expect("an id")
    }
    fn id(self, person: usize, bank: usize, page: usize) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.0.to_be_bytes());
        id[15] = u8::try_from(1 + person + 2 * bank + 4 * page).expect("small");
        id
    }
    /// A person is another customer at each bank.
    fn customer(self, person: usize, bank: usize) -> CustomerId {
        CustomerId::from_bytes(self.id(person, bank, 0))
    }
    fn link(self, person: usize, bank: usize, page: usize) -> LinkId {
        LinkId::from_bytes(self.id(person, bank, page))
    }
    fn scopes(self, scope: Scope) -> Vec<KillScope> {
        match scope {
            Scope::All => vec![KillScope::All],
            Scope::Bank(bank) => vec![KillScope::Institution(self.bank(bank))],
            Scope::Page(page) => vec![KillScope::Channel(self.page(page))],
            Scope::Person(person) => {
                [0, 1].map(|bank| KillScope::Customer(self.customer(person, bank))).into()
            }
            Scope::Flow { purpose, bank, page } => vec![KillScope::Purpose(PurposeScope {
                purpose: Purpose::ALL[purpose],
                institution: bank.map(|bank| self.bank(bank)),
                channel: page.map(|page| self.page(page)),
            })],
        }
    }
}

fn shard(person: usize) -> Shard {
    Shard(u16::try_from(person).expect("small"))
}

/// The life until a day, without what no document can say: kinds that a purpose has no use for, data of no account, an
/// agreement or a consent to nothing.
fn sayable(life: Life, today: usize) -> Life {
    let clean = |grants: &mut Vec<Grant3>, named: bool| {
        for grant in &mut *grants {
            grant.kinds &= kinds_of(grant.purpose);
        }
        grants.retain(|g| kinds_of(g.purpose) == 0 || if named { g.accounts != 0 } else { g.kinds != 0 });
        !grants.is_empty()
    };
    let keep = |(_, what): &mut (usize, What)| match what {
        What::Agreed { terms, .. } => clean(terms, false),
        What::Allowed { grants, .. } => clean(grants, true),
        _ => true,
    };
    life.into_iter()
        .filter(|(day, _)| *day <= today)
        .filter_map(|mut at| keep(&mut at).then_some(at))
        .collect()
}

/// How an agreement stands, as anybody would count it, to know what can be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Not,
    Paused,
    Active,
}

/// One life, played.
struct Player {
    own: Own,
    store: Arc<dyn Store>,
    clock: ManualClock,
    entropy: SeededEntropy,
    stands: [[Stands; 2]; 2],
    /// Everything was asked for in the request that the acceptance is within.
    wide: [[bool; 2]; 2],
    customers: BTreeSet<CustomerId>,
    /// What a person allowed and did not take back.
    consents: BTreeMap<(usize, usize, usize), Consent>,
}

impl Player {
    fn new(own: Own, store: Arc<dyn Store>) -> Self {
        Self {
            own,
            store,
            clock: ManualClock::at(on_day(0)),
            entropy: SeededEntropy::new(own.0),
            stands: [[Stands::Not; 2]; 2],
            wide: [[false; 2]; 2],
            customers: BTreeSet::new(),
            consents: BTreeMap::new(),
        }
    }

    fn agreements(&self) -> Agreements<'_> {
        Agreements::new(&*self.store, &self.clock, &self.entropy)
    }

    async fn request(&self, bank: &InstitutionId, page: &ChannelId, terms: &Terms) {
        let purpose = |(purpose, (clusters, form)): (&Purpose, &(Clusters, Form))| RequestedPurpose {
            purpose: purpose.as_str().to_owned(),
            clusters: clusters.iter().map(|c| c.as_str().to_owned()).collect(),
            form: form.as_str().to_owned(),
        };
        let document = RequestDocument {
            institution: bank.to_string(),
            channel: page.to_string(),
            requested_by: "Example Messenger".to_owned(),
            contact: None,
            customers: Some("consenting".to_owned()),
            purpose: terms.iter().map(purpose).collect(),
        };
        let document = serde_json::to_vec(&document).expect("JSON");
        self.agreements()
            .request(&document, DocumentFormat::Json, "cli:omar", &|_, _| true)
            .await
            .expect("asked for");
    }

    /// Does what happened. `false`: it changes nothing, and the product said so or would not know what to take back.
    async fn play(&mut self, what: &What) -> bool {
        let by = "cli:omar";
        match what {
            What::Agreed { bank, page, terms } => {
                let (b, p) = (self.own.bank(*bank), self.own.page(*page));
                let terms: Terms = terms
                    .iter()
                    .map(|g| (Purpose::ALL[g.purpose], (clusters(g.kinds), Form::ALL[g.form])))
                    .collect();
                // Within what was asked for before, where that was everything; or asked for anew, exactly or with more.
                if self.stands[*bank][*page] == Stands::Not || !self.wide[*bank][*page] {
                    let everything =
                        Purpose::ALL.iter().map(|p| (*p, (p.clusters(), Form::ALL[2]))).collect();
                    let wide = self.entropy.bytes::<1>()[0].is_multiple_of(2);
                    self.request(&b, &p, if wide { &everything } else { &terms }).await;
                    self.wide[*bank][*page] = wide;
                }
                let accepted = Acceptance { terms: Some(terms), ..Acceptance::default() };
                self.agreements().accept(&b, &p, &accepted, by, None).await.expect("accepted");
                if self.stands[*bank][*page] == Stands::Paused {
                    self.agreements().resume(&b, &p, by, None).await.expect("stays paused until then");
                }
                self.stands[*bank][*page] = Stands::Active;
                true
            }
            What::Declined { bank, page } => {
                let (b, p) = (self.own.bank(*bank), self.own.page(*page));
                let little = Terms::from([(Purpose::ALL[0], (Purpose::ALL[0].clusters(), Form::ALL[0]))]);
                self.request(&b, &p, &little).await;
                self.agreements().decline(&b, &p, None, by, None).await.expect("declined");
                // To what is asked for while an agreement stands the bank says no without ending it.
                self.stands[*bank][*page] == Stands::Not
            }
            What::Suspended { bank, page } | What::Resumed { bank, page } | What::Ended { bank, page } => {
                let (b, p) = (self.own.bank(*bank), self.own.page(*page));
                let before = self.stands[*bank][*page];
                let (after, said) = match what {
                    What::Suspended { .. } => (
                        (before == Stands::Active).then_some(Stands::Paused),
                        self.agreements().suspend(&b, &p, by, None).await,
                    ),
                    What::Resumed { .. } => (
                        (before == Stands::Paused).then_some(Stands::Active),
                        self.agreements().resume(&b, &p, by, None).await,
                    ),
                    _ => (
                        (before != Stands::Not).then_some(Stands::Not),
                        self.agreements().end(&b, &p, by, None).await,
                    ),
                };
                match (after, said) {
                    (Some(after), Ok(_)) => self.stands[*bank][*page] = after,
                    (None, Err(AgreementError::NotNow(_))) => return false,
                    (after, said) => panic!("{what:?} from {before:?} to {after:?}: {said:?}"),
                }
                true
            }
            What::Allowed { .. } => {
                self.allow(what).await;
                true
            }
            What::TakenBack { person, bank, page } => {
                let Some(old) = self.consents.remove(&(*person, *bank, *page)) else { return false };
                let revoke = self.revoke(*person, &old, ConsentEnd::Withdrawn);
                self.store.submit(vec![revoke]).await.expect("taken back");
                true
            }
            What::Stopped(_) | What::Released(_) => true,
        }
    }

    fn revoke(&self, person: usize, old: &Consent, why: ConsentEnd) -> Command {
        let at = self.clock.now();
        let receipt = ReceiptDraft::of_consent_end(old, why, at);
        Command::RevokeConsent {
            shard: shard(person),
            customer: old.customer,
            consent: old.id,
            why,
            at,
            receipt,
        }
    }

    async fn allow(&mut self, what: &What) {
        let What::Allowed { person, bank, page, chat, days, grants } = what else { return };
        let (institution, now) = (self.own.bank(*bank), self.clock.now());
        let customer = self.own.customer(*person, *bank);
        let grant = |g: &Grant3| Grant {
            accounts: accounts(g.accounts).collect(),
            clusters: clusters(g.kinds),
            form: Form::ALL[g.form],
        };
        let consent = Consent {
            id: ConsentId::new(&self.clock, &self.entropy),
            customer,
            link: self.own.link(*person, *bank, *page),
            institution: institution.clone(),
            channel: self.own.page(*page),
            psid: NAMES.chats[*chat].clone(),
            grants: grants.iter().map(|g| (Purpose::ALL[g.purpose], grant(g))).collect(),
            lang: Lang::English,
            notice_sha256: String::new(),
            granted_at: now,
            expires_at: now
                .checked_add(std::time::Duration::from_secs(*days as u64 * 86_400))
                .expect("an instant"),
            state: ConsentState::Active,
            revoked_at: None,
        };
        let mut commands = Vec::new();
        if self.customers.insert(customer) {
            let key = self.store.new_customer_key(&institution, customer, now).await.expect("a custody");
            commands.push(Command::CreateCustomer {
                shard: shard(*person),
                id: customer,
                subject: self.store.keyring().blind(&institution, &customer.to_string()),
                institution,
                wrapped_key: key.expect("a key").wrapped,
                at: now,
            });
        }
        let place = (*person, *bank, *page);
        let replaces = self.consents.insert(place, consent.clone());
        commands.extend(replaces.as_ref().map(|old| self.revoke(*person, old, ConsentEnd::Renewed)));
        commands.push(Command::GrantConsent {
            shard: shard(*person),
            receipt: ReceiptDraft::of_consent_given(&consent, None, now),
            basis: Box::new(ConsentBasis {
                controller: Controller::default(),
                recipient: "Messenger".to_owned(),
                notice: None,
                lookback_days: 30,
                evidence: None,
                replaces: replaces.map(|old| old.id),
                aggregator: None,
            }),
            consent,
        });
        self.store.submit(commands).await.expect("allowed");
    }
}

/// A life, its day, and what of it changed something.
struct Played {
    own: Own,
    today: usize,
    life: Life,
    questions: Vec<Question>,
}

async fn play(number: u64, store: Arc<dyn Store>) -> Played {
    let mut dice = Dice(number ^ (3 << 48));
    let (whole, today) = (life(&mut dice), dice.below(25));
    let questions = (0..QUESTIONS).map(|_| question(&mut dice)).collect();
    let own = Own(number);
    let mut player = Player::new(own, store);
    let (mut life, mut day) = (Life::new(), 0);
    for at in sayable(whole, today) {
        player.clock.advance_s(86_400 * i64::try_from(at.0 - day).expect("small"));
        day = at.0;
        if player.play(&at.1).await {
            life.push(at);
        }
    }
    Played { own, today, life, questions }
}

/// Throws the switches of a life, after those that another left on are off, and returns those that it leaves on.
async fn switch(store: &dyn Store, played: &Played, left: Vec<KillScope>) -> Vec<KillScope> {
    let mut commands: Vec<_> = left.into_iter().map(Command::ClearKill).collect();
    let mut on = Vec::new();
    for (day, what) in &played.life {
        match what {
            What::Stopped(scope) => {
                for scope in played.own.scopes(*scope) {
                    on.push(scope.clone());
                    let (reason, since) = ("a test".to_owned(), on_day(*day));
                    commands.push(Command::SetKill(Kill { scope, reason, since }));
                }
            }
            What::Released(scope) => {
                commands.extend(played.own.scopes(*scope).into_iter().map(Command::ClearKill));
            }
            _ => {}
        }
    }
    if !commands.is_empty() {
        store.submit(commands).await.expect("switched");
    }
    on
}

async fn ask(store: &dyn Store, played: &Played, q: &Question, kills: &KillSwitches) -> Result<Form, Denial> {
    let (institution, channel) = (played.own.bank(q.bank), played.own.page(q.page));
    let agreement = store.agreement(&institution, &channel).await.expect("answers");
    let link = played.own.link(q.person, q.bank, q.page);
    let consent = store.consent_of_link(shard(q.person), link).await.expect("answers");
    let facts =
        Facts { agreement: agreement.as_ref(), consent: consent.as_ref(), kills, now: on_day(played.today) };
    let ask = Ask {
        subject: &Subject { institution, customer: played.own.customer(q.person, q.bank) },
        recipient: &Address { channel, psid: NAMES.chats[q.chat].clone() },
        accounts: &accounts(q.accounts).collect::<Vec<_>>(),
        clusters: clusters(q.kinds),
    };
    let policy = AtMost(q.policy.map(|form| Form::ALL[form]));
    decide(Purpose::ALL[q.purpose], &ask, &facts, &policy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_kept_of_a_life_decides_as_plain_words_do() {
    #[expect(clippy::disallowed_methods, reason = "how many lives, for whoever starts the test")]
    let lives = std::env::var("AMANA_LIVES").map_or(LIVES, |n| n.parse().expect("a number of lives"));
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at(on_day(0)));
    let store = open(folder.path(), Arc::new(SeededEntropy::new(3)), clock).await;
    let (mut counted, mut on) = (BTreeMap::<&str, u64>::new(), Vec::new());
    for first in (0..lives).step_by(usize::try_from(AT_ONCE).expect("small")) {
        let mut playing = JoinSet::new();
        for number in first..(first + AT_ONCE).min(lives) {
            playing.spawn(play(number, store.clone()));
        }
        for played in playing.join_all().await {
            on = switch(&*store, &played, on).await;
            let kills = store.kills().await.expect("answers");
            for q in &played.questions {
                let expected = may_be_seen(&played.life, played.today, q);
                let found = ask(&*store, &played, q, &kills).await;
                assert_eq!(
                    found.ok(),
                    expected.map(|form| Form::ALL[form]),
                    "life {}: {found:?} on day {}: {q:?}\n{:#?}",
                    played.own.0,
                    played.today,
                    played.life
                );
                *counted.entry(found.map_or_else(Denial::as_str, Form::as_str)).or_default() += 1;
            }
        }
    }
    println!("{lives} lives: {counted:?}");
    let all = counted.values().sum::<u64>();
    assert_eq!(all, lives * QUESTIONS as u64);
    for form in Form::ALL {
        assert!(counted.get(form.as_str()).is_some_and(|n| *n > all / 200), "{form:?}: {counted:?}");
    }
    for denial in
        [Denial::Killed, Denial::AgreementNotInForce, Denial::ConsentRevoked, Denial::ConsentExpired]
    {
        assert!(counted.get(denial.as_str()).is_some_and(|n| *n > all / 200), "{denial:?}: {counted:?}");
    }
}
