//! The event's JSON and Avro forms.

use std::collections::BTreeMap;

use aal_event::{
    Event, Kind, Limits, ProviderRequest, ProviderResponse, content_bytes, decode, encode, parse_json,
    parse_strict, validate,
};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn sample() -> serde_json::Value {
    json!({
        "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "occurred_at": "2026-01-31T12:00:00.5Z",
        "application": "loans", "environment": "production", "decision_type": "credit",
        "session_id": "s-1", "user_id": "u-1", "user_email": "a@example.com", "ip_address": "192.0.2.1",
        "subject": {"id": "c-9", "email": "c@example.com"},
        "provider": "openai", "operation": "chat",
        "request": {"method": "POST", "url": "https://api.openai.com/v1/chat/completions", "body": "{\"model\":\"m\"}"},
        "response": {"status": 200, "content_type": "application/json", "body_base64": "e30="},
        "timing": {"started_at": "2026-01-31T12:00:00Z", "first_token_ms": 12.5, "duration_ms": 100},
        "interrupted": false,
        "trace": {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"},
        "source": {"sdk": "python", "version": "1", "instance": "i", "epoch": 1, "sequence": 7},
        "tags": {"b": "2", "a": "1"}, "metadata": {"k": [1, 2]}, "phi": true
    })
}

#[test]
fn a_full_event_survives_json_and_avro() {
    let event = parse_json(sample()).unwrap();
    assert!(validate(&event, &Limits::DEFAULT).is_empty());
    assert_eq!(event.occurred_at_us, Some(1_769_860_800_500_000));
    assert_eq!(event.timing.as_ref().unwrap().first_token_us, Some(12_500));
    assert_eq!(event.response.as_ref().unwrap().body, b"{}");
    assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
}

#[test]
fn every_error_is_told_at_once_with_its_pointer() {
    let errors = parse_json(json!({
        "application": 7, "provder": "openai", "request": {"url": 1, "headers": {}}, "tags": {"a/b": 1},
        "occurred_at": "yesterday", "event_id": "x"
    }))
    .unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    for pointer in [
        "/application",
        "/provder",
        "/provider",
        "/request/url",
        "/request/headers",
        "/tags/a~1b",
        "/occurred_at",
        "/event_id",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is missing in {errors:?}");
    }
}

#[test]
fn limits_are_told_with_their_number() {
    let mut event = parse_json(sample()).unwrap();
    event.application = "x".repeat(129);
    event.tags = (0..65).map(|n| (format!("k{n}"), "v".to_owned())).collect();
    event.trace.as_mut().unwrap().trace_id = "xyz".to_owned();
    let errors = validate(&event, &Limits::DEFAULT);
    assert_eq!(
        errors
            .iter()
            .map(|error| error.pointer.as_str())
            .collect::<Vec<_>>(),
        ["/application", "/trace/trace_id", "/tags"]
    );
    assert!(errors[0].message.contains("at most 128"));
}

#[test]
fn one_of_request_and_response_is_required() {
    let event = parse_json(
        json!({"event_id": Uuid::from_u128(1).to_string(), "application": "a", "provider": "openai"}),
    )
    .unwrap();
    assert_eq!(
        validate(&event, &Limits::DEFAULT)[0].message,
        "one of request and response is required"
    );
}

#[test]
fn duplicate_keys_and_bad_utf8_are_refused() {
    assert!(
        parse_strict(br#"{"a":1,"a":2}"#)
            .unwrap_err()
            .to_string()
            .contains("occurs twice")
    );
    assert!(
        parse_strict(b"{\"a\":\"\xff\"}")
            .unwrap_err()
            .to_string()
            .contains("offset 6")
    );
    assert!(parse_strict(b"{} x").is_err());
    assert!(parse_strict("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn what_the_edge_adds_is_no_content() {
    let event = parse_json(sample()).unwrap();
    let later = Event {
        edge_at_us: Some(5),
        receipt: Some("r".into()),
        ..event.clone()
    };
    assert_eq!(content_bytes(&event).unwrap(), content_bytes(&later).unwrap());
    let other = Event {
        interrupted: true,
        ..event.clone()
    };
    assert_ne!(content_bytes(&event).unwrap(), content_bytes(&other).unwrap());
}

/// The wire form is a promise to producers: this golden value changes only with the schema's version.
#[test]
fn the_avro_form_is_golden() {
    let event = Event {
        event_id: Uuid::from_u128(0x01890a5d_ac96_774b_bcce_b302099a8057),
        tenant: Uuid::from_u128(1),
        application: "a".into(),
        provider: Some("openai".into()),
        request: Some(ProviderRequest {
            method: None,
            url: None,
            body: b"{}".to_vec(),
        }),
        ..Event::default()
    };
    let golden = include_str!("golden/minimal_event.v1.hex").trim();
    assert_eq!(hex::encode(encode(&event).unwrap()), golden);
    assert_eq!(decode(&hex::decode(golden).unwrap()).unwrap(), event);
    // What the first version wrote stays readable: its library's fingerprint was not Avro's.
    let first = include_str!("golden/minimal_event.first_fingerprint.hex").trim();
    assert_eq!(decode(&hex::decode(first).unwrap()).unwrap(), event);
}

#[test]
fn foreign_and_damaged_values_are_refused() {
    let bytes = encode(&parse_json(sample()).unwrap()).unwrap();
    assert!(decode(b"").unwrap_err().to_string().contains("fewer than"));
    assert!(decode(&[1; 32]).unwrap_err().to_string().contains("marker"));
    assert!(
        decode(&[0; 32])
            .unwrap_err()
            .to_string()
            .contains("no schema registry")
    );
    let mut foreign = bytes.clone();
    foreign[5] ^= 1;
    assert!(decode(&foreign).unwrap_err().to_string().contains("fingerprint"));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(decode(&longer).unwrap_err().to_string().contains("follow"));
    assert!(decode(&bytes[..bytes.len() - 1]).is_err());
}

proptest! {
    #[test]
    fn any_event_survives_avro(
        id: u128, application in ".{0,20}", session in proptest::option::of(".{0,20}"), occurred: Option<i64>,
        body in proptest::collection::vec(any::<u8>(), 0..200), status: Option<i32>, interrupted: bool,
        tags in proptest::collection::btree_map(".{0,5}", ".{0,5}", 0..4),
    ) {
        let event = Event {
            kind: Kind::Event, event_id: Uuid::from_u128(id), application, session_id: session, occurred_at_us: occurred,
            response: Some(ProviderResponse { status, content_type: None, body }), interrupted,
            tags: tags.into_iter().collect::<BTreeMap<_, _>>(), ..Event::default()
        };
        prop_assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut value = encode(&Event::default()).unwrap()[..10].to_vec();
        value.extend(bytes);
        let _ = decode(&value);
    }
}
