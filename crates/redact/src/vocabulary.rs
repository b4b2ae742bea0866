//! The word lists and secret prefixes, compiled so that one look at the first bytes of a word tells whether any
//! of them may begin there.
//!
//! Words count whole, so nothing needs to be looked for inside other words: pass 1 ([`crate::walk`]) asks at the
//! beginning of each word only. A table of the first four bytes answers most of these questions with no; the rest
//! is a walk down a tree that ends after as many steps as the longest entry has bytes.

use std::collections::BTreeMap;

use crate::personal::names::GIVEN_NAMES;
use crate::secrets::prefixes::PREFIX_RULES;
use crate::topics::{Topic, Topics};
use crate::walk::{Findings, walk};

/// The lists as data; their text is part of the detector's version.
pub(crate) const LISTS: [&str; 3] = [
    include_str!("lists/context.txt"),
    include_str!("lists/context_world.txt"),
    include_str!("lists/negative.txt"),
];

/// Bytes of a word that the table looks at.
pub(crate) const HEAD: usize = 4;
/// Fills the heads of shorter words; never a byte of UTF-8.
const FILLER: u8 = 0xFF;
/// Slots of the table: three times the heads, so that a miss mostly meets an empty slot at once.
const SLOT_BITS: u32 = 13;
/// Bits of the filter before the table: 8 KiB, one bit in forty is set.
const FILTER_BITS: u32 = 16;
/// Words that begin a secret whose format is matched elsewhere.
const MARKS: [(&str, Mark); 6] = [
    ("curl", Mark::Command),
    ("sshpass", Mark::Command),
    ("bearer", Mark::Authorization),
    ("basic", Mark::Authorization),
    ("sig=", Mark::Signature),
    ("PuTTY-User-Key-File-", Mark::PuttyKey),
];

/// Beginnings that a matcher of its own goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Authorization,
    Signature,
    PuttyKey,
    Command,
}

/// What an entry means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pattern {
    /// A context word.
    Word(Topics),
    /// A secret's prefix: index into [`PREFIX_RULES`]. Exact, and no word's end follows.
    Prefix(usize),
    /// A given name.
    Given,
    Mark(Mark),
}

#[derive(Debug, Default)]
struct Node {
    /// Steps to longer entries; few, so they are tried one by one.
    steps: Vec<(u8, u32)>,
    /// What ends here.
    patterns: Vec<Pattern>,
}

/// The compiled lists.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Open addressing: normalised head and its node, [`EMPTY`] where there is none.
    slots: Vec<(u32, u32)>,
    nodes: Vec<Node>,
    /// One bit for each head that is in the table, and for few others.
    filter: Vec<u64>,
    /// Prefixes of two letters: only a word that is long enough for the whole key is asked for them.
    pub short_prefixes: Vec<usize>,
    /// Prefixes that begin with punctuation.
    pub punctuated_prefixes: Vec<usize>,
}

const EMPTY: (u32, u32) = (u32::MAX, 0);

impl Vocabulary {
    /// Compiles the built-in lists.
    pub fn builtin() -> Vocabulary {
        let mut vocabulary = Vocabulary {
            slots: vec![EMPTY; 1 << SLOT_BITS],
            nodes: Vec::new(),
            filter: vec![0; (1 << FILTER_BITS) / 64],
            short_prefixes: Vec::new(),
            punctuated_prefixes: Vec::new(),
        };
        for (word, topics) in words() {
            vocabulary.insert(&word, Pattern::Word(topics));
        }
        let names = GIVEN_NAMES.lines().filter(|line| !line.starts_with('#'));
        let names: std::collections::BTreeSet<String> = names
            .flat_map(str::split_whitespace)
            .flat_map(spellings)
            .collect();
        names
            .iter()
            .for_each(|name| vocabulary.insert(name, Pattern::Given));
        for (index, rule) in PREFIX_RULES.iter().enumerate() {
            match rule.prefix.as_bytes() {
                [first, ..] if !first.is_ascii_alphanumeric() => vocabulary.punctuated_prefixes.push(index),
                [_, _] => vocabulary.short_prefixes.push(index),
                _ => vocabulary.insert(rule.prefix, Pattern::Prefix(index)),
            }
        }
        for (word, mark) in MARKS {
            vocabulary.insert(word, Pattern::Mark(mark));
        }
        vocabulary
    }

    fn insert(&mut self, word: &str, pattern: Pattern) {
        let bytes: Vec<u8> = word.bytes().map(normalised).collect();
        let head = bytes.len().min(HEAD);
        let mut at = self.head_node_or_new(head_key(&bytes, head));
        for byte in &bytes[head..] {
            let known = self.nodes[at as usize]
                .steps
                .iter()
                .find(|(step, _)| step == byte);
            at = match known {
                Some((_, next)) => *next,
                None => {
                    let next = self.nodes.len() as u32;
                    self.nodes.push(Node::default());
                    self.nodes[at as usize].steps.push((*byte, next));
                    next
                }
            };
        }
        self.nodes[at as usize].patterns.push(pattern);
    }

