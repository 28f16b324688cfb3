//! Linking: from a one-time link or the platform's account-linking button, over the bank's own pages, to a consent.

use crate::error::{FlowError, LinkError};
use crate::gateway::{Gateway, OFFERED_PURPOSES, offered_clusters};
use crate::jobs::TakenBackGrant;
use crate::limits::{
    CALLBACK_LOOK_EVERY, CALLBACK_LOOKS, CONFLICT_TRIES, LINK_SESSION_S, LOOKBACK_DAYS, NOTICE_STEP_S,
    PENDING_LINK_S, PRIVACY_SESSION_S,
};
use crate::session::{Aim, AtBank, Browser, Consenting, SignedIn};
use amana_bank::{Actor, AuthorizeAsk, Callback, Granted, Tokens};
use amana_core::{
    AccountId, Address, CONSENT_DAYS_MAX, ChannelId, Clusters, Consent, ConsentEnd, ConsentId, ConsentState,
    ConversationId, CustomerId, Form, Grant, InstitutionId, Lang, LinkId, Purpose, Timestamp,
};
use amana_gate::{About, DataKey, ReceiptDraft, Shown, Subject};
use amana_store::{BankGrant, Command, Conversation, JobOutcome, Link, LinkState, PlainKey, SubmitError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// How a browser came to the linking page.
#[derive(Debug, Clone)]
pub enum Entry {
    /// By the one-time link in the chat; works on any device.
    OneTime {
        /// The token.
        token: String,
    },
    /// By the platform's account-linking button.
    AccountLinking {
        /// The channel whose button it was.
        channel: ChannelId,
        /// The platform's token for the person.
        token: String,
        /// Where the platform wants the browser back.
        redirect_uri: String,
    },
}

/// What the linking page offers.
#[derive(Debug, Clone)]
pub struct LinkOffer {
    /// The language of the conversation.
    pub lang: Lang,
    /// The institutions that can be linked: id and name.
    pub institutions: Vec<(InstitutionId, String)>,
    /// Whose chat it is, as the platform calls the person; who was sent somebody else's link sees it here.
    pub person: Option<String>,
}

/// An authorization has begun: the cookie to set and where to send the browser.
#[derive(Debug)]
pub struct Begun {
    /// The value of the session cookie.
    pub cookie: String,
    /// The bank's page.
    pub url: Url,
}

/// A page of the customer's own, for which the bank's sign-in says who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnPage {
    /// Every disclosure, and the stop buttons.
    Privacy,
    /// Balances and transactions as they are now.
    Accounts,
    /// What one notice did not say.
    Notice,
    /// The devices that may open such a page.
    Passkeys,
}

/// Where the browser goes after the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// To the consent page.
    Consent,
    /// What was allowed goes on: signed in, under a new cookie.
    Renewed {
        /// The value of the new session cookie.
        cookie: String,
    },
    /// Signed in, under a new cookie, to the page that was asked for.
    SignedIn {
        /// The value of the new session cookie.
        cookie: String,
        /// The page.
        page: OwnPage,
    },
}

/// A purpose on the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurposeChoice {
    /// The purpose.
    pub purpose: Purpose,
    /// The data that it needs.
    pub clusters: Clusters,
    /// The most open form that the bank's agreement allows.
    pub form_max: Form,
}

/// The consent page.
#[derive(Debug, Clone)]
pub struct ConsentForm {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// The purposes, none chosen.
    pub purposes: Vec<PurposeChoice>,
    /// The accounts that can be chosen; how they are shown is beside the form ([`amana_gate::Shown`]).
    pub accounts: Vec<AccountId>,
    /// SHA-256 of how they are shown, in hex: the notice says it, and so what was offered, without holding it.
    pub accounts_sha256: String,
    /// Whose chat it is, as the platform calls the person.
    pub person: Option<String>,
    /// The data aggregator through which the bank is read, if it is.
    pub aggregator: Option<String>,
    /// For how many days it can be at most, begun ones counted, where what the bank gave ends before a year.
    pub days_max: Option<i64>,
}

