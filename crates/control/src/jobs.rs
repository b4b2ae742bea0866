//! Report jobs: made by the query API, claimed by one worker at a time under a lease, finished once.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::error::ControlError;
use crate::store::{Control, uuid_of};
use crate::tenants::{TenantScope, scope_of};

/// Longest error text that is kept, in bytes.
const MAX_ERROR_BYTES: usize = 4_000;

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Nobody has started.
    Queued,
    /// A worker holds it.
    Running,
    /// The files are there.
    Done,
    /// It will not be done; `error` says why.
    Failed,
}

impl JobStatus {
    /// The name in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for JobStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a job status"))
    }
}

/// One file that a job made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// `pdf`, `csv`, `json`.
    pub format: String,
    /// Key in the object store.
    pub key: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id; making the same id twice is refused.
    pub id: Uuid,
    /// Whose records it may read.
    pub tenant: TenantScope,
    /// `decision` or `range`.
    pub kind: String,
    /// What people call it.
    pub title: String,
    /// The validated request.
    pub request: Value,
    /// Who asked (the user's address).
    pub created_by: String,
}

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// Whose records it may read.
    pub tenant: TenantScope,
    /// `decision` or `range`.
    pub kind: String,
    /// What people call it.
    pub title: String,
    /// The validated request.
    pub request: Value,
    /// Where it is.
    pub status: JobStatus,
    /// When it was asked for, microseconds.
    pub created_us: i64,
    /// Who asked.
    pub created_by: String,
    /// When a worker last took it, microseconds.
    pub started_us: Option<i64>,
    /// When it ended, microseconds.
    pub finished_us: Option<i64>,
    /// How often a worker took it.
    pub attempts: i64,
    /// Why it failed; empty otherwise.
    pub error: String,
    /// What it made.
    pub files: Vec<JobFile>,
}

const COLUMNS: &str = "id, tenant, kind, title, request, status, created_us, created_by, started_us, \
                       finished_us, attempts, error, files";

fn job_of(row: &AnyRow) -> Result<Job, ControlError> {
    let status: String = row.try_get("status")?;
    let request: String = row.try_get("request")?;
    let files: String = row.try_get("files")?;
    let moment = |column| -> Result<Option<i64>, ControlError> {
        let at_us: i64 = row.try_get(column)?;
        Ok((at_us != 0).then_some(at_us))
    };
    Ok(Job {
        id: uuid_of(row, "id")?,
        tenant: scope_of(row, "tenant")?,
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        request: serde_json::from_str(&request).map_err(|_| ControlError::Corrupt {
            what: "request",
            value: request,
        })?,
        status: status.parse().map_err(|_| ControlError::Corrupt {
            what: "status",
            value: status,
        })?,
        created_us: row.try_get("created_us")?,
        created_by: row.try_get("created_by")?,
        started_us: moment("started_us")?,
        finished_us: moment("finished_us")?,
        attempts: row.try_get("attempts")?,
        error: row.try_get("error")?,
        files: serde_json::from_str(&files).map_err(|_| ControlError::Corrupt {
            what: "files",
            value: files,
        })?,
    })
}

