//! Applications that produce to Kafka themselves: the programs of docs/examples, with the real clients of Python, Java
//! and Go, against Apache Kafka; and Confluent's framing while its registry is away.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use aal_event::{Event, ProviderRequest, SCHEMA_JSON, WriterSchema};
use aal_fake_registry::{FakeRegistry, Manner};
use aal_kafka::{EVENTS, KafkaConfig, Producer};
use audit_tests::{Kafka, Pipeline, Start, repository::root, start_kafka, until};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00aa);

#[derive(Debug, Row, Deserialize)]
struct Stored {
    kind: String,
    application: String,
    session_id: String,
    model: String,
    input_tokens: u64,
    output_tokens: u64,
    cost: Option<i128>,
}

struct Rig {
    pipeline: Pipeline,
    registry: FakeRegistry,
    kafka: Kafka,
}

async fn rig() -> Rig {
    let kafka = tokio::task::spawn_blocking(start_kafka).await.expect("no panic");
    let registry = FakeRegistry::start(None).await;
    let pipeline = Pipeline::start(Start {
        kafka: Some(kafka.address.clone()),
        schema_registry: Some(registry.url()),
        ..Start::default()
    })
    .await;
    Rig {
        pipeline,
        registry,
        kafka,
    }
}

/// Runs a command to its end and answers its last line.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().expect("it runs");
    assert!(output.status.success(), "{command:?} failed");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().lines().last().unwrap_or_default().to_owned()
}

/// Commands that send one event each, by name; they print its id. Everything is in the cache after the first time.
fn producers(rig: &Rig, work: &Path) -> Vec<(&'static str, Command)> {
    let examples = root().join("docs/examples");
    let schema = root().join("schemas/audit_event.v1.avsc");
    let pinned = std::fs::read_to_string(examples.join("python/requirements.txt")).expect("it is there");
    let python = output(
        Command::new(root().join("scripts/python-venv.sh"))
            .arg("kafka-producer")
            .args(pinned.lines()),
    );
    let with_python = |more: &[&str]| {
        let mut command = Command::new(&python);
        command
            .arg(examples.join("python/audit_events.py"))
            .args(["--brokers", &rig.kafka.address]);
        command
            .args(["--tenant", &TENANT.to_string()])
            .arg("--schema")
            .arg(&schema)
            .args(more);
        command.env_remove("HTTP_PROXY").env_remove("http_proxy");
        command
    };
    let jars = output(
        Command::new(root().join("scripts/fetch-jars.sh"))
            .arg("kafka-producer")
            .arg(examples.join("java/pom.xml"))
            .arg(examples.join("java/sha256sums")),
    );
    output(
        Command::new("javac")
            .args(["-cp", &format!("{jars}/*"), "-d"])
            .arg(work)
            .arg(examples.join("java/AuditEvents.java")),
    );
    let mut java = Command::new("java");
    java.args(["-cp", &format!("{jars}/*:{}", work.display()), "AuditEvents"]);
    let program = work.join("audit-events");
    output(
        Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(examples.join("go")),
    );
    let mut go = Command::new(program);
    for command in [&mut java, &mut go] {
        command
            .arg(&rig.kafka.address)
            .arg(TENANT.to_string())
            .arg(&schema);
    }
    vec![
        ("python, single object", with_python(&[])),
        (
            "python, confluent",
            with_python(&["--registry", &rig.registry.url()]),
        ),
        ("java", java),
        ("go", go),
    ]
}

