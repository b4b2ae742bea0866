//! Why a tenant's rules are refused.

use thiserror::Error;

use super::{LIST_ENTRY_LEN, MAX_COMPILED_SIZE, MAX_LIST_LEN, MAX_PATTERN_LEN, MAX_RULES};

/// Why a tenant's rules are refused: names the rule or the entry, and the way out. List entries are named by their
/// place, because they are the personal data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// More patterns than [`MAX_RULES`].
    #[error("{count} rules are more than the limit of {MAX_RULES}; join patterns with `|`")]
    TooManyRules {
        /// How many there are.
        count: usize,
    },
    /// A list longer than [`MAX_LIST_LEN`].
    #[error(
        "the {list} list has {count} entries, more than the limit of {MAX_LIST_LEN}; use a pattern instead"
    )]
    ListTooLong {
        /// `deny` or `allow`.
        list: &'static str,
        /// How many there are.
        count: usize,
    },
    /// An entry of a length outside [`LIST_ENTRY_LEN`].
    #[error(
        "entry {index} of the {list} list has {length} bytes; give it {} to {}",
        LIST_ENTRY_LEN.0,
        LIST_ENTRY_LEN.1
    )]
    EntryLength {
        /// `deny` or `allow`.
        list: &'static str,
        /// Its place, from 0.
        index: usize,
        /// Its length.
        length: usize,
    },
    /// A value in both lists.
    #[error("entry {index} of the allow list is in the deny list too; remove it from one of them")]
    Contradiction {
        /// Its place in the allow list, from 0.
        index: usize,
    },
    /// A kind that does not exist.
    #[error("{owner} names the unknown entity `{entity}`; use a name of the entity table, or CUSTOM")]
    UnknownEntity {
        /// The rule, or the entry.
        owner: String,
        /// What it names.
        entity: String,
    },
    /// Two rules of one name.
    #[error("two rules are called `{rule}`; give each its own name")]
    DuplicateName {
        /// The name.
        rule: String,
    },
    /// A pattern longer than [`MAX_PATTERN_LEN`].
    #[error(
        "the pattern of rule `{rule}` has {length} bytes, more than the limit of {MAX_PATTERN_LEN}; split it"
    )]
    PatternTooLong {
        /// The rule.
        rule: String,
        /// Its length.
        length: usize,
    },
    /// A pattern that does not parse.
    #[error("the pattern of rule `{rule}` is wrong: {problem}")]
    Syntax {
        /// The rule.
        rule: String,
        /// What the parser says.
        problem: String,
    },
    /// A pattern that needs more memory than [`MAX_COMPILED_SIZE`].
    #[error(
        "the pattern of rule `{rule}` compiles to more than {MAX_COMPILED_SIZE} bytes; \
         shorten its counted repetitions or write [0-9] for \\d and [A-Za-z] for \\w"
    )]
    PatternTooLarge {
        /// The rule.
        rule: String,
    },
    /// A pattern that matches nothing at all.
    #[error("the pattern of rule `{rule}` matches the empty text; let it require a character")]
    MatchesEmpty {
        /// The rule.
        rule: String,
    },
    /// A required text that is too short to sort anything out.
    #[error("rule `{rule}` requires {length} bytes; require 2 or more, or leave `requires` out")]
    RequiredTooShort {
        /// The rule.
        rule: String,
        /// Its length.
        length: usize,
    },
}