impl Control {
    /// Adds a queued job.
    ///
    /// # Errors
    /// `Exists` for a used id.
    pub async fn create_job(&self, job: &NewJob, now_us: i64) -> Result<(), ControlError> {
        let insert = "INSERT INTO report_jobs (id, tenant, kind, title, request, status, created_us, created_by, \
                      started_us, finished_us, holder, lease_until_us, attempts, error, files) \
                      VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, 0, 0, '', 0, 0, '', '[]')";
        let inserted = sqlx::query(insert)
            .bind(job.id.to_string())
            .bind(job.tenant.to_string())
            .bind(&job.kind)
            .bind(&job.title)
            .bind(job.request.to_string())
            .bind(now_us)
            .bind(&job.created_by)
            .execute(&self.pool)
            .await;
        match inserted {
            Ok(_) => Ok(()),
            Err(error) if ControlError::is_unique_violation(&error) => Err(ControlError::Exists {
                what: "report job",
                value: job.id.to_string(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a job that is queued or whose holder's lease has ended; `None` when it is neither.
    ///
    /// # Errors
    /// The database.
    pub async fn claim_job(
        &self,
        id: Uuid,
        holder: &str,
        lease_us: i64,
        now_us: i64,
    ) -> Result<Option<Job>, ControlError> {
        let update = "UPDATE report_jobs SET status = 'running', holder = $1, lease_until_us = $2, \
                      started_us = $3, attempts = attempts + 1 WHERE id = $4 AND \
                      (status = 'queued' OR (status = 'running' AND lease_until_us <= $3))";
        let done = sqlx::query(update)
            .bind(holder)
            .bind(now_us.saturating_add(lease_us))
            .bind(now_us)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        self.job(TenantScope::All, id).await
    }

    /// Prolongs the lease; `false` when the job is no longer `holder`'s, who must then drop it.
    ///
    /// # Errors
    /// The database.
    pub async fn renew_job(
        &self,
        id: Uuid,
        holder: &str,
        lease_us: i64,
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let update = "UPDATE report_jobs SET lease_until_us = $1 \
                      WHERE id = $2 AND holder = $3 AND status = 'running'";
        let done = sqlx::query(update)
            .bind(now_us.saturating_add(lease_us))
            .bind(id.to_string())
            .bind(holder)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a job with its files; `false` when it is no longer `holder`'s and nothing was changed.
    ///
    /// # Errors
    /// The database.
    pub async fn finish_job(
        &self,
        id: Uuid,
        holder: &str,
        files: &[JobFile],
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let files = serde_json::to_string(files).unwrap_or_else(|_| "[]".to_owned());
        self.end_job(id, holder, JobStatus::Done, "", &files, now_us)
            .await
    }

    /// Ends a job without files; `false` when it is no longer `holder`'s and nothing was changed.
    ///
    /// # Errors
    /// The database.
    pub async fn fail_job(
        &self,
        id: Uuid,
        holder: &str,
        error: &str,
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let cut = error.floor_char_boundary(MAX_ERROR_BYTES.min(error.len()));
        self.end_job(id, holder, JobStatus::Failed, &error[..cut], "[]", now_us)
            .await
    }

    /// Takes back a finished job's files, which an erasure removed; `false` when the job is not finished (any more).
    ///
    /// # Errors
    /// The database.
    pub async fn withdraw_job(&self, id: Uuid, reason: &str) -> Result<bool, ControlError> {
        let update = "UPDATE report_jobs SET status = 'failed', error = $1, files = '[]' \
                      WHERE id = $2 AND status = 'done'";
        let done = sqlx::query(update)
            .bind(reason)
            .bind(id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn end_job(
        &self,
        id: Uuid,
        holder: &str,
        status: JobStatus,
        error: &str,
        files: &str,
        now_us: i64,
    ) -> Result<bool, ControlError> {
        let update = "UPDATE report_jobs SET status = $1, error = $2, files = $3, finished_us = $4, \
                      lease_until_us = 0 WHERE id = $5 AND holder = $6 AND status = 'running'";
        let done = sqlx::query(update)
            .bind(status.as_str())
            .bind(error)
            .bind(files)
            .bind(now_us)
            .bind(id.to_string())
            .bind(holder)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// One job inside `scope`.
    ///
    /// # Errors
    /// The database.
    pub async fn job(&self, scope: TenantScope, id: Uuid) -> Result<Option<Job>, ControlError> {
        let query = format!("SELECT {COLUMNS} FROM report_jobs WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        let job = row.as_ref().map(job_of).transpose()?;
        Ok(job.filter(|job| scope == TenantScope::All || job.tenant == scope))
    }

    /// A page of jobs inside `scope`, newest first, older than `before` (created_us, id).
    ///
    /// # Errors
    /// The database.
    pub async fn jobs(
        &self,
        scope: TenantScope,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Job>, ControlError> {
        let query = format!(
            "SELECT {COLUMNS} FROM report_jobs WHERE ($1 = '*' OR tenant = $1) \
             AND (created_us < $2 OR (created_us = $2 AND id < $3)) \
             ORDER BY created_us DESC, id DESC LIMIT $4"
        );
        let (before_us, before_id) = match before {
            Some((at_us, id)) => (at_us, id.to_string()),
            None => (i64::MAX, String::new()),
        };
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(scope.to_string())
            .bind(before_us)
            .bind(before_id)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(job_of).collect()
    }

    /// Jobs that wait for a worker, oldest first: queued ones and those whose holder's lease has
    /// ended. A worker looks here at start and now and then, in case a request on the log was lost.
    ///
    /// # Errors
    /// The database.
    pub async fn waiting_jobs(&self, now_us: i64, limit: u32) -> Result<Vec<Uuid>, ControlError> {
        let query = "SELECT id FROM report_jobs WHERE status = 'queued' OR \
                     (status = 'running' AND lease_until_us <= $1) ORDER BY created_us, id LIMIT $2";
        let rows = sqlx::query(query)
            .bind(now_us)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| uuid_of(row, "id")).collect()
    }
}
