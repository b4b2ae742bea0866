//! The operations port, and the document that describes the interface.

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{event, rig};

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_numbers_are_on_their_own_port() {
    let rig = rig(|_| {}).await;
    assert_eq!(rig.log(&event()).await.status(), 201);
    let health = rig
        .http
        .get(format!("{}/healthz", rig.operations))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
    let metrics = rig.metrics().await;
    for name in [
        "ingest_events_accepted_total",
        "ingest_acknowledged_seconds_bucket",
        "http_requests_total",
    ] {
        assert!(metrics.contains(name), "{name} is missing from {metrics}");
    }
    let public = rig
        .http
        .get(format!("{}/metrics", rig.base))
        .send()
        .await
        .unwrap();
    assert_eq!(public.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_route_answers_and_every_property_is_documented() {
    let rig = rig(|_| {}).await;
    let served = rig
        .http
        .get(format!("{}/openapi.json", rig.base))
        .send()
        .await
        .unwrap();
    assert_eq!(served.headers()["content-type"], "application/json");
    let document: Value = served.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let concrete = path.replace("{event_id}", "0199c0de-0000-7000-8000-000000000001");
        for method in methods.as_object().unwrap().keys() {
            routes.insert(format!("{method} {path}"));
            let verb = method.to_uppercase().parse().unwrap();
            let answer = rig
                .http
                .request(verb, format!("{}{concrete}", rig.base))
                .send()
                .await
                .unwrap();
            assert!(
                ![404, 405].contains(&answer.status().as_u16()),
                "{method} {path} is not served"
            );
        }
    }
    let expected = [
        "get /openapi.json",
        "post /api/v1/audit/log",
        "post /api/v1/audit/logs",
        "post /api/v1/audit/logs/{event_id}/outcomes",
        "post /v1/traces",
    ];
    assert_eq!(routes, expected.map(str::to_owned).into());

    // A key that the document does not name must be one that the edge refuses, and the other way round.
    let properties = document["components"]["schemas"]["Event"]["properties"]
        .as_object()
        .unwrap();
    for name in properties.keys() {
        let mut sent = event();
        sent[name] = Value::Bool(true);
        let text = rig.log(&sent).await.text().await.unwrap();
        assert!(!text.contains("unknown key"), "{name}: {text}");
    }
}
