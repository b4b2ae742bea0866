//! The event model: what applications send, validated, and its Avro form. No I/O, no clock.

mod avro;
mod json;
mod model;
mod strict;
mod validate;

pub use avro::{AvroError, SCHEMA_JSON, content_bytes, decode, encode, schema_hash};
pub use json::{parse_json, parse_outcome_json};
pub use model::{
    Access, CallError, Event, Kind, Outcome, ProviderRequest, ProviderResponse, Source, Subject, Timing,
    Trace,
};
pub use strict::{StrictError, parse_strict};
pub use validate::{FieldError, Limits, validate};
