//! OpenTelemetry traces to audit events.
//!
//! [`decode_protobuf`] and [`decode_json`] read an `ExportTraceServiceRequest` (already decompressed) within
//! [`Limits`]; [`map`] makes an event of every span that tells of a model, an agent, a tool or a guardrail, by whichever
//! of the known naming conventions its instrumentation follows; [`answer`] writes what the exporter is told.
//! docs/opentelemetry.md lists the names and the form of the bodies.
//!
//! No I/O, no clock, no randomness: the same span gives the same event, so an export that is sent again is a duplicate
//! and no second record.

pub mod answer;
mod attributes;
mod classify;
mod json;
mod limits;
mod map;
mod messages;
mod proto;
mod span;
mod tree;
mod usage;

pub use json::decode_json;
pub use limits::{DecodeError, Limits};
pub use map::{Context, EVENT_URL, Mapped, RESPONSE_TYPE, event_id, map};
pub use proto::decode_protobuf;
pub use span::{Batch, Group, Rejection, Scope, Span, SpanEvent};
