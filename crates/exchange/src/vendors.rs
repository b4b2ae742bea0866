//! Gemini, Cohere and Ollama.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Folded, append, merge_except};
use crate::content::{list, string};
use crate::frames::Frames;

/// Reads a Gemini answer. Parts marked as thoughts are reasoning.
pub(crate) fn read_gemini(body: &Value, answer: &mut Answer) {
    answer.model = string(body, "modelVersion");
    answer.id = string(body, "responseId");
    for candidate in list(body, "candidates") {
        answer.finish(candidate, "finishReason");
        for part in list(candidate.get("content").unwrap_or(&Value::Null), "parts") {
            if part.get("thought").and_then(Value::as_bool) == Some(true) {
                answer.reason(part.get("text"));
            } else {
                answer.text(part.get("text"));
            }
            if let Some(call) = part.get("functionCall") {
                answer.tool(string(call, "id"), string(call, "name"), call.get("args"));
            }
        }
    }
    // Nothing came because the prompt was refused.
    answer.finish_reasons.extend(
        body.pointer("/promptFeedback/blockReason")
            .and_then(Value::as_str)
            .map(str::to_owned),
    );
}

/// Folds Gemini chunks; the last usage and finish reason count, text parts of one kind run together.
pub(crate) fn fold_gemini(frames: &Frames) -> Folded {
    let mut head = Map::new();
    let mut candidates: BTreeMap<u64, (Map<String, Value>, Vec<Value>)> = BTreeMap::new();
    // Without `alt=sse` the stream is one JSON array.
    let chunks = frames.frames.iter().flat_map(|frame| match &frame.data {
        Value::Array(chunks) => chunks.as_slice(),
        chunk => std::slice::from_ref(chunk),
    });
    for chunk in chunks {
        merge_except(&mut head, chunk, &["candidates"]);
        for candidate in list(chunk, "candidates") {
            let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(0);
            let (rest, parts) = candidates.entry(index).or_default();
            merge_except(rest, candidate, &["content"]);
            for part in list(candidate.get("content").unwrap_or(&Value::Null), "parts") {
                push_part(parts, part);
            }
        }
    }
    let complete = !candidates.is_empty()
        && candidates
            .values()
            .all(|(rest, _)| rest.contains_key("finishReason"));
    let candidates = candidates.into_values().map(|(mut rest, parts)| {
        rest.insert("content".to_owned(), json!({"role": "model", "parts": parts}));
        Value::Object(rest)
    });
    head.insert("candidates".to_owned(), candidates.collect());
    Folded {
        body: Value::Object(head),
        complete,
    }
}

fn push_part(parts: &mut Vec<Value>, part: &Value) {
    let thought = |part: &Value| part.get("thought").and_then(Value::as_bool).unwrap_or(false);
    if let (Some(text), Some(last)) = (part.get("text").and_then(Value::as_str), parts.last_mut())
        && thought(part) == thought(last)
        && let Some(Value::String(present)) = last.get_mut("text")
    {
        present.push_str(text);
        return;
    }
    parts.push(part.clone());
}

/// Reads a Cohere answer: chat of both versions, generate, embed and rerank.
pub(crate) fn read_cohere(body: &Value, answer: &mut Answer) {
    answer.read_head(body);
    answer.id = answer
        .id
        .take()
        .or_else(|| string(body, "response_id"))
        .or_else(|| string(body, "generation_id"));
    answer.finish(body, "finish_reason");
    answer.text(body.get("text"));
    for generation in list(body, "generations") {
        answer.finish(generation, "finish_reason");
        answer.text(generation.get("text"));
    }
    let message = body.get("message").unwrap_or(&Value::Null);
    for part in list(message, "content") {
        answer.text(part.get("text"));
        answer.reason(part.get("thinking"));
    }
    answer.reason(message.get("tool_plan"));
    for call in list(message, "tool_calls") {
        let function = call.get("function").unwrap_or(&Value::Null);
        answer.tool(
            string(call, "id"),
            string(function, "name"),
            function.get("arguments"),
        );
    }
    for call in list(body, "tool_calls") {
        answer.tool(None, string(call, "name"), call.get("parameters"));
    }
}

