//! What the writer's transaction keeps in memory until it commits: the log's head, and the head of the receipts of each
//! customer whom it records something of.
//!
//! A batch records many receipts. Each of these rows is read once in it, which locks it on PostgreSQL (on SQLite the
//! transaction is the only writer), checked once, and written once, before the commit ([`write_back`]). Between the two
//! nobody else can change the row, so what is kept is what stands there. Nothing is kept from one transaction to the
//! next: what was changed in between from outside is found by the next one's check.
//!
//! What reads or writes these rows by a statement of its own calls [`write_back`] first and [`Kept::forget_log`] or
//! [`Kept::forget_customer`] after it.

use crate::StoreError;
use crate::apply_log::LastReceipt;
use crate::db::{Db, values};
use amana_core::{CustomerId, Shard};
use amana_gate::DataKey;
use amana_log::CustomerKey;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// The head of the disclosure log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogEnd {
    /// How many entries there are.
    pub(crate) size: i64,
    /// The open segment.
    pub(crate) segment: i64,
    /// When its first entry came, in microseconds.
    pub(crate) began: Option<i64>,
}

/// The end of a customer's receipts, checked, and the keys that the next one needs.
#[derive(Clone)]
pub(crate) struct CustomerEnd {
    pub(crate) last: LastReceipt,
    pub(crate) key: Arc<DataKey>,
    pub(crate) log_key: Arc<CustomerKey>,
}

/// A kept value, and whether its row has another one. Without a value: to be read anew.
#[derive(Debug, Clone)]
struct Slot<V> {
    value: Option<V>,
    changed: bool,
}

/// Values over a savepoint: what was put since then lies above, and is dropped with it.
#[derive(Debug)]
struct Layers<K, V> {
    below: HashMap<K, Slot<V>>,
    above: HashMap<K, Slot<V>>,
    /// Whether there is a savepoint.
    apart: bool,
}

impl<K, V> Default for Layers<K, V> {
    fn default() -> Self {
        Self { below: HashMap::new(), above: HashMap::new(), apart: false }
    }
}

impl<K: Eq + Hash + Ord + Copy, V: Clone> Layers<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.above.get(key).or_else(|| self.below.get(key))?.value.as_ref()
    }

    fn put(&mut self, key: K, slot: Slot<V>) {
        let layer = if self.apart { &mut self.above } else { &mut self.below };
        layer.insert(key, slot);
    }

    /// The changed values in the order of their keys; from here on they count as written. A savepoint that is rolled
    /// back takes the writing back with it, and here too: what lies below stays changed.
    fn take_changed(&mut self) -> Vec<(K, V)> {
        let mut changed: Vec<(K, V)> = Vec::new();
        let above =
            self.above.iter().chain(self.below.iter().filter(|(key, _)| !self.above.contains_key(key)));
        for (key, slot) in above {
            if let Slot { value: Some(value), changed: true } = slot {
                changed.push((*key, value.clone()));
            }
        }
        changed.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in &changed {
            self.put(*key, Slot { value: Some(value.clone()), changed: false });
        }
        changed
    }

    fn savepoint(&mut self) {
        self.apart = true;
    }

    fn release(&mut self) {
        self.apart = false;
        self.below.extend(self.above.drain());
    }

    fn roll_back(&mut self) {
        self.above.clear();
    }

    fn clear(&mut self) {
        self.apart = false;
        self.above.clear();
        self.below.clear();
    }
}

/// What a transaction keeps.
#[derive(Default)]
pub(crate) struct Kept {
    log: Layers<(), LogEnd>,
    customers: Layers<(Shard, CustomerId), CustomerEnd>,
}

impl Kept {
    pub(crate) fn log(&self) -> Option<LogEnd> {
        self.log.get(&()).copied()
    }

    /// Keeps the log's end; `changed` where its row is another one.
    pub(crate) fn keep_log(&mut self, end: LogEnd, changed: bool) {
        self.log.put((), Slot { value: Some(end), changed });
    }

    /// After a statement that changed the log's row.
    pub(crate) fn forget_log(&mut self) {
        self.log.put((), Slot { value: None, changed: false });
    }

