//! One exchange with a provider while it happens, and the event made of it.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    body::{BodyBuffer, fit},
    clean::without_credentials,
    context::Context,
    layer::LayerSettings,
};

/// The envelope is rounded up to this, so that the cut does not depend on how long ids and names are.
const ENVELOPE_STEP: usize = 64 * 1024;
const STREAM_TYPES: [&str; 3] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
];

/// Request, answer and times of one call.
#[derive(Debug)]
pub(crate) struct Capture {
    pub event_id: Uuid,
    pub provider: Option<String>,
    pub method: String,
    pub url: String,
    pub traceparent: Option<String>,
    pub context: Option<Arc<Context>>,
    pub intent_id: Option<Uuid>,
    pub request: BodyBuffer,
    pub response: BodyBuffer,
    pub status: Option<u16>,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub error: Option<(&'static str, String)>,
    pub interrupted: bool,
    pub closed_early: bool,
    started_at: SystemTime,
    started: Instant,
    first_chunk: Option<Duration>,
    duration: Duration,
}

impl Capture {
    pub(crate) fn new(
        settings: &LayerSettings,
        method: &str,
        url: &str,
        context: Option<Arc<Context>>,
    ) -> Self {
        let capture = Self {
            event_id: Uuid::now_v7(),
            provider: None,
            method: method.to_owned(),
            url: url.to_owned(),
            traceparent: None,
            context,
            intent_id: None,
            request: BodyBuffer::new(settings.max_event_bytes),
            response: BodyBuffer::new(settings.max_event_bytes),
            status: None,
            content_type: None,
            content_encoding: None,
            error: None,
            interrupted: false,
            closed_early: false,
            started_at: SystemTime::now(),
            started: Instant::now(),
            first_chunk: None,
            duration: Duration::ZERO,
        };
        if let Some(context) = &capture.context {
            context.remember(capture.event_id);
        }
        capture
    }

    /// Bytes of the answer's body, as they are handed to the caller.
    pub(crate) fn chunk(&mut self, data: &[u8]) {
        self.first_chunk.get_or_insert_with(|| self.started.elapsed());
        self.response.add(data);
    }

    /// The call or its stream broke. Only the kind is kept: the text may hold content.
    pub(crate) fn failed(&mut self, is_timeout: bool, kind: &str) {
        self.interrupted = self.status.is_some();
        self.error = Some((if is_timeout { "timeout" } else { "connection" }, kind.to_owned()));
    }

    pub(crate) fn ended(&mut self) {
        self.duration = self.started.elapsed();
    }

    /// What it holds while it waits, roughly.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.request.kept().len() + self.response.kept().len() + 2_048
    }

    /// The event's JSON, at most `max_event_bytes` long; bodies are cut to fit, with their length and digest in tags.
    pub(crate) fn into_event(mut self, settings: &LayerSettings, source: Value) -> String {
        let encoding = self.content_encoding.take();
        let limit = settings.max_event_bytes;
        let response = std::mem::replace(&mut self.response, BodyBuffer::new(limit));
        self.response = response.decoded(encoding.as_deref());
        let mut event = self.envelope(settings, source);
        if self.interrupted || (self.closed_early && !is_end_of_stream(self.response.kept())) {
            event.insert("interrupted".into(), json!(true));
        }
        event.insert("timing".into(), self.timing());
        if let Some((kind, message)) = &self.error {
            event.insert("error".into(), json!({"type": kind, "message": message}));
        }
        self.place(settings, &mut event);
        Value::Object(event).to_string()
    }

    /// `fail_closed`: what is about to be asked, recorded before it is asked. Its tag says what it is.
    pub(crate) fn intent(&self, settings: &LayerSettings, source: Value, intent_id: Uuid) -> String {
        let mut event = self.envelope(settings, source);
        event.insert("event_id".into(), json!(intent_id));
        tag(&mut event, "aal.capture", "intent".into());
        self.place(settings, &mut event);
        Value::Object(event).to_string()
    }

