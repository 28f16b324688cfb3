//! Errors in Meta's shape (messenger reference 2.2).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::model::TokenHealth;

/// A Graph API error. The HTTP status is 400 unless a fault switch says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: u32,
    pub(crate) subcode: Option<u32>,
    pub(crate) message: String,
    pub(crate) kind: &'static str,
    pub(crate) transient: bool,
    pub(crate) status: StatusCode,
}

impl GraphError {
    /// An error with a code and a message.
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            subcode: None,
            message: message.into(),
            kind: "OAuthException",
            transient: false,
            status: StatusCode::BAD_REQUEST,
        }
    }

    /// The same error with a subcode.
    pub(crate) fn sub(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// `(#100)`: a parameter that cannot be.
    pub(crate) fn param(message: impl AsRef<str>) -> Self {
        Self::new(100, format!("(#100) {}", message.as_ref()))
    }

    /// `(#100)`: keys nobody knows, in Meta's words.
    pub(crate) fn unknown_keys(keys: &[String], place: &str) -> Self {
        Self::param(format!("Invalid keys \"{}\" were found in param \"{place}\".", keys.join(", ")))
    }

    /// What exists at Meta but not in this simulator: said plainly, never accepted in silence.
    pub(crate) fn not_built(what: &str) -> Self {
        Self::param(format!("{what} is not built in this simulator yet"))
    }

    /// 1/2018382: no such instant form.
    pub(crate) fn no_form() -> Self {
        let text = "(#1) The given \"FORM_ID\" field is incorrect, or the form is not inthread eligible.";
        Self::new(1, text).sub(2_018_382)
    }

    /// 100/33: no such object or edge.
    pub(crate) fn no_object(method: &str, id: &str) -> Self {
        let mut error = Self::new(
            100,
            format!(
                "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                 permissions, or does not support this operation. Please read the Graph API documentation at \
                 https://developers.facebook.com/docs/graph-api",
                method.to_ascii_lowercase()
            ),
        )
        .sub(33);
        error.kind = "GraphMethodException";
        error
    }

    /// 190: a token nobody gave out.
    pub(crate) fn bad_token() -> Self {
        Self::new(190, "Invalid OAuth access token - Cannot parse access token")
    }

    /// 190: a token that died. The texts of 458, 463 and 467 are ours: none is on record.
    pub(crate) fn token(health: TokenHealth) -> Option<Self> {
        let (sub, why) = match health {
            TokenHealth::Alive => return None,
            TokenHealth::AppRemoved => (458, "The page has not authorized this application."),
            TokenHealth::PasswordChanged => (
                460,
                "The session has been invalidated because the user changed their password or Facebook has changed the \
                 session for security reasons.",
            ),
            TokenHealth::Expired => (463, "The session has expired."),
            TokenHealth::Invalid => (467, "The session is invalid."),
        };
        Some(Self::new(190, format!("Error validating access token: {why}")).sub(sub))
    }

    /// 10/2018278 (or one of the two older subcodes): the 24-hour window is closed (Meta's text in full).
    pub(crate) fn window_closed(subcode: u32) -> Self {
        let more = match subcode {
            2_018_278 => {
                " Learn more about the new policy here: \
                 https://developers.facebook.com/docs/messenger-platform/policy-overview"
            }
            _ => "",
        };
        Self::new(10, format!("(#10) This message is sent outside of allowed window.{more}")).sub(subcode)
    }

    /// 551/1545041: the person blocked the page.
    pub(crate) fn blocked() -> Self {
        Self::new(551, "(#551) This person isn't available right now.").sub(1_545_041)
    }

    /// 10/2018108: the person cannot be reached now.
    pub(crate) fn unavailable() -> Self {
        Self::new(10, "(#10) They can't receive your messages right now.").sub(2_018_108)
    }

    /// 10/1893063: Meta restricted the page.
    pub(crate) fn restricted() -> Self {
        Self::new(10, "(#10) You are temporarily restricted from sending messages.").sub(1_893_063)
    }

    /// 2018300: another app controls the thread. Meta's table does not name its parent code.
    pub(crate) fn other_app(code: u32) -> Self {
        let text = "Message failed to send because another app is controlling this thread now.";
        Self::new(code, format!("(#{code}) {text}")).sub(2_018_300)
    }

    /// 2018321: the person is in an automated flow of Messenger's own. Its parent code is not on record either.
    pub(crate) fn automated(code: u32) -> Self {
        let text = "The chat is currently controlled by Messenger while the user is in an automated question and \
                    answer flow.";
        Self::new(code, format!("(#{code}) {text}")).sub(2_018_321)
    }

    /// 613/2018338: too many messages to this one person.
    pub(crate) fn too_many_to_person() -> Self {
        let text = "(#613) Warning! You should significantly decrease the rate at which you are sending messages using \
                    message tags to this person.";
        Self::new(613, text).sub(2_018_338)
    }

    /// 1/1357046: an answer that may come although the message was sent.
    pub(crate) fn maybe_sent() -> Self {
        let mut error = Self::new(1, "Received invalid JSON reply.").sub(1_357_046);
        error.transient = true;
        error
    }

    /// A call over its rate. The texts of 17, 32 and 80006 are ours: none is on record.
    pub(crate) fn throttled(code: u32) -> Self {
        let text = match code {
            4 => "Application request limit reached",
            17 => "User request limit reached",
            32 => "Page request limit reached",
            613 => "Calls to this api have exceeded the rate limit.",
            _ => "There have been too many calls to this page's messaging. Wait a bit and try again.",
        };
        Self::new(code, format!("(#{code}) {text}"))
    }

    /// A permission that the token lacks.
    pub(crate) fn permission(name: &str) -> Self {
        match name {
            "pages_messaging" => Self::new(
                200,
                "(#200) Cannot message users who are not admins, developers or testers of the app until \
                 pages_messaging permission is reviewed and the app is live.",
            )
            .sub(2_018_028),
            // The name of Meta's review is "Human Agent"; the code and text of its lack are not on record.
            "human_agent" => {
                Self::new(10, "(#10) To use the tag HUMAN_AGENT, the app needs the permission human_agent")
            }
            // Production calls the permission so, Meta's page `page_utility_messaging` (reference 4, 14).
            "pages_utility_messaging" => Self::new(
                10,
                "(#10) To use this endpoint, the app needs the permission pages_utility_messaging",
            ),
            _ => Self::new(200, format!("(#200) Requires {name} permission to manage the object")),
        }
    }

    /// 100/2018001: the page-scoped id is not one of this page.
    pub(crate) fn no_user() -> Self {
        Self::param("No matching user found").sub(2_018_001)
    }

    /// 100/1893061: a message tag retired on 27 April 2026.
    pub(crate) fn retired_tag() -> Self {
        Self::new(100, "Invalid parameter").sub(1_893_061)
    }

    /// 10303: the account linking token is bad, used or older than five minutes.
    pub(crate) fn link_token() -> Self {
        Self::new(10_303, "(#10303) Account Linking Error: Invalid account_linking_token.")
    }

    /// The simulator's own state could not be saved: "unknown error", as a platform in trouble says.
    pub(crate) fn state(error: &crate::Error) -> Self {
        tracing::error!(%error, "a Graph call failed");
        let mut out = Self::new(1, "An unknown error occurred").sub(99);
        out.status = StatusCode::INTERNAL_SERVER_ERROR;
        out
    }

    /// What a person could be shown, title and text. Meta has them for some subcodes only; their wording is ours.
    fn for_people(&self) -> Option<(&'static str, &'static str)> {
        Some(match (self.code, self.subcode?) {
            (10, 2_018_278 | 2_534_022 | 2_018_065) => {
                ("Message Not Sent", "This message is sent outside of allowed window.")
            }
            (551 | 200, 1_545_041) => ("Message Not Sent", "This person isn't available right now."),
            (10, 2_018_108) => ("Message Not Sent", "They can't receive your messages right now."),
            (10, 1_893_063) => {
                ("Temporarily Restricted", "You are temporarily restricted from sending messages.")
            }
            (_, 2_018_416) => {
                ("Message Template Creation Failed", "A template has no quick replies as buttons.")
            }
            (_, 2_388_051) => ("Message Template Creation Failed", "A button has unexpected field(s)."),
            (100, 1_893_061) => ("Invalid parameter", "This message tag is not supported any more."),
            (100, 1_893_029) => ("Invalid parameter", "The template's buttons need more parameters."),
            _ => return None,
        })
    }

    /// The body of the answer.
    pub(crate) fn body(&self, fbtrace_id: &str) -> Value {
        let mut error = json!({
            "message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": fbtrace_id,
        });
        if let Value::Object(map) = &mut error {
            if let Some(subcode) = self.subcode {
                map.insert("error_subcode".to_owned(), json!(subcode));
            }
            if let Some((title, text)) = self.for_people() {
                map.insert("error_user_title".to_owned(), json!(title));
                map.insert("error_user_msg".to_owned(), json!(text));
            }
            if self.transient {
                map.insert("is_transient".to_owned(), json!(true));
            }
        }
        json!({ "error": error })
    }
}

impl From<crate::Error> for GraphError {
    fn from(error: crate::Error) -> Self {
        Self::state(&error)
    }
}
