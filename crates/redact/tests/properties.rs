//! What must hold for any input.

mod common;

use common::{DETECTOR, token};
use proptest::prelude::*;
use serde_json::Value;

/// Values that the detector finds, in different spellings.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("jane@example.org".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("４１１１-1111-1111-1111".to_owned()),
        Just("DE40940750017243077501".to_owned()),
        Just("SSN 536-90-4399".to_owned()),
        Just("+1 415-555-2671".to_owned()),
        Just("192.0.2.17".to_owned()),
        Just("2001:db8:6c1e::1e9c:b810".to_owned()),
        Just(format!("postgres://u:{}@db.example.org/x", "s3cr3tpw")),
        Just("password: Tr0ub4dor&3".to_owned()),
        Just("born 26 May 1952".to_owned()),
        Just("[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]]".to_owned()),
        Just(format!(
            "-----BEGIN {} KEY-----\nMIIEvQIBADANBgkqhkiG9w0",
            "PRIVATE"
        )),
        Just("é\u{200B}😀".to_owned()),
        "[a-zA-Z0-9 .,:;@/\\-+=\"'()\\[\\]{}\n]{0,12}",
        any::<String>(),
    ]
}

/// Text in which found values and arbitrary characters touch.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(value(), 0..8).prop_map(|parts| parts.concat())
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::from(4111111111111111_u64)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((text(), inner.clone()), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// The template with its real placeholders filled in again.
fn restored(redacted: &aal_redact::Redacted) -> String {
    let mut text = String::new();
    let mut at = 0;
    for removed in &redacted.removed {
        text.push_str(&redacted.template[at..removed.start]);
        text.push_str(&removed.original);
        at = removed.end;
    }
    text.push_str(&redacted.template[at..]);
    text
}

/// The usual number of cases (`PROPTEST_CASES` raises it); failures are reported, not kept in files.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_text_is_its_template_with_the_values_put_back(text in text(), key in "[a-z_.]{0,12}") {
        let redacted = DETECTOR.redact_text(&text, &key, &token).unwrap();
        prop_assert_eq!(restored(&redacted), text);
    }

    #[test]
    fn redacting_twice_changes_nothing(text in text()) {
        let once = DETECTOR.redact_text(&text, "", &token).unwrap();
        let twice = DETECTOR.redact_text(&once.template, "", &token).unwrap();
        prop_assert_eq!(&twice.template, &once.template);
        prop_assert!(twice.removed.is_empty());
    }

    #[test]
    fn spans_are_sorted_disjoint_and_on_characters(text in text()) {
        let spans = DETECTOR.scan(&text, "");
        let mut covered_until = 0;
        for span in spans {
            prop_assert!(span.start >= covered_until && span.start < span.end);
            prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
            covered_until = span.end;
        }
    }

    #[test]
    fn no_accepted_span_survives_in_the_template(text in text()) {
        let redacted = DETECTOR.redact_text(&text, "", &token).unwrap();
        let left = DETECTOR.scan(&redacted.template, "");
        prop_assert!(left.iter().all(|span| !span.band.is_redacted()), "{:?} in {}", left, redacted.template);
    }

    #[test]
    fn json_stays_json_with_the_same_shape(document in document()) {
        let text = document.to_string();
        let redacted = DETECTOR.redact_json(text.as_bytes(), &token).unwrap();
        let parsed: Value = serde_json::from_str(&redacted.template).unwrap();
        prop_assert!(same_shape(&document, &parsed), "{} became {}", text, redacted.template);
        let again = DETECTOR.redact_json(redacted.template.as_bytes(), &token).unwrap();
        prop_assert_eq!(&again.template, &redacted.template);
    }

    #[test]
    fn any_cut_of_a_stream_gives_the_same_text(text in text(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = DETECTOR.redact_text(&text, "content", &token).unwrap();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
        places.sort_unstable();
        let mut stream = String::new();
        let mut from = 0;
        for place in places.into_iter().chain([text.len()]) {
            let frame = serde_json::json!({"choices": [{"index": 0, "delta": {"content": text[from..place]}}]});
            stream.push_str(&format!("data: {frame}\n\n"));
            from = place;
        }
        let redacted = DETECTOR.redact_body(stream.as_bytes(), "text/event-stream", &token).unwrap();
        prop_assert_eq!(redacted.template.lines().count(), stream.lines().count());
        let joined: String = redacted.template.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .filter_map(|frame| frame["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect();
        // A piece by itself may look like more than the whole does, never like less. Scraps of punctuation between
        // two values may go with either.
        for removed in whole.removed.iter().filter(|removed| removed.original.len() >= 6) {
            prop_assert!(!joined.contains(&removed.original) || whole.template.contains(&removed.original),
                "{} survives in {}", removed.original, joined);
        }
        // Nothing is lost: the placeholders stand for exactly what is gone.
        let mut refilled = String::new();
        let mut rest = joined.as_str();
        for removed in &redacted.removed {
            let (before, after) = rest.split_once(removed.token.as_str()).expect("placeholder in its place");
            refilled.push_str(before);
            refilled.push_str(&removed.original);
            rest = after;
        }
        refilled.push_str(rest);
        prop_assert_eq!(refilled, text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in "[a-z/\\-]{0,20}") {
        let _ = DETECTOR.redact_body(&bytes, &kind, &token);
        let _ = DETECTOR.redact_body(String::from_utf8_lossy(&bytes).as_bytes(), &kind, &token);
    }
}

/// Same containers, same number of members; scalars may have become strings.
fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len()
                && before
                    .iter()
                    .zip(after)
                    .all(|(before, after)| same_shape(before, after))
        }
        // Keys that are redacted may become equal, so members are not counted.
        (Value::Object(_), Value::Object(_)) => true,
        (Value::Number(_), Value::Number(_) | Value::String(_)) => true,
        (before, after) => std::mem::discriminant(before) == std::mem::discriminant(after),
    }
}
