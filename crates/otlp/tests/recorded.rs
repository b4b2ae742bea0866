//! What the real exporters of `tests/otel-clients` sent (stack traces taken out), and what must come of it: every call,
//! with its texts, its usage, its price.

use aal_event::Event;
use aal_exchange::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState, parse};
use aal_otlp::{Batch, Context, Limits, Mapped, decode_json, decode_protobuf, map};
use aal_pricing::PriceTable;
use uuid::Uuid;

const QUESTION: &str = "Is a limit of 5000 right for customer 9?";
const ANSWER: &str = "You said: Is a limit of 5000 right for customer 9? That is all I have to say about it.";
/// 2026-11-24, microseconds since the epoch.
const AT_US: i64 = 1_795_435_200_000_000;

fn mapped(batch: &Batch) -> Mapped {
    let context = Context {
        tenant: Uuid::from_u128(7),
        application: "loans",
        limits: &aal_event::Limits::DEFAULT,
    };
    map(batch, &context)
}

fn exchange(event: &Event) -> Exchange {
    let request = event.request.as_ref().unwrap();
    parse(&ExchangeInput {
        provider: event.provider.as_deref().unwrap(),
        operation: event.operation.as_deref(),
        request: Some(RequestPart {
            method: "POST",
            url: request.url.as_deref().unwrap(),
            body: &request.body,
        }),
        response: event.response.as_ref().map(|response| ResponsePart {
            status: 0,
            content_type: response.content_type.as_deref().unwrap(),
            body: &response.body,
        }),
        interrupted: false,
        header_counts: None,
    })
}

macro_rules! recorded {
    ($name:literal) => {
        [
            decode_protobuf(
                &bytes::Bytes::from_static(include_bytes!(concat!("golden/", $name, "-protobuf.pb"))),
                &Limits::DEFAULT,
            ),
            decode_json(
                include_bytes!(concat!("golden/", $name, "-json.json")),
                &Limits::DEFAULT,
            ),
        ]
        .map(|batch| mapped(&batch.unwrap()))
    };
}

/// Every span became an event, and the two encodings differ in nothing but ids, times and the port of the provider.
fn whole(recordings: &[Mapped; 2], spans: usize) -> &[Event] {
    for mapped in recordings {
        assert_eq!(
            (mapped.events.len(), mapped.ignored, mapped.duplicates),
            (spans, 0, 0)
        );
        assert_eq!(mapped.rejected, []);
    }
    for (one, other) in recordings[0].events.iter().zip(&recordings[1].events) {
        assert_eq!(one.tags, other.tags);
        let (one, other) = (exchange(one), exchange(other));
        assert_eq!(
            one,
            Exchange {
                response_id: one.response_id.clone(),
                ..other
            }
        );
    }
    &recordings[0].events
}

fn check_answered(event: &Event, usage: (u64, u64), streamed: bool) -> Exchange {
    let exchange = exchange(event);
    assert!(exchange.understood && event.error.is_none());
    assert_eq!(exchange.usage_state, UsageState::Reported);
    assert_eq!(
        (exchange.input_tokens(), exchange.output_tokens()),
        (Some(usage.0), Some(usage.1))
    );
    assert_eq!(
        (exchange.streamed, exchange.api_flavor.as_str()),
        (streamed, "otel")
    );
    assert_eq!(exchange.input_text, QUESTION);
    assert_eq!(exchange.output_text, ANSWER);
    assert!(event.timing.as_ref().unwrap().duration_us.is_some());
    exchange
}

