//! Dates as people write them: in digits, and with the month's name in twelve languages.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::checks::dates::is_date;
use crate::words::before;

/// Month names and abbreviations by number: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
/// Swedish, Danish/Norwegian, Finnish, Turkish. Lower case, without trailing stop.
const MONTHS: [&str; 12] = [
    "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari styczeń stycznia tammikuu tammikuuta ocak",
    "february feb februar février févr fevrier febrero febbraio fevereiro februari luty lutego helmikuu helmikuuta şubat",
    "march mar märz mars marzo março maart mrt marzec marca maaliskuu maaliskuuta mart",
    "april apr avril avr abril abr aprile kwiecień kwietnia huhtikuu huhtikuuta nisan",
    "may mai mayo maggio mag maio mei maj maja toukokuu toukokuuta mayıs",
    "june jun juni juin junio giugno giu junho czerwiec czerwca kesäkuu kesäkuuta haziran",
    "july jul juli juillet juil julio luglio lug julho lipiec lipca heinäkuu heinäkuuta temmuz",
    "august aug août aout agosto ago augustus augusti sierpień sierpnia elokuu elokuuta ağustos",
    "september sep sept septembre septiembre settembre set setembro wrzesień września syyskuu syyskuuta eylül",
    "october oct oktober okt octobre octubre ottobre ott outubro out październik października lokakuu lokakuuta ekim",
    "november nov novembre noviembre novembro listopad listopada marraskuu marraskuuta kasım",
    "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro grudzień grudnia joulukuu joulukuuta aralık desember",
];

static NUMBERS: LazyLock<HashMap<&'static [u8], u32>> = LazyLock::new(|| {
    let months = MONTHS.iter().zip(1..);
    months
        .flat_map(|(names, number)| names.split(' ').map(move |name| (name.as_bytes(), number)))
        .collect()
});

/// The month that `word` names, in whatever case.
fn month_number(word: &[u8]) -> Option<u32> {
    const LONGEST: usize = 16;
    if !(3..=LONGEST).contains(&word.len()) {
        return None;
    }
    if !word.is_ascii() {
        let lower = std::str::from_utf8(word).ok()?.to_lowercase();
        return NUMBERS.get(lower.as_bytes()).copied();
    }
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    NUMBERS.get(&*lower).copied()
}

