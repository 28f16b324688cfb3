//! A human of the institution answers in their own words: through the same outbox as everything, with who it was on the
//! customer's record. What they write is theirs: the gateway adds nothing to it and holds nothing of it against a
//! consent. What does stop it, when it is written and again when it is sent, are the kill switches of everybody whose
//! chat it is, and that it is still theirs: what waits when a link ends is not sent.

use crate::gateway::Gateway;
use crate::limits::{ACTOR_CHARS_MAX, AGENT_TEXT_CHARS_MAX, CONFLICT_TRIES, ELSEWHERE_S};
use amana_channel::WindowPolicy;
use amana_core::{Address, Clock, ConversationId, Entropy, MediaForm, MessageId};
use amana_gate::{AgentWords, Denial, Gate, OutboxRow, ReceiptDraft, Released, TicketSubject};
use amana_render::Encoding;
use amana_store::{Command, Link, LinkState, PlainKey, Store, StoreError, SubmitError};

/// What a human writes.
#[derive(Debug, Clone)]
pub struct AgentReply {
    /// Who, as it stands on the customer's record: not a word of the caller's own.
    pub by: String,
    /// The words.
    pub text: String,
    /// A picture or film of the bank's own, as the platform has it, instead of words.
    pub media: Option<MediaForm>,
    /// As whom they are said: the platform's id of a persona of this page.
    pub persona: Option<String>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody of this id ever wrote on this page.
    #[error("no person of this id has ever written on this page")]
    Unknown,
    /// The person has been away for too long.
    #[error(
        "the person did nothing here for seven days: the platform takes nothing from a human until they write again"
    )]
    Away,
    /// Another app has the conversation.
    #[error(
        "another app has the conversation: answer there, or take it first (`amana messenger thread take`)"
    )]
    Elsewhere,
    /// A kill switch is on.
    #[error("a kill switch is on for this person, their bank or this page")]
    Killed,
    /// The words are no message.
    #[error(
        "the text must have 1 to {} characters, or none where an attachment is sent, and persona and attachment must be the platform's numbers of them",
        AGENT_TEXT_CHARS_MAX
    )]
    Text,
    /// It is not known who writes.
    #[error("`by` must be a short text without control characters")]
    Who,
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// The desk at which humans write, over a store: in the gateway, and in an operator's command beside it.
pub struct Desk<'a> {
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
    window: WindowPolicy,
    within: Encoding,
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Gateway {
    /// The desk at which humans write.
    #[must_use]
    pub fn desk(&self) -> Desk<'_> {
        let (window, within) = (self.channel.window(), self.channel.encoding(true));
        Desk::new(&*self.store, &*self.clock, &*self.entropy, window, within)
    }

    /// Puts what a human wrote into the outbox ([`Desk::reply`]) and wakes it.
    ///
    /// # Errors
    /// As [`Desk::reply`].
    pub async fn agent_replies(
        &self,
        to: &ConversationId,
        reply: &AgentReply,
    ) -> Result<MessageId, AgentError> {
        let message = self.desk().reply(to, reply).await?;
        self.outbox_filled.notify_one();
        metrics::counter!("amana_agent_replies_total").increment(1);
        Ok(message)
    }
}

impl<'a> Desk<'a> {
    /// Over these, for a channel with this window, within which messages are put into these bytes.
    #[must_use]
    pub fn new(
        store: &'a dyn Store,
        clock: &'a dyn Clock,
        entropy: &'a dyn Entropy,
        window: WindowPolicy,
        within: Encoding,
    ) -> Self {
        Self { store, clock, entropy, window, within }
    }

    /// Puts what a human wrote into the outbox, in one commit with a receipt for each customer whose chat it is: who
    /// wrote, and the hash of the bytes. Outside the platform's window, for seven days after the person's last act,
    /// it bears the tag of a human agent.
    ///
    /// # Errors
    /// When it may not be written now, or is no message; and when the store fails.
    pub async fn reply(&self, to: &ConversationId, reply: &AgentReply) -> Result<MessageId, AgentError> {
        let by = reply.by.trim();
        if by.is_empty() || by.chars().count() > ACTOR_CHARS_MAX || by.chars().any(char::is_control) {
            return Err(AgentError::Who);
        }
        let chars = reply.text.trim().chars().count();
        if (chars == 0) != reply.media.is_some() || chars > AGENT_TEXT_CHARS_MAX {
            return Err(AgentError::Text);
        }
        for _ in 0..CONFLICT_TRIES {
            match self.try_reply(to, by, reply).await {
                // A link was made or ended at the same moment: whose chat it is, is read anew.
                Err(AgentError::Submit(SubmitError::Conflict { .. })) => {}
                done => return done,
            }
        }
        self.try_reply(to, by, reply).await
    }

