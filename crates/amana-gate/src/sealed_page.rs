//! What a notice did not say: sealed when the notice is decided, opened for the customer alone, on a page of ours.
//!
//! The notice's link ends in a token that only the message holds; the store knows its hash. The token opens nothing by
//! itself: who opens the page must be signed in as the customer, and everything that allowed the notice must allow it
//! still.

use crate::decision::{Ask, Denial, Facts, Policy, decide};
use crate::key::{DataKey, Domain, KeyError};
use crate::limits::SEALED_PAGE_LIFE;
use crate::protected::Subject;
use crate::receipt::{ReceiptDraft, ReceiptKind, Recipient};
use crate::release::{Basis, Gate, Refusal, consent_hash};
use crate::shown::Shown;
use amana_core::ids::token_hash;
use amana_core::{Address, Entropy, Form, Lang, LinkId, MessageId, Timestamp, micros};
use amana_render::{RenderContext, page};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the receipt of a look at such a page says it was at.
const TEMPLATE: &str = "sealed-page";

/// The page behind one notice. What it says is encrypted under the customer's key for the notice's purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPage {
    /// SHA-256 of the token in the notice's link.
    pub hash: [u8; 32],
    /// The notice.
    pub message: MessageId,
    /// The link on which it was sent.
    pub link: LinkId,
    /// Why the notice could be sent: decided anew when the page is opened.
    pub basis: Basis,
    /// What it says, encrypted. Empty once it was opened.
    pub sealed: Vec<u8>,
    /// Until when it can be opened.
    pub expires_at: Timestamp,
}

/// A page that may be shown now, and the receipt that has to be durable before it is.
#[must_use = "the receipt comes first"]
pub struct OpenedPage {
    /// What it says.
    pub shown: Shown,
    /// The receipt of the look.
    pub receipt: ReceiptDraft,
}

/// What is encrypted of a page.
#[derive(Serialize, Deserialize)]
struct Said {
    lang: Lang,
    lines: Vec<String>,
}

impl SealedPage {
    /// Seals what was said, and makes the token that opens it.
    pub(crate) fn of(
        lines: Vec<String>,
        context: &RenderContext,
        (message, link, basis): (MessageId, LinkId, &Basis),
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<(Self, String), KeyError> {
        let token = URL_SAFE_NO_PAD.encode(entropy.array::<32>());
        let expires_at = context.now.checked_add(SEALED_PAGE_LIFE).map_err(|_| KeyError)?;
        let mut page = Self {
            hash: token_hash(&token),
            message,
            link,
            basis: basis.clone(),
            sealed: Vec::new(),
            expires_at,
        };
        let plain = serde_json::to_vec(&Said { lang: context.lang, lines }).map_err(|_| KeyError)?;
        page.sealed = key.for_purpose(basis.purpose).seal_as(
            Domain::Page,
            &page.context(),
            &Zeroizing::new(plain),
            entropy,
        )?;
        Ok((page, token))
    }

    /// What the words are bound to: this page, its notice, link, reason and end. A row that somebody changed does not
    /// open.
    fn context(&self) -> Vec<u8> {
        let basis = serde_json::to_vec(&self.basis).unwrap_or_default();
        [
            b"sealed page".as_slice(),
            &self.hash,
            self.message.as_bytes(),
            self.link.as_bytes(),
            &micros(self.expires_at).to_be_bytes(),
            &basis,
        ]
        .concat()
    }
}

impl Gate {
    /// Opens the page behind a notice for the customer who is signed in, if all that allowed the notice allows it now.
    /// `recipient` is whom the notice went to.
    ///
    /// # Errors
    /// A refusal with its receipt: somebody else's page, one whose time is over, that does not open, or that any party
    /// says no to now.
    pub fn open_page(
        &self,
        sealed: &SealedPage,
        viewer: &Subject,
        recipient: &Address,
        facts: &Facts<'_>,
        policy: &dyn Policy,
        key: &DataKey,
    ) -> Result<OpenedPage, Box<Refusal>> {
        let basis = &sealed.basis;
        let mut receipt = ReceiptDraft {
            kind: ReceiptKind::Denial,
            institution: basis.institution.clone(),
            agreement: facts.agreement.map(|a| a.id),
            consent: facts.consent.map(|c| (c.id, consent_hash(c))),
            purpose: Some(basis.purpose),
            clusters: basis.clusters,
            // Nothing of it goes to a platform.
            channel: None,
            recipient: Recipient::Customer,
            form: None,
            template: None,
            payload_sha256: None,
            policy_set_sha256: Some(policy.set_sha256().to_owned()),
            decided_at: facts.now,
        };
        let shown = match self.page_for(sealed, viewer, recipient, facts, policy, key) {
            Ok(shown) => shown,
            Err(denial) => {
                receipt.template = Some(denial.as_str().to_owned());
                return Err(Box::new(Refusal { denial, receipt }));
            }
        };
        receipt.kind = ReceiptKind::View;
        receipt.form = Some(Form::Detail);
        receipt.template = Some(TEMPLATE.to_owned());
        receipt.payload_sha256 = Some(hex::encode(shown.sha256()));
        Ok(OpenedPage { shown, receipt })
    }

    fn page_for(
        &self,
        sealed: &SealedPage,
        viewer: &Subject,
        recipient: &Address,
        facts: &Facts<'_>,
        policy: &dyn Policy,
        key: &DataKey,
    ) -> Result<Shown, Denial> {
        let basis = &sealed.basis;
        if basis.customer != viewer.customer || basis.institution != viewer.institution {
            return Err(Denial::RecipientNotSubject);
        }
        if facts.now >= sealed.expires_at {
            return Err(Denial::TicketExpired);
        }
        let ask = Ask { subject: viewer, recipient, accounts: &basis.accounts, clusters: basis.clusters };
        decide(basis.purpose, &ask, facts, policy)?;
        let plain = key
            .for_purpose(basis.purpose)
            .open_as(Domain::Page, &sealed.context(), &sealed.sealed)
            .map_err(|_| Denial::Unreadable)?;
        let said: Said = serde_json::from_slice(&Zeroizing::new(plain)).map_err(|_| Denial::Unreadable)?;
        Ok(Shown(page::message(said.lines, said.lang)))
    }
}
