//! Takes jobs one after the other: claim under a lease, make, store the files, finish.
//!
//! The control store decides who has a job; what Kafka announces only says "look now". A worker that dies loses its
//! lease and the job is taken again; a worker that was thought dead cannot finish a job it lost, and its files lie
//! under the number of its attempt, so it overwrites nobody's.

use std::sync::Arc;
use std::time::Duration;

use aal_control::{Control, ControlError, Job, JobFile, TenantScope};
use aal_service::Shutdown;
use aal_service::metrics::{Counter, Histogram, Metrics};
use aal_service::times::now_us;
use bytes::BytesMut;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::bundle::BundleError;
use crate::config::WorkerConfig;
use crate::document;
use crate::make::{Content, MadeFile, MakeError, Maker};
use crate::model::sha256;

/// Bytes of a bundle that are copied at a time.
const UPLOAD_PART: usize = 1 << 20;
/// Parts of a bundle that are on their way at once.
const PARTS_AHEAD: usize = 4;
/// Jobs looked at in one go.
const BATCH: u32 = 16;

/// What one worker needs.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Where jobs are.
    pub control: Control,
    /// Makes the files.
    pub maker: Arc<Maker>,
    /// Where finished files go.
    pub objects: Arc<dyn ObjectStore>,
    /// Lease, polling, attempts.
    pub config: WorkerConfig,
    /// Longest job.
    pub job_timeout: Duration,
    /// Rung when a request was announced.
    pub bell: Arc<Notify>,
    /// What is measured.
    pub numbers: Numbers,
    /// Its place in the readiness page.
    pub health: aal_service::Component,
}

/// What is measured.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// Jobs by result.
    pub done: Counter,
    pub failed: Counter,
    pub abandoned: Counter,
    /// Time of one job.
    pub duration: Histogram,
}

/// How the work on a claimed job ended.
#[derive(Debug)]
enum Ended {
    Made(Vec<MadeFile>),
    Failed(MakeError),
    /// The lease went to somebody else.
    Lost,
    /// The service stops.
    Stopped,
}

impl Numbers {
    /// Numbers that `metrics` shows.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let jobs = |result| {
            metrics.counter(
                "aal_report_jobs_total",
                "Report jobs by result.",
                &[("result", result)],
            )
        };
        Self {
            done: jobs("done"),
            failed: jobs("failed"),
            abandoned: jobs("abandoned"),
            duration: metrics.histogram("aal_report_job_seconds", "Time of one report job.", &[]),
        }
    }
}

impl Worker {
    /// Takes every job that waits now, one after the other; returns how many it looked at.
    ///
    /// # Errors
    /// The control store does not answer.
    pub async fn take_waiting(&self, shutdown: &Shutdown) -> Result<usize, ControlError> {
        let waiting = self.control.waiting_jobs(now_us(), BATCH).await?;
        for id in &waiting {
            if !shutdown.is_requested() {
                self.take(*id, shutdown).await;
            }
        }
        Ok(waiting.len())
    }

