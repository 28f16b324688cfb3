//! The dialogue: what a person did in the chat, and what that leads to.

use crate::answer::Question;
use crate::edits::{Said, holds_late};
use crate::error::FlowError;
use crate::gateway::{Gateway, Institution};
use crate::worker::{Effects, Trouble};
use amana_channel::webhook::{Handover, Inbound, InboundKind, opens_window};
use amana_chat::{Intent, Understood, plain};
use amana_core::{Address, Content, ConversationId, InstitutionId, Lang};
use amana_store::{Command, Conversation, InboxRow, Link, LinkState};

/// What a person sees beside messages.
#[derive(Clone, Copy)]
enum Sign {
    /// That theirs was seen.
    Seen,
    /// That an answer is on its way.
    Typing,
}

impl Gateway {
    pub(crate) async fn on_chat(&self, row: &InboxRow) -> Result<Effects, Trouble> {
        if let Some(raw) = self.open_unread(row)? {
            return Box::pin(self.on_unread(&raw)).await;
        }
        let Some(inbound) = self.open_chat(row).await? else { return Ok(Vec::new()) };
        let conversation = inbound.conversation.clone();
        let known = self.store.conversation(&conversation).await?;
        let mut person = match known {
            Some(person) => person,
            None => self.meet(&inbound).await,
        };
        let mut effects = Vec::new();
        if opens_window(&inbound.kind) {
            // The platform's clock and ours may differ; the window is counted from the earlier of the two.
            let at = inbound.at.min(self.now());
            person.last_inbound_at = person.last_inbound_at.max(Some(at));
            effects.push(Command::OpenWindow { conversation: conversation.clone() });
        }

        let owner = self.owner_after(&inbound, &person);
        let said = self.said(row, &inbound, &mut effects).await?;
        let kind = match said.kind().unwrap_or(&inbound.kind) {
            // Linking is ours, whoever has the conversation.
            InboundKind::Standby(inner)
                if matches!(**inner, InboundKind::Linked { .. } | InboundKind::Unlinked) =>
            {
                inner
            }
            kind => kind,
        };
        let replies = match &said {
            Said::Is(_) => match self.intent(kind, &mut person) {
                Some(intent) => self.reply(&mut person, &intent).await?,
                None => self.react(&person, kind).await?,
            },
            Said::Late(text) => match self.understood(text, &mut person) {
                intent if holds_late(&intent) => self.reply(&mut person, &intent).await?,
                _ => vec![self.say(&person.id, &plain::corrected_late(person.lang), true).await?],
            },
            Said::Nothing => Vec::new(),
        };
        effects.insert(0, Command::PutConversation(person));
        if let Some(set_owner) = owner {
            effects.insert(1, set_owner);
        }
        if let InboundKind::Handover(Handover::Requested { by, .. }) = kind {
            effects.extend(self.on_request(&inbound, by.as_deref()).await?);
        }
        if is_said(kind) {
            self.show(&conversation, Sign::Seen);
        }
        effects.extend(replies);
        Ok(effects)
    }

    /// Shows the person a sign. Nothing waits for it, and nothing is lost where it does not go through.
    fn show(&self, conversation: &ConversationId, sign: Sign) {
        let (Some(me), Ok(room)) = (self.me.upgrade(), self.seen_room.clone().try_acquire_owned()) else {
            return;
        };
        if self.paused().contains(&conversation.channel) {
            return;
        }
        let to = Address { channel: conversation.channel.clone(), psid: conversation.psid.clone() };
        tokio::spawn(async move {
            let shown = match sign {
                Sign::Seen => me.channel.mark_seen(&to).await,
                Sign::Typing => me.channel.typing(&to, true).await,
            };
            if let Err(error) = shown {
                tracing::debug!(%error, "a sign could not be shown");
            }
            drop(room);
        });
    }

    /// A person's first sign of life.
    async fn meet(&self, inbound: &Inbound) -> Conversation {
        let address = Address {
            channel: inbound.conversation.channel.clone(),
            psid: inbound.conversation.psid.clone(),
        };
        let by_text = match &inbound.kind {
            InboundKind::Text { text, .. } => Lang::of_text(text),
            _ => None,
        };
        let lang = match by_text {
            Some(lang) => Some(lang),
            None => self.channel.locale(&address).await,
        };
        Conversation {
            id: inbound.conversation.clone(),
            lang: lang.unwrap_or_default(),
            lang_chosen: false,
            last_inbound_at: None,
            welcomed_at: None,
            elsewhere: None,
        }
    }

