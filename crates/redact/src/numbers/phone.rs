//! Telephone numbers: international, North American, and national forms with context.

use super::phone_codes::{calling_code, is_north_american};
use crate::checks::arithmetic::all_same;
use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, NEEDS_CLOSE_CONTEXT, NEEDS_CONTEXT, POSSIBLE};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::words::{Word, before};

const MAX_GROUPS: usize = 8;
const MAX_DIGITS: usize = 17;
const TOPICS: Topics = Topics::of(&[Topic::Phone]);

/// Groups of digits with short separators between them.
struct Run<'s> {
    bytes: &'s [u8],
    groups: Vec<(usize, usize)>,
}

pub(crate) fn propose(context: &Context<'_>, words: &[Word], out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut done_until = 0;
    for (index, word) in words.iter().enumerate() {
        if word.start < done_until || !word.all_digits() {
            continue;
        }
        let run = Run::starting_at(bytes, &words[index..]);
        // The shortest number anywhere has seven digits with its area.
        if run.digit_count() < 7 {
            continue;
        }
        let found = if before(bytes, word.start) == Some(b'+') {
            run.international(1)
        } else if bytes[word.start..word.end].starts_with(b"00") && word.len() >= 3
            || &bytes[word.start..word.end] == b"00"
        {
            run.international(2)
        } else {
            None
        };
        let found = found.or_else(|| run.north_american()).or_else(|| run.national());
        let Some((start, end, alone, rule)) = found else {
            continue;
        };
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

impl<'s> Run<'s> {
    fn starting_at(bytes: &'s [u8], words: &[Word]) -> Run<'s> {
        let mut groups = vec![(words[0].start, words[0].end)];
        for pair in words.windows(2).take(MAX_GROUPS - 1) {
            let separator = &bytes[pair[0].end..pair[1].start];
            let joins = !separator.is_empty()
                && separator.len() <= 3
                && separator
                    .iter()
                    .all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
            let text = &bytes[pair[1].start..pair[1].end];
            let end = pair[1].start + text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !joins || !(pair[1].all_digits() || has_extension(bytes, end)) {
                break;
            }
            groups.push((pair[1].start, end));
            if !pair[1].all_digits() {
                break;
            }
        }
        Run { bytes, groups }
    }

    fn digit_count(&self) -> usize {
        self.groups.iter().map(|(start, end)| end - start).sum()
    }

    /// The digits of the first `count` groups.
    fn digits(&self, count: usize) -> Vec<u8> {
        self.groups[..count]
            .iter()
            .flat_map(|(start, end)| &self.bytes[*start..*end])
            .copied()
            .collect()
    }

    fn group_lengths(&self, count: usize) -> Vec<usize> {
        self.groups[..count]
            .iter()
            .map(|(start, end)| end - start)
            .collect()
    }

    /// Whether a digit follows the first `count` groups at once, joined by a hyphen, stop or slash.
    fn is_cut(&self, count: usize) -> bool {
        let end = self.groups[count - 1].1;
        match self.bytes.get(end) {
            Some(b'-' | b'.' | b'/') => self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
            Some(byte) => byte.is_ascii_alphanumeric() && !has_extension(self.bytes, end),
            None => false,
        }
    }

    /// Whether the run continues a longer number on its left.
    fn is_continued(&self) -> bool {
        let start = self.groups[0].0;
        match before(self.bytes, start) {
            Some(b'-' | b'.' | b'/' | b':' | b',') => {
                before(self.bytes, start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric())
            }
            Some(b'$' | b'#') => true,
            _ => false,
        }
    }

    /// `+CC ...` (one byte of prefix) or `00CC ...` (two digits of prefix).
    fn international(&self, prefix: usize) -> Option<(usize, usize, i32, &'static str)> {
        let skipped = if prefix == 2 { 2 } else { 0 };
        let start = if prefix == 1 {
            self.groups[0].0 - 1
        } else {
            self.groups[0].0
        };
        let left_free = !before(self.bytes, start).is_some_and(|byte| byte.is_ascii_alphanumeric());
        for count in (1..=self.groups.len()).rev() {
            let digits = self.digits(count);
            let digits = &digits[skipped..];
            if digits.len() > MAX_DIGITS || digits.len() < 7 || self.is_cut(count) || all_same(digits) {
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
            if left_free && length_fits && plan_fits {
                let alone = if prefix == 1 { CERTAIN } else { POSSIBLE };
                let end = self.groups[count - 1].1;
                // `(+358) 127945698`.
                let opened =
                    before(self.bytes, start) == Some(b'(') && self.bytes[start..end].contains(&b')');
                return Some((start - usize::from(opened), end, alone, "phone_international"));
            }
        }
        None
    }

    /// `(415) 555-2671`, `415-555-2671`, `1.415.555.2671`, `415 555 2671`, `4155552671`.
    fn north_american(&self) -> Option<(usize, usize, i32, &'static str)> {
        if self.is_continued() {
            return None;
        }
        let (skipped, first) = if self.group_lengths(1) == [1] && self.digits(1) == b"1" {
            (1, 1)
        } else {
            (0, 0)
        };
        if self.groups.len() >= first + 3 && self.group_lengths(first + 3)[first..] == [3, 3, 4] {
            let digits = self.digits(first + 3);
            let separators = [self.separator(first), self.separator(first + 1)];
            let opened = before(self.bytes, self.groups[first].0) == Some(b'(');
            let alone = match separators {
                [b") " | b")", b"-" | b" " | b"."] if opened => 190,
                [b"-", b"-"] | [b".", b"."] => 170,
                [b" ", b" "] => POSSIBLE,
                [b"/" | b" ", b"-"] => 100,
                _ => return None,
            };
            let start = self.groups[0].0 - usize::from(opened && first == 0);
            let fits = is_north_american(&digits[skipped..]) && !self.is_cut(first + 3);
            return fits.then(|| (start, self.groups[first + 2].1, alone, "phone_north_american"));
        }
        let digits = self.digits(1);
        let national = digits
            .strip_prefix(b"1")
            .filter(|rest| rest.len() == 10)
            .unwrap_or(&digits);
        let fits = is_north_american(national) && !self.is_cut(1);
        (fits && self.groups.len() == 1)
            .then(|| (self.groups[0].0, self.groups[0].1, NEEDS_CONTEXT, "phone_bare"))
    }

    /// A national number with a trunk zero or any grouping; says little without context.
    fn national(&self) -> Option<(usize, usize, i32, &'static str)> {
        if self.is_continued() {
            return None;
        }
        let opened = before(self.bytes, self.groups[0].0) == Some(b'(');
        let start = self.groups[0].0 - usize::from(opened);
        for count in (1..=self.groups.len()).rev() {
            let digits = self.digits(count);
            let lengths = self.group_lengths(count);
            if self.is_cut(count) || all_same(&digits) || self.is_date_or_address(&lengths) {
                continue;
            }
            let end = self.groups[count - 1].1;
            let trunk = digits[0] == b'0';
            // Two groups with a stop are a decimal.
            let decimal = count == 2 && self.separator(0) == b".";
            // One digit first is a trunk prefix only before a whole number: `8 766 812 0626`, `0 7803 7879`.
            let is_prefix = (count >= 4 || (count == 3 && trunk)) && !self.has_years(count);
            if decimal || (lengths[0] == 1 && !opened && !is_prefix) {
                continue;
            }
            if trunk && digits[1] != b'0' && count == 5 && lengths.iter().all(|length| *length == 2) {
                return Some((start, end, 60, "phone_pairs"));
            }
            let alone = match (count, digits.len()) {
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

    /// Groupings of dates (8 digits), of ranges of years, and of IPv4 addresses.
    fn is_date_or_address(&self, lengths: &[usize]) -> bool {
        let date = matches!(
            lengths,
            [4, 2, 2] | [2, 2, 4] | [1, 2, 4] | [2, 1, 4] | [1, 1, 4] | [4, 1 | 2, 1 | 2]
        );
        let dotted = (1..lengths.len()).all(|index| self.separator(index - 1) == b".");
        let address = lengths.len() == 4 && dotted && lengths.iter().all(|length| *length <= 3);
        date || address || (lengths == [4, 4] && self.has_years(2))
    }

    /// Whether two of the first `count` groups are years, as in `2019-2023`.
    fn has_years(&self, count: usize) -> bool {
        let is_year = |(start, end): &&(usize, usize)| {
            matches!(
                &self.bytes[*start..*end],
                [b'1', b'8' | b'9', _, _] | [b'2', b'0', _, _]
            )
        };
        self.groups[..count].iter().filter(is_year).count() >= 2
    }

    fn separator(&self, index: usize) -> &[u8] {
        &self.bytes[self.groups[index].1..self.groups[index + 1].0]
    }
}

/// Whether `x345` follows a number at once.
fn has_extension(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b'x' | b'X')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
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
