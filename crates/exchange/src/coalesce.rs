//! Streams send their text word by word. A piece that only continues the text of the event before it joins that
//! event at once, so a long answer costs one parsed event instead of hundreds; the folded answer is the same.
//!
//! Only pieces of exactly the shapes below join: one with any other member (usage, a finish reason, logprobs, a tool
//! call) is an event of its own.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Text that is borrowed unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A member that is null or absent.
type Null = Option<()>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk<'a> {
    id: Option<&'a str>,
    object: Option<&'a str>,
    created: Option<i64>,
    model: Option<&'a str>,
    system_fingerprint: Option<&'a str>,
    service_tier: Option<&'a str>,
    #[serde(rename = "usage")]
    _usage: Null,
    #[serde(rename = "obfuscation")]
    _obfuscation: Option<IgnoredAny>,
    #[serde(rename = "p")]
    _padding: Option<IgnoredAny>,
    #[serde(borrow)]
    choices: [Choice<'a>; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(rename = "finish_reason")]
    _finish_reason: Null,
    #[serde(rename = "stop_reason")]
    _stop_reason: Null,
    #[serde(rename = "logprobs")]
    _logprobs: Null,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta<'a> {
    role: Option<&'a str>,
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(rename = "refusal")]
    _refusal: Null,
    #[serde(rename = "tool_calls")]
    _tool_calls: Null,
    #[serde(rename = "function_call")]
    _function_call: Null,
}

