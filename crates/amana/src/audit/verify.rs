//! `amana audit verify`.

use crate::{files, limits, output};
use amana_log::bundle::{Bundle, Rule, Trust, Verified, verify as verify_bundle};
use amana_log::checkpoint::Checkpoint;
use amana_log::note::Note;
use amana_log::policy::Policy;
use anyhow::{Context as _, anyhow};
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

fn read(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .take(limits::BUNDLE_BYTES_MAX)
            .read_to_string(&mut text)
            .context("standard input cannot be read as text")?;
        return Ok(text);
    }
    files::read_text(path, limits::BUNDLE_BYTES_MAX).map_err(|why| anyhow!("`{}` {why}", path.display()))
}

/// The policy of a file.
pub(super) fn policy(path: Option<&Path>) -> anyhow::Result<Option<Policy>> {
    path.map(|path| {
        let text = read(path)?;
        Policy::parse(&text).with_context(|| format!("the policy file `{}`", path.display()))
    })
    .transpose()
}

/// Size and root of a checkpoint that was saved, as a note or within a bundle.
fn saved(path: &Path) -> anyhow::Result<(u64, amana_log::Hash)> {
    let text = read(path)?;
    let note = Bundle::parse(&text).map_or(text, |bundle| bundle.checkpoint);
    let note = Note::parse(&note)
        .with_context(|| format!("`{}` is neither a bundle nor a checkpoint", path.display()))?;
    let checkpoint = Checkpoint::parse(note.text())
        .with_context(|| format!("the note in `{}` is no checkpoint", path.display()))?;
    Ok((checkpoint.size, checkpoint.root))
}

pub(super) fn verify(
    bundle: &Path,
    vkey: Option<String>,
    policy_file: Option<&Path>,
    since: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let trust = Trust { vkey, policy: policy(policy_file)?, since: since.map(saved).transpose()? };
    let text = read(bundle)?;
    match verify_bundle(&text, &trust) {
        Ok(verified) if json => {
            output::line(&serde_json::json!({ "ok": true, "verified": verified }).to_string());
            Ok(ExitCode::SUCCESS)
        }
        Ok(verified) => {
            say(&verified);
            Ok(ExitCode::SUCCESS)
        }
        Err(rejected) => {
            if json {
                let said =
                    serde_json::json!({ "ok": false, "rule": rejected.rule, "detail": rejected.detail });
                output::line(&said.to_string());
            } else {
                output::line(&format!("REFUSED by the rule `{}`: {}", rejected.rule, rejected.detail));
                let bridge =
                    Bundle::parse(&text).ok().and_then(|bundle| bundle.since).map(|since| since.size);
                match trust.since {
                    Some((size, _)) if rejected.rule == Rule::Consistency && bridge != Some(size) => {
                        output::line(&format!(
                            "The bundle holds no proof from the checkpoint of {size} entries that you saved: \
                             fetch it with `/privacy/bundle?since={size}`, and try again."
                        ));
                    }
                    _ => output::line(
                        "This is not what an honest log gives. Keep the file, and ask whoever runs the log.",
                    ),
                }
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn say(verified: &Verified) {
    output::line(&format!(
        "good: {} receipts, none missing, each in the log `{}` (checkpoint of {} entries)",
        verified.receipts, verified.origin, verified.size
    ));
    for (kind, count) in &verified.kinds {
        output::line(&format!("  {kind}: {count}"));
    }
    if let (Some(first), Some(last)) = (&verified.first, &verified.last) {
        output::line(&format!("  from {first} to {last}"));
    }
    output::line(if verified.key_pinned {
        "  the log's key is the one you gave"
    } else {
        "  the log's key came from the bundle itself: give `--vkey` from a place you trust to prove more"
    });
    match &verified.witnesses {
        Some(names) => output::line(&format!("  cosigned by {}", names.join(", "))),
        None => output::line(
            "  no witness was asked for: with `--policy`, nobody can have been shown another log",
        ),
    }
    match verified.since {
        Some(size) => output::line(&format!("  grown from the checkpoint of {size} entries that you saved")),
        None => output::line("  keep this file: the next time, `--since` proves that the log only grew"),
    }
}
