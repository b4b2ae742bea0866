//! A folded shadow of a text: other scripts' digits, wide letters, odd spaces and hyphens as ASCII.
//!
//! Matchers read the shadow and never see Unicode's many ways of writing a digit; offsets lead back to the text.

use std::borrow::Cow;

/// The shadow of one text and the way back.
pub(crate) struct Folded<'t> {
    original: &'t str,
    bytes: Cow<'t, [u8]>,
    /// For each byte of the shadow the offset of its character in the text; `None` when both are the same.
    offsets: Option<Vec<u32>>,
}

impl<'t> Folded<'t> {
    /// Folds `text`. A text in ASCII is its own shadow and costs nothing.
    pub fn new(text: &'t str) -> Folded<'t> {
        if text.is_ascii() {
            return Folded {
                original: text,
                bytes: Cow::Borrowed(text.as_bytes()),
                offsets: None,
            };
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut offsets = Vec::with_capacity(text.len());
        for (offset, character) in text.char_indices() {
            match fold(character) {
                Fold::Ascii(byte) => {
                    bytes.push(byte);
                    offsets.push(offset as u32);
                }
                Fold::Drop => {}
                Fold::Keep => {
                    let mut buffer = [0_u8; 4];
                    for (index, byte) in character.encode_utf8(&mut buffer).bytes().enumerate() {
                        bytes.push(byte);
                        offsets.push((offset + index) as u32);
                    }
                }
            }
        }
        Folded {
            original: text,
            bytes: Cow::Owned(bytes),
            offsets: Some(offsets),
        }
    }

    /// The shadow.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The range of the text behind the shadow's range `start..end` (not empty), widened to whole characters.
    pub fn original_range(&self, start: usize, end: usize) -> (usize, usize) {
        let Some(offsets) = &self.offsets else {
            return (start, end);
        };
        let mut first = offsets[start] as usize;
        while !self.original.is_char_boundary(first) {
            first -= 1;
        }
        let mut after = offsets[end - 1] as usize + 1;
        while !self.original.is_char_boundary(after) {
            after += 1;
        }
        (first, after)
    }
}

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
    fn ascii_is_its_own_shadow() {
        let folded = Folded::new("4111-1111");
        assert!(matches!(folded.bytes, Cow::Borrowed(_)));
        assert_eq!(folded.original_range(5, 9), (5, 9));
    }
}
