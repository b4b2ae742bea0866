//! A call under way, and the promise that it is recorded once, however it ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aal_event::{Source, Trace};
use http::{HeaderMap, Method};
use uuid::Uuid;

use super::{
    attribution::Attribution,
    capture::{Capture, Captured, SharedCapture},
    recorder::Recorder,
    target::Target,
};
use crate::auth::Caller;

/// What is known of a call before its end.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) event_id: Uuid,
    pub(crate) caller: Caller,
    pub(crate) attribution: Attribution,
    pub(crate) target: Target,
    pub(crate) method: Method,
    pub(crate) trace: Option<Trace>,
    pub(crate) source: Source,
    pub(crate) started_at_us: i64,
    pub(crate) started: Instant,
    pub(crate) request: SharedCapture,
    pub(crate) request_encoding: Option<String>,
    pub(crate) has_intent: bool,
    pub(crate) response_head: Option<ResponseHead>,
    pub(crate) response: Capture,
    pub(crate) first_byte: Option<Duration>,
}

/// What the event says of the answer's head.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) encoding: Option<String>,
    /// Token counts that Bedrock states in headers only, by header.
    pub(crate) token_counts: Vec<(String, String)>,
}

/// The token counts among the headers of an answer: `x-amzn-bedrock-input-token-count` and its like.
pub(crate) fn token_counts(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_count = |name: &str| name.starts_with("x-amzn-bedrock-") && name.ends_with("-token-count");
    let counts = headers.iter().filter(|(name, _)| is_count(name.as_str()));
    let digits = counts.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        let is_number = (1..=15).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| (name.as_str().to_owned(), value.to_owned()))
    });
    digits.take(MOST_COUNTS).collect()
}

/// Most token counts that are taken from an answer's headers; Bedrock has four.
const MOST_COUNTS: usize = 8;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The whole answer was read from the provider and handed on.
    Complete,
    /// The application went away first.
    ClientGone,
    /// The provider's connection broke.
    ProviderGone(String),
    /// Nothing came from the provider for too long.
    ProviderStalled,
    /// No connection to the provider.
    Unreachable(String),
}

/// A call that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) draft: Draft,
    pub(crate) end: End,
    pub(crate) duration: Duration,
    pub(crate) request: Captured,
    pub(crate) response: Captured,
}

/// A call under way. Dropping it means that the application went away.
#[derive(Debug)]
pub(crate) struct Call {
    draft: Option<Box<Draft>>,
    recorder: Arc<Recorder>,
}

impl Call {
    pub(crate) fn new(draft: Draft, recorder: Arc<Recorder>) -> Self {
        recorder.stats.under_way.add(1);
        Self {
            draft: Some(Box::new(draft)),
            recorder,
        }
    }

    /// `None` after the end.
    pub(crate) fn draft(&mut self) -> Option<&mut Draft> {
        self.draft.as_deref_mut()
    }

    /// Notes a chunk of the answer.
    pub(crate) fn saw(&mut self, chunk: &bytes::Bytes) {
        if let Some(draft) = &mut self.draft {
            if draft.first_byte.is_none() && !chunk.is_empty() {
                draft.first_byte = Some(draft.started.elapsed());
            }
            draft.response.push(chunk);
        }
    }

    /// Ends the call; the first end counts.
    pub(crate) fn end(&mut self, end: End) {
        let Some(draft) = self.draft.take() else { return };
        let mut draft = *draft;
        self.recorder.stats.under_way.add(-1);
        let request = draft.request.lock().take();
        let response = draft.response.take();
        self.recorder.submit(Finished {
            duration: draft.started.elapsed(),
            end,
            request,
            response,
            draft,
        });
    }

    /// Gives the call up without an event: nothing was asked of a provider.
    pub(crate) fn forget(mut self) {
        if self.draft.take().is_some() {
            self.recorder.stats.under_way.add(-1);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(End::ClientGone);
    }
}

/// W3C trace context, version 00 (`traceparent: 00-TRACE-PARENT-FLAGS`). It goes on to the provider as it came.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<Trace> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.trim().split('-');
    let (version, trace_id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, digits: usize| {
        let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == digits && text.bytes().all(lower_hex)
    };
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let is_right = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace_id, 32)
        && is_hex(parent, 16)
        && is_hex(flags, 2)
        && !is_zero(trace_id)
        && !is_zero(parent);
    is_right.then(|| Trace {
        trace_id: trace_id.to_owned(),
        span_id: None,
        parent_span_id: Some(parent.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_context_is_read_and_nonsense_is_not() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().unwrap());
            trace_of(&headers)
        };
        let trace = of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent_span_id.as_deref(), Some("00f067aa0ba902b7"));
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
