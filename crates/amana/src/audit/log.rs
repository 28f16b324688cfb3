//! `amana audit log`: the public log, rebuilt from its files.

use super::http::HttpTiles;
use crate::{files, limits, output};
use amana_log::audit::{Fault, Report, State, audit};
use amana_log::note::VerifierKey;
use amana_log::policy::Policy;
use amana_log::tiles::{DirTiles, Fsync};
use anyhow::{Context as _, anyhow, bail};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use url::Url;

pub(super) struct Ask {
    pub(super) url: Option<Url>,
    pub(super) dir: Option<PathBuf>,
    pub(super) vkey: String,
    pub(super) policy: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) json: bool,
}

fn before(path: Option<&Path>) -> anyhow::Result<Option<State>> {
    let Some(path) = path.filter(|path| path.exists()) else { return Ok(None) };
    let text = files::read_text(path, limits::SECRET_FILE_BYTES_MAX)
        .map_err(|why| anyhow!("the state `{}` {why}", path.display()))?;
    let state = serde_json::from_str(&text)
        .with_context(|| format!("the state `{}` is not one that an audit wrote", path.display()))?;
    Ok(Some(state))
}

pub(super) async fn log(ask: Ask) -> anyhow::Result<ExitCode> {
    let vkey = VerifierKey::parse(&ask.vkey).context("`--vkey`")?;
    let policy = super::verify::policy(ask.policy.as_deref())?;
    let before = before(ask.state.as_deref())?;
    let state = ask.state.clone();
    let json = ask.json;
    let result = match (ask.url, ask.dir) {
        (Some(url), _) => {
            let tiles = HttpTiles::new(url).context("no http client can be made")?;
            tokio::task::spawn_blocking(move || checked(&tiles, &vkey, policy.as_ref(), before.as_ref()))
                .await?
        }
        (None, Some(dir)) => {
            let tiles = DirTiles::new(dir, Fsync::Never);
            tokio::task::spawn_blocking(move || checked(&tiles, &vkey, policy.as_ref(), before.as_ref()))
                .await?
        }
        (None, None) => bail!("give `--url` or `--dir`"),
    };
    match result {
        Ok(report) => {
            if let Some(path) = state {
                let text = serde_json::to_vec(&report.state)?;
                files::write_private(&path, &text)
                    .with_context(|| format!("the state `{}` cannot be written", path.display()))?;
            }
            if json {
                output::line(&serde_json::json!({ "ok": true, "report": report }).to_string());
            } else {
                say(&report);
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            if json {
                let said = serde_json::json!({ "ok": false, "check": fault.check, "detail": fault.detail });
                output::line(&said.to_string());
            } else {
                output::line(&format!("WRONG at the check `{}`: {}", fault.check, fault.detail));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn checked(
    tiles: &impl amana_log::tiles::TileRead,
    vkey: &VerifierKey,
    policy: Option<&Policy>,
    before: Option<&State>,
) -> Result<Report, Fault> {
    let watched = std::io::stderr().is_terminal();
    let mut shown = 0;
    let report = audit(tiles, vkey, policy, before, |done, size| {
        let percent = done.saturating_mul(100) / size.max(1);
        if watched && percent > shown {
            shown = percent;
            let _ = write!(std::io::stderr().lock(), "\r{percent} % of {size} entries");
        }
    });
    if watched && shown > 0 {
        let _ = writeln!(std::io::stderr().lock());
    }
    report
}

fn say(report: &Report) {
    let state = &report.state;
    output::line(&format!(
        "good: the log `{}` with {} entries; read from {} on: {} receipts, {} index entries, {} rule changes, {} segments ended",
        state.origin, state.size, report.from, report.receipts, report.indexes, report.rules, report.ended
    ));
    output::line("every root, every index and every tile is what the entries make");
    match &report.witnesses {
        Some(names) => output::line(&format!("cosigned by {}", names.join(", "))),
        None => output::line("no witness was asked for"),
    }
}
