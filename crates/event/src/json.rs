//! The JSON form that applications send: every error at once, each with its pointer.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    CallError, Event, FieldError, Kind, Outcome, ProviderRequest, ProviderResponse, Source, Subject, Timing,
    Trace, shown_name, validate::escape,
};

/// Reads the fields out of one JSON object, collecting what is wrong; what is left over at the end
/// was not asked for and is an error too.
struct Fields<'e> {
    path: String,
    object: Map<String, Value>,
    errors: &'e mut Vec<FieldError>,
}

impl<'e> Fields<'e> {
    fn of(path: String, value: Value, errors: &'e mut Vec<FieldError>) -> Option<Fields<'e>> {
        match value {
            Value::Object(object) => Some(Fields { path, object, errors }),
            other => {
                errors.push(FieldError::new(
                    path,
                    format!("must be an object, not {}", name_of(&other)),
                ));
                None
            }
        }
    }

    fn pointer(&self, key: &str) -> String {
        format!("{}/{}", self.path, escape(key))
    }

    fn wrong(&mut self, key: &str, message: impl Into<String>) {
        let pointer = self.pointer(key);
        self.errors.push(FieldError::new(pointer, message));
    }

    /// Null counts as absent.
    fn take(&mut self, key: &str) -> Option<Value> {
        self.object.remove(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong(key, format!("must be a string, not {}", name_of(&other)));
                None
            }
        }
    }