/// What the customer chose.
#[derive(Debug, Clone)]
pub struct ConsentAnswer {
    /// The purposes, with the form of each.
    pub purposes: Vec<(Purpose, Form)>,
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// For how many days.
    pub days: i64,
    /// In which language the page was.
    pub lang: Lang,
    /// The exact text that was shown.
    pub notice: String,
}

/// The customer is linked.
#[derive(Debug)]
pub struct Linked {
    /// The value of a new session cookie, signed in to the privacy page.
    pub cookie: String,
    /// Where the platform wants the browser back, with our code; `None` for the one-time link.
    pub redirect: Option<Url>,
}

impl Gateway {
    /// What the linking page offers. Changes nothing: crawlers and previews may ask too.
    ///
    /// # Errors
    /// When the link is over, or the platform's token or address is not good.
    pub async fn link_offer(&self, entry: &Entry) -> Result<LinkOffer, LinkError> {
        let conversation = self.who(entry).await?;
        let lang = self.lang_of(&conversation).await?;
        let channel = self.channels.get(&conversation.channel).ok_or(LinkError::NoSuchInstitution)?;
        let institutions = channel
            .institutions
            .iter()
            .filter_map(|id| Some((id.clone(), self.institutions.get(id)?.name_in(lang).to_owned())))
            .collect();
        let person = self.person(&conversation).await;
        Ok(LinkOffer { lang, institutions, person })
    }

    /// A one-time link to the chat of who came by the platform's button, for another browser than the one it opened.
    /// The platform's token is not used up by it.
    ///
    /// # Errors
    /// As [`Gateway::link_offer`]. Who came by a one-time link has one: from it no other is made.
    pub async fn link_elsewhere(&self, entry: &Entry) -> Result<String, LinkError> {
        if matches!(entry, Entry::OneTime { .. }) {
            return Err(LinkError::Over);
        }
        let conversation = self.who(entry).await?;
        let (url, token) = self.one_time_link(&conversation);
        self.store.submit(vec![token]).await?;
        Ok(url)
    }

    /// Begins to link: uses the one-time link up, and sends the browser to the bank.
    ///
    /// # Errors
    /// As [`Gateway::link_offer`], or when the bank cannot begin.
    pub async fn link_begin(
        &self,
        entry: &Entry,
        institution: &InstitutionId,
        lang: Lang,
    ) -> Result<Begun, LinkError> {
        let conversation = self.who(entry).await?;
        let offered =
            self.channels.get(&conversation.channel).is_some_and(|c| c.institutions.contains(institution));
        if !offered {
            return Err(LinkError::NoSuchInstitution);
        }
        let (consume, redirect_uri) = match entry {
            Entry::OneTime { token } => (Some(self.consume(token)), None),
            Entry::AccountLinking { redirect_uri, .. } => (None, Some(redirect_uri.clone())),
        };
        self.to_bank(Aim::Link { conversation, redirect_uri }, institution, lang, consume).await
    }

    /// Begins to sign in to a page of the customer's own: sends the browser to the bank's login. It takes no secret
    /// from the chat; who signs in at the bank sees what is theirs.
    ///
    /// # Errors
    /// When the institution is not configured or the bank cannot begin.
    pub async fn sign_in(
        &self,
        page: OwnPage,
        institution: &InstitutionId,
        lang: Lang,
    ) -> Result<Begun, LinkError> {
        self.to_bank(Aim::SignIn(page), institution, lang, None).await
    }

