//! When a missing echo says something: only while the platform's webhooks are known to come in.
//!
//! A message whose call got no answer is settled by its echo. That none came means nothing while our own door is shut
//! (the process, a proxy or the store is away): then the platform keeps the echo, and tries again. So what is asked is
//! whether webhooks of that conversation have been coming in, without a long silence, for long enough since the send:
//! those of others say nothing of what waits for this one. That much is asked only where the platform keeps nothing
//! that it could be asked about ([`crate::reconcile`]).

use crate::gateway::Gateway;
use crate::limits::{DOOR_OPEN_S, DOOR_SILENCE_S, ECHO_LOST_S, ECHO_WAIT_S};
use amana_core::{ConversationId, MessageId, Timestamp};
use amana_gate::NEWS_TICKET_HOURS;
use std::collections::HashMap;
use std::sync::PoisonError;

/// What is known of webhooks and of messages in doubt. A restart forgets it: what was in doubt then counts from it.
#[derive(Debug)]
pub(crate) struct Doubts {
    /// When what is not in `since` was sent at the latest.
    before_start: Timestamp,
    heard: HashMap<ConversationId, Heard>,
    since: HashMap<MessageId, Timestamp>,
    /// What the platform took and the store has not, under which id and when.
    taken: HashMap<MessageId, (Timestamp, String)>,
    tidied: Timestamp,
}

/// Webhooks of one conversation that came without a long silence between them.
#[derive(Debug, Clone, Copy)]
struct Heard {
    first: Timestamp,
    last: Timestamp,
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second().saturating_sub(from.as_second())
}

impl Doubts {
    pub(crate) fn new(start: Timestamp) -> Self {
        let before_start =
            start.checked_sub(std::time::Duration::from_secs(ECHO_WAIT_S.unsigned_abs())).unwrap_or(start);
        Self {
            before_start,
            heard: HashMap::new(),
            since: HashMap::new(),
            taken: HashMap::new(),
            tidied: start,
        }
    }

    /// Forgets what says nothing any more, of rows that ended without egress (a sweep, an erasure): an echo that has
    /// not come for so long is missed whatever is kept, and nothing leaves with a ticket that is over.
    fn tidy(&mut self, now: Timestamp) {
        if seconds(self.tidied, now) < ECHO_WAIT_S {
            return;
        }
        self.tidied = now;
        self.since.retain(|_, since| seconds(*since, now) < ECHO_LOST_S);
        self.heard.retain(|_, heard| seconds(heard.last, now) < ECHO_LOST_S);
        self.taken.retain(|_, (at, _)| seconds(*at, now) < NEWS_TICKET_HOURS * 3_600);
    }

    fn came(&mut self, of: &ConversationId, now: Timestamp) {
        self.tidy(now);
        let heard = self.heard.entry(of.clone()).or_insert(Heard { first: now, last: now });
        if seconds(heard.last, now) > DOOR_SILENCE_S {
            heard.first = now;
        }
        heard.last = heard.last.max(now);
    }

    /// Whether an echo of a message that was sent then would be here by now, if it were to come: a webhook came when it
    /// should have been here, and the platform has had the time to try again since.
    fn is_missed(&self, of: &ConversationId, since: Timestamp, now: Timestamp) -> bool {
        let open = |heard: &Heard| {
            seconds(since, heard.last) >= ECHO_WAIT_S && seconds(heard.first.max(since), now) >= DOOR_OPEN_S
        };
        self.heard.get(of).is_some_and(open) || seconds(since, now) >= ECHO_LOST_S
    }
}

