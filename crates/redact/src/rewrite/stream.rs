//! Streams: server-sent events and newline-delimited JSON. Deltas are joined per channel before they are scanned.

use std::collections::BTreeMap;

use super::RedactError;
use super::document::{Document, Leaf, LeafKind, Tree};
use super::edits::{Edit, Pass};
use super::json::{Place, leaf_edits, names_others, string_edits};
use super::json_text::{Joined, Unescaped};
use super::labels::Labels;
use super::logprobs::TokenLists;
use super::parser::is_string_content;
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
    if frames.iter().any(|frame| names_changed(pass, frame)) {
        pass.forget_settled();
    }
    pass.is_pieced = true;
    let mut reader = FrameReader::default();
    for (number, frame) in frames.iter().enumerate() {
        reader.read(pass, number, frame)?;
    }
    for (number, channel) in reader.channels.into_iter().enumerate() {
        channel_edits(pass, FIRST_CHANNEL_UNIT + number, channel, &mut reader.edits)?;
    }
    reader.edits.extend(reader.token_lists.edits(pass));
    pass.edits.append(&mut reader.edits);
    Ok(())
}

/// Units of channels are numbered from here, those of leaves from 0.
const FIRST_CHANNEL_UNIT: usize = usize::MAX / 2;

/// Whether the last pass changed a key or a label in `frame`, by which other leaves are judged.
fn names_changed<T: TokenMaker>(pass: &Pass<'_, T>, frame: &Frame<'_>) -> bool {
    let mut tree = Tree::default();
    if !pass.was_edited(frame.offset, frame.offset + frame.text.len()) || tree.parse(frame.text).is_err() {
        return false;
    }
    let document = Document::new(frame.text, &tree);
    document.leaves().iter().any(|leaf| {
        names_others(&document, leaf) && pass.was_edited(frame.offset + leaf.start, frame.offset + leaf.end)
    })
}

/// The deltas that continue one text.
struct Channel<'t> {
    /// Context and JSON pointer of its first delta.
    key: String,
    pointer: String,
    deltas: Vec<Unescaped<'t>>,
}

/// A frame whose only news is its delta: what stands before and after it, and its channel. Streams repeat it
/// hundreds of times, and a frame that differs in nothing else need not be parsed.
struct Repeated<'t> {
    before: &'t str,
    after: &'t str,
    channel: usize,
    leaves: usize,
}

#[derive(Default)]
struct FrameReader<'t> {
    tree: Tree,
    channels: Vec<Channel<'t>>,
    by_name: BTreeMap<String, usize>,
    token_lists: TokenLists,
    repeated: Option<Repeated<'t>>,
    edits: Vec<Edit>,
    /// Leaves so far, which number the units.
    leaves: usize,
    name: String,
    key: String,
}

impl<'t> FrameReader<'t> {
    fn read<T: TokenMaker>(
        &mut self,
        pass: &mut Pass<'_, T>,
        number: usize,
        frame: &Frame<'t>,
    ) -> Result<(), RedactError> {
        if self.read_repeated(frame) {
            return Ok(());
        }
        self.repeated = None;
        let mut tree = std::mem::take(&mut self.tree);
        if tree.parse(frame.text).is_ok() {
            self.read_document(pass, number, frame, Document::new(frame.text, &tree))?;
        } else {
            pass.text(self.leaves, frame.text, frame.offset, "", &format!("/{number}"));
            self.leaves += 1;
        }
        self.tree = tree;
        Ok(())
    }

    /// Reads a frame that differs from the one before in its delta only.
    fn read_repeated(&mut self, frame: &Frame<'t>) -> bool {
        let Some(repeated) = &self.repeated else {
            return false;
        };
        let delta = frame.text.strip_prefix(repeated.before);
        let Some(delta) = delta.and_then(|rest| rest.strip_suffix(repeated.after)) else {
            return false;
        };
        if !is_string_content(delta) {
            return false;
        }
        let place = frame.offset + repeated.before.len();
        self.channels[repeated.channel]
            .deltas
            .push(Unescaped::new(delta, place));
        self.leaves += repeated.leaves;
        true
    }

