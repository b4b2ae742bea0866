//! Starts the real pipeline for integration tests: own data directory, free ports, ended by process id.

mod pipeline;
mod poll;
pub mod repository;
mod second_verifier;

pub use pipeline::{Endpoints, Pipeline, Start, bin, recordings};
pub use poll::until;
pub use second_verifier::SecondVerifier;
