//! Bad, hostile and oversized requests, in both encodings.

use aal_otlp::{Context, DecodeError, Limits, decode_json, decode_protobuf, map};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const RECORDED: &[u8] = include_bytes!("golden/openllmetry-protobuf.pb");
const RECORDED_JSON: &[u8] = include_bytes!("golden/openllmetry-json.json");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn count_mapped(batch: &aal_otlp::Batch) -> usize {
    let context = Context {
        tenant: Uuid::from_u128(7),
        application: "a",
        limits: &aal_event::Limits::DEFAULT,
    };
    let mapped = map(batch, &context);
    for event in &mapped.events {
        assert!(aal_event::validate(event, context.limits).is_empty());
        assert_eq!(
            aal_event::decode(&aal_event::encode(event).unwrap()).unwrap(),
            *event
        );
    }
    mapped.events.len() + mapped.ignored + mapped.duplicates + mapped.rejected.len()
}

fn spans(spans: Value) -> Vec<u8> {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
        .to_string()
        .into_bytes()
}

fn rejection(span: Value) -> String {
    let batch = decode_json(&spans(json!([span])), &Limits::DEFAULT).unwrap();
    batch.groups[0].spans[0].clone().unwrap_err().reason
}

/// A protobuf field of a message or text.
fn field(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut out = vec![tag << 3 | 2];
    let mut length = inner.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(inner);
    out
}

fn in_request(spans: &[u8]) -> Bytes {
    Bytes::from(field(1, &field(2, spans)))
}

#[test]
fn too_many_spans_are_refused_before_they_are_decoded() {
    let two_bytes_each = field(2, &[]).repeat(10_001);
    let error = decode_protobuf(&in_request(&two_bytes_each), &Limits::DEFAULT).unwrap_err();
    assert_eq!(
        error,
        DecodeError::TooLarge {
            what: "spans",
            count: 10_001,
            limit: 10_000
        }
    );
    assert_eq!(error.status(), 413);
    let error = decode_json(&spans(json!(vec![json!({}); 10_001])), &Limits::DEFAULT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the request has 10001 spans, more than the limit of 10000; export in smaller batches"
    );
}

