//! Answers with parts beyond text and functions, batch jobs, token counts, and streams that break off inside a call.

use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use aal_pricing::PriceTable;
use serde_json::{Value, json};

/// 2026-03-01T00:00:00Z.
const AT_US: i64 = 1_772_323_200_000_000;

fn exchange(url: &str, content_type: &str, body: &str) -> Exchange {
    parse(&ExchangeInput {
        provider: "",
        operation: None,
        request: Some(RequestPart {
            method: "POST",
            url,
            body: b"{}",
        }),
        response: Some(ResponsePart {
            status: 200,
            content_type,
            body: body.as_bytes(),
        }),
        interrupted: false,
        header_counts: None,
    })
}

fn answered(url: &str, body: &Value) -> Exchange {
    exchange(url, "application/json", &body.to_string())
}

fn streamed(url: &str, events: &[Value]) -> Exchange {
    let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    exchange(url, "text/event-stream", &text)
}

const CHAT: &str = "https://api.openai.com/v1/chat/completions";
const RESPONSES: &str = "https://api.openai.com/v1/responses";

#[test]
fn a_spoken_answer_gives_its_words() {
    let message = json!({"role": "assistant", "content": null, "audio": {"id": "a", "data": "AAAA", "transcript": "Hello there"}});
    let plain = answered(
        CHAT,
        &json!({"model": "gpt-audio", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}),
    );
    assert_eq!(plain.output_text, "Hello there");
    let piece =
        |audio: Value| json!({"model": "gpt-audio", "choices": [{"index": 0, "delta": {"audio": audio}}]});
    let end = json!({"model": "gpt-audio", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let pieces = [
        piece(json!({"id": "a", "transcript": "Hel"})),
        piece(json!({"transcript": "lo"})),
        piece(json!({"data": "AAAA"})),
        end,
    ];
    let stream = streamed(CHAT, &pieces);
    assert_eq!(
        (stream.output_text.as_str(), stream.interrupted),
        ("Hello", false)
    );
}

#[test]
fn reasoning_inside_the_content_is_no_output_text() {
    let content = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]);
    let found = answered(
        "https://api.mistral.ai/v1/chat/completions",
        &json!({"model": "magistral-medium-2507", "choices": [{"message": {"content": content}, "finish_reason": "stop"}]}),
    );
    assert_eq!(
        (found.output_text.as_str(), found.reasoning_text.as_str()),
        ("yes", "hm")
    );
    let delta = |content: Value| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": content}}});
    let cohere = streamed(
        "https://api.cohere.com/v2/chat",
        &[
            delta(json!({"thinking": "hm"})),
            delta(json!({"text": "yes"})),
            json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}),
        ],
    );
    assert_eq!(
        (cohere.output_text.as_str(), cohere.reasoning_text.as_str()),
        ("yes", "hm")
    );
}

