//! Identifiers with a written shape: numbers and codes whose groups, letters and check digits are known.
//!
//! A rule is data: its shapes with the evidence each gives by itself, a check, and the topics whose words speak
//! for it. The words of a text are dispatched by length and first character to the few shapes that can start there.

mod americas;
mod asia;
mod europe;
mod europe_east;
mod finance;
mod health;
mod matcher;

pub(crate) use matcher::IdMatcher;

use crate::entity::Entity;
use crate::topics::Topics;

/// One kind of identifier.
pub(crate) struct IdRule {
    /// Stable name in reports.
    pub id: &'static str,
    pub entity: Entity,
    /// Shapes, each with the log-odds (hundredths) that a match which passes the check gives without context.
    pub shapes: &'static [Shape],
    /// Check of the compact form.
    pub check: fn(&[u8]) -> bool,
    /// What the words around it talk about.
    pub topics: Topics,
}

/// How an identifier is written: `9` digit, `A` upper-case letter, `a` letter, `N` digit or upper-case letter,
/// `n` digit or letter; anything else stands for itself. Separators (space and punctuation) are not part of the
/// compact form that is checked; `+` and `-` of a rule with signs are kept by [`Shape::keeps_signs`].
pub(crate) struct Shape {
    pub pattern: &'static str,
    pub alone: i32,
    /// Whether `-` and `+` belong to the compact form (Finnish century signs).
    pub keeps_signs: bool,
}

/// A shape that needs no context and is redacted with certainty.
pub(crate) const CERTAIN: i32 = 320;
/// Redacted without context.
pub(crate) const LIKELY: i32 = 150;
/// Reported without context, redacted with any.
pub(crate) const POSSIBLE: i32 = -30;
/// Silent without context; likely or certain with it.
pub(crate) const NEEDS_CONTEXT: i32 = -270;
/// Silent unless the context is in the field's name or close before it: the shape says almost nothing.
pub(crate) const NEEDS_CLOSE_CONTEXT: i32 = -400;

/// A [`Shape`] of a table.
pub(crate) const fn shape(pattern: &'static str, alone: i32) -> Shape {
    Shape {
        pattern,
        alone,
        keeps_signs: false,
    }
}

/// Every rule.
pub(crate) fn rules() -> impl Iterator<Item = &'static IdRule> {
    let families: [&[IdRule]; 6] = [
        finance::RULES,
        health::RULES,
        americas::RULES,
        europe::RULES,
        europe_east::RULES,
        asia::RULES,
    ];
    families.into_iter().flatten()
}
