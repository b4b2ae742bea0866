//! Gemini, and Vertex, which has the same bodies under longer paths (and Anthropic's under `rawPredict`).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{answer::Answer, anthropic, call::Call, openai};

/// `model_and_method` is `gemini-2.5-flash:generateContent`.
pub(crate) fn answer(call: &Call, model_and_method: &str) -> Option<Answer> {
    let (model, method) = model_and_method.rsplit_once(':')?;
    match method {
        "generateContent" => Some(Answer::json(&whole(call, model))),
        "streamGenerateContent" => Some(stream(call, model)),
        "countTokens" => Some(Answer::json(&json!({"totalTokens": call.facts.input_tokens}))),
        "embedContent" => Some(Answer::json(&json!({"embedding": {"values": openai::vector(0)}}))),
        "batchEmbedContents" => {
            let count = call.body["requests"].as_array().map_or(0, Vec::len);
            let values: Vec<Value> = (0..count)
                .map(|index| json!({"values": openai::vector(index)}))
                .collect();
            Some(Answer::json(&json!({"embeddings": values})))
        }
        "rawPredict" => Some(Answer::json(&anthropic::whole(call))),
        "streamRawPredict" => Some(Answer::named_sse(anthropic::events(call))),
        _ => None,
    }
}

fn usage(call: &Call) -> Value {
    let facts = &call.facts;
    json!({
        "promptTokenCount": facts.input_tokens, "candidatesTokenCount": facts.output_tokens,
        "totalTokenCount": facts.input_tokens + facts.output_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": facts.input_tokens}],
    })
}

fn chunk(call: &Call, model: &str, part: Value, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": [part], "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = json!(finish);
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage(call), "modelVersion": model, "responseId": call.facts.id,
    })
}

fn whole(call: &Call, model: &str) -> Value {
    let part = match &call.facts.tool {
        Some((name, arguments)) => json!({"functionCall": {"name": name, "args": arguments}}),
        None => json!({"text": call.facts.text()}),
    };
    chunk(call, model, part, Some("STOP"))
}

fn stream(call: &Call, model: &str) -> Answer {
    let chunks: Vec<Value> = if call.facts.tool.is_some() {
        vec![whole(call, model)]
    } else {
        let last = call.facts.pieces.len() - 1;
        let pieces = call.facts.pieces.iter().enumerate();
        pieces
            .map(|(index, piece)| {
                let finish = (index == last).then_some("STOP");
                chunk(call, model, json!({"text": piece}), finish)
            })
            .collect()
    };
    if call.query.split('&').any(|pair| pair == "alt=sse") {
        return Answer::sse(chunks, None);
    }
    // Without `alt=sse` it is one JSON array, sent as its elements become known.
    let mut texts: Vec<Bytes> = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let before = if index == 0 { "[" } else { ",\r\n" };
        texts.push(format!("{before}{chunk}").into());
    }
    texts.push(Bytes::from_static(b"]"));
    Answer::stream("application/json; charset=UTF-8", texts)
}
