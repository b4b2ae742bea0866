//! Matches identifier shapes at the words of a text.

use super::{IdRule, Shape, rules};
use crate::context::Context;
use crate::span::Candidate;
use crate::words::{Word, before};

const MAX_GROUP: usize = 32;
const MAX_COMPACT: usize = 40;

/// The rules, dispatched by the length of a shape's first group with a digit and by its first character.
pub(crate) struct IdMatcher {
    by_digit: [Vec<Entry>; MAX_GROUP],
    by_letter: [Vec<Entry>; MAX_GROUP],
}

#[derive(Clone, Copy)]
struct Entry {
    rule: &'static IdRule,
    shape: &'static Shape,
    /// Bytes of the shape before its first group with a digit.
    offset: usize,
    /// What follows that group, if the shape goes on.
    next: Option<u8>,
}

impl IdMatcher {
    /// Sorts every rule's shapes into the dispatch tables.
    pub fn new() -> IdMatcher {
        let mut matcher = IdMatcher {
            by_digit: Default::default(),
            by_letter: Default::default(),
        };
        for rule in rules() {
            for shape in rule.shapes {
                let Some((offset, group)) = anchor(shape.pattern) else {
                    continue;
                };
                let next = shape.pattern.as_bytes().get(offset + group.len()).copied();
                let entry = Entry {
                    rule,
                    shape,
                    offset,
                    next,
                };
                let first = group.as_bytes()[0];
                if matches!(first, b'9' | b'N' | b'n') || first.is_ascii_digit() {
                    matcher.by_digit[group.len()].push(entry);
                }
                if !(first == b'9' || first.is_ascii_digit()) {
                    matcher.by_letter[group.len()].push(entry);
                }
            }
        }
        matcher
    }

    /// Proposes every identifier that starts at one of `words`.
    pub fn propose(&self, context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
        let bytes = context.bytes;
        for word in words {
            if word.len() >= MAX_GROUP {
                continue;
            }
            let table = if bytes[word.start].is_ascii_digit() {
                &self.by_digit
            } else {
                &self.by_letter
            };
            let next = bytes.get(word.end).copied();
            for entry in &table[word.len()] {
                if (entry.next.is_some() && entry.next != next)
                    || context.is_silent(entry.shape.alone, entry.rule.topics)
                {
                    continue;
                }
                let Some(start) = word.start.checked_sub(entry.offset) else {
                    continue;
                };
                let Some(matched) = match_shape(bytes, start, entry.shape) else {
                    continue;
                };
                if is_joined(bytes, start, matched.end) || !(entry.rule.check)(matched.compact()) {
                    continue;
                }
                let log_odds = context.weigh(entry.shape.alone, start, matched.end, entry.rule.topics);
                out.push(Candidate {
                    start,
                    end: matched.end,
                    entity: entry.rule.entity,
                    log_odds,
                    rule: entry.rule.id,
                });
            }
        }
    }
}

/// The first group (run of letters and digits) of a pattern that can hold a digit, with its offset.
fn anchor(pattern: &'static str) -> Option<(usize, &'static str)> {
    let mut offset = 0;
    for group in pattern.split(|character: char| !character.is_ascii_alphanumeric()) {
        if group
            .bytes()
            .any(|class| matches!(class, b'9' | b'N' | b'n') || class.is_ascii_digit())
        {
            return Some((offset, group));
        }
        offset += group.len() + 1;
    }
    None
}

struct Matched {
    end: usize,
    compact: [u8; MAX_COMPACT],
    length: usize,
}

impl Matched {
    fn compact(&self) -> &[u8] {
        &self.compact[..self.length]
    }
}

