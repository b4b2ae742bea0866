//! Amazon Bedrock: converse, and invoke in the model vendors' own forms.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Folded, append, merge_except};
use crate::content::{list, string};
use crate::frames::Frames;
use crate::{anthropic, openai_chat, vendors};

/// Reads an answer of converse.
pub(crate) fn read_converse(body: &Value, answer: &mut Answer) {
    answer.finish(body, "stopReason");
    for block in list(body.pointer("/output/message").unwrap_or(&Value::Null), "content") {
        answer.text(block.get("text"));
        answer.reason(block.pointer("/reasoningContent/reasoningText/text"));
        if let Some(tool) = block.get("toolUse") {
            answer.tool(string(tool, "toolUseId"), string(tool, "name"), tool.get("input"));
        }
    }
}

/// Folds converse events. Usage comes in the metadata event after the stop.
pub(crate) fn fold_converse(frames: &Frames) -> Folded {
    let mut body = Map::new();
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    let mut inputs: BTreeMap<u64, String> = BTreeMap::new();
    for frame in &frames.frames {
        let data = &frame.data;
        let index = data.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or(0);
        match frame.event.as_str() {
            "contentBlockStart" => merge_except(
                blocks.entry(index).or_default(),
                data.get("start").unwrap_or(&Value::Null),
                &[],
            ),
            "contentBlockDelta" => {
                let text_at = |path: &str| data.pointer(path).and_then(Value::as_str);
                let block = blocks.entry(index).or_default();
                if let Some(text) = text_at("/delta/text") {
                    append(block, "text", text);
                }
                if let Some(text) = text_at("/delta/reasoningContent/text") {
                    let held = block
                        .get("reasoningContent")
                        .and_then(|held| held.pointer("/reasoningText/text"));
                    let so_far = held.and_then(Value::as_str).unwrap_or_default().to_owned() + text;
                    block.insert(
                        "reasoningContent".to_owned(),
                        json!({"reasoningText": {"text": so_far}}),
                    );
                }
                if let Some(piece) = text_at("/delta/toolUse/input") {
                    inputs.entry(index).or_default().push_str(piece);
                }
            }
            "messageStop" => merge_except(&mut body, data, &["p"]),
            "metadata" => merge_except(&mut body, data, &["p"]),
            _ => {}
        }
    }
    for (index, input) in inputs {
        let tool = blocks
            .entry(index)
            .or_default()
            .entry("toolUse")
            .or_insert_with(|| json!({}));
        if let Value::Object(tool) = tool {
            let input = serde_json::from_str(&input).unwrap_or(Value::String(input));
            tool.insert("input".to_owned(), input);
        }
    }
    let complete = body.contains_key("stopReason") && body.contains_key("usage");
    let content: Vec<Value> = blocks.into_values().map(Value::Object).collect();
    body.insert(
        "output".to_owned(),
        json!({"message": {"role": "assistant", "content": content}}),
    );
    Folded {
        body: Value::Object(body),
        complete,
    }
}

/// Reads an answer of invoke, by the keys that tell the vendor.
pub(crate) fn read_invoke(body: &Value, answer: &mut Answer) {
    if body.pointer("/output/message").is_some() {
        return read_converse(body, answer);
    }
    if body.get("choices").is_some() {
        return openai_chat::read(body, false, answer);
    }
    if body.get("content").is_some() || body.get("completion").is_some() {
        return anthropic::read(body, answer);
    }
    if body.get("response_id").is_some() || body.get("chat_history").is_some() {
        return vendors::read_cohere(body, answer);
    }
    answer.id = string(body, "id");
    // Titan.
    for result in list(body, "results") {
        answer.finish(result, "completionReason");
        answer.text(result.get("outputText"));
    }
    answer.text(body.get("outputText"));
    answer.finish(body, "completionReason");
    // Llama.
    answer.text(body.get("generation"));
    answer.finish(body, "stop_reason");
    // Cohere, Mistral.
    for part in list(body, "generations").iter().chain(list(body, "outputs")) {
        answer.text(part.get("text"));
        answer.finish(part, "finish_reason");
        answer.finish(part, "stop_reason");
    }
    // AI21.
    for part in list(body, "completions") {
        answer.text(part.pointer("/data/text"));
        let reason = part.pointer("/finishReason/reason").and_then(Value::as_str);
        answer.finish_reasons.extend(reason.map(str::to_owned));
    }
    // The remains of Cohere's and Mistral's streams.
    answer.text(body.get("text"));
    answer.finish(body, "finish_reason");
}

/// Folds events of invoke: Anthropic's, Nova's and Cohere's typed events, or pieces of the others' text.
pub(crate) fn fold_invoke(frames: &Frames) -> Folded {
    let has = |key: &str| frames.frames.iter().any(|frame| frame.data.get(key).is_some());
    if has("type") {
        return anthropic::fold(frames);
    }
    if has("choices") {
        return openai_chat::fold(frames);
    }
    if has("event_type") {
        return vendors::fold_cohere(frames);
    }
    let nova = ["messageStart", "contentBlockDelta", "messageStop"];
    if nova.iter().any(|key| has(key)) {
        return fold_converse(&named_by_key(frames));
    }
    let mut body = Map::new();
    let mut text: Option<(&str, String)> = None;
    for chunk in frames.frames.iter().map(|frame| &frame.data) {
        merge_except(&mut body, chunk, &["outputText", "generation", "text", "outputs"]);
        for key in ["outputText", "generation", "text"] {
            if let Some(piece) = chunk.get(key).and_then(Value::as_str) {
                text.get_or_insert_with(|| (key, String::new())).1.push_str(piece);
            }
        }
        // Mistral's pieces have the form of whole answers.
        for part in list(chunk, "outputs") {
            let piece = part.get("text").and_then(Value::as_str).unwrap_or_default();
            text.get_or_insert_with(|| ("text", String::new()))
                .1
                .push_str(piece);
            merge_except(&mut body, part, &["text"]);
        }
    }
    if let Some((key, text)) = text {
        body.insert(key.to_owned(), Value::String(text));
    }
    let ends = [
        "completionReason",
        "stop_reason",
        "finish_reason",
        "amazon-bedrock-invocationMetrics",
        "amazon-bedrock-guardrailAction",
    ];
    let complete = !frames.cut && ends.iter().any(|key| body.contains_key(*key));
    Folded {
        body: Value::Object(body),
        complete,
    }
}

/// Nova's invoke stream names the event by a key inside the data, where converse names it in the frame.
fn named_by_key(frames: &Frames) -> Frames {
    let mut named = Frames {
        done: frames.done,
        cut: frames.cut,
        frames: Vec::new(),
    };
    for frame in &frames.frames {
        let Some(fields) = frame.data.as_object() else {
            continue;
        };
        for (event, data) in fields {
            named.frames.push(crate::frames::Frame {
                event: event.clone(),
                data: data.clone(),
            });
        }
    }
    named
}
