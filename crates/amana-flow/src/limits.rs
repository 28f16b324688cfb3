//! Every bound of the flows, in one place.

use std::time::Duration;

/// Public files of the log that are read at once: a file in a bucket may take seconds, and threads are few.
pub const LOG_READERS_MAX: usize = 32;
/// How often the disclosure log's keeper begins a round. With what a round takes, a checkpoint is out within a second.
pub const LOG_ROUND_EVERY: Duration = Duration::from_millis(400);
/// Entries of the log that are read from the store at a time.
pub const LOG_PAGE: usize = 8_192;
/// How long a witness may take to cosign.
pub const WITNESS_WAIT: Duration = Duration::from_secs(2);
/// How much longer the other witnesses are waited for when enough have cosigned: with [`LOG_ROUND_EVERY`] well within
/// the second that a checkpoint may take.
pub const WITNESS_GRACE: Duration = Duration::from_millis(200);
/// How often a bundle waits for a checkpoint that covers the newest receipt, and how long each time.
pub const BUNDLE_TRIES: usize = 10;
/// See [`BUNDLE_TRIES`].
pub const BUNDLE_WAIT: Duration = Duration::from_millis(200);
/// Entries after which a segment of the log ends.
pub const SEGMENT_ENTRIES: u64 = 1 << 20;
/// Seconds after which a segment of the log ends.
pub const SEGMENT_SECONDS: u64 = 86_400;
/// Receipts in one part of a bundle: about three kilobytes each with their proofs, so that a browser and a verifier
/// hold thirty megabytes. Who has more is given several parts.
pub const BUNDLE_RECEIPTS_MAX: usize = 10_000;
/// Segments in one part of a bundle: about four kilobytes each, a segment for each day or 2^20 entries.
pub const BUNDLE_SEGMENTS_MAX: u64 = 4_096;

