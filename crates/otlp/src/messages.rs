//! Messages of every convention in one form, that of `gen_ai.input.messages`: `{"role", "parts": [{"type", ...}]}`.

use serde_json::{Map, Value, json};

use crate::attributes::{Attributes, parsed};
use crate::span::{Pairs, SpanEvent};

/// Events that tell of a piece of a stream only; they are counted.
const CHUNK_EVENTS: [&str; 3] = [
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
    "First Token Stream Event",
];

/// What was said in a span, and the events that said nothing of it.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) system: Vec<Value>,
    pub(crate) input: Vec<Value>,
    pub(crate) output: Vec<Value>,
    pub(crate) tools: Option<Value>,
    pub(crate) chunks: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) first_chunk_ns: Option<u64>,
    /// `exception.type` and `exception.message`.
    pub(crate) exception: Option<(Option<String>, Option<String>)>,
    pub(crate) other_events: Vec<Value>,
}

/// Takes the messages out of a span's attributes and events. Of several places that tell the same, the newest
/// convention's counts and the others stay among the attributes.
pub(crate) fn take(attributes: &mut Attributes, events: &[SpanEvent]) -> Conversation {
    let mut said = Conversation::default();
    let mut by_event = (Vec::new(), Vec::new());
    for event in events {
        read_event(event, attributes, &mut said, &mut by_event);
    }
    if let Some(system) = attributes.value(&["gen_ai.system_instructions"]) {
        said.system = parts(&parsed(system));
    }
    said.input = of_attributes(
        attributes,
        &["gen_ai.input.messages"],
        &["gen_ai.prompt", "llm.prompts", "llm.input_messages"],
        &["gen_ai.prompt", "llm.prompts"],
        "user",
    );
    said.output = of_attributes(
        attributes,
        &["gen_ai.output.messages"],
        &["gen_ai.completion", "llm.completions", "llm.output_messages"],
        &["gen_ai.completion", "llm.completions"],
        "assistant",
    );
    if said.input.is_empty() {
        said.input = by_event.0;
    }
    if said.output.is_empty() {
        said.output = by_event.1;
    }
    said.tools = attributes
        .value(&["gen_ai.tool.definitions"])
        .map(parsed)
        .or_else(|| attributes.indexed("llm.tools"))
        .or_else(|| attributes.indexed("llm.request.functions"));
    said
}

fn of_attributes(
    attributes: &mut Attributes,
    whole: &[&str],
    indexed: &[&str],
    single: &[&str],
    role: &str,
) -> Vec<Value> {
    if let Some(value) = attributes.value(whole) {
        return messages(parsed(value), role);
    }
    if let Some(value) = indexed.iter().find_map(|prefix| attributes.indexed(prefix)) {
        return messages(value, role);
    }
    attributes
        .value(single)
        .map(|value| messages(parsed(value), role))
        .unwrap_or_default()
}

fn read_event(
    event: &SpanEvent,
    attributes: &mut Attributes,
    said: &mut Conversation,
    by_event: &mut (Vec<Value>, Vec<Value>),
) {
    let (input, output) = by_event;
    match event.name.as_str() {
        name if CHUNK_EVENTS.contains(&name) => {
            said.chunks += 1;
            said.first_chunk_ns = said
                .first_chunk_ns
                .or((event.time_ns > 0).then_some(event.time_ns));
        }
        "gen_ai.system.message" => input.push(of_event(&event.attributes, "system")),
        "gen_ai.user.message" => input.push(of_event(&event.attributes, "user")),
        "gen_ai.assistant.message" => input.push(of_event(&event.attributes, "assistant")),
        "gen_ai.tool.message" => input.push(of_event(&event.attributes, "tool")),
        "gen_ai.choice" => output.push(of_event(&event.attributes, "assistant")),
        "gen_ai.content.prompt" => input.extend(of_pair(&event.attributes, "gen_ai.prompt", "user")),
        "gen_ai.content.completion" => {
            output.extend(of_pair(&event.attributes, "gen_ai.completion", "assistant"));
        }
        "gen_ai.client.inference.operation.details" => attributes.add_missing(&event.attributes),
        "exception" => {
            said.exception.get_or_insert_with(|| {
                (
                    pair(&event.attributes, "exception.type"),
                    pair(&event.attributes, "exception.message"),
                )
            });
            said.other_events.push(verbatim(event));
        }
        _ => said.other_events.push(verbatim(event)),
    }
}

fn verbatim(event: &SpanEvent) -> Value {
    let attributes: Map<String, Value> = event.attributes.iter().cloned().collect();
    json!({ "name": event.name, "time_unix_nano": event.time_ns.to_string(), "attributes": attributes })
}

fn pair(pairs: &Pairs, name: &str) -> Option<String> {
    let (_, value) = pairs.iter().find(|(key, _)| key == name)?;
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn of_pair(pairs: &Pairs, name: &str, role: &str) -> Vec<Value> {
    let found = pairs.iter().find(|(key, _)| key == name);
    found
        .map(|(_, value)| messages(parsed(value.clone()), role))
        .unwrap_or_default()
}

/// A message whose fields are the event's attributes; some put all of it as JSON under `gen_ai.event.content`.
fn of_event(pairs: &Pairs, role: &str) -> Value {
    let mut fields: Map<String, Value> = pairs
        .iter()
        .map(|(key, value)| (key.clone(), parsed(value.clone())))
        .collect();
    if let Some(Value::Object(body)) = fields.remove("gen_ai.event.content") {
        fields.extend(body);
    }
    message(&Value::Object(fields), role)
}

/// A list of messages, one message, or a bare text.
fn messages(value: Value, role: &str) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| message(item, role)).collect(),
        Value::Object(fields) => match fields.get("messages") {
            Some(Value::Array(items)) => items.iter().map(|item| message(item, role)).collect(),
            _ => vec![message(&Value::Object(fields), role)],
        },
        other => vec![message(&other, role)],
    }
}

