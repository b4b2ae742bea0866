//! Finds and replaces personal data and secrets.
//!
//! This library is pure: text in, spans or a template with placeholders out. It has no clock, no I/O, no
//! randomness, and no regular expressions: candidates come from two linear passes and are judged by hand-written
//! matchers, check digits, and the words around them.
//!
//! * [`Detector::scan`] reports what is in a text.
//! * [`Detector::redact_text`], [`Detector::redact_json`] and [`Detector::redact_body`] replace it by placeholders
//!   and hand over what was removed, for sealing.

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
mod secrets;
mod span;
mod topics;
mod vocabulary;
mod words;

pub use detector::Detector;
pub use entity::{Entity, Family};
pub use placeholder_token::{TokenMaker, is_token};
pub use rewrite::{LineError, MAX_DEPTH, MAX_INPUT_LEN, MAX_REMOVED, RedactError, Redacted, Removed};
pub use span::{Band, Span};
