//! The modules that the suite has for either way of binding tokens, once more with mutual TLS (RFC 8705 §3): the client
//! proves itself by an assertion, or by the same certificate. `docs/fapi.md` names each beside its module.

use std::time::Duration;

use amana_sandbox_bank::MutualTls;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::util::BANK;

macro_rules! tls {
    ($name:literal) => {
        include_str!(concat!("../../../../amana-bank/tests/it/keys/tls/", $name))
    };
}

/// How this client proves itself.
const ASSERTED: &str = "first";
const BY_CERTIFICATE: &str = "second";

/// A FAPI 2.0 bank that speaks mutual TLS, too, with two clients whose tokens are bound to their certificate.
struct Bank {
    running: Running,
    /// Where certificates are shown.
    tls: String,
    _stop: DropGuard,
}

async fn bank() -> Bank {
    let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", secure.local_addr().unwrap());
    let running = start_with(|config| {
        config.security = Security::Blue;
        config.mutual_tls = Some(MutualTls {
            base_url: base.clone(),
            certificate_pem: tls!("server.pem").into(),
            key_pem: tls!("server.key.pem").into(),
            client_authorities_pem: tls!("ca.pem").into(),
        });
        let keys = serde_json::from_value(json!({ "keys": [jwk(&key(11), "k1")] })).unwrap();
        let client = |id: &str, redirect_uri: &str, auth| ClientRegistration {
            client_id: id.to_owned(),
            name: "Amana".to_owned(),
            name_ar: "أمانة".to_owned(),
            auth,
            redirect_uris: vec![redirect_uri.to_owned()],
            sender: SenderConstraint::Mtls,
            signed_requests: false,
        };
        config.clients = vec![
            client(ASSERTED, CALLBACK, ClientAuth::PrivateKeyJwt(keys)),
            client(BY_CERTIFICATE, CALLBACK, ClientAuth::Tls("amana.example".to_owned())),
        ];
    })
    .await;
    let stop = CancellationToken::new();
    let (second, until) = (running.bank.clone(), stop.clone());
    tokio::spawn(async move { second.run_mutual_tls(secure, until).await });
    Bank { running, tls: format!("{base}/{BANK}"), _stop: stop.drop_guard() }
}

/// Whoever calls: with this certificate, or with none.
fn caller(certificate: Option<(&str, &str)>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = reqwest::Certificate::from_pem(tls!("ca.pem").as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder()
        .tls_certs_only([authority])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy();
    if let Some((chain, key)) = certificate {
        builder =
            builder.identity(reqwest::Identity::from_pem(format!("{chain}\n{key}").as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

fn own() -> reqwest::Client {
    caller(Some((tls!("client.pem"), tls!("client.key.pem"))))
}

/// A certificate of the same authority that is another's.
fn strangers() -> reqwest::Client {
    caller(Some((tls!("stranger.pem"), tls!("stranger.key.pem"))))
}

impl Bank {
    fn client(&self, id: &'static str) -> Client<'_> {
        Client { bank: &self.running, id, own: key(11), dpop: key(21), redirect_uri: CALLBACK }
    }

    /// Posts as this client where certificates are shown.
    async fn post(&self, http: &reqwest::Client, id: &'static str, path: &str, form: Form) -> Answer {
        let mut body = form;
        match id {
            ASSERTED => body.extend(self.client(id).authenticated()),
            _ => drop(body.insert("client_id", id.to_owned())),
        }
        let response = http.post(format!("{}{path}", self.tls)).form(&body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: json_of(response).await }
    }

    async fn code(&self, id: &'static str) -> String {
        let client = self.client(id);
        let pushed = self.post(&own(), id, "/par", client.request()).await.ok();
        client.allow(&client.opening(&pushed)).await["code"].clone()
    }

    async fn tokens(&self, id: &'static str) -> Value {
        let form = self.client(id).exchange(&self.code(id).await);
        self.post(&own(), id, "/token", form).await.ok()
    }

    async fn read(&self, http: &reqwest::Client, tokens: &Value) -> StatusCode {
        let request = http.get(format!("{}/fdx/v6/accounts", self.tls));
        let request = request.bearer_auth(tokens["access_token"].as_str().unwrap());
        let interaction = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
        request.header("x-fapi-interaction-id", interaction).send().await.unwrap().status()
    }
}

#[tokio::test]
async fn happy_flow_with_mutual_tls() {
    let bank = bank().await;
    for id in [ASSERTED, BY_CERTIFICATE] {
        let tokens = bank.tokens(id).await;
        assert_eq!(tokens["token_type"], "Bearer", "{id}");
        assert_eq!(id_claims(&tokens)["aud"], id);
        assert_eq!(bank.read(&own(), &tokens).await, StatusCode::OK, "{id}");
        // Whoever has the token alone has nothing: with another certificate, with none, and where none can be shown.
        for thief in [strangers(), caller(None)] {
            assert_eq!(bank.read(&thief, &tokens).await, StatusCode::UNAUTHORIZED, "{id}");
        }
        let access = tokens["access_token"].as_str().unwrap();
        let plain = bank.running.get(access, &bank.running.fdx("/accounts")).await;
        assert_eq!(plain.status(), StatusCode::UNAUTHORIZED, "{id}");
    }
}

#[tokio::test]
async fn ensure_holder_of_key_required_with_mutual_tls() {
    let bank = bank().await;
    for (id, status, error) in [
        (ASSERTED, StatusCode::BAD_REQUEST, "invalid_request"),
        (BY_CERTIFICATE, StatusCode::UNAUTHORIZED, "invalid_client"),
    ] {
        let code = bank.code(id).await;
        let form = || bank.client(id).exchange(&code);
        let refused = bank.post(&caller(None), id, "/token", form()).await;
        assert_eq!((refused.status, refused.error()), (status, error), "{id}: {}", refused.body);
        // A proof of possession of another kind is none.
        if id == ASSERTED {
            let refused = bank.client(id).send("/token", form()).await;
            assert_eq!((refused.status, refused.error()), (status, error), "{}", refused.body);
        }
        // Nor has the attempt spoiled the code for its owner.
        let tokens = bank.post(&own(), id, "/token", form()).await.ok();
        assert_eq!(bank.read(&own(), &tokens).await, StatusCode::OK, "{id}");
    }
    // A certificate that proves somebody else proves nothing for this client.
    let form = bank.client(BY_CERTIFICATE).exchange(&bank.code(BY_CERTIFICATE).await);
    let refused = bank.post(&strangers(), BY_CERTIFICATE, "/token", form).await;
    assert_eq!((refused.status, refused.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn refresh_token_with_mutual_tls() {
    let bank = bank().await;
    for id in [ASSERTED, BY_CERTIFICATE] {
        let tokens = bank.tokens(id).await;
        for _ in 0..2 {
            let again = bank.post(&own(), id, "/token", Client::refresh(&tokens)).await.ok();
            assert!(again.get("refresh_token").is_none(), "FAPI 2.0 forbids rotation");
            assert_eq!(bank.read(&own(), &again).await, StatusCode::OK, "{id}");
            assert_eq!(bank.read(&strangers(), &again).await, StatusCode::UNAUTHORIZED, "{id}");
        }
        let unproved = bank.post(&caller(None), id, "/token", Client::refresh(&tokens)).await;
        assert!(!unproved.status.is_success(), "{id}: {}", unproved.body);
        let other = if id == ASSERTED { BY_CERTIFICATE } else { ASSERTED };
        let foreign = bank.post(&own(), other, "/token", Client::refresh(&tokens)).await;
        assert_eq!(foreign.error(), "invalid_grant", "{id}: {}", foreign.body);
    }
}
