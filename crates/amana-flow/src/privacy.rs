//! The privacy page: every disclosure ever made, with what was said, and what is allowed now.

use crate::answer::Accept;
use crate::egress::UNKNOWN;
use crate::error::{FlowError, LinkError};
use crate::gateway::Gateway;
use crate::session::{Browser, SignedIn};
use crate::timeline::{Chats, LastTold, TimelineFilter, Totals};
use amana_bank::{Accounts, Actor, BankError, BankErrorClass, Tokens};
use amana_core::{
    AccountId, Aggregator, Agreement, Cluster, Clusters, Consent, ConsentEnd, ConsentId, ConsentRecord,
    ConsentState, Form, InstitutionId, Lang, MessageId, Page, Purpose, Timestamp, Transaction,
};
use amana_gate::{Protected, ReceiptDraft, ReceiptKind, Recipient, Shown, Subject};
use amana_store::{Command, Customer, Link, LinkState, OutboxState, StoredReceipt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// A consent on the page.
#[derive(Debug, Clone)]
pub struct ConsentView {
    /// Its id, for the stop button.
    pub id: ConsentId,
    /// Per purpose: the form, the kinds of data, and how many accounts.
    pub grants: Vec<(Purpose, Form, Clusters, usize)>,
    /// The form in which it is told now, where the bank lets less be carried than is allowed.
    pub less: BTreeMap<Purpose, Form>,
    /// When something was last released under it, if anything was; looked up for those in force.
    pub last_told: Option<LastTold>,
    /// When it was given.
    pub granted_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it is in force now.
    pub in_force: bool,
    /// When and why it ended, if it has; why is not known where its record cannot be read.
    pub ended: Option<(Timestamp, Option<ConsentEnd>)>,
    /// The data aggregator through which the bank was read when it was given, if it was.
    pub aggregator: Option<Aggregator>,
    /// Why nothing that it allows is told now, for one in force.
    pub paused: Option<Paused>,
    /// What it allows and the bank does not let the platform carry now, for one in force.
    pub not_carried: BTreeSet<Purpose>,
    /// What it allows and a kill switch of the purpose stops now, for one in force.
    pub switched_off: BTreeSet<Purpose>,
}

/// Why nothing that a customer allows is told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// A kill switch is on, or one for each purpose.
    Switch,
    /// The bank's agreement with the platform carries none of it: suspended, ended, or about other purposes.
    Agreement,
    /// What the bank has set does not open. Nothing leaves while that is so.
    Unreadable,
}

/// In which form the agreement carries what a consent allows: the lesser of both. `None` if it is not, as where
/// a kind of data is left out that the purpose needs: the gate is asked for all. (A policy of the bank's own may
/// say no as well.)
fn carried(
    agreement: Option<&Agreement>,
    purpose: Purpose,
    (form, clusters): (Form, Clusters),
) -> Option<Form> {
    let (most, open) = agreement?.allows(purpose)?;
    clusters.intersection(most).covers(purpose.clusters()).then(|| form.min(open))
}

/// One entry of the timeline.
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
    /// What was said, exactly as the platform was told; `None` if it cannot be read back any more.
    pub said: Option<Shown>,
    /// For a disclosure whose message is still kept: where it stands.
    pub state: Option<OutboxState>,
    /// For a disclosure that does not go on by itself: whether an attempt may have arrived, so that nobody can say
    /// whether the platform has it.
    pub unknown: bool,
    /// For a disclosure: whether the platform has it, as far as that is known.
    pub told: Told,
    /// For a denial: why; for a look: at what; for a sighting: of what; for a consent: why it ended, or how the one
    /// ended that it goes on from.
    pub note: Option<String>,
    /// For a disclosure: the chat that it went to.
    pub chat: Option<ChatView>,
    /// The consent that it is about, or rests on.
    pub consent: Option<ConsentId>,
    /// Who looked, if it was not the customer: the pseudonym of a person at the bank.
    pub agent: Option<String>,
}

/// Whether the platform was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It took the message.
    Yes,
    /// It may have it: an attempt is under way, or nobody can say what became of one.
    Maybe,
    /// It was not told, or not yet.
    No,
}

