//! Passkeys: a customer's own device says who opens the page behind a notice, in place of the bank's login.
//!
//! A passkey opens such a page and nothing else: it signs nobody in, and the gate decides as it always does. It is made
//! only by who has just come from the bank's login ([`ENROL_S`]), so that a stolen session makes none. A challenge is
//! good once: it goes before its answer is looked at, and it stands in a browser's session beside what it is for.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::limits::{ENROL_S, NOTICE_STEP_S};
use crate::notice_page::{NoticePage, Who};
use crate::session::{AtPasskey, Browser, SignedIn};
use amana_core::{CustomerId, InstitutionId, Lang, Shard, Timestamp};
use amana_gate::{DataKey, Recipient};
use amana_passkey::{Assertion, Credential, PasskeyError, Registration};
use amana_store::{Command, Passkey, SubmitError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// What the receipt of a passkey that was added says, and of one that was removed.
const ADDED: &str = "passkey-added";
/// See [`ADDED`].
const REMOVED: &str = "passkey-removed";

/// What a browser's own function is to be asked with. Byte strings are in base64url, as pages carry them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyAsk {
    /// The language of the page.
    pub lang: Lang,
    /// The institution.
    pub institution: InstitutionId,
    /// The id of our site.
    pub site: String,
    /// The challenge, good once.
    pub challenge: String,
    /// For a new passkey: under which name of 32 bytes the authenticator keeps it, which says nothing about anybody.
    pub user: String,
    /// The credentials that must not be made again; or those that must be named, since their devices do not keep a
    /// list.
    pub credentials: Vec<String>,
}

/// Where the form of a notice's link leads, for who wants to open it by a passkey.
pub enum PasskeyOpening {
    /// The customer is signed in: this is the page.
    Shown(Box<NoticePage>),
    /// To the passkey first. Nothing of the page is used up.
    Ask {
        /// The value of the session cookie.
        cookie: String,
        /// What to ask the browser.
        ask: PasskeyAsk,
    },
}

/// A passkey, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyView {
    /// Our id of it, in hex, for the button.
    pub id: String,
    /// When it was added.
    pub made_at: Timestamp,
    /// When it last opened a page.
    pub used_at: Option<Timestamp>,
    /// Whether it may be on other devices of its owner, too.
    pub may_be_copied: bool,
}

/// The page of a customer's passkeys.
#[derive(Debug, Clone)]
pub struct PasskeysView {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// What forms must bring.
    pub csrf: String,
    /// The passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Whether one can be added: they came from the bank's login a moment ago.
    pub just_signed_in: bool,
    /// Whether there may be another one.
    pub room: bool,
}

/// What is kept of a passkey, under its customer's key.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    credential: Credential,
    /// Whether its device keeps it in a list, so that it need not be named.
    listed: bool,
    made_at: Timestamp,
    used_at: Option<Timestamp>,
}

impl Kept {
    fn read(passkey: &Passkey) -> Result<Self, FlowError> {
        serde_json::from_slice(&passkey.credential).map_err(|_| FlowError::Unreadable("passkey"))
    }

    fn bytes(&self) -> Result<Vec<u8>, FlowError> {
        serde_json::to_vec(self).map_err(|_| FlowError::Unreadable("passkey"))
    }
}

impl Gateway {
    /// Whether passkeys can be offered at the address of this gateway.
    #[must_use]
    pub fn has_passkeys(&self) -> bool {
        self.passkey_site.is_some()
    }

