//! A question about the customer's own data: decided before the bank is asked, fetched live, released by the gate.

use crate::error::FlowError;
use crate::gateway::Gateway;
use crate::limits::{ANSWER_DEADLINE, LOOKBACK_DAYS};
use crate::worker::Effects;
use amana_bank::{Actor, BankError, BankErrorClass, Once, Tokens};
use amana_chat::{Intent, plain};
use amana_core::{AccountId, Address, Clusters, ConsentEnd, Lang, Page, Purpose, Timestamp, Transaction};
use amana_gate::{
    Ask, BankData, Denial, Disclosure, Protected, ReceiptDraft, ReceiptKind, Recipient, Refusal, Subject,
    decide, purpose,
};
use amana_pure::Filter;
use amana_render::{BalanceArgs, Render, SpendingArgs, TransactionsArgs};
use amana_store::{Command, Customer, Link};
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::Instrument as _;

/// A question about data.
pub(crate) enum Question {
    Balance(BalanceArgs),
    Transactions(TransactionsArgs, Filter),
    Spending(SpendingArgs, Filter),
}

impl Question {
    /// The question of an intent; `None` if it asks for no data.
    pub(crate) fn of(intent: &Intent) -> Option<Self> {
        match intent {
            Intent::Balance { kind } => Some(Self::Balance(BalanceArgs { kind: *kind, incomplete: false })),
            Intent::Transactions { merchant, period, .. } => Some(Self::Transactions(
                TransactionsArgs { merchant: merchant.clone(), period: *period },
                intent.filter()?,
            )),
            Intent::Spending { merchant, period } => Some(Self::Spending(
                SpendingArgs { merchant: merchant.clone(), period: *period },
                intent.filter()?,
            )),
            _ => None,
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Balance(_) => Purpose::BalanceOnRequest,
            Self::Transactions(..) | Self::Spending(..) => Purpose::TransactionUpdate,
        }
    }
}

/// Why an answer is not one.
enum NoAnswer {
    Refused(Box<Refusal>),
    Bank(BankError),
    Flow(FlowError),
}

impl From<FlowError> for NoAnswer {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}

impl From<BankError> for NoAnswer {
    fn from(error: BankError) -> Self {
        Self::Bank(error)
    }
}

impl From<Box<Refusal>> for NoAnswer {
    fn from(refusal: Box<Refusal>) -> Self {
        Self::Refused(refusal)
    }
}

impl Gateway {
    /// Answers a question for one link: the disclosure, or the words that say why there is none.
    pub(crate) async fn answer(
        &self,
        link: &Link,
        intent: &Intent,
        question: &Question,
        lang: Lang,
    ) -> Result<Effects, FlowError> {
        let (shard, id) = (link.shard, link.customer);
        let bank = self.institution(&link.institution)?.name_in(lang).to_owned();
        let conversation = link.conversation();
        let span = tracing::info_span!(target: "amana::trace", "answer");
        match self.answer_in_time(link, question, lang).instrument(span).await {
            Ok(disclosure) => Ok(vec![Command::Disclose { shard, disclosure, at: self.now() }]),
            Err(NoAnswer::Refused(refusal)) => {
                metrics::counter!("amana_denials_total", "reason" => refusal.denial.as_str()).increment(1);
                let mut effects = vec![Command::Record { shard, customer: id, receipt: refusal.receipt }];
                // Say whose *no* it is: the customer can change only their own.
                let content = match refusal.denial {
                    Denial::Killed => plain::updates_paused(lang, &bank),
                    Denial::PurposeKilled => plain::purpose_paused(lang, question.purpose(), &bank),
                    Denial::NoAgreement
                    | Denial::AgreementNotInForce
                    | Denial::PurposeNotAgreed
                    | Denial::ClusterNotAgreed
                    | Denial::Policy => plain::not_offered(lang, &bank),
                    _ => {
                        let (url, token) = self.one_time_link(&conversation);
                        effects.push(token);
                        plain::not_allowed(lang, question.purpose(), Some(&url))
                    }
                };
                effects.push(self.say_of(link, &content, true).await?);
                Ok(effects)
            }
            Err(NoAnswer::Bank(error)) => {
                let error = self.as_used_up(link, error).await;
                tracing::warn!(%error, "a bank could not answer");
                metrics::counter!("amana_bank_errors_total", "class" => error.class.as_str()).increment(1);
                match error.class {
                    BankErrorClass::Gone(_) => {
                        let (url, token) = self.one_time_link(&conversation);
                        let button = self.account_linking_url(&link.channel);
                        let content = plain::accounts_gone(lang, &bank, &button, Some(&url));
                        Ok(vec![token, self.say_of(link, &content, true).await?])
                    }
                    BankErrorClass::RelinkNeeded(_) | BankErrorClass::Declined(_) => {
                        // The bank knows the grant no more: over there is over here, in this very commit.
                        let mut effects = if error.class.ends_grant() {
                            self.end_link(link, ConsentEnd::AtBank, self.now()).await?
                        } else {
                            Vec::new()
                        };
                        let (url, token) = self.one_time_link(&conversation);
                        let button = self.account_linking_url(&link.channel);
                        let content = plain::relink_needed(lang, &bank, &button, Some(&url));
                        effects.extend([token, self.say_of(link, &content, true).await?]);
                        Ok(effects)
                    }
                    _ => Ok(vec![
                        self.say_of(link, &plain::bank_unreachable(lang, &bank, intent), true).await?,
                    ]),
                }
            }
            Err(NoAnswer::Flow(error)) => Err(error),
        }
    }

