//! One event from one call. No I/O and no clock.

use aal_event::{CallError, Event, Limits, ProviderRequest, ProviderResponse, Timing};
use serde_json::{Map, Value, json};

use super::{
    capture::Captured,
    decode::decode,
    draft::{Draft, End, Finished},
};

/// Name of the gateway in `source.sdk` and as actor of intents.
pub(crate) const NAME: &str = "aal-gateway";
/// Tag under which a header of the answer that states token counts is kept; the header's name follows.
const HEADER_TAG: &str = "aal.header.";
const MOST_HEADER_ERRORS: usize = 20;

/// The event of a call that is over.
pub(crate) fn event_of(finished: &Finished, edge_at_us: i64, limit_bytes: usize) -> Event {
    let draft = &finished.draft;
    let mut notes = notes_of(draft);
    let request = noted_body(
        &finished.request,
        draft.request_encoding.as_deref(),
        limit_bytes,
        "request",
        &mut notes,
    );
    let mut event = skeleton(draft, request);
    event.edge_at_us = Some(edge_at_us);
    event.response = draft.response_head.as_ref().map(|head| ProviderResponse {
        status: Some(i32::from(head.status)),
        content_type: head.content_type.clone(),
        body: noted_body(
            &finished.response,
            head.encoding.as_deref(),
            limit_bytes,
            "response",
            &mut notes,
        ),
    });
    let counts = draft.response_head.iter().flat_map(|head| &head.token_counts);
    for (header, count) in counts {
        event.tags.insert(format!("{HEADER_TAG}{header}"), count.clone());
    }
    event.timing = Some(Timing {
        started_at_us: Some(draft.started_at_us),
        first_token_us: draft.first_byte.map(micros),
        duration_us: Some(micros(finished.duration)),
    });
    event.error = error_of(&finished.end);
    event.interrupted = !matches!(finished.end, End::Complete | End::Unreachable(_));
    event.metadata = Some(json!({"gateway": notes}).to_string());
    event
}

/// The question alone, as an intent tells it.
pub(crate) fn asked(draft: &Draft, body: Vec<u8>, edge_at_us: i64, limit_bytes: usize) -> Event {
    let mut notes = notes_of(draft);
    let decoded = draft
        .request_encoding
        .as_deref()
        .and_then(|encoding| decode(&body, encoding, limit_bytes));
    notes.remove("intent");
    let mut event = skeleton(draft, decoded.map_or(body, |decoded| decoded.bytes));
    event.edge_at_us = Some(edge_at_us);
    event.metadata = Some(json!({"gateway": notes}).to_string());
    event
}

fn skeleton(draft: &Draft, request_body: Vec<u8>) -> Event {
    let mut url = draft.target.event_url();
    // An address is ASCII, so every place is a boundary.
    url.truncate(Limits::DEFAULT.url_bytes);
    let mut event = Event {
        event_id: draft.event_id,
        tenant: draft.caller.tenant,
        application: draft.caller.application.to_string(),
        occurred_at_us: Some(draft.started_at_us),
        provider: Some(draft.target.upstream.provider.clone()),
        request: Some(ProviderRequest {
            method: Some(draft.method.to_string()),
            url: Some(url),
            body: request_body,
        }),
        trace: draft.trace.clone(),
        source: Some(draft.source.clone()),
        ..Event::default()
    };
    draft.attribution.fill(&mut event);
    event
}

fn notes_of(draft: &Draft) -> Map<String, Value> {
    let mut notes = Map::new();
    notes.insert("upstream".to_owned(), draft.target.upstream.name.clone().into());
    if draft.has_intent {
        let intent = aal_event::intent_id(draft.event_id);
        notes.insert("intent".to_owned(), intent.to_string().into());
    }
    if let Some(first) = draft.attribution.retry_of {
        notes.insert("retry_of".to_owned(), first.to_string().into());
    }
    let errors = &draft.attribution.errors;
    if !errors.is_empty() {
        let errors: Vec<&String> = errors.iter().take(MOST_HEADER_ERRORS).collect();
        notes.insert("header_errors".to_owned(), json!(errors));
    }
    notes
}

/// The body as the event has it, in the clear; what was done to it is noted under `name`.
fn noted_body(
    captured: &Captured,
    encoding: Option<&str>,
    limit_bytes: usize,
    name: &str,
    notes: &mut Map<String, Value>,
) -> Vec<u8> {
    let raw = captured.bytes();
    let mut note = Map::new();
    if let Some(sha256) = captured.sha256 {
        note.insert("truncated".to_owned(), true.into());
        note.insert("bytes".to_owned(), captured.total_bytes.into());
        note.insert("sha256".to_owned(), hex::encode(sha256).into());
    }
    let body = match encoding.map(|encoding| (encoding, decode(&raw, encoding, limit_bytes))) {
        Some((encoding, Some(decoded))) => {
            note.insert("content_encoding".to_owned(), encoding.into());
            if decoded.is_partial {
                note.insert("decoded_partially".to_owned(), true.into());
                note.insert("bytes".to_owned(), captured.total_bytes.into());
            }
            decoded.bytes
        }
        Some((encoding, None)) => {
            note.insert("content_encoding_kept".to_owned(), encoding.into());
            raw
        }
        None => raw,
    };
    if !note.is_empty() {
        notes.insert(name.to_owned(), note.into());
    }
    body
}

fn error_of(end: &End) -> Option<CallError> {
    let (kind, message) = match end {
        End::Complete => return None,
        End::ClientGone => ("client_disconnected", None),
        End::ProviderGone(message) => ("provider_disconnected", Some(message)),
        End::ProviderStalled => ("provider_stalled", None),
        End::Unreachable(message) => ("provider_unreachable", Some(message)),
    };
    Some(CallError {
        r#type: kind.to_owned(),
        message: message.filter(|message| !message.is_empty()).cloned(),
    })
}

fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
