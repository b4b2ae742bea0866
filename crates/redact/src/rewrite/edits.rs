//! Edits of a text, applied until nothing more is found.

use std::borrow::Cow;
use std::collections::HashMap;

use super::budget::Budget;
use super::canonical::canonical;
use super::windows::{around, with_context};
use super::{MAX_INPUT_LEN, MAX_REMOVED, RedactError, Redacted, Removed};
use crate::detector::{Detector, Field, Scratch};
use crate::entity::Entity;
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

/// Most names of fields that are remembered.
const MAX_FIELDS: usize = 1024;

/// A value that is only possible.
struct Possible {
    unit: usize,
    /// Where it begins in the current text, for texts that stand in it as they are.
    at: usize,
    name: &'static str,
}

/// What the passes over a text collect, and what they remember from one to the next.
pub(super) struct Pass<'p, T: TokenMaker> {
    detector: &'p Detector,
    tokens: &'p T,
    budget: &'p Budget,
    scratch: Scratch,
    /// What the names of fields say.
    fields: HashMap<String, Field>,
    pub edits: Vec<Edit>,
    /// Values that are only possible, by the unit that holds them.
    possible: Vec<Possible>,
    /// The unit that is scanned.
    unit: usize,
    /// Where the last pass put replacements, in order; `None` before every unit was scanned once.
    replaced: Option<Vec<(usize, usize)>>,
    /// Texts are pieced together from several places.
    pub is_pieced: bool,
}

