//! OpenAI's chat, completions, embeddings and images, which Azure, Mistral, Groq, Together and many others speak too.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    answer::Answer,
    call::{CREATED_S, Call, Facts},
};

const DONE: Option<&str> = Some("data: [DONE]\n\n");
const FINGERPRINT: &str = "fp_fake";
const DIMENSIONS: usize = 8;

fn usage(facts: &Facts) -> Value {
    json!({
        "prompt_tokens": facts.input_tokens,
        "completion_tokens": facts.output_tokens,
        "total_tokens": facts.input_tokens + facts.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn tool_calls(facts: &Facts) -> Option<Value> {
    let (name, arguments) = facts.tool.as_ref()?;
    Some(json!([{
        "id": format!("call_{}", facts.id),
        "type": "function",
        "function": {"name": name, "arguments": arguments.to_string()},
    }]))
}

pub(crate) fn chat(call: &Call) -> Answer {
    if call.streams() {
        return chat_stream(call);
    }
    let facts = &call.facts;
    let (message, finish_reason) = match tool_calls(facts) {
        Some(calls) => (
            json!({"role": "assistant", "content": null, "tool_calls": calls, "refusal": null}),
            "tool_calls",
        ),
        None => (
            json!({"role": "assistant", "content": facts.text(), "refusal": null}),
            "stop",
        ),
    };
    Answer::json(&json!({
        "id": format!("chatcmpl-{}", facts.id),
        "object": "chat.completion",
        "created": CREATED_S,
        "model": facts.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason}],
        "usage": usage(facts),
        "system_fingerprint": FINGERPRINT,
    }))
}

/// Who reports usage without being asked, and where: Groq in `x_groq`, Mistral and Together in the last chunk.
enum StreamUsage {
    OnRequest,
    Groq,
    LastChunk,
}

fn stream_usage(call: &Call) -> StreamUsage {
    let model = call.facts.model.to_lowercase();
    if call.path.starts_with("/openai/v1/") {
        StreamUsage::Groq
    } else if [
        "mistral",
        "codestral",
        "ministral",
        "pixtral",
        "together",
        "meta-llama/",
    ]
    .iter()
    .any(|name| model.contains(name))
    {
        StreamUsage::LastChunk
    } else {
        StreamUsage::OnRequest
    }
}

fn chat_stream(call: &Call) -> Answer {
    let facts = &call.facts;
    let chunk = |choices: Value| {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), format!("chatcmpl-{}", facts.id).into());
        chunk.insert("object".to_owned(), "chat.completion.chunk".into());
        chunk.insert("created".to_owned(), CREATED_S.into());
        chunk.insert("model".to_owned(), facts.model.clone().into());
        chunk.insert("system_fingerprint".to_owned(), FINGERPRINT.into());
        chunk.insert("choices".to_owned(), choices);
        Value::Object(chunk)
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]))
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    let finish = match tool_calls(facts) {
        Some(mut calls) => {
            calls[0]["index"] = json!(0);
            let arguments = calls[0]["function"]["arguments"].take();
            calls[0]["function"]["arguments"] = json!("");
            events.push(delta(json!({"tool_calls": calls}), Value::Null));
            let rest = json!({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]});
            events.push(delta(rest, Value::Null));
            "tool_calls"
        }
        None => {
            events.extend(
                facts
                    .pieces
                    .iter()
                    .map(|piece| delta(json!({"content": piece}), Value::Null)),
            );
            "stop"
        }
    };
    let mut last = delta(json!({}), finish.into());
    match stream_usage(call) {
        StreamUsage::Groq => last["x_groq"] = json!({"id": facts.id, "usage": usage(facts)}),
        StreamUsage::LastChunk => last["usage"] = usage(facts),
        StreamUsage::OnRequest => {}
    }
    events.push(last);
    if call.body["stream_options"]["include_usage"] == true
        && matches!(stream_usage(call), StreamUsage::OnRequest)
    {
        let mut with_usage = chunk(json!([]));
        with_usage["usage"] = usage(facts);
        events.push(with_usage);
    }
    Answer::sse(events, DONE)
}

pub(crate) fn completions(call: &Call) -> Answer {
    let facts = &call.facts;
    let chunk = |text: &str, finish: Value| {
        json!({
            "id": format!("cmpl-{}", facts.id), "object": "text_completion", "created": CREATED_S, "model": facts.model,
            "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}],
        })
    };
    if call.streams() {
        let mut events: Vec<Value> = facts
            .pieces
            .iter()
            .map(|piece| chunk(piece, Value::Null))
            .collect();
        events.push(chunk("", "stop".into()));
        return Answer::sse(events, DONE);
    }
    let mut whole = chunk(&facts.text(), "stop".into());
    whole["usage"] = usage(facts);
    Answer::json(&whole)
}

/// A vector made from the text's place and length; small, so that logs stay readable.
pub(crate) fn vector(seed: usize) -> Vec<f32> {
    // Multiples of 1/64 are exact in every float format and in JSON.
    (0..DIMENSIONS)
        .map(|index| ((seed * 7 + index * 3) % 64) as f32 / 64.0)
        .collect()
}

pub(crate) fn embeddings(call: &Call) -> Answer {
    let input = &call.body["input"];
    // An array of numbers is one text in tokens.
    let count = input
        .as_array()
        .filter(|items| items.first().is_some_and(|item| !item.is_number()))
        .map_or(1, Vec::len);
    let as_base64 = call.body["encoding_format"] == "base64";
    let data: Vec<Value> = (0..count)
        .map(|index| {
            let numbers = vector(index);
            let embedding = if as_base64 {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                json!(STANDARD.encode(bytes))
            } else {
                json!(numbers)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens = call.facts.input_tokens;
    Answer::json(&json!({
        "id": format!("embd-{}", call.facts.id), "object": "list", "data": data, "model": call.facts.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0},
    }))
}

pub(crate) fn images(call: &Call) -> Answer {
    let image = STANDARD.encode(format!("fake image {}", call.facts.id));
    Answer::json(&json!({"created": CREATED_S, "data": [{"b64_json": image}]}))
}

pub(crate) fn models(call: &Call) -> Answer {
    let model = |id: &str| json!({"id": id, "object": "model", "created": CREATED_S, "owned_by": "fake"});
    Answer::json(
        &json!({"object": "list", "data": [model("fake-model"), model(&format!("fake-{}", call.path.len()))]}),
    )
}
