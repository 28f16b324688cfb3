//! What every handler shares: configuration, clock, randomness, the banks behind one lock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use p256::ecdsa::SigningKey;
use ring::{digest, hmac};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::bank::Bank;
use crate::brand::{self, Brand};
use crate::config::{BankConfig, ClientAuth, ClientRegistration, Clock, Entropy, SenderConstraint};
use crate::db::{Change, Db};
use crate::error::Error;
use crate::fdx::meta::Metrics;
use crate::generator::day_of;
use crate::limits;
use crate::oauth::dpop::Proofs;
use crate::pages;
use crate::records::kind;

/// The state file and the banks.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) banks: BTreeMap<&'static str, Bank>,
}

/// What every handler shares.
pub(crate) struct App {
    pub(crate) config: BankConfig,
    clock: Clock,
    entropy: Arc<dyn Entropy>,
    pub(crate) signing_key: SigningKey,
    pub(crate) proofs: Proofs,
    pub(crate) metrics: Metrics,
    /// When this process opened the bank.
    pub(crate) opened: Timestamp,
    /// Seed and first day of the made-up history.
    pub(crate) history: (u64, jiff::civil::Date),
    form_key: hmac::Key,
    world: Mutex<World>,
    pub(crate) wake: BTreeMap<&'static str, Notify>,
    pub(crate) http: reqwest::Client,
}

pub(crate) type Shared = Arc<App>;

/// Made once per data directory.
#[derive(Serialize, Deserialize)]
struct Birth {
    /// First day of made-up history.
    first_day: jiff::civil::Date,
    seed: u64,
    /// P-256 key that signs ID tokens, 32 bytes in hexadecimal.
    signing_key: String,
    /// Key of the forms' tokens, 32 bytes in hexadecimal.
    form_key: String,
}

const BIRTH: &str = "birth";
const NO_BANK: &str = "";

