//! What a platform asks us to forget: a person's data, or our access to them. The platform names people by an id of the
//! app's, which says nothing of a chat; where it tells whose chats those are, everything of them goes at once. A person
//! who is known by a chat alone asks in the chat, or on the privacy page.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use amana_channel::People;
use amana_core::{Address, ConversationId};
use amana_store::{AlarmKind, Command, PlatformRequest, PlatformRequestKind};
use std::collections::BTreeSet;

/// What the platform is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformAnswer {
    /// The page on which the person sees what became of it.
    pub url: String,
    /// The code by which it is found there, as hexadecimal digits.
    pub code: String,
}

impl Gateway {
    /// Takes in what the platform asks for in the name of a person, whose id of the app's this is. The request must
    /// have been verified. When it returns, it is done, or on record as not done.
    ///
    /// # Errors
    /// When the store or the platform fails: then the platform must ask again.
    pub async fn on_platform_request(
        &self,
        kind: PlatformRequestKind,
        app_scoped: &str,
    ) -> Result<PlatformAnswer, LinkError> {
        let People { known, untold } = self.channel.people(app_scoped).await.map_err(|error| {
            tracing::warn!(%error, "the platform does not say whose chats a request is about");
            LinkError::Platform(error.into())
        })?;
        let code: [u8; 16] = self.entropy.array();
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        let (chats, unknown) = (count(known.len()), count(untold.len()));
        let request = PlatformRequest { code, kind, chats, untold: unknown, at: self.now(), done_at: None };
        self.store.submit(vec![Command::PutPlatformRequest(request)]).await?;
        for chat in &known {
            self.forget_chat(kind, chat).await?;
        }
        if untold.is_empty() {
            self.store.submit(vec![Command::FinishPlatformRequest { code, at: self.now() }]).await?;
        }
        let code = hex::encode(code);
        // Nobody can do it here, and nobody asks again: the page says so to the person, and an alarm to the operator.
        for channel in &untold {
            self.raise(channel, &format!("{}:{code}", kind.as_str()), AlarmKind::DeletionUntold).await?;
        }
        metrics::counter!("amana_platform_requests_total").increment(1);
        let url =
            self.page(&format!("privacy/deletion/{code}")).map_or_else(String::new, |url| url.to_string());
        Ok(PlatformAnswer { url, code })
    }

    /// What became of a request, by the code of its page.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn platform_request(&self, code: &str) -> Result<Option<PlatformRequest>, FlowError> {
        let mut bytes = [0; 16];
        if hex::decode_to_slice(code, &mut bytes).is_err() {
            return Ok(None);
        }
        Ok(self.store.platform_request(&bytes).await?)
    }

    /// The command that leaves nothing of a chat; with what is still to be sent, too (`unsent`).
    pub(crate) fn forget_command(&self, chat: &ConversationId, unsent: bool) -> Command {
        let (conversation, lane) = (chat.clone(), self.lane_of_conversation(chat));
        Command::ForgetChat { conversation, lane, unsent }
    }

    async fn forget_chat(&self, kind: PlatformRequestKind, chat: &Address) -> Result<(), LinkError> {
        let conversation = ConversationId { channel: chat.channel.clone(), psid: chat.psid.clone() };
        match kind {
            // Nothing may flow any more; what was proved stays, as the customer's own.
            PlatformRequestKind::Deauthorisation => {
                let commands = self.end_links(&conversation).await?;
                if !commands.is_empty() {
                    self.store.submit(commands).await?;
                }
            }
            PlatformRequestKind::Deletion => {
                let customers: BTreeSet<_> = self
                    .store
                    .links_ever(&conversation)
                    .await?
                    .iter()
                    .filter(|link| link.was_confirmed())
                    .map(|link| link.customer)
                    .collect();
                let stranger = customers.is_empty();
                for customer in customers {
                    self.erase_customer(customer).await?;
                }
                // A customer's erasure is told in their chat, and then nothing is left of that either. Of a chat that
                // was never linked everything goes now.
                let forget = self.forget_command(&conversation, stranger);
                self.store.submit(vec![forget]).await?;
            }
        }
        Ok(())
    }
}
