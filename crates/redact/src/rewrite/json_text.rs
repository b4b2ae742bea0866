//! Texts behind JSON strings: unescaped, possibly joined from several strings, with the way back to the raw bytes.

use std::borrow::Cow;

use super::edits::Edit;

/// The text of one JSON string literal.
pub(super) struct Unescaped<'t> {
    pub text: Cow<'t, str>,
    /// Where the distance between text and raw bytes changes: from this byte of the text on, its bytes stand in the
    /// raw bytes from that byte on. Empty when nothing was escaped.
    shifts: Vec<(u32, u32)>,
    raw_start: usize,
}

impl<'t> Unescaped<'t> {
    /// Unescapes the content of a valid string literal: `raw` without its quotes, at `raw_start`. A lone surrogate
    /// becomes U+FFFD.
    pub fn new(raw: &'t str, raw_start: usize) -> Unescaped<'t> {
        let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
            return Unescaped {
                text: Cow::Borrowed(raw),
                shifts: Vec::new(),
                raw_start,
            };
        };
        let mut text = String::with_capacity(raw.len());
        let mut shifts = Vec::new();
        let mut at = 0;
        let mut next = Some(first);
        while let Some(backslash) = next {
            text.push_str(&raw[at..backslash]);
            let (decoded, length) = escape(&raw.as_bytes()[backslash..]);
            shifts.push((text.len() as u32, backslash as u32));
            text.push(decoded);
            at = backslash + length;
            shifts.push((text.len() as u32, at as u32));
            next = memchr::memchr(b'\\', &raw.as_bytes()[at..]).map(|index| at + index);
        }
        text.push_str(&raw[at..]);
        Unescaped {
            text: Cow::Owned(text),
            shifts,
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

    /// Where the raw bytes of the text begin and end.
    pub fn raw_range(&self) -> (usize, usize) {
        (self.raw_start, self.raw_offset(self.text.len()))
    }

    /// The raw offset of `at`, a character boundary of the text or its end.
    fn raw_offset(&self, at: usize) -> usize {
        let after = self.shifts.partition_point(|shift| shift.0 as usize <= at);
        let offset = match after.checked_sub(1).map(|index| self.shifts[index]) {
            Some((text, raw)) => raw as usize + (at - text as usize),
            None => at,
        };
        self.raw_start + offset
    }
}

/// The text of the content of a string literal.
pub(super) fn unescape(raw: &str) -> String {
    Unescaped::new(raw, 0).text.into_owned()
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
        Some(other) if other.is_ascii() => char::from(*other),
        // A key that was cut off within an escape.
        _ => return ('\\', 1),
    };
    (simple, 2)
}

fn unicode_escape(raw: &[u8]) -> (char, usize) {
    let unit = |from: usize| -> Option<u32> {
        let digits = std::str::from_utf8(raw.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(2) else {
        // A key that was cut off within an escape.
        return ('\\', 1);
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
pub(super) enum Joined<'t> {
    Single(Unescaped<'t>),
    Several {
        text: String,
        /// Each string with the offset of its text in the joined text.
        parts: Vec<(usize, Unescaped<'t>)>,
    },
}

impl<'t> Joined<'t> {
    pub fn single(part: Unescaped<'t>) -> Joined<'t> {
        Joined::Single(part)
    }

    pub fn of(strings: impl IntoIterator<Item = Unescaped<'t>>) -> Joined<'t> {
        let mut text = String::new();
        let mut parts = Vec::new();
        for part in strings {
            let offset = text.len();
            text.push_str(&part.text);
            parts.push((offset, part));
        }
        Joined::Several { text, parts }
    }

    pub fn text(&self) -> &str {
        match self {
            Joined::Single(part) => &part.text,
            Joined::Several { text, .. } => text,
        }
    }

    /// Turns an edit of the joined text into edits of the raw bytes: the replacement, escaped for a string, goes
    /// where the value begins; what the value takes of later strings is removed.
    pub fn raw_edits(&self, edit: Edit) -> Vec<Edit> {
        let parts = match self {
            Joined::Single(part) => return vec![part.raw_edit(edit)],
            Joined::Several { parts, .. } => parts,
        };
        let mut replacement = Some((escaped(&edit.replacement), edit.removed));
        let mut edits = Vec::new();
        let first = parts.partition_point(|(offset, part)| offset + part.text.len() <= edit.start);
        for (offset, part) in &parts[first..] {
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
        assert_eq!(unescaped.raw_range(), (10, 10 + raw.len()));
    }

    #[test]
    fn a_cut_escape_stands_for_itself() {
        assert_eq!(unescape(r"a\u00"), r"a\u00");
        assert_eq!(unescape("a\\"), "a\\");
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
