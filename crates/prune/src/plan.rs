//! Which records may go: those of prunable kinds that are older than their retention and under no legal hold. Pure.

use std::collections::BTreeMap;

use aal_control::{RetentionClass, RetentionRule, retention_days};
use serde::{Deserialize, Serialize};

/// Most ranges of one prune. What lies behind them waits for the next one.
pub const MAX_RANGES: usize = 20_000;
const DAY_US: i64 = 86_400_000_000;

/// When the retention of records ends, by their application and class.
#[derive(Clone, Debug)]
pub struct Retention {
    rules: Vec<RetentionRule>,
    now_us: i64,
}

impl Retention {
    /// By the rules of one tenant, as of `now_us`.
    pub fn new(rules: Vec<RetentionRule>, now_us: i64) -> Retention {
        Retention { rules, now_us }
    }

    /// Records of this application and class from before this time may go. Whole UTC days only, so that a day's records
    /// go together.
    pub fn cutoff_us(&self, application: &str, class: RetentionClass) -> i64 {
        let days = i64::from(retention_days(&self.rules, application, class));
        let ended_us = self.now_us.saturating_sub(days.saturating_mul(DAY_US));
        ended_us.div_euclid(DAY_US).saturating_mul(DAY_US)
    }

    /// The latest cutoff of all: nothing younger can go.
    pub fn latest_cutoff_us(&self) -> i64 {
        let named = self.rules.iter().map(|rule| rule.application.as_str());
        let applications = named.chain(["", "\u{0}"]);
        let cutoffs = applications
            .flat_map(|application| RetentionClass::ALL.map(|class| self.cutoff_us(application, class)));
        cutoffs.max().unwrap_or(i64::MIN)
    }
}

/// A record of a prunable kind, in the order of its chain.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub shard: u32,
    pub index: u64,
    pub application: &'a str,
    /// It, or the decision it is about, has protected health information.
    pub is_phi: bool,
    /// A legal hold covers it.
    pub is_held: bool,
    pub edge_us: i64,
}

/// What is to go from one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainPlan {
    pub shard: u32,
    /// First and last index, ascending. Every record of a prunable kind in a range goes.
    pub ranges: Vec<(u64, u64)>,
}

/// How many records of an application and class go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub application: String,
    pub class: RetentionClass,
    pub records: u64,
    /// Those from before this time go, µs.
    pub before_us: i64,
}

/// What a prune removes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub chains: Vec<ChainPlan>,
    pub records: u64,
    /// Records that are old enough and stay, for a legal hold covers them.
    pub held: u64,
    /// Edge times of the oldest and the youngest, µs; 0 without records.
    pub oldest_us: i64,
    pub youngest_us: i64,
    pub shares: Vec<Share>,
    /// There is more to prune than one prune can name.
    pub is_cut: bool,
}

impl Plan {
    /// The plan without what `approved` does not name: what was agreed to is never exceeded.
    #[must_use]
    pub fn within(mut self, approved: &Plan) -> Plan {
        for chain in &mut self.chains {
            let allowed = approved.chains.iter().find(|other| other.shard == chain.shard);
            let allowed = allowed.map_or(&[][..], |other| &other.ranges);
            chain.ranges = common(&chain.ranges, allowed);
        }
        self.chains.retain(|chain| !chain.ranges.is_empty());
        self
    }

    /// How many ranges there are.
    pub fn ranges(&self) -> usize {
        self.chains.iter().map(|chain| chain.ranges.len()).sum()
    }
}

/// What two ascending lists of ranges have in common; pieces that touch are joined.
fn common(left: &[(u64, u64)], right: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut both: Vec<(u64, u64)> = Vec::new();
    let (mut at_left, mut at_right) = (0, 0);
    while let (Some(one), Some(other)) = (left.get(at_left), right.get(at_right)) {
        let (first, last) = (one.0.max(other.0), one.1.min(other.1));
        if first <= last {
            match both.last_mut() {
                Some(before) if before.1.saturating_add(1) >= first => before.1 = last,
                _ => both.push((first, last)),
            }
        }
        if one.1 < other.1 {
            at_left += 1;
        } else {
            at_right += 1;
        }
    }
    both
}

/// Makes a plan from records as they come.
#[derive(Debug)]
pub struct Planner {
    retention: Retention,
    plan: Plan,
    /// The range that may go on.
    open: Option<(u32, u64, u64)>,
    shares: BTreeMap<(String, RetentionClass), u64>,
}

impl Planner {
    /// Nothing yet.
    pub fn new(retention: Retention) -> Planner {
        Planner {
            retention,
            plan: Plan::default(),
            open: None,
            shares: BTreeMap::new(),
        }
    }

    /// The next record of a prunable kind, in order of shard and index. Records of other kinds need not come: they stay,
    /// also inside a range.
    pub fn push(&mut self, record: &Candidate<'_>) {
        let class = if record.is_phi {
            RetentionClass::Phi
        } else {
            RetentionClass::Standard
        };
        let is_over = record.edge_us < self.retention.cutoff_us(record.application, class);
        if is_over && record.is_held {
            self.plan.held += 1;
        }
        if !is_over || record.is_held {
            return self.close();
        }
        match &mut self.open {
            Some((shard, _, last)) if *shard == record.shard => *last = record.index,
            _ => {
                self.close();
                if self.plan.ranges() >= MAX_RANGES {
                    self.plan.is_cut = true;
                    return;
                }
                self.open = Some((record.shard, record.index, record.index));
            }
        }
        let plan = &mut self.plan;
        plan.oldest_us = if plan.records == 0 {
            record.edge_us
        } else {
            plan.oldest_us.min(record.edge_us)
        };
        plan.youngest_us = plan.youngest_us.max(record.edge_us);
        plan.records += 1;
        *self
            .shares
            .entry((record.application.to_owned(), class))
            .or_default() += 1;
    }

