//! What is counted of a bank's answers: by it an operator sees that a bank does not keep to its own standard.

use crate::fake::{Knobs, Say, bench_with, say, subject};
use amana_bank::profile::InteractionEcho;
use amana_bank::{Actor, Bank as _};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Keeps counters by their name and labels; nothing else is looked at here.
#[derive(Default)]
struct Counted(Mutex<BTreeMap<String, Arc<Count>>>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::SeqCst);
    }
}

impl Counted {
    fn of(&self, key: &str) -> u64 {
        self.0.lock().unwrap().get(key).map_or(0, |count| count.0.load(Ordering::SeqCst))
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<String> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// An answer without its request's `x-fapi-interaction-id` is counted, under the bank's name, where the profile expects
/// the echo; and it is an answer all the same. (Each test has a thread of its own, and so has its recorder.)
#[tokio::test]
async fn a_missing_echo_of_the_interaction_id_is_counted_where_it_is_expected() {
    for (expected, echo, missing) in [
        (InteractionEcho::Expected, "none", 1),
        (InteractionEcho::Expected, "another", 1),
        (InteractionEcho::Expected, "right", 0),
        (InteractionEcho::Ignored, "none", 0),
    ] {
        let counted = Counted::default();
        let _here = metrics::set_default_local_recorder(&counted);
        let b = bench_with(
            Knobs::default(),
            |profile| profile.api.interaction_id_echo = expected,
            move |_| {
                let headers = match echo {
                    "none" => vec![("x-fapi-interaction-id", String::new())],
                    "another" => {
                        vec![("x-fapi-interaction-id", "7f6b3f5e-0b9f-4b9a-9d52-0a5a3f3a8f11".into())]
                    }
                    _ => vec![],
                };
                Say { headers, ..say(200, json!({ "accounts": [] })) }
            },
        )
        .await;
        let read = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap();
        assert!(read.ids.is_empty());
        let name = format!("amana_bank_echo_missing_total{{institution={}}}", b.bank.id());
        assert_eq!(counted.of(&name), missing, "{expected:?}, {echo}");
    }
}
