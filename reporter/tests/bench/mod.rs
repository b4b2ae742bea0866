//! A pipeline's store with a few decisions in it, and a report worker over it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aal_control::{Control, ControlConfig, Job, JobStatus, NewJob, TenantScope};
use aal_event::{Event, Kind, Outcome, ProviderRequest, ProviderResponse, Source};
use aal_record::{Pipeline, Place, SubjectKey, draft_event};
use aal_seal::{DATA_KEY_LEN, DataKey, IndexKey, KeyRef};
use aal_service::{Health, Metrics, Shutdown};
use aal_store::{RecordRow, Store, StoreConfig};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use reporter::WorkerConfig;
use reporter::build::RangeLimits;
use reporter::html::Templates;
use reporter::make::Maker;
use reporter::model::sha256;
use reporter::pdf::{PdfLimits, PdfRenderer};
use reporter::read::Reader;
use reporter::worker::{Numbers, Worker};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::common;

const NOW_US: i64 = common::FEBRUARY_US;
pub const SECOND_US: i64 = 1_000_000;
/// Decisions in the store; every third is reviewed.
pub const DECISIONS: u64 = 12;

/// A pipeline's store with records in it, and a worker over it.
pub struct Bench {
    store: Store,
    pub worker: Worker,
    tenant: Uuid,
    objects: Arc<dyn ObjectStore>,
    _directory: tempfile::TempDir,
    engine: Shutdown,
    engine_task: tokio::task::JoinHandle<()>,
}

impl Bench {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = aal_olap_engine::default_library_path().unwrap();
        let config = aal_olap_engine::Config::new(library, directory.path().join("olap"));
        let server = aal_olap_engine::Server::bind(config).await.unwrap();
        let url = format!("http://{}", server.address());
        let engine = Shutdown::new();
        let stop = engine.clone();
        let engine_task = tokio::spawn(async move {
            server.serve(async move { stop.requested().await }).await;
        });
        let store: StoreConfig = serde_json::from_value(json!({ "url": url })).unwrap();
        let store = Store::new(&store);
        store.migrate().await.unwrap();

