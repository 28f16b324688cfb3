//! What earlier readings of an account found at a bank that pushes nothing, so that a later one says which of its rows
//! are new.
//!
//! Rows are known again by MACs that no public call makes, and these stay in here: at rest they are sealed for the gate
//! alone, since rows that say the same have equal ones. What comes out is which rows are new, and of each a name by
//! which the store knows it if it comes once more.

use crate::key::{DataKey, Domain, KeyError};
use crate::limits::RENAMED_ROWS_MIN;
use crate::protected::{Protected, Subject};
use crate::told::telling;
use amana_core::{BankEvent, BankEventBody, Entropy};
use std::collections::{BTreeMap, BTreeSet};

/// A MAC of a row.
type Mark = [u8; 8];

/// A row that was read.
pub struct ReadRow {
    /// Its envelope.
    pub event: BankEvent,
    /// Its content.
    pub body: Protected<BankEventBody>,
    /// Whether it came about since news are told. What is older is only known again.
    pub fresh: bool,
}

/// How an account was read.
pub struct ReadHow {
    /// Whether all of its rows are there. What a list that is not whole leaves out is not forgotten.
    pub whole: bool,
    /// How many rows are news at most.
    pub news_max: usize,
    /// How many are known again at most.
    pub rows_max: usize,
}

/// A row that was not there as it is now.
pub struct Unseen {
    /// Its envelope.
    pub event: BankEvent,
    /// Its content.
    pub body: Protected<BankEventBody>,
    /// Its name: the same whenever this transaction says the same, and never that of another one.
    pub name: [u8; 8],
}

/// What a reading brought.
pub struct ReadNews {
    /// What is new, in the order of the rows.
    pub news: Vec<Unseen>,
    /// Whether there is more that is new: it comes with the next reading.
    pub more: bool,
}

/// What is known of an account's rows.
#[derive(Default)]
pub struct Seen {
    rows: BTreeSet<Mark>,
    /// What they say but for their ids, and how many say it.
    said: BTreeMap<Mark, usize>,
}

impl Seen {
    /// Takes a reading in, and says what is new of it. Rows that are not the subject's are left out.
    pub fn take_in(
        &mut self,
        rows: Vec<ReadRow>,
        (subject, key): (&Subject, &DataKey),
        reading: &ReadHow,
    ) -> ReadNews {
        let marked = |row: ReadRow| {
            let body = row.body.open_for(subject)?;
            let (name, said) = (name_of(&row.event, body, key), said_of(&row.event, body, key));
            Some((name, said, row))
        };
        let rows: Vec<(Mark, Mark, ReadRow)> = rows.into_iter().filter_map(marked).collect();
        let mut renamed = Renamed::of(&self.rows, &self.said, &rows);
        let (mut known, mut said) =
            if reading.whole { Default::default() } else { (self.rows.clone(), self.said.clone()) };
        let mut counted: BTreeMap<Mark, usize> = BTreeMap::new();
        let mut found = ReadNews { news: Vec::new(), more: false };
        for (name, says, row) in rows {
            let ReadRow { event, body, fresh } = row;
            if fresh && !self.rows.contains(&name) && !renamed.is_one(&says, event.occurred.as_second()) {
                if found.news.len() == reading.news_max {
                    found.more = true;
                    continue;
                }
                found.news.push(Unseen { event, body, name });
            }
            known.insert(name);
            *counted.entry(says).or_default() += 1;
        }
        for (says, times) in counted {
            let before = said.entry(says).or_default();
            *before = times.max(*before);
        }
        self.rows = known.into_iter().take(reading.rows_max).collect();
        let mut room = reading.rows_max;
        said.retain(|_, times| {
            *times = (*times).min(room);
            room -= *times;
            *times > 0
        });
        self.said = said;
        found
    }

