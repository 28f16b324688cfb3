//! Saved attachments: a picture or film that a page brings to the platform once, and names by its id afterwards
//! (messenger reference, section 2).
//!
//! A message names the attachment by that id ([`amana_core::MediaForm`]). It is the bank's own picture, the same for
//! everybody: nothing of a customer's comes this way, which knows no consent and writes no receipt. What a file is, is
//! seen by how it begins, so that a key or a list that is named by mistake stays here.

use super::config::ChannelProblem;
use super::http::{Form, Params};
use super::{Messenger, SetupError, text_id};
use crate::channel::SendError;
use crate::limits;
use amana_core::{ChannelId, MediaKind, Timestamp, ids};
use amana_render::limits::messenger::ID_CHARS_MAX;
use amana_render::messenger::is_page_url;
use reqwest::Method;
use serde_json::{Value, json};

/// Where a picture or film comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload<'a> {
    /// The platform fetches it from this public address (https): a picture of at most 8 MB within 10 seconds, a film
    /// of at most 25 MB within 75 seconds. It is the platform that measures these.
    Url(&'a str),
    /// The file itself, ≤ [`limits::UPLOAD_BYTES_MAX`]. Its name does not leave.
    File(&'a [u8]),
}

/// What the platform keeps for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The platform's id, for [`amana_core::MediaForm::attachment_id`].
    pub id: String,
    /// Until when the id can be used: 90 days from the upload.
    pub until: Timestamp,
}

impl Messenger {
    /// Brings a picture or film to the platform, to be kept for the page and sent by its id. Twice the same gives two
    /// ids; an answer that was lost costs nothing but that.
    ///
    /// # Errors
    /// When a limit is broken (nothing was called then) or the call fails, with the limit that it is about where the
    /// platform's code names one.
    pub async fn attach(
        &self,
        page: &ChannelId,
        media: MediaKind,
        upload: Upload<'_>,
        now: Timestamp,
    ) -> Result<Saved, SetupError> {
        let kind = match media {
            MediaKind::Image => "image",
            MediaKind::Video => "video",
        };
        let message = |payload: Value| json!({ "attachment": { "type": kind, "payload": payload } });
        let mut params = Params { patience: Some(limits::UPLOAD_TIMEOUT), ..Params::default() };
        match upload {
            Upload::Url(url) => {
                if !is_page_url(url) {
                    return Err(problem(
                        "the address of an attachment is an https url (http only to a loopback host), without user \
                         name, of at most 2048 bytes",
                    ));
                }
                let body = json!({ "message": message(json!({ "url": url, "is_reusable": true })) });
                params.json = Some(body.to_string().into_bytes());
            }
            Upload::File(bytes) => {
                let mime = checked(media, bytes)?;
                params.form = Some(form(&message(json!({ "is_reusable": true })), mime, bytes));
            }
        }
        let path = [page.as_str(), "message_attachments"];
        let answer = self.graph.call(page, Method::POST, &path, params).await.map_err(|r| r.class)?;
        let id = answer.get("attachment_id").and_then(text_id);
        let id = id.filter(|id| id.len() <= ID_CHARS_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric()));
        let id = id.ok_or(SendError::Ambiguous { what: "the answer names no attachment" })?;
        let until = now.checked_add(limits::SAVED_FOR).unwrap_or(Timestamp::MAX);
        Ok(Saved { id, until })
    }
}

/// What the file is, if it is what it is called and small enough.
fn checked(media: MediaKind, bytes: &[u8]) -> Result<&'static str, SetupError> {
    if bytes.is_empty() {
        return Err(problem("the file of an attachment is empty"));
    }
    if bytes.len() > limits::UPLOAD_BYTES_MAX {
        let what = format!(
            "the file of an attachment has at most 25 MB (25,000,000 bytes), this one {}",
            bytes.len()
        );
        return Err(problem(&what));
    }
    match (media, mime(bytes)) {
        (MediaKind::Image, Some(mime)) if mime.starts_with("image/") => Ok(mime),
        (MediaKind::Video, Some(mime)) if mime.starts_with("video/") => Ok(mime),
        (MediaKind::Image, _) => Err(problem("the file is no picture: a PNG, JPEG or GIF is")),
        (MediaKind::Video, _) => Err(problem("the file is no film: an MP4 (also MOV) or WebM is")),
    }
}

/// What begins so.
fn mime(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        // Of one family are films, pictures (HEIC, AVIF) and sounds (M4A): the four letters after the mark tell.
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.first_chunk() {
            Some(b"qt  ") => Some("video/quicktime"),
            Some(
                b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1"
                | b"M4V " | b"dash" | b"MSNV",
            ) => Some("video/mp4"),
            _ => None,
        },
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Some("video/webm"),
        _ => None,
    }
}

/// The call's fields and the file as `multipart/form-data` (RFC 7578). The boundary is made of the file's own hash, so
/// it does not stand in the file.
fn form(message: &Value, mime: &str, bytes: &[u8]) -> Form {
    let boundary = hex::encode(ids::sha256(&[b"boundary", bytes]));
    let name = mime.replace('/', ".");
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{message}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"filedata\"; filename=\"{name}\"\r\n\
         Content-Type: {mime}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Form { kind: format!("multipart/form-data; boundary={boundary}"), body }
}

fn problem(what: &str) -> SetupError {
    ChannelProblem { key: "attachment", what: what.to_owned() }.into()
}