/// Lanes (conversations and customers) that are worked on at once.
pub const LANES_AT_ONCE_MAX: usize = 64;
/// Messages that are on their way to the platform at once; one per conversation. Those that wait for a commit are among
/// them, so that with fewer each commit would carry fewer.
pub const SENDS_AT_ONCE_MAX: usize = 256;
/// How long what a look found may wait for its turn before it is looked for anew.
pub const FOUND_FOR: Duration = Duration::from_secs(1);
/// How often the workers look for due rows when nobody wakes them: the bound on how late a retry is.
pub const POLL_EVERY: Duration = Duration::from_millis(500);
/// The same where other nodes take events in: what they put into the inbox waits for this at most.
pub const NODE_POLL_EVERY: Duration = Duration::from_millis(100);
/// How long a node's look after the leases may take before it is said: a hand-over needs two of them within two seconds
/// and a half.
pub const LOOK_SLOW: Duration = Duration::from_secs(1);
/// How often a node forgets the keys of customers whom others erased.
pub const FORGET_EVERY: Duration = Duration::from_secs(30);
/// For how long who needs tokens that another process is getting waits for them: a little longer than a bank's answer
/// and a commit take.
pub const OTHERS_TOKENS_WAIT: Duration = Duration::from_secs(3);
/// After so long a process that was getting new tokens has died of it: a bank has twenty seconds for an answer and may
/// be asked twice (RFC 9449 §8), and then the store has a minute.
pub const RENEWING_ENDS_S: i64 = 120;
/// How long a worker that has much to do gathers what ends before it looks for more: each look reads what waits, and
/// one after each end would read the same again and again. It adds at most this to a wait, and nothing where nothing is
/// done.
pub const GATHER: Duration = Duration::from_millis(5);
/// The same while many are under way, so that one of them ends every moment: what waits is long then, and so is each
/// look at it.
pub const GATHER_BUSY: Duration = Duration::from_millis(20);
/// Events of a bank's request that are one submission in the direct lane: enough that the writer's own work outweighs
/// what each submission costs, few enough that it begins while the rest of a batch is decided.
pub const DIRECT_EVENTS: usize = 64;
/// After so many events of a request others have their turn. What so many need of the store is looked up as of one
/// moment.
pub const DIRECT_YIELD: usize = 16;
/// How long an event of a bank's request waits for another one of its lane before it goes through the inbox: some
/// commits, and far less than a bank waits for its answer.
pub const LANE_WAIT: Duration = Duration::from_secs(2);
/// Attempts at one event before it is put aside for the operator.
pub const INBOX_ATTEMPTS_MAX: u32 = 8;
/// Attempts at one message before it is put aside for the operator.
pub const SEND_ATTEMPTS_MAX: u32 = 12;
/// How many of them may be errors that pass: after these the wait is [`RETRY_MAX_S`], and what is left is for others.
pub const TRANSIENT_ATTEMPTS_MAX: u32 = 9;
/// The first wait between attempts, doubled each time, in seconds.
pub const RETRY_BASE_S: i64 = 1;
/// The longest wait between attempts, in seconds.
pub const RETRY_MAX_S: i64 = 300;
/// How long the echo of a message that may have been sent is waited for before it is sent again, in seconds: far beyond
/// a healthy echo, and long enough for the platform to deliver a webhook again that did not get through.
pub const ECHO_WAIT_S: i64 = 60;
/// How long the platform's webhooks must have been coming in since a send before its missing echo says anything, in
/// seconds: our door may have been shut, unseen, for as long as a silence may last, and after it what did not get
/// through is tried again a minute apart at the most.
pub const DOOR_OPEN_S: i64 = DOOR_SILENCE_S + 60;
/// The longest silence between two webhooks of a conversation over which they are taken to come in, in seconds.
pub const DOOR_SILENCE_S: i64 = 120;
/// After how long a missing echo is one for ever, in seconds: after an hour of failures the platform gives up what it
/// could not deliver.
pub const ECHO_LOST_S: i64 = 7_200;
/// How often the platform may be asked what was said in a conversation, from one answer to the next question. Messenger
/// answers two calls in a second and page; a look takes two, seldom more, and others have a part.
pub const LOOK_THERE_EVERY: Duration = Duration::from_secs(2);
/// How long one such look keeps the next from beginning at the most.
pub const LOOK_THERE_MAX: Duration = Duration::from_secs(40);
/// When a message that had no turn asks again, in seconds.
pub const LOOK_THERE_SOON_S: i64 = 5;
/// By how much the platform's clock and ours may differ.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(120);
/// How often a message in doubt looks whether its echo can be missed by now, in seconds.
pub const DOUBT_LOOK_S: i64 = 30;
/// The same after a start, counted from it: echoes that came while we were away are delivered again, but not at once.
pub const ECHO_WAIT_AFTER_START_S: i64 = 60;
/// How long a claim on a message lasts, in seconds: longer than a call to the platform may take, so that a row whose
/// claim is over belongs to a process that is gone.
pub const CLAIM_S: i64 = 45;
/// The pause of a page whose token is dead or which is blocked, in seconds. Its queue is kept. After it one message
/// tries again, so that whatever mended the page is found by itself.
pub const PAGE_PAUSE_S: i64 = 60;
/// When the gate is asked again about a message that the last look before the platform stopped, in seconds: whether
/// that switch keeps it or ends it is the gate's to say, and what waits behind it waits for that.
pub const STOPPED_LOOK_S: i64 = 1;
/// The pause of a page to whose platform there is no way, in seconds: short, since what is in the way is as a rule over
/// soon, and only one message of the page knocks after it.
pub const NO_WAY_PAUSE_S: i64 = 15;
/// The life of a one-time link to the linking page, in seconds.
pub const TOKEN_LIFE_S: i64 = 600;
/// The life of a browser session while linking, in seconds: long enough for a bank's login with a second factor.
pub const LINK_SESSION_S: i64 = 900;
/// How long each of the two steps to the page behind a notice may take, in seconds: the bank's login, and after it the
/// look. What was begun and left lying opens nothing later.
pub const NOTICE_STEP_S: i64 = 300;
/// How long after the bank's login a passkey may be added, in seconds: whoever got hold of a session later adds none.
pub const ENROL_S: i64 = 600;
/// The life of a browser session on the privacy page, in seconds.
pub const PRIVACY_SESSION_S: i64 = 1_800;
/// Access tokens are refreshed when they have less than this left, in seconds.
pub const TOKEN_MARGIN_S: i64 = 30;
/// How far back a bank is asked for the transactions of a question without a period, in days.
pub const LOOKBACK_DAYS: u32 = 365;
/// Entries on one page of the timeline.
pub const TIMELINE_MAX: usize = 50;
/// Receipts that one look at the privacy page reads for its totals, and for a filter that matches little: about
/// three years of a customer who gets three messages a day.
pub const SCAN_RECEIPTS_MAX: usize = 10_000;
/// Receipts that are read at once while counting.
pub const SCAN_PAGE: usize = 500;
/// Attempts at a job before it is put aside for the operator. With the longest wait between them it is tried for weeks.
pub const JOB_ATTEMPTS_MAX: u32 = 2_000;
/// The longest wait between attempts at a job, in seconds: a bank that is back hears within it what was taken back.
pub const JOB_RETRY_MAX_S: i64 = 900;
/// How long what a platform asks for in a person's name may be under way before an operator is told, in seconds.
pub const PLATFORM_LATE_S: i64 = 3_600;
/// How often the platform is asked once more whose chats a request is about, where it did not tell, in seconds: until
/// somebody has mended a permission.
pub const PLATFORM_UNTOLD_S: i64 = 6 * 3_600;
/// How long it is asked, in seconds: the month in which such a request must be done (GDPR, article 12(3)).
pub const PLATFORM_GIVE_UP_S: i64 = 30 * 86_400;
/// Days before the end of a consent at which the customer is reminded. One that the customer made shorter has no
/// reminder.
pub const REMIND_DAYS_BEFORE: u64 = 30;
/// The same where the bank's tokens end a consent within thirty days: the customer did not choose that end.
pub const REMIND_DAYS_BEFORE_TOKENS_END: u64 = 7;
/// How long before the bank's refresh token a consent ends, in seconds: longer than a customer takes from the bank's
/// page to ours, so that the end is told as what it is and not as a refusal of the bank.
pub const REFRESH_ENDS_EARLY_S: i64 = 3_600;
/// How long before the end of a consent it can be renewed, in seconds: from the reminder on, and a day more.
pub const RENEW_BEFORE_S: i64 = 31 * 86_400;
/// How long after the end it still can, in seconds, and how long the reminder's button leads to it. Later it is linked
/// anew, with a choice of everything.
pub const RENEW_AFTER_S: i64 = 30 * 86_400;
/// How long the privacy page's way to a renewal lasts, in seconds.
pub const RENEW_LINK_S: i64 = TOKEN_LIFE_S;
/// How often a reminder looks whether the chat's window is open again, in seconds.
pub const REMIND_LOOK_S: i64 = 3_600;
/// How old an event may be to be told as news, in days. An older one is recorded as known and not told.
pub const EVENT_AGE_DAYS_MAX: i64 = 7;

