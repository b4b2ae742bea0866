//! Bounds of one export, and why one is not read at all.

/// Bounds of one export request. A span beyond a limit of its own is rejected alone, the request is not.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The request after decompression.
    pub body_bytes: usize,
    /// Spans of a request, counted before they are decoded.
    pub spans: usize,
    /// Resources and scopes of a request, together.
    pub groups: usize,
    /// Attributes of a span, a resource, or an event.
    pub attributes: usize,
    /// Events of a span. Streams may have one a chunk.
    pub events: usize,
    /// How deep arrays and maps may lie inside an attribute.
    pub depth: usize,
}

impl Limits {
    /// What docs/opentelemetry.md and docs/limits.md state.
    pub const DEFAULT: Limits = Limits {
        body_bytes: 8 * 1024 * 1024,
        spans: 10_000,
        groups: 1_000,
        attributes: 1_024,
        events: 10_000,
        depth: 16,
    };
}

/// Why a request is refused whole: it would be refused again, so an exporter must not send it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the body is no ExportTraceServiceRequest in protobuf: {0}")]
    Protobuf(String),
    #[error("the body is no ExportTraceServiceRequest in OTLP's JSON: {0}")]
    Json(String),
    /// What there are too many of, how many, and how many may be.
    #[error("the request has {count} {what}, more than the limit of {limit}; export in smaller batches")]
    TooLarge {
        what: &'static str,
        count: usize,
        limit: usize,
    },
}

impl DecodeError {
    /// The HTTP status: 413 for what is too large, else 400.
    pub fn status(&self) -> u16 {
        match self {
            DecodeError::TooLarge { .. } => 413,
            DecodeError::Protobuf(_) | DecodeError::Json(_) => 400,
        }
    }

    pub(crate) fn check(what: &'static str, count: usize, limit: usize) -> Result<(), DecodeError> {
        if count > limit {
            return Err(DecodeError::TooLarge { what, count, limit });
        }
        Ok(())
    }
}
