//! Life that goes on while the bank runs: what the made-up customers do next, played at the till in the order in which
//! the generator thinks of it, faster than it would happen.
//!
//! What happens bears the time at which it happens, not the one at which it was thought: tokens, consents and the
//! customers' own lists know one clock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::app::Shared;
use crate::brand::Brand;
use crate::generator::{PERSONAS, ahead};
use crate::limits;
use crate::model::Txn;
use crate::teller::{self, Refused};

enum Step {
    /// It is made: a hold, or at once in the books.
    Make(Box<Txn>),
    /// The hold of the movement that the books will know by this id is booked.
    Book(String),
}

/// Plays until the token is cancelled.
pub(crate) async fn run(app: Shared, brand: &'static Brand, speed_up: u32, shutdown: CancellationToken) {
    let mut horizon = app.now();
    let mut at = horizon;
    // The number tells steps of one instant apart and keeps their order.
    let mut steps: BTreeMap<(Timestamp, u64), Step> = BTreeMap::new();
    let mut number = 0_u64;
    // Ids in the books, by the ids of the script.
    let mut held: BTreeMap<String, String> = BTreeMap::new();
    let mut oldest: VecDeque<String> = VecDeque::new();
    loop {
        if steps.first_key_value().is_none_or(|((next, _), _)| *next >= horizon) {
            let from = horizon;
            let Ok(until) = from.checked_add(SignedDuration::from_hours(24 * limits::LIVE_DAYS_AHEAD)) else {
                return;
            };
            let mut any = false;
            for persona in &PERSONAS {
                let (seed, first_day) = app.history;
                for txn in ahead(persona, brand.id, seed, first_day, from, until) {
                    any = true;
                    number += 2;
                    if let Some(booked) = txn.posted_at.filter(|booked| *booked > txn.at) {
                        steps.insert((booked, number + 1), Step::Book(txn.id.clone()));
                    }
                    steps.insert((txn.at, number), Step::Make(Box::new(txn)));
                }
            }
            horizon = until;
            if !any && steps.is_empty() {
                tracing::info!(bank = brand.id, "the made-up customers' life is at its end");
                return;
            }
            continue;
        }
        let Some(((next, _), step)) = steps.pop_first() else { continue };
        let wait = next.duration_since(at).unsigned_abs() / speed_up.max(1);
        at = next;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait.min(Duration::from_secs(86_400))) => {}
        }
        let done = match step {
            Step::Make(txn) => {
                let reference = txn.reference_id.as_ref().and_then(|id| held.get(id)).cloned();
                teller::play(&app, brand, &txn, reference).map(|made| {
                    oldest.push_back(txn.id.clone());
                    held.insert(txn.id.clone(), made.id);
                })
            }
            Step::Book(id) => match held.get(&id) {
                Some(hold) => teller::post(&app, brand, hold, None).map(|booked| {
                    held.insert(id, booked.id);
                }),
                None => Ok(()),
            },
        };
        match done {
            // Somebody spent the money, or took the hold back, by hand.
            Ok(()) | Err(Refused::NoFunds | Refused::State | Refused::NoTransaction) => {}
            Err(refused) => tracing::warn!(bank = brand.id, %refused, "a made-up movement could not be made"),
        }
        while oldest.len() > limits::LIVE_REMEMBERED {
            if let Some(id) = oldest.pop_front() {
                held.remove(&id);
            }
        }
    }
}