async fn stored(rig: &Rig, event_id: Uuid) -> Option<Stored> {
    let sql = format!(
        "SELECT kind, application, session_id, model, input_tokens, output_tokens, cost FROM records \
         WHERE event_id = '{event_id}'"
    );
    let rows: Vec<Stored> = rig
        .pipeline
        .store()
        .client()
        .query(&sql)
        .fetch_all()
        .await
        .expect("the store answers");
    assert!(rows.len() <= 1, "none twice: {rows:?}");
    rows.into_iter().next()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_with_the_real_clients_become_priced_records() {
    let rig = rig().await;
    let work = tempfile::tempdir().expect("a directory");
    let sent = tokio::task::block_in_place(|| {
        let send = |(name, mut command): (&'static str, Command)| {
            let id: Uuid = output(&mut command)
                .parse()
                .unwrap_or_else(|_| panic!("{name} prints the event's id"));
            (name, id)
        };
        producers(&rig, work.path())
            .into_iter()
            .map(send)
            .collect::<Vec<_>>()
    });
    assert!(
        rig.registry.requests() > 0,
        "the client and the processor used the registry"
    );
    for (name, event_id) in sent {
        let record = until(name, || stored(&rig, event_id)).await;
        assert_eq!(
            (record.kind.as_str(), record.application.as_str()),
            ("event", "loans"),
            "{name}"
        );
        assert_eq!(
            (record.session_id.as_str(), record.model.as_str()),
            ("session-1", "gpt-4o"),
            "{name}"
        );
        assert_eq!((record.input_tokens, record.output_tokens), (14, 2), "{name}");
        // 14 * 2.5 + 2 * 10 dollars a million, 18 decimals.
        assert_eq!(record.cost, Some(55_000_000_000_000), "{name}");
    }
    assert_eq!(rig.pipeline.count("kind = 'rejected'").await, 0);
    rig.pipeline.sealed().await;
    let (status, report) = rig.pipeline.verify();
    assert_ne!(status, 1, "nothing is refuted: {report}");
}

/// An event as a producer with Confluent's serializer writes it, under a schema with one field more than ours.
fn framed(event_id: Uuid, schema_id: u32) -> Vec<u8> {
    let event = Event {
        event_id,
        tenant: TENANT,
        application: "registry".into(),
        provider: Some("openai".into()),
        request: Some(ProviderRequest {
            body: b"{\"model\":\"gpt-4o\"}".to_vec(),
            ..ProviderRequest::default()
        }),
        ..Event::default()
    };
    let ours = aal_event::encode(&event).expect("it encodes");
    // The datum follows ten bytes of our own framing; the added field is an empty text.
    [&[0][..], &schema_id.to_be_bytes(), &ours[10..], &[0]].concat()
}

/// Another schema each time, so that its id is not known yet.
fn schema_with(field: &str) -> String {
    let mut schema: Value = serde_json::from_str(SCHEMA_JSON).expect("JSON");
    let field = json!({"name": field, "type": "string", "default": ""});
    schema["fields"].as_array_mut().expect("fields").push(field);
    WriterSchema::parse(&schema.to_string()).expect("a schema that can be read with ours");
    schema.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_registry_is_away_messages_wait_and_none_is_lost() {
    let rig = rig().await;
    let producer = Producer::new(
        &KafkaConfig::new(&rig.kafka.address),
        "test",
        Duration::from_secs(30),
    );
    let producer = producer.expect("a producer");
    let schema_id = rig
        .registry
        .register("audit.events-value", &schema_with("region"));
    let (known, unknown) = (Uuid::now_v7(), Uuid::now_v7());
    for manner in [Manner::Status(503), Manner::Cut, Manner::Status(404)] {
        rig.registry.behave(manner);
        let asked = rig.registry.requests();
        if manner == Manner::Status(503) {
            for (id, schema_id) in [(unknown, 77), (known, schema_id)] {
                let value = framed(id, schema_id);
                producer
                    .send_to(EVENTS, 0, b"registry", &value)
                    .await
                    .expect("kafka takes it");
            }
        }
        until("the processor asks again and again", || async {
            (rig.registry.requests() > asked + 2).then_some(())
        })
        .await;
        assert_eq!(
            rig.pipeline.count("kind = 'rejected'").await,
            0,
            "{manner:?} condemns nothing"
        );
        assert!(stored(&rig, known).await.is_none());
    }
    rig.registry.behave(Manner::Well);
    let record = until("the message is read", || stored(&rig, known)).await;
    assert_eq!(
        (record.kind.as_str(), record.application.as_str()),
        ("event", "registry")
    );
    let reason = "kind = 'rejected' AND position(header, 'has no schema with id 77') > 0";
    until("the unknown id is rejected once", || async {
        (rig.pipeline.count(reason).await == 1).then_some(())
    })
    .await;
    assert!(stored(&rig, unknown).await.is_none());
}
