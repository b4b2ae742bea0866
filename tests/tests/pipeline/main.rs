//! The whole pipeline, as its users meet it.

mod bundles;
mod console;
mod failures;
mod kafka_away;
mod lifecycle;
mod outside_kafka;
mod partitions;
mod readback;
mod receipts;
mod replaced_topic;
mod replay;
mod reports;
mod sealed_payloads;
mod swallowed;
mod tamper;
