//! Walks JSON by its raw bytes, leaf by leaf, so that everything but the edits stays byte-equal.

use super::edits::{Edit, Pass};
use super::json_text::{Joined, Unescaped};
use super::labels::Labels;
use super::logprobs::TokenLists;
use super::path::Path;
use super::{MAX_DEPTH, RedactError};
use crate::placeholder_token::TokenMaker;

/// JSON inside a string inside JSON: levels that are walked.
const MAX_NESTED_DOCUMENTS: usize = 4;

/// A leaf of a document.
pub(super) struct Leaf {
    pub kind: LeafKind,
    /// Raw bytes: a string's content without its quotes, or a number.
    pub start: usize,
    pub end: usize,
    pub path: Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    String,
    Number,
    /// A key of an object.
    Key,
}

/// Redacts the document `text`, which stands in the current text from `offset`.
pub(super) fn redact_document<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    text: &str,
    offset: usize,
    pointer_prefix: &str,
) -> Result<(), RedactError> {
    for edit in document_edits(pass, text, pointer_prefix, 0)? {
        pass.edits.push(Edit {
            start: edit.start + offset,
            end: edit.end + offset,
            ..edit
        });
    }
    Ok(())
}

fn document_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    text: &str,
    pointer_prefix: &str,
    level: usize,
) -> Result<Vec<Edit>, RedactError> {
    let mut edits = Vec::new();
    let mut token_lists = TokenLists::default();
    let leaves = leaves(text)?;
    let labels = Labels::of(text, &leaves);
    for leaf in &leaves {
        token_lists.note(text, 0, leaf, "");
        let key = labels.context_key(leaf);
        edits.extend(leaf_edits(pass, text, leaf, &key, pointer_prefix, level)?);
    }
    edits.extend(token_lists.edits(pass));
    Ok(edits)
}

/// The edits of one leaf, in offsets of `text`; `key` is its context.
pub(super) fn leaf_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    text: &str,
    leaf: &Leaf,
    key: &str,
    pointer_prefix: &str,
    level: usize,
) -> Result<Vec<Edit>, RedactError> {
    let raw = &text[leaf.start..leaf.end];
    // No identifier has fewer than three characters.
    if raw.len() < 3 {
        return Ok(Vec::new());
    }
    let pointer = || format!("{pointer_prefix}{}", leaf.path.pointer());
    match leaf.kind {
        LeafKind::Number => {
            let spans = pass.scan(raw, key);
            // The whole number goes: half a number beside a placeholder would not be JSON.
            let edit = spans.first().map(|span| {
                let edit = pass.edit(raw, span, &pointer());
                Edit {
                    start: leaf.start,
                    end: leaf.end,
                    replacement: format!("\"{}\"", edit.replacement),
                    ..edit
                }
            });
            Ok(edit.into_iter().collect())
        }
        LeafKind::Key => string_edits(
            pass,
            Joined::single(Unescaped::new(raw, leaf.start)),
            "",
            &pointer(),
            level,
        ),
        LeafKind::String => string_edits(
            pass,
            Joined::single(Unescaped::new(raw, leaf.start)),
            key,
            &pointer(),
            level,
        ),
    }
}

/// The edits of a string, in offsets of the text its parts stand in. A string that holds a document is walked.
pub(super) fn string_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    joined: Joined,
    key: &str,
    pointer: &str,
    level: usize,
) -> Result<Vec<Edit>, RedactError> {
    let unit = joined.text.as_str();
    let mut edits = Vec::new();
    let nested = holds_document(unit) && level < MAX_NESTED_DOCUMENTS;
    let inner = if nested {
        document_edits(pass, unit, &format!("{pointer}#"), level + 1)
    } else {
        Ok(Vec::new())
    };
    match inner {
        Ok(inner) if nested => inner
            .into_iter()
            .for_each(|edit| edits.extend(joined.raw_edits(edit))),
        // What only looks like a document is text.
        _ => {
            for span in pass.scan(unit, key) {
                edits.extend(joined.raw_edits(pass.edit(unit, &span, pointer)));
            }
        }
    }
    Ok(edits)
}

fn holds_document(text: &str) -> bool {
    let trimmed = text.trim();
    let bracketed = (trimmed.starts_with('{') && trimmed.ends_with('}'))
        || (trimmed.starts_with('[') && trimmed.ends_with(']'));
    bracketed && trimmed.len() > 2
}

