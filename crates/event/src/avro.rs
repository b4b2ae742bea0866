//! The Avro form on Kafka: single-object encoding when written; when read, Confluent's framing as well.

use std::sync::LazyLock;

use apache_avro::writer::datum::GenericDatumWriter;

use crate::confluent::single_object_head;
use crate::{Event, Frame, WriterSchema, frame};

/// Why bytes from Kafka are no event.
#[derive(Debug, thiserror::Error)]
pub enum AvroError {
    #[error("the value has {0} bytes, fewer than the header of either framing (10 or 5)")]
    TooShort(usize),
    #[error("the value begins neither with the single-object marker C3 01 nor with Confluent's 00")]
    NoMarker,
    #[error("unknown schema fingerprint {0}")]
    UnknownSchema(String),
    #[error("the value has Confluent's framing (schema id {0}), and no schema registry is configured")]
    NoRegistry(u32),
    /// The decoder's own message is withheld: it may quote the value.
    #[error("the value does not decode with its schema")]
    Decode,
    #[error("{0} bytes follow the event")]
    TrailingBytes(usize),
    #[error("the event does not encode: {0}")]
    Encode(String),
}

/// SHA-256 of the canonical form of the schema that is written: the leaf's `avro_schema_hash`.
pub fn schema_hash() -> [u8; 32] {
    WriterSchema::present().canonical_sha256()
}

/// Made once: what a writer knows of its schema takes longer to find out than an event to write.
static WRITER: LazyLock<Result<GenericDatumWriter<'static>, String>> = LazyLock::new(|| {
    let writer = GenericDatumWriter::builder(WriterSchema::present().schema()).build();
    writer.map_err(|error| error.to_string())
});

/// Encodes an event for the topic `audit.events`.
pub fn encode(event: &Event) -> Result<Vec<u8>, AvroError> {
    let writer = WRITER
        .as_ref()
        .map_err(|error| AvroError::Encode(error.clone()))?;
    let body_bytes = event.request.as_ref().map_or(0, |request| request.body.len())
        + event.response.as_ref().map_or(0, |response| response.body.len());
    let head = single_object_head(WriterSchema::present().fingerprint());
    let mut bytes = Vec::with_capacity(head.len() + body_bytes + 512);
    bytes.extend_from_slice(&head);
    writer
        .write_ser(&mut bytes, event)
        .map_err(|error| AvroError::Encode(error.to_string()))?;
    Ok(bytes)
}

/// Decodes a value of the topic `audit.events` in single-object encoding, written with any committed schema. Every
/// byte must belong to the event.
///
/// A value in Confluent's framing needs the schema of its id: take it apart with [`frame`], ask the registry, and
/// decode with [`WriterSchema::decode`].
pub fn decode(bytes: &[u8]) -> Result<Event, AvroError> {
    match frame(bytes)? {
        Frame::Confluent { schema_id, .. } => Err(AvroError::NoRegistry(schema_id)),
        Frame::SingleObject { fingerprint, datum } => match WriterSchema::committed(fingerprint) {
            Some(schema) => schema.decode(datum),
            None => {
                let hex = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
                Err(AvroError::UnknownSchema(hex))
            }
        },
    }
}

/// The bytes that say whether two deliveries of one `event_id` have the same content: everything
/// but what the edge added. Keyed hashes of it are compared, never the bytes themselves.
pub fn content_bytes(event: &Event) -> Result<Vec<u8>, AvroError> {
    if event.edge_at_us.is_none() && event.receipt.is_none() {
        return encode(event);
    }
    let content = Event {
        edge_at_us: None,
        receipt: None,
        ..event.clone()
    };
    encode(&content)
}
