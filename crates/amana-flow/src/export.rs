//! Everything about oneself, as one JSON document. `docs/keys.md` describes it.

use crate::bundle::BundleAsk;
use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::EXPORT_RECEIPTS_AT_ONCE;
use crate::session::{Browser, SignedIn};
use amana_core::Timestamp;
use amana_gate::{Recipient, Subject};
use amana_store::{Command, Customer, DataKind, LinkState, OutboxState, StoredReceipt, StoryState};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;

/// The name of the document's form.
const SCHEMA: &str = "amana/export/v1";
/// What stands where the proof cannot be made.
const PROOF_MISSING: &str = "the proof cannot be made now; try /privacy/bundle later";
/// What the receipt of an export says it was for.
const TEMPLATE: &str = "export";

/// An export under way: pieces of one JSON document, each of a bounded size. What is left off when an error cuts it is
/// no JSON, so a part is not taken for the whole.
pub struct Export {
    gateway: Arc<Gateway>,
    viewer: SignedIn,
    customer: Customer,
    next: Piece,
}

/// What comes next.
enum Piece {
    Head,
    /// The receipts from this one on.
    Receipts(u64),
    /// The proof, or its next part. Whether it is the first, the second or a later one.
    Proof(BundleAsk, u8),
    Nothing,
}

impl Gateway {
    /// Everything about the customer who is signed in. The look itself is a receipt, the last one in the document.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn export(&self, cookie: &str) -> Result<Export, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let gateway = self.me.upgrade().ok_or(LinkError::Over)?;
        let customer = self.customer_of(viewer.shard, viewer.customer).await?;
        let receipt = self.look_by(&viewer.institution, Recipient::Customer, TEMPLATE);
        let (shard, id) = (viewer.shard, viewer.customer);
        self.store.submit(vec![Command::Record { shard, customer: id, receipt }]).await?;
        Ok(Export { gateway, viewer, customer, next: Piece::Head })
    }
}

impl Export {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, FlowError> {
        let from = match self.next {
            Piece::Head => {
                self.next = Piece::Receipts(1);
                return self.head().await.map(Some);
            }
            Piece::Receipts(from) => from,
            Piece::Proof(ask, number) => return self.proof(ask, number).await.map(Some),
            Piece::Nothing => return Ok(None),
        };
        let store = &self.gateway.store;
        let page =
            store.receipts(self.viewer.shard, self.viewer.customer, from, EXPORT_RECEIPTS_AT_ONCE).await?;
        let mut out = Vec::new();
        let mut next = from;
        for receipt in &page {
            if receipt.seq > 1 {
                out.push(b',');
            }
            out.push(b'\n');
            append(&mut out, &self.receipt(receipt).await?)?;
            next = receipt.seq.saturating_add(1);
        }
        self.next = if page.len() < EXPORT_RECEIPTS_AT_ONCE {
            Piece::Proof(BundleAsk::default(), 0)
        } else {
            Piece::Receipts(next)
        };
        Ok(Some(out))
    }

    /// The proof that these are all receipts: the bundle, as `/privacy/bundle` gives it, or why there is none now. All
    /// else is worth having without it. Where it has several parts, those behind the first follow in a list.
    async fn proof(&mut self, ask: BundleAsk, number: u8) -> Result<Vec<u8>, FlowError> {
        let mut out = match number {
            0 => b"\n],\n\"proof\":".to_vec(),
            1 => b",\n\"proof_parts\":[\n".to_vec(),
            _ => b",\n".to_vec(),
        };
        let part = match self.gateway.proof_of(self.viewer.shard, self.viewer.customer, ask).await {
            Ok(part) => part,
            Err(FlowError::Log(why)) if number == 0 => {
                tracing::warn!(why, "an export is without its proof");
                out.extend_from_slice(b"null,\n\"proof_missing\":");
                append(&mut out, &json!(PROOF_MISSING))?;
                out.extend_from_slice(b"}\n");
                self.next = Piece::Nothing;
                return Ok(out);
            }
            Err(error) => return Err(error),
        };
        out.extend_from_slice(part.json.as_bytes());
        match part.next {
            Some(next) => self.next = Piece::Proof(next, number.saturating_add(1)),
            None => {
                out.extend_from_slice(if number == 0 { b"}\n" } else { b"\n]}\n" });
                self.next = Piece::Nothing;
            }
        }
        Ok(out)
    }

