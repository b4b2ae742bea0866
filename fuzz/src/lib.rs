//! What reads bytes of strangers, as functions that must hold for every input, and a deterministic mutator.
//!
//! `fuzz/libfuzzer` runs them coverage-guided (`make fuzz`); `tests/smoke.rs` replays the seeds with a few thousand
//! mutations in every `make test`; `tests/tests/tamper_agreement.rs` uses the mutator on whole bundles.

pub mod forge;
pub mod mutate;
pub mod sample;
mod targets;

pub use targets::{TARGETS, Target, named};
