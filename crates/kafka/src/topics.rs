//! Topics are made by the program, with the settings the guarantees rest on.

use std::time::Duration;

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use crate::{CHECKPOINTS, DEAD_LETTER, EVENTS, FEED, KafkaConfig, REPORT_REQUESTS};

/// The edge takes events of up to 4 MiB of JSON by default and 16 MiB at most; Kafka's own default is 1 MiB.
const MOST_MESSAGE_BYTES: &str = "33554432";
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// Why topics could not be made or looked up.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error("topic {topic} could not be made: {code}")]
    Refused { topic: String, code: RDKafkaErrorCode },
    #[error("topic {0} does not exist")]
    Missing(String),
}

/// Makes every topic that is missing; those that exist are left as they are.
pub async fn ensure_topics(config: &KafkaConfig) -> Result<(), TopicError> {
    let admin: AdminClient<DefaultClientContext> = config.client("aal-admin").create()?;
    let retention = config.retention_ms.to_string();
    let week = (7 * 24 * 3600 * 1000).to_string();
    let topic = |name, partitions| {
        NewTopic::new(name, partitions, TopicReplication::Fixed(config.replication))
            .set("cleanup.policy", "delete")
    };
    let topics = [
        topic(EVENTS, config.partitions)
            .set("retention.ms", &retention)
            .set("max.message.bytes", MOST_MESSAGE_BYTES)
            // The broker's clock, so that no producer can back-date its messages.
            .set("message.timestamp.type", "LogAppendTime"),
        topic(DEAD_LETTER, 1)
            .set("retention.ms", &retention)
            .set("max.message.bytes", MOST_MESSAGE_BYTES),
        topic(FEED, 1).set("retention.ms", &week),
        topic(REPORT_REQUESTS, 1).set("retention.ms", &week),
        topic(CHECKPOINTS, 1).set("retention.ms", "-1"),
    ];
    // Asking first spares a broker's log a complaint for each topic at each start.
    let existing = existing_topics(config).await?;
    let topics: Vec<NewTopic<'_>> = topics
        .into_iter()
        .filter(|topic| !existing.iter().any(|name| name == topic.name))
        .collect();
    if topics.is_empty() {
        return Ok(());
    }
    let options = AdminOptions::new()
        .operation_timeout(Some(METADATA_TIMEOUT))
        .request_timeout(Some(METADATA_TIMEOUT));
    for result in admin.create_topics(&topics, &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicError::Refused { topic, code }),
        }
    }
    Ok(())
}

async fn existing_topics(config: &KafkaConfig) -> Result<Vec<String>, TopicError> {
    let consumer: BaseConsumer = config.client("aal-metadata").create()?;
    let work = tokio::task::spawn_blocking(move || {
        let metadata = consumer.fetch_metadata(None, METADATA_TIMEOUT)?;
        let names = metadata
            .topics()
            .iter()
            .filter(|topic| topic.error().is_none())
            .map(|topic| topic.name().to_owned());
        Ok::<_, KafkaError>(names.collect())
    });
    // The closure does not panic; if it did, every topic is tried.
    Ok(work.await.unwrap_or(Ok(Vec::new()))?)
}

/// The partition ids of a topic, ascending. Blocks; call it where blocking is fine.
pub fn partitions_of(config: &KafkaConfig, topic: &str) -> Result<Vec<i32>, TopicError> {
    let consumer: BaseConsumer = config.client("aal-metadata").create()?;
    let metadata = consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
    let found = metadata
        .topics()
        .iter()
        .find(|candidate| candidate.name() == topic && candidate.error().is_none());
    let found = found.ok_or_else(|| TopicError::Missing(topic.to_owned()))?;
    let mut ids: Vec<i32> = found
        .partitions()
        .iter()
        .map(|partition| partition.id())
        .collect();
    ids.sort_unstable();
    Ok(ids)
}

/// How many partitions a topic has. Blocks.
pub fn partition_count(config: &KafkaConfig, topic: &str) -> Result<usize, TopicError> {
    Ok(partitions_of(config, topic)?.len())
}
