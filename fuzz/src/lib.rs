//! What reads bytes of strangers, as functions that must hold for every input, and a deterministic mutator.
//!
//! `fuzz/libfuzzer` runs them coverage-guided (`make fuzz`); `tests/smoke.rs` replays the seeds with a few thousand
//! mutations in every `make test`; `tests/agreement.rs` shows forged bundles to both verifiers.

pub mod forge;
pub mod mutate;
pub mod sample;
pub mod second_verifier;
mod targets;

pub use second_verifier::SecondVerifier;
pub use targets::{TARGETS, Target, named};
