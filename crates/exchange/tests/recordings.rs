//! Real exchanges (`../shared/recordings`) against the reviewed summary in `golden/recordings.jsonl`.
//!
//! The summary holds names, numbers and digests of texts, no recorded text. `UPDATE_GOLDEN=1` writes it anew.

use std::path::Path;

use aal_exchange::{Exchange, PricedCall, Recording};
use aal_pricing::{PriceTable, Usage};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// 2026-11-23T12:00:00Z; prices have dates.
const AT_US: i64 = 1_795_435_200_000_000;

/// Every recorded line with the name of its file, in order.
fn lines() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("no recordings beside the repository, nothing compared");
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        lines.extend(text.lines().map(|line| (name.clone(), line.to_owned())));
    }
    lines
}

fn digest(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        hex::encode(&Sha256::digest(text.as_bytes())[..6])
    }
}

fn summary(file: &str, recording: &Recording, exchange: &Exchange) -> Value {
    let cost = exchange.price(PriceTable::builtin(), AT_US);
    let tools: Vec<Value> = exchange
        .tool_calls
        .iter()
        .map(|call| json!([call.id.is_some(), call.name, digest(&call.arguments)]))
        .collect();
    json!({
        "id": recording.id, "file": file, "provider": exchange.provider, "operation": exchange.operation,
        "model_requested": exchange.model_requested, "model": exchange.model, "streamed": exchange.streamed,
        "status": exchange.status, "interrupted": exchange.interrupted, "finish": exchange.finish_reasons,
        "usage": exchange.usage, "usage_state": exchange.usage_state, "flavor": exchange.api_flavor,
        "cost": cost.map_or_else(|error| error.reason, |price| format!("{} by {}", price.total, price.rule)),
        "input": digest(&exchange.input_text), "output": digest(&exchange.output_text),
        "reasoning": digest(&exchange.reasoning_text), "tools": tools, "understood": exchange.understood,
    })
}

#[test]
fn recorded_exchanges_read_as_reviewed() {
    let mut found = String::new();
    for (file, line) in lines() {
        let recording: Recording = serde_json::from_str(&line).unwrap();
        let exchange = recording.exchange().unwrap();
        found.push_str(&summary(&file, &recording, &exchange).to_string());
        found.push('\n');
    }
    if found.is_empty() {
        return;
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/recordings.jsonl");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.lines().count(), found.lines().count());
}

/// A record keeps the buckets only; a later price of them must be the price of the usage itself.
#[test]
fn buckets_cost_what_the_usage_they_came_from_costs() {
    let table = PriceTable::builtin();
    let lines = lines();
    let mut priced = 0;
    for (file, line) in &lines {
        let recording: Recording = serde_json::from_str(line).unwrap();
        let exchange = recording.exchange().unwrap();
        let (Some(usage), Ok(price)) = (&exchange.usage, exchange.price(table, AT_US)) else {
            continue;
        };
        let Some(buckets) = usage.buckets().ok().filter(|_| exchange.calls.is_empty()) else {
            continue;
        };
        let counts = buckets.iter().map(|(bucket, count)| (bucket.as_str(), *count));
        let again = Usage::from_buckets(counts).unwrap();
        let circumstances: Vec<_> = exchange
            .circumstances
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let call = PricedCall {
            provider: &exchange.provider,
            model_requested: exchange.model_requested.as_deref(),
            model: exchange.model.as_deref(),
            circumstances: &circumstances,
            at_us: AT_US,
        };
        assert_eq!(
            call.price(table, None, &again),
            Ok(price),
            "{file} {}",
            recording.id
        );
        priced += 1;
    }
    assert!(lines.is_empty() || priced > 100, "{priced}");
}
