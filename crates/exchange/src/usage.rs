//! Usage as each wire form reports it.

use std::borrow::Cow;

use aal_pricing::{PriceTable, Unit, Usage};
use serde_json::{Value, json};

use crate::batch;
use crate::model::HeaderCounts;
use crate::route::{Route, Wire, pricing_provider};

/// Usage found in an answer, and the form it was found in.
pub(crate) struct Found {
    pub(crate) usage: Option<Usage>,
    pub(crate) flavor: &'static str,
    /// The answer states a part of its usage only.
    pub(crate) partial: bool,
    /// The usage of each call, where the answer is of several.
    pub(crate) calls: Vec<Usage>,
}

impl Found {
    fn new(usage: Option<Usage>, flavor: &'static str) -> Self {
        Found {
            usage,
            flavor,
            partial: false,
            calls: Vec::new(),
        }
    }
}

/// Reads the usage of an answer (a stream already folded).
pub(crate) fn find(route: &Route, body: &Value) -> Found {
    let provider = pricing_provider(&route.provider);
    match route.wire {
        Wire::Cohere => cohere(body),
        Wire::BatchResults => {
            let of = |body: &Value, flavor| extracted(body, provider, &[flavor]).usage;
            let (calls, partial) = batch::usages(body, of);
            Found {
                partial,
                usage: batch::sum(&calls),
                flavor: "default",
                calls,
            }
        }
        Wire::Ollama => Found::new(counted(body, &["/prompt_eval_count"], &["/eval_count"]), "ollama"),
        Wire::BedrockConverse => converse(body, provider),
        Wire::BedrockInvoke => bedrock_invoke(body, provider),
        Wire::OpenAiChat => extracted(body, provider, &["chat", "default"]),
        Wire::OpenAiThreads => extracted(&thread_body(body), provider, &["chat"]),
        Wire::OpenAiResponses => extracted(body, provider, &["responses"]),
        Wire::Anthropic if provider == "anthropic" => extracted(body, provider, &["default"]),
        Wire::Anthropic => extracted(body, provider, &["anthropic"]),
        Wire::Gemini => extracted(body, provider, &["default"]),
        Wire::Plain => match route.operation.as_str() {
            // Asked for again and again, a job states the same usage each time.
            "batches" | "count_tokens" => Found::new(None, "default"),
            "images" => extracted(body, provider, &["images"]),
            "ocr" => extracted(body, provider, &["ocr"]),
            "transcriptions" | "translations" => transcription(body),
            _ => extracted(body, provider, &["embeddings", "chat", "default"]),
        },
        Wire::Unknown => Found::new(None, "default"),
    }
}

/// The usage form of a route before any answer is known.
pub(crate) fn expected_flavor(route: &Route) -> &'static str {
    find(route, &Value::Null).flavor
}

/// Tries the provider's own forms in order, then the form's originator, whose rules imitators share.
fn extracted(body: &Value, provider: &str, flavors: &[&'static str]) -> Found {
    let table = PriceTable::builtin();
    let first = flavors.first().copied().unwrap_or("default");
    let own = flavors.iter().map(|flavor| (provider, *flavor));
    let origin = if first == "anthropic" {
        ("anthropic", "default")
    } else {
        ("openai", first)
    };
    for (id, flavor) in own.chain([origin]) {
        if let Ok(found) = table.extract_usage(id, flavor, body) {
            return Found::new(Some(found.usage), flavor);
        }
    }
    Found::new(None, first)
}

/// Sum of the numbers at the given places; None when there is none.
fn sum(body: &Value, places: &[&str]) -> Option<u64> {
    // Some forms write whole numbers as `28.0`.
    let whole = |value: &Value| {
        value
            .as_u64()
            .or_else(|| value.to_string().strip_suffix(".0")?.parse().ok())
    };
    let numbers: Vec<u64> = places
        .iter()
        .filter_map(|place| body.pointer(place))
        .filter_map(whole)
        .collect();
    (!numbers.is_empty()).then(|| {
        numbers
            .iter()
            .fold(0_u64, |sum, number| sum.saturating_add(*number))
    })
}

fn counted(body: &Value, input: &[&str], output: &[&str]) -> Option<Usage> {
    let (input, output) = (sum(body, input), sum(body, output));
    if input.is_none() && output.is_none() {
        return None;
    }
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, input.unwrap_or(0));
    usage.set_count(Unit::OutputTokens, output.unwrap_or(0));
    Some(usage)
}

/// What Bedrock states in headers only, for models whose bodies say nothing of usage.
pub(crate) fn of_headers(counts: HeaderCounts) -> Usage {
    let cached = counts.cache_read.saturating_add(counts.cache_write);
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, counts.input.saturating_add(cached));
    usage.set_count(Unit::CacheReadTokens, counts.cache_read);
    usage.set_count(Unit::CacheWriteTokens, counts.cache_write);
    usage.set_count(Unit::OutputTokens, counts.output);
    usage
}

