//! Linking: from a one-time link or the platform's account-linking button, over the bank's own pages, to a consent.

use crate::error::{FlowError, LinkError};
use crate::gateway::{Gateway, OFFERED_PURPOSES, offered_clusters};
use crate::limits::{LINK_SESSION_S, LOOKBACK_DAYS, PRIVACY_SESSION_S};
use crate::session::{Aim, AtBank, Browser, Consenting, SignedIn};
use amana_bank::{Actor, AuthorizeAsk, Callback, Tokens};
use amana_core::{
    Account, AccountId, AccountKind, CONSENT_DAYS_MAX, ChannelId, Clusters, Consent, ConsentId, ConsentState,
    ConversationId, CustomerId, Form, Grant, InstitutionId, Lang, LinkId, Purpose,
};
use amana_gate::{ReceiptDraft, ReceiptKind, Subject};
use amana_store::{BankGrant, Command, Link, LinkState, TokenKind};
use std::collections::{BTreeMap, BTreeSet};
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
}

/// An authorization has begun: the cookie to set and where to send the browser.
#[derive(Debug)]
pub struct Begun {
    /// The value of the session cookie.
    pub cookie: String,
    /// The bank's page.
    pub url: Url,
}

/// Where the browser goes after the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To the consent page.
    Consent,
    /// To the privacy page.
    Privacy,
}

