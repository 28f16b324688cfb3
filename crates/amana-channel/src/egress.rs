//! The last look before bytes leave: the gate's ticket, the kill switches and the link, and then the platform.

use crate::channel::{
    ApprovedText, Capabilities, Channel, Heard, History, LinkingError, People, SendError, Sent, ThreadOwner,
};
use amana_core::{Address, ChannelId, Clock, KillSwitches, Lang, LinkId, Psid, Timestamp};
use amana_gate::{EgressFrame, Released, TicketError, TicketGuard};
use amana_render::Encoding;
use async_trait::async_trait;
use std::sync::Arc;

/// What egress reads for itself, by a way of its own: it does not believe whoever brings the bytes. Implementations
/// bound how long they look.
#[async_trait]
pub trait StopFlags: Send + Sync {
    /// The kill switches that are on. `None` if they cannot be read; then nothing is sent.
    async fn kills(&self) -> Option<KillSwitches>;

    /// Whether the link still binds its customer to its conversation. `None` if it cannot be read.
    async fn is_bound(&self, link: LinkId) -> Option<bool>;
}

/// A platform behind the guard. It holds no key but the gate's verifying one.
pub struct Egress<C: ?Sized> {
    guard: TicketGuard,
    flags: Arc<dyn StopFlags>,
    clock: Arc<dyn Clock>,
    channel: Arc<C>,
}

impl<C: Channel + ?Sized> Egress<C> {
    /// The platform behind this guard. The guard must have begun no earlier than this object.
    pub fn new(
        guard: TicketGuard,
        flags: Arc<dyn StopFlags>,
        clock: Arc<dyn Clock>,
        channel: Arc<C>,
    ) -> Self {
        Self { guard, flags, clock, channel }
    }

    /// Checks and sends what came from the gate, perhaps from another process.
    ///
    /// # Errors
    /// [`SendError::Refused`] when ticket, switches or link say no, and then surely nothing was sent; else as the
    /// platform answers.
    pub async fn deliver(&self, frame: EgressFrame) -> Result<Sent, SendError> {
        let refused = |why: TicketError| {
            match why {
                // A switch that was pulled after the gate said yes: nobody's fault.
                TicketError::Killed => tracing::warn!("a kill switch stops a message at the last look"),
                why => tracing::error!(reason = why.as_str(), "egress refuses a message"),
            }
            SendError::Refused { why }
        };
        let released = self.guard.admit(frame, self.clock.now()).map_err(refused)?;
        self.last_look(&released).await.map_err(refused)?;
        self.channel.send(released).await
    }

    async fn last_look(&self, released: &Released) -> Result<(), TicketError> {
        let ticket = released.ticket();
        for subject in ticket.subjects() {
            match self.flags.is_bound(subject.link).await {
                Some(true) => {}
                Some(false) => return Err(TicketError::Unbound),
                None => return Err(TicketError::NoAnswer),
            }
        }
        let kills = self.flags.kills().await.ok_or(TicketError::NoAnswer)?;
        if ticket.is_stopped(&kills) {
            return Err(TicketError::Killed);
        }
        // Looking took its time.
        self.guard.in_time(ticket, self.clock.now())
    }
}

#[async_trait]
impl<C: Channel + ?Sized> Channel for Egress<C> {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        self.deliver(released.into_frame()).await
    }
    async fn typing(&self, to: &Address, on: bool) -> Result<(), SendError> {
        self.channel.typing(to, on).await
    }
    async fn mark_seen(&self, to: &Address) -> Result<(), SendError> {
        self.channel.mark_seen(to).await
    }
    async fn linking_recipient(&self, channel: &ChannelId, token: &str) -> Result<Psid, LinkingError> {
        self.channel.linking_recipient(channel, token).await
    }
    async fn unlink(&self, to: &Address) -> Result<(), SendError> {
        self.channel.unlink(to).await
    }
    async fn locale(&self, of: &Address) -> Option<Lang> {
        self.channel.locale(of).await
    }
    async fn name(&self, of: &Address) -> Option<String> {
        self.channel.name(of).await
    }
    async fn pass_to_people(&self, of: &Address) -> Result<(), SendError> {
        self.channel.pass_to_people(of).await
    }
    async fn owner(&self, of: &Address) -> Result<ThreadOwner, SendError> {
        self.channel.owner(of).await
    }
    async fn take_back(&self, of: &Address) -> Result<(), SendError> {
        self.channel.take_back(of).await
    }
    async fn approved_texts(&self, channel: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        self.channel.approved_texts(channel).await
    }
    async fn people(&self, app_scoped: &str) -> Result<People, SendError> {
        self.channel.people(app_scoped).await
    }
    async fn said_since(&self, to: &Address, since: Timestamp) -> Result<History, SendError> {
        self.channel.said_since(to, since).await
    }
    async fn talked_since(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Vec<String>>, SendError> {
        self.channel.talked_since(channel, since).await
    }
    async fn heard_in(
        &self,
        channel: &ChannelId,
        thread: &str,
        since: Timestamp,
    ) -> Result<Vec<Heard>, SendError> {
        self.channel.heard_in(channel, thread, since).await
    }
    async fn unheard(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        self.channel.unheard(channel).await
    }
    async fn listen(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        self.channel.listen(channel).await
    }
    fn encoding(&self, reply: bool) -> Encoding {
        self.channel.encoding(reply)
    }
    fn encoding_outside(&self) -> Option<Encoding> {
        self.channel.encoding_outside()
    }

    fn capabilities(&self) -> Capabilities {
        self.channel.capabilities()
    }
}
