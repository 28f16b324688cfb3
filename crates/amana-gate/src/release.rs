//! From a protected value to bytes that may leave: decision, rendering, receipt and ticket; and at the send, all again.

use crate::decision::{Ask, Denial, Facts, Policy, decide};
use crate::key::{DataKey, Domain, KeyError};
use crate::protected::{BankData, Protected, Subject};
use crate::purpose::Purpose;
use crate::receipt::{ReceiptDraft, ReceiptKind, Recipient};
use crate::sealed_page::SealedPage;
use crate::ticket::{EgressFrame, EgressTicket, TicketSigner, TicketSubject};
use amana_core::ids::sha256;
use amana_core::{
    AccountId, Address, ChannelId, Clusters, Consent, ConsentEnd, ConsentId, Content, CustomerId, Entropy,
    Form, InstitutionId, MessageId, Shard, Timestamp, micros,
};
use amana_render::{Encoding, Render, RenderContext, page};
use serde::{Deserialize, Serialize};

/// How long a ticket is good: a message that could not be sent for so long is decided anew or not at all.
pub const TICKET_HOURS: i64 = 72;
/// The same of news: what happened stays true, and they would be told as late if they waited as news. A little less
/// than the page behind a notice lasts.
pub const NEWS_TICKET_HOURS: i64 = 144;

/// How long a ticket on this basis is good.
fn ticket_hours(basis: Option<&Basis>) -> i64 {
    use amana_core::Purpose as P;
    match basis.map(|basis| basis.purpose) {
        Some(P::TransactionUpdate | P::BalanceUpdate) => NEWS_TICKET_HOURS,
        _ => TICKET_HOURS,
    }
}

/// Why bytes may leave: what is checked again at the send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Whose data.
    pub customer: CustomerId,
    /// From which institution.
    pub institution: InstitutionId,
    /// For which purpose.
    pub purpose: amana_core::Purpose,
    /// About which accounts.
    pub accounts: Vec<AccountId>,
    /// Of which kinds.
    pub clusters: Clusters,
    /// In which form it was rendered. If less is allowed at the send, it does not leave.
    pub form: Form,
    /// By which consent.
    pub consent: ConsentId,
}

/// What a message without bank data is about, which says with whom it goes: a chat can have customers of several banks,
/// and one of them may be erased while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum About {
    /// A link of the customer under whose key it is, or what is theirs in another way: it goes with them.
    #[default]
    Link,
    /// Several links of the chat: it goes with the first of its customers.
    Links,
    /// The conversation alone: it stays, under another one's key, while the chat is another customer's, too.
    Chat,
}

/// A message with its ticket, as the outbox keeps it. The payload is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The message.
    pub message: MessageId,
    /// To whom.
    pub recipient: Address,
    /// Why it may leave; `None` for a message that holds no bank data.
    pub basis: Option<Basis>,
    /// The exact bytes for the platform, encrypted.
    pub payload: Vec<u8>,
    /// SHA-256 of the exact bytes.
    pub payload_sha256: [u8; 32],
    /// MACs of what it says, where it holds no bank data: its bytes go once it is sent ([`Gate::row_said`]).
    pub said: Vec<u8>,
    /// When the ticket ends.
    pub expires_at: Timestamp,
    /// Whether the platform takes it also when the person has been away for longer than its window.
    pub anytime: bool,
    /// Where a human of the institution wrote it: a MAC of the chat's active links then ([`Gate::agent`]). Such a row
    /// has no basis, and is released by [`Gate::release_agent`] alone.
    pub agent: Option<[u8; 32]>,
    /// Where it holds no bank data: the customer, with their shard, under whose key bytes and recipient are; `None` is
    /// the deployment's. The ticket does not name it: under any other key the bytes do not open. With bank data it is
    /// the basis that says whose.
    pub under: Option<(Shard, CustomerId)>,
    /// Where it holds no bank data: what it is about. It says nothing about whether the message may leave.
    pub about: About,
    /// The gate's MAC over everything above but `under` and `about`, and `said`, which is MACs itself.
    pub ticket: [u8; 32],
}

/// A decision to release, not durable yet. The store takes it apart and commits receipt and row together.
#[must_use = "nothing leaves until a disclosure is committed"]
#[derive(Debug)]
pub struct Disclosure {
    /// The receipt; `None` for a message that holds no bank data.
    pub receipt: Option<ReceiptDraft>,
    /// The row for the outbox.
    pub row: OutboxRow,
    /// What a notice did not say, for the page that it leads to. Committed with the two, or not at all.
    pub page: Option<Box<SealedPage>>,
}

