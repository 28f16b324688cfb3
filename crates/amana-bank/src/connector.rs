//! The connector of one institution: OAuth and FDX over HTTP, behind the [`Bank`] trait.

use crate::bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, Callback, CheckError, CheckReport, GrantState,
    GrantStatus, Granted, News, Of, TakenBack,
};
use crate::config::{HttpClientOptions, InstitutionConfig};
use crate::error::{BankError, BankErrorClass, ConfigError};
use crate::fdx::{Currencies, Payer, Spending, TokenTaken};
use crate::hints::{Missed, Topic};
use crate::http::Http;
use crate::oauth::answer::{TokenAnswer, grant_id};
use crate::oauth::client_auth::Authenticator;
use crate::oauth::{self, DpopKey, OPENID, jose};
use crate::profile::{Bearer, ConsentApi, Rar, RevocationBy};
use crate::tokens::{Doubt, Once, Pending, Tokens};
use amana_core::{
    AccountId, Clock, Cluster, Clusters, Entropy, InstitutionId, Page, Secret, Timestamp, Transaction,
};
use amana_gate::{Protected, Subject};
use async_trait::async_trait;
use serde_json::json;
use std::sync::Arc;
use url::Url;

/// The type of FDX's rich authorization request.
const RAR_TYPE: &str = "fdx_v1.0";
/// The name of a consent's id among the claims of a JWT access token.
const CONSENT_CLAIM: &str = "fdxConsentId";

/// A failure on its way out: the class, and the interaction id if the call had one.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: BankErrorClass,
    pub(crate) interaction: Option<String>,
}

impl Failure {
    /// Whether the tokens are not taken any more.
    fn ended(&self) -> bool {
        matches!(self.class, BankErrorClass::RelinkNeeded(_))
    }
}

impl From<BankErrorClass> for Failure {
    fn from(class: BankErrorClass) -> Self {
        Self { class, interaction: None }
    }
}

/// A bank that speaks FDX.
pub struct FdxBank {
    pub(crate) config: InstitutionConfig,
    pub(crate) http: Http,
    pub(crate) oauth: oauth::Client,
    pub(crate) currencies: Currencies,
    pub(crate) consent_token: TokenTaken,
    pub(crate) spending: Spending,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for FdxBank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FdxBank").field("id", &self.config.id).finish_non_exhaustive()
    }
}

