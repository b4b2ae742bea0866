//! Prices that a tenant agreed on.

use aal_pricing::{PriceBook, PriceTable, Unit, Usage};
use serde_json::{Value, json};

const AT_US: i64 = 1_772_323_200_000_000; // 2026-03-01

fn book(value: Value) -> PriceBook {
    PriceBook::parse(&value.to_string(), PriceTable::builtin()).unwrap()
}

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::new();
    usage.set_count(Unit::InputTokens, input);
    usage.set_count(Unit::OutputTokens, output);
    usage
}

fn total(
    book: &PriceBook,
    provider: &str,
    model: &str,
    at_us: i64,
    usage: &Usage,
) -> Option<(String, &'static str)> {
    let price = book
        .price(PriceTable::builtin(), provider, model, at_us, usage, &[])?
        .unwrap();
    Some((price.total.to_string(), price.currency))
}

#[test]
fn agreed_prices_replace_the_list_while_they_hold() {
    let agreed = book(json!({"prices": [
        {"provider": "openai", "model": "gpt-4o*", "from": "2026-01-01T00:00:00Z", "to": "2026-07-01T00:00:00Z",
         "currency": "EUR", "rates": {"input_tokens": "2.00", "output_tokens": "8"}},
        {"provider": "openai", "model": "gpt-4o-mini", "rates": {"input_tokens": "0.10", "output_tokens": "0.40"}}]}));
    let million = usage(1_000_000, 1_000_000);
    let of = |model: &str, at_us: i64| total(&agreed, "openai", model, at_us, &million);
    assert_eq!(of("gpt-4o-2024-08-06", AT_US), Some(("10".to_owned(), "EUR")));
    assert_eq!(
        of("GPT-4o-mini", AT_US),
        Some(("0.5".to_owned(), "USD")),
        "the full name first"
    );
    let july_us = 1_782_864_000_000_000;
    assert_eq!(of("gpt-4o", july_us - 1), Some(("10".to_owned(), "EUR")));
    assert_eq!(of("gpt-4o", july_us), None, "the end does not belong to it");
    assert_eq!(of("gpt-5", AT_US), None);
    assert_eq!(total(&agreed, "azure", "gpt-4o", AT_US, &million), None);
}

#[test]
fn a_discount_is_off_the_list_exactly_and_says_so() {
    let agreed =
        book(json!({"prices": [{"provider": "openai", "model": "gpt-4o*", "discount_percent": "12.5"}]}));
    let table = PriceTable::builtin();
    let usage = usage(1_000, 1_000);
    let list = table.price("openai", "gpt-4o", AT_US, &usage).unwrap();
    let price = agreed
        .price(table, "openai", "gpt-4o", AT_US, &usage, &[])
        .unwrap()
        .unwrap();
    assert_eq!(
        (list.total.to_string(), price.total.to_string()),
        ("0.0125".to_owned(), "0.0109375".to_owned())
    );
    assert_eq!(
        price.price_version,
        format!("{} {}", agreed.version(), table.version())
    );
    assert!(
        price
            .rule
            .starts_with("custom openai/gpt-4o* less 12.5% of genai-prices/"),
        "{}",
        price.rule
    );
}

#[test]
fn steps_hold_above_their_start_only() {
    let agreed = book(json!({"prices": [{"provider": "anthropic", "model": "m",
        "rates": {"input_tokens": {"base": "1", "above": [[200000, "2"]]}, "output_tokens": "0"}}]}));
    let of = |input: u64| {
        total(&agreed, "anthropic", "m", AT_US, &usage(input, 0))
            .unwrap()
            .0
    };
    assert_eq!(
        (of(200_000), of(200_001)),
        ("0.2".to_owned(), "0.400002".to_owned())
    );
}

#[test]
fn what_was_agreed_for_ordinary_calls_says_nothing_of_others() {
    let agreed =
        book(json!({"prices": [{"provider": "openai", "model": "m", "rates": {"input_tokens": "1"}}]}));
    let price = |usage: &Usage, circumstances: &[(&str, &str)]| {
        agreed
            .price(PriceTable::builtin(), "openai", "m", AT_US, usage, circumstances)
            .unwrap()
    };
    let flex = price(&usage(1, 0), &[("service_tier", "flex")]).unwrap_err();
    assert_eq!(flex.reason, "no_price_under:service_tier=flex");
    let output = price(&usage(1, 1), &[]).unwrap_err();
    assert_eq!(
        output.reason, "no_price_for_bucket:output_text",
        "never zero for what has no rate"
    );
}

