//! Groups of digits with short separators between them, as telephone numbers are written.

use crate::words::{Word, before};

pub(super) const MAX_GROUPS: usize = 8;
/// Digits that are kept: more than any telephone number has.
const MAX_KEPT: usize = 24;

/// A run of groups that starts at a word.
pub(super) struct Run<'s> {
    pub bytes: &'s [u8],
    groups: [(usize, usize); MAX_GROUPS],
    pub count: usize,
    digits: [u8; MAX_KEPT],
    /// Digits in the first groups: `totals[n]` in the first `n`.
    totals: [usize; MAX_GROUPS + 1],
}

impl<'s> Run<'s> {
    /// The run that starts with the first of `words`.
    pub fn starting_at(bytes: &'s [u8], words: &[Word]) -> Run<'s> {
        let mut run = Run {
            bytes,
            groups: [(0, 0); MAX_GROUPS],
            count: 0,
            digits: [0; MAX_KEPT],
            totals: [0; MAX_GROUPS + 1],
        };
        run.push(words[0].start, words[0].end);
        for pair in words.windows(2).take(MAX_GROUPS - 1) {
            let separator = &bytes[pair[0].end..pair[1].start];
            let joins = (1..=3).contains(&separator.len())
                && separator
                    .iter()
                    .all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
            if !joins {
                break;
            }
            if pair[1].all_digits() {
                run.push(pair[1].start, pair[1].end);
                continue;
            }
            let text = &bytes[pair[1].start..pair[1].end];
            let end = pair[1].start + text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if has_extension(bytes, end) {
                run.push(pair[1].start, end);
            }
            break;
        }
        run
    }

    fn push(&mut self, start: usize, end: usize) {
        let known = self.totals[self.count];
        let room = MAX_KEPT.saturating_sub(known);
        let kept = room.min(end - start);
        if kept > 0 {
            self.digits[known..known + kept].copy_from_slice(&self.bytes[start..start + kept]);
        }
        self.groups[self.count] = (start, end);
        self.count += 1;
        self.totals[self.count] = known + (end - start);
    }

    pub fn start(&self) -> usize {
        self.groups[0].0
    }

    /// End of the first `count` groups.
    pub fn end(&self, count: usize) -> usize {
        self.groups[count - 1].1
    }

    /// Number of digits in the first `count` groups.
    pub fn total(&self, count: usize) -> usize {
        self.totals[count]
    }

    /// The digits of the first `count` groups; more than are kept are cut off.
    pub fn digits(&self, count: usize) -> &[u8] {
        &self.digits[..self.totals[count].min(MAX_KEPT)]
    }

    /// Digits in group `index`.
    pub fn length(&self, index: usize) -> usize {
        self.groups[index].1 - self.groups[index].0
    }

    /// Whether the groups from `first` have these lengths.
    pub fn has_lengths(&self, first: usize, lengths: &[usize]) -> bool {
        first + lengths.len() <= self.count
            && lengths
                .iter()
                .enumerate()
                .all(|(index, length)| self.length(first + index) == *length)
    }

    /// What stands between group `index` and the next.
    pub fn separator(&self, index: usize) -> &[u8] {
        &self.bytes[self.groups[index].1..self.groups[index + 1].0]
    }

    /// Whether an opening bracket stands before group `index`.
    pub fn is_opened(&self, index: usize) -> bool {
        before(self.bytes, self.groups[index].0) == Some(b'(')
    }

    /// Whether a digit follows the first `count` groups at once, joined by a hyphen, stop or slash.
    pub fn is_cut(&self, count: usize) -> bool {
        let end = self.end(count);
        match self.bytes.get(end) {
            Some(b'-' | b'.' | b'/') => self.bytes.get(end + 1).is_some_and(u8::is_ascii_digit),
            Some(byte) => byte.is_ascii_alphanumeric() && !has_extension(self.bytes, end),
            None => false,
        }
    }

    /// Whether the run continues a longer number on its left.
    pub fn is_continued(&self) -> bool {
        let start = self.start();
        match before(self.bytes, start) {
            Some(b'-' | b'.' | b'/' | b':' | b',') => {
                before(self.bytes, start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric())
            }
            Some(b'$' | b'#') => true,
            _ => false,
        }
    }

    /// Groupings of dates (8 digits), of ranges of years, and of IPv4 addresses, in the first `count` groups.
    pub fn is_date_or_address(&self, count: usize) -> bool {
        let length = |index| self.length(index);
        let date = count == 3
            && matches!(
                (length(0), length(1), length(2)),
                (4, 2, 2) | (2, 2, 4) | (1, 2, 4) | (2, 1, 4) | (1, 1, 4) | (4, 1 | 2, 1 | 2)
            );
        let dotted = (1..count).all(|index| self.separator(index - 1) == b".");
        let address = count == 4 && dotted && (0..count).all(|index| length(index) <= 3);
        date || address || (count == 2 && self.has_lengths(0, &[4, 4]) && self.has_years(2))
    }

    /// Whether two of the first `count` groups are years, as in `2019-2023`.
    pub fn has_years(&self, count: usize) -> bool {
        let is_year = |(start, end): &&(usize, usize)| {
            matches!(
                &self.bytes[*start..*end],
                [b'1', b'8' | b'9', _, _] | [b'2', b'0', _, _]
            )
        };
        self.groups[..count].iter().filter(is_year).count() >= 2
    }
}

/// Whether `x345` follows a number at once.
pub(super) fn has_extension(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b'x' | b'X')) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
}
