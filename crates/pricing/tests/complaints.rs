//! What users of other cost calculators complain about, each made impossible here. Names carry the public thread.

use aal_pricing::{PriceTable, Unit, Usage, price_line};
use serde_json::{Value, json};

const AT: &str = "2026-11-23T12:00:00Z";

fn answer(provider_id: &str, api_flavor: &str, model: &str, body: Value) -> Value {
    let line = json!({"id": 1, "provider_id": provider_id, "api_flavor": api_flavor, "model": model, "at": AT, "body": body});
    serde_json::from_str(&price_line(&line.to_string(), PriceTable::builtin(), 0).unwrap()).unwrap()
}

fn usage_of(provider_id: &str, api_flavor: &str, body: Value) -> Usage {
    PriceTable::builtin()
        .extract_usage(provider_id, api_flavor, &body)
        .unwrap()
        .usage
}

fn buckets(usage: &Usage) -> Value {
    serde_json::to_value(usage.buckets().unwrap()).unwrap()
}

/// langfuse 10592, 5568, 12306; litellm 9812, 11789, 11364.
#[test]
fn cached_tokens_are_never_counted_twice() {
    let openai = usage_of(
        "openai",
        "chat",
        json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 400}}}),
    );
    let anthropic = usage_of(
        "anthropic",
        "default",
        json!({"usage": {"input_tokens": 600, "output_tokens": 10,
        "cache_read_input_tokens": 400}}),
    );
    // One counts the cached inside, the other outside; the buckets are the same.
    let same = json!({"input_text": 600, "cache_read": 400, "output_text": 10});
    assert_eq!((buckets(&openai), buckets(&anthropic)), (same.clone(), same));
    let body = json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400}}});
    // 600 at 2.50 and 400 at 1.25 dollars a million.
    assert_eq!(answer("openai", "chat", "gpt-4o", body)["total"], "0.002");
}

/// litellm 42663: cache writes of a stream 20 to 60 % under.
#[test]
fn cache_writes_of_an_hour_are_not_charged_as_five_minutes() {
    let body = |hour: u64| {
        json!({"usage": {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 100_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 100_000 - hour, "ephemeral_1h_input_tokens": hour}}})
    };
    assert_eq!(
        answer("anthropic", "default", "claude-sonnet-4-5", body(0))["total"],
        "0.375"
    );
    assert_eq!(
        answer("anthropic", "default", "claude-sonnet-4-5", body(100_000))["total"],
        "0.6"
    );
    assert_eq!(
        answer("anthropic", "default", "claude-sonnet-4-5", body(50_000))["total"],
        "0.4875"
    );
}

/// Helicone 5374, litellm: an unknown model is zero, or an exception.
#[test]
fn an_unknown_model_is_unpriced_with_a_reason_and_keeps_its_usage() {
    let found = answer(
        "anthropic",
        "default",
        "claude-of-2040",
        json!({"usage": {"input_tokens": 5, "output_tokens": 6}}),
    );
    assert_eq!(
        found,
        json!({"id": 1, "usage": {"input_tokens": 5, "output_tokens": 6}, "unpriced": "unknown_model"})
    );
}

/// opik 6982: no rate above 200,000 tokens.
#[test]
fn the_higher_tier_is_found_and_starts_after_its_threshold() {
    let at = |tokens: u64| {
        answer(
            "google",
            "default",
            "gemini-2.5-pro",
            json!({"usageMetadata": {"promptTokenCount": tokens}}),
        )
    };
    assert_eq!(at(200_000)["total"], "0.25");
    assert_eq!(at(200_001)["total"], "0.5000025");
    assert!(at(200_001)["rule"].as_str().unwrap().ends_with("tier>200000"));
}

/// The basis of a threshold is all input, cached or not (Anthropic's cached tokens count).
#[test]
fn cached_tokens_count_towards_the_threshold() {
    let body = json!({"usage": {"input_tokens": 1, "cache_read_input_tokens": 200_000, "output_tokens": 0}});
    assert!(
        answer("anthropic", "default", "claude-sonnet-4-5", body)["rule"]
            .as_str()
            .unwrap()
            .contains("tier>200000")
    );
}

/// opik 7776, 7903: reasoning tokens priced as nothing, or twice.
#[test]
fn reasoning_tokens_are_part_of_the_output_and_charged_once() {
    let body = json!({"usage": {"prompt_tokens": 0, "completion_tokens": 1_000_000,
        "completion_tokens_details": {"reasoning_tokens": 900_000}}});
    assert_eq!(
        answer("openai", "chat", "gpt-5-nano", body.clone())["total"],
        "0.4"
    );
    assert_eq!(
        buckets(&usage_of("openai", "chat", body)),
        json!({"output_reasoning": 900_000, "output_text": 100_000})
    );
}

/// mlflow 24867: Bedrock's cache tokens dropped.
#[test]
fn bedrock_cache_tokens_are_counted_and_charged() {
    let body = json!({"usage": {"inputTokens": 10, "cacheReadInputTokens": 1_000, "cacheWriteInputTokens": 100, "outputTokens": 1}});
    let usage = usage_of("aws", "default", body.clone());
    assert_eq!(usage.input_tokens(), 1_110);
    let found = answer(
        "aws",
        "default",
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        body,
    );
    // 10 at 3, 1,000 at 0.30, 100 at 3.75, 1 at 15 dollars a million.
    assert_eq!(found["total"], "0.00072");
}

