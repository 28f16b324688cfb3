//! Taking back: a consent, a link, everything. Effective at the next send, since the send decides anew.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::jobs::TakenBackGrant;
use crate::limits::CONFLICT_TRIES;
use crate::session::{Browser, SignedIn};
use amana_core::{Consent, ConsentEnd, ConsentId, ConsentState, ConversationId, Grant, Purpose, Timestamp};
use amana_gate::ReceiptDraft;
use amana_store::{Command, Link, LinkState, SubmitError};
use std::collections::BTreeMap;

impl Gateway {
    /// The commands that end a link: its consent is taken back, the tokens go, and the bank will be told.
    pub(crate) async fn end_link(
        &self,
        link: &Link,
        why: ConsentEnd,
        now: Timestamp,
    ) -> Result<Vec<Command>, FlowError> {
        let mut commands = Vec::new();
        // The newest alone: an active one is the link's only one, and damage of another's is no obstacle.
        // One that does not open allows nothing that could be taken back: the link ends all the same.
        let newest = match self.store.consent_of_link(link.shard, link.id).await {
            Err(error) if error.is_damage() => None,
            newest => newest?,
        };
        if let Some(consent) = newest.filter(|consent| consent.state == ConsentState::Active) {
            commands.push(Command::RevokeConsent {
                shard: link.shard,
                customer: link.customer,
                consent: consent.id,
                why,
                at: now,
                receipt: ReceiptDraft::of_consent_end(&consent, why, now),
            });
        }
        commands.push(Command::SetLink {
            shard: link.shard,
            id: link.id,
            from: link.state,
            to: LinkState::Ended,
            at: now,
        });
        commands.push(self.forgetting(link, now));
        if let Some(grant) = self.store.bank_grant(link.shard, link.id).await? {
            let whose = (link.shard, link.customer);
            let bank_consent = grant.bank_consent.as_deref();
            let what = TakenBackGrant { tokens: &grant.tokens, bank_consent, why };
            let (_, revocation) = self.revocation(whose, &link.institution, what, now).await?;
            commands.push(revocation);
            let institution = link.institution.clone();
            let (shard, link, expected) = (link.shard, link.id, grant.version);
            commands.push(Command::DropBankGrant { shard, link, expected });
            commands.extend(self.subscriptions_due(&institution));
        }
        Ok(commands)
    }

    /// The commands that end every link of a conversation; empty if there is none.
    pub(crate) async fn end_links(&self, conversation: &ConversationId) -> Result<Vec<Command>, FlowError> {
        let now = self.now();
        let mut commands = Vec::new();
        for link in self.store.links_of_conversation(conversation).await? {
            if link.state != LinkState::Ended {
                commands.extend(self.end_link(&link, ConsentEnd::Withdrawn, now).await?);
            }
        }
        Ok(commands)
    }

    /// Takes consents back from the privacy page: one purpose of one consent (then the rest of it is granted anew), or
    /// everything that the customer allows at the institution, in whatever chat.
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
        for attempt in 1.. {
            let Some(commands) = self.revoking(&viewer, consent, purpose).await? else { return Ok(()) };
            match self.store.submit(commands).await {
                // Something else changed the consent or its tokens at the same moment: once more, from what holds now.
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    break;
                }
            }
        }
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
        Ok(())
    }

    /// The commands that end every link. Everything means everything, whatever the page knew of when the button was
    /// drawn: who was linked to somebody else's chat by a trick finds the way out here. `None` if there is no link any
    /// more.
    async fn stopping_everything(&self, viewer: &SignedIn) -> Result<Option<Vec<Command>>, LinkError> {
        let now = self.now();
        let bank = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
        let mut commands = Vec::new();
        for link in self.store.links_of_customer(viewer.shard, viewer.customer).await? {
            commands.extend(self.end_link(&link, ConsentEnd::Withdrawn, now).await?);
            if link.state == LinkState::Active {
                let stopped = amana_chat::plain::stopped(viewer.lang, &bank);
                let stopped = self.and_there(stopped, std::iter::once(&viewer.institution), viewer.lang);
                commands.push(self.say_of(&link, &stopped, false).await?);
            }
        }
        Ok(Some(commands).filter(|commands| !commands.is_empty()))
    }

    /// The commands that take a consent or a purpose of it back; `None` if that holds already.
    async fn revoking(
        &self,
        viewer: &SignedIn,
        consent: ConsentId,
        purpose: Option<Purpose>,
    ) -> Result<Option<Vec<Command>>, LinkError> {
        let now = self.now();
        let consents = self.store.consents(viewer.shard, viewer.customer).await?;
        let Some(old) = consents.into_iter().find(|c| c.id == consent) else { return Err(LinkError::Over) };
        if purpose.is_none() {
            return self.stopping_everything(viewer).await;
        }
        if old.state != ConsentState::Active {
            // Stopped already, here or in the chat: what was asked for holds.
            return Ok(None);
        }
        let mut rest = old.grants.clone();
        if let Some(purpose) = purpose {
            rest.remove(&purpose);
        }
        let link = self.store.link(viewer.shard, old.link).await?.ok_or(LinkError::NotLinked)?;
        if rest.is_empty() {
            let bank = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
            let mut commands = self.end_link(&link, ConsentEnd::Withdrawn, now).await?;
            let stopped = amana_chat::plain::stopped(viewer.lang, &bank);
            let stopped = self.and_there(stopped, std::iter::once(&viewer.institution), viewer.lang);
            commands.push(self.say_of(&link, &stopped, false).await?);
            return Ok(Some(commands));
        }
        let (commands, _) =
            self.replacing(&link, &old, (rest, old.expires_at), ConsentEnd::Replaced, now).await?;
        Ok(Some(commands))
    }

    /// The commands that put a narrower consent in the place of one, on the same link and for no longer; and the new
    /// one.
    pub(crate) async fn replacing(
        &self,
        link: &Link,
        old: &Consent,
        (grants, expires_at): (BTreeMap<Purpose, Grant>, Timestamp),
        why: ConsentEnd,
        now: Timestamp,
    ) -> Result<(Vec<Command>, Consent), FlowError> {
        let fresh = Consent {
            id: ConsentId::new(&*self.clock, &*self.entropy),
            grants,
            expires_at: expires_at.min(old.expires_at),
            granted_at: now,
            revoked_at: None,
            ..old.clone()
        };
        // The customer proved who they are when the first one was given; this one goes on from it.
        let record = self.store.consent_record(link.shard, link.customer, old.id).await?;
        let evidence = record.as_ref().and_then(|r| r.basis()).and_then(|basis| basis.evidence.clone());
        let basis = self.consent_basis(&link.institution, evidence, None, Some(old.id))?;
        let commands = vec![
            Command::RevokeConsent {
                shard: link.shard,
                customer: link.customer,
                consent: old.id,
                why,
                at: now,
                receipt: ReceiptDraft::of_consent_end(old, why, now),
            },
            Command::GrantConsent {
                shard: link.shard,
                receipt: ReceiptDraft::of_consent_given(&fresh, Some(why), now),
                basis: Box::new(basis),
                consent: fresh.clone(),
            },
        ];
        Ok((commands, fresh))
    }
}
