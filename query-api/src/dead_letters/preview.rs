//! The text of a dead letter, with personal data replaced.

use aal_event::Event;
use aal_redact::{Detector, RedactError, Redacted};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::scope::Tokens;

/// How much of a text is looked at, and how much of the outcome is shown. The first is larger, so that no value is cut
/// in two before it is replaced and shown in half.
const MAX_SEEN_BYTES: usize = 256 * 1024;
const MAX_SHOWN_BYTES: usize = 16 * 1024;
/// Shorter runs of letters in binary data are chance.
const SHORTEST_RUN: usize = 4;

/// An object of texts: an event's own members where the bytes are one, else what of the bytes is text.
pub(crate) fn redacted(app: &App, value: &[u8]) -> Value {
    match aal_event::decode(value) {
        Ok(event) => of_event(app, &event),
        Err(_) => {
            let text = runs(&String::from_utf8_lossy(seen(value)));
            json!({"text": body(app, Uuid::nil(), text.as_bytes()), "is_cut": value.len() > MAX_SEEN_BYTES})
        }
    }
}

fn of_event(app: &App, event: &Event) -> Value {
    let mut shown = Map::new();
    shown.insert("kind".into(), json!(event.kind.as_str()));
    shown.insert("event_id".into(), json!(event.event_id));
    shown.insert("tenant".into(), json!(event.tenant));
    let request = event.request.as_ref();
    let short = [
        ("application", Some(&event.application)),
        ("environment", event.environment.as_ref()),
        ("decision_type", event.decision_type.as_ref()),
        ("user_id", event.user_id.as_ref()),
        ("session_id", event.session_id.as_ref()),
        ("provider", event.provider.as_ref()),
        ("operation", event.operation.as_ref()),
        ("url", request.and_then(|request| request.url.as_ref())),
    ];
    for (name, text) in short {
        if let Some(text) = text {
            let clean = short_text(app, event.tenant, name, text);
            shown.insert(name.into(), json!(clean.as_deref().map(cut)));
        }
    }
    let bodies = [
        ("request_body", request.map(|request| &request.body)),
        (
            "response_body",
            event.response.as_ref().map(|response| &response.body),
        ),
    ];
    for (name, bytes) in bodies {
        if let Some(bytes) = bytes {
            shown.insert(name.into(), body(app, event.tenant, seen(bytes)));
        }
    }
    Value::Object(shown)
}

/// Null when it is binary or its redaction fails: nothing is shown then.
fn body(app: &App, tenant: Uuid, bytes: &[u8]) -> Value {
    // Without a content type the bytes decide what they are.
    let redacted = by_all_rules(app, tenant, bytes, |detector, bytes, tokens| {
        detector.redact_body(bytes, "", tokens)
    });
    redacted.map_or(Value::Null, |text| json!(cut(&text)))
}

fn short_text(app: &App, tenant: Uuid, field: &str, text: &str) -> Option<String> {
    by_all_rules(app, tenant, text.as_bytes(), |detector, text, tokens| {
        detector.redact_text(&String::from_utf8_lossy(text), field, tokens)
    })
}

/// Replaced by the built-in rules, and then by those of every policy of the tenant: which one is the message's is not
/// known for certain.
fn by_all_rules(
    app: &App,
    tenant: Uuid,
    bytes: &[u8],
    redact: impl Fn(&Detector, &[u8], &Tokens<'_>) -> Result<Redacted, RedactError>,
) -> Option<String> {
    let index = app.ring.tenant_index_key(tenant);
    let now_us = aal_service::times::now_us();
    let mut text: Option<String> = None;
    for detector in app.detectors.of_tenant(&app.policies, tenant, now_us) {
        let seen = text.as_deref().map_or(bytes, str::as_bytes);
        text = Some(redact(&detector, seen, &Tokens(&index)).ok()?.template);
    }
    text
}

fn seen(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(MAX_SEEN_BYTES)]
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_SHOWN_BYTES)]
}

/// What of lossily decoded bytes is text; a line for each run.
fn runs(text: &str) -> String {
    let is_text = |character: char| {
        character != char::REPLACEMENT_CHARACTER && (!character.is_control() || "\n\r\t".contains(character))
    };
    let runs = text.split(|character| !is_text(character));
    let long = runs.filter(|run| run.chars().count() >= SHORTEST_RUN);
    long.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn runs_of_text_are_kept_and_chance_is_not() {
        assert_eq!(
            runs("\u{0}ab\u{1}loans \u{fffd}{\"a\":\n1}\u{2}"),
            "loans \n{\"a\":\n1}"
        );
        assert_eq!(runs("{\"whole\": \"text\"}"), "{\"whole\": \"text\"}");
    }
}
