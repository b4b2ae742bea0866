//! The erasure campaign: people are erased for good while the process is killed and old backups are restored, and every
//! proof and every figure stays as it was.
//!
//! 30 people here; `make erasure-test` does it with 1,000. AAL_ERASURE_SEED repeats a run's moments.

mod campaign;
mod export;
mod holds;
mod people;
mod prune;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}
