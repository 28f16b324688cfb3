//! A channel that a test can steer.

use crate::support::{conversation, plain};
use amana_channel::{
    ApprovedText, Capabilities, Channel, Heard, History, LinkingError, People, Rest, SendError, Sent,
    ThreadOwner, WindowPolicy,
};
use amana_core::*;
use amana_gate::Released;
use amana_render::Encoding;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What the channel does with the next sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The person sees it and we are told.
    Deliver,
    /// The person sees it and we are not told.
    DeliverSilently,
    /// Nobody sees it and we are not told.
    LoseSilently,
    /// Nobody sees it and we are told.
    Fail,
}

pub(crate) struct FakeChannel {
    /// What persons saw: page-scoped id, text, message id.
    pub(crate) seen: Mutex<Vec<(String, String, MessageId)>>,
    /// The bytes of the last message.
    pub(crate) last: Mutex<String>,
    /// The next send panics: a defect.
    pub(crate) panics: Mutex<bool>,
    pub(crate) fates: Mutex<Vec<Fate>>,
    pub(crate) error: Mutex<Option<SendError>>,
    /// Why nothing can be sent to these persons.
    pub(crate) errors_of: Mutex<BTreeMap<String, SendError>>,
    /// The rest that the answer to the next message asks for.
    pub(crate) rest: Mutex<Option<Rest>>,
    pub(crate) linking: Mutex<BTreeMap<String, Psid>>,
    /// Whether the texts for people who are away are approved.
    pub(crate) approved: Mutex<bool>,
    /// What the platform tells of every conversation.
    pub(crate) there: Mutex<Result<History, SendError>>,
    /// Whose conversations were passed to people, and what is answered instead.
    pub(crate) passed: Mutex<Vec<String>>,
    pub(crate) pass_error: Mutex<Option<SendError>>,
    /// Of what the platform did not tell us, and what people wrote meanwhile; how often that cannot be had.
    pub(crate) missed: Mutex<Vec<String>>,
    pub(crate) listen_unanswered: Mutex<bool>,
    pub(crate) heard: Mutex<Vec<Heard>>,
    pub(crate) heard_fails: Mutex<u32>,
    /// What happens while the next send is under way.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What happens while it is asked next what was said in a conversation.
    pub(crate) while_asked: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What the platform says of who has a conversation, and how often it was asked.
    pub(crate) owner: Mutex<Result<ThreadOwner, SendError>>,
    pub(crate) owner_asked: Mutex<u32>,
    /// Whose conversations were taken back, and what is answered instead.
    pub(crate) taken: Mutex<Vec<String>>,
    pub(crate) take_back_error: Mutex<Option<SendError>>,
    /// The platform has nothing of what can be lacking: no window, inbox, record, approved texts or sign of typing.
    /// Which calls came all the same that it would refuse.
    pub(crate) bare: bool,
    pub(crate) lacking: Mutex<Vec<&'static str>>,
    /// Whose messages were marked as seen.
    pub(crate) marked: Arc<Mutex<Vec<String>>>,
}

impl FakeChannel {
    /// What a bare platform says to a call that it does not have.
    fn lacks(&self, what: &'static str) -> Result<(), SendError> {
        if self.bare {
            self.lacking.lock().expect("lock").push(what);
            return Err(SendError::Permanent { code: 404, sub: None });
        }
        Ok(())
    }
}

