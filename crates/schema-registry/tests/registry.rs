//! Against a registry that speaks Confluent's HTTP API, well and badly.

use aal_event::{Event, Frame, ProviderRequest, SCHEMA_JSON, WriterSchema, encode, frame};
use aal_fake_registry::{FakeRegistry, Manner};
use aal_schema_registry::{Lookup, Registry, RegistryConfig, RegistryError};
use serde_json::json;
use std::sync::Arc;

fn client(fake: &FakeRegistry) -> Registry {
    Registry::new(&RegistryConfig {
        timeout_ms: 300,
        ..RegistryConfig::at(fake.url())
    })
    .unwrap()
}

async fn usable(registry: &Registry, id: u32) -> Arc<WriterSchema> {
    match registry.schema(id).await.unwrap() {
        Lookup::Schema(schema) => schema,
        Lookup::Unusable(reason) => panic!("{reason}"),
    }
}

async fn unusable(registry: &Registry, id: u32) -> String {
    match registry.schema(id).await.unwrap() {
        Lookup::Schema(_) => panic!("{id} is usable"),
        Lookup::Unusable(reason) => reason.to_string(),
    }
}

#[tokio::test]
async fn a_schema_is_asked_for_once_and_reads_what_it_wrote() {
    let fake = FakeRegistry::start(None).await;
    let id = fake.register("audit.events-value", SCHEMA_JSON);
    let registry = client(&fake);
    let event = Event {
        application: "loans".into(),
        request: Some(ProviderRequest::default()),
        ..Event::default()
    };
    let bytes = encode(&event).unwrap();
    let Frame::SingleObject { datum, .. } = frame(&bytes).unwrap() else {
        panic!("not our own encoding")
    };
    let (one, other) = tokio::join!(usable(&registry, id), usable(&registry, id));
    assert_eq!(one.decode(datum).unwrap(), event);
    assert_eq!(other.canonical_sha256(), aal_event::schema_hash());
    assert_eq!(fake.requests(), 1);
}

#[tokio::test]
async fn an_unknown_id_is_unusable_and_known_when_it_is_registered() {
    let fake = FakeRegistry::start(None).await;
    let registry = client(&fake);
    assert_eq!(
        unusable(&registry, 1).await,
        "the schema registry has no schema with id 1"
    );
    unusable(&registry, 1).await;
    assert_eq!(fake.requests(), 1, "not asked for each message");
    fake.register("audit.events-value", SCHEMA_JSON);
    let began = std::time::Instant::now();
    while matches!(registry.schema(1).await.unwrap(), Lookup::Unusable(_)) {
        assert!(began.elapsed().as_secs() < 30, "still unknown");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_unusable_with_its_reason() {
    let fake = FakeRegistry::start(None).await;
    let registry = client(&fake);
    let string = r#"{"type": "string"}"#;
    for (answer, reason) in [
        (
            json!({"schema": "message M {}", "schemaType": "PROTOBUF"}),
            "is PROTOBUF, not AVRO",
        ),
        (
            json!({"schema": SCHEMA_JSON, "references": [{"name": "a", "subject": "b", "version": 1}]}),
            "refers to other subjects",
        ),
        (json!({"schema": "{"}), "no Avro schema"),
        (json!({"schema": string}), "cannot be read"),
        (json!({"schema": " ".repeat(300_000)}), "more than the limit"),
    ] {
        let id = fake.put(answer);
        let said = unusable(&registry, id).await;
        assert!(said.contains(reason) && said.contains(&id.to_string()), "{said}");
    }
}

#[tokio::test]
async fn whatever_may_pass_is_an_error_and_passes() {
    let fake = FakeRegistry::start(None).await;
    let id = fake.register("audit.events-value", SCHEMA_JSON);
    let registry = client(&fake);
    for (manner, said) in [
        (Manner::Status(503), "answered 503"),
        (Manner::Status(401), "url, user and password"),
        // A proxy's page, or another path: no word of the registry's.
        (Manner::Status(404), "answered 404"),
        (Manner::Page, "none of its interface"),
        (Manner::Flood, "more than 589824 bytes"),
        (Manner::Silent, "does not answer"),
        (Manner::Cut, "does not answer"),
    ] {
        fake.behave(manner);
        let error = registry.schema(id).await.unwrap_err().to_string();
        assert!(error.contains(said), "{manner:?}: {error}");
    }
    fake.behave(Manner::Well);
    usable(&registry, id).await;

    let nobody = Registry::new(&RegistryConfig::at("http://127.0.0.1:1")).unwrap();
    assert!(matches!(nobody.schema(1).await, Err(RegistryError::Away(_))));
}

#[tokio::test]
async fn credentials_are_sent_and_missing_ones_are_no_unknown_id() {
    let fake = FakeRegistry::start(Some(("reader", "word"))).await;
    let id = fake.register("audit.events-value", SCHEMA_JSON);
    let refused = client(&fake).schema(id).await.unwrap_err();
    assert!(
        matches!(refused, RegistryError::Status { status: 401, .. }),
        "{refused}"
    );
    let config = RegistryConfig {
        user: Some("reader".into()),
        password: Some("word".into()),
        ..RegistryConfig::at(fake.url())
    };
    usable(&Registry::new(&config).unwrap(), id).await;
}

#[tokio::test]
async fn only_so_many_schemas_are_kept() {
    let fake = FakeRegistry::start(None).await;
    let config = RegistryConfig {
        max_schemas: 2,
        ..RegistryConfig::at(fake.url())
    };
    let registry = Registry::new(&config).unwrap();
    let ids: Vec<u32> = (0..3).map(|_| fake.put(json!({"schema": SCHEMA_JSON}))).collect();
    for id in [ids[0], ids[1], ids[1], ids[2], ids[1], ids[0]] {
        usable(&registry, id).await;
    }
    assert_eq!(fake.requests(), 4, "the first was forgotten and asked for again");
}
