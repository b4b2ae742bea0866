//! Objects that name their value beside it: `{"name": "ssn", "value": "536904399"}`, as forms, headers, tool
//! arguments and FHIR identifiers do.

use std::collections::HashMap;

use super::json::{Leaf, LeafKind};

/// Keys that hold the value.
const VALUE_KEYS: [&str; 4] = ["value", "val", "answer", "values"];
/// Keys that say what it is.
const LABEL_KEYS: [&str; 9] = [
    "name", "key", "field", "label", "type", "system", "question", "id", "code",
];
/// Longer labels are sentences of something else.
const MAX_LABEL: usize = 64;

/// The labels of a document's objects.
pub(super) struct Labels<'t> {
    by_object: HashMap<usize, Vec<&'t str>>,
}

impl<'t> Labels<'t> {
    /// Reads the labels among the `leaves` of `text`. Documents without a value key cost one look at each leaf.
    pub fn of(text: &'t str, leaves: &[Leaf]) -> Labels<'t> {
        let mut by_object: HashMap<usize, Vec<&'t str>> = HashMap::new();
        if leaves.iter().any(is_value) {
            for leaf in leaves.iter().filter(|leaf| is_label(leaf)) {
                by_object
                    .entry(leaf.path.object_id())
                    .or_default()
                    .push(&text[leaf.start..leaf.end]);
            }
        }
        Labels { by_object }
    }

    /// The context of `leaf`: the names on its path, and the labels beside it when it is a value.
    pub fn context_key(&self, leaf: &Leaf) -> String {
        let key = leaf.path.context_key();
        if !is_value(leaf) {
            return key;
        }
        match self.by_object.get(&leaf.path.object_id()) {
            Some(labels) => format!("{key}.{}", labels.join(".")),
            None => key,
        }
    }
}

fn is_value(leaf: &Leaf) -> bool {
    leaf.kind != LeafKind::Key && leaf.path.last_key().is_some_and(|key| VALUE_KEYS.contains(&key))
}

fn is_label(leaf: &Leaf) -> bool {
    let short = leaf.end - leaf.start <= MAX_LABEL;
    short
        && leaf.kind == LeafKind::String
        && leaf.path.last_key().is_some_and(|key| LABEL_KEYS.contains(&key))
}
