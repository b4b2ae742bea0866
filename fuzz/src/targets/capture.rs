//! What applications and providers send.

use std::sync::LazyLock;

use aal_event::{Limits, decode, encode, parse_json, parse_strict, validate};
use aal_exchange::{ExchangeInput, RequestPart, ResponsePart, parse, reassembled_response, texts};
use aal_redact::{Detector, Entity};

static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::builtin);

/// URLs of the wire formats that are told apart.
const URLS: [&str; 9] = [
    "https://api.openai.com/v1/chat/completions",
    "https://api.openai.com/v1/responses",
    "https://api.openai.com/v1/embeddings",
    "https://api.anthropic.com/v1/messages",
    "https://api.cohere.com/v2/chat",
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent",
    "http://localhost:11434/api/chat",
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse-stream",
    "https://example.com/",
];
const CONTENT_TYPES: [&str; 4] = [
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
];

pub fn event_json(bytes: &[u8]) {
    let Ok(value) = parse_strict(bytes) else { return };
    let Ok(event) = parse_json(value) else { return };
    if validate(&event, &Limits::DEFAULT).is_empty() {
        let avro = encode(&event).expect("a valid event has an Avro form");
        assert_eq!(decode(&avro).expect("our Avro is readable"), event);
    }
}

pub fn event_avro(bytes: &[u8]) {
    if let Ok(event) = decode(bytes) {
        let _ = validate(&event, &Limits::DEFAULT);
        let again = encode(&event).expect("what was decoded can be encoded");
        assert_eq!(decode(&again).expect("our Avro is readable"), event);
    }
}

/// The first byte chooses URL and content type; the rest is the response, and the request too.
pub fn exchange(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else {
        return;
    };
    let choice = usize::from(*choice);
    let input = ExchangeInput {
        provider: "",
        operation: None,
        request: Some(RequestPart {
            method: "POST",
            url: URLS[choice % URLS.len()],
            body,
        }),
        response: Some(ResponsePart {
            status: if choice < 200 { 200 } else { 500 },
            content_type: CONTENT_TYPES[choice / URLS.len() % CONTENT_TYPES.len()],
            body,
        }),
        interrupted: choice % 2 == 1,
        header_counts: None,
    };
    let first = parse(&input);
    let second = parse(&input);
    assert_eq!(
        format!("{first:?}"),
        format!("{second:?}"),
        "the same exchange was read in two ways"
    );
    let whole = reassembled_response(&input);
    let _ = texts(&input, body, whole.as_deref().unwrap_or(body));
}

/// Placeholders of the shape that the redactor wants, derived from the value.
fn token(entity: Entity, canonical: &str) -> String {
    let sum = canonical.bytes().fold(0u64, |sum, byte| {
        sum.wrapping_mul(1_099_511_628_211).wrapping_add(byte.into())
    });
    format!("[[{}:k1:{sum:016X}]]", entity.name())
}

/// Redaction twice changes nothing, and what was removed is not in the template any more where it stood.
pub fn redact(bytes: &[u8]) {
    for content_type in ["", "application/json", "text/event-stream"] {
        let Ok(once) = DETECTOR.redact_body(bytes, content_type, &token) else {
            continue;
        };
        for removed in &once.removed {
            assert_eq!(&once.template[removed.start..removed.end], removed.token);
        }
        let twice = DETECTOR
            .redact_body(once.template.as_bytes(), content_type, &token)
            .expect("a template can be redacted again");
        assert_eq!(
            twice.template, once.template,
            "redacting again changes the template"
        );
    }
}
