//! A folded shadow of a text: other scripts' digits, wide letters, odd spaces and hyphens as ASCII.
//!
//! Matchers read the shadow and never see Unicode's many ways of writing a digit; offsets lead back to the text.

use std::borrow::Cow;

/// The shadow of one text and the way back.
pub(crate) struct Folded<'t> {
    original: &'t str,
    bytes: Cow<'t, [u8]>,
    /// Where the distance between the two texts changes: from this byte of the shadow on, its bytes stand in the
    /// text from that byte on. Sorted by both; empty when the texts are the same.
    shifts: Vec<(u32, u32)>,
}

impl<'t> Folded<'t> {
    /// Folds `text`. A text in which nothing folds is its own shadow and costs no memory.
    pub fn new(text: &'t str) -> Folded<'t> {
        let mut folded = Folded {
            original: text,
            bytes: Cow::Borrowed(text.as_bytes()),
            shifts: Vec::new(),
        };
        if !text.is_ascii() {
            folded.fold();
        }
        folded
    }

    fn fold(&mut self) {
        let text = self.original.as_bytes();
        let mut shadow: Vec<u8> = Vec::new();
        // What is copied so far.
        let mut copied = 0;
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            if !MAY_FOLD[usize::from(*byte)] {
                at += 1;
                continue;
            }
            let Some(character) = self.original[at..].chars().next() else {
                break;
            };
            let length = character.len_utf8();
            let into = fold(character);
            if !matches!(into, Fold::Keep) {
                if shadow.capacity() == 0 {
                    shadow.reserve_exact(text.len());
                }
                shadow.extend_from_slice(&text[copied..at]);
                if let Fold::Ascii(byte) = into {
                    self.shift(shadow.len(), at);
                    shadow.push(byte);
                }
                copied = at + length;
                self.shift(shadow.len(), copied);
            }
            at += length;
        }
        if copied > 0 {
            shadow.extend_from_slice(&text[copied..]);
            self.bytes = Cow::Owned(shadow);
        }
    }

    /// Notes that the shadow's byte `at` stands at `original`.
    fn shift(&mut self, at: usize, original: usize) {
        let shift = (at as u32, original as u32);
        match self.shifts.last_mut() {
            Some(last) if last.0 == shift.0 => *last = shift,
            // Nothing changes when the distance stays.
            Some(last) if last.1 - last.0 == shift.1 - shift.0 => {}
            None if shift.0 == shift.1 => {}
            _ => self.shifts.push(shift),
        }
    }

    /// The shadow.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The range of the text behind the shadow's range `start..end` (not empty), widened to whole characters.
    pub fn original_range(&self, start: usize, end: usize) -> (usize, usize) {
        if self.shifts.is_empty() {
            return self.widened(start, end);
        }
        self.widened(self.original_offset(start), self.original_offset(end - 1) + 1)
    }

    fn original_offset(&self, at: usize) -> usize {
        let after = self.shifts.partition_point(|shift| shift.0 as usize <= at);
        match after.checked_sub(1).map(|index| self.shifts[index]) {
            Some((shadow, original)) => original as usize + (at - shadow as usize),
            None => at,
        }
    }

    fn widened(&self, mut first: usize, mut after: usize) -> (usize, usize) {
        while !self.original.is_char_boundary(first) {
            first -= 1;
        }
        while !self.original.is_char_boundary(after) {
            after += 1;
        }
        (first, after)
    }
}

/// First bytes of the characters that fold.
const MAY_FOLD: [bool; 256] = {
    let mut table = [false; 256];
    let firsts = [0xC2, 0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0];
    let mut index = 0;
    while index < firsts.len() {
        table[firsts[index]] = true;
        index += 1;
    }
    table
};

enum Fold {
    Ascii(u8),
    Drop,
    Keep,
}

/// Zero characters of the decimal digit blocks that people type (Unicode general category Nd); each block holds
/// its ten digits in order.
const DIGIT_ZEROS: [u32; 14] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0,
];

fn fold(character: char) -> Fold {
    let code = u32::from(character);
    match code {
        0..=0x7F => Fold::Ascii(code as u8),
        // Full-width forms of the printable ASCII characters.
        0xFF01..=0xFF5E => Fold::Ascii((code - 0xFF01 + 0x21) as u8),
        // No-break, typographic, narrow and ideographic spaces.
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Fold::Ascii(b' '),
        // Hyphens, dashes and the minus sign.
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 => Fold::Ascii(b'-'),
        // Soft hyphen, zero-width characters, direction marks, variation selectors, byte order mark.
        0xAD
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x2064
        | 0x2066..=0x2069
        | 0xFE00..=0xFE0F
        | 0xFEFF => Fold::Drop,
        // Typographic quotation marks.
        0x2018 | 0x2019 => Fold::Ascii(b'\''),
        0x201C..=0x201E => Fold::Ascii(b'"'),
        // Mathematical digits, five styles of ten.
        0x1D7CE..=0x1D7FF => Fold::Ascii(b'0' + ((code - 0x1D7CE) % 10) as u8),
        _ => {
            let zero = DIGIT_ZEROS
                .iter()
                .find(|zero| (**zero..**zero + 10).contains(&code));
            zero.map_or(Fold::Keep, |zero| Fold::Ascii(b'0' + (code - zero) as u8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_to_ascii_and_finds_the_way_back() {
        let text = "é １２\u{200B}３\u{00A0}٤٥";
        let folded = Folded::new(text);
        assert_eq!(folded.bytes(), "é 123 45".as_bytes());
        let digits = folded.bytes().iter().position(|byte| *byte == b'1').unwrap();
        let (start, end) = folded.original_range(digits, folded.bytes().len());
        assert_eq!(&text[start..end], "１２\u{200B}３\u{00A0}٤٥");
    }

    #[test]
    fn every_byte_of_the_shadow_leads_back_to_its_character() {
        let text = "“a”\u{A0}é\u{AD}b — 𝟏２x\u{200B}\u{200B}y\u{FEFF}";
        let folded = Folded::new(text);
        assert_eq!(folded.bytes(), "\"a\" éb - 12xy".as_bytes());
        let kept: Vec<(usize, char)> = text
            .char_indices()
            .filter(|(_, character)| !matches!(fold(*character), Fold::Drop))
            .collect();
        let mut at = 0;
        for (offset, character) in kept {
            let width = if matches!(fold(character), Fold::Keep) {
                character.len_utf8()
            } else {
                1
            };
            let range = folded.original_range(at, at + width);
            assert_eq!(range, (offset, offset + character.len_utf8()), "{character:?}");
            at += width;
        }
    }

    #[test]
    fn every_character_that_folds_has_a_first_byte_in_the_table() {
        for character in '\u{80}'..=char::MAX {
            let mut buffer = [0; 4];
            let first = character.encode_utf8(&mut buffer).as_bytes()[0];
            assert!(
                matches!(fold(character), Fold::Keep) || MAY_FOLD[usize::from(first)],
                "{character:?}"
            );
        }
    }

    #[test]
    fn letters_beyond_ascii_cost_nothing() {
        let folded = Folded::new("Größe, naïveté, Москва");
        assert!(matches!(folded.bytes, Cow::Borrowed(_)) && folded.shifts.is_empty());
        assert_eq!(folded.original_range(3, 4), (2, 4), "widened to the whole letter");
    }

    #[test]
    fn ascii_is_its_own_shadow() {
        let folded = Folded::new("4111-1111");
        assert!(matches!(folded.bytes, Cow::Borrowed(_)));
        assert_eq!(folded.original_range(5, 9), (5, 9));
    }
}
