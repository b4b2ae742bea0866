//! What holds for any usage and any model.

use aal_pricing::{PriceTable, Unit, Usage, price_line};
use proptest::prelude::*;
use rust_decimal::Decimal;

const AT_US: i64 = 1_795_435_200_000_000;

const MODELS: [(&str, &str); 10] = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-audio-preview"),
    ("openai", "gpt-5.6-sol"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("aws", "amazon.nova-lite-v1:0"),
    ("azure", "gpt-4.1"),
    ("deepseek", "deepseek-chat"),
    ("mistral", "mistral-large-latest"),
];

/// A usage whose parts fit their totals.
fn consistent() -> impl Strategy<Value = Usage> {
    let part = 0_u64..300_000;
    (part.clone(), part.clone(), part.clone(), part.clone(), part).prop_map(
        |(text, read, write, answer, thought)| {
            let mut usage = Usage::new();
            usage.set_count(Unit::InputTokens, text + read + write);
            usage.set_count(Unit::CacheReadTokens, read);
            usage.set_count(Unit::CacheWriteTokens, write);
            usage.set_count(Unit::OutputTokens, answer + thought);
            usage.set_count(Unit::OutputReasoningTokens, thought);
            usage
        },
    )
}

fn any_usage() -> impl Strategy<Value = Usage> {
    let amounts = prop::collection::vec((prop::sample::select(Unit::ALL.to_vec()), any::<u64>()), 0..8);
    amounts.prop_map(|amounts| {
        let mut usage = Usage::new();
        amounts
            .into_iter()
            .for_each(|(unit, amount)| usage.set_count(unit, amount));
        usage
    })
}

proptest! {
    #[test]
    fn buckets_hold_every_token_once(usage in consistent()) {
        let total: u64 = usage.buckets().unwrap().values().sum();
        prop_assert_eq!(total, usage.input_tokens() + usage.output_tokens());
    }

    #[test]
    fn a_price_is_the_sum_of_its_sides_and_never_finer_than_stored(
        usage in consistent(), (provider, model) in prop::sample::select(MODELS.to_vec()),
    ) {
        let price = PriceTable::builtin().price(provider, model, AT_US, &usage).unwrap();
        prop_assert_eq!(price.total, price.input + price.output);
        prop_assert!(price.total.scale() <= aal_pricing::MAX_SCALE);
        prop_assert!(price.input >= Decimal::ZERO && price.output >= Decimal::ZERO);
    }

    #[test]
    fn caching_never_costs_more_than_reading_anew(tokens in 1_u64..1_000_000, share in 0_u64..=100) {
        for (provider, model) in MODELS {
            let mut usage = Usage::new();
            usage.set_count(Unit::InputTokens, tokens);
            let plain = PriceTable::builtin().price(provider, model, AT_US, &usage).unwrap();
            usage.set_count(Unit::CacheReadTokens, tokens * share / 100);
            let cached = PriceTable::builtin().price(provider, model, AT_US, &usage).unwrap();
            prop_assert!(cached.total <= plain.total, "{} {}", provider, model);
        }
    }

    #[test]
    fn any_usage_has_a_price_or_a_reason(
        usage in any_usage(), (provider, model) in prop::sample::select(MODELS.to_vec()),
    ) {
        match PriceTable::builtin().price(provider, model, AT_US, &usage) {
            Ok(price) => prop_assert!(price.total >= price.input),
            Err(unpriced) => prop_assert!(!unpriced.reason.is_empty()),
        }
        // Buckets either add up or are refused; they never panic.
        let _ = usage.buckets();
    }

    #[test]
    fn usage_survives_json(usage in any_usage()) {
        let text = serde_json::to_string(&usage).unwrap();
        prop_assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
    }

    #[test]
    fn any_name_is_looked_up_without_panic(provider in ".{0,20}", model in ".{0,60}") {
        let mut usage = Usage::new();
        usage.set_count(Unit::InputTokens, 1);
        let _ = PriceTable::builtin().price(&provider, &model, AT_US, &usage);
        for provider in ["openai", "aws", "google", "openrouter"] {
            let _ = PriceTable::builtin().price(provider, &model, AT_US, &usage);
        }
    }

    #[test]
    fn any_line_is_answered_or_refused(line in ".{0,80}") {
        let _ = price_line(&line, PriceTable::builtin(), AT_US);
    }
}