/// The first date in `text`: its range, for a date of a life (1850 to 2099).
pub(crate) fn first_date(text: &[u8]) -> Option<(usize, usize)> {
    (0..text.len()).find_map(|start| {
        let begins = text[start].is_ascii_alphanumeric()
            && !before(text, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
        let end = begins.then(|| date_at(text, start)).flatten()?;
        Some((start, end))
    })
}

fn date_at(text: &[u8], start: usize) -> Option<usize> {
    if text[start].is_ascii_digit() {
        return numeric(text, start).or_else(|| day_first(text, start));
    }
    month_first(text, start)
}

/// `1958-04-16`, `16.04.1958`, `4/16/58`, `16 04 1958`, `1958年4月16日`.
fn numeric(text: &[u8], start: usize) -> Option<usize> {
    let (first, at) = digits(text, start, 4)?;
    if text[at..].starts_with("年".as_bytes()) {
        let (month, at) = digits(text, at + 3, 2)?;
        let (day, at) = digits(text, at + 3, 2)?;
        return is_life_date(first, month, day).then(|| {
            at + if text[at..].starts_with("日".as_bytes()) {
                3
            } else {
                0
            }
        });
    }
    let separator = *text.get(at).filter(|byte| b"-./ ".contains(byte))?;
    let skip = |at: usize| at + 1 + usize::from(separator == b'.' && text.get(at + 1) == Some(&b' '));
    let (second, at) = digits(text, skip(at), 2)?;
    if text.get(at) != Some(&separator) {
        return None;
    }
    let (third, end) = digits(text, skip(at), 4)?;
    let first_length = at_length(text, start);
    let third_length = end - skip(at);
    let year_last = |year: u32| is_life_date(year, second, first) || is_life_date(year, first, second);
    let dated = match (first_length, third_length) {
        (4, 1 | 2) => is_life_date(first, second, third),
        (1 | 2, 4) => year_last(third),
        // Two-digit years only with a separator that dates have.
        (1 | 2, 2) if separator != b' ' => year_last(1900 + third) || year_last(2000 + third),
        _ => false,
    };
    let bounded = !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (dated && bounded).then_some(end)
}

/// `26 May 1952`, `1st of March 2001`, `26. Mai 1952`, `3 de mayo de 1960`.
fn day_first(text: &[u8], start: usize) -> Option<usize> {
    let (day, mut at) = digits(text, start, 2)?;
    for suffix in [&b"st"[..], b"nd", b"rd", b"th", b"er", b"."] {
        if text[at..].len() > suffix.len() && text[at..at + suffix.len()].eq_ignore_ascii_case(suffix) {
            at += suffix.len();
            break;
        }
    }
    at = skip_separators(text, at)?;
    at = skip_word(text, at, &["of ", "de ", "the "]);
    let (month, at) = month(text, at)?;
    let at = skip_separators(text, at)?;
    let at = skip_word(text, at, &["of ", "de ", "del "]);
    let (year, end) = year(text, at)?;
    is_life_date(year, month, day).then_some(end)
}

/// `May 26, 1952`, `May 26th 1952`.
fn month_first(text: &[u8], start: usize) -> Option<usize> {
    let (month, at) = month(text, start)?;
    let at = skip_separators(text, at)?;
    let (day, mut at) = digits(text, at, 2)?;
    for suffix in [&b"st"[..], b"nd", b"rd", b"th"] {
        if text[at..].starts_with(suffix) {
            at += 2;
        }
    }
    let at = skip_separators(text, at)?;
    let (year, end) = year(text, at)?;
    is_life_date(year, month, day).then_some(end)
}

fn is_life_date(year: u32, month: u32, day: u32) -> bool {
    (1850..2100).contains(&year) && is_date(year, month, day)
}

/// Up to `most` digits at `at` and where they end; more digits than that are no part of a date.
fn digits(text: &[u8], at: usize, most: usize) -> Option<(u32, usize)> {
    let length = at_length(text, at);
    let value = text
        .get(at..at + length)?
        .iter()
        .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    (1..=most).contains(&length).then_some((value, at + length))
}

fn at_length(text: &[u8], at: usize) -> usize {
    text.get(at..)
        .unwrap_or_default()
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

fn year(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let (value, end) = digits(text, at, 4)?;
    let bounded = !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (end - at == 4 && bounded).then_some((value, end))
}

fn month(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let rest = text.get(at..)?;
    let length = rest
        .iter()
        .take(24)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
        .count();
    let number = month_number(&rest[..length])?;
    let stop = usize::from(rest.get(length) == Some(&b'.'));
    Some((number, at + length + stop))
}

fn skip_separators(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let length = rest
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b' ' | b',' | b'-' | b'/'))
        .count();
    // A month and a year may touch only after a stop: `Sept.2001`.
    (length > 0 || before(text, at) == Some(b'.')).then_some(at + length)
}

fn skip_word(text: &[u8], at: usize, words: &[&str]) -> usize {
    let found = words.iter().find(|word| text[at..].starts_with(word.as_bytes()));
    at + found.map_or(0, |word| word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_in_many_spellings() {
        for date in [
            "26 May 1952",
            "May 5, 2007",
            "1995-08-01",
            "16.04.1958",
            "05/06/1973",
            "1st of March 2001",
            "26. Mai 1952",
            "3 de mayo de 1960",
            "4 août 1971",
            "12. 3. 1980",
            "1958年4月16日",
            "Sept. 3, 2001",
            "4/16/58",
        ] {
            let text = format!("on {date}, x");
            assert_eq!(first_date(text.as_bytes()), Some((3, 3 + date.len())), "{date}");
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for text in [
            "31/02/1990",
            "version 2.14.3",
            "2024-13-40",
            "12 1990",
            "May I",
            "1.5 2",
        ] {
            assert_eq!(first_date(text.as_bytes()), None, "{text}");
        }
    }
}
