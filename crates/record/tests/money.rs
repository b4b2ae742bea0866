//! What a record says of usage and cost: exact, estimated, by a tenant's own prices; and of media.

use aal_event::{Event, parse_json};
use aal_pricing::{PriceBook, PriceTable};
use aal_record::{Header, Pipeline, SubjectKey, draft_event};
use aal_seal::{DATA_KEY_LEN, DataKey, IndexKey, KeyRef};
use serde_json::{Value, json};

const AT_US: i64 = 1_772_323_200_000_000; // 2026-03-01

fn event(request: Value, response: Value) -> Event {
    let mut event = parse_json(json!({
        "application": "a", "provider": "openai", "occurred_at": "2026-03-01T00:00:00Z",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": request},
        "response": {"status": 200, "content_type": "application/json", "body": response},
    }))
    .unwrap();
    event.edge_at_us = Some(AT_US);
    event
}

fn header(event: &Event, book: Option<Value>) -> Header {
    let index = IndexKey::new("test", &[7; 32]);
    let key = SubjectKey {
        key: KeyRef {
            subject_key_id: uuid::Uuid::from_u128(5),
            version: 1,
        },
        data_key: DataKey::from_bytes([9; DATA_KEY_LEN]),
    };
    let pipeline = Pipeline::builtin();
    let book = book.map(|book| PriceBook::parse(&book.to_string(), PriceTable::builtin()).unwrap());
    let draft = draft_event(&pipeline, event, &index, &key, &key, AT_US);
    draft.under_book(&pipeline, event, book.as_ref()).header
}

fn chat(usage: Value) -> Event {
    let mut answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "tiktoken is great!"}}]});
    if !usage.is_null() {
        answer["usage"] = usage;
    }
    event(
        json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]}),
        answer,
    )
}

fn stated() -> Event {
    chat(json!({"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}))
}

#[test]
fn an_estimate_stands_apart_from_everything_exact() {
    let found = header(&chat(Value::Null), None);
    assert_eq!(
        (found.usage_state.as_str(), found.unpriced_reason.as_str()),
        ("usage_estimated", "usage_estimated")
    );
    assert_eq!(
        (found.input_tokens, found.output_tokens, found.cost),
        (0, 0, None)
    );
    assert!(found.usage.is_empty() && found.price_version.is_empty());
    let estimate = found.estimate.unwrap();
    assert_eq!((estimate.input_tokens, estimate.output_tokens), (9, 6));
    assert_eq!(estimate.cost.as_deref(), Some("0.0000825"));
    assert!(
        estimate.method.starts_with("tiktoken o200k_base, bpe-openai "),
        "{}",
        estimate.method
    );
    assert_eq!(
        header(&chat(Value::Null), None).estimate.unwrap().method,
        estimate.method
    );
}

#[test]
fn a_tenants_own_price_replaces_the_lists_and_is_named() {
    let list = header(&stated(), None);
    assert_eq!(
        (list.cost.as_deref(), list.currency.as_str()),
        (Some("2.5"), "USD")
    );
    let agreed = json!({"prices": [{"provider": "openai", "model": "gpt-4o*", "currency": "EUR",
        "rates": {"input_tokens": "2", "output_tokens": "8"}}]});
    let own = header(&stated(), Some(agreed.clone()));
    assert_eq!((own.cost.as_deref(), own.currency.as_str()), (Some("2"), "EUR"));
    assert_eq!(own.price_rule, "custom openai/gpt-4o*");
    let version = PriceBook::parse(&agreed.to_string(), PriceTable::builtin()).unwrap();
    assert_eq!(own.price_version, version.version());
    let silent = json!({"prices": [{"provider": "openai", "model": "gpt-5", "discount_percent": "10"}]});
    assert_eq!(
        header(&stated(), Some(silent)),
        list,
        "a book that says nothing changes nothing"
    );
    let estimated = header(&chat(Value::Null), Some(agreed)).estimate.unwrap();
    assert_eq!(estimated.currency, "EUR");
}

#[test]
fn a_deployment_gets_the_price_of_the_model_behind_it() {
    let mut call = stated();
    call.provider = Some("azure".to_owned());
    let request = call.request.as_mut().unwrap();
    request.url = Some("https://x.openai.azure.com/openai/deployments/prod-chat/chat/completions".to_owned());
    let asked = json!({"model": "prod-chat", "messages": [{"role": "user", "content": "hello world"}]});
    request.body = asked.to_string().into_bytes();
    let response = call.response.as_mut().unwrap();
    let mut answer: Value = serde_json::from_slice(&response.body).unwrap();
    answer["model"] = json!("house-model");
    response.body = answer.to_string().into_bytes();
    assert_eq!(header(&call, None).unpriced_reason, "unknown_model");
    let mapped =
        json!({"deployments": [{"provider": "azure", "deployment": "prod-chat", "model": "gpt-4o"}]});
    let found = header(&call, Some(mapped));
    assert_eq!(
        (found.cost.as_deref(), found.unpriced_reason.as_str()),
        (Some("2.5"), "")
    );
}

#[test]
fn details_are_kept_with_keyed_digests_only() {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}]}]});
    let answer = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o", "choices": [],
        "system_fingerprint": "fp_1", "service_tier": "flex",
        "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}});
    let found = header(&event(request, answer), None);
    let media = &found.details["media"][0];
    assert_eq!(
        (&media["kind"], &media["media_type"], &media["bytes"]),
        (&json!("image"), &json!("image/png"), &json!(3))
    );
    assert_eq!(media["digest"].as_str().unwrap().len(), 64);
    let plain = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(!serde_json::to_string(&found).unwrap().contains(plain));
    assert_eq!(found.details["system_fingerprint"], "fp_1");
    assert_eq!(found.price_terms["service_tier"], "flex");
}

#[test]
fn counts_that_the_gateway_read_in_headers_are_usage() {
    let mut call = event(
        json!({"prompt": "hi"}),
        json!({"outputs": [{"text": "ho", "stop_reason": "stop"}]}),
    );
    call.provider = Some("aws.bedrock".to_owned());
    let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/mistral.mistral-large-2402-v1:0/invoke";
    call.request.as_mut().unwrap().url = Some(url.to_owned());
    assert_eq!(header(&call, None).usage_state, "usage_missing");
    for (name, count) in [("input", "12"), ("output", "7")] {
        let tag = format!("aal.header.x-amzn-bedrock-{name}-token-count");
        call.tags.insert(tag, count.to_owned());
    }
    let found = header(&call, None);
    assert_eq!(
        (
            found.usage_state.as_str(),
            found.input_tokens,
            found.output_tokens
        ),
        ("usage_reported", 12, 7)
    );
}
