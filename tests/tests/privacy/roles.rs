//! Every field of an event that an application can fill, filled with personal data.

use std::time::Duration;

use aal_event::{Event, Kind};
use aal_kafka::{EVENTS, KafkaConfig, Producer};
use audit_tests::Pipeline;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::corpus::Corpus;

/// Sends a body to the edge: status and answer.
pub async fn post(pipeline: &Pipeline, key: &str, body: String) -> (u16, String) {
    let url = format!("http://{}/api/v1/audit/log", pipeline.endpoints.edge);
    let answer = pipeline
        .http
        .post(url)
        .bearer_auth(key)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .expect("it answers");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

/// A call that asks `question` and is answered `answer`.
fn call(question: &str, answer: &str) -> Value {
    json!({
        "event_id": Uuid::now_v7(), "application": "desk", "provider": "openai", "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions",
                    "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}},
        "response": {"status": 200, "content_type": "application/json", "body": {
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}},
    })
}

/// Events that are accepted.
pub fn events(corpus: &Corpus) -> Vec<Value> {
    let mut events: Vec<Value> = corpus.own.iter().map(|value| everywhere(value)).collect();
    events.extend(corpus.own.iter().map(|value| streamed(value)));
    for (number, text) in corpus.texts.iter().enumerate() {
        // One role at a time: a text that stands twice could be found by its other place.
        let mut event = match number % 6 {
            0 => call(text, "Understood."),
            1 => call("And?", text),
            2 => with_tool(text),
            _ => call("And?", "Well."),
        };
        match number % 6 {
            3 => event["metadata"] = json!({"content": text}),
            4 => event["error"] = json!({"type": "refused", "message": text}),
            5 => event["request"]["body"] = Value::String(text.clone()),
            _ => {}
        }
        events.push(event);
    }
    events
}

/// A value in every field of one event, names of members included.
fn everywhere(value: &str) -> Value {
    let sentence = format!("Please note {value} for the file.");
    let mut event = call(&sentence, &sentence);
    for field in [
        "user_id",
        "session_id",
        "user_email",
        "environment",
        "decision_type",
        "operation",
    ] {
        event[field] = value.into();
    }
    event["ip_address"] = "203.0.113.77".into();
    event["subject"] = json!({"id": value, "email": value});
    event["tags"] = json!({"note": sentence, value: value});
    event["metadata"] = json!({"form": {value: {"again": value, "deep": [value, {"x": sentence}]}},
                               "json": json!({"inner": value, value: 1}).to_string()});
    event["error"] = json!({"type": value, "message": format!("cannot deliver to {value}")});
    event["source"] = json!({"sdk": value, "version": value, "instance": value, "epoch": 1, "sequence": 0});
    event["request"]["url"] =
        format!("https://api.openai.com/v1/chat/completions?user={value}&to={value}").into();
    // The longest that a method may be.
    event["request"]["method"] = value.chars().take(16).collect::<String>().into();
    event["request"]["body"]["user"] = value.into();
    event["request"]["body"]["model"] = value.into();
    event["response"]["body"]["model"] = value.into();
    event["response"]["body"]["choices"][0]["finish_reason"] = value.into();
    event["response"]["content_type"] = format!("application/json; name={value}").into();
    event
}

/// The value as the argument of a tool call, itself JSON in a string.
fn with_tool(text: &str) -> Value {
    let mut event = call("Call it.", "");
    let arguments = json!({"content": text}).to_string();
    event["response"]["body"]["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": arguments}}]});
    event
}

/// The value cut over the frames of a stream.
fn streamed(value: &str) -> Value {
    let mut body = String::new();
    let text = format!("Reach me at {value} today");
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(3) {
        let piece: String = piece.iter().collect();
        let frame = json!({"model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": piece}}]});
        body.push_str(&format!("data: {frame}\n\n"));
    }
    body.push_str("data: [DONE]\n\n");
    let mut event = call("Where?", "");
    event["response"] = json!({"status": 200, "content_type": "text/event-stream", "body": body});
    event
}

/// Bodies that the edge refuses, with what is wrong with each.
pub fn refused(corpus: &Corpus) -> Vec<(&'static str, String)> {
    let mut bodies = Vec::new();
    for value in &corpus.own {
        let good = call(value, value);
        let with = |field: &str, wrong: Value| {
            let mut event = good.clone();
            event[field] = wrong;
            event.to_string()
        };
        bodies.extend([
            ("unknown key", with(value, json!(1))),
            ("another application", with("application", json!(value))),
            ("no UUID", with("event_id", json!(value))),
            ("no time", with("occurred_at", json!(value))),
            ("wrong type", with("phi", json!(value))),
            ("a number for a text", with("user_id", json!({ value: value }))),
            ("too long", with("environment", json!(value.repeat(40)))),
            (
                "control characters",
                with("user_id", json!(format!("{value}\u{7}"))),
            ),
            ("tag of a wrong type", with("tags", json!({value: {"x": value}}))),
            ("tag too long", with("tags", json!({value: value.repeat(200)}))),
            ("trace", with("trace", json!({"trace_id": value}))),
            (
                "outcome",
                with("outcome", json!({"target_event_id": value, value: value})),
            ),
            ("no JSON", format!("{{\"user_id\": \"{value}\", {value}")),
            ("twice", format!("{{\"{value}\": 1, \"{value}\": 2}}")),
            ("an array", json!([value]).to_string()),
            ("a text", json!(value).to_string()),
        ]);
    }
    bodies
}

/// Messages that are no valid events, sent past the edge; answers how many.
pub async fn straight_to_kafka(pipeline: &Pipeline, corpus: &Corpus) -> u64 {
    let kafka = KafkaConfig::new(pipeline.endpoints.kafka.as_str());
    let producer = Producer::new(&kafka, "test", Duration::from_secs(20)).expect("a producer");
    let (_, tenants) = pipeline.get(&pipeline.token().await, "/api/v1/tenants").await;
    let tenant = tenants["tenants"][0]["id"].as_str().expect("a tenant");
    let mut sent = 0;
    for value in &corpus.own {
        let tags = [
            (value.clone(), value.repeat(200)),
            (value.repeat(10), value.clone()),
        ];
        let invalid = Event {
            kind: Kind::Event,
            event_id: Uuid::now_v7(),
            tenant: tenant.parse().expect("a UUID"),
            application: value.clone(),
            user_id: Some(format!("{value}\u{7}")),
            tags: tags.into_iter().collect(),
            metadata: Some(format!("{{\"{value}\": \"{value}\", \"{value}\": 1}}")),
            ..Event::default()
        };
        let invalid = aal_event::encode(&invalid).expect("it encodes");
        let mut cut = invalid.clone();
        cut.truncate(invalid.len() / 2);
        for message in [
            value.clone().into_bytes(),
            json!({"user_id": value}).to_string().into_bytes(),
            invalid,
            cut,
        ] {
            producer
                .send(EVENTS, value.as_bytes(), &message)
                .await
                .expect("it is sent");
            sent += 1;
        }
    }
    sent
}
