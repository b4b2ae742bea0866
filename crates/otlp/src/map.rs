//! A span as the event it stands for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aal_event::{CallError, Event, Limits, ProviderRequest, ProviderResponse, Subject, Timing, Trace};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::attributes::{Attributes, parsed};
use crate::classify::{Class, classify};
use crate::messages::{self, Conversation};
use crate::span::{Batch, Group, Rejection, Span};
use crate::usage;

/// `request.url` of every event that was a span: `aal-exchange` knows the form of its bodies by it.
pub const EVENT_URL: &str = "otel:span";
/// `response.content_type` of such an event.
pub const RESPONSE_TYPE: &str = "application/vnd.aal.otel+json";

/// The namespace of event ids made from spans, itself made once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f2c_a1c4_9a3e_4d57_8b60_2f9d_71e5_c038);

/// For whom spans are mapped.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub tenant: Uuid,
    /// The application of the API key; the resource's `service.name` becomes a tag.
    pub application: &'a str,
    /// The limits an event must keep.
    pub limits: &'a Limits,
}

/// What came of a request.
#[derive(Debug, Default)]
pub struct Mapped {
    /// In the order of their spans.
    pub events: Vec<Event>,
    /// Spans that tell of no decision: of HTTP, databases, chains, workflows.
    pub ignored: usize,
    /// Spans that were in the request before, the same in everything.
    pub duplicates: usize,
    pub rejected: Vec<Rejection>,
}

/// The id of a span's event: the same whenever and however often the span is exported.
pub fn event_id(tenant: Uuid, trace_id: &[u8; 16], span_id: &[u8; 8]) -> Uuid {
    Uuid::new_v5(
        &NAMESPACE,
        &[tenant.as_bytes().as_slice(), trace_id, span_id].concat(),
    )
}

/// Makes the events of a request's spans.
pub fn map(batch: &Batch, context: &Context<'_>) -> Mapped {
    let mut mapped = Mapped::default();
    let mut seen: HashMap<Uuid, usize> = HashMap::new();
    for group in &batch.groups {
        for span in &group.spans {
            let outcome = span
                .as_ref()
                .map_err(Clone::clone)
                .and_then(|span| event(span, group, context));
            match outcome {
                Ok(None) => mapped.ignored += 1,
                Err(rejection) => mapped.rejected.push(rejection),
                Ok(Some(event)) => match seen.entry(event.event_id) {
                    Entry::Vacant(place) => {
                        place.insert(mapped.events.len());
                        mapped.events.push(event);
                    }
                    Entry::Occupied(place) if mapped.events[*place.get()] == event => mapped.duplicates += 1,
                    Entry::Occupied(_) => {
                        let span_id = event.trace.and_then(|trace| trace.span_id);
                        let reason =
                            "another span of the request has the same trace and span id and other content";
                        mapped.rejected.push(Rejection::new(span_id, reason));
                    }
                },
            }
        }
    }
    mapped
}

/// The event of a span; none for a span that tells of no decision.
fn event(span: &Span, group: &Group, context: &Context<'_>) -> Result<Option<Event>, Rejection> {
    let mut attributes = Attributes::new(&span.attributes);
    let Some(class) = classify(&mut attributes) else {
        return Ok(None);
    };
    let mut resource = Attributes::new(&group.resource);
    let mut event = Event {
        event_id: event_id(context.tenant, &span.trace_id, &span.span_id),
        tenant: context.tenant,
        application: context.application.to_owned(),
        occurred_at_us: microseconds(span.start_ns),
        trace: Some(Trace {
            trace_id: hex::encode(span.trace_id),
            span_id: Some(hex::encode(span.span_id)),
            parent_span_id: span.parent_span_id.map(hex::encode),
        }),
        ..Event::default()
    };
    attribution(&mut event, &mut attributes, &mut resource, context.limits);
    tags(
        &mut event,
        span,
        group,
        &class,
        &mut attributes,
        &resource,
        context.limits,
    );
    let named = attributes.text(&[
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
    ]);
    let provider = named.and_then(|name| clean(&name.to_lowercase(), context.limits.name_bytes));
    event.provider = Some(provider.unwrap_or_else(|| "unknown".to_owned()));
    event.operation = clean(&class.operation, context.limits.name_bytes);
    let said = messages::take(&mut attributes, &span.events);
    event.timing = Some(timing(span, &said, &mut attributes));
    event.error = error(span, &said, &mut attributes, context.limits);
    bodies(&mut event, span, &class, said, attributes, resource);
    let errors = aal_event::validate(&event, context.limits);
    match errors.first() {
        None => Ok(Some(event)),
        Some(first) => {
            let reason = format!("its event is not acceptable: {} {}", first.pointer, first.message);
            Err(Rejection::new(Some(hex::encode(span.span_id)), reason))
        }
    }
}

