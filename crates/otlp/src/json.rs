//! OTLP's JSON encoding: protobuf's JSON mapping with hexadecimal ids, whole numbers as text or number, enumerations as
//! whole numbers, names in lowerCamelCase; unknown names are ignored (OTLP specification, "JSON Protobuf Encoding").

use serde_json::{Map, Number, Value};

use crate::limits::{DecodeError, Limits};
use crate::span::{Batch, Group, Pairs, Rejection, Scope, Span, SpanEvent, id};

/// Reads a request in JSON.
///
/// # Errors
/// As [`crate::decode_protobuf`].
pub fn decode_json(body: &[u8], limits: &Limits) -> Result<Batch, DecodeError> {
    DecodeError::check("bytes", body.len(), limits.body_bytes)?;
    let request = aal_event::parse_strict(body).map_err(|error| DecodeError::Json(error.to_string()))?;
    let request = object(&request, "the body")?;
    let (mut groups, mut spans, mut scopes) = (Vec::new(), 0, 0);
    let resources = list(request, "resourceSpans")?;
    DecodeError::check("resources", resources.len(), limits.groups)?;
    for resource_spans in resources {
        let resource_spans = object(resource_spans, "resourceSpans")?;
        let resource = resource(resource_spans, limits)?;
        let scope_spans = list(resource_spans, "scopeSpans")?;
        scopes += scope_spans.len();
        DecodeError::check("resources and scopes", scopes, limits.groups)?;
        for scope_spans in scope_spans {
            let scope_spans = object(scope_spans, "scopeSpans")?;
            let listed = list(scope_spans, "spans")?;
            spans += listed.len();
            DecodeError::check("spans", spans, limits.spans)?;
            groups.push(Group {
                resource: resource.clone(),
                scope: scope(scope_spans.get("scope")),
                spans: listed.iter().map(|value| span(value, limits)).collect(),
            });
        }
    }
    Ok(Batch { groups })
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, DecodeError> {
    let wrong = || DecodeError::Json(format!("{what} must be an object"));
    value.as_object().ok_or_else(wrong)
}

/// An array; absent and null are an empty one.
fn list<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], DecodeError> {
    array(members, name).map_err(DecodeError::Json)
}

fn array<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{name} must be an array")),
    }
}

fn text(members: &Map<String, Value>, name: &str) -> String {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn resource(members: &Map<String, Value>, limits: &Limits) -> Result<Pairs, DecodeError> {
    match members.get("resource") {
        Some(Value::Object(resource)) => pairs(resource, limits).map_err(DecodeError::Json),
        _ => Ok(Pairs::new()),
    }
}

fn scope(value: Option<&Value>) -> Scope {
    let members = value.and_then(Value::as_object);
    members.map_or_else(Scope::default, |members| Scope {
        name: text(members, "name"),
        version: text(members, "version"),
    })
}

fn span(value: &Value, limits: &Limits) -> Result<Span, Rejection> {
    let Some(members) = value.as_object() else {
        return Err(Rejection::new(None, "a span must be an object"));
    };
    let named = Some(text(members, "spanId")).filter(|text| hex_id::<8>(text).is_some());
    read_span(members, limits).map_err(|reason| Rejection::new(named, reason))
}

fn read_span(members: &Map<String, Value>, limits: &Limits) -> Result<Span, String> {
    let events = array(members, "events")?;
    if events.len() > limits.events {
        let (count, limit) = (events.len(), limits.events);
        return Err(format!(
            "the span has {count} events; at most {limit} are allowed"
        ));
    }
    let no_id =
        |name: &str, digits: usize| format!("{name} must be {digits} hexadecimal digits, not all zero");
    let status = members.get("status").and_then(Value::as_object);
    Ok(Span {
        trace_id: hex_id(&text(members, "traceId")).ok_or_else(|| no_id("traceId", 32))?,
        span_id: hex_id(&text(members, "spanId")).ok_or_else(|| no_id("spanId", 16))?,
        parent_span_id: hex_id(&text(members, "parentSpanId")),
        name: text(members, "name"),
        start_ns: nanoseconds(members, "startTimeUnixNano")?,
        end_ns: nanoseconds(members, "endTimeUnixNano")?,
        attributes: pairs(members, limits)?,
        events: events
            .iter()
            .map(|event| read_event(event, limits))
            .collect::<Result<_, _>>()?,
        failed: status.is_some_and(|status| {
            let code = status.get("code");
            code.and_then(Value::as_i64) == Some(2)
                || code.and_then(Value::as_str) == Some("STATUS_CODE_ERROR")
        }),
        status_message: status.map(|status| text(status, "message")).unwrap_or_default(),
    })
}

fn read_event(value: &Value, limits: &Limits) -> Result<SpanEvent, String> {
    let members = value.as_object().ok_or("an event must be an object")?;
    Ok(SpanEvent {
        time_ns: nanoseconds(members, "timeUnixNano")?,
        name: text(members, "name"),
        attributes: pairs(members, limits)?,
    })
}

fn hex_id<const N: usize>(text: &str) -> Option<[u8; N]> {
    id(&hex::decode(text).ok()?)
}

fn nanoseconds(members: &Map<String, Value>, name: &str) -> Result<u64, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number.ok_or_else(|| format!("{name} must be a whole number of nanoseconds, as text or number"))
        }
    }
}

