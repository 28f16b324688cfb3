//! The fault switches of `/control/faults`, each of which does one thing until it is used up or switched off.

use serde::{Deserialize, Serialize};

use crate::limits;

/// Errors that the next sends get.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailNext {
    /// Error code, for example 2.
    pub(crate) code: u32,
    /// Error subcode.
    #[serde(default)]
    pub(crate) subcode: Option<u32>,
    /// Message; Meta's where the code is on record, a plain one otherwise.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// HTTP status; 400 when absent.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// How many sends fail; 1 when absent.
    #[serde(default = "one")]
    pub(crate) times: u32,
}

fn one() -> u32 {
    1
}

/// Sends that are carried out, but answered late.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlowNext {
    /// How late, in milliseconds of real time.
    pub(crate) ms: u64,
    /// How many sends; 1 when absent.
    #[serde(default = "one")]
    pub(crate) times: u32,
}

/// Every call is throttled until a moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Throttle {
    /// 4, 17, 32, 613 or 80006.
    pub(crate) code: u32,
    /// The page; without one, every page. Code 4 is the app's, so it is every page's either way.
    #[serde(default)]
    pub(crate) page: Option<String>,
    /// For so long by the virtual clock, from the moment it is set.
    #[serde(default)]
    pub(crate) for_s: i64,
    /// Filled in by the simulator: the end, in milliseconds of the virtual clock.
    #[serde(default)]
    pub(crate) until_ms: i64,
}

impl Throttle {
    /// Whether a call of this page is over its rate.
    pub(crate) fn holds(&self, now_ms: i64, page: &str) -> bool {
        let of_page = self.code == 4 || self.page.as_deref().is_none_or(|own| own == page);
        self.until_ms > now_ms && of_page
    }
}

/// What the rate-limit headers say instead of what was counted, in percent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UsageShown {
    /// `call_count` of `X-App-Usage`.
    pub(crate) app: Option<u32>,
    /// `call_count` of `X-Business-Use-Case-Usage`.
    pub(crate) page: Option<u32>,
    /// `estimated_time_to_regain_access`, in minutes.
    pub(crate) regain_min: u32,
}

/// The fault switches. All off is the normal mode.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// Deliver every event twice: same `mid`, new timestamp.
    pub(crate) duplicate: bool,
    /// Swap neighbouring events of a conversation.
    pub(crate) reorder: bool,
    /// Delay before every event, in milliseconds of the virtual clock.
    pub(crate) delay_ms: u64,
    /// Up to so many events of several conversations in one webhook; 0 and 1: one each.
    pub(crate) batch: u32,
    /// Ids and times as Meta's samples have them too: numbers for strings, seconds for milliseconds.
    pub(crate) loose_types: bool,
    /// So many next webhook answers are lost on the way: the event comes again.
    pub(crate) lose_answer_next: u32,
    /// Deliver no echoes.
    pub(crate) drop_echo: bool,
    /// Deliver the echo before the send call is answered.
    pub(crate) echo_first: bool,
    /// So many next sends are carried out, but their connection is dropped without an answer.
    pub(crate) drop_connection_next: u32,
    /// So many next sends are dropped without having been carried out.
    pub(crate) lose_request_next: u32,
    /// So many next sends are carried out, and answered with 1/1357046.
    pub(crate) sent_error_next: u32,
    /// The next sends are carried out and answered late.
    pub(crate) slow_next: Option<SlowNext>,
    /// Errors for the next sends.
    pub(crate) fail_next: Option<FailNext>,
    /// Every call is throttled for a while.
    pub(crate) throttle: Option<Throttle>,
    /// Other numbers in the rate-limit headers.
    pub(crate) usage: Option<UsageShown>,
    /// A subcode for every message with media by address: 2018008, 2018047, 2018109 or 2018294.
    pub(crate) media_error: Option<u32>,
    /// Every page token is dead: 190/460.
    pub(crate) token_dead: bool,
}

impl Faults {
    /// What cannot be, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.delay_ms > limits::FAULT_DELAY_MS {
            return Err(format!("`delay_ms` is more than {}", limits::FAULT_DELAY_MS));
        }
        if self.batch > limits::BATCH_EVENTS {
            return Err(format!("`batch` is more than {}", limits::BATCH_EVENTS));
        }
        if self.slow_next.as_ref().is_some_and(|slow| slow.ms > limits::FAULT_DELAY_MS) {
            return Err(format!("`slow_next.ms` is more than {}", limits::FAULT_DELAY_MS));
        }
        if self.throttle.as_ref().is_some_and(|t| ![4, 17, 32, 613, 80_006].contains(&t.code)) {
            return Err("`throttle.code` is not one of 4, 17, 32, 613, 80006".to_owned());
        }
        if self.media_error.is_some_and(|s| ![2_018_008, 2_018_047, 2_018_109, 2_018_294].contains(&s)) {
            return Err("`media_error` is not one of 2018008, 2018047, 2018109, 2018294".to_owned());
        }
        Ok(())
    }
}

/// Uses one of a counted fault up; says whether there was one.
pub(crate) fn take(count: &mut u32) -> bool {
    let had = *count > 0;
    *count = count.saturating_sub(1);
    had
}
