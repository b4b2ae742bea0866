//! Which address speaks which dialect, and the form of an answer.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::{
    anthropic, bedrock, behaviour::Behaviour, call::Call, cohere, google, ollama, openai, openai_responses,
};

/// What goes back: one chunk, or a stream's chunks in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) chunks: Vec<Bytes>,
    /// Whether the length is unknown beforehand.
    pub(crate) is_stream: bool,
}

impl Answer {
    pub(crate) fn json(value: &Value) -> Answer {
        Answer::status(200, value)
    }

    pub(crate) fn status(status: u16, value: &Value) -> Answer {
        Answer {
            status,
            content_type: "application/json",
            chunks: vec![Bytes::from(value.to_string())],
            is_stream: false,
        }
    }

    pub(crate) fn stream(content_type: &'static str, chunks: Vec<Bytes>) -> Answer {
        Answer {
            status: 200,
            content_type,
            chunks,
            is_stream: true,
        }
    }

    /// Server-sent events of the form `data: JSON`.
    pub(crate) fn sse(events: impl IntoIterator<Item = Value>, end: Option<&'static str>) -> Answer {
        let mut chunks: Vec<Bytes> = events
            .into_iter()
            .map(|event| format!("data: {event}\n\n").into())
            .collect();
        chunks.extend(end.map(|end| Bytes::from_static(end.as_bytes())));
        Answer::stream("text/event-stream; charset=utf-8", chunks)
    }

    /// Server-sent events with a name, which is the JSON's `type`.
    pub(crate) fn named_sse(events: impl IntoIterator<Item = Value>) -> Answer {
        let named = |event: Value| -> Bytes {
            let name = event["type"].as_str().unwrap_or("message");
            format!("event: {name}\ndata: {event}\n\n").into()
        };
        Answer::stream(
            "text/event-stream; charset=utf-8",
            events.into_iter().map(named).collect(),
        )
    }

    /// One JSON object a line.
    pub(crate) fn lines(content_type: &'static str, lines: impl IntoIterator<Item = Value>) -> Answer {
        let chunks = lines.into_iter().map(|line| format!("{line}\n").into()).collect();
        Answer::stream(content_type, chunks)
    }
}

/// The answer to a call that goes well, or in the way that `behaviour` changes its content.
pub(crate) fn answer(method: &Method, call: &Call, behaviour: Behaviour) -> Answer {
    match behaviour {
        Behaviour::RateLimited => {
            return error(
                call,
                429,
                "rate_limit_error",
                "Rate limit reached; try again later",
            );
        }
        Behaviour::ServerError => return error(call, 500, "server_error", "The server had an error"),
        _ => {}
    }
    let answer = routed(method, call).unwrap_or_else(|| {
        error(
            call,
            404,
            "not_found_error",
            "the fake provider has nothing at this address",
        )
    });
    if behaviour == Behaviour::BadJson {
        return spoiled(answer);
    }
    answer
}

fn routed(method: &Method, call: &Call) -> Option<Answer> {
    let path = call.path.as_str();
    if method == Method::GET {
        return path.ends_with("/models").then(|| openai::models(call));
    }
    if let Some(rest) = path.strip_prefix("/model/") {
        return bedrock::answer(call, rest);
    }
    if let Some(at) = path.find("/models/")
        && path[at..].contains(':')
    {
        return google::answer(call, &path[at + "/models/".len()..]);
    }
    if path.starts_with("/api/") {
        return ollama::answer(call);
    }
    match path.rsplit_once('/')? {
        (before, "completions") if before.ends_with("/chat") => Some(openai::chat(call)),
        (_, "completions") => Some(openai::completions(call)),
        (_, "responses") => Some(openai_responses::answer(call)),
        (_, "embeddings") => Some(openai::embeddings(call)),
        (_, "generations") => Some(openai::images(call)),
        (_, "messages") => Some(anthropic::answer(call)),
        (_, "count_tokens") => Some(Answer::json(&json!({"input_tokens": call.facts.input_tokens}))),
        (before, "chat") => Some(cohere::chat(call, before.ends_with("/v2"))),
        (_, "embed") => Some(cohere::embed(call)),
        _ => None,
    }
}

/// An error in the dialect of the address.
pub(crate) fn error(call: &Call, status: u16, kind: &str, message: &str) -> Answer {
    let body = if call.path.ends_with("/messages") {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": call.facts.id})
    } else if call.path.contains("/models/") {
        json!({"error": {"code": status, "message": message, "status": kind.to_uppercase()}})
    } else if call.path.starts_with("/model/") || call.path.starts_with("/v2/") || call.path == "/v1/chat" {
        json!({"message": message})
    } else if call.path.starts_with("/api/") {
        json!({"error": message})
    } else {
        json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
    };
    Answer::status(status, &body)
}

/// Breaks the JSON in the middle; a stream keeps its framing, so that only one event's data is broken.
fn spoiled(mut answer: Answer) -> Answer {
    let middle = answer.chunks.len() / 2;
    if let Some(chunk) = answer.chunks.get_mut(middle) {
        let mut bytes = chunk.to_vec();
        let at = bytes.len() / 2;
        bytes.truncate(at);
        bytes.extend_from_slice(if answer.is_stream {
            b"#broken\n\n"
        } else {
            b"#broken"
        });
        *chunk = bytes.into();
    }
    answer
}
