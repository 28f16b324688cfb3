//! What a browser session holds. The cookie's value is random; the store knows its hash, and the content encrypted.

use crate::error::LinkError;
use crate::gateway::Gateway;
use crate::link::OwnPage;
use amana_bank::Pending;
use amana_core::{AccountId, ConversationId, CustomerId, Evidence, InstitutionId, Lang, Shard, Timestamp};
use amana_gate::DataKey;
use amana_store::{Command, Session};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A session opens with the browser's cookie alone: the store knows only the cookie's hash, so neither it nor a copy of
/// it can say what a browser was doing.
fn cookie_key(cookie: &str) -> DataKey {
    DataKey::new(amana_core::ids::sha256(&[b"amana/session-key/v1", cookie.as_bytes()]))
}

/// A browser's state.
#[derive(Serialize, Deserialize)]
pub(crate) enum Browser {
    /// Away at the bank's pages.
    AtBank(AtBank),
    /// Back from the bank; the code is being redeemed. A callback that is loaded again waits for what the first one
    /// brings.
    Redeeming,
    /// Before the consent page.
    Consenting(Box<Consenting>),
    /// Signed in to the privacy page.
    Customer(SignedIn),
    /// Asked for a passkey, to open the page behind a notice.
    AtPasskey(AtPasskey),
    /// Adding a passkey; beside the session of who is signed in.
    Enrolling { customer: CustomerId, challenge: [u8; 32] },
}

/// What a browser was sent to the bank for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Aim {
    /// To link the bank to a chat.
    Link {
        conversation: ConversationId,
        /// Where the platform's account-linking flow wants the browser back.
        redirect_uri: Option<String>,
    },
    /// To sign in to one of the customer's own pages.
    SignIn(OwnPage),
    /// To let what was allowed go on.
    Renew(Box<crate::renew::Renewing>),
    /// To open the page behind a notice, by the hash of its token.
    Notice([u8; 32]),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AtBank {
    pub(crate) aim: Aim,
    pub(crate) institution: InstitutionId,
    pub(crate) lang: Lang,
    pub(crate) pending: Pending,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Consenting {
    pub(crate) conversation: ConversationId,
    pub(crate) institution: InstitutionId,
    pub(crate) lang: Lang,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) customer: CustomerId,
    pub(crate) shard: Shard,
    /// The bank's own id of the customer, blinded.
    pub(crate) subject: [u8; 32],
    /// The job that takes the bank's grant back should no consent come.
    pub(crate) revocation: [u8; 16],
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) tokens: Vec<u8>,
    pub(crate) bank_consent: Option<String>,
    /// When the bank says that its grant ends: no consent lasts longer.
    #[serde(default)]
    pub(crate) ends: Option<Timestamp>,
    /// How the customer signed in at the bank.
    #[serde(default)]
    pub(crate) evidence: Option<Evidence>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AtPasskey {
    /// The page, by the hash of its token.
    pub(crate) notice: [u8; 32],
    /// What the passkey must sign.
    pub(crate) challenge: [u8; 32],
    pub(crate) lang: Lang,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    pub(crate) customer: CustomerId,
    pub(crate) shard: Shard,
    pub(crate) institution: InstitutionId,
    pub(crate) lang: Lang,
    /// What a form on the page must bring (against requests forged by other sites).
    pub(crate) csrf: String,
    /// The word that an erasure must bring, and until when, if it was asked for.
    #[serde(default)]
    pub(crate) erase: Option<(String, Timestamp)>,
    /// The page behind a notice for which they signed in (the hash of its token), and until when they may open it.
    #[serde(default)]
    pub(crate) notice: Option<([u8; 32], Timestamp)>,
    /// Until when a passkey may be added: for a while after the bank's login.
    #[serde(default)]
    pub(crate) enrol_until: Option<Timestamp>,
}

impl Gateway {
    /// The command that keeps a browser's state under a cookie.
    pub(crate) fn keep_browser(
        &self,
        cookie: &str,
        browser: &Browser,
        life_s: i64,
    ) -> Result<Command, LinkError> {
        let plain = serde_json::to_vec(browser).map_err(|_| crate::FlowError::Unreadable("session"))?;
        let plain = Zeroizing::new(plain);
        let hash = amana_core::ids::token_hash(cookie);
        let body = cookie_key(cookie).seal(&hash, &plain, &*self.entropy).map_err(crate::FlowError::from)?;
        Ok(Command::PutSession(Session { hash, body, expires_at: self.after(life_s) }))
    }

    /// A browser's state.
    pub(crate) async fn browser(&self, cookie: &str) -> Result<Browser, LinkError> {
        let hash = amana_core::ids::token_hash(cookie);
        let session = self.store.session(&hash, self.now()).await?.ok_or(LinkError::Over)?;
        let plain = cookie_key(cookie).open(&hash, &session.body).map_err(|_| LinkError::Over)?;
        let browser = serde_json::from_slice(&Zeroizing::new(plain)).map_err(|_| LinkError::Over)?;
        // Who was erased is signed in nowhere any more.
        if let Browser::Customer(viewer) = &browser
            && self.store.customer(viewer.shard, viewer.customer).await?.is_none()
        {
            return Err(LinkError::Over);
        }
        Ok(browser)
    }

    /// The command that ends a browser's state; the submission is refused if it has ended already.
    pub(crate) fn take_browser(cookie: &str) -> Command {
        Command::TakeSession { hash: amana_core::ids::token_hash(cookie) }
    }
}