    /// A slow bank takes neither all the lanes nor the customer's patience.
    async fn answer_in_time(
        &self,
        link: &Link,
        question: &Question,
        lang: Lang,
    ) -> Result<Disclosure, NoAnswer> {
        let slow = |why| BankError {
            institution: link.institution.clone(),
            interaction: None,
            class: BankErrorClass::Wait { what: why, retry_after: None },
        };
        let institution = self.institution(&link.institution)?;
        let Ok(_asking) = institution.asking.try_acquire() else {
            return Err(slow("too many questions are with the bank").into());
        };
        let answer = async {
            let _room = institution.questions.acquire().await.map_err(|_| slow("no question is taken"))?;
            self.try_answer(link, question, lang).await
        };
        match tokio::time::timeout(ANSWER_DEADLINE, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(slow("the question took too long").into()),
        }
    }

    async fn try_answer(&self, link: &Link, question: &Question, lang: Lang) -> Result<Disclosure, NoAnswer> {
        self.institution(&link.institution)?;
        let customer = self.customer_of(link.shard, link.customer).await?;
        let subject = Subject { institution: link.institution.clone(), customer: link.customer };
        let recipient = Address { channel: link.channel.clone(), psid: link.psid.clone() };
        let purpose = question.purpose();
        let clusters = purpose.clusters();
        let gathered = self.gather(link).await.map_err(FlowError::from)?;
        let granted: BTreeSet<AccountId> = gathered
            .consent
            .as_ref()
            .and_then(|c| c.grants.get(&purpose))
            .map(|grant| grant.accounts.clone())
            .unwrap_or_default();
        let accounts: Vec<AccountId> = granted.iter().cloned().collect();

        // Decided before the bank is asked: what may not be released is not fetched.
        let ask = Ask { subject: &subject, recipient: &recipient, accounts: &accounts, clusters };
        if let Err(denial) = decide(purpose, &ask, &gathered.facts(), &*gathered.policy) {
            let receipt = ReceiptDraft {
                kind: ReceiptKind::Denial,
                institution: link.institution.clone(),
                agreement: gathered.agreement.as_ref().map(|a| a.id),
                consent: None,
                purpose: Some(purpose),
                clusters,
                channel: Some(link.channel.clone()),
                recipient: Recipient::Customer,
                form: None,
                template: Some(denial.as_str().to_owned()),
                payload_sha256: None,
                policy_set_sha256: Some(gathered.policy.set_sha256().to_owned()),
                decided_at: gathered.now,
            };
            return Err(Box::new(Refusal { denial, receipt }).into());
        }

        let about = About {
            link,
            lang,
            customer: &customer,
            subject: &subject,
            recipient: &recipient,
            granted: &granted,
            accounts: &accounts,
            clusters,
        };
        // No dots: they would show exactly when a question about data is allowed, and nothing of that is on record.
        self.ask(&about, question).await
    }

    async fn ask(&self, about: &About<'_>, question: &Question) -> Result<Disclosure, NoAnswer> {
        let tokens = self.tokens_to_read(about.link).await?;
        match self.ask_bank(about, &tokens, question, Accept::at_first(&tokens)).await {
            Err(NoAnswer::Bank(BankError { class: BankErrorClass::RelinkNeeded(_), .. })) => {
                let fresh = self.tokens(about.link, Some(&tokens)).await?;
                self.ask_bank(about, &fresh, question, Accept::Part).await
            }
            answer => answer,
        }
    }

