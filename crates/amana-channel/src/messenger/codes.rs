//! What the platform's codes say, in an operator's words (messenger reference, appendix B). Its own texts are not
//! passed on: they may quote what was sent.

/// The code for a permission that is missing for one kind of call; without one for any, it is 200.
pub(crate) const LACKS_PERMISSION: i64 = 10;

/// What a code means, and what to do where that is not plain. `None` for one that is not on record.
#[must_use]
pub(crate) fn meaning(code: i64, sub: Option<i64>) -> Option<&'static str> {
    Some(match (code, sub.unwrap_or(0)) {
        (1, 99) => "an unknown error, as a rule of the app's settings",
        (1, 2_018_382) => "the form is not one for the chat",
        (2, 2_018_344) => "the page has not accepted the platform's terms",
        (4, 2_018_354) => "the least time between two marketing messages is not over",
        (3, _) => "the app has no such capability",
        (10, 1_893_015) => "the person has stopped messages of this topic",
        (10, 2_018_336) => "the person does not want this thread",
        (10, _) => "the app lacks a permission for this",
        (27, _) => {
            "the page has no default app, so nobody can take a conversation: choose one in the page's settings"
        }
        (100, 33) => "there is no such object, or the token may not see it",
        (100, 2_018_001) => "no person of this id on this page",
        (100, 2_018_008) => "the platform could not fetch the file from its address",
        (100, 2_018_014) => "a message and a state in one call",
        (100, 2_018_047) => "the attachment could not be uploaded",
        (100, 2_018_074) => "no attachment of this id, or another page's",
        (100, 2_018_109) => "the attachment is larger than the platform takes",
        (100, 2_018_164) => "the token is of another app than `app_id`",
        (100, 2_018_294) => "the video is damaged, or could not be uploaded within 75 seconds",
        (100, 1_893_061) => "the message tag is retired",
        (100, 1_893_029) => "fewer parameters than the template has buttons",
        (100, _) => "an argument that the platform does not take",
        (190, _) => "the access token is no longer valid",
        (200, 2_018_028) => "the app is not live, and the person has no role in it",
        (200, _) => "a permission is missing, or the app is not live",
        (230, _) => "a permission is missing",
        (551, _) => "the person does not receive messages",
        (613, 1_893_016) => "the person was asked to opt in to this topic before",
        (10_303, _) => "the account linking token is not valid any more",
        (2_018_218, _) => "the person has no profile",
        (2_018_247, _) => "the app may not see profiles",
        (9_000_001, _) => "the message was deleted",
        (_, 2_018_416) => "the template could not be made: quick replies are no buttons of one",
        (_, 2_388_051) => "a button of the template has a field that it may not have",
        _ => return None,
    })
}

/// The code as it is shown: with its words, where they are on record.
pub(crate) fn shown(code: i64, sub: Option<i64>) -> String {
    let mut text = format!("code {code}");
    if let Some(sub) = sub {
        text += &format!(", subcode {sub}");
    }
    if let Some(meaning) = meaning(code, sub) {
        text += ": ";
        text += meaning;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// No code of the shared reference that an operator can be shown bare may be without its words.
    #[test]
    fn every_code_that_is_shown_has_words() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/messenger/errors.json");
        let text = std::fs::read_to_string(path).expect("the shared data is part of the test set-up");
        let rows: Vec<Value> = serde_json::from_str(&text).expect("a list of errors");
        let mut seen = 0;
        for row in rows {
            let (code, sub) = (row["code"].as_i64(), row["sub"].as_i64());
            let error = super::super::error::GraphError { code, error_subcode: sub, is_transient: false };
            let class = super::super::error::of_graph(400, &error, std::time::Duration::from_secs(1));
            if let crate::SendError::Permanent { code, sub } | crate::SendError::NotAllowed { code, sub } =
                class
            {
                assert!(meaning(code, sub).is_some(), "{row}");
                seen += 1;
            }
        }
        assert!(seen > 20, "{seen}");
        assert_eq!(shown(77_777, None), "code 77777");
        assert_eq!(
            shown(100, Some(2_018_001)),
            "code 100, subcode 2018001: no person of this id on this page"
        );
    }
}
