//! Log probabilities repeat the answer token by token, too short for any matcher: where the joined tokens hold a
//! value, the tokens (and their bytes and alternatives) are blanked. What they said stands in the answer itself.

use std::collections::BTreeMap;

use super::document::{Document, Leaf, LeafKind};
use super::edits::{Edit, Pass};
use super::json_text::unescape;
use crate::placeholder_token::TokenMaker;

/// Tokens of a document or of a stream's frames, by channel.
#[derive(Default)]
pub(super) struct TokenLists {
    lists: BTreeMap<String, TokenList>,
}

#[derive(Default)]
struct TokenList {
    /// The chosen tokens, joined.
    text: String,
    /// Raw ranges of every token, alternative and byte.
    places: Vec<(usize, usize, LeafKind)>,
}

impl TokenLists {
    /// Takes note of `leaf` if it is a part of a list of log probabilities, and tells whether it is; the document
    /// stands at `offset`.
    pub fn note(&mut self, document: &Document<'_>, offset: usize, leaf: &Leaf, channel: &str) -> bool {
        if leaf.kind == LeafKind::Key {
            return false;
        }
        let part = match (document.nearest_key(leaf).as_deref(), leaf.kind) {
            (Some("token" | "tokens"), LeafKind::String) => true,
            (Some("bytes"), LeafKind::Number) => false,
            _ => return false,
        };
        if !document.has_key(leaf, "logprobs") {
            return false;
        }
        if !self.lists.contains_key(channel) {
            self.lists.insert(channel.to_owned(), TokenList::default());
        }
        let Some(list) = self.lists.get_mut(channel) else {
            return false;
        };
        if part && !document.has_key(leaf, "top_logprobs") {
            list.text.push_str(&unescape(document.raw(leaf)));
        }
        list.places
            .push((offset + leaf.start, offset + leaf.end, leaf.kind));
        true
    }

    /// Blanks the lists whose joined tokens hold a value.
    pub fn edits<T: TokenMaker>(self, pass: &mut Pass<'_, T>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for list in self.lists.into_values() {
            if list.text.is_empty() || pass.scan_uncounted(&list.text, "").is_empty() {
                continue;
            }
            for (start, end, kind) in list.places {
                let replacement = if kind == LeafKind::Number {
                    "0".to_owned()
                } else {
                    String::new()
                };
                edits.push(Edit {
                    start,
                    end,
                    replacement,
                    removed: None,
                });
            }
        }
        edits
    }
}
