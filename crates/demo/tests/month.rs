//! A month as a whole: the same for a seed, and with everything in it that the product has to cope with.

use std::collections::{BTreeMap, HashMap, HashSet};

use aal_demo::{COMPANIES, Demo, DemoEntry, DemoItem};
use serde_json::Value;
use sha2::{Digest, Sha256};

// Monday, 23 November 2026, 12:00 UTC.
const END_US: i64 = 1_795_435_200_000_000;

/// JSON with sorted keys, whatever `serde_json` was built with.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            for (key, value) in sorted {
                out.push_str(key);
                out.push('=');
                canonical(value, out);
                out.push(';');
            }
        }
        other => out.push_str(&other.to_string()),
    }
}

fn digest(items: impl Iterator<Item = DemoItem>) -> String {
    let mut hash = Sha256::new();
    for item in items {
        let (event_id, body) = match &item.entry {
            DemoEntry::Event { event_id, body } | DemoEntry::Outcome { event_id, body, .. } => {
                (event_id, body)
            }
        };
        let mut line = format!("{} {} {} {event_id} ", item.tenant, item.application, item.at_us);
        canonical(body, &mut line);
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}

#[test]
fn a_seed_gives_the_same_bytes_for_ever() {
    // A change of this digest is a change of the demonstration; state it in CHANGELOG.md.
    assert_eq!(
        digest(Demo::new(1, 1_000, END_US)),
        include_str!("golden/digest_seed_1.txt").trim()
    );
    assert_ne!(
        digest(Demo::new(1, 100, END_US)),
        digest(Demo::new(2, 100, END_US))
    );
}

#[test]
fn items_come_in_time_order_and_outcomes_after_their_event() {
    let mut last_at_us = i64::MIN;
    let mut seen = HashSet::new();
    let mut calls = 0;
    for item in Demo::new(3, 5_000, END_US) {
        assert!(item.at_us >= last_at_us);
        assert!(item.at_us < END_US);
        last_at_us = item.at_us;
        match item.entry {
            DemoEntry::Event { event_id, body } => {
                calls += 1;
                assert!(seen.insert(event_id), "{event_id} twice");
                assert_eq!(event_id.get_version_num(), 7);
                assert_eq!(body["event_id"], event_id.to_string());
                assert_eq!(body["application"], item.application);
            }
            DemoEntry::Outcome { event_id, body, .. } => {
                assert!(
                    seen.contains(&event_id),
                    "an outcome of an event that was not sent"
                );
                assert!(body["outcome"].is_string());
            }
        }
    }
    assert_eq!(calls, 5_000);
}

#[test]
fn a_month_has_everything_in_it() {
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut sessions: HashMap<String, u64> = HashMap::new();
    let mut bytes = 0;
    for item in Demo::new(1, 20_000, END_US) {
        let mut count = |what: &str| *counts.entry(what.to_owned()).or_default() += 1;
        match item.entry {
            DemoEntry::Event { body, .. } => {
                bytes += body.to_string().len();
                count(&format!("tenant {}", item.tenant));
                count(&format!(
                    "{} {}",
                    body["provider"].as_str().unwrap(),
                    body["operation"].as_str().unwrap()
                ));
                count(&format!("status {}", body["response"]["status"]));
                if body["interrupted"] == true {
                    count("interrupted");
                }
                if body["phi"] == true {
                    count("phi");
                }
                if body["request"]["body"]
                    .as_str()
                    .unwrap()
                    .contains("meridian-risk-7b")
                {
                    count("unpriced model");
                }
                *sessions
                    .entry(body["session_id"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
            DemoEntry::Outcome { body, .. } => {
                count("outcome");
                if body["override"] == true {
                    count("override");
                }
                if body["flag"] == true {
                    count("flag");
                }
            }
        }
    }
    for (what, at_least) in [
        ("tenant bank", 9_000),
        ("tenant hospital", 4_000),
        ("tenant law_firm", 2_000),
        ("openai chat", 3_000),
        ("openai responses", 1_000),
        ("openai embeddings", 500),
        ("azure chat", 1_500),
        ("anthropic messages", 3_000),
        ("status 429", 100),
        ("status 500", 50),
        ("status 529", 20),
        ("status 400", 10),
        ("status null", 30),
        ("interrupted", 100),
        ("phi", 3_000),
        ("unpriced model", 300),
        ("outcome", 4_000),
        ("override", 200),
        ("flag", 40),
    ] {
        let found = counts.get(what).copied().unwrap_or(0);
        assert!(
            found >= at_least,
            "{what}: {found}, at least {at_least} expected; all: {counts:?}"
        );
    }
    assert!(sessions.values().filter(|calls| **calls > 1).count() > 2_000);
    let mean_bytes = bytes / 20_000;
    assert!(
        (1_500..12_000).contains(&mean_bytes),
        "mean event of {mean_bytes} bytes"
    );
}

#[test]
fn whole_answers_parse_and_carry_usage() {
    for item in Demo::new(5, 2_000, END_US) {
        let DemoEntry::Event { body, .. } = item.entry else {
            continue;
        };
        let request: Value = serde_json::from_str(body["request"]["body"].as_str().unwrap()).unwrap();
        assert!(request["model"].is_string());
        let response = &body["response"];
        if response["status"].is_null() {
            assert_eq!(body["error"]["type"], "timeout");
            continue;
        }
        let text = response["body"].as_str().unwrap();
        let is_stream = response["content_type"]
            .as_str()
            .unwrap()
            .starts_with("text/event-stream");
        if is_stream {
            let frames = text.split("\n\n").filter(|frame| !frame.is_empty());
            let data: Vec<&str> = frames
                .filter_map(|frame| frame.split_once("data: "))
                .map(|(_, data)| data)
                .collect();
            if body["interrupted"] == true {
                assert!(!text.contains("[DONE]") && !text.contains("message_stop"));
                continue;
            }
            for frame in data.iter().filter(|frame| **frame != "[DONE]") {
                serde_json::from_str::<Value>(frame).unwrap_or_else(|error| panic!("{error}: {frame}"));
            }
            assert!(text.contains("tokens"), "a whole stream tells its usage");
        } else {
            let answer: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let is_whole = response["status"] == 200;
            assert_eq!(is_whole, answer["usage"].is_object(), "{answer}");
            assert_eq!(is_whole, answer["error"].is_null(), "{answer}");
            if let Some(details) = answer["usage"].get("prompt_tokens_details") {
                let cached = details["cached_tokens"].as_u64().unwrap();
                assert!(cached <= answer["usage"]["prompt_tokens"].as_u64().unwrap());
            }
        }
    }
}

#[test]
fn applications_are_listed_once() {
    let names: Vec<(&str, bool)> = COMPANIES[2].applications().collect();
    assert_eq!(names, [("contract-review", false), ("legal-research", false)]);
}
