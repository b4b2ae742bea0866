//! Finds and replaces personal data and secrets.
//!
//! This library is pure: text in, spans or a template with placeholders out. It has no clock, no I/O and no
//! randomness. Candidates come from one walk over the text and are judged by hand-written matchers, check digits,
//! and the words around them; regular expressions are a tenant's own ([`TenantRules`]) only.
//!
//! * [`Detector::scan`] reports what is in a text.
//! * [`Detector::redact_text`], [`Detector::redact_json`] and [`Detector::redact_body`] replace it by placeholders
//!   and hand over what was removed, for sealing.
//! * [`Detector::redact_line`] is one line of `audit redact`.
//!
//! # How a value is judged
//!
//! A matcher proposes a candidate with evidence in additive log-odds: what its shape says alone, and what the
//! words around it add or take ([`Band`] names the outcome). A field's name counts like a word right before the
//! value; a word counts for one value, or for all members of a list; words of an order or an invoice speak against
//! whatever is not certain by itself. Overlapping candidates are united, so that nothing any of them covers stays;
//! the best one names the span.
//!
//! # What is decided here
//!
//! * A URL with a user name and password is taken out whole; of other links only the secret parameter is.
//! * Card numbers of 12 to 14 and 19 digits, bare national numbers and bare telephone numbers need a word that
//!   announces them; loopback and unspecified addresses and four small numbers with stops are only possible.
//! * Names are found by cues, titles and a list of given names; other names need a language model.
//! * Placeholders are never matched, and say nothing about what stands beside them. Redaction runs until a pass
//!   finds nothing, so redacting a template again changes nothing.
//! * What cannot be redacted (binary, too deep, too large) is an error: the caller withholds it.
//!
//! # Architecture invariants
//!
//! Time is linear in the input: every look-ahead and look-behind has a constant bound. Scores are integers; the
//! same input gives the same spans on every machine. [`Detector::version`] changes with every list and table.

mod checks;
mod context;
mod detector;
mod entity;
mod folded;
mod ids;
mod network;
mod numbers;
mod personal;
mod placeholder_token;
mod resolve;
mod rewrite;
mod safe_harbor;
mod secrets;
mod span;
mod tenant;
mod topics;
mod vocabulary;
mod walk;
mod words;

pub use detector::Detector;
pub use entity::{Entity, Family};
pub use placeholder_token::{TokenMaker, is_token};
pub use rewrite::{
    Budget, LineError, MAX_DEPTH, MAX_INPUT_LEN, MAX_REMOVED, RedactError, Redacted, Removed, canonical,
};
pub use safe_harbor::SafeHarbor;
pub use span::{Band, Span};
pub use tenant::{
    CustomRule, DenyEntry, LIST_ENTRY_LEN, MAX_COMPILED_SIZE, MAX_LIST_LEN, MAX_MATCH_LEN, MAX_PATTERN_LEN,
    MAX_RULES, RuleError, TenantRules,
};
