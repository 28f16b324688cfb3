//! `[traces]`: where spans go.

use super::{Reader, is_loopback};
use crate::traces::Traces;
use toml::Value;
use url::Url;

impl Reader<'_> {
    /// `None` if it is wrong; `Some(None)`: nowhere.
    #[expect(clippy::option_option, reason = "wrong, nowhere, there")]
    pub(super) fn traces(&mut self, private: bool) -> Option<Option<Traces>> {
        const ENDPOINT: &str = "traces.endpoint";
        const ONE_IN: &str = "traces.one_in";
        let one_in = self.values.get(ONE_IN).and_then(Value::as_integer);
        let Some(one_in) = one_in.and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0) else {
            if !self.said(ONE_IN) {
                self.wrong(ONE_IN, "must be a number from 1");
            }
            return None;
        };
        if self.text(ENDPOINT).is_none() {
            return if self.said(ENDPOINT) { None } else { Some(None) };
        }
        let endpoint: Url = self.parsed(ENDPOINT, "a URL, such as `http://127.0.0.1:4318/v1/traces`")?;
        let clear = endpoint.scheme() == "http" && (is_loopback(&endpoint) || private);
        if endpoint.scheme() != "https" && !clear {
            self.wrong(ENDPOINT, "must be https: plain http only to this machine");
            return None;
        }
        let token = self.secret("traces.token").filter(|token| !token.expose().is_empty());
        Some(Some(Traces { endpoint, token, one_in }))
    }
}
