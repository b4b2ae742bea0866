//! A JSON document as its leaves: where each stands in the raw bytes, and the path that leads to it. Strictly by
//! RFC 8259, without copying: keys are read from the document itself.

use std::borrow::Cow;

use super::json_text::unescape;
use super::{MAX_DEPTH, RedactError};

/// Longest key that is kept for pointers and context, in bytes; the rest of a longer one says nothing more.
const MAX_KEY: usize = 256;

/// A leaf of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub kind: LeafKind,
    /// Raw bytes: a string's content without its quotes, or a number.
    pub start: usize,
    pub end: usize,
    path: Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    String,
    Number,
    /// A key of an object.
    Key,
}

/// Index of a node, or [`ROOT`].
type Path = u32;
const ROOT: Path = u32::MAX;

/// One step from a container to its member.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The member of an object; where its key stands, without quotes.
    Key(u32, u32),
    /// The item of an array.
    Index(u32),
}

#[derive(Debug, Clone, Copy)]
struct Node {
    above: Path,
    step: Step,
}

/// What parsing finds; its memory serves one document after the other.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub leaves: Vec<Leaf>,
    nodes: Vec<Node>,
}

/// A parsed document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'t> {
    pub text: &'t str,
    tree: &'t Tree,
}

impl Tree {
    /// Parses `text`, replacing what was parsed before.
    pub fn parse(&mut self, text: &str) -> Result<(), RedactError> {
        self.leaves.clear();
        self.nodes.clear();
        let mut walker = Walker {
            bytes: text.as_bytes(),
            at: 0,
            path: ROOT,
            depth: 0,
            tree: self,
        };
        walker.white_space();
        walker.value()?;
        walker.white_space();
        if walker.at != walker.bytes.len() {
            return Err(walker.error());
        }
        Ok(())
    }
}

impl<'t> Document<'t> {
    /// The document that `tree` was parsed from.
    pub fn new(text: &'t str, tree: &'t Tree) -> Document<'t> {
        Document { text, tree }
    }

    pub fn leaves(&self) -> &'t [Leaf] {
        &self.tree.leaves
    }

    /// The raw content of `leaf`.
    pub fn raw(&self, leaf: &Leaf) -> &'t str {
        &self.text[leaf.start..leaf.end]
    }

    /// The member's key, unless the leaf is an item of an array.
    pub fn last_key(&self, leaf: &Leaf) -> Option<Cow<'t, str>> {
        match self.node(leaf.path)?.step {
            Step::Key(start, end) => Some(self.key(start, end)),
            Step::Index(_) => None,
        }
    }

    /// The key of the leaf, or of the array it is in.
    pub fn nearest_key(&self, leaf: &Leaf) -> Option<Cow<'t, str>> {
        self.keys(leaf).next()
    }

    /// Whether one of the steps to the leaf is the member `key`.
    pub fn has_key(&self, leaf: &Leaf, key: &str) -> bool {
        self.keys(leaf).any(|known| known == key)
    }

    /// Whether the leaf is a member of the outermost object.
    pub fn is_at_top(&self, leaf: &Leaf) -> bool {
        self.node(leaf.path).is_some_and(|node| node.above == ROOT)
    }

    /// Identifies the object or array that the leaf is a member of.
    pub fn object_id(&self, leaf: &Leaf) -> u32 {
        self.node(leaf.path).map_or(ROOT, |node| node.above)
    }

    /// Writes the names that speak for a leaf's value into `name`: its key and the one above, `patient.ssn`. Items
    /// of an array go by the array's key.
    pub fn context_key(&self, leaf: &Leaf, name: &mut String) {
        name.clear();
        let mut keys = self.keys(leaf);
        let last = keys.next();
        if let Some(above) = keys.next() {
            name.push_str(&above);
            name.push('.');
        }
        name.push_str(last.as_deref().unwrap_or_default());
    }

    /// Writes the leaf's JSON pointer (RFC 6901) at the end of `pointer`.
    pub fn pointer(&self, leaf: &Leaf, pointer: &mut String) {
        let mut steps = [Step::Index(0); MAX_DEPTH + 1];
        let mut count = 0;
        let mut path = leaf.path;
        while let Some(node) = self.node(path) {
            steps[count] = node.step;
            count += 1;
            path = node.above;
        }
        for step in steps[..count].iter().rev() {
            pointer.push('/');
            match *step {
                Step::Key(start, end) => {
                    for character in self.key(start, end).chars() {
                        match character {
                            '~' => pointer.push_str("~0"),
                            '/' => pointer.push_str("~1"),
                            other => pointer.push(other),
                        }
                    }
                }
                Step::Index(index) => {
                    // Writing to a string cannot fail.
                    let _ = std::fmt::Write::write_fmt(pointer, format_args!("{index}"));
                }
            }
        }
    }

    fn node(&self, path: Path) -> Option<&'t Node> {
        self.tree.nodes.get(path as usize)
    }

    /// The keys on the path, from the leaf upwards.
    fn keys(&self, leaf: &Leaf) -> impl Iterator<Item = Cow<'t, str>> {
        let document = *self;
        let mut path = leaf.path;
        std::iter::from_fn(move || {
            loop {
                let node = document.node(path)?;
                path = node.above;
                if let Step::Key(start, end) = node.step {
                    return Some(document.key(start, end));
                }
            }
        })
    }

    fn key(&self, start: u32, end: u32) -> Cow<'t, str> {
        let raw = &self.text[start as usize..end as usize];
        let mut length = raw.len().min(MAX_KEY);
        while !raw.is_char_boundary(length) {
            length -= 1;
        }
        let raw = &raw[..length];
        if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
            return Cow::Borrowed(raw);
        }
        Cow::Owned(unescape(raw))
    }
}

