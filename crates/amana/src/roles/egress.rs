//! The egress role: the Pages' tokens and the gate's verifying key. It sends what bears a good ticket, once, after its
//! own look at the kill switches, and nothing else.

use super::Role;
use super::folder::Folder;
use super::peer::{CallError, Peer};
use super::wire::{Ask, WireHistory, WireSendError, WireSent};
use crate::ambient::SystemClock;
use crate::config::Settings;
use crate::lifecycle::Stop;
use crate::{gateway, limits, server};
use amana_channel::{
    ApprovedText, Capabilities, Channel, Egress, Heard, History, LinkingError, Messenger, People, Rest,
    SendError, Sent, ThreadOwner, messenger,
};
use amana_core::{Address, ChannelId, Clock as _, Lang, Psid, Timestamp};
use amana_flow::StoreFlags;
use amana_gate::{EgressFrame, Released, TicketGuard};
use amana_render::Encoding;
use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

type Out = Arc<Egress<Messenger>>;

/// Serves until stopped.
///
/// # Errors
/// When the client cannot be made, the gate's key does not come, or the folder cannot be used.
pub(crate) async fn run(settings: &Settings, folder: &Folder, stop: Stop) -> anyhow::Result<()> {
    let messenger = Arc::new(gateway::messenger(settings)?);
    let flags_url = settings.roles.flags_url.as_ref().unwrap_or(&settings.store_url);
    // A process that may read the gate's database file may read all of it.
    if settings.roles.separate_users && flags_url.expose().starts_with("sqlite:") {
        anyhow::bail!("`[roles] separate_users` needs PostgreSQL, where egress is let at two tables alone");
    }
    let flags = amana_store::open_flags(flags_url.expose())?;
    let key = match settings.roles.egress_key {
        // Of several users: the folder of the gate is not egress's to read, so the pinned key is the key.
        Some(pinned) if settings.roles.separate_users => pinned,
        pinned => {
            let key = tokio::select! {
                key = folder.egress_key(limits::ROLE_PATIENCE) => key?,
                () = stop.soft.cancelled() => return Ok(()),
            };
            // Where the key is pinned, a folder that somebody wrote into makes no other gate.
            if pinned.is_some_and(|pinned| pinned != key) {
                anyhow::bail!(
                    "the gate's verifying key in the folder is not `[roles] egress_key`: nothing is sent"
                );
            }
            key
        }
    };
    let guard = TicketGuard::new(key, SystemClock.now());
    let clock = Arc::new(SystemClock);
    let egress = Arc::new(Egress::new(guard, Arc::new(StoreFlags::read_only(flags)), clock, messenger));
    let router = Router::new()
        .route("/send", post(send))
        .route("/ask", post(ask))
        .layer(DefaultBodyLimit::max(limits::ROLE_ASK_BYTES_MAX))
        .with_state(egress);
    let listener = folder.listen(Role::Egress).await.context("egress cannot listen")?;
    tracing::info!(pages = settings.messenger.pages.len(), "amana egress serves");
    server::serve(listener, router, stop.soft, server::Bounds::default()).await;
    Ok(())
}

