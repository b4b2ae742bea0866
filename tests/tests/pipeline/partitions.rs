//! The events topic gets more partitions while events come in: nothing is lost, the new shards and the change are
//! recorded, and the ledger verifies.

use aal_kafka::{
    EVENTS, KafkaConfig,
    rdkafka::{
        admin::{AdminClient, AdminOptions, NewPartitions},
        client::DefaultClientContext,
    },
};
use audit_tests::{Pipeline, Start, until};
use serde_json::{Value, json};

async fn grow(brokers: &str, count: usize) {
    let admin: AdminClient<DefaultClientContext> = KafkaConfig::new(brokers.to_owned())
        .client("test-admin")
        .create()
        .expect("an admin client");
    let results = admin
        .create_partitions(&[NewPartitions::new(EVENTS, count)], &AdminOptions::new())
        .await
        .expect("kafka answers");
    for result in results {
        result.expect("the partitions are made");
    }
}

async fn send(pipeline: &Pipeline, key: &str, number: u32) -> String {
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let event = json!({
        "application": "grower", "provider": "openai", "session_id": format!("s-{}", number % 40),
        "request": {"body": format!("{{\"model\":\"gpt-4o\",\"input\":\"number {number}\"}}")},
        "source": {"instance": "one", "epoch": 1, "sequence": number},
    });
    // The same event again until it is accepted, as every client does.
    let id = uuid::Uuid::now_v7();
    let mut event = event;
    event["event_id"] = json!(id);
    until("the edge takes the event", || async {
        let request = pipeline.http.post(&url).bearer_auth(key).json(&event);
        let answer = request.send().await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    id.to_string()
}

async fn shards_of(pipeline: &Pipeline, condition: &str) -> Vec<u32> {
    let sql = format!("SELECT DISTINCT shard FROM records WHERE {condition} ORDER BY shard");
    let rows = pipeline.store().client().query(&sql).fetch_all::<u32>().await;
    rows.expect("the store answers")
}

/// Grows the topic to twice its partitions under load; `kafka` is where the admin client connects to.
async fn grows_under_load(pipeline: &Pipeline, kafka: &str) {
    let token = pipeline.token().await;
    let replay = audit_tests::recordings("together.jsonl").display().to_string();
    pipeline.audit(&["replay", &replay]);
    let key = pipeline.api_key(&token, "grower").await;
    let kafka_config = KafkaConfig::new(kafka.to_owned());
    let counted = tokio::task::spawn_blocking(move || aal_kafka::partition_count(&kafka_config, EVENTS));
    let partitions = counted.await.expect("no panic").expect("kafka answers") as u32;
    until("every shard is open", async || {
        let open = shards_of(pipeline, "kind = 'shard_open'").await;
        (open.len() as u32 == partitions).then_some(())
    })
    .await;
    let mut sent = Vec::new();
    for number in 0..40 {
        sent.push(send(pipeline, &key, number).await);
    }
    grow(kafka, 2 * partitions as usize).await;
    // Sends on until the edge's producer has learned of the new partitions, and some more.
    let mut number = 40;
    let mut is_new_used = false;
    while !is_new_used || number < 120 {
        sent.push(send(pipeline, &key, number).await);
        number += 1;
        if number % 20 == 0 {
            let used = format!("kind = 'event' AND application = 'grower' AND shard >= {partitions}");
            is_new_used = pipeline.count(&used).await > 0;
            tokio::task::yield_now().await;
        }
        assert!(number < 200_000, "no event reached a new partition");
    }
    until("every event is stored", || async {
        (pipeline.count("kind = 'event' AND application = 'grower'").await == sent.len() as u64).then_some(())
    })
    .await;
    let distinct = "SELECT uniqExact(event_id) FROM records WHERE kind = 'event' AND application = 'grower'";
    let distinct = pipeline.store().client().query(distinct).fetch_one::<u64>().await;
    assert_eq!(
        distinct.expect("the store answers"),
        sent.len() as u64,
        "each once"
    );
    let repeated = pipeline
        .count("kind IN ('duplicate', 'conflict') AND application = 'grower'")
        .await;
    assert_eq!(repeated, 0);
    let opened = until("every shard is opened", || async {
        let opened = shards_of(pipeline, "kind = 'shard_open'").await;
        (opened.len() as u32 == 2 * partitions).then_some(opened)
    })
    .await;
    assert_eq!(opened, (0..2 * partitions).collect::<Vec<u32>>());
    let told = until("the change is recorded", || async {
        let sql = "SELECT header FROM records WHERE kind = 'config_change' AND JSONExtractString(header, 'facts', 'component') = 'events-topic'
                   ORDER BY edge_at DESC LIMIT 1";
        let header = pipeline.store().client().query(sql).fetch_one::<String>().await.ok()?;
        let header: Value = serde_json::from_str(&header).ok()?;
        (header["facts"]["new_partitions"] == json!(2 * partitions)).then_some(header)
    })
    .await;
    assert_eq!(told["facts"]["old_partitions"], json!(partitions), "{told}");
    // Every number of the source is there, whichever shard it went to.
    let (_, sources) = pipeline.get(&token, "/api/v1/sources?application=grower").await;
    let source = &sources["items"][0];
    assert_eq!(
        (&source["missing"], &source["repeated"]),
        (&json!(0), &json!(0)),
        "{sources}"
    );
    assert_eq!(source["records"], json!(sent.len()), "{sources}");
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_added_under_load() {
    let kafka = audit_tests::start_kafka();
    let pipeline = Pipeline::start(Start {
        kafka: Some(kafka.address.clone()),
        ..Start::default()
    })
    .await;
    grows_under_load(&pipeline, &kafka.address).await;
}
