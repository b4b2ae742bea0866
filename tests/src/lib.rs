//! Starts the real pipeline for integration tests: own data directory, free ports, ended by process id.

mod administrator;
mod engines;
mod kafka;
mod pipeline;
mod poll;
pub mod repository;
mod witness;

pub use kafka::{Kafka, start_kafka};
pub use pipeline::{Endpoints, Pipeline, Start, bin, recordings};
pub use poll::until;
pub use rustix::process::Signal;
pub use witness::Witness;
