//! Anthropic's messages; Bedrock and Vertex carry the same bodies.

use serde_json::{Value, json};

use crate::{answer::Answer, call::Call};

fn usage(call: &Call, output_tokens: u64) -> Value {
    json!({
        "input_tokens": call.facts.input_tokens, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output_tokens, "service_tier": "standard",
    })
}

fn message(call: &Call, content: Value, stop_reason: Value, output_tokens: u64) -> Value {
    json!({
        "id": format!("msg_{}", call.facts.id), "type": "message", "role": "assistant", "model": call.facts.model,
        "content": content, "stop_reason": stop_reason, "stop_sequence": null, "usage": usage(call, output_tokens),
    })
}

fn stop_reason(call: &Call) -> &'static str {
    if call.facts.tool.is_some() {
        "tool_use"
    } else {
        "end_turn"
    }
}

/// The whole message.
pub(crate) fn whole(call: &Call) -> Value {
    let facts = &call.facts;
    let block = match &facts.tool {
        Some((name, input)) => {
            json!({"type": "tool_use", "id": format!("toolu_{}", facts.id), "name": name, "input": input})
        }
        None => json!({"type": "text", "text": facts.text()}),
    };
    message(
        call,
        json!([block]),
        stop_reason(call).into(),
        facts.output_tokens,
    )
}

/// The events of the streamed message.
pub(crate) fn events(call: &Call) -> Vec<Value> {
    let facts = &call.facts;
    let mut events =
        vec![json!({"type": "message_start", "message": message(call, json!([]), Value::Null, 1)})];
    let start = |block: Value| json!({"type": "content_block_start", "index": 0, "content_block": block});
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    match &facts.tool {
        Some((name, input)) => {
            let id = format!("toolu_{}", facts.id);
            events.push(start(
                json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
            ));
            events.push(delta(
                json!({"type": "input_json_delta", "partial_json": input.to_string()}),
            ));
        }
        None => {
            events.push(start(json!({"type": "text", "text": ""})));
            events.push(json!({"type": "ping"}));
            events.extend(
                facts
                    .pieces
                    .iter()
                    .map(|piece| delta(json!({"type": "text_delta", "text": piece}))),
            );
        }
    }
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(json!({
        "type": "message_delta", "delta": {"stop_reason": stop_reason(call), "stop_sequence": null},
        "usage": {"output_tokens": facts.output_tokens},
    }));
    events.push(json!({"type": "message_stop"}));
    events
}

pub(crate) fn answer(call: &Call) -> Answer {
    if call.streams() {
        Answer::named_sse(events(call))
    } else {
        Answer::json(&whole(call))
    }
}
