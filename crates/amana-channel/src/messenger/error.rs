//! What an answer of the Graph API means for the caller (messenger reference, section 2.2 and appendix B).

use crate::channel::{Rest, SendError};
use crate::limits;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Account linking: the token is bad or over (section 5).
pub(super) const LINKING_TOKEN: i64 = 10_303;

#[derive(Deserialize)]
struct Envelope {
    error: GraphError,
}

/// The part of Graph's error that decides. Its texts are not kept: they may quote what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct GraphError {
    #[serde(default, deserialize_with = "whole")]
    pub(super) code: Option<i64>,
    #[serde(default, deserialize_with = "whole")]
    pub(super) error_subcode: Option<i64>,
    #[serde(default, deserialize_with = "truth")]
    pub(super) is_transient: bool,
}

/// A whole number, also as a string; anything else counts as absent.
fn whole<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(d)? {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    })
}

fn truth<'de, D: serde::Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(d)?.as_bool().unwrap_or(false))
}

/// A refusal: Graph's own codes if it named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) graph: Option<GraphError>,
    pub(super) class: SendError,
}

impl From<SendError> for Refused {
    fn from(class: SendError) -> Self {
        Self { graph: None, class }
    }
}

/// Reads an answer: the value of a success, or what its error means. `status` is HTTP's; Messenger answers
/// most errors with 400, so the codes in the body decide and the status only where there are none.
pub(super) fn read_answer(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    if let Ok(Envelope { error }) = serde_json::from_slice::<Envelope>(body) {
        let class = of_graph(status, &error, wait(headers));
        return Err(Refused { graph: Some(error), class });
    }
    Err(match status {
        200..=299 => {
            // Accepted, but what came back is no answer: the message may well be on its way.
            return serde_json::from_slice(body)
                .map_err(|_| SendError::Ambiguous { what: "the answer is not json" }.into());
        }
        429 => SendError::Throttled { retry_after: wait(headers) },
        500.. => SendError::Ambiguous { what: "the platform failed while handling the call" },
        300..=399 => SendError::NoWay { what: "redirected; redirects are not followed" },
        _ => SendError::NoWay { what: "refused without an error of the graph api: check `graph_url`" },
    }
    .into())
}

/// The class of Graph's codes.
pub(super) fn of_graph(status: u16, error: &GraphError, retry_after: Duration) -> SendError {
    let (code, sub) = (error.code.unwrap_or(0), error.error_subcode);
    match (code, sub.unwrap_or(0)) {
        (10, 2_018_278 | 2_534_022 | 2_018_065) => SendError::WindowClosed,
        (551, _) | (200, 1_545_041) | (10, 2_018_108 | 2_018_336) => SendError::Unreachable,
        (190, _) => SendError::TokenDead,
        (10, 1_893_063 | 1_404_170) | (2022, _) => SendError::PageBlocked,
        (2_018_300 | 2_018_321, _) | (_, 2_018_300 | 2_018_321) | (100, 2_534_037) => {
            SendError::NotThreadOwner
        }
        // Refused before anything is sent, and waiting does not help: frequency rules of marketing messages
        // and opt-in requests; settings of ours (2/2018344, 1/99) and a bad form (1/2018382) under codes that
        // mean something else by themselves.
        (4, 2_018_354) | (613, 1_893_016) | (2, 2_018_344) | (1, 99 | 2_018_382) => {
            SendError::Permanent { code, sub }
        }
        // The app, not the message: a permission that is missing or was taken back, an app that is not live (any more),
        // the token of another app.
        (200 | 230, 0 | 2_018_028) | (10, 0) | (100, 2_018_164) => SendError::NotAllowed { code, sub },
        (613, 2_018_338) => SendError::ThrottledPerson { retry_after },
        // The app's calls, whichever page they are for; the others are the page's.
        (4, 0) => SendError::ThrottledApp { retry_after },
        (4 | 17 | 32 | 613 | 80_006, _) | (9, 2_018_352) => SendError::Throttled { retry_after },
        (1200, _) => SendError::Transient { what: "the platform could not send just now" },
        // These two may come after the message went out (section 2.2).
        (1 | 2, _) => SendError::Ambiguous { what: "the platform reports an unknown error" },
        _ if status >= 500 => SendError::Ambiguous { what: "the platform failed while handling the call" },
        _ if error.is_transient => SendError::Transient { what: "the platform calls its error transient" },
        _ => SendError::Permanent { code, sub },
    }
}

