//! Histories of one account with their truth: which posting settles which authorization, and which purchases there
//! were. Everything follows from the seed.

use amana_core::{
    AccountId, BankEventKind, Currency, Direction, Money, Timestamp, Transaction, TransactionState,
};

use std::collections::BTreeSet;

/// Numbers from a seed (splitmix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % u64::try_from(high - low + 1).expect("a range")) as i64
    }
    /// Whether, in so many of a thousand.
    pub(super) fn chance(&mut self, permille: i64) -> bool {
        self.between(1, 1_000) <= permille
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.between(0, from.len() as i64 - 1) as usize]
    }
    /// The place of one of these weights.
    fn weighed(&mut self, weights: &[i64]) -> usize {
        let mut n = self.between(1, weights.iter().sum());
        weights
            .iter()
            .position(|w| {
                n -= w;
                n <= 0
            })
            .expect("a weight")
    }
}

/// One event, and what is true of it.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) kind: BankEventKind,
    pub(super) t: Transaction,
    pub(super) occurred: Timestamp,
    /// The shop, by its place in the list.
    pub(super) shop: usize,
    /// The authorization that this posting settles.
    pub(super) hold: Option<String>,
    /// Once more, as delivered again or under another id.
    pub(super) copy: bool,
    /// When it reaches us.
    arrives: i64,
}

#[derive(Clone)]
pub(super) struct Life {
    pub(super) events: Vec<Event>,
    /// How often a shop should be news: its purchases, refunds and parts of shipments.
    pub(super) news: Vec<i64>,
    /// What was really given back: holds and postings, by their ids.
    pub(super) undone: BTreeSet<String>,
}

/// How often each case occurs, in a thousand purchases, and how the bank behaves.
#[derive(Clone, Copy)]
pub(super) struct Mix {
    pub(super) plain: i64,
    pub(super) tip: i64,
    pub(super) fuel: i64,
    pub(super) lodging: i64,
    pub(super) split: i64,
    pub(super) foreign: i64,
    pub(super) voided: i64,
    pub(super) expired: i64,
    pub(super) undone: i64,
    pub(super) unannounced: i64,
    pub(super) refund: i64,
    pub(super) renamed: i64,
    pub(super) raised: i64,
    /// Of a thousand purchases: at a shop and price of habit.
    pub(super) habit: i64,
    /// Of a thousand unannounced ones: at shop and price of the purchase before.
    pub(super) shadow: i64,
    /// Of a thousand events: delivered twice; out of order; once more under another id.
    pub(super) again: i64,
    pub(super) disorder: i64,
    pub(super) other_id: i64,
    /// Weights of banks: always a reference, now and then, never, one id for both.
    pub(super) references: [i64; 4],
    /// Weights of the posting's time: the purchase's, its day, the day of the booking.
    pub(super) times: [i64; 3],
}

/// What a card's statement looks like.
pub(super) const ORDINARY: Mix = Mix {
    plain: 630,
    tip: 90,
    fuel: 60,
    lodging: 15,
    split: 30,
    foreign: 40,
    voided: 15,
    expired: 15,
    undone: 15,
    unannounced: 50,
    refund: 20,
    renamed: 10,
    raised: 10,
    habit: 200,
    shadow: 20,
    again: 50,
    disorder: 10,
    other_id: 5,
    references: [30, 15, 45, 10],
    times: [35, 25, 40],
};

/// Nothing but what is hard, from banks that say as little as they can.
pub(super) const HOSTILE: Mix = Mix {
    plain: 330,
    tip: 150,
    fuel: 60,
    lodging: 40,
    split: 80,
    foreign: 60,
    voided: 50,
    expired: 50,
    undone: 40,
    unannounced: 80,
    refund: 20,
    renamed: 20,
    raised: 20,
    habit: 500,
    shadow: 250,
    again: 200,
    disorder: 80,
    other_id: 40,
    references: [0, 20, 75, 5],
    times: [20, 30, 50],
};

