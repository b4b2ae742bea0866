//! A producer whose success means that every in-sync replica has the record.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    message::OwnedHeaders,
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _, PurgeConfig},
};

use crate::{
    KafkaConfig,
    sealing::{PayloadSealer, SealedRecord, is_sealed},
};

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
    /// The payload could not be sealed, and goes nowhere in the clear.
    #[error("the payload was not sealed: {0}")]
    NotSealed(String),
}

/// An idempotent producer with `acks=all`.
///
/// After a record was not acknowledged in time the librdkafka producer is replaced by a fresh one: what it
/// knows of sequences and epochs may no longer agree with the broker (some brokers never let such a
/// producer in again), and what it still held is given up, so that a late success cannot be mistaken for
/// one that was reported. Whoever sent such a record sends it again under the same event id.
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
    sealer: Option<Arc<dyn PayloadSealer>>,
}

struct Shared {
    config: ClientConfig,
    current: RwLock<Generation>,
}

struct Generation {
    number: u64,
    producer: FutureProducer,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Producer").finish_non_exhaustive()
    }
}

/// A record on its way; resolves when Kafka answered or the delivery time-out passed.
pub struct Pending {
    delivery: DeliveryFuture,
    generation: u64,
    producer: Producer,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pending").finish_non_exhaustive()
    }
}

impl Producer {
    /// Makes a producer. `delivery_timeout` bounds how long a record may wait for its acknowledgement.
    ///
    /// # Errors
    /// Settings that librdkafka refuses.
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
            // New partitions are used soon after they are made.
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("linger.ms", "2")
            .set("batch.size", "1000000")
            .set("message.max.bytes", "33554432")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "262144");
        for (key, value) in &config.options {
            client.set(key, value);
        }
        let current = RwLock::new(Generation {
            number: 0,
            producer: client.create()?,
        });
        Ok(Producer {
            shared: Arc::new(Shared {
                config: client,
                current,
            }),
            sealer: None,
        })
    }

    /// The same producer, which seals what goes to the topics that hold what applications sent.
    pub fn sealing(mut self, sealer: Option<Arc<dyn PayloadSealer>>) -> Producer {
        self.sealer = sealer;
        self
    }

    /// The record as it goes to `topic`; none: as it is.
    ///
    /// # Errors
    /// [`SendError::NotSealed`].
    pub fn sealed(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<Option<SealedRecord>, SendError> {
        match &self.sealer {
            Some(sealer) if is_sealed(topic) => {
                let sealed = sealer.seal(topic, key, value);
                sealed.map(Some).map_err(SendError::NotSealed)
            }
            _ => Ok(None),
        }
    }

    fn current(&self) -> (u64, FutureProducer) {
        let current = self.shared.current.read().unwrap_or_else(PoisonError::into_inner);
        (current.number, current.producer.clone())
    }

    /// Replaces the producer of `generation`, unless somebody already did.
    fn renew(&self, generation: u64) {
        let mut current = self
            .shared
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if current.number != generation {
            return;
        }
        match self.shared.config.create::<FutureProducer>() {
            Ok(fresh) => {
                let old = std::mem::replace(
                    &mut *current,
                    Generation {
                        number: generation + 1,
                        producer: fresh,
                    },
                );
                old.producer.purge(PurgeConfig::default().queue().inflight());
                tracing::warn!("replaced the kafka producer after a record was not acknowledged");
            }
            Err(error) => tracing::error!(%error, "the kafka producer could not be replaced"),
        }
    }

    /// Queues a record; the order of calls is the order within a partition.
    ///
    /// # Errors
    /// The queue is full, or the record is refused at once.
    pub fn queue(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<Pending, SendError> {
        self.queue_with_headers(topic, key, value, None)
    }

    /// As [`Producer::queue`], with Kafka headers.
    ///
    /// # Errors
    /// As [`Producer::queue`].
    pub fn queue_with_headers(
        &self,
        topic: &str,
        key: &[u8],
        value: &[u8],
        headers: Option<OwnedHeaders>,
    ) -> Result<Pending, SendError> {
        self.queue_parts(topic, None, key, value, headers)
    }

    fn queue_parts(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: &[u8],
        value: &[u8],
        headers: Option<OwnedHeaders>,
    ) -> Result<Pending, SendError> {
        let sealed = self.sealed(topic, key, value)?;
        let (key, value) = match &sealed {
            Some(sealed) => (&sealed.key[..], &sealed.value[..]),
            None => (key, value),
        };
        let mut record = FutureRecord::to(topic).key(key).payload(value);
        record.partition = partition;
        record.headers = headers;
        self.queue_record(record)
    }

    fn queue_record(&self, record: FutureRecord<'_, [u8], [u8]>) -> Result<Pending, SendError> {
        let (generation, producer) = self.current();
        match producer.send_result(record) {
            Ok(delivery) => Ok(Pending {
                delivery,
                generation,
                producer: self.clone(),
            }),
            Err((error, _)) => {
                let error = classify(error);
                if matches!(error, SendError::NotAcknowledged(_)) {
                    self.renew(generation);
                }
                Err(error)
            }
        }
    }

    /// Queues and waits for the acknowledgement; answers partition and offset.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<(i32, i64), SendError> {
        self.queue(topic, key, value)?.acknowledged().await
    }

    /// As [`Producer::send`], into a given partition whatever the key is.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send_to(
        &self,
        topic: &str,
        partition: i32,
        key: &[u8],
        value: &[u8],
    ) -> Result<(i32, i64), SendError> {
        let pending = self.queue_parts(topic, Some(partition), key, value, None)?;
        pending.acknowledged().await
    }

    /// Waits until everything queued is answered, at most `timeout`.
    ///
    /// # Errors
    /// The time passed.
    pub fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.current().1.flush(timeout)
    }

    /// Whether a broker answers a metadata request within `timeout`. Blocks.
    pub fn is_reachable(&self, timeout: Duration) -> bool {
        self.current()
            .1
            .client()
            .fetch_metadata(Some(crate::EVENTS), timeout)
            .is_ok()
    }
}

impl Pending {
    /// Waits for the acknowledgement; answers partition and offset.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn acknowledged(self) -> Result<(i32, i64), SendError> {
        match self.delivery.await {
            Ok(Ok(delivery)) => Ok((delivery.partition, delivery.offset)),
            Ok(Err((error, _))) => {
                let error = classify(error);
                if matches!(error, SendError::NotAcknowledged(_)) {
                    self.producer.renew(self.generation);
                }
                Err(error)
            }
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
