//! What holds for any bytes, and for real streams cut anywhere.

use std::path::Path;

use aal_exchange::{
    ExchangeInput, Recording, RequestPart, ResponsePart, UsageState, parse, reassembled_response, texts,
};
use base64::Engine;
use proptest::prelude::*;

const URLS: [&str; 16] = [
    "https://api.openai.com/v1/chat/completions",
    "https://api.openai.com/v1/completions",
    "https://api.openai.com/v1/responses",
    "https://api.openai.com/v1/embeddings",
    "https://api.openai.com/v1/threads/t/runs",
    "https://x.openai.azure.com/openai/deployments/d%3/chat/completions?api-version=1",
    "https://api.anthropic.com/v1/messages",
    "https://api.anthropic.com/v1/complete",
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/m%3A0/converse-stream",
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke-with-response-stream",
    "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent",
    "https://api.cohere.com/v2/chat",
    "https://api.cohere.com/v1/embed",
    "http://127.0.0.1:11434/api/chat",
    "",
    "%%%://?#",
];

const CONTENT_TYPES: [&str; 5] = [
    "application/json",
    "text/event-stream",
    "application/vnd.amazon.eventstream",
    "application/x-ndjson",
    "",
];

fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Vec::new();
    };
    let texts = entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    texts
        .flat_map(|text| {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Request and response bytes of a recording.
fn bodies(recording: &Recording) -> (Vec<u8>, Vec<u8>) {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().as_bytes().to_vec();
    let response = recording.response.as_ref().unwrap();
    let decoded = response.body_base64.as_ref();
    let decoded = decoded.map(|text| base64::engine::general_purpose::STANDARD.decode(text).unwrap());
    (
        text(&recording.request.as_ref().unwrap().body),
        decoded.unwrap_or_else(|| text(&response.body)),
    )
}

fn input<'a>(recording: &'a Recording, request: &'a [u8], response: &'a [u8]) -> ExchangeInput<'a> {
    let (sent, received) = (
        recording.request.as_ref().unwrap(),
        recording.response.as_ref().unwrap(),
    );
    ExchangeInput {
        provider: &recording.provider,
        operation: None,
        request: Some(RequestPart {
            method: &sent.method,
            url: &sent.url,
            body: request,
        }),
        response: Some(ResponsePart {
            status: received.status,
            content_type: received.content_type.as_deref().unwrap_or_default(),
            body: response,
        }),
        interrupted: false,
        header_counts: None,
    }
}

#[test]
fn a_stream_cut_before_its_final_event_is_interrupted_and_its_usage_not_relied_on() {
    for recording in recordings() {
        let (request, response) = bodies(&recording);
        let whole = parse(&input(&recording, &request, &response));
        if !whole.streamed || whole.status != Some(200) {
            continue;
        }
        assert!(!whole.interrupted, "{}", recording.id);
        // Long streams are cut at a step, so that the test ends.
        let step = (response.len() / 120).max(1);
        for end in (1..response.len() * 2 / 3).step_by(step) {
            let cut = parse(&input(&recording, &request, &response[..end]));
            assert!(cut.interrupted, "{} cut at {end}", recording.id);
            assert_eq!(
                cut.usage_state,
                UsageState::Incomplete,
                "{} cut at {end}",
                recording.id
            );
            assert!(whole.output_text.starts_with(&cut.output_text) || whole.output_text.is_empty());
        }
    }
}

#[test]
fn every_body_cut_anywhere_is_read_without_panic() {
    for recording in recordings() {
        let (request, response) = bodies(&recording);
        let step = (response.len() / 60).max(1);
        for end in (0..response.len()).step_by(step) {
            let half = &request[..request.len() * end / response.len()];
            parse(&input(&recording, half, &response[..end]));
        }
    }
}

#[test]
fn a_reassembled_stream_says_the_same_as_the_stream() {
    let mut streams = 0;
    for recording in recordings() {
        let (request, response) = bodies(&recording);
        let original = input(&recording, &request, &response);
        let streamed = parse(&original);
        let Some(whole) = reassembled_response(&original) else {
            assert!(!streamed.streamed || !streamed.understood, "{}", recording.id);
            continue;
        };
        streams += 1;
        let again = parse(&input(&recording, &request, &whole));
        assert_eq!(again.output_text, streamed.output_text, "{}", recording.id);
        assert_eq!(again.reasoning_text, streamed.reasoning_text, "{}", recording.id);
        assert_eq!(again.tool_calls, streamed.tool_calls, "{}", recording.id);
        assert_eq!(again.finish_reasons, streamed.finish_reasons, "{}", recording.id);
        assert_eq!(again.usage, streamed.usage, "{}", recording.id);
        assert_eq!(again.model, streamed.model, "{}", recording.id);
        let (input_text, output_text) = texts(&original, &request, &whole);
        assert_eq!(
            (input_text, output_text),
            (streamed.input_text, streamed.output_text)
        );
    }
    assert!(streams == 0 || streams > 30, "{streams}");
}

/// JSON that looks like parts of answers, to get past the outermost checks.
fn answer_like() -> impl Strategy<Value = serde_json::Value> {
    let keys = prop::sample::select(vec![
        "choices",
        "message",
        "delta",
        "content",
        "text",
        "type",
        "index",
        "usage",
        "tool_calls",
        "function",
        "arguments",
        "finish_reason",
        "output",
        "candidates",
        "parts",
        "results",
        "tokenCount",
        "message_start",
        "content_block",
        "input_tokens",
        "output_tokens",
        "prompt_tokens",
        "completion_tokens",
        "response",
        "billed_units",
        "meta",
        "toolUse",
        "input",
        "name",
        "id",
        "data",
        "role",
        "status",
        "model",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        prop::sample::select(vec![
            "message_start",
            "content_block_delta",
            "input_json_delta",
            "message",
            "é\u{0}",
            ""
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|fields| {
                serde_json::Value::Object(
                    fields
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        url in prop::sample::select(URLS.to_vec()),
        content_type in prop::sample::select(CONTENT_TYPES.to_vec()),
        request in prop::collection::vec(any::<u8>(), 0..200),
        response in prop::collection::vec(any::<u8>(), 0..400),
        status in any::<u16>(),
        provider in ".{0,12}",
    ) {
        let exchange = parse(&ExchangeInput {
            provider: &provider,
            operation: Some(&provider),
            request: Some(RequestPart { method: "POST", url, body: &request }),
            response: Some(ResponsePart { status, content_type, body: &response }),
            interrupted: false,
            header_counts: None,
        });
        prop_assert!(exchange.usage.is_none() || exchange.usage_state != UsageState::Missing);
    }

    #[test]
    fn any_json_is_read_without_panic(
        url in prop::sample::select(URLS.to_vec()),
        request in answer_like(),
        events in prop::collection::vec(answer_like(), 1..5),
        streamed in any::<bool>(),
    ) {
        let request = request.to_string();
        let body = if streamed {
            events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect::<String>()
        } else {
            events[0].to_string()
        };
        let given = ExchangeInput {
            provider: "ollama",
            operation: None,
            request: Some(RequestPart { method: "POST", url, body: request.as_bytes() }),
            response: Some(ResponsePart { status: 200, content_type: "", body: body.as_bytes() }),
            interrupted: true,
            header_counts: None,
        };
        let exchange = parse(&given);
        prop_assert!(exchange.interrupted);
        reassembled_response(&given);
    }
}
