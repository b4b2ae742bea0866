//! The event model: what applications send, validated, and its Avro form. No I/O, no clock.

mod avro;
mod compatible;
mod confluent;
mod facts;
mod json;
mod kind;
mod model;
mod peek;
mod schemas;
mod shown;
mod strict;
mod system;
mod validate;

pub use avro::{AvroError, content_bytes, decode, encode, schema_hash};
pub use confluent::{Frame, frame};
pub use facts::{
    MAX_ERASED_KEYS, MAX_FACTS, MAX_PRUNED_RANGES, MAX_REPRICE_TEXT, REPRICE_MONEY, REPRICE_TEXTS, detail,
    erased_keys, is_fact_name, is_plain_fact, pruned,
};
pub use json::{parse_json, parse_outcome_json};
pub use kind::Kind;
pub use model::{
    Access, CallError, Event, Outcome, ProviderRequest, ProviderResponse, Source, Subject, Timing, Trace,
};
pub use peek::{Peeked, peek};
pub use schemas::{MAX_SCHEMA_BYTES, SCHEMA_JSON, SchemaError, WriterSchema};
pub use shown::shown_name;
pub use strict::{StrictError, parse_strict};
pub use system::{OWN_APPLICATION, SystemEvent, intent_id, intent_of, system_id};
pub use validate::{FieldError, Limits, validate};
