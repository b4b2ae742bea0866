//! The human-readable text inside messages, whatever shape a provider gives them.

use serde_json::Value;

/// Appends the text of a message's content: a string, a list of parts, or one part.
///
/// Parts carry text under `text` (OpenAI, Anthropic, Gemini; an object with `value` in threads, with `text` in
/// Bedrock's guard content), `refusal`, `content` (tool results), `output` (function outputs), `parts`, `message`
/// (Cohere's history) or `json` (a tool result of Bedrock). Images, audio and files hold none.
pub(crate) fn push_text(content: &Value, out: &mut Vec<String>) {
    match content {
        Value::String(text) if !text.is_empty() => out.push(text.clone()),
        Value::Array(parts) => parts.iter().for_each(|part| push_text(part, out)),
        Value::Object(part) => {
            const KEYS: [&str; 10] = [
                "text",
                "value",
                "refusal",
                "content",
                "output",
                "parts",
                "message",
                "guardContent",
                "toolResult",
                "json",
            ];
            for key in KEYS {
                match (key, part.get(key)) {
                    ("json", Some(json)) => out.push(json.to_string()),
                    (_, Some(inner)) => push_text(inner, out),
                    (_, None) => {}
                }
            }
        }
        _ => {}
    }
}

/// All text of a request body, in the order a reader would meet it.
///
/// The keys of the known forms do not collide, so one order serves all: instructions, history, messages, then the
/// question itself.
pub(crate) fn request_text(body: &Value) -> String {
    const KEYS: [&str; 20] = [
        "system",
        "systemInstruction",
        "system_instruction",
        "instructions",
        "preamble",
        "chat_history",
        "messages",
        "additional_messages",
        "contents",
        "content",
        "requests",
        "message",
        "prompt",
        "input",
        "inputText",
        "texts",
        "inputs",
        "query",
        "documents",
        "thread",
    ];
    let mut texts = Vec::new();
    for key in KEYS {
        match (key, body.get(key)) {
            ("thread", Some(thread)) => push_text(thread.get("messages").unwrap_or(&Value::Null), &mut texts),
            (_, Some(value)) => push_text(value, &mut texts),
            (_, None) => {}
        }
    }
    texts.join("\n")
}

/// A string field, if present, a string and not empty.
pub(crate) fn string(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The elements of an array field; none when it is anything else.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// JSON text of tool arguments: text stays as the model wrote it, anything else is written compactly.
pub(crate) fn arguments(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_found_in_every_known_form() {
        let of = |body: Value| request_text(&body);
        let parts = json!([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:x"}}, "b"]);
        assert_eq!(
            of(json!({"messages": [{"role": "user", "content": parts}]})),
            "a\nb"
        );
        assert_eq!(
            of(json!({"instructions": "i", "input": [{"type": "function_call_output", "output": "o"}]})),
            "i\no"
        );
        assert_eq!(
            of(
                json!({"contents": [{"parts": [{"text": "g"}]}], "systemInstruction": {"parts": [{"text": "s"}]}})
            ),
            "s\ng"
        );
        assert_eq!(
            of(
                json!({"system": [{"text": "s"}], "messages": [{"content": [{"guardContent": {"text": {"text": "q"}}}]}]})
            ),
            "s\nq"
        );
        assert_eq!(
            of(json!({"chat_history": [{"role": "USER", "message": "h"}], "message": "m"})),
            "h\nm"
        );
        assert_eq!(of(json!({"prompt": ["p", "q"]})), "p\nq");
        assert_eq!(of(json!({"input": [1, 2, 3]})), "");
    }
}
