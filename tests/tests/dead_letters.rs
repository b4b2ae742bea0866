//! What cannot be recorded as an event is kept, found, looked at without personal data, and put back once the reason is
//! gone; everything about it is in the ledger.

use std::time::Duration;

use aal_event::{Event, ProviderRequest, SCHEMA_JSON};
use aal_fake_registry::FakeRegistry;
use aal_kafka::{EVENTS, KafkaConfig, Producer};
use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00bb);
const ADDRESS: &str = "maria.huber@example.com";

async fn send(pipeline: &Pipeline, key: &str, value: &[u8]) {
    let config = KafkaConfig::new(&pipeline.endpoints.kafka);
    let producer = Producer::new(&config, "test", Duration::from_secs(30)).expect("a producer");
    producer
        .send(EVENTS, key.as_bytes(), value)
        .await
        .expect("kafka takes it");
}

/// `audit dead-letters ...`: exit status, standard output, standard error.
fn dead_letters(pipeline: &Pipeline, arguments: &[&str]) -> (i32, String, String) {
    let output = pipeline.audit(&[&["dead-letters"], arguments].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn listed(pipeline: &Pipeline, more: &[&str]) -> Value {
    let (status, page, error) = dead_letters(pipeline, &[&["list", "--json"], more].concat());
    assert_eq!(status, 0, "{error}");
    serde_json::from_str(&page).expect("JSON")
}

fn event() -> Event {
    let question = format!(
        "{{\"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"Write to {ADDRESS}\"}}]}}"
    );
    Event {
        event_id: Uuid::now_v7(),
        tenant: TENANT,
        application: "letters".into(),
        session_id: Some("case-7".into()),
        provider: Some("openai".into()),
        request: Some(ProviderRequest {
            body: question.into_bytes(),
            ..ProviderRequest::default()
        }),
        ..Event::default()
    }
}

fn encoded(event: &Event) -> Vec<u8> {
    aal_event::encode(event).expect("it encodes")
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bytes_are_kept_shown_redacted_and_replayed_once_after_the_fix() {
    let registry = FakeRegistry::start(None).await;
    let schema_id = registry.register("audit.events-value", SCHEMA_JSON);
    // Its operator forgot the registry.
    let mut pipeline = Pipeline::start(Start::default()).await;
    let good = event();
    let framed = [&[0][..], &schema_id.to_be_bytes(), &encoded(&good)[10..]].concat();
    let nameless = encoded(&Event {
        application: String::new(),
        ..event()
    });
    let json = json!({"application": "letters", "user_email": ADDRESS}).to_string();
    for (key, value) in [("a", framed.as_slice()), ("b", &nameless), ("c", json.as_bytes())] {
        send(&pipeline, key, value).await;
    }
    until("all three are rejected", || async {
        (pipeline.count("kind = 'rejected'").await == 3).then_some(())
    })
    .await;
    let page = listed(&pipeline, &[]);
    let items = page["items"].as_array().expect("items").clone();
    assert_eq!(items.len(), 3, "{page:#}");
    assert_eq!(page["next_before"], Value::Null);
    assert!(!page.to_string().contains(ADDRESS), "a list shows no content");
    let letter = |reason: &str| {
        let found = items
            .iter()
            .find(|item| item["reason"].as_str().expect("a reason").contains(reason));
        found.unwrap_or_else(|| panic!("{reason}: {page:#}"))["dead_letter"].to_string()
    };
    let framed_letter = letter("no schema registry is configured");
    let nameless_letter = letter("invalid fields: /application");
    let json_letter = letter("begins neither with");
    let one = listed(&pipeline, &["--limit", "1"]);
    assert_eq!(
        (
            one["items"][0]["dead_letter"].as_u64(),
            one["next_before"].as_u64()
        ),
        (Some(2), Some(2))
    );
    let rest = listed(&pipeline, &["--before", "2"]);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2), "{rest:#}");

    for (letter, verdict, kept) in [
        (
            &framed_letter,
            "asks its schema registry for schema id 1",
            "gpt-4o",
        ),
        (&nameless_letter, "invalid fields: /application", "case-7"),
        (
            &json_letter,
            "would be rejected: the value begins neither",
            "letters",
        ),
    ] {
        let (status, shown, error) = dead_letters(&pipeline, &["show", letter]);
        assert_eq!(status, 0, "{error}");
        assert!(shown.contains(verdict) && shown.contains(kept), "{shown}");
        assert!(
            !shown.contains(ADDRESS) && shown.contains("EMAIL_ADDRESS"),
            "{shown}"
        );
    }

    let (status, _, error) = dead_letters(&pipeline, &["replay", &nameless_letter, "--reason", "perhaps"]);
    assert!(
        status == 2 && error.contains("would be rejected again"),
        "{error}"
    );
    let (status, _, error) = dead_letters(&pipeline, &["replay", &framed_letter, "--reason", " "]);
    assert!(status == 2 && error.contains("/reason"), "{error}");
    let (status, _, error) = dead_letters(&pipeline, &["show", "99"]);
    assert!(status == 2 && error.contains("no such dead letter"), "{error}");

    assert!(pipeline.terminate().await.success());
    pipeline
        .restart_with(Start {
            schema_registry: Some(registry.url()),
            ..Start::default()
        })
        .await;
    let replay = [
        "replay",
        &framed_letter,
        "--reason",
        "the registry is configured now",
    ];
    let (status, answer, error) = dead_letters(&pipeline, &replay);
    assert_eq!(status, 0, "{error}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let recorded_as = answer["recorded_as"].as_str().expect("an id").to_owned();
    let admin = format!("kind = 'admin' AND event_id = '{recorded_as}'");
    let stored = format!(
        "kind = 'event' AND event_id = '{}' AND application = 'letters'",
        good.event_id
    );
    until("the event and who brought it back are recorded", || async {
        let found = (pipeline.count(&stored).await, pipeline.count(&admin).await);
        (found == (1, 1)).then_some(())
    })
    .await;

    let (status, _, error) = dead_letters(&pipeline, &replay);
    assert!(status == 2 && error.contains("replayed already"), "{error}");
    let (status, _, error) = dead_letters(&pipeline, &[&replay[..], &["--again"]].concat());
    assert_eq!(status, 0, "{error}");
    let duplicate = format!("kind = 'duplicate' AND event_id = '{}'", good.event_id);
    until("the second replay is a duplicate", || async {
        (pipeline.count(&duplicate).await == 1).then_some(())
    })
    .await;
    assert_eq!(pipeline.count(&stored).await, 1);
    assert_eq!(pipeline.count("kind = 'rejected'").await, 3);
    let listed = listed(&pipeline, &[]).to_string();
    assert_eq!(listed.matches("\"replayed\":true").count(), 1, "{listed}");
    assert_eq!(
        pipeline
            .count("kind = 'access' AND position(header, 'dead_letter.read') > 0")
            .await,
        3
    );
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_ne!(status, 1, "nothing is refuted: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_of_everything_gets_to_dead_letters() {
    let pipeline = Pipeline::start(Start::default()).await;
    pipeline.audit(&[
        "replay",
        &audit_tests::recordings("together.jsonl").display().to_string(),
    ]);
    let token = pipeline.token().await;
    let tenants = pipeline.get(&token, "/api/v1/tenants").await.1;
    let tenant = &tenants["tenants"][0]["id"];
    for (email, role, tenant) in [
        ("officer@example.com", "compliance_officer", json!("*")),
        ("local@example.com", "admin", tenant.clone()),
    ] {
        let password = format!("{}-{}", Uuid::now_v7(), role);
        let user = json!({"email": email, "password": password, "role": role, "tenant": tenant});
        let (status, answer) = pipeline.post(&token, "/api/v1/users", &user).await;
        assert_eq!(status, 201, "{answer}");
        let login = json!({"email": email, "password": password});
        let (_, answer) = pipeline.post("", "/api/v1/auth/login", &login).await;
        let theirs = answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned();
        for path in ["/api/v1/dead-letters", "/api/v1/dead-letters/0"] {
            assert_eq!(pipeline.get(&theirs, path).await.0, 403, "{email} {path}");
        }
        let replay = json!({"reason": "mine"});
        let (status, _) = pipeline
            .post(&theirs, "/api/v1/dead-letters/0/replay", &replay)
            .await;
        assert_eq!(status, 403, "{email}");
    }
    let (status, answer) = pipeline.get(&token, "/api/v1/dead-letters?limit=201").await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(
        pipeline.get(&token, "/api/v1/dead-letters").await.1["items"],
        json!([])
    );
}