impl Told {
    fn of(state: OutboxState, unknown: bool) -> Self {
        match state {
            OutboxState::Sent => Self::Yes,
            OutboxState::Sending | OutboxState::Unconfirmed => Self::Maybe,
            _ if unknown => Self::Maybe,
            OutboxState::Pending | OutboxState::Held | OutboxState::Dead | OutboxState::Denied => Self::No,
        }
    }
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
pub struct AccountsView {
    /// The language.
    pub lang: Lang,
    /// The institution.
    pub institution_id: InstitutionId,
    /// Its name.
    pub institution: String,
    /// What each link in force has, the one that was made first first.
    pub parts: Vec<AccountsPart>,
    /// Whether there is more than could be read.
    pub incomplete: bool,
    /// When the bank was asked.
    pub at: Timestamp,
}

/// What one link has: a chat, and the bank's grant for it.
pub struct AccountsPart {
    /// When it was linked.
    pub linked_at: Timestamp,
    /// When what the customer allowed ends.
    pub ends_at: Timestamp,
    /// For what they allowed it.
    pub purposes: Vec<Purpose>,
    /// Its accounts with their latest transactions.
    pub accounts: PartAccounts,
}

/// The accounts of one link.
pub enum PartAccounts {
    /// Those that no link before it has.
    Shown(Shown),
    /// The same as those of the links before it.
    Same,
    /// They could not be read.
    Unread,
}

/// The accounts of a link, and the transactions of those that could be read.
type ReadNow = (Accounts, Vec<(AccountId, Protected<Page<Transaction>>)>);

/// How far back the page of accounts looks, in days.
const SHOWN_DAYS: u64 = 30;

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
        let in_force = consents.iter().filter(|c| c.state == ConsentState::Active && c.in_force(now));
        let last = self.last_told(&viewer, in_force.map(|c| c.id).collect()).await?;
        let views = self.consent_views(&viewer, &consents, &last).await?;
        Ok(PrivacyView {
            lang: viewer.lang,
            institution_id: viewer.institution,
            institution,
            csrf: viewer.csrf,
            consents: views,
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
            said: None,
            state: None,
            unknown: false,
            told: Told::No,
            note: read
                .template
                .filter(|_| !matches!(read.kind, ReceiptKind::Disclosure | ReceiptKind::Outcome)),
            chat: None,
            consent: read.consent.map(|consent| consent.id),
            agent: read.recipient.as_deref().and_then(|who| who.strip_prefix("agent:")).map(str::to_owned),
        };
        if let (ReceiptKind::Disclosure, Some(message)) = (read.kind, receipt.message) {
            let Some(row) = self.store.outbox_entry(message).await? else {
                // Its row was kept long enough: what became of it stands in the receipts.
                entry.told = self.told(customer, receipt.seq, message).await?;
                return Ok(entry);
            };
            entry.state = Some(row.state);
            let at_rest = matches!(row.state, OutboxState::Held | OutboxState::Dead | OutboxState::Denied);
            entry.unknown = row.doubtful && at_rest;
            entry.told = Told::of(row.state, entry.unknown);
            let link = entry.consent.and_then(|consent| chats.get(&consent));
            entry.chat = link.map(|l| ChatView { linked_at: l.created_at, ended_at: l.ended_at });
            entry.said = self.gate.said(&row.row, subject, &customer.key).ok();
        } else if let (Some(ReceiptDraft::AGENT_WROTE), Some(message)) =
            (entry.note.as_deref(), receipt.message)
        {
            // A human's words are nobody's bank data: what became of them is told, and they are not.
            match self.store.outbox_entry(message).await? {
                Some(row) => {
                    entry.state = Some(row.state);
                    let at_rest =
                        matches!(row.state, OutboxState::Held | OutboxState::Dead | OutboxState::Denied);
                    entry.unknown = row.doubtful && at_rest;
                    entry.told = Told::of(row.state, entry.unknown);
                }
                None => entry.told = self.told(customer, receipt.seq, message).await?,
            }
        }
        Ok(entry)
    }

    /// Whether the platform was told a message whose row is gone, by the receipts that came after its own.
    async fn told(&self, customer: &Customer, seq: u64, message: MessageId) -> Result<Told, FlowError> {
        let later = self.store.receipts_of_message(customer.shard, customer.id, seq, message).await?;
        let mut told = Told::No;
        for receipt in &later {
            let read: Read =
                serde_json::from_slice(&receipt.bytes).map_err(|_| FlowError::Unreadable("receipt"))?;
            // The later one corrects the earlier, and nothing corrects that it was sent.
            told = match (read.kind, read.template.as_deref()) {
                (ReceiptKind::Outcome, Some("sent")) => return Ok(Told::Yes),
                (ReceiptKind::Outcome, Some(UNKNOWN)) => Told::Maybe,
                (ReceiptKind::Outcome | ReceiptKind::Denial, _) => Told::No,
                _ => told,
            };
        }
        Ok(told)
    }

