//! Postal addresses: a house number and a street with its kind, then flat, town, state and postcode.

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, LIKELY};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::{Word, before};

const MAX_STREET_WORDS: usize = 5;

/// Kinds of street: the common ones of USPS Publication 28 (appendix C1), spelt out and abbreviated.
const STREET_KINDS: &str = "alley aly avenue ave av bend beach boulevard blvd branch bridge brook brooks burg bypass camp canyon cape causeway center centre circle cir circles cliff cliffs close club common commons corner corners course court ct courts cove coves creek crescent crest crossing crossroad curve dale dam divide drive dr drives estate estates expressway extension extensions fall falls ferry field fields flat flats ford fords forest forge forges fork forks fort freeway garden gardens gateway glen glens green greens grove groves harbor harbors haven heights highway hwy hill hills hollow inlet island islands isle junction junctions key keys knoll knolls lake lakes land landing lane ln light lights loaf lock locks lodge loop mall manor manors meadow meadows mews mill mills mission motorway mount mountain mountains neck orchard oval overpass park parks parkway pkwy parkways pass passage path pike pine pines place pl plain plains plaza point points port ports prairie radial ramp ranch rapid rapids rest ridge ridges river road rd roads route row rue run shoal shoals shore shores skyway spring springs spur spurs square sq squares station stravenue stream street st streets summit terrace throughway trace track trafficway trail trailer tunnel turnpike underpass union unions valley valleys via viaduct view views village villages ville vista walk walks wall way ways well wells";

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    for word in words
        .iter()
        .filter(|word| word.len() <= 6 && context.bytes[word.start].is_ascii_digit())
    {
        let found = english(context.bytes, word)
            .or_else(|| german(context.bytes, word))
            .or_else(|| super::romance::address(context.bytes, word));
        if let Some((start, end, alone)) = found {
            let evidence = context.evidence(start, end, Topics::of(&[Topic::Address])).max(0);
            out.push(Candidate {
                start,
                end,
                entity: Entity::Address,
                log_odds: alone + evidence,
                rule: "address",
            });
        }
    }
}

/// `5451 James Oval, Bradleyville, UT 17562`, `221B Baker Street, London NW1 6XE`.
fn english(bytes: &[u8], number: &Word) -> Option<(usize, usize, i32)> {
    if matches!(
        before(bytes, number.start),
        Some(b'.' | b'-' | b'/' | b'$' | b'#' | b':')
    ) {
        return None;
    }
    let mut at = number.end;
    let mut street_end = None;
    for index in 0..MAX_STREET_WORDS {
        if bytes.get(at) != Some(&b' ') {
            break;
        }
        let Some((end, word)) = capitalised_word(bytes, at + 1) else {
            break;
        };
        if index > 0
            && STREET_KINDS
                .split(' ')
                .any(|kind| kind.eq_ignore_ascii_case(word))
        {
            street_end = Some(end);
        }
        at = end;
    }
    let mut end = street_end?;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(|byte| matches!(byte, b' ' | b',')) {
        end += usize::from(bytes.get(end + 1) == Some(&b','));
    }
    end = with_flat(bytes, end);
    let (end, complete) = with_town(bytes, end);
    Some((number.start, end, if complete { CERTAIN } else { LIKELY - 40 }))
}

/// ` Apt. 161`, `, Suite 5B`, ` #12`.
fn with_flat(bytes: &[u8], end: usize) -> usize {
    const FLATS: [&[u8]; 9] = [
        b"Apt. ",
        b"Apt ",
        b"Apartment ",
        b"Suite ",
        b"Ste. ",
        b"Ste ",
        b"Unit ",
        b"Flat ",
        b"#",
    ];
    let gap = bytes[end..]
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte, b',' | b' '))
        .count();
    let Some(flat) = FLATS.iter().find(|flat| bytes[end + gap..].starts_with(flat)) else {
        return end;
    };
    let at = end + gap + flat.len();
    let length = bytes[at..]
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    if length == 0 { end } else { at + length }
}

/// `, Town Name, UT 17562`, `, Town, NW1 6XE`: the end, and whether a postcode closes the address.
fn with_town(bytes: &[u8], end: usize) -> (usize, bool) {
    let mut at = end;
    let mut town_end = end;
    for _ in 0..8 {
        let gap = bytes[at..]
            .iter()
            .take(2)
            .take_while(|byte| matches!(byte, b',' | b' ' | b'\n'))
            .count();
        if gap == 0 {
            break;
        }
        let from = at + gap;
        if let Some(code_end) = postcode_end(bytes, from) {
            return (code_end, true);
        }
        let Some((word_end, _)) = capitalised_word(bytes, from) else {
            break;
        };
        at = word_end;
        town_end = word_end;
    }
    // Without a postcode only the street is sure: the town may be the next sentence.
    let keeps_town =
        bytes.get(end) == Some(&b',') && town_end > end && !bytes[end..town_end].contains(&b'\n');
    (if keeps_town { town_end } else { end }, false)
}

/// A US ZIP code (with +4), or a British postcode.
fn postcode_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |at: usize| {
        bytes
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take(6)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    if digits(at) == 5 {
        let plus_four = bytes.get(at + 5) == Some(&b'-') && digits(at + 6) == 4;
        return Some(if plus_four { at + 10 } else { at + 5 });
    }
    let outward = bytes
        .get(at..)?
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        .count();
    let starts_like_one = (2..=4).contains(&outward)
        && bytes[at].is_ascii_uppercase()
        && bytes[at..at + outward].iter().any(u8::is_ascii_digit);
    let inward = bytes.get(at + outward..at + outward + 4)?;
    let ends_like_one = matches!(inward, [b' ', b'0'..=b'9', b'A'..=b'Z', b'A'..=b'Z']);
    (starts_like_one && ends_like_one).then_some(at + outward + 4)
}

/// `Musterstraße 12a, 12345 Berlin`: the street before the number, the town after it.
fn german(bytes: &[u8], number: &Word) -> Option<(usize, usize, i32)> {
    const ENDINGS: [&str; 8] = [
        "straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "ufer",
    ];
    let street_end = number.start.checked_sub(1).filter(|at| bytes[*at] == b' ')?;
    let floor = street_end.saturating_sub(48);
    let length = bytes[floor..street_end]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80 || matches!(byte, b'-' | b'.'))
        .count();
    let street = std::str::from_utf8(&bytes[street_end - length..street_end]).ok()?;
    let lower = street.to_lowercase();
    let named = ENDINGS
        .iter()
        .any(|ending| lower.ends_with(ending) && lower.len() > ending.len());
    if !named || !street.starts_with(char::is_uppercase) {
        return None;
    }
    let start = street_end - length;
    let rest = &bytes[number.end..];
    let gap = rest
        .iter()
        .take(2)
        .take_while(|byte| matches!(byte, b',' | b' ' | b'\n'))
        .count();
    let code = number.end + gap;
    let code_length = bytes[code..]
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if gap > 0
        && code_length == 5
        && bytes.get(code + 5) == Some(&b' ')
        && let Some((end, _)) = capitalised_word(bytes, code + 6)
    {
        return Some((start, end, CERTAIN));
    }
    Some((start, number.end, LIKELY))
}

fn capitalised_word(bytes: &[u8], at: usize) -> Option<(usize, &str)> {
    let (end, word) = super::names::word_at(bytes, at)?;
    word.starts_with(char::is_uppercase).then_some((end, word))
}