    fn read_document<T: TokenMaker>(
        &mut self,
        pass: &mut Pass<'_, T>,
        number: usize,
        frame: &Frame<'t>,
        document: Document<'_>,
    ) -> Result<(), RedactError> {
        let mut channel_name = String::new();
        write_channel(&document, &mut channel_name);
        let labels = Labels::of(&document);
        let place = Place {
            prefix: &format!("/{number}"),
            level: 0,
        };
        let first_edit = self.edits.len();
        let mut deltas = 0;
        let mut tokens = false;
        let mut repeated = None;
        for leaf in document.leaves() {
            let unit = self.leaves;
            self.leaves += 1;
            let is_token = self
                .token_lists
                .note(&document, frame.offset, leaf, &channel_name);
            tokens |= is_token;
            if is_delta(&document, leaf) {
                let channel = self.channel_of(&document, leaf, &channel_name, place.prefix);
                let raw = &frame.text[leaf.start..leaf.end];
                self.channels[channel]
                    .deltas
                    .push(Unescaped::new(raw, frame.offset + leaf.start));
                repeated = Some(Repeated {
                    before: &frame.text[..leaf.start],
                    after: &frame.text[leaf.end..],
                    channel,
                    leaves: document.leaves().len(),
                });
                deltas += 1;
                continue;
            }
            if pass.is_settled(unit, frame.offset + leaf.start, frame.offset + leaf.end) {
                continue;
            }
            labels.context_key(&document, leaf, &mut self.key);
            let from = self.edits.len();
            leaf_edits(pass, &document, leaf, &self.key, place, &mut self.edits)?;
            for edit in &mut self.edits[from..] {
                edit.start += frame.offset;
                edit.end += frame.offset;
            }
        }
        let plain = deltas == 1 && self.edits.len() == first_edit && !tokens;
        self.repeated = repeated.filter(|_| plain);
        Ok(())
    }

    /// The channel of the delta `leaf`, new if this is its first.
    fn channel_of(&mut self, document: &Document<'_>, leaf: &Leaf, channel: &str, prefix: &str) -> usize {
        self.name.clear();
        self.name.push_str(channel);
        document.pointer(leaf, &mut self.name);
        if let Some(known) = self.by_name.get(&self.name) {
            return *known;
        }
        let mut key = String::new();
        document.context_key(leaf, &mut key);
        self.channels.push(Channel {
            key,
            pointer: format!("{prefix}{}", &self.name[channel.len()..]),
            deltas: Vec::new(),
        });
        self.by_name.insert(self.name.clone(), self.channels.len() - 1);
        self.channels.len() - 1
    }
}

fn is_delta(document: &Document<'_>, leaf: &Leaf) -> bool {
    leaf.kind == LeafKind::String
        && document
            .last_key(leaf)
            .is_some_and(|key| DELTA_KEYS.contains(&&*key))
}

/// Adds the edits of a channel's joined text, and of each delta by itself: some providers repeat a whole text
/// instead of continuing it. Those count where the joined text gives nothing.
fn channel_edits<T: TokenMaker>(
    pass: &mut Pass<'_, T>,
    unit: usize,
    channel: Channel<'_>,
    edits: &mut Vec<Edit>,
) -> Result<(), RedactError> {
    let edited = channel.deltas.iter().any(|delta| {
        let (start, end) = delta.raw_range();
        pass.was_edited(start, end)
    });
    // A replacement between its deltas is another channel's.
    if pass.is_settled_if(unit, !edited) {
        return Ok(());
    }
    let mut single = Vec::new();
    if channel.deltas.len() > 1 {
        for delta in &channel.deltas {
            for span in pass.scan_uncounted(&delta.text, &channel.key) {
                let edit = pass.edit(&delta.text, &span, &channel.pointer);
                single.push(delta.raw_edit(edit));
            }
        }
    }
    let joined = Joined::of(channel.deltas);
    let mut found = Vec::new();
    string_edits(
        pass,
        &joined,
        &channel.key,
        &|| channel.pointer.clone(),
        0,
        &mut found,
    )?;
    found.sort_by_key(|edit| edit.start);
    let covered: Vec<(usize, usize)> = found.iter().map(|edit| (edit.start, edit.end)).collect();
    edits.extend(
        single
            .into_iter()
            .filter(|edit| !meets_region(&covered, edit.start, edit.end)),
    );
    edits.extend(found);
    Ok(())
}

/// Writes what tells this frame's channel from others: its type and its indexes.
fn write_channel(document: &Document<'_>, channel: &mut String) {
    for leaf in document.leaves().iter().filter(|leaf| leaf.kind != LeafKind::Key) {
        let Some(key) = document.last_key(leaf) else {
            continue;
        };
        // An event's own type; the type of a tool call stands only in its first delta.
        let is_event_type = key == "type" && document.is_at_top(leaf);
        if is_event_type || CHANNEL_KEYS.contains(&&*key) {
            channel.push_str(document.raw(leaf));
            channel.push('\n');
        }
    }
}
