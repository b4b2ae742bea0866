//! What Kafka holds of a partition, and how far the group got in it.

use std::time::Duration;

use aal_kafka::{
    EVENTS, KafkaConfig,
    rdkafka::{
        Offset, TopicPartitionList,
        consumer::{BaseConsumer, Consumer},
        error::KafkaError,
    },
};

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRange {
    pub log_start: u64,
    pub log_end: u64,
    /// The group's committed offset: behind everything that some processor read back from the store.
    pub acknowledged: Option<u64>,
}

impl PartitionRange {
    /// Asks the broker; none, and a warning, when it does not answer.
    pub async fn read(kafka: &KafkaConfig, group: &str, partition: i32) -> Option<PartitionRange> {
        let mut client = kafka.client("aal-watermarks");
        // Named, and never joined: only its committed offset is asked for.
        client.set("group.id", group);
        let work = tokio::task::spawn_blocking(move || ask(&client.create()?, partition));
        match work.await {
            Ok(Ok(range)) => Some(range),
            Ok(Err(error)) => {
                tracing::warn!(%error, partition, "kafka did not tell its range");
                None
            }
            Err(_) => None,
        }
    }
}

fn ask(consumer: &BaseConsumer, partition: i32) -> Result<PartitionRange, KafkaError> {
    let (low, high) = consumer.fetch_watermarks(EVENTS, partition, TIMEOUT)?;
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition(EVENTS, partition);
    let committed = consumer.committed_offsets(wanted, TIMEOUT)?;
    let found = committed.find_partition(EVENTS, partition);
    let acknowledged = match found.map(|found| found.offset()) {
        Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
        _ => None,
    };
    Ok(PartitionRange {
        log_start: low.max(0) as u64,
        log_end: high.max(0) as u64,
        acknowledged,
    })
}