/// Every leaf of the document `text`, strictly by RFC 8259.
pub(super) fn leaves(text: &str) -> Result<Vec<Leaf>, RedactError> {
    let mut walker = Walker {
        bytes: text.as_bytes(),
        text,
        at: 0,
        path: Path::default(),
        depth: 0,
        leaves: Vec::new(),
    };
    walker.white_space();
    walker.value()?;
    walker.white_space();
    if walker.at != walker.bytes.len() {
        return Err(walker.error());
    }
    Ok(walker.leaves)
}

struct Walker<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    path: Path,
    depth: usize,
    leaves: Vec<Leaf>,
}

impl Walker<'_> {
    /// One value. Recursion is bounded by [`MAX_DEPTH`].
    fn value(&mut self) -> Result<(), RedactError> {
        match self.bytes.get(self.at) {
            Some(b'{') => {
                self.object()?;
                self.depth -= 1;
                Ok(())
            }
            Some(b'[') => {
                self.array()?;
                self.depth -= 1;
                Ok(())
            }
            Some(b'"') => {
                let (start, end) = self.string()?;
                self.leaf(LeafKind::String, start, end);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let literal = ["true", "false", "null"]
                    .into_iter()
                    .find(|word| self.text[self.at..].starts_with(word));
                self.at += literal.ok_or_else(|| self.error())?.len();
                Ok(())
            }
        }
    }

    fn object(&mut self) -> Result<(), RedactError> {
        self.enter()?;
        if self.closes(b'}') {
            return Ok(());
        }
        loop {
            let (start, end) = self.string()?;
            let above = self.path.clone();
            self.path = above.key(&Unescaped::new(&self.text[start..end], start).text);
            self.leaf(LeafKind::Key, start, end);
            self.white_space();
            self.expect(b':')?;
            self.white_space();
            self.value()?;
            self.path = above;
            if self.ends_member(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self) -> Result<(), RedactError> {
        self.enter()?;
        if self.closes(b']') {
            return Ok(());
        }
        let mut index = 0;
        loop {
            let above = self.path.clone();
            self.path = above.index(index);
            self.value()?;
            self.path = above;
            index += 1;
            if self.ends_member(b']')? {
                return Ok(());
            }
        }
    }

    fn enter(&mut self) -> Result<(), RedactError> {
        if self.depth >= MAX_DEPTH {
            return Err(RedactError::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        self.white_space();
        Ok(())
    }

    /// Reads `byte` if it is next.
    fn closes(&mut self, bracket: u8) -> bool {
        let closes = self.bytes.get(self.at) == Some(&bracket);
        self.at += usize::from(closes);
        closes
    }

    /// Reads `,` (false) or the closing bracket (true).
    fn ends_member(&mut self, bracket: u8) -> Result<bool, RedactError> {
        self.white_space();
        if self.closes(bracket) {
            return Ok(true);
        }
        self.expect(b',')?;
        self.white_space();
        Ok(false)
    }

    fn expect(&mut self, byte: u8) -> Result<(), RedactError> {
        if self.closes(byte) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    /// A string literal: the range of its content.
    fn string(&mut self) -> Result<(usize, usize), RedactError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            let stop = self.bytes[self.at..]
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20);
            self.at += stop.unwrap_or(self.bytes.len() - self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((start, self.at - 1));
                }
                Some(b'\\') => self.at += self.escape_length()?,
                _ => return Err(self.error()),
            }
        }
    }

    fn escape_length(&self) -> Result<usize, RedactError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => {
                let digits = self
                    .bytes
                    .get(self.at + 2..self.at + 6)
                    .ok_or_else(|| self.error())?;
                if digits.iter().all(u8::is_ascii_hexdigit) {
                    Ok(6)
                } else {
                    Err(self.error())
                }
            }
            _ => Err(self.error()),
        }
    }

    fn number(&mut self) -> Result<(), RedactError> {
        let start = self.at;
        self.closes(b'-');
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.error()),
        }
        if self.closes(b'.') {
            self.digits()?;
        }
        if self.closes(b'e') || self.closes(b'E') {
            if !self.closes(b'+') {
                self.closes(b'-');
            }
            self.digits()?;
        }
        self.leaf(LeafKind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), RedactError> {
        let count = self.bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        if count == 0 { Err(self.error()) } else { Ok(()) }
    }

    fn white_space(&mut self) {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.bytes[self.at..].iter().take_while(is_space).count();
    }

    fn leaf(&mut self, kind: LeafKind, start: usize, end: usize) {
        let path = self.path.clone();
        self.leaves.push(Leaf {
            kind,
            start,
            end,
            path,
        });
    }

    fn error(&self) -> RedactError {
        RedactError::NotJson { at: self.at }
    }
}
