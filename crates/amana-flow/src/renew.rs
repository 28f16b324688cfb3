//! Renewal: what a customer allowed goes on, with the same purposes and accounts, after the bank's own pages have seen
//! the same person. A link that is in force stays the link that it is; one whose time is over gets a successor.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::jobs::TakenBackGrant;
use crate::limits::{
    CONFLICT_TRIES, LINK_SESSION_S, PRIVACY_SESSION_S, RENEW_AFTER_S, RENEW_BEFORE_S, RENEW_LINK_S,
};
use crate::link::{Begun, Next};
use crate::session::{Aim, AtBank, Browser, SignedIn};
use amana_bank::{Actor, Granted, Tokens};
use amana_core::{
    AccountId, CONSENT_DAYS_MAX, Clusters, Consent, ConsentEnd, ConsentId, ConsentState, ConversationId,
    Form, Grant, InstitutionId, Lang, LinkId, Purpose, Shard, Timestamp,
};
use amana_gate::{ReceiptDraft, Subject};
use amana_store::{BankGrant, Command, Link, LinkState, SubmitError, Token};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a browser was sent to the bank to renew.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Renewing {
    shard: Shard,
    link: LinkId,
    /// The hash of the link that was followed; it is used up with the renewal.
    token: [u8; 32],
    days: i64,
    /// The exact text that was shown.
    notice: String,
}

/// What would go on, for the page that asks.
#[derive(Debug, Clone)]
pub struct RenewalForm {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// What would be allowed again: the purpose, the kinds of data, the form, and for how many accounts.
    pub purposes: Vec<(Purpose, Clusters, Form, usize)>,
    /// For how many days from the renewal.
    pub days: i64,
    /// Whose chat it is, as the platform calls the person.
    pub person: Option<String>,
    /// The data aggregator through which the bank is read, if it is.
    pub aggregator: Option<String>,
}

/// A renewal's token under a name of its own: it lasts long, so it must not lead to linking another bank account to the
/// chat, which takes a fresh one.
fn named(token: &str) -> String {
    format!("renew:{token}")
}

/// What can be renewed.
struct Renewable {
    link: Link,
    consent: Consent,
    days: i64,
}

impl Gateway {
    /// The address that renews a link, for a button, and the command that makes it good.
    pub(crate) fn renewal_link(&self, link: &Link, life_s: i64) -> (String, Command) {
        let token = self.secret_text();
        let url = self.page("link/renew").map_or_else(String::new, |mut url| {
            url.query_pairs_mut().append_pair("t", &token).append_pair("bank", link.institution.as_str());
            url.to_string()
        });
        let row = Token {
            hash: amana_core::ids::token_hash(&named(&token)),
            conversation: link.conversation(),
            expires_at: self.after(life_s),
            consumed_at: None,
        };
        (url, Command::PutToken(row))
    }

    /// The same for the chat's reminder: good until some time after the end.
    pub(crate) fn reminders_link(&self, link: &Link, expires_at: Timestamp) -> (String, Command) {
        let left = expires_at.as_second().saturating_sub(self.now().as_second()).max(0);
        self.renewal_link(link, left.saturating_add(RENEW_AFTER_S))
    }

    /// The answer to the tap on an approved reminder, which has no room for an address: the way to renew what ends
    /// soon. Where nothing does, what stands is on the privacy page; where all has ended, it is linked anew.
    pub(crate) async fn ways_to_renew(
        &self,
        to: &ConversationId,
        active: &[&Link],
        lang: Lang,
    ) -> Result<Vec<Command>, FlowError> {
        if active.is_empty() {
            return self.ask_to_link(to, lang).await;
        }
        let now = self.now();
        let mut said = Vec::new();
        for link in active {
            let Some(consent) = self.store.consent_of_link(link.shard, link.id).await? else { continue };
            let soon = now.as_second() >= consent.expires_at.as_second() - RENEW_BEFORE_S;
            if !soon || !consent.in_force(now) || self.is_once(link).await? {
                continue;
            }
            let Some(known) = self.institutions.get(&link.institution) else { continue };
            let (renew, token) = self.reminders_link(link, consent.expires_at);
            let content =
                amana_chat::plain::ends_soon(lang, known.name_in(lang), consent.expires_at, now, &renew);
            said.extend([token, self.say_of(link, &content, true).await?]);
        }
        if said.is_empty() {
            said.push(self.say(to, &amana_chat::plain::privacy(lang, &self.privacy_url()), true).await?);
        }
        Ok(said)
    }

