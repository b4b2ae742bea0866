//! One pass over the records of a period gives the figures, the exceptions and the listing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::exceptions::{exception, newest};
use super::population::Sums;
use super::sources::Sources;
use super::tally::{Counts, Days, Durations, Groups, Review};
use super::{Fact, Filters};
use crate::model::{
    AccessCount, CostByVersion, Exception, Instant, ListedRecord, Money, Oversight, PiiCount, Range, Totals,
};

/// Clocks further apart than this are counted.
const CLOCKS_APART_US: u64 = 5 * 60 * 1_000_000;

/// Why no report can be made of the records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A sum of costs does not fit.
    #[error(transparent)]
    Money(#[from] crate::model::MoneyOverflow),
}

/// Lengths of the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RangeLimits {
    /// Largest listing; a longer one is left out and the report says so.
    pub listing_max: usize,
    /// Longest list of exceptions.
    pub exceptions_max: usize,
}

/// Where one chain stood when reading began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainHead {
    pub tenant: Uuid,
    pub shard: u32,
    /// Number of records: indexes 0 to `size - 1`.
    pub size: u64,
    pub head: [u8; 32],
    /// How many of the records the newest signed checkpoint covers.
    pub sealed: Option<u64>,
}

/// Counts that the store made by itself, to reconcile with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerCounts {
    /// Records in the tenant's chains up to the heads.
    pub records_in_chains: u64,
    /// Of these, in the period.
    pub records_in_period: u64,
    /// Rejected messages and gaps of the period in the chains that belong to no tenant.
    pub unattributed: u64,
}

/// Collects the records of a period.
#[derive(Debug, Default)]
pub struct RangeBuilder {
    filters: Filters,
    pub(super) limits: RangeLimits,
    reviews: HashMap<Uuid, Review>,
    pub(super) kinds: BTreeMap<String, u64>,
    pub(super) chains: BTreeMap<(Uuid, u32), (u64, u64, u64)>,
    pub(super) filtered_out: u64,
    pub(super) totals: Totals,
    latency: Durations,
    first_token: Durations,
    sessions: BTreeSet<String>,
    users: BTreeSet<String>,
    subjects: BTreeSet<Uuid>,
    days: Days,
    by_application: Groups,
    by_model: Groups,
    by_decision_type: Groups,
    by_environment: Groups,
    by_operation: Groups,
    cost_by_version: BTreeMap<String, (u64, Money)>,
    unpriced: Counts,
    usage_states: Counts,
    pii: BTreeMap<String, (u64, u64)>,
    errors: Counts,
    finish_reasons: Counts,
    outcomes: Counts,
    oversight: Oversight,
    flagged: Vec<Exception>,
    overridden: Vec<Exception>,
    irregular: Vec<Exception>,
    changes: Vec<Exception>,
    access: BTreeMap<(String, String), (u64, i64, i64)>,
    sources: Sources,
    listing: Vec<ListedRecord>,
    pub(super) span: Option<(i64, i64)>,
    pub(super) clocks_apart: u64,
}

impl RangeBuilder {
    /// Starts with the outcome records of the tenant, whatever their time: a decision of the period may have been
    /// reviewed after it.
    #[must_use]
    pub fn new(filters: Filters, limits: RangeLimits, outcomes: impl IntoIterator<Item = Fact>) -> Self {
        let mut reviews: HashMap<Uuid, Review> = HashMap::new();
        for fact in outcomes {
            let review = reviews.entry(fact.target_event_id).or_default();
            review.records += 1;
            review.overridden |= fact.outcome_override;
            review.flagged |= fact.outcome_flag;
            let order = (fact.occurred_at_us, fact.shard, fact.index);
            if !fact.outcome.is_empty() && order >= review.outcome_order {
                review.outcome_order = order;
                review.outcome = fact.outcome;
            }
        }
        Self {
            filters,
            limits,
            reviews,
            ..Self::default()
        }
    }