fn check_limited(event: &Event) {
    let error = event.error.as_ref().unwrap();
    assert!(error.r#type.ends_with("RateLimitError"), "{error:?}");
    let exchange = exchange(event);
    assert_eq!(
        (exchange.usage_state, exchange.model.as_deref()),
        (UsageState::NotApplicable, Some("gpt-4o"))
    );
    assert!(event.response.is_none());
}

fn check_tool(event: &Event) {
    let exchange = exchange(event);
    assert_eq!(exchange.tool_calls.len(), 1);
    assert_eq!(
        (
            exchange.tool_calls[0].name.as_str(),
            exchange.tool_calls[0].arguments.as_str()
        ),
        ("credit_limit", "{}")
    );
    let request: serde_json::Value = serde_json::from_slice(&event.request.as_ref().unwrap().body).unwrap();
    assert!(
        request["tools"][0]
            .to_string()
            .contains("The limit of a customer")
    );
}

#[test]
fn openllmetry_in_both_encodings() {
    let recordings = recorded!("openllmetry");
    let events = whole(&recordings, 7);
    let first = check_answered(&events[0], (10, 20), false);
    assert_eq!(
        (first.provider.as_str(), first.operation.as_str()),
        ("openai", "chat")
    );
    assert_eq!(
        (first.model.as_deref(), first.finish_reasons.as_slice()),
        (Some("gpt-4o"), &["stop".to_owned()][..])
    );
    let price = first.price(PriceTable::builtin(), AT_US).unwrap();
    // 10 * 2.5 + 20 * 10 dollars a million.
    assert_eq!(price.total.to_string(), "0.000225");
    check_answered(&events[1], (10, 20), true);
    assert!(events[1].timing.as_ref().unwrap().first_token_us.is_some());
    check_tool(&events[2]);
    let embeddings = exchange(&events[3]);
    assert_eq!(
        (embeddings.usage_state, embeddings.input_tokens()),
        (UsageState::Reported, Some(10))
    );
    assert_eq!(embeddings.input_text, QUESTION);
    check_limited(&events[4]);
    assert_eq!(check_answered(&events[5], (10, 20), false).provider, "anthropic");
    check_answered(&events[6], (10, 21), true);
}

#[test]
fn openinference_in_both_encodings() {
    let recordings = recorded!("openinference");
    let events = whole(&recordings, 5);
    check_answered(&events[0], (10, 20), false);
    check_answered(&events[1], (10, 20), true);
    assert!(events[1].timing.as_ref().unwrap().first_token_us.is_some());
    check_tool(&events[2]);
    let embeddings = exchange(&events[3]);
    assert_eq!(
        (embeddings.operation.as_str(), embeddings.input_tokens()),
        ("embeddings", Some(10))
    );
    assert_eq!(
        (embeddings.input_text.as_str(), embeddings.usage_state),
        (QUESTION, UsageState::Reported)
    );
    assert_eq!(embeddings.model.as_deref(), Some("text-embedding-3-small"));
    check_limited(&events[4]);
}

/// This instrumentation reports content as log records, which traces do not carry.
#[test]
fn the_official_one_tells_everything_but_content() {
    let recordings = recorded!("official");
    let events = whole(&recordings, 5);
    let first = exchange(&events[0]);
    assert_eq!(
        (first.input_tokens(), first.output_tokens()),
        (Some(10), Some(20))
    );
    assert_eq!(
        first
            .price(PriceTable::builtin(), AT_US)
            .unwrap()
            .total
            .to_string(),
        "0.000225"
    );
    assert_eq!((first.input_text.as_str(), first.output_text.as_str()), ("", ""));
    assert_eq!(exchange(&events[2]).finish_reasons, ["tool_calls"]);
    assert_eq!(exchange(&events[3]).usage_state, UsageState::Reported);
    check_limited(&events[4]);
}

#[test]
fn what_is_sent_again_is_the_same_to_the_byte() {
    let bytes = bytes::Bytes::from_static(include_bytes!("golden/openllmetry-protobuf.pb"));
    let twice = bytes::Bytes::from([bytes.as_ref(), bytes.as_ref()].concat());
    let once = mapped(&decode_protobuf(&bytes, &Limits::DEFAULT).unwrap());
    let both = mapped(&decode_protobuf(&twice, &Limits::DEFAULT).unwrap());
    assert_eq!((both.events.len(), both.duplicates), (7, 7));
    for (one, other) in once.events.iter().zip(&both.events) {
        assert_eq!(aal_event::encode(one).unwrap(), aal_event::encode(other).unwrap());
    }
    let other = Context {
        tenant: Uuid::from_u128(8),
        application: "loans",
        limits: &aal_event::Limits::DEFAULT,
    };
    let elsewhere = map(&decode_protobuf(&bytes, &Limits::DEFAULT).unwrap(), &other);
    assert_ne!(elsewhere.events[0].event_id, once.events[0].event_id);
}
