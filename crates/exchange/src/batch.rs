//! The results of a batch job: many answers in one file, one JSON line each (OpenAI, Anthropic, Gemini).
//!
//! A line wraps the body an ordinary call would have had, under `response.body`, `result.message` or `response`.
//! Each download of the file is an exchange of its own and counts the job's usage again.

use aal_pricing::Usage;
use serde_json::{Value, json};

use crate::answer::{Answer, Folded};
use crate::content::list;
use crate::frames::Frames;
use crate::{anthropic, openai_chat, openai_more, vendors};

/// The answers of a results file under `results`; None when it is another kind of file.
pub(crate) fn fold(frames: &Frames) -> Option<Folded> {
    let lines = frames.frames.iter().map(|frame| &frame.data);
    let is_result = |line: &Value| line.get("custom_id").or_else(|| line.get("key")).is_some();
    if frames.frames.is_empty() || !lines.clone().all(is_result) {
        return None;
    }
    let results: Vec<Value> = lines.filter_map(|line| wrapped(line).cloned()).collect();
    Some(Folded {
        body: json!({ "results": results }),
        complete: !frames.cut,
    })
}

fn wrapped(line: &Value) -> Option<&Value> {
    let body = line
        .pointer("/response/body")
        .or_else(|| line.pointer("/result/message"))
        .or_else(|| line.get("response"));
    body.filter(|body| body.is_object())
}

/// The usage form of one answer, by its shape.
pub(crate) fn flavor(body: &Value) -> Option<&'static str> {
    let has = |key: &str| body.get(key).is_some();
    if has("choices") {
        Some("chat")
    } else if has("output") {
        Some("responses")
    } else if has("candidates") || has("content") {
        Some("default")
    } else if has("data") {
        Some("embeddings")
    } else {
        None
    }
}

/// Reads all answers as one.
pub(crate) fn read(body: &Value, answer: &mut Answer) {
    for result in list(body, "results") {
        let mut one = Answer::default();
        match flavor(result) {
            Some("chat") => openai_chat::read(result, false, &mut one),
            Some("responses") => openai_more::read_response(result, &mut one),
            Some("default") if result.get("candidates").is_some() => vendors::read_gemini(result, &mut one),
            Some("default") => anthropic::read(result, &mut one),
            _ => one.read_head(result),
        }
        answer.model = answer.model.take().or(one.model);
        answer.web_searches += one.web_searches;
        answer.finish_reasons.extend(one.finish_reasons);
        answer.output.extend(one.output);
        answer.reasoning.extend(one.reasoning);
        answer.tool_calls.extend(one.tool_calls);
    }
    answer.circumstances = vec![("processing", "batch".to_owned())];
}

/// What the answers used, each on its own for thresholds hold for single calls; and whether that leaves something out
/// or cannot be priced as calls of one model.
pub(crate) fn usages(body: &Value, of: impl Fn(&Value, &'static str) -> Option<Usage>) -> (Vec<Usage>, bool) {
    let results = list(body, "results");
    let mut calls = Vec::with_capacity(results.len());
    let mut partial = false;
    for result in results {
        match flavor(result).and_then(|flavor| of(result, flavor)) {
            Some(used) => calls.push(used),
            None => partial |= result.get("error").is_none(),
        }
    }
    let model = |result: &Value| {
        let name = result.get("model").or_else(|| result.get("modelVersion"));
        name.and_then(Value::as_str).map(str::to_owned)
    };
    let mut models = results.iter().filter_map(model);
    let first = models.next();
    // Several models have no one price.
    partial |= models.any(|name| Some(name) != first);
    (calls, partial)
}

/// The sum of several usages; None of none.
pub(crate) fn sum(calls: &[Usage]) -> Option<Usage> {
    let mut total: Option<Usage> = None;
    for (unit, amount) in calls.iter().flat_map(Usage::iter) {
        total.get_or_insert_default().add(unit, amount);
    }
    total
}
