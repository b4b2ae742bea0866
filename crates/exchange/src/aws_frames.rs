//! The binary event stream of AWS (`application/vnd.amazon.eventstream`).
//!
//! A message is: total length, header length, CRC-32 of both (4 bytes each, big endian), headers, payload, CRC-32 of
//! the message. Headers are name (length byte), type byte, value; only string values (type 7) matter here. The
//! checksums guard the wire, which was the client's to check; a wrong length shows as a cut stream.

use base64::Engine;
use serde_json::Value;

use crate::frames::{Frame, Frames};

const PRELUDE_BYTES: usize = 12;
const TRAILER_BYTES: usize = 4;

/// The events of a stream; payloads of `InvokeModelWithResponseStream` are taken out of their base64 wrapping.
pub(crate) fn aws_event_stream(body: &[u8]) -> Frames {
    let mut out = Frames::default();
    let mut rest = body;
    while !rest.is_empty() {
        let Some((event, payload, after)) = message(rest) else {
            out.cut = true;
            break;
        };
        rest = after;
        match serde_json::from_slice(payload) {
            Ok(data) => out.frames.push(Frame {
                event,
                data: unwrapped(data),
            }),
            Err(_) => out.cut = true,
        }
    }
    out
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four)).ok()
}

/// Event type, payload, and what follows the first message.
fn message(bytes: &[u8]) -> Option<(String, &[u8], &[u8])> {
    let total = length(bytes, 0)?;
    let header_bytes = length(bytes, 4)?;
    let headers_end = PRELUDE_BYTES.checked_add(header_bytes)?;
    let payload_end = total.checked_sub(TRAILER_BYTES)?;
    let headers = bytes.get(PRELUDE_BYTES..headers_end)?;
    let payload = bytes.get(headers_end..payload_end)?;
    Some((
        event_type(headers).unwrap_or_default(),
        payload,
        bytes.get(total..)?,
    ))
}

fn event_type(mut headers: &[u8]) -> Option<String> {
    const STRING: u8 = 7;
    let mut kind = None;
    while let Some((name_length, rest)) = headers.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (value_type, rest) = rest.split_first()?;
        if *value_type != STRING {
            break;
        }
        let (size, rest) = rest.split_at_checked(2)?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([size[0], size[1]])))?;
        if name == b":event-type" || name == b":exception-type" {
            kind = std::str::from_utf8(value).ok().map(str::to_owned);
        }
        headers = rest;
    }
    kind
}

fn unwrapped(data: Value) -> Value {
    let inner = data.get("bytes").and_then(Value::as_str);
    let bytes = inner.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message_of(event: &str, payload: &str) -> Vec<u8> {
        let mut headers = vec![11];
        headers.extend(b":event-type");
        headers.push(7);
        headers.extend(u16::try_from(event.len()).unwrap().to_be_bytes());
        headers.extend(event.as_bytes());
        let total = PRELUDE_BYTES + headers.len() + payload.len() + TRAILER_BYTES;
        let mut out = u32::try_from(total).unwrap().to_be_bytes().to_vec();
        out.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
        out.extend([0; 4]);
        out.extend(headers);
        out.extend(payload.as_bytes());
        out.extend([0; 4]);
        out
    }

    #[test]
    fn messages_are_cut_apart_and_unwrapped() {
        let inner = base64::engine::general_purpose::STANDARD.encode(r#"{"type":"ping"}"#);
        let mut stream = message_of("messageStart", r#"{"role":"assistant"}"#);
        stream.extend(message_of("chunk", &format!(r#"{{"bytes":"{inner}"}}"#)));
        let frames = aws_event_stream(&stream);
        assert_eq!(
            frames.frames[0],
            Frame {
                event: "messageStart".into(),
                data: json!({"role": "assistant"})
            }
        );
        assert_eq!(frames.frames[1].data, json!({"type": "ping"}));
        assert!(!frames.cut);
        assert!(aws_event_stream(&stream[..stream.len() - 1]).cut);
    }
}