impl Gateway {
    /// A webhook of this conversation came in and is durable.
    pub(crate) fn webhook_came(&self, of: &ConversationId) {
        let now = self.now();
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).came(of, now);
    }

    /// Shards of others came to this process: what is in doubt there was sent by them, when is not known, and perhaps
    /// only now. So everything in doubt counts from now, also what is not in those shards: it is looked at later than
    /// it could be, and not wrongly. (Where nodes die more often than every three minutes, nothing in doubt is settled
    /// by its time alone meanwhile.)
    pub(crate) fn doubt_what_others_sent(&self) {
        let now = self.now();
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.before_start = now;
        doubts.since.values_mut().for_each(|since| *since = now);
    }

    /// A message is about to be sent: from now on it may be there.
    pub(crate) fn doubt(&self, message: MessageId) {
        let now = self.now();
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.tidy(now);
        doubts.since.insert(message, now);
    }

    /// The platform took it, under this id: known here until the store knows it, too.
    pub(crate) fn taken(&self, message: MessageId, mid: &str) {
        let now = self.now();
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.taken.insert(message, (now, mid.to_owned()));
    }

    /// The platform's id of a message that it took, if the store has not taken that in yet.
    pub(crate) fn taken_as(&self, message: MessageId) -> Option<String> {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.taken.get(&message).map(|(_, mid)| mid.clone())
    }

    /// It may have gone out only now. What is settled meanwhile stays settled.
    pub(crate) fn doubt_from_now(&self, message: MessageId) {
        let now = self.now();
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = doubts.since.get_mut(&message) {
            *since = now;
        }
    }

    /// Whether an echo that did not come by now is lost for good.
    pub(crate) fn echo_is_lost(&self, message: MessageId) -> bool {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let since = doubts.since.get(&message).copied().unwrap_or(doubts.before_start);
        seconds(since, self.now()) >= ECHO_LOST_S
    }

    /// It is settled, one way or the other, and that is durable.
    pub(crate) fn no_doubt(&self, message: MessageId) {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        doubts.since.remove(&message);
        doubts.taken.remove(&message);
    }

    /// Whether it is in doubt, as far as this process knows.
    pub(crate) fn is_in_doubt(&self, message: MessageId) -> bool {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).since.contains_key(&message)
    }

    /// Whether the echo of a message in doubt can be missed by now.
    pub(crate) fn echo_is_missed(&self, of: &ConversationId, message: MessageId) -> bool {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        // Of what was sent before the start any webhook since then says that the door is open again.
        let since = doubts.since.get(&message).copied().unwrap_or(doubts.before_start);
        doubts.is_missed(of, since, self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{ChannelId, Psid};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("an instant")
    }

    #[test]
    fn an_echo_is_missed_only_while_webhooks_come_in() {
        let of = |psid: &str| ConversationId {
            channel: ChannelId::new("1001").expect("an id"),
            psid: Psid::new(psid).expect("an id"),
        };
        let chat = of("1");
        let mut doubts = Doubts::new(at(0));
        assert!(!doubts.is_missed(&chat, at(0), at(3_600)), "nothing is heard: the door may be shut");
        assert!(doubts.is_missed(&chat, at(0), at(ECHO_LOST_S)), "the platform gave up itself");

        (0..10).for_each(|n| doubts.came(&chat, at(n * 60)));
        assert!(doubts.is_missed(&chat, at(0), at(600)));
        assert!(!doubts.is_missed(&chat, at(500), at(3_000)), "what came before the send says nothing");

        // The door is shut for twenty minutes: what comes first afterwards says only that it is open again.
        doubts.came(&chat, at(1_800));
        assert!(!doubts.is_missed(&chat, at(500), at(1_801)));
        doubts.came(&chat, at(1_890));
        assert!(!doubts.is_missed(&chat, at(500), at(1_900)));
        doubts.came(&chat, at(1_930));
        assert!(!doubts.is_missed(&chat, at(500), at(1_930)), "the last try may be a minute away");
        assert!(doubts.is_missed(&chat, at(500), at(1_980)));
        assert!(
            !doubts.is_missed(&of("2"), at(500), at(1_980)),
            "another conversation's webhooks say nothing of this one's"
        );
    }
}
