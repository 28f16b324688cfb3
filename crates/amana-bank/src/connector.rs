//! The connector of one institution: OAuth and FDX over HTTP, behind the [`Bank`] trait.

use crate::bank::{
    Accounts, Actor, Authorization, AuthorizeAsk, Bank, Callback, CheckError, CheckReport, GrantState,
    GrantStatus, Granted,
};
use crate::client_auth::{Authenticator, Form};
use crate::config::{HttpClientOptions, InstitutionConfig};
use crate::discovery::{Discovery, Metadata};
use crate::error::{BankError, BankErrorClass, ConfigError};
use crate::fdx::{Currencies, Spending};
use crate::http::{Answer, Http};
use crate::jose::{self, Keys};
use crate::oauth::{self, TokenAnswer};
use crate::profile::{Bearer, ConsentApi, Par, Rar};
use crate::tokens::{Pending, Tokens};
use amana_core::ids::token_hash;
use amana_core::{
    AccountId, Clock, Cluster, Clusters, Entropy, InstitutionId, Lang, Page, Timestamp, Transaction,
};
use amana_gate::{Protected, Subject};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::sync::Arc;
use url::Url;

/// The type of FDX's rich authorization request.
const RAR_TYPE: &str = "fdx_v1.0";
const OPENID: &str = "openid";

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
    pub(crate) authenticator: Authenticator,
    pub(crate) discovery: Discovery,
    pub(crate) keys: Keys,
    pub(crate) currencies: Currencies,
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
        let wrong = |what| ConfigError::ClientAuth { institution: config.id.clone(), what };
        let authenticator = Authenticator::new(&config.client_auth).map_err(wrong)?;
        if !config.profile.oauth.client_auth.contains(&authenticator.method()) {
            return Err(wrong(
                "the profile does not take this way of client authentication: \
                 give the other of `client_secret` and `private_key_file`",
            ));
        }
        if config.client_id.is_empty() {
            return Err(wrong("`client_id` is empty: give the id that the bank has registered"));
        }
        let http = Http::new(&config.id, options)?;
        Ok(Self {
            config,
            http,
            authenticator,
            discovery: Discovery::default(),
            keys: Keys::default(),
            currencies: Currencies::default(),
            spending: Spending::default(),
            clock,
            entropy,
        })
    }

    pub(crate) fn error(&self, failure: impl Into<Failure>) -> BankError {
        let Failure { class, interaction } = failure.into();
        BankError { institution: self.config.id.clone(), interaction, class }
    }

    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, BankErrorClass> {
        let oauth = &self.config.profile.oauth;
        self.discovery.get(&self.http, &self.config.issuer, oauth, self.clock.now()).await
    }

    fn random_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.entropy.array::<32>())
    }

    /// A form to the authorization server, with the client's proof.
    pub(crate) async fn post_form(&self, url: &Url, mut form: Form) -> Result<Answer, BankErrorClass> {
        let header = self.authenticator.prove(
            &self.config.client_id,
            &self.config.issuer,
            &mut form,
            self.clock.now(),
            self.entropy.as_ref(),
        )?;
        let mut request = self.http.post(url.clone()).header(reqwest::header::ACCEPT, "application/json");
        if let Some(header) = header {
            request = request.header(reqwest::header::AUTHORIZATION, header);
        }
        self.http.send(request.form(&form)).await
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

    /// The parameters of the authorization request, in the order of the standards.
    fn authorize_params(&self, ask: &AuthorizeAsk, pending: &Pending, metadata: &Metadata) -> Form {
        let oauth = &self.config.profile.oauth;
        let scopes = self.scopes(ask);
        let mut form: Form = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.config.client_id.clone()),
            ("redirect_uri", pending.redirect_uri.clone()),
            ("scope", scopes.join(" ")),
            ("state", pending.state.clone()),
            ("code_challenge", challenge(&pending.verifier)),
            ("code_challenge_method", "S256".to_owned()),
        ];
        if scopes.iter().any(|scope| scope == OPENID) {
            form.push(("nonce", pending.nonce.clone()));
        }
        let locales = match ask.lang {
            Lang::English => "en",
            Lang::Arabic => "ar en",
        };
        form.push(("ui_locales", locales.to_owned()));
        let with_details = match oauth.rar {
            Rar::On => true,
            Rar::Auto => metadata.authorization_details_types_supported.iter().any(|t| t == RAR_TYPE),
            Rar::Off => false,
        };
        if with_details && !ask.login_only {
            form.push(("authorization_details", details(ask)));
        }
        self.add_audience(&mut form);
        form
    }

    fn add_audience(&self, form: &mut Form) {
        let oauth = &self.config.profile.oauth;
        if let Some(resource) = &oauth.resource {
            form.push(("resource", resource.clone()));
        }
        if let Some(audience) = &oauth.audience {
            form.push(("audience", audience.clone()));
        }
    }

    async fn start(&self, ask: &AuthorizeAsk) -> Result<Authorization, BankErrorClass> {
        let metadata = self.metadata().await?;
        let oauth = &self.config.profile.oauth;
        let pending = Pending {
            state: self.random_text(),
            verifier: self.random_text(),
            nonce: self.random_text(),
            redirect_uri: ask.redirect_uri.to_string(),
            issuer: self.config.issuer.clone(),
            login_only: ask.login_only,
        };
        let params = self.authorize_params(ask, &pending, &metadata);
        // The profile's own parameters are about consent to data (`prompt`); signing in needs none of them.
        let extra = oauth.authorize_params.iter().filter(|_| !ask.login_only);
        let mut url = metadata.authorization_endpoint.clone();
        let pushed_to = match (oauth.par, &metadata.pushed_authorization_request_endpoint) {
            (Par::None, _) | (Par::Optional, None) => {
                if metadata.require_pushed_authorization_requests {
                    return Err(BankErrorClass::OurRequest(
                        "the server requires pushed authorization requests, which the profile switches off",
                    ));
                }
                None
            }
            (Par::Required | Par::Optional, endpoint) => endpoint.as_ref(),
        };
        if let Some(endpoint) = pushed_to {
            let extra: Vec<(String, String)> = extra.map(|(k, v)| (k.clone(), v.clone())).collect();
            let request_uri = self.push(endpoint, params, &extra).await?;
            url.query_pairs_mut()
                .append_pair("client_id", &self.config.client_id)
                .append_pair("request_uri", &request_uri);
        } else {
            url.query_pairs_mut().extend_pairs(&params).extend_pairs(extra);
        }
        Ok(Authorization { url, pending })
    }

    /// Pushes the request (RFC 9126) and gives the `request_uri`.
    async fn push(
        &self,
        endpoint: &Url,
        mut params: Form,
        extra: &[(String, String)],
    ) -> Result<String, BankErrorClass> {
        let now = self.clock.now();
        let header = self.authenticator.prove(
            &self.config.client_id,
            &self.config.issuer,
            &mut params,
            now,
            self.entropy.as_ref(),
        )?;
        let form: Vec<(&str, &str)> = params
            .iter()
            .map(|(k, v)| (*k, v.as_str()))
            .chain(extra.iter().map(|(k, v)| (k.as_str(), v.as_str())))
            .collect();
        let mut request =
            self.http.post(endpoint.clone()).header(reqwest::header::ACCEPT, "application/json");
        if let Some(header) = header {
            request = request.header(reqwest::header::AUTHORIZATION, header);
        }
        let answer = self.http.send(request.form(&form)).await?;
        if !answer.status.is_success() {
            return Err(match oauth::class_of(&answer, now) {
                // Before the customer was asked anything, nothing can have been refused in the customer's name.
                BankErrorClass::RelinkNeeded(what) | BankErrorClass::Declined(what) => {
                    BankErrorClass::OurRequest(what)
                }
                other => other,
            });
        }
        oauth::request_uri(&answer)
    }

    async fn finish(&self, pending: &Pending, callback: &Callback) -> Result<Granted, BankErrorClass> {
        let metadata = self.metadata().await?;
        check_callback(pending, callback, &metadata, self.config.profile.oauth.iss_required)?;
        if let Some(error) = &callback.error {
            return Err(match oauth::class_of_code(error) {
                BankErrorClass::RelinkNeeded(what) => BankErrorClass::Declined(what),
                other => other,
            });
        }
        let code = callback
            .code
            .as_ref()
            .filter(|code| !code.expose().is_empty() && code.expose().len() <= crate::limits::TOKEN_BYTES_MAX)
            .ok_or(BankErrorClass::BadCallback("it has neither `code` nor `error`"))?;
        let mut form: Form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.expose().to_owned()),
            ("redirect_uri", pending.redirect_uri.clone()),
            ("code_verifier", pending.verifier.clone()),
        ];
        self.add_audience(&mut form);
        let answer = self.post_form(&metadata.token_endpoint, form).await?;
        let now = self.clock.now();
        let token = TokenAnswer::read(&answer, now)?;

        let (mut subject, mut evidence) = (None, None);
        if let Some(id_token) = &token.id_token {
            let jwks = metadata.jwks_uri.as_ref().ok_or(BankErrorClass::Nonsense(
                "the server's metadata have no `jwks_uri` for its id tokens",
            ))?;
            let claims = self.keys.verify(&self.http, jwks, id_token.expose(), now).await?;
            let (issuer, client) = (&self.config.issuer, &self.config.client_id);
            jose::check_id_token(&claims, issuer, client, Some(&pending.nonce), now)?;
            subject = subject_of(&claims);
            evidence = Some(jose::evidence(&claims, issuer, id_token.expose()));
        } else if pending.login_only {
            return Err(BankErrorClass::Nonsense("the server gave no id token, so nobody has signed in"));
        }
        let mut bank_consent = token.bank_consent.clone();
        if subject.is_none() || bank_consent.is_none() {
            // A JWT access token (RFC 9068, FDX's JWT profile) may say both. It is opaque to a client by right, so
            // whatever is wrong with it only means that it says nothing.
            if let Some(claims) = self.access_claims(&metadata, token.access.expose(), now).await {
                subject = subject.or_else(|| subject_of(&claims));
                bank_consent =
                    bank_consent.or_else(|| oauth::consent_id(jose::text(&claims, "fdxConsentId")?));
            }
        }
        Ok(Granted { tokens: self.tokens(token, None), subject, bank_consent, evidence })
    }

    async fn access_claims(&self, metadata: &Metadata, token: &str, now: Timestamp) -> Option<jose::Claims> {
        if token.split('.').count() != 3 {
            return None;
        }
        let claims = self.keys.verify(&self.http, metadata.jwks_uri.as_ref()?, token, now).await.ok()?;
        let ours = jose::text(&claims, "iss") == Some(&self.config.issuer) && jose::in_time(&claims, now);
        ours.then_some(claims)
    }

    /// What is kept of an answer; what it leaves out stays as it was.
    fn tokens(&self, token: TokenAnswer, old: Option<&Tokens>) -> Tokens {
        let keeps_id = self.config.profile.api.bearer == Bearer::IdToken;
        Tokens {
            access: token.access,
            refresh: token.refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
            id_token: token
                .id_token
                .filter(|_| keeps_id)
                .or_else(|| old.and_then(|old| old.id_token.clone())),
            expires_at: token.expires_at,
            scope: token.scope.or_else(|| old.and_then(|old| old.scope.clone())),
        }
    }

    async fn renew(&self, tokens: &Tokens) -> Result<Tokens, BankErrorClass> {
        let refresh = tokens.refresh.as_ref().ok_or(BankErrorClass::RelinkNeeded("no refresh token"))?;
        let metadata = self.metadata().await?;
        let mut form: Form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.expose().to_owned())];
        self.add_audience(&mut form);
        let answer = self.post_form(&metadata.token_endpoint, form).await?;
        let now = self.clock.now();
        let token = TokenAnswer::read(&answer, now).map_err(|class| match class {
            BankErrorClass::Declined(what) => BankErrorClass::RelinkNeeded(what),
            other => other,
        })?;
        if self.config.profile.api.bearer == Bearer::IdToken
            && let (Some(id_token), Some(jwks)) = (&token.id_token, &metadata.jwks_uri)
        {
            let claims = self.keys.verify(&self.http, jwks, id_token.expose(), now).await?;
            jose::check_id_token(&claims, &self.config.issuer, &self.config.client_id, None, now)?;
        }
        Ok(self.tokens(token, Some(tokens)))
    }

    /// RFC 7009 for one token. What is not known (any more) is revoked.
    async fn revoke_token(&self, endpoint: &Url, token: &str, hint: &str) -> Result<(), BankErrorClass> {
        let form: Form = vec![("token", token.to_owned()), ("token_type_hint", hint.to_owned())];
        let answer = self.post_form(endpoint, form).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        match oauth::class_of(&answer, self.clock.now()) {
            BankErrorClass::RelinkNeeded(_) | BankErrorClass::OurRequest("unsupported_token_type") => Ok(()),
            other => Err(other),
        }
    }

    async fn take_back(&self, tokens: &Tokens, bank_consent: Option<&str>) -> Result<(), Failure> {
        let mut failed: Option<Failure> = None;
        let mut told = false;
        let mut latest = tokens.clone();
        if self.config.profile.api.consent_api == ConsentApi::Fdx {
            for id in bank_consent.unwrap_or_default().split_whitespace() {
                let mut outcome = self.revoke_consent(&latest, id).await;
                if outcome.as_ref().is_err_and(Failure::ended) && latest.refresh.is_some() {
                    // The access token may merely be too old to say so.
                    match self.renew(&latest).await {
                        Ok(new) => {
                            latest = new;
                            outcome = self.revoke_consent(&latest, id).await;
                        }
                        Err(BankErrorClass::RelinkNeeded(_)) => {}
                        Err(e) => outcome = Err(e.into()),
                    }
                }
                match outcome {
                    Ok(done) => told |= done,
                    // Neither token is taken any more: the grant is gone.
                    Err(f) if f.ended() => told = true,
                    Err(f) => failed = failed.or(Some(f)),
                }
            }
        }
        let metadata = self.metadata().await.map_err(|class| failed.take().unwrap_or(class.into()))?;
        if let Some(endpoint) = &metadata.revocation_endpoint {
            told = true;
            if let Some(refresh) = &latest.refresh
                && let Err(class) = self.revoke_token(endpoint, refresh.expose(), "refresh_token").await
            {
                failed = failed.or(Some(class.into()));
            }
            if let Err(class) = self.revoke_token(endpoint, latest.access.expose(), "access_token").await {
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

/// PKCE S256 (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
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

/// Whether the callback is the request's: our `state`, and the issuer that we asked (RFC 9207), before anything else of
/// it is looked at.
fn check_callback(
    pending: &Pending,
    callback: &Callback,
    metadata: &Metadata,
    iss_required: bool,
) -> Result<(), BankErrorClass> {
    let state = callback.state.as_deref().ok_or(BankErrorClass::BadCallback("it has no `state`"))?;
    // Hashes are compared, so that the time says nothing about the state.
    if token_hash(state) != token_hash(&pending.state) {
        return Err(BankErrorClass::BadCallback("its `state` is not the request's"));
    }
    if pending.issuer != metadata.issuer {
        return Err(BankErrorClass::BadCallback("the request was made to another issuer"));
    }
    match callback.iss.as_deref() {
        Some(iss) if iss != pending.issuer => {
            Err(BankErrorClass::BadCallback("its `iss` is not the issuer that was asked"))
        }
        None if iss_required || metadata.authorization_response_iss_parameter_supported => {
            Err(BankErrorClass::BadCallback("it has no `iss`, which the issuer always sends"))
        }
        _ => Ok(()),
    }
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
            .read_accounts(tokens, subject.customer, actor)
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
            .read_transactions(tokens, account, (from, to), subject.customer, actor)
            .await
            .map_err(|failure| self.error(failure))?;
        Ok(Protected::new(subject.clone(), page))
    }

    async fn grant(
        &self,
        tokens: &Tokens,
        subject: &Subject,
        bank_consent: Option<&str>,
    ) -> Result<GrantState, BankError> {
        let ids = bank_consent.unwrap_or_default();
        if self.config.profile.api.consent_api == ConsentApi::None || ids.trim().is_empty() {
            return Ok(GrantState::default());
        }
        let mut found = GrantState::default();
        // Several ids are several grants behind one token: it lives as long as one of them.
        for id in ids.split_whitespace() {
            let state = self
                .read_consent(tokens, id, subject.customer)
                .await
                .map_err(|failure| self.error(failure))?;
            if state.status == GrantStatus::Active {
                return Ok(state);
            }
            found = state;
        }
        Ok(found)
    }

    async fn revoke(&self, tokens: &Tokens, bank_consent: Option<&str>) -> Result<(), BankError> {
        self.take_back(tokens, bank_consent).await.map_err(|failure| self.error(failure))
    }

    async fn check(&self) -> Result<CheckReport, CheckError> {
        self.examine().await
    }
}
