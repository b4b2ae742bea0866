//! A broker process over a directory, and rdkafka clients for it.
#![allow(dead_code)]

use aal_child::{Child, ChildError};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::FutureProducer;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

pub const START_TIMEOUT: Duration = Duration::from_secs(60);
pub const TOPIC: &str = "audit.events";
pub const PARTITIONS: i32 = 4;
const WAIT: Duration = Duration::from_secs(60);

pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aal-log-engine"));
    command.arg("--data").arg(data).arg("--follow-parent");
    command
}

pub async fn start(data: &Path) -> Result<Child, ChildError> {
    Child::start(command(data), START_TIMEOUT).await
}

fn client(child: &Child) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", child.address().to_string())
        .set("broker.address.family", "v4");
    config
}

pub fn admin(child: &Child) -> AdminClient<DefaultClientContext> {
    client(child).create().unwrap()
}

pub async fn create_topic(child: &Child, configuration: &[(&str, &str)]) {
    let mut topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1));
    for (name, value) in configuration {
        topic = topic.set(name, value);
    }
    let created = admin(child)
        .create_topics([&topic], &AdminOptions::new())
        .await
        .unwrap();
    assert_eq!(created, [Ok(TOPIC.to_owned())]);
}

/// The strictest producer: idempotent, `acks=all`.
pub fn producer(child: &Child) -> FutureProducer {
    let mut config = client(child);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5");
    config
        .set("message.max.bytes", "8388608")
        .set("message.timeout.ms", "30000");
    config.create().unwrap()
}

pub fn consumer(child: &Child, group: &str) -> BaseConsumer {
    let mut config = client(child);
    config
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false");
    config
        .set("fetch.message.max.bytes", "16777216")
        .set("session.timeout.ms", "10000");
    config.create().unwrap()
}

/// The next message, skipping errors that pass; fails after a minute.
pub fn next(consumer: &BaseConsumer) -> BorrowedMessage<'_> {
    let deadline = Instant::now() + WAIT;
    loop {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) {
            return message;
        }
        assert!(Instant::now() < deadline, "no message within {WAIT:?}");
    }
}

/// Earliest and latest offset of each partition.
pub fn offsets(consumer: &BaseConsumer) -> BTreeMap<i32, (i64, i64)> {
    let of = |partition| {
        consumer
            .fetch_watermarks(TOPIC, partition, Duration::from_secs(20))
            .unwrap()
    };
    (0..PARTITIONS)
        .map(|partition| (partition, of(partition)))
        .collect()
}