/// Whether `raw` is the whole content of a string literal.
pub(super) fn is_string_content(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut tree = Tree::default();
    let mut walker = Walker {
        bytes,
        at: 0,
        path: ROOT,
        depth: 0,
        tree: &mut tree,
    };
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
    fn pointers_are_escaped_and_context_skips_indexes() {
        let text = r#"{"patient":{"ssn/~":[1,2,{"\u0061b":3}]}}"#;
        let mut tree = Tree::default();
        tree.parse(text).unwrap();
        let document = Document::new(text, &tree);
        let leaf = |raw: &str| {
            document
                .leaves()
                .iter()
                .find(|leaf| document.raw(leaf) == raw)
                .unwrap()
        };
        let pointer = |raw| {
            let mut pointer = String::new();
            document.pointer(leaf(raw), &mut pointer);
            pointer
        };
        let context = |raw| {
            let mut name = String::new();
            document.context_key(leaf(raw), &mut name);
            name
        };
        assert_eq!(pointer("2"), "/patient/ssn~1~0/1");
        assert_eq!(context("2"), "patient.ssn/~");
        assert_eq!(document.last_key(leaf("2")), None);
        assert_eq!(pointer("3"), "/patient/ssn~1~0/2/ab");
        assert_eq!(context("3"), "ssn/~.ab");
        tree.parse("7").unwrap();
        let document = Document::new("7", &tree);
        let mut pointer = String::new();
        document.pointer(&document.leaves()[0], &mut pointer);
        assert_eq!(pointer, "");
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        let at = |text: &str| Tree::default().parse(text);
        assert_eq!(at("{\"a\":\"\n\"}"), Err(RedactError::NotJson { at: 6 }));
        assert_eq!(at("[1,]"), Err(RedactError::NotJson { at: 3 }));
        assert_eq!(at("1 2"), Err(RedactError::NotJson { at: 2 }));
        assert!(is_string_content("a\\n\\u00e9b") && is_string_content(""));
        for raw in ["a\"b", "\\", "\\u12", "\n", "\\x"] {
            assert!(!is_string_content(raw), "{raw:?}");
        }
        assert_eq!(at(&"[".repeat(MAX_DEPTH + 1)), Err(RedactError::TooDeep));
    }
}
