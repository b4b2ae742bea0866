//! What users of other tools complain about in what they read off the wire, each made impossible here. Names carry the
//! public thread. Complaints about the calculation itself: `crates/pricing/tests/complaints.rs`.

use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use aal_pricing::{PriceTable, Unit};
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
            body: b"{\"stream\":true}",
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

fn streamed(url: &str, events: &[Value]) -> Exchange {
    let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    exchange(url, "text/event-stream", &text)
}

fn counts(exchange: &Exchange) -> (Option<u64>, Option<u64>) {
    (exchange.input_tokens(), exchange.output_tokens())
}

/// langfuse 8625: zero tokens and zero cost for streams of Gemini. Helicone 3687: the same on Vertex AI.
#[test]
fn a_stream_of_gemini_has_its_tokens_and_its_price_directly_and_on_vertex() {
    let chunk = |text: &str, finish: Value, output: u64| {
        json!({"modelVersion": "gemini-2.5-flash", "candidates": [{"index": 0, "content": {"parts": [{"text": text}]}, "finishReason": finish}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": output, "totalTokenCount": 5 + output}})
    };
    let events = [chunk("He", Value::Null, 1), chunk("llo", json!("STOP"), 2)];
    let hosts = [
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    ];
    for url in hosts {
        let found = streamed(url, &events);
        // The last chunk's counts, not the sum of all chunks.
        assert_eq!(counts(&found), (Some(5), Some(2)), "{url}");
        assert_eq!(found.output_text, "Hello");
        let price = found.price(PriceTable::builtin(), AT_US).unwrap();
        assert_eq!(price.total.to_string(), "0.0000065");
    }
}

/// openllmetry 627: a stream without usage is nothing used.
#[test]
fn a_stream_without_counts_says_so_and_has_no_price() {
    let chunk = |delta: Value, finish: Value| json!({"model": "gpt-4o", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let events = [
        chunk(json!({"content": "Hi"}), Value::Null),
        chunk(json!({}), json!("stop")),
    ];
    let found = streamed("https://api.openai.com/v1/chat/completions", &events);
    assert_eq!((found.usage_state, &found.usage), (UsageState::Missing, &None));
    let refused = found.price(PriceTable::builtin(), AT_US).unwrap_err();
    assert_eq!(refused.reason, "usage_missing");
}

/// Pattern of the threads: an interrupted stream is zero tokens.
#[test]
fn an_interrupted_stream_keeps_its_lower_bound_and_has_no_price() {
    let events = [
        json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 25, "output_tokens": 1}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    ];
    let found = streamed("https://api.anthropic.com/v1/messages", &events);
    assert_eq!(
        (counts(&found), found.usage_state),
        ((Some(25), Some(1)), UsageState::Incomplete)
    );
    let refused = found.price(PriceTable::builtin(), AT_US).unwrap_err();
    assert_eq!(refused.reason, "usage_incomplete");
}

/// litellm 42663: cache reads and writes of Anthropic's streams lost, 20 to 60 % under.
#[test]
fn a_stream_of_anthropic_keeps_the_cache_counts_of_its_start() {
    let start = json!({"input_tokens": 10, "cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 300, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}});
    let events = [
        json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": start}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ];
    let found = streamed("https://api.anthropic.com/v1/messages", &events);
    let usage = found.usage.as_ref().unwrap();
    assert_eq!(usage.count(Unit::InputTokens), 1_310);
    assert_eq!(
        (
            usage.count(Unit::CacheWrite5mTokens),
            usage.count(Unit::CacheWrite1hTokens)
        ),
        (100, 200)
    );
    // 10 at 3, 1,000 at 0.30, 100 at 3.75, 200 at 6, 20 at 15 dollars a million.
    let price = found.price(PriceTable::builtin(), AT_US).unwrap();
    assert_eq!(price.total.to_string(), "0.002205");
}

/// Langfuse: ARNs of Bedrock match no model. An application's own profile names none, and is not guessed.
#[test]
fn an_inference_profile_of_bedrock_has_its_models_price() {
    let body = json!({"output": {"message": {"content": [{"text": "hi"}]}}, "stopReason": "end_turn", "usage": {"inputTokens": 10, "outputTokens": 5}});
    let of = |model: &str| {
        let url = format!("https://bedrock-runtime.us-east-1.amazonaws.com/model/{model}/converse");
        exchange(&url, "application/json", &body.to_string()).price(PriceTable::builtin(), AT_US)
    };
    let arn = |resource: &str| format!("arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A{resource}");
    let plain = of("anthropic.claude-3-5-sonnet-20241022-v2%3A0").unwrap();
    let profile = arn("inference-profile%2Fus.anthropic.claude-3-5-sonnet-20241022-v2%3A0");
    assert_eq!(of(&profile).unwrap().total, plain.total);
    let own = of(&arn("application-inference-profile%2Fabcdefghij")).unwrap_err();
    assert_eq!(own.reason, "unknown_model");
}

/// LiteLLM, Laminar: a router's or a door's name before the model is an unknown model.
#[test]
fn a_vendor_before_the_model_is_understood_at_the_vendor_itself() {
    let body = json!({"model": "google/gemini-2.5-flash", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2}});
    let url = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi/chat/completions";
    let found = exchange(url, "application/json", &body.to_string());
    let price = found.price(PriceTable::builtin(), AT_US).unwrap();
    assert_eq!(price.total.to_string(), "0.0000053");
}

/// Opik, LiteLLM: what is charged by the search and not by tokens costs nothing.
#[test]
fn a_rerank_is_charged_by_the_search() {
    let body = json!({"id": "i", "results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 3}}});
    let request = br#"{"model":"rerank-v3.5","query":"q","documents":["d"]}"#;
    let found = parse(&ExchangeInput {
        provider: "cohere",
        operation: None,
        request: Some(RequestPart {
            method: "POST",
            url: "https://api.cohere.com/v2/rerank",
            body: request,
        }),
        response: Some(ResponsePart {
            status: 200,
            content_type: "application/json",
            body: body.to_string().as_bytes(),
        }),
        interrupted: false,
        header_counts: None,
    });
    // Three searches at 2 dollars a thousand.
    let price = found.price(PriceTable::builtin(), AT_US).unwrap();
    assert_eq!(price.total.to_string(), "0.006");
}
