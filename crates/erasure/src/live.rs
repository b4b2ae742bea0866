//! The world of a running installation: control store, record store, log and object store.

use std::sync::Arc;
use std::time::Duration;

use aal_control::{Control, ControlError, Job, JobStatus, NewJob, TenantScope};
use aal_event::{Access, Event, OWN_APPLICATION};
use aal_kafka::{EVENTS, Producer, SendError};
use aal_ledger::NoteSigner;
use aal_seal::KeyRing;
use aal_service::times::{now_us, parse_rfc3339_us};
use aal_store::{Rewriting, Store, StoreError};
use async_trait::async_trait;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::advance::{Emptied, World};
use crate::certificate::{self, Facts};
use crate::lists::{self, ListError, place};
use crate::request::{Certified, Erasure, Found, Target, Telling};
use crate::rows;
use crate::runner;

/// Jobs looked at in one go.
const JOBS_AT_ONCE: u32 = 200;
/// How far the record store's clock and that of a reporter may be apart.
const CLOCKS_APART_US: i64 = 60_000_000;
/// Beginning of the error of a job whose files an erasure took.
const WITHDRAWN: &str = "withdrawn by erasure ";
/// Kind of the job that renders the certificate as a PDF.
pub const CERTIFICATE_JOB: &str = "erasure_certificate";

/// Numbers of the installation that an erasure depends on.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// Longest life of an unwrapped data key in any process's memory.
    pub settle: Duration,
    /// How long the events topic and the dead letters keep messages, as configured.
    pub topic_retention_ms: i64,
}

