//! Values that hide: in encodings, in look-alikes of placeholders, in JSON inside JSON, between frames.

mod common;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use common::{DETECTOR, found, token};
use serde_json::json;

fn removed_from(body: &str, content_type: &str) -> Vec<String> {
    let redacted = DETECTOR
        .redact_body(body.as_bytes(), content_type, &token)
        .unwrap();
    let removed = redacted.removed.iter();
    removed
        .map(|removed| format!("{} {}", removed.entity, removed.original))
        .collect()
}

#[test]
fn base64_text_is_looked_into() {
    let text = "Hello, please write to jane.doe@example.org about the meeting on Monday?>";
    for run in [
        STANDARD.encode(text),
        STANDARD_NO_PAD.encode(text),
        URL_SAFE_NO_PAD.encode(text),
    ] {
        assert_eq!(
            found(&format!("payload: {run} end")),
            [format!("EMAIL_ADDRESS {run}")]
        );
        assert_eq!(
            found(&format!("data:text/plain;base64,{run}")),
            [format!("EMAIL_ADDRESS {run}")]
        );
    }
    let harmless = STANDARD.encode("Nothing to see here, just a sentence about the weather in spring.");
    assert!(found(&harmless).is_empty());
    let twice = STANDARD.encode(STANDARD.encode(text));
    assert_eq!(found(&twice), [format!("EMAIL_ADDRESS {twice}")]);
}

#[test]
fn look_alikes_of_placeholders_hide_nothing() {
    let found_in = |text: &str| found(text).join("; ");
    assert!(found_in("[[CREDIT_CARD:k1:4111111111111111]]").contains("4111111111111111"));
    assert!(found_in("[[EMAIL_ADDRESS:4111111111111111:7Q2M4XW8RJTC9HBD]]").contains("4111111111111111"));
    assert!(found_in("[[X:k1:7Q2M4XW8RJTC9HBD]] jane@example.org").contains("jane@example.org"));
    // A look-alike beside a value does not stand for it.
    let redacted = DETECTOR
        .redact_text(
            "[[EMAIL_ADDRESS:k1:7Q2M4XW8RJTC9HBD]] and jane@example.org",
            "",
            &token,
        )
        .unwrap();
    assert_eq!(redacted.removed.len(), 1);
    assert_eq!(redacted.removed[0].original, "jane@example.org");
    assert!(redacted.removed[0].start > 40);
}

#[test]
fn json_inside_strings_and_tool_arguments_is_walked() {
    let arguments = json!({"customer": {"ssn": "536904399", "note": json!({"iban": "DE40940750017243077501"}).to_string()}});
    let body = json!({"messages": [{"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function",
        "function": {"name": "open_account", "arguments": arguments.to_string()}}]}]});
    let removed = removed_from(&body.to_string(), "application/json");
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert!(removed.contains(&"US_SSN 536904399".to_owned()), "{removed:?}");
    assert!(
        removed.contains(&"IBAN_CODE DE40940750017243077501".to_owned()),
        "{removed:?}"
    );
}

#[test]
fn a_value_over_many_frames_is_one_value() {
    for pieces in [
        vec!["jane.d", "oe@exa", "mple.o", "rg"],
        "jane.doe@example.org".split_inclusive(|_| true).collect(),
    ] {
        let mut stream = String::new();
        for piece in std::iter::once("write to ").chain(pieces).chain([" soon"]) {
            let frame = json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": piece}}]});
            stream.push_str(&format!("data: {frame}\n\n"));
        }
        stream.push_str("data: [DONE]\n\n");
        assert_eq!(
            removed_from(&stream, "text/event-stream"),
            ["EMAIL_ADDRESS jane.doe@example.org"]
        );
    }
}

/// Frames of two channels alternate; each channel's text is its own.
#[test]
fn channels_do_not_mix() {
    let mut stream = String::new();
    for (left, right) in [
        ("jane.d", "4111 11"),
        ("oe@exam", "11 1111 "),
        ("ple.org ", "1111 "),
    ] {
        for (index, piece) in [(0, left), (1, right)] {
            let frame = json!({"choices": [{"index": index, "delta": {"content": piece}}]});
            stream.push_str(&format!("data: {frame}\n\n"));
        }
    }
    let removed = removed_from(&stream, "text/event-stream");
    assert_eq!(
        removed,
        [
            "EMAIL_ADDRESS jane.doe@example.org",
            "CREDIT_CARD 4111 1111 1111 1111"
        ]
    );
}
