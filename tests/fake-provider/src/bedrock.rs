//! Amazon Bedrock: converse and invoke, plain and as event streams.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{answer::Answer, anthropic, call::Call, frames};

const STREAM: &str = "application/vnd.amazon.eventstream";

/// `model_and_operation` is `MODEL/converse` and the like; the model may be percent-encoded or an ARN with slashes.
pub(crate) fn answer(call: &Call, model_and_operation: &str) -> Option<Answer> {
    let (model, operation) = model_and_operation.rsplit_once('/')?;
    match operation {
        "converse" => Some(Answer::json(&converse(call))),
        "converse-stream" => Some(Answer::stream(STREAM, converse_frames(call))),
        "invoke" if model.contains("anthropic") => Some(Answer::json(&anthropic::whole(call))),
        "invoke" => Some(Answer::json(&titan(call))),
        "invoke-with-response-stream" => {
            let parts = if model.contains("anthropic") {
                anthropic::events(call)
            } else {
                titan_parts(call)
            };
            Some(Answer::stream(STREAM, parts.iter().map(chunk_frame).collect()))
        }
        _ => None,
    }
}

fn usage(call: &Call) -> Value {
    let (input, output) = (call.facts.input_tokens, call.facts.output_tokens);
    json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
}

fn stop_reason(call: &Call) -> &'static str {
    if call.facts.tool.is_some() {
        "tool_use"
    } else {
        "end_turn"
    }
}

fn converse(call: &Call) -> Value {
    let block = match &call.facts.tool {
        Some((name, input)) => {
            json!({"toolUse": {"toolUseId": format!("tooluse_{}", call.facts.id), "name": name, "input": input}})
        }
        None => json!({"text": call.facts.text()}),
    };
    json!({
        "output": {"message": {"role": "assistant", "content": [block]}}, "stopReason": stop_reason(call),
        "usage": usage(call), "metrics": {"latencyMs": 100},
    })
}

fn converse_frames(call: &Call) -> Vec<Bytes> {
    let frame = |kind: &str, payload: Value| frames::event(kind, payload.to_string().as_bytes());
    let mut parts = vec![frame("messageStart", json!({"role": "assistant"}))];
    let deltas: Vec<Value> = match &call.facts.tool {
        Some((name, input)) => {
            let start = json!({"toolUse": {"toolUseId": format!("tooluse_{}", call.facts.id), "name": name}});
            parts.push(frame(
                "contentBlockStart",
                json!({"contentBlockIndex": 0, "start": start}),
            ));
            vec![json!({"toolUse": {"input": input.to_string()}})]
        }
        None => call
            .facts
            .pieces
            .iter()
            .map(|piece| json!({"text": piece}))
            .collect(),
    };
    parts.extend(deltas.into_iter().map(|delta| {
        frame(
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": delta}),
        )
    }));
    parts.push(frame("contentBlockStop", json!({"contentBlockIndex": 0})));
    parts.push(frame("messageStop", json!({"stopReason": stop_reason(call)})));
    parts.push(frame(
        "metadata",
        json!({"usage": usage(call), "metrics": {"latencyMs": 100}}),
    ));
    parts
}

fn chunk_frame(event: &Value) -> Bytes {
    let payload = json!({"bytes": STANDARD.encode(event.to_string())});
    frames::event("chunk", payload.to_string().as_bytes())
}

fn titan(call: &Call) -> Value {
    json!({
        "inputTextTokenCount": call.facts.input_tokens,
        "results": [{
            "tokenCount": call.facts.output_tokens, "outputText": call.facts.text(), "completionReason": "FINISH",
        }],
    })
}

fn titan_parts(call: &Call) -> Vec<Value> {
    let last = call.facts.pieces.len() - 1;
    let pieces = call.facts.pieces.iter().enumerate();
    pieces
        .map(|(index, piece)| {
            let is_last = index == last;
            json!({
                "outputText": piece, "index": 0, "inputTextTokenCount": call.facts.input_tokens,
                "totalOutputTextTokenCount": if is_last { json!(call.facts.output_tokens) } else { Value::Null },
                "completionReason": if is_last { json!("FINISH") } else { Value::Null },
            })
        })
        .collect()
}
