//! The chaos mode: every fault at once, each with its own chance, drawn from a seed.
//!
//! A draw depends on the seed, the fault, the page, the person and how many sends or events that conversation has
//! had, and on nothing else: not on the time, nor on what other conversations do. So two runs with the same seed, in
//! which each conversation does the same, meet the same faults, however their conversations interleave.

use std::collections::BTreeMap;

use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::model::ThreadKey;

/// The chances, in per mille.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Chaos {
    /// What all draws are made from.
    pub(crate) seed: u64,
    /// Webhook: delivered twice, the second time with a new timestamp.
    pub(crate) duplicate: u32,
    /// Webhook: the next event of the conversation overtakes this one.
    pub(crate) reorder: u32,
    /// Webhook: delayed by up to `delay_max_ms`.
    pub(crate) delay: u32,
    /// Longest delay, in milliseconds.
    pub(crate) delay_max_ms: u64,
    /// Webhook: the app's 200 is lost, so the event comes again.
    pub(crate) lose_answer: u32,
    /// Most events in one webhook.
    pub(crate) batch: u32,
    /// Echo: before the send call is answered.
    pub(crate) echo_first: u32,
    /// Echo: never, whatever became of the send's answer. Of what was neither answered nor echoed the conversation's
    /// record alone tells.
    pub(crate) drop_echo: u32,
    /// Send: dropped without having been carried out.
    pub(crate) lose_request: u32,
    /// Send: carried out, then the connection is dropped.
    pub(crate) drop_connection: u32,
    /// Send: carried out, answered 1/1357046.
    pub(crate) sent_error: u32,
    /// Send: not carried out, answered 2 (transient) or with HTTP 503.
    pub(crate) transient: u32,
    /// Send: not carried out, answered 4, 32, 613 or 80006.
    pub(crate) throttled: u32,
    /// Send: carried out, answered after up to `slow_max_ms`.
    pub(crate) slow: u32,
    /// Longest wait for an answer, in milliseconds.
    pub(crate) slow_max_ms: u64,
    /// Send: carried out, and not answered for `hang_ms`: whoever has a time-out hears nothing.
    pub(crate) hang: u32,
    /// How long that is, in milliseconds.
    pub(crate) hang_ms: u64,
    /// Send: not carried out, answered 190/460, as if the token had just been changed.
    pub(crate) token_dead: u32,
    /// Send: not carried out, answered 10/1893063, as if the page was just restricted.
    pub(crate) page_blocked: u32,
    /// Send: not carried out, answered 551/1545041, as if the person had just blocked the page.
    pub(crate) user_blocked: u32,
}

impl Default for Chaos {
    fn default() -> Self {
        Self {
            seed: 0,
            duplicate: 100,
            reorder: 100,
            delay: 100,
            delay_max_ms: 50,
            lose_answer: 20,
            batch: 8,
            echo_first: 100,
            drop_echo: 20,
            lose_request: 10,
            drop_connection: 20,
            sent_error: 10,
            transient: 20,
            throttled: 10,
            slow: 20,
            slow_max_ms: 50,
            hang: 1,
            hang_ms: 30_000,
            token_dead: 1,
            page_blocked: 1,
            user_blocked: 1,
        }
    }
}

impl Chaos {
    /// What cannot be, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let chances = [
            self.duplicate,
            self.reorder,
            self.delay,
            self.lose_answer,
            self.echo_first,
            self.drop_echo,
            self.lose_request,
            self.drop_connection,
            self.sent_error,
            self.transient,
            self.throttled,
            self.slow,
            self.hang,
            self.token_dead,
            self.page_blocked,
            self.user_blocked,
        ];
        if chances.iter().any(|c| *c > 1_000) {
            return Err("a chance is more than 1000 per mille".to_owned());
        }
        if self.delay_max_ms.max(self.slow_max_ms).max(self.hang_ms) > limits::FAULT_DELAY_MS {
            return Err(format!("a wait is longer than {} ms", limits::FAULT_DELAY_MS));
        }
        if self.batch > limits::BATCH_EVENTS {
            return Err(format!("`batch` is more than {}", limits::BATCH_EVENTS));
        }
        Ok(())
    }

    /// A number that depends on these arguments and the seed alone.
    pub(crate) fn draw(&self, fault: &str, key: &ThreadKey, n: u64) -> u64 {
        let mut text = Vec::with_capacity(64);
        for part in [fault, &key.page, &key.user] {
            text.extend_from_slice(part.as_bytes());
            text.push(0);
        }
        text.extend_from_slice(&n.to_be_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.seed.to_be_bytes()), &text);
        tag.as_ref().iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }

    /// Whether a fault of this chance happens to the `n`th send or event of a conversation.
    pub(crate) fn happens(&self, fault: &str, chance: u32, key: &ThreadKey, n: u64) -> bool {
        chance > 0 && self.draw(fault, key, n) % 1_000 < u64::from(chance)
    }

    /// A wait of at most `max_ms`.
    pub(crate) fn wait(&self, fault: &str, max_ms: u64, key: &ThreadKey, n: u64) -> u64 {
        self.draw(fault, key, n.wrapping_add(1 << 32)) % (max_ms + 1)
    }
}

/// How often each fault has happened.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: draws repeat with the seed, differ without it, and meet their chance.
    #[test]
    fn draws_repeat_and_meet_their_chance() {
        let key = ThreadKey { page: "1".to_owned(), user: "a".to_owned() };
        let run = |seed| {
            let chaos = Chaos { seed, ..Chaos::default() };
            (0..10_000).map(|n| chaos.happens("duplicate", 100, &key, n)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).iter().filter(|hit| **hit).count();
        assert!((850..1_150).contains(&hits), "{hits} of 10 000 at 100 per mille");
    }
}