/// langfuse: usage without a price of its own adds nothing, silently. Laminar: a missing cache rate is zero.
#[test]
fn what_has_no_rate_pays_its_totals_rate_or_makes_the_call_unpriced() {
    let body = json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 400}}});
    assert_eq!(answer("openai", "chat", "gpt-4", body)["total"], "0.03");
    let mut searched = Usage::new();
    searched.set_count(Unit::InputTokens, 10);
    searched.set_count(Unit::WebSearches, 1);
    let refused = PriceTable::builtin()
        .price("openai", "gpt-4", 0, &searched)
        .unwrap_err();
    assert_eq!(refused.reason, "no_price_for_bucket:web_searches");
}

/// Helicone 3687, langfuse 8625: an answer without counts is zero tokens and zero cost.
#[test]
fn an_answer_without_counts_is_unpriced() {
    assert_eq!(
        answer("openai", "chat", "gpt-4o", json!({"usage": null})),
        json!({"id": 1, "unpriced": "no_usage"})
    );
    let torn = json!({"usage": {"completion_tokens": 3}});
    assert_eq!(
        answer("openai", "chat", "gpt-4o", torn)["unpriced"],
        "usage_field_missing:prompt_tokens"
    );
}

/// Every calculator but one prices at today's rate.
#[test]
fn a_past_call_keeps_its_days_price() {
    let price = |at: &str| {
        let line = json!({"id": 1, "provider_id": "anthropic", "model": "claude-sonnet-4-6", "at": at,
            "body": {"usage": {"input_tokens": 300_000, "output_tokens": 0}}});
        let found: Value =
            serde_json::from_str(&price_line(&line.to_string(), PriceTable::builtin(), 0).unwrap()).unwrap();
        found["input_price"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (price("2026-02-01T00:00:00Z"), price("2026-11-01T00:00:00Z")),
        ("1.8".into(), "0.9".into())
    );
}

/// Floats: sums that drift.
#[test]
fn amounts_are_exact_decimals() {
    let body = json!({"usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let found = answer("openai", "chat", "gpt-4.1-nano", body);
    assert_eq!(
        (found["input_price"].as_str(), found["output_price"].as_str()),
        (Some("0.0000001"), Some("0.0000004"))
    );
    assert_eq!(found["total"], "0.0000005");
}

/// LiteLLM decides the threshold for each kind of token apart; opik 6982 has no higher price for the output.
#[test]
fn a_long_prompt_makes_the_whole_request_dearer_output_and_cache_included() {
    let at = |tokens: u64| {
        let body = json!({"usage": {"input_tokens": tokens - 1_000, "cache_read_input_tokens": 1_000, "output_tokens": 1_000}});
        answer("anthropic", "default", "claude-sonnet-4-5", body)
    };
    let (low, high) = (at(200_000), at(200_001));
    assert_eq!(
        (low["input_price"].as_str(), low["output_price"].as_str()),
        (Some("0.5973"), Some("0.015"))
    );
    // 199,001 at 6 and 1,000 at 0.60; 1,000 at 22.50 dollars a million.
    assert_eq!(
        (high["input_price"].as_str(), high["output_price"].as_str()),
        (Some("1.194606"), Some("0.0225"))
    );
}

/// LiteLLM, Opik: a service tier or a batch is charged like any call, or not at all.
#[test]
fn a_tier_without_a_price_is_unpriced_and_a_batch_costs_half_by_the_providers_rule() {
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, 1_000_000);
    usage.set_count(Unit::WebSearches, 1_000);
    let table = PriceTable::builtin();
    // 2026-03-01: before the list's own prices for batches.
    let at_us = 1_772_323_200_000_000;
    let under = |circumstance| table.price_under("openai", "gpt-4o", at_us, &usage, &[circumstance]);
    let refused = under(("service_tier", "flex")).unwrap_err();
    assert_eq!(refused.reason, "no_price_under:service_tier=flex");
    // A million tokens at 1.25 instead of 2.50; searches are not halved.
    let batch = under(("processing", "batch")).unwrap();
    assert_eq!(
        (batch.input.to_string(), batch.total.to_string()),
        ("1.25".into(), "11.25".into())
    );
    let elsewhere = table.price_under(
        "deepseek",
        "deepseek-chat",
        at_us,
        &usage,
        &[("processing", "batch")],
    );
    assert!(
        elsewhere
            .unwrap_err()
            .reason
            .starts_with("no_price_under:processing=batch")
    );
}

/// Phoenix 8420, 10699, 11243; langfuse: a dated snapshot, an alias or a fine-tune of a known model costs nothing.
#[test]
fn snapshots_aliases_regions_and_fine_tunes_find_their_model() {
    let total = |provider: &str, model: &str| {
        let mut usage = Usage::new();
        usage.set_count(Unit::InputTokens, 1_000_000);
        let price = PriceTable::builtin().price(provider, model, 1_772_323_200_000_000, &usage);
        price.map_or_else(|error| error.reason, |price| price.total.to_string())
    };
    assert_eq!(total("openai", "gpt-4o-2024-08-06"), "2.5");
    assert_eq!(total("openai", "GPT-4o"), "2.5");
    assert_eq!(total("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc"), "0.3");
    assert_eq!(total("anthropic", "claude-sonnet-4-5-20250929"), "6");
    assert_eq!(
        total("google", "publishers/google/models/gemini-2.5-flash"),
        "0.3"
    );
    assert_eq!(total("aws", "eu.amazon.nova-lite-v1:0"), "0.06");
    assert_eq!(total("openai", "gpt-4o-2031-unheard-of"), "unknown_model");
}
