//! What a price depends on: tiers, dates, cache, circumstances, names; and what stays unpriced.

use aal_pricing::{Price, PriceTable, Unit, Unpriced, Usage};

fn us(rfc3339: &str) -> i64 {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(rfc3339, format)
        .unwrap()
        .unix_timestamp()
        * 1_000_000
}

const NOVEMBER: &str = "2026-11-23T12:00:00Z";

fn usage(pairs: &[(Unit, u64)]) -> Usage {
    let mut usage = Usage::new();
    pairs
        .iter()
        .for_each(|(unit, amount)| usage.set_count(*unit, *amount));
    usage
}

fn price(provider: &str, model: &str, at: &str, pairs: &[(Unit, u64)]) -> Result<Price, Unpriced> {
    PriceTable::builtin().price(provider, model, us(at), &usage(pairs))
}

fn total(provider: &str, model: &str, at: &str, pairs: &[(Unit, u64)]) -> String {
    price(provider, model, at, pairs).map_or_else(|error| error.reason, |price| price.total.to_string())
}

#[test]
fn a_threshold_is_passed_only_by_more_than_its_tokens() {
    let sonnet = |tokens| {
        total(
            "anthropic",
            "claude-sonnet-4-5",
            NOVEMBER,
            &[(Unit::InputTokens, tokens)],
        )
    };
    assert_eq!(sonnet(200_000), "0.6");
    assert_eq!(sonnet(200_001), "1.200006");
    let gemini = |tokens| {
        let pairs = [(Unit::InputTokens, tokens), (Unit::OutputTokens, 1_000)];
        total("google", "gemini-2.5-pro", NOVEMBER, &pairs)
    };
    assert_eq!(gemini(200_000), "0.26");
    assert_eq!(gemini(200_001), "0.5150025");
}

#[test]
fn the_price_is_that_of_the_calls_day() {
    let pairs = [(Unit::InputTokens, 300_000), (Unit::OutputTokens, 100_000)];
    assert_eq!(
        total("anthropic", "claude-sonnet-4-6", "2026-02-01T00:00:00Z", &pairs),
        "4.05"
    );
    assert_eq!(
        total("anthropic", "claude-sonnet-4-6", "2026-11-01T00:00:00Z", &pairs),
        "2.4"
    );
}

#[test]
fn cached_tokens_are_charged_once_at_their_own_rate_or_the_input_rate() {
    let cached = [(Unit::InputTokens, 1_000), (Unit::CacheReadTokens, 400)];
    assert_eq!(total("openai", "gpt-4o", NOVEMBER, &cached), "0.002");
    // gpt-4 lists no cache rate, so the input rate covers all.
    assert_eq!(total("openai", "gpt-4", NOVEMBER, &cached), "0.03");
}

#[test]
fn cache_writes_are_charged_by_time_to_live() {
    let writes = [
        (Unit::InputTokens, 1_000_000),
        (Unit::CacheWriteTokens, 1_000_000),
        (Unit::CacheWrite1hTokens, 400_000),
    ];
    // 600,000 at 3.75 and 400,000 at 6 would be 4.65; above 200,000 input tokens both double.
    assert_eq!(
        total("anthropic", "claude-3-7-sonnet-latest", NOVEMBER, &writes),
        "4.65"
    );
}

#[test]
fn unknown_is_a_reason_and_never_zero() {
    let pairs = [(Unit::InputTokens, 10)];
    assert_eq!(
        total("openai", "gpt-unheard-of", NOVEMBER, &pairs),
        "unknown_model"
    );
    assert_eq!(total("nobody", "gpt-4o", NOVEMBER, &pairs), "unknown_provider");
    let audio = [(Unit::RerankSearches, 3)];
    assert_eq!(
        total("openai", "gpt-4o", NOVEMBER, &audio),
        "no_price_for_bucket:rerank_searches"
    );
    // Listed without any price, and free by its name.
    assert_eq!(
        total("cerebras", "qwen-3-coder-480b", NOVEMBER, &pairs),
        "no_price_for_bucket:input_text"
    );
    assert_eq!(
        total("openrouter", "google/gemini-2.0-flash-exp:free", NOVEMBER, &pairs),
        "0"
    );
    let wrong = [(Unit::InputTokens, 10), (Unit::CacheReadTokens, 11)];
    assert_eq!(
        total("openai", "gpt-4o", NOVEMBER, &wrong),
        "usage_inconsistent:input_tokens"
    );
}