    async fn try_reply(
        &self,
        to: &ConversationId,
        by: &str,
        reply: &AgentReply,
    ) -> Result<MessageId, AgentError> {
        let now = self.clock.now();
        let person = self.store.conversation(to).await?.ok_or(AgentError::Unknown)?;
        let last_inbound = person.last_inbound_at.ok_or(AgentError::Unknown)?;
        if now.as_second() - last_inbound.as_second() >= amana_render::HUMAN_AGENT_FOR_S {
            return Err(AgentError::Away);
        }
        let elsewhere = person.elsewhere.as_ref();
        if elsewhere.is_some_and(|other| now.as_second() - other.since.as_second() < ELSEWHERE_S) {
            return Err(AgentError::Elsewhere);
        }
        let links = active_links(self.store, to).await?;
        let kills = self.store.kills().await?;
        // Their words hold no data of the bank's: no switch of a purpose is theirs.
        let stopped = |link: &Link| kills.stop(&link.institution, &to.channel, link.customer, None).is_some();
        if kills.stop_channel(&to.channel) || links.iter().any(stopped) {
            return Err(AgentError::Killed);
        }

        let gate = Gate::new(self.store.keyring().ticket());
        // Theirs whose chat it is: the receipts of all of them are committed with it, or it is refused.
        let key = PlainKey::of_chat(self.store, &links).await?;
        let message = MessageId::new(self.clock, self.entropy);
        let recipient = Address { channel: to.channel.clone(), psid: to.psid.clone() };
        let within = self.window.is_open(Some(last_inbound), now).then_some(self.within);
        let (text, media, persona) = (reply.text.as_str(), reply.media.as_ref(), reply.persona.as_deref());
        let subjects: Vec<_> = links.iter().map(subject).collect();
        let words = AgentWords { by, text, media, persona, last_inbound, links: &subjects };
        let written = gate.agent(words, within, &recipient, message, now, &key, self.entropy);
        let written = key.name_in(written.map_err(|_| AgentError::Text)?);
        let records = links
            .iter()
            .map(|link| {
                let receipt = ReceiptDraft::of_agent(link.institution.clone(), &written, by, now);
                (link.shard, link.customer, receipt)
            })
            .collect();
        let write = Command::WriteAsAgent { shard: to.shard(), disclosure: written, records, at: now };
        self.store.submit(vec![write]).await?;
        tracing::info!(id = %message, channel = %to.channel, by, links = links.len(), "a human wrote in a chat");
        Ok(message)
    }
}

/// The chat's active links: whose chat it is.
async fn active_links(store: &dyn Store, chat: &ConversationId) -> Result<Vec<Link>, StoreError> {
    let links = store.links_of_conversation(chat).await?;
    Ok(links.into_iter().filter(|link| link.state == LinkState::Active).collect())
}

fn subject(link: &Link) -> TicketSubject {
    TicketSubject {
        institution: link.institution.clone(),
        customer: link.customer,
        link: link.id,
        purpose: None,
    }
}

impl Gateway {
    /// Opens what a human wrote if it may still leave, on links and switches read now.
    pub(crate) async fn release_agent(&self, row: OutboxRow) -> Result<Result<Released, Denial>, StoreError> {
        let chat =
            ConversationId { channel: row.recipient.channel.clone(), psid: row.recipient.psid.clone() };
        let links: Vec<_> = active_links(&*self.store, &chat).await?.iter().map(subject).collect();
        let kills = self.store.kills().await?;
        let message = row.message;
        let released = match PlainKey::of_row(&*self.store, &row).await? {
            Some(key) => self.gate.release_agent(row, &links, &kills, self.now(), &key),
            // Whose it was is erased, and their link with them: there is no key that would open it.
            None => Err(Denial::LinksChanged),
        };
        if released.as_ref().is_err_and(|denial| *denial == Denial::LinksChanged) {
            tracing::warn!(id = %message, "what a human wrote is not sent: a link of the chat ended or was made since");
        }
        Ok(released)
    }
}
