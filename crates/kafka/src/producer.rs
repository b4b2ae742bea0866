//! A producer whose success means that every in-sync replica has the record.

use std::time::Duration;

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    message::OwnedHeaders,
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _},
};

use crate::KafkaConfig;

/// Why a record is not (known to be) in Kafka.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The local queue is full: shed load and come again.
    #[error("the queue to kafka is full")]
    QueueFull,
    /// The broker refused it for ever (too large, unauthorised): sending it again will not help.
    #[error("kafka refused the record: {0}")]
    Refused(KafkaError),
    /// Not acknowledged in time; it may or may not be there. The same event id may be sent again.
    #[error("kafka did not acknowledge: {0}")]
    NotAcknowledged(KafkaError),
    #[error("the producer is shut down")]
    ShutDown,
}

/// An idempotent producer with `acks=all`.
#[derive(Clone)]
pub struct Producer {
    inner: FutureProducer,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Producer").finish_non_exhaustive()
    }
}

/// A record on its way; resolves when Kafka answered or the delivery time-out passed.
pub struct Pending(DeliveryFuture);

impl std::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Producer {
    /// Makes a producer. `delivery_timeout` bounds how long a record may wait for its acknowledgement.
    pub fn new(
        config: &KafkaConfig,
        client_id: &str,
        delivery_timeout: Duration,
    ) -> Result<Producer, KafkaError> {
        let mut client = config.client(client_id);
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", delivery_timeout.as_millis().to_string())
            .set("linger.ms", "2")
            .set("batch.size", "1000000")
            .set("message.max.bytes", "33554432")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "262144");
        for (key, value) in &config.options {
            client.set(key, value);
        }
        Ok(Producer {
            inner: client.create()?,
        })
    }

    /// Queues a record; the order of calls is the order within a partition.
    pub fn queue(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<Pending, SendError> {
        self.queue_with_headers(topic, key, value, None)
    }

    /// As [`Producer::queue`], with Kafka headers.
    pub fn queue_with_headers(
        &self,
        topic: &str,
        key: &[u8],
        value: &[u8],
        headers: Option<OwnedHeaders>,
    ) -> Result<Pending, SendError> {
        let mut record = FutureRecord::to(topic).key(key).payload(value);
        if let Some(headers) = headers {
            record = record.headers(headers);
        }
        self.inner
            .send_result(record)
            .map(Pending)
            .map_err(|(error, _)| classify(error))
    }

    /// Queues and waits for the acknowledgement; answers partition and offset.
    pub async fn send(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<(i32, i64), SendError> {
        self.queue(topic, key, value)?.acknowledged().await
    }

    /// Waits until everything queued is answered, at most `timeout`.
    pub fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.inner.flush(timeout)
    }

    /// Whether a broker answers a metadata request within `timeout`. Blocks.
    pub fn is_reachable(&self, timeout: Duration) -> bool {
        self.inner
            .client()
            .fetch_metadata(Some(crate::EVENTS), timeout)
            .is_ok()
    }
}

impl Pending {
    /// Waits for the acknowledgement; answers partition and offset.
    pub async fn acknowledged(self) -> Result<(i32, i64), SendError> {
        match self.0.await {
            Ok(Ok(delivery)) => Ok((delivery.partition, delivery.offset)),
            Ok(Err((error, _))) => Err(classify(error)),
            Err(_) => Err(SendError::ShutDown),
        }
    }
}

fn classify(error: KafkaError) -> SendError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => SendError::QueueFull,
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessage
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed,
        ) => SendError::Refused(error),
        _ => SendError::NotAcknowledged(error),
    }
}
