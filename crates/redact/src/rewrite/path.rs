//! Paths of leaves: shared lists, so that a leaf's path costs nothing however long its keys are.

use std::rc::Rc;

/// Longest key that is kept for pointers and context, in bytes; the rest of a longer one says nothing more.
const MAX_KEY: usize = 256;

/// The steps from the document to a leaf.
#[derive(Debug, Clone, Default)]
pub(super) struct Path(Option<Rc<Node>>);

#[derive(Debug)]
struct Node {
    above: Path,
    step: Step,
}

/// One step from a container to its member.
#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Path {
    /// The path of the member `key` of the object at this path.
    pub fn key(&self, key: &str) -> Path {
        let mut length = key.len().min(MAX_KEY);
        while !key.is_char_boundary(length) {
            length -= 1;
        }
        self.step(Step::Key(key[..length].to_owned()))
    }

    /// The path of the item `index` of the array at this path.
    pub fn index(&self, index: usize) -> Path {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Path {
        Path(Some(Rc::new(Node {
            above: self.clone(),
            step,
        })))
    }

    /// The member's key, unless the leaf is an item of an array.
    pub fn last_key(&self) -> Option<&str> {
        match &self.0.as_ref()?.step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    /// Identifies the object or array that the leaf is a member of, while any of its leaves lives.
    pub fn object_id(&self) -> usize {
        let above = self.0.as_ref().and_then(|node| node.above.0.as_ref());
        above.map_or(0, |node| Rc::as_ptr(node) as usize)
    }

    /// The key of the leaf, or of the array it is in.
    pub fn nearest_key(&self) -> Option<&str> {
        self.steps().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
    }

    /// Whether one of the steps is the member `key`.
    pub fn has_key(&self, key: &str) -> bool {
        self.steps()
            .any(|step| matches!(step, Step::Key(known) if known == key))
    }

    /// The names that speak for a leaf's value: its key and the one above, `patient.ssn`. Items of an array go by
    /// the array's key.
    pub fn context_key(&self) -> String {
        let mut keys = self.steps().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        });
        match (keys.next(), keys.next()) {
            (Some(last), Some(above)) => format!("{above}.{last}"),
            (Some(last), None) => last.to_owned(),
            _ => String::new(),
        }
    }

    /// JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let mut steps: Vec<&Step> = self.steps().collect();
        steps.reverse();
        let mut pointer = String::new();
        for step in steps {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    /// The steps, from the leaf upwards.
    fn steps(&self) -> impl Iterator<Item = &Step> {
        let mut node = self.0.as_deref();
        std::iter::from_fn(move || {
            let current = node?;
            node = current.above.0.as_deref();
            Some(&current.step)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped_and_context_skips_indexes() {
        let path = Path::default().key("patient").key("ssn/~").index(3);
        assert_eq!(path.pointer(), "/patient/ssn~1~0/3");
        assert_eq!(path.context_key(), "patient.ssn/~");
        assert_eq!(path.last_key(), None);
        assert_eq!(Path::default().pointer(), "");
    }
}
