//! Which version of a policy holds for which message.
//!
//! Versions are never changed, and each holds from a time on that lies ahead of the moment it was written. A message is
//! treated by the version in force at its own time (the broker's), so that whoever reads it, and whenever, treats it
//! alike. A reader may keep what it read for [`CACHE_US`], because nothing can have come into force since that it does
//! not know.

use std::sync::Arc;

use aal_ledger::Hash;

use crate::Policy;

/// The application name under which a tenant's own policy stands: its patterns and lists hold for all applications,
/// the rest of it for those that have no policy of their own.
pub const TENANT_WIDE: &str = "*";
/// How far ahead a change is put into force, µs.
pub const CHANGE_DELAY_US: i64 = 10_000_000;
/// How far ahead the first version of an application is: readers know no earlier one, so they look it up again.
pub const FIRST_DELAY_US: i64 = 1_000_000;
/// How long a reader may rely on what it read of an application it knows, µs. What is left of [`CHANGE_DELAY_US`] is
/// for clocks that differ and for the writing itself.
pub const CACHE_US: i64 = 5_000_000;

/// One version.
#[derive(Clone, Debug)]
pub struct Version {
    /// From this time on, µs.
    pub effective_us: i64,
    pub digest: Hash,
    pub policy: Arc<Policy>,
}

/// When a version that is written now comes into force, after `last_us`, the time of the version before it.
pub fn effective_us(now_us: i64, last_us: Option<i64>) -> i64 {
    match last_us {
        None => now_us + FIRST_DELAY_US,
        Some(last_us) => (now_us + CHANGE_DELAY_US).max(last_us + 1),
    }
}

/// The version in force at `at_us`, of versions in order of their times.
pub fn in_force(versions: &[Version], at_us: i64) -> Option<&Version> {
    let after = versions.partition_point(|version| version.effective_us <= at_us);
    after.checked_sub(1).map(|index| &versions[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(effective_us: i64) -> Version {
        Version {
            effective_us,
            digest: [0; 32],
            policy: Arc::default(),
        }
    }

    #[test]
    fn the_latest_version_at_or_before_the_messages_time_holds() {
        let versions = [version(10), version(20)];
        let at = |at_us| in_force(&versions, at_us).map(|found| found.effective_us);
        assert_eq!(at(9), None);
        assert_eq!(at(10), Some(10));
        assert_eq!(at(19), Some(10));
        assert_eq!(at(20), Some(20));
        assert_eq!(at(i64::MAX), Some(20));
    }

    #[test]
    fn a_change_lies_ahead_of_every_readers_memory_and_after_the_last_one() {
        assert_eq!(effective_us(5, None), 5 + FIRST_DELAY_US);
        assert_eq!(effective_us(5, Some(0)), 5 + CHANGE_DELAY_US);
        let later = 2 * CHANGE_DELAY_US;
        assert_eq!(effective_us(5, Some(later)), later + 1);
        const { assert!(CACHE_US < CHANGE_DELAY_US) };
    }
}
