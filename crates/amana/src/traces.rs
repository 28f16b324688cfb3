//! Spans to a collector, by OTLP over HTTP with JSON: which step took how long within what.
//!
//! Nothing protected can be in them, by what is *absent*: only spans of [`TARGET`] are looked at, of their fields only
//! those of [`FIELDS`], of texts only short words of the letters that our own words have. Names of spans, routes and
//! results are literals in our sources. Events (log lines) and everything of other libraries are left out.
//!
//! It is written here and not taken from the OpenTelemetry crates: what leaves is a closed list then, in one place.

use crate::limits::{
    TRACES_AT_ONCE_MAX, TRACES_CALL, TRACES_EVERY, TRACES_WAITING_MAX, TRACES_WORD_BYTES_MAX,
};
use amana_core::{Clock, Entropy, Secret, micros};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use url::Url;

/// The target of spans that are exported. The log never shows them.
pub(crate) const TARGET: &str = "amana::trace";

/// What a span may say beside its name and its times.
const FIELDS: [&str; 11] = [
    "route",
    "method",
    "status",
    "source",
    "result",
    "events",
    "stored",
    "duplicates",
    "unmatched",
    "records",
    "commands",
];

/// Whether a span is one of those.
pub(crate) fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == TARGET
}

/// `[traces]`.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    /// Where the collector takes spans in: its `/v1/traces`.
    pub(crate) endpoint: Url,
    /// What it is shown: `Authorization: Bearer …`.
    pub(crate) token: Option<Secret>,
    /// Of so many traces one is kept.
    pub(crate) one_in: u64,
}

/// A span that is open.
struct Open {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    since: i64,
    said: Vec<(&'static str, Said)>,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ended {
    name: &'static str,
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    /// Microseconds since 1970.
    times: (i64, i64),
    said: Vec<(&'static str, Said)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Word(String),
    Number(i64),
}

/// Takes what is on the list, and nothing by its `Debug`.
struct Listener<'a>(&'a mut Vec<(&'static str, Said)>);

impl Listener<'_> {
    fn take(&mut self, field: &Field, said: Said) {
        if let Some(known) = FIELDS.iter().find(|known| **known == field.name()) {
            self.0.retain(|(name, _)| name != known);
            self.0.push((known, said));
        }
    }
}

impl Visit for Listener<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_/{}*".contains(&b);
        if value.len() <= TRACES_WORD_BYTES_MAX && value.bytes().all(plain) {
            self.take(field, Said::Word(value.to_owned()));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, Said::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, Said::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// The layer that hears spans, and what brings them away.
pub(crate) struct Spans {
    out: Sender<Ended>,
    one_in: u64,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Brings spans to the collector.
pub(crate) struct Exporter {
    spans: Receiver<Ended>,
    to: Traces,
    service: &'static str,
}

/// Both ends.
pub(crate) fn new(
    to: Traces,
    service: &'static str,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> (Spans, Exporter) {
    let (out, spans) = channel(TRACES_WAITING_MAX);
    (Spans { out, one_in: to.one_in, clock, entropy }, Exporter { spans, to, service })
}

impl Spans {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // (The layer's filter lets no other by; this holds without it.)
        let Some(span) = context.span(id).filter(|span| is_ours(span.metadata())) else { return };
        // Within a trace that is not kept nothing is; a span without one above begins one.
        let above = span.scope().skip(1).find(|above| is_ours(above.metadata()));
        let (trace, parent) = match above {
            Some(above) => match above.extensions().get::<Open>() {
                Some(open) => (open.trace, Some(open.span)),
                None => return,
            },
            None => {
                if !u64::from_be_bytes(self.bytes()).is_multiple_of(self.one_in.max(1)) {
                    return;
                }
                (self.bytes(), None)
            }
        };
        let mut open =
            Open { trace, span: self.bytes(), parent, since: micros(self.clock.now()), said: Vec::new() };
        attributes.record(&mut Listener(&mut open.said));
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            record.record(&mut Listener(&mut open.said));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        let ended = Ended {
            name: span.metadata().name(),
            trace: open.trace,
            span: open.span,
            parent: open.parent,
            times: (open.since, micros(self.clock.now())),
            said: open.said,
        };
        // Whoever works never waits for a collector.
        if self.out.try_send(ended).is_err() {
            note("dropped", 1);
        }
    }
}

fn note(result: &'static str, spans: usize) {
    metrics::counter!("amana_traces_total", "result" => result).increment(spans as u64);
}

impl Exporter {
    /// Brings spans away until stopped, then the rest. A collector that is away costs spans, and nothing else.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let Ok(client) = crate::audit::http::client(self.to.endpoint.scheme() == "http") else {
            tracing::error!(
                "no http client for traces can be made: the system's certificates cannot be used"
            );
            return;
        };
        let mut every = tokio::time::interval(TRACES_EVERY);
        loop {
            let last = tokio::select! {
                _ = every.tick() => false,
                () = stop.cancelled() => true,
            };
            let mut some = Vec::new();
            while let Ok(span) = self.spans.try_recv() {
                some.push(span);
                if some.len() >= TRACES_AT_ONCE_MAX {
                    self.bring(&client, std::mem::take(&mut some)).await;
                }
            }
            if !some.is_empty() {
                self.bring(&client, some).await;
            }
            if last {
                return;
            }
        }
    }

    async fn bring(&self, client: &reqwest::Client, spans: Vec<Ended>) {
        let body = written(&spans, self.service).to_string();
        let mut call =
            client.post(self.to.endpoint.clone()).header("content-type", "application/json").body(body);
        if let Some(token) = &self.to.token {
            call = call.bearer_auth(token.expose());
        }
        let status = match call.timeout(TRACES_CALL).send().await {
            Ok(answer) => answer.status().as_u16(),
            Err(_) => 0,
        };
        let taken = (200..300).contains(&status);
        note(if taken { "sent" } else { "failed" }, spans.len());
        if !taken {
            tracing::debug!(status, "the collector did not take spans");
        }
    }
}

/// As OTLP's JSON says it: ids in hexadecimal, 64-bit numbers as texts.
fn written(spans: &[Ended], service: &str) -> Value {
    let all: Vec<Value> = spans.iter().map(one).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": service}},
            {"key": "service.version", "value": {"stringValue": env!("CARGO_PKG_VERSION")}},
        ]},
        "scopeSpans": [{"scope": {"name": "amana"}, "spans": all}],
    }]})
}

