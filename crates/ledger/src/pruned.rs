//! Records whose content was removed when their retention was over: what a `prune` leaf names, and which absences that
//! explains (docs/ledger-format.md, section 3.6). The leaves themselves stay.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::{ChainId, Kind};

/// Kind of a stored row of which only place and leaf are left.
pub const PRUNED: &str = "pruned";
/// No record may be pruned before it is so old (EU AI Act, articles 19(1) and 26(6): six months).
pub const MIN_RETENTION_US: i64 = 183 * DAY_US;
/// Most ranges of one `prune` leaf.
pub const MAX_RANGES: usize = 1_000;
/// Header members of a `prune` leaf.
pub const SHARD_MEMBER: &str = "pruned_shard";
pub const RANGES_MEMBER: &str = "pruned_ranges";

const DAY_US: i64 = 86_400_000_000;

impl Kind {
    /// Whether records of this kind may be pruned. What explains other records, and what was done to the ledger, stays.
    pub fn is_prunable(self) -> bool {
        matches!(
            self,
            Kind::Event
                | Kind::Outcome
                | Kind::Intent
                | Kind::Duplicate
                | Kind::Conflict
                | Kind::Rejected
                | Kind::Withheld
                | Kind::Reprice
        )
    }
}

/// What one `prune` leaf names: indexes of one chain, both ends included, ascending and apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneRanges {
    pub shard: u32,
    pub ranges: Vec<(u64, u64)>,
}

impl PruneRanges {
    /// From the header's members; `None` when they are not of the form.
    pub fn read(shard: Option<&Value>, ranges: Option<&Value>) -> Option<PruneRanges> {
        let shard = u32::try_from(shard?.as_u64()?).ok()?;
        let pairs = ranges?.as_array()?;
        if pairs.is_empty() || pairs.len() > MAX_RANGES {
            return None;
        }
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let [first, last] = pair.as_array()?.as_slice() else {
                return None;
            };
            let (first, last) = (first.as_u64()?, last.as_u64()?);
            // Ranges that touch would be one range.
            let is_behind = ranges
                .last()
                .is_none_or(|(_, before)| first > before.saturating_add(1));
            if first > last || !is_behind {
                return None;
            }
            ranges.push((first, last));
        }
        Some(PruneRanges { shard, ranges })
    }
}

/// Consecutive pruned records of one chain and one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedRun {
    pub first: u64,
    pub last: u64,
    /// Edge time of the youngest, µs.
    pub youngest_us: i64,
}

impl PrunedRun {
    /// One record.
    pub fn new(index: u64, edge_us: i64) -> PrunedRun {
        PrunedRun {
            first: index,
            last: index,
            youngest_us: edge_us,
        }
    }

    /// Takes the next index of the same day.
    fn push(&mut self, index: u64, edge_us: i64) -> bool {
        let is_next = index == self.last.wrapping_add(1);
        let is_same_day = self.youngest_us.div_euclid(DAY_US) == edge_us.div_euclid(DAY_US);
        if is_next && is_same_day {
            self.last = index;
            self.youngest_us = self.youngest_us.max(edge_us);
        }
        is_next && is_same_day
    }

