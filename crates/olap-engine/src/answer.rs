//! Answers: headers, errors, and bodies whose statement may still fail after the first bytes are out.

use crate::error::EngineError;
use crate::ffi::Counters;
use crate::formats::content_type;
use crate::framing;
use crate::run::{Event, KillOnDrop};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The body of every answer.
pub type AnswerBody = BoxBody<Bytes, Infallible>;

/// What the answers to one request have in common.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Echoed as `X-ClickHouse-Query-Id`.
    pub query_id: String,
    /// Whether bodies come in compressed blocks.
    pub compress: bool,
    /// Marks a late error in a body; 16 random characters.
    pub exception_tag: String,
}

impl Envelope {
    fn pack(&self, data: Bytes) -> Bytes {
        if self.compress {
            framing::encode(&data)
        } else {
            data
        }
    }

    fn response(&self, status: StatusCode, format: Option<&str>, body: AnswerBody) -> Response<AnswerBody> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(content_type(format.unwrap_or_default())),
        );
        headers.insert("x-clickhouse-timezone", HeaderValue::from_static("UTC"));
        headers.insert(
            "x-clickhouse-server-display-name",
            HeaderValue::from_static("aal-olap-engine"),
        );
        for (name, value) in [
            ("x-clickhouse-query-id", Some(self.query_id.as_str())),
            ("x-clickhouse-exception-tag", Some(self.exception_tag.as_str())),
            ("x-clickhouse-format", format),
        ] {
            // A client may have sent a query id that no header can hold; it goes without.
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        response
    }

    /// A finished result.
    pub fn whole(&self, format: &str, data: Bytes, counters: Counters) -> Response<AnswerBody> {
        let mut response = self.response(StatusCode::OK, Some(format), full(self.pack(data)));
        let summary = serde_json::json!({
            "read_rows": counters.rows_read.to_string(),
            "read_bytes": counters.bytes_read.to_string(),
            "written_rows": counters.rows_written.to_string(),
            "written_bytes": counters.bytes_written.to_string(),
        });
        if let Ok(value) = HeaderValue::from_str(&summary.to_string()) {
            response.headers_mut().insert("x-clickhouse-summary", value);
        }
        response
    }

    /// A result that is still being made. `first` has been taken from `events` already.
    pub fn streamed(
        &self,
        format: &str,
        first: Event,
        events: mpsc::Receiver<Event>,
        kill: KillOnDrop,
    ) -> Response<AnswerBody> {
        let body = Streamed {
            first: Some(first),
            events,
            envelope: self.clone(),
            _kill: kill,
            done: false,
        };
        self.response(StatusCode::OK, Some(format), BodyExt::boxed(body))
    }

    /// A failure that is known before the first byte.
    pub fn error(&self, error: &EngineError) -> Response<AnswerBody> {
        let text = Bytes::from(format!("{error}\n"));
        let mut response = self.response(error.status(), None, full(self.pack(text)));
        response
            .headers_mut()
            .insert("x-clickhouse-exception-code", HeaderValue::from(error.code()));
        response
    }

    /// What ends a body whose statement failed on the way, as servers since 25.11 write it.
    fn late_error(&self, error: &EngineError) -> Bytes {
        let tag = &self.exception_tag;
        let message = format!("{error}\n");
        let length = message.len();
        self.pack(Bytes::from(format!(
            "\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n"
        )))
    }
}

/// A body that is known.
pub fn full(data: impl Into<Bytes>) -> AnswerBody {
    Full::new(data.into()).boxed()
}

struct Streamed {
    first: Option<Event>,
    events: mpsc::Receiver<Event>,
    envelope: Envelope,
    _kill: KillOnDrop,
    done: bool,
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let event = match self.first.take() {
            Some(event) => Some(event),
            None => std::task::ready!(self.events.poll_recv(context)),
        };
        let data = match event {
            Some(Event::Data(data)) => self.envelope.pack(data),
            Some(Event::End) => {
                self.done = true;
                return Poll::Ready(None);
            }
            Some(Event::Failed(error)) => {
                self.done = true;
                self.envelope.late_error(&error)
            }
            // The statement's thread died. An answer that simply ended here would look complete.
            None => {
                self.done = true;
                self.envelope.late_error(&EngineError::no_result())
            }
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}