fn match_shape(bytes: &[u8], start: usize, shape: &Shape) -> Option<Matched> {
    let pattern = shape.pattern.as_bytes();
    let text = bytes.get(start..start + pattern.len())?;
    let mut matched = Matched {
        end: start + pattern.len(),
        compact: [0; MAX_COMPACT],
        length: 0,
    };
    for (byte, class) in text.iter().zip(pattern) {
        let fits = match class {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_alphabetic(),
            b'N' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            b'n' => byte.is_ascii_alphanumeric(),
            literal => byte == literal,
        };
        if !fits {
            return None;
        }
        let kept = byte.is_ascii_alphanumeric() || (shape.keeps_signs && matches!(byte, b'-' | b'+'));
        if kept {
            matched.compact[matched.length] = byte.to_ascii_uppercase();
            matched.length += 1;
        }
    }
    Some(matched)
}

/// Whether the value at `start..end` is part of something longer: a longer word or number, a decimal, an amount.
pub(crate) fn is_joined(bytes: &[u8], start: usize, end: usize) -> bool {
    let left_joined = match before(bytes, start) {
        Some(byte) if byte.is_ascii_alphanumeric() => true,
        Some(b'$') => true,
        // Times and ratios; a long number after a colon or slash is the next field of a record.
        Some(b':' | b'/') if digits_in(bytes[start..end].iter()) >= LONG => false,
        Some(b'.' | b'-' | b'/' | b':' | b'\'') => {
            before(bytes, start - 1).is_some_and(|byte| byte.is_ascii_digit())
        }
        Some(b',') => is_thousands(bytes, start),
        _ => false,
    };
    let right_joined = match bytes.get(end) {
        Some(byte) if byte.is_ascii_alphanumeric() => true,
        Some(b':' | b'/') if digits_in(bytes[start..end].iter().rev()) >= LONG => false,
        Some(b'.' | b'-' | b'/' | b':' | b'\'') => bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(b',') => is_thousands(bytes, end + 1),
        _ => false,
    };
    left_joined || right_joined
}

/// Digits that no time, ratio or date has in one group.
const LONG: usize = 9;

/// Digits at the beginning of `bytes`.
fn digits_in<'b>(bytes: impl Iterator<Item = &'b u8>) -> usize {
    bytes.take(LONG).take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether the comma before `at` separates thousands: a digit before it, exactly three after.
fn is_thousands(bytes: &[u8], at: usize) -> bool {
    let digits = bytes[at..]
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits == 3 && at >= 2 && bytes[at - 2].is_ascii_digit()
}

impl std::fmt::Debug for IdMatcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("IdMatcher(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_anchored_at_its_first_group_with_a_digit() {
        assert_eq!(anchor("AA 99 99 99 A"), Some((3, "99")));
        assert_eq!(anchor("999-99-9999"), Some((0, "999")));
        assert_eq!(anchor("AAAAA9999A"), Some((0, "AAAAA9999A")));
    }

    #[test]
    fn every_shape_has_an_anchor_and_fits_the_tables() {
        for rule in rules() {
            for shape in rule.shapes {
                let (_, group) =
                    anchor(shape.pattern).unwrap_or_else(|| panic!("no digit in {}", shape.pattern));
                assert!(
                    group.len() < MAX_GROUP && shape.pattern.len() <= MAX_COMPACT,
                    "{}",
                    shape.pattern
                );
            }
        }
    }

    #[test]
    fn parts_of_longer_numbers_are_joined() {
        for (text, start, end) in [
            ("990-5387812", 4, 11),
            ("3.745029920", 2, 11),
            ("1,250,000", 2, 5),
            ("$123456789", 1, 10),
        ] {
            assert!(is_joined(text.as_bytes(), start, end), "{text}");
        }
        for (text, start, end) in [
            ("id:123456789", 3, 12),
            ("123456789,987654321", 0, 9),
            ("123456789.", 0, 9),
            ("1:4111111111111111", 2, 18),
            ("4111111111111111:12:27", 0, 16),
        ] {
            assert!(!is_joined(text.as_bytes(), start, end), "{text}");
        }
    }
}
