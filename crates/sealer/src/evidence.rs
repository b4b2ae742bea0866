//! What others have said of the log lately: named by the next manifest, which gives a time it is not older than.

use std::sync::{Arc, Mutex, PoisonError};

use aal_ledger::{Hash, Manifest, ZERO_HASH};

/// Digests of the latest cosigned checkpoint and of the latest timestamp; shared between the sealer and those who ask
/// for them in the background.
#[derive(Clone, Debug, Default)]
pub struct Evidence(Arc<Mutex<Latest>>);

#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    witness: Option<Hash>,
    timestamp: Option<Hash>,
}

impl Evidence {
    /// Notes a cosigned checkpoint that is stored.
    pub fn witnessed(&self, hash: Hash) {
        self.with(|latest| latest.witness = Some(hash));
    }

    /// Notes a timestamp that is stored.
    pub fn timestamped(&self, hash: Hash) {
        self.with(|latest| latest.timestamp = Some(hash));
    }

    /// `witness` of the manifest after `last`: a new one, or that of `last` again.
    pub fn witness_after(&self, last: Option<&Manifest>) -> Hash {
        let carried = last.map_or(ZERO_HASH, |last| last.witness_hash);
        self.with(|latest| latest.witness).unwrap_or(carried)
    }

    /// `timestamp` of the manifest after `last`: a new one, or that of `last` again.
    pub fn timestamp_after(&self, last: Option<&Manifest>) -> Hash {
        let carried = last.map_or(ZERO_HASH, |last| last.timestamp_hash);
        self.with(|latest| latest.timestamp).unwrap_or(carried)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Latest) -> T) -> T {
        // Two digests are whole whoever panicked while holding them.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
