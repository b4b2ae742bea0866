//! Parses JSON into its leaves, strictly by RFC 8259.

use super::document::{Leaf, LeafKind, Node, Path, ROOT, Step, Tree};
use super::{MAX_DEPTH, RedactError};

/// Parses `text` into the empty `tree`.
pub(super) fn parse(text: &str, tree: &mut Tree) -> Result<(), RedactError> {
    let mut walker = Walker::new(text, tree);
    walker.white_space();
    walker.value()?;
    walker.white_space();
    if walker.at != walker.bytes.len() {
        return Err(walker.error());
    }
    Ok(())
}

/// Whether `raw` is the whole content of a string literal.
pub(super) fn is_string_content(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut tree = Tree::default();
    let mut walker = Walker::new(raw, &mut tree);
    while walker.at < bytes.len() {
        let stop = memchr::memchr2(b'"', b'\\', &bytes[walker.at..]);
        let next = stop.map_or(bytes.len(), |stop| walker.at + stop);
        let control = bytes[walker.at..next].iter().any(|byte| *byte < 0x20);
        if control || bytes.get(next) == Some(&b'"') {
            return false;
        }
        walker.at = next;
        if next < bytes.len() {
            let Ok(length) = walker.escape_length() else {
                return false;
            };
            walker.at += length;
        }
    }
    true
}

struct Walker<'t> {
    bytes: &'t [u8],
    at: usize,
    path: Path,
    depth: usize,
    tree: &'t mut Tree,
}

impl<'t> Walker<'t> {
    fn new(text: &'t str, tree: &'t mut Tree) -> Walker<'t> {
        Walker {
            bytes: text.as_bytes(),
            at: 0,
            path: ROOT,
            depth: 0,
            tree,
        }
    }

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
                let literal = [&b"true"[..], b"false", b"null"]
                    .into_iter()
                    .find(|word| self.bytes[self.at..].starts_with(word));
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
            let above = self.path;
            self.step(Step::Key(start as u32, end as u32));
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
            let above = self.path;
            self.step(Step::Index(index));
            self.value()?;
            self.path = above;
            index += 1;
            if self.ends_member(b']')? {
                return Ok(());
            }
        }
    }

    /// Goes one step down from the current path.
    fn step(&mut self, step: Step) {
        self.tree.nodes.push(Node {
            above: self.path,
            step,
        });
        self.path = (self.tree.nodes.len() - 1) as Path;
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
            // Control characters are refused below: what stands before the quote or backslash is looked at once.
            let stop = memchr::memchr2(b'"', b'\\', &self.bytes[self.at..]);
            let next = stop.map_or(self.bytes.len(), |stop| self.at + stop);
            if let Some(control) = self.bytes[self.at..next].iter().position(|byte| *byte < 0x20) {
                self.at += control;
                return Err(self.error());
            }
            self.at = next;
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
        let path = self.path;
        self.tree.leaves.push(Leaf {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_of_a_string_literal_is_told() {
        assert!(is_string_content("a\\n\\u00e9b") && is_string_content(""));
        for raw in ["a\"b", "\\", "\\u12", "\n", "\\x"] {
            assert!(!is_string_content(raw), "{raw:?}");
        }
    }
}