/// An account on the consent page. Shown to its holder on our own page; never logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountChoice {
    /// The bank's id.
    pub id: AccountId,
    /// The name.
    pub name: String,
    /// The last four digits.
    pub last_four: Option<String>,
    /// The kind.
    pub kind: AccountKind,
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
    /// The institution's name.
    pub institution: String,
    /// The purposes, none chosen.
    pub purposes: Vec<PurposeChoice>,
    /// The accounts, none chosen.
    pub accounts: Vec<AccountChoice>,
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
        Ok(LinkOffer { lang, institutions })
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
        self.to_bank(Aim::Link, conversation, institution, lang, consume, redirect_uri).await
    }

    /// Begins to sign in to the privacy page: uses the one-time link up, and sends the browser to the bank's login.
    ///
    /// # Errors
    /// When the link is over or the bank cannot begin.
    pub async fn privacy_begin(
        &self,
        token: &str,
        institution: &InstitutionId,
        lang: Lang,
    ) -> Result<Begun, LinkError> {
        let conversation = self.peek(token, TokenKind::Privacy).await?;
        let linked = self.store.links_of_conversation(&conversation).await?;
        if !linked.iter().any(|l| l.institution == *institution && l.state == LinkState::Active) {
            return Err(LinkError::NotLinked);
        }
        let consume = Some(self.consume(token));
        self.to_bank(Aim::Privacy, conversation, institution, lang, consume, None).await
    }

    /// What the privacy page's entrance offers: the institutions linked in the conversation. Changes nothing.
    ///
    /// # Errors
    /// When the link is over.
    pub async fn privacy_offer(&self, token: &str) -> Result<LinkOffer, LinkError> {
        let conversation = self.peek(token, TokenKind::Privacy).await?;
        let lang = self.lang_of(&conversation).await?;
        let mut institutions = Vec::new();
        for link in self.store.links_of_conversation(&conversation).await? {
            let known = institutions.iter().any(|(id, _)| *id == link.institution);
            if let (LinkState::Active, false, Some(i)) =
                (link.state, known, self.institutions.get(&link.institution))
            {
                institutions.push((link.institution.clone(), i.name_in(lang).to_owned()));
            }
        }
        Ok(LinkOffer { lang, institutions })
    }

    async fn to_bank(
        &self,
        aim: Aim,
        conversation: ConversationId,
        institution: &InstitutionId,
        lang: Lang,
        consume: Option<Command>,
        redirect_uri: Option<String>,
    ) -> Result<Begun, LinkError> {
        let bank = &self.institutions.get(institution).ok_or(LinkError::NoSuchInstitution)?.bank;
        let back = self.page("link/callback").ok_or(LinkError::NoSuchInstitution)?;
        let ask = AuthorizeAsk {
            redirect_uri: back,
            clusters: if aim == Aim::Link { offered_clusters() } else { Clusters::default() },
            duration_days: u32::try_from(CONSENT_DAYS_MAX).unwrap_or(365),
            lookback_days: LOOKBACK_DAYS,
            lang,
            login_only: aim == Aim::Privacy,
        };
        let authorization = bank.begin(&ask).await?;
        let cookie = self.secret_text();
        let at_bank = AtBank {
            aim,
            conversation,
            institution: institution.clone(),
            lang,
            pending: authorization.pending,
            redirect_uri,
        };
        let keep = self.keep_browser(&cookie, &Browser::AtBank(at_bank), LINK_SESSION_S)?;
        // Only now is the one-time link used up: a bank that cannot begin does not cost the customer the link.
        self.store.submit(consume.into_iter().chain([keep]).collect()).await?;
        Ok(Begun { cookie, url: authorization.url })
    }

    /// The browser is back from the bank.
    ///
    /// # Errors
    /// When the session is over, the customer said no, or the bank's answer is not good.
    pub async fn link_callback(&self, cookie: &str, callback: &Callback) -> Result<Next, LinkError> {
        let Browser::AtBank(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let bank = &self.institution(&at.institution)?.bank;
        let granted = match bank.complete(&at.pending, callback).await {
            Ok(granted) => granted,
            Err(error) => {
                let error = LinkError::from(error);
                if matches!(error, LinkError::Declined) {
                    self.link_declined(&at, cookie).await;
                }
                return Err(error);
            }
        };
        let blinded = granted.subject.as_deref().map(|s| self.store.keyring().blind(&at.institution, s));
        match at.aim {
            Aim::Privacy => {
                let subject = blinded.ok_or(LinkError::NotLinked)?;
                let known = self.store.customer_by_subject(&at.institution, &subject).await?;
                let customer = known.ok_or(LinkError::NotLinked)?;
                let linked = self.store.links_of_conversation(&at.conversation).await?;
                if !linked.iter().any(|l| l.customer == customer.id) {
                    return Err(LinkError::NotLinked);
                }
                let signed_in = SignedIn {
                    customer: customer.id,
                    shard: customer.shard,
                    institution: at.institution,
                    lang: at.lang,
                    csrf: self.secret_text(),
                };
                let keep = self.keep_browser(cookie, &Browser::Customer(signed_in), PRIVACY_SESSION_S)?;
                self.store.submit(vec![Self::take_browser(cookie), keep]).await?;
                Ok(Next::Privacy)
            }
            Aim::Link => {
                let fresh = CustomerId::new(&*self.clock, &*self.entropy);
                let subject = Subject { institution: at.institution.clone(), customer: fresh };
                let accounts = bank.accounts(&granted.tokens, &subject, Actor::User).await?;
                if accounts.ids.is_empty() {
                    return Err(LinkError::NoAccounts);
                }
                // A bank that does not say who it is: its accounts name the customer.
                let subject =
                    blinded.unwrap_or_else(|| self.blind_by_accounts(&at.institution, &accounts.ids));
                let known = self.store.customer_by_subject(&at.institution, &subject).await?;
                let consenting = Consenting {
                    customer: known.as_ref().map_or(fresh, |c| c.id),
                    shard: known.as_ref().map_or_else(|| at.conversation.shard(), |c| c.shard),
                    new: known.is_none(),
                    subject,
                    conversation: at.conversation,
                    institution: at.institution,
                    lang: at.lang,
                    redirect_uri: at.redirect_uri,
                    accounts: accounts.ids,
                    tokens: granted.tokens.to_bytes(),
                    bank_consent: granted.bank_consent,
                };
                let keep =
                    self.keep_browser(cookie, &Browser::Consenting(Box::new(consenting)), LINK_SESSION_S)?;
                self.store.submit(vec![Self::take_browser(cookie), keep]).await?;
                Ok(Next::Consent)
            }
        }
    }

    async fn link_declined(&self, at: &AtBank, cookie: &str) {
        if at.aim != Aim::Link {
            return;
        }
        let Ok(say) = self.say(&at.conversation, &amana_chat::plain::link_cancelled(at.lang), false) else {
            return;
        };
        if let Err(error) = self.store.submit(vec![Self::take_browser(cookie), say]).await {
            tracing::warn!(%error, "a declined link could not be told");
        }
        self.outbox_filled.notify_one();
    }

    /// What the consent page shows: the accounts are read live from the bank.
    ///
    /// # Errors
    /// When the session is over or the bank cannot answer.
    pub async fn consent_form(&self, cookie: &str) -> Result<ConsentForm, LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let institution = self.institution(&at.institution)?;
        let tokens = Tokens::from_bytes(&at.tokens).map_err(|_| LinkError::Over)?;
        let viewer = Subject { institution: at.institution.clone(), customer: at.customer };
        let accounts = institution.bank.accounts(&tokens, &viewer, Actor::User).await?;
        let accounts =
            self.gate.show_to_subject(&accounts.data, &viewer, choices).map_err(|_| LinkError::Over)?;
        let agreement = self.store.agreement(&at.institution, &at.conversation.channel).await?;
        let purposes = OFFERED_PURPOSES
            .iter()
            .filter_map(|purpose| {
                let (clusters, form_max) = agreement.as_ref()?.allows(*purpose)?;
                let clusters = clusters.intersection(purpose.clusters());
                Some(PurposeChoice { purpose: *purpose, clusters, form_max })
            })
            .collect();
        Ok(ConsentForm {
            lang: at.lang,
            institution: institution.name_in(at.lang).to_owned(),
            purposes,
            accounts,
        })
    }

    /// The customer leaves the consent page without a consent: the bank's grant is taken back.
    ///
    /// # Errors
    /// When the session is over or the store fails.
    pub async fn consent_cancel(&self, cookie: &str) -> Result<(), LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let say = self.say(&at.conversation, &amana_chat::plain::link_cancelled(at.lang), false)?;
        self.store.submit(vec![Self::take_browser(cookie), say]).await?;
        self.outbox_filled.notify_one();
        if let (Ok(tokens), Ok(institution)) =
            (Tokens::from_bytes(&at.tokens), self.institution(&at.institution))
            && let Err(error) = institution.bank.revoke(&tokens, at.bank_consent.as_deref()).await
        {
            tracing::warn!(%error, "a grant without a consent could not be taken back; it ends by itself");
        }
        Ok(())
    }

    /// Records the consent and makes the link, once: a page posted twice is refused the second time.
    ///
    /// # Errors
    /// When the session is over, or the answer is not one that can be recorded.
    pub async fn consent_give(&self, cookie: &str, answer: &ConsentAnswer) -> Result<Linked, LinkError> {
        let Browser::Consenting(at) = self.browser(cookie).await? else { return Err(LinkError::Over) };
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
        let link_id = LinkId::new(&*self.clock, &*self.entropy);
        let consent = Consent {
            id: ConsentId::new(&*self.clock, &*self.entropy),
            customer: at.customer,
            link: link_id,
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

        let code = at.redirect_uri.as_ref().map(|_| self.secret_text());
        let link = Link {
            id: link_id,
            shard: at.shard,
            customer: at.customer,
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
            customer: at.customer,
            shard: at.shard,
            institution: at.institution.clone(),
            lang: answer.lang,
            csrf: self.secret_text(),
        };

        let mut commands = vec![Self::take_browser(cookie)];
        if at.new {
            let (_, wrapped_key) = self.store.keyring().new_customer_key(at.customer, &*self.entropy)?;
            commands.push(Command::CreateCustomer {
                shard: at.shard,
                id: at.customer,
                institution: at.institution.clone(),
                subject: at.subject,
                wrapped_key,
                at: now,
            });
        }
        // Linking again replaces: what was allowed before is taken back first.
        let mut version = self.store.bank_grant(at.shard, at.customer).await?.map_or(0, |g| g.version);
        for old in self.store.links_of_conversation(&at.conversation).await? {
            if old.institution == at.institution {
                commands.extend(self.end_link(&old, now).await?);
                version = 0;
            }
        }
        commands.push(Command::CreateLink(link.clone()));
        commands.push(Command::GrantConsent {
            shard: at.shard,
            receipt: ReceiptDraft::of_consent(ReceiptKind::Consent, &consent, now),
            consent: consent.clone(),
        });
        commands.push(Command::PutBankGrant {
            grant: BankGrant {
                shard: at.shard,
                customer: at.customer,
                version: version + 1,
                tokens: at.tokens.clone(),
                bank_consent: at.bank_consent.clone(),
                at: now,
            },
            expected: version,
        });
        if link.state == LinkState::Active {
            commands.push(self.say_linked(&link, &consent, answer.lang)?);
        }
        commands.push(self.keep_browser(&fresh, &Browser::Customer(signed_in), PRIVACY_SESSION_S)?);
        self.store.submit(commands).await?;
        self.outbox_filled.notify_one();

        let redirect = match (at.redirect_uri, code) {
            (Some(uri), Some(code)) => {
                let mut url = self.allowed_redirect(&uri)?;
                url.query_pairs_mut().append_pair("authorization_code", &code);
                Some(url)
            }
            _ => None,
        };
        Ok(Linked { cookie: fresh, redirect })
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
        if link.conversation() != *from {
            // Somebody else's chat brought the code: the link is not made, and the consent is taken back.
            tracing::error!(link = %link.id, "an account-linking code came from another conversation; the link is ended");
            return self.end_link(&link, now).await;
        }
        let Some(consent) = self.store.consent_of_link(link.shard, link.id).await? else {
            return Ok(Vec::new());
        };
        let lang = consent.lang;
        let activate = Command::SetLink {
            shard: link.shard,
            id: link.id,
            from: LinkState::Pending,
            to: LinkState::Active,
            at: now,
        };
        Ok(vec![activate, self.say_linked(&link, &consent, lang)?])
    }

    fn say_linked(&self, link: &Link, consent: &Consent, lang: Lang) -> Result<Command, FlowError> {
        let institution = self.institution(&link.institution)?;
        let allowed: Vec<(Purpose, Form)> = consent.grants.iter().map(|(p, g)| (*p, g.form)).collect();
        let content = amana_chat::plain::linked(
            lang,
            institution.name_in(lang),
            &allowed,
            consent.expires_at,
            self.now(),
        );
        self.say(&link.conversation(), &content, false)
    }

    /// The lookup value of a customer whom the bank does not name.
    pub(crate) fn blind_by_accounts<'a>(
        &self,
        institution: &InstitutionId,
        accounts: impl IntoIterator<Item = &'a AccountId>,
    ) -> [u8; 32] {
        let mut ids: Vec<_> = accounts.into_iter().map(AccountId::as_str).collect();
        ids.sort_unstable();
        self.store.keyring().blind(institution, &format!("accounts:{}", ids.join("\n")))
    }

    async fn lang_of(&self, conversation: &ConversationId) -> Result<Lang, LinkError> {
        Ok(self.store.conversation(conversation).await?.map_or(Lang::English, |c| c.lang))
    }

    /// Whose chat an entry belongs to. Asks, changes nothing.
    async fn who(&self, entry: &Entry) -> Result<ConversationId, LinkError> {
        match entry {
            Entry::OneTime { token } => self.peek(token, TokenKind::Link).await,
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

    async fn peek(&self, token: &str, kind: TokenKind) -> Result<ConversationId, LinkError> {
        let row = self.store.token(&amana_core::ids::token_hash(token)).await?.ok_or(LinkError::Over)?;
        let good = row.kind == kind && row.consumed_at.is_none() && self.now() < row.expires_at;
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

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn choices(accounts: &Vec<Account>) -> Vec<AccountChoice> {
    accounts
        .iter()
        .map(|a| AccountChoice {
            id: a.id.clone(),
            name: a.name.clone(),
            last_four: a.last_four.clone(),
            kind: a.kind,
        })
        .collect()
}
