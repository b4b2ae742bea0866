//! The wire forms one by one, where the recordings hold no example.

use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use aal_pricing::{PriceTable, Unit};
use serde_json::{Value, json};

const AT_US: i64 = 1_795_435_200_000_000;

fn exchange(url: &str, request: &Value, status: u16, content_type: &str, body: &str) -> Exchange {
    let request = request.to_string();
    parse(&ExchangeInput {
        provider: "",
        operation: None,
        request: Some(RequestPart {
            method: "POST",
            url,
            body: request.as_bytes(),
        }),
        response: Some(ResponsePart {
            status,
            content_type,
            body: body.as_bytes(),
        }),
        interrupted: false,
        header_counts: None,
    })
}

fn stream(url: &str, request: Value, events: &[Value]) -> Exchange {
    let name = |event: &Value| event["type"].as_str().unwrap_or("message").to_owned();
    let text: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", name(event)))
        .collect();
    exchange(url, &request, 200, "text/event-stream", &text)
}

fn answered(url: &str, request: Value, body: Value) -> Exchange {
    exchange(url, &request, 200, "application/json", &body.to_string())
}

fn amounts(exchange: &Exchange) -> Value {
    serde_json::to_value(exchange.usage.as_ref().unwrap()).unwrap()
}

#[test]
fn anthropic_streams_merge_usage_of_start_and_delta() {
    let events = [
        json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "id": "m1", "usage": {
            "input_tokens": 4, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 30, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "He"}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "llo"}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":"}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "1}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 25}}),
        json!({"type": "message_stop"}),
    ];
    let whole = stream(
        "https://api.anthropic.com/v1/messages",
        json!({"messages": []}),
        &events,
    );
    let expected = json!({"input_tokens": 134, "cache_read_tokens": 30, "cache_write_tokens": 100,
        "cache_write_5m_tokens": 60, "cache_write_1h_tokens": 40, "output_tokens": 25});
    assert_eq!(amounts(&whole), expected);
    assert_eq!(
        (whole.output_text.as_str(), whole.reasoning_text.as_str()),
        ("Hello", "hm")
    );
    assert_eq!(whole.tool_calls[0].arguments, r#"{"a":1}"#);
    assert_eq!(whole.finish_reasons, ["tool_use"]);
    // 4 at 3, 30 at 0.30, 60 at 3.75, 40 at 6, 25 at 15 dollars a million.
    let price = whole.price(PriceTable::builtin(), AT_US).unwrap();
    assert_eq!(price.total.to_string(), "0.000861");

    let cut = stream(
        "https://api.anthropic.com/v1/messages",
        json!({"messages": []}),
        &events[..9],
    );
    assert!(cut.interrupted);
    assert_eq!(cut.usage_state, UsageState::Incomplete);
    assert_eq!(cut.tool_calls[0].arguments, r#"{"a":"#);
    assert_eq!(
        cut.price(PriceTable::builtin(), AT_US).unwrap_err().reason,
        "usage_incomplete"
    );
}

#[test]
fn openai_streams_keep_choices_and_tools_apart() {
    let chunk = |choices: Value| json!({"id": "c", "model": "gpt-4o-2024-08-06", "object": "chat.completion.chunk", "choices": choices});
    let tool = |index: u32, call: Value| json!([{"index": 0, "delta": {"tool_calls": [{"index": index, "function": call}]}}]);
    let events = [
        chunk(json!([{"index": 1, "delta": {"role": "assistant", "content": "B"}}])),
        chunk(json!([{"index": 0, "delta": {"content": "A"}}, {"index": 1, "delta": {"content": "b"}}])),
        chunk(tool(0, json!({"name": "f", "arguments": ""}))),
        chunk(tool(1, json!({"name": "g", "arguments": "[]"}))),
        chunk(tool(0, json!({"arguments": "{}"}))),
        chunk(json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])),
        chunk(json!([{"index": 1, "delta": {}, "finish_reason": "length"}])),
        json!({"model": "gpt-4o-2024-08-06", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4}}}),
    ];
    let request = json!({"stream": true, "stream_options": {"include_usage": true}, "model": "gpt-4o"});
    let whole = stream(
        "https://api.openai.com/v1/chat/completions",
        request.clone(),
        &events,
    );
    assert_eq!(whole.output_text, "A\nBb");
    assert_eq!(whole.finish_reasons, ["tool_calls", "length"]);
    let calls: Vec<_> = whole
        .tool_calls
        .iter()
        .map(|call| (call.name.as_str(), call.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("f", "{}"), ("g", "[]")]);
    assert_eq!(
        amounts(&whole),
        json!({"input_tokens": 9, "cache_read_tokens": 4, "output_tokens": 5})
    );
    assert_eq!(whole.usage_state, UsageState::Reported);

    // The count was asked for and never came: all choices ended, the stream did not.
    let cut = stream(
        "https://api.openai.com/v1/chat/completions",
        request,
        &events[..7],
    );
    assert!(cut.interrupted);
    assert_eq!(cut.usage_state, UsageState::Incomplete);
    // Nobody asked for it: the stream is whole, its usage is missing.
    let unasked = stream(
        "https://api.openai.com/v1/chat/completions",
        json!({"stream": true}),
        &events[..7],
    );
    assert!(!unasked.interrupted);
    assert_eq!(unasked.usage_state, UsageState::Missing);
}