#[test]
fn a_model_goes_by_many_names() {
    let pairs = [(Unit::InputTokens, 1_000_000)];
    let same = |provider: &str, names: &[&str]| {
        let first = total(provider, names[0], NOVEMBER, &pairs);
        assert!(first.parse::<f64>().is_ok(), "{} {first}", names[0]);
        for name in names {
            assert_eq!(total(provider, name, NOVEMBER, &pairs), first, "{name}");
        }
    };
    same(
        "openai",
        &["gpt-4o", "GPT-4o", "gpt-4o-2024-08-06", "gpt-4o-20240806"],
    );
    let arn = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0";
    same("aws", &["us.anthropic.claude-3-7-sonnet-20250219-v1:0", arn]);
    same("bedrock", &["anthropic.claude-3-7-sonnet-20250219-v1:0"]);
    same("azure", &["gpt-4o", "gpt-4o-2024-11-20"]);
}

#[test]
fn circumstances_change_the_price_where_the_list_says_so_and_are_unpriced_elsewhere() {
    let table = PriceTable::builtin();
    let million = usage(&[(Unit::InputTokens, 1_000_000)]);
    let under = |provider, model, circumstances| {
        table.price_under(provider, model, us(NOVEMBER), &million, circumstances)
    };
    let plain = under("anthropic", "claude-sonnet-4-5", &[]).unwrap();
    let batch = under("anthropic", "claude-sonnet-4-5", &[("processing", "batch")]).unwrap();
    assert_eq!(
        (batch.total * rust_decimal::Decimal::TWO).normalize(),
        plain.total
    );
    assert!(batch.rule.ends_with("processing=batch"), "{}", batch.rule);
    assert_eq!(
        under("openai", "gpt-4.1", &[("service_tier", "default")]),
        under("openai", "gpt-4.1", &[])
    );
    let reason = |found: Result<Price, Unpriced>| found.unwrap_err().reason;
    let leisurely = under("anthropic", "claude-sonnet-4-5", &[("service_tier", "leisurely")]);
    assert_eq!(reason(leisurely), "no_price_under:service_tier=leisurely");
    // Azure lists no tiers of its own for OpenAI's models.
    assert_eq!(
        reason(under("azure", "gpt-4.1", &[("service_tier", "priority")])),
        "no_price_under:service_tier=priority"
    );
}

#[test]
fn the_second_source_fills_what_the_first_lacks_and_says_so() {
    let rule = price("voyage", "voyage-finance-2", NOVEMBER, &[(Unit::InputTokens, 10)])
        .unwrap()
        .rule;
    assert!(
        rule.starts_with("litellm/") || rule.starts_with("genai-prices/"),
        "{rule}"
    );
    let filled = price(
        "deepinfra",
        "qwen/qwen3-14b",
        NOVEMBER,
        &[(Unit::InputTokens, 10)],
    )
    .unwrap();
    assert_eq!(filled.rule, "litellm/1.109.1 deepinfra/qwen/qwen3-14b");
}

#[test]
fn every_rate_carries_its_table() {
    let table = PriceTable::builtin();
    let (date, digest) = table.version().split_once('+').unwrap();
    assert_eq!((date.len(), digest.len()), (10, 12));
    let price = price(
        "anthropic",
        "claude-sonnet-4-5",
        NOVEMBER,
        &[(Unit::InputTokens, 200_001)],
    )
    .unwrap();
    assert_eq!(price.price_version, table.version());
    assert_eq!(price.currency, "USD");
    assert_eq!(
        price.rule,
        "genai-prices/0.2.3 anthropic/claude-sonnet-4-5 tier>200000"
    );
}

#[test]
fn the_table_lists_what_it_prices() {
    let table = PriceTable::builtin();
    let providers: Vec<&str> = table.providers().collect();
    assert!(
        [
            "openai",
            "anthropic",
            "aws",
            "azure",
            "google",
            "mistral",
            "cohere"
        ]
        .iter()
        .all(|id| providers.contains(id))
    );
    for provider in providers {
        assert_eq!(
            table.models(provider).len(),
            table.model_count(provider),
            "{provider}"
        );
    }
    let models = table.models("anthropic");
    assert!(
        models
            .iter()
            .any(|(name, source)| *name == "claude-sonnet-4-5" && source.name == "genai-prices")
    );
}