    pub(crate) async fn to_bank(
        &self,
        aim: Aim,
        institution: &InstitutionId,
        lang: Lang,
        consume: Option<Command>,
    ) -> Result<Begun, LinkError> {
        let bank = &self.institutions.get(institution).ok_or(LinkError::NoSuchInstitution)?.bank;
        let back = self.page("link/callback").ok_or(LinkError::NoSuchInstitution)?;
        let login_only = matches!(aim, Aim::SignIn(_) | Aim::Notice(_));
        let life_s = if matches!(aim, Aim::Notice(_)) { NOTICE_STEP_S } else { LINK_SESSION_S };
        let ask = AuthorizeAsk {
            redirect_uri: back,
            clusters: if login_only { Clusters::default() } else { offered_clusters() },
            duration_days: u32::try_from(CONSENT_DAYS_MAX).unwrap_or(365),
            lookback_days: LOOKBACK_DAYS,
            lang,
            login_only,
        };
        let authorization = bank.begin(&ask).await?;
        let cookie = self.secret_text();
        let at_bank = AtBank { aim, institution: institution.clone(), lang, pending: authorization.pending };
        let keep = self.keep_browser(&cookie, &Browser::AtBank(at_bank), life_s)?;
        // Only now is the one-time link used up: a bank that cannot begin does not cost the customer the link.
        self.store.submit(consume.into_iter().chain([keep]).collect()).await?;
        Ok(Begun { cookie, url: authorization.url })
    }

    /// The browser is back from the bank.
    ///
    /// # Errors
    /// When the session is over, the customer said no, or the bank's answer is not good.
    pub async fn link_callback(&self, cookie: &str, callback: &Callback) -> Result<Next, LinkError> {
        let at = match self.browser(cookie).await {
            Ok(Browser::AtBank(at)) => at,
            Ok(Browser::Consenting(_)) => return Ok(Next::Consent),
            Ok(_) => return Err(LinkError::Over),
            Err(LinkError::Over) => return self.callback_again(cookie).await,
            Err(error) => return Err(error),
        };
        // Somebody else's callback costs the customer nothing.
        if callback.state.as_deref() != Some(at.pending.state()) {
            return Err(LinkError::Over);
        }
        // A code is redeemed once: a bank takes a second attempt for theft, and takes everything back.
        let waiting = self.keep_browser(&redeeming(cookie), &Browser::Redeeming, LINK_SESSION_S)?;
        match self.store.submit(vec![Self::take_browser(cookie), waiting]).await {
            Ok(_) => {}
            Err(SubmitError::Conflict { .. }) => return self.callback_again(cookie).await,
            Err(error) => return Err(error.into()),
        }
        let next = self.redeem(cookie, at, callback).await;
        if next.is_err() {
            // Whoever waits for it need not wait longer.
            let _ = self.store.submit(vec![Self::take_browser(&redeeming(cookie))]).await;
        }
        next
    }

    async fn redeem(&self, cookie: &str, at: AtBank, callback: &Callback) -> Result<Next, LinkError> {
        let bank = &self.institution(&at.institution)?.bank;
        let granted = match bank.complete(&at.pending, callback).await {
            Ok(granted) => granted,
            Err(error) => {
                let error = LinkError::from(error);
                if matches!(error, LinkError::Declined) {
                    self.link_declined(&at).await;
                }
                return Err(error);
            }
        };
        let blinded = granted.subject.as_deref().map(|s| self.store.keyring().blind(&at.institution, s));
        match at.aim.clone() {
            Aim::SignIn(page) => self.signed_in(cookie, at, blinded, page, None).await,
            Aim::Notice(hash) => {
                let came_for = Some((hash, self.after(NOTICE_STEP_S)));
                self.signed_in(cookie, at, blinded, OwnPage::Notice, came_for).await
            }
            Aim::Renew(renewing) => self.renewed(cookie, at, *renewing, blinded, granted).await,
            Aim::Link { conversation, redirect_uri } => {
                self.granted(cookie, at, conversation, redirect_uri, blinded, granted).await
            }
        }
    }

