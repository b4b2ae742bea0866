//! Ollama: newline-delimited JSON, streamed unless the request says otherwise.

use serde_json::{Value, json};

use crate::{
    answer::Answer,
    call::{CREATED_TEXT, Call},
    openai,
};

pub(crate) fn answer(call: &Call) -> Option<Answer> {
    match call.path.as_str() {
        "/api/chat" => Some(generated(call, |text| {
            ("message", json!({"role": "assistant", "content": text}))
        })),
        "/api/generate" => Some(generated(call, |text| ("response", json!(text)))),
        "/api/embed" => {
            let count = call.body["input"].as_array().map_or(1, Vec::len);
            let vectors: Vec<Vec<f32>> = (0..count).map(openai::vector).collect();
            Some(Answer::json(&json!({
                "model": call.facts.model, "embeddings": vectors, "total_duration": 1, "load_duration": 1,
                "prompt_eval_count": call.facts.input_tokens,
            })))
        }
        "/api/embeddings" => Some(Answer::json(&json!({"embedding": openai::vector(0)}))),
        _ => None,
    }
}

fn generated(call: &Call, member: impl Fn(&str) -> (&'static str, Value)) -> Answer {
    let line = |text: &str, is_done: bool| {
        let (name, value) = member(text);
        let mut line = json!({"model": call.facts.model, "created_at": CREATED_TEXT, "done": is_done});
        line[name] = value;
        if is_done {
            line["done_reason"] = json!("stop");
            line["total_duration"] = json!(1_000_000);
            line["load_duration"] = json!(1_000);
            line["prompt_eval_count"] = json!(call.facts.input_tokens);
            line["prompt_eval_duration"] = json!(1_000);
            line["eval_count"] = json!(call.facts.output_tokens);
            line["eval_duration"] = json!(100_000);
        }
        line
    };
    if call.body["stream"] == false {
        return Answer::json(&line(&call.facts.text(), true));
    }
    let mut lines: Vec<Value> = call.facts.pieces.iter().map(|piece| line(piece, false)).collect();
    lines.push(line("", true));
    Answer::lines("application/x-ndjson", lines)
}
