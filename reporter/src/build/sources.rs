//! Which numbers of each source are there, kept as runs: a source without gaps costs one run, however many events.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use uuid::Uuid;

use super::Fact;
use crate::model::{Instant, NumberRange, NumberedSource, SourceCompleteness};

/// Sources that are listed.
const LISTED_MAX: usize = 200;
/// Gaps listed of one source.
const GAPS_MAX: usize = 100;

/// Tenant, source and its epoch.
type Key = (Uuid, Uuid, u64);

/// Collects the numbers of every source, in any order.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeMap<Key, Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    application: String,
    instance: String,
    sdk: String,
    records: u64,
    /// First and last number of each run; no two of them touch.
    runs: BTreeMap<u64, u64>,
    /// Edge times of the earliest and the latest record.
    span: Option<(i64, i64)>,
}

impl Sources {
    /// Takes a record of any kind; one without a number is nobody's.
    pub(super) fn add(&mut self, fact: &Fact) {
        let Some(number) = &fact.source else { return };
        let numbers = self
            .0
            .entry((fact.tenant, number.source_id, number.epoch))
            .or_default();
        numbers.records += 1;
        numbers.insert(number.sequence);
        let at = fact.edge_at_us;
        let (first, last) = numbers.span.unwrap_or((at, at));
        numbers.span = Some((first.min(at), last.max(at)));
        // A repeated record may lack the texts; whatever the order, the same one is kept.
        for (kept, found) in [
            (&mut numbers.application, &fact.application),
            (&mut numbers.instance, &number.instance),
            (&mut numbers.sdk, &number.sdk),
        ] {
            if *found > *kept {
                kept.clone_from(found);
            }
        }
    }

    /// The section of the report.
    pub(super) fn finish(self) -> SourceCompleteness {
        let mut all: Vec<NumberedSource> = self
            .0
            .into_iter()
            .map(|(key, numbers)| numbers.finish(key))
            .collect();
        let sum = |of: fn(&NumberedSource) -> u64| all.iter().map(of).fold(0, u64::saturating_add);
        let mut completeness = SourceCompleteness {
            sources: all.len() as u64,
            with_gaps: all.iter().filter(|source| source.missing > 0).count() as u64,
            records: sum(|source| source.records),
            missing: sum(|source| source.missing),
            repeated: sum(|source| source.repeated),
            listed: Vec::new(),
            listed_max: LISTED_MAX as u64,
            gaps_max: GAPS_MAX as u64,
        };
        // A stable sort: those with as many missing stay in order of tenant, source and epoch.
        all.sort_by_key(|source| Reverse(source.missing));
        all.truncate(LISTED_MAX);
        completeness.listed = all;
        completeness
    }
}

impl Numbers {
    fn insert(&mut self, number: u64) {
        let before = self.runs.range(..=number).next_back();
        let before = before.map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return;
        }
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let after = number.checked_add(1).and_then(|next| self.runs.remove(&next));
        self.runs.insert(first, after.unwrap_or(number));
    }

    fn finish(self, (tenant, source_id, epoch): Key) -> NumberedSource {
        let distinct: u64 = self.runs.iter().map(|(first, last)| last - first + 1).sum();
        let first = self.runs.keys().next().copied().unwrap_or(0);
        let last = self.runs.values().next_back().copied().unwrap_or(0);
        let gaps = self.runs.values().zip(self.runs.keys().skip(1));
        let gaps = gaps.map(|(before, after)| NumberRange {
            first: before + 1,
            last: after - 1,
        });
        let (first_at, last_at) = self.span.unwrap_or_default();
        NumberedSource {
            tenant,
            source_id,
            application: self.application,
            instance: self.instance,
            sdk: self.sdk,
            epoch,
            first,
            last,
            records: self.records,
            missing: (last - first).saturating_add(1).saturating_sub(distinct),
            repeated: self.records.saturating_sub(distinct),
            gaps: gaps.take(GAPS_MAX).collect(),
            first_at: Instant(first_at),
            last_at: Instant(last_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::build::SourceNumber;

    fn fact(source: u128, epoch: u64, sequence: u64) -> Fact {
        Fact {
            tenant: Uuid::from_u128(1),
            source: Some(SourceNumber {
                source_id: Uuid::from_u128(source),
                epoch,
                sequence,
                instance: String::new(),
                sdk: String::new(),
            }),
            ..Fact::default()
        }
    }

    fn completeness(facts: &[Fact]) -> SourceCompleteness {
        let mut sources = Sources::default();
        facts.iter().for_each(|fact| sources.add(fact));
        sources.finish()
    }

    #[test]
    fn each_start_of_a_source_counts_by_itself() {
        let facts = [
            fact(7, 1, 5),
            fact(7, 1, 6),
            fact(7, 1, 9),
            fact(7, 2, 0),
            fact(8, 1, 3),
            Fact::default(),
        ];
        let found = completeness(&facts);
        assert_eq!(
            (
                found.sources,
                found.with_gaps,
                found.records,
                found.missing,
                found.repeated
            ),
            (3, 1, 5, 2, 0)
        );
        let worst = &found.listed[0];
        assert_eq!(
            (worst.epoch, worst.first, worst.last, worst.missing),
            (1, 5, 9, 2)
        );
        assert_eq!(worst.gaps, [NumberRange { first: 7, last: 8 }]);
    }

    #[test]
    fn lists_end_and_the_sums_do_not() {
        let facts: Vec<Fact> = (0..300)
            .flat_map(|source| [fact(source, 0, 0), fact(source, 0, 2)])
            .chain((0..120).map(|number| fact(5_000, 0, number * 2)))
            .collect();
        let found = completeness(&facts);
        assert_eq!(
            (found.sources, found.missing, found.listed.len()),
            (301, 300 + 119, 200)
        );
        assert_eq!((found.listed[0].missing, found.listed[0].gaps.len()), (119, 100));
    }

    #[test]
    fn the_largest_numbers_fit() {
        let found = completeness(&[fact(1, 0, u64::MAX - 1), fact(1, 0, u64::MAX)]);
        assert_eq!((found.missing, found.listed[0].last), (0, u64::MAX));
    }

    proptest! {
        /// Against counting by hand, in any order and with repetitions.
        #[test]
        fn gaps_are_the_numbers_that_are_not_there(numbers in proptest::collection::vec(0_u64..60, 1..80)) {
            let facts: Vec<Fact> = numbers.iter().map(|number| fact(1, 0, *number)).collect();
            let found = completeness(&facts).listed.remove(0);
            let (first, last) = (*numbers.iter().min().unwrap(), *numbers.iter().max().unwrap());
            let absent: Vec<u64> = (first..=last).filter(|number| !numbers.contains(number)).collect();
            let listed: Vec<u64> = found.gaps.iter().flat_map(|gap| gap.first..=gap.last).collect();
            prop_assert_eq!(&listed, &absent);
            prop_assert_eq!(found.missing, absent.len() as u64);
            let distinct: std::collections::BTreeSet<u64> = numbers.iter().copied().collect();
            prop_assert_eq!(found.repeated, (numbers.len() - distinct.len()) as u64);
        }
    }
}
