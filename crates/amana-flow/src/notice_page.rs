//! The page behind a notice: who opens it signs in at the bank, and then reads what the notice did not say, once.
//!
//! The notice's link ends in a token that browsers send to nobody by themselves; the page's one form brings it. By
//! itself it opens nothing and is used up by nothing but the look: a scanner that follows links and sends forms gets as
//! far as the bank's login.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::link::Begun;
use crate::session::{Aim, Browser, SignedIn};
use amana_core::{Address, CustomerId, InstitutionId, Lang, Timestamp};
use amana_gate::{OpenedPage, Shown, Subject};
use amana_store::{Command, KeptPage, LinkState, Outcome, SubmitError};

/// What the page shows.
pub struct NoticePage {
    /// The language of the session.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// What the notice did not say, in the language in which it would have been said.
    pub said: Shown,
    /// The number of the notice's receipt.
    pub notice_receipt: u64,
    /// The number of the receipt of this look, so that it can be compared with the list of receipts.
    pub receipt: u64,
    /// When it was opened.
    pub at: Timestamp,
}

/// Where the form of a notice's link leads.
pub enum Opening {
    /// The customer is signed in: this is the page.
    Shown(Box<NoticePage>),
    /// To the bank's login first. Nothing is used up.
    SignIn(Begun),
}

/// Whose look it is, however they showed it.
pub(crate) struct Who<'a> {
    pub(crate) institution: &'a InstitutionId,
    pub(crate) customer: CustomerId,
    pub(crate) lang: Lang,
}

impl<'a> Who<'a> {
    fn of(viewer: &'a SignedIn) -> Self {
        Self { institution: &viewer.institution, customer: viewer.customer, lang: viewer.lang }
    }
}

/// A customer who has signed in for a page, and may open it now.
#[derive(Debug)]
pub struct Ready {
    /// The language of the session.
    pub lang: Lang,
    /// What the form must bring.
    pub csrf: String,
}

impl Gateway {
    /// The form of a notice's link was sent: the page itself, or the way to the bank's login.
    ///
    /// # Errors
    /// [`LinkError::PageOver`] when there is no such page (any more), [`LinkError::PageOfAnother`] when somebody else
    /// is signed in at that bank, and as [`Gateway::sign_in`].
    pub async fn notice_open(
        &self,
        token: &str,
        cookie: Option<&str>,
        lang: Lang,
    ) -> Result<Opening, LinkError> {
        let hash = amana_core::ids::token_hash(token);
        let kept = self.kept_page(&hash).await?;
        let institution = kept.page.basis.institution.clone();
        if let Some(viewer) = self.signed_in_at(cookie, &institution).await? {
            return Ok(Opening::Shown(Box::new(self.show_page(&Who::of(&viewer), kept, Vec::new()).await?)));
        }
        self.to_bank(Aim::Notice(hash), &institution, lang, None).await.map(Opening::SignIn)
    }

    /// Whether the customer came to open a page, and is in time. Uses nothing up.
    ///
    /// # Errors
    /// When the session is over, or was begun for something else.
    pub async fn notice_ready(&self, cookie: &str) -> Result<Ready, LinkError> {
        let (viewer, _) = self.came_for_a_page(cookie).await?;
        Ok(Ready { lang: viewer.lang, csrf: viewer.csrf })
    }

    /// The page that the customer signed in for, shown once.
    ///
    /// # Errors
    /// As [`Gateway::notice_open`] and [`Gateway::notice_ready`].
    pub async fn notice_show(&self, cookie: &str, csrf: &str) -> Result<NoticePage, LinkError> {
        let (viewer, hash) = self.came_for_a_page(cookie).await?;
        if viewer.csrf != csrf {
            return Err(LinkError::Over);
        }
        let kept = self.kept_page(&hash).await?;
        self.show_page(&Who::of(&viewer), kept, Vec::new()).await
    }

    /// Who is signed in in this browser, at this bank. Signed in at another bank is not signed in here.
    pub(crate) async fn signed_in_at(
        &self,
        cookie: Option<&str>,
        institution: &InstitutionId,
    ) -> Result<Option<SignedIn>, LinkError> {
        let Some(cookie) = cookie else { return Ok(None) };
        match self.browser(cookie).await {
            Ok(Browser::Customer(viewer)) if viewer.institution == *institution => Ok(Some(viewer)),
            Ok(_) | Err(LinkError::Over) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn came_for_a_page(&self, cookie: &str) -> Result<(SignedIn, [u8; 32]), LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let (hash, until) = viewer.notice.ok_or(LinkError::Over)?;
        if self.now() >= until {
            return Err(LinkError::Over);
        }
        Ok((viewer, hash))
    }

    /// A page that can still be opened.
    pub(crate) async fn kept_page(&self, hash: &[u8; 32]) -> Result<KeptPage, LinkError> {
        let kept = self.store.sealed_page(hash).await?.ok_or(LinkError::PageOver)?;
        let open = kept.opened_at.is_none() && self.now() < kept.page.expires_at;
        if open { Ok(kept) } else { Err(LinkError::PageOver) }
    }

    /// Decides anew and shows. That the page is used up and the receipt of the look are one commit, before anything is
    /// shown. `also` is done in that commit, or with the receipt of a refusal.
    pub(crate) async fn show_page(
        &self,
        viewer: &Who<'_>,
        kept: KeptPage,
        also: Vec<Command>,
    ) -> Result<NoticePage, LinkError> {
        let KeptPage { shard, page, receipt: notice_receipt, .. } = kept;
        let subject = Subject { institution: viewer.institution.clone(), customer: viewer.customer };
        // Before anything is read for them: it is not theirs, and stays as it is.
        if page.basis.customer != subject.customer || page.basis.institution != subject.institution {
            metrics::counter!("amana_sealed_pages_total", "outcome" => "of-another").increment(1);
            return Err(LinkError::PageOfAnother);
        }
        let link = self.store.link(shard, page.link).await?.filter(|link| link.state == LinkState::Active);
        let link = link.ok_or(LinkError::PageOver)?;
        let customer = self.customer_of(shard, viewer.customer).await?;
        let institution = self.institution(viewer.institution)?.name_in(viewer.lang).to_owned();
        let gathered = self.gather(&link).await?;
        let recipient = Address { channel: link.channel.clone(), psid: link.psid.clone() };
        let (facts, at) = (gathered.facts(), gathered.now);
        let opened =
            self.gate.open_page(&page, &subject, &recipient, &facts, &*gathered.policy, &customer.key);
        let OpenedPage { shown, receipt } = match opened {
            Ok(opened) => opened,
            Err(refusal) => {
                metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
                let record = Command::Record { shard, customer: customer.id, receipt: refusal.receipt };
                self.store.submit(also.into_iter().chain([record]).collect()).await?;
                return Err(LinkError::PageOver);
            }
        };
        let look = [
            Command::OpenPage { hash: page.hash, now: at },
            Command::Record { shard, customer: customer.id, receipt },
        ];
        let outcomes = match self.store.submit(also.into_iter().chain(look).collect()).await {
            Err(SubmitError::Conflict { what: "sealed page", .. }) => return Err(LinkError::PageOver),
            outcomes => outcomes?,
        };
        let Some(Outcome::Receipt(receipt)) = outcomes.last() else {
            return Err(FlowError::Unreadable("receipt").into());
        };
        metrics::counter!("amana_sealed_pages_total", "outcome" => "shown").increment(1);
        Ok(NoticePage {
            lang: viewer.lang,
            institution_id: viewer.institution.clone(),
            institution,
            said: shown,
            notice_receipt,
            receipt: *receipt,
            at,
        })
    }
}
