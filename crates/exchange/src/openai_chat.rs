//! OpenAI chat completions and text completions, plain and streamed, and their many imitators (Azure, Mistral, Groq,
//! Together, DeepSeek, ...).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::answer::{Answer, Folded, append, merge_except};
use crate::content::{list, string};
use crate::frames::Frames;

/// Reads a completion. `tiered`: the provider has service tiers that cost differently.
pub(crate) fn read(body: &Value, tiered: bool, answer: &mut Answer) {
    answer.read_head(body);
    if tiered {
        answer.price_tier();
    }
    for choice in list(body, "choices") {
        let reason = string(choice, "finish_reason").or_else(|| string(choice, "stop_reason"));
        answer.finish_reasons.extend(reason);
        // Some servers answer a completion with neither message nor text but the remains of a stream.
        let message = choice
            .get("message")
            .or_else(|| choice.get("delta"))
            .unwrap_or(&Value::Null);
        answer.text(choice.get("text"));
        answer.text(message.get("content"));
        answer.text(message.get("refusal"));
        // A spoken answer has its words under `audio`.
        answer.text(message.pointer("/audio/transcript"));
        answer.reason(
            message
                .get("reasoning_content")
                .or_else(|| message.get("reasoning")),
        );
        // Mistral's reasoning is a part of the content.
        for part in list(message, "content") {
            answer.reason(part.get("thinking"));
        }
        for call in list(message, "tool_calls") {
            // Custom tools carry free text under `input` where functions carry `arguments`.
            let function = call
                .get("function")
                .or_else(|| call.get("custom"))
                .unwrap_or(&Value::Null);
            let arguments = function.get("arguments").or_else(|| function.get("input"));
            answer.tool(string(call, "id"), string(function, "name"), arguments);
        }
        if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
            answer.tool(None, string(call, "name"), call.get("arguments"));
        }
    }
}

/// One choice while its deltas come in.
#[derive(Default)]
struct Choice {
    rest: Map<String, Value>,
    message: Map<String, Value>,
    tools: BTreeMap<u64, Map<String, Value>>,
    function: Map<String, Value>,
    text: Option<String>,
}

/// Folds chunks into a completion. Complete when `[DONE]` came or every choice has its finish reason.
pub(crate) fn fold(frames: &Frames) -> Folded {
    let mut head = Map::new();
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    for chunk in frames.frames.iter().map(|frame| &frame.data) {
        merge_except(&mut head, chunk, &["choices", "object", "obfuscation", "p"]);
        // Groq puts the usage of a stream under its own key.
        if let Some(usage) = chunk.pointer("/x_groq/usage").filter(|usage| usage.is_object()) {
            head.insert("usage".to_owned(), usage.clone());
        }
        for choice in list(chunk, "choices") {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            choices.entry(index).or_default().take(choice);
        }
    }
    let ended = |choice: &Choice| choice.rest.contains_key("finish_reason");
    let complete = frames.done || (!choices.is_empty() && choices.values().all(ended) && !frames.cut);
    let choices: Vec<Value> = choices
        .into_iter()
        .map(|(index, choice)| choice.finished(index))
        .collect();
    head.insert("choices".to_owned(), Value::Array(choices));
    Folded {
        body: Value::Object(head),
        complete,
    }
}

impl Choice {
    fn take(&mut self, chunk: &Value) {
        merge_except(&mut self.rest, chunk, &["delta", "message", "index", "text"]);
        if let Some(text) = chunk.get("text").and_then(Value::as_str) {
            self.text.get_or_insert_default().push_str(text);
        }
        let Some(delta) = chunk
            .get("delta")
            .or_else(|| chunk.get("message"))
            .and_then(Value::as_object)
        else {
            return;
        };
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("tool_calls", Value::Array(calls)) => calls.iter().for_each(|call| self.take_tool(call)),
                ("function_call", Value::Object(call)) => take_function(&mut self.function, call),
                ("audio", Value::Object(piece)) => self.take_audio(piece),
                ("role", _) | (_, Value::Null) => merge_except(&mut self.message, &one(key, value), &[]),
                (_, Value::String(text)) => append(&mut self.message, key, text),
                (_, Value::Array(parts)) => match self.message.get_mut(key) {
                    Some(Value::Array(present)) => present.extend(parts.iter().cloned()),
                    _ => {
                        self.message.insert(key.clone(), value.clone());
                    }
                },
                _ => {
                    self.message.insert(key.clone(), value.clone());
                }
            }
        }
    }

    /// Sound and its words come in pieces; the rest is stated once.
    fn take_audio(&mut self, piece: &Map<String, Value>) {
        let held = self
            .message
            .entry("audio")
            .or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(held) = held else { return };
        for (key, value) in piece {
            match value {
                Value::String(text) if key == "transcript" || key == "data" => append(held, key, text),
                Value::Null => {}
                other => {
                    held.insert(key.clone(), other.clone());
                }
            }
        }
    }

    fn take_tool(&mut self, call: &Value) {
        // Mistral and others send whole calls without an index; each is one of its own.
        let next = self
            .tools
            .last_key_value()
            .map_or(0, |(index, _)| index.saturating_add(1));
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(next);
        let slot = self.tools.entry(index).or_default();
        merge_except(slot, call, &["index", "function"]);
        if let Some(function) = call.get("function").and_then(Value::as_object) {
            let held = slot
                .entry("function")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(held) = held {
                take_function(held, function);
            }
        }
    }

    fn finished(mut self, index: u64) -> Value {
        if !self.tools.is_empty() {
            let calls = self.tools.into_values().map(Value::Object).collect();
            self.message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        if !self.function.is_empty() {
            self.message
                .insert("function_call".to_owned(), Value::Object(self.function));
        }
        self.rest.insert("index".to_owned(), Value::from(index));
        if let Some(text) = self.text {
            self.rest.insert("text".to_owned(), Value::String(text));
        }
        if !self.message.is_empty() {
            self.rest
                .insert("message".to_owned(), Value::Object(self.message));
        }
        Value::Object(self.rest)
    }
}

fn one(key: &str, value: &Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value.clone())]))
}

/// Arguments come in pieces, the name at once.
fn take_function(held: &mut Map<String, Value>, delta: &Map<String, Value>) {
    for (key, value) in delta {
        match value {
            Value::String(text) if key == "arguments" || key == "input" => append(held, key, text),
            Value::Null => {}
            other => {
                held.insert(key.clone(), other.clone());
            }
        }
    }
}