/// What a failure below HTTP means. Only a failure to connect is sure not to have sent anything.
pub(super) fn of_transport(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        SendError::NoWay { what: "no connection" }
    } else if error.is_builder() {
        SendError::Transient { what: "the call could not be built" }
    } else if error.is_timeout() {
        SendError::Ambiguous { what: "no answer in time" }
    } else {
        SendError::Ambiguous { what: "the connection broke before the answer" }
    }
}

/// How long the platform asks to wait: `Retry-After` in seconds, or the business use case header's minutes
/// (section 2.3).
fn wait(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse::<u64>().ok());
    match seconds.map(Duration::from_secs).max(Usage::of(headers).regain) {
        Some(time) if !time.is_zero() => time.min(limits::THROTTLE_MAX),
        _ => limits::THROTTLE_DEFAULT,
    }
}

/// Whether to rest after a call that succeeded: not at all, unless a share of calls is nearly used up. The app's share
/// is of all pages together.
pub(super) fn rest(headers: &HeaderMap) -> Option<Rest> {
    let usage = Usage::of(headers);
    let of_page = usage.regain.filter(|time| !time.is_zero()).map(|time| time.min(limits::THROTTLE_MAX));
    let of_page =
        of_page.or_else(|| rest_for(usage.page_percent)).map(|time| Rest { time, whole_app: false });
    let of_app = rest_for(usage.app_percent).map(|time| Rest { time, whole_app: true });
    [of_page, of_app].into_iter().flatten().max_by_key(|rest| rest.time)
}

fn rest_for(percent: u64) -> Option<Duration> {
    match percent {
        limits::USAGE_FULL_PERCENT.. => Some(limits::THROTTLE_DEFAULT),
        limits::USAGE_HIGH_PERCENT.. => Some(limits::USAGE_REST),
        _ => None,
    }
}

/// What `X-App-Usage` and `X-Business-Use-Case-Usage` say: the largest share of anything, in percent, and the time
/// until there is access again. Their shapes are not settled (section 15), so what is not understood says nothing. Of
/// the second, what is about another product than Messenger is no matter of ours.
struct Usage {
    app_percent: u64,
    page_percent: u64,
    regain: Option<Duration>,
}

impl Usage {
    fn of(headers: &HeaderMap) -> Self {
        let read =
            |name: &str| -> Option<Value> { serde_json::from_slice(headers.get(name)?.as_bytes()).ok() };
        let (app, business) = (read("x-app-usage"), read("x-business-use-case-usage"));
        let lists = business.as_ref().and_then(Value::as_object);
        let of_messenger =
            |case: &&Value| case.get("type").and_then(Value::as_str).is_none_or(|of| of == "messenger");
        let cases: Vec<&Value> = lists
            .into_iter()
            .flat_map(|o| o.values())
            .filter_map(Value::as_array)
            .flatten()
            .filter(of_messenger)
            .collect();
        let minutes = cases.iter().filter_map(|u| u.get("estimated_time_to_regain_access")?.as_u64()).max();
        Self {
            app_percent: percent(app.iter()),
            page_percent: percent(cases.into_iter()),
            regain: minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60))),
        }
    }
}