    fn head_node_or_new(&mut self, key: u32) -> u32 {
        let mut slot = slot_of(key);
        while self.slots[slot] != EMPTY && self.slots[slot].0 != key {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        if self.slots[slot] == EMPTY {
            self.slots[slot] = (key, self.nodes.len() as u32);
            let bit = filter_bit(key);
            self.filter[bit >> 6] |= 1 << (bit & 63);
            self.nodes.push(Node::default());
        }
        self.slots[slot].1
    }

    fn head_node(&self, key: u32) -> Option<&Node> {
        let mut slot = slot_of(key);
        loop {
            let (known, node) = self.slots[slot];
            if known == key {
                return Some(&self.nodes[node as usize]);
            }
            if known == EMPTY.0 {
                return None;
            }
            slot = (slot + 1) & ((1 << SLOT_BITS) - 1);
        }
    }

    /// Calls `found` with the end and the meaning of every entry that begins at `at`, shorter ones first. Whether
    /// a word ends there is left to the caller, who may know that no entry of less than [`HEAD`] bytes does.
    #[inline(always)]
    pub fn entries_at(
        &self,
        bytes: &[u8],
        at: usize,
        has_short: bool,
        mut found: impl FnMut(usize, Pattern),
    ) {
        let head = match bytes.get(at..at + HEAD) {
            Some(&[a, b, c, d]) => {
                u32::from_le_bytes([normalised(a), normalised(b), normalised(c), normalised(d)])
            }
            _ => head_key_normalising(&bytes[at..]),
        };
        if has_short {
            self.short_entries(bytes, at, head, &mut found);
        }
        if at + HEAD <= bytes.len() && self.may_begin(head) {
            self.long_entries(bytes, at, head, &mut found);
        }
    }

    /// Whether an entry of at least [`HEAD`] bytes may begin with `head`: seldom wrong, and in the fastest cache.
    #[inline]
    fn may_begin(&self, head: u32) -> bool {
        let bit = filter_bit(head);
        self.filter[bit >> 6] >> (bit & 63) & 1 == 1
    }

    #[inline]
    fn short_entries(&self, bytes: &[u8], at: usize, head: u32, found: &mut impl FnMut(usize, Pattern)) {
        for length in 1..HEAD {
            if at + length <= bytes.len() && may_end(bytes, at + length) {
                let short = head | u32::MAX << (8 * length);
                let node = self.may_begin(short).then(|| self.head_node(short)).flatten();
                node.into_iter()
                    .flat_map(|node| &node.patterns)
                    .for_each(|pattern| found(at + length, *pattern));
            }
        }
    }

    #[inline(never)]
    fn long_entries(&self, bytes: &[u8], at: usize, head: u32, found: &mut impl FnMut(usize, Pattern)) {
        let Some(mut node) = self.head_node(head) else {
            return;
        };
        let mut end = at + HEAD;
        loop {
            node.patterns.iter().for_each(|pattern| found(end, *pattern));
            let next = bytes.get(end).map(|byte| normalised(*byte));
            let step = node.steps.iter().find(|(step, _)| Some(*step) == next);
            let Some((_, next)) = step else { return };
            node = &self.nodes[*next as usize];
            end += 1;
        }
    }

    /// The topics of a field's name or path, such as `patient.ssn`.
    pub fn topics_of(&self, key: &str) -> Topics {
        let mut found = Findings::default();
        walk(self, key.as_bytes(), &mut found);
        found.topics
    }

    /// The topics that a field's name ends in: `db_password` is a password, `password_length` is none.
    pub fn topics_at_end(&self, key: &str) -> Topics {
        let mut found = Findings::default();
        walk(self, key.as_bytes(), &mut found);
        let at_end = found.context.iter().filter(|hit| hit.end == key.len());
        at_end.fold(Topics::NONE, |topics, hit| topics.union(hit.topics))
    }
}

/// Lower case, and one byte for every way to join two words: `Account-Number`, `account_number`.
fn normalised(byte: u8) -> u8 {
    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b'_' | b'-' | b'\n' | b'\t' => b' ',
                other => other.to_ascii_lowercase(),
            };
            byte += 1;
        }
        table
    };
    TABLE[usize::from(byte)]
}

fn head_key(normal: &[u8], length: usize) -> u32 {
    let mut head = [FILLER; HEAD];
    head[..length].copy_from_slice(&normal[..length]);
    u32::from_le_bytes(head)
}

fn head_key_normalising(bytes: &[u8]) -> u32 {
    let mut head = [FILLER; HEAD];
    head.iter_mut()
        .zip(bytes)
        .for_each(|(to, byte)| *to = normalised(*byte));
    u32::from_le_bytes(head)
}

fn slot_of(key: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS)) as usize
}

