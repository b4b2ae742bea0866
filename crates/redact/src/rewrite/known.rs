//! Names that a text gave away elsewhere: who is `Rajesh Patel` in one message is `Rajesh` in the next.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::entity::Entity;
use crate::personal::names::{name_words, word_at};
use crate::span::{Band, Span};

/// Most words that are remembered; a text with more names than that is a list, whose names have their own cues.
const MOST_WORDS: usize = 256;
/// Beyond so many the text is scanned again without a look whether any of them stands in it.
const LOOKED_FOR: usize = 32;
/// Between the thresholds of likely and certain: a cue stands elsewhere.
const SCORE_PERMILLE: u16 = 800;
const RULE: &str = "person_known";
/// Names that are as often something else: with a cue they are names, without one they are not.
const COMMON: [&str; 96] = [
    "April",
    "Art",
    "August",
    "Austin",
    "Baker",
    "Bank",
    "Banks",
    "Best",
    "Bill",
    "Bishop",
    "Black",
    "Brooklyn",
    "Brown",
    "Carolina",
    "Case",
    "Chase",
    "Chelsea",
    "China",
    "Christian",
    "Church",
    "City",
    "Cook",
    "Court",
    "Cross",
    "Dallas",
    "Dawn",
    "Day",
    "Dean",
    "Drew",
    "English",
    "Faith",
    "Field",
    "Fields",
    "Florence",
    "Forest",
    "Frank",
    "French",
    "Friday",
    "General",
    "Georgia",
    "German",
    "Gold",
    "Good",
    "Grace",
    "Grant",
    "Green",
    "Hall",
    "Hill",
    "Hope",
    "Houston",
    "Hunter",
    "India",
    "Irish",
    "Israel",
    "Jordan",
    "Joy",
    "Judge",
    "June",
    "Justice",
    "King",
    "Lake",
    "Lane",
    "Law",
    "Lincoln",
    "London",
    "Long",
    "Love",
    "Madison",
    "Major",
    "Mark",
    "Market",
    "May",
    "Mercy",
    "North",
    "Page",
    "Paris",
    "Park",
    "Price",
    "Prince",
    "Rich",
    "Rose",
    "Sky",
    "Stone",
    "Street",
    "Sue",
    "Summer",
    "Sydney",
    "Temple",
    "Trinity",
    "Victoria",
    "Virginia",
    "Washington",
    "West",
    "White",
    "Will",
    "Young",
];

/// The words of the names that were taken out so far, of all texts that share a budget.
#[derive(Debug, Default)]
pub(super) struct Known {
    words: RefCell<BTreeSet<String>>,
}

impl Known {
    /// Remembers the words of a name that was taken out.
    pub fn learn(&self, entity: Entity, original: &str) {
        if entity != Entity::Person {
            return;
        }
        let mut words = self.words.borrow_mut();
        for word in name_words(original) {
            if words.len() < MOST_WORDS && COMMON.binary_search(&word).is_err() {
                words.insert(word.to_owned());
            }
        }
    }

    pub fn count(&self) -> usize {
        self.words.borrow().len()
    }

    /// Whether a text, escapes and all, could hold one of them. Cheap, and never wrong when it says no of a text whose
    /// leaves stand in it in one piece.
    pub fn may_stand_in(&self, text: &str) -> bool {
        let words = self.words.borrow();
        let find = |word: &String| {
            !word.is_ascii() || memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()
        };
        words.len() > LOOKED_FOR || words.iter().any(find)
    }

    /// Adds where they stand in `text` outside of `spans`, which are sorted and disjoint, and stay so.
    pub fn add_to(&self, text: &str, spans: &mut Vec<Span>, stays: impl Fn(&str) -> bool) {
        let words = self.words.borrow();
        if words.is_empty() {
            return;
        }
        let found = capitalised_words(text).filter(|(_, word)| words.contains(*word) && !stays(word));
        let added: Vec<Span> = found
            .map(|(start, word)| Span {
                start,
                end: start + word.len(),
                entity: Entity::Person,
                band: Band::Likely,
                score_permille: SCORE_PERMILLE,
                rule: RULE,
            })
            .filter(|span| {
                let next = spans.partition_point(|other| other.end <= span.start);
                spans.get(next).is_none_or(|other| span.end <= other.start)
            })
            .collect();
        if !added.is_empty() {
            spans.extend(added);
            spans.sort_by_key(|span| span.start);
        }
    }
}

/// Words that begin with a capital and with nothing before them that belongs to them.
fn capitalised_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let begins = (bytes[at].is_ascii_uppercase() || bytes[at] >= 0x80)
                && !at
                    .checked_sub(1)
                    .is_some_and(|before| bytes[before].is_ascii_alphanumeric() || bytes[before] == b'_');
            let word = begins.then(|| word_at(bytes, at)).flatten();
            let start = at;
            match word {
                Some((end, word)) => {
                    at = end;
                    return Some((start, word));
                }
                None => {
                    at += 1;
                    // The rest of a word that is no name goes with it.
                    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
                    while at < bytes.len() && is_part(bytes[start]) && is_part(bytes[at]) {
                        at += 1;
                    }
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str], text: &str) -> Vec<String> {
        let known = Known::default();
        for name in names {
            known.learn(Entity::Person, name);
        }
        let mut spans = Vec::new();
        known.add_to(text, &mut spans, |_| false);
        assert!(spans.is_empty() || known.may_stand_in(text), "{text}");
        spans
            .iter()
            .map(|span| text[span.start..span.end].to_owned())
            .collect()
    }

    #[test]
    fn each_word_of_a_name_is_known_where_it_stands_alone() {
        let names = ["Rajesh van der Patel", "Zoë O'Brien"];
        assert_eq!(
            found(&names, "Hello Rajesh, is Mr Patel's card with O'Brien? Zoë!"),
            ["Rajesh", "Patel", "O'Brien", "Zoë"]
        );
        for text in [
            "rajesh",
            "Rajeshwari",
            "XRajesh",
            "RAJESH",
            "van der",
            "Patel7",
            "_Patel",
        ] {
            assert!(found(&names, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_as_often_no_name_is_not_learned() {
        assert!(COMMON.is_sorted());
        assert!(found(&["Mark Young", "J. May"], "Mark the Young in May, J.").is_empty());
        assert_eq!(found(&["Mark Winters"], "Mark Winters"), ["Winters"]);
    }

    #[test]
    fn what_was_found_already_stays() {
        let known = Known::default();
        known.learn(Entity::Person, "Anna Bell");
        known.learn(Entity::Address, "Elm Avenue");
        let text = "Anna Bell, Elm, Anna";
        let mut spans = Vec::new();
        known.add_to(text, &mut spans, |_| false);
        assert_eq!(spans.len(), 3);
        spans.truncate(1);
        spans[0].end = 9;
        known.add_to(text, &mut spans, |_| false);
        assert_eq!(spans.iter().map(|span| span.start).collect::<Vec<_>>(), [0, 16]);
    }
}