#[test]
fn a_function_call_that_breaks_off_keeps_its_name_and_what_came() {
    let item =
        json!({"type": "function_call", "id": "fc", "call_id": "call_1", "name": "f", "arguments": ""});
    let delta = |piece: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": piece});
    let events = [
        json!({"type": "response.created", "response": {"id": "r", "model": "gpt-4o", "status": "in_progress"}}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": item}),
        delta("{\"a\""),
        delta(":1"),
    ];
    let found = streamed(RESPONSES, &events);
    assert!(found.interrupted);
    let call = &found.tool_calls[0];
    assert_eq!(
        (call.id.as_deref(), call.name.as_str(), call.arguments.as_str()),
        (Some("call_1"), "f", "{\"a\":1")
    );
    let done = json!({"type": "response.output_item.done", "output_index": 1, "item":
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"}});
    let finished = streamed(RESPONSES, &[events.as_slice(), &[done]].concat());
    assert_eq!(finished.tool_calls.len(), 1);
    assert_eq!(finished.tool_calls[0].arguments, "{\"a\":1}");
}

#[test]
fn calls_of_built_in_tools_that_the_application_carries_out_are_tool_calls() {
    let output = json!([
        {"type": "computer_call", "call_id": "k", "action": {"type": "wait"}},
        {"type": "local_shell_call", "call_id": "s", "action": {"command": ["ls"]}},
        {"type": "file_search_call", "id": "fs", "queries": ["q"]},
    ]);
    let found = answered(
        RESPONSES,
        &json!({"object": "response", "status": "completed", "output": output}),
    );
    let names: Vec<&str> = found.tool_calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["computer", "local_shell"]);
}

#[test]
fn an_array_of_gemini_that_breaks_off_keeps_its_whole_chunks() {
    let chunk = json!({"candidates": [{"content": {"parts": [{"text": "Hel"}]}, "index": 0}], "usageMetadata": {"promptTokenCount": 5}});
    let url =
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let found = exchange(url, "application/json", &format!("[{chunk}\n,\n{{\"candid"));
    assert!(found.interrupted && found.streamed);
    assert_eq!(
        (found.output_text.as_str(), found.usage_state),
        ("Hel", UsageState::Incomplete)
    );
    assert_eq!(found.input_tokens(), Some(5));
}

#[test]
fn counting_tokens_and_starting_a_batch_use_nothing() {
    let counted = answered(
        "https://api.anthropic.com/v1/messages/count_tokens",
        &json!({"input_tokens": 14}),
    );
    let job =
        json!({"object": "batch", "status": "completed", "usage": {"input_tokens": 5, "output_tokens": 6}});
    let job = answered("https://api.openai.com/v1/batches/batch_1", &job);
    for (found, operation) in [(counted, "count_tokens"), (job, "batches")] {
        assert_eq!(found.operation, operation);
        assert_eq!(
            (found.usage, found.usage_state),
            (None, UsageState::NotApplicable)
        );
    }
}

fn results(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn results_of_a_batch_are_counted_call_by_call_at_half_the_price() {
    let line = |id: &str, model: &str, input: u64| {
        let usage = json!({"input_tokens": input, "output_tokens": 10});
        let message = json!({"model": model, "content": [{"type": "text", "text": id}], "stop_reason": "end_turn", "usage": usage});
        json!({"custom_id": id, "result": {"type": "succeeded", "message": message}})
    };
    let url = "https://api.anthropic.com/v1/messages/batches/b/results";
    let model = "claude-sonnet-4-20250514";
    let two = [line("a", model, 150_000), line("b", model, 150_000)];
    let found = exchange(url, "application/x-jsonl", &results(&two));
    assert_eq!(
        (found.operation.as_str(), found.output_text.as_str()),
        ("batch_results", "a\nb")
    );
    assert_eq!(found.input_tokens(), Some(300_000));
    // 300,000 at 1.50 and 20 at 7.50 dollars a million: neither call is beyond 200,000 tokens, though their sum is.
    let price = found.price(PriceTable::builtin(), AT_US).unwrap();
    assert_eq!(price.total.to_string(), "0.45015");
    assert!(price.rule.ends_with("processing=batch half"), "{}", price.rule);

    let one = exchange(url, "application/x-jsonl", &results(&two[..1]));
    assert_eq!((one.input_tokens(), one.streamed), (Some(150_000), false));
    let mixed = [line("a", model, 1), line("b", "claude-3-5-haiku-20241022", 1)];
    let mixed = exchange(url, "application/x-jsonl", &results(&mixed));
    assert!(mixed.price(PriceTable::builtin(), AT_US).is_err());
    let other = exchange(
        "https://api.openai.com/v1/files/file-1/content",
        "application/octet-stream",
        "{\"text\":1}\n{\"text\":2}\n",
    );
    assert!(!other.understood && other.usage.is_none());
}

#[test]
fn cached_tokens_of_nova_are_counted_under_their_longer_names() {
    let usage = json!({"inputTokens": 5, "outputTokens": 6, "cacheReadInputTokenCount": 7, "cacheWriteInputTokenCount": 0});
    let found = answered(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1:0/invoke",
        &json!({"output": {"message": {"content": [{"text": "n"}]}}, "stopReason": "end_turn", "usage": usage}),
    );
    let usage = serde_json::to_value(found.usage.unwrap()).unwrap();
    assert_eq!(
        usage,
        json!({"input_tokens": 12, "cache_read_tokens": 7, "output_tokens": 6})
    );
}
