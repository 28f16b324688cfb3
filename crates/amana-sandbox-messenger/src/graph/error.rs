//! Errors in Meta's shape (messenger reference 2.2).

use axum::http::StatusCode;
use serde_json::{Value, json};

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

    /// 190/460: a token that died.
    pub(crate) fn dead_token() -> Self {
        Self::new(
            190,
            "Error validating access token: The session has been invalidated because the user changed their password \
             or Facebook has changed the session for security reasons.",
        )
        .sub(460)
    }

    /// 10/2018278: the 24-hour window is closed (Meta's text in full).
    pub(crate) fn window_closed() -> Self {
        Self::new(
            10,
            "(#10) This message is sent outside of allowed window. Learn more about the new policy here: \
             https://developers.facebook.com/docs/messenger-platform/policy-overview",
        )
        .sub(2_018_278)
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

    /// The body of the answer.
    pub(crate) fn body(&self, fbtrace_id: &str) -> Value {
        let mut error = json!({
            "message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": fbtrace_id,
        });
        if let Value::Object(map) = &mut error {
            if let Some(subcode) = self.subcode {
                map.insert("error_subcode".to_owned(), json!(subcode));
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
