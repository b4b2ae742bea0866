//! What is accepted is in Kafka, as it was sent, with a receipt that verifies.

mod support;

use aal_event::Kind;
use aal_ledger::{Receipt, VerifierKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{TENANT, event, problem, rig};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_event_is_in_kafka_with_its_receipt() {
    let rig = rig(|_| {}).await;
    let mut sent = event();
    sent["session_id"] = json!("s-1");
    sent["request"]["url"] =
        json!("https://user:pw@x.openai.azure.com/openai?api-version=2024-10-21&api-key=SECRET");
    let body = sent.to_string();
    let answer = rig
        .post("/api/v1/audit/log")
        .header("content-type", "application/json")
        .body(body.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["event_id"], sent["event_id"]);

    let receipt: Receipt = answer["receipt"].as_str().unwrap().parse().unwrap();
    let known: VerifierKey = rig.running.receipt_key.parse().unwrap();
    receipt.verify(&[known]).unwrap();
    assert_eq!(
        receipt.body_sha256,
        <[u8; 32]>::from(Sha256::digest(body.as_bytes()))
    );

    let (key, event) = rig.records(1).remove(0);
    assert_eq!(key, format!("{TENANT}:s-1"));
    assert_eq!(event.kind, Kind::Event);
    assert_eq!(event.tenant, TENANT);
    assert_eq!(event.edge_at_us, Some(receipt.edge_at_us));
    assert_eq!(event.receipt.as_deref(), answer["receipt"].as_str());
    let request = event.request.unwrap();
    assert_eq!(request.body, b"{\"model\":\"gpt-4o\"}");
    assert_eq!(
        request.url.unwrap(),
        "https://x.openai.azure.com/openai?api-version=2024-10-21"
    );
    let metrics = rig.metrics().await;
    assert!(metrics.contains("ingest_events_accepted_total 1\n"), "{metrics}");
    assert!(
        metrics.contains(&format!("ingest_accepted_bytes_total {}\n", body.len())),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_id_gets_one() {
    let rig = rig(|_| {}).await;
    let mut sent = event();
    sent.as_object_mut().unwrap().remove("event_id");
    let answer: Value = rig.log(&sent).await.json().await.unwrap();
    let id: Uuid = answer["event_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(rig.records(1)[0].1.event_id, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_item_by_item_and_keeps_sessions_in_order() {
    let rig = rig(|_| {}).await;
    let mut lines = Vec::new();
    for number in 0..60 {
        let mut event = event();
        event["session_id"] = json!(format!("s-{}", number % 5));
        event["metadata"] = json!({"number": number});
        lines.push(event.to_string());
    }
    lines[7] = "{\"application\": \"loan-desk\"".into();
    lines[11] = lines[11].replace("loan-desk", "another");
    let ndjson = rig
        .post("/api/v1/audit/logs")
        .header("content-type", "application/x-ndjson")
        .body(lines.join("\n"));
    let answer = ndjson.send().await.unwrap();
    assert_eq!(answer.status(), 207);
    let answer: Value = answer.json().await.unwrap();
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items.len(), 60);
    for (number, item) in items.iter().enumerate() {
        let expected = match number {
            7 => 400,
            11 => 403,
            _ => 201,
        };
        assert_eq!(item["status"], expected, "{item}");
        assert_eq!(item["receipt"].is_string(), expected == 201);
        assert_eq!(item["problem"].is_object(), expected != 201);
    }
    assert_eq!(items[11]["problem"]["errors"][0]["pointer"], "/application");

    let records = rig.records(58);
    for session in 0..5 {
        let numbers: Vec<u64> = records
            .iter()
            .filter(|(key, _)| key.ends_with(&format!(":s-{session}")))
            .map(|(_, event)| {
                let metadata: Value = serde_json::from_str(event.metadata.as_deref().unwrap()).unwrap();
                metadata["number"].as_u64().unwrap()
            })
            .collect();
        assert!(numbers.is_sorted() && numbers.len() >= 11, "{numbers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_array_is_a_batch_too() {
    let rig = rig(|_| {}).await;
    let answer = rig
        .post("/api/v1/audit/logs")
        .json(&json!([event(), event(), 3]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 207);
    let answer: Value = answer.json().await.unwrap();
    let statuses: Vec<u64> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 201, 400]);
    assert_eq!(rig.records(2).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_follows_its_event() {
    let rig = rig(|_| {}).await;
    let target = Uuid::now_v7();
    let outcome_id = Uuid::now_v7();
    let path = format!("/api/v1/audit/logs/{target}/outcomes");
    let body =
        json!({"outcome": "approved", "reviewer": "a@example.com", "override": true, "note": "looked again"});
    let answer = rig
        .post(&path)
        .header("idempotency-key", outcome_id.to_string())
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let (key, event) = rig.records(1).remove(0);
    assert_eq!(key, format!("{TENANT}:{target}"));
    assert_eq!((event.kind, event.event_id), (Kind::Outcome, outcome_id));
    let outcome = event.outcome.unwrap();
    assert_eq!(outcome.target_event_id, target);
    assert!(outcome.r#override && !outcome.flag);

    let bad = problem(
        rig.post(&path)
            .json(&json!({"outcom": "approved"}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    let pointers: Vec<&str> = bad["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/outcome", "/outcom"]);
    let no_id = rig
        .post("/api/v1/audit/logs/17/outcomes")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(no_id.status(), 400);
    let bad_key = rig
        .post(&path)
        .header("idempotency-key", "x")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(bad_key.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rust_client_speaks_to_it() {
    let rig = rig(|_| {}).await;
    let client = aal_client::Client::new(&rig.base, &rig.key).unwrap();
    let receipt = client.record(&event()).await.unwrap();
    client
        .record_outcome(receipt.event_id, Uuid::now_v7(), &json!({"outcome": "approved"}))
        .await
        .unwrap();
    let ndjson = format!("{}\n{}\n", event(), event());
    let reply = client.record_batch(ndjson.into()).await.unwrap();
    assert_eq!(reply.recorded(), 2);
    assert_eq!(rig.records(4).len(), 4);
}
