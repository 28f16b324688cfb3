//! An OAuth 2.0 client as strict as its server can be (FAPI 2.0), each strictness a switch of the provider profile. It
//! knows no data standard: scopes, `authorization_details` and the names of a grant's id are given to it.

pub(crate) mod answer;
pub(crate) mod client_auth;
pub(crate) mod discovery;
mod dpop;
pub(crate) mod jose;
mod own;

pub use dpop::DpopKey;
pub(crate) use dpop::challenged;

use crate::bank::Callback;
use crate::config::SigningKey;
use crate::error::BankErrorClass;
use crate::http::{Answer, Http};
use crate::limits;
use crate::profile::{OAuth, Par, Pkce, Sender};
use crate::tokens::{Doubt, Pending};
use amana_core::ids::token_hash;
use amana_core::{Clock, Entropy, Lang, Secret};
use answer::TokenAnswer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_auth::{Authenticator, Form, Signer};
use discovery::{Discovery, Metadata};
use dpop::{Nonces, Server};
use jose::Keys;
use reqwest::{Method, RequestBuilder};
use std::sync::Arc;
use url::Url;

/// The scope that asks who it is.
pub(crate) const OPENID: &str = "openid";

/// What is asked of the authorization server.
pub(crate) struct Ask<'a> {
    pub(crate) redirect_uri: &'a Url,
    pub(crate) scopes: Vec<String>,
    /// RFC 9396, as JSON.
    pub(crate) details: Option<String>,
    pub(crate) lang: Lang,
    pub(crate) login_only: bool,
}

/// A code's worth.
pub(crate) struct Redeemed {
    pub(crate) token: TokenAnswer,
    /// The key to which the token is bound.
    pub(crate) key: Option<DpopKey>,
    /// The verified ID token, if there is one.
    pub(crate) claims: Option<jose::Claims>,
}

/// What a client is made of.
pub(crate) struct Parts {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) switches: OAuth,
    pub(crate) sender: Sender,
    pub(crate) authenticator: Authenticator,
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// The client of one authorization server.
pub(crate) struct Client {
    issuer: String,
    client_id: String,
    switches: OAuth,
    sender: Sender,
    authenticator: Authenticator,
    signer: Option<Signer>,
    http: Http,
    discovery: Discovery,
    keys: Keys,
    /// The same keys, read apart for who notifies us: anybody may knock there, and no sign-in waits behind them.
    publisher_keys: Keys,
    nonces: Nonces,
    /// The client's own tokens.
    own: tokio::sync::Mutex<own::OwnTokens>,
    shown: own::Shown,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Client {
    /// The client, if what it has is enough for what the profile asks.
    pub(crate) fn new(parts: Parts) -> Result<Self, &'static str> {
        let Parts { issuer, client_id, switches, sender, authenticator, signing_key, http, clock, entropy } =
            parts;
        if client_id.is_empty() {
            return Err("`client_id` is empty: give the id that the bank has registered");
        }
        let signer = signing_key.as_ref().map(Signer::new).transpose()?;
        if !switches.client_auth.contains(&authenticator.method()) {
            return Err("the profile does not take this way of client authentication: \
                 give another of `client_secret`, `private_key_file` and `certificate_file`");
        }
        if !switches.senders.contains(&sender) {
            return Err("the profile does not have this `sender`");
        }
        if matches!(authenticator, Authenticator::Jwt) && signer.is_none() {
            return Err("`private_key_jwt` needs a `private_key_file`");
        }
        if switches.signed_requests && signer.is_none() {
            return Err("the profile's requests are signed: give a `private_key_file`");
        }
        if (matches!(authenticator, Authenticator::Tls) || sender == Sender::Mtls) && !http.has_certificate()
        {
            return Err(
                "the client is known by its certificate: give `certificate_file` and `certificate_key_file`",
            );
        }
        Ok(Self {
            issuer,
            client_id,
            switches,
            sender,
            authenticator,
            signer,
            http,
            discovery: Discovery::default(),
            keys: Keys::default(),
            publisher_keys: Keys::default(),
            nonces: Nonces::default(),
            own: tokio::sync::Mutex::default(),
            shown: own::Shown::default(),
            clock,
            entropy,
        })
    }

