//! What a client has done so far.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of the counters since the client was made. An event of a batch counts like a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events acknowledged with a receipt.
    pub recorded: u64,
    /// Events the edge refused for ever.
    pub refused: u64,
    /// Events given up on; they may or may not be recorded.
    pub given_up: u64,
    /// HTTP requests beyond the first of each call.
    pub retries: u64,
    /// Bytes of bodies sent, repetitions included.
    pub bytes_sent: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub recorded: AtomicU64,
    pub refused: AtomicU64,
    pub given_up: AtomicU64,
    pub retries: AtomicU64,
    pub bytes_sent: AtomicU64,
}

impl Counters {
    pub fn read(&self) -> Counts {
        Counts {
            recorded: self.recorded.load(Relaxed),
            refused: self.refused.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
        }
    }
}

/// Adds to a counter; the order of additions does not matter.
pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Relaxed);
}
