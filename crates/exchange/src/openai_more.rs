//! OpenAI responses, assistants with their threads and runs, and the streams of transcriptions and images.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::answer::{Answer, Folded, append};
use crate::content::{list, string};
use crate::frames::{Frame, Frames};

/// Reads a response object of the responses API.
///
/// The finish reason is the response's status, or the reason why it is incomplete.
pub(crate) fn read_response(body: &Value, answer: &mut Answer) {
    answer.read_head(body);
    answer.price_tier();
    let incomplete = body.pointer("/incomplete_details/reason").and_then(Value::as_str);
    let finish = incomplete.map(str::to_owned).or_else(|| string(body, "status"));
    answer.finish_reasons.extend(finish);
    for item in list(body, "output") {
        match item.get("type").and_then(Value::as_str).unwrap_or("message") {
            "message" => answer.text(item.get("content")),
            "reasoning" => {
                answer.reason(item.get("summary"));
                answer.reason(item.get("content"));
            }
            "function_call" => answer.tool(
                string(item, "call_id"),
                string(item, "name"),
                item.get("arguments"),
            ),
            "custom_tool_call" => {
                answer.tool(string(item, "call_id"), string(item, "name"), item.get("input"))
            }
            // Opening and reading a page found before is free.
            "web_search_call" if item.pointer("/action/type").is_none_or(|kind| kind == "search") => {
                answer.web_searches += 1;
            }
            // Calls of built-in tools that the application carries out.
            kind @ ("computer_call" | "local_shell_call" | "shell_call" | "apply_patch_call") => answer.tool(
                string(item, "call_id"),
                kind.strip_suffix("_call").map(str::to_owned),
                item.get("action").or_else(|| item.get("operation")),
            ),
            "mcp_call" => answer.tool(string(item, "id"), string(item, "name"), item.get("arguments")),
            _ => {}
        }
    }
}

/// Folds response events. The final event holds the whole response; before it, finished items and open text count.
pub(crate) fn fold_response(frames: &Frames) -> Folded {
    let ends = [
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.done",
    ];
    let kind = |frame: &Frame| string(&frame.data, "type").unwrap_or_else(|| frame.event.clone());
    let last = frames
        .frames
        .iter()
        .rev()
        .find(|frame| ends.contains(&kind(frame).as_str()));
    if let Some(response) = last.and_then(|frame| frame.data.get("response")) {
        return Folded {
            body: response.clone(),
            complete: true,
        };
    }
    let mut body = Map::new();
    let mut items: Vec<Value> = Vec::new();
    let mut open_text = String::new();
    let mut open_calls: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    for frame in &frames.frames {
        let index = frame
            .data
            .get("output_index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        match kind(frame).as_str() {
            "response.output_item.added" => {
                let item = frame.data.get("item").and_then(Value::as_object);
                let calls = ["function_call", "custom_tool_call", "mcp_call"];
                let is_call = |item: &&Map<String, Value>| {
                    let kind = item.get("type").and_then(Value::as_str);
                    kind.is_some_and(|kind| calls.contains(&kind))
                };
                if let Some(item) = item.filter(is_call) {
                    open_calls.insert(index, item.clone());
                }
            }
            event @ ("response.function_call_arguments.delta"
            | "response.mcp_call_arguments.delta"
            | "response.custom_tool_call_input.delta") => {
                let key = if event.ends_with("input.delta") {
                    "input"
                } else {
                    "arguments"
                };
                let piece = frame.data.get("delta").and_then(Value::as_str);
                if let Some(call) = open_calls.get_mut(&index) {
                    append(call, key, piece.unwrap_or_default());
                }
            }
            "response.created" | "response.in_progress" => {
                let response = frame.data.get("response").and_then(Value::as_object);
                body = response.cloned().unwrap_or(body);
            }
            "response.output_text.delta" | "response.refusal.delta" => {
                open_text.push_str(
                    frame
                        .data
                        .get("delta")
                        .and_then(Value::as_str)
                        .unwrap_or_default(),
                );
            }
            "response.output_item.done" => {
                let item = frame.data.get("item").cloned().unwrap_or(Value::Null);
                if item.get("type").and_then(Value::as_str) == Some("message") {
                    open_text.clear();
                }
                open_calls.remove(&index);
                items.push(item);
            }
            _ => {}
        }
    }
    if !open_text.is_empty() {
        items.push(
            serde_json::json!({"type": "message", "content": [{"type": "output_text", "text": open_text}]}),
        );
    }
    // A call that broke off keeps its name and what came of its arguments.
    items.extend(open_calls.into_values().map(Value::Object));
    body.insert("output".to_owned(), Value::Array(items));
    body.remove("status");
    Folded {
        body: Value::Object(body),
        complete: false,
    }
}