    async fn ask_bank(
        &self,
        about: &About<'_>,
        tokens: &Tokens,
        question: &Question,
        accept: Accept,
    ) -> Result<Disclosure, NoAnswer> {
        match question {
            Question::Balance(args) => {
                let bank = &self.institution(&about.link.institution)?.bank;
                let fetched = bank.accounts(tokens, about.subject, Actor::User).await?;
                // What is left out must not pass for the whole: neither a row that could not be read nor an account
                // that was allowed and is not there.
                let listed = about.granted.iter().all(|account| fetched.ids.contains(account));
                let args = BalanceArgs { incomplete: fetched.skipped > 0 || !listed, ..*args };
                let data = fetched.data.only(about.granted).of_kind(&args.kind);
                self.release_answer::<purpose::BalanceOnRequest, _>(about, &data, &args).await
            }
            Question::Transactions(args, filter) => {
                let data = self.transactions(about, tokens, filter, accept).await?;
                self.release_answer::<purpose::TransactionUpdate, _>(about, &data, args).await
            }
            Question::Spending(args, filter) => {
                let data = self.transactions(about, tokens, filter, accept).await?;
                self.release_answer::<purpose::TransactionUpdate, _>(about, &data, args).await
            }
        }
    }

    /// The transactions of the granted accounts, fetched live and narrowed to the question. An account that cannot be
    /// read takes none of the others down: what came is then not the whole.
    async fn transactions(
        &self,
        about: &About<'_>,
        tokens: &Tokens,
        filter: &Filter,
        accept: Accept,
    ) -> Result<Protected<Page<Transaction>>, NoAnswer> {
        let bank = &self.institution(&about.link.institution)?.bank;
        let now = self.now();
        let from = filter.from.and_then(start_of_day).unwrap_or_else(|| {
            now.checked_sub(Duration::from_secs(u64::from(LOOKBACK_DAYS) * 86_400)).unwrap_or(now)
        });
        let to = filter.to.and_then(start_of_day).map_or_else(|| tomorrow(now), |to| to.min(tomorrow(now)));
        let asked = about
            .accounts
            .iter()
            .map(|account| bank.transactions(tokens, about.subject, account, from, to, Actor::User));
        let (mut pages, mut failed) = (Vec::new(), Vec::new());
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Ok(page) => pages.push(page),
                Err(error) => failed.push(error),
            }
        }
        // First it is tried with fresh tokens: perhaps it is only these that are not taken any more.
        let stale = |error: &BankError| matches!(error.class, BankErrorClass::RelinkNeeded(_));
        if accept == Accept::Whole
            && let Some(stale) = failed.iter().position(stale)
        {
            return Err(failed.swap_remove(stale).into());
        }
        for error in &failed {
            tracing::warn!(%error, "an account could not be read");
            metrics::counter!("amana_bank_errors_total", "class" => error.class.as_str()).increment(1);
        }
        if pages.is_empty()
            && let Some(error) = failed.iter().max_by_key(|error| weight(error.class))
        {
            return Err(error.clone().into());
        }
        if !failed.is_empty() {
            pages.push(Protected::cut_off(about.subject.clone()));
        }
        let page = Protected::merge(pages).ok_or(FlowError::Unreadable("answer"))?;
        Ok(page.matching(filter))
    }

    /// Decides anew, on facts read after the bank answered, and renders.
    async fn release_answer<P: purpose::Purpose, R: Render<Data: BankData + Sync> + Sync>(
        &self,
        about: &About<'_>,
        data: &Protected<R::Data>,
        args: &R,
    ) -> Result<Disclosure, NoAnswer> {
        let institution = self.institution(&about.link.institution)?;
        let gathered = self.gather(about.link).await.map_err(FlowError::from)?;
        let context = self.render_context(institution, about.lang);
        Ok(self.gate.disclose::<P, R>(
            &gathered.facts(),
            &*gathered.policy,
            data,
            (about.accounts, about.clusters),
            about.recipient,
            args,
            &context,
            self.channel.encoding(true),
            self.message_id(),
            &about.customer.key,
            &*self.entropy,
        )?)
    }
}

/// What counts as an answer of the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accept {
    /// That every account answered, as far as fresh tokens might help.
    Whole,
    /// What came, if anything did.
    Part,
}

impl Accept {
    /// Of the first try with tokens. Of a grant for one reading nothing that was read is read again.
    pub(crate) fn at_first(tokens: &Tokens) -> Self {
        if tokens.once == Once::Not { Self::Whole } else { Self::Part }
    }
}

/// Which of several failures the customer hears of: what they can mend before what mends itself, and last what is gone.
fn weight(class: BankErrorClass) -> u8 {
    match class {
        BankErrorClass::RelinkNeeded(_) | BankErrorClass::Declined(_) => 3,
        class if class.is_transient() => 2,
        BankErrorClass::Gone(_) => 0,
        _ => 1,
    }
}

struct About<'a> {
    link: &'a Link,
    lang: Lang,
    customer: &'a Customer,
    subject: &'a Subject,
    recipient: &'a Address,
    granted: &'a BTreeSet<AccountId>,
    accounts: &'a [AccountId],
    clusters: Clusters,
}

fn start_of_day(date: jiff::civil::Date) -> Option<Timestamp> {
    jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

fn tomorrow(now: Timestamp) -> Timestamp {
    now.checked_add(Duration::from_secs(86_400)).unwrap_or(now)
}
