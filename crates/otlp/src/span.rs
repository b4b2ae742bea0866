//! Spans as both encodings give them.

use serde_json::Value;

/// Attributes in the order they came; a name that occurs twice is there twice.
pub type Pairs = Vec<(String, Value)>;

/// One export request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub groups: Vec<Group>,
}

impl Batch {
    /// Spans of all groups, readable or not.
    pub fn spans(&self) -> usize {
        self.groups.iter().map(|group| group.spans.len()).sum()
    }
}

/// The spans of one scope of one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    pub resource: Pairs,
    pub scope: Scope,
    /// A span that could not be read is rejected alone.
    pub spans: Vec<Result<Span, Rejection>>,
}

/// The instrumentation that made the spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub name: String,
    pub version: String,
}

/// A finished span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// Never all zeros.
    pub trace_id: [u8; 16],
    /// Never all zeros.
    pub span_id: [u8; 8],
    pub parent_span_id: Option<[u8; 8]>,
    pub name: String,
    /// Nanoseconds since the Unix epoch; 0 is unknown.
    pub start_ns: u64,
    /// Nanoseconds since the Unix epoch; 0 is unknown.
    pub end_ns: u64,
    pub attributes: Pairs,
    pub events: Vec<SpanEvent>,
    /// The span's status is ERROR.
    pub failed: bool,
    pub status_message: String,
}

/// Something that happened within a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpanEvent {
    /// Nanoseconds since the Unix epoch; 0 is unknown.
    pub time_ns: u64,
    pub name: String,
    pub attributes: Pairs,
}

/// Why one span became no event although it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Hexadecimal, as far as it could be read.
    pub span_id: Option<String>,
    /// What is wrong and what to do about it; quotes no content.
    pub reason: String,
}

impl Rejection {
    pub(crate) fn new(span_id: Option<String>, reason: impl Into<String>) -> Self {
        Rejection {
            span_id,
            reason: reason.into(),
        }
    }
}

/// An id of exactly `N` bytes that is not all zeros.
pub(crate) fn id<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let id: [u8; N] = bytes.try_into().ok()?;
    (id != [0; N]).then_some(id)
}

/// Refuses a value whose arrays and maps lie deeper than `limit`.
pub(crate) fn within_depth(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => limit > 0 && items.iter().all(|item| within_depth(item, limit - 1)),
        Value::Object(members) => limit > 0 && members.values().all(|item| within_depth(item, limit - 1)),
        _ => true,
    }
}