    /// The consents as the page shows them. Why one ended stands in its record.
    async fn consent_views(
        &self,
        viewer: &SignedIn,
        consents: &[Consent],
        last: &BTreeMap<ConsentId, LastTold>,
    ) -> Result<Vec<ConsentView>, FlowError> {
        let now = self.now();
        let mut views = Vec::with_capacity(consents.len());
        for consent in consents {
            let in_force = consent.state == ConsentState::Active && consent.in_force(now);
            let (mut paused, mut not_carried, mut switched_off) = (None, BTreeSet::new(), BTreeSet::new());
            let mut less = BTreeMap::new();
            if in_force {
                // Rules that do not open stop what is sent. They must not take the page away, nor its stop buttons.
                let rules = tokio::try_join!(
                    self.store.kills(),
                    self.store.agreement(&consent.institution, &consent.channel)
                );
                paused = match rules {
                    Ok((kills, agreement)) => {
                        for (purpose, grant) in &consent.grants {
                            match carried(agreement.as_ref(), *purpose, (grant.form, grant.clusters)) {
                                Some(form) if form == grant.form => {}
                                Some(form) => {
                                    less.insert(*purpose, form);
                                }
                                None => {
                                    not_carried.insert(*purpose);
                                }
                            }
                        }
                        let stopped = |purpose| {
                            let (bank, channel) = (&consent.institution, &consent.channel);
                            kills.stop(bank, channel, consent.customer, purpose).is_some()
                        };
                        switched_off.extend(consent.grants.keys().filter(|purpose| stopped(Some(**purpose))));
                        if stopped(None) || switched_off.len() == consent.grants.len() {
                            Some(Paused::Switch)
                        } else {
                            (not_carried.len() == consent.grants.len()).then_some(Paused::Agreement)
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "the privacy page cannot say what the bank has set");
                        Some(Paused::Unreadable)
                    }
                };
            }
            // Nor a record that does not open.
            let record = match self.store.consent_record(viewer.shard, viewer.customer, consent.id).await {
                Err(error) if error.is_damage() => None,
                record => record?,
            };
            let why = || record.as_ref().and_then(ConsentRecord::ended).map(|(_, why)| why);
            let ended = consent.revoked_at.map(|at| (at, why()));
            let basis = record.as_ref().and_then(ConsentRecord::basis);
            views.push(ConsentView {
                aggregator: basis.and_then(|basis| basis.aggregator.clone()),
                last_told: last.get(&consent.id).copied(),
                id: consent.id,
                grants: consent
                    .grants
                    .iter()
                    .map(|(p, g)| (*p, g.form, g.clusters, g.accounts.len()))
                    .collect(),
                less,
                granted_at: consent.granted_at,
                expires_at: consent.expires_at,
                in_force,
                ended,
                paused,
                not_carried,
                switched_off,
            });
        }
        Ok(views)
    }

    /// Balances and the latest transactions as the bank tells them now, for the customer who is signed in: what a
    /// notice in the chat did not say. Nothing of it goes to a platform; the look itself is a receipt. `lang` gives the
    /// page's language from the session's.
    ///
    /// # Errors
    /// When the session is over, nothing is linked under a consent in force, a kill switch is on (both
    /// asked before the bank is and once more when it has answered), or the bank cannot answer.
    pub async fn accounts_view(
        &self,
        cookie: &str,
        lang: impl FnOnce(Lang) -> Lang,
    ) -> Result<AccountsView, LinkError> {
        let Browser::Customer(viewer) = self.browser(cookie).await? else { return Err(LinkError::Over) };
        let lang = lang(viewer.lang);
        let institution = self.institution(&viewer.institution)?;
        let subject = Subject { institution: viewer.institution.clone(), customer: viewer.customer };
        let mut links = self.store.links_of_customer(viewer.shard, viewer.customer).await?;
        links.retain(|link| link.state == LinkState::Active);
        links.sort_by_key(|link| (link.created_at, link.id));
        let (mut read, mut seen) = (Vec::new(), BTreeSet::new());
        // Why there is nothing to show, if there is not: of the first link.
        let mut nothing = None;
        for link in links {
            if let Err(error) = self.may_look(&link).await {
                nothing.get_or_insert(error);
                continue;
            }
            let one = self.read_now(&link, &subject, &seen).await;
            let one = match one {
                Ok(one) => {
                    seen.extend(one.0.ids.iter().cloned());
                    Some(one)
                }
                Err(error) => {
                    let error = self.as_used_up(&link, error).await;
                    let over = error.class.ends_grant();
                    if over {
                        self.end_as_at_bank(link.clone(), ConsentEnd::AtBank).await?;
                    }
                    nothing.get_or_insert(error.into());
                    if over {
                        continue;
                    }
                    None
                }
            };
            read.push((link, one));
        }
        let now = self.now();
        let (mut parts, mut incomplete, mut shown) = (Vec::new(), false, BTreeSet::new());
        for (link, one) in read {
            // The bank took its time: what was stopped or taken back meanwhile is not shown.
            let consent = match self.may_look(&link).await {
                Ok(consent) => consent,
                Err(error) => {
                    nothing.get_or_insert(error);
                    continue;
                }
            };
            let accounts = match one {
                None => PartAccounts::Unread,
                Some((fetched, pages)) => {
                    incomplete |= fetched.skipped > 0;
                    let new: BTreeSet<AccountId> =
                        fetched.ids.iter().filter(|id| !shown.contains(*id)).cloned().collect();
                    if new.is_empty() && !fetched.ids.is_empty() {
                        PartAccounts::Same
                    } else {
                        let data = fetched.data.only(&new);
                        shown.extend(new);
                        let page = self.gate.show_accounts(&data, &pages, &subject, lang, now);
                        PartAccounts::Shown(page.map_err(|_| LinkError::Over)?)
                    }
                }
            };
            parts.push(AccountsPart {
                linked_at: link.created_at,
                ends_at: consent.expires_at,
                purposes: consent.grants.keys().copied().collect(),
                accounts,
            });
        }
        if !parts.iter().any(|part| matches!(part.accounts, PartAccounts::Shown(_))) {
            return Err(nothing.unwrap_or(LinkError::NotLinked));
        }
        let clusters = Clusters::of(&[Cluster::AccountBasic, Cluster::Balances, Cluster::Transactions]);
        let receipt = ReceiptDraft {
            clusters,
            form: Some(Form::Detail),
            template: None,
            ..self.look_by(&viewer.institution, Recipient::Customer, "")
        };
        // Receipt first, also for the customer's own eyes.
        let (shard, customer) = (viewer.shard, viewer.customer);
        self.store.submit(vec![Command::Record { shard, customer, receipt }]).await?;
        Ok(AccountsView {
            lang,
            institution_id: viewer.institution.clone(),
            institution: institution.name_in(lang).to_owned(),
            parts,
            incomplete,
            at: now,
        })
    }

