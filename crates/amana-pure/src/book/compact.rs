//! How a book is written: the whole of it is sealed and stored anew with each event, so every byte counts.
//!
//! A name, a text, a currency and an account stand once, lines name each other by their place, and times are seconds
//! from the first line's. Nothing is left out: what is read back is the same book.

use super::{Book, Fit, Line, Settles};
use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use amana_core::{AccountId, Currency, Direction, Money, Timestamp, Transaction, TransactionState};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The whole book: what the lines share, then the lines.
#[derive(Serialize, Deserialize)]
struct Pages<'a> {
    #[serde(borrow)]
    texts: Vec<Cow<'a, str>>,
    accounts: Vec<AccountId>,
    currencies: Vec<Currency>,
    /// Seconds from which the lines' times are counted.
    since: i64,
    lines: Vec<Row>,
}

/// A line, as an array.
#[derive(Serialize, Deserialize)]
struct Row(
    /// The first id.
    String,
    TransactionState,
    Direction,
    /// Minor units.
    i64,
    /// Currency, account.
    (usize, usize),
    /// Shop and the bank's text.
    (Option<usize>, usize),
    /// When it happened.
    When,
    /// When it came about, counted from when it happened.
    When,
    /// The reference.
    Option<Name>,
    /// The authorization that it settles, and how it fits.
    Option<(Name, Fit)>,
    /// What most lines have not.
    Option<Box<Rest>>,
);

#[derive(Serialize, Deserialize, Default, PartialEq)]
struct Rest {
    /// Ids after the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
    /// The bank's last id, where it is not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<String>,
    /// What was said last, where it is another amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<(i64, usize)>,
    /// When it was undone, counted from when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undone: Option<When>,
}

/// A transaction: the line whose first id is meant, or an id that no line has first.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Line(usize),
    Id(String),
}

/// Seconds, and nanoseconds where there are any.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
enum When {
    Second(i64),
    Exact(i64, i32),
}

impl When {
    fn of(at: Timestamp, since: i64) -> Self {
        let seconds = at.as_second().saturating_sub(since);
        match at.subsec_nanosecond() {
            0 => Self::Second(seconds),
            nanos => Self::Exact(seconds, nanos),
        }
    }

    fn at(&self, since: i64) -> Option<Timestamp> {
        let (seconds, nanos) = match self {
            Self::Second(seconds) => (*seconds, 0),
            Self::Exact(seconds, nanos) => (*seconds, *nanos),
        };
        Timestamp::new(since.checked_add(seconds)?, nanos).ok()
    }
}

/// Places of what lines share, in the order of first use.
struct Shared<'a, T: Ord + ?Sized> {
    places: BTreeMap<&'a T, usize>,
    in_order: Vec<&'a T>,
}

impl<'a, T: Ord + ?Sized> Shared<'a, T> {
    fn new() -> Self {
        Self { places: BTreeMap::new(), in_order: Vec::new() }
    }

    fn place(&mut self, what: &'a T) -> usize {
        *self.places.entry(what).or_insert_with(|| {
            self.in_order.push(what);
            self.in_order.len() - 1
        })
    }
}

fn place_in<T: PartialEq + Clone>(list: &mut Vec<T>, what: &T) -> usize {
    // An account has one currency or two, and a book one account: nothing to search.
    list.iter().position(|known| known == what).unwrap_or_else(|| {
        list.push(what.clone());
        list.len() - 1
    })
}

impl Serialize for Book {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let since = self.lines.first().map_or(0, |line| line.facts.at.as_second());
        // Of lines with one first id (there should be none) the first is meant, as everywhere.
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, line) in self.lines.iter().enumerate() {
            places.entry(line.id()).or_insert(i);
        }
        let name = |id: &str| places.get(id).map_or_else(|| Name::Id(id.to_owned()), |i| Name::Line(*i));
        let mut texts = Shared::new();
        let (mut accounts, mut currencies) = (Vec::new(), Vec::new());
        let mut lines = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let facts = &line.facts;
            let at = facts.at.as_second();
            let rest = Rest {
                ids: line.ids.get(1..).unwrap_or_default().to_vec(),
                own: (facts.id != line.id()).then(|| facts.id.clone()),
                told: (line.told != facts.amount)
                    .then(|| (line.told.minor, place_in(&mut currencies, &line.told.currency))),
                undone: line.undone.map(|undone| When::of(undone, at)),
            };
            lines.push(Row(
                line.id().to_owned(),
                facts.state,
                facts.direction,
                facts.amount.minor,
                (place_in(&mut currencies, &facts.amount.currency), place_in(&mut accounts, &facts.account)),
                (
                    facts.merchant.as_deref().map(|merchant| texts.place(merchant)),
                    texts.place(facts.description.as_str()),
                ),
                When::of(facts.at, since),
                When::of(line.occurred, at),
                facts.reference_id.as_deref().map(name),
                line.of.as_ref().map(|of| (name(&of.hold), of.fit)),
                (rest != Rest::default()).then(|| Box::new(rest)),
            ));
        }
        let texts = texts.in_order.into_iter().map(Cow::Borrowed).collect();
        Pages { texts, accounts, currencies, since, lines }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Book {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pages = Pages::deserialize(from)?;
        let ids: Vec<String> = pages.lines.iter().map(|row| row.0.clone()).collect();
        let damaged = || D::Error::custom("a line of the book names what is not there");
        let mut lines = Vec::with_capacity(pages.lines.len());
        for row in &pages.lines {
            lines.push(pages.line(row, &ids).ok_or_else(damaged)?);
        }
        Ok(Self { lines })
    }
}

impl Pages<'_> {
    fn line(&self, row: &Row, ids: &[String]) -> Option<Line> {
        let Row(
            id,
            state,
            direction,
            minor,
            (currency, account),
            (merchant, words),
            at,
            occurred,
            refers,
            of,
            rest,
        ) = row;
        let none = Rest::default();
        let rest = rest.as_deref().unwrap_or(&none);
        let name = |name: &Name| match name {
            Name::Line(i) => ids.get(*i).cloned(),
            Name::Id(id) => Some(id.clone()),
        };
        let text = |i: usize| self.texts.get(i).map(|text| text.clone().into_owned());
        let money =
            |minor: i64, currency: usize| Some(Money { minor, currency: *self.currencies.get(currency)? });
        let at = at.at(self.since)?;
        let amount = money(*minor, *currency)?;
        let facts = Transaction {
            id: rest.own.clone().unwrap_or_else(|| id.clone()),
            reference_id: match refers {
                Some(refers) => Some(name(refers)?),
                None => None,
            },
            account: self.accounts.get(*account)?.clone(),
            state: *state,
            direction: *direction,
            amount,
            merchant: match merchant {
                Some(i) => Some(text(*i)?),
                None => None,
            },
            description: text(*words)?,
            at,
        };
        Some(Line {
            ids: core::iter::once(id).chain(&rest.ids).cloned().collect(),
            told: match rest.told {
                Some((minor, currency)) => money(minor, currency)?,
                None => amount,
            },
            occurred: occurred.at(at.as_second())?,
            undone: match &rest.undone {
                Some(undone) => Some(undone.at(at.as_second())?),
                None => None,
            },
            of: match of {
                Some((hold, fit)) => Some(Settles { hold: name(hold)?, fit: *fit }),
                None => None,
            },
            facts,
        })
    }
}