/// The pause of a lane or message whose end could not be stored, so that a store that can be read but not written is
/// not asked in a circle.
pub const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How long egress's last look at the kill switches may take. What cannot be read in time is not sent.
pub const LAST_LOOK: Duration = Duration::from_secs(5);
/// How often the end of a send is offered to the store before it is left to the echo.
pub const FINISH_TRIES_MAX: u32 = 60;
/// How long a question may take, banks and all. Then the customer hears that the bank does not answer, and what waits
/// in the conversation (a *stop*, perhaps) has its turn.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
/// Questions that may be with one bank at once. A slow bank must not take every lane.
pub const QUESTIONS_PER_BANK_MAX: usize = 24;
/// Questions that may wait for room at one bank, within [`ANSWER_DEADLINE`]: more than a bank's share come at once when
/// the platform brings what it could not deliver for a while, and a bank that answers has room again at once. With
/// those that are at the bank they leave a quarter of the lanes to everything else.
pub const QUESTIONS_WAITING_MAX: usize = 24;
/// How long a link made by the platform's button waits for the platform's word, in seconds (Messenger's own token lasts
/// five minutes).
pub const PENDING_LINK_S: i64 = 900;
/// How often and how many times a callback that was loaded again looks for what the first one brought.
pub const CALLBACK_LOOK_EVERY: Duration = Duration::from_millis(200);
/// See [`CALLBACK_LOOK_EVERY`]; together as long as a bank may take to redeem a code.
pub const CALLBACK_LOOKS: usize = 100;
/// How long a revocation waits while another link may live on the same grant at the bank, in seconds.
pub const SHARED_GRANT_WAIT_S: i64 = 6 * 3_600;
/// How fresh an echo must be to prove that a page's echoes reach us, in seconds.
pub const ECHOES_FLOW_S: i64 = 86_400;
/// Jobs that are done at once.
pub const JOBS_AT_ONCE_MAX: usize = 8;
/// How often the bank is asked how a grant stands, in seconds: the cycle within which what was revoked at the bank is
/// revoked here. It is not paid from the budget: whether we may still read is asked whatever was spent on reading.
pub const GRANT_LOOK_S: i64 = 3_600;
/// When it is asked again after a bank that did not answer, in seconds.
pub const GRANT_LOOK_AGAIN_S: i64 = 600;
/// Grants that are looked at at once. They have slots of their own beside [`JOBS_AT_ONCE_MAX`].
pub const GRANT_LOOKS_AT_ONCE_MAX: usize = 8;
/// How long after the one reading that a grant was for its link ends, in seconds: the answer must have left.
pub const ONCE_ENDS_S: i64 = 120;
/// How long one look may take. A bank that hangs must not keep the slots.
pub const GRANT_LOOK_TIME: Duration = Duration::from_secs(20);
/// How long the customer who links waits for the bank's word on when its grant ends. A bank that does not say in time
/// is asked by the first look.
pub const GRANT_ASK_TIME: Duration = Duration::from_secs(5);
/// How long a bank that did not answer a look is not asked by the next ones, in seconds: others' grants have their
/// turn.
pub const GRANT_REST_S: i64 = 60;
/// Polls that run at once. They have slots of their own, too: a slow bank holds up nothing but other polls.
pub const POLLS_AT_ONCE_MAX: usize = 8;
/// Of either, those that one bank may have where there are several: a bank of many links, or with much to notify of,
/// is read with half of the slots.
pub const LOOKS_OF_ONE_BANK_MAX: usize = 4;
/// Of either, those that are kept for banks that have none.
pub const LOOKS_KEPT_FREE: usize = 2;
/// How many that are due are looked through for one of another bank, at a time.
pub const LOOKS_DUE_MAX: usize = 64;
/// When one that gives way to those of other banks is due again, in seconds.
pub const LOOK_GIVES_WAY_S: i64 = 2;
/// How long one call of a poll may take, a list with all its pages.
pub const POLL_TIME: Duration = Duration::from_secs(60);
/// How far before the end of what was read a poll begins again, in seconds: what is booked late or changes is found
/// for ten days, longer than a shop takes to settle a card.
pub const POLL_OVERLAP_S: i64 = 10 * 86_400;
/// How far back a poll reads at most, in seconds: as far as the book of an account remembers.
pub const POLL_BACK_S: i64 = 45 * 86_400;
/// What came about so long before the consent is no news, in seconds. A day, since some banks know only days.
pub const POLL_BEFORE_CONSENT_S: i64 = 86_400;
/// A link that is first to be polled so soon after its consent, in seconds, hears what came about since then; one
/// that is polled from later on, what comes about from then on. As long as a link waits that is not polled.
pub const POLL_FIRST_S: i64 = POLL_IDLE_S;
/// News that one poll takes in of one account; the rest comes with the next one, soon.
pub const POLL_NEWS_MAX: usize = 200;
/// How many rows are known again from one poll to the next, of all of a link's accounts. What is forgotten is known by
/// the inbox's keys and by the stories.
pub const POLL_MARKS_MAX: usize = 20_000;
/// When a poll goes on that has not taken everything in, in seconds.
pub const POLL_SOON_S: i64 = 30;
/// When a link that is not polled is looked at again, in seconds: the configuration may have changed.
pub const POLL_IDLE_S: i64 = 86_400;
/// For how long after its end a customer is told of it who has been away, in seconds: as long as it can be renewed.
pub const ENDED_TOLD_S: i64 = RENEW_AFTER_S;
/// How soon after a look that a bank's notification made due another one may, in seconds: the next notification of the
/// same grant waits so long.
pub const HINT_LOOK_AGAIN_S: i64 = 10;
/// The same for a poll: it asks once for each account, and a bank may notify of each row.
pub const HINT_POLL_AGAIN_S: i64 = 60;
/// Links that one notification hastens at most: holders of a joint account, chats of a customer.
pub const HINTED_LINKS_MAX: usize = 64;
/// Hastened jobs that are remembered for that.
pub const HINTED_MAX: usize = 50_000;
/// For how long after a notification the news that a poll finds are those of which it told, in seconds.
pub const HINTED_FOR_S: i64 = 600;
/// How often it is looked whether our subscriptions at a bank are still there, in seconds.
pub const SUBSCRIPTIONS_LOOK_S: i64 = 6 * 3_600;
/// How long one call about them may take.
pub const SUBSCRIPTION_TIME: Duration = Duration::from_secs(20);
/// The longest wait after a bank that does not take them, in seconds.
pub const SUBSCRIPTION_RETRY_MAX_S: i64 = 86_400;
/// Pages of a bank's list of notifications that are read one after the other; then it rests until the next time.
pub const NOTIFICATION_PAGES_MAX: u32 = 64;
/// Subscriptions that wait to be ended, at most; of more the first ones are left to the bank.
pub const SUBSCRIPTIONS_ENDING_MAX: usize = 32;
/// How often a bank that cannot call us is asked for its notifications, in seconds.
pub const NOTIFICATIONS_FETCH_S: i64 = 60;
/// For how long after a notification of news others are expected, in seconds.
pub const HEARD_FOR_S: i64 = 86_400;
/// How many times as long the wait between two polls is while notifications of news are known to come.
pub const POLL_HEARD_TIMES: i64 = 4;
/// The longest that this makes it, in seconds.
pub const POLL_HEARD_MAX_S: i64 = 6 * 3_600;
/// Delivered messages without an explanation that become alarms in one round.
pub const OVERDUE_MAX: usize = 256;
/// Message ids of one delivery webhook that are held against the outbox: more than any platform names.
pub const DELIVERED_MIDS_MAX: usize = 64;
/// How often what is over is swept away.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How soon the next sweep is where one did not take all: 20,000 rows of a kind a second, and the writer has its time
/// in between.
pub const SWEEP_AGAIN: Duration = Duration::from_millis(500);
/// How long the question whether really all is to be erased waits for its answer, in seconds.
pub const ERASE_ASKED_S: i64 = 600;
/// Ids of erased customers that are read at once.
pub const ERASURES_AT_ONCE: usize = 1_000;
/// Customers without a link that one look erases at most; the next look follows at once while there are as many.
pub const IDLE_LOOK_ROWS: usize = 20;
/// How often customers without a link are looked for, and what is kept is counted.
pub const RETENTION_EVERY: Duration = Duration::from_secs(3_600);
/// How old a share must be to be taken for that of a job which is nowhere, in seconds.
pub const LOST_JOB_AGE_S: i64 = 86_400;
/// Receipts that one piece of an export holds.
pub const EXPORT_RECEIPTS_AT_ONCE: usize = 200;
/// The largest event of a chat that is kept, in bytes: Messenger's texts are below 2,000 characters.
pub const CHAT_EVENT_BYTES_MAX: usize = 256 * 1024;
/// Events of a kind that this version does not know which are kept as they came, in a day; more are counted alone.
pub const UNKNOWN_KEPT_PER_DAY: u32 = 16;
/// Such kinds that are told apart in a day.
pub const UNKNOWN_NAMES_MAX: usize = 64;
/// How often a submission is built anew when something it rests on changed meanwhile.
pub const CONFLICT_TRIES: usize = 3;

