//! Taking back: a consent, a link, everything. Effective at the next send, since the send decides anew.

use crate::error::{FlowError, LinkError};
use crate::gateway::{Gateway, shard_context};
use crate::session::Browser;
use amana_core::{ConsentId, ConsentState, ConversationId, Purpose, Timestamp};
use amana_gate::{ReceiptDraft, ReceiptKind};
use amana_store::{Command, Job, JobKind, Link, LinkState};
use serde::{Deserialize, Serialize};

/// What the bank is told when a link ends: the tokens and consent to take back.
#[derive(Serialize, Deserialize)]
pub(crate) struct RevokeWork {
    pub(crate) institution: amana_core::InstitutionId,
    pub(crate) tokens: Vec<u8>,
    pub(crate) bank_consent: Option<String>,
}

impl Gateway {
    /// The commands that end a link: its consent is taken back, the tokens go, and the bank will be told.
    pub(crate) async fn end_link(&self, link: &Link, now: Timestamp) -> Result<Vec<Command>, FlowError> {
        let mut commands = Vec::new();
        for consent in self.store.consents(link.shard, link.customer).await? {
            if consent.link == link.id && consent.state == ConsentState::Active {
                commands.push(Command::RevokeConsent {
                    shard: link.shard,
                    customer: link.customer,
                    consent: consent.id,
                    at: now,
                    receipt: ReceiptDraft::of_consent(ReceiptKind::Revocation, &consent, now),
                });
            }
        }
        commands.push(Command::SetLink {
            shard: link.shard,
            id: link.id,
            from: link.state,
            to: LinkState::Ended,
            at: now,
        });
        if let Some(grant) = self.store.bank_grant(link.shard, link.customer).await? {
            let customer = self.customer_of(link.shard, link.customer).await?;
            let id: [u8; 16] = self.entropy.array();
            let work = RevokeWork {
                institution: link.institution.clone(),
                tokens: grant.tokens,
                bank_consent: grant.bank_consent,
            };
            let work = serde_json::to_vec(&work).map_err(|_| FlowError::Unreadable("job"))?;
            let body = customer.key.seal(&shard_context("job", link.shard, &id), &work, &*self.entropy)?;
            commands.push(Command::Enqueue(Job {
                id,
                shard: link.shard,
                customer: link.customer,
                kind: JobKind::RevokeAtBank,
                body,
                due_at: now,
                attempts: 0,
            }));
            commands.push(Command::DropBankGrant { shard: link.shard, customer: link.customer });
        }
        Ok(commands)
    }

    /// The commands that end every link of a conversation; empty if there is none.
    pub(crate) async fn end_links(&self, conversation: &ConversationId) -> Result<Vec<Command>, FlowError> {
        let now = self.now();
        let mut commands = Vec::new();
        for link in self.store.links_of_conversation(conversation).await? {
            if link.state != LinkState::Ended {
                commands.extend(self.end_link(&link, now).await?);
            }
        }
        Ok(commands)
    }

    /// Takes a consent back from the privacy page: all of it, or one purpose (then the rest is granted anew).
    ///
    /// # Errors
    /// When the session is over, the form is not ours, or the consent is not the viewer's or not active.
    pub async fn privacy_revoke(
        &self,
        cookie: &str,
        csrf: &str,
        consent: ConsentId,
        purpose: Option<Purpose>,
    ) -> Result<(), LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        if viewer.csrf != csrf {
            return Err(LinkError::Over);
        }
        let now = self.now();
        let consents = self.store.consents(viewer.shard, viewer.customer).await?;
        let Some(old) = consents.into_iter().find(|c| c.id == consent) else { return Err(LinkError::Over) };
        if old.state != ConsentState::Active {
            // Stopped already, here or in the chat: what was asked for holds.
            return Ok(());
        }
        let link = self.store.link(viewer.shard, old.link).await?.ok_or(LinkError::NotLinked)?;
        let mut rest = old.grants.clone();
        match purpose {
            Some(purpose) => {
                rest.remove(&purpose);
            }
            None => rest.clear(),
        }
        let bank = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
        let commands = if rest.is_empty() {
            let mut commands = self.end_link(&link, now).await?;
            commands.push(self.say(
                &link.conversation(),
                &amana_chat::plain::stopped(viewer.lang, &bank),
                false,
            )?);
            commands
        } else {
            let fresh = amana_core::Consent {
                id: ConsentId::new(&*self.clock, &*self.entropy),
                grants: rest,
                granted_at: now,
                revoked_at: None,
                ..old.clone()
            };
            fresh.check()?;
            vec![
                Command::RevokeConsent {
                    shard: viewer.shard,
                    customer: viewer.customer,
                    consent: old.id,
                    at: now,
                    receipt: ReceiptDraft::of_consent(ReceiptKind::Revocation, &old, now),
                },
                Command::GrantConsent {
                    shard: viewer.shard,
                    receipt: ReceiptDraft::of_consent(ReceiptKind::Consent, &fresh, now),
                    consent: fresh,
                },
            ]
        };
        self.store.submit(commands).await?;
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
        Ok(())
    }
}
