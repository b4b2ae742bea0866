//! One verification, and the list of those of this process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aal_service::Problem;
use aal_service::times::{now_us, rfc3339_us};
use aal_verify::Report;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

/// Finished ones that are kept in memory; all of them are in the store of reports.
const MOST_KEPT: usize = 20;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) epochs: AtomicU64,
    pub(super) epochs_read: AtomicU64,
    pub(super) chains: AtomicU64,
    pub(super) chains_read: AtomicU64,
    /// As counted when it began; more may have come since.
    pub(super) records: AtomicU64,
    pub(super) records_read: AtomicU64,
}

/// The checkpoint that it was made against.
#[derive(Clone, Debug)]
pub(super) struct KnownHead {
    pub(super) epoch: u64,
    pub(super) checkpoint: String,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    Done(Box<Report>),
    Cancelled,
    Failed(String),
}

#[derive(Debug, Default)]
struct State {
    known_head: Option<KnownHead>,
    /// Verification and epoch of the head that was kept from before, which the log had to agree with.
    earlier: Option<(Uuid, u64)>,
    /// When and how.
    end: Option<(i64, End)>,
}

/// A verification of everything inside a scope.
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) id: Uuid,
    /// `None`: every tenant.
    tenant: Option<Uuid>,
    requested_by: Uuid,
    origin: String,
    policy_digest: String,
    started_us: i64,
    pub(super) progress: Progress,
    cancelled: watch::Sender<bool>,
    state: Mutex<State>,
}

impl Job {
    pub(super) fn new(
        tenant: Option<Uuid>,
        requested_by: Uuid,
        origin: String,
        policy_digest: String,
    ) -> Job {
        Job {
            id: Uuid::now_v7(),
            tenant,
            requested_by,
            origin,
            policy_digest,
            started_us: now_us(),
            progress: Progress::default(),
            cancelled: watch::Sender::new(false),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_known_head(&self, head: KnownHead) {
        self.state().known_head = Some(head);
    }

    pub(super) fn set_earlier(&self, verification: Uuid, epoch: u64) {
        self.state().earlier = Some((verification, epoch));
    }

    pub(super) fn end(&self, end: End) {
        self.state().end = Some((now_us(), end));
    }

    /// Returns once somebody cancelled it.
    pub(super) async fn cancelled(&self) {
        // The sender lives as long as the job, so an error cannot be.
        let _ = self.cancelled.subscribe().wait_for(|is_so| *is_so).await;
    }

    fn is_running(&self) -> bool {
        self.state().end.is_none()
    }

    /// As the API shows it, and as it is kept.
    pub(super) fn to_json(&self) -> Value {
        let count = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let progress = &self.progress;
        let state = self.state();
        let head = state.known_head.as_ref();
        let mut value = json!({
            "id": self.id, "tenant": self.tenant, "requested_by": self.requested_by,
            "started_at": rfc3339_us(self.started_us), "finished_at": null, "state": "running",
            "policy": {"origin": self.origin, "sha256": self.policy_digest},
            "known_head": head.map(|head| json!({"epoch": head.epoch, "checkpoint": head.checkpoint})),
            "earlier_head": state.earlier.map(|(id, epoch)| json!({"verification": id, "epoch": epoch})),
            "progress": {
                "epochs": count(&progress.epochs), "epochs_read": count(&progress.epochs_read),
                "chains": count(&progress.chains), "chains_read": count(&progress.chains_read),
                "records": count(&progress.records), "records_read": count(&progress.records_read),
            },
            "outcome": null, "report": null, "error": null,
        });
        let Some((at_us, end)) = &state.end else {
            return value;
        };
        value["finished_at"] = rfc3339_us(*at_us).into();
        match end {
            End::Done(report) => {
                value["state"] = "done".into();
                value["outcome"] = outcome(report).into();
                value["report"] = json!(report);
            }
            End::Cancelled => value["state"] = "cancelled".into(),
            End::Failed(reason) => {
                value["state"] = "failed".into();
                value["error"] = reason.as_str().into();
            }
        }
        value
    }
}

/// The exit status of `audit verify` in a word.
fn outcome(report: &Report) -> &'static str {
    match report.exit_code() {
        0 => "proven",
        1 => "refuted",
        2 => "unreadable",
        _ => "unproven",
    }
}

/// The verifications of this process, the newest last; one runs at a time.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    jobs: Mutex<VecDeque<Arc<Job>>>,
}

impl Verifications {
    fn jobs(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the running one; 409 when there is one already.
    pub(super) fn begin(&self, job: Job) -> Result<Arc<Job>, Problem> {
        let mut jobs = self.jobs();
        if let Some(running) = jobs.iter().find(|job| job.is_running()) {
            return Err(Problem::conflict(format!(
                "verification {} is running, and there is one at a time; wait for it, or cancel it",
                running.id
            )));
        }
        while jobs.len() >= MOST_KEPT {
            jobs.pop_front();
        }
        let job = Arc::new(job);
        jobs.push_back(Arc::clone(&job));
        Ok(job)
    }

    /// Takes one back that was not begun after all.
    pub(super) fn forget(&self, id: Uuid) {
        self.jobs().retain(|job| job.id != id);
    }

    pub(super) fn get(&self, id: Uuid) -> Option<Arc<Job>> {
        self.jobs().iter().find(|job| job.id == id).cloned()
    }

    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.jobs().iter().map(|job| job.id).collect()
    }

    /// Asks a running one to end; false when it does not run.
    pub(super) fn cancel(&self, id: Uuid) -> bool {
        let Some(job) = self.get(id).filter(|job| job.is_running()) else {
            return false;
        };
        job.cancelled.send_replace(true);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new(
            None,
            Uuid::from_u128(1),
            "log.example".to_owned(),
            "00".to_owned(),
        )
    }

    #[tokio::test]
    async fn one_runs_at_a_time_and_the_last_are_kept() {
        let all = Verifications::default();
        let first = all.begin(job()).unwrap();
        let refused = all.begin(job()).unwrap_err();
        assert_eq!(refused.status, 409);
        assert!(refused.detail.contains(&first.id.to_string()), "{refused}");
        assert!(all.cancel(first.id));
        first.cancelled().await;
        first.end(End::Cancelled);
        assert!(!all.cancel(first.id), "it has ended");
        for _ in 0..MOST_KEPT {
            all.begin(job()).unwrap().end(End::Failed("x".to_owned()));
        }
        assert!(all.get(first.id).is_none());
        assert_eq!(all.ids().len(), MOST_KEPT);
        let last = all.begin(job()).unwrap();
        all.forget(last.id);
        assert!(all.begin(job()).is_ok());
    }

    #[test]
    fn one_that_failed_has_a_reason_and_no_outcome() {
        let job = job();
        assert_eq!(job.to_json()["state"], "running");
        job.end(End::Failed("the store is away".to_owned()));
        let shown = job.to_json();
        assert_eq!(
            (&shown["state"], &shown["error"], &shown["outcome"]),
            (&json!("failed"), &json!("the store is away"), &Value::Null)
        );
    }
}
