//! Edits of a text, applied until nothing more is found.

use std::collections::BTreeMap;

use super::canonical::canonical;
use super::{MAX_INPUT_LEN, MAX_REMOVED, RedactError, Redacted, Removed};
use crate::detector::Detector;
use crate::placeholder_token::TokenMaker;
use crate::span::Span;

/// Rounds after which redaction must have settled. Each round but the last removes something, and what it removes
/// is what the round before uncovered (a keyword that came nearer, a boundary that appeared).
const MAX_ROUNDS: usize = 8;

/// Replaces `start..end` of the current text.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    pub start: usize,
    pub end: usize,
    pub replacement: String,
    /// What was removed, once per value: a value split over frames has further edits without it.
    pub removed: Option<Box<Removed>>,
}

/// What one pass over a text collects.
pub(super) struct Pass<'p, T: TokenMaker> {
    detector: &'p Detector,
    tokens: &'p T,
    pub edits: Vec<Edit>,
    pub possible: BTreeMap<&'static str, u32>,
}

impl<'p, T: TokenMaker> Pass<'p, T> {
    pub fn new(detector: &'p Detector, tokens: &'p T) -> Pass<'p, T> {
        Pass {
            detector,
            tokens,
            edits: Vec::new(),
            possible: BTreeMap::new(),
        }
    }

    /// Scans a unit that stands in the current text as it is, from `offset`.
    pub fn text(&mut self, unit: &str, offset: usize, context_key: &str, pointer: &str) {
        for span in self.scan(unit, context_key) {
            let edit = self.edit(unit, &span, pointer);
            self.edits.push(Edit {
                start: edit.start + offset,
                end: edit.end + offset,
                ..edit
            });
        }
    }

    /// The spans to redact in `unit`; the others are counted.
    pub fn scan(&mut self, unit: &str, context_key: &str) -> Vec<Span> {
        let mut spans = self.detector.scan(unit, context_key);
        spans.retain(|span| {
            if !span.band.is_redacted() {
                *self.possible.entry(span.entity.name()).or_default() += 1;
            }
            span.band.is_redacted()
        });
        spans
    }

    /// The edit, in offsets of `unit`, that replaces `span` by its placeholder.
    pub fn edit(&self, unit: &str, span: &Span, pointer: &str) -> Edit {
        let original = &unit[span.start..span.end];
        let canonical = canonical(span.entity, original);
        let token = self.tokens.token(span.entity, &canonical);
        let removed = Removed {
            token: token.clone(),
            entity: span.entity,
            band: span.band,
            score_permille: span.score_permille,
            rule: span.rule,
            original: original.to_owned(),
            canonical,
            pointer: pointer.to_owned(),
            start: 0,
            end: 0,
        };
        Edit {
            start: span.start,
            end: span.end,
            replacement: token,
            removed: Some(Box::new(removed)),
        }
    }
}

/// A text in the making: clear parts, and replacements that no later round touches.
enum Segment {
    Clear(String),
    Replaced(String, Option<Box<Removed>>),
}

/// Runs `pass` on `text`, then on the result, until it finds nothing more. So redacting the result again changes
/// nothing.
pub(super) fn settle<'p, T: TokenMaker + 'p>(
    text: &str,
    pass: impl Fn(&str) -> Result<Pass<'p, T>, RedactError>,
) -> Result<Redacted, RedactError> {
    if text.len() > MAX_INPUT_LEN {
        return Err(RedactError::TooLong { length: text.len() });
    }
    let mut segments = vec![Segment::Clear(text.to_owned())];
    let mut current = text.to_owned();
    for _ in 0..MAX_ROUNDS {
        let found = pass(&current)?;
        let edits = without_overlaps(found.edits);
        if edits.is_empty() {
            return Ok(finish(segments, found.possible));
        }
        if edits.len() > MAX_REMOVED {
            return Err(RedactError::TooMany);
        }
        segments = apply(segments, edits);
        current = segments.iter().map(Segment::text).collect();
    }
    Err(RedactError::Unsettled)
}

impl Segment {
    fn text(&self) -> &str {
        match self {
            Segment::Clear(text) | Segment::Replaced(text, _) => text,
        }
    }
}

/// Sorts edits and drops what an earlier one already covers: units may be scanned in two ways (a delta by itself
/// and joined with its neighbours). What reaches beyond an earlier edit is cut to the rest, so nothing survives.
fn without_overlaps(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
    let mut kept: Vec<Edit> = Vec::with_capacity(edits.len());
    for mut edit in edits {
        let covered_until = kept.last().map_or(0, |last| last.end);
        if edit.end <= covered_until {
            continue;
        }
        if edit.start < covered_until {
            edit.start = covered_until;
            edit.replacement = String::new();
            edit.removed = None;
        }
        if edit.start < edit.end {
            kept.push(edit);
        }
    }
    kept
}

/// Applies sorted, disjoint `edits`, in offsets of the segments' concatenation. Edits never reach into a
/// replacement: detectors do not match placeholders.
fn apply(segments: Vec<Segment>, edits: Vec<Edit>) -> Vec<Segment> {
    let mut result = Vec::with_capacity(segments.len() + 2 * edits.len());
    let mut edits = edits.into_iter().peekable();
    let mut offset = 0;
    for segment in segments {
        let end = offset + segment.text().len();
        let Segment::Clear(text) = segment else {
            offset = end;
            result.push(segment);
            continue;
        };
        let mut at = 0;
        while let Some(edit) = edits.next_if(|edit| edit.start < end) {
            let from = edit.start.max(offset) - offset;
            let to = edit.end.min(end) - offset;
            if from > at {
                result.push(Segment::Clear(text[at..from].to_owned()));
            }
            result.push(Segment::Replaced(edit.replacement, edit.removed));
            at = to.max(at);
        }
        if at < text.len() {
            result.push(Segment::Clear(text[at..].to_owned()));
        }
        offset = end;
    }
    result
}

fn finish(segments: Vec<Segment>, possible: BTreeMap<&'static str, u32>) -> Redacted {
    let mut redacted = Redacted {
        possible,
        ..Redacted::default()
    };
    for segment in segments {
        let offset = redacted.template.len();
        redacted.template.push_str(segment.text());
        let Segment::Replaced(replacement, Some(mut removed)) = segment else {
            continue;
        };
        // A number's placeholder stands in quotes.
        let within = replacement.find(&removed.token).unwrap_or(0);
        removed.start = offset + within;
        removed.end = removed.start + removed.token.len();
        *redacted.counts.entry(removed.entity.name()).or_default() += 1;
        redacted.removed.push(*removed);
    }
    redacted
}
