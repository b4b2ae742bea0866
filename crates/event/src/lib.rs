//! The event model: what applications send, validated, and its Avro form.
