//! What every report has: identity, scope, verification, limits.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Instant;

/// Identity and scope of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The job's id.
    pub report_id: Uuid,
    /// Title on the first page.
    pub title: String,
    /// Whose records these are.
    pub tenant: Tenant,
    /// The period; absent for one decision.
    pub period: Option<Period>,
    /// When the worker began to read.
    pub generated_at: Instant,
    /// Who asked for it, as the control store names them.
    pub generated_by: String,
    /// Program and version.
    pub software: String,
    /// Version of the templates.
    pub template: String,
    /// The source of the population, in words and as a statement that can be run again.
    pub source: String,
    /// Exactly what was asked for.
    pub parameters: Vec<Parameter>,
    /// The signed head of the ledger that was current, when one had been made.
    pub checkpoint: Option<Checkpoint>,
    /// What was verified while the report was made.
    pub verdicts: Vec<Verdict>,
    /// What the report cannot show.
    pub limits: Vec<String>,
    /// Which evidence belongs to which clause.
    pub clauses: Vec<Clause>,
    /// What the fields mean.
    pub fields: Vec<Field>,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Identifier in the ledger; `None` stands for all tenants.
    pub id: Option<Uuid>,
    /// Name in the control store.
    pub name: Option<String>,
}

/// A half-open period: `from` belongs to it, `to` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First moment.
    pub from: Instant,
    /// First moment after.
    pub to: Instant,
}

/// One parameter of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name as in the HTTP interface.
    pub name: String,
    /// Value as given.
    pub value: String,
}

/// A signed head of the anchor log (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The epoch it closes.
    pub epoch: u64,
    /// Name of the log.
    pub origin: String,
    /// The signed note, verbatim.
    pub note: String,
}

/// Result of one kind of check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// content, identity, time, witness, scope, erasure, report.
    pub name: String,
    /// The result.
    pub state: VerdictState,
    /// How many items were looked at. Nothing looked at is never a pass.
    pub checked: u64,
    /// What was done, or why it was not.
    pub detail: String,
}

/// The three results a check can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictState {
    /// Every item was looked at and holds.
    Pass,
    /// At least one item does not hold.
    Fail,
    /// Not looked at, or there was nothing to look at.
    Unproven,
}

/// One line of the clause map. It points at evidence; it does not claim conformity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// The clause.
    pub clause: String,
    /// What it is about.
    pub subject: String,
    /// Where this report has evidence for it.
    pub evidence: String,
}

/// One line of the field dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Name in CSV and JSON.
    pub name: String,
    /// Meaning, unit and source.
    pub meaning: String,
}
