//! Whole bodies as they come over the wire (`bodies.json`), and the table of the reference's kinds of events and
//! quirks, each with the fixture that shows it. `amana-web` posts the same fixtures to the gateway; the fuzz target
//! changes them.

use amana_channel::webhook::parse;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The fixtures of items, and of whole bodies.
pub(crate) const FILES: [&str; 2] = [include_str!("inbound.json"), include_str!("bodies.json")];

pub(crate) fn fixtures(file: &str) -> Vec<Value> {
    serde_json::from_str(file).expect("a list of fixtures")
}

#[test]
fn every_body_is_read_or_refused_as_it_should_be() {
    for fixture in fixtures(FILES[1]) {
        let name = &fixture["name"];
        let body = fixture["body"].as_str().expect("a body");
        if let Some(place) = fixture.get("refused") {
            assert_eq!(parse(body.as_bytes()).expect_err("no webhook").place, *place, "{name}");
            continue;
        }
        let parsed = parse(body.as_bytes()).expect("a webhook");
        let events: Vec<_> = parsed.events.iter().map(|event| json!(event.kind)).collect();
        let of_pages: Vec<_> = parsed.channel_events.iter().map(|event| json!(event.kind)).collect();
        let places: Vec<_> = parsed.faults.iter().map(|fault| fault.place.clone()).collect();
        assert_eq!(json!(events), fixture["events"], "{name}");
        assert_eq!(json!(of_pages), fixture["channel_events"], "{name}");
        assert_eq!(json!(places), fixture["faults"], "{name}");
        assert_eq!(json!(parsed.ignored), fixture["ignored"], "{name}");
    }
}

