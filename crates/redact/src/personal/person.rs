//! Names of people: a cue and a capitalised run after it, or a known given name and a capitalised word.
//!
//! This is the cheap tier: names that neither a cue nor the list gives away are left to a language model.

use super::names::name_run;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, LIKELY, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::before;

const NAME: Topics = Topics::of(&[Topic::Name]);
const WEAK: Topics = Topics::of(&[Topic::NameWeak]);
const TITLE: Topics = Topics::of(&[Topic::Title]);

/// Proposes names after cues, and those that begin with one of the `given` names of the text.
pub(crate) fn propose(context: &Context<'_>, given: &[usize], out: &mut Vec<Candidate>) {
    if context.topics.meets(NAME.union(WEAK).union(TITLE)) {
        propose_cued(context, out);
    }
    propose_given(context, given, out);
}

fn propose_cued(context: &Context<'_>, out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    if context.field.meets(NAME) && bytes.len() <= 64 {
        push_run(context, 0, 1, CERTAIN, "person_field", out);
    }
    for hit in context.hits {
        let (fewest_words, log_odds, rule) = if hit.topics.meets(TITLE) && is_title(bytes, hit.start, hit.end)
        {
            let introduced = introduces_title(&bytes[..hit.start]);
            (1, if introduced { CERTAIN } else { POSSIBLE }, "person_title")
        } else if hit.topics.meets(NAME) {
            (1, CERTAIN, "person_cue")
        } else if hit.topics.meets(WEAK) {
            (2, LIKELY, "person_weak_cue")
        } else {
            continue;
        };
        push_run(
            context,
            after_cue(bytes, hit.end, rule),
            fewest_words,
            log_odds,
            rule,
            out,
        );
    }
}

/// Whether the word at `start..end` is written like a title: `Mr. ` or `Mr `, not a part of an identifier.
fn is_title(bytes: &[u8], start: usize, end: usize) -> bool {
    let bounded = !before(bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let title_case = bytes[start].is_ascii_uppercase()
        && bytes[start + 1..end]
            .iter()
            .all(|byte| !byte.is_ascii_uppercase());
    title_case && bounded && matches!(bytes.get(end), Some(b'.' | b' '))
}

/// Whether a title after `head` speaks for a name by itself: at the start of a sentence, or after a word that
/// leads to a person.
fn introduces_title(head: &[u8]) -> bool {
    const LEADING: [&str; 40] = [
        "with", "to", "and", "from", "by", "for", "of", "that", "dear", "hi", "hello", "patient", "client",
        "is", "was", "as", "saw", "told", "asked", "met", "see", "said", "says", "when", "if", "but",
        "because", "while", "call", "called", "named", "est", "ist", "mit", "von", "und", "avec", "con",
        "und", "liebe",
    ];
    let trimmed = head.trim_ascii_end();
    let starts = trimmed
        .last()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80);
    let word_start = trimmed
        .iter()
        .rposition(|byte| !byte.is_ascii_alphabetic())
        .map_or(0, |at| at + 1);
    let word = trimmed[word_start..].to_ascii_lowercase();
    starts || LEADING.iter().any(|leading| leading.as_bytes() == word)
}

fn push_run(
    context: &Context<'_>,
    at: usize,
    fewest: usize,
    log_odds: i32,
    rule: &'static str,
    out: &mut Vec<Candidate>,
) {
    let Some(run) = name_run(context.bytes, at) else {
        return;
    };
    // "Dr. Smith" and "Dear Anna," are names; "Dear Board" is not.
    let reversed = (run.words == 1)
        .then(|| reversed_end(context.bytes, run.end))
        .flatten();
    if run.words >= fewest || run.given || reversed.is_some() {
        let log_odds = match rule {
            _ if run.given => log_odds + 100,
            // Two capitalised words after a title.
            "person_title" if run.words >= 2 => log_odds.max(LIKELY),
            _ => log_odds,
        };
        out.push(Candidate {
            start: run.start,
            end: reversed.unwrap_or(run.end),
            entity: Entity::Person,
            log_odds,
            rule,
        });
    }
}

/// `Okonkwo, Chidinma`: the end of the given name after a family name that ends at `end`, at the end of a line.
fn reversed_end(bytes: &[u8], end: usize) -> Option<usize> {
    let given = name_run(bytes, end + 2).filter(|_| bytes[end..].starts_with(b", "))?;
    let closes = matches!(
        bytes.get(given.end),
        None | Some(b'\n' | b'\r' | b'"' | b';' | b'|' | b'(')
    );
    (closes && given.words <= 2).then_some(given.end)
}

/// Where the name would start after a cue: past a stop, colon, quotes, one line break, and a title.
fn after_cue(bytes: &[u8], end: usize, rule: &str) -> usize {
    const TITLES: [&[u8]; 10] = [
        b"Mr. ", b"Mrs. ", b"Ms. ", b"Miss ", b"Dr. ", b"Mr ", b"Mrs ", b"Ms ", b"Dr ", b"Prof. ",
    ];
    // A stop ends a sentence after `client`, but not after `Mr`.
    let stop = if rule == "person_weak_cue" { b' ' } else { b'.' };
    let skipped = |byte: &&u8| {
        **byte == stop
            || matches!(
                byte,
                b' ' | b':' | b'"' | b'\'' | b'=' | b',' | b'\n' | b'\\' | b'*'
            )
    };
    let at = end + bytes[end..].iter().take(5).take_while(skipped).count();
    let title = TITLES.iter().find(|title| bytes[at..].starts_with(title));
    at + title.map_or(0, |title| title.len())
}

/// A given name of the list followed by a capitalised word: `Tara Mitchell`.
fn propose_given(context: &Context<'_>, given: &[usize], out: &mut Vec<Candidate>) {
    let mut done_until = 0;
    for &at in given.iter() {
        if at < done_until {
            continue;
        }
        if let Some(run) = name_run(context.bytes, at).filter(|run| run.words >= 2) {
            out.push(Candidate {
                start: at,
                end: run.end,
                entity: Entity::Person,
                log_odds: LIKELY,
                rule: "person_given_name",
            });
            done_until = run.end;
        }
    }
}