    /// Takes one record of the period, of any kind, in any order.
    ///
    /// # Errors
    /// A sum of costs does not fit.
    pub fn push(&mut self, fact: &Fact) -> Result<(), BuildError> {
        *self.kinds.entry(fact.kind.clone()).or_default() += 1;
        let (count, first, last) = self
            .chains
            .entry((fact.tenant, fact.shard))
            .or_insert((0, fact.index, fact.index));
        *count += 1;
        *first = fact.index.min(*first);
        *last = fact.index.max(*last);
        self.sources.add(fact);
        match fact.kind.as_str() {
            "event" => return self.push_event(fact),
            "access" => self.push_access(fact),
            "rejected" | "conflict" | "withheld" | "gap" | "incident" | "clock" => {
                self.irregular.push(exception(fact, fact.detail.clone()))
            }
            "admin" | "key_change" | "legal_hold" | "erasure_request" | "erasure_done" | "reprice"
            | "shard_open" | "shard_close" | "config_change" | "price_table_change" | "policy_change"
            | "prune" => {
                self.changes.push(exception(fact, fact.detail.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    fn push_access(&mut self, fact: &Fact) {
        let key = (fact.user_id.clone(), fact.detail.clone());
        let at = fact.occurred_at_us;
        let (count, first, last) = self.access.entry(key).or_insert((0, at, at));
        *count += 1;
        *first = at.min(*first);
        *last = at.max(*last);
    }

    fn push_event(&mut self, fact: &Fact) -> Result<(), BuildError> {
        let review = self.reviews.get(&fact.event_id).cloned().unwrap_or_default();
        if !self.filters.accept(fact, review.overridden, review.flagged) {
            self.filtered_out += 1;
            return Ok(());
        }
        self.add_totals(fact)?;
        self.add_groups(fact, &review)?;
        self.add_review(fact, &review);
        let at = fact.occurred_at_us;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((at.min(first), at.max(last)));
        self.clocks_apart += u64::from(at.abs_diff(fact.edge_at_us) > CLOCKS_APART_US);
        if self.listing.len() <= self.limits.listing_max {
            self.listing
                .push(fact.listed(review.overridden, review.flagged, &review.outcome));
        }
        Ok(())
    }

    fn add_totals(&mut self, fact: &Fact) -> Result<(), BuildError> {
        let totals = &mut self.totals;
        totals.calls += 1;
        totals.errors += u64::from(fact.is_error);
        totals.streamed += u64::from(fact.streamed);
        totals.interrupted += u64::from(fact.interrupted);
        totals.phi += u64::from(fact.phi);
        totals.input_tokens += fact.input_tokens;
        totals.output_tokens += fact.output_tokens;
        for (bucket, count) in &fact.usage {
            *totals.usage.entry(bucket.clone()).or_default() += count;
        }
        let redactions = fact.pii_total();
        totals.redactions += redactions;
        totals.events_with_redactions += u64::from(redactions > 0);
        for (entity, count) in fact.pii.iter().filter(|(_, count)| **count > 0) {
            let (spans, events) = self.pii.entry(entity.clone()).or_default();
            *spans += count;
            *events += 1;
        }
        for (sum, amount) in [
            (&mut totals.input_cost, fact.input_cost),
            (&mut totals.output_cost, fact.output_cost),
            (&mut totals.cost, fact.cost),
        ] {
            if let Some(amount) = amount {
                sum.add(&fact.currency, amount)?;
            }
        }
        match fact.cost {
            Some(cost) => {
                totals.priced += 1;
                totals.free += u64::from(cost.is_zero());
                let (calls, sum) = self
                    .cost_by_version
                    .entry(fact.price_version.clone())
                    .or_default();
                *calls += 1;
                sum.add(&fact.currency, cost)?;
            }
            None if fact.is_unpriced() => {
                totals.unpriced += 1;
                self.unpriced.add(&fact.unpriced_reason);
            }
            None => totals.nothing_to_price += 1,
        }
        self.latency.push(fact.duration_us);
        self.first_token.push(fact.first_token_us);
        self.usage_states.add(&fact.usage_state);
        if fact.is_error {
            let status = if fact.status == 0 {
                String::new()
            } else {
                format!("HTTP {}", fact.status)
            };
            let parts = [fact.error_type.as_str(), status.as_str()];
            self.errors.add(
                &parts
                    .iter()
                    .filter(|part| !part.is_empty())
                    .copied()
                    .collect::<Vec<_>>()
                    .join(", "),
            );
        }
        fact.finish_reasons
            .iter()
            .for_each(|reason| self.finish_reasons.add(reason));
        if !fact.session_id.is_empty() {
            self.sessions.insert(fact.session_id.clone());
        }
        if !fact.user_id.is_empty() {
            self.users.insert(fact.user_id.clone());
        }
        if !fact.subject_key.is_nil() {
            self.subjects.insert(fact.subject_key);
        }
        Ok(())
    }

    fn add_groups(&mut self, fact: &Fact, review: &Review) -> Result<(), BuildError> {
        self.days.add(fact, review)?;
        self.by_application
            .add(vec![fact.application.clone()], fact, review)?;
        self.by_model
            .add(vec![fact.provider.clone(), fact.model.clone()], fact, review)?;
        self.by_decision_type
            .add(vec![fact.decision_type.clone()], fact, review)?;
        self.by_environment
            .add(vec![fact.environment.clone()], fact, review)?;
        self.by_operation.add(vec![fact.operation.clone()], fact, review)
    }

    fn add_review(&mut self, fact: &Fact, review: &Review) {
        let oversight = &mut self.oversight;
        oversight.events += 1;
        oversight.with_outcome += u64::from(review.records > 0);
        oversight.outcome_records += review.records;
        oversight.overridden += u64::from(review.overridden);
        oversight.flagged += u64::from(review.flagged);
        if review.records > 0 {
            self.outcomes.add(&review.outcome);
        }
        let what = || {
            let parts = [
                fact.decision_type.as_str(),
                fact.model.as_str(),
                review.outcome.as_str(),
            ];
            parts
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join(" · ")
        };
        if review.flagged {
            self.flagged.push(exception(fact, what()));
        }
        if review.overridden {
            self.overridden.push(exception(fact, what()));
        }
    }

    /// Closes the books.
    #[must_use]
    pub fn finish(mut self, heads: &[ChainHead], counts: ServerCounts) -> Range {
        self.totals.sessions = self.sessions.len() as u64;
        self.totals.users = self.users.len() as u64;
        self.totals.subjects = self.subjects.len() as u64;
        self.totals.latency = std::mem::take(&mut self.latency).finish();
        self.totals.first_token = std::mem::take(&mut self.first_token).finish();
        self.oversight.outcomes = std::mem::take(&mut self.outcomes).finish();
        let complete = self.listing.len() <= self.limits.listing_max;
        let records = complete.then(|| {
            let mut listing = std::mem::take(&mut self.listing);
            listing.sort_by_key(|record| (record.occurred_at, record.event_id));
            listing
        });
        let days = std::mem::take(&mut self.days).finish();
        let by_model = std::mem::take(&mut self.by_model).finish();
        let sums = Sums {
            by_day: days.iter().map(|day| day.calls).sum(),
            by_model: by_model.iter().map(|group| group.calls).sum(),
            by_version: self.cost_by_version.values().map(|(calls, _)| calls).sum(),
        };
        let population = self.population(
            heads,
            counts,
            &sums,
            records.as_ref().map(|list| list.len() as u64),
        );
        let chains = self.chain_positions(heads);
        let exceptions_max = self.limits.exceptions_max;
        Range {
            population,
            totals: self.totals,
            days,
            by_application: self.by_application.finish(),
            by_model,
            by_decision_type: self.by_decision_type.finish(),
            by_environment: self.by_environment.finish(),
            by_operation: self.by_operation.finish(),
            cost_by_version: self
                .cost_by_version
                .into_iter()
                .map(|(price_version, (calls, cost))| CostByVersion {
                    price_version,
                    calls,
                    cost,
                })
                .collect(),
            unpriced_by_reason: self.unpriced.finish(),
            usage_states: self.usage_states.finish(),
            pii: self
                .pii
                .into_iter()
                .map(|(entity, (redactions, events))| PiiCount {
                    entity,
                    redactions,
                    events,
                })
                .collect(),
            errors: self.errors.finish(),
            finish_reasons: self.finish_reasons.finish(),
            oversight: self.oversight,
            flagged: newest(self.flagged, exceptions_max),
            overridden: newest(self.overridden, exceptions_max),
            irregular: newest(self.irregular, exceptions_max),
            exceptions_max: exceptions_max as u64,
            access: self
                .access
                .into_iter()
                .map(|((actor, action), (count, first, last))| AccessCount {
                    actor,
                    action,
                    count,
                    first_at: Instant(first),
                    last_at: Instant(last),
                })
                .collect(),
            changes: newest(self.changes, exceptions_max),
            sources: self.sources.finish(),
            chains,
            records,
        }
    }
}