    /// How it proves itself.
    pub(crate) fn method(&self) -> crate::profile::ClientAuthMethod {
        self.authenticator.method()
    }

    /// What its tokens are bound to.
    pub(crate) fn sender(&self) -> Sender {
        self.sender
    }

    /// The server's metadata.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, BankErrorClass> {
        self.discovery.get(&self.http, &self.issuer, &self.switches, self.clock.now()).await
    }

    /// Forgets the server's metadata.
    pub(crate) async fn forget_metadata(&self) {
        self.discovery.forget().await;
    }

    fn random_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.entropy.array::<32>())
    }

    /// A form to the authorization server, with the client's proof and, with `key`, the proof of possession; once more
    /// if the server asks for a nonce.
    pub(crate) async fn post_form(
        &self,
        url: &Url,
        form: &Form,
        key: Option<&DpopKey>,
    ) -> Result<Answer, BankErrorClass> {
        self.post_with(url, form, &[], key).await
    }

    async fn post_with(
        &self,
        url: &Url,
        form: &Form,
        extra: &[(String, String)],
        key: Option<&DpopKey>,
    ) -> Result<Answer, BankErrorClass> {
        let answer = self.post_once(url, form, extra, key).await?;
        let again = self.nonces.take(Server::Authorization, url, &answer) && key.is_some();
        if !again {
            return Ok(answer);
        }
        // The nonce is checked before anything is used up (RFC 9449 §8), so the code is still good.
        let answer = self.post_once(url, form, extra, key).await?;
        self.nonces.take(Server::Authorization, url, &answer);
        Ok(answer)
    }

    /// One try, with an assertion and a proof of its own: neither is taken twice.
    async fn post_once(
        &self,
        url: &Url,
        form: &Form,
        extra: &[(String, String)],
        key: Option<&DpopKey>,
    ) -> Result<Answer, BankErrorClass> {
        let now = self.clock.now();
        let mut form = form.clone();
        let (client, issuer, signer) = (&self.client_id, &self.issuer, self.signer.as_ref());
        let header =
            self.authenticator.prove(client, issuer, signer, &mut form, now, self.entropy.as_ref())?;
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(k, v)| (*k, v.as_str()))
            .chain(extra.iter().map(|(k, v)| (k.as_str(), v.as_str())))
            .collect();
        let mut request = self.http.post(url.clone()).header(reqwest::header::ACCEPT, "application/json");
        if let Some(header) = header {
            request = request.header(reqwest::header::AUTHORIZATION, header);
        }
        if let Some(key) = key {
            let nonce = self.nonces.get(Server::Authorization, url);
            let proof = key.proof(("POST", url), None, nonce.as_deref(), now, self.entropy.as_ref());
            request = request.header(dpop::PROOF, proof);
        }
        self.http.send(request.form(&form)).await
    }

    /// A request with a token: as bearer, or with the proof of its key; once more if the server asks for a nonce.
    pub(crate) async fn call(
        &self,
        (method, url): (Method, &Url),
        token: &Secret,
        key: Option<&DpopKey>,
        dress: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, BankErrorClass> {
        let request = || {
            let request = dress(self.http.request(method.clone(), url.clone()));
            let Some(key) = key else { return request.bearer_auth(token.expose()) };
            let nonce = self.nonces.get(Server::Resource, url);
            let (now, entropy) = (self.clock.now(), self.entropy.as_ref());
            let proof = key.proof((method.as_str(), url), Some(token), nonce.as_deref(), now, entropy);
            request
                .header(reqwest::header::AUTHORIZATION, format!("DPoP {}", token.expose()))
                .header(dpop::PROOF, proof)
        };
        let answer = self.http.send(request()).await?;
        if !(self.nonces.take(Server::Resource, url, &answer) && key.is_some()) {
            return Ok(answer);
        }
        let answer = self.http.send(request()).await?;
        self.nonces.take(Server::Resource, url, &answer);
        Ok(answer)
    }

    /// The parameters of the authorization request, in the order of the standards.
    fn authorize_params(&self, ask: &Ask<'_>, pending: &Pending, key: Option<&DpopKey>) -> Form {
        let mut form: Form = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.clone()),
            ("redirect_uri", pending.redirect_uri.clone()),
            ("scope", ask.scopes.join(" ")),
            ("state", pending.state.clone()),
        ];
        if self.switches.pkce == Pkce::S256 {
            form.push(("code_challenge", challenge(&pending.verifier)));
            form.push(("code_challenge_method", "S256".to_owned()));
        }
        if ask.scopes.iter().any(|scope| scope == OPENID) {
            form.push(("nonce", pending.nonce.clone()));
        }
        let locales = match ask.lang {
            Lang::English => "en",
            Lang::Arabic => "ar en",
        };
        form.push(("ui_locales", locales.to_owned()));
        if let Some(details) = &ask.details {
            form.push(("authorization_details", details.clone()));
        }
        if let Some(key) = key {
            // RFC 9449 §10: the code is of use to the holder of this key alone.
            form.push(("dpop_jkt", key.thumbprint()));
        }
        self.add_audience(&mut form);
        form
    }

    fn add_audience(&self, form: &mut Form) {
        if let Some(resource) = &self.switches.resource {
            form.push(("resource", resource.clone()));
        }
        if let Some(audience) = &self.switches.audience {
            form.push(("audience", audience.clone()));
        }
    }

    /// Whether the server can do what the profile asks of it, as far as its metadata say.
    fn suits(&self, metadata: &Metadata) -> Result<(), BankErrorClass> {
        let lacks = |listed: &Option<Vec<String>>, wanted: &str| {
            listed.as_ref().is_some_and(|all| !all.iter().any(|one| one == wanted))
        };
        if self.sender == Sender::Dpop && lacks(&metadata.dpop_signing_alg_values_supported, dpop::ALGORITHM)
        {
            return Err(BankErrorClass::Nonsense("the server's metadata do not offer dpop with ES256"));
        }
        if self.switches.signed_requests
            && let Some(signer) = &self.signer
            && lacks(&metadata.request_object_signing_alg_values_supported, signer.algorithm())
        {
            return Err(BankErrorClass::Nonsense(
                "the server's metadata do not offer requests signed with our key's algorithm",
            ));
        }
        Ok(())
    }

    /// Begins an authorization: where to send the browser, and what to keep meanwhile.
    pub(crate) async fn start(&self, ask: &Ask<'_>) -> Result<(Url, Pending), BankErrorClass> {
        let metadata = self.metadata().await?;
        self.suits(&metadata)?;
        let key = match self.sender {
            Sender::Dpop => Some(DpopKey::fresh(self.entropy.as_ref())?),
            Sender::None | Sender::Mtls => None,
        };
        let pending = Pending {
            state: self.random_text(),
            verifier: self.random_text(),
            nonce: self.random_text(),
            redirect_uri: ask.redirect_uri.to_string(),
            issuer: self.issuer.clone(),
            login_only: ask.login_only,
            dpop: key.as_ref().map(|key| key.to_text().expose().to_owned()),
        };
        let mut params = self.authorize_params(ask, &pending, key.as_ref());
        // The profile's own parameters are about consent to data (`prompt`); signing in needs none of them.
        let extra = self.switches.authorize_params.iter().filter(|_| !ask.login_only);
        let mut extra: Vec<(String, String)> = extra.map(|(k, v)| (k.clone(), v.clone())).collect();
        if self.switches.signed_requests {
            let signer = self.signer.as_ref().ok_or(BankErrorClass::OurRequest("there is no private key"))?;
            let all = params
                .iter()
                .map(|(k, v)| (*k, v.as_str()))
                .chain(extra.iter().map(|(k, v)| (k.as_str(), v.as_str())));
            let (now, entropy) = (self.clock.now(), self.entropy.as_ref());
            let object = signer.request_object(&self.client_id, &self.issuer, all, now, entropy)?;
            // RFC 9101 §5: beside the object there is nothing that it does not hold.
            params = vec![("client_id", self.client_id.clone()), ("request", object)];
            extra.clear();
        }
        let mut url = metadata.authorization_endpoint.clone();
        let pushed_to = match (self.switches.par, &metadata.pushed_authorization_request_endpoint) {
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
            let request_uri = self.push(endpoint, &params, &extra).await?;
            url.query_pairs_mut()
                .append_pair("client_id", &self.client_id)
                .append_pair("request_uri", &request_uri);
        } else {
            url.query_pairs_mut().extend_pairs(&params).extend_pairs(&extra);
        }
        Ok((url, pending))
    }

    /// Pushes the request (RFC 9126) and gives the `request_uri`.
    async fn push(
        &self,
        endpoint: &Url,
        params: &Form,
        extra: &[(String, String)],
    ) -> Result<String, BankErrorClass> {
        let answer = self.post_with(endpoint, params, extra, None).await?;
        if !answer.status.is_success() {
            return Err(match answer::class_of(&answer, self.clock.now()) {
                // Before the customer was asked anything, nothing can have been refused in the customer's name.
                BankErrorClass::RelinkNeeded(what) | BankErrorClass::Declined(what) => {
                    BankErrorClass::OurRequest(what)
                }
                other => other,
            });
        }
        answer::request_uri(&answer)
    }

    fn read_token(&self, answer: &Answer, key: Option<&DpopKey>) -> Result<TokenAnswer, BankErrorClass> {
        TokenAnswer::read(answer, key.is_some(), &self.switches.grant_ids, self.clock.now())
    }

    /// Ends an authorization: checks the callback, redeems the code, verifies the ID token.
    pub(crate) async fn redeem(
        &self,
        pending: &Pending,
        callback: &Callback,
    ) -> Result<Redeemed, BankErrorClass> {
        let metadata = self.metadata().await?;
        check_callback(pending, callback, &metadata, self.switches.iss_required)?;
        if let Some(error) = &callback.error {
            return Err(match answer::class_of_code(error) {
                BankErrorClass::RelinkNeeded(what) => BankErrorClass::Declined(what),
                other => other,
            });
        }
        let code = callback
            .code
            .as_ref()
            .filter(|code| !code.expose().is_empty() && code.expose().len() <= limits::TOKEN_BYTES_MAX)
            .ok_or(BankErrorClass::BadCallback("it has neither `code` nor `error`"))?;
        let key = match &pending.dpop {
            Some(text) => Some(
                DpopKey::from_text(text)
                    .ok_or(BankErrorClass::OurRequest("the stored key of the request cannot be read"))?,
            ),
            None => None,
        };
        let mut form: Form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.expose().to_owned()),
            ("redirect_uri", pending.redirect_uri.clone()),
        ];
        if self.switches.pkce == Pkce::S256 {
            form.push(("code_verifier", pending.verifier.clone()));
        }
        self.add_audience(&mut form);
        let answer = self.post_form(&metadata.token_endpoint, &form, key.as_ref()).await?;
        let token = self.read_token(&answer, key.as_ref())?;
        let mut claims = None;
        if let Some(id_token) = &token.id_token {
            claims = Some(self.id_claims(&metadata, id_token, Some(&pending.nonce)).await?);
        } else if pending.login_only {
            return Err(BankErrorClass::Nonsense("the server gave no id token, so nobody has signed in"));
        } else if self.switches.pkce == Pkce::None {
            return Err(BankErrorClass::Nonsense(
                "the server gave no id token, and without pkce nothing else says that the code is this request's",
            ));
        }
        Ok(Redeemed { token, key, claims })
    }

    /// The claims of an ID token that is good. `nonce` is `None` for one that came by a refresh.
    async fn id_claims(
        &self,
        metadata: &Metadata,
        id_token: &Secret,
        nonce: Option<&str>,
    ) -> Result<jose::Claims, BankErrorClass> {
        let jwks = metadata
            .jwks_uri
            .as_ref()
            .ok_or(BankErrorClass::Nonsense("the server's metadata have no `jwks_uri` for its id tokens"))?;
        let now = self.clock.now();
        let with = (jwks, self.switches.token_algorithms.as_slice());
        let claims = self.keys.verify(&self.http, with, id_token.expose(), now).await?;
        jose::check_id_token(&claims, &self.issuer, &self.client_id, nonce, now)?;
        Ok(claims)
    }

    /// The claims of an access token that is a JWT of this server. It is opaque to a client by right, so whatever is
    /// wrong with it only means that it says nothing.
    pub(crate) async fn access_claims(&self, token: &Secret) -> Option<jose::Claims> {
        if token.expose().split('.').count() != 3 {
            return None;
        }
        let metadata = self.metadata().await.ok()?;
        let now = self.clock.now();
        let with = (metadata.jwks_uri.as_ref()?, self.switches.token_algorithms.as_slice());
        let claims = self.keys.verify(&self.http, with, token.expose(), now).await.ok()?;
        let ours = jose::text(&claims, "iss") == Some(&self.issuer) && jose::in_time(&claims, now);
        ours.then_some(claims)
    }

    /// New tokens, bound to the same key as the old ones (or to a new one where the profile has begun to want it: a
    /// confidential client's refresh token is bound to the client and not to a key, RFC 9449 §5). An ID token among
    /// them must be as good as the first one and of the same person (OpenID Connect Core 1.0 §12.2): `first` is the
    /// hash of that one's `sub`. Where there was none, it is looked at only if `uses_id_token`. What is wrong with it
    /// is no error here: the answer's refresh token must not be lost with it.
    pub(crate) async fn refresh(
        &self,
        refresh: &Secret,
        key: Option<DpopKey>,
        (first, uses_id_token): (Option<&str>, bool),
    ) -> Result<(TokenAnswer, Option<DpopKey>, Doubt), BankErrorClass> {
        let metadata = self.metadata().await?;
        let key = match key {
            None if self.sender == Sender::Dpop => Some(DpopKey::fresh(self.entropy.as_ref())?),
            other => other,
        };
        let mut form: Form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.expose().to_owned())];
        self.add_audience(&mut form);
        let answer = self.post_form(&metadata.token_endpoint, &form, key.as_ref()).await?;
        let token = self.read_token(&answer, key.as_ref()).map_err(|class| match class {
            BankErrorClass::Declined(what) => BankErrorClass::RelinkNeeded(what),
            other => other,
        })?;
        if let Some(id_token) = token.id_token.as_ref().filter(|_| uses_id_token || first.is_some()) {
            match self.id_claims(&metadata, id_token, None).await {
                Ok(claims) => {
                    let sub = jose::text(&claims, "sub").map(|sub| amana_core::event_hash(sub.as_bytes()));
                    match (first, sub.as_deref()) {
                        (Some(first), Some(sub)) if sub != first => {
                            tracing::error!("a bank answered a refresh with another person's id token");
                            return Ok((token, key, Doubt::NotTheirs));
                        }
                        (Some(_), None) => return Ok((token, key, Doubt::Unproved)),
                        _ => {}
                    }
                }
                // Perhaps its keys cannot be read now or were just changed, or a clock is wrong: that ends nothing. But
                // nobody knows whose the tokens are.
                Err(class) => {
                    tracing::warn!(%class, "the id token of a refresh is not good, and what came with it not used");
                    return Ok((token, key, Doubt::Unproved));
                }
            }
        }
        Ok((token, key, Doubt::None))
    }

    /// RFC 7009 for one token. What is not known (any more) is revoked.
    pub(crate) async fn revoke(
        &self,
        endpoint: &Url,
        token: &Secret,
        hint: &str,
    ) -> Result<(), BankErrorClass> {
        let form: Form = vec![("token", token.expose().to_owned()), ("token_type_hint", hint.to_owned())];
        let answer = self.post_form(endpoint, &form, None).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        match answer::class_of(&answer, self.clock.now()) {
            BankErrorClass::RelinkNeeded(_) | BankErrorClass::OurRequest("unsupported_token_type") => Ok(()),
            other => Err(other),
        }
    }

    /// What the server's metadata say against the client as it is configured, in a few words each.
    pub(crate) fn doubts(&self, metadata: &Metadata) -> Option<String> {
        match self.suits(metadata) {
            Err(class) => Some(class.to_string()),
            Ok(()) if self.sender == Sender::Mtls && !metadata.tls_client_certificate_bound_access_tokens => {
                Some("the server's metadata do not say that it binds tokens to certificates".to_owned())
            }
            Ok(()) => None,
        }
    }
}

/// PKCE S256 (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
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