/// The longest name of one who acts on an agreement, in characters.
pub const ACTOR_CHARS_MAX: usize = 100;
/// The longest text that a human writes in a chat, in characters: the platform's limit for one message, less one.
pub const AGENT_TEXT_CHARS_MAX: usize = 1_999;
/// The longest note on an act, in characters.
pub const NOTE_CHARS_MAX: usize = 500;
/// Refused requests that are shown at most.
pub const REFUSALS_SHOWN_MAX: usize = 500;

/// How long another app keeps a conversation without a sign of it, in seconds: then the platform's own time is over,
/// too.
pub const ELSEWHERE_S: i64 = 86_400;
/// After how long it is tried again whether a conversation is ours, when the platform said no and nothing tells whose
/// it is, in seconds.
pub const OWNER_RETRY_S: i64 = 600;
/// How often the platform is asked whose a conversation is while something waits for it, in seconds: people who are
/// done in its inbox let go of it without a word to us.
pub const OWNER_LOOK_S: i64 = 600;
/// How often such conversations are looked for.
pub const OWNER_LOOK_EVERY: Duration = Duration::from_secs(30);
/// Conversations that the platform is asked about in one round: with [`OWNER_LOOK_EVERY`], 400 within [`OWNER_LOOK_S`].
pub const OWNER_LOOKS_MAX: usize = 20;
/// Links with news that are looked through in one round for such conversations.
pub const OWNER_LOOK_LINKS: usize = 512;
/// Messages of persons that are marked as seen at once; of more none is marked.
pub const SEEN_AT_ONCE_MAX: usize = 16;