#[derive(Deserialize)]
struct ResponseDelta<'a> {
    r#type: &'a str,
    output_index: u64,
    content_index: u64,
    #[serde(borrow)]
    delta: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockDelta<'a> {
    r#type: &'a str,
    index: u64,
    #[serde(borrow)]
    delta: TextDelta<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextDelta<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    text: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageDelta<'a> {
    id: &'a str,
    object: &'a str,
    #[serde(borrow)]
    delta: MessageContent<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageContent<'a> {
    #[serde(borrow)]
    content: [MessagePart<'a>; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessagePart<'a> {
    index: u64,
    r#type: &'a str,
    #[serde(borrow)]
    text: MessageText<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageText<'a> {
    #[serde(borrow)]
    value: Text<'a>,
}

/// Appends the text of the event `data` to `last`, the data of the event before it, where nothing else differs.
pub(crate) fn joined(last: &mut Value, data: &str) -> bool {
    let kind = last.get("type").or_else(|| last.get("object"));
    let joined = match kind.and_then(Value::as_str) {
        Some("response.output_text.delta") => join_response(last, data),
        Some("content_block_delta") => join_block(last, data),
        Some("thread.message.delta") => join_message(last, data),
        _ if last.get("choices").is_some() => join_chunk(last, data),
        _ => None,
    };
    joined.is_some()
}

fn push(last: &mut Value, place: &str, text: &Text<'_>) -> Option<()> {
    match last.pointer_mut(place)? {
        Value::String(present) => present.push_str(&text.0),
        _ => return None,
    }
    Some(())
}

fn same_text(last: &Value, key: &str, said: Option<&str>) -> bool {
    last.get(key).and_then(Value::as_str) == said
}

fn same_number(last: &Value, place: &str, said: u64) -> bool {
    last.pointer(place).and_then(Value::as_u64) == Some(said)
}

fn join_chunk(last: &mut Value, data: &str) -> Option<()> {
    let Chunk {
        id,
        object,
        created,
        model,
        system_fingerprint,
        service_tier,
        choices: [choice],
        ..
    } = serde_json::from_str(data).ok()?;
    let head = [
        ("id", id),
        ("object", object),
        ("model", model),
        ("system_fingerprint", system_fingerprint),
        ("service_tier", service_tier),
    ];
    let same_head = head.into_iter().all(|(key, said)| same_text(last, key, said))
        && last.get("created").and_then(Value::as_i64) == created;
    let open = |choice: &Value| {
        let unset = |key: &str| choice.get(key).is_none_or(Value::is_null);
        unset("finish_reason") && unset("stop_reason") && unset("logprobs")
    };
    let one = last.get("choices").and_then(Value::as_array);
    let one = one.filter(|choices| choices.len() == 1 && open(&choices[0]));
    let same_choice = one.is_some() && same_number(last, "/choices/0/index", choice.index);
    let alone = last.get("usage").is_none_or(Value::is_null) && last.get("x_groq").is_none();
    if !(same_head && same_choice && alone) {
        return None;
    }
    match (choice.text, choice.delta) {
        (Some(text), None) => push(last, "/choices/0/text", &text),
        (None, Some(delta)) if delta.role.is_none_or(|role| role == "assistant") => {
            match (delta.content, delta.reasoning_content) {
                (Some(text), None) => push(last, "/choices/0/delta/content", &text),
                (None, Some(text)) => push(last, "/choices/0/delta/reasoning_content", &text),
                _ => None,
            }
        }
        _ => None,
    }
}

fn join_response(last: &mut Value, data: &str) -> Option<()> {
    let event: ResponseDelta<'_> = serde_json::from_str(data).ok()?;
    let same = event.r#type == "response.output_text.delta"
        && same_number(last, "/output_index", event.output_index)
        && same_number(last, "/content_index", event.content_index);
    same.then_some(())?;
    push(last, "/delta", &event.delta)
}

fn join_block(last: &mut Value, data: &str) -> Option<()> {
    let event: BlockDelta<'_> = serde_json::from_str(data).ok()?;
    let same = event.r#type == "content_block_delta"
        && event.delta.r#type == "text_delta"
        && same_number(last, "/index", event.index)
        && same_text(last.get("delta")?, "type", Some("text_delta"));
    same.then_some(())?;
    push(last, "/delta/text", &event.delta.text)
}

fn join_message(last: &mut Value, data: &str) -> Option<()> {
    let event: MessageDelta<'_> = serde_json::from_str(data).ok()?;
    let [part] = event.delta.content;
    let parts = last.pointer("/delta/content").and_then(Value::as_array)?;
    let same = event.object == "thread.message.delta"
        && part.r#type == "text"
        && parts.len() == 1
        && same_text(last, "id", Some(event.id))
        && same_number(last, "/delta/content/0/index", part.index);
    same.then_some(())?;
    push(last, "/delta/content/0/text/value", &part.text.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chunk(delta: Value, finish: Value) -> Value {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
    }

    #[test]
    fn text_that_goes_on_joins_the_event_before() {
        let mut last = chunk(json!({"role": "assistant", "content": "a"}), Value::Null);
        assert!(joined(
            &mut last,
            &chunk(json!({"content": "b\n\"c"}), Value::Null).to_string()
        ));
        assert_eq!(last["choices"][0]["delta"]["content"], "ab\n\"c");
        let mut block =
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "x"}});
        assert!(joined(&mut block.clone(), &block.to_string()));
        assert!(!joined(
            &mut block,
            &json!({"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "x"}})
                .to_string()
        ));
    }

    #[test]
    fn what_says_more_than_text_stays_an_event_of_its_own() {
        let start = chunk(json!({"content": "a"}), Value::Null);
        let mut with_usage = chunk(json!({"content": "b"}), Value::Null);
        with_usage["usage"] = json!({"prompt_tokens": 1});
        let mut other_model = chunk(json!({"content": "b"}), Value::Null);
        other_model["model"] = json!("n");
        let mut other_choice = chunk(json!({"content": "b"}), Value::Null);
        other_choice["choices"][0]["index"] = json!(1);
        let more = [
            with_usage,
            other_model,
            other_choice,
            chunk(json!({"content": "b"}), json!("stop")),
            chunk(json!({"reasoning_content": "b"}), Value::Null),
            chunk(json!({"tool_calls": [{"index": 0}]}), Value::Null),
            chunk(json!({"content": "b", "annotations": []}), Value::Null),
        ];
        for event in more {
            let mut last = start.clone();
            assert!(!joined(&mut last, &event.to_string()), "{event}");
            assert_eq!(last, start);
        }
    }
}