    /// How many records it is.
    pub fn count(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// Pruned records as they were found, in any order.
#[derive(Clone, Debug, Default)]
pub struct PrunedRecords {
    runs: BTreeMap<ChainId, Vec<PrunedRun>>,
}

impl PrunedRecords {
    /// One more pruned record.
    pub fn push(&mut self, chain: ChainId, index: u64, edge_us: i64) {
        let runs = self.runs.entry(chain).or_default();
        if !runs.last_mut().is_some_and(|run| run.push(index, edge_us)) {
            runs.push(PrunedRun::new(index, edge_us));
        }
    }

    /// Adds those of another reader.
    pub fn merge(&mut self, other: PrunedRecords) {
        for (chain, runs) in other.runs {
            self.runs.entry(chain).or_default().extend(runs);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.runs.values().flatten().map(PrunedRun::count).sum()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (ChainId, PrunedRun)> + '_ {
        self.runs
            .iter()
            .flat_map(|(chain, runs)| runs.iter().map(|run| (*chain, *run)))
    }
}

/// What the `prune` leaves of a ledger allow to be absent.
#[derive(Clone, Debug, Default)]
pub struct Prunes {
    /// Per chain: first and last index, and the edge time of the leaf that names them.
    ranges: BTreeMap<ChainId, Vec<(u64, u64, i64)>>,
}

impl Prunes {
    /// One `prune` leaf of a tenant, told at `told_us`.
    pub fn add(&mut self, tenant: Uuid, named: &PruneRanges, told_us: i64) {
        let chain = ChainId {
            tenant,
            shard: named.shard,
        };
        let ranges = named.ranges.iter().map(|(first, last)| (*first, *last, told_us));
        self.ranges.entry(chain).or_default().extend(ranges);
    }

    /// Whether no leaf was added.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether one of these leaves names something of `chain` between `first` and `last`.
    pub fn touch(&self, chain: ChainId, first: u64, last: u64) -> bool {
        let ranges = self.ranges.get(&chain).into_iter().flatten();
        ranges
            .into_iter()
            .any(|range| range.0 <= last && first <= range.1)
    }

    /// The first index of the run that no leaf allows to be absent; `None` when all are. A leaf allows what was
    /// [`MIN_RETENTION_US`] old when it was told.
    pub fn unexplained(&self, chain: ChainId, run: &PrunedRun) -> Option<u64> {
        let mut allowed: Vec<(u64, u64)> = self
            .ranges
            .get(&chain)
            .into_iter()
            .flatten()
            .filter(|(_, _, told_us)| run.youngest_us.saturating_add(MIN_RETENTION_US) <= *told_us)
            .map(|(first, last, _)| (*first, *last))
            .collect();
        allowed.sort_unstable();
        let mut next = run.first;
        for (first, last) in allowed {
            if first > next {
                break;
            }
            if last >= run.last {
                return None;
            }
            next = next.max(last.saturating_add(1));
        }
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CHAIN: ChainId = ChainId {
        tenant: Uuid::from_u128(7),
        shard: 3,
    };

    fn named(ranges: &[(u64, u64)]) -> PruneRanges {
        PruneRanges {
            shard: 3,
            ranges: ranges.to_vec(),
        }
    }

    #[test]
    fn only_ascending_ranges_that_do_not_touch_are_read() {
        let read = |ranges: Value| PruneRanges::read(Some(&json!(3)), Some(&ranges));
        assert_eq!(read(json!([[0, 4], [6, 6]])), Some(named(&[(0, 4), (6, 6)])));
        for bad in [
            json!([]),
            json!([[4, 0]]),
            json!([[0, 4], [5, 6]]),
            json!([[0, 4], [4, 6]]),
            json!([[6, 7], [0, 4]]),
            json!([[0]]),
            json!([[0, 1, 2]]),
            json!([["0", "1"]]),
            json!([[-1, 1]]),
            json!("0-4"),
            json!(vec![[0, 0]; MAX_RANGES + 1]),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
        assert_eq!(PruneRanges::read(None, Some(&json!([[0, 4]]))), None);
        assert_eq!(
            PruneRanges::read(Some(&json!(1_u64 << 32)), Some(&json!([[0, 4]]))),
            None
        );
    }

    #[test]
    fn a_leaf_explains_what_it_names_and_what_was_old_enough() {
        let mut prunes = Prunes::default();
        prunes.add(CHAIN.tenant, &named(&[(10, 20)]), MIN_RETENTION_US + 5);
        prunes.add(CHAIN.tenant, &named(&[(21, 30)]), MIN_RETENTION_US + 9);
        let run = |first, last, youngest_us| PrunedRun {
            first,
            last,
            youngest_us,
        };
        assert_eq!(prunes.unexplained(CHAIN, &run(10, 30, 5)), None);
        assert_eq!(prunes.unexplained(CHAIN, &run(12, 12, 5)), None);
        assert_eq!(prunes.unexplained(CHAIN, &run(9, 12, 5)), Some(9));
        assert_eq!(prunes.unexplained(CHAIN, &run(25, 31, 5)), Some(31));
        assert_eq!(prunes.unexplained(CHAIN, &run(12, 12, 6)), Some(12));
        assert_eq!(prunes.unexplained(CHAIN, &run(22, 23, 9)), None);
        let other = ChainId { shard: 4, ..CHAIN };
        assert_eq!(prunes.unexplained(other, &run(12, 12, 5)), Some(12));
        assert!(prunes.touch(CHAIN, 0, 10) && prunes.touch(CHAIN, 30, 99) && !prunes.touch(CHAIN, 31, 99));
    }

    #[test]
    fn records_of_one_day_that_follow_each_other_are_one_run() {
        let mut found = PrunedRecords::default();
        for (index, edge_us) in [(0, 5), (1, 3), (2, DAY_US), (4, DAY_US + 1)] {
            found.push(CHAIN, index, edge_us);
        }
        let runs: Vec<(u64, u64, i64)> = found
            .iter()
            .map(|(_, run)| (run.first, run.last, run.youngest_us))
            .collect();
        assert_eq!(runs, [(0, 1, 5), (2, 2, DAY_US), (4, 4, DAY_US + 1)]);
        assert_eq!(found.count(), 4);
    }

    #[test]
    fn what_explains_other_records_is_never_pruned() {
        for kind in [
            Kind::ErasureDone,
            Kind::Prune,
            Kind::Gap,
            Kind::Access,
            Kind::PolicyChange,
        ] {
            assert!(!kind.is_prunable(), "{kind}");
        }
        assert_eq!(Kind::ALL.into_iter().filter(|kind| kind.is_prunable()).count(), 8);
        assert_eq!(Kind::from_name(PRUNED), None);
    }
}