    /// The bank says who it is: signed in to the customer's own pages.
    async fn signed_in(
        &self,
        cookie: &str,
        at: AtBank,
        blinded: Option<[u8; 32]>,
        page: OwnPage,
        notice: Option<([u8; 32], Timestamp)>,
    ) -> Result<Next, LinkError> {
        let subject = blinded.ok_or(LinkError::NotLinked)?;
        let known = self.store.customer_by_subject(&at.institution, &subject).await?;
        let customer = known.ok_or(LinkError::NotLinked)?;
        let signed_in = SignedIn {
            customer: customer.id,
            shard: customer.shard,
            institution: at.institution,
            lang: at.lang,
            csrf: self.secret_text(),
            erase: None,
            notice,
            enrol_until: self.enrol_until(),
        };
        // A new cookie with new rights: one that was planted before stays worthless.
        let fresh = self.secret_text();
        let keep = self.keep_browser(&fresh, &Browser::Customer(signed_in), PRIVACY_SESSION_S)?;
        self.store.submit(vec![Self::take_browser(&redeeming(cookie)), keep]).await?;
        Ok(Next::SignedIn { cookie: fresh, page })
    }

    /// The callback was loaded more than once: waits until the first one knows where it leads.
    async fn callback_again(&self, cookie: &str) -> Result<Next, LinkError> {
        for _ in 0..CALLBACK_LOOKS {
            match self.browser(cookie).await {
                Ok(Browser::Consenting(_)) => return Ok(Next::Consent),
                Ok(_) => break,
                Err(LinkError::Over) => {
                    if let Err(over) = self.browser(&redeeming(cookie)).await {
                        // The first one may have come to its end between the two looks.
                        return match self.browser(cookie).await {
                            Ok(Browser::Consenting(_)) => Ok(Next::Consent),
                            _ => Err(over),
                        };
                    }
                    tokio::time::sleep(CALLBACK_LOOK_EVERY).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(LinkError::Over)
    }

    /// The bank has granted access: from here on somebody must take it back, should no consent come of it.
    async fn granted(
        &self,
        cookie: &str,
        at: AtBank,
        conversation: ConversationId,
        redirect_uri: Option<String>,
        blinded: Option<[u8; 32]>,
        granted: Granted,
    ) -> Result<Next, LinkError> {
        let fresh = CustomerId::new(&*self.clock, &*self.entropy);
        let tokens = granted.tokens.to_bytes();
        let bank_consent = granted.bank_consent.clone();
        // Where the bank does not say who it is, nobody else may be taken for this customer: joint accounts have one
        // id.
        let subject = blinded.unwrap_or_else(|| self.blind_unnamed(&at.institution, fresh));
        let known = self.store.customer_by_subject(&at.institution, &subject).await?;
        let customer = known.as_ref().map_or(fresh, |c| c.id);
        let shard = known.as_ref().map_or_else(|| conversation.shard(), |c| c.shard);
        let (revocation, enqueue) = self
            .revocation(
                (shard, customer),
                &at.institution,
                TakenBackGrant {
                    tokens: &tokens,
                    bank_consent: bank_consent.as_deref(),
                    why: ConsentEnd::Unconfirmed,
                },
                self.after(LINK_SESSION_S),
            )
            .await?;
        self.store.submit(vec![enqueue]).await?;

        let viewer = Subject { institution: at.institution.clone(), customer };
        let bank = &self.institution(&at.institution)?.bank;
        let accounts = match bank.accounts(&granted.tokens, &viewer, Actor::User).await {
            Ok(accounts) if !accounts.ids.is_empty() => accounts,
            outcome => {
                self.revoke_now(revocation).await;
                outcome?;
                return Err(LinkError::NoAccounts);
            }
        };
        let (ends, once) = self.grant_ends(&viewer, &granted.tokens, bank_consent.as_deref()).await;
        let ends = self.institution(&at.institution)?.grant_ends(ends, &granted.tokens, self.now());
        let tokens = Tokens { once, ..granted.tokens }.to_bytes();
        let consenting = Consenting {
            ends,
            customer,
            shard,
            subject,
            revocation,
            conversation,
            institution: at.institution,
            lang: at.lang,
            redirect_uri,
            accounts: accounts.ids,
            tokens,
            bank_consent,
            evidence: granted.evidence,
        };
        let keep = self.keep_browser(cookie, &Browser::Consenting(Box::new(consenting)), LINK_SESSION_S)?;
        self.store.submit(vec![Self::take_browser(&redeeming(cookie)), keep]).await?;
        Ok(Next::Consent)
    }

    /// The grant is not wanted: the job that would take it back later does so now.
    pub(crate) async fn revoke_now(&self, job: [u8; 16]) {
        let now = JobOutcome::Retry { at: self.now() };
        if let Err(error) = self.store.submit(vec![Command::FinishJob { id: job, outcome: now }]).await {
            tracing::warn!(%error, "a grant that is not wanted is taken back later");
        }
        self.jobs_filled.notify_one();
    }

    async fn link_declined(&self, at: &AtBank) {
        let Aim::Link { conversation, .. } = &at.aim else { return };
        let Ok(say) = self.say(conversation, &amana_chat::plain::link_cancelled(at.lang), false).await else {
            return;
        };
        if let Err(error) = self.store.submit(vec![say]).await {
            tracing::warn!(%error, "a declined link could not be told");
        }
        self.outbox_filled.notify_one();
    }

    /// What the consent page shows: the accounts are read live from the bank, those in `chosen` ticked. `lang` gives
    /// the page's language from the session's.
    ///
    /// # Errors
    /// When the session is over or the bank cannot answer.
    pub async fn consent_form(
        &self,
        cookie: &str,
        chosen: &BTreeSet<AccountId>,
        lang: impl FnOnce(Lang) -> Lang,
    ) -> Result<(ConsentForm, Shown), LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let lang = lang(at.lang);
        let institution = self.institution(&at.institution)?;
        let tokens = Tokens::from_bytes(&at.tokens).map_err(|_| LinkError::Over)?;
        let viewer = Subject { institution: at.institution.clone(), customer: at.customer };
        let accounts = institution.bank.accounts(&tokens, &viewer, Actor::User).await?;
        let shown =
            self.gate.show_choices(&accounts.data, chosen, &viewer, lang).map_err(|_| LinkError::Over)?;
        let agreement = self.store.agreement(&at.institution, &at.conversation.channel).await?;
        let purposes = OFFERED_PURPOSES
            .iter()
            .filter_map(|purpose| {
                let (clusters, form_max) = agreement.as_ref()?.allows(*purpose)?;
                let clusters = clusters.intersection(purpose.clusters());
                Some(PurposeChoice { purpose: *purpose, clusters, form_max })
            })
            .collect();
        let person = self.person(&at.conversation).await;
        let days_max = at.ends.map(|ends| {
            let left = ends.as_second().saturating_sub(self.now().as_second());
            left.saturating_add(86_399).div_euclid(86_400).max(1)
        });
        let form = ConsentForm {
            days_max: days_max.filter(|days| *days < CONSENT_DAYS_MAX),
            lang,
            institution: institution.name_in(lang).to_owned(),
            aggregator: institution.aggregator_in(lang),
            institution_id: at.institution,
            purposes,
            accounts: accounts.ids,
            accounts_sha256: hex::encode(shown.sha256()),
            person,
        };
        Ok((form, shown))
    }

    /// The customer leaves the consent page without a consent: the bank's grant is taken back.
    ///
    /// # Errors
    /// When the session is over or the store fails.
    pub async fn consent_cancel(&self, cookie: &str) -> Result<(), LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let say = self.say(&at.conversation, &amana_chat::plain::link_cancelled(at.lang), false).await?;
        self.store.submit(vec![Self::take_browser(cookie), say]).await?;
        self.outbox_filled.notify_one();
        self.revoke_now(at.revocation).await;
        Ok(())
    }

    /// Records the consent and makes the link, once: a page posted twice is refused the second time.
    ///
    /// # Errors
    /// When the session is over, or the answer is not one that can be recorded.
    pub async fn consent_give(&self, cookie: &str, answer: &ConsentAnswer) -> Result<Linked, LinkError> {
        for attempt in 1.. {
            let (commands, linked) = self.consenting(cookie, answer).await?;
            match self.store.submit(commands).await {
                // The session was taken: this page was posted before.
                Err(SubmitError::Conflict { what: "session", .. }) => break,
                // Another window or chat was faster with something that this rests on: once more, from what holds now.
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    self.outbox_filled.notify_one();
                    return Ok(linked);
                }
            }
        }
        Err(LinkError::Over)
    }

