//! Redacts JSON leaf by leaf, so that everything but the edits stays byte-equal.

use super::RedactError;
use super::document::{Document, Leaf, LeafKind, Tree};
use super::edits::{Edit, Pass};
use super::json_text::{Joined, Unescaped};
use super::labels::Labels;
use super::logprobs::TokenLists;
use crate::placeholder_token::TokenMaker;

/// JSON inside a string inside JSON: levels that are walked.
const MAX_NESTED_DOCUMENTS: usize = 4;

/// Where a leaf stands outside its document: what goes before its own pointer.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub prefix: &'p str,
    /// Documents around it.
    pub level: usize,
}

/// Redacts the document `text`, the whole of the current text.
pub(super) fn redact_document<T: TokenMaker>(pass: &mut Pass<'_, T>, text: &str) -> Result<(), RedactError> {
    let mut tree = Tree::default();
    tree.parse(text)?;
    redact_parsed(pass, text, &tree)
}

/// As [`redact_document`], for a text that is parsed already.
pub(super) fn redact_parsed<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    text: &str,
    tree: &Tree,
) -> Result<(), RedactError> {
    let document = Document::new(text, tree);
    if document
        .leaves()
        .iter()
        .any(|leaf| names_others(&document, leaf) && pass.was_edited(leaf.start, leaf.end))
    {
        pass.forget_settled();
    }
    let edits = document_edits(pass, document, Place { prefix: "", level: 0 })?;
    pass.edits.extend(edits);
    Ok(())
}

/// Whether other leaves are judged by what `leaf` says: a key, or a label beside a value.
pub(super) fn names_others(document: &Document<'_>, leaf: &Leaf) -> bool {
    leaf.kind == LeafKind::Key || super::labels::is_label(document, leaf)
}

fn document_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    document: Document<'_>,
    place: Place<'_>,
) -> Result<Vec<Edit>, RedactError> {
    let mut edits = Vec::new();
    let mut token_lists = TokenLists::default();
    let labels = Labels::of(&document);
    let mut key = String::new();
    for (index, leaf) in document.leaves().iter().enumerate() {
        token_lists.note(&document, 0, leaf, "");
        if place.level == 0 && pass.is_settled(index, leaf.start, leaf.end) {
            continue;
        }
        labels.context_key(&document, leaf, &mut key);
        leaf_edits(pass, &document, leaf, &key, place, &mut edits)?;
    }
    edits.extend(token_lists.edits(pass));
    Ok(edits)
}

/// Adds the edits of one leaf, in offsets of the document; `key` is its context.
pub(super) fn leaf_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    document: &Document<'_>,
    leaf: &Leaf,
    key: &str,
    place: Place<'_>,
    edits: &mut Vec<Edit>,
) -> Result<(), RedactError> {
    let raw = document.raw(leaf);
    // No identifier has fewer than three characters.
    if raw.len() < 3 {
        return Ok(());
    }
    let pointer = || {
        let mut pointer = place.prefix.to_owned();
        document.pointer(leaf, &mut pointer);
        pointer
    };
    match leaf.kind {
        LeafKind::Number => {
            let spans = pass.scan(raw, key);
            // The whole number goes: half a number beside a placeholder would not be JSON.
            if let Some(span) = spans.first() {
                let edit = pass.edit(raw, span, &pointer());
                edits.push(Edit {
                    start: leaf.start,
                    end: leaf.end,
                    replacement: format!("\"{}\"", edit.replacement),
                    ..edit
                });
            }
            Ok(())
        }
        LeafKind::Key | LeafKind::String => {
            let key = if leaf.kind == LeafKind::Key { "" } else { key };
            let joined = Joined::single(Unescaped::new(raw, leaf.start));
            string_edits(pass, &joined, key, &pointer, place.level, edits)
        }
    }
}

/// Adds the edits of a string, in offsets of the text its parts stand in. A string that holds a document is walked.
pub(super) fn string_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    joined: &Joined<'_>,
    key: &str,
    pointer: &dyn Fn() -> String,
    level: usize,
    edits: &mut Vec<Edit>,
) -> Result<(), RedactError> {
    let unit = joined.text();
    if holds_document(unit) && level < MAX_NESTED_DOCUMENTS {
        let mut tree = Tree::default();
        // What only looks like a document is text.
        if tree.parse(unit).is_ok() {
            let prefix = format!("{}#", pointer());
            let place = Place {
                prefix: &prefix,
                level: level + 1,
            };
            if let Ok(inner) = document_edits(pass, Document::new(unit, &tree), place) {
                inner
                    .into_iter()
                    .for_each(|edit| edits.extend(joined.raw_edits(edit)));
                return Ok(());
            }
        }
    }
    let spans = pass.scan(unit, key);
    if !spans.is_empty() {
        let pointer = pointer();
        for span in &spans {
            edits.extend(joined.raw_edits(pass.edit(unit, span, &pointer)));
        }
    }
    Ok(())
}

fn holds_document(text: &str) -> bool {
    let trimmed = text.trim();
    let bracketed = (trimmed.starts_with('{') && trimmed.ends_with('}'))
        || (trimmed.starts_with('[') && trimmed.ends_with(']'));
    bracketed && trimmed.len() > 2
}