const _: () = assert!(DOOR_SILENCE_S <= DOOR_OPEN_S && DOOR_OPEN_S < ECHO_LOST_S);
/// How long the echo of the last message is waited for before a conversation is passed on, in seconds: passed earlier,
/// the echo would go to the other app.
pub const PASS_AFTER_S: i64 = 5;
/// How often it is looked whether the last message before a passing is out, in seconds.
pub const PASS_LOOK_S: i64 = 30;
/// How long a passing waits for that message, and from when on an operator hears that it does not succeed, in seconds.
pub const PASS_LATE_S: i64 = 3_600;
/// How long it is tried, in seconds: as long as a message would be.
pub const PASS_GIVE_UP_S: i64 = 3 * 86_400;
/// How far back what people wrote is fetched after the platform did not tell us, in seconds: keys of events are kept
/// for longer, so nothing that came is taken in twice.
pub const CATCH_UP_BACK_S: i64 = 7 * 86_400;
/// How long that is tried, in seconds.
pub const CATCH_UP_GIVE_UP_S: i64 = 86_400;
/// The pace of it: the platform answers two questions a second about conversations.
pub const CATCH_UP_EVERY: Duration = Duration::from_millis(500);
/// How long a text may wait for the platform's approval before an operator hears of it, in seconds.
pub const APPROVAL_LATE_S: i64 = 86_400;
/// How long before the first waiting message of a stopped channel is over an operator hears of it, in seconds.
pub const EXPIRES_SOON_S: i64 = 86_400;
/// Conversations whose passing is hastened by an echo; any other is passed on when it is next looked at.
pub const PASSING_MAX: usize = 10_000;
/// How often a customer who has been away is told that there is news, at most, in seconds.
pub const NOTICE_EVERY_S: i64 = 86_400;
/// Links whose waiting news one look tells.
pub const NEWS_LOOK_LINKS: usize = 64;
/// How often a channel's platform is asked whether we hear of everything, and which texts it has approved, in seconds:
/// the webhooks that would say so may have been lost. A page to which nobody writes has 200 calls a day (messenger
/// reference, section 2.3), and a look takes two.
pub const CHANNEL_LOOK_S: i64 = 1_200;
/// How soon after the last look that is asked again where the platform did not say, or where a channel that was stopped
/// goes on: while there was no way to it, or no token, its webhooks may have ended.
pub const CHANNEL_LOOK_AGAIN_S: i64 = 180;
/// How often it is looked whether that is due.
pub const WATCH_EVERY: Duration = Duration::from_secs(5);

const _: () = assert!(LINK_SESSION_S >= TOKEN_LIFE_S);

/// Transactions of which nothing was told that one event takes out of its account's book at most.
pub const UNTOLD_MAX: usize = 8;