    /// Works until `shutdown`. A job under way then is given back at once.
    pub async fn run(self, shutdown: Shutdown) {
        let poll = Duration::from_millis(self.config.poll_ms.max(100));
        while !shutdown.is_requested() {
            match self.take_waiting(&shutdown).await {
                Ok(_) => self.health.up(),
                Err(error) => {
                    tracing::warn!(%error, "cannot look for jobs");
                    self.health.down("the control store does not answer");
                }
            }
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(poll) => {}
                () = shutdown.requested() => {}
            }
        }
    }

    fn lease_us(&self) -> i64 {
        i64::try_from(self.config.lease_ms)
            .unwrap_or(i64::MAX / 1000)
            .saturating_mul(1000)
    }

    async fn take(&self, id: Uuid, shutdown: &Shutdown) {
        // A name of its own for each claim: a worker never mistakes another claim for its own.
        let holder = Uuid::new_v4().to_string();
        let job = match self
            .control
            .claim_job(id, &holder, self.lease_us(), now_us())
            .await
        {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, job = %id, "cannot claim the job"),
        };
        tracing::info!(job = %id, kind = job.kind, attempt = job.attempts, "report started");
        let started = std::time::Instant::now();
        if let Err(error) = self.work(&job, &holder, shutdown).await {
            // The lease ends by itself and the job is taken again.
            tracing::warn!(%error, job = %id, "cannot settle the job; it will be taken again");
            self.numbers.abandoned.inc();
        }
        self.numbers.duration.observe(started.elapsed());
    }

    async fn work(&self, job: &Job, holder: &str, shutdown: &Shutdown) -> Result<(), MakeError> {
        if job.attempts > self.config.attempts_max {
            let reason = format!(
                "given up after {} attempts that did not end",
                self.config.attempts_max
            );
            return self.fail(job, holder, &reason).await;
        }
        let ended = tokio::select! {
            made = tokio::time::timeout(self.job_timeout, self.make(job)) => match made {
                Ok(Ok(files)) => Ended::Made(files),
                Ok(Err(error)) => Ended::Failed(error),
                Err(_) => {
                    let limit_ms = u64::try_from(self.job_timeout.as_millis()).unwrap_or(u64::MAX);
                    Ended::Failed(MakeError::TimedOut { limit_ms })
                }
            },
            () = self.keep_lease(job.id, holder) => Ended::Lost,
            () = shutdown.requested() => Ended::Stopped,
        };
        match ended {
            Ended::Made(files) => self.finish(job, holder, files).await,
            Ended::Failed(error) if error.is_transient() && job.attempts < self.config.attempts_max => {
                Err(error)
            }
            Ended::Failed(error) => self.fail(job, holder, &chain(&error)).await,
            Ended::Lost => {
                tracing::warn!(job = %job.id, "lease lost; leaving the job to its new holder");
                Ok(())
            }
            Ended::Stopped => {
                self.control.renew_job(job.id, holder, 0, now_us()).await?;
                Ok(())
            }
        }
    }

    /// Reports are made from the ledger; documents that others prepared are only rendered.
    async fn make(&self, job: &Job) -> Result<Vec<MadeFile>, MakeError> {
        if document::is_document(&job.kind) {
            return document::make(&self.maker, self.objects.as_ref(), job).await;
        }
        self.maker.make(job, now_us()).await
    }

    /// Renews the lease three times in its length; returns when it is lost.
    async fn keep_lease(&self, id: Uuid, holder: &str) {
        let every = Duration::from_millis((self.config.lease_ms / 3).max(10));
        loop {
            tokio::time::sleep(every).await;
            match self
                .control
                .renew_job(id, holder, self.lease_us(), now_us())
                .await
            {
                Ok(true) => {}
                Ok(false) => return,
                // The control store may come back before the lease ends; finishing is checked against it anyway.
                Err(error) => tracing::warn!(%error, job = %id, "cannot renew the lease"),
            }
        }
    }

    async fn finish(&self, job: &Job, holder: &str, made: Vec<MadeFile>) -> Result<(), MakeError> {
        let mut files = Vec::new();
        for file in made {
            let key = key(job, &file);
            let format = file.format.name().to_owned();
            let (bytes, sha256) = match file.content {
                Content::Bytes(bytes) => {
                    let (size, digest) = (bytes.len() as u64, sha256(&bytes).to_string());
                    self.objects.put(&key, bytes.into()).await?;
                    (size, digest)
                }
                Content::Bundle(bundle) => {
                    upload(self.objects.as_ref(), &key, bundle.file.path()).await?;
                    (bundle.summary.bytes, bundle.summary.sha256)
                }
            };
            let key = key.to_string();
            files.push(JobFile {
                format,
                bytes,
                sha256,
                key,
            });
        }
        if self.control.finish_job(job.id, holder, &files, now_us()).await? {
            tracing::info!(job = %job.id, "report done");
            self.numbers.done.inc();
        } else {
            tracing::warn!(job = %job.id, "report made, but the job went to another worker");
        }
        Ok(())
    }

    async fn fail(&self, job: &Job, holder: &str, reason: &str) -> Result<(), MakeError> {
        tracing::warn!(job = %job.id, reason, "report failed");
        if self.control.fail_job(job.id, holder, reason, now_us()).await? {
            self.numbers.failed.inc();
        }
        Ok(())
    }
}

/// Copies a file into the store part by part.
async fn upload(objects: &dyn ObjectStore, key: &Path, file: &std::path::Path) -> Result<(), MakeError> {
    let mut input = tokio::fs::File::open(file).await.map_err(BundleError::from)?;
    let mut output = WriteMultipart::new(objects.put_multipart(key).await?);
    loop {
        let mut part = BytesMut::with_capacity(UPLOAD_PART);
        if input.read_buf(&mut part).await.map_err(BundleError::from)? == 0 {
            break;
        }
        output.wait_for_capacity(PARTS_AHEAD).await?;
        output.put(part.freeze());
    }
    output.finish().await?;
    Ok(())
}

/// `reports/<tenant>/<job>/<attempt>/report.<format>`.
fn key(job: &Job, file: &MadeFile) -> Path {
    let tenant = match job.tenant {
        TenantScope::All => "all".to_owned(),
        TenantScope::One(tenant) => tenant.to_string(),
    };
    let name = format!("report.{}", file.format.name());
    Path::from_iter([
        "reports",
        &tenant,
        &job.id.to_string(),
        &job.attempts.to_string(),
        &name,
    ])
}

/// An error with its causes, for the person who asked for the report.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.contains(&line) {
            text = format!("{text}: {line}");
        }
        cause = inner.source();
    }
    text
}
