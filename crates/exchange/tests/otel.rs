//! Exchanges of OpenTelemetry spans: what is charged, and what is not known.

use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use serde_json::{Value, json};

fn exchange(operation: &str, response: Option<Value>) -> Exchange {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]});
    let (request, response) = (request.to_string(), response.map(|response| response.to_string()));
    parse(&ExchangeInput {
        provider: "openai",
        operation: Some(operation),
        request: Some(RequestPart {
            method: "POST",
            url: "otel:span",
            body: request.as_bytes(),
        }),
        response: response.as_ref().map(|body| ResponsePart {
            status: 0,
            content_type: "application/vnd.aal.otel+json",
            body: body.as_bytes(),
        }),
        interrupted: false,
        header_counts: None,
    })
}

fn state(operation: &str, response: Value) -> UsageState {
    exchange(operation, Some(response)).usage_state
}

#[test]
fn usage_is_whole_in_part_missing_or_not_due() {
    let whole = json!({"usage": {"input_tokens": 1, "output_tokens": 0}});
    let input_only = json!({"usage": {"input_tokens": 1}});
    assert_eq!(state("chat", whole.clone()), UsageState::Reported);
    assert_eq!(state("chat", input_only.clone()), UsageState::Incomplete);
    assert_eq!(state("embeddings", input_only), UsageState::Reported);
    assert_eq!(
        state("chat", json!({"usage": {"output_tokens": 1}})),
        UsageState::Incomplete
    );
    assert_eq!(state("chat", json!({})), UsageState::Missing);
    assert_eq!(
        state("chat", json!({"usage": {"input_tokens": "many"}})),
        UsageState::Missing
    );
    assert_eq!(
        state("chat", json!({"failed": true, "chunks": 1})),
        UsageState::NotApplicable
    );
    assert_eq!(exchange("chat", None).usage_state, UsageState::NotApplicable);
}

/// The model calls below an agent report the same tokens; both together would be charged twice.
#[test]
fn what_agents_and_tools_report_is_not_charged() {
    for operation in [
        "invoke_agent",
        "create_agent",
        "execute_tool",
        "guardrail",
        "retrieval",
        "generic",
    ] {
        let exchange = exchange(
            operation,
            Some(json!({"usage": {"input_tokens": 9, "output_tokens": 9}})),
        );
        assert_eq!(
            (exchange.usage, exchange.usage_state),
            (None, UsageState::NotApplicable),
            "{operation}"
        );
        assert!(exchange.understood);
    }
}

#[test]
fn bodies_that_are_no_json_are_not_understood_and_nothing_is_made_up() {
    let broken = parse(&ExchangeInput {
        provider: "openai",
        operation: Some("chat"),
        request: Some(RequestPart {
            method: "POST",
            url: "otel:span",
            body: b"{",
        }),
        response: None,
        interrupted: false,
        header_counts: None,
    });
    assert!(!broken.understood && broken.model.is_none() && broken.input_text.is_empty());
}