    /// The passkeys of the customer who is signed in.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn passkeys_view(&self, cookie: &str) -> Result<PasskeysView, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let institution = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
        let mut kept = self.passkeys_of(viewer.shard, viewer.customer).await?;
        kept.sort_by_key(|(_, kept)| kept.made_at);
        let room = i64::try_from(kept.len()).unwrap_or(i64::MAX) < amana_store::limits::PASSKEYS_MAX;
        Ok(PasskeysView {
            lang: viewer.lang,
            just_signed_in: self.just_signed_in(&viewer),
            institution_id: viewer.institution,
            institution,
            csrf: viewer.csrf,
            room,
            passkeys: kept
                .into_iter()
                .map(|(passkey, kept)| PasskeyView {
                    id: hex::encode(passkey.id),
                    made_at: kept.made_at,
                    used_at: kept.used_at,
                    may_be_copied: kept.credential.may_be_copied,
                })
                .collect(),
        })
    }

    /// Begins to add a passkey.
    ///
    /// # Errors
    /// [`LinkError::Over`] when the session is over, the form is not ours, or the bank's login was too long ago.
    pub async fn passkey_begin(&self, cookie: &str, csrf: &str) -> Result<PasskeyAsk, LinkError> {
        let viewer = self.viewer_of_form(cookie, csrf).await?;
        let site = self.passkey_site.as_ref().ok_or(LinkError::Over)?;
        if !self.just_signed_in(&viewer) {
            return Err(LinkError::Over);
        }
        let customer = self.customer_of(viewer.shard, viewer.customer).await?;
        let known = self.passkeys_of(viewer.shard, viewer.customer).await?;
        let challenge = self.entropy.array::<32>();
        let asked = Browser::Enrolling { customer: viewer.customer, challenge };
        let keep = self.keep_browser(&enrolling(cookie), &asked, NOTICE_STEP_S)?;
        self.store.submit(vec![keep]).await?;
        Ok(PasskeyAsk {
            lang: viewer.lang,
            institution: viewer.institution,
            site: site.id().to_owned(),
            challenge: URL_SAFE_NO_PAD.encode(challenge),
            user: URL_SAFE_NO_PAD.encode(user_handle(&customer.key)),
            credentials: known.iter().map(|(_, kept)| URL_SAFE_NO_PAD.encode(&kept.credential.id)).collect(),
        })
    }

    /// Adds a passkey; that it was added is a receipt. `listed` is what the browser says of its device
    /// (`credProps.rk`): nothing hangs on it but whether the passkey is named when it is asked for.
    ///
    /// # Errors
    /// As [`Gateway::passkey_begin`], or when what came is no new passkey of this site.
    pub async fn passkey_add(
        &self,
        cookie: &str,
        csrf: &str,
        made: &Registration,
        listed: bool,
    ) -> Result<(), LinkError> {
        let viewer = self.viewer_of_form(cookie, csrf).await?;
        if !self.just_signed_in(&viewer) {
            return Err(LinkError::Over);
        }
        let site = self.passkey_site.as_ref().ok_or(LinkError::Over)?;
        let Browser::Enrolling { customer, challenge } = self.browser(&enrolling(cookie)).await? else {
            return Err(LinkError::Over);
        };
        // Used up before it is looked at.
        self.store.submit(vec![Self::take_browser(&enrolling(cookie))]).await?;
        if customer != viewer.customer {
            return Err(LinkError::Over);
        }
        let credential = site.register(&challenge, made).map_err(counted)?;
        let now = self.now();
        let hash = self.store.keyring().blind_passkey(&credential.id);
        let kept = Kept { credential, listed, made_at: now, used_at: None };
        let passkey = Passkey {
            shard: viewer.shard,
            customer: viewer.customer,
            id: self.entropy.array(),
            hash,
            uses: 0,
            credential: kept.bytes()?,
        };
        self.passkey_changed(&viewer, Command::PutPasskey(passkey), ADDED).await?;
        metrics::counter!("amana_passkeys_total", "outcome" => "added").increment(1);
        Ok(())
    }

    /// Removes a passkey, by its id in hex; that it was removed is a receipt.
    ///
    /// # Errors
    /// When the session is over, the form is not ours, there is no such passkey, or the store fails.
    pub async fn passkey_remove(&self, cookie: &str, csrf: &str, id: &str) -> Result<(), LinkError> {
        let viewer = self.viewer_of_form(cookie, csrf).await?;
        let id: [u8; 16] = hex::decode(id).ok().and_then(|id| id.try_into().ok()).ok_or(LinkError::Over)?;
        let (shard, customer) = (viewer.shard, viewer.customer);
        match self.passkey_changed(&viewer, Command::DropPasskey { shard, customer, id }, REMOVED).await {
            // A second tap: it is gone already.
            Err(LinkError::Flow(FlowError::Submit(SubmitError::Conflict { what: "passkey", .. }))) => Ok(()),
            result => result,
        }
    }

    /// A change and its receipt, in one commit.
    async fn passkey_changed(
        &self,
        viewer: &SignedIn,
        change: Command,
        template: &str,
    ) -> Result<(), LinkError> {
        let receipt = self.look_by(&viewer.institution, Recipient::Customer, template);
        let record = Command::Record { shard: viewer.shard, customer: viewer.customer, receipt };
        self.store.submit(vec![change, record]).await?;
        Ok(())
    }

    /// The form of a notice's link was sent by who has a passkey: the page itself for who is signed in, else what to
    /// ask the browser. It says the same to everybody, but for passkeys whose devices keep no list.
    ///
    /// # Errors
    /// [`LinkError::PageOver`] when there is no such page (any more), [`LinkError::PageOfAnother`] when somebody else
    /// is signed in at that bank, and [`LinkError::Over`] where there are no passkeys.
    pub async fn notice_by_passkey(
        &self,
        token: &str,
        cookie: Option<&str>,
        lang: Lang,
    ) -> Result<PasskeyOpening, LinkError> {
        let site = self.passkey_site.as_ref().ok_or(LinkError::Over)?;
        let hash = amana_core::ids::token_hash(token);
        let kept = self.kept_page(&hash).await?;
        let (institution, customer) = (kept.page.basis.institution.clone(), kept.page.basis.customer);
        let shard = kept.shard;
        if let Some(viewer) = self.signed_in_at(cookie, &institution).await? {
            let who = Who { institution: &institution, customer: viewer.customer, lang: viewer.lang };
            let page = self.show_page(&who, kept, Vec::new()).await?;
            return Ok(PasskeyOpening::Shown(Box::new(page)));
        }
        let challenge = self.entropy.array::<32>();
        let fresh = self.secret_text();
        let asked = Browser::AtPasskey(AtPasskey { notice: hash, challenge, lang });
        let keep = self.keep_browser(&fresh, &asked, NOTICE_STEP_S)?;
        let named = self.passkeys_of(shard, customer).await?.into_iter().filter(|(_, kept)| !kept.listed);
        let ask = PasskeyAsk {
            lang,
            institution,
            site: site.id().to_owned(),
            challenge: URL_SAFE_NO_PAD.encode(challenge),
            user: String::new(),
            credentials: named.map(|(_, kept)| URL_SAFE_NO_PAD.encode(kept.credential.id)).collect(),
        };
        self.store.submit(vec![keep]).await?;
        Ok(PasskeyOpening::Ask { cookie: fresh, ask })
    }

    /// The page, for who proves a passkey of its customer. The session is over afterwards, whatever came of it.
    ///
    /// # Errors
    /// [`LinkError::Passkey`] when the passkey is not one of the page's customer, or does not prove it; and as
    /// [`Gateway::notice_show`].
    pub async fn notice_show_by_passkey(
        &self,
        cookie: &str,
        answer: &Assertion,
    ) -> Result<NoticePage, LinkError> {
        let site = self.passkey_site.as_ref().ok_or(LinkError::Over)?;
        let Browser::AtPasskey(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        // Used up before it is looked at: of two answers to one challenge, at once or later, one is read.
        self.store.submit(vec![Self::take_browser(cookie)]).await?;
        let page = self.kept_page(&at.notice).await?;
        let (shard, institution) = (page.shard, page.page.basis.institution.clone());
        let customer = self.customer_of(shard, page.page.basis.customer).await?;
        let known = self.passkeys_of(shard, customer.id).await?;
        let found = known.into_iter().find(|(_, kept)| kept.credential.id == answer.id);
        let (passkey, mut kept) = found.ok_or(PasskeyError::OtherCredential).map_err(counted)?;
        let counter = site
            .authenticate(&at.challenge, &user_handle(&customer.key), &kept.credential, answer)
            .map_err(counted)?;
        kept.credential.counter = counter;
        kept.used_at = Some(self.now());
        let used = Command::UsePasskey { passkey: Passkey { credential: kept.bytes()?, ..passkey } };
        let who = Who { institution: &institution, customer: customer.id, lang: at.lang };
        let shown = self.show_page(&who, page, vec![used]).await?;
        metrics::counter!("amana_passkeys_total", "outcome" => "proved").increment(1);
        Ok(shown)
    }

    async fn passkeys_of(
        &self,
        shard: Shard,
        customer: CustomerId,
    ) -> Result<Vec<(Passkey, Kept)>, FlowError> {
        let rows = self.store.passkeys(shard, customer).await?;
        rows.into_iter().map(|row| Kept::read(&row).map(|kept| (row, kept))).collect()
    }

    /// What the export says of them.
    pub(crate) async fn passkeys_told(
        &self,
        shard: Shard,
        customer: CustomerId,
    ) -> Result<Vec<serde_json::Value>, FlowError> {
        let kept = self.passkeys_of(shard, customer).await?;
        Ok(kept
            .into_iter()
            .map(|(_, kept)| {
                serde_json::json!({
                    "credential_id": URL_SAFE_NO_PAD.encode(&kept.credential.id),
                    "public_key": kept.credential.key,
                    "signatures_counted": kept.credential.counter,
                    "may_be_copied": kept.credential.may_be_copied,
                    "added_at": kept.made_at,
                    "last_used_at": kept.used_at,
                })
            })
            .collect())
    }

    fn just_signed_in(&self, viewer: &SignedIn) -> bool {
        viewer.enrol_until.is_some_and(|until| self.now() < until)
    }

    /// Until when who has just come from the bank's login may add a passkey.
    pub(crate) fn enrol_until(&self) -> Option<Timestamp> {
        Some(self.after(ENROL_S))
    }
}

/// Under which a challenge for a new passkey is kept, beside the session: so it is taken once.
fn enrolling(cookie: &str) -> String {
    format!("{cookie}/passkey")
}

/// The name under which authenticators keep a customer's passkeys (`user.id`): nothing but a number, and another one
/// for whoever begins anew after an erasure.
fn user_handle(key: &DataKey) -> [u8; 32] {
    key.mac(&[b"passkey user handle"])
}

fn counted(error: PasskeyError) -> LinkError {
    metrics::counter!("amana_passkeys_total", "outcome" => error.as_str()).increment(1);
    LinkError::Passkey(error)
}
