//! Who and what an encoded event is, read from its first bytes: for those who carry events without reading them.

use uuid::Uuid;

use crate::{Frame, frame};

/// Longest kind or id that is looked at, in bytes.
const MOST_TEXT: usize = 64;

/// The first fields of an encoded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peeked {
    pub event_id: Uuid,
    pub tenant: Uuid,
    /// CRC-64-AVRO of the writer's schema.
    pub schema: [u8; 8],
}

/// Reads the ids of a value in single-object encoding, whose schemas all begin with kind, event id and tenant; none
/// when it is anything else.
pub fn peek(value: &[u8]) -> Option<Peeked> {
    let Ok(Frame::SingleObject { fingerprint, datum }) = frame(value) else {
        return None;
    };
    let (_kind, rest) = text(datum)?;
    let (event_id, rest) = text(rest)?;
    let (tenant, _) = text(rest)?;
    Some(Peeked {
        event_id: Uuid::try_parse(event_id).ok()?,
        tenant: Uuid::try_parse(tenant).ok()?,
        schema: fingerprint,
    })
}

/// An Avro string: its length as a zigzag varint, then the bytes. Short ones only.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = match *bytes {
        [low, ref rest @ ..] if low < 0x80 => (usize::from(low), rest),
        [low, high, ref rest @ ..] if high < 0x80 => (usize::from(low & 0x7f) | usize::from(high) << 7, rest),
        _ => return None,
    };
    // Zigzag: an odd number is a negative length.
    if !length.is_multiple_of(2) || length / 2 > MOST_TEXT {
        return None;
    }
    let (text, rest) = rest.split_at_checked(length / 2)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Kind, WriterSchema, encode};

    #[test]
    fn the_ids_are_those_of_the_event() {
        let event = Event {
            kind: Kind::Outcome,
            event_id: Uuid::from_u128(5),
            tenant: Uuid::from_u128(6),
            application: "loans".to_owned(),
            ..Event::default()
        };
        let encoded = encode(&event).unwrap();
        let peeked = peek(&encoded).unwrap();
        assert_eq!(
            (peeked.event_id, peeked.tenant, peeked.schema),
            (
                event.event_id,
                event.tenant,
                WriterSchema::present().fingerprint()
            )
        );
        for length in 0..encoded.len().min(100) {
            // Cut anywhere it is read or not, but never wrongly.
            assert!(
                peek(&encoded[..length]).is_none_or(|found| found == peeked),
                "{length}"
            );
        }
    }

    #[test]
    fn what_is_no_event_has_no_ids() {
        for value in [
            &b""[..],
            b"\x00\x00\x00\x00\x01\x02a",
            b"\xC3\x01\0\0\0\0\0\0\0\0\x01",
            b"\xC3\x01\0\0\0\0\0\0\0\0\xff\xff\xff",
        ] {
            assert_eq!(peek(value), None);
        }
    }
}
