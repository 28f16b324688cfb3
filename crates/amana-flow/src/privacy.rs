//! The privacy page: every disclosure ever made, with what was said, and what is allowed now.

use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::session::{Browser, SignedIn};
use crate::timeline::{Chats, TimelineFilter, Totals};
use amana_bank::Actor;
use amana_core::{
    Account, AccountId, Cluster, Clusters, Consent, ConsentId, ConsentState, Form, InstitutionId, Lang, Page,
    Purpose, Timestamp, Transaction,
};
use amana_gate::{ReceiptDraft, ReceiptKind, Recipient, Subject};
use amana_store::{Command, Customer, Link, LinkState, OutboxState, StoredReceipt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::HashSet;
use std::time::Duration;

/// A consent on the page.
#[derive(Debug, Clone)]
pub struct ConsentView {
    /// Its id, for the stop button.
    pub id: ConsentId,
    /// Per purpose: the form and how many accounts.
    pub grants: Vec<(Purpose, Form, usize)>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it is in force now.
    pub in_force: bool,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// One entry of the timeline.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// The receipt's number.
    pub seq: u64,
    /// What it records.
    pub kind: ReceiptKind,
    /// When it was decided.
    pub at: Timestamp,
    /// Why.
    pub purpose: Option<Purpose>,
    /// What kinds of data.
    pub clusters: Clusters,
    /// How much of it the platform could see.
    pub form: Option<Form>,
    /// What was said, line by line, exactly as the platform was told.
    pub said: Vec<String>,
    /// For a disclosure: whether the platform has it by now.
    pub state: Option<OutboxState>,
    /// For a denial: why; for a look: at what.
    pub note: Option<String>,
    /// For a disclosure: the chat that it went to.
    pub chat: Option<ChatView>,
    /// The consent that it is about, or rests on.
    pub consent: Option<ConsentId>,
    /// Who looked, if it was not the customer: the pseudonym of a person at the bank.
    pub agent: Option<String>,
}

/// A chat of the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatView {
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When that ended.
    pub ended_at: Option<Timestamp>,
}

/// The page.
#[derive(Debug, Clone)]
pub struct PrivacyView {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// What forms must bring.
    pub csrf: String,
    /// The consents, newest first.
    pub consents: Vec<ConsentView>,
    /// Disclosures, denials and consent events, newest first. Outcomes are folded into their disclosure.
    pub timeline: Vec<TimelineEntry>,
    /// The receipt number before which older entries begin; `None` at the end.
    pub older: Option<u64>,
    /// How much there was of each purpose, in the period that was asked for.
    pub totals: Totals,
    /// In how many chats the customer is or was linked.
    pub chats: usize,
}

/// Balances and transactions as they are now, on the customer's own page.
#[derive(Clone)]
pub struct AccountsView {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// Each account with its latest transactions.
    pub accounts: Vec<(Account, Vec<Transaction>)>,
    /// When the bank was asked.
    pub at: Timestamp,
}

/// How far back the page of accounts looks, in days, and how many transactions of an account it shows.
const SHOWN_DAYS: u64 = 30;
const SHOWN_ROWS: usize = 10;

fn latest(page: &Page<Transaction>, rows: &usize) -> Vec<Transaction> {
    let mut all = page.rows.clone();
    all.sort_by_key(|t| std::cmp::Reverse(t.at));
    all.truncate(*rows);
    all
}

fn one_account(accounts: &Vec<Account>, id: &AccountId) -> Option<Account> {
    accounts.iter().find(|a| a.id == *id).cloned()
}

/// What the page reads of a receipt.
#[derive(Deserialize)]
pub(crate) struct Read {
    pub(crate) kind: ReceiptKind,
    pub(crate) decided_at: Timestamp,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) clusters: Clusters,
    pub(crate) form: Option<Form>,
    pub(crate) template: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) consent: Option<ReadConsent>,
}

#[derive(Deserialize)]
pub(crate) struct ReadConsent {
    pub(crate) id: ConsentId,
}

