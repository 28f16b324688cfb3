//! The numbers that stand for states in the tables. The partial indexes of the migrations name them, so they never
//! change.

use crate::{
    AlarmKind, ChannelHealth, InboxSource, JobKind, LinkState, OutboxState, PlatformRequestKind, StoryState,
    WaitingTelling,
};
use amana_core::AgreementAct;
use amana_gate::About;

macro_rules! codes {
    ($($to:ident, $from:ident: $type:ident { $($variant:ident = $code:literal),+ $(,)? })+) => { $(
        pub(crate) fn $to(value: $type) -> i64 {
            match value { $($type::$variant => $code),+ }
        }
        pub(crate) fn $from(code: i64) -> Option<$type> {
            match code { $($code => Some($type::$variant),)+ _ => None }
        }
    )+ };
}

codes! {
    link_code, link_state: LinkState { Pending = 0, Active = 1, Ended = 2 }
    source_code, source: InboxSource { Chat = 0, Bank = 1 }
    // Below 3: may become due. Below 4: keeps later messages of its conversation back.
    outbox_code, outbox_state: OutboxState {
        Pending = 0, Sending = 1, Unconfirmed = 2, Held = 3, Sent = 4, Dead = 5, Denied = 6,
    }
    about_code, about: About { Link = 0, Links = 1, Chat = 2 }
    story_code, story_state: StoryState { Authorised = 0, Posted = 1, Reversed = 2, Untold = 3 }
    alarm_code, alarm: AlarmKind {
        NoMetadata = 0, OtherApp = 1, UnknownMessage = 2, NeverSent = 3, OtherRecipient = 4, TooMany = 5,
        UnknownDelivery = 6, ChannelWarned = 7, ChannelBlocked = 8, TokenDead = 9,
        OtherWords = 10, Unrecorded = 11, ThreadRequested = 12, NotAllowed = 13, Deaf = 14,
        DeletionUntold = 15, DeletionLate = 16, TemplateUnusable = 17, WaitingExpires = 18,
    }
    telling_code, telling: WaitingTelling { New = 0, Changed = 1, Reversed = 2, Posted = 3 }
    health_code, health: ChannelHealth { Good = 0, Throttled = 1, Warned = 2, Blocked = 3, TokenDead = 4,
        NotAllowed = 5, NoWay = 6 }
    request_code, request: PlatformRequestKind { Deletion = 0, Deauthorisation = 1 }
    job_code, job_kind: JobKind { RevokeAtBank = 0, EndLink = 1, RemindConsent = 2, Erase = 3, LookAtGrant = 4,
        Poll = 5, Subscriptions = 6, TellEnded = 7, PlatformRequest = 8, PassThread = 9, CatchUp = 10,
        ForgetSaid = 11 }
}

/// What was done to an agreement; its record says the same in words.
pub(crate) fn agreement_code(act: AgreementAct) -> i64 {
    match act {
        AgreementAct::Requested => 0,
        AgreementAct::Refused => 1,
        AgreementAct::Accepted => 2,
        AgreementAct::Declined => 3,
        AgreementAct::Suspended => 4,
        AgreementAct::Resumed => 5,
        AgreementAct::Ended => 6,
    }
}

/// A consent's state column.
pub(crate) const CONSENT_ACTIVE: i64 = 0;
/// A consent's state column.
pub(crate) const CONSENT_REVOKED: i64 = 1;
/// An inbox row that waits.
pub(crate) const INBOX_WAITING: i64 = 0;
/// An inbox row that was processed.
pub(crate) const INBOX_DONE: i64 = 1;
/// An inbox row that was given up.
pub(crate) const INBOX_FAILED: i64 = 2;
/// A job that waits for its time.
pub(crate) const JOB_WAITING: i64 = 0;
/// A job that was given up.
pub(crate) const JOB_DEAD: i64 = 1;
