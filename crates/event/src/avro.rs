//! The Avro form on Kafka: single-object encoding (`C3 01`, the schema's fingerprint, the datum).

use std::sync::LazyLock;

use apache_avro::{
    Schema, rabin::Rabin, reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter,
};
use sha2::{Digest, Sha256};

use crate::Event;

/// The schema that this version writes, as committed under `schemas/`.
pub const SCHEMA_JSON: &str = include_str!("../../../schemas/audit_event.v1.avsc");

const MARKER: [u8; 2] = [0xC3, 0x01];
const PREFIX_BYTES: usize = 10;

/// Why bytes from Kafka are no event.
#[derive(Debug, thiserror::Error)]
pub enum AvroError {
    #[error("the value has {0} bytes, fewer than the 10 of the single-object header")]
    TooShort(usize),
    #[error("the value does not begin with the single-object marker C3 01")]
    NoMarker,
    #[error("unknown schema fingerprint {0}")]
    UnknownSchema(String),
    /// The decoder's own message is withheld: it may quote the value.
    #[error("the value does not decode with its schema")]
    Decode,
    #[error("{0} bytes follow the event")]
    TrailingBytes(usize),
    #[error("the event does not encode: {0}")]
    Encode(String),
}

struct Codec {
    schema: Schema,
    fingerprint: [u8; 8],
    canonical_sha256: [u8; 32],
}

static CODEC: LazyLock<Codec> = LazyLock::new(|| {
    // Bounds what a forged length prefix may allocate; the edge refuses bodies far below it.
    apache_avro::util::max_allocation_bytes(64 * 1024 * 1024);
    let schema = Schema::parse_str(SCHEMA_JSON).expect("the committed schema parses: tested");
    let rabin = schema.fingerprint::<Rabin>();
    let mut fingerprint = [0; 8];
    fingerprint.copy_from_slice(&rabin.bytes[..8]);
    let canonical_sha256 = Sha256::digest(schema.canonical_form().as_bytes()).into();
    Codec {
        schema,
        fingerprint,
        canonical_sha256,
    }
});

/// SHA-256 of the writer schema's canonical form: the leaf's `avro_schema_hash`.
pub fn schema_hash() -> [u8; 32] {
    CODEC.canonical_sha256
}

/// Encodes an event for the topic `audit.events`.
pub fn encode(event: &Event) -> Result<Vec<u8>, AvroError> {
    let codec = &*CODEC;
    let writer = GenericDatumWriter::builder(&codec.schema)
        .build()
        .map_err(|error| AvroError::Encode(error.to_string()))?;
    let body_bytes = event.request.as_ref().map_or(0, |request| request.body.len())
        + event.response.as_ref().map_or(0, |response| response.body.len());
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + body_bytes + 512);
    bytes.extend_from_slice(&MARKER);
    bytes.extend_from_slice(&codec.fingerprint);
    writer
        .write_ser(&mut bytes, event)
        .map_err(|error| AvroError::Encode(error.to_string()))?;
    Ok(bytes)
}

/// Decodes a value of the topic `audit.events`. Every byte must belong to the event.
pub fn decode(bytes: &[u8]) -> Result<Event, AvroError> {
    let codec = &*CODEC;
    if bytes.len() < PREFIX_BYTES {
        return Err(AvroError::TooShort(bytes.len()));
    }
    if bytes[..2] != MARKER {
        return Err(AvroError::NoMarker);
    }
    if bytes[2..PREFIX_BYTES] != codec.fingerprint {
        let hex: String = bytes[2..PREFIX_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        return Err(AvroError::UnknownSchema(hex));
    }
    let reader = GenericDatumReader::builder(&codec.schema)
        .build()
        .map_err(|_| AvroError::Decode)?;
    let mut rest = &bytes[PREFIX_BYTES..];
    let event: Event = reader.read_deser(&mut rest).map_err(|_| AvroError::Decode)?;
    if !rest.is_empty() {
        return Err(AvroError::TrailingBytes(rest.len()));
    }
    Ok(event)
}

/// The bytes that say whether two deliveries of one `event_id` have the same content: everything
/// but what the edge added. Keyed hashes of it are compared, never the bytes themselves.
pub fn content_bytes(event: &Event) -> Result<Vec<u8>, AvroError> {
    let content = Event {
        edge_at_us: None,
        receipt: None,
        ..event.clone()
    };
    encode(&content)
}
