//! How much the words around a value speak for what it might be.

use crate::ids::CERTAIN;
use crate::topics::{Topic, Topics};
use crate::walk::Hit;

/// Bytes before a value in which a context word counts.
const LOOK_BEHIND: usize = 64;
/// Bytes before a value in which it counts most.
const NEAR: usize = 28;
/// Bytes after a value in which a context word counts.
const LOOK_AHEAD: usize = 32;

const FIELD_NAME: i32 = 600;
const NEAR_BEFORE: i32 = 600;
const BEFORE: i32 = 450;
const AFTER: i32 = 350;
/// An order, invoice or version number: weighs as much as good evidence does the other way.
const AGAINST: i32 = -350;

/// Log-odds below which a value is not even possible (see [`crate::span::Band`]).
const SILENT: i32 = -100;

/// The context of one text: its field name, and the context words in it.
pub(crate) struct Context<'s> {
    pub bytes: &'s [u8],
    /// Topics of the field's name or path.
    pub field: Topics,
    /// Words of the text, by start.
    pub hits: &'s [Hit],
    /// All topics of `hits` and of the field.
    pub topics: Topics,
}

impl Context<'_> {
    /// The log-odds of a value at `start..end` whose shape alone gives `alone`. Words may lift any value; they lower
    /// only what is less than certain: an invoice may be made out to a tax number.
    pub fn weigh(&self, alone: i32, start: usize, end: usize, topics: Topics) -> i32 {
        let evidence = self.evidence(start, end, topics);
        alone
            + if alone >= CERTAIN {
                evidence.max(0)
            } else {
                evidence
            }
    }

    /// Evidence, in hundredths of log-odds, that the value at `start..end` is about one of `topics`.
    pub fn evidence(&self, start: usize, end: usize, topics: Topics) -> i32 {
        if !self.topics.meets(topics.union(Topics::of(&[Topic::Negative]))) {
            return 0;
        }
        if self.field.meets(topics) {
            return FIELD_NAME;
        }
        let first_after = self.hits.partition_point(|hit| hit.start < start);
        let own_key = own_key_start(self.bytes, start);
        let mut against = 0;
        for hit in self.hits[..first_after].iter().rev() {
            // Hits are sorted by start; a word and its longest neighbour differ by less than 64 bytes.
            if start - hit.start > 2 * LOOK_BEHIND || own_key.is_some_and(|key| hit.start < key) {
                break;
            }
            let Some(distance) = start
                .checked_sub(hit.end)
                .filter(|distance| *distance <= LOOK_BEHIND)
            else {
                continue;
            };
            if !hit.topics.meets(topics) {
                let speaks_against = hit.topics.meets(Topics::of(&[Topic::Negative]));
                let between = &self.bytes[hit.end..start];
                if speaks_against && distance <= NEAR && belongs_back(between) {
                    against = AGAINST;
                }
                continue;
            }
            if is_used_up(&self.bytes[hit.end..start]) {
                continue;
            }
            let weight = if distance <= NEAR { NEAR_BEFORE } else { BEFORE };
            return against + weight;
        }
        for hit in &self.hits[first_after..] {
            if hit.start > end + LOOK_AHEAD {
                break;
            }
            let speaks = hit.start >= end && hit.topics.meets(topics);
            if speaks && belongs_back(&self.bytes[end..hit.start]) && !labels_next(self.bytes, hit.end) {
                return against + AFTER;
            }
        }
        against
    }

    /// Whether a value with the evidence `alone` stays unreported whatever is found: no word of `topics` occurs.
    pub fn is_silent(&self, alone: i32, topics: Topics) -> bool {
        alone <= SILENT && !self.topics.meets(topics)
    }

    /// Whether a word of `topics` stands before `start`, within the usual distance.
    pub fn is_announced(&self, start: usize, topics: Topics) -> bool {
        self.field.meets(topics)
            || self
                .hits_within(start.saturating_sub(2 * LOOK_BEHIND), start)
                .any(|hit| hit.topics.meets(topics) && hit.end <= start && start - hit.end <= LOOK_BEHIND)
    }

    /// The words that start in `from..to`.
    pub fn hits_within(&self, from: usize, to: usize) -> impl Iterator<Item = &Hit> {
        let first = self.hits.partition_point(|hit| hit.start < from);
        self.hits[first..].iter().take_while(move |hit| hit.start < to)
    }
}

