//! What a tenant adds to the built-in rules: patterns of its own, values that are always redacted, and values that
//! never are.

mod compiled;
mod error;

pub(crate) use compiled::CompiledRules;
pub use error::RuleError;

use serde::Deserialize;

use crate::entity::Entity;

/// Most patterns of a tenant.
pub const MAX_RULES: usize = 64;
/// Longest pattern, in bytes.
pub const MAX_PATTERN_LEN: usize = 1024;
/// Memory of a compiled pattern, in bytes; counted repetitions of large classes are what reaches it.
pub const MAX_COMPILED_SIZE: usize = 1 << 20;
/// Longest value that a pattern is sure to find, in bytes.
pub const MAX_MATCH_LEN: usize = 256;
/// Most entries of each list.
pub const MAX_LIST_LEN: usize = 10_000;
/// Shortest and longest entry of a list, in bytes.
pub const LIST_ENTRY_LEN: (usize, usize) = (3, 256);

/// A tenant's additions, as its configuration writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantRules {
    /// Patterns.
    pub rules: Vec<CustomRule>,
    /// Values that are always redacted, wherever they stand as whole words; letters of either case.
    pub deny: Vec<DenyEntry>,
    /// Values that are never redacted: a found value that is equal to one, letters of either case, is left alone.
    pub allow: Vec<String>,
}

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRule {
    /// What errors call it.
    pub name: String,
    /// The kind of what it finds, such as `MEDICAL_RECORD_NUMBER`, or `CUSTOM`.
    pub entity: String,
    /// A regular expression in the syntax of the crate `regex`, matched in linear time against the text with
    /// other scripts' digits, spaces and hyphens as ASCII.
    pub pattern: String,
    /// A text that stands in everything the pattern matches, letters of either case; without it the pattern is
    /// tried only where there are digits.
    #[serde(default)]
    pub requires: Option<String>,
}

/// One value that is always redacted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyEntry {
    /// The value.
    pub value: String,
    /// Its kind, such as `PERSON`, or `CUSTOM`.
    pub entity: String,
}

/// The kind that `name` names, for the rule or list entry called `owner`.
fn entity_named(name: &str, owner: &str) -> Result<Entity, RuleError> {
    Entity::from_name(name).ok_or_else(|| RuleError::UnknownEntity {
        owner: owner.to_owned(),
        entity: name.to_owned(),
    })
}
