//! The model that first comes to mind: the bank's reference, else the oldest authorization of the very same amount and
//! text within a week. It takes nothing back.

use super::measure::Reader;
use amana_core::{BankEventKind, Timestamp, Transaction};
use amana_pure::{News, Step, Verdict};

#[derive(Default)]
pub(super) struct Naive {
    holds: Vec<Transaction>,
    seen: Vec<String>,
    pairs: Vec<(String, String)>,
}

impl Reader for Naive {
    fn advance(&mut self, kind: BankEventKind, t: &Transaction, _: Timestamp, _: Timestamp) -> Verdict {
        let step = match kind {
            BankEventKind::TransactionAuthorised if self.holds.iter().any(|hold| hold.id == t.id) => {
                Step::Drop
            }
            BankEventKind::TransactionAuthorised => {
                self.holds.push(t.clone());
                Step::Tell(News::New)
            }
            BankEventKind::TransactionPosted if self.seen.contains(&t.id) => Step::Drop,
            BankEventKind::TransactionPosted => {
                self.seen.push(t.id.clone());
                let week = |hold: &&Transaction| {
                    (0..=7 * 86_400).contains(&(t.at.as_second() - hold.at.as_second()))
                        && (hold.amount, &hold.merchant) == (t.amount, &t.merchant)
                        && !self.pairs.iter().any(|(_, id)| *id == hold.id)
                };
                let own = |hold: &&Transaction| hold.id == t.id || Some(&hold.id) == t.reference_id.as_ref();
                match self.holds.iter().find(own).or_else(|| self.holds.iter().find(week)) {
                    Some(hold) if hold.id == t.id => Step::Remember,
                    Some(hold) => {
                        self.pairs.push((t.id.clone(), hold.id.clone()));
                        Step::Remember
                    }
                    None => Step::Tell(News::New),
                }
            }
            _ => Step::Tell(News::Reversed),
        };
        Verdict { step, again: Vec::new() }
    }

    fn pairs(&self) -> Vec<(String, String)> {
        self.pairs.clone()
    }

    fn knows(&self, id: &str) -> bool {
        self.seen.iter().any(|seen| seen == id)
    }
}
