//! The members of one canonical JSON object, read in place.
//!
//! A scan proves most headers canonical without building a value: plain strings, whole numbers, sorted ASCII names.
//! Whatever it is not sure of is judged by [`parse_canonical`].

use std::borrow::Cow;

use serde_json::Value;

use super::{JcsError, MAX_SAFE_INTEGER, parse_canonical};

/// Nesting that the scan follows; deeper text is left to the full parser.
const SCAN_DEPTH: usize = 16;

/// Name and raw value of each member of an object that is in RFC 8785 form.
#[derive(Clone, Debug, Default)]
pub struct Members<'a> {
    /// Ascending by name; names as they stand between their quotes.
    entries: Vec<(&'a str, Raw<'a>)>,
}

/// The canonical text of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Members<'a> {
    /// The members of these bytes.
    ///
    /// # Errors
    /// Exactly when [`parse_canonical`] refuses the bytes, or they are no object.
    pub fn read(bytes: &'a [u8]) -> Result<Members<'a>, JcsError> {
        let text = std::str::from_utf8(bytes).map_err(|error| JcsError::Json(error.to_string()))?;
        let mut scan = Scan {
            text,
            bytes,
            at: 0,
            is_certain: true,
        };
        let mut members = Members {
            entries: Vec::with_capacity(32),
        };
        let is_followed = scan.object(0, Some(&mut members.entries)).is_some() && scan.at == bytes.len();
        if is_followed && scan.is_certain {
            return Ok(members);
        }
        match parse_canonical(bytes)? {
            Value::Object(_) if is_followed => Ok(members),
            _ => Err(JcsError::Json("not an object".to_owned())),
        }
    }

    /// The value of a member; the name must need no escapes.
    pub fn get(&self, name: &str) -> Option<Raw<'a>> {
        let found = self.entries.binary_search_by(|(known, _)| known.cmp(&name));
        match found {
            Ok(position) => Some(self.entries[position].1),
            // Names beyond ASCII may be in another order than their bytes.
            Err(_) => self
                .entries
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, raw)| *raw),
        }
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Raw<'a>)> + '_ {
        self.entries.iter().copied()
    }
}

impl<'a> Raw<'a> {
    /// The text as it stands.
    pub fn as_text(self) -> &'a str {
        self.0
    }

    /// The string that the value is.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return serde_json::from_str(self.0).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(inner))
    }

    /// Whether the value is this string.
    pub fn is_string(self, text: &str) -> bool {
        self.string().is_some_and(|found| found == text)
    }

    /// The integer that the value is.
    pub fn integer(self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The integer, not negative, that the value is.
    pub fn unsigned(self) -> Option<u64> {
        self.0.parse().ok()
    }

    pub fn boolean(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The members of the object that the value is.
    pub fn members(self) -> Option<Members<'a>> {
        Members::read(self.0.as_bytes()).ok()
    }

    /// The value, built.
    pub fn value(self) -> Value {
        // It was read once, so it can be read again.
        serde_json::from_str(self.0).unwrap_or(Value::Null)
    }
}

type Entries<'a> = Vec<(&'a str, Raw<'a>)>;

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// False once something was met that only the full parser can judge.
    is_certain: bool,
}

impl<'a> Scan<'a> {
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Follows an object; gives its members when they are asked for. `None`: the text is none.
    fn object(&mut self, depth: usize, mut entries: Option<&mut Entries<'a>>) -> Option<()> {
        self.take(b'{')?;
        if self.peek() == Some(b'}') {
            return self.take(b'}');
        }
        let mut previous: Option<&str> = None;
        loop {
            let name = self.string()?;
            let name = &name[1..name.len() - 1];
            self.is_certain &= name.is_ascii() && !name.contains('\\');
            self.is_certain &= previous.is_none_or(|previous| previous < name);
            previous = Some(name);
            self.take(b':')?;
            let start = self.at;
            self.value(depth + 1)?;
            if let Some(entries) = entries.as_deref_mut() {
                entries.push((name, Raw(&self.text[start..self.at])));
            }
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[')?;
        if self.peek() == Some(b']') {
            return self.take(b']');
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > SCAN_DEPTH {
            self.is_certain = false;
            return self.skip_nested();
        }
        match self.peek()? {
            b'{' => self.object(depth, None),
            b'[' => self.array(depth),
            b'"' => self.string().map(|_| ()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word.as_bytes())
            .then(|| self.at += word.len())
    }

    /// The string with its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(&self.text[start..self.at]),
                b'\\' => {
                    // Canonical are these short forms; \u is for the parser.
                    self.is_certain &=
                        matches!(self.peek()?, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't');
                    self.at += 1;
                }
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_plain = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (!digits.starts_with('0') || text == "0")
            && digits
                .parse::<u64>()
                .is_ok_and(|number| number <= MAX_SAFE_INTEGER);
        self.is_certain &= is_plain;
        (!text.is_empty()).then_some(())
    }

    /// Follows brackets without looking deeper.
    fn skip_nested(&mut self) -> Option<()> {
        let mut open = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' if open > 0 => {
                    open -= 1;
                    self.at += 1;
                }
                b',' | b'}' | b']' if open == 0 => return Some(()),
                _ => self.at += 1,
            }
            if open == 0 && matches!(self.peek(), Some(b',' | b'}' | b']')) {
                return Some(());
            }
        }
    }
}
