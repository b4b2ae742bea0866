//! What an event must look like, whichever way it came.

use serde::Serialize;

use uuid::Uuid;

use crate::{Access, Event, Kind, facts, intent_id, shown_name};

/// One thing that is wrong with an event: where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901 JSON pointer into the event.
    pub pointer: String,
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> FieldError {
        FieldError {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

/// Bounds of one event. Lengths are in UTF-8 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Names: application, environment, provider, operation, decision_type ...
    pub name_bytes: usize,
    /// Identifiers: session_id, user_id, subject.id, e-mail, source.instance ...
    pub id_bytes: usize,
    pub url_bytes: usize,
    pub message_bytes: usize,
    pub tags: usize,
    pub tag_value_bytes: usize,
    pub metadata_bytes: usize,
    /// Request and response body, each.
    pub body_bytes: usize,
}

impl Limits {
    /// The limits that INTERFACES documents; the edge's own limit on the whole request is lower for bodies.
    pub const DEFAULT: Limits = Limits {
        name_bytes: 128,
        id_bytes: 512,
        url_bytes: 8192,
        message_bytes: 16 * 1024,
        tags: 64,
        tag_value_bytes: 1024,
        metadata_bytes: 64 * 1024,
        body_bytes: 16 * 1024 * 1024,
    };
}

/// Texts in which line breaks are nothing unusual.
const FREE_TEXTS: [&str; 3] = ["/error/message", "/outcome/note", "/access/reason"];

struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    fn text(&mut self, pointer: &str, value: Option<&str>, limit_bytes: usize) {
        let Some(value) = value else { return };
        if value.is_empty() {
            self.errors.push(FieldError::new(
                pointer,
                "must not be empty; leave it out instead",
            ));
        } else if value.len() > limit_bytes {
            let message = format!("has {} bytes; at most {limit_bytes} are allowed", value.len());
            self.errors.push(FieldError::new(pointer, message));
        } else if !FREE_TEXTS.contains(&pointer) && value.chars().any(|character| character.is_control()) {
            self.errors
                .push(FieldError::new(pointer, "must not contain control characters"));
        }
    }

    fn body(&mut self, pointer: &str, body: &[u8], limit_bytes: usize) {
        if body.len() > limit_bytes {
            let message = format!("has {} bytes; at most {limit_bytes} are allowed", body.len());
            self.errors.push(FieldError::new(pointer, message));
        }
    }

    fn json_object(&mut self, pointer: &str, text: &str, limit_bytes: usize) {
        if text.len() > limit_bytes {
            let message = format!("has {} bytes; at most {limit_bytes} are allowed", text.len());
            self.errors.push(FieldError::new(pointer, message));
        } else if !matches!(
            crate::parse_strict(text.as_bytes()),
            Ok(serde_json::Value::Object(_))
        ) {
            self.errors
                .push(FieldError::new(pointer, "must be a JSON object"));
        }
    }

    fn not_negative(&mut self, pointer: &str, value: Option<i64>) {
        if value.is_some_and(|value| value < 0) {
            self.errors.push(FieldError::new(pointer, "must not be negative"));
        }
    }
}

/// Checks an event's fields. All errors are given, in the order of the fields.
pub fn validate(event: &Event, limits: &Limits) -> Vec<FieldError> {
    let mut check = Check { errors: Vec::new() };
    if event.event_id.is_nil() {
        check
            .errors
            .push(FieldError::new("/event_id", "must not be the nil UUID"));
    }
    names(event, limits, &mut check);
    kind(event, limits, &mut check);
    if let Some(outcome) = &event.outcome {
        check.text("/outcome/outcome", Some(&outcome.outcome), limits.name_bytes);
        check.text("/outcome/reviewer", outcome.reviewer.as_deref(), limits.id_bytes);
        check.text("/outcome/note", outcome.note.as_deref(), limits.message_bytes);
    }
    details(event, limits, &mut check);
    check.errors
}

/// What the event's kind demands.
fn kind(event: &Event, limits: &Limits, check: &mut Check) {
    if event.kind.is_exchange() {
        exchange(event, limits, check);
    }
    if event.kind == Kind::Outcome && event.outcome.is_none() {
        let message = "is required for the kind outcome";
        check.errors.push(FieldError::new("/outcome", message));
    }
    match &event.access {
        Some(access) => self::access(access, limits, check),
        None if event.kind.is_system() || event.kind == Kind::Intent => {
            let message = format!("is required for the kind {}", event.kind.as_str());
            check.errors.push(FieldError::new("/access", message));
        }
        None => {}
    }
    if event.kind == Kind::Intent {
        intent(event, check);
    }
    if event.kind == Kind::Reprice && target_of(event).is_none() {
        let message = "must be the UUID of the event that is priced again";
        check
            .errors
            .push(FieldError::new("/access/target_event_id", message));
    }
    facts::check(event, &mut check.errors);
}

fn target_of(event: &Event) -> Option<Uuid> {
    Uuid::try_parse(event.access.as_ref()?.target_event_id.as_deref()?).ok()
}

