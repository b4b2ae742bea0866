//! Jobs from claim to finished files, over the real engine, the real control store and a directory of objects.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aal_control::{Control, ControlConfig, Job, JobStatus, NewJob, TenantScope};
use aal_event::{Event, Kind, Outcome, ProviderRequest, ProviderResponse};
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
use reporter::model::{Body, Report, VerdictState, sha256};
use reporter::pdf::{PdfLimits, PdfRenderer};
use reporter::read::Reader;
use reporter::worker::{Numbers, Worker};
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

const NOW_US: i64 = common::FEBRUARY_US;
const SECOND_US: i64 = 1_000_000;
/// Decisions in the store; every third is reviewed.
const DECISIONS: u64 = 12;

/// A pipeline's store with records in it, and a worker over it.
struct Bench {
    store: Store,
    worker: Worker,
    tenant: Uuid,
    objects: Arc<dyn ObjectStore>,
    _directory: tempfile::TempDir,
    engine: Shutdown,
    engine_task: tokio::task::JoinHandle<()>,
}

impl Bench {
    async fn new() -> Self {
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
            control: control.clone(),
            templates: Templates::load().unwrap(),
            renderer: PdfRenderer::probe(PdfLimits::default(), false).await.unwrap(),
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

    async fn stop(self) {
        self.engine.request();
        self.engine_task.await.unwrap();
    }

    async fn ask(&self, kind: &str, request: Value) -> Uuid {
        self.ask_as(TenantScope::One(self.tenant), kind, request).await
    }

    async fn ask_as(&self, tenant: TenantScope, kind: &str, request: Value) -> Uuid {
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

    async fn job(&self, id: Uuid) -> Job {
        self.worker
            .control
            .job(TenantScope::All, id)
            .await
            .unwrap()
            .unwrap()
    }

    async fn work(&self) {
        self.worker.take_waiting(&Shutdown::new()).await.unwrap();
    }

    /// Contents of a finished job's files by format, after a look at their digests.
    async fn files(&self, id: Uuid) -> HashMap<String, Vec<u8>> {
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

    async fn execute(&self, statement: &str) {
        self.store.client().query(statement).execute().await.unwrap();
    }

    /// One block of one shard: decisions, and a review of every third of them.
    async fn fill(&self) {
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
        self.store.insert_block(&rows).await.unwrap();
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

fn month() -> Value {
    json!({"type": "range", "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"})
}

fn report_of(files: &HashMap<String, Vec<u8>>) -> Report {
    serde_json::from_slice(&files["json"]).unwrap()
}

fn verdict(report: &Report, name: &str) -> VerdictState {
    report
        .head
        .verdicts
        .iter()
        .find(|verdict| verdict.name == name)
        .unwrap()
        .state
}

fn text_of(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let output = std::process::Command::new("pdftotext")
        .arg("-layout")
        .arg(file.path())
        .arg("-")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// One engine serves all steps: opening it twice in a process is not possible.
#[tokio::test(flavor = "multi_thread")]
async fn reports_over_the_real_engine() {
    let bench = Bench::new().await;
    bench.fill().await;
    a_month(&bench).await;
    a_decision(&bench).await;
    refusals(&bench).await;
    a_dead_worker(&bench).await;
    too_many_attempts(&bench).await;
    a_changed_header(&bench).await;
    missing_records(&bench).await;
    bench.stop().await;
}

async fn a_month(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    let Body::Range(range) = &report.body else {
        panic!("a range")
    };
    assert_eq!(report.head.tenant.name.as_deref(), Some("Hansebank AG"));
    assert_eq!(
        (range.totals.calls, range.totals.input_tokens),
        (DECISIONS, DECISIONS * 100)
    );
    assert_eq!(
        (range.totals.priced, range.totals.redactions),
        (DECISIONS, DECISIONS)
    );
    let oversight = &range.oversight;
    assert_eq!(
        (oversight.with_outcome, oversight.overridden, oversight.flagged),
        (4, 1, 1)
    );
    assert!(
        range.population.checks.iter().all(|check| check.holds),
        "{:?}",
        range.population.checks
    );
    assert_eq!(verdict(&report, "content"), VerdictState::Pass);
    assert_eq!(
        verdict(&report, "scope"),
        VerdictState::Unproven,
        "there is no checkpoint to compare with"
    );

    let text = text_of(&files["pdf"]);
    let digest = sha256(&files["json"]).to_string();
    let pages = text.matches("report.json SHA-256").count();
    assert!(
        pages > 1 && text.matches(&digest).count() == pages,
        "every page names the digest"
    );
    assert!(text.contains(&format!("Page 1 of {pages}")) && text.contains(&id.to_string()));
    assert!(text.contains("gpt-4o-2024-08-06") && text.contains("EMAIL_ADDRESS"));
    assert!(!text.contains("@example.org"), "an address that was redacted");
    let csv = String::from_utf8(files["csv"].clone()).unwrap();
    assert_eq!(csv.lines().count() as u64, DECISIONS + 1);
    assert!(!csv.contains("@example.org"));
}

async fn a_decision(bench: &Bench) {
    let id = bench.ask("decision", json!({"event_id": common::id(3)})).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    let Body::Decision(decision) = &report.body else {
        panic!("a decision")
    };
    assert_eq!(decision.event.model.as_deref(), Some("gpt-4o-2024-08-06"));
    assert_eq!(decision.outcomes.len(), 1);
    assert_eq!(decision.outcomes[0].reviewer.as_deref(), Some("clerk-2"));
    assert!(decision.outcomes[0].overridden);
    assert_eq!(decision.redactions.len(), 1);
    assert_eq!(
        decision
            .parameters
            .iter()
            .find(|p| p.name == "temperature")
            .unwrap()
            .value,
        "0.2"
    );
    assert!(
        decision
            .input
            .text
            .as_ref()
            .unwrap()
            .contains(&decision.redactions[0].token)
    );
    assert_eq!(decision.output.text.as_deref(), Some("Yes, <b>she</b> is."));
    assert!(decision.ledger.next_leaf_hash.is_some());
    assert_eq!(verdict(&report, "content"), VerdictState::Pass);
    let text = text_of(&files["pdf"]);
    assert!(text.contains("Yes, <b>she</b> is.") && text.contains("overrid") || text.contains("Override"));
    assert!(
        !String::from_utf8(files["json"].clone())
            .unwrap()
            .contains("@example.org")
    );
}

async fn refusals(bench: &Bench) {
    let stranger = TenantScope::One(common::id(77));
    let cases = [
        (
            bench.ask("decision", json!({"event_id": common::id(999)})).await,
            "no decision",
        ),
        (
            bench
                .ask_as(stranger, "decision", json!({"event_id": common::id(3)}))
                .await,
            "no decision",
        ),
        (
            bench.ask("quarterly", json!({})).await,
            "report type \"quarterly\" is not known",
        ),
        (
            bench.ask("range", json!({"from": "x", "to": "y"})).await,
            "from is \"x\"",
        ),
        (
            bench
                .ask(
                    "range",
                    json!({"type": "range", "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z",
            "filters": {"colour": "red"}}),
                )
                .await,
            "filter \"colour\"",
        ),
    ];
    bench.work().await;
    for (id, reason) in cases {
        let job = bench.job(id).await;
        assert_eq!(job.status, JobStatus::Failed);
        assert!(job.error.contains(reason), "{}", job.error);
    }
}

async fn a_dead_worker(bench: &Bench) {
    let id = bench
        .ask(
            "range",
            json!({"format": ["json"], "from": "2026-02-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}),
        )
        .await;
    let control = &bench.worker.control;
    let now_us = aal_service::times::now_us();
    // A worker claimed it and is never heard of again; its lease has not ended.
    control
        .claim_job(id, "dead", 3_600 * SECOND_US, now_us)
        .await
        .unwrap()
        .unwrap();
    bench.work().await;
    assert_eq!(
        bench.job(id).await.status,
        JobStatus::Running,
        "nobody takes a leased job"
    );
    // Its lease ends.
    assert!(control.renew_job(id, "dead", -SECOND_US, now_us).await.unwrap());
    bench.work().await;
    let files = bench.files(id).await;
    assert_eq!(files.len(), 1);
    let job = bench.job(id).await;
    assert_eq!(job.attempts, 2);
    assert!(
        job.files[0].key.ends_with("/2/report.json"),
        "{}",
        job.files[0].key
    );
    // It comes back: too late to finish or to fail the job.
    assert!(!control.finish_job(id, "dead", &[], now_us).await.unwrap());
    assert!(!control.fail_job(id, "dead", "late", now_us).await.unwrap());
    assert_eq!(bench.job(id).await, job);
}

async fn too_many_attempts(bench: &Bench) {
    let id = bench.ask("range", month()).await;
    let control = &bench.worker.control;
    for attempt in 0..WorkerConfig::default().attempts_max {
        let now_us = aal_service::times::now_us();
        control
            .claim_job(id, &format!("dead-{attempt}"), -SECOND_US, now_us)
            .await
            .unwrap()
            .unwrap();
    }
    bench.work().await;
    let job = bench.job(id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(job.error.contains("given up after 3 attempts"), "{}", job.error);
}

async fn a_changed_header(bench: &Bench) {
    let statement = "ALTER TABLE records UPDATE header = replaceOne(header, '\"input_tokens\":100', '\"input_tokens\":999') \
                     WHERE chain_index = 0 SETTINGS mutations_sync = 2";
    bench.execute(statement).await;
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let files = bench.files(id).await;
    let report = report_of(&files);
    assert_eq!(verdict(&report, "content"), VerdictState::Fail);
    let text = text_of(&files["pdf"]);
    assert!(text.contains("A verification failed"), "{text}");
    assert!(text.contains("shard 0, index 0: header does not hash"), "{text}");
}

async fn missing_records(bench: &Bench) {
    bench
        .execute("ALTER TABLE records DELETE WHERE chain_index = 5 SETTINGS mutations_sync = 2")
        .await;
    let id = bench.ask("range", month()).await;
    bench.work().await;
    let report = report_of(&bench.files(id).await);
    assert_eq!(verdict(&report, "scope"), VerdictState::Fail);
    let Body::Range(range) = &report.body else {
        panic!("a range")
    };
    let broken: Vec<_> = range
        .population
        .checks
        .iter()
        .filter(|check| !check.holds)
        .collect();
    assert_eq!(broken.len(), 1);
    assert!(broken[0].statement.contains("chain lengths"));
}