    /// The commands that record a consent and make the link, and what the browser gets.
    async fn consenting(
        &self,
        cookie: &str,
        answer: &ConsentAnswer,
    ) -> Result<(Vec<Command>, Linked), LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let now = self.now();
        let known = self.store.customer_by_subject(&at.institution, &at.subject).await?;
        let customer = known.as_ref().map_or(at.customer, |c| c.id);
        let shard = known.as_ref().map_or(at.shard, |c| c.shard);
        let consent = self.consent_of(&at, customer, answer).await?;

        let redirect = at.redirect_uri.as_deref().map(|uri| self.allowed_redirect(uri)).transpose()?;
        let code = redirect.as_ref().map(|_| self.secret_text());
        let link = Link {
            id: consent.link,
            shard,
            customer,
            institution: at.institution.clone(),
            channel: at.conversation.channel.clone(),
            psid: at.conversation.psid.clone(),
            accounts: at.accounts.iter().cloned().collect(),
            // By the platform's button: the link waits until the platform's own word names the same person.
            state: if code.is_some() { LinkState::Pending } else { LinkState::Active },
            code_hash: code.as_deref().map(amana_core::ids::token_hash),
            created_at: now,
            ended_at: None,
        };
        let fresh = self.secret_text();
        let signed_in = SignedIn {
            customer,
            shard,
            institution: at.institution.clone(),
            lang: answer.lang,
            csrf: self.secret_text(),
            erase: None,
            notice: None,
            // The login may be a quarter of an hour ago.
            enrol_until: None,
        };