    pub(crate) fn customer(&self, place: (Shard, CustomerId)) -> Option<&CustomerEnd> {
        self.customers.get(&place)
    }

    /// Keeps the end of a customer's receipts; `changed` where the customer's row has another one.
    pub(crate) fn keep_customer(&mut self, place: (Shard, CustomerId), end: CustomerEnd, changed: bool) {
        self.customers.put(place, Slot { value: Some(end), changed });
    }

    /// After a statement that changed the customer's row.
    pub(crate) fn forget_customer(&mut self, place: (Shard, CustomerId)) {
        self.customers.put(place, Slot { value: None, changed: false });
    }

    /// A savepoint was made.
    pub(crate) fn savepoint(&mut self) {
        self.log.savepoint();
        self.customers.savepoint();
    }

    /// The savepoint was released.
    pub(crate) fn release(&mut self) {
        self.log.release();
        self.customers.release();
    }

    /// All since the savepoint was rolled back.
    pub(crate) fn roll_back(&mut self) {
        self.log.roll_back();
        self.customers.roll_back();
    }

    /// The transaction is over, or begins.
    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.customers.clear();
    }
}

/// Writes what changed into its rows. Before the commit, and before a statement that reads or writes these rows.
///
/// # Errors
/// Where a row is not there any more, which was there under our lock.
pub(crate) async fn write_back<D: Db>(db: &mut D) -> Result<(), StoreError> {
    for ((), end) in db.kept().log.take_changed() {
        let rows = db
            .run(
                "UPDATE log_head SET size = $1, segment_began = $2 WHERE id = 1 AND segment = $3",
                values![end.size, end.began, end.segment],
            )
            .await?;
        if rows != 1 {
            return Err(StoreError::damaged(
                "the head of the disclosure log went while it was being written to",
            ));
        }
    }
    for ((shard, customer), end) in db.kept().customers.take_changed() {
        let LastReceipt { seq, hash, segment, n } = end.last;
        let rows = db
            .run(
                "UPDATE customer SET receipt_seq = $1, receipt_hash = $2, log_segment = $3, log_n = $4, \
                 receipt_mac = $5 WHERE shard = $6 AND id = $7 AND erased_at IS NULL",
                values![seq, hash, segment, n, end.last.mac(&end.key, customer), shard, customer],
            )
            .await?;
        if rows != 1 {
            return Err(StoreError::damaged(
                "a customer's row went while a receipt of theirs was being written",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Layers<u8, i32>;

    fn set(layers: &mut Numbers, key: u8, value: i32) {
        layers.put(key, Slot { value: Some(value), changed: true });
    }

    /// What was put after a savepoint goes with it; what was put before stays, and stays to be written.
    #[test]
    fn a_savepoint_takes_its_values_with_it() {
        let mut layers = Numbers::default();
        set(&mut layers, 1, 10);
        layers.savepoint();
        set(&mut layers, 1, 11);
        set(&mut layers, 2, 20);
        assert_eq!((layers.get(&1), layers.get(&2)), (Some(&11), Some(&20)));
        layers.roll_back();
        layers.release();
        assert_eq!((layers.get(&1), layers.get(&2)), (Some(&10), None));
        layers.savepoint();
        set(&mut layers, 2, 21);
        layers.release();
        assert_eq!(layers.take_changed(), [(1, 10), (2, 21)]);
        assert_eq!(layers.take_changed(), [], "written once");
    }

    /// What was written back after a savepoint has to be written again once that is rolled back.
    #[test]
    fn a_writing_that_was_rolled_back_is_done_again() {
        let mut layers = Numbers::default();
        set(&mut layers, 1, 10);
        layers.savepoint();
        assert_eq!(layers.take_changed(), [(1, 10)]);
        layers.put(1, Slot { value: None, changed: false });
        assert_eq!(layers.get(&1), None, "a statement changed the row: it is read anew");
        layers.roll_back();
        layers.release();
        assert_eq!(layers.get(&1), Some(&10));
        assert_eq!(layers.take_changed(), [(1, 10)]);
        layers.clear();
        assert_eq!(layers.get(&1), None, "nothing outlives the transaction");
    }
}
