//! Rates: what was called how often, by the virtual clock, and the headers that say so (messenger reference 2.3).

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::hub::{Hub, Inner};
use crate::limits;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Meter {
    Text,
    Media,
    Profile,
    Conversations,
    /// One person's menu.
    OwnMenu,
    /// Everything, in 24 hours.
    Day,
}

impl Meter {
    fn span_ms(self) -> i64 {
        match self {
            Self::Text | Self::Media | Self::Conversations => 1_000,
            Self::Profile | Self::OwnMenu => 600_000,
            Self::Day => 86_400_000,
        }
    }
}

/// The counts of the current spans: by meter and page (or page-scoped id), the span's start and the calls in it.
#[derive(Debug, Default)]
pub(crate) struct Usage(HashMap<(Meter, String), (i64, u64)>);

impl Usage {
    /// Counts one call; says whether it is within the limit (0: no limit).
    pub(crate) fn charge(&mut self, now: i64, meter: Meter, whose: &str, limit: u64) -> bool {
        let (start, count) = self.0.entry((meter, whose.to_owned())).or_insert((now, 0));
        if now - *start >= meter.span_ms() || now < *start {
            (*start, *count) = (now, 0);
        }
        if limit > 0 && *count >= limit {
            return false;
        }
        *count += 1;
        true
    }

    fn count(&self, now: i64, meter: Meter, whose: &str) -> u64 {
        self.0
            .get(&(meter, whose.to_owned()))
            .filter(|(start, _)| now - start < meter.span_ms())
            .map_or(0, |(_, n)| *n)
    }
}

/// The calls that a page may make in 24 hours: 200 for each person who wrote in that time.
fn allowance(inner: &Inner, now: i64, page: &str) -> u64 {
    let engaged = inner
        .data
        .threads
        .values()
        .filter(|t| t.key.page == page && t.last_inbound_ms.is_some_and(|at| now - at < 86_400_000))
        .count();
    let each = match inner.data.settings.calls_per_person {
        0 => u64::from(limits::CALLS_PER_PERSON),
        n => u64::from(n),
    };
    each.saturating_mul(u64::try_from(engaged.max(1)).unwrap_or(1))
}

/// Counts a call of a page against its day. `false`: over, where that is enforced.
pub(crate) fn charge_day(inner: &mut Inner, hub: &Hub, page: &str) -> bool {
    let now = hub.now_ms(inner);
    let limit = if inner.data.settings.calls_per_person == 0 { 0 } else { allowance(inner, now, page) };
    inner.data.usage.charge(now, Meter::Day, page, limit)
}

/// The values of `X-App-Usage` and `X-Business-Use-Case-Usage` for a page.
pub(crate) fn headers(inner: &Inner, hub: &Hub, page: Option<&str>) -> (String, Option<String>) {
    let now = hub.now_ms(inner);
    let shown = inner.data.faults.usage.clone().unwrap_or_default();
    let throttle = inner.data.faults.throttle.as_ref();
    let throttle = throttle.filter(|t| page.map_or(t.until_ms > now, |page| t.holds(now, page)));
    let throttled = |codes: &[u32]| throttle.is_some_and(|t| codes.contains(&t.code));
    let percent = |page: &str| {
        let used = inner.data.usage.count(now, Meter::Day, page);
        u32::try_from(used.saturating_mul(100) / allowance(inner, now, page)).unwrap_or(u32::MAX)
    };
    let total = hub.config.pages.iter().map(|p| percent(&p.id)).max().unwrap_or(0);
    let app = shown.app.unwrap_or(if throttled(&[4, 17]) { 100 } else { total });
    let app_usage = json!({"call_count": app, "total_time": app / 4, "total_cputime": app / 4});
    let page_usage = page.map(|page| {
        let count =
            shown.page.unwrap_or_else(|| if throttled(&[32, 613, 80_006]) { 100 } else { percent(page) });
        let regain = match throttle {
            Some(t) if count >= 100 => u32::try_from((t.until_ms - now + 59_999) / 60_000).unwrap_or(1),
            _ => shown.regain_min,
        };
        let usage: Value = json!({page: [{
            "type": "messenger", "call_count": count, "total_cputime": count / 4, "total_time": count / 4,
            "estimated_time_to_regain_access": regain,
        }]});
        usage.to_string()
    });
    (app_usage.to_string(), page_usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the limit holds within a span and is new in the next.
    #[test]
    fn a_limit_holds_within_its_span() {
        let mut usage = Usage::default();
        let ten =
            |usage: &mut Usage, now| (0..12).filter(|_| usage.charge(now, Meter::Profile, "1", 10)).count();
        assert_eq!(ten(&mut usage, 1_000), 10);
        assert_eq!(ten(&mut usage, 600_999), 0);
        assert!(usage.charge(1_000, Meter::Profile, "2", 10), "pages are counted apart");
        assert_eq!(ten(&mut usage, 601_000), 10);
        assert!((0..1_000).all(|_| usage.charge(1_000, Meter::Text, "1", 0)), "0 is no limit");
    }
}
