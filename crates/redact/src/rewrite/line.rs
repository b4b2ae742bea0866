//! One line of `audit redact`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::RedactError;
use crate::detector::Detector;
use crate::placeholder_token::TokenMaker;

/// Why a line could not be redacted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    /// Not an object with `id` and `text`.
    #[error("line is not an object with `id` and a string `text`")]
    Malformed,
    /// The text was refused.
    #[error(transparent)]
    Refused(#[from] RedactError),
}

#[derive(Deserialize)]
struct Input {
    id: Value,
    text: String,
}

#[derive(Serialize)]
struct Output {
    id: Value,
    spans: Vec<LineSpan>,
    redacted: String,
}

#[derive(Serialize)]
struct LineSpan {
    start: usize,
    end: usize,
    entity: &'static str,
    band: &'static str,
    score: f64,
}

pub(super) fn redact(detector: &Detector, line: &str, tokens: &impl TokenMaker) -> Result<String, LineError> {
    let input: Input = serde_json::from_str(line).map_err(|_| LineError::Malformed)?;
    let redacted = detector.redact_text(&input.text, "", tokens)?;

    let mut spans = Vec::with_capacity(redacted.removed.len());
    let mut counter = CodePoints {
        text: &input.text,
        byte: 0,
        points: 0,
    };
    let mut template_at = 0;
    let mut input_at = 0;
    for removed in &redacted.removed {
        // Between two placeholders template and input are equal, which leads from one to the other.
        input_at += removed.start - template_at;
        let start = counter.at(input_at);
        input_at += removed.original.len();
        template_at = removed.end;
        spans.push(LineSpan {
            start,
            end: counter.at(input_at),
            entity: removed.entity.name(),
            band: removed.band.name(),
            // Presentation only: scores are exact integers everywhere else.
            score: f64::from(removed.score_permille) / 1000.0,
        });
    }
    let output = Output {
        id: input.id,
        spans,
        redacted: redacted.template,
    };
    serde_json::to_string(&output).map_err(|_| LineError::Malformed)
}

/// Counts code points up to rising byte offsets.
struct CodePoints<'t> {
    text: &'t str,
    byte: usize,
    points: usize,
}

impl CodePoints<'_> {
    fn at(&mut self, byte: usize) -> usize {
        self.points += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.points
    }
}