    fn close(&mut self) {
        let Some((shard, first, last)) = self.open.take() else {
            return;
        };
        match self.plan.chains.last_mut() {
            // Only records of other kinds, or pruned ones, lie between: they may as well be named.
            Some(chain) if chain.shard == shard => match chain.ranges.last_mut() {
                Some(before) if before.1.saturating_add(1) >= first => before.1 = last,
                _ => chain.ranges.push((first, last)),
            },
            _ => self.plan.chains.push(ChainPlan {
                shard,
                ranges: vec![(first, last)],
            }),
        }
    }

    /// The plan.
    pub fn finish(mut self) -> Plan {
        self.close();
        let retention = &self.retention;
        self.plan.shares = self
            .shares
            .into_iter()
            .map(|((application, class), records)| Share {
                before_us: retention.cutoff_us(&application, class),
                application,
                class,
                records,
            })
            .collect();
        self.plan
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const NOW_US: i64 = 1_000 * DAY_US + 7;

    fn rule(application: &str, class: RetentionClass, days: u32) -> RetentionRule {
        RetentionRule {
            tenant: Uuid::from_u128(1),
            application: application.to_owned(),
            class,
            days,
            set_us: 0,
            set_by: Uuid::nil(),
        }
    }

    fn record(shard: u32, index: u64, day: i64) -> Candidate<'static> {
        Candidate {
            shard,
            index,
            application: "loans",
            is_phi: false,
            is_held: false,
            edge_us: day * DAY_US,
        }
    }

    #[test]
    fn retention_ends_with_a_whole_day_and_by_the_rule_of_application_and_class() {
        let rules = vec![
            rule("loans", RetentionClass::Standard, 300),
            rule("", RetentionClass::Standard, 200),
        ];
        let retention = Retention::new(rules, NOW_US);
        assert_eq!(
            retention.cutoff_us("loans", RetentionClass::Standard),
            700 * DAY_US
        );
        assert_eq!(
            retention.cutoff_us("chat", RetentionClass::Standard),
            800 * DAY_US
        );
        assert_eq!(retention.cutoff_us("loans", RetentionClass::Phi), -1_192 * DAY_US);
        assert_eq!(retention.latest_cutoff_us(), 800 * DAY_US);
        let none = Retention::new(Vec::new(), NOW_US);
        assert_eq!(none.latest_cutoff_us(), 817 * DAY_US);
    }

    #[test]
    fn ranges_end_at_what_is_young_held_or_of_another_class() {
        let mut planner = Planner::new(Retention::new(Vec::new(), NOW_US));
        for index in 0..4 {
            planner.push(&record(0, index, 100));
        }
        planner.push(&record(0, 7, 101)); // 4 to 6 are of other kinds
        planner.push(&Candidate {
            is_held: true,
            ..record(0, 8, 101)
        });
        planner.push(&record(0, 9, 102));
        planner.push(&record(0, 10, 999));
        planner.push(&record(0, 11, 103));
        planner.push(&Candidate {
            is_phi: true,
            ..record(0, 12, 103)
        });
        planner.push(&record(1, 3, 104));
        let plan = planner.finish();
        assert_eq!(
            plan.chains,
            [
                ChainPlan {
                    shard: 0,
                    ranges: vec![(0, 7), (9, 9), (11, 11)]
                },
                ChainPlan {
                    shard: 1,
                    ranges: vec![(3, 3)]
                }
            ]
        );
        assert_eq!((plan.records, plan.held, plan.is_cut), (8, 1, false));
        assert_eq!((plan.oldest_us, plan.youngest_us), (100 * DAY_US, 104 * DAY_US));
        assert_eq!(plan.shares.len(), 1);
        assert_eq!(
            (plan.shares[0].records, plan.shares[0].before_us),
            (8, 817 * DAY_US)
        );
    }

    #[test]
    fn a_plan_has_only_so_many_ranges() {
        let mut planner = Planner::new(Retention::new(Vec::new(), NOW_US));
        for index in 0..MAX_RANGES as u64 + 5 {
            planner.push(&record(0, 2 * index, 100));
            planner.push(&record(0, 2 * index + 1, 999));
        }
        let plan = planner.finish();
        assert_eq!((plan.ranges(), plan.records), (MAX_RANGES, MAX_RANGES as u64));
        assert!(plan.is_cut);
    }

    #[test]
    fn nothing_beyond_what_was_approved_is_left_of_a_plan() {
        let chain = |ranges: &[(u64, u64)]| ChainPlan {
            shard: 0,
            ranges: ranges.to_vec(),
        };
        let plan = Plan {
            chains: vec![
                chain(&[(0, 9), (20, 29), (40, 40)]),
                ChainPlan {
                    shard: 1,
                    ranges: vec![(0, 5)],
                },
            ],
            ..Plan::default()
        };
        let approved = Plan {
            chains: vec![chain(&[(3, 5), (7, 22), (41, 50)])],
            ..Plan::default()
        };
        assert_eq!(
            plan.within(&approved).chains,
            [chain(&[(3, 5), (7, 9), (20, 22)])]
        );
    }
}
