//! Addresses of France, Spain, Italy and Portugal: `12 rue de la République, 69002 Lyon`, `Calle Mayor 15, 28013
//! Madrid`, `Via Roma 22, 00184 Roma`.

use super::names::word_at;
use crate::ids::{CERTAIN, POSSIBLE};
use crate::words::Word;

const BEFORE_NAME: [&str; 12] = [
    "rue",
    "avenue",
    "boulevard",
    "bd",
    "place",
    "chemin",
    "allée",
    "impasse",
    "quai",
    "cours",
    "route",
    "square",
];
const KINDS: [&str; 24] = [
    "calle", "c/", "avenida", "avda", "avda.", "plaza", "paseo", "carrer", "camino", "ronda", "via", "viale",
    "piazza", "corso", "largo", "vicolo", "rua", "praça", "travessa", "ulica", "ul.", "aleja", "strada",
    "carrera",
];
const PARTICLES: [&str; 18] = [
    "de", "du", "des", "la", "le", "les", "del", "della", "dei", "di", "da", "do", "dos", "das", "l", "y",
    "e", "san",
];
const MAX_WORDS: usize = 6;
const MAX_STREET: usize = 72;

/// The address around the house number `number`: its range and evidence.
pub(super) fn address(bytes: &[u8], number: &Word) -> Option<(usize, usize, i32)> {
    french(bytes, number).or_else(|| number_last(bytes, number))
}

fn french(bytes: &[u8], number: &Word) -> Option<(usize, usize, i32)> {
    let mut at = number.end;
    while matches!(bytes.get(at), Some(b' ' | b',')) && at < number.end + 2 {
        at += 1;
    }
    let (mut end, kind) = word_at(bytes, at).filter(|_| at > number.end)?;
    if !BEFORE_NAME.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return None;
    }
    let mut named = false;
    for _ in 0..MAX_WORDS {
        let Some((word_end, word)) = word_at(bytes, end + 1).filter(|_| bytes.get(end) == Some(&b' ')) else {
            break;
        };
        let capitalised =
            word.starts_with(char::is_uppercase) || word.starts_with("l'") || word.starts_with("d'");
        if !capitalised && !PARTICLES.contains(&word) {
            break;
        }
        named |= capitalised;
        end = word_end;
    }
    let (end, complete) = with_town(bytes, end);
    named.then_some((number.start, end, if complete { CERTAIN } else { POSSIBLE }))
}

fn number_last(bytes: &[u8], number: &Word) -> Option<(usize, usize, i32)> {
    // Without a postcode and a town it may be anything; few numbers have them.
    let (end, complete) = with_town(bytes, number.end);
    if !complete {
        return None;
    }
    let gap = bytes[..number.start]
        .iter()
        .rev()
        .take(2)
        .take_while(|byte| matches!(byte, b' ' | b','))
        .count();
    let street_end = number.start.checked_sub(gap).filter(|_| gap > 0)?;
    let floor = street_end.saturating_sub(MAX_STREET);
    let line = bytes[floor..street_end]
        .iter()
        .rposition(|byte| matches!(byte, b'\n' | b':' | b';'))
        .map_or(floor, |at| floor + at + 1);
    let mut start = street_end;
    for _ in 0..MAX_WORDS {
        let word_start = bytes[line..start]
            .iter()
            .rposition(|byte| *byte == b' ')
            .map_or(line, |at| line + at + 1);
        let word = std::str::from_utf8(&bytes[word_start..start]).ok()?;
        if start < street_end && KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(word)) {
            return Some((word_start, end, CERTAIN));
        }
        let fits = word.starts_with(char::is_uppercase) || PARTICLES.contains(&word);
        start = word_start.checked_sub(1).filter(|at| fits && *at > line)?;
    }
    None
}

/// `, 28013 Madrid`: the end, and whether a postcode and a town are there.
fn with_town(bytes: &[u8], end: usize) -> (usize, bool) {
    let gap = bytes[end..]
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b',' | b' ' | b'\n' | b'-'))
        .count();
    let code = end + gap;
    let is_code = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
    let length = bytes[code..].iter().take(9).take_while(is_code).count();
    let spaced = bytes.get(code + length) == Some(&b' ');
    let town = word_at(bytes, code + length + 1).filter(|(_, word)| word.starts_with(char::is_uppercase));
    match town {
        Some((town_end, _)) if gap > 0 && spaced && matches!(length, 4..=6 | 8) => (town_end, true),
        _ => (end, false),
    }
}
