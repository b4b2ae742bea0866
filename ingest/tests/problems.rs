//! Bad input by hand, one case for each rule, against the problem documents in `golden/problems.json`.
//!
//! `UPDATE_GOLDEN=1 cargo test -p ingest --test problems` writes the file anew; read the difference before committing it.

use std::{collections::BTreeMap, path::Path};

use aal_ledger::NoteSigner;
use ingest::{Acceptor, Caller};
use serde_json::{Value, json};
use uuid::Uuid;

const GOLDEN: &str = "tests/golden/problems.json";

fn good() -> Value {
    json!({
        "event_id": "0199c0de-0000-7000-8000-000000000001",
        "application": "loan-desk",
        "provider": "openai",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/responses", "body": "{}"},
    })
}

/// The good event with `changes` laid over it, as text.
fn with(changes: Value) -> Vec<u8> {
    let mut event = good();
    for (key, value) in changes.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string().into_bytes()
}

fn without(key: &str) -> Vec<u8> {
    let mut event = good();
    event.as_object_mut().unwrap().remove(key);
    event.to_string().into_bytes()
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let text = good().to_string();
    let twice = text.replacen('{', "{\"provider\":\"azure\",", 1);
    let nested_twice = text.replacen("{\"body\"", "{\"url\":\"a\",\"body\"", 1);
    let mut not_utf8 = text.clone().into_bytes();
    not_utf8[40] = 0xC0;
    let many_tags: BTreeMap<String, &str> = (0..65).map(|number| (format!("t{number:02}"), "x")).collect();
    vec![
        ("empty body", b"".to_vec()),
        ("not json", b"{\"application\": loan}".to_vec()),
        ("cut off", text.as_bytes()[..text.len() - 2].to_vec()),
        ("two documents", format!("{text}{text}").into_bytes()),
        ("not an object", b"[1, 2]".to_vec()),
        ("not utf-8", not_utf8),
        ("deeply nested", "[".repeat(5_000).into_bytes()),
        ("key twice", twice.into_bytes()),
        ("nested key twice", nested_twice.into_bytes()),
        ("unknown key", with(json!({"aplication": "loan-desk"}))),
        (
            "unknown nested keys",
            with(json!({"request": {"body": "{}", "headers": {}, "a/b~c": 1}})),
        ),
        ("nothing but an unknown key", b"{\"x\": 1}".to_vec()),
        ("no application", without("application")),
        ("no provider", without("provider")),
        ("neither request nor response", without("request")),
        (
            "wrong types",
            with(
                json!({"application": 1, "phi": "yes", "tags": [], "metadata": "x", "timing": 3, "interrupted": 0}),
            ),
        ),
        (
            "wrong nested types",
            with(
                json!({"response": {"status": "200", "body": "{}"}, "tags": {"a": 1}, "source": {"instance": "i", "sequence": 1.5}}),
            ),
        ),
        ("event_id is no uuid", with(json!({"event_id": "17"}))),
        ("event_id is nil", with(json!({"event_id": Uuid::nil()}))),
        (
            "occurred_at is no time",
            with(json!({"occurred_at": "yesterday"})),
        ),
        (
            "another application",
            with(json!({"application": "fraud-triage"})),
        ),
        (
            "empty names",
            with(json!({"environment": "", "provider": "", "session_id": ""})),
        ),
        (
            "long names",
            with(
                json!({"decision_type": "x".repeat(129), "user_id": "x".repeat(513), "operation": "x".repeat(200)}),
            ),
        ),
        (
            "control characters",
            with(json!({"session_id": "a\u{0}b", "user_id": "a\nb"})),
        ),
        (
            "impossible status",
            with(json!({"response": {"status": 999, "body": ""}})),
        ),
        (
            "negative timing",
            with(json!({"timing": {"duration_ms": -1, "first_token_ms": "x"}})),
        ),
        (
            "bad trace",
            with(json!({"trace": {"trace_id": "ABC", "span_id": "0"}})),
        ),
        (
            "two bodies",
            with(json!({"request": {"body": "{}", "body_base64": "e30="}})),
        ),
        ("bad base64", with(json!({"response": {"body_base64": "!!"}}))),
        ("too many tags", with(json!({"tags": many_tags}))),
        (
            "long metadata",
            with(json!({"metadata": {"a": "x".repeat(70_000)}})),
        ),
        (
            "negative sequence",
            with(json!({"source": {"instance": "i", "sequence": -1}})),
        ),
        (
            "too large",
            with(json!({"response": {"body": "x".repeat(200_000)}})),
        ),
    ]
}

fn caller() -> Caller {
    Caller {
        tenant: Uuid::from_u128(1),
        application: "loan-desk".into(),
    }
}

fn acceptor() -> Acceptor {
    Acceptor::new(
        NoteSigner::from_seed("audit.example/edge", &[1; 32]).unwrap(),
        100_000,
    )
}

#[test]
fn every_rule_has_its_problem_document() {
    let acceptor = acceptor();
    let mut problems = BTreeMap::new();
    for (name, body) in cases() {
        let refusal = acceptor
            .event(&body, &caller(), Uuid::from_u128(9), 1)
            .expect_err(name);
        problems.insert(name, serde_json::to_value(&refusal.problem).unwrap());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&problems).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let golden: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(problems.len(), golden.len());
    for (name, problem) in problems {
        assert_eq!(golden.get(name), Some(&problem), "{name}");
    }
}

#[test]
fn the_good_event_is_good() {
    let prepared = acceptor()
        .event(
            good().to_string().as_bytes(),
            &caller(),
            Uuid::from_u128(9),
            1_000,
        )
        .unwrap();
    assert_eq!(
        prepared.event_id,
        Uuid::from_u128(0x0199_c0de_0000_7000_8000_0000_0000_0001)
    );
    let event = aal_event::decode(&prepared.value).unwrap();
    assert_eq!(event.edge_at_us, Some(1_000));
}

#[test]
fn every_demonstration_event_is_good() {
    for item in aal_demo::Demo::new(11, 3_000, 1_795_435_200_000_000) {
        let caller = Caller {
            tenant: Uuid::from_u128(1),
            application: item.application.into(),
        };
        let acceptor = Acceptor::new(
            NoteSigner::from_seed("audit.example/edge", &[1; 32]).unwrap(),
            4 << 20,
        );
        let prepared = match &item.entry {
            aal_demo::DemoEntry::Event { body, .. } => {
                acceptor.event(body.to_string().as_bytes(), &caller, Uuid::from_u128(9), 1)
            }
            aal_demo::DemoEntry::Outcome {
                event_id,
                outcome_id,
                body,
            } => acceptor.outcome(body.to_string().as_bytes(), *event_id, *outcome_id, &caller, 1),
        };
        prepared.unwrap_or_else(|refusal| panic!("{}", serde_json::to_string(&refusal.problem).unwrap()));
    }
}

#[test]
fn every_recording_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    let acceptor = Acceptor::new(
        NoteSigner::from_seed("audit.example/edge", &[1; 32]).unwrap(),
        4 << 20,
    );
    for entry in std::fs::read_dir(folder).expect("the recordings lie beside the repository") {
        let lines = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in lines.lines() {
            let event = aal_demo::replay_event(line, "loan-desk", "once").unwrap();
            let prepared = acceptor.event(event.to_string().as_bytes(), &caller(), Uuid::from_u128(9), 1);
            prepared.unwrap_or_else(|refusal| panic!("{}", serde_json::to_string(&refusal.problem).unwrap()));
        }
    }
}