/// The largest share that any of them names.
fn percent<'a>(usages: impl Iterator<Item = &'a Value>) -> u64 {
    let shares = ["call_count", "total_time", "total_cputime"];
    let share =
        |usage: &Value| shares.iter().filter_map(|name| usage.get(*name)?.as_f64()).fold(0.0, f64::max);
    let highest = usages.map(share).fold(0.0, f64::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is cut to 0 … 1000 first"
    )]
    let percent = highest.clamp(0.0, 1000.0) as u64;
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(name, value.parse().expect("header"));
        map
    }

    #[test]
    fn waiting_times_are_read_and_bounded() {
        assert_eq!(wait(&HeaderMap::new()), limits::THROTTLE_DEFAULT);
        assert_eq!(wait(&headers("retry-after", "7")), Duration::from_secs(7));
        assert_eq!(wait(&headers("retry-after", "soon")), limits::THROTTLE_DEFAULT);
        assert_eq!(wait(&headers("retry-after", "999999999")), limits::THROTTLE_MAX);
        let usage = r#"{"1":[{"type":"messenger","estimated_time_to_regain_access":3}],"2":[{}]}"#;
        assert_eq!(wait(&headers("x-business-use-case-usage", usage)), Duration::from_secs(180));
        let calm = r#"{"1":[{"type":"messenger","estimated_time_to_regain_access":0}]}"#;
        assert_eq!(wait(&headers("x-business-use-case-usage", calm)), limits::THROTTLE_DEFAULT);
    }

    #[test]
    fn a_share_that_is_nearly_used_up_is_a_rest() {
        assert_eq!(rest(&HeaderMap::new()), None);
        for (share, time) in [
            ("12", None),
            ("89.9", None),
            ("93", Some(limits::USAGE_REST)),
            ("100", Some(limits::THROTTLE_DEFAULT)),
        ] {
            let usage = format!(r#"{{"call_count":3,"total_time":{share},"total_cputime":0}}"#);
            let mut map = HeaderMap::new();
            map.insert("x-app-usage", usage.parse().expect("header"));
            assert_eq!(rest(&map), time.map(|time| Rest { time, whole_app: true }), "{share}");
            let case = format!(
                r#"{{"7":[{{"type":"messenger","call_count":{share},"estimated_time_to_regain_access":0}}]}}"#
            );
            let mut map = HeaderMap::new();
            map.insert("x-business-use-case-usage", case.parse().expect("header"));
            assert_eq!(rest(&map), time.map(|time| Rest { time, whole_app: false }), "{share}");
            // Another product's share is no matter of Messenger's.
            let other = case.replace("messenger", "ads_insights");
            map.insert("x-business-use-case-usage", other.parse().expect("header"));
            assert_eq!(rest(&map), None, "{share}");
        }
        let usage = r#"{"7":[{"type":"messenger","call_count":4,"estimated_time_to_regain_access":2}]}"#;
        let two_minutes = Some(Rest { time: Duration::from_secs(120), whole_app: false });
        assert_eq!(rest(&headers("x-business-use-case-usage", usage)), two_minutes);
        for odd in ["[]", "7", "{\"call_count\":\"many\"}", "{", "{\"call_count\":-1e300}"] {
            assert_eq!(rest(&headers("x-app-usage", odd)), None, "{odd}");
        }
    }

    type Recorded = (Option<i64>, Option<i64>);

    const fn code(code: i64) -> Recorded {
        (Some(code), None)
    }

    const fn sub(code: i64, sub: i64) -> Recorded {
        (Some(code), Some(sub))
    }

    /// Every code on record (appendix B) and what it means here.
    const RECORDED: &[(&str, &[Recorded])] = &[
        ("window-closed", &[sub(10, 2_018_278), sub(10, 2_534_022), sub(10, 2_018_065)]),
        (
            "unreachable",
            &[code(551), sub(551, 1_545_041), sub(200, 1_545_041), sub(10, 2_018_108), sub(10, 2_018_336)],
        ),
        ("token-dead", &[code(190), sub(190, 460), sub(190, 458), sub(190, 463), sub(190, 467)]),
        ("page-blocked", &[sub(10, 1_893_063), sub(10, 1_404_170), code(2022)]),
        ("not-thread-owner", &[code(2_018_300), code(2_018_321), sub(100, 2_534_037)]),
        ("throttled", &[sub(4, 2_018_022), sub(9, 2_018_352), code(613), code(80_006), code(32), code(17)]),
        ("throttled-app", &[code(4)]),
        ("throttled-person", &[sub(613, 2_018_338)]),
        ("not-allowed", &[code(200), sub(200, 2_018_028), code(230), sub(100, 2_018_164)]),
        ("transient", &[code(1200)]),
        // On record as "ambiguous-sent" and as "retry"; the latter may mean "sent", too (section 2.2).
        ("ambiguous", &[sub(1, 1_357_046), code(2), code(1)]),
        (
            "permanent",
            &[
                sub(1, 99),
                sub(1, 2_018_382),
                sub(2, 2_018_344),
                sub(4, 2_018_354),
                sub(10, 1_893_015),
                code(27),
                code(100),
                sub(100, 33),
                sub(100, 2_018_001),
                sub(100, 2_018_008),
                sub(100, 2_018_014),
                sub(100, 2_018_047),
                sub(100, 2_018_074),
                sub(100, 2_018_109),
                sub(100, 2_018_294),
                sub(100, 1_893_061),
                sub(100, 1_893_029),
                (None, Some(2_018_416)),
                (None, Some(2_388_051)),
                sub(613, 1_893_016),
                code(10_303),
                code(2_018_218),
                code(2_018_247),
                code(9_000_001),
            ],
        ),
    ];

    #[test]
    fn every_code_on_record_has_the_class_of_its_handling() {
        for (class, codes) in RECORDED {
            for &(code, error_subcode) in *codes {
                let error = GraphError { code, error_subcode, is_transient: false };
                let found = of_graph(400, &error, Duration::from_secs(1));
                assert_eq!(found.as_str(), *class, "{code:?}/{error_subcode:?}");
            }
        }
    }

    /// Nothing in the shared reference, which lies beside the repository, may be missing above or be sorted otherwise.
    #[test]
    fn the_table_covers_the_shared_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/messenger/errors.json");
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
            panic!("the shared data is part of the test set-up: expected it at `{path}` ({error})")
        });
        let rows: Vec<Value> = serde_json::from_str(&text).expect("a list of errors");
        assert!(rows.len() >= 50, "the file has {} rows", rows.len());
        for row in rows {
            let recorded = (row["code"].as_i64(), row["sub"].as_i64());
            let ours = RECORDED.iter().find(|(_, codes)| codes.contains(&recorded)).map(|(class, _)| *class);
            let expected = match row["class"].as_str().expect("class") {
                "token" => "token-dead",
                "throttle" if recorded == (Some(4), None) => "throttled-app",
                "throttle" => "throttled",
                "throttle-user" => "throttled-person",
                "ambiguous-sent" => "ambiguous",
                "retry" if recorded.0 == Some(2) => "ambiguous",
                "retry" => "transient",
                same @ ("window-closed" | "unreachable" | "page-blocked" | "not-thread-owner") => same,
                "config" if ours == Some("not-allowed") => "not-allowed",
                "permanent" | "config" | "skip" | "opt-out" | "bad-recipient" | "media" | "retired-tag"
                | "template" | "template-create" | "account-linking" | "profile" => "permanent",
                other => panic!("no handling for `{other}`"),
            };
            assert_eq!(ours, Some(expected), "{row}");
        }
    }

    #[test]
    fn answers_without_codes_go_by_their_status() {
        let of = |status, body: &str| {
            read_answer(status, &HeaderMap::new(), body.as_bytes()).map_err(|e| e.class.as_str())
        };
        assert!(of(200, r#"{"message_id":"m_1"}"#).is_ok());
        assert_eq!(of(200, "<html>"), Err("ambiguous"));
        assert_eq!(of(500, "oops"), Err("ambiguous"));
        assert_eq!(of(502, r#"{"error":{"code":0}}"#), Err("ambiguous"));
        assert_eq!(of(503, r#"{"error":{"code":"10","error_subcode":"2018278"}}"#), Err("window-closed"));
        assert_eq!(of(429, ""), Err("throttled"));
        assert_eq!(of(404, "not here"), Err("no-way"));
        assert_eq!(of(302, ""), Err("no-way"));
        assert_eq!(of(400, r#"{"error":{"code":77777,"is_transient":true}}"#), Err("transient"));
        assert_eq!(of(400, r#"{"error":{"code":77777}}"#), Err("permanent"));
        assert_eq!(of(400, r#"{"error":{"code":100,"error_subcode":2534037}}"#), Err("not-thread-owner"));
        assert_eq!(of(200, r#"{"error":{"code":190}}"#), Err("token-dead"));
    }
}
