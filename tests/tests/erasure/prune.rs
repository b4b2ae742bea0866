//! Records whose retention is over: planned, agreed to by two people, emptied to their leaves, and still proven.

use std::process::Command;

use aal_event::{Event, ProviderRequest, ProviderResponse, Subject};
use aal_kafka::EVENTS;
use aal_kafka::rdkafka::ClientConfig;
use aal_kafka::rdkafka::producer::{FutureProducer, FutureRecord};
use audit_tests::until;
use serde_json::{Value, json};
use uuid::{NoContext, Timestamp, Uuid};

use crate::people::{APPLICATION, World};

const DAY_MS: i64 = 86_400_000;
const OLD_DAYS: i64 = 200;
const OLD_EVENTS: usize = 40;
/// A word in the texts of old events.
const WORD: &str = "giraffe4711kilo";

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("a time")
}

/// Events as another producer put them on the topic half a year ago.
async fn produce_old(world: &World, subject: &str) -> Vec<Uuid> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &world.pipeline.endpoints.kafka)
        .create()
        .expect("a producer");
    let mut ids = Vec::new();
    for number in 0..OLD_EVENTS {
        // Every fourth is the held person's.
        let who = if number % 4 == 0 { subject } else { "somebody-else" };
        let old_ms = now_ms() - OLD_DAYS * DAY_MS;
        let event = Event {
            event_id: Uuid::new_v7(Timestamp::from_unix(NoContext, old_ms.unsigned_abs() / 1_000, 0)),
            tenant: serde_json::from_value(world.tenant.clone()).expect("a UUID"),
            application: APPLICATION.to_owned(),
            provider: Some("openai".to_owned()),
            session_id: Some("old".to_owned()),
            subject: Some(Subject {
                id: who.to_owned(),
                ..Subject::default()
            }),
            request: Some(ProviderRequest {
                body: format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":"{WORD}"}}]}}"#)
                    .into_bytes(),
                ..ProviderRequest::default()
            }),
            response: Some(ProviderResponse {
                status: Some(200),
                body: b"{}".to_vec(),
                ..ProviderResponse::default()
            }),
            ..Event::default()
        };
        let bytes = aal_event::encode(&event).expect("it encodes");
        let key = event.kafka_key();
        let record = FutureRecord::to(EVENTS)
            .key(key.as_bytes())
            .payload(&bytes)
            .timestamp(old_ms);
        producer
            .send(record, std::time::Duration::from_secs(10))
            .await
            .expect("it is acknowledged");
        ids.push(event.event_id);
    }
    ids
}