fn one(span: &Ended) -> Value {
    /// `SPAN_KIND_SERVER` and `SPAN_KIND_INTERNAL`.
    const KINDS: (u8, u8) = (2, 1);
    let said: Vec<Value> = span
        .said
        .iter()
        .map(|(key, said)| match said {
            Said::Word(word) => json!({"key": key, "value": {"stringValue": word}}),
            Said::Number(number) => json!({"key": key, "value": {"intValue": number.to_string()}}),
        })
        .collect();
    let nanoseconds = |micros: i64| i128::from(micros).saturating_mul(1_000).to_string();
    let mut written = json!({
        "traceId": hex::encode(span.trace), "spanId": hex::encode(span.span), "name": span.name,
        "kind": if span.parent.is_none() && span.name == "http" { KINDS.0 } else { KINDS.1 },
        "startTimeUnixNano": nanoseconds(span.times.0), "endTimeUnixNano": nanoseconds(span.times.1),
        "attributes": said,
    });
    if let (Some(parent), Some(fields)) = (span.parent, written.as_object_mut()) {
        fields.insert("parentSpanId".to_owned(), hex::encode(parent).into());
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::{ManualClock, SeededEntropy, Timestamp};
    use tracing_subscriber::layer::SubscriberExt as _;

    fn heard(one_in: u64, work: impl FnOnce()) -> Vec<Ended> {
        let to =
            Traces { endpoint: "http://127.0.0.1:1/v1/traces".parse().expect("a URL"), token: None, one_in };
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let (spans, mut exporter) = new(to, "amana", clock, Arc::new(SeededEntropy::new(3)));
        let subscriber = tracing_subscriber::registry().with(spans);
        tracing::subscriber::with_default(subscriber, work);
        let mut all = Vec::new();
        while let Ok(span) = exporter.spans.try_recv() {
            all.push(span);
        }
        all
    }

    /// Goal: only what is on the lists gets out: no other target, no other field, no text of other letters, nothing by
    /// its `Debug`, no event.
    #[test]
    fn what_is_not_on_the_list_does_not_get_out() {
        let all = heard(1, || {
            let span = tracing::info_span!(
                target: TARGET, "http", route = "/events/{institution}", status = tracing::field::Empty,
                amount = 4711, result = "Corner Shop", source = ?"debug", method = "POST"
            );
            let _in = span.enter();
            span.record("status", 202);
            tracing::info!(target: TARGET, amount = "4711", "Corner Shop");
            drop(tracing::info_span!("other", route = "/x"));
        });
        assert_eq!(all.len(), 1, "{all:?}");
        let text = written(&all, "amana").to_string();
        assert!(!text.contains("4711") && !text.contains("Corner") && !text.contains("debug"), "{text}");
        let word = |word: &str| Said::Word(word.to_owned());
        assert_eq!(
            all[0].said,
            [
                ("route", word("/events/{institution}")),
                ("method", word("POST")),
                ("status", Said::Number(202))
            ]
        );
    }

    /// Goal: a span within another is its child, of the same trace; and a trace is kept as a whole or not at all.
    #[test]
    fn spans_within_are_children() {
        let work = || {
            for _ in 0..100 {
                let outer = tracing::info_span!(target: TARGET, "http");
                let _in = outer.enter();
                // One of another target between them.
                let _between = tracing::info_span!("between").entered();
                drop(tracing::info_span!(target: TARGET, "intake", events = 3));
            }
        };
        let all = heard(1, work);
        assert_eq!(all.len(), 200);
        for pair in all.chunks(2) {
            assert_eq!((pair[0].name, pair[1].name), ("intake", "http"));
            assert_eq!((pair[0].trace, pair[0].parent), (pair[1].trace, Some(pair[1].span)));
            assert_eq!(pair[1].parent, None);
        }
        let some = heard(4, work);
        assert!(some.len() % 2 == 0 && (20..90).contains(&some.len()), "{}", some.len());
    }

    /// Goal: a collector that takes nothing costs spans and no memory.
    #[test]
    fn what_nobody_fetches_is_dropped() {
        let all = heard(1, || {
            for _ in 0..TRACES_WAITING_MAX + 100 {
                drop(tracing::info_span!(target: TARGET, "send"));
            }
        });
        assert_eq!(all.len(), TRACES_WAITING_MAX);
    }
}
