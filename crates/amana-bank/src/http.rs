//! HTTP as this crate does it: TLS by rustls, no redirects, bounded time and size, no way into private networks unless
//! the operator allows it.

use crate::config::{HttpClientOptions, Tls};
use crate::error::{BankErrorClass, ConfigError, UNANSWERED, UNREACHED};
use crate::limits;
use amana_core::InstitutionId;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, numbers kept as they are written.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What `Retry-After` asks (RFC 9110 §10.2.3: seconds or a date), bounded.
    pub(crate) fn retry_after(&self, now: amana_core::Timestamp) -> Option<Duration> {
        let text = self.headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
        let wait = if let Ok(seconds) = text.parse::<u64>() {
            Duration::from_secs(seconds)
        } else {
            let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::from_secs(u64::try_from(at.as_second().saturating_sub(now.as_second())).unwrap_or(0))
        };
        Some(wait.min(limits::RETRY_AFTER_MAX))
    }
}

/// One institution's connections. A clone shares them.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    options: HttpClientOptions,
    has_certificate: bool,
    /// False when the machine has no root certificates, so that no TLS server can be trusted.
    pub(crate) has_roots: bool,
}

impl Http {
    pub(crate) fn new(
        institution: &InstitutionId,
        options: HttpClientOptions,
        special: &Tls,
    ) -> Result<Self, ConfigError> {
        let failed = |what: String| ConfigError::Http { institution: institution.clone(), what };
        let (tls, has_roots) = tls_config(special).map_err(failed)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.connect_timeout)
            .timeout(options.call_timeout)
            .https_only(!options.allow_private_addresses)
            .dns_resolver(Guard { allow_private: options.allow_private_addresses })
            .user_agent(concat!("amana/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self { client, options, has_certificate: special.certificate.is_some(), has_roots })
    }

    /// Whether we show a certificate where a server asks for one.
    pub(crate) fn has_certificate(&self) -> bool {
        self.has_certificate
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }
    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    /// The time that all pages of one list may take.
    pub(crate) fn list_timeout(&self) -> Duration {
        self.options.list_timeout
    }

    /// Sends it and reads the whole answer, within the limits.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, BankErrorClass> {
        let request =
            request.build().map_err(|_| BankErrorClass::OurRequest("the request cannot be built"))?;
        // The resolver is not asked about addresses that are written as numbers.
        if !self.options.allow_private_addresses && literal_address(request.url()).is_some_and(is_private) {
            return Err(BLOCKED);
        }
        let mut response = self.client.execute(request).await.map_err(|e| class_of(&e))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| class_of(&e))? {
            if body.len() + chunk.len() > self.options.body_bytes_max {
                return Err(BankErrorClass::Nonsense("the answer is larger than the limit"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
    }
}

const BLOCKED: BankErrorClass =
    BankErrorClass::OurRequest("its address is private, which the configuration does not allow");

/// The operating system's trust and the institution's own authorities, with ring's cryptography. A machine without root
/// certificates still gets a client: it can speak to a sandbox on loopback, and trusts nobody else.
fn tls_config(special: &Tls) -> Result<(rustls::ClientConfig, bool), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let own = match &special.authorities_pem {
        Some(pem) => certificates(pem).ok_or("`ca_file` holds no certificate in PEM")?,
        None => Vec::new(),
    };
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(own.clone(), provider);
    let (builder, has_roots) = if let Ok(verifier) = verifier {
        (builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)), true)
    } else {
        let mut roots = rustls::RootCertStore::empty();
        let (good, _) = roots.add_parsable_certificates(own);
        (builder.with_root_certificates(roots), good > 0)
    };
    let mut config = match &special.certificate {
        Some(certificate) => {
            let chain = certificates(&certificate.chain_pem)
                .ok_or("`certificate_file` holds no certificate in PEM")?;
            let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.expose().as_bytes())
                .map_err(|_| "`certificate_key_file` holds no unencrypted private key in PEM")?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|_| "`certificate_file` and `certificate_key_file` do not fit")?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, has_roots))
}

/// The certificates of a PEM text; none if there is not one, or one of them is damaged.
fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

/// A name that leads to a private address.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private address")]
struct Blocked;

/// Resolves names, and leaves out private addresses: a bank's metadata must not lead us into our own network.
struct Guard {
    allow_private: bool,
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> =
                found.iter().copied().filter(|a| allow_private || !is_private(a.ip())).collect();
            if allowed.is_empty() && !found.is_empty() {
                return Err(Blocked.into());
            }
            Ok(Box::new(allowed.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(ip) => Some(ip.into()),
        url::Host::Ipv6(ip) => Some(ip.into()),
        url::Host::Domain(_) => None,
    }
}

/// Whether an address is anything but a public unicast one.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let [s0, s1, _, _, _, _, s6, s7] = s;
    let v4_in = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(v4) = ip.to_ipv4_mapped() {
        return is_private_v4(v4);
    }
    match s0 {
        // 6to4 and NAT64 carry an IPv4 address inside.
        0x2002 => {
            let [_, high, low, ..] = s;
            v4_in(high, low)
        }
        0x0064 if s1 == 0xff9b => v4_in(s6, s7),
        0x2001 if s1 == 0x0db8 || s1 < 0x0200 => true,
        // Only 2000::/3 is public unicast.
        _ => !(0x2000..0x4000).contains(&s0),
    }
}

/// What to do about a request that got no whole answer.
fn class_of(error: &reqwest::Error) -> BankErrorClass {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(e) = cause {
        if e.is::<Blocked>() {
            return BLOCKED;
        }
        if is_certificate_error(e) {
            return BankErrorClass::Nonsense("its tls certificate is not trusted");
        }
        if tls_error(e).is_some_and(|e| matches!(e, rustls::Error::AlertReceived(_))) {
            return BankErrorClass::OurRequest(
                "it ends the tls handshake: it may want another client certificate",
            );
        }
        cause = e.source();
    }
    if error.is_timeout() {
        BankErrorClass::Retry(UNANSWERED)
    } else if error.is_builder() {
        BankErrorClass::OurRequest("plain http is not allowed to this address")
    } else if error.is_connect() {
        BankErrorClass::Retry(UNREACHED)
    } else {
        BankErrorClass::Retry("the connection broke")
    }
}

fn is_certificate_error(e: &(dyn StdError + 'static)) -> bool {
    matches!(tls_error(e), Some(rustls::Error::InvalidCertificate(_)))
}

/// What TLS says, if it is TLS that says it. An `io::Error` hides what it wraps from `source`, and may wrap another
/// one.
fn tls_error<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = e.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    tls_error(e.downcast_ref::<std::io::Error>()?.get_ref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a00:1",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(is_private(private.parse().expect("an address")), "{private}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(!is_private(public.parse().expect("an address")), "{public}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = "2026-11-24T10:00:00Z".parse().expect("instant");
        let wait = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", reqwest::header::HeaderValue::from_static(text));
            Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new() }.retry_after(now)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Tue, 24 Nov 2026 10:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(wait("Tue, 24 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("99999999999"), Some(limits::RETRY_AFTER_MAX));
        assert_eq!(wait("soon"), None);
    }
}
