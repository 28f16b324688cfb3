//! What Meta's text leaves open or contradicts (messenger reference 14, 15), and limits that a test moves: `GET` and
//! `POST /control/settings`.

use serde::{Deserialize, Serialize};

use crate::limits;

/// What becomes of a new utility template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Review {
    /// Approved unless a rule of Meta's rejects it.
    Rules,
    /// Rejected, whatever it says.
    Reject,
    /// Pending until the control API decides.
    Hold,
}

/// The switches. All have the reference's side of a contradiction as default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// How long a webhook may take: 5 000 by Meta's newest text, 20 000 by the older one.
    pub(crate) webhook_timeout_ms: u64,
    /// Failures for so long disable the webhooks of the page: an hour.
    pub(crate) unsubscribe_after_ms: i64,
    /// Failures for so long raise an alert: fifteen minutes.
    pub(crate) alert_after_ms: i64,
    /// Whether `@`, `<` and `%` are escaped in webhooks too.
    pub(crate) escape_at: bool,
    /// The standard messaging window: 24 hours.
    pub(crate) window_ms: i64,
    /// How far `HUMAN_AGENT` and `CUSTOMER_FEEDBACK` reach: 7 days.
    pub(crate) tag_window_ms: i64,
    /// The window that a message after an advertisement opens: up to 7 days.
    pub(crate) ad_window_ms: i64,
    /// Whether a comment or a visitor's post on the page opens the window, beside the one private reply. Meta's list of
    /// what opens it has them with "private reply" in brackets, which can be read both ways: the stricter is the
    /// default.
    pub(crate) comment_opens: bool,
    /// Subcode of error 10 for a closed window: 2018278, 2534022 or 2018065.
    pub(crate) window_subcode: u32,
    /// The parent code of 2018300 (another app controls the thread), which Meta's table does not name.
    pub(crate) not_owner_code: u32,
    /// Whether a human's answer in the Page Inbox takes the thread.
    pub(crate) inbox_takes_over: bool,
    /// Whether a `HUMAN_AGENT` send takes the thread.
    pub(crate) human_agent_takes: bool,
    /// Sends of a page per second; 0 is no limit. Meta: 300.
    pub(crate) text_per_s: u32,
    /// Sends of a page with audio or video per second; 0 is no limit. Meta: 10.
    pub(crate) media_per_s: u32,
    /// Profile calls of a page in ten minutes; 0 is no limit. Meta: 10.
    pub(crate) profile_per_10min: u32,
    /// Conversations API calls of a page per second; 0 is no limit. Meta: 2.
    pub(crate) conversations_per_s: u32,
    /// Calls of a page in 24 hours per engaged person, above which calls get 80006. Meta: 200. 0 is no limit, and the
    /// headers show the share of Meta's.
    pub(crate) calls_per_person: u32,
    /// The code of a send over its rate: 613, 4, 32 or 80006.
    pub(crate) rate_code: u32,
    /// How long a template is PENDING before `template_review` decides; 0 decides within the call.
    pub(crate) template_review_ms: u64,
    /// What the review says.
    pub(crate) template_review: Review,
    /// Whether an approved template can be edited (Meta's SDK says yes, production no).
    pub(crate) approved_editable: bool,
    /// Refuse Graph calls without `appsecret_proof`.
    pub(crate) require_appsecret_proof: bool,
    /// Whether `GET /{psid}` gives a profile; without it the answer is an empty object.
    pub(crate) profile_access: bool,
    /// Where the data deletion callback of the app is.
    pub(crate) data_deletion_url: Option<String>,
    /// Where the deauthorise callback of the app is.
    pub(crate) deauthorize_url: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            webhook_timeout_ms: 5_000,
            unsubscribe_after_ms: limits::UNSUBSCRIBE_AFTER_MS,
            alert_after_ms: limits::ALERT_AFTER_MS,
            escape_at: false,
            window_ms: limits::WINDOW_MS,
            tag_window_ms: limits::TAG_WINDOW_MS,
            ad_window_ms: limits::AD_WINDOW_MS,
            comment_opens: false,
            window_subcode: 2_018_278,
            not_owner_code: 10,
            inbox_takes_over: true,
            human_agent_takes: false,
            text_per_s: limits::TEXT_PER_S,
            media_per_s: limits::MEDIA_PER_S,
            profile_per_10min: limits::PROFILE_PER_10MIN,
            conversations_per_s: limits::CONVERSATIONS_PER_S,
            calls_per_person: limits::CALLS_PER_PERSON,
            rate_code: 613,
            template_review_ms: 0,
            template_review: Review::Rules,
            approved_editable: false,
            require_appsecret_proof: false,
            profile_access: true,
            data_deletion_url: None,
            deauthorize_url: None,
        }
    }
}

impl Settings {
    /// The defaults, with what the configuration says.
    pub(crate) fn from_config(config: &crate::MessengerConfig) -> Self {
        Self {
            webhook_timeout_ms: u64::try_from(config.webhook_timeout.as_millis()).unwrap_or(u64::MAX),
            require_appsecret_proof: config.require_appsecret_proof,
            ..Self::default()
        }
    }

    /// What cannot be, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(1..=limits::WEBHOOK_TIMEOUT_MS_MAX).contains(&self.webhook_timeout_ms) {
            return Err(format!(
                "`webhook_timeout_ms` is not between 1 and {}",
                limits::WEBHOOK_TIMEOUT_MS_MAX
            ));
        }
        if ![2_018_278, 2_534_022, 2_018_065].contains(&self.window_subcode) {
            return Err("`window_subcode` is not one of 2018278, 2534022, 2018065".to_owned());
        }
        if ![4, 17, 32, 613, 80_006].contains(&self.rate_code) {
            return Err("`rate_code` is not one of 4, 17, 32, 613, 80006".to_owned());
        }
        Ok(())
    }
}
