//! The words of Meta's errors, as far as the reference has them (messenger reference, appendix B). Where it has none,
//! or only what somebody says of them, an injected error says so: code and subcode are what a client goes by.

use super::error::GraphError;

/// Code, subcode and Meta's own words, without the `(#code)` before them.
const WORDS: &[(u32, Option<u32>, &str)] = &[
    (1, Some(99), "An unknown error occurred."),
    (1, Some(1_357_046), "Received invalid JSON reply."),
    (2, None, "An unexpected error has occurred. Please retry your request later."),
    (4, None, "Application request limit reached"),
    (9, Some(2_018_352), "User is performing too many actions"),
    (10, Some(2_534_022), "This message is sent outside of allowed window."),
    (10, Some(2_018_108), "They can't receive your messages right now."),
    (10, Some(1_893_063), "You are temporarily restricted from sending messages."),
    (10, Some(1_893_015), "This user has currently stopped notification messages for this topic"),
    (10, Some(2_018_336), "User Thread Impact"),
    (100, None, "Invalid parameter"),
    (100, Some(2_018_001), "No matching user found"),
    (100, Some(2_018_008), "Failed to fetch the file from the url"),
    (100, Some(2_018_014), "Cannot send both message and state at the same time."),
    (100, Some(2_018_047), "Upload attachment failure"),
    (100, Some(2_018_074), "Possible invalid ID or you do not own the attachment"),
    (100, Some(2_018_109), "Attachment size exceeds allowable limit"),
    (100, Some(2_018_164), "Incorrect App ID"),
    (100, Some(2_018_294), "Video upload timed out or video is corrupted"),
    (100, Some(1_893_061), "Invalid parameter"),
    (100, Some(1_893_029), "User pass less payload than required for POSTBACK button"),
    (190, None, "Invalid OAuth access token."),
    (
        190,
        Some(460),
        "Error validating access token: The session has been invalidated because the user \
         changed their password or Facebook has changed the session for security reasons.",
    ),
    (200, Some(1_545_041), "Message Not Sent: This person isn't available right now."),
    (
        200,
        Some(2_018_028),
        "Cannot message users who are not admins, developers or testers of the app until \
         pages_messaging permission is reviewed and the app is live.",
    ),
    (551, None, "This person isn't receiving messages from you right now."),
    (551, Some(1_545_041), "This person isn't available right now."),
    (613, None, "Calls to this api have exceeded the rate limit."),
    (1_200, None, "Temporary send message failure. Please try again later."),
    (2_022, None, "The ability to send commerce messages has been temporarily disabled."),
    (10_303, None, "Account Linking Error: Invalid account_linking_token."),
    (2_018_218, None, "No profile available for this user."),
    (2_018_247, None, "Insufficient permission to access user profile."),
    (2_018_300, None, "Message failed to send because another app is controlling this thread now."),
    (
        2_018_321,
        None,
        "The chat is currently controlled by Messenger while the user is in an automated \
         question and answer flow.",
    ),
    (9_000_001, None, "This Message has been deleted by the user or the business."),
];

/// Of these codes Meta's words are seen without `(#code)` before them.
const BARE: [u32; 4] = [1, 2, 190, 1_200];

/// An error that a test asks for, in Meta's shape and, where they are on record, its words.
pub(crate) fn injected(code: u32, subcode: Option<u32>) -> GraphError {
    let mut error = match (code, subcode) {
        (1, Some(2_018_382)) => GraphError::no_form(),
        (100, Some(33)) => GraphError::no_object("GET", "0"),
        (613, Some(2_018_338)) => GraphError::too_many_to_person(),
        (10, Some(2_018_278)) => GraphError::window_closed(2_018_278),
        _ => GraphError::new(code, words(code, subcode)),
    };
    error.subcode = subcode;
    // What the reference knows to pass: an answer that was lost, and trouble of the platform's own.
    error.transient = matches!((code, subcode), (1, None | Some(1_357_046)) | (2 | 1_200, None));
    error
}

fn words(code: u32, subcode: Option<u32>) -> String {
    match WORDS.iter().find(|(c, s, _)| (*c, *s) == (code, subcode)) {
        Some((_, _, words)) if BARE.contains(&code) => (*words).to_owned(),
        // Seen so in production.
        Some((_, Some(1_893_061), words)) => (*words).to_owned(),
        Some((_, _, words)) => format!("(#{code}) {words}"),
        None => format!("(#{code}) injected: Meta's words for it are not on record"),
    }
}
