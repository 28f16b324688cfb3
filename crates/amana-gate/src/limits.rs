//! Every bound of the gate, in one place.

use std::time::Duration;

/// How long an egress ticket is good. It is made when the bytes are about to leave, so it only has to outlast the way
/// to the egress process and its last look at the kill switches.
pub const EGRESS_TICKET_LIFE: Duration = Duration::from_secs(60);
/// How long the page behind a notice can be opened: a message may leave for three days after it was decided, and the
/// customer has some days more. Older news are none; the page of the accounts shows how things stand.
pub const SEALED_PAGE_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// How far the gate's clock may be ahead of egress's. Both run on one machine; more than this is no ticket of ours.
pub(crate) const EGRESS_CLOCK_SKEW: Duration = Duration::from_secs(5);
/// Tickets that egress remembers at once, so that none is used twice: more than four thousand messages a second for the
/// life of a ticket. When it is full nothing is sent until tickets end.
pub(crate) const EGRESS_TICKETS_MAX: usize = 262_144;
/// The largest message that egress takes, in bytes: far beyond what any platform lets us send.
pub const EGRESS_BODY_BYTES_MAX: usize = 256 * 1024;
/// How many rows must have been there, and gone by all their ids at once, for a bank that knows only days to have
/// renamed them.
pub(crate) const RENAMED_ROWS_MIN: usize = 3;

const _: () = assert!(SEALED_PAGE_LIFE.as_secs() > crate::NEWS_TICKET_HOURS.unsigned_abs() * 3_600);