/// Start of the key when the value at `start` is written `"key": value`: what stands before is about other values.
fn own_key_start(bytes: &[u8], start: usize) -> Option<usize> {
    const MAX_KEY: usize = 48;
    let skip_back = |mut at: usize, skipped: &[u8]| {
        while at > 0 && skipped.contains(&bytes[at - 1]) {
            at -= 1;
        }
        at
    };
    let colon = skip_back(start, b" \"'\\")
        .checked_sub(1)
        .filter(|at| bytes[*at] == b':')?;
    let key_end = skip_back(colon, b" ")
        .checked_sub(1)
        .filter(|at| bytes[*at] == b'"')?;
    let floor = key_end.saturating_sub(MAX_KEY);
    memchr::memrchr(b'"', &bytes[floor..key_end]).map(|quote| floor + quote)
}

/// Whether another number stands between a word and a value: then the word was about that one, unless the two
/// values are members of a list.
fn is_used_up(between: &[u8]) -> bool {
    // A placeholder is a value that was there.
    if let Some(token_end) = memchr::memmem::rfind(between, b"]]") {
        return !is_list_separator(&between[token_end + 2..]);
    }
    if !has_number(between) {
        return false;
    }
    let first_digit = between.iter().position(u8::is_ascii_digit).unwrap_or(0);
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'(' | b')');
    let list = &between[first_digit..];
    let mut gaps = list.split(is_number).filter(|gap| !gap.is_empty());
    let listed = gaps.clone().all(|gap| gap == b" " || is_list_separator(gap));
    let sentence_ends = list.windows(2).any(|pair| pair == b". ");
    !listed
        || sentence_ends
        || !gaps.next_back().is_some_and(is_list_separator)
        || list.last().is_some_and(u8::is_ascii_digit)
}

/// Whether the word that ends at `end` is the label of what follows it: `phone: 030...`, `SSN 536-...`.
fn labels_next(bytes: &[u8], end: usize) -> bool {
    let rest = &bytes[end..];
    let skipped = rest
        .iter()
        .take(5)
        .take_while(|byte| b" \"':=.#-*".contains(byte))
        .count();
    let names = rest[..skipped].iter().any(|byte| matches!(byte, b':' | b'='));
    let number_follows = rest
        .get(skipped)
        .is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'('));
    let value_follows = number_follows || rest[skipped..].starts_with(b"[[");
    names || value_follows || rest.starts_with(b" is ") || rest.starts_with(b" number is ")
}

/// Whether `bytes` hold at least four digits in a row of digits and separators.
fn has_number(bytes: &[u8]) -> bool {
    let mut digits = 0;
    for byte in bytes {
        match byte {
            b'0'..=b'9' => digits += 1,
            b' ' | b'-' | b'.' => {}
            _ => digits = 0,
        }
        if digits >= 4 {
            return true;
        }
    }
    false
}

fn is_list_separator(between: &[u8]) -> bool {
    let text = between.trim_ascii();
    between.len() <= 6
        && matches!(
            text,
            b"," | b";" | b"and" | b"or" | b"&" | b", and" | b"/" | b"und" | b"et" | b"y" | b"e"
        )
}

/// Whether nothing but words of one sentence stands between: `4111... (my card)`, not `4111.... Card`.
fn belongs_back(between: &[u8]) -> bool {
    let sentence_ends = between
        .windows(2)
        .any(|pair| matches!(pair, [b'.' | b'!' | b'?' | b';', b' ' | b'\n']));
    !sentence_ends && !between.contains(&b'\n') && !has_number(between)
}
