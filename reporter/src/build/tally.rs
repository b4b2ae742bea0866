//! Running sums over events; everything exact.

use std::collections::BTreeMap;

use super::Fact;
use super::range::BuildError;
use crate::model::{Counted, DayTotals, Group, Instant, LatencyUs, Money};

/// Durations, kept until the end because percentiles are exact.
#[derive(Debug, Default)]
pub(super) struct Durations(Vec<u64>);

impl Durations {
    pub fn push(&mut self, duration_us: Option<u64>) {
        self.0.extend(duration_us);
    }

    /// Nearest rank: the smallest value that at least p per cent of the values do not exceed.
    pub fn finish(mut self) -> LatencyUs {
        self.0.sort_unstable();
        let rank = |percent: usize| {
            let position = (self.0.len() * percent).div_ceil(100);
            position
                .checked_sub(1)
                .and_then(|index| self.0.get(index).copied())
        };
        LatencyUs {
            measured: self.0.len() as u64,
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
            max: self.0.last().copied(),
        }
    }
}

/// How often each name occurs.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<String, u64>);

impl Counts {
    pub fn add(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(name.to_owned(), 1);
            }
        }
    }

    /// Most frequent first, then by name.
    pub fn finish(self) -> Vec<Counted> {
        let mut list: Vec<Counted> = self
            .0
            .into_iter()
            .map(|(name, count)| Counted { name, count })
            .collect();
        list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        list
    }
}

/// What human review said about one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Review {
    pub records: u64,
    pub overridden: bool,
    pub flagged: bool,
    /// The newest outcome that has a name, and its order.
    pub outcome: String,
    pub outcome_order: (i64, u32, u64),
}

/// Sums of one group of events.
#[derive(Debug)]
struct GroupTally {
    group: Group,
    durations: Durations,
}

/// Groups by one or two dimensions.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<Vec<String>, GroupTally>);

impl Groups {
    pub fn add(&mut self, name: Vec<String>, fact: &Fact, review: &Review) -> Result<(), BuildError> {
        let at = Instant(fact.occurred_at_us);
        let fresh = |name: &Vec<String>| GroupTally {
            group: empty_group(name.clone(), at),
            durations: Durations::default(),
        };
        let tally = self.0.entry(name).or_insert_with_key(fresh);
        let group = &mut tally.group;
        group.calls += 1;
        group.errors += u64::from(fact.is_error);
        group.input_tokens += fact.input_tokens;
        group.output_tokens += fact.output_tokens;
        group.unpriced += u64::from(fact.is_unpriced());
        group.overridden += u64::from(review.overridden);
        group.flagged += u64::from(review.flagged);
        group.first_at = group.first_at.min(at);
        group.last_at = group.last_at.max(at);
        if let Some(cost) = fact.cost {
            group.cost.add(&fact.currency, cost)?;
        }
        tally.durations.push(fact.duration_us);
        Ok(())
    }

    /// Largest first, then by name.
    pub fn finish(self) -> Vec<Group> {
        let close = |mut tally: GroupTally| {
            tally.group.latency = tally.durations.finish();
            tally.group
        };
        let mut list: Vec<Group> = self.0.into_values().map(close).collect();
        list.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.name.cmp(&b.name)));
        list
    }
}

fn empty_group(name: Vec<String>, at: Instant) -> Group {
    Group {
        name,
        calls: 0,
        errors: 0,
        input_tokens: 0,
        output_tokens: 0,
        cost: Money::default(),
        unpriced: 0,
        overridden: 0,
        flagged: 0,
        latency: LatencyUs::default(),
        first_at: at,
        last_at: at,
    }
}

/// Days of the period that have events.
#[derive(Debug, Default)]
pub(super) struct Days(BTreeMap<String, DayTotals>);

impl Days {
    pub fn add(&mut self, fact: &Fact, review: &Review) -> Result<(), BuildError> {
        let day = Instant(fact.occurred_at_us).day();
        let fresh = |day: &String| DayTotals {
            day: day.clone(),
            calls: 0,
            errors: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost: Money::default(),
            unpriced: 0,
            redactions: 0,
            flagged: 0,
        };
        let totals = self.0.entry(day).or_insert_with_key(fresh);
        totals.calls += 1;
        totals.errors += u64::from(fact.is_error);
        totals.input_tokens += fact.input_tokens;
        totals.output_tokens += fact.output_tokens;
        totals.unpriced += u64::from(fact.is_unpriced());
        totals.redactions += fact.pii_total();
        totals.flagged += u64::from(review.flagged);
        if let Some(cost) = fact.cost {
            totals.cost.add(&fact.currency, cost)?;
        }
        Ok(())
    }

    /// By day.
    pub fn finish(self) -> Vec<DayTotals> {
        self.0.into_values().collect()
    }
}