/// The attributes of a span, an event or a resource.
fn pairs(members: &Map<String, Value>, limits: &Limits) -> Result<Pairs, String> {
    let attributes = array(members, "attributes")?;
    if attributes.len() > limits.attributes {
        let (count, limit) = (attributes.len(), limits.attributes);
        return Err(format!(
            "there are {count} attributes; at most {limit} are allowed"
        ));
    }
    let pair = |attribute: &Value| {
        let members = attribute.as_object().ok_or("an attribute must be an object")?;
        let key = members
            .get("key")
            .and_then(Value::as_str)
            .ok_or("an attribute has no key")?;
        Ok((key.to_owned(), any(members.get("value"), limits.depth)?))
    };
    attributes.iter().map(pair).collect()
}

/// An `AnyValue`; arrays and maps may lie `depth` deep.
fn any(value: Option<&Value>, depth: usize) -> Result<Value, String> {
    let members = match value {
        None | Some(Value::Null) => return Ok(Value::Null),
        Some(Value::Object(members)) => members,
        Some(_) => {
            return Err("an attribute's value must be an object such as {\"stringValue\": \"x\"}".to_owned());
        }
    };
    let Some((name, value)) = members.iter().next() else {
        return Ok(Value::Null);
    };
    match (name.as_str(), value) {
        ("stringValue" | "bytesValue", Value::String(_)) | ("boolValue", Value::Bool(_)) => Ok(value.clone()),
        ("intValue", _) => {
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            number
                .map(Value::from)
                .ok_or_else(|| "intValue must be a 64-bit whole number".to_owned())
        }
        ("doubleValue", Value::Number(_)) => Ok(value.clone()),
        // Protobuf's mapping writes what JSON has no number for as text; finite numbers may be text, too.
        ("doubleValue", Value::String(text)) => {
            let number: f64 = text
                .parse()
                .map_err(|_| "doubleValue must be a number".to_owned())?;
            Ok(Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number))
        }
        ("arrayValue" | "kvlistValue", Value::Object(_)) if depth == 0 => {
            Err("an attribute is nested too deep; at most 16 levels are allowed".to_owned())
        }
        ("arrayValue", Value::Object(inner)) => {
            let items = array(inner, "values")?;
            items.iter().map(|item| any(Some(item), depth - 1)).collect()
        }
        ("kvlistValue", Value::Object(inner)) => {
            let members = array(inner, "values")?.iter().map(|member| {
                let key = member
                    .get("key")
                    .and_then(Value::as_str)
                    .ok_or("a map's member has no key")?;
                Ok((key.to_owned(), any(member.get("value"), depth - 1)?))
            });
            Ok(Value::Object(members.collect::<Result<Map<_, _>, String>>()?))
        }
        (other, _) => Err(format!(
            "an attribute's value is no AnyValue: {:?}",
            other.chars().take(32).collect::<String>()
        )),
    }
}