impl Gateway {
    /// The page of the customer who is signed in, of everything: the entries before receipt `before`, or the newest.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn privacy_view(&self, cookie: &str, before: Option<u64>) -> Result<PrivacyView, LinkError> {
        self.privacy_part(cookie, &TimelineFilter { before, ..TimelineFilter::default() }).await
    }

    /// The page of the customer who is signed in, of that part of the timeline which was asked for.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn privacy_part(
        &self,
        cookie: &str,
        filter: &TimelineFilter,
    ) -> Result<PrivacyView, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let institution = self.institution(&viewer.institution)?.name_in(viewer.lang).to_owned();
        let now = self.now();
        let consents = self.store.consents(viewer.shard, viewer.customer).await?;
        let chats = self.chats(viewer.shard, &consents).await?;
        let (timeline, older) = self.timeline(&viewer, filter, &chats).await?;
        let totals = self.totals(&viewer, filter.since).await?;
        Ok(PrivacyView {
            lang: viewer.lang,
            institution_id: viewer.institution,
            institution,
            csrf: viewer.csrf,
            consents: consents.iter().map(|c| consent_view(c, now)).collect(),
            timeline,
            older,
            totals,
            chats: chats.values().map(Link::conversation).collect::<HashSet<_>>().len(),
        })
    }

    pub(crate) async fn entry(
        &self,
        receipt: &StoredReceipt,
        read: Read,
        subject: &Subject,
        customer: &Customer,
        chats: &Chats,
    ) -> Result<TimelineEntry, FlowError> {
        let mut entry = TimelineEntry {
            seq: receipt.seq,
            kind: read.kind,
            at: read.decided_at,
            purpose: read.purpose,
            clusters: read.clusters,
            form: read.form,
            said: Vec::new(),
            state: None,
            note: matches!(read.kind, ReceiptKind::Denial | ReceiptKind::View)
                .then_some(read.template)
                .flatten(),
            chat: None,
            consent: read.consent.map(|consent| consent.id),
            agent: read.recipient.as_deref().and_then(|who| who.strip_prefix("agent:")).map(str::to_owned),
        };
        if let (ReceiptKind::Disclosure, Some(message)) = (read.kind, receipt.message)
            && let Some(row) = self.store.outbox_entry(message).await?
        {
            entry.state = Some(row.state);
            let link = entry.consent.and_then(|consent| chats.get(&consent));
            entry.chat = link.map(|l| ChatView { linked_at: l.created_at, ended_at: l.ended_at });
            let bytes = self.gate.said(&row.row, subject, &customer.key).unwrap_or_default();
            let said = amana_channel::messenger::decode_for_display(&bytes);
            entry.said = said.as_ref().map(said_lines).unwrap_or_default();
        }
        Ok(entry)
    }

    /// Balances and the latest transactions as the bank tells them now, for the customer who is signed in: what a
    /// notice in the chat did not say. Nothing of it goes to a platform; the look itself is a receipt.
    ///
    /// # Errors
    /// When the session is over, nothing is linked, or the bank cannot answer.
    pub async fn accounts_view(&self, cookie: &str) -> Result<AccountsView, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let institution = self.institution(&viewer.institution)?;
        let subject = Subject { institution: viewer.institution.clone(), customer: viewer.customer };
        let links = self.store.links_of_customer(viewer.shard, viewer.customer).await?;
        let link = links.into_iter().find(|l| l.state == LinkState::Active).ok_or(LinkError::NotLinked)?;
        let tokens = self.tokens(&link, None).await?;
        let fetched = institution.bank.accounts(&tokens, &subject, Actor::User).await?;
        let (now, shown) = (self.now(), |_| LinkError::Over);
        let from = now.checked_sub(Duration::from_secs(SHOWN_DAYS * 86_400)).unwrap_or(now);
        let to = now.checked_add(Duration::from_secs(86_400)).unwrap_or(now);
        let mut accounts = Vec::with_capacity(fetched.ids.len());
        for id in &fetched.ids {
            let page = institution.bank.transactions(&tokens, &subject, id, from, to, Actor::User).await?;
            let latest = self.gate.show_to_subject(&page, &subject, &SHOWN_ROWS, latest).map_err(shown)?;
            let account =
                self.gate.show_to_subject(&fetched.data, &subject, id, one_account).map_err(shown)?;
            accounts.extend(account.map(|account| (account, latest)));
        }
        let clusters = Clusters::of(&[Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions]);
        let receipt = ReceiptDraft {
            kind: ReceiptKind::View,
            institution: viewer.institution.clone(),
            agreement: None,
            consent: None,
            purpose: None,
            clusters,
            channel: None,
            recipient: Recipient::Customer,
            form: Some(Form::Detail),
            template: None,
            payload_sha256: None,
            policy_set_sha256: None,
            decided_at: now,
        };
        // Receipt first, also for the customer's own eyes.
        let (shard, customer) = (viewer.shard, viewer.customer);
        self.store.submit(vec![Command::Record { shard, customer, receipt }]).await?;
        Ok(AccountsView {
            lang: viewer.lang,
            institution_id: viewer.institution.clone(),
            institution: institution.name_in(viewer.lang).to_owned(),
            accounts,
            at: now,
        })
    }

    /// The key of the entries in the disclosure log that are the viewer's, in base64, as it stands in their bundle. It
    /// opens nothing of the bank's; it only tells whose those entries are.
    ///
    /// # Errors
    /// When the session is over, or the store fails.
    pub async fn privacy_key(&self, cookie: &str) -> Result<String, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let key = self.store.log_key(viewer.shard, viewer.customer).await?;
        let key = key.ok_or(FlowError::Unreadable("customer"))?;
        Ok(STANDARD.encode(key.expose()))
    }

    /// Ends the browser's session.
    ///
    /// # Errors
    /// When the session is over already or the store fails.
    pub async fn privacy_leave(&self, cookie: &str) -> Result<(), LinkError> {
        self.store.submit(vec![Self::take_browser(cookie)]).await?;
        Ok(())
    }

    /// Changes the language of the signed-in page.
    ///
    /// # Errors
    /// When the session is over or the store fails.
    pub async fn privacy_lang(&self, cookie: &str, lang: Lang) -> Result<(), LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let viewer = SignedIn { lang, ..viewer };
        let keep = self.keep_browser(cookie, &Browser::Customer(viewer), crate::limits::PRIVACY_SESSION_S)?;
        self.store.submit(vec![keep]).await?;
        Ok(())
    }
}

fn consent_view(consent: &Consent, now: Timestamp) -> ConsentView {
    ConsentView {
        id: consent.id,
        grants: consent.grants.iter().map(|(p, g)| (*p, g.form, g.accounts.len())).collect(),
        granted_at: consent.granted_at,
        expires_at: consent.expires_at,
        in_force: consent.state == ConsentState::Active && consent.in_force(now),
        revoked_at: consent.revoked_at,
    }
}

fn said_lines(said: &amana_channel::messenger::Said) -> Vec<String> {
    let text = said.text.lines().map(str::to_owned);
    let card = said.lines.iter().map(|(title, subtitle)| match subtitle.as_str() {
        "" => title.clone(),
        subtitle => format!("{title} · {subtitle}"),
    });
    text.chain(card).filter(|line| !line.trim().is_empty()).collect()
}
