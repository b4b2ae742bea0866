//! Replaces found values by placeholders, in texts, JSON documents and streams.

mod body;
mod budget;
mod canonical;
mod document;
mod edits;
mod json;
mod json_text;
mod known;
mod labels;
mod line;
mod logprobs;
mod parser;
mod stream;
mod windows;

pub use canonical::canonical;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::detector::Detector;
use crate::entity::Entity;
use crate::placeholder_token::TokenMaker;
use crate::span::Band;

/// Largest input in bytes (64 MiB): above any event the edge accepts, and far below 32-bit offsets.
pub const MAX_INPUT_LEN: usize = 64 * 1024 * 1024;
/// Deepest nesting of JSON that is walked.
pub const MAX_DEPTH: usize = 128;
/// Most values that are taken out of one body; more are a reason to withhold it.
pub const MAX_REMOVED: usize = 100_000;

/// A text without its personal data, and what was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redacted {
    /// The input with placeholders; every other byte is as it was.
    pub template: String,
    /// What was removed, in order of its place.
    pub removed: Vec<Removed>,
    /// Removed values by entity name.
    pub counts: BTreeMap<&'static str, u32>,
    /// Values that were only possible: reported by entity name, left in place.
    pub possible: BTreeMap<&'static str, u32>,
}

/// One removed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Its placeholder, as it stands in the template.
    pub token: String,
    /// What it is.
    pub entity: Entity,
    /// How sure that is: certain or likely.
    pub band: Band,
    /// Score in per mille.
    pub score_permille: u16,
    /// Rule that found it.
    pub rule: &'static str,
    /// The value as it was written (JSON escapes decoded).
    pub original: String,
    /// The value in canonical form; the placeholder is derived from it.
    pub canonical: String,
    /// JSON pointer (RFC 6901) of the leaf it stood in, `""` for plain text. In streams it starts with the number
    /// of the frame; inside JSON within a string, the inner pointer follows after `#`.
    pub pointer: String,
    /// First byte of the placeholder in the template.
    pub start: usize,
    /// Byte after the placeholder in the template.
    pub end: usize,
}

/// Why a body could not be redacted. The caller withholds it. No variant carries any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RedactError {
    /// Not text: not valid UTF-8.
    #[error("body is binary")]
    Binary,
    /// Not JSON where JSON was asked for.
    #[error("body is not json at byte {at}")]
    NotJson {
        /// Offset of the first error.
        at: usize,
    },
    /// Longer than [`MAX_INPUT_LEN`].
    #[error("body of {length} bytes is longer than the limit of {MAX_INPUT_LEN}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("json is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// More than [`MAX_REMOVED`] values.
    #[error("more than {MAX_REMOVED} values to remove")]
    TooMany,
    /// Removing values kept uncovering others.
    #[error("redaction did not settle")]
    Unsettled,
    /// More text was scanned than the [`Budget`] allows.
    #[error("redaction needs more work than its limit allows")]
    TooMuchWork,
    /// More bytes of values and placeholders were held than the [`Budget`] allows.
    #[error("redaction needs more memory than its limit allows")]
    TooMuchHeld,
}

impl Detector {
    /// Redacts a plain text; `context_key` is the name of the field that holds it, or `""`.
    pub fn redact_text(
        &self,
        text: &str,
        context_key: &str,
        tokens: &impl TokenMaker,
    ) -> Result<Redacted, RedactError> {
        self.redact_text_within(text, context_key, tokens, &Budget::for_bytes(text.len()))
    }

    /// As [`Detector::redact_text`], within a budget that several texts may share.
    pub fn redact_text_within(
        &self,
        text: &str,
        context_key: &str,
        tokens: &impl TokenMaker,
        budget: &Budget,
    ) -> Result<Redacted, RedactError> {
        edits::settle(self, tokens, budget, text, |pass, current| {
            pass.text(0, current, 0, context_key, "");
            Ok(())
        })
    }

    /// Redacts a JSON document leaf by leaf: strings (and JSON inside them), numbers and keys. The result is valid
    /// JSON; a redacted number becomes a string.
    pub fn redact_json(&self, body: &[u8], tokens: &impl TokenMaker) -> Result<Redacted, RedactError> {
        self.redact_json_within(body, tokens, &Budget::for_bytes(body.len()))
    }

    /// As [`Detector::redact_json`], within a budget that several texts may share.
    pub fn redact_json_within(
        &self,
        body: &[u8],
        tokens: &impl TokenMaker,
        budget: &Budget,
    ) -> Result<Redacted, RedactError> {
        let text = std::str::from_utf8(body).map_err(|_| RedactError::Binary)?;
        edits::settle(self, tokens, budget, text, json::redact_document)
    }

    /// Redacts a request or response body by what it is: JSON, a stream of server-sent events, newline-delimited
    /// JSON, or other text. `content_type` is the HTTP header's value; the body itself decides where it is silent
    /// or wrong.
    ///
    /// In streams the deltas of a channel are joined before they are scanned, so that a value split over frames is
    /// found; its placeholder stands in the first of them, and the number of frames stays. Lists of log
    /// probabilities that spell a value out again are blanked, which is not listed as removed.
    pub fn redact_body(
        &self,
        body: &[u8],
        content_type: &str,
        tokens: &impl TokenMaker,
    ) -> Result<Redacted, RedactError> {
        self.redact_body_within(body, content_type, tokens, &Budget::for_bytes(body.len()))
    }

    /// As [`Detector::redact_body`], within a budget that several texts may share.
    pub fn redact_body_within(
        &self,
        body: &[u8],
        content_type: &str,
        tokens: &impl TokenMaker,
        budget: &Budget,
    ) -> Result<Redacted, RedactError> {
        body::redact(self, body, content_type, tokens, budget)
    }

    /// One line of `audit redact`: `{"id": ..., "text": "..."}` in, `{"id": ..., "spans": [...], "redacted": "..."}`
    /// out. Spans are the redacted ones (certain and likely) in code points; what is only possible is not listed,
    /// since it stays in the text. The error says what is wrong with the line.
    pub fn redact_line(&self, line: &str, tokens: &impl TokenMaker) -> Result<String, LineError> {
        line::redact(self, line, tokens)
    }
}

pub use budget::Budget;
pub use line::LineError;