impl Disclosure {
    /// Whether receipt, row and page are of one decision: bank data has a receipt, and what has none no bank data; the
    /// receipt is that of a disclosure, of the very bytes, and says of purpose, form, consent, kinds of data, channel
    /// and institution what the row's basis says; the page is that message's, on the row's basis. The store commits
    /// nothing else.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let (receipt, basis) = match (&self.receipt, &self.row.basis) {
            (Some(receipt), Some(basis)) => (receipt, basis),
            (None, None) => return self.page.is_none(),
            (None, Some(_)) | (Some(_), None) => return false,
        };
        let mut hash = [0; 32];
        let said =
            receipt.payload_sha256.as_ref().is_some_and(|hex| hex::decode_to_slice(hex, &mut hash).is_ok());
        said && hash == self.row.payload_sha256
            && receipt.kind == ReceiptKind::Disclosure
            && receipt.institution == basis.institution
            && receipt.purpose == Some(basis.purpose)
            && receipt.form == Some(basis.form)
            && receipt.clusters == basis.clusters
            && receipt.consent.as_ref().is_some_and(|(consent, _)| *consent == basis.consent)
            && receipt.channel.as_ref() == Some(&self.row.recipient.channel)
            && receipt.recipient == Recipient::Customer
            // What a human wrote has no basis, and the basis says under whose key it is.
            && self.row.agent.is_none()
            && self.row.under.is_none()
            && self.row.about == About::Link
            && self.page.as_ref().is_none_or(|page| page.message == self.row.message && page.basis == *basis)
    }
}

/// A decision not to release, with the receipt that records it.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub denial: Denial,
    /// The receipt of the denial.
    pub receipt: ReceiptDraft,
}

/// Bytes that may leave now, with the ticket that says so. Made by [`Gate::release`], or where they leave by
/// [`crate::TicketGuard::admit`] from a ticket that the gate signed; by nothing else. Not `Clone`; a channel consumes
/// it.
#[must_use = "released bytes are sent or dropped, once"]
pub struct Released {
    ticket: EgressTicket,
    body: Vec<u8>,
}

impl Released {
    /// Of bytes that the guard has found to be those of a good ticket.
    pub(crate) fn admitted(ticket: EgressTicket, body: Vec<u8>) -> Self {
        Self { ticket, body }
    }
    /// The message.
    #[must_use]
    pub fn message(&self) -> MessageId {
        self.ticket.message()
    }
    /// To whom it goes.
    #[must_use]
    pub fn recipient(&self) -> &Address {
        self.ticket.recipient()
    }
    /// The gate's signature over these bytes.
    #[must_use]
    pub fn ticket(&self) -> &EgressTicket {
        &self.ticket
    }
    /// Bytes and ticket, for the guard where they leave ([`crate::TicketGuard`]).
    pub fn into_frame(self) -> EgressFrame {
        EgressFrame { ticket: self.ticket, body: self.body }
    }
    /// The exact bytes, taken out for sending.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

/// The gate of one deployment.
pub struct Gate {
    ticket_key: DataKey,
    egress: TicketSigner,
}

impl Gate {
    /// The gate that makes tickets with this key: the MAC of outbox rows, and the signing key of egress tickets, which
    /// is derived from it.
    #[must_use]
    pub fn new(ticket_key: DataKey) -> Self {
        let seed = zeroize::Zeroizing::new(ticket_key.derive("egress").mac(&[b"ed25519 seed"]));
        let egress = TicketSigner::new(&seed);
        Self { ticket_key, egress }
    }

    /// The key by which egress checks the tickets of [`Gate::release`]. It is public. `None` only if the cipher took no
    /// key, and then nothing is released either.
    #[must_use]
    pub fn egress_key(&self) -> Option<[u8; 32]> {
        self.egress.verifying_key()
    }

