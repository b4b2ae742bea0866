//! Looks at a stretch of a partition, outside any consumer group.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
};

use crate::KafkaConfig;

/// Why a partition could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    #[error("kafka did not deliver the messages within {0:?}")]
    TooSlow(Duration),
}

/// One partition of a topic.
pub struct Scan {
    consumer: BaseConsumer,
    topic: &'static str,
    partition: i32,
    deadline: Instant,
    timeout: Duration,
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Scan")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

impl Scan {
    /// Everything that is asked of it is over within `timeout`. All of it blocks.
    ///
    /// # Errors
    /// Settings that librdkafka refuses.
    pub fn new(
        config: &KafkaConfig,
        topic: &'static str,
        partition: i32,
        timeout: Duration,
    ) -> Result<Scan, KafkaError> {
        let consumer = config
            .client("aal-scan")
            // Assigned by hand; nothing is ever committed under this name.
            .set("group.id", "aal-scan")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.message.max.bytes", "34603008")
            .set("receive.message.max.bytes", "100000000")
            .set("queued.max.messages.kbytes", "16384")
            .create()?;
        Ok(Scan {
            consumer,
            topic,
            partition,
            deadline: Instant::now() + timeout,
            timeout,
        })
    }

    /// The first offset that is still there, and the one the next message will get.
    ///
    /// # Errors
    /// Kafka does not answer in time.
    pub fn range(&self) -> Result<Range<u64>, ScanError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let (low, high) = self.consumer.fetch_watermarks(self.topic, self.partition, left)?;
        Ok(low.max(0) as u64..high.max(0) as u64)
    }

    /// Shows every message of `offsets`, which lie within [`Scan::range`], to `look`, in order. Offsets without a
    /// message are passed over.
    ///
    /// # Errors
    /// Kafka does not deliver them in time.
    pub fn each(
        &self,
        offsets: Range<u64>,
        mut look: impl FnMut(&BorrowedMessage<'_>),
    ) -> Result<(), ScanError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        let first = Offset::Offset(offsets.start as i64);
        list.add_partition_offset(self.topic, self.partition, first)?;
        self.consumer.assign(&list)?;
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                None => return Err(ScanError::TooSlow(self.timeout)),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => {
                    let offset = message.offset() as u64;
                    if offsets.contains(&offset) {
                        look(&message);
                    }
                    if offset + 1 >= offsets.end {
                        return Ok(());
                    }
                }
            }
        }
    }
}