        let mut commands = vec![Self::take_browser(cookie), Command::CancelJob { id: at.revocation }];
        let mut new_key = None;
        if known.is_none() {
            let made = self.store.new_customer_key(&at.institution, customer, now).await?;
            // Erased since the page was opened: there is no other key for that id. Who begins anew gets a new one.
            let made = made.ok_or(LinkError::Over)?;
            new_key = Some(made.key);
            commands.push(Command::CreateCustomer {
                shard,
                id: customer,
                institution: at.institution.clone(),
                subject: at.subject,
                wrapped_key: made.wrapped,
                at: now,
            });
        }
        if link.state == LinkState::Active {
            commands.extend(self.end_others(&link, now).await?);
        } else {
            commands.push(self.ending(shard, customer, link.id, self.after(PENDING_LINK_S)));
        }
        commands.push(Command::CreateLink(link.clone()));
        commands.push(Command::GrantConsent {
            shard,
            receipt: ReceiptDraft::of_consent_given(&consent, None, now),
            basis: Box::new(self.consent_basis(
                &at.institution,
                at.evidence.clone(),
                Some(answer.notice.clone()),
                None,
            )?),
            consent: consent.clone(),
        });
        commands.push(Command::PutBankGrant {
            grant: BankGrant {
                shard,
                customer,
                link: link.id,
                version: 1,
                tokens: at.tokens.clone(),
                bank_consent: at.bank_consent.clone(),
                at: now,
            },
            expected: 0,
        });
        commands.push(self.ending(shard, customer, link.id, consent.expires_at));
        commands.extend(self.reminding(shard, &consent, answer.days));
        commands.push(self.look_at_grant(shard, customer, link.id));
        commands.push(self.polling(shard, customer, link.id));
        commands.extend(self.subscriptions_due(&at.institution));
        // The language of the page is the one that the customer wants to be spoken to in, until they write in another.
        if let Some(person) = self.store.conversation(&at.conversation).await?
            && !person.lang_chosen
        {
            commands.push(Command::PutConversation(Conversation { lang: answer.lang, ..person }));
        }
        if link.state == LinkState::Active {
            commands.push(self.say_linked(&link, &consent, answer.lang, new_key).await?);
        }
        commands.push(self.keep_browser(&fresh, &Browser::Customer(signed_in), PRIVACY_SESSION_S)?);

