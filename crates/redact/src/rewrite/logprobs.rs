//! Log probabilities repeat the answer token by token, too short for any matcher: where the joined tokens hold a
//! value, the tokens (and their bytes and alternatives) are blanked. What they said stands in the answer itself.

use std::collections::BTreeMap;

use super::edits::{Edit, Pass};
use super::json::{Leaf, LeafKind};
use super::json_text::Unescaped;
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
    /// Takes note of `leaf` if it is a part of a list of log probabilities; `text` stands at `offset`.
    pub fn note(&mut self, text: &str, offset: usize, leaf: &Leaf, channel: &str) {
        let part = match (leaf.path.nearest_key(), leaf.kind) {
            (Some("token" | "tokens"), LeafKind::String) => true,
            (Some("bytes"), LeafKind::Number) => false,
            _ => return,
        };
        if !leaf.path.has_key("logprobs") {
            return;
        }
        let list = self.lists.entry(channel.to_owned()).or_default();
        if part && !leaf.path.has_key("top_logprobs") {
            list.text
                .push_str(&Unescaped::new(&text[leaf.start..leaf.end], 0).text);
        }
        list.places
            .push((offset + leaf.start, offset + leaf.end, leaf.kind));
    }

    /// Blanks the lists whose joined tokens hold a value.
    pub fn edits<T: TokenMaker>(self, pass: &mut Pass<'_, T>) -> Vec<Edit> {
        let mut edits = Vec::new();
        for list in self.lists.into_values() {
            if list.text.is_empty() || pass.scan(&list.text, "").is_empty() {
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