/// Version 1 states under `meta` what version 2 states under `usage`.
fn cohere(body: &Value) -> Found {
    let billed = body
        .pointer("/usage/billed_units")
        .or_else(|| body.pointer("/meta/billed_units"));
    let Some(billed) = billed else {
        return Found::new(None, "default");
    };
    if let Some(searches) = sum(billed, &["/search_units"]) {
        let mut usage = Usage::new();
        usage.set_count(Unit::RerankSearches, searches);
        return Found::new(Some(usage), "rerank");
    }
    if billed.get("output_tokens").is_none() {
        return extracted(
            &json!({"meta": {"billed_units": billed}}),
            "cohere",
            &["embeddings"],
        );
    }
    extracted(
        &json!({"usage": {"billed_units": billed}}),
        "cohere",
        &["default"],
    )
}

/// A guarded answer may state its input only; the output it must have had makes that a part of the usage.
fn converse(body: &Value, provider: &str) -> Found {
    let states = |key: &str| body.pointer(key).is_some();
    if states("/usage/outputTokens") || !states("/usage/inputTokens") {
        return extracted(body, provider, &["default"]);
    }
    let mut usage = body.get("usage").cloned().unwrap_or(Value::Null);
    usage["outputTokens"] = Value::from(0);
    Found {
        partial: true,
        ..extracted(&json!({ "usage": usage }), provider, &["default"])
    }
}

/// Runs name the details of the prompt differently from completions.
fn thread_body(body: &Value) -> Cow<'_, Value> {
    let Some(details) = body.pointer("/usage/prompt_token_details") else {
        return Cow::Borrowed(body);
    };
    let mut usage = body.get("usage").cloned().unwrap_or(Value::Null);
    usage["prompt_tokens_details"] = details.clone();
    Cow::Owned(json!({ "usage": usage, "model": body.get("model") }))
}

/// Newer models count tokens, older ones seconds.
fn transcription(body: &Value) -> Found {
    let number = |place: &str| {
        body.pointer(place)
            .and_then(Value::as_number)
            .map(ToString::to_string)
    };
    if let Some(seconds) = number("/usage/seconds").and_then(|text| text.parse().ok()) {
        let mut usage = Usage::new();
        usage.set(Unit::AudioSeconds, seconds);
        usage.set(Unit::InputAudioSeconds, seconds);
        return Found::new(Some(usage), "live");
    }
    let mut usage = counted(body, &["/usage/input_tokens"], &["/usage/output_tokens"]);
    if let Some(usage) = &mut usage {
        let parts = [("audio", Unit::InputAudioTokens), ("text", Unit::InputTextTokens)];
        for (part, unit) in parts {
            usage.set_count(
                unit,
                sum(body, &[&format!("/usage/input_token_details/{part}_tokens")]).unwrap_or(0),
            );
        }
    }
    Found::new(usage, "chat")
}

/// AI21 lists the tokens instead of counting them.
fn ai21_tokens(body: &Value) -> Option<Usage> {
    let length = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let completions = body.get("completions")?.as_array()?;
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, length(body.pointer("/prompt/tokens")));
    let output = completions
        .iter()
        .map(|part| length(part.pointer("/data/tokens")))
        .sum();
    usage.set_count(Unit::OutputTokens, output);
    (!usage.is_empty()).then_some(usage)
}

/// Nova's own form counts cached tokens as converse does, under longer names.
fn converse_keys(body: &Value) -> Cow<'_, Value> {
    let names = [
        ("cacheReadInputTokenCount", "cacheReadInputTokens"),
        ("cacheWriteInputTokenCount", "cacheWriteInputTokens"),
    ];
    let mut usage = body.get("usage").cloned().unwrap_or(Value::Null);
    let mut renamed = false;
    for (long, short) in names {
        if usage.get(short).is_none()
            && let Some(count) = usage.get(long).cloned()
        {
            usage[short] = count;
            renamed = true;
        }
    }
    if renamed {
        Cow::Owned(json!({ "usage": usage }))
    } else {
        Cow::Borrowed(body)
    }
}

fn bedrock_invoke(body: &Value, provider: &str) -> Found {
    if body.pointer("/usage/inputTokens").is_some() {
        return converse(&converse_keys(body), provider);
    }
    if body.pointer("/usage/input_tokens").is_some() {
        return extracted(body, provider, &["anthropic"]);
    }
    if body.pointer("/usage/prompt_tokens").is_some() {
        return extracted(body, "openai", &["chat"]);
    }
    let titan_input = ["/inputTextTokenCount"];
    let titan_output = [
        "/results/0/tokenCount",
        "/results/1/tokenCount",
        "/totalOutputTextTokenCount",
    ];
    let usage = counted(body, &titan_input, &titan_output)
        .or_else(|| counted(body, &["/prompt_token_count"], &["/generation_token_count"]))
        .or_else(|| ai21_tokens(body))
        .or_else(|| {
            let metrics = body.get("amazon-bedrock-invocationMetrics")?;
            counted(metrics, &["/inputTokenCount"], &["/outputTokenCount"])
        });
    Found::new(usage, "default")
}
