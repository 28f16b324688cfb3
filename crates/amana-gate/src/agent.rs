//! What a human of the institution writes in their own words: no bank data of the gateway's, so no consent is asked.
//! It leaves with a ticket as everything does, while the chat is whose it was and no kill switch stops any of them, and
//! whoever it was is on the customer's record.

use crate::decision::Denial;
use crate::key::DataKey;
use crate::receipt::{ReceiptDraft, ReceiptKind, Recipient};
use crate::release::{Disclosure, Gate, OutboxRow, Released};
use crate::ticket::TicketSubject;
use amana_core::{
    Address, Content, Entropy, InstitutionId, KillSwitches, MediaForm, MessageId, Rich, Timestamp,
};
use amana_render::{Encoding, HumanAgentAct};

/// What a human wrote, and who it was.
#[derive(Debug, Clone, Copy)]
pub struct AgentWords<'a> {
    /// Who, as it stands on the customer's record.
    pub by: &'a str,
    /// Their words.
    pub text: &'a str,
    /// A picture or film of the bank's own instead of words, as the platform has it.
    pub media: Option<&'a MediaForm>,
    /// As whom they are said: the platform's id of a persona. `None`: as the page itself.
    pub persona: Option<&'a str>,
    /// When the person last did something towards the page.
    pub last_inbound: Timestamp,
    /// Whose chat it is: its active links, in any order. When one ends or another is made, the words do not leave.
    pub links: &'a [TicketSubject],
}

impl Gate {
    /// The message of a human: within the platform's window (`within`) in that encoding, and outside of it, for seven
    /// days after the person's last act, under the tag that such words alone may bear. The row is to be committed
    /// together with [`ReceiptDraft::of_agent`] for each customer whose chat it is.
    ///
    /// # Errors
    /// When nobody is named, nothing is said, the person has been away for too long, or the platform's limits do not
    /// allow it.
    #[expect(clippy::too_many_arguments, reason = "as `disclose`")]
    pub fn agent(
        &self,
        words: AgentWords<'_>,
        within: Option<Encoding>,
        recipient: &Address,
        message: MessageId,
        now: Timestamp,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Disclosure, Denial> {
        let AgentWords { by, last_inbound, .. } = words;
        let text = words.text.trim();
        let act = match words.media {
            None => HumanAgentAct::of_keystroke(by, text, last_inbound, now),
            Some(media) if text.is_empty() => HumanAgentAct::of_choice(by, media, last_inbound, now),
            // The platform shows no words beside it.
            Some(_) => None,
        };
        let act = act.ok_or(Denial::NotEncodable)?;
        let encoding = within.unwrap_or(Encoding::MessengerHumanAgent(act));
        let content = Content {
            persona: words.persona.map(str::to_owned),
            rich: words.media.cloned().map(Rich::Media),
            ..Content::text(text)
        };
        let links = self.links_mac(message, words.links);
        let row =
            self.ticketed(&content, recipient, (None, Some(links)), encoding, message, now, key, entropy)?;
        Ok(Disclosure { receipt: None, row, page: None })
    }

    /// At the moment of sending: as [`Gate::release`], for what a human wrote. `links` are the chat's active links,
    /// read now.
    ///
    /// # Errors
    /// When the ticket is bad or over, a switch stops one of the customers, or the chat is not theirs any more, or
    /// another's as well.
    pub fn release_agent(
        &self,
        row: OutboxRow,
        links: &[TicketSubject],
        kills: &KillSwitches,
        now: Timestamp,
        key: &DataKey,
    ) -> Result<Released, Denial> {
        self.check_ticket(&row, now)?;
        let then = row.agent.ok_or(Denial::BadTicket)?;
        let channel = &row.recipient.channel;
        let stopped =
            |of: &TicketSubject| kills.stop(&of.institution, channel, of.customer, of.purpose).is_some();
        if kills.stop_channel(channel) || links.iter().any(stopped) {
            return Err(Denial::Killed);
        }
        if self.links_mac(row.message, links) != then {
            return Err(Denial::LinksChanged);
        }
        self.sign_off(row, links.to_vec(), now, key)
    }

    fn links_mac(&self, message: MessageId, links: &[TicketSubject]) -> [u8; 32] {
        let mut ids: Vec<_> = links.iter().map(|of| *of.link.as_bytes()).collect();
        ids.sort_unstable();
        self.mac(&[b"amana/agent-links/v1", message.as_bytes(), &ids.concat()])
    }
}

impl ReceiptDraft {
    /// The receipt of a message that a human of the institution wrote in the customer's chat: who, when, on which
    /// channel, and the hash of the exact bytes. Nothing of what it says.
    #[must_use]
    pub fn of_agent(institution: InstitutionId, written: &Disclosure, by: &str, at: Timestamp) -> Self {
        let channel = written.row.recipient.channel.clone();
        let agent = Recipient::Agent(by.to_owned());
        let mut receipt = Self::of_sighting(institution, channel, Self::AGENT_WROTE, agent, at);
        receipt.payload_sha256 = Some(hex::encode(written.row.payload_sha256));
        receipt
    }

