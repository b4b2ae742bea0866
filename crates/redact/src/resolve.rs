//! From overlapping proposals to disjoint spans: the union of what is redacted, labelled by its best member.

use crate::folded::Folded;
use crate::span::{Band, Candidate, Span, probability_permille};
use crate::words::meets_region;

/// Resolves `candidates` of a text that holds placeholders at `tokens`. Everything that any accepted candidate covers is covered by a span, except
/// placeholders, which are no longer anybody's data; candidates that are only possible are reported where nothing
/// accepted overlaps them.
pub(crate) fn resolve(
    folded: &Folded<'_>,
    candidates: &mut Vec<Candidate>,
    tokens: &[(usize, usize)],
) -> Vec<Span> {
    candidates.retain(|candidate| candidate.start < candidate.end);
    candidates.sort_by_key(|candidate| (candidate.start, candidate.end));
    let accepted = |candidate: &Candidate| probability_permille(candidate.log_odds) >= 600;
    let mut spans = merge(folded, candidates.iter().filter(|candidate| accepted(candidate)));
    let possible = merge(folded, candidates.iter().filter(|candidate| !accepted(candidate)));

    let tokens: Vec<(usize, usize)> = tokens
        .iter()
        .map(|(start, end)| folded.original_range(*start, *end))
        .collect();
    if !tokens.is_empty() {
        spans = spans
            .into_iter()
            .flat_map(|span| without(span, &tokens))
            .collect();
    }
    let redacted: Vec<(usize, usize)> = spans.iter().map(|span| (span.start, span.end)).collect();
    let is_free = |span: &Span| {
        !meets_region(&redacted, span.start, span.end) && !meets_region(&tokens, span.start, span.end)
    };
    spans.extend(possible.into_iter().filter(is_free));
    spans.sort_by_key(|span| span.start);
    spans
}

/// Merges overlapping candidates (sorted by start) into spans.
fn merge<'c>(folded: &Folded<'_>, candidates: impl Iterator<Item = &'c Candidate>) -> Vec<Span> {
    let mut merged: Vec<(usize, usize, &Candidate)> = Vec::new();
    for candidate in candidates {
        match merged.last_mut() {
            Some((_, end, best)) if candidate.start < *end => {
                *end = (*end).max(candidate.end);
                if is_better(candidate, best) {
                    *best = candidate;
                }
            }
            _ => merged.push((candidate.start, candidate.end, candidate)),
        }
    }
    let spans = merged.into_iter().filter_map(|(start, end, best)| {
        let score_permille = probability_permille(best.log_odds);
        let band = Band::of(score_permille)?;
        let (start, end) = folded.original_range(start, end);
        Some(Span {
            start,
            end,
            entity: best.entity,
            band,
            score_permille,
            rule: best.rule,
        })
    });
    spans.collect()
}

/// Band first, then evidence, then length; the order of declaration decides the rest, so that labels are stable.
fn is_better(candidate: &Candidate, best: &Candidate) -> bool {
    let rank = |of: &Candidate| {
        let band = Band::of(probability_permille(of.log_odds));
        (band, of.log_odds, of.end - of.start, std::cmp::Reverse(of.entity))
    };
    rank(candidate) > rank(best)
}

/// The parts of `span` outside `ranges` (sorted, disjoint).
fn without(span: Span, ranges: &[(usize, usize)]) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut start = span.start;
    let first = ranges.partition_point(|range| range.1 <= span.start);
    for (from, to) in ranges[first..].iter().take_while(|range| range.0 < span.end) {
        if *from > start {
            parts.push(Span {
                start,
                end: *from,
                ..span.clone()
            });
        }
        start = start.max(*to);
    }
    if start < span.end {
        parts.push(Span {
            start,
            end: span.end,
            ..span
        });
    }
    parts
}
