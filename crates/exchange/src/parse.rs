//! An exchange as captured to an exchange in the normalised form.

use aal_pricing::Unit;
use serde_json::Value;

use crate::answer::{Answer, Folded};
use crate::content::{list, request_text, string};
use crate::frames::{Frames, json_lines, looks_like_sse, sse};
use crate::model::{Exchange, ExchangeInput, RequestPart, ResponsePart, UsageState};
use crate::route::{Route, Wire, pricing_provider, route};
use crate::{
    anthropic, aws_frames, batch, bedrock, details, multipart, openai_chat, openai_more, otel, usage, vendors,
};

/// A response body taken apart as far as its bytes allow.
enum Body {
    Absent,
    Json(Value),
    Stream(Frames),
    /// The whole elements of a JSON array that breaks off.
    TornArray(Vec<Value>),
    /// Not readable; `torn` when it is JSON that breaks off.
    Opaque {
        torn: bool,
    },
}

fn body(response: &ResponsePart<'_>) -> Body {
    let bytes = response.body;
    if bytes.trim_ascii().is_empty() {
        return Body::Absent;
    }
    let content_type = response.content_type.to_ascii_lowercase();
    // A reassembled stream is JSON under the stream's content type.
    let json_like = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if content_type.contains("vnd.amazon.eventstream") && !json_like {
        return Body::Stream(aws_frames::aws_event_stream(bytes));
    }
    if looks_like_sse(bytes) || (content_type.contains("text/event-stream") && !json_like) {
        return Body::Stream(sse(&String::from_utf8_lossy(bytes)));
    }
    let lines = || json_lines(&String::from_utf8_lossy(bytes));
    if content_type.contains("ndjson") || content_type.contains("jsonl") {
        return Body::Stream(lines());
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Body::Json(value),
        Err(error) if error.is_eof() && bytes.trim_ascii_start().starts_with(b"[") => {
            Body::TornArray(array_prefix(bytes.trim_ascii_start()))
        }
        Err(error) => {
            let lines = lines();
            if lines.frames.is_empty() {
                return Body::Opaque { torn: error.is_eof() };
            }
            Body::Stream(lines)
        }
    }
}

/// The elements of a JSON array up to where it breaks off.
fn array_prefix(bytes: &[u8]) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut rest = bytes.get(1..).unwrap_or_default().trim_ascii_start();
    loop {
        let mut documents = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let Some(Ok(element)) = documents.next() else {
            return elements;
        };
        // A number or a word at the very end may be a part of a longer one.
        let read = documents.byte_offset();
        rest = rest.get(read..).unwrap_or_default().trim_ascii_start();
        if rest.is_empty() && !(element.is_object() || element.is_array() || element.is_string()) {
            return elements;
        }
        elements.push(element);
        rest = match rest.strip_prefix(b",") {
            Some(next) => next.trim_ascii_start(),
            None => return elements,
        };
    }
}

fn fold(wire: Wire, frames: &Frames) -> Option<Folded> {
    let folded = match wire {
        Wire::OpenAiChat => openai_chat::fold(frames),
        Wire::OpenAiResponses => openai_more::fold_response(frames),
        Wire::OpenAiThreads => openai_more::fold_thread(frames),
        Wire::Anthropic => anthropic::fold(frames),
        Wire::BedrockConverse => bedrock::fold_converse(frames),
        Wire::BedrockInvoke => bedrock::fold_invoke(frames),
        Wire::Gemini => vendors::fold_gemini(frames),
        Wire::Cohere => vendors::fold_cohere(frames),
        Wire::Ollama => vendors::fold_ollama(frames),
        Wire::BatchResults => return batch::fold(frames),
        Wire::Plain => openai_more::fold_plain(frames),
        Wire::Unknown => return None,
    };
    Some(folded)
}