fn filter_bit(key: u32) -> usize {
    (key.wrapping_mul(0x85EB_CA6B) >> (32 - FILTER_BITS)) as usize
}

/// Whether a short entry may end at `end`: cheap, and true more often than [`right_boundary`].
fn may_end(bytes: &[u8], end: usize) -> bool {
    match bytes.get(end) {
        Some(next) if next.is_ascii_lowercase() => *next == b's' || !bytes[end - 1].is_ascii_alphanumeric(),
        _ => true,
    }
}

/// Whether a word that begins on a boundary may end at `end`: no ASCII letter or digit follows, but a plural `s`,
/// a change to upper case (`userEmail`) and a number (`MRN41662757`) do not continue it. A letter of another
/// alphabet that is written with spaces (`passé`) does.
pub(crate) fn right_boundary(bytes: &[u8], end: usize) -> bool {
    let last = bytes[end - 1];
    if !last.is_ascii_alphanumeric() {
        return true;
    }
    match bytes.get(end) {
        None => true,
        Some(next) if next.is_ascii_digit() => !last.is_ascii_digit(),
        Some(next) if next.is_ascii_uppercase() => last.is_ascii_lowercase(),
        Some(b's') => !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(next) => !next.is_ascii_lowercase() && !starts_letter(*next),
    }
}

/// Whether `byte` begins a letter of Latin, Greek, Cyrillic or Armenian beyond ASCII. Hebrew and Arabic write
/// articles and prepositions onto their words.
pub(crate) fn starts_letter(byte: u8) -> bool {
    matches!(byte, 0xC3..=0xD5)
}

/// Every context word in each of its spellings, with its topics.
fn words() -> BTreeMap<String, Topics> {
    let mut words: BTreeMap<String, Topics> = BTreeMap::new();
    for (topics, word) in LISTS.iter().flat_map(|list| entries(list)) {
        for spelling in spellings(word) {
            let known = words.entry(spelling).or_default();
            *known = known.union(topics);
        }
    }
    words
}

/// `word` in lower case; beyond ASCII, where bytes do not fold, also capitalised and in capitals.
fn spellings(word: &str) -> Vec<String> {
    let lower = word.to_lowercase();
    if lower.is_ascii() {
        return vec![lower];
    }
    let mut characters = lower.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    let capitalised = first.unwrap_or_default() + characters.as_str();
    // The tree folds ASCII, so that only spellings which differ beyond it count.
    let mut all: Vec<String> = [&lower, &capitalised, &lower.to_uppercase()]
        .into_iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// Reads a list: `topic [topic ...]: word, word, ...` per line; `#` starts a comment line.
fn entries(list: &'static str) -> impl Iterator<Item = (Topics, &'static str)> {
    let lines = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.flat_map(|line| {
        let (names, words) = line.split_once(':').unwrap_or((line, ""));
        let known: Vec<Topic> = names.split_whitespace().filter_map(Topic::named).collect();
        let topics = Topics::of(&known);
        words
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(move |word| (topics, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lists_names_known_topics() {
        for line in LISTS.iter().flat_map(|list| list.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (names, words) = line
                .split_once(':')
                .unwrap_or_else(|| panic!("no colon in {line}"));
            for name in names.split_whitespace() {
                assert!(Topic::named(name).is_some(), "unknown topic {name}");
            }
            assert!(!words.trim().is_empty(), "no words for {names}");
        }
    }

    #[test]
    fn every_word_is_found_in_every_spelling() {
        let vocabulary = Vocabulary::builtin();
        for (word, topics) in words() {
            let found = vocabulary.topics_of(&format!("({word})"));
            assert!(found.contains(topics), "{word}");
            let joined = vocabulary.topics_of(&word.replace(' ', "_"));
            assert!(joined.contains(topics), "{word} with underscores");
        }
    }

    #[test]
    fn only_whole_words_count() {
        let vocabulary = Vocabulary::builtin();
        let has = |text: &str, topic: Topic| vocabulary.topics_of(text).meets(Topics::of(&[topic]));
        assert!(has("my SSN is", Topic::Ssn));
        assert!(has("client_ssn", Topic::Ssn));
        assert!(has("SSNs", Topic::Ssn));
        assert!(has("userEmail", Topic::Email));
        assert!(has("socialSecurityNumber", Topic::Ssn));
        assert!(has("patientDateOfBirth", Topic::Birth));
        assert!(has("GEBURTSDATUM", Topic::Birth));
        assert!(has("Телефон", Topic::Phone));
        assert!(!has("lessness", Topic::Ssn));
        assert!(!has("passé", Topic::Password));
        assert!(!has("хотел", Topic::Phone));
        assert!(has("주민등록번호는", Topic::Rrn));
    }

    #[test]
    fn the_table_stays_sparse() {
        let vocabulary = Vocabulary::builtin();
        let used = vocabulary.slots.iter().filter(|slot| **slot != EMPTY).count();
        assert!(used * 2 < vocabulary.slots.len(), "{used} heads");
    }
}
