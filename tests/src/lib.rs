//! Starts the real pipeline for integration tests: own data directory, free ports, ended by process id.

mod kafka;
mod pipeline;
mod poll;
pub mod repository;

pub use kafka::{Kafka, start_kafka};
pub use pipeline::{Endpoints, Pipeline, Start, bin, recordings};
pub use poll::until;
