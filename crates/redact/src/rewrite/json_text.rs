//! Texts behind JSON strings: unescaped, possibly joined from several strings, with the way back to the raw bytes.

use super::edits::Edit;

/// The text of one JSON string literal.
pub(super) struct Unescaped {
    pub text: String,
    /// Raw offset of each byte of `text`, and of the end; `None` when nothing was escaped.
    offsets: Option<Vec<u32>>,
    raw_start: usize,
}

impl Unescaped {
    /// Unescapes the content of a valid string literal: `raw` without its quotes, at `raw_start`. A lone surrogate
    /// becomes U+FFFD.
    pub fn new(raw: &str, raw_start: usize) -> Unescaped {
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Unescaped {
                text: raw.to_owned(),
                offsets: None,
                raw_start,
            };
        }
        let mut text = String::with_capacity(raw.len());
        let mut offsets = Vec::with_capacity(raw.len() + 1);
        let mut at = 0;
        while let Some(character) = raw[at..].chars().next() {
            let (decoded, length) = match character {
                '\\' => escape(&raw.as_bytes()[at..]),
                _ => (character, character.len_utf8()),
            };
            let from = text.len();
            text.push(decoded);
            offsets.extend(std::iter::repeat_n((raw_start + at) as u32, text.len() - from));
            at += length;
        }
        offsets.push((raw_start + raw.len()) as u32);
        Unescaped {
            text,
            offsets: Some(offsets),
            raw_start,
        }
    }

    /// Turns an edit of this text into an edit of the raw bytes.
    pub fn raw_edit(&self, edit: Edit) -> Edit {
        let (start, end) = (self.raw_offset(edit.start), self.raw_offset(edit.end));
        Edit {
            start,
            end,
            replacement: escaped(&edit.replacement),
            ..edit
        }
    }

    /// The raw offset of `at`, a character boundary of the text or its end.
    fn raw_offset(&self, at: usize) -> usize {
        match &self.offsets {
            None => self.raw_start + at,
            Some(offsets) => offsets[at] as usize,
        }
    }
}

/// The character of the escape at the start of `raw`, and its length.
fn escape(raw: &[u8]) -> (char, usize) {
    let simple = match raw.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'u') => return unicode_escape(raw),
        Some(other) => char::from(*other),
        None => return ('\\', 1),
    };
    (simple, 2)
}

fn unicode_escape(raw: &[u8]) -> (char, usize) {
    let unit = |from: usize| -> Option<u32> {
        let digits = std::str::from_utf8(raw.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(2) else {
        return ('\u{FFFD}', raw.len().min(6));
    };
    if (0xD800..0xDC00).contains(&first)
        && raw.get(6..8) == Some(b"\\u")
        && let Some(second) = unit(8).filter(|second| (0xDC00..0xE000).contains(second))
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(code).unwrap_or('\u{FFFD}'), 12);
    }
    (char::from_u32(first).unwrap_or('\u{FFFD}'), 6)
}

/// Strings joined into one text: the deltas of a channel, or a single string.
pub(super) struct Joined {
    pub text: String,
    /// Each string with the offset of its text in the joined text.
    parts: Vec<(usize, Unescaped)>,
}

impl Joined {
    pub fn single(part: Unescaped) -> Joined {
        Joined {
            text: part.text.clone(),
            parts: vec![(0, part)],
        }
    }

    pub fn of(parts: impl IntoIterator<Item = Unescaped>) -> Joined {
        let mut joined = Joined {
            text: String::new(),
            parts: Vec::new(),
        };
        for part in parts {
            let offset = joined.text.len();
            joined.text.push_str(&part.text);
            joined.parts.push((offset, part));
        }
        joined
    }

    /// Turns an edit of the joined text into edits of the raw bytes: the replacement, escaped for a string, goes
    /// where the value begins; what the value takes of later strings is removed.
    pub fn raw_edits(&self, edit: Edit) -> Vec<Edit> {
        let mut replacement = Some((escaped(&edit.replacement), edit.removed));
        let mut edits = Vec::new();
        let first = self
            .parts
            .partition_point(|(offset, part)| offset + part.text.len() <= edit.start);
        for (offset, part) in &self.parts[first..] {
            if *offset >= edit.end {
                break;
            }
            let from = edit.start.max(*offset) - offset;
            let to = edit.end.min(offset + part.text.len()) - offset;
            let (text, removed) = replacement.take().unwrap_or_default();
            edits.push(Edit {
                start: part.raw_offset(from),
                end: part.raw_offset(to),
                replacement: text,
                removed,
            });
        }
        edits
    }
}

/// `text` as the content of a JSON string. Placeholders need no escape; the quotes around a number's do.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_located() {
        let raw = r#"a\n\u0040\ud83d\ude00\"z\ud800"#;
        let unescaped = Unescaped::new(raw, 10);
        assert_eq!(unescaped.text, "a\n@😀\"z\u{FFFD}");
        assert_eq!(unescaped.raw_offset(2), 13, "the escaped at sign");
        assert_eq!(unescaped.raw_offset(3), 19, "the emoji");
        assert_eq!(unescaped.raw_offset(unescaped.text.len()), 10 + raw.len());
    }

    #[test]
    fn an_edit_over_several_parts_leaves_one_replacement() {
        let joined = Joined::of([
            Unescaped::new("to ja", 0),
            Unescaped::new("ne@x", 100),
            Unescaped::new(".org!", 200),
        ]);
        let edit = Edit {
            start: 3,
            end: 13,
            replacement: "T".to_owned(),
            removed: None,
        };
        let edits: Vec<_> = joined
            .raw_edits(edit)
            .into_iter()
            .map(|e| (e.start, e.end, e.replacement))
            .collect();
        assert_eq!(
            edits,
            [
                (3, 5, "T".to_owned()),
                (100, 104, String::new()),
                (200, 204, String::new())
            ]
        );
    }
}