fn microseconds(nanoseconds: u64) -> Option<i64> {
    (nanoseconds > 0).then(|| i64::try_from(nanoseconds / 1000).unwrap_or(i64::MAX))
}

/// Whose call it was, in the names of OpenTelemetry, OpenInference, OpenLLMetry and our own.
fn attribution(event: &mut Event, attributes: &mut Attributes, resource: &mut Attributes, limits: &Limits) {
    let mut take = |names: &[&str], limit| attributes.text(names).and_then(|text| clean(&text, limit));
    let (name, id) = (limits.name_bytes, limits.id_bytes);
    event.session_id = take(
        &[
            "gen_ai.conversation.id",
            "session.id",
            "traceloop.association.properties.session_id",
        ],
        id,
    );
    event.user_id = take(
        &[
            "user.id",
            "enduser.id",
            "traceloop.association.properties.user_id",
        ],
        id,
    );
    event.user_email = take(&["user.email", "traceloop.association.properties.user_email"], id);
    event.decision_type = take(
        &[
            "aal.decision_type",
            "traceloop.association.properties.decision_type",
        ],
        name,
    );
    let subject = take(
        &["aal.subject.id", "traceloop.association.properties.subject_id"],
        id,
    );
    event.subject = subject.map(|subject| Subject {
        id: subject,
        email: None,
    });
    if let Some(subject) = &mut event.subject {
        subject.email = take(&["aal.subject.email"], id);
    }
    event.ip_address = take(&["client.address"], id);
    event.environment = resource
        .text(&["deployment.environment.name", "deployment.environment"])
        .and_then(|text| clean(&text, name));
}

/// Short facts by which events are found; they stay where they were, too, except the span's own.
fn tags(
    event: &mut Event,
    span: &Span,
    group: &Group,
    class: &Class,
    attributes: &mut Attributes,
    resource: &Attributes,
    limits: &Limits,
) {
    let tool = attributes.text(&["gen_ai.tool.name", "tool.name"]);
    let agent = attributes.text(&["gen_ai.agent.name", "agent.name", "traceloop.entity.name"]);
    let facts = [
        ("otel.convention", Some(class.convention)),
        ("otel.span.name", Some(span.name.as_str())),
        ("otel.scope.name", Some(group.scope.name.as_str())),
        ("otel.scope.version", Some(group.scope.version.as_str())),
        ("service.name", resource.peek("service.name")),
        ("service.version", resource.peek("service.version")),
        ("gen_ai.tool.name", tool.as_deref()),
        ("gen_ai.agent.name", agent.as_deref()),
    ];
    for (name, value) in facts {
        let value = value.and_then(|value| clean(value, limits.tag_value_bytes));
        event.tags.extend(value.map(|value| (name.to_owned(), value)));
    }
}

fn timing(span: &Span, said: &Conversation, attributes: &mut Attributes) -> Timing {
    let since_start = |ns: u64| {
        ns.checked_sub(span.start_ns)
            .and_then(|ns| i64::try_from(ns / 1000).ok())
    };
    let known = span.start_ns > 0;
    let stated = attributes.seconds(&[
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    ]);
    Timing {
        started_at_us: microseconds(span.start_ns),
        first_token_us: stated.or_else(|| said.first_chunk_ns.filter(|_| known).and_then(since_start)),
        duration_us: since_start(span.end_ns).filter(|_| known),
    }
}

fn error(
    span: &Span,
    said: &Conversation,
    attributes: &mut Attributes,
    limits: &Limits,
) -> Option<CallError> {
    let stated = attributes.text(&["error.type"]);
    if !span.failed && stated.is_none() {
        return None;
    }
    let (thrown, thrown_message) = said.exception.clone().unwrap_or_default();
    let kind = stated.or(thrown).and_then(|kind| clean(&kind, limits.name_bytes));
    let message = Some(span.status_message.clone())
        .filter(|text| !text.is_empty())
        .or(thrown_message);
    Some(CallError {
        r#type: kind.unwrap_or_else(|| "error".to_owned()),
        message: message.and_then(|text| shortened(&text, limits.message_bytes)),
    })
}

