//! What the programs of `docs/examples` wrote to a real Apache Kafka with the real clients, byte for byte.

use aal_event::{Event, Frame, Limits, WriterSchema, decode, frame, validate};

fn check(event: &Event) {
    assert!(validate(event, &Limits::DEFAULT).is_empty());
    assert_eq!(
        (event.application.as_str(), event.provider.as_deref()),
        ("loans", Some("openai"))
    );
    assert_eq!(
        (event.decision_type.as_deref(), event.session_id.as_deref()),
        (Some("credit"), Some("session-1"))
    );
    assert_eq!(event.subject.as_ref().unwrap().id, "customer-9");
    // Within the year these were recorded in: the unit is right.
    assert!((1_767_225_600_000_000..1_798_761_600_000_000).contains(&event.occurred_at_us.unwrap()));
    let response = event.response.as_ref().unwrap();
    assert_eq!(
        (response.status, response.content_type.as_deref()),
        (Some(200), Some("application/json"))
    );
    let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answer["usage"]["prompt_tokens"], 14);
    let request: serde_json::Value = serde_json::from_slice(&event.request.as_ref().unwrap().body).unwrap();
    assert_eq!(request["messages"][0]["content"], "Is a limit of 5000 right?");
    // Left out by the producer: the schema's defaults.
    assert!(
        !event.interrupted && event.tags.is_empty() && event.edge_at_us.is_none() && event.outcome.is_none()
    );
}

#[test]
fn python_java_and_go_in_single_object_encoding() {
    for value in [
        &include_bytes!("golden/producers/python.bin")[..],
        include_bytes!("golden/producers/java.bin"),
        include_bytes!("golden/producers/go.bin"),
    ] {
        check(&decode(value).unwrap());
    }
}

#[test]
fn python_in_confluent_framing() {
    let value = include_bytes!("golden/producers/python-confluent.bin");
    let Frame::Confluent { schema_id, datum } = frame(value).unwrap() else {
        panic!("another framing")
    };
    assert_eq!(schema_id, 65_543);
    check(&WriterSchema::present().decode(datum).unwrap());
}