impl<'p, T: TokenMaker> Pass<'p, T> {
    fn new(detector: &'p Detector, tokens: &'p T, budget: &'p Budget) -> Pass<'p, T> {
        Pass {
            detector,
            tokens,
            budget,
            scratch: Scratch::default(),
            fields: HashMap::new(),
            edits: Vec::new(),
            possible: Vec::new(),
            unit: 0,
            replaced: None,
            is_pieced: false,
        }
    }

    /// Begins the unit number `unit` at `start..end` of the current text. True when it need not be scanned: it was,
    /// and nothing in it has changed since. Units have the same numbers in every pass.
    pub fn is_settled(&mut self, unit: usize, start: usize, end: usize) -> bool {
        self.is_settled_if(unit, !self.was_edited(start, end))
    }

    /// As [`Pass::is_settled`], for a unit of which the caller knows whether it is `unchanged`.
    pub fn is_settled_if(&mut self, unit: usize, unchanged: bool) -> bool {
        self.unit = unit;
        if self.replaced.is_none() {
            return false;
        }
        if !unchanged {
            self.possible.retain(|found| found.unit != unit);
        }
        unchanged
    }

    /// Whether the last pass replaced something that touches `start..end` of the current text.
    pub fn was_edited(&self, start: usize, end: usize) -> bool {
        self.replaced.as_ref().is_some_and(|replaced| {
            let first = replaced.partition_point(|range| range.1 < start);
            replaced.get(first).is_some_and(|range| range.0 <= end)
        })
    }

    /// Has every unit scanned again: what speaks for many of them has changed.
    pub fn forget_settled(&mut self) {
        self.replaced = None;
        self.possible.clear();
    }

    /// Scans a text that stands in the current text as it is, from `offset`, as the unit number `unit`. Later passes
    /// look only around what the last one replaced.
    pub fn text(&mut self, unit: usize, text: &str, offset: usize, context_key: &str, pointer: &str) {
        let end = offset + text.len();
        let Some(replaced) = self.replaced.take() else {
            self.unit = unit;
            self.text_within(text, (0, text.len()), offset, context_key, pointer);
            return;
        };
        let first = replaced.partition_point(|range| range.1 < offset);
        let inside = replaced[first..].iter().take_while(|range| range.0 <= end);
        let relative = inside.map(|range| (range.0.max(offset) - offset, range.1.min(end) - offset));
        for place in around(text, relative) {
            self.unit = unit;
            let (from, to) = (offset + place.0, offset + place.1);
            self.possible
                .retain(|found| found.unit != unit || !(from..to).contains(&found.at));
            self.text_within(text, place, offset, context_key, pointer);
        }
        self.replaced = Some(replaced);
    }

    /// Takes what begins in `place` of `text`; what stands around it is context.
    fn text_within(
        &mut self,
        text: &str,
        place: (usize, usize),
        offset: usize,
        context_key: &str,
        pointer: &str,
    ) {
        let (start, end) = with_context(text, place);
        let window = &text[start..end];
        for span in self.spans(window, context_key) {
            let at = start + span.start;
            if !(place.0..place.1).contains(&at) {
                continue;
            }
            if span.band.is_redacted() {
                let edit = self.edit(window, &span, pointer);
                self.edits.push(Edit {
                    start: edit.start + start + offset,
                    end: edit.end + start + offset,
                    ..edit
                });
            } else {
                self.possible.push(Possible {
                    unit: self.unit,
                    at: at + offset,
                    name: span.entity.name(),
                });
            }
        }
    }

    /// The spans to redact in `text`; the others are counted for the current unit.
    pub fn scan(&mut self, text: &str, context_key: &str) -> Vec<Span> {
        let mut spans = self.spans(text, context_key);
        let (unit, possible) = (self.unit, &mut self.possible);
        spans.retain(|span| {
            if !span.band.is_redacted() {
                possible.push(Possible {
                    unit,
                    at: 0,
                    name: span.entity.name(),
                });
            }
            span.band.is_redacted()
        });
        spans
    }

    /// As [`Pass::scan`] without counting: for what is scanned twice.
    pub fn scan_uncounted(&mut self, text: &str, context_key: &str) -> Vec<Span> {
        let mut spans = self.spans(text, context_key);
        spans.retain(|span| span.band.is_redacted());
        spans
    }

    fn spans(&mut self, text: &str, context_key: &str) -> Vec<Span> {
        // What is not scanned any more is never stored either: `settle` fails when the budget is spent.
        if !self.budget.scan(text.len()) {
            return Vec::new();
        }
        let field = self.field(context_key);
        let mut spans = self.detector.scan_unit(text, field, &mut self.scratch);
        if self.detector.finds(Entity::Person) {
            let detector = self.detector;
            self.budget
                .known
                .add_to(text, &mut spans, |word| detector.allows(word));
        }
        spans
    }

    fn field(&mut self, context_key: &str) -> Field {
        if context_key.is_empty() {
            return Field::default();
        }
        if let Some(field) = self.fields.get(context_key) {
            return *field;
        }
        let field = self.detector.field(context_key);
        if self.fields.len() < MAX_FIELDS {
            self.fields.insert(context_key.to_owned(), field);
        }
        field
    }

    /// The edit, in offsets of `unit`, that replaces `span` by its placeholder.
    pub fn edit(&self, unit: &str, span: &Span, pointer: &str) -> Edit {
        let original = &unit[span.start..span.end];
        let canonical = canonical(span.entity, original);
        self.budget.known.learn(span.entity, original);
        let token = self.tokens.token(span.entity, &canonical);
        self.budget
            .hold(2 * token.len() + original.len() + canonical.len() + pointer.len());
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

/// A text in the making: clear parts of the input, and replacements that no later pass touches.
enum Segment<'t> {
    Clear(&'t str),
    Replaced(String, Option<Box<Removed>>),
}

/// Runs `round` on `text`, then on the result, until it finds nothing more. So redacting the result again changes
/// nothing.
pub(super) fn settle<T: TokenMaker>(
    detector: &Detector,
    tokens: &T,
    budget: &Budget,
    text: &str,
    mut round: impl FnMut(&mut Pass<'_, T>, &str) -> Result<(), RedactError>,
) -> Result<Redacted, RedactError> {
    if text.len() > MAX_INPUT_LEN {
        return Err(RedactError::TooLong { length: text.len() });
    }
    let mut pass = Pass::new(detector, tokens, budget);
    let mut segments = vec![Segment::Clear(text)];
    let mut current = Cow::Borrowed(text);
    for _ in 0..MAX_ROUNDS {
        let known_before = budget.known.count();
        round(&mut pass, &current)?;
        budget.check()?;
        let edits = without_overlaps(std::mem::take(&mut pass.edits));
        let edits = outside_replacements(edits, &segments);
        if edits.is_empty() {
            return Ok(finish(segments, &pass.possible));
        }
        if edits.len() > MAX_REMOVED {
            return Err(RedactError::TooMany);
        }
        pass.replaced = Some(places_after(&edits));
        move_along(&mut pass.possible, &edits);
        segments = apply(segments, edits);
        current = Cow::Owned(segments.iter().map(Segment::text).collect());
        // A name that was found late may have been passed over before.
        if budget.known.count() > known_before && (pass.is_pieced || budget.known.may_stand_in(&current)) {
            pass.forget_settled();
        }
    }
    Err(RedactError::Unsettled)
}

/// Drops of sorted, disjoint `edits` what lies within a replacement: a placeholder is no longer anybody's data,
/// whatever its random characters spell.
fn outside_replacements(edits: Vec<Edit>, segments: &[Segment<'_>]) -> Vec<Edit> {
    if segments.len() == 1 {
        return edits;
    }
    let mut offset = 0;
    let mut replaced = Vec::new();
    for segment in segments {
        let end = offset + segment.text().len();
        if matches!(segment, Segment::Replaced(..)) {
            replaced.push((offset, end));
        }
        offset = end;
    }
    let is_free = |edit: &Edit| {
        let next = replaced.partition_point(|range| range.1 <= edit.start);
        replaced.get(next).is_none_or(|range| edit.end <= range.0)
    };
    edits.into_iter().filter(is_free).collect()
}

/// Where the replacements of sorted, disjoint `edits` stand once they are made.
fn places_after(edits: &[Edit]) -> Vec<(usize, usize)> {
    let (mut removed, mut added) = (0, 0);
    let places = edits.iter().map(|edit| {
        let start = edit.start + added - removed;
        removed += edit.end - edit.start;
        added += edit.replacement.len();
        (start, start + edit.replacement.len())
    });
    places.collect()
}

/// Moves what was found in the text before sorted, disjoint `edits` to where it stands after them.
fn move_along(found: &mut [Possible], edits: &[Edit]) {
    let (mut removed, mut added) = (0, 0);
    let passed: Vec<(usize, usize, usize)> = edits
        .iter()
        .map(|edit| {
            removed += edit.end - edit.start;
            added += edit.replacement.len();
            (edit.end, removed, added)
        })
        .collect();
    for found in found {
        let before = passed.partition_point(|edit| edit.0 <= found.at);
        if let Some((_, removed, added)) = before.checked_sub(1).map(|index| passed[index]) {
            found.at = found.at + added - removed;
        }
    }
}

impl Segment<'_> {
    fn text(&self) -> &str {
        match self {
            Segment::Clear(text) => text,
            Segment::Replaced(text, _) => text,
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
fn apply<'t>(segments: Vec<Segment<'t>>, edits: Vec<Edit>) -> Vec<Segment<'t>> {
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
                result.push(Segment::Clear(&text[at..from]));
            }
            result.push(Segment::Replaced(edit.replacement, edit.removed));
            at = to.max(at);
        }
        if at < text.len() {
            result.push(Segment::Clear(&text[at..]));
        }
        offset = end;
    }
    result
}

fn finish(segments: Vec<Segment<'_>>, possible: &[Possible]) -> Redacted {
    let mut redacted = Redacted::default();
    for found in possible {
        *redacted.possible.entry(found.name).or_default() += 1;
    }
    redacted
        .template
        .reserve_exact(segments.iter().map(|segment| segment.text().len()).sum());
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