impl FdxBank {
    /// The connector of an institution. Nothing is asked of the network yet.
    ///
    /// # Errors
    /// When an address is not a URL (or plain http where that is not allowed), the key cannot sign, or the profile does
    /// not take the way of client authentication.
    pub fn new(
        mut config: InstitutionConfig,
        options: HttpClientOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ConfigError> {
        let id = config.id.clone();
        let address = |key, value: &str, url: Option<&Url>, expected| match url {
            Some(url)
                if url.has_host()
                    && (url.scheme() == "https"
                        || (url.scheme() == "http" && options.allow_private_addresses))
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty()
                    && url.password().is_none() =>
            {
                Ok(())
            }
            _ => {
                Err(ConfigError::Address { institution: id.clone(), key, value: value.to_owned(), expected })
            }
        };
        let expected = if options.allow_private_addresses {
            "an absolute http or https url without query, fragment or password"
        } else {
            "an absolute https url without query, fragment or password"
        };
        address("issuer", &config.issuer, Url::parse(&config.issuer).ok().as_ref(), expected)?;
        address("api_url", config.api_url.as_str(), Some(&config.api_url), expected)?;
        // A base is a folder: paths are put behind it.
        let base = config.api_url.path().trim_end_matches('/').to_owned();
        config.api_url.set_path(&base);

        let provider = |what| Err(ConfigError::Provider { institution: config.id.clone(), what });
        match (config.provider_id.as_deref(), config.profile.api.paths.name_provider()) {
            (None, true) => return provider("is missing: the profile's paths name a provider"),
            (Some(_), false) => return provider("is given, but the profile's paths name no provider"),
            (Some(id), true) if id.trim().is_empty() || id.contains('/') => {
                return provider("is not one segment of a path");
            }
            _ => {}
        }
        let http = Http::new(&config.id, options, &config.tls)?;
        let oauth = oauth::Client::new(oauth::Parts {
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            switches: config.profile.oauth.clone(),
            sender: config.sender.unwrap_or_else(|| config.profile.oauth.sender()),
            authenticator: Authenticator::new(&config.client_auth),
            signing_key: config.signing_key.clone(),
            http: http.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        })
        .map_err(|what| ConfigError::ClientAuth { institution: config.id.clone(), what })?;
        Ok(Self {
            config,
            http,
            oauth,
            currencies: Currencies::default(),
            consent_token: TokenTaken::default(),
            spending: Spending::default(),
            clock,
            entropy,
        })
    }

    pub(crate) fn error(&self, failure: impl Into<Failure>) -> BankError {
        let Failure { class, interaction } = failure.into();
        BankError { institution: self.config.id.clone(), interaction, class }
    }

    fn scopes(&self, ask: &AuthorizeAsk) -> Vec<String> {
        if ask.login_only {
            return vec![OPENID.to_owned()];
        }
        let oauth = &self.config.profile.oauth;
        let mut scopes = oauth.scopes.clone();
        if oauth.cluster_scopes {
            scopes.extend(ask.clusters.iter().filter_map(|cluster| {
                oauth.scopes_map.get(&cluster).cloned().or_else(|| cluster.fdx_scope().map(str::to_owned))
            }));
        }
        scopes
    }

    async fn start(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankErrorClass> {
        let with_details = match self.config.profile.oauth.rar {
            _ if ask.login_only => false,
            Rar::On => true,
            Rar::Auto => {
                let metadata = self.oauth.metadata().await?;
                metadata.authorization_details_types_supported.iter().any(|t| t == RAR_TYPE)
            }
            Rar::Off => false,
        };
        let request = oauth::Ask {
            redirect_uri: &ask.redirect_uri,
            scopes: self.scopes(ask),
            details: with_details.then(|| details(ask)),
            lang: ask.lang,
            login_only: ask.login_only,
        };
        let (url, pending) = self.oauth.start(&request).await?;
        Ok(Authorization { url, pending })
    }

    async fn finish(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankErrorClass> {
        let oauth::Redeemed { token, key, claims } = self.oauth.redeem(pending, callback).await?;
        let mut subject = claims.as_ref().and_then(subject_of);
        let evidence = claims
            .as_ref()
            .zip(token.id_token.as_ref())
            .map(|(claims, id_token)| jose::evidence(claims, &self.config.issuer, id_token.expose()));
        let mut bank_consent = token.grant_id.clone();
        if subject.is_none() || bank_consent.is_none() {
            // A JWT access token (RFC 9068, FDX's JWT profile) may say both.
            if let Some(claims) = self.oauth.access_claims(&token.access).await {
                subject = subject.or_else(|| subject_of(&claims));
                bank_consent = bank_consent.or_else(|| grant_id(jose::text(&claims, CONSENT_CLAIM)?));
            }
        }
        let signed_in = claims.as_ref().and_then(|claims| jose::text(claims, "sub"));
        let tokens = Tokens {
            subject_sha256: signed_in.map(|sub| amana_core::event_hash(sub.as_bytes())),
            ..self.tokens(token, key, None)
        };
        Ok(Granted { tokens, subject, bank_consent, evidence })
    }

    /// What is kept of an answer; what it leaves out stays as it was.
    fn tokens(&self, token: TokenAnswer, dpop: Option<DpopKey>, old: Option<&Tokens>) -> Tokens {
        let keeps_id = self.config.profile.api.bearer == Bearer::IdToken;
        Tokens {
            access: token.access,
            refresh: token.refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
            id_token: token
                .id_token
                .filter(|_| keeps_id)
                .or_else(|| old.and_then(|old| old.id_token.clone())),
            expires_at: token.expires_at,
            refresh_ends: token
                .refresh_ends
                .or_else(|| old.and_then(|old| old.refresh_ends))
                .filter(|_| !self.config.profile.oauth.refresh_renews),
            scope: token.scope.or_else(|| old.and_then(|old| old.scope.clone())),
            subject_sha256: old.and_then(|old| old.subject_sha256.clone()),
            dpop,
            connection: old.and_then(|old| old.connection),
            once: old.map_or(Once::Not, |old| old.once),
            doubt: Doubt::None,
            own_refresh: None,
            renewing: None,
        }
    }

    async fn renew(&self, tokens: &Tokens) -> Result<Tokens, BankErrorClass> {
        let refresh = tokens.refresh.as_ref().ok_or(BankErrorClass::RelinkNeeded("no refresh token"))?;
        let uses_id = self.config.profile.api.bearer == Bearer::IdToken;
        let first = tokens.subject_sha256.as_deref();
        let (token, key, doubt) = self.oauth.refresh(refresh, tokens.dpop.clone(), (first, uses_id)).await?;
        let fresh = self.tokens(token, key, Some(tokens));
        if doubt == Doubt::None {
            return Ok(fresh);
        }
        // (A refresh token is bound to the client and not to a key, so the old key goes with the old access token.)
        Ok(tokens.doubted(doubt, fresh.refresh, fresh.refresh_ends))
    }

    async fn take_back(
        &self,
        tokens: &Tokens,
        bank_consent: Option<&str>,
        why: TakenBack,
    ) -> Result<(), Failure> {
        let mut failed: Option<Failure> = None;
        let mut told = false;
        // After a refresh in doubt there are two refresh tokens, and either may live on, so both are taken back.
        // Another person's is not used for it. Of what nothing proves the newer one is tried first: the other is
        // spent, as a rule.
        let mut latest = tokens.clone();
        let mut beside: Vec<Secret> = Vec::new();
        if let Some(own) = latest.own_refresh.take() {
            match latest.doubt {
                Doubt::NotTheirs => beside.extend(latest.refresh.replace(own)),
                Doubt::None | Doubt::Unproved => beside.push(own),
            }
        }
        if self.config.profile.api.consent_api == ConsentApi::Fdx {
            for id in bank_consent.unwrap_or_default().split_whitespace() {
                let mut outcome = self.revoke_consent(&latest, id, why).await;
                // The access token may merely be too old to say so.
                let older = (latest.doubt == Doubt::Unproved).then(|| beside.first().cloned()).flatten();
                for refresh in latest.refresh.clone().into_iter().chain(older) {
                    if !outcome.as_ref().is_err_and(Failure::ended) {
                        break;
                    }
                    match self.renew(&Tokens { refresh: Some(refresh), ..latest.clone() }).await {
                        Ok(new) if new.doubt == Doubt::None => {
                            latest = new;
                            outcome = self.revoke_consent(&latest, id, why).await;
                            break;
                        }
                        // What is left is to take the refresh tokens back, below.
                        Ok(new) => {
                            let other = |new: &Secret| latest.refresh.as_ref() != Some(new);
                            beside.extend(new.refresh.filter(other));
                            break;
                        }
                        Err(BankErrorClass::RelinkNeeded(_)) => {}
                        Err(e) => outcome = Err(e.into()),
                    }
                }
                match outcome {
                    Ok(done) => told |= done,
                    // No token is taken any more: the grant is gone.
                    Err(f) if f.ended() => told = true,
                    Err(f) => failed = failed.or(Some(f)),
                }
            }
        }
        if self.config.profile.oauth.revocation == RevocationBy::Portal {
            // Nobody but the customer can: they are told, and what was given to us is dropped.
            return Ok(());
        }
        let metadata = self.oauth.metadata().await.map_err(|class| failed.take().unwrap_or(class.into()))?;
        if let Some(endpoint) = &metadata.revocation_endpoint {
            told = true;
            for refresh in latest.refresh.iter().chain(&beside) {
                if let Err(class) = self.oauth.revoke(endpoint, refresh, "refresh_token").await {
                    failed = failed.or(Some(class.into()));
                }
            }
            if let Err(class) = self.oauth.revoke(endpoint, &latest.access, "access_token").await {
                failed = failed.or(Some(class.into()));
            }
        }
        match failed {
            Some(failure) => Err(failure),
            None if told => Ok(()),
            None => Err(BankErrorClass::OurRequest(
                "it has neither a consent api nor a revocation endpoint: the customer must revoke at the bank",
            )
            .into()),
        }
    }
}

/// `sub`, if it can be one (OpenID Connect Core 1.0 §2: at most 255 characters).
pub(crate) fn subject_of(claims: &jose::Claims) -> Option<String> {
    jose::text(claims, "sub")
        .filter(|sub| !sub.is_empty() && sub.len() <= 255 && !sub.chars().any(char::is_control))
        .map(str::to_owned)
}

/// FDX's consent request as `authorization_details` (RFC 9396). The accounts are chosen on the bank's page, so no
/// resource is named.
fn details(ask: &AuthorizeAsk) -> String {
    let clusters: Vec<&str> = at_banks(ask.clusters).map(Cluster::as_str).collect();
    json!([{
        "type": RAR_TYPE,
        "consentRequest": {
            "durationType": "TIME_BOUND",
            "durationPeriod": ask.duration_days,
            "lookbackPeriod": ask.lookback_days,
            "resources": [{ "resourceType": "ACCOUNT", "dataClusters": clusters }],
        }
    }])
    .to_string()
}

/// The clusters that a bank holds.
fn at_banks(clusters: Clusters) -> impl Iterator<Item = Cluster> {
    clusters.iter().filter(|cluster| cluster.fdx_scope().is_some())
}

#[async_trait]
impl Bank for FdxBank {
    fn id(&self) -> &InstitutionId {
        &self.config.id
    }

    async fn begin(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankError> {
        self.start(ask).await.map_err(|class| self.error(class))
    }

    async fn complete(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankError> {
        self.finish(pending, callback).await.map_err(|class| self.error(class))
    }

    async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, BankError> {
        self.renew(tokens).await.map_err(|class| self.error(class))
    }

    async fn accounts(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        actor: Actor,
    ) -> Result<Accounts, BankError> {
        let (accounts, skipped) = self
            .read_accounts(tokens, Payer::of(tokens, subject.customer), actor)
            .await
            .map_err(|failure| self.error(failure))?;
        let ids = accounts.iter().map(|account| account.id.clone()).collect();
        Ok(Accounts { ids, data: Protected::new(subject.clone(), accounts), skipped })
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
        let page = self
            .read_transactions(tokens, account, (from, to), Payer::of(tokens, subject.customer), actor)
            .await
            .map_err(|failure| self.error(failure))?;
        Ok(Protected::new(subject.clone(), page))
    }

    async fn news(&self, tokens: &Tokens, subject: &Subject, of: &Of) -> Result<News, BankError> {
        self.read_news(tokens, subject, of).await.map_err(|failure| self.error(failure))
    }

    async fn grant(
        &self,
        tokens: &Tokens,
        _: &Subject,
        bank_consent: Option<&str>,
    ) -> Result<GrantState, BankError> {
        let ids = bank_consent.unwrap_or_default();
        if self.config.profile.api.consent_api == ConsentApi::None || ids.trim().is_empty() {
            return Ok(GrantState::default());
        }
        let mut found = GrantState::default();
        // Several ids are several grants behind one token: it lives as long as one of them.
        for id in ids.split_whitespace() {
            let state = self.read_consent(tokens, id).await.map_err(|failure| self.error(failure))?;
            if state.status == GrantStatus::Active {
                return Ok(state);
            }
            found = state;
        }
        Ok(found)
    }

    async fn revoke(
        &self,
        tokens: &Tokens,
        bank_consent: Option<&str>,
        why: TakenBack,
    ) -> Result<(), BankError> {
        self.take_back(tokens, bank_consent, why).await.map_err(|failure| self.error(failure))
    }

    async fn revoke_refresh(&self, refresh: &Secret) -> Result<(), BankError> {
        let revoked = async {
            match &self.oauth.metadata().await?.revocation_endpoint {
                Some(endpoint) => self.oauth.revoke(endpoint, refresh, "refresh_token").await,
                None => Ok(()),
            }
        };
        revoked.await.map_err(|class: BankErrorClass| self.error(class))
    }

    async fn subscribe(&self, topic: Topic, callback: &Url) -> Result<String, BankError> {
        self.new_subscription(topic, callback).await.map_err(|failure| self.error(failure))
    }

    async fn subscribed(&self, subscription: &str) -> Result<bool, BankError> {
        self.has_subscription(subscription).await.map_err(|failure| self.error(failure))
    }

    async fn unsubscribe(&self, subscription: &str) -> Result<(), BankError> {
        self.end_subscription(subscription).await.map_err(|failure| self.error(failure))
    }

    async fn missed(&self, page: Option<&str>) -> Result<Missed, BankError> {
        self.kept_notifications(page).await.map_err(|failure| self.error(failure))
    }

    async fn publisher(&self, token: &Secret, callback: &Url) -> Result<(), BankError> {
        self.is_publisher(token, callback).await.map_err(|class| self.error(class))
    }

    async fn check(&self) -> Result<CheckReport, CheckError> {
        self.examine().await
    }
}