    fn required_text(&mut self, key: &str) -> String {
        if self.object.get(key).is_none_or(Value::is_null) {
            self.object.remove(key);
            self.wrong(key, "is required");
            return String::new();
        }
        self.text(key).unwrap_or_default()
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong(key, format!("must be true or false, not {}", name_of(&other)));
                None
            }
        }
    }

    fn integer(&mut self, key: &str) -> Option<i64> {
        let value = self.take(key)?;
        let integer = value.as_i64();
        if integer.is_none() {
            self.wrong(key, format!("must be a whole number, not {}", name_of(&value)));
        }
        integer
    }

    /// Milliseconds, possibly with a fraction, as microseconds.
    fn milliseconds(&mut self, key: &str) -> Option<i64> {
        const MOST_MS: f64 = 1e12;
        let value = self.take(key)?;
        match value.as_f64() {
            Some(ms) if (0.0..=MOST_MS).contains(&ms) => Some((ms * 1000.0).round() as i64),
            _ => {
                self.wrong(key, "must be a number of milliseconds, not negative");
                None
            }
        }
    }

    fn time(&mut self, key: &str) -> Option<i64> {
        let text = self.text(key)?;
        match OffsetDateTime::parse(&text, &Rfc3339) {
            Ok(time) => i64::try_from(time.unix_timestamp_nanos() / 1000).ok(),
            Err(_) => {
                self.wrong(key, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
                None
            }
        }
    }

    fn uuid(&mut self, key: &str) -> Option<Uuid> {
        let text = self.text(key)?;
        match Uuid::try_parse(&text) {
            Ok(id) if text.len() == 36 => Some(id),
            _ => {
                self.wrong(key, "must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057");
                None
            }
        }
    }

    /// `body` (text as sent, or a JSON value) or `body_base64`.
    fn body(&mut self) -> Vec<u8> {
        let body = self.take("body");
        let base64 = self.text("body_base64");
        match (body, base64) {
            (Some(_), Some(_)) => {
                self.wrong("body_base64", "must not stand beside body; send one of them");
                Vec::new()
            }
            (Some(Value::String(text)), None) => text.into_bytes(),
            (Some(value), None) => value.to_string().into_bytes(),
            (None, Some(text)) => STANDARD.decode(text.as_bytes()).unwrap_or_else(|_| {
                self.wrong("body_base64", "must be standard base64 with padding");
                Vec::new()
            }),
            (None, None) => Vec::new(),
        }
    }

    fn nested<T>(&mut self, key: &str, read: impl FnOnce(&mut Fields<'_>) -> T) -> Option<T> {
        let value = self.take(key)?;
        let path = self.pointer(key);
        let mut fields = Fields::of(path, value, self.errors)?;
        let nested = read(&mut fields);
        fields.finish();
        Some(nested)
    }

    fn finish(self) {
        for key in self.object.keys() {
            let pointer = format!("{}/{}", self.path, escape(&shown_name(key)));
            self.errors.push(FieldError::new(
                pointer,
                format!(
                    "unknown key {:?}; see the schema for the known ones",
                    shown_name(key)
                ),
            ));
        }
    }
}

/// Reads the JSON form of an event (INTERFACES, "Event"). The tenant is the caller's to set, and
/// a missing `event_id` is left nil for the edge to fill in. Limits are checked by [`crate::validate`].
pub fn parse_json(value: Value) -> Result<Event, Vec<FieldError>> {
    let mut errors = Vec::new();
    let event = Fields::of(String::new(), value, &mut errors).map(|mut fields| {
        let event = event(&mut fields);
        fields.finish();
        event
    });
    match event {
        Some(event) if errors.is_empty() => Ok(event),
        _ => Err(errors),
    }
}

fn event(fields: &mut Fields<'_>) -> Event {
    if fields
        .text("kind")
        .is_some_and(|kind| kind != Kind::Event.as_str())
    {
        fields.wrong(
            "kind",
            "must be \"event\" or left out; other kinds are recorded by the layer's own services only",
        );
    }
    Event {
        kind: Kind::Event,
        event_id: fields.uuid("event_id").unwrap_or_default(),
        tenant: Uuid::nil(),
        occurred_at_us: fields.time("occurred_at"),
        edge_at_us: None,
        receipt: None,
        application: fields.required_text("application"),
        environment: fields.text("environment"),
        decision_type: fields.text("decision_type"),
        session_id: fields.text("session_id"),
        user_id: fields.text("user_id"),
        user_email: fields.text("user_email"),
        ip_address: fields.text("ip_address"),
        subject: fields.nested("subject", |subject| Subject {
            id: subject.required_text("id"),
            email: subject.text("email"),
        }),
        provider: Some(fields.required_text("provider")),
        operation: fields.text("operation"),
        request: fields.nested("request", |request| ProviderRequest {
            method: request.text("method"),
            url: request.text("url"),
            body: request.body(),
        }),
        response: fields.nested("response", |response| ProviderResponse {
            status: response
                .integer("status")
                .map(|status| status.clamp(-1, 1000) as i32),
            content_type: response.text("content_type"),
            body: response.body(),
        }),
        timing: fields.nested("timing", |timing| Timing {
            started_at_us: timing.time("started_at"),
            first_token_us: timing.milliseconds("first_token_ms"),
            duration_us: timing.milliseconds("duration_ms"),
        }),
        error: fields.nested("error", |error| CallError {
            r#type: error.required_text("type"),
            message: error.text("message"),
        }),
        interrupted: fields.boolean("interrupted").unwrap_or(false),
        trace: fields.nested("trace", |trace| Trace {
            trace_id: trace.required_text("trace_id"),
            span_id: trace.text("span_id"),
            parent_span_id: trace.text("parent_span_id"),
        }),
        source: fields.nested("source", |source| Source {
            sdk: source.text("sdk"),
            version: source.text("version"),
            instance: source.required_text("instance"),
            epoch: source.integer("epoch").unwrap_or(0),
            sequence: source.integer("sequence").unwrap_or(0),
        }),
        tags: tags(fields),
        metadata: metadata(fields),
        phi: fields.boolean("phi"),
        outcome: None,
        access: None,
    }
}

fn tags(fields: &mut Fields<'_>) -> std::collections::BTreeMap<String, String> {
    let Some(value) = fields.take("tags") else {
        return Default::default();
    };
    let Value::Object(object) = value else {
        fields.wrong(
            "tags",
            format!("must be an object of strings, not {}", name_of(&value)),
        );
        return Default::default();
    };
    let mut tags = std::collections::BTreeMap::new();
    for (key, value) in object {
        match value {
            Value::String(text) => {
                tags.insert(key, text);
            }
            other => {
                let message = format!("must be a string, not {}", name_of(&other));
                let pointer = format!("{}/{}", fields.pointer("tags"), escape(&shown_name(&key)));
                fields.errors.push(FieldError::new(pointer, message));
            }
        }
    }
    tags
}

fn metadata(fields: &mut Fields<'_>) -> Option<String> {
    match fields.take("metadata")? {
        value @ Value::Object(_) => Some(value.to_string()),
        other => {
            fields.wrong("metadata", format!("must be an object, not {}", name_of(&other)));
            None
        }
    }
}

/// Reads the body of `POST .../outcomes`: `{outcome, reviewer?, override?, flag?, note?}`.
pub fn parse_outcome_json(target_event_id: Uuid, value: Value) -> Result<Outcome, Vec<FieldError>> {
    let mut errors = Vec::new();
    let outcome = Fields::of(String::new(), value, &mut errors).map(|mut fields| {
        let outcome = Outcome {
            target_event_id,
            outcome: fields.required_text("outcome"),
            reviewer: fields.text("reviewer"),
            r#override: fields.boolean("override").unwrap_or(false),
            flag: fields.boolean("flag").unwrap_or(false),
            note: fields.text("note"),
        };
        fields.finish();
        outcome
    });
    match outcome {
        Some(outcome) if errors.is_empty() => Ok(outcome),
        _ => Err(errors),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