#[test]
fn deployments_stand_for_models_while_they_hold() {
    let agreed = book(json!({"deployments": [
        {"provider": "azure", "deployment": "prod-Chat", "model": "gpt-4o", "to": "2026-07-01T00:00:00Z"},
        {"provider": "azure", "deployment": "prod-chat", "model": "gpt-5", "from": "2026-07-01T00:00:00Z"}]}));
    let of = |at_us: i64| agreed.model_of("azure", "Prod-chat", at_us);
    assert_eq!(of(AT_US), Some("gpt-4o"));
    assert_eq!(of(1_782_864_000_000_000), Some("gpt-5"));
    assert_eq!(agreed.model_of("azure", "other", AT_US), None);
}

#[test]
fn every_fault_is_named_with_its_place_and_fix() {
    let faults = |value: Value| -> Vec<String> {
        let faults = PriceBook::parse(&value.to_string(), PriceTable::builtin()).unwrap_err();
        faults
            .into_iter()
            .map(|fault| format!("{} {}", fault.pointer, fault.message))
            .collect()
    };
    let entry = |more: Value| {
        let mut entry = json!({"provider": "openai", "model": "m", "rates": {"input_tokens": "1"}});
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        json!({"prices": [entry]})
    };
    let cases = [
        (json!([]), " must be an object with prices, deployments"),
        (json!({"price": []}), "/price is not known here"),
        (entry(json!({"modl": "x"})), "/prices/0/modl is not known here"),
        (
            entry(json!({"model": "a b"})),
            "/prices/0/model must be 1 to 200 letters",
        ),
        (
            entry(json!({"provider": ""})),
            "/prices/0/provider must be 1 to 200 letters",
        ),
        (
            entry(json!({"from": "May"})),
            "/prices/0/from must be an RFC 3339 time",
        ),
        (
            entry(json!({"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"})),
            "/prices/0/to must be later than from",
        ),
        (
            entry(json!({"currency": "euro"})),
            "/prices/0/currency must be one of USD, EUR",
        ),
        (
            entry(json!({"rates": {"prompt": "1"}})),
            "/prices/0/rates/prompt is no unit of usage",
        ),
        (
            entry(json!({"rates": {"input_tokens": 1.5}})),
            "/prices/0/rates/input_tokens must be a decimal in quotes",
        ),
        (
            entry(json!({"rates": {"input_tokens": "-1"}})),
            "/prices/0/rates/input_tokens must be a decimal in quotes",
        ),
        (
            entry(json!({"discount_percent": "5"})),
            "/prices/0 must have either rates or discount_percent",
        ),
        (
            json!({"prices": [{"provider": "openai", "model": "m", "discount_percent": "101"}]}),
            "/prices/0/discount_percent must be a number from 0 to 100",
        ),
        (
            entry(json!({"rates": {"input_tokens": {"base": "1", "above": [[2, "1"], [2, "1"]]}}})),
            "/prices/0/rates/input_tokens/above/1 must be an array",
        ),
        (
            json!({"deployments": [{"provider": "azure", "deployment": "d", "model": "m*"}]}),
            "/deployments/0/model must be one model",
        ),
        (
            json!({"prices": vec![json!(1); 501]}),
            "/prices must be an array of at most 500",
        ),
    ];
    for (value, expected) in cases {
        let found = faults(value.clone());
        assert!(
            found.iter().any(|fault| fault.starts_with(expected)),
            "{value}: {found:?}"
        );
    }
    let twice = entry(json!({}))["prices"][0].clone();
    let found = faults(json!({"prices": [twice, twice, {"provider": "openai", "model": "x"}]}));
    assert_eq!(found.len(), 2, "all at once: {found:?}");
    assert!(
        found[0].starts_with("/prices/1/from overlaps the entry 0"),
        "{found:?}"
    );
}
