//! A plausible year of banking, made from a seed.
//!
//! Life is simulated day by day from a fixed first day, so the same seed and first day give the same history, and a
//! later end only adds to it. Each day has its own generator; what carries over (balances, refunds on the way) is kept
//! by the simulation. Nothing here knows the time: the end is an argument.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::limits;
use crate::merchants::{ABROAD, GULF, Region, Shop, UNITED_STATES};
use crate::model::{Account, AccountKind, Customer, Txn, TxnKind, TxnState, product_names};
use crate::money::Currency;
use crate::prng::{Prng, stable_id};

/// A demonstration customer before history is made for it.
pub(crate) struct Persona {
    username: &'static str,
    first: &'static str,
    last: &'static str,
    name_ar: &'static str,
    currency: Currency,
    region: &'static Region,
    /// Monthly income, rent and saving in US cents.
    income: i64,
    rent: i64,
    saving: i64,
    /// Has a digital wallet and a car loan besides.
    more: bool,
}

/// The people of every institution.
pub(crate) static PERSONAS: [Persona; 5] = [
    Persona {
        username: "layla",
        first: "Layla",
        last: "Haddad",
        name_ar: "ليلى حداد",
        currency: Currency::USD,
        region: &UNITED_STATES,
        income: 540_000,
        rent: 195_000,
        saving: 70_000,
        more: false,
    },
    Persona {
        username: "omar",
        first: "Omar",
        last: "Al-Farsi",
        name_ar: "عمر الفارسي",
        currency: Currency::USD,
        region: &UNITED_STATES,
        income: 610_000,
        rent: 218_000,
        saving: 95_000,
        more: false,
    },
    Persona {
        username: "sam",
        first: "Sam",
        last: "Carter",
        name_ar: "سام كارتر",
        currency: Currency::USD,
        region: &UNITED_STATES,
        income: 472_000,
        rent: 154_000,
        saving: 40_000,
        more: false,
    },
    Persona {
        username: "noura",
        first: "Noura",
        last: "Al-Sabah",
        name_ar: "نورة الصباح",
        currency: Currency::KWD,
        region: &GULF,
        income: 590_000,
        rent: 188_000,
        saving: 90_000,
        more: false,
    },
    Persona {
        username: "yusuf",
        first: "Yusuf",
        last: "Rahman",
        name_ar: "يوسف رحمن",
        currency: Currency::USD,
        region: &UNITED_STATES,
        income: 580_000,
        rent: 170_000,
        saving: 50_000,
        more: true,
    },
];

/// A customer and its accounts.
pub(crate) struct Generated {
    pub(crate) customer: Customer,
    pub(crate) accounts: Vec<Account>,
}

/// Makes one persona's accounts and history from `first_day` up to `now`.
pub(crate) fn generate(
    persona: &Persona,
    bank: &str,
    seed: u64,
    first_day: Date,
    now: Timestamp,
) -> Generated {
    let seed = seed.to_string();
    let labels = |last: &str| stable_id("", &[&seed, bank, persona.username, last]);
    let customer_id = format!("cus_{}", labels("customer"));
    let mut rng = Prng::labelled(&[&seed, bank, persona.username, "opening"]);
    let account = |kind: AccountKind, opening_cents: i64, line_cents: i64, digits: i64| {
        let (product, product_ar) = product_names(kind);
        Account {
            id: format!("acc_{}", labels(kind.account_type())),
            customer_id: customer_id.clone(),
            kind,
            currency: persona.currency,
            last_digits: format!("{digits:04}"),
            product,
            product_ar,
            opening_minor: scale(persona.currency, opening_cents),
            credit_line_minor: scale(persona.currency, line_cents),
            available_shift_minor: 0,
            txns: Vec::new(),
        }
    };
    let checking = account(AccountKind::Checking, rng.range(310_000, 520_000), 0, rng.range(0, 9_999));
    let savings = account(AccountKind::Savings, rng.range(400_000, 1_600_000), 0, rng.range(0, 9_999));
    let card = account(AccountKind::CreditCard, 0, 1_000_000, rng.range(0, 9_999));
    // Drawn last: who has neither has the same numbers as before there were any.
    let digits = if persona.more { [rng.range(0, 9_999), rng.range(0, 9_999)] } else { [0, 0] };
    let wallet = account(AccountKind::DigitalWallet, 6_000, 0, digits[0]);
    let loan = account(AccountKind::Loan, -1_850_000, 0, digits[1]);
    let mut life = Life {
        persona,
        bank,
        seed,
        now,
        checking,
        savings,
        card,
        wallet,
        loan,
        refunds: Vec::new(),
        drafted: 0,
    };
    life.run(first_day);
    let mut accounts = vec![life.checking, life.savings, life.card];
    if persona.more {
        accounts.extend([life.wallet, life.loan]);
    }
    let customer = Customer {
        id: customer_id,
        username: persona.username.to_owned(),
        first: persona.first.to_owned(),
        last: persona.last.to_owned(),
        name_ar: persona.name_ar.to_owned(),
        imported: false,
        account_ids: accounts.iter().map(|account| account.id.clone()).collect(),
    };
    Generated { customer, accounts }
}

