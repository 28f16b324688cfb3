//! The connector role: the banks' client keys and nothing else. What a bank says of a customer leaves this process
//! sealed for the gate.

use super::Role;
use super::folder::Folder;
use super::peer::{CallError, Peer};
use super::wire::{
    Authorized, Back, Begin, Complete, Fetch, Fetched, LookAtGrant, Publisher, ReadNews, Revoke, Subscribe,
    WireBankError, WireGranted, WireNews, WireTokens, news_context, seal_context,
};
use crate::ambient::OsEntropy;
use crate::config::Settings;
use crate::lifecycle::Stop;
use crate::{gateway, limits, server};
use amana_bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, BankError, BankErrorClass, Callback, CheckError,
    CheckReport, GrantState, Granted, Missed, News, Of, Pending, TakenBack, Tokens, Topic,
};
use amana_core::{Account, AccountId, InstitutionId, Page, Secret, Timestamp, Transaction};
use amana_gate::{BankData, DataKey, Protected, Subject};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

struct Here {
    banks: BTreeMap<InstitutionId, Arc<dyn Bank>>,
    key: DataKey,
}

/// Serves until stopped.
///
/// # Errors
/// When a connector cannot be made, or the folder not used.
pub(crate) async fn run(settings: &Settings, folder: &Folder, stop: Stop) -> anyhow::Result<()> {
    let banks = gateway::banks(settings)?;
    let banks = banks.into_iter().map(|(id, bank)| (id, bank as Arc<dyn Bank>)).collect();
    let here = Here { banks, key: folder.link_key()? };
    let router = Router::new()
        .route("/{institution}/{call}", post(answer))
        .layer(DefaultBodyLimit::max(limits::ROLE_ASK_BYTES_MAX))
        .with_state(Arc::new(here));
    let listener = folder.listen(Role::Connector).await?;
    tracing::info!(institutions = settings.institutions.len(), "amana connector serves");
    server::serve(listener, router, stop.soft, server::Bounds::default()).await;
    Ok(())
}