/// One message of any convention. `role` is taken where it names none.
fn message(value: &Value, role: &str) -> Value {
    let Value::Object(outer) = value else {
        return json!({ "role": role, "parts": parts(value) });
    };
    // A choice, or OpenInference, holds the message one level down; completions hold a text under `prompt.text`.
    let inner = ["message", "prompt", "completion"]
        .iter()
        .find_map(|key| outer.get(*key)?.as_object());
    let fields = inner.unwrap_or(outer);
    let said_role = fields
        .get("role")
        .and_then(Value::as_str)
        .filter(|said| !said.is_empty());
    let role = said_role.unwrap_or(role);
    let mut out = Map::new();
    out.insert("role".to_owned(), Value::from(role));
    let held = match fields.get("parts") {
        Some(listed) => parts(listed),
        None => parts_of_fields(fields, role, outer.get("message")),
    };
    out.insert("parts".to_owned(), Value::Array(held));
    for name in ["name", "finish_reason"] {
        let value = fields
            .get(name)
            .or_else(|| outer.get(name))
            .filter(|value| !value.is_null());
        out.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    Value::Object(out)
}

fn parts_of_fields(fields: &Map<String, Value>, role: &str, bare: Option<&Value>) -> Vec<Value> {
    let mut out = Vec::new();
    let thoughts = fields
        .get("reasoning_content")
        .or_else(|| fields.get("reasoning"));
    if let Some(Value::String(text)) = thoughts.filter(|value| value.as_str() != Some("")) {
        out.push(json!({ "type": "reasoning", "content": text }));
    }
    let content = fields
        .get("content")
        .or_else(|| fields.get("contents"))
        .or_else(|| fields.get("text"));
    let content = content
        .or_else(|| bare.filter(|value| value.is_string()))
        .cloned()
        .map(parsed);
    if let Some(content) = content.filter(|content| !content.is_null()) {
        if role == "tool" {
            let id = fields.get("tool_call_id").or_else(|| fields.get("id"));
            out.push(json!({ "type": "tool_call_response", "id": id, "response": content }));
        } else {
            out.extend(parts(&content));
        }
    }
    if let Some(Value::String(text)) = fields.get("refusal") {
        out.push(json!({ "type": "refusal", "content": text }));
    }
    if let Some(Value::Array(calls)) = fields.get("tool_calls").cloned().map(parsed) {
        out.extend(calls.iter().map(tool_call));
    }
    if let Some(call) = fields.get("function_call").filter(|call| call.is_object()) {
        out.push(tool_call(call));
    }
    out
}

/// The parts of a message's content: a text, a list of parts, or one part.
fn parts(content: &Value) -> Vec<Value> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(items) => items.iter().map(part).collect(),
        other => vec![part(other)],
    }
}

fn part(value: &Value) -> Value {
    let Value::Object(fields) = value.get("message_content").unwrap_or(value) else {
        return match value {
            Value::String(text) => json!({ "type": "text", "content": text }),
            other => json!({ "type": "text", "content": other.to_string() }),
        };
    };
    let text = fields.get("text").and_then(Value::as_str);
    let is_text = fields.get("type").is_none_or(|kind| kind == "text");
    match text.filter(|_| is_text && !fields.contains_key("content")) {
        Some(text) => json!({ "type": "text", "content": text }),
        None => Value::Object(fields.clone()),
    }
}

fn tool_call(value: &Value) -> Value {
    let call = value.get("tool_call").unwrap_or(value);
    let function = call.get("function").unwrap_or(call);
    json!({
        "type": "tool_call",
        "id": call.get("id"),
        "name": function.get("name"),
        "arguments": function.get("arguments"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Value {
        Value::Array(messages(parsed(value), "user"))
    }

    fn said(text: &str) -> Value {
        json!([{"role": "user", "parts": [{"type": "text", "content": text}]}])
    }

    #[test]
    fn one_form_comes_out_of_every_way_to_say_a_thing() {
        for value in [
            json!("hi"),
            json!({"role": "user", "content": "hi"}),
            json!([{"role": "user", "content": [{"type": "text", "text": "hi"}]}]),
            json!([{"message": {"role": "user", "content": "hi"}}]),
            json!([{"message": {"role": "user", "contents": [{"message_content": {"type": "text", "text": "hi"}}]}}]),
            json!([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]),
            json!("[{\"role\": \"user\", \"content\": \"hi\"}]"),
            json!([{"prompt": {"text": "hi"}}]),
        ] {
            assert_eq!(of(value.clone()), said("hi"), "{value}");
        }
    }

    #[test]
    fn tools_are_asked_and_answer() {
        let call = json!([{"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"}]);
        for value in [
            json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
            json!({"role": "assistant", "tool_calls": [{"tool_call": {"id": "c", "function": {"name": "f", "arguments": "{}"}}}]}),
            json!({"role": "assistant", "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}]}),
        ] {
            assert_eq!(of(value)[0]["parts"], call);
        }
        let answer = of(json!({"role": "tool", "tool_call_id": "c", "content": "42"}));
        assert_eq!(
            answer[0]["parts"],
            json!([{"type": "tool_call_response", "id": "c", "response": "42"}])
        );
    }
}
