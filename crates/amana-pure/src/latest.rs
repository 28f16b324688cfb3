//! The newest rows of a page.

use alloc::vec::Vec;
use amana_core::{Page, Transaction};
use core::cmp::Reverse;

/// The newest transactions of a page, newest first, at most so many.
#[must_use]
pub fn latest(page: &Page<Transaction>, rows_max: usize) -> Vec<&Transaction> {
    let mut rows: Vec<&Transaction> = page.rows.iter().collect();
    rows.sort_by_key(|t| Reverse(t.at));
    rows.truncate(rows_max);
    rows
}
