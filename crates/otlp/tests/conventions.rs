//! Naming conventions that no recording holds: older ones, message events, agents, tools, retrieval.

use aal_event::Event;
use aal_otlp::{Context, Limits, Mapped, decode_json, map};
use serde_json::{Value, json};
use uuid::Uuid;

fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.iter().map(attribute).collect::<Vec<_>>() } })
        }
        Value::Object(_) => json!({ "kvlistValue": { "values": attributes(value) } }),
        Value::Null => json!({}),
    }
}

fn attributes(object: &Value) -> Value {
    let pairs = object.as_object().unwrap().iter();
    pairs
        .map(|(key, value)| json!({ "key": key, "value": attribute(value) }))
        .collect()
}

fn span(number: u8, held: &Value, events: &[(&str, Value)]) -> Value {
    let event = |(name, held): &(&str, Value)| json!({ "name": name, "timeUnixNano": "1700000000500000000", "attributes": attributes(held) });
    json!({
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": format!("b7ad6b71692033{number:02x}"),
        "parentSpanId": "", "name": "a call", "kind": 3,
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": 1_700_000_001_000_000_000_u64,
        "attributes": attributes(held), "events": events.iter().map(event).collect::<Vec<_>>(),
        "unknownField": {"is": "ignored"}, "status": {},
    })
}

fn request(spans: &[Value]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": attributes(&json!({"service.name": "loans-api", "deployment.environment.name": "production"})) },
        "scopeSpans": [{ "scope": { "name": "scope", "version": "1.2" }, "spans": spans }],
    }]})
}

fn mapped(request: &Value) -> Mapped {
    let batch = decode_json(request.to_string().as_bytes(), &Limits::DEFAULT).unwrap();
    let context = Context {
        tenant: Uuid::from_u128(7),
        application: "loans",
        limits: &aal_event::Limits::DEFAULT,
    };
    map(&batch, &context)
}

fn one(held: Value, events: &[(&str, Value)]) -> Event {
    let mut mapped = mapped(&request(&[span(1, &held, events)]));
    assert_eq!(
        (mapped.rejected.as_slice(), mapped.ignored, mapped.events.len()),
        (&[][..], 0, 1)
    );
    mapped.events.remove(0)
}

fn sent(event: &Event) -> Value {
    serde_json::from_slice(&event.request.as_ref().unwrap().body).unwrap()
}

fn answered(event: &Event) -> Value {
    serde_json::from_slice(&event.response.as_ref().unwrap().body).unwrap()
}

fn text(role: &str, text: &str) -> Value {
    json!({"role": role, "parts": [{"type": "text", "content": text}]})
}

#[test]
fn who_when_and_where_from() {
    let event = one(
        json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "OpenAI", "gen_ai.conversation.id": "s-1",
            "user.id": "u\n1", "user.email": "a@example.com", "aal.decision_type": "credit", "aal.subject.id": "c-9",
        }),
        &[],
    );
    assert_eq!(
        (event.provider.as_deref(), event.operation.as_deref()),
        (Some("openai"), Some("chat"))
    );
    assert_eq!(
        (event.application.as_str(), event.environment.as_deref()),
        ("loans", Some("production"))
    );
    assert_eq!(
        (event.session_id.as_deref(), event.user_id.as_deref()),
        (Some("s-1"), Some("u 1"))
    );
    assert_eq!(
        (event.decision_type.as_deref(), event.subject.unwrap().id.as_str()),
        (Some("credit"), "c-9")
    );
    assert_eq!(event.occurred_at_us, Some(1_700_000_000_000_000));
    assert_eq!(event.timing.unwrap().duration_us, Some(1_000_000));
    let trace = event.trace.unwrap();
    assert_eq!(trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(
        (trace.span_id.as_deref(), trace.parent_span_id),
        (Some("b7ad6b7169203301"), None)
    );
    assert_eq!(
        (
            event.tags["service.name"].as_str(),
            event.tags["otel.scope.name"].as_str()
        ),
        ("loans-api", "scope")
    );
}

