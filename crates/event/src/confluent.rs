//! How a value on `audit.events` says which schema wrote it: the single-object encoding of Avro, or Confluent's framing.

use crate::AvroError;

const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];
const SINGLE_OBJECT_BYTES: usize = 10;
/// Confluent's "magic byte"; four bytes of schema id follow, big-endian.
const CONFLUENT: u8 = 0x00;
const CONFLUENT_BYTES: usize = 5;

/// A value taken apart, not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `C3 01`, the CRC-64-AVRO fingerprint of the writer's schema (little-endian), the datum.
    SingleObject { fingerprint: [u8; 8], datum: &'a [u8] },
    /// `00`, the id the schema has in a schema registry, the datum.
    Confluent { schema_id: u32, datum: &'a [u8] },
}

/// Takes a value of the topic `audit.events` apart.
///
/// # Errors
/// [`AvroError::TooShort`] or [`AvroError::NoMarker`].
pub fn frame(bytes: &[u8]) -> Result<Frame<'_>, AvroError> {
    if bytes.first() == Some(&CONFLUENT) {
        let (head, datum) = bytes
            .split_first_chunk::<CONFLUENT_BYTES>()
            .ok_or(AvroError::TooShort(bytes.len()))?;
        let [_, id @ ..] = *head;
        let schema_id = u32::from_be_bytes(id);
        return Ok(Frame::Confluent { schema_id, datum });
    }
    let (head, datum) = bytes
        .split_first_chunk::<SINGLE_OBJECT_BYTES>()
        .ok_or(AvroError::TooShort(bytes.len()))?;
    let [first, second, fingerprint @ ..] = *head;
    if [first, second] != SINGLE_OBJECT {
        return Err(AvroError::NoMarker);
    }
    Ok(Frame::SingleObject { fingerprint, datum })
}

/// The head of a single-object value.
pub(crate) fn single_object_head(fingerprint: [u8; 8]) -> [u8; SINGLE_OBJECT_BYTES] {
    let mut head = [0; SINGLE_OBJECT_BYTES];
    head[..2].copy_from_slice(&SINGLE_OBJECT);
    head[2..].copy_from_slice(&fingerprint);
    head
}
