//! Capitalised runs that can be names, and the list of given names.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Given names as data; part of the detector's version.
pub(crate) const GIVEN_NAMES: &str = include_str!("../lists/given_names.txt");

static GIVEN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    GIVEN_NAMES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

/// Most words of a name that are taken.
const MAX_WORDS: usize = 4;
/// Words inside a name that are not capitalised.
const PARTICLES: [&str; 21] = [
    "van", "de", "der", "den", "von", "zu", "da", "do", "dos", "das", "di", "del", "della", "la", "le", "al",
    "el", "bin", "ibn", "ten", "ter",
];
/// Capitalised words that follow a cue without being a name.
const NOT_NAMES: [&str; 69] = [
    "none",
    "null",
    "true",
    "false",
    "undefined",
    "sir",
    "madam",
    "customer",
    "customers",
    "team",
    "all",
    "hiring",
    "support",
    "colleague",
    "colleagues",
    "friend",
    "friends",
    "service",
    "client",
    "valued",
    "user",
    "users",
    "manager",
    "committee",
    "board",
    "everyone",
    "the",
    "a",
    "an",
    "this",
    "that",
    "my",
    "your",
    "our",
    "their",
    "we",
    "i",
    "you",
    "he",
    "she",
    "it",
    "they",
    "if",
    "in",
    "on",
    "for",
    "and",
    "or",
    "please",
    "thank",
    "thanks",
    "kubernetes",
    "react",
    "python",
    "rust",
    "java",
    "english",
    "german",
    "french",
    "spanish",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "no",
    "not",
];

/// Words that make a run a place or an institution.
const NOT_PEOPLE: [&str; 24] = [
    "island",
    "islands",
    "city",
    "county",
    "university",
    "college",
    "school",
    "hospital",
    "airport",
    "river",
    "lake",
    "mountain",
    "bay",
    "beach",
    "park",
    "station",
    "museum",
    "cathedral",
    "church",
    "prize",
    "award",
    "act",
    "inc",
    "ltd",
];

/// A run of words that are written like a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameRun {
    pub start: usize,
    pub end: usize,
    /// Capitalised words in it.
    pub words: usize,
    /// Whether the first word is a known given name.
    pub given: bool,
}

/// The name-like run at the start of `text[at..]`.
pub(crate) fn name_run(text: &[u8], at: usize) -> Option<NameRun> {
    let mut run: Option<NameRun> = None;
    let mut from = at;
    while let Some((end, word)) = word_at(text, from) {
        // Most words after a cue are no names; they are told without a copy.
        if run.is_none() && !is_capitalised(word) {
            return None;
        }
        let lower = word.to_lowercase();
        if NOT_PEOPLE.contains(&lower.as_str()) {
            return None;
        }
        let words = run.map_or(0, |run| run.words);
        let particle = words > 0 && PARTICLES.contains(&lower.as_str());
        if !particle && (!is_capitalised(word) || NOT_NAMES.contains(&lower.as_str()) || words == MAX_WORDS) {
            break;
        }
        if !particle {
            let given = run.map_or_else(|| GIVEN.contains(lower.as_str()), |run| run.given);
            run = Some(NameRun {
                start: at,
                end,
                words: words + 1,
                given,
            });
        }
        // One space or an initial's stop leads to the next word.
        from = match text.get(end..) {
            Some([b' ', ..]) => end + 1,
            Some([b'.', b' ', ..]) if word.chars().count() == 1 => end + 2,
            _ => break,
        };
    }
    run
}

/// The words of a name by which its bearer may be called alone.
pub(crate) fn name_words(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split([' ', ',', '\n', '.']);
    words.filter(|word| {
        let lower = word.to_lowercase();
        is_capitalised(word)
            && word.chars().count() >= 3
            && word_at(word.as_bytes(), 0).is_some_and(|(end, _)| end == word.len())
            && !NOT_NAMES.contains(&lower.as_str())
            && !NOT_PEOPLE.contains(&lower.as_str())
            && !PARTICLES.contains(&lower.as_str())
    })
}

/// The word of letters, hyphens and apostrophes that starts at `at`, and its end.
pub(crate) fn word_at(text: &[u8], at: usize) -> Option<(usize, &str)> {
    let is_part = |byte: &&u8| byte.is_ascii_alphabetic() || **byte >= 0x80 || matches!(byte, b'-' | b'\'');
    let length = text.get(at..)?.iter().take(40).take_while(is_part).count();
    let mut end = at + length;
    // A possessive belongs to the sentence.
    if text[at..end].ends_with(b"'s") {
        end -= 2;
    }
    while end > at && matches!(text[end - 1], b'-' | b'\'') {
        end -= 1;
    }
    let word = std::str::from_utf8(&text[at..end]).ok()?;
    let inside = text.get(end).is_some_and(u8::is_ascii_digit);
    (!word.is_empty() && !inside).then_some((end, word))
}

/// An upper-case letter, then lower-case ones; `O'Brien`, `Anne-Marie` and `McDonald` too. Not an acronym.
fn is_capitalised(word: &str) -> bool {
    let mut letters = word.chars();
    let starts = letters.next().is_some_and(char::is_uppercase);
    let initial = word.chars().count() == 1;
    starts && (initial || letters.any(char::is_lowercase))
}
