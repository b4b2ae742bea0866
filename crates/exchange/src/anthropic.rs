//! Anthropic messages and the older text completions, plain and streamed, direct, on Bedrock and on Vertex.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::answer::{Answer, Folded, append, merge_except};
use crate::content::{list, string};
use crate::frames::Frames;

/// Reads a message, or a completion.
pub(crate) fn read(body: &Value, answer: &mut Answer) {
    answer.read_head(body);
    answer.finish(body, "stop_reason");
    answer.text(body.get("completion"));
    for block in list(body, "content") {
        match block.get("type").and_then(Value::as_str).unwrap_or_default() {
            "text" => answer.text(block.get("text")),
            "thinking" => answer.reason(block.get("thinking")),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                answer.tool(string(block, "id"), string(block, "name"), block.get("input"));
            }
            _ => {}
        }
    }
    answer.service_tier = body.get("usage").and_then(|usage| string(usage, "service_tier"));
    answer.price_tier();
    let speed = body
        .get("usage")
        .and_then(|usage| string(usage, "speed"))
        .filter(|speed| speed != "standard");
    answer.circumstances.extend(speed.map(|speed| ("speed", speed)));
}

/// Folds message events. Usage is merged: the start states the input, each delta replaces what it states anew.
pub(crate) fn fold(frames: &Frames) -> Folded {
    let mut message = Map::new();
    let mut usage = Map::new();
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let mut complete = false;
    for frame in &frames.frames {
        let data = &frame.data;
        let index = data.get("index").and_then(Value::as_u64).unwrap_or(0);
        let part = |key: &str| data.get(key).unwrap_or(&Value::Null);
        match data.get("type").and_then(Value::as_str).unwrap_or(&frame.event) {
            "message_start" => {
                merge_except(&mut message, part("message"), &["usage", "content"]);
                merge_except(
                    &mut usage,
                    part("message").get("usage").unwrap_or(&Value::Null),
                    &[],
                );
            }
            "content_block_start" => {
                blocks.insert(
                    index,
                    part("content_block").as_object().cloned().unwrap_or_default(),
                );
            }
            "content_block_delta" => take_delta(blocks.entry(index).or_default(), part("delta")),
            "message_delta" => {
                merge_except(&mut message, part("delta"), &[]);
                merge_except(&mut usage, part("usage"), &[]);
            }
            "message_stop" => complete = true,
            "completion" => {
                let text = data.get("completion").and_then(Value::as_str).unwrap_or_default();
                append(&mut message, "completion", text);
                merge_except(&mut message, data, &["completion", "log_id", "type"]);
                complete |= data.get("stop_reason").is_some_and(Value::is_string);
            }
            _ => {}
        }
    }
    if !blocks.is_empty() {
        let content = blocks.into_values().map(finished).collect();
        message.insert("content".to_owned(), Value::Array(content));
    }
    if !usage.is_empty() {
        message.insert("usage".to_owned(), Value::Object(usage));
    }
    Folded {
        body: Value::Object(message),
        complete,
    }
}

/// Key under which the pieces of a tool's input wait to become JSON.
const PARTIAL: &str = "partial_json";

fn take_delta(block: &mut Map<String, Value>, delta: &Value) {
    let pieces = [
        ("text_delta", "text"),
        ("thinking_delta", "thinking"),
        ("input_json_delta", PARTIAL),
    ];
    let kind = delta.get("type").and_then(Value::as_str).unwrap_or_default();
    for (name, key) in pieces {
        if kind == name {
            append(
                block,
                key,
                delta.get(key).and_then(Value::as_str).unwrap_or_default(),
            );
            if !block.contains_key("type") {
                let opened = if key == PARTIAL { "tool_use" } else { key };
                block.insert("type".to_owned(), Value::from(opened));
            }
        }
    }
}

fn finished(mut block: Map<String, Value>) -> Value {
    if let Some(Value::String(partial)) = block.remove(PARTIAL)
        && !partial.is_empty()
    {
        // A torn input stays as the text that came.
        let input = serde_json::from_str(&partial).unwrap_or(Value::String(partial));
        block.insert("input".to_owned(), input);
    }
    Value::Object(block)
}
