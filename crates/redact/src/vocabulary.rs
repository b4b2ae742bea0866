//! The word lists and one automaton that finds all of their words, and all secret prefixes, in one pass.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::secrets::prefixes::PREFIX_RULES;
use crate::topics::{Topic, Topics};

/// The lists as data; their text is part of the detector's version.
pub(crate) const LISTS: [&str; 3] = [
    include_str!("lists/context.txt"),
    include_str!("lists/context_world.txt"),
    include_str!("lists/negative.txt"),
];

/// A context word found in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub start: usize,
    pub end: usize,
    pub topics: Topics,
}

/// A secret's prefix found in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrefixHit {
    pub start: usize,
    /// Index into [`PREFIX_RULES`].
    pub rule: usize,
}

/// Everything that one pass over a text found, in order of its end.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub context: Vec<Hit>,
    pub prefixes: Vec<PrefixHit>,
}

#[derive(Debug, Clone, Copy)]
enum Pattern {
    Word(Topics),
    Prefix(usize),
}

/// The compiled lists.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
}

impl Vocabulary {
    /// Compiles the built-in lists.
    pub fn builtin() -> Vocabulary {
        let mut words: std::collections::BTreeMap<String, Topics> = std::collections::BTreeMap::new();
        for (topics, word) in LISTS.iter().flat_map(|list| entries(list)) {
            let known = words.entry(word.to_lowercase()).or_default();
            *known = known.union(topics);
        }
        let mut texts: Vec<String> = Vec::new();
        let mut patterns = Vec::new();
        for (word, topics) in words {
            texts.push(word);
            patterns.push(Pattern::Word(topics));
        }
        for (index, rule) in PREFIX_RULES.iter().enumerate() {
            texts.push(rule.prefix.to_owned());
            patterns.push(Pattern::Prefix(index));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts)
            // Fails only above 2^31 states; the committed lists have some ten thousand (a test builds them).
            .expect("committed word lists compile");
        Vocabulary { automaton, patterns }
    }

    /// Finds every word and prefix in `bytes`. Words count as whole words only: no ASCII letter or digit beside
    /// them, but `_`, a change to upper case (`userEmail`) and a plural `s` are boundaries.
    pub fn find(&self, bytes: &[u8]) -> Findings {
        let mut findings = Findings::default();
        for found in self.automaton.find_overlapping_iter(bytes) {
            match self.patterns[found.pattern().as_usize()] {
                Pattern::Prefix(rule) => {
                    // Prefixes are exact; the automaton folds case for the words' sake.
                    if bytes[found.start()..found.end()] == *PREFIX_RULES[rule].prefix.as_bytes() {
                        findings.prefixes.push(PrefixHit {
                            start: found.start(),
                            rule,
                        });
                    }
                }
                Pattern::Word(topics) => {
                    if is_whole_word(bytes, found.start(), found.end()) {
                        findings.context.push(Hit {
                            start: found.start(),
                            end: found.end(),
                            topics,
                        });
                    }
                }
            }
        }
        // The automaton reports by end; context is looked up by start.
        findings.context.sort_by_key(|hit| hit.start);
        findings
    }

    /// The topics of a field's name or path, such as `patient.ssn`.
    pub fn topics_of(&self, key: &str) -> Topics {
        let found = self.find(key.as_bytes());
        found
            .context
            .iter()
            .fold(Topics::NONE, |topics, hit| topics.union(hit.topics))
    }

    /// The topics that a field's name ends in: `db_password` is a password, `password_length` is none.
    pub fn topics_at_end(&self, key: &str) -> Topics {
        let found = self.find(key.as_bytes());
        let at_end = found.context.iter().filter(|hit| hit.end == key.len());
        at_end.fold(Topics::NONE, |topics, hit| topics.union(hit.topics))
    }
}

fn is_whole_word(bytes: &[u8], start: usize, end: usize) -> bool {
    let left = start.checked_sub(1).map(|index| bytes[index]);
    let left_fits = match left {
        Some(byte) if byte.is_ascii_lowercase() => bytes[start].is_ascii_uppercase(),
        Some(byte) => !byte.is_ascii_alphanumeric() || !bytes[start].is_ascii_alphanumeric(),
        None => true,
    };
    left_fits && right_boundary(bytes, end)
}

fn right_boundary(bytes: &[u8], end: usize) -> bool {
    let last = bytes[end - 1];
    if !last.is_ascii_alphanumeric() {
        return true;
    }
    match bytes.get(end) {
        None => true,
        Some(next) if !next.is_ascii_alphanumeric() => true,
        // `MRN41662757`: the number may follow at once; `userEmail`: so may the next part of a name.
        Some(next) if next.is_ascii_digit() => !last.is_ascii_digit(),
        Some(next) if next.is_ascii_uppercase() => last.is_ascii_lowercase(),
        Some(b's') => !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(_) => false,
    }
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
    fn only_whole_words_count() {
        let vocabulary = Vocabulary::builtin();
        let has = |text: &str, topic: Topic| vocabulary.topics_of(text).meets(Topics::of(&[topic]));
        assert!(has("my SSN is", Topic::Ssn));
        assert!(has("client_ssn", Topic::Ssn));
        assert!(has("SSNs", Topic::Ssn));
        assert!(has("userEmail", Topic::Email));
        assert!(!has("lessness", Topic::Ssn));
        assert!(has("주민등록번호는", Topic::Rrn));
    }
}
