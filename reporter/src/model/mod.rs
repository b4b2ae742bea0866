//! What a report says, before it has a form. Every format (PDF, CSV, JSON) is made from this one value, so
//! that their figures cannot differ; `report.json` *is* this value, and its SHA-256 is stamped on every PDF page.
//!
//! Equal models give equal HTML, CSV and JSON bytes: no clock, no randomness and no unordered map is involved.

mod decision;
mod head;
mod range;
mod scalar;
mod sources;

pub use decision::{
    AccessEntry, Attribute, Content, CostDetail, Decision, EventFacts, LedgerPosition, OutcomeEntry,
    Redaction, Related, SourceFacts, TimelineEntry,
};
pub use head::{Checkpoint, Clause, Field, Head, Parameter, Period, Tenant, Verdict, VerdictState};
pub use range::{
    AccessCount, Chain, Check, CostByVersion, Counted, DayTotals, Exception, Group, KindCount, LatencyUs,
    ListedRecord, Oversight, PiiCount, Population, Range, Totals,
};
pub use scalar::{Digest, Instant, Money, MoneyOverflow};
pub use sources::{NumberRange, NumberedSource, SourceCompleteness};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// Version of the model's shape; a reader of `report.json` checks it first.
pub const SCHEMA: &str = "ai-audit-layer/report/1";

/// One report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What every report has.
    pub head: Head,
    /// What this kind of report has.
    pub body: Body,
}

/// The part that depends on the kind of report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// One decision.
    Decision(Box<Decision>),
    /// All decisions of a period.
    Range(Box<Range>),
}

impl Report {
    /// `report.json`: the whole model, indented, with a final line feed.
    ///
    /// # Errors
    /// None in practice: the model has no map with keys that are not strings.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}