    /// What is known, at rest, under the customer's key; `place` says of which reading it is.
    ///
    /// # Errors
    /// When it cannot be encrypted.
    pub fn seal(
        &self,
        (subject, key): (&Subject, &DataKey),
        place: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KeyError> {
        let rows = u32::try_from(self.rows.len()).map_err(|_| KeyError)?;
        let said = self.said.iter().flat_map(|(says, times)| vec![says; *times]);
        let mut plain = rows.to_be_bytes().to_vec();
        plain.extend(self.rows.iter().chain(said).flatten());
        key.seal_as(Domain::Seen, &context(subject, place), &plain, entropy)
    }

    /// What [`Seen::seal`] put to rest.
    ///
    /// # Errors
    /// When customer, key, place or bytes are not those.
    pub fn unseal(
        (subject, key): (&Subject, &DataKey),
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Self, KeyError> {
        let plain = key.open_as(Domain::Seen, &context(subject, place), sealed)?;
        let (rows, marks) = plain.split_first_chunk().ok_or(KeyError)?;
        let (marks, rest) = marks.as_chunks::<8>();
        let (rows, said) = marks.split_at_checked(u32::from_be_bytes(*rows) as usize).ok_or(KeyError)?;
        if !rest.is_empty() {
            return Err(KeyError);
        }
        let mut seen = Self { rows: rows.iter().copied().collect(), said: BTreeMap::new() };
        for says in said {
            *seen.said.entry(*says).or_default() += 1;
        }
        Ok(seen)
    }
}

fn context(subject: &Subject, place: &[u8]) -> Vec<u8> {
    // The customer's id has one length; what of the rest is the institution's is said by a byte that no name has.
    [b"seen".as_slice(), subject.customer.as_bytes(), subject.institution.as_str().as_bytes(), b"\0", place]
        .concat()
}

/// What a row says, as far as it is told, with its ids: those of the envelope, and the content's own, so that no two
/// transactions have one name, whatever their envelopes say.
fn name_of(event: &BankEvent, body: &BankEventBody, key: &DataKey) -> Mark {
    let own = match body {
        BankEventBody::Transaction(t) => t.id.as_str(),
        BankEventBody::Balance(a) => a.id.as_str(),
    };
    mark(key.mac_in_gate(&[
        b"amana/seen/row/v1",
        event.account.as_str().as_bytes(),
        event.id.as_bytes(),
        event.reference_id.as_deref().unwrap_or_default().as_bytes(),
        own.as_bytes(),
        &telling(body),
    ]))
}

/// What a row says but for its ids.
fn said_of(event: &BankEvent, body: &BankEventBody, key: &DataKey) -> Mark {
    mark(key.mac_in_gate(&[
        b"amana/seen/said/v1",
        event.account.as_str().as_bytes(),
        &[event.kind as u8],
        &event.occurred.as_microsecond().to_be_bytes(),
        &telling(body),
    ]))
}

fn mark(mac: [u8; 32]) -> Mark {
    mac.first_chunk().copied().unwrap_or_default()
}

/// The rows of the reading before that are there no more under their ids. A bank that calls the same rows by other ids
/// tells nothing new.
struct Renamed {
    /// What they say, and how many say it.
    gone: BTreeMap<Mark, usize>,
    /// Whether the ids of all of them have changed at once.
    all: bool,
}

impl Renamed {
    fn of(known: &BTreeSet<Mark>, before: &BTreeMap<Mark, usize>, rows: &[(Mark, Mark, ReadRow)]) -> Self {
        let (mut gone, mut left) = (before.clone(), 0_usize);
        let rows_before: usize = gone.values().sum();
        let mut again = before.clone();
        let mut found = 0_usize;
        for (name, says, _) in rows {
            if let Some(times) = again.get_mut(says).filter(|times| **times > 0) {
                *times -= 1;
                found += 1;
            }
            if known.contains(name) {
                left += 1;
                if let Some(times) = gone.get_mut(says) {
                    *times = times.saturating_sub(1);
                }
            }
        }
        let all = left == 0 && rows_before >= RENAMED_ROWS_MIN && found * 2 >= rows_before;
        Self { gone, all }
    }

    /// Whether a row that was not there under its id is one of them. Where the bank knows only the day, another row of
    /// the same amount may have come for one that went: there it counts only if all ids have changed.
    fn is_one(&mut self, says: &Mark, occurred: i64) -> bool {
        let precise = occurred % 3_600 != 0;
        let times = self.gone.get_mut(says).filter(|times| **times > 0 && (precise || self.all));
        times.map(|times| *times -= 1).is_some()
    }
}