fn read(route: &Route, body: &Value) -> Answer {
    let mut answer = Answer::default();
    match route.wire {
        Wire::OpenAiChat => {
            // Elsewhere a tier is a matter of speed and limits, not of price (Groq's flex).
            let tiered = matches!(route.provider.as_str(), "openai" | "azure");
            openai_chat::read(body, tiered, &mut answer);
        }
        Wire::OpenAiResponses => openai_more::read_response(body, &mut answer),
        Wire::OpenAiThreads => openai_more::read_thread(body, &mut answer),
        Wire::Anthropic => anthropic::read(body, &mut answer),
        Wire::BedrockConverse => bedrock::read_converse(body, &mut answer),
        Wire::BedrockInvoke => bedrock::read_invoke(body, &mut answer),
        Wire::Gemini => vendors::read_gemini(body, &mut answer),
        Wire::Cohere => vendors::read_cohere(body, &mut answer),
        Wire::Ollama => vendors::read_ollama(body, &mut answer),
        Wire::BatchResults => batch::read(body, &mut answer),
        Wire::Plain => {
            answer.read_head(body);
            answer.text(body.get("text"));
            for page in list(body, "pages") {
                answer.text(page.get("markdown"));
            }
        }
        Wire::Unknown => {}
    }
    answer
}

fn succeeded(response: ResponsePart<'_>) -> bool {
    (200..300).contains(&response.status)
}

fn one_frame(chunks: Vec<Value>) -> Frames {
    let frame = crate::frames::Frame {
        event: String::new(),
        data: Value::Array(chunks),
    };
    Frames {
        frames: vec![frame],
        ..Frames::default()
    }
}

/// What the bytes of an exchange amount to before they are read.
struct Opened {
    route: Route,
    request: Option<Value>,
    /// The answer; a stream as the body it stands for.
    answer: Option<Value>,
    streamed: bool,
    /// The answer is whole.
    complete: bool,
}

fn open(input: &ExchangeInput<'_>) -> Opened {
    let request: Option<Value> = input
        .request
        .and_then(|request| serde_json::from_slice(request.body).ok());
    let body = input.response.as_ref().map_or(Body::Absent, body);
    let plain = if let Body::Json(value) = &body {
        Some(value)
    } else {
        None
    };
    let route = route(input, request.as_ref(), plain);
    let asked_to_stream = || {
        let said = request
            .as_ref()
            .and_then(|request| request.get("stream"))
            .and_then(Value::as_bool);
        said.unwrap_or(false)
    };
    let (answer, streamed, complete) = match body {
        Body::Absent => {
            let (streamed, answered) = (asked_to_stream(), input.response.is_some_and(succeeded));
            (None, streamed, !(streamed && answered))
        }
        Body::Opaque { torn } => (None, asked_to_stream(), !torn),
        // Gemini without `alt=sse` streams one JSON array.
        Body::Json(Value::Array(chunks)) if route.wire == Wire::Gemini => {
            let folded = vendors::fold_gemini(&one_frame(chunks));
            (Some(folded.body), true, folded.complete)
        }
        Body::TornArray(chunks) if route.wire == Wire::Gemini && !chunks.is_empty() => {
            (Some(vendors::fold_gemini(&one_frame(chunks)).body), true, false)
        }
        Body::TornArray(_) => (None, asked_to_stream(), false),
        // A file of one line is one document.
        Body::Json(value) if route.wire == Wire::BatchResults => {
            let frame = crate::frames::Frame {
                event: String::new(),
                data: value,
            };
            let frames = Frames {
                frames: vec![frame],
                ..Frames::default()
            };
            (batch::fold(&frames).map(|folded| folded.body), false, true)
        }
        Body::Json(value) => (Some(value), false, true),
        Body::Stream(frames) => match fold(route.wire, &frames) {
            Some(folded) => {
                let usage_due = request
                    .as_ref()
                    .and_then(|request| request.pointer("/stream_options/include_usage"));
                let usage_lost = usage_due.and_then(Value::as_bool) == Some(true)
                    && !frames.done
                    && route.wire == Wire::OpenAiChat
                    && folded.body.get("usage").is_none();
                let streamed = route.wire != Wire::BatchResults;
                (Some(folded.body), streamed, folded.complete && !usage_lost)
            }
            None => (None, true, !frames.cut),
        },
    };
    Opened {
        route,
        request,
        answer,
        streamed,
        complete,
    }
}

