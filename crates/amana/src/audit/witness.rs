//! `amana audit witness`: cosigns checkpoints of logs that only grow (C2SP `tlog-witness`).

use crate::ambient::{OsEntropy, SystemClock};
use crate::lifecycle::Stop;
use crate::{files, limits, output, serve, server};
use amana_core::Clock as _;
use amana_log::note::{Cosigner, VerifierKey};
use amana_log::witness::{AddCheckpoint, Answer, Seen, Witness};
use anyhow::{Context as _, anyhow, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// What was cosigned last, per log, as it is kept.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Kept(BTreeMap<String, Last>);

#[derive(Clone, Serialize, Deserialize)]
struct Last {
    size: u64,
    root: String,
}

struct Running {
    witness: Witness,
    file: PathBuf,
    kept: Mutex<Kept>,
}

fn seed(file: &Path) -> anyhow::Result<Zeroizing<[u8; 32]>> {
    if !file.exists() {
        let fresh = Zeroizing::new(format!("{}\n", OsEntropy::hex::<32>()));
        files::write_private(file, fresh.as_bytes())
            .with_context(|| format!("the witness's key cannot be written to `{}`", file.display()))?;
    }
    let text = files::read_text(file, limits::SECRET_FILE_BYTES_MAX).map(Zeroizing::new);
    let text = text.map_err(|why| anyhow!("the witness's key `{}` {why}", file.display()))?;
    let bytes = hex::decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let Some(bytes) = bytes else {
        bail!("the witness's key `{}` must hold 64 hexadecimal digits and nothing else", file.display());
    };
    Ok(Zeroizing::new(bytes))
}

fn kept(file: &Path) -> anyhow::Result<Kept> {
    if !file.exists() {
        return Ok(Kept::default());
    }
    let text = files::read_text(file, limits::BUNDLE_BYTES_MAX)
        .map_err(|why| anyhow!("the witness's state `{}` {why}", file.display()))?;
    // Without its memory a witness would vouch for a rewritten log: it must not begin anew by itself.
    serde_json::from_str(&text).with_context(|| {
        format!("the witness's state `{}` cannot be read; put it back from a backup", file.display())
    })
}

pub(super) async fn witness(
    listen: SocketAddr,
    name: &str,
    logs: &[String],
    data_dir: &Path,
) -> anyhow::Result<ExitCode> {
    files::make_private_folder(data_dir)
        .with_context(|| format!("the folder `{}` cannot be made", data_dir.display()))?;
    let seed = seed(&data_dir.join("witness.key"))?;
    let mut witness = Witness::new(Cosigner::new(name, &seed).context("the witness's name")?);
    for log in logs {
        let key = VerifierKey::parse(log).with_context(|| format!("`--log {log}`"))?;
        witness.trust(key).with_context(|| format!("`--log {log}`"))?;
    }
    let file = data_dir.join("witness.json");
    let kept = Mutex::new(kept(&file)?);
    let stop = Stop::on_signals(limits::DRAIN).context("signals cannot be heard")?;
    let listener = serve::bind(listen, "choose another with `--listen`").await?;
    output::line(&format!("a witness listens at http://{}", listener.local_addr()?));
    output::line(&format!(
        "its key for policy files: witness {} {}",
        name.replace('/', "-"),
        witness.verifier()
    ));
    let running = Arc::new(Running { witness, file, kept });
    let router = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/healthz", get(|| async { "ok" }))
        .layer(DefaultBodyLimit::max(amana_log::limits::REQUEST_MAX_BYTES))
        .with_state(running);
    server::serve(listener, router, stop.soft.clone(), server::Bounds::default()).await;
    Ok(ExitCode::SUCCESS)
}

async fn add_checkpoint(State(running): State<Arc<Running>>, body: Bytes) -> Response {
    // One at a time, and off the threads that serve: the state is on disk before the answer goes out.
    let done = tokio::task::spawn_blocking(move || running.add(&body)).await;
    done.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

impl Running {
    fn add(&self, body: &[u8]) -> Response {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = kept.0.get(request.origin()).map_or(Some(Seen::default()), |last| {
            let root = hex::decode(&last.root).ok().and_then(|root| root.try_into().ok())?;
            Some(Seen { size: last.size, root })
        }) else {
            tracing::error!("the witness's state is damaged; nothing is cosigned");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let unix = u64::try_from(SystemClock.now().as_second()).unwrap_or_default();
        let answer = self.witness.decide(&request, seen, unix);
        match &answer {
            Answer::Cosigned { seen, .. } => {
                let mut next = kept.clone();
                let last = Last { size: seen.size, root: hex::encode(seen.root) };
                next.0.insert(request.origin().to_owned(), last);
                let text = serde_json::to_vec(&next).unwrap_or_default();
                if let Err(error) = files::write_private(&self.file, &text) {
                    tracing::error!(%error, "the witness's state cannot be written; nothing is cosigned");
                    return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                }
                *kept = next;
            }
            Answer::Inconsistent => {
                tracing::error!(log = request.origin(), "a log shows a history that it did not grow from");
                let evidence = self.file.with_file_name("evidence.txt");
                if let Err(error) = files::write_private(&evidence, body) {
                    tracing::error!(%error, "the evidence cannot be written");
                }
            }
            Answer::BadRequest | Answer::Forbidden | Answer::UnknownLog | Answer::Conflict { .. } => {}
        }
        let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, answer.content_type())], answer.body()).into_response()
    }
}
