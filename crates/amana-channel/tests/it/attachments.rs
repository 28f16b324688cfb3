//! Saved attachments: every limit before the call, and what the call carries.

use crate::graph::{Answer, Graph, PAGE, page};
use amana_channel::limits::{SAVED_FOR, UPLOAD_BYTES_MAX};
use amana_channel::messenger::{Saved, Upload};
use amana_core::{MediaKind, Timestamp, from_micros};
use serde_json::json;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and more";
const MP4: &[u8] = b"\0\0\0\x20ftypisom and more";

fn now() -> Timestamp {
    from_micros(1_796_000_000_000_000)
}

/// Goal: what breaks a limit is refused with its name, and is not sent; no file leaves that is not what it is called.
#[tokio::test]
async fn what_breaks_a_limit_is_named_and_not_sent() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let mut large = PNG.to_vec();
    large.resize(UPLOAD_BYTES_MAX + 1, 0);
    let long = format!("https://bank.example/{}.png", "x".repeat(2_048));
    let (image, video) = (MediaKind::Image, MediaKind::Video);
    for (media, upload, named) in [
        (image, Upload::File(&large), "at most 25 MB (25,000,000 bytes), this one 25000001"),
        (image, Upload::File(b""), "is empty"),
        (image, Upload::File(MP4), "no picture: a PNG, JPEG or GIF is"),
        (video, Upload::File(PNG), "no film: an MP4 (also MOV) or WebM is"),
        // A page's token, a list of customers, a picture of a kind that not every client shows, and a sound.
        (image, Upload::File(b"EAABwzLixnjYBO"), "no picture"),
        (image, Upload::File(b"name,iban\nHuda,LB00"), "no picture"),
        (video, Upload::File(b"\0\0\0\x20ftypheic...."), "no film"),
        (video, Upload::File(b"\0\0\0\x20ftypM4A ...."), "no film"),
        (image, Upload::Url("http://bank.example/card.png"), "is an https url"),
        (image, Upload::Url("https://huda:word@bank.example/card.png"), "without user name"),
        (image, Upload::Url("file:///etc/passwd"), "is an https url"),
        (image, Upload::Url(&long), "at most 2048 bytes"),
    ] {
        let refused = messenger.attach(&page(), media, upload, now()).await.expect_err("refused").to_string();
        assert!(refused.starts_with("attachment: ") && refused.contains(named), "{refused}");
    }
    assert!(graph.asked().is_empty(), "nothing was called");
    // Just as large as it may be.
    large.truncate(UPLOAD_BYTES_MAX);
    graph.then(Answer::ok(&json!({ "attachment_id": "1" })));
    messenger.attach(&page(), image, Upload::File(&large), now()).await.expect("taken");
}

/// Goal: an address goes as JSON and a file as a form with its kind and no name of ours; both are to be kept. The id
/// comes as a string or a number, and what is none is not taken for one.
#[tokio::test]
async fn both_ways_ask_for_an_id_that_can_be_used_again() {
    let graph = Graph::start().await;
    let messenger = graph.messenger();
    let (image, video) = (MediaKind::Image, MediaKind::Video);
    let until = now() + SAVED_FOR;

    graph.then(Answer::ok(&json!({ "attachment_id": "1857777774821032" })));
    let url = Upload::Url("https://bank.example/card.png");
    let saved = messenger.attach(&page(), image, url, now()).await;
    assert_eq!(saved, Ok(Saved { id: "1857777774821032".to_owned(), until }));
    graph.then(Answer::ok(&json!({ "attachment_id": 1_857_777_774_821_033_u64 })));
    let saved = messenger.attach(&page(), video, Upload::File(MP4), now()).await;
    assert_eq!(saved, Ok(Saved { id: "1857777774821033".to_owned(), until }));

    let asked = graph.asked();
    assert!(asked.iter().all(|call| call.method == "POST"));
    assert!(asked.iter().all(|call| call.path == format!("/v26.0/{PAGE}/message_attachments")));
    assert!(asked.iter().all(|call| call.query.contains_key("appsecret_proof")));
    let payload = json!({"url": "https://bank.example/card.png", "is_reusable": true});
    assert_eq!(asked[0].json(), json!({"message": {"attachment": {"type": "image", "payload": payload}}}));
    let kind = asked[1].headers["content-type"].to_str().expect("a content type");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
    let wanted = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n\
         {}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"filedata\"; filename=\"video.mp4\"\r\n\
         Content-Type: video/mp4\r\n\r\n\0\0\0\x20ftypisom and more\r\n--{boundary}--\r\n",
        json!({"attachment": {"type": "video", "payload": {"is_reusable": true}}})
    );
    assert_eq!(String::from_utf8_lossy(&asked[1].body), wanted);

    for answer in [json!({}), json!({"attachment_id": "../me"}), json!({"attachment_id": ""})] {
        graph.then(Answer::ok(&answer));
        let refused = messenger.attach(&page(), image, Upload::File(PNG), now()).await.expect_err("no id");
        assert!(refused.to_string().contains("names no attachment"), "{refused}");
    }
}
