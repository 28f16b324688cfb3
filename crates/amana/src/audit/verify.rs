//! `amana audit verify`.

use crate::{files, limits, output};
use amana_log::bundle::{Bundle, Mine, Rejected, Rule, Saved, Trust, Verified, verify as verify_bundle};
use amana_log::policy::Policy;
use anyhow::{Context as _, anyhow, bail};
use std::io::Read as _;
use std::path::{Path, PathBuf};
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

/// What was saved: of a bundle whose receipts, too, of a note the checkpoint alone.
fn saved(path: &Path) -> anyhow::Result<Saved> {
    let text = read(path)?;
    Saved::read(&text).with_context(|| format!("`{}` is neither a bundle nor a checkpoint", path.display()))
}

pub(super) fn verify(
    bundles: &[PathBuf],
    vkey: Option<String>,
    policy_file: Option<&Path>,
    since: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut trust =
        Trust { vkey, policy: policy(policy_file)?, since: since.map(saved).transpose()?, after: None };
    let mut whole: Option<Verified> = None;
    for path in bundles {
        let text = read(path)?;
        let part = match &whole {
            Some(whole) if !whole.more => {
                Err(Rejected { rule: Rule::Memory, detail: "a part stands behind the last one".to_owned() })
            }
            _ => verify_bundle(&text, &trust),
        };
        match part {
            Ok(part) => {
                trust.after = part.saved();
                whole = Some(together(whole, part));
            }
            Err(rejected) => {
                refuse(&rejected, &text, &trust, json);
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let Some(mut whole) = whole else { bail!("name a bundle") };
    if let Some(saved) = &trust.since {
        whole.since = Some(saved.size);
    }
    if json {
        output::line(&serde_json::json!({ "ok": true, "verified": whole }).to_string());
    } else {
        say(&whole, trust.since.and_then(|saved| saved.mine));
    }
    // A part alone is no whole: only all of them are good.
    Ok(if whole.more { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What the parts so far say together with the next one.
fn together(before: Option<Verified>, part: Verified) -> Verified {
    let Some(before) = before else { return part };
    let mut kinds = before.kinds;
    for (kind, count) in part.kinds {
        *kinds.entry(kind).or_insert(0) += count;
    }
    Verified {
        receipts: before.receipts.saturating_add(part.receipts),
        segments: before.segments.saturating_add(part.segments),
        first: before.first.or(part.first),
        last: part.last.or(before.last),
        kinds,
        ..part
    }
}

fn refuse(rejected: &Rejected, text: &str, trust: &Trust, json: bool) {
    if json {
        let said = serde_json::json!({ "ok": false, "rule": rejected.rule, "detail": rejected.detail });
        output::line(&said.to_string());
        return;
    }
    output::line(&format!("REFUSED by the rule `{}`: {}", rejected.rule, rejected.detail));
    let bridge = Bundle::parse(text).ok().and_then(|bundle| bundle.since).map(|since| since.size);
    output::line(&match trust.after.or(trust.since) {
        Some(Saved { size, .. }) if rejected.rule == Rule::Consistency && bridge != Some(size) => format!(
            "The bundle holds no proof from the checkpoint of {size} entries that you saved: fetch it with \
             `/privacy/bundle?since={size}`, and try again."
        ),
        _ if rejected.rule == Rule::Memory => {
            "It is not what you had, or not the part that follows. Another person's bundle, or one from after everything \
             was erased at your request, is refused here, too. If it is neither, keep both files, and ask whoever runs the \
             log."
                .to_owned()
        }
        _ => "This is not what an honest log gives. Keep the file, and ask whoever runs the log.".to_owned(),
    });
}

fn say(verified: &Verified, remembered: Option<Mine>) {
    let at = verified.mine.at;
    let (receipts, origin, size) = (verified.receipts, &verified.origin, verified.size);
    output::line(&if verified.more {
        format!(
            "so far good: {receipts} receipts, each in the log `{origin}`, and another part follows: without it nothing is \
             said of the end\n  fetch it: /privacy/bundle?since={size}&seq={}&segment={}",
            at.seq, at.segment
        )
    } else if at.seq > receipts {
        format!(
            "good: {receipts} receipts since the bundle that you saved, {} with those, none missing, each in the log \
             `{origin}` (checkpoint of {size} entries)",
            at.seq
        )
    } else {
        format!(
            "good: {receipts} receipts, none missing, each in the log `{origin}` (checkpoint of {size} entries)"
        )
    });
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
        None => output::line(
            "  keep this file: the next time, `--since` proves that the log only grew, and that nothing you had is gone",
        ),
    }
    if let Some(mine) = remembered {
        output::line(&format!(
            "  the {} receipts that you saved are there as they were, under the same key",
            mine.at.seq
        ));
    }
}