async fn answer(
    State(here): State<Arc<Here>>,
    Path((institution, call)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let bank = InstitutionId::new(institution).ok().and_then(|id| here.banks.get(&id));
    let Some(bank) = bank else { return StatusCode::NOT_FOUND.into_response() };
    match done(&**bank, &here.key, &call, &body).await {
        Some(answer) => answer.into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// One call. `None` if it is not understood.
async fn done(
    bank: &dyn Bank,
    key: &DataKey,
    call: &str,
    body: &[u8],
) -> Option<axum::Json<serde_json::Value>> {
    fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
        serde_json::from_slice(body).ok()
    }
    fn said<T: Serialize>(call: &str, result: Result<T, BankError>) -> Option<axum::Json<serde_json::Value>> {
        let result = result.map_err(|error| {
            tracing::warn!(call, %error, "a bank's call failed");
            WireBankError::of(&error)
        });
        serde_json::to_value(result).ok().map(axum::Json)
    }
    let institution = bank.id();
    let sealing = |_| BankError {
        institution: institution.clone(),
        interaction: None,
        class: BankErrorClass::Nonsense("it cannot be sealed for the gate"),
    };
    match call {
        "begin" => {
            let begun = bank.begin(&read::<Begin>(body)?.ask()).await;
            said(call, begun.map(|begun| Authorized { url: begun.url, pending: begun.pending }))
        }
        "complete" => {
            let Complete { pending, callback } = read(body)?;
            let granted = bank.complete(&pending, &callback.callback()).await;
            said(
                call,
                granted.map(|granted| WireGranted {
                    tokens: WireTokens::of(&granted.tokens),
                    subject: granted.subject,
                    bank_consent: granted.bank_consent,
                    evidence: granted.evidence,
                }),
            )
        }
        "refresh" => {
            let fresh = bank.refresh(&read::<WireTokens>(body)?.tokens()?).await;
            said(call, fresh.map(|tokens| WireTokens::of(&tokens)))
        }
        "accounts" | "transactions" => {
            let fetch: Fetch = read(body)?;
            let tokens = fetch.tokens.tokens()?;
            let subject = Subject { institution: institution.clone(), customer: fetch.customer };
            let actor = if fetch.user_waits { Actor::User } else { Actor::Batch };
            let context = seal_context(institution, call, fetch.customer, &fetch.nonce);
            let fetched =
                |ids, skipped, sealed: Vec<u8>| Fetched { ids, skipped, sealed: hex::encode(sealed) };
            let answer = match fetch.of {
                None => bank.accounts(&tokens, &subject, actor).await.and_then(|accounts| {
                    let sealed = accounts.data.seal(key, &context, &OsEntropy).map_err(sealing)?;
                    Ok(fetched(accounts.ids, accounts.skipped, sealed))
                }),
                Some((account, from, to)) => {
                    let rows = bank.transactions(&tokens, &subject, &account, from, to, actor).await;
                    rows.and_then(|rows| {
                        let sealed = rows.seal(key, &context, &OsEntropy).map_err(sealing)?;
                        Ok(fetched(Vec::new(), 0, sealed))
                    })
                }
            };
            said(call, answer)
        }
        "grant" => {
            let LookAtGrant { tokens, customer, bank_consent } = read(body)?;
            let subject = Subject { institution: institution.clone(), customer };
            said(call, bank.grant(&tokens.tokens()?, &subject, bank_consent.as_deref()).await)
        }
        "news" => {
            let ask: ReadNews = read(body)?;
            let subject = Subject { institution: institution.clone(), customer: ask.customer };
            let news = bank.news(&ask.tokens.tokens()?, &subject, &ask.of).await.and_then(|news| {
                let sealed = news.events.into_iter().enumerate().map(|(place, (event, body))| {
                    let context = news_context(institution, &ask, place);
                    let sealed = body.seal(key, &context, &OsEntropy).map_err(sealing)?;
                    Ok((event, hex::encode(sealed)))
                });
                let events = sealed.collect::<Result<_, _>>()?;
                Ok(WireNews { events, whole: news.whole, calls: news.calls })
            });
            said(call, news)
        }
        "subscribe" => {
            let Subscribe { topic, callback } = read(body)?;
            said(call, bank.subscribe(topic, &callback).await)
        }
        "subscribed" => said(call, bank.subscribed(&read::<String>(body)?).await),
        "unsubscribe" => said(call, bank.unsubscribe(&read::<String>(body)?).await),
        "missed" => said(call, bank.missed(read::<Option<String>>(body)?.as_deref()).await),
        "publisher" => {
            let Publisher { token, callback } = read(body)?;
            said(call, bank.publisher(&Secret::new(token), &callback).await)
        }
        "revoke" => {
            let Revoke { tokens, bank_consent, why } = read(body)?;
            said(call, bank.revoke(&tokens.tokens()?, bank_consent.as_deref(), why).await)
        }
        "revoke_refresh" => said(call, bank.revoke_refresh(&Secret::new(read::<String>(body)?)).await),
        _ => None,
    }
}

/// A bank, as the gate sees it: behind the connector's socket.
pub(crate) struct RemoteBank {
    id: InstitutionId,
    peer: Peer,
    key: Arc<DataKey>,
}

impl RemoteBank {
    /// The bank of this id at the connector.
    ///
    /// # Errors
    /// When the key that they share cannot be read.
    pub(crate) fn all(
        settings: &Settings,
        folder: &Folder,
    ) -> anyhow::Result<BTreeMap<InstitutionId, Arc<dyn Bank>>> {
        let key = Arc::new(folder.link_key()?);
        let peer = Peer::new(folder.socket(Role::Connector), limits::BANK_CALL_TIME);
        let bank = |id: &InstitutionId| -> Arc<dyn Bank> {
            Arc::new(Self { id: id.clone(), peer: peer.clone(), key: key.clone() })
        };
        Ok(settings.institutions.iter().map(|i| (i.id().clone(), bank(i.id()))).collect())
    }

    fn error(&self, class: BankErrorClass) -> BankError {
        BankError { institution: self.id.clone(), interaction: None, class }
    }

    async fn call<A: Serialize, T: DeserializeOwned>(&self, call: &str, ask: &A) -> Result<T, BankError> {
        let path = format!("/{}/{call}", self.id);
        match self.peer.call::<A, Result<T, WireBankError>>(&path, ask).await {
            Ok(answer) => answer.map_err(|error| error.error(&self.id)),
            Err(CallError::NotReached) => {
                Err(self.error(BankErrorClass::Retry("the connector's process is not there")))
            }
            Err(CallError::InDoubt) => {
                Err(self.error(BankErrorClass::Retry("the connector's process did not answer")))
            }
        }
    }

    /// Asks for a customer's data, and takes what comes only if it was sealed for this very question.
    async fn fetch<T: BankData>(
        &self,
        call: &str,
        tokens: &Tokens,
        subject: &Subject,
        actor: Actor,
        of: Option<(AccountId, Timestamp, Timestamp)>,
    ) -> Result<(Fetched, Protected<T>), BankError> {
        let nonce = OsEntropy::hex::<16>();
        let fetch = Fetch {
            tokens: WireTokens::of(tokens),
            customer: subject.customer,
            user_waits: actor == Actor::User,
            of,
            nonce,
        };
        let fetched: Fetched = self.call(call, &fetch).await?;
        let context = seal_context(&self.id, call, subject.customer, &fetch.nonce);
        let sealed = hex::decode(&fetched.sealed).unwrap_or_default();
        let data = Protected::unseal(subject.clone(), &self.key, &context, &sealed)
            .map_err(|_| self.error(BankErrorClass::Nonsense("it was not sealed for this question")))?;
        Ok((fetched, data))
    }
}

#[async_trait::async_trait]
impl Bank for RemoteBank {
    fn id(&self) -> &InstitutionId {
        &self.id
    }

    async fn begin(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankError> {
        let Authorized { url, pending } = self.call("begin", &Begin::of(ask)).await?;
        Ok(Authorization { url, pending })
    }

    async fn complete(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankError> {
        let ask = Complete { pending: pending.clone(), callback: Back::of(callback) };
        let granted: WireGranted = self.call("complete", &ask).await?;
        let tokens = granted.tokens.tokens();
        let tokens =
            tokens.ok_or_else(|| self.error(BankErrorClass::Nonsense("its tokens cannot be read")))?;
        let WireGranted { subject, bank_consent, evidence, .. } = granted;
        Ok(Granted { tokens, subject, bank_consent, evidence })
    }

    async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, BankError> {
        let fresh: WireTokens = self.call("refresh", &WireTokens::of(tokens)).await?;
        fresh.tokens().ok_or_else(|| self.error(BankErrorClass::Nonsense("its tokens cannot be read")))
    }

    async fn accounts(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        actor: Actor,
    ) -> Result<Accounts, BankError> {
        let (fetched, data) = self.fetch::<Vec<Account>>("accounts", tokens, subject, actor, None).await?;
        Ok(Accounts { ids: fetched.ids, data, skipped: fetched.skipped })
    }

    async fn transactions(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        account: &AccountId,
        from: Timestamp,
        to: Timestamp,
        actor: Actor,
    ) -> Result<Protected<Page<Transaction>>, BankError> {
        let of = Some((account.clone(), from, to));
        Ok(self.fetch("transactions", tokens, subject, actor, of).await?.1)
    }

    async fn news(&self, tokens: &Tokens, subject: &Subject, of: &Of) -> Result<News, BankError> {
        let ask = ReadNews {
            tokens: WireTokens::of(tokens),
            customer: subject.customer,
            of: of.clone(),
            nonce: OsEntropy::hex::<16>(),
        };
        let news: WireNews = self.call("news", &ask).await?;
        let opened = news.events.into_iter().enumerate().map(|(place, (event, sealed))| {
            let context = news_context(&self.id, &ask, place);
            let sealed = hex::decode(sealed).unwrap_or_default();
            let body = Protected::unseal(subject.clone(), &self.key, &context, &sealed)
                .map_err(|_| self.error(BankErrorClass::Nonsense("it was not sealed for this question")))?;
            Ok((event, body))
        });
        let events = opened.collect::<Result<_, BankError>>()?;
        Ok(News { events, whole: news.whole, calls: news.calls })
    }

    async fn grant(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        bank_consent: Option<&str>,
    ) -> Result<GrantState, BankError> {
        let ask = LookAtGrant {
            tokens: WireTokens::of(tokens),
            customer: subject.customer,
            bank_consent: bank_consent.map(str::to_owned),
        };
        self.call("grant", &ask).await
    }

    async fn revoke(
        &self,
        tokens: &Tokens,
        bank_consent: Option<&str>,
        why: TakenBack,
    ) -> Result<(), BankError> {
        let bank_consent = bank_consent.map(str::to_owned);
        let ask = Revoke { tokens: WireTokens::of(tokens), bank_consent, why };
        self.call("revoke", &ask).await
    }

    async fn revoke_refresh(&self, refresh: &Secret) -> Result<(), BankError> {
        self.call("revoke_refresh", &refresh.expose()).await
    }

    async fn subscribe(&self, topic: Topic, callback: &Url) -> Result<String, BankError> {
        self.call("subscribe", &Subscribe { topic, callback: callback.clone() }).await
    }

    async fn subscribed(&self, subscription: &str) -> Result<bool, BankError> {
        self.call("subscribed", &subscription).await
    }

    async fn unsubscribe(&self, subscription: &str) -> Result<(), BankError> {
        self.call("unsubscribe", &subscription).await
    }

    async fn missed(&self, page: Option<&str>) -> Result<Missed, BankError> {
        self.call("missed", &page).await
    }

    async fn publisher(&self, token: &Secret, callback: &Url) -> Result<(), BankError> {
        let ask = Publisher { token: token.expose().to_owned(), callback: callback.clone() };
        self.call("publisher", &ask).await
    }

    async fn check(&self) -> Result<CheckReport, CheckError> {
        Err(CheckError {
            institution: self.id.clone(),
            what: "it is checked where its keys are".to_owned(),
            mend: "run `amana doctor` as the connector's user".to_owned(),
            checked: Vec::new(),
        })
    }
}