/// Why a step was not done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error("the object store: {0}")]
    Objects(#[from] object_store::Error),
    #[error("the event does not encode: {0}")]
    Encode(#[from] aal_event::AvroError),
    #[error("the event breaks a rule at {0}")]
    Invalid(String),
    #[error("the record store cannot rewrite the rows: {0}")]
    Rewriting(String),
    #[error("wrapped keys are still there after they were deleted: {0}")]
    KeysRemain(usize),
    #[error("rows hold something again after they were emptied: {0}")]
    RowsRemain(u64),
    #[error("another process changed the request; it is read again")]
    Overtaken,
    #[error("the certificate cannot be made: {0}")]
    Certificate(String),
}

/// A running installation.
#[derive(Clone)]
pub struct Live {
    pub control: Control,
    pub store: Store,
    pub producer: Producer,
    pub objects: Arc<dyn ObjectStore>,
    pub ring: Arc<KeyRing>,
    pub signer: Arc<NoteSigner>,
    pub config: LiveConfig,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Live")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Live {
    /// The longest life of an unwrapped key, microseconds.
    pub fn settle_us(&self) -> i64 {
        i64::try_from(self.config.settle.as_micros()).unwrap_or(i64::MAX)
    }

    /// The keys that these lookups lead to now.
    ///
    /// # Errors
    /// The control store.
    pub async fn keys_of(&self, tenant: Uuid, lookups: &[[u8; 32]]) -> Result<Vec<Uuid>, ControlError> {
        let mut keys = Vec::new();
        for lookup in lookups {
            let found = self.control.subject_key(tenant, lookup).await?;
            keys.extend(found.map(|key| key.subject_key_id));
        }
        Ok(keys)
    }

    async fn send(&self, event: &Event) -> Result<(), LiveError> {
        if let Some(fault) = aal_event::validate(event, &aal_event::Limits::DEFAULT)
            .into_iter()
            .next()
        {
            return Err(LiveError::Invalid(format!(
                "{}: {}",
                fault.pointer, fault.message
            )));
        }
        let bytes = aal_event::encode(event)?;
        self.producer
            .send(EVENTS, event.kafka_key().as_bytes(), &bytes)
            .await?;
        Ok(())
    }

    /// Everything a process that checks rows before the certificate wants to know.
    async fn check(&self, erasure: &Erasure) -> Result<(), LiveError> {
        let remaining = self.control.remaining_keys(erasure.tenant, &erasure.keys).await?;
        if !remaining.is_empty() {
            return Err(LiveError::KeysRemain(remaining.len()));
        }
        let left = rows::left_in_rows(&self.store, erasure.tenant, &erasure.keys).await?;
        if left > 0 {
            return Err(LiveError::RowsRemain(left));
        }
        Ok(())
    }

    /// Whether a job's files can hold content of the erased rows. A report of a period is judged by its period, not by
    /// its filters.
    async fn holds_content(&self, job: &Job, erasure: &Erasure) -> Result<bool, LiveError> {
        let moment = |name: &str| job.request[name].as_str().and_then(parse_rfc3339_us);
        match job.kind.as_str() {
            "decision" => {
                let event = job.request["event_id"].as_str().and_then(|id| id.parse().ok());
                match event {
                    Some(event) => {
                        Ok(rows::is_under(&self.store, erasure.tenant, event, &erasure.keys).await?)
                    }
                    None => Ok(true),
                }
            }
            "range" | "bundle" => {
                let is_before = moment("to").is_some_and(|to_us| to_us <= erasure.found.first_us);
                let is_after = moment("from").is_some_and(|from_us| from_us > erasure.found.last_us);
                Ok(erasure.found.rows > 0 && !is_before && !is_after)
            }
            "subject_export" => {
                let keys = job.request["subject_key_ids"].as_array().into_iter().flatten();
                let mut keys = keys.filter_map(Value::as_str).filter_map(|key| key.parse().ok());
                Ok(keys.any(|key: Uuid| erasure.keys.contains(&key)))
            }
            CERTIFICATE_JOB => Ok(false),
            _ => Ok(true),
        }
    }

    async fn take_files(&self, job: &Job, reason: &str) -> Result<(), LiveError> {
        let document = job.request["document"].as_str().map(str::to_owned);
        let keys = job.files.iter().map(|file| file.key.clone()).chain(document);
        for key in keys {
            match self.objects.delete(&Path::from(key)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.control.withdraw_job(job.id, reason).await?;
        Ok(())
    }
}

/// What is told, as an event. The same telling gives the same bytes each time.
fn event_of(tenant: Uuid, telling: &Telling) -> Event {
    let mut detail: Map<String, Value> = telling.facts.clone();
    if let Some(note) = &telling.note {
        // Nested, so that it stays in the erasable attributes and does not become a fact of the header.
        detail.insert("note".to_owned(), note.clone());
    }
    let actor = telling
        .by
        .map_or_else(|| "eraser".to_owned(), |user| user.to_string());
    Event {
        kind: telling.kind(),
        event_id: telling.event_id,
        tenant,
        application: OWN_APPLICATION.to_owned(),
        occurred_at_us: Some(telling.at_us),
        user_id: telling.by.map(|user| user.to_string()),
        access: Some(Access {
            actor,
            role: if telling.by.is_some() {
                "officer"
            } else {
                "service"
            }
            .to_owned(),
            action: telling.action.clone(),
            target_event_id: None,
            reason: None,
            detail: Some(Value::Object(detail).to_string()),
        }),
        ..Event::default()
    }
}

#[async_trait]
impl World for Live {
    type Error = LiveError;

    async fn tell(&self, erasure: &Erasure) -> Result<(), LiveError> {
        for telling in &erasure.outbox {
            self.send(&event_of(erasure.tenant, telling)).await?;
        }
        Ok(())
    }

    async fn holds(&self, erasure: &Erasure) -> Result<Vec<Uuid>, LiveError> {
        let holds = self
            .control
            .holds(TenantScope::One(erasure.tenant), false)
            .await?;
        if holds.is_empty() {
            return Ok(Vec::new());
        }
        let found = rows::find(&self.store, erasure.tenant, &erasure.keys).await?;
        let lookups = erasure.lookup_bytes();
        let covering = holds
            .iter()
            .filter(|hold| hold.covers(&lookups, &found.applications));
        Ok(covering.map(|hold| hold.id).collect())
    }

    async fn list(&self, erasure: &Erasure) -> Result<(Vec<Uuid>, Found), LiveError> {
        let mut keys = self.keys_of(erasure.tenant, &erasure.lookup_bytes()).await?;
        keys.extend(&erasure.keys);
        keys.sort_unstable();
        keys.dedup();
        if erasure.target == Target::Person {
            // What reviewers said about the person's decisions is under the decisions' own keys.
            let index = self.ring.tenant_index_key(erasure.tenant);
            let events = rows::events_with_outcomes(&self.store, erasure.tenant, &keys).await?;
            let lookups: Vec<[u8; 32]> = events
                .iter()
                .map(|event| index.lookup("event", &event.to_string()))
                .collect();
            keys.extend(self.keys_of(erasure.tenant, &lookups).await?);
            keys.sort_unstable();
            keys.dedup();
        }
        let found = rows::find(&self.store, erasure.tenant, &keys).await?;
        Ok((keys, found))
    }

    async fn keep_list(&self, erasure: &Erasure) -> Result<(), LiveError> {
        Ok(lists::write(self.objects.as_ref(), erasure).await?)
    }

    async fn destroy(&self, erasure: &Erasure, now_us: i64) -> Result<(), LiveError> {
        self.control
            .destroy_keys(erasure.tenant, &erasure.keys, now_us)
            .await?;
        self.control.scrub().await?;
        let remaining = self.control.remaining_keys(erasure.tenant, &erasure.keys).await?;
        if remaining.is_empty() {
            return Ok(());
        }
        Err(LiveError::KeysRemain(remaining.len()))
    }

    async fn is_recorded(&self, erasure: &Erasure) -> Result<bool, LiveError> {
        let wanted: Vec<Uuid> = erasure.done_leaves().collect();
        if wanted.is_empty() {
            return Ok(true);
        }
        let stored = rows::stored_events(&self.store, erasure.tenant, &wanted).await?;
        Ok(stored == wanted.len())
    }

    async fn empty(&self, erasure: &Erasure) -> Result<Emptied, LiveError> {
        match rows::empty(&self.store, erasure.tenant, &erasure.keys).await? {
            Rewriting::Running => Ok(Emptied::NotYet),
            Rewriting::Failing(reason) => Err(LiveError::Rewriting(reason)),
            Rewriting::Done => {
                let store_now_s = self.store.now_s().await?;
                Ok(Emptied::Yes { store_now_s })
            }
        }
    }

    async fn old_parts(&self, erasure: &Erasure) -> Result<u64, LiveError> {
        Ok(self.store.old_parts(erasure.emptied_s).await?)
    }

    async fn withdraw(&self, erasure: &Erasure) -> Result<(Vec<Uuid>, bool), LiveError> {
        let reason = format!("{WITHDRAWN}{}: ask for it again", erasure.id);
        let before_us = erasure
            .emptied_s
            .saturating_mul(1_000_000)
            .saturating_add(CLOCKS_APART_US);
        let (mut withdrawn, mut is_running) = (Vec::new(), false);
        let mut before = None;
        loop {
            let jobs = self.control.jobs(TenantScope::All, before, JOBS_AT_ONCE).await?;
            let Some(last) = jobs.last() else { break };
            before = Some((last.created_us, last.id));
            for job in &jobs {
                if !job.tenant.contains(erasure.tenant) || job.created_us > before_us {
                    continue;
                }
                match job.status {
                    JobStatus::Failed if job.error == reason => withdrawn.push(job.id),
                    JobStatus::Failed => {}
                    // What starts now reads rows that are empty; only a prepared document is older.
                    JobStatus::Queued if job.request["document"].is_null() => {}
                    JobStatus::Running if job.started_us.is_none_or(|started_us| started_us > before_us) => {}
                    JobStatus::Running => is_running |= self.holds_content(job, erasure).await?,
                    JobStatus::Queued | JobStatus::Done if self.holds_content(job, erasure).await? => {
                        self.take_files(job, &reason).await?;
                        withdrawn.push(job.id);
                    }
                    JobStatus::Queued | JobStatus::Done => {}
                }
            }
        }
        Ok((withdrawn, is_running))
    }

    async fn certify(&self, erasure: &Erasure, now_us: i64) -> Result<Certified, LiveError> {
        self.check(erasure).await?;
        let facts = Facts {
            erasure,
            issued_us: now_us,
            topic_retention_ms: self.config.topic_retention_ms,
            settle_ms: i64::try_from(self.config.settle.as_millis()).unwrap_or(i64::MAX),
        };
        let made = certificate::make(&facts, &self.signer).map_err(LiveError::Certificate)?;
        let key = place(erasure.tenant, erasure.id, "certificate.json");
        self.objects.put(&key, made.json.into()).await?;
        let note = place(erasure.tenant, erasure.id, "certificate.note");
        self.objects.put(&note, made.note.into()).await?;
        let job = aal_event::system_id(
            aal_event::Kind::ErasureDone,
            &[&erasure.id.to_string(), "certificate"],
        );
        let wanted = NewJob {
            id: job,
            tenant: TenantScope::One(erasure.tenant),
            kind: CERTIFICATE_JOB.to_owned(),
            title: format!("Erasure certificate {}", erasure.id),
            request: json!({"type": CERTIFICATE_JOB, "format": ["pdf", "json"], "document": key.to_string()}),
            created_by: "eraser".to_owned(),
        };
        match self.control.create_job(&wanted, now_us).await {
            Ok(()) | Err(ControlError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Certified {
            at_us: now_us,
            sha256: made.sha256,
            key: key.to_string(),
            job: Some(job),
        })
    }

    async fn save(&self, erasure: &Erasure) -> Result<(), LiveError> {
        let stored = runner::stored(erasure);
        if self.control.erasures().save(&stored).await? {
            if erasure.stage.is_end() {
                // People's words were in earlier versions of the row.
                if let Err(error) = self.control.scrub().await {
                    tracing::warn!(%error, "the control store's journal was not emptied; it will be");
                }
            }
            return Ok(());
        }
        Err(LiveError::Overtaken)
    }
}

/// The present, for callers without a clock of their own.
pub(crate) fn now() -> i64 {
    now_us()
}