impl App {
    pub(crate) fn open(config: BankConfig, clock: Clock, entropy: Arc<dyn Entropy>) -> Result<Shared, Error> {
        let mut brands: Vec<&'static Brand> = Vec::new();
        for id in &config.institutions {
            let brand =
                brand::find(id).ok_or_else(|| Error::Config(format!("there is no institution `{id}`")))?;
            brands.push(brand);
        }
        if brands.is_empty() {
            brands = brand::all().iter().collect();
        }
        check(&config, &brands)?;
        let now = clock();
        let mut db = Db::open(&config.data_dir)?;
        let birth = match db.load::<Birth>(kind::META, NO_BANK)?.into_iter().find(|(id, _)| id == BIRTH) {
            Some((_, birth)) => birth,
            None => be_born(&mut db, &config, entropy.as_ref(), now)?,
        };
        let unreadable = |reason: &str| Error::Record { kind: BIRTH.to_owned(), reason: reason.to_owned() };
        let key_bytes =
            hex::decode(&birth.signing_key).map_err(|_| unreadable("the signing key is not hexadecimal"))?;
        let signing_key =
            SigningKey::from_slice(&key_bytes).map_err(|_| unreadable("the signing key is not one"))?;
        let form_bytes =
            hex::decode(&birth.form_key).map_err(|_| unreadable("the form key is not hexadecimal"))?;
        let mut banks = BTreeMap::new();
        for brand in &brands {
            let mut bank = Bank::load(&db, brand, birth.seed, birth.first_day, now)?;
            bank.prune(&mut db, now)?;
            banks.insert(brand.id, bank);
        }
        // Another crate of the process may have installed a provider already; then that one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(limits::DELIVERY_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let mut nonce_key = [0_u8; 32];
        entropy.fill(&mut nonce_key);
        Ok(Arc::new(Self {
            config,
            clock,
            entropy,
            signing_key,
            proofs: Proofs::new(&nonce_key),
            metrics: Metrics::default(),
            opened: now,
            history: (birth.seed, birth.first_day),
            form_key: hmac::Key::new(hmac::HMAC_SHA256, &form_bytes),
            world: Mutex::new(World { db, banks }),
            wake: brands.iter().map(|brand| (brand.id, Notify::new())).collect(),
            http,
        }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Now plus seconds.
    pub(crate) fn later(&self, seconds: i64) -> Timestamp {
        let now = self.now();
        now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
    }

    /// 256 unpredictable bits, base64url.
    pub(crate) fn secret(&self) -> String {
        let mut bytes = [0_u8; 32];
        self.entropy.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// An unpredictable identifier: prefix and 24 hexadecimal digits.
    pub(crate) fn id(&self, prefix: &str) -> String {
        let mut bytes = [0_u8; 12];
        self.entropy.fill(&mut bytes);
        format!("{prefix}{}", hex::encode(bytes))
    }

    /// A random UUID (version 4).
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }

    /// 32 unpredictable bytes.
    pub(crate) fn random_32(&self) -> [u8; 32] {
        let mut bytes = [0_u8; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A few random bytes as a number, for jitter.
    pub(crate) fn random_u32(&self) -> u32 {
        let mut bytes = [0_u8; 4];
        self.entropy.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    /// The token that a form of this browser and this purpose must carry.
    pub(crate) fn form_token(&self, browser: &str, purpose: &str) -> String {
        let message = format!("{browser}\n{purpose}");
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.form_key, message.as_bytes()))
    }

    /// Whether a form's token is right; constant time.
    pub(crate) fn form_token_ok(&self, browser: &str, purpose: &str, token: &str) -> bool {
        let message = format!("{browser}\n{purpose}");
        URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|token| hmac::verify(&self.form_key, message.as_bytes(), &token).is_ok())
    }

    /// Issuer identifier of an institution.
    pub(crate) fn issuer(&self, brand: &Brand) -> String {
        format!("{}/{}", self.config.public_base_url, brand.id)
    }

    /// Whether an address (without its query) is the one of this path here (RFC 9449 §4.3 items 9 and 10).
    pub(crate) fn is_own_url(&self, url: &str, path: &str) -> bool {
        let Ok(mut given) = url::Url::parse(url) else { return false };
        given.set_query(None);
        given.set_fragment(None);
        let tls = self.config.mutual_tls.as_ref().map(|tls| tls.base_url.as_str());
        [Some(self.config.public_base_url.as_str()), tls]
            .into_iter()
            .flatten()
            .any(|base| url::Url::parse(&format!("{base}{path}")).is_ok_and(|own| own == given))
    }

    pub(crate) fn client(&self, id: &str) -> Option<&ClientRegistration> {
        self.config.clients.iter().find(|client| client.client_id == id)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.config.public_base_url.starts_with("https:")
    }

    /// Runs a closure on the world. Commands are short; the only slow thing in them is the commit to the state file.
    pub(crate) fn world<R>(&self, run: impl FnOnce(&mut World) -> R) -> R {
        // A panic while the lock was held has left either the old or the new state in memory; both are whole.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut world)
    }

    /// Runs a closure on one bank and the state file.
    pub(crate) fn bank<R>(&self, brand: &Brand, run: impl FnOnce(&mut Bank, &mut Db) -> R) -> Option<R> {
        self.world(|world| {
            let World { db, banks } = world;
            banks.get_mut(brand.id).map(|bank| run(bank, db))
        })
    }

    pub(crate) fn wake(&self, brand: &Brand) {
        if let Some(wake) = self.wake.get(brand.id) {
            wake.notify_one();
        }
    }
}

/// SHA-256 in hexadecimal: how secrets are kept.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn be_born(db: &mut Db, config: &BankConfig, entropy: &dyn Entropy, now: Timestamp) -> Result<Birth, Error> {
    let first_day = day_of(now).saturating_sub(jiff::Span::new().days(limits::HISTORY_DAYS));
    let mut key = [0_u8; 32];
    // A random 256-bit number is a valid P-256 key but for a chance of 2^-32; draw again then.
    for _ in 0..8 {
        entropy.fill(&mut key);
        if SigningKey::from_slice(&key).is_ok() {
            break;
        }
    }
    let mut form_key = [0_u8; 32];
    entropy.fill(&mut form_key);
    let birth = Birth {
        first_day,
        seed: config.seed,
        signing_key: hex::encode(key),
        form_key: hex::encode(form_key),
    };
    db.commit(&[Change::put(kind::META, NO_BANK, BIRTH, &birth)?])?;
    Ok(birth)
}

fn check(config: &BankConfig, brands: &[&'static Brand]) -> Result<(), Error> {
    let base = &config.public_base_url;
    let url = url::Url::parse(base)
        .map_err(|_| Error::Config(format!("`public_base_url` `{base}` is not a URL")))?;
    if base.ends_with('/') || url.path() != "/" || url.query().is_some() {
        return Err(Error::Config(format!(
            "`public_base_url` `{base}` must have no path and no trailing slash"
        )));
    }
    if config.speed_up.is_some_and(|speed| speed == 0 || speed > limits::SPEED_UP_MAX) {
        return Err(Error::Config(format!("`speed_up` must be 1 to {}", limits::SPEED_UP_MAX)));
    }
    for (institution, target) in &config.event_targets {
        if !brands.iter().any(|brand| brand.id == institution) {
            return Err(Error::Config(format!(
                "events are to be pushed for `{institution}`, which does not run here"
            )));
        }
        if url::Url::parse(&target.url).is_err() {
            return Err(Error::Config(format!("the event target `{}` is not a URL", target.url)));
        }
        if !config.clients.iter().any(|client| client.client_id == target.client_id) {
            return Err(Error::Config(format!(
                "the event target names an unknown client `{}`",
                target.client_id
            )));
        }
    }
    if let Some(tls) = &config.mutual_tls
        && !url::Url::parse(&tls.base_url)
            .is_ok_and(|url| url.scheme() == "https" && !tls.base_url.ends_with('/'))
    {
        return Err(Error::Config(format!(
            "`mutual_tls.base_url` `{}` must be an https URL without a trailing slash",
            tls.base_url
        )));
    }
    for client in &config.clients {
        check_client(config, client)?;
        for uri in &client.redirect_uris {
            let parsed = url::Url::parse(uri).map_err(|_| {
                Error::Config(format!("redirect URI `{uri}` of `{}` is not a URL", client.client_id))
            })?;
            if parsed.fragment().is_some() {
                return Err(Error::Config(format!("redirect URI `{uri}` must not have a fragment")));
            }
        }
    }
    Ok(())
}

/// Whether a client fits the security profile.
fn check_client(config: &BankConfig, client: &ClientRegistration) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Config(format!("client `{}`: {what}", client.client_id)));
    let with_certificate =
        matches!(client.auth, ClientAuth::Tls(_)) || client.sender == SenderConstraint::Mtls;
    if with_certificate && config.mutual_tls.is_none() {
        return wrong("certificates need `mutual_tls`");
    }
    if let Some(front) = &config.front
        && !front.oauth.client_auth.iter().any(|method| method == client.auth.method())
    {
        return wrong(&format!(
            "the front `{}` takes {} and not `{}`",
            front.name,
            front.oauth.client_auth.join(", "),
            client.auth.method()
        ));
    }
    let has_keys = matches!(client.auth, ClientAuth::PrivateKeyJwt(_));
    if client.signed_requests && !has_keys {
        return wrong("signed requests need `private_key_jwt`, whose keys sign them");
    }
    if config.is_blue() && !has_keys && !matches!(client.auth, ClientAuth::Tls(_)) {
        return wrong("the profile Blue takes no secrets: give it keys or a certificate, or switch to Green");
    }
    if config.is_blue() && client.sender == SenderConstraint::None {
        return wrong(
            "the profile Blue gives no bearer tokens: bind them by DPoP or mTLS, or switch to Green",
        );
    }
    Ok(())
}

/// The institution named by the first segment of the path.
#[derive(Clone, Copy)]
pub(crate) struct AtBank(pub(crate) &'static Brand);

impl FromRequestParts<Shared> for AtBank {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Response> {
        let params =
            RawPathParams::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        params
            .iter()
            .find(|(name, _)| *name == "bank")
            .and_then(|(_, id)| brand::find(id))
            .filter(|brand| app.wake.contains_key(brand.id))
            .map(Self)
            .ok_or_else(pages::not_found)
    }
}
