//! Runs one verification: one task reads, one thread checks, and a few records are between them.

use std::sync::Arc;
use std::time::Duration;

use aal_ledger::TrustPolicy;
use aal_service::Problem;
use aal_store::StoredRow;
use aal_verify::{Report, Verifier, Witnessed};
use tokio::sync::mpsc;

use crate::app::App;
use crate::ledger::whole::job::{End, Job};
use crate::ledger::whole::{keep, read};
use crate::scope::Scope;

/// What is read ahead of the checks. A record may hold some megabytes.
const READ_AHEAD: usize = 16;

/// What the verifier is fed, in its order.
pub(super) enum Feed {
    Checkpoint(String),
    /// The newest epoch's; none: the store lost it.
    CheckpointOf(u64, Option<String>),
    /// Of epochs up to this one.
    Witnessed(u64, Witnessed),
    Manifest(String),
    Heads(String),
    Record(Box<StoredRow>),
    /// What the store must have and has not.
    Missing(String),
    /// Why stored rows cannot be given.
    Damaged(String),
    Unreadable(String),
}

/// Why reading ended before the end.
pub(super) enum ReadError {
    Problem(Problem),
    /// The checking thread is gone, which is this program's fault.
    NobodyChecks,
}

impl From<Problem> for ReadError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

pub(super) async fn run(app: Arc<App>, scope: Scope, policy: TrustPolicy, job: Arc<Job>) {
    let limit = Duration::from_secs(app.limits.verify_timeout_s);
    let shutdown = app.shutdown.clone();
    let end = tokio::select! {
        end = verdicts(&app, &scope, policy, &job) => end,
        () = job.cancelled() => End::Cancelled,
        () = tokio::time::sleep(limit) => End::Failed(format!(
            "it took longer than {} s (`limits.verify_timeout_s`)", limit.as_secs()
        )),
        () = shutdown.requested() => End::Failed("the service was stopped".to_owned()),
    };
    match &end {
        End::Done(report) => {
            tracing::info!(id = %job.id, records = report.records, exit_code = report.exit_code(), "ledger verified");
        }
        other => {
            tracing::warn!(id = %job.id, end = ?other, "verification of the ledger ended without verdicts")
        }
    }
    job.end(end);
    if let Err(error) = keep(&app, &job).await {
        tracing::error!(%error, id = %job.id, "verification not kept; it is gone when the service stops");
    }
}

async fn verdicts(app: &Arc<App>, scope: &Scope, policy: TrustPolicy, job: &Job) -> End {
    let pinned = policy.clone();
    let (sender, feeds) = mpsc::channel(READ_AHEAD);
    let checking = tokio::task::spawn_blocking(move || check(pinned, feeds));
    // The sender goes with the reader, so the thread ends when reading does, or is dropped.
    match read::everything(app, scope, job, &policy, sender).await {
        Ok(()) => {}
        Err(ReadError::Problem(problem)) => return End::Failed(problem.detail),
        Err(ReadError::NobodyChecks) => return End::Failed("the checks broke off".to_owned()),
    }
    match checking.await {
        Ok(report) => End::Done(Box::new(report)),
        Err(error) => {
            tracing::error!(%error, "verifier failed");
            End::Failed("the checks broke off".to_owned())
        }
    }
}

fn check(policy: TrustPolicy, mut feeds: mpsc::Receiver<Feed>) -> Report {
    let mut verifier = Verifier::new(policy);
    while let Some(feed) = feeds.blocking_recv() {
        match feed {
            Feed::Checkpoint(note) => verifier.checkpoint(note.as_bytes()),
            Feed::CheckpointOf(epoch, note) => {
                verifier.checkpoint_of(epoch, note.as_deref().map(str::as_bytes));
            }
            Feed::Witnessed(latest, witnessed) => witnessed.feed(latest, &mut verifier),
            Feed::Manifest(text) => verifier.manifest(text.as_bytes()),
            Feed::Heads(text) => verifier.heads(text.as_bytes()),
            Feed::Record(row) => verifier.record(&row.into_stored()),
            Feed::Missing(what) => verifier.missing(&what),
            Feed::Damaged(what) => verifier.damaged(&what),
            Feed::Unreadable(what) => verifier.unreadable(what),
        }
    }
    verifier.finish()
}