/// Section of the messenger reference, what it says, the fixture. What is no matter of one body is elsewhere:
/// signatures in `signature.rs`, keys of redeliveries in `inbound.rs`, order, duplicates and time in the tests of
/// `amana-flow`.
const QUIRKS: &[(&str, &str, &str)] = &[
    ("1.2", "non-ASCII as lower-case \\uXXXX, / as \\/", "escaped as Meta writes it"),
    ("1.3", "several entries, several pages", "several entries, several pages, two items in one"),
    (
        "1.3",
        "hand-over events come in messaging",
        "hand-over in messaging and in messaging_handovers, apps as numbers",
    ),
    ("1.3", "ids are strings or numbers", "ids that are numbers, beyond 2^53"),
    ("1.3", "attachment_id is a number in echoes", "echo of a template, its attachment id a number"),
    ("1.3", "seconds as a string", "a time in seconds, as a string"),
    (
        "1.3",
        "seconds as a string in a postback",
        "get started by a link, without mid, in seconds as a string",
    ),
    ("1.3", "changes of fields that are no messages", "fields that are no messages"),
    ("1.3", "changes of fields that are no messages", "a visitor's post and a comment"),
    ("1.3", "unknown arrays beside the messages", "an array beside the messages that is none"),
    ("1.3", "an entry names the page, or its items do", "an entry without an id"),
    ("1.3", "other objects may be subscribed", "an entry of another object"),
    ("1.3", "a platform under load", "no entries"),
    (
        "1.4",
        "two names of the template field",
        "a template is approved, rejected and paused, under both names of the field",
    ),
    ("1.4", "thumbs under messages", "feedback on a message"),
    ("1.4", "thumbs under messages", "bad feedback"),
    ("1.5", "text, with seq", "text"),
    ("1.5", "text that is a number", "text that is a number"),
    ("1.5", "quick reply", "quick reply"),
    ("1.5", "quick reply without payload", "quick reply without payload"),
    ("1.5", "user_phone_number", "quick reply with a phone number"),
    ("1.5", "user_email", "quick reply with an e-mail address"),
    (
        "1.5",
        "reply_to, commands, NLP with errors",
        "text with nlp, commands and a reply, none of which matters",
    ),
    ("1.5", "NLP", "text with all that built-in NLP says"),
    ("1.5", "attachment: image", "image"),
    ("1.5", "attachment and text", "image and text"),
    ("1.5", "attachment: audio", "audio"),
    ("1.5", "attachments: video, file", "video and a file"),
    ("1.5", "attachment: fallback", "link alone, without a text"),
    ("1.5", "attachment: fallback beside its text", "text with a link, which repeats as an attachment"),
    ("1.5", "attachments: reel, ig_reel, post, ig_post", "reels and posts"),
    ("1.5", "attachment: template", "template of a person's own"),
    ("1.5", "attachment: appointment_booking", "appointment"),
    ("1.5", "attachment: location (legacy)", "location of an old client"),
    ("1.5", "sticker_id a number", "sticker, its id a number"),
    (
        "1.5",
        "like stickers; twin image; sticker_id a string",
        "like, with its twin image of before August 2026",
    ),
    ("1.5", "the other like stickers", "larger likes"),
    ("1.5", "attachments that cannot be read", "attachment without a type"),
    ("1.5", "message.referral of an ad", "text from an ad"),
    ("1.5", "message.referral of an ad", "text from an ad, with all that it says of itself"),
    ("1.5", "message.referral of a shop", "text from a shop, about a product"),
    ("1.5", "is_deleted", "deleted"),
    ("1.5", "is_unsupported", "unsupported message"),
    ("1.5", "a message of a new kind", "message of something new"),
    ("1.5", "prior_message", "text from a checkbox"),
    ("1.5", "echo, app_id a number, metadata", "echo of ours, the app a number"),
    ("1.5", "echo of the Page Inbox", "echo of the inbox"),
    ("1.5", "echo without an app", "echo of nobody's app"),
    ("1.5", "postback", "postback"),
    ("1.5", "postback without mid (before v11)", "postback whose mid is null"),
    ("1.5", "postback.referral of an ad", "get started from an advertisement"),
    ("1.5", "postback of a user_ref", "a postback and a message of a plugin's user_ref"),
    ("1.5", "delivery: mids sometimes", "delivery with mids"),
    ("1.5", "delivery: watermark always", "delivery without mids, the watermark a string"),
    ("1.5", "delivery: no timestamp", "delivery without a time of its own"),
    ("1.5", "read", "read"),
    ("1.5", "reaction", "reaction"),
    ("1.5", "reaction: other", "reaction that has no name"),
    ("1.5", "reaction by name", "reaction: smile"),
    ("1.5", "reaction by name", "reaction: angry"),
    ("1.5", "reaction by name", "reaction: sad"),
    ("1.5", "reaction by name", "reaction: wow"),
    ("1.5", "reaction by name", "reaction: dislike"),
    ("1.5", "reaction: unreact", "reaction taken back"),
    ("1.5", "message_edit, num_edit a string", "edited, the count a string"),
    ("1.5", "message_edit, num_edit a number", "edited, the count a number"),
    ("1.5", "messaging_feedback", "answers of a feedback form"),
    ("1.5", "messaging_feedback, empty", "feedback by a template"),
    ("1.5", "optin of a plugin", "opt-in of a plugin"),
    ("1.5", "optin: one_time_notif_req", "opt-in to one notification"),
    ("1.5", "optin: notification_messages", "opt-in to messages"),
    ("1.5", "optin: STOP NOTIFICATIONS", "no more messages wanted"),
    ("1.5", "optin: RESUME NOTIFICATIONS", "messages wanted again"),
    ("1.5", "optin: user_ref, no sender", "an opt-in of a plugin's user_ref, without a sender"),
    ("1.5", "account_linking: linked", "linked"),
    ("1.5", "account_linking without a code", "linked without a code"),
    ("1.5", "account_linking: unlinked", "unlinked"),
    ("1.5", "referral in an existing thread: ad", "referral in an existing thread, the ad a number"),
    ("1.5", "referral in an existing thread: short link", "referral of a short link"),
    ("1.5", "pass_thread_control, app ids as numbers", "control passed, the apps numbers"),
    ("1.5", "pass_thread_control from idle: null", "control passed by nobody: it was idle"),
    ("1.5", "take_thread_control", "control taken, the apps strings"),
    ("1.5", "request_thread_control", "control asked for"),
    ("1.5", "hand-over whose sender is the page", "handover that names the page as sender"),
    ("1.5", "app_roles: no sender", "roles of apps, without a sender"),
    ("1.5", "policy_enforcement: block, no sender", "the page is blocked, without a sender"),
    ("1.5", "policy-enforcement: warning", "a warning, spelt with a hyphen, without a reason"),
    ("1.5", "policy_enforcement: unblock", "the page is unblocked"),
    (
        "1.5",
        "standby: postbacks without payload",
        "postback of a thread that another app has: without payload",
    ),
    ("1.5", "standby", "standby: a message, a postback without payload, a read, a delivery, an echo"),
    ("1.5", "message_context: payload undocumented", "an event whose payload is not documented"),
    ("1.5", "messaging_customer_information, send_cart", "a form or a basket that the bank never asked for"),
    ("1.5", "events yet to come", "something new"),
    ("1.5", "events yet to come", "nothing at all"),
    ("1.6", "the same mid with another timestamp", "the same delivery twice, the second with another time"),
    ("10", "broken text", "an emoji cut in two"),
    ("10", "broken text", "text with NUL"),
    ("10", "one bad item must not lose others", "a broken item between two good ones"),
    ("10", "one bad item must not lose others", "a message without a sender"),
    ("1.3", "what is no webhook", "not JSON"),
    ("1.3", "what is no webhook", "no object"),
    ("1.3", "what is no webhook", "no list of entries"),
    ("1.3", "what is no webhook", "a list"),
];

