//! All decisions of a period: figures, exceptions, and the listing they were made from.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Digest, Instant, Money, SourceCompleteness};

/// The report of a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// What was counted and how it reconciles.
    pub population: Population,
    pub totals: Totals,
    pub days: Vec<DayTotals>,
    pub by_application: Vec<Group>,
    pub by_model: Vec<Group>,
    pub by_decision_type: Vec<Group>,
    pub by_environment: Vec<Group>,
    pub by_operation: Vec<Group>,
    pub cost_by_version: Vec<CostByVersion>,
    pub unpriced_by_reason: Vec<Counted>,
    pub usage_states: Vec<Counted>,
    pub pii: Vec<PiiCount>,
    pub errors: Vec<Counted>,
    pub finish_reasons: Vec<Counted>,
    pub oversight: Oversight,
    /// Flagged decisions, newest first, at most [`Range::exceptions_max`].
    pub flagged: Vec<Exception>,
    /// Overridden decisions, newest first, at most [`Range::exceptions_max`].
    pub overridden: Vec<Exception>,
    /// Rejected, conflicting, withheld records and gaps, newest first, at most [`Range::exceptions_max`].
    pub irregular: Vec<Exception>,
    /// Length at which the three lists above end; their full numbers are in the figures.
    pub exceptions_max: u64,
    pub access: Vec<AccessCount>,
    /// Changes of configuration, users, keys, policies and prices, newest first.
    pub changes: Vec<Exception>,
    /// What is missing of sources that number their events.
    pub sources: SourceCompleteness,
    pub chains: Vec<Chain>,
    /// Every reported decision, by time and id; absent when there are more than the limit.
    pub records: Option<Vec<ListedRecord>>,
}

/// Counts and reconciliations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Records in the tenant's chains when reading began.
    pub records_in_chains: u64,
    /// Of these, in the period, by kind.
    pub kinds: Vec<KindCount>,
    pub records_in_period: u64,
    pub events_in_period: u64,
    /// Messages of the period that were rejected or lost and name no tenant that could be trusted; of all tenants.
    pub unattributed: u64,
    /// Events that the filters leave out.
    pub events_filtered_out: u64,
    /// Events that the figures are made from.
    pub events_reported: u64,
    /// Events in the listing.
    pub events_listed: u64,
    /// Largest listing.
    pub listing_max: u64,
    pub first_event_at: Option<Instant>,
    pub last_event_at: Option<Instant>,
    /// Reported events whose source and edge clocks differ by more than five minutes.
    pub clocks_apart: u64,
    /// Equations that must hold.
    pub checks: Vec<Check>,
}

/// Number of records of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindCount {
    pub kind: String,
    pub meaning: String,
    pub count: u64,
}

/// One equation between counts taken in different ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub statement: String,
    pub left: u64,
    pub right: u64,
    pub holds: bool,
}

/// Figures over all reported events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub calls: u64,
    pub errors: u64,
    pub streamed: u64,
    pub interrupted: u64,
    pub phi: u64,
    pub sessions: u64,
    pub users: u64,
    pub subjects: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Disjoint counts, by bucket.
    pub usage: BTreeMap<String, u64>,
    pub input_cost: Money,
    pub output_cost: Money,
    pub cost: Money,
    pub priced: u64,
    /// Usage that should have a price and has none.
    pub unpriced: u64,
    /// Failed calls and calls that are not counted: neither priced nor unpriced.
    pub nothing_to_price: u64,
    /// Priced at zero; not the same as unpriced.
    pub free: u64,
    pub redactions: u64,
    pub events_with_redactions: u64,
    pub latency: LatencyUs,
    pub first_token: LatencyUs,
}

/// Percentiles of a duration in microseconds, exact (nearest rank), over the events that report it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencyUs {
    pub measured: u64,
    pub p50: Option<u64>,
    pub p95: Option<u64>,
    pub p99: Option<u64>,
    pub max: Option<u64>,
}

/// One day (UTC) of the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayTotals {
    pub day: String,
    pub calls: u64,
    pub errors: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost: Money,
    pub unpriced: u64,
    pub redactions: u64,
    pub flagged: u64,
}

/// Figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name of the group, one part per dimension; empty when not recorded.
    pub name: Vec<String>,
    pub calls: u64,
    pub errors: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost: Money,
    pub unpriced: u64,
    pub overridden: u64,
    pub flagged: u64,
    pub latency: LatencyUs,
    pub first_at: Instant,
    pub last_at: Instant,
}

/// Cost by version of the price table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostByVersion {
    pub price_version: String,
    pub calls: u64,
    pub cost: Money,
}

/// A name and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    pub name: String,
    pub count: u64,
}

/// Removed spans of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PiiCount {
    pub entity: String,
    pub redactions: u64,
    pub events: u64,
}

/// Human review. An event counts once, however many outcomes it has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oversight {
    pub events: u64,
    /// Events with at least one outcome.
    pub with_outcome: u64,
    pub overridden: u64,
    pub flagged: u64,
    /// Outcome records of these events.
    pub outcome_records: u64,
    pub outcomes: Vec<Counted>,
}

/// A record worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub at: Instant,
    pub kind: String,
    pub event_id: Uuid,
    pub application: String,
    /// What makes it one.
    pub detail: String,
    pub shard: u32,
    pub index: u64,
}

/// Reads of audit data by one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessCount {
    /// Empty when not recorded.
    pub actor: String,
    /// Empty when not recorded.
    pub action: String,
    pub count: u64,
    pub first_at: Instant,
    pub last_at: Instant,
}

/// Where one chain stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    pub tenant: Uuid,
    pub shard: u32,
    /// Records in the chain when reading began: indexes 0 to `size - 1`.
    pub size: u64,
    /// Hash of the last of them.
    pub head: Digest,
    /// How many of them the signed checkpoint covers, when there is one.
    pub sealed: Option<u64>,
    pub records_in_period: u64,
    pub first_index: Option<u64>,
    pub last_index: Option<u64>,
}

/// One line of the listing; the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedRecord {
    pub tenant: Uuid,
    pub event_id: Uuid,
    pub occurred_at: Instant,
    pub edge_at: Instant,
    pub application: String,
    pub environment: String,
    pub decision_type: String,
    pub user_id: String,
    pub session_id: String,
    pub subject_key: Option<Uuid>,
    pub provider: String,
    pub operation: String,
    pub model: String,
    pub model_requested: String,
    pub status: u16,
    pub error_type: String,
    pub streamed: bool,
    pub interrupted: bool,
    pub duration_us: Option<u64>,
    pub first_token_us: Option<u64>,
    pub usage_state: String,
    pub usage: BTreeMap<String, u64>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub input_cost: Option<Decimal>,
    pub output_cost: Option<Decimal>,
    pub cost: Option<Decimal>,
    pub currency: String,
    pub price_version: String,
    pub price_rule: String,
    pub unpriced_reason: String,
    pub pii: BTreeMap<String, u64>,
    pub phi: bool,
    pub outcome: String,
    pub overridden: bool,
    pub flagged: bool,
    pub shard: u32,
    pub index: u64,
    pub leaf_hash: Digest,
    /// Absent when the source does not number its events; so are the two below.
    pub source_id: Option<Uuid>,
    pub source_epoch: Option<u64>,
    pub source_seq: Option<u64>,
}
