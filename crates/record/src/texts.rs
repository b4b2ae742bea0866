//! Redacts every text of an event. What could name a person leaves here only as a template.

use aal_event::Event;
use aal_policy::ContentMode;
use aal_redact::{Budget, Detector, RedactError};
use serde_json::{Map, Value, json};

use crate::content::Modes;
use crate::sealing::{Collected, Tokens};

/// The texts of an event after redaction.
pub(crate) struct Texts {
    pub(crate) request_body: String,
    pub(crate) response_body: String,
    pub(crate) user_id: String,
    pub(crate) session_id: String,
    /// Members of the attributes; the list of redactions is added at the end.
    pub(crate) attributes: Map<String, Value>,
    /// Free texts among the attributes, where the policy has them stored in another way.
    pub(crate) details: Map<String, Value>,
}

/// One redactor over all texts of an event.
pub(crate) struct Redactor<'a> {
    pub(crate) detector: &'a Detector,
    pub(crate) tokens: Tokens<'a>,
    pub(crate) collected: Collected,
    /// What all texts of the event together may cost.
    pub(crate) budget: Budget,
    pub(crate) modes: Modes,
}

/// Bytes of all texts of an event, for the limits of their redaction.
pub(crate) fn length_of(event: &Event) -> usize {
    let request = event.request.as_ref().map_or(0, |request| request.body.len());
    let response = event.response.as_ref().map_or(0, |response| response.body.len());
    let metadata = event.metadata.as_ref().map_or(0, String::len);
    let tags = event.tags.iter().map(|(key, value)| key.len() + value.len());
    request + response + metadata + tags.sum::<usize>()
}

/// Tags of the layer's own: they tell how an event was captured, not what is in it.
const OWN_TAGS: &str = "aal.";