/// Nothing of the table is without a fixture, and no fixture is there of which nobody knows why.
#[test]
fn every_quirk_of_the_reference_has_its_fixture() {
    let all: Vec<Value> = FILES.iter().flat_map(|file| fixtures(file)).collect();
    let names: BTreeSet<&str> = all.iter().map(|fixture| fixture["name"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), all.len(), "two fixtures have one name");
    let shown: BTreeSet<&str> = QUIRKS.iter().map(|(_, _, fixture)| *fixture).collect();
    assert_eq!(names, shown);
}

/// What the reference names in section 1.5 that stands in no body of a webhook.
const IN_NO_BODY: [&str; 9] = [
    // What a quick reply asks for: what comes back is the value alone.
    "user_email",
    "user_phone_number",
    // What is subscribed.
    "message_echoes",
    "messaging_referrals",
    // A misprint of the inbox's app id, which the reference corrects.
    "26390203743090",
    // Where somebody's code has it.
    "hermes",
    "src",
    "templates",
    "rs",
];

/// Every name, value and number that the reference's table of events has is in a fixture: one that is added there is
/// missed here.
#[test]
fn every_name_of_the_reference_s_events_is_in_a_fixture() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/messenger.md");
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|e| panic!("the reference is needed at `{path}`: {e}"));
    let section =
        text.split_once("### 1.5 Events").and_then(|(_, rest)| rest.split_once("### 1.6 ")).expect("1.5").0;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let words = |text: &str| -> BTreeSet<String> { text.split(|c| !is_word(c)).map(str::to_owned).collect() };
    // In code spans every word; outside of them the long numbers, which are ids.
    let mut named = BTreeSet::new();
    for (place, part) in section.split('`').enumerate() {
        let wanted = |word: &String| {
            let number = word.len() >= 12 && word.bytes().all(|b| b.is_ascii_digit());
            number || (place % 2 == 1 && word.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        named.extend(words(part).into_iter().filter(wanted));
    }
    assert!(named.len() > 150, "the section is read: {}", named.len());
    let shown = words(&FILES.concat().replace("\\n", " "));
    let missing: BTreeSet<&str> = named.difference(&shown).map(String::as_str).collect();
    assert_eq!(missing, BTreeSet::from(IN_NO_BODY));
}
