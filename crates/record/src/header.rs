//! The header: what is known of a record and is nobody's personal data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Facts of a record, stored verbatim as RFC 8785 JSON and bound by the leaf. Money is text with an exact
/// decimal; times and durations are microseconds. Absent and empty members are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the leaf's kind.
    pub kind: String,
    /// What of the texts is stored: `redacted`, `sealed` or `digest`; empty when the record has no texts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
    /// Template slots that are committed to and, by policy, not stored; ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub committed_slots: Vec<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    /// Outcome, access, duplicate, conflict, intent, reprice: the event it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_event_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub application: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub environment: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decision_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_key: Option<Uuid>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model_requested: String,
    #[serde(default, skip_serializing_if = "is_zero_u16")]
    pub status: u16,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error_type: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_error: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub streamed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finish_reasons: Vec<String>,
    /// When it happened: the source's claim, else the edge's time.
    pub occurred_at_us: i64,
    pub edge_at_us: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_us: Option<u64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub usage_state: String,
    /// Disjoint buckets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "is_zero_u64")]
    pub input_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero_u64")]
    pub output_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_cost: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_cost: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub price_version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub price_rule: String,
    /// Why there is no cost, where one was due.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unpriced_reason: String,
    /// What besides its usage the price depends on: `service_tier`, `processing`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub price_terms: BTreeMap<String, String>,
    /// An estimate, where the provider stated no usage. Kept apart, so that no sum of exact numbers takes it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Media, tools, vectors, verdicts and what else of the exchange is neither text nor usage; digests are keyed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
    /// Removed values by entity.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pii: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub phi: bool,
    /// Health information: removed values by the identifier of HIPAA's Safe Harbor method that they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phi_identifiers: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub outcome_override: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub outcome_flag: bool,
    /// Access, admin and system kinds: what was done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Keyed digest of the content, which tells a repeated delivery from a conflict.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content_mac: String,
    /// Rejected, withheld, gap, system kinds: why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Gap: the first lost offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_offset: Option<u64>,
    /// Rejected: offset in the dead-letter topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_offset: Option<u64>,
    /// The block it was stored in, the row there, and the month of the block (yyyymm): columns of the store that
    /// only the header binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_row: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_month: Option<u32>,
    /// System kinds: what is told, by name; see ledger-format.md, section 3.2.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map<String, Value>,
    /// Erasure done: the data keys that were destroyed, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_key_ids: Vec<Uuid>,
    /// Prune: the shard of the chain whose records were pruned, and their indexes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_shard: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pruned_ranges: Vec<[u64; 2]>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detector_version: String,
    /// Digest of the policy that the texts were treated by; empty: no policy was made, the defaults hold.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy_version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program_version: String,
}

/// Usage that a tokeniser counted in the texts, and what it would have cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Table, tokeniser and version.
    pub method: String,
    /// Disjoint buckets.
    pub usage: BTreeMap<String, u64>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub price_version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub price_rule: String,
}

impl Header {
    /// How many values were removed.
    pub fn pii_total(&self) -> u32 {
        self.pii.values().sum()
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero_u16(value: &u16) -> bool {
    *value == 0
}

fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}
