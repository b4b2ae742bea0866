//! Reconciliation: the same number counted by different paths.

use super::kind_meaning;
use super::range::{ChainHead, RangeBuilder, ServerCounts};
use crate::model::{Chain, Check, Digest, Instant, KindCount, Population};

/// Sums over groups, to compare with the number of events.
pub(super) struct Sums {
    pub by_day: u64,
    pub by_model: u64,
    pub by_version: u64,
}

impl RangeBuilder {
    pub(super) fn chain_positions(&self, heads: &[ChainHead]) -> Vec<Chain> {
        let position = |head: &ChainHead| {
            let here = self.chains.get(&(head.tenant, head.shard));
            Chain {
                tenant: head.tenant,
                shard: head.shard,
                size: head.size,
                head: Digest(head.head),
                sealed: head.sealed,
                records_in_period: here.map_or(0, |(count, ..)| *count),
                first_index: here.map(|(_, first, _)| *first),
                last_index: here.map(|(.., last)| *last),
            }
        };
        heads.iter().map(position).collect()
    }

    pub(super) fn population(
        &self,
        heads: &[ChainHead],
        counts: ServerCounts,
        sums: &Sums,
        listed: Option<u64>,
    ) -> Population {
        let records_in_period: u64 = self.kinds.values().sum();
        let events_in_period = self.kinds.get("event").copied().unwrap_or(0);
        let reported = self.totals.calls;
        let check = |statement: &str, left: u64, right: u64| Check {
            statement: statement.to_owned(),
            left,
            right,
            holds: left == right,
        };
        let mut checks = vec![
            check(
                "sum of chain lengths (last index + 1) = records counted in the chains",
                heads.iter().map(|head| head.size).sum(),
                counts.records_in_chains,
            ),
            check(
                "records counted by the store in the period = records read",
                counts.records_in_period,
                records_in_period,
            ),
            check(
                "events in the period = events reported + events the filters leave out",
                events_in_period,
                reported + self.filtered_out,
            ),
            check("events reported = sum over days", reported, sums.by_day),
            check("events reported = sum over models", reported, sums.by_model),
            check(
                "events reported = priced + unpriced + nothing to price",
                reported,
                self.totals.priced + self.totals.unpriced + self.totals.nothing_to_price,
            ),
            check(
                "priced events = sum over price-table versions",
                self.totals.priced,
                sums.by_version,
            ),
        ];
        if let Some(listed) = listed {
            checks.push(check(
                "events reported = events listed in CSV and JSON",
                reported,
                listed,
            ));
        }
        Population {
            records_in_chains: counts.records_in_chains,
            kinds: self
                .kinds
                .iter()
                .map(|(kind, count)| KindCount {
                    kind: kind.clone(),
                    meaning: kind_meaning(kind).to_owned(),
                    count: *count,
                })
                .collect(),
            records_in_period,
            events_in_period,
            unattributed: counts.unattributed,
            events_filtered_out: self.filtered_out,
            events_reported: reported,
            events_listed: listed.unwrap_or(0),
            listing_max: self.limits.listing_max as u64,
            first_event_at: self.span.map(|(first, _)| Instant(first)),
            last_event_at: self.span.map(|(_, last)| Instant(last)),
            clocks_apart: self.clocks_apart,
            checks,
        }
    }
}
