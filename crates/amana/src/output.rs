//! Standard output: what a command answers. A reader that has gone away is no error.

use std::io::Write as _;

/// Writes one line.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