/// What a persona does from an instant (excluded) to another (included), as the books will know it in the end, in the
/// order of time. A movement whose `posted_at` is later than its `at` is a hold until then.
pub(crate) fn ahead(
    persona: &Persona,
    bank: &str,
    seed: u64,
    first_day: Date,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Txn> {
    // Long enough for every hold of the time asked for to be booked.
    let end = until.checked_add(SignedDuration::from_hours(24 * limits::HOLD_DAYS_MAX)).unwrap_or(until);
    let made = generate(persona, bank, seed, first_day, end);
    let mut txns: Vec<Txn> = made.accounts.into_iter().flat_map(|account| account.txns).collect();
    txns.retain(|txn| txn.at > from && txn.at <= until);
    // A posting's reference is its hold's id, which is thought of here as the movement itself.
    for txn in &mut txns {
        if txn.posted_at.is_some_and(|booked| booked > txn.at) {
            txn.reference_id = None;
        }
    }
    txns.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
    txns
}

/// US cents in minor units of the currency, rounded to a price people would meet there.
fn scale(currency: Currency, cents: i64) -> i64 {
    let minor = Currency::USD.convert(cents, currency).unwrap_or(cents);
    if currency.exponent() == 3 { minor / 5 * 5 } else { minor }
}

/// The day of an instant, in the banks' one time zone (UTC).
pub(crate) fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// An instant on a day; `None` only at the ends of time.
pub(crate) fn instant(day: Date, minutes: i64) -> Option<Timestamp> {
    let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    midnight.checked_add(SignedDuration::from_mins(minutes)).ok()
}

struct Refund {
    due: Date,
    amount_minor: i64,
    shop: &'static str,
    mcc: &'static str,
    of: String,
}

/// What a movement is, before it has ids and times.
struct Draft<'a> {
    minutes: i64,
    amount_minor: i64,
    kind: TxnKind,
    description: String,
    shop: Option<(&'a str, &'a str)>,
    foreign: Option<(i64, Currency)>,
    reference: Option<String>,
    /// Hours until it posts; 0 = at once, never seen pending.
    hours_to_post: i64,
}

impl<'a> Draft<'a> {
    fn booked(minutes: i64, amount_minor: i64, kind: TxnKind, description: &str) -> Self {
        Self {
            minutes,
            amount_minor,
            kind,
            description: description.to_owned(),
            shop: None,
            foreign: None,
            reference: None,
            hours_to_post: 0,
        }
    }

    fn at_shop(mut self, name: &'a str, mcc: &'a str) -> Self {
        self.shop = Some((name, mcc));
        self
    }
}

struct Life<'a> {
    persona: &'a Persona,
    bank: &'a str,
    seed: String,
    now: Timestamp,
    checking: Account,
    savings: Account,
    card: Account,
    wallet: Account,
    loan: Account,
    refunds: Vec<Refund>,
    /// Movements drafted on this day so far.
    drafted: u32,
}