    /// From the privacy page: the address that renews a consent of the viewer's.
    ///
    /// # Errors
    /// When the session is over, the form is not ours, or the consent is not one of the viewer's that can be renewed.
    pub async fn privacy_renew(
        &self,
        cookie: &str,
        csrf: &str,
        consent: ConsentId,
    ) -> Result<String, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        if viewer.csrf != csrf {
            return Err(LinkError::Over);
        }
        let consents = self.store.consents(viewer.shard, viewer.customer).await?;
        let consent = consents.into_iter().find(|c| c.id == consent).ok_or(LinkError::Over)?;
        let link = self.store.link(viewer.shard, consent.link).await?.ok_or(LinkError::Over)?;
        let found = self.renewable(&link.conversation(), &link.institution).await?;
        if found.consent.id != consent.id {
            return Err(LinkError::Over);
        }
        let (url, token) = self.renewal_link(&link, RENEW_LINK_S);
        self.store.submit(vec![token]).await?;
        Ok(url)
    }

    /// What a renewal would allow again. Changes nothing.
    ///
    /// # Errors
    /// When the link is over, or there is nothing that can be renewed.
    pub async fn renewal_form(
        &self,
        token: &str,
        institution: &InstitutionId,
        lang: impl FnOnce(Lang) -> Lang,
    ) -> Result<RenewalForm, LinkError> {
        let conversation = self.peek(&named(token)).await?;
        let Renewable { link, consent, days } = self.renewable(&conversation, institution).await?;
        let lang = lang(self.lang_of(&conversation).await?);
        let grants = self.allowed_again(&link, &consent, None).await?;
        if grants.is_empty() {
            return Err(LinkError::NoSuchInstitution);
        }
        let known = self.institution(institution)?;
        Ok(RenewalForm {
            lang,
            institution: known.name_in(lang).to_owned(),
            aggregator: known.aggregator_in(lang),
            institution_id: institution.clone(),
            purposes: grants.iter().map(|(p, g)| (*p, g.clusters, g.form, g.accounts.len())).collect(),
            days,
            person: self.person(&conversation).await,
        })
    }

    /// Begins to renew: sends the browser to the bank. `notice` is what the page said.
    ///
    /// # Errors
    /// As [`Gateway::renewal_form`], or when the bank cannot begin.
    pub async fn renewal_begin(
        &self,
        token: &str,
        institution: &InstitutionId,
        lang: Lang,
        notice: String,
    ) -> Result<Begun, LinkError> {
        let conversation = self.peek(&named(token)).await?;
        let Renewable { link, days, .. } = self.renewable(&conversation, institution).await?;
        let token = amana_core::ids::token_hash(&named(token));
        let renewing = Renewing { shard: link.shard, link: link.id, token, days, notice };
        self.to_bank(Aim::Renew(Box::new(renewing)), institution, lang, None).await
    }

    /// The link of a conversation to an institution that can be renewed: the one in force, near its end; or else the
    /// newest, if its time was over not long ago. What was taken back is not renewed but linked anew.
    async fn renewable(
        &self,
        conversation: &ConversationId,
        institution: &InstitutionId,
    ) -> Result<Renewable, LinkError> {
        let links = self.store.links_ever(conversation).await?;
        let mut ours = links.into_iter().filter(|link| link.institution == *institution);
        let link = ours.next().ok_or(LinkError::Over)?;
        let consent = self.store.consent_of_link(link.shard, link.id).await?.ok_or(LinkError::Over)?;
        let (now, ends) = (self.now().as_second(), consent.expires_at.as_second());
        let good = match link.state {
            LinkState::Active => consent.state == ConsentState::Active && now >= ends - RENEW_BEFORE_S,
            LinkState::Pending => false,
            LinkState::Ended => {
                let record = self.store.consent_record(link.shard, link.customer, consent.id).await?;
                let why = record.and_then(|record| record.ended().map(|(_, why)| why));
                why == Some(ConsentEnd::Expired) && now < ends.saturating_add(RENEW_AFTER_S)
            }
        };
        if !good {
            return Err(LinkError::Over);
        }
        // One that was narrowed was given for longer than what is left of it.
        let all = self.store.consents(link.shard, link.customer).await?;
        let same = |c: &&Consent| c.link == link.id && c.expires_at == consent.expires_at;
        let given = all.iter().filter(same).map(|c| c.granted_at.as_second()).min();
        let given = given.unwrap_or(consent.granted_at.as_second());
        let days = (ends.saturating_sub(given).saturating_add(86_399) / 86_400).clamp(1, CONSENT_DAYS_MAX);
        Ok(Renewable { link, consent, days })
    }

    /// What goes on of a consent: within the agreement as it is now, and within the accounts that the bank shares.
    async fn allowed_again(
        &self,
        link: &Link,
        consent: &Consent,
        shared: Option<&BTreeSet<AccountId>>,
    ) -> Result<BTreeMap<Purpose, Grant>, LinkError> {
        let agreement = self.store.agreement(&link.institution, &link.channel).await?;
        let grants = consent.grants.iter().filter_map(|(purpose, old)| {
            let (agreed, form_max) = agreement.as_ref()?.allows(*purpose)?;
            let accounts: BTreeSet<AccountId> = old
                .accounts
                .iter()
                .filter(|account| shared.is_none_or(|shared| shared.contains(account)))
                .cloned()
                .collect();
            let clusters = agreed.intersection(old.clusters);
            let form = old.form.min(form_max);
            (!accounts.is_empty()).then_some((*purpose, Grant { accounts, clusters, form }))
        });
        Ok(grants.collect())
    }

    /// The bank has granted access anew: if it is the same person, what was allowed goes on.
    pub(crate) async fn renewed(
        &self,
        cookie: &str,
        at: AtBank,
        renewing: Renewing,
        blinded: Option<[u8; 32]>,
        granted: Granted,
    ) -> Result<Next, LinkError> {
        let link = self.store.link(renewing.shard, renewing.link).await?.ok_or(LinkError::Over)?;
        // From here on somebody must take the new grant back, should nothing come of it.
        let tokens = granted.tokens.to_bytes();
        let (revocation, enqueue) = self
            .revocation(
                (link.shard, link.customer),
                &at.institution,
                TakenBackGrant {
                    tokens: &tokens,
                    bank_consent: granted.bank_consent.as_deref(),
                    why: ConsentEnd::Unconfirmed,
                },
                self.after(LINK_SESSION_S),
            )
            .await?;
        self.store.submit(vec![enqueue]).await?;
        let done = self.renew(cookie, &at, &renewing, (blinded, &granted), revocation).await;
        if done.is_err() {
            self.revoke_now(revocation).await;
        }
        done
    }

    async fn renew(
        &self,
        cookie: &str,
        at: &AtBank,
        renewing: &Renewing,
        (blinded, granted): (Option<[u8; 32]>, &Granted),
        revocation: [u8; 16],
    ) -> Result<Next, LinkError> {
        let link = self.store.link(renewing.shard, renewing.link).await?.ok_or(LinkError::Over)?;
        // Whom the bank does not name cannot be known again, and links anew.
        let subject = blinded.ok_or(LinkError::NotLinked)?;
        let known = self.store.customer_by_subject(&at.institution, &subject).await?;
        if known.map(|customer| customer.id) != Some(link.customer) {
            return Err(LinkError::NotLinked);
        }
        let viewer = Subject { institution: at.institution.clone(), customer: link.customer };
        let bank = &self.institution(&at.institution)?.bank;
        let shared: BTreeSet<AccountId> =
            bank.accounts(&granted.tokens, &viewer, Actor::User).await?.ids.into_iter().collect();
        let (ends, once) = self.grant_ends(&viewer, &granted.tokens, granted.bank_consent.as_deref()).await;
        let ends = self.institution(&at.institution)?.grant_ends(ends, &granted.tokens, self.now());
        let tokens = Tokens { once, ..granted.tokens.clone() }.to_bytes();
        let fresh = self.secret_text();
        for attempt in 1.. {
            // Once more from what holds now: it may have been stopped meanwhile.
            let found = self.renewable(&link.conversation(), &link.institution).await?;
            if found.link.id != link.id {
                return Err(LinkError::Over);
            }
            let mut commands = vec![
                Self::take_browser(&crate::link::redeeming(cookie)),
                Command::CancelJob { id: revocation },
                Command::ConsumeToken { hash: renewing.token, now: self.now() },
            ];
            let signed_in = SignedIn {
                customer: link.customer,
                shard: link.shard,
                institution: at.institution.clone(),
                lang: at.lang,
                csrf: self.secret_text(),
                erase: None,
                notice: None,
                enrol_until: self.enrol_until(),
            };
            commands.push(self.keep_browser(&fresh, &Browser::Customer(signed_in), PRIVACY_SESSION_S)?);
            commands
                .extend(self.going_on(&found, at.lang, renewing, (granted, &tokens, &shared, ends)).await?);
            match self.store.submit(commands).await {
                Err(SubmitError::Conflict { what: "token" | "session", .. }) => return Err(LinkError::Over),
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => {
                    result?;
                    break;
                }
            }
        }
        self.outbox_filled.notify_one();
        self.jobs_filled.notify_one();
        Ok(Next::Renewed { cookie: fresh })
    }

    /// The commands that let what was allowed go on.
    async fn going_on(
        &self,
        found: &Renewable,
        lang: Lang,
        renewing: &Renewing,
        (granted, tokens, shared, ends): (&Granted, &[u8], &BTreeSet<AccountId>, Option<Timestamp>),
    ) -> Result<Vec<Command>, LinkError> {
        let (now, old) = (self.now(), &found.consent);
        let grants = self.allowed_again(&found.link, old, Some(shared)).await?;
        if grants.is_empty() {
            return Err(LinkError::NoAccounts);
        }
        let goes_on = found.link.state == LinkState::Active;
        let link = if goes_on {
            found.link.clone()
        } else {
            Link {
                id: LinkId::new(&*self.clock, &*self.entropy),
                accounts: shared.clone(),
                state: LinkState::Active,
                code_hash: None,
                created_at: now,
                ended_at: None,
                ..found.link.clone()
            }
        };
        let (shard, customer) = (link.shard, link.customer);
        let days = u64::try_from(renewing.days.clamp(1, CONSENT_DAYS_MAX)).unwrap_or(1);
        let expires_at = now
            .checked_add(std::time::Duration::from_secs(days * 86_400))
            .map_err(|_| amana_core::ConsentError::Duration)?;
        let expires_at = ends.map_or(expires_at, |ends| ends.min(expires_at));
        let consent = Consent {
            id: ConsentId::new(&*self.clock, &*self.entropy),
            link: link.id,
            grants,
            lang,
            notice_sha256: hex::encode(amana_core::ids::sha256(&[renewing.notice.as_bytes()])),
            granted_at: now,
            expires_at,
            state: ConsentState::Active,
            revoked_at: None,
            ..old.clone()
        };
        consent.check()?;
        let mut commands = Vec::new();
        let mut expected = 0;
        if goes_on {
            commands.push(Command::RevokeConsent {
                shard,
                customer,
                consent: old.id,
                why: ConsentEnd::Renewed,
                at: now,
                receipt: ReceiptDraft::of_consent_end(old, ConsentEnd::Renewed, now),
            });
            // The grant that is replaced is taken back, unless the bank has one for both.
            if let Some(before) = self.store.bank_grant(shard, link.id).await? {
                expected = before.version;
                let bank_consent = before.bank_consent.as_deref();
                let why = ConsentEnd::Replaced;
                let what = TakenBackGrant { tokens: &before.tokens, bank_consent, why };
                let taken = self.revocation((shard, customer), &link.institution, what, now).await?;
                commands.push(taken.1);
            }
        } else {
            commands.extend(self.end_others(&link, now).await?);
            commands.push(Command::CreateLink(link.clone()));
            commands.push(self.look_at_grant(shard, customer, link.id));
            commands.push(self.polling(shard, customer, link.id));
            commands.extend(self.subscriptions_due(&link.institution));
        }
        let basis = self.consent_basis(
            &link.institution,
            granted.evidence.clone(),
            Some(renewing.notice.clone()),
            Some(old.id),
        )?;
        commands.push(Command::GrantConsent {
            shard,
            receipt: ReceiptDraft::of_consent_given(&consent, Some(ConsentEnd::Renewed), now),
            basis: Box::new(basis),
            consent: consent.clone(),
        });
        let grant = BankGrant {
            shard,
            customer,
            link: link.id,
            version: 1,
            tokens: tokens.to_vec(),
            bank_consent: granted.bank_consent.clone(),
            at: now,
        };
        commands.push(Command::PutBankGrant { grant, expected });
        commands.push(self.ending(shard, customer, link.id, expires_at));
        commands.extend(self.reminding(shard, &consent, renewing.days));
        let bank = self.institution(&link.institution)?.name_in(lang);
        let said = amana_chat::plain::renewed(lang, bank, expires_at, now);
        commands.push(self.say_of(&link, &said, false).await?);
        Ok(commands)
    }
}
