//! Fail closed: an event that cannot be redacted within its limits is recorded, and nothing of its texts is.

mod common;

use aal_event::Event;
use aal_ledger::{Kind, Leaf};
use aal_record::Pipeline;
use aal_redact::Budget;
use common::{call, clear_texts, record};
use proptest::prelude::*;
use serde_json::{Value, json};

fn assert_withheld(pipeline: &Pipeline, event: &Event, reason: &str) {
    let record = record(pipeline, event);
    let header: Value = serde_json::from_str(&record.header_text).unwrap();
    assert_eq!(header["kind"], "withheld");
    assert_eq!(header["reason"], reason);
    assert_eq!(header["content_mac"].as_str().unwrap().len(), 64);
    assert!(record.ciphertexts.is_empty() && record.templates.salts.is_empty());
    let clear = clear_texts(&record);
    for text in [
        "bob@example.com",
        "migraine",
        "nurse@clinic.example",
        "u-17",
        "triage",
    ] {
        assert!(!clear.contains(text), "{text}");
    }
    let leaf = Leaf::decode(&record.leaf).unwrap();
    assert_eq!(leaf.kind, Kind::Withheld);
    assert!(leaf.slots.is_empty());
}

#[test]
fn too_much_work_or_memory_withholds_the_event() {
    let event = call("Write to bob@example.com", "migraine", json!({"a": 1}));
    let pipeline = Pipeline::builtin();
    assert_withheld(
        &pipeline.with_budget(|_| Budget::new(300, u64::MAX)),
        &event,
        "redaction needs more work than its limit allows",
    );
    assert_withheld(
        &pipeline.with_budget(|_| Budget::new(u64::MAX, 40)),
        &event,
        "redaction needs more memory than its limit allows",
    );
}

#[test]
fn json_too_deep_to_be_walked_withholds_the_event() {
    let mut event = call("x", "migraine", json!({}));
    let deep = format!("{}\"bob@example.com\"{}", "[".repeat(200), "]".repeat(200));
    event.request.as_mut().unwrap().body = deep.into_bytes();
    assert_withheld(&Pipeline::builtin(), &event, "json is nested deeper than 128");
}

#[test]
fn long_paths_to_many_values_hit_the_limit_of_memory_instead_of_filling_it() {
    // Every value would be listed with a path of 20 kB: 2,000 of them are 40 MB for a body of 60 kB.
    let mut body = String::new();
    for level in 0..80 {
        body.push_str(&format!("{{\"{}{level}\":", "k".repeat(250)));
    }
    let values: Vec<String> = (0..2_000).map(|n| format!("\"user{n}@example.com\"")).collect();
    body.push_str(&format!("[{}]", values.join(",")));
    body.push_str(&"}".repeat(80));
    let mut event = call("x", "migraine", json!({}));
    event.request.as_mut().unwrap().body = body.into_bytes();
    assert_withheld(
        &Pipeline::builtin(),
        &event,
        "redaction needs more memory than its limit allows",
    );
}

#[test]
fn dense_but_ordinary_texts_stay_within_the_limits() {
    let line = "bob@example.com 536-90-4399 +1 415 555 0132 4111 1111 1111 1111\n";
    let numbers: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    for text in [line.repeat(2_000), format!("[{}]", numbers.join(","))] {
        let record = record(&Pipeline::builtin(), &call(&text, "ok", json!({})));
        assert_eq!(record.header.kind, "event", "{}", record.header.reason);
        assert!(!clear_texts(&record).contains("bob@example.com"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However small the limits, a value is either replaced or not stored at all.
    #[test]
    fn whatever_the_limit_no_value_survives(scan in 0_u64..4_000, held in 0_u64..400) {
        thread_local!(static LIMITS: std::cell::Cell<(u64, u64)> = const { std::cell::Cell::new((0, 0)) });
        LIMITS.set((scan, held));
        let budget = |_| {
            let (scan, held) = LIMITS.get();
            Budget::new(scan, held)
        };
        let event = call("Write to bob@example.com about 536-90-4399", "bob@example.com", json!({"m": "bob@example.com"}));
        let record = record(&Pipeline::builtin().with_budget(budget), &event);
        let clear = clear_texts(&record);
        prop_assert!(!clear.contains("bob@example.com") && !clear.contains("536-90-4399"));
    }
}