    /// Everything but the receipts and their proof.
    async fn head(&self) -> Result<Vec<u8>, FlowError> {
        let (gateway, viewer) = (&self.gateway, &self.viewer);
        let store = &gateway.store;
        let (shard, customer) = (viewer.shard, viewer.customer);
        let links = store.links_ever_of_customer(shard, customer).await?;
        let mut grants = 0_usize;
        let mut chats = Vec::new();
        for link in &links {
            grants += usize::from(store.bank_grant(shard, link.id).await?.is_some());
            let chat = store.conversation(&link.conversation()).await?;
            chats.push(
                chat.map(|chat| json!({"language": chat.lang.tag(), "last_wrote_at": chat.last_inbound_at})),
            );
        }
        let links: Vec<Value> = links
            .iter()
            .zip(chats)
            .map(|(link, chat)| {
                json!({
                    "id": link.id, "channel": link.channel, "page_scoped_id": link.psid,
                    "accounts": link.accounts, "state": state_of(link.state),
                    "created_at": link.created_at, "ended_at": link.ended_at, "chat": chat,
                })
            })
            .collect();
        let agreements: Vec<_> = store.agreements().await?;
        let agreements: Vec<_> =
            agreements.into_iter().filter(|a| a.institution == viewer.institution).collect();
        let mut stories = Vec::new();
        let mut after = None;
        loop {
            let page = store.stories(shard, customer, after, EXPORT_RECEIPTS_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key);
            stories.extend(page.iter().map(|s| json!({"state": story_of(s.state), "told_at": s.at})));
        }
        let mut consents = Vec::new();
        for consent in store.consents(shard, customer).await? {
            let record = store.consent_record(shard, customer, consent.id).await?;
            let (events, head) = record.map(|record| (record.events, record.head)).unzip();
            consents.push(json!({"consent": consent, "events": events, "head": head}));
        }
        let keep = store.retention();
        let retention: serde_json::Map<String, Value> =
            DataKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), json!(kind.days(keep)))).collect();
        let kept = store.kept_of(shard, customer).await?;
        let head = json!({
            "schema": SCHEMA,
            "made_at": gateway.now(),
            "customer": customer,
            "customer_since": self.customer.created_at,
            "institution": {
                "id": viewer.institution,
                "name": gateway.institution(&viewer.institution).map(|i| i.name_in(viewer.lang)).ok(),
            },
            "consents": consents,
            "links": links,
            "agreements": agreements,
            "passkeys": gateway.passkeys_told(shard, customer).await?,
            "told": stories,
            "kept_without_content": {
                "bank_access_tokens": grants,
                "books": kept.books,
                "browser_sessions": 1,
                "news_waiting": kept.news,
                "notice_pages": kept.pages,
            },
            "retention_days": retention,
        });
        let mut out = Vec::new();
        append(&mut out, &head)?;
        // The receipts stand at the end, so that they can be written page after page.
        out.pop();
        out.extend_from_slice(b",\n\"receipts\":[");
        Ok(out)
    }

    /// A receipt: its fields, its exact bytes, and for a disclosure what was said and what became of it.
    async fn receipt(&self, receipt: &StoredReceipt) -> Result<Value, FlowError> {
        let fields: Value =
            serde_json::from_slice(&receipt.bytes).map_err(|_| FlowError::Unreadable("receipt"))?;
        let mut message_said = Value::Null;
        let disclosure = fields.get("kind").and_then(Value::as_str) == Some("disclosure");
        if let (true, Some(message)) = (disclosure, receipt.message)
            && let Some(entry) = self.gateway.store.outbox_entry(message).await?
        {
            let viewer = Subject { institution: self.viewer.institution.clone(), customer: self.customer.id };
            let shown = self.gateway.gate.said(&entry.row, &viewer, &self.customer.key).ok();
            // The lines, taken out for the subject's own copy.
            let said: Option<Value> = shown.and_then(|shown| serde_json::from_str(&shown.into_json()).ok());
            message_said = json!({
                "id": message,
                "said": said,
                "state": delivery_of(entry.state, entry.doubtful),
                "sent_at": entry.sent_at,
                "platform_message_id": entry.mid,
            });
        }
        Ok(json!({"fields": fields, "bytes": STANDARD.encode(&receipt.bytes), "message": message_said}))
    }

    /// When the export was asked for is in its last receipt; this is for the name of the file.
    #[must_use]
    pub fn day(&self) -> String {
        let now: Timestamp = self.gateway.now();
        now.strftime("%Y-%m-%d").to_string()
    }
}

fn append(out: &mut Vec<u8>, value: &Value) -> Result<(), FlowError> {
    serde_json::to_writer(out, value).map_err(|_| FlowError::Unreadable("record"))
}

fn state_of(state: LinkState) -> &'static str {
    match state {
        LinkState::Pending => "pending",
        LinkState::Active => "active",
        LinkState::Ended => "ended",
    }
}

fn story_of(state: StoryState) -> &'static str {
    match state {
        StoryState::Authorised => "authorised",
        StoryState::Posted => "posted",
        StoryState::Reversed => "reversed",
        StoryState::Untold => "untold",
    }
}

fn delivery_of(state: OutboxState, doubtful: bool) -> &'static str {
    match state {
        // It may be at the platform.
        OutboxState::Held | OutboxState::Dead | OutboxState::Denied if doubtful => "unknown",
        OutboxState::Pending => "waiting",
        OutboxState::Sending => "being sent",
        OutboxState::Unconfirmed => "unconfirmed",
        OutboxState::Held => "held",
        OutboxState::Sent => "sent",
        OutboxState::Dead => "given up",
        OutboxState::Denied => "denied",
    }
}
