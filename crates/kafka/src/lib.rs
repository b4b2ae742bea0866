//! Kafka: the topics, how they are made, and clients set up so that an acknowledgement means durable.

mod dead_letter;
mod producer;
mod scan;
mod sealing;
mod topics;

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use serde::Deserialize;

pub use dead_letter::{REPLAY_OF, Rejected, replay_headers};
pub use producer::{Producer, SendError};
pub use rdkafka;
pub use scan::{Scan, ScanError};
pub use sealing::{PayloadSealer, SealedRecord};
pub use topics::{TopicError, ensure_topics, partition_count, partitions_of};

/// What applications send: Avro `AuditEvent`, key = tenant and session.
pub const EVENTS: &str = "audit.events";
/// What could not be read, verbatim.
pub const DEAD_LETTER: &str = "audit.dead-letter";
/// Live feed for consumers outside: JSON summaries of stored records.
pub const FEED: &str = "audit.feed";
/// Report jobs.
pub const REPORT_REQUESTS: &str = "audit.report-requests";
/// Signed checkpoints, one a epoch.
pub const CHECKPOINTS: &str = "audit.checkpoints";

/// Where the brokers are. The embedded broker and a cluster differ in this only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, comma-separated.
    pub brokers: String,
    /// How many partitions `audit.events` is made with: the number of shards.
    #[serde(default = "default_partitions")]
    pub partitions: i32,
    /// How many replicas each topic is made with.
    #[serde(default = "default_replication")]
    pub replication: i32,
    /// How long raw events stay in Kafka, in milliseconds. It must be shorter than the erasure time.
    #[serde(default = "default_retention_ms")]
    pub retention_ms: i64,
    /// Further librdkafka settings, for example `security.protocol` and `sasl.*`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

fn default_partitions() -> i32 {
    4
}

fn default_replication() -> i32 {
    1
}

fn default_retention_ms() -> i64 {
    7 * 24 * 3600 * 1000
}

impl KafkaConfig {
    /// A configuration with defaults for everything but the brokers.
    pub fn new(brokers: impl Into<String>) -> KafkaConfig {
        KafkaConfig {
            brokers: brokers.into(),
            partitions: default_partitions(),
            replication: default_replication(),
            retention_ms: default_retention_ms(),
            options: BTreeMap::new(),
        }
    }

    /// The settings that every client shares.
    pub fn client(&self, client_id: &str) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", client_id)
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000");
        for (key, value) in &self.options {
            client.set(key, value);
        }
        client
    }
}