    /// Decides whether the data may be released for the purpose `P`, and if so renders and seals the message.
    ///
    /// # Errors
    /// A refusal with its receipt, when any party says no or anything goes wrong.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one fact of the decision; a struct would only rename them"
    )]
    pub fn disclose<P: Purpose, R: Render<Data: BankData>>(
        &self,
        facts: &Facts<'_>,
        policy: &dyn Policy,
        data: &Protected<R::Data>,
        about: (&[AccountId], Clusters),
        recipient: &Address,
        said: &R,
        context: &RenderContext,
        encoding: Encoding,
        message: MessageId,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Disclosure, Box<Refusal>> {
        let (accounts, clusters) = about;
        let ask = Ask { subject: data.subject(), recipient, accounts, clusters };
        let mut receipt = ReceiptDraft {
            kind: ReceiptKind::Denial,
            institution: ask.subject.institution.clone(),
            agreement: facts.agreement.map(|a| a.id),
            consent: facts.consent.map(|c| (c.id, consent_hash(c))),
            purpose: Some(P::WORD),
            clusters,
            channel: Some(recipient.channel.clone()),
            recipient: Recipient::Customer,
            form: None,
            template: None,
            payload_sha256: None,
            policy_set_sha256: Some(policy.set_sha256().to_owned()),
            decided_at: facts.now,
        };
        let refuse = |denial: Denial, mut receipt: ReceiptDraft| {
            receipt.template = Some(denial.as_str().to_owned());
            Box::new(Refusal { denial, receipt })
        };
        let (form, consent) = match (decide(P::WORD, &ask, facts, policy), facts.consent) {
            // Some bytes have no room for more than a notice, whatever was agreed and allowed.
            (Ok(form), Some(consent)) => (form.min(encoding.most_open()), consent),
            (Ok(_), None) => return Err(refuse(Denial::NoConsent, receipt)),
            (Err(denial), _) => return Err(refuse(denial, receipt)),
        };
        let basis = Basis {
            customer: ask.subject.customer,
            institution: ask.subject.institution.clone(),
            purpose: P::WORD,
            accounts: accounts.to_vec(),
            clusters,
            form,
            consent: consent.id,
        };
        let mut page = None;
        let content = match form {
            Form::Notice => match context.open_url.as_deref().filter(|_| encoding.has_link()) {
                Some(open_url) => {
                    // What the customer may not be told in front of the platform, they may read on our own page.
                    let lines = page::message_lines(&said.detail(data.open(), context));
                    let kept = SealedPage::of(lines, context, (message, consent.link, &basis), key, entropy);
                    let Ok((kept, token)) = kept else { return Err(refuse(Denial::Unreadable, receipt)) };
                    page = Some(Box::new(kept));
                    let open_url = Some(format!("{open_url}#{token}"));
                    R::notice(&RenderContext { open_url, ..context.clone() })
                }
                None => R::notice(context),
            },
            Form::Summary => said.summary(data.open(), context),
            Form::Detail => said.detail(data.open(), context),
        };
        let row = match self.ticketed(
            &content,
            recipient,
            (Some(basis), None),
            encoding,
            message,
            facts.now,
            key,
            entropy,
        ) {
            Ok(row) => row,
            Err(denial) => return Err(refuse(denial, receipt)),
        };
        receipt.kind = ReceiptKind::Disclosure;
        receipt.form = Some(form);
        receipt.template = Some(R::TEMPLATE.to_owned());
        receipt.payload_sha256 = Some(hex::encode(row.payload_sha256));
        Ok(Disclosure { receipt: Some(receipt), row, page })
    }

    /// A message that holds no bank data: help, an invitation to link, a confirmation. It gets a ticket all the same,
    /// since egress sends nothing without one.
    ///
    /// # Errors
    /// When the channel's rules do not allow the content.
    #[expect(clippy::too_many_arguments, reason = "as `disclose`")]
    pub fn plain(
        &self,
        content: &Content,
        recipient: &Address,
        encoding: Encoding,
        message: MessageId,
        now: Timestamp,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<Disclosure, Denial> {
        let row = self.ticketed(content, recipient, (None, None), encoding, message, now, key, entropy)?;
        Ok(Disclosure { receipt: None, row, page: None })
    }

    /// At the moment of sending: checks the row's ticket, decides again on fresh facts, opens the bytes, and signs
    /// their egress ticket. The row comes from the store, so its receipt is durable.
    ///
    /// # Errors
    /// When the ticket is bad or over, or any party says no now (less than was rendered is also a no).
    pub fn release(
        &self,
        row: OutboxRow,
        facts: &Facts<'_>,
        policy: &dyn Policy,
        key: &DataKey,
    ) -> Result<Released, Denial> {
        self.check_ticket(&row, facts.now)?;
        // Whose chat a human wrote in is asked as well.
        if row.agent.is_some() {
            return Err(Denial::BadTicket);
        }
        let subject = match &row.basis {
            Some(basis) => {
                let subject = Subject { institution: basis.institution.clone(), customer: basis.customer };
                let ask = Ask {
                    subject: &subject,
                    recipient: &row.recipient,
                    accounts: &basis.accounts,
                    clusters: basis.clusters,
                };
                let form = decide(basis.purpose, &ask, facts, policy)?;
                if form < basis.form {
                    return Err(Denial::Policy);
                }
                let link = facts.consent.ok_or(Denial::NoConsent)?.link;
                let (Subject { institution, customer }, purpose) = (subject, Some(basis.purpose));
                Some(TicketSubject { institution, customer, link, purpose })
            }
            None if facts.kills.stop_channel(&row.recipient.channel) => return Err(Denial::Killed),
            None => None,
        };
        self.sign_off(row, subject.into_iter().collect(), facts.now, key)
    }

    /// Whether the row is ours, whole, and its time not over.
    pub(crate) fn check_ticket(&self, row: &OutboxRow, now: Timestamp) -> Result<(), Denial> {
        if !self.ticket_is_ours(row) {
            return Err(Denial::BadTicket);
        }
        if now >= row.expires_at {
            return Err(Denial::TicketExpired);
        }
        Ok(())
    }

    /// Opens the bytes of a row that may leave, and signs their egress ticket.
    pub(crate) fn sign_off(
        &self,
        row: OutboxRow,
        subjects: Vec<TicketSubject>,
        now: Timestamp,
        key: &DataKey,
    ) -> Result<Released, Denial> {
        let body = open_payload(&row, key)?;
        if sha256(&[&body]) != row.payload_sha256 {
            return Err(Denial::BadTicket);
        }
        let ticket = self
            .egress
            .sign(row.message, row.recipient, subjects, row.payload_sha256, now)
            .ok_or(Denial::BadTicket)?;
        Ok(Released { ticket, body })
    }

    #[expect(clippy::too_many_arguments, reason = "as `disclose`")]
    pub(crate) fn ticketed(
        &self,
        content: &Content,
        recipient: &Address,
        (basis, agent): (Option<Basis>, Option<[u8; 32]>),
        encoding: Encoding,
        message: MessageId,
        now: Timestamp,
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<OutboxRow, Denial> {
        let body = encoding.encode(content, recipient, message).map_err(|_| Denial::NotEncodable)?;
        let context = payload_context(message);
        // Bank data is under the key of the purpose for which it was decided.
        let payload = match &basis {
            Some(basis) => {
                let key = key.for_purpose(basis.purpose);
                key.seal_as(Domain::Payload, &context, &body, entropy)
            }
            None => key.seal_as(Domain::Payload, &context, &body, entropy),
        };
        let payload = payload.map_err(|_| Denial::Unreadable)?;
        // An answer is of the moment in which it was asked for; news stay news.
        let answer = matches!(encoding, Encoding::MessengerReply);
        let hours = if answer { TICKET_HOURS } else { ticket_hours(basis.as_ref()) };
        let expires_at = now.checked_add(jiff_hours(hours)).map_err(|_| Denial::TicketExpired)?;
        let expires_at = encoding.good_until().map_or(expires_at, |until| expires_at.min(until));
        let mut row = OutboxRow {
            message,
            recipient: recipient.clone(),
            said: if basis.is_none() { self.words_of(message, &body) } else { Vec::new() },
            basis,
            payload,
            payload_sha256: sha256(&[&body]),
            expires_at,
            anytime: encoding.passes_window(),
            agent,
            under: None,
            about: About::default(),
            ticket: [0; 32],
        };
        row.ticket = self.sign(&row);
        Ok(row)
    }

    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.ticket_key.mac(parts)
    }

    fn sign(&self, row: &OutboxRow) -> [u8; 32] {
        let (basis, expires) = ticket_parts(row);
        self.ticket_key.mac(&ticketed_facts(row, &basis, &expires))
    }

    /// Whether this gate made the row's ticket for just these facts: its message, recipient, basis, time and the hash
    /// of its bytes. It says nothing of whether it may leave now.
    #[must_use]
    pub fn ticket_is_ours(&self, row: &OutboxRow) -> bool {
        let (basis, expires) = ticket_parts(row);
        self.ticket_key.verify_mac(&ticketed_facts(row, &basis, &expires), &row.ticket)
    }
}

/// SHA-256 of a consent's record, in hex: the `consent.hash` of a receipt.
pub(crate) fn consent_hash(consent: &Consent) -> String {
    // What the customer allowed, not how it stands: the hash must not change when the consent is revoked.
    let given =
        (&consent.id, &consent.customer, &consent.grants, &consent.notice_sha256, micros(consent.expires_at));
    hex::encode(sha256(&[&serde_json::to_vec(&given).unwrap_or_default()]))
}

fn ticket_parts(row: &OutboxRow) -> (Vec<u8>, [u8; 8]) {
    let basis = row.basis.as_ref().map_or_else(Vec::new, |b| serde_json::to_vec(b).unwrap_or_default());
    (basis, micros(row.expires_at).to_be_bytes())
}

/// Everything that a ticket vouches for.
fn ticketed_facts<'a>(row: &'a OutboxRow, basis: &'a [u8], expires: &'a [u8]) -> [&'a [u8]; 9] {
    [
        b"amana/ticket/v1",
        row.message.as_bytes(),
        row.recipient.channel.as_str().as_bytes(),
        row.recipient.psid.as_str().as_bytes(),
        basis,
        &row.payload_sha256,
        expires,
        if row.anytime { b"anytime" } else { b"" },
        row.agent.as_ref().map_or(b"", |links| links.as_slice()),
    ]
}

