//! What an exchange amounts to: route without a URL, failures, placeholders, circumstances of the price.

use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use aal_pricing::PriceTable;
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

fn answered(url: &str, request: Value, body: Value) -> Exchange {
    exchange(url, &request, 200, "application/json", &body.to_string())
}

fn amounts(exchange: &Exchange) -> Value {
    serde_json::to_value(exchange.usage.as_ref().unwrap()).unwrap()
}

#[test]
fn without_a_telling_url_the_bodies_decide() {
    let read = |provider, operation, body: Value| {
        let body = body.to_string();
        let response = ResponsePart {
            status: 200,
            content_type: "application/json",
            body: body.as_bytes(),
        };
        parse(&ExchangeInput {
            provider,
            operation,
            request: None,
            response: Some(response),
            interrupted: false,
            header_counts: None,
        })
    };
    let chat = read(
        "openai",
        None,
        json!({"object": "chat.completion", "choices": [{"message": {"content": "x"}}]}),
    );
    assert_eq!(
        (chat.operation.as_str(), chat.output_text.as_str()),
        ("chat", "x")
    );
    let message = read(
        "anthropic",
        Some("messages"),
        json!({"content": [{"type": "text", "text": "y"}]}),
    );
    assert_eq!(
        (message.operation.as_str(), message.output_text.as_str()),
        ("messages", "y")
    );
    let other = read("in-house", Some("score"), json!({"content": "z"}));
    assert_eq!(
        (
            other.operation.as_str(),
            other.output_text.as_str(),
            other.understood
        ),
        ("score", "", false)
    );
    assert_eq!(other.usage_state, UsageState::NotApplicable);
}

#[test]
fn failures_are_no_usage_and_no_price_but_keep_what_was_asked() {
    let request = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "q"}]});
    let url = "https://api.openai.com/v1/chat/completions";
    for status in [400, 401, 429, 500, 503] {
        let body = r#"{"error": {"message": "no", "type": "x"}}"#;
        let failed = exchange(url, &request, status, "application/json", body);
        assert_eq!(failed.usage_state, UsageState::NotApplicable);
        assert_eq!(
            failed.price(PriceTable::builtin(), AT_US).unwrap_err().reason,
            "not_applicable"
        );
        assert_eq!(
            (failed.model.as_deref(), failed.input_text.as_str()),
            (Some("gpt-4o"), "q")
        );
        assert!(failed.output_text.is_empty() && !failed.interrupted);
    }
    let torn = exchange(url, &request, 200, "application/json", r#"{"choices": [{"mess"#);
    assert!(torn.interrupted && !torn.understood);
    assert_eq!(torn.usage_state, UsageState::Incomplete);
    let page = exchange(url, &request, 502, "text/html", "<html>bad gateway</html>");
    assert_eq!(page.usage_state, UsageState::NotApplicable);
}

#[test]
fn placeholders_in_place_of_text_change_nothing_else() {
    let body = json!({"object": "chat.completion", "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"content": "write to [[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]",
        "tool_calls": [{"id": "t", "function": {"name": "send", "arguments": "{\"to\":\"[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]\"}"}}]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    let request = json!({"messages": [{"role": "user", "content": "I am [[PERSON:k1:7Q2M4XW8RJTC9HBE]]"}]});
    let found = answered("https://api.openai.com/v1/chat/completions", request, body);
    assert_eq!(found.input_text, "I am [[PERSON:k1:7Q2M4XW8RJTC9HBE]]");
    assert_eq!(
        found.output_text,
        "write to [[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]"
    );
    assert_eq!(
        found.tool_calls[0].arguments,
        r#"{"to":"[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]"}"#
    );
}

#[test]
fn an_answer_that_never_came_is_no_usage_unless_it_broke_off() {
    let request = RequestPart {
        method: "POST",
        url: "https://api.openai.com/v1/responses",
        body: b"{\"stream\":true}",
    };
    let mut given = ExchangeInput {
        provider: "openai",
        operation: None,
        request: Some(request),
        response: None,
        interrupted: false,
        header_counts: None,
    };
    assert_eq!(parse(&given).usage_state, UsageState::NotApplicable);
    given.interrupted = true;
    let broken = parse(&given);
    assert_eq!(broken.usage_state, UsageState::Incomplete);
    assert!(broken.interrupted && broken.streamed && broken.status.is_none());
}

#[test]
fn what_changes_the_price_is_taken_from_the_answer() {
    let url = "https://api.anthropic.com/v1/messages";
    let message = |tier: &str| {
        let usage = json!({"input_tokens": 1_000_000, "output_tokens": 0, "service_tier": tier});
        answered(
            url,
            json!({}),
            json!({"type": "message", "model": "claude-haiku-4-5", "content": [], "usage": usage}),
        )
    };
    let price = |exchange: &Exchange| {
        exchange
            .price(PriceTable::builtin(), AT_US)
            .map(|price| price.total.to_string())
    };
    assert_eq!(price(&message("standard")).unwrap(), "1");
    assert_eq!(price(&message("batch")).unwrap(), "0.5");
    assert_eq!(
        price(&message("priority")).unwrap_err().reason,
        "no_price_under:service_tier=priority"
    );

    let search = json!({"type": "web_search_call", "action": {"type": "search", "query": "q"}});
    let page = json!({"type": "web_search_call", "action": {"type": "open_page"}});
    let body = json!({"object": "response", "status": "completed", "model": "gpt-4.1", "service_tier": "default",
        "output": [search, page, search], "usage": {"input_tokens": 0, "output_tokens": 0}});
    let searched = answered("https://api.openai.com/v1/responses", json!({}), body);
    assert_eq!(amounts(&searched), json!({"web_searches": 2}));
    assert_eq!(price(&searched).unwrap(), "0.02");
}
