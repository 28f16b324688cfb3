//! The privacy page: every disclosure ever made, with what was said, and what is allowed now.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::TIMELINE_MAX;
use crate::session::{Browser, SignedIn};
use amana_core::{Clusters, Consent, ConsentId, ConsentState, Form, Lang, Purpose, Timestamp};
use amana_gate::{ReceiptKind, Subject};
use amana_store::{OutboxState, StoredReceipt};
use serde::Deserialize;

/// A consent on the page.
#[derive(Debug, Clone)]
pub struct ConsentView {
    /// Its id, for the stop button.
    pub id: ConsentId,
    /// Per purpose: the form and how many accounts.
    pub grants: Vec<(Purpose, Form, usize)>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it is in force now.
    pub in_force: bool,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// One entry of the timeline.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// The receipt's number.
    pub seq: u64,
    /// What it records.
    pub kind: ReceiptKind,
    /// When it was decided.
    pub at: Timestamp,
    /// Why.
    pub purpose: Option<Purpose>,
    /// What kinds of data.
    pub clusters: Clusters,
    /// How much of it the platform could see.
    pub form: Option<Form>,
    /// What was said, line by line, exactly as the platform was told.
    pub said: Vec<String>,
    /// For a disclosure: whether the platform has it by now.
    pub state: Option<OutboxState>,
    /// For a denial: why; for an outcome: what.
    pub note: Option<String>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct PrivacyView {
    /// The language.
    pub lang: Lang,
    /// The institution's name.
    pub institution: String,
    /// What forms must bring.
    pub csrf: String,
    /// The consents, newest first.
    pub consents: Vec<ConsentView>,
    /// Disclosures, denials and consent events, newest first. Outcomes are folded into their disclosure.
    pub timeline: Vec<TimelineEntry>,
    /// Whether older ones exist beyond the page's limit.
    pub more: bool,
}

/// What the page reads of a receipt.
#[derive(Deserialize)]
struct Read {
    kind: ReceiptKind,
    decided_at: Timestamp,
    purpose: Option<Purpose>,
    clusters: Clusters,
    form: Option<Form>,
    template: Option<String>,
}

impl Gateway {
    /// The page of the customer who is signed in.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn privacy_view(&self, cookie: &str) -> Result<PrivacyView, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let institution = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
        let now = self.now();
        let consents = self.store.consents(viewer.shard, viewer.customer).await?;
        let (timeline, more) = self.timeline(&viewer).await?;
        Ok(PrivacyView {
            lang: viewer.lang,
            institution,
            csrf: viewer.csrf,
            consents: consents.iter().map(|c| consent_view(c, now)).collect(),
            timeline,
            more,
        })
    }

    async fn timeline(&self, viewer: &SignedIn) -> Result<(Vec<TimelineEntry>, bool), FlowError> {
        let mut receipts: Vec<StoredReceipt> = Vec::new();
        let mut from = 1;
        loop {
            let page = self.store.receipts(viewer.shard, viewer.customer, from, TIMELINE_MAX).await?;
            let Some(last) = page.last() else { break };
            from = last.seq + 1;
            let full = page.len() == TIMELINE_MAX;
            receipts.extend(page);
            if !full {
                break;
            }
        }
        let customer = self.customer_of(viewer.shard, viewer.customer).await?;
        let subject = Subject { institution: viewer.institution.clone(), customer: viewer.customer };
        let mut entries = Vec::new();
        let mut more = false;
        for receipt in receipts.into_iter().rev() {
            let Ok(read) = serde_json::from_slice::<Read>(&receipt.bytes) else {
                return Err(FlowError::Unreadable("receipt"));
            };
            if read.kind == ReceiptKind::Outcome {
                continue;
            }
            if entries.len() == TIMELINE_MAX {
                more = true;
                break;
            }
            let mut entry = TimelineEntry {
                seq: receipt.seq,
                kind: read.kind,
                at: read.decided_at,
                purpose: read.purpose,
                clusters: read.clusters,
                form: read.form,
                said: Vec::new(),
                state: None,
                note: (read.kind == ReceiptKind::Denial).then_some(read.template).flatten(),
            };
            if let (ReceiptKind::Disclosure, Some(message)) = (read.kind, receipt.message)
                && let Some(row) = self.store.outbox_entry(message).await?
            {
                entry.state = Some(row.state);
                let bytes = self.gate.said(&row.row, &subject, &customer.key).unwrap_or_default();
                entry.said = amana_channel::messenger::decode_for_display(&bytes)
                    .as_ref()
                    .map(said_lines)
                    .unwrap_or_default();
            }
            entries.push(entry);
        }
        Ok((entries, more))
    }

    /// Ends the browser's session.
    ///
    /// # Errors
    /// When the session is over already or the store fails.
    pub async fn privacy_leave(&self, cookie: &str) -> Result<(), LinkError> {
        self.store.submit(vec![Self::take_browser(cookie)]).await?;
        Ok(())
    }

    /// Changes the language of the signed-in page.
    ///
    /// # Errors
    /// When the session is over or the store fails.
    pub async fn privacy_lang(&self, cookie: &str, lang: Lang) -> Result<(), LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let viewer = SignedIn { lang, ..viewer };
        let keep = self.keep_browser(cookie, &Browser::Customer(viewer), crate::limits::PRIVACY_SESSION_S)?;
        self.store.submit(vec![keep]).await?;
        Ok(())
    }
}

fn consent_view(consent: &Consent, now: Timestamp) -> ConsentView {
    ConsentView {
        id: consent.id,
        grants: consent.grants.iter().map(|(p, g)| (*p, g.form, g.accounts.len())).collect(),
        granted_at: consent.granted_at,
        expires_at: consent.expires_at,
        in_force: consent.state == ConsentState::Active && consent.in_force(now),
        revoked_at: consent.revoked_at,
    }
}

fn said_lines(said: &amana_channel::messenger::Said) -> Vec<String> {
    let text = said.text.lines().map(str::to_owned);
    let card = said.lines.iter().map(|(title, subtitle)| match subtitle.as_str() {
        "" => title.clone(),
        subtitle => format!("{title} · {subtitle}"),
    });
    text.chain(card).filter(|line| !line.trim().is_empty()).collect()
}