    /// The accounts of a link and their latest transactions, as the bank tells them now; an account whose transactions
    /// cannot be read has no page, and neither has one of those `seen`. Tokens that are not taken are renewed once:
    /// they may have ended before their time.
    async fn read_now(
        &self,
        link: &Link,
        subject: &Subject,
        seen: &BTreeSet<AccountId>,
    ) -> Result<ReadNow, BankError> {
        let tokens = self.tokens_to_read(link).await?;
        match self.read_with(&tokens, subject, seen, Accept::at_first(&tokens)).await {
            Err(BankError { class: BankErrorClass::RelinkNeeded(_), .. }) => {
                let fresh = self.tokens(link, Some(&tokens)).await?;
                self.read_with(&fresh, subject, seen, Accept::Part).await
            }
            read => read,
        }
    }

    async fn read_with(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        seen: &BTreeSet<AccountId>,
        accept: Accept,
    ) -> Result<ReadNow, BankError> {
        let institution = self.institution(&subject.institution).map_err(|_| BankError {
            institution: subject.institution.clone(),
            interaction: None,
            class: BankErrorClass::OurRequest("the institution is not configured"),
        })?;
        let bank = &institution.bank;
        let fetched = bank.accounts(tokens, subject, Actor::User).await?;
        let now = self.now();
        let from = now.checked_sub(Duration::from_secs(SHOWN_DAYS * 86_400)).unwrap_or(now);
        let to = now.checked_add(Duration::from_secs(86_400)).unwrap_or(now);
        let mut pages = Vec::with_capacity(fetched.ids.len());
        for id in fetched.ids.iter().filter(|id| !seen.contains(*id)) {
            match bank.transactions(tokens, subject, id, from, to, Actor::User).await {
                Ok(page) => pages.push((id.clone(), page)),
                Err(error)
                    if accept == Accept::Whole && matches!(error.class, BankErrorClass::RelinkNeeded(_)) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%error, "an account could not be read");
                    metrics::counter!("amana_bank_errors_total", "class" => error.class.as_str())
                        .increment(1);
                    if error.class.is_away() {
                        // The others would not answer either, and somebody waits.
                        break;
                    }
                }
            }
        }
        Ok((fetched, pages))
    }

    /// Whether the bank may be read for the customer's own eyes now. Nothing of it goes to a platform, so no agreement
    /// and no purpose is asked, and of the accounts none; but without a consent in force there is nothing that the
    /// bank's grant is still for, and stopped is stopped: whatever the purpose, or each that the consent has.
    async fn may_look(&self, link: &Link) -> Result<Consent, LinkError> {
        let kills = self.store.kills().await?;
        let stopped =
            |purpose| kills.stop(&link.institution, &link.channel, link.customer, purpose).is_some();
        if stopped(None) {
            return Err(LinkError::Stopped);
        }
        let consent = self.store.consent_of_link(link.shard, link.id).await?;
        let now = self.now();
        let consent = consent.filter(|consent| consent.in_force(now)).ok_or(LinkError::NotLinked)?;
        if consent.grants.keys().all(|purpose| stopped(Some(*purpose))) {
            return Err(LinkError::Stopped);
        }
        Ok(consent)
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
