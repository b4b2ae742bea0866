//! Usage as instrumentations report it, in the units of `aal-pricing`.

use serde_json::{Map, Value};

use crate::attributes::Attributes;

/// Unit, and the attributes that state it: conventions of today first, then older and other ones.
const UNITS: [(&str, &[&str]); 7] = [
    (
        "input_tokens",
        &[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
        ],
    ),
    (
        "output_tokens",
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
        ],
    ),
    (
        "cache_read_tokens",
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
        ],
    ),
    (
        "cache_write_tokens",
        &[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
        ],
    ),
    (
        "output_reasoning_tokens",
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ],
    ),
    ("input_audio_tokens", &["llm.token_count.prompt_details.audio"]),
    (
        "output_audio_tokens",
        &["llm.token_count.completion_details.audio"],
    ),
];

/// What a span says it used.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reported {
    /// By the keys of `aal-pricing`'s units; totals include their parts.
    pub(crate) usage: Map<String, Value>,
    /// As reported, by the names of the attributes.
    pub(crate) raw: Map<String, Value>,
}

/// Takes the usage out of a span's attributes.
///
/// The conventions count cached tokens into the input. An instrumentation that passes on a provider's own count
/// without them shows by parts greater than their total; then, and only then, the parts are added.
pub(crate) fn take(attributes: &mut Attributes) -> Reported {
    let mut reported = Reported::default();
    for (unit, names) in UNITS {
        if let Some((name, count)) = attributes.count(names) {
            reported.usage.insert(unit.to_owned(), Value::from(count));
            reported.raw.insert(name, Value::from(count));
        }
    }
    let count = |unit: &str| reported.usage.get(unit).and_then(Value::as_u64);
    let cached = count("cache_read_tokens")
        .unwrap_or(0)
        .saturating_add(count("cache_write_tokens").unwrap_or(0));
    if let Some(input) = count("input_tokens").filter(|input| *input < cached) {
        let total = Value::from(input.saturating_add(cached));
        reported.usage.insert("input_tokens".to_owned(), total);
    }
    reported
}