#[test]
fn resources_scopes_and_bytes_are_bounded() {
    let limits = Limits {
        groups: 3,
        body_bytes: 64,
        ..Limits::DEFAULT
    };
    let resources = Bytes::from(field(1, &[]).repeat(4));
    assert_eq!(decode_protobuf(&resources, &limits).unwrap_err().status(), 413);
    let scopes = Bytes::from(field(1, &field(2, &[]).repeat(4)));
    assert_eq!(decode_protobuf(&scopes, &limits).unwrap_err().status(), 413);
    assert_eq!(
        decode_protobuf(&Bytes::from(vec![0; 65]), &limits)
            .unwrap_err()
            .status(),
        413
    );
    assert_eq!(decode_json(&[b' '; 65], &limits).unwrap_err().status(), 413);
    assert_eq!(
        decode_json(br#"{"resourceSpans":[{},{},{},{}]}"#, &limits)
            .unwrap_err()
            .status(),
        413
    );
}

#[test]
fn a_span_beyond_its_limits_is_rejected_alone() {
    let attributes = field(9, &[]).repeat(1_025);
    let spans_of_both = [field(2, &attributes), field(2, &field(11, &[]).repeat(10_001))].concat();
    let batch = decode_protobuf(&in_request(&spans_of_both), &Limits::DEFAULT).unwrap();
    let reasons: Vec<String> = batch.groups[0]
        .spans
        .iter()
        .map(|span| span.clone().unwrap_err().reason)
        .collect();
    assert_eq!(
        reasons[0],
        "the span has 1025 attributes; at most 1024 are allowed"
    );
    assert_eq!(reasons[1], "the span has 10001 events; at most 10000 are allowed");
    assert_eq!(count_mapped(&batch), 2);
}

#[test]
fn values_are_nested_sixteen_deep_at_most() {
    let nested = |depth: usize| {
        (0..depth).fold(
            json!({"intValue": 1}),
            |inner, _| json!({"arrayValue": {"values": [inner]}}),
        )
    };
    let span = |depth| json!({"traceId": TRACE, "spanId": "b7ad6b7169203331", "attributes": [{"key": "k", "value": nested(depth)}]});
    let batch = decode_json(&spans(json!([span(16)])), &Limits::DEFAULT).unwrap();
    assert!(batch.groups[0].spans[0].is_ok());
    assert!(rejection(span(17)).contains("nested too deep"));
    // The same in protobuf: AnyValue { array_value { values } }.
    let deep = |depth| (0..depth).fold(vec![0x18, 1], |inner, _| field(5, &field(1, &inner)));
    let span = |depth: usize| {
        let attribute = [field(1, b"k"), field(2, &deep(depth))].concat();
        field(
            2,
            &[field(1, &[1; 16]), field(2, &[1; 8]), field(9, &attribute)].concat(),
        )
    };
    let all = [span(16), span(17), span(200)].concat();
    let batch = decode_protobuf(&in_request(&all), &Limits::DEFAULT).unwrap();
    let read: Vec<bool> = batch.groups[0].spans.iter().map(Result::is_ok).collect();
    assert_eq!(read, [true, false, false]);
}

#[test]
fn what_is_wrong_is_named() {
    let with = |name: &str, value: Value| {
        let mut span = json!({"traceId": TRACE, "spanId": "b7ad6b7169203331"});
        span[name] = value;
        rejection(span)
    };
    assert!(with("traceId", json!("00000000000000000000000000000000")).starts_with("traceId must be 32 hex"));
    assert!(with("spanId", json!("b7ad")).starts_with("spanId must be 16 hex"));
    assert!(with("startTimeUnixNano", json!("soon")).starts_with("startTimeUnixNano must be"));
    assert!(
        with("attributes", json!([{"key": "k", "value": {"intValue": "1.5"}}]))
            .starts_with("intValue must be")
    );
    assert!(with("attributes", json!([{"key": "k", "value": "bare"}])).contains("stringValue"));
    assert!(with("attributes", json!({})).starts_with("attributes must be an array"));
    for body in [
        "",
        "[]",
        "{",
        r#"{"resourceSpans": 1}"#,
        r#"{"resourceSpans": [], "resourceSpans": []}"#,
    ] {
        assert_eq!(
            decode_json(body.as_bytes(), &Limits::DEFAULT)
                .unwrap_err()
                .status(),
            400,
            "{body}"
        );
    }
    assert_eq!(
        decode_protobuf(&Bytes::from_static(b"{}"), &Limits::DEFAULT)
            .unwrap_err()
            .status(),
        400
    );
    assert_eq!(
        decode_protobuf(&Bytes::new(), &Limits::DEFAULT).unwrap().spans(),
        0
    );
}

#[test]
fn a_body_beyond_the_event_limit_rejects_the_span_with_its_id() {
    let limits = aal_event::Limits {
        body_bytes: 1_000,
        ..aal_event::Limits::DEFAULT
    };
    let context = Context {
        tenant: Uuid::from_u128(7),
        application: "a",
        limits: &limits,
    };
    let long = json!({"traceId": TRACE, "spanId": "b7ad6b7169203331", "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.prompt", "value": {"stringValue": "x".repeat(1_000)}}]});
    let mapped = map(
        &decode_json(&spans(json!([long])), &Limits::DEFAULT).unwrap(),
        &context,
    );
    assert_eq!(mapped.rejected[0].span_id.as_deref(), Some("b7ad6b7169203331"));
    assert!(mapped.rejected[0].reason.contains("/request/body has"));
}

proptest! {
    /// Whatever comes: no panic, every span accounted for, every event acceptable.
    #[test]
    fn damaged_protobuf_is_read_or_refused(place in 0..RECORDED.len(), byte in any::<u8>(), end in 0..RECORDED.len()) {
        let mut damaged = RECORDED.to_vec();
        damaged[place] = byte;
        damaged.truncate(RECORDED.len().min(end + RECORDED.len() / 2));
        if let Ok(batch) = decode_protobuf(&Bytes::from(damaged), &Limits::DEFAULT) {
            prop_assert_eq!(count_mapped(&batch), batch.spans());
        }
    }

    #[test]
    fn damaged_json_is_read_or_refused(place in 0..RECORDED_JSON.len(), byte in any::<u8>()) {
        let mut damaged = RECORDED_JSON.to_vec();
        damaged[place] = byte;
        if let Ok(batch) = decode_json(&damaged, &Limits::DEFAULT) {
            prop_assert_eq!(count_mapped(&batch), batch.spans());
        }
    }

    #[test]
    fn any_names_and_values_make_acceptable_events(
        pairs in proptest::collection::vec(("(gen_ai|llm|traceloop|openinference|input|embedding)(\\.[a-z0-9_]{1,8}){1,4}", "\\PC{0,20}|[\\[{\"a:}\\]\n]{0,9}|[0-9]{1,22}"), 0..12),
        operation in "[a-zA-Z_\\n ]{1,200}",
    ) {
        let mut attributes: Vec<Value> = pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
        attributes.push(json!({"key": "gen_ai.operation.name", "value": {"stringValue": operation}}));
        let span = json!({"traceId": TRACE, "spanId": "b7ad6b7169203331", "name": operation, "attributes": attributes});
        let batch = decode_json(&spans(json!([span])), &Limits::DEFAULT).unwrap();
        let context = Context { tenant: Uuid::from_u128(7), application: "a", limits: &aal_event::Limits::DEFAULT };
        let mapped = map(&batch, &context);
        prop_assert_eq!(mapped.rejected, vec![]);
        prop_assert_eq!(mapped.events.len(), 1);
    }
}
