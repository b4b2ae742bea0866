//! Kafka's acknowledgement, and what is said when it does not come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aal_kafka::{
    EVENTS, KafkaConfig, PayloadSealer, Producer, SendError, TopicError,
    rdkafka::error::{KafkaError, RDKafkaErrorCode},
};
use aal_service::{Component, Problem, Shutdown};

use futures_util::future::BoxFuture;

use crate::{accept::Prepared, stats::Stats};

const CHECK_EVERY: Duration = Duration::from_secs(5);
const CHECK_WITHIN: Duration = Duration::from_secs(4);
const RETRY_AFTER_S: u32 = 2;

/// A record on its way: resolves to partition and offset.
pub type Pending = BoxFuture<'static, Result<(i32, i64), SendError>>;

/// Hands records to Kafka. Clones share the producer.
#[derive(Clone, Debug)]
pub struct Delivery {
    producer: Producer,
    /// The topic exists as the guarantees need it. Before that nothing is produced: a broker that makes topics by
    /// itself would make this one with its own defaults.
    topic_is_ready: Arc<AtomicBool>,
    stats: Stats,
}

impl Delivery {
    pub fn new(config: &KafkaConfig, timeout: Duration, stats: Stats) -> Result<Self, KafkaError> {
        let producer = Producer::new(config, "aal-ingest", timeout)?;
        Ok(Self {
            producer,
            topic_is_ready: Arc::default(),
            stats,
        })
    }

    /// The same delivery, which seals payloads; none: as they are.
    pub fn sealing(mut self, sealer: Option<Arc<dyn PayloadSealer>>) -> Self {
        self.producer = self.producer.sealing(sealer);
        self
    }

    /// Key and value as Kafka gets them, for who keeps them on a disk first.
    ///
    /// # Errors
    /// 503 when there is no key to seal with.
    pub fn sealed(&self, prepared: &Prepared) -> Result<(Vec<u8>, Vec<u8>), Problem> {
        let sealed = self
            .producer
            .sealed(EVENTS, prepared.key.as_bytes(), &prepared.value)
            .map_err(|error| self.problem(&error))?;
        Ok(match sealed {
            Some(sealed) => (sealed.key, sealed.value),
            None => (prepared.key.clone().into_bytes(), prepared.value.clone()),
        })
    }

    /// Whether the topic is there; before that nothing is produced.
    pub(crate) fn is_ready(&self) -> bool {
        self.topic_is_ready.load(Ordering::Acquire)
    }

    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Queues a record. The order of calls is the order within a key.
    ///
    /// # Errors
    /// 503 when the queue is full or Kafka has not been seen yet, 413 when the record is larger than Kafka takes.
    pub fn queue(&self, prepared: &Prepared) -> Result<Pending, Problem> {
        if !self.topic_is_ready.load(Ordering::Acquire) {
            self.stats.not_delivered("starting");
            return Err(unavailable());
        }
        let queued = self
            .producer
            .queue(EVENTS, prepared.key.as_bytes(), &prepared.value);
        let pending = queued.map_err(|error| self.problem(&error))?;
        Ok(Box::pin(pending.acknowledged()))
    }

    /// Waits for the acknowledgement.
    ///
    /// # Errors
    /// As [`Delivery::queue`].
    pub async fn acknowledged(&self, pending: Pending) -> Result<(), Problem> {
        match pending.await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.problem(&error)),
        }
    }

    fn problem(&self, error: &SendError) -> Problem {
        let reason = match error {
            SendError::QueueFull => "queue_full",
            SendError::Refused(cause) if is_too_large(cause) => {
                self.stats.not_delivered("too_large");
                return Problem::too_large("the event is larger than the log accepts; see max.message.bytes");
            }
            SendError::Refused(_) => "refused",
            SendError::NotAcknowledged(_) => "not_acknowledged",
            SendError::ShutDown => "shut_down",
            SendError::NotSealed(_) => "not_sealed",
        };
        self.stats.not_delivered(reason);
        tracing::debug!(%error, "record not delivered");
        unavailable()
    }

    /// Makes the topics when they are missing, and keeps telling `health` whether a broker answers.
    pub async fn watch(self, config: KafkaConfig, health: Component, shutdown: Shutdown) {
        while !shutdown.is_requested() {
            match self.check(&config).await {
                Ok(()) => health.up(),
                Err(error) => {
                    tracing::warn!(%error, "kafka is not usable");
                    health.down("no broker answers");
                }
            }
            let pause = if self.topic_is_ready.load(Ordering::Acquire) {
                CHECK_EVERY
            } else {
                CHECK_EVERY / 10
            };
            shutdown.unless_requested(tokio::time::sleep(pause)).await;
        }
    }

    async fn check(&self, config: &KafkaConfig) -> Result<(), String> {
        if self.topic_is_ready.load(Ordering::Acquire) {
            let producer = self.producer.clone();
            let answered = tokio::task::spawn_blocking(move || producer.is_reachable(CHECK_WITHIN)).await;
            return if answered.unwrap_or(false) {
                Ok(())
            } else {
                Err("no answer to a metadata request".into())
            };
        }
        let asked = config.clone();
        let partitions = tokio::task::spawn_blocking(move || aal_kafka::partitions_of(&asked, EVENTS))
            .await
            .map_err(|error| error.to_string())?;
        match partitions {
            Ok(partitions) if !partitions.is_empty() => {}
            Ok(_) | Err(TopicError::Missing(_)) => {
                aal_kafka::ensure_topics(config)
                    .await
                    .map_err(|error| error.to_string())?;
            }
            Err(error) => return Err(error.to_string()),
        }
        self.topic_is_ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Waits until everything queued is answered, at most `timeout`. Blocks.
    pub fn flush(&self, timeout: Duration) {
        if let Err(error) = self.producer.flush(timeout) {
            tracing::warn!(%error, "records still queued were given up; their clients got no 201");
        }
    }
}

fn is_too_large(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}

fn unavailable() -> Problem {
    Problem::unavailable(
        "the event log does not take the event at the moment; send it again with the same event_id",
    )
    .with_retry_after(RETRY_AFTER_S)
}
