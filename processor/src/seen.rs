//! Which event ids may have been recorded already.
//!
//! A Bloom filter answers "certainly new" without asking the store; everything else is looked up, so the
//! answer is exact. It holds the ids of all shards that this process read at start and of every block since.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use fastbloom::BloomFilter;
use uuid::Uuid;

const FALSE_POSITIVES: f64 = 0.001;
const FIRST_CAPACITY: usize = 1_000_000;

struct Filter {
    bloom: BloomFilter,
    items: usize,
    capacity: usize,
}

/// The filter of one process.
pub struct SeenIds {
    filter: Mutex<Filter>,
    /// Ids added while the filter is being made anew.
    meanwhile: Mutex<Option<Vec<Uuid>>>,
    distrusted: AtomicBool,
}

impl std::fmt::Debug for SeenIds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SeenIds").finish_non_exhaustive()
    }
}

impl Default for SeenIds {
    fn default() -> Self {
        SeenIds {
            filter: Mutex::new(Filter::with_capacity(FIRST_CAPACITY)),
            meanwhile: Mutex::default(),
            distrusted: AtomicBool::new(false),
        }
    }
}

impl Filter {
    fn with_capacity(capacity: usize) -> Filter {
        let bloom = BloomFilter::with_false_pos(FALSE_POSITIVES).expected_items(capacity);
        Filter {
            bloom,
            items: 0,
            capacity,
        }
    }
}

impl SeenIds {
    /// Adds ids. A full filter stays correct, it only asks the store more often; [`SeenIds::is_full`] tells.
    pub fn add(&self, ids: impl IntoIterator<Item = Uuid>) {
        let mut filter = self.lock();
        let mut meanwhile = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            filter.items += usize::from(!filter.bloom.insert(id.as_bytes()));
            if let Some(meanwhile) = meanwhile.as_mut() {
                meanwhile.push(id);
            }
        }
    }

    /// From now on ids are noted that [`SeenIds::rebuild`] must not lose: they are newer than what it is given.
    pub fn begin_rebuild(&self) {
        *self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Takes every id for known until [`SeenIds::trust`]: another process may record ids that belong here.
    pub fn distrust(&self) {
        self.distrusted.store(true, Ordering::Relaxed);
    }

    /// Adds every id of the store and believes the filter again.
    pub fn trust(&self, ids: Vec<Uuid>) {
        self.add(ids);
        self.distrusted.store(false, Ordering::Relaxed);
    }

    /// Whether the filter holds more than it was made for and should be rebuilt from the store.
    pub fn is_full(&self) -> bool {
        let filter = self.lock();
        filter.items > filter.capacity
    }

    /// Replaces the filter by one with room for twice `ids`.
    pub fn rebuild(&self, ids: Vec<Uuid>) {
        let mut fresh = Filter::with_capacity((ids.len() * 2).max(FIRST_CAPACITY));
        for id in ids {
            fresh.items += usize::from(!fresh.bloom.insert(id.as_bytes()));
        }
        let mut filter = self.lock();
        let meanwhile = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        for id in meanwhile.into_iter().flatten() {
            fresh.items += usize::from(!fresh.bloom.insert(id.as_bytes()));
        }
        *filter = fresh;
    }

    /// Which of these ids may be known.
    pub fn maybe_known(&self, ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        if self.distrusted.load(Ordering::Relaxed) {
            return ids.collect();
        }
        let filter = self.lock();
        ids.filter(|id| filter.bloom.contains(id.as_bytes())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Filter> {
        // Nothing panics while the lock is held; a poisoned filter would still be a correct one.
        self.filter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ids_are_never_called_new() {
        let seen = SeenIds::default();
        let ids: Vec<Uuid> = (0..10_000).map(Uuid::from_u128).collect();
        seen.add(ids.iter().copied());
        assert_eq!(seen.maybe_known(ids.iter().copied()), ids);
        let strangers = seen.maybe_known((1_000_000..1_010_000).map(Uuid::from_u128));
        assert!(
            strangers.len() < 100,
            "{} of 10,000 strangers are taken for known",
            strangers.len()
        );
        assert!(!seen.is_full());
    }

    #[test]
    fn ids_that_come_while_the_filter_is_made_anew_are_kept() {
        let seen = SeenIds::default();
        seen.begin_rebuild();
        seen.add([Uuid::from_u128(7)]);
        seen.rebuild(vec![Uuid::from_u128(1)]);
        let both = [Uuid::from_u128(1), Uuid::from_u128(7)];
        assert_eq!(seen.maybe_known(both.into_iter()), both);
    }

    #[test]
    fn a_distrusted_filter_calls_nothing_new() {
        let seen = SeenIds::default();
        seen.distrust();
        assert_eq!(seen.maybe_known([Uuid::from_u128(5)].into_iter()).len(), 1);
        seen.trust(vec![Uuid::from_u128(6)]);
        assert!(seen.maybe_known([Uuid::from_u128(5)].into_iter()).is_empty());
        assert_eq!(seen.maybe_known([Uuid::from_u128(6)].into_iter()).len(), 1);
    }
}