/// The bytes of a message, under its key: of a customer's, that of the purpose that its basis names.
pub(crate) fn open_payload(row: &OutboxRow, key: &DataKey) -> Result<Vec<u8>, Denial> {
    let context = payload_context(row.message);
    let opened = match &row.basis {
        Some(basis) => key.for_purpose(basis.purpose).open_as(Domain::Payload, &context, &row.payload),
        None => key.open_as(Domain::Payload, &context, &row.payload),
    };
    opened.map_err(|_| Denial::Unreadable)
}

/// The bytes of a message without bank data under another key: for those to whom a chat still belongs when the customer
/// is erased under whose key they were ([`About::Chat`]). They are the very bytes of this hash, and stay closed. Bank
/// data are under a key of their purpose, which is not the customer's own.
///
/// # Errors
/// When they do not open under `from`, or are others.
pub fn reseal_plain(
    message: MessageId,
    (payload, payload_sha256): (&[u8], [u8; 32]),
    (from, to): (&DataKey, &DataKey),
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, KeyError> {
    let context = payload_context(message);
    let body = zeroize::Zeroizing::new(from.open_as(Domain::Payload, &context, payload)?);
    if sha256(&[&body]) != payload_sha256 {
        return Err(KeyError);
    }
    to.seal_as(Domain::Payload, &context, &body, entropy)
}

fn payload_context(message: MessageId) -> Vec<u8> {
    [b"outbox payload".as_slice(), message.as_bytes()].concat()
}

fn jiff_hours(hours: i64) -> std::time::Duration {
    std::time::Duration::from_secs(u64::try_from(hours).unwrap_or(0) * 3600)
}

/// A receipt for an event of a consent's life (given, taken back).
impl ReceiptDraft {
    /// The receipt of a consent that was given; where it goes on from another one, `after` says how that one ended.
    #[must_use]
    pub fn of_consent_given(consent: &Consent, after: Option<ConsentEnd>, at: Timestamp) -> Self {
        Self::of_consent(ReceiptKind::Consent, consent, after, at)
    }

    /// The receipt of a consent that ended, and why: it need not be the customer who ended it.
    #[must_use]
    pub fn of_consent_end(consent: &Consent, why: ConsentEnd, at: Timestamp) -> Self {
        Self::of_consent(ReceiptKind::Revocation, consent, Some(why), at)
    }

    /// The certificate of a deletion some time after the end of a consent, of which nothing is known any more where the
    /// link never had one. What was deleted is put in by the commit that does it ([`ReceiptDraft::deleted`]).
    #[must_use]
    pub fn of_deletion(institution: &InstitutionId, consent: Option<&Consent>, at: Timestamp) -> Self {
        match consent {
            Some(consent) => Self::of_consent(ReceiptKind::Erasure, consent, None, at),
            None => Self::bare(ReceiptKind::Erasure, institution.clone(), Recipient::Customer, at),
        }
    }

    /// The same with what was deleted: how many of each kind, without those of which there were none.
    #[must_use]
    pub fn deleted(&self, counts: &[(&str, u64)]) -> Self {
        let counts: Vec<String> = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{kind}={count}"))
            .collect();
        Self { template: Some(format!("{}{}", Self::DELETED, counts.join(","))), ..self.clone() }
    }

    /// Before what was deleted, in the `template` of an erasure; one of everything has none.
    pub const DELETED: &'static str = "deleted:";

    fn of_consent(kind: ReceiptKind, consent: &Consent, why: Option<ConsentEnd>, at: Timestamp) -> Self {
        Self {
            consent: Some((consent.id, consent_hash(consent))),
            clusters: consent.grants.values().fold(Clusters::default(), |all, g| all.union(g.clusters)),
            channel: Some(consent.channel.clone()),
            template: why.map(|why| why.as_str().to_owned()),
            ..Self::bare(kind, consent.institution.clone(), Recipient::Customer, at)
        }
    }

    /// The receipt of a message in the customer's chat that is not of ours: `what` is a stable word. Nothing of what it
    /// says.
    #[must_use]
    pub fn of_sighting(
        institution: InstitutionId,
        channel: ChannelId,
        what: &str,
        by: Recipient,
        at: Timestamp,
    ) -> Self {
        Self {
            channel: Some(channel),
            template: Some(what.to_owned()),
            ..Self::bare(ReceiptKind::Sighting, institution, by, at)
        }
    }

    /// The receipt of what became of a disclosure at the platform: `outcome` is a stable word such as `sent`.
    #[must_use]
    pub fn of_outcome(row: &OutboxRow, basis: &Basis, outcome: &str, at: Timestamp) -> Self {
        Self {
            purpose: Some(basis.purpose),
            clusters: basis.clusters,
            channel: Some(row.recipient.channel.clone()),
            form: Some(basis.form),
            template: Some(outcome.to_owned()),
            payload_sha256: Some(hex::encode(row.payload_sha256)),
            ..Self::bare(ReceiptKind::Outcome, basis.institution.clone(), Recipient::Customer, at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{KillSwitches, SeededEntropy};

    /// Abuse case 6: even whoever can make tickets does not turn a message that was sealed for one purpose into one of
    /// another.
    #[test]
    fn a_payload_opens_for_the_purpose_of_its_basis_alone() {
        let entropy = SeededEntropy::new(4);
        let (gate, key) = (Gate::new(DataKey::generate(&entropy)), DataKey::generate(&entropy));
        let customer = CustomerId::from_bytes([1; 16]);
        let institution = InstitutionId::new("cedar-bank").expect("id");
        let basis = Basis {
            customer,
            institution: institution.clone(),
            purpose: amana_core::Purpose::SecurityAlert,
            accounts: Vec::new(),
            clusters: Clusters::default(),
            form: Form::Notice,
            consent: ConsentId::from_bytes([2; 16]),
        };
        let to = Address { channel: "1001".parse().expect("id"), psid: "p".parse().expect("id") };
        let encoding = Encoding::MessengerUpdate;
        let (now, message) = (amana_core::from_micros(0), MessageId::from_bytes([3; 16]));
        let text = Content::text("a card was blocked");
        let mut row = gate
            .ticketed(&text, &to, (Some(basis), None), encoding, message, now, &key, &entropy)
            .expect("sealed");
        let viewer = Subject { institution, customer };
        assert!(gate.said(&row, &viewer, &key).is_ok());
        row.basis.as_mut().expect("a basis").purpose = amana_core::Purpose::BankOffer;
        row.ticket = gate.sign(&row);
        assert_eq!(gate.said(&row, &viewer, &key).err(), Some(Denial::Unreadable));
        row.basis = None;
        row.ticket = gate.sign(&row);
        let kills = KillSwitches::default();
        let facts = Facts { agreement: None, consent: None, kills: &kills, now };
        let released = gate.release(row, &facts, &crate::StandardPolicy, &key).map(Released::into_body);
        assert_eq!(released, Err(Denial::Unreadable), "nor as a message without bank data");
    }
}