/// Name at the terminal, name on the statement, what follows it there.
const SHOPS: &[(&str, &str, &str)] = &[
    ("SQ *BLUE BOTTLE COFFEE", "BLUE BOTTLE COFFEE", "SAN FRANCISCO CA"),
    ("STARBUCKS STORE 01234", "STARBUCKS", "SEATTLE WA"),
    ("WHOLEFDS MKT 10236", "WHOLEFDS MKT", "AUSTIN TX"),
    ("TRADER JOE'S #552", "TRADER JOE S", "OAKLAND CA"),
    ("TARGET T-0102", "TARGET", "CHICAGO IL"),
    ("WALMART SUPERCENTER 331", "WAL-MART", "DALLAS TX"),
    ("UBER TRIP", "UBER TRIP", "HELP.UBER.COM"),
    ("NETFLIX.COM", "NETFLIX.COM", "LOS GATOS CA"),
    ("SPOTIFY USA", "SPOTIFY USA", "NEW YORK NY"),
    ("7-ELEVEN 33012", "7-ELEVEN", "MIAMI FL"),
    ("CVS/PHARMACY #04", "CVS/PHARMACY", "BOSTON MA"),
    ("كارفور", "كارفور المملكة", "الرياض"),
    ("PANDA RETAIL", "PANDA RETAIL CO", "JEDDAH"),
    ("JARIR BOOKSTORE", "JARIR BOOKSTORE", "RIYADH"),
    ("HOME DEPOT 6671", "THE HOME DEPOT", "ATLANTA GA"),
    ("APPLE.COM/BILL", "APPLE.COM/BILL", "866-712-7753"),
    ("LYFT *RIDE", "LYFT *RIDE", "LYFT.COM"),
    ("COSTCO WHSE #0423", "COSTCO WHSE", "KIRKLAND WA"),
    ("BEST BUY 00012", "BEST BUY", "RICHFIELD MN"),
    ("NOON.COM", "NOON.COM", "DUBAI"),
];
const TABLES: &[(&str, &str, &str)] = &[
    ("TST* LUIGI TRATTORIA", "LUIGI TRATTORIA", "NEW YORK NY"),
    ("SQ *GOLDEN DRAGON", "GOLDEN DRAGON", "OAKLAND CA"),
    ("CHILIS 0334", "CHILIS", "DOHA"),
    ("ZAITOUNE RESTAURANT", "ZAITOUNE RESTAURANT", "ABU DHABI"),
];
const PUMPS: &[(&str, &str, &str)] = &[
    ("SHELL OIL 57442", "SHELL OIL", "RENO NV"),
    ("CHEVRON 0091", "CHEVRON", "FRESNO CA"),
    ("ADNOC STATION", "ADNOC STATION 117", "ABU DHABI"),
];
const BEDS: &[(&str, &str, &str)] = &[
    ("MARRIOTT SF", "MARRIOTT SF", "SAN FRANCISCO CA"),
    ("HERTZ RENT-A-CAR", "HERTZ RENT-A-CAR", "TULSA OK"),
    ("ROTANA HOTEL", "ROTANA HOTEL", "DUBAI"),
];
const PARCELS: &[(&str, &str, &str)] = &[
    ("AMZN Mktp US", "AMAZON.COM", "AMZN.COM/BILL WA"),
    ("SHEIN.COM", "SHEIN.COM", "LOS ANGELES CA"),
    ("IKEA ONLINE", "IKEA ONLINE", "CONSHOHOCKEN PA"),
];
/// The other name of the same: a brand and the company behind it.
const BRANDS: &[(&str, &str, &str)] = &[
    ("CITY GYM", "ABC FITNESS SVCS", "SHERWOOD AR"),
    ("CORNER BISTRO", "JKL HOSPITALITY LLC", "NEW YORK NY"),
    ("GREEN MARKET", "FARM DIRECT INC", "PORTLAND OR"),
];
const DAY: i64 = 86_400;
const START: i64 = 1_780_000_000;