#[test]
fn the_oldest_convention_with_prompts_in_events() {
    let event = one(
        json!({
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4", "gen_ai.request.temperature": 0.5,
            "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.completion_tokens": 7,
        }),
        &[
            (
                "gen_ai.content.prompt",
                json!({"gen_ai.prompt": "[{\"role\": \"user\", \"content\": \"hi\"}]"}),
            ),
            ("gen_ai.content.completion", json!({"gen_ai.completion": "hello"})),
        ],
    );
    assert_eq!(sent(&event)["messages"], json!([text("user", "hi")]));
    assert_eq!(sent(&event)["parameters"], json!({"temperature": 0.5}));
    assert_eq!(answered(&event)["messages"], json!([text("assistant", "hello")]));
    assert_eq!(
        answered(&event)["usage"],
        json!({"input_tokens": 5, "output_tokens": 7})
    );
}

#[test]
fn messages_as_events_of_their_own() {
    let event = one(
        json!({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m"}),
        &[
            (
                "gen_ai.system.message",
                json!({"gen_ai.system": "openai", "content": "be brief"}),
            ),
            ("gen_ai.user.message", json!({"content": "hi"})),
            ("gen_ai.tool.message", json!({"id": "c", "content": "42"})),
            (
                "gen_ai.choice",
                json!({"index": 0, "finish_reason": "stop", "message": "{\"content\": \"hello\"}"}),
            ),
            ("something else", json!({"x": 1})),
        ],
    );
    let asked = sent(&event);
    assert_eq!(asked["messages"][0], text("system", "be brief"));
    assert_eq!(asked["messages"][1], text("user", "hi"));
    assert_eq!(asked["messages"][2]["parts"][0]["response"], "42");
    assert_eq!(asked["events"][0]["attributes"], json!({"x": 1}));
    let mut choice = text("assistant", "hello");
    choice["finish_reason"] = json!("stop");
    assert_eq!(answered(&event)["messages"], json!([choice]));
}

#[test]
fn structured_messages_and_those_in_the_details_event() {
    let messages = json!([{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]);
    for held in [messages.clone(), json!(messages.to_string())] {
        let plain = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic"});
        let mut direct = plain.clone();
        direct["gen_ai.input.messages"] = held.clone();
        let details = json!({"gen_ai.input.messages": held, "gen_ai.system_instructions": "be brief"});
        let by_event = one(plain, &[("gen_ai.client.inference.operation.details", details)]);
        assert_eq!(sent(&one(direct, &[]))["messages"], messages);
        assert_eq!(sent(&by_event)["messages"], messages);
        assert_eq!(
            sent(&by_event)["system"],
            json!([{"type": "text", "content": "be brief"}])
        );
    }
}

#[test]
fn openllmetry_with_numbered_prompts() {
    let event = one(
        json!({
            "llm.request.type": "chat", "gen_ai.system": "Anthropic", "gen_ai.request.model": "claude",
            "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "be brief",
            "gen_ai.prompt.10.role": "user", "gen_ai.prompt.10.content": "last",
            "gen_ai.prompt.2.role": "user", "gen_ai.prompt.2.content": "[{\"type\": \"text\", \"text\": \"first\"}]",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "tool_use",
            "gen_ai.completion.0.tool_calls.0.id": "c", "gen_ai.completion.0.tool_calls.0.name": "f",
            "gen_ai.completion.0.tool_calls.0.arguments": "{}",
            "gen_ai.usage.cache_read_input_tokens": 90, "gen_ai.usage.prompt_tokens": "10",
            "gen_ai.usage.completion_tokens": 3.0, "llm.headers": "{'x': 'y'}",
            "traceloop.association.properties.session_id": "s",
        }),
        &[],
    );
    assert_eq!(
        (event.provider.as_deref(), event.session_id.as_deref()),
        (Some("anthropic"), Some("s"))
    );
    let asked = sent(&event);
    assert_eq!(
        asked["messages"],
        json!([
            text("system", "be brief"),
            text("user", "first"),
            text("user", "last")
        ])
    );
    assert!(!asked.to_string().contains("llm.headers"));
    let answer = answered(&event);
    assert_eq!(answer["messages"][0]["finish_reason"], "tool_use");
    assert_eq!(answer["messages"][0]["parts"][0]["name"], "f");
    // The instrumentation passed on a count without what was cached; totals hold their parts here.
    assert_eq!(
        answer["usage"],
        json!({"input_tokens": 100, "output_tokens": 3, "cache_read_tokens": 90})
    );
    assert_eq!(answer["usage_reported"]["gen_ai.usage.prompt_tokens"], 10);
}

#[test]
fn agents_tools_guardrails_and_retrieval() {
    let tool = one(
        json!({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "limit", "gen_ai.tool.call.id": "c",
            "gen_ai.tool.call.arguments": "{\"customer\": 9}", "gen_ai.tool.call.result": "5000",
        }),
        &[],
    );
    assert_eq!(
        (tool.provider.as_deref(), tool.operation.as_deref()),
        (Some("unknown"), Some("execute_tool"))
    );
    assert_eq!(
        (&sent(&tool)["input"], &answered(&tool)["output"]),
        (&json!({"customer": 9}), &json!("5000"))
    );
    assert_eq!(tool.tags["gen_ai.tool.name"], "limit");
    let kinds = [
        ("AGENT", "invoke_agent"),
        ("TOOL", "execute_tool"),
        ("GUARDRAIL", "guardrail"),
        ("RERANKER", "rerank"),
    ];
    for (kind, operation) in kinds {
        let event = one(
            json!({"openinference.span.kind": kind, "input.value": "in", "output.value": "out"}),
            &[],
        );
        assert_eq!(event.operation.as_deref(), Some(operation));
        assert_eq!(
            (&sent(&event)["input"], &answered(&event)["output"]),
            (&json!("in"), &json!("out"))
        );
    }
    let found = one(
        json!({"openinference.span.kind": "RETRIEVER", "input.value": "q", "retrieval.documents.0.document.content": "d"}),
        &[],
    );
    assert_eq!(
        answered(&found)["documents"],
        json!([{"document": {"content": "d"}}])
    );
    let agent = one(
        json!({"traceloop.span.kind": "agent", "traceloop.entity.input": "{\"a\": 1}"}),
        &[],
    );
    assert_eq!(
        (agent.operation.as_deref(), &sent(&agent)["input"]),
        (Some("invoke_agent"), &json!({"a": 1}))
    );
}

#[test]
fn ordinary_spans_are_ignored_and_counted() {
    let spans = [
        span(1, &json!({"http.request.method": "GET"}), &[]),
        span(2, &json!({"db.system": "postgresql"}), &[]),
        span(
            3,
            &json!({"openinference.span.kind": "CHAIN", "input.value": "x"}),
            &[],
        ),
        span(4, &json!({"traceloop.span.kind": "workflow"}), &[]),
        span(5, &json!({"gen_ai.operation.name": "chat"}), &[]),
    ];
    let mapped = mapped(&request(&spans));
    assert_eq!(
        (mapped.events.len(), mapped.ignored, mapped.rejected.len()),
        (1, 4, 0)
    );
}

#[test]
fn what_no_rule_reads_is_kept() {
    let event = one(
        json!({"gen_ai.operation.name": "chat", "vendor.thing": {"deep": [1, true, 2.5, null]}}),
        &[],
    );
    assert_eq!(
        sent(&event)["attributes"],
        json!({"vendor.thing": {"deep": [1, true, 2.5, null]}})
    );
    assert_eq!(sent(&event)["resource"]["service.name"], "loans-api");
}

#[test]
fn one_id_with_two_contents_is_rejected_and_twice_the_same_is_not() {
    let chat = |model: &str| {
        span(
            1,
            &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": model}),
            &[],
        )
    };
    let mapped = mapped(&request(&[chat("a"), chat("a"), chat("b")]));
    assert_eq!(
        (mapped.events.len(), mapped.duplicates, mapped.rejected.len()),
        (1, 1, 1)
    );
    assert_eq!(mapped.rejected[0].span_id.as_deref(), Some("b7ad6b7169203301"));
}
