//! Kafka topics, producers and consumers.