        let redirect = redirect.zip(code).map(|(mut url, code)| {
            url.query_pairs_mut().append_pair("authorization_code", &code);
            url
        });
        Ok((commands, Linked { cookie: fresh, redirect }))
    }

    /// The consent that an answer gives, within what the bank shared and the agreement allows.
    async fn consent_of(
        &self,
        at: &Consenting,
        customer: CustomerId,
        answer: &ConsentAnswer,
    ) -> Result<Consent, LinkError> {
        let now = self.now();
        let agreement = self.store.agreement(&at.institution, &at.conversation.channel).await?;
        // An account that is not the customer's at this bank cannot be chosen, whatever the form says.
        let accounts: BTreeSet<AccountId> =
            answer.accounts.iter().filter(|a| at.accounts.contains(a)).cloned().collect();
        let grants: BTreeMap<Purpose, Grant> = answer
            .purposes
            .iter()
            .filter_map(|(purpose, form)| {
                let (agreed, form_max) = agreement.as_ref()?.allows(*purpose)?;
                let clusters = agreed.intersection(purpose.clusters());
                Some((*purpose, Grant { accounts: accounts.clone(), clusters, form: (*form).min(form_max) }))
            })
            .collect();
        let days =
            u64::try_from(answer.days).ok().filter(|d| (1..=CONSENT_DAYS_MAX.unsigned_abs()).contains(d));
        let days = days.ok_or(amana_core::ConsentError::Duration)?;
        let expires_at = now
            .checked_add(std::time::Duration::from_secs(days * 86_400))
            .map_err(|_| amana_core::ConsentError::Duration)?;
        // The bank's grant is the truth: for longer than it lasts nothing can be allowed.
        let expires_at = at.ends.map_or(expires_at, |ends| ends.min(expires_at));
        let consent = Consent {
            id: ConsentId::new(&*self.clock, &*self.entropy),
            customer,
            link: LinkId::new(&*self.clock, &*self.entropy),
            institution: at.institution.clone(),
            channel: at.conversation.channel.clone(),
            psid: at.conversation.psid.clone(),
            grants,
            lang: answer.lang,
            notice_sha256: hex::encode(amana_core::ids::sha256(&[answer.notice.as_bytes()])),
            granted_at: now,
            expires_at,
            state: ConsentState::Active,
            revoked_at: None,
        };
        consent.check()?;
        Ok(consent)
    }

    /// Linking again replaces: the commands that end the other links of the conversation to the same institution.
    pub(crate) async fn end_others(&self, link: &Link, now: Timestamp) -> Result<Vec<Command>, FlowError> {
        let mut commands = Vec::new();
        for old in self.store.links_of_conversation(&link.conversation()).await? {
            if old.institution == link.institution && old.id != link.id {
                commands.extend(self.end_link(&old, ConsentEnd::Renewed, now).await?);
            }
        }
        Ok(commands)
    }

    /// The platform's word that a person linked their account, with the code that we gave the browser.
    pub(crate) async fn on_linked(
        &self,
        from: &ConversationId,
        code: Option<&str>,
    ) -> Result<Vec<Command>, FlowError> {
        let Some(code) = code else { return Ok(Vec::new()) };
        let hash = amana_core::ids::token_hash(code);
        let Some(link) = self.store.link_by_code(&hash).await? else {
            tracing::warn!("an account-linking webhook brought a code that no link waits for");
            return Ok(Vec::new());
        };
        let now = self.now();
        let age = now.as_second().saturating_sub(link.created_at.as_second());
        if link.conversation() != *from || age > PENDING_LINK_S {
            // Somebody else's chat brought the code, or it came too late: the link is not made, and the consent is
            // taken back.
            tracing::error!(link = %link.id, "an account-linking code came from elsewhere or too late; the link is ended");
            return self.end_link(&link, ConsentEnd::Unconfirmed, now).await;
        }
        let Some(consent) = self.store.consent_of_link(link.shard, link.id).await? else {
            return Ok(Vec::new());
        };
        let lang = consent.lang;
        let mut commands = self.end_others(&link, now).await?;
        commands.push(Command::SetLink {
            shard: link.shard,
            id: link.id,
            from: LinkState::Pending,
            to: LinkState::Active,
            at: now,
        });
        commands.push(self.say_linked(&link, &consent, lang, None).await?);
        Ok(commands)
    }

    /// That a link is made. `new_key` is the key of a customer who comes to be in the same commit: the store does not
    /// know them yet, and what is said to them is under their key all the same.
    async fn say_linked(
        &self,
        link: &Link,
        consent: &Consent,
        lang: Lang,
        new_key: Option<Arc<DataKey>>,
    ) -> Result<Command, FlowError> {
        let institution = self.institution(&link.institution)?;
        let allowed: Vec<(Purpose, Form)> = consent.grants.iter().map(|(p, g)| (*p, g.form)).collect();
        let content = amana_chat::plain::linked(
            lang,
            institution.name_in(lang),
            &allowed,
            consent.expires_at,
            self.now(),
        );
        match new_key {
            Some(key) => {
                let key = PlainKey::of_new((link.shard, link.customer), key);
                self.say_under(
                    (&key, About::Link),
                    &link.conversation(),
                    &content,
                    self.channel.encoding(false),
                )
            }
            None => self.say_of(link, &content, false).await,
        }
    }

    /// The lookup value of a customer whom the bank does not name: their own id, so that nobody else is taken for them.
    pub(crate) fn blind_unnamed(&self, institution: &InstitutionId, customer: CustomerId) -> [u8; 32] {
        self.store.keyring().blind(institution, &format!("unnamed:{customer}"))
    }

    /// The person's name at the platform, for showing whose chat is being linked.
    pub(crate) async fn person(&self, conversation: &ConversationId) -> Option<String> {
        let address = Address { channel: conversation.channel.clone(), psid: conversation.psid.clone() };
        self.channel.name(&address).await
    }

    pub(crate) async fn lang_of(&self, conversation: &ConversationId) -> Result<Lang, LinkError> {
        Ok(self.store.conversation(conversation).await?.map_or(Lang::English, |c| c.lang))
    }

    /// Whose chat an entry belongs to. Asks, changes nothing.
    async fn who(&self, entry: &Entry) -> Result<ConversationId, LinkError> {
        match entry {
            Entry::OneTime { token } => self.peek(token).await,
            Entry::AccountLinking { channel, token, redirect_uri } => {
                self.allowed_redirect(redirect_uri)?;
                if !self.channels.contains_key(channel) {
                    return Err(LinkError::NoSuchInstitution);
                }
                let psid = self.channel.linking_recipient(channel, token).await?;
                Ok(ConversationId { channel: channel.clone(), psid })
            }
        }
    }

    pub(crate) async fn peek(&self, token: &str) -> Result<ConversationId, LinkError> {
        let row = self.store.token(&amana_core::ids::token_hash(token)).await?.ok_or(LinkError::Over)?;
        let good = row.consumed_at.is_none() && self.now() < row.expires_at;
        if good { Ok(row.conversation) } else { Err(LinkError::Over) }
    }

    fn consume(&self, token: &str) -> Command {
        Command::ConsumeToken { hash: amana_core::ids::token_hash(token), now: self.now() }
    }

    /// The address that the platform wants the browser back at, if it is the platform's own.
    fn allowed_redirect(&self, uri: &str) -> Result<Url, LinkError> {
        let url = Url::parse(uri).map_err(|_| LinkError::ForeignRedirect)?;
        let host = url.host_str().ok_or(LinkError::ForeignRedirect)?;
        let named = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let own = self.redirect_hosts.contains(&named);
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(host));
        if own && secure && url.username().is_empty() && url.password().is_none() {
            Ok(url)
        } else {
            Err(LinkError::ForeignRedirect)
        }
    }
}

/// Where the mark stands that a session's code is being redeemed.
pub(crate) fn redeeming(cookie: &str) -> String {
    format!("redeeming:{cookie}")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
