//! The durable queue of things that must be done at a bank, even if it is down now.

use crate::error::FlowError;
use crate::gateway::{Gateway, shard_context};
use crate::limits::{JOB_ATTEMPTS_MAX, POLL_EVERY};
use crate::revoke::RevokeWork;
use amana_bank::Tokens;
use amana_store::{Command, Job, JobKind};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Jobs that one round takes.
const JOBS_AT_ONCE: usize = 16;

impl Gateway {
    /// Works until the token is cancelled.
    pub async fn run_jobs(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let due = self.store.jobs_due(self.now(), JOBS_AT_ONCE).await.unwrap_or_else(|error| {
                tracing::error!(%error, "cannot read the jobs");
                Vec::new()
            });
            let none = due.is_empty();
            for job in due {
                self.work_job(job).await;
            }
            if none {
                tokio::select! {
                    () = self.jobs_filled.notified() => {}
                    () = tokio::time::sleep(POLL_EVERY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    pub(crate) async fn work_job(&self, job: Job) {
        let (id, attempts) = (job.id, job.attempts);
        let retry_at = match self.do_job(&job).await {
            Ok(()) => None,
            Err(why) if attempts < JOB_ATTEMPTS_MAX => {
                tracing::warn!(job = hex::encode(id), why, attempts, "a job is put off");
                Some(self.backoff(attempts))
            }
            Err(why) => {
                tracing::error!(job = hex::encode(id), why, "a job is given up");
                None
            }
        };
        if let Err(error) = self.store.submit(vec![Command::FinishJob { id, retry_at }]).await {
            tracing::warn!(%error, "a job's end could not be stored; it will be done again");
        }
    }

    async fn do_job(&self, job: &Job) -> Result<(), String> {
        let work = self.open_job(job).await.map_err(|e| e.to_string())?;
        match job.kind {
            JobKind::RevokeAtBank => {
                let Ok(tokens) = Tokens::from_bytes(&work.tokens) else { return Ok(()) };
                let Ok(institution) = self.institution(&work.institution) else { return Ok(()) };
                institution
                    .bank
                    .revoke(&tokens, work.bank_consent.as_deref())
                    .await
                    .map_err(|e| e.class.as_str().to_owned())
            }
        }
    }

    async fn open_job(&self, job: &Job) -> Result<RevokeWork, FlowError> {
        let customer = self.customer_of(job.shard, job.customer).await?;
        let plain = customer.key.open(&shard_context("job", job.shard, &job.id), &job.body)?;
        serde_json::from_slice(&plain).map_err(|_| FlowError::Unreadable("job"))
    }
}