fn said<T: Serialize>(result: Result<T, WireSendError>) -> Response {
    match serde_json::to_value(result) {
        Ok(answer) => Json(answer).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn send(State(egress): State<Out>, body: Bytes) -> Response {
    let Ok(frame) = serde_json::from_slice::<EgressFrame>(&body) else {
        tracing::error!("egress was given something that is no message with a ticket");
        return StatusCode::BAD_REQUEST.into_response();
    };
    // In a task of its own: a gate that goes away must not leave a call to the platform half done.
    let task = tokio::spawn(async move { egress.deliver(frame).await });
    let sent = task.await.unwrap_or(Err(SendError::Ambiguous { what: "a defect" }));
    let wire = |sent: Sent| WireSent {
        mid: sent.mid,
        rest_s: sent.rest.map(|rest| rest.time.as_secs()),
        whole_app: sent.rest.is_some_and(|rest| rest.whole_app),
    };
    said(sent.map(wire).map_err(|error| WireSendError::of(&error)))
}

async fn ask(State(egress): State<Out>, body: Bytes) -> Response {
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let sent = |result: Result<(), SendError>| said(result.map_err(|error| WireSendError::of(&error)));
    match ask {
        Ask::Typing { to, on } => sent(egress.typing(&to, on).await),
        Ask::MarkSeen { to } => sent(egress.mark_seen(&to).await),
        Ask::Unlink { to } => sent(egress.unlink(&to).await),
        Ask::LinkingRecipient { channel, token } => {
            let person = egress.linking_recipient(&channel, &token).await;
            said(person.map_err(|error| WireSendError::of_linking(&error)))
        }
        Ask::Locale { of } => said(Ok(egress.locale(&of).await)),
        Ask::Name { of } => said(Ok(egress.name(&of).await)),
        Ask::PassToPeople { of } => sent(egress.pass_to_people(&of).await),
        Ask::Owner { of } => said(egress.owner(&of).await.map_err(|error| WireSendError::of(&error))),
        Ask::TakeBack { of } => sent(egress.take_back(&of).await),
        Ask::ApprovedTexts { channel } => {
            said(egress.approved_texts(&channel).await.map_err(|error| WireSendError::of(&error)))
        }
        Ask::SaidSince { to, since } => {
            let there = egress.said_since(&to, since).await;
            said(there.map(WireHistory::from).map_err(|error| WireSendError::of(&error)))
        }
        Ask::TalkedSince { channel, since } => {
            said(egress.talked_since(&channel, since).await.map_err(|error| WireSendError::of(&error)))
        }
        Ask::HeardIn { channel, thread, since } => {
            let heard = egress.heard_in(&channel, &thread, since).await;
            said(heard.map_err(|error| WireSendError::of(&error)))
        }
        Ask::Unheard { channel } => {
            said(egress.unheard(&channel).await.map_err(|error| WireSendError::of(&error)))
        }
        Ask::Listen { channel } => {
            said(egress.listen(&channel).await.map_err(|error| WireSendError::of(&error)))
        }
        Ask::People { app_scoped } => {
            said(egress.people(&app_scoped).await.map_err(|error| WireSendError::of(&error)))
        }
    }
}

/// The platform, as the gate sees it: behind egress's socket.
pub(crate) struct RemoteChannel {
    peer: Peer,
}

impl RemoteChannel {
    /// The platform behind the egress of this folder.
    pub(crate) fn new(folder: &Folder) -> Self {
        Self { peer: Peer::new(folder.socket(Role::Egress), limits::SEND_CALL_TIME) }
    }

    async fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, WireSendError> {
        match self.peer.call::<Ask, Result<T, WireSendError>>("/ask", ask).await {
            Ok(answer) => answer,
            Err(CallError::NotReached | CallError::InDoubt) => Err(WireSendError::Transient),
        }
    }
}

#[async_trait::async_trait]
impl Channel for RemoteChannel {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        let frame = released.into_frame();
        match self.peer.call::<EgressFrame, Result<WireSent, WireSendError>>("/send", &frame).await {
            Ok(Ok(WireSent { mid, rest_s, whole_app })) => {
                let rest = rest_s.map(|s| Rest { time: Duration::from_secs(s), whole_app });
                Ok(Sent { mid, rest })
            }
            Ok(Err(error)) => Err(error.error()),
            Err(CallError::NotReached) => Err(SendError::NoWay { what: "egress is not there" }),
            // Its echo will tell.
            Err(CallError::InDoubt) => Err(SendError::Ambiguous { what: "egress did not answer" }),
        }
    }

    fn encoding(&self, reply: bool) -> Encoding {
        amana_channel::messenger::encoding(reply)
    }

    async fn typing(&self, to: &Address, on: bool) -> Result<(), SendError> {
        self.ask(&Ask::Typing { to: to.clone(), on }).await.map_err(|error| error.error())
    }

    async fn mark_seen(&self, to: &Address) -> Result<(), SendError> {
        self.ask(&Ask::MarkSeen { to: to.clone() }).await.map_err(|error| error.error())
    }

    async fn linking_recipient(&self, channel: &ChannelId, token: &str) -> Result<Psid, LinkingError> {
        let ask = Ask::LinkingRecipient { channel: channel.clone(), token: token.to_owned() };
        self.ask(&ask).await.map_err(|error| error.linking())
    }

    async fn unlink(&self, to: &Address) -> Result<(), SendError> {
        self.ask(&Ask::Unlink { to: to.clone() }).await.map_err(|error| error.error())
    }

    async fn locale(&self, of: &Address) -> Option<Lang> {
        self.ask::<Option<Lang>>(&Ask::Locale { of: of.clone() }).await.ok().flatten()
    }

    async fn name(&self, of: &Address) -> Option<String> {
        self.ask::<Option<String>>(&Ask::Name { of: of.clone() }).await.ok().flatten()
    }

    async fn pass_to_people(&self, of: &Address) -> Result<(), SendError> {
        self.ask(&Ask::PassToPeople { of: of.clone() }).await.map_err(|error| error.error())
    }

    async fn owner(&self, of: &Address) -> Result<ThreadOwner, SendError> {
        self.ask(&Ask::Owner { of: of.clone() }).await.map_err(|error| error.error())
    }

    async fn take_back(&self, of: &Address) -> Result<(), SendError> {
        self.ask(&Ask::TakeBack { of: of.clone() }).await.map_err(|error| error.error())
    }

    async fn approved_texts(&self, channel: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        self.ask(&Ask::ApprovedTexts { channel: channel.clone() }).await.map_err(|error| error.error())
    }

    async fn people(&self, app_scoped: &str) -> Result<People, SendError> {
        self.ask(&Ask::People { app_scoped: app_scoped.to_owned() }).await.map_err(|error| error.error())
    }

    async fn said_since(&self, to: &Address, since: Timestamp) -> Result<History, SendError> {
        let ask = Ask::SaidSince { to: to.clone(), since };
        self.ask::<WireHistory>(&ask).await.map(History::from).map_err(|error| error.error())
    }

    async fn talked_since(
        &self,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Vec<String>>, SendError> {
        let ask = Ask::TalkedSince { channel: channel.clone(), since };
        self.ask(&ask).await.map_err(|error| error.error())
    }

    async fn heard_in(
        &self,
        channel: &ChannelId,
        thread: &str,
        since: Timestamp,
    ) -> Result<Vec<Heard>, SendError> {
        let ask = Ask::HeardIn { channel: channel.clone(), thread: thread.to_owned(), since };
        self.ask(&ask).await.map_err(|error| error.error())
    }

    async fn unheard(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        self.ask(&Ask::Unheard { channel: channel.clone() }).await.map_err(|error| error.error())
    }

    async fn listen(&self, channel: &ChannelId) -> Result<Vec<String>, SendError> {
        self.ask(&Ask::Listen { channel: channel.clone() }).await.map_err(|error| error.error())
    }

    fn encoding_outside(&self) -> Option<Encoding> {
        messenger::encoding_outside()
    }

    fn capabilities(&self) -> Capabilities {
        messenger::capabilities()
    }
}