/// Reads an exchange. Never fails: what is not understood comes out as such, with nothing made up.
pub fn parse(input: &ExchangeInput<'_>) -> Exchange {
    if let Some(exchange) = otel::exchange(input) {
        return exchange;
    }
    let Opened {
        route,
        request,
        answer: body,
        streamed,
        complete,
    } = open(input);
    let status = input.response.map(|response| response.status);
    let succeeded = input.response.is_some_and(succeeded);
    let interrupted = input.interrupted || !complete;
    let found = body.as_ref().map(|body| usage::find(&route, body));
    let api_flavor = found
        .as_ref()
        .map_or_else(|| usage::expected_flavor(&route), |found| found.flavor);
    let partial = found.as_ref().is_some_and(|found| found.partial);
    let (mut usage, calls) = found.map_or((None, Vec::new()), |found| (found.usage, found.calls));
    if usage.is_none() && succeeded && route.provider == "aws.bedrock" {
        usage = input.header_counts.map(usage::of_headers);
    }
    let answer = match &body {
        Some(body) if succeeded || status.is_none() => read(&route, body),
        _ => Answer::default(),
    };
    if let Some(usage) = usage.as_mut().filter(|_| answer.web_searches > 0) {
        usage.set_count(Unit::WebSearches, answer.web_searches);
    }
    let usage_state = match &usage {
        Some(_) if complete && !partial => UsageState::Reported,
        Some(_) => UsageState::Incomplete,
        None if interrupted && (succeeded || status.is_none()) && (route.counted || streamed) => {
            UsageState::Incomplete
        }
        None if succeeded && route.counted => UsageState::Missing,
        None => UsageState::NotApplicable,
    };
    let details = details::details(&route.operation, request.as_ref(), body.as_ref());
    let understood = route.wire != Wire::Unknown && (body.is_some() || !succeeded || status == Some(204));
    let said = request.as_ref().and_then(|request| string(request, "model"));
    let in_form = || {
        input
            .request
            .and_then(|request| multipart::field(request.body, "model"))
    };
    let model_requested = said.or_else(|| route.model.clone()).or_else(in_form);
    let sent = request
        .as_ref()
        .filter(|_| route.wire != Wire::Unknown)
        .map(request_text);
    let mut input_texts: Vec<String> = sent.into_iter().filter(|text| !text.is_empty()).collect();
    if input_texts.is_empty() {
        input_texts = answer.input;
    }
    Exchange {
        operation: route.operation,
        model: answer.model.or_else(|| model_requested.clone()),
        model_requested,
        streamed,
        status,
        interrupted,
        finish_reasons: answer.finish_reasons,
        usage,
        calls,
        usage_state,
        usage_method: None,
        provider_id_for_pricing: pricing_provider(&route.provider).to_owned(),
        provider: route.provider,
        api_flavor: api_flavor.to_owned(),
        service_tier: answer.service_tier,
        circumstances: answer.circumstances,
        input_text: input_texts.join("\n"),
        output_text: answer.output.join("\n"),
        reasoning_text: answer.reasoning.join("\n"),
        tool_calls: answer.tool_calls,
        system_fingerprint: answer.fingerprint,
        response_id: answer.id,
        details,
        understood,
    }
}

/// A streamed answer as the JSON body an unstreamed call would have had; None when it is no stream of a known form.
///
/// What looks for personal data must look here: in the stream itself one word may lie in pieces over many events.
/// [`parse`] reads the result again like any body.
pub fn reassembled_response(input: &ExchangeInput<'_>) -> Option<Vec<u8>> {
    let opened = open(input);
    let body = opened.answer.filter(|_| opened.streamed)?;
    serde_json::to_vec(&body).ok()
}

/// Input and output text of an exchange whose bodies were replaced, as redaction does.
///
/// Bodies may hold placeholders inside their strings. A reassembled stream counts as a response body.
pub fn texts(input: &ExchangeInput<'_>, request_body: &[u8], response_body: &[u8]) -> (String, String) {
    let request = input.request.map(|request| RequestPart {
        body: request_body,
        ..request
    });
    let response = input.response.map(|response| ResponsePart {
        body: response_body,
        ..response
    });
    let exchange = parse(&ExchangeInput {
        request,
        response,
        ..*input
    });
    (exchange.input_text, exchange.output_text)
}