/// The two bodies in the form that docs/opentelemetry.md describes.
fn bodies(
    event: &mut Event,
    span: &Span,
    class: &Class,
    said: Conversation,
    mut attributes: Attributes,
    resource: Attributes,
) {
    let mut parameters = parameters(&mut attributes);
    let asked = parameters.remove("model").filter(Value::is_string);
    // OpenInference names the model that answered where it knows it, and keeps the one asked for in the parameters.
    let named = attributes.value(&["llm.model_name", "embedding.model_name", "reranker.model_name"]);
    let stream = attributes
        .flag(&["gen_ai.is_streaming", "llm.is_streaming"])
        .or_else(|| parameters.get("stream")?.as_bool());
    let status = attributes.count(&["http.response.status_code", "http.status_code"]);
    let mut answer = Body::default();
    answer.put("id", attributes.value(&["gen_ai.response.id"]));
    let other = named
        .clone()
        .filter(|named| asked.as_ref().is_some_and(|asked| asked != named));
    answer.put("model", attributes.value(&["gen_ai.response.model"]).or(other));
    let reasons = attributes.texts(&[
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "gen_ai.response.stop_reason",
        "llm.response.finish_reason",
        "llm.finish_reason",
    ]);
    answer.put(
        "finish_reasons",
        some_list(reasons.into_iter().map(Value::from).collect()),
    );
    answer.put("messages", some_list(said.output));
    let reported = usage::take(&mut attributes);
    answer.put("usage", some_object(reported.usage));
    answer.put("usage_reported", some_object(reported.raw));
    let fingerprint = [
        "gen_ai.openai.response.system_fingerprint",
        "openai.response.system_fingerprint",
    ];
    answer.put("system_fingerprint", attributes.value(&fingerprint));
    let tier = [
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
    ];
    answer.put("service_tier", attributes.value(&tier));
    answer.put(
        "output",
        attributes
            .value(&[
                "output.value",
                "gen_ai.tool.call.result",
                "traceloop.entity.output",
            ])
            .map(parsed),
    );
    answer.put("documents", attributes.indexed("retrieval.documents"));
    let embeddings = attributes.indexed("embedding.embeddings");
    answer.put(
        "embeddings",
        embeddings
            .clone()
            .or_else(|| attributes.nested("gen_ai.embeddings")),
    );
    answer.put("chunks", (said.chunks > 0).then(|| Value::from(said.chunks)));
    let answered = !answer.0.is_empty();
    answer.put("failed", event.error.as_ref().map(|_| Value::from(true)));

    let mut request = Body::default();
    request.put("span", Some(Value::from(span.name.as_str())));
    request.put("convention", Some(Value::from(class.convention)));
    request.put("model", asked.or(named));
    request.put("stream", stream.map(Value::from));
    request.put("parameters", some_object(parameters));
    request.put("system", some_list(said.system));
    request.put("messages", some_list(said.input));
    request.put("tools", said.tools);
    let arguments = [
        "gen_ai.tool.call.arguments",
        "input.value",
        "traceloop.entity.input",
        "tool.parameters",
    ];
    let texts = embeddings.as_ref().and_then(Value::as_array).map(|items| {
        items
            .iter()
            .filter_map(|item| item.pointer("/embedding/text").cloned())
            .collect::<Vec<_>>()
    });
    let input = attributes.value(&arguments).map(parsed);
    request.put("input", texts.and_then(some_list).or(input));
    request.put("events", some_list(said.other_events));
    request.put("attributes", some_object(attributes.rest()));
    request.put("resource", some_object(resource.rest()));
    event.request = Some(ProviderRequest {
        method: None,
        url: Some(EVENT_URL.to_owned()),
        body: request.into_bytes(),
    });
    // A call that failed has an answer only when the span says something of one.
    event.response = (answered || event.error.is_none()).then(|| ProviderResponse {
        status: status
            .and_then(|(_, status)| i32::try_from(status).ok())
            .filter(|status| (100..=599).contains(status)),
        content_type: Some(RESPONSE_TYPE.to_owned()),
        body: answer.into_bytes(),
    });
}

/// Parameters of the call: `gen_ai.request.*` but the model, and what OpenInference records as one JSON text.
fn parameters(attributes: &mut Attributes) -> Map<String, Value> {
    let model = attributes.value(&["gen_ai.request.model"]);
    let mut parameters = match attributes.nested("gen_ai.request") {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let invocation = attributes.value(&["llm.invocation_parameters", "embedding.invocation_parameters"]);
    if let Some(Value::Object(members)) = invocation.map(parsed) {
        parameters.extend(members);
    }
    if let Some(model) = model {
        parameters.insert("model".to_owned(), model);
    }
    parameters
}

#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn put(&mut self, name: &str, value: Option<Value>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn into_bytes(self) -> Vec<u8> {
        Value::Object(self.0).to_string().into_bytes()
    }
}

fn some_list(items: Vec<Value>) -> Option<Value> {
    (!items.is_empty()).then_some(Value::Array(items))
}

fn some_object(members: Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then_some(Value::Object(members))
}

/// A text as an event may hold it in a short field: without control characters, not empty, not too long.
fn clean(text: &str, limit_bytes: usize) -> Option<String> {
    let plain: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    shortened(plain.trim(), limit_bytes)
}

fn shortened(text: &str, limit_bytes: usize) -> Option<String> {
    let end = text.floor_char_boundary(limit_bytes);
    Some(text[..end].to_owned()).filter(|text| !text.is_empty())
}