    /// What the person means, for events that mean something. The language of what they write becomes the
    /// conversation's, unless they chose one.
    fn intent(&self, kind: &InboundKind, person: &mut Conversation) -> Option<Intent> {
        match kind {
            InboundKind::Text { text, .. } => Some(self.understood(text, person)),
            InboundKind::QuickReply { payload, .. } => Some(Intent::from_payload(payload)),
            InboundKind::Postback { payload, .. } => {
                Some(payload.as_deref().map_or(Intent::Greeting, Intent::from_payload))
            }
            _ => None,
        }
    }

    /// What a text means.
    fn understood(&self, text: &str, person: &mut Conversation) -> Intent {
        let Understood { intent, lang } = self.understand.understand(text, person.lang, self.now());
        // A word or a name ("ok", "Netflix") says little about the language of a conversation that has one.
        let telling = text.split_whitespace().count() > 1 || person.welcomed_at.is_none();
        if !person.lang_chosen && telling {
            person.lang = lang;
        }
        intent
    }

    async fn reply(&self, person: &mut Conversation, intent: &Intent) -> Result<Effects, FlowError> {
        let to = person.id.clone();
        let mut effects = Vec::new();
        if person.welcomed_at.is_none() {
            person.welcomed_at = Some(self.now());
            let name = self.page_name(&to, person.lang);
            effects.push(self.say(&to, &plain::welcome(person.lang, &name), true).await?);
        }
        let links: Vec<Link> = self.store.links_of_conversation(&to).await?;
        let active: Vec<&Link> = links.iter().filter(|l| l.state == LinkState::Active).collect();
        let lang = person.lang;

        if let Some(question) = Question::of(intent) {
            if active.is_empty() {
                effects.extend(self.ask_to_link(&to, lang).await?);
            } else if self.channel.capabilities().typing {
                // The bank has up to twenty seconds; the message itself ends it.
                self.show(&to, Sign::Typing);
            }
            // Side by side: a bank that hangs must not make the other's answer wait for its time-out.
            let answers = active.iter().map(|link| self.answer(link, intent, &question, lang));
            for (link, answer) in active.iter().zip(futures_util::future::join_all(answers).await) {
                let answer = match answer {
                    // One bank that is gone from the configuration must not silence the others.
                    Err(FlowError::NotConfigured(what)) => {
                        tracing::error!(link = %link.id, what, "a linked institution is not configured");
                        vec![
                            self.say_of(link, &plain::not_offered(lang, link.institution.as_str()), true)
                                .await?,
                        ]
                    }
                    answer => answer?,
                };
                effects.extend(answer);
            }
            return Ok(effects);
        }
        match intent {
            Intent::Greeting if active.is_empty() => effects.extend(self.ask_to_link(&to, lang).await?),
            Intent::Link => effects.extend(self.ask_to_link(&to, lang).await?),
            Intent::Greeting => effects.push(self.say(&to, &plain::greeting(lang), true).await?),
            Intent::News => {
                // What waits comes by itself, now that the window is open.
                let mut waits = false;
                for link in &active {
                    waits |= !self.store.waiting(link.shard, link.id).await?.is_empty();
                }
                if !waits {
                    effects.push(self.say(&to, &plain::no_news(lang), true).await?);
                }
            }
            Intent::Renew => effects.extend(self.ways_to_renew(&to, &active, lang).await?),
            Intent::Person => {
                let content = plain::person(lang, &self.page_name(&to, lang));
                let said = self.say(&to, &content, true).await?;
                if let Command::Disclose { disclosure, .. } = &said
                    && self.people_answer()
                {
                    let (message, recipient) = (disclosure.row.message, disclosure.row.recipient.clone());
                    effects.push(self.pass_after(message, recipient).await?);
                }
                effects.push(said);
            }
            Intent::Privacy if self.store.links_ever(&to).await?.is_empty() => {
                effects.push(self.say(&to, &plain::privacy_not_linked(lang), true).await?);
            }
            Intent::Privacy => {
                effects.push(self.say(&to, &plain::privacy(lang, &self.privacy_url()), true).await?);
            }
            Intent::Erase { asked } => effects.extend(self.erase_from_chat(&to, lang, *asked).await?),
            Intent::Stop | Intent::Unlink if links.is_empty() => {
                effects.push(self.say(&to, &plain::nothing_to_stop(lang), true).await?);
            }
            Intent::Stop | Intent::Unlink => {
                effects.extend(self.end_links(&to).await?);
                let names = self.names(links.iter(), lang);
                let content = match intent {
                    Intent::Stop => plain::stopped(lang, &names),
                    _ => plain::unlinked(lang, &names),
                };
                let content = self.and_there(content, links.iter().map(|link| &link.institution), lang);
                let ended: Vec<&Link> = links.iter().collect();
                effects.push(self.say_of_all(&ended, &to, &content, true).await?);
                // The platform's own mark of the link goes too; what counts is ended already.
                let address = Address { channel: to.channel.clone(), psid: to.psid.clone() };
                if let Err(error) = self.channel.unlink(&address).await {
                    tracing::info!(%error, "the platform could not be told of an unlinking");
                }
            }
            Intent::SwitchLanguage(chosen) => {
                person.lang = *chosen;
                person.lang_chosen = true;
                effects.push(self.say(&to, &plain::language_set(*chosen), true).await?);
            }
            other => effects.push(self.say(&to, &Self::plain_answer(other, lang), true).await?),
        }
        Ok(effects)
    }

