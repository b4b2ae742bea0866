//! Sources that number their events: what of each is missing in the period.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Instant;

/// Completeness of the sources that number their events. The filters of the report do not apply: a number that a
/// filter leaves out is not missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceCompleteness {
    /// Sources with a record in the period: an instance of an application, anew with each of its epochs.
    pub sources: u64,
    /// Of them, those with a number missing.
    pub with_gaps: u64,
    /// Their records in the period.
    pub records: u64,
    /// Numbers between each source's first and last of the period that no record of the period has.
    pub missing: u64,
    /// Records whose number another record of the period has, too.
    pub repeated: u64,
    /// Those with the most missing first, at most [`SourceCompleteness::listed_max`].
    pub listed: Vec<NumberedSource>,
    pub listed_max: u64,
    /// Most gaps listed of one source; `missing` counts all of them.
    pub gaps_max: u64,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberedSource {
    pub tenant: Uuid,
    /// As the leaves have it: a hash of application and instance.
    pub source_id: Uuid,
    pub application: String,
    /// Empty when not recorded.
    pub instance: String,
    /// Empty when not recorded.
    pub sdk: String,
    /// Counts the starts of the source; its numbers begin anew with each.
    pub epoch: u64,
    /// Smallest number in the period.
    pub first: u64,
    /// Largest number in the period.
    pub last: u64,
    pub records: u64,
    pub missing: u64,
    pub repeated: u64,
    /// The first gaps, at most [`SourceCompleteness::gaps_max`].
    pub gaps: Vec<NumberRange>,
    pub first_at: Instant,
    pub last_at: Instant,
}

/// Numbers from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberRange {
    pub first: u64,
    pub last: u64,
}