impl Redactor<'_> {
    /// Redacts a short text; `field` is its name and its context.
    pub(crate) fn text(&mut self, field: &str, text: &str) -> Result<String, RedactError> {
        let redacted = self
            .detector
            .redact_text_within(text, field, &self.tokens, &self.budget)?;
        Ok(self.collected.take(field, redacted))
    }

    fn optional(&mut self, field: &str, text: Option<&str>) -> Result<String, RedactError> {
        text.map_or_else(|| Ok(String::new()), |text| self.text(field, text))
    }

    fn json_text(&mut self, field: &str, text: &str) -> Result<Value, RedactError> {
        let redacted = self
            .detector
            .redact_json_within(text.as_bytes(), &self.tokens, &self.budget)?;
        let template = self.collected.take(field, redacted);
        // Valid JSON stays valid JSON; the fallback keeps the text rather than losing it.
        let value = serde_json::from_str(&template).unwrap_or(Value::String(template));
        Ok(with_exact_numbers(value))
    }

    /// A body in whatever form it came; a binary one is withheld, with its size noted.
    fn body(
        &mut self,
        field: &'static str,
        body: &[u8],
        content_type: &str,
        attributes: &mut Map<String, Value>,
    ) -> Result<String, RedactError> {
        if body.is_empty() {
            return Ok(String::new());
        }
        let redacted = self
            .detector
            .redact_body_within(body, content_type, &self.tokens, &self.budget);
        match redacted {
            Ok(redacted) => Ok(self.collected.take(field, redacted)),
            Err(RedactError::Binary) => {
                attributes.insert(
                    format!("{field}_withheld"),
                    json!({"reason": "binary", "bytes": body.len()}),
                );
                Ok(String::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Redacts everything that `event` holds.
    pub(crate) fn texts(&mut self, event: &Event) -> Result<Texts, RedactError> {
        let mut attributes = Map::new();
        let user_id = self.optional("user_id", event.user_id.as_deref())?;
        let session_id = self.optional("session_id", event.session_id.as_deref())?;
        let mut request_body = String::new();
        self.collected.seals_values = self.modes.request != ContentMode::Digest;
        if let Some(request) = &event.request {
            request_body = self.body("request_body", &request.body, "application/json", &mut attributes)?;
            self.collected.seals_values = true;
            let url = self.optional("url", request.url.as_deref())?;
            let method = match request.method.as_deref() {
                Some(method) => self.text("method", method)?.into(),
                None => Value::Null,
            };
            attributes.insert("request".into(), json!({"method": method, "url": url}));
        }
        let mut response_body = String::new();
        if let Some(response) = &event.response {
            let content_type = response.content_type.as_deref().unwrap_or_default();
            self.collected.seals_values = self.modes.response != ContentMode::Digest;
            response_body = self.body("response_body", &response.body, content_type, &mut attributes)?;
            self.collected.seals_values = true;
            let content_type = self.text("content_type", content_type)?;
            attributes.insert("response".into(), json!({"content_type": content_type}));
        }
        if !user_id.is_empty() {
            attributes.insert("user_id".into(), user_id.clone().into());
        }
        if !session_id.is_empty() {
            attributes.insert("session_id".into(), session_id.clone().into());
        }
        let mut details = Map::new();
        self.collected.seals_values = self.modes.details != ContentMode::Digest;
        self.free_texts(event, &mut details)?;
        self.collected.seals_values = true;
        self.facts(event, &mut attributes)?;
        if self.modes.details == ContentMode::Redacted {
            // Members of one name hold facts and free texts of one thing.
            for (name, free) in std::mem::take(&mut details) {
                merge(&mut attributes, name, free);
            }
        }
        Ok(Texts {
            request_body,
            response_body,
            user_id,
            session_id,
            attributes,
            details,
        })
    }

    /// What anybody may have written anything into.
    fn free_texts(&mut self, event: &Event, details: &mut Map<String, Value>) -> Result<(), RedactError> {
        if let Some(error) = &event.error {
            let message = self.optional("error_message", error.message.as_deref())?;
            details.insert("error".into(), json!({"message": message}));
        }
        let mut tags = Map::new();
        for (key, value) in event.tags.iter().filter(|(key, _)| !key.starts_with(OWN_TAGS)) {
            let (key, value) = self.tag(key, value)?;
            tags.insert(key, value);
        }
        if !tags.is_empty() {
            details.insert("tags".into(), Value::Object(tags));
        }
        if let Some(metadata) = &event.metadata {
            let metadata = self.json_text("metadata", metadata)?;
            details.insert("metadata".into(), metadata);
        }
        if let Some(outcome) = &event.outcome {
            let note = self.optional("note", outcome.note.as_deref())?;
            details.insert("outcome".into(), json!({"note": note}));
        }
        Ok(())
    }

    fn tag(&mut self, key: &str, value: &str) -> Result<(String, Value), RedactError> {
        // The name is said in the list of redactions, so it must be clean before.
        let clean_key = self.text("tag", key)?;
        let clean_value = self.text(&clean_key, value)?;
        Ok((clean_key, clean_value.into()))
    }

    /// What identifies the event's source, trace and actors.
    fn facts(&mut self, event: &Event, attributes: &mut Map<String, Value>) -> Result<(), RedactError> {
        if let Some(trace) = &event.trace {
            let trace = json!({"trace_id": trace.trace_id, "span_id": trace.span_id, "parent_span_id": trace.parent_span_id});
            attributes.insert("trace".into(), trace);
        }
        if let Some(source) = &event.source {
            let instance = self.text("instance", &source.instance)?;
            let sdk = self.optional("sdk", source.sdk.as_deref())?;
            let version = self.optional("version", source.version.as_deref())?;
            let source = json!({"sdk": sdk, "version": version, "instance": instance, "epoch": source.epoch,
                                "sequence": source.sequence});
            attributes.insert("source".into(), source);
        }
        let mut tags = Map::new();
        for (key, value) in event.tags.iter().filter(|(key, _)| key.starts_with(OWN_TAGS)) {
            let (key, value) = self.tag(key, value)?;
            tags.insert(key, value);
        }
        if !tags.is_empty() {
            attributes.insert("tags".into(), Value::Object(tags));
        }
        if let Some(outcome) = &event.outcome {
            let reviewer = self.optional("reviewer", outcome.reviewer.as_deref())?;
            attributes.insert("outcome".into(), json!({"reviewer": reviewer}));
        }
        if let Some(access) = &event.access {
            let actor = self.text("actor", &access.actor)?;
            let reason = self.optional("reason", access.reason.as_deref())?;
            let detail = match &access.detail {
                Some(detail) => self.json_text("detail", detail)?,
                None => Value::Null,
            };
            let role = self.text("role", &access.role)?;
            attributes.insert(
                "access".into(),
                json!({"actor": actor, "role": role, "reason": reason, "detail": detail}),
            );
        }
        Ok(())
    }
}

/// Puts `free` beside the facts of the same name.
fn merge(attributes: &mut Map<String, Value>, name: String, free: Value) {
    match (attributes.get_mut(&name), free) {
        (Some(Value::Object(known)), Value::Object(members)) => known.extend(members),
        (_, free) => {
            attributes.insert(name, free);
        }
    }
}

/// RFC 8785 has no number beyond 2^53; an identifier larger than that is kept as text, to the digit.
fn with_exact_numbers(value: Value) -> Value {
    const MOST: u64 = 1 << 53;
    match value {
        Value::Number(number) => {
            let fits = match (number.as_u64(), number.as_i64()) {
                (Some(unsigned), _) => unsigned <= MOST,
                (None, Some(signed)) => signed.unsigned_abs() <= MOST,
                (None, None) => true,
            };
            if fits {
                Value::Number(number)
            } else {
                Value::String(number.to_string())
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(with_exact_numbers).collect()),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| (key, with_exact_numbers(value)))
                .collect(),
        ),
        other => other,
    }
}