impl Life<'_> {
    fn run(&mut self, first_day: Date) {
        let last_day = day_of(self.now);
        let trip = Prng::labelled(&[&self.seed, self.bank, self.persona.username, "trip"]).range(40, 300);
        let mut day = first_day;
        let mut number = 0_i64;
        while day <= last_day && number < limits::SIMULATION_DAYS_MAX {
            let abroad = (trip..trip + 6).contains(&(number % limits::HISTORY_DAYS));
            self.live(day, abroad);
            number += 1;
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        let all = [&mut self.checking, &mut self.savings, &mut self.card, &mut self.wallet, &mut self.loan];
        for account in all {
            account.txns.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        }
    }

    fn cents(&self, cents: i64) -> i64 {
        scale(self.persona.currency, cents)
    }

    fn live(&mut self, day: Date, abroad: bool) {
        self.drafted = 0;
        let label = day.to_string();
        let mut rng = Prng::labelled(&[&self.seed, self.bank, self.persona.username, &label]);
        self.recurring(day, &mut rng);
        self.give_refunds(day);
        if abroad {
            self.travel(day, &mut rng);
        } else {
            self.everyday(day, &mut rng);
        }
    }

    fn recurring(&mut self, day: Date, rng: &mut Prng) {
        let region = self.persona.region;
        match day.day() {
            1 | 15 => {
                let pay = self.cents(self.persona.income / 2);
                let draft = Draft::booked(8 * 60, pay, TxnKind::DirectDeposit, region.employer);
                self.book(day, AccountKind::Checking, &draft);
            }
            2 => {
                let amount = self.cents(self.persona.saving);
                let out = Draft::booked(9 * 60, -amount, TxnKind::Transfer, "Transfer to Goal Savings");
                let into =
                    Draft::booked(9 * 60, amount, TxnKind::Transfer, "Transfer from Everyday Checking");
                self.book(day, AccountKind::Checking, &out);
                self.book(day, AccountKind::Savings, &into);
            }
            3 => {
                let rent = -self.cents(self.persona.rent);
                let draft = Draft::booked(10 * 60, rent, TxnKind::BillPayment, region.landlord)
                    .at_shop(region.landlord, "6513");
                self.book(day, AccountKind::Checking, &draft);
            }
            7 => {
                let draft = Draft::booked(4 * 60, -self.cents(1_549), TxnKind::Purchase, "NETFLIX.COM")
                    .at_shop("Netflix", "4899");
                self.book(day, AccountKind::CreditCard, &draft);
            }
            12 => {
                let bill = -self.cents(rng.range(6_200, 14_800));
                let draft = Draft::booked(7 * 60, bill, TxnKind::BillPayment, region.utility)
                    .at_shop(region.utility, "4900");
                self.book(day, AccountKind::Checking, &draft);
            }
            18 => {
                let draft = Draft::booked(7 * 60, -self.cents(4_500), TxnKind::BillPayment, region.phone)
                    .at_shop(region.phone, "4814");
                self.book(day, AccountKind::Checking, &draft);
            }
            25 => self.pay_card(day),
            _ => {}
        }
        if self.persona.more {
            self.wallet_and_loan(day);
        }
        if day == day.last_of_month() {
            // 3.6 % a year, paid monthly on what is there.
            let interest = self.savings.balances().ledger_minor.saturating_mul(36) / 12_000;
            if interest > 0 {
                let draft = Draft::booked(23 * 60, interest, TxnKind::Interest, "Interest earned");
                self.book(day, AccountKind::Savings, &draft);
            }
        }
    }

    /// Money into the wallet and out of it, and the loan's monthly rate.
    fn wallet_and_loan(&mut self, day: Date) {
        let mut both =
            |minutes: i64, amount: i64, to: AccountKind, kind: (TxnKind, TxnKind), names: [&str; 2]| {
                self.book(day, AccountKind::Checking, &Draft::booked(minutes, -amount, kind.0, names[0]));
                self.book(day, to, &Draft::booked(minutes, amount, kind.1, names[1]));
            };
        match day.day() {
            5 => {
                let amount = scale(Currency::USD, 4_000);
                let kind = (TxnKind::Transfer, TxnKind::Transfer);
                let names = ["Transfer to Pocket Wallet", "Transfer from Everyday Checking"];
                both(9 * 60, amount, AccountKind::DigitalWallet, kind, names);
            }
            9 | 22 => {
                let paid = Draft::booked(12 * 60 + 30, -self.cents(1_250), TxnKind::Purchase, "CITY PARKING")
                    .at_shop("City Parking", "7523");
                self.book(day, AccountKind::DigitalWallet, &paid);
            }
            20 => {
                let amount = scale(Currency::USD, 31_500);
                let kind = (TxnKind::BillPayment, TxnKind::Payment);
                both(
                    8 * 60,
                    amount,
                    AccountKind::Loan,
                    kind,
                    ["Car loan payment", "Payment received, thank you"],
                );
            }
            _ => {}
        }
    }

    /// Pays what the card owed at the start of the day, as far as checking allows.
    fn pay_card(&mut self, day: Date) {
        let Some(morning) = instant(day, 0) else { return };
        let sum = |account: &Account| {
            account
                .txns
                .iter()
                .filter(|txn| txn.posted_at.is_some_and(|at| at <= morning))
                .fold(account.opening_minor, |sum, txn| sum.saturating_add(txn.amount_minor))
        };
        let owed = sum(&self.card).saturating_neg();
        let keep = self.cents(20_000);
        let amount = owed.min(sum(&self.checking).saturating_sub(keep));
        if amount <= 0 {
            return;
        }
        let out = Draft::booked(11 * 60, -amount, TxnKind::Payment, "Card payment, thank you");
        let into = Draft::booked(11 * 60, amount, TxnKind::Payment, "Payment received, thank you");
        self.book(day, AccountKind::Checking, &out);
        self.book(day, AccountKind::CreditCard, &into);
    }

    fn everyday(&mut self, day: Date, rng: &mut Prng) {
        let region = self.persona.region;
        let coffee = rng.range(7 * 60 + 20, 9 * 60 + 40);
        if rng.chance(52) {
            self.shop(day, coffee, region.coffee, rng);
        }
        if rng.chance(40) {
            let at = rng.range(8 * 60, 20 * 60);
            self.shop(day, at, region.transport, rng);
        }
        if rng.chance(32) {
            let at = rng.range(16 * 60, 19 * 60 + 30);
            self.shop(day, at, region.grocery, rng);
        }
        if rng.chance(22) {
            let at = rng.range(18 * 60, 22 * 60);
            self.shop(day, at, region.restaurant, rng);
        }
        if rng.chance(11) {
            let at = rng.range(11 * 60, 23 * 60);
            let bought = self.shop(day, at, region.shopping, rng);
            // Drawn in any case: the day's other draws must not depend on where history ends.
            let (returned, after_days) = (rng.chance(14), rng.range(3, 12));
            if let (Some((of, amount, shop)), true) = (bought, returned) {
                let due = day.saturating_add(jiff::Span::new().days(after_days));
                self.refunds.push(Refund { due, amount_minor: amount, shop: shop.name, mcc: shop.mcc, of });
            }
        }
        if rng.chance(5) {
            let notes = [4_000, 6_000, 10_000];
            let amount = -self.cents(rng.pick(&notes).copied().unwrap_or(4_000));
            let at = rng.range(10 * 60, 21 * 60);
            let draft = Draft::booked(at, amount, TxnKind::AtmWithdrawal, "ATM withdrawal");
            self.book(day, AccountKind::Checking, &draft);
        }
    }

    fn travel(&mut self, day: Date, rng: &mut Prng) {
        for _ in 0..rng.range(2, 4) {
            let Some(shop) = rng.pick(ABROAD) else { continue };
            let foreign = rng.range(shop.low, shop.high);
            let Some(amount) = Currency::EUR.convert(foreign, self.persona.currency) else { continue };
            let draft = Draft {
                minutes: rng.range(8 * 60, 21 * 60),
                amount_minor: -amount,
                kind: TxnKind::Purchase,
                description: shop.name.to_uppercase(),
                shop: Some((shop.name, shop.mcc)),
                foreign: Some((foreign, Currency::EUR)),
                reference: None,
                hours_to_post: rng.range(30, 60),
            };
            self.book(day, AccountKind::CreditCard, &draft);
        }
    }

    fn shop<'s>(
        &mut self,
        day: Date,
        minutes: i64,
        shops: &'s [Shop],
        rng: &mut Prng,
    ) -> Option<(String, i64, &'s Shop)> {
        let shop = rng.pick(shops)?;
        let amount = self.cents(rng.range(shop.low, shop.high));
        let draft = Draft {
            minutes,
            amount_minor: -amount,
            kind: TxnKind::Purchase,
            description: shop.name.to_uppercase(),
            shop: Some((shop.name, shop.mcc)),
            foreign: None,
            reference: None,
            hours_to_post: rng.range(18, 44),
        };
        let id = self.book(day, AccountKind::CreditCard, &draft)?;
        Some((id, amount, shop))
    }

    fn give_refunds(&mut self, day: Date) {
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.refunds).into_iter().partition(|refund| refund.due <= day);
        self.refunds = later;
        for refund in due {
            let mut draft = Draft::booked(
                13 * 60,
                refund.amount_minor,
                TxnKind::Refund,
                &format!("REFUND {}", refund.shop),
            )
            .at_shop(refund.shop, refund.mcc);
            draft.reference = Some(refund.of);
            self.book(day, AccountKind::CreditCard, &draft);
        }
    }

    /// Enters a movement, unless it lies in the future. Returns the id that it has once posted.
    fn book(&mut self, day: Date, kind: AccountKind, draft: &Draft<'_>) -> Option<String> {
        let at = instant(day, draft.minutes)?;
        // Counted in any case: ids must not depend on where history ends. Tells chance twins of a minute apart.
        self.drafted += 1;
        let order = self.drafted.to_string();
        if at > self.now {
            return None;
        }
        let account = match kind {
            AccountKind::Checking => &mut self.checking,
            AccountKind::Savings => &mut self.savings,
            AccountKind::CreditCard => &mut self.card,
            AccountKind::DigitalWallet => &mut self.wallet,
            AccountKind::Loan => &mut self.loan,
        };
        let moment = at.to_string();
        let id = |what: &str| stable_id("txn_g", &[&account.id, &moment, &order, what]);
        let posts = at.checked_add(SignedDuration::from_hours(draft.hours_to_post)).ok()?;
        let pending = posts > self.now;
        let posted_id = id("posted");
        let authorization = (draft.hours_to_post > 0).then(|| id("authorization"));
        let (this_id, reference) = match (authorization, pending) {
            (Some(authorization), true) => (authorization, draft.reference.clone()),
            (authorization, _) => (posted_id.clone(), authorization.or_else(|| draft.reference.clone())),
        };
        account.txns.push(Txn {
            id: this_id,
            account_id: account.id.clone(),
            reference_id: reference,
            state: if pending { TxnState::Pending } else { TxnState::Posted },
            kind: draft.kind,
            amount_minor: draft.amount_minor,
            at,
            posted_at: (!pending).then_some(posts),
            description: draft.description.clone(),
            merchant: draft.shop.map(|(name, _)| name.to_owned()),
            mcc: draft.shop.map(|(_, mcc)| mcc.to_owned()),
            foreign: draft.foreign,
        });
        Some(posted_id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn now_after(first: Date, hours: i64) -> Timestamp {
        instant(first, hours * 60).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn histories_add_up(seed in any::<u64>(), who in 0_usize..5, hours in 8_700_i64..9_400) {
            let first = Date::constant(2025, 11, 24);
            let now = now_after(first, hours);
            let made = generate(&PERSONAS[who], "cedar-bank", seed, first, now);
            let mut ids = BTreeSet::new();
            for account in &made.accounts {
                if account.kind == AccountKind::Loan {
                    prop_assert!(account.txns.iter().all(|txn| txn.amount_minor > 0), "it is paid off");
                    continue;
                }
                let balances = account.balances();
                let sum = |state| account.txns.iter().filter(|t| t.state == state).map(|t| t.amount_minor).sum::<i64>();
                let posted = sum(TxnState::Posted);
                let held = sum(TxnState::Pending);
                prop_assert_eq!(balances.ledger_minor, account.opening_minor + posted);
                prop_assert_eq!(balances.available_minor, balances.ledger_minor + held + account.credit_line_minor);
                prop_assert!(balances.available_minor >= 0, "{:?} is overdrawn", account.kind);
                if account.kind.is_deposit() {
                    let mut running = account.opening_minor;
                    for txn in &account.txns {
                        running += txn.amount_minor;
                        prop_assert!(running >= 0, "a deposit account went below zero on the way");
                    }
                }
                for txn in &account.txns {
                    prop_assert!(txn.at <= now && txn.amount_minor != 0);
                    prop_assert_eq!(txn.state == TxnState::Posted, txn.posted_at.is_some_and(|at| at <= now));
                    prop_assert!(ids.insert(txn.id.clone()), "an id occurs twice");
                }
            }
        }

        #[test]
        fn a_later_end_only_adds(seed in any::<u64>(), early in 400_i64..900, more in 1_i64..300) {
            let first = Date::constant(2025, 11, 24);
            let short = generate(&PERSONAS[0], "palm-credit", seed, first, now_after(first, early));
            let long = generate(&PERSONAS[0], "palm-credit", seed, first, now_after(first, early + more));
            for (short, long) in short.accounts.iter().zip(&long.accounts) {
                let by_id: BTreeMap<&str, &Txn> = long.txns.iter().map(|t| (t.id.as_str(), t)).collect();
                let by_reference: BTreeMap<&str, &Txn> =
                    long.txns.iter().filter_map(|t| Some((t.reference_id.as_deref()?, t))).collect();
                for txn in &short.txns {
                    // What had posted stays as it was; what was pending is still there or has posted.
                    let later = by_id.get(txn.id.as_str()).or_else(|| by_reference.get(txn.id.as_str()));
                    prop_assert_eq!(later.map(|t| t.amount_minor), Some(txn.amount_minor));
                    if txn.state == TxnState::Posted {
                        prop_assert_eq!(later.copied(), Some(txn));
                    }
                }
            }
        }
    }

    #[test]
    fn a_year_has_what_a_year_has() {
        let first = Date::constant(2025, 11, 24);
        let made = generate(&PERSONAS[0], "cedar-bank", 1, first, now_after(first, 365 * 24 + 15));
        let card = &made.accounts[2];
        assert!(
            card.txns.iter().filter(|t| t.merchant.as_deref() == Some("Blue Bottle Coffee")).count() > 40
        );
        assert!(card.txns.iter().any(|t| t.foreign.is_some()));
        assert!(card.txns.iter().any(|t| t.kind == TxnKind::Refund && t.reference_id.is_some()));
        assert!(card.txns.iter().any(|t| t.state == TxnState::Pending));
        assert_eq!(made.accounts[0].txns.iter().filter(|t| t.kind == TxnKind::DirectDeposit).count(), 24);
        let gulf = generate(&PERSONAS[3], "cedar-bank", 1, first, now_after(first, 365 * 24 + 15));
        assert!(gulf.accounts.iter().all(|a| a.currency.exponent() == 3));
        assert!(gulf.accounts[2].txns.iter().any(|t| t.amount_minor % 10 == 5 || t.amount_minor % 10 == -5));
    }
}
