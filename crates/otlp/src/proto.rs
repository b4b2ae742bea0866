//! The protobuf encoding (opentelemetry-proto 1.x, `trace/v1/trace.proto` and `common/v1/common.proto`).
//!
//! Messages that may be many are taken as bytes first and decoded one by one, for two reasons: a body of two-byte
//! messages must not swell to a hundred times its size, and one broken span must not cost the others.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};
use serde_json::{Map, Number, Value};

use crate::limits::{DecodeError, Limits};
use crate::span::{Batch, Group, Pairs, Rejection, Scope, Span, SpanEvent, id, within_depth};

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    resource_spans: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(bytes = "bytes", optional, tag = "1")]
    resource: Option<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    scope_spans: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<InstrumentationScope>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    spans: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct InstrumentationScope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, Message)]
struct SpanMessage {
    #[prost(bytes = "bytes", tag = "1")]
    trace_id: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    span_id: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    parent_span_id: Bytes,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(bytes = "bytes", repeated, tag = "11")]
    events: Vec<Bytes>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct EventMessage {
    #[prost(fixed64, tag = "1")]
    time_unix_nano: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "3")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Any {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes, tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    values: Vec<KeyValue>,
}

/// `Status.code` of a span that failed.
const STATUS_ERROR: i32 = 2;

/// Reads a request in protobuf.
///
/// # Errors
/// When the bytes are no request or hold more than the limits allow; a span that is wrong by itself is a
/// [`Rejection`] in its place instead.
pub fn decode_protobuf(body: &Bytes, limits: &Limits) -> Result<Batch, DecodeError> {
    DecodeError::check("bytes", body.len(), limits.body_bytes)?;
    DecodeError::check("resources", occurrences(body, 1)?, limits.groups)?;
    let request: Request = message(body)?;
    let (mut groups, mut spans, mut scopes) = (Vec::new(), 0, 0);
    for resource_spans in request.resource_spans {
        scopes += occurrences(&resource_spans, 2)?;
        DecodeError::check("resources and scopes", scopes, limits.groups)?;
        let resource_spans: ResourceSpans = message(&resource_spans)?;
        let resource = match &resource_spans.resource {
            Some(bytes) => resource(bytes, limits)?,
            None => Pairs::new(),
        };
        for scope_spans in resource_spans.scope_spans {
            spans += occurrences(&scope_spans, 2)?;
            DecodeError::check("spans", spans, limits.spans)?;
            let scope_spans: ScopeSpans = message(&scope_spans)?;
            let scope = scope_spans.scope.unwrap_or_default();
            groups.push(Group {
                resource: resource.clone(),
                scope: Scope {
                    name: scope.name,
                    version: scope.version,
                },
                spans: scope_spans
                    .spans
                    .iter()
                    .map(|bytes| span(bytes, limits))
                    .collect(),
            });
        }
    }
    Ok(Batch { groups })
}

fn message<M: Message + Default>(bytes: &Bytes) -> Result<M, DecodeError> {
    M::decode(bytes.clone()).map_err(|error| DecodeError::Protobuf(error.to_string()))
}

fn resource(bytes: &Bytes, limits: &Limits) -> Result<Pairs, DecodeError> {
    DecodeError::check(
        "attributes of a resource",
        occurrences(bytes, 1)?,
        limits.attributes,
    )?;
    let resource: Resource = message(bytes)?;
    pairs(resource.attributes, limits).map_err(DecodeError::Protobuf)
}

/// How often a field occurs in a message, without decoding it.
fn occurrences(bytes: &Bytes, field: u32) -> Result<usize, DecodeError> {
    let wrong = |error: prost::DecodeError| DecodeError::Protobuf(error.to_string());
    let (mut rest, mut count) = (bytes.clone(), 0);
    while rest.has_remaining() {
        let (tag, wire_type): (u32, WireType) = decode_key(&mut rest).map_err(wrong)?;
        skip_field(wire_type, tag, &mut rest, DecodeContext::default()).map_err(wrong)?;
        count += usize::from(tag == field);
    }
    Ok(count)
}

fn span(bytes: &Bytes, limits: &Limits) -> Result<Span, Rejection> {
    let unread = |error: DecodeError| Rejection::new(None, error.to_string());
    let count = |field, what, limit| {
        let count = occurrences(bytes, field).map_err(unread)?;
        DecodeError::check(what, count, limit).map_err(|_| {
            Rejection::new(
                None,
                format!("the span has {count} {what}; at most {limit} are allowed"),
            )
        })
    };
    count(9, "attributes", limits.attributes)?;
    count(11, "events", limits.events)?;
    let message: SpanMessage = message(bytes).map_err(unread)?;
    let named = Some(hex::encode(&message.span_id)).filter(|text| text.len() == 16);
    let wrong = |reason: String| Rejection::new(named.clone(), reason);
    let events: Result<Vec<SpanEvent>, String> =
        message.events.iter().map(|bytes| event(bytes, limits)).collect();
    let status = message.status.unwrap_or_default();
    Ok(Span {
        trace_id: id(&message.trace_id)
            .ok_or_else(|| wrong("trace_id must be 16 bytes, not all zero".into()))?,
        span_id: id(&message.span_id).ok_or_else(|| wrong("span_id must be 8 bytes, not all zero".into()))?,
        parent_span_id: id(&message.parent_span_id),
        name: message.name,
        start_ns: message.start_time_unix_nano,
        end_ns: message.end_time_unix_nano,
        attributes: pairs(message.attributes, limits).map_err(wrong)?,
        events: events.map_err(wrong)?,
        failed: status.code == STATUS_ERROR,
        status_message: status.message,
    })
}

fn event(bytes: &Bytes, limits: &Limits) -> Result<SpanEvent, String> {
    let count = occurrences(bytes, 3).map_err(|error| error.to_string())?;
    if count > limits.attributes {
        let limit = limits.attributes;
        return Err(format!(
            "an event has {count} attributes; at most {limit} are allowed"
        ));
    }
    let message: EventMessage = message(bytes).map_err(|error| error.to_string())?;
    Ok(SpanEvent {
        time_ns: message.time_unix_nano,
        name: message.name,
        attributes: pairs(message.attributes, limits)?,
    })
}

fn pairs(attributes: Vec<KeyValue>, limits: &Limits) -> Result<Pairs, String> {
    let pair = |attribute: KeyValue| {
        let value = json(attribute.value);
        if within_depth(&value, limits.depth) {
            Ok((attribute.key, value))
        } else {
            Err(format!(
                "an attribute is nested deeper than {} levels",
                limits.depth
            ))
        }
    };
    attributes.into_iter().map(pair).collect()
}

/// Prost bounds the depth of what it decodes at 100, so this recursion ends.
fn json(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        None => Value::Null,
        Some(Any::Text(text)) => Value::String(text),
        Some(Any::Bool(value)) => Value::Bool(value),
        Some(Any::Int(value)) => Value::from(value),
        Some(Any::Double(value)) => {
            Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
        }
        Some(Any::Array(array)) => array.values.into_iter().map(|value| json(Some(value))).collect(),
        Some(Any::Map(list)) => {
            let members = list
                .values
                .into_iter()
                .map(|member| (member.key, json(member.value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Some(Any::Bytes(bytes)) => Value::String(STANDARD.encode(bytes)),
    }
}