    fn plain_answer(intent: &Intent, lang: Lang) -> Content {
        match intent {
            Intent::Help => plain::help(lang),
            Intent::ChooseLanguage => plain::choose_language(lang),
            Intent::Thanks => plain::thanks(lang),
            Intent::Unsupported => plain::unsupported_request(lang),
            _ => plain::not_understood(lang),
        }
    }

    /// What events lead to that are no utterance.
    async fn react(&self, person: &Conversation, kind: &InboundKind) -> Result<Effects, FlowError> {
        let to = &person.id;
        match kind {
            InboundKind::Linked { authorization_code } => {
                self.on_linked(to, authorization_code.as_deref()).await
            }
            InboundKind::Unlinked => {
                let links = self.store.links_of_conversation(to).await?;
                if links.is_empty() {
                    return Ok(Vec::new());
                }
                let mut effects = self.end_links(to).await?;
                let names = self.names(links.iter(), person.lang);
                let (ended, said): (Vec<&Link>, _) =
                    (links.iter().collect(), plain::unlinked(person.lang, &names));
                effects.push(self.say_of_all(&ended, to, &said, false).await?);
                Ok(effects)
            }
            InboundKind::Attachment { .. } => {
                Ok(vec![self.say(to, &plain::unsupported_attachment(person.lang), true).await?])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether people answer in the platform's own inbox: it has one, and the configuration lets it send on our
    /// channels.
    pub(crate) fn people_answer(&self) -> bool {
        self.channel.capabilities().inbox.is_some_and(|inbox| self.reconcile.allowed_apps.contains(inbox))
    }

    pub(crate) async fn ask_to_link(&self, to: &ConversationId, lang: Lang) -> Result<Effects, FlowError> {
        let (url, token) = self.one_time_link(to);
        let button = self.account_linking_url(&to.channel);
        Ok(vec![token, self.say(to, &plain::ask_to_link(lang, &button, Some(&url)), true).await?])
    }

    /// The name that a page speaks under: its bank's, or all its banks'.
    fn page_name(&self, to: &ConversationId, lang: Lang) -> String {
        let ids = self.channels.get(&to.channel).map(|c| c.institutions.as_slice()).unwrap_or_default();
        let names: Vec<&str> =
            ids.iter().filter_map(|id| Some(self.institutions.get(id)?.name_in(lang))).collect();
        join(&names, lang)
    }

    pub(crate) fn names<'a>(&self, links: impl Iterator<Item = &'a Link>, lang: Lang) -> String {
        let mut names: Vec<&str> = links
            .filter_map(|l| self.institutions.get(&l.institution))
            .map(|i: &Institution| i.name_in(lang))
            .collect();
        names.dedup();
        join(&names, lang)
    }

    /// The same, with what only the customer can do at those banks where an application cannot take a grant back.
    pub(crate) fn and_there<'a>(
        &self,
        content: Content,
        banks: impl Iterator<Item = &'a InstitutionId>,
        lang: Lang,
    ) -> Content {
        let mut names: Vec<&str> = banks
            .filter_map(|bank| self.institutions.get(bank))
            .filter(|bank| bank.upkeep.revoked_there_alone)
            .map(|bank| bank.name_in(lang))
            .collect();
        names.dedup();
        if names.is_empty() { content } else { plain::and_there(lang, content, &join(&names, lang)) }
    }
}

/// What a person says or taps in a conversation that is ours.
fn is_said(kind: &InboundKind) -> bool {
    matches!(
        kind,
        InboundKind::Text { .. }
            | InboundKind::QuickReply { .. }
            | InboundKind::Postback { .. }
            | InboundKind::Attachment { .. }
    )
}

fn join(names: &[&str], lang: Lang) -> String {
    names.join(match lang {
        Lang::English => ", ",
        Lang::Arabic => "، ",
    })
}
