//! Tokens that are bound to a key, and requests that are signed: against servers that say what they should not.

use crate::fake::*;
use amana_bank::profile::{Par, Profile, Sender};
use amana_bank::{
    Actor, Bank, BankErrorClass as Class, ConfigError, FdxBank, HttpClientOptions, InstitutionConfig, Tokens,
};
use amana_core::{Clock, Entropy, ManualClock, SeededEntropy};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::sync::Arc;

fn bound(profile: &mut Profile) {
    profile.oauth.senders = vec![Sender::Dpop];
}

fn says_dpop() -> Knobs {
    Knobs { token_extra: json!({"token_type": "DPoP"}), ..Knobs::default() }
}

/// The claims of a proof whose signature is that of its own key, and the key's thumbprint.
fn proof(text: &str) -> (Value, String) {
    let header = jsonwebtoken::decode_header(text).unwrap();
    assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
    let jwk = header.jwk.unwrap();
    let claims = signed(text, &jwk, Algorithm::ES256);
    (claims, jwk.thumbprint(ThumbprintHash::SHA256).unwrap())
}

fn signed(text: &str, jwk: &Jwk, algorithm: Algorithm) -> Value {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(text, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims
}

fn empty(_: &Seen) -> Say {
    say(200, json!({"accounts": []}))
}

#[tokio::test]
async fn each_connection_has_a_key_and_keeps_it_through_storage_and_refresh() {
    let b = bench_with(says_dpop(), bound, empty).await;
    let first = b.link().await.tokens;
    let second = b.link().await.tokens;
    assert!(first.dpop.is_some() && first.dpop != second.dpop, "a key of its own");
    let stored = Tokens::from_bytes(&first.to_bytes()).unwrap();
    assert_eq!(stored, first);
    assert!(!format!("{first:?}").contains(std::str::from_utf8(&first.to_bytes()).unwrap()));
    b.bank.accounts(&stored, &subject(), Actor::User).await.unwrap();
    let renewed = b.bank.refresh(&stored).await.unwrap();
    assert_eq!(renewed.dpop, first.dpop);

    let proofs: Vec<(Value, String)> = b.fake.proofs_to("/token").iter().map(|text| proof(text)).collect();
    assert_eq!(proofs.len(), 3);
    let keys: Vec<String> = b.fake.forms_to("/par").iter().map(|form| form["dpop_jkt"].clone()).collect();
    // The code is bound to the key before there is a code, and the tokens to the same one.
    assert_eq!([&proofs[0].1, &proofs[1].1, &proofs[2].1], [&keys[0], &keys[1], &keys[0]]);
    assert_eq!(proofs[0].0["htm"], "POST");
    assert_eq!(proofs[0].0["htu"], format!("{}/token", b.fake.issuer));
    assert_eq!(proofs[0].0.get("ath"), None);

    let call = &b.fake.calls()[0];
    assert_eq!(call.headers["authorization"], format!("DPoP {}", first.access.expose()).as_str());
    let (claims, key) = proof(call.headers["dpop"].to_str().unwrap());
    assert_eq!(key, keys[0]);
    assert_eq!(claims["htu"], format!("{}/fdx/v6/accounts", b.fake.issuer), "without the query");
    let hash = ring::digest::digest(&ring::digest::SHA256, first.access.expose().as_bytes());
    assert_eq!(claims["ath"], URL_SAFE_NO_PAD.encode(hash));
}

#[tokio::test]
async fn a_token_that_is_not_bound_is_not_taken_and_metadata_without_our_algorithm_stop_it() {
    let b = bench_with(Knobs::default(), bound, empty).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let callback = b.fake.authorize(&begun.url).unwrap();
    let e = b.bank.complete(&begun.pending, &callback).await.unwrap_err();
    assert!(matches!(e.class, Class::Nonsense(what) if what.contains("bound")), "{e}");
    // And the other way round: nobody asked for a key.
    let b = bench(says_dpop(), empty).await;
    let begun = b.bank.begin(&ask()).await.unwrap();
    let callback = b.fake.authorize(&begun.url).unwrap();
    assert!(b.bank.complete(&begun.pending, &callback).await.is_err());

    let metadata_extra = json!({"dpop_signing_alg_values_supported": ["EdDSA"]});
    let b = bench_with(Knobs { metadata_extra, ..Knobs::default() }, bound, empty).await;
    let e = b.bank.begin(&ask()).await.unwrap_err();
    assert!(matches!(e.class, Class::Nonsense(what) if what.contains("dpop")), "{e}");
    assert!(b.fake.forms_to("/par").is_empty());
}

#[tokio::test]
async fn a_nonce_is_used_once_it_is_known_and_never_asked_for_in_a_circle() {
    let demand = |nonce: &str| {
        let mut said = say(401, r#"{"code":"603"}"#);
        said.headers.push(("www-authenticate", r#"DPoP error="use_dpop_nonce", algs="ES256""#.into()));
        said.headers.push(("dpop-nonce", nonce.into()));
        said
    };
    let nonce_of = |seen: &Seen| {
        let (claims, _) = proof(seen.headers["dpop"].to_str().unwrap());
        claims["nonce"].as_str().map(str::to_owned)
    };
    let b = bench_with(says_dpop(), bound, move |seen| match nonce_of(seen).as_deref() {
        Some("n-1") => {
            let mut said = empty(seen);
            said.headers.push(("dpop-nonce", "n-2".into()));
            said
        }
        Some("n-2") => empty(seen),
        _ => demand("n-1"),
    })
    .await;
    let tokens = b.link().await.tokens;
    for _ in 0..2 {
        b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
    }
    let nonces: Vec<_> = b.fake.calls().iter().map(nonce_of).collect();
    assert_eq!(nonces, [None, Some("n-1".to_owned()), Some("n-2".to_owned())]);

    let b = bench_with(says_dpop(), bound, move |_| demand("n")).await;
    let tokens = b.link().await.tokens;
    let e = b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap_err();
    assert!(matches!(e.class, Class::OurRequest(_)), "the customer cannot mend it: {e}");
    assert_eq!(b.fake.calls().len(), 2);

    // The same at the token endpoint, where each try has an assertion of its own.
    let elsewhere = bench(Knobs::default(), |_| {
        let mut said = say(400, r#"{"error":"use_dpop_nonce"}"#);
        said.headers.push(("dpop-nonce", "at-the-server".into()));
        said
    })
    .await;
    let token_endpoint = format!("{}/fdx/v6/token", elsewhere.fake.issuer);
    let metadata_extra = json!({ "token_endpoint": token_endpoint });
    let b =
        bench_with(Knobs { auth: "private_key_jwt", metadata_extra, ..Knobs::default() }, bound, empty).await;
    let e = b.bank.refresh(&b.tokens()).await.unwrap_err();
    assert!(matches!(e.class, Class::OurRequest(_)), "{e}");
    let tries = elsewhere.fake.calls();
    assert_eq!(tries.iter().map(nonce_of).collect::<Vec<_>>(), [None, Some("at-the-server".to_owned())]);
    let assertion = |seen: &Seen| pairs(&seen.body)["client_assertion"].clone();
    assert_ne!(assertion(&tries[0]), assertion(&tries[1]));
}

#[tokio::test]
async fn tokens_of_before_are_used_as_they_are_and_bound_with_the_next_refresh() {
    let b = bench_with(says_dpop(), bound, empty).await;
    let linked = b.link().await.tokens;
    let old = Tokens { dpop: None, ..linked };
    b.bank.accounts(&old, &subject(), Actor::User).await.unwrap();
    assert!(b.fake.calls()[0].headers["authorization"].to_str().unwrap().starts_with("Bearer "));
    assert!(b.bank.refresh(&old).await.unwrap().dpop.is_some());
}

#[tokio::test]
async fn a_refused_proof_does_not_ask_the_customer_to_link_again() {
    let b = bench_with(says_dpop(), bound, |_| {
        let mut said = say(401, "");
        said.headers.push(("www-authenticate", r#"DPoP error="invalid_dpop_proof""#.into()));
        said
    })
    .await;
    let tokens = b.link().await.tokens;
    let e = b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap_err();
    assert!(matches!(e.class, Class::OurRequest(what) if what.contains("clock")), "{e}");
}

#[tokio::test]
async fn a_signed_request_holds_everything_pushed_or_not() {
    for (par, algorithm, auth) in [
        (Par::Required, Algorithm::ES256, "private_key_jwt"),
        (Par::None, Algorithm::PS256, "private_key_jwt_rsa"),
    ] {
        let change = move |profile: &mut Profile| {
            profile.oauth.par = par;
            profile.oauth.signed_requests = true;
            bound(profile);
        };
        let b = bench_with(Knobs { auth, ..says_dpop() }, change, empty).await;
        let begun = b.bank.begin(&ask()).await.unwrap();
        let carrier = match par {
            Par::Required => b.fake.forms_to("/par")[0].clone(),
            _ => pairs(begun.url.query().unwrap()),
        };
        let ours = ["client_id", "request", "client_assertion", "client_assertion_type", "tenant"];
        assert!(carrier.keys().all(|name| ours.contains(&name.as_str())), "{:?}", carrier.keys());
        let object = &carrier["request"];
        let header = jsonwebtoken::decode_header(object).unwrap();
        assert_eq!((header.typ.as_deref(), header.alg), (Some("oauth-authz-req+jwt"), algorithm));
        let claims =
            signed(object, &Jwk::from_encoding_key(&signing_key(algorithm), algorithm).unwrap(), algorithm);
        let now = start().as_second();
        assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(CLIENT_ID), &json!(CLIENT_ID)));
        assert_eq!(claims["aud"], json!(b.fake.issuer));
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(now), &json!(now + 300)));
        assert_eq!(claims["state"], begun.pending.state());
        assert_eq!(claims["authorization_details"][0]["type"], "fdx_v1.0", "an array and not its text");
        assert_eq!(claims["prompt"], "consent");
        for name in ["code_challenge", "redirect_uri", "scope", "nonce", "dpop_jkt", "jti"] {
            assert!(claims[name].is_string(), "{name}");
        }
        assert!(claims.get("client_assertion").is_none() && claims.get("sub").is_none());
    }
}

#[test]
fn a_client_that_lacks_what_the_profile_wants_is_refused_at_the_start() {
    let make = |change: &dyn Fn(&mut InstitutionConfig)| {
        let mut config = config("https://bank.example", "https://bank.example/fdx/v6", "client_secret_basic");
        change(&mut config);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(start()));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        FdxBank::new(config, HttpClientOptions::default(), clock, entropy).map(|_| ()).map_err(|e| {
            assert!(matches!(e, ConfigError::ClientAuth { .. } | ConfigError::Http { .. }));
            e.to_string()
        })
    };
    let blue = Profile::built_in("x", "fdx-blue").unwrap();
    assert!(make(&|_| {}).is_ok());
    let without_key = |config: &mut InstitutionConfig| {
        config.client_auth = amana_bank::ClientAuth::PrivateKeyJwt;
    };
    assert!(make(&without_key).unwrap_err().contains("`private_key_file`"));
    let signed = |config: &mut InstitutionConfig| config.profile.oauth.signed_requests = true;
    assert!(make(&signed).unwrap_err().contains("`private_key_file`"));
    let other = |config: &mut InstitutionConfig| {
        config.profile = Profile::built_in("x", "fdx-green").unwrap();
        config.sender = Some(Sender::Dpop);
    };
    assert!(make(&other).unwrap_err().contains("`sender`"));
    let tls = |config: &mut InstitutionConfig| {
        config.profile = blue.clone();
        config.client_auth = amana_bank::ClientAuth::Tls;
    };
    assert!(make(&tls).unwrap_err().contains("`certificate_file`"));
    let bound = |config: &mut InstitutionConfig| {
        config.profile = blue.clone();
        config.client_auth = amana_bank::ClientAuth::PrivateKeyJwt;
        config.signing_key = Some(signing_pem("private_key_jwt"));
        config.sender = Some(Sender::Mtls);
    };
    assert!(make(&bound).unwrap_err().contains("`certificate_file`"));
    let pems = |chain: &'static str, key: &'static str| {
        let bound = &bound;
        make(&move |config: &mut InstitutionConfig| {
            bound(config);
            config.tls.certificate = Some(amana_bank::ClientCertificate {
                chain_pem: chain.into(),
                key_pem: amana_core::Secret::new(key),
            });
        })
    };
    assert!(pems(CLIENT_CERTIFICATE, CLIENT_KEY).is_ok());
    assert!(pems("", CLIENT_KEY).unwrap_err().contains("`certificate_file`"));
    assert!(pems(CLIENT_CERTIFICATE, "x").unwrap_err().contains("`certificate_key_file`"));
    assert!(pems(CLIENT_CERTIFICATE, P256).unwrap_err().contains("do not fit"));
    let authorities = |config: &mut InstitutionConfig| config.tls.authorities_pem = Some("none".into());
    assert!(make(&authorities).unwrap_err().contains("`ca_file`"));
}

#[test]
fn the_oauth_client_knows_no_data_standard() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/oauth");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_lowercase();
        for word in ["fdx", "cluster", "consents/", "openbanking", "crate::fdx", "crate::connector"] {
            assert!(!code.contains(word), "{} names `{word}`", path.display());
        }
        files += 1;
    }
    assert!(files >= 5, "{files}");
}