/// An intent is the question alone, under the id that follows from the event's.
fn intent(event: &Event, check: &mut Check) {
    if event.request.is_none() {
        let message = "is required for the kind intent";
        check.errors.push(FieldError::new("/request", message));
    }
    if event.response.is_some() {
        let message = "must be left out of an intent: the call is not made yet";
        check.errors.push(FieldError::new("/response", message));
    }
    if target_of(event).is_none_or(|target| intent_id(target) != event.event_id) {
        let message = "must be the id of the event to come, and event_id the id derived from it";
        check
            .errors
            .push(FieldError::new("/access/target_event_id", message));
    }
}

fn access(access: &Access, limits: &Limits, check: &mut Check) {
    check.text("/access/actor", Some(&access.actor), limits.id_bytes);
    check.text("/access/action", Some(&access.action), limits.name_bytes);
    if !access.role.is_empty() {
        check.text("/access/role", Some(&access.role), limits.name_bytes);
    }
    check.text("/access/reason", access.reason.as_deref(), limits.message_bytes);
    if let Some(detail) = &access.detail {
        check.json_object("/access/detail", detail, limits.metadata_bytes);
    }
}

fn names(event: &Event, limits: &Limits, check: &mut Check) {
    check.text("/application", Some(&event.application), limits.name_bytes);
    check.text("/environment", event.environment.as_deref(), limits.name_bytes);
    check.text(
        "/decision_type",
        event.decision_type.as_deref(),
        limits.name_bytes,
    );
    check.text("/session_id", event.session_id.as_deref(), limits.id_bytes);
    check.text("/user_id", event.user_id.as_deref(), limits.id_bytes);
    check.text("/user_email", event.user_email.as_deref(), limits.id_bytes);
    check.text("/ip_address", event.ip_address.as_deref(), limits.id_bytes);
    if let Some(subject) = &event.subject {
        check.text("/subject/id", Some(&subject.id), limits.id_bytes);
        check.text("/subject/email", subject.email.as_deref(), limits.id_bytes);
    }
    check.text("/provider", event.provider.as_deref(), limits.name_bytes);
    check.text("/operation", event.operation.as_deref(), limits.name_bytes);
}

fn exchange(event: &Event, limits: &Limits, check: &mut Check) {
    if event.provider.is_none() {
        check.errors.push(FieldError::new(
            "/provider",
            "is required, for example \"openai\"",
        ));
    }
    if event.request.is_none() && event.response.is_none() {
        check
            .errors
            .push(FieldError::new("", "one of request and response is required"));
    }
    if let Some(request) = &event.request {
        check.text("/request/method", request.method.as_deref(), 16);
        check.text("/request/url", request.url.as_deref(), limits.url_bytes);
        check.body("/request/body", &request.body, limits.body_bytes);
    }
    if let Some(response) = &event.response {
        if response
            .status
            .is_some_and(|status| !(100..=599).contains(&status))
        {
            check.errors.push(FieldError::new(
                "/response/status",
                "must be an HTTP status, 100 to 599",
            ));
        }
        check.text(
            "/response/content_type",
            response.content_type.as_deref(),
            limits.id_bytes,
        );
        check.body("/response/body", &response.body, limits.body_bytes);
    }
}

fn details(event: &Event, limits: &Limits, check: &mut Check) {
    if let Some(timing) = &event.timing {
        check.not_negative("/timing/first_token_ms", timing.first_token_us);
        check.not_negative("/timing/duration_ms", timing.duration_us);
    }
    if let Some(error) = &event.error {
        check.text("/error/type", Some(&error.r#type), limits.name_bytes);
        check.text("/error/message", error.message.as_deref(), limits.message_bytes);
    }
    if let Some(trace) = &event.trace {
        hex_id(check, "/trace/trace_id", Some(&trace.trace_id), 32);
        hex_id(check, "/trace/span_id", trace.span_id.as_deref(), 16);
        hex_id(
            check,
            "/trace/parent_span_id",
            trace.parent_span_id.as_deref(),
            16,
        );
    }
    if let Some(source) = &event.source {
        check.text("/source/sdk", source.sdk.as_deref(), limits.name_bytes);
        check.text("/source/version", source.version.as_deref(), limits.name_bytes);
        check.text("/source/instance", Some(&source.instance), limits.id_bytes);
        check.not_negative("/source/epoch", Some(source.epoch));
        check.not_negative("/source/sequence", Some(source.sequence));
    }
    if event.tags.len() > limits.tags {
        let message = format!(
            "has {} entries; at most {} are allowed",
            event.tags.len(),
            limits.tags
        );
        check.errors.push(FieldError::new("/tags", message));
    }
    for (key, value) in &event.tags {
        let pointer = format!("/tags/{}", escape(&shown_name(key)));
        check.text(&pointer, Some(value), limits.tag_value_bytes);
        if key.is_empty() || key.len() > limits.name_bytes {
            let message = format!("the key must have 1 to {} bytes", limits.name_bytes);
            check.errors.push(FieldError::new(pointer, message));
        }
    }
    if let Some(metadata) = &event.metadata {
        check.json_object("/metadata", metadata, limits.metadata_bytes);
    }
}

fn hex_id(check: &mut Check, pointer: &str, value: Option<&str>, digits: usize) {
    let Some(value) = value else { return };
    let is_hex = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if value.len() != digits || !is_hex {
        let message = format!("must be {digits} lower-case hexadecimal digits");
        check.errors.push(FieldError::new(pointer, message));
    }
}

/// Escapes one reference token of a JSON pointer (RFC 6901, section 3).
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
