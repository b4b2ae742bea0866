//! A JSON document as its leaves: where each stands in the raw bytes, and the path that leads to it. Nothing is
//! copied: keys are read from the document itself.

use std::borrow::Cow;

use super::json_text::unescape;
use super::parser::parse;
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
    pub(super) path: Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafKind {
    String,
    Number,
    /// A key of an object.
    Key,
}

/// Index of a node, or [`ROOT`].
pub(super) type Path = u32;
pub(super) const ROOT: Path = u32::MAX;

/// One step from a container to its member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The member of an object; where its key stands, without quotes.
    Key(u32, u32),
    /// The item of an array.
    Index(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub above: Path,
    pub step: Step,
}

/// What parsing finds; its memory serves one document after the other.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub leaves: Vec<Leaf>,
    pub nodes: Vec<Node>,
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
        parse(text, self)
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
        assert_eq!(at(&"[".repeat(MAX_DEPTH + 1)), Err(RedactError::TooDeep));
    }
}
