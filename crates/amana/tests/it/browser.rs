//! A browser without scripts: follows links and redirects, keeps cookies per host (not per port, as browsers do), fills
//! in and submits forms, and holds a form's target to the page's `form-action` as Chromium does.

use reqwest::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 12;

/// The client of all tests.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .tls_certs_only([])
        .no_proxy()
        .build()
        .expect("a client")
}

/// A page as it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) html: String,
    policy: Option<String>,
}

/// A form's fields, with what was chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filled {
    action: String,
    fields: Vec<(String, String)>,
}

impl Filled {
    /// The submission as a request that can be sent apart from the browser, with its cookies.
    pub(crate) fn request(&self, browser: &Browser, from: &Page) -> reqwest::RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish();
        let cookies: Vec<String> =
            browser.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        browser
            .client
            .post(&self.action)
            .header(COOKIE, cookies.join("; "))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", from.url.origin().ascii_serialization())
            .header("sec-fetch-site", "same-origin")
            .body(body)
    }

    /// Ticks a box, sets a field, or presses a named button.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
    /// Sets a field that had a value.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(other, _)| other != name);
        self.with(name, value)
    }
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).expect("a selector")
}

impl Page {
    /// The form whose action ends so, with the values that it has by itself.
    pub(crate) fn form(&self, action: &str) -> Filled {
        self.forms(action)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no form `{action}` at {}: {}", self.url, self.html))
    }

    /// Every form whose path is this.
    pub(crate) fn forms(&self, action: &str) -> Vec<Filled> {
        let html = Html::parse_document(&self.html);
        html.select(&select("form")).filter_map(|form| self.filled(form, action)).collect()
    }

    fn filled(&self, form: ElementRef<'_>, action: &str) -> Option<Filled> {
        let target = self.url.join(form.value().attr("action").unwrap_or("")).ok()?;
        if !target.path().ends_with(action) || form.value().attr("method") != Some("post") {
            return None;
        }
        let mut fields = Vec::new();
        for input in form.select(&select("input")) {
            let value = input.value();
            let ticked = value.attr("checked").is_some();
            let kind = value.attr("type").unwrap_or("text");
            if let Some(name) = value.attr("name")
                && (!matches!(kind, "checkbox" | "radio") || ticked)
            {
                fields.push((name.to_owned(), value.attr("value").unwrap_or("").to_owned()));
            }
        }
        for choice in form.select(&select("select")) {
            let options: Vec<_> = choice.select(&select("option")).collect();
            let chosen = options.iter().find(|o| o.value().attr("selected").is_some()).or(options.first());
            if let (Some(name), Some(option)) = (choice.value().attr("name"), chosen) {
                fields.push((name.to_owned(), option.value().attr("value").unwrap_or("").to_owned()));
            }
        }
        Some(Filled { action: target.to_string(), fields })
    }

    /// The values of every element with this name, such as the boxes that can be ticked.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        Html::parse_document(&self.html)
            .select(&select(&format!("[name=\"{name}\"]")))
            .filter_map(|input| input.value().attr("value").map(str::to_owned))
            .collect()
    }

    /// The text of the page, without marks, in one line and without invisible signs of direction.
    pub(crate) fn text(&self) -> String {
        let html = Html::parse_document(&self.html);
        let body = html.select(&select("body")).next().map(|b| b.text().collect::<Vec<_>>().join(" "));
        plain(&body.unwrap_or_default())
    }

    /// Whether boxes are ticked on the page.
    pub(crate) fn ticked(&self) -> usize {
        Html::parse_document(&self.html).select(&select("input[type=checkbox][checked]")).count()
    }
}

/// Text without signs of direction and with single spaces.
pub(crate) fn plain(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2066}'..='\u{2069}'))
        .map(|c| if c == '\u{a0}' || c == '\u{202f}' { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One person's browser.
pub(crate) struct Browser {
    client: Client,
    jar: BTreeMap<String, String>,
    /// Every answer: where it came from, headers and body.
    answers: Vec<(Url, String)>,
}

impl Browser {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        Self { client: client(), jar: BTreeMap::new(), answers: Vec::new() }
    }

    /// Everything that was answered by the site at this address, redirects too.
    pub(crate) fn answers_of(&self, site: &str) -> impl Iterator<Item = &String> {
        self.answers.iter().filter(move |(url, _)| url.as_str().starts_with(site)).map(|(_, answer)| answer)
    }

    /// Opens an address and follows redirects.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.go(Method::GET, Url::parse(url).expect("a url"), None, None).await
    }

    /// Submits a form of the page.
    pub(crate) async fn submit(&mut self, page: &Page, form: Filled) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        let target = Url::parse(&form.action).expect("a url");
        self.go(Method::POST, target, Some(body), Some(page)).await
    }

    async fn go(
        &mut self,
        mut method: Method,
        mut url: Url,
        mut body: Option<String>,
        from: Option<&Page>,
    ) -> Page {
        for _ in 0..REDIRECTS_MAX {
            if let Some(from) = from {
                allowed_by_policy(from, &url);
            }
            let mut request = self.client.request(method.clone(), url.clone());
            let cookies: Vec<String> =
                self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            if let Some(body) = &body {
                let origin = from.map(|page| page.url.origin().ascii_serialization()).unwrap_or_default();
                request = request
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .header("origin", origin)
                    .header("sec-fetch-site", "same-origin")
                    .body(body.clone());
            }
            let answer = request.send().await.unwrap_or_else(|e| panic!("{url}: {e}"));
            self.keep(&answer);
            let status = answer.status();
            let head = format!("{:?}", answer.headers());
            if status.is_redirection() {
                let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).expect("a place");
                self.answers.push((url.clone(), head));
                url = url.join(to).expect("a place");
                (method, body) = (Method::GET, None);
                continue;
            }
            let policy = answer.headers().get(CONTENT_SECURITY_POLICY).and_then(|p| p.to_str().ok());
            let policy = policy.map(str::to_owned);
            let html = answer.text().await.expect("a body");
            self.answers.push((url.clone(), format!("{head}{html}")));
            return Page { url, status, html, policy };
        }
        panic!("redirected for ever");
    }

    fn keep(&mut self, answer: &reqwest::Response) {
        for cookie in answer.headers().get_all(SET_COOKIE).iter().filter_map(|c| c.to_str().ok()) {
            let mut parts = cookie.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.trim().split_once('=')) else {
                continue;
            };
            let over = parts.any(|p| p.trim().eq_ignore_ascii_case("max-age=0"));
            if over || value.is_empty() {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Chromium refuses a submission whose target, or a redirect's, is not in the page's `form-action`.
fn allowed_by_policy(from: &Page, to: &Url) {
    let Some(sources) = from.policy.as_deref().and_then(|policy| {
        policy.split(';').find_map(|directive| directive.trim().strip_prefix("form-action "))
    }) else {
        return;
    };
    let (own, target) = (from.url.origin().ascii_serialization(), to.origin().ascii_serialization());
    let allowed = sources
        .split_whitespace()
        .any(|source| (source == "'self'" && own == target) || source.trim_end_matches('/') == target);
    assert!(allowed, "the page {} does not let its form lead to {target}: {sources}", from.url);
}
