//! Streams: server-sent events and newline-delimited JSON. Deltas are joined per channel before they are scanned.

use std::collections::BTreeMap;

use super::RedactError;
use super::edits::{Edit, Pass};
use super::json::{Leaf, LeafKind, leaf_edits, leaves, string_edits};
use super::json_text::{Joined, Unescaped};
use super::labels::Labels;
use super::logprobs::TokenLists;
use super::path::Path;
use crate::placeholder_token::TokenMaker;
use crate::words::meets_region;

/// Keys whose strings are pieces of a longer text, in the streams of OpenAI, Azure, Anthropic, Google, Cohere,
/// Mistral, Ollama and Bedrock.
const DELTA_KEYS: [&str; 15] = [
    "content",
    "text",
    "delta",
    "arguments",
    "partial_json",
    "reasoning_content",
    "reasoning",
    "thinking",
    "refusal",
    "transcript",
    "response",
    "completion",
    "generation",
    "outputText",
    "data",
];
/// Keys whose values name the channel that a delta belongs to, wherever they stand.
const CHANNEL_KEYS: [&str; 6] = [
    "index",
    "output_index",
    "content_index",
    "summary_index",
    "item_id",
    "contentBlockIndex",
];

/// One frame: a JSON document, or a line that is none.
pub(super) struct Frame<'t> {
    pub text: &'t str,
    /// Where the frame's text stands in the body.
    pub offset: usize,
}

/// The data lines of a stream of server-sent events; every other line is a frame of its own.
pub(super) fn sse_frames(body: &str) -> Vec<Frame<'_>> {
    let frames = lines(body).map(|(offset, line)| {
        let data = line.strip_prefix("data:").unwrap_or(line);
        let text = data.trim_start();
        Frame {
            text: text.trim_end(),
            offset: offset + line.len() - text.len(),
        }
    });
    frames.filter(|frame| !frame.text.is_empty()).collect()
}

/// The lines of newline-delimited JSON.
pub(super) fn line_frames(body: &str) -> Vec<Frame<'_>> {
    lines(body)
        .map(|(offset, line)| Frame { text: line, offset })
        .filter(|frame| !frame.text.trim().is_empty())
        .collect()
}

fn lines(body: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    body.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// Scans every frame, and the deltas of each channel joined.
pub(super) fn redact_frames<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    frames: &[Frame<'_>],
) -> Result<(), RedactError> {
    let mut channels: BTreeMap<String, Vec<Delta>> = BTreeMap::new();
    let mut token_lists = TokenLists::default();
    let mut edits = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let Ok(leaves) = leaves(frame.text) else {
            pass.text(frame.text, frame.offset, "", &format!("/{number}"));
            continue;
        };
        let channel = channel_of(frame.text, &leaves);
        let keys: Vec<String> = {
            let labels = Labels::of(frame.text, &leaves);
            leaves.iter().map(|leaf| labels.context_key(leaf)).collect()
        };
        for (leaf, key) in leaves.into_iter().zip(keys) {
            token_lists.note(frame.text, frame.offset, &leaf, &channel);
            let is_delta = leaf.kind == LeafKind::String
                && leaf.path.last_key().is_some_and(|key| DELTA_KEYS.contains(&key));
            if is_delta {
                let text = Unescaped::new(&frame.text[leaf.start..leaf.end], frame.offset + leaf.start);
                let name = format!("{channel}{}", leaf.path.pointer());
                channels.entry(name).or_default().push(Delta {
                    frame: number,
                    path: leaf.path,
                    text,
                });
                continue;
            }
            let found = leaf_edits(pass, frame.text, &leaf, &key, &format!("/{number}"), 0)?;
            let offset = frame.offset;
            edits.extend(found.into_iter().map(|edit| Edit {
                start: edit.start + offset,
                end: edit.end + offset,
                ..edit
            }));
        }
    }
    for deltas in channels.into_values() {
        let Some(first) = deltas.first() else {
            continue;
        };
        let key = first.path.context_key();
        let pointer = format!("/{}{}", first.frame, first.path.pointer());
        let single = (deltas.len() > 1).then(|| single_edits(pass, &deltas, &key, &pointer));
        let joined = Joined::of(deltas.into_iter().map(|delta| delta.text));
        let mut found = string_edits(pass, joined, &key, &pointer, 0)?;
        found.sort_by_key(|edit| edit.start);
        let covered: Vec<(usize, usize)> = found.iter().map(|edit| (edit.start, edit.end)).collect();
        let single = single.into_iter().flatten();
        edits.extend(single.filter(|edit| !meets_region(&covered, edit.start, edit.end)));
        edits.extend(found);
    }
    edits.extend(token_lists.edits(pass));
    pass.edits.extend(edits);
    Ok(())
}

/// Edits of each delta by itself: some providers repeat a whole text instead of continuing it. They count where
/// the joined text gives nothing.
fn single_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    deltas: &[Delta],
    key: &str,
    pointer: &str,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for delta in deltas {
        for span in pass.scan(&delta.text.text, key) {
            let edit = pass.edit(&delta.text.text, &span, pointer);
            edits.push(delta.text.raw_edit(edit));
        }
    }
    edits
}

struct Delta {
    frame: usize,
    path: Path,
    text: Unescaped,
}

/// What tells this frame's channel from others: its type and its indexes.
fn channel_of(text: &str, leaves: &[Leaf]) -> String {
    let mut channel = String::new();
    for leaf in leaves {
        let key = leaf.path.last_key().unwrap_or_default();
        // An event's own type; the type of a tool call stands only in its first delta.
        let is_event_type = key == "type" && leaf.path.pointer() == "/type";
        let names_channel = leaf.kind != LeafKind::Key && (is_event_type || CHANNEL_KEYS.contains(&key));
        if names_channel {
            channel.push_str(&text[leaf.start..leaf.end]);
            channel.push('\n');
        }
    }
    channel
}