    /// Everything but bodies, times and errors.
    fn envelope(&self, settings: &LayerSettings, source: Value) -> Map<String, Value> {
        let url = without_credentials(&self.url);
        let host = reqwest::Url::parse(&url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_lowercase));
        let provider = self.provider.clone().or(host).unwrap_or_else(|| "unknown".into());
        let mut event = Map::new();
        event.insert("event_id".into(), json!(self.event_id));
        event.insert("occurred_at".into(), json!(rfc3339(self.started_at)));
        event.insert("application".into(), json!(settings.application));
        event.insert("provider".into(), json!(provider));
        if let Some(environment) = &settings.environment {
            event.insert("environment".into(), json!(environment));
        }
        if let Some((trace_id, span_id)) = self.traceparent.as_deref().and_then(parse_traceparent) {
            event.insert("trace".into(), json!({"trace_id": trace_id, "span_id": span_id}));
        }
        if let Some(context) = &self.context {
            event.extend(context.fields().clone());
        }
        if let Some(intent_id) = self.intent_id {
            tag(&mut event, "aal.intent", intent_id.to_string());
        }
        event.insert("request".into(), json!({"method": self.method, "url": url}));
        if let Some(status) = self.status {
            let mut response = json!({"status": status});
            if let Some(content_type) = &self.content_type {
                response["content_type"] = json!(content_type);
            }
            event.insert("response".into(), response);
        }
        event.insert("source".into(), source);
        event
    }

    fn timing(&self) -> Value {
        let mut timing =
            json!({"started_at": rfc3339(self.started_at), "duration_ms": milliseconds(self.duration)});
        let content_type = self.content_type.as_deref().unwrap_or_default();
        let content_type = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if let Some(first) = self
            .first_chunk
            .filter(|_| STREAM_TYPES.contains(&content_type.as_str()))
        {
            timing["first_token_ms"] = json!(milliseconds(first));
        }
        timing
    }

    /// Puts the bodies in, cut to fit.
    fn place(&self, settings: &LayerSettings, event: &mut Map<String, Value>) {
        let used = Value::Object(event.clone()).to_string().len() + 512;
        let budget = settings
            .max_event_bytes
            .saturating_sub(used.div_ceil(ENVELOPE_STEP) * ENVELOPE_STEP);
        let whole = [self.request.encoded(), self.response.encoded()];
        let fitted = fit(whole.clone(), budget);
        let sides = [("request", &self.request), ("response", &self.response)];
        for ((side, buffer), (body, whole)) in sides.into_iter().zip(fitted.into_iter().zip(whole)) {
            let (Some(body), Some(half)) = (body, event.get_mut(side)) else {
                continue;
            };
            half[body.key()] = json!(body.value());
            if Some(&body) != whole.as_ref() || !buffer.is_whole() {
                tag(event, &format!("aal.{side}.bytes"), buffer.total().to_string());
                tag(event, &format!("aal.{side}.sha256"), buffer.sha256());
            }
        }
    }
}

fn tag(event: &mut Map<String, Value>, name: &str, value: String) {
    let tags = event.entry("tags").or_insert_with(|| json!({}));
    tags[name] = json!(value);
}

pub(crate) fn rfc3339(moment: SystemTime) -> String {
    OffsetDateTime::from(moment).format(&Rfc3339).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Trace and span of a W3C `traceparent`.
fn parse_traceparent(header: &str) -> Option<(&str, &str)> {
    let mut parts = header.split('-');
    let (_version, trace_id, span_id) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, len: usize| {
        part.len() == len && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_hex(trace_id, 32) && is_hex(span_id, 16)).then_some((trace_id, span_id))
}

/// A caller that stops reading after one of these lines has read everything: providers send nothing after them.
fn is_end_of_stream(body: &[u8]) -> bool {
    const EVENTS: [&str; 6] = [
        "message_stop",
        "message-end",
        "stream-end",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ];
    let text = String::from_utf8_lossy(body);
    text.lines().rev().any(|line| {
        let after = |name: &str| {
            line.strip_prefix(name)
                .map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
        };
        let object = line.starts_with('{') && line.ends_with('}');
        let holds = |name: &str, value: &str| {
            line.contains(&format!("\"{name}\":{value}")) || line.contains(&format!("\"{name}\": {value}"))
        };
        after("data:") == Some("[DONE]")
            || after("event:").is_some_and(|event| EVENTS.contains(&event))
            || (object && (holds("event_type", "\"stream-end\"") || holds("done", "true")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_streams_are_known_by_whole_lines() {
        for ended in [
            "data: {}\n\ndata: [DONE]\n\n",
            "event: message_stop\ndata: {}\n\n",
            "{\"a\":1}\n{\"is_finished\":true,\"event_type\":\"stream-end\"}\n",
            "{\"done\": true}\n",
        ] {
            assert!(is_end_of_stream(ended.as_bytes()), "{ended}");
        }
        for open in [
            "data: {\"x\":\"data: [DONE]\"}\n",
            "event: message_start\n",
            "{\"done\":false}",
        ] {
            assert!(!is_end_of_stream(open.as_bytes()), "{open}");
        }
    }
}
