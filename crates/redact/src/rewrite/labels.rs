//! Objects that name their value beside it: `{"name": "ssn", "value": "536904399"}`, as forms, headers, tool
//! arguments and FHIR identifiers do.

use std::collections::HashMap;

use super::document::{Document, Leaf, LeafKind};

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
    by_object: HashMap<u32, Vec<&'t str>>,
}

impl<'t> Labels<'t> {
    /// Reads the labels in `document`. Documents without a value key cost one look at each leaf.
    pub fn of(document: &Document<'t>) -> Labels<'t> {
        let mut by_object: HashMap<u32, Vec<&'t str>> = HashMap::new();
        let leaves = document.leaves();
        if leaves.iter().any(|leaf| is_value(document, leaf)) {
            for leaf in leaves.iter().filter(|leaf| is_label(document, leaf)) {
                by_object
                    .entry(document.object_id(leaf))
                    .or_default()
                    .push(document.raw(leaf));
            }
        }
        Labels { by_object }
    }

    /// Writes the context of `leaf` into `name`: the names on its path, and the labels beside it when it is a value.
    pub fn context_key(&self, document: &Document<'_>, leaf: &Leaf, name: &mut String) {
        document.context_key(leaf, name);
        if self.by_object.is_empty() || !is_value(document, leaf) {
            return;
        }
        for label in self
            .by_object
            .get(&document.object_id(leaf))
            .into_iter()
            .flatten()
        {
            name.push('.');
            name.push_str(label);
        }
    }
}

fn is_value(document: &Document<'_>, leaf: &Leaf) -> bool {
    leaf.kind != LeafKind::Key
        && document
            .last_key(leaf)
            .is_some_and(|key| VALUE_KEYS.contains(&&*key))
}

/// Whether `leaf` says what a value beside it is.
pub(super) fn is_label(document: &Document<'_>, leaf: &Leaf) -> bool {
    leaf.kind == LeafKind::String
        && leaf.end - leaf.start <= MAX_LABEL
        && document
            .last_key(leaf)
            .is_some_and(|key| LABEL_KEYS.contains(&&*key))
}