async fn prune(world: &World, token: &str, id: &str) -> Value {
    let (status, prune) = world.pipeline.get(token, &format!("/api/v1/prunes/{id}")).await;
    assert_eq!(status, 200, "{prune}");
    prune
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_prune_what_is_past_its_retention_and_everything_is_still_proven() {
    let world = World::with_people(2).await;
    let pipeline = &world.pipeline;
    let (asking, agreeing) = (world.officer_token(0).await, world.officer_token(1).await);
    let nothing = json!({"tenant": world.tenant, "reason": "retention is over"});
    let (status, problem) = pipeline.post(&asking, "/api/v1/prunes", &nothing).await;
    assert_eq!(status, 409, "nothing is old: {problem}");

    let old = produce_old(&world, &world.people[0].id).await;
    let whole = format!("application = '{APPLICATION}' AND session_id = 'old' AND kind = 'event'");
    until("the old events are stored", || async {
        (pipeline.count(&whole).await == OLD_EVENTS as u64).then_some(())
    })
    .await;
    let hold = json!({"tenant": world.tenant, "subject": world.people[0].id, "reason": "litigation"});
    let (status, hold) = pipeline.post(&asking, "/api/v1/legal-holds", &hold).await;
    assert_eq!(status, 201, "{hold}");

    // What would go, and who must agree.
    let held = OLD_EVENTS / 4;
    let plan = json!({"tenant": world.tenant, "dry_run": true});
    let (status, plan) = pipeline.post(&asking, "/api/v1/prunes", &plan).await;
    assert_eq!(
        (status, &plan["records"], &plan["held"]),
        (200, &json!(OLD_EVENTS - held), &json!(held)),
        "{plan}"
    );
    let output = pipeline.audit(&[
        "prune",
        "plan",
        "--tenant",
        world.tenant.as_str().expect("a text"),
    ]);
    let by_program: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(by_program["records"], plan["records"], "{by_program}");
    let (status, asked) = pipeline.post(&asking, "/api/v1/prunes", &nothing).await;
    assert_eq!((status, &asked["stage"]), (201, &json!("planned")), "{asked}");
    assert_eq!(
        pipeline.post(&asking, "/api/v1/prunes", &nothing).await.0,
        409,
        "one at a time"
    );
    let id = asked["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/prunes/{id}/approve");
    let reason = json!({"reason": "checked"});
    let (status, problem) = pipeline.post(&asking, &path, &reason).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(
        pipeline.post(&agreeing, &path, &json!({})).await.0,
        400,
        "a reason is needed"
    );
    assert_eq!(
        pipeline.count(&whole).await,
        OLD_EVENTS as u64,
        "nothing goes before two agree"
    );
    let (status, agreed) = pipeline.post(&agreeing, &path, &reason).await;
    assert_eq!(status, 200, "{agreed}");
    until("the prune is done", || async {
        let prune = prune(&world, &asking, &id).await;
        (prune["stage"] == "done").then_some(())
    })
    .await;

    // Gone from everywhere that is read, but not from the proof.
    assert_eq!(pipeline.count(&whole).await, held as u64);
    assert_eq!(
        pipeline.count("kind = 'pruned'").await,
        (OLD_EVENTS - held) as u64
    );
    assert_eq!(
        pipeline.count("kind = 'prune'").await,
        1_u64.max(asked["chains"].as_array().map_or(0, Vec::len) as u64)
    );
    let texts = format!("position(request_body, '{WORD}') > 0 OR position(search_text, '{WORD}') > 0");
    assert_eq!(pipeline.count(&texts).await, held as u64);
    let (kept, gone) = (old[0], old[1]);
    assert_eq!(
        pipeline
            .get(&asking, &format!("/api/v1/audit/logs/{kept}"))
            .await
            .0,
        200
    );
    assert_eq!(
        pipeline
            .get(&asking, &format!("/api/v1/audit/logs/{gone}"))
            .await
            .0,
        404
    );
    pipeline.sealed().await;
    let (exit, report) = pipeline.verify();
    assert_eq!(
        (exit, &report["pruned"]),
        (0, &json!(OLD_EVENTS - held)),
        "{report:#}"
    );

    bundle_is_proven(&world, &asked, OLD_EVENTS - held);
    a_restart_reads_on(world, OLD_EVENTS - held, held).await;
}

/// Offline, with the leaves of what was pruned, and the proof of a prune that was told after the bundle's range.
fn bundle_is_proven(world: &World, asked: &Value, pruned: usize) {
    let time = |member: &str| asked[member].as_str().expect("a time").to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("all.audit.tar");
    let output = world.pipeline.audit(&[
        "bundle",
        "--from",
        &time("oldest"),
        "--to",
        &time("requested_at"),
        "-o",
        file.to_str().expect("a text"),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let verified = Command::new(audit_tests::bin("audit"))
        .arg("verify")
        .arg(&file)
        .arg("--policy")
        .arg(world.pipeline.data().join("trust-policy.toml"))
        .arg("--json")
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(
        (verified.status.code(), &report["pruned"]),
        (Some(0), &json!(pruned)),
        "{report:#}"
    );
}

/// The processor goes on behind pruned rows, the read-back has nothing to say, and whoever prunes by himself is found out.
async fn a_restart_reads_on(mut world: World, pruned: usize, held: usize) {
    world.pipeline.terminate().await;
    world.pipeline.restart().await;
    let pipeline = &world.pipeline;
    let token = world.officer_token(0).await;
    let by_hand = "ALTER TABLE records UPDATE kind = 'pruned', event_id = toUUID('00000000-0000-0000-0000-000000000000'), \
                   header = '' WHERE session_id = 'old' AND kind = 'event' SETTINGS mutations_sync = 1";
    pipeline
        .store()
        .client()
        .query(by_hand)
        .execute()
        .await
        .expect("an administrator can");
    let found = until("each row is an incident, and no other", || async {
        let (_, answer) = pipeline.get(&token, "/api/v1/incidents?state=open").await;
        (answer["open"] == held).then(|| answer["items"].as_array().cloned().unwrap_or_default())
    })
    .await;
    assert!(
        found.iter().all(|incident| incident["code"] == "record_mismatch"),
        "{found:?}"
    );
    let (exit, report) = pipeline.verify();
    assert_eq!(exit, 1, "{report:#}");
    assert_eq!(report["verdicts"][5]["status"], "fail", "ERASURE: {report:#}");
    assert!(report["pruned"].as_u64() > Some(pruned as u64), "{report:#}");
}