#[test]
fn azure_takes_provider_and_deployment_from_the_url() {
    let url =
        "https://acme.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21";
    let body = json!({"object": "chat.completion", "model": "gpt-4o-2024-11-20", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 10}});
    let found = answered(
        url,
        json!({"messages": [{"role": "user", "content": "hello"}]}),
        body,
    );
    assert_eq!(
        (found.provider.as_str(), found.operation.as_str()),
        ("azure", "chat")
    );
    assert_eq!(found.model_requested.as_deref(), Some("my-gpt"));
    assert_eq!(found.model.as_deref(), Some("gpt-4o-2024-11-20"));
    assert_eq!(
        (found.input_text.as_str(), found.output_text.as_str()),
        ("hello", "hi")
    );
    assert_eq!(
        found
            .price(PriceTable::builtin(), AT_US)
            .unwrap()
            .total
            .to_string(),
        "0.0026"
    );
    let responses = "https://acme.openai.azure.com/openai/v1/responses";
    assert_eq!(
        answered(responses, json!({}), json!({"object": "response"})).operation,
        "responses"
    );
}

#[test]
fn gemini_streams_are_folded_with_and_without_sse() {
    let chunks = [
        json!({"candidates": [{"content": {"parts": [{"text": "plan", "thought": true}]}}], "modelVersion": "gemini-2.5-flash"}),
        json!({"candidates": [{"content": {"parts": [{"text": "He"}]}}]}),
        json!({"candidates": [{"content": {"parts": [{"text": "llo"}, {"functionCall": {"name": "f", "args": {"x": 1}}}]},
            "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5, "thoughtsTokenCount": 3}}),
    ];
    let url =
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let sse = stream(&format!("{url}?alt=sse"), json!({}), &chunks);
    let array = answered(url, json!({}), json!(chunks));
    for found in [sse, array] {
        assert_eq!(
            (found.output_text.as_str(), found.reasoning_text.as_str()),
            ("Hello", "plan")
        );
        assert_eq!(found.tool_calls[0].arguments, r#"{"x":1}"#);
        assert_eq!(found.usage.as_ref().unwrap().count(Unit::OutputTokens), 8);
        assert_eq!(
            found.usage.as_ref().unwrap().count(Unit::OutputReasoningTokens),
            3
        );
        assert!(found.streamed && !found.interrupted);
        assert_eq!(found.model_requested.as_deref(), Some("gemini-2.5-flash"));
    }
    assert!(answered(url, json!({}), json!(chunks[..2])).interrupted);
}

#[test]
fn cohere_streams_of_version_2_are_folded() {
    let events = [
        json!({"type": "message-start", "id": "x"}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "look"}}}),
        json!({"type": "tool-call-start", "delta": {"message": {"tool_calls": {"id": "t", "function": {"name": "f", "arguments": ""}}}}}),
        json!({"type": "tool-call-delta", "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}}}),
        json!({"type": "content-delta", "delta": {"message": {"content": {"text": "ok"}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}}}),
    ];
    let found = stream(
        "https://api.cohere.com/v2/chat",
        json!({"model": "command-r"}),
        &events,
    );
    assert_eq!(
        (found.output_text.as_str(), found.reasoning_text.as_str()),
        ("ok", "look")
    );
    assert_eq!(
        (
            found.tool_calls[0].name.as_str(),
            found.tool_calls[0].arguments.as_str()
        ),
        ("f", "{}")
    );
    assert_eq!(amounts(&found), json!({"input_tokens": 3, "output_tokens": 2}));
    assert_eq!(found.finish_reasons, ["COMPLETE"]);
}

#[test]
fn claude_on_vertex_is_priced_by_google() {
    let url = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict";
    let body = json!({"type": "message", "model": "claude-sonnet-4-5-20250929", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 1000, "output_tokens": 100}});
    let found = answered(url, json!({"messages": []}), body);
    assert_eq!(
        (found.provider.as_str(), found.operation.as_str()),
        ("gcp.vertex_ai", "messages")
    );
    assert_eq!(
        (found.provider_id_for_pricing.as_str(), found.api_flavor.as_str()),
        ("google", "anthropic")
    );
    assert_eq!(
        found.model_requested.as_deref(),
        Some("claude-sonnet-4-5@20250929")
    );
    assert_eq!(
        found
            .price(PriceTable::builtin(), AT_US)
            .unwrap()
            .total
            .to_string(),
        "0.0045"
    );
}

#[test]
fn transcriptions_count_tokens_or_seconds_and_name_their_model_in_the_form() {
    let url = "https://api.openai.com/v1/audio/transcriptions";
    let form = |model: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--b--\r\n")
            .into_bytes()
    };
    let read = |model: &str, content_type: &str, body: &str| {
        parse(&ExchangeInput {
            provider: "openai",
            operation: None,
            request: Some(RequestPart {
                method: "POST",
                url,
                body: &form(model),
            }),
            response: Some(ResponsePart {
                status: 200,
                content_type,
                body: body.as_bytes(),
            }),
            interrupted: false,
            header_counts: None,
        })
    };
    let total = |exchange: &Exchange| {
        exchange
            .price(PriceTable::builtin(), AT_US)
            .unwrap()
            .total
            .to_string()
    };
    let seconds = r#"{"text": "hello", "usage": {"type": "duration", "seconds": 90}}"#;
    let whisper = read("whisper-1", "application/json", seconds);
    assert_eq!(
        (whisper.operation.as_str(), whisper.output_text.as_str()),
        ("transcriptions", "hello")
    );
    assert_eq!(total(&whisper), "0.009");
    let stream = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"hel\"}\n\ndata: {\"type\":\"transcript.text.done\",\
        \"text\":\"hello\",\"usage\":{\"input_tokens\":10,\"output_tokens\":5,\"input_token_details\":{\"audio_tokens\":10}}}\n\n";
    let tokens = read("gpt-4o-transcribe", "text/event-stream", stream);
    assert_eq!((tokens.output_text.as_str(), tokens.streamed), ("hello", true));
    // 10 at 6 and 5 at 10 dollars a million.
    assert_eq!(total(&tokens), "0.00011");
    let cut = read("gpt-4o-transcribe", "text/event-stream", &stream[..60]);
    assert_eq!((cut.output_text.as_str(), cut.interrupted), ("hel", true));
}

#[test]
fn vendors_inside_bedrock_are_told_by_their_keys() {
    let read = |model: &str, body: Value| {
        let url = format!("https://bedrock-runtime.eu-west-1.amazonaws.com/model/{model}/invoke");
        answered(&url, json!({"prompt": "q"}), body)
    };
    let ai21 = read(
        "ai21.j2-mid-v1",
        json!({"id": 1, "prompt": {"tokens": [{}, {}]}, "completions": [
        {"data": {"text": "a", "tokens": [{}, {}, {}]}, "finishReason": {"reason": "endoftext"}}]}),
    );
    assert_eq!(
        (ai21.output_text.as_str(), &ai21.finish_reasons[..]),
        ("a", &["endoftext".to_owned()][..])
    );
    assert_eq!(amounts(&ai21), json!({"input_tokens": 2, "output_tokens": 3}));
    let mistral = read(
        "mistral.mixtral-8x7b",
        json!({"outputs": [{"text": "b", "stop_reason": "stop"}]}),
    );
    assert_eq!(
        (mistral.output_text.as_str(), mistral.usage_state),
        ("b", UsageState::Missing)
    );
    let cohere = read(
        "cohere.command-r-v1:0",
        json!({"response_id": "r", "text": "c", "finish_reason": "COMPLETE"}),
    );
    assert_eq!(
        (cohere.output_text.as_str(), cohere.response_id.as_deref()),
        ("c", Some("r"))
    );
    let deepseek = read(
        "us.deepseek.r1-v1:0",
        json!({"choices": [{"text": "d", "stop_reason": "length"}]}),
    );
    assert_eq!(
        (deepseek.output_text.as_str(), &deepseek.finish_reasons[..]),
        ("d", &["length".to_owned()][..])
    );
}

#[test]
fn scanned_pages_are_counted_and_read() {
    let body = json!({"model": "mistral-ocr-latest", "pages": [{"markdown": "# A"}, {"markdown": "b"}],
        "usage_info": {"pages_processed": 2, "doc_size_bytes": 10}});
    let scanned = answered(
        "https://api.mistral.ai/v1/ocr",
        json!({"model": "mistral-ocr-latest"}),
        body,
    );
    assert_eq!(
        (scanned.operation.as_str(), scanned.output_text.as_str()),
        ("ocr", "# A\nb")
    );
    assert_eq!(amounts(&scanned), json!({"input_document_pages": 2}));
    assert!(scanned.price(PriceTable::builtin(), AT_US).is_ok());
}