    /// The receipt of what became of such a message, `outcome` being a stable word: of the bytes of the receipt that it
    /// was written ([`ReceiptDraft::of_agent`]), for the same customer. `None` if they are not one.
    #[must_use]
    pub fn of_agent_outcome(written: &[u8], outcome: &str, at: Timestamp) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Written {
            template: String,
            institution: InstitutionId,
            channel: amana_core::ChannelId,
            recipient: String,
            payload_sha256: String,
        }
        let written: Written = serde_json::from_slice(written).ok()?;
        if written.template != Self::AGENT_WROTE {
            return None;
        }
        let agent = Recipient::Agent(written.recipient.strip_prefix("agent:")?.to_owned());
        let mut receipt = Self::of_sighting(written.institution, written.channel, outcome, agent, at);
        receipt.kind = ReceiptKind::Outcome;
        receipt.payload_sha256 = Some(written.payload_sha256);
        Some(receipt)
    }

    /// Whether it says that a human of the institution wrote.
    #[must_use]
    pub fn is_of_agent(&self) -> bool {
        self.kind == ReceiptKind::Sighting && self.template.as_deref() == Some(Self::AGENT_WROTE)
    }

    /// What a sighting is that a human of the institution wrote through the gateway.
    pub const AGENT_WROTE: &'static str = "agent-wrote";
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{ChannelId, CustomerId, Kill, KillScope, LinkId, Psid, SeededEntropy};

    /// While the chat is whose it was, and nothing stops any of them: in whatever order its links are read.
    #[test]
    fn the_words_of_a_human_leave_while_the_chat_is_whose_it_was_and_nothing_stops_it() {
        let entropy = SeededEntropy::new(3);
        let gate = Gate::new(DataKey::generate(&entropy));
        let key = DataKey::generate(&entropy);
        let channel = ChannelId::new("1001").expect("an id");
        let to = Address { channel: channel.clone(), psid: Psid::new("2").expect("an id") };
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("an instant");
        let bank = |name| InstitutionId::new(name).expect("an id");
        let subject = |name, n: u8| TicketSubject {
            institution: bank(name),
            customer: CustomerId::from_bytes([n; 16]),
            link: LinkId::from_bytes([n; 16]),
            purpose: None,
        };
        let (cedar, pine) = (subject("cedar-bank", 1), subject("pine-bank", 2));
        let both = [cedar.clone(), pine.clone()];
        let written = |links: &[TicketSubject]| {
            let words = AgentWords {
                by: "api:huda",
                text: "yes",
                media: None,
                persona: None,
                last_inbound: now,
                links,
            };
            let within = Some(Encoding::MessengerReply);
            gate.agent(words, within, &to, MessageId::from_bytes([7; 16]), now, &key, &entropy)
                .expect("written")
                .row
        };
        let off = KillSwitches::default();
        let on = |scope| KillSwitches(vec![Kill { scope, reason: "test".into(), since: now }]);
        let row = written(&both);
        let released = gate
            .release_agent(row.clone(), &[pine.clone(), cedar.clone()], &off, now, &key)
            .expect("released");
        assert_eq!(released.ticket().subjects(), [pine.clone(), cedar.clone()]);
        for scope in [
            KillScope::All,
            KillScope::Channel(channel),
            KillScope::Institution(pine.institution.clone()),
            KillScope::Customer(cedar.customer),
        ] {
            let killed = gate.release_agent(row.clone(), &both, &on(scope.clone()), now, &key).err();
            assert_eq!(killed, Some(Denial::Killed), "{scope:?}");
            // Where the bytes leave it is asked once more, of the ticket.
            assert!(released.ticket().is_stopped(&on(scope.clone())), "{scope:?}");
        }
        let purpose = amana_core::Purpose::CustomerService;
        let flow = amana_core::PurposeScope { purpose, institution: None, channel: None };
        // (A human's words hold no data of the bank's, so they have no purpose.)
        for other in [KillScope::Institution(bank("elm-bank")), KillScope::Purpose(flow)] {
            let elsewhere = on(other);
            assert!(gate.release_agent(row.clone(), &both, &elsewhere, now, &key).is_ok());
            assert!(!released.ticket().is_stopped(&elsewhere));
        }

        let third = subject("elm-bank", 3);
        let one = [cedar.clone()];
        for (then, links) in [
            (&both[..], &one[..]),
            (&both[..], &[][..]),
            (&one[..], &both[..]),
            (&[][..], &one[..]),
            (&both[..], &[cedar.clone(), third.clone()][..]),
        ] {
            let denied = gate.release_agent(written(then), links, &off, now, &key).err();
            assert_eq!(denied, Some(Denial::LinksChanged), "{then:?} {links:?}");
        }
        assert!(gate.release_agent(written(&[]), &[], &off, now, &key).is_ok(), "nobody's chat");

        // A row whose mark is gone or another's, and one that no human wrote.
        for agent in [None, written(&one).agent] {
            let other = OutboxRow { agent, ..row.clone() };
            let denied = gate.release_agent(other, &both, &off, now, &key).err();
            assert_eq!(denied, Some(Denial::BadTicket));
        }
        let (message, text) = (MessageId::from_bytes([8; 16]), Content::text("help"));
        let plain = gate.plain(&text, &to, Encoding::MessengerReply, message, now, &key, &entropy);
        let plain = plain.expect("made").row;
        assert_eq!(
            gate.release_agent(plain, &[], &off, now, &key).err(),
            Some(Denial::BadTicket),
            "not a human's"
        );
        let facts = crate::Facts { agreement: None, consent: None, kills: &off, now };
        let by_the_other_way = gate.release(row, &facts, &crate::StandardPolicy, &key).err();
        assert_eq!(by_the_other_way, Some(Denial::BadTicket), "its links are asked");
    }