/// Reads an assistant, thread, message, list of messages, or run.
///
/// Messages of the assistant are output; other messages are input that the request may not hold.
pub(crate) fn read_thread(body: &Value, answer: &mut Answer) {
    answer.read_head(body);
    let kind = body.get("object").and_then(Value::as_str).unwrap_or_default();
    if kind == "thread.message" {
        read_message(body, answer);
    }
    for message in list(body, "data").iter().chain(list(body, "output_messages")) {
        read_message(message, answer);
    }
    if kind == "thread.run" {
        let open = ["queued", "in_progress", "cancelling"];
        let status = string(body, "status").filter(|status| !open.contains(&status.as_str()));
        answer.finish_reasons.extend(status);
        let asked = body
            .pointer("/required_action/submit_tool_outputs")
            .unwrap_or(&Value::Null);
        for call in list(asked, "tool_calls") {
            let function = call.get("function").unwrap_or(&Value::Null);
            answer.tool(
                string(call, "id"),
                string(function, "name"),
                function.get("arguments"),
            );
        }
    }
}

fn read_message(message: &Value, answer: &mut Answer) {
    let Some(content) = message.get("content") else {
        return;
    };
    match message.get("role").and_then(Value::as_str) {
        Some("assistant") => answer.text(Some(content)),
        _ => crate::content::push_text(content, &mut answer.input),
    }
}

/// Folds run events into the run's last state, with the messages it made under `output_messages`.
pub(crate) fn fold_thread(frames: &Frames) -> Folded {
    let mut run = Map::new();
    let mut messages: Vec<Value> = Vec::new();
    let mut open = Map::new();
    for frame in &frames.frames {
        match frame.event.as_str() {
            "thread.message.completed" | "thread.message.incomplete" => {
                messages.push(frame.data.clone());
                open.clear();
            }
            "thread.message.delta" => {
                for part in list(frame.data.get("delta").unwrap_or(&Value::Null), "content") {
                    let text = part
                        .pointer("/text/value")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    append(&mut open, "content", text);
                }
            }
            event if event.starts_with("thread.run.") && !event.starts_with("thread.run.step") => {
                run = frame.data.as_object().cloned().unwrap_or(run);
            }
            _ => {}
        }
    }
    if !open.is_empty() {
        open.insert("role".to_owned(), Value::from("assistant"));
        messages.push(Value::Object(open));
    }
    run.insert("output_messages".to_owned(), Value::Array(messages));
    let ended = [
        "completed",
        "failed",
        "cancelled",
        "expired",
        "incomplete",
        "requires_action",
    ];
    let status = run.get("status").and_then(Value::as_str).unwrap_or_default();
    let complete = frames.done || ended.contains(&status);
    Folded {
        body: Value::Object(run),
        complete,
    }
}

/// Folds the events of a transcription or an image, whose final one holds text and usage.
pub(crate) fn fold_plain(frames: &Frames) -> Folded {
    let mut text = String::new();
    for frame in &frames.frames {
        let kind = frame.data.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind.ends_with(".done") || kind.ends_with(".completed") {
            return Folded {
                body: frame.data.clone(),
                complete: true,
            };
        }
        text.push_str(
            frame
                .data
                .get("delta")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        );
    }
    Folded {
        body: serde_json::json!({ "text": text }),
        complete: false,
    }
}