        let control_url = format!("sqlite://{}/control.db", directory.path().display());
        let control = Control::open(&ControlConfig {
            url: control_url,
            ..ControlConfig::default()
        })
        .await
        .unwrap();
        let tenant = control
            .ensure_tenant("Hansebank AG", common::id(42), NOW_US)
            .await
            .unwrap()
            .id;
        let objects =
            aal_service::objects::open(&format!("file://{}/objects", directory.path().display())).unwrap();
        let maker = Maker {
            reader: Reader::new(store.clone(), 30_000, 1_000),
            anchor: None,
            bundles: None,
            control: control.clone(),
            templates: Templates::load().unwrap(),
            renderer: Ok(PdfRenderer::probe(PdfLimits::default(), false).await.unwrap()),
            limits: RangeLimits {
                listing_max: 1_000,
                exceptions_max: 50,
            },
        };
        let worker = Worker {
            control,
            maker: Arc::new(maker),
            objects: objects.clone(),
            config: WorkerConfig::default(),
            job_timeout: Duration::from_secs(300),
            bell: Arc::new(Notify::new()),
            numbers: Numbers::new(&Metrics::default()),
            health: Health::default().register("reporter", None),
        };
        Self {
            store,
            worker,
            tenant,
            objects,
            _directory: directory,
            engine,
            engine_task,
        }
    }

    pub async fn stop(self) {
        self.engine.request();
        self.engine_task.await.unwrap();
    }

    pub async fn ask(&self, kind: &str, request: Value) -> Uuid {
        self.ask_as(TenantScope::One(self.tenant), kind, request).await
    }

    pub async fn ask_as(&self, tenant: TenantScope, kind: &str, request: Value) -> Uuid {
        let id = Uuid::new_v4();
        let job = NewJob {
            id,
            tenant,
            kind: kind.to_owned(),
            title: format!("A {kind} report"),
            request,
            created_by: "compliance@hansebank.example".to_owned(),
        };
        self.worker.control.create_job(&job, NOW_US).await.unwrap();
        id
    }

    pub async fn job(&self, id: Uuid) -> Job {
        self.worker
            .control
            .job(TenantScope::All, id)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn work(&self) {
        self.worker.take_waiting(&Shutdown::new()).await.unwrap();
    }

    /// Contents of a finished job's files by format, after a look at their digests.
    pub async fn files(&self, id: Uuid) -> HashMap<String, Vec<u8>> {
        let job = self.job(id).await;
        assert_eq!((job.status, job.error.as_str()), (JobStatus::Done, ""));
        let mut contents = HashMap::new();
        for file in job.files {
            let found = self.objects.get(&Path::from(file.key.as_str())).await.unwrap();
            let bytes = found.bytes().await.unwrap().to_vec();
            assert_eq!(
                (bytes.len() as u64, sha256(&bytes).to_string()),
                (file.bytes, file.sha256)
            );
            contents.insert(file.format, bytes);
        }
        contents
    }

    /// A worker without a PDF renderer, whose store is at an address where nobody listens.
    pub async fn worker_without_engine(&self) -> Worker {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let store: StoreConfig = serde_json::from_value(json!({ "url": url })).unwrap();
        let maker = Maker {
            reader: Reader::new(Store::new(&store), 30_000, 1_000),
            anchor: None,
            bundles: None,
            control: self.worker.control.clone(),
            templates: Templates::load().unwrap(),
            renderer: Err("not installed".to_owned()),
            limits: RangeLimits::default(),
        };
        // A lease of no length: a job that was left is free at once.
        let config = WorkerConfig {
            lease_ms: 0,
            ..WorkerConfig::default()
        };
        Worker {
            maker: Arc::new(maker),
            config,
            ..self.worker.clone()
        }
    }

    pub async fn execute(&self, statement: &str) {
        self.store.client().query(statement).execute().await.unwrap();
    }

    /// One block of one shard: decisions, and a review of every third of them.
    pub async fn fill(&self) {
        let pipeline = Pipeline::builtin();
        let index_key = IndexKey::new("test", &[7; 32]);
        let key = SubjectKey {
            key: KeyRef {
                subject_key_id: common::id(5),
                version: 1,
            },
            data_key: DataKey::from_bytes([9; DATA_KEY_LEN]),
        };
        let events = (0..DECISIONS).flat_map(|number| {
            let review = number.is_multiple_of(3).then(|| review(self.tenant, number));
            [Some(decision(self.tenant, number)), review]
                .into_iter()
                .flatten()
        });
        let mut previous = [0; 32];
        let mut rows = Vec::new();
        for (position, event) in events.enumerate() {
            let draft = draft_event(&pipeline, &event, &index_key, &key, &key, NOW_US);
            let place = Place {
                shard: 0,
                partition: 0,
                block: 0,
                block_row: position as u32,
                block_month: 202_602,
                offset: position as u64,
                chain_index: position as u64,
                prev_leaf_hash: previous,
            };
            let record = draft.place([3; 32], place).unwrap();
            previous = record.leaf_hash;
            rows.push(RecordRow::project(record).unwrap());
        }
        self.store.insert_block(&rows, 0).await.unwrap();
    }
}

fn decision(tenant: Uuid, number: u64) -> Event {
    let request = json!({"model": "gpt-4o", "temperature": 0.2, "messages": [
        {"role": "user", "content": format!("Is customer {number} creditworthy? Mail: anna{number}@example.org")}]});
    let response = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes, <b>she</b> is."}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}});
    Event {
        event_id: common::id(number),
        tenant,
        application: "credit-decisions".into(),
        environment: Some("production".into()),
        occurred_at_us: Some(NOW_US + number as i64 * SECOND_US),
        edge_at_us: Some(NOW_US + number as i64 * SECOND_US + 1_000),
        decision_type: Some("loan_preapproval".into()),
        session_id: Some(format!("case-{}", number / 2)),
        provider: Some("openai".into()),
        operation: Some("chat".into()),
        request: Some(ProviderRequest {
            method: Some("POST".into()),
            url: Some("https://api.openai.com/v1/chat/completions".into()),
            body: request.to_string().into_bytes(),
        }),
        response: Some(ProviderResponse {
            status: Some(200),
            content_type: Some("application/json".into()),
            body: response.to_string().into_bytes(),
        }),
        source: Some(Source {
            sdk: Some("python".into()),
            version: None,
            instance: "pod-7".into(),
            epoch: 4,
            // Numbers 5 and 6 were lost.
            sequence: if number < 5 { number } else { number + 2 } as i64,
        }),
        ..Event::default()
    }
}

fn review(tenant: Uuid, number: u64) -> Event {
    Event {
        kind: Kind::Outcome,
        event_id: common::id(1_000 + number),
        tenant,
        application: "credit-decisions".into(),
        occurred_at_us: Some(NOW_US + 3_600 * SECOND_US),
        edge_at_us: Some(NOW_US + 3_600 * SECOND_US),
        outcome: Some(Outcome {
            target_event_id: common::id(number),
            outcome: "approved".into(),
            reviewer: Some("clerk-2".into()),
            r#override: number == 3,
            flag: number == 6,
            note: Some("seen".into()),
        }),
        ..Event::default()
    }
}