    #[test]
    fn the_words_of_a_human_bear_the_tag_outside_the_window_alone_and_for_seven_days() {
        let entropy = SeededEntropy::new(3);
        let gate = Gate::new(DataKey::generate(&entropy));
        let key = DataKey::generate(&entropy);
        let to =
            Address { channel: ChannelId::new("1001").expect("an id"), psid: Psid::new("2").expect("an id") };
        let at = |s: &str| -> Timestamp { s.parse().expect("an instant") };
        let last_inbound = at("2026-11-20T10:00:00Z");
        let message = MessageId::from_bytes([7; 16]);
        let write = |by, text, within, now| {
            let words = AgentWords { by, text, media: None, persona: None, last_inbound, links: &[] };
            gate.agent(words, within, &to, message, now, &key, &entropy)
        };
        let away = at("2026-11-26T10:00:00Z");
        let written = write("api:huda", "I look into it", None, away).expect("six days");
        assert!(written.row.anytime);
        // No attempt of it is made after the seventh day.
        assert!(written.row.expires_at < at("2026-11-27T10:00:00Z"), "{}", written.row.expires_at);
        let within = write("api:huda", "I look into it", Some(Encoding::MessengerReply), away).expect("open");
        assert!(!within.row.anytime, "within the window it bears no tag");
        for (by, text, now) in [
            ("api:huda", "I look into it", at("2026-11-27T10:00:00Z")),
            ("api:huda", "  ", away),
            (" ", "I look into it", away),
        ] {
            assert!(write(by, text, None, now).is_err(), "{by:?} {text:?} {now}");
        }
        let receipt = ReceiptDraft::of_agent(
            InstitutionId::new("cedar-bank").expect("an id"),
            &written,
            "api:huda",
            away,
        );
        let sealed = String::from_utf8(receipt.seal(1, [0; 32], (0, 0)).bytes).expect("UTF-8");
        let hash = hex::encode(written.row.payload_sha256);
        for told in
            [r#""kind":"sighting""#, r#""template":"agent-wrote""#, r#""recipient":"agent:api:huda""#, &hash]
        {
            assert!(sealed.contains(told), "{told} in {sealed}");
        }
        assert!(!sealed.contains("look into it"), "{sealed}");
        // What became of it names the same person and the same bytes, and is made of such a receipt alone.
        let outcome = ReceiptDraft::of_agent_outcome(sealed.as_bytes(), "sent", away).expect("an outcome");
        let outcome = String::from_utf8(outcome.seal(2, [0; 32], (0, 0)).bytes).expect("UTF-8");
        for told in [r#""kind":"outcome""#, r#""template":"sent""#, r#""recipient":"agent:api:huda""#, &hash]
        {
            assert!(outcome.contains(told), "{told} in {outcome}");
        }
        assert!(ReceiptDraft::of_agent_outcome(outcome.as_bytes(), "sent", away).is_none());
        // The store takes a human's words with receipts of writing alone.
        assert!(receipt.is_of_agent());
        for other in [
            ReceiptDraft { kind: ReceiptKind::Outcome, ..receipt.clone() },
            ReceiptDraft { template: Some("sent".into()), ..receipt.clone() },
            ReceiptDraft { template: None, ..receipt },
        ] {
            assert!(!other.is_of_agent(), "{other:?}");
        }
    }

    #[test]
    fn the_words_of_a_human_are_said_as_whom_it_was_to_be() {
        let entropy = SeededEntropy::new(3);
        let gate = Gate::new(DataKey::generate(&entropy));
        let key = DataKey::generate(&entropy);
        let to =
            Address { channel: ChannelId::new("1001").expect("an id"), psid: Psid::new("2").expect("an id") };
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().expect("an instant");
        for persona in [None, Some("4711")] {
            let words = AgentWords {
                by: "api:huda",
                text: " yes ",
                media: None,
                persona,
                last_inbound: now,
                links: &[],
            };
            let (message, within) = (MessageId::from_bytes([7; 16]), Some(Encoding::MessengerReply));
            let row = gate.agent(words, within, &to, message, now, &key, &entropy).expect("written").row;
            let said = |text| gate.row_says(&row, &key, text).expect("opens");
            assert_eq!((said("yes"), said("4711")), (true, persona.is_some()));
        }
    }
}
