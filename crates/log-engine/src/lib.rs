//! The embedded Kafka-protocol broker.
