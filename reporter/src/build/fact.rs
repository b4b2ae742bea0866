//! What a report needs of one stored record.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::model::{Digest, Instant, ListedRecord};

/// One record, without its bodies. Empty strings and zero mean "not recorded", as in the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fact {
    pub tenant: Uuid,
    pub shard: u32,
    pub index: u64,
    pub leaf_hash: [u8; 32],
    pub kind: String,
    pub event_id: Uuid,
    /// The event that an outcome, access, duplicate or conflict belongs to; nil for none.
    pub target_event_id: Uuid,
    /// Microseconds since the Unix epoch, source's clock.
    pub occurred_at_us: i64,
    /// Microseconds since the Unix epoch, edge's clock.
    pub edge_at_us: i64,
    pub application: String,
    pub environment: String,
    pub decision_type: String,
    pub user_id: String,
    pub session_id: String,
    /// Nil for none.
    pub subject_key: Uuid,
    pub provider: String,
    pub operation: String,
    pub model: String,
    pub model_requested: String,
    pub status: u16,
    pub error_type: String,
    pub is_error: bool,
    pub streamed: bool,
    pub interrupted: bool,
    pub finish_reasons: Vec<String>,
    pub duration_us: Option<u64>,
    pub first_token_us: Option<u64>,
    pub usage_state: String,
    pub usage: BTreeMap<String, u64>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub input_cost: Option<Decimal>,
    pub output_cost: Option<Decimal>,
    /// `None` is unpriced, which is not zero.
    pub cost: Option<Decimal>,
    pub currency: String,
    pub price_version: String,
    pub price_rule: String,
    pub unpriced_reason: String,
    pub pii: BTreeMap<String, u64>,
    pub phi: bool,
    pub outcome: String,
    pub outcome_override: bool,
    pub outcome_flag: bool,
    /// As the leaf has it; absent when the source does not number its events.
    pub source: Option<SourceNumber>,
    /// What else the header says of a record that is no event, in one line.
    pub detail: String,
}

/// Which of a source's events it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceNumber {
    pub source_id: Uuid,
    /// Start of the source.
    pub epoch: u64,
    pub sequence: u64,
    /// As the source named itself; empty when not recorded.
    pub instance: String,
    /// Empty when not recorded.
    pub sdk: String,
}

impl Fact {
    /// Usage that should have a price and has none; a failed call has nothing to price and is not counted here.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        self.cost.is_none() && !self.unpriced_reason.is_empty()
    }

    /// Removed spans of every type.
    #[must_use]
    pub fn pii_total(&self) -> u64 {
        self.pii.values().sum()
    }

    /// The line of the listing.
    #[must_use]
    pub(super) fn listed(&self, overridden: bool, flagged: bool, outcome: &str) -> ListedRecord {
        ListedRecord {
            tenant: self.tenant,
            event_id: self.event_id,
            occurred_at: Instant(self.occurred_at_us),
            edge_at: Instant(self.edge_at_us),
            application: self.application.clone(),
            environment: self.environment.clone(),
            decision_type: self.decision_type.clone(),
            user_id: self.user_id.clone(),
            session_id: self.session_id.clone(),
            subject_key: Some(self.subject_key).filter(|key| !key.is_nil()),
            provider: self.provider.clone(),
            operation: self.operation.clone(),
            model: self.model.clone(),
            model_requested: self.model_requested.clone(),
            status: self.status,
            error_type: self.error_type.clone(),
            streamed: self.streamed,
            interrupted: self.interrupted,
            duration_us: self.duration_us,
            first_token_us: self.first_token_us,
            usage_state: self.usage_state.clone(),
            usage: self.usage.clone(),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            input_cost: self.input_cost.map(|cost| cost.normalize()),
            output_cost: self.output_cost.map(|cost| cost.normalize()),
            cost: self.cost.map(|cost| cost.normalize()),
            currency: self.currency.clone(),
            price_version: self.price_version.clone(),
            price_rule: self.price_rule.clone(),
            unpriced_reason: self.unpriced_reason.clone(),
            pii: self.pii.clone(),
            phi: self.phi,
            outcome: outcome.to_owned(),
            overridden,
            flagged,
            shard: self.shard,
            index: self.index,
            leaf_hash: Digest(self.leaf_hash),
            source_id: self.source.as_ref().map(|source| source.source_id),
            source_epoch: self.source.as_ref().map(|source| source.epoch),
            source_seq: self.source.as_ref().map(|source| source.sequence),
        }
    }
}