/// Folds Cohere events: typed events of version 2, `event_type` lines of version 1.
pub(crate) fn fold_cohere(frames: &Frames) -> Folded {
    let mut body = Map::new();
    let mut text = String::new();
    let mut thinking = String::new();
    let mut plan = String::new();
    let mut calls: Vec<Map<String, Value>> = Vec::new();
    for frame in &frames.frames {
        let data = &frame.data;
        let at = |path: &str| data.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let kind = string(data, "type").or_else(|| string(data, "event_type"));
        match kind.as_deref().unwrap_or(&frame.event) {
            "stream-end" => {
                let response = data.get("response").cloned().unwrap_or(Value::Null);
                return Folded {
                    complete: response.is_object(),
                    body: response,
                };
            }
            "text-generation" => text.push_str(at("/text")),
            "message-start" => merge_except(&mut body, data, &["type", "delta"]),
            "content-delta" => {
                text.push_str(at("/delta/message/content/text"));
                thinking.push_str(at("/delta/message/content/thinking"));
            }
            "tool-plan-delta" => plan.push_str(at("/delta/message/tool_plan")),
            "tool-call-start" => {
                let call = data
                    .pointer("/delta/message/tool_calls")
                    .and_then(Value::as_object);
                calls.push(call.cloned().unwrap_or_default());
            }
            "tool-call-delta" => {
                let function = calls.last_mut().and_then(|call| call.get_mut("function"));
                if let Some(function) = function.and_then(Value::as_object_mut) {
                    append(
                        function,
                        "arguments",
                        at("/delta/message/tool_calls/function/arguments"),
                    );
                }
            }
            "message-end" => merge_except(&mut body, data.get("delta").unwrap_or(&Value::Null), &[]),
            _ => {}
        }
    }
    let complete = body.contains_key("finish_reason");
    let calls: Vec<Value> = calls.into_iter().map(Value::Object).collect();
    let mut content = json!([{"type": "text", "text": text}]);
    if let Value::Array(parts) = &mut content
        && !thinking.is_empty()
    {
        parts.insert(0, json!({"type": "thinking", "thinking": thinking}));
    }
    body.insert(
        "message".to_owned(),
        json!({"content": content, "tool_plan": plan, "tool_calls": calls}),
    );
    Folded {
        body: Value::Object(body),
        complete,
    }
}

/// Reads an Ollama answer (its own API; the OpenAI-compatible one is read as such).
pub(crate) fn read_ollama(body: &Value, answer: &mut Answer) {
    answer.read_head(body);
    answer.finish(body, "done_reason");
    answer.text(body.get("response"));
    let message = body.get("message").unwrap_or(&Value::Null);
    answer.text(message.get("content"));
    answer.reason(message.get("thinking"));
    for call in list(message, "tool_calls") {
        let function = call.get("function").unwrap_or(&Value::Null);
        answer.tool(
            string(call, "id"),
            string(function, "name"),
            function.get("arguments"),
        );
    }
}

/// Folds Ollama's lines; the last one says `done` and holds the counts.
pub(crate) fn fold_ollama(frames: &Frames) -> Folded {
    let mut body = Map::new();
    let mut message = Map::new();
    let mut response: Option<String> = None;
    let mut calls: Vec<Value> = Vec::new();
    for line in frames.frames.iter().map(|frame| &frame.data) {
        merge_except(&mut body, line, &["message", "response"]);
        if let Some(text) = line.get("response").and_then(Value::as_str) {
            response.get_or_insert_default().push_str(text);
        }
        let part = line.get("message").unwrap_or(&Value::Null);
        for key in ["content", "thinking"] {
            if let Some(text) = part.get(key).and_then(Value::as_str) {
                append(&mut message, key, text);
            }
        }
        calls.extend(list(part, "tool_calls").iter().cloned());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    if !message.is_empty() {
        message.insert("role".to_owned(), Value::from("assistant"));
        body.insert("message".to_owned(), Value::Object(message));
    }
    if let Some(text) = response {
        body.insert("response".to_owned(), Value::String(text));
    }
    let complete = body.get("done").and_then(Value::as_bool) == Some(true);
    Folded {
        body: Value::Object(body),
        complete,
    }
}
