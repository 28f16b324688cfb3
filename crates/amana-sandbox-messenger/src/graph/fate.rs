//! What the fault switches and the chaos mode have for one send call.

use axum::http::StatusCode;

use super::Call;
use super::error::GraphError;
use super::params::text;
use super::recorded::injected;
use crate::chaos::Chaos;
use crate::faults::take;
use crate::hub::Inner;
use crate::model::{ThreadKey, TokenHealth};

/// Why a send is not carried out.
#[derive(Debug)]
pub(super) enum Before {
    /// The caller gets this error.
    Refused(GraphError),
    /// The caller gets a broken connection.
    Lost,
}

/// How a send that is carried out ends.
#[derive(Debug, Default)]
pub(super) struct After {
    /// The connection is dropped without an answer.
    pub(super) dropped: bool,
    /// The answer is 1/1357046.
    pub(super) maybe_sent: bool,
    /// The answer comes after so many milliseconds.
    pub(super) slow_ms: u64,
    /// The echo comes before the answer.
    pub(super) echo_first: bool,
    /// The echo never comes.
    pub(super) no_echo: bool,
}

/// Decides about one call. Switches come before chaos; a sender action has no part in the chaos, so that a client
/// that shows typing draws the same faults as one that does not.
pub(super) fn of(inner: &mut Inner, call: &Call, page: &str) -> Result<After, Before> {
    let faults = &mut inner.data.faults;
    if let Some(error) = fail_next(faults) {
        return Err(Before::Refused(error));
    }
    if take(&mut faults.lose_request_next) {
        return Err(Before::Lost);
    }
    let mut after = After { echo_first: faults.echo_first, ..After::default() };
    if take(&mut faults.drop_connection_next) {
        after.dropped = true;
        return Ok(after);
    }
    if take(&mut faults.sent_error_next) {
        after.maybe_sent = true;
        return Ok(after);
    }
    if let Some(slow) = &mut faults.slow_next {
        after.slow_ms = slow.ms;
        slow.times = slow.times.saturating_sub(1);
        if slow.times == 0 {
            faults.slow_next = None;
        }
        return Ok(after);
    }
    if call.params.get("message").is_none() {
        return Ok(after);
    }
    let Some(chaos) = inner.data.chaos.clone() else { return Ok(after) };
    let psid = call.params.get("recipient").and_then(|r| r.get("id")).and_then(text).unwrap_or_default();
    let Some(key) = inner.data.psids.get(&psid).filter(|k| k.page == page).cloned() else { return Ok(after) };
    let Some(thread) = inner.data.threads.get_mut(&key) else { return Ok(after) };
    thread.sends += 1;
    let n = thread.sends;
    disturb(inner, &chaos, &key, n, after)
}

fn fail_next(faults: &mut crate::faults::Faults) -> Option<GraphError> {
    let next = faults.fail_next.as_mut()?;
    let mut error = injected(next.code, next.subcode);
    if let Some(message) = next.message.clone() {
        error.message = message;
    }
    if let Some(status) = next.status.and_then(|s| StatusCode::from_u16(s).ok()) {
        error.status = status;
    }
    next.times = next.times.saturating_sub(1);
    if next.times == 0 {
        faults.fail_next = None;
    }
    Some(error)
}

/// The chaos mode's draw for the `n`th message of a conversation. At most one fault of the call itself, and beside it
/// what befalls the echo.
fn disturb(
    inner: &mut Inner,
    chaos: &Chaos,
    key: &ThreadKey,
    n: u64,
    mut after: After,
) -> Result<After, Before> {
    let counts = &mut inner.data.chaos_counts;
    let mut hit = |fault: &'static str, chance: u32| {
        let hit = chaos.happens(fault, chance, key, n);
        if hit {
            *counts.entry(fault).or_default() += 1;
        }
        hit
    };
    if hit("lose_request", chaos.lose_request) {
        return Err(Before::Lost);
    }
    if hit("transient", chaos.transient) {
        let mut error = injected(2, None);
        if chaos.draw("status", key, n).is_multiple_of(2) {
            error.status = StatusCode::SERVICE_UNAVAILABLE;
        }
        return Err(Before::Refused(error));
    }
    if hit("throttled", chaos.throttled) {
        let code = match chaos.draw("code", key, n) % 4 {
            0 => 4,
            1 => 32,
            2 => 613,
            _ => 80_006,
        };
        return Err(Before::Refused(GraphError::throttled(code)));
    }
    if hit("token_dead", chaos.token_dead)
        && let Some(error) = GraphError::token(TokenHealth::PasswordChanged)
    {
        return Err(Before::Refused(error));
    }
    if hit("page_blocked", chaos.page_blocked) {
        return Err(Before::Refused(GraphError::restricted()));
    }
    if hit("user_blocked", chaos.user_blocked) {
        return Err(Before::Refused(GraphError::blocked()));
    }
    after.echo_first |= hit("echo_first", chaos.echo_first);
    if hit("drop_connection", chaos.drop_connection) {
        after.dropped = true;
    } else if hit("sent_error", chaos.sent_error) {
        after.maybe_sent = true;
    } else if hit("hang", chaos.hang) {
        after.slow_ms = chaos.hang_ms;
    } else if hit("slow", chaos.slow) {
        after.slow_ms = chaos.wait("slow", chaos.slow_max_ms, key, n);
    }
    // Whatever became of the answer: what is in doubt may have no echo either.
    after.no_echo |= hit("drop_echo", chaos.drop_echo);
    Ok(after)
}
