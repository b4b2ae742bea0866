//! The events topic is deleted and made again: with `first_shard` the old shards are closed, new ones begin, and the
//! whole ledger verifies.

use aal_kafka::{
    EVENTS, KafkaConfig, TopicError,
    rdkafka::{
        admin::{AdminClient, AdminOptions},
        client::DefaultClientContext,
    },
};
use audit_tests::{Pipeline, Start, until};
use serde_json::Value;

/// Deletes the events topic and waits until the broker knows it no more.
async fn delete_topic(brokers: &str) {
    let config = KafkaConfig::new(brokers.to_owned());
    let admin: AdminClient<DefaultClientContext> =
        config.client("test-admin").create().expect("an admin client");
    let deleted = admin.delete_topics(&[EVENTS], &AdminOptions::new()).await;
    for result in deleted.expect("kafka answers") {
        result.expect("the topic is deleted");
    }
    until("the topic is gone", async || {
        let config = config.clone();
        let asked = tokio::task::spawn_blocking(move || aal_kafka::partitions_of(&config, EVENTS));
        matches!(asked.await.expect("no panic"), Err(TopicError::Missing(_))).then_some(())
    })
    .await;
}

async fn replay(pipeline: &Pipeline, file: &str, application: &str) -> u64 {
    let file = audit_tests::recordings(file).display().to_string();
    let output = pipeline.audit(&["replay", &file, "--application", application]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let condition = format!("kind = 'event' AND application = '{application}'");
    let exchanges = std::fs::read_to_string(&file).expect("the recordings");
    let wanted = exchanges.lines().filter(|line| !line.trim().is_empty()).count() as u64;
    until("the exchanges are stored", async || {
        (pipeline.count(&condition).await == wanted).then_some(())
    })
    .await;
    wanted
}

async fn lowest_free_offsets(pipeline: &Pipeline) -> Vec<(u32, u64)> {
    let sql = "SELECT shard, max(kafka_offset) + 1 FROM records GROUP BY shard ORDER BY shard";
    let rows = pipeline
        .store()
        .client()
        .query(sql)
        .fetch_all::<(u32, u64)>()
        .await;
    rows.expect("the store answers")
}

/// What the ledger says of the closed shards: number and first offset that nothing accounts for.
async fn closed(pipeline: &Pipeline) -> Vec<(u32, u64)> {
    let sql = "SELECT header FROM records WHERE kind = 'shard_close'";
    let headers = pipeline.store().client().query(sql).fetch_all::<String>().await;
    let mut closed: Vec<(u32, u64)> = headers
        .expect("the store answers")
        .iter()
        .map(|header| {
            let header: Value = serde_json::from_str(header).expect("a header is JSON");
            let facts = &header["facts"];
            let number = |name: &str| facts[name].as_u64().expect("a number");
            (number("shard") as u32, number("next_offset"))
        })
        .collect();
    closed.sort_unstable();
    closed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_again_feeds_new_shards() {
    let kafka = audit_tests::start_kafka();
    let with = |first_shard| Start {
        kafka: Some(kafka.address.clone()),
        first_shard,
        ..Start::default()
    };
    let mut pipeline = Pipeline::start(with(0)).await;
    let before = replay(&pipeline, "together.jsonl", "before").await;
    pipeline.sealed().await;
    let ended = pipeline.terminate().await;
    assert!(ended.success(), "{}", pipeline.output());
    // What the processor had taken of the old topic; what it had not is lost with the topic.
    delete_topic(&kafka.address).await;

    // The old shards are the numbers below, whatever the topic had as partitions.
    pipeline.restart_with(with(1_000)).await;
    let old: Vec<(u32, u64)> = lowest_free_offsets(&pipeline)
        .await
        .into_iter()
        .filter(|(shard, _)| *shard < 1_000)
        .collect();
    assert!(!old.is_empty());
    let after = replay(&pipeline, "azure.jsonl", "after").await;
    assert!(before > 0 && after > 0);
    assert_eq!(
        pipeline
            .count("application = 'after' AND kind = 'event' AND shard < 1000")
            .await,
        0,
        "the new topic feeds new shards only"
    );
    until("every old shard is closed", async || {
        (closed(&pipeline).await.len() == old.len()).then_some(())
    })
    .await;
    assert_eq!(closed(&pipeline).await, old, "each closed behind its last record");
    assert_eq!(pipeline.count("kind = 'shard_close' AND shard < 1000").await, 0);
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");

    // Once: another start finds them closed.
    let ended = pipeline.terminate().await;
    assert!(ended.success(), "{}", pipeline.output());
    pipeline.restart_with(with(1_000)).await;
    until("the second start is recorded", async || {
        let starts = "kind = 'heartbeat' AND shard >= 1000 AND JSONExtractString(header, 'action') = 'start' \
                      AND JSONExtractString(header, 'facts', 'component') = 'processor'";
        (pipeline.count(starts).await >= 2).then_some(())
    })
    .await;
    assert_eq!(closed(&pipeline).await, old);
    // Every service that runs told so: the signs of life of a whole pipeline.
    until("all services told their start", async || {
        let sql = "SELECT DISTINCT JSONExtractString(header, 'facts', 'component') AS component FROM records \
                   WHERE kind = 'heartbeat' AND JSONExtractString(header, 'action') = 'start' ORDER BY component";
        let told = pipeline.store().client().query(sql).fetch_all::<String>().await.ok()?;
        (told == ["edge", "processor", "query-api", "readback", "reporter", "sealer"]).then_some(())
    })
    .await;
    pipeline.sealed().await;
    let (status, report) = pipeline.verify();
    assert_eq!(status, 0, "{report}");
}
