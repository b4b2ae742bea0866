//! Listens on `audit.report-requests` and rings the bell: somebody asked for a report, look now.
//!
//! The message is only a hint, whatever it holds. A job lives in the control store, so a lost, repeated or forged
//! message changes nothing but when a worker looks.

use std::sync::Arc;
use std::time::Duration;

use aal_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use aal_kafka::rdkafka::error::KafkaError;
use aal_kafka::{KafkaConfig, REPORT_REQUESTS};
use aal_service::Shutdown;
use tokio::sync::Notify;

/// How long one poll waits; also how soon the thread sees a stop.
const POLL: Duration = Duration::from_millis(250);
/// Pause after an error, so that a broker that is down is not asked in a tight loop.
const PAUSE: Duration = Duration::from_millis(500);

/// Starts the listening thread. It ends after `shutdown`.
///
/// # Errors
/// The consumer cannot be made or cannot subscribe.
pub(crate) fn listen(
    kafka: &KafkaConfig,
    group: &str,
    bell: Arc<Notify>,
    shutdown: Shutdown,
) -> Result<std::thread::JoinHandle<()>, KafkaError> {
    let mut client = kafka.client("aal-reporter");
    client
        .set("group.id", group)
        .set("auto.offset.reset", "latest")
        .set("enable.auto.commit", "true")
        .set("allow.auto.create.topics", "false");
    let consumer: BaseConsumer = client.create()?;
    consumer.subscribe(&[REPORT_REQUESTS])?;
    let thread = std::thread::Builder::new()
        .name("report-requests".to_owned())
        .spawn(move || {
            while !shutdown.is_requested() {
                match consumer.poll(POLL) {
                    // One waiting worker wakes; it takes all that wait, and the others look by themselves.
                    Some(Ok(_)) => bell.notify_one(),
                    Some(Err(error)) => {
                        tracing::debug!(%error, "no report requests from kafka");
                        std::thread::sleep(PAUSE);
                    }
                    None => {}
                }
            }
        });
    thread.map_err(|error| KafkaError::ClientCreation(error.to_string()))
}

#[cfg(test)]
mod tests {
    use aal_kafka::Producer;
    use aal_kafka::rdkafka::mocking::MockCluster;

    use super::*;

    #[tokio::test]
    async fn an_announcement_rings_the_bell() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(REPORT_REQUESTS, 1, 1).unwrap();
        let kafka = KafkaConfig::new(cluster.bootstrap_servers());
        let (bell, shutdown) = (Arc::new(Notify::new()), Shutdown::new());
        let listener = listen(&kafka, "test", bell.clone(), shutdown.clone()).unwrap();
        let producer = Producer::new(&kafka, "test", Duration::from_secs(10)).unwrap();
        // What was sent before the group was ready is not heard, so it is said again until it is.
        let heard = async {
            while tokio::time::timeout(Duration::from_millis(50), bell.notified())
                .await
                .is_err()
            {
                producer
                    .send(REPORT_REQUESTS, b"any", b"whatever it holds")
                    .await
                    .unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), heard)
            .await
            .expect("nobody heard");
        shutdown.request();
        tokio::task::spawn_blocking(|| listener.join().unwrap())
            .await
            .unwrap();
    }
}
