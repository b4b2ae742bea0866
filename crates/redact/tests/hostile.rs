//! Input made to be slow: every unit that a matcher begins at, repeated. A matcher that looks at the rest of the
//! text from each of them would not finish this test in its lifetime.

mod common;

use common::{DETECTOR, token};

const UNITS: [&str; 42] = [
    "a@",
    "@",
    "%40",
    "1 ",
    "12 ",
    "1-",
    "0.",
    "password=",
    "password=a,b;c&d|",
    "token: x",
    "sk-",
    "ya29.",
    "AKIA",
    "eyJ",
    "eyJ.",
    "://",
    "a://u:p@h",
    "x [[",
    "[[CREDIT_CARD:k1:0000000000000000]]",
    concat!("-----BEGIN ", "PRIVATE KEY-----"),
    "PuTTY-User-Key-File-",
    "é",
    "1１",
    "ssn 1234 ",
    "born 1 ",
    "Mr A ",
    "DE12",
    "1.1.1.1 version ",
    "::",
    "a:b:",
    "call 1234567 ",
    "account ",
    "\"",
    "\\",
    "data:;base64,",
    "xoxb-1",
    "Bearer ",
    "AC",
    "1 A St ",
    "cvv ",
    "John ",
    "data: {\"delta\":\"4\"}\n\n",
];

#[test]
fn hostile_repetitions_are_redacted_like_any_text() {
    const LENGTH: usize = 256 * 1024;
    for unit in UNITS {
        let text = unit.repeat(LENGTH / unit.len());
        let redacted = DETECTOR.redact_body(text.as_bytes(), "", &token);
        let redacted = redacted.unwrap_or_else(|error| panic!("{unit:?}: {error}"));
        assert_eq!(
            redacted.template.lines().count(),
            text.lines().count(),
            "{unit:?}"
        );
    }
}

/// A long key above many leaves must not be copied for each of them.
#[test]
fn deep_and_wide_documents_are_walked_in_place() {
    let wide = format!("{{\"{}\":[{}1]}}", "k".repeat(100_000), "1,".repeat(100_000));
    let redacted = DETECTOR.redact_json(wide.as_bytes(), &token).unwrap();
    assert_eq!(redacted.template, wide);
    let deep = format!("{}\"jane@example.org\"{}", "[".repeat(120), "]".repeat(120));
    let redacted = DETECTOR.redact_json(deep.as_bytes(), &token).unwrap();
    assert_eq!(redacted.removed[0].pointer, "/0".repeat(120));
}
