//! Cohere's chat, versions 1 and 2, and embeddings.

use serde_json::{Value, json};

use crate::{answer::Answer, call::Call, openai};

fn usage(call: &Call) -> Value {
    let (input, output) = (call.facts.input_tokens, call.facts.output_tokens);
    json!({
        "billed_units": {"input_tokens": input, "output_tokens": output},
        "tokens": {"input_tokens": input, "output_tokens": output},
    })
}

pub(crate) fn chat(call: &Call, is_version_2: bool) -> Answer {
    match (is_version_2, call.streams()) {
        (true, false) => Answer::json(&version_2(call)),
        (true, true) => Answer::named_sse(version_2_events(call)),
        (false, false) => Answer::json(&version_1(call)),
        (false, true) => Answer::lines("application/stream+json", version_1_events(call)),
    }
}

fn version_1(call: &Call) -> Value {
    let mut meta = usage(call);
    meta["api_version"] = json!({"version": "1"});
    json!({
        "response_id": call.facts.id, "generation_id": call.facts.id, "text": call.facts.text(),
        "chat_history": [
            {"role": "USER", "message": call.body["message"]},
            {"role": "CHATBOT", "message": call.facts.text()},
        ],
        "finish_reason": "COMPLETE", "meta": meta,
    })
}

fn version_1_events(call: &Call) -> Vec<Value> {
    let mut events = vec![json!({
        "is_finished": false, "event_type": "stream-start", "generation_id": call.facts.id,
    })];
    let pieces = call.facts.pieces.iter();
    events.extend(
        pieces.map(|piece| json!({"is_finished": false, "event_type": "text-generation", "text": piece})),
    );
    events.push(json!({
        "is_finished": true, "event_type": "stream-end", "finish_reason": "COMPLETE", "response": version_1(call),
    }));
    events
}

fn version_2(call: &Call) -> Value {
    let (message, finish) = match &call.facts.tool {
        Some((name, arguments)) => {
            let function = json!({"name": name, "arguments": arguments.to_string()});
            let calls =
                json!([{"id": format!("call_{}", call.facts.id), "type": "function", "function": function}]);
            (
                json!({"role": "assistant", "tool_plan": "I will use the tool.", "tool_calls": calls}),
                "TOOL_CALL",
            )
        }
        None => {
            let content = json!([{"type": "text", "text": call.facts.text()}]);
            (json!({"role": "assistant", "content": content}), "COMPLETE")
        }
    };
    json!({"id": call.facts.id, "message": message, "finish_reason": finish, "usage": usage(call)})
}

fn version_2_events(call: &Call) -> Vec<Value> {
    let start = json!({"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}});
    let mut events = vec![
        json!({"type": "message-start", "id": call.facts.id, "delta": start}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
    ];
    let pieces = call.facts.pieces.iter();
    events.extend(pieces.map(
        |piece| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}),
    ));
    events.push(json!({"type": "content-end", "index": 0}));
    events.push(json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage(call)}}));
    events
}

pub(crate) fn embed(call: &Call) -> Answer {
    let count = call.body["texts"].as_array().map_or(1, Vec::len);
    let vectors: Vec<Vec<f32>> = (0..count).map(openai::vector).collect();
    let is_by_type = call.path.starts_with("/v2/") || call.body["embedding_types"].is_array();
    let embeddings = if is_by_type {
        json!({"float": vectors})
    } else {
        json!(vectors)
    };
    Answer::json(&json!({
        "id": call.facts.id, "texts": call.body["texts"], "embeddings": embeddings,
        "response_type": if is_by_type { "embeddings_by_type" } else { "embeddings_floats" },
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": call.facts.input_tokens}},
    }))
}
