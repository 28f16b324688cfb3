//! Messenger: its Send API, profile and subscriptions (messenger reference, sections 2, 2.1 and 5).

mod config;
mod encode;

pub use config::{
    ChannelProblem, MessengerConfig, PageConfig, PageStatus, Profile, SetupReport, Timeouts, TokenState,
};
pub use encode::{Said, decode_for_display, encode, encode_reply};

use crate::channel::{Channel, LinkingError, SendError, Sent, WindowPolicy};
use amana_core::{Address, ChannelId, Lang, Psid};
use amana_gate::Released;

/// The Messenger client: the only holder of page tokens.
pub struct Messenger {
    _config: MessengerConfig,
}

impl Messenger {
    /// A client for these pages.
    ///
    /// # Errors
    /// When the configuration cannot be used, with the key to mend.
    pub fn new(config: MessengerConfig) -> Result<Self, ChannelProblem> {
        Ok(Self { _config: config })
    }

    /// Subscribes the page and writes its profile: reads first, writes only what differs, so it may run at every start.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub async fn setup(&self, page: &ChannelId, profile: &Profile) -> Result<SetupReport, SendError> {
        let _ = (page, profile);
        Err(SendError::UnknownChannel)
    }

    /// How the page stands, for `amana doctor`. Changes nothing. Without `profile` the profile is not compared.
    pub async fn status(&self, page: &ChannelId, profile: Option<&Profile>) -> PageStatus {
        let _ = profile;
        PageStatus::unknown(page)
    }
}

#[async_trait::async_trait]
impl Channel for Messenger {
    async fn send(&self, _released: Released) -> Result<Sent, SendError> {
        Err(SendError::UnknownChannel)
    }
    async fn typing(&self, _to: &Address, _on: bool) -> Result<(), SendError> {
        Err(SendError::UnknownChannel)
    }
    async fn mark_seen(&self, _to: &Address) -> Result<(), SendError> {
        Err(SendError::UnknownChannel)
    }
    async fn linking_recipient(&self, _channel: &ChannelId, _token: &str) -> Result<Psid, LinkingError> {
        Err(LinkingError::BadToken)
    }
    async fn unlink(&self, _to: &Address) -> Result<(), SendError> {
        Err(SendError::UnknownChannel)
    }
    async fn locale(&self, _of: &Address) -> Option<Lang> {
        None
    }
    fn window(&self) -> WindowPolicy {
        WindowPolicy { open_for: Some(crate::limits::WINDOW.saturating_sub(crate::limits::WINDOW_MARGIN)) }
    }
}
