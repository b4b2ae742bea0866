//! One decision, in the order an auditor reads it. A missing fact is `None` and is printed as "not recorded".

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Digest, Instant};

/// One decision and everything recorded about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Who decided what, with which model.
    pub event: EventFacts,
    /// What happened when, by which clock, in time order.
    pub timeline: Vec<TimelineEntry>,
    /// Settings of the call, from the request.
    pub parameters: Vec<Attribute>,
    /// What the model was given, redacted.
    pub input: Content,
    /// What the model answered, redacted.
    pub output: Content,
    /// Body of the request, redacted; too long for print, so it is in `report.json` only.
    pub request_body: Content,
    /// Body of the answer, redacted; in `report.json` only.
    pub response_body: Content,
    /// Placeholders that stand in the texts above.
    pub redactions: Vec<Redaction>,
    /// Removed spans by type, over the whole event.
    pub pii: BTreeMap<String, u64>,
    /// What it cost.
    pub cost: CostDetail,
    /// Human review and what became of the decision, oldest first.
    pub outcomes: Vec<OutcomeEntry>,
    /// Who looked at this decision, oldest first.
    pub access: Vec<AccessEntry>,
    /// Duplicates and conflicts of the same event, corrections, erasures.
    pub related: Vec<Related>,
    /// Tags and metadata that the application gave.
    pub attributes: Vec<Attribute>,
    /// Place in the ledger.
    pub ledger: LedgerPosition,
}

/// The facts of the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventFacts {
    pub event_id: Uuid,
    pub kind: String,
    /// Time by the source's clock: a claim.
    pub occurred_at: Instant,
    /// Time by the edge's clock.
    pub edge_at: Instant,
    pub application: String,
    pub environment: Option<String>,
    pub decision_type: Option<String>,
    pub user_id: Option<String>,
    pub session_id: Option<String>,
    /// Random key that stands for the person the decision is about.
    pub subject_key: Option<Uuid>,
    pub provider: String,
    pub operation: Option<String>,
    /// Model that answered.
    pub model: Option<String>,
    /// Model that was asked for.
    pub model_requested: Option<String>,
    /// HTTP status of the provider.
    pub status: Option<u16>,
    pub error_type: Option<String>,
    pub error_message: Option<String>,
    pub streamed: bool,
    /// The answer broke off.
    pub interrupted: bool,
    pub finish_reasons: Vec<String>,
    pub duration_us: Option<u64>,
    pub first_token_us: Option<u64>,
    pub phi: bool,
    pub request_method: Option<String>,
    pub request_url: Option<String>,
    pub trace_id: Option<String>,
    pub source: SourceFacts,
}

/// Which instance of which SDK sent the event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    pub sdk: Option<String>,
    pub version: Option<String>,
    pub instance: Option<String>,
    pub epoch: Option<u64>,
    pub sequence: Option<u64>,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineEntry {
    pub at: Instant,
    /// Whose clock: `source`, `edge`, `ledger`.
    pub clock: String,
    pub what: String,
}

/// A name and a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    pub name: String,
    pub value: String,
}

/// A recorded text. Personal data in it is replaced by typed placeholders.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The text; `None` when none was recorded, or it was sealed or erased.
    pub text: Option<String>,
    /// Why there is no text.
    pub absent_because: Option<String>,
    /// Bytes of the text, UTF-8.
    pub bytes: u64,
}

/// One placeholder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redaction {
    /// As it stands in the text.
    pub token: String,
    /// Type of what was removed.
    pub entity: String,
    /// How sure the detector was.
    pub band: String,
    /// Rule that found it.
    pub rule: String,
    /// Field it was removed from.
    pub field: String,
    /// How often it was removed there.
    pub occurrences: u64,
}

/// What the decision cost and by which rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostDetail {
    /// `complete`, `usage_incomplete`, ...
    pub usage_state: String,
    /// Disjoint counts, by bucket.
    pub usage: BTreeMap<String, u64>,
    /// Totals as the provider counts them.
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub input: Option<Decimal>,
    pub output: Option<Decimal>,
    pub total: Option<Decimal>,
    pub currency: Option<String>,
    pub price_version: Option<String>,
    pub rule: Option<String>,
    /// Why there is no price.
    pub unpriced_reason: Option<String>,
}

/// One outcome record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeEntry {
    pub event_id: Uuid,
    pub at: Instant,
    pub outcome: Option<String>,
    pub reviewer: Option<String>,
    pub overridden: bool,
    pub flagged: bool,
    pub note: Option<String>,
}

/// One look at the decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessEntry {
    pub at: Instant,
    pub actor: Option<String>,
    pub action: Option<String>,
    pub reason: Option<String>,
}

/// Another record that names this decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Related {
    pub kind: String,
    pub event_id: Uuid,
    pub at: Instant,
    pub shard: u32,
    pub index: u64,
}

/// Where the record stands in its chain, and its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerPosition {
    pub shard: u32,
    pub index: u64,
    pub leaf_hash: Digest,
    pub prev_leaf_hash: Digest,
    /// Hash of the next leaf, when there is one.
    pub next_leaf_hash: Option<Digest>,
    /// Whether the newest signed checkpoint covers the record; `None` when there is none of its chain.
    pub sealed: Option<bool>,
    pub kafka_offset: u64,
    pub block: u64,
    /// The stored header, verbatim.
    pub header: String,
    /// SHA-256 of the stored header; the leaf holds the same.
    pub header_hash: Digest,
}
