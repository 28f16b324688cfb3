//! A mock of the platform's Send API over real HTTP: it takes every message, and knows which it is waiting for.

use super::load::Waits;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A message that is waited for.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    /// The number that its text names, if it names one.
    mark: Option<u64>,
    due: Instant,
    timed: bool,
}

/// What is waited for in each chat, in order, and what came.
pub(crate) struct Ledger {
    awaited: Mutex<HashMap<String, VecDeque<Awaited>>>,
    waits: Waits,
    came: AtomicU64,
    fault: Mutex<Option<&'static str>>,
}

/// What stands before the number in a message's text.
pub(crate) const MARK: &str = "Shop ";

impl Ledger {
    /// Nothing is waited for yet. The waits of what is timed are added to `waits`.
    pub(crate) fn new(waits: Waits) -> Arc<Self> {
        Arc::new(Self { awaited: Mutex::default(), waits, came: AtomicU64::new(0), fault: Mutex::default() })
    }

    /// From now on this chat's next message is waited for.
    pub(crate) fn expect(&self, psid: &str, mark: Option<u64>, due: Instant, timed: bool) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.entry(psid.to_owned()).or_default().push_back(Awaited { mark, due, timed });
    }

    /// How many messages came.
    pub(crate) fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }

    /// The first thing that was not as it should be.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, psid: &str, mark: Option<u64>) {
        let now = Instant::now();
        let next = {
            let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
            awaited.get_mut(psid).and_then(VecDeque::pop_front)
        };
        let fault = match next {
            None => Some("a message came that nobody was waiting for"),
            Some(next) if next.mark.is_some() && next.mark != mark => {
                Some("a message came out of its conversation's order, or not the one of its event")
            }
            Some(next) => {
                if next.timed {
                    self.waits.add(now.saturating_duration_since(next.due));
                }
                None
            }
        };
        if let Some(fault) = fault {
            self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        }
        self.came.fetch_add(1, Ordering::Relaxed);
    }
}

/// The number that a text names.
fn mark_in(text: &str) -> Option<u64> {
    let after = text.split(MARK).nth(1)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// One call: a message is taken; what is none (typing and the like) is answered.
async fn call(State(ledger): State<Arc<Ledger>>, body: Bytes) -> Response {
    let Ok(document) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let psid = document.pointer("/recipient/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if document.get("message").is_none() {
        return axum::Json(json!({ "recipient_id": psid })).into_response();
    }
    let mark = std::str::from_utf8(&body).ok().and_then(mark_in);
    ledger.arrived(&psid, mark);
    let mid = format!("m_bench_{}", ledger.came());
    axum::Json(json!({ "recipient_id": psid, "message_id": mid })).into_response()
}

/// The mock's router.
pub(crate) fn router(ledger: Arc<Ledger>) -> axum::Router {
    axum::Router::new().fallback(call).with_state(ledger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_doubled_or_out_of_order_is_found() {
        let ledger = || Ledger::new(Waits::new().expect("bounds"));
        let good = ledger();
        good.expect("1", Some(4), Instant::now(), true);
        good.expect("1", Some(5), Instant::now(), false);
        good.arrived("1", Some(4));
        good.arrived("1", Some(5));
        assert_eq!((good.came(), good.fault(), good.waits.count()), (2, None, 1));
        good.arrived("1", Some(5));
        assert!(good.fault().is_some_and(|f| f.contains("nobody")));
        let turned = ledger();
        turned.expect("1", Some(4), Instant::now(), true);
        turned.expect("1", Some(5), Instant::now(), true);
        turned.arrived("1", Some(5));
        assert!(turned.fault().is_some_and(|f| f.contains("order")));
    }

    #[test]
    fn the_mark_is_found_in_what_a_customer_reads() {
        assert_eq!(mark_in("{\"text\":\"You paid $1.20 at \u{2068}Shop 17\u{2069}.\"}"), Some(17));
        assert_eq!(mark_in("{\"text\":\"Hello\"}"), None);
    }
}