struct Writer<'a> {
    random: Random,
    mix: &'a Mix,
    events: Vec<Event>,
    news: Vec<i64>,
    undone: BTreeSet<String>,
    count: usize,
    /// References: 0 always, 1 now and then, 2 never, 3 one id for both.
    references: usize,
    /// The posting's time: 0 the purchase's, 1 its day, 2 the day of the booking.
    times: usize,
    /// How the statement writes a name: 0 as the terminal, 1 with the city, 2 cut off.
    names: usize,
}

type Shop = (&'static str, &'static str, &'static str);

/// A life of so many days.
pub(super) fn life(seed: u64, mix: &Mix, days: i64) -> Life {
    let mut random = Random::new(seed);
    let references = random.weighed(&mix.references);
    let times = random.weighed(&mix.times);
    let names = random.weighed(&[30, 40, 30]);
    let shops = [SHOPS, TABLES, PUMPS, BEDS, PARCELS, BRANDS].iter().map(|list| list.len()).sum();
    let news = vec![0; shops];
    let mut writer = Writer {
        random,
        mix,
        events: Vec::new(),
        news,
        undone: BTreeSet::new(),
        count: 0,
        references,
        times,
        names,
    };
    for day in 0..days {
        let mut seconds: Vec<i64> =
            (0..writer.random.between(0, 5)).map(|_| writer.random.between(7 * 3_600, 22 * 3_600)).collect();
        seconds.sort_unstable();
        for second in seconds {
            writer.purchase(START.div_euclid(DAY) * DAY + day * DAY + second);
        }
    }
    writer.finish()
}

impl Writer<'_> {
    fn id(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}{}", self.count)
    }

    fn shop(list: &[Shop], i: usize) -> (usize, Shop) {
        let lists = [SHOPS, TABLES, PUMPS, BEDS, PARCELS, BRANDS];
        let before: usize = lists.iter().take_while(|l| l.as_ptr() != list.as_ptr()).map(|l| l.len()).sum();
        (before + i, list[i])
    }

    fn any(&mut self, list: &[Shop]) -> (usize, Shop) {
        let i = self.random.between(0, list.len() as i64 - 1) as usize;
        Self::shop(list, i)
    }

    fn transaction(&self, id: &str, state: TransactionState, text: &str, minor: i64, at: i64) -> Transaction {
        Transaction {
            id: id.into(),
            reference_id: None,
            account: AccountId::new("a1").expect("an id"),
            state,
            direction: Direction::Out,
            amount: Money::new(minor, Currency::from_code("USD").expect("a currency")),
            merchant: Some(text.into()),
            description: text.into(),
            at: Timestamp::from_second(at).expect("a time"),
        }
    }

    fn push(
        &mut self,
        kind: BankEventKind,
        t: Transaction,
        occurred: i64,
        shop: usize,
        hold: Option<String>,
    ) {
        let delay = if self.random.chance(self.mix.disorder) {
            self.random.between(60, 30 * 3_600)
        } else {
            self.random.between(0, 3)
        };
        let event = Event {
            kind,
            t,
            occurred: Timestamp::from_second(occurred).expect("a time"),
            shop,
            hold,
            copy: false,
            arrives: occurred + delay,
        };
        if self.random.chance(self.mix.again) {
            let arrives = event.arrives + self.random.between(0, 2 * DAY);
            self.events.push(Event { copy: true, arrives, ..event.clone() });
        }
        if self.random.chance(self.mix.other_id) && kind != BankEventKind::TransactionReversed {
            // The bank numbers its rows anew and sends them once more.
            let later = self.random.between(3_600, 20 * 3_600);
            let mut copy = Event { copy: true, arrives: event.arrives + later, ..event.clone() };
            copy.t.id = self.id("n");
            copy.occurred = Timestamp::from_second(occurred + later).expect("a time");
            self.events.push(copy);
        }
        self.events.push(event);
    }

    fn hold(&mut self, (shop, (terminal, ..)): (usize, Shop), minor: i64, at: i64) -> String {
        let id = self.id("a");
        let terminal = if terminal.starts_with("AMZN") {
            format!("{terminal}*{}K{}", self.count % 9, self.count)
        } else {
            terminal.into()
        };
        let t = self.transaction(&id, TransactionState::Pending, &terminal, minor, at);
        let occurred = at + self.random.between(1, 5);
        self.push(BankEventKind::TransactionAuthorised, t, occurred, shop, None);
        id
    }

    /// The name on the statement.
    fn booked_name(&mut self, (terminal, name, city): Shop) -> String {
        let renamed = BRANDS.iter().any(|brand| brand.0 == terminal);
        match self.names {
            0 if !renamed => terminal.into(),
            2 => name.chars().take(14).collect(),
            _ => format!("{name} {city}"),
        }
    }

    /// A posting, of that hold if there is one. Gives its id.
    fn book(
        &mut self,
        (shop, names): (usize, Shop),
        minor: i64,
        (bought, booked): (i64, i64),
        hold: Option<&str>,
        direction: Direction,
    ) -> String {
        let own = self.references == 3;
        let id = match hold {
            Some(hold) if own => hold.to_owned(),
            _ => self.id("p"),
        };
        let text = self.booked_name(names);
        let at = match self.times {
            0 => bought,
            1 => bought.div_euclid(DAY) * DAY,
            _ => booked.div_euclid(DAY) * DAY,
        };
        let mut t = self.transaction(&id, TransactionState::Posted, &text, minor, at);
        t.direction = direction;
        let named = match self.references {
            0 => true,
            1 => self.random.chance(700),
            _ => false,
        };
        t.reference_id = hold.filter(|_| named).map(Into::into);
        self.push(BankEventKind::TransactionPosted, t, booked, shop, hold.map(Into::into));
        id
    }

    /// When a purchase is booked: at night, mostly the next one.
    fn booking(&mut self, at: i64) -> i64 {
        let days = [1, 2, 3, 4, 6][self.random.weighed(&[45, 30, 15, 7, 3])];
        (at.div_euclid(DAY) + days) * DAY + self.random.between(2 * 3_600, 6 * 3_600)
    }

    fn price(&mut self) -> i64 {
        match self.random.weighed(&[55, 30, 12, 3]) {
            0 => self.random.between(250, 4_000),
            1 => self.random.between(4_000, 12_000),
            2 => self.random.between(12_000, 40_000),
            _ => self.random.between(2, 60) * 500,
        }
    }

    fn purchase(&mut self, at: i64) {
        let m = *self.mix;
        let booked = self.booking(at);
        let out = Direction::Out;
        let (place, price) = if self.random.chance(m.habit) {
            let i = self.random.between(0, 2) as usize;
            (Self::shop(SHOPS, i), [475, 625, 1_290][i])
        } else {
            (self.any(SHOPS), self.price())
        };
        let cases = [
            m.plain,
            m.tip,
            m.fuel,
            m.lodging,
            m.split,
            m.foreign,
            m.voided,
            m.expired,
            m.undone,
            m.unannounced,
            m.refund,
            m.renamed,
            m.raised,
        ];
        let case = self.random.weighed(&cases);
        match case {
            // Plain.
            0 => {
                let hold = self.hold(place, price, at);
                self.book(place, price, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // A tip, of a fifth or so.
            1 => {
                let place = self.any(TABLES);
                let hold = self.hold(place, price, at);
                let tip = price * self.random.between(10, 25) / 100;
                self.book(place, price + tip, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // A pump: a hold of one, or of a round sum.
            2 => {
                let place = self.any(PUMPS);
                let held = self.random.pick(&[100, 10_000, 12_500, 15_000, 17_500]);
                let hold = self.hold(place, held, at);
                let filled = self.random.between(1_800, 9_500);
                self.book(place, filled, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // A bed or a car: booked when it is left.
            3 => {
                let place = self.any(BEDS);
                let held = self.random.between(12_000, 90_000);
                let hold = self.hold(place, held, at);
                let left = at + self.random.between(1, 12) * DAY;
                let part = self.random.between(55, 130);
                let booked = self.booking(left);
                self.book(place, held * part / 100, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // One order, two or three parcels.
            4 => {
                let place = self.any(PARCELS);
                let parts: Vec<i64> =
                    (0..self.random.between(2, 3)).map(|_| self.random.between(500, 9_000)).collect();
                let hold = self.hold(place, parts.iter().sum(), at);
                for (i, part) in parts.iter().enumerate() {
                    // One id can be booked once.
                    let of = (self.references != 3 || i == 0).then_some(hold.as_str());
                    let later = booked + i as i64 * self.random.between(0, 2) * DAY;
                    self.book(place, *part, (at, later), of, out);
                }
                self.news[place.0] += parts.len() as i64;
            }
            // Abroad: another day's rate.
            5 => {
                let hold = self.hold(place, price, at);
                let rate = self.random.between(975, 1_025);
                self.book(place, (price * rate / 1_000).max(1), (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // Given back by the shop.
            6 => {
                let hold = self.hold(place, price, at);
                let back = at + self.random.between(600, 2 * DAY);
                self.undo(place, price, back, &hold);
                self.news[place.0] += 1;
            }
            // Never booked.
            7 => {
                self.hold(place, price, at);
                self.news[place.0] += 1;
            }
            // Booked, and undone a few days later.
            8 => {
                let hold = self.hold(place, price, at);
                let posting = self.book(place, price, (at, booked), Some(&hold), out);
                let back = booked + self.random.between(1, 6) * DAY;
                self.undo(place, price, back, &posting);
                self.news[place.0] += 1;
            }
            // Booked without having been authorised: a subscription, a terminal that was offline.
            9 => {
                let before =
                    self.events.iter().rev().find(|e| e.kind == BankEventKind::TransactionAuthorised);
                let before =
                    before.map(|e| (e.shop, e.t.amount.minor)).filter(|(shop, _)| *shop < SHOPS.len());
                let (place, price) = match before {
                    Some((shop, minor)) if self.random.chance(m.shadow) => (Self::shop(SHOPS, shop), minor),
                    _ => (place, price),
                };
                self.book(place, price, (at, booked), None, out);
                self.news[place.0] += 1;
            }
            // A refund.
            10 => {
                self.book(place, price, (at, booked), None, Direction::In);
                self.news[place.0] += 1;
            }
            // A brand, and the company behind it.
            11 => {
                let place = self.any(BRANDS);
                let hold = self.hold(place, price, at);
                self.book(place, price, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
            // A hold that was raised.
            _ => {
                let hold = self.hold(place, price, at);
                let raised = price + self.random.between(100, 5_000);
                let t = self.transaction(&hold, TransactionState::Pending, place.1.0, raised, at);
                self.push(BankEventKind::TransactionAuthorised, t, at + 3_600, place.0, None);
                self.book(place, raised, (at, booked), Some(&hold), out);
                self.news[place.0] += 1;
            }
        }
    }

    fn undo(&mut self, (shop, names): (usize, Shop), minor: i64, at: i64, what: &str) {
        let id = self.id("r");
        self.undone.insert(what.into());
        let text = self.booked_name(names);
        let mut t = self.transaction(&id, TransactionState::Reversed, &text, minor, at);
        // Where there are no references on postings, a reversal still says what it undoes, mostly.
        let named = self.references != 2 || self.random.chance(700);
        t.reference_id = named.then(|| what.into());
        self.push(BankEventKind::TransactionReversed, t, at, shop, None);
    }

    fn finish(mut self) -> Life {
        self.events.sort_by_key(|event| event.arrives);
        Life { events: self.events, news: self.news, undone: self.undone }
    }
}

impl Event {
    /// When it reaches us.
    pub(super) fn arrives(&self) -> Timestamp {
        Timestamp::from_second(self.arrives).expect("a time")
    }
}
