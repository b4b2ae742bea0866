//! The reference data set of real provider bodies (`../shared/cost`): usage and price of every case.

use std::collections::BTreeMap;
use std::path::Path;

use aal_pricing::{PriceTable, price_line};
use serde_json::{Value, json};

/// The data set names no date. It was priced by a list in which the first dated change that this table knows
/// (Mistral's of 2026-03-16) was not yet made, and at an hour at which DeepSeek's prices are the low ones; so any noon before
/// that day gives the prices it means.
const AT: &str = "2026-03-01T12:00:00Z";

/// The differences, each with its reason in DIFFERENCES.md: provider, flavour, model.
const KNOWN: [(&str, &str, &str); 4] = [
    ("azure", "chat", "gpt-5.6-sol"),
    ("azure", "responses", "gpt-5.6-sol"),
    ("cerebras", "chat", "qwen-3-coder-480b"),
    ("google", "anthropic", "claude-sonnet-4-5-20250929"),
];

struct Case {
    question: Value,
    usage: Value,
    /// Expected input and output price.
    price: Option<(String, String)>,
}

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cost/usages_dev.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("no data set beside the repository, nothing compared");
        return Vec::new();
    };
    let bodies: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut cases = Vec::new();
    for (number, body) in bodies.iter().enumerate() {
        for reading in body["extracted"].as_array().unwrap() {
            for extractor in reading["extractors"].as_array().unwrap() {
                let text = |key: &str| extractor[key].as_str().map(str::to_owned);
                let question = json!({
                    "id": number, "provider_id": extractor["provider_id"], "api_flavor": extractor["api_flavor"],
                    "model": body.get("model"), "at": AT, "body": body["body"],
                });
                let price = text("input_price").zip(text("output_price"));
                cases.push(Case {
                    question,
                    usage: reading["usage"].clone(),
                    price,
                });
            }
        }
    }
    cases
}

#[test]
fn usage_is_equal_everywhere_and_price_in_at_least_99_of_100() {
    let table = PriceTable::builtin();
    let (mut priced, mut equal) = (0, 0);
    let mut differences: BTreeMap<String, u32> = BTreeMap::new();
    let mut wrong_usage = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let cases = cases();
    for case in &cases {
        let line = price_line(&case.question.to_string(), table, 0).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        if answer["usage"] != case.usage {
            wrong_usage.push(format!("{} expected {} got {line}", case.question, case.usage));
        }
        let Some((input, output)) = &case.price else {
            continue;
        };
        priced += 1;
        let number = |text: &str| {
            text.parse()
                .ok()
                .or_else(|| rust_decimal::Decimal::from_scientific(text).ok())
        };
        let same = |key: &str, expected: &str| answer[key].as_str().and_then(number) == number(expected);
        if same("input_price", input) && same("output_price", output) {
            equal += 1;
        } else {
            let what = format!(
                "{} {} {}: expected {input} + {output}, got {} + {} ({}{})",
                case.question["provider_id"],
                case.question["api_flavor"],
                case.question["model"],
                answer["input_price"],
                answer["output_price"],
                answer["rule"],
                answer["unpriced"]
            );
            *differences.entry(what).or_default() += 1;
            let text = |key: &str| case.question[key].as_str().unwrap_or_default();
            let case = (text("provider_id"), text("api_flavor"), text("model"));
            if !KNOWN.contains(&case) {
                unknown.push(case.0.to_owned() + " " + case.1 + " " + case.2);
            }
        }
    }
    for (what, times) in &differences {
        println!("{times} x {what}");
    }
    println!("{} cases, {priced} priced, {equal} equal", cases.len());
    assert!(
        wrong_usage.is_empty(),
        "{} usages differ: {}",
        wrong_usage.len(),
        wrong_usage[0]
    );
    assert!(equal * 100 >= priced * 99, "{equal} of {priced}");
    assert!(
        unknown.is_empty(),
        "differences without a stated reason: {unknown:?}"
    );
}
