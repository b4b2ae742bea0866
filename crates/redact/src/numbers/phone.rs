//! Telephone numbers: international, North American, and national forms with context.

use super::phone_codes::{calling_code, is_north_american};
use super::phone_run::Run;
use crate::checks::arithmetic::all_same;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, NEEDS_CLOSE_CONTEXT, NEEDS_CONTEXT, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::{Word, before};

const MAX_DIGITS: usize = 17;
const TOPICS: Topics = Topics::of(&[Topic::Phone]);

/// Start, end, evidence and rule of a number.
type Found = Option<(usize, usize, i32, &'static str)>;

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut done_until = 0;
    for (index, word) in words.iter().enumerate() {
        if word.start < done_until || !word.all_digits() {
            continue;
        }
        let run = Run::starting_at(bytes, &words[index..]);
        // The shortest number anywhere has seven digits with its area.
        if run.total(run.count) < 7 {
            continue;
        }
        let found = if before(bytes, word.start) == Some(b'+') {
            international(&run, 1)
        } else if bytes[word.start..word.end].starts_with(b"00") && word.len() >= 3
            || &bytes[word.start..word.end] == b"00"
        {
            international(&run, 2)
        } else {
            None
        };
        let found = found.or_else(|| north_american(&run)).or_else(|| national(&run));
        let Some((start, end, alone, rule)) = found else {
            continue;
        };
        if context.is_silent(alone, TOPICS) {
            continue;
        }
        let end = with_extension(bytes, end);
        let log_odds = context.weigh(alone, start, end, TOPICS);
        out.push(Candidate {
            start,
            end,
            entity: Entity::PhoneNumber,
            log_odds,
            rule,
        });
        if log_odds > 0 {
            done_until = end;
        }
    }
}

/// `+CC ...` (one byte of prefix) or `00CC ...` (two digits of prefix).
fn international(run: &Run<'_>, prefix: usize) -> Found {
    let skipped = if prefix == 2 { 2 } else { 0 };
    let start = if prefix == 1 { run.start() - 1 } else { run.start() };
    let left_free = !before(run.bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !left_free {
        return None;
    }
    for count in (1..=run.count).rev() {
        if !(7 + skipped..=MAX_DIGITS + skipped).contains(&run.total(count)) || run.is_cut(count) {
            continue;
        }
        let digits = &run.digits(count)[skipped..];
        if all_same(digits) {
            continue;
        }
        let Some((code_length, shortest, longest)) = calling_code(digits) else {
            continue;
        };
        let national = &digits[code_length..];
        // "(0)" after the calling code is not part of the number.
        let trunk_zero = usize::from(national.starts_with(b"0") && code_length > 1);
        let length_fits = (shortest..=longest + trunk_zero).contains(&national.len());
        let plan_fits = digits[0] != b'1' || is_north_american(national);
        if length_fits && plan_fits {
            let alone = if prefix == 1 { CERTAIN } else { POSSIBLE };
            let end = run.end(count);
            // `(+358) 127945698`.
            let opened = before(run.bytes, start) == Some(b'(') && run.bytes[start..end].contains(&b')');
            return Some((start - usize::from(opened), end, alone, "phone_international"));
        }
    }
    None
}

/// `(415) 555-2671`, `415-555-2671`, `1.415.555.2671`, `415 555 2671`, `4155552671`.
fn north_american(run: &Run<'_>) -> Found {
    if run.is_continued() {
        return None;
    }
    let first = usize::from(run.digits(1) == b"1");
    if run.has_lengths(first, &[3, 3, 4]) {
        let separators = [run.separator(first), run.separator(first + 1)];
        let opened = run.is_opened(first);
        let alone = match separators {
            [b") " | b")", b"-" | b" " | b"."] if opened => 190,
            [b"-", b"-"] | [b".", b"."] => 170,
            [b" ", b" "] => POSSIBLE,
            [b"/" | b" ", b"-"] => 100,
            _ => return None,
        };
        let start = run.start() - usize::from(opened && first == 0);
        let fits = is_north_american(&run.digits(first + 3)[first..]) && !run.is_cut(first + 3);
        return fits.then(|| (start, run.end(first + 3), alone, "phone_north_american"));
    }
    if run.count != 1 {
        return None;
    }
    let digits = run.digits(1);
    let national = digits
        .strip_prefix(b"1")
        .filter(|rest| rest.len() == 10)
        .unwrap_or(digits);
    (is_north_american(national) && !run.is_cut(1))
        .then(|| (run.start(), run.end(1), NEEDS_CONTEXT, "phone_bare"))
}

/// A national number with a trunk zero or any grouping; says little without context.
fn national(run: &Run<'_>) -> Found {
    if run.is_continued() {
        return None;
    }
    let opened = run.is_opened(0);
    let start = run.start() - usize::from(opened);
    for count in (1..=run.count).rev() {
        let total = run.total(count);
        if !(7..=13).contains(&total) || run.is_cut(count) || run.is_date_or_address(count) {
            continue;
        }
        let digits = run.digits(count);
        if all_same(digits) {
            continue;
        }
        let end = run.end(count);
        let trunk = digits[0] == b'0';
        // Two groups with a stop are a decimal.
        let decimal = count == 2 && run.separator(0) == b".";
        // One digit first is a trunk prefix only before a whole number: `8 766 812 0626`, `0 7803 7879`.
        let is_prefix = (count >= 4 || (count == 3 && trunk)) && !run.has_years(count);
        if decimal || (run.length(0) == 1 && !opened && !is_prefix) {
            continue;
        }
        if trunk && digits[1] != b'0' && count == 5 && run.has_lengths(0, &[2; 5]) {
            return Some((start, end, 60, "phone_pairs"));
        }
        let alone = match (count, total) {
            (2.., 9..=12) if trunk => -20,
            (1, 9..=11) if trunk => NEEDS_CONTEXT,
            (2.., 7..=13) => NEEDS_CONTEXT,
            (1, 7..=12) => NEEDS_CLOSE_CONTEXT - 60,
            _ => continue,
        };
        return Some((start, end, alone, "phone_national"));
    }
    None
}

/// The end of the number including an extension such as ` ext. 12` or ` x345`.
fn with_extension(bytes: &[u8], end: usize) -> usize {
    let rest = &bytes[end..];
    let spaces = rest.iter().take(2).take_while(|byte| **byte == b' ').count();
    let marker = [&b"extension "[..], b"ext. ", b"ext.", b"ext ", b"x"]
        .into_iter()
        .find(|marker| {
            rest[spaces..].len() > marker.len() && rest[spaces..][..marker.len()].eq_ignore_ascii_case(marker)
        });
    let Some(marker) = marker else {
        return end;
    };
    let digits_start = end + spaces + marker.len();
    let digits = bytes[digits_start..]
        .iter()
        .take(7)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if (1..=6).contains(&digits) {
        digits_start + digits
    } else {
        end
    }
}
