//! What is estimated, what is not, and against counts that tiktoken's authors published.

use aal_estimate::{Encoding, complete};
use aal_exchange::{Exchange, Recording, UsageState};
use aal_pricing::PriceTable;
use serde_json::{Value, json};

fn exchange(url: &str, request: Value, response: Value) -> Exchange {
    let recording = json!({"provider": "openai", "request": {"method": "POST", "url": url, "body": request},
        "response": {"status": 200, "content_type": "application/json", "body": response}});
    let recording: Recording = serde_json::from_value(recording).unwrap();
    let mut exchange = recording.exchange().unwrap();
    complete(&mut exchange);
    exchange
}

const CHAT: &str = "https://api.openai.com/v1/chat/completions";

fn chat(model: &str, content: Value, more: Value) -> Exchange {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": content}]});
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    let answer = json!({"id": "c", "object": "chat.completion", "model": model,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "tiktoken is great!"}}]});
    exchange(CHAT, request, answer)
}

#[test]
fn counts_are_tiktokens() {
    // README and tests of openai/tiktoken; the cookbook's "How to count tokens".
    assert_eq!(Encoding::Cl100k.count("tiktoken is great!"), 6);
    assert_eq!(Encoding::O200k.count("tiktoken is great!"), 6);
    assert_eq!(Encoding::Cl100k.count("hello world"), 2);
    assert_eq!(Encoding::Cl100k.count("antidisestablishmentarianism"), 6);
    assert_eq!(Encoding::Cl100k.count("2 + 2 = 4"), 7);
    assert_eq!(Encoding::Cl100k.count("お誕生日おめでとう"), 9);
    assert_eq!(Encoding::O200k.count("お誕生日おめでとう"), 8);
    assert_eq!(Encoding::O200k.count(""), 0);
}

#[test]
fn missing_usage_is_estimated_and_says_how() {
    let found = chat("gpt-4o-2024-08-06", json!("hello world"), json!({}));
    assert_eq!(found.usage_state, UsageState::Estimated);
    let usage = found.usage.as_ref().unwrap();
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (2 + 4 + 3, 6));
    assert_eq!(
        found.usage_method.as_deref(),
        Some("tiktoken o200k_base, bpe-openai 0.3.2, rule 1")
    );
    let price = found.price(PriceTable::builtin(), 1_767_225_600_000_000).unwrap();
    // 2.50 and 10 US dollars a million.
    assert_eq!(price.total.to_string(), "0.0000825");
}

#[test]
fn a_normalised_line_keeps_estimates_apart() {
    let line = json!({"id": 1, "provider": "openai",
        "request": {"method": "POST", "url": CHAT,
            "body": {"model": "gpt-4o-2024-08-06", "messages": [{"role": "user", "content": "hello world"}]}},
        "response": {"status": 200, "content_type": "application/json",
            "body": {"id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
                "choices": [{"index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "tiktoken is great!"}}]}}});
    let at_us = 1_767_225_600_000_000;
    let line =
        aal_exchange::normalise_line_with(&line.to_string(), PriceTable::builtin(), at_us, complete).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["usage_state"], "usage_estimated");
    assert_eq!((&line["usage"], &line["cost"]), (&Value::Null, &Value::Null));
    assert_eq!(
        line["estimate"]["usage"],
        json!({"input_tokens": 9, "output_tokens": 6})
    );
    assert_eq!(line["estimate"]["cost"], "0.0000825");
}

#[test]
fn what_was_stated_is_never_replaced() {
    let answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o", "choices": [],
        "usage": {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}});
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]});
    let found = exchange(CHAT, request, answer);
    assert_eq!(found.usage_state, UsageState::Reported);
    assert_eq!((found.input_tokens(), found.usage_method), (Some(7), None));
}

#[test]
fn what_texts_do_not_tell_stays_unknown() {
    let image = json!([{"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "https://images.example/1.png"}}]);
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]});
    let unknown = [
        chat("gpt-4o", image, json!({})),
        chat("gpt-4o", json!("hello"), tools),
        chat("gpt-5-mini", json!("hello"), json!({})),
        chat("o3-mini", json!("hello"), json!({})),
        chat("gpt-4o-audio-preview", json!("hello"), json!({})),
        chat("llama-3.3-70b", json!("hello"), json!({})),
    ];
    for found in unknown {
        assert_eq!(found.usage_state, UsageState::Missing, "{:?}", found.model);
        assert!(found.usage.is_none() && found.usage_method.is_none());
    }
}

#[test]
fn a_long_run_of_one_letter_is_counted_in_linear_time() {
    // What takes tiktoken's own loop minutes.
    let text = "a".repeat(1 << 20);
    let tokens = Encoding::O200k.count(&text);
    assert!((1 << 13..1 << 20).contains(&tokens), "{tokens}");
}