#[async_trait]
impl Channel for FakeChannel {
    async fn send(&self, released: Released) -> Result<Sent, SendError> {
        if let Some(error) = self.errors_of.lock().expect("lock").get(released.recipient().psid.as_str()) {
            return Err(error.clone());
        }
        if let Some(error) = self.error.lock().expect("lock").clone() {
            return Err(error);
        }
        if std::mem::take(&mut *self.panics.lock().expect("lock")) {
            panic!("a defect in sending");
        }
        if let Some(happens) = self.meanwhile.lock().expect("lock").take() {
            happens();
        }
        let fate = self.fates.lock().expect("lock").pop().unwrap_or(Fate::Deliver);
        let (message, psid) = (released.message(), released.recipient().psid.to_string());
        let body = released.into_body();
        let said = amana_render::messenger::decode_for_display(&body).expect("our own encoding");
        *self.last.lock().expect("lock") = String::from_utf8(body).expect("UTF-8");
        let text = std::iter::once(said.text)
            .chain(said.lines.into_iter().map(|(a, b)| format!("{a} {b}")))
            .collect::<Vec<_>>()
            .join("\n");
        if matches!(fate, Fate::Deliver | Fate::DeliverSilently) {
            self.seen.lock().expect("lock").push((psid, plain(&text), message));
        }
        match fate {
            Fate::Deliver => {
                let rest = self.rest.lock().expect("lock").take();
                Ok(Sent { mid: format!("m_{message}"), rest })
            }
            Fate::DeliverSilently | Fate::LoseSilently => Err(SendError::Ambiguous { what: "a test" }),
            Fate::Fail => Err(SendError::Transient { what: "a test" }),
        }
    }
    async fn typing(&self, _: &Address, _: bool) -> Result<(), SendError> {
        self.lacks("typing")
    }
    async fn mark_seen(&self, to: &Address) -> Result<(), SendError> {
        self.marked.lock().expect("lock").push(to.psid.to_string());
        Ok(())
    }
    async fn linking_recipient(&self, _: &ChannelId, token: &str) -> Result<Psid, LinkingError> {
        self.linking.lock().expect("lock").get(token).cloned().ok_or(LinkingError::BadToken)
    }
    async fn unlink(&self, _: &Address) -> Result<(), SendError> {
        Ok(())
    }
    async fn locale(&self, _: &Address) -> Option<Lang> {
        None
    }
    async fn name(&self, _: &Address) -> Option<String> {
        Some("Sam H.".into())
    }
    async fn pass_to_people(&self, of: &Address) -> Result<(), SendError> {
        self.lacks("pass_to_people")?;
        if let Some(error) = self.pass_error.lock().expect("lock").clone() {
            return Err(error);
        }
        self.passed.lock().expect("lock").push(of.psid.to_string());
        Ok(())
    }
    async fn owner(&self, _: &Address) -> Result<ThreadOwner, SendError> {
        *self.owner_asked.lock().expect("lock") += 1;
        self.owner.lock().expect("lock").clone()
    }
    async fn take_back(&self, of: &Address) -> Result<(), SendError> {
        self.lacks("take_back")?;
        if let Some(error) = self.take_back_error.lock().expect("lock").clone() {
            return Err(error);
        }
        self.taken.lock().expect("lock").push(of.psid.to_string());
        *self.owner.lock().expect("lock") = Ok(ThreadOwner::Nobody);
        Ok(())
    }
    async fn approved_texts(&self, _: &ChannelId) -> Result<Vec<ApprovedText>, SendError> {
        self.lacks("approved_texts")?;
        let approved = *self.approved.lock().expect("lock");
        let text = |ours: amana_render::messenger::utility::ToApprove| ApprovedText {
            name: ours.name.into(),
            lang: ours.lang,
            approved,
            status: if approved { "APPROVED" } else { "PENDING" }.into(),
            reason: None,
        };
        Ok(amana_render::messenger::utility::to_approve().into_iter().map(text).collect())
    }
    async fn people(&self, id: &str) -> Result<People, SendError> {
        if let Some(error) = self.error.lock().expect("lock").clone() {
            return Err(error);
        }
        let mut people = People::default();
        if let Some(psid) = id.strip_prefix("app-") {
            let ConversationId { channel, psid } = conversation(psid);
            people.known.push(Address { channel, psid });
        } else if id == "refused" {
            people.untold.push(conversation("1").channel);
        }
        Ok(people)
    }
    fn encoding_outside(&self) -> Option<Encoding> {
        (!self.bare).then_some(Encoding::MessengerUtility)
    }
    async fn said_since(&self, _: &Address, _: Timestamp) -> Result<History, SendError> {
        self.lacks("said_since")?;
        let happens = self.while_asked.lock().expect("lock").take();
        if let Some(happens) = happens {
            happens();
        }
        self.there.lock().expect("lock").clone()
    }
    async fn talked_since(&self, _: &ChannelId, _: Timestamp) -> Result<Option<Vec<String>>, SendError> {
        self.lacks("talked_since")?;
        Ok(Some(vec!["t_1".into()]))
    }
    async fn heard_in(&self, _: &ChannelId, _: &str, since: Timestamp) -> Result<Vec<Heard>, SendError> {
        let mut failing = self.heard_fails.lock().expect("lock");
        if *failing > 0 {
            *failing -= 1;
            return Err(SendError::Transient { what: "a test" });
        }
        Ok(self.heard.lock().expect("lock").iter().filter(|one| one.at >= since).cloned().collect())
    }
    async fn unheard(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        let error = self.error.lock().expect("lock").clone();
        if let Some(error @ (SendError::TokenDead | SendError::NoWay { .. })) = error {
            return Err(error);
        }
        Ok(self.missed.lock().expect("lock").clone())
    }
    async fn listen(&self, _: &ChannelId) -> Result<Vec<String>, SendError> {
        let missed = std::mem::take(&mut *self.missed.lock().expect("lock"));
        // Carried out, and we are not told.
        match std::mem::take(&mut *self.listen_unanswered.lock().expect("lock")) {
            true => Err(SendError::Ambiguous { what: "a test" }),
            false => Ok(missed),
        }
    }
    fn encoding(&self, reply: bool) -> Encoding {
        if reply { Encoding::MessengerReply } else { Encoding::MessengerUpdate }
    }
    fn capabilities(&self) -> Capabilities {
        if self.bare {
            let window = WindowPolicy { open_for: None };
            return Capabilities {
                window,
                approved_texts: false,
                inbox: None,
                typing: false,
                history: false,
            };
        }
        amana_channel::messenger::capabilities()
    }
}
