//! Exchanges that an OpenTelemetry span tells of, in the form `aal-otlp` makes of them (docs/opentelemetry.md).
//!
//! Nobody saw the bytes: everything, usage too, is what the instrumentation reported, and `api_flavor` says so.

use aal_pricing::{Unit, Usage};
use serde_json::Value;

use crate::answer::Answer;
use crate::content::{arguments, list, push_text, string};
use crate::model::{Exchange, ExchangeInput, UsageState};
use crate::parse::parse;

/// The URL by which such an event is known; `aal-otlp` writes it.
const URL: &str = "otel:span";
/// What [`Exchange::api_flavor`] is: usage as the instrumentation reported it.
const FLAVOR: &str = "otel";

/// Operations that are charged by usage. Agents, tools and workflows report sums of what their children report:
/// counted as well, each call would be counted twice.
const CHARGED: [&str; 11] = [
    "chat",
    "completion",
    "completions",
    "embedding",
    "embeddings",
    "generate_content",
    "messages",
    "rerank",
    "responses",
    "text_completion",
    "transcription",
];
/// Charged operations without output tokens.
const WITHOUT_OUTPUT: [&str; 3] = ["embedding", "embeddings", "rerank"];

/// The exchange of an event that was a span; none for any other.
pub(crate) fn exchange(input: &ExchangeInput<'_>) -> Option<Exchange> {
    let sent = input.request.filter(|request| request.url == URL)?;
    let ordinary = parse(&ExchangeInput {
        request: None,
        response: None,
        ..*input
    });
    let request: Option<Value> = serde_json::from_slice(sent.body).ok();
    let response: Option<Value> = input
        .response
        .and_then(|part| serde_json::from_slice(part.body).ok());
    let understood = request.is_some() && (response.is_some() || input.response.is_none());
    let (request, response) = (request.unwrap_or_default(), response.unwrap_or_default());
    let operation = input.operation.unwrap_or("generic");
    let answer = read(&response);
    let usage = usage(&response).filter(|_| CHARGED.contains(&operation));
    let model_requested = string(&request, "model");
    Some(Exchange {
        usage_state: usage_state(operation, usage.as_ref(), &response, input),
        usage,
        operation: operation.to_owned(),
        model: answer.model.or_else(|| model_requested.clone()),
        model_requested,
        streamed: request.get("stream").and_then(Value::as_bool).unwrap_or(false),
        status: input
            .response
            .map(|part| part.status)
            .filter(|status| *status != 0),
        interrupted: input.interrupted,
        finish_reasons: answer.finish_reasons,
        api_flavor: FLAVOR.to_owned(),
        service_tier: answer.service_tier,
        circumstances: answer.circumstances,
        input_text: input_text(&request),
        output_text: answer.output.join("\n"),
        reasoning_text: answer.reasoning.join("\n"),
        tool_calls: answer.tool_calls,
        system_fingerprint: answer.fingerprint,
        response_id: answer.id,
        understood,
        ..ordinary
    })
}

/// Usage in the units of the price table. A unit that is no whole number, or unknown, makes all of it unusable.
fn usage(response: &Value) -> Option<Usage> {
    let usage: Usage = serde_json::from_value(response.get("usage")?.clone()).ok()?;
    Some(usage)
}

fn usage_state(
    operation: &str,
    usage: Option<&Usage>,
    response: &Value,
    input: &ExchangeInput<'_>,
) -> UsageState {
    let failed = response.get("failed").and_then(Value::as_bool) == Some(true) || input.response.is_none();
    let stated = |unit: Unit| response.pointer(&format!("/usage/{}", unit.key())).is_some();
    let whole =
        stated(Unit::InputTokens) && (stated(Unit::OutputTokens) || WITHOUT_OUTPUT.contains(&operation));
    match usage {
        Some(_) if whole && !input.interrupted => UsageState::Reported,
        Some(_) => UsageState::Incomplete,
        None if !CHARGED.contains(&operation) || failed => UsageState::NotApplicable,
        None => UsageState::Missing,
    }
}

fn read(response: &Value) -> Answer {
    let mut answer = Answer::default();
    answer.read_head(response);
    answer.price_tier();
    let stated = list(response, "finish_reasons");
    answer.finish_reasons = stated
        .iter()
        .filter_map(|reason| reason.as_str().map(str::to_owned))
        .collect();
    for message in list(response, "messages") {
        if stated.is_empty() {
            answer.finish(message, "finish_reason");
        }
        for part in list(message, "parts") {
            match part.get("type").and_then(Value::as_str) {
                Some("tool_call") => {
                    answer.tool(string(part, "id"), string(part, "name"), part.get("arguments"));
                }
                Some("reasoning" | "thinking") => answer.reason(Some(part)),
                _ => answer.text(Some(part)),
            }
        }
    }
    if answer.output.is_empty() && answer.tool_calls.is_empty() {
        answer.text(response.get("output").filter(|output| output.is_string()));
    }
    answer
}

/// All text sent: instructions, messages, what tools answered; the input as it is when there are no messages.
fn input_text(request: &Value) -> String {
    let mut texts = Vec::new();
    push_text(request.get("system").unwrap_or(&Value::Null), &mut texts);
    for part in list(request, "messages")
        .iter()
        .flat_map(|message| list(message, "parts"))
    {
        match part.get("response") {
            Some(response) => texts.push(arguments(response)),
            None => push_text(part, &mut texts),
        }
    }
    if texts.is_empty() {
        match request.get("input") {
            Some(Value::Array(items)) => {
                texts.extend(items.iter().filter_map(|item| item.as_str().map(str::to_owned)));
            }
            Some(input) => texts.push(arguments(input)),
            None => {}
        }
    }
    texts.retain(|text| !text.is_empty());
    texts.join("\n")
}
