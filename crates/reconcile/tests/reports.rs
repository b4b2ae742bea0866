//! Reports in the documented forms against ledger totals.

use aal_reconcile::{Days, Measure, Provider, Totals, compare, read};
use serde_json::{Value, json};

fn key(model: &str) -> (String, String) {
    ("2024-11-01".to_owned(), model.to_owned())
}

fn openai(results: Value, has_more: bool) -> String {
    json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_730_419_200, "end_time": 1_730_505_600, "results": results}],
        "has_more": has_more})
    .to_string()
}

fn usage(model: &str, input: u64) -> Value {
    json!({"input_tokens": input, "input_cached_tokens": 800, "output_tokens": 500, "num_model_requests": 5, "model": model})
}

#[test]
fn what_the_ledger_lacks_is_positive_and_what_it_has_in_excess_negative() {
    let stated = read(
        Provider::OpenAi,
        &openai(json!([usage("a", 1_000), usage("b", 10)]), false),
    )
    .unwrap();
    let held = |input| Totals {
        requests: Some(5),
        input_tokens: Some(input),
        output_tokens: Some(500),
        cost: None,
    };
    let ledger = Days::from([(key("a"), held(400)), (key("b"), held(10)), (key("c"), held(7))]);
    let found = compare(&stated, &ledger);
    let short: Vec<_> = found
        .iter()
        .map(|one| (one.model.as_str(), one.measure, one.lacking.to_string()))
        .collect();
    let expected = [
        ("a", Measure::InputTokens, "600".to_owned()),
        ("c", Measure::Requests, "-5".to_owned()),
        ("c", Measure::InputTokens, "-7".to_owned()),
        ("c", Measure::OutputTokens, "-500".to_owned()),
    ];
    assert_eq!(short, expected);
    assert!(compare(&stated, &stated).is_empty());
}

#[test]
fn anthropic_counts_cached_tokens_apart_and_costs_in_cents() {
    let result = json!({"uncached_input_tokens": 10, "cache_read_input_tokens": 200, "output_tokens": 5, "model": "m",
        "cache_creation": {"ephemeral_5m_input_tokens": 3_000, "ephemeral_1h_input_tokens": 40_000}});
    let page = |result: Value| {
        json!({"data": [{"starting_at": "2024-11-01T00:00:00Z", "results": [result]}], "has_more": false})
            .to_string()
    };
    let days = read(Provider::Anthropic, &page(result)).unwrap();
    assert_eq!(days[&key("m")].input_tokens, Some(43_210));
    let cost = json!({"amount": "123.45", "currency": "USD", "model": "m"});
    let days = read(Provider::Anthropic, &page(cost)).unwrap();
    assert_eq!(days[&key("m")].cost.unwrap().to_string(), "1.2345");
}

#[test]
fn costs_of_openai_are_added_up_by_model_exactly() {
    let cost =
        |item: &str, value: f64| json!({"amount": {"value": value, "currency": "usd"}, "line_item": item});
    let results = json!([cost("a, input", 0.1), cost("a, output", 0.2)]);
    let days = read(Provider::OpenAi, &openai(results, false)).unwrap();
    assert_eq!(days[&key("a")].cost.unwrap().to_string(), "0.3");
}

#[test]
fn a_report_that_would_mislead_is_refused() {
    let refused = |text: String| read(Provider::OpenAi, &text).unwrap_err().to_string();
    assert!(refused(openai(json!([usage("a", 1)]), true)).contains("remaining pages"));
    assert!(refused(openai(json!([{"input_tokens": 1, "model": null}]), false)).contains("group_by model"));
    assert!(refused(openai(json!([{"input_tokens": -1, "model": "a"}]), false)).contains("not negative"));
    assert!(refused("[]".to_owned()).contains("has_more"));
    assert!(refused("{}".to_owned()).contains("page 0.data"));
    let euros = json!([{"amount": {"value": 1, "currency": "eur"}, "line_item": "a"}]);
    assert!(refused(openai(euros, false)).contains("not usd"));
}
